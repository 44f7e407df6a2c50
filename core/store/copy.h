/*
 * Copying the store's files, for backups and restores: hashed on the way, written out
 * at an even pace, so that a commit next door never waits behind a heap of dirty pages, and with
 * bounded memory. Nothing is durable before tree_sync. A copier belongs to one thread.
 *
 * Errors: HILO_FULL: no room in the target; HILO_AGAIN: told to stop; HILO_IO. Names
 * are for the words only.
 */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include "base/err.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

enum { COPY_HASH = 32 };

struct copier; /* opaque */
/* stop (may be NULL): looked at between pieces; done: bytes copied are added to it. Both
 * are borrowed. */
struct copier *copier_new(const atomic_bool *stop, _Atomic uint64_t *done);
void copier_free(struct copier **);

/* The first bytes of a file, then zeros (a hole) up to length. hash: SHA-256 of all length. */
int32_t copy_file(struct copier *, int from, uint64_t bytes, uint64_t length, int to, const char *name,
                  uint8_t hash_out[COPY_HASH], struct err *);
/* A pipe to its end. source (or -1): the file that is behind it in the same order, to be
 * read ahead. */
int32_t copy_stream(struct copier *, int pipe, int source, int to, const char *name, uint64_t *bytes_out,
                    uint8_t hash_out[COPY_HASH], struct err *);
/* Whether two files of this length are equal; the hash is the first one's. */
int32_t copy_same(struct copier *, int a, int b, uint64_t length, const char *name, bool *same_out,
                  uint8_t hash_out[COPY_HASH], struct err *);

/* ---- folders ---- */

/* A new one (mode 0700), or one that is there, opened. */
int32_t folder_make(int at, const char *name, int *fd_out, struct err *);
/* Syncs every file and folder below and including fd. */
int32_t tree_sync(int fd, const char *name, const atomic_bool *stop, struct err *);
/* Gives all of it to an owner. */
int32_t tree_own(int fd, uid_t, gid_t, struct err *);
/* Removes a folder with all that is in it; that it is not there is fine. */
int32_t tree_remove(int at, const char *name, struct err *);
int32_t tree_clear(int fd, const char *name, struct err *); /* what is in it */
/* Whether a folder holds anything; that it is not there: no. */
int32_t folder_empty(int at, const char *name, bool *empty_out, struct err *);

/* Calls fn for each entry but "." and "..", until it returns another code than HILO_OK. */
typedef int32_t folder_fn(void *arg, int fd, const char *name, struct err *);
int32_t folder_each(int fd, const char *folder, folder_fn *, void *arg, struct err *);

#endif
