/*
 * The SMS plugin behind a fake host with a clock of its own, and the test as its SMSC: real
 * sockets, bytes written and read here by hand, nothing of the plugin's codec. Everything goes
 * through hilo_plugin_v1.
 *
 * Nothing sleeps: run() serves what is ready until nothing is, and peer_… wait for bytes.
 */
#ifndef SMS_HOST_H
#define SMS_HOST_H

#include "../../plugins/sms/provider.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { FDS = 256, TIMERS = 128, CALLS = 600, IDS = 6 };
#define SECOND INT64_C(1000000)

struct fake {
    /* what came */
    struct {
        int32_t code;
        struct hilo_id id;
        char ext[80], more[IDS][80], reason[40], provider_code[24];
        uint64_t n_more;
        int64_t retry_us;
        uint32_t scope;
    } report[CALLS];
    struct {
        uint64_t token, n;
        char bytes[4096];
    } submit[CALLS];
    unsigned n_report, n_submit, n_log, n_timer_fired;
    uint32_t credit;
    int32_t state;
    char state_text[400];
    bool ranked; /* what send_with sends has a priority: */
    uint64_t rank;
    /* what to say */
    int32_t submit_rc;
    int64_t now, wall;
    /* what is waited for */
    uint32_t events[FDS];
    int64_t timer[TIMERS];
    /* the instance */
    struct sms_conf conf;
    struct hilo_host host;
    void *inst;
    bool closed;
    /* the SMSC */
    int listening;
};

/* A PDU as it came. */
struct pdu {
    uint32_t length, command, status, seq;
    uint8_t body[70000];
};

static inline struct hilo_str str(const char *s)
{
    struct hilo_str r = {s, strlen(s)};
    return r;
}

static inline void copy(char *out, size_t cap, struct hilo_str s)
{
    assert_true(s.n < cap);
    if (s.n)
        memcpy(out, s.p, s.n);
    out[s.n] = 0;
}

static inline struct hilo_id id_of(unsigned n)
{
    struct hilo_id id = {{1}};

    id.b[14] = (uint8_t)(n >> 8);
    id.b[15] = (uint8_t)n;
    return id;
}

/* ---- the host ------------------------------------------------------------------------------ */

static inline struct fake *fake_of(struct hilo_self *self)
{
    return (struct fake *)self;
}

static inline void fake_log(struct hilo_self *self, int32_t level, struct hilo_str text)
{
    (void)level;
    fake_of(self)->n_log++;
    if (getenv("SMS_LOG"))
        print_message("log: %.*s\n", (int)text.n, text.p);
}

static inline int64_t fake_mono(struct hilo_self *self)
{
    return fake_of(self)->now;
}

static inline int64_t fake_wall(struct hilo_self *self)
{
    return fake_of(self)->wall + fake_of(self)->now;
}

static inline int32_t fake_submit(struct hilo_self *self, uint64_t token, struct hilo_str message)
{
    struct fake *f = fake_of(self);

    if (f->submit_rc != HILO_OK)
        return f->submit_rc;
    assert_true(f->n_submit < CALLS && message.n <= sizeof f->submit->bytes);
    f->submit[f->n_submit].token = token;
    f->submit[f->n_submit].n = message.n;
    memcpy(f->submit[f->n_submit++].bytes, message.p, message.n);
    return HILO_OK;
}

static inline void fake_report(struct hilo_self *self, const struct hilo_report *r)
{
    struct fake *f = fake_of(self);
    uint64_t i;

    assert_true(f->n_report < CALLS);
    for (i = 0; i < f->n_report; i++)
        assert_memory_not_equal(&f->report[i].id, &r->id, sizeof r->id); /* exactly one each */
    assert_int_equal(r->size, sizeof *r);
    f->report[f->n_report].code = r->code;
    f->report[f->n_report].id = r->id;
    f->report[f->n_report].retry_us = r->retry_after_us;
    f->report[f->n_report].scope = r->scope;
    f->report[f->n_report].n_more = r->n_more_ext_ids;
    for (i = 0; i < r->n_more_ext_ids && i < IDS; i++)
        copy(f->report[f->n_report].more[i], 80, r->more_ext_ids[i]);
    copy(f->report[f->n_report].ext, 80, r->ext_id);
    copy(f->report[f->n_report].reason, 40, r->reason);
    copy(f->report[f->n_report].provider_code, 24, r->provider_code);
    f->n_report++;
}

static inline void fake_credit(struct hilo_self *self, uint32_t n)
{
    fake_of(self)->credit += n;
}

static inline int32_t fake_watch(struct hilo_self *self, int32_t fd, uint32_t events)
{
    assert_in_range(fd, 0, FDS - 1);
    fake_of(self)->events[fd] = events;
    return HILO_OK;
}

static inline int32_t fake_timer(struct hilo_self *self, uint32_t id, int64_t mono_us)
{
    assert_in_range(id, 1, TIMERS - 1);
    fake_of(self)->timer[id] = mono_us;
    return HILO_OK;
}

static inline void fake_state(struct hilo_self *self, int32_t code, struct hilo_str text)
{
    fake_of(self)->state = code;
    copy(fake_of(self)->state_text, sizeof fake_of(self)->state_text, text);
}

/* Serves what is due and ready; false: nothing was. */
static inline bool fake_turn(struct fake *f, int wait_ms)
{
    struct pollfd p[FDS];
    nfds_t n = 0, i;
    unsigned t;
    bool any = false;

    for (t = 1; t < TIMERS; t++) {
        if (f->timer[t] && f->timer[t] <= f->now) {
            f->timer[t] = 0;
            f->n_timer_fired++;
            hilo_plugin_v1.on_timer(f->inst, t);
            any = true;
        }
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
            hilo_plugin_v1.on_fd(f->inst, p[i].fd, events);
            any = true;
        }
    }
    return any;
}

/* Until nothing is due and nothing ready. */
static inline void run(struct fake *f)
{
    while (fake_turn(f, 0))
        ;
}

/* Until it holds; fails after ten seconds. */
#define RUN_UNTIL(f, what)                                                                                   \
    do {                                                                                                     \
        unsigned run_until;                                                                                  \
        for (run_until = 0; !(what) && run_until < 1000; run_until++)                                        \
            (void)fake_turn(f, 10);                                                                          \
        assert_true(what);                                                                                   \
    } while (0)

static inline void pass(struct fake *f, int64_t us)
{
    f->now += us;
    run(f);
}

/* Whether any descriptor is. */
static inline bool watches(const struct fake *f)
{
    unsigned i;

    for (i = 0; i < FDS; i++)
        if (f->events[i])
            return true;
    return false;
}

/* The instant of the next timer, 0: there is none. */
static inline int64_t next_timer(const struct fake *f)
{
    int64_t next = 0;
    unsigned t;

    for (t = 1; t < TIMERS; t++)
        if (f->timer[t] && (!next || f->timer[t] < next))
            next = f->timer[t];
    return next;
}

/* ---- the instance ------------------------------------------------------------------------------ */

/* The options' defaults. Change some, then fake_open(). */
static inline void fake_init(struct fake *f)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;

    memset(f, 0, sizeof *f);
    f->now = 1000 * SECOND;
    f->wall = INT64_C(1800000000) * SECOND;
    f->state = 1;
    f->listening = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(f->listening, (struct sockaddr *)&a, n), 0);
    assert_int_equal(listen(f->listening, 16), 0);
    assert_int_equal(getsockname(f->listening, (struct sockaddr *)&a, &n), 0);
    f->conf = (struct sms_conf){.host = str("127.0.0.1"),
                                .port = ntohs(a.sin_port),
                                .system_id = str("hilo"),
                                .password = str("secret"),
                                .sender = str("890"),
                                .segments_max = 10,
                                .binds = 1,
                                .window = 10,
                                .tls_verify = 1,
                                .enquire_link_us = 30 * SECOND,
                                .response_timeout_us = 10 * SECOND,
                                .connect_timeout_us = 15 * SECOND};
    f->host = (struct hilo_host){.size = sizeof f->host,
                                 .log = fake_log,
                                 .mono_us = fake_mono,
                                 .wall_us = fake_wall,
                                 .submit = fake_submit,
                                 .report = fake_report,
                                 .credit = fake_credit,
                                 .watch = fake_watch,
                                 .timer = fake_timer,
                                 .state = fake_state};
}

static inline void fake_open(struct fake *f)
{
    assert_null(
        hilo_plugin_v1.check(&f->conf, &(struct hilo_abilities){.size = sizeof(struct hilo_abilities)}));
    assert_int_equal(hilo_plugin_v1.open(&f->host, (struct hilo_self *)f, &f->conf, &f->inst), HILO_OK);
    assert_int_equal(hilo_plugin_v1.start(f->inst), HILO_OK);
}

static inline void fake_close(struct fake *f)
{
    unsigned i;

    if (f->inst && !f->closed) {
        f->closed = true;
        hilo_plugin_v1.close(f->inst);
        for (i = 0; i < FDS; i++)
            assert_int_equal(f->events[i], 0);
        for (i = 0; i < TIMERS; i++)
            assert_int_equal(f->timer[i], 0);
    }
}

static inline void fake_done(struct fake *f)
{
    fake_close(f);
    close(f->listening);
}

/* A text to a number; what send() said. */
static inline int32_t send_with(struct fake *f, unsigned id, const char *phone, struct hilo_str text,
                                int64_t expires)
{
    static uint8_t buf[70000];
    struct hilo_writer w;

    hilo_writer_init(&w, buf, sizeof buf);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_OUTBOUND);
    if (expires)
        hilo_put_u64(&w, HILO_T_MSG_EXPIRES, (uint64_t)expires);
    if (f->ranked)
        hilo_put_u64(&w, HILO_T_MSG_PRIORITY, f->rank);
    hilo_open(&w, HILO_T_MSG_PARTY);
    hilo_put_u64(&w, HILO_T_IDENT_SCHEME, HILO_SCHEME_PHONE);
    hilo_put_str(&w, HILO_T_IDENT_VALUE, str(phone));
    hilo_close(&w);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, text);
    hilo_close(&w);
    assert_int_equal(w.failed, 0);
    return hilo_plugin_v1.send(f->inst, id_of(id), hilo_written(&w));
}

static inline void send_text(struct fake *f, unsigned id, const char *text)
{
    assert_int_equal(send_with(f, id, "+573001112233", str(text), 0), HILO_OK);
}

/* ---- the SMSC ------------------------------------------------------------------------------------ */

static inline uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static inline int peer_accept(struct fake *f)
{
    struct pollfd p = {.fd = f->listening, .events = POLLIN};
    unsigned i;
    int fd;

    for (i = 0; i < 1000 && poll(&p, 1, 0) == 0; i++)
        (void)fake_turn(f, 10);
    fd = accept(f->listening, NULL, NULL);
    assert_true(fd >= 0);
    run(f);
    return fd;
}

static inline void peer_bytes(int fd, const void *p, size_t n)
{
    assert_int_equal(send(fd, p, n, MSG_NOSIGNAL), n);
}

static inline void peer_put(int fd, uint32_t command, uint32_t status, uint32_t seq, const void *body,
                            size_t n)
{
    uint8_t buf[16 + 70000];

    assert_true(n <= 70000);
    put32(buf, (uint32_t)(16 + n));
    put32(buf + 4, command);
    put32(buf + 8, status);
    put32(buf + 12, seq);
    if (n)
        memcpy(buf + 16, body, n);
    peer_bytes(fd, buf, 16 + n);
}

/* n bytes of the plugin's, which runs meanwhile; false: the connection ended before. */
static inline bool peer_exactly(struct fake *f, int fd, void *p, size_t n)
{
    size_t at = 0;
    unsigned i;

    for (i = 0; at < n && i < 2000; i++) {
        ssize_t rc = recv(fd, (char *)p + at, n - at, MSG_DONTWAIT);

        if (rc > 0)
            at += (size_t)rc;
        else if (rc == 0 || (errno != EAGAIN && errno != EINTR))
            return false;
        else if (f->closed) /* what it left is on its way */
            (void)poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 10);
        else
            (void)fake_turn(f, 5);
    }
    return at == n;
}

/* The next PDU of the plugin's; it must be this command. */
static inline void peer_get(struct fake *f, int fd, uint32_t command, struct pdu *out)
{
    uint8_t head[16];

    assert_true(peer_exactly(f, fd, head, sizeof head));
    out->length = be32(head);
    out->command = be32(head + 4);
    out->status = be32(head + 8);
    out->seq = be32(head + 12);
    assert_in_range(out->length, 16, 16 + sizeof out->body);
    assert_true(peer_exactly(f, fd, out->body, out->length - 16));
    assert_int_equal(out->command, command);
}

/* The plugin has dealt with all that was sent, and nothing came of it: only answers to what is
 * asked here, twice, as the first may be read together with what was sent before. */
static inline void peer_quiet(struct fake *f, int fd)
{
    static struct pdu p;
    unsigned i;

    for (i = 0; i < 2; i++) {
        peer_put(fd, 0x15, 0, 9000 + i, NULL, 0);
        peer_get(f, fd, 0x80000015u, &p);
        assert_int_equal(p.seq, 9000 + i);
    }
}

/* The plugin has read all that was sent. */
static inline void peer_read(struct fake *f, int fd)
{
    int left = 1;
    unsigned i;

    for (i = 0; i < 1000 && left; i++) {
        (void)fake_turn(f, 1);
        assert_int_equal(ioctl(fd, SIOCOUTQ, &left), 0);
    }
    assert_int_equal(left, 0);
    run(f);
}

/* The connection is at its end, and nothing more came. */
static inline void peer_ended(struct fake *f, int fd)
{
    char c;

    assert_false(peer_exactly(f, fd, &c, 1));
}

static inline int peer_bind(struct fake *f, uint32_t command)
{
    static struct pdu p;
    int fd = peer_accept(f);

    peer_get(f, fd, command, &p);
    peer_put(fd, command | 0x80000000u, 0, p.seq, "SMSC", 5);
    RUN_UNTIL(f, f->state == HILO_OK);
    return fd;
}

/* open, accepted, bound. */
static inline int fake_bound(struct fake *f)
{
    fake_open(f);
    return peer_bind(f, 9);
}

/* The answer to a submit, which the plugin has read then; id NULL: a header alone. */
static inline void peer_answer(struct fake *f, int fd, uint32_t seq, uint32_t status, const char *id)
{
    peer_put(fd, 0x80000004u, status, seq, id, id ? strlen(id) + 1 : 0);
    peer_read(f, fd);
}

/* A deliver_sm with a short message. */
static inline void peer_deliver(int fd, uint32_t seq, const char *from, uint8_t esm, uint8_t dcs,
                                const void *message, size_t n, const void *tlvs, size_t n_tlvs)
{
    uint8_t b[4096];
    size_t at = 0, from_n = strlen(from) + 1;

    b[at++] = 0; /* service_type */
    b[at++] = 1;
    b[at++] = 1;
    memcpy(b + at, from, from_n);
    at += from_n;
    b[at++] = 3;
    b[at++] = 0;
    memcpy(b + at, "890", 4);
    at += 4;
    b[at++] = esm;
    memset(b + at, 0, 6); /* protocol_id, priority_flag, two times, registered_delivery, replace_if_present */
    at += 6;
    b[at++] = dcs;
    b[at++] = 0;
    b[at++] = (uint8_t)n;
    memcpy(b + at, message, n);
    at += n;
    if (n_tlvs)
        memcpy(b + at, tlvs, n_tlvs);
    peer_put(fd, 5, 0, seq, b, at + n_tlvs);
}

static inline void commit(struct fake *f, unsigned i, int32_t code)
{
    hilo_plugin_v1.committed(f->inst, f->submit[i].token, code);
    run(f);
}

static inline struct hilo_str submitted(struct fake *f, unsigned i)
{
    struct hilo_str s = {f->submit[i].bytes, f->submit[i].n};
    assert_true(i < f->n_submit);
    return s;
}

static inline void is(struct hilo_str s, const char *expect)
{
    assert_int_equal(s.n, strlen(expect));
    assert_memory_equal(s.p, expect, s.n);
}

#endif
