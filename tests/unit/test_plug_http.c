/* The HTTP client against libmicrohttpd, and against sockets that misbehave. */
#include "plug/httpc.h"
#include "base/str.h"
#include "plug_harness.h"
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

static struct loop *loop;
static struct httpc *client;
static struct MHD_Daemon *server;
static char base[64];
static _Atomic unsigned connections, requests;

/* ---- outcomes ---- */

struct outcome {
    uint64_t token;
    int32_t code;
    uint32_t status, flags;
    char body[256], type[64];
    uint64_t body_n;
};
static struct outcome got[512];
static unsigned n_got;

static void on_done(void *arg, uint64_t token, int32_t code, const struct hilo_http *a)
{
    struct outcome *o = &got[n_got++];

    (void)arg;
    assert_true(n_got <= 512);
    *o = (struct outcome){
        .token = token, .code = code, .status = a->status, .flags = a->flags, .body_n = a->body.n};
    snprintf(o->body, sizeof o->body, "%.*s", STR_FMT(a->body));
    for (uint64_t i = 0; i < a->n_header; i++)
        if (str_eq_nocase(a->header[i].key, STR("content-type")))
            snprintf(o->type, sizeof o->type, "%.*s", STR_FMT(a->header[i].val));
}

/* ---- the server ---- */

struct upload {
    char *p;
    size_t n;
};

static void on_connection(void *cls, struct MHD_Connection *c, void **ctx,
                          enum MHD_ConnectionNotificationCode what)
{
    (void)cls;
    (void)c;
    (void)ctx;
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        connections++;
}

static void on_end(void *cls, struct MHD_Connection *c, void **ctx, enum MHD_RequestTerminationCode what)
{
    struct upload *u = *ctx;

    (void)cls;
    (void)c;
    (void)what;
    if (u)
        free(u->p);
    free(u);
}

static enum MHD_Result reply(struct MHD_Connection *c, unsigned status, const void *p, size_t n,
                             const char *type)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(n, (void *)(uintptr_t)p, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result rc;

    if (type)
        MHD_add_response_header(r, "Content-Type", type);
    if (status == 302)
        MHD_add_response_header(r, "Location", base);
    rc = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return rc;
}

static const char *header(struct MHD_Connection *c, const char *name)
{
    const char *v = MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
    return v ? v : "-";
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *data, size_t *n, void **ctx)
{
    struct upload *u = *ctx;
    char text[512];
    enum MHD_Result rc;

    (void)cls;
    (void)version;
    if (!u) {
        *ctx = calloc(1, sizeof *u);
        return *ctx ? MHD_YES : MHD_NO;
    }
    if (*n) {
        u->p = realloc(u->p, u->n + *n);
        memcpy(u->p + u->n, data, *n);
        u->n += *n;
        *n = 0;
        return MHD_YES;
    }
    requests++;
    if (strcmp(url, "/large") == 0) {
        char *p = calloc(1, 3000000);
        rc = reply(c, 200, p, 3000000, "application/octet-stream");
        free(p);
        return rc;
    }
    if (strcmp(url, "/echo") == 0)
        return reply(c, 200, u->p ? u->p : "", u->n, header(c, "Content-Type"));
    if (strcmp(url, "/moved") == 0)
        return reply(c, 302, "elsewhere", 9, NULL);
    if (strcmp(url, "/drop") == 0)
        return MHD_NO; /* the connection is closed without an answer */
    snprintf(text, sizeof text, "%s %s n=%zu agent=%s type=%s expect=%s x=%s", method, url, u->n,
             header(c, "User-Agent"), header(c, "Content-Type"), header(c, "Expect"), header(c, "X-Mine"));
    return reply(c, 200, text, strlen(text), "text/plain");
}

/* A socket on a free port of loopback, listening or not. */
static int port_open(bool listening, uint16_t *port_out)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    if (listening)
        assert_int_equal(listen(fd, 8), 0);
    *port_out = ntohs(a.sin_port);
    return fd;
}

static int set_up(void **state)
{
    struct err e;
    uint16_t port;
    int fd = port_open(true, &port);

    (void)state;
    n_got = 0;
    connections = requests = 0;
    assert_int_equal(loop_new(&e, &loop), HILO_OK);
    assert_int_equal(httpc_new(loop, on_done, NULL, &e, &client), HILO_OK);
    server = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, 0, NULL, NULL, on_request,
                              NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
                              NULL, MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_END);
    assert_non_null(server);
    snprintf(base, sizeof base, "http://127.0.0.1:%u", port);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    httpc_free(&client);
    loop_free(&loop);
    MHD_stop_daemon(server);
    return 0;
}

static struct hilo_http request(const char *method, const char *path, char url[128])
{
    snprintf(url, 128, "%s%s", base, path);
    return (struct hilo_http){
        .size = sizeof(struct hilo_http), .method = str(method), .url = str(url), .sink_fd = -1};
}

static const struct outcome *run(const struct hilo_http *h)
{
    unsigned before = n_got;

    assert_int_equal(httpc_start(client, before, h), HILO_OK);
    assert_int_equal(n_got, before); /* never from within */
    HARNESS_UNTIL(loop, n_got > before);
    assert_int_equal(got[before].token, before);
    return &got[before];
}

/* ---- tests ---- */

static void test_what_is_asked_is_what_arrives(void **state)
{
    char url[128], expected[256];
    struct hilo_kv kv = {STR("X-Mine"), STR("yes")};
    struct hilo_http h = request("GET", "/a?b=c", url);
    const struct outcome *o;

    (void)state;
    h.header = &kv;
    h.n_header = 1;
    o = run(&h);
    assert_int_equal(o->code, HILO_OK);
    assert_int_equal(o->status, 200);
    assert_string_equal(o->type, "text/plain");
    snprintf(expected, sizeof expected, "GET /a n=0 agent=Hilo/%s type=- expect=- x=yes", HILO_VERSION);
    assert_string_equal(o->body, expected);
    h = request("POST", "/b", url);
    h.body = STR("{\"a\":1}");
    o = run(&h);
    snprintf(expected, sizeof expected, "POST /b n=7 agent=Hilo/%s type=- expect=- x=-", HILO_VERSION);
    assert_string_equal(o->body, expected);
    h = request("DELETE", "/c", url);
    assert_non_null(strstr(run(&h)->body, "DELETE /c n=0"));
    h = request("POST", "/d", url);
    assert_non_null(strstr(run(&h)->body, "POST /d n=0"));
    h = request("HEAD", "/e", url);
    o = run(&h);
    assert_int_equal(o->status, 200);
    assert_int_equal(o->body_n, 0);
    h = request("GET", "/moved", url); /* not followed */
    o = run(&h);
    assert_int_equal(o->status, 302);
    assert_string_equal(o->body, "elsewhere");
}

static void test_connections_are_reused(void **state)
{
    char url[128];
    struct hilo_http h = request("POST", "/echo", url);

    (void)state;
    h.body = STR("x");
    for (int i = 0; i < 50; i++)
        assert_int_equal(run(&h)->status, 200);
    assert_int_equal(connections, 1);
    assert_int_equal(httpc_connections(client), 1);
    assert_int_equal(httpc_requests(client), 50);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(httpc_start(client, 1000 + i, &h), HILO_OK);
    assert_int_equal(httpc_in_flight(client), 20);
    HARNESS_UNTIL(loop, n_got == 70);
    assert_true(connections <= 20);
    assert_int_equal(httpc_in_flight(client), 0);
}

static void test_malformed_requests_are_refused_at_once(void **state)
{
    static const char *const urls[] = {"ftp://127.0.0.1/", "file:///etc/passwd", "127.0.0.1", "http://",
                                       "http://a b/",      "http://a/\r\nX: y",  "",          "https:/x"};
    struct hilo_kv kv[] = {
        {STR("X"), STR("a\r\nY: b")}, {STR("X Y"), STR("a")}, {STR(""), STR("a")}, {STR("X:"), STR("")}};
    struct hilo_part part = {.name = STR(""), .fd = -1};
    char url[128];
    struct hilo_http h = request("GET", "/", url);

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        h.url = str(urls[i]);
        assert_int_equal(httpc_start(client, 1, &h), HILO_INVALID);
    }
    h.url = str(url);
    for (size_t i = 0; i < sizeof kv / sizeof kv[0]; i++) {
        h.header = &kv[i];
        h.n_header = 1;
        assert_int_equal(httpc_start(client, 1, &h), HILO_INVALID);
    }
    h.n_header = 0;
    h.method = STR("GE T");
    assert_int_equal(httpc_start(client, 1, &h), HILO_INVALID);
    h.method = STR("POST");
    h.part = &part;
    h.n_part = 1;
    assert_int_equal(httpc_start(client, 1, &h), HILO_INVALID);
    assert_int_equal(httpc_in_flight(client), 0);
}

static void test_a_long_answer(void **state)
{
    char url[128], path[] = "/tmp/hilo-sink-XXXXXX";
    struct hilo_http h = request("GET", "/large", url);
    const struct outcome *o;
    struct stat st;
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(run(&h)->body_n, 3000000);
    h.max_bytes = 2999999;
    o = run(&h);
    assert_int_equal(o->code, HILO_INVALID);
    assert_int_equal(o->status, 0);
    assert_non_null(strstr(o->body, "longer than 2999999 bytes"));
    assert_int_equal(o->flags, HILO_HTTP_MAYBE_SENT);
    h.max_bytes = 3000000;
    assert_int_equal(run(&h)->code, HILO_OK);
    /* into a file, which is closed then */
    h.max_bytes = 0;
    h.sink_fd = fd;
    o = run(&h);
    assert_int_equal(o->code, HILO_OK);
    assert_int_equal(o->body_n, 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 3000000);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    h.sink_fd = open(path, O_RDONLY | O_CLOEXEC);
    o = run(&h);
    assert_int_equal(o->code, HILO_IO);
    unlink(path);
}

static void test_multipart(void **state)
{
    char url[128], path[] = "/tmp/hilo-part-XXXXXX";
    int fd = mkstemp(path);
    struct hilo_part parts[] = {
        {.name = STR("messaging_product"), .data = STR("whatsapp"), .fd = -1},
        {.name = STR("empty"), .fd = -1},
        {.name = STR("file"), .filename = STR("photo.jpg"), .type = STR("image/jpeg"), .fd = fd},
    };
    struct hilo_http h = request("POST", "/echo", url);
    static char photo[100000];
    const struct outcome *o;

    (void)state;
    memset(photo, 'p', sizeof photo);
    assert_int_equal(write(fd, photo, sizeof photo),
                     sizeof photo); /* and left at its end: read from its start */
    h.part = parts;
    h.n_part = 3;
    o = run(&h);
    assert_int_equal(o->status, 200);
    assert_int_equal(strncmp(o->type, "multipart/form-data; boundary=", 30), 0);
    assert_true(o->body_n > sizeof photo && o->body_n < sizeof photo + 1000);
    assert_non_null(
        strstr(o->body, "Content-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n"));
    assert_int_equal(fcntl(fd, F_GETFD), -1); /* given away */
    assert_int_equal(requests, 1);
    unlink(path);
}

static void test_a_refused_connection_sent_nothing(void **state)
{
    char url[128];
    struct hilo_http h = request("POST", "/", url);
    const struct outcome *o;
    uint16_t port;
    int fd = port_open(false, &port);

    (void)state;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    h.url = str(url);
    h.body = STR("x");
    o = run(&h);
    assert_int_equal(o->code, HILO_TEMP);
    assert_int_equal(o->flags, 0);
    assert_true(o->body_n > 0);
    h.url = STR("http://no-such-name.invalid/");
    o = run(&h);
    assert_int_equal(o->code, HILO_TEMP);
    assert_int_equal(o->flags, 0);
    close(fd);
}

static void test_a_handshake_that_fails_sent_nothing(void **state)
{
    char url[128];
    struct hilo_http h = request("POST", "/", url);
    const struct outcome *o;

    (void)state;
    url[4] = 's';
    snprintf(url, sizeof url, "https%s/", base + 4); /* the server speaks no TLS */
    h.url = str(url);
    h.body = STR("x");
    o = run(&h);
    assert_int_equal(o->code, HILO_TEMP);
    assert_int_equal(o->flags, 0);
    assert_int_equal(requests, 0);
}

static void test_a_time_out_after_sending_may_have_sent(void **state)
{
    char url[128];
    struct hilo_http h = request("POST", "/", url);
    const struct outcome *o;
    uint16_t port;
    int fd = port_open(true, &port); /* connects, by the kernel; nobody answers */
    int64_t began = clock_mono_us();

    (void)state;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    h.url = str(url);
    h.body = STR("x");
    h.timeout_ms = 50;
    o = run(&h);
    assert_int_equal(o->code, HILO_TEMP);
    assert_int_equal(o->flags, HILO_HTTP_MAYBE_SENT);
    assert_true(clock_mono_us() - began >= 50 * 1000);
    close(fd);
}

/* The peer takes the request on a connection that is used again, and drops it without an
 * answer: whether it acted on it is unknown, so the client must not repeat it. */
static void test_a_dropped_request_is_not_repeated(void **state)
{
    char url[128], drop[128];
    struct hilo_http h = request("POST", "/echo", url), d = request("POST", "/drop", drop);
    struct hilo_part part = {.name = STR("a"), .data = STR("b"), .fd = -1};
    const struct outcome *o;

    (void)state;
    for (int kind = 0; kind < 3; kind++) { /* a body, none, parts */
        requests = 0;
        h.body = STR("warm");
        assert_int_equal(run(&h)->status, 200);
        d.body = kind == 0 ? STR("once") : STR("");
        d.part = &part;
        d.n_part = kind == 2;
        o = run(&d);
        assert_int_equal(o->code, HILO_TEMP);
        assert_int_equal(o->flags, HILO_HTTP_MAYBE_SENT);
        assert_int_equal(requests, 2);
    }
}

static void test_in_flight_is_bounded_and_ends_with_the_client(void **state)
{
    char url[128];
    struct hilo_http h = request("GET", "/", url);
    uint16_t port;
    int fd = port_open(true, &port), sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
    unsigned fds;

    (void)state;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    h.url = str(url);
    fds = harness_count("/proc/self/fd");
    h.sink_fd = sink;
    assert_int_equal(httpc_start(client, 1, &h), HILO_OK);
    h.sink_fd = -1;
    for (unsigned i = 1; i < HTTPC_IN_FLIGHT_MAX; i++)
        assert_int_equal(httpc_start(client, i, &h), HILO_OK);
    assert_int_equal(httpc_start(client, 1, &h), HILO_FULL);
    (void)loop_run(loop, false);
    httpc_free(&client);
    assert_int_equal(fcntl(sink, F_GETFD), -1);
    assert_true(harness_count("/proc/self/fd") <= fds);
    assert_int_equal(n_got, 0);
    close(fd);
}

static void test_idle_is_asleep(void **state)
{
    char url[128];
    struct hilo_http h = request("GET", "/", url);
    uint64_t wakeups;
    bool over = false;
    struct loop_timer *t;

    (void)state;
    assert_int_equal(run(&h)->status, 200); /* a connection stays open */
    while (loop_run(loop, false))
        ;
    t = loop_timer_new(loop, harness_late, &over);
    loop_timer_at(t, clock_mono_us() + 300 * 1000);
    wakeups = loop_wakeups(loop);
    while (!over)
        loop_run(loop, true);
    assert_int_equal(loop_wakeups(loop) - wakeups, 1); /* our own timer */
    loop_timer_free(&t);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_what_is_asked_is_what_arrives),
        T(test_connections_are_reused),
        T(test_malformed_requests_are_refused_at_once),
        T(test_a_long_answer),
        T(test_multipart),
        T(test_a_refused_connection_sent_nothing),
        T(test_a_handshake_that_fails_sent_nothing),
        T(test_a_time_out_after_sending_may_have_sent),
        T(test_a_dropped_request_is_not_repeated),
        T(test_in_flight_is_bounded_and_ends_with_the_client),
        T(test_idle_is_asleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
