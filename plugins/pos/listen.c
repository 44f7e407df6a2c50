/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LISTEN_MAX = 8, BACKLOG = 1024, TAKEN_MAX = 64 /* a turn: others have their turn too */ };

struct pos_listen {
    struct pos *pos;
    void (*taken)(struct pos *, int fd);
    struct listen_at {
        struct listen_address {
            struct sockaddr_storage addr;
            socklen_t len;
        } address;
        int fd;
    } at[LISTEN_MAX];
    unsigned n;
    struct pos_timer again; /* to try what is not open, or to go on when there are descriptors */
};

/* ---- the option -------------------------------------------------------------------------------------- */

static bool listen_port(const char *p, size_t n, uint16_t *port)
{
    unsigned v = 0;
    size_t i;

    for (i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9' || i >= 5)
            return false;
        v = v * 10 + (unsigned)(p[i] - '0');
    }
    *port = (uint16_t)v;
    return n > 0 && v <= 65535;
}

/* "7443", "10.0.0.5:7443", "[2001:db8::1]:7443". A port alone is on all addresses of both kinds. */
static bool listen_parse(const char *p, size_t n, struct listen_address *out)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    const char *colon = NULL;
    char host[64];
    uint16_t port;
    size_t i;

    for (i = 0; i < n; i++)
        if (p[i] == ':')
            colon = p + i;
    if (!listen_port(colon ? colon + 1 : p, colon ? n - (size_t)(colon + 1 - p) : n, &port))
        return false;
    memset(out, 0, sizeof *out);
    v4.sin_port = v6.sin6_port = htons(port);
    if (!colon) {
        v6.sin6_addr = in6addr_any;
    } else {
        bool brackets = p[0] == '[' && colon > p && colon[-1] == ']';
        const char *from = brackets ? p + 1 : p;
        size_t host_n = (size_t)((brackets ? colon - 1 : colon) - from);

        if (host_n >= sizeof host)
            return false;
        memcpy(host, from, host_n);
        host[host_n] = '\0';
        if (!brackets && inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
            memcpy(&out->addr, &v4, sizeof v4);
            out->len = sizeof v4;
            return true;
        }
        if (!brackets || inet_pton(AF_INET6, host, &v6.sin6_addr) != 1)
            return false;
    }
    memcpy(&out->addr, &v6, sizeof v6);
    out->len = sizeof v6;
    return true;
}

/* Each of the list; false: one is wrong, or there are none or too many. */
static bool listen_each(struct hilo_str list, struct listen_address out[LISTEN_MAX], unsigned *n_out)
{
    const char *p = list.p, *end = list.p + list.n;
    unsigned n = 0;

    while (p < end) {
        const char *to = memchr(p, ',', (size_t)(end - p)), *next;

        if (!to)
            to = end;
        next = to < end ? to + 1 : end;
        while (p < to && *p == ' ')
            p++;
        while (to > p && to[-1] == ' ')
            to--;
        if (n == LISTEN_MAX || !listen_parse(p, (size_t)(to - p), &out[n]))
            return false;
        n++;
        p = next;
    }
    *n_out = n;
    return n > 0;
}

const char *pos_listen_wrong(struct hilo_str list)
{
    struct listen_address at[LISTEN_MAX];
    unsigned n;

    return listen_each(list, at, &n) ? NULL
                                     : "listen must be a port (7443), or addresses with ports, at most 8: "
                                       "10.0.0.5:7443, [2001:db8::1]:7443";
}

int64_t pos_listen_port(struct hilo_str list)
{
    struct listen_address at[LISTEN_MAX];
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    unsigned n;

    if (!listen_each(list, at, &n))
        return 0;
    memcpy(&v4, &at[0].addr, sizeof v4);
    memcpy(&v6, &at[0].addr, sizeof v6);
    return ntohs(v4.sin_family == AF_INET ? v4.sin_port : v6.sin6_port);
}

/* ---- sockets --------------------------------------------------------------------------------------------
 */

static void listen_on_fd(void *arg, int fd, uint32_t events)
{
    struct pos_listen *l = arg;
    const int yes = 1;
    unsigned i;

    (void)events;
    for (i = 0; i < TAKEN_MAX; i++) {
        int got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (got >= 0) {
            /* Nagle's wait for an acknowledgement would hold an answer back for 40 ms. */
            (void)setsockopt(got, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            l->taken(l->pos, got);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            /* They wait in the backlog; looking again at once would only burn time. */
            pos_log(l->pos, HILO_LOG_ERROR,
                    "no more connections for a second: %s; raise the limit of open files", strerror(errno));
            (void)pos_watch(&l->pos->react, fd, 0, NULL, NULL);
            (void)pos_timer_at(&l->pos->react, &l->again, pos_now(l->pos) + 1000000);
        }
        return;
    }
}

static int listen_socket(const struct listen_address *a, char why[POS_WORDS])
{
    struct sockaddr_in6 v6;
    const int yes = 1, no = 0;
    int fd = socket(a->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (fd >= 0 && a->addr.ss_family == AF_INET6) {
        memcpy(&v6, &a->addr, sizeof v6);
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr) ? &no : &yes,
                         sizeof no);
    }
    if (fd < 0 || bind(fd, (const struct sockaddr *)&a->addr, a->len) != 0 || listen(fd, BACKLOG) != 0) {
        (void)snprintf(why, POS_WORDS, "listen: the port can't be opened (%s); it is tried again each second",
                       strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    return fd;
}

/* Where the machine has no IPv6, a port alone is on all addresses of IPv4. */
static int listen_any(struct listen_address *a, char why[POS_WORDS])
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6;
    int fd = listen_socket(a, why);

    memcpy(&v6, &a->addr, sizeof v6);
    if (fd >= 0 || errno != EAFNOSUPPORT || v6.sin6_family != AF_INET6 ||
        !IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr))
        return fd;
    v4.sin_port = v6.sin6_port;
    memset(a, 0, sizeof *a);
    memcpy(&a->addr, &v4, sizeof v4);
    a->len = sizeof v4;
    return listen_socket(a, why);
}

static void listen_try(void *arg)
{
    struct pos_listen *l = arg;
    char why[POS_WORDS];
    bool all = true;
    unsigned i;

    for (i = 0; i < l->n; i++) {
        if (l->at[i].fd < 0)
            l->at[i].fd = listen_any(&l->at[i].address, why);
        if (l->at[i].fd < 0) {
            all = false;
        } else if (pos_watch(&l->pos->react, l->at[i].fd, HILO_READ, listen_on_fd, l) != HILO_OK) {
            (void)snprintf(why, sizeof why, "no memory to watch the port");
            all = false;
        }
    }
    if (all) {
        pos_set_state(l->pos, HILO_OK, "listening");
        return;
    }
    pos_set_state(l->pos, HILO_DOWN, why);
    (void)pos_timer_at(&l->pos->react, &l->again, pos_now(l->pos) + 1000000);
}

struct pos_listen *pos_listen_new(struct pos *pos, void (*taken)(struct pos *, int fd))
{
    struct pos_listen *l = calloc(1, sizeof *l);
    struct listen_address at[LISTEN_MAX];
    unsigned i;

    if (!l)
        return NULL;
    l->pos = pos;
    l->taken = taken;
    pos_timer_init(&l->again, listen_try, l);
    (void)listen_each(pos->conf.listen, at, &l->n);
    for (i = 0; i < l->n; i++) {
        l->at[i].address = at[i];
        l->at[i].fd = -1;
    }
    listen_try(l);
    return l;
}

bool pos_listen_open(const struct pos_listen *l)
{
    unsigned i;

    for (i = 0; i < l->n; i++)
        if (l->at[i].fd < 0)
            return false;
    return true;
}

void pos_listen_free(struct pos_listen **at)
{
    struct pos_listen *l = *at;
    unsigned i;

    if (!l)
        return;
    pos_timer_cancel(&l->pos->react, &l->again);
    for (i = 0; i < l->n; i++) {
        if (l->at[i].fd >= 0) {
            (void)pos_watch(&l->pos->react, l->at[i].fd, 0, NULL, NULL);
            (void)close(l->at[i].fd);
        }
    }
    free(l);
    *at = NULL;
}
