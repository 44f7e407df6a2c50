/* String views, and what is done with them all the time. [any] */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <hilo/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A literal, and any NUL-ended string. */
#define STR(lit) ((struct hilo_str){("" lit), sizeof(lit) - 1})
/* For printf: "%.*s", STR_FMT(s). */
#define STR_FMT(s) (int)((s).n > 0x7fffffff ? 0x7fffffff : (s).n), ((s).p ? (s).p : "")

static inline struct hilo_str str(const char *z)
{
    return (struct hilo_str){z, z ? strlen(z) : 0};
}
static inline struct hilo_str str_n(const void *p, size_t n)
{
    return (struct hilo_str){(const char *)p, n};
}
static inline bool str_eq(struct hilo_str a, struct hilo_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, (size_t)a.n) == 0);
}
static inline bool str_eqz(struct hilo_str a, const char *z)
{
    return str_eq(a, str(z));
}
bool str_starts(struct hilo_str s, struct hilo_str prefix);
/* ASCII letters without regard to case. */
bool str_eq_nocase(struct hilo_str a, struct hilo_str b);
/* memcmp order, the shorter first when equal so far. */
int str_cmp(struct hilo_str a, struct hilo_str b);
/* Cuts at the first c: head before it, rest after. false and head = s if none. */
bool str_cut(struct hilo_str s, char c, struct hilo_str *head_out, struct hilo_str *rest_out);
/* Decimal only, the whole of s, no sign; false on overflow or anything else. */
bool str_u64(struct hilo_str s, uint64_t *out);
/* UTF-8 (RFC 3629: no surrogates, nothing overlong) by libunistring. */
bool str_utf8_valid(struct hilo_str s);
/* Unicode characters of valid UTF-8. */
size_t str_utf8_count(struct hilo_str s);
/* The longest head of at most max characters. */
struct hilo_str str_utf8_head(struct hilo_str s, size_t max);
/* Lower-case hex. dst has room for 2n+1. */
void str_hex(char *dst, const void *src, size_t n);
/* Hex of either case, exactly 2n digits of s into dst. */
bool str_unhex(struct hilo_str s, void *dst, size_t n);
/* Equal in time that depends on the lengths only. */
bool str_eq_secret(struct hilo_str a, struct hilo_str b);
/* What a file may be called: 1 to max of A-Z a-z 0-9 . _ -, not beginning with a dot. */
bool str_file_name(struct hilo_str s, size_t max);
/* How many edits make one of the other, at most max+1 (for "did you mean"). */
size_t str_distance(struct hilo_str a, struct hilo_str b, size_t max);

#endif
