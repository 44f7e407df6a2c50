/* store_check: appointments, their indexes, and the messages that they name. */
#include "store/check.h"
#include "base/ids.h"
#include "base/str.h"

#define FOUND(table, words) check__found(ck, #table, key, "%s", (words))

static bool exists(struct check *ck, enum table table, struct hilo_id id)
{
    const struct key k = key_of_id(id);

    return check__has(ck, table, &k);
}

static void notices(struct check *ck, struct hilo_str key, struct hilo_id id, struct hilo_str rest)
{
    struct hilo_field f;
    int more;

    while ((more = hilo_next(&rest, &f)) == 1) {
        struct rec_notice n;
        struct rec_message m;
        if (rec_unpack(&rec_desc_notice, f.val, &n, NULL) != HILO_OK) {
            FOUND(APPOINTMENT, "what is kept of a message can't be read");
            continue;
        }
        if (id_none(n.message))
            continue;
        const struct key k = key_of_id(n.message);
        if (!check__get(ck, TABLE_MESSAGE, &k, &rec_desc_message, &m))
            FOUND(APPOINTMENT, "a MESSAGE that it names does not exist");
        else if (!id_eq(m.appointment, id))
            FOUND(APPOINTMENT, "a MESSAGE that it names leads to another appointment");
    }
    if (more < 0)
        FOUND(APPOINTMENT, "what is kept of its messages can't be read");
}

void check__appointment(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_appointment *r = rec;
    const struct hilo_id id = check__id(key, 0);
    const struct key at[] = {key_appointment_at(key_appointments(), r->starts, id),
                             key_appointment_at(key_appointments_customer(r->customer), r->starts, id),
                             key_appointment_at(key_appointments_store(r->store), r->starts, id)};
    const struct key near = key_appointment_near(r->near, id), code = key_appointment_code(r->code);
    struct hilo_str to;

    (void)val;
    if (r->status < APPOINTMENT_BOOKED || r->status > APPOINTMENT_NO_SHOW)
        FOUND(APPOINTMENT, "its status is unknown");
    if (r->version == 0 || r->version > ck->reached)
        FOUND(APPOINTMENT, "its version is no sequence that was reached");
    if (!exists(ck, TABLE_CUSTOMER, r->customer))
        FOUND(APPOINTMENT, "its customer does not exist");
    if (!id_none(r->case_id) && !exists(ck, TABLE_CASE, r->case_id))
        FOUND(APPOINTMENT, "its case does not exist");
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        if (!check__has(ck, TABLE_APPOINTMENT_INDEX, &at[i]))
            FOUND(APPOINTMENT, "it is missing in APPOINTMENT_INDEX");
    if (r->near && !check__has(ck, TABLE_APPOINTMENT_OPEN, &near))
        FOUND(APPOINTMENT, "it is to be told of, and APPOINTMENT_OPEN doesn't say when");
    if (appointment_is_open(r->status) && (!check__raw(ck, TABLE_APPOINTMENT_OPEN, &code, &to) ||
                                           to.n != sizeof id.b || !id_eq(check__id(to, 0), id)))
        FOUND(APPOINTMENT, "it is open, and its code does not lead to it");
    notices(ck, key, id, r->messages);
}

void check__appointment_index(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct hilo_id id = key_tail_id(key);
    const struct key k = key_of_id(id);
    struct rec_appointment r;
    struct key prefix;

    (void)val;
    (void)rec;
    if (!check__get(ck, TABLE_APPOINTMENT, &k, &rec_desc_appointment, &r)) {
        FOUND(APPOINTMENT_INDEX, "its appointment does not exist");
        return;
    }
    switch (key.p[0]) {
    case APPOINTMENTS_CUSTOMER:
        prefix = key_appointments_customer(r.customer);
        break;
    case APPOINTMENTS_STORE:
        prefix = key_appointments_store(r.store);
        break;
    default: /* any other kind is told as another key, too */
        prefix = key_appointments();
    }
    prefix = key_appointment_at(prefix, r.starts, id);
    if (!check__same(&prefix, key))
        FOUND(APPOINTMENT_INDEX, "its appointment has another time, customer or store");
}

void check__appointment_open(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct key near = key_appointments_near();
    const bool is_near = str_starts(key, key_str(&near));
    const uint64_t near_bytes = near.n + 8 + sizeof(struct hilo_id);
    struct rec_appointment r;

    (void)rec;
    if (is_near ? key.n != near_bytes || val.n : val.n != sizeof(struct hilo_id)) {
        FOUND(APPOINTMENT_OPEN, "its key or value has another length than one has");
        return;
    }
    const struct hilo_id id = is_near ? key_tail_id(key) : check__id(val, 0);
    const struct key k = key_of_id(id);
    if (!check__get(ck, TABLE_APPOINTMENT, &k, &rec_desc_appointment, &r)) {
        FOUND(APPOINTMENT_OPEN, "its appointment does not exist");
        return;
    }
    const struct key again = is_near ? key_appointment_near(r.near, id) : key_appointment_code(r.code);
    if (!check__same(&again, key))
        FOUND(APPOINTMENT_OPEN, "its appointment has another code, or is to be told of at another time");
    else if (!is_near && !appointment_is_open(r.status))
        FOUND(APPOINTMENT_OPEN, "its appointment is open no more");
}
