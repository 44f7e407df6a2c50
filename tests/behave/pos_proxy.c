/* See pos_proxy.h. Limits: 8 listeners, 256 connections at a time. */
#include "pos_proxy.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { LISTENERS = 8, PAIRS = 256, LIFE_MIN_MS = 5, LIFE_MAX_MS = 120, BYTES_MAX = 9000 };

struct pair {
    int fd[2];     /* the till's, the gateway's; -1: none */
    bool ended[2]; /* its sender has no more */
    unsigned listener;
    bool doomed;
    long bytes; /* until it is cut */
    int64_t until_ms;
};

struct proxy {
    pthread_t thread;
    int to_port, listener[LISTENERS];
    unsigned n, seed;
    struct pair pair[PAIRS];
    atomic_uint cuts, want, of_listener[LISTENERS], cut_of[LISTENERS];
    atomic_bool stop;
};

static int64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static unsigned dice(struct proxy *p, unsigned sides)
{
    return (unsigned)rand_r(&p->seed) % sides;
}

static void pair_end(struct pair *pair, bool reset)
{
    const struct linger at_once = {1, 0};

    for (unsigned i = 0; i < 2; i++) {
        if (pair->fd[i] < 0)
            continue;
        if (reset)
            (void)setsockopt(pair->fd[i], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        (void)close(pair->fd[i]);
        pair->fd[i] = -1;
    }
}

static bool may_cut(struct proxy *p, const struct pair *pair)
{
    unsigned own = atomic_load(&p->of_listener[pair->listener]);

    return atomic_load(&p->cuts) < atomic_load(&p->want) &&
           (own == 0 || atomic_load(&p->cut_of[pair->listener]) < own);
}

static void cut(struct proxy *p, struct pair *pair)
{
    pair->doomed = false;
    if (!may_cut(p, pair))
        return;
    atomic_fetch_add(&p->cuts, 1);
    atomic_fetch_add(&p->cut_of[pair->listener], 1);
    switch (dice(p, 4)) {
    case 0:
        pair_end(pair, true);
        break;
    case 1:
        pair_end(pair, false);
        break;
    case 2:
        (void)shutdown(pair->fd[0], SHUT_WR);
        pair->ended[1] = true;
        break;
    default:
        (void)shutdown(pair->fd[1], SHUT_WR);
        pair->ended[0] = true;
    }
}

/* From side i to the other one. */
static void pass(struct proxy *p, struct pair *pair, unsigned i)
{
    char buf[16384];
    ssize_t n = recv(pair->fd[i], buf, sizeof buf, MSG_DONTWAIT), take = n;

    if (n <= 0) {
        if (pair->ended[i] || n < 0) {
            pair_end(pair, n < 0);
            return;
        }
        pair->ended[i] = true;
        (void)shutdown(pair->fd[!i], SHUT_WR);
        if (pair->ended[!i])
            pair_end(pair, false);
        return;
    }
    if (pair->doomed && n >= pair->bytes)
        take = pair->bytes;
    pair->bytes -= n;
    if (!pair->ended[i] && take > 0 && send(pair->fd[!i], buf, (size_t)take, MSG_NOSIGNAL) != take) {
        pair_end(pair, true);
        return;
    }
    if (pair->doomed && pair->bytes <= 0) {
        cut(p, pair);
        if (take < n && pair->fd[0] >= 0) /* what was cut off is lost for good: no more of this direction */
            pair->ended[i] = true, (void)shutdown(pair->fd[!i], SHUT_WR);
    }
}

static int towards(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        return fd;
    }
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

static void take(struct proxy *p, unsigned listener)
{
    int fd = accept4(p->listener[listener], NULL, NULL, SOCK_CLOEXEC), one = 1, up;
    struct pair *pair = NULL;

    if (fd < 0)
        return;
    for (unsigned i = 0; i < PAIRS && !pair; i++)
        if (p->pair[i].fd[0] < 0)
            pair = &p->pair[i];
    up = pair ? towards(p->to_port) : -1;
    if (up < 0) {
        (void)close(fd); /* the gateway is down */
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    *pair = (struct pair){.fd = {fd, up}, .listener = listener};
    pair->doomed = may_cut(p, pair);
    pair->bytes = 1 + (long)dice(p, BYTES_MAX);
    pair->until_ms = now_ms() + LIFE_MIN_MS + dice(p, LIFE_MAX_MS - LIFE_MIN_MS);
}

static void *proxy_run(void *arg)
{
    struct proxy *p = arg;
    struct pollfd polled[LISTENERS + 2 * PAIRS];
    struct pair *of[LISTENERS + 2 * PAIRS];
    unsigned side[LISTENERS + 2 * PAIRS];

    while (!atomic_load(&p->stop)) {
        unsigned n = 0, i;

        for (i = 0; i < p->n; i++)
            polled[n++] = (struct pollfd){p->listener[i], POLLIN, 0};
        for (i = 0; i < PAIRS; i++)
            for (unsigned k = 0; k < 2 && p->pair[i].fd[0] >= 0; k++) {
                of[n] = &p->pair[i];
                side[n] = k;
                /* Of a side that has ended only its hanging up counts. */
                polled[n++] = (struct pollfd){p->pair[i].fd[k], POLLIN, 0};
            }
        if (poll(polled, n, LIFE_MIN_MS) < 0)
            continue;
        for (i = 0; i < p->n; i++)
            if (polled[i].revents)
                take(p, i);
        for (i = p->n; i < n; i++)
            if (polled[i].revents && of[i]->fd[side[i]] == polled[i].fd)
                pass(p, of[i], side[i]);
        for (i = 0; i < PAIRS; i++)
            if (p->pair[i].fd[0] >= 0 && p->pair[i].doomed && now_ms() >= p->pair[i].until_ms)
                cut(p, &p->pair[i]);
    }
    return NULL;
}

struct proxy *proxy_start(int to_port, unsigned seed, unsigned n, int *ports_out)
{
    struct proxy *p = calloc(1, sizeof *p);

    assert_non_null(p);
    assert_true(n <= LISTENERS);
    p->to_port = to_port;
    p->seed = seed;
    p->n = n;
    for (unsigned i = 0; i < PAIRS; i++)
        p->pair[i].fd[0] = p->pair[i].fd[1] = -1;
    for (unsigned i = 0; i < n; i++) {
        struct sockaddr_in at = {.sin_family = AF_INET};
        socklen_t size = sizeof at;

        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        p->listener[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(p->listener[i], (struct sockaddr *)&at, sizeof at), 0);
        assert_int_equal(listen(p->listener[i], 128), 0);
        assert_int_equal(getsockname(p->listener[i], (struct sockaddr *)&at, &size), 0);
        ports_out[i] = ntohs(at.sin_port);
    }
    assert_int_equal(pthread_create(&p->thread, NULL, proxy_run, p), 0);
    return p;
}

void proxy_cut(struct proxy *p, unsigned in_all, const unsigned *of_listener)
{
    for (unsigned i = 0; i < p->n; i++)
        atomic_store(&p->of_listener[i], of_listener[i]);
    atomic_store(&p->want, in_all);
}

unsigned proxy_cuts(const struct proxy *p)
{
    return atomic_load(&p->cuts);
}

void proxy_stop(struct proxy **at)
{
    struct proxy *p = *at;

    atomic_store(&p->stop, true);
    (void)pthread_join(p->thread, NULL);
    for (unsigned i = 0; i < PAIRS; i++)
        pair_end(&p->pair[i], true);
    for (unsigned i = 0; i < p->n; i++)
        (void)close(p->listener[i]);
    free(p);
    *at = NULL;
}
