/*
 * What the journal's files share among themselves and with their tests.
 *
 * Three locks, taken in this order, and three leaves (the set's, the preparer's, the watches'):
 *   syncing  the leader's, held through write and sync; alone it lets nobody wait
 *            who only appends or reads
 *   writer   the writer's role: journal_lock. Where the next event goes is written
 *            only under it
 *   mem      what is in memory: batches, the cursor, the failure. Short, never across
 *            a system call. Whoever holds writer may read the cursor without it
 */
#ifndef STORE_JOURNAL_INTERNAL_H
#define STORE_JOURNAL_INTERNAL_H

#include "store/journal/prepare.h"

struct batch { /* one in memory: open, sealed or being written */
    struct batch *next;
    struct segment seg; /* pinned as long as it may be written to */
    uint32_t offset;    /* in the segment */
    uint32_t count;
    uint64_t first_seq;
    char *p; /* a head's room, then events */
    size_t n, cap;
};

struct batch_list {
    struct batch *head, *tail;
};

struct journal {
    uint32_t magic;
    bool read_only;
    struct log *log; /* borrowed, may be NULL */
    const struct journal_sys *sys;
    struct segment_set set;
    struct preparer preparer;

    pthread_mutex_t syncing;

    pthread_mutex_t writer;
    uint32_t group_bytes; /* of the group that is being appended */
    uint32_t group_max;   /* what it may take; set at its first event */

    pthread_mutex_t mem;
    struct segment
        active;           /* where the next batch goes, pinned; number 0: none (an empty folder, read only) */
    uint32_t pinned_from; /* segments from here up to the active one are pinned by the journal */
    uint32_t cursor;      /* offset in it of the next event's batch or event */
    uint64_t appended;    /* last sequence */
    struct batch_list queue;   /* sealed ones, in order */
    struct batch *open;        /* the queue's tail while events may still be added to it, else NULL */
    struct batch_list writing; /* taken by the leader */
    struct batch *spare;       /* written ones, for their memory */
    uint32_t n_spare;
    position synced_end;
    struct journal_stats stats;
    struct err failed; /* the first failure to write or sync; it is final */

    pthread_mutex_t watching; /* a leaf: nothing but the callbacks is done under it */
    struct journal_watch *watches;

    _Atomic uint64_t synced; /* last sequence on disk */
    atomic_bool has_failed;  /* failed.code != HILO_OK, to look at without a lock */
};

/* journal_open with the system's calls replaced; sys is borrowed. */
int32_t journal__open(const struct journal_options *, const struct journal_sys *sys, position from,
                      uint64_t from_seq, bool read_only,
                      int32_t (*replay)(void *arg, const struct event *, position batch_end), void *arg,
                      struct err *, struct journal_recovery *, struct journal **out);

/* journal_close as a kill would leave the folder: without the closing mark. Takes NULL within. */
void journal__drop(struct journal **);

/* recover.c: walks the set's segments and decides where the journal ends; changes
 * nothing. */
int32_t journal__scan(struct segment_set *, position from, uint64_t from_seq,
                      int32_t (*replay)(void *arg, const struct event *, position batch_end), void *arg,
                      struct err *, struct journal_recovery *out);
/* Makes durable what a scan has found: the names, and what is behind the position that is known
 * to be synced, written again in whole blocks. */
int32_t journal__settle_found(struct segment_set *, const struct journal_recovery *, position from,
                              struct err *);
/* Writes zeros over everything from end on that isn't zero, and syncs them. */
int32_t journal__cut(struct segment_set *, position end, struct err *);

/* batches.c: lists of batches in memory. Under mem. */
void batch_list_add(struct batch_list *, struct batch *);
const struct batch *batch_list_find(const struct batch_list *, position at);
void batch_list_free(struct batch_list *);

#endif
