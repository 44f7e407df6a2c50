/* The SMPP sockets: one thread, poll(2), and the clock. */
#include "sim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SPLIT_MS = 1 };

int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void clock_set(struct smsc *s)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    s->wall_us = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
    s->now_us = now_us();
}

void net_wake(struct sim *s)
{
    uint64_t one = 1;

    if (write(s->net.wake, &one, sizeof one) != sizeof one)
        abort();
}

/* ---- one connection ---- */

static void hang_up(struct sim *s, struct session *n)
{
    const struct linger reset = {1, 0};

    if (n->end == END_RESET)
        setsockopt(n->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (n->ssl) {
        if (n->end != END_RESET && !n->handshake)
            SSL_shutdown(n->ssl);
        SSL_free(n->ssl);
        ERR_clear_error();
    }
    close(n->fd);
    smsc_closed(&s->smsc, n);
}

/* Octets read or written; 0: none just now; -1: it is over. */
static long ssl_result(struct session *n, int rc)
{
    int why = rc > 0 ? 0 : SSL_get_error(n->ssl, rc);

    ERR_clear_error();
    if (rc > 0)
        return rc;
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static long plain_result(ssize_t rc)
{
    if (rc > 0)
        return rc;
    return rc < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static long get(struct session *n, uint8_t *p, size_t max)
{
    if (n->ssl)
        return ssl_result(n, SSL_read(n->ssl, p, (int)max));
    return plain_result(recv(n->fd, p, max, 0));
}

static long put(struct session *n, const uint8_t *p, size_t len)
{
    if (n->ssl)
        return ssl_result(n, SSL_write(n->ssl, p, (int)len));
    return plain_result(send(n->fd, p, len, MSG_NOSIGNAL));
}

/* False: it is over. */
static bool read_all(struct sim *s, struct session *n)
{
    uint8_t chunk[16384];

    if (n->handshake) {
        long rc = ssl_result(n, SSL_accept(n->ssl));
        if (rc <= 0)
            return rc == 0;
        n->handshake = false;
    }
    for (long rc; n->end == END_NONE && !n->deaf;) {
        rc = get(n, chunk, sizeof chunk);
        if (rc < 0)
            return false;
        if (rc == 0)
            break;
        clock_set(&s->smsc);
        smsc_input(&s->smsc, n, chunk, (size_t)rc);
        (void)smsc_tick(&s->smsc);
    }
    return true;
}

static bool write_all(struct session *n)
{
    while (n->out.n && !n->handshake) {
        long rc = put(n, n->out.p, n->split ? 1 : n->out.n);
        if (rc < 0)
            return false;
        if (rc == 0)
            break;
        sbuf_drop(&n->out, (size_t)rc);
        if (n->split)
            break; /* one octet a turn */
    }
    return true;
}

static void take_connection(struct sim *s, int listener, void *tls)
{
    struct sockaddr_in from;
    socklen_t n = sizeof from;
    int fd = accept4(listener, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    struct session *session;
    char peer[64];

    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    snprintf(peer, sizeof peer, "127.0.0.1:%u", ntohs(from.sin_port));
    session = smsc_open(&s->smsc, peer);
    session->fd = fd;
    if (tls) {
        session->ssl = must(SSL_new(tls));
        SSL_set_fd(session->ssl, fd);
        session->handshake = true;
    }
}

/* ---- the loop ---- */

struct polled {
    struct pollfd *fd;
    uint64_t *session;
    size_t n, cap;
};

static void poll_add(struct polled *p, int fd, short events, uint64_t session)
{
    if (p->n == p->cap) {
        p->cap = p->cap * 2 + 16;
        p->fd = must(realloc(p->fd, p->cap * sizeof *p->fd));
        p->session = must(realloc(p->session, p->cap * sizeof *p->session));
    }
    p->fd[p->n] = (struct pollfd){.fd = fd, .events = events};
    p->session[p->n++] = session;
}

/* Writes what there is to write, closes what has ended, and says what to wait for: milliseconds, or -1. */
static int prepare(struct sim *s, struct polled *p)
{
    struct smsc *smsc = &s->smsc;
    struct session *n, *next;
    bool split = false;
    int64_t due, wait_us;

    clock_set(smsc);
    (void)smsc_tick(smsc);
    for (n = smsc->sessions; n; n = next) {
        next = n->next;
        if (!write_all(n) || (n->end != END_NONE && !n->out.n))
            hang_up(s, n);
    }
    due = smsc_tick(smsc); /* one that has gone may have left work to others */
    p->n = 0;
    poll_add(p, s->net.wake, POLLIN, 0);
    for (int i = 0; i < 2; i++)
        poll_add(p, s->net.listener[i], POLLIN, 0);
    for (n = smsc->sessions; n; n = n->next) {
        bool more = n->out.n > 0 && !n->handshake;
        split = split || (more && n->split);
        poll_add(p, n->fd, (short)((n->deaf ? 0 : POLLIN) | (more && !n->split ? POLLOUT : 0)), n->id);
    }
    pthread_cond_broadcast(&s->changed);
    if (split)
        return SPLIT_MS;
    if (due == INT64_MAX)
        return -1;
    wait_us = due - smsc->now_us;
    return wait_us <= 0 ? 0 : wait_us > 60000000 ? 60000 : (int)(wait_us / 1000) + 1;
}

static struct session *by_id(struct smsc *s, uint64_t id)
{
    struct session *n = s->sessions;

    while (n && n->id != id)
        n = n->next;
    return n;
}

static void handle(struct sim *s, const struct polled *p)
{
    uint64_t drained;

    if (p->fd[0].revents && read(s->net.wake, &drained, sizeof drained) < 0 && errno != EAGAIN)
        abort();
    for (size_t i = 1; i < p->n; i++) {
        struct session *n = p->session[i] ? by_id(&s->smsc, p->session[i]) : NULL;
        if (!p->fd[i].revents)
            continue;
        if (i < 3 && p->fd[i].fd == s->net.listener[i - 1])
            take_connection(s, p->fd[i].fd, i == 2 ? s->net.tls : NULL);
        else if (n && (!read_all(s, n) || (n->deaf && p->fd[i].revents & (POLLHUP | POLLERR))))
            hang_up(s, n);
    }
}

static void *run(void *arg)
{
    struct sim *s = arg;
    struct polled p = {0};
    int timeout;

    pthread_mutex_lock(&s->lock);
    while (!s->net.stopping) {
        timeout = prepare(s, &p);
        pthread_mutex_unlock(&s->lock);
        (void)poll(p.fd, p.n, timeout);
        pthread_mutex_lock(&s->lock);
        clock_set(&s->smsc);
        handle(s, &p);
    }
    while (s->smsc.sessions)
        hang_up(s, s->smsc.sessions);
    pthread_mutex_unlock(&s->lock);
    free(p.fd);
    free(p.session);
    return NULL;
}

/* ---- listening ---- */

static int listen_on(unsigned *port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 128) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &n) < 0) {
        close(fd);
        return -1;
    }
    *port = ntohs(at.sin_port);
    return fd;
}

bool net_listen(struct sim *s, bool on)
{
    for (int i = 0; i < (s->net.tls ? 2 : 1); i++) {
        if (on && s->net.listener[i] < 0) {
            s->net.listener[i] = listen_on(&s->net.port[i]);
            if (s->net.listener[i] < 0)
                return false;
        } else if (!on && s->net.listener[i] >= 0) {
            /* A poll under way in the other thread keeps it open: this ends it at once. */
            (void)shutdown(s->net.listener[i], SHUT_RDWR);
            close(s->net.listener[i]);
            s->net.listener[i] = -1;
        }
    }
    return true;
}

bool net_start(struct sim *s, unsigned port, const char *tls_dir, const char *tls_name)
{
    s->net = (struct net){.listener = {-1, -1}, .port = {port, 0}};
    if (tls_dir && !(s->net.tls = tls_new(tls_dir, tls_name)))
        return false;
    s->net.wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->net.wake < 0 || !net_listen(s, true)) {
        fprintf(stderr, "hilo-sim-smsc: cannot listen on 127.0.0.1:%u: %s\n", port, strerror(errno));
        return false;
    }
    clock_set(&s->smsc);
    if (pthread_create(&s->net.thread, NULL, run, s) != 0) {
        fputs("hilo-sim-smsc: cannot start a thread\n", stderr);
        return false;
    }
    return true;
}

void net_stop(struct sim *s)
{
    pthread_mutex_lock(&s->lock);
    s->net.stopping = true;
    net_wake(s);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->net.thread, NULL);
    (void)net_listen(s, false);
    close(s->net.wake);
    tls_free(s->net.tls);
}
