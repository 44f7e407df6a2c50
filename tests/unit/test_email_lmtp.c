/*
 * The LMTP server over sockets: a unix socket and loopback, clients that vanish, are slow or too many.
 */
#include "../../plugins/email/lmtp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { WATCHES = 64, MAILS = 64, SAID = 64 * 1024, PATIENCE_US = 20000000 };

/* The host: poll() and one timer. */
struct hilo_self {
    struct {
        int fd;
        uint32_t events;
    } watch[WATCHES];
    int64_t timer_at;
    int64_t skew; /* the clock runs ahead by so much */
    struct lmtp *lmtp;
    /* mails taken */
    uint64_t transaction[MAILS];
    size_t n_rcpt[MAILS];
    char last[4096];
    size_t last_n;
    unsigned n_mails;
    bool at_once;
    bool full;
    char dir[32], path[64];
};

struct client {
    int fd;
    char said[SAID];
    size_t n;
    bool eof;
};

static int64_t real_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t host_mono(struct hilo_self *h)
{
    return real_us() + h->skew;
}

static void host_log(struct hilo_self *h, int32_t level, struct hilo_str text)
{
    (void)h;
    (void)level;
    assert_true(text.n > 0);
}

static int32_t host_watch(struct hilo_self *h, int32_t fd, uint32_t events)
{
    unsigned i, free_ = WATCHES;

    for (i = 0; i < WATCHES; i++)
        if (h->watch[i].events && h->watch[i].fd == fd)
            break;
        else if (!h->watch[i].events && free_ == WATCHES)
            free_ = i;
    if (i == WATCHES && !events)
        fail_msg("%d was not watched", fd);
    if (i == WATCHES)
        i = free_;
    if (i == WATCHES)
        return HILO_FULL;
    h->watch[i].fd = fd;
    h->watch[i].events = events;
    return HILO_OK;
}

static int32_t host_timer(struct hilo_self *h, uint32_t id, int64_t at)
{
    assert_int_equal(id, LMTP_TIMER);
    h->timer_at = at;
    return HILO_OK;
}

static const struct hilo_host host = {
    .size = sizeof host, .log = host_log, .mono_us = host_mono, .watch = host_watch, .timer = host_timer};

/* One turn of the loop: what is ready, or the client has something, or ms are over. */
static void turn(struct hilo_self *h, int client, int ms)
{
    struct pollfd p[WATCHES + 1];
    uint32_t events;
    unsigned i, n = 0;

    for (i = 0; i < WATCHES; i++)
        if (h->watch[i].events)
            p[n++] = (struct pollfd){.fd = h->watch[i].fd,
                                     .events = (short)((h->watch[i].events & HILO_READ ? POLLIN : 0) |
                                                       (h->watch[i].events & HILO_WRITE ? POLLOUT : 0))};
    if (client >= 0)
        p[n] = (struct pollfd){.fd = client, .events = POLLIN};
    assert_true(poll(p, n + (client >= 0), ms) >= 0);
    for (i = 0; i < n; i++) {
        events = (p[i].revents & (POLLIN | POLLHUP | POLLERR) ? HILO_READ : 0) |
                 (p[i].revents & POLLOUT ? HILO_WRITE : 0);
        if (events)
            (void)lmtp_on_fd(h->lmtp, p[i].fd, events);
    }
    if (h->timer_at && host_mono(h) >= h->timer_at) {
        h->timer_at = 0;
        assert_true(lmtp_on_timer(h->lmtp, LMTP_TIMER));
    }
}

static int32_t on_rcpt(void *arg, const char *address, char why[256])
{
    (void)arg;
    if (strncmp(address, "nobody", 6) != 0)
        return 0;
    (void)snprintf(why, 256, "550 5.1.1 No such address");
    return HILO_NOTFOUND;
}

static int32_t on_room(void *arg, uint64_t bytes)
{
    (void)bytes;
    return ((struct hilo_self *)arg)->full ? HILO_FULL : HILO_OK;
}

static void answer(struct hilo_self *h, unsigned mail, const char *reply)
{
    size_t i;

    for (i = 0; i < h->n_rcpt[mail]; i++)
        lmtp_answer(h->lmtp, h->transaction[mail], i, reply);
}

static void on_take(void *arg, const struct lmtp_mail *m)
{
    struct hilo_self *h = arg;

    assert_in_range(h->n_mails, 0, MAILS - 1);
    h->transaction[h->n_mails] = m->transaction;
    h->n_rcpt[h->n_mails++] = m->n_rcpt;
    h->last_n = m->bytes.n;
    memcpy(h->last, m->bytes.p, m->bytes.n < sizeof h->last ? (size_t)m->bytes.n : sizeof h->last);
    if (h->at_once)
        answer(h, h->n_mails - 1, "250 2.0.0 Taken");
}

static const struct lmtp_hooks hooks = {.rcpt = on_rcpt, .room = on_room, .take = on_take};

static struct hilo_str str(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}

static bool listen_at(struct hilo_self *h, const char *at, char why[256])
{
    const struct lmtp_conf conf = {.listen = str(at),
                                   .hostname = str("gw.example"),
                                   .size_max = 3000000,
                                   .connections = 3,
                                   .recipients_max = 10,
                                   .idle_us = 60000000};

    h->lmtp = lmtp_new(&conf, &host, h, &hooks, h, why);
    return h->lmtp != NULL;
}

static void start(struct hilo_self *h)
{
    char why[256] = "", at[80];

    memset(h, 0, sizeof *h);
    h->at_once = true;
    (void)snprintf(h->dir, sizeof h->dir, "/tmp/hilo-lmtp-XXXXXX");
    assert_non_null(mkdtemp(h->dir));
    (void)snprintf(h->path, sizeof h->path, "%s/s", h->dir);
    (void)snprintf(at, sizeof at, "unix:%s", h->path);
    if (!listen_at(h, at, why))
        fail_msg("%s", why);
}

static void finish(struct hilo_self *h)
{
    unsigned i;

    lmtp_free(h->lmtp);
    for (i = 0; i < WATCHES; i++)
        assert_int_equal(h->watch[i].events, 0);
    assert_int_equal(access(h->path, F_OK), -1);
    assert_int_equal(rmdir(h->dir), 0);
}

static int unix_connect(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static struct client *client_new(struct hilo_self *h)
{
    struct client *c = calloc(1, sizeof *c);

    assert_non_null(c);
    c->fd = unix_connect(h->path);
    return c;
}

static void client_free(struct client *c)
{
    (void)close(c->fd);
    free(c);
}

static void take_in(struct client *c)
{
    ssize_t n;

    while ((n = recv(c->fd, c->said + c->n, SAID - 1 - c->n, 0)) > 0)
        c->n += (size_t)n;
    c->said[c->n] = '\0';
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        c->eof = true;
}

static void say_n(struct hilo_self *h, struct client *c, const char *text, size_t n)
{
    int64_t until = real_us() + PATIENCE_US;
    ssize_t k;

    while (n) {
        k = send(c->fd, text, n, MSG_NOSIGNAL);
        if (k < 0 && errno == EAGAIN) {
            assert_true(real_us() < until);
            turn(h, -1, 10);
            continue;
        }
        assert_true(k > 0);
        text += k;
        n -= (size_t)k;
    }
}

static void say(struct hilo_self *h, struct client *c, const char *text)
{
    say_n(h, c, text, strlen(text));
}

/* Until the server has said this; NULL: until it closes. Forgets what was said up to its end. */
static void hear(struct hilo_self *h, struct client *c, const char *text)
{
    int64_t until = real_us() + PATIENCE_US;
    char *at;

    for (;;) {
        take_in(c);
        at = text ? strstr(c->said, text) : NULL;
        if (at) {
            at += strlen(text);
            c->n -= (size_t)(at - c->said);
            memmove(c->said, at, c->n + 1);
            return;
        }
        if (!text && c->eof)
            return;
        if (c->eof || real_us() > until)
            fail_msg("not said: %s; but: %s", text ? text : "(closed)", c->said);
        turn(h, c->fd, 100);
    }
}

static void until_mails(struct hilo_self *h, unsigned n)
{
    int64_t until = real_us() + PATIENCE_US;

    while (h->n_mails < n) {
        assert_true(real_us() < until);
        turn(h, -1, 100);
    }
}

#define HEAD "LHLO mx.example\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\n"

static void a_mail(void **state)
{
    struct hilo_self h;
    struct client *c;
    struct stat st;

    (void)state;
    start(&h);
    assert_int_equal(stat(h.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    c = client_new(&h);
    hear(&h, c, "220 gw.example LMTP");
    say(&h, c, HEAD "RCPT TO:<nobody@x.example>\r\nDATA\r\n");
    hear(&h, c,
         "250 SIZE 3000000\r\n250 2.1.0 Sender taken\r\n250 2.1.5 Recipient taken\r\n550 5.1.1 No such "
         "address\r\n354 ");
    say(&h, c, "hola\r\n..\r\n.\r\n");
    hear(&h, c, "250 2.0.0 Taken\r\n");
    assert_int_equal(h.last_n, 9);
    assert_memory_equal(h.last, "hola\r\n.\r\n", 9);
    say(&h, c, "QUIT\r\n");
    hear(&h, c, "221 2.0.0 ");
    hear(&h, c, NULL);
    client_free(c);
    finish(&h);
}

/* 250 is said when it is taken and not before; what was pipelined behind it waits, and goes on then. */
static void the_answer_comes_later(void **state)
{
    struct hilo_self h;
    struct client *c;
    int i;

    (void)state;
    start(&h);
    h.at_once = false;
    c = client_new(&h);
    say(&h, c,
        HEAD "RCPT TO:<c@x.example>\r\nDATA\r\nuno\r\n.\r\nMAIL FROM:<>\r\nRCPT "
             "TO:<b@x.example>\r\nDATA\r\ndos\r\n.\r\nQUIT\r\n");
    until_mails(&h, 1);
    hear(&h, c, "354 ");
    hear(&h, c, "\r\n");
    for (i = 0; i < 3; i++)
        turn(&h, -1, 0);
    take_in(c);
    assert_string_equal(c->said, "");
    assert_int_equal(h.n_mails, 1);
    lmtp_answer(h.lmtp, h.transaction[0], 1, "452 4.3.1 Full");
    lmtp_answer(h.lmtp, h.transaction[0] + 1, 0, "250 2.0.0 Another's");
    lmtp_answer(h.lmtp, h.transaction[0], 0, "250 2.0.0 Taken");
    hear(&h, c, "250 2.0.0 Taken\r\n452 4.3.1 Full\r\n250 2.1.0 Sender taken\r\n");
    until_mails(&h, 2);
    assert_memory_equal(h.last, "dos\r\n", 5);
    answer(&h, 1, "554 5.6.0 No mail");
    hear(&h, c, "554 5.6.0 No mail\r\n221 ");
    hear(&h, c, NULL);
    client_free(c);
    finish(&h);
}

/* Its mail lives until it is answered; a half one is none. Both leave nothing behind. */
static void a_client_vanishes(void **state)
{
    struct hilo_self h;
    struct client *c;
    unsigned i;

    (void)state;
    start(&h);
    h.at_once = false;
    for (i = 0; i < 2 * 3; i++) { /* more than there may be at a time */
        c = client_new(&h);
        say(&h, c, HEAD "DATA\r\nuno\r\n.\r\n");
        until_mails(&h, i + 1);
        client_free(c);
        turn(&h, -1, 0);
        assert_memory_equal(h.last, "uno\r\n", 5);
        answer(&h, i, "250 2.0.0 Taken");
        answer(&h, i, "250 2.0.0 Taken");
    }
    for (i = 0; i < 6; i++) {
        c = client_new(&h);
        say(&h, c, HEAD "DATA\r\nhalf a mail\r\n.\r");
        hear(&h, c, "354 ");
        client_free(c);
        turn(&h, -1, 0);
        turn(&h, -1, 0);
    }
    assert_int_equal(h.n_mails, 6);
    /* One that is not answered when the channel closes. */
    c = client_new(&h);
    say(&h, c, HEAD "DATA\r\nuno\r\n.\r\n");
    until_mails(&h, 7);
    finish(&h);
    hear(&h, c, "354 ");
    hear(&h, c, NULL);
    client_free(c);
}

static void too_many(void **state)
{
    struct hilo_self h;
    struct client *c[4];
    unsigned i;

    (void)state;
    start(&h);
    for (i = 0; i < 3; i++) {
        c[i] = client_new(&h);
        hear(&h, c[i], "220 ");
    }
    c[3] = client_new(&h);
    hear(&h, c[3], "421 4.3.2 ");
    hear(&h, c[3], NULL);
    client_free(c[3]);
    say(&h, c[0], "QUIT\r\n");
    hear(&h, c[0], NULL);
    c[3] = client_new(&h);
    hear(&h, c[3], "220 ");
    for (i = 0; i < 4; i++)
        client_free(c[i]);
    finish(&h);
}

/* Silence ends a client, and so does a byte now and then; not the wait for our answer. */
static void the_slow(void **state)
{
    struct hilo_self h;
    struct client *silent, *drip, *waits;
    unsigned i;

    (void)state;
    start(&h);
    h.at_once = false;
    silent = client_new(&h);
    drip = client_new(&h);
    waits = client_new(&h);
    hear(&h, silent, "220 ");
    say(&h, waits, HEAD "DATA\r\nuno\r\n.\r\n");
    until_mails(&h, 1);
    say(&h, drip, HEAD "DATA\r\n");
    hear(&h, drip, "354 ");
    for (i = 0; i < 5; i++) {
        h.skew += 10000000; /* 10 s of 60 */
        say(&h, drip, "x");
        turn(&h, -1, 0);
        turn(&h, -1, 0);
    }
    take_in(silent);
    assert_string_equal(strchr(silent->said, '\n') ? strchr(silent->said, '\n') + 1 : "", "");
    assert_false(silent->eof);
    h.skew += 11000000;
    hear(&h, silent, "421 4.4.2 ");
    hear(&h, silent, NULL);
    hear(&h, drip, "421 4.4.2 ");
    hear(&h, drip, NULL);
    answer(&h, 0, "250 2.0.0 Taken");
    hear(&h, waits, "250 2.0.0 Taken\r\n");
    say(&h, waits, "NOOP\r\n");
    hear(&h, waits, "250 2.0.0 Here\r\n");
    client_free(silent);
    client_free(drip);
    client_free(waits);
    finish(&h);
}

/* A large mail, its replies, and a client that pipelines more than it reads. */
static void much(void **state)
{
    enum { BIG = 2900000, RESETS = 20000 };
    struct hilo_self h;
    struct client *c;
    char *text = malloc(BIG + 64);
    size_t i, lines = 0;
    int64_t until;

    (void)state;
    assert_non_null(text);
    start(&h);
    c = client_new(&h);
    say(&h, c, HEAD "DATA\r\n");
    for (i = 0; i < BIG; i++)
        text[i] = i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' : 'x';
    memcpy(text + BIG, "\r\n.\r\n", 6);
    say(&h, c, text);
    hear(&h, c, "250 2.0.0 Taken\r\n");
    assert_int_equal(h.last_n, BIG + 2);
    memset(text, 'y', BIG);
    say(&h, c, "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n");
    say_n(&h, c, text, BIG);
    say_n(&h, c, text, 200000);
    say(&h, c, "\r\n.\r\n");
    hear(&h, c, "552 5.3.4 ");
    h.full = true;
    say(&h, c, "MAIL FROM:<a@x.example>\r\n");
    hear(&h, c, "452 4.3.1 ");
    hear(&h, c, "\r\n");
    /* The server stops reading; the replies come all the same once they are read. */
    for (i = 0; i < RESETS; i++)
        memcpy(text + i * 6, "RSET\r\n", 6);
    until = real_us() + PATIENCE_US;
    for (i = 0; lines < RESETS;) {
        ssize_t n = i < RESETS * 6 ? send(c->fd, text + i, RESETS * 6 - i, MSG_NOSIGNAL) : 0;
        char *p;

        if (n > 0)
            i += (size_t)n;
        turn(&h, c->fd, 10);
        if (n > 0)
            continue; /* it reads when nothing more can be sent */
        take_in(c);
        for (p = c->said; (p = strchr(p, '\n')); p++)
            lines++;
        p = strrchr(c->said, '\n');
        p = p ? p + 1 : c->said;
        c->n = strlen(p);
        memmove(c->said, p, c->n + 1);
        assert_true(real_us() < until);
    }
    assert_int_equal(lines, RESETS);
    client_free(c);
    free(text);
    finish(&h);
}

static void where_it_listens(void **state)
{
    static const char *const wrong[] = {
        "0.0.0.0:2424",          "192.0.2.1:2424",  "[::]:2424", "localhost:2424", "127.0.0.1",
        "127.0.0.1:x",           "127.0.0.1:70000", "[::1:2424", ":2424",          "unix:",
        "unix:/nowhere/at/all/s"};
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    struct hilo_self h, other = {.timer_at = 0};
    char why[256], text[96], file[80];
    struct client c = {.fd = -1};
    unsigned i;
    int fd;

    (void)state;
    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        why[0] = '\0';
        assert_false(listen_at(&other, wrong[i], why));
        assert_true(why[0]);
    }
    /* A path that is somebody's, or no socket, is left; one that a crash left is taken. */
    start(&h);
    (void)snprintf(text, sizeof text, "unix:%s", h.path);
    assert_false(listen_at(&other, text, why));
    assert_non_null(strstr(why, "in use"));
    (void)snprintf(file, sizeof file, "%s/file", h.dir);
    (void)snprintf(text, sizeof text, "unix:%s", file);
    fd = open(file, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_false(listen_at(&other, text, why));
    assert_non_null(strstr(why, "no socket"));
    assert_int_equal(unlink(file), 0);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    {
        struct sockaddr_un un = {.sun_family = AF_UNIX};

        (void)snprintf(un.sun_path, sizeof un.sun_path, "%s", file);
        assert_int_equal(bind(fd, (const struct sockaddr *)&un, sizeof un), 0);
    }
    (void)close(fd);
    assert_true(listen_at(&other, text, why));
    (void)close(unix_connect(file));
    lmtp_free(other.lmtp);
    assert_int_equal(access(file, F_OK), -1);
    finish(&h);
    /* Loopback. */
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    (void)close(fd);
    (void)snprintf(text, sizeof text, "127.0.0.1:%u", ntohs(at.sin_port));
    memset(&h, 0, sizeof h);
    if (!listen_at(&h, text, why))
        fail_msg("%s", why);
    c.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(c.fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(fcntl(c.fd, F_SETFL, O_NONBLOCK), 0);
    hear(&h, &c, "220 ");
    assert_false(lmtp_on_fd(h.lmtp, 12345, HILO_READ));
    assert_false(lmtp_on_timer(h.lmtp, LMTP_TIMER + 1));
    lmtp_free(h.lmtp);
    (void)close(c.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail),
        cmocka_unit_test(the_answer_comes_later),
        cmocka_unit_test(a_client_vanishes),
        cmocka_unit_test(too_many),
        cmocka_unit_test(the_slow),
        cmocka_unit_test(much),
        cmocka_unit_test(where_it_listens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
