/*
 * The audit of look-ups. Two indexes by time, of all and by customer; the other filters are read through.
 * The cursor is the time and sequence of the last entry that was looked at, whichever the index.
 */
#include "services/audit.h"
#include "base/ids.h"
#include "base/str.h"
#include "store/keys.h"

enum { CHUNK = 200, LOOK_MAX = 20000, STAMP = 16 };

struct audit__chunk {
    struct arena *arena;
    const struct audit_filter *filter;
    struct hilo_str after;                    /* time and sequence; empty: none */
    struct hilo_str stamp[CHUNK], rec[CHUNK]; /* rec is empty in the customers' index */
    unsigned n;
    bool end; /* the rest is older than what is wanted */
};

static bool audit__collect(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct audit__chunk *c = arg;
    const struct hilo_str stamp = str_n(key.p + key.n - STAMP, STAMP);

    if (c->after.n && str_eq(stamp, c->after))
        return true; /* the last one that was looked at */
    if ((int64_t)key_tail_u64(key, 8) < c->filter->from) {
        c->end = true;
        return false;
    }
    c->stamp[c->n] = arena_str(c->arena, stamp);
    c->rec[c->n] = arena_str(c->arena, val);
    return ++c->n < CHUNK;
}

static bool audit__fits(const struct audit_filter *f, const struct rec_audit *r)
{
    return (id_none(f->customer) || id_eq(f->customer, r->customer)) &&
           (f->place.store.n == 0 || str_eq(f->place.store, r->store)) &&
           (f->place.terminal.n == 0 || str_eq(f->place.terminal, r->terminal)) &&
           (f->place.clerk.n == 0 || str_eq(f->place.clerk, r->clerk));
}

/* The next entries behind after, in either index. */
static int32_t audit__scan(struct gateway *gw, const struct audit_filter *f, struct audit__chunk *c,
                           struct err *e)
{
    const bool one = !id_none(f->customer);
    struct key prefix, from;

    key_init(&prefix);
    if (one)
        key_id(&prefix, f->customer);
    from = prefix;
    if (c->after.n) {
        key_bytes(&from, c->after);
    } else if (f->to) {
        key_u64(&from, (uint64_t)f->to - 1);
        key_u64(&from, UINT64_MAX);
    } else {
        from.n = 0;
    }
    return store_scan(gw->store, one ? TABLE_AUDIT_CUSTOMER : TABLE_AUDIT, key_str(&prefix), key_str(&from),
                      true, audit__collect, c, e);
}

static int32_t audit__one(struct gateway *gw, const struct audit_filter *f, struct hilo_str stamp,
                          struct hilo_str rec, struct arena *a, audit_fn *fn, void *arg, bool *shown_out,
                          struct err *e)
{
    struct ev_customer_looked_up looked;
    struct rec_audit r;
    struct event ev;
    int32_t rc = rec.n ? rec_unpack(&rec_desc_audit, rec, &r, e)
                       : store_record(gw->store, TABLE_AUDIT, stamp, &rec_desc_audit, a, &r, e);

    *shown_out = false;
    if (rc != HILO_OK || !audit__fits(f, &r))
        return rc;
    rc = store_event(gw->store, r.at, a, &ev, e);
    if (rc == HILO_OK)
        rc = rec_unpack(&ev_desc_customer_looked_up, ev.body, &looked, e);
    if (rc != HILO_OK)
        return rc;
    fn(arg, &ev, &looked);
    *shown_out = true;
    return HILO_OK;
}

int audit_list(struct gateway *gw, const struct audit_filter *f, struct hilo_str after, unsigned limit,
               struct arena *a, audit_fn *fn, void *arg, struct hilo_str *next_out, struct fault *fault)
{
    struct audit__chunk *c = ARENA_NEW(a, struct audit__chunk);
    unsigned shown = 0, looked = 0;
    struct err e = {0};

    *next_out = (struct hilo_str){0};
    if (after.n != 0 && after.n != STAMP)
        return fault_set(fault, 400, "invalid_cursor", NULL, "this cursor is not of this list");
    *c = (struct audit__chunk){.arena = a, .filter = f, .after = after};
    do {
        c->n = 0;
        int32_t rc = audit__scan(gw, f, c, &e);
        if (rc != HILO_OK)
            return fault_store(fault, rc, &e);
        for (unsigned i = 0; i < c->n; i++) {
            bool is_shown;
            rc = audit__one(gw, f, c->stamp[i], c->rec[i], a, fn, arg, &is_shown, &e);
            if (rc != HILO_OK)
                return fault_store(fault, rc, &e);
            c->after = c->stamp[i];
            looked++;
            shown += is_shown;
            /* Rather an early end than a held loop. */
            if (shown == limit || looked == LOOK_MAX) {
                *next_out = c->after;
                return 0;
            }
        }
    } while (c->n == CHUNK && !c->end);
    return 0;
}
