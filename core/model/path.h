/*
 * Where in a message or a JSON document something is, kept on the stack while a
 * reader descends and written out only when there is something to say. [any]
 */
#ifndef MODEL_PATH_H
#define MODEL_PATH_H

#include "base/err.h"
#include <hilo/types.h>
#include <stddef.h>

struct model_path {
    const struct model_path *up; /* NULL: the start */
    struct hilo_str key;         /* a member's name; p NULL: an element, by index */
    size_t index;
};

static inline struct model_path path_key(const struct model_path *up, struct hilo_str key)
{
    return (struct model_path){up, key, 0};
}
static inline struct model_path path_index(const struct model_path *up, size_t index)
{
    return (struct model_path){up, {NULL, 0}, index};
}

/* "/content/choices/2/title": a JSON pointer (RFC 6901), "" for the whole. A start
 * that is a path itself ("/content") is given as a struct model_path whose up is
 * NULL and whose key is that text, written as it is. Long names and paths are cut
 * to fit; the result is valid UTF-8 if the names are. Returns out. */
const char *path_pointer(const struct model_path *, char *out, size_t cap);
/* "content.choices[2].title". */
const char *path_dotted(const struct model_path *, char *out, size_t cap);

/* Error code with the words "POINTER: …", or just the words at the start. */
int32_t path_fail(struct err *, int32_t code, const struct model_path *, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
