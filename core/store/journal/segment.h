/*
 * The segment files of one folder: made, found, opened, closed. Numbers are
 * contiguous; what is outside (older) is retired. Descriptors are opened when first
 * used and kept, up to a limit.
 *
 * Threads: [any] but where said; a lock of its own, never held across a sync.
 */
#ifndef STORE_JOURNAL_SEGMENT_H
#define STORE_JOURNAL_SEGMENT_H

#include "store/journal/batch.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

/* The calls that can lose data, as a table so that a test can let one fail. The
 * meaning is the system's. */
struct journal_sys {
    ssize_t (*pwrite)(int fd, const void *, size_t, off_t);
    int (*fdatasync)(int fd);
    int (*fsync)(int fd);
    int (*fallocate)(int fd, int mode, off_t, off_t);
    /* What the system has of the file in its memory, and takes to be on disk, is read from there again. */
    void (*forget)(int fd);
};
extern const struct journal_sys journal__sys;
void journal__forget(int fd);

enum { SEGMENT_PIECE_BYTES = 128 << 10 }; /* of zeros, each synced by itself */

#define SEGMENT_NAME_BYTES 16
struct segment_name {
    char z[SEGMENT_NAME_BYTES]; /* "0000000001.seg" */
};
struct segment_name segment_name(uint32_t number);

/* A segment in use; a value. fd is good until it is unpinned. */
struct segment {
    uint32_t number;
    int fd;
    uint64_t epoch, length;
};

struct segment_entry {
    uint64_t epoch, length;
    int fd; /* -1: not open */
    uint32_t pins;
};

struct segment_set {
    pthread_mutex_t lock;
    char *dir;
    int dir_fd; /* carries the flock */
    bool read_only;
    const struct journal_sys *sys;
    struct segment_entry *entry; /* of number first + i */
    uint32_t first, n, cap;      /* none: first is the next to be made */
    uint32_t open, hand;         /* descriptors open, and whose turn it is to be closed */
    struct err failed;           /* the first write or sync of a segment's making that failed */
};

/* Opens and locks the folder. segment_set_done takes a set of zeros, too. */
int32_t segment_set_init(struct segment_set *, const char *dir, bool read_only, const struct journal_sys *,
                         struct err *);
void segment_set_done(struct segment_set *);

/* Finds the files and checks their heads and numbers. unfinished_out: the number of a last file whose
 * making was cut short (no good head, and nothing behind it), which is not in the set; 0: none. */
int32_t segment_set_load(struct segment_set *, struct err *, uint32_t *unfinished_out);
/* Makes durable what was found: the names, and the segments from this number on. They may be
 * only in the system's memory, if the process that made them was killed. */
int32_t segment_set_sync(struct segment_set *, uint32_t from, struct err *);
/* Segments from this number on are read from the disk again. */
int32_t segment_set_forget(struct segment_set *, uint32_t from, struct err *);
int32_t segment_set_remove_unfinished(struct segment_set *, uint32_t number, struct err *);

/* Makes the next segment, zero-filled and synced with its folder, and adds it. One
 * thread at a time. HILO_FULL: no room; HILO_AGAIN: stop became true. Then nothing is left of it. */
int32_t segment_set_make(struct segment_set *, uint64_t length, const atomic_bool *stop, struct err *);

/* Making one has failed, and not for lack of room: HILO_IO with words, for good. */
int32_t segment_set_failed(struct segment_set *, struct err *);

uint32_t segment_set_first(struct segment_set *);
uint32_t segment_set_last(struct segment_set *); /* 0: none */
uint64_t segment_set_bytes(struct segment_set *);
/* What events have room for in the segments after that number. */
uint64_t segment_set_ahead(struct segment_set *, uint32_t number);

/* HILO_NOTFOUND: retired, or not made yet. */
int32_t segment_set_pin(struct segment_set *, uint32_t number, struct err *, struct segment *out);
void segment_set_unpin(struct segment_set *, uint32_t number);

/* All of it, also after a short write or EINTR. HILO_FULL or HILO_IO. */
int32_t segment_write(const struct journal_sys *, const struct segment *, const void *, size_t n,
                      uint64_t offset, struct err *);
int32_t segment_sync(const struct journal_sys *, const struct segment *, struct err *);
/* All of it; HILO_IO also when the file ends before. */
int32_t segment_read(const struct segment *, void *, size_t n, uint64_t offset, struct err *);

#endif
