/* JSON that is built member by member. [any] */
#ifndef MODEL_OUT_H
#define MODEL_OUT_H

#include "base/buf.h"
#include <hilo/types.h>
#include <stdbool.h>

/* A writer of JSON into a buffer, which the caller frees (buf_done); once memory is out, failed is set. */
struct out {
    struct buf b;
    bool comma, failed;
};
void out_begin(struct out *, const char *key, char bracket); /* '{' or '['; key NULL: none */
void out_end(struct out *, char bracket);                    /* '}' or ']' */
void out_str(struct out *, const char *key, struct hilo_str);
void out_opt(struct out *, const char *key, struct hilo_str); /* nothing if it is empty */
void out_u64(struct out *, const char *key, uint64_t);
void out_bool(struct out *, const char *key, bool);
void out_null(struct out *, const char *key);
void out_id(struct out *, const char *key, const char *prefix, struct hilo_id); /* nothing if none */
void out_time(struct out *, const char *key, uint64_t us);                      /* nothing if 0 */
void out_raw(struct out *, const char *key, struct hilo_str json);
void out_hex(struct out *, const char *key, struct hilo_str bytes);

#endif
