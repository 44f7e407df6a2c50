/* What a stop, and a kill at a bad moment, leave behind: everything. */
#include "harness.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char ana[] = "+573001112233";

static void up(struct world *w, const char *channel)
{
    world_up(w, channel, NULL);
    sim_set(&w->sim, "/_sim/config", "{\"enforce_window\":false}");
}

static void keep(char out[64], const struct answer *a, const char *path)
{
    assert_non_null(answer_str(a, path));
    (void)snprintf(out, 64, "%s", answer_str(a, path));
}

static void post_ok(struct world *w, const char *path, const char *json)
{
    struct answer a = gate_do(&w->gate, "POST", path, json);

    assert_int_equal(a.status, 200);
    answer_done(&a);
}

/* Sends with an Idempotency-Key; the message's id. */
static bool send_once(struct world *w, char *id)
{
    struct answer a = gate_with(&w->gate, "POST", "/v1/messages",
                                "{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"text\","
                                "\"text\":\"once\"}}",
                                "Idempotency-Key: order-17");
    bool replayed = strstr(a.headers, "Idempotency-Replayed: true") != NULL;

    assert_int_equal(a.status, 202);
    keep(id, &a, "id");
    answer_done(&a);
    return replayed;
}

/* Stops it in one way or the other, looks at its store, and starts it again. */
static void over(struct world *w, bool kill)
{
    if (kill)
        gate_kill(&w->gate);
    else
        gate_stop(&w->gate);
    gate_check_store(&w->gate);
    gate_again(&w->gate);
}

static void everything_is_there_again(bool kill)
{
    struct world w = {0};
    char customer[64], case_id[64], first[64], again[64], path[128], id[200][64], text[16];
    struct answer a, before;

    up(&w, NULL);
    post_ok(&w, "/v1/channels/wa/pause", "{\"reason\":\"stock taking\"}");
    a = gate_post(&w.gate, "/v1/customers",
                  "{\"name\":\"Ana\",\"attributes\":{\"vip\":true},\"identifiers\":[{\"scheme\":\"phone\","
                  "\"value\":\"%s\"}]}",
                  ana);
    keep(customer, &a, "id");
    answer_done(&a);
    a = gate_post(&w.gate, "/v1/cases", "{\"customer\":\"%s\",\"subject\":\"Televisor\"}", customer);
    keep(case_id, &a, "id");
    answer_done(&a);
    assert_false(send_once(&w, first));
    for (unsigned i = 0; i < 200; i++) {
        (void)snprintf(text, sizeof text, "n %u", i);
        gate_send_text(&w.gate, ana, text, id[i]);
    }
    sim_text(&w.sim, "573001112233", "hola", NULL);
    (void)process_wait_line(w.gate.process, "message.received", NULL);
    (void)snprintf(path, sizeof path, "/v1/customers/%s/timeline?limit=200", customer);
    before = gate_do(&w.gate, "GET", path, NULL);
    for (int twice = 0; twice < 2; twice++) {
        over(&w, kill);
        a = gate_do(&w.gate, "GET", path, NULL);
        assert_int_equal(a.status, 200); /* by the same key */
        assert_string_equal(a.body, before.body);
        answer_done(&a);
        a = gate_get(&w.gate, "/v1/customers/%s", customer);
        assert_string_equal(answer_str(&a, "name"), "Ana");
        assert_true(cJSON_IsTrue(json_at(a.json, "attributes/vip")));
        answer_done(&a);
        a = gate_get(&w.gate, "/v1/cases/%s", case_id);
        assert_int_equal(answer_num(&a, "messages"), 202);
        answer_done(&a);
        a = gate_get(&w.gate, "/v1/channels");
        assert_true(cJSON_IsTrue(json_at(a.json, "channels/0/paused")));
        assert_string_equal(answer_str(&a, "channels/0/why"), "stock taking");
        answer_done(&a);
        gate_queue_is(&w.gate, 201, 0);
        assert_true(send_once(&w, again));
        assert_string_equal(again, first);
    }
    answer_done(&before);
    assert_int_equal(sim_count(&w.sim, "accepted"), 0);
    post_ok(&w, "/v1/channels/wa/resume", "{}");
    gate_wait_status(&w.gate, id[199], "read");
    a = sim_messages(&w.sim, 201);
    assert_string_equal(answer_str(&a, "messages/0/body/text/body"), "once");
    for (unsigned i = 0; i < 200; i++) {
        (void)snprintf(path, sizeof path, "messages/%u/body/text/body", i + 1);
        (void)snprintf(text, sizeof text, "n %u", i);
        assert_string_equal(answer_str(&a, path), text);
    }
    answer_done(&a);
    sim_quiet(&w.sim);
    world_down(&w);
}

static void a_stop_keeps_everything(void **state)
{
    (void)state;
    everything_is_there_again(false);
}

static void a_kill_keeps_everything(void **state)
{
    (void)state;
    everything_is_there_again(true);
}

static void a_stop_waits_for_what_is_in_flight(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    up(&w, NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\",\"statuses\":[]}");
    gate_send_text(&w.gate, ana, "hola", id);
    struct answer a = sim_messages(&w.sim, 1);
    answer_done(&a);
    process_signal(w.gate.process, SIGTERM);
    (void)process_wait_line(w.gate.process, "gateway.stopping", NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    assert_int_equal(process_wait(w.gate.process), 0);
    gate_check_store(&w.gate);
    gate_again(&w.gate);
    assert_string_equal(gate_status(&w.gate, id), "sent");
    assert_int_equal(sim_count(&w.sim, "accepted"), 1);
    world_down(&w);
}

static void killed_in_flight_it_is_in_doubt_until_its_receipts(void **state)
{
    struct world w = {0};
    char id[64], next[64];

    (void)state;
    up(&w, NULL);
    /* Its receipts wait at the provider until somebody takes them. */
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\",\"statuses\":[]}");
    gate_send_text(&w.gate, ana, "hola", id);
    gate_send_text(&w.gate, ana, "next", next);
    struct answer a = sim_messages(&w.sim, 1);
    char wamid[128];
    (void)snprintf(wamid, sizeof wamid, "%s", answer_str(&a, "messages/0/id"));
    answer_done(&a);
    gate_kill(&w.gate);
    gate_check_store(&w.gate);
    sim_set(&w.sim, "/_sim/status", "{\"id\":\"%s\",\"status\":\"read\",\"delay_ms\":400}", wamid);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    gate_again(&w.gate);
    (void)process_wait_nth(w.gate.process, 1, "message.reported", id, "status=in_doubt", "reason=crashed",
                           NULL);
    gate_wait_status(&w.gate, id, "read");
    assert_string_equal(gate_status(&w.gate, id), "read");
    gate_wait_status(&w.gate, next, "sent"); /* it had its turn */
    assert_int_equal(sim_count(&w.sim, "accepted"), 2);
    assert_int_equal(sim_count(&w.sim, "duplicated"), 0);
    world_down(&w);
}

static void killed_in_flight_it_fails_in_doubt_at_its_expiry(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    up(&w, NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"before\",\"reply\":\"drop_before\",\"count\":1}");
    gate_send(&w.gate, ana, "hola", ",\"expires_in\":\"PT3S\"", id);
    gate_queue_is(&w.gate, 0, 1);
    gate_kill(&w.gate);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    gate_check_store(&w.gate);
    gate_again(&w.gate);
    (void)process_wait_nth(w.gate.process, 1, "message.settled", id, "status=failed", "reason=in_doubt",
                           NULL);
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "status"), "failed");
    assert_string_equal(answer_str(&a, "reason"), "in_doubt");
    answer_done(&a);
    assert_int_equal(sim_count(&w.sim, "accepted"), 0);
    world_down(&w);
}

static void killed_in_flight_it_is_sent_again_by_policy_and_in_its_turn(void **state)
{
    struct world w = {0};
    char id[64], next[64];

    (void)state;
    up(&w, "    in_doubt: resend\n    retry_min: 20ms\n    retry_max: 50ms\n");
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\",\"statuses\":[]}");
    gate_send_text(&w.gate, ana, "hola", id);
    gate_send_text(&w.gate, ana, "next", next);
    struct answer a = sim_messages(&w.sim, 1);
    answer_done(&a);
    gate_kill(&w.gate);
    gate_check_store(&w.gate);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    gate_again(&w.gate);
    gate_wait_status(&w.gate, next, "sent");
    a = sim_messages(&w.sim, 3);
    assert_string_equal(answer_str(&a, "messages/0/biz_opaque_callback_data"), id);
    assert_string_equal(answer_str(&a, "messages/1/biz_opaque_callback_data"), id);
    assert_string_equal(answer_str(&a, "messages/2/biz_opaque_callback_data"), next);
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "status"), "sent");
    assert_int_equal(answer_num(&a, "attempts"), 2);
    answer_done(&a);
    assert_int_equal(sim_count(&w.sim, "accepted"), 3);
    world_down(&w);
}

static void a_photo_that_was_not_there_yet_is_fetched_after_a_kill(void **state)
{
    struct world w = {0};
    char media[64], path[128];

    (void)state;
    up(&w, NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"media_fault\":\"500\",\"media_count\":-1}");
    sim_set(&w.sim, "/_sim/inbound",
            "{\"from\":\"573001112233\",\"type\":\"document\",\"data\":\"JVBERi0=\",\"mime_type\":"
            "\"application/pdf\"}");
    const char *line = process_wait_line(w.gate.process, "media.failed", "id=", NULL);
    (void)snprintf(media, sizeof media, "%.30s", strstr(line, "id=") + 3);
    (void)snprintf(path, sizeof path, "/v1/media/%s", media);
    gate_expect(&w.gate, 409, "media_pending", NULL, "GET", path, NULL);
    gate_kill(&w.gate);
    gate_check_store(&w.gate);
    sim_set(&w.sim, "/_sim/faults", "{\"media_fault\":\"ok\"}");
    gate_again(&w.gate);
    (void)process_wait_line(w.gate.process, "media.stored", media, NULL);
    struct answer a = gate_get(&w.gate, "/v1/media/%s", media);
    assert_string_equal(a.body, "%PDF-");
    answer_done(&a);
    world_down(&w);
}

static void a_second_daemon_on_the_same_store_is_refused(void **state)
{
    struct world w = {0};
    char bin[256], yaml[256];
    const char *const argv[] = {bin, "-c", yaml, NULL};

    (void)state;
    up(&w, NULL);
    (void)snprintf(bin, sizeof bin, "%s/hilod", harness_build());
    (void)snprintf(yaml, sizeof yaml, "%s/hilo.yaml", w.scratch.dir);
    struct process *second = process_start(argv);
    char *said = process_output(second);
    assert_int_equal(process_wait(second), 1);
    assert_non_null(strstr(said, w.scratch.dir));
    free(said);
    process_free(&second);
    struct answer a = gate_get(&w.gate, "/readyz");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stop_keeps_everything),
        cmocka_unit_test(a_kill_keeps_everything),
        cmocka_unit_test(a_stop_waits_for_what_is_in_flight),
        cmocka_unit_test(killed_in_flight_it_is_in_doubt_until_its_receipts),
        cmocka_unit_test(killed_in_flight_it_fails_in_doubt_at_its_expiry),
        cmocka_unit_test(killed_in_flight_it_is_sent_again_by_policy_and_in_its_turn),
        cmocka_unit_test(a_photo_that_was_not_there_yet_is_fetched_after_a_kill),
        cmocka_unit_test(a_second_daemon_on_the_same_store_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
