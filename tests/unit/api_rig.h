/*
 * The API over real sockets, services and store; only the plugin host is played: this
 * file defines plug.h's channel functions, so that the real ones are not linked. One
 * thread: the client's sockets do not block, and the rig turns main's wheel.
 */
#ifndef TESTS_API_RIG_H
#define TESTS_API_RIG_H

#include "api/api.h"
#include "base/clock.h"
#include "base/str.h"
#include "services/access.h"
#include "services/delivery.h"
#include "services/outbox.h"
#include "services/messages.h"
#include "store/media.h"
#include <limits.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

struct rig {
    char dir[64], control[96];
    struct loop *loop;
    struct store *store;
    struct media_store *media;
    struct gateway gw;
    struct gw_channel ch;
    struct hilo_abilities able;
    struct delivery *delivery;
    struct api *api;
    struct log *log;
    FILE *logged;
    char key[64];
    unsigned commits;
    bool hold_commit; /* main does not come to commit */
};

/* ---- the plugin host, played ------------------------------------------------------- */
struct channel {
    enum channel_state state;
    int32_t request_code;
    uint64_t request;
    unsigned requests;
    int32_t send_code, fetch_code; /* HILO_OK: taken */
    struct hilo_id sent;           /* the last one taken */
    unsigned sends, fetches, revokes;
    struct hilo_id revoked; /* the last one */
    uint64_t job;           /* of the last fetch */
    char fetched[64];       /* and which */
    char method[16], url[128], body[256], header[256];
    uint32_t flags;
    uint64_t n_header;
    unsigned answers; /* of requests from within, and the last one */
    uint64_t answer_token;
    uint32_t answer_status;
    char answer_body[4096], answer_headers[512];
};
static struct channel rig_plug;

const char *channel_state_name(enum channel_state s)
{
    return s == CHANNEL_UP ? "up" : "other";
}
enum channel_state channel_state(const struct channel *c, struct hilo_str *text_out)
{
    if (text_out)
        *text_out = STR("");
    return c->state;
}
pid_t channel_pid(const struct channel *ch)
{
    (void)ch;
    return 0;
}

bool channel_isolated(const struct channel *c)
{
    return c->requests == UINT_MAX; /* never */
}
bool channel_runs(const struct channel *c)
{
    return channel_state(c, &(struct hilo_str){0}) == CHANNEL_UP;
}
void channel_stats(const struct channel *c, struct channel_stats *out)
{
    (void)c;
    *out = (struct channel_stats){.restarts = 3};
}
void channel_mended(struct channel *c)
{
    (void)c;
}
int32_t channel_request(struct channel *c, uint64_t request, const struct hilo_http *http)
{
    if (c->request_code != HILO_OK)
        return c->request_code;
    c->request = request;
    c->requests++;
    (void)snprintf(c->method, sizeof c->method, "%.*s", STR_FMT(http->method));
    (void)snprintf(c->url, sizeof c->url, "%.*s", STR_FMT(http->url));
    c->flags = http->flags;
    c->n_header = http->n_header;
    (void)snprintf(c->body, sizeof c->body, "%.*s", STR_FMT(http->body));
    c->header[0] = 0;
    for (uint64_t i = 0; i < http->n_header; i++)
        if (str_eqz(http->header[i].key, "X-Hub-Signature-256"))
            (void)snprintf(c->header, sizeof c->header, "%.*s", STR_FMT(http->header[i].val));
    return HILO_OK;
}
int32_t channel_send(struct channel *c, struct hilo_id id, struct hilo_str m)
{
    (void)m;
    if (c->send_code != HILO_OK)
        return c->send_code;
    c->sent = id;
    c->sends++;
    return HILO_OK;
}
void channel_revoke(struct channel *c, struct hilo_id id)
{
    c->revoked = id;
    c->revokes++;
}
void channel_committed(struct channel *c, uint64_t token, int32_t code)
{
    (void)c, (void)token, (void)code;
}
void channel_context(struct channel *c, uint64_t t, int32_t code, struct hilo_str v, uint64_t version)
{
    (void)c, (void)t, (void)code, (void)v, (void)version;
}
void channel_media(struct channel *c, uint64_t t, int32_t code, int fd, struct hilo_str m, struct hilo_str f,
                   uint64_t n)
{
    (void)c, (void)t, (void)code, (void)fd, (void)m, (void)f, (void)n;
}
int32_t channel_fetch(struct channel *c, uint64_t job, struct hilo_str m, struct hilo_str which, int fd)
{
    (void)m;
    (void)snprintf(c->fetched, sizeof c->fetched, "%.*s", STR_FMT(which));
    if (c->fetch_code != HILO_OK)
        return c->fetch_code;
    (void)close(fd);
    c->job = job;
    c->fetches++;
    return HILO_OK;
}
void channel_api_answer(struct channel *c, uint64_t token, int32_t code, const struct hilo_http *h)
{
    assert_int_equal(code, HILO_OK);
    c->answers++;
    c->answer_token = token;
    c->answer_status = h->status;
    (void)snprintf(c->answer_body, sizeof c->answer_body, "%.*s", STR_FMT(h->body));
    c->answer_headers[0] = 0;
    for (uint64_t i = 0; i < h->n_header; i++) {
        size_t n = strlen(c->answer_headers);
        (void)snprintf(c->answer_headers + n, sizeof c->answer_headers - n, "%.*s: %.*s\n",
                       STR_FMT(h->header[i].key), STR_FMT(h->header[i].val));
    }
}
void channel_flush(struct channel *c)
{
    (void)c;
}
void *channel_user(const struct channel *c)
{
    return (void)c, NULL;
}
const char *channel_name(const struct channel *c)
{
    return (void)c, "wa";
}

/* ---- the rig ------------------------------------------------------------------------ */
static void rig__tested(void *arg, uint64_t token, int32_t outcome, uint32_t status, const char *words,
                        int64_t us)
{
    api_webhook_tested(((struct rig *)arg)->api, token, outcome, status, words, us);
}

static struct rig *rig_new(void)
{
    struct rig *r = calloc(1, sizeof *r);
    struct err e = {0};
    struct fault f = {0};
    struct hilo_str secret;
    struct hilo_id id;

    (void)alarm(15); /* a hang is a failure, not a wait */
    memset(&rig_plug, 0, sizeof rig_plug);
    rig_plug.state = CHANNEL_UP;
    rig_plug.fetch_code = HILO_DOWN;
    (void)snprintf(r->dir, sizeof r->dir, "/tmp/hilo-api-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    (void)snprintf(r->control, sizeof r->control, "%s/control", r->dir);
    r->logged = tmpfile();
    r->log = log_new(fileno(r->logged), HILO_LOG_DEBUG);
    assert_int_equal(loop_new(&e, &r->loop), HILO_OK);
    char dir[96];
    (void)snprintf(dir, sizeof dir, "%s/store", r->dir);
    const struct store_options so = {
        .dir = dir, .segment_bytes = 8 << 20, .map_bytes = 64 << 20, .log = r->log};
    if (store_open(&so, &e, &r->store) != HILO_OK)
        fail_msg("%s", e.text);
    const struct media_options mo = {.dir = store_media_dir(r->store), .max_bytes = 100000, .log = r->log};
    assert_int_equal(media_store_open(&mo, &e, &r->media), HILO_OK);
    r->able = (struct hilo_abilities){.size = sizeof r->able,
                                      .contents = 1u << HILO_CONTENT_TEXT | 1u << HILO_CONTENT_CHOICES |
                                                  1u << HILO_CONTENT_SYSTEM,
                                      .schemes = 1u << HILO_SCHEME_PHONE | 1u << HILO_SCHEME_WHATSAPP,
                                      .text_max = 4096,
                                      .buttons_max = 3,
                                      .button_title_max = 20,
                                      .choice_id_max = 256,
                                      .body_max = 1024,
                                      .flags = HILO_ABLE_QUOTE};
    r->ch = (struct gw_channel){.gateway = &r->gw,
                                .name = STR("wa"),
                                .type = STR("whatsapp"),
                                .plug = &rig_plug,
                                .able = &r->able,
                                .provides = HILO_CAN_SEND | HILO_CAN_RECEIVE | HILO_CAN_REQUEST,
                                .account = STR("acct"),
                                .max_attempts = 3,
                                .retry_min_us = 1000000,
                                .retry_max_us = 60000000,
                                .queue_max = 1000};
    r->gw = (struct gateway){.store = r->store,
                             .media = r->media,
                             .log = r->log,
                             .loop = r->loop,
                             .arena = arena_new(),
                             .channels = &r->ch,
                             .name = STR("test"),
                             .language = STR("es"),
                             .public_url = STR("https://hilo.example"),
                             .expires_us = INT64_C(86400000000),
                             .parts_wait_us = INT64_C(86400000000),
                             .media_max_bytes = 100000,
                             .link_life_us = INT64_C(3600000000),
                             .started_us = clock_wall_us(),
                             .config_file = "test.yaml"};
    assert_int_equal(delivery_new(&r->gw, &e, &r->delivery), HILO_OK);
    const struct outbox_options webhooks = {
        .gw = &r->gw, .timeout_us = 1000000, .connections = 4, .tested = rig__tested, .arg = r};
    assert_int_equal(outbox_new(&webhooks, &e, &r->gw.outbox), HILO_OK);
    const struct api_options ao = {.gateway = &r->gw,
                                   .listen = STR("127.0.0.1:0"),
                                   .control = str(r->control),
                                   .body_max_bytes = 65536,
                                   .hook_max_bytes = 1 << 20,
                                   .connections_max = 600,
                                   .connections_per_ip_max = 600,
                                   .idle_timeout_us = 60000000,
                                   .streams_max = 8};
    if (api_new(&ao, &e, &r->api) != HILO_OK)
        fail_msg("%s", e.text);
    store_begin(r->store);
    assert_int_equal(access_key_create(&r->gw, &actor_core, STR("test"), SCOPE_ALL & ~SCOPE_KEYS_WRITE,
                                       r->gw.arena, &secret, &id, &f),
                     0);
    store_end(r->store);
    assert_int_equal(store_commit(r->store, &e), HILO_OK);
    (void)snprintf(r->key, sizeof r->key, "%.*s", STR_FMT(secret));
    return r;
}

static int rig__rm(const char *path, const struct stat *st, int type, struct FTW *w)
{
    (void)st, (void)type, (void)w;
    return remove(path);
}

static void rig_free(struct rig *r)
{
    api_free(&r->api);
    outbox_free(&r->gw.outbox);
    delivery_free(&r->delivery);
    media_store_close(&r->media);
    store_close(&r->store);
    loop_free(&r->loop);
    log_free(&r->log);
    (void)fclose(r->logged);
    arena_free(&r->gw.arena);
    (void)nftw(r->dir, rig__rm, 16, FTW_DEPTH | FTW_PHYS);
    free(r);
}

/* Main's wheel, once, without sleeping. */
static void rig_turn(struct rig *r)
{
    struct err e = {0};

    while (loop_run(r->loop, false) > 0 && api_waiting(r->api) < API_BATCH)
        ;
    if (r->hold_commit)
        return;
    assert_int_equal(delivery_claim(r->delivery, &e), HILO_OK);
    if (store_seq(r->store) > store_synced(r->store)) {
        assert_int_equal(store_commit(r->store, &e), HILO_OK);
        r->commits++;
    }
    api_answer(r->api);
    delivery_dispatch(r->delivery);
    (void)store_tick(r->store);
    arena_reset(r->gw.arena);
}

/* ---- a client ------------------------------------------------------------------------- */
struct reply {
    unsigned status;
    size_t n, body_n;
    char *body, text[300000]; /* headers, a NUL, and the body */
};

static int rig_connect(struct rig *r)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(api_port(r->api)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    /* A body follows its head at once, not after a delayed acknowledgement. */
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

__attribute__((unused)) static int rig_connect_control(struct rig *r)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(to.sun_path, sizeof to.sun_path, "%s", r->control);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static void rig_put(struct rig *r, int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t w = send(fd, p, n, MSG_NOSIGNAL);
        if (w < 0 && errno == EAGAIN) {
            rig_turn(r);
            continue;
        }
        if (w < 0)
            return; /* the peer has had enough: its answer says why */
        p += w;
        n -= (size_t)w;
    }
}

/* One whole answer if it is there; turns nothing. */
static bool rig_peek(int fd, struct reply *a, bool head)
{
    char *end, *length;
    ssize_t got = recv(fd, a->text + a->n, sizeof a->text - 1 - a->n, MSG_DONTWAIT);
    size_t want = 0;

    if (got > 0)
        a->n += (size_t)got;
    a->text[a->n] = 0;
    end = strstr(a->text, "\r\n\r\n");
    if (!end) {
        assert_int_not_equal(got, 0); /* closed without an answer */
        return false;
    }
    length = strstr(a->text, "Content-Length: ");
    if (length && length < end)
        want = strtoul(length + 16, NULL, 10);
    if (head)
        want = 0;
    if (a->n < (size_t)(end + 4 - a->text) + want)
        return false;
    *end = 0;
    a->body = end + 4;
    a->body_n = want;
    assert_int_equal(sscanf(a->text, "HTTP/1.1 %u", &a->status), 1);
    return true;
}

static void rig_get(struct rig *r, int fd, struct reply *a)
{
    memset(a, 0, sizeof *a);
    while (!rig_peek(fd, a, false))
        rig_turn(r);
}

/* A request's bytes. headers: lines, each with its \r\n; r->key goes along unless it is empty. */
static void rig_ask(struct rig *r, int fd, const char *method, const char *path, const char *headers,
                    const char *body, size_t n)
{
    char head[2048];
    bool key = r->key[0] != 0;
    int h = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: t\r\n%s%s%s%s", method, path,
                     key ? "Authorization: Bearer " : "", r->key, key ? "\r\n" : "", headers);

    if (body)
        h += snprintf(head + h, sizeof head - (size_t)h, "Content-Length: %zu\r\n", n);
    h += snprintf(head + h, sizeof head - (size_t)h, "\r\n");
    rig_put(r, fd, head, (size_t)h);
    if (body)
        rig_put(r, fd, body, n);
}

#define JSON_TYPE "Content-Type: application/json\r\n"
/* Not every test file calls all of this. */
#define RIG_MAYBE __attribute__((unused))
RIG_MAYBE static unsigned rig_call(struct rig *r, const char *method, const char *path, const char *headers,
                                   const char *body, struct reply *a)
{
    int fd = rig_connect(r);

    rig_ask(r, fd, method, path, headers, body, body ? strlen(body) : 0);
    rig_get(r, fd, a);
    (void)close(fd);
    return a->status;
}
RIG_MAYBE static unsigned rig_post(struct rig *r, const char *path, const char *body, struct reply *a)
{
    return rig_call(r, "POST", path, JSON_TYPE, body, a);
}

#define assert_has(text, part)                                                                               \
    do {                                                                                                     \
        if (!strstr((text), (part)))                                                                         \
            fail_msg("%s\nis not in\n%s", (part), (text));                                                   \
    } while (0)
#define assert_hasnt(text, part)                                                                             \
    do {                                                                                                     \
        if (strstr((text), (part)))                                                                          \
            fail_msg("%s\nis in\n%s", (part), (text));                                                       \
    } while (0)

/* The string value of "name":"…", from the body. */
RIG_MAYBE static const char *rig_value(const struct reply *a, const char *name, char out[128])
{
    char pattern[64];
    const char *p;

    (void)snprintf(pattern, sizeof pattern, "\"%s\":\"", name);
    p = strstr(a->body, pattern);
    if (!p)
        fail_msg("no %s in %s", name, a->body);
    (void)snprintf(out, 128, "%.*s", (int)strcspn(p + strlen(pattern), "\""), p + strlen(pattern));
    return out;
}

#endif
