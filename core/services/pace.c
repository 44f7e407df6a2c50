/*
 * Token buckets. Memory: a pair's bucket is kept while it is not full, so there are about
 * as many as messages were sent in one interval; PAIRS_MAX is for channels without a rate.
 */
#include "services/pace.h"
#include "base/check.h"
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum { PAIRS_MAX = 1 << 18, SLOW_MAX = 4, SENT_MIN = 16 };
/* Tokens for so long are waited for together; a channel without a rate that is throttled
 * begins at this interval. */
static const int64_t HANDFUL_US = 20000, THROTTLED_US = 20000, SECOND_US = 1000000;

struct pair {
    struct hilo_id id;
    int64_t full_us; /* when it is full again */
    UT_hash_handle hh;
};

struct held {
    struct hilo_id id;
    int64_t until_us;
    UT_hash_handle hh;
};

struct pace {
    int64_t started_us;
    int64_t full_us;    /* of the channel's bucket */
    int64_t rest_us;    /* throttled until then */
    unsigned slow;      /* how often its interval is doubled */
    unsigned sent;      /* since the last complaint or change of slow */
    struct pair *pairs; /* the oldest first */
    struct held *held;
    int64_t held_next_us; /* no later than the first of them; 0: none */
};

struct pace *pace_new(int64_t now_us)
{
    struct pace *p = calloc(1, sizeof *p);

    if (!p)
        check_nomem();
    p->started_us = now_us;
    p->full_us = INT64_MIN; /* made by the first rule that is seen */
    return p;
}

void pace_free(struct pace **pp)
{
    struct pace *p = *pp;
    struct pair *x, *next;
    struct held *h, *after;

    *pp = NULL;
    if (!p)
        return;
    HASH_ITER(hh, p->pairs, x, next)
    {
        HASH_DEL(p->pairs, x);
        free(x);
    }
    HASH_ITER(hh, p->held, h, after)
    {
        HASH_DEL(p->held, h);
        free(h);
    }
    free(p);
}

/* How far ahead of now a bucket may be full and still have a token. */
static int64_t ahead(struct pace_rule r)
{
    return (int64_t)(r.burst ? r.burst - 1 : 0) * r.interval_us;
}

/* ---- the channel ---- */

static struct pace_rule effective(const struct pace *p, struct pace_rule r)
{
    if (p->slow) {
        r.interval_us = (r.interval_us ? r.interval_us : THROTTLED_US) << p->slow;
        r.burst = 1; /* gently */
    }
    return r;
}

static int64_t channel_full(struct pace *p, struct pace_rule r, int64_t now_us)
{
    if (p->full_us == INT64_MIN)
        p->full_us = p->started_us + ahead(r);
    return p->full_us > now_us ? p->full_us : now_us;
}

unsigned pace_room(struct pace *p, struct pace_rule rule, unsigned max, int64_t now_us, int64_t *next_us)
{
    const struct pace_rule r = effective(p, rule);
    int64_t full, n, handful;

    *next_us = 0;
    if (r.interval_us == 0)
        return max;
    full = channel_full(p, r, now_us);
    n = full - now_us > ahead(r) ? 0 : (now_us + ahead(r) - full) / r.interval_us + 1;
    if (n >= max)
        return max;
    handful = HANDFUL_US / r.interval_us;
    if (handful > (int64_t)r.burst - 1)
        handful = r.burst ? r.burst - 1 : 0;
    *next_us = full + (n + handful) * r.interval_us - ahead(r);
    return (unsigned)n;
}

int64_t pace_at(struct pace *p, struct pace_rule rule, unsigned n, int64_t now_us)
{
    const struct pace_rule r = effective(p, rule);
    unsigned burst = r.burst ? r.burst : 1;

    if (r.interval_us == 0)
        return now_us;
    if (n > burst)
        n = burst;
    return channel_full(p, r, now_us) + (int64_t)(n ? n - 1 : 0) * r.interval_us - ahead(r);
}

void pace_take(struct pace *p, struct pace_rule rule, unsigned n, int64_t now_us)
{
    const struct pace_rule r = effective(p, rule);

    if (r.interval_us)
        p->full_us = channel_full(p, r, now_us) + (int64_t)n * r.interval_us;
}

void pace_rest(struct pace *p, struct pace_rule rule, int64_t until_us, int64_t now_us)
{
    /* What was in flight when it began complains too: that is one complaint. */
    if (now_us >= p->rest_us && p->slow < SLOW_MAX)
        p->slow++;
    p->sent = 0;
    if (until_us > p->rest_us)
        p->rest_us = until_us;
    p->full_us = p->rest_us + ahead(effective(p, rule));
}

void pace_sent(struct pace *p, struct pace_rule rule, int64_t now_us)
{
    int64_t second;

    if (p->slow == 0)
        return;
    second = SECOND_US / effective(p, rule).interval_us;
    if (++p->sent < (second > SENT_MIN ? second : SENT_MIN))
        return;
    p->slow--;
    p->sent = 0;
    p->full_us = now_us + ahead(effective(p, rule)); /* no burst because the rule changes */
}

/* ---- pairs ---- */

/* When a bucket that nothing is known of is full. */
static int64_t unknown_full(const struct pace *p, struct pace_rule r, int64_t now_us)
{
    int64_t full = p->started_us + ahead(r);

    return full > now_us ? full : now_us;
}

static struct pair *pair_find(struct pace *p, struct hilo_id id)
{
    struct pair *x = NULL;

    HASH_FIND(hh, p->pairs, &id, sizeof id, x);
    return x;
}

/* Two of the oldest are looked at whenever one comes: those that are full are forgotten,
 * the others go to the end. */
static void pairs_forget(struct pace *p, struct pace_rule r, int64_t now_us)
{
    for (int i = 0; i < 2 && p->pairs; i++) {
        struct pair *x = p->pairs;
        bool full = x->full_us <= unknown_full(p, r, now_us);
        HASH_DEL(p->pairs, x);
        if (full || HASH_COUNT(p->pairs) >= PAIRS_MAX)
            free(x);
        else
            HASH_ADD(hh, p->pairs, id, sizeof x->id, x);
    }
}

static struct pair *pair_get(struct pace *p, struct pace_rule r, struct hilo_id id, int64_t now_us)
{
    struct pair *x = pair_find(p, id);

    if (x) {
        if (x->full_us < now_us)
            x->full_us = now_us;
        return x;
    }
    pairs_forget(p, r, now_us);
    x = calloc(1, sizeof *x);
    if (!x)
        check_nomem();
    x->id = id;
    x->full_us = unknown_full(p, r, now_us);
    HASH_ADD(hh, p->pairs, id, sizeof x->id, x);
    return x;
}

int64_t pace_pair_at(struct pace *p, struct pace_rule r, struct hilo_id id, int64_t now_us)
{
    const struct pair *x = pair_find(p, id);

    return x ? x->full_us - ahead(r) : now_us;
}

void pace_pair_take(struct pace *p, struct pace_rule r, struct hilo_id id, int64_t now_us)
{
    if (r.interval_us)
        pair_get(p, r, id, now_us)->full_us += r.interval_us;
}

void pace_pair_rest(struct pace *p, struct pace_rule r, struct hilo_id id, int64_t until_us, int64_t now_us)
{
    struct pair *x = pair_get(p, r, id, now_us);

    if (x->full_us < until_us + ahead(r))
        x->full_us = until_us + ahead(r);
}

/* ---- what is held ---- */

void pace_hold(struct pace *p, struct hilo_id message, int64_t until_us)
{
    struct held *h = NULL;

    HASH_FIND(hh, p->held, &message, sizeof message, h);
    if (!h) {
        h = calloc(1, sizeof *h);
        if (!h)
            check_nomem();
        h->id = message;
        HASH_ADD(hh, p->held, id, sizeof h->id, h);
    }
    h->until_us = until_us;
    if (p->held_next_us == 0 || until_us < p->held_next_us)
        p->held_next_us = until_us;
}

bool pace_held(struct pace *p, struct hilo_id message, int64_t now_us)
{
    const struct held *h = NULL;

    if (p->held)
        HASH_FIND(hh, p->held, &message, sizeof message, h);
    return h && h->until_us > now_us;
}

int64_t pace_held_next(struct pace *p, int64_t now_us)
{
    struct held *h, *next;

    if (p->held_next_us == 0 || p->held_next_us > now_us)
        return p->held_next_us;
    p->held_next_us = 0;
    HASH_ITER(hh, p->held, h, next)
    {
        if (h->until_us <= now_us) {
            HASH_DEL(p->held, h);
            free(h);
        } else if (p->held_next_us == 0 || h->until_us < p->held_next_us) {
            p->held_next_us = h->until_us;
        }
    }
    return p->held_next_us;
}

unsigned pace_held_count(const struct pace *p)
{
    return HASH_COUNT(p->held);
}

unsigned pace_pairs_count(const struct pace *p)
{
    return HASH_COUNT(p->pairs);
}
