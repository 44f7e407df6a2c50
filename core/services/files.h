/*
 * What plugins ask of files of their own (hilo/plugin.h, file_open), on a thread of its own, as it
 * waits for disks: the questions that are there are done at once, each folder is synced once for all
 * of them, and then each is answered. [core]
 */
#ifndef SERVICES_FILES_H
#define SERVICES_FILES_H

#include "services/gateway.h"

enum files_what { FILES_OPEN, FILES_REMOVE, FILES_LIST };

struct channel_files; /* opaque */

int32_t channel_files_new(struct gateway *, const char *data_dir, struct err *, struct channel_files **out);
/* Answers by channel_file or channel_files of the channel's plug, unless it goes before. */
void channel_files_ask(struct channel_files *, struct gw_channel *, enum files_what, uint64_t token,
                       struct hilo_str name, uint32_t flags);
/* The instance that asked is gone: nobody is answered. NULL is fine. */
void channel_files_gone(struct channel_files *, const struct gw_channel *);
void channel_files_free(struct channel_files **);

#endif
