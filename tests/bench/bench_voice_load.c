/*
 * Many callers at one SIP server over UDP, by hand: RFC 3261's least, PCMU and telephone-event. It shares
 * nothing with what it measures.
 *
 *   bench_voice_load PORT setup AT_ONCE SECONDS RATE    calls that are hung up as soon as they are answered:
 * AT_ONCE at a time, RATE begun a second (0: as soon as one has ended) bench_voice_load PORT talk CALLS
 * SECONDS keys|echo  calls that stay, RTP both ways, a key every 2 s. keys: the server plays 400 Hz, 800 Hz
 * after key 2, 400 Hz after 1 bench_voice_load tone FILE HZ SECONDS               a WAV for the server to
 * play
 *
 * talk says "began" when all calls are up and have settled, "ended" SECONDS later, then what was seen
 * between. Packets are timed by the kernel when the server sends them (SO_TIMESTAMPNS; the loopback has no
 * way in between), so that neither this program's nor its core's lateness is taken for the server's.
 */
#include "net.h"
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

enum { CALLS_MAX = 8192, FRAME = 160, PHASES = 20, KEY_FRAMES = 5, KEY_EVERY = 100, LATE_US = 20000 };
enum { T1_US = 500000, GIVE_UP_US = 32000000 };
enum state { IDLE, CALLING, UP, ENDING };

struct call {
    enum state state;
    unsigned index, number;            /* number: of all calls that were ever begun */
    uint64_t began, resend_at, resend; /* of the request that is out */
    char to_tag[96], contact[160];
    struct sockaddr_in target, media;
    int fd, rtp_port;
    unsigned dtmf_type;
    /* what is sent */
    uint16_t seq;
    uint32_t timestamp, key_timestamp;
    unsigned beat, key_frame; /* frame of the key being pressed, from 1 */
    char key;
    uint64_t key_at; /* when it was pressed; 0: the tone has changed */
    /* what comes: the first packet of the window, and how far others are off it */
    bool seen;
    uint64_t first_us;
    uint32_t first_timestamp, ssrc, last_seq;
    int64_t least, most;
};

static struct call calls[CALLS_MAX];
static struct sockaddr_in server;
static int sip_fd = -1, poll_fd = -1, sip_port;
static unsigned n_up, begun, completed, failed, ended_by_peer, next_number;
static struct hist setup_hist, bye_hist, key_hist, late_hist, own_hist;
static uint64_t packets, lost, late, jumps, tones, silents, keys, keys_lost, own_late_most;
static int64_t off_most;
static bool talk, listen_tones, window;
static unsigned char noise[FRAME];
static double turn[2][FRAME][2]; /* cosine and sine of both tones */
static int16_t linear[256];
static char why[128] = "";

static void die(const char *what)
{
    fprintf(stderr, "bench_voice_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void give_up(struct call *c, const char *text)
{
    failed++;
    if (!why[0])
        (void)snprintf(why, sizeof why, "%s", text);
    if (c->state == UP || c->state == ENDING)
        n_up--;
    c->state = IDLE;
}

static int udp_socket(int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), room = 4 << 20;
    struct epoll_event e = {.events = EPOLLIN};

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        die("socket");
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    e.data.fd = fd;
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &e) != 0)
        die("epoll_ctl");
    *port = ntohs(at.sin_port);
    return fd;
}

/* ---- SIP ---- */

/* Requests of a call: its Call-ID holds where it is and which it is. */
static void request(struct call *c, const char *method)
{
    bool invite = !strcmp(method, "INVITE"), ack = !strcmp(method, "ACK");
    char buf[2048], sdp[512] = "", uri[256];
    int n, n_sdp = 0;

    if (invite)
        n_sdp = snprintf(
            sdp, sizeof sdp,
            "v=0\r\no=- %u 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            "m=audio %d RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
            "a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n",
            c->number + 1, talk ? c->rtp_port : 9);
    if (invite || !c->contact[0])
        (void)snprintf(uri, sizeof uri, "sip:bench@127.0.0.1:%d", ntohs(server.sin_port));
    else
        (void)snprintf(uri, sizeof uri, "%s", c->contact);
    n = snprintf(
        buf, sizeof buf,
        "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK%s%u;rport\r\nMax-Forwards: 70\r\n"
        "From: <sip:+5730%08u@127.0.0.1:%d>;tag=f%u\r\nTo: <sip:bench@127.0.0.1:%d>%s%s\r\n"
        "Call-ID: %u-%u@bench\r\nCSeq: %d %s\r\nContact: <sip:bench@127.0.0.1:%d>\r\n"
        "%sContent-Length: %d\r\n\r\n%s",
        method, uri, sip_port, method, c->number, c->number % 10000, sip_port, c->number,
        ntohs(server.sin_port), c->to_tag[0] ? ";tag=" : "", c->to_tag, c->index, c->number,
        invite || ack ? 1 : 2, method, sip_port,
        invite ? "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\nContent-Type: application/sdp\r\n" : "", n_sdp,
        sdp);
    (void)sendto(sip_fd, buf, (size_t)n, 0, (struct sockaddr *)(invite ? &server : &c->target),
                 sizeof server);
}

static void begin(struct call *c)
{
    uint64_t now = now_us();

    c->number = next_number++;
    c->state = CALLING;
    c->to_tag[0] = c->contact[0] = '\0';
    c->began = now;
    c->resend = T1_US;
    c->resend_at = now + T1_US;
    c->seen = false;
    begun++;
    request(c, "INVITE");
}

static void hang_up(struct call *c)
{
    uint64_t now = now_us();

    c->state = ENDING;
    c->began = now;
    c->resend = T1_US;
    c->resend_at = now + T1_US;
    request(c, "BYE");
}

/* A header's value, from behind its colon to the line's end; NULL: there is none. */
static const char *header(const char *message, const char *name, size_t *n)
{
    const char *end = strstr(message, "\r\n\r\n");

    for (const char *p = strstr(message, "\r\n"); p && p != end; p = strstr(p, "\r\n")) {
        p += 2;
        if (!strncasecmp(p, name, strlen(name)) && p[strlen(name)] == ':') {
            p += strlen(name) + 1;
            p += strspn(p, " ");
            *n = strcspn(p, "\r");
            return p;
        }
    }
    return NULL;
}

/* Numeric host and port of a sip: URI. */
static bool address(const char *uri, struct sockaddr_in *to)
{
    const char *at = strpbrk(uri, "@>;");
    char host[64];
    unsigned port = 5060;
    int n = 0;

    at = at && *at == '@' ? at + 1 : uri + 4;
    if (sscanf(at, "%63[0-9.]%n", host, &n) != 1)
        return false;
    if (at[n] == ':')
        port = (unsigned)strtoul(at + n + 1, NULL, 10);
    *to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return inet_pton(AF_INET, host, &to->sin_addr) == 1;
}

static bool media_of(const char *message, struct call *c)
{
    const char *body = strstr(message, "\r\n\r\n"), *where, *m, *event;
    char host[64];
    unsigned port;

    if (!body || !(where = strstr(body, "c=IN IP4 ")) || sscanf(where + 9, "%63[0-9.]", host) != 1 ||
        !(m = strstr(body, "m=audio ")) || sscanf(m + 8, "%u", &port) != 1 || !port)
        return false;
    c->media = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    c->dtmf_type = 101;
    event = strstr(body, " telephone-event/8000");
    if (event) {
        while (event[-1] != ':')
            event--;
        c->dtmf_type = (unsigned)strtoul(event, NULL, 10);
    }
    return inet_pton(AF_INET, host, &c->media.sin_addr) == 1;
}

/* 200 to whatever the server asks; the call has ended when it was BYE. */
static void asked(const char *message, const struct sockaddr_in *from)
{
    static const char *const copied[] = {"Via", "From", "To", "Call-ID", "CSeq"};
    unsigned index, number;
    char buf[4096];
    size_t n, len = (size_t)snprintf(buf, sizeof buf, "SIP/2.0 200 OK\r\n");
    const char *v;

    for (unsigned i = 0; i < sizeof copied / sizeof *copied; i++)
        if ((v = header(message, copied[i], &n)) && len + n + 16 < sizeof buf)
            len += (size_t)snprintf(buf + len, sizeof buf - len, "%s: %.*s\r\n", copied[i], (int)n, v);
    len += (size_t)snprintf(buf + len, sizeof buf - len, "Content-Length: 0\r\n\r\n");
    (void)sendto(sip_fd, buf, len, 0, (const struct sockaddr *)from, sizeof *from);
    v = header(message, "Call-ID", &n);
    if (!strncmp(message, "BYE ", 4) && v && sscanf(v, "%u-%u@", &index, &number) == 2 && index < CALLS_MAX &&
        calls[index].number == number && calls[index].state == UP) {
        ended_by_peer++;
        give_up(&calls[index], "the server has hung up");
    }
}

static void answered(struct call *c, const char *message)
{
    const char *v;
    size_t n;

    if ((v = header(message, "To", &n)) && (v = strstr(v, ";tag=")))
        (void)snprintf(c->to_tag, sizeof c->to_tag, "%.*s", (int)strcspn(v + 5, ";>\r "), v + 5);
    if (!(v = header(message, "Contact", &n)) || !(v = strstr(v, "sip:")) || !address(v, &c->target)) {
        give_up(c, "a 200 without a Contact that can be used");
        return;
    }
    (void)snprintf(c->contact, sizeof c->contact, "%.*s", (int)strcspn(v, ">\r"), v);
    request(c, "ACK");
    if (!media_of(message, c)) {
        give_up(c, "a 200 without media");
        return;
    }
    hist_add(&setup_hist, now_us() - c->began);
    c->state = UP;
    n_up++;
    if (!talk)
        hang_up(c);
}

static void response(const char *message)
{
    unsigned status = (unsigned)strtoul(message + 8, NULL, 10), index, number;
    const char *id, *cseq;
    struct call *c;
    size_t n;

    if (!(id = header(message, "Call-ID", &n)) || sscanf(id, "%u-%u@", &index, &number) != 2 ||
        index >= CALLS_MAX || !(cseq = header(message, "CSeq", &n)))
        return;
    c = &calls[index];
    if (c->number != number)
        return;
    if (strstr(cseq, "INVITE") && strstr(cseq, "INVITE") < cseq + n) {
        if (status < 200) {
            c->resend_at = UINT64_MAX; /* a provisional response stops that */
        } else if (c->state == CALLING && status < 300) {
            answered(c, message);
        } else if (c->state == CALLING) {
            char text[128];
            const char *v = header(message, "To", &n);
            if (v && (v = strstr(v, ";tag=")))
                (void)snprintf(c->to_tag, sizeof c->to_tag, "%.*s", (int)strcspn(v + 5, ";>\r "), v + 5);
            c->target = server;
            request(c, "ACK");
            (void)snprintf(text, sizeof text, "%.*s", (int)strcspn(message, "\r"), message);
            give_up(c, text);
        } else if (status < 300) {
            request(c, "ACK"); /* ours was lost */
        }
    } else if (c->state == ENDING && status >= 200) {
        if (status >= 300) {
            give_up(c, "BYE was refused");
            return;
        }
        hist_add(&bye_hist, now_us() - c->began);
        n_up--;
        c->state = IDLE;
        completed++;
    }
}

static void sip_read(void)
{
    char buf[65536];
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    ssize_t n;

    while ((n = recvfrom(sip_fd, buf, sizeof buf - 1, 0, (struct sockaddr *)&from, &len)) > 0) {
        buf[n] = '\0';
        if (!strncmp(buf, "SIP/2.0 ", 8))
            response(buf);
        else
            asked(buf, &from);
        len = sizeof from;
    }
}

static void sip_again(struct call *c, uint64_t now)
{
    if ((c->state != CALLING && c->state != ENDING) || (c->resend_at > now && now - c->began < GIVE_UP_US))
        return;
    if (now - c->began >= GIVE_UP_US) {
        give_up(c, "no answer in 32 s");
        return;
    }
    request(c, c->state == CALLING ? "INVITE" : "BYE");
    c->resend = c->state == ENDING && c->resend >= 4000000 ? c->resend : 2 * c->resend;
    c->resend_at = now + c->resend;
}

/* ---- RTP ---- */

static void rtp_head(unsigned char *p, unsigned type, bool marker, uint16_t seq, uint32_t timestamp,
                     uint32_t ssrc)
{
    uint16_t s = htons(seq);
    uint32_t t = htonl(timestamp), id = htonl(ssrc);

    p[0] = 0x80;
    p[1] = (unsigned char)(type | (marker ? 0x80u : 0u));
    memcpy(p + 2, &s, 2);
    memcpy(p + 4, &t, 4);
    memcpy(p + 8, &id, 4);
}

static void rtp_out(struct call *c, const unsigned char *p, size_t n)
{
    (void)sendto(c->fd, p, n, 0, (struct sockaddr *)&c->media, sizeof c->media);
}

/* One beat of 20 ms: a frame, or a part of a key. */
static void rtp_send(struct call *c)
{
    unsigned char p[12 + FRAME];

    if (window && ++c->beat >= KEY_EVERY && !c->key_frame) {
        c->beat = 0;
        if (c->key_at && listen_tones)
            keys_lost++;
        c->key = c->key == '2' ? '1' : '2';
        c->key_frame = 1;
        c->key_timestamp = c->timestamp;
        c->key_at = now_us();
        keys++;
    }
    if (c->key_frame) {
        bool end = c->key_frame > KEY_FRAMES;
        unsigned ms = 20 * (end ? KEY_FRAMES : c->key_frame), times = end ? 3 : 1;
        rtp_head(p, c->dtmf_type, c->key_frame == 1, c->seq, c->key_timestamp, c->index + 1);
        p[12] = (unsigned char)(c->key - '0');
        p[13] = (unsigned char)(10u | (end ? 0x80u : 0u));
        p[14] = (unsigned char)(8 * ms >> 8);
        p[15] = (unsigned char)(8 * ms);
        while (times--) {
            uint16_t s = htons(c->seq++);
            memcpy(p + 2, &s, 2);
            rtp_out(c, p, 16);
        }
        c->key_frame = end ? 0 : c->key_frame + 1;
    } else {
        rtp_head(p, 0, false, c->seq++, c->timestamp, c->index + 1);
        memcpy(p + 12, noise, FRAME);
        rtp_out(c, p, sizeof p);
    }
    c->timestamp += FRAME;
}

/* 1: 400 Hz, 2: 800 Hz, 0: neither is most of it. */
static unsigned tone_of(const unsigned char *p)
{
    double power = 1, sum[2][2] = {{0, 0}, {0, 0}};

    for (unsigned i = 0; i < FRAME; i++) {
        double v = linear[p[i]];
        power += v * v;
        for (unsigned k = 0; k < 2; k++) {
            sum[k][0] += v * turn[k][i][0];
            sum[k][1] += v * turn[k][i][1];
        }
    }
    for (unsigned k = 0; k < 2; k++)
        if ((sum[k][0] * sum[k][0] + sum[k][1] * sum[k][1]) * 2 / FRAME > power / 2)
            return k + 1;
    return 0;
}

static void rtp_take(struct call *c, const unsigned char *p, size_t n, uint64_t at)
{
    uint32_t timestamp, ssrc, seq;
    int64_t off;
    unsigned tone;

    if (n < 12 || !window)
        return;
    seq = (uint32_t)p[2] << 8 | p[3];
    timestamp = (uint32_t)p[4] << 24 | (uint32_t)p[5] << 16 | (uint32_t)p[6] << 8 | p[7];
    ssrc = (uint32_t)p[8] << 24 | (uint32_t)p[9] << 16 | (uint32_t)p[10] << 8 | p[11];
    if (c->seen && ssrc == c->ssrc && c->last_seq != seq && ((seq - c->last_seq) & 0xffff) < 0x8000) {
        lost += ((seq - c->last_seq) & 0xffff) - 1;
        c->last_seq = seq;
    }
    if (n != 12 + FRAME || (p[1] & 0x7f) != 0)
        return; /* a key, given back by an echo */
    packets++;
    if (!c->seen || ssrc != c->ssrc) {
        jumps += c->seen;
        c->seen = true;
        c->first_us = at;
        c->first_timestamp = timestamp;
        c->ssrc = ssrc;
        c->last_seq = seq;
        c->least = c->most = 0;
    }
    /* How much later it was sent than its own timestamp says, by the first one. */
    off = (int64_t)(at - c->first_us) - (int64_t)(int32_t)(timestamp - c->first_timestamp) * 125;
    if (off < c->least)
        c->least = off;
    if (off > c->most)
        c->most = off;
    hist_add(&late_hist, (uint64_t)(off - c->least));
    late += off - c->least > LATE_US;
    if (c->most - c->least > off_most)
        off_most = c->most - c->least;
    if (!listen_tones)
        return;
    tone = tone_of(p + 12);
    tones += tone != 0;
    silents += tone == 0;
    if (c->key_at && tone == (unsigned)(c->key - '0')) {
        hist_add(&key_hist, now_us() - c->key_at);
        c->key_at = 0;
    }
}

static void rtp_read(struct call *c)
{
    unsigned char buf[2048];
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(struct timespec))];
    } control;
    struct iovec v = {buf, sizeof buf};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    struct cmsghdr *h;
    struct timespec t;
    ssize_t n;

    for (;;) {
        m.msg_control = &control;
        m.msg_controllen = sizeof control;
        n = recvmsg(c->fd, &m, 0);
        if (n < 0)
            return;
        h = CMSG_FIRSTHDR(&m);
        if (!h || h->cmsg_type != SCM_TIMESTAMPNS)
            die("the kernel gives no time stamps");
        memcpy(&t, CMSG_DATA(h), sizeof t);
        rtp_take(c, buf, (size_t)n, (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000);
    }
}

/* ---- the run ---- */

static uint64_t ticks; /* milliseconds since the start */

/* What is due until now: RTP of the phases, requests again. */
static void due(uint64_t began, unsigned n)
{
    uint64_t now = now_us(), upto = (now - began) / 1000;

    for (; ticks < upto; ticks++) {
        uint64_t own = now - began - (ticks + 1) * 1000;
        if (talk && window) {
            hist_add(&own_hist, own);
            if (own > own_late_most)
                own_late_most = own;
        }
        for (unsigned i = (unsigned)(ticks % PHASES); talk && i < n; i += PHASES)
            if (calls[i].state == UP)
                rtp_send(&calls[i]);
        if (ticks % 100 == 0)
            for (unsigned i = 0; i < n; i++)
                sip_again(&calls[i], now);
    }
}

static void serve(void)
{
    struct epoll_event e[256];
    static int owner_of[65536];
    int n = epoll_wait(poll_fd, e, 256, 1);

    if (!owner_of[0]) {
        owner_of[0] = 1;
        for (unsigned i = 0; i < CALLS_MAX; i++)
            if (calls[i].fd > 0 && calls[i].fd < 65536)
                owner_of[calls[i].fd] = (int)i;
    }
    for (int i = 0; i < n; i++) {
        if (e[i].data.fd == sip_fd)
            sip_read();
        else
            rtp_read(&calls[owner_of[e[i].data.fd]]);
    }
}

static void run_setup(unsigned at_once, uint64_t us, unsigned rate)
{
    uint64_t began = now_us(), now;
    unsigned before, late_begin = 0;

    while ((now = now_us()) - began < us) {
        for (unsigned i = 0; i < at_once; i++) {
            if (rate && (uint64_t)begun * 1000000 > (now - began) * rate)
                break;
            if (calls[i].state == IDLE)
                begin(&calls[i]);
            else if (rate && i == at_once - 1)
                late_begin++;
        }
        serve();
        due(began, at_once);
    }
    before = completed;
    now = now_us() - began;
    while ((begun - completed - failed) && now_us() - began < us + GIVE_UP_US) { /* the last ones end */
        serve();
        due(began, at_once);
    }
    printf("calls=%u us=%lu failed=%u rate=%.1f setup_p50=%lu setup_p99=%lu bye_p50=%lu bye_p99=%lu full=%u "
           "why=\"%s\"\n",
           completed, (unsigned long)now, failed, before * 1e6 / (double)now,
           (unsigned long)hist_percentile(&setup_hist, 50), (unsigned long)hist_percentile(&setup_hist, 99),
           (unsigned long)hist_percentile(&bye_hist, 50), (unsigned long)hist_percentile(&bye_hist, 99),
           late_begin, why);
}

static void run_talk(unsigned n, uint64_t us)
{
    uint64_t began = now_us(), now, up_at = 0, window_at = 0;
    unsigned next = 0;

    while ((now = now_us())) {
        if (next < n && now - began >= (uint64_t)next * 20000) /* 50 a second */
            begin(&calls[next++]);
        if (!up_at && n_up + failed == n)
            up_at = now;
        if (up_at && !window_at && now - up_at > 2000000) {
            window = true;
            window_at = now;
            /* The first keys come over the first 2 s. */
            for (unsigned i = 0; i < n; i++)
                calls[i].beat = i % KEY_EVERY;
            (void)printf("began up=%u failed=%u why=\"%s\"\n", n_up, failed, why);
            (void)fflush(stdout);
        }
        if (window_at && now - window_at > us)
            break;
        if (now - began > us + 120000000)
            break;
        serve();
        due(began, n);
    }
    window = false;
    (void)printf("ended\n");
    (void)fflush(stdout);
    for (unsigned i = 0; i < n; i++) {
        if (calls[i].state == UP)
            hang_up(&calls[i]);
        for (now = now_us(); now_us() - now < 10000;) {
            serve();
            due(began, n);
        }
    }
    for (now = now_us(); begun - completed - failed && now_us() - now < GIVE_UP_US;) {
        serve();
        due(began, n);
    }
    printf("calls=%u failed=%u by_peer=%u packets=%lu late=%lu lost=%lu jumps=%lu late_p99=%lu off_us=%ld "
           "tones=%lu silents=%lu "
           "keys=%lu keys_lost=%lu key_p50=%lu key_p99=%lu setup_p50=%lu setup_p99=%lu own_p99=%lu "
           "own_most=%lu why=\"%s\"\n",
           completed, failed, ended_by_peer, (unsigned long)packets, (unsigned long)late, (unsigned long)lost,
           (unsigned long)jumps, (unsigned long)hist_percentile(&late_hist, 99), (long)off_most,
           (unsigned long)tones, (unsigned long)silents, (unsigned long)keys, (unsigned long)keys_lost,
           (unsigned long)hist_percentile(&key_hist, 50), (unsigned long)hist_percentile(&key_hist, 99),
           (unsigned long)hist_percentile(&setup_hist, 50), (unsigned long)hist_percentile(&setup_hist, 99),
           (unsigned long)hist_percentile(&own_hist, 99), (unsigned long)own_late_most, why);
}

static void tables(void)
{
    uint32_t random = 1;

    for (unsigned i = 0; i < 256; i++) { /* G.711 µ-law */
        unsigned u = ~i & 0xff, exponent = u >> 4 & 7, mantissa = u & 15;
        int v = (int)((((mantissa << 3) + 0x84) << exponent) - 0x84);
        linear[i] = (int16_t)(u & 0x80 ? -v : v);
    }
    for (unsigned i = 0; i < FRAME; i++) {
        for (unsigned k = 0; k < 2; k++) {
            turn[k][i][0] = cos(2 * M_PI * 400 * (k + 1) * i / 8000);
            turn[k][i][1] = sin(2 * M_PI * 400 * (k + 1) * i / 8000);
        }
        random = random * 1664525 + 1013904223;
        noise[i] = (unsigned char)(0x70 | (random >> 24 & 0x8f)); /* quiet, of both signs */
    }
}

static int write_tone(const char *path, double hz, unsigned seconds)
{
    struct {
        char riff[4];
        uint32_t size;
        char wave[8];
        uint32_t n_format;
        uint16_t format, channels;
        uint32_t rate, bytes_a_second;
        uint16_t align, bits;
        char data[4];
        uint32_t n_data;
    } head = {{'R', 'I', 'F', 'F'},
              36 + 16000 * seconds,
              {'W', 'A', 'V', 'E', 'f', 'm', 't', ' '},
              16,
              1,
              1,
              8000,
              16000,
              2,
              16,
              {'d', 'a', 't', 'a'},
              16000 * seconds};
    FILE *f = fopen(path, "wb");

    if (!f || fwrite(&head, sizeof head, 1, f) != 1)
        die(path);
    for (unsigned i = 0; i < 8000 * seconds; i++) {
        int16_t v = (int16_t)(8000 * sin(2 * M_PI * hz * i / 8000));
        if (fwrite(&v, sizeof v, 1, f) != 1)
            die(path);
    }
    return fclose(f) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    unsigned n;
    uint64_t us;
    int one = 1;

    if (argc == 5 && !strcmp(argv[1], "tone"))
        return write_tone(argv[2], strtod(argv[3], NULL), (unsigned)strtoul(argv[4], NULL, 10));
    if (argc != 6 || (strcmp(argv[2], "setup") && strcmp(argv[2], "talk"))) {
        fprintf(
            stderr,
            "usage: bench_voice_load PORT setup AT_ONCE SECONDS RATE | PORT talk CALLS SECONDS keys|echo | "
            "tone FILE HZ SECONDS\n");
        return 2;
    }
    n = (unsigned)strtoul(argv[3], NULL, 10);
    us = strtoul(argv[4], NULL, 10) * 1000000;
    if (!n || n > CALLS_MAX)
        n = CALLS_MAX;
    talk = !strcmp(argv[2], "talk");
    listen_tones = talk && !strcmp(argv[5], "keys");
    server = (struct sockaddr_in){.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    tables();
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    sip_fd = udp_socket(&sip_port);
    /* Call-IDs of two runs against one server differ. */
    next_number = (unsigned)(now_us() / 1000 % 1000000) * 1000;
    for (unsigned i = 0; i < n; i++) {
        calls[i].index = i;
        if (talk) {
            calls[i].fd = udp_socket(&calls[i].rtp_port);
            if (setsockopt(calls[i].fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one) != 0)
                die("SO_TIMESTAMPNS");
        }
    }
    if (talk)
        run_talk(n, us);
    else
        run_setup(n, us, (unsigned)strtoul(argv[5], NULL, 10));
    return 0;
}
