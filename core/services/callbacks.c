/*
 * Callbacks: what is due is read from CALLBACK and asked for by the HTTP client, at most
 * CALLBACKS_IN_FLIGHT at once; what came of it is written down once a turn, before the
 * commit that the turn has anyway.
 *
 * Keys of CALLBACK begin with the due time; 0 is at once. New ones have a higher sequence than all
 * before them, so what is due at once is read from where it was read up to. Those that
 * are due later are few, and are read from the first on.
 */
#include "services/callbacks.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/str.h"
#include "plug/httpc.h"
#include "services/sendsms.h"
#include "store/keys.h"
#include <stdlib.h>
#include <sys/random.h>
#define uthash_fatal(msg) check_nomem()
#include <uthash.h>

enum { KEY = 17, SETTLED_BYTES = 64 * KEY, IDLE_US = 1000000 };

/* One that is under way, or waits behind an earlier one of its message. */
struct call {
    uint8_t key[KEY];
    struct hilo_id message;
    UT_hash_handle hh; /* by key */
    UT_hash_handle of; /* by message: the one under way */
    struct call *next; /* of the same message */
    uint64_t token, attempts;
    char *url;
};

/* What is to be written down. */
struct outcome {
    struct outcome *next;
    uint8_t key[KEY];
    uint64_t due, attempts; /* due 0: it is settled */
};

struct callbacks {
    struct gateway *gw;
    struct httpc *http;
    struct loop_timer *timer; /* for the first that is due later */
    struct call *calls, *by_message, **by_token;
    unsigned n;
    uint64_t tokens;
    uint64_t read;    /* sequence up to which those due at once were read */
    uint64_t at_seq;  /* what was on disk at that time */
    bool more, later; /* there was no room for all; some are due later, or may be */
    struct outcome *outcomes, **outcomes_end;
    struct callbacks_counts counts;
};

int64_t callbacks_wait_us(uint64_t attempts, uint64_t random)
{
    static const int32_t seconds[] = {5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 28800};
    int64_t us;

    if (attempts < 1 || attempts > sizeof seconds / sizeof *seconds)
        return -1;
    us = seconds[attempts - 1] * INT64_C(1000000);
    return us + (int64_t)(random % (uint64_t)(us / 5));
}

/* ---- what came of one ---- */

static void outcome_add(struct callbacks *c, const struct call *call, uint64_t due)
{
    struct outcome *o = calloc(1, sizeof *o);

    if (!o)
        check_nomem();
    memcpy(o->key, call->key, KEY);
    o->due = due;
    o->attempts = call->attempts;
    *c->outcomes_end = o;
    c->outcomes_end = &o->next;
}

static void call_start(struct callbacks *, struct call *);

/* It is over; the next of its message has its turn. */
static void call_end(struct callbacks *c, struct call *call)
{
    struct call *next = call->next;

    HASH_DELETE(hh, c->calls, call);
    HASH_DELETE(of, c->by_message, call);
    c->by_token[call->token % CALLBACKS_IN_FLIGHT] = NULL;
    c->n--;
    free(call->url);
    free(call);
    if (next) {
        HASH_ADD(of, c->by_message, message, sizeof next->message, next);
        call_start(c, next);
    }
}

static void call_failed(struct callbacks *c, struct call *call, bool again, const char *words,
                        uint32_t status)
{
    char id[ID_TEXT], quoted[200];
    uint64_t random = 0;
    int64_t wait = -1;

    call->attempts++;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
        random = call->token; // right after the machine's start: it spreads them, too
    if (again)
        wait = callbacks_wait_us(call->attempts, random);
    if (wait >= 0) {
        c->counts.retried++;
        c->later = true;
        outcome_add(c, call, (uint64_t)(clock_wall_us() + wait));
    } else {
        id_format("msg", call->message, id);
        log_event(c->gw->log, HILO_LOG_WARN, "callback.given_up",
                  "message=%s attempts=%llu status=%u error=%s", id, (unsigned long long)call->attempts,
                  (unsigned)status, log_quote(str(words), quoted, sizeof quoted));
        c->counts.given_up++;
        outcome_add(c, call, 0);
    }
}

static void on_done(void *arg, uint64_t token, int32_t code, const struct hilo_http *answer)
{
    struct callbacks *c = arg;
    struct call *call = c->by_token[token % CALLBACKS_IN_FLIGHT];
    const uint32_t status = code == HILO_OK ? answer->status : 0;

    CHECK(call && call->token == token);
    if (status >= 200 && status < 400) {
        c->counts.taken++;
        outcome_add(c, call, 0);
    } else if (status) {
        call_failed(c, call, status >= 500 || status == 408 || status == 425 || status == 429,
                    "it was refused", status);
    } else {
        /* The words may name the address, which may name a person. */
        call_failed(c, call, code != HILO_INVALID,
                    code == HILO_INVALID ? "the answer is too long" : "no whole answer", 0);
    }
    call_end(c, call);
}

static void call_start(struct callbacks *c, struct call *call)
{
    const struct hilo_http get = {.size = sizeof get,
                                  .method = STR("GET"),
                                  .url = str(call->url),
                                  .timeout_ms = CALLBACKS_TIMEOUT_MS,
                                  .sink_fd = -1,
                                  .max_bytes = 64 << 10};
    int32_t rc;

    while (c->by_token[c->tokens % CALLBACKS_IN_FLIGHT])
        c->tokens++;
    call->token = c->tokens++;
    c->by_token[call->token % CALLBACKS_IN_FLIGHT] = call;
    rc = httpc_start(c->http, call->token, &get);
    if (rc == HILO_OK)
        return;
    call_failed(c, call, rc != HILO_INVALID, "its address can't be used", 0);
    call_end(c, call);
}

/* ---- what is due ---- */

struct due {
    struct callbacks *c;
    struct arena *arena;
    struct {
        struct hilo_str key, val;
    } found[CALLBACKS_IN_FLIGHT];
    unsigned n, room;
    uint64_t synced, until; /* sequence that is on disk; time until which */
    uint64_t next;          /* the first due after that */
    bool full;
};

static bool due_one(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct due *d = arg;
    struct call *call;
    const uint64_t due = key_tail_u64(key, 9), seq = key_tail_u64(key, 1);

    if (due > d->until) {
        d->next = due;
        return false;
    }
    if (seq > d->synced) {
        d->full = true;
        return due != 0; // beyond it, all due at once are
    }
    HASH_FIND(hh, d->c->calls, key.p, KEY, call);
    if (call)
        return true;
    if (d->n == d->room) {
        d->full = true;
        return false;
    }
    d->found[d->n].key = arena_str(d->arena, key);
    d->found[d->n++].val = arena_str(d->arena, val);
    return true;
}

static void call_add(struct callbacks *c, struct hilo_str key, struct hilo_str val)
{
    struct rec_callback r;
    struct buf url = {0};
    struct call *call, *first;
    struct err e = {0};

    call = calloc(1, sizeof *call);
    if (!call)
        check_nomem();
    memcpy(call->key, key.p, KEY);
    if (rec_unpack(&rec_desc_callback, val, &r, &e) != HILO_OK ||
        sendsms_url_told(r.url, &r, &url) != HILO_OK || buf_add(&url, "", 1) != HILO_OK) {
        buf_done(&url);
        call_failed(c, call, false, "its record can't be read", 0);
        free(call);
        return;
    }
    call->message = r.message;
    call->attempts = r.attempts;
    call->url = url.p;
    HASH_ADD(hh, c->calls, key, KEY, call);
    c->n++;
    HASH_FIND(of, c->by_message, &call->message, sizeof call->message, first);
    if (!first) {
        HASH_ADD(of, c->by_message, message, sizeof call->message, call);
        call_start(c, call);
        return;
    }
    while (first->next)
        first = first->next;
    first->next = call;
}

/* Those due at once, or those due later; starts them. */
static int32_t due_read(struct callbacks *c, bool later, struct err *e)
{
    struct due *d = ARENA_NEW(c->gw->arena, struct due);
    struct key from = later ? key_callback(1, 0, 0) : key_callback(0, c->read + 1, 0), prefix;
    int32_t rc;

    d->c = c;
    d->arena = c->gw->arena;
    d->room = CALLBACKS_IN_FLIGHT - c->n;
    d->synced = store_synced(c->gw->store);
    d->until = later ? (uint64_t)clock_wall_us() : 0;
    key_init(&prefix);
    if (!later)
        key_u64(&prefix, 0);
    rc = store_scan(c->gw->store, TABLE_CALLBACK, key_str(&prefix), key_str(&from), false, due_one, d, e);
    if (rc != HILO_OK)
        return rc;
    for (unsigned i = 0; i < d->n; i++) {
        if (!later && i + 1 == d->n)
            c->read = key_tail_u64(d->found[i].key, 1) - 1; // its event may have brought another
        call_add(c, d->found[i].key, d->found[i].val);
    }
    if (!later) {
        c->more = d->full;
        if (!d->full && d->synced > c->read)
            c->read = d->synced;
    } else {
        c->later = d->full || d->n;
        if (d->next)
            loop_timer_at(c->timer, clock_mono_us() + (int64_t)(d->next - d->until));
    }
    return HILO_OK;
}

int32_t callbacks_turn(struct callbacks *c, struct err *e)
{
    const uint64_t synced = store_synced(c->gw->store);
    int32_t rc = HILO_OK;

    if (c->outcomes) // not written yet: what they settle would be read again
        return HILO_OK;
    if (c->n < CALLBACKS_IN_FLIGHT && (c->more || synced != c->at_seq)) {
        c->at_seq = synced;
        rc = due_read(c, false, e);
    }
    if (rc == HILO_OK && c->later && c->n < CALLBACKS_IN_FLIGHT)
        rc = due_read(c, true, e);
    if (c->outcomes)
        loop_timer_at(c->timer, clock_mono_us());
    return rc;
}

/* ---- writing down ---- */

static int32_t settled_append(struct callbacks *c, const uint8_t *keys, size_t n, struct err *e)
{
    const struct ev_callback_settled ev = {.keys = str_n(keys, n)};

    return store_append(c->gw->store, &ev_desc_callback_settled, &ev, &actor_core, clock_wall_us(), NULL, e);
}

static int32_t outcomes_append(struct callbacks *c, struct err *e)
{
    uint8_t keys[SETTLED_BYTES];
    struct outcome *o;
    size_t n = 0;
    int32_t rc = HILO_OK;

    /* Those that are settled together; what is not appended stays, and is tried at the next turn. */
    for (o = c->outcomes; o && rc == HILO_OK && n < sizeof keys && o->due == 0; o = o->next, n += KEY)
        memcpy(keys + n, o->key, KEY);
    if (n)
        rc = settled_append(c, keys, n, e);
    else if (o) {
        const struct ev_callback_postponed ev = {
            .key = str_n(o->key, KEY), .due = o->due, .attempts = o->attempts};
        rc = store_append(c->gw->store, &ev_desc_callback_postponed, &ev, &actor_core, clock_wall_us(), NULL,
                          e);
        o = o->next;
    }
    while (rc == HILO_OK && c->outcomes != o) {
        struct outcome *next = c->outcomes->next;
        free(c->outcomes);
        c->outcomes = next;
    }
    if (!c->outcomes)
        c->outcomes_end = &c->outcomes;
    return rc;
}

int32_t callbacks_note(struct callbacks *c, struct err *e)
{
    int32_t rc = HILO_OK;

    if (!c->outcomes)
        return HILO_OK;
    store_begin(c->gw->store);
    while (c->outcomes && rc == HILO_OK) {
        rc = store_room(c->gw->store, STORE_RECORD, e);
        if (rc == HILO_OK)
            rc = outcomes_append(c, e);
    }
    store_end(c->gw->store);
    if (rc == HILO_FULL || rc == HILO_AGAIN) { // they are kept, and written when there is room
        loop_timer_at(c->timer, clock_mono_us() + IDLE_US);
        rc = HILO_OK;
    }
    return rc;
}

/* ---- life ---- */

static void on_timer(void *arg)
{
    ((struct callbacks *)arg)->later = true; // the turn reads them
}

int32_t callbacks_new(struct gateway *gw, struct err *e, struct callbacks **out)
{
    struct callbacks *c = calloc(1, sizeof *c);
    int32_t rc;

    if (c)
        c->by_token = calloc(CALLBACKS_IN_FLIGHT, sizeof(struct call *));
    if (!c || !c->by_token)
        check_nomem();
    c->gw = gw;
    c->outcomes_end = &c->outcomes;
    c->more = c->later = true;
    c->timer = loop_timer_new(gw->loop, on_timer, c);
    rc = httpc_new(gw->loop, on_done, c, e, &c->http);
    if (rc != HILO_OK)
        callbacks_free(&c);
    else
        *out = c;
    return rc;
}

void callbacks_free(struct callbacks **cp)
{
    struct callbacks *c = *cp;
    struct call *call, *next;
    struct outcome *o;

    if (!c)
        return;
    *cp = NULL;
    httpc_free(&c->http);
    loop_timer_free(&c->timer);
    HASH_CLEAR(of, c->by_message);
    HASH_ITER(hh, c->calls, call, next)
    {
        HASH_DELETE(hh, c->calls, call);
        free(call->url);
        free(call);
    }
    while ((o = c->outcomes)) {
        c->outcomes = o->next;
        free(o);
    }
    free(c->by_token);
    free(c);
}

void callbacks_counts(const struct callbacks *c, struct callbacks_counts *out)
{
    *out = c->counts;
    out->in_flight = c->n;
}
