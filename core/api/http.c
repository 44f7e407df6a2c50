/*
 * libmicrohttpd 0.9.75 within the core's loop. Its epoll descriptor is watched by the
 * loop; it is only ever run with a wait of 0, for it falls asleep on ready sockets when
 * one of its waits takes exactly 128 events and it may wait (its second wait reuses the
 * infinite time-out). Without MHD_USE_TURBO, which leaves a fresh socket out of epoll
 * until it is read again, so that a reset while an answer is due goes unseen.
 *
 * A handler that gives no answer is called again on each run, and the library then says
 * that it is due at once. Nobody obeys that while requests wait for a commit: main
 * commits and api_answer runs the library. So waiting costs no spinning, and what is
 * due besides (a pipelined request, the rest of a long answer) goes on one commit later.
 *
 * A daemon without a thread of its own has no descriptor that tells of resumed
 * connections, and does not count them as due: http_back arms the timer itself.
 *
 * Limits: headers of HTTP_HEADER_BYTES; connections in all and by address, and idle
 * time by the options; slow.c ends those that send too slowly. What the library refuses by itself (a
 * malformed first line, headers too large) it answers in HTML with the right status.
 */
#include "api/http.h"
#include "api/hooks.h"
#include "api/inner.h"
#include "api/reply.h"
#include "api/route.h"
#include "api/slow.h"
#include "api/streams.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct http {
    struct api *api;
    struct MHD_Daemon *d;
    struct loop_fd *watch;
    struct loop_timer *timer;
    struct slow *slow;
    bool control;
    bool resumed;  /* a connection was, since the last run */
    unsigned vain; /* runs that were due at once and did nothing, see VAIN_MAX */
    int quiet_fd;  /* the listening socket, given back by the library; else -1 */
};

/* A chunk's extension longer than the read buffer makes the library say that it is due,
 * for as long as the client stays: after so many runs for nothing it gets a pause between
 * two. Each event and each run that did something forgives a few, for a long answer leaves
 * in runs that look the same. */
enum { VAIN_MAX = 256, VAIN_FORGIVEN = 8, VAIN_PAUSE_US = 2000 };

static void __attribute__((format(printf, 2, 0))) http__log(void *arg, const char *fmt, va_list ap)
{
    struct http *h = arg;
    char quoted[200];

    /* Its words only: what they are filled with may be a client's header. */
    (void)ap;
    log_event(h->api->gw->log, HILO_LOG_DEBUG, "http.mhd", "text=%s",
              log_quote(str(fmt), quoted, sizeof quoted));
}

static void *http__first_line(void *arg, const char *uri, struct MHD_Connection *conn)
{
    struct http *h = arg;
    struct request *rq = request_new(h->api, conn, str(uri));

    rq->http = h;
    rq->control = h->control;
    h->api->progress++;
    h->api->requests++;
    return rq;
}

static enum MHD_Result http__header(struct MHD_Response *r, const char *name, struct hilo_str value,
                                    struct arena *arena)
{
    if (value.n == 0)
        return MHD_YES;
    return MHD_add_response_header(r, name, arena_z(arena, value));
}

/* Gives the library what rq->answer says. */
static enum MHD_Result http__send(struct request *rq)
{
    const struct answer *a = &rq->answer;
    struct MHD_Response *r;
    enum MHD_Result rc = MHD_YES;
    char number[24];
    union {
        const char *in;
        void *out;
    } body = {a->body.p ? a->body.p : ""};

    rq->state = REQUEST_ANSWERED;
    rq->api->progress++;
    if (rq->stream) {
        r = stream_response(rq->stream, rq->http, rq->conn);
    } else if (a->fd >= 0) {
        r = MHD_create_response_from_fd64(a->fd_bytes, a->fd);
        if (r)
            rq->answer.fd = -1; /* the response closes it */
    } else {
        /* The bytes live in the arena, which outlives the answer's sending. */
        r = MHD_create_response_from_buffer((size_t)a->body.n, body.out, MHD_RESPMEM_PERSISTENT);
    }
    if (!r)
        return MHD_NO;
    if (http__header(r, "Content-Type", a->type, rq->arena) != MHD_YES ||
        MHD_add_response_header(r, "X-Request-Id", rq->id) != MHD_YES ||
        MHD_add_response_header(r, "Cache-Control", "no-store") != MHD_YES ||
        http__header(r, "Location", a->location, rq->arena) != MHD_YES ||
        http__header(r, "ETag", a->etag, rq->arena) != MHD_YES ||
        http__header(r, "Allow", a->allow, rq->arena) != MHD_YES ||
        http__header(r, "WWW-Authenticate", a->authenticate, rq->arena) != MHD_YES)
        rc = MHD_NO;
    if (a->disposition.n &&
        (http__header(r, "Content-Disposition", a->disposition, rq->arena) != MHD_YES ||
         MHD_add_response_header(r, "X-Content-Type-Options", "nosniff") != MHD_YES ||
         MHD_add_response_header(r, "Content-Security-Policy", "sandbox; default-src 'none'") != MHD_YES))
        rc = MHD_NO;
    if (a->retry_after_s) {
        (void)snprintf(number, sizeof number, "%u", a->retry_after_s);
        if (MHD_add_response_header(r, "Retry-After", number) != MHD_YES)
            rc = MHD_NO;
    }
    if (rq->unframed && MHD_add_response_header(r, "Connection", "close") != MHD_YES)
        rc = MHD_NO;
    if (a->replayed && MHD_add_response_header(r, "Idempotency-Replayed", "true") != MHD_YES)
        rc = MHD_NO;
    for (uint64_t i = 0; i < a->n_header; i++)
        /* A plugin's; what the library refuses (line breaks, framing) is left out. */
        (void)http__header(r, arena_z(rq->arena, a->header[i].key), a->header[i].val, rq->arena);
    if (rc == MHD_YES)
        rc = MHD_queue_response(rq->conn, a->status, r);
    MHD_destroy_response(r);
    return rc;
}

/* Decided: answers at once if there is nothing to wait for, or at a later call. */
static enum MHD_Result http__settle(struct request *rq)
{
    struct store *store = rq->api->gw->store;

    if (rq->state == REQUEST_ELSEWHERE) {
        MHD_suspend_connection(rq->conn);
        return MHD_YES;
    }
    if (store_synced(store) >= rq->wait_seq)
        return http__send(rq);
    rq->state = REQUEST_WAITING;
    rq->api->waiting++;
    return MHD_YES;
}

static enum MHD_Result http__handler(void *arg, struct MHD_Connection *conn, const char *url,
                                     const char *method, const char *version, const char *data, size_t *n,
                                     void **cls)
{
    struct http *h = arg;
    struct request *rq = *cls;

    (void)url, (void)version;
    CHECK(rq && rq->magic == REQUEST_MAGIC);
    switch (rq->state) {
    case REQUEST_HEAD:
        h->api->progress++;
        rq->method = str(method); /* the library keeps it as long as the request */
        rq->state = REQUEST_BODY;
        dispatch_head(rq);
        slow_body(h->slow, rq);
        if (rq->failed && request_answer_early(rq)) {
            slow_whole(h->slow, conn);
            problem_reply(rq, &rq->fault);
            return http__settle(rq);
        }
        return MHD_YES;
    case REQUEST_BODY:
        h->api->progress++;
        if (*n > 0) {
            bool go_on = request_body_add(rq, data, *n);
            *n = 0;
            return go_on ? MHD_YES : MHD_NO;
        }
        slow_whole(h->slow, conn);
        dispatch_whole(rq);
        return http__settle(rq);
    case REQUEST_WAITING:
        if (store_synced(h->api->gw->store) < rq->wait_seq)
            return MHD_YES;
        h->api->waiting--;
        rq->state = REQUEST_BACK;
        return http__send(rq);
    case REQUEST_BACK:
        dispatch_back(rq);
        return http__settle(rq);
    case REQUEST_ELSEWHERE:
    case REQUEST_ANSWERED:
    default:
        return MHD_YES;
    }
}

static void http__completed(void *arg, struct MHD_Connection *conn, void **cls,
                            enum MHD_RequestTerminationCode why)
{
    struct http *h = arg;
    struct request *rq = *cls;
    bool aborted;

    slow_next(h->slow, conn);
    if (!rq)
        return;
    *cls = NULL;
    h->api->progress++;
    CHECK(rq->magic == REQUEST_MAGIC);
    /* A unix socket whose peer took the answer and left is in error for the library. */
    aborted = why != MHD_REQUEST_TERMINATED_COMPLETED_OK && !(rq->control && rq->state == REQUEST_ANSWERED);
    dispatch_done(rq, aborted);
    hook_forget(rq);
    if (rq->stream)
        stream_gone(rq->stream, why == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED);
    request_free(rq);
}

static void http__ready(void *arg, int fd, unsigned events)
{
    struct http *h = arg;

    (void)fd, (void)events;
    h->vain -= h->vain < VAIN_FORGIVEN ? h->vain : VAIN_FORGIVEN;
    http_run(h);
    http_arm(h);
}

static void http__due(void *arg)
{
    struct http *h = arg;
    uint64_t before = h->api->progress;

    http_run(h);
    if (h->api->progress != before)
        h->vain -= h->vain < VAIN_FORGIVEN ? h->vain : VAIN_FORGIVEN;
    else if (h->vain < VAIN_MAX)
        h->vain++;
    http_arm(h);
}

void http_run(struct http *h)
{
    h->resumed = false;
    (void)MHD_run_wait(h->d, 0);
}

bool http_due_now(struct http *h)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;

    return MHD_get_timeout(h->d, &ms) == MHD_YES && ms == 0;
}

void http_arm(struct http *h)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;
    int64_t due, at;

    if (h->resumed) {
        loop_timer_at(h->timer, clock_mono_us());
        return;
    }
    if (MHD_get_timeout(h->d, &ms) != MHD_YES) {
        loop_timer_cancel(h->timer);
        return;
    }
    if (ms == 0) {
        /* While something waits for a commit, that is what is due: api_answer. */
        if (h->api->waiting == 0)
            loop_timer_at(h->timer, clock_mono_us() + (h->vain < VAIN_MAX ? 0 : VAIN_PAUSE_US));
        else
            loop_timer_cancel(h->timer);
        return;
    }
    /* A time-out moves on with each request: a timer that comes too early looks again,
     * which is cheaper than to move it each time. */
    due = clock_mono_us() + (int64_t)(ms > 3600000 ? 3600000 : ms) * 1000;
    at = loop_timer_due(h->timer);
    if (at == 0 || at > due)
        loop_timer_at(h->timer, due);
}

void http_back(struct request *rq)
{
    if (rq->inner) {
        inner_back(rq);
        return;
    }
    rq->state = REQUEST_BACK;
    MHD_resume_connection(rq->conn);
    http_resumed(rq->http);
}

void http_resumed(struct http *h)
{
    /* Neither the descriptor nor the time-out tell. */
    h->resumed = true;
    http_arm(h);
}

int32_t http_new(struct api *api, int fd, bool control, struct err *e, struct http **out)
{
    const struct api_options *o = &api->opt;
    struct http *h = calloc(1, sizeof *h);
    const union MHD_DaemonInfo *info;
    int32_t rc = HILO_OK;

    if (!h)
        check_nomem();
    h->api = api;
    h->control = control;
    h->quiet_fd = -1;
    h->slow = slow_new(api->gw->loop, o->idle_timeout_us);
    h->d = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, http__handler, h,
        MHD_OPTION_EXTERNAL_LOGGER, http__log, h, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK,
        http__first_line, h, MHD_OPTION_NOTIFY_COMPLETED, http__completed, h, MHD_OPTION_NOTIFY_CONNECTION,
        slow_connection, h->slow, MHD_OPTION_CONNECTION_LIMIT, (unsigned)(control ? 64 : o->connections_max),
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)(control ? 0 : o->connections_per_ip_max),
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)((o->idle_timeout_us + 999999) / 1000000),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEADER_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_END);
    if (!h->d) {
        (void)close(fd);
        rc = err_set(e, HILO_IO, "the HTTP library does not start; its reason is in the log at level debug");
        goto out;
    }
    h->timer = loop_timer_new(api->gw->loop, http__due, h);
    info = MHD_get_daemon_info(h->d, MHD_DAEMON_INFO_EPOLL_FD);
    rc = loop_fd_new(api->gw->loop, info->epoll_fd, LOOP_READ, http__ready, h, &h->watch);
    if (rc != HILO_OK) {
        (void)err_set(e, rc, "can't watch the HTTP library's descriptor");
        goto out;
    }
    http_run(h); /* puts the listener into its epoll */
    http_arm(h);
    *out = h;
    h = NULL;
out:
    http_free(&h);
    return rc;
}

void http_free(struct http **hp)
{
    struct http *h = *hp;

    if (!h)
        return;
    loop_fd_free(&h->watch);
    loop_timer_free(&h->timer);
    if (h->d)
        MHD_stop_daemon(h->d);
    slow_free(&h->slow);
    if (h->quiet_fd >= 0)
        (void)close(h->quiet_fd);
    free(h);
    *hp = NULL;
}

void http_quiesce(struct http *h)
{
    if (h->quiet_fd < 0)
        h->quiet_fd = MHD_quiesce_daemon(h->d);
    http_run(h); /* takes the listener out of its epoll */
}

uint64_t http_cut(const struct http *h)
{
    return slow_cut(h->slow);
}

unsigned http_connections(const struct http *h)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->d, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

    return info ? info->num_connections : 0;
}
