/*
 * The media that a message names: its own (content of type media), those of its attachments and of
 * its original, in this order, in one form. [any]
 */
#ifndef MODEL_ATTACHED_H
#define MODEL_ATTACHED_H

#include <hilo/types.h>
#include <stdbool.h>

struct attached {
    uint32_t in;          /* HILO_T_CONTENT_MEDIA: the content's own; _ATTACHMENTS; _ORIGINAL */
    struct hilo_id media; /* none: it is not stored and will not be */
    struct hilo_str ext;  /* the channel's name of it, or empty */
    struct hilo_str mime, filename, sha256; /* sha256: hex, as given; each may be empty */
};

/* Where a walk has come to; begin with the content's bytes as rest. */
struct attached_walk {
    struct hilo_str content, rest;
    bool begun;
};
static inline struct attached_walk attached_begin(struct hilo_str content)
{
    return (struct attached_walk){content, content, false};
}
/* The next one; false: there is none. Strings point into the content. */
bool attached_next(struct attached_walk *, struct attached *out);
/* The one with this id. */
bool attached_find(struct hilo_str content, struct hilo_id media, struct attached *out);

#endif
