/*
 * What the small servers of the SMS bench share: a socket that listens on a free port of the
 * loopback, the clock that all programs of a machine agree on, and a histogram whose
 * percentiles are right to 2 %.
 */
#ifndef BENCH_NET_H
#define BENCH_NET_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* A listening descriptor, or -1 with errno. */
static inline int net_listen(unsigned *port_out)
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

static inline void net_option(int fd, int option)
{
    int one = 1;

    (void)setsockopt(fd, IPPROTO_TCP, option, &one, sizeof one);
}

/* 64 steps an octave: exact below 64 us, then to 1/64. */
enum { HIST_STEPS = 64, HIST_ROOM = HIST_STEPS * 40 };
struct hist {
    uint64_t n;
    uint32_t at[HIST_ROOM];
};

static inline void hist_add(struct hist *h, uint64_t us)
{
    uint64_t octave = 0;

    while (us >> octave >= 2 * HIST_STEPS)
        octave++;
    us = (us >> octave) + octave * HIST_STEPS;
    h->at[us < HIST_ROOM ? us : HIST_ROOM - 1]++;
    h->n++;
}

static inline uint64_t hist_percentile(const struct hist *h, unsigned percent)
{
    uint64_t want = h->n * percent / 100, seen = 0;

    for (uint64_t i = 0; i < HIST_ROOM; i++) {
        seen += h->at[i];
        if (seen > want) {
            uint64_t octave = i < 2 * HIST_STEPS ? 0 : i / HIST_STEPS - 1;
            return (i - octave * HIST_STEPS) << octave;
        }
    }
    return 0;
}

#endif
