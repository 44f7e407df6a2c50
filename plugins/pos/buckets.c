/*
 * A hash table of instants, keyed by the first half of each key's SHA-256, so that no key's text is kept and
 * its length costs nothing. A full table first forgets what is full again; only when all are in debt is the
 * smallest debt looked for, which is one pass over a few thousand places. SPDX-License-Identifier: Apache-2.0
 */
#include "buckets.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum { BUCKET_KEY = 16 };

struct bucket {
    uint8_t key[BUCKET_KEY];
    int64_t full_us; /* when it is full again */
    UT_hash_handle hh;
};

struct pos_buckets {
    struct bucket *table; /* uthash's */
    struct bucket *all;   /* places of them */
    struct bucket **free; /* those that are not in the table */
    uint32_t places, n_free;
};

struct pos_buckets *pos_buckets_new(uint32_t places)
{
    struct pos_buckets *b = calloc(1, sizeof *b);
    uint32_t i;

    if (!b)
        return NULL;
    b->all = calloc(places, sizeof *b->all);
    b->free = calloc(places, sizeof(struct bucket *));
    if (!b->all || !b->free) {
        pos_buckets_free(&b);
        return NULL;
    }
    b->places = b->n_free = places;
    for (i = 0; i < places; i++)
        b->free[i] = &b->all[places - 1 - i];
    return b;
}

void pos_buckets_free(struct pos_buckets **at)
{
    if (*at) {
        HASH_CLEAR(hh, (*at)->table);
        free((*at)->all);
        free((*at)->free);
        free(*at);
        *at = NULL;
    }
}

/* A key without a digest would be everybody's bucket: that OpenSSL has no SHA-256 is no state to go on in. */
static void bucket_key(struct hilo_str key, uint8_t out[BUCKET_KEY])
{
    uint8_t digest[EVP_MAX_MD_SIZE];

    if (EVP_Digest(key.n ? key.p : "", key.n, digest, NULL, EVP_sha256(), NULL) != 1)
        abort();
    memcpy(out, digest, BUCKET_KEY);
}

static struct bucket *bucket_find(const struct pos_buckets *b, const uint8_t key[BUCKET_KEY])
{
    struct bucket *found;

    HASH_FIND(hh, b->table, key, BUCKET_KEY, found);
    return found;
}

static void bucket_drop(struct pos_buckets *b, struct bucket *x)
{
    HASH_DELETE(hh, b->table, x);
    b->free[b->n_free++] = x;
}

/* Room for one more. */
static void bucket_room(struct pos_buckets *b, int64_t now_us)
{
    struct bucket *x, *next, *least = NULL;

    HASH_ITER(hh, b->table, x, next)
    {
        if (x->full_us <= now_us)
            bucket_drop(b, x);
        else if (!least || x->full_us < least->full_us)
            least = x;
    }
    if (b->n_free == 0)
        bucket_drop(b, least);
}

int64_t pos_buckets_wait(const struct pos_buckets *b, struct hilo_str key, struct pos_rate rate,
                         int64_t now_us)
{
    uint8_t k[BUCKET_KEY];
    const struct bucket *x;
    int64_t at;

    if (rate.interval_us <= 0)
        return 0;
    bucket_key(key, k);
    x = bucket_find(b, k);
    if (!x)
        return 0;
    at = x->full_us - (int64_t)(rate.burst - 1) * rate.interval_us;
    return at > now_us ? at - now_us : 0;
}

void pos_buckets_take(struct pos_buckets *b, struct hilo_str key, struct pos_rate rate, int64_t now_us)
{
    uint8_t k[BUCKET_KEY];
    struct bucket *x;
    int64_t most = now_us + 2 * (int64_t)rate.burst * rate.interval_us;

    if (rate.interval_us <= 0)
        return;
    bucket_key(key, k);
    x = bucket_find(b, k);
    if (!x) {
        if (b->n_free == 0)
            bucket_room(b, now_us);
        x = b->free[--b->n_free];
        memcpy(x->key, k, BUCKET_KEY);
        x->full_us = now_us;
        HASH_ADD(hh, b->table, key, BUCKET_KEY, x);
    }
    if (x->full_us < now_us)
        x->full_us = now_us;
    x->full_us += rate.interval_us;
    if (x->full_us > most)
        x->full_us = most;
}

uint32_t pos_buckets_used(const struct pos_buckets *b)
{
    return b->places - b->n_free;
}
