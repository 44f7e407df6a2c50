/*
 * The context: pending's two generations over LMDB.
 *
 * A look-up holds the lock only while it looks into pending; LMDB is read without it,
 * so a page that must come from the disk stops nobody. That is sound: a generation
 * leaves pending only after LMDB holds it, so a key found in neither generation has in
 * any later snapshot the value it had then, or one that it got meanwhile.
 */
#include "base/check.h"
#include "base/str.h"
#include "store/context_priv.h"
#include "store/context_table.h"
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { VALUE_MAX = 1 << 20 };

/* What a flush writes beside the tables' own. */
static bool reserved(enum table table, struct hilo_str key)
{
    return table == TABLE_META &&
           (str_eq(key, STR("format")) || str_eq(key, STR("reached")) || str_eq(key, STR("time")));
}

static uint32_t hash_of(const struct context *c, struct hilo_str key)
{
    return (uint32_t)pending_hash(c->hash_key, key.p, key.n, 1, 3);
}

static void locks_init(struct context *c)
{
    pthread_rwlockattr_t attr;
    pthread_rwlockattr_init(&attr);
    /* By default readers that overlap would keep the writer out for ever. */
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&c->lock, &attr);
    pthread_rwlockattr_destroy(&attr);
    pthread_mutex_init(&c->control, NULL);
    pthread_cond_init(&c->work, NULL);
    pthread_cond_init(&c->done, NULL);
}

int32_t context_open(const struct context_options *options, struct err *err, struct context **out)
{
    int32_t rc;
    struct context *c = calloc(1, sizeof *c);
    if (!c)
        check_nomem();
    c->log = options->log;
    c->flushed = options->flushed;
    c->arg = options->arg;
    c->read_only = options->read_only;
    locks_init(c);
    c->active = pending_new();
    c->spare = pending_new();
    if (getrandom(&c->hash_key, sizeof c->hash_key, 0) != (ssize_t)sizeof c->hash_key) {
        rc = err_errno(err, "context %s: no randomness", options->dir);
        goto out;
    }
    rc = lmdb_open(options->dir, options->map_bytes, options->read_only, err, &c->lmdb);
    if (rc == HILO_OK)
        rc = lmdb_reached(c->lmdb, &c->reached_seq, &c->reached_end, err);
    if (rc == HILO_OK)
        rc = lmdb_time(c->lmdb, &c->time_us, err);
    /* Known from the start, so that nothing new is taken and then has to wait. */
    if (rc == HILO_OK && !c->read_only && lmdb_disk_full(c->lmdb))
        err_set(&c->failed, HILO_FULL, "context %s: the disk is full: free some space", options->dir);
    if (rc == HILO_OK && !c->read_only)
        rc = flush_start(c, err);
    if (rc != HILO_OK)
        goto out;
    *out = c;
    c = NULL;
out:
    context_close(&c);
    return rc;
}

void context_close(struct context **context)
{
    struct context *c = *context;
    if (!c)
        return;
    flush_stop(c);
    lmdb_read_end(&c->held);
    lmdb_close(&c->lmdb);
    pending_free(&c->active);
    pending_free(&c->frozen);
    pending_free(&c->spare);
    pthread_cond_destroy(&c->work);
    pthread_cond_destroy(&c->done);
    pthread_mutex_destroy(&c->control);
    pthread_rwlock_destroy(&c->lock);
    free(c);
    *context = NULL;
}

void context_reached(struct context *c, uint64_t *seq_out, position *end_out)
{
    pthread_mutex_lock(&c->control);
    *seq_out = c->reached_seq;
    *end_out = c->reached_end;
    pthread_mutex_unlock(&c->control);
}

int64_t context_time(const struct context *c)
{
    return c->time_us;
}

void context_applied(struct context *c, int64_t time_us)
{
    if (time_us > c->time_us)
        c->time_us = time_us;
}

static bool holds(const struct context *c)
{
    return c->holding && pthread_equal(c->holder, pthread_self());
}

void context_hold(struct context *c)
{
    CHECK(!c->holding);
    c->holder = pthread_self();
    c->holding = true;
}

void context_rest(struct context *c)
{
    CHECK(holds(c));
    lmdb_read_end(&c->held);
}

int32_t context__read_begin(struct context *c, uint64_t dropped, struct err *err, struct lmdb_reader **out)
{
    int32_t rc;
    if (!holds(c))
        return lmdb_read_begin(c->lmdb, err, out);
    if (c->held && c->held_dropped != dropped)
        lmdb_read_end(&c->held);
    if (!c->held) {
        rc = lmdb_read_begin(c->lmdb, err, &c->held);
        if (rc != HILO_OK)
            return rc;
        c->held_dropped = dropped;
    }
    *out = c->held;
    return HILO_OK;
}

void context__read_end(struct context *c, struct lmdb_reader **reader)
{
    if (*reader == c->held && holds(c))
        *reader = NULL;
    else
        lmdb_read_end(reader);
}

static int32_t get_beneath(struct context *c, uint64_t dropped, enum table table, struct hilo_str key,
                           struct arena *arena, struct hilo_str *val_out, struct err *err)
{
    char whole[1 + CONTEXT_KEY_MAX];
    struct lmdb_reader *reader = NULL;
    struct hilo_str val;
    int32_t rc = context__read_begin(c, dropped, err, &reader);
    if (rc != HILO_OK)
        return rc;
    whole[0] = table_infos[table].letter;
    if (key.n)
        memcpy(whole + 1, key.p, key.n);
    rc = lmdb_get(reader, str_n(whole, 1 + key.n), &val, err);
    if (rc == HILO_OK)
        *val_out = arena_str(arena, val);
    context__read_end(c, &reader);
    return rc;
}

int32_t context_get(struct context *c, enum table table, struct hilo_str key, struct arena *arena,
                    struct hilo_str *val_out, struct err *err)
{
    enum pending_found found;
    struct hilo_str val;
    CHECK((unsigned)table < TABLE__COUNT && key.n <= CONTEXT_KEY_MAX);
    uint32_t hash = hash_of(c, key);
    uint64_t dropped;

    pthread_rwlock_rdlock(&c->lock);
    dropped = c->dropped;
    found = pending_find(c->active, table, key, hash, &val);
    if (found == PENDING_NONE && c->frozen)
        found = pending_find(c->frozen, table, key, hash, &val);
    if (found == PENDING_VALUE)
        *val_out = arena_str(arena, val);
    pthread_rwlock_unlock(&c->lock);

    if (found == PENDING_NONE)
        return get_beneath(c, dropped, table, key, arena, val_out, err);
    return found == PENDING_VALUE ? HILO_OK : HILO_NOTFOUND;
}

static void set(struct context *c, enum table table, struct hilo_str key, const struct hilo_str *val)
{
    CHECK(!c->read_only);
    CHECK((unsigned)table < TABLE__COUNT && key.n <= CONTEXT_KEY_MAX && !reserved(table, key));
    uint32_t hash = hash_of(c, key);
    pthread_rwlock_wrlock(&c->lock);
    pending_set(c->active, table, key, hash, val);
    pthread_rwlock_unlock(&c->lock);
    c->changes[table]++;
}

uint64_t context_changes(const struct context *c, enum table table)
{
    return c->changes[table];
}

void context_put(struct context *c, enum table table, struct hilo_str key, struct hilo_str val)
{
    CHECK(val.n <= VALUE_MAX);
    set(c, table, key, &val);
}

void context_del(struct context *c, enum table table, struct hilo_str key)
{
    set(c, table, key, NULL);
}

int32_t context_copy(struct context *c, int fd, struct err *err)
{
    return lmdb_copy(c->lmdb, fd, err);
}

int context_fd(struct context *c)
{
    return lmdb_fd(c->lmdb);
}

void context_pending(struct context *c, uint64_t *keys_out, uint64_t *bytes_out)
{
    pthread_rwlock_rdlock(&c->lock);
    *keys_out = pending_keys(c->active) + (c->frozen ? pending_keys(c->frozen) : 0);
    *bytes_out = pending_bytes(c->active) + (c->frozen ? pending_bytes(c->frozen) : 0);
    pthread_rwlock_unlock(&c->lock);
}

void context_stats(struct context *c, struct context_stats *out)
{
    struct context_stats s = {0};
    pthread_rwlock_rdlock(&c->lock);
    s.active_keys = pending_keys(c->active);
    s.pending_bytes = pending_bytes(c->active);
    if (c->frozen) {
        s.frozen_keys = pending_keys(c->frozen);
        s.pending_bytes += pending_bytes(c->frozen);
    }
    pthread_rwlock_unlock(&c->lock);
    pthread_mutex_lock(&c->control);
    s.flushes = c->flushes;
    s.failed_flushes = c->failed_flushes;
    s.flushed_keys = c->flushed_keys;
    s.flush_us = c->flush_us;
    s.last_flush_us = c->last_flush_us;
    pthread_mutex_unlock(&c->control);
    lmdb_used(c->lmdb, &s.map_bytes, &s.used_bytes);
    *out = s;
}
