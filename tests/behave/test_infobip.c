/*
 * Infobip as the provider of a WhatsApp channel, through the daemon and hilo-sim-infobip:
 * there and back, what goes wrong on the way, who may post, and where the key is shown.
 */
#include "harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char phone[] = "573001112233", to[] = "+573001112233";
static const char lines[] =
    "    provider: infobip\n    account: acme\n    sender: \"573000000000\"\n    api_key: sim-key\n"
    "    webhook_secret: 0123456789abcdef\n    webhook_user: hilo\n    webhook_password: \"s3:cret\"\n"
    "    retry_min: 20ms\n    retry_max: 50ms\n";
static const char photo_base64[] = "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP8=";
static const unsigned char photo[] = {0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 'J',  'F',  'I',
                                      'F',  0x00, 0x01, 0x01, 0x01, 0x00, 0x48, 0x00, 0x48,
                                      0x00, 0x00, 0xff, 0xdb, 0x00, 0x43, 0x00, 0xff};

static void copy(char *out, size_t cap, const char *text)
{
    assert_non_null(text);
    assert_true((size_t)snprintf(out, cap, "%s", text) < cap);
}

/* ---- the two sides ---- */

static const char templates[] =
    "{\"templates\":[{\"name\":\"aviso\",\"language\":\"es\",\"status\":\"APPROVED\",\"category\":"
    "\"UTILITY\","
    "\"structure\":{\"header\":{\"format\":\"LOCATION\"},\"body\":{\"text\":\"{{1}}, debe "
    "{{2}}\"},\"buttons\":["
    "{\"type\":\"QUICK_REPLY\",\"text\":\"Ya "
    "pagué\"},{\"type\":\"URL\",\"text\":\"Pagar\",\"url\":\"https://x/{{1}}\"}],"
    "\"type\":\"MEDIA\"}},{\"name\":\"foto\",\"language\":\"es\",\"status\":\"APPROVED\",\"category\":"
    "\"UTILITY\","
    "\"structure\":{\"header\":{\"format\":\"IMAGE\"},\"body\":{\"text\":\"mire\"},\"type\":\"MEDIA\"}}]}";

static void ib_start(struct sim *s)
{
    char bin[256];
    const char *const argv[] = {bin,        "--config", "{\"retry_min_ms\":20,\"retry_max_ms\":200}",
                                "--config", templates,  NULL};
    const char *line;

    (void)snprintf(bin, sizeof bin, "%s/sim/hilo-sim-infobip", harness_build());
    s->process = process_start(argv);
    line = process_wait_line(s->process, "ready port=", NULL);
    s->port = atoi(strstr(line, "port=") + 5);
    (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", s->port);
}

static void up(struct world *w, const char *more)
{
    static char public_url[64];

    scratch_init(&w->scratch);
    ib_start(&w->sim);
    w->gate.port = free_port();
    (void)snprintf(public_url, sizeof public_url, "http://127.0.0.1:%d", w->gate.port);
    w->gate.public_url = public_url;
    w->gate.channel = lines;
    if (more)
        copy(w->gate.extra_channel, sizeof w->gate.extra_channel, more);
    gate_start(&w->gate, &w->scratch, &w->sim);
    sim_set(
        &w->sim, "/_sim/config",
        "{\"webhook_url\":\"%s/hooks/wa/0123456789abcdef\",\"webhook_user\":\"hilo\",\"webhook_password\":"
        "\"s3:cret\",\"enforce_window\":false}",
        w->gate.url);
    (void)process_wait_nth(w->gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
    (void)process_wait_nth(w->gate.process, 1, "templates.listed", "templates=2 ", NULL);
}

/* Ana writes; what the gateway calls it. */
static void comes(struct world *w, const char *json, char *id)
{
    sim_set(&w->sim, "/_sim/inbound", "%s", json);
    const char *line = process_wait_line(w->gate.process, "message.received", NULL);
    const char *p = strstr(line, "id=msg_");
    assert_non_null(p);
    (void)snprintf(id, 64, "%.*s", (int)strcspn(p + 3, " "), p + 3);
}

static void sends(struct world *w, const char *content, char *id)
{
    struct answer a = gate_post(&w->gate, "/v1/messages",
                                "{\"to\":{\"phone\":\"%s\"},\"channel\":\"wa\",\"content\":%s}", to, content);

    if (a.status != 202)
        print_message("%ld %s\n", a.status, a.body);
    assert_int_equal(a.status, 202);
    copy(id, 64, answer_str(&a, "id"));
    answer_done(&a);
}

static void reason_is(struct world *w, const char *id, const char *reason, const char *code)
{
    struct answer a = gate_get(&w->gate, "/v1/messages/%s", id);

    assert_string_equal(answer_str(&a, "reason"), reason);
    assert_string_equal(answer_str(&a, "provider_code"), code);
    answer_done(&a);
}

/* ---- there and back ---- */

static void a_text_goes_out_under_our_id_and_is_read(void **state)
{
    struct world w = {0};
    char id[64], first[64];

    (void)state;
    up(&w, NULL);
    sim_set(&w.sim, "/_sim/config", "{\"enforce_window\":true}"); /* she has written: it is open */
    comes(&w, "{\"from\":\"573001112233\",\"name\":\"Ana\",\"type\":\"TEXT\",\"text\":\"¿hay alguien?\"}",
          first);
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", first);
    assert_string_equal(answer_str(&a, "content/text"), "¿hay alguien?");
    assert_string_equal(answer_str(&a, "party/0/value"), to);
    assert_string_equal(answer_str(&a, "party_name"), "Ana");
    answer_done(&a);
    sends(&w, "{\"type\":\"text\",\"text\":\"Hola Ana, dígame\"}", id);
    gate_wait_status(&w.gate, id, "delivered");
    gate_wait_status(&w.gate, id, "read");
    a = sim_messages(&w.sim, 1);
    assert_string_equal(answer_str(&a, "messages/0/kind"), "text");
    assert_string_equal(answer_str(&a, "messages/0/id"), id);
    assert_string_equal(answer_str(&a, "messages/0/body/callbackData"), id);
    assert_string_equal(answer_str(&a, "messages/0/body/from"), "573000000000");
    assert_string_equal(answer_str(&a, "messages/0/body/to"), phone);
    assert_string_equal(answer_str(&a, "messages/0/body/content/text"), "Hola Ana, dígame");
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "provider_id"), id);
    assert_int_equal(answer_num(&a, "attempts"), 1);
    answer_done(&a);
    world_down(&w);
}

static void buttons_and_a_list_are_tapped(void **state)
{
    struct world w = {0};
    char asked[64], tapped[64];

    (void)state;
    up(&w, NULL);
    sends(&w,
          "{\"type\":\"choices\",\"text\":\"¿Cambio?\",\"choices\":[{\"id\":\"exchange\",\"title\":"
          "\"Cambio\"},{\"id\":"
          "\"refund\",\"title\":\"Devolución\"}]}",
          asked);
    gate_wait_status(&w.gate, asked, "read");
    comes(&w, "{\"from\":\"573001112233\",\"reply_to\":\"last\",\"button\":\"refund\"}", tapped);
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", tapped);
    assert_string_equal(answer_str(&a, "content/type"), "choice_reply");
    assert_string_equal(answer_str(&a, "content/choice"), "refund");
    assert_string_equal(answer_str(&a, "content/title"), "Devolución");
    assert_string_equal(answer_str(&a, "reply_to"), asked);
    answer_done(&a);
    /* She types what another button says: lifted to the choice it means. */
    comes(&w, "{\"from\":\"573001112233\",\"reply_to\":\"last\",\"type\":\"TEXT\",\"text\":\"cambio\"}",
          tapped);
    a = gate_get(&w.gate, "/v1/messages/%s", tapped);
    assert_string_equal(answer_str(&a, "content/type"), "choice_reply");
    assert_string_equal(answer_str(&a, "content/choice"), "exchange");
    answer_done(&a);
    sends(&w,
          "{\"type\":\"choices\",\"text\":\"¿Cuál?\",\"button\":\"Ver\",\"choices\":[{\"id\":\"1\",\"title\":"
          "\"Uno\","
          "\"description\":\"d\",\"section\":\"A\"},{\"id\":\"2\",\"title\":\"Dos\",\"section\":\"Otros\"}]}",
          asked);
    gate_wait_status(&w.gate, asked, "read");
    comes(&w, "{\"from\":\"573001112233\",\"reply_to\":\"last\",\"button\":\"2\"}", tapped);
    a = gate_get(&w.gate, "/v1/messages/%s", tapped);
    assert_string_equal(answer_str(&a, "content/choice"), "2");
    assert_string_equal(answer_str(&a, "reply_to"), asked);
    answer_done(&a);
    assert_int_equal(sim_count(&w.sim, "refused"), 0);
    world_down(&w);
}

static void a_template_with_all_its_parts_goes_out_and_is_answered(void **state)
{
    struct world w = {0};
    char id[64], tapped[64], content[1024];

    (void)state;
    up(&w, NULL);
    /* Those of the account were fetched: what does not fit is refused before it is sent. */
    gate_expect(&w.gate, 422, "template_unknown", NULL, "POST", "/v1/messages",
                "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"wa\",\"content\":{\"type\":\"template\","
                "\"name\":"
                "\"otra\",\"language\":\"es\"}}");
    gate_expect(&w.gate, 422, "template_parameters", NULL, "POST", "/v1/messages",
                "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"wa\",\"content\":{\"type\":\"template\","
                "\"name\":"
                "\"aviso\",\"language\":\"es\",\"parameters\":{\"body\":[\"Ana\"]}}}");
    copy(content, sizeof content,
         "{\"type\":\"template\",\"name\":\"aviso\",\"language\":\"es\",\"parameters\":{\"header\":[{"
         "\"type\":\"location\","
         "\"latitude\":4.6,\"longitude\":-74.08}],\"body\":[\"Ana\",{\"type\":\"currency\",\"text\":\"$100\","
         "\"currency\":"
         "\"COP\",\"amount_1000\":100000}],\"buttons\":[{\"type\":\"url\",\"index\":1,\"text\":\"r-1\"},{"
         "\"type\":\"quick_reply\","
         "\"index\":0,\"text\":\"PAGADO\"}]}}");
    sends(&w, content, id);
    gate_wait_status(&w.gate, id, "read");
    struct answer a = sim_messages(&w.sim, 1);
    assert_string_equal(answer_str(&a, "messages/0/kind"), "template");
    assert_string_equal(answer_str(&a, "messages/0/id"), id);
    assert_string_equal(answer_str(&a, "messages/0/body/content/templateData/body/placeholders/1"), "$100");
    assert_true(answer_num(&a, "messages/0/body/content/templateData/header/longitude") < -74);
    answer_done(&a);
    comes(&w, "{\"from\":\"573001112233\",\"reply_to\":\"last\",\"button\":\"PAGADO\"}", tapped);
    a = gate_get(&w.gate, "/v1/messages/%s", tapped);
    assert_string_equal(answer_str(&a, "content/type"), "choice_reply");
    assert_string_equal(answer_str(&a, "content/choice"), "PAGADO");
    assert_string_equal(answer_str(&a, "reply_to"), id);
    answer_done(&a);
    assert_int_equal(sim_count(&w.sim, "refused"), 0);
    world_down(&w);
}

static void a_template_that_infobip_pauses_is_not_sent(void **state)
{
    struct world w = {0};

    (void)state;
    up(&w, NULL);
    struct answer a =
        sim_post(&w.sim, "/_sim/post",
                 "{\"credentials\":\"hilo:s3:cret\",\"payload\":{\"messageTemplateName\":\"foto\","
                 "\"messageTemplateLanguage\":\"es\",\"change\":{\"type\":\"TEMPLATE_STATUS_UPDATE\","
                 "\"newStatus\":\"FIRST_PAUSED\"}}}");
    assert_int_equal(answer_num(&a, "status"), 200);
    answer_done(&a);
    (void)process_wait_line(w.gate.process, "the template", "has changed", NULL);
    gate_expect(&w.gate, 422, "template_not_approved", NULL, "POST", "/v1/messages",
                "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"wa\",\"content\":{\"type\":\"template\","
                "\"name\":"
                "\"foto\",\"language\":\"es\",\"parameters\":{\"header\":[{\"type\":\"image\",\"url\":"
                "\"https://x/a.jpg\"}]}}}");
    world_down(&w);
}

static void read_and_other_kinds_go_out(void **state)
{
    static const char *const contents[] = {
        "{\"type\":\"location\",\"latitude\":-33.4,\"longitude\":-70.6,\"name\":\"Tienda\"}",
        "{\"type\":\"contacts\",\"contacts\":[{\"name\":\"Lucía\",\"phones\":[{\"number\":\"+571\",\"label\":"
        "\"WORK\"}]}]}",
        "{\"type\":\"media\",\"kind\":\"document\",\"url\":\"%s/openapi.json\",\"filename\":\"a.json\"}",
    };
    struct world w = {0};
    char id[64], wamid[64], path[128], content[512];

    (void)state;
    up(&w, NULL);
    for (unsigned i = 0; i < 3; i++) {
        const char *url = strstr(contents[i], "%s");
        (void)snprintf(content, sizeof content, "%.*s%s%s",
                       url ? (int)(url - contents[i]) : (int)strlen(contents[i]), contents[i],
                       url ? w.gate.url : "", url ? url + 2 : "");
        sends(&w, content, id);
        gate_wait_status(&w.gate, id, "read");
    }
    struct answer a = sim_messages(&w.sim, 3);
    assert_string_equal(answer_str(&a, "messages/0/kind"), "location");
    assert_string_equal(answer_str(&a, "messages/1/kind"), "contact");
    assert_string_equal(answer_str(&a, "messages/1/body/content/contacts/0/phones/0/type"), "WORK");
    assert_string_equal(answer_str(&a, "messages/2/kind"), "document");
    answer_done(&a);
    comes(&w, "{\"from\":\"573001112233\",\"id\":\"wamid.x/y=\",\"type\":\"TEXT\",\"text\":\"hola\"}", id);
    (void)snprintf(path, sizeof path, "/v1/messages/%s/read", id);
    a = gate_post(&w.gate, path, "{}");
    assert_int_equal(a.status, 202);
    copy(wamid, sizeof wamid, answer_str(&a, "id"));
    answer_done(&a);
    gate_wait_status(&w.gate, wamid, "sent");
    assert_string_equal(gate_status(&w.gate, id), "read");
    a = sim_get(&w.sim, "/_sim/webhooks");
    assert_string_equal(answer_str(&a, "read/0"), "wamid.x/y=");
    answer_done(&a);
    assert_int_equal(sim_count(&w.sim, "refused"), 0);
    world_down(&w);
}

/* ---- media ---- */

static void photo_comes(struct world *w, char *media)
{
    sim_set(&w->sim, "/_sim/inbound",
            "{\"from\":\"%s\",\"name\":\"Ana\",\"type\":\"IMAGE\",\"caption\":\"la "
            "pantalla\",\"data\":\"%s\",\"mime_type\":"
            "\"image/jpeg\"}",
            phone, photo_base64);
    const char *p = strstr(process_wait_line(w->gate.process, "media.stored", NULL), "id=");
    (void)snprintf(media, 64, "%.*s", (int)strcspn(p + 3, " "), p + 3);
    struct answer a = gate_get(&w->gate, "/v1/media/%s", media);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.n, sizeof photo);
    assert_memory_equal(a.body, photo, sizeof photo);
    assert_non_null(strstr(a.headers, "Content-Type: image/jpeg"));
    answer_done(&a);
}

static void photos_come_with_the_key_and_go_by_a_signed_link(void **state)
{
    struct world w = {0};
    char media[64], id[64], content[256];

    (void)state;
    up(&w, NULL);
    photo_comes(&w, media);
    (void)snprintf(content, sizeof content,
                   "{\"type\":\"media\",\"kind\":\"image\",\"media\":\"%s\",\"caption\":\"ésta\"}", media);
    sends(&w, content, id);
    gate_wait_status(&w.gate, id, "read");
    struct answer a = sim_messages(&w.sim, 1);
    assert_string_equal(answer_str(&a, "messages/0/kind"), "image");
    assert_string_equal(answer_str(&a, "messages/0/body/content/caption"), "ésta");
    assert_int_equal(answer_num(&a, "messages/0/media/status"), 200);
    assert_int_equal(answer_num(&a, "messages/0/media/bytes"), sizeof photo);
    assert_string_equal(answer_str(&a, "messages/0/media/type"), "image/jpeg");
    answer_done(&a);
    /* Likewise in a template. */
    (void)snprintf(content, sizeof content,
                   "{\"type\":\"template\",\"name\":\"foto\",\"language\":\"es\",\"parameters\":{\"header\":["
                   "{\"type\":\"image\","
                   "\"media\":\"%s\"}]}}",
                   media);
    sends(&w, content, id);
    gate_wait_status(&w.gate, id, "read");
    a = sim_messages(&w.sim, 2);
    assert_string_equal(answer_str(&a, "messages/1/body/content/templateData/header/type"), "IMAGE");
    assert_int_equal(answer_num(&a, "messages/1/media/bytes"), sizeof photo);
    answer_done(&a);
    world_down(&w);
}

/* Infobip may answer with a place that it does not run: the file comes, the key stays. */
static void a_photo_kept_elsewhere_is_fetched_without_the_key(void **state)
{
    struct world w = {0};
    char media[64];

    (void)state;
    up(&w, NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"media\":302}");
    photo_comes(&w, media); /* the place answers 400 to whoever shows it a key */
    world_down(&w);
}

static void a_photo_at_a_strangers_is_not_asked_for(void **state)
{
    struct world w = {0};
    struct sim stranger = {0};

    (void)state;
    up(&w, NULL);
    ib_start(&stranger);
    sim_set(&w.sim, "/_sim/inbound",
            "{\"from\":\"%s\",\"message\":{\"type\":\"IMAGE\",\"url\":\"%s/whatsapp/1/senders/573000000000/"
            "media/x\"}}",
            phone, stranger.url);
    (void)process_wait_line(w.gate.process, "media.failed", NULL);
    assert_int_equal(sim_count(&stranger, "requests"), 0);
    assert_int_equal(sim_count(&stranger, "keys"), 0);
    sim_stop(&stranger);
    world_down(&w);
}

static void a_photo_that_comes_late_is_asked_for_again(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    up(&w, NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"media\":500}");
    comes(&w,
          "{\"from\":\"573001112233\",\"type\":\"IMAGE\",\"data\":\"/9j/4AAQ\",\"mime_type\":\"image/jpeg\"}",
          id);
    (void)process_wait_line(w.gate.process, "media.failed", NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"media\":0}");
    (void)process_wait_line(w.gate.process, "media.stored", NULL);
    world_down(&w);
}

/* ---- what goes wrong ---- */

static void throttled_is_sent_again_when_infobip_says(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    up(&w, NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"429\",\"retry_after\":1,\"count\":1}");
    gate_send_text(&w.gate, to, "hola", id);
    (void)process_wait_nth(w.gate.process, 1, "message.reported", id, "status=queued", "reason=rate_limited",
                           NULL);
    gate_wait_status(&w.gate, id, "read");
    assert_int_equal(sim_count(&w.sim, "accepted"), 1);
    world_down(&w);
}

/* By a wrong key, and by an account without credits: a whole queue waits for the operator. */
static void stops(struct world *w, const char *reason)
{
    char id[2][64];

    gate_send_text(&w->gate, to, "1", id[0]);
    (void)process_wait_line(w->gate.process, "channel.stopped", reason, NULL);
    gate_send_text(&w->gate, "+573001112234", "2", id[1]);
    gate_queue_is(&w->gate, 2, 0);
    struct answer a = gate_get(&w->gate, "/v1/messages/%s", id[0]);
    assert_string_equal(answer_str(&a, "status"), "queued");
    assert_int_equal(answer_num(&a, "attempts"), 0);
    answer_done(&a);
    sim_set(&w->sim, "/_sim/config", "{\"api_key\":\"sim-key\"}");
    sim_set(&w->sim, "/_sim/faults", "{\"status\":\"\"}");
    a = gate_post(&w->gate, "/v1/channels/wa/resume", "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    for (unsigned i = 0; i < 2; i++)
        gate_wait_status(&w->gate, id[i], "read");
}

static void a_wrong_key_stops_the_channel(void **state)
{
    struct world w = {0};

    (void)state;
    up(&w, NULL);
    sim_set(&w.sim, "/_sim/config", "{\"api_key\":\"another\"}");
    stops(&w, "reason=token_invalid");
    world_down(&w);
}

static void an_empty_account_stops_the_channel(void **state)
{
    struct world w = {0};

    (void)state;
    up(&w, NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"status\":\"REJECTED_NOT_ENOUGH_CREDITS\"}");
    stops(&w, "reason=billing");
    world_down(&w);
}

static void what_infobip_rejects_or_can_not_deliver_fails_with_its_reason(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    up(&w, NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"status\":\"REJECTED_DESTINATION\"}");
    gate_send_text(&w.gate, to, "1", id);
    gate_wait_status(&w.gate, id, "failed");
    reason_is(&w, id, "rejected", "REJECTED_DESTINATION");
    sim_set(&w.sim, "/_sim/faults",
            "{\"status\":\"\",\"reports\":[\"PENDING_ENROUTE\",\"UNDELIVERABLE_NOT_DELIVERED\"],\"error\":"
            "\"EC_MARKETING_OPT_OUT\"}");
    gate_send_text(&w.gate, to, "2", id);
    gate_wait_status(&w.gate, id, "failed");
    reason_is(&w, id, "opted_out", "EC_MARKETING_OPT_OUT");
    /* Nobody has written: the window is closed, which Infobip tells later. */
    sim_set(&w.sim, "/_sim/config", "{\"enforce_window\":true}");
    gate_send_text(&w.gate, to, "3", id);
    gate_wait_status(&w.gate, id, "failed");
    reason_is(&w, id, "window_closed", "EC_NO_SESSION");
    world_down(&w);
}

static void a_lost_answer_is_in_doubt_until_a_report(const char *faults, const char *more)
{
    struct world w = {0};
    char id[64];

    up(&w, more);
    sim_set(&w.sim, "/_sim/faults", "%s", faults);
    gate_send_text(&w.gate, to, "hola", id);
    (void)process_wait_nth(w.gate.process, 1, "message.reported", id, "status=in_doubt", NULL);
    assert_string_equal(gate_status(&w.gate, id), "in_doubt");
    gate_queue_is(&w.gate, 0, 0); /* nothing will send it again */
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    sim_set(&w.sim, "/_sim/report", "{\"id\":\"%s\",\"status\":\"DELIVERED_TO_HANDSET\"}", id);
    gate_wait_status(&w.gate, id, "delivered");
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "provider_id"), id);
    assert_int_equal(answer_num(&a, "attempts"), 1);
    answer_done(&a);
    assert_int_equal(sim_count(&w.sim, "accepted"), 1);
    assert_int_equal(sim_count(&w.sim, "duplicates"), 0);
    world_down(&w);
}

static void a_timeout_is_in_doubt_until_a_report(void **state)
{
    (void)state;
    a_lost_answer_is_in_doubt_until_a_report("{\"hold\":\"after_accept\",\"reports\":[]}",
                                             "    timeout: 1s\n");
}

static void a_dropped_answer_is_in_doubt_until_a_report(void **state)
{
    (void)state;
    a_lost_answer_is_in_doubt_until_a_report("{\"reply\":\"drop_after\",\"count\":1,\"reports\":[]}", NULL);
}

static void a_proxys_page_is_in_doubt_until_a_report(void **state)
{
    (void)state;
    a_lost_answer_is_in_doubt_until_a_report("{\"reply\":\"500_after\",\"count\":1,\"reports\":[]}", NULL);
}

/* Sent again by policy: Infobip knows the id, so she gets it once and we learn that it is there. */
static void what_is_sent_again_arrives_once(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    up(&w, "    in_doubt: resend\n");
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"drop_after\",\"count\":1,\"reports\":[]}");
    gate_send_text(&w.gate, to, "hola", id);
    gate_wait_status(&w.gate, id, "sent");
    assert_int_equal(sim_count(&w.sim, "accepted"), 1);
    assert_int_equal(sim_count(&w.sim, "duplicates"), 1);
    world_down(&w);
}

static void what_was_not_taken_is_tried_again(void **state)
{
    static const char *const reply[] = {"drop_before", "503"};
    struct world w = {0};
    char id[64];

    (void)state;
    up(&w, NULL);
    /* a connection that closes without an answer may have been heard: only 503 says that it was not */
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"%s\",\"count\":2}", reply[1]);
    gate_send_text(&w.gate, to, "hola", id);
    gate_wait_status(&w.gate, id, "read");
    assert_int_equal(sim_count(&w.sim, "accepted"), 1);
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"%s\",\"count\":1}", reply[0]);
    gate_send_text(&w.gate, to, "otra", id);
    (void)process_wait_nth(w.gate.process, 1, "message.reported", id, "status=in_doubt", NULL);
    world_down(&w);
}

/* ---- webhooks ---- */

static void posts(struct world *w, const char *path, const char *credentials, const char *body, int status)
{
    struct answer a = sim_post(&w->sim, "/_sim/post", "{\"url\":\"%s/hooks/wa%s\",%s%s%s\"body\":\"%s\"}",
                               w->gate.url, path, credentials ? "\"credentials\":\"" : "",
                               credentials ? credentials : "", credentials ? "\"," : "", body);

    if (answer_num(&a, "status") != status)
        print_message("%s %s: %s\n", path, credentials, a.body);
    assert_int_equal(answer_num(&a, "status"), status);
    answer_done(&a);
}

static void only_infobip_may_post(void **state)
{
    static const char body[] = "{\\\"results\\\":[]}", secret[] = "/0123456789abcdef",
                      good[] = "hilo:s3:cret";
    struct world w = {0};

    (void)state;
    up(&w, NULL);
    posts(&w, secret, good, body, 200);
    posts(&w, secret, NULL, body, 401);
    posts(&w, secret, "hilo:s3:cres", body, 401);
    posts(&w, secret, "hilo:", body, 401);
    posts(&w, "", good, body, 404);
    posts(&w, "/0123456789abcdeg", good, body, 404);
    posts(&w, secret, good, "{\\\"results\\\":", 400);
    char url[256];
    (void)snprintf(url, sizeof url, "%s/hooks/wa/0123456789abcdef", w.gate.url);
    struct answer a = http_do("GET", url, NULL, NULL, NULL);
    assert_int_equal(a.status, 405);
    answer_done(&a);
    assert_true(process_saw(w.gate.process, "webhook_user and webhook_password"));
    assert_false(process_saw(w.gate.process, "s3:cre"));
    world_down(&w);
}

static void many_results_in_one_post_come_in_once_each_and_after_a_kill_too(void **state)
{
    struct world w = {0};
    char json[4096] = "[";

    (void)state;
    up(&w, NULL);
    sim_set(&w.sim, "/_sim/config", "{\"batch\":10}");
    sim_set(&w.sim, "/_sim/faults", "{\"duplicate_webhooks\":true}");
    for (unsigned i = 0; i < 20; i++)
        (void)snprintf(json + strlen(json), sizeof json - strlen(json),
                       "%s{\"from\":\"57300111%04u\",\"type\":\"TEXT\",\"text\":\"n %u\"}", i ? "," : "", i,
                       i);
    gate_kill(&w.gate);
    (void)snprintf(json + strlen(json), sizeof json - strlen(json), "]");
    sim_set(&w.sim, "/_sim/inbound", "%s", json); /* nobody is there to take them */
    gate_again(&w.gate);
    sim_quiet(&w.sim);
    struct answer a = sim_get(&w.sim, "/_sim/webhooks");
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "acked")), 20);
    answer_done(&a);
    assert_true(sim_count(&w.sim, "acked") <= 10);
    assert_int_equal(process_count(w.gate.process, "message.received"), 20);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_goes_out_under_our_id_and_is_read),
        cmocka_unit_test(buttons_and_a_list_are_tapped),
        cmocka_unit_test(a_template_with_all_its_parts_goes_out_and_is_answered),
        cmocka_unit_test(a_template_that_infobip_pauses_is_not_sent),
        cmocka_unit_test(read_and_other_kinds_go_out),
        cmocka_unit_test(photos_come_with_the_key_and_go_by_a_signed_link),
        cmocka_unit_test(a_photo_kept_elsewhere_is_fetched_without_the_key),
        cmocka_unit_test(a_photo_at_a_strangers_is_not_asked_for),
        cmocka_unit_test(a_photo_that_comes_late_is_asked_for_again),
        cmocka_unit_test(throttled_is_sent_again_when_infobip_says),
        cmocka_unit_test(a_wrong_key_stops_the_channel),
        cmocka_unit_test(an_empty_account_stops_the_channel),
        cmocka_unit_test(what_infobip_rejects_or_can_not_deliver_fails_with_its_reason),
        cmocka_unit_test(a_timeout_is_in_doubt_until_a_report),
        cmocka_unit_test(a_dropped_answer_is_in_doubt_until_a_report),
        cmocka_unit_test(a_proxys_page_is_in_doubt_until_a_report),
        cmocka_unit_test(what_is_sent_again_arrives_once),
        cmocka_unit_test(what_was_not_taken_is_tried_again),
        cmocka_unit_test(only_infobip_may_post),
        cmocka_unit_test(many_results_in_one_post_come_in_once_each_and_after_a_kill_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
