/*
 * What events do to the context, scenario by scenario, on a real store. Each ends with
 * a check of all of it, which also builds the context anew and compares.
 */
#include "test_store_tools.h"

#include "base/clock.h"
#include <signal.h>
#include <sys/resource.h>

#define PLACE_NOWHERE PLACE_NONE
enum { FLUSH_DUE_US = 150000 }; /* a commit after it hands pending to the flusher */

static struct hilo_id sent(struct rig *r, const struct person *p, const char *ext_id)
{
    struct hilo_id id = rig_accept(r, p, (struct draft){0});

    rig_claim(r, id);
    rig_report(r, id, HILO_STATUS_SENT, ext_id);
    return id;
}

/* How many of these ids lead to the message. */
static unsigned rig_count_ext(struct rig *r, struct hilo_id id, const char *ids)
{
    struct hilo_str first, more = rig_words(r, ids, &first), val;
    struct hilo_field f = {.val = first};
    unsigned n = 0;

    do {
        struct key k = key_ext(CHANNEL, f.val);
        n += store_get(r->store, TABLE_EXT, key_str(&k), r->arena, &val, &r->err) == HILO_OK &&
             id_eq(key_tail_id(val), id);
    } while (hilo_next(&more, &f) == 1);
    return n;
}

static unsigned steps(const struct rec_message *m)
{
    struct hilo_str rest = m->history;
    struct hilo_field f;
    unsigned n = 0;

    while (hilo_next(&rest, &f) == 1)
        n++;
    return n;
}

/* ---- the plain way out ---- */

static void accepted_claimed_sent_delivered_read(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){0});
    struct rec_message m;

    EXPECT(r, id, DUE, ACCEPTED);
    assert_true(id_eq(rig_conversation(r, &p).head, id));
    assert_int_equal(rig_count(r, TABLE_EXPIRY), 1);
    rig_claim(r, id);
    EXPECT(r, id, IN_FLIGHT, QUEUED);
    assert_int_equal(rig_count(r, TABLE_DUE), 0);
    assert_int_equal(rig_count(r, TABLE_EXPIRY), 0);
    assert_int_equal(rig_count(r, TABLE_IN_FLIGHT), 1);
    rig_report(r, id, HILO_STATUS_SENT, "wamid.1");
    EXPECT(r, id, NOWHERE, SENT);
    assert_int_equal(rig_count(r, TABLE_IN_FLIGHT), 0);
    assert_true(id_none(rig_conversation(r, &p).head));
    rig_receipt(r, id, "wamid.1", HILO_STATUS_DELIVERED);
    EXPECT(r, id, NOWHERE, DELIVERED);
    rig_receipt(r, id, "wamid.1", HILO_STATUS_READ);
    EXPECT(r, id, NOWHERE, READ);
    m = rig_message(r, id);
    assert_int_equal(steps(&m), 5);
    assert_true(str_eqz(m.ext_id, "wamid.1"));
    assert_true(id_eq(m.actor, rig_actor.id));
    rig_clean(r);
}

static void the_position_leads_to_the_message(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){0});
    struct rec_message m = rig_message(r, id);
    struct hilo_str bytes;

    OK(r, store_message_bytes(r->store, &m, r->arena, &bytes, &r->err));
    assert_true(id_eq(hilo_get_id(bytes, HILO_T_MSG_ID), id));
    rig_clean(r);
    OK(r, store_message_bytes(r->store, &m, r->arena, &bytes, &r->err));
    assert_true(id_eq(hilo_get_id(bytes, HILO_T_MSG_ID), id));
}

/* ---- receipts ---- */

/* Whatever order they come in, the highest rank stays, and all are in the history. */
static void receipts_in_every_order(void **state)
{
    static const uint64_t status[4] = {HILO_STATUS_SENT, HILO_STATUS_FAILED, HILO_STATUS_DELIVERED,
                                       HILO_STATUS_READ};
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");

    for (unsigned order = 0; order < 256; order++) {
        unsigned best = 0, seen = 0;
        char ext[32];
        for (unsigned i = 0; i < 4; i++)
            seen |= 1u << (order >> 2 * i & 3);
        if (seen != 15)
            continue;
        snprintf(ext, sizeof ext, "wamid.%u", order);
        struct hilo_id id = sent(r, &p, ext);
        for (unsigned i = 0; i < 4; i++) {
            unsigned now = order >> 2 * i & 3;
            rig_receipt(r, id, ext, status[now]);
            if (now > best)
                best = now;
            struct rec_message m = rig_message(r, id);
            assert_int_equal(m.status, status[best]);
            assert_int_equal(steps(&m), 4 + i);
        }
    }
    rig_clean(r);
}

static void a_receipt_twice_changes_nothing(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = sent(r, &p, "wamid.1");

    rig_receipt(r, id, "wamid.1", HILO_STATUS_READ);
    rig_receipt(r, id, "wamid.1", HILO_STATUS_READ);
    rig_receipt(r, id, "wamid.1", HILO_STATUS_DELIVERED);
    EXPECT(r, id, NOWHERE, READ);
    rig_clean(r);
}

static void a_receipt_before_the_report_waits_for_it(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){0});

    rig_claim(r, id);
    rig_receipt(r, nobody, "wamid.1", HILO_STATUS_SENT);
    rig_receipt(r, nobody, "wamid.1", HILO_STATUS_DELIVERED);
    rig_receipt(r, nobody, "wamid.12", HILO_STATUS_READ); /* another's, with a like id */
    EXPECT(r, id, IN_FLIGHT, QUEUED);
    assert_int_equal(rig_count(r, TABLE_PARKED), 3);
    rig_clean(r);
    rig_report(r, id, HILO_STATUS_SENT, "wamid.1");
    EXPECT(r, id, NOWHERE, DELIVERED);
    assert_int_equal(rig_count(r, TABLE_PARKED), 1);
    assert_int_equal(rig_count(r, TABLE_PARKED_AGE), 1);
    rig_clean(r);
}

static void an_echo_makes_the_parked_known(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){0});

    rig_claim(r, id);
    rig_receipt(r, nobody, "wamid.1", HILO_STATUS_READ);
    rig_receipt(r, id, "wamid.1", HILO_STATUS_SENT);
    EXPECT(r, id, IN_FLIGHT, READ); /* its report decides when it leaves */
    assert_int_equal(rig_count(r, TABLE_PARKED), 0);
    rig_clean(r);
    rig_report(r, id, HILO_STATUS_IN_DOUBT, "");
    EXPECT(r, id, NOWHERE, READ);
    assert_true(id_none(rig_conversation(r, &p).head));
    rig_clean(r);
}

static void orphans_are_forgotten_by_age(void **state)
{
    struct rig *r = *state;
    int64_t between;

    rig_receipt(r, nobody, "wamid.old", HILO_STATUS_SENT);
    rig_receipt(r, nobody, "wamid.old", HILO_STATUS_READ);
    between = r->now;
    rig_receipt(r, nobody, "wamid.new", HILO_STATUS_SENT);
    EMIT(r, parked_forgotten, .before = (uint64_t)between);
    assert_int_equal(rig_count(r, TABLE_PARKED), 1);
    assert_int_equal(rig_count(r, TABLE_PARKED_AGE), 1);
    rig_clean(r);
    EMIT(r, parked_forgotten, .before = (uint64_t)r->now);
    assert_int_equal(rig_count(r, TABLE_PARKED), 0);
    rig_clean(r);
}

static void the_cost_is_kept(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = sent(r, &p, "wamid.1");

    EMIT(r, message_receipt, .id = id, .channel = CHANNEL, .ext_id = STR("wamid.1"),
         .status = HILO_STATUS_DELIVERED, .cost = STR("a group"));
    rig_receipt(r, id, "wamid.1", HILO_STATUS_READ);
    struct rec_message m = rig_message(r, id);
    assert_true(str_eqz(m.cost, "a group"));
    rig_clean(r);
}

/* ---- other outcomes ---- */

static void a_temporary_failure_comes_again(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){0});
    struct hilo_id next = rig_accept(r, &p, (struct draft){0});

    for (unsigned i = 1; i <= 3; i++) {
        rig_claim(r, id);
        assert_int_equal(rig_message(r, id).attempts, i);
        rig_report(r, id, HILO_STATUS_QUEUED, "");
        EXPECT(r, id, DUE, QUEUED);
        EXPECT(r, next, WAITING, ACCEPTED); /* it keeps its turn */
        struct rec_message m = rig_message(r, id);
        assert_true(rig_has(r, TABLE_DUE, key_due(CHANNEL, 0, m.due, m.number)));
        assert_int_equal(rig_count(r, TABLE_EXPIRY), 2);
    }
    rig_clean(r);
    rig_claim(r, id);
    rig_report(r, id, HILO_STATUS_FAILED, "");
    EXPECT(r, id, NOWHERE, FAILED);
    EXPECT(r, next, DUE, ACCEPTED);
    rig_clean(r);
}

static void a_receipt_ends_the_retries(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){0});

    rig_claim(r, id);
    rig_report(r, id, HILO_STATUS_QUEUED, "");
    rig_receipt(r, id, "wamid.1", HILO_STATUS_DELIVERED);
    EXPECT(r, id, NOWHERE, DELIVERED);
    assert_int_equal(rig_count(r, TABLE_DUE) + rig_count(r, TABLE_EXPIRY), 0);
    rig_clean(r);
}

static void in_doubt_is_held_and_an_echo_settles_it(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){0});
    struct hilo_id next = rig_accept(r, &p, (struct draft){0});

    rig_claim(r, id);
    rig_report(r, id, HILO_STATUS_IN_DOUBT, "");
    EXPECT(r, id, HELD, IN_DOUBT);
    EXPECT(r, next, DUE, ACCEPTED); /* the others go on */
    assert_true(id_eq(rig_conversation(r, &p).head, next));
    rig_clean(r);
    rig_receipt(r, id, "wamid.1", HILO_STATUS_SENT);
    EXPECT(r, id, NOWHERE, SENT);
    assert_true(id_eq(rig_conversation(r, &p).head, next));
    assert_int_equal(rig_count(r, TABLE_EXPIRY), 1);
    rig_clean(r);
}

static void in_doubt_is_resent_by_its_policy(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){.policy = POLICY_RESEND});
    struct hilo_id next = rig_accept(r, &p, (struct draft){0});

    rig_claim(r, id);
    rig_report(r, id, HILO_STATUS_IN_DOUBT, "");
    EXPECT(r, id, HELD, IN_DOUBT);
    EXPECT(r, next, WAITING, ACCEPTED); /* it keeps its turn */
    rig_clean(r);
    EMIT(r, message_requeued, .id = id, .due = (uint64_t)r->now);
    EXPECT(r, id, DUE, IN_DOUBT);
    rig_clean(r);
    rig_claim(r, id);
    rig_report(r, id, HILO_STATUS_SENT, "wamid.1");
    EXPECT(r, id, NOWHERE, SENT);
    EXPECT(r, next, DUE, ACCEPTED);
    rig_clean(r);
}

/* ---- ends that the core decides ---- */

static void settle(struct rig *r, struct hilo_id id, uint64_t status)
{
    EMIT(r, message_settled, .id = id, .status = status, .reason = STR("by the core"));
}

static void what_is_due_waits_or_is_held_can_end(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id held = rig_accept(r, &p, (struct draft){0});
    struct hilo_id due = rig_accept(r, &p, (struct draft){0});
    struct hilo_id waiting = rig_accept(r, &p, (struct draft){0});
    struct hilo_id last = rig_accept(r, &p, (struct draft){0});

    rig_claim(r, held);
    rig_report(r, held, HILO_STATUS_IN_DOUBT, "");
    EXPECT(r, due, DUE, ACCEPTED);
    settle(r, waiting, HILO_STATUS_EXPIRED);
    EXPECT(r, waiting, NOWHERE, EXPIRED);
    assert_int_equal(rig_conversation(r, &p).waiting, 1);
    rig_clean(r);
    settle(r, due, HILO_STATUS_EXPIRED);
    EXPECT(r, due, NOWHERE, EXPIRED);
    EXPECT(r, last, DUE, ACCEPTED);
    settle(r, held, HILO_STATUS_FAILED);
    EXPECT(r, held, NOWHERE, FAILED);
    EXPECT(r, last, DUE, ACCEPTED);
    assert_true(id_eq(rig_conversation(r, &p).head, last));
    assert_int_equal(rig_count(r, TABLE_EXPIRY), 1);
    rig_clean(r);
}

static void the_head_canceled_passes_the_turn(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id head = rig_accept(r, &p, (struct draft){0});
    struct hilo_id next = rig_accept(r, &p, (struct draft){0});

    settle(r, head, HILO_STATUS_CANCELED);
    EXPECT(r, head, NOWHERE, CANCELED);
    EXPECT(r, next, DUE, ACCEPTED);
    assert_int_equal(rig_conversation(r, &p).waiting, 0);
    settle(r, next, HILO_STATUS_CANCELED);
    assert_true(id_none(rig_conversation(r, &p).head));
    assert_int_equal(rig_count(r, TABLE_EXPIRY), 0);
    rig_clean(r);
}

static void a_conversation_keeps_its_order(void **state)
{
    enum { N = 6 };
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233"), other = rig_person(r, "+573009998877");
    struct hilo_id id[N], others;

    for (unsigned i = 0; i < N; i++)
        id[i] = rig_accept(r, &p, (struct draft){.priority = N - i}); /* order wins over priority */
    others = rig_accept(r, &other, (struct draft){0});
    EXPECT(r, others, DUE, ACCEPTED); /* conversations do not wait for each other */
    assert_int_equal(rig_conversation(r, &p).waiting, N - 1);
    rig_clean(r);
    for (unsigned i = 0; i < N; i++) {
        EXPECT(r, id[i], DUE, ACCEPTED);
        for (unsigned j = i + 1; j < N; j++)
            EXPECT(r, id[j], WAITING, ACCEPTED);
        rig_claim(r, id[i]);
        rig_report(r, id[i], i % 2 ? HILO_STATUS_FAILED : HILO_STATUS_SENT, "");
    }
    assert_true(id_none(rig_conversation(r, &p).head));
    rig_clean(r);
}

/* ---- scheduled ---- */

static void what_is_scheduled_has_no_turn_until_it_is_due(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id later = rig_accept(r, &p, (struct draft){.due = r->now + 5 * SECOND});
    struct hilo_id first = rig_accept(r, &p, (struct draft){0});
    struct hilo_id second = rig_accept(r, &p, (struct draft){0});
    struct rec_message m = rig_message(r, later);

    EXPECT(r, later, SCHEDULED, ACCEPTED);
    assert_true(rig_has(r, TABLE_SCHEDULED, key_time_id(m.due, later)));
    assert_int_equal(rig_count(r, TABLE_EXPIRY), 3);
    EXPECT(r, first, DUE, ACCEPTED);
    EXPECT(r, second, WAITING, ACCEPTED);
    rig_clean(r);
    /* Due, it comes behind what waits already, though it was accepted first. */
    EMIT(r, message_due, .id = later, .content = HILO_CONTENT_TEXT);
    EXPECT(r, later, WAITING, ACCEPTED);
    assert_int_equal(rig_count(r, TABLE_SCHEDULED), 0);
    assert_int_equal(rig_conversation(r, &p).waiting, 2);
    struct hilo_id last = rig_accept(r, &p, (struct draft){0});
    rig_clean(r);
    const struct hilo_id order[] = {first, second, later, last};
    for (unsigned i = 0; i < 4; i++) {
        EXPECT(r, order[i], DUE, ACCEPTED);
        rig_claim(r, order[i]);
        rig_report(r, order[i], HILO_STATUS_SENT, "");
    }
    assert_true(id_none(rig_conversation(r, &p).head));
    rig_clean(r);
}

static void what_is_scheduled_can_end_and_blocks_nobody(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id one = rig_accept(r, &p, (struct draft){.due = r->now + SECOND});
    struct hilo_id two = rig_accept(r, &p, (struct draft){.due = r->now + SECOND});
    struct hilo_id three = rig_accept(r, &p, (struct draft){.due = r->now + SECOND});

    assert_true(id_none(rig_conversation(r, &p).head));
    settle(r, one, HILO_STATUS_CANCELED);
    EXPECT(r, one, NOWHERE, CANCELED);
    rig_receipt(r, two, "wamid.1", HILO_STATUS_SENT); /* evidence that it left */
    EXPECT(r, two, NOWHERE, SENT);
    assert_int_equal(rig_count(r, TABLE_SCHEDULED), 1);
    assert_int_equal(rig_count(r, TABLE_EXPIRY), 1);
    rig_clean(r);
    EMIT(r, message_due, .id = three, .content = HILO_CONTENT_TEXT);
    EXPECT(r, three, DUE, ACCEPTED);
    assert_true(id_eq(rig_conversation(r, &p).head, three));
    rig_clean(r);
}

/* The customer has seen none of it before. */
static void choices_are_asked_when_they_are_due(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id later =
        rig_accept(r, &p, (struct draft){.due = r->now + SECOND, .content = HILO_CONTENT_CHOICES});
    struct hilo_id now = rig_accept(r, &p, (struct draft){.content = HILO_CONTENT_CHOICES});
    uint64_t last_out = rig_conversation(r, &p).last_out;

    assert_true(id_eq(rig_conversation(r, &p).choices, now));
    EMIT(r, message_due, .id = later, .content = HILO_CONTENT_CHOICES);
    assert_true(id_eq(rig_conversation(r, &p).choices, later));
    assert_true(rig_conversation(r, &p).last_out > last_out);
    rig_clean(r);
}

/* ---- several parts ---- */

static void a_message_of_three_parts(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){.parts = 3});
    struct hilo_id next = rig_accept(r, &p, (struct draft){0});

    rig_claim(r, id);
    rig_report_part(r, id, "wamid.1");
    EXPECT(r, id, DUE, QUEUED);
    rig_receipt(r, id, "wamid.1", HILO_STATUS_READ); /* a part is not the message */
    EXPECT(r, id, DUE, QUEUED);
    rig_clean(r);
    rig_claim(r, id);
    rig_receipt(r, id, "wamid.1", HILO_STATUS_READ);
    EXPECT(r, id, IN_FLIGHT, QUEUED);
    rig_report_part(r, id, "wamid.2");
    EXPECT(r, next, WAITING, ACCEPTED);
    rig_claim(r, id);
    rig_report(r, id, HILO_STATUS_SENT, "wamid.3");
    EXPECT(r, id, NOWHERE, SENT);
    EXPECT(r, next, DUE, ACCEPTED);
    assert_int_equal(rig_message(r, id).part, 3);
    rig_receipt(r, id, "wamid.2", HILO_STATUS_READ);
    EXPECT(r, id, NOWHERE, SENT);
    rig_receipt(r, id, "wamid.3", HILO_STATUS_DELIVERED);
    EXPECT(r, id, NOWHERE, DELIVERED);
    rig_clean(r);
}

static void a_part_that_failed_fails_the_message(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){.parts = 3});
    struct hilo_id next = rig_accept(r, &p, (struct draft){0});

    rig_claim(r, id);
    rig_report_part(r, id, "wamid.1");
    rig_receipt(r, id, "wamid.1", HILO_STATUS_FAILED);
    EXPECT(r, id, NOWHERE, FAILED);
    EXPECT(r, next, DUE, ACCEPTED);
    rig_clean(r);
}

static void a_part_in_doubt_goes_on_by_an_echo(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){.parts = 3});
    struct hilo_id next = rig_accept(r, &p, (struct draft){0});

    rig_claim(r, id);
    rig_report_part(r, id, "wamid.1");
    rig_claim(r, id);
    rig_report(r, id, HILO_STATUS_IN_DOUBT, "");
    EXPECT(r, id, HELD, IN_DOUBT);
    EXPECT(r, next, DUE, ACCEPTED);
    rig_receipt(r, id, "wamid.1", HILO_STATUS_DELIVERED); /* of the part before: no news of this one */
    EXPECT(r, id, HELD, IN_DOUBT);
    rig_clean(r);
    rig_receipt(r, id, "wamid.2", HILO_STATUS_DELIVERED);
    EXPECT(r, id, DUE, IN_DOUBT);
    assert_int_equal(rig_message(r, id).part, 2);
    assert_int_equal(rig_message(r, id).attempts, 0);       /* the next part's own */
    assert_true(id_eq(rig_conversation(r, &p).head, next)); /* its turn is not taken back */
    rig_clean(r);
    rig_claim(r, id);
    rig_report(r, id, HILO_STATUS_IN_DOUBT, "");
    EXPECT(r, id, HELD, IN_DOUBT);
    rig_receipt(r, id, "wamid.3", HILO_STATUS_DELIVERED);
    EXPECT(r, id, NOWHERE, DELIVERED);
    assert_int_equal(rig_message(r, id).part, 3);
    assert_true(id_eq(rig_conversation(r, &p).head, next));
    rig_clean(r);
}

/* What was parked for the last part counts as its news once an echo names it. */
static void the_last_part_in_doubt_takes_what_was_parked(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){.parts = 2});

    rig_claim(r, id);
    rig_report_part(r, id, "wamid.1");
    rig_claim(r, id);
    rig_report(r, id, HILO_STATUS_IN_DOUBT, "");
    rig_receipt(r, nobody, "wamid.2", HILO_STATUS_READ);
    rig_receipt(r, id, "wamid.2", HILO_STATUS_SENT);
    EXPECT(r, id, NOWHERE, READ);
    rig_clean(r);
}

/* An echo that is faster than the report of the last part is not lost on it. */
static void the_last_part_delivered_before_its_report(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){.parts = 2});

    rig_claim(r, id);
    rig_report_part(r, id, "wamid.1");
    rig_claim(r, id);
    rig_receipt(r, id, "wamid.2", HILO_STATUS_SENT);
    rig_receipt(r, id, "wamid.2", HILO_STATUS_DELIVERED);
    EXPECT(r, id, IN_FLIGHT, DELIVERED);
    rig_clean(r);
    rig_report(r, id, HILO_STATUS_SENT, "wamid.2");
    EXPECT(r, id, NOWHERE, DELIVERED);
    rig_clean(r);
}

/* A first receipt named the part before its report came as in doubt: any next one that
 * names it tells that it left. */
static void a_part_in_doubt_that_was_named_before(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){.parts = 3});

    rig_claim(r, id);
    rig_report_part(r, id, "wamid.1");
    rig_claim(r, id);
    rig_receipt(r, id, "wamid.2", HILO_STATUS_SENT);
    EXPECT(r, id, IN_FLIGHT, QUEUED);
    rig_report(r, id, HILO_STATUS_IN_DOUBT, "");
    EXPECT(r, id, HELD, IN_DOUBT);
    rig_clean(r);
    rig_receipt(r, id, "wamid.1", HILO_STATUS_READ);
    EXPECT(r, id, HELD, IN_DOUBT);
    rig_receipt(r, id, "wamid.2", HILO_STATUS_DELIVERED);
    EXPECT(r, id, DUE, IN_DOUBT);
    assert_int_equal(rig_message(r, id).part, 2);
    rig_clean(r);
    rig_claim(r, id);
    rig_report(r, id, HILO_STATUS_SENT, "wamid.3");
    EXPECT(r, id, NOWHERE, SENT);
    rig_clean(r);
}

/* ---- several messages at the provider ---- */

static void three_segments_are_one_message(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){0});

    rig_claim(r, id);
    rig_report_several(r, id, HILO_STATUS_SENT, "a b c");
    EXPECT(r, id, NOWHERE, SENT);
    assert_true(str_eqz(rig_message(r, id).ext_id, "a"));
    assert_int_equal(rig_count_ext(r, id, "a b c"), 3);
    rig_receipt(r, id, "b", HILO_STATUS_DELIVERED);
    rig_receipt(r, id, "b", HILO_STATUS_DELIVERED); /* counts once */
    rig_receipt(r, id, "c", HILO_STATUS_DELIVERED);
    EXPECT(r, id, NOWHERE, SENT);
    rig_clean(r);
    rig_receipt(r, id, "a", HILO_STATUS_DELIVERED);
    EXPECT(r, id, NOWHERE, DELIVERED);
    rig_receipt(r, id, "a", HILO_STATUS_READ);
    rig_receipt(r, id, "c", HILO_STATUS_READ);
    EXPECT(r, id, NOWHERE, DELIVERED);
    rig_receipt(r, id, "b", HILO_STATUS_READ);
    EXPECT(r, id, NOWHERE, READ);
    rig_clean(r);
}

/* Every order of the ends of three segments, of which each may fail: the status is always the one that
 * they make together, and a failure says how many. */
static void segments_in_every_order(void **state)
{
    static const uint8_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");

    for (unsigned fails = 0; fails < 8; fails++) {
        for (unsigned o = 0; o < 6; o++) {
            struct hilo_id id = rig_accept(r, &p, (struct draft){0});
            unsigned failed = 0;
            char ids[64], one[16];
            rig_claim(r, id);
            snprintf(ids, sizeof ids, "%u.%u.0 %u.%u.1 %u.%u.2", fails, o, fails, o, fails, o);
            rig_report_several(r, id, HILO_STATUS_SENT, ids);
            for (unsigned i = 0; i < 3; i++) {
                unsigned k = orders[o][i];
                EXPECT(r, id, NOWHERE, SENT);
                failed += fails >> k & 1;
                snprintf(one, sizeof one, "%u.%u.%u", fails, o, k);
                EMIT(r, message_receipt, .id = id, .channel = CHANNEL, .ext_id = str(one),
                     .status = fails >> k & 1 ? HILO_STATUS_FAILED : HILO_STATUS_DELIVERED,
                     .reason = fails >> k & 1 ? STR("undelivered") : STR(""), .time = (uint64_t)r->now);
            }
            struct rec_message m = rig_message(r, id);
            assert_int_equal(m.status, fails ? HILO_STATUS_FAILED : HILO_STATUS_DELIVERED);
            if (fails) {
                char words[64];
                snprintf(words, sizeof words, "%u of 3 segments failed", failed);
                assert_true(str_eqz(m.detail, words));
                assert_true(str_eqz(m.reason, "undelivered"));
            }
        }
    }
    rig_clean(r);
}

static void a_late_delivery_of_a_segment_beats_its_failure(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){0});

    rig_claim(r, id);
    rig_report_several(r, id, HILO_STATUS_SENT, "a b");
    rig_receipt(r, id, "a", HILO_STATUS_FAILED);
    EXPECT(r, id, NOWHERE, SENT);
    rig_receipt(r, id, "b", HILO_STATUS_DELIVERED);
    EXPECT(r, id, NOWHERE, FAILED);
    rig_receipt(r, id, "b", HILO_STATUS_FAILED);
    EXPECT(r, id, NOWHERE, FAILED);
    rig_receipt(r, id, "a", HILO_STATUS_DELIVERED);
    EXPECT(r, id, NOWHERE, DELIVERED);
    rig_clean(r);
}

static void receipts_of_segments_wait_for_the_report(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){0});

    rig_claim(r, id);
    rig_receipt(r, nobody, "c", HILO_STATUS_DELIVERED);
    rig_receipt(r, nobody, "a", HILO_STATUS_DELIVERED);
    rig_receipt(r, nobody, "x", HILO_STATUS_DELIVERED);
    rig_report_several(r, id, HILO_STATUS_SENT, "a b c");
    EXPECT(r, id, NOWHERE, SENT);
    assert_int_equal(rig_count(r, TABLE_PARKED), 1);
    rig_clean(r);
    rig_receipt(r, id, "b", HILO_STATUS_DELIVERED);
    EXPECT(r, id, NOWHERE, DELIVERED);
    rig_clean(r);
}

/* The link died after some had their answer: it is in doubt until the others are heard of. */
static void in_doubt_with_some_of_the_ids(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){0}), next = rig_accept(r, &p, (struct draft){0});

    rig_claim(r, id);
    rig_report_several(r, id, HILO_STATUS_IN_DOUBT, "- b -");
    EXPECT(r, id, HELD, IN_DOUBT);
    EXPECT(r, next, DUE, ACCEPTED);
    rig_receipt(r, id, "b", HILO_STATUS_DELIVERED);
    EXPECT(r, id, HELD, IN_DOUBT);
    rig_clean(r);
    rig_receipt(r, id, "new", HILO_STATUS_SENT); /* echoes: each is one that had no id */
    EXPECT(r, id, HELD, IN_DOUBT);
    rig_receipt(r, id, "newer", HILO_STATUS_DELIVERED);
    EXPECT(r, id, NOWHERE, SENT);
    assert_int_equal(rig_count(r, TABLE_EXPIRY), 1); /* the next one's */
    rig_receipt(r, id, "new", HILO_STATUS_DELIVERED);
    EXPECT(r, id, NOWHERE, DELIVERED);
    rig_clean(r);
    settle(r, next, HILO_STATUS_CANCELED);

    /* Nothing more is heard: its time ends it. */
    id = rig_accept(r, &p, (struct draft){0});
    rig_claim(r, id);
    rig_report_several(r, id, HILO_STATUS_IN_DOUBT, "d -");
    rig_receipt(r, id, "d", HILO_STATUS_DELIVERED);
    settle(r, id, HILO_STATUS_FAILED);
    EXPECT(r, id, NOWHERE, FAILED);
    rig_clean(r);
}

static void refused_after_some_were_sent(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){0});

    rig_claim(r, id);
    rig_report_several(r, id, HILO_STATUS_FAILED, "a b -");
    EXPECT(r, id, NOWHERE, FAILED);
    rig_receipt(r, id, "a", HILO_STATUS_DELIVERED);
    rig_receipt(r, id, "b", HILO_STATUS_DELIVERED);
    EXPECT(r, id, NOWHERE, FAILED); /* the third was not sent */
    rig_clean(r);
}

/* Resent by its policy, it has other ids; what is heard of the first attempt is only noted. */
static void segments_of_an_attempt_that_was_resent(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){.policy = POLICY_RESEND});

    rig_claim(r, id);
    rig_report_several(r, id, HILO_STATUS_IN_DOUBT, "a - -");
    EMIT(r, message_requeued, .id = id, .due = (uint64_t)r->now);
    rig_receipt(r, id, "a", HILO_STATUS_DELIVERED);
    EXPECT(r, id, DUE, IN_DOUBT);
    rig_claim(r, id);
    rig_report(r, id, HILO_STATUS_SENT, "whole"); /* shortened by then: one */
    rig_receipt(r, id, "a", HILO_STATUS_FAILED);
    EXPECT(r, id, NOWHERE, SENT);
    rig_clean(r);
    rig_receipt(r, id, "whole", HILO_STATUS_DELIVERED);
    EXPECT(r, id, NOWHERE, DELIVERED);
    rig_clean(r);
}

/* Two texts, of two segments each: it is delivered when those of the last are. */
static void parts_that_are_several_each(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){.parts = 2});

    rig_claim(r, id);
    rig_report_several(r, id, HILO_STATUS_QUEUED, "a b");
    EXPECT(r, id, DUE, QUEUED);
    rig_receipt(r, id, "a", HILO_STATUS_DELIVERED);
    rig_receipt(r, id, "b", HILO_STATUS_DELIVERED);
    EXPECT(r, id, DUE, QUEUED);
    rig_claim(r, id);
    rig_report_several(r, id, HILO_STATUS_IN_DOUBT, "c -");
    EXPECT(r, id, HELD, IN_DOUBT);
    rig_receipt(r, id, "c", HILO_STATUS_DELIVERED);
    EXPECT(r, id, HELD, IN_DOUBT);
    rig_clean(r);
    rig_receipt(r, id, "d", HILO_STATUS_SENT); /* an echo */
    EXPECT(r, id, NOWHERE, SENT);
    assert_int_equal(rig_message(r, id).part, 2);
    rig_receipt(r, id, "a", HILO_STATUS_READ);
    rig_receipt(r, id, "d", HILO_STATUS_DELIVERED);
    EXPECT(r, id, NOWHERE, DELIVERED);
    rig_clean(r);

    id = rig_accept(r, &p, (struct draft){.parts = 2});
    rig_claim(r, id);
    rig_report_several(r, id, HILO_STATUS_QUEUED, "e f");
    rig_receipt(r, id, "e", HILO_STATUS_FAILED);
    EXPECT(r, id, DUE, QUEUED);
    rig_receipt(r, id, "f", HILO_STATUS_FAILED);
    EXPECT(r, id, NOWHERE, FAILED);
    rig_clean(r);
}

/* ---- spellings ---- */

static void a_parked_receipt_is_found_by_any_spelling(void **state)
{
    static const char *const named[] = {"26", "1A", "0000001a"};
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");

    for (unsigned i = 0; i < 3; i++) {
        struct hilo_id id = rig_accept(r, &p, (struct draft){0});
        rig_claim(r, id);
        rig_park(r, "1A 26 0000001a", HILO_STATUS_DELIVERED);
        rig_park(r, "1B 27", HILO_STATUS_DELIVERED);
        assert_int_equal(rig_count(r, TABLE_PARKED), 5);
        rig_clean(r);
        rig_report(r, id, HILO_STATUS_SENT, named[i]);
        EXPECT(r, id, NOWHERE, DELIVERED);
        assert_int_equal(rig_count(r, TABLE_PARKED), 2); /* none of its spellings stays */
        assert_int_equal(rig_count(r, TABLE_PARKED_AGE), 2);
        rig_clean(r);
        EMIT(r, parked_forgotten, .before = (uint64_t)r->now);
        assert_int_equal(rig_count(r, TABLE_PARKED), 0);
    }
    rig_clean(r);
}

/* Two segments, one of which is called what the other's receipt may be spelt: it is one's news. */
static void a_spelling_is_news_of_one_segment(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){0});

    rig_claim(r, id);
    rig_park(r, "1A 26", HILO_STATUS_DELIVERED);
    rig_report_several(r, id, HILO_STATUS_SENT, "1A 26");
    EXPECT(r, id, NOWHERE, SENT);
    rig_clean(r);
}

/* ---- inbound ---- */

static void parts_wait_until_they_are_joined(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct rec_parts parts;
    struct key k = key_parts(CHANNEL, STR("ana/7"));

    rig_part(r, "ana/7", 3, 3, "p.3");
    rig_part(r, "eva/7", 1, 2, "e.1");
    rig_part(r, "ana/7", 1, 3, "p.1");
    assert_int_equal(rig_count(r, TABLE_PARTS), 2);
    assert_int_equal(rig_count(r, TABLE_PARTS_AGE), 2); /* of the first to come */
    assert_false(rig_has(r, TABLE_EXT, key_ext(CHANNEL, STR("p.1"))));
    OK(r, store_record(r->store, TABLE_PARTS, key_str(&k), &rec_desc_parts, r->arena, &parts, &r->err));
    assert_int_equal(parts.bytes, 6);
    rig_clean(r);
    rig_power_cut(r);
    rig_part(r, "ana/7", 2, 3, "p.2");
    struct hilo_id id = rig_receive(r, &p, (struct draft){.ext_id = STR("p.1"), .joined = STR("ana/7")});
    assert_int_equal(rig_count(r, TABLE_PARTS), 1);
    assert_int_equal(rig_count(r, TABLE_PARTS_AGE), 1);
    assert_int_equal(rig_count_ext(r, id, "p.1 p.2 p.3"), 3); /* whichever comes again is known */
    rig_clean(r);
    /* The same key again is another message's. */
    rig_part(r, "ana/7", 3, 3, "p.3b");
    assert_int_equal(rig_count(r, TABLE_PARTS), 2);
    rig_clean(r);
}

static struct rec_media media(struct rig *r, struct hilo_id id)
{
    struct key k = key_of_id(id);
    struct rec_media m;

    OK(r, store_record(r->store, TABLE_MEDIA, key_str(&k), &rec_desc_media, r->arena, &m, &r->err));
    return m;
}

/* The file of the empty contents, which is what the hash below is of. */
static struct hilo_str empty_file(struct rig *r)
{
    static const char hex[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    static uint8_t hash[32];
    char path[256];

    assert_true(str_unhex(str(hex), hash, sizeof hash));
    snprintf(path, sizeof path, "%s/media/%.2s", r->dir, hex);
    (void)mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/media/%.2s/%s", r->dir, hex, hex + 2);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    return str_n(hash, sizeof hash);
}

static void inbound_media_is_a_job_until_it_is_stored(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id med = rig_id(r);
    struct hilo_id id = rig_receive(
        r, &p, (struct draft){.ext_id = STR("wamid.in"), .media = med, .content = HILO_CONTENT_MEDIA});

    EXPECT(r, id, NOWHERE, DELIVERED);
    assert_true(rig_has(r, TABLE_EXT, key_ext(CHANNEL, STR("wamid.in"))));
    assert_true(rig_conversation(r, &p).last_in != 0);
    assert_int_equal(media(r, med).state, MEDIA_PENDING);
    assert_int_equal(rig_count(r, TABLE_JOB), 1);
    rig_clean(r);
    EMIT(r, media_failed, .id = med, .due = (uint64_t)r->now + 9, .attempts = 1, .reason = STR("busy"));
    assert_int_equal(media(r, med).state, MEDIA_PENDING);
    assert_int_equal(rig_count(r, TABLE_JOB), 1);
    assert_true(rig_has(r, TABLE_JOB, key_job(CHANNEL, media(r, med).due, med)));
    rig_clean(r);
    EMIT(r, media_stored, .id = med, .sha256 = empty_file(r), .mime = STR("image/jpeg"));
    assert_int_equal(media(r, med).state, MEDIA_STORED);
    assert_int_equal(media(r, med).reason.n, 0);
    assert_int_equal(rig_count(r, TABLE_JOB), 0);
    rig_clean(r);
}

static void inbound_media_may_fail_for_good(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id med = rig_id(r);

    (void)rig_receive(r, &p, (struct draft){.ext_id = STR("wamid.in"), .media = med});
    EMIT(r, media_failed, .id = med, .attempts = 5, .reason = STR("gone"));
    assert_int_equal(media(r, med).state, MEDIA_FAILED);
    assert_int_equal(rig_count(r, TABLE_JOB), 0);
    rig_clean(r);
}

static void media_of_an_application(void **state)
{
    struct rig *r = *state;
    struct hilo_id med = rig_id(r);

    EMIT(r, media_added, .id = med, .sha256 = empty_file(r), .mime = STR("text/plain"));
    assert_int_equal(media(r, med).state, MEDIA_STORED);
    rig_clean(r);
}

static void a_mark_marks_when_it_is_sent(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id in = rig_receive(r, &p, (struct draft){.ext_id = STR("wamid.in")});
    int64_t last_out = (int64_t)rig_conversation(r, &p).last_out;
    struct hilo_id mark = rig_accept(
        r, &p,
        (struct draft){.content = HILO_CONTENT_SYSTEM, .system = HILO_SYSTEM_MARK_READ, .reply_to = in});
    struct key k = key_of_id(p.customer);
    struct rec_thread t;

    EXPECT(r, in, NOWHERE, DELIVERED);
    assert_int_equal(rig_conversation(r, &p).last_out, last_out); /* it says nothing */
    rig_claim(r, mark);
    rig_report(r, mark, HILO_STATUS_SENT, "");
    EXPECT(r, in, NOWHERE, READ);
    OK(r, store_record(r->store, TABLE_THREAD, key_str(&k), &rec_desc_thread, r->arena, &t, &r->err));
    assert_int_equal(t.count, 1);
    assert_true(id_eq(t.newest, in));
    rig_clean(r);
}

static void the_newest_edit_counts(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233"), other = rig_person(r, "+573009998877");
    struct draft edit = {.content = HILO_CONTENT_SYSTEM, .system = HILO_SYSTEM_EDITED};
    struct hilo_id in = rig_receive(r, &p, (struct draft){.ext_id = STR("wamid.in")});
    uint64_t last_in = rig_conversation(r, &p).last_in;
    struct key k = key_of_id(p.customer);
    struct rec_thread t;

    edit.reply_to = in;
    struct hilo_id first = rig_receive(r, &p, edit), second = rig_receive(r, &p, edit);
    assert_true(id_eq(rig_message(r, in).edit, second));
    assert_true(rig_message(r, in).edited > last_in);
    r->now -= 5 * SECOND; /* by the provider's clock it is older */
    (void)rig_receive(r, &p, edit);
    r->now += 5 * SECOND;
    assert_true(id_eq(rig_message(r, in).edit, second));
    assert_true(id_eq(rig_message(r, first).about, in));
    assert_int_equal(rig_message(r, in).deleted, 0);
    (void)rig_receive(r, &other,
                      (struct draft){.content = HILO_CONTENT_SYSTEM,
                                     .system = HILO_SYSTEM_DELETED,
                                     .reply_to = in}); /* not theirs */
    assert_int_equal(rig_message(r, in).deleted, 0);
    edit.system = HILO_SYSTEM_DELETED;
    (void)rig_receive(r, &p, edit);
    assert_true(rig_message(r, in).deleted > 0);
    assert_int_equal(rig_conversation(r, &p).last_in, last_in); /* it opens no window */
    OK(r, store_record(r->store, TABLE_THREAD, key_str(&k), &rec_desc_thread, r->arena, &t, &r->err));
    assert_int_equal(t.count, 1);
    rig_clean(r);
}

static void an_answer_ends_the_question(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id first = rig_accept(r, &p, (struct draft){.content = HILO_CONTENT_CHOICES});
    struct hilo_id second = rig_accept(r, &p, (struct draft){.content = HILO_CONTENT_CHOICES});

    assert_true(id_eq(rig_conversation(r, &p).choices, second));
    (void)rig_receive(r, &p, (struct draft){.content = HILO_CONTENT_CHOICE_REPLY, .reply_to = first});
    assert_true(id_eq(rig_conversation(r, &p).choices, second));
    (void)rig_receive(r, &p, (struct draft){.content = HILO_CONTENT_CHOICE_REPLY, .reply_to = second});
    assert_true(id_none(rig_conversation(r, &p).choices));
    rig_clean(r);
}

static void the_thread_is_a_chain(void **state)
{
    enum { N = 5 };
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233"), other = rig_person(r, "+573009998877");
    struct hilo_id id[N];
    struct key k = key_of_id(p.customer);
    struct rec_thread t;

    for (unsigned i = 0; i < N; i++) {
        id[i] = i % 2 ? rig_receive(r, &p, (struct draft){0}) : rig_accept(r, &p, (struct draft){0});
        (void)rig_accept(r, &other, (struct draft){0});
    }
    OK(r, store_record(r->store, TABLE_THREAD, key_str(&k), &rec_desc_thread, r->arena, &t, &r->err));
    assert_int_equal(t.count, N);
    assert_true(id_eq(t.newest, id[N - 1]));
    for (unsigned i = N - 1; i > 0; i--)
        assert_true(id_eq(rig_message(r, id[i]).before, id[i - 1]));
    assert_true(id_none(rig_message(r, id[0]).before));
    rig_clean(r);
}

/* ---- people, cases, the rest ---- */

static void cases_and_their_index(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id a = rig_id(r), b = rig_id(r);
    struct key k = key_of_id(a);
    struct rec_case c;

    EMIT(r, case_opened, .id = a, .customer = p.customer, .subject = STR("TV"), .status = CASE_OPEN);
    EMIT(r, case_opened, .id = b, .customer = p.customer, .status = CASE_OPEN);
    (void)rig_accept(r, &p, (struct draft){.case_id = a});
    (void)rig_receive(r, &p, (struct draft){.case_id = a});
    (void)rig_accept(r, &p,
                     (struct draft){.case_id = a,
                                    .content = HILO_CONTENT_SYSTEM,
                                    .system = HILO_SYSTEM_OTHER}); /* not said, so not counted */
    OK(r, store_record(r->store, TABLE_CASE, key_str(&k), &rec_desc_case, r->arena, &c, &r->err));
    assert_int_equal(c.messages, 2);
    assert_int_equal(rig_count(r, TABLE_CASE_MESSAGE), 2);
    assert_int_equal(rig_count(r, TABLE_CASE_INDEX), 2);
    assert_int_equal(rig_count(r, TABLE_CASE_CUSTOMER), 2);
    rig_clean(r);
    EMIT(r, case_updated, .id = a, .set = 4 | 2, .status = CASE_CLOSED, .owner = STR("luz"));
    EMIT(r, case_updated, .id = a, .set = 1, .subject = STR("")); /* the same status again */
    OK(r, store_record(r->store, TABLE_CASE, key_str(&k), &rec_desc_case, r->arena, &c, &r->err));
    assert_int_equal(c.status, CASE_CLOSED);
    assert_true(str_eqz(c.owner, "luz"));
    assert_int_equal(c.subject.n, 0);
    assert_int_equal(c.version, r->seq);
    assert_int_equal(rig_count(r, TABLE_CASE_INDEX), 2);
    assert_true(rig_has(r, TABLE_CASE_INDEX, key_case_index(CASE_CLOSED, c.changed, a)));
    rig_clean(r);
}

/* Two changes of a case at the same instant: its entry is replaced by itself. */
static void a_case_changed_twice_at_once(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_id(r);

    EMIT(r, case_opened, .id = id, .customer = p.customer, .status = CASE_OPEN);
    r->now -= 1000;
    EMIT(r, case_updated, .id = id, .set = 2, .owner = STR("luz"));
    assert_int_equal(rig_count(r, TABLE_CASE_INDEX), 1);
    rig_clean(r);
}

static void customers_and_identifiers(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct key k = key_of_id(p.customer);
    char longer[400];
    struct hilo_str value = {longer, sizeof longer};
    struct rec_customer c;

    memset(longer, 'x', sizeof longer);
    longer[7] = '\0';
    EMIT(r, customer_updated, .id = p.customer, .set = 1 | 2 | 8, .name = STR("Ana María"),
         .language = STR("es-CO"), .attributes = STR("{}"));
    EMIT(r, customer_updated, .id = p.customer, .set = 2, .language = STR(""));
    OK(r, store_record(r->store, TABLE_CUSTOMER, key_str(&k), &rec_desc_customer, r->arena, &c, &r->err));
    assert_true(str_eqz(c.name, "Ana María"));
    assert_int_equal(c.language.n, 0);
    assert_true(str_eqz(c.attributes, "{}"));
    assert_int_equal(c.version, r->seq);
    EMIT(r, identifier_added, .customer = p.customer, .scheme = HILO_SCHEME_WHATSAPP, .scope = STR("acc"),
         .value = value);
    assert_int_equal(rig_count(r, TABLE_CUSTOMER_IDENT), 2);
    OK(r, store_record(r->store, TABLE_CUSTOMER, key_str(&k), &rec_desc_customer, r->arena, &c, &r->err));
    assert_int_equal(c.version, r->seq);
    rig_clean(r);
    EMIT(r, identifier_removed, .customer = p.customer, .scheme = HILO_SCHEME_WHATSAPP, .scope = STR("acc"),
         .value = value);
    assert_int_equal(rig_count(r, TABLE_CUSTOMER_IDENT), 1);
    assert_false(rig_has(r, TABLE_IDENTIFIER, key_identifier(HILO_SCHEME_WHATSAPP, STR("acc"), value)));
    rig_clean(r);
}

static void an_identifier_that_moves_leaves_nothing_behind(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233"), other = rig_person(r, "+573009998877");

    EMIT(r, identifier_added, .customer = other.customer, .scheme = HILO_SCHEME_PHONE,
         .value = STR("+573001112233"));
    assert_false(rig_has(r, TABLE_CUSTOMER_IDENT,
                         key_customer_ident(p.customer, HILO_SCHEME_PHONE, STR(""), STR("+573001112233"))));
    rig_clean(r);
}

static void addresses_lead_to_conversations(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");

    EMIT(r, conversation_address, .id = p.conversation, .party = rig_party(r->arena, STR("+573100000000")));
    assert_true(str_eq(rig_conversation(r, &p).party, rig_party(r->arena, STR("+573001112233"))));
    EMIT(r, conversation_address, .id = p.conversation, .party = rig_party(r->arena, STR("+573200000000")),
         .main = 1);
    assert_true(str_eq(rig_conversation(r, &p).party, rig_party(r->arena, STR("+573200000000"))));
    assert_true(
        rig_has(r, TABLE_ADDRESS, key_address(CHANNEL, HILO_SCHEME_PHONE, STR(""), STR("+573100000000"))));
    rig_clean(r);
}

static void idempotency_is_forgotten_by_age(void **state)
{
    struct rig *r = *state;
    int64_t between;

    EMIT(r, idempotency_stored, .key = STR("one"), .request = STR("r"), .status = 202, .answer = STR("{}"));
    between = r->now;
    EMIT(r, idempotency_stored, .key = STR("two"), .status = 202);
    rig_clean(r);
    EMIT(r, idempotency_forgotten, .before = (uint64_t)between);
    assert_int_equal(rig_count(r, TABLE_IDEMPOTENCY_AGE), 1);
    rig_clean(r);
}

static void keys_channels_plugins_and_secrets(void **state)
{
    struct rig *r = *state;
    struct hilo_id id = rig_id(r);
    char hash[32];
    struct key k;
    struct rec_key rec;
    struct rec_plugin_value v;
    char longest[KEY_STR_MAX];
    struct hilo_str l = {longest, sizeof longest};

    memset(hash, 7, sizeof hash);
    memset(longest, 'k', sizeof longest);
    EMIT(r, key_created, .id = id, .hash = str_n(hash, sizeof hash), .name = STR("shop"));
    EMIT(r, key_revoked, .id = id);
    key_init(&k);
    key_bytes(&k, str_n(hash, sizeof hash));
    OK(r, store_record(r->store, TABLE_KEY, key_str(&k), &rec_desc_key, r->arena, &rec, &r->err));
    assert_true(rec.revoked != 0);
    EMIT(r, channel_paused, .channel = CHANNEL, .reason = STR("night"));
    assert_true(rig_has(r, TABLE_CHANNEL, key_channel(CHANNEL)));
    rig_clean(r);
    EMIT(r, channel_resumed, .channel = CHANNEL);
    assert_false(rig_has(r, TABLE_CHANNEL, key_channel(CHANNEL)));
    EMIT(r, plugin_put, .plugin = l, .subject = l, .key = l, .value = STR("v"));
    k = key_plugin(l, l, l);
    OK(r, store_record(r->store, TABLE_PLUGIN, key_str(&k), &rec_desc_plugin_value, r->arena, &v, &r->err));
    assert_true(str_eqz(v.value, "v"));
    assert_int_equal(v.version, r->seq);
    struct rec_template t;
    EMIT(r, template_stored, .channel = CHANNEL, .name = l, .language = STR("es"), .body = STR("\1\1a"));
    EMIT(r, template_stored, .channel = CHANNEL, .name = l, .language = STR("en"), .body = STR("\1\1b"));
    EMIT(r, template_removed, .channel = CHANNEL, .name = l, .language = STR("es"));
    assert_false(rig_has(r, TABLE_TEMPLATE, key_template(CHANNEL, l, STR("es"))));
    k = key_template(CHANNEL, l, STR("en"));
    OK(r, store_record(r->store, TABLE_TEMPLATE, key_str(&k), &rec_desc_template, r->arena, &t, &r->err));
    assert_true(str_eqz(t.body, "\1\1b"));
    assert_int_equal(t.changed, r->now - 2000); /* two events ago */
    EMIT(r, template_removed, .channel = CHANNEL, .name = l, .language = STR("en"));
    EMIT(r, secret_created, .name = STR("reached"), .value = STR("s")); /* not META's own key */
    rig_clean(r);
}

/* ---- webhooks ---- */

static struct rec_webhook webhook_of(struct rig *r, struct hilo_id id)
{
    struct rec_webhook w;
    struct key k = key_of_id(id);

    OK(r, store_record(r->store, TABLE_WEBHOOK, key_str(&k), &rec_desc_webhook, r->arena, &w, &r->err));
    return w;
}

/* How many wait, and into *p the record; 0: not parked. */
static uint64_t parked_of(struct rig *r, struct hilo_id id, struct hilo_id customer, struct rec_parked *p)
{
    struct key k = key_pair(id, customer);
    int32_t rc =
        store_record(r->store, TABLE_WEBHOOK_PARKED, key_str(&k), &rec_desc_parked, r->arena, p, &r->err);

    return rc == HILO_OK ? p->waiting : 0;
}

static void a_webhook_has_a_cursor_and_what_waits_for_it(void **state)
{
    struct rig *r = *state;
    struct hilo_id id = rig_id(r), ana = rig_id(r), eva = rig_id(r);
    const struct hilo_str first = STR("0123456789abcdefghijklmn"), second = STR("second89abcdefghijklmnop");
    struct rec_webhook w;
    struct rec_parked p;

    EMIT(r, webhook_created, .id = id, .url = STR("https://a.example/"), .secret = first);
    assert_int_equal(webhook_of(r, id).cursor, r->seq); /* it gets what comes after */
    for (unsigned i = 0; i < 3; i++)
        EMIT(r, webhook_parked, .id = id, .customer = i == 1 ? eva : ana, .seq = i + 1, .attempts = i < 2,
             .due = 77, .detail = STR("status 500"));
    EMIT(r, webhook_progress, .id = id, .seq = r->seq);
    assert_int_equal(webhook_of(r, id).cursor, r->seq - 1);
    assert_int_equal(parked_of(r, id, ana, &p), 2);
    assert_int_equal(p.attempts, 1);
    assert_int_equal(p.due, 77);
    int64_t since = (int64_t)p.since;
    EMIT(r, webhook_parked, .id = id, .customer = ana, .attempts = 2, .due = 99); /* tried again */
    assert_int_equal(parked_of(r, id, ana, &p), 2);
    assert_int_equal(p.attempts, 2);
    assert_int_equal(p.since, since);
    EMIT(r, webhook_settled, .id = id, .customer = ana, .seq = 1, .given_up = STR("failing"));
    assert_int_equal(parked_of(r, id, ana, &p), 1);
    assert_int_equal(p.attempts + p.due + p.since, 0); /* the next one begins anew */
    assert_int_equal(webhook_of(r, id).given_up, 1);
    EMIT(r, webhook_settled, .id = id, .customer = ana, .seq = 3);
    assert_int_equal(parked_of(r, id, ana, &p), 0);
    assert_int_equal(webhook_of(r, id).given_up, 1);
    EMIT(r, webhook_rotated, .id = id, .secret = second, .until = 123);
    w = webhook_of(r, id);
    assert_true(str_eq(w.old_secret, first) && str_eq(w.secret, second) && w.old_until == 123);
    EMIT(r, webhook_failing, .id = id, .attempts = 3, .due = 5, .detail = STR("refused"));
    EMIT(r, webhook_disabled, .id = id, .reason = STR("failing"), .detail = STR("refused"));
    w = webhook_of(r, id);
    assert_true(w.disabled && w.attempts == 3 && w.since);
    rig_clean(r);
    EMIT(r, webhook_enabled, .id = id);
    w = webhook_of(r, id);
    assert_true(!w.disabled && !w.attempts && !w.since && !w.due && !w.detail.n);
    EMIT(r, webhook_updated, .id = id, .set = 5, .url = STR("https://b.example/"), .types = STR("no"));
    w = webhook_of(r, id);
    assert_true(str_eqz(w.url, "https://b.example/") && w.types.n == 0);
    rig_clean(r);
    EMIT(r, webhook_deleted, .id = id);
    assert_int_equal(parked_of(r, id, eva, &p), 0);
    assert_false(rig_has(r, TABLE_WEBHOOK, key_of_id(id)));
    assert_false(rig_has(r, TABLE_WEBHOOK_WAITING, key_waiting(id, eva, 2)));
    rig_clean(r);
}

/* ---- the store itself ---- */

static struct hilo_str party_list(struct rig *r, struct hilo_str phone)
{
    struct hilo_writer w;

    arena_writer(r->arena, &w);
    hilo_put_str(&w, 1, rig_party(r->arena, phone));
    return hilo_written(&w);
}

static struct rec_consent consent_at(struct rig *r, enum table t, struct key k)
{
    struct rec_consent c;

    OK(r, store_record(r->store, t, key_str(&k), &rec_desc_consent, r->arena, &c, &r->err));
    return c;
}

static void a_denial_is_the_customers_and_the_addresss(void **state)
{
    struct rig *r = *state;
    struct person ana = rig_person(r, "+573001112233"), eva = rig_person(r, "+573004445566");
    struct hilo_str phone = STR("+573001112233");
    struct hilo_id stop = rig_receive(r, &ana, (struct draft){.ext_id = STR("in.1")});
    struct hilo_str party = rig_party(r->arena, phone);
    struct key of_phone = key_consent_address(CHANNEL, party, HILO_CATEGORY_PROMOTIONAL);
    struct key of_ana = key_consent(ana.customer, HILO_CATEGORY_PROMOTIONAL, CONSENT_CHANNEL, CHANNEL);

    EMIT(r, consent_changed, .customer = ana.customer,
         .categories = 1 << HILO_CATEGORY_PROMOTIONAL | 1 << HILO_CATEGORY_SERVICE, .reach = CONSENT_CHANNEL,
         .name = CHANNEL, .state = CONSENT_DENIED, .how = CONSENT_BY_WORD, .message = stop,
         .proof = STR("STOP"), .parties = party_list(r, phone));
    assert_int_equal(rig_count(r, TABLE_CONSENT), 2);
    assert_int_equal(rig_count(r, TABLE_CONSENT_ADDRESS), 2);
    struct rec_consent c = consent_at(r, TABLE_CONSENT_ADDRESS, of_phone);
    assert_int_equal(c.state, CONSENT_DENIED);
    assert_true(id_eq(c.customer, ana.customer) && id_eq(c.message, stop) && str_eqz(c.proof, "STOP"));
    assert_int_equal(c.seq, r->seq);
    rig_clean(r);

    /* The number changes hands; what it said stays. */
    EMIT(r, identifier_added, .customer = eva.customer, .scheme = HILO_SCHEME_PHONE, .value = phone);
    assert_int_equal(consent_at(r, TABLE_CONSENT_ADDRESS, of_phone).state, CONSENT_DENIED);
    rig_clean(r);

    EMIT(r, consent_changed, .customer = ana.customer, .categories = 1 << HILO_CATEGORY_PROMOTIONAL,
         .reach = CONSENT_CHANNEL, .name = CHANNEL, .state = CONSENT_GRANTED, .how = CONSENT_BY_API);
    assert_int_equal(consent_at(r, TABLE_CONSENT, of_ana).state, CONSENT_GRANTED);
    assert_int_equal(consent_at(r, TABLE_CONSENT_ADDRESS, of_phone).state, CONSENT_DENIED);
    rig_clean(r);
}

static void what_was_not_committed_is_gone(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    const struct ev_customer_updated ev = {.id = p.customer, .set = 1, .name = STR("never")};
    uint64_t seq = r->seq;
    struct key k = key_of_id(p.customer);
    struct rec_customer c;

    rig_append(r, &ev_desc_customer_updated, &ev);
    rig_clean(r); /* closes as a daemon would that ends now */
    assert_int_equal(r->seq, seq);
    OK(r, store_record(r->store, TABLE_CUSTOMER, key_str(&k), &rec_desc_customer, r->arena, &c, &r->err));
    assert_true(str_eqz(c.name, "Ana"));
}

static void a_power_cut_keeps_what_was_committed(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){0});
    uint64_t seq = r->seq;
    const struct ev_message_claimed ev = {.id = id, .attempt = 1};

    rig_append(r, &ev_desc_message_claimed, &ev);
    rig_power_cut(r);
    assert_int_equal(r->seq, seq);
    EXPECT(r, id, DUE, ACCEPTED);
    rig_clean(r);
}

/* A generation that was frozen for a commit that failed waits for nothing any more. */
static void closing_after_a_commit_that_failed_ends(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    const struct ev_customer_updated ev = {.id = p.customer, .set = 1, .name = STR("never")};
    int64_t start = clock_mono_us();
    struct rlimit before, none = {0, 0};
    uint64_t seq = r->seq;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none.rlim_max = before.rlim_max;
    rig_append(r, &ev_desc_customer_updated, &ev);
    while (clock_mono_us() - start < FLUSH_DUE_US)
        sched_yield();
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    int32_t rc = store_commit(r->store, &r->err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(rc, HILO_IO);
    alarm(60); /* it used to wait for ever */
    store_close(&r->store);
    alarm(0);
    rig_open(r);
    assert_int_equal(r->seq, seq);
    rig_clean(r);
}

static void ids_go_on_after_a_restart(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id before, after;

    r->now = INT64_C(4000000000) * SECOND; /* the clock was far ahead once */
    (void)rig_accept(r, &p, (struct draft){0});
    r->now = INT64_C(1700000000) * SECOND; /* and is right again */
    (void)rig_accept(r, &p, (struct draft){0});
    for (unsigned times = 0; times < 3; times++) {
        if (times == 0)
            rig_power_cut(r);
        else
            rig_clean(r); /* all is in the context then, and nothing is replayed */
        before = idgen_next(store_ids(r->store));
        after = idgen_next(store_ids(r->store));
        assert_true(memcmp(before.b, after.b, sizeof after.b) < 0);
        uint64_t ms = 0;
        for (unsigned i = 0; i < 6; i++)
            ms = ms << 8 | before.b[i];
        assert_true(ms >= UINT64_C(4000000000) * 1000);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(accepted_claimed_sent_delivered_read),
        T(the_position_leads_to_the_message),
        T(receipts_in_every_order),
        T(a_receipt_twice_changes_nothing),
        T(a_receipt_before_the_report_waits_for_it),
        T(an_echo_makes_the_parked_known),
        T(orphans_are_forgotten_by_age),
        T(the_cost_is_kept),
        T(a_temporary_failure_comes_again),
        T(a_receipt_ends_the_retries),
        T(in_doubt_is_held_and_an_echo_settles_it),
        T(in_doubt_is_resent_by_its_policy),
        T(what_is_due_waits_or_is_held_can_end),
        T(the_head_canceled_passes_the_turn),
        T(a_conversation_keeps_its_order),
        T(what_is_scheduled_has_no_turn_until_it_is_due),
        T(what_is_scheduled_can_end_and_blocks_nobody),
        T(choices_are_asked_when_they_are_due),
        T(a_message_of_three_parts),
        T(a_part_that_failed_fails_the_message),
        T(a_part_in_doubt_goes_on_by_an_echo),
        T(the_last_part_in_doubt_takes_what_was_parked),
        T(the_last_part_delivered_before_its_report),
        T(a_part_in_doubt_that_was_named_before),
        T(three_segments_are_one_message),
        T(segments_in_every_order),
        T(a_late_delivery_of_a_segment_beats_its_failure),
        T(receipts_of_segments_wait_for_the_report),
        T(in_doubt_with_some_of_the_ids),
        T(refused_after_some_were_sent),
        T(segments_of_an_attempt_that_was_resent),
        T(parts_that_are_several_each),
        T(a_parked_receipt_is_found_by_any_spelling),
        T(a_spelling_is_news_of_one_segment),
        T(parts_wait_until_they_are_joined),
        T(inbound_media_is_a_job_until_it_is_stored),
        T(inbound_media_may_fail_for_good),
        T(media_of_an_application),
        T(a_mark_marks_when_it_is_sent),
        T(the_newest_edit_counts),
        T(an_answer_ends_the_question),
        T(the_thread_is_a_chain),
        T(cases_and_their_index),
        T(a_case_changed_twice_at_once),
        T(customers_and_identifiers),
        T(an_identifier_that_moves_leaves_nothing_behind),
        T(addresses_lead_to_conversations),
        T(idempotency_is_forgotten_by_age),
        T(keys_channels_plugins_and_secrets),
        T(a_denial_is_the_customers_and_the_addresss),
        T(a_webhook_has_a_cursor_and_what_waits_for_it),
        T(what_was_not_committed_is_gone),
        T(a_power_cut_keeps_what_was_committed),
        T(closing_after_a_commit_that_failed_ends),
        T(ids_go_on_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
