/* What each command sends. */
#include "rig.h"
#include <stdio.h>
#include <string.h>

#define CUS "cus_01JDX3V5Q8E7Z2M4N6P8R0T2V4"
#define CAS "cas_01JDX3V5Q8E7Z2M4N6P8R0T2V4"
#define MSG "msg_01JDX3V5Q8E7Z2M4N6P8R0T2V4"
#define APT "apt_01JDX3V5Q8E7Z2M4N6P8R0T2V4"
#define MED "med_01JDX3V5Q8E7Z2M4N6P8R0T2V4"

static int rig_setup(void **state)
{
    *state = rig_new();
    return 0;
}

static int rig_teardown(void **state)
{
    struct rig *rig = *state;

    rig_free(&rig);
    return 0;
}

/* One run, one request. */
struct example {
    const char *args[24];
    const char *method, *uri, *body;
    unsigned status; /* 0: 200 */
};
#define POS "/v1/channels/caja/admin"
static const struct example examples[] = {
    {{"pos", "enroll", "--store", "CENTRO", "--terminal", "3", "--channel", "caja"},
     "POST",
     POS "/enrollments",
     "{\"store\":\"CENTRO\",\"terminal\":\"3\"}",
     201},
    {{"pos", "enroll", "--store", "CENTRO", "--terminal", "3", "--role", "kiosk", "--lifetime", "30m",
      "--channel", "caja"},
     "POST",
     POS "/enrollments",
     "{\"store\":\"CENTRO\",\"terminal\":\"3\",\"role\":\"kiosk\",\"lifetime_s\":1800}",
     201},
    {{"pos", "codes", "--channel", "caja"}, "GET", POS "/enrollments", NULL, 0},
    {{"pos", "withdraw", "enr_1", "--channel", "caja"}, "DELETE", POS "/enrollments/enr_1", NULL, 204},
    {{"pos", "list", "--store", "CENTRO", "--state", "active", "-n", "7", "--cursor", "A/1", "--channel",
      "caja"},
     "GET",
     POS "/terminals?store=CENTRO&state=active&limit=7&cursor=A%2F1",
     NULL,
     0},
    {{"pos", "show", "CENTRO", "3", "--channel", "caja"}, "GET", POS "/terminals/CENTRO/3", NULL, 0},
    {{"pos", "rotate", "CENTRO", "3", "--channel", "caja"},
     "POST",
     POS "/terminals/CENTRO/3/rotate",
     NULL,
     0},
    {{"pos", "revoke", "CENTRO", "3", "--channel", "caja"},
     "POST",
     POS "/terminals/CENTRO/3/revoke",
     NULL,
     0},
    {{"pos", "role", "CENTRO", "3", "cashier", "--channel", "caja"},
     "PATCH",
     POS "/terminals/CENTRO/3",
     "{\"role\":\"cashier\"}",
     0},
    {{"pos", "remove", "CENTRO", "3", "--channel", "caja"}, "DELETE", POS "/terminals/CENTRO/3", NULL, 204},
    {{"pos", "ca", "--channel", "caja"}, "GET", POS "/ca", NULL, 0},
    {{"send", "--phone", "+573001112233", "Hola Ana"},
     "POST",
     "/v1/messages",
     "{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"text\",\"text\":\"Hola Ana\"}}",
     202},
    {{"send", "--document", "CO:CC:1020304050", "--channel", "whatsapp-co", "--case", CAS, "--category",
      "transactional", "--priority", "bulk", "--expires", "PT1H", "--reply-to", MSG, "--language", "es", "--",
      "-1 día"},
     "POST",
     "/v1/messages",
     "{\"to\":{\"document\":\"CO:CC:1020304050\"},\"channel\":\"whatsapp-co\",\"case\":\"" CAS
     "\",\"category\":\"transactional\",\"priority\":\"bulk\",\"expires_in\":\"PT1H\",\"reply_to\":\"" MSG
     "\",\"language\":\"es\",\"content\":{\"type\":\"text\",\"text\":\"-1 día\"}}",
     202},
    {{"send", "--phone", "+573001112233", "--at", "2026-12-24T09:00:00-05:00", "--sender", "Tienda",
      "--flash", "x"},
     "POST",
     "/v1/messages",
     "{\"to\":{\"phone\":\"+573001112233\"},\"send_at\":\"2026-12-24T09:00:00-05:00\",\"sender\":\"Tienda\","
     "\"flash\":true,\"content\":{\"type\":\"text\",\"text\":\"x\"}}",
     202},
    {{"send", "--web-visitor", "w1", "--text", "x"},
     "POST",
     "/v1/messages",
     "{\"to\":{\"web_visitor\":\"w1\"},\"content\":{\"type\":\"text\",\"text\":\"x\"}}",
     202},
    {{"send", "--customer", CUS, "--template", "pedir_foto", "--language", "es", "--body", "Ana", "--body",
      "el lunes, 3=4", "--header", "Pedido", "--text", "Hola Ana, ¿una foto?"},
     "POST",
     "/v1/messages",
     "{\"to\":{\"customer\":\"" CUS
     "\"},\"content\":{\"type\":\"template\",\"name\":\"pedir_foto\",\"language\":\"es\","
     "\"text\":\"Hola Ana, ¿una foto?\",\"parameters\":{\"header\":[\"Pedido\"],"
     "\"body\":[\"Ana\",\"el lunes, 3=4\"]}}}",
     202},
    {{"send", "--email", "ana@example.com", "--template", "hola", "--language", "es"},
     "POST",
     "/v1/messages",
     "{\"to\":{\"email\":\"ana@example.com\"},\"content\":{\"type\":\"template\",\"name\":\"hola\","
     "\"language\":\"es\"}}",
     202},
    {{"send", "--whatsapp", "CO.15", "--choices", "exchange=Cambio, refund=Devolución", "--choice",
      "none=Nada, gracias", "--text", "¿Qué prefiere?", "--footer", "f", "--header", "h", "--button", "Ver",
      "--language", "es"},
     "POST",
     "/v1/messages",
     "{\"to\":{\"whatsapp\":\"CO.15\"},\"language\":\"es\",\"content\":{\"type\":\"choices\","
     "\"text\":\"¿Qué prefiere?\",\"header\":\"h\",\"footer\":\"f\",\"button\":\"Ver\",\"choices\":["
     "{\"id\":\"exchange\",\"title\":\"Cambio\"},{\"id\":\"refund\",\"title\":\"Devolución\"},"
     "{\"id\":\"none\",\"title\":\"Nada, gracias\"}]}}",
     202},
    {{"send", "--loyalty", "L1", "--media", MED, "--kind", "image", "--caption", "la pantalla"},
     "POST",
     "/v1/messages",
     "{\"to\":{\"loyalty\":\"L1\"},\"content\":{\"type\":\"media\",\"kind\":\"image\",\"media\":\"" MED
     "\",\"caption\":\"la pantalla\"}}",
     202},
    {{"send", "--phone", "+1", "--media", "https://example.com/a.pdf", "--kind", "document"},
     "POST",
     "/v1/messages",
     "{\"to\":{\"phone\":\"+1\"},\"content\":{\"type\":\"media\",\"kind\":\"document\","
     "\"url\":\"https://example.com/a.pdf\"}}",
     202},
    {{"send", "--email", "ana@example.com", "Hola", "--subject", "Su factura", "-a", MED, "--attach",
      "https://example.com/a.pdf"},
     "POST",
     "/v1/messages",
     "{\"to\":{\"email\":\"ana@example.com\"},\"content\":{\"subject\":\"Su "
     "factura\",\"type\":\"text\",\"text\":"
     "\"Hola\",\"attachments\":[{\"media\":\"" MED "\"},{\"url\":\"https://example.com/a.pdf\"}]}}",
     202},
    {{"message", "typing", MSG}, "POST", "/v1/messages/" MSG "/typing", NULL, 202},
    {{"channels", "templates", "wa", "--limit", "5"}, "GET", "/v1/channels/wa/templates?limit=5", NULL, 0},
    {{"message", "show", MSG}, "GET", "/v1/messages/" MSG, NULL, 0},
    {{"message", "show", "../keys?x#y"}, "GET", "/v1/messages/..%2Fkeys%3Fx%23y", NULL, 0},
    {{"message", "cancel", MSG}, "DELETE", "/v1/messages/" MSG, NULL, 0},
    {{"message", "read", MSG}, "POST", "/v1/messages/" MSG "/read", NULL, 202},
    {{"customer", "create", "--name", "Ana Gómez", "--language", "es", "--time-zone", "America/Bogota",
      "--attributes", "{\"talla\":\"M\"}", "--phone", "+573001112233", "--document", "CO:CC:1", "--verified"},
     "POST",
     "/v1/customers",
     "{\"name\":\"Ana Gómez\",\"language\":\"es\",\"time_zone\":\"America/Bogota\",\"attributes\":{"
     "\"talla\":\"M\"},\"identifiers\":[{\"scheme\":\"phone\",\"value\":\"+573001112233\",\"verified\":true},"
     "{\"scheme\":\"document\",\"value\":\"CO:CC:1\",\"verified\":true}]}",
     201},
    {{"customer", "create"}, "POST", "/v1/customers", "{}", 201},
    {{"customer", "find", "--document", "CO:CC:1", "--phone", "+57"},
     "POST",
     "/v1/customers/search",
     "{\"document\":\"CO:CC:1\",\"phone\":\"+57\"}",
     0},
    {{"customer", "show", CUS}, "GET", "/v1/customers/" CUS, NULL, 0},
    {{"customer", "update", CUS, "--name", "", "--language", "es-CO", "--add", "email=a=b@example.com",
      "--add", "phone=+57", "--remove", "whatsapp=CO.1", "--verified"},
     "PATCH",
     "/v1/customers/" CUS,
     "{\"name\":null,\"language\":\"es-CO\",\"add_identifiers\":[{\"scheme\":\"email\",\"value\":"
     "\"a=b@example.com\",\"verified\":true},{\"scheme\":\"phone\",\"value\":\"+57\",\"verified\":true}],"
     "\"remove_identifiers\":[{\"scheme\":\"whatsapp\",\"value\":\"CO.1\"}]}",
     0},
    {{"case", "open", "--customer", CUS, "--subject", "Televisor averiado", "--owner", "Luis", "--status",
      "pending"},
     "POST",
     "/v1/cases",
     "{\"customer\":\"" CUS
     "\",\"subject\":\"Televisor averiado\",\"owner\":\"Luis\",\"status\":\"pending\"}",
     201},
    {{"customer", "consent", CUS}, "GET", "/v1/customers/" CUS "/consents", NULL, 0},
    {{"customer", "consent", CUS, "promotional", "denied", "--proof", "llamada"},
     "PUT",
     "/v1/customers/" CUS "/consents/promotional",
     "{\"state\":\"denied\",\"proof\":\"llamada\"}",
     0},
    {{"customer", "consent", CUS, "service", "granted", "-c", "wa"},
     "PUT",
     "/v1/customers/" CUS "/consents/service",
     "{\"state\":\"granted\",\"channel\":\"wa\"}",
     0},
    {{"customer", "consent", CUS, "service", "granted", "--channel-type", "sms"},
     "PUT",
     "/v1/customers/" CUS "/consents/service",
     "{\"state\":\"granted\",\"channel_type\":\"sms\"}",
     0},
    {{"case", "list"}, "GET", "/v1/cases", NULL, 0},
    {{"case", "list", "--status", "open", "--owner", "José & Cía", "--customer", CUS, "--limit", "5",
      "--cursor", "a+b"},
     "GET",
     "/v1/cases?status=open&owner=Jos%C3%A9%20%26%20C%C3%ADa&customer=" CUS "&limit=5&cursor=a%2Bb",
     NULL,
     0},
    {{"case", "show", CAS, "--json"}, "GET", "/v1/cases/" CAS, NULL, 0},
    {{"case", "messages", CAS, "-n", "3"}, "GET", "/v1/cases/" CAS "/messages?limit=3", NULL, 0},
    {{"case", "update", CAS, "--status", "closed", "--owner", ""},
     "PATCH",
     "/v1/cases/" CAS,
     "{\"status\":\"closed\",\"owner\":null}",
     0},
    {{"customer", "lookup", "--document", "CO:CC:1020304050", "--reason", "warranty", "--store", "centro",
      "--terminal", "3", "--clerk", "luz", "-n", "5"},
     "POST",
     "/v1/customers/lookup",
     "{\"by\":{\"document\":\"CO:CC:1020304050\"},\"reason\":\"warranty\",\"store\":\"centro\",\"terminal\":"
     "\"3\","
     "\"clerk\":\"luz\",\"timeline\":5}",
     0},
    {{"audit", "--customer", CUS, "--store", "centro", "--from", "2026-11-27T00:00:00Z", "-n", "5"},
     "GET",
     "/v1/audit?customer=" CUS "&store=centro&from=2026-11-27T00%3A00%3A00Z&limit=5",
     NULL,
     0},
    {{"stock", "available", "CAM/7", "--quantity", "3", "--size", "M", "--title", "Camisa azul", "--link",
      "https://t.co/c", "--hold", "PT1H", "--rate", "5", "--content",
      "{\"type\":\"text\",\"text\":\"{link}\"}", "--idempotency-key", "k"},
     "POST",
     "/v1/stock/CAM%2F7/available",
     "{\"quantity\":3,\"rate\":5,\"size\":\"M\",\"title\":\"Camisa "
     "azul\",\"link\":\"https://t.co/c\",\"hold\":"
     "\"PT1H\",\"content\":{\"type\":\"text\",\"text\":\"{link}\"}}",
     202},
    {{"stock", "subscribe", "CAM-7", "--phone", "+573001112233", "--size", "M", "--store", "centro"},
     "POST",
     "/v1/stock/CAM-7/subscriptions",
     "{\"to\":{\"phone\":\"+573001112233\"},\"size\":\"M\",\"store\":\"centro\"}",
     201},
    {{"stock", "list", "CAM-7", "--limit", "9"}, "GET", "/v1/stock/CAM-7/subscriptions?limit=9", NULL, 0},
    {{"stock", "unsubscribe", "wsh_1"}, "DELETE", "/v1/subscriptions/wsh_1", NULL, 204},
    {{"case", "note", CAS, "Trae el control", "--clerk", "luz"},
     "POST",
     "/v1/cases/" CAS "/notes",
     "{\"text\":\"Trae el control\",\"clerk\":\"luz\"}",
     201},
    {{"appointment", "book", "--document", "CO:CC:1020304050", "--store", "centro", "--at",
      "2026-12-04T15:30:00-05:00", "--subject", "Cambio", "--remind", "PT24H", "--remind", "PT2H", "--clerk",
      "luis", "--confirmation", "{\"type\":\"text\",\"text\":\"x\"}"},
     "POST",
     "/v1/appointments",
     "{\"to\":{\"document\":\"CO:CC:1020304050\"},\"store\":\"centro\",\"starts_at\":\"2026-12-04T15:30:00-"
     "05:00\","
     "\"subject\":\"Cambio\",\"remind_before\":[\"PT24H\",\"PT2H\"],\"clerk\":\"luis\",\"confirmation\":{"
     "\"type\":"
     "\"text\",\"text\":\"x\"}}",
     201},
    {{"appointment", "book", "--customer", CUS, "--store", "centro", "--at", "2026-12-04T20:30:00Z",
      "--until", "2026-12-04T21:00:00Z", "--remind", "none", "--no-confirm", "--time-zone", "America/Bogota"},
     "POST",
     "/v1/appointments",
     "{\"customer\":\"" CUS "\",\"store\":\"centro\",\"starts_at\":\"2026-12-04T20:30:00Z\",\"ends_at\":"
     "\"2026-12-04T21:00:00Z\",\"time_zone\":\"America/Bogota\",\"confirm\":false,\"remind_before\":[]}",
     201},
    {{"appointment", "list", "--store", "centro", "--from", "2026-12-04T05:00:00Z", "-n", "5"},
     "GET",
     "/v1/appointments?store=centro&from=2026-12-04T05%3A00%3A00Z&limit=5",
     NULL,
     0},
    {{"appointment", "show", "K7QM2P"}, "GET", "/v1/appointments/K7QM2P", NULL, 0},
    {{"appointment", "move", APT, "--at", "2026-12-05T20:30:00Z", "--no-confirm"},
     "PATCH",
     "/v1/appointments/" APT,
     "{\"starts_at\":\"2026-12-05T20:30:00Z\",\"confirm\":false}",
     0},
    {{"appointment", "cancel", APT, "--tell", "--terminal", "caja-1"},
     "PATCH",
     "/v1/appointments/" APT,
     "{\"status\":\"canceled\",\"confirm\":true,\"terminal\":\"caja-1\"}",
     0},
    {{"appointment", "update", APT, "--status", "no_show", "--place", ""},
     "PATCH",
     "/v1/appointments/" APT,
     "{\"status\":\"no_show\",\"place\":null}",
     0},
    {{"appointment", "checkin", "K7QM2P", "--store", "centro"},
     "POST",
     "/v1/appointments/K7QM2P/checkin",
     "{\"store\":\"centro\"}",
     0},
    {{"call", "list", "--channel", "voz", "--status", "open", "-n", "5"},
     "GET",
     "/v1/calls?channel=voz&status=open&limit=5",
     NULL,
     0},
    {{"call", "show", "cal_1"}, "GET", "/v1/calls/cal_1", NULL, 0},
    {{"timeline", CUS}, "GET", "/v1/customers/" CUS "/timeline", NULL, 0},
    {{"timeline", "--limit", "10", CUS, "--cursor", "c-_1"},
     "GET",
     "/v1/customers/" CUS "/timeline?limit=10&cursor=c-_1",
     NULL,
     0},
    {{"channels"}, "GET", "/v1/channels", NULL, 0},
    {{"channels", "pause", "whatsapp-co", "--reason", "prueba"},
     "POST",
     "/v1/channels/whatsapp-co/pause",
     "{\"reason\":\"prueba\"}",
     0},
    {{"channels", "resume", "whatsapp-co"}, "POST", "/v1/channels/whatsapp-co/resume", "{}", 0},
    {{"key", "create", "--name", "shop", "--scopes", "messages:write, media:write", "--scopes", "cases:read"},
     "POST",
     "/v1/keys",
     "{\"name\":\"shop\",\"scopes\":[\"messages:write\",\"media:write\",\"cases:read\"]}",
     201},
    {{"key", "list"}, "GET", "/v1/keys", NULL, 0},
    {{"key", "revoke", "key_1"}, "DELETE", "/v1/keys/key_1", NULL, 204},
    {{"media", "get", MED}, "GET", "/v1/media/" MED, NULL, 0},
    {{"media", "get", MED, "--info"}, "GET", "/v1/media/" MED "?info=", NULL, 0},
    {{"media", "get", MED, "--json"}, "GET", "/v1/media/" MED "?info=", NULL, 0},
};

static void every_command_sends_its_request(void **state)
{
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        const struct example *e = &examples[i];
        rig_forget(rig);
        rig_answer(rig, e->status ? e->status : 200, e->status == 204 ? "" : "{}");
        int rc = rig_run(rig, e->args);
        if (rc != 0 || rig_requests(rig) != 1)
            print_error("hilo %s …, example %zu: %s\n", e->args[0], i, rig_err(rig));
        assert_int_equal(rc, 0);
        assert_int_equal(rig_requests(rig), 1);
        assert_request(rig, 0, e->method, e->uri, e->body);
        assert_string_equal(rig_err(rig), "");
    }
}

static void a_send_has_a_key_of_its_own_or_the_one_given(void **state)
{
    struct rig *rig = *state;
    const char *first, *second;

    assert_int_equal(RUN(rig, "send", "--phone", "+57", "x"), 0);
    assert_int_equal(RUN(rig, "send", "--phone", "+57", "x"), 0);
    assert_int_equal(RUN(rig, "send", "--phone", "+57", "x", "--idempotency-key", "order-7"), 0);
    first = rig_request(rig, 0)->idempotency;
    second = rig_request(rig, 1)->idempotency;
    assert_non_null(first);
    assert_int_equal(strlen(first), 36);
    assert_string_not_equal(first, second);
    assert_string_equal(rig_request(rig, 2)->idempotency, "order-7");
}

static void other_writes_take_a_key_when_given(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(RUN(rig, "case", "open", "--customer", CUS, "--idempotency-key", "k1"), 0);
    assert_int_equal(RUN(rig, "customer", "create", "--idempotency-key", "k2"), 0);
    assert_int_equal(RUN(rig, "message", "read", MSG, "--idempotency-key", "k3"), 0);
    assert_int_equal(RUN(rig, "message", "read", MSG), 0);
    assert_string_equal(rig_request(rig, 0)->idempotency, "k1");
    assert_string_equal(rig_request(rig, 1)->idempotency, "k2");
    assert_string_equal(rig_request(rig, 2)->idempotency, "k3");
    assert_null(rig_request(rig, 3)->idempotency);
}

static void a_file_is_uploaded_and_then_sent(void **state)
{
    struct rig *rig = *state;
    const char *file = rig_path(rig, "Factura nº 1.PDF");

    rig_write(rig, file, "%PDF-1.7 not quite");
    rig_answer(rig, 201, "{\"id\":\"" MED "\",\"size\":18}");
    rig_answer(rig, 202, "{\"id\":\"" MSG "\"}");
    assert_int_equal(RUN(rig, "send", "--phone", "+57", "--media", file, "--caption", "Su factura",
                         "--idempotency-key", "k"),
                     0);
    assert_int_equal(rig_requests(rig), 2);
    const struct rig_request *up = rig_request(rig, 0);
    assert_string_equal(up->method, "POST");
    assert_string_equal(up->uri, "/v1/media?filename=Factura%20n%C2%BA%201.PDF");
    assert_string_equal(up->type, "application/pdf");
    assert_string_equal(up->body, "%PDF-1.7 not quite");
    /* Repeated with the same key, both are known again. */
    assert_string_equal(up->idempotency, "k.media");
    assert_string_equal(rig_request(rig, 1)->idempotency, "k");
    assert_request(rig, 1, "POST", "/v1/messages",
                   "{\"to\":{\"phone\":\"+57\"},\"content\":{\"type\":\"media\",\"kind\":\"document\","
                   "\"media\":\"" MED "\",\"caption\":\"Su factura\"}}");
}

static void html_and_files_go_along(void **state)
{
    struct rig *rig = *state;
    const char *html = rig_path(rig, "a.html"), *file = rig_path(rig, "logo.png");

    rig_write(rig, html, "<p>Hola</p>\n");
    rig_write(rig, file, "png");
    rig_answer(rig, 201, "{\"id\":\"" MED "\",\"size\":3}");
    rig_answer(rig, 202, "{\"id\":\"" MSG "\"}");
    assert_int_equal(RUN(rig, "send", "--email", "a@x.co", "Hola", "--html", html, "--attach", file,
                         "--idempotency-key", "k"),
                     0);
    assert_string_equal(rig_request(rig, 0)->idempotency, "k.attach.0");
    assert_request(rig, 1, "POST", "/v1/messages",
                   "{\"to\":{\"email\":\"a@x.co\"},\"content\":{\"type\":\"text\",\"text\":\"Hola\",\"html\":"
                   "\"<p>Hola</p>\\n\",\"attachments\":[{\"kind\":\"image\",\"media\":\"" MED "\"}]}}");
    rig_forget(rig);
    assert_int_equal(RUN(rig, "send", "--email", "a@x.co", "Hola", "--html", "/none/there"), 1);
    assert_int_equal(
        RUN(rig, "send", "--email", "a@x.co", "--media", MED, "--kind", "image", "--attach", MED), 2);
    assert_int_equal(rig_requests(rig), 0);
}

static void a_refused_upload_sends_nothing(void **state)
{
    struct rig *rig = *state;
    const char *file = rig_path(rig, "a.png");

    rig_write(rig, file, "png");
    rig_answer(rig, 413, "{\"code\":\"too_large\",\"detail\":\"a file may have at most 2 bytes\"}");
    assert_int_equal(RUN(rig, "send", "--phone", "+57", "--media", file), 1);
    assert_int_equal(rig_requests(rig), 1);
}

static void media_put_says_the_type_by_the_name_or_as_told(void **state)
{
    struct rig *rig = *state;
    const char *photo = rig_path(rig, "foto.jpeg"), *data = rig_path(rig, "datos");

    rig_write(rig, photo, "a");
    rig_write(rig, data, "");
    assert_int_equal(RUN(rig, "media", "put", photo), 0);
    assert_int_equal(RUN(rig, "media", "put", data), 0);
    assert_int_equal(RUN(rig, "media", "put", data, "--type", "text/calendar", "--filename", "cita.ics"), 0);
    assert_string_equal(rig_request(rig, 0)->type, "image/jpeg");
    assert_string_equal(rig_request(rig, 0)->uri, "/v1/media?filename=foto.jpeg");
    assert_string_equal(rig_request(rig, 1)->type, "application/octet-stream");
    assert_int_equal(rig_request(rig, 1)->body_n, 0);
    assert_string_equal(rig_request(rig, 2)->type, "text/calendar");
    assert_string_equal(rig_request(rig, 2)->uri, "/v1/media?filename=cita.ics");
}

static void raw_content_and_attributes_keep_their_digits(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(RUN(rig, "send", "--phone", "+57", "--content",
                         "{\"type\":\"location\",\"latitude\":4.650000000000000001,\"x\":9007199254740993}"),
                     0);
    assert_int_equal(RUN(rig, "customer", "update", CUS, "--attributes", "{\"n\":9007199254740993}"), 0);
    assert_contains(rig_request(rig, 0)->body,
                    "{\"type\":\"location\",\"latitude\":4.650000000000000001,\"x\":9007199254740993}");
    assert_contains(rig_request(rig, 1)->body, "\"attributes\":{\"n\":9007199254740993}");
}

static void a_person_is_looked_up_first(void **state)
{
    struct rig *rig = *state;

    rig_answer(rig, 200, "{\"customers\":[{\"id\":\"" CUS "\"}]}");
    rig_answer(rig, 201, "{\"id\":\"" CAS "\"}");
    rig_answer(rig, 200, "{\"customers\":[{\"id\":\"" CUS "\"}]}");
    assert_int_equal(RUN(rig, "case", "open", "--phone", "+573001112233", "--subject", "s"), 0);
    assert_int_equal(RUN(rig, "timeline", "--document", "CO:CC:1", "-n", "2"), 0);
    assert_request(rig, 0, "POST", "/v1/customers/search", "{\"phone\":\"+573001112233\"}");
    assert_request(rig, 1, "POST", "/v1/cases", "{\"customer\":\"" CUS "\",\"subject\":\"s\"}");
    assert_request(rig, 2, "POST", "/v1/customers/search", "{\"document\":\"CO:CC:1\"}");
    assert_request(rig, 3, "GET", "/v1/customers/" CUS "/timeline?limit=2", NULL);
}

static void nobody_or_several_is_refused(void **state)
{
    struct rig *rig = *state;

    rig_answer(rig, 200, "{\"customers\":[]}");
    assert_int_equal(RUN(rig, "timeline", "--phone", "+57"), 1);
    assert_contains(rig_err(rig), "no customer is found");
    rig_answer(rig, 200, "{\"customers\":[{\"id\":\"a\"},{\"id\":\"b\"}]}");
    assert_int_equal(RUN(rig, "timeline", "--phone", "+57"), 1);
    assert_contains(rig_err(rig), "several customers");
    assert_int_equal(rig_requests(rig), 2);
}

/* ---- where to ------------------------------------------------------------------------------ */

static void a_url_is_used_with_its_key(void **state)
{
    struct rig *rig = *state;
    char url[64];

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/base/", rig_port(rig));
    assert_int_equal(RUN(rig, "channels", "--url", url, "--key", "hilo_secret"), 0);
    assert_request(rig, 0, "GET", "/base/v1/channels", NULL);
    assert_string_equal(rig_request(rig, 0)->authorization, "Bearer hilo_secret");
    rig_env(rig, "HILO_CONTROL", NULL);
    rig_env(rig, "HILO_URL", url);
    rig_env(rig, "HILO_KEY", "hilo_other");
    assert_int_equal(RUN(rig, "channels"), 0);
    assert_request(rig, 1, "GET", "/base/v1/channels", NULL);
    assert_string_equal(rig_request(rig, 1)->authorization, "Bearer hilo_other");
}

static void the_environments_key_stays_off_the_control_socket(void **state)
{
    struct rig *rig = *state;

    rig_env(rig, "HILO_KEY", "hilo_other");
    assert_int_equal(RUN(rig, "channels"), 0);
    assert_null(rig_request(rig, 0)->authorization);
    assert_int_equal(RUN(rig, "channels", "--key", "hilo_mine"), 0);
    assert_string_equal(rig_request(rig, 1)->authorization, "Bearer hilo_mine");
    /* The option is stronger than the environment. */
    rig_env(rig, "HILO_URL", "http://127.0.0.1:1");
    assert_int_equal(RUN(rig, "channels", "--control", rig_control(rig)), 0);
    assert_int_equal(rig_requests(rig), 3);
}

static void a_redirect_is_not_followed(void **state)
{
    struct rig *rig = *state;
    char url[64];

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", rig_port(rig));
    rig_answer_as(rig, 302, "text/html", "/elsewhere", "moved");
    assert_int_equal(RUN(rig, "channels", "--url", url, "--key", "hilo_secret"), 1);
    assert_int_equal(rig_requests(rig), 1);
    assert_contains(rig_err(rig), "not one of a Hilo gateway");
    assert_contains(rig_err(rig), "HTTP 302");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_command_sends_its_request),
        TEST(a_send_has_a_key_of_its_own_or_the_one_given),
        TEST(other_writes_take_a_key_when_given),
        TEST(a_file_is_uploaded_and_then_sent),
        TEST(html_and_files_go_along),
        TEST(a_refused_upload_sends_nothing),
        TEST(media_put_says_the_type_by_the_name_or_as_told),
        TEST(raw_content_and_attributes_keep_their_digits),
        TEST(a_person_is_looked_up_first),
        TEST(nobody_or_several_is_refused),
        TEST(a_url_is_used_with_its_key),
        TEST(the_environments_key_stays_off_the_control_socket),
        TEST(a_redirect_is_not_followed),
    };

    return cmocka_run_group_tests_name("cli requests", tests, NULL, NULL);
}
