/*
 * A reader of the journal's synced events, forwards: for whoever follows what happens.
 *
 * It never sees what is not on disk: its end is where the last commit that succeeded ended, so an
 * event that it hands out survives any crash. Following costs one pread for all that a commit
 * brought, and nothing while nothing is written: journal_watch (journal.h) tells when there is more.
 * Batches are read whole and their CRC is checked, and each event's own.
 *
 * Threads: [any], beside the writer and other tails; one tail is used by one thread at a time. A tail
 * is freed before its journal is closed. A segment is pinned only while a tail stands in it, so
 * a tail that nobody moves holds one segment back from being retired.
 */
#ifndef STORE_JOURNAL_TAIL_H
#define STORE_JOURNAL_TAIL_H

#include "store/journal/journal.h"

struct tail; /* opaque */

/* Stands at the end: the next event is the first that is synced after this. */
struct tail *tail_new(struct journal *);
void tail_free(struct tail **);

/* Moves; the event handed out before is no longer valid. On failure the tail stands at the end.
 *   end     behind what is synced now
 *   oldest  before the oldest event that is there
 *   seq     behind the event with this sequence; 0: before the first. HILO_NOTFOUND: what comes
 *           next is older than the oldest segment; HILO_INVALID: none has this sequence yet
 *   id      behind the event that has this name (tail_id). Besides, HILO_STALE: another event has
 *           its sequence now: the store was restored from before that event
 * HILO_IO, HILO_CORRUPT. Finding a place reads a few tens of blocks, however long the journal. */
void tail_to_end(struct tail *);
int32_t tail_to_oldest(struct tail *, struct err *);
int32_t tail_to_seq(struct tail *, uint64_t after, struct err *);
int32_t tail_to_id(struct tail *, struct hilo_id after, struct err *);

/* The next event; its body is valid until the tail's next call. HILO_AGAIN: nothing more is on
 * disk. HILO_NOTFOUND: what comes next was retired. HILO_CORRUPT, HILO_IO, HILO_NOMEM: with words; it
 * stands where it stood. */
int32_t tail_next(struct tail *, struct event *out, struct err *);

/* Sequence of the last event passed: handed out, or moved behind. */
uint64_t tail_seq(const struct tail *);
/* How many synced events are ahead. */
uint64_t tail_ahead(const struct tail *);
/* A name for the event handed out last, the same for ever, that no other event has: its sequence
 * (eight bytes, so that names sort as events do), four bytes of its segment's epoch, its CRC. */
struct hilo_id tail_id(const struct tail *);
/* The sequence in such a name. */
uint64_t tail_id_seq(struct hilo_id);

#endif
