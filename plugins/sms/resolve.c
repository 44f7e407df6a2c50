/*
 * One channel of c-ares a query: it reads resolv.conf anew each time, and is destroyed
 * with whatever it has under way. Its answers come from within its own functions, where
 * it can't be destroyed; so they are kept and given at the end of the turn.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "resolve.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

struct sms_resolve {
    struct sms_react *react;
    ares_channel channel; /* NULL: host was an address */
    struct sms_timer timer;
    struct sms_soon soon;
    sms_resolve_fn *fn;
    void *arg;
    bool answered;
    int status;
    struct sms_addresses found;
};

/* c-ares has time-outs of its own, which it looks at when it is called. */
static void resolve_wait(struct sms_resolve *q)
{
    struct timeval tv, *left = q->answered ? NULL : ares_timeout(q->channel, NULL, &tv);

    if (left)
        (void)sms_timer_at(q->react, &q->timer,
                           sms_now(q->react) + (int64_t)left->tv_sec * 1000000 + left->tv_usec + 1000);
    else
        sms_timer_cancel(q->react, &q->timer);
}

static void resolve_on_fd(void *arg, int fd, uint32_t events)
{
    struct sms_resolve *q = arg;

    ares_process_fd(q->channel, events & HILO_READ ? fd : ARES_SOCKET_BAD,
                    events & HILO_WRITE ? fd : ARES_SOCKET_BAD);
    resolve_wait(q);
}

static void resolve_on_timer(void *arg)
{
    struct sms_resolve *q = arg;

    ares_process_fd(q->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    resolve_wait(q);
}

/* c-ares opens and closes its sockets itself; it says so here, before it closes one. A socket
 * that can't be watched is one whose time runs out. */
static void resolve_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct sms_resolve *q = arg;

    (void)sms_watch(q->react, fd, (readable ? HILO_READ : 0u) | (writable ? HILO_WRITE : 0u), resolve_on_fd,
                    q);
}

static void resolve_answer(void *arg, int status, int timeouts, struct ares_addrinfo *all)
{
    struct sms_resolve *q = arg;
    struct sms_addresses *found = &q->found;
    const struct ares_addrinfo_node *node;

    (void)timeouts;
    q->answered = true;
    q->status = status;
    for (node = all ? all->nodes : NULL; node && found->n < SMS_ADDRESSES_MAX; node = node->ai_next) {
        if ((size_t)node->ai_addrlen > sizeof found->addr[0])
            continue;
        found->len[found->n] = (socklen_t)node->ai_addrlen;
        memcpy(&found->addr[found->n++], node->ai_addr, (size_t)node->ai_addrlen);
    }
    ares_freeaddrinfo(all);
    if (status != ARES_EDESTRUCTION)
        sms_soon(q->react, &q->soon);
}

static void resolve_give(void *arg)
{
    struct sms_resolve *q = arg;

    if (q->found.n)
        q->fn(q->arg, &q->found, NULL);
    else
        q->fn(q->arg, NULL, q->status == ARES_SUCCESS ? "it has no address" : ares_strerror(q->status));
}

/* c-ares would ask DNS for digits too (1.18, AF_UNSPEC). */
static bool resolve_digits(const char *host, uint16_t port, struct sms_addresses *found)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
        memcpy(&found->addr[0], &v4, sizeof v4);
        found->len[0] = sizeof v4;
    } else if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
        memcpy(&found->addr[0], &v6, sizeof v6);
        found->len[0] = sizeof v6;
    } else {
        return false;
    }
    found->n = 1;
    return true;
}

struct sms_resolve *sms_resolve_new(struct sms_react *react, const char *host, uint16_t port,
                                    sms_resolve_fn *fn, void *arg)
{
    const struct ares_addrinfo_hints hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = ARES_AI_NUMERICSERV};
    struct sms_resolve *q = calloc(1, sizeof *q);
    struct ares_options options = {0};
    char service[8];

    if (!q)
        return NULL;
    q->react = react;
    q->fn = fn;
    q->arg = arg;
    q->soon.fn = resolve_give;
    q->soon.arg = q;
    sms_timer_init(&q->timer, resolve_on_timer, q);
    if (resolve_digits(host, port, &q->found)) {
        q->answered = true;
        sms_soon(react, &q->soon);
        return q;
    }
    options.sock_state_cb = resolve_socket;
    options.sock_state_cb_data = q;
    if (ares_init_options(&q->channel, &options, ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS) {
        free(q);
        return NULL;
    }
    (void)snprintf(service, sizeof service, "%u", port);
    ares_getaddrinfo(q->channel, host, service, &hints, resolve_answer, q);
    resolve_wait(q);
    return q;
}

void sms_resolve_free(struct sms_resolve **at)
{
    struct sms_resolve *q = *at;

    if (!q)
        return;
    *at = NULL;
    if (q->channel)
        ares_destroy(q->channel);
    sms_timer_cancel(q->react, &q->timer);
    sms_soon_cancel(q->react, &q->soon);
    free(q);
}
