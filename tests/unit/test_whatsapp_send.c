/*
 * The WhatsApp plugin: a send, from the request to the report; life and descriptor.
 */
#include "whatsapp_host.h"

static void test_start_gives_credit_and_is_up(void **state)
{
    struct fake *f = *state;

    assert_int_equal(f->credit, 32);
    assert_int_equal(f->state, HILO_OK);
}

static void test_a_send_is_one_post_and_one_report(void **state)
{
    struct fake *f = *state;
    cJSON *body;

    send_text(f, 1);
    assert_int_equal(f->n_http, 1);
    assert_string_equal(f->http[0].method, "POST");
    assert_string_equal(f->http[0].url, "https://graph.example/v23.0/1065/messages");
    assert_string_equal(f->http[0].authorization, "Bearer TOKEN");
    assert_string_equal(f->http[0].type, "application/json");
    body = cJSON_Parse(f->http[0].body);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(body, "to")), "56912345678");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(body, "biz_opaque_callback_data")),
                        "msg_01000000000000000000000001");
    cJSON_Delete(body);
    assert_int_equal(f->n_report, 0);
    meta(f, 0, 200, TAKEN("wamid.1"), NULL);
    assert_int_equal(f->n_report, 1);
    assert_int_equal(f->report[0].code, HILO_OK);
    assert_string_equal(f->report[0].ext_id, "wamid.1");
    meta(f, 0, 200, TAKEN("wamid.1"), NULL); /* a late repetition finds nothing */
    assert_int_equal(f->n_report, 1);
}

static void test_each_answer_has_its_report(void **state)
{
    static const struct {
        uint32_t status;
        const char *body, *retry_after;
        int32_t code;
        const char *reason, *provider_code;
        int64_t retry_us;
        uint32_t scope;
    } row[] = {
        {200, "", NULL, HILO_IN_DOUBT, "unclear_answer", "", 0, HILO_SCOPE_MESSAGE},
        {200, "{\"messages\":[]}", NULL, HILO_IN_DOUBT, "unclear_answer", "", 0, HILO_SCOPE_MESSAGE},
        {200, "{\"messages\":[{\"id\":\"\"}]}", NULL, HILO_IN_DOUBT, "unclear_answer", "", 0,
         HILO_SCOPE_MESSAGE},
        {200, "<html>", NULL, HILO_IN_DOUBT, "unclear_answer", "", 0, HILO_SCOPE_MESSAGE},
        {400, ERROR(131047), NULL, HILO_PERM, "window_closed", "131047", 0, HILO_SCOPE_MESSAGE},
        {404, ERROR(132001), NULL, HILO_PERM, "template_missing", "132001", 0, HILO_SCOPE_MESSAGE},
        {400, ERROR(130429), NULL, HILO_AGAIN, "rate_limited", "130429", 1000000, HILO_SCOPE_CHANNEL},
        {429, ERROR(130429), "7", HILO_AGAIN, "rate_limited", "130429", 7000000, HILO_SCOPE_CHANNEL},
        {400, ERROR(131056), NULL, HILO_AGAIN, "pair_rate_limited", "131056", 6000000,
         HILO_SCOPE_CONVERSATION},
        {400, ERROR(131056), NULL, HILO_AGAIN, "pair_rate_limited", "131056", 6000000,
         HILO_SCOPE_CONVERSATION},
        {400, ERROR(131056), "9", HILO_AGAIN, "pair_rate_limited", "131056", 9000000,
         HILO_SCOPE_CONVERSATION},
        {503, ERROR(2), NULL, HILO_TEMP, "provider_unavailable", "2", 0, HILO_SCOPE_MESSAGE},
        {503, ERROR(2), "30", HILO_TEMP, "provider_unavailable", "2", 30000000, HILO_SCOPE_MESSAGE},
        {500, ERROR(131000), NULL, HILO_TEMP, "provider_error", "131000", 0, HILO_SCOPE_MESSAGE},
        {429, "slow down", "3", HILO_AGAIN, "rate_limited", "http 429", 3000000, HILO_SCOPE_CHANNEL},
        {429, "", NULL, HILO_AGAIN, "rate_limited", "http 429", 1000000, HILO_SCOPE_CHANNEL},
        {500, "", NULL, HILO_IN_DOUBT, "unclear_answer", "http 500", 0, HILO_SCOPE_MESSAGE},
        {502, "<html>bad gateway</html>", "5", HILO_IN_DOUBT, "unclear_answer", "http 502", 0,
         HILO_SCOPE_MESSAGE},
        {504, "{\"error\":\"x\"}", NULL, HILO_IN_DOUBT, "unclear_answer", "http 504", 0, HILO_SCOPE_MESSAGE},
        {400, "{}", NULL, HILO_PERM, "rejected", "http 400", 0, HILO_SCOPE_MESSAGE},
        {400, ERROR(999999), NULL, HILO_PERM, "rejected", "999999", 0, HILO_SCOPE_MESSAGE},
        {500, ERROR(999999), NULL, HILO_TEMP, "provider_error", "999999", 0, HILO_SCOPE_MESSAGE},
        {400, "{\"error\":{\"code\":999999,\"is_transient\":true}}", NULL, HILO_TEMP, "provider_error",
         "999999", 0, HILO_SCOPE_MESSAGE},
        {401, ERROR(190), NULL, HILO_CONFIG, "token_invalid", "190", 0, HILO_SCOPE_MESSAGE},
        {401, ERROR(0), NULL, HILO_CONFIG, "token_invalid", "0", 0, HILO_SCOPE_MESSAGE},
        {403, ERROR(131031), NULL, HILO_CONFIG, "account_locked", "131031", 0, HILO_SCOPE_MESSAGE},
        {400, ERROR(131042), NULL, HILO_CONFIG, "billing", "131042", 0, HILO_SCOPE_MESSAGE},
        {401, "", NULL, HILO_CONFIG, "token_invalid", "http 401", 0, HILO_SCOPE_MESSAGE},
        {301, "", NULL, HILO_CONFIG, "redirected", "http 301", 0, HILO_SCOPE_MESSAGE},
        {500, ERROR(131057), NULL, HILO_TEMP, "account_maintenance", "131057", 0, HILO_SCOPE_CHANNEL},
        {429, ERROR(4), NULL, HILO_AGAIN, "rate_limited", "4", 60000000, HILO_SCOPE_CHANNEL},
        {429, ERROR(131048), NULL, HILO_AGAIN, "spam_rate_limited", "131048", 900000000, HILO_SCOPE_CHANNEL},
    };
    struct fake *f = *state;
    bool stopped = false;
    unsigned i;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        send_text(f, i + 1);
        meta(f, i, row[i].status, row[i].body, row[i].retry_after);
        assert_int_equal(f->n_report, i + 1);
        if (f->report[i].code != row[i].code || strcmp(f->report[i].reason, row[i].reason) != 0 ||
            strcmp(f->report[i].provider_code, row[i].provider_code) != 0 ||
            f->report[i].retry_after_us != row[i].retry_us || f->report[i].scope != row[i].scope)
            fail_msg("%u %s: got %d %s %s %lld, scope %u", row[i].status, row[i].body, f->report[i].code,
                     f->report[i].reason, f->report[i].provider_code, (long long)f->report[i].retry_after_us,
                     f->report[i].scope);
        stopped = stopped || row[i].code == HILO_CONFIG; /* until something is sent */
        assert_int_equal(f->state, stopped ? HILO_CONFIG : HILO_OK);
    }
    send_text(f, 100);
    meta(f, i, 200, TAKEN("w"), NULL);
    assert_int_equal(f->state, HILO_OK); /* it works again */
}

static void test_what_may_have_left_is_in_doubt(void **state)
{
    struct fake *f = *state;

    send_text(f, 1);
    meta_breaks(f, 0, 0);
    assert_int_equal(f->report[0].code, HILO_TEMP);
    assert_string_equal(f->report[0].reason, "unreachable");
    send_text(f, 2);
    meta_breaks(f, 1, HILO_HTTP_MAYBE_SENT);
    assert_int_equal(f->report[1].code, HILO_IN_DOUBT);
    assert_string_equal(f->report[1].reason, "no_answer");
    send_text(f, 3);
    plugin->on_http(f->inst, f->http[2].token, HILO_TEMP, NULL);
    assert_int_equal(f->report[2].code, HILO_TEMP);
    f->http_rc = HILO_FULL;
    send_text(f, 4);
    assert_int_equal(f->report[3].code, HILO_AGAIN);
    assert_true(f->report[3].retry_after_us > 0);
}

static void test_mark_as_read_is_never_in_doubt(void **state)
{
    struct fake *f = *state;
    struct out o;
    unsigned i;

    for (i = 0; i < 4; i++)
        assert_int_equal(plugin->send(f->inst, id_of(i), message(&o, HILO_CONTENT_SYSTEM, "", 0)), HILO_OK);
    assert_string_equal(
        f->http[0].body,
        "{\"messaging_product\":\"whatsapp\",\"status\":\"read\",\"message_id\":\"wamid.Q\"}");
    meta(f, 0, 200, "{\"success\":true}", NULL);
    meta(f, 1, 200, "{}", NULL);
    meta(f, 2, 502, "", NULL);
    meta_breaks(f, 3, HILO_HTTP_MAYBE_SENT);
    assert_int_equal(f->report[0].code, HILO_OK);
    for (i = 1; i < 4; i++)
        assert_int_equal(f->report[i].code, HILO_TEMP);
}

static void test_what_can_not_be_written_is_refused(void **state)
{
    struct fake *f = *state;
    struct out o;

    assert_int_equal(plugin->send(f->inst, id_of(1), message(&o, HILO_CONTENT_NOTE, "x", 0)), HILO_OK);
    assert_int_equal(plugin->send(f->inst, id_of(2), str("\xff\xff\xff")), HILO_OK);
    assert_int_equal(f->n_http, 0);
    assert_int_equal(f->report[0].code, HILO_PERM);
    assert_string_equal(f->report[0].reason, "invalid_content");
    assert_true(f->report[0].detail[0]);
    assert_int_equal(f->report[1].code, HILO_PERM);
}

/* ---- the end ------------------------------------------------------------------------------------------ */

static void begin_everything(struct fake *f)
{
    send_text(f, 1);
    send_image(f, 2, 50);
    send_image(f, 3, 50);
    fetch(f, 9, "M");
    deliver(f, 1, BATCH);
}

static void assert_everything_ended(struct fake *f)
{
    assert_int_equal(f->n_report, 3);
    assert_int_equal(f->report[0].code, HILO_IN_DOUBT); /* the text had left */
    assert_int_equal(f->report[1].code, HILO_AGAIN);
    assert_int_equal(f->report[2].code, HILO_AGAIN);
    assert_int_equal(f->n_fetched, 1);
    assert_int_equal(f->fetched[0].code, HILO_TEMP);
    assert_int_equal(f->n_answer, 1);
    assert_int_equal(f->answer[0].status, 503);
}

static void test_close_ends_everything_once(void **state)
{
    struct fake *f = *state;

    begin_everything(f);
    plugin->close(f->inst);
    f->inst = NULL;
    assert_everything_ended(f);
}

static void test_drain_takes_no_more_and_waits(void **state)
{
    struct fake *f = *state;
    struct out o;

    begin_everything(f);
    plugin->drain(f->inst, 5000000);
    assert_int_equal(f->timer_us, 5000000);
    assert_int_equal(plugin->send(f->inst, id_of(4), message(&o, HILO_CONTENT_TEXT, "x", 0)), HILO_AGAIN);
    deliver(f, 2, BATCH);
    assert_int_equal(f->answer[0].status, 503);
    f->n_answer = 0;
    assert_int_equal(f->n_report, 0);
    plugin->on_timer(f->inst, 1);
    assert_everything_ended(f);
    meta(f, 0, 200, TAKEN("late"), NULL);
    give_file(f, 0);
    plugin->committed(f->inst, f->submit_token[0], HILO_OK);
    plugin->close(f->inst);
    f->inst = NULL;
    assert_everything_ended(f);
}

static void test_open_refuses_what_could_change_a_url_or_header(void **state)
{
    struct fake *f = *state;
    struct wa_conf conf;
    struct hilo_host host = f->host;
    void *inst = NULL;
    static const char *const named[] = {"phone_number_id", "phone_number_id", "version", "token",
                                        "app_secret",      "verify_token",    "provider"};
    unsigned i;

    for (i = 0; i < 7; i++) {
        memset(&conf, 0, sizeof conf);
        fake_conf(&conf);
        if (i == 0)
            conf.phone_number_id = str("1/2");
        else if (i == 1)
            conf.phone_number_id = str("");
        else if (i == 2)
            conf.version = str("v1?x");
        else if (i == 3)
            conf.token = str("abc\n");
        else if (i == 4)
            conf.app_secret = str("");
        else if (i == 5)
            conf.verify_token = str("");
        else
            conf.provider = 7;
        assert_int_equal(plugin->open(&host, (struct hilo_self *)f, &conf, &inst), HILO_CONFIG);
        assert_null(inst);
        /* The operator is told by the channel's state, and which option it is. */
        assert_int_equal(f->state, HILO_CONFIG);
        assert_non_null(strstr(f->state_text, named[i]));
    }
    host.size = 64;
    assert_int_equal(plugin->open(&host, (struct hilo_self *)f, &f->conf, &inst), HILO_BUG);
}

static void test_the_descriptor_is_whole(void **state)
{
    const struct hilo_abilities *a = plugin->abilities;
    uint32_t i;

    (void)state;
    assert_int_equal(plugin->magic, HILO_PLUGIN_MAGIC);
    assert_int_equal(plugin->size, sizeof *plugin);
    assert_string_equal(plugin->name, "whatsapp");
    assert_int_equal(plugin->requires & ~HILO_CAN_ALL_V1, 0);
    assert_int_equal(plugin->conf_size, sizeof(struct wa_conf));
    for (i = 0; i < plugin->n_options; i++) {
        assert_true(plugin->options[i].offset < plugin->conf_size);
        assert_non_null(plugin->options[i].help);
        assert_true((plugin->options[i].flags & HILO_OPT_REQUIRED) == 0 || plugin->options[i].def == NULL);
    }
    assert_int_equal(a->buttons_max, 3);
    assert_int_equal(a->schemes, 1u << HILO_SCHEME_PHONE | 1u << HILO_SCHEME_WHATSAPP);
    assert_int_equal(a->list_max, 10);
    assert_true(a->contents & 1u << HILO_CONTENT_TEMPLATE);
    assert_false(a->contents & 1u << HILO_CONTENT_NOTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW(test_start_gives_credit_and_is_up),
        FLOW(test_a_send_is_one_post_and_one_report),
        FLOW(test_each_answer_has_its_report),
        FLOW(test_what_may_have_left_is_in_doubt),
        FLOW(test_mark_as_read_is_never_in_doubt),
        FLOW(test_what_can_not_be_written_is_refused),
        FLOW(test_close_ends_everything_once),
        FLOW(test_drain_takes_no_more_and_waits),
        FLOW(test_open_refuses_what_could_change_a_url_or_header),
        FLOW(test_the_descriptor_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
