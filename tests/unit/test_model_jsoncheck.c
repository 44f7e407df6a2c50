/* The check before cJSON: what is refused, with which words, and in what time. */
#include "model_util.h"
#include <time.h>

static const struct {
    const char *text, *error; /* NULL: passes */
} texts[] = {
    {"{}", NULL},
    {" [1,\t2.5e-3,\n-0,\"\\u00e1\\uD83D\\uDE00\\n\",true,false,null,{\"a\":{\"a\":1}}]\r\n", NULL},
    {"\"a\"", NULL},
    {"9007199254740992", NULL},
    {"-9007199254740992", NULL},
    {"1e300", NULL},
    {"[-1.5, 2147483648, -2147483649, 0.1, 1E-2, 12e+1]", NULL},
    {"{\"a\":{},\"b\":[],\"\\u00e9\\\\\\/\\b\\f\\n\\r\\t\\\"\":[[],{\"c\":\"\"}]}", NULL},
    {"", "at byte 0: a value was expected"},
    {"  ", "at byte 2: a value was expected"},
    {"{} x", "at byte 3: something follows the value"},
    {"{}{}", "at byte 2: something follows the value"},
    {"{\"a\":1", "at byte 6: \",\" or \"}\" was expected"},
    {"[1", "at byte 2: \",\" or \"]\" was expected"},
    {"[1}", "at byte 2: \",\" or \"]\" was expected"},
    {"[1,]", "at byte 3: a value was expected"},
    {"{\"a\":1,}", "at byte 7: a key in quotes was expected"},
    {"{a:1}", "at byte 1: a key in quotes was expected"},
    {"{\"a\" 1}", "at byte 5: \":\" was expected after a key"},
    {"tru", "at byte 0: a value was expected"},
    {"nan", "at byte 0: a value was expected"},
    {"'a'", "at byte 0: a value was expected"},
    {"01", "at byte 0: a number with a leading zero"},
    {"-", "at byte 0: a value was expected"},
    {"+1", "at byte 0: a value was expected"},
    {"1.", "at byte 0: a number without digits after its point"},
    {"1e+", "at byte 0: a number without digits in its exponent"},
    {"1e999", "a number too large"},
    {"[1,{\"p\":-1e999}]", "/1/p: a number too large"},
    {"[9007199254740993]", "at byte 1: an integer beyond 2^53 loses digits in JSON; write it as a string"},
    {"-12345678901234567890", "at byte 0: an integer beyond 2^53 loses digits in JSON; write it as a string"},
    {"0.1234567890123456789012345678901234567890123456789012345678901234567890",
     "at byte 0: a number of more than 63 characters"},
    {"\"a", "at byte 0: a string is not closed"},
    {"\"a\\", "at byte 2: a string is not closed"},
    {"\"\\x\"", "at byte 1: an unknown escape"},
    {"\"\\u12g4\"", "at byte 1: \\u needs four hex digits"},
    {"\"\\u0000\"", "at byte 1: \\u0000 is not allowed in a string"},
    {"\"\\ud800\"", "at byte 1: a lone surrogate"},
    {"\"\\ud800\\u0041\"", "at byte 1: a lone surrogate"},
    {"\"\\udc00\"", "at byte 1: a lone surrogate"},
    {"\"a\nb\"", "at byte 2: a control character in a string; escape it"},
    {"\"\xc3(\"", "at byte 1: not UTF-8"},
    {"\"\xed\xa0\x80\"", "at byte 1: not UTF-8"},
    {"\"\xc0\x80\"", "at byte 1: not UTF-8"},
    {"\xef\xbb\xbf{}", "at byte 0: a value was expected"},
    {"{\"a\":1,\"a\":2}", "/a: given twice; keep one"},
    {"{\"a\":1,\"\\u0061\":2}", "/a: given twice; keep one"},
    {"{\"x\":[0,{\"a~/b\":1,\"a~/b\":2}]}", "/x/1/a~0~1b: given twice; keep one"},
    {"{\"a\":1,\"A\":2}", NULL},
};

/* cJSON is the judge of the tree that our own pass makes. */
static void same_in_an_arena(const char *text, const cJSON *theirs)
{
    struct arena *a = arena_new();
    struct err e = {0};
    const cJSON *ours = NULL;
    char *mine, *wanted = cJSON_Print(theirs);

    assert_int_equal(json_parse_in(a, str(text), NULL, &e, &ours), HILO_OK);
    mine = cJSON_Print(ours);
    assert_string_equal(mine, wanted);
    assert_true(cJSON_Compare(ours, theirs, 1));
    assert_int_equal(cJSON_GetArraySize(ours), cJSON_GetArraySize(theirs));
    cJSON_free(mine);
    cJSON_free(wanted);
    arena_free(&a);
}

static void texts_are_judged(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err e = {0};
        cJSON *tree = NULL;
        int32_t rc = json_parse(str(texts[i].text), NULL, &e, &tree);

        if (!texts[i].error) {
            if (rc)
                fail_msg("%s: %s", texts[i].text, e.text);
            assert_non_null(tree);
            same_in_an_arena(texts[i].text, tree);
            cJSON_Delete(tree);
            continue;
        }
        assert_null(tree);
        assert_int_equal(rc, HILO_INVALID);
        assert_string_equal(e.text, texts[i].error);
    }
}

static void a_nul_ends_nothing(void **state)
{
    static const char text[] = "{\"a\":1}\0{\"b\":2}";
    struct err e = {0};
    cJSON *tree = NULL;

    (void)state;
    assert_int_equal(json_parse(str_n(text, sizeof text - 1), NULL, &e, &tree), HILO_INVALID);
    assert_string_equal(e.text, "at byte 7: something follows the value");
}

static void limits_hold(void **state)
{
    const struct json_limits small = {.bytes_max = 8, .depth_max = 2};
    struct err e = {0};
    cJSON *tree = NULL;

    (void)state;
    assert_int_equal(json_parse(STR("[[1]]"), &small, &e, &tree), HILO_OK);
    cJSON_Delete(tree);
    tree = NULL;
    assert_int_equal(json_parse(STR("[[[1]]]"), &small, &e, &tree), HILO_INVALID);
    assert_string_equal(e.text, "at byte 2: nested too deep");
    assert_int_equal(json_parse(STR("\"1234567\""), &small, &e, &tree), HILO_FULL);
    assert_null(tree);
}

/* Texts made to be slow. The processor's time is bounded far above what linear work
 * takes (a few ms) and far below what quadratic work would (tens of seconds). */
static void time_is_near_linear(void **state)
{
    enum { KEYS = 100000 };
    const struct json_limits wide = {.bytes_max = 16u << 20};
    clock_t start = clock();
    struct buf b = {0};
    struct err e = {0};
    cJSON *tree = NULL;
    int i, twice;

    (void)state;
    for (i = 0; i < 10000; i++)
        assert_int_equal(buf_add(&b, "[", 1), 0);
    assert_int_equal(json_parse(buf_str(&b), &wide, &e, &tree), HILO_INVALID);
    assert_string_equal(e.text, "at byte 32: nested too deep");
    for (twice = 0; twice < 2; twice++) {
        buf_clear(&b);
        for (i = 0; i < KEYS; i++)
            assert_int_equal(buf_fmt(&b, "%c\"a-rather-long-common-prefix-%d\":%d", i ? ',' : '{', i, i), 0);
        assert_int_equal(buf_fmt(&b, ",\"a-rather-long-common-prefix-%s\":0}", twice ? "500" : "x"), 0);
        assert_int_equal(json_parse(buf_str(&b), &wide, &e, &tree), twice ? HILO_INVALID : HILO_OK);
        if (!twice)
            cJSON_Delete(tree);
    }
    assert_string_equal(e.text, "/a-rather-long-common-prefix-500: given twice; keep one");
    buf_done(&b);
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 5);
}

static void integers_are_exact(void **state)
{
    static const struct {
        const char *json;
        bool ok;
        int64_t want;
    } t[] = {
        {"0", true, 0},
        {"-5", true, -5},
        {"9007199254740992", true, INT64_C(9007199254740992)},
        {"1e3", true, 1000},
        {"1.5", false, 0},
        {"1e300", false, 0},
        {"\"9223372036854775807\"", true, INT64_MAX},
        {"\"-9223372036854775808\"", true, INT64_MIN},
        {"\"9223372036854775808\"", false, 0},
        {"\"-9223372036854775809\"", false, 0},
        {"\"\"", false, 0},
        {"\"-\"", false, 0},
        {"\"1x\"", false, 0},
        {"true", false, 0},
    };
    uint64_t u = 0;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        struct err e = {0};
        cJSON *tree = NULL;
        int64_t v = 77;

        assert_int_equal(json_parse(str(t[i].json), NULL, &e, &tree), HILO_OK);
        assert_int_equal(json_i64(tree, &v), t[i].ok);
        assert_true(v == (t[i].ok ? t[i].want : 77));
        cJSON_Delete(tree);
    }
    cJSON *big = cJSON_CreateString("18446744073709551615"), *minus = cJSON_CreateNumber(-1);
    assert_true(json_u64(big, &u));
    assert_true(u == UINT64_MAX);
    assert_false(json_u64(minus, &u));
    cJSON_Delete(big);
    cJSON_Delete(minus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_judged),   cmocka_unit_test(a_nul_ends_nothing),
        cmocka_unit_test(limits_hold),        cmocka_unit_test(time_is_near_linear),
        cmocka_unit_test(integers_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
