/* The resources over real sockets: customers, cases, media, channels, hooks. */
#include "api_rig.h"

static struct reply a;

static void a_customer_is_created_found_changed_and_read(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    char id[128], path[200], etag[200];

    assert_int_equal(
        rig_post(r, "/v1/customers",
                 "{\"name\":\"Ana\",\"language\":\"es\",\"attributes\":{\"tier\":\"gold\"},\"identifiers\":["
                 "{\"scheme\":\"phone\",\"value\":\"+573001112233\"},"
                 "{\"scheme\":\"document\",\"value\":\"co:cc:1.020.304.050\"}]}",
                 &a),
        201);
    (void)rig_value(&a, "id", id);
    assert_has(a.body, "\"value\":\"+573001112233\"");
    assert_has(a.body, "\"value\":\"CO:CC:1020304050\"");
    assert_has(a.body, "\"attributes\":{\"tier\":\"gold\"}");
    assert_has(a.text, "ETag: \"");
    (void)snprintf(etag, sizeof etag, "If-Match: %.*s\r\n" JSON_TYPE,
                   (int)strcspn(strstr(a.text, "ETag: ") + 6, "\r"), strstr(a.text, "ETag: ") + 6);
    assert_int_equal(rig_post(r, "/v1/customers/search",
                              "{\"document\":\"CO:CC:1020304050\",\"phone\":\"+573001112233\"}", &a),
                     200);
    assert_has(a.body, id);
    assert_null(strstr(strstr(a.body, "\"id\"") + 4, "\"id\"")); /* found twice, shown once */
    assert_int_equal(rig_post(r, "/v1/customers/search", "{\"email\":\"nobody@example.com\"}", &a), 200);
    assert_string_equal(a.body, "{\"customers\":[]}");
    assert_int_equal(rig_post(r, "/v1/customers/search", "{\"mail\":\"nobody@example.com\"}", &a), 422);
    assert_hasnt(a.body, "nobody@example.com");
    (void)snprintf(path, sizeof path, "/v1/customers/%s", id);
    assert_int_equal(
        rig_call(r, "PATCH", path, etag,
                 "{\"name\":null,\"add_identifiers\":[{\"scheme\":\"email\",\"value\":"
                 "\"ana@Example.com\"}],\"remove_identifiers\":[{\"scheme\":\"document\",\"value\":"
                 "\"CO:CC:1020304050\"}]}",
                 &a),
        200);
    assert_hasnt(a.body, "\"name\"");
    assert_hasnt(a.body, "1020304050");
    /* The version of before is not the present one any more. */
    assert_int_equal(rig_call(r, "PATCH", path, etag, "{\"name\":\"Otra\"}", &a), 412);
    assert_int_equal(rig_call(r, "PATCH", path, JSON_TYPE, "{\"nombre\":\"Otra\"}", &a), 422);
    assert_int_equal(rig_call(r, "PATCH", path, JSON_TYPE "If-Match: 7\r\n", "{}", &a), 400);
    assert_int_equal(rig_call(r, "GET", path, "", NULL, &a), 200);
    assert_has(a.body, "\"language\":\"es\"");
    assert_int_equal(rig_post(r, "/v1/customers",
                              "{\"identifiers\":[{\"scheme\":\"phone\",\"value\":\"+573001112233\"}]}", &a),
                     409);
    assert_int_equal(rig_post(r, "/v1/customers",
                              "{\"identifiers\":[{\"scheme\":\"phone\",\"valu\":\"+573001112233\"}]}", &a),
                     422);
    assert_has(a.body, "\"pointer\":\"/identifiers/0/valu\"");
    rig_free(r);
}

static void the_timeline_is_read_in_pages(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    char customer[128], next[128], path[400], body[200];
    unsigned shown = 0, pages = 0;

    for (unsigned i = 0; i < 5; i++) {
        (void)snprintf(body, sizeof body,
                       "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"wa\",\"content\":{\"type\":"
                       "\"text\",\"text\":"
                       "\"n%u\"}}",
                       i);
        assert_int_equal(rig_post(r, "/v1/messages", body, &a), 202);
    }
    (void)rig_value(&a, "customer", customer);
    (void)snprintf(path, sizeof path, "/v1/customers/%s/timeline?limit=2", customer);
    for (;;) {
        assert_int_equal(rig_call(r, "GET", path, "", NULL, &a), 200);
        pages++;
        if (pages == 1)
            assert_true(strstr(a.body, "\"n4\"") < strstr(a.body, "\"n3\""));
        for (const char *p = a.body; (p = strstr(p, "\"kind\":")); p++)
            shown++;
        if (strstr(a.body, "\"next\":null"))
            break;
        (void)rig_value(&a, "next", next);
        (void)snprintf(path, sizeof path, "/v1/customers/%s/timeline?limit=2&cursor=%s", customer, next);
    }
    assert_int_equal(shown, 5);
    assert_int_equal(pages, 3);
    /* One list's cursor is not another's. */
    (void)snprintf(path, sizeof path, "/v1/cases?cursor=%s", next);
    assert_int_equal(rig_call(r, "GET", path, "", NULL, &a), 400);
    rig_free(r);
}

static void a_case_holds_its_messages(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    char customer[128], id[128], path[300], body[400];

    assert_int_equal(rig_post(r, "/v1/customers",
                              "{\"identifiers\":[{\"scheme\":\"phone\",\"value\":\"+573001112233\"}]}", &a),
                     201);
    (void)rig_value(&a, "id", customer);
    (void)snprintf(body, sizeof body, "{\"customer\":\"%s\",\"subject\":\"TV\",\"owner\":\"luis\"}",
                   customer);
    assert_int_equal(rig_post(r, "/v1/cases", body, &a), 201);
    assert_has(a.body, "\"status\":\"open\"");
    (void)rig_value(&a, "id", id);
    (void)snprintf(
        body, sizeof body,
        "{\"to\":{\"customer\":\"%s\"},\"channel\":\"wa\",\"case\":\"%s\",\"content\":{\"type\":\"text\","
        "\"text\":\"foto\"}}",
        customer, id);
    assert_int_equal(rig_post(r, "/v1/messages", body, &a), 202);
    (void)snprintf(path, sizeof path, "/v1/cases/%s/messages", id);
    assert_int_equal(rig_call(r, "GET", path, "", NULL, &a), 200);
    assert_has(a.body, "\"text\":\"foto\"");
    assert_has(a.body, "\"next\":null");
    (void)snprintf(path, sizeof path, "/v1/cases/%s", id);
    assert_int_equal(rig_call(r, "PATCH", path, JSON_TYPE, "{\"status\":\"closed\",\"owner\":null}", &a),
                     200);
    assert_has(a.body, "\"status\":\"closed\"");
    assert_hasnt(a.body, "luis");
    assert_int_equal(rig_call(r, "PATCH", path, JSON_TYPE, "{\"status\":\"done\"}", &a), 422);
    assert_has(a.body, "\"pointer\":\"/status\"");
    (void)snprintf(path, sizeof path, "/v1/cases?status=closed&customer=%s", customer);
    assert_int_equal(rig_call(r, "GET", path, "", NULL, &a), 200);
    assert_has(a.body, id);
    assert_int_equal(rig_call(r, "GET", "/v1/cases?status=open", "", NULL, &a), 200);
    assert_has(a.body, "\"cases\":[]");
    assert_int_equal(rig_call(r, "GET", "/v1/cases?status=odd", "", NULL, &a), 400);
    rig_free(r);
}

static void a_file_goes_up_and_comes_back(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    static char file[90001];
    char id[128], path[200], link[256];
    const char *p;

    for (size_t i = 0; i < sizeof file - 1; i++)
        file[i] = (char)('a' + i % 26);
    assert_int_equal(rig_call(r, "POST", "/v1/media?filename=foto%20uno.jpg",
                              "Content-Type: image/JPEG; q=1\r\n", file, &a),
                     201);
    assert_has(a.body, "\"mime\":\"image/jpeg\"");
    assert_has(a.body, "\"size\":90000");
    assert_has(a.body, "\"filename\":\"foto uno.jpg\"");
    (void)rig_value(&a, "id", id);
    (void)snprintf(path, sizeof path, "/v1/media/%s", id);
    assert_int_equal(rig_call(r, "GET", path, "", NULL, &a), 200);
    assert_int_equal(a.body_n, 90000);
    assert_memory_equal(a.body, file, 90000);
    rig_free(r);

    r = rig_new();
    assert_int_equal(
        rig_call(r, "POST", "/v1/media?filename=f%C3%B3to.txt", "Content-Type: text/plain\r\n", "hola", &a),
        201);
    (void)rig_value(&a, "id", id);
    (void)snprintf(path, sizeof path, "/v1/media/%s", id);
    assert_int_equal(rig_call(r, "GET", path, "", NULL, &a), 200);
    assert_has(a.text, "Content-Type: text/plain");
    assert_has(a.text, "filename*=UTF-8''f%C3%B3to.txt");
    assert_has(a.text, "X-Content-Type-Options: nosniff");
    assert_string_equal(a.body, "hola");
    (void)strcat(path, "?info");
    assert_int_equal(rig_call(r, "GET", path, "", NULL, &a), 200);
    assert_has(a.body, "\"state\":\"stored\"");
    (void)rig_value(&a, "link", link);
    p = strstr(link, "/m/");
    assert_non_null(p);
    char *key = strdup(r->key);
    r->key[0] = 0; /* the link needs none */
    assert_int_equal(rig_call(r, "GET", p, "", NULL, &a), 200);
    assert_string_equal(a.body, "hola");
    (void)snprintf(r->key, sizeof r->key, "%s", key);
    free(key);
    rig_free(r);
}

static void multipart_uploads_have_one_file(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    static const char type[] = "Content-Type: multipart/form-data; boundary=XX\r\n";
    static const char one[] =
        "--XX\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n"
        "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../up/f.pdf\"\r\n"
        "Content-Type: application/pdf\r\n\r\nPDF!\r\n--XX--\r\n";
    static const char none[] =
        "--XX\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n--XX--\r\n";
    static const char two[] =
        "--XX\r\nContent-Disposition: form-data; name=\"a\"; filename=\"a\"\r\nContent-Type: a/b\r\n\r\n1\r\n"
        "--XX\r\nContent-Disposition: form-data; name=\"b\"; filename=\"b\"\r\nContent-Type: a/b\r\n\r\n2\r\n"
        "--XX--\r\n";

    assert_int_equal(rig_call(r, "POST", "/v1/media", type, one, &a), 201);
    assert_has(a.body, "\"mime\":\"application/pdf\"");
    assert_has(a.body, "\"size\":4");
    assert_has(a.body, "\"filename\":\"f.pdf\"");
    assert_int_equal(rig_call(r, "POST", "/v1/media", type, none, &a), 422);
    assert_has(a.body, "\"code\":\"no_file\"");
    assert_int_equal(rig_call(r, "POST", "/v1/media", type, two, &a), 422);
    assert_has(a.body, "\"code\":\"one_file\"");
    assert_int_equal(rig_call(r, "POST", "/v1/media", type, "--XX\r\nContent-Disposition: form-data", &a),
                     400);
    assert_int_equal(rig_call(r, "POST", "/v1/media", "Content-Type: multipart/form-data\r\n", one, &a), 400);
    rig_free(r);
}

static void uploads_have_limits_and_leave_nothing(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    static char big[120001];
    int fd;

    memset(big, 'x', sizeof big - 1);
    assert_int_equal(rig_call(r, "POST", "/v1/media", "Content-Type: a/b\r\n", big, &a), 413);
    assert_int_equal(rig_call(r, "POST", "/v1/media", "", "hola", &a), 415);
    assert_int_equal(rig_call(r, "POST", "/v1/media", "Content-Type: nonsense\r\n", "hola", &a), 415);
    assert_int_equal(rig_call(r, "POST", "/v1/media?filename=a%0Ab", "Content-Type: a/b\r\n", "hola", &a),
                     422);
    /* A client that breaks off in the middle. */
    fd = rig_connect(r);
    rig_ask(r, fd, "POST", "/v1/media", "Content-Type: a/b\r\nContent-Length: 50000\r\n", NULL, 0);
    rig_put(r, fd, big, 20000);
    rig_turn(r);
    (void)close(fd);
    while (loop_run(r->loop, false) > 0)
        ;
    rig_free(r); /* media_store_close checks that no file is being written */
}

static void an_upload_has_its_idempotency_key(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    static const char with[] = "Content-Type: a/b\r\nIdempotency-Key: up-1\r\n";
    char first[128], second[128];

    assert_int_equal(rig_call(r, "POST", "/v1/media", with, "hola", &a), 201);
    (void)rig_value(&a, "id", first);
    assert_int_equal(rig_call(r, "POST", "/v1/media", with, "hola", &a), 201);
    (void)rig_value(&a, "id", second);
    assert_string_equal(first, second);
    assert_int_equal(rig_call(r, "POST", "/v1/media", with, "holb", &a), 422);
    rig_free(r);
}

static void a_channel_is_paused_and_resumed(void **state)
{
    (void)state;
    struct rig *r = rig_new();

    assert_int_equal(rig_post(r, "/v1/channels/wa/pause", "{\"reason\":\"maintenance\"}", &a), 200);
    assert_has(a.body, "\"paused\":true");
    assert_has(a.body, "maintenance");
    assert_int_equal(rig_call(r, "POST", "/v1/channels/wa/resume", "", "", &a), 200);
    assert_has(a.body, "\"paused\":false");
    assert_int_equal(rig_call(r, "POST", "/v1/channels/nope/resume", "", "", &a), 404);
    assert_int_equal(rig_call(r, "GET", "/v1/channels", "", NULL, &a), 200);
    assert_has(a.body, "\"name\":\"wa\"");
    assert_has(a.body, "\"state\":\"up\"");
    rig_free(r);
}

static void a_hook_goes_to_the_plugin_and_its_answer_back(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    int fd = rig_connect(r);
    static const struct hilo_kv header[] = {{{"Content-Type", 12}, {"text/x", 6}},
                                            {{"X-Mine", 6}, {"yes", 3}},
                                            {{"Content-Length", 14}, {"999", 3}}};
    struct hilo_http answer = {
        .size = sizeof answer, .status = 200, .body = STR("OK!"), .header = header, .n_header = 3};

    rig_ask(r, fd, "POST", "/hooks/wa/sub/path?hub.mode=a%20b", "X-Hub-Signature-256: sha256=00\r\n",
            "{\"raw\" :1}", 10);
    while (rig_plug.requests == 0)
        rig_turn(r);
    assert_string_equal(rig_plug.method, "POST");
    assert_string_equal(rig_plug.url, "/sub/path?hub.mode=a%20b");
    assert_string_equal(rig_plug.body, "{\"raw\" :1}");
    assert_string_equal(rig_plug.header, "sha256=00");
    /* It waits, and nothing turns meanwhile. */
    memset(&a, 0, sizeof a);
    assert_int_equal(loop_run(r->loop, false), 0);
    assert_false(rig_peek(fd, &a, false));
    api_hook_answer(r->api, &r->ch, rig_plug.request + 1, &answer); /* nobody's */
    api_hook_answer(r->api, &r->ch, rig_plug.request, &answer);
    api_hook_answer(r->api, &r->ch, rig_plug.request, &answer); /* a second time: nobody's */
    rig_get(r, fd, &a);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "OK!");
    assert_has(a.text, "Content-Type: text/x");
    assert_has(a.text, "X-Mine: yes");
    assert_hasnt(a.text, "999");
    (void)close(fd);
    rig_free(r);
}

/* The core has checked his key, and the plugin is told so; it does not get the key. */
static void an_operators_request_goes_to_the_plugin(void **state)
{
    static const struct {
        const char *type, *shown;
    } types[] = {{"application/json", "Content-Type: application/json"},
                 {"application/problem+json", "Content-Type: application/problem+json"},
                 {"text/html", "Content-Type: application/json"}};
    struct rig *r = rig_new();
    char key[sizeof r->key];
    int fd = rig_connect(r);

    (void)state;
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
        const struct hilo_kv header[] = {{STR("Content-Type"), str(types[i].type)},
                                         {STR("X-Mine"), STR("yes")}};
        const struct hilo_http answer = {
            .size = sizeof answer, .status = 201, .body = STR("{\"a\":1}"), .header = header, .n_header = 2};
        rig_ask(r, fd, "POST", "/v1/channels/wa/admin/codes?store=CENTRO", JSON_TYPE "X-Other: 1\r\n",
                "{\"b\":2}", 7);
        while (rig_plug.requests == i)
            rig_turn(r);
        assert_string_equal(rig_plug.method, "POST");
        assert_string_equal(rig_plug.url, "/codes?store=CENTRO");
        assert_string_equal(rig_plug.body, "{\"b\":2}");
        assert_int_equal(rig_plug.flags, HILO_HTTP_OPERATOR);
        assert_int_equal(rig_plug.n_header, 2); /* what it is, and who asks */
        api_hook_answer(r->api, &r->ch, rig_plug.request, &answer);
        rig_get(r, fd, &a);
        assert_int_equal(a.status, 201);
        assert_string_equal(a.body, "{\"a\":1}");
        assert_has(a.text, types[i].shown);
        assert_hasnt(a.text, "X-Mine");
    }
    rig_ask(r, fd, "GET", "/v1/channels/wa/admin?x=1", "", NULL, 0);
    while (rig_plug.requests == 3)
        rig_turn(r);
    assert_string_equal(rig_plug.url, "/?x=1");
    api_hook_answer(r->api, &r->ch, rig_plug.request,
                    &(struct hilo_http){.size = sizeof(struct hilo_http), .status = 204});
    rig_get(r, fd, &a);
    assert_int_equal(a.status, 204);
    /* Anybody's, under /hooks, has no flag. */
    rig_ask(r, fd, "POST", "/hooks/wa/admin/codes", "", "x", 1);
    while (rig_plug.requests == 4)
        rig_turn(r);
    assert_int_equal(rig_plug.flags, 0);
    api_hook_answer(r->api, &r->ch, rig_plug.request,
                    &(struct hilo_http){.size = sizeof(struct hilo_http), .status = 200});
    rig_get(r, fd, &a);
    assert_int_equal(rig_call(r, "POST", "/v1/channels/wa/admin/x", "Content-Type: text/plain\r\n", "x", &a),
                     415);
    assert_int_equal(rig_call(r, "GET", "/v1/channels/nope/admin/x", "", NULL, &a), 404);
    memcpy(key, r->key, sizeof key);
    r->key[0] = 0;
    assert_int_equal(rig_call(r, "GET", "/v1/channels/wa/admin/x", "", NULL, &a), 401);
    memcpy(r->key, key, sizeof key);
    assert_int_equal(rig_plug.requests, 5);
    (void)close(fd);
    rig_free(r);
}

static void a_hook_without_a_working_plugin_is_told_so(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    struct hilo_http nonsense = {.size = sizeof nonsense, .status = 7};
    int fd;

    assert_int_equal(rig_call(r, "POST", "/hooks/nope", "", "x", &a), 404);
    rig_plug.request_code = HILO_DOWN; /* no instance runs */
    assert_int_equal(rig_call(r, "POST", "/hooks/wa", "", "x", &a), 503);
    assert_has(a.text, "Retry-After: ");
    rig_plug.request_code = HILO_FULL;
    assert_int_equal(rig_call(r, "POST", "/hooks/wa", "", "x", &a), 503);
    assert_has(a.body, "\"code\":\"channel_full\"");
    rig_plug.request_code = HILO_OK;
    fd = rig_connect(r);
    rig_ask(r, fd, "POST", "/hooks/wa", "", "x", 1);
    while (rig_plug.requests == 0)
        rig_turn(r);
    api_hook_gone(r->api, &r->ch);
    rig_get(r, fd, &a);
    assert_int_equal(a.status, 503);
    rig_ask(r, fd, "POST", "/hooks/wa", "", "x", 1);
    while (rig_plug.requests == 1)
        rig_turn(r);
    api_hook_answer(r->api, &r->ch, rig_plug.request, &nonsense);
    rig_get(r, fd, &a);
    assert_int_equal(a.status, 502);
    (void)close(fd);
    rig_free(r);
}

static void a_hook_whose_client_is_gone_or_that_waits_at_the_end_is_freed(void **state)
{
    (void)state;
    struct rig *r = rig_new();
    struct hilo_http answer = {.size = sizeof answer, .status = 200};
    int fd = rig_connect(r);

    rig_ask(r, fd, "POST", "/hooks/wa", "", "x", 1);
    while (rig_plug.requests == 0)
        rig_turn(r);
    (void)close(fd);
    rig_turn(r);
    api_hook_answer(r->api, &r->ch, rig_plug.request, &answer);
    while (loop_run(r->loop, false) > 0)
        ;
    fd = rig_connect(r);
    rig_ask(r, fd, "POST", "/hooks/wa", "", "x", 1);
    while (rig_plug.requests == 1)
        rig_turn(r);
    rig_free(r); /* with one suspended */
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_customer_is_created_found_changed_and_read),
        cmocka_unit_test(the_timeline_is_read_in_pages),
        cmocka_unit_test(a_case_holds_its_messages),
        cmocka_unit_test(a_file_goes_up_and_comes_back),
        cmocka_unit_test(multipart_uploads_have_one_file),
        cmocka_unit_test(uploads_have_limits_and_leave_nothing),
        cmocka_unit_test(an_upload_has_its_idempotency_key),
        cmocka_unit_test(a_channel_is_paused_and_resumed),
        cmocka_unit_test(a_hook_goes_to_the_plugin_and_its_answer_back),
        cmocka_unit_test(an_operators_request_goes_to_the_plugin),
        cmocka_unit_test(a_hook_without_a_working_plugin_is_told_so),
        cmocka_unit_test(a_hook_whose_client_is_gone_or_that_waits_at_the_end_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
