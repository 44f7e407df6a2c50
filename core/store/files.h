/*
 * Files of channels' own (hilo/plugin.h, file_open): files/CHANNEL/NAME in the data folder. That a
 * name is there, or is not, outlives a power cut once files_sync has said HILO_OK for it; what is
 * in a file is for who writes it to sync. Files have mode 0600, folders 0700.
 *
 * Belongs to one thread, which may block: services/files.c has one for it.
 */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include "base/buf.h"
#include "base/err.h"
#include <hilo/plugin.h>
#include <stdbool.h>

#define FILES_FOLDER "files"
enum { CHANNEL_NAME_MAX = 63 };

struct files; /* opaque */

/* Nothing is made before the first file is. data_dir is copied. */
struct files *files_new(const char *data_dir);
void files_free(struct files **);

/* channel: a channel's name; name: a file's (str_file_name). HILO_NOTFOUND: there is none; HILO_FULL: the
 * disk is full, or the channel has HILO_FILES_MAX; HILO_INVALID: it is no file; HILO_IO. A file
 * that was made or removed is to be synced. */
int32_t files_open(struct files *, struct hilo_str channel, struct hilo_str name, bool create, int *fd_out,
                   uint64_t *size_out, struct err *);
int32_t files_remove(struct files *, struct hilo_str channel, struct hilo_str name, struct err *);
/* Appends the names, each with a line's end, in the order of their bytes. */
int32_t files_list(struct files *, struct hilo_str channel, struct buf *out, struct err *);
/* All that was made and removed of this channel is on disk. Nothing to do: HILO_OK. */
int32_t files_sync(struct files *, struct hilo_str channel, struct err *);

#endif
