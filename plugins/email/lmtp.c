/*
 * Sockets and time limits; lmtp_parse.c speaks.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lmtp.h"

#include "lmtp_parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    IN_MAX = 32 * 1024,
    BACKLOG = 128,
    ACCEPT_MAX = 16,     /* a turn: others have their turn too */
    PROGRESS_MIN = 4096, /* bytes of a mail for which a client has idle_us */
    SWEEP_US_MAX = 1000000
};
#define HELD_MIN (UINT64_C(64) * 1024 * 1024)

struct conn {
    LIST_ENTRY(conn) at;
    struct lmtp *lmtp;
    int fd; /* -1: gone, but its mail is not answered yet */
    uint32_t watched;
    struct lmtp_session session;
    uint64_t transaction; /* of the mail taken */
    bool feeding;
    int64_t deadline;  /* by when there must be progress */
    uint64_t progress; /* the session's, when deadline was set */
    size_t in_n;
    char in[IN_MAX];
};

struct lmtp {
    const struct hilo_host *host;
    struct hilo_self *self;
    const struct lmtp_hooks *hooks;
    void *arg;
    struct lmtp_session_conf session;
    char hostname[256];
    uint64_t held, held_max;
    int64_t idle_us;
    uint32_t connections, connections_max;
    int fd;
    bool accepting; /* watched; not while there are no descriptors */
    struct sockaddr_un unix_at;
    struct stat unix_stat; /* of the socket that we made */
    LIST_HEAD(, conn) conns;
    uint64_t last_transaction;
};

/* ---- where it listens ------------------------------------------------------------------------------ */

static bool fail(char why[256], const char *what, int error)
{
    (void)snprintf(why, 256, "%s: %s", what, strerror(error));
    return false;
}

/* A socket that a crash left behind is in the way; one that answers is somebody's. */
static bool unix_clear(const struct sockaddr_un *at, char why[256])
{
    struct stat st;
    int fd, rc;

    if (lstat(at->sun_path, &st) != 0)
        return errno == ENOENT || fail(why, at->sun_path, errno);
    if (!S_ISSOCK(st.st_mode)) {
        (void)snprintf(why, 256, "%.107s is there and is no socket", at->sun_path);
        return false;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail(why, "socket", errno);
    rc = connect(fd, (const struct sockaddr *)at, sizeof *at) == 0 ? 0 : errno;
    (void)close(fd);
    if (rc == 0 || rc == EAGAIN) {
        (void)snprintf(why, 256, "%.107s is in use by another program", at->sun_path);
        return false;
    }
    if (rc != ECONNREFUSED)
        return fail(why, at->sun_path, rc);
    return unlink(at->sun_path) == 0 || errno == ENOENT || fail(why, at->sun_path, errno);
}

static bool listen_unix(struct lmtp *l, struct hilo_str path, char why[256])
{
    struct sockaddr_un *at = &l->unix_at;

    if (path.n >= sizeof at->sun_path || memchr(path.p, '\0', (size_t)path.n)) {
        (void)snprintf(why, 256, "the path of a unix socket has at most %zu bytes", sizeof at->sun_path - 1);
        return false;
    }
    at->sun_family = AF_UNIX;
    memcpy(at->sun_path, path.p, (size_t)path.n);
    if (!unix_clear(at, why))
        goto not_ours;
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0 || bind(l->fd, (const struct sockaddr *)at, sizeof *at) != 0) {
        (void)fail(why, at->sun_path, errno);
        goto not_ours;
    }
    /* Nobody can connect before listen(). */
    if (chmod(at->sun_path, 0660) != 0 || lstat(at->sun_path, &l->unix_stat) != 0 ||
        listen(l->fd, BACKLOG) != 0)
        return fail(why, at->sun_path, errno);
    return true;
not_ours:
    at->sun_path[0] = '\0';
    return false;
}

/* "127.0.0.1:2424", "[::1]:2424". No names: what they mean could change. */
static bool tcp_address(struct hilo_str text, struct sockaddr_storage *out, socklen_t *len)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    char host[64], *colon, *end;
    unsigned long port;

    if (text.n >= sizeof host || memchr(text.p, '\0', (size_t)text.n))
        return false;
    memcpy(host, text.p, (size_t)text.n);
    host[text.n] = '\0';
    colon = strrchr(host, ':');
    if (!colon || colon[1] < '0' || colon[1] > '9')
        return false;
    port = strtoul(colon + 1, &end, 10);
    if (*end || port > 65535)
        return false;
    *colon = '\0';
    v4.sin_port = v6.sin6_port = htons((uint16_t)port);
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
        memcpy(out, &v4, sizeof v4);
        *len = sizeof v4;
        return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    }
    if (host[0] != '[' || colon == host || colon[-1] != ']')
        return false;
    colon[-1] = '\0';
    if (inet_pton(AF_INET6, host + 1, &v6.sin6_addr) != 1)
        return false;
    memcpy(out, &v6, sizeof v6);
    *len = sizeof v6;
    return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

static bool listen_tcp(struct lmtp *l, struct hilo_str text, char why[256])
{
    struct sockaddr_storage at = {0};
    const int yes = 1;
    socklen_t len;

    if (!tcp_address(text, &at, &len)) {
        (void)snprintf(
            why, 256,
            "lmtp must be unix:/path, 127.0.0.1:PORT or [::1]:PORT; there is no TLS and no password in "
            "it, so it is not for other addresses");
        return false;
    }
    l->fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0 || setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(l->fd, (const struct sockaddr *)&at, len) != 0 || listen(l->fd, BACKLOG) != 0) {
        (void)snprintf(why, 256, "%.*s: %s", (int)text.n, text.p, strerror(errno));
        return false;
    }
    return true;
}

static bool listen_on(struct lmtp *l, struct hilo_str text, char why[256])
{
    static const char kind[] = "unix:";

    if (text.n <= sizeof kind - 1 || memcmp(text.p, kind, sizeof kind - 1) != 0)
        return listen_tcp(l, text, why);
    text.p += sizeof kind - 1;
    text.n -= sizeof kind - 1;
    return listen_unix(l, text, why);
}

/* ---- connections -------------------------------------------------------------------------------------- */

static void warn(struct lmtp *l, const char *text)
{
    l->host->log(l->self, HILO_LOG_WARN, (struct hilo_str){text, strlen(text)});
}

static int64_t now(const struct lmtp *l)
{
    return l->host->mono_us(l->self);
}

static void sweep_later(struct lmtp *l)
{
    int64_t wait = l->idle_us / 8 < SWEEP_US_MAX ? l->idle_us / 8 : SWEEP_US_MAX;

    if (l->host->timer(l->self, LMTP_TIMER, now(l) + (wait > 0 ? wait : 1)) != HILO_OK)
        warn(l, "email.lmtp: the host gives no timer, silent clients are kept; restart the channel");
}

static void conn_unplug(struct conn *c)
{
    if (c->fd < 0)
        return;
    if (c->watched)
        (void)c->lmtp->host->watch(c->lmtp->self, c->fd, 0);
    (void)close(c->fd);
    c->fd = -1;
}

static void conn_free(struct conn *c)
{
    conn_unplug(c);
    LIST_REMOVE(c, at);
    c->lmtp->connections--;
    lmtp_session_done(&c->session);
    free(c);
}

/* Whom a mail of is out, is kept until it is answered. */
static void conn_gone(struct conn *c)
{
    if (c->session.state == LMTP_TAKEN)
        conn_unplug(c);
    else
        conn_free(c);
}

static bool conn_write(struct conn *c)
{
    struct lmtp_session *s = &c->session;
    ssize_t n;

    while (s->out_n) {
        n = send(c->fd, s->out, s->out_n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        lmtp_session_wrote(s, (size_t)n);
        c->deadline = now(c->lmtp) + c->lmtp->idle_us;
    }
    return true;
}

static void conn_feed(struct conn *c)
{
    size_t n;

    c->feeding = true;
    n = lmtp_session_feed(&c->session, c->in, c->in_n);
    c->feeding = false;
    if (n)
        memmove(c->in, c->in + n, c->in_n - n);
    c->in_n -= n;
}

static void deadline_move(struct conn *c)
{
    const struct lmtp_session *s = &c->session;
    uint64_t least = s->state == LMTP_DATA ? PROGRESS_MIN : 1;

    /* While the gateway has the mail, the client waits for us. */
    if (s->state != LMTP_TAKEN && s->progress < c->progress + least)
        return;
    c->progress = s->progress;
    c->deadline = now(c->lmtp) + c->lmtp->idle_us;
}

/* Does what can be done now and watches for the rest. c may be gone after. */
static void conn_go(struct conn *c)
{
    struct lmtp_session *s = &c->session;
    uint32_t events = 0;

    do {
        conn_feed(c);
        if (!conn_write(c)) {
            conn_gone(c);
            return;
        }
    } while (c->in_n && s->state < LMTP_TAKEN && s->out_n < LMTP_OUT_MAX);
    deadline_move(c);
    if (s->state == LMTP_ENDED && !s->out_n) {
        conn_free(c);
        return;
    }
    if (s->out_n)
        events |= HILO_WRITE;
    if (s->state < LMTP_TAKEN && c->in_n < IN_MAX && s->out_n < LMTP_OUT_MAX)
        events |= HILO_READ;
    if (events == c->watched)
        return;
    if (c->lmtp->host->watch(c->lmtp->self, c->fd, events) != HILO_OK) {
        warn(c->lmtp, "email.lmtp: the host watches no more connections; one is closed");
        conn_gone(c);
        return;
    }
    c->watched = events;
}

static void conn_read(struct conn *c)
{
    ssize_t n;

    do
        n = recv(c->fd, c->in + c->in_n, IN_MAX - c->in_n, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        c->in_n += (size_t)n;
        conn_go(c);
    } else if (n == 0 || errno != EAGAIN) {
        /* Half a mail is none. What was answered before is on its way or lost with it. */
        conn_gone(c);
    }
}

/* ---- what a session asks ----------------------------------------------------------------------------- */

static int32_t on_rcpt(void *arg, const char *address, char why[256])
{
    struct conn *c = arg;

    return c->lmtp->hooks->rcpt(c->lmtp->arg, address, why);
}

static int32_t on_room(void *arg, uint64_t bytes)
{
    struct lmtp *l = ((struct conn *)arg)->lmtp;

    if (bytes > l->held_max - l->held)
        return HILO_FULL;
    return l->hooks->room(l->arg, bytes);
}

static bool on_hold(void *arg, int64_t bytes)
{
    struct lmtp *l = ((struct conn *)arg)->lmtp;

    if (bytes > 0 && (uint64_t)bytes > l->held_max - l->held)
        return false;
    l->held += (uint64_t)bytes;
    return true;
}

static void on_take(void *arg)
{
    struct conn *c = arg;
    const struct lmtp_session *s = &c->session;
    const struct lmtp_mail mail = {.transaction = ++c->lmtp->last_transaction,
                                   .from = s->from,
                                   .rcpt = (const char *const *)s->rcpt,
                                   .n_rcpt = s->n_rcpt,
                                   .bytes = {s->bytes ? s->bytes : "", s->n_bytes}};

    c->transaction = mail.transaction;
    c->lmtp->hooks->take(c->lmtp->arg, &mail);
}

void lmtp_answer(struct lmtp *l, uint64_t transaction, size_t rcpt, const char *text)
{
    struct conn *c;

    LIST_FOREACH(c, &l->conns, at)
    if (c->session.state == LMTP_TAKEN && c->transaction == transaction)
        break;
    if (!c)
        return;
    lmtp_session_answer(&c->session, rcpt, text);
    if (c->feeding || c->session.state == LMTP_TAKEN)
        return; /* from within take(), or there are more to answer */
    if (c->fd >= 0)
        conn_go(c);
    else
        conn_free(c);
}

/* ---- those that come ----------------------------------------------------------------------------------- */

static void refuse(int fd)
{
    static const char busy[] = "421 4.3.2 Too many connections, come again later\r\n";

    /* It fits into an empty socket; whoever does not get it sees it closed. */
    (void)send(fd, busy, sizeof busy - 1, MSG_NOSIGNAL);
    (void)close(fd);
}

static void conn_new(struct lmtp *l, int fd)
{
    static const struct lmtp_session_hooks hooks = {
        .rcpt = on_rcpt, .room = on_room, .hold = on_hold, .take = on_take};
    const int yes = 1;
    struct conn *c;

    if (l->connections >= l->connections_max || !(c = malloc(sizeof *c))) {
        refuse(fd);
        return;
    }
    if (!l->unix_at.sun_path[0])
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    c->lmtp = l;
    c->fd = fd;
    c->watched = 0;
    c->transaction = c->progress = 0;
    c->feeding = false;
    c->in_n = 0;
    c->deadline = now(l) + l->idle_us;
    lmtp_session_init(&c->session, &l->session, &hooks, c);
    if (LIST_EMPTY(&l->conns))
        sweep_later(l);
    LIST_INSERT_HEAD(&l->conns, c, at);
    l->connections++;
    conn_go(c);
}

static void accept_all(struct lmtp *l)
{
    int i, fd;

    for (i = 0; i < ACCEPT_MAX; i++) {
        fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            conn_new(l, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            /* They wait in the backlog; watched on, the loop would spin. */
            warn(l, "email.lmtp: no descriptors for more connections; raise the limit of open files");
            (void)l->host->watch(l->self, l->fd, 0);
            l->accepting = false;
            sweep_later(l);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

bool lmtp_on_fd(struct lmtp *l, int32_t fd, uint32_t events)
{
    struct conn *c;

    if (fd == l->fd) {
        accept_all(l);
        return true;
    }
    LIST_FOREACH(c, &l->conns, at)
    if (c->fd == fd)
        break;
    if (!c)
        return false;
    if ((events & HILO_READ) && (c->watched & HILO_READ))
        conn_read(c);
    else
        conn_go(c);
    return true;
}

bool lmtp_on_timer(struct lmtp *l, uint32_t id)
{
    struct conn *c, *next;
    char text[LMTP_REPLY_MAX];
    int64_t at;

    if (id != LMTP_TIMER)
        return false;
    at = now(l);
    for (c = LIST_FIRST(&l->conns); c; c = next) {
        next = LIST_NEXT(c, at);
        if (c->fd < 0 || c->session.state == LMTP_TAKEN || at < c->deadline)
            continue;
        (void)snprintf(text, sizeof text, "421 4.4.2 %s Silent for too long", l->hostname);
        lmtp_session_end(&c->session, text);
        /* Whoever does not read does not read this either. */
        (void)conn_write(c);
        conn_free(c);
    }
    if (!l->accepting)
        l->accepting = l->host->watch(l->self, l->fd, HILO_READ) == HILO_OK;
    if (!LIST_EMPTY(&l->conns) || !l->accepting)
        sweep_later(l);
    return true;
}

/* ---- life ------------------------------------------------------------------------------------------------
 */

struct lmtp *lmtp_new(const struct lmtp_conf *conf, const struct hilo_host *host, struct hilo_self *self,
                      const struct lmtp_hooks *hooks, void *arg, char why[256])
{
    struct lmtp *l = calloc(1, sizeof *l);
    size_t n = conf->hostname.n < sizeof l->hostname ? (size_t)conf->hostname.n : sizeof l->hostname - 1;

    if (!l) {
        (void)snprintf(why, 256, "no memory");
        return NULL;
    }
    LIST_INIT(&l->conns);
    l->host = host;
    l->self = self;
    l->hooks = hooks;
    l->arg = arg;
    l->fd = -1;
    l->idle_us = conf->idle_us;
    l->connections_max = conf->connections;
    if (n)
        memcpy(l->hostname, conf->hostname.p, n);
    else
        memcpy(l->hostname, "localhost", sizeof "localhost");
    l->session.hostname = l->hostname;
    l->session.size_max = conf->size_max;
    l->session.recipients_max = conf->recipients_max;
    /* A buffer doubles: of the largest mail, nearly twice as much is held. */
    l->held_max = conf->size_max > HELD_MIN / 4 ? conf->size_max * 4 : HELD_MIN;
    if (!listen_on(l, conf->listen, why)) {
        lmtp_free(l);
        return NULL;
    }
    l->accepting = true;
    if (host->watch(self, l->fd, HILO_READ) != HILO_OK) {
        l->accepting = false;
        (void)snprintf(why, 256, "the host watches no more descriptors");
        lmtp_free(l);
        return NULL;
    }
    return l;
}

void lmtp_free(struct lmtp *l)
{
    struct conn *c;
    struct stat st;

    while ((c = LIST_FIRST(&l->conns)))
        conn_free(c);
    if (l->accepting)
        (void)l->host->watch(l->self, l->fd, 0);
    (void)l->host->timer(l->self, LMTP_TIMER, 0);
    /* Ours, and not one that another has put in its place. */
    if (l->unix_at.sun_path[0] && lstat(l->unix_at.sun_path, &st) == 0 && st.st_dev == l->unix_stat.st_dev &&
        st.st_ino == l->unix_stat.st_ino)
        (void)unlink(l->unix_at.sun_path);
    if (l->fd >= 0)
        (void)close(l->fd);
    free(l);
}
