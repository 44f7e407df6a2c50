/*
 * Appointments in the store: by whom, where and when they are found, when their code leads to them, and
 * what contradicts them. Each ends with a check that builds the context anew and compares.
 */
#include "test_store_tools.h"

#include "store/apply.h"

static const struct hilo_id none;

static struct rec_appointment drafted(const struct person *p)
{
    return (struct rec_appointment){.customer = p->customer,
                                    .code = STR("K7QM2P"),
                                    .status = APPOINTMENT_BOOKED,
                                    .store = STR("centro"),
                                    .starts = 5000,
                                    .near = 4000};
}

static struct hilo_id book(struct rig *r, const struct rec_appointment *a)
{
    struct hilo_id id = rig_id(r);

    EMIT(r, appointment_booked, .id = id, .appointment = rig_appointment(r->arena, a));
    return id;
}

static struct rec_appointment found(struct rig *r, struct hilo_id id)
{
    const struct key k = key_of_id(id);
    struct rec_appointment a;

    OK(r,
       store_record(r->store, TABLE_APPOINTMENT, key_str(&k), &rec_desc_appointment, r->arena, &a, &r->err));
    return a;
}

static struct hilo_id by_code(struct rig *r, const char *code)
{
    const struct key k = key_appointment_code(str(code));
    struct hilo_str val;
    int32_t rc = store_get(r->store, TABLE_APPOINTMENT_OPEN, key_str(&k), r->arena, &val, &r->err);

    assert_true(rc == HILO_OK || rc == HILO_NOTFOUND);
    return rc == HILO_OK ? key_tail_id(val) : none;
}

/* It is under these, and under no others. */
static void indexed(struct rig *r, struct hilo_id id, const struct person *p, const char *store,
                    uint64_t starts)
{
    assert_int_equal(rig_count(r, TABLE_APPOINTMENT_INDEX), 3);
    assert_true(rig_has(r, TABLE_APPOINTMENT_INDEX, key_appointment_at(key_appointments(), starts, id)));
    assert_true(rig_has(r, TABLE_APPOINTMENT_INDEX,
                        key_appointment_at(key_appointments_customer(p->customer), starts, id)));
    assert_true(rig_has(r, TABLE_APPOINTMENT_INDEX,
                        key_appointment_at(key_appointments_store(str(store)), starts, id)));
}

static void it_is_found_where_it_is_now(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct rec_appointment a = drafted(&p);
    struct hilo_id id = book(r, &a);

    indexed(r, id, &p, "centro", 5000);
    assert_true(id_eq(by_code(r, "K7QM2P"), id));
    assert_true(rig_has(r, TABLE_APPOINTMENT_OPEN, key_appointment_near(4000, id)));
    assert_int_equal(found(r, id).version, r->seq);
    assert_int_equal(found(r, id).changed, r->now - 1000);
    rig_clean(r);
    a.starts = 9000, a.near = 8000, a.store = STR("norte"), a.code = STR("AAAAAA");
    EMIT(r, appointment_changed, .id = id, .appointment = rig_appointment(r->arena, &a),
         .set = APPOINTMENT_SET_TIME | APPOINTMENT_SET_DETAILS);
    indexed(r, id, &p, "norte", 9000);
    assert_true(id_none(by_code(r, "K7QM2P")));
    assert_true(id_eq(by_code(r, "AAAAAA"), id));
    assert_int_equal(rig_count(r, TABLE_APPOINTMENT_OPEN), 2);
    assert_int_equal(found(r, id).version, r->seq);
    rig_clean(r);
}

static void the_timer_goes_when_it_was_told(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct rec_appointment a = drafted(&p);
    struct hilo_id id = book(r, &a);

    a.near = 0, a.told = 4001;
    EMIT(r, appointment_near, .id = id, .appointment = rig_appointment(r->arena, &a));
    assert_int_equal(rig_count(r, TABLE_APPOINTMENT_OPEN), 1); /* its code */
    assert_int_equal(found(r, id).told, 4001);
    rig_clean(r);
}

static void a_code_is_free_when_its_appointment_is_over(void **state)
{
    static const uint64_t ends[] = {APPOINTMENT_COMPLETED, APPOINTMENT_CANCELED, APPOINTMENT_NO_SHOW};
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233"), q = rig_person(r, "+573004445566");

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct rec_appointment a = drafted(&p), b = drafted(&q);
        struct hilo_id id = book(r, &a);
        a.status = APPOINTMENT_CHECKED_IN, a.near = 0, a.checked_in = 4500;
        EMIT(r, appointment_checked_in, .id = id, .appointment = rig_appointment(r->arena, &a));
        assert_true(id_eq(by_code(r, "K7QM2P"), id));
        a.status = ends[i];
        EMIT(r, appointment_changed, .id = id, .appointment = rig_appointment(r->arena, &a));
        assert_true(id_none(by_code(r, "K7QM2P")));
        id = book(r, &b);
        assert_true(id_eq(by_code(r, "K7QM2P"), id));
        b.status = APPOINTMENT_CANCELED, b.near = 0;
        EMIT(r, appointment_changed, .id = id, .appointment = rig_appointment(r->arena, &b));
    }
    assert_int_equal(rig_count(r, TABLE_APPOINTMENT_OPEN), 0);
    rig_clean(r);
}

static void its_messages_lead_to_it(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct rec_notice n[] = {{.kind = NOTICE_CONFIRMATION, .message = rig_accept(r, &p, (struct draft){0})},
                             {.kind = NOTICE_REMINDER, .code = STR("too_late")}};
    struct rec_appointment a = drafted(&p);

    a.messages = rig_notices(r->arena, n, 2);
    struct hilo_id id = book(r, &a), before = n[0].message;
    assert_true(id_eq(rig_message(r, n[0].message).appointment, id));
    n[0].message = rig_accept(r, &p, (struct draft){.due = r->now + SECOND});
    a.messages = rig_notices(r->arena, n, 2);
    EMIT(r, appointment_changed, .id = id, .appointment = rig_appointment(r->arena, &a));
    assert_true(id_eq(rig_message(r, n[0].message).appointment, id));
    assert_true(id_eq(rig_message(r, before).appointment, id)); /* an old question is still about it */
    rig_clean(r);
}

/* ---- what contradicts: by a context alone, as the daemon ends where an event of its own does not apply ----
 */

struct bench {
    struct rig *r;
    struct context *context;
    uint64_t seq;
};

static int32_t applied(struct bench *b, const struct rec_desc *d, const void *obj)
{
    struct event ev = {.head = {.type = (uint16_t)d->number, .version = 1, .seq = ++b->seq, .time_us = 1}};
    struct hilo_writer w;

    arena_writer(b->r->arena, &w);
    rec_pack(d, obj, &w);
    ev.body = hilo_written(&w);
    return apply_event(b->context, b->r->arena, &ev, NULL, &b->r->err);
}

static void refused(struct bench *b, const struct rec_desc *d, const void *ev, const char *words)
{
    struct context_stats before, after;

    context_stats(b->context, &before);
    assert_int_equal(applied(b, d, ev), HILO_CORRUPT);
    if (!strstr(b->r->err.text, words))
        fail_msg("%s", b->r->err.text);
    context_stats(b->context, &after);
    assert_int_equal(before.active_keys, after.active_keys);
}

static void what_contradicts_is_refused(void **state)
{
    struct rig *r = *state;
    struct bench b = {.r = r};
    char dir[128];
    const struct context_options o = {.dir = dir, .map_bytes = 64 << 20};
    struct person p = {rig_id(r), rig_id(r), CHANNEL}, q = {rig_id(r), rig_id(r), CHANNEL};
    struct rec_appointment a = drafted(&p);
    const struct rec_notice lost = {.kind = NOTICE_REMINDER, .message = rig_id(r)};
    struct ev_appointment_booked again = {.id = rig_id(r), .appointment = rig_appointment(r->arena, &a)};
    struct ev_appointment_changed changed = {.id = rig_id(r), .appointment = again.appointment};

    (void)snprintf(dir, sizeof dir, "%s/other", r->dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    OK(r, context_open(&o, &r->err, &b.context));
    OK(r, applied(&b, &ev_desc_appointment_booked, &again));
    refused(&b, &ev_desc_appointment_booked, &again, "there is such an appointment already");
    refused(&b, &ev_desc_appointment_changed, &changed, "no such appointment");
    changed.id = again.id;
    again.id = rig_id(r);
    refused(&b, &ev_desc_appointment_booked, &again, "its code is another appointment's");
    a.customer = q.customer;
    changed.appointment = rig_appointment(r->arena, &a);
    refused(&b, &ev_desc_appointment_changed, &changed, "another customer's");
    a = drafted(&p);
    a.messages = rig_notices(r->arena, &lost, 1);
    changed.appointment = rig_appointment(r->arena, &a);
    refused(&b, &ev_desc_appointment_changed, &changed, "no such message");
    a = drafted(&p);
    a.status = 9;
    changed.appointment = rig_appointment(r->arena, &a);
    refused(&b, &ev_desc_appointment_changed, &changed, "it lacks a status");
    context_close(&b.context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_found_where_it_is_now, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(the_timer_goes_when_it_was_told, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_code_is_free_when_its_appointment_is_over, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(its_messages_lead_to_it, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(what_contradicts_is_refused, rig_setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
