/*
 * A plugin's filled struct of options as bytes, so that it can cross the link: the struct
 * as it is, then the texts of its string options in the order of the table. A pointer in
 * the struct says only whether its text is set: who reads it may be another process, and
 * learns no address of ours. [any]
 */
#ifndef PLUG_OPTIONS_H
#define PLUG_OPTIONS_H

#include "base/buf.h"
#include <hilo/plugin.h>

/* Appends them to out. HILO_OK, or HILO_NOMEM. */
int32_t options_pack(const struct hilo_plugin *, const void *conf, struct buf *out);
/* Frees them, wiped: there are secrets in it. */
void options_forget(struct buf *);
/* The struct again, its texts NUL-ended, in one piece of memory for free(). NULL: the bytes
 * are not what options_pack makes for this table. */
void *options_unpack(const struct hilo_plugin *, struct hilo_str bytes);

#endif
