/*
 * The SMS channel by Infobip, through the daemon and hilo-sim-infobip: there and back, batches, what goes
 * wrong on the way, and who may post.
 */
#include "harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char ana[] = "+573001112233", secret[] = "0123456789abcdef";

struct rig {
    struct scratch scratch;
    struct sim sim;
    struct gate gate;
    char lines[1024];
};

/* more: lines of the channel. Waits until it is up. */
static void up(struct rig *r, const char *more)
{
    const char *const argv[] = {NULL, "--config", "{\"retry_min_ms\":20,\"retry_max_ms\":200}", NULL};
    const char *with[4];
    char bin[256];

    memset(r, 0, sizeof *r);
    memcpy(with, argv, sizeof with);
    with[0] = bin;
    (void)snprintf(bin, sizeof bin, "%s/sim/hilo-sim-infobip", harness_build());
    scratch_init(&r->scratch);
    r->sim.process = process_start(with);
    r->sim.port = atoi(strstr(process_wait_line(r->sim.process, "ready port=", NULL), "port=") + 5);
    (void)snprintf(r->sim.url, sizeof r->sim.url, "http://127.0.0.1:%d", r->sim.port);
    r->gate.port = free_port();
    (void)snprintf(r->lines, sizeof r->lines,
                   "    provider: infobip\n    base_url: %s\n    api_key: sim-key\n    sender: TIENDA\n"
                   "    webhook_url: http://127.0.0.1:%d/hooks/wa\n    webhook_secret: %s\n"
                   "    webhook_user: hilo\n    webhook_password: \"s3:cret\"\n"
                   "    retry_min: 20ms\n    retry_max: 50ms\n%s",
                   r->sim.url, r->gate.port, secret, more);
    r->gate.type = "sms";
    r->gate.channel = r->lines;
    gate_start(&r->gate, &r->scratch, NULL);
    sim_set(&r->sim, "/_sim/config",
            "{\"webhook_url\":\"%s/hooks/wa/%s\",\"webhook_user\":\"hilo\",\"webhook_password\":\"s3:cret\"}",
            r->gate.url, secret);
    (void)process_wait_nth(r->gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
}

static void down(struct rig *r)
{
    gate_stop(&r->gate);
    gate_check_store(&r->gate);
    process_free(&r->gate.process);
    sim_stop(&r->sim);
    scratch_done(&r->scratch);
}

static void reason_is(struct rig *r, const char *id, const char *reason, const char *code)
{
    struct answer a = gate_get(&r->gate, "/v1/messages/%s", id);

    assert_string_equal(answer_str(&a, "reason"), reason);
    assert_string_equal(answer_str(&a, "provider_code"), code);
    answer_done(&a);
}

/* ---- there and back ---- */

static void a_text_goes_out_under_our_id_and_is_delivered(void **state)
{
    struct rig r;
    char id[64];

    (void)state;
    up(&r, "");
    gate_send(&r.gate, ana, "Hola, tu pedido ya salió: €10 [ñ]", ",\"expires_in\":\"PT90M\"", id);
    gate_wait_status(&r.gate, id, "delivered");
    struct answer a = sim_messages(&r.sim, 1);
    assert_string_equal(answer_str(&a, "messages/0/kind"), "sms");
    assert_string_equal(answer_str(&a, "messages/0/id"), id);
    assert_string_equal(answer_str(&a, "messages/0/to"), ana + 1);
    assert_string_equal(answer_str(&a, "messages/0/body/sender"), "TIENDA");
    assert_string_equal(answer_str(&a, "messages/0/body/content/text"), "Hola, tu pedido ya salió: €10 [ñ]");
    assert_null(json_at(a.json, "messages/0/body/content/language"));
    assert_int_equal(answer_num(&a, "messages/0/body/options/validityPeriod/amount"), 90);
    assert_string_equal(answer_str(&a, "messages/0/body/options/validityPeriod/timeUnit"), "MINUTES");
    assert_string_equal(answer_str(&a, "messages/0/body/webhooks/callbackData"), id);
    answer_done(&a);
    a = gate_get(&r.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "provider_id"), id);
    assert_int_equal(answer_num(&a, "attempts"), 1);
    answer_done(&a);
    down(&r);
}

/* As many segments as were told are what Infobip counts, whatever the form. */
static void segments_are_as_many_as_were_told(void **state)
{
    static const struct {
        const char *piece;
        unsigned times;
    } row[] = {{"abcdefgh", 20}, {"abcdefgh", 21}, {"€", 80}, {"€", 81}, {"á", 70},  {"á", 80},
               {"ж", 70},        {"ж", 71},        {"😀", 35}, {"😀", 36}, {"“", 161}, {"e\xcc\x81", 160}};
    struct rig r;
    char text[4096], id[64];

    (void)state;
    up(&r, "    national_tables: spanish\n    transliterate: true\n");
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        text[0] = '\0';
        for (unsigned k = 0; k < row[i].times; k++)
            strcat(text, row[i].piece);
        struct answer a = gate_post(
            &r.gate, "/v1/messages",
            "{\"to\":{\"phone\":\"%s\"},\"channel\":\"wa\",\"content\":{\"type\":\"text\",\"text\":\"%s\"}}",
            ana, text);
        if (a.status != 202)
            print_message("%s\n", a.body);
        assert_int_equal(a.status, 202);
        (void)snprintf(id, sizeof id, "%s", answer_str(&a, "id"));
        double told = answer_num(&a, "segments/count");
        answer_done(&a);
        gate_wait_status(&r.gate, id, "delivered");
        a = sim_get(&r.sim, "/_sim/messages?since=%u", i);
        if (answer_num(&a, "messages/0/segments") != told)
            print_message("%u times %s: told %g, %s\n", row[i].times, row[i].piece, told, a.body);
        assert_true(told > 0);
        assert_int_equal(answer_num(&a, "messages/0/segments"), told);
        answer_done(&a);
    }
    down(&r);
}

static void somebody_writes(void **state)
{
    struct rig r;

    (void)state;
    up(&r, "");
    sim_set(
        &r.sim, "/_sim/sms",
        "[{\"from\":\"573001112233\",\"to\":\"890123\",\"keyword\":\"PEDIDO\",\"text\":\"PEDIDO ¿y cuándo "
        "llega? 😀\",\"id\":\"in-1\"},{\"from\":\"573001112234\",\"text\":\"hola\"}]");
    const char *line = process_wait_line(r.gate.process, "message.received", NULL),
               *p = strstr(line, "id=msg_");
    char id[64];
    assert_non_null(p);
    (void)snprintf(id, sizeof id, "%.*s", (int)strcspn(p + 3, " "), p + 3);
    (void)process_wait_line(r.gate.process, "message.received", NULL);
    sim_quiet(&r.sim);
    struct answer a = gate_get(&r.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "content/text"), "PEDIDO ¿y cuándo llega? 😀");
    assert_string_equal(answer_str(&a, "party/0/value"), ana);
    assert_string_equal(answer_str(&a, "provider_id"), "in-1");
    if (!json_at(a.json, "extra"))
        print_message("%s\n", a.body);
    assert_string_equal(answer_str(&a, "extra"), "{\"destination\":\"890123\",\"keyword\":\"PEDIDO\"}");
    answer_done(&a);
    down(&r);
}

/* What waits while four requests are held leaves in one, and each is told what became of it. */
static void what_waits_leaves_together(void **state)
{
    struct rig r;
    char id[12][64], phone[32];
    unsigned n = 12;

    (void)state;
    up(&r, "");
    sim_set(&r.sim, "/_sim/faults",
            "{\"hold\":\"before\",\"status\":\"REJECTED_DESTINATION\",\"only_to\":\"573001110007\"}");
    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(phone, sizeof phone, "+57300111%04u", i);
        gate_send_text(&r.gate, phone, "hola", id[i]);
    }
    gate_queue_is(&r.gate, 0, n); /* all are with the plugin */
    sim_set(&r.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    for (unsigned i = 0; i < n; i++)
        gate_wait_status(&r.gate, id[i], i == 7 ? "failed" : "delivered");
    reason_is(&r, id[7], "invalid_recipient", "REJECTED_DESTINATION");
    assert_int_equal(sim_count(&r.sim, "requests"), 5);
    assert_int_equal(sim_count(&r.sim, "accepted"), n - 1);
    down(&r);
}

/* One that Infobip's rules refuse takes the others of its request with it: they go again, each alone. */
static void one_that_is_refused_does_not_fail_the_others(void **state)
{
    struct rig r;
    char id[8][64], phone[32];
    unsigned n = 8;

    (void)state;
    up(&r, "    segments_max: 100\n");
    sim_set(&r.sim, "/_sim/faults", "{\"hold\":\"before\"}");
    for (unsigned i = 0; i < n; i++) {
        char *text = malloc(4200);

        memset(text, 'x', 4100); /* Infobip takes 4000 */
        text[i == 6 ? 4100 : 10] = '\0';
        (void)snprintf(phone, sizeof phone, "+57300111%04u", i);
        gate_send_text(&r.gate, phone, text, id[i]);
        free(text);
    }
    gate_queue_is(&r.gate, 0, n);
    sim_set(&r.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    for (unsigned i = 0; i < n; i++)
        gate_wait_status(&r.gate, id[i], i == 6 ? "failed" : "delivered");
    reason_is(&r, id[6], "invalid_parameter", "BAD_REQUEST");
    assert_int_equal(sim_count(&r.sim, "duplicates"), 0);
    assert_int_equal(sim_count(&r.sim, "requests"), 4 + 1 + 4);
    down(&r);
}

/* ---- what goes wrong ---- */

static void throttled_is_sent_again_when_infobip_says(void **state)
{
    struct rig r;
    char id[64];

    (void)state;
    up(&r, "");
    sim_set(&r.sim, "/_sim/faults", "{\"reply\":\"429\",\"retry_after\":1,\"count\":1}");
    gate_send_text(&r.gate, ana, "hola", id);
    (void)process_wait_nth(r.gate.process, 1, "message.reported", id, "status=queued", "reason=rate_limited",
                           NULL);
    gate_wait_status(&r.gate, id, "delivered");
    assert_int_equal(sim_count(&r.sim, "accepted"), 1);
    down(&r);
}

/* By a wrong key, and by an account without credits: what waits waits for the operator. */
static void stops(const char *config, const char *faults, const char *reason)
{
    struct rig r;
    char id[2][64];

    up(&r, "");
    sim_set(&r.sim, "/_sim/config", "%s", config);
    sim_set(&r.sim, "/_sim/faults", "%s", faults);
    gate_send_text(&r.gate, ana, "1", id[0]);
    (void)process_wait_line(r.gate.process, "channel.stopped", reason, NULL);
    gate_send_text(&r.gate, "+573001112234", "2", id[1]);
    gate_queue_is(&r.gate, 2, 0);
    sim_set(&r.sim, "/_sim/config", "{\"api_key\":\"sim-key\"}");
    sim_set(&r.sim, "/_sim/faults", "{\"status\":\"\"}");
    struct answer a = gate_post(&r.gate, "/v1/channels/wa/resume", "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    for (unsigned i = 0; i < 2; i++)
        gate_wait_status(&r.gate, id[i], "delivered");
    down(&r);
}

static void a_wrong_key_stops_the_channel(void **state)
{
    (void)state;
    stops("{\"api_key\":\"another\"}", "{}", "reason=token_invalid");
}

static void an_empty_account_stops_the_channel(void **state)
{
    (void)state;
    stops("{}", "{\"status\":\"REJECTED_NOT_ENOUGH_CREDITS\"}", "reason=billing");
}

static void what_can_not_be_delivered_fails_with_its_reason(void **state)
{
    struct rig r;
    char id[64];

    (void)state;
    up(&r, "    intermediate_receipts: true\n");
    sim_set(&r.sim, "/_sim/faults",
            "{\"reports\":[\"PENDING_ENROUTE\",\"DELIVERED_TO_OPERATOR\",\"UNDELIVERABLE_NOT_DELIVERED\"],"
            "\"error\":\"EC_ABSENT_SUBSCRIBER\"}");
    gate_send_text(&r.gate, ana, "1", id);
    gate_wait_status(&r.gate, id, "failed");
    reason_is(&r, id, "unreachable", "EC_ABSENT_SUBSCRIBER");
    sim_set(&r.sim, "/_sim/faults", "{\"reports\":[\"REJECTED_DND\"],\"error\":\"\"}");
    gate_send_text(&r.gate, ana, "2", id);
    gate_wait_status(&r.gate, id, "failed");
    reason_is(&r, id, "opted_out", "REJECTED_DND");
    sim_set(&r.sim, "/_sim/faults", "{\"reports\":[\"EXPIRED_EXPIRED\"]}");
    gate_send_text(&r.gate, ana, "3", id);
    gate_wait_status(&r.gate, id, "failed");
    reason_is(&r, id, "expired", "EXPIRED_EXPIRED");
    struct answer a = sim_messages(&r.sim, 3);
    assert_true(cJSON_IsTrue(json_at(a.json, "messages/0/body/webhooks/delivery/intermediateReport")));
    answer_done(&a);
    down(&r);
}

static void a_lost_answer_is_in_doubt_until_a_report(const char *faults, const char *more)
{
    struct rig r;
    char id[64];

    up(&r, more);
    sim_set(&r.sim, "/_sim/faults", "%s", faults);
    gate_send_text(&r.gate, ana, "hola", id);
    (void)process_wait_nth(r.gate.process, 1, "message.reported", id, "status=in_doubt", NULL);
    assert_string_equal(gate_status(&r.gate, id), "in_doubt");
    gate_queue_is(&r.gate, 0, 0); /* nothing will send it again */
    sim_set(&r.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    sim_set(&r.sim, "/_sim/report", "{\"id\":\"%s\",\"status\":\"DELIVERED_TO_HANDSET\"}", id);
    gate_wait_status(&r.gate, id, "delivered");
    assert_int_equal(sim_count(&r.sim, "accepted"), 1);
    assert_int_equal(sim_count(&r.sim, "duplicates"), 0);
    down(&r);
}

static void what_may_have_been_taken_is_in_doubt_until_a_report(void **state)
{
    (void)state;
    a_lost_answer_is_in_doubt_until_a_report("{\"hold\":\"after_accept\",\"reports\":[]}",
                                             "    timeout: 1s\n");
    a_lost_answer_is_in_doubt_until_a_report("{\"reply\":\"drop_after\",\"count\":1,\"reports\":[]}", "");
    a_lost_answer_is_in_doubt_until_a_report("{\"reply\":\"500_after\",\"count\":1,\"reports\":[]}", "");
    a_lost_answer_is_in_doubt_until_a_report("{\"reply\":\"garbage\",\"count\":1,\"reports\":[]}", "");
}

static void what_was_not_taken_is_tried_again(void **state)
{
    struct rig r;
    char id[64];

    (void)state;
    up(&r, "");
    sim_set(&r.sim, "/_sim/faults", "{\"reply\":\"503\",\"count\":2}");
    gate_send_text(&r.gate, ana, "hola", id);
    gate_wait_status(&r.gate, id, "delivered");
    assert_int_equal(sim_count(&r.sim, "accepted"), 1);
    down(&r);
}

/* Nobody is there: no attempt is counted, and it is sent when somebody is. */
static void an_api_that_is_away_burns_no_attempt(void **state)
{
    struct rig r;
    char id[64];

    (void)state;
    up(&r, "");
    sim_stop(&r.sim);
    gate_send_text(&r.gate, ana, "hola", id);
    (void)process_wait_nth(r.gate.process, 2, "message.reported", id, "status=queued", "reason=unreachable",
                           NULL);
    struct answer a = gate_get(&r.gate, "/v1/messages/%s", id);
    assert_int_equal(answer_num(&a, "attempts"), 0);
    answer_done(&a);
    gate_stop(&r.gate);
    gate_check_store(&r.gate);
    process_free(&r.gate.process);
    scratch_done(&r.scratch);
}

/* An opt-out while others wait: what has not left comes back and is suppressed. */
static void what_waits_here_is_revoked(void **state)
{
    struct rig r;
    char id[6][64], phone[32];

    (void)state;
    up(&r, "");
    sim_set(&r.sim, "/_sim/faults", "{\"hold\":\"before\"}");
    for (unsigned i = 0; i < 6; i++) {
        (void)snprintf(phone, sizeof phone, "+57300111%04u", i);
        gate_send(&r.gate, phone, "oferta", ",\"category\":\"promotional\"", id[i]);
    }
    gate_queue_is(&r.gate, 0, 6);
    sim_set(&r.sim, "/_sim/sms", "{\"from\":\"573001110005\",\"text\":\"BAJA\"}");
    gate_wait_status(&r.gate, id[5], "suppressed");
    sim_set(&r.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    for (unsigned i = 0; i < 5; i++)
        gate_wait_status(&r.gate, id[i], "delivered");
    struct answer a = sim_messages(&r.sim, 5);
    for (int i = 0; i < cJSON_GetArraySize(json_at(a.json, "messages")); i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "messages/%d/id", i);
        assert_string_not_equal(answer_str(&a, path), id[5]);
    }
    answer_done(&a);
    down(&r);
}

/* ---- webhooks ---- */

static void posts(struct rig *r, const char *path, const char *credentials, const char *body, int status)
{
    struct answer a = sim_post(&r->sim, "/_sim/post", "{\"url\":\"%s/hooks/wa%s\",%s%s%s\"body\":\"%s\"}",
                               r->gate.url, path, credentials ? "\"credentials\":\"" : "",
                               credentials ? credentials : "", credentials ? "\"," : "", body);

    if (answer_num(&a, "status") != status)
        print_message("%s %s: %s\n", path, credentials ? credentials : "-", a.body);
    assert_int_equal(answer_num(&a, "status"), status);
    answer_done(&a);
}

static void only_infobip_may_post(void **state)
{
    static const char body[] = "{\\\"results\\\":[]}", path[] = "/0123456789abcdef", good[] = "hilo:s3:cret";
    struct rig r;

    (void)state;
    up(&r, "");
    posts(&r, path, good, body, 200);
    posts(&r, path, NULL, body, 401);
    posts(&r, path, "hilo:s3:cres", body, 401);
    posts(&r, path, "hilo:", body, 401);
    posts(&r, "", good, body, 404);
    posts(&r, "/0123456789abcdeg", good, body, 404);
    posts(&r, path, good, "{\\\"results\\\":", 400);
    char url[256];
    (void)snprintf(url, sizeof url, "%s/hooks/wa%s", r.gate.url, path);
    struct answer a = http_do("GET", url, NULL, NULL, NULL);
    assert_int_equal(a.status, 405);
    answer_done(&a);
    assert_true(process_saw(r.gate.process, "webhook_user and webhook_password"));
    assert_false(process_saw(r.gate.process, "s3:cre"));
    down(&r);
}

static void many_results_in_one_post_come_in_once_each_and_after_a_kill_too(void **state)
{
    struct rig r;
    char json[4096] = "[";

    (void)state;
    up(&r, "");
    sim_set(&r.sim, "/_sim/config", "{\"batch\":10}");
    sim_set(&r.sim, "/_sim/faults", "{\"duplicate_webhooks\":true}");
    for (unsigned i = 0; i < 20; i++)
        (void)snprintf(json + strlen(json), sizeof json - strlen(json),
                       "%s{\"from\":\"57300111%04u\",\"text\":\"n %u\"}", i ? "," : "", i, i);
    (void)snprintf(json + strlen(json), sizeof json - strlen(json), "]");
    gate_kill(&r.gate);
    sim_set(&r.sim, "/_sim/sms", "%s", json); /* nobody is there to take them */
    gate_again(&r.gate);
    sim_quiet(&r.sim);
    struct answer a = sim_get(&r.sim, "/_sim/webhooks");
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "acked")), 20);
    answer_done(&a);
    assert_int_equal(process_count(r.gate.process, "message.received"), 20);
    down(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_goes_out_under_our_id_and_is_delivered),
        cmocka_unit_test(segments_are_as_many_as_were_told),
        cmocka_unit_test(somebody_writes),
        cmocka_unit_test(what_waits_leaves_together),
        cmocka_unit_test(one_that_is_refused_does_not_fail_the_others),
        cmocka_unit_test(throttled_is_sent_again_when_infobip_says),
        cmocka_unit_test(a_wrong_key_stops_the_channel),
        cmocka_unit_test(an_empty_account_stops_the_channel),
        cmocka_unit_test(what_can_not_be_delivered_fails_with_its_reason),
        cmocka_unit_test(what_may_have_been_taken_is_in_doubt_until_a_report),
        cmocka_unit_test(what_was_not_taken_is_tried_again),
        cmocka_unit_test(an_api_that_is_away_burns_no_attempt),
        cmocka_unit_test(what_waits_here_is_revoked),
        cmocka_unit_test(only_infobip_may_post),
        cmocka_unit_test(many_results_in_one_post_come_in_once_each_and_after_a_kill_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
