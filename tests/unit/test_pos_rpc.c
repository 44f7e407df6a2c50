/*
 * The grammar of the POS protocol, byte by byte: frames by lines, JSON, requests and answers, ids, times.
 */
#include "../../plugins/pos/frame_line.h"
#include "../../plugins/pos/json.h"
#include "../../plugins/pos/rpc.h"
#include "../../plugins/pos/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct hilo_str str(const char *s)
{
    struct hilo_str r = {s, strlen(s)};
    return r;
}

/* ---- lines ------------------------------------------------------------------------------------- */

static void lines_are_frames(void **state)
{
    struct hilo_str rest = str("\n\r\n{1}\r\n{2}\n{3"), frame;
    size_t seen = 0;

    (void)state;
    assert_int_equal(pos_line_next(&rest, &seen, &frame), 1);
    assert_memory_equal(frame.p, "{1}", 3);
    assert_int_equal(frame.n, 3);
    assert_int_equal(pos_line_next(&rest, &seen, &frame), 1);
    assert_memory_equal(frame.p, "{2}", 3);
    assert_int_equal(pos_line_next(&rest, &seen, &frame), 0);
    assert_int_equal(rest.n, 2);
    assert_int_equal(seen, 2);
}

/* A frame of exactly the most bytes is one, with CR or without; one more is none, whole or not. */
static void a_frame_has_a_limit(void **state)
{
    static const struct {
        size_t n;
        const char *end;
        int rc;
    } row[] = {{POS_FRAME_MAX, "\n", 1},      {POS_FRAME_MAX, "\r\n", 1}, {POS_FRAME_MAX, "", 0},
               {POS_FRAME_MAX + 1, "\n", -1}, {POS_FRAME_MAX + 1, "", 0}, /* its last byte may be a CR */
               {POS_FRAME_MAX + 2, "", -1}};
    char *p = malloc(POS_FRAME_MAX + 8);
    struct hilo_str rest, frame;
    size_t seen, i;

    (void)state;
    memset(p, 'a', POS_FRAME_MAX + 8);
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        seen = 0;
        memcpy(p + row[i].n, row[i].end, strlen(row[i].end));
        rest.p = p;
        rest.n = row[i].n + strlen(row[i].end);
        assert_int_equal(pos_line_next(&rest, &seen, &frame), row[i].rc);
        if (row[i].rc == 1)
            assert_int_equal(frame.n, row[i].n);
        memset(p, 'a', POS_FRAME_MAX + 8);
    }
    free(p);
}

/* However it is cut, the same frames come. */
static void it_does_not_matter_how_it_is_cut(void **state)
{
    static const char text[] = "{\"a\":1}\r\n\n{\"b\":2}\n{\"c\":3}\n";
    size_t cut;

    (void)state;
    for (cut = 0; cut <= strlen(text); cut++) {
        char buf[64], got[64] = "";
        size_t n = cut, seen = 0;
        struct hilo_str rest, frame;

        memcpy(buf, text, n);
        for (int part = 0; part < 2; part++) {
            rest.p = buf;
            rest.n = n;
            while (pos_line_next(&rest, &seen, &frame) == 1)
                (void)snprintf(got + strlen(got), sizeof got - strlen(got), "%.*s;", (int)frame.n, frame.p);
            memmove(buf, rest.p, rest.n);
            n = rest.n;
            if (part == 0) {
                memcpy(buf + n, text + cut, strlen(text) - cut);
                n += strlen(text) - cut;
            }
        }
        assert_string_equal(got, "{\"a\":1};{\"b\":2};{\"c\":3};");
    }
}

/* ---- JSON ---------------------------------------------------------------------------------------- */

static void json_is_strict(void **state)
{
    static const struct {
        const char *text, *why;
    } row[] = {{"{}", NULL},
               {" [1,-0.5e+3,\"\\u00e1\\ud83d\\ude00\",true,false,null,{\"a\":[]}] ", NULL},
               {"9007199254740992", NULL},
               {"-9007199254740992", NULL},
               {"9007199254740993", "number"},
               {"90071992547409920", "number"},
               {"1e999", NULL}, /* a double's range is not the grammar's; whoever takes an integer looks */
               {"", "json"},
               {"{} {}", "json"},
               {"{\"a\":1,}", "json"},
               {"{,}", "json"},
               {"[1 2]", "json"},
               {"{\"a\" 1}", "json"},
               {"{a:1}", "json"},
               {"[01]", "json"},
               {"[+1]", "json"},
               {"[1.]", "json"},
               {"[.5]", "json"},
               {"[1e]", "json"},
               {"[nul]", "json"},
               {"[\"a\tb\"]", "json"},
               {"[\"\\x\"]", "json"},
               {"[\"\\u12\"]", "json"},
               {"[\"abc]", "json"},
               {"[}", "json"},
               {"{\"a\":1]", "json"},
               {"[\"\\u0000\"]", "utf8"},
               {"[\"\\ud800\"]", "utf8"},
               {"[\"\\ude00\\ud83d\"]", "utf8"},
               {"[\"\xc3\x28\"]", "utf8"},
               {"[\"\xed\xa0\x80\"]", "utf8"},
               {"\xef\xbb\xbf{}", "json"},
               {"[[[[]]]]", NULL},
               {"[[[[[]]]]]", "too_deep"},
               {"{\"a\":{\"a\":1},\"b\":1}", NULL},
               {"{\"a\":1,\"a\":2}", "duplicate_key"},
               {"{\"a\":1,\"\\u0061\":2}", "duplicate_key"},
               {"[{\"x\":{\"b\":1,\"c\":2,\"b\":3}}]", "duplicate_key"},
               {"{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1,"
                "\"l\":1,\"m\":1,\"c\":1}",
                "duplicate_key"}};
    const char *why;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        cJSON *o = pos_json_parse(str(row[i].text), 4, &why);

        if ((row[i].why == NULL) != (o != NULL) || (row[i].why && strcmp(row[i].why, why) != 0))
            fail_msg("%s: %s", row[i].text, why ? why : "taken");
        cJSON_Delete(o);
    }
    {
        static const char nul[] = "[\"a\0b\"]";
        struct hilo_str s = {nul, sizeof nul - 1};

        assert_null(pos_json_parse(s, 4, &why));
        assert_string_equal(why, "utf8");
    }
}

/* ---- requests and answers -------------------------------------------------------------------------- */

static void requests_and_answers_are_told_apart(void **state)
{
    struct pos_rpc r;
    struct pos_fault f;
    size_t n;
    char *text;

    (void)state;
    assert_int_equal(
        pos_rpc_parse(str("{\"jsonrpc\":\"2.0\",\"id\":\"a.b_C-1\",\"method\":\"ping\"}"), &r, &f), 0);
    assert_string_equal(r.method, "ping");
    assert_true(cJSON_IsObject(r.params));
    pos_rpc_done(&r);
    assert_int_equal(pos_rpc_parse(str("{\"jsonrpc\":\"2.0\",\"id\":\"p-1\",\"result\":{}}"), &r, &f), 0);
    assert_null(r.method);
    assert_non_null(r.result);
    pos_rpc_done(&r);
    assert_int_equal(
        pos_rpc_parse(str("{\"jsonrpc\":\"2.0\",\"id\":\"p-1\",\"result\":{},\"error\":{}}"), &r, &f), -1);
    pos_rpc_done(&r);
    assert_int_equal(
        pos_rpc_parse(str("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"ping\",\"param\":{}}"), &r, &f),
        -1);
    assert_int_equal(f.code, POS_E_REQUEST);
    assert_string_equal(r.id, "x"); /* so it can be answered */
    pos_rpc_done(&r);

    text = pos_rpc_result("7", cJSON_CreateObject(), &n);
    assert_string_equal(text, "{\"jsonrpc\":\"2.0\",\"id\":\"7\",\"result\":{}}");
    assert_int_equal(n, strlen(text));
    free(text);
    (void)pos_fault(&f, POS_E_LATER, "full", "/at", "soon");
    f.retry_after_ms = 5;
    text = pos_rpc_error(NULL, &f, &n);
    assert_string_equal(
        text, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32000,\"message\":\"Try again "
              "later\",\"data\":{"
              "\"reason\":\"full\",\"pointer\":\"/at\",\"detail\":\"soon\",\"retry_after_ms\":5}}}");
    free(text);
}

static void an_id_is_a_short_word(void **state)
{
    static const char *const bad[] = {
        "",    "a b", "é",
        "a/b", "p-x", "0123456789012345678901234567890123456789012345678901234567890123456789"};
    char frame[256];
    struct pos_rpc r;
    struct pos_fault f;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)snprintf(frame, sizeof frame, "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"method\":\"ping\"}",
                       bad[i]);
        assert_int_equal(pos_rpc_parse(str(frame), &r, &f), -1);
        assert_string_equal(f.reason, "id");
        pos_rpc_done(&r);
    }
}

/* ---- texts ------------------------------------------------------------------------------------------- */

static void texts_are_cut_between_characters(void **state)
{
    char out[8];

    (void)state;
    assert_int_equal(pos_text_cut(str("ñandú"), 6).n, 5); /* ú is two bytes */
    assert_int_equal(pos_text_cut(str("ñandú"), 7).n, 7);
    assert_int_equal(pos_text_cut(str("ñ"), 1).n, 0);
    pos_text_copy(out, 4, str("a€"));
    assert_string_equal(out, "a");
}

static void ids_and_times_are_read(void **state)
{
    static const char *const bad[] = {
        "2026-02-29T00:00:00Z",  "2026-11-31T00:00:00Z",  "2026-13-01T00:00:00Z",
        "2026-11-27 10:00:00Z",  "2026-11-27T24:00:00Z",  "2026-11-27T10:00:00",
        "2026-11-27T10:00:00.Z", "2026-11-27T10:00:00+5", "x"};
    char text[POS_TEXT_ID], escaped[16];
    struct hilo_id id;
    int64_t us;
    size_t i;

    (void)state;
    assert_true(pos_text_id(str("cus_01M8FDPS0BF747MPDS9AS2FZ06"), "cus", &id));
    pos_text_of_id(text, "cus", id);
    assert_string_equal(text, "cus_01M8FDPS0BF747MPDS9AS2FZ06");
    assert_false(pos_text_id(str("cas_01M8FDPS0BF747MPDS9AS2FZ06"), "cus", &id));
    assert_false(pos_text_id(str("cus_81M8FDPS0BF747MPDS9AS2FZ06"), "cus", &id)); /* beyond 128 bits */
    assert_false(pos_text_id(str("cus_01M8FDPS0BF747MPDS9AS2FZ0"), "cus", &id));
    assert_false(pos_text_id(str("cus_01M8FDPS0BF747MPDS9AS2FZ0L"), "cus", &id));

    assert_true(pos_text_time(str("2026-11-27T15:04:05.250Z"), &us));
    assert_true(us == INT64_C(1795791845250000));
    assert_true(pos_text_time(str("2026-11-27T10:04:05.25-05:00"), &us));
    assert_true(us == INT64_C(1795791845250000));
    assert_true(pos_text_time(str("2028-02-29T00:00:00Z"), &us));
    for (i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(pos_text_time(str(bad[i]), &us));
    assert_true(pos_text_escape(escaped, sizeof escaped, str("a/ñ?")));
    assert_string_equal(escaped, "a%2F%C3%B1%3F");
    assert_false(pos_text_escape(escaped, 5, str("a/ñ?")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_frames),
        cmocka_unit_test(a_frame_has_a_limit),
        cmocka_unit_test(it_does_not_matter_how_it_is_cut),
        cmocka_unit_test(json_is_strict),
        cmocka_unit_test(requests_and_answers_are_told_apart),
        cmocka_unit_test(an_id_is_a_short_word),
        cmocka_unit_test(texts_are_cut_between_characters),
        cmocka_unit_test(ids_and_times_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
