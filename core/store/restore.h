/*
 * Restoring a backup (store/backup.h) into a data folder that no daemon has open.
 *
 * The files are copied into DATA/restoring, each one's SHA-256 is checked against the
 * manifest on the way, all is synced, and the journal and the context are opened there as a
 * start would; only then do they take their places. While DATA/restoring is there,
 * store_open refuses: an interrupted restore is never served, and the next one begins by
 * removing it. What stood in the data folder before is never deleted, only moved aside.
 */
#ifndef STORE_RESTORE_H
#define STORE_RESTORE_H

#include "base/err.h"
#include "store/manifest.h"
#include <stdatomic.h>

#define RESTORE_FOLDER "restoring"

struct restore_options {
    const char *backup, *data_dir;
    bool replace; /* a store that is there is moved to DATA/replaced-TIME; else it refuses */
    void (*progress)(void *arg, uint64_t bytes, uint64_t total); /* now and then; may be NULL */
    void *arg;
};

/* HILO_INVALID: there is a store already, or an argument; HILO_AGAIN: a daemon runs on it;
 * HILO_CORRUPT: the backup is damaged or not whole; HILO_NOSUP: of a newer version;
 * HILO_NOTFOUND: no backup; HILO_FULL; HILO_IO. The data folder is as it was then, but for
 * DATA/restoring after a failure while the store takes its place. aside_out has room for
 * 64 bytes: the name in DATA of what was moved aside, or "". */
int32_t store_restore(const struct restore_options *, struct manifest *out, char aside_out[64], struct err *);

/* HILO_AGAIN with words while a restore into this folder is under way or was cut short. */
int32_t restore_absent(const char *data_dir, struct err *);

#endif
