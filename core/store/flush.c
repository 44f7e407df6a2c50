/*
 * The flusher: a thread that writes the frozen generation to LMDB, in one transaction
 * with the sequence reached, once the journal has that sequence on disk, so that LMDB
 * is never ahead of the journal.
 *
 * A failure leaves the generation frozen, where it is still read. HILO_FULL is tried
 * again: by context_wait at once, by context_rotate and context_synced when the disk has
 * some room and a second has passed, then 2, 4, 8 s, as each try costs a whole
 * transaction. Any other failure is final.
 */
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "store/context_priv.h"
#include <errno.h>
#include <malloc.h>
#include <string.h>

enum { RETRY_MIN_US = 1000 * 1000, RETRY_MAX_US = 8 * RETRY_MIN_US };

struct write {
    struct lmdb *lmdb;
    struct err *err;
};

static int32_t write_item(void *arg, const struct pending_item *item)
{
    struct write *w = arg;
    if (item->dead)
        return lmdb_write_del(w->lmdb, item->key, w->err);
    return lmdb_write_put(w->lmdb, item->key, item->val, w->err);
}

/* No lock held: the generation is frozen, seq and end were read under control. */
static int32_t write_out(struct context *c, struct pending *generation, uint64_t seq, position end,
                         int64_t time_us, struct err *err)
{
    struct write w = {c->lmdb, err};
    int32_t rc = lmdb_write_begin(c->lmdb, err);
    if (rc != HILO_OK)
        return rc;
    rc = pending_sorted(generation, write_item, &w);
    if (rc == HILO_NOMEM && err->code == HILO_OK)
        err_set(err, rc, "context: no memory to sort %llu keys",
                (unsigned long long)pending_keys(generation));
    if (rc == HILO_OK)
        rc = lmdb_write_time(c->lmdb, time_us, err);
    if (rc == HILO_OK)
        rc = lmdb_write_commit(c->lmdb, seq, end, err);
    lmdb_write_end(c->lmdb);
    return rc;
}

static struct pending *drop_frozen(struct context *c, struct err *err)
{
    struct pending *generation;
    bool quiet, trimmed;
    pthread_rwlock_wrlock(&c->lock);
    generation = c->frozen;
    c->frozen = NULL;
    c->dropped++;
    /* Nothing came while this was written: what a load needed goes back to the system. */
    quiet = pending_keys(c->active) == 0;
    trimmed = quiet && pending_trim(c->active);
    pthread_rwlock_unlock(&c->lock);
    pending_clear(generation);
    if (quiet) {
        trimmed |= pending_trim(generation);
        trimmed |= lmdb_release(c->lmdb, err); /* what fails there, attempt makes the context's failure */
        if (trimmed)
            (void)malloc_trim(0);
    }
    return generation;
}

static void report(struct context *c, int32_t before, const struct err *err, uint64_t keys, uint64_t us)
{
    if (err->code == HILO_OK)
        log_event(c->log, HILO_LOG_DEBUG, "context.flushed", "keys=%llu us=%llu", (unsigned long long)keys,
                  (unsigned long long)us);
    else if (err->code != before) { /* once, not at each try */
        char quoted[sizeof err->text + 64];
        log_event(c->log, HILO_LOG_ERROR, err->code == HILO_FULL ? "context.full" : "context.failed",
                  "text=%s", log_quote(str(err->text), quoted, sizeof quoted));
    }
}

/* One try, called and left with control held. */
static void attempt(struct context *c)
{
    struct err err = {0};
    struct pending *cleared = NULL;
    struct pending *generation = c->frozen;
    uint64_t seq = c->frozen_seq, keys = pending_keys(generation);
    position end = c->frozen_end;
    int64_t time_us = c->frozen_time_us;
    int32_t before = c->failed.code;
    int64_t began = clock_mono_us();
    uint64_t us;

    c->writing = true;
    c->retry = false;
    pthread_mutex_unlock(&c->control);

    if (write_out(c, generation, seq, end, time_us, &err) == HILO_OK)
        cleared = drop_frozen(c, &err);
    us = (uint64_t)(clock_mono_us() - began);
    report(c, before, &err, keys, us);

    pthread_mutex_lock(&c->control);
    c->writing = false;
    c->failed = err;
    if (cleared) {
        c->spare = cleared;
        c->busy = false;
        c->reached_seq = seq;
        c->reached_end = end;
        c->retry_us = 0;
        c->flushes++;
        c->flushed_keys += keys;
        c->flush_us += us;
        c->last_flush_us = us;
    } else {
        c->failed_flushes++;
        c->failed_mono_us = clock_mono_us();
        c->retry_us = c->retry_us ? 2 * c->retry_us : RETRY_MIN_US;
        if (c->retry_us > RETRY_MAX_US)
            c->retry_us = RETRY_MAX_US;
    }
    pthread_cond_broadcast(&c->done);
    if (c->flushed) {
        pthread_mutex_unlock(&c->control);
        c->flushed(c->arg);
        pthread_mutex_lock(&c->control);
    }
}

static bool may_write(const struct context *c)
{
    if (!c->busy || c->synced_seq < c->frozen_seq)
        return false;
    return c->failed.code == HILO_OK || (c->failed.code == HILO_FULL && c->retry);
}

static void *flusher(void *arg)
{
    struct context *c = arg;
    pthread_mutex_lock(&c->control);
    while (!c->stop) {
        if (may_write(c))
            attempt(c);
        else
            pthread_cond_wait(&c->work, &c->control);
    }
    pthread_mutex_unlock(&c->control);
    return NULL;
}

int32_t flush_start(struct context *c, struct err *err)
{
    int rc = pthread_create(&c->flusher, NULL, flusher, c);
    if (rc != 0) {
        errno = rc;
        return err_errno(err, "context: can't start the flusher's thread");
    }
    c->started = true;
    return HILO_OK;
}

void flush_stop(struct context *c)
{
    if (!c->started)
        return;
    pthread_mutex_lock(&c->control);
    c->stop = true;
    pthread_cond_signal(&c->work);
    pthread_mutex_unlock(&c->control);
    pthread_join(c->flusher, NULL);
    c->started = false;
}

/* Under control. */
static void retry_later(struct context *c)
{
    if (c->failed.code == HILO_FULL && !c->retry && clock_mono_us() - c->failed_mono_us >= c->retry_us &&
        !lmdb_disk_full(c->lmdb)) {
        c->retry = true;
        pthread_cond_signal(&c->work);
    }
}

bool context_rotate(struct context *c, uint64_t seq, position end)
{
    bool rotated = false;
    CHECK(!c->read_only);
    pthread_mutex_lock(&c->control);
    if (c->busy) {
        retry_later(c);
    } else if (pending_keys(c->active) > 0) { /* ours to read: only the writer changes it */
        CHECK(seq >= c->reached_seq);
        pthread_rwlock_wrlock(&c->lock);
        c->frozen = c->active;
        c->active = c->spare;
        pthread_rwlock_unlock(&c->lock);
        c->spare = NULL;
        c->busy = true;
        c->frozen_seq = seq;
        c->frozen_end = end;
        c->frozen_time_us = c->time_us;
        pthread_cond_signal(&c->work);
        rotated = true;
    }
    pthread_mutex_unlock(&c->control);
    return rotated;
}

void context_synced(struct context *c, uint64_t seq)
{
    pthread_mutex_lock(&c->control);
    if (seq > c->synced_seq) {
        bool waited_for = c->busy && c->synced_seq < c->frozen_seq && seq >= c->frozen_seq;
        c->synced_seq = seq;
        if (waited_for)
            pthread_cond_signal(&c->work);
    }
    if (c->busy)
        retry_later(c);
    else if (c->failed.code == HILO_FULL && !lmdb_disk_full(c->lmdb))
        c->failed.code = HILO_OK; /* it was so at the start, and nothing has been tried */
    pthread_mutex_unlock(&c->control);
}

static int32_t copy_failure(const struct context *c, struct err *err)
{
    if (err && c->failed.code != HILO_OK)
        *err = c->failed;
    return c->failed.code;
}

int32_t context_wait(struct context *c, struct err *err)
{
    bool asked = false; /* for one more try after HILO_FULL */
    uint64_t failures = 0;
    int32_t rc = HILO_OK;
    pthread_mutex_lock(&c->control);
    while (c->busy) {
        if (c->failed.code == HILO_FULL && !asked && !c->writing) {
            asked = true;
            failures = c->failed_flushes;
            c->retry = true;
            pthread_cond_signal(&c->work);
        } else if (c->failed.code != HILO_OK && c->failed.code != HILO_FULL) {
            break;
        } else if (asked && c->failed_flushes > failures) {
            break;
        }
        pthread_cond_wait(&c->done, &c->control);
    }
    if (c->busy)
        rc = copy_failure(c, err);
    pthread_mutex_unlock(&c->control);
    return rc;
}

int32_t context_failed(struct context *c, struct err *err)
{
    int32_t rc;
    pthread_mutex_lock(&c->control);
    rc = copy_failure(c, err);
    pthread_mutex_unlock(&c->control);
    return rc;
}
