/*
 * The SMS channel by Twilio, through the daemon and hilo-sim-twilio: there and back, what goes wrong on the
 * way, and whose signature is believed.
 */
#include "harness.h"
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char ana[] = "+573001112233", account[] = "AC00000000000000000000000000000001",
                  service[] = "MG00000000000000000000000000000001", token[] = "sim-token";

struct rig {
    struct scratch scratch;
    struct sim sim;
    struct gate gate;
    char lines[1024], hook[128];
};

/* more: lines of the channel. Waits until it is up. */
static void up(struct rig *r, const char *more)
{
    char bin[256];
    const char *const argv[] = {bin, "--config", "{\"retry_min_ms\":20,\"retry_max_ms\":200}", NULL};

    memset(r, 0, sizeof *r);
    (void)snprintf(bin, sizeof bin, "%s/sim/hilo-sim-twilio", harness_build());
    scratch_init(&r->scratch);
    r->sim.process = process_start(argv);
    r->sim.port = atoi(strstr(process_wait_line(r->sim.process, "ready port=", NULL), "port=") + 5);
    (void)snprintf(r->sim.url, sizeof r->sim.url, "http://127.0.0.1:%d", r->sim.port);
    r->gate.port = free_port();
    (void)snprintf(r->hook, sizeof r->hook, "http://127.0.0.1:%d/hooks/wa", r->gate.port);
    (void)snprintf(r->lines, sizeof r->lines,
                   "    provider: twilio\n    base_url: %s\n    account_sid: %s\n    auth_token: %s\n%s"
                   "    webhook_url: %s\n    retry_min: 20ms\n    retry_max: 50ms\n%s",
                   r->sim.url, account, token,
                   strstr(more, "messaging_service_sid:") ? "" : "    sender: \"+15005550006\"\n", r->hook,
                   more);
    r->gate.type = "sms";
    r->gate.channel = r->lines;
    gate_start(&r->gate, &r->scratch, NULL);
    sim_set(&r->sim, "/_sim/config", "{\"webhook_url\":\"%s\",\"from\":\"+15005550006\"}", r->hook);
    (void)process_wait_nth(r->gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
}

static void down(struct rig *r)
{
    assert_int_equal(sim_count(&r->sim, "not_twiml"), 0);
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

static void a_text_goes_out_and_is_delivered(void **state)
{
    static const char text[] = "Hola & adiós: €10 [ñ] 100% +1\\n😀";
    char id[64], sid[64], callback[256];
    struct rig r;

    (void)state;
    up(&r, "");
    gate_send(&r.gate, ana, text, ",\"expires_in\":\"PT90M\"", id);
    gate_wait_status(&r.gate, id, "delivered");
    struct answer a = sim_messages(&r.sim, 1);
    assert_string_equal(answer_str(&a, "messages/0/form/To"), ana);
    assert_string_equal(answer_str(&a, "messages/0/form/From"), "+15005550006");
    assert_null(json_at(a.json, "messages/0/form/MessagingServiceSid"));
    assert_string_equal(answer_str(&a, "messages/0/form/Body"), "Hola & adiós: €10 [ñ] 100% +1\n😀");
    assert_string_equal(answer_str(&a, "messages/0/form/SmartEncoded"), "false");
    double validity = atof(answer_str(&a, "messages/0/form/ValidityPeriod"));
    assert_true(validity > 5300 && validity <= 5400);
    (void)snprintf(callback, sizeof callback, "%s?msg=%s", r.hook, id);
    assert_string_equal(answer_str(&a, "messages/0/form/StatusCallback"), callback);
    (void)snprintf(sid, sizeof sid, "%s", answer_str(&a, "messages/0/id"));
    answer_done(&a);
    a = gate_get(&r.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "provider_id"), sid);
    assert_int_equal(answer_num(&a, "attempts"), 1);
    answer_done(&a);
    /* Twilio has none. */
    gate_expect(&r.gate, 422, "not_supported", "/flash", "POST", "/v1/messages",
                "{\"to\":{\"phone\":\"+573001112233\"},\"flash\":true,"
                "\"content\":{\"type\":\"text\",\"text\":\"a\"}}");
    down(&r);
}

static void by_an_api_key_and_a_messaging_service(void **state)
{
    char more[256], id[64];
    struct rig r;

    (void)state;
    (void)snprintf(more, sizeof more,
                   "    messaging_service_sid: %s\n    api_key: SK00000000000000000000000000000001\n"
                   "    api_secret: s3cret\n",
                   service);
    up(&r, more);
    sim_set(&r.sim, "/_sim/config",
            "{\"api_key\":\"SK00000000000000000000000000000001\",\"api_secret\":\"s3cret\"}");
    gate_send_text(&r.gate, ana, "hola", id);
    gate_wait_status(&r.gate, id, "delivered");
    struct answer a = sim_messages(&r.sim, 1);
    assert_string_equal(answer_str(&a, "messages/0/form/MessagingServiceSid"), service);
    assert_null(json_at(a.json, "messages/0/form/From"));
    answer_done(&a);
    down(&r);
}

/* As many segments as were told are what Twilio counts, whatever the form. */
static void segments_are_as_many_as_were_told(void **state)
{
    static const struct {
        const char *piece;
        unsigned times;
    } row[] = {{"abcdefgh", 20}, {"abcdefgh", 21}, {"€", 80}, {"€", 81}, {"á", 70},  {"á", 161},
               {"ж", 70},        {"ж", 71},        {"😀", 35}, {"😀", 36}, {"“", 161}, {"e\xcc\x81", 160}};
    char text[4096], id[64];
    struct rig r;

    (void)state;
    up(&r, "    transliterate: true\n");
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        text[0] = '\0';
        for (unsigned k = 0; k < row[i].times; k++)
            strcat(text, row[i].piece);
        struct answer a = gate_post(
            &r.gate, "/v1/messages",
            "{\"to\":{\"phone\":\"%s\"},\"channel\":\"wa\",\"content\":{\"type\":\"text\",\"text\":\"%s\"}}",
            ana, text);
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

static void comes(struct rig *r, const char *json, char id[64])
{
    sim_set(&r->sim, "/_sim/inbound", "%s", json);
    const char *p = strstr(process_wait_line(r->gate.process, "message.received", NULL), "id=msg_");
    assert_non_null(p);
    (void)snprintf(id, 64, "%.*s", (int)strcspn(p + 3, " "), p + 3);
    sim_quiet(&r->sim);
}

static void somebody_writes(void **state)
{
    struct rig r;
    char id[64];

    (void)state;
    up(&r, "");
    comes(&r, "{\"from\":\"+573001112233\",\"text\":\"¿Y cuándo llega? 50% & más 😀\",\"sid\":\"SM77\"}", id);
    struct answer a = gate_get(&r.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "content/text"), "¿Y cuándo llega? 50% & más 😀");
    assert_string_equal(answer_str(&a, "party/0/value"), ana);
    assert_string_equal(answer_str(&a, "provider_id"), "SM77");
    assert_non_null(strstr(answer_str(&a, "extra"), "\"destination\":\"+15005550006\""));
    assert_non_null(strstr(answer_str(&a, "extra"), "\"FromCity\":\"Bogotá\""));
    assert_null(strstr(answer_str(&a, "extra"), "ApiVersion"));
    answer_done(&a);
    /* A picture without words is kept as it came. */
    comes(&r, "{\"from\":\"+573001112233\",\"text\":\"\",\"media\":[\"https://api.twilio.com/m/1\"]}", id);
    a = gate_get(&r.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "content/type"), "unsupported");
    assert_string_equal(answer_str(&a, "content/raw_type"), "mms");
    assert_non_null(strstr(answer_str(&a, "content/raw"), "https://api.twilio.com/m/1"));
    answer_done(&a);
    assert_int_equal(sim_count(&r.sim, "inbound_acked"), 2);
    down(&r);
}

/* ---- what goes wrong ---- */

static void what_twilio_refuses_fails_with_its_reason(void **state)
{
    static const struct {
        int code;
        const char *reason;
    } row[] = {{21211, "invalid_recipient"},
               {21408, "region_not_allowed"},
               {21610, "opted_out"},
               {21614, "not_mobile"},
               {29999, "rejected"}};
    struct rig r;
    char id[64], code[16];

    (void)state;
    up(&r, "");
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        sim_set(&r.sim, "/_sim/faults", "{\"reply\":\"error\",\"error\":%d,\"error_status\":400,\"count\":1}",
                row[i].code);
        gate_send_text(&r.gate, ana, "hola", id);
        gate_wait_status(&r.gate, id, "failed");
        (void)snprintf(code, sizeof code, "%d", row[i].code);
        reason_is(&r, id, row[i].reason, code);
    }
    assert_false(process_saw(r.gate.process, "573001112233")); /* no number, though Twilio's words had it */
    down(&r);
}

static void what_can_not_be_delivered_fails_with_its_reason(void **state)
{
    static const struct {
        int code;
        const char *reason;
    } row[] = {{30003, "unreachable"},  {30004, "recipient_blocked"}, {30005, "unknown_recipient"},
               {30006, "not_mobile"},   {30007, "content_blocked"},   {30008, "undeliverable"},
               {30999, "undeliverable"}};
    struct rig r;
    char id[64], code[16];

    (void)state;
    up(&r, "");
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        sim_set(&r.sim, "/_sim/faults", "{\"statuses\":[\"queued\",\"sent\",\"%s\"],\"error_code\":%d}",
                i % 2 ? "failed" : "undelivered", row[i].code);
        gate_send_text(&r.gate, ana, "hola", id);
        gate_wait_status(&r.gate, id, "failed");
        (void)snprintf(code, sizeof code, "%d", row[i].code);
        reason_is(&r, id, row[i].reason, code);
    }
    down(&r);
}

static void throttled_is_sent_again_when_twilio_says(void **state)
{
    struct rig r;
    char id[64];

    (void)state;
    up(&r, "");
    sim_set(&r.sim, "/_sim/faults",
            "{\"reply\":\"error\",\"error\":20429,\"error_status\":429,\"retry_after\":1,\"count\":1}");
    gate_send_text(&r.gate, ana, "hola", id);
    (void)process_wait_nth(r.gate.process, 1, "message.reported", id, "status=queued", "reason=rate_limited",
                           NULL);
    gate_wait_status(&r.gate, id, "delivered");
    struct answer a = gate_get(&r.gate, "/v1/messages/%s", id);
    assert_int_equal(answer_num(&a, "attempts"), 1);
    answer_done(&a);
    sim_set(&r.sim, "/_sim/faults",
            "{\"reply\":\"error\",\"error\":20503,\"error_status\":503,\"retry_after\":0,\"count\":1}");
    gate_send_text(&r.gate, ana, "otra", id);
    (void)process_wait_nth(r.gate.process, 1, "message.reported", id, "status=queued",
                           "reason=provider_unavailable", NULL);
    gate_wait_status(&r.gate, id, "delivered");
    assert_int_equal(sim_count(&r.sim, "accepted"), 2);
    down(&r);
}

/* By a wrong token, and by a sender that is not ours: what waits waits for the operator. */
static void stops(const char *config, const char *mended, const char *reason)
{
    struct rig r;
    char id[2][64];

    up(&r, "");
    sim_set(&r.sim, "/_sim/config", "%s", config);
    gate_send_text(&r.gate, ana, "1", id[0]);
    (void)process_wait_line(r.gate.process, "channel.stopped", reason, NULL);
    gate_send_text(&r.gate, "+573001112234", "2", id[1]);
    gate_queue_is(&r.gate, 2, 0);
    sim_set(&r.sim, "/_sim/config", "%s", mended);
    struct answer a = gate_post(&r.gate, "/v1/channels/wa/resume", "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    for (unsigned i = 0; i < 2; i++)
        gate_wait_status(&r.gate, id[i], "delivered");
    down(&r);
}

static void a_wrong_token_or_sender_stops_the_channel(void **state)
{
    (void)state;
    stops("{\"auth_token\":\"another\"}", "{\"auth_token\":\"sim-token\"}", "reason=token_invalid");
    stops("{\"from\":\"+15005550007\"}", "{\"from\":\"\"}", "reason=sender_rejected");
}

static void a_lost_answer_is_in_doubt_until_a_callback(const char *faults, const char *more)
{
    struct rig r;
    char id[64], sid[64];

    up(&r, more);
    sim_set(&r.sim, "/_sim/faults", "%s", faults);
    gate_send_text(&r.gate, ana, "hola", id);
    (void)process_wait_nth(r.gate.process, 1, "message.reported", id, "status=in_doubt", NULL);
    assert_string_equal(gate_status(&r.gate, id), "in_doubt");
    gate_queue_is(&r.gate, 0, 0); /* nothing will send it again */
    sim_set(&r.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    sim_set(&r.sim, "/_sim/status", "{\"seq\":1,\"status\":\"delivered\"}");
    gate_wait_status(&r.gate, id, "delivered");
    struct answer a = sim_messages(&r.sim, 1);
    (void)snprintf(sid, sizeof sid, "%s", answer_str(&a, "messages/0/id"));
    answer_done(&a);
    a = gate_get(&r.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "provider_id"), sid);
    answer_done(&a);
    assert_int_equal(sim_count(&r.sim, "accepted"), 1);
    down(&r);
}

static void what_may_have_been_taken_is_in_doubt_until_a_callback(void **state)
{
    (void)state;
    a_lost_answer_is_in_doubt_until_a_callback("{\"hold\":\"after_accept\",\"statuses\":[]}",
                                               "    timeout: 1s\n");
    a_lost_answer_is_in_doubt_until_a_callback("{\"reply\":\"drop_after\",\"count\":1,\"statuses\":[]}", "");
    a_lost_answer_is_in_doubt_until_a_callback("{\"reply\":\"500_after\",\"count\":1,\"statuses\":[]}", "");
    a_lost_answer_is_in_doubt_until_a_callback("{\"reply\":\"garbage\",\"count\":1,\"statuses\":[]}", "");
}

/* Callbacks that are faster than the answer. */
static void a_callback_may_come_before_the_answer(void **state)
{
    struct rig r;
    char id[64];

    (void)state;
    up(&r, "");
    sim_set(&r.sim, "/_sim/faults", "{\"hold\":\"after_accept\"}");
    gate_send_text(&r.gate, ana, "hola", id);
    struct answer a = sim_messages(&r.sim, 1);
    answer_done(&a);
    sim_quiet(&r.sim); /* all three were taken */
    sim_set(&r.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    gate_wait_status(&r.gate, id, "delivered");
    gate_queue_is(&r.gate, 0, 0);
    assert_string_equal(gate_status(&r.gate, id), "delivered");
    down(&r);
}

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

/* ---- webhooks ---- */

/* A request, perhaps signed: json has members of POST /_sim/post beside url. */
static void posts(struct rig *r, const char *path, const char *json, int status)
{
    struct answer a =
        sim_post(&r->sim, "/_sim/post", "{\"url\":\"%s%s\"%s%s}", r->hook, path, *json ? "," : "", json);

    if (answer_num(&a, "status") != status)
        print_message("%s %s: %s\n", path, json, a.body);
    assert_int_equal(answer_num(&a, "status"), status);
    answer_done(&a);
}

static void only_twilio_may_post(void **state)
{
    static const char body[] = "{\"some\":\"json\"}";
    char json[512], path[256], hex[65];
    unsigned char digest[32];
    struct rig r;

    (void)state;
    up(&r, "");
    posts(&r, "", "\"body\":\"MessageSid=SM1&From=%2B573001112233&Body=hola\",\"token\":\"sim-token\"", 200);
    posts(&r, "?a=b%20c",
          "\"body\":\"MessageSid=SM2&From=%2B573001112233&Body=hola\",\"token\":\"sim-token\"", 200);
    posts(&r, "", "\"body\":\"MessageSid=SM3&From=%2B573001112233&Body=hola\",\"token\":\"another\"", 401);
    posts(&r, "", "\"body\":\"MessageSid=SM4&From=%2B573001112233&Body=hola\"", 401);
    posts(&r, "", "\"body\":\"MessageSid=SM5&From=%2B573001112233&Body=hola\",\"signature\":\"AAAA\"", 401);
    /* Signed for another address, with another query, or without its port. */
    posts(&r, "",
          "\"body\":\"MessageSid=SM6&From=%2B573001112233&Body=hola\",\"token\":\"sim-token\",\"signed_url\":"
          "\"http://127.0.0.1/hooks/wb\"",
          401);
    posts(&r, "?a=b",
          "\"body\":\"MessageSid=SM7\",\"token\":\"sim-token\",\"signed_url\":\"http://127.0.0.1/hooks/"
          "wa?a=c\"",
          401);
    posts(&r, "",
          "\"body\":\"MessageSid=SM8&From=%2B573001112233&Body=hola\",\"token\":\"sim-token\",\"signed_url\":"
          "\"http://127.0.0.1/hooks/wa\"",
          200);
    posts(&r, "/deeper", "\"body\":\"MessageSid=SM9\",\"token\":\"sim-token\"", 404);
    /* By GET. */
    posts(&r, "?MessageSid=SM10&From=%2B573001112233&Body=hola", "\"token\":\"sim-token\"", 200);
    posts(&r, "?MessageSid=SM11&From=%2B573001112233&Body=hola", "\"token\":\"another\"", 401);
    /* JSON, its hash in the signed URL: it holds nothing for us, but it is Twilio's. */
    assert_int_equal(EVP_Digest(body, sizeof body - 1, digest, NULL, EVP_sha256(), NULL), 1);
    for (unsigned i = 0; i < sizeof digest; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    (void)snprintf(path, sizeof path, "?bodySHA256=%s", hex);
    (void)snprintf(
        json, sizeof json,
        "\"type\":\"application/json\",\"token\":\"sim-token\",\"body\":\"{\\\"some\\\":\\\"json\\\"}\"");
    posts(&r, path, json, 200);
    (void)snprintf(
        json, sizeof json,
        "\"type\":\"application/json\",\"token\":\"sim-token\",\"body\":\"{\\\"some\\\":\\\"other\\\"}\"");
    posts(&r, path, json, 401);
    posts(&r, "", json, 401);
    char url[256];
    (void)snprintf(url, sizeof url, "%s", r.hook);
    struct answer a = http_do("PUT", url, NULL, "x", NULL);
    assert_int_equal(a.status, 405);
    answer_done(&a);
    gate_queue_is(&r.gate, 0, 0);
    assert_int_equal(process_count(r.gate.process, "message.received"), 4);
    assert_true(process_saw(r.gate.process, "X-Twilio-Signature"));
    assert_false(process_saw(r.gate.process, token));
    down(&r);
}

static void what_comes_twice_and_after_a_kill_is_taken_once(void **state)
{
    struct rig r;
    char json[4096] = "[";

    (void)state;
    up(&r, "");
    sim_set(&r.sim, "/_sim/faults", "{\"duplicate_webhooks\":true}");
    for (unsigned i = 0; i < 20; i++)
        (void)snprintf(json + strlen(json), sizeof json - strlen(json),
                       "%s{\"from\":\"+57300111%04u\",\"text\":\"n %u\"}", i ? "," : "", i, i);
    (void)snprintf(json + strlen(json), sizeof json - strlen(json), "]");
    gate_kill(&r.gate);
    sim_set(&r.sim, "/_sim/inbound", "%s", json); /* nobody is there to take them */
    gate_again(&r.gate);
    sim_quiet(&r.sim);
    assert_int_equal(sim_count(&r.sim, "inbound_acked"), 40);
    assert_int_equal(process_count(r.gate.process, "message.received"), 20);
    down(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_goes_out_and_is_delivered),
        cmocka_unit_test(by_an_api_key_and_a_messaging_service),
        cmocka_unit_test(segments_are_as_many_as_were_told),
        cmocka_unit_test(somebody_writes),
        cmocka_unit_test(what_twilio_refuses_fails_with_its_reason),
        cmocka_unit_test(what_can_not_be_delivered_fails_with_its_reason),
        cmocka_unit_test(throttled_is_sent_again_when_twilio_says),
        cmocka_unit_test(a_wrong_token_or_sender_stops_the_channel),
        cmocka_unit_test(what_may_have_been_taken_is_in_doubt_until_a_callback),
        cmocka_unit_test(a_callback_may_come_before_the_answer),
        cmocka_unit_test(an_api_that_is_away_burns_no_attempt),
        cmocka_unit_test(only_twilio_may_post),
        cmocka_unit_test(what_comes_twice_and_after_a_kill_is_taken_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
