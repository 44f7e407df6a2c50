/*
 * The outbox's parked customers: those whose event failed. Their events stand in the journal, and
 * their sequences in WEBHOOK_WAITING; here is only who they are, how many wait and when the first
 * is due. What is noted may not be in the store yet when it is looked for: then it is looked for again.
 */
#include "base/clock.h"
#include "services/outbox_run.h"
#include "services/outbox_time.h"
#include "store/keys.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOK_AGAIN_US INT64_C(100000)

static int parked_order(const struct parked *a, const struct parked *b)
{
    int c = a->due_us < b->due_us ? -1 : a->due_us > b->due_us;

    return c ? c : memcmp(&a->customer, &b->customer, sizeof a->customer);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wconversion"
RB_GENERATE_INTERNAL(parked_tree, parked, entry, parked_order, static)
#pragma GCC diagnostic pop

static void due_at(struct endpoint *ep, struct parked *p, int64_t mono_us)
{
    p->due_us = mono_us > 0 ? mono_us : 1;
    RB_INSERT(parked_tree, &ep->due, p);
    outbox__later(ep->run, p->due_us);
}

static void due_not(struct endpoint *ep, struct parked *p)
{
    if (p->due_us)
        RB_REMOVE(parked_tree, &ep->due, p);
    p->due_us = 0;
}

static struct parked *parked_new(struct endpoint *ep, struct hilo_id customer)
{
    struct parked *p = calloc(1, sizeof *p);

    if (!p)
        check_nomem();
    p->customer = customer;
    HASH_ADD(hh, ep->parked, customer, sizeof p->customer, p);
    return p;
}

static void parked_free(struct endpoint *ep, struct parked *p)
{
    due_not(ep, p);
    HASH_DEL(ep->parked, p);
    ep->waiting -= p->waiting;
    free(p);
}

/* ---- what the store has ------------------------------------------------------------------- */

struct loading {
    struct endpoint *ep;
    int64_t wall_us, mono_us;
};

static bool load_one(void *arg, struct hilo_str key, struct hilo_str val)
{
    const struct loading *l = arg;
    struct rec_parked r;
    struct parked *p;

    if (rec_unpack(&rec_desc_parked, val, &r, NULL) != HILO_OK)
        return true; /* --check-store tells */
    p = parked_new(l->ep, key_tail_id(key));
    p->waiting = r.waiting;
    p->attempts = r.attempts;
    l->ep->waiting += r.waiting;
    due_at(l->ep, p, l->mono_us + ((int64_t)r.due > l->wall_us ? (int64_t)r.due - l->wall_us : 0));
    return true;
}

int32_t outbox__park_load(struct endpoint *ep, struct err *e)
{
    struct loading l = {ep, clock_wall_us(), clock_mono_us()};
    struct key prefix = key_of_id(ep->id);

    return store_scan(ep->run->gw->store, TABLE_WEBHOOK_PARKED, key_str(&prefix), (struct hilo_str){0}, false,
                      load_one, &l, e);
}

void outbox__park_forget(struct endpoint *ep)
{
    struct parked *p, *next;

    HASH_ITER(hh, ep->parked, p, next)
    {
        parked_free(ep, p);
    }
}

struct parked *outbox__park_find(struct endpoint *ep, struct hilo_id customer)
{
    struct parked *p;

    HASH_FIND(hh, ep->parked, &customer, sizeof customer, p);
    return p;
}

bool outbox__park_full(const struct endpoint *ep)
{
    return HASH_COUNT(ep->parked) >= OUTBOX_PARKED || ep->waiting >= OUTBOX_WAITING;
}

int64_t outbox__park_due(const struct endpoint *ep)
{
    struct parked_tree tree = ep->due;
    const struct parked *p = RB_MIN(parked_tree, &tree);

    return p ? p->due_us : 0;
}

/* ---- parking -------------------------------------------------------------------------------------- */

/* The wait after a failure: the schedule's, or what the endpoint asked for if that is longer. */
static int64_t wait_after(struct endpoint *ep, uint64_t attempts, int64_t asked_us)
{
    int64_t wait = outbox_retry_us(attempts, outbox__random(ep->run));

    return wait < 0 || asked_us <= wait ? wait : asked_us;
}

static void note_parked(struct endpoint *ep, const struct parked *p, uint64_t seq, int64_t wait_us,
                        const char *words)
{
    struct note *n = outbox__note_new(NOTE_PARKED, ep->id);

    n->customer = p->customer;
    n->seq = seq;
    n->attempts = words ? p->attempts : 0;
    n->due_us = words ? clock_wall_us() + wait_us : 0;
    (void)snprintf(n->words, sizeof n->words, "%s", words ? words : "");
    outbox__note_give(ep->run->o, n);
}

void outbox__park_begin(struct endpoint *ep, struct hilo_id customer, uint64_t seq, const char *words,
                        int64_t asked_us)
{
    struct parked *p = parked_new(ep, customer);
    int64_t wait = wait_after(ep, 1, asked_us);

    p->attempts = 1;
    p->waiting = 1;
    p->seq = seq - 1;
    ep->waiting++;
    ep->dirty = true;
    due_at(ep, p, clock_mono_us() + wait);
    note_parked(ep, p, seq, wait, words);
}

void outbox__park_add(struct endpoint *ep, struct parked *p, uint64_t seq)
{
    p->waiting++;
    ep->waiting++;
    ep->dirty = true;
    note_parked(ep, p, seq, 0, NULL);
    outbox__save_soon(ep->run);
}

static void given_up(struct endpoint *ep, const struct parked *p, struct hilo_str event, uint64_t seq,
                     const char *reason, const char *words)
{
    log_event(ep->run->gw->log, HILO_LOG_ERROR, "webhook.given_up",
              "webhook=%s event=%.*s seq=%" PRIu64 " attempts=%" PRIu64 " reason=%s error=%s", ep->name,
              STR_FMT(event), seq, p->attempts, reason, LOG_VALUE(str(words)));
    (void)pthread_mutex_lock(&ep->run->o->lock);
    ep->shown->status.given_up++;
    (void)pthread_mutex_unlock(&ep->run->o->lock);
}

/* Its first event has ended, one way or the other; the next begins anew. */
static void settled(struct endpoint *ep, struct parked *p, uint64_t seq, const char *reason)
{
    struct note *n = outbox__note_new(NOTE_SETTLED, ep->id);

    n->customer = p->customer;
    n->seq = seq;
    n->reason = reason;
    outbox__note_give(ep->run->o, n);
    ep->dirty = true;
    ep->waiting--;
    p->waiting--;
    p->seq = seq;
    p->attempts = 0;
    if (p->waiting == 0)
        parked_free(ep, p);
    else
        due_at(ep, p, clock_mono_us());
}

/* ---- sending what is due ------------------------------------------------------------------------------ */

struct first {
    uint64_t seq;
};

static bool first_one(void *arg, struct hilo_str key, struct hilo_str val)
{
    (void)val;
    ((struct first *)arg)->seq = key_tail_u64(key, 0);
    return false;
}

/* The customer's first event that waits; 0: the store does not have it yet. */
static uint64_t first_waiting(struct endpoint *ep, const struct parked *p)
{
    struct key prefix = key_pair(ep->id, p->customer), from = key_waiting(ep->id, p->customer, p->seq + 1);
    struct first f = {0};
    struct err e = {0};

    if (store_scan(ep->run->gw->store, TABLE_WEBHOOK_WAITING, key_str(&prefix), key_str(&from), false,
                   first_one, &f, &e) != HILO_OK)
        log_event(ep->run->gw->log, HILO_LOG_ERROR, "webhook.read_failed", "webhook=%s error=%s", ep->name,
                  LOG_VALUE(str(e.text)));
    return f.seq;
}

/* Sends the first event of a parked customer; false: not now. */
static bool park_send(struct endpoint *ep, struct parked *p)
{
    uint64_t seq = first_waiting(ep, p);
    struct letter *d = NULL;
    struct err e = {0};
    int32_t rc;

    if (seq == 0) {
        due_at(ep, p, clock_mono_us() + LOOK_AGAIN_US);
        return false;
    }
    rc = outbox__event_at(ep, seq, &d, &e);
    if (rc == HILO_NOTFOUND) { /* retired, or no longer an event that this endpoint gets */
        given_up(ep, p, STR("-"), seq, "expired", e.text);
        settled(ep, p, seq, "expired");
        return false;
    }
    if (rc != HILO_OK) {
        log_event(ep->run->gw->log, HILO_LOG_ERROR, "webhook.read_failed",
                  "webhook=%s seq=%" PRIu64 " error=%s", ep->name, seq, LOG_VALUE(str(e.text)));
        due_at(ep, p, clock_mono_us() + 60 * OUTBOX_SECOND);
        return false;
    }
    d->parked = p;
    TAILQ_INSERT_TAIL(&ep->loose, d, list);
    outbox__send_out(ep, d);
    return true;
}

void outbox__park_ready(struct endpoint *ep)
{
    int64_t now = clock_mono_us();
    struct parked *p;

    while (outbox__send_room(ep) && (p = RB_MIN(parked_tree, &ep->due)) && p->due_us <= now) {
        due_not(ep, p);
        (void)park_send(ep, p);
    }
}

void outbox__park_done(struct letter *d, bool ok, bool counts, const char *words, int64_t asked_us)
{
    struct endpoint *ep = d->at;
    struct parked *p = d->parked;
    int64_t wait;

    if (ok) {
        settled(ep, p, d->seq, NULL);
    } else if (!counts) {
        due_at(ep, p, clock_mono_us());
    } else {
        p->attempts++;
        wait = wait_after(ep, p->attempts, asked_us);
        if (wait < 0) {
            given_up(ep, p, d->id, d->seq, "failing", words);
            settled(ep, p, d->seq, "failing");
        } else {
            due_at(ep, p, clock_mono_us() + wait);
            note_parked(ep, p, 0, wait, words);
        }
    }
    TAILQ_REMOVE(&ep->loose, d, list);
    outbox__letter_free(d);
}
