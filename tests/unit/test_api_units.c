/* The API's parts by themselves: cursors, fields, routes, the trace of a caller. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "api/auth.h"
#include "api/cursor.h"
#include "api/fields.h"
#include "api/route.h"
#include "base/str.h"
#include "model/jsoncheck.h"
#include "services/access.h"

static void cursors_come_back_and_others_do_not(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct hilo_str text, out;

    for (size_t n = 1; n <= 40; n++) {
        char bytes[40];
        for (size_t i = 0; i < n; i++)
            bytes[i] = (char)(i * 37 + n);
        text = cursor_encode(arena, 'T', str_n(bytes, n));
        assert_true(cursor_decode(arena, 'T', text, &out));
        assert_int_equal(out.n, n);
        assert_memory_equal(out.p, bytes, n);
        assert_false(cursor_decode(arena, 'C', text, &out));
        /* Every changed character is noticed. */
        for (uint64_t i = 0; i < text.n; i++) {
            char *bad = arena_dup(arena, text.p, (size_t)text.n);
            bad[i] = bad[i] == 'A' ? 'B' : 'A';
            assert_false(cursor_decode(arena, 'T', str_n(bad, (size_t)text.n), &out));
        }
        assert_false(cursor_decode(arena, 'T', str_n(text.p, (size_t)text.n - 1), &out));
    }
    assert_false(cursor_decode(arena, 'T', STR(""), &out));
    assert_false(cursor_decode(arena, 'T', STR("!!!!!!!!"), &out));
    arena_free(&arena);
}

struct sample {
    struct hilo_str name;
    uint64_t n;
    bool yes;
    int64_t wait;
    const cJSON *list;
};
static const struct field sample_fields[] = {
    {.name = "name",
     .type = FIELD_STR,
     .flags = FIELD_REQUIRED,
     .min = 1,
     .max = 4,
     .offset = offsetof(struct sample, name)},
    {.name = "n",
     .type = FIELD_U64,
     .flags = FIELD_NULL,
     .min = 1,
     .max = 9,
     .offset = offsetof(struct sample, n)},
    {.name = "yes", .type = FIELD_BOOL, .offset = offsetof(struct sample, yes)},
    {.name = "wait",
     .type = FIELD_DURATION,
     .min = 1000000,
     .max = UINT64_C(86400000000),
     .offset = offsetof(struct sample, wait)},
    {.name = "list", .type = FIELD_ARRAY, .max = 2, .offset = offsetof(struct sample, list)},
};

static int sample(const char *text, struct sample *s, uint64_t *present, struct fault *f)
{
    struct err e;
    cJSON *tree;
    int rc;

    memset(s, 0, sizeof *s);
    memset(f, 0, sizeof *f);
    assert_int_equal(json_parse(str(text), NULL, &e, &tree), HILO_OK);
    rc = fields_read(tree, "/at", sample_fields, 5, s, present, f);
    if (rc == 0 && s->name.n)
        assert_true(s->name.n <= 16); /* read while the tree is there */
    cJSON_Delete(tree);
    return rc;
}

static void fields_are_read_and_refused(void **state)
{
    (void)state;
    struct sample s;
    struct fault f;
    uint64_t present;

    assert_int_equal(
        sample("{\"name\":\"\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\",\"yes\":true,\"wait\":\"PT1H\",\"n\":null}",
               &s, &present, &f),
        0);
    assert_int_equal(present, 1 | 2 | 4 | 8);
    assert_true(s.yes);
    assert_int_equal(s.n, 0);
    assert_int_equal(s.wait, INT64_C(3600000000));
    static const struct {
        const char *text, *code, *pointer;
    } bad[] = {
        {"{}", "missing_field", "/at/name"},
        {"{\"name\":\"\"}", "invalid_field", "/at/name"},
        {"{\"name\":\"abcde\"}", "invalid_field", "/at/name"},
        {"{\"name\":null}", "invalid_field", "/at/name"},
        {"{\"name\":\"a\",\"n\":0}", "invalid_field", "/at/n"},
        {"{\"name\":\"a\",\"n\":1.5}", "invalid_field", "/at/n"},
        {"{\"name\":\"a\",\"n\":\"1\"}", "invalid_field", "/at/n"},
        {"{\"name\":\"a\",\"yes\":1}", "invalid_field", "/at/yes"},
        {"{\"name\":\"a\",\"wait\":\"P2D\"}", "invalid_field", "/at/wait"},
        {"{\"name\":\"a\",\"list\":[1,2,3]}", "invalid_field", "/at/list"},
        {"{\"name\":\"a\",\"liist\":[]}", "unknown_field", "/at/liist"},
        {"{\"name\":\"a\",\"a/b~c\":1}", "unknown_field", "/at/a~1b~0c"},
        {"[]", "invalid_field", "/at"},
    };
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(sample(bad[i].text, &s, NULL, &f), -1);
        assert_string_equal(f.code, bad[i].code);
        assert_string_equal(f.pointer, bad[i].pointer);
    }
    assert_int_equal(sample("{\"name\":\"a\",\"liist\":[]}", &s, NULL, &f), -1);
    assert_non_null(strstr(f.text, "\"list\""));
}

static void a_very_long_unknown_name_is_cut_whole(void **state)
{
    (void)state;
    struct sample s;
    struct fault f;
    char text[700] = "{\"";

    for (unsigned i = 0; i < 300; i++)
        (void)strcat(text, "\xc3\xb1");
    (void)strcat(text, "\":1}");
    assert_int_equal(sample(text, &s, NULL, &f), -1);
    assert_true(strlen(f.pointer) > 100);
    assert_true(str_utf8_valid(str(f.pointer)));
}

static void an_error_with_a_pointer_becomes_a_fault_with_one(void **state)
{
    (void)state;
    struct err e = {0};
    struct fault f;

    (void)err_set(&e, HILO_INVALID, "/text: too long: 5");
    assert_int_equal(fields_fault(&f, 422, "x", "/content", &e), -1);
    assert_string_equal(f.pointer, "/content/text");
    assert_string_equal(f.text, "too long: 5");
    (void)err_set(&e, HILO_INVALID, "at byte 3: no value");
    assert_int_equal(fields_fault(&f, 400, "x", "", &e), -1);
    assert_string_equal(f.pointer, "");
    assert_string_equal(f.text, "at byte 3: no value");
}

static struct request asked(const char *method, const char *uri)
{
    struct request rq;

    memset(&rq, 0, sizeof rq);
    rq.method = str(method);
    rq.uri = str(uri);
    (void)str_cut(rq.uri, '?', &rq.path, &(struct hilo_str){0});
    route_match(&rq);
    return rq;
}

static void routes_match_whole_paths(void **state)
{
    (void)state;
    struct request rq;

    rq = asked("POST", "/v1/customers/search");
    assert_string_equal(rq.route->pattern, "/v1/customers/search");
    rq = asked("GET", "/v1/customers/cus_1?x=/y");
    assert_string_equal(rq.route->pattern, "/v1/customers/{}");
    assert_true(str_eqz(rq.param[0], "cus_1"));
    rq = asked("HEAD", "/v1/customers/cus_1/timeline");
    assert_string_equal(rq.route->pattern, "/v1/customers/{}/timeline");
    rq = asked("DELETE", "/v1/channels/pos/admin/terminals/CENTRO/3?now");
    assert_string_equal(rq.route->pattern, "/v1/channels/{}/admin*");
    assert_true(str_eqz(rq.rest, "/terminals/CENTRO/3?now"));
    rq = asked("GET", "/v1/channels/pos/administer");
    assert_null(rq.route);
    rq = asked("PURGE", "/hooks/wa/a/b?c");
    assert_string_equal(rq.route->pattern, "/hooks/{}*");
    assert_true(str_eqz(rq.rest, "/a/b?c"));
    rq = asked("GET", "/hooks/wa?hub.mode=subscribe");
    assert_true(str_eqz(rq.param[0], "wa"));
    assert_true(str_eqz(rq.rest, "?hub.mode=subscribe"));
    static const char *const nothing[] = {
        "/",       "/v1", "/v1/messages/", "/v1//messages",           "/v1/messages/a/b", "/hooks",
        "/hooks/", "/m/", "/healthz/",     "/v1/customers//timeline", "//v1/messages"};
    for (unsigned i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        rq = asked("GET", nothing[i]);
        assert_null(rq.route);
        assert_null(rq.allowed);
    }
    rq = asked("PUT", "/v1/messages");
    assert_null(rq.route);
    assert_non_null(rq.allowed);
}

/* Every route is in the document with its method, and every operation of it is a route. */
static void the_openapi_document_has_every_route(void **state)
{
    (void)state;
    extern const char openapi_json[], openapi_json_end[];
    struct json_limits limits = {.bytes_max = 1 << 20, .depth_max = 64};
    struct err e;
    cJSON *doc;
    unsigned n, operations = 0, served = 0;
    const struct route *r = routes(&n);
    const cJSON *paths, *path, *op;

    assert_int_equal(
        json_parse(str_n(openapi_json, (size_t)(openapi_json_end - openapi_json)), &limits, &e, &doc),
        HILO_OK);
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(doc, "openapi")->valuestring, "3.1.0");
    paths = cJSON_GetObjectItemCaseSensitive(doc, "paths");
    for (unsigned i = 0; i < n; i++) {
        unsigned found = 0;
        cJSON_ArrayForEach(path, paths)
        {
            char pattern[80];
            size_t o = 0;
            /* {id} is {}. */
            for (const char *p = path->string; *p && o + 3 < sizeof pattern; p++) {
                pattern[o++] = *p;
                if (*p == '{') {
                    pattern[o++] = '}';
                    p = strchr(p, '}');
                }
            }
            pattern[o] = 0;
            if (r[i].pattern[strlen(r[i].pattern) - 1] == '*') /* and whatever is below */
                (void)strcat(pattern, "*");
            if (strcmp(pattern, r[i].pattern) != 0)
                continue;
            cJSON_ArrayForEach(op, path)
            {
                char method[16] = {0};
                const cJSON *scopes = cJSON_GetObjectItemCaseSensitive(op, "x-hilo-scopes"), *scope;
                uint32_t need = 0, one;
                struct hilo_str unknown;
                for (size_t c = 0; op->string[c] && c < 15; c++)
                    method[c] = (char)(op->string[c] - 32);
                if (r[i].method[0] != '*' && strcmp(method, r[i].method) != 0)
                    continue;
                found++;
                cJSON_ArrayForEach(scope, scopes)
                {
                    assert_true(access_scopes_parse(str(scope->valuestring), &one, &unknown));
                    need |= one;
                }
                assert_int_equal(need, r[i].scopes);
            }
        }
        if (!found)
            fail_msg("%s %s is not in openapi.json", r[i].method, r[i].pattern);
        served += found;
    }
    cJSON_ArrayForEach(path, paths) operations += (unsigned)cJSON_GetArraySize(path);
    assert_int_equal(operations, served);
    cJSON_Delete(doc);
}

static void traces_are_read_strictly(void **state)
{
    (void)state;
    struct hilo_id id;
#define T "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert_true(auth_traceparent(STR("00-" T), &id));
    assert_int_equal(id.b[0], 0x0a);
    assert_true(auth_traceparent(STR("01-" T "-more"), &id));
    assert_false(auth_traceparent(STR("00-" T "-more"), &id));
    assert_false(auth_traceparent(STR("ff-" T), &id));
    assert_false(auth_traceparent(STR("00-00000000000000000000000000000000-b7ad6b7169203331-01"), &id));
    assert_false(auth_traceparent(STR("00-xaf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), &id));
    assert_false(auth_traceparent(STR(""), &id));
    assert_false(auth_traceparent((struct hilo_str){NULL, 0}, &id));
#undef T
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cursors_come_back_and_others_do_not),
        cmocka_unit_test(fields_are_read_and_refused),
        cmocka_unit_test(a_very_long_unknown_name_is_cut_whole),
        cmocka_unit_test(an_error_with_a_pointer_becomes_a_fault_with_one),
        cmocka_unit_test(routes_match_whole_paths),
        cmocka_unit_test(the_openapi_document_has_every_route),
        cmocka_unit_test(traces_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
