/*
 * Requests to the API from within, as a channel's plugin makes them: the same routes, rules and
 * answers as over HTTP, with the channel as who asks. The plugin host is played (api_rig.h).
 */
#include "api_rig.h"

struct test {
    struct rig *r;
    uint64_t token;
};

static int set_up(void **state)
{
    struct test *t = calloc(1, sizeof *t);

    t->r = rig_new();
    t->r->ch.scopes = SCOPE_CUSTOMERS_READ | SCOPE_CUSTOMERS_WRITE | SCOPE_CASES_READ | SCOPE_MESSAGES_READ;
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct test *t = *state;

    rig_free(t->r);
    free(t);
    return 0;
}

/* Asks; what is answered shows in rig_plug. */
static void ask(struct test *t, const char *method, const char *url, const char *key, const char *body)
{
    const struct hilo_kv headers[] = {{STR("idempotency-key"), str(key ? key : "")},
                                      {STR("X-Other"), STR("says nothing")}};
    const struct hilo_http h = {.size = sizeof h,
                                .method = str(method),
                                .url = str(url),
                                .body = str(body),
                                .header = key ? headers : headers + 1,
                                .n_header = key ? 2 : 1,
                                .sink_fd = -1};

    api_inner(t->r->api, &t->r->ch, ++t->token, &h);
}

static unsigned call(struct test *t, const char *method, const char *url, const char *key, const char *body)
{
    unsigned before = rig_plug.answers;

    ask(t, method, url, key, body);
    while (rig_plug.answers == before)
        rig_turn(t->r);
    assert_int_equal(rig_plug.answers, before + 1);
    assert_int_equal(rig_plug.answer_token, t->token);
    return rig_plug.answer_status;
}

static const char ana[] =
    "{\"name\":\"Ana\",\"identifiers\":[{\"scheme\":\"phone\",\"value\":\"+573001112233\"}]}";

static void test_a_write_is_answered_when_it_is_on_disk(void **state)
{
    struct test *t = *state;

    t->r->hold_commit = true;
    ask(t, "POST", "/v1/customers", NULL, ana);
    rig_turn(t->r);
    assert_int_equal(rig_plug.answers, 0);
    assert_int_equal(api_waiting(t->r->api), 1); /* main commits soon */
    /* Nor is a read that sees it, which a crash could undo. */
    ask(t, "POST", "/v1/customers/search", NULL, "{\"phone\":\"+573001112233\"}");
    assert_int_equal(rig_plug.answers, 0);
    t->r->hold_commit = false;
    rig_turn(t->r);
    assert_int_equal(rig_plug.answers, 2);
    assert_int_equal(t->r->commits, 1);
    assert_int_equal(rig_plug.answer_status, 200);
    assert_has(rig_plug.answer_body, "Ana");
    assert_int_equal(api_waiting(t->r->api), 0);
    /* A read that nothing is pending for is answered at once. */
    ask(t, "GET", "/v1/cases?status=open&limit=5", NULL, "");
    assert_int_equal(rig_plug.answers, 3);
    assert_int_equal(rig_plug.answer_status, 200);
    assert_has(rig_plug.answer_headers, "Content-Type: application/json\n");
}

static void test_its_idempotency_keys_are_its_own(void **state)
{
    struct test *t = *state;
    char first[sizeof rig_plug.answer_body], location[sizeof rig_plug.answer_headers];
    struct gw_channel other = t->r->ch;
    struct reply a;

    assert_int_equal(call(t, "POST", "/v1/customers", "k-1", ana), 201);
    memcpy(first, rig_plug.answer_body, sizeof first);
    memcpy(location, rig_plug.answer_headers, sizeof location);
    assert_has(location, "Location: /v1/customers/cus_");
    assert_hasnt(location, "Replayed");
    assert_int_equal(call(t, "POST", "/v1/customers", "k-1", ana), 201);
    assert_string_equal(rig_plug.answer_body, first);
    assert_has(rig_plug.answer_headers, "Idempotency-Replayed: true\n");
    /* Another request by the same key, and the same key of somebody else. */
    assert_int_equal(call(t, "POST", "/v1/customers", "k-1", "{\"name\":\"Eva\"}"), 422);
    assert_has(rig_plug.answer_body, "idempotency_mismatch");
    other.name = STR("wb");
    api_inner(t->r->api, &other, ++t->token,
              &(struct hilo_http){.size = sizeof(struct hilo_http),
                                  .method = STR("POST"),
                                  .url = STR("/v1/customers"),
                                  .body = STR("{\"name\":\"Eva\"}"),
                                  .header = &(struct hilo_kv){STR("Idempotency-Key"), STR("k-1")},
                                  .n_header = 1});
    rig_turn(t->r);
    assert_int_equal(rig_plug.answer_status, 201);
    assert_int_equal(rig_call(t->r, "POST", "/v1/customers", JSON_TYPE "Idempotency-Key: k-1\r\n",
                              "{\"name\":\"Sol\"}", &a),
                     201);
    assert_hasnt(a.text, "Idempotency-Replayed");
}

static void test_its_scopes_decide(void **state)
{
    struct test *t = *state;

    assert_int_equal(call(t, "POST", "/v1/cases", NULL, "{}"), 403);
    assert_has(rig_plug.answer_body, "\"code\":\"insufficient_scope\"");
    assert_has(rig_plug.answer_body, "cases:write");
    assert_has(rig_plug.answer_headers, "Content-Type: application/problem+json\n");
    assert_int_equal(call(t, "GET", "/v1/channels", NULL, ""), 403);
    t->r->ch.scopes |= SCOPE_CHANNELS_READ;
    assert_int_equal(call(t, "GET", "/v1/channels", NULL, ""), 200);
    assert_has(rig_plug.answer_body, "\"scopes\":[\"messages:read\",\"customers:read\"");
}

static void test_what_is_not_for_it(void **state)
{
    static const struct {
        const char *method, *url, *body;
        unsigned status;
    } asked[] = {
        {"GET", "/healthz", "", 404},
        {"POST", "/hooks/wa", "x", 404},
        {"GET", "/metrics", "", 404},
        {"POST", "/v1/media", "x", 404},
        {"GET", "/v1/events", "", 404},
        {"POST", "/v1/channels/wa/admin/x", "{}", 404},
        {"GET", "/v1/nothing", "", 404},
        {"GET", "v1/cases", "", 404},
        {"POST", "/v1/backups", "{}", 403},
        {"DELETE", "/v1/customers", "", 405},
        {"GET", "/v1/cases?status=open&status=open", "", 400},
        {"GET", "/v1/cases?statu=open", "", 400},
        {"GET", "/v1/cases?status=%zz", "", 400},
        {"GET", "/v1/cases?status=%00", "", 400},
        {"GET", "/v1/cases?status= open", "", 400},
        {"POST", "/v1/customers", "{\"name\":", 400},
        {"POST", "/v1/customers", "[]", 422},
    };
    struct test *t = *state;
    char *large = malloc(70001), *url = malloc(9001);

    t->r->ch.scopes = SCOPE_ALL;
    for (unsigned i = 0; i < sizeof asked / sizeof *asked; i++)
        if (call(t, asked[i].method, asked[i].url, NULL, asked[i].body) != asked[i].status)
            fail_msg("%s %s: %u %s", asked[i].method, asked[i].url, rig_plug.answer_status,
                     rig_plug.answer_body);
    memset(large, ' ', 70000); /* http.body_max is less */
    large[70000] = 0;
    assert_int_equal(call(t, "POST", "/v1/customers", NULL, large), 413);
    memcpy(url, "/v1/cases?status=", 17);
    memset(url + 17, 'a', 8983);
    url[9000] = 0;
    assert_int_equal(call(t, "GET", url, NULL, ""), 400);
    assert_int_equal(call(t, "GET", "/v1/cases?%73tatus=%6fpen", NULL, ""), 200); /* decoded as any */
    free(large);
    free(url);
}

/* The bytes of a file are not for it, what is known of the file is. */
static void test_no_files(void **state)
{
    struct test *t = *state;
    char id[128], path[200];
    struct reply a;

    t->r->ch.scopes = SCOPE_ALL;
    assert_int_equal(rig_call(t->r, "POST", "/v1/media", "Content-Type: image/png\r\n", "not a picture", &a),
                     201);
    (void)snprintf(path, sizeof path, "/v1/media/%s", rig_value(&a, "id", id));
    assert_int_equal(call(t, "GET", path, NULL, ""), 404);
    assert_has(rig_plug.answer_body, "media_get");
    (void)snprintf(path, sizeof path, "/v1/media/%s?info", id);
    assert_int_equal(call(t, "GET", path, NULL, ""), 200);
    assert_has(rig_plug.answer_body, id);
}

/* Its instance ended: nobody hears the answer, what it did is done. */
static void test_what_a_closed_channel_had_asked(void **state)
{
    struct test *t = *state;
    unsigned before;

    t->r->hold_commit = true;
    ask(t, "POST", "/v1/customers", "k-9", ana);
    ask(t, "GET", "/v1/cases", NULL, "");
    rig_turn(t->r);
    assert_int_equal(api_waiting(t->r->api), 2);
    api_inner_gone(t->r->api, &t->r->ch);
    assert_int_equal(api_waiting(t->r->api), 0);
    t->r->hold_commit = false;
    before = rig_plug.answers;
    rig_turn(t->r);
    rig_turn(t->r);
    assert_int_equal(rig_plug.answers, before);
    assert_int_equal(call(t, "POST", "/v1/customers", "k-9", ana), 201);
    assert_has(rig_plug.answer_headers, "Idempotency-Replayed: true\n");
    t->r->hold_commit = true; /* and one that waits when the API ends */
    ask(t, "POST", "/v1/customers", NULL, "{\"name\":\"Eva\"}");
}

/* What works elsewhere, for a while, and comes back. */
static void test_what_waits_for_something_else(void **state)
{
    struct test *t = *state;
    char id[128], path[200];
    struct reply a;
    unsigned before;

    t->r->ch.scopes = SCOPE_ALL;
    assert_int_equal(rig_post(t->r, "/v1/webhooks", "{\"url\":\"http://127.0.0.1:1/\"}", &a), 201);
    (void)snprintf(path, sizeof path, "/v1/webhooks/%s/test", rig_value(&a, "id", id));
    before = rig_plug.answers;
    ask(t, "POST", path, NULL, "");
    assert_int_equal(rig_plug.answers, before);
    for (unsigned i = 0; i < 1000000 && rig_plug.answers == before; i++)
        rig_turn(t->r);
    assert_int_equal(rig_plug.answers, before + 1);
    assert_int_equal(rig_plug.answer_status, 200);
    assert_has(rig_plug.answer_body, "\"delivered\":false");
    ask(t, "POST", path, NULL, ""); /* this one its channel does not wait for */
    api_inner_gone(t->r->api, &t->r->ch);
    for (unsigned i = 0; i < 1000; i++)
        rig_turn(t->r);
    assert_int_equal(rig_plug.answers, before + 1);
}

int main(void)
{
#define T(name)                                                                                              \
    {                                                                                                        \
#name, name, set_up, tear_down, NULL                                                                 \
    }
    const struct CMUnitTest tests[] = {
        T(test_a_write_is_answered_when_it_is_on_disk),
        T(test_its_idempotency_keys_are_its_own),
        T(test_its_scopes_decide),
        T(test_what_is_not_for_it),
        T(test_no_files),
        T(test_what_a_closed_channel_had_asked),
        T(test_what_waits_for_something_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
