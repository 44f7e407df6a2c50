/*
 * The plugin's keys in the shared context, in order: a queue before the host's context_get and context_put,
 * which keeps what the link has no room for. Keys get the channel's name before them, as all channels of a
 * plugin share theirs. [own] loop.
 */
#ifndef POS_KV_H
#define POS_KV_H

#include <hilo/plugin.h>
#include <stdbool.h>

struct pos_kv; /* opaque */
/* token: high bits of all tokens that it uses. NULL: no memory. */
struct pos_kv *pos_kv_new(const struct hilo_host *, struct hilo_self *, uint64_t token);
/* What is under way is forgotten, and nobody is called. */
void pos_kv_free(struct pos_kv **);

/* HILO_OK: val, borrowed. HILO_NOTFOUND: no such key. Else the context can't now: HILO_FULL (the disk),
 * HILO_NOMEM … */
typedef void pos_kv_fn(void *arg, int32_t code, struct hilo_str val);
/* key: NUL-ended, copied; val too. fn comes exactly once, never from within the call. HILO_NOMEM: it does not
 * come. */
int32_t pos_kv_get(struct pos_kv *, const char *key, pos_kv_fn *, void *arg);
int32_t pos_kv_put(struct pos_kv *, const char *key, struct hilo_str val, pos_kv_fn *, void *arg);

/* true: it was its own. */
bool pos_kv_on_context(struct pos_kv *, uint64_t token, int32_t code, struct hilo_str val);
/* The link may have room again: after woken(), and from a timer while pos_kv_waits. */
void pos_kv_push(struct pos_kv *);
bool pos_kv_waits(const struct pos_kv *);

#endif
