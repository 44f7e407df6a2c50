/* Cutting text for people where it hurts least. [any] */
#ifndef MODEL_SPLIT_H
#define MODEL_SPLIT_H

#include <hilo/types.h>
#include <stddef.h>

/* Takes the next part of at most max characters (1 or more) off *rest, which is valid
 * UTF-8: all of it if it fits, else up to the last line's end beyond the first third, or
 * sentence's end beyond the half, or the last space, or the last whole grapheme
 * cluster, or, if one is longer than max, the last character. White space at the cut is
 * dropped. Linear in the part. */
struct hilo_str split_take(struct hilo_str *rest, size_t max);

/* The longest head of at most max characters that ends between grapheme clusters
 * (or, if the first is longer, between characters). */
struct hilo_str split_head(struct hilo_str s, size_t max);

#endif
