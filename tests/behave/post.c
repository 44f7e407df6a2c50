/* A relay and a delivering mail server (post.h). */
#include "post.h"
#include "harness.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- the relay --------------------------------------------------------------------------- */

enum { LETTERS_MAX = 64, LINES_MAX = 4096 };

struct relay {
    int listener, port, stop[2];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t came;
    struct letter_in letter[LETTERS_MAX]; /* under the lock, as is: */
    unsigned n;
    bool drop;
};
struct peer {
    struct relay *relay;
    int fd;
    char in[65536];
    size_t n, at;
    struct letter_in letter;
};

static bool peer_say(struct peer *p, const char *line)
{
    return send(p->fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line);
}

/* One line with its end; NULL: it has gone. */
static char *peer_line(struct peer *p, char *out, size_t size)
{
    size_t n = 0;

    while (n + 1 < size) {
        if (p->at == p->n) {
            ssize_t got = recv(p->fd, p->in, sizeof p->in, 0);
            if (got <= 0)
                return NULL;
            p->n = (size_t)got;
            p->at = 0;
        }
        out[n] = p->in[p->at++];
        if (out[n++] == '\n')
            break;
    }
    out[n] = 0;
    return out;
}

/* What is between < and >. */
static void address(const char *line, char *out, size_t size)
{
    const char *from = strchr(line, '<'), *to = from ? strchr(from, '>') : NULL;

    (void)snprintf(out, size, "%.*s", to ? (int)(to - from - 1) : 0, to ? from + 1 : "");
}

static bool take_data(struct peer *p)
{
    char line[LINES_MAX];
    size_t n = 0;
    char *data = calloc(1, 1);

    while (peer_line(p, line, sizeof line)) {
        const char *text = line[0] == '.' ? line + 1 : line;
        if (strcmp(line, ".\r\n") == 0) {
            struct relay *r = p->relay;
            bool drop;
            (void)pthread_mutex_lock(&r->lock);
            p->letter.data = data;
            drop = r->drop;
            r->drop = false;
            if (r->n < LETTERS_MAX)
                r->letter[r->n++] = p->letter;
            memset(&p->letter, 0, sizeof p->letter);
            (void)pthread_cond_broadcast(&r->came);
            (void)pthread_mutex_unlock(&r->lock);
            return !drop && peer_say(p, "250 2.0.0 taken\r\n");
        }
        data = realloc(data, n + strlen(text) + 1);
        memcpy(data + n, text, strlen(text) + 1);
        n += strlen(text);
    }
    free(data);
    return false;
}

static bool take_line(struct peer *p, const char *line)
{
    if (strncasecmp(line, "EHLO", 4) == 0)
        return peer_say(p, "250-relay.test\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n250-8BITMIME\r\n"
                           "250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8\r\n");
    if (strncasecmp(line, "MAIL FROM:", 10) == 0) {
        memset(&p->letter, 0, sizeof p->letter);
        address(line, p->letter.from, sizeof p->letter.from);
        return peer_say(p, "250 2.1.0 ok\r\n");
    }
    if (strncasecmp(line, "RCPT TO:", 8) == 0) {
        address(line, p->letter.to, sizeof p->letter.to);
        if (strncmp(p->letter.to, "nobody@", 7) == 0)
            return peer_say(p, "550 5.1.1 <nobody@example.co>: no such user here\r\n");
        if (strncmp(p->letter.to, "full@", 5) == 0)
            return peer_say(p, "452 4.2.2 over quota\r\n");
        return peer_say(p, "250 2.1.5 ok\r\n");
    }
    if (strncasecmp(line, "DATA", 4) == 0)
        return peer_say(p, "354 go on\r\n") && take_data(p);
    if (strncasecmp(line, "QUIT", 4) == 0) {
        (void)peer_say(p, "221 2.0.0 bye\r\n");
        return false;
    }
    if (strncasecmp(line, "RSET", 4) == 0 || strncasecmp(line, "NOOP", 4) == 0)
        return peer_say(p, "250 2.0.0 ok\r\n");
    return peer_say(p, "502 5.5.1 what?\r\n");
}

static void *peer_main(void *arg)
{
    struct peer *p = arg;
    char line[LINES_MAX];

    if (peer_say(p, "220 relay.test ESMTP\r\n"))
        while (peer_line(p, line, sizeof line) && take_line(p, line))
            ;
    (void)close(p->fd);
    free(p);
    return NULL;
}

static void *relay_main(void *arg)
{
    struct relay *r = arg;

    for (;;) {
        int fd = accept(r->listener, NULL, NULL);
        struct peer *p;
        pthread_t thread;
        if (fd < 0)
            return NULL; /* shut down */
        p = calloc(1, sizeof *p);
        p->relay = r;
        p->fd = fd;
        if (pthread_create(&thread, NULL, peer_main, p) != 0)
            abort();
        (void)pthread_detach(thread);
    }
}

struct relay *relay_new(void)
{
    struct relay *r = calloc(1, sizeof *r);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;

    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(r->listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(r->listener, 20), 0);
    assert_int_equal(getsockname(r->listener, (struct sockaddr *)&a, &n), 0);
    r->port = ntohs(a.sin_port);
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_cond_init(&r->came, NULL);
    assert_int_equal(pthread_create(&r->thread, NULL, relay_main, r), 0);
    return r;
}

int relay_port(const struct relay *r)
{
    return r->port;
}

const struct letter_in *relay_wait(struct relay *r, unsigned n)
{
    struct timespec until;
    int rc = 0;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    (void)pthread_mutex_lock(&r->lock);
    while (r->n <= n && rc == 0)
        rc = pthread_cond_timedwait(&r->came, &r->lock, &until);
    (void)pthread_mutex_unlock(&r->lock);
    if (rc)
        fail_msg("mail %u did not come to the relay", n);
    return &r->letter[n];
}

unsigned relay_count(struct relay *r)
{
    unsigned n;

    (void)pthread_mutex_lock(&r->lock);
    n = r->n;
    (void)pthread_mutex_unlock(&r->lock);
    return n;
}

void relay_drop_next(struct relay *r)
{
    (void)pthread_mutex_lock(&r->lock);
    r->drop = true;
    (void)pthread_mutex_unlock(&r->lock);
}

/* The gateway has ended before: no peer is left. */
void relay_free(struct relay *r)
{
    (void)shutdown(r->listener, SHUT_RDWR);
    (void)pthread_join(r->thread, NULL);
    (void)close(r->listener);
    for (unsigned i = 0; i < r->n; i++)
        free(r->letter[i].data);
    free(r);
}

const char *letter_header(const struct letter_in *l, const char *name)
{
    static char out[8][4096];
    static unsigned next;
    char *to = out[next++ % 8];
    size_t k = strlen(name), n = 0;
    const char *line = l->data;

    *to = 0;
    while (line && *line && strncmp(line, "\r\n", 2) != 0) {
        const char *end = strstr(line, "\r\n");
        if (strncasecmp(line, name, k) == 0 && line[k] == ':') {
            for (line += k + 1; *line == ' '; line++)
                ;
            for (;;) {
                end = strstr(line, "\r\n");
                assert_non_null(end);
                assert_true(n + (size_t)(end - line) < sizeof out[0]);
                memcpy(to + n, line, (size_t)(end - line));
                n += (size_t)(end - line);
                if (end[2] != ' ' && end[2] != '\t')
                    break;
                line = end + 2;
            }
            to[n] = 0;
            return to;
        }
        line = end ? end + 2 : NULL;
    }
    return to;
}

/* ---- delivering ---------------------------------------------------------------------------- */

void lmtp_open(struct lmtp_client *c, const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    const struct timeval limit = {.tv_sec = DEADLINE_S};

    memset(c, 0, sizeof *c);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(strlen(path) < sizeof a.sun_path);
    (void)strcpy(a.sun_path, path);
    if (connect(c->fd, (struct sockaddr *)&a, sizeof a) != 0)
        fail_msg("%s: %s", path, strerror(errno));
    assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_memory_equal(lmtp_reply(c), "220 ", 4);
    lmtp_line(c, "LHLO mx.test");
    assert_memory_equal(lmtp_reply(c), "250", 3);
}

const char *lmtp_reply(struct lmtp_client *c)
{
    static char out[8][2048];
    static unsigned next;
    char *to = out[next++ % 8];
    size_t n = 0, start = 0;

    for (;;) {
        while (c->n) {
            assert_true(n + 1 < sizeof out[0]);
            to[n] = c->in[0];
            memmove(c->in, c->in + 1, --c->n);
            if (to[n++] != '\n')
                continue;
            if (n - start < 5 || to[start + 3] != '-') {
                to[n - 2] = 0;
                return to;
            }
            start = n;
        }
        ssize_t got = recv(c->fd, c->in, sizeof c->in, 0);
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            fail_msg("LMTP does not answer");
        if (got <= 0) {
            *to = 0;
            return to;
        }
        c->n = (size_t)got;
    }
}

void lmtp_say(struct lmtp_client *c, const char *bytes, size_t n)
{
    assert_int_equal(send(c->fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
}

void lmtp_line(struct lmtp_client *c, const char *fmt, ...)
{
    char line[1024];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof line - 2, fmt, ap);
    va_end(ap);
    memcpy(line + n, "\r\n", 2);
    lmtp_say(c, line, (size_t)n + 2);
}

void lmtp_close(struct lmtp_client *c)
{
    (void)close(c->fd);
}

const char *lmtp_deliver(const char *path, const char *from, const char *to, const char *mail)
{
    struct lmtp_client c;
    const char *reply;

    lmtp_open(&c, path);
    lmtp_line(&c, "MAIL FROM:<%s>", from);
    reply = lmtp_reply(&c);
    if (*reply == '2') {
        lmtp_line(&c, "RCPT TO:<%s>", to);
        reply = lmtp_reply(&c);
    }
    if (*reply == '2') {
        lmtp_line(&c, "DATA");
        reply = lmtp_reply(&c);
    }
    if (*reply == '3') {
        lmtp_say(&c, mail, strlen(mail));
        lmtp_say(&c, ".\r\n", 3);
        reply = lmtp_reply(&c);
    }
    lmtp_close(&c);
    return reply;
}
