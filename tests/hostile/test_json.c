/* Bodies of the API that are no JSON, too much of it, or the wrong things in it: each is
 * refused with its code, and nothing of it is kept. */
#include "wire.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define PHONE    "+573008887766"
#define PHONE_IN "573008887766"
#define TEXT_IN  "palabra-secreta"
#define TO                                                                                                   \
    "{\"to\":{\"phone\":\"" PHONE "\"},\"channel\":\"wa\",\"content\":{\"type\":\"text\",\"text\":"          \
    "\"" TEXT_IN

static const char *const secrets[] = {PHONE_IN, TEXT_IN, "Ana-Secreta", NULL};

/* One request with these bytes as its body; with a Content-Type of one's choice. */
static void post(struct world *w, const char *what, const char *type, const void *body, size_t n, long status,
                 const char *code)
{
    struct bytes b = {0};

    bytes_fmt(&b,
              "POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s%s%s"
              "Content-Length: %zu\r\n\r\n",
              w->gate.key, type ? "Content-Type: " : "", type ? type : "", type ? "\r\n" : "", n);
    bytes_add(&b, body, n);
    wire_expect(&w->gate, what, b.p, b.n, status, code);
    bytes_done(&b);
}

struct row {
    const char *what, *bytes;
    size_t n;
    long status;
    const char *code;
};
#define ROW(what_, bytes_, status_, code_)                                                                   \
    {                                                                                                        \
        .what = (what_), .bytes = (bytes_), .n = sizeof(bytes_) - 1, .status = (status_), .code = (code_)    \
    }

static const struct row rows[] = {
    ROW("nothing", "", 400, "invalid_json"),
    ROW("a space", " ", 400, "invalid_json"),
    ROW("cut off", TO, 400, "invalid_json"),
    ROW("two values", TO "\"}}{}", 400, "invalid_json"),
    ROW("a trailing comma", TO "\"},}", 400, "invalid_json"),
    ROW("a comment", "/* */" TO "\"}}", 400, "invalid_json"),
    ROW("a byte order mark", "\xef\xbb\xbf" TO "\"}}", 400, "invalid_json"),
    ROW("UTF-16", "{\0\"\0t\0o\0\"\0:\0", 400, "invalid_json"),
    ROW("a NUL between", TO "\"}\0}", 400, "invalid_json"),
    ROW("a NUL in a string", TO "\0\"}}", 400, "invalid_json"),
    ROW("an escaped NUL", TO "\\u0000\"}}", 400, "invalid_json"),
    ROW("a line break in a string", TO "\n\"}}", 400, "invalid_json"),
    ROW("UTF-8 cut off", TO "\xc3\"}}", 400, "invalid_json"),
    ROW("UTF-8 overlong", TO "\xc0\xaf\"}}", 400, "invalid_json"),
    ROW("UTF-8 of a surrogate", TO "\xed\xa0\x80\"}}", 400, "invalid_json"),
    ROW("UTF-8 beyond Unicode", TO "\xf4\x90\x80\x80\"}}", 400, "invalid_json"),
    ROW("Latin-1", TO "\xe9\"}}", 400, "invalid_json"),
    ROW("a lone high surrogate", TO "\\ud800\"}}", 400, "invalid_json"),
    ROW("a lone low surrogate", TO "\\udc00 \"}}", 400, "invalid_json"),
    ROW("surrogates swapped", TO "\\udc00\\ud800\"}}", 400, "invalid_json"),
    ROW("an unknown escape", TO "\\x41\"}}", 400, "invalid_json"),
    ROW("NaN", "{\"priority\":NaN}", 400, "invalid_json"),
    ROW("a leading zero", "{\"priority\":01}", 400, "invalid_json"),
    ROW("beyond a double", "{\"priority\":1e999}", 400, "invalid_json"),
    ROW("beyond 2^53", "{\"priority\":9007199254740993}", 400, "invalid_json"),
    ROW("beyond 64 bits", "{\"priority\":99999999999999999999999999999999}", 400, "invalid_json"),
    ROW("a key twice", "{\"channel\":\"wa\",\"channel\":\"wb\"}", 400, "invalid_json"),
    ROW("a key twice, once escaped", "{\"channel\":\"wa\",\"ch\\u0061nnel\":\"wb\"}", 400, "invalid_json"),
    ROW("a key twice, deep", TO "\",\"a\":[{\"b\":1,\"b\":2}]}}", 400, "invalid_json"),
    ROW("an array", "[]", 422, "invalid_field"),
    ROW("a string", "\"to\"", 422, "invalid_field"),
    ROW("null", "null", 422, "invalid_field"),
    ROW("an empty object", "{}", 422, "missing_field"),
    ROW("an empty key", "{\"\":1}", 422, "unknown_field"),
    ROW("a key like a pointer", "{\"/to/~phone\":1}", 422, "unknown_field"),
    ROW("a number for a phone", "{\"to\":{\"phone\":573008887766},\"content\":{}}", 422, "invalid_field"),
    ROW("a phone of words", "{\"to\":{\"phone\":\"Ana-Secreta\"},\"content\":{}}", 422, "invalid_identifier"),
    ROW("a phone and more", "{\"to\":{\"phone\":\"" PHONE "; DROP\"},\"content\":{}}", 422,
        "invalid_identifier"),
    ROW("a forged customer", "{\"to\":{\"customer\":\"cus_0000000000000000000000000Z\"},\"content\":{}}", 422,
        NULL),
    ROW("a customer's id of another kind",
        "{\"to\":{\"customer\":\"msg_01M884Z9G360CDDN1T9HXNK645\"},\"content\":{}}", 422, "invalid_field"),
    ROW("no content", TO "\"}", 400, "invalid_json"),
    ROW("content of no type", "{\"to\":{\"phone\":\"" PHONE "\"},\"content\":{}}", 422, NULL),
    ROW("content of an unknown type", "{\"to\":{\"phone\":\"" PHONE "\"},\"content\":{\"type\":\"x\"}}", 422,
        "invalid_content"),
    ROW("choices that are none",
        "{\"to\":{\"phone\":\"" PHONE "\"},\"content\":{\"type\":\"choices\",\"text\":\"a\",\"choices\":5}}",
        422, "invalid_content"),
    ROW("a place off the globe",
        "{\"to\":{\"phone\":\"" PHONE
        "\"},\"content\":{\"type\":\"location\",\"latitude\":1e300,\"longitude\":-1e300}}",
        422, "invalid_content"),
    ROW("a duration too long", TO "\"},\"expires_in\":\"P99999999999D\"}", 422, "invalid_field"),
    ROW("an unknown channel",
        "{\"to\":{\"phone\":\"" PHONE
        "\"},\"channel\":\"../wa\",\"content\":{\"type\":\"text\",\"text\":\"a\"}}",
        422, "unknown_channel"),
};

static void each_bad_body_has_its_answer(void **state)
{
    struct world *w = *state;

    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        post(w, rows[i].what, "application/json", rows[i].bytes, rows[i].n, rows[i].status, rows[i].code);
    assert_int_equal(hostile_count(w, PHONE), 0);
}

static void the_type_of_the_body_is_looked_at(void **state)
{
    struct world *w = *state;
    static const char *const wrong[] = {"text/plain",
                                        "application/x-www-form-urlencoded",
                                        "multipart/form-data; boundary=x",
                                        "application/jsonp",
                                        "",
                                        "/",
                                        NULL};
    static const char body[] = TO "\"}}";

    for (unsigned i = 0; wrong[i]; i++)
        post(w, wrong[i], wrong[i], body, sizeof body - 1, 415, "unsupported_media_type");
    post(w, "no type", NULL, body, sizeof body - 1, 415, "unsupported_media_type");
    assert_int_equal(hostile_count(w, PHONE), 0);
}

static void nesting_and_keys_have_limits(void **state)
{
    struct world *w = *state;
    struct bytes b = {0};

    bytes_repeat(&b, "[", 10000);
    bytes_repeat(&b, "]", 10000);
    post(w, "10,000 arrays", "application/json", b.p, b.n, 400, "invalid_json");
    bytes_clear(&b);
    bytes_repeat(&b, "{\"a\":", 10000);
    bytes_fmt(&b, "1");
    bytes_repeat(&b, "}", 10000);
    post(w, "10,000 objects", "application/json", b.p, b.n, 400, "invalid_json");
    bytes_clear(&b);
    bytes_repeat(&b, "[", 1000000);
    post(w, "a million brackets", "application/json", b.p, b.n, 400, "invalid_json");
    bytes_clear(&b);
    bytes_fmt(&b, "{");
    for (unsigned i = 0; i < 100000; i++)
        bytes_fmt(&b, "%s\"%x\":1", i ? "," : "", i);
    bytes_fmt(&b, "}");
    assert_true(b.n > 900000 && b.n < 1048576 + 400000);
    post(w, "100,000 keys", "application/json", b.p, b.n, b.n > 1048576 ? 413 : 422,
         b.n > 1048576 ? "too_large" : "unknown_field");
    bytes_clear(&b);
    bytes_fmt(&b, "{");
    for (unsigned i = 0; i < 80000; i++)
        bytes_fmt(&b, "%s\"%x\":1", i ? "," : "", i);
    bytes_fmt(&b, ",\"0\":2}");
    post(w, "80,000 keys, one twice", "application/json", b.p, b.n, 400, "invalid_json");
    bytes_clear(&b);
    bytes_fmt(&b, "{\"");
    bytes_repeat(&b, "ñ", 300000);
    bytes_fmt(&b, "\":1}");
    post(w, "one long key", "application/json", b.p, b.n, 422, "unknown_field");
    bytes_clear(&b);
    bytes_fmt(&b, "{\"priority\":");
    bytes_repeat(&b, "9", 100000);
    bytes_fmt(&b, "}");
    post(w, "a number of 100,000 digits", "application/json", b.p, b.n, 400, "invalid_json");
    bytes_clear(&b);
    bytes_fmt(&b, TO);
    bytes_repeat(&b, "a", 900000);
    bytes_fmt(&b, "\"}}");
    post(w, "a text of 900,000", "application/json", b.p, b.n, 422, "invalid_content");
    bytes_clear(&b);
    bytes_fmt(&b, TO);
    bytes_repeat(&b, "a", 1048576);
    bytes_fmt(&b, "\"}}");
    post(w, "a body above 1 MiB", "application/json", b.p, b.n, 413, "too_large");
    bytes_done(&b);
    assert_int_equal(hostile_count(w, PHONE), 0);
}

static void any_answer(struct world *w, const char *path, const char *body)
{
    struct answer a = gate_do(&w->gate, "POST", path, body);

    if (a.status < 200 || a.status >= 500)
        fail_msg("%ld to %s %s: %s", a.status, path, body, a.body);
    if (a.status >= 400)
        assert_true(answer_str(&a, "code") && *answer_str(&a, "code"));
    answer_done(&a);
}

/* Of a body that is right, each value is replaced by one of each type: an answer, and
 * never a 5xx. */
static void values_of_every_type_stand_everywhere(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *path, *body;
    } right[] = {
        {"/v1/messages", TO "\"},\"category\":\"service\",\"case\":\"cas_01M884Z9G360CDDN1T9HXNK645\","
                            "\"reply_to\":\"msg_01M884Z9G360CDDN1T9HXNK645\",\"expires_in\":\"PT1H\","
                            "\"priority\":1,\"language\":\"es\"}"},
        {"/v1/messages",
         "{\"to\":{\"phone\":\"" PHONE "\"},\"content\":{\"type\":\"template\",\"name\":\"n\",\"language\":"
         "\"es\",\"parameters\":{\"body\":[\"a\",{\"type\":\"text\",\"text\":\"b\"}],\"header\":[\"c\"]}}}"},
        {"/v1/messages", "{\"to\":{\"phone\":\"" PHONE
                         "\"},\"content\":{\"type\":\"choices\",\"text\":\"a\",\"header\":\"h\",\"footer\":"
                         "\"f\",\"choices\":[{\"id\":\"1\",\"title\":\"t\",\"description\":\"d\"}]}}"},
        {"/v1/messages",
         "{\"to\":{\"phone\":\"" PHONE "\"},\"content\":{\"type\":\"media\",\"kind\":\"image\",\"media\":"
         "\"med_01M884Z9G360CDDN1T9HXNK645\",\"caption\":\"c\",\"filename\":\"f\"}}"},
        {"/v1/customers", "{\"name\":\"Ana-Secreta\",\"language\":\"es\",\"time_zone\":\"America/Bogota\","
                          "\"attributes\":{\"a\":1},\"identifiers\":[{\"scheme\":\"loyalty\",\"value\":\"v\","
                          "\"scope\":\"s\",\"verified\":true}]}"},
        {"/v1/customers/search", "{\"phone\":\"" PHONE "\"}"},
        {"/v1/cases", "{\"customer\":\"cus_01M884Z9G360CDDN1T9HXNK645\",\"subject\":\"s\",\"owner\":\"o\"}"},
        {"/v1/keys", "{\"name\":\"n\",\"scopes\":[\"messages:read\"]}"},
    };
    static const char *const values[] = {"null",        "true", "-1", "1e308", "\"\"",
                                         "\"\\uffff\"", "[]",   "{}", "[[]]",  "{\"type\":\"text\"}"};

    for (unsigned i = 0; i < sizeof right / sizeof *right; i++)
        for (unsigned nth = 0, there = 1; there; nth++)
            for (unsigned v = 0; v < sizeof values / sizeof *values; v++) {
                cJSON *tree = cJSON_Parse(right[i].body);
                there = json_replace_nth(tree, nth, values[v]);
                char *body = cJSON_PrintUnformatted(tree);
                if (there)
                    any_answer(w, right[i].path, body);
                cJSON_free(body);
                cJSON_Delete(tree);
            }
    hostile_alive(w);
}

static int up(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    hostile_up(w, NULL, NULL);
    *state = w;
    return 0;
}

static int down(void **state)
{
    hostile_down(*state, secrets);
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_bad_body_has_its_answer),
        cmocka_unit_test(the_type_of_the_body_is_looked_at),
        cmocka_unit_test(nesting_and_keys_have_limits),
        cmocka_unit_test(values_of_every_type_stand_everywhere),
    };

    return cmocka_run_group_tests(tests, up, down);
}
