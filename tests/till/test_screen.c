/* What a clerk sees and does, on a terminal that libvterm judges. */
#include "prog.h"
#include "term.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char ana[] =
    "{\"as_of\":\"2026-11-27T20:00:00Z\",\"customer\":{\"id\":\"cus_1\",\"name\":\"Ana Ruiz "
    "Núñez\",\"language\":\"es\",\"version\":3,"
    "\"identifiers\":[{\"scheme\":\"document\",\"value\":\"CO:CC:1020304050\"},{\"scheme\":\"phone\","
    "\"value\":\"+573001112233\"}]},"
    "\"consents\":[{\"category\":\"service\",\"state\":\"granted\"},{\"category\":\"promotional\",\"state\":"
    "\"denied\"}],"
    "\"cases\":[{\"id\":\"cas_1\",\"subject\":\"El televisor no "
    "enciende\",\"status\":\"open\",\"version\":2}],"
    "\"appointments\":[{\"id\":\"apt_1\",\"code\":\"K7QM2P\",\"starts_at\":\"2026-11-20T15:00:00Z\","
    "\"subject\":\"Cambio de televisor\",\"status\":\"confirmed\"}],"
    "\"wishes\":[{\"id\":\"wsh_1\",\"sku\":\"CAM-LINO\",\"size\":\"M\",\"colour\":\"azul\",\"status\":"
    "\"waiting\"}],\"visits\":[],\"sales\":[],"
    "\"timeline\":["
    "{\"id\":\"msg_3\",\"time\":\"2026-11-27T14:06:00Z\",\"kind\":\"inbound\",\"channel\":\"whatsapp-co\","
    "\"content\":{\"type\":\"choice_reply\",\"title\":\"Cambio\"}},"
    "{\"id\":\"msg_2\",\"time\":\"2026-11-27T14:05:00Z\",\"kind\":\"inbound\",\"channel\":\"whatsapp-co\","
    "\"media\":\"med_1\","
    "\"content\":{\"type\":\"media\",\"kind\":\"image\",\"mime\":\"image/jpeg\",\"caption\":\"la "
    "pantalla\"}},"
    "{\"id\":\"msg_1\",\"time\":\"2026-11-27T14:00:00Z\",\"kind\":\"outbound\",\"channel\":\"whatsapp-co\","
    "\"status\":\"read\","
    "\"content\":{\"type\":\"text\",\"text\":\"¿Nos envía una "
    "foto?\"}}],\"timeline_next\":\"c1\",\"timeline_more\":true}";

struct scene {
    struct rig *rig;
    const char *folder;
    struct term *t;
};

static int setup(void **state)
{
    struct scene *s = calloc(1, sizeof *s);

    s->rig = rig_new();
    s->folder = rig_path(s->rig, "till");
    prog_enroll(s->rig, s->folder);
    rig_script(s->rig, "customer.find", false, ana);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    if (s->t)
        term_kill(&s->t);
    assert_string_equal(rig_violation(s->rig), "");
    rig_free(&s->rig);
    free(s);
    return 0;
}

static void start(struct scene *s, const char *lang)
{
    s->t = TERM_START(s->rig, 24, 80, lang, "--state", s->folder, "--clerk", "eva");
    term_until(s->t, strncmp(lang, "es", 2) == 0 ? "en línea" : "online");
}

static void find_ana(struct scene *s)
{
    term_type(s->t, "1020304050\r");
    term_until(s->t, "Ana Ruiz Núñez");
}

static void finish(struct scene *s)
{
    term_type(s->t, "\x11"); /* Ctrl-Q */
    assert_int_equal(term_wait(&s->t), 0);
}

static cJSON *params_of(struct scene *s, const char *method, unsigned i)
{
    cJSON *p;

    while (rig_requests(s->rig, method) <= i)
        term_or_rig(s->t, s->rig);
    p = rig_request(s->rig, method, i);
    assert_non_null(p);
    return p;
}

static void an_id_shows_the_person_and_what_happened(void **state)
{
    struct scene *s = *state;
    int cases, foto, eleg;
    cJSON *p;

    start(s, "es_CO.UTF-8");
    term_until(s->t, "Cliente:");
    find_ana(s);
    cases = term_until(s->t, "CASOS");
    assert_int_equal(term_until(s->t, "El televisor no enciende  [abierto]"), cases + 1);
    term_until(s->t, "20/11 15:00  Cambio de televisor  [confirmada]  K7QM2P");
    term_until(s->t, "CAM-LINO M azul  [espera]");
    eleg = term_until(s->t, "eligió: Cambio");
    foto = term_until(s->t, "whatsapp-co ← [foto] la pantalla");
    assert_true(eleg < foto); /* newest first */
    term_until(s->t, "whatsapp-co → ¿Nos envía una foto?  (leído)");
    term_until(s->t, "CO:CC:1020304050");
    term_until(s->t, "servicio sí");
    term_until(s->t, "t tiquete x fin"); /* to the end of the line */
    term_until(s->t, "promociones no");
    term_until(s->t, "transaccional ?");
    term_until(s->t, "CENTRO/3");
    assert_true(term_has(s->t, "eva"));
    p = params_of(s, "customer.find", 0);
    assert_string_equal(event_text(cJSON_GetObjectItem(cJSON_GetObjectItem(p, "by"), "document"), "type"),
                        "CC");
    assert_string_equal(event_text(cJSON_GetObjectItem(cJSON_GetObjectItem(p, "by"), "document"), "number"),
                        "1020304050");
    assert_string_equal(event_text(cJSON_GetObjectItem(cJSON_GetObjectItem(p, "by"), "document"), "country"),
                        "CO");
    assert_string_equal(event_text(p, "clerk"), "eva");
    assert_string_equal(event_text(p, "reason"), "claim");
    cJSON_Delete(p);
    finish(s);
}

/* What was said by telephone is there as what was written. */
static void calls_and_what_was_said_in_them_are_shown(void **state)
{
    static const char luz[] =
        "{\"as_of\":\"2026-11-27T14:10:00Z\",\"customer\":{\"id\":\"cus_2\",\"name\":\"Luz\"},\"timeline\":["
        "{\"id\":\"msg_4\",\"time\":\"2026-11-27T14:09:00Z\",\"kind\":\"call\",\"channel\":\"voz\",\"call\":"
        "\"cal_2\","
        "\"content\":{\"type\":\"call\",\"leg\":\"outbound\",\"outcome\":\"ringing\"}},"
        "{\"id\":\"msg_2\",\"time\":\"2026-11-27T14:06:00Z\",\"kind\":\"inbound\",\"channel\":\"voz\","
        "\"call\":\"cal_1\","
        "\"media\":\"med_1\",\"transcript\":{\"text\":\"se me dañó\"},"
        "\"content\":{\"type\":\"media\",\"kind\":\"voice\"}},"
        "{\"id\":\"msg_1\",\"time\":\"2026-11-27T14:05:00Z\",\"kind\":\"call\",\"channel\":\"voz\",\"call\":"
        "\"cal_1\","
        "\"content\":{\"type\":\"call\",\"leg\":\"inbound\",\"outcome\":\"ended\",\"duration_ms\":65200}}]}";
    struct scene *s = *state;

    rig_script(s->rig, "customer.find", false, luz);
    start(s, "es_CO.UTF-8");
    term_until(s->t, "Cliente:");
    term_type(s->t, "1020304050\r");
    term_until(s->t, "Luz");
    term_until(s->t, "voz → [llamada] timbra");
    term_until(s->t, "voz ← [audio] “se me dañó”");
    term_until(s->t, "voz ← [llamada] terminada, 1:05");
    finish(s);
}

static void in_english(void **state)
{
    struct scene *s = *state;

    start(s, "en_US.UTF-8");
    term_until(s->t, "Customer:");
    find_ana(s);
    term_until(s->t, "CASES");
    term_until(s->t, "[open]");
    term_until(s->t, "Nov 20 15:00  Cambio de televisor  [confirmed]");
    term_until(s->t, "[photo] la pantalla");
    term_until(s->t, "promotional no");
    term_until(s->t, "t slip x close Esc");
    finish(s);
}

static void single_keys_act(void **state)
{
    struct scene *s = *state;
    cJSON *p;

    start(s, "es_CO.UTF-8");
    find_ana(s);
    term_type(s->t, "n");
    term_until(s->t, "Nota para colegas");
    term_type(s->t, "No enciende ni con otro cable, ñandú\r");
    term_until(s->t, "nota: No enciende ni con otro cable, ñandú");
    term_until_gone(s->t, "sin enviar");
    p = params_of(s, "case.note", 0);
    assert_string_equal(event_text(p, "case"), "cas_1");
    assert_string_equal(event_text(p, "text"), "No enciende ni con otro cable, ñandú");
    assert_string_equal(event_text(p, "clerk"), "eva");
    assert_int_equal(strlen(event_text(p, "at")), 24);
    cJSON_Delete(p);

    term_type(s->t, "c");
    term_until(s->t, "[ya llegó]");
    p = params_of(s, "appointment.checkin", 0);
    assert_string_equal(event_text(p, "appointment"), "apt_1");
    cJSON_Delete(p);

    term_type(s->t, "w");
    term_until(s->t, "Avisarle cuando llegue");
    term_type(s->t, "CAM-SEDA\rL\rrojo\r");
    term_until(s->t, "CAM-SEDA L rojo");
    p = params_of(s, "wish.add", 0);
    assert_string_equal(event_text(p, "customer"), "cus_1");
    assert_string_equal(event_text(p, "size"), "L");
    cJSON_Delete(p);

    term_type(s->t, "s");
    term_until(s->t, "Número de factura");
    term_until(s->t, "COP");
    term_type(s->t, "F-77\r129900,50\r\r");
    p = params_of(s, "sale.record", 0);
    assert_string_equal(event_text(p, "total"), "129900.50");
    assert_string_equal(event_text(p, "currency"), "COP");
    cJSON_Delete(p);

    term_until_gone(s->t, "Número de factura");
    term_type(s->t, "k");
    term_until(s->t, "Consentimiento para mensajes");
    term_type(s->t, "\t\t \r\r");
    p = params_of(s, "consent.set", 0);
    assert_string_equal(event_text(p, "category"), "promotional");
    assert_string_equal(event_text(p, "state"), "granted");
    assert_string_equal(event_text(cJSON_GetObjectItem(p, "proof"), "how"), "signature");
    cJSON_Delete(p);
    term_until(s->t, "promociones sí");

    term_until_gone(s->t, "Consentimiento para mensajes");
    term_type(s->t, "m");
    term_until(s->t, "Mensaje al cliente");
    term_until(s->t, "whatsapp-co");
    term_type(s->t, "Su televisor está listo\r\r");
    p = params_of(s, "message.send", 0);
    assert_string_equal(event_text(cJSON_GetObjectItem(p, "content"), "text"), "Su televisor está listo");
    assert_string_equal(event_text(p, "channel"), "whatsapp-co");
    cJSON_Delete(p);
    finish(s);
    assert_int_equal(rig_effects(s->rig), 6);
}

static void without_a_line_all_waits_and_then_goes(void **state)
{
    struct scene *s = *state;
    cJSON *p;

    rig_script(s->rig, "case.open", false, "{\"case\":\"cas_9\",\"status\":\"open\",\"version\":1}");
    start(s, "es_CO.UTF-8");
    find_ana(s);
    rig_listen(s->rig, false);
    rig_hang_up(s->rig);
    term_until(s->t, "SIN LÍNEA");
    /* Looked up again, it is what was kept. */
    term_type(s->t, "\x1b");
    term_until(s->t, "Cliente:");
    find_ana(s);
    term_until(s->t, "SIN LÍNEA: como estaba a las");
    term_type(s->t, "o");
    term_until(s->t, "Caso nuevo");
    term_type(s->t, "La nevera gotea\rdesde ayer\r");
    term_until(s->t, "3 esperan");
    /* Killed and started again, nothing of it is lost. */
    term_kill(&s->t);
    s->t = TERM_START(s->rig, 24, 80, "es_CO.UTF-8", "--state", s->folder, "--clerk", "eva");
    term_until(s->t, "3 esperan");
    term_type(s->t, "\x1bOR"); /* F3 */
    term_until(s->t, "La nevera gotea");
    rig_listen(s->rig, true);
    term_type(s->t, "\x1b[15~"); /* F5: now */
    term_until(s->t, "en línea");
    term_until_gone(s->t, "esperan");
    p = params_of(s, "case.note", 0);
    assert_string_equal(event_text(p, "case"), "cas_9");
    cJSON_Delete(p);
    /* The look-up without a line is in the audit now, with its time. */
    p = params_of(s, "customer.find", 1);
    assert_int_equal(strlen(event_text(p, "at")), 24);
    cJSON_Delete(p);
    finish(s);
}

static void a_scanner_is_told_from_keys(void **state)
{
    struct scene *s = *state;
    cJSON *p;

    start(s, "es_CO.UTF-8");
    find_ana(s);
    /* Its characters come at once; "n", "c" and "k" of them are no keys. */
    term_type(s->t, "NCK7QM2P\r");
    p = params_of(s, "customer.find", 1);
    assert_string_equal(event_text(cJSON_GetObjectItem(p, "by"), "appointment"), "NCK7QM2P");
    cJSON_Delete(p);
    term_type(s->t, "#F-2026/77\r");
    p = params_of(s, "customer.find", 2);
    assert_string_equal(event_text(cJSON_GetObjectItem(p, "by"), "order"), "F-2026/77");
    cJSON_Delete(p);
    assert_int_equal(rig_effects(s->rig), 0);
    /* One key is a key. */
    term_type(s->t, "n");
    term_until(s->t, "Nota para colegas");
    /* Scanned into the field that has the cursor. */
    term_type(s->t, "7701234567890\r");
    p = params_of(s, "case.note", 0);
    assert_string_equal(event_text(p, "text"), "7701234567890");
    cJSON_Delete(p);
    finish(s);
}

static void resized_narrow_and_wide_characters(void **state)
{
    struct scene *s = *state;
    int y, i;

    rig_script(s->rig, "customer.find", false,
               "{\"as_of\":\"x\",\"customer\":{\"id\":\"cus_1\",\"name\":\"山田太郎\",\"identifiers\":[]},"
               "\"cases\":[{\"id\":\"cas_1\",\"status\":\"open\","
               "\"subject\":\"冷蔵庫が冷えません冷蔵庫が冷えません冷蔵庫が冷えません y una frase larga para "
               "que no quepa en una sola línea\"}],"
               "\"timeline\":[{\"id\":\"msg_1\",\"time\":\"2026-11-27T14:06:00Z\",\"kind\":\"inbound\","
               "\"channel\":\"sms\","
               "\"content\":{\"type\":\"text\",\"text\":\"evil \\u001b[2J\\u001b[31m \\u202e x\\ny\"}}]}");
    start(s, "es_CO.UTF-8");
    term_type(s->t, "1020304050\r");
    term_until(s->t, "山田太郎");
    /* What the customer wrote does nothing to the terminal. */
    term_until(s->t, "sms ← evil \xef\xbf\xbd[2J\xef\xbf\xbd[31m \xef\xbf\xbd x y");
    term_resize(s->t, 12, 40);
    term_until(s->t, "en línea");
    y = term_until(s->t, "CASOS");
    term_until(s->t, "una frase");
    assert_true(y < 12);
    for (i = 0; i < 12; i++)
        term_row(s->t, i);
    term_resize(s->t, 6, 20);
    term_until(s->t, "muy pe");
    term_resize(s->t, 40, 132);
    term_until(s->t, "y una frase larga para que no quepa en una sola línea");
    term_until(s->t, "en línea");
    finish(s);
}

static void pushes_are_seen(void **state)
{
    struct scene *s = *state;
    cJSON *p;

    start(s, "es_CO.UTF-8");
    rig_push(s->rig, "p-1", "customer.arriving",
             "{\"why\":\"near\",\"customer\":\"cus_1\",\"appointment\":{\"id\":\"apt_1\",\"code\":\"K7QM2P\","
             "\"starts_at\":\"2026-11-20T15:00:00Z\","
             "\"subject\":\"Cambio de televisor\",\"status\":\"confirmed\"}}");
    term_until(s->t, "Está por llegar un cliente: 20/11 15:00 Cambio de televisor K7QM2P");
    while (!rig_acks(s->rig, "p-1"))
        term_or_rig(s->t, s->rig);
    term_type(s->t, "\x1b[17~"); /* F6 */
    term_until(s->t, "Ana Ruiz Núñez");
    p = params_of(s, "customer.find", 0);
    assert_string_equal(event_text(cJSON_GetObjectItem(p, "by"), "customer"), "cus_1");
    cJSON_Delete(p);
    /* For the customer to read, and to choose. While a form is open it waits, and is not acknowledged. */
    term_type(s->t, "n");
    term_until(s->t, "Nota para colegas");
    rig_push(s->rig, "p-2", "choice.ask",
             "{\"message\":\"msg_9\",\"text\":\"¿Cambio o "
             "devolución?\",\"choices\":[{\"id\":\"exchange\",\"title\":\"Cambio\"},{\"id\":\"refund\","
             "\"title\":\"Devolución\"}]}");
    rig_push(s->rig, "p-3", "message.show",
             "{\"message\":\"msg_8\",\"content\":{\"type\":\"text\",\"text\":\"Gracias por venir\"}}");
    rig_push(s->rig, "p-4", "print", "{\"job\":\"1\",\"slip\":{}}");
    while (!rig_acks(s->rig, "p-4"))
        term_or_rig(s->t, s->rig);
    assert_int_equal(rig_acks(s->rig, "p-2"), 0);
    term_type(s->t, "\x1b");
    term_until(s->t, "¿Cambio o devolución?");
    term_until(s->t, "2  Devolución");
    while (!rig_acks(s->rig, "p-2"))
        term_or_rig(s->t, s->rig);
    term_type(s->t, "2");
    p = params_of(s, "choice.answer", 0);
    assert_string_equal(event_text(p, "message"), "msg_9");
    assert_string_equal(event_text(p, "choice"), "refund");
    cJSON_Delete(p);
    term_until(s->t, "Gracias por venir");
    term_type(s->t, "\r");
    term_until_gone(s->t, "Gracias por venir");
    finish(s);
}

static void a_slip_is_printed_in_the_store(void **state)
{
    struct scene *s = *state;
    cJSON *p;

    rig_script(
        s->rig, "slip.render", false,
        "{\"mime\":\"text/plain; charset=utf-8\",\"data\":\"VGlxdWV0ZSBjYXNfMQo=\"}"); /* Tiquete cas_1 */
    rig_script(s->rig, "slip.print", false, "{\"job\":\"j1\",\"printer\":\"CENTRO\",\"status\":\"queued\"}");
    start(s, "es_CO.UTF-8");
    find_ana(s);
    term_type(s->t, "t");
    term_until(s->t, "Tiquete cas_1");
    term_until(s->t, "p lo imprime en la impresora de la tienda");
    term_type(s->t, "p");
    p = params_of(s, "slip.print", 0);
    assert_string_equal(event_text(p, "kind"), "case");
    assert_string_equal(event_text(p, "id"), "cas_1");
    assert_string_equal(event_text(p, "customer"), "cus_1");
    assert_string_equal(event_text(p, "language"), "es");
    assert_null(cJSON_GetObjectItem(p, "format"));
    cJSON_Delete(p);
    term_until(s->t, "tiquete en cola (CENTRO)");
    rig_push(s->rig, "p-1", "print.status",
             "{\"job\":\"j1\",\"status\":\"queued\",\"reason\":\"paper_out\",\"confirmed\":false,"
             "\"printer\":\"CENTRO\"}");
    term_until(s->t, "tiquete en cola (CENTRO): sin papel");
    rig_push(s->rig, "p-2", "print.status",
             "{\"job\":\"j1\",\"status\":\"printed\",\"confirmed\":true,\"printer\":\"CENTRO\"}");
    term_until(s->t, "tiquete impreso (CENTRO)");
    while (!rig_acks(s->rig, "p-1") || !rig_acks(s->rig, "p-2"))
        term_or_rig(s->t, s->rig);
    rig_push(s->rig, "p-3", "print.status",
             "{\"job\":\"j1\",\"status\":\"failed\",\"reason\":\"cover_open\",\"confirmed\":false,"
             "\"printer\":\"CENTRO\"}");
    term_until(s->t, "el tiquete falló (CENTRO): tapa abierta");
    rig_script(s->rig, "slip.print", true,
               "{\"code\":-32006,\"message\":\"Refused\",\"data\":{\"reason\":\"no_printer\"}}");
    term_type(s->t, "p");
    term_until(s->t, "ninguna impresora sirve a esta caja");
    /* Another text is no slip. */
    term_type(s->t, "\r");
    term_until_gone(s->t, "Tiquete cas_1");
    term_until_gone(s->t, "Intro sigue");
    term_type(s->t, "\x1b[6~"); /* PgDn: the last line that can be chosen */
    term_type(s->t, "\x1bOA\r");
    term_until(s->t, "Intro sigue");
    assert_false(term_has(s->t, "p lo imprime"));
    term_type(s->t, "p\r");
    term_until_gone(s->t, "Intro sigue");
    assert_int_equal(rig_requests(s->rig, "slip.print"), 2);
    finish(s);
}

static void a_photo_is_fetched_and_saved(void **state)
{
    struct scene *s = *state;
    char path[300], bytes[16] = {0};
    struct stat st;
    cJSON *p;
    FILE *f;
    int i;

    rig_script(s->rig, "media.get", false,
               "{\"media\":\"med_1\",\"mime\":\"image/"
               "jpeg\",\"size\":6,\"offset\":0,\"data\":\"Zm90byE=\",\"eof\":true,\"etag\":\"a\"}");
    start(s, "es_CO.UTF-8");
    find_ana(s);
    term_until(s->t, "[foto]");
    for (i = 0; i < 4; i++)
        term_type(s->t, "\x1bOB"); /* case, appointment, wish, choice, photo */
    term_type(s->t, "\r");
    term_until(s->t, "guardado:");
    p = params_of(s, "media.get", 0);
    assert_string_equal(event_text(p, "media"), "med_1");
    assert_string_equal(event_text(p, "message"), "msg_2");
    cJSON_Delete(p);
    snprintf(path, sizeof path, "%s/media/med_1.jpg", s->folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    f = fopen(path, "r");
    assert_int_equal(fread(bytes, 1, sizeof bytes, f), 5);
    fclose(f);
    assert_string_equal(bytes, "foto!");
    finish(s);
    assert_int_not_equal(access(path, F_OK), 0); /* a customer's picture does not stay */
}

static void more_of_what_happened(void **state)
{
    struct scene *s = *state;
    cJSON *p;

    rig_script(s->rig, "customer.timeline", false,
               "{\"as_of\":\"x\",\"next\":\"c2\",\"timeline\":[{\"id\":\"msg_1\",\"time\":\"2026-11-27T14:00:"
               "00Z\",\"kind\":\"outbound\","
               "\"channel\":\"whatsapp-co\",\"content\":{\"type\":\"text\",\"text\":\"doble\"}},{\"id\":"
               "\"msg_0\",\"time\":\"2026-11-20T14:00:00Z\","
               "\"kind\":\"inbound\",\"channel\":\"sms\",\"content\":{\"type\":\"text\",\"text\":\"¿A qué "
               "hora abren?\"}}]}");
    start(s, "es_CO.UTF-8");
    find_ana(s);
    term_until(s->t, "más: Intro");
    term_type(s->t, "\x1b[6~"); /* PgDn */
    term_type(s->t, "\r");
    term_until(s->t, "sms ← ¿A qué hora abren?");
    assert_false(term_has(s->t, "doble"));
    p = params_of(s, "customer.timeline", 0);
    assert_string_equal(event_text(p, "customer"), "cus_1");
    assert_string_equal(event_text(p, "cursor"), "c1");
    cJSON_Delete(p);
    rig_script(s->rig, "customer.timeline", false, "{\"as_of\":\"x\",\"next\":null,\"timeline\":[]}");
    term_type(s->t, "\x1b[6~\r");
    term_until_gone(s->t, "más: Intro");
    p = params_of(s, "customer.timeline", 1);
    assert_string_equal(event_text(p, "cursor"), "c2");
    cJSON_Delete(p);
    finish(s);
}

static void refusals_are_said(void **state)
{
    struct scene *s = *state;

    rig_script(s->rig, "case.note", true,
               "{\"code\":-32004,\"message\":\"a card number\",\"data\":{\"reason\":\"card_number\"}}");
    start(s, "es_CO.UTF-8");
    term_type(s->t, "10203*\r");
    term_until(s->t, "no es un documento");
    term_type(s->t, "\x1b");
    term_until_gone(s->t, "10203*");
    rig_script(s->rig, "customer.find", false, "{\"as_of\":\"x\",\"customer\":null}");
    term_type(s->t, "900123456\r");
    term_until(s->t, "no se encuentra a nadie");
    rig_script(s->rig, "customer.find", true,
               "{\"code\":-32003,\"message\":\"rate\",\"data\":{\"reason\":\"rate\"}}");
    term_type(s->t, "\r");
    term_until(s->t, "demasiadas búsquedas");
    rig_script(s->rig, "customer.find", false, ana);
    term_type(s->t, "\r");
    term_until(s->t, "Ana Ruiz");
    term_type(s->t, "n");
    term_until(s->t, "Nota para");
    term_type(s->t, "4111 1111 1111 1111\r");
    term_until(s->t, "número de tarjeta");
    term_until(s->t, "4111 1111 1111 1111  (rechazado)");
    term_until(s->t, "1 rechazada (F3)");
    term_type(s->t, "\x1bOR");
    term_until(s->t, "rechazada: a card number");
    term_type(s->t, "d");
    term_until_gone(s->t, "1 rechazada");
    rig_push(s->rig, "p-1", "revoked", "{}");
    term_until(s->t, "REVOCADA  el certificado de esta caja fue revocado");
    assert_false(term_has(s->t, "Ana Ruiz"));
    finish(s);
}

static void the_clerk_is_asked_and_changed(void **state)
{
    struct scene *s = *state;
    cJSON *p;

    s->t = TERM_START(s->rig, 24, 80, "en_US.UTF-8", "--state", s->folder);
    term_until(s->t, "Who stands at the till?");
    term_type(s->t, "\r");
    term_until(s->t, "is missing");
    term_type(s->t, "bea\r");
    term_until_gone(s->t, "Who stands");
    term_until(s->t, "online");
    assert_true(strstr(term_row(s->t, 0), "bea") != NULL);
    term_type(s->t, "\x1bOQ"); /* F2 */
    term_until(s->t, "Who stands");
    term_type(s->t, "carla\r");
    term_until(s->t, "carla");
    term_until_gone(s->t, "Who stands");
    find_ana(s);
    p = params_of(s, "customer.find", 0);
    assert_string_equal(event_text(p, "clerk"), "carla");
    cJSON_Delete(p);
    finish(s);
}

/* A key costs what it changes: never the whole screen again. */
static void nothing_flickers(void **state)
{
    struct scene *s = *state;
    unsigned erased;

    start(s, "es_CO.UTF-8");
    find_ana(s);
    term_until(s->t, "leído");
    term_bytes(s->t, &erased);
    term_type(s->t, "n");
    term_until(s->t, "Nota para colegas");
    term_type(s->t, "wxq"); /* stands nowhere else, so what comes before it has been drawn */
    term_until(s->t, "wxq");
    term_bytes(s->t, &erased);
    term_type(s->t, "yz");
    term_until(s->t, "wxqyz");
    assert_true(term_bytes(s->t, &erased) < 100);
    assert_int_equal(erased, 0);
    finish(s);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(an_id_shows_the_person_and_what_happened),
        T(calls_and_what_was_said_in_them_are_shown),
        T(in_english),
        T(single_keys_act),
        T(without_a_line_all_waits_and_then_goes),
        T(a_scanner_is_told_from_keys),
        T(resized_narrow_and_wide_characters),
        T(pushes_are_seen),
        T(a_slip_is_printed_in_the_store),
        T(a_photo_is_fetched_and_saved),
        T(more_of_what_happened),
        T(refusals_are_said),
        T(the_clerk_is_asked_and_changed),
        T(nothing_flickers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
