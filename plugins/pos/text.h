/*
 * Small things about texts: UTF-8 cut between characters, ids, times, what may stand in a URL. Pure. [any]
 */
#ifndef POS_TEXT_H
#define POS_TEXT_H

#include <hilo/types.h>
#include <stdbool.h>
#include <stddef.h>

/* The longest start of s that has at most max bytes and ends between two characters. */
struct hilo_str pos_text_cut(struct hilo_str s, size_t max);
/* Copies s, cut so, into a buffer of n bytes with its NUL. */
void pos_text_copy(char *to, size_t n, struct hilo_str s);

/* "cus_" and 26 characters of base32. */
bool pos_text_is_id(struct hilo_str s, const char *prefix);
/* The id in bytes; false: it is none with this prefix. */
bool pos_text_id(struct hilo_str s, const char *prefix, struct hilo_id *out);
enum { POS_TEXT_ID = 32 };
void pos_text_of_id(char out[POS_TEXT_ID], const char *prefix, struct hilo_id id);

/* RFC 3339 with Z or an offset, to Unix µs. */
bool pos_text_time(struct hilo_str s, int64_t *us_out);
enum { POS_TEXT_TIME = 32 };
void pos_text_of_time(char out[POS_TEXT_TIME], int64_t us); /* to the millisecond, Z */

/* s percent-encoded as a segment of a path or a value of a query (RFC 3986); false: no room. */
bool pos_text_escape(char *to, size_t n, struct hilo_str s);

#endif
