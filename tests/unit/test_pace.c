/* Token buckets, on a clock of their own. */
#include "services/pace.h"
#include "base/ids.h"
#include "model_util.h"

#define MS INT64_C(1000)
#define S  INT64_C(1000000)

static struct hilo_id id_of(unsigned n)
{
    struct hilo_id id = {{0}};

    id.b[14] = (uint8_t)(n >> 8);
    id.b[15] = (uint8_t)(n + 1);
    return id;
}

/* Takes what there is room for; how many. */
static unsigned take_all(struct pace *p, struct pace_rule r, int64_t now)
{
    int64_t next;
    unsigned n = pace_room(p, r, 1000, now, &next);

    for (unsigned i = 0; i < n; i++)
        pace_take(p, r, 1, now);
    assert_int_equal(pace_room(p, r, 1000, now, &next), 0);
    assert_true(next > now);
    return n;
}

static void a_channel_begins_with_one_and_fills(void **state)
{
    const struct pace_rule r = {100 * MS, 10};
    struct pace *p = pace_new(5 * S);
    int64_t next;

    (void)state;
    assert_int_equal(take_all(p, r, 5 * S), 1);
    assert_int_equal(take_all(p, r, 5 * S + 99 * MS), 0);
    assert_int_equal(take_all(p, r, 5 * S + 350 * MS), 3);
    assert_int_equal(take_all(p, r, 500 * S), 10); /* no more than the burst */
    assert_int_equal(pace_room(p, r, 3, 500 * S, &next), 0);
    assert_int_equal(next, 500 * S + 100 * MS);
    assert_int_equal(pace_room(p, r, 3, next, &next), 1);
    assert_int_equal(pace_room(p, (struct pace_rule){0, 0}, 7, 500 * S, &next), 7);
    assert_int_equal(next, 0);
    pace_free(&p);
}

static void a_fast_one_is_looked_at_by_the_handful(void **state)
{
    const struct pace_rule r = {1 * MS, 100}, single = {1 * MS, 1};
    struct pace *p = pace_new(0);
    int64_t next;

    (void)state;
    (void)take_all(p, r, 0);
    assert_int_equal(pace_room(p, r, 500, 0, &next), 0);
    assert_int_equal(next, 21 * MS);
    assert_int_equal(pace_room(p, r, 500, next, &next), 21);
    pace_free(&p);
    p = pace_new(0); /* what can't be saved up is not waited for */
    (void)take_all(p, single, 0);
    assert_int_equal(pace_room(p, single, 500, 0, &next), 0);
    assert_int_equal(next, 1 * MS);
    pace_free(&p);
}

/* A message that is several for the peer waits until they are all there; one larger than the burst
 * for a full bucket, and what it owes then is waited for by the next. */
static void several_are_waited_for_and_taken_at_once(void **state)
{
    const struct pace_rule r = {100 * MS, 5};
    struct pace *p = pace_new(0);
    int64_t next;

    (void)state;
    assert_int_equal(take_all(p, r, 100 * S), 5);
    assert_int_equal(pace_at(p, r, 1, 100 * S), 100 * S + 100 * MS);
    assert_int_equal(pace_at(p, r, 3, 100 * S), 100 * S + 300 * MS);
    assert_true(pace_at(p, r, 3, 100 * S + 300 * MS) <= 100 * S + 300 * MS);
    pace_take(p, r, 3, 100 * S + 300 * MS);
    assert_int_equal(take_all(p, r, 100 * S + 300 * MS), 0);
    assert_int_equal(pace_at(p, r, 12, 100 * S + 300 * MS), 100 * S + 800 * MS);
    pace_take(p, r, 12, 100 * S + 800 * MS);
    assert_int_equal(pace_room(p, r, 9, 100 * S + 800 * MS, &next), 0);
    assert_int_equal(pace_at(p, r, 1, 100 * S + 800 * MS), 100 * S + 800 * MS + 800 * MS);
    assert_int_equal(pace_at(p, (struct pace_rule){0, 0}, 9, 7 * S), 7 * S);
    pace_free(&p);
}

/* Whatever is asked whenever: in no stretch of time more than rate and burst allow. */
static void it_is_never_exceeded(void **state)
{
    const struct pace_rule r = {12500, 80};
    struct pace *p = pace_new(0);
    int64_t now = 0, next, began = 0;
    unsigned sent = 0, seed = 7, worst = 0;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * 1103515245u + 12345u;
        now += (seed >> 16) % 20000;
        if ((seed >> 12) % 500 == 0) { /* a new stretch */
            began = now;
            sent = 0;
        }
        unsigned n = pace_room(p, r, (seed >> 8) % 8, now, &next);
        for (unsigned k = 0; k < n; k++)
            pace_take(p, r, 1, now);
        sent += n;
        assert_true(sent <= 80 + (unsigned)((now - began) / 12500));
        worst = sent > worst ? sent : worst;
    }
    assert_true(worst > 80);
    pace_free(&p);
}

static void a_complaint_rests_it_and_it_comes_back_gently(void **state)
{
    const struct pace_rule r = {10 * MS, 100};
    struct pace *p = pace_new(-100 * S);
    int64_t now = 0, next;

    (void)state;
    (void)take_all(p, r, now);
    now = 10 * S;
    pace_rest(p, r, now + 5 * S, now);
    pace_rest(p, r, now + 5 * S, now + 1); /* the same complaint, of another in flight */
    assert_int_equal(pace_room(p, r, 9, now + 5 * S - 1, &next), 0);
    assert_int_equal(next, now + 5 * S);
    now += 5 * S;
    assert_int_equal(take_all(p, r, now), 1);
    assert_int_equal(take_all(p, r, now + 19 * MS), 0);
    for (unsigned i = 0; i < 49; i++) { /* at half the rate, for a second's worth of sends */
        now += 20 * MS;
        assert_int_equal(take_all(p, r, now), 1);
        pace_sent(p, r, now);
    }
    pace_sent(p, r, now);
    assert_int_equal(take_all(p, r, now), 1); /* the old rate, without its burst */
    assert_int_equal(take_all(p, r, now + 20 * MS), 2);

    now += 30 * S;
    for (unsigned i = 0; i < 9; i++, now += 2 * S)
        pace_rest(p, r, now + S, now);
    assert_int_equal(take_all(p, r, now), 1);
    assert_int_equal(take_all(p, r, now + 159 * MS), 0); /* 16 times slower, no more */
    assert_int_equal(take_all(p, r, now + 160 * MS), 1);
    pace_free(&p);
}

static void without_a_rate_a_complaint_makes_one(void **state)
{
    const struct pace_rule none = {0, 0};
    struct pace *p = pace_new(0);
    int64_t next;

    (void)state;
    pace_rest(p, none, 2 * S, 1 * S);
    assert_int_equal(pace_room(p, none, 9, 2 * S - 1, &next), 0);
    assert_int_equal(take_all(p, none, 2 * S), 1);
    for (unsigned i = 1; i <= 25; i++) {
        assert_int_equal(take_all(p, none, 2 * S + i * 40 * MS), 1);
        pace_sent(p, none, 2 * S + i * 40 * MS);
    }
    assert_int_equal(pace_room(p, none, 9, 3 * S, &next), 9); /* over */
    pace_free(&p);
}

static void a_pair_has_its_burst_and_its_interval(void **state)
{
    const struct pace_rule r = {6 * S, 3};
    struct pace *p = pace_new(0);
    const struct hilo_id a = id_of(1), b = id_of(2);
    int64_t now = 1000 * S;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(pace_pair_at(p, r, a, now) <= now);
        pace_pair_take(p, r, a, now);
    }
    assert_int_equal(pace_pair_at(p, r, a, now), now + 6 * S);
    assert_true(pace_pair_at(p, r, b, now) <= now);
    assert_true(pace_pair_at(p, r, a, now + 6 * S) <= now + 6 * S);
    pace_pair_rest(p, r, a, now + 60 * S, now);
    assert_int_equal(pace_pair_at(p, r, a, now), now + 60 * S);
    pace_pair_take(p, r, a, now + 60 * S);
    assert_int_equal(pace_pair_at(p, r, a, now + 60 * S), now + 66 * S); /* its burst is gone */
    pace_free(&p);

    p = pace_new(now); /* just started: one, then by the interval */
    assert_true(pace_pair_at(p, r, a, now) <= now);
    pace_pair_take(p, r, a, now);
    assert_int_equal(pace_pair_at(p, r, a, now), now + 6 * S);
    pace_free(&p);

    p = pace_new(0); /* without a rule, what the peer says */
    pace_pair_take(p, (struct pace_rule){0, 0}, a, now);
    assert_int_equal(pace_pairs_count(p), 0);
    pace_pair_rest(p, (struct pace_rule){0, 0}, a, now + 4 * S, now);
    assert_int_equal(pace_pair_at(p, (struct pace_rule){0, 0}, a, now), now + 4 * S);
    pace_free(&p);
}

static void pairs_that_are_full_are_forgotten(void **state)
{
    const struct pace_rule r = {6 * S, 45};
    struct pace *p = pace_new(-1000 * S);
    int64_t now = 0;

    (void)state;
    pace_pair_rest(p, r, id_of(0xffff), 1000000 * S, now); /* never full here: it blocks none */
    for (unsigned i = 0; i < 5000; i++) {
        now += 100 * MS;
        pace_pair_take(p, r, id_of(i), now);
        assert_true(pace_pairs_count(p) < 200); /* 60 are not full at a time */
    }
    assert_int_equal(pace_pair_at(p, r, id_of(0xffff), now), 1000000 * S);
    pace_free(&p);
}

static void what_is_held_is_told_when_it_is_due(void **state)
{
    struct pace *p = pace_new(0);

    (void)state;
    assert_int_equal(pace_held_next(p, 0), 0);
    assert_false(pace_held(p, id_of(1), 0));
    pace_hold(p, id_of(1), 5 * S);
    pace_hold(p, id_of(2), 3 * S);
    pace_hold(p, id_of(2), 4 * S); /* later after all */
    assert_true(pace_held_next(p, 1 * S) <= 4 * S);
    assert_true(pace_held(p, id_of(2), 4 * S - 1));
    assert_false(pace_held(p, id_of(2), 4 * S));
    assert_int_equal(pace_held_next(p, 4 * S), 5 * S);
    assert_int_equal(pace_held_count(p), 1);
    assert_int_equal(pace_held_next(p, 5 * S), 0);
    assert_int_equal(pace_held_count(p), 0);
    pace_hold(p, id_of(1), 9 * S); /* left behind: freed with the rest */
    pace_free(&p);
    assert_null(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_begins_with_one_and_fills),
        cmocka_unit_test(a_fast_one_is_looked_at_by_the_handful),
        cmocka_unit_test(several_are_waited_for_and_taken_at_once),
        cmocka_unit_test(it_is_never_exceeded),
        cmocka_unit_test(a_complaint_rests_it_and_it_comes_back_gently),
        cmocka_unit_test(without_a_rate_a_complaint_makes_one),
        cmocka_unit_test(a_pair_has_its_burst_and_its_interval),
        cmocka_unit_test(pairs_that_are_full_are_forgotten),
        cmocka_unit_test(what_is_held_is_told_when_it_is_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
