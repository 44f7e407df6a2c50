/*
 * The floor: what one core gives for requests at all. An epoll loop that looks for the end
 * of a request and no more (the blank line, then Content-Length bytes) and answers a static
 * 202 as long as the gateway's. It parses nothing, checks nothing, keeps nothing.
 *
 *   bench_floor [STATUS BODY]     answers 202 and a body like the gateway's by default
 *
 * Prints "port=N", serves until it gets SIGTERM. One thread; bodies up to 64 KiB.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 1 << 16, EVENTS = 256, FDS = 4096 };

struct conn {
    size_t n;
    char in[ROOM];
};

static const char accepted[] =
    "{\"id\":\"msg_01KAW0000000000000000000AA\",\"customer\":\"cus_01KAW0000000000000000000AA\","
    "\"conversation\":\"cnv_01KAW0000000000000000000AA\",\"channel\":\"bench\",\"status\":\"accepted\"}";

static volatile sig_atomic_t ended;

static void on_term(int signo)
{
    (void)signo;
    ended = 1;
}

/* The length of the first request in c, or 0 while it is not whole. */
static size_t request_length(const struct conn *c)
{
    static const char name[] = "\r\ncontent-length:";
    const char *end = memmem(c->in, c->n, "\r\n\r\n", 4);
    size_t head, body = 0;

    if (!end)
        return 0;
    head = (size_t)(end - c->in) + 4;
    for (size_t i = 0; i + sizeof name < head; i++)
        if (c->in[i] == '\r' && strncasecmp(c->in + i, name, sizeof name - 1) == 0)
            body = strtoul(c->in + i + sizeof name - 1, NULL, 10);
    return c->n >= head + body ? head + body : 0;
}

/* 0: goes on; -1: the connection is over. */
static int serve(int fd, struct conn *c, const char *answer, size_t n_answer)
{
    ssize_t got = recv(fd, c->in + c->n, sizeof c->in - c->n, 0);
    size_t whole;

    if (got <= 0)
        return -1;
    c->n += (size_t)got;
    while ((whole = request_length(c)) > 0) {
        if (send(fd, answer, n_answer, MSG_NOSIGNAL) != (ssize_t)n_answer)
            return -1;
        c->n -= whole;
        memmove(c->in, c->in + whole, c->n);
    }
    return c->n < sizeof c->in ? 0 : -1;
}

static int listener(unsigned *port_out)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        return -1;
    *port_out = ntohs(at.sin_port);
    return fd;
}

int main(int argc, char **argv)
{
    static struct conn *conns[FDS];
    static struct epoll_event events[EVENTS];
    const struct sigaction term = {.sa_handler = on_term};
    struct epoll_event ev = {.events = EPOLLIN};
    const char *body = argc == 3 ? argv[2] : accepted, *status = argc == 3 ? argv[1] : "202 Accepted";
    char answer[4096];
    unsigned port = 0;
    int fd = listener(&port), ep = epoll_create1(EPOLL_CLOEXEC), one = 1;
    int n_answer = snprintf(answer, sizeof answer,
                            "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                            status, strlen(body), body);

    (void)sigaction(SIGTERM, &term, NULL);
    ev.data.fd = fd;
    if (fd < 0 || ep < 0 || n_answer >= (int)sizeof answer || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) != 0) {
        perror("bench_floor: no listening socket or epoll");
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
                (void)setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            } else if (serve(at, conns[at], answer, (size_t)n_answer) != 0) {
                free(conns[at]);
                conns[at] = NULL;
                (void)close(at);
            }
        }
    }
    return 0;
}
