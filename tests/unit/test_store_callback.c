/*
 * Callbacks in the store: which kinds a message comes to, in which order, and that each comes
 * once. Each ends with a check that builds the context anew and compares.
 */
#include "test_store_tools.h"

#include "store/keys.h"

#define URL STR("http://127.0.0.1/dlr?%d")

struct seen {
    unsigned n;
    uint64_t kind[16], due[16], attempts[16];
    char key[16][17];
};

static bool see(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct seen *s = arg;
    struct rec_callback r;

    assert_int_equal(key.n, 17);
    assert_int_equal(rec_unpack(&rec_desc_callback, val, &r, NULL), HILO_OK);
    assert_true(str_eq(r.url, URL));
    memcpy(s->key[s->n], key.p, 17);
    s->due[s->n] = key_tail_u64(key, 9);
    s->attempts[s->n] = r.attempts;
    s->kind[s->n++] = r.kind;
    return true;
}

static struct seen waiting(struct rig *r)
{
    struct seen s = {0};

    OK(r, store_scan(r->store, TABLE_CALLBACK, (struct hilo_str){0}, (struct hilo_str){0}, false, see, &s,
                     &r->err));
    return s;
}

static struct hilo_id asked(struct rig *r, const struct person *p, uint64_t mask)
{
    struct hilo_id id = rig_accept(r, p, (struct draft){0});

    EMIT(r, callback_asked, .id = id, .mask = mask, .url = URL);
    return id;
}

static void kinds_come_in_their_order_and_once(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = asked(r, &p, CALLBACK_KINDS);
    struct seen s;

    rig_claim(r, id);
    assert_int_equal(waiting(r).n, 0);
    rig_report(r, id, HILO_STATUS_SENT, "1");
    rig_receipt(r, id, "1", HILO_STATUS_SENT);
    rig_receipt(r, id, "1", HILO_STATUS_SENT);
    rig_receipt(r, id, "1", HILO_STATUS_DELIVERED);
    rig_receipt(r, id, "1", HILO_STATUS_DELIVERED);
    rig_receipt(r, id, "1", HILO_STATUS_FAILED);
    rig_receipt(r, id, "1", HILO_STATUS_READ);
    s = waiting(r);
    assert_int_equal(s.n, 3);
    assert_int_equal(s.kind[0], CALLBACK_TAKEN);
    assert_int_equal(s.kind[1], CALLBACK_WAITS);
    assert_int_equal(s.kind[2], CALLBACK_DELIVERED);
    assert_int_equal(rig_message(r, id).callback.n, 0);
    rig_clean(r);
}

static void a_receipt_before_the_report_brings_both(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = asked(r, &p, CALLBACK_KINDS);
    struct seen s;

    rig_claim(r, id);
    rig_receipt(r, nobody, "1", HILO_STATUS_DELIVERED);
    rig_report(r, id, HILO_STATUS_SENT, "1");
    s = waiting(r);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.kind[0], CALLBACK_TAKEN);
    assert_int_equal(s.kind[1], CALLBACK_DELIVERED);
    rig_clean(r);
}

static void failures_before_and_behind_the_smsc(void **state)
{
    static const struct {
        uint64_t mask, refused, failed;
    } all[] = {{CALLBACK_KINDS, CALLBACK_REFUSED, CALLBACK_FAILED},
               {CALLBACK_FAILED, CALLBACK_REFUSED, CALLBACK_FAILED},
               {CALLBACK_REFUSED, CALLBACK_REFUSED, 0},
               {CALLBACK_DELIVERED, 0, 0}};
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct seen before = waiting(r), s;
        struct hilo_id id = asked(r, &p, all[i].mask);
        rig_claim(r, id);
        rig_report(r, id, HILO_STATUS_FAILED, "");
        s = waiting(r);
        assert_int_equal(s.n, before.n + (all[i].refused != 0));
        if (all[i].refused)
            assert_int_equal(s.kind[s.n - 1], all[i].refused);
        before = s;
        id = asked(r, &p, all[i].mask & ~(uint64_t)CALLBACK_TAKEN);
        rig_claim(r, id);
        rig_report(r, id, HILO_STATUS_SENT, i ? i == 1 ? "b" : i == 2 ? "c" : "d" : "a");
        rig_receipt(r, id, i ? i == 1 ? "b" : i == 2 ? "c" : "d" : "a", HILO_STATUS_FAILED);
        s = waiting(r);
        assert_int_equal(s.n, before.n + (all[i].failed != 0));
        if (all[i].failed)
            assert_int_equal(s.kind[s.n - 1], all[i].failed);
    }
    rig_clean(r);
}

static void settled_and_postponed(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = asked(r, &p, CALLBACK_KINDS);
    struct seen s;

    rig_claim(r, id);
    rig_report(r, id, HILO_STATUS_SENT, "1");
    rig_receipt(r, id, "1", HILO_STATUS_DELIVERED);
    s = waiting(r);
    EMIT(r, callback_postponed, .key = str_n(s.key[0], 17), .due = 1000, .attempts = 3);
    s = waiting(r);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.kind[1], CALLBACK_TAKEN);
    assert_int_equal(s.due[1], 1000);
    assert_int_equal(s.attempts[1], 3);
    rig_clean(r);
    EMIT(r, callback_settled, .keys = str_n(s.key, 34));
    assert_int_equal(waiting(r).n, 0);
    rig_clean(r);
}

static void an_answered_message_may_ask_late(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_accept(r, &p, (struct draft){0});

    rig_claim(r, id);
    rig_report(r, id, HILO_STATUS_SENT, "1");
    EMIT(r, callback_asked, .id = id, .mask = CALLBACK_TAKEN, .url = URL);
    assert_int_equal(waiting(r).n, 1);
    rig_clean(r);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(kinds_come_in_their_order_and_once),  T(a_receipt_before_the_report_brings_both),
        T(failures_before_and_behind_the_smsc), T(settled_and_postponed),
        T(an_answered_message_may_ask_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
