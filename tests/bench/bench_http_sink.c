/*
 * Where the callbacks of the SMS bench go: an epoll loop that answers 200 without a body to
 * every request, counts it, and acknowledges TCP at once (TCP_QUICKACK), so that a peer with
 * Nagle's algorithm on does not wait 40 ms for a delayed ACK.
 *
 *   bench_http_sink        prints "port=N", serves until it gets SIGTERM
 *   GET /_stats            n=REQUESTS first_us=… last_us=… (CLOCK_MONOTONIC; 0 when none came)
 *   GET /_reset            the same, then begins anew
 *
 * One thread; requests up to 64 KiB, keep-alive unless the peer says "Connection: close".
 * Chunked bodies are refused with 411: a sender's length must be known here.
 */
#include "net.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>

enum { ROOM = 1 << 16, EVENTS = 256, FDS = 4096 };

struct conn {
    size_t n;
    char in[ROOM];
};

struct count {
    uint64_t n, first_us, last_us;
};

static volatile sig_atomic_t ended;

static void on_term(int signo)
{
    (void)signo;
    ended = 1;
}

/* The value of a header in a head of n bytes, or NULL. name: with its colon, in lower case. */
static const char *header(const char *head, size_t n, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i + 2 + length < n; i++)
        if (head[i] == '\n' && strncasecmp(head + i + 1, name, length) == 0)
            return head + i + 1 + length;
    return NULL;
}

static bool put(int fd, const char *answer, size_t n)
{
    return send(fd, answer, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool stats(int fd, struct count *count, bool reset)
{
    char body[160], answer[320];
    int n = snprintf(body, sizeof body, "n=%llu first_us=%llu last_us=%llu\n", (unsigned long long)count->n,
                     (unsigned long long)count->first_us, (unsigned long long)count->last_us);

    if (reset)
        *count = (struct count){0};
    n = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", n, body);
    return put(fd, answer, (size_t)n);
}

/* Answers the requests that are whole. False: the connection is over. */
static bool serve(int fd, struct conn *c, struct count *count)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n";
    static const char no_length[] = "HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\n\r\n";
    ssize_t got = recv(fd, c->in + c->n, sizeof c->in - c->n, 0);
    size_t at = 0;

    if (got <= 0)
        return false;
    net_option(fd, TCP_QUICKACK); // the kernel forgets it, so again each time
    c->n += (size_t)got;
    for (;;) {
        const char *in = c->in + at, *end = memmem(in, c->n - at, "\r\n\r\n", 4), *value;
        size_t head, body;

        if (!end)
            break;
        head = (size_t)(end - in) + 4;
        if (header(in, head, "transfer-encoding:")) {
            (void)put(fd, no_length, sizeof no_length - 1);
            return false;
        }
        value = header(in, head, "content-length:");
        body = value ? strtoul(value, NULL, 10) : 0;
        if (c->n - at < head + body)
            break;
        value = header(in, head, "connection:");
        if (strncmp(in, "GET /_", 6) == 0) {
            if (!stats(fd, count, in[6] == 'r'))
                return false;
        } else {
            count->last_us = now_us();
            if (count->n++ == 0)
                count->first_us = count->last_us;
            if (!put(fd, ok, sizeof ok - 1))
                return false;
        }
        if (value && strncasecmp(value + strspn(value, " "), "close", 5) == 0)
            return false;
        at += head + body;
    }
    c->n -= at;
    memmove(c->in, c->in + at, c->n);
    return c->n < sizeof c->in;
}

int main(void)
{
    static struct conn *conns[FDS];
    static struct epoll_event events[EVENTS];
    const struct sigaction term = {.sa_handler = on_term};
    struct epoll_event ev = {.events = EPOLLIN};
    struct count count = {0};
    unsigned port = 0;
    int fd = net_listen(&port), ep = epoll_create1(EPOLL_CLOEXEC);

    (void)sigaction(SIGTERM, &term, NULL);
    ev.data.fd = fd;
    if (fd < 0 || ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) != 0) {
        perror("bench_http_sink: no listening socket or epoll");
        return 1;
    }
    printf("port=%u\n", port);
    (void)fflush(stdout);
    while (!ended) {
        int n = epoll_wait(ep, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            int at = events[i].data.fd;
            if (at == fd) {
                int made = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
                ev.data.fd = made;
                if (made < 0 || made >= FDS || !(conns[made] = calloc(1, sizeof **conns)) ||
                    epoll_ctl(ep, EPOLL_CTL_ADD, made, &ev) != 0) {
                    if (made >= 0)
                        (void)close(made);
                    continue;
                }
                net_option(made, TCP_NODELAY);
                net_option(made, TCP_QUICKACK);
            } else if (!serve(at, conns[at], &count)) {
                free(conns[at]);
                conns[at] = NULL;
                (void)close(at);
            }
        }
    }
    return 0;
}
