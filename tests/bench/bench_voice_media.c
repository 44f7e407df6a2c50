/*
 * What a call's media costs: the plugin's media thread alone, with so many calls of G.711 both ways, prompt
 * out, sound and keys in. No signalling, so it is the floor under what bench-voice sees of the whole gateway.
 *
 *   bench_voice_media [CALLS [SECONDS [events|tones|srtp|record]]]
 *
 * events (if nothing is said): telephone-event, which the peer uses, so sound is not decoded; tones: keys are
 * listened for in the sound; srtp: as events, sealed; record: as tones, and each caller recorded below /tmp.
 * The peer is a child process that sends a packet each 20 ms to each call and holds the times in what it gets
 * against the arrival that the kernel notes.
 *
 * Prints cpu_us_per_call_s= (of the media thread, of a second of one call), core= (of all calls, of one
 * processor), peer_core= (of the child, for comparison), off_max_ms= and off_over_20ms= (how far a packet's
 * RTP time is from the clock since its call's first), skipped= (frames that would have been late), got=,
 * lost=, kib_per_call=.
 */
#include "../../plugins/voice/media.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CALLS_MAX = 2000, PACKET = 12 + 160 + 16, BATCH = 64 };

/* Of both processes. */
struct shared {
    unsigned calls, seconds;
    bool events, srtp;
    struct sockaddr_in to[CALLS_MAX];
    uint64_t got, lost, over;
    double off_max_ms, peer_s;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;

    if (clock_gettime(clock, &t) != 0)
        die("clock_gettime");
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the peer ----------------------------------------------------------------------------------- */

struct stream {
    uint32_t ts0;
    double t0, least_ms; /* least: the earliest that a packet came, of its own time */
    uint16_t seq;
    bool begun;
};

static void hears(struct shared *s, struct stream *streams, int fd)
{
    static unsigned char p[BATCH][2048], control[BATCH][128];
    struct sockaddr_in from[BATCH];
    struct mmsghdr h[BATCH];
    struct iovec v[BATCH];
    int n, i;

    do {
        for (i = 0; i < BATCH; i++) {
            v[i] = (struct iovec){p[i], sizeof p[i]};
            h[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                           .msg_namelen = sizeof from[i],
                                           .msg_iov = &v[i],
                                           .msg_iovlen = 1,
                                           .msg_control = control[i],
                                           .msg_controllen = sizeof control[i]};
        }
        n = recvmmsg(fd, h, BATCH, MSG_DONTWAIT, NULL);
        for (i = 0; i < n; i++) {
            struct stream *x = &streams[(ntohs(from[i].sin_port) - ntohs(s->to[0].sin_port)) / 2];
            uint16_t seq = (uint16_t)(p[i][2] << 8 | p[i][3]);
            struct cmsghdr *c = CMSG_FIRSTHDR(&h[i].msg_hdr);
            struct timespec t;
            uint32_t ts;
            double now, off;

            if (!c || h[i].msg_len < 12)
                continue;
            memcpy(&t, CMSG_DATA(c), sizeof t);
            memcpy(&ts, p[i] + 4, 4);
            ts = ntohl(ts);
            now = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
            s->got++;
            if (!x->begun) {
                *x = (struct stream){.ts0 = ts, .t0 = now, .seq = seq, .begun = true};
                continue;
            }
            s->lost += (uint16_t)(seq - x->seq - 1);
            x->seq = seq;
            off = (now - x->t0) * 1000 - (double)(ts - x->ts0) / 8;
            if (off < x->least_ms)
                x->least_ms = off;
            off -= x->least_ms;
            if (off > s->off_max_ms)
                s->off_max_ms = off;
            s->over += off > 20;
        }
    } while (n == BATCH);
}

static void speaks(struct shared *s, int fd, uint32_t beat)
{
    static unsigned char p[BATCH][PACKET];
    struct mmsghdr h[BATCH];
    struct iovec v[BATCH];
    unsigned i, n = 0, k;

    for (i = 0; i < s->calls; i++) {
        /* A key press of 100 ms each second, at another time in each call; sound otherwise. */
        unsigned phase = (beat + i * 7) % 50;
        bool key = s->events && phase < 5;
        uint32_t ts = htonl((key ? beat - phase : beat) * 160), ssrc = htonl(1000 + i);
        uint16_t seq = htons((uint16_t)beat);

        p[n][0] = 0x80;
        p[n][1] = key ? (unsigned char)(101 | (phase ? 0 : 128)) : 0;
        memcpy(p[n] + 2, &seq, 2);
        memcpy(p[n] + 4, &ts, 4);
        memcpy(p[n] + 8, &ssrc, 4);
        if (key)
            memcpy(p[n] + 12,
                   (unsigned char[]){5, phase == 4 ? 0x8a : 10, (unsigned char)((phase + 1) * 160 >> 8),
                                     (unsigned char)((phase + 1) * 160)},
                   4);
        else
            for (k = 0; k < 160; k++)
                p[n][12 + k] = (unsigned char)(0x90 + (k * 13 + beat) % 64);
        v[n] = (struct iovec){p[n], key ? 16 : 172};
        h[n].msg_hdr = (struct msghdr){
            .msg_name = &s->to[i], .msg_namelen = sizeof s->to[i], .msg_iov = &v[n], .msg_iovlen = 1};
        if (++n == BATCH || i + 1 == s->calls) {
            (void)sendmmsg(fd, h, n, 0);
            n = 0;
        }
    }
}

static void peer(struct shared *s, int fd)
{
    struct itimerspec every = {{0, 20000000}, {0, 20000000}};
    struct stream *streams = calloc(CALLS_MAX, sizeof *streams);
    int timer = timerfd_create(CLOCK_MONOTONIC, 0), ep = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN}, got[2];
    uint32_t beat = 0, n = 0;
    double end = seconds_of(CLOCK_MONOTONIC) + s->seconds;
    uint64_t ticks;
    int i, k;

    if (!streams || timer < 0 || ep < 0 || timerfd_settime(timer, 0, &every, NULL) != 0)
        die("peer");
    e.data.fd = timer;
    if (epoll_ctl(ep, EPOLL_CTL_ADD, timer, &e) != 0)
        die("epoll_ctl");
    e.data.fd = fd;
    if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) != 0)
        die("epoll_ctl");
    while (seconds_of(CLOCK_MONOTONIC) < end) {
        n = 0;
        k = epoll_wait(ep, got, 2, 100);
        for (i = 0; i < k; i++) {
            if (got[i].data.fd == fd)
                hears(s, streams, fd);
            else if (read(timer, &ticks, sizeof ticks) == sizeof ticks)
                n = (uint32_t)ticks;
        }
        for (; n; n--)
            speaks(s, fd, beat++);
    }
    s->peer_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    free(streams);
}

/* ---- the calls ---------------------------------------------------------------------------------- */

static void woken(void *arg)
{
    uint64_t one = 1;

    if (write(*(int *)arg, &one, sizeof one) != sizeof one)
        die("write");
}

static long resident_kib(void)
{
    long pages = 0, all = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (!f || fscanf(f, "%ld %ld", &all, &pages) != 2)
        die("statm");
    (void)fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Of every thread but this one, which only waits. */
static double others_s(void)
{
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID) - seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

static void call_begins(struct media *m, struct shared *s, unsigned i, uint16_t port, struct pcm *prompt,
                        bool record)
{
    struct neg_agreed a = {
        .codec = NEG_PCMU, .ptime_ms = 20, .direction = NEG_SEND | NEG_RECV, .cn_type = -1};
    struct sockaddr_in *to = (struct sockaddr_in *)&a.addr;
    struct media_record r = {.flags = MEDIA_CALLER_ONLY};
    struct sockaddr_storage local;
    char name[] = "/tmp/bench-voice-XXXXXX";

    if (!media_open(m, i + 1, AF_INET, &local))
        die("media_open");
    memcpy(&s->to[i], &local, sizeof s->to[i]);
    if (ntohs(s->to[i].sin_port) != ntohs(s->to[0].sin_port) + 2 * i) {
        (void)fprintf(stderr,
                      "bench_voice_media: another program has a port between 20000 and 29999; again\n");
        exit(1);
    }
    to->sin_family = AF_INET;
    to->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to->sin_port = htons(port);
    a.dtmf_type = a.dtmf_recv_type = s->events ? 101 : -1;
    if (s->srtp) {
        a.local.suite = a.remote.suite = NEG_AES_CM_128_80;
        memset(a.local.key, (int)i, sizeof a.local.key);
    }
    media_set(m, i + 1, &a);
    media_play(m, i + 1, 1, prompt, 0, true);
    if (!record)
        return;
    r.fd = mkstemp(name);
    if (r.fd < 0 || unlink(name) != 0)
        die(name);
    media_record(m, i + 1, &r);
}

int main(int argc, char **argv)
{
    struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct media_conf conf = {.listen = {"127.0.0.1", 9},
                              .port_min = 20000,
                              .port_max = 29999,
                              .jitter_min_us = 40000,
                              .jitter_max_us = 200000,
                              .silent_us = 30000000};
    const char *what = argc > 3 ? argv[3] : "events";
    struct sockaddr_in at = {.sin_family = AF_INET};
    struct rlimit files = {65536, 65536};
    struct pcm *prompt = pcm_new(8000 * 10);
    struct media_event e;
    struct media *m;
    socklen_t len = sizeof at;
    uint64_t skipped = 0, keys = 0, count;
    unsigned i, closed = 0;
    int fd = socket(AF_INET, SOCK_DGRAM, 0), wake = eventfd(0, 0), on = 1, room = 8 << 20, status;
    double cpu, wall;
    long kib;
    char why[256];
    pid_t child;

    if (s == MAP_FAILED || !prompt || fd < 0 || wake < 0)
        die("bench_voice_media");
    s->calls = argc > 1 ? (unsigned)atoi(argv[1]) : 300;
    s->seconds = argc > 2 ? (unsigned)atoi(argv[2]) : 60;
    if (s->calls < 1 || s->calls > CALLS_MAX || s->seconds < 1)
        die("1 to 2000 calls, 1 second or more");
    s->srtp = strcmp(what, "srtp") == 0;
    s->events = strcmp(what, "events") == 0 || s->srtp;
    conf.inband_dtmf = !s->events;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        die("bind");
    for (i = 0; i < prompt->n; i++)
        prompt->sample[i] = (int16_t)(8000 * sin(i * 0.3) + 4000 * sin(i * 0.07));
    m = media_new(&conf, woken, &wake, why);
    if (!m) {
        (void)fprintf(stderr, "bench_voice_media: %s\n", why);
        return 1;
    }
    kib = resident_kib();
    for (i = 0; i < s->calls; i++)
        call_begins(m, s, i, ntohs(at.sin_port), prompt, strcmp(what, "record") == 0);
    child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        peer(s, fd);
        _exit(0);
    }
    cpu = others_s();
    wall = seconds_of(CLOCK_MONOTONIC);
    /* Events are taken as the plugin would. */
    (void)fcntl(wake, F_SETFL, O_NONBLOCK);
    while (waitpid(child, &status, WNOHANG) == 0) {
        struct timespec t = {0, 100000000};

        (void)nanosleep(&t, NULL);
        (void)!read(wake, &count, sizeof count);
        while (media_next(m, &e))
            keys += e.type == MEDIA_DIGIT;
    }
    cpu = others_s() - cpu;
    wall = seconds_of(CLOCK_MONOTONIC) - wall;
    kib = resident_kib() - kib;
    for (i = 0; i < s->calls; i++)
        media_close(m, i + 1);
    (void)fcntl(wake, F_SETFL, 0);
    while (closed < s->calls) {
        (void)!read(wake, &count, sizeof count);
        while (media_next(m, &e)) {
            if (e.type != MEDIA_CLOSED)
                continue;
            closed++;
            skipped += e.late;
        }
    }
    media_free(m);
    pcm_drop(prompt);
    printf(
        "what=%s calls=%u seconds=%.0f cpu_us_per_call_s=%.0f core=%.1f%% peer_core=%.1f%% off_max_ms=%.1f "
        "off_over_20ms=%llu skipped=%llu got=%llu lost=%llu keys=%llu kib_per_call=%.1f\n",
        what, s->calls, wall, cpu * 1e6 / wall / s->calls, cpu / wall * 100, s->peer_s / wall * 100,
        s->off_max_ms, (unsigned long long)s->over, (unsigned long long)skipped, (unsigned long long)s->got,
        (unsigned long long)s->lost, (unsigned long long)keys, (double)kib / s->calls);
    return 0;
}
