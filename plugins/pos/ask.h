/*
 * What is asked of the gateway and answered later, each with a function of its own. A
 * function is called exactly once, never from within the call that asked, unless
 * pos_ask_forget() came first. All [own] loop.
 *
 * What the link has no room for now (HILO_FULL) waits here, in order, and is asked again; so a
 * caller sees HILO_FULL never, and HILO_NOMEM only when there is no memory.
 */
#ifndef POS_ASK_H
#define POS_ASK_H

#include "pos.h"

/* The answer of the gateway's API: status 0 if there was none (code says why). Borrowed. */
typedef void pos_api_fn(void *arg, int32_t code, uint32_t status, struct hilo_str body,
                        const struct hilo_http *answer);
typedef void pos_context_fn(void *arg, int32_t code, struct hilo_str val, uint64_t version);
typedef void pos_committed_fn(void *arg, int32_t code);
/* fd is the receiver's to close; -1 unless code is HILO_OK. */
typedef void pos_media_fn(void *arg, int32_t code, int32_t fd, struct hilo_str mime, struct hilo_str filename,
                          uint64_t size);

/* Each gives a token (never 0) for pos_ask_forget, or 0: no memory, and the function will not be
 * called. Everything given is copied. */

/* A request to the gateway's own API (host.api). key: its Idempotency-Key, empty: none. match: If-Match,
 * empty: none. body: JSON, empty: none. */
struct pos_api {
    const char *method;
    struct hilo_str path, body, key, match;
};
uint64_t pos_ask_api(struct pos *, const struct pos_api *, pos_api_fn *, void *arg);
/* The plugin's own keys, without a subject. */
uint64_t pos_ask_get(struct pos *, struct hilo_str key, pos_context_fn *, void *arg);
uint64_t pos_ask_put(struct pos *, struct hilo_str key, struct hilo_str val, uint64_t if_version,
                     pos_context_fn *, void *arg);
uint64_t pos_ask_submit(struct pos *, struct hilo_str message, pos_committed_fn *, void *arg);
uint64_t pos_ask_media(struct pos *, struct hilo_id media, pos_media_fn *, void *arg);
/* Its function will not be called; what it asks for still happens. */
void pos_ask_forget(struct pos *, uint64_t token);

/* From the plugin's callbacks. */
void pos_ask_on_http(struct pos *, uint64_t token, int32_t code, const struct hilo_http *);
void pos_ask_on_context(struct pos *, uint64_t token, int32_t code, struct hilo_str val, uint64_t version);
void pos_ask_committed(struct pos *, uint64_t token, int32_t code);
void pos_ask_on_media(struct pos *, uint64_t token, int32_t code, int32_t fd, struct hilo_str mime,
                      struct hilo_str filename, uint64_t size);
void pos_ask_woken(struct pos *);
bool pos_ask_init(struct pos *); /* in open(); false: no memory */
/* Forgets all; in close(). */
void pos_ask_done(struct pos *);

#endif
