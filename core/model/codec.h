/*
 * The message's bytes (hilo/message.h): checking what comes from outside, and
 * making a changed copy. Reading and writing are hilo/message.h itself. [any]
 */
#ifndef MODEL_CODEC_H
#define MODEL_CODEC_H

#include "base/arena.h"
#include "base/err.h"
#include "model/table.h"
#include <hilo/message.h>

/*
 * Whether bytes are a well-formed message: at most HILO_MESSAGE_MAX bytes; every
 * field within its group; tags and lengths in their shortest form, no tag 0; and
 * each known field's value of its type: U64 in its shortest form and at most 8
 * bytes, TIME not beyond year 9999, BOOL 0 or 1, ENUM any number up to 32 bits
 * (a newer peer may know values that we do not), F64 finite, ID 16 bytes, STR
 * UTF-8 without NUL. Unknown tags may hold anything.
 * HILO_OK, or HILO_INVALID naming the place: "content.choices[2].title: not UTF-8".
 * It says nothing about sense: see model/validate.h.
 */
int32_t model_check(struct hilo_str message, struct err *);
/* The same for the bytes of one group. */
int32_t model_check_group(enum model_group, struct hilo_str bytes, struct err *);

/* ---- editing -------------------------------------------------------------------- */

enum model_change_op {
    MODEL_SET,    /* the field has this value: in the place of its first, or at the end */
    MODEL_ADD,    /* one more field with this tag, at the end */
    MODEL_REMOVE, /* no field with this tag */
    MODEL_INTO    /* changes within the first group with this tag, made if absent */
};
struct model_change {
    uint32_t tag;
    uint8_t op;
    uint8_t number;                /* the value is u, else val */
    struct hilo_str val;           /* STR, BYTES, ID, F64 as its 8 bytes, or a whole GROUP; borrowed */
    uint64_t u;                    /* U64, TIME, BOOL, ENUM */
    const struct model_change *in; /* INTO */
    size_t n_in;
};

static inline struct model_change change_str(uint32_t tag, struct hilo_str v)
{
    return (struct model_change){.tag = tag, .op = MODEL_SET, .val = v};
}
static inline struct model_change change_u64(uint32_t tag, uint64_t v)
{
    return (struct model_change){.tag = tag, .op = MODEL_SET, .number = 1, .u = v};
}
/* id is borrowed until the edit is made. */
static inline struct model_change change_id(uint32_t tag, const struct hilo_id *id)
{
    return (struct model_change){.tag = tag, .op = MODEL_SET, .val = {(const char *)id->b, sizeof id->b}};
}
static inline struct model_change change_add(uint32_t tag, struct hilo_str v)
{
    return (struct model_change){.tag = tag, .op = MODEL_ADD, .val = v};
}
static inline struct model_change change_remove(uint32_t tag)
{
    return (struct model_change){.tag = tag, .op = MODEL_REMOVE};
}
static inline struct model_change change_into(uint32_t tag, const struct model_change *in, size_t n)
{
    return (struct model_change){.tag = tag, .op = MODEL_INTO, .in = in, .n_in = n};
}

/*
 * A new message in the arena from an old one with changes; every other field, known
 * or not, is copied byte for byte and keeps its place. At most 64 changes, one to a
 * tag, except that there may be several ADD, also beside a REMOVE of what was there
 * before. It edits the bytes of any group as well. HILO_OK; HILO_INVALID if the old
 * bytes (or those of a group gone into) are malformed; HILO_FULL if the result is
 * beyond HILO_MESSAGE_MAX. What is put in is not checked.
 */
int32_t model_edit(struct arena *, struct hilo_str message, const struct model_change *, size_t n,
                   struct hilo_str *out, struct err *);

#endif
