/* Sends whose outcome nobody knows: held, resolved by a receipt, or sent again by policy. */
#include "harness.h"
#include <setjmp.h>
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

static void in_doubt(struct world *w, const char *id)
{
    (void)process_wait_nth(w->gate.process, 1, "message.reported", id, "status=in_doubt", NULL);
}

static void sim_id(struct world *w, unsigned nth, char *id)
{
    struct answer a = sim_messages(&w->sim, nth + 1);
    char path[64];

    (void)snprintf(path, sizeof path, "messages/%u/id", nth);
    (void)snprintf(id, 128, "%s", answer_str(&a, path));
    answer_done(&a);
}

static void never_twice(struct world *w, unsigned accepted)
{
    assert_int_equal(sim_count(&w->sim, "accepted"), accepted);
    assert_int_equal(sim_count(&w->sim, "duplicated"), 0);
}

/* One way to lose the answer of a send that was taken; a receipt tells that it was. */
static void held_until_a_receipt(const char *fault)
{
    struct world w = {0};
    char id[64], next[64], wamid[128];

    up(&w, "    retry_min: 20ms\n    retry_max: 50ms\n");
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"%s\",\"count\":1,\"statuses\":[]}", fault);
    gate_send_text(&w.gate, ana, "hola", id);
    in_doubt(&w, id);
    assert_string_equal(gate_status(&w.gate, id), "in_doubt");
    gate_queue_is(&w.gate, 0, 0); /* held is not queued: nothing will send it again */
    /* The conversation goes on meanwhile. */
    gate_send_text(&w.gate, ana, "next", next);
    gate_wait_status(&w.gate, next, "sent");
    assert_string_equal(gate_status(&w.gate, id), "in_doubt");
    sim_id(&w, 0, wamid);
    sim_set(&w.sim, "/_sim/status", "{\"id\":\"%s\",\"status\":\"delivered\"}", wamid);
    gate_wait_status(&w.gate, id, "delivered");
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "status"), "delivered");
    assert_string_equal(answer_str(&a, "provider_id"), wamid);
    assert_int_equal(answer_num(&a, "attempts"), 1);
    answer_done(&a);
    never_twice(&w, 2);
    world_down(&w);
}

static void a_dropped_answer_is_held_until_a_receipt(void **state)
{
    (void)state;
    held_until_a_receipt("drop_after_accept");
}

static void a_servers_page_of_error_is_held_until_a_receipt(void **state)
{
    (void)state;
    held_until_a_receipt("500_after_accept");
}

static void an_answer_that_can_not_be_read_is_held_until_a_receipt(void **state)
{
    (void)state;
    held_until_a_receipt("garbage");
}

static void receipts_that_come_before_the_doubt_leave_none(void **state)
{
    struct world w = {0};
    char id[64], next[64];

    (void)state;
    up(&w, NULL);
    sim_set(&w.sim, "/_sim/faults",
            "{\"reply\":\"drop_after_accept\",\"count\":1,\"hold\":\"after_accept\"}");
    gate_send_text(&w.gate, ana, "hola", id);
    gate_wait_status(&w.gate, id, "read");
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    in_doubt(&w, id); /* the report; not the message */
    assert_string_equal(gate_status(&w.gate, id), "read");
    gate_queue_is(&w.gate, 0, 0);
    gate_send_text(&w.gate, ana, "next", next);
    gate_wait_status(&w.gate, next, "read");
    never_twice(&w, 2);
    world_down(&w);
}

static void a_failure_told_by_a_receipt_ends_the_doubt(void **state)
{
    struct world w = {0};
    char id[64], wamid[128];

    (void)state;
    up(&w, NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"drop_after_accept\",\"count\":1,\"statuses\":[]}");
    gate_send_text(&w.gate, ana, "hola", id);
    in_doubt(&w, id);
    sim_id(&w, 0, wamid);
    sim_set(&w.sim, "/_sim/status", "{\"id\":\"%s\",\"status\":\"failed\",\"error\":131026}", wamid);
    gate_wait_status(&w.gate, id, "failed");
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "status"), "failed");
    assert_string_equal(answer_str(&a, "reason"), "undeliverable");
    answer_done(&a);
    never_twice(&w, 1);
    world_down(&w);
}

static void a_hold_ends_at_the_expiry_as_failed_in_doubt(void **state)
{
    struct world w = {0};
    char id[64], next[64], path[128];

    (void)state;
    up(&w, NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"drop_before\",\"count\":1}");
    gate_send(&w.gate, ana, "hola", ",\"expires_in\":\"PT2S\"", id);
    in_doubt(&w, id);
    (void)snprintf(path, sizeof path, "/v1/messages/%s", id);
    gate_expect(&w.gate, 409, "already_leaving", NULL, "DELETE", path, NULL);
    (void)process_wait_line(w.gate.process, "message.settled", id, "status=failed", "reason=in_doubt", NULL);
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "status"), "failed");
    assert_string_equal(answer_str(&a, "reason"), "in_doubt");
    answer_done(&a);
    gate_send_text(&w.gate, ana, "next", next);
    gate_wait_status(&w.gate, next, "read");
    never_twice(&w, 1);
    world_down(&w);
}

static void evidence_after_the_end_of_a_hold_still_counts(void **state)
{
    struct world w = {0};
    char id[64], wamid[128];

    (void)state;
    up(&w, NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"drop_after_accept\",\"count\":1,\"statuses\":[]}");
    gate_send(&w.gate, ana, "hola", ",\"expires_in\":\"PT1S\"", id);
    (void)process_wait_line(w.gate.process, "message.settled", id, "reason=in_doubt", NULL);
    sim_id(&w, 0, wamid);
    sim_set(&w.sim, "/_sim/status", "{\"id\":\"%s\",\"status\":\"delivered\"}", wamid);
    gate_wait_status(&w.gate, id, "delivered");
    assert_string_equal(gate_status(&w.gate, id), "delivered");
    world_down(&w);
}

static void by_policy_it_is_sent_again_once_for_each_doubt(void **state)
{
    struct world w = {0};
    char id[64];
    const cJSON *step;
    bool doubted = false;

    (void)state;
    up(&w, "    in_doubt: resend\n    retry_min: 20ms\n    retry_max: 50ms\n");
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"drop_after_accept\",\"count\":1,\"statuses\":[]}");
    gate_send_text(&w.gate, ana, "hola", id);
    (void)process_wait_nth(w.gate.process, 1, "message.reported", id, "status=sent", NULL);
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "status"), "sent");
    assert_int_equal(answer_num(&a, "attempts"), 2);
    cJSON_ArrayForEach(step, json_at(a.json, "history")) doubted |=
        strcmp(json_at(step, "status")->valuestring, "in_doubt") == 0;
    assert_true(doubted);
    answer_done(&a);
    a = sim_get(&w.sim, "/_sim/counts");
    assert_int_equal(answer_num(&a, "accepted"), 2);
    assert_int_equal(answer_num(&a, "duplicated"), 1);
    assert_string_equal(answer_str(&a, "duplicates/0/biz_opaque_callback_data"), id);
    assert_int_equal(answer_num(&a, "duplicates/0/accepted"), 2);
    answer_done(&a);
    /* Receipts of either are receipts of the message. */
    char first[128], second[128];
    sim_id(&w, 0, first);
    sim_id(&w, 1, second);
    sim_set(&w.sim, "/_sim/status", "{\"id\":\"%s\",\"status\":\"delivered\"}", first);
    gate_wait_status(&w.gate, id, "delivered");
    sim_set(&w.sim, "/_sim/status", "{\"id\":\"%s\",\"status\":\"read\"}", second);
    gate_wait_status(&w.gate, id, "read");
    assert_string_equal(gate_status(&w.gate, id), "read");
    world_down(&w);
}

static void a_receipt_that_comes_before_it_is_sent_again_spares_that(void **state)
{
    struct world w = {0};
    char id[64], next[64], wamid[128], path[128];

    (void)state;
    up(&w, "    in_doubt: resend\n    retry_min: 1h\n    retry_max: 1h\n");
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"drop_after_accept\",\"count\":1,\"statuses\":[]}");
    gate_send_text(&w.gate, ana, "hola", id);
    in_doubt(&w, id);
    /* It keeps its turn, and it may have left: no cancel. */
    gate_send_text(&w.gate, ana, "next", next);
    gate_queue_is(&w.gate, 2, 0);
    (void)snprintf(path, sizeof path, "/v1/messages/%s", id);
    gate_expect(&w.gate, 409, "already_leaving", NULL, "DELETE", path, NULL);
    sim_id(&w, 0, wamid);
    sim_set(&w.sim, "/_sim/status", "{\"id\":\"%s\",\"status\":\"sent\"}", wamid);
    gate_wait_status(&w.gate, id, "sent");
    gate_wait_status(&w.gate, next, "sent");
    gate_queue_is(&w.gate, 0, 0);
    never_twice(&w, 2);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dropped_answer_is_held_until_a_receipt),
        cmocka_unit_test(a_servers_page_of_error_is_held_until_a_receipt),
        cmocka_unit_test(an_answer_that_can_not_be_read_is_held_until_a_receipt),
        cmocka_unit_test(receipts_that_come_before_the_doubt_leave_none),
        cmocka_unit_test(a_failure_told_by_a_receipt_ends_the_doubt),
        cmocka_unit_test(a_hold_ends_at_the_expiry_as_failed_in_doubt),
        cmocka_unit_test(evidence_after_the_end_of_a_hold_still_counts),
        cmocka_unit_test(by_policy_it_is_sent_again_once_for_each_doubt),
        cmocka_unit_test(a_receipt_that_comes_before_it_is_sent_again_spares_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
