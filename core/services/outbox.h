/*
 * The outbox: events out of the gateway as webhooks (Standard Webhooks 1.0, CloudEvents 1.0). A
 * thread of its own reads the journal for each endpoint and posts; what it comes to (how far, who
 * is parked, who fails) it hands to the core, which writes it down as events, in that order.
 *
 * At least once: an event may come twice, by the same webhook-id and with the same body. In the
 * order in which a customer's events happened: the next leaves when the one before was acknowledged or
 * given up. Several customers' leave side by side.
 *
 * One customer's event that fails is parked with all that follows it of hers, durably, and tried
 * again by the schedule (outbox_time.h); the others go on. An endpoint that fails as a whole (no
 * connection; OUTBOX_ROW failures without one success) is not read for, and tried again by the same
 * schedule, at last disabled. Memory is bounded: what is unacknowledged by OUTBOX_UNSETTLED and
 * OUTBOX_BYTES, the parked customers by OUTBOX_PARKED, and what waits of theirs stands in
 * the store; beyond it the endpoint is not read for.
 *
 * [core] unless it says otherwise.
 */
#ifndef SERVICES_OUTBOX_H
#define SERVICES_OUTBOX_H

#include "base/hist.h"
#include "services/gateway.h"

struct outbox; /* opaque */

enum {
    OUTBOX_UNSETTLED = 1024,  /* deliveries in memory, of an endpoint */
    OUTBOX_BYTES = 8 << 20,   /* of their bodies */
    OUTBOX_AHEAD = 1 << 18,   /* deliveries between the first without an answer and the last */
    OUTBOX_PARKED = 10000,    /* customers parked at an endpoint */
    OUTBOX_WAITING = 1000000, /* events that wait behind theirs */
    OUTBOX_ROW = 16,          /* failures of customers in a row: it is the endpoint that fails */
    OUTBOX_PROBES = 4,        /* customers tried at once whether it still does */
    OUTBOX_ENDPOINTS = 50
};

struct outbox_options {
    struct gateway *gw;
    int64_t timeout_us;   /* of one delivery */
    uint32_t connections; /* deliveries at once, of an endpoint */
    const char *ca_file;  /* NULL: the system's authorities */
    /* A test's outcome; outcome as in outbox_conn.h, -1: the endpoint was deleted meanwhile. */
    void (*tested)(void *arg, uint64_t token, int32_t outcome, uint32_t status, const char *words,
                   int64_t us);
    void *arg;
};

/* Reads what endpoints there are, and starts. */
int32_t outbox_new(const struct outbox_options *, struct err *, struct outbox **out);
/* No delivery is begun any more; those under way end. */
void outbox_drain(struct outbox *);
bool outbox_drained(struct outbox *);
void outbox_free(struct outbox **);

/* An endpoint's record was made, changed or deleted. */
void outbox_changed(struct outbox *, struct hilo_id webhook);
/* Posts a webhook.test there, whether it is enabled or not; then tested(). */
void outbox_test(struct outbox *, struct hilo_id webhook, uint64_t token);

/* By what an attempt came to, for metrics. */
enum outbox_count {
    OUTBOX_COUNT_OK,
    OUTBOX_COUNT_3XX,
    OUTBOX_COUNT_4XX,
    OUTBOX_COUNT_5XX,
    OUTBOX_COUNT_UNREACHABLE,
    OUTBOX_COUNT_LOST,
    OUTBOX_COUNTS
};

struct outbox_status {
    struct hilo_id id;
    bool enabled;
    uint64_t attempts;    /* it fails as a whole: tries; 0: it doesn't */
    int64_t next_us;      /* wall: of the next try; 0 */
    bool broken;          /* the journal could not be read for it */
    uint64_t low;         /* all up to this sequence is acknowledged, given up or parked */
    uint64_t lag_events;  /* on disk beyond it */
    int64_t lag_since_us; /* wall: when the first event without an answer happened; 0: none */
    uint64_t in_flight, unsettled;
    uint64_t parked, waiting; /* customers, and their events */
    uint64_t given_up;        /* since the start */
    uint64_t count[OUTBOX_COUNTS];
    struct hist took;      /* hist_time_us: of those answered */
    int64_t ok_us, bad_us; /* wall: the last delivered, and failed; 0: none since the start */
    char bad_words[200];
};

/* false: no such endpoint is there (yet). */
bool outbox_status(struct outbox *, struct hilo_id webhook, struct outbox_status *out);
/* All of them; fn must not call the outbox. */
void outbox_each(struct outbox *, void (*fn)(void *arg, const struct outbox_status *), void *arg);
uint64_t outbox_connections(const struct outbox *);         /* made since the start */
uint64_t outbox_disabled(const struct outbox *, bool gone); /* by itself: gone (410) or failing */

#endif
