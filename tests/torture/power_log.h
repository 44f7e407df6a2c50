/*
 * What the recorder (power_shim.c) writes and the builder (power_log.c) reads: everything
 * that a gateway does to the files below a folder and says to its sockets, in one order.
 *
 * A record is a head, the offsets of callers in the program, a path relative to the folder,
 * and bytes; it is padded to 8. Both sides are built by the same compiler: no byte order.
 */
#ifndef TESTS_POWER_LOG_H
#define TESTS_POWER_LOG_H

#include <stdint.h>

#define POWER_MAGIC 0x52575048u /* "HPWR" */

enum power_kind {
    POWER_START = 1, /* a process begins */
    POWER_CREATE,    /* path, ino: a new file */
    POWER_MKDIR,     /* path, ino */
    POWER_UNLINK,    /* path, ino; a folder, too */
    POWER_RENAME,    /* path: "from\0to"; ino */
    POWER_LINK,      /* path: "from\0to"; ino */
    POWER_WRITE,     /* ino, offset, length; no bytes: zeros. Also right before it is synced by O_DSYNC */
    POWER_TRUNCATE,  /* ino, length */
    POWER_ALLOCATE,  /* ino, offset, length */
    POWER_SYNC,      /* ino, offset: its number, callers. What was written before it … */
    POWER_SYNCED,    /* … is on disk from here: offset: the same number */
    POWER_FAILED,    /* … or for ever in doubt: EIO was answered */
    POWER_SEND,      /* ino: socket's descriptor, bytes */
    POWER_RECEIVE,   /* likewise; without bytes: the peer closed */
    POWER_CLOSE      /* likewise */
};

struct power_rec {
    uint32_t magic, bytes; /* bytes: all of it with the padding */
    uint16_t kind, n_frames;
    uint32_t pid;
    uint64_t ino, offset, length;
    uint32_t n_path, n_data;
    /* uint64_t frame[n_frames]; char path[n_path]; uint8_t data[n_data]; */
};
_Static_assert(sizeof(struct power_rec) == 48, "read as it was written");

enum { POWER_FRAMES = 24 };

#endif
