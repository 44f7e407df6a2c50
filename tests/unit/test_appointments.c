/*
 * Appointments as their services decide them: codes, when each is near, what is said in which words, and what
 * an answer changes. From outside: tests/behave/test_appointments.c.
 */
#include "api_rig.h"
#include "services/appointment_say.h"
#include "services/delivery_queue.h"
#include "store/keys.h"

static const int64_t HOUR_US = INT64_C(3600) * 1000000;

static int setup(void **state)
{
    struct rig *r = rig_new();

    r->gw.time_zone = STR("America/Bogota");
    r->gw.appointments.near_us = HOUR_US / 4;
    r->gw.appointments.remind_us = 24 * HOUR_US;
    r->gw.appointments.template_parameters = STR("when,place,code");
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig_free(*state);
    return 0;
}

static struct appointment_request drafted(const char *phone, int64_t in_us)
{
    return (struct appointment_request){.to = {.scheme = HILO_SCHEME_PHONE, .value = str(phone)},
                                        .store = STR("centro"),
                                        .channel = STR("wa"),
                                        .starts = clock_wall_us() + in_us,
                                        .words = {.confirm = true}};
}

static struct hilo_id book(struct rig *r, const struct appointment_request *rq)
{
    struct hilo_id id;
    struct fault f = {0};

    store_begin(r->store);
    if (appointment_book(&r->gw, &actor_core, rq, r->gw.arena, &id, &f) != 0)
        fail_msg("%s: %s", f.code, f.text);
    store_end(r->store);
    return id;
}

static struct rec_appointment found(struct rig *r, struct hilo_id id)
{
    struct rec_appointment a;
    struct fault f;

    assert_int_equal(appointment_get(&r->gw, id, r->gw.arena, &a, &f), 0);
    return a;
}

static struct appointment_notices notices(struct rig *r, struct hilo_id id)
{
    struct appointment_notices x;

    appointment_notices_read(found(r, id).messages, &x);
    return x;
}

static struct hilo_str content_of(struct rig *r, struct hilo_id message)
{
    struct rec_message m;
    struct hilo_str bytes;
    struct fault f;

    assert_int_equal(message_get(&r->gw, message, r->gw.arena, &m, &bytes, &f), 0);
    return hilo_content(bytes);
}

static void says(struct rig *r, struct hilo_id message, const char *part)
{
    const struct hilo_str text = hilo_get_str(content_of(r, message), HILO_T_CONTENT_TEXT);

    if (!memmem(text.p, (size_t)text.n, part, strlen(part)))
        fail_msg("not in it: %s\n%.*s", part, STR_FMT(text));
}

static int change(struct rig *r, struct hilo_id id, const struct appointment_change *c, struct fault *f)
{
    store_begin(r->store);
    int rc = appointment_update(&r->gw, &actor_core, id, c, 0, r->gw.arena, f);
    store_end(r->store);
    return rc;
}

static void moved_to(struct rig *r, struct hilo_id id, int64_t starts)
{
    const struct appointment_change c = {.set = APPOINTMENT_SET_TIME, .starts = starts};
    struct fault f = {0};

    if (change(r, id, &c, &f) != 0)
        fail_msg("%s: %s", f.code, f.text);
}

static void codes_are_readable_and_differ(void **state)
{
    struct rig *r = *state;
    char seen[100][APPOINTMENT_CODE];

    for (unsigned i = 0; i < 100; i++) {
        struct appointment_request rq = drafted("+573001112233", HOUR_US);
        struct hilo_id again, id;
        struct err e = {0};
        rq.words.confirm = false;
        id = book(r, &rq);
        const struct hilo_str code = found(r, id).code;
        assert_int_equal(code.n, APPOINTMENT_CODE);
        for (unsigned k = 0; k < APPOINTMENT_CODE; k++)
            assert_non_null(memchr("23456789CDFGHJKMNPQRTVWXY", code.p[k], 25));
        for (unsigned k = 0; k < i; k++)
            assert_memory_not_equal(seen[k], code.p, APPOINTMENT_CODE);
        memcpy(seen[i], code.p, APPOINTMENT_CODE);
        assert_int_equal(appointment_by_code(&r->gw, code, r->gw.arena, &again, &e), HILO_OK);
        assert_true(id_eq(again, id));
    }
}

/* More than one turn takes, each once, and none before its time. */
static void each_is_told_once_when_it_is_near(void **state)
{
    enum { MANY = 300 };
    struct rig *r = *state;
    const int64_t now = clock_wall_us();
    struct hilo_id first = {{0}}, last = {{0}};
    struct err e = {0};
    int64_t next = 0;
    uint64_t before = store_seq(r->store);

    for (unsigned i = 0; i < MANY; i++) {
        struct appointment_request rq = drafted("+573001112233", HOUR_US + i);
        rq.words.confirm = false;
        last = book(r, &rq);
        if (i == 0)
            first = last;
        if (i % 50 == 0)
            rig_turn(r);
    }
    before = store_seq(r->store);
    assert_int_equal(appointments_near(&r->gw, now, &next, &e), HILO_OK);
    assert_int_equal(store_seq(r->store), before);
    assert_int_equal(next, found(r, first).near);
    assert_int_equal(appointments_near(&r->gw, now + HOUR_US, &next, &e), HILO_OK);
    assert_true(next != 0 && next <= now + HOUR_US); /* there are more */
    assert_int_equal(appointments_near(&r->gw, now + HOUR_US, &next, &e), HILO_OK);
    assert_int_equal(next, 0);
    assert_int_equal(store_seq(r->store), before + MANY);
    assert_true(found(r, last).told != 0 && found(r, last).near == 0);
    assert_int_equal(appointments_near(&r->gw, now + HOUR_US, &next, &e), HILO_OK);
    assert_int_equal(store_seq(r->store), before + MANY);
    /* Another time is told of, too. */
    moved_to(r, last, now + 5 * HOUR_US);
    assert_int_equal(found(r, last).near, now + 5 * HOUR_US - HOUR_US / 4);
    assert_int_equal(appointments_near(&r->gw, now + 5 * HOUR_US, &next, &e), HILO_OK);
    assert_true(found(r, last).told != 0 && found(r, last).near == 0);
}

static void reminders_reach_as_far_as_appointments(void **state)
{
    struct rig *r = *state;
    struct appointment_request rq = drafted("+573001112233", 400 * 24 * HOUR_US);

    rq.remind_given = true;
    rq.n_remind = 1;
    rq.remind[0] = 48 * HOUR_US;
    struct hilo_id id = book(r, &rq);
    const struct appointment_notices x = notices(r, id);
    assert_int_equal(x.count, 2);
    assert_int_equal(x.n[1].due, rq.starts - 48 * HOUR_US);
    assert_false(id_none(x.n[1].message));
    assert_int_equal(x.n[1].code.n, 0);
}

static void in_the_customers_words_and_hours(void **state)
{
    struct rig *r = *state;
    struct appointment_request rq = drafted("+573001112233", 48 * HOUR_US);
    const struct customer_fields who = {
        .set = 2 | 4, .language = STR("en-US"), .time_zone = STR("Asia/Tokyo")};
    struct fault f = {0};

    /* 2027-03-05T20:30Z: 15:30 in Bogota, 05:30 of the next day in Tokyo. */
    assert_true(clock_parse(STR("2027-03-05T20:30:00Z"), &rq.starts));
    rq.place = STR("Tienda {code} Centro"); /* what is filled in is not looked at again */
    struct hilo_id id = book(r, &rq);
    says(r, notices(r, id).n[0].message, "Tu cita en Tienda {code} Centro:\nviernes 5 de marzo");
    says(r, notices(r, id).n[0].message, "a las 3:30 p. m.");
    struct hilo_id customer = found(r, id).customer;
    store_begin(r->store);
    assert_int_equal(customer_update(&r->gw, &actor_core, customer, &who, NULL, 0, NULL, 0, 0, &f), 0);
    store_end(r->store);
    id = book(r, &rq);
    says(r, notices(r, id).n[0].message, "Saturday, March 6");
    says(r, notices(r, id).n[0].message, "at 5:30 AM\nShow ");
    rq.time_zone = STR("Europe/Madrid");
    id = book(r, &rq);
    says(r, notices(r, id).n[0].message, "at 9:30 PM");
    r->gw.appointments.confirmation_text = STR("{name}{nobody} {date}, {time}, {code} {");
    id = book(r, &rq);
    says(r, notices(r, id).n[0].message, "{nobody} Friday, March 5");
    says(r, notices(r, id).n[0].message, " {");
}

static void template_parameters_are_checked(void **state)
{
    struct hilo_str unknown;

    (void)state;
    assert_true(appointment_parameters_check(STR("when,fecha=date, place,code"), &unknown));
    assert_true(appointment_parameters_check(STR(""), &unknown));
    assert_false(appointment_parameters_check(STR("when,plaza"), &unknown));
    assert_true(str_eqz(unknown, "plaza"));
    assert_false(appointment_parameters_check(STR("a=,when"), &unknown));
}

/* ---- answers ---- */

static void answer(struct rig *r, struct hilo_id id, struct hilo_id question, struct hilo_id customer,
                   const char *choice, const char *title)
{
    struct hilo_writer w;
    struct err e = {0};

    arena_writer(r->gw.arena, &w);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_CHOICE_REPLY);
    hilo_put_str(&w, HILO_T_CONTENT_CHOICE, str(choice));
    hilo_put_str(&w, HILO_T_CONTENT_TITLE, str(title));
    store_begin(r->store);
    if (appointment_answered(&r->gw, &actor_core, id, question, idgen_next(store_ids(r->store)), customer,
                             hilo_written(&w), clock_wall_us(), r->gw.arena, &e) != HILO_OK)
        fail_msg("%s", e.text);
    store_end(r->store);
}

static void what_answers_mean(void **state)
{
    static const struct {
        const char *choice, *title;
        uint64_t answer, status;
    } all[] = {{"confirm", "Confirmar", APPOINTMENT_ANSWER_CONFIRM, APPOINTMENT_CONFIRMED},
               {"CONFIRMAR", "x", APPOINTMENT_ANSWER_CONFIRM, APPOINTMENT_CONFIRMED},
               {"b1",
                "\xc2\xa1"
                "Confirmo!",
                APPOINTMENT_ANSWER_CONFIRM, APPOINTMENT_CONFIRMED},
               {"change", "", APPOINTMENT_ANSWER_CHANGE, APPOINTMENT_BOOKED},
               {"", "Reprogramar", APPOINTMENT_ANSWER_CHANGE, APPOINTMENT_BOOKED},
               {"cancel", "Confirmar", APPOINTMENT_ANSWER_CANCEL, APPOINTMENT_CANCELED},
               {"b3", "Cancelar", APPOINTMENT_ANSWER_CANCEL, APPOINTMENT_CANCELED},
               {"b4", "Otra cosa", 0, APPOINTMENT_BOOKED}};
    struct rig *r = *state;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct appointment_request rq = drafted("+573001112233", 48 * HOUR_US);
        struct hilo_id id = book(r, &rq);
        const struct rec_appointment a = found(r, id);
        answer(r, id, notices(r, id).n[0].message, a.customer, all[i].choice, all[i].title);
        assert_int_equal(found(r, id).answer, all[i].answer);
        assert_int_equal(found(r, id).status, all[i].status);
        if (all[i].status == APPOINTMENT_CANCELED) {
            assert_int_equal(found(r, id).near, 0);
            assert_int_equal(notices(r, id).count, 1); /* the confirmation; no reminder */
        }
        rig_turn(r);
    }
}

static void whose_answer_counts_and_when(void **state)
{
    struct rig *r = *state;
    struct appointment_request rq = drafted("+573001112233", 48 * HOUR_US),
                               other = drafted("+573004445566", HOUR_US);
    struct hilo_id id = book(r, &rq), stranger = found(r, book(r, &other)).customer;
    const struct hilo_id ana = found(r, id).customer, asked = notices(r, id).n[0].message;
    struct appointment_change done = {.set = APPOINTMENT_SET_STATUS, .status = APPOINTMENT_NO_SHOW};
    struct fault f = {0};

    answer(r, id, asked, stranger, "cancel", ""); /* the number changed hands */
    assert_int_equal(found(r, id).status, APPOINTMENT_BOOKED);
    answer(r, id, asked, ana, "confirm", "");
    assert_int_equal(found(r, id).status, APPOINTMENT_CONFIRMED);
    const uint64_t seq = store_seq(r->store);
    answer(r, id, asked, ana, "confirm", "");
    assert_int_equal(store_seq(r->store), seq); /* once more says nothing new */
    moved_to(r, id, rq.starts + HOUR_US);
    assert_int_equal(found(r, id).status, APPOINTMENT_BOOKED);
    assert_int_equal(found(r, id).answer, 0);
    answer(r, id, asked, ana, "confirm", ""); /* of the time before */
    assert_int_equal(found(r, id).status, APPOINTMENT_BOOKED);
    assert_int_equal(found(r, id).answer, APPOINTMENT_ANSWER_CONFIRM);
    answer(r, id, notices(r, id).n[0].message, ana, "confirm", "");
    assert_int_equal(found(r, id).status, APPOINTMENT_CONFIRMED);
    assert_int_equal(change(r, id, &done, &f), 0);
    answer(r, id, notices(r, id).n[0].message, ana, "cancel", "");
    assert_int_equal(found(r, id).status, APPOINTMENT_NO_SHOW); /* it is over */
    assert_int_equal(found(r, id).answer, APPOINTMENT_ANSWER_CANCEL);
}

static void a_till_that_was_offline(void **state)
{
    struct rig *r = *state;
    struct appointment_request rq = drafted("+573001112233", -HOUR_US);
    struct hilo_id id;
    struct fault f = {0};

    rq.origin = (struct appointment_origin){.at = clock_wall_us() - 3 * HOUR_US, .terminal = STR("caja-1")};
    id = book(r, &rq);
    assert_int_equal(found(r, id).booked, rq.origin.at);
    assert_int_equal(found(r, id).near, 0); /* it has begun */
    assert_true(str_eqz(notices(r, id).n[0].code, "too_late"));
    rq.origin.at = clock_wall_us() + HOUR_US;
    store_begin(r->store);
    assert_int_equal(appointment_book(&r->gw, &actor_core, &rq, r->gw.arena, &id, &f), -1);
    store_end(r->store);
    assert_string_equal(f.pointer, "/at");
}

static void ends_and_statuses(void **state)
{
    struct rig *r = *state;
    struct appointment_request rq = drafted("+573001112233", 48 * HOUR_US);
    struct appointment_change c = {.set = APPOINTMENT_SET_TIME};
    struct fault f = {0};

    rq.ends = rq.starts + HOUR_US;
    struct hilo_id id = book(r, &rq);
    moved_to(r, id, rq.starts + 5 * HOUR_US); /* it keeps its length */
    assert_int_equal(found(r, id).ends, rq.ends + 5 * HOUR_US);
    c.ends_given = true, c.ends = rq.starts;
    assert_int_equal(change(r, id, &c, &f), -1);
    assert_string_equal(f.pointer, "/ends_at");
    c.ends = rq.starts + 7 * HOUR_US; /* no other time: nobody is told */
    const struct hilo_id asked = notices(r, id).n[0].message;
    assert_int_equal(change(r, id, &c, &f), 0);
    assert_true(id_eq(notices(r, id).n[0].message, asked));
    c.ends = 0;
    assert_int_equal(change(r, id, &c, &f), 0);
    assert_int_equal(found(r, id).ends, 0);
    c = (struct appointment_change){.set = APPOINTMENT_SET_STATUS,
                                    .status = APPOINTMENT_CANCELED,
                                    .confirm_given = true,
                                    .words = {.confirm = true}};
    assert_int_equal(change(r, id, &c, &f), 0);
    const struct appointment_notices x = notices(r, id);
    assert_int_equal(x.n[x.count - 1].kind, NOTICE_CANCELLATION);
    says(r, x.n[x.count - 1].message, "cancelada");
    assert_int_equal(change(r, id, &c, &f), 0); /* once more is the same */
    c.status = APPOINTMENT_BOOKED;
    assert_int_equal(change(r, id, &c, &f), -1);
    assert_string_equal(f.code, "appointment_closed");
}

struct listed {
    unsigned n;
    struct hilo_id id[8];
};

static void list_one(void *arg, struct hilo_id id, const struct rec_appointment *a)
{
    struct listed *l = arg;

    (void)a;
    assert_true(l->n < 8);
    l->id[l->n++] = id;
}

static void open_ones_of_a_customer(void **state)
{
    struct rig *r = *state;
    struct appointment_request rq = drafted("+573001112233", 9 * HOUR_US),
                               other = drafted("+573004445566", HOUR_US);
    struct hilo_id late = book(r, &rq), early, gone;
    const struct appointment_change c = {.set = APPOINTMENT_SET_STATUS, .status = APPOINTMENT_CANCELED};
    struct listed l = {0};
    struct fault f = {0};

    (void)book(r, &other);
    rq.starts -= 3 * HOUR_US;
    early = book(r, &rq);
    gone = book(r, &rq);
    assert_int_equal(change(r, gone, &c, &f), 0);
    const struct hilo_id ana = found(r, late).customer;
    assert_int_equal(appointment_open(&r->gw, ana, 0, 8, r->gw.arena, list_one, &l, &f), 0);
    assert_int_equal(l.n, 2);
    assert_true(id_eq(l.id[0], early) && id_eq(l.id[1], late));
    l.n = 0;
    assert_int_equal(appointment_open(&r->gw, ana, rq.starts + 1, 8, r->gw.arena, list_one, &l, &f), 0);
    assert_int_equal(l.n, 1);
    l.n = 0;
    assert_int_equal(appointment_open(&r->gw, ana, 0, 1, r->gw.arena, list_one, &l, &f), 0);
    assert_int_equal(l.n, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(codes_are_readable_and_differ),
        T(each_is_told_once_when_it_is_near),
        T(reminders_reach_as_far_as_appointments),
        T(in_the_customers_words_and_hours),
        T(template_parameters_are_checked),
        T(what_answers_mean),
        T(whose_answer_counts_and_when),
        T(a_till_that_was_offline),
        T(ends_and_statuses),
        T(open_ones_of_a_customer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
