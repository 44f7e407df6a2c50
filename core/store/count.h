/*
 * What is known of a store only by reading through it: entries of each table, free pages
 * of LMDB, media files. Counted when somebody asks, on a thread of its own, in pieces that
 * hold no read transaction for long; so the numbers of a store at work are of no one moment.
 * It reads all of LMDB: seconds for a million customers, and more from a cold disk. [any]
 */
#ifndef STORE_COUNT_H
#define STORE_COUNT_H

#include "store/context.h"

struct count; /* opaque; a store has one */

struct count *count_new(struct context *, const char *data_dir);
void count_free(struct count **); /* stops one under way; before the context is closed */

struct counted {
    bool running;   /* one is under way; what follows is of the one before */
    int64_t at_us;  /* wall: when it ended; 0: none has since the start */
    struct err err; /* why the last one failed; the numbers are of the one before */
    uint64_t entries[TABLE__COUNT];
    uint64_t free_bytes; /* of LMDB's map: pages that it will use again */
    uint64_t media_files, media_bytes;
};
/* Starts one, unless one is under way. */
int32_t count_start(struct count *, struct err *);
void count_get(struct count *, struct counted *out);

#endif
