/*
 * The context's LMDB: one environment, one database without a name. A key is its
 * table's letter and the key. Beside the tables' own, META holds "format" (u32) and
 * "reached" (u64 sequence, u64 position) and "time" (u64, the latest time of an event,
 * microseconds; stores of before 2026-11-27 may have none), little-endian, written by each flush in its
 * own transaction. Only the core's process opens it, once; never use it after fork.
 *
 * Threads: reads are [any], each on a snapshot of its own; one write at a time. What
 * a read points to lives until lmdb_read_end; readers are kept for reuse with their
 * slot, so a read starts in tens of nanoseconds.
 */
#ifndef STORE_LMDB_ENV_H
#define STORE_LMDB_ENV_H

#include "store/context.h"

enum { LMDB_FORMAT = 1 };

struct lmdb;        /* opaque */
struct lmdb_reader; /* opaque */

/* Makes the files (mode 0600) if there are none; read_only: HILO_NOTFOUND then.
 * HILO_NOSUP: a newer format; HILO_CORRUPT: not a context, or damaged; HILO_FULL. */
int32_t lmdb_open(const char *dir, uint64_t map_bytes, bool read_only, struct err *, struct lmdb **out);
void lmdb_close(struct lmdb **); /* no reader may be out */

/* Whether there is hardly any room on the disk for the file to grow. [any] */
bool lmdb_disk_full(struct lmdb *);
void lmdb_used(struct lmdb *, uint64_t *map_bytes_out, uint64_t *used_bytes_out);

/* What is in LMDB's free list: pages that it will use again. Reads all of the list. */
int32_t lmdb_free_bytes(struct lmdb *, uint64_t *bytes_out, struct err *);

int32_t lmdb_read_begin(struct lmdb *, struct err *, struct lmdb_reader **out);
void lmdb_read_end(struct lmdb_reader **);
/* HILO_NOTFOUND without words. */
int32_t lmdb_get(struct lmdb_reader *, struct hilo_str key, struct hilo_str *val_out, struct err *);
/* Moves the reader's cursor: to the first key >= at; reverse: to the last key <= at, or
 * < at if !inclusive. Then from key to key. HILO_NOTFOUND at the end. */
int32_t lmdb_seek(struct lmdb_reader *, struct hilo_str at, bool inclusive, bool reverse,
                  struct hilo_str *key_out, struct hilo_str *val_out, struct err *);
int32_t lmdb_next(struct lmdb_reader *, bool reverse, struct hilo_str *key_out, struct hilo_str *val_out,
                  struct err *);
/* Writes data.mdb as it is at one moment to fd (a pipe is fine), which stays the caller's, in
 * the order of its pages. A read all the while: LMDB reuses no pages. HILO_AGAIN: nobody
 * reads the pipe any more; HILO_FULL; HILO_IO. */
int32_t lmdb_copy(struct lmdb *, int fd, struct err *);
/* A descriptor of data.mdb, the caller's to close; -1. */
int lmdb_fd(struct lmdb *);
int32_t lmdb_reached(struct lmdb *, uint64_t *seq_out, position *end_out, struct err *);
int32_t lmdb_time(struct lmdb *, int64_t *time_us_out, struct err *); /* 0: it has none */

/* A write: changes in the order of keys are the fastest. All of it or nothing is
 * there after lmdb_write_commit. HILO_FULL: the map or the disk is full, the same may
 * work later. After any failure only lmdb_write_end remains. */
int32_t lmdb_write_begin(struct lmdb *, struct err *);
int32_t lmdb_write_put(struct lmdb *, struct hilo_str key, struct hilo_str val, struct err *);
int32_t lmdb_write_del(struct lmdb *, struct hilo_str key, struct err *); /* absent: HILO_OK */
int32_t lmdb_write_time(struct lmdb *, int64_t time_us, struct err *);
int32_t lmdb_write_commit(struct lmdb *, uint64_t seq, position end, struct err *);
void lmdb_write_end(struct lmdb *); /* drops what was not committed */
/* Gives back the memory that LMDB keeps for its next write: as many pages as its largest one
 * has changed, until the environment is closed. So it is closed and opened again, in some 100 us,
 * if that is worth it and no read is under way; readers that come wait. The one writer's, between
 * two writes. true: it was done. With a failure in err every use fails from then on. */
bool lmdb_release(struct lmdb *, struct err *);

#endif
