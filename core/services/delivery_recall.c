/*
 * Asking back what is on its way to somebody who wants it no more. What the link did not
 * take yet never leaves; what the plugin has comes back as AGAIN "revoked" if it still can,
 * and the next claim sees that it is not wanted. What comes back as sent is sent: the peer
 * had it.
 */
#include "base/check.h"
#include "base/str.h"
#include "services/consent.h"
#include "services/delivery_queue.h"
#include "store/keys.h"
#include <stdlib.h>

struct out {
    struct hilo_id *id;
    unsigned n, max;
};

static bool out_add(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct out *x = arg;

    (void)val;
    x->id[x->n++] = key_tail_id(key);
    return x->n < x->max;
}

/* A claim that the plugin has not seen. */
static bool claim_drop(struct delivery *d, struct hilo_id id)
{
    for (struct claim **at = &d->first; *at; at = &(*at)->next) {
        struct claim *claim = *at;
        if (!id_eq(claim->id, id))
            continue;
        *at = claim->next;
        if (!*at)
            d->end = at;
        d->n_claims--;
        free(claim);
        return true;
    }
    return false;
}

static int32_t recall_one(struct delivery *d, struct gw_channel *c, struct hilo_id id,
                          const struct rec_message *m, struct err *e)
{
    const struct hilo_report unsent = {
        .size = sizeof unsent, .code = HILO_AGAIN, .id = id, .reason = STR("revoked")};
    struct consent_denial denial;
    struct hilo_str bytes;
    int32_t rc = store_message_bytes(d->gw->store, m, d->gw->arena, &bytes, e);

    if (rc == HILO_OK)
        rc = consent_denied(d->gw, c, m->customer, hilo_get_str(bytes, HILO_T_MSG_PARTY), m->category, id,
                            d->gw->arena, &denial, e);
    if (rc != HILO_OK || !denial.denied || hilo_content_type(bytes) == HILO_CONTENT_SYSTEM)
        return rc;
    if (claim_drop(d, id))
        return delivery_report(d, c, &unsent, e);
    if (c->plug)
        channel_revoke(c->plug, id);
    c->recalled++;
    return HILO_OK;
}

int32_t delivery_recall(struct delivery *d, struct gw_channel *c, struct hilo_id customer, struct err *e)
{
    struct out x = {.max = (unsigned)c->in_flight + 1};
    struct key k = key_channel(c->name);
    struct rec_message m;

    if (c->in_flight == 0)
        return HILO_OK;
    x.id = ARENA_ARRAY(d->gw->arena, struct hilo_id, x.max);
    int32_t rc =
        store_scan(d->gw->store, TABLE_IN_FLIGHT, key_str(&k), (struct hilo_str){0}, false, out_add, &x, e);
    for (unsigned i = 0; i < x.n && rc == HILO_OK; i++) {
        k = key_of_id(x.id[i]);
        rc = store_record(d->gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, d->gw->arena, &m, e);
        if (rc == HILO_CORRUPT || rc == HILO_NOTFOUND) {
            delivery_unreadable(d, "msg", x.id[i], e);
            rc = HILO_OK;
        } else if (rc == HILO_OK && id_eq(m.customer, customer)) {
            rc = recall_one(d, c, x.id[i], &m, e);
        }
    }
    return rc;
}
