/* The HTTP interface of a whole gateway, each promise of it once. One gateway for all. */
#include "harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct world w;

static int up(void **state)
{
    (void)state;
    world_up(&w, NULL, "");
    sim_set(&w.sim, "/_sim/config", "{\"enforce_window\":false}");
    return 0;
}

static int down(void **state)
{
    (void)state;
    sim_quiet(&w.sim);
    world_down(&w);
    return 0;
}

static void keep(char out[64], const struct answer *a, const char *path)
{
    assert_non_null(answer_str(a, path));
    (void)snprintf(out, 64, "%s", answer_str(a, path));
}

static bool has(const struct answer *a, const char *header)
{
    return strstr(a->headers, header) != NULL;
}

static void new_customer(char id[64])
{
    struct answer a = gate_post(&w.gate, "/v1/customers", "{\"name\":\"Ana\"}");

    assert_int_equal(a.status, 201);
    keep(id, &a, "id");
    answer_done(&a);
}

static void the_same_idempotency_key_gives_the_first_answer(void **state)
{
    static const char body[] =
        "{\"to\":{\"phone\":\"+573001110001\"},\"content\":{\"type\":\"text\",\"text\":\"once\"}}";
    static const char other[] =
        "{\"to\":{\"phone\":\"+573001110001\"},\"content\":{\"type\":\"text\",\"text\":\"twice\"}}";
    unsigned before = sim_count(&w.sim, "accepted");
    char id[64];

    (void)state;
    struct answer a = gate_with(&w.gate, "POST", "/v1/messages", body, "Idempotency-Key: \"k-1\"");
    assert_int_equal(a.status, 202);
    assert_false(has(&a, "Idempotency-Replayed"));
    keep(id, &a, "id");
    for (unsigned i = 0; i < 3; i++) {
        struct answer again = gate_with(&w.gate, "POST", "/v1/messages", body, "Idempotency-Key: k-1");
        assert_int_equal(again.status, 202);
        assert_string_equal(again.body, a.body);
        assert_true(has(&again, "Idempotency-Replayed: true"));
        assert_true(has(&again, "Location: /v1/messages/msg_"));
        answer_done(&again);
    }
    answer_done(&a);
    a = gate_with(&w.gate, "POST", "/v1/messages", other, "Idempotency-Key: k-1");
    answer_is(&a, 422, "idempotency_mismatch", NULL);
    answer_done(&a);
    /* Another path is another request. */
    a = gate_with(&w.gate, "POST", "/v1/customers", "{}", "Idempotency-Key: k-1");
    answer_is(&a, 422, "idempotency_mismatch", NULL);
    answer_done(&a);
    gate_wait_status(&w.gate, id, "read");
    assert_int_equal(sim_count(&w.sim, "accepted"), before + 1);
}

/* One change with a key, another one after it, then the first one once more: it is answered as it was, and
 * changes nothing. */
static void change_once(const char *method, const char *path, const char *first, const char *second,
                        const char *key)
{
    struct answer a = gate_with(&w.gate, method, path, first, key), b, c;

    assert_int_equal(a.status, 200);
    b = gate_do(&w.gate, method, path, second);
    assert_int_equal(b.status, 200);
    c = gate_with(&w.gate, method, path, first, key);
    assert_int_equal(c.status, 200);
    assert_true(has(&c, "Idempotency-Replayed: true"));
    assert_string_equal(c.body, a.body);
    answer_done(&c);
    c = gate_with(&w.gate, method, path, second, key);
    answer_is(&c, 422, "idempotency_mismatch", NULL);
    answer_done(&c);
    answer_done(&b);
    answer_done(&a);
}

static void a_change_with_a_key_has_its_effect_once(void **state)
{
    char customer[64], path[160];
    struct answer a;

    (void)state;
    new_customer(customer);
    (void)snprintf(path, sizeof path, "/v1/customers/%s", customer);
    change_once("PATCH", path, "{\"name\":\"Ana\"}", "{\"name\":\"Eva\"}", "Idempotency-Key: c-1");
    a = gate_get(&w.gate, "/v1/customers/%s", customer);
    assert_string_equal(answer_str(&a, "name"), "Eva");
    answer_done(&a);

    (void)snprintf(path, sizeof path, "/v1/customers/%s/consents/promotional", customer);
    change_once("PUT", path, "{\"state\":\"denied\"}", "{\"state\":\"granted\"}", "Idempotency-Key: c-2");
    a = gate_get(&w.gate, "/v1/customers/%s/consents", customer);
    assert_string_equal(answer_str(&a, "consents/0/state"), "granted");
    answer_done(&a);

    a = gate_post(&w.gate, "/v1/cases", "{\"customer\":\"%s\",\"subject\":\"TV\"}", customer);
    assert_int_equal(a.status, 201);
    (void)snprintf(path, sizeof path, "/v1/cases/%s", answer_str(&a, "id"));
    answer_done(&a);
    change_once("PATCH", path, "{\"status\":\"closed\"}", "{\"status\":\"open\"}", "Idempotency-Key: c-3");
    a = gate_get(&w.gate, "%s", path);
    assert_string_equal(answer_str(&a, "status"), "open");
    answer_done(&a);
}

static void problems_point_at_what_is_wrong(void **state)
{
    static const struct {
        const char *body;
        long status;
        const char *code, *pointer;
    } all[] = {
        {"{", 400, "invalid_json", NULL},
        {"[]", 422, "invalid_field", ""},
        {"{\"to\":{\"phone\":\"+573001112233\"}}", 422, "missing_field", "/content"},
        {"{\"to\":{\"phone\":\"300\"},\"content\":{\"type\":\"text\",\"text\":\"x\"}}", 422,
         "invalid_identifier", "/to/phone"},
        {"{\"to\":{},\"content\":{\"type\":\"text\",\"text\":\"x\"}}", 422, "invalid_field", "/to"},
        {"{\"to\":{\"phone\":\"+573001112233\",\"email\":\"a@b.co\"},\"content\":{\"type\":\"text\",\"text\":"
         "\"x\"}}",
         422, "invalid_field", "/to"},
        {"{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"text\",\"text\":\"x\"},\"chanel\":"
         "\"wa\"}",
         422, "unknown_field", "/chanel"},
        {"{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"text\",\"text\":\"x\"},\"channel\":"
         "\"sms\"}",
         422, "unknown_channel", "/channel"},
        {"{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"tekst\",\"text\":\"x\"}}", 422,
         "invalid_content", "/content/type"},
        {"{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"text\",\"text\":\"\"}}", 422, NULL,
         "/content/text"},
        {"{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"text\",\"text\":7}}", 422,
         "invalid_content", "/content/text"},
        {"{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"choices\",\"text\":\"x\",\"choices\":"
         "[{"
         "\"id\":\"a\",\"title\":\"A\"},{\"id\":\"a\",\"title\":\"B\"}]}}",
         422, "invalid_content", "/content/choices/1/id"},
        {"{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"media\",\"kind\":\"image\",\"media\":"
         "\"med_00000000000000000000000001\"}}",
         422, "unknown_media", "/content/media"},
        {"{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"text\",\"text\":\"x\"},"
         "\"expires_in\":\"1h\"}",
         422, "invalid_field", "/expires_in"},
        {"{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"text\",\"text\":\"x\"},\"priority\":"
         "9}",
         422, "invalid_field", "/priority"},
        {"{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"text\",\"text\":\"x\"},\"category\":"
         "\"servis\"}",
         422, "invalid_field", "/category"},
        {"{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"text\",\"text\":\"x\"},\"case\":"
         "\"cas_00000000000000000000000000\"}",
         422, "invalid_field", "/case"},
        /* The id of zeros stands for none within: outside it is no id. */
        {"{\"to\":{\"customer\":\"cus_00000000000000000000000000\"},\"content\":{\"type\":\"text\",\"text\":"
         "\"x\"}}",
         422, "invalid_field", "/to/customer"},
        {"{\"to\":{\"phone\":\"+573001112233\"},\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":"
         "\"text\",\"text\":\"x\"}}",
         400, "invalid_json", NULL},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        struct answer a = gate_do(&w.gate, "POST", "/v1/messages", all[i].body);
        if (a.status != all[i].status)
            print_message("%s\n", all[i].body);
        answer_is(&a, all[i].status, all[i].code, all[i].pointer);
        assert_true(has(&a, "Content-Type: application/problem+json"));
        assert_non_null(answer_str(&a, "detail"));
        assert_non_null(answer_str(&a, "title"));
        assert_int_equal(answer_num(&a, "status"), all[i].status);
        answer_done(&a);
    }
}

static void json_nested_ten_thousand_deep_is_refused(void **state)
{
    enum { DEPTH = 10000 };
    static char body[2 * DEPTH + 64];
    size_t n = 0;

    (void)state;
    n += (size_t)sprintf(body, "{\"to\":");
    memset(body + n, '[', DEPTH), n += DEPTH;
    memset(body + n, ']', DEPTH), n += DEPTH;
    (void)strcpy(body + n, "}");
    gate_expect(&w.gate, 400, "invalid_json", NULL, "POST", "/v1/messages", body);
    body[n] = '\0'; /* and the same unfinished */
    gate_expect(&w.gate, 400, "invalid_json", NULL, "POST", "/v1/messages", body);
}

static void bytes_that_are_no_utf8_are_refused(void **state)
{
    static const char body[] =
        "{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"text\",\"text\":\"\xc3\x28\"}}";

    (void)state;
    gate_expect(&w.gate, 400, "invalid_json", NULL, "POST", "/v1/messages", body);
}

static void a_body_beyond_the_limit_is_refused(void **state)
{
    size_t n = 2 << 20;
    char *body = malloc(n + 1);

    (void)state;
    assert_non_null(body);
    memset(body, ' ', n);
    body[n] = '\0';
    gate_expect(&w.gate, 413, "too_large", NULL, "POST", "/v1/messages", body);
    free(body);
}

static void other_media_types_are_refused(void **state)
{
    (void)state;
    struct answer a = gate_with(&w.gate, "POST", "/v1/messages", "to=1", "Content-Type: text/plain");
    answer_is(&a, 415, "unsupported_media_type", NULL);
    answer_done(&a);
}

/* A word that the path does not know is a mistake of the caller's, never passed over. */
static void a_query_that_a_path_does_not_know_is_refused(void **state)
{
    static const char *const paths[] = {
        "/v1/messages/msg_01JDX3V5Q8E7Z2M4N6P8R0T2V4?expand=all",
        "/v1/customers/cus_01JDX3V5Q8E7Z2M4N6P8R0T2V4?limit=1",
        "/v1/cases/cas_01JDX3V5Q8E7Z2M4N6P8R0T2V4?x",
        "/v1/media/med_01JDX3V5Q8E7Z2M4N6P8R0T2V4?inof=1",
        "/v1/channels?limit=1",
        "/v1/keys?cursor=x",
        "/metrics?format=json",
        "/healthz?verbose=1",
        "/readyz?",
        "/v1/cases?limit=1&limit=2",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct answer a = gate_get(&w.gate, "%s", paths[i]);
        if (strcmp(paths[i], "/readyz?") == 0) /* an empty query has no words */
            assert_int_equal(a.status, 200);
        else if (a.status != 400)
            print_message("%s: %ld %s\n", paths[i], a.status, a.body);
        if (strcmp(paths[i], "/readyz?") != 0)
            assert_int_equal(a.status, 400);
        answer_done(&a);
    }
    gate_expect(&w.gate, 400, "unknown_parameter", NULL, "POST", "/v1/messages?dry_run=1", "{}");
    gate_expect(&w.gate, 400, "unknown_parameter", NULL, "DELETE",
                "/v1/messages/msg_01JDX3V5Q8E7Z2M4N6P8R0T2V4?force=1", NULL);
}

static void a_path_tells_which_methods_it_has(void **state)
{
    (void)state;
    struct answer a = gate_do(&w.gate, "PUT", "/v1/messages", "{}");
    answer_is(&a, 405, NULL, NULL);
    assert_true(has(&a, "Allow: POST"));
    answer_done(&a);
    a = gate_do(&w.gate, "POST", "/v1/messages/msg_00000000000000000000000000", "{}");
    answer_is(&a, 405, NULL, NULL);
    assert_true(has(&a, "Allow: GET, HEAD, DELETE"));
    answer_done(&a);
    gate_expect(&w.gate, 404, NULL, NULL, "GET", "/v2/messages", NULL);
    gate_expect(&w.gate, 404, "unknown_message", NULL, "GET", "/v1/messages/msg_00000000000000000000000000",
                NULL);
    gate_expect(&w.gate, 404, "unknown_message", NULL, "GET", "/v1/messages/17", NULL);
}

static void a_key_does_what_its_scopes_say_until_it_is_revoked(void **state)
{
    char id[64], key[64], path[128];

    (void)state;
    struct answer a = gate_post(&w.gate, "/v1/keys", "{\"name\":\"reader\",\"scopes\":[\"customers:read\"]}");
    assert_int_equal(a.status, 201);
    keep(id, &a, "id");
    keep(key, &a, "key");
    answer_done(&a);
    struct gate reader = w.gate;
    (void)memcpy(reader.key, key, sizeof key);
    a = gate_post(&reader, "/v1/customers/search", "{\"phone\":\"+573009999999\"}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    a = gate_post(&reader, "/v1/customers", "{}");
    answer_is(&a, 403, "insufficient_scope", NULL);
    assert_true(has(&a, "WWW-Authenticate: Bearer"));
    answer_done(&a);
    gate_expect(&reader, 403, "insufficient_scope", NULL, "GET", "/metrics", NULL);
    gate_expect(&reader, 403, "insufficient_scope", NULL, "POST", "/v1/keys",
                "{\"name\":\"x\",\"scopes\":\"all\"}");
    /* It is listed, without the secret. */
    a = gate_get(&w.gate, "/v1/keys");
    assert_non_null(strstr(a.body, id));
    assert_null(strstr(a.body, key));
    answer_done(&a);
    (void)snprintf(path, sizeof path, "/v1/keys/%s", id);
    a = gate_do(&w.gate, "DELETE", path, NULL);
    assert_int_equal(a.status, 204);
    answer_done(&a);
    a = gate_post(&reader, "/v1/customers/search", "{\"phone\":\"+573009999999\"}");
    answer_is(&a, 401, "unauthorized", NULL);
    answer_done(&a);
    reader.key[10] ^= 1;
    gate_expect(&reader, 401, "unauthorized", NULL, "GET", "/v1/channels", NULL);
    (void)snprintf(path, sizeof path, "%s/v1/channels", w.gate.url);
    a = http_do("GET", path, NULL, NULL, NULL);
    answer_is(&a, 401, "unauthorized", NULL);
    answer_done(&a);
}

static void a_change_of_what_was_changed_in_between_is_refused(void **state)
{
    char id[64], path[128], etag[64], header[96];

    (void)state;
    new_customer(id);
    (void)snprintf(path, sizeof path, "/v1/customers/%s", id);
    struct answer a = gate_do(&w.gate, "GET", path, NULL);
    const char *tag = strstr(a.headers, "ETag: ");
    assert_non_null(tag);
    (void)snprintf(etag, sizeof etag, "%.*s", (int)strcspn(tag + 6, "\r\n"), tag + 6);
    answer_done(&a);
    (void)snprintf(header, sizeof header, "If-Match: %s", etag);
    a = gate_with(&w.gate, "PATCH", path, "{\"name\":\"Ana Gómez\"}", header);
    assert_int_equal(a.status, 200);
    assert_string_equal(answer_str(&a, "name"), "Ana Gómez");
    assert_false(has(&a, etag));
    answer_done(&a);
    a = gate_with(&w.gate, "PATCH", path, "{\"name\":\"Berta\"}", header);
    answer_is(&a, 412, NULL, NULL);
    answer_done(&a);
    a = gate_do(&w.gate, "PATCH", path, "{\"name\":null,\"language\":\"es\"}");
    assert_int_equal(a.status, 200);
    assert_null(json_at(a.json, "name"));
    assert_string_equal(answer_str(&a, "language"), "es");
    answer_done(&a);
    /* HEAD is GET without its body. */
    a = gate_do(&w.gate, "HEAD", path, NULL);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.n, 0);
    assert_true(has(&a, "ETag: "));
    answer_done(&a);
}

static void a_long_timeline_is_read_page_by_page(void **state)
{
    enum { ALL = 75, PAGE = 20 };
    char id[64], cursor[256] = "", last[64];
    unsigned found = 0, pages = 0;
    struct answer a;

    (void)state;
    sim_set(&w.sim, "/_sim/inbound",
            "{\"from\":\"573001110077\",\"type\":\"text\",\"text\":{\"body\":\"n\"},\"count\":%d}", ALL);
    sim_quiet(&w.sim);
    a = gate_post(&w.gate, "/v1/customers/search", "{\"phone\":\"+573001110077\"}");
    keep(id, &a, "customers/0/id");
    answer_done(&a);
    do {
        const cJSON *m;
        a = gate_get(&w.gate, "/v1/customers/%s/timeline?limit=%d%s%s", id, PAGE, cursor[0] ? "&cursor=" : "",
                     cursor);
        assert_int_equal(a.status, 200);
        cJSON_ArrayForEach(m, json_at(a.json, "messages"))
        {
            (void)snprintf(last, sizeof last, "n %u", ALL - found++);
            assert_string_equal(json_at(m, "content/text")->valuestring, last);
        }
        cursor[0] = '\0';
        if (!cJSON_IsNull(json_at(a.json, "next")))
            (void)snprintf(cursor, sizeof cursor, "%s", answer_str(&a, "next"));
        answer_done(&a);
        pages++;
    } while (cursor[0]);
    assert_int_equal(found, ALL);
    assert_int_equal(pages, 4);
    a = gate_get(&w.gate, "/v1/customers/%s/timeline?cursor=nonsense", id);
    answer_is(&a, 400, "invalid_cursor", NULL);
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/customers/%s/timeline?limit=0", id);
    assert_int_equal(a.status, 400);
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/customers/%s/timeline?page=2", id);
    assert_int_equal(a.status, 400);
    answer_done(&a);
}

static void cases_are_opened_changed_and_listed(void **state)
{
    char who[64], other[64], id[64], path[128];

    (void)state;
    new_customer(who);
    new_customer(other);
    struct answer a = gate_post(&w.gate, "/v1/cases",
                                "{\"customer\":\"%s\",\"subject\":\"Televisor\",\"owner\":\"luis\"}", who);
    assert_int_equal(a.status, 201);
    keep(id, &a, "id");
    answer_done(&a);
    (void)snprintf(path, sizeof path, "/v1/cases/%s", id);
    a = gate_do(&w.gate, "PATCH", path, "{\"status\":\"pending\"}");
    assert_string_equal(answer_str(&a, "status"), "pending");
    assert_string_equal(answer_str(&a, "owner"), "luis");
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/cases?status=pending&owner=luis&customer=%s", who);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "cases")), 1);
    assert_string_equal(answer_str(&a, "cases/0/id"), id);
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/cases?status=open&customer=%s", who);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "cases")), 0);
    answer_done(&a);
    a = gate_post(&w.gate, "/v1/messages",
                  "{\"to\":{\"customer\":\"%s\"},\"channel\":\"wa\",\"case\":\"%s\",\"content\":{\"type\":"
                  "\"text\",\"text\":\"x\"}}",
                  other, id);
    answer_is(&a, 422, "case_of_another", "/case");
    answer_done(&a);
    gate_expect(&w.gate, 422, NULL, "/status", "PATCH", path, "{\"status\":\"done\"}");
}

static void an_identifier_belongs_to_one_customer(void **state)
{
    (void)state;
    static const char body[] = "{\"identifiers\":[{\"scheme\":\"document\",\"value\":\"CO:CC:1020304050\"}]}";
    struct answer a = gate_do(&w.gate, "POST", "/v1/customers", body);
    assert_int_equal(a.status, 201);
    answer_done(&a);
    a = gate_do(&w.gate, "POST", "/v1/customers", body);
    assert_int_equal(a.status, 409);
    answer_done(&a);
    a = gate_post(&w.gate, "/v1/customers/search", "{\"document\":\"co:cc:1.020.304.050\"}");
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "customers")), 1);
    answer_done(&a);
}

/* Bytes of every value. */
static struct answer upload(const void *bytes, size_t n, const char *type)
{
    const char *const headers[] = {type, NULL};
    char url[128];

    (void)snprintf(url, sizeof url, "%s/v1/media", w.gate.url);
    return http_bytes("POST", url, w.gate.key, bytes, n, headers);
}

static void a_file_goes_up_raw_and_as_a_form_and_is_sent(void **state)
{
    static const char head[] =
        "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"tv.png\"\r\n"
        "Content-Type: image/png\r\n\r\n";
    unsigned char bytes[5000], form[6000];
    char id[2][64], message[64];
    size_t n = 0;

    (void)state;
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 256);
    struct answer a = upload(bytes, sizeof bytes, "Content-Type: image/png");
    assert_int_equal(a.status, 201);
    keep(id[0], &a, "id");
    assert_int_equal(answer_num(&a, "size"), sizeof bytes);
    answer_done(&a);
    memcpy(form, head, sizeof head - 1), n += sizeof head - 1;
    memcpy(form + n, bytes, sizeof bytes), n += sizeof bytes;
    memcpy(form + n, "\r\n--xyz--\r\n", 11), n += 11;
    a = upload(form, n, "Content-Type: multipart/form-data; boundary=xyz");
    assert_int_equal(a.status, 201);
    keep(id[1], &a, "id");
    assert_string_equal(answer_str(&a, "filename"), "tv.png");
    answer_done(&a);
    for (unsigned i = 0; i < 2; i++) {
        a = gate_get(&w.gate, "/v1/media/%s", id[i]);
        assert_int_equal(a.status, 200);
        assert_int_equal(a.n, sizeof bytes);
        assert_memory_equal(a.body, bytes, sizeof bytes);
        assert_true(has(&a, "Content-Type: image/png"));
        answer_done(&a);
    }
    a = gate_post(&w.gate, "/v1/messages",
                  "{\"to\":{\"phone\":\"+573001110002\"},\"content\":{\"type\":\"media\",\"kind\":\"image\","
                  "\"media\":\"%s\",\"caption\":\"su factura\"}}",
                  id[1]);
    assert_int_equal(a.status, 202);
    keep(message, &a, "id");
    answer_done(&a);
    gate_wait_status(&w.gate, message, "read");
    assert_int_equal(sim_count(&w.sim, "uploads"), 1);
}

static void the_openapi_document_lists_what_is_served(void **state)
{
    static const char *const routes[][2] = {
        {"/v1/messages", "post"},
        {"/v1/messages/{id}", "get"},
        {"/v1/messages/{id}", "delete"},
        {"/v1/messages/{id}/read", "post"},
        {"/v1/customers", "post"},
        {"/v1/customers/search", "post"},
        {"/v1/customers/{id}", "get"},
        {"/v1/customers/{id}", "patch"},
        {"/v1/customers/{id}/timeline", "get"},
        {"/v1/cases", "post"},
        {"/v1/cases", "get"},
        {"/v1/cases/{id}", "get"},
        {"/v1/cases/{id}", "patch"},
        {"/v1/cases/{id}/messages", "get"},
        {"/v1/media", "post"},
        {"/v1/media/{id}", "get"},
        {"/m/{token}", "get"},
        {"/v1/channels", "get"},
        {"/v1/channels/{name}/pause", "post"},
        {"/v1/channels/{name}/resume", "post"},
        {"/v1/keys", "post"},
        {"/v1/keys", "get"},
        {"/v1/keys/{id}", "delete"},
        {"/openapi.json", "get"},
        {"/healthz", "get"},
        {"/readyz", "get"},
        {"/metrics", "get"},
    };
    unsigned listed = 0;
    const cJSON *path, *method;
    char url[128];

    (void)state;
    (void)snprintf(url, sizeof url, "%s/openapi.json", w.gate.url);
    struct answer a = http_do("GET", url, NULL, NULL, NULL);
    assert_int_equal(a.status, 200);
    assert_memory_equal(answer_str(&a, "openapi"), "3.1", 3);
    for (unsigned i = 0; i < sizeof routes / sizeof *routes; i++) {
        path = cJSON_GetObjectItemCaseSensitive(json_at(a.json, "paths"), routes[i][0]);
        if (!cJSON_GetObjectItemCaseSensitive(path, routes[i][1]))
            print_message("%s %s is not listed\n", routes[i][1], routes[i][0]);
        assert_non_null(cJSON_GetObjectItemCaseSensitive(path, routes[i][1]));
    }
    /* And nothing else that would be answered 404: a wrong method there is a 405. */
    cJSON_ArrayForEach(path, json_at(a.json, "paths"))
    {
        struct answer wrong = gate_do(&w.gate, "TRACE", path->string, NULL);
        if (wrong.status == 404 && !strstr(path->string, "/hooks/"))
            print_message("%s is listed and not served\n", path->string);
        assert_true(wrong.status == 405 || strstr(path->string, "/hooks/"));
        answer_done(&wrong);
        cJSON_ArrayForEach(method, path) listed += strcmp(method->string, "parameters") != 0;
    }
    assert_true(listed >= sizeof routes / sizeof *routes);
    answer_done(&a);
}

static void health_is_open_and_metrics_count(void **state)
{
    char url[128];

    (void)state;
    (void)snprintf(url, sizeof url, "%s/healthz", w.gate.url);
    struct answer a = http_do("GET", url, NULL, NULL, NULL);
    assert_int_equal(a.status, 200);
    assert_string_equal(answer_str(&a, "status"), "ok");
    answer_done(&a);
    (void)snprintf(url, sizeof url, "%s/readyz", w.gate.url);
    a = http_do("GET", url, NULL, NULL, NULL);
    assert_int_equal(a.status, 200);
    assert_int_equal(answer_num(&a, "channels/up"), 1);
    answer_done(&a);
    a = gate_get(&w.gate, "/metrics");
    assert_true(has(&a, "text/plain; version=0.0.4"));
    const char *sent = strstr(a.body, "\nhilo_channel_messages_total{channel=\"wa\",status=\"sent\"} ");
    assert_non_null(sent);
    unsigned before = (unsigned)atoi(strchr(sent, '}') + 2);
    answer_done(&a);
    char id[64];
    gate_send_text(&w.gate, "+573001110003", "hola", id);
    (void)process_wait_nth(w.gate.process, 1, "message.reported", id, "status=sent", NULL);
    a = gate_get(&w.gate, "/metrics");
    sent = strstr(a.body, "\nhilo_channel_messages_total{channel=\"wa\",status=\"sent\"} ");
    assert_int_equal(atoi(strchr(sent, '}') + 2), before + 1);
    answer_done(&a);
}

static void the_log_holds_no_personal_data(void **state)
{
    char id[64];

    (void)state;
    gate_send_text(&w.gate, "+573001118899", "un secreto de Ana", id);
    gate_wait_status(&w.gate, id, "read");
    sim_text(&w.sim, "573001118899", "otro secreto", NULL);
    sim_quiet(&w.sim);
    assert_false(process_saw(w.gate.process, "3001118899"));
    assert_false(process_saw(w.gate.process, "secreto"));
    assert_false(process_saw(w.gate.process, w.gate.key + 5));
    assert_false(process_saw(w.gate.process, "sim-token"));
    assert_false(process_saw(w.gate.process, "sim-app-secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_idempotency_key_gives_the_first_answer),
        cmocka_unit_test(a_change_with_a_key_has_its_effect_once),
        cmocka_unit_test(problems_point_at_what_is_wrong),
        cmocka_unit_test(json_nested_ten_thousand_deep_is_refused),
        cmocka_unit_test(bytes_that_are_no_utf8_are_refused),
        cmocka_unit_test(a_body_beyond_the_limit_is_refused),
        cmocka_unit_test(other_media_types_are_refused),
        cmocka_unit_test(a_query_that_a_path_does_not_know_is_refused),
        cmocka_unit_test(a_path_tells_which_methods_it_has),
        cmocka_unit_test(a_key_does_what_its_scopes_say_until_it_is_revoked),
        cmocka_unit_test(a_change_of_what_was_changed_in_between_is_refused),
        cmocka_unit_test(a_long_timeline_is_read_page_by_page),
        cmocka_unit_test(cases_are_opened_changed_and_listed),
        cmocka_unit_test(an_identifier_belongs_to_one_customer),
        cmocka_unit_test(a_file_goes_up_raw_and_as_a_form_and_is_sent),
        cmocka_unit_test(the_openapi_document_lists_what_is_served),
        cmocka_unit_test(health_is_open_and_metrics_count),
        cmocka_unit_test(the_log_holds_no_personal_data),
    };

    return cmocka_run_group_tests(tests, up, down);
}
