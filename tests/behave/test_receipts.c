/* Receipts in whatever order and number they come. */
#include "harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char ana[] = "+573001112233";

static void up(struct world *w)
{
    world_up(w, NULL, NULL);
    sim_set(&w->sim, "/_sim/config", "{\"enforce_window\":false}");
}

/* A webhook of one status, made by hand: without the echo of our id. */
static void bare_status(struct world *w, const char *wamid, const char *status, long time)
{
    struct answer a = sim_post(
        &w->sim, "/_sim/post",
        "{\"payload\":{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"102290129340398\","
        "\"changes\":[{\"field\":\"messages\",\"value\":{\"messaging_product\":\"whatsapp\",\"metadata\":{"
        "\"display_phone_number\":\"15550783881\",\"phone_number_id\":\"106540352242922\"},\"statuses\":[{"
        "\"id\":\"%s\",\"status\":\"%s\",\"timestamp\":\"%ld\",\"recipient_id\":\"573001112233\"}]}}]}]}}",
        wamid, status, time);

    if (answer_num(&a, "status") != 200)
        print_message("%s\n", a.body);
    assert_int_equal(answer_num(&a, "status"), 200);
    answer_done(&a);
}

static unsigned steps(const struct answer *a, const char *status)
{
    const cJSON *step;
    unsigned n = 0;

    cJSON_ArrayForEach(step, json_at(a->json, "history")) n +=
        strcmp(json_at(step, "status")->valuestring, status) == 0;
    return n;
}

static void receipts_may_come_before_the_answer_of_the_send(void **state)
{
    struct world w = {0};
    char id[64], next[64];

    (void)state;
    up(&w);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\"}");
    gate_send_text(&w.gate, ana, "hola", id);
    gate_send_text(&w.gate, ana, "next", next);
    gate_wait_status(&w.gate, id, "read");
    assert_string_equal(gate_status(&w.gate, id), "read");
    gate_queue_is(&w.gate, 1, 1); /* its answer decides when the next has its turn */
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    gate_wait_status(&w.gate, next, "read");
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "status"), "read");
    assert_int_equal(answer_num(&a, "attempts"), 1);
    answer_done(&a);
    assert_int_equal(sim_count(&w.sim, "accepted"), 2);
    world_down(&w);
}

static void a_receipt_of_an_unknown_message_waits_until_it_is_known(void **state)
{
    struct world w = {0};
    char id[64], wamid[128];

    (void)state;
    up(&w);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\",\"statuses\":[]}");
    gate_send_text(&w.gate, ana, "hola", id);
    struct answer a = sim_messages(&w.sim, 1);
    (void)snprintf(wamid, sizeof wamid, "%s", answer_str(&a, "messages/0/id"));
    answer_done(&a);
    bare_status(&w, wamid, "delivered", 1770000001);
    bare_status(&w, wamid, "sent", 1770000000);
    assert_string_equal(gate_status(&w.gate, id), "queued");
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    (void)process_wait_line(w.gate.process, "message.reported", id, NULL);
    a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "status"), "delivered");
    assert_int_equal(steps(&a, "delivered"), 1);
    assert_int_equal(steps(&a, "sent"), 2); /* the answer's and the receipt's */
    answer_done(&a);
    bare_status(&w, wamid, "read", 1770000002);
    assert_string_equal(gate_status(&w.gate, id), "read");
    world_down(&w);
}

static void parked_receipts_outlive_a_restart(void **state)
{
    struct world w = {0};
    char id[64], wamid[128];

    (void)state;
    up(&w);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\",\"statuses\":[]}");
    gate_send_text(&w.gate, ana, "hola", id);
    struct answer a = sim_messages(&w.sim, 1);
    (void)snprintf(wamid, sizeof wamid, "%s", answer_str(&a, "messages/0/id"));
    answer_done(&a);
    bare_status(&w, wamid, "delivered", 1770000001);
    gate_kill(&w.gate);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    gate_again(&w.gate);
    assert_string_equal(gate_status(&w.gate, id), "in_doubt");
    /* The echo tells which message the provider's id is of: both receipts are its. */
    sim_set(&w.sim, "/_sim/status", "{\"id\":\"%s\",\"status\":\"sent\"}", wamid);
    gate_wait_status(&w.gate, id, "sent");
    assert_string_equal(gate_status(&w.gate, id), "delivered");
    world_down(&w);
}

static void receipts_twice_and_in_disorder_change_nothing(void **state)
{
    struct world w = {0};
    char id[20][64], phone[32];

    (void)state;
    up(&w);
    sim_set(&w.sim, "/_sim/faults",
            "{\"duplicate_webhooks\":true,\"reorder_webhooks\":true,\"reorder_ms\":50,\"seed\":11}");
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(phone, sizeof phone, "+57300111%04u", i);
        gate_send_text(&w.gate, phone, "hola", id[i]);
    }
    (void)process_wait_nth(w.gate.process, 20, "message.reported", "status=sent", NULL);
    sim_quiet(&w.sim);
    for (unsigned i = 0; i < 20; i++) {
        struct answer a = gate_get(&w.gate, "/v1/messages/%s", id[i]);
        assert_string_equal(answer_str(&a, "status"), "read");
        assert_int_equal(steps(&a, "delivered"), 1);
        assert_int_equal(steps(&a, "read"), 1);
        answer_done(&a);
    }
    world_down(&w);
}

static void evidence_of_delivery_beats_a_failure(void **state)
{
    struct world w = {0};
    char id[64], wamid[128];

    (void)state;
    up(&w);
    sim_set(&w.sim, "/_sim/faults", "{\"statuses\":[\"sent\",\"failed\"],\"status_error\":131026}");
    gate_send_text(&w.gate, ana, "hola", id);
    gate_wait_status(&w.gate, id, "failed");
    (void)process_wait_nth(w.gate.process, 1, "message.reported", id, NULL);
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "status"), "failed");
    assert_string_equal(answer_str(&a, "reason"), "undeliverable");
    assert_string_equal(answer_str(&a, "provider_code"), "131026");
    (void)snprintf(wamid, sizeof wamid, "%s", answer_str(&a, "provider_id"));
    answer_done(&a);
    sim_set(&w.sim, "/_sim/status", "{\"id\":\"%s\",\"status\":\"delivered\"}", wamid);
    gate_wait_status(&w.gate, id, "delivered");
    a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "status"), "delivered");
    assert_null(json_at(a.json, "reason"));
    answer_done(&a);
    /* And what comes late of a lower rank takes nothing back. */
    sim_set(&w.sim, "/_sim/status", "{\"id\":\"%s\",\"status\":\"sent\"}", wamid);
    sim_quiet(&w.sim);
    assert_string_equal(gate_status(&w.gate, id), "delivered");
    world_down(&w);
}

static void a_receipt_of_a_message_of_somebody_else_moves_nothing(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    up(&w);
    sim_set(&w.sim, "/_sim/faults", "{\"statuses\":[]}");
    gate_send_text(&w.gate, ana, "hola", id);
    gate_wait_status(&w.gate, id, "sent");
    bare_status(&w, "wamid.HBgLNTczMDAxMTEyMjMzFQIAERgSdW5rbm93bg==", "read", 1770000003);
    assert_string_equal(gate_status(&w.gate, id), "sent");
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receipts_may_come_before_the_answer_of_the_send),
        cmocka_unit_test(a_receipt_of_an_unknown_message_waits_until_it_is_known),
        cmocka_unit_test(parked_receipts_outlive_a_restart),
        cmocka_unit_test(receipts_twice_and_in_disorder_change_nothing),
        cmocka_unit_test(evidence_of_delivery_beats_a_failure),
        cmocka_unit_test(a_receipt_of_a_message_of_somebody_else_moves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
