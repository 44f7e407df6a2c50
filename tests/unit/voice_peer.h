/*
 * A telephone for the tests of media: its own RTP on real sockets, its own G.711 (by the formulas of the
 * recommendation, sample by sample), its own ear; nothing of the plugin's. And the line to it: media without
 * a thread, whose clock the test moves.
 */
#ifndef VOICE_PEER_H
#define VOICE_PEER_H

#include "../../plugins/voice/media_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- G.711 -------------------------------------------------------------------------------------- */

static inline int peer_ulaw_value(unsigned char c)
{
    int t;

    c = (unsigned char)~c;
    t = ((c & 15) * 8 + 132) * (1 << ((c >> 4) & 7)) - 132;
    return c & 128 ? -t : t;
}

static inline int peer_alaw_value(unsigned char c)
{
    int segment, t;

    c ^= 0x55;
    segment = (c >> 4) & 7;
    t = (c & 15) * 16 + 8;
    if (segment)
        t = (t + 256) * (1 << (segment - 1));
    return c & 128 ? t : -t;
}

/* The code whose value is nearest: slow, and by the definition. */
static inline unsigned char peer_code(int sample, bool alaw)
{
    int best = 0, least = 1 << 20, i, d;

    for (i = 0; i < 256; i++) {
        d = abs((alaw ? peer_alaw_value((unsigned char)i) : peer_ulaw_value((unsigned char)i)) - sample);
        if (d < least) {
            least = d;
            best = i;
        }
    }
    return (unsigned char)best;
}

/* ---- the telephone ------------------------------------------------------------------------------ */

struct peer {
    int rtp, rtcp; /* rtcp: -1: it has none */
    uint16_t port;
    int family;
    struct sockaddr_storage to; /* the plugin's */
    /* what it sends */
    uint16_t seq;
    uint32_t ts, ssrc;
    unsigned type, event_type;
    bool alaw;
};
struct heard { /* a packet of the plugin's */
    unsigned char p[2048];
    size_t n;
    unsigned type, marker, seq;
    uint32_t ts, ssrc;
    unsigned char *payload;
    size_t payload_n;
};

static inline int peer_socket(int family, uint16_t *port)
{
    struct sockaddr_in6 v6 = {
        .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback, .sin6_port = htons(*port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(*port)};
    struct sockaddr *s = family == AF_INET6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
    socklen_t n = family == AF_INET6 ? sizeof v6 : sizeof v4;
    int fd = socket(family, SOCK_DGRAM, 0);

    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    if (bind(fd, s, n) != 0) {
        (void)close(fd);
        return -1;
    }
    assert_int_equal(getsockname(fd, s, &n), 0);
    *port = ntohs(family == AF_INET6 ? v6.sin6_port : v4.sin_port);
    return fd;
}

/* A pair of ports next to each other. */
static inline void peer_init(struct peer *p, int family)
{
    uint16_t next;

    *p = (struct peer){
        .family = family, .seq = 65530, .ts = 0xffffff00, .ssrc = 0x1234abcd, .event_type = 101};
    for (;;) {
        p->port = 0;
        p->rtp = peer_socket(family, &p->port);
        next = (uint16_t)(p->port + 1);
        p->rtcp = p->port % 2 == 0 ? peer_socket(family, &next) : -1;
        if (p->rtcp >= 0)
            break;
        (void)close(p->rtp);
    }
}

static inline void peer_done(struct peer *p)
{
    (void)close(p->rtp);
    (void)close(p->rtcp);
}

static inline size_t peer_head(const struct peer *p, unsigned type, bool marker, uint16_t seq, uint32_t ts,
                               unsigned char *out)
{
    uint32_t nts = htonl(ts), nssrc = htonl(p->ssrc);
    uint16_t nseq = htons(seq);

    out[0] = 0x80;
    out[1] = (unsigned char)(type | (marker ? 128 : 0));
    memcpy(out + 2, &nseq, 2);
    memcpy(out + 4, &nts, 4);
    memcpy(out + 8, &nssrc, 4);
    return 12;
}

static inline bool heard_waits(int fd, int ms)
{
    struct pollfd w = {.fd = fd, .events = POLLIN};

    return poll(&w, 1, ms) == 1;
}

/* The next packet, which has to come. */
static inline void peer_hears(int fd, struct heard *h)
{
    ssize_t n;

    memset(h, 0, sizeof *h);
    assert_true(heard_waits(fd, 10000));
    n = recv(fd, h->p, sizeof h->p, 0);
    assert_true(n >= 12);
    h->n = (size_t)n;
    assert_int_equal(h->p[0], 0x80);
    h->type = h->p[1] & 127;
    h->marker = h->p[1] >> 7;
    h->seq = (unsigned)h->p[2] << 8 | h->p[3];
    memcpy(&h->ts, h->p + 4, 4);
    memcpy(&h->ssrc, h->p + 8, 4);
    h->ts = ntohl(h->ts);
    h->ssrc = ntohl(h->ssrc);
    h->payload = h->p + 12;
    h->payload_n = h->n - 12;
}

/* How strong a pitch is in what was heard: 1 is all of a sine of that amplitude. */
static inline double ear_pitch(const int *x, size_t n, double hz, double amplitude)
{
    double c = 0, s = 0;
    size_t i;

    for (i = 0; i < n; i++) {
        c += x[i] * cos(2 * M_PI * hz * (double)i / 8000);
        s += x[i] * sin(2 * M_PI * hz * (double)i / 8000);
    }
    return 2 * sqrt(c * c + s * s) / (double)n / amplitude;
}

/* ---- the line ----------------------------------------------------------------------------------- */

enum { CALL = 77 };
struct line {
    struct media *m;
    struct media_conf conf;
    int64_t now;
    struct neg_agreed agreed;
    struct sockaddr_storage local;
    struct peer peer;
    unsigned woken;
};

static inline void line_woken(void *arg)
{
    ((struct line *)arg)->woken++;
}

static inline void line_conf(struct line *l)
{
    *l = (struct line){.now = 1000000};
    l->conf.listen = (struct hilo_str){"127.0.0.1 ::1", 13};
    l->conf.port_min = 30000;
    l->conf.port_max = 39999;
    l->conf.jitter_min_us = 40000;
    l->conf.jitter_max_us = 200000;
    l->conf.silent_us = 30000000;
    l->conf.inband_dtmf = 1;
}

static inline void peer_is(const struct peer *p, uint16_t port, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    out->ss_family = (sa_family_t)p->family;
    ((struct sockaddr_in *)out)->sin_port = htons(port);
    if (p->family == AF_INET6)
        ((struct sockaddr_in6 *)out)->sin6_addr = in6addr_loopback;
    else
        ((struct sockaddr_in *)out)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

/* Media alone, then a call to the telephone: PCMU and telephone-event 101. */
static inline void line_media(struct line *l)
{
    char why[256] = "";

    l->m = media__new(&l->conf, line_woken, l, false, why);
    assert_string_equal(why, "");
    assert_non_null(l->m);
}

static inline void line_call(struct line *l, int family)
{
    peer_init(&l->peer, family);
    assert_true(media_open(l->m, CALL, family, &l->local));
    l->peer.to = l->local;
    peer_is(&l->peer, l->peer.port, &l->agreed.addr);
    l->agreed.rtcp_port = (uint16_t)(l->peer.port + 1);
    l->agreed.codec = NEG_PCMU;
    l->agreed.codec_type = 0;
    l->agreed.dtmf_type = l->agreed.dtmf_recv_type = 101;
    l->agreed.cn_type = -1;
    l->agreed.ptime_ms = 20;
    l->agreed.direction = NEG_SEND | NEG_RECV;
    media_set(l->m, CALL, &l->agreed);
    (void)media__run(l->m, l->now);
}

static inline struct line *line_new(void)
{
    struct line *l = malloc(sizeof *l);

    assert_non_null(l);
    line_conf(l);
    line_media(l);
    line_call(l, AF_INET);
    return l;
}

static inline void line_free(struct line *l)
{
    media_free(l->m);
    peer_done(&l->peer);
    free(l);
}

static inline struct media_call *line_inside(struct line *l)
{
    uint64_t id = CALL;
    struct media_call *c;

    HASH_FIND(hh, l->m->calls, &id, sizeof id, c);
    assert_non_null(c);
    return c;
}

/* The clock goes on, a beat at a time. */
static inline void line_beats(struct line *l, unsigned n)
{
    for (; n; n--) {
        l->now += 20000;
        (void)media__run(l->m, l->now);
    }
}

/* Orders that were left, without any time passing. */
static inline void line_orders(struct line *l)
{
    (void)media__run(l->m, l->now);
}

static inline bool line_next(struct line *l, struct media_event *e)
{
    return media_next(l->m, e);
}

/* The next event, which has to be there and of this type. */
static inline struct media_event line_event(struct line *l, enum media_event_type type)
{
    struct media_event e = {0};

    assert_true(media_next(l->m, &e));
    assert_int_equal(e.type, type);
    assert_int_equal(e.call, CALL);
    return e;
}

static inline void line_no_event(struct line *l)
{
    struct media_event e = {0};

    if (media_next(l->m, &e))
        fail_msg("event %d came, and none should", (int)e.type);
}

/* Waits for one that another thread brings about (a recording is on disk). */
static inline struct media_event line_await(struct line *l, enum media_event_type type)
{
    struct media_event e = {0};
    int i;

    for (i = 0; i < 1000; i++) {
        if (media_next(l->m, &e)) {
            assert_int_equal(e.type, type);
            return e;
        }
        media__wait(l->m, 100);
        (void)media__run(l->m, l->now);
    }
    fail_msg("event %d did not come", (int)type);
    return e;
}

/* Octets from some socket of the telephone's to the plugin's RTP; read by it before this returns. */
static inline void line_octets(struct line *l, int fd, const void *p, size_t n)
{
    socklen_t to_n = l->peer.family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    struct media_call *c = line_inside(l);

    assert_int_equal(sendto(fd, p, n, 0, (struct sockaddr *)&l->peer.to, to_n), (ssize_t)n);
    assert_true(heard_waits(c->rtp, 10000));
    media__in_drain(c, l->now);
}

static inline void line_packet(struct line *l, int fd, unsigned type, bool marker, uint32_t ts,
                               const void *payload, size_t n)
{
    unsigned char p[2048];
    size_t at = peer_head(&l->peer, type, marker, l->peer.seq++, ts, p);

    memcpy(p + at, payload, n);
    line_octets(l, fd, p, at + n);
}

/* 20 ms of a sine (0 Hz: silence), or of two. */
static inline void line_sounds(struct line *l, double hz, double hz2, double amplitude)
{
    unsigned char p[160];
    int i;

    for (i = 0; i < 160; i++) {
        double t = (double)(l->peer.ts + (uint32_t)i - 0xffffff00u) / 8000;
        double x = (hz > 0 ? sin(2 * M_PI * hz * t) : 0) + (hz2 > 0 ? sin(2 * M_PI * hz2 * t) : 0);

        p[i] = peer_code((int)lrint(amplitude * x), l->peer.alaw);
    }
    line_packet(l, l->peer.rtp, l->peer.type, false, l->peer.ts, p, sizeof p);
    l->peer.ts += 160;
}

static inline void line_event_packet(struct line *l, unsigned event, bool end, unsigned duration, bool marker,
                                     uint32_t ts)
{
    unsigned char p[4] = {(unsigned char)event, (unsigned char)(10 | (end ? 128 : 0)),
                          (unsigned char)(duration >> 8), (unsigned char)duration};

    line_packet(l, l->peer.rtp, l->peer.event_type, marker, ts, p, 4);
}

static inline struct pcm *sine(double hz, unsigned ms, double amplitude)
{
    struct pcm *p = pcm_new(ms * 8);
    uint32_t i;

    assert_non_null(p);
    for (i = 0; i < p->n; i++)
        p->sample[i] = (int16_t)lrint(amplitude * sin(2 * M_PI * hz * i / 8000));
    return p;
}

/* Plays and lets go of its own hold. */
static inline void line_plays(struct line *l, uint64_t id, struct pcm *pcm, uint32_t flags, bool loop)
{
    media_play(l->m, CALL, id, pcm, flags, loop);
    pcm_drop(pcm);
}

#endif
