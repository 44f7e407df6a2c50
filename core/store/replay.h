/*
 * What a start does with the events that LMDB does not have: apply them, let the flusher
 * write them as it goes, so that memory is bounded however many there are, and tell
 * how far it is. Private to the store; one thread.
 */
#ifndef STORE_REPLAY_H
#define STORE_REPLAY_H

#include "base/log.h"
#include "store/context.h"
#include "store/journal/journal.h"

struct replay {
    struct context *context;
    struct arena *arena; /* scratch */
    struct log *log;
    const char *journal_dir;
    /* Pending is handed to the flusher beyond either; twice as much is held at most. */
    uint64_t keys_max, bytes_max;
    int64_t tell_us; /* between two words on how far it is */
    /* Out: of the last whole batch, and of the newest event. seq and end start as what the
     * context has reached. */
    uint64_t seq;
    position end;
    int64_t newest_us;
    /* Own. */
    position from;
    int64_t told_us, full_until_us; /* monotonic */
    uint64_t total;
};

void replay_init(struct replay *, struct context *, struct arena *, struct log *, const char *journal_dir);
/* journal_open's replay; arg is a struct replay. */
int32_t replay_event(void *arg, const struct event *, position batch_end);

#endif
