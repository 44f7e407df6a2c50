/*
 * The SMSC of the SMS bench: an SMPP 3.4 server that does as little as a server can, so that
 * what is measured is the gateway. It takes any bind, answers each submit_sm with an id, and
 * on request (registered_delivery) sends a receipt "delivered" for it; it makes inbound
 * messages on command. TCP is acknowledged at once and Nagle's algorithm is off.
 *
 *   bench_smsc [WINDOW]      WINDOW: deliver_sm of receipts not yet answered, 100
 *
 * Prints "port=N control=N", serves until it gets SIGTERM. The control port takes lines:
 *
 *   stats          submits=… unique=… first_us=… last_us=… p50=… p99=… receipts=… acked=…
 *                  mo=… mo_acked=… mo_first_us=… mo_last_us=… mo_p50=… mo_p99=…
 *   reset          the same, then counts anew
 *   mo N WINDOW    N inbound messages over the newest bind that receives, WINDOW of them at most unanswered
 *
 * A text that begins with 16 digits (CLOCK_MONOTONIC in us, when its request was written) and
 * 9 digits (its number) is timed, p50 and p99 in us, and told from a repetition: unique=.
 * One thread; it trusts its peers and ends a connection that sends what can't be. A receipt
 * goes back over the bind that the message came by, so to transceivers only.
 */
#include "net.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum {
    ROOM = 1 << 17,
    EVENTS = 64,
    FDS = 1024,
    ADDRESS = 21,
    NUMBERS = 100000000, // of texts: a bit each
    MO_IDS = 1 << 16,    // sequences of inbound messages in flight, by their low bits
    MO_FROM = 10000,     // numbers that inbound messages come from
    BIND_RECEIVER = 0x01,
    BIND_TRANSMITTER = 0x02,
    SUBMIT_SM = 0x04,
    DELIVER_SM = 0x05,
    UNBIND = 0x06,
    BIND_TRANSCEIVER = 0x09,
    ENQUIRE_LINK = 0x15,
};
static const uint32_t RESP = 0x80000000;

struct receipt {
    uint64_t id;
    char to[ADDRESS], from[ADDRESS];
};

struct conn {
    bool control, receives;
    uint32_t sequence;
    size_t n, out_n, out_room;
    char *out;
    struct receipt *queue; // a ring of room entries, a power of two
    size_t head, queued, room, unanswered;
    char in[ROOM];
};

struct count {
    uint64_t submits, unique, first_us, last_us, receipts, acked, mo, mo_acked, mo_first_us, mo_last_us;
    struct hist latency, mo_latency;
};

struct smsc {
    struct conn *conns[FDS];
    struct count count;
    uint64_t id, mo_left, mo_number;
    size_t window, mo_window, mo_unanswered;
    uint64_t mo_sent_us[MO_IDS];
    int mo_fd;
    time_t minute;
    char date[11]; // of the present minute, YYMMDDhhmm
    uint8_t seen[NUMBERS / 8];
};

static volatile sig_atomic_t ended;

static void on_term(int signo)
{
    (void)signo;
    ended = 1;
}

static void *must(void *p)
{
    if (!p) {
        fprintf(stderr, "bench_smsc: out of memory\n");
        exit(1);
    }
    return p;
}

static void put32(char *p, uint32_t v)
{
    v = htonl(v);
    memcpy(p, &v, 4);
}

static uint32_t get32(const char *p)
{
    uint32_t v;

    memcpy(&v, p, 4);
    return ntohl(v);
}

/* Room for n bytes at the end of what is to be sent. */
static char *out(struct conn *c, size_t n)
{
    if (c->out_n + n > c->out_room) {
        c->out_room = (c->out_n + n) * 2;
        c->out = must(realloc(c->out, c->out_room));
    }
    c->out_n += n;
    return c->out + c->out_n - n;
}

static char *cstring(char *p, const char *s)
{
    size_t n = strlen(s) + 1;

    memcpy(p, s, n);
    return p + n;
}

/* A PDU with a head only, or with one string behind it. */
static void answer(struct conn *c, uint32_t command, uint32_t sequence, const char *text)
{
    size_t n = text ? strlen(text) + 1 : 0;
    char *p = out(c, 16 + n);

    put32(p, (uint32_t)(16 + n));
    put32(p + 4, command);
    put32(p + 8, 0);
    put32(p + 12, sequence);
    if (text)
        memcpy(p + 16, text, n);
}

static void deliver(struct conn *c, uint32_t sequence, const char *from, const char *to, int esm_class,
                    const char *text, const char *receipted)
{
    char pdu[512], *p = pdu + 16;
    size_t n = strlen(text);

    *p++ = 0; // service_type
    *p++ = 1; // TON international, NPI ISDN
    *p++ = 1;
    p = cstring(p, from);
    *p++ = 1;
    *p++ = 1;
    p = cstring(p, to);
    *p++ = (char)esm_class;
    memset(p, 0,
           8); // protocol_id, priority, schedule, validity, registered, replace, data_coding, default message
    p += 8;
    *p++ = (char)n;
    memcpy(p, text, n);
    p += n;
    if (receipted) {
        size_t length = strlen(receipted) + 1;
        memcpy(p, "\x00\x1e", 2); // receipted_message_id
        p[2] = 0;
        p[3] = (char)length;
        memcpy(p + 4, receipted, length);
        p += 4 + length;
        memcpy(p, "\x04\x27\x00\x01\x02", 5); // message_state: delivered
        p += 5;
    }
    put32(pdu, (uint32_t)(p - pdu));
    put32(pdu + 4, DELIVER_SM);
    put32(pdu + 8, 0);
    put32(pdu + 12, sequence);
    memcpy(out(c, (size_t)(p - pdu)), pdu, (size_t)(p - pdu));
}

static void send_receipts(struct smsc *s, struct conn *c)
{
    time_t now = time(NULL);

    if (now / 60 != s->minute) {
        struct tm tm;
        s->minute = now / 60;
        (void)localtime_r(&now, &tm);
        (void)snprintf(s->date, sizeof s->date, "%02u%02u%02u%02u%02u", (unsigned)tm.tm_year % 100,
                       (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100,
                       (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100);
    }
    while (c->receives && c->queued && c->unanswered < s->window) {
        struct receipt *r = &c->queue[c->head];
        char text[160], id[24];

        (void)snprintf(id, sizeof id, "%llu", (unsigned long long)r->id);
        (void)snprintf(text, sizeof text,
                       "id:%s sub:001 dlvrd:001 submit date:%s done date:%s stat:DELIVRD err:000 text:", id,
                       s->date, s->date);
        deliver(c, ++c->sequence & 0x3fffffff, r->to, r->from, 0x04, text, id);
        c->head = (c->head + 1) & (c->room - 1);
        c->queued--;
        c->unanswered++;
        s->count.receipts++;
    }
}

static void queue_receipt(struct conn *c, const struct receipt *r)
{
    if (c->queued == c->room) {
        size_t room = c->room ? c->room * 2 : 1024;
        struct receipt *queue = must(malloc(room * sizeof *queue));
        for (size_t i = 0; i < c->queued; i++)
            queue[i] = c->queue[(c->head + i) & (c->room - 1)];
        free(c->queue);
        c->queue = queue;
        c->room = room;
        c->head = 0;
    }
    c->queue[(c->head + c->queued++) & (c->room - 1)] = *r;
}

/* Inbound messages have the sequences from 0x40000000 on: so their answers are known. */
static void send_mo(struct smsc *s)
{
    struct conn *c = s->mo_fd >= 0 ? s->conns[s->mo_fd] : NULL;

    while (c && s->mo_left && s->mo_unanswered < s->mo_window) {
        char from[ADDRESS], text[160];
        uint32_t at = (uint32_t)(s->mo_number % MO_IDS);

        (void)snprintf(from, sizeof from, "57301%07llu", (unsigned long long)(s->mo_number % MO_FROM));
        (void)snprintf(text, sizeof text, "Hola, quiero saber de mi pedido %llu, que no ha llegado",
                       (unsigned long long)s->mo_number);
        s->mo_sent_us[at] = now_us();
        if (s->count.mo++ == 0)
            s->count.mo_first_us = s->mo_sent_us[at];
        deliver(c, 0x40000000 | at, from, "85000", 0, text, NULL);
        s->mo_number++;
        s->mo_left--;
        s->mo_unanswered++;
    }
}

static uint64_t digits(const char *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return UINT64_MAX;
        v = v * 10 + (uint64_t)(p[i] - '0');
    }
    return v;
}

static void count_submit(struct smsc *s, const char *text, size_t n)
{
    uint64_t now = now_us(), sent, number;

    s->count.last_us = now;
    if (s->count.submits++ == 0)
        s->count.first_us = now;
    if (n < 25 || (sent = digits(text, 16)) > now || (number = digits(text + 16, 9)) >= NUMBERS)
        return;
    hist_add(&s->count.latency, now - sent);
    s->count.unique += !(s->seen[number / 8] >> (number % 8) & 1);
    s->seen[number / 8] |= (uint8_t)(1 << (number % 8));
}

/* The string at *p, which ends before end; *p goes behind it. NULL: it doesn't end. */
static const char *string(const char **p, const char *end)
{
    const char *s = *p, *zero = s < end ? memchr(s, 0, (size_t)(end - s)) : NULL;

    *p = zero ? zero + 1 : end;
    return zero ? s : NULL;
}

static bool on_submit(struct smsc *s, struct conn *c, uint32_t sequence, const char *p, const char *end)
{
    const char *from, *to;
    struct receipt r = {.id = ++s->id};
    char id[24];
    bool registered;
    size_t n;

    if (!string(&p, end) || (p += 2) >= end || !(from = string(&p, end)) || (p += 2) >= end ||
        !(to = string(&p, end)) || strlen(from) >= ADDRESS || strlen(to) >= ADDRESS || (p += 3) >= end ||
        !string(&p, end) || !string(&p, end) || end - p < 5)
        return false;
    registered = p[0] & 1;
    n = (uint8_t)p[4];
    p += 5;
    if (n > (size_t)(end - p))
        return false;
    count_submit(s, p, n);
    (void)snprintf(id, sizeof id, "%llu", (unsigned long long)r.id);
    answer(c, SUBMIT_SM | RESP, sequence, id);
    if (registered && c->receives) {
        memcpy(r.from, from, strlen(from));
        memcpy(r.to, to, strlen(to));
        queue_receipt(c, &r);
    }
    return true;
}

static void on_delivered(struct smsc *s, struct conn *c, uint32_t sequence)
{
    if (sequence & 0x40000000) {
        s->count.mo_last_us = now_us();
        hist_add(&s->count.mo_latency, s->count.mo_last_us - s->mo_sent_us[sequence % MO_IDS]);
        s->count.mo_acked++;
        s->mo_unanswered--;
    } else {
        s->count.acked++;
        c->unanswered--;
    }
}

/* One PDU, whole. False: the connection is over. */
static bool on_pdu(struct smsc *s, int fd, const char *p, size_t n)
{
    struct conn *c = s->conns[fd];
    uint32_t command = get32(p + 4), sequence = get32(p + 12);

    switch (command) {
    case BIND_RECEIVER:
    case BIND_TRANSCEIVER:
        c->receives = true;
        s->mo_fd = fd;
        answer(c, command | RESP, sequence, "bench");
        return true;
    case BIND_TRANSMITTER:
        answer(c, command | RESP, sequence, "bench");
        return true;
    case SUBMIT_SM:
        return on_submit(s, c, sequence, p + 16, p + n);
    case DELIVER_SM | RESP:
        on_delivered(s, c, sequence);
        return true;
    case ENQUIRE_LINK:
    case UNBIND:
        answer(c, command | RESP, sequence, NULL);
        return true;
    default:
        return (command & RESP) != 0;
    }
}

static void say(struct smsc *s, struct conn *c)
{
    const struct count *k = &s->count;
    char line[640];
    int n = snprintf(
        line, sizeof line,
        "submits=%llu unique=%llu first_us=%llu last_us=%llu p50=%llu p99=%llu receipts=%llu "
        "acked=%llu mo=%llu mo_acked=%llu mo_first_us=%llu mo_last_us=%llu mo_p50=%llu mo_p99=%llu\n",
        (unsigned long long)k->submits, (unsigned long long)k->unique, (unsigned long long)k->first_us,
        (unsigned long long)k->last_us, (unsigned long long)hist_percentile(&k->latency, 50),
        (unsigned long long)hist_percentile(&k->latency, 99), (unsigned long long)k->receipts,
        (unsigned long long)k->acked, (unsigned long long)k->mo, (unsigned long long)k->mo_acked,
        (unsigned long long)k->mo_first_us, (unsigned long long)k->mo_last_us,
        (unsigned long long)hist_percentile(&k->mo_latency, 50),
        (unsigned long long)hist_percentile(&k->mo_latency, 99));

    memcpy(out(c, (size_t)n), line, (size_t)n);
}

static bool on_line(struct smsc *s, struct conn *c, const char *line)
{
    unsigned long long n;
    size_t window;

    if (strcmp(line, "stats") == 0) {
        say(s, c);
    } else if (strcmp(line, "reset") == 0) {
        say(s, c);
        memset(&s->count, 0, sizeof s->count);
        memset(s->seen, 0, sizeof s->seen);
    } else if (sscanf(line, "mo %llu %zu", &n, &window) == 2 && window > 0 && window < MO_IDS) {
        s->mo_left = n;
        s->mo_window = window;
    } else {
        return false;
    }
    return true;
}

static bool take(struct smsc *s, int fd)
{
    struct conn *c = s->conns[fd];
    ssize_t got = recv(fd, c->in + c->n, sizeof c->in - c->n, 0);
    size_t at = 0, length;

    if (got <= 0)
        return false;
    net_option(fd, TCP_QUICKACK); // the kernel forgets it, so again each time
    c->n += (size_t)got;
    if (c->control) {
        char *end;
        while ((end = memchr(c->in + at, '\n', c->n - at))) {
            *end = 0;
            if (!on_line(s, c, c->in + at))
                return false;
            at = (size_t)(end - c->in) + 1;
        }
    } else {
        while (c->n - at >= 16 && c->n - at >= (length = get32(c->in + at))) {
            if (length < 16 || !on_pdu(s, fd, c->in + at, length))
                return false;
            at += length;
        }
    }
    c->n -= at;
    memmove(c->in, c->in + at, c->n);
    if (c->receives)
        send_receipts(s, c);
    return c->n < sizeof c->in;
}

/* What the socket doesn't take waits for EPOLLOUT. False: the connection is over. */
static bool flush(int ep, int fd, struct conn *c)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
    ssize_t sent = c->out_n ? send(fd, c->out, c->out_n, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;

    if (sent < 0 && errno != EAGAIN)
        return false;
    if (sent > 0) {
        c->out_n -= (size_t)sent;
        memmove(c->out, c->out + sent, c->out_n);
    }
    if (c->out_n)
        ev.events |= EPOLLOUT;
    return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev) == 0;
}

static void drop(struct smsc *s, int fd)
{
    free(s->conns[fd]->out);
    free(s->conns[fd]->queue);
    free(s->conns[fd]);
    s->conns[fd] = NULL;
    if (s->mo_fd == fd) {
        s->mo_fd = -1;
        s->mo_unanswered = 0;
    }
    (void)close(fd);
}

static void welcome(struct smsc *s, int ep, int listener, bool control)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

    if (fd < 0)
        return;
    if (fd >= FDS || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) != 0) {
        (void)close(fd);
        return;
    }
    s->conns[fd] = must(calloc(1, sizeof **s->conns));
    s->conns[fd]->control = control;
    net_option(fd, TCP_NODELAY);
    net_option(fd, TCP_QUICKACK);
}

int main(int argc, char **argv)
{
    static struct smsc s = {.window = 100, .mo_fd = -1};
    struct epoll_event events[EVENTS], ev = {.events = EPOLLIN};
    const struct sigaction term = {.sa_handler = on_term};
    unsigned port = 0, control_port = 0;
    int listener = net_listen(&port), control = net_listen(&control_port), ep = epoll_create1(EPOLL_CLOEXEC);

    if (argc == 2)
        s.window = strtoul(argv[1], NULL, 10);
    (void)sigaction(SIGTERM, &term, NULL);
    ev.data.fd = listener;
    if (listener < 0 || control < 0 || ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev) != 0 ||
        (ev.data.fd = control, epoll_ctl(ep, EPOLL_CTL_ADD, control, &ev)) != 0) {
        perror("bench_smsc: no listening sockets or epoll");
        return 1;
    }
    printf("port=%u control=%u\n", port, control_port);
    (void)fflush(stdout);
    while (!ended) {
        int n = epoll_wait(ep, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == listener || fd == control)
                welcome(&s, ep, fd, fd == control);
            else if (((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !take(&s, fd)) ||
                     !flush(ep, fd, s.conns[fd]))
                drop(&s, fd);
        }
        if (s.mo_left && s.mo_fd >= 0) {
            send_mo(&s);
            if (!flush(ep, s.mo_fd, s.conns[s.mo_fd]))
                drop(&s, s.mo_fd);
        }
    }
    return 0;
}
