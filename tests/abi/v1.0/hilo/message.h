/*
 * hilo/message.h - the common message model's bytes: inline readers and a
 * writer, without allocation.
 *
 * A message is a sequence of fields. A field is
 *
 *     tag     varint: LEB128, little-endian groups of 7 bits, at most 5 bytes
 *     length  varint
 *     value   length bytes, by the type given in hilo/fields.def
 *
 * A value of type GROUP is again a sequence of fields. Order is free except that
 * repeated fields keep theirs; a field that is not repeated and comes twice
 * counts once, the first. Readers skip tags that they do not know, and writers
 * that change a message copy them: a newer plugin's fields survive an older core.
 *
 * No function here allocates, and none keeps a pointer after it returns, except
 * that what a reader hands out points into the bytes it was given.
 * All are [any] thread. SPDX-License-Identifier: Apache-2.0
 */
#ifndef HILO_MESSAGE_H
#define HILO_MESSAGE_H

#include <hilo/types.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Limits that every reader and writer may count on. */
enum {
    HILO_MESSAGE_MAX = 1 << 20, /* bytes of one message */
    HILO_DEPTH_MAX = 8          /* groups within groups */
};

/* HILO_T_MSG_ID, HILO_T_CONTENT_TEXT …: the tags, HILO_T_<GROUP>_<NAME>. (Without
 * the T they are the values of types.h: HILO_CONTENT_TEXT is a type.) */
#define HILO_FIELD(group, name, tag, type, arg, json, flags) HILO_T_##group##_##name = (tag),
enum hilo_tag {
#include <hilo/fields.def>
    HILO_T__END
};

/* ---- reading ------------------------------------------------------------------ */

struct hilo_field {
    uint32_t tag, spare;
    struct hilo_str val;
};

/* Reads a varint at *p, not beyond end. 1 and *p moved on, or 0 if malformed. */
static inline int hilo__varint(const uint8_t **p, const uint8_t *end, uint32_t *out)
{
    uint64_t v = 0;
    unsigned shift = 0;
    const uint8_t *q = *p;

    for (; q < end && shift < 35; shift += 7) {
        uint8_t b = *q++;
        v |= (uint64_t)(b & 0x7fu) << shift;
        if (!(b & 0x80u)) {
            if (v > UINT32_MAX)
                return 0;
            *out = (uint32_t)v;
            *p = q;
            return 1;
        }
    }
    return 0;
}

/* Takes the next field off *rest. 1: *out is it and *rest starts after it;
 * 0: there is none; -1: the bytes are malformed, nothing was changed. */
static inline int hilo_next(struct hilo_str *rest, struct hilo_field *out)
{
    const uint8_t *p, *end;
    uint32_t tag, n;

    if (rest->n == 0)
        return 0;
    p = (const uint8_t *)rest->p;
    end = p + rest->n;
    if (!hilo__varint(&p, end, &tag) || !hilo__varint(&p, end, &n) || n > (uint64_t)(end - p))
        return -1;
    out->tag = tag;
    out->val.p = (const char *)p;
    out->val.n = n;
    rest->p = (const char *)(p + n);
    rest->n = (uint64_t)(end - (p + n));
    return 1;
}

/* The first field with this tag in a group. 1 and *out, or 0 if it is absent or
 * the bytes before it are malformed. */
static inline int hilo_find(struct hilo_str group, uint32_t tag, struct hilo_str *out)
{
    struct hilo_field f;

    while (hilo_next(&group, &f) == 1) {
        if (f.tag == tag) {
            *out = f.val;
            return 1;
        }
    }
    return 0;
}

/* The value of a U64, TIME, BOOL or ENUM field (at most 8 bytes are read). */
static inline uint64_t hilo_u64(struct hilo_str val)
{
    uint64_t v = 0;
    uint64_t i;

    for (i = 0; i < val.n && i < 8; i++)
        v |= (uint64_t)(uint8_t)val.p[i] << (8 * i);
    return v;
}

/* The value of an F64 field; 0 if it has not 8 bytes. */
static inline double hilo_f64(struct hilo_str val)
{
    double d = 0;
    uint64_t v = hilo_u64(val);

    if (val.n == 8)
        memcpy(&d, &v, 8);
    return d;
}

/* Find and read in one: what is absent reads as 0, an empty string, no id. */
static inline uint64_t hilo_get_u64(struct hilo_str group, uint32_t tag)
{
    struct hilo_str v;
    return hilo_find(group, tag, &v) ? hilo_u64(v) : 0;
}
static inline double hilo_get_f64(struct hilo_str group, uint32_t tag)
{
    struct hilo_str v;
    return hilo_find(group, tag, &v) ? hilo_f64(v) : 0;
}
static inline struct hilo_str hilo_get_str(struct hilo_str group, uint32_t tag)
{
    struct hilo_str v = {0, 0};
    (void)hilo_find(group, tag, &v);
    return v;
}
static inline struct hilo_id hilo_get_id(struct hilo_str group, uint32_t tag)
{
    struct hilo_id id;
    struct hilo_str v;

    memset(&id, 0, sizeof id);
    if (hilo_find(group, tag, &v) && v.n == sizeof id.b)
        memcpy(id.b, v.p, sizeof id.b);
    return id;
}

/* A message's content group, and its type (0 if there is none). */
static inline struct hilo_str hilo_content(struct hilo_str message)
{
    return hilo_get_str(message, HILO_T_MSG_CONTENT);
}
static inline uint32_t hilo_content_type(struct hilo_str message)
{
    return (uint32_t)hilo_get_u64(hilo_content(message), HILO_T_CONTENT_TYPE);
}

/* ---- writing -------------------------------------------------------------------- */

/* Writes fields into p, at most cap bytes. Once something did not fit, failed is
 * set, later puts do nothing, and the caller looks once, at the end. */
struct hilo_writer {
    uint8_t *p;
    uint64_t cap, n;
    uint32_t failed, depth;
    uint64_t open[HILO_DEPTH_MAX]; /* where the value of each open group starts */
    /* Called when need bytes in all do not fit: makes p and cap larger and returns
     * 1, or returns 0. NULL: the buffer is what it is. */
    int (*grow)(struct hilo_writer *, uint64_t need);
    void *grow_arg;
};

static inline void hilo_writer_init(struct hilo_writer *w, void *buf, uint64_t cap)
{
    memset(w, 0, sizeof *w);
    w->p = (uint8_t *)buf;
    w->cap = cap;
}

/* What was written so far. */
static inline struct hilo_str hilo_written(const struct hilo_writer *w)
{
    struct hilo_str s;
    s.p = (const char *)w->p;
    s.n = w->n;
    return s;
}

static inline int hilo__room(struct hilo_writer *w, uint64_t more)
{
    if (w->failed)
        return 0;
    if (w->cap - w->n >= more)
        return 1;
    if (w->grow && w->grow(w, w->n + more))
        return 1;
    w->failed = 1;
    return 0;
}

static inline unsigned hilo__varint_put(uint8_t out[5], uint32_t v)
{
    unsigned n = 0;

    for (; v >= 0x80; v >>= 7)
        out[n++] = (uint8_t)(v | 0x80);
    out[n++] = (uint8_t)v;
    return n;
}

/* BYTES, STR, ID and whole GROUPs. */
static inline void hilo_put(struct hilo_writer *w, uint32_t tag, const void *p, uint64_t n)
{
    uint8_t head[10];
    unsigned h;

    if (n > UINT32_MAX) {
        w->failed = 1;
        return;
    }
    h = hilo__varint_put(head, tag);
    h += hilo__varint_put(head + h, (uint32_t)n);
    if (!hilo__room(w, h + n))
        return;
    memcpy(w->p + w->n, head, h);
    if (n)
        memcpy(w->p + w->n + h, p, (size_t)n);
    w->n += h + n;
}
static inline void hilo_put_str(struct hilo_writer *w, uint32_t tag, struct hilo_str s)
{
    hilo_put(w, tag, s.p, s.n);
}
static inline void hilo_put_id(struct hilo_writer *w, uint32_t tag, struct hilo_id id)
{
    hilo_put(w, tag, id.b, sizeof id.b);
}
/* U64, TIME, BOOL, ENUM. */
static inline void hilo_put_u64(struct hilo_writer *w, uint32_t tag, uint64_t v)
{
    uint8_t b[8];
    unsigned n = 0;

    for (; v; v >>= 8)
        b[n++] = (uint8_t)v;
    hilo_put(w, tag, b, n);
}
static inline void hilo_put_f64(struct hilo_writer *w, uint32_t tag, double d)
{
    uint8_t b[8];
    uint64_t v;
    unsigned i;

    memcpy(&v, &d, 8);
    for (i = 0; i < 8; i++)
        b[i] = (uint8_t)(v >> (8 * i));
    hilo_put(w, tag, b, 8);
}

/* Opens a group: what is put until hilo_close is in it. */
static inline void hilo_open(struct hilo_writer *w, uint32_t tag)
{
    uint8_t head[5];
    unsigned h = hilo__varint_put(head, tag);

    if (w->depth >= HILO_DEPTH_MAX) {
        w->failed = 1;
        return;
    }
    if (!hilo__room(w, h + 1u))
        return;
    memcpy(w->p + w->n, head, h);
    w->n += h + 1u; /* one byte of length, widened on close if need be */
    w->open[w->depth++] = w->n;
}
static inline void hilo_close(struct hilo_writer *w)
{
    uint8_t len[5];
    uint64_t at, n;
    unsigned l;

    if (w->failed)
        return;
    if (w->depth == 0) {
        w->failed = 1;
        return;
    }
    at = w->open[w->depth - 1];
    n = w->n - at;
    if (n > UINT32_MAX) {
        w->failed = 1;
        return;
    }
    l = hilo__varint_put(len, (uint32_t)n);
    if (!hilo__room(w, l - 1u))
        return;
    w->depth--;
    if (l > 1)
        memmove(w->p + at + l - 1, w->p + at, (size_t)n);
    memcpy(w->p + at - 1, len, l);
    w->n += l - 1u;
}

#ifdef __cplusplus
}
#endif
#endif
