/* The queue of a channel: order, priorities, pausing, canceling, expiry, its end. */
#include "harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char ana[] = "+573001112233", berta[] = "+573004445566", carla[] = "+573007778899";

static void up(struct world *w, const char *channel)
{
    world_up(w, channel, NULL);
    sim_set(&w->sim, "/_sim/config", "{\"enforce_window\":false}");
}

static void pause_channel(struct world *w)
{
    struct answer a = gate_post(&w->gate, "/v1/channels/wa/pause", "{\"reason\":\"stock taking\"}");

    assert_int_equal(a.status, 200);
    assert_true(cJSON_IsTrue(json_at(a.json, "paused")));
    answer_done(&a);
}

static void resume_channel(struct world *w)
{
    struct answer a = gate_post(&w->gate, "/v1/channels/wa/resume", "{}");

    assert_int_equal(a.status, 200);
    assert_true(cJSON_IsFalse(json_at(a.json, "paused")));
    answer_done(&a);
}

/* The nth message that reached the simulator has this text. */
static void nth_was(const struct answer *a, unsigned n, const char *text)
{
    char path[64];

    (void)snprintf(path, sizeof path, "messages/%u/body/text/body", n);
    assert_string_equal(answer_str(a, path), text);
}

static void a_failing_first_message_keeps_its_turn(void **state)
{
    struct world w = {0};
    char text[8], id[64];

    (void)state;
    up(&w, "    retry_min: 20ms\n    retry_max: 50ms\n");
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"500\",\"count\":3}");
    for (unsigned i = 0; i < 10; i++) {
        (void)snprintf(text, sizeof text, "%u", i);
        gate_send_text(&w.gate, ana, text, id);
    }
    gate_wait_status(&w.gate, id, "sent");
    struct answer a = sim_messages(&w.sim, 10);
    for (unsigned i = 0; i < 10; i++) {
        (void)snprintf(text, sizeof text, "%u", i);
        nth_was(&a, i, text);
    }
    answer_done(&a);
    sim_quiet(&w.sim);
    world_down(&w);
}

static void a_slow_first_message_holds_its_conversation_and_no_other(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    up(&w, NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\"}");
    gate_send_text(&w.gate, ana, "first", NULL);
    gate_send_text(&w.gate, ana, "second", id);
    gate_send_text(&w.gate, berta, "other", NULL);
    struct answer a = sim_messages(&w.sim, 2);
    answer_done(&a);
    gate_queue_is(&w.gate, 1, 2);
    assert_int_equal(sim_count(&w.sim, "accepted"), 2);
    assert_string_equal(gate_status(&w.gate, id), "accepted");
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    a = sim_messages(&w.sim, 3);
    nth_was(&a, 2, "second");
    answer_done(&a);
    gate_wait_status(&w.gate, id, "read");
    world_down(&w);
}

static void the_urgent_leaves_before_the_normal_and_that_before_the_bulk(void **state)
{
    struct world w = {0};

    (void)state;
    up(&w, "    in_flight: 1\n");
    pause_channel(&w);
    gate_send(&w.gate, ana, "bulk", ",\"priority\":\"bulk\"", NULL);
    gate_send(&w.gate, berta, "normal", "", NULL);
    gate_send(&w.gate, carla, "urgent", ",\"priority\":\"urgent\"", NULL);
    resume_channel(&w);
    struct answer a = sim_messages(&w.sim, 3);
    nth_was(&a, 0, "urgent");
    nth_was(&a, 1, "normal");
    nth_was(&a, 2, "bulk");
    answer_done(&a);
    sim_quiet(&w.sim);
    world_down(&w);
}

static void no_more_is_in_flight_than_the_channel_gives_credit(void **state)
{
    struct world w = {0};
    char phone[32];

    (void)state;
    up(&w, "    in_flight: 3\n");
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\"}");
    for (unsigned i = 0; i < 8; i++) {
        (void)snprintf(phone, sizeof phone, "+57300111%04u", i);
        gate_send_text(&w.gate, phone, "hola", NULL);
    }
    struct answer a = sim_messages(&w.sim, 3);
    answer_done(&a);
    gate_queue_is(&w.gate, 5, 3);
    assert_int_equal(sim_count(&w.sim, "accepted"), 3);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    a = sim_messages(&w.sim, 8);
    answer_done(&a);
    (void)process_wait_nth(w.gate.process, 8, "message.reported", "status=sent", NULL);
    sim_quiet(&w.sim);
    world_down(&w);
}

static void a_paused_channel_takes_messages_and_sends_none(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    up(&w, NULL);
    pause_channel(&w);
    gate_send_text(&w.gate, ana, "later", id);
    gate_queue_is(&w.gate, 1, 0);
    struct answer a = gate_get(&w.gate, "/v1/channels");
    assert_string_equal(answer_str(&a, "channels/0/why"), "stock taking");
    assert_string_equal(answer_str(&a, "channels/0/state"), "up");
    answer_done(&a);
    assert_string_equal(gate_status(&w.gate, id), "accepted");
    /* What comes in is taken all the same. */
    sim_text(&w.sim, "573001112233", "hola", NULL);
    (void)process_wait_line(w.gate.process, "message.received", NULL);
    assert_int_equal(sim_count(&w.sim, "accepted"), 0);
    resume_channel(&w);
    gate_wait_status(&w.gate, id, "read");
    world_down(&w);
}

static void what_has_not_left_can_be_canceled_and_the_next_takes_its_turn(void **state)
{
    struct world w = {0};
    char first[64], second[64], path[128];

    (void)state;
    up(&w, NULL);
    pause_channel(&w);
    gate_send_text(&w.gate, ana, "first", first);
    gate_send_text(&w.gate, ana, "second", second);
    (void)snprintf(path, sizeof path, "/v1/messages/%s", first);
    struct answer a = gate_do(&w.gate, "DELETE", path, NULL);
    assert_int_equal(a.status, 200);
    assert_string_equal(answer_str(&a, "status"), "canceled");
    answer_done(&a);
    gate_expect(&w.gate, 409, "already_settled", NULL, "DELETE", path, NULL);
    resume_channel(&w);
    gate_wait_status(&w.gate, second, "read");
    assert_int_equal(sim_count(&w.sim, "accepted"), 1);
    assert_string_equal(gate_status(&w.gate, first), "canceled");
    gate_queue_is(&w.gate, 0, 0);
    world_down(&w);
}

static void what_waits_behind_another_can_be_canceled(void **state)
{
    struct world w = {0};
    char id[3][64], path[128];

    (void)state;
    up(&w, NULL);
    pause_channel(&w);
    gate_send_text(&w.gate, ana, "first", id[0]);
    gate_send_text(&w.gate, ana, "second", id[1]);
    gate_send_text(&w.gate, ana, "third", id[2]);
    (void)snprintf(path, sizeof path, "/v1/messages/%s", id[1]);
    struct answer a = gate_do(&w.gate, "DELETE", path, NULL);
    assert_int_equal(a.status, 200);
    answer_done(&a);
    gate_queue_is(&w.gate, 2, 0);
    resume_channel(&w);
    gate_wait_status(&w.gate, id[2], "read");
    a = sim_messages(&w.sim, 2);
    nth_was(&a, 1, "third");
    answer_done(&a);
    assert_int_equal(sim_count(&w.sim, "accepted"), 2);
    world_down(&w);
}

static void what_is_with_the_channel_can_no_longer_be_canceled(void **state)
{
    struct world w = {0};
    char id[64], path[128];

    (void)state;
    up(&w, NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\"}");
    gate_send_text(&w.gate, ana, "first", id);
    struct answer a = sim_messages(&w.sim, 1);
    answer_done(&a);
    (void)snprintf(path, sizeof path, "/v1/messages/%s", id);
    gate_expect(&w.gate, 409, "already_leaving", NULL, "DELETE", path, NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    (void)process_wait_line(w.gate.process, "message.reported", id, NULL);
    gate_expect(&w.gate, 409, "already_settled", NULL, "DELETE", path, NULL);
    sim_quiet(&w.sim);
    world_down(&w);
}

static void a_message_that_is_not_sent_in_its_time_expires(void **state)
{
    struct world w = {0};
    char first[64], second[64];

    (void)state;
    up(&w, NULL);
    pause_channel(&w);
    gate_send(&w.gate, ana, "first", ",\"expires_in\":\"PT1S\"", first);
    gate_send_text(&w.gate, ana, "second", second);
    gate_wait_status(&w.gate, first, "expired");
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", first);
    assert_string_equal(answer_str(&a, "status"), "expired");
    assert_string_equal(answer_str(&a, "reason"), "expired");
    answer_done(&a);
    gate_queue_is(&w.gate, 1, 0);
    resume_channel(&w);
    gate_wait_status(&w.gate, second, "read");
    assert_int_equal(sim_count(&w.sim, "accepted"), 1);
    world_down(&w);
}

static void what_waits_behind_another_expires_in_its_own_time(void **state)
{
    struct world w = {0};
    char first[64], second[64];

    (void)state;
    up(&w, NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\"}");
    gate_send_text(&w.gate, ana, "first", first);
    gate_send(&w.gate, ana, "second", ",\"expires_in\":\"PT1S\"", second);
    gate_wait_status(&w.gate, second, "expired");
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    gate_wait_status(&w.gate, first, "read");
    /* A receipt may overtake the answer to the send, which ends its flight. */
    (void)process_wait_nth(w.gate.process, 1, "message.reported", first, NULL);
    assert_int_equal(sim_count(&w.sim, "accepted"), 1);
    gate_queue_is(&w.gate, 0, 0);
    world_down(&w);
}

static void a_full_queue_refuses_and_takes_again_when_it_has_room(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    up(&w, "    queue_max: 2\n");
    pause_channel(&w);
    gate_send_text(&w.gate, ana, "1", NULL);
    gate_send_text(&w.gate, berta, "2", id);
    struct answer a =
        gate_post(&w.gate, "/v1/messages",
                  "{\"to\":{\"phone\":\"%s\"},\"content\":{\"type\":\"text\",\"text\":\"3\"}}", carla);
    answer_is(&a, 429, "queue_full", NULL);
    assert_non_null(strstr(a.headers, "Retry-After: "));
    answer_done(&a);
    resume_channel(&w);
    (void)process_wait_nth(w.gate.process, 2, "message.reported", "status=sent", NULL);
    gate_send_text(&w.gate, carla, "3", id);
    gate_wait_status(&w.gate, id, "read");
    assert_int_equal(sim_count(&w.sim, "accepted"), 3);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failing_first_message_keeps_its_turn),
        cmocka_unit_test(a_slow_first_message_holds_its_conversation_and_no_other),
        cmocka_unit_test(the_urgent_leaves_before_the_normal_and_that_before_the_bulk),
        cmocka_unit_test(no_more_is_in_flight_than_the_channel_gives_credit),
        cmocka_unit_test(a_paused_channel_takes_messages_and_sends_none),
        cmocka_unit_test(what_has_not_left_can_be_canceled_and_the_next_takes_its_turn),
        cmocka_unit_test(what_waits_behind_another_can_be_canceled),
        cmocka_unit_test(what_is_with_the_channel_can_no_longer_be_canceled),
        cmocka_unit_test(a_message_that_is_not_sent_in_its_time_expires),
        cmocka_unit_test(what_waits_behind_another_expires_in_its_own_time),
        cmocka_unit_test(a_full_queue_refuses_and_takes_again_when_it_has_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
