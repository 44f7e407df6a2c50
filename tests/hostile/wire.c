/* See wire.h. Limits: an answer of 64 MiB. */
#include "wire.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

enum { ANSWER_MAX = 64 << 20 };

/* ---- bytes ---- */

static void bytes_room(struct bytes *b, size_t n)
{
    if (b->n + n + 1 > b->cap) {
        b->cap = 2 * (b->n + n + 1);
        b->p = realloc(b->p, b->cap);
        assert_non_null(b->p);
    }
}

void bytes_add(struct bytes *b, const void *p, size_t n)
{
    bytes_room(b, n);
    memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = 0;
}

void bytes_fmt(struct bytes *b, const char *fmt, ...)
{
    va_list ap;
    char *text;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&text, fmt, ap);
    va_end(ap);
    assert_true(n >= 0);
    bytes_add(b, text, (size_t)n);
    free(text);
}

void bytes_repeat(struct bytes *b, const char *unit, size_t times)
{
    size_t n = strlen(unit);

    bytes_room(b, n * times);
    while (times-- > 0)
        bytes_add(b, unit, n);
}

void bytes_clear(struct bytes *b)
{
    b->n = 0;
}

void bytes_done(struct bytes *b)
{
    free(b->p);
    memset(b, 0, sizeof *b);
}

/* ---- a connection ---- */

static void wire_make(struct wire *w, int family, const void *address, socklen_t n)
{
    const struct timeval limit = {.tv_sec = DEADLINE_S};

    memset(w, 0, sizeof *w);
    w->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(w->fd >= 0);
    assert_int_equal(setsockopt(w->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(setsockopt(w->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(connect(w->fd, address, n), 0);
}

void wire_open(struct wire *w, const struct gate *g)
{
    const struct sockaddr_in a = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)g->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    wire_make(w, AF_INET, &a, sizeof a);
}

void wire_open_control(struct wire *w, const struct gate *g)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    const char *path = scratch_path(g->scratch, "data/control.sock");

    assert_true(strlen(path) < sizeof a.sun_path);
    memcpy(a.sun_path, path, strlen(path));
    wire_make(w, AF_UNIX, &a, sizeof a);
}

void wire_put(struct wire *w, const void *p, size_t n)
{
    const char *c = p;

    while (n > 0) {
        ssize_t sent = send(w->fd, c, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        assert_true(sent > 0 || errno == EPIPE || errno == ECONNRESET);
        if (sent <= 0)
            return;
        c += sent;
        n -= (size_t)sent;
    }
}

void wire_puts(struct wire *w, const char *text)
{
    wire_put(w, text, strlen(text));
}

/* false: the peer has closed. */
static bool wire_more(struct wire *w)
{
    ssize_t got;

    assert_true(w->n < ANSWER_MAX);
    w->in = realloc(w->in, w->n + 65536 + 1);
    assert_non_null(w->in);
    do
        got = recv(w->fd, w->in + w->n, 65536, 0);
    while (got < 0 && errno == EINTR);
    assert_true(got >= 0 || errno == ECONNRESET); /* else: the deadline */
    if (got <= 0)
        return false;
    w->n += (size_t)got;
    w->in[w->n] = 0;
    return true;
}

struct reply wire_reply(struct wire *w, bool head_only)
{
    struct reply r = {0};
    const char *length;
    char *end;
    size_t head;

    for (;;) {
        while (!w->in || !(end = memmem(w->in + w->at, w->n - w->at, "\r\n\r\n", 4)))
            if (!wire_more(w))
                return r;
        head = (size_t)(end - (w->in + w->at)) + 4;
        assert_int_equal(sscanf(w->in + w->at, "HTTP/1.%*1[01] %3ld", &r.status), 1);
        if (r.status != 100)
            break;
        r.continues++;
        w->at += head;
    }
    w->in[w->at + head - 1] = 0;
    length = strcasestr(w->in + w->at, "\ncontent-length:");
    if (length && !head_only && r.status != 204)
        r.n = strtoul(length + 16, NULL, 10);
    while (w->n - w->at - head < r.n)
        if (!wire_more(w))
            fail_msg("an answer ended in the middle of its body");
    r.head = w->in + w->at;
    r.body = r.head + head;
    w->at += head + r.n;
    return r;
}

void wire_shut(struct wire *w)
{
    (void)shutdown(w->fd, SHUT_WR);
}

void wire_wait_end(struct wire *w)
{
    while (wire_more(w))
        ;
}

void wire_close(struct wire *w)
{
    (void)close(w->fd);
    free(w->in);
    memset(w, 0, sizeof *w);
    w->fd = -1;
}

static bool has(const char *p, size_t n, const char *words)
{
    return p && memmem(p, n, words, strlen(words)) != NULL;
}

void reply_is(const struct reply *r, const char *what, long status, const char *code)
{
    char member[80];
    bool good = r->status == status;

    (void)snprintf(member, sizeof member, "\"code\":\"%s\"", code ? code : "");
    if (good && code)
        good = has(r->body, r->n, member) && strstr(r->head, "application/problem+json");
    if (!good)
        print_message("%s: expected %ld %s, came %ld: %.*s\n", what, status, code ? code : "", r->status,
                      (int)(r->n < 500 ? r->n : 500), r->body ? r->body : "");
    assert_true(good);
}

void wire_expect(const struct gate *g, const char *what, const void *request, size_t n, long status,
                 const char *code)
{
    struct wire w;

    wire_open(&w, g);
    wire_put(&w, request, n);
    const struct reply r = wire_reply(&w, false);
    reply_is(&r, what, status, code);
    wire_close(&w);
}

/* ---- the gateway ---- */

void hostile_up(struct world *w, const char *http, const char *store)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)snprintf(w->gate.extra_http, sizeof w->gate.extra_http, "%s", http ? http : "");
    (void)snprintf(w->gate.extra_store, sizeof w->gate.extra_store, "%s", store ? store : "");
    world_up(w, NULL, NULL);
}

void hostile_alive(struct world *w)
{
    struct wire c;

    wire_open(&c, &w->gate);
    wire_puts(&c, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const struct reply r = wire_reply(&c, false);
    reply_is(&r, "GET /healthz", 200, NULL);
    wire_wait_end(&c); /* the gateway counts it no more */
    wire_close(&c);
}

void hostile_down(struct world *w, const char *const *secrets)
{
    static const char *const reports[] = {"AddressSanitizer", "LeakSanitizer", "runtime error:", NULL};
    int status;

    hostile_alive(w);
    process_signal(w->gate.process, SIGTERM);
    status = process_wait(w->gate.process);
    for (unsigned i = 0; reports[i]; i++)
        if (process_saw(w->gate.process, reports[i]))
            fail_msg("the gateway's log has \"%s\"", reports[i]);
    assert_int_equal(status, 0);
    for (; secrets && *secrets; secrets++)
        if (process_saw(w->gate.process, *secrets))
            fail_msg("the gateway's log has \"%s\"", *secrets);
    assert_false(process_saw(w->gate.process, w->gate.key));
    process_free(&w->gate.process);
    world_down(w);
}

unsigned hostile_count(struct world *w, const char *phone)
{
    struct answer a = gate_post(&w->gate, "/v1/customers/search", "{\"phone\":\"%s\"}", phone);
    char id[64] = "", cursor[1024] = "";
    unsigned n = 0;

    assert_int_equal(a.status, 200);
    if (cJSON_GetArraySize(json_at(a.json, "customers")) > 0)
        (void)snprintf(id, sizeof id, "%s", answer_str(&a, "customers/0/id"));
    answer_done(&a);
    while (id[0]) {
        a = gate_get(&w->gate, "/v1/customers/%s/timeline?limit=200%s%s", id, cursor[0] ? "&cursor=" : "",
                     cursor);
        assert_int_equal(a.status, 200);
        n += (unsigned)cJSON_GetArraySize(json_at(a.json, "messages"));
        const char *next = answer_str(&a, "next");
        (void)snprintf(cursor, sizeof cursor, "%s", next ? next : "");
        answer_done(&a);
        if (!cursor[0])
            break;
    }
    return n;
}

bool json_replace_nth(cJSON *tree, unsigned nth, const char *value)
{
    cJSON *stack[64] = {tree}, *child, *other;
    unsigned n = 1;

    assert_non_null(tree);
    while (n > 0) {
        cJSON *parent = stack[--n];
        cJSON_ArrayForEach(child, parent)
        {
            if (nth-- == 0) {
                other = cJSON_CreateRaw(value); /* as it is, good or not */
                assert_non_null(other);
                return cJSON_ReplaceItemViaPointer(parent, child, other) != 0;
            }
            if (cJSON_IsObject(child) || cJSON_IsArray(child)) {
                assert_true(n < 64);
                stack[n++] = child;
            }
        }
    }
    return false;
}
