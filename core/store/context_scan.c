/*
 * Scans: the active generation, the frozen one and LMDB merged in key order, either
 * way. Of equal keys the newest layer's counts, and if that is a tombstone, none.
 * The lock's reading side is held throughout, so that nothing changes in between; the
 * snapshot of LMDB is taken under it and so holds all that has left pending.
 */
#include "base/check.h"
#include "base/str.h"
#include "store/context_priv.h"
#include "store/context_table.h"
#include <string.h>

enum { ACTIVE, FROZEN, BENEATH, LAYERS };

struct scan {
    bool reverse;
    struct hilo_str prefix; /* with the letter */
    struct pending_iter iter[BENEATH];
    struct lmdb_reader *reader;
    struct pending_item head[LAYERS]; /* what each layer has next */
    bool has[LAYERS];
};

/* A whole key in fixed room. */
struct whole {
    size_t n;
    char b[1 + CONTEXT_KEY_MAX];
};

static struct hilo_str whole_set(struct whole *w, enum table table, struct hilo_str key)
{
    w->b[0] = table_infos[table].letter;
    if (key.n)
        memcpy(w->b + 1, key.p, key.n);
    w->n = 1 + key.n;
    return str_n(w->b, w->n);
}

/* The least key greater than all that begin with w's. A letter is never 0xff. */
static void whole_after(struct whole *w)
{
    while ((uint8_t)w->b[w->n - 1] == 0xff)
        w->n--;
    w->b[w->n - 1] = (char)((uint8_t)w->b[w->n - 1] + 1);
}

/* Where a scan begins, whole, in w. Reverse without a from (or with one beyond the
 * prefix) begins before the first key that is past the prefix: not inclusive. */
static struct hilo_str first_key(struct whole *w, enum table table, struct hilo_str prefix,
                                 struct hilo_str from, bool reverse, bool *inclusive_out)
{
    struct whole given;
    struct hilo_str at = whole_set(w, table, prefix), at_given = whole_set(&given, table, from);
    *inclusive_out = true;
    if (!reverse && str_cmp(at_given, at) > 0)
        return whole_set(w, table, from);
    if (!reverse)
        return at;
    whole_after(w);
    at = str_n(w->b, w->n);
    if (from.n && str_cmp(at_given, at) < 0)
        return whole_set(w, table, from);
    *inclusive_out = false;
    return at;
}

static int32_t take(struct scan *s, int layer, int32_t rc)
{
    s->has[layer] = rc == HILO_OK && str_starts(s->head[layer].key, s->prefix);
    return rc == HILO_NOTFOUND ? HILO_OK : rc;
}

static int32_t start(struct scan *s, struct context *c, enum table table, struct hilo_str at, bool inclusive,
                     struct err *err)
{
    struct pending *generation[BENEATH] = {c->active, c->frozen};
    int32_t rc;
    for (int i = 0; i < BENEATH; i++)
        if (generation[i]) {
            pending_seek(generation[i], table, at, inclusive, s->reverse, &s->iter[i]);
            take(s, i, pending_item(&s->iter[i], &s->head[i]) ? HILO_OK : HILO_NOTFOUND);
        }
    rc = context__read_begin(c, c->dropped, err, &s->reader);
    if (rc != HILO_OK)
        return rc;
    return take(
        s, BENEATH,
        lmdb_seek(s->reader, at, inclusive, s->reverse, &s->head[BENEATH].key, &s->head[BENEATH].val, err));
}

static int32_t advance(struct scan *s, int layer, struct err *err)
{
    struct pending_item *head = &s->head[layer];
    if (layer == BENEATH)
        return take(s, layer, lmdb_next(s->reader, s->reverse, &head->key, &head->val, err));
    pending_next(&s->iter[layer]);
    return take(s, layer, pending_item(&s->iter[layer], head) ? HILO_OK : HILO_NOTFOUND);
}

/* The layer whose key comes next, the newest of those that share it; -1: the end. */
static int next_layer(const struct scan *s)
{
    int best = -1;
    for (int i = 0; i < LAYERS; i++) {
        if (!s->has[i])
            continue;
        int cmp = best < 0 ? -1 : str_cmp(s->head[i].key, s->head[best].key);
        if (best < 0 || (s->reverse ? cmp > 0 : cmp < 0))
            best = i;
    }
    return best;
}

static int32_t merge(struct scan *s, context_scan_fn *fn, void *arg, struct err *err)
{
    int32_t rc = HILO_OK;
    int best;
    while ((best = next_layer(s)) >= 0) {
        struct pending_item item = s->head[best];
        if (!item.dead && !fn(arg, str_n(item.key.p + 1, item.key.n - 1), item.val))
            break;
        /* item's memory stays: neither moving on nor the layers beneath change it. */
        for (int i = best; i < LAYERS && rc == HILO_OK; i++)
            if (s->has[i] && str_eq(s->head[i].key, item.key))
                rc = advance(s, i, err);
        if (rc != HILO_OK)
            break;
    }
    return rc;
}

int32_t context_scan(struct context *c, enum table table, struct hilo_str prefix, struct hilo_str from,
                     bool reverse, context_scan_fn *fn, void *arg, struct err *err)
{
    struct whole begin, bound;
    struct scan s = {.reverse = reverse};
    struct hilo_str at;
    bool inclusive;
    int32_t rc;
    CHECK((unsigned)table < TABLE__COUNT && table_infos[table].ordered);
    CHECK(prefix.n <= CONTEXT_KEY_MAX && from.n <= CONTEXT_KEY_MAX);

    s.prefix = whole_set(&begin, table, prefix);
    at = first_key(&bound, table, prefix, from, reverse, &inclusive);

    pthread_rwlock_rdlock(&c->lock);
    rc = start(&s, c, table, at, inclusive, err);
    if (rc == HILO_OK)
        rc = merge(&s, fn, arg, err);
    context__read_end(c, &s.reader);
    pthread_rwlock_unlock(&c->lock);
    return rc;
}

int32_t context_walk(struct context *c, enum table table, context_scan_fn *fn, void *arg, struct err *err)
{
    struct lmdb_reader *reader = NULL;
    struct hilo_str key, val, letter = str_n(&table_infos[table].letter, 1);
    int32_t rc;
    CHECK((unsigned)table < TABLE__COUNT);
    rc = lmdb_read_begin(c->lmdb, err, &reader);
    if (rc != HILO_OK)
        return rc;
    rc = lmdb_seek(reader, letter, true, false, &key, &val, err);
    while (rc == HILO_OK && str_starts(key, letter) && fn(arg, str_n(key.p + 1, key.n - 1), val))
        rc = lmdb_next(reader, false, &key, &val, err);
    lmdb_read_end(&reader);
    return rc == HILO_NOTFOUND ? HILO_OK : rc;
}
