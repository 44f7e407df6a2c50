/*
 * Ids as text: a prefix and 26 characters of Crockford's base32 ("msg_01J…"). Pure.
 */
#ifndef VOICE_ID_H
#define VOICE_ID_H

#include <stdbool.h>
#include <hilo/types.h>

enum { ID_TEXT_MAX = 31 }; /* of a prefix of three, with its NUL */

void id_write(const char *prefix, struct hilo_id, char out[ID_TEXT_MAX]);
/* false: it is none with this prefix, and *out is as before. */
bool id_read(const char *prefix, struct hilo_str, struct hilo_id *out);
bool id_is_none(struct hilo_id);

#endif
