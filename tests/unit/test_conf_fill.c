/* Option tables: every type's right and wrong forms, the environment, secrets, samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sys/stat.h>
#include "base/buf.h"
#include "conf_testing.h"

struct all {
    struct hilo_str name, need, token, url;
    uint64_t on;
    int64_t count, wait, size, mode;
};
#define ALL(field, type) HILO_OPTION(struct all, field, type), .name = #field
static const struct hilo_option table[] = {
    {ALL(name, HILO_OPT_STR), .def = "nobody", .max = 8, .help = "A name."},
    {ALL(need, HILO_OPT_STR), .flags = HILO_OPT_REQUIRED, .help = "What nobody can guess."},
    {ALL(token, HILO_OPT_STR), .flags = HILO_OPT_SECRET, .def = "a: \"secret\"", .min = 4, .max = 24,
     .help = "A\nsecret."},
    {ALL(url, HILO_OPT_URL), .def = "http://localhost:80/", .flags = HILO_OPT_RELOADABLE},
    {ALL(on, HILO_OPT_BOOL), .def = "yes"},
    {ALL(count, HILO_OPT_INT), .def = "-3", .min = -10, .max = 10},
    {ALL(wait, HILO_OPT_DURATION), .def = "10s", .min = 1000, .max = INT64_C(7200000000)},
    {ALL(size, HILO_OPT_BYTES), .def = "64k"},
    {ALL(mode, HILO_OPT_ENUM), .def = "hold", .choices = "hold|resend|drop"},
};
enum { N = sizeof table / sizeof *table };

static struct conf *fill(const char *yaml, const char *section, const char *const *also, struct all *out)
{
    struct conf *c;

    (void)conf_parse("t.yaml", str(yaml), NULL, &c);
    assert_non_null(c->root);
    *out = (struct all){0};
    conf_fill(c, c->root, section, 7, 9, table, N, also, c->arena, out);
    return c;
}

static void defaults_fill_what_is_absent(void **state)
{
    struct all a;
    struct conf *c = fill("need: x\nname:\n", "s", NULL, &a);

    (void)state;
    assert_errors(c, "");
    assert_true(str_eqz(a.name, "nobody") && str_eqz(a.need, "x") && str_eqz(a.token, "a: \"secret\""));
    assert_true(str_eqz(a.url, "http://localhost:80"));
    assert_int_equal(a.on, 1);
    assert_int_equal(a.count, -3);
    assert_int_equal(a.wait, 10000000);
    assert_int_equal(a.size, 65536);
    assert_int_equal(a.mode, 0);
    assert_int_equal(a.need.p[a.need.n], 0);
    conf_free(&c);

    /* No mapping at all: the same, and what is required is missing at the place given. */
    assert_int_equal(conf_parse("t.yaml", STR("s:\n"), NULL, &c), HILO_OK);
    a = (struct all){0};
    conf_fill(c, conf_get(c->root, "s"), "s", 7, 9, table, N, NULL, c->arena, &a);
    conf_fill(c, NULL, "", 8, 1, table, N, NULL, c->arena, &a);
    assert_errors(c, "t.yaml:7:9: s.need is required and missing: What nobody can guess.\n"
                     "t.yaml:8:1: need is required and missing: What nobody can guess.\n");
    assert_int_equal(a.wait, 10000000);
    conf_free(&c);
}

static void every_form_is_read(void **state)
{
    static const struct {
        const char *written;
        int64_t value;
    } on[] = {{"true", 1}, {"false", 0}, {"yes", 1},  {"no", 0},
              {"on", 1},   {"off", 0},   {"True", 1}, {"'off'", 0}},
      count[] = {{"0", 0}, {"10", 10}, {"-10", -10}, {"\"7\"", 7}, {"007", 7}},
      wait[] = {{"1ms", 1000}, {"500ms", 500000}, {"10s", 10000000}, {"5m", 300000000}, {"2h", 7200000000}},
      size[] = {{"0", 0},
                {"512", 512},
                {"64k", 65536},
                {"5M", 5242880},
                {"1G", 1073741824},
                {"2T", INT64_C(2199023255552)},
                {"8191M", 8588886016},
                {"9223372036854775807", INT64_MAX}},
      mode[] = {{"hold", 0}, {"resend", 1}, {"drop", 2}};
    static const struct {
        const char *name;
        size_t offset;
        const void *forms;
        size_t n;
    } all[] = {{"on", offsetof(struct all, on), on, 8},
               {"count", offsetof(struct all, count), count, 5},
               {"wait", offsetof(struct all, wait), wait, 5},
               {"size", offsetof(struct all, size), size, 8},
               {"mode", offsetof(struct all, mode), mode, 3}};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const struct {
            const char *written;
            int64_t value;
        } *form = all[i].forms;
        for (size_t k = 0; k < all[i].n; k++) {
            char yaml[80];
            struct all a;
            int64_t got;
            (void)snprintf(yaml, sizeof yaml, "need: x\n%s: %s\n", all[i].name, form[k].written);
            struct conf *c = fill(yaml, "s", NULL, &a);
            assert_errors(c, "");
            memcpy(&got, (char *)&a + all[i].offset, sizeof got);
            assert_int_equal(got, form[k].value);
            conf_free(&c);
        }
    }
}

static void urls_lose_their_last_slash(void **state)
{
    static const char *const urls[][2] = {{"https://a.example/", "https://a.example"},
                                          {"http://[::1]:8080/x/y//", "http://[::1]:8080/x/y"},
                                          {"http://127.0.0.1:1", "http://127.0.0.1:1"},
                                          {"\"\"", ""}};

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        char yaml[80];
        struct all a;
        (void)snprintf(yaml, sizeof yaml, "need: x\nurl: %s\n", urls[i][0]);
        struct conf *c = fill(yaml, "s", NULL, &a);
        assert_errors(c, "");
        assert_true(a.url.p && str_eqz(a.url, urls[i][1]));
        conf_free(&c);
    }
}

struct wrong {
    const char *line, *error;
};
static const struct wrong wrongs[] = {
    {"need: \"\"", "2:7: s.need is required and empty"},
    {"need:", "2:6: s.need has no value"},
    {"need: ~", "2:7: s.need has no value"},
    {"need: [a]", "2:7: s.need must be a single value, not a list"},
    {"need: {a: 1}", "2:7: s.need must be a single value, not a mapping"},
    {"need: \"a\\0b\"", "2:7: s.need has a NUL character"},
    {"name: ninechars", "2:7: s.name must be at most 8 bytes long"},
    {"on: maybe", "2:5: s.on must be true or false; found \"maybe\""},
    {"on: 1", "2:5: s.on must be true or false; found \"1\""},
    {"on:", "2:4: s.on has no value"},
    {"on: ''", "2:5: s.on must be true or false; found \"\""},
    {"count: 3.5", "2:8: s.count must be a whole number; found \"3.5\""},
    {"count: 0x10", "2:8: s.count must be a whole number; found \"0x10\""},
    {"count: \" 1\"", "2:8: s.count must be a whole number; found \" 1\""},
    {"count: '-'", "2:8: s.count must be a whole number; found \"-\""},
    {"count: 9223372036854775808", "2:8: s.count must be a whole number; found \"9223372036854775808\""},
    {"count: 11", "2:8: s.count must be from -10 to 10; found \"11\""},
    {"count: -11", "2:8: s.count must be from -10 to 10; found \"-11\""},
    {"wait: 10", "2:7: s.wait must be a duration such as 500ms, 10s, 5m, 2h or 1d; found \"10\""},
    {"wait: 10 s", "2:7: s.wait must be a duration such as 500ms, 10s, 5m, 2h or 1d; found \"10 s\""},
    {"wait: -1s", "2:7: s.wait must be a duration such as 500ms, 10s, 5m, 2h or 1d; found \"-1s\""},
    {"wait: s", "2:7: s.wait must be a duration such as 500ms, 10s, 5m, 2h or 1d; found \"s\""},
    {"wait: 106751992d",
     "2:7: s.wait must be a duration such as 500ms, 10s, 5m, 2h or 1d; found \"106751992d\""},
    {"wait: 0s", "2:7: s.wait must be from 1ms to 2h; found \"0s\""},
    {"wait: 1d", "2:7: s.wait must be from 1ms to 2h; found \"1d\""},
    {"size: 5m", "2:7: s.size must be a size such as 512, 64k, 5M or 1G; found \"5m\""},
    {"size: 1.5G", "2:7: s.size must be a size such as 512, 64k, 5M or 1G; found \"1.5G\""},
    {"size: 8388608T", "2:7: s.size must be a size such as 512, 64k, 5M or 1G; found \"8388608T\""},
    {"mode: resnd",
     "2:7: s.mode must be one of hold, resend, drop; found \"resnd\"; did you mean \"resend\"?"},
    {"mode: anything", "2:7: s.mode must be one of hold, resend, drop; found \"anything\""},
    {"mode: hold|resend",
     "2:7: s.mode must be one of hold, resend, drop; found \"hold|resend\"; did you mean \"hold\"?"},
    {"url: ftp://a.example",
     "2:6: s.url must be a URL such as https://example.com or http://127.0.0.1:8080/base; found "
     "\"ftp://a.example\""},
    {"url: http://",
     "2:6: s.url must be a URL such as https://example.com or http://127.0.0.1:8080/base; found \"http://\""},
    {"url: http:///x", "2:6: s.url must be a URL such as https://example.com or http://127.0.0.1:8080/base; "
                       "found \"http:///x\""},
    {"url: http://a:99999",
     "2:6: s.url must be a URL such as https://example.com or http://127.0.0.1:8080/base; found "
     "\"http://a:99999\""},
    {"url: http://a.example/?q",
     "2:6: s.url must be a URL such as https://example.com or http://127.0.0.1:8080/base; found "
     "\"http://a.example/?q\""},
    {"url: http://a b", "2:6: s.url must be a URL such as https://example.com or http://127.0.0.1:8080/base; "
                        "found \"http://a b\""},
    {"url: https://user:hunter2@a.example", "2:6: s.url must be a URL without a user name or password"},
    {"cuont: 1", "2:1: s: unknown key \"cuont\"; did you mean \"count\"?"},
    {"extr: 1", "2:1: s: unknown key \"extr\"; did you mean \"extra\"?"},
    {"Token: hunter2", "2:1: s: unknown key \"Token\"; did you mean \"token\"?"},
    {"zzzzzzzz: 1", "2:1: s: unknown key \"zzzzzzzz\"; known here: name, need, token, url, on, count, wait, "
                    "size, mode, extra"},
    {"\"line\\nbreak\": 1", "2:1: s: unknown key \"line?break\"; known here: name, need, token, url, on, "
                            "count, wait, size, mode, extra"},
    {"name: ${HILO_TEST_UNSET}",
     "2:7: s.name needs the environment variable HILO_TEST_UNSET, which is not set"},
    {"name: a${HILO", "2:7: s.name has a ${ that is not followed by a name and }; a plain ${ is written $${"},
    {"name: ${}", "2:7: s.name has a ${ that is not followed by a name and }; a plain ${ is written $${"},
    {"name: ${1A}", "2:7: s.name has a ${ that is not followed by a name and }; a plain ${ is written $${"},
    {"name: ${A-b}", "2:7: s.name has a ${ that is not followed by a name and }; a plain ${ is written $${"},
    {"count: ${HILO_TEST_WORD}", "2:8: s.count must be a whole number; found \"${HILO_TEST_WORD}\""},
    {"name: ${HILO_TEST_LATIN1}", "2:7: s.name is not UTF-8"},
    {"need: ${HILO_TEST_EMPTY}", "2:7: s.need is required and empty"},
    {"need: ${HILO_TEST_LONG}${HILO_TEST_LONG}", "2:7: s.need is longer than 65536 bytes"},
};

static int set_environment(void **state)
{
    static char large[40001];

    (void)state;
    memset(large, 'x', sizeof large - 1);
    return setenv("HILO_TEST_WORD", "hunter2", 1) || setenv("HILO_TEST_LATIN1", "\xf1", 1) ||
           setenv("HILO_TEST_EMPTY", "", 1) || setenv("HILO_TEST_LONG", large, 1) ||
           unsetenv("HILO_TEST_UNSET");
}

static void every_wrong_form_is_refused_with_its_place(void **state)
{
    static const char *const also[] = {"extra", NULL};

    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        bool need = strncmp(wrongs[i].line, "need", 4) == 0;
        char yaml[200], expected[400];
        struct all a;
        (void)snprintf(yaml, sizeof yaml, "%s\n%s\n", need ? "extra: 1" : "need: x", wrongs[i].line);
        (void)snprintf(expected, sizeof expected, "t.yaml:%s\n", wrongs[i].error);
        struct conf *c = fill(yaml, "s", also, &a);
        assert_errors(c, expected);
        conf_free(&c);
    }
}

static void all_faults_come_in_one_pass_by_place(void **state)
{
    struct all a;
    struct conf *c = fill(
        "mode: x\nsize: y\nwait: z\ncount: w\non: &o v\non: 1\nother: u\nname: *o\nurl: t\n", "", NULL, &a);

    (void)state;
    assert_errors(
        c,
        "t.yaml:1:7: mode must be one of hold, resend, drop; found \"x\"\n"
        "t.yaml:2:7: size must be a size such as 512, 64k, 5M or 1G; found \"y\"\n"
        "t.yaml:3:7: wait must be a duration such as 500ms, 10s, 5m, 2h or 1d; found \"z\"\n"
        "t.yaml:4:8: count must be a whole number; found \"w\"\n"
        "t.yaml:5:5: anchors (&) are not supported; repeat the value where it is used\n"
        "t.yaml:5:5: on must be true or false; found \"v\"\n"
        "t.yaml:6:1: duplicate key \"on\"; it is already on line 5\n"
        "t.yaml:7:1: unknown key \"other\"; known here: name, need, token, url, on, count, wait, size, mode\n"
        "t.yaml:7:9: need is required and missing: What nobody can guess.\n"
        "t.yaml:8:7: aliases (*) are not supported; repeat the value\n"
        "t.yaml:9:6: url must be a URL such as https://example.com or http://127.0.0.1:8080/base; found "
        "\"t\"\n");
    conf_free(&c);
}

static void a_mapping_that_is_none_is_refused(void **state)
{
    struct conf *c;
    struct all a = {0};

    (void)state;
    assert_int_equal(conf_parse("t.yaml", STR("s: 1\nt: [a]\n"), NULL, &c), HILO_OK);
    conf_fill(c, conf_get(c->root, "s"), "s", 1, 1, table, N, NULL, c->arena, &a);
    conf_fill(c, conf_get(c->root, "t"), "t", 1, 1, table, N, NULL, c->arena, &a);
    assert_errors(c,
                  "t.yaml:1:4: s must be a mapping of options\nt.yaml:2:4: t must be a mapping of options\n");
    conf_free(&c);
}

static void others_keys_are_passed_over(void **state)
{
    static const char *const also[] = {"mine", NULL};
    struct all a;
    struct conf *c = fill("need: x\nmine: 1\nyours: 2\n", "s", conf_any, &a);

    (void)state;
    assert_errors(c, "");
    conf_free(&c);
    c = fill("need: x\nmine: 1\nminne: 2\n", "s", also, &a);
    assert_errors(c, "t.yaml:3:1: s: unknown key \"minne\"; did you mean \"mine\"?\n");
    conf_free(&c);
}

static void the_environment_is_put_in(void **state)
{
    struct all a;
    struct conf *c = fill("need: \"<${HILO_TEST_WORD}${HILO_TEST_EMPTY}>\"\n"
                          "name: $${A}$$$\nwait: ${HILO_TEST_EMPTY}5s\n"
                          "token: x${HILO_TEST_WORD}\n",
                          "s", NULL, &a);

    (void)state;
    assert_errors(c, "");
    assert_true(str_eqz(a.need, "<hunter2>") && str_eqz(a.name, "${A}$$$") && str_eqz(a.token, "xhunter2"));
    assert_int_equal(a.wait, 5000000);
    conf_free(&c);
}

static void write_file(const char *dir, const char *name, struct hilo_str text)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, (size_t)text.n, f), text.n);
    assert_int_equal(fclose(f), 0);
}

static void remove_file(const char *dir, const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(unlink(path), 0);
}

static void secrets_come_from_files(void **state)
{
    static const char *const files[] = {"one", "two", "empty", "nul", "fifo", "short"};
    char dir[] = "/tmp/hilo-conf-XXXXXX", path[64], fifo[64], yaml[128], expected[300];
    struct all a;
    struct conf *c;
    struct buf large = {0};

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/hilo.yaml", dir);
    (void)snprintf(fifo, sizeof fifo, "%s/fifo", dir);
    write_file(dir, "one", STR("hunter2\n"));
    write_file(dir, "two", STR("hunter2\n\n"));
    write_file(dir, "empty", STR("\n"));
    write_file(dir, "nul", STR("hunter\0002\n"));
    write_file(dir, "short", STR("h2\n"));
    assert_int_equal(mkfifo(fifo, 0600), 0);
    while (large.n <= 65536)
        assert_int_equal(buf_add_str(&large, STR("hunter2 ")), HILO_OK);
    write_file(dir, "large", buf_str(&large));
    buf_done(&large);
    assert_int_equal(setenv("HILO_TEST_DIR", dir, 1), 0);
    assert_int_equal(setenv("HILO_TEST_FILE", "file:one", 1), 0);

    static const struct {
        const char *written, *value, *error;
    } cases[] = {
        {"file:one", "hunter2", NULL},
        {"file:two", "hunter2\n", NULL},
        {"file:${HILO_TEST_DIR}/one", "hunter2", NULL},
        {"${HILO_TEST_FILE}", "file:one", NULL}, /* what the environment gives is no path */
        {"file:empty", NULL, "can't be read from the file \"empty\": empty"},
        {"file:none", NULL, "can't be read from the file \"none\": No such file or directory"},
        {"file:", NULL, "can't be read from the file \"\": not a regular file"},
        {"file:fifo", NULL, "can't be read from the file \"fifo\": not a regular file"},
        {"file:large", NULL, "can't be read from the file \"large\": longer than 65536 bytes"},
        {"file:nul", NULL, "has a NUL character"},
        {"file:short", NULL, "must be from 4 to 24 bytes long"},
        {"file:${HILO_TEST_UNSET}", NULL, "needs the environment variable HILO_TEST_UNSET, which is not set"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int n = snprintf(yaml, sizeof yaml, "need: file:one\ntoken: \"%s\"\n", cases[i].written);
        assert_int_equal(conf_parse(path, str_n(yaml, (size_t)n), NULL, &c), HILO_OK);
        a = (struct all){0};
        conf_fill(c, c->root, "s", 1, 1, table, N, NULL, c->arena, &a);
        if (cases[i].value) {
            assert_errors(c, "");
            assert_true(str_eqz(a.token, cases[i].value));
        } else {
            (void)snprintf(expected, sizeof expected, "%s:2:8: s.token %s\n", path, cases[i].error);
            assert_errors(c, expected);
        }
        assert_true(str_eqz(a.need, "file:one")); /* not a secret: as it is written */
        conf_free(&c);
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        remove_file(dir, files[i]);
    remove_file(dir, "large");
    assert_int_equal(rmdir(dir), 0);
}

/* Whatever is wrong with a secret, and of whatever type it is, nothing shows it. */
static void secrets_are_never_shown(void **state)
{
    static const uint32_t types[] = {HILO_OPT_STR,   HILO_OPT_BOOL, HILO_OPT_INT, HILO_OPT_DURATION,
                                     HILO_OPT_BYTES, HILO_OPT_ENUM, HILO_OPT_URL};
    static const char *const written[] = {"hunter2",
                                          "\"hunter2\"",
                                          "'hunter2'",
                                          "&hunter2 hunter2",
                                          "*hunter2",
                                          "!hunter2 x",
                                          "[hunter2]",
                                          "{hunter2: 1}",
                                          "{a: hunter2}",
                                          "http://hunter2/?hunter2",
                                          "\"${hunter2\"",
                                          "${HILO_TEST_WORD}",
                                          "\"hunter2\\0\"",
                                          "|\n  hunter2\n",
                                          "http://u:hunter2@h",
                                          "a: hunter2",
                                          "\"hunter2",
                                          "hunter2\n hunter2: 1",
                                          "? hunter2",
                                          "%hunter2"};
    struct hilo_option o = {.name = "token", .choices = "hunter1|hunter3", .help = "x", .min = 3, .max = 5};

    (void)state;
    o.flags = HILO_OPT_SECRET | HILO_OPT_REQUIRED;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
            char yaml[100];
            struct conf *c;
            struct err err = {0};
            uint64_t dst[2] = {0, 0};
            int n = snprintf(yaml, sizeof yaml, "token: %s\n", written[i]);
            o.type = types[t];
            (void)conf_parse("t.yaml", str_n(yaml, (size_t)n), &err, &c);
            if (c->root)
                conf_fill(c, c->root, "s", 1, 1, &o, 1, NULL, c->arena, dst);
            assert_true(c->n_errors > 0);
            char *text = printed_errors(c);
            if (strstr(text, "hunter2"))
                print_error("shown: %s", text);
            assert_null(strstr(text, "hunter2"));
            assert_null(strstr(err.text, "hunter2"));
            free(text);
            conf_free(&c);
        }
    }
}

static void a_wrong_default_is_the_tables_fault(void **state)
{
    static const struct hilo_option bad = {ALL(wait, HILO_OPT_DURATION), .def = "10"};
    static const struct hilo_option unknown = {.name = "listener", .type = 99, .def = "x"};
    struct conf *c;
    struct all a = {0};

    (void)state;
    assert_int_equal(conf_parse("t.yaml", STR("a: 1\n"), NULL, &c), HILO_OK);
    conf_fill(c, NULL, "s", 3, 4, &bad, 1, NULL, c->arena, &a);
    conf_fill(c, NULL, "s", 5, 4, &unknown, 1, NULL, c->arena, &a);
    assert_errors(
        c,
        "t.yaml:3:4: s.wait: the default of its option table must be a duration such as 500ms, 10s, 5m, 2h "
        "or 1d; found \"10\"; write a value here\n"
        "t.yaml:5:4: s.listener: the default of its option table has an option type (99) that this version "
        "does not know; write a value here\n");
    conf_free(&c);
}

static void a_sample_is_yaml_that_fills(void **state)
{
    struct arena *arena = arena_new();
    struct hilo_str sample = conf_sample(table, N, arena);
    struct all a = {0};
    struct conf *c;

    (void)state;
    assert_string_equal(
        sample.p, "# A name.\n"
                  "# Optional: text, at most 8 bytes.\n"
                  "#name: nobody\n"
                  "# What nobody can guess.\n"
                  "# Required: text.\n"
                  "need: ${NEED}\n"
                  "# A secret.\n"
                  "# Optional: text, 4 to 24 bytes; a secret: ${NAME} of the environment, or file:PATH.\n"
                  "#token:\n"
                  "# Optional: a URL, http or https; a reload changes it.\n"
                  "#url: \"http://localhost:80/\"\n"
                  "# Optional: true or false.\n"
                  "#on: yes\n"
                  "# Optional: a whole number, -10 to 10.\n"
                  "#count: \"-3\"\n"
                  "# Optional: a duration (500ms, 10s, 5m, 2h, 1d), 1ms to 2h.\n"
                  "#wait: 10s\n"
                  "# Optional: a size (512, 64k, 5M, 1G).\n"
                  "#size: 64k\n"
                  "# Optional: one of hold, resend, drop.\n"
                  "#mode: hold\n");
    assert_int_equal(sample.n, strlen(sample.p));
    assert_int_equal(setenv("NEED", "x", 1), 0);
    /* As it is, and with every default uncommented. */
    char *open = arena_z(arena, sample);
    for (char *p = open; *p; p++)
        if (*p == '#' && p[1] != ' ')
            *p = ' ';
    for (char *p = open; *p; p++)
        if (p == open || p[-1] == '\n')
            if (*p == ' ')
                memmove(p, p + 1, strlen(p));
    const char *both[] = {sample.p, open};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(conf_parse("t.yaml", str(both[i]), NULL, &c), HILO_OK);
        conf_fill(c, c->root, "", 1, 1, table, N, NULL, c->arena, &a);
        assert_errors(c, "");
        assert_int_equal(a.count, -3);
        assert_true(str_eqz(a.need, "x"));
        conf_free(&c);
    }
    arena_free(&arena);
}

/* ---- trees ---- */

struct wood {
    struct hilo_str menu, more;
};
static const struct hilo_option wood[] = {
    {HILO_OPTION(struct wood, menu, HILO_OPT_TREE), .name = "menu", .max = 400, .help = "A menu."},
    {HILO_OPTION(struct wood, more, HILO_OPT_TREE), .name = "more"},
};
static const struct hilo_option wood_needed[] = {
    {HILO_OPTION(struct wood, menu, HILO_OPT_TREE), .name = "menu", .flags = HILO_OPT_REQUIRED},
};

static struct conf *grow(const char *yaml, const struct hilo_option *table_, uint32_t n, struct wood *out)
{
    struct conf *c;

    (void)conf_parse("t.yaml", str(yaml), NULL, &c);
    assert_non_null(c->root);
    *out = (struct wood){0};
    conf_fill(c, c->root, "s", 7, 9, table_, n, NULL, c->arena, out);
    return c;
}

static void trees_become_json(void **state)
{
    static const struct {
        const char *yaml, *json;
    } row[] = {
        {"menu: {}\n", "{}"},
        {"menu: []\n", "[]"},
        {"menu:\n  b: 1\n  a: {x: [1, 2, {}]}\n", "{\"b\":1,\"a\":{\"x\":[1,2,{}]}}"},
        /* What JSON writes so is a number or a word; all else is text, as is what was quoted. */
        {"menu: [0, -1, 12.50, 1e9, 2E-3, true, false, null, ~]\n",
         "[0,-1,12.50,1e9,2E-3,true,false,null,null]"},
        {"menu: ['1', \"true\", yes, on, +57300, 007, 08:30, .5, 1., 0x1F, 1e, '', -, 1_000, True]\n",
         "[\"1\",\"true\",\"yes\",\"on\",\"+57300\",\"007\",\"08:30\",\".5\",\"1.\",\"0x1F\",\"1e\",\"\",\"-"
         "\",\"1_000\","
         "\"True\"]"},
        {"menu: {1: a, \"2\": b, 'c d': e}\n", "{\"1\":\"a\",\"2\":\"b\",\"c d\":\"e\"}"},
        {"menu:\n  - |\n    two\n    lines\n  - \"q\\\"\\\\\\t\\x01\"\n",
         "[\"two\\u000alines\\u000a\",\"q\\\"\\\\\\u0009\\u0001\"]"},
        {"menu: [ñandú, \"😀\"]\n", "[\"ñandú\",\"😀\"]"},
        /* Nothing is looked up in it. */
        {"menu: ['${HILO_TEST_WORD}', 'file:/etc/passwd']\n", "[\"${HILO_TEST_WORD}\",\"file:/etc/passwd\"]"},
        {"menu:\n", NULL},
        {"menu: ~\n", NULL},
        {"{}\n", NULL},
    };
    struct wood w;

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct conf *c = grow(row[i].yaml, wood, 2, &w);
        assert_errors(c, "");
        assert_true(!w.menu.p == !row[i].json);
        if (row[i].json) {
            assert_string_equal(w.menu.p, row[i].json); /* NUL-ended */
            assert_int_equal(w.menu.n, strlen(row[i].json));
        }
        conf_free(&c);
    }
}

static void what_is_no_tree_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *yaml, *errors;
    } row[] = {
        {"menu: main\n", "t.yaml:1:7: s.menu must be a mapping or list\n"},
        {"menu: 1\nmore: x\n", "t.yaml:1:7: s.menu must be a mapping or list\n"
                               "t.yaml:2:7: s.more must be a mapping or list\n"},
        {"menu:\n  a: [x, \"y\\0\"]\n", "t.yaml:2:10: s.menu.a.1 has a NUL character\n"},
        {"menu: &x {a: 1}\n",
         "t.yaml:1:7: anchors (&) are not supported; repeat the value where it is used\n"},
        {"menu: {a: *x}\n", "t.yaml:1:11: aliases (*) are not supported; repeat the value\n"},
        {"menu: {a: 1, a: 2}\n", "t.yaml:1:14: duplicate key \"a\"; it is already on line 1\n"},
    };
    char large[600] = "menu: [\"";
    struct wood w;
    struct conf *c;

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        c = grow(row[i].yaml, wood, 2, &w);
        assert_errors(c, row[i].errors);
        conf_free(&c);
    }
    memset(large + 8, 'x', 500);
    (void)snprintf(large + 508, sizeof large - 508, "\"]\n");
    c = grow(large, wood, 2, &w);
    assert_errors(c, "t.yaml:1:7: s.menu, as JSON, must be at most 400 bytes long\n");
    conf_free(&c);
    c = grow("menu:\n", wood_needed, 1, &w);
    assert_errors(c, "t.yaml:1:6: s.menu must be a mapping or list\n");
    conf_free(&c);
    c = grow("x: 1\n", wood_needed, 1, &w);
    assert_int_equal(c->n_errors, 2);
    conf_free(&c);
    struct arena *arena = arena_new();
    assert_true(str_eqz(conf_sample(wood, 1, arena),
                        "# A menu.\n# Optional: a mapping or list, at most 400 bytes.\n#menu:\n"));
    assert_true(str_eqz(conf_sample(wood_needed, 1, arena), "# Required: a mapping or list.\nmenu: {}\n"));
    arena_free(&arena);
}

/* Where what a plugin says of a tree is to be looked for. */
static void paths_lead_to_nodes(void **state)
{
    static const char yaml[] = "menu:\n"
                               "  main:\n"
                               "    keys:\n"
                               "      1: sales\n"
                               "      10: {to: nowhere}\n"
                               "  hours.mon: 08:30\n"
                               "  hours:\n"
                               "    mon: x\n"
                               "    \"a b: c\": y\n"
                               "  days: [2026-01-01,\n"
                               "    2026-13-01]\n"
                               "token: x\n";
    static const struct {
        const char *path;
        uint32_t line, column;
    } row[] = {
        {"menu.main.keys.1: no such step", 4, 10},
        {"menu.main.keys.1", 4, 10},
        {"menu.main.keys.10 leads nowhere", 5, 7},
        {"menu.main.keys.10.to: x", 5, 16},
        {"menu.main.keys.7: it is not there", 3, 5}, /* as far as it leads */
        {"menu.main.keys.", 3, 5},
        {"menu.main: a step without an end", 2, 3},
        {"menu.hours.mon: is no hour", 6, 14}, /* the longest key */
        {"menu.hours.mo: x", 7, 3},
        {"menu.hours.a b: c: x", 9, 15},
        {"menu.days.1: is no date", 11, 5},
        {"menu.days.2: is no date", 10, 3},
        {"menu.days.x", 10, 3},
        {"menu is too short", 1, 1},
        {"token is wrong", 12, 8},
        {"tokens are wrong", 0, 0},
        {"", 0, 0},
    };
    struct conf *c;

    (void)state;
    assert_int_equal(conf_parse("t.yaml", str(yaml), NULL, &c), HILO_OK);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const struct conf_node *at = conf_path(c->root, str(row[i].path));
        uint32_t line = 0, column = 0;
        if (at != c->root)
            conf_place(at, &line, &column);
        if (line != row[i].line || column != row[i].column)
            fail_msg("%s: %u:%u", row[i].path, line, column);
    }
    assert_null(conf_path(NULL, STR("menu")));
    conf_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_become_json),
        cmocka_unit_test(what_is_no_tree_is_refused_with_its_place),
        cmocka_unit_test(paths_lead_to_nodes),
        cmocka_unit_test(defaults_fill_what_is_absent),
        cmocka_unit_test(every_form_is_read),
        cmocka_unit_test(urls_lose_their_last_slash),
        cmocka_unit_test(every_wrong_form_is_refused_with_its_place),
        cmocka_unit_test(all_faults_come_in_one_pass_by_place),
        cmocka_unit_test(a_mapping_that_is_none_is_refused),
        cmocka_unit_test(others_keys_are_passed_over),
        cmocka_unit_test(the_environment_is_put_in),
        cmocka_unit_test(secrets_come_from_files),
        cmocka_unit_test(secrets_are_never_shown),
        cmocka_unit_test(a_wrong_default_is_the_tables_fault),
        cmocka_unit_test(a_sample_is_yaml_that_fills),
    };
    return cmocka_run_group_tests(tests, set_environment, NULL);
}
