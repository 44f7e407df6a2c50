/*
 * Media files: what customers and agents send, as files named by the SHA-256 of their
 * contents. In one folder: ab/cdef… (the hash in lower-case hex, cut after two digits)
 * and, while they are written, tmp-… files. A file once named never changes; the same
 * contents twice are one file. Mode 0600, folders 0700.
 *
 * A file is written to tmp-…, hashed, synced, renamed, and its folders synced: when
 * media_finish returns HILO_OK it outlives a power cut, and an event may name it.
 * What a crash leaves behind are tmp-… files, which the next media_store_open removes,
 * and named files that no event names.
 *
 * Threads: the store is [any]. A media_file belongs to one thread at a time.
 * media_finish reads the file again and syncs it, up to a second for 100 MB: a thread
 * that runs a loop or holds the writer's role hands it to a helper thread, and may do
 * so for it needs nothing but the store.
 */
#ifndef STORE_MEDIA_H
#define STORE_MEDIA_H

#include "base/err.h"
#include "base/log.h"
#include <hilo/types.h>
#include <stdbool.h>

struct media_store; /* opaque */
struct media_file;  /* opaque: one that is being written */

enum { MEDIA_HASH = 32, MEDIA_HASH_HEX = 2 * MEDIA_HASH };

struct media_options {
    const char *dir;    /* exists; only this store writes there */
    uint64_t max_bytes; /* of one file */
    struct log *log;    /* may be NULL */
};

/* Removes what an earlier process left half-written. */
int32_t media_store_open(const struct media_options *, struct err *, struct media_store **out);
/* No media_file may be left. */
void media_store_limit(struct media_store *, uint64_t max_bytes); /* [any] from now on */
void media_store_close(struct media_store **);
/* A sync failed (not for lack of room): HILO_IO with its words, for good. Nothing may be
 * acknowledged any more, the process is to end. [any] */
int32_t media_failed(struct media_store *, struct err *);

/* Starts a file. HILO_FULL: the disk is full; HILO_IO. */
int32_t media_begin(struct media_store *, struct err *, struct media_file **out);
/* Appends. HILO_INVALID: it would grow beyond max_bytes; HILO_FULL; HILO_IO. After a
 * failure only media_abort remains. */
int32_t media_write(struct media_file *, const void *p, size_t n, struct err *);
/* The descriptor (read and write), for those who are given one to write to; borrowed.
 * max_bytes is then checked by media_finish. */
int media_fd(const struct media_file *);
uint64_t media_bytes(const struct media_file *); /* written by media_write */

struct media_stored {
    uint8_t hash[MEDIA_HASH];
    uint64_t bytes;
    bool known; /* the same contents were already there; that file was kept */
};
/* Ends the file, whatever the outcome: *file is NULL afterwards and no temporary file
 * is left. expected_hex: 64 hex digits of the SHA-256 that the contents must have, or
 * empty. HILO_INVALID: other contents than expected, larger than max_bytes, or
 * expected_hex isn't one; HILO_TEMP: a descriptor of it is still open for writing
 * elsewhere; HILO_FULL; HILO_IO. */
int32_t media_finish(struct media_file **, struct hilo_str expected_hex, struct media_stored *out,
                     struct err *);
void media_abort(struct media_file **); /* NULL is fine */

/* Opens for reading; the caller closes *fd_out. HILO_NOTFOUND: there is none. */
int32_t media_open(struct media_store *, const uint8_t hash[MEDIA_HASH], int *fd_out, uint64_t *bytes_out,
                   struct err *);

#endif
