/*
 * Slow senders (slow.h): one list in the order of deadlines, which are all equally far from
 * when they are set, and one timer for its first. A connection is ended by shutting its
 * socket down; the library then finds its end and closes it.
 */
#include "api/slow.h"
#include "base/check.h"
#include "base/clock.h"
#include <stdlib.h>
#include <sys/socket.h>

struct slow_client {
    TAILQ_ENTRY(slow_client) list;
    int fd;
    bool listed;
    int64_t due_us;
    struct request *rq; /* whose body comes; NULL: its head does */
    uint64_t bytes;     /* of the body, when the deadline was set */
};
TAILQ_HEAD(slow_list, slow_client);

struct slow {
    struct slow_list list;
    struct loop_timer *timer;
    int64_t window_us;
    uint64_t cut;
};

static struct slow_client *client_of(struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static void unlist(struct slow *s, struct slow_client *c)
{
    if (!c->listed)
        return;
    TAILQ_REMOVE(&s->list, c, list);
    c->listed = false;
    c->rq = NULL;
    if (TAILQ_EMPTY(&s->list))
        loop_timer_cancel(s->timer);
}

static void enlist(struct slow *s, struct slow_client *c, struct request *rq)
{
    unlist(s, c);
    c->due_us = clock_mono_us() + s->window_us;
    c->rq = rq;
    c->bytes = rq ? rq->body_bytes : 0;
    c->listed = true;
    if (TAILQ_EMPTY(&s->list))
        loop_timer_at(s->timer, c->due_us);
    TAILQ_INSERT_TAIL(&s->list, c, list);
}

static void slow__due(void *arg)
{
    struct slow *s = arg;
    const uint64_t enough = (uint64_t)(s->window_us / 1000000) * SLOW_BYTES_A_SECOND;
    int64_t now = clock_mono_us();
    struct slow_client *c;

    while ((c = TAILQ_FIRST(&s->list)) && c->due_us <= now) {
        struct request *rq = c->rq;
        if (rq && rq->body_bytes - c->bytes >= enough) {
            enlist(s, c, rq);
            continue;
        }
        unlist(s, c);
        s->cut++;
        (void)shutdown(c->fd, SHUT_RDWR);
    }
    if (c)
        loop_timer_at(s->timer, c->due_us);
}

struct slow *slow_new(struct loop *loop, int64_t idle_timeout_us)
{
    struct slow *s = calloc(1, sizeof *s);

    if (!s)
        check_nomem();
    TAILQ_INIT(&s->list);
    s->window_us = 2 * idle_timeout_us;
    s->timer = loop_timer_new(loop, slow__due, s);
    return s;
}

void slow_free(struct slow **sp)
{
    if (!*sp)
        return;
    CHECK(TAILQ_EMPTY(&(*sp)->list));
    loop_timer_free(&(*sp)->timer);
    free(*sp);
    *sp = NULL;
}

void slow_connection(void *slow, struct MHD_Connection *conn, void **context,
                     enum MHD_ConnectionNotificationCode what)
{
    const union MHD_ConnectionInfo *info;
    struct slow_client *c = *context;

    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (c)
            unlist(slow, c);
        free(c);
        *context = NULL;
        return;
    }
    c = calloc(1, sizeof *c);
    if (!c)
        check_nomem();
    info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    c->fd = info ? info->connect_fd : -1;
    *context = c;
    enlist(slow, c, NULL);
}

void slow_body(struct slow *s, struct request *rq)
{
    struct slow_client *c = client_of(rq->conn);

    if (c)
        enlist(s, c, rq);
}

void slow_whole(struct slow *s, struct MHD_Connection *conn)
{
    struct slow_client *c = client_of(conn);

    if (c)
        unlist(s, c);
}

void slow_next(struct slow *s, struct MHD_Connection *conn)
{
    struct slow_client *c = client_of(conn);

    if (c)
        enlist(s, c, NULL);
}

uint64_t slow_cut(const struct slow *s)
{
    return s->cut;
}
