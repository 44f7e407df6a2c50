/* When a failed delivery is tried again (Standard Webhooks 1.0). Pure. [any] */
#ifndef SERVICES_OUTBOX_TIME_H
#define SERVICES_OUTBOX_TIME_H

#include <hilo/types.h>

enum { OUTBOX_ATTEMPTS = 10 };

/* The wait after so many failed attempts (1: after the first): 5 s, 5 min, 30 min, 2 h, 5 h, 10 h,
 * 14 h, 20 h, 24 h, each with up to a fifth more by random (any number), so that what failed together
 * doesn't come together. -1: there is no next attempt. */
int64_t outbox_retry_us(uint64_t attempts, uint64_t random);

/* What Retry-After asks for, seconds or an HTTP date, from now on; at most a day, at least 0. -1: it
 * is empty, or neither. */
int64_t outbox_retry_after_us(const char *value, int64_t wall_us);

#endif
