/*
 * What the context's own files share. Two locks, taken in this order:
 * control, for the flusher's state; lock, for the generations: reading side for who
 * looks into them, writing side for each change and for replacing them. The frozen
 * generation itself never changes, so the flusher reads it with neither.
 */
#ifndef STORE_CONTEXT_PRIV_H
#define STORE_CONTEXT_PRIV_H

#include "store/context.h"
#include "store/lmdb_env.h"
#include "store/pending.h"
#include <pthread.h>

struct context {
    struct lmdb *lmdb;
    struct log *log;
    void (*flushed)(void *arg);
    void *arg;
    bool read_only;
    struct pending_hash_key hash_key;

    pthread_rwlock_t lock;
    struct pending *active; /* never NULL */
    struct pending *frozen; /* NULL: the flusher is idle */
    uint64_t dropped;       /* generations that have left pending, for LMDB has them */

    uint64_t changes[TABLE__COUNT]; /* the writer's role */

    /* context_hold: of one thread. */
    pthread_t holder;
    bool holding;
    struct lmdb_reader *held; /* NULL: it rests */
    uint64_t held_dropped;    /* when held began: its snapshot has all that was dropped by then */

    pthread_mutex_t control;
    pthread_cond_t work; /* for the flusher: something below has changed */
    pthread_cond_t done; /* for context_wait: an attempt is over */
    pthread_t flusher;
    bool started, stop;
    bool busy;             /* a generation is frozen, or being cleared after it */
    bool writing;          /* an attempt is under way */
    bool retry;            /* try again although it failed with HILO_FULL */
    struct pending *spare; /* empty; NULL while busy */
    uint64_t frozen_seq, synced_seq, reached_seq;
    position frozen_end, reached_end;
    int64_t time_us;        /* the latest of an event; the writer's role */
    int64_t frozen_time_us; /* the same when it was frozen */
    int64_t failed_mono_us; /* when the last attempt failed */
    int64_t retry_us;       /* how long it rests */
    struct err failed;      /* code HILO_OK: it has not */
    uint64_t flushes, failed_flushes, flushed_keys, flush_us, last_flush_us;
};

/* A reader whose snapshot has all generations that were dropped when dropped was read (under
 * lock), and its end. */
int32_t context__read_begin(struct context *, uint64_t dropped, struct err *, struct lmdb_reader **out);
void context__read_end(struct context *, struct lmdb_reader **);

int32_t flush_start(struct context *, struct err *);
void flush_stop(struct context *); /* waits for an attempt under way */

#endif
