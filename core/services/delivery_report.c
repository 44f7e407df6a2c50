/*
 * What becomes of a message after an attempt: the decisions on reports.
 *
 *   OK        sent, or the next of its parts is due
 *   AGAIN     again later, no attempt counted; by its scope the recipient or the channel
 *             rests with it
 *   TEMP      again after a backoff, while there are attempts
 *   PERM      failed
 *   IN_DOUBT  held for a receipt until it expires, or queued again, by its policy
 *   DOWN      back to the queue, and the channel rests
 *   CONFIG    back to the queue, and the channel stops until an operator acts
 */
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "model/table.h"
#include "services/delivery_queue.h"
#include "store/keys.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXT_ID = 512 }; /* bytes of a provider's id that are kept */
static const int64_t AGAIN_US = 1000000, DOWN_MIN_US = 1000000, DOWN_MAX_US = 60000000;

/* What else was in flight says the same: that doubles no wait and shortens none. */
static void channel_rest(struct gw_channel *c, int64_t retry_after_us)
{
    int64_t now = clock_mono_us(), until;

    if (c->held_until_us <= now || c->down_backoff_us == 0) {
        c->down_backoff_us = c->down_backoff_us ? 2 * c->down_backoff_us : DOWN_MIN_US;
        if (c->down_backoff_us > DOWN_MAX_US)
            c->down_backoff_us = DOWN_MAX_US;
    }
    until = now + (retry_after_us > 0 ? retry_after_us : c->down_backoff_us);
    if (until > c->held_until_us)
        c->held_until_us = until;
}

static void channel_stop(struct delivery *d, struct gw_channel *c, const struct hilo_report *r)
{
    c->stopped = true;
    (void)snprintf(c->why, sizeof c->why, "%.*s: %.*s", STR_FMT(r->reason),
                   STR_FMT(str_utf8_head(r->detail, 120)));
    log_event(
        d->gw->log, HILO_LOG_ERROR, "channel.stopped",
        "channel=%.*s reason=%s provider_code=%s detail=%s next=\"mend it, then: hilo channels resume\"",
        STR_FMT(c->name), LOG_WORD(r->reason), LOG_WORD(r->provider_code), LOG_VALUE(r->detail));
}

/* Fills the event's status, due, attempts, part and untaken. */
static void decide(struct delivery *d, struct gw_channel *c, const struct hilo_report *r,
                   const struct rec_message *m, struct ev_message_reported *ev)
{
    int64_t wait = 0;

    ev->attempts = m->attempts;
    ev->part = m->part;
    switch (r->code) {
    case HILO_OK:
        ev->part = m->part + 1;
        ev->status = HILO_STATUS_SENT;
        if (m->parts > 1 && ev->part < m->parts) {
            ev->status = HILO_STATUS_QUEUED;
            ev->attempts = 0;
        }
        c->down_backoff_us = 0;
        break;
    case HILO_AGAIN:
    case HILO_DOWN:
    case HILO_CONFIG:
        ev->status = HILO_STATUS_QUEUED;
        ev->attempts = m->attempts ? m->attempts - 1 : 0;
        /* Where the channel as a whole waits, the message keeps its place; asked back, too: it
         * is looked at again at once. */
        if (r->code == HILO_AGAIN && str_eqz(r->reason, "revoked"))
            wait = 0;
        else if (r->code == HILO_AGAIN && r->scope != HILO_SCOPE_CHANNEL)
            wait = r->retry_after_us > 0 ? r->retry_after_us : AGAIN_US;
        else if (r->code == HILO_CONFIG && !c->stopped)
            channel_stop(d, c, r);
        else if (r->code != HILO_CONFIG)
            channel_rest(c, r->retry_after_us);
        break;
    case HILO_IN_DOUBT:
        ev->status = HILO_STATUS_IN_DOUBT;
        break;
    case HILO_TEMP:
        if ((int64_t)m->attempts < c->max_attempts) {
            ev->status = HILO_STATUS_QUEUED;
            wait = delivery_backoff(c->retry_min_us, c->retry_max_us, m->attempts);
            if (r->retry_after_us > wait)
                wait = r->retry_after_us;
        } else {
            ev->status = HILO_STATUS_FAILED;
        }
        if (r->scope == HILO_SCOPE_CHANNEL)
            channel_rest(c, r->retry_after_us);
        break;
    default:
        ev->status = HILO_STATUS_FAILED;
        break;
    }
    /* It rang and nobody took it; or what rang has died, and nobody knows whether she heard it. */
    ev->untaken = m->status == HILO_STATUS_SENT &&
                  ((r->code == HILO_TEMP && (r->flags & HILO_REPORT_UNTAKEN)) ||
                   (r->code == HILO_IN_DOUBT && c->able && (c->able->flags & HILO_ABLE_SPOKEN)));
    bool keeps_place = wait == 0 && r->code != HILO_OK;
    ev->due = keeps_place ? m->due : (uint64_t)(delivery_due_now(d) + wait);
    if (ev->status == HILO_STATUS_QUEUED && (int64_t)m->expires <= delivery_end_now(d)) {
        struct hilo_str reason;
        ev->status = delivery_overdue(m, &reason);
        if (ev->reason.n == 0 || ev->status == HILO_STATUS_FAILED)
            ev->reason = reason;
    }
}

/* Where the message stands now decides, not what the report alone would have made of it:
 * a receipt may have been faster, or have waited for the id that the report brought. */
static void count(struct delivery *d, struct gw_channel *c, const struct rec_message *m)
{
    c->in_flight--;
    store_promise(d->gw->store, -1);
    c->credit++;
    if (m->place == PLACE_DUE) {
        c->queued++;
        delivery_expiry(d, (int64_t)m->expires);
    } else if (m->place == PLACE_HELD) {
        c->in_doubt++;
        c->came_to[HILO_STATUS_IN_DOUBT]++;
        d->gw->held++;
        delivery_expiry(d, (int64_t)m->expires);
    } else if (m->status == HILO_STATUS_SENT || m->status == HILO_STATUS_DELIVERED ||
               m->status == HILO_STATUS_READ) {
        c->sent++;
        c->came_to[HILO_STATUS_SENT]++;
    } else {
        c->failed += m->status == HILO_STATUS_FAILED;
        c->came_to[m->status < GW_STATUSES ? m->status : 0]++;
    }
}

static unsigned outcome(int32_t code)
{
    switch (code) {
    case HILO_OK:
        return GW_REPORT_SENT;
    case HILO_AGAIN:
        return GW_REPORT_AGAIN;
    case HILO_TEMP:
        return GW_REPORT_TEMP;
    case HILO_IN_DOUBT:
        return GW_REPORT_IN_DOUBT;
    case HILO_DOWN:
        return GW_REPORT_DOWN;
    case HILO_CONFIG:
        return GW_REPORT_CONFIG;
    default:
        return GW_REPORT_PERM;
    }
}

/* The claim was its last step, unless it was in doubt before. */
static void measure(struct gw_channel *c, const struct hilo_report *r, const struct rec_message *m,
                    int64_t now)
{
    c->reported[outcome(r->code)]++;
    if (m->status == HILO_STATUS_QUEUED && now > (int64_t)m->status_time)
        hist_add(&c->answered, hist_time_us, (uint64_t)(now - (int64_t)m->status_time));
}

/* The ids of the others of one send that was several. */
static struct hilo_str more_ids(const struct hilo_report *r, struct arena *a)
{
    struct hilo_writer w;

    if (r->n_more_ext_ids == 0)
        return (struct hilo_str){0};
    arena_writer(a, &w);
    for (uint64_t i = 0; i < r->n_more_ext_ids; i++)
        hilo_put_str(&w, 1, str_utf8_head(r->more_ext_ids[i], EXT_ID));
    return hilo_written(&w);
}

static int32_t report_write(struct delivery *d, struct gw_channel *c, const struct hilo_report *r,
                            struct err *e)
{
    struct gateway *gw = d->gw;
    int64_t now = clock_wall_us();
    struct rec_message m;
    struct key k = key_of_id(r->id);
    char id[ID_TEXT];
    int32_t rc = store_record(gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, gw->arena, &m, e);

    id_format("msg", r->id, id);
    if (rc == HILO_CORRUPT) {
        delivery_unreadable(d, "msg", r->id, e);
        return HILO_OK; /* it stays in flight; what would be decided on can't be read */
    }
    if (rc == HILO_NOTFOUND ||
        (rc == HILO_OK && (m.place != PLACE_IN_FLIGHT || !str_eq(m.channel, c->name)))) {
        log_event(gw->log, HILO_LOG_WARN, "delivery.report_ignored", "channel=%.*s id=%s code=\"%s\"",
                  STR_FMT(c->name), id, err_name(r->code));
        return HILO_OK;
    }
    if (rc != HILO_OK)
        return rc;
    bool left = r->code == HILO_OK || r->code == HILO_PERM || r->code == HILO_IN_DOUBT;
    struct ev_message_reported ev = {.id = r->id,
                                     .ext_id = left ? str_utf8_head(r->ext_id, EXT_ID) : (struct hilo_str){0},
                                     .more = left ? more_ids(r, gw->arena) : (struct hilo_str){0},
                                     .reason = str_utf8_head(r->reason, 64),
                                     .provider_code = str_utf8_head(r->provider_code, 64),
                                     .detail = str_utf8_head(r->detail, 300)};
    decide(d, c, r, &m, &ev);
    pacing_report(c, r, &m);
    measure(c, r, &m, now);
    const struct actor actor = {.kind = ACTOR_CHANNEL};
    rc = store_append(gw->store, &ev_desc_message_reported, &ev, &actor, now, NULL, e);
    if (rc != HILO_OK)
        return rc;
    rc = store_record(gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, gw->arena, &m, e);
    if (rc != HILO_OK)
        return rc;
    count(d, c, &m);
    c->retries += r->code == HILO_TEMP && ev.status == HILO_STATUS_QUEUED;
    if (m.place == PLACE_HELD && m.policy == POLICY_RESEND) {
        const struct ev_message_requeued again = {
            .id = r->id,
            .due = (uint64_t)(delivery_due_now(d) +
                              delivery_backoff(c->retry_min_us, c->retry_max_us, m.attempts))};
        rc = store_append(gw->store, &ev_desc_message_requeued, &again, &actor_core, now, NULL, e);
        if (rc != HILO_OK)
            return rc;
        c->queued++;
        gw->held--;
    }
    log_event(gw->log, ev.status == HILO_STATUS_FAILED ? HILO_LOG_INFO : HILO_LOG_DEBUG, "message.reported",
              "id=%s channel=%.*s status=%s attempt=%" PRIu64 " reason=%s", id, STR_FMT(c->name),
              model_value_text(MODEL_E_STATUS, ev.status), m.attempts, LOG_WORD(ev.reason));
    delivery_kick(d, c);
    return HILO_OK;
}

/* ---- reports that had no room ---- */

static struct hilo_str late_word(char **at, struct hilo_str s, size_t max)
{
    struct hilo_str kept = str_utf8_head(s, max);

    if (kept.n)
        memcpy(*at, kept.p, (size_t)kept.n);
    kept.p = *at;
    *at += kept.n;
    return kept;
}

/* Behind the words, aligned: the ids of several, and their letters. */
static void late_ids(struct late_report *l, char *at, const struct hilo_report *r)
{
    struct hilo_str *more = (struct hilo_str *)(void *)(at + (-(uintptr_t)at & (sizeof(void *) - 1)));

    at = (char *)(more + r->n_more_ext_ids);
    for (uint64_t i = 0; i < r->n_more_ext_ids; i++)
        more[i] = late_word(&at, r->more_ext_ids[i], EXT_ID);
    l->r.more_ext_ids = more;
}

/* What happened to a message is known only once: it waits here, its message in flight in
 * the store, until the disk has room. If the gateway ends before, it is in doubt. */
static void late_keep(struct delivery *d, struct gw_channel *c, const struct hilo_report *r)
{
    enum { WORD = 64, DETAIL = 300 };
    struct late_report *l;
    size_t size = sizeof *l + EXT_ID + 2 * WORD + DETAIL + sizeof(void *);

    for (uint64_t i = 0; i < r->n_more_ext_ids; i++)
        size += sizeof *r->more_ext_ids + (size_t)str_utf8_head(r->more_ext_ids[i], EXT_ID).n;
    l = calloc(1, size);
    if (!l)
        check_nomem();
    char *at = l->words;
    l->channel = c;
    l->r = *r;
    l->r.ext_id = late_word(&at, r->ext_id, EXT_ID);
    l->r.reason = late_word(&at, r->reason, WORD);
    l->r.provider_code = late_word(&at, r->provider_code, WORD);
    l->r.detail = late_word(&at, r->detail, DETAIL);
    late_ids(l, at, r);
    *d->late_end = l;
    d->late_end = &l->next;
}

static bool is_late(const struct delivery *d, struct hilo_id id)
{
    for (const struct late_report *l = d->late; l; l = l->next)
        if (id_eq(l->r.id, id))
            return true;
    return false;
}

int32_t late_write(struct delivery *d, struct err *e)
{
    int32_t rc = HILO_OK;

    while (d->late && rc == HILO_OK) {
        struct late_report *l = d->late;
        uint32_t credit = l->channel->credit;
        store_begin(d->gw->store);
        rc = report_write(d, l->channel, &l->r, e);
        store_end(d->gw->store);
        if (rc != HILO_OK)
            break;
        if (l->voided)
            l->channel->credit = credit;
        d->late = l->next;
        if (!d->late)
            d->late_end = &d->late;
        free(l);
    }
    return rc;
}

void late_void(struct delivery *d, const struct gw_channel *c)
{
    for (struct late_report *l = d->late; l; l = l->next)
        l->voided |= l->channel == c;
}

void late_free(struct delivery *d)
{
    while (d->late) {
        struct late_report *l = d->late;
        d->late = l->next;
        free(l);
    }
}

int32_t delivery_report(struct delivery *d, struct gw_channel *c, const struct hilo_report *r, struct err *e)
{
    if (r->code != HILO_IN_DOUBT)
        quarantine_forget(d->quarantine, r->id);
    int32_t rc = report_write(d, c, r, e);

    if (rc != HILO_FULL)
        return rc;
    if (!d->late)
        log_event(d->gw->log, HILO_LOG_ERROR, "delivery.report_waits",
                  "channel=%.*s note=\"the disk is full; reports are kept in memory until it has room\"",
                  STR_FMT(c->name));
    late_keep(d, c, r);
    delivery_full(d);
    return HILO_OK;
}

static bool in_queue(uint64_t place)
{
    return place == PLACE_DUE || place == PLACE_WAITING || place == PLACE_SCHEDULED;
}

void delivery_moved(struct delivery *d, struct gw_channel *c, struct hilo_id id, uint64_t place_before,
                    uint64_t status)
{
    char text[ID_TEXT];
    struct rec_message m;
    struct key k = key_of_id(id);
    struct err e = {0};

    id_format("msg", id, text);
    log_event(d->gw->log, HILO_LOG_DEBUG, "message.receipt", "id=%s channel=%.*s status=%s", text,
              STR_FMT(c->name), status ? model_value_text(MODEL_E_STATUS, status) : "of_a_segment");
    if (store_record(d->gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, d->gw->arena, &m, &e) !=
        HILO_OK)
        return;
    d->gw->held -= place_before == PLACE_HELD && m.place != PLACE_HELD;
    d->gw->held += place_before != PLACE_HELD && m.place == PLACE_HELD;
    /* Sent is counted by the report, if there is one. */
    if (status && status < GW_STATUSES && (status != HILO_STATUS_SENT || place_before == PLACE_HELD))
        c->came_to[status]++;
    bool was = in_queue(place_before), is = in_queue(m.place);
    if (was && !is)
        c->queued--;
    else if (!was && is)
        c->queued++;
    delivery_kick(d, c);
}

struct flights {
    struct hilo_id id[256];
    unsigned n;
};

static bool flight(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct flights *f = arg;

    (void)val;
    f->id[f->n++] = key_tail_id(key);
    return f->n < 256;
}

/* Those not handed over yet are in the list of claims, and will be told so there. */
static bool still_claimed(const struct delivery *d, struct hilo_id id)
{
    for (const struct claim *c = d->first; c; c = c->next)
        if (id_eq(c->id, id))
            return true;
    return false;
}

bool delivery_out(const struct delivery *d, struct hilo_id id)
{
    return still_claimed(d, id) || is_late(d, id);
}

/* In doubt, unless it may be what the plugin dies of. */
static int32_t in_flight_at_death(struct delivery *d, struct gw_channel *c, struct hilo_id id, struct err *e)
{
    bool deadly = quarantine_death(d->quarantine, id) >= QUARANTINE_DEATHS;
    const struct hilo_report r = {.size = sizeof r,
                                  .code = deadly ? HILO_PERM : HILO_IN_DOUBT,
                                  .id = id,
                                  .reason = deadly ? STR("quarantined") : STR("channel_gone"),
                                  .detail = deadly ? STR("its plugin died three times while it was in flight")
                                                   : STR("its plugin ended without a report")};
    char text[ID_TEXT];

    id_format("msg", id, text);
    if (deadly)
        log_event(d->gw->log, HILO_LOG_ERROR, "message.quarantined", "id=%s channel=%.*s", text,
                  STR_FMT(c->name));
    return delivery_report(d, c, &r, e);
}

int32_t delivery_gone(struct delivery *d, struct gw_channel *c, struct err *e)
{
    struct flights *f = ARENA_NEW(d->gw->arena, struct flights);
    struct key prefix = key_channel(c->name), from = prefix;
    int32_t rc = HILO_OK;

    fetch_gone(d, c);
    do {
        f->n = 0;
        rc = store_scan(d->gw->store, TABLE_IN_FLIGHT, key_str(&prefix), key_str(&from), false, flight, f, e);
        for (unsigned i = 0; i < f->n && rc == HILO_OK; i++) {
            if (!delivery_out(d, f->id[i]))
                rc = in_flight_at_death(d, c, f->id[i], e);
            from = key_channel_id(c->name, f->id[i]);
            key_u8(&from, 0); /* behind it */
        }
    } while (f->n == 256 && rc == HILO_OK);
    c->credit = 0;
    late_void(d, c);
    return rc;
}
