/*
 * Callbacks: the statuses that were asked for with a message (sendsms' dlr-url), told by HTTP
 * GET. What is to be told stands in the store (table CALLBACK) from the event on that brought
 * it, so it survives a restart and may come twice then. A message's callbacks are made in their
 * order, one after the other; those of several messages side by side.
 *
 * Taken is what is answered 2xx or 3xx. A 4xx is not asked again, but 408, 425 and 429; what comes
 * to nothing else is tried again for a day, then given up (log: callback.given_up). [core]
 */
#ifndef SERVICES_CALLBACKS_H
#define SERVICES_CALLBACKS_H

#include "services/gateway.h"

struct callbacks; /* opaque */

enum { CALLBACKS_IN_FLIGHT = 64, CALLBACKS_TIMEOUT_MS = 30000 };

int32_t callbacks_new(struct gateway *, struct err *, struct callbacks **out);
/* Those under way are made again after the next start. */
void callbacks_free(struct callbacks **);

/* Each turn, before the commit: writes down what came of them. */
int32_t callbacks_note(struct callbacks *, struct err *);
/* Each turn, after the commit: makes what is due. */
int32_t callbacks_turn(struct callbacks *, struct err *);

struct callbacks_counts {
    uint64_t taken, retried, given_up; /* since the start */
    unsigned in_flight;
};
void callbacks_counts(const struct callbacks *, struct callbacks_counts *out);

/* The wait before the next attempt after so many, with up to a fifth more by random; -1: there is none. */
int64_t callbacks_wait_us(uint64_t attempts, uint64_t random);

#endif
