/*
 * The host's HTTP client: many requests at a time on one loop, connections reused.
 * All [own] loop. It serves hilo_host.http (hilo/plugin.h).
 *
 * Only http and https, no redirects, no proxies from the environment. A request that
 * may not be repeated (POST, PATCH …) is never sent a second time by itself, not even
 * when a reused connection turns out to be dead: the caller learns that it may have
 * been sent.
 */
#ifndef PLUG_HTTPC_H
#define PLUG_HTTPC_H

#include "base/err.h"
#include "loop/loop.h"
#include <hilo/plugin.h>

struct httpc; /* opaque */

enum {
    HTTPC_IN_FLIGHT_MAX = 1024,
    HTTPC_TIMEOUT_MS = 30 * 1000,
    HTTPC_CONNECT_TIMEOUT_MS = 10 * 1000,
    HTTPC_BYTES_MAX = 4 * 1024 * 1024, /* of an answer, when the request sets no limit and no sink */
    HTTPC_BODY_MAX = 32 * 1024 * 1024  /* of a request's body or one part in memory */
};

/* The outcome; answer is borrowed until it returns. HILO_OK: any status. HILO_TEMP: no
 * whole answer (network, time-out, TLS). HILO_INVALID: the answer is longer than
 * max_bytes. HILO_IO: the sink could not be written. When it is not HILO_OK,
 * answer->flags says HILO_HTTP_MAYBE_SENT, and answer->body has words for a person. */
typedef void httpc_done_fn(void *arg, uint64_t token, int32_t code, const struct hilo_http *answer);

int32_t httpc_new(struct loop *, httpc_done_fn *, void *arg, struct err *, struct httpc **out);
/* Requests in flight end without their outcome being told. Not from within done. */
void httpc_free(struct httpc **);

/* Everything is copied; descriptors (sink_fd, parts) are given away if HILO_OK, else they
 * stay the caller's. HILO_INVALID: method, URL, header or part is malformed or too large.
 * HILO_FULL: too many in flight. done comes later, never from within. */
int32_t httpc_start(struct httpc *, uint64_t token, const struct hilo_http *);

unsigned httpc_in_flight(const struct httpc *);
uint64_t httpc_requests(const struct httpc *);    /* started since it was made */
uint64_t httpc_connections(const struct httpc *); /* made for them */

#endif
