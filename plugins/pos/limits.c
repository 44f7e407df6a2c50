/*
 * Two tables of buckets. A look-up that is refused takes nothing, so a till that tries again and again is let
 * in as soon as one that waits. SPDX-License-Identifier: Apache-2.0
 */
#include "limits.h"

#include <stdlib.h>
#include <string.h>

enum { LIMITS_TERMINALS = 16384, LIMITS_CLERKS = 16384, LIMITS_KEY = 512 };

struct pos_limits {
    struct pos_limits_conf conf;
    struct pos_buckets *terminals, *clerks;
};

struct pos_limits *pos_limits_new(const struct pos_limits_conf *conf)
{
    struct pos_limits *l = calloc(1, sizeof *l);

    if (!l)
        return NULL;
    l->conf = *conf;
    l->terminals = pos_buckets_new(LIMITS_TERMINALS);
    l->clerks = pos_buckets_new(LIMITS_CLERKS);
    if (!l->terminals || !l->clerks)
        pos_limits_free(&l);
    return l;
}

void pos_limits_free(struct pos_limits **at)
{
    if (*at) {
        pos_buckets_free(&(*at)->terminals);
        pos_buckets_free(&(*at)->clerks);
        free(*at);
        *at = NULL;
    }
}

void pos_limits_set(struct pos_limits *l, const struct pos_limits_conf *conf)
{
    l->conf = *conf;
}

/* "store NUL name": neither may hold a NUL of its own that would make two keys one, so lengths are bounded
 * and what is longer than a request may be is cut the same way each time. */
static struct hilo_str limits_key(char buf[LIMITS_KEY], struct hilo_str store, struct hilo_str name)
{
    size_t s = store.n < LIMITS_KEY / 2 - 1 ? store.n : LIMITS_KEY / 2 - 1;
    size_t n = name.n < LIMITS_KEY / 2 ? name.n : LIMITS_KEY / 2;

    if (s)
        memcpy(buf, store.p, s);
    buf[s] = '\0';
    if (n)
        memcpy(buf + s + 1, name.p, n);
    return (struct hilo_str){buf, s + 1 + n};
}

enum pos_limited pos_limits_take(struct pos_limits *l, struct hilo_str store, struct hilo_str terminal,
                                 struct hilo_str clerk, int64_t now_us, int64_t *retry_us_out)
{
    char t[LIMITS_KEY], c[LIMITS_KEY];
    struct hilo_str tk = limits_key(t, store, terminal), ck = limits_key(c, store, clerk);
    int64_t tw = pos_buckets_wait(l->terminals, tk, l->conf.terminal, now_us);
    int64_t cw = clerk.n ? pos_buckets_wait(l->clerks, ck, l->conf.clerk, now_us) : 0;

    if (tw > 0 || cw > 0) {
        *retry_us_out = tw > cw ? tw : cw;
        return tw >= cw ? POS_LIMITED_TERMINAL : POS_LIMITED_CLERK;
    }
    pos_buckets_take(l->terminals, tk, l->conf.terminal, now_us);
    if (clerk.n)
        pos_buckets_take(l->clerks, ck, l->conf.clerk, now_us);
    return POS_LIMITED_NOT;
}
