/*
 * Frames of the link as values, and their bytes. Pure functions; [any] thread.
 * What travels is a fixed head (struct frame_head) and then fields in the codec of
 * hilo/message.h, listed in frames.def.
 */
#ifndef PLUG_FRAMES_H
#define PLUG_FRAMES_H

#include <hilo/message.h>
#include <hilo/plugin.h>
#include <hilo/types.h>
#include <stdbool.h>

enum frame_type {
#define FRAME(name, type, direction, must, needs) FRAME_##name = (type),
#include "plug/frames.def"
    FRAME__END
};

enum { FRAME_DOWN = 1, FRAME_UP = 2 };

/* What a frame starts with. length is the record's, in bytes, and first, as ring.h
 * wants it. fd is a descriptor given away with the frame, or -1. big is a sealed
 * memory file that holds the fields, if they are not in the frame, or -1. */
struct frame_head {
    uint32_t length;
    uint16_t type;
    uint16_t flags; /* none yet: zero */
    uint64_t token;
    int32_t fd;
    int32_t big;
    uint32_t fields; /* bytes of fields that follow the head */
    uint32_t spare;
};
_Static_assert(sizeof(struct frame_head) == 32, "no padding");

enum {
    FRAME_HEADERS_MAX = 128, /* headers of one HTTP message */
    FRAME_MORE_MAX = HILO_MORE_EXT_IDS_MAX,
    FRAME_TYPES_MAX = 4096,       /* bytes of the types of a FOLLOW: hilo/plugin.h */
    FRAME_INLINE_MAX = 64 * 1024, /* bytes of fields in the ring itself */
    FRAME_FIELDS_MAX = 64 * 1024 * 1024
};

/* A frame's fields. What is absent is zero. */
struct frame {
    uint16_t type;
    uint64_t token;
    int fd; /* -1: none */
#define FRAME_C_ID                            struct hilo_id
#define FRAME_C_STR                           struct hilo_str
#define FRAME_C_U64                           uint64_t
#define FRAME_C_CODE                          int32_t
#define FRAME_FIELD(name, tag, ftype, member) FRAME_C_##ftype member;
#include "plug/frames.def"
    const struct hilo_kv *header;
    uint64_t n_header;
    const struct hilo_str *more; /* more_ext_ids of a report */
    uint64_t n_more;
};

/* Room for what repeats in a frame that is decoded. */
struct frame_headers {
    struct hilo_kv kv[FRAME_HEADERS_MAX];
    struct hilo_str more[FRAME_MORE_MAX];
};

/* "send", for logs; "unknown" for others. */
const char *frame_name(uint16_t type);
/* FRAME_DOWN or FRAME_UP, 0 if there is no such type. */
int frame_direction(uint16_t type);
/* Is never refused as full. */
bool frame_must(uint16_t type);

/* Writes the fields; w->failed says if they did not fit. HILO_INVALID: more headers
 * than FRAME_HEADERS_MAX, or more than FRAME_MORE_MAX ids. */
int32_t frame_encode(const struct frame *, struct hilo_writer *w);
/* The fields of a frame of this type, which must go in this direction. type, token and
 * fd of *out are left alone; the rest points into fields and *headers. HILO_INVALID if
 * they are malformed, or a field that the type needs is missing. */
int32_t frame_decode(uint16_t type, int direction, struct hilo_str fields, struct frame_headers *headers,
                     struct frame *out);

/* The HTTP message that a frame carries, and the frame for one. */
struct hilo_http frame_http(const struct frame *);
void frame_http_set(struct frame *, const struct hilo_http *);

#endif
