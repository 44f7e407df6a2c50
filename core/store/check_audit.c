/* store_check: look-ups of people. */
#include "store/check.h"
#include "base/ids.h"
#include "base/str.h"

#define FOUND(ck, table, key, words) check__found((ck), #table, (key), "%s", (words))

static void audit_event(struct check *ck, struct hilo_str key, const struct rec_audit *r)
{
    struct ev_customer_looked_up e;
    struct event ev;
    struct err why = {0};

    if (!ck->journal)
        return;
    if (journal_read(ck->journal, r->at, ck->arena, &ev, &why) != HILO_OK) {
        check__found(ck, "AUDIT", key, "its event can't be read: %s", why.text);
        return;
    }
    const struct key again = key_audit((uint64_t)ev.head.time_us, ev.head.seq);
    if (ev.head.type != EVENT_customer_looked_up || !check__same(&again, key))
        FOUND(ck, AUDIT, key, "its position holds another event");
    else if (rec_unpack(&ev_desc_customer_looked_up, ev.body, &e, &why) != HILO_OK)
        FOUND(ck, AUDIT, key, why.text);
    else if (!id_eq(e.customer, r->customer) || !str_eq(e.store, r->store) ||
             !str_eq(e.terminal, r->terminal) || !str_eq(e.clerk, r->clerk))
        FOUND(ck, AUDIT, key, "its event says another customer or another place");
}

void check__audit(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_audit *r = rec;
    const struct key customer = key_of_id(r->customer),
                     index = key_audit_customer(r->customer, key_tail_u64(key, 8), key_tail_u64(key, 0));

    (void)val;
    audit_event(ck, key, r);
    if (id_none(r->customer))
        return;
    if (!check__has(ck, TABLE_CUSTOMER, &customer))
        FOUND(ck, AUDIT, key, "its customer does not exist");
    if (!check__has(ck, TABLE_AUDIT_CUSTOMER, &index))
        FOUND(ck, AUDIT, key, "it is missing in AUDIT_CUSTOMER");
}

void check__audit_customer(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct key k = key_audit(key_tail_u64(key, 8), key_tail_u64(key, 0));
    struct rec_audit r;

    (void)val;
    (void)rec;
    if (!check__get(ck, TABLE_AUDIT, &k, &rec_desc_audit, &r))
        FOUND(ck, AUDIT_CUSTOMER, key, "there is no such entry in AUDIT");
    else if (!id_eq(r.customer, check__id(key, 0)))
        FOUND(ck, AUDIT_CUSTOMER, key, "the entry in AUDIT is of another customer");
}
