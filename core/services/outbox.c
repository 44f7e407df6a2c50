/*
 * The core's side of the outbox: orders to its thread, and its notes written down as events. Notes
 * are taken in their order, a few dozen a group; when the store has no room for them they wait,
 * and so does the thread, in the end.
 */
#include "services/outbox.h"
#include "base/clock.h"
#include "services/outbox_run.h"
#include "store/keys.h"
#include <stdio.h>
#include <stdlib.h>

enum { NOTES_GROUP = 64 };

/* ---- notes ------------------------------------------------------------------------------------- */

struct note *outbox__note_new(enum note_type type, struct hilo_id id)
{
    struct note *n = calloc(1, sizeof *n);

    if (!n)
        check_nomem();
    n->type = type;
    n->id = id;
    return n;
}

void outbox__note_give(struct outbox *o, struct note *n)
{
    bool first;

    (void)pthread_mutex_lock(&o->lock);
    first = TAILQ_EMPTY(&o->notes);
    TAILQ_INSERT_TAIL(&o->notes, n, list);
    o->n_notes++;
    (void)pthread_mutex_unlock(&o->lock);
    if (first)
        loop_wake_give(o->to_core);
}

uint64_t outbox__notes(struct outbox *o)
{
    uint64_t n;

    (void)pthread_mutex_lock(&o->lock);
    n = o->n_notes;
    (void)pthread_mutex_unlock(&o->lock);
    return n;
}

bool outbox__notes_stuck(struct outbox *o)
{
    bool stuck;

    (void)pthread_mutex_lock(&o->lock);
    stuck = o->stuck = o->n_notes >= NOTES_MAX;
    (void)pthread_mutex_unlock(&o->lock);
    return stuck;
}

static struct note *note_first(struct outbox *o)
{
    struct note *n;

    (void)pthread_mutex_lock(&o->lock);
    n = TAILQ_FIRST(&o->notes);
    (void)pthread_mutex_unlock(&o->lock);
    return n;
}

static void note_drop(struct outbox *o, struct note *n)
{
    bool go_on;

    (void)pthread_mutex_lock(&o->lock);
    TAILQ_REMOVE(&o->notes, n, list);
    o->n_notes--;
    go_on = o->stuck && o->n_notes == 0;
    if (go_on)
        o->stuck = false;
    (void)pthread_mutex_unlock(&o->lock);
    if (go_on)
        loop_wake_give(o->run->wake);
    free(n);
}

/* Whether the note still says something: its endpoint may be gone, or have got it already. */
static bool note_fits(struct outbox *o, const struct note *n)
{
    struct key k = key_of_id(n->id), parked = key_pair(n->id, n->customer);
    struct key waiting = key_waiting(n->id, n->customer, n->seq);
    struct store *s = o->gw->store;
    struct rec_webhook w;
    struct hilo_str val;
    struct err e = {0};

    if (store_record(s, TABLE_WEBHOOK, key_str(&k), &rec_desc_webhook, o->gw->arena, &w, &e) != HILO_OK)
        return false;
    switch (n->type) {
    case NOTE_PROGRESS:
        return n->seq > w.cursor;
    case NOTE_DISABLED:
    case NOTE_FAILING:
        return w.disabled == 0;
    case NOTE_PARKED:
        if ((n->seq == 0 || n->attempts == 0) &&
            store_get(s, TABLE_WEBHOOK_PARKED, key_str(&parked), o->gw->arena, &val, &e) != HILO_OK)
            return false;
        return n->seq == 0 || store_get(s, TABLE_WEBHOOK_WAITING, key_str(&waiting), o->gw->arena, &val,
                                        &e) == HILO_NOTFOUND;
    case NOTE_SETTLED:
        return store_get(s, TABLE_WEBHOOK_WAITING, key_str(&waiting), o->gw->arena, &val, &e) == HILO_OK;
    default:
        return true;
    }
}

static int32_t note_write(struct outbox *o, const struct note *n, struct err *e)
{
    const struct hilo_str words = str(n->words), reason = str(n->reason);
    struct store *s = o->gw->store;
    int64_t now = clock_wall_us();

    switch (n->type) {
    case NOTE_PROGRESS: {
        const struct ev_webhook_progress ev = {.id = n->id, .seq = n->seq};
        return store_append(s, &ev_desc_webhook_progress, &ev, &actor_core, now, NULL, e);
    }
    case NOTE_FAILING: {
        const struct ev_webhook_failing ev = {
            .id = n->id, .attempts = n->attempts, .due = (uint64_t)n->due_us, .detail = words};
        return store_append(s, &ev_desc_webhook_failing, &ev, &actor_core, now, NULL, e);
    }
    case NOTE_DISABLED: {
        const struct ev_webhook_disabled ev = {.id = n->id, .reason = reason, .detail = words};
        return store_append(s, &ev_desc_webhook_disabled, &ev, &actor_core, now, NULL, e);
    }
    case NOTE_PARKED: {
        const struct ev_webhook_parked ev = {.id = n->id,
                                             .customer = n->customer,
                                             .seq = n->seq,
                                             .attempts = n->attempts,
                                             .due = (uint64_t)n->due_us,
                                             .detail = words};
        return store_append(s, &ev_desc_webhook_parked, &ev, &actor_core, now, NULL, e);
    }
    default: {
        const struct ev_webhook_settled ev = {
            .id = n->id, .customer = n->customer, .seq = n->seq, .given_up = reason};
        return store_append(s, &ev_desc_webhook_settled, &ev, &actor_core, now, NULL, e);
    }
    }
}

static void order_give(struct outbox *o, enum order_type type, struct hilo_id id, uint64_t token)
{
    struct order *x = calloc(1, sizeof *x);

    if (!x)
        check_nomem();
    x->type = type;
    x->id = id;
    x->token = token;
    (void)pthread_mutex_lock(&o->lock);
    TAILQ_INSERT_TAIL(&o->orders, x, list);
    (void)pthread_mutex_unlock(&o->lock);
    loop_wake_give(o->run->wake);
}

static void note_tell(struct outbox *o, const struct note *n)
{
    char name[ID_TEXT];

    id_format("whk", n->id, name);
    if (n->type == NOTE_DISABLED) {
        log_event(o->gw->log, HILO_LOG_ERROR, "webhook.disabled", "webhook=%s reason=%s error=%s", name,
                  n->reason, LOG_VALUE(str(n->words)));
        order_give(o, ORDER_CHANGED, n->id, 0);
    } else if (n->type == NOTE_FAILING && n->attempts) {
        log_event(o->gw->log, HILO_LOG_WARN, "webhook.failing", "webhook=%s attempts=%llu error=%s", name,
                  (unsigned long long)n->attempts, LOG_VALUE(str(n->words)));
    } else if (n->type == NOTE_FAILING) {
        log_event(o->gw->log, HILO_LOG_INFO, "webhook.well", "webhook=%s", name);
    } else if (n->type == NOTE_PARKED && n->attempts) {
        char customer[ID_TEXT];
        id_format("cus", n->customer, customer);
        log_event(o->gw->log, HILO_LOG_WARN, "webhook.parked",
                  "webhook=%s customer=%s attempts=%llu error=%s", name, customer,
                  (unsigned long long)n->attempts, LOG_VALUE(str(n->words)));
    }
}

/* HILO_OK, or why the first of them can't be written down now. */
static int32_t notes_group(struct outbox *o, struct err *e)
{
    struct note *n;
    int32_t rc = HILO_OK;

    store_begin(o->gw->store);
    for (unsigned i = 0; i < NOTES_GROUP && (n = note_first(o)) && rc == HILO_OK; i++) {
        bool fits = n->type != NOTE_TESTED && note_fits(o, n);
        if (fits)
            rc = note_write(o, n, e);
        if (rc != HILO_OK)
            break;
        if (fits)
            note_tell(o, n);
        if (n->type == NOTE_TESTED)
            o->o.tested(o->o.arg, n->token, n->outcome, n->status, n->words, n->us);
        note_drop(o, n);
    }
    store_end(o->gw->store);
    return rc;
}

static void notes_take(void *arg)
{
    struct outbox *o = arg;
    struct err e = {0};
    int32_t rc = HILO_OK;

    while (rc == HILO_OK && note_first(o)) {
        rc = store_room(o->gw->store, STORE_RECORD, &e);
        if (rc == HILO_OK)
            rc = notes_group(o, &e);
    }
    /* A full disk comes back; a failed store ends the process by itself. */
    if (rc != HILO_OK)
        loop_timer_at(o->again, clock_mono_us() + OUTBOX_SECOND);
}

/* ---- for the core ----------------------------------------------------------------------------------- */

int32_t outbox_new(const struct outbox_options *options, struct err *e, struct outbox **out)
{
    struct outbox *o = calloc(1, sizeof *o);
    int32_t rc;

    if (!o)
        check_nomem();
    o->gw = options->gw;
    o->o = *options;
    (void)pthread_mutex_init(&o->lock, NULL);
    TAILQ_INIT(&o->notes);
    TAILQ_INIT(&o->orders);
    LIST_INIT(&o->shown);
    o->again = loop_timer_new(o->gw->loop, notes_take, o);
    rc = loop_wake_new(o->gw->loop, notes_take, o, &o->to_core);
    if (rc == HILO_OK)
        rc = outbox__new(o, e, &o->run);
    if (rc == HILO_OK) {
        int failed = pthread_create(&o->thread, NULL, outbox__main, o->run);
        o->started = failed == 0;
        if (failed)
            rc = err_set(e, HILO_IO, "no thread for webhooks (error %d)", failed);
    }
    if (rc != HILO_OK) {
        outbox_free(&o);
        return rc;
    }
    *out = o;
    return HILO_OK;
}

void outbox_drain(struct outbox *o)
{
    atomic_store(&o->ending, true);
    loop_wake_give(o->run->wake);
}

bool outbox_drained(struct outbox *o)
{
    /* Notes that have no room are no reason to stay: what they say is found out again. */
    return atomic_load(&o->drained) && (!note_first(o) || loop_timer_due(o->again));
}

void outbox_free(struct outbox **op)
{
    struct outbox *o = *op;
    struct note *n;
    struct order *x;

    if (!o)
        return;
    if (o->started) {
        outbox_drain(o);
        (void)pthread_join(o->thread, NULL);
    }
    outbox__free(&o->run);
    while ((n = TAILQ_FIRST(&o->notes))) {
        TAILQ_REMOVE(&o->notes, n, list);
        free(n);
    }
    while ((x = TAILQ_FIRST(&o->orders))) {
        TAILQ_REMOVE(&o->orders, x, list);
        free(x);
    }
    loop_timer_free(&o->again);
    loop_wake_free(&o->to_core);
    (void)pthread_mutex_destroy(&o->lock);
    free(o);
    *op = NULL;
}

void outbox_changed(struct outbox *o, struct hilo_id webhook)
{
    /* What the thread has come to so far stands in the store before it looks there. */
    notes_take(o);
    order_give(o, ORDER_CHANGED, webhook, 0);
}

void outbox_test(struct outbox *o, struct hilo_id webhook, uint64_t token)
{
    struct note *n;

    if (!atomic_load(&o->ending)) {
        order_give(o, ORDER_TEST, webhook, token);
        return;
    }
    n = outbox__note_new(NOTE_TESTED, webhook);
    n->token = token;
    n->outcome = -1;
    outbox__note_give(o, n);
}

static void status_finish(struct outbox *o, struct outbox_status *s)
{
    uint64_t synced = store_synced(o->gw->store);

    s->lag_events = synced > s->low ? synced - s->low : 0;
}

bool outbox_status(struct outbox *o, struct hilo_id webhook, struct outbox_status *out)
{
    const struct shown *x;
    bool found = false;

    (void)pthread_mutex_lock(&o->lock);
    LIST_FOREACH(x, &o->shown, list)
    {
        if (id_eq(x->status.id, webhook)) {
            *out = x->status;
            found = true;
            break;
        }
    }
    (void)pthread_mutex_unlock(&o->lock);
    if (found)
        status_finish(o, out);
    return found;
}

void outbox_each(struct outbox *o, void (*fn)(void *arg, const struct outbox_status *), void *arg)
{
    const struct shown *x;

    (void)pthread_mutex_lock(&o->lock);
    LIST_FOREACH(x, &o->shown, list)
    {
        struct outbox_status s = x->status;
        status_finish(o, &s);
        fn(arg, &s);
    }
    (void)pthread_mutex_unlock(&o->lock);
}

uint64_t outbox_connections(const struct outbox *o)
{
    return atomic_load(&o->connections);
}

uint64_t outbox_disabled(const struct outbox *o, bool gone)
{
    return atomic_load(&o->disabled[gone]);
}
