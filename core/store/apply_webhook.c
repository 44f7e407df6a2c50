/*
 * Apply: webhooks. An endpoint's cursor moves on by webhook.progress; a customer whose event
 * failed there is parked: its record says when the first of its events is due again, and the
 * events themselves wait by their sequences.
 */
#include "store/apply.h"
#include "base/str.h"

static int32_t webhook__get(struct apply *a, struct hilo_id id, struct key *k, struct rec_webhook *r)
{
    *k = key_of_id(id);
    return apply__get(a, TABLE_WEBHOOK, k, &rec_desc_webhook, r) == HILO_OK
               ? HILO_OK
               : apply__wrong(a, "no such webhook");
}

static int32_t webhook__put(struct apply *a, const struct key *k, struct rec_webhook *r)
{
    apply__put(a, TABLE_WEBHOOK, k, &rec_desc_webhook, r);
    return HILO_OK;
}

int32_t apply__webhook_created(struct apply *a, const struct ev_webhook_created *e)
{
    struct key k = key_of_id(e->id);
    struct rec_webhook r = {.url = e->url,
                            .types = e->types,
                            .description = e->description,
                            .scopes = e->scopes,
                            .secret = e->secret,
                            .created = (uint64_t)a->event->head.time_us,
                            .changed = (uint64_t)a->event->head.time_us,
                            .cursor = a->event->head.seq};

    return webhook__put(a, &k, &r);
}

int32_t apply__webhook_updated(struct apply *a, const struct ev_webhook_updated *e)
{
    struct rec_webhook r;
    struct key k;
    int32_t rc = webhook__get(a, e->id, &k, &r);

    if (rc != HILO_OK)
        return rc;
    if (e->set & 1)
        r.url = e->url;
    if (e->set & 2) {
        r.types = e->types;
        r.scopes = e->scopes;
    }
    if (e->set & 4)
        r.description = e->description;
    r.changed = (uint64_t)a->event->head.time_us;
    return webhook__put(a, &k, &r);
}

int32_t apply__webhook_rotated(struct apply *a, const struct ev_webhook_rotated *e)
{
    struct rec_webhook r;
    struct key k;
    int32_t rc = webhook__get(a, e->id, &k, &r);

    if (rc != HILO_OK)
        return rc;
    r.old_secret = e->until ? r.secret : (struct hilo_str){0};
    r.old_until = e->until;
    r.secret = e->secret;
    r.changed = (uint64_t)a->event->head.time_us;
    return webhook__put(a, &k, &r);
}

int32_t apply__webhook_enabled(struct apply *a, const struct ev_webhook_enabled *e)
{
    struct rec_webhook r;
    struct key k;
    int32_t rc = webhook__get(a, e->id, &k, &r);

    if (rc != HILO_OK)
        return rc;
    r.disabled = r.attempts = r.since = r.due = 0;
    r.reason = r.detail = (struct hilo_str){0};
    r.changed = (uint64_t)a->event->head.time_us;
    return webhook__put(a, &k, &r);
}

int32_t apply__webhook_disabled(struct apply *a, const struct ev_webhook_disabled *e)
{
    struct rec_webhook r;
    struct key k;
    int32_t rc = webhook__get(a, e->id, &k, &r);

    if (rc != HILO_OK)
        return rc;
    r.disabled = r.changed = (uint64_t)a->event->head.time_us;
    r.reason = e->reason;
    r.detail = e->detail;
    return webhook__put(a, &k, &r);
}

int32_t apply__webhook_deleted(struct apply *a, const struct ev_webhook_deleted *e)
{
    struct rec_webhook r;
    struct key k;
    int32_t rc = webhook__get(a, e->id, &k, &r);

    if (rc == HILO_OK)
        rc = apply__del_all(a, TABLE_WEBHOOK_PARKED, &k);
    if (rc == HILO_OK)
        rc = apply__del_all(a, TABLE_WEBHOOK_WAITING, &k);
    if (rc == HILO_OK)
        apply__del(a, TABLE_WEBHOOK, &k);
    return rc;
}

int32_t apply__webhook_progress(struct apply *a, const struct ev_webhook_progress *e)
{
    struct rec_webhook r;
    struct key k;
    int32_t rc = webhook__get(a, e->id, &k, &r);

    if (rc != HILO_OK)
        return rc;
    if (e->seq < r.cursor || e->seq >= a->event->head.seq)
        return apply__wrong(a, "the cursor would go back, or beyond the event itself");
    r.cursor = e->seq;
    return webhook__put(a, &k, &r);
}

int32_t apply__webhook_failing(struct apply *a, const struct ev_webhook_failing *e)
{
    struct rec_webhook r;
    struct key k;
    int32_t rc = webhook__get(a, e->id, &k, &r);

    if (rc != HILO_OK)
        return rc;
    if (e->attempts == 0)
        r.since = 0;
    else if (r.attempts == 0)
        r.since = (uint64_t)a->event->head.time_us;
    r.attempts = e->attempts;
    r.due = e->due;
    r.detail = e->detail;
    return webhook__put(a, &k, &r);
}

/* ---- what is parked ---- */

int32_t apply__webhook_parked(struct apply *a, const struct ev_webhook_parked *e)
{
    struct rec_webhook w;
    struct rec_parked r = {0};
    struct key k, parked = key_pair(e->id, e->customer);
    int32_t rc = webhook__get(a, e->id, &k, &w);

    if (rc == HILO_OK)
        rc = apply__get(a, TABLE_WEBHOOK_PARKED, &parked, &rec_desc_parked, &r);
    if (rc != HILO_OK && rc != HILO_NOTFOUND)
        return rc;
    if (rc == HILO_NOTFOUND && (e->seq == 0 || e->attempts == 0))
        return apply__wrong(a, "the customer is not parked there");
    if (e->seq) {
        struct key waiting = key_waiting(e->id, e->customer, e->seq);
        struct hilo_str val;
        if (apply__raw(a, TABLE_WEBHOOK_WAITING, &waiting, &val) == HILO_OK)
            return apply__wrong(a, "the event waits there already");
        apply__put_raw(a, TABLE_WEBHOOK_WAITING, &waiting, (struct hilo_str){0});
        r.waiting++;
    }
    if (e->attempts) {
        if (r.attempts == 0)
            r.since = (uint64_t)a->event->head.time_us;
        r.attempts = e->attempts;
        r.due = e->due;
        r.detail = e->detail;
    }
    apply__put(a, TABLE_WEBHOOK_PARKED, &parked, &rec_desc_parked, &r);
    return HILO_OK;
}

int32_t apply__webhook_settled(struct apply *a, const struct ev_webhook_settled *e)
{
    struct rec_webhook w;
    struct rec_parked r;
    struct hilo_str val;
    struct key k, parked = key_pair(e->id, e->customer), waiting = key_waiting(e->id, e->customer, e->seq);
    int32_t rc = webhook__get(a, e->id, &k, &w);

    if (rc == HILO_OK)
        rc = apply__get(a, TABLE_WEBHOOK_PARKED, &parked, &rec_desc_parked, &r);
    if (rc != HILO_OK || r.waiting == 0 || apply__raw(a, TABLE_WEBHOOK_WAITING, &waiting, &val) != HILO_OK)
        return apply__wrong(a, "the event does not wait there");
    apply__del(a, TABLE_WEBHOOK_WAITING, &waiting);
    if (--r.waiting == 0) {
        apply__del(a, TABLE_WEBHOOK_PARKED, &parked);
    } else { /* the next one begins anew */
        r = (struct rec_parked){.waiting = r.waiting};
        apply__put(a, TABLE_WEBHOOK_PARKED, &parked, &rec_desc_parked, &r);
    }
    if (e->given_up.n) {
        w.given_up++;
        return webhook__put(a, &k, &w);
    }
    return HILO_OK;
}
