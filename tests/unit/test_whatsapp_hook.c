/*
 * The WhatsApp plugin: webhooks, from the request to the answer.
 */
#include "whatsapp_host.h"

static void test_handshake(void **state)
{
    static const struct {
        const char *url;
        uint32_t status;
    } row[] = {
        {"?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=verify%20me", 200},
        {"/?hub.verify_token=verify+me&hub.challenge=1158201444&hub.mode=subscribe", 200},
        {"?hub%2Emode=subscribe&hub.challenge=1158201444&hub.verify_token=verify%20me&x", 200},
        {"?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=verify%20mE", 403},
        {"?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=", 403},
        {"?hub.mode=unsubscribe&hub.challenge=1158201444&hub.verify_token=verify%20me", 403},
        {"?hub.mode=subscribe&hub.verify_token=verify%20me", 403},
        {"?hub.challenge=1158201444", 403},
        {"", 403},
        {"?", 403},
        {"?&&=&%&%zz=%", 403},
        {"/other?hub.mode=subscribe&hub.challenge=1&hub.verify_token=verify%20me", 404},
    };
    struct fake *f = *state;
    unsigned i;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        request(f, i, "GET", row[i].url, "", NULL);
        assert_int_equal(f->n_answer, i + 1);
        assert_int_equal(f->answer[i].status, row[i].status);
        if (row[i].status == 200)
            assert_string_equal(f->answer[i].body, "1158201444");
        assert_string_equal(f->answer[i].type, "text/plain");
    }
    request(f, 90, "PUT", "", "", NULL);
    assert_int_equal(f->answer[i].status, 405);
}

static void test_unsigned_deliveries_are_refused(void **state)
{
    struct fake *f = *state;

    request(f, 1, "POST", "", BATCH, NULL);
    request(f, 2, "POST", "", BATCH,
            "sha256=0000000000000000000000000000000000000000000000000000000000000000");
    request(f, 3, "POST", "", BATCH, "sha1=x");
    assert_int_equal(f->n_answer, 3);
    assert_int_equal(f->answer[0].status, 401);
    assert_int_equal(f->answer[1].status, 401);
    assert_int_equal(f->answer[2].status, 401);
    assert_int_equal(f->n_submit, 0);
    assert_int_equal(f->n_log, 1); /* anybody could fill the log otherwise */
    deliver(f, 4, "{\"object\":");
    assert_int_equal(f->answer[3].status, 400);
    deliver(f, 5, "{\"object\":\"page\"}");
    assert_int_equal(f->answer[4].status, 200);
    deliver(f, 6, VALUE("\"messages\":[]"));
    assert_int_equal(f->answer[5].status, 200);
    assert_int_equal(f->n_submit, 0);
}

static void test_a_delivery_is_answered_after_the_last_commit(void **state)
{
    struct fake *f = *state;

    deliver(f, 1, BATCH);
    deliver(f, 2, BATCH);
    assert_int_equal(f->n_submit, 6);
    assert_int_equal(f->n_answer, 0);
    plugin->committed(f->inst, f->submit_token[2], HILO_DUPLICATE);
    plugin->committed(f->inst, f->submit_token[0], HILO_OK);
    plugin->committed(f->inst, f->submit_token[3], HILO_OK);
    assert_int_equal(f->n_answer, 0);
    plugin->committed(f->inst, f->submit_token[1], HILO_INVALID); /* no repetition would help */
    assert_int_equal(f->n_answer, 1);
    assert_int_equal(f->answer[0].request, 1);
    assert_int_equal(f->answer[0].status, 200);
    plugin->committed(f->inst, f->submit_token[4], HILO_FULL);
    assert_int_equal(f->n_answer, 1);
    plugin->committed(f->inst, f->submit_token[5], HILO_OK);
    assert_int_equal(f->answer[1].request, 2);
    assert_int_equal(f->answer[1].status, 503);
    plugin->committed(f->inst, f->submit_token[5], HILO_OK); /* finds nothing */
    assert_int_equal(f->n_answer, 2);
}

static void test_a_full_link_makes_meta_come_back(void **state)
{
    struct fake *f = *state;

    f->submit_rc = HILO_FULL;
    f->submit_fails_at = 2;
    deliver(f, 1, BATCH);
    assert_int_equal(f->n_submit, 2); /* no use to go on */
    assert_int_equal(f->n_answer, 0);
    plugin->committed(f->inst, f->submit_token[0], HILO_OK);
    assert_int_equal(f->answer[0].status, 503);
    f->submit_fails_at = 0;
    deliver(f, 2, BATCH);
    assert_int_equal(f->answer[1].status, 503);
    f->submit_rc = HILO_INVALID;
    deliver(f, 3, BATCH);
    assert_int_equal(f->answer[2].status, 200);
}

static void test_an_account_error_stops_the_channel(void **state)
{
    struct fake *f = *state;

    deliver(f, 1, VALUE("\"errors\":[{\"code\":130429,\"title\":\"slow\"}]"));
    assert_int_equal(f->state, HILO_OK);
    deliver(f, 2, VALUE("\"errors\":[{\"code\":131031,\"title\":\"locked\"}]"));
    assert_int_equal(f->state, HILO_CONFIG);
    assert_int_equal(f->answer[1].status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW(test_handshake),
        FLOW(test_unsigned_deliveries_are_refused),
        FLOW(test_a_delivery_is_answered_after_the_last_commit),
        FLOW(test_a_full_link_makes_meta_come_back),
        FLOW(test_an_account_error_stops_the_channel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
