/*
 * The store: journal, context and media files as one, and the writer's role.
 *
 * Writing: store_begin, then decide (reading sees what was appended before), append
 * events, store_end; then store_commit, and only then tell anybody. One decision is
 * one begin/end: its events land in one batch, all or none of them.
 * store_append appends to the journal and applies to the context at once; the
 * journal is synced by store_commit (group commit). Nothing else changes the context.
 *
 * Reading [any]: store_get and store_scan see what was appended, synced or not: what
 * answers a reader outside waits for store_synced to reach store_seq (the core's
 * loop answers reads only between commits).
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/ids.h"
#include "store/context.h"
#include "store/journal/tail.h"
#include "store/record.h"

struct store;  /* opaque */
struct backup; /* store/backup.h */
struct count;  /* store/count.h */

struct store_options {
    const char *dir;
    uint64_t segment_bytes, map_bytes;
    struct log *log;
    /* [any, the flusher's thread] the context's flush ended: call store_tick soon. */
    void (*flushed)(void *arg);
    void *arg;
};

/* Makes dir and its folders (journal, context, media; mode 0700) if need be, opens,
 * recovers: replays what LMDB does not have, cuts a torn tail, refuses corruption. */
int32_t store_open(const struct store_options *, struct err *, struct store **out);
/* Flushes everything to LMDB and closes. */
void store_close(struct store **);

struct idgen *store_ids(struct store *);
/* The latest time of any event: what the clock has been at, if it was not set back since. */
int64_t store_time(const struct store *);
const char *store_media_dir(const struct store *);
struct backup *store_backup(struct store *);
struct count *store_count(struct store *);

/* Who changes something, and on whose request. */
struct actor {
    uint8_t kind; /* ACTOR_x */
    struct hilo_id id;
    struct hilo_id cause;
};
extern const struct actor actor_core;

void store_begin(struct store *);
void store_end(struct store *);
/* Appends and applies an event whose body is obj (struct ev_…). now: its time. Any
 * code but HILO_OK: nothing happened. Between begin and end. seq_out may be NULL. */
int32_t store_append(struct store *, const struct rec_desc *, const void *obj, const struct actor *,
                     int64_t now_us, uint64_t *seq_out, struct err *);
/* Makes all that was appended durable. An error is final: stop acknowledging, exit. */
int32_t store_commit(struct store *, struct err *);
uint64_t store_seq(struct store *);    /* last appended */
uint64_t store_synced(struct store *); /* last on disk; [any] */

/* Room on the disk. When the journal's next segment can't be made, what is left of the present
 * one is a reserve: for the reports of what is with a channel (promised when it was claimed), and
 * beside those for records: receipts, opt-outs, settlements, cancels. New work is refused then.
 *
 *   STORE_NEW     messages, customers, inbound messages, uploads: anything that can come again
 *   STORE_CLAIM   one more message handed to a channel, whose report will need room
 *   STORE_RECORD  what became of the work taken; small (JOURNAL_GROUP_SMALL)
 *
 * A report itself needs no asking, it has been promised. HILO_OK; HILO_FULL with words: the disk or
 * the map is full; HILO_AGAIN: in a moment (pending is too far ahead of LMDB; too many reports are
 * promised); HILO_IO: the store has failed. Costs about what four uncontended locks do; new work
 * may wait for the next segment, as store_append would. The core's loop. */
enum store_use { STORE_NEW, STORE_CLAIM, STORE_RECORD };
int32_t store_room(struct store *, enum store_use, struct err *);
/* Claims and reports: so many more, or fewer, reports are to come. The core's loop. */
void store_promise(struct store *, int64_t reports);
/* Hands pending to the flusher if it is time (20,000 messages or 500 ms); logs when the disk
 * becomes full (store.full) or has room again (store.room) and, while it is full, tries again once
 * a second what needs room. Returns the monotonic instant to call again, or 0 when nothing is
 * pending. The core's loop, each turn. */
int64_t store_tick(struct store *);

/* The calling thread reads LMDB in one transaction from a first look-up to store_rest, instead
 * of in one a look-up (store/context.h). store_rest before whatever may wait. */
void store_hold(struct store *);
void store_rest(struct store *);
/* HILO_OK, or the words of a failure after which the context can't be written any more, though
 * the journal may: the process must end, the next start brings it up to date. [any] */
int32_t store_failed(struct store *, struct err *);

/* ---- reading ------------------------------------------------------------------------ */
int32_t store_get(struct store *, enum table, struct hilo_str key, struct arena *, struct hilo_str *val_out,
                  struct err *);
/* The same, unpacked; strings live in the arena. */
int32_t store_record(struct store *, enum table, struct hilo_str key, const struct rec_desc *, struct arena *,
                     void *out, struct err *);
int32_t store_scan(struct store *, enum table, struct hilo_str prefix, struct hilo_str from, bool reverse,
                   context_scan_fn *, void *arg, struct err *);
/* Moves with each change of a table (store/context.h). The core's loop. */
uint64_t store_changes(const struct store *, enum table);
/* Follows what is committed (store/journal/tail.h); freed before the store is closed. [any] */
struct tail *store_tail(struct store *);
/* To be told of each commit, by the thread that commits (store/journal/journal.h). [any] */
void store_watch(struct store *, struct journal_watch *);
void store_unwatch(struct store *, struct journal_watch *);
/* The event at a position, and the bytes of the message that a record message names. */
int32_t store_event(struct store *, position at, struct arena *, struct event *out, struct err *);
int32_t store_message_bytes(struct store *, const struct rec_message *, struct arena *, struct hilo_str *out,
                            struct err *);

struct store_stats {
    struct journal_stats journal;
    struct context_stats context;
    uint64_t seq, synced, reached;
    uint64_t room_bytes;          /* of the journal, without another segment being made */
    uint64_t reserve_bytes;       /* what of it new work leaves alone, promised reports included */
    uint64_t promised;            /* reports */
    uint64_t disk_free_bytes;     /* for us, on the file system of the folder */
    bool full;                    /* as last told by store.full and store.room */
    uint64_t oldest_seq;          /* of the oldest event; 0: there is none */
    int64_t oldest_us, newest_us; /* wall, of the oldest event and of one of the last commit; 0: none */
    int64_t backup_us;            /* wall: when the last good backup was made; 0: never */
    uint64_t backup_seq;
};
void store_stats(struct store *, struct store_stats *out);

/* `hilod --check-store DIR`: reads all of a store that no daemon has open: segments,
 * batches and events; each index against its table and the journal; media files by
 * hash; and a context rebuilt from the journal in a temporary folder must equal the
 * real one, key by key. Findings go to fd, a line each. HILO_OK: none. */
int32_t store_check(const char *dir, int fd, struct err *);

#endif
