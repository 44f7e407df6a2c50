/* The sink of tests (hooksink.h). */
#include "hooksink.h"
#include "harness.h"
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { HOOKS_MAX = 20000, CONNECTIONS_MAX = 2000 };

struct hooksink {
    int fd, port;
    char url[64];
    hook_decide_fn *decide;
    void *arg;
    pthread_t acceptor;
    pthread_mutex_t lock; /* what follows */
    pthread_cond_t changed;
    struct hook *hook[HOOKS_MAX];
    unsigned n, n_ok, n_events;
    bool go, ending;
    pthread_t thread[CONNECTIONS_MAX];
    int conn[CONNECTIONS_MAX];
    unsigned n_conn;
};

struct one {
    struct hooksink *s;
    int fd;
    unsigned number;
};

static int64_t mono_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void take_header(const char *head, const char *name, char *out, size_t cap)
{
    const char *p = strcasestr(head, name);
    size_t n;

    out[0] = '\0';
    if (!p)
        return;
    p += strlen(name);
    p += strspn(p, " ");
    n = strcspn(p, "\r\n");
    assert_true(n < cap);
    memcpy(out, p, n);
    out[n] = '\0';
}

static struct hook *hook_parse(const char *head, const char *body, size_t n, unsigned number)
{
    struct hook *h = calloc(1, sizeof *h);
    const cJSON *v;

    assert_non_null(h);
    assert_int_equal(sscanf(head, "POST %127s HTTP/1.1\r\n", h->path), 1);
    take_header(head, "\r\nwebhook-id:", h->id, sizeof h->id);
    take_header(head, "\r\nwebhook-timestamp:", h->timestamp, sizeof h->timestamp);
    take_header(head, "\r\nwebhook-signature:", h->signature, sizeof h->signature);
    take_header(head, "\r\nContent-Type:", h->type, sizeof h->type);
    take_header(head, "\r\nHost:", h->host, sizeof h->host);
    h->body = strndup(body, n);
    h->json = cJSON_Parse(h->body);
    assert_non_null(h->json);
    v = cJSON_GetObjectItem(h->json, "partitionkey");
    h->customer = v ? v->valuestring : "";
    v = cJSON_GetObjectItem(h->json, "type");
    h->event = v ? v->valuestring : "";
    h->connection = number;
    h->came_us = mono_us();
    return h;
}

/* false: the connection is over. */
static bool answer(struct one *o, struct hook *h)
{
    struct hooksink *s = o->s;
    struct hook_answer a = {.status = 200};
    char text[1024];
    unsigned nth = 0;
    bool known = false, cut;
    int n;

    pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < s->n; i++)
        nth += strcmp(s->hook[i]->id, h->id) == 0;
    if (s->decide)
        a = s->decide(s->arg, h, nth);
    assert_true(s->n < HOOKS_MAX);
    s->hook[s->n++] = h;
    pthread_cond_broadcast(&s->changed);
    while (a.status < 0 && !s->go && !s->ending)
        pthread_cond_wait(&s->changed, &s->lock);
    if (a.status < 0)
        a.status = s->ending ? 0 : 200;
    cut = s->ending || a.status == 0;
    pthread_mutex_unlock(&s->lock);
    if (cut)
        return false;
    n = snprintf(text, sizeof text, "HTTP/1.1 %d Text\r\n%s%s%s\r\n%s", a.status, a.header ? a.header : "",
                 a.close ? "Connection: close\r\n" : "",
                 a.chunked ? "Transfer-Encoding: chunked\r\n" : "Content-Length: 5\r\n",
                 a.chunked ? "2\r\nok\r\n3;x=y\r\nay!\r\n0\r\n\r\n" : "ok-ay");
    if (a.half)
        n = 20;
    /* Counted before the peer can know, so that a wait for what it does next finds it counted. */
    pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < s->n; i++)
        known |= strcmp(s->hook[i]->id, h->id) == 0 && s->hook[i]->answered / 100 == 2;
    h->answered = a.half ? 0 : a.status;
    if (!a.half && a.status / 100 == 2) {
        s->n_ok++;
        s->n_events += !known;
    }
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return send(o->fd, text, (size_t)n, MSG_NOSIGNAL) == n && !a.half && !a.close;
}

static void *connection(void *arg)
{
    struct one *o = arg;
    char *in = malloc(1 << 20);
    size_t n = 0;
    bool on = true;

    while (on) {
        char *end = n ? memmem(in, n, "\r\n\r\n", 4) : NULL;
        char length[32];
        size_t body = 0, head = 0;
        if (end) {
            head = (size_t)(end - in) + 4;
            end[2] = '\0'; /* the head ends in one line end */
            take_header(in, "\r\nContent-Length:", length, sizeof length);
            body = (size_t)atoi(length);
        }
        if (end && n >= head + body) {
            on = answer(o, hook_parse(in, in + head, body, o->number));
            memmove(in, in + head + body, n - head - body);
            n -= head + body;
            continue;
        }
        if (end)
            end[2] = '\r';
        ssize_t got = recv(o->fd, in + n, (1 << 20) - n, 0);
        on = got > 0;
        n += got > 0 ? (size_t)got : 0;
    }
    shutdown(o->fd, SHUT_RDWR);
    free(in);
    free(o);
    return NULL;
}

static void *acceptor(void *arg)
{
    struct hooksink *s = arg;
    int fd;

    while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
        struct one *o = calloc(1, sizeof *o);
        o->s = s;
        o->fd = fd;
        pthread_mutex_lock(&s->lock);
        assert_true(s->n_conn < CONNECTIONS_MAX);
        o->number = s->n_conn + 1;
        s->conn[s->n_conn] = fd;
        pthread_create(&s->thread[s->n_conn++], NULL, connection, o);
        pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

struct hooksink *hooksink_start(int port, hook_decide_fn *decide, void *arg)
{
    struct hooksink *s = calloc(1, sizeof *s);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t n = sizeof a;
    int one = 1;

    assert_non_null(s);
    s->decide = decide;
    s->arg = arg;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(s->fd, 512), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &n), 0);
    s->port = ntohs(a.sin_port);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d/hooks", s->port);
    pthread_create(&s->acceptor, NULL, acceptor, s);
    return s;
}

void hooksink_stop(struct hooksink **sp)
{
    struct hooksink *s = *sp;

    if (!s)
        return;
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->acceptor, NULL);
    close(s->fd);
    pthread_mutex_lock(&s->lock);
    s->ending = true;
    pthread_cond_broadcast(&s->changed);
    for (unsigned i = 0; i < s->n_conn; i++)
        shutdown(s->conn[i], SHUT_RDWR);
    pthread_mutex_unlock(&s->lock);
    for (unsigned i = 0; i < s->n_conn; i++) {
        pthread_join(s->thread[i], NULL);
        close(s->conn[i]);
    }
    for (unsigned i = 0; i < s->n; i++) {
        cJSON_Delete(s->hook[i]->json);
        free(s->hook[i]->body);
        free(s->hook[i]);
    }
    free(s);
    *sp = NULL;
}

const char *hooksink_url(const struct hooksink *s)
{
    return s->url;
}
int hooksink_port(const struct hooksink *s)
{
    return s->port;
}

void hooksink_go(struct hooksink *s)
{
    pthread_mutex_lock(&s->lock);
    s->go = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void wait_for(struct hooksink *s, const unsigned *count, unsigned n, const char *what)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    pthread_mutex_lock(&s->lock);
    while (*count < n)
        if (pthread_cond_timedwait(&s->changed, &s->lock, &until) != 0) {
            unsigned had = *count;
            pthread_mutex_unlock(&s->lock);
            fail_msg("only %u of %u %s", had, n, what);
        }
    pthread_mutex_unlock(&s->lock);
}

void hooksink_wait_ok(struct hooksink *s, unsigned n)
{
    wait_for(s, &s->n_ok, n, "webhooks were taken");
}
void hooksink_wait_came(struct hooksink *s, unsigned n)
{
    wait_for(s, &s->n, n, "webhooks came");
}
void hooksink_wait_events(struct hooksink *s, unsigned n)
{
    wait_for(s, &s->n_events, n, "events were taken");
}

unsigned hooksink_came(struct hooksink *s)
{
    unsigned n;

    pthread_mutex_lock(&s->lock);
    n = s->n;
    pthread_mutex_unlock(&s->lock);
    return n;
}

const struct hook *hooksink_get(struct hooksink *s, unsigned nth)
{
    const struct hook *h;

    pthread_mutex_lock(&s->lock);
    assert_true(nth < s->n);
    h = s->hook[nth];
    pthread_mutex_unlock(&s->lock);
    return h;
}

bool hook_signed_by(const struct hook *h, const char *secret)
{
    unsigned char key[64], mac[32];
    char base64[64], text[80];
    char *signed_text = NULL;
    unsigned mac_n = sizeof mac;
    int n = EVP_DecodeBlock(key, (const unsigned char *)secret + 6, (int)strlen(secret) - 6);

    assert_int_equal(strncmp(secret, "whsec_", 6), 0);
    assert_int_equal(n, 33); /* 32 bytes, and one that the padding stands for */
    assert_true(asprintf(&signed_text, "%s.%s.%s", h->id, h->timestamp, h->body) > 0);
    assert_non_null(
        HMAC(EVP_sha256(), key, 32, (unsigned char *)signed_text, strlen(signed_text), mac, &mac_n));
    free(signed_text);
    assert_int_equal(EVP_EncodeBlock((unsigned char *)base64, mac, 32), 44);
    snprintf(text, sizeof text, "v1,%s", base64);
    return strstr(h->signature, text) != NULL;
}
