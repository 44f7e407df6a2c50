/*
 * Token buckets by key, in bounded memory; the time is the caller's. Each is one instant (GCRA: when it would
 * be full again), so a bucket that is full needs no memory. When all places are taken, the one that is
 * nearest to full gives way: whoever fills the table with keys of his own gains no more than that one's debt.
 * [own] loop.
 */
#ifndef POS_BUCKETS_H
#define POS_BUCKETS_H

#include <hilo/types.h>

struct pos_rate {
    int64_t interval_us; /* one token each; 0: no limit */
    uint32_t burst;      /* tokens of a full bucket; at least 1 */
};

struct pos_buckets; /* opaque */
/* places: how many buckets at most, 1 or more. NULL: no memory. */
struct pos_buckets *pos_buckets_new(uint32_t places);
void pos_buckets_free(struct pos_buckets **);

/* 0: there is a token; else for how many µs there is none. Takes nothing. */
int64_t pos_buckets_wait(const struct pos_buckets *, struct hilo_str key, struct pos_rate, int64_t now_us);
/* Takes one, also where there is none (the bucket then owes at most one burst more). */
void pos_buckets_take(struct pos_buckets *, struct hilo_str key, struct pos_rate, int64_t now_us);
/* Buckets that are not full; those that may be forgotten are counted until their place is needed. */
uint32_t pos_buckets_used(const struct pos_buckets *);

#endif
