/*
 * Delivery: claiming what may leave, handing it over after the commit, expiry and the
 * timer. Decisions on outcomes are in delivery_report.c, downloads in delivery_fetch.c.
 *
 * A message is claimed by an event; only when that is on disk does the plugin get it.
 * So after a crash everything that may have left is in flight in the store, and what is
 * not in flight there has certainly not left.
 */
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "model/table.h"
#include "services/appointments.h"
#include "services/consent.h"
#include "services/delivery_queue.h"
#include "services/links.h"
#include "services/media.h"
#include "services/outbound.h"
#include "services/pace.h"
#include "services/parts.h"
#include "services/segments.h"
#include "services/window.h"
#include "store/keys.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum { CLAIMS_A_TURN = 512, EXPIRE_A_TURN = 256, FORGET_A_TURN = 4096, PRIORITIES = 3 };
static const int64_t FULL_RETRY_US = 1000000;
static const int64_t FORGET_EVERY_US = INT64_C(3600) * 1000000;
static const int64_t IDEMPOTENCY_LIFE_US = INT64_C(24) * 3600 * 1000000;
static const int64_t PARKED_LIFE_US = INT64_C(7) * 24 * 3600 * 1000000;

int64_t delivery_backoff(int64_t min_us, int64_t max_us, uint64_t attempt)
{
    int64_t wait = min_us;
    uint32_t random = 0;

    while (attempt-- > 1 && wait < max_us)
        wait *= 2;
    if (wait > max_us)
        wait = max_us;
    CHECK(getrandom(&random, sizeof random, 0) == (ssize_t)sizeof random);
    return wait - wait / 4 + (int64_t)(random % 1024) * (wait / 2) / 1024; /* 75 % to 125 % */
}

int32_t delivery_append(struct delivery *d, const struct rec_desc *desc, const void *ev, struct err *e)
{
    int32_t rc = store_room(d->gw->store, STORE_RECORD, e);

    if (rc != HILO_OK)
        return rc;
    store_begin(d->gw->store);
    rc = store_append(d->gw->store, desc, ev, &actor_core, clock_wall_us(), NULL, e);
    store_end(d->gw->store);
    return rc;
}

uint64_t delivery_overdue(const struct rec_message *m, struct hilo_str *reason_out)
{
    /* Queued to be resent, it keeps the status of its doubt. */
    bool doubt = m->place == PLACE_HELD || m->status == HILO_STATUS_IN_DOUBT;

    *reason_out = doubt ? STR("in_doubt") : STR("expired");
    return doubt ? HILO_STATUS_FAILED : HILO_STATUS_EXPIRED;
}

/* ---- lowering's environment ---- */

static int32_t lower_link(void *arg, struct hilo_id media, struct arena *a, struct hilo_str *url_out,
                          struct err *e)
{
    struct fault f;

    if (media_link(arg, media, clock_wall_us(), a, url_out, &f) != 0)
        return err_set(e, HILO_NOSUP, "%s", f.text);
    return HILO_OK;
}

/* The same message has the same links, whenever it is lowered. */
static int32_t lower_choice_link(void *arg, struct hilo_id message, uint32_t choice, struct arena *a,
                                 struct hilo_str *url_out, struct err *e)
{
    const struct link l = {
        .id = message, .choice = choice, .until_us = link_message_until(message, LINK_CHOICE_DAYS)};

    (void)e;
    *url_out = link_make(arg, LINK_CHOICE, &l, a);
    return HILO_OK;
}

static int32_t lower_unsubscribe_link(void *arg, struct hilo_id message, struct arena *a,
                                      struct hilo_str *url_out, struct err *e)
{
    const struct link l = {.id = message, .until_us = link_message_until(message, LINK_UNSUBSCRIBE_DAYS)};

    (void)e;
    *url_out = link_make(arg, LINK_UNSUBSCRIBE, &l, a);
    return HILO_OK;
}

struct lower_env outbound_lower_env(struct gateway *gw)
{
    const char *language = str_starts(gw->language, STR("es")) ? "es" : "en";
    const bool links = gw->public_url.n > 0;

    return (struct lower_env){.language = language,
                              .media_link = links ? lower_link : NULL,
                              .choice_link = links ? lower_choice_link : NULL,
                              .unsubscribe_link = links ? lower_unsubscribe_link : NULL,
                              .arg = gw};
}

/* ---- claiming ---- */

void delivery_settled(struct delivery *d, struct hilo_id id, struct hilo_str channel, uint64_t status,
                      struct hilo_str reason)
{
    char text[ID_TEXT];

    id_format("msg", id, text);
    log_event(d->gw->log, status == HILO_STATUS_FAILED ? HILO_LOG_INFO : HILO_LOG_DEBUG, "message.settled",
              "id=%s channel=%.*s status=%s reason=%s", text, STR_FMT(channel),
              model_value_text(MODEL_E_STATUS, status), LOG_WORD(reason));
}

void delivery_unreadable(struct delivery *d, const char *prefix, struct hilo_id id, const struct err *why)
{
    char text[ID_TEXT], quoted[sizeof why->text + 64];

    if (id_eq(id, d->unreadable)) /* of one that stays, the log knows */
        return;
    d->unreadable = id;
    id_format(prefix, id, text);
    log_event(d->gw->log, HILO_LOG_ERROR, "store.unreadable",
              "id=%s reason=%s next=\"stop the gateway, then: hilod --check-store\"", text,
              log_quote(str(why->text), quoted, sizeof quoted));
}

void delivery_kick(struct delivery *d, struct gw_channel *c)
{
    c->kicked = true;
    d->kicked = true;
}

void delivery_fetch(struct delivery *d, struct gw_channel *c)
{
    c->fetch_kicked = true;
    d->kicked = true;
}

void delivery_expiry(struct delivery *d, int64_t wall_us)
{
    if (d->expiry_us == 0 || wall_us < d->expiry_us) {
        d->expiry_us = wall_us;
        delivery_arm(d);
    }
}

void delivery_near(struct delivery *d, int64_t wall_us)
{
    if (d->near_us == 0 || wall_us < d->near_us) {
        d->near_us = wall_us;
        delivery_arm(d);
    }
}

void delivery_parts(struct delivery *d, struct gw_channel *c, int64_t wall_us)
{
    if (c->next_parts_us == 0 || wall_us < c->next_parts_us) {
        c->next_parts_us = wall_us;
        delivery_arm(d);
    }
}

static bool channel_open(const struct gw_channel *c, int64_t mono)
{
    struct hilo_str text;

    return c->plug && !c->paused && !c->stopped && c->credit > 0 && c->held_until_us <= mono &&
           channel_state(c->plug, &text) == CHANNEL_UP;
}

struct due {
    const struct gw_channel *channel;
    struct hilo_id *id;
    unsigned n, max;
    bool more;          /* there are more than max */
    uint64_t now, next; /* next: when the first that is not due yet is */
    int64_t mono;
};

static bool due_collect(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct due *due = arg;
    uint64_t at = key_tail_u64(key, 8);

    if (at > due->now) {
        if (due->next == 0 || at < due->next)
            due->next = at;
        return false;
    }
    if (pacing_held(due->channel, key_tail_id(val), due->mono))
        return true;
    due->more = due->n == due->max;
    if (due->more)
        return false;
    due->id[due->n++] = key_tail_id(val);
    return true;
}

static void claim_add(struct delivery *d, struct gw_channel *c, struct hilo_id id, struct hilo_str bytes)
{
    struct claim *claim = malloc(sizeof *claim + (size_t)bytes.n);

    if (!claim)
        check_nomem();
    *claim = (struct claim){.channel = c, .id = id, .bytes = {(char *)(claim + 1), bytes.n}};
    memcpy(claim + 1, bytes.p, (size_t)bytes.n);
    *d->end = claim;
    d->end = &claim->next;
    d->n_claims++;
}

/* What makes a message impossible that was accepted: *reason, or NULL; words in *why. */
static int32_t claim_refused(struct gateway *gw, const struct gw_channel *c, const struct rec_message *m,
                             struct hilo_str bytes, int64_t now, struct lowered *lowered, const char **reason,
                             struct err *why)
{
    const struct lower_env env = outbound_lower_env(gw);
    struct key k = key_of_id(m->conversation);
    struct rec_conversation conv;
    int32_t rc;

    *reason = NULL;
    if (lower(bytes, c->able, &env, gw->arena, lowered, why) != HILO_OK || m->part >= lowered->n) {
        *reason = "not_supported"; /* its channel changed since */
        return HILO_OK;
    }
    if (!window_needed(c, &lowered->message[m->part], 1))
        return HILO_OK;
    rc = store_record(gw->store, TABLE_CONVERSATION, key_str(&k), &rec_desc_conversation, gw->arena, &conv,
                      why);
    if (rc != HILO_OK || window_until(&conv) > now)
        return rc;
    *reason = "window_closed";
    (void)err_set(
        why, HILO_PERM,
        "the customer's last message was more than 24 hours ago when its turn came; send a template");
    return HILO_OK;
}

/* Its contents can't be read: retired, or damaged where they lie. No try will change that; the
 * others go on. Between begin and end. */
static int32_t claim_spoilt(struct delivery *d, struct gw_channel *c, struct hilo_id id, int64_t now,
                            const struct err *why, struct err *e)
{
    const struct ev_message_settled ev = {
        .id = id, .status = HILO_STATUS_FAILED, .reason = STR("unreadable")};
    int32_t rc = store_append(d->gw->store, &ev_desc_message_settled, &ev, &actor_core, now, NULL, e);

    if (rc != HILO_OK)
        return rc;
    c->queued--;
    c->failed++;
    delivery_unreadable(d, "msg", id, why);
    delivery_settled(d, id, c->name, ev.status, ev.reason);
    delivery_kick(d, c);
    return HILO_OK;
}

int32_t delivery_suppress(struct delivery *d, struct gw_channel *c, struct hilo_id id, int64_t now,
                          struct err *e)
{
    struct ev_message_settled ev = {.id = id, .status = HILO_STATUS_SUPPRESSED, .reason = STR("opted_out")};
    struct key k = key_of_id(id);
    struct rec_message m;
    int32_t rc =
        store_record(d->gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, d->gw->arena, &m, e);

    if (rc == HILO_OK && m.status == HILO_STATUS_IN_DOUBT)
        ev.status = delivery_overdue(&m, &ev.reason);
    if (rc == HILO_OK)
        rc = store_append(d->gw->store, &ev_desc_message_settled, &ev, &actor_core, now, NULL, e);
    if (rc != HILO_OK)
        return rc;
    c->queued--;
    c->failed += ev.status == HILO_STATUS_FAILED;
    c->came_to[ev.status]++;
    delivery_settled(d, id, c->name, ev.status, ev.reason);
    delivery_kick(d, c);
    return HILO_OK;
}

/* Signals to the channel are no messages to a person. */
static int32_t claim_denied(struct delivery *d, const struct gw_channel *c, struct hilo_id id,
                            const struct rec_message *m, struct hilo_str bytes, bool *denied, struct err *e)
{
    struct consent_denial x;
    int32_t rc = consent_denied(d->gw, c, m->customer, hilo_get_str(bytes, HILO_T_MSG_PARTY), m->category, id,
                                d->gw->arena, &x, e);

    *denied = x.denied && hilo_content_type(bytes) != HILO_CONTENT_SYSTEM;
    return rc;
}

/* One message: the event, and what is to be handed over. *rest: the channel has too few tokens for
 * it, and those behind it wait with it. Between begin and end. */
static int32_t claim_one(struct delivery *d, struct gw_channel *c, struct hilo_id id, int64_t now, bool *rest,
                         struct err *e)
{
    struct gateway *gw = d->gw;
    const int64_t end = delivery_end_now(d);
    struct lowered lowered;
    struct rec_message m;
    struct hilo_str bytes;
    const char *refused;
    struct key k = key_of_id(id);
    struct err why = {0};
    enum pacing paced = PACING_TAKEN;
    int32_t rc = store_record(gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, gw->arena, &m, e);

    if (rc == HILO_CORRUPT || rc == HILO_NOTFOUND) {
        /* Nor can it be settled. It stays where it is, and the others go on. */
        delivery_unreadable(d, "msg", id, e);
        return HILO_OK;
    }
    if (rc != HILO_OK)
        return rc;
    rc = store_message_bytes(gw->store, &m, gw->arena, &bytes, &why);
    if (rc == HILO_NOMEM)
        return err_set(e, rc, "%s", why.text);
    if (rc != HILO_OK)
        return claim_spoilt(d, c, id, now, &why, e);
    if ((int64_t)m.expires <= end) {
        struct ev_message_settled ev = {.id = id};
        ev.status = delivery_overdue(&m, &ev.reason);
        rc = store_append(gw->store, &ev_desc_message_settled, &ev, &actor_core, now, NULL, e);
        c->queued -= rc == HILO_OK;
        c->failed += rc == HILO_OK && ev.status == HILO_STATUS_FAILED;
        c->came_to[ev.status] += rc == HILO_OK;
        if (rc == HILO_OK)
            delivery_settled(d, id, c->name, ev.status, ev.reason);
        delivery_kick(d, c);
        return rc;
    }
    bool denied;
    rc = claim_denied(d, c, id, &m, bytes, &denied, &why);
    if (rc == HILO_CORRUPT) {
        delivery_unreadable(d, "cus", m.customer, &why);
        return HILO_OK; /* who can't be asked is not written to */
    }
    if (rc != HILO_OK)
        return err_set(e, rc, "%s", why.text);
    if (denied)
        return delivery_suppress(d, c, id, now, e);
    rc = claim_refused(gw, c, &m, bytes, end, &lowered, &refused, &why);
    if (rc == HILO_CORRUPT || rc == HILO_NOTFOUND) {
        delivery_unreadable(d, "cnv", m.conversation, &why);
        return HILO_OK;
    }
    if (rc != HILO_OK)
        return err_set(e, rc, "%s", why.text);
    if (!refused) {
        unsigned segments = segments_of(c->able, bytes, &lowered, m.part, &why);
        if (segments == 0)
            refused = "too_many_segments"; /* its channel changed since */
        else
            paced = pacing_take(c, id, &m, bytes, segments, clock_mono_us());
    }
    *rest = paced == PACING_RATE;
    if (paced == PACING_PAIR)
        delivery_kick(d, c); /* another may go in its place */
    if (paced != PACING_TAKEN)
        return HILO_OK;
    const struct ev_message_claimed ev = {.id = id, .attempt = m.attempts + 1};
    rc = store_append(gw->store, &ev_desc_message_claimed, &ev, &actor_core, now, NULL, e);
    if (rc != HILO_OK)
        return rc;
    c->queued--;
    if (refused) {
        const struct ev_message_reported r = {.id = id,
                                              .status = HILO_STATUS_FAILED,
                                              .reason = str(refused),
                                              .detail = str(why.text),
                                              .attempts = m.attempts};
        c->failed++;
        c->came_to[HILO_STATUS_FAILED]++;
        delivery_kick(d, c);
        rc = store_append(gw->store, &ev_desc_message_reported, &r, &actor_core, now, NULL, e);
        if (rc == HILO_OK)
            delivery_settled(d, id, c->name, r.status, r.reason);
        return rc;
    }
    c->in_flight++;
    store_promise(gw->store, 1);
    c->credit--;
    claim_add(d, c, id, lowered.message[m.part]);
    return HILO_OK;
}

static int32_t claim_channel(struct delivery *d, struct gw_channel *c, struct err *e)
{
    struct gateway *gw = d->gw;
    int64_t now = clock_wall_us(), mono = clock_mono_us();
    unsigned max = c->credit < CLAIMS_A_TURN ? c->credit : CLAIMS_A_TURN;
    struct due due = {.channel = c, .now = (uint64_t)delivery_due_now(d), .mono = mono};
    int32_t rc = HILO_OK;
    bool rest = false;

    c->next_due_us = c->next_pace_us = 0;
    if (c->queued == 0 || !channel_open(c, mono))
        return HILO_OK;
    due.max = pacing_room(c, max, mono);
    due.id = ARENA_ARRAY(gw->arena, struct hilo_id, due.max);
    for (uint8_t priority = 0; priority < PRIORITIES && !due.more && rc == HILO_OK; priority++) {
        struct key k = key_channel(c->name);
        key_u8(&k, priority);
        rc = store_scan(gw->store, TABLE_DUE, key_str(&k), (struct hilo_str){0}, false, due_collect, &due, e);
    }
    for (unsigned i = 0; i < due.n && rc == HILO_OK && !rest; i++) {
        rc = store_room(gw->store, STORE_CLAIM, e); /* for the claim and for its report */
        if (rc != HILO_OK)
            break;
        store_begin(gw->store);
        rc = claim_one(d, c, due.id[i], now, &rest, e);
        store_end(gw->store);
    }
    c->next_due_us = (int64_t)due.next;
    pacing_next(c, due.more || rest, mono);
    if (due.n == CLAIMS_A_TURN && !rest)
        delivery_kick(d, c); /* there may be more; the others have their turn first */
    return rc;
}

int32_t delivery_claim(struct delivery *d, struct err *e)
{
    int32_t rc = HILO_OK;

    if (!d->kicked)
        return HILO_OK;
    d->kicked = false;
    if (d->late && d->full_us <= clock_mono_us())
        rc = late_write(d, e);
    for (struct gw_channel *c = d->gw->channels; c && rc == HILO_OK; c = c->next) {
        if (c->kicked) {
            c->kicked = false;
            rc = claim_channel(d, c, e);
        }
        if (c->fetch_kicked && rc == HILO_OK) {
            c->fetch_kicked = false;
            rc = fetch_start(d, c, e);
        }
    }
    /* A disk that is full holds claims back; the timer brings them again. */
    if (rc == HILO_FULL || rc == HILO_AGAIN) {
        delivery_full(d);
        rc = HILO_OK;
    }
    delivery_arm(d);
    return rc;
}

struct first {
    uint64_t due;
};

static bool first_due(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct first *f = arg;
    uint64_t at = key_tail_u64(key, 8);

    (void)val;
    if (f->due == 0 || at < f->due)
        f->due = at;
    return false;
}

int64_t delivery_oldest_us(struct delivery *d, const struct gw_channel *c)
{
    int64_t now = delivery_due_now(d);
    struct first f = {0};
    struct err e = {0};

    for (uint8_t priority = 0; priority < PRIORITIES; priority++) {
        struct key k = key_channel(c->name);
        key_u8(&k, priority);
        if (store_scan(d->gw->store, TABLE_DUE, key_str(&k), (struct hilo_str){0}, false, first_due, &f,
                       &e) != HILO_OK)
            return 0;
    }
    return f.due && (int64_t)f.due < now ? now - (int64_t)f.due : 0;
}

struct counted {
    uint64_t n, max;
};

static bool counted_one(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct counted *x = arg;

    (void)key;
    (void)val;
    return ++x->n < x->max;
}

uint64_t delivery_media_pending(struct delivery *d, const struct gw_channel *c, uint64_t max)
{
    struct counted x = {.max = max};
    struct key k = key_channel(c->name);
    struct err e = {0};

    return store_scan(d->gw->store, TABLE_JOB, key_str(&k), (struct hilo_str){0}, false, counted_one, &x,
                      &e) == HILO_OK
               ? x.n
               : 0;
}

bool delivery_busy(const struct delivery *d)
{
    /* Claims that a full link keeps back wait for its room, which kicks their channel. */
    return d->kicked;
}

void delivery_dispatch(struct delivery *d)
{
    struct claim **at = &d->first;

    while (*at) {
        struct claim *claim = *at;
        const struct gw_channel *c = claim->channel;
        int32_t rc = c->plug && !c->stopped ? channel_send(c->plug, claim->id, claim->bytes) : HILO_DOWN;
        if (rc == HILO_FULL) {
            at = &claim->next; /* its room comes; other channels go on */
            continue;
        }
        *at = claim->next;
        if (!*at)
            d->end = at;
        d->n_claims--;
        if (rc != HILO_OK) {
            /* The plugin never saw it: as if it had said so. */
            const struct hilo_report r = {
                .size = sizeof r, .code = HILO_DOWN, .id = claim->id, .reason = STR("channel_down")};
            struct err e = {0};
            store_begin(d->gw->store);
            rc = delivery_report(d, claim->channel, &r, &e);
            store_end(d->gw->store);
            if (rc != HILO_OK)
                log_event(d->gw->log, HILO_LOG_ERROR, "delivery.requeue_failed", "channel=%.*s error=%s",
                          STR_FMT(claim->channel->name), LOG_VALUE(str(e.text)));
        }
        free(claim);
    }
}

/* ---- time ---- */

static int64_t mono_of(int64_t wall_us, int64_t wall_now, int64_t mono_now)
{
    int64_t at = mono_now + (wall_us - wall_now);

    return at > 0 ? at : 1;
}

static void earlier(int64_t *next, int64_t at)
{
    if (at && (*next == 0 || at < *next))
        *next = at;
}

void delivery_full(struct delivery *d)
{
    d->full_us = clock_mono_us() + FULL_RETRY_US;
    delivery_arm(d);
}

void delivery_arm(struct delivery *d)
{
    int64_t due = delivery_due_now(d), mono = clock_mono_us(), next = d->forget_us;

    earlier(&next, d->full_us);
    earlier(&next, d->clock.ask_us);
    if (d->expiry_us)
        earlier(&next, mono_of(d->expiry_us, delivery_end_now(d), mono));
    if (d->schedule_us)
        earlier(&next, mono_of(d->schedule_us, due, mono));
    if (d->near_us)
        earlier(&next, mono_of(d->near_us, due, mono));
    for (const struct gw_channel *c = d->gw->channels; c; c = c->next) {
        if (c->next_due_us)
            earlier(&next, mono_of(c->next_due_us, due, mono));
        if (c->next_job_us)
            earlier(&next, mono_of(c->next_job_us, due, mono));
        earlier(&next, c->next_pace_us);
        if (c->next_parts_us)
            earlier(&next, mono_of(c->next_parts_us, delivery_end_now(d), mono));
        if (c->held_until_us > mono && c->queued)
            earlier(&next, c->held_until_us);
    }
    if (next)
        loop_timer_at(d->timer, next);
    else
        loop_timer_cancel(d->timer);
}

struct expired {
    struct hilo_id id[EXPIRE_A_TURN];
    unsigned n;
    uint64_t now, next;
};

static bool expired_collect(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct expired *x = arg;
    uint64_t at = key_tail_u64(key, 16);

    (void)val;
    if (at > x->now || x->n == EXPIRE_A_TURN) {
        x->next = at;
        return false;
    }
    x->id[x->n++] = key_tail_id(key);
    return true;
}

static int32_t expire(struct delivery *d, struct err *e)
{
    struct gateway *gw = d->gw;
    struct expired *x = ARENA_NEW(gw->arena, struct expired);
    int32_t rc;

    x->now = (uint64_t)delivery_end_now(d);
    rc = store_scan(gw->store, TABLE_EXPIRY, (struct hilo_str){0}, (struct hilo_str){0}, false,
                    expired_collect, x, e);
    for (unsigned i = 0; i < x->n && rc == HILO_OK; i++) {
        struct key k = key_of_id(x->id[i]);
        struct rec_message m;
        rc = store_record(gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, gw->arena, &m, e);
        if (rc == HILO_CORRUPT || rc == HILO_NOTFOUND) {
            delivery_unreadable(d, "msg", x->id[i], e);
            rc = HILO_OK;
            continue;
        }
        if (rc != HILO_OK)
            break;
        struct gw_channel *c = gateway_channel(gw, m.channel);
        bool held = m.place == PLACE_HELD;
        struct ev_message_settled ev = {.id = x->id[i]};
        ev.status = delivery_overdue(&m, &ev.reason);
        rc = delivery_append(d, &ev_desc_message_settled, &ev, e);
        if (rc == HILO_OK)
            delivery_settled(d, x->id[i], m.channel, ev.status, ev.reason);
        gw->held -= rc == HILO_OK && held;
        if (rc == HILO_OK && c) {
            c->queued -= !held;
            c->failed += ev.status == HILO_STATUS_FAILED;
            c->came_to[ev.status]++;
            delivery_kick(d, c);
        }
    }
    d->expiry_us = rc == HILO_OK ? (int64_t)x->next : delivery_end_now(d) + FULL_RETRY_US;
    return rc;
}

struct old {
    uint64_t first, last; /* times */
    unsigned n;
};

static bool old_collect(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct old *o = arg;

    (void)val;
    o->last = key_tail_u64((struct hilo_str){key.p, 8}, 0);
    if (o->n == 0)
        o->first = o->last;
    return ++o->n < FORGET_A_TURN;
}

/* Old idempotency keys and orphans are forgotten by an event, if there are any: so many
 * that a turn does not notice, the others in the next. */
static int32_t forget(struct delivery *d, enum table age, int64_t life_us, const struct rec_desc *desc,
                      struct err *e)
{
    struct ev_parked_forgotten ev = {.before = (uint64_t)(delivery_end_now(d) - life_us)};
    struct old o = {.n = 0};
    int32_t rc =
        store_scan(d->gw->store, age, (struct hilo_str){0}, (struct hilo_str){0}, false, old_collect, &o, e);

    if (rc != HILO_OK || o.n == 0 || o.first >= ev.before)
        return rc;
    if (o.n == FORGET_A_TURN && o.last < ev.before) {
        ev.before = o.last > o.first ? o.last : o.last + 1;
        d->forget_us = clock_mono_us();
    }
    return delivery_append(d, desc, &ev, e); /* both bodies are one time, "before" */
}

static void delivery_timer(void *arg)
{
    struct delivery *d = arg;
    int64_t mono = clock_mono_us();
    struct err e = {0};
    int32_t rc = HILO_OK;

    if (d->full_us <= mono)
        d->full_us = 0;
    clock_ask(d, mono);
    if (d->expiry_us && d->expiry_us <= delivery_end_now(d))
        rc = expire(d, &e);
    if (rc == HILO_OK && d->schedule_us && d->schedule_us <= delivery_due_now(d))
        rc = schedule_look(d, &e);
    if (rc == HILO_OK && d->near_us && d->near_us <= delivery_due_now(d))
        rc = appointments_near(d->gw, delivery_due_now(d), &d->near_us, &e);
    if (rc == HILO_OK && d->forget_us <= mono) {
        d->forget_us = mono + FORGET_EVERY_US;
        clock_look(d);
        rc = forget(d, TABLE_IDEMPOTENCY_AGE, IDEMPOTENCY_LIFE_US, &ev_desc_idempotency_forgotten, &e);
        if (rc == HILO_OK)
            rc = forget(d, TABLE_PARKED_AGE, PARKED_LIFE_US, &ev_desc_parked_forgotten, &e);
    }
    for (struct gw_channel *c = d->gw->channels; c && rc == HILO_OK; c = c->next)
        if (c->next_parts_us && c->next_parts_us <= delivery_end_now(d))
            rc = message_parts_due(d->gw, c, delivery_end_now(d), &e);
    if (rc != HILO_OK && rc != HILO_FULL && rc != HILO_AGAIN) /* of a full disk the store tells */
        log_event(d->gw->log, HILO_LOG_ERROR, "delivery.timer", "error=%s", LOG_VALUE(str(e.text)));
    for (struct gw_channel *c = d->gw->channels; c; c = c->next) {
        delivery_kick(d, c);
        delivery_fetch(d, c);
    }
}

/* ---- starting ---- */

struct ids {
    struct hilo_id *id;
    unsigned n, cap;
};

static void ids_add(struct ids *x, struct hilo_id id)
{
    if (x->n == x->cap) {
        x->cap = x->cap ? 2 * x->cap : 64;
        x->id = realloc(x->id, x->cap * sizeof *x->id);
        if (!x->id)
            check_nomem();
    }
    x->id[x->n++] = id;
}

static bool ids_of_keys(void *arg, struct hilo_str key, struct hilo_str val)
{
    (void)val;
    ids_add(arg, key_tail_id(key));
    return true;
}

static bool ids_of_values(void *arg, struct hilo_str key, struct hilo_str val)
{
    (void)key;
    ids_add(arg, key_tail_id(val));
    return true;
}

static bool count_one(void *arg, struct hilo_str key, struct hilo_str val)
{
    (void)key;
    (void)val;
    ++*(uint64_t *)arg;
    return true;
}

/* What waits behind a head or for its time is counted with its channel: only's, or everybody's. */
static int32_t count_waiting(struct gateway *gw, struct gw_channel *only, struct err *e)
{
    struct ids x = {0};
    int32_t rc = store_scan(gw->store, TABLE_WAITING, (struct hilo_str){0}, (struct hilo_str){0}, false,
                            ids_of_values, &x, e);

    if (rc == HILO_OK)
        rc = store_scan(gw->store, TABLE_SCHEDULED, (struct hilo_str){0}, (struct hilo_str){0}, false,
                        ids_of_keys, &x, e);
    for (unsigned i = 0; i < x.n && rc == HILO_OK; i++) {
        struct key k = key_of_id(x.id[i]);
        struct rec_message m;
        rc = store_record(gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, gw->arena, &m, e);
        struct gw_channel *c = only;
        if (rc == HILO_CORRUPT || rc == HILO_NOTFOUND) {
            delivery_unreadable(gw->delivery, "msg", x.id[i], e);
            rc = HILO_OK;
            continue;
        }
        if (rc == HILO_OK && !only)
            c = gateway_channel(gw, m.channel);
        if (rc == HILO_OK && c && str_eq(c->name, m.channel))
            c->queued++;
        if (i % 1000 == 999)
            arena_reset(gw->arena);
    }
    free(x.id);
    return rc;
}

/* All that has an expiry and is in no queue: held (apply_message.c). */
static int32_t count_held(struct gateway *gw, struct err *e)
{
    const struct hilo_str all = {0};
    uint64_t expiring = 0, due = 0, waiting = 0; /* waiting: or scheduled */
    int32_t rc = store_scan(gw->store, TABLE_EXPIRY, all, all, false, count_one, &expiring, e);

    if (rc == HILO_OK)
        rc = store_scan(gw->store, TABLE_DUE, all, all, false, count_one, &due, e);
    if (rc == HILO_OK)
        rc = store_scan(gw->store, TABLE_WAITING, all, all, false, count_one, &waiting, e);
    if (rc == HILO_OK)
        rc = store_scan(gw->store, TABLE_SCHEDULED, all, all, false, count_one, &waiting, e);
    gw->held = expiring > due + waiting ? expiring - due - waiting : 0;
    return rc;
}

static int32_t recover_channel(struct delivery *d, struct gw_channel *c, struct err *e)
{
    struct gateway *gw = d->gw;
    struct ids x = {0};
    struct key k = key_channel(c->name);
    struct rec_channel paused;
    uint64_t n = 0;
    int32_t rc = store_scan(gw->store, TABLE_DUE, key_str(&k), (struct hilo_str){0}, false, count_one, &n, e);

    c->queued += n;
    if (rc == HILO_OK)
        rc = store_scan(gw->store, TABLE_IN_FLIGHT, key_str(&k), (struct hilo_str){0}, false, ids_of_keys, &x,
                        e);
    c->in_flight = x.n;
    store_promise(gw->store, x.n);
    for (unsigned i = 0; i < x.n && rc == HILO_OK; i++) {
        const struct hilo_report r = {.size = sizeof r,
                                      .code = HILO_IN_DOUBT,
                                      .id = x.id[i],
                                      .reason = STR("crashed"),
                                      .detail = STR("in flight when the gateway stopped")};
        if (delivery_out(d, x.id[i])) /* it is on its way back */
            continue;
        store_begin(gw->store);
        rc = delivery_report(d, c, &r, e);
        store_end(gw->store);
        arena_reset(gw->arena);
    }
    c->credit = 0; /* what is credited comes from the plugin */
    late_void(d, c);
    if (x.n)
        log_event(gw->log, HILO_LOG_WARN, "delivery.in_doubt", "channel=%.*s messages=%u policy=%s",
                  STR_FMT(c->name), x.n, c->policy == POLICY_RESEND ? "resend" : "hold");
    free(x.id);
    if (rc == HILO_OK)
        rc = parts_recover(gw, c, e);
    if (rc == HILO_OK) {
        rc = store_record(gw->store, TABLE_CHANNEL, key_str(&k), &rec_desc_channel, gw->arena, &paused, e);
        if (rc == HILO_OK) {
            c->paused = true;
            (void)snprintf(c->why, sizeof c->why, "%.*s", STR_FMT(paused.reason));
        }
        if (rc == HILO_NOTFOUND)
            rc = HILO_OK;
    }
    return rc;
}

/* In flight on a channel that is not configured any more: nobody else will see to it. It is in
 * doubt by the policy that it was accepted with, and where it is to be resent, it waits for the
 * channel or its expiry. */
static int32_t recover_removed(struct delivery *d, struct err *e)
{
    struct gateway *gw = d->gw;
    struct ids x = {0};
    unsigned n = 0;
    int32_t rc = store_scan(gw->store, TABLE_IN_FLIGHT, (struct hilo_str){0}, (struct hilo_str){0}, false,
                            ids_of_keys, &x, e);

    for (unsigned i = 0; i < x.n && rc == HILO_OK; i++) {
        struct key k = key_of_id(x.id[i]);
        struct rec_message m;
        int64_t now = clock_wall_us();
        rc = store_record(gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, gw->arena, &m, e);
        if (rc == HILO_CORRUPT || rc == HILO_NOTFOUND) {
            delivery_unreadable(d, "msg", x.id[i], e);
            rc = HILO_OK;
            continue;
        }
        if (rc != HILO_OK || gateway_channel(gw, m.channel))
            continue;
        const struct ev_message_reported ev = {.id = x.id[i],
                                               .status = HILO_STATUS_IN_DOUBT,
                                               .reason = STR("channel_removed"),
                                               .detail = STR("in flight when its channel was removed"),
                                               .attempts = m.attempts,
                                               .part = m.part};
        const struct ev_message_requeued again = {.id = x.id[i], .due = (uint64_t)now};
        store_begin(gw->store);
        rc = store_append(gw->store, &ev_desc_message_reported, &ev, &actor_core, now, NULL, e);
        if (rc == HILO_OK && m.policy == POLICY_RESEND)
            rc = store_append(gw->store, &ev_desc_message_requeued, &again, &actor_core, now, NULL, e);
        store_end(gw->store);
        n += rc == HILO_OK;
        arena_reset(gw->arena);
    }
    free(x.id);
    if (n)
        log_event(gw->log, HILO_LOG_WARN, "delivery.in_doubt",
                  "messages=%u reason=channel_removed note=\"their channels are not configured\"", n);
    /* No room even for these: they stay in flight until the next start. */
    return rc == HILO_FULL ? HILO_OK : rc;
}

int32_t delivery_adopt(struct delivery *d, struct gw_channel *c, struct err *e)
{
    int32_t rc;

    store_promise(d->gw->store, -(int64_t)c->in_flight);
    c->queued = c->in_flight = 0;
    c->paused = false;
    rc = count_waiting(d->gw, c, e);
    if (rc == HILO_OK)
        rc = recover_channel(d, c, e);
    delivery_kick(d, c);
    delivery_fetch(d, c);
    return rc;
}

int32_t delivery_new(struct gateway *gw, struct err *e, struct delivery **out)
{
    struct delivery *d = calloc(1, sizeof *d);
    int32_t rc;

    if (!d)
        check_nomem();
    d->gw = gw;
    d->end = &d->first;
    d->late_end = &d->late;
    d->timer = loop_timer_new(gw->loop, delivery_timer, d);
    d->forget_us = clock_mono_us() + FORGET_EVERY_US;
    d->expiry_us = d->schedule_us = d->near_us = 1; /* look at once */
    d->quarantine = quarantine_new();
    gw->delivery = d;
    rc = clock_start(d, e);
    if (rc == HILO_OK)
        rc = consents_new(gw, e);
    if (rc == HILO_OK)
        rc = finisher_new(d, e, &d->finisher);
    if (rc == HILO_OK)
        rc = count_waiting(gw, NULL, e);
    if (rc == HILO_OK)
        rc = count_held(gw, e);
    for (struct gw_channel *c = gw->channels; c && rc == HILO_OK; c = c->next) {
        rc = recover_channel(d, c, e);
        delivery_kick(d, c);
        delivery_fetch(d, c);
    }
    if (rc == HILO_OK)
        rc = recover_removed(d, e);
    if (rc == HILO_OK)
        rc = store_commit(gw->store, e);
    if (rc != HILO_OK) {
        delivery_free(&d);
        gw->delivery = NULL;
        return rc;
    }
    delivery_arm(d);
    *out = d;
    return HILO_OK;
}

void delivery_free(struct delivery **dp)
{
    struct delivery *d = *dp;

    if (!d)
        return;
    finisher_free(&d->finisher);
    while (d->first) {
        struct claim *claim = d->first;
        d->first = claim->next;
        free(claim);
    }
    while (d->jobs) {
        struct fetch_job *job = d->jobs;
        d->jobs = job->next;
        media_abort(&job->file);
        free(job);
    }
    late_free(d);
    for (struct gw_channel *c = d->gw->channels; c; c = c->next)
        gateway_channel_done(c);
    quarantine_free(&d->quarantine);
    consents_free(d->gw);
    loop_timer_free(&d->timer);
    loop_clock_free(&d->clock.watch);
    free(d);
    *dp = NULL;
}

/* ---- operators ---- */

int delivery_pause(struct delivery *d, const struct actor *actor, struct gw_channel *c,
                   struct hilo_str reason, struct fault *f)
{
    struct err e = {0};
    const struct ev_channel_paused ev = {.channel = c->name, .reason = str_utf8_head(reason, 150)};
    int32_t rc = store_append(d->gw->store, &ev_desc_channel_paused, &ev, actor, clock_wall_us(), NULL, &e);

    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    c->paused = true;
    (void)snprintf(c->why, sizeof c->why, "%.*s", STR_FMT(ev.reason));
    return 0;
}

int delivery_resume(struct delivery *d, const struct actor *actor, struct gw_channel *c, struct fault *f)
{
    struct err e = {0};
    const struct ev_channel_resumed ev = {.channel = c->name};
    int32_t rc = HILO_OK;

    if (c->paused)
        rc = store_append(d->gw->store, &ev_desc_channel_resumed, &ev, actor, clock_wall_us(), NULL, &e);
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    if (c->plug)
        channel_mended(c->plug);
    c->paused = c->stopped = false;
    c->held_until_us = c->down_backoff_us = 0;
    c->why[0] = '\0';
    delivery_kick(d, c);
    delivery_fetch(d, c);
    return 0;
}
