/*
 * How fast a channel may send: a token bucket for the channel and one for each
 * conversation (a pair of business and recipient), in memory, by the monotonic clock.
 *
 * A bucket is one instant, when it will be full again if nothing is taken: taking a
 * token moves it by one interval, and there is none while it lies further ahead than
 * the burst allows (GCRA, ITU-T I.371). Buckets begin empty but for one token, as what
 * was sent before the start is not known; those that are full again are forgotten.
 *
 * Messages that their pair's bucket holds back are remembered until it has a token, so
 * that looking for what is due passes over them. [core]
 */
#ifndef SERVICES_PACE_H
#define SERVICES_PACE_H

#include <hilo/types.h>
#include <stdbool.h>

struct pace; /* opaque */

/* interval_us 0: no limit. burst 0 counts as 1. */
struct pace_rule {
    int64_t interval_us;
    uint32_t burst;
};

struct pace *pace_new(int64_t now_us);
void pace_free(struct pace **);

/* The channel's: so many tokens are there now, at most max; *next_us: when there will be
 * a handful more. */
unsigned pace_room(struct pace *, struct pace_rule, unsigned max, int64_t now_us, int64_t *next_us);
/* When n of them are there, or as many as the burst allows: now or earlier if they are. */
int64_t pace_at(struct pace *, struct pace_rule, unsigned n, int64_t now_us);
/* Takes n. More than are there are owed: the next token comes so much later. */
void pace_take(struct pace *, struct pace_rule, unsigned n, int64_t now_us);
/* The peer throttled everything until then: the bucket is empty until that, and its
 * interval is doubled, up to 16 times, until as many sends as fill a second were taken
 * by the peer without another complaint. */
void pace_rest(struct pace *, struct pace_rule, int64_t until_us, int64_t now_us);
void pace_sent(struct pace *, struct pace_rule, int64_t now_us);

/* A conversation's: now or earlier if there is a token, else when. */
int64_t pace_pair_at(struct pace *, struct pace_rule, struct hilo_id conversation, int64_t now_us);
void pace_pair_take(struct pace *, struct pace_rule, struct hilo_id conversation, int64_t now_us);
/* Empty until then. */
void pace_pair_rest(struct pace *, struct pace_rule, struct hilo_id conversation, int64_t until_us,
                    int64_t now_us);

/* This message waits for its pair until then. */
void pace_hold(struct pace *, struct hilo_id message, int64_t until_us);
bool pace_held(struct pace *, struct hilo_id message, int64_t now_us);
/* Forgets those whose time has come; when the first of the others' comes, 0: none. */
int64_t pace_held_next(struct pace *, int64_t now_us);

/* How many messages are held, and how many conversations have a bucket. */
unsigned pace_held_count(const struct pace *);
unsigned pace_pairs_count(const struct pace *);

#endif
