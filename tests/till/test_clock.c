/* What depends on time, on a clock of the test's own: heartbeat, waits between tries, answers that do not
 * come. */
#include "loop.h"
#include "handle.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t now_ms;
static uint32_t dice;

static int64_t fake_clock(void *arg)
{
    (void)arg;
    return now_ms;
}

static uint32_t fake_random(void)
{
    return dice;
}

static int setup(void **state)
{
    struct loop *l = loop_new();

    l->o.backoff_first_ms = l->o.backoff_max_ms = 0; /* what PROTOCOL.md says */
    now_ms = 1000000;
    dice = 0;
    assert_int_equal(loop_open(l), HILOTILL_OK);
    l->t->clock = fake_clock;
    l->t->random = fake_random;
    *state = l;
    return 0;
}

static int teardown(void **state)
{
    loop_free(*state);
    return 0;
}

static void pass(struct loop *l, int64_t ms)
{
    now_ms += ms;
    hilotill_run(l->t);
}

static void silence_is_asked_about_and_ends_the_line(void **state)
{
    struct loop *l = *state;
    unsigned i;

    loop_online(l);
    assert_in_range(hilotill_timeout(l->t), 1, 25000);
    for (i = 1; i <= 10; i++) { /* answered, it goes on for ever */
        pass(l, 24999);
        assert_int_equal(rig_requests(l->rig, "ping"), i - 1);
        pass(l, 1);
        UNTIL(l, rig_requests(l->rig, "ping") == i && l->t->heard_at == now_ms);
    }
    rig_silent(l->rig, true);
    pass(l, 25000);
    UNTIL(l, rig_requests(l->rig, "ping") == 11);
    pass(l, 49999);
    assert_int_equal(loop_status(l).line, HILOTILL_ONLINE);
    pass(l, 1);
    assert_int_equal(loop_status(l).line, HILOTILL_WAITING);
    assert_non_null(strstr(loop_status(l).reason, "does not answer any more"));
}

static void the_gateway_says_how_often(void **state)
{
    struct loop *l = *state;

    rig_hello_extra(l->rig, "{\"heartbeat_s\":5}");
    loop_online(l);
    pass(l, 5000);
    UNTIL(l, rig_requests(l->rig, "ping") == 1 && l->t->heard_at == now_ms);
    rig_silent(l->rig, true);
    pass(l, 15000);
    assert_int_equal(loop_status(l).line, HILOTILL_WAITING);
}

static void waits_double_to_a_minute(void **state)
{
    static const int64_t window[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct loop *l = *state;
    unsigned i;

    loop_enrolled(l);
    rig_listen(l->rig, false);
    dice = 0x80000000;
    assert_int_equal(hilotill_connect(l->t, &l->e), HILOTILL_OK);
    for (i = 0; i < 8; i++) {
        UNTIL(l, loop_status(l).line == HILOTILL_WAITING);
        assert_int_equal(loop_status(l).retry_in_ms, i % 2 ? window[i] : (window[i] + 1) / 2);
        assert_int_equal(hilotill_timeout(l->t), loop_status(l).retry_in_ms);
        pass(l, loop_status(l).retry_in_ms - 1);
        assert_int_equal(loop_status(l).line, HILOTILL_WAITING);
        dice = i % 2 ? 0x80000000 : UINT32_MAX; /* of the next one, which may fail at once */
        pass(l, 1);
        assert_int_not_equal(loop_status(l).line, HILOTILL_ONLINE);
    }
}

static void a_minute_of_life_begins_anew(void **state)
{
    struct loop *l = *state;
    unsigned i;

    dice = UINT32_MAX;
    loop_online(l);
    for (i = 0; i < 3; i++) { /* it dies young: 1, 2, 4 s */
        rig_hang_up(l->rig);
        UNTIL(l, loop_status(l).line == HILOTILL_WAITING);
        assert_int_equal(loop_status(l).retry_in_ms, 1000 << i);
        pass(l, loop_status(l).retry_in_ms);
        UNTIL(l, loop_status(l).line == HILOTILL_ONLINE);
    }
    pass(l, 60000);
    assert_int_equal(loop_status(l).line, HILOTILL_ONLINE);
    rig_hang_up(l->rig);
    UNTIL(l, loop_status(l).line == HILOTILL_WAITING);
    assert_int_equal(loop_status(l).retry_in_ms, 1000);
    /* Somebody waits at the counter. */
    hilotill_hurry(l->t);
    assert_int_equal(hilotill_timeout(l->t), 0);
    UNTIL(l, loop_status(l).line == HILOTILL_ONLINE);
}

static void a_gateway_that_says_nothing(void **state)
{
    struct loop *l = *state;

    loop_enrolled(l);
    rig_mute(l->rig, "hello", 1);
    assert_int_equal(hilotill_connect(l->t, &l->e), HILOTILL_OK);
    UNTIL(l, rig_requests(l->rig, "hello") == 1);
    pass(l, 9999);
    assert_int_equal(loop_status(l).line, HILOTILL_CONNECTING);
    pass(l, 1);
    assert_int_equal(loop_status(l).line, HILOTILL_WAITING);
    assert_non_null(strstr(loop_status(l).reason, "does not answer"));
    UNTIL(l, loop_status(l).line == HILOTILL_ONLINE);
}

static void a_request_waits_half_a_minute(void **state)
{
    struct loop *l = *state;
    char id[HILOTILL_ID];

    loop_online(l);
    rig_mute(l->rig, "customer.find", 1);
    assert_int_equal(hilotill_request(l->t, "customer.find", NULL, 0, id, &l->e), HILOTILL_OK);
    UNTIL(l, rig_requests(l->rig, "customer.find") == 1);
    pass(l, 29999);
    assert_null(loop_answer(l, id));
    pass(l, 1);
    assert_non_null(loop_answer(l, id));
    assert_int_equal(loop_answer(l, id)->code, HILOTILL_ELOST);
    assert_int_equal(loop_status(l).line, HILOTILL_ONLINE);
}

/* A line that lives but does not answer a write is of no use: another one, and the same write again. */
static void a_write_waits_two_minutes(void **state)
{
    struct loop *l = *state;
    unsigned i;

    loop_online(l);
    rig_mute(l->rig, "case.note", 1);
    loop_note(l, "0", NULL);
    UNTIL(l, rig_requests(l->rig, "case.note") == 1);
    for (i = 1; i <= 4; i++) {
        pass(l, 25000);
        UNTIL(l, rig_requests(l->rig, "ping") == i && l->t->heard_at == now_ms);
    }
    assert_int_equal(rig_hellos(l->rig), 1);
    pass(l, 20000);
    UNTIL(l, loop_status(l).waiting == 0);
    assert_int_equal(rig_hellos(l->rig), 2);
    loop_assert_notes(l, 1);
}

/* A machine's clock that is wrong is told, and does not get into the writes. */
static void writes_carry_the_gateways_time(void **state)
{
    struct loop *l = *state;
    cJSON *effect;

    rig_hello_extra(l->rig, "{\"time\":\"2020-02-29T12:00:00Z\"}");
    loop_online(l);
    assert_true(loop_status(l).clock_behind_ms < -86400000);
    now_ms += 61500;
    loop_note(l, "0", NULL);
    UNTIL(l, loop_status(l).waiting == 0);
    effect = rig_effect(l->rig, 0);
    assert_string_equal(cJSON_GetObjectItem(cJSON_GetObjectItem(effect, "params"), "at")->valuestring,
                        "2020-02-29T12:01:01.500Z");
    cJSON_Delete(effect);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(silence_is_asked_about_and_ends_the_line),
        T(the_gateway_says_how_often),
        T(waits_double_to_a_minute),
        T(a_minute_of_life_begins_anew),
        T(a_gateway_that_says_nothing),
        T(a_request_waits_half_a_minute),
        T(a_write_waits_two_minutes),
        T(writes_carry_the_gateways_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
