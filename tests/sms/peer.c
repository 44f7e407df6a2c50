/* The simulated SMSC behind a socket, on the test's clock (peer.h). */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

void peer_listen(struct peer *p, bool on)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)p->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int yes = 1;

    if (!on) {
        if (p->listener >= 0)
            close(p->listener);
        p->listener = -1;
        return;
    }
    if (p->listener >= 0)
        return;
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(p->listener >= 0);
    setsockopt(p->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    assert_int_equal(bind(p->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(p->listener, 64), 0);
    assert_int_equal(getsockname(p->listener, (struct sockaddr *)&at, &n), 0);
    p->port = ntohs(at.sin_port);
}

void peer_start(struct peer *p)
{
    memset(p, 0, sizeof *p);
    smsc_init(&p->smsc);
    p->listener = -1;
    peer_listen(p, true);
}

static void hang_up(struct peer *p, struct session *n)
{
    const struct linger reset = {1, 0};

    if (n->end == END_RESET)
        setsockopt(n->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(n->fd);
    smsc_closed(&p->smsc, n);
}

void peer_hang_up(struct peer *p, enum end end)
{
    for (struct session *n = p->smsc.sessions; n; n = n->next)
        session_end(n, end);
}

static bool take(struct peer *p)
{
    int fd = p->listener < 0 ? -1 : accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), yes = 1;

    if (fd < 0)
        return false;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    smsc_open(&p->smsc, "")->fd = fd;
    return true;
}

/* 1: something was read or written; 0: nothing; -1: it is over. */
static int serve(struct peer *p, struct session *n)
{
    uint8_t chunk[65536];
    ssize_t got = 0, put = 0;

    if (!n->deaf && n->end == END_NONE) {
        got = recv(n->fd, chunk, sizeof chunk, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            return -1;
        if (got > 0)
            smsc_input(&p->smsc, n, chunk, (size_t)got);
    }
    if (n->out.n) {
        put = send(n->fd, n->out.p, n->out.n, MSG_NOSIGNAL);
        if (put < 0 && errno != EAGAIN)
            return -1;
        if (put > 0)
            sbuf_drop(&n->out, (size_t)put);
    }
    if (n->end != END_NONE && !n->out.n)
        return -1;
    return got > 0 || put > 0;
}

bool peer_turn(struct peer *p, int64_t now_us, int64_t wall_us)
{
    bool any;

    p->smsc.now_us = now_us;
    p->smsc.wall_us = wall_us;
    any = peer_next(p) <= now_us;
    (void)smsc_tick(&p->smsc);
    any = take(p) || any;
    for (struct session *n = p->smsc.sessions, *next; n; n = next) {
        int rc = serve(p, n);
        next = n->next;
        if (rc < 0)
            hang_up(p, n);
        any = any || rc != 0;
    }
    return any;
}

int64_t peer_next(const struct peer *p)
{
    return p->smsc.n_due ? p->smsc.due[0].at_us : INT64_MAX;
}

void peer_stop(struct peer *p)
{
    while (p->smsc.sessions)
        hang_up(p, p->smsc.sessions);
    peer_listen(p, false);
    smsc_done(&p->smsc);
}
