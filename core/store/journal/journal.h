/*
 * The journal: append-only, zero-filled segment files with group commit. The
 * truth of the store; everything else is a picture of it.
 *
 * On disk, in one folder: 0000000001.seg, 0000000002.seg … Numbers are never
 * reused. A segment is segment_bytes long, zero-filled when made (writing zeros, not
 * fallocate: overwriting written blocks halves a sync), with a head block of 4,096
 * bytes: magic, version, number, a random epoch, its length, a CRC32C. Batches
 * follow, each at a multiple of 8: a head (magic, CRC32C of what follows it, the
 * segment's epoch, its own position, first sequence, the position up to which all was
 * known synced when it was written, length, count) and its events. A batch never
 * crosses segments: a group starts in the next one when what is left of a segment is
 * less than JOURNAL_GROUP_MAX. The next segment is prepared ahead by a background
 * thread, synced with its folder before it is used; that thread sleeps when one is
 * ready.
 *
 * A full disk: when the next segment can't be made, what is left of the present one goes on taking
 * groups, in its last JOURNAL_GROUP_MAX bytes only those that still fit. That is the reserve: the
 * store lets new work use none of it (store_room), so that there is room to write down what became
 * of the work taken before. It is a reserve only where overwriting a written block needs no new
 * one: not on file systems that copy on write (btrfs, ZFS), where a full disk fails the commit.
 *
 * Threads: journal_append, journal_group and journal_appended need the lock
 * (journal_lock), the writer's role. journal_commit is called without it: the first to
 * come is leader, takes along what all have appended, writes once, syncs once; the
 * others find theirs done. Appending goes on while the leader syncs. journal_read is [any].
 *
 * A failed write or sync is final (the kernel may have dropped the pages): every
 * later append and commit returns the same error, and the process must end.
 *
 * The closing mark: journal_close writes a batch's head without events where the next batch would
 * go, which names all before it as synced. It is no link of the chain: the next batch goes over it,
 * and where it stays (at a segment's end) nothing depends on it. A program that doesn't know it takes
 * it for rubbish there. It isn't synced: one that is lost leaves what a kill leaves.
 *
 * Caveats. After a kill or a power cut, damage to the batches of the very last commit can't be told
 * from a torn tail, as nothing behind them names them: it is cut. After journal_close the mark does,
 * unless the segment had no room left for it. What is appended stays in memory until
 * a commit, without a limit of its own. The machine must be little-endian.
 */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "base/arena.h"
#include "base/hist.h"
#include "base/err.h"
#include "base/log.h"
#include "store/event.h"
#include <stdbool.h>

struct journal; /* opaque */

struct journal_options {
    const char *dir;        /* exists */
    uint64_t segment_bytes; /* 8 MiB … 1 GiB, a multiple of 4,096; for segments made from now on */
    struct log *log;        /* may be NULL */
};

enum {
    /* The most that the events of one group may take, heads and padding included;
     * larger is HILO_INVALID. */
    JOURNAL_GROUP_MAX = 4 << 20,
    /* A group within this lands whole or is refused at its first event, also when no next
     * segment can be made; a larger one may be refused (HILO_FULL) in its middle then. */
    JOURNAL_GROUP_SMALL = 128 << 10
};

struct journal_recovery {
    uint64_t last_seq;  /* of the last good event; 0: none */
    position newest;    /* an event of the last batch; 0: not met, it ends a segment before */
    position end;       /* where the next batch goes; 0: nowhere (empty folder, read only) */
    position synced;    /* all before it is on disk: the last batch that was met says so; 0: none was met */
    uint64_t cut_bytes; /* of a torn tail; 0: none. With read_only: that would be cut */
    position cut_at;
    uint64_t events, bytes; /* replayed */
};

/* Opens or makes the journal, checks it from position from on (an end of a batch as
 * journal_commit's sealed, replay's batch_end or a journal_recovery gave it, with the
 * last sequence before it in from_seq; 0 and 0: from the oldest segment) and hands each
 * event from there to replay, in order; head, body and at are valid in the call
 * only. batch_end is the end of its batch when the event is the last of it, else 0.
 * replay may be NULL; a code from it other than HILO_OK stops and is returned. When
 * opening fails after events were replayed, what replay built must be dropped.
 *
 * Damage behind the last position that a later batch names as synced is a torn tail:
 * it is cut (zeros written and synced) and logged. Damage before it, a gap in the
 * numbers or sequences, an unknown version, a from that is beyond the end ("the
 * context is ahead of the journal") is HILO_CORRUPT with file, offset and what was
 * expected; nothing is changed then. What was found and no batch names as synced is written
 * again as it stands and synced, before anything of it is replayed: a sync that failed in
 * the process before may have left pages in the system's memory that are taken for clean.
 * Takes an flock on the folder; a second process gets HILO_IO with words. read_only:
 * changes nothing, cuts nothing (check); shared with other readers. HILO_FULL: no room
 * for the first segment. HILO_INVALID: an option. */
int32_t journal_open(const struct journal_options *, position from, uint64_t from_seq, bool read_only,
                     int32_t (*replay)(void *arg, const struct event *, position batch_end), void *arg,
                     struct err *, struct journal_recovery *, struct journal **out);
/* What is appended and not committed is dropped; when there is none and nothing has failed, the closing
 * mark is written. Nobody else is in a call. Takes NULL within. */
void journal_close(struct journal **);

/* The writer's role: decide, append, apply under it. Not recursive. A group starts
 * with the lock and ends with the unlock at the latest. */
void journal_lock(struct journal *);
void journal_unlock(struct journal *);

/* Starts a group: the events appended from here to the next group land in one
 * batch, so a crash keeps all or none of them. Under the lock. */
void journal_group(struct journal *);

/* Appends an event: head.type, version, flags, actor_kind, time_us, actor, cause and
 * body are given; bytes, crc, seq and at are filled in. It is readable at once by
 * journal_read. A group's first event may wait for the next segment to be prepared,
 * if the disk is slower than the traffic. HILO_INVALID: the group grew beyond
 * JOURNAL_GROUP_MAX; HILO_FULL: no room is left and no segment can be made (disk full), until
 * journal_retry; HILO_NOMEM; HILO_IO: no segment could be made, or after a failure;
 * HILO_BUG: read only. Nothing was appended then. HILO_FULL and HILO_IO come only at a
 * group's first event, unless a commit has failed or the group is not small. Under the lock. */
int32_t journal_append(struct journal *, struct event *, struct err *);

/* Sets the flags of the event that was appended last, which has not been committed; head is as
 * append left it. Under the lock since then. */
void journal_flag(struct journal *, struct event_head *head, uint8_t flags);

/* Returns when everything up to seq is on disk. sealed (may be NULL) is called once
 * by the leader, under the lock, when it has taken what was appended: seq and end are
 * the last sequence and the position after it. It isn't called when another leader
 * took this along. HILO_IO: failed, for good; HILO_BUG: seq was never appended, or read only. */
int32_t journal_commit(struct journal *, uint64_t seq, void (*sealed)(void *arg, uint64_t seq, position end),
                       void *arg, struct err *);

/* Bytes of events, heads and padding included, that still have room without another
 * segment being made. [any] */
uint64_t journal_room(struct journal *);
/* HILO_OK: the next segment is there. Otherwise why it can't be made (HILO_FULL, HILO_IO), or
 * HILO_AGAIN while it is being made, unless wait is set, which waits for that. [any] */
int32_t journal_next(struct journal *, bool wait, struct err *);
/* Tries again to make the next segment, in the background, if that has failed. [any] */
void journal_retry(struct journal *);

uint64_t journal_appended(const struct journal *); /* last sequence appended; under the lock */
/* HILO_OK, or why the journal can't go on, for good: a write or a sync has failed, of a commit or of
 * a segment that was being made. [any] */
int32_t journal_failed(struct journal *, struct err *);
uint64_t journal_synced(const struct journal *); /* [any] last sequence on disk */
/* The same with the position behind it; 0: there is no segment yet. Never waits for a commit. [any] */
void journal_reached(struct journal *, uint64_t *seq_out, position *end_out);

/* Somebody to be told that more is on disk (read it by store/journal/tail.h). fn is called once a
 * commit, by the thread that has committed and holds no lock of the journal but this list's: it must
 * not block, nor watch or unwatch; it may give a wake-up. [any] */
struct journal_watch {
    void (*fn)(void *arg);
    void *arg;
    struct journal_watch *next; /* the journal's */
};
void journal_watch(struct journal *, struct journal_watch *);
/* After it has returned, fn is not called any more. */
void journal_unwatch(struct journal *, struct journal_watch *);

/* Reads the event at a position: head checked, its CRC too. HILO_NOTFOUND: the
 * segment is retired; HILO_CORRUPT: damaged, or no event is there; HILO_INVALID: no position of an
 * event; HILO_IO. Body in the arena. */
int32_t journal_read(struct journal *, position at, struct arena *, struct event *out, struct err *);

/* For a backup: the oldest segment, and the last sequence that is on disk with the
 * position behind it. What stands before that position never changes (until erasure
 * exists, which will have to know of backups under way). Waits for a commit under way. [any] */
void journal_durable(struct journal *, uint32_t *first_out, uint64_t *seq_out, position *end_out);
/* A segment's file, to be read until it is unpinned; it is not retired meanwhile. [any]
 * HILO_NOTFOUND: retired already. */
int32_t journal_pin(struct journal *, uint32_t segment, struct err *, int *fd_out, uint64_t *length_out);
void journal_unpin(struct journal *, uint32_t segment);

/* The oldest event that is there. HILO_NOTFOUND: there is none. Body in the arena. [any] */
int32_t journal_oldest(struct journal *, struct arena *, struct event *out, struct err *);

/* Counters for metrics; segments and segment_bytes include the prepared one. [any] */
struct journal_stats {
    uint64_t commits, synced_events, synced_bytes, sync_us, max_batch_events;
    uint64_t segments, segment_bytes;
    struct hist sync, batch; /* hist_time_us of write and sync, hist_size of events: each commit */
};
void journal_stats(struct journal *, struct journal_stats *out);

#endif
