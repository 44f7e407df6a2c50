/*
 * Printers behind a fake host with a clock and a disk of its own, and the test as the printer: real
 * sockets, bytes written and read here by hand.
 *
 * Nothing sleeps: run() serves what is ready until nothing is; peer_… wait for bytes that are on their way
 * through the kernel.
 */
#ifndef POS_PRINTER_HOST_H
#define POS_PRINTER_HOST_H

#include "../../plugins/pos/printer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { FDS = 128, KEYS = 8, CALLS = 128, TIMER = 40 };
#define SECOND INT64_C(1000000)
#define TOKENS (UINT64_C(7) << 32)

struct fake {
    /* the disk */
    struct {
        char key[80], *val;
        uint64_t version;
    } disk[KEYS];
    unsigned puts;
    int32_t disk_rc; /* what each put is answered */
    int32_t call_rc; /* what context_put itself says */
    bool disk_waits; /* answers stay in ask[] */
    struct {
        uint64_t token, version;
        bool put;
        char key[80], *val;
    } ask[CALLS];
    unsigned n_ask;
    /* what came */
    struct {
        char id[80];
        int32_t code;
    } accepted[CALLS];
    struct {
        char id[80], store[40], terminal[40], printer[80], reason[40];
        enum pos_print_outcome outcome;
        bool confirmed;
    } done[CALLS];
    struct {
        char id[80], reason[40];
    } waits[CALLS];
    unsigned n_accepted, n_done, n_waits, n_state;
    char state[CALLS][40]; /* of the log's printer.state lines */
    char *print_on_done;   /* the next job, asked for from within done() */
    /* time */
    int64_t now, timer;
    uint32_t events[FDS];
    struct hilo_host host;
    struct pos_printers *ps;
    /* the printer */
    int listening, peer;
    uint8_t got[128 * 1024];
    size_t n_got, seen; /* seen: so many of got were looked at */
    char options[512];
};

static inline struct hilo_str str(const char *s)
{
    struct hilo_str r = {s, s ? strlen(s) : 0};
    return r;
}

static inline void copy(char *out, size_t cap, struct hilo_str s)
{
    assert_true(s.n < cap);
    if (s.n)
        memcpy(out, s.p, s.n);
    out[s.n] = 0;
}

/* ---- the host ---------------------------------------------------------------------------- */

static inline struct fake *fake_of(struct hilo_self *self)
{
    return (struct fake *)self;
}

static inline void fake_log(struct hilo_self *self, int32_t level, struct hilo_str text)
{
    static const char state[] = "printer.state printer=CENTRO/3 state=";
    struct fake *f = fake_of(self);

    (void)level;
    if (text.n > sizeof state && memcmp(text.p, state, sizeof state - 1) == 0) {
        assert_true(f->n_state < CALLS);
        assert_int_equal(sscanf(text.p + sizeof state - 1, "%39s", f->state[f->n_state++]), 1);
    }
    if (getenv("POS_LOG"))
        print_message("log: %.*s\n", (int)text.n, text.p);
}

static inline struct hilo_str fake_channel(struct hilo_self *self)
{
    (void)self;
    return str("tiendas");
}

static inline int64_t fake_mono(struct hilo_self *self)
{
    return fake_of(self)->now;
}

static inline int32_t fake_watch(struct hilo_self *self, int32_t fd, uint32_t events)
{
    assert_in_range(fd, 0, FDS - 1);
    fake_of(self)->events[fd] = events;
    return HILO_OK;
}

static inline int32_t fake_timer(struct hilo_self *self, uint32_t id, int64_t at)
{
    assert_int_equal(id, TIMER);
    fake_of(self)->timer = at;
    return HILO_OK;
}

static inline int32_t fake_ask(struct fake *f, bool put, uint64_t token, struct hilo_str subject,
                               struct hilo_str key, struct hilo_str val, uint64_t version)
{
    assert_int_equal(subject.n, 0);
    if (f->call_rc != HILO_OK)
        return f->call_rc;
    assert_true(f->n_ask < CALLS && val.n <= 64 * 1024);
    f->ask[f->n_ask].token = token;
    f->ask[f->n_ask].version = version;
    f->ask[f->n_ask].put = put;
    copy(f->ask[f->n_ask].key, sizeof f->ask->key, key);
    f->ask[f->n_ask].val = put ? strndup(val.p, val.n) : NULL;
    f->n_ask++;
    return HILO_OK;
}

static inline int32_t fake_get(struct hilo_self *self, uint64_t token, struct hilo_str subject,
                               struct hilo_str key)
{
    return fake_ask(fake_of(self), false, token, subject, key, (struct hilo_str){NULL, 0}, 0);
}

static inline int32_t fake_put(struct hilo_self *self, uint64_t token, struct hilo_str subject,
                               struct hilo_str key, struct hilo_str val, uint64_t version)
{
    return fake_ask(fake_of(self), true, token, subject, key, val, version);
}

/* As the core does it: by version, else STALE. */
static inline void fake_disk(struct fake *f, unsigned most)
{
    for (; f->n_ask > 0 && most > 0; most--) {
        uint64_t token = f->ask[0].token, version = f->ask[0].version;
        bool put = f->ask[0].put;
        char *val = f->ask[0].val;
        int32_t rc = put ? f->disk_rc : HILO_OK;
        unsigned k = 0;

        while (k < KEYS && f->disk[k].val && strcmp(f->disk[k].key, f->ask[0].key) != 0)
            k++;
        assert_true(k < KEYS);
        if (put && rc == HILO_OK && version != f->disk[k].version) {
            rc = HILO_STALE;
        } else if (put && rc == HILO_OK) {
            free(f->disk[k].val);
            f->disk[k].val = val;
            val = NULL;
            strcpy(f->disk[k].key, f->ask[0].key);
            f->disk[k].version = 100 + ++f->puts;
        } else if (!put && !f->disk[k].val) {
            rc = HILO_NOTFOUND;
        }
        memmove(&f->ask[0], &f->ask[1], (CALLS - 1) * sizeof f->ask[0]);
        f->n_ask--;
        if (f->ps)
            assert_true(pos_printers_on_context(f->ps, token, rc,
                                                put ? (struct hilo_str){NULL, 0} : str(f->disk[k].val),
                                                f->disk[k].version));
        free(val);
    }
}

/* What is kept of a printer's queue; "" for none. */
static inline const char *on_disk(const struct fake *f, const char *printer)
{
    unsigned k;

    for (k = 0; k < KEYS && f->disk[k].val; k++)
        if (strncmp(f->disk[k].key, "tiendas/print/", 14) == 0 && strcmp(f->disk[k].key + 14, printer) == 0)
            return f->disk[k].val;
    return "";
}

/* ---- what it is told ------------------------------------------------------------------------ */

static inline int32_t ask_print(struct fake *f, const char *terminal, const char *id, const char *slip)
{
    const struct pos_print_job job = {
        .id = str(id), .store = str("CENTRO"), .terminal = str(terminal), .slip = str(slip)};
    char why[POS_SLIP_WORDS];

    return pos_print(f->ps, &job, why);
}

static inline void told_accepted(void *arg, struct hilo_str store, struct hilo_str terminal,
                                 struct hilo_str id, int32_t code)
{
    struct fake *f = arg;

    assert_true(f->n_accepted < CALLS && store.n == 6 && terminal.n == 1);
    copy(f->accepted[f->n_accepted].id, sizeof f->accepted->id, id);
    f->accepted[f->n_accepted++].code = code;
}

static inline void told_done(void *arg, const struct pos_print_result *r)
{
    struct fake *f = arg;
    char *next = f->print_on_done;

    assert_true(f->n_done < CALLS);
    copy(f->done[f->n_done].id, sizeof f->done->id, r->id);
    copy(f->done[f->n_done].store, sizeof f->done->store, r->store);
    copy(f->done[f->n_done].terminal, sizeof f->done->terminal, r->terminal);
    copy(f->done[f->n_done].printer, sizeof f->done->printer, r->printer);
    copy(f->done[f->n_done].reason, sizeof f->done->reason, str(r->reason));
    f->done[f->n_done].outcome = r->outcome;
    f->done[f->n_done++].confirmed = r->confirmed;
    f->print_on_done = NULL;
    if (next)
        assert_int_equal(ask_print(f, "3", next, "{\"title\":\"next\"}"), HILO_OK);
}

static inline void told_waits(void *arg, const struct pos_print_result *r)
{
    struct fake *f = arg;

    assert_true(f->n_waits < CALLS);
    copy(f->waits[f->n_waits].id, sizeof f->waits->id, r->id);
    copy(f->waits[f->n_waits++].reason, sizeof f->waits->reason, str(r->reason));
}

/* ---- running --------------------------------------------------------------------------------- */

static inline bool turn(struct fake *f, int wait_ms)
{
    struct pollfd p[FDS];
    nfds_t n = 0, i;
    bool any = f->n_ask > 0 && !f->disk_waits;

    fake_disk(f, f->disk_waits ? 0 : CALLS);
    if (f->timer && f->timer <= f->now) {
        f->timer = 0;
        assert_true(pos_printers_on_timer(f->ps, TIMER));
        any = true;
    }
    for (i = 0; i < FDS; i++)
        if (f->events[i])
            p[n++] = (struct pollfd){.fd = (int)i,
                                     .events = (short)((f->events[i] & HILO_READ ? POLLIN : 0) |
                                                       (f->events[i] & HILO_WRITE ? POLLOUT : 0))};
    if (poll(p, n, any ? 0 : wait_ms) <= 0)
        return any;
    for (i = 0; i < n; i++) {
        uint32_t events = (p[i].revents & (POLLIN | POLLHUP | POLLERR) ? HILO_READ : 0u) |
                          (p[i].revents & (POLLOUT | POLLERR) ? HILO_WRITE : 0u);

        events &= f->events[p[i].fd];
        if (events) {
            assert_true(pos_printers_on_fd(f->ps, p[i].fd, events));
            any = true;
        }
    }
    return any;
}

static inline void run(struct fake *f)
{
    while (turn(f, 0))
        ;
}

/* Time passes as timers ask for it, so that none is passed over. */
static inline void pass(struct fake *f, int64_t us)
{
    int64_t until = f->now + us;

    run(f);
    while (f->timer && f->timer <= until) {
        f->now = f->timer > f->now ? f->timer : f->now;
        run(f);
    }
    f->now = until;
    run(f);
}

/* The plugin's start; what was on disk stays. */
static inline void begin(struct fake *f)
{
    const struct pos_printers_events on = {.accepted = told_accepted, .done = told_done, .waits = told_waits};
    const struct pos_printers_conf conf = {.printers = str(f->options)};

    f->ps = pos_printers_new(&conf, &f->host, (struct hilo_self *)f, TOKENS, TIMER, &on, f);
    assert_non_null(f->ps);
    pos_printers_start(f->ps);
    run(f);
}

static inline void end(struct fake *f)
{
    pos_printers_free(&f->ps);
    while (f->n_ask > 0) /* what was on its way to the disk is not there */
        free(f->ask[--f->n_ask].val);
    if (f->peer >= 0)
        (void)close(f->peer);
    f->peer = -1;
    f->n_got = f->seen = 0;
}

/* options: of the printer CENTRO/3, with %d for the test's port. */
static inline struct fake *up(const char *options)
{
    struct fake *f = calloc(1, sizeof *f);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof at;

    assert_non_null(f);
    f->peer = -1;
    f->now = 1000 * SECOND;
    f->host = (struct hilo_host){.size = sizeof f->host,
                                 .log = fake_log,
                                 .channel = fake_channel,
                                 .mono_us = fake_mono,
                                 .watch = fake_watch,
                                 .timer = fake_timer,
                                 .context_get = fake_get,
                                 .context_put = fake_put};
    f->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(f->listening, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(f->listening, 8), 0);
    assert_int_equal(getsockname(f->listening, (struct sockaddr *)&at, &n), 0);
    (void)snprintf(f->options, sizeof f->options, "CENTRO/3=127.0.0.1:%d%s", ntohs(at.sin_port), options);
    begin(f);
    return f;
}

static inline void down(struct fake *f)
{
    unsigned k;

    end(f);
    if (f->listening >= 0)
        (void)close(f->listening);
    for (k = 0; k < KEYS; k++)
        free(f->disk[k].val);
    free(f);
}

/* ---- the printer ---------------------------------------------------------------------------------- */

/* Its next connection. */
static inline void peer_accept(struct fake *f)
{
    struct pollfd p = {.fd = f->listening, .events = POLLIN};
    int i;

    if (f->peer >= 0)
        (void)close(f->peer);
    for (i = 0; i < 500 && poll(&p, 1, 10) == 0; i++)
        run(f);
    f->peer = accept4(f->listening, NULL, NULL, SOCK_CLOEXEC);
    assert_true(f->peer >= 0);
    f->n_got = f->seen = 0;
}

/* Nobody connects, whatever is due now. */
static inline void peer_nobody(struct fake *f)
{
    struct pollfd p = {.fd = f->listening, .events = POLLIN};

    run(f);
    assert_int_equal(poll(&p, 1, 0), 0);
}

/* Waits until so many bytes have come, beyond those that were seen. */
static inline void peer_wait(struct fake *f, size_t n)
{
    int i;

    for (i = 0; i < 500 && f->n_got < f->seen + n; i++) {
        struct pollfd p = {.fd = f->peer, .events = POLLIN};
        ssize_t got;

        run(f);
        if (poll(&p, 1, 10) <= 0)
            continue;
        got = recv(f->peer, f->got + f->n_got, sizeof f->got - f->n_got, MSG_DONTWAIT);
        assert_true(got > 0);
        f->n_got += (size_t)got;
    }
    assert_true(f->n_got >= f->seen + n);
}

/* Exactly these come next. */
static inline void peer_expect(struct fake *f, const void *bytes, size_t n)
{
    peer_wait(f, n);
    assert_memory_equal(f->got + f->seen, bytes, n);
    f->seen += n;
}

/* No byte has come but those that were seen. */
static inline void peer_silence(struct fake *f)
{
    ssize_t got;

    run(f);
    got = recv(f->peer, f->got + f->n_got, sizeof f->got - f->n_got, MSG_DONTWAIT);
    assert_true(got < 0 && errno == EAGAIN);
    assert_int_equal(f->n_got, f->seen);
}

/* The kernel has acknowledged what the plugin sent, which takes it up to 40 ms. */
static inline void peer_acked(struct fake *f)
{
    int i, left = 1, fd = 0;

    while (fd < FDS - 1 && !f->events[fd])
        fd++;
    for (i = 0; i < 500 && left > 0; i++) {
        assert_int_equal(ioctl(fd, SIOCOUTQ, &left), 0);
        if (left > 0)
            (void)poll(NULL, 0, 10);
    }
    assert_int_equal(left, 0);
}

static inline void peer_say(struct fake *f, const void *bytes, size_t n)
{
    struct pollfd p = {.fd = -1, .events = POLLIN};
    unsigned i;

    assert_int_equal(send(f->peer, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
    /* Over the loopback it is there at once, or nearly. */
    for (i = 0; i < FDS; i++)
        if (f->events[i]) {
            p.fd = (int)i;
            (void)poll(&p, 1, 1000);
        }
    run(f);
}

/* The four questions, and these as the answers. */
static inline void peer_status(struct fake *f, const char four[4])
{
    peer_expect(f, "\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04", 12);
    peer_say(f, four, 4);
}
#define WELL      "\x12\x12\x12\x12"
#define PAPER_OUT "\x1a\x32\x12\x72"
#define PAPER_LOW "\x12\x12\x12\x1e"
#define COVER     "\x1a\x16\x12\x12"

/* The plugin hangs up. */
static inline void peer_gone(struct fake *f)
{
    struct pollfd p = {.fd = f->peer, .events = POLLIN};
    char byte;
    int i;

    for (i = 0; i < 500 && poll(&p, 1, 10) == 0; i++)
        run(f);
    assert_int_equal(recv(f->peer, &byte, 1, MSG_DONTWAIT), 0);
    (void)close(f->peer);
    f->peer = -1;
}

/* The printer hangs up. */
static inline void peer_close(struct fake *f)
{
    unsigned i;

    (void)close(f->peer);
    f->peer = -1;
    for (i = 0; i < FDS; i++)
        if (f->events[i]) {
            struct pollfd p = {.fd = (int)i, .events = POLLIN};

            (void)poll(&p, 1, 1000);
        }
    run(f);
}

#endif
