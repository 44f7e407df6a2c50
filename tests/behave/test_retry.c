/* What a channel says of a send, and what becomes of the message: every class but doubt. */
#include "harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

static const char ana[] = "+573001112233", berta[] = "+573004445566", carla[] = "+573007778899";
static const char fast[] = "    retry_min: 20ms\n    retry_max: 50ms\n";

static void up(struct world *w, const char *channel)
{
    world_up(w, channel, NULL);
    sim_set(&w->sim, "/_sim/config", "{\"enforce_window\":false}");
    /* What it asks for at its start is answered: what a test changes is for its messages. */
    (void)process_wait_nth(w->gate.process, 1, "templates.listed", NULL);
}

/* "2026-05-04T10:20:30.123456Z" in microseconds. */
static int64_t time_of(const cJSON *step)
{
    const char *text = json_at(step, "time")->valuestring;
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

    assert_non_null(rest);
    double fraction = *rest == '.' ? strtod(rest, NULL) : 0;
    return (int64_t)timegm(&tm) * 1000000 + (int64_t)(fraction * 1e6 + 0.5);
}

/* When the attempt with this number was made. */
static int64_t attempt_at(const struct answer *a, int attempt)
{
    const cJSON *step;

    cJSON_ArrayForEach(step, json_at(a->json, "history"))
    {
        const cJSON *n = json_at(step, "attempt");
        if (n && n->valueint == attempt && !json_at(step, "reason"))
            return time_of(step);
    }
    fail_msg("no attempt %d in %s", attempt, a->body);
    return 0;
}

static void a_failing_send_is_repeated_after_growing_waits(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    up(&w, "    retry_min: 40ms\n    retry_max: 10s\n");
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"500\",\"count\":3}");
    gate_send_text(&w.gate, ana, "hola", id);
    gate_wait_status(&w.gate, id, "read");
    (void)process_wait_line(w.gate.process, "message.reported", id, "status=sent", NULL);
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_int_equal(answer_num(&a, "attempts"), 4);
    /* Each wait is 75 to 125 % of one that doubles; the machine may only add to it. */
    assert_true(attempt_at(&a, 2) - attempt_at(&a, 1) >= 30000);
    assert_true(attempt_at(&a, 3) - attempt_at(&a, 2) >= 60000);
    assert_true(attempt_at(&a, 4) - attempt_at(&a, 3) >= 120000);
    answer_done(&a);
    assert_int_equal(sim_count(&w.sim, "accepted"), 1);
    world_down(&w);
}

static void a_send_that_always_fails_fails_after_max_attempts(void **state)
{
    struct world w = {0};
    char id[64], next[64];

    (void)state;
    up(&w, "    retry_min: 20ms\n    retry_max: 50ms\n    max_attempts: 3\n");
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"500\",\"count\":3}");
    gate_send_text(&w.gate, ana, "hola", id);
    gate_send_text(&w.gate, ana, "next", next);
    gate_wait_status(&w.gate, id, "failed");
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "status"), "failed");
    assert_string_equal(answer_str(&a, "reason"), "provider_error");
    assert_string_equal(answer_str(&a, "provider_code"), "131000");
    assert_int_equal(answer_num(&a, "attempts"), 3);
    answer_done(&a);
    gate_wait_status(&w.gate, next, "read");
    assert_int_equal(sim_count(&w.sim, "accepted"), 1);
    world_down(&w);
}

static void a_throttled_send_waits_as_told_and_costs_no_attempt(void **state)
{
    struct world w = {0};
    char id[64];
    const cJSON *step;
    int64_t first = 0, sent = 0;

    (void)state;
    up(&w, "    retry_min: 20ms\n    retry_max: 50ms\n    max_attempts: 1\n");
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"429\",\"retry_after\":2,\"count\":1}");
    gate_send_text(&w.gate, ana, "hola", id);
    (void)process_wait_line(w.gate.process, "message.reported", id, "status=sent", NULL);
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_int_equal(answer_num(&a, "attempts"), 1);
    cJSON_ArrayForEach(step, json_at(a.json, "history"))
    {
        const char *status = json_at(step, "status")->valuestring;
        if (!first && strcmp(status, "queued") == 0)
            first = time_of(step);
        if (!sent && strcmp(status, "sent") == 0)
            sent = time_of(step);
    }
    answer_done(&a);
    /* A receipt has whole seconds only. */
    assert_true(sent / 1000000 - first / 1000000 >= 2);
    sim_quiet(&w.sim);
    world_down(&w);
}

static void outside_the_window_free_text_fails_as_window_closed(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    world_up(&w, fast, NULL);
    gate_send_text(&w.gate, ana, "hola", id);
    gate_wait_status(&w.gate, id, "failed");
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "reason"), "window_closed");
    assert_string_equal(answer_str(&a, "provider_code"), "131047");
    assert_int_equal(answer_num(&a, "attempts"), 1);
    answer_done(&a);
    /* The same said by a webhook after the message was taken. */
    sim_set(&w.sim, "/_sim/config", "{\"window_refusal\":\"status\"}");
    gate_send_text(&w.gate, berta, "hola", id);
    gate_wait_status(&w.gate, id, "failed");
    (void)process_wait_nth(w.gate.process, 1, "message.reported", id, NULL);
    a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "status"), "failed");
    assert_string_equal(answer_str(&a, "reason"), "window_closed");
    assert_string_equal(answer_str(&a, "provider_code"), "131047");
    answer_done(&a);
    world_down(&w);
}

static void a_refused_token_stops_the_channel_and_a_resume_goes_on(void **state)
{
    struct world w = {0};
    char id[3][64];

    (void)state;
    up(&w, fast);
    sim_set(&w.sim, "/_sim/config", "{\"token\":\"another\"}");
    gate_send_text(&w.gate, ana, "1", id[0]);
    (void)process_wait_line(w.gate.process, "channel.stopped", "reason=token_invalid", "provider_code=190",
                            NULL);
    (void)process_wait_nth(w.gate.process, 1, "channel.state", "state=stopped", NULL);
    gate_send_text(&w.gate, berta, "2", id[1]);
    gate_send_text(&w.gate, carla, "3", id[2]);
    gate_queue_is(&w.gate, 3, 0);
    struct answer a = gate_get(&w.gate, "/v1/channels");
    assert_true(cJSON_IsTrue(json_at(a.json, "channels/0/stopped")));
    assert_string_equal(answer_str(&a, "channels/0/state"), "stopped");
    assert_non_null(strstr(answer_str(&a, "channels/0/why"), "token_invalid"));
    assert_int_equal(answer_num(&a, "channels/0/since_start/in_doubt"), 0);
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/messages/%s", id[0]);
    assert_string_equal(answer_str(&a, "status"), "queued");
    assert_int_equal(answer_num(&a, "attempts"), 0);
    answer_done(&a);
    /* What comes in is taken all the same. */
    sim_text(&w.sim, "573001112233", "hola", NULL);
    (void)process_wait_line(w.gate.process, "message.received", NULL);

    sim_set(&w.sim, "/_sim/config", "{\"token\":\"sim-token\"}");
    a = gate_post(&w.gate, "/v1/channels/wa/resume", "{}");
    assert_int_equal(a.status, 200);
    assert_true(cJSON_IsFalse(json_at(a.json, "channels/0/stopped")) ||
                cJSON_IsFalse(json_at(a.json, "stopped")));
    answer_done(&a);
    for (unsigned i = 0; i < 3; i++)
        gate_wait_status(&w.gate, id[i], "read");
    assert_int_equal(sim_count(&w.sim, "accepted"), 3);
    world_down(&w);
}

static void many_in_flight_at_a_refused_token_all_go_back_to_the_queue(void **state)
{
    struct world w = {0};
    char id[8][64], phone[32];

    (void)state;
    up(&w, fast);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"before\",\"reply\":\"error:190\",\"count\":-1}");
    for (unsigned i = 0; i < 8; i++) {
        (void)snprintf(phone, sizeof phone, "+57300111%04u", i);
        gate_send_text(&w.gate, phone, "hola", id[i]);
    }
    gate_queue_is(&w.gate, 0, 8);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    (void)process_wait_nth(w.gate.process, 8, "message.reported", "status=queued", "reason=token_invalid",
                           NULL);
    gate_queue_is(&w.gate, 8, 0);
    assert_int_equal(process_count(w.gate.process, "channel.stopped"), 1);
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"ok\"}");
    struct answer a = gate_post(&w.gate, "/v1/channels/wa/resume", "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    for (unsigned i = 0; i < 8; i++)
        gate_wait_status(&w.gate, id[i], "read");
    assert_int_equal(sim_count(&w.sim, "accepted"), 8);
    assert_int_equal(sim_count(&w.sim, "duplicated"), 0);
    world_down(&w);
}

static void a_stopped_channel_that_is_still_refused_stops_again(void **state)
{
    struct world w = {0};

    (void)state;
    up(&w, fast);
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"error:190\",\"count\":2}");
    gate_send_text(&w.gate, ana, "1", NULL);
    (void)process_wait_line(w.gate.process, "channel.stopped", NULL);
    struct answer a = gate_post(&w.gate, "/v1/channels/wa/resume", "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    (void)process_wait_line(w.gate.process, "channel.stopped", NULL);
    gate_queue_is(&w.gate, 1, 0);
    world_down(&w);
}

static void a_message_to_nobody_reachable_is_tried_again_until_somebody_is(void **state)
{
    struct world w = {0};
    char id[64], port[16], config[256];
    const char *const same[] = {"--port", port, "--config", config, NULL};

    (void)state;
    up(&w, fast);
    (void)snprintf(port, sizeof port, "%d", w.sim.port);
    (void)snprintf(config, sizeof config, "%s", scratch_path(&w.scratch, "sim.json"));
    file_write(config, "{\"enforce_window\":false}");
    sim_stop(&w.sim);
    gate_send_text(&w.gate, ana, "hola", id);
    (void)process_wait_line(w.gate.process, "message.reported", id, "status=queued", "reason=unreachable",
                            NULL);
    sim_start(&w.sim, same);
    sim_set(&w.sim, "/_sim/config", "{\"webhook_url\":\"%s/hooks/wa\"}", w.gate.url);
    gate_wait_status(&w.gate, id, "sent");
    assert_int_equal(sim_count(&w.sim, "accepted"), 1);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failing_send_is_repeated_after_growing_waits),
        cmocka_unit_test(a_send_that_always_fails_fails_after_max_attempts),
        cmocka_unit_test(a_throttled_send_waits_as_told_and_costs_no_attempt),
        cmocka_unit_test(outside_the_window_free_text_fails_as_window_closed),
        cmocka_unit_test(a_refused_token_stops_the_channel_and_a_resume_goes_on),
        cmocka_unit_test(many_in_flight_at_a_refused_token_all_go_back_to_the_queue),
        cmocka_unit_test(a_stopped_channel_that_is_still_refused_stops_again),
        cmocka_unit_test(a_message_to_nobody_reachable_is_tried_again_until_somebody_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
