/*
 * The outbox's HTTP client: POSTs over connections that are kept. libcurl resolves, connects and does
 * TLS (CURLOPT_CONNECT_ONLY); the request and its answer are HTTP/1.1 of our own, as libcurl's
 * general machine took 33 µs of CPU a request where this takes 11 (of it 9 the kernel's), and
 * a message has several events. All [own] loop.
 *
 * No redirects, no proxies, certificates are always verified. A post over a used connection that
 * turns out to be closed is sent once more over a new one: whoever gets it knows it by its id.
 */
#ifndef SERVICES_OUTBOX_CONN_H
#define SERVICES_OUTBOX_CONN_H

#include "base/err.h"
#include "loop/loop.h"
#include <stdbool.h>
#include <sys/queue.h>

struct outbox_conns;  /* the client; opaque */
struct outbox_target; /* a URL with its connections; opaque */
struct outbox_conn;

struct outbox_conns_options {
    int64_t timeout_us, connect_timeout_us;
    const char *ca_file; /* NULL: the system's */
};

enum outbox_outcome {
    OUTBOX_ANSWERED,    /* status */
    OUTBOX_UNREACHABLE, /* no connection: nothing was sent */
    OUTBOX_LOST         /* no whole answer: it may have got there */
};

struct outbox_result { /* valid in the call */
    enum outbox_outcome outcome;
    uint32_t status;
    const char *retry_after; /* as it came; "" if none */
    const char *words;       /* what went wrong; "" if answered */
    int64_t us;              /* it took */
};

/* One POST; the caller's memory, until done. */
struct outbox_post {
    struct hilo_str head, body; /* head: "name: value\r\n" lines, content-length not among them */
    void (*done)(struct outbox_post *, const struct outbox_result *);
    /* the client's */
    TAILQ_ENTRY(outbox_post) list;
    struct outbox_conn *conn;
    int64_t started_us, due_us;
    bool again;
};

int32_t outbox_conns_new(struct loop *, const struct outbox_conns_options *, struct err *,
                         struct outbox_conns **out);
void outbox_conns_free(struct outbox_conns **);          /* its targets were freed before */
uint64_t outbox_conns_made(const struct outbox_conns *); /* connections, since it was made */

/* A URL that outbox_url_check has taken. */
struct outbox_target *outbox_target_new(struct outbox_conns *, struct hilo_str url);
/* Posts under way end without done. */
void outbox_target_free(struct outbox_target **);
/* done comes later, never from within; another may be started in it. */
void outbox_post(struct outbox_target *, struct outbox_post *);

#endif
