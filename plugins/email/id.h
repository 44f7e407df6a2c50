/*
 * Ids as text: a prefix and 26 characters of Crockford's base32 ("msg_01J…"). Pure.
 */
#ifndef EMAIL_ID_H
#define EMAIL_ID_H

#include <hilo/types.h>
#include <stdbool.h>

enum { ID_TEXT_MAX = 31 }; /* of a prefix of three, with its NUL */

void id_write(const char *prefix, struct hilo_id, char out[ID_TEXT_MAX]);
/* false: it is none with this prefix, and *out is as before. */
bool id_read(const char *prefix, struct hilo_str, struct hilo_id *out);
/* Whether it is one with this prefix, in the form that the gateway writes. */
bool id_text_good(const char *prefix, const char *text);
bool id_is_none(struct hilo_id);

#endif
