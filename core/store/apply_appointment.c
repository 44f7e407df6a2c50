/*
 * Apply: appointments. Each event holds the appointment as it is from then on, decided by the writer; here it
 * is put, with its indexes, where what was before stood.
 *
 * Its code leads to it while it is open; an entry with the time at which to tell that it is near is there
 * until that was told, or it isn't to be told any more. Both tables must agree with the record, whatever the
 * writer decided, so a code that is another's contradicts the context.
 */
#include "store/apply_message.h"
#include "base/ids.h"
#include "base/str.h"

enum { NOTICE_TAG = 1 };

/* Every entry that a record stands for. */
static void index_each(struct apply *a, struct hilo_id id, const struct rec_appointment *r, bool put)
{
    const struct key all = key_appointment_at(key_appointments(), r->starts, id),
                     customer = key_appointment_at(key_appointments_customer(r->customer), r->starts, id),
                     store = key_appointment_at(key_appointments_store(r->store), r->starts, id);
    const struct key *at[] = {&all, &customer, &store};
    const struct key near = key_appointment_near(r->near, id);

    for (unsigned i = 0; i < 3; i++) {
        if (put)
            apply__put_raw(a, TABLE_APPOINTMENT_INDEX, at[i], (struct hilo_str){0});
        else
            apply__del(a, TABLE_APPOINTMENT_INDEX, at[i]);
    }
    if (r->near && put)
        apply__put_raw(a, TABLE_APPOINTMENT_OPEN, &near, (struct hilo_str){0});
    else if (r->near)
        apply__del(a, TABLE_APPOINTMENT_OPEN, &near);
}

static int32_t code_put(struct apply *a, struct hilo_id id, struct hilo_str code)
{
    const struct key k = key_appointment_code(code);
    struct hilo_str val;
    int32_t rc = apply__raw(a, TABLE_APPOINTMENT_OPEN, &k, &val);

    if (rc == HILO_OK && !id_eq(key_tail_id(val), id))
        return apply__wrong(a, "its code is another appointment's");
    if (rc != HILO_OK && rc != HILO_NOTFOUND)
        return rc;
    apply__put_raw(a, TABLE_APPOINTMENT_OPEN, &k, str_n(id.b, sizeof id.b));
    return HILO_OK;
}

/* Its messages lead to it, so that what answers them can be told from anything else. */
static int32_t notices_link(struct apply *a, struct hilo_id id, const struct rec_appointment *r)
{
    struct hilo_str rest = r->messages;
    struct hilo_field f;
    int32_t rc = HILO_OK;

    while (rc == HILO_OK && hilo_next(&rest, &f) == 1) {
        struct rec_notice n;
        struct rec_message m;
        if (f.tag != NOTICE_TAG)
            continue;
        rc = rec_unpack(&rec_desc_notice, f.val, &n, a->err);
        if (rc != HILO_OK || id_none(n.message))
            continue;
        rc = apply__msg_load(a, n.message, &m);
        if (rc == HILO_OK && !id_eq(m.appointment, id)) {
            m.appointment = id;
            apply__msg_save(a, n.message, &m);
        }
    }
    return rc;
}

static int32_t appointment_put(struct apply *a, struct hilo_id id, const struct rec_appointment *before,
                               struct hilo_str bytes)
{
    const struct key k = key_of_id(id);
    struct rec_appointment r;
    int32_t rc = rec_unpack(&rec_desc_appointment, bytes, &r, a->err);

    if (rc != HILO_OK)
        return rc;
    if (r.status < APPOINTMENT_BOOKED || r.status > APPOINTMENT_NO_SHOW || r.code.n == 0 || r.starts == 0)
        return apply__wrong(a, "it lacks a status, a code or a time");
    if (before && !id_eq(before->customer, r.customer))
        return apply__wrong(a, "the appointment is another customer's");
    if (before) {
        const struct key code = key_appointment_code(before->code);
        index_each(a, id, before, false);
        if (appointment_is_open(before->status))
            apply__del(a, TABLE_APPOINTMENT_OPEN, &code);
    }
    r.changed = (uint64_t)a->event->head.time_us;
    r.version = a->event->head.seq;
    index_each(a, id, &r, true);
    if (appointment_is_open(r.status))
        rc = code_put(a, id, r.code);
    if (rc == HILO_OK)
        rc = notices_link(a, id, &r);
    if (rc == HILO_OK)
        apply__put(a, TABLE_APPOINTMENT, &k, &rec_desc_appointment, &r);
    return rc;
}

static int32_t appointment_change(struct apply *a, struct hilo_id id, struct hilo_str bytes)
{
    const struct key k = key_of_id(id);
    struct rec_appointment before;
    int32_t rc = apply__get(a, TABLE_APPOINTMENT, &k, &rec_desc_appointment, &before);

    if (rc != HILO_OK)
        return rc == HILO_NOTFOUND ? apply__wrong(a, "no such appointment") : rc;
    return appointment_put(a, id, &before, bytes);
}

int32_t apply__appointment_booked(struct apply *a, const struct ev_appointment_booked *e)
{
    const struct key k = key_of_id(e->id);
    struct hilo_str val;
    int32_t rc = apply__raw(a, TABLE_APPOINTMENT, &k, &val);

    if (rc == HILO_OK)
        return apply__wrong(a, "there is such an appointment already");
    return rc == HILO_NOTFOUND ? appointment_put(a, e->id, NULL, e->appointment) : rc;
}

int32_t apply__appointment_changed(struct apply *a, const struct ev_appointment_changed *e)
{
    return appointment_change(a, e->id, e->appointment);
}

int32_t apply__appointment_checked_in(struct apply *a, const struct ev_appointment_checked_in *e)
{
    return appointment_change(a, e->id, e->appointment);
}

int32_t apply__appointment_near(struct apply *a, const struct ev_appointment_near *e)
{
    return appointment_change(a, e->id, e->appointment);
}
