/*
 * The outbox's thread: its loop, its endpoints, and reading the journal for each.
 *
 * A turn: what the core has ordered, then for each endpoint some events more if there is room, what may
 * leave, and its status for others to see. Asleep while nothing is committed, due or answered.
 */
#include "services/outbox_run.h"
#include "base/clock.h"
#include "services/access.h"
#include "store/keys.h"
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

#define SAVE_US  OUTBOX_SECOND       /* progress is written down at most so often */
#define DRAIN_US (5 * OUTBOX_SECOND) /* deliveries under way at the end */

enum { READ_TURN = 256, READ_UNSAVED = 100000 };

uint64_t outbox__random(struct run *r)
{
    r->random ^= r->random << 13; /* jitter; no secret */
    r->random ^= r->random >> 7;
    return r->random ^= r->random << 17;
}

void outbox__later(struct run *r, int64_t mono_us)
{
    int64_t armed = loop_timer_due(r->timer);

    if (armed == 0 || armed > mono_us)
        loop_timer_at(r->timer, mono_us);
}

void outbox__save_soon(struct run *r)
{
    if (loop_timer_due(r->save) == 0)
        loop_timer_at(r->save, clock_mono_us() + SAVE_US);
}

/* ---- progress -------------------------------------------------------------------------------- */

/* Behind the notes before it, so that the cursor never passes what is not parked on disk. None
 * while those before were not taken: there would be one a second. */
static void save(struct run *r)
{
    struct endpoint *ep;
    bool wait = outbox__notes(r->o) > 0;

    LIST_FOREACH(ep, &r->endpoints, list)
    {
        uint64_t low = outbox__send_low(ep);
        if (low <= ep->saved)
            continue;
        if (wait) {
            outbox__save_soon(r);
            continue;
        }
        struct note *n = outbox__note_new(NOTE_PROGRESS, ep->id);
        n->seq = low;
        ep->saved = low;
        outbox__note_give(r->o, n);
    }
}

/* ---- an endpoint -------------------------------------------------------------------------------- */

/* Ends what it is doing; who is parked and how far it has come stays. */
static void endpoint_stop(struct endpoint *ep)
{
    uint64_t low = outbox__send_low(ep);

    outbox_target_free(&ep->target);
    outbox__send_forget(ep);
    outbox__park_forget(ep);
    if (ep->read > ep->known)
        ep->known = ep->read;
    ep->read = low;
    tail_free(&ep->tail);
    ep->placed = false;
    outbox_signer_free(&ep->signer);
    outbox_signer_free(&ep->old_signer);
    ep->filter = (struct public_filter){0};
    ep->enabled = false;
    ep->dirty = true;
}

static void endpoint_free(struct endpoint *ep)
{
    endpoint_stop(ep);
    LIST_REMOVE(ep, list);
    (void)pthread_mutex_lock(&ep->run->o->lock);
    LIST_REMOVE(ep->shown, list);
    (void)pthread_mutex_unlock(&ep->run->o->lock);
    free(ep->shown);
    free(ep);
}

static struct endpoint *endpoint_find(struct run *r, struct hilo_id id)
{
    struct endpoint *ep;

    LIST_FOREACH(ep, &r->endpoints, list)
    {
        if (id_eq(ep->id, id))
            return ep;
    }
    return NULL;
}

static struct endpoint *endpoint_new(struct run *r, struct hilo_id id)
{
    struct endpoint *ep = calloc(1, sizeof *ep);

    if (!ep || !(ep->shown = calloc(1, sizeof *ep->shown)))
        check_nomem();
    ep->run = r;
    ep->id = id;
    id_format("whk", id, ep->name);
    TAILQ_INIT(&ep->ready);
    TAILQ_INIT(&ep->loose);
    RB_INIT(&ep->due);
    ep->shown->status.id = id;
    LIST_INSERT_HEAD(&r->endpoints, ep, list);
    (void)pthread_mutex_lock(&r->o->lock);
    LIST_INSERT_HEAD(&r->o->shown, ep->shown, list);
    (void)pthread_mutex_unlock(&r->o->lock);
    return ep;
}

/* To the place in the journal where it goes on, once that is on disk; what was retired meanwhile is
 * lost, and told. */
static int32_t stand(struct endpoint *ep, struct err *e)
{
    struct run *r = ep->run;
    int32_t rc;

    if (store_synced(r->gw->store) < ep->read)
        return HILO_OK;
    ep->placed = true;
    rc = tail_to_seq(ep->tail, ep->read, e);
    if (rc != HILO_NOTFOUND)
        return rc;
    rc = tail_to_oldest(ep->tail, e);
    if (rc == HILO_OK) {
        log_event(r->gw->log, HILO_LOG_ERROR, "webhook.expired",
                  "webhook=%s from_seq=%" PRIu64 " to_seq=%" PRIu64
                  " note=\"these events are beyond the retention time and were not sent\"",
                  ep->name, ep->read + 1, tail_seq(ep->tail));
        ep->read = tail_seq(ep->tail);
    }
    return rc;
}

static int32_t endpoint_start(struct endpoint *ep, const struct rec_webhook *w, struct err *e)
{
    struct run *r = ep->run;
    struct hilo_str unknown;
    int64_t now = clock_wall_us();
    int32_t rc;

    /* A type or scope that this version does not know was made by another: it matches nothing here. */
    (void)access_scopes_parse(w->scopes, &ep->filter.scopes, &unknown);
    if (w->types.n)
        (void)public_types_parse(w->types, &ep->filter.types, &unknown);
    ep->target = outbox_target_new(r->conns, w->url);
    ep->signer = outbox_signer_new(w->secret);
    if (w->old_secret.n && (int64_t)w->old_until > now) {
        ep->old_signer = outbox_signer_new(w->old_secret);
        ep->old_until_us = (int64_t)w->old_until;
    }
    if (ep->read < w->cursor)
        ep->read = w->cursor;
    if (ep->saved < w->cursor)
        ep->saved = w->cursor;
    ep->enabled = w->disabled == 0;
    ep->attempts = w->attempts;
    ep->since_us = (int64_t)w->since;
    ep->due_us = w->attempts == 0        ? 0
                 : (int64_t)w->due > now ? clock_mono_us() + (int64_t)w->due - now
                                         : clock_mono_us();
    ep->broken = false;
    rc = outbox__park_load(ep, e);
    if (rc != HILO_OK || !ep->enabled)
        return rc;
    if (store_synced(r->gw->store) > ep->known)
        ep->known = store_synced(r->gw->store);
    ep->tail = store_tail(r->gw->store);
    return HILO_OK;
}

static void endpoint_broken(struct endpoint *ep, const struct err *e)
{
    ep->broken = true;
    ep->dirty = true;
    log_event(ep->run->gw->log, HILO_LOG_ERROR, "webhook.read_failed",
              "webhook=%s seq=%" PRIu64
              " error=%s note=\"nothing is sent there until it is enabled again or the "
              "gateway restarted\"",
              ep->name, ep->read, LOG_VALUE(str(e->text)));
}

/* As its record says now. */
static void endpoint_load(struct run *r, struct hilo_id id)
{
    struct endpoint *ep = endpoint_find(r, id);
    struct key k = key_of_id(id);
    struct rec_webhook w;
    struct err e = {0};
    int32_t rc = store_record(r->gw->store, TABLE_WEBHOOK, key_str(&k), &rec_desc_webhook, r->arena, &w, &e);

    if (rc == HILO_NOTFOUND) {
        if (ep)
            endpoint_free(ep);
        return;
    }
    if (!ep)
        ep = endpoint_new(r, id);
    else
        endpoint_stop(ep);
    if (rc == HILO_OK)
        rc = endpoint_start(ep, &w, &e);
    if (rc != HILO_OK)
        endpoint_broken(ep, &e);
    arena_reset(r->arena);
    r->more = true;
}

/* ---- reading --------------------------------------------------------------------------------------- */

static bool may_read(const struct endpoint *ep)
{
    return ep->enabled && !ep->broken && ep->unsettled < OUTBOX_UNSETTLED && ep->bytes < OUTBOX_BYTES &&
           ep->end - ep->first < OUTBOX_AHEAD && !outbox__park_full(ep);
}

/* It may have been parked before the cursor came to it: a crash lies between. */
static bool waits_already(struct endpoint *ep, struct hilo_id customer, uint64_t seq)
{
    struct key k = key_waiting(ep->id, customer, seq);
    struct hilo_str val;
    struct err e = {0};

    return seq <= ep->known && store_get(ep->run->gw->store, TABLE_WEBHOOK_WAITING, key_str(&k),
                                         ep->run->arena, &val, &e) != HILO_NOTFOUND;
}

static int32_t take(struct endpoint *ep, const struct event *ev, struct err *e)
{
    struct public_event pe;
    struct parked *p;
    struct letter *d = NULL;
    int32_t rc = outbox__event_wanted(ep, ev, &pe, e);

    if (rc != HILO_OK)
        return rc == HILO_NOSUP ? HILO_OK : rc;
    p = outbox__park_find(ep, pe.customer);
    if (p) {
        if (!waits_already(ep, pe.customer, ev->head.seq))
            outbox__park_add(ep, p, ev->head.seq);
        return HILO_OK;
    }
    rc = outbox__event_make(ep, ev, &pe, &d, e);
    if (rc == HILO_OK)
        outbox__send_add(ep, pe.customer, d);
    return rc;
}

/* Some events more. */
static void read_on(struct endpoint *ep)
{
    struct run *r = ep->run;
    struct event ev;
    struct err e = {0};
    int32_t rc = ep->placed ? HILO_OK : stand(ep, &e);
    unsigned n = 0;

    if (outbox__notes_stuck(r->o))
        return;
    while (rc == HILO_OK && ep->placed && may_read(ep) && n < READ_TURN) {
        rc = tail_next(ep->tail, &ev, &e);
        if (rc != HILO_OK)
            break;
        rc = take(ep, &ev, &e);
        if (rc != HILO_OK)
            break;
        n++;
        ep->read = ev.head.seq;
        ep->dirty = true;
    }
    arena_reset(r->arena);
    if (rc == HILO_NOTFOUND)
        rc = stand(ep, &e);
    if (rc != HILO_OK && rc != HILO_AGAIN)
        endpoint_broken(ep, &e);
    r->more |= n == READ_TURN;
    if (ep->read > ep->saved + READ_UNSAVED)
        outbox__save_soon(r);
}

/* ---- turns ----------------------------------------------------------------------------------------------
 */

static void orders_take(struct run *r)
{
    struct outbox *o = r->o;
    struct order *x;

    for (;;) {
        (void)pthread_mutex_lock(&o->lock);
        x = TAILQ_FIRST(&o->orders);
        if (x)
            TAILQ_REMOVE(&o->orders, x, list);
        (void)pthread_mutex_unlock(&o->lock);
        if (!x)
            return;
        struct endpoint *ep = endpoint_find(r, x->id);
        if (x->type == ORDER_CHANGED) {
            endpoint_load(r, x->id);
        } else if (ep && ep->target) {
            outbox__send_test(ep, x->token);
        } else {
            struct note *n = outbox__note_new(NOTE_TESTED, x->id);
            n->token = x->token;
            n->outcome = -1;
            outbox__note_give(o, n);
        }
        free(x);
    }
}

static void show(struct endpoint *ep)
{
    struct outbox_status *s = &ep->shown->status;

    ep->dirty = false;
    (void)pthread_mutex_lock(&ep->run->o->lock);
    s->enabled = ep->enabled;
    s->broken = ep->broken;
    s->attempts = ep->attempts;
    s->next_us = ep->attempts ? clock_wall_us() + ep->due_us - clock_mono_us() : 0;
    s->low = outbox__send_low(ep);
    s->lag_since_us = ep->first < ep->end ? ep->ring[ep->first % ep->ring_cap]->time_us : 0;
    s->in_flight = ep->in_flight;
    s->unsettled = ep->unsettled;
    s->parked = HASH_COUNT(ep->parked);
    s->waiting = ep->waiting;
    (void)pthread_mutex_unlock(&ep->run->o->lock);
}

/* When something is due next without anybody's doing. What is due and has no room waits for an answer. */
static void look_ahead(struct endpoint *ep)
{
    int64_t due = 0;

    if (!ep->enabled || ep->broken)
        return;
    if (ep->attempts && !ep->probing)
        due = ep->due_us;
    else if (outbox__send_room(ep))
        due = outbox__park_due(ep);
    if (due)
        outbox__later(ep->run, due);
}

static void on_synced(void *arg) /* [any] */
{
    struct run *r = arg;

    if (!atomic_exchange(&r->poked, true))
        loop_wake_give(r->wake);
}

/* Nobody is woken for commits that no endpoint wants to know of. */
static void watch(struct run *r, bool wanted)
{
    if (wanted == r->watching)
        return;
    r->watching = wanted;
    if (wanted)
        store_watch(r->gw->store, &r->watch);
    else
        store_unwatch(r->gw->store, &r->watch);
    r->more |= wanted; /* what came before it watched */
}

static uint64_t turn(struct run *r)
{
    bool ending = atomic_load(&r->o->ending);
    struct endpoint *ep;
    uint64_t out = 0;
    bool wanted = false;

    r->more = false;
    atomic_store(&r->poked, false);
    orders_take(r);
    LIST_FOREACH(ep, &r->endpoints, list)
    {
        if (!ending && may_read(ep))
            read_on(ep);
        if (ep->attempts && !ep->probing && ep->due_us <= clock_mono_us()) {
            ep->probing = true;
            ep->probes = OUTBOX_PROBES;
            ep->dirty = true;
        }
        outbox__send_ready(ep);
        look_ahead(ep);
        if (ep->dirty)
            show(ep);
        out += ep->in_flight;
        wanted |= ep->enabled && !ep->broken;
    }
    watch(r, wanted && !ending);
    atomic_store(&r->o->connections, outbox_conns_made(r->conns));
    if (ending)
        r->more = false;
    return out;
}

static void on_timer(void *arg)
{
    (void)arg; /* the turn does it */
}

static void on_save(void *arg)
{
    save(arg);
}

void *outbox__main(void *arg)
{
    struct run *r = arg;
    int64_t deadline = 0;
    uint64_t out;

    for (;;) {
        out = turn(r);
        if (atomic_load(&r->o->ending)) {
            if (deadline == 0) {
                deadline = clock_mono_us() + DRAIN_US;
                outbox__later(r, deadline);
            }
            if (out == 0 || clock_mono_us() >= deadline)
                break;
        }
        (void)loop_run(r->loop, !r->more);
    }
    watch(r, false);
    save(r);
    atomic_store(&r->o->drained, true);
    loop_wake_give(r->o->to_core);
    return NULL;
}

/* ---- beginning and end
 * ------------------------------------------------------------------------------------- */

struct ids {
    struct hilo_id id[OUTBOX_ENDPOINTS];
    unsigned n;
};

static bool ids_collect(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct ids *ids = arg;

    (void)val;
    ids->id[ids->n++] = key_tail_id(key);
    return ids->n < OUTBOX_ENDPOINTS;
}

int32_t outbox__new(struct outbox *o, struct err *e, struct run **out)
{
    struct run *r = calloc(1, sizeof *r);
    const struct outbox_conns_options co = {
        .timeout_us = o->o.timeout_us,
        .connect_timeout_us = o->o.timeout_us < 10 * OUTBOX_SECOND ? o->o.timeout_us : 10 * OUTBOX_SECOND,
        .ca_file = o->o.ca_file};
    struct ids ids = {.n = 0};
    int32_t rc;

    if (!r)
        check_nomem();
    r->o = o;
    r->gw = o->gw;
    r->watch = (struct journal_watch){.fn = on_synced, .arg = r};
    LIST_INIT(&r->endpoints);
    r->arena = arena_new();
    CHECK(getrandom(&r->random, sizeof r->random, 0) == (ssize_t)sizeof r->random);
    r->random |= 1;
    rc = loop_new(e, &r->loop);
    if (rc == HILO_OK)
        rc = loop_wake_new(r->loop, on_timer, r, &r->wake);
    if (rc == HILO_OK)
        rc = outbox_conns_new(r->loop, &co, e, &r->conns);
    if (rc == HILO_OK) {
        r->timer = loop_timer_new(r->loop, on_timer, r);
        r->save = loop_timer_new(r->loop, on_save, r);
        r->spot = store_tail(o->gw->store);
        rc = store_scan(o->gw->store, TABLE_WEBHOOK, (struct hilo_str){0}, (struct hilo_str){0}, false,
                        ids_collect, &ids, e);
    }
    if (rc != HILO_OK) {
        outbox__free(&r);
        return rc;
    }
    for (unsigned i = 0; i < ids.n; i++)
        endpoint_load(r, ids.id[i]);
    *out = r;
    return HILO_OK;
}

void outbox__free(struct run **rp)
{
    struct run *r = *rp;
    struct endpoint *ep;

    if (!r)
        return;
    while ((ep = LIST_FIRST(&r->endpoints)))
        endpoint_free(ep);
    outbox_conns_free(&r->conns);
    tail_free(&r->spot);
    loop_timer_free(&r->timer);
    loop_timer_free(&r->save);
    loop_wake_free(&r->wake);
    loop_free(&r->loop);
    arena_free(&r->arena);
    free(r);
    *rp = NULL;
}
