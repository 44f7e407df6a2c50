/*
 * So many tills that say hello and are silent, until the gateway goes away: then each comes back as
 * PROTOCOL.md says (at random within a second, doubling), resumes its session, and records a visit, again
 * with the same id until that has a result.
 *
 *   bench_pos_idle POS_PORT HTTP_PORT API_KEY TILLS CUSTOMER
 *
 * Prints enrolled=, idle=; after the restart back= (µs since the line was lost, of the first, the median and
 * the last), tries= (of connections) and refused= (visits that were answered by an error other than "again").
 */
#include "bench_pos.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>

enum state { AWAY, SHAKING, GREETING, IDLE, VISITING, BACK };
struct idle {
    X509 *cert;
    SSL *ssl;
    SSL_SESSION *session;
    int fd;
    enum state state;
    uint64_t at_us; /* AWAY, VISITING: when to try again */
    unsigned backoff_ms;
    bool lost; /* the restart has reached it */
};

static struct idle *idle;
static unsigned n, tries, refused, back;
static int ep, port;
static SSL_CTX *ctx;
static EVP_PKEY *key;
static const char *customer;
static uint64_t lost_us, *back_us;

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct idle *t = SSL_get_app_data(ssl);

    SSL_SESSION_free(t->session);
    t->session = session;
    return 1;
}

static void away(struct idle *t)
{
    if (t->state >= IDLE && !t->lost) {
        if (!lost_us)
            lost_us = now_us();
        t->lost = true;
    }
    SSL_free(t->ssl);
    if (t->fd >= 0)
        (void)close(t->fd);
    t->ssl = NULL;
    t->fd = -1;
    t->state = AWAY;
    t->backoff_ms = t->backoff_ms == 0 ? 1000 : t->backoff_ms < 30000 ? 2 * t->backoff_ms : 60000;
    t->at_us = now_us() + (uint64_t)rand() % t->backoff_ms * 1000;
}

static void come(struct idle *t)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = t};

    tries++;
    t->fd = pos_connect(port);
    if (t->fd < 0) {
        away(t);
        return;
    }
    (void)fcntl(t->fd, F_SETFL, O_NONBLOCK);
    t->ssl = pos_ssl(ctx, t->fd, "hilo-pos/1");
    (void)SSL_set_app_data(t->ssl, t);
    if (SSL_use_certificate(t->ssl, t->cert) != 1 || SSL_use_PrivateKey(t->ssl, key) != 1)
        die("the certificate");
    if (t->session)
        (void)SSL_set_session(t->ssl, t->session);
    t->state = SHAKING;
    if (epoll_ctl(ep, EPOLL_CTL_ADD, t->fd, &e) != 0)
        die("epoll");
}

static void say(struct idle *t, const char *text)
{
    /* Frames this short always fit. */
    if (SSL_write(t->ssl, text, (int)strlen(text)) <= 0)
        away(t);
}

static void visit(struct idle *t)
{
    char text[512];

    (void)snprintf(
        text, sizeof text,
        "{\"jsonrpc\":\"2.0\",\"id\":\"visit-1\",\"method\":\"visit.record\",\"params\":{\"customer\":\"%s\","
        "\"purpose\":\"bench\",\"clerk\":\"ana\"}}\n",
        customer);
    t->state = VISITING;
    t->at_us = UINT64_MAX;
    say(t, text);
}

static void frame(struct idle *t, char *line)
{
    char *id;

    if (strstr(line, "\"method\":")) {
        char text[256];

        id = strstr(line, "\"id\":\"");
        (void)snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":\"%.*s\",\"result\":{}}\n",
                       id ? (int)strcspn(id + 6, "\"") : 0, id ? id + 6 : "");
        say(t, text);
    } else if (t->state == GREETING && strstr(line, "\"result\":")) {
        t->state = IDLE;
        t->backoff_ms = 0;
        if (t->lost)
            visit(t);
    } else if (t->state == VISITING && strstr(line, "\"result\":")) {
        t->state = BACK;
        back_us[back++] = now_us() - lost_us;
    } else if (t->state == VISITING && strstr(line, "-32000")) {
        t->at_us = now_us() + 500000;
    } else {
        refused++;
        (void)fprintf(stderr, "bench_pos: %s\n", line);
        t->state = BACK;
        back_us[back++] = now_us() - lost_us;
    }
}

static void work(struct idle *t)
{
    static char in[65536 + 1];
    size_t got;
    int rc;

    if (t->state == SHAKING) {
        rc = SSL_do_handshake(t->ssl);
        if (rc != 1) {
            rc = SSL_get_error(t->ssl, rc);
            if (rc != SSL_ERROR_WANT_READ && rc != SSL_ERROR_WANT_WRITE)
                away(t);
            ERR_clear_error();
            return;
        }
        t->state = GREETING;
        say(t, "{\"jsonrpc\":\"2.0\",\"id\":\"h\",\"method\":\"hello\",\"params\":{\"protocol\":1,"
               "\"software\":\"idle\"}}\n");
    }
    /* An answer comes in one record, and is read in one piece. */
    while (t->ssl && (rc = SSL_read_ex(t->ssl, in, sizeof in - 1, &got)) == 1) {
        in[got] = 0;
        for (char *save = NULL, *line = strtok_r(in, "\n", &save); line && t->ssl;
             line = strtok_r(NULL, "\n", &save))
            frame(t, line);
    }
    if (t->ssl && SSL_get_error(t->ssl, rc) != SSL_ERROR_WANT_READ)
        away(t);
    ERR_clear_error();
}

static unsigned count(enum state state)
{
    unsigned c = 0;

    for (unsigned i = 0; i < n; i++)
        c += idle[i].state == state ? 1 : 0;
    return c;
}

/* Until as many are in this state as there are. at_once: handshakes that may be under way. */
static void until_all(enum state state, unsigned at_once)
{
    struct epoll_event e[256];

    while (count(state) < n) {
        unsigned open = count(SHAKING) + count(GREETING);
        uint64_t now = now_us();
        int got;

        for (unsigned i = 0; i < n; i++) {
            if (idle[i].state == AWAY && idle[i].at_us <= now && open < at_once) {
                come(&idle[i]);
                open++;
            } else if (idle[i].state == VISITING && idle[i].at_us <= now) {
                visit(&idle[i]);
            }
        }
        got = epoll_wait(ep, e, 256, 10);
        for (int i = 0; i < got; i++)
            if (((struct idle *)e[i].data.ptr)->ssl)
                work(e[i].data.ptr);
    }
}

static int by_time(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

int main(int argc, char **argv)
{
    uint64_t began = now_us();

    if (argc != 6)
        die("usage: bench_pos_idle POS_PORT HTTP_PORT API_KEY TILLS CUSTOMER");
    (void)signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to lines that the gateway has ended */
    port = atoi(argv[1]);
    n = (unsigned)atoi(argv[4]);
    customer = argv[5];
    idle = calloc(n, sizeof *idle);
    back_us = calloc(n, sizeof *back_us);
    key = EVP_EC_gen("P-256"); /* one for all: what is measured is not how keys are made */
    ctx = pos_context();
    ep = epoll_create1(EPOLL_CLOEXEC);
    if (!idle || !back_us || !key || ep < 0)
        die("no memory");
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    for (unsigned i = 0; i < n; i++) {
        char store[32];

        (void)snprintf(store, sizeof store, "S%u", i / 50);
        idle[i].fd = -1;
        idle[i].cert = pos_enroll(ctx, port, atoi(argv[2]), argv[3], store, i % 50, key);
    }
    printf("enrolled=%u us=%lu\n", n, (unsigned long)(now_us() - began));
    (void)fflush(stdout);
    if (getchar() == EOF)
        return 1;
    began = now_us();
    until_all(IDLE, 64);
    printf("idle=%u us=%lu\n", n, (unsigned long)(now_us() - began));
    (void)fflush(stdout);
    tries = 0;
    until_all(BACK, n);
    qsort(back_us, n, sizeof *back_us, by_time);
    printf("back=%u first=%lu median=%lu last=%lu tries=%u refused=%u\n", back, (unsigned long)back_us[0],
           (unsigned long)back_us[n / 2], (unsigned long)back_us[n - 1], tries, refused);
    return 0;
}
