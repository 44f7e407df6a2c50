/* Cutting text for people where it hurts least. [any] */
#ifndef MODEL_SPLIT_H
#define MODEL_SPLIT_H

#include "base/str.h"

/* Takes the next part of at most max characters (1 or more) off *rest, which is valid
 * UTF-8: all of it if it fits, else up to the last line's end beyond the first third, or
 * sentence's end beyond the half, or the last space, or the last whole grapheme
 * cluster, or, if one is longer than max, the last character. White space at the cut is
 * dropped. Linear in the part. */
struct hilo_str split_take(struct hilo_str *rest, size_t max);

/* The longest head of at most max characters that ends between grapheme clusters
 * (or, if the first is longer, between characters). */
struct hilo_str split_head(struct hilo_str s, size_t max);

/* Whether s has at most max characters. No character is shorter than a byte. */
static inline bool split_fits(struct hilo_str s, size_t max)
{
    return s.n <= max || str_utf8_head(s, max).n == s.n;
}

#endif
