/*
 * How often people may be looked up: by each terminal and by each clerk. Pure but for its own memory, which
 * is bounded; the clock (monotonic, µs) is passed in. [own] loop.
 *
 * A clerk is known by the name that a terminal gives, within its store: a bucket of clerks is the second
 * limit, the terminal's is the one that nobody can talk himself out of.
 */
#ifndef POS_LIMITS_H
#define POS_LIMITS_H

#include "buckets.h"

#include <hilo/types.h>

struct pos_limits_conf {
    struct pos_rate terminal, clerk;
};
enum pos_limited { POS_LIMITED_NOT = 0, POS_LIMITED_TERMINAL, POS_LIMITED_CLERK };

struct pos_limits; /* opaque */
/* NULL: no memory. */
struct pos_limits *pos_limits_new(const struct pos_limits_conf *);
void pos_limits_free(struct pos_limits **);
/* New rates from now on; what was taken stays taken. */
void pos_limits_set(struct pos_limits *, const struct pos_limits_conf *);

/* One look-up. POS_LIMITED_NOT: it may go on, and a token of each was taken. Else nothing was taken, and in
 * *retry_us_out is how long until it may (-32003, data.retry_after_ms). clerk may be empty: then the
 * terminal's limit alone. */
enum pos_limited pos_limits_take(struct pos_limits *, struct hilo_str store, struct hilo_str terminal,
                                 struct hilo_str clerk, int64_t now_us, int64_t *retry_us_out);

#endif
