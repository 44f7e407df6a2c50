/*
 * The context: a picture of the journal as tables of keys and values. What has been
 * applied and is not yet in LMDB stands in the pending table; a flusher thread sorts
 * it and commits it to LMDB in large transactions, with the sequence reached.
 *
 * Pending has two generations: the active one, which apply writes, and the frozen
 * one, which the flusher is writing out. Every read goes active, frozen, LMDB; no
 * read transaction outlives a call, but that of whoever holds (context_hold), which ends
 * with its turn. A deletion is kept as a tombstone until it is in
 * LMDB. LMDB is opened with MDB_NOMETASYNC (integrity
 * kept; a power cut may undo the last transaction, and the journal replays it),
 * MDB_NORDAHEAD, never NOSYNC or WRITEMAP, and a large fixed map. A value is at most
 * 1 MiB, a key at most CONTEXT_KEY_MAX bytes; longer is a programming error. In META
 * the keys "format", "reached" and "time" are the context's own.
 *
 * Threads: put, del, rotate: the writer's role only. get, scan, walk: [any]. A put
 * waits for scans under way and for look-ups in memory, never for the disk on behalf
 * of a get. One process at a time (the journal's flock sees to it); not after fork.
 */
#ifndef STORE_CONTEXT_H
#define STORE_CONTEXT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "store/event.h"
#include <stdbool.h>

enum { CONTEXT_KEY_MAX = 500 }; /* without the table's letter; LMDB allows 511 */

#define STORE_TABLE(name, letter, ordered, text) TABLE_##name,
enum table {
#include "store/tables.def"
    TABLE__COUNT
};
const char *table_name(enum table); /* as in tables.def: "MESSAGE" */

struct context; /* opaque */

struct context_options {
    const char *dir;    /* exists; data.mdb and lock.mdb go there, mode 0600 */
    uint64_t map_bytes; /* the fixed map; no less than the file is taken */
    struct log *log;    /* may be NULL */
    bool read_only;     /* no flusher thread; put and rotate must not be called */
    /* Called on the flusher's thread, without locks, when a frozen generation is in
     * LMDB (or an attempt failed: context_failed). May be NULL. */
    void (*flushed)(void *arg);
    void *arg;
};

/* HILO_NOSUP: written by a newer version; HILO_CORRUPT: not a context, or damaged;
 * HILO_NOTFOUND: read_only and there is none; HILO_FULL, HILO_IO. The words say which
 * file and what to do. */
int32_t context_open(const struct context_options *, struct err *, struct context **out);
/* Waits for a flush under way; what is pending beyond it is dropped (the journal has
 * it). To leave nothing behind: rotate, context_wait, close. */
void context_close(struct context **);

/* The sequence and position that LMDB has reached (0, 0 when new). After a power cut it
 * may be those of the flush before the last: segments may be retired only up to what
 * the flush before this one had reached. [any] */
void context_reached(struct context *, uint64_t *seq_out, position *end_out);

/* OK and a copy in the arena, HILO_NOTFOUND, or HILO_IO/HILO_CORRUPT with words. */
int32_t context_get(struct context *, enum table, struct hilo_str key, struct arena *,
                    struct hilo_str *val_out, struct err *);

/* From now on the calling thread, one of the context's, reads LMDB in one transaction until
 * context_rest (which it may call at any time and which costs nothing if nothing was read), instead
 * of in one a read. What it sees is as new as without: a flush in between begins another.
 * Call context_rest before waiting for anything: while it is held LMDB reuses no pages. */
void context_hold(struct context *);
void context_rest(struct context *);

/* Copies key and value. A key already in the active generation reuses its entry. Ends
 * the process when memory is out. */
void context_put(struct context *, enum table, struct hilo_str key, struct hilo_str val);
void context_del(struct context *, enum table, struct hilo_str key);

/* Walks an ORDERED table over keys that begin with prefix, from the first key >= from
 * (reverse: from the last key <= from, where an empty from means the end) until fn
 * returns false. Key (without the letter) and value are valid in the call only; fn must
 * not call the context and should be brief: puts wait meanwhile. fn sees one state: no
 * change comes in between. */
typedef bool context_scan_fn(void *arg, struct hilo_str key, struct hilo_str val);
int32_t context_scan(struct context *, enum table, struct hilo_str prefix, struct hilo_str from, bool reverse,
                     context_scan_fn *, void *arg, struct err *);
/* All of LMDB alone in any table, in key order, for checks and statistics. fn sees one
 * state of LMDB and may call get. Meanwhile LMDB reuses no pages: not beside flushes
 * for long. */
int32_t context_walk(struct context *, enum table, context_scan_fn *, void *arg, struct err *);

/* LMDB's file as it is at one moment, in order, to fd (a pipe is fine), which stays the
 * caller's. What is pending is not in it. Meanwhile LMDB reuses no pages. [any]
 * HILO_AGAIN: nobody reads the pipe any more; HILO_IO. context_fd: the file that
 * is copied, the caller's to close (-1: none), so that it can be read ahead. */
int32_t context_copy(struct context *, int fd, struct err *);
int context_fd(struct context *);

/* How often an entry of this table was put or deleted since the start: whoever waits for a change looks
 * only when it has moved. The writer's role. */
uint64_t context_changes(const struct context *, enum table);

/* Freezes the active generation as the state after seq, whose batch ends at end, and
 * wakes the flusher, if the flusher is idle and there is something; true if it did.
 * The flusher writes it only once the journal has seq on disk, which context_synced
 * tells it. After a start, context_synced with the last sequence replayed. */
bool context_rotate(struct context *, uint64_t seq, position end);
void context_synced(struct context *, uint64_t seq); /* [any] */

/* The latest time of any event applied to it, since it was made; 0: none. It moves with what is
 * applied, and is kept with what is flushed. The writer's role. */
int64_t context_time(const struct context *);
void context_applied(struct context *, int64_t time_us); /* an event of this time was */

/* Entries (keys) in the active generation, and in both; bytes held by both. [any] */
struct context_stats {
    uint64_t active_keys, frozen_keys, pending_bytes;
    uint64_t flushes, flushed_keys, flush_us, last_flush_us;
    uint64_t failed_flushes;        /* attempts; each is the whole transaction */
    uint64_t map_bytes, used_bytes; /* of LMDB's map; used includes what it can reuse */
};
void context_stats(struct context *, struct context_stats *out);
/* Of these, only keys and bytes of both generations, at the price of a lock. [any] */
void context_pending(struct context *, uint64_t *keys_out, uint64_t *bytes_out);

/* Blocks until no generation is frozen, so its seq must have been given to
 * context_synced or come from another thread. HILO_OK, or the flusher's error; if
 * that was HILO_FULL, one more attempt is made first. [any] */
int32_t context_wait(struct context *, struct err *);
/* HILO_OK, or the code with which the last flush failed. HILO_FULL (the disk or the
 * map): nothing is lost, all stays in pending and is read from there; each rotate and
 * synced tries again, at most once a second, and it recovers by itself if space came
 * back (a full map: after a restart with a larger one). Others are final. [any] */
int32_t context_failed(struct context *, struct err *);

#endif
