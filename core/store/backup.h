/*
 * Backups of a store that is in use: a folder that holds a store as it was at one moment, with a
 * manifest (store/manifest.h). It is laid out as a data folder is, so `hilod --check-store`
 * reads it as it stands.
 *
 * What it holds: context/data.mdb as LMDB was at one moment; then the journal's segments up to a
 * position P that was on disk after that moment, so the context is never ahead; then all named
 * media files, for what an event before P names was there before the event; then files of channels'
 * own, each as long as it was when it was opened. All that was acknowledged before the backup began is in it.
 * What was handed to a channel and not reported is in doubt on whoever restores it, as after a crash.
 *
 * It is made as DIR.partial, synced, and only then gets its name: a folder DIR is whole.
 * An earlier DIR.partial is removed. Folders have mode 0700, files 0600: keys' hashes, the
 * secret of links and all that customers wrote are in it.
 *
 * Limits. LMDB reuses no pages while it is copied (at most as long as copying data.mdb
 * takes), so it grows by what is flushed meanwhile. data.mdb is of the machine's kind
 * (word size, byte order); the journal is of any little-endian machine, and a start without
 * data.mdb builds it anew. Erasure (not there yet) scrubs segments in place and writes a ledger
 * beside the data: a restore will have to apply the ledger of the store that it replaces, and
 * erasure to wait for a backup under way or mark it as older.
 *
 * One backup at a time, on a thread of its own. Functions are [any].
 */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include "base/log.h"
#include "store/context.h"
#include "store/journal/journal.h"

struct backup; /* opaque; a store has one */

struct backup *backup_new(struct journal *, struct context *, const char *data_dir, struct log *);
/* Stops one under way, leaving nothing of it. Before journal and context are closed. */
void backup_free(struct backup **);

struct backup_order {
    struct hilo_id id;     /* of whoever asks; comes back in the state */
    struct hilo_str dir;   /* absolute; must not exist, or be an empty folder; its parent exists */
    struct hilo_str since; /* an earlier backup on the same file system, or empty: what is equal there
                            * becomes a hard link to it instead of a copy */
};
/* Begins one. HILO_AGAIN: one is running; HILO_INVALID: a path that can't be. */
int32_t backup_start(struct backup *, const struct backup_order *, struct err *);

enum backup_phase { BACKUP_NONE, BACKUP_RUNNING, BACKUP_DONE, BACKUP_FAILED };
enum { BACKUP_PATH = 1024 };
struct backup_state {
    enum backup_phase phase; /* of the last one since the start */
    struct hilo_id id;
    char dir[BACKUP_PATH];
    int64_t began_us, ended_us; /* wall; ended_us 0 while it runs */
    uint64_t bytes, total;      /* so far, and about how many there are */
    uint64_t files, linked;     /* how many of them are links */
    uint64_t seq;               /* the last event in it; 0: not known yet */
    struct err err;             /* why it failed */
};
void backup_state(struct backup *, struct backup_state *out);

/* When the last good backup was made, also before this start, and its sequence; 0: never. */
void backup_last(struct backup *, int64_t *made_us_out, uint64_t *seq_out);

#endif
