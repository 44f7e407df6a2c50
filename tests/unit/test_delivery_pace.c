/* What a peer takes, at the claim: rates and pairs hold messages back in the queue, order
 * is kept, nothing turns while it waits; and what reports of throttling and of a stopped
 * account do. */
#include "api_rig.h"
#include "services/delivery_queue.h"
#include "services/pace.h"
#include "store/keys.h"

static const int64_t HOUR_US = INT64_C(3600) * 1000000;

static int setup(void **state)
{
    struct rig *r = rig_new();

    r->ch.credit = 10;
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig_free(*state);
    return 0;
}

static struct rec_message message_of(struct rig *r, struct hilo_id id)
{
    struct rec_message m;
    struct key k = key_of_id(id);
    struct err e = {0};

    assert_int_equal(
        store_record(r->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, r->gw.arena, &m, &e), HILO_OK);
    return m;
}

static struct hilo_id send_to(struct rig *r, const char *phone)
{
    struct message_plan plan;
    struct fault f = {0};
    struct hilo_writer w;

    arena_writer(r->gw.arena, &w);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, STR("hola"));
    const struct message_request q = {.to = {.scheme = HILO_SCHEME_PHONE, .value = str(phone)},
                                      .channel = STR("wa"),
                                      .priority = 1,
                                      .content = hilo_written(&w)};
    store_begin(r->store);
    if (message_accept(&r->gw, &actor_core, &q, r->gw.arena, &plan, &f) != 0)
        fail_msg("%s: %s", f.code, f.text);
    store_end(r->store);
    rig_turn(r);
    return plan.id;
}
#define ANA "+573001112233"
#define EVA "+573004445566"

static void report(struct rig *r, struct hilo_id id, int32_t code, uint32_t scope, int64_t retry_us)
{
    const struct hilo_report rep = {.size = sizeof rep,
                                    .code = code,
                                    .id = id,
                                    .reason = STR("said"),
                                    .detail = STR("so"),
                                    .ext_id = code == HILO_OK ? str_n(id.b, sizeof id.b) : STR(""),
                                    .retry_after_us = retry_us,
                                    .scope = scope};
    struct err e = {0};

    store_begin(r->store);
    assert_int_equal(delivery_report(r->delivery, &r->ch, &rep, &e), HILO_OK);
    store_end(r->store);
    rig_turn(r);
}

/* Turns until nothing is left to do now. */
static void settle(struct rig *r)
{
    do
        rig_turn(r);
    while (delivery_busy(r->delivery));
}

static void a_channel_s_rate_is_kept_and_waited_for(void **state)
{
    struct rig *r = *state;
    unsigned turns = 0;

    r->ch.rate = 50; /* 20 ms */
    r->ch.rate_burst = 1;
    int64_t began = clock_mono_us();
    (void)send_to(r, ANA);
    assert_int_equal(rig_plug.sends, 1);
    for (unsigned i = 0; i < 4; i++) {
        char phone[32];
        (void)snprintf(phone, sizeof phone, "+57300444556%u", i);
        (void)send_to(r, phone);
    }
    settle(r);
    assert_true(rig_plug.sends < 5);
    assert_true(r->ch.next_pace_us > clock_mono_us()); /* the timer is set, the loop asleep */
    assert_true(r->ch.held_rate > 0);
    while (rig_plug.sends < 5) { /* as main does: it sleeps until the loop has something */
        struct err e = {0};
        (void)loop_run(r->loop, true);
        assert_int_equal(delivery_claim(r->delivery, &e), HILO_OK);
        assert_int_equal(store_commit(r->store, &e), HILO_OK);
        delivery_dispatch(r->delivery);
        turns++;
    }
    assert_true(clock_mono_us() - began >= 4 * 20000);
    assert_true(turns <= 8); /* one for each, not one after another */
    assert_int_equal(r->ch.next_pace_us, 0);
}

static void a_pair_waits_and_the_others_go(void **state)
{
    struct rig *r = *state;

    r->ch.pair_interval_us = HOUR_US;
    struct hilo_id a1 = send_to(r, ANA), a2 = send_to(r, ANA), a3 = send_to(r, ANA);
    assert_int_equal(rig_plug.sends, 1);
    report(r, a1, HILO_OK, 0, 0);
    settle(r);
    assert_int_equal(rig_plug.sends, 1);
    assert_int_equal(message_of(r, a2).place, PLACE_DUE);
    assert_int_equal(message_of(r, a2).attempts, 0);
    assert_int_equal(r->ch.held_pair, 1); /* looked at once, not at every turn */
    assert_true(r->ch.next_pace_us > clock_mono_us() + HOUR_US / 2);
    struct hilo_id e1 = send_to(r, EVA);
    assert_int_equal(rig_plug.sends, 2);
    assert_int_equal(message_of(r, e1).place, PLACE_IN_FLIGHT);
    assert_int_equal(r->ch.held_pair, 1);

    pace_free(&r->ch.pace); /* as if the hour had passed */
    delivery_kick(r->delivery, &r->ch);
    settle(r);
    assert_int_equal(rig_plug.sends, 3);
    assert_int_equal(message_of(r, a2).place, PLACE_IN_FLIGHT);
    assert_int_equal(message_of(r, a3).place, PLACE_WAITING);
}

/* More held heads than there is credit: what is due behind them is found. */
static void held_ones_do_not_block_the_queue(void **state)
{
    struct rig *r = *state;
    struct hilo_id first[8];
    char phone[32];

    r->ch.pair_interval_us = HOUR_US;
    for (unsigned i = 0; i < 8; i++) {
        (void)snprintf(phone, sizeof phone, "+57300444556%u", i);
        first[i] = send_to(r, phone);
        (void)send_to(r, phone);
    }
    for (unsigned i = 0; i < 8; i++)
        report(r, first[i], HILO_OK, 0, 0);
    r->ch.credit = 2;
    settle(r);
    assert_int_equal(rig_plug.sends, 8);
    assert_int_equal(r->ch.held_pair, 8);
    assert_int_equal(r->ch.queued, 8);
    (void)send_to(r, ANA);
    assert_int_equal(rig_plug.sends, 9);
}

static void a_signal_passes_a_pair_that_is_empty(void **state)
{
    struct rig *r = *state;
    struct hilo_writer w;
    struct err e = {0};
    struct fault f = {0};
    struct message_plan plan;
    struct hilo_str val;

    r->ch.pair_interval_us = HOUR_US;
    report(r, send_to(r, ANA), HILO_OK, 0, 0);
    arena_writer(r->gw.arena, &w);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_INBOUND);
    hilo_put_str(&w, HILO_T_MSG_EXT_ID, STR("in"));
    hilo_open(&w, HILO_T_MSG_PARTY);
    hilo_put_u64(&w, HILO_T_IDENT_SCHEME, HILO_SCHEME_PHONE);
    hilo_put_str(&w, HILO_T_IDENT_VALUE, STR(ANA));
    hilo_close(&w);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, STR("hola"));
    hilo_close(&w);
    store_begin(r->store);
    assert_int_equal(message_submitted(&r->gw, &r->ch, hilo_written(&w), r->gw.arena, &e), HILO_OK);
    store_end(r->store);
    struct key k = key_ext(STR("wa"), STR("in"));
    assert_int_equal(store_get(r->store, TABLE_EXT, key_str(&k), r->gw.arena, &val, &e), HILO_OK);
    store_begin(r->store);
    assert_int_equal(message_signal(&r->gw, &actor_core, key_tail_id(val), HILO_SYSTEM_MARK_READ, NULL,
                                    r->gw.arena, &plan, &f),
                     0);
    store_end(r->store);
    settle(r);
    assert_int_equal(rig_plug.sends, 2);
}

static void throttled_for_a_recipient_the_others_go(void **state)
{
    struct rig *r = *state;
    struct hilo_id a1 = send_to(r, ANA), a2 = send_to(r, ANA);

    report(r, a1, HILO_AGAIN, HILO_SCOPE_CONVERSATION, HOUR_US);
    struct rec_message m = message_of(r, a1);
    assert_int_equal(m.place, PLACE_DUE);
    assert_int_equal(m.attempts, 0);
    assert_true((int64_t)m.due > clock_wall_us() + HOUR_US / 2);
    assert_int_equal(message_of(r, a2).place, PLACE_WAITING);
    (void)send_to(r, EVA);
    assert_int_equal(rig_plug.sends, 2);
    assert_int_equal(r->ch.held_until_us, 0);

    /* A message of the same recipient that was no part of it waits, too. */
    struct err e = {0};
    store_begin(r->store);
    const struct ev_message_settled ev = {.id = a1, .status = HILO_STATUS_CANCELED};
    assert_int_equal(
        store_append(r->store, &ev_desc_message_settled, &ev, &actor_core, clock_wall_us(), NULL, &e),
        HILO_OK);
    store_end(r->store);
    delivery_kick(r->delivery, &r->ch);
    settle(r);
    assert_int_equal(message_of(r, a2).place, PLACE_DUE);
    assert_int_equal(r->ch.held_pair, 1);
    assert_int_equal(rig_plug.sends, 2);
}

static void throttled_as_a_channel_all_wait_in_their_places(void **state)
{
    struct rig *r = *state;
    struct hilo_id a = send_to(r, ANA), e = send_to(r, EVA);
    uint64_t due = message_of(r, a).due;

    report(r, a, HILO_AGAIN, HILO_SCOPE_CHANNEL, HOUR_US);
    report(r, e, HILO_AGAIN, HILO_SCOPE_CHANNEL, HOUR_US);
    settle(r);
    assert_int_equal(rig_plug.sends, 2);
    assert_int_equal(message_of(r, a).due, due);
    assert_int_equal(message_of(r, a).attempts, 0);
    assert_true(r->ch.held_until_us > clock_mono_us() + HOUR_US / 2);
    (void)send_to(r, "+573007778899");
    assert_int_equal(rig_plug.sends, 2);
    r->ch.held_until_us = 1; /* the hour has passed, for the queue … */
    delivery_kick(r->delivery, &r->ch);
    settle(r);
    assert_int_equal(rig_plug.sends, 2); /* … and for its bucket not */
    pace_free(&r->ch.pace);
    delivery_kick(r->delivery, &r->ch);
    settle(r);
    assert_int_equal(rig_plug.sends, 5);
}

static void a_stopped_account_burns_no_queue(void **state)
{
    struct rig *r = *state;
    struct fault f = {0};
    struct hilo_id a = send_to(r, ANA), e = send_to(r, EVA);
    uint64_t due_a = message_of(r, a).due, due_e = message_of(r, e).due;

    /* One more is claimed in the very turn in which the account is found to be stopped. */
    rig_plug.send_code = HILO_FULL;
    struct hilo_id l = send_to(r, "+573007778899");
    assert_int_equal(message_of(r, l).place, PLACE_IN_FLIGHT);
    rig_plug.send_code = HILO_OK;
    report(r, a, HILO_CONFIG, 0, 0);
    report(r, e, HILO_CONFIG, 0, 0);
    assert_true(r->ch.stopped);
    assert_string_equal(r->ch.why, "said: so");
    assert_int_equal(rig_plug.sends, 2);
    assert_int_equal(message_of(r, l).place, PLACE_DUE);
    assert_int_equal(message_of(r, l).attempts, 0);
    assert_int_equal(message_of(r, a).attempts, 0);
    assert_int_equal(message_of(r, a).due, due_a);
    assert_int_equal(message_of(r, e).due, due_e);
    (void)send_to(r, "+573001110000");
    assert_int_equal(rig_plug.sends, 2);
    assert_int_equal(r->ch.queued, 4);
    assert_int_equal(r->ch.in_flight, 0);
    assert_int_equal(r->ch.credit, 10);

    store_begin(r->store);
    assert_int_equal(delivery_resume(r->delivery, &actor_core, &r->ch, &f), 0);
    store_end(r->store);
    settle(r);
    assert_int_equal(rig_plug.sends, 6);
    report(r, a, HILO_CONFIG, 0, 0); /* not mended: told again */
    assert_true(r->ch.stopped);
}

static void a_stopped_channel_s_messages_expire(void **state)
{
    struct rig *r = *state;

    r->gw.expires_us = 1;
    struct hilo_id a = send_to(r, ANA);
    r->gw.expires_us = 20000;
    struct hilo_id e = send_to(r, EVA);
    report(r, a, HILO_CONFIG, 0, 0);
    report(r, e, HILO_CONFIG, 0, 0);
    assert_int_equal(message_of(r, a).status, HILO_STATUS_EXPIRED);
    while (message_of(r, e).place == PLACE_DUE)
        rig_turn(r);
    assert_int_equal(message_of(r, e).status, HILO_STATUS_EXPIRED);
    assert_true(r->ch.stopped);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_channel_s_rate_is_kept_and_waited_for), T(a_pair_waits_and_the_others_go),
        T(held_ones_do_not_block_the_queue),        T(a_signal_passes_a_pair_that_is_empty),
        T(throttled_for_a_recipient_the_others_go), T(throttled_as_a_channel_all_wait_in_their_places),
        T(a_stopped_account_burns_no_queue),        T(a_stopped_channel_s_messages_expire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
