/*
 * Bytes of an HTTP client, through the library, to the answers: first lines, headers,
 * framing, bearer keys, idempotency keys, queries, cursors, ids and tokens in paths, bodies,
 * several requests on one connection. The first byte says by which door: the listener, with
 * "hilo_KEY" standing for a good key, or the control socket, whose peer needs none, or ('i') from
 * within, as a channel's plugin asks: method, space, URL, and on lines of their own an
 * Idempotency-Key, and the body.
 *
 * What must hold: no answer is 500, whatever was asked; afterwards nothing waits, and the
 * next client is served.
 */
#include "api/api.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "services/access.h"
#include "services/delivery.h"
#include "services/outbox.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { RUNS_A_STORE = 20000, TURNS_MAX = 2000 };

static struct { /* a fuzzer has one thread and many inputs */
    char dir[64], control[96], store_dir[96], key[64];
    struct loop *loop;
    struct store *store;
    struct media_store *media;
    struct gateway gw;
    struct gw_channel ch;
    struct delivery *delivery;
    struct api *api;
    unsigned runs;
    uint64_t asked, answers; /* from within */
} g;

static int forget(const char *path, const struct stat *st, int type, struct FTW *w)
{
    (void)st, (void)type, (void)w;
    return remove(path);
}

static void down(void)
{
    api_free(&g.api);
    outbox_free(&g.gw.outbox);
    delivery_free(&g.delivery);
    media_store_close(&g.media);
    store_close(&g.store);
    loop_free(&g.loop);
    arena_free(&g.gw.arena);
    (void)nftw(g.dir, forget, 16, FTW_DEPTH | FTW_PHYS);
    memset(&g, 0, sizeof g);
}

static void tested(void *arg, uint64_t token, int32_t outcome, uint32_t status, const char *words, int64_t us)
{
    (void)arg;
    api_webhook_tested(g.api, token, outcome, status, words, us);
}

static void up(void)
{
    static const struct hilo_abilities able = {.size = sizeof able};
    static bool registered;
    struct err e = {0};
    struct fault f = {0};
    struct hilo_str secret;
    struct hilo_id id;

    (void)snprintf(g.dir, sizeof g.dir, "%s/hilo-fuzz-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    CHECK(mkdtemp(g.dir));
    (void)snprintf(g.control, sizeof g.control, "%s/control", g.dir);
    (void)snprintf(g.store_dir, sizeof g.store_dir, "%s/store", g.dir);
    CHECK(loop_new(&e, &g.loop) == HILO_OK);
    const struct store_options so = {.dir = g.store_dir, .segment_bytes = 8 << 20, .map_bytes = 256 << 20};
    CHECK(store_open(&so, &e, &g.store) == HILO_OK);
    const struct media_options mo = {.dir = store_media_dir(g.store), .max_bytes = 100000};
    CHECK(media_store_open(&mo, &e, &g.media) == HILO_OK);
    g.ch = (struct gw_channel){.gateway = &g.gw,
                               .name = STR("wa"),
                               .type = STR("whatsapp"),
                               .able = &able,
                               .queue_max = 1000,
                               .scopes = SCOPE_ALL};
    g.gw = (struct gateway){.store = g.store,
                            .media = g.media,
                            .loop = g.loop,
                            .arena = arena_new(),
                            .channels = &g.ch,
                            .name = STR("fuzz"),
                            .language = STR("es"),
                            .public_url = STR("https://hilo.example"),
                            .expires_us = INT64_C(86400000000),
                            .media_max_bytes = 100000,
                            .link_life_us = INT64_C(3600000000),
                            .started_us = clock_wall_us(),
                            .config_file = "fuzz.yaml"};
    CHECK(delivery_new(&g.gw, &e, &g.delivery) == HILO_OK);
    const struct outbox_options webhooks = {
        .gw = &g.gw, .timeout_us = 1000000, .connections = 4, .tested = tested};
    CHECK(outbox_new(&webhooks, &e, &g.gw.outbox) == HILO_OK);
    outbox_drain(g.gw.outbox); /* nothing is posted to what the fuzzer makes up */
    const struct api_options ao = {.gateway = &g.gw,
                                   .listen = STR("127.0.0.1:0"),
                                   .control = str(g.control),
                                   .body_max_bytes = 65536,
                                   .hook_max_bytes = 65536,
                                   .connections_max = 900,
                                   .connections_per_ip_max = 900,
                                   .streams_max = 4,
                                   /* An end that comes with the last bytes goes unseen until then. */
                                   .idle_timeout_us = 1000000};
    CHECK(api_new(&ao, &e, &g.api) == HILO_OK);
    store_begin(g.store);
    CHECK(access_key_create(&g.gw, &actor_core, STR("fuzz"), SCOPE_ALL, g.gw.arena, &secret, &id, &f) == 0);
    store_end(g.store);
    CHECK(store_commit(g.store, &e) == HILO_OK);
    (void)snprintf(g.key, sizeof g.key, "%.*s", STR_FMT(secret));
    /* The library's own cleaning up, registered by this, comes after ours. */
    CHECK(OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL));
    if (!registered)
        (void)atexit(down);
    registered = true;
}

/* Main's turn; whether anything was done. */
static bool turn(void)
{
    struct err e = {0};
    bool did = false;

    while (loop_run(g.loop, false) > 0 && api_waiting(g.api) < API_BATCH)
        did = true;
    CHECK(delivery_claim(g.delivery, &e) == HILO_OK);
    if (store_seq(g.store) > store_synced(g.store))
        CHECK(store_commit(g.store, &e) == HILO_OK);
    did |= api_waiting(g.api) > 0;
    api_answer(g.api);
    delivery_dispatch(g.delivery);
    (void)store_tick(g.store);
    arena_reset(g.gw.arena);
    return did;
}

static int connect_tcp(void)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(api_port(g.api)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

static int connect_control(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(to.sun_path, sizeof to.sun_path, "%s", g.control);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

/* Answers as they come; false once the peer has closed. */
static bool take(int fd, bool *served)
{
    static char in[1 << 17];
    ssize_t got = recv(fd, in, sizeof in - 1, MSG_DONTWAIT);

    if (got <= 0)
        return got != 0;
    in[got] = '\0';
    CHECK(!memmem(in, (size_t)got, "HTTP/1.1 500", 12));
    if (memmem(in, (size_t)got, "HTTP/1.1 200", 12))
        *served = true;
    return true;
}

/* Sends it all, ends its side, and lets the gateway do what it wants to. to_end: until the
 * gateway closes, which it may put off for some ms after many runs for nothing (http.c). */
static bool talk(int fd, const char *p, size_t n, bool to_end)
{
    bool served = false, open = true;
    unsigned quiet = 0;

    while (n > 0) {
        ssize_t put = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put > 0) {
            p += put;
            n -= (size_t)put;
        } else if (!turn() && !take(fd, &served)) {
            break;
        }
    }
    (void)shutdown(fd, SHUT_WR);
    for (unsigned i = 0; i < TURNS_MAX && open && quiet < 3; i++) {
        quiet = turn() ? 0 : quiet + 1;
        open = take(fd, &served);
        if (to_end && open && quiet) {
            struct pollfd ready = {.fd = fd, .events = POLLIN};
            (void)poll(&ready, 1, 1);
            quiet = 0;
        }
    }
    (void)close(fd);
    for (unsigned i = 0; i < 3; i++)
        (void)turn();
    return served;
}

/* The plugin host is not there, and no channel has a plugin: but for two this is never called. */
#define NEVER(type, name, ...)                                                                               \
    type name(__VA_ARGS__)                                                                                   \
    {                                                                                                        \
        abort();                                                                                             \
    }
#define UNUSED __attribute__((unused))
NEVER(enum channel_state, channel_state, UNUSED const struct channel *c, UNUSED struct hilo_str *t)
NEVER(pid_t, channel_pid, UNUSED const struct channel *c)
NEVER(bool, channel_isolated, UNUSED const struct channel *c)
NEVER(bool, channel_runs, UNUSED const struct channel *c)
NEVER(void, channel_stats, UNUSED const struct channel *c, UNUSED struct channel_stats *s)
NEVER(void, channel_mended, UNUSED struct channel *c)
NEVER(void, channel_revoke, UNUSED struct channel *c, UNUSED struct hilo_id id)
NEVER(int32_t, channel_send, UNUSED struct channel *c, UNUSED struct hilo_id id, UNUSED struct hilo_str m)
NEVER(int32_t, channel_request, UNUSED struct channel *c, UNUSED uint64_t n, UNUSED const struct hilo_http *h)
NEVER(int32_t, channel_fetch, UNUSED struct channel *c, UNUSED uint64_t n, UNUSED struct hilo_str m,
      UNUSED struct hilo_str which, UNUSED int fd)

const char *channel_state_name(enum channel_state s)
{
    return s == CHANNEL_UP ? "up" : "other";
}

void channel_api_answer(struct channel *ch, uint64_t token, int32_t code, const struct hilo_http *h)
{
    CHECK(!ch && token == g.asked && code == HILO_OK && h->status >= 200 && h->status != 500);
    g.answers++;
}

static void from_within(struct hilo_str text)
{
    struct hilo_str method, url, key;
    uint64_t before = g.answers;

    (void)str_cut(text, ' ', &method, &text);
    (void)str_cut(text, '\n', &url, &text);
    (void)str_cut(text, '\n', &key, &text);
    const struct hilo_kv header = {STR("Idempotency-Key"), key};
    const struct hilo_http h = {.size = sizeof h,
                                .method = method,
                                .url = url,
                                .body = text,
                                .header = &header,
                                .n_header = key.n ? 1 : 0,
                                .sink_fd = -1};
    g.asked++;
    api_inner(g.api, &g.ch, g.asked, &h);
    for (unsigned i = 0; i < TURNS_MAX && g.answers == before; i++)
        (void)turn();
    CHECK(g.answers == before + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char name[] = "hilo_KEY",
                      ask[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    struct hilo_str text = str_n(data, n);
    struct buf bytes = {0};
    bool control;

    if (n == 0)
        return 0;
    control = data[0] & 1;
    text = str_n(text.p + 1, n - 1);
    /* By that door a backup may be begun, into any folder. */
    if (control && data[0] != 'i' && memmem(text.p, (size_t)text.n, "backups", 7))
        return 0;
    if (!g.api)
        up();
    if (data[0] == 'i') {
        from_within(text);
        text.n = 0;
    }
    while (text.n) {
        const char *at = memmem(text.p, (size_t)text.n, name, sizeof name - 1);
        size_t before = at ? (size_t)(at - text.p) : (size_t)text.n;
        CHECK(buf_add(&bytes, text.p, before) == HILO_OK);
        if (!at)
            break;
        CHECK(buf_add_str(&bytes, str(g.key)) == HILO_OK);
        text = str_n(at + sizeof name - 1, (size_t)text.n - before - (sizeof name - 1));
    }
    if (data[0] != 'i')
        (void)talk(control ? connect_control() : connect_tcp(), bytes.p, bytes.n, false);
    buf_done(&bytes);
    CHECK(api_waiting(g.api) == 0);
    CHECK(talk(connect_tcp(), ask, sizeof ask - 1, true));
    if (++g.runs == RUNS_A_STORE)
        down();
    return 0;
}
