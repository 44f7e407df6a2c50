/* The API from outside: keys, messages, what waits for the disk, idempotency, limits. */
#include "api_rig.h"

#define HOLA                                                                                                 \
    "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"wa\",\"content\":{\"type\":\"text\",\"text\":"      \
    "\"Hola\"}}"

static struct reply a; /* large; the tests run one after the other */

static void a_message_is_accepted_and_can_be_read(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    char id[128], path[160];

    assert_int_equal(rig_post(r, "/v1/messages", HOLA, &a), 202);
    assert_has(a.body, "\"channel\":\"wa\"");
    assert_has(a.body, "\"status\":\"accepted\"");
    assert_has(a.body, "\"customer\":\"cus_");
    (void)rig_value(&a, "id", id);
    (void)snprintf(path, sizeof path, "Location: /v1/messages/%s", id);
    assert_has(a.text, path);
    assert_has(a.text, "X-Request-Id: ");
    (void)snprintf(path, sizeof path, "/v1/messages/%s", id);
    assert_int_equal(rig_call(r, "GET", path, "", NULL, &a), 200);
    assert_has(a.body, "\"text\":\"Hola\"");
    assert_has(a.body, "\"kind\":\"outbound\"");
    assert_has(a.body, "\"history\":[{\"status\":\"");
    assert_int_equal(rig_call(r, "DELETE", path, "", NULL, &a), 200);
    assert_has(a.body, "\"status\":\"canceled\"");
    assert_int_equal(rig_call(r, "GET", path, "", NULL, &a), 200);
    assert_has(a.body, "\"status\":\"canceled\"");
    assert_int_equal(rig_call(r, "DELETE", path, "", NULL, &a), 409);
    rig_free(r);
}

static void nothing_is_answered_before_it_is_on_disk(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    int fd = rig_connect(r), reader = rig_connect(r);
    struct reply b;

    r->hold_commit = true;
    rig_ask(r, fd, "POST", "/v1/messages", JSON_TYPE, HOLA, strlen(HOLA));
    while (api_waiting(r->api) == 0)
        rig_turn(r);
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    /* A read that sees what is not synced waits too. */
    rig_ask(r, reader, "GET", "/v1/channels", "", NULL, 0);
    while (api_waiting(r->api) < 2)
        rig_turn(r);
    assert_false(rig_peek(fd, &a, false));
    assert_false(rig_peek(reader, &b, false));
    /* Meanwhile the loop is quiet: what waits is not asked again and again. */
    assert_int_equal(loop_run(r->loop, false), 0);
    assert_int_equal(loop_run(r->loop, false), 0);
    r->hold_commit = false;
    rig_turn(r);
    assert_true(rig_peek(fd, &a, false));
    assert_int_equal(a.status, 202);
    assert_true(rig_peek(reader, &b, false));
    assert_int_equal(b.status, 200);
    assert_int_equal(api_waiting(r->api), 0);
    assert_int_equal(store_seq(r->store), store_synced(r->store));
    (void)close(fd);
    (void)close(reader);
    rig_free(r);
}

static void many_that_wait_share_one_commit(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    enum { N = 200 };
    int fd[N];
    unsigned left = N;
    bool done[N] = {0};

    for (unsigned i = 0; i < N; i++)
        fd[i] = rig_connect(r);
    rig_turn(r);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < N; i++)
            rig_ask(r, fd[i], "POST", "/v1/messages", JSON_TYPE, HOLA, strlen(HOLA));
        r->commits = 0;
        left = N;
        memset(done, 0, sizeof done);
        while (left > 0) {
            rig_turn(r);
            for (unsigned i = 0; i < N; i++) {
                if (done[i])
                    continue;
                memset(&a, 0, 200);
                if (!rig_peek(fd[i], &a, false))
                    continue;
                assert_int_equal(a.status, 202);
                done[i] = true;
                left--;
            }
        }
        /* The first round also accepts connections, ten a run. */
        if (round > 0)
            assert_true(r->commits <= 2);
    }
    for (unsigned i = 0; i < N; i++)
        (void)close(fd[i]);
    rig_free(r);
}

static void a_client_that_resets_while_it_waits_is_forgotten(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    int fd = rig_connect(r);

    r->hold_commit = true;
    rig_ask(r, fd, "POST", "/v1/messages", JSON_TYPE, HOLA, strlen(HOLA));
    while (api_waiting(r->api) == 0)
        rig_turn(r);
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    (void)close(fd);
    while (api_waiting(r->api) > 0)
        rig_turn(r);
    r->hold_commit = false;
    rig_turn(r);
    rig_free(r);
}

static void idle_connections_wake_nobody(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    int fd = rig_connect(r);

    rig_ask(r, fd, "GET", "/healthz", "", NULL, 0);
    rig_get(r, fd, &a);
    assert_int_equal(a.status, 200);
    while (loop_run(r->loop, false) > 0)
        ;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(loop_run(r->loop, false), 0);
    (void)close(fd);
    rig_free(r);
}

/* The library says that it is due at once for as long as a chunk's extension fills its
 * buffer and goes on. */
static void an_endless_extension_lets_the_loop_sleep(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    static const char head[] = "POST /hooks/wa HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n2;";
    static char more[60000];
    int fd = rig_connect(r);
    unsigned slept = 0;

    memset(more, 'a', sizeof more);
    assert_int_equal(send(fd, head, sizeof head - 1, 0), sizeof head - 1);
    assert_int_equal(send(fd, more, sizeof more, 0), sizeof more);
    for (unsigned i = 0; i < 2000; i++)
        slept += loop_run(r->loop, false) == 0;
    assert_true(slept > 500);
    /* Others are served as before. */
    assert_int_equal(rig_call(r, "GET", "/healthz", "", NULL, &a), 200);
    (void)close(fd);
    rig_free(r);
}

static void without_a_key_or_its_scope_there_is_nothing(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    char key[64];

    memcpy(key, r->key, sizeof key);
    r->key[0] = 0;
    assert_int_equal(rig_call(r, "GET", "/v1/channels", "", NULL, &a), 401);
    assert_has(a.text, "WWW-Authenticate: Bearer realm=\"hilo\"");
    assert_has(a.text, "Content-Type: application/problem+json");
    assert_has(a.body, "\"code\":\"unauthorized\"");
    memcpy(r->key, key, sizeof key);
    assert_int_equal(rig_call(r, "GET", "/v1/keys", "", NULL, &a), 403);
    assert_has(a.body, "keys:write");
    assert_has(a.text, "error=\"insufficient_scope\"");
    r->key[8] = r->key[8] == 'x' ? 'y' : 'x';
    assert_int_equal(rig_call(r, "GET", "/v1/channels", "", NULL, &a), 401);
    assert_has(a.text, "error=\"invalid_token\"");
    rig_free(r);
}

static void the_control_socket_makes_keys(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    static const char make[] = "{\"name\":\"till\",\"scopes\":[\"messages:write\"]}";
    int fd = rig_connect_control(r);
    char id[128], key[128], path[160];

    r->key[0] = 0; /* the peer's uid is enough */
    rig_ask(r, fd, "POST", "/v1/keys", JSON_TYPE, make, sizeof make - 1);
    rig_get(r, fd, &a);
    assert_int_equal(a.status, 201);
    (void)rig_value(&a, "key", key);
    assert_int_equal(strlen(key), 5 + 43);
    (void)rig_value(&a, "id", id);
    rig_ask(r, fd, "GET", "/v1/keys", "", NULL, 0);
    rig_get(r, fd, &a);
    assert_int_equal(a.status, 200);
    assert_has(a.body, id);
    assert_hasnt(a.body, "hilo_");
    memcpy(r->key, key, 5 + 43 + 1);
    assert_int_equal(rig_post(r, "/v1/messages", HOLA, &a), 202);
    assert_int_equal(rig_call(r, "GET", "/v1/channels", "", NULL, &a), 403);
    r->key[0] = 0;
    (void)snprintf(path, sizeof path, "/v1/keys/%s", id);
    rig_ask(r, fd, "DELETE", path, "", NULL, 0);
    rig_get(r, fd, &a);
    assert_int_equal(a.status, 204);
    memcpy(r->key, key, 5 + 43 + 1);
    assert_int_equal(rig_post(r, "/v1/messages", HOLA, &a), 401);
    (void)close(fd);
    rig_free(r);
}

static void a_key_gives_no_more_than_it_has(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    struct fault f = {0};
    struct err e = {0};
    struct hilo_str secret;
    struct hilo_id id;

    store_begin(r->store);
    assert_int_equal(access_key_create(&r->gw, &actor_core, STR("maker"),
                                       SCOPE_KEYS_WRITE | SCOPE_MESSAGES_READ, r->gw.arena, &secret, &id, &f),
                     0);
    store_end(r->store);
    assert_int_equal(store_commit(r->store, &e), HILO_OK);
    (void)snprintf(r->key, sizeof r->key, "%.*s", STR_FMT(secret));
    assert_int_equal(rig_post(r, "/v1/keys", "{\"name\":\"x\",\"scopes\":\"all\"}", &a), 403);
    assert_int_equal(rig_post(r, "/v1/keys", "{\"name\":\"x\",\"scopes\":\"messages:read\"}", &a), 201);
    assert_int_equal(rig_post(r, "/v1/keys", "{\"name\":\"x\",\"scopes\":[\"messages:reed\"]}", &a), 422);
    assert_has(a.body, "\"pointer\":\"/scopes/0\"");
    rig_free(r);
}

static void the_same_idempotency_key_gives_the_first_answer(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    static const char with[] = JSON_TYPE "Idempotency-Key: k-1\r\n";
    char first[128], second[128];
    uint64_t seq;

    assert_int_equal(rig_call(r, "POST", "/v1/messages", with, HOLA, &a), 202);
    assert_hasnt(a.text, "Idempotency-Replayed");
    (void)rig_value(&a, "id", first);
    seq = store_seq(r->store);
    assert_int_equal(rig_call(r, "POST", "/v1/messages", with, HOLA, &a), 202);
    assert_has(a.text, "Idempotency-Replayed: true");
    assert_has(a.text, "Location: /v1/messages/msg_");
    (void)rig_value(&a, "id", second);
    assert_string_equal(first, second);
    assert_int_equal(store_seq(r->store), seq);
    /* Another body, or another path, is another request. */
    assert_int_equal(rig_call(r, "POST", "/v1/messages", with,
                              "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":"
                              "\"wa\",\"content\":{\"type\":\"text\",\"text\":\"Otra\"}}",
                              &a),
                     422);
    assert_has(a.body, "\"code\":\"idempotency_mismatch\"");
    assert_int_equal(rig_call(r, "POST", "/v1/customers", with, HOLA, &a), 422);
    rig_free(r);
}

static void the_same_idempotency_key_at_once_is_still_running(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    static const char with[] = JSON_TYPE "Idempotency-Key: k-2\r\n";
    int one = rig_connect(r), two = rig_connect(r);

    r->hold_commit = true;
    rig_ask(r, one, "POST", "/v1/messages", with, HOLA, strlen(HOLA));
    while (api_waiting(r->api) < 1)
        rig_turn(r);
    rig_ask(r, two, "POST", "/v1/messages", with, HOLA, strlen(HOLA));
    while (api_waiting(r->api) < 2)
        rig_turn(r);
    r->hold_commit = false;
    rig_get(r, two, &a);
    assert_int_equal(a.status, 409);
    assert_has(a.body, "\"code\":\"idempotency_running\"");
    assert_has(a.text, "Retry-After: ");
    rig_get(r, one, &a);
    assert_int_equal(a.status, 202);
    (void)close(one);
    (void)close(two);
    rig_free(r);
}

static void a_refusal_is_not_remembered(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    static const char with[] = JSON_TYPE "Idempotency-Key: k-3\r\n";

    r->ch.queue_max = 0;
    assert_int_equal(rig_call(r, "POST", "/v1/messages", with, HOLA, &a), 429);
    assert_has(a.text, "Retry-After: ");
    assert_has(a.body, "\"code\":\"queue_full\"");
    r->ch.queue_max = 10;
    assert_int_equal(rig_call(r, "POST", "/v1/messages", with, HOLA, &a), 202);
    assert_int_equal(
        rig_call(r, "POST", "/v1/messages", JSON_TYPE "Idempotency-Key: has space\r\n", HOLA, &a), 400);
    rig_free(r);
}

struct bad {
    const char *body, *code, *pointer, *words;
    unsigned status;
};
static void bad_bodies_are_told_where_they_are_bad(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    static const struct bad bad[] = {
        {"", "invalid_json", NULL, NULL, 400},
        {"{", "invalid_json", NULL, NULL, 400},
        {"[]", "invalid_field", NULL, "object", 422},
        {"{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"text\",\"text\":\"a\"},\"chanel\":"
         "\"wa\"}",
         "unknown_field", "/chanel", "did you mean \\\"channel\\\"", 422},
        {"{\"to\":{\"phone\":\"+573001112233\"}}", "missing_field", "/content", NULL, 422},
        {"{\"to\":{\"phone\":\"+573001112233\",\"email\":\"a@b.co\"},\"content\":{}}", "invalid_field", "/to",
         "one of", 422},
        {"{\"to\":{\"phone\":\"300\"},\"content\":{\"type\":\"text\",\"text\":\"a\"}}", "invalid_identifier",
         "/to/phone", NULL, 422},
        {"{\"to\":{\"phone\":5},\"content\":{}}", "invalid_field", "/to/phone", "string", 422},
        {"{\"to\":{\"fone\":\"+5730\"},\"content\":{}}", "unknown_field", "/to/fone", "phone", 422},
        {"{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"text\",\"txt\":\"a\"}}",
         "invalid_content", "/content/txt", "did you mean", 422},
        {"{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"text\"},\"priority\":7}",
         "invalid_field", "/priority", "urgent", 422},
        {"{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"text\"},\"expires_in\":\"soon\"}",
         "invalid_field", "/expires_in", "PT1H", 422},
        {"{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"text\"},\"case\":\"cas_1\"}",
         "invalid_field", "/case", "cas_", 422},
        {"{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"text\"},\"category\":\"promo\"}",
         "invalid_field", "/category", "promotional", 422},
        {"{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"nope\",\"content\":{\"type\":\"text\",\"text\":"
         "\"a\"}}",
         "unknown_channel", "/channel", NULL, 422},
    };

    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        char part[200];
        (void)rig_post(r, "/v1/messages", bad[i].body, &a);
        (void)snprintf(part, sizeof part, "\"code\":\"%s\"", bad[i].code);
        assert_has(a.body, part);
        assert_int_equal(a.status, bad[i].status);
        if (bad[i].pointer) {
            (void)snprintf(part, sizeof part, "\"pointer\":\"%s\"", bad[i].pointer);
            assert_has(a.body, part);
        }
        if (bad[i].words)
            assert_has(a.body, bad[i].words);
        assert_has(a.body, "\"instance\":\"urn:hilo:request:");
        assert_has(a.text, "Content-Type: application/problem+json");
    }
    assert_int_equal(rig_call(r, "POST", "/v1/messages", "Content-Type: text/plain\r\n", HOLA, &a), 415);
    rig_free(r);
}

static void paths_and_methods(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    int fd = rig_connect(r);

    assert_int_equal(rig_call(r, "GET", "/v2/messages", "", NULL, &a), 404);
    assert_has(a.body, "\"code\":\"no_such_route\"");
    assert_int_equal(rig_call(r, "PUT", "/v1/cases", JSON_TYPE, "{}", &a), 405);
    assert_has(a.text, "Allow: POST, GET, HEAD");
    assert_int_equal(rig_call(r, "GET", "/v1/messages/msg_nope", "", NULL, &a), 404);
    assert_has(a.body, "\"code\":\"unknown_message\"");
    assert_int_equal(rig_call(r, "GET", "/v1/cases?limt=4", "", NULL, &a), 400);
    assert_has(a.body, "did you mean limit");
    assert_int_equal(rig_call(r, "GET", "/v1/cases?limit=0", "", NULL, &a), 400);
    assert_int_equal(rig_call(r, "GET", "/v1/cases?cursor=AAAA", "", NULL, &a), 400);
    assert_has(a.body, "\"code\":\"invalid_cursor\"");
    /* HEAD: the headers of GET, no body; the connection goes on. */
    rig_ask(r, fd, "HEAD", "/healthz", "", NULL, 0);
    memset(&a, 0, sizeof a);
    while (!rig_peek(fd, &a, true))
        rig_turn(r);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.n, strlen(a.text) + 4);
    rig_ask(r, fd, "GET", "/openapi.json", "", NULL, 0);
    rig_get(r, fd, &a);
    assert_int_equal(a.status, 200);
    assert_has(a.body, "\"openapi\"");
    (void)close(fd);
    rig_free(r);
}

static void bodies_have_limits(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    static char big[200000];
    int fd = rig_connect(r);

    memset(big, 'x', sizeof big);
    /* Announced: answered before it comes, which is what the client waits for. */
    rig_ask(r, fd, "POST", "/v1/messages", JSON_TYPE "Content-Length: 9999999999\r\nExpect: 100-continue\r\n",
            NULL, 0);
    rig_get(r, fd, &a);
    assert_int_equal(a.status, 413);
    assert_has(a.body, "65536");
    (void)close(fd);
    /* Not announced: read through, thrown away, answered. */
    static const char chunked[] = "Transfer-Encoding: chunked\r\n" JSON_TYPE;
    char size[32];
    fd = rig_connect(r);
    rig_ask(r, fd, "POST", "/v1/messages", chunked, NULL, 0);
    rig_put(r, fd, size, (size_t)snprintf(size, sizeof size, "%zx\r\n", sizeof big));
    rig_put(r, fd, big, sizeof big);
    rig_put(r, fd, "\r\n0\r\n\r\n", 7);
    rig_get(r, fd, &a);
    assert_int_equal(a.status, 413);
    (void)close(fd);
    /* At the limit it is taken, in many pieces. */
    static char whole[65537];
    int n = snprintf(whole, sizeof whole, "%s", HOLA);
    memset(whole + n, ' ', sizeof whole - 1 - (size_t)n);
    assert_int_equal(rig_post(r, "/v1/messages", whole, &a), 202);
    rig_free(r);
}

static void the_trace_of_the_caller_is_kept(void **state)
{
    (void)state;
    struct rig *r = rig_new();

    assert_int_equal(rig_call(r, "GET", "/healthz",
                              "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
                              NULL, &a),
                     200);
    assert_has(a.text, "X-Request-Id: 0af7651916cd43dd8448eb211c80319c");
    assert_int_equal(rig_call(r, "GET", "/healthz",
                              "traceparent: ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
                              NULL, &a),
                     200);
    assert_hasnt(a.text, "X-Request-Id: 0af7651916cd43dd8448eb211c80319c");
    rig_free(r);
}

static void the_log_names_routes_and_no_paths(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    static char text[20000];

    assert_int_equal(rig_call(r, "GET", "/m/secret-token-of-somebody", "", NULL, &a), 404);
    rig_turn(r);
    size_t n = 0;
    rewind(r->logged);
    n = fread(text, 1, sizeof text - 1, r->logged);
    text[n] = 0;
    assert_has(text, "route=/m/{}");
    assert_hasnt(text, "secret-token");
    rig_free(r);
}

static void metrics_and_readiness(void **state)
{
    (void)state;
    struct rig *r = rig_new();

    assert_int_equal(rig_post(r, "/v1/messages", HOLA, &a), 202);
    assert_int_equal(rig_call(r, "GET", "/metrics", "", NULL, &a), 200);
    assert_has(a.text, "Content-Type: text/plain; version=0.0.4");
    assert_has(a.body, "hilo_channel_up{channel=\"wa\"} 1\n");
    assert_has(a.body, "hilo_http_requests_total{method=\"POST\",route=\"/v1/messages\",status=\"2xx\"} 1\n");
    assert_int_equal(rig_call(r, "GET", "/readyz", "", NULL, &a), 200);
    rig_plug.state = CHANNEL_STARTING; /* what is sent by it is kept */
    assert_int_equal(rig_call(r, "GET", "/readyz", "", NULL, &a), 200);
    assert_has(a.body, "\"starting\":1");
    rig_plug.state = CHANNEL_DOWN;
    assert_int_equal(rig_call(r, "GET", "/readyz", "", NULL, &a), 200);
    assert_has(a.body, "\"down\":1");
    rig_free(r);
}

static void when_it_stops_it_takes_no_new_connections(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    int fd = rig_connect(r);

    rig_ask(r, fd, "GET", "/readyz", "", NULL, 0);
    rig_get(r, fd, &a);
    assert_int_equal(a.status, 200);
    api_quiesce(r->api);
    rig_ask(r, fd, "GET", "/readyz", "", NULL, 0);
    rig_get(r, fd, &a);
    assert_int_equal(a.status, 503);
    assert_has(a.body, "\"status\":\"stopping\"");
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(loop_run(r->loop, false), 0);
    (void)close(fd);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_accepted_and_can_be_read),
        cmocka_unit_test(nothing_is_answered_before_it_is_on_disk),
        cmocka_unit_test(many_that_wait_share_one_commit),
        cmocka_unit_test(a_client_that_resets_while_it_waits_is_forgotten),
        cmocka_unit_test(idle_connections_wake_nobody),
        cmocka_unit_test(an_endless_extension_lets_the_loop_sleep),
        cmocka_unit_test(without_a_key_or_its_scope_there_is_nothing),
        cmocka_unit_test(the_control_socket_makes_keys),
        cmocka_unit_test(a_key_gives_no_more_than_it_has),
        cmocka_unit_test(the_same_idempotency_key_gives_the_first_answer),
        cmocka_unit_test(the_same_idempotency_key_at_once_is_still_running),
        cmocka_unit_test(a_refusal_is_not_remembered),
        cmocka_unit_test(bad_bodies_are_told_where_they_are_bad),
        cmocka_unit_test(paths_and_methods),
        cmocka_unit_test(bodies_have_limits),
        cmocka_unit_test(the_trace_of_the_caller_is_kept),
        cmocka_unit_test(the_log_names_routes_and_no_paths),
        cmocka_unit_test(metrics_and_readiness),
        cmocka_unit_test(when_it_stops_it_takes_no_new_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
