/*
 * The outbox's deliveries: lanes, attempts, what their outcomes mean, and an endpoint that fails as
 * a whole.
 *
 * A lane is a customer's deliveries in memory; its first is out, or the lane is in ready. The
 * ring holds, in the journal's order, every delivery from the first that is not settled; the cursor
 * is what stands before it.
 */
#include "base/clock.h"
#include "services/outbox_run.h"
#include "services/outbox_time.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FAIL_LEAST_US (3 * 86400 * OUTBOX_SECOND) /* an endpoint is not disabled before */

static void result_words(const struct outbox_result *r, char out[200])
{
    if (r->outcome != OUTBOX_ANSWERED)
        (void)snprintf(out, 200, "%.190s", r->words);
    else if (r->status / 100 == 3)
        (void)snprintf(out, 200,
                       "status %" PRIu32 "; redirects are not followed: give the endpoint its new URL",
                       r->status);
    else
        (void)snprintf(out, 200, "status %" PRIu32, r->status);
}

/* r: NULL if nothing came of it. */
static void note_tested(const struct letter *d, int32_t outcome, const struct outbox_result *r)
{
    struct note *n = outbox__note_new(NOTE_TESTED, d->at->id);

    n->token = d->token;
    n->outcome = outcome;
    if (r) {
        n->status = r->status;
        n->us = r->us;
        if (r->outcome != OUTBOX_ANSWERED || r->status / 100 != 2)
            result_words(r, n->words);
    }
    outbox__note_give(d->at->run->o, n);
}

/* ---- memory ------------------------------------------------------------------------------- */

struct letter *outbox__letter_new(struct endpoint *ep, uint64_t seq, int64_t time_us, struct hilo_str id,
                                  struct hilo_str body)
{
    struct letter *d = malloc(sizeof *d + (size_t)(id.n + body.n));

    if (!d)
        check_nomem();
    memset(d, 0, offsetof(struct letter, head));
    d->at = ep;
    d->seq = seq;
    d->time_us = time_us;
    d->bytes = (size_t)(id.n + body.n);
    memcpy(d->mem, id.p, (size_t)id.n);
    memcpy(d->mem + id.n, body.p, (size_t)body.n);
    d->id = (struct hilo_str){d->mem, id.n};
    d->post.body = (struct hilo_str){d->mem + id.n, body.n};
    return d;
}

void outbox__letter_free(struct letter *d)
{
    free(d);
}

static void ring_add(struct endpoint *ep, struct letter *d)
{
    if (ep->end - ep->first == ep->ring_cap) {
        uint64_t cap = ep->ring_cap ? 2 * ep->ring_cap : 64;
        struct letter **ring = calloc((size_t)cap, sizeof *ring);
        if (!ring)
            check_nomem();
        for (uint64_t i = ep->first; i < ep->end; i++)
            ring[i % cap] = ep->ring[i % ep->ring_cap];
        free(ep->ring);
        ep->ring = ring;
        ep->ring_cap = cap;
    }
    d->slot = ep->end++;
    ep->ring[d->slot % ep->ring_cap] = d;
    ep->unsettled++;
    ep->bytes += d->bytes;
}

/* It is acknowledged, or somebody else sees to it. */
static void settle(struct endpoint *ep, struct letter *d)
{
    ep->ring[d->slot % ep->ring_cap] = NULL;
    while (ep->first < ep->end && !ep->ring[ep->first % ep->ring_cap])
        ep->first++;
    ep->unsettled--;
    ep->bytes -= d->bytes;
    outbox__letter_free(d);
    outbox__save_soon(ep->run);
}

uint64_t outbox__send_low(const struct endpoint *ep)
{
    return ep->first < ep->end ? ep->ring[ep->first % ep->ring_cap]->seq - 1 : ep->read;
}

static void lane_free(struct endpoint *ep, struct lane *l)
{
    if (!l->busy)
        TAILQ_REMOVE(&ep->ready, l, list);
    HASH_DEL(ep->lanes, l);
    free(l);
}

void outbox__send_add(struct endpoint *ep, struct hilo_id customer, struct letter *d)
{
    struct lane *l;

    HASH_FIND(hh, ep->lanes, &customer, sizeof customer, l);
    if (!l) {
        l = calloc(1, sizeof *l);
        if (!l)
            check_nomem();
        l->customer = customer;
        TAILQ_INIT(&l->queue);
        HASH_ADD(hh, ep->lanes, customer, sizeof l->customer, l);
        TAILQ_INSERT_TAIL(&ep->ready, l, list);
    }
    d->lane = l;
    TAILQ_INSERT_TAIL(&l->queue, d, list);
    ring_add(ep, d);
}

void outbox__send_forget(struct endpoint *ep)
{
    struct lane *l, *next;
    struct letter *d;

    HASH_ITER(hh, ep->lanes, l, next)
    {
        while ((d = TAILQ_FIRST(&l->queue))) {
            TAILQ_REMOVE(&l->queue, d, list);
            outbox__letter_free(d);
        }
        lane_free(ep, l);
    }
    while ((d = TAILQ_FIRST(&ep->loose))) {
        TAILQ_REMOVE(&ep->loose, d, list);
        if (!d->parked)
            note_tested(d, -1, NULL);
        outbox__letter_free(d);
    }
    free(ep->ring);
    ep->ring = NULL;
    ep->ring_cap = ep->first = ep->end = ep->unsettled = 0;
    ep->bytes = 0;
    ep->in_flight = ep->row = 0;
    ep->probing = false;
    ep->probes = 0;
}

/* ---- an endpoint that fails --------------------------------------------------------------------- */

static void note_failing(struct endpoint *ep, int64_t wait_us, const char *words)
{
    struct note *n = outbox__note_new(NOTE_FAILING, ep->id);

    n->attempts = ep->attempts;
    n->due_us = ep->attempts ? clock_wall_us() + wait_us : 0;
    (void)snprintf(n->words, sizeof n->words, "%s", words);
    outbox__note_give(ep->run->o, n);
}

void outbox__disable(struct endpoint *ep, const char *reason, const char *words)
{
    struct note *n = outbox__note_new(NOTE_DISABLED, ep->id);

    n->reason = reason;
    (void)snprintf(n->words, sizeof n->words, "%s", words);
    outbox__note_give(ep->run->o, n);
    atomic_fetch_add(&ep->run->o->disabled[strcmp(reason, "gone") == 0], 1);
    ep->enabled = false;
}

/* One more try has failed, or the first of a row: nothing leaves until the next. */
static void failing(struct endpoint *ep, const char *words, int64_t asked_us)
{
    int64_t wait, now = clock_wall_us();

    if (ep->attempts == 0)
        ep->since_us = now;
    ep->attempts++;
    ep->probing = false;
    ep->probes = 0;
    wait = outbox_retry_us(ep->attempts, outbox__random(ep->run));
    if (wait < 0 && now - ep->since_us >= FAIL_LEAST_US) {
        outbox__disable(ep, "failing", words);
        return;
    }
    if (wait < 0)
        wait = outbox_retry_us(OUTBOX_ATTEMPTS - 1, outbox__random(ep->run));
    if (asked_us >= 0)
        wait = asked_us;
    ep->due_us = clock_mono_us() + wait;
    outbox__later(ep->run, ep->due_us);
    note_failing(ep, wait, words);
}

static void well_again(struct endpoint *ep)
{
    if (ep->attempts == 0)
        return;
    ep->attempts = 0;
    ep->since_us = ep->due_us = 0;
    ep->probing = false;
    ep->probes = 0;
    note_failing(ep, 0, "");
}

/* ---- outcomes ---------------------------------------------------------------------------------------- */

static void count(struct endpoint *ep, const struct outbox_result *r, const char *words)
{
    struct outbox_status *s = &ep->shown->status;
    bool ok = r->outcome == OUTBOX_ANSWERED && r->status / 100 == 2;
    enum outbox_count c = r->outcome == OUTBOX_UNREACHABLE ? OUTBOX_COUNT_UNREACHABLE
                          : r->outcome == OUTBOX_LOST      ? OUTBOX_COUNT_LOST
                          : ok                             ? OUTBOX_COUNT_OK
                          : r->status / 100 == 3           ? OUTBOX_COUNT_3XX
                          : r->status / 100 == 4           ? OUTBOX_COUNT_4XX
                                                           : OUTBOX_COUNT_5XX;

    ep->dirty = true;
    (void)pthread_mutex_lock(&ep->run->o->lock);
    s->count[c]++;
    if (r->outcome == OUTBOX_ANSWERED)
        hist_add(&s->took, hist_time_us, (uint64_t)r->us);
    if (ok) {
        s->ok_us = clock_wall_us();
    } else {
        s->bad_us = clock_wall_us();
        (void)snprintf(s->bad_words, sizeof s->bad_words, "%s", words);
    }
    (void)pthread_mutex_unlock(&ep->run->o->lock);
}

static void lane_parked(struct endpoint *ep, struct lane *l, const char *words, int64_t wait_us)
{
    struct letter *d = TAILQ_FIRST(&l->queue);
    struct parked *p;

    outbox__park_begin(ep, l->customer, d->seq, words, wait_us);
    p = outbox__park_find(ep, l->customer);
    TAILQ_REMOVE(&l->queue, d, list);
    settle(ep, d);
    while ((d = TAILQ_FIRST(&l->queue))) {
        outbox__park_add(ep, p, d->seq);
        TAILQ_REMOVE(&l->queue, d, list);
        settle(ep, d);
    }
    lane_free(ep, l);
}

static void lane_done(struct endpoint *ep, struct lane *l, struct letter *d)
{
    TAILQ_REMOVE(&l->queue, d, list);
    settle(ep, d);
    if (TAILQ_EMPTY(&l->queue)) {
        lane_free(ep, l);
        return;
    }
    l->busy = false;
    TAILQ_INSERT_TAIL(&ep->ready, l, list);
}

/* Not acknowledged, and not for the customer's sake: it has its turn again. */
static void give_back(struct endpoint *ep, struct letter *d)
{
    if (d->parked) {
        outbox__park_done(d, false, false, "", 0);
    } else {
        d->lane->busy = false;
        TAILQ_INSERT_TAIL(&ep->ready, d->lane, list);
    }
}

static void failed(struct endpoint *ep, struct letter *d, const struct outbox_result *r, const char *words)
{
    int64_t asked =
        r->outcome == OUTBOX_ANSWERED ? outbox_retry_after_us(r->retry_after, clock_wall_us()) : -1;
    bool throttled = r->outcome == OUTBOX_ANSWERED && asked >= 0 && (r->status == 429 || r->status == 503);
    bool up = ep->attempts == 0;

    if (up && r->outcome != OUTBOX_UNREACHABLE && !throttled && ++ep->row < OUTBOX_ROW) {
        if (d->parked)
            outbox__park_done(d, false, true, words, asked);
        else
            lane_parked(ep, d->lane, words, asked);
        return;
    }
    give_back(ep, d);
    ep->probes = 0; /* one that fails is enough */
    if (up || (ep->probing && ep->in_flight == 0))
        failing(ep, words, throttled ? asked : -1);
}

static void on_done(struct outbox_post *post, const struct outbox_result *r)
{
    struct letter *d = (struct letter *)(void *)((char *)post - offsetof(struct letter, post));
    struct endpoint *ep = d->at;
    char words[200] = "";
    bool ok = r->outcome == OUTBOX_ANSWERED && r->status / 100 == 2;

    if (!ok)
        result_words(r, words);
    count(ep, r, words);
    ep->in_flight--;
    if (ok) {
        ep->row = 0;
        well_again(ep);
        if (d->parked)
            outbox__park_done(d, true, true, "", 0);
        else
            lane_done(ep, d->lane, d);
    } else if (r->outcome == OUTBOX_ANSWERED && r->status == 410) {
        give_back(ep, d);
        if (ep->enabled)
            outbox__disable(ep, "gone", "it answered 410 Gone");
    } else {
        failed(ep, d, r, words);
    }
    outbox__send_ready(ep);
    ep->run->more = true; /* there is room to read on */
}

/* ---- sending --------------------------------------------------------------------------------------------
 */

uint32_t outbox__send_room(const struct endpoint *ep)
{
    uint32_t most = ep->run->o->o.connections;
    uint32_t room;

    if (!ep->enabled || atomic_load(&ep->run->o->ending))
        return 0;
    room = ep->in_flight < most ? most - ep->in_flight : 0;
    if (ep->attempts && room > ep->probes)
        room = ep->probes;
    return room;
}

/* id, time and signatures of this attempt; the body is the same in each. */
static void head_write(struct endpoint *ep, struct letter *d)
{
    char one[OUTBOX_SIGNATURE_TEXT], two[OUTBOX_SIGNATURE_TEXT];
    int64_t now = clock_wall_us();
    bool both = ep->old_signer && now < ep->old_until_us;
    int n;

    outbox_sign(ep->signer, d->id, now / OUTBOX_SECOND, d->post.body, one);
    if (both)
        outbox_sign(ep->old_signer, d->id, now / OUTBOX_SECOND, d->post.body, two);
    n = snprintf(d->head, sizeof d->head,
                 "Content-Type: application/cloudevents+json; charset=utf-8\r\n"
                 "webhook-id: %.*s\r\nwebhook-timestamp: %" PRId64 "\r\nwebhook-signature: %s%s%s\r\n",
                 STR_FMT(d->id), now / OUTBOX_SECOND, one, both ? " " : "", both ? two : "");
    CHECK(n > 0 && (size_t)n < sizeof d->head);
    d->post.head = (struct hilo_str){d->head, (uint64_t)n};
}

void outbox__send_out(struct endpoint *ep, struct letter *d)
{
    head_write(ep, d);
    d->post.done = on_done;
    ep->in_flight++;
    if (ep->probes)
        ep->probes--;
    ep->dirty = true;
    outbox_post(ep->target, &d->post);
}

void outbox__send_ready(struct endpoint *ep)
{
    struct lane *l;

    while (outbox__send_room(ep) && (l = TAILQ_FIRST(&ep->ready))) {
        TAILQ_REMOVE(&ep->ready, l, list);
        l->busy = true;
        outbox__send_out(ep, TAILQ_FIRST(&l->queue));
    }
    outbox__park_ready(ep);
}

/* ---- tests
 * ------------------------------------------------------------------------------------------------- */

static void on_tested(struct outbox_post *post, const struct outbox_result *r)
{
    struct letter *d = (struct letter *)(void *)((char *)post - offsetof(struct letter, post));

    note_tested(d, (int32_t)r->outcome, r);
    TAILQ_REMOVE(&d->at->loose, d, list);
    outbox__letter_free(d);
}

void outbox__send_test(struct endpoint *ep, uint64_t token)
{
    struct letter *d;
    struct buf body = {0};
    char id[ID_TEXT];

    outbox__event_test(ep, id, &body);
    d = outbox__letter_new(ep, 0, 0, str(id), buf_str(&body));
    buf_done(&body);
    d->token = token;
    head_write(ep, d);
    d->post.done = on_tested;
    TAILQ_INSERT_TAIL(&ep->loose, d, list);
    outbox_post(ep->target, &d->post);
}
