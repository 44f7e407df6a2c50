/*
 * Delivery of what was accepted for a later time: when that has come, an event puts the message into
 * its conversation's order, and from there it is claimed as any. Due by the reading of the clock that
 * never goes back (delivery_time.c).
 */
#include "base/clock.h"
#include "base/str.h"
#include "services/delivery_queue.h"
#include "store/keys.h"

enum { DUE_A_TURN = 256 };
static const int64_t ROOM_US = 1000000;

struct ripe {
    struct hilo_id id[DUE_A_TURN];
    unsigned n;
    uint64_t now, next; /* next: when the first that is not taken here is due */
};

static bool ripe_collect(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct ripe *x = arg;
    uint64_t at = key_tail_u64(key, 16);

    (void)val;
    if (at > x->now || x->n == DUE_A_TURN) {
        x->next = at;
        return false;
    }
    x->id[x->n++] = key_tail_id(key);
    return true;
}

/* Of what can't be read 0: its claim will say so. */
static int32_t content_of(struct delivery *d, const struct rec_message *m, uint64_t *out, struct err *e)
{
    struct hilo_str bytes;
    struct err why = {0};
    int32_t rc = store_message_bytes(d->gw->store, m, d->gw->arena, &bytes, &why);

    *out = rc == HILO_OK ? hilo_content_type(bytes) : 0;
    return rc == HILO_NOMEM ? err_set(e, rc, "%s", why.text) : HILO_OK;
}

static int32_t come_due(struct delivery *d, struct hilo_id id, struct err *e)
{
    struct gateway *gw = d->gw;
    struct ev_message_due ev = {.id = id};
    struct key k = key_of_id(id);
    struct rec_message m;
    int32_t rc = store_record(gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, gw->arena, &m, e);

    if (rc == HILO_CORRUPT || rc == HILO_NOTFOUND) {
        delivery_unreadable(d, "msg", id, e);
        return HILO_OK; /* it stays where it is, and the others go on */
    }
    if (rc == HILO_OK)
        rc = content_of(d, &m, &ev.content, e);
    if (rc == HILO_OK)
        rc = store_room(gw->store, STORE_CLAIM, e); /* it brings a claim, and no news */
    if (rc != HILO_OK)
        return rc;
    store_begin(gw->store);
    rc = store_append(gw->store, &ev_desc_message_due, &ev, &actor_core, clock_wall_us(), NULL, e);
    store_end(gw->store);
    struct gw_channel *c = gateway_channel(gw, m.channel);
    if (rc == HILO_OK && c)
        delivery_kick(d, c);
    return rc;
}

int32_t schedule_look(struct delivery *d, struct err *e)
{
    struct ripe *x = ARENA_NEW(d->gw->arena, struct ripe);
    int32_t rc;

    x->now = (uint64_t)delivery_due_now(d);
    rc = store_scan(d->gw->store, TABLE_SCHEDULED, (struct hilo_str){0}, (struct hilo_str){0}, false,
                    ripe_collect, x, e);
    for (unsigned i = 0; i < x->n && rc == HILO_OK; i++)
        rc = come_due(d, x->id[i], e);
    d->schedule_us = rc == HILO_OK ? (int64_t)x->next : delivery_due_now(d) + ROOM_US;
    return rc;
}

void delivery_scheduled(struct delivery *d, int64_t wall_us)
{
    if (d->schedule_us == 0 || wall_us < d->schedule_us) {
        d->schedule_us = wall_us;
        delivery_arm(d);
    }
}
