/*
 * The manifest of a backup: which files belong to it, and what they hold. A text that
 * `sha256sum -c manifest` understands, too, so that a backup can be verified on a
 * machine without Hilo:
 *
 *     # hilo backup 1                                  the format
 *     # size 8388608
 *     4d2a…  journal/0000000001.seg                    a file; its size stands before it
 *     …
 *     # made 2026-11-27T13:56:01.000Z
 *     # seq 51201                                      the last event in it
 *     # end 1 81920                                    segment and offset behind it
 *     # files 3
 *     # bytes 9437184
 *     # complete 9f86…                                 SHA-256 of all that stands above
 *
 * A manifest without the last line is that of a backup that was cut short. Names are
 * of four forms only: journal/NNNNNNNNNN.seg, context/data.mdb, media/hh/h…h, files/CHANNEL/NAME. Any
 * size is read with bounded memory. A writer or reader belongs to one thread.
 */
#ifndef STORE_MANIFEST_H
#define STORE_MANIFEST_H

#include "base/err.h"
#include "store/event.h"
#include <stdbool.h>
#include <stdio.h>

enum { MANIFEST_FORMAT = 1, MANIFEST_HASH = 32, MANIFEST_NAME = 192 };
#define MANIFEST_FILE "manifest"

struct manifest { /* the facts */
    int64_t made_us;
    uint64_t seq;
    position end;
    uint64_t files, bytes;
};

struct manifest_file {
    char name[MANIFEST_NAME];
    uint64_t bytes;
    uint8_t hash[MANIFEST_HASH];
};

struct manifest_writer; /* opaque */
/* Writes to a descriptor, which stays the caller's. */
struct manifest_writer *manifest_begin(int fd);
/* HILO_FULL, HILO_IO. After a failure only manifest_abort remains. */
int32_t manifest_add(struct manifest_writer *, const struct manifest_file *, struct err *);
/* files and bytes are counted here; they are filled in. It is not synced yet. */
int32_t manifest_finish(struct manifest_writer **, struct manifest *, struct err *);
void manifest_abort(struct manifest_writer **); /* NULL within is fine */

/* Reads all of it; fn (may be NULL) is called for each file before it is known whether
 * the manifest is whole, and stops it by another code than HILO_OK. HILO_CORRUPT:
 * damaged or cut short; HILO_NOSUP: a newer format; HILO_IO. name is for the words. */
typedef int32_t manifest_file_fn(void *arg, const struct manifest_file *, struct err *);
int32_t manifest_read(FILE *, const char *name, manifest_file_fn *, void *arg, struct manifest *out,
                      struct err *);

#endif
