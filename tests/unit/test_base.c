/* The base layer: errors, strings, arenas, buffers, clocks, ids, the log. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void ids_grow_though_the_clock_steps_back(void **state)
{
    struct idgen *g = idgen_new(0);
    struct hilo_id last = idgen_next_at(g, 1000000000), id;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        int64_t now = 1000000000 + (i % 7 - 5) * 1000000;
        id = idgen_next_at(g, now);
        assert_true(memcmp(id.b, last.b, sizeof id.b) > 0);
        last = id;
    }
    idgen_free(&g);
    g = idgen_new(5000000000000);
    id = idgen_next_at(g, 1000);
    uint64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | id.b[i];
    assert_true(ms > 5000000000);
    idgen_free(&g);
}

static void *take_ids(void *arg)
{
    struct hilo_id *ids = malloc(5000 * sizeof *ids);

    for (int i = 0; i < 5000; i++)
        ids[i] = idgen_next(arg);
    return ids;
}

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hilo_id));
}

static void ids_of_many_threads_differ(void **state)
{
    struct idgen *g = idgen_new(0);
    pthread_t t[4];
    struct hilo_id all[4 * 5000];

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, take_ids, g), 0);
    for (int i = 0; i < 4; i++) {
        void *ids;
        assert_int_equal(pthread_join(t[i], &ids), 0);
        memcpy(all + 5000 * i, ids, 5000 * sizeof *all);
        free(ids);
    }
    qsort(all, 20000, sizeof *all, by_id);
    for (int i = 1; i < 20000; i++)
        assert_false(id_eq(all[i - 1], all[i]));
    idgen_free(&g);
}

static void id_text_round_trips_and_refuses(void **state)
{
    struct hilo_id id = {{0x01, 0x93, 0x5f, 0xff, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0xff}}, back;
    char text[ID_TEXT];

    (void)state;
    id_format("msg", id, text);
    assert_int_equal(strlen(text), 30);
    assert_true(id_parse("msg", str(text), &back));
    assert_true(id_eq(id, back));
    for (char *p = text + 4; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + 32);
    assert_true(id_parse("msg", str(text), &back));
    assert_true(id_eq(id, back));
    assert_false(id_parse("cus", str(text), &back));
    assert_false(id_parse("msg", STR("msg_80000000000000000000000000"), &back));
    assert_true(id_parse("msg", STR("msg_7ZZZZZZZZZZZZZZZZZZZZZZZZZ"), &back));
    assert_false(id_parse("msg", STR("msg_7ZZZZZZZZZZZZZZZZZZZZZZZZU"), &back));
    assert_false(id_parse("msg", STR("msg_7ZZZZZZZZZZZZZZZZZZZZZZZZ"), &back));
    for (unsigned i = 0; i < 16; i++) /* 0x0123456789abcdef twice */
        id.b[i] = (uint8_t)(0x22 * (i % 8) + 1);
    id_format("cus", id, text);
    assert_string_equal(text, "cus_014D2PF2DBSQQG28T5CY4TQKFF");
    assert_true(id_parse("cus", str(text), &back));
    assert_true(id_eq(id, back));
    memset(id.b, 0, sizeof id.b);
    id_format("msg", id, text);
    assert_string_equal(text, "msg_00000000000000000000000000");
    assert_false(id_parse("msg", str(text), &back));
    assert_true(id_none(id));
}

static void times_parse_as_rfc_3339_says(void **state)
{
    static const struct {
        const char *text;
        int64_t us; /* -1: refused */
    } t[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2000-02-29T12:30:15.25Z", 951827415250000},
        {"2026-11-24T23:59:59.123456+05:30", 1795544999123456},
        {"2026-11-24t10:00:00-05:00", 1795532400000000},
        {"2025-02-29T00:00:00Z", -1},
        {"2026-13-01T00:00:00Z", -1},
        {"2026-11-24T24:00:00Z", -1},
        {"2026-11-24T10:00:00", -1},
        {"2026-11-24 10:00:00Z", -1},
        {"2026-11-24T10:00:00.Z", -1},
        {"2026-11-24T10:00:00Zx", -1},
        {"1969-12-31T23:59:59Z", -1},
        {"2026-11-24T10:00:00+0530", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        int64_t us = -1;
        bool ok = clock_parse(str(t[i].text), &us);
        assert_int_equal(ok, t[i].us >= 0);
        if (ok)
            assert_int_equal(us, t[i].us);
    }
    /* Against the C library, and back. */
    for (int64_t s = 0; s < INT64_C(253402300800); s += 86400 * 13 + 12345) {
        char text[CLOCK_TEXT], theirs[CLOCK_TEXT];
        time_t secs = (time_t)s;
        struct tm tm;
        int64_t us;
        clock_format(s * 1000000 + 7000, text);
        assert_non_null(gmtime_r(&secs, &tm));
        assert_int_not_equal(strftime(theirs, sizeof theirs, "%Y-%m-%dT%H:%M:%S.007Z", &tm), 0);
        assert_string_equal(text, theirs);
        assert_true(clock_parse(str(text), &us));
        assert_int_equal(us, s * 1000000 + 7000);
    }
}

static void durations_parse_as_iso_8601_says(void **state)
{
    static const struct {
        const char *text;
        int64_t s; /* -1: refused */
    } t[] = {{"PT1H", 3600}, {"P1DT30M", 88200}, {"PT90S", 90}, {"P2W", 1209600}, {"P", -1},
             {"PT", -1},     {"P1H", -1},        {"PT1D", -1},  {"1H", -1},       {"PT1", -1},
             {"PTH", -1},    {"PT1S1M", -1},     {"P1DT", -1},  {"PT1.5S", -1},   {"P99999999D", -1}};

    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        int64_t us = -1;
        bool ok = clock_parse_duration(str(t[i].text), &us);
        assert_int_equal(ok, t[i].s >= 0);
        if (ok)
            assert_int_equal(us, t[i].s * 1000000);
    }
}

static void strings_do_what_they_say(void **state)
{
    struct hilo_str head, rest;
    uint64_t v;
    unsigned char bytes[3];

    (void)state;
    assert_true(str_cut(STR("a=b=c"), '=', &head, &rest));
    assert_true(str_eqz(head, "a") && str_eqz(rest, "b=c"));
    assert_false(str_cut(STR("abc"), '=', &head, &rest));
    assert_true(str_u64(STR("18446744073709551615"), &v) && v == UINT64_MAX);
    assert_false(str_u64(STR("18446744073709551616"), &v));
    assert_false(str_u64(STR("-1"), &v));
    assert_false(str_u64(STR(""), &v));
    assert_true(str_utf8_valid(STR("señal €")));
    assert_false(str_utf8_valid(STR("\xc0\x80")));
    assert_false(str_utf8_valid(STR("\xed\xa0\x80")));
    assert_int_equal(str_utf8_count(STR("señal €")), 7);
    assert_true(str_eqz(str_utf8_head(STR("señal"), 3), "señ"));
    assert_true(str_eqz(str_utf8_head(STR("se"), 3), "se"));
    assert_true(str_unhex(STR("00fFa0"), bytes, 3) && bytes[1] == 0xff);
    assert_false(str_unhex(STR("00fg00"), bytes, 3));
    assert_false(str_unhex(STR("00ff0"), bytes, 3));
    assert_int_equal(str_distance(STR("porrt"), STR("port"), 3), 1);
    assert_int_equal(str_distance(STR("kitten"), STR("sitting"), 9), 3);
    assert_int_equal(str_distance(STR("abc"), STR("xyz"), 1), 2);
    assert_true(str_cmp(STR("a"), STR("ab")) < 0 && str_cmp(STR("b"), STR("ab")) > 0);
}

static void arenas_hold_and_grow(void **state)
{
    struct arena *a = arena_new();
    struct hilo_writer w;

    (void)state;
    for (int round = 0; round < 3; round++) {
        char *big = arena_alloc(a, 100000);
        assert_int_equal(big[99999], 0);
        assert_true(str_eqz(arena_fmt(a, "%d-%s", 7, "x"), "7-x"));
        struct hilo_str longer = arena_fmt(a, "%0600d", 1);
        assert_int_equal(longer.n, 600);
        arena_writer(a, &w);
        for (uint32_t i = 0; i < 5000; i++)
            hilo_put_u64(&w, 1, i);
        hilo_open(&w, 2);
        for (uint32_t i = 0; i < 300; i++)
            hilo_put_u64(&w, 3, i);
        hilo_close(&w);
        assert_int_equal(w.failed, 0);
        struct hilo_str rest = hilo_written(&w);
        struct hilo_field f = {0};
        for (uint32_t i = 0; i < 5000; i++) {
            assert_int_equal(hilo_next(&rest, &f), 1);
            assert_int_equal(hilo_u64(f.val), i);
        }
        assert_int_equal(hilo_next(&rest, &f), 1);
        assert_int_equal(f.tag, 2);
        assert_int_equal(hilo_get_u64(f.val, 3), 0);
        assert_int_equal(hilo_next(&rest, &f), 0);
        arena_reset(a);
    }
    arena_free(&a);
}

static void errors_hold_code_and_words(void **state)
{
    struct err e = {0};

    (void)state;
    assert_int_equal(err_set(&e, HILO_TEMP, "line %d", 7), HILO_TEMP);
    assert_int_equal(e.code, HILO_TEMP);
    assert_string_equal(e.text, "line 7");
    assert_int_equal(err_set(NULL, HILO_PERM, "nobody listens"), HILO_PERM);

    /* wrapped in place */
    (void)err_set(&e, e.code, "store: %s", e.text);
    assert_string_equal(e.text, "store: line 7");

    errno = ENOENT;
    assert_int_equal(err_errno(&e, "open %s", "/x"), HILO_IO);
    assert_string_equal(e.text, "open /x: No such file or directory");
    assert_int_equal(errno, ENOENT);
    assert_string_equal(err_name(HILO_TEMP), "temporary failure");
    assert_string_equal(err_name(HILO_CORRUPT), "corrupt");
    assert_string_equal(err_name(-1000), "unknown code");
}

static void long_errors_are_cut_between_characters(void **state)
{
    struct err e;
    char in[600];

    (void)state;
    memset(in, 'a', sizeof in);
    in[sizeof in - 1] = 0;
    (void)err_set(&e, HILO_IO, "%s", in);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);

    for (size_t lead = 0; lead < 4; lead++) { /* a four-byte character over each place of the cut */
        memset(in, 'a', sizeof in - 1);
        memcpy(in + sizeof e.text - 1 - lead, "\xf0\x9f\x99\x82", 4);
        (void)err_set(&e, HILO_IO, "%s", in);
        assert_int_equal(strlen(e.text), sizeof e.text - 1 - lead);
        assert_true(str_utf8_valid(str(e.text)));
    }
    errno = EIO;
    memset(in, 'b', sizeof in - 1);
    (void)err_errno(&e, "%s", in);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

static void views_compare(void **state)
{
    struct hilo_str none = {NULL, 0}, head, rest;

    (void)state;
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_true(str_starts(none, none));
    assert_false(str_starts(STR("a"), STR("ab")));
    assert_true(str_eq_nocase(STR("X-Hub"), STR("x-hUB")));
    assert_false(str_eq_nocase(STR("\xc3\x89"), STR("\xc3\xa9"))); /* É, é: ASCII only */
    assert_false(str_eq_nocase(STR("@"), STR("`")));
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    assert_true(str_cmp(STR("b"), STR("ab")) > 0);
    assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
    assert_int_equal(str_cmp(none, STR("")), 0);
    assert_true(str_cut(STR("k=v=w"), '=', &head, &rest));
    assert_true(str_eqz(head, "k") && str_eqz(rest, "v=w"));
    assert_true(str_cut(STR("k="), '=', &head, &rest));
    assert_true(str_eqz(head, "k") && rest.n == 0);
    assert_false(str_cut(STR("kv"), '=', &head, &rest));
    assert_true(str_eqz(head, "kv") && rest.n == 0);
    assert_false(str_cut(none, '=', &head, &rest));
    assert_true(str_eq_secret(STR("s3cret"), STR("s3cret")));
    assert_false(str_eq_secret(STR("s3cret"), STR("s3creT")));
    assert_false(str_eq_secret(STR("s3cret"), STR("s3cre")));
    assert_true(str_eq_secret(none, none));
}

static void hex_goes_both_ways(void **state)
{
    const uint8_t in[] = {0, 0x7f, 0xaB, 0xff};
    uint8_t out[4] = {9, 9, 9, 9};
    char text[9];

    (void)state;
    str_hex(text, in, sizeof in);
    assert_string_equal(text, "007fabff");
    assert_false(str_unhex(STR("007fabf"), out, 4));
    assert_false(str_unhex(STR("007fabfg"), out, 4));
    assert_false(str_unhex(STR("007fabff00"), out, 4));
    assert_int_equal(out[0], 9);
    assert_true(str_unhex(STR("007FaBff"), out, 4));
    assert_memory_equal(out, in, 4);
}

static void arenas_give_zeroed_aligned_memory_that_stays(void **state)
{
    static const size_t sizes[] = {0, 1, 8, 24, 100, 1000, 3000, 5000, 70000, 1 << 20, 3, 17};
    enum { ROUNDS = 40 };
    struct arena *a = arena_new();
    uint8_t *p[ROUNDS * COUNT(sizes)];

    (void)state;
    for (int again = 0; again < 2; again++) {
        for (size_t i = 0; i < COUNT(p); i++) {
            size_t n = sizes[i % COUNT(sizes)] / (i % COUNT(sizes) == 9 ? 8 : 1);
            p[i] = arena_alloc(a, n);
            assert_int_equal((uintptr_t)p[i] % _Alignof(max_align_t), 0);
            for (size_t j = 0; j < n; j++)
                assert_int_equal(p[i][j], 0);
            memset(p[i], (int)(i & 0xff), n);
        }
        for (size_t i = 0; i < COUNT(p); i++) {
            size_t n = sizes[i % COUNT(sizes)] / (i % COUNT(sizes) == 9 ? 8 : 1);
            for (size_t j = 0; j < n; j++)
                assert_int_equal(p[i][j], i & 0xff);
        }
        arena_reset(a);
    }
    arena_free(&a);
    assert_null(a);
    arena_free(&a);
}

static void arenas_reuse_their_first_chunk(void **state)
{
    struct arena *a = arena_new();
    void *first = arena_alloc(a, 10);

    (void)state;
    (void)arena_alloc(a, 100000);
    (void)arena_alloc(a, 3000);
    arena_reset(a);
    assert_ptr_equal(arena_alloc(a, 10), first);
    arena_free(&a);
}

static void buffers_grow_and_refuse_the_impossible(void **state)
{
    struct buf b = {0};

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buf_fmt(&b, "%04d", i), HILO_OK);
    assert_int_equal(b.n, 4000);
    assert_memory_equal(b.p + 3996, "0999", 4);
    assert_int_equal(buf_add_str(&b, STR("end")), HILO_OK);
    assert_int_equal(buf_add(&b, NULL, 0), HILO_OK);
    assert_int_equal(buf_str(&b).n, 4003);
    assert_int_equal(buf_reserve(&b, SIZE_MAX), HILO_NOMEM);
    assert_int_equal(buf_reserve(&b, SIZE_MAX - 4003), HILO_NOMEM);
    assert_int_equal(b.n, 4003);
    buf_clear(&b);
    assert_int_equal(b.n, 0);
    assert_true(b.cap >= 4003);
    buf_done(&b);
    assert_null(b.p);
    assert_int_equal(b.cap, 0);
}

static void ids_of_one_millisecond_differ_by_one(void **state)
{
    struct idgen *g = idgen_new(0);
    struct hilo_id a = idgen_next_at(g, 5000000), b;
    int at = 15;

    (void)state;
    b = idgen_next_at(g, 5000999);
    while (++a.b[at] == 0)
        at--;
    assert_true(id_eq(a, b));
    idgen_free(&g);
}

static size_t read_some(int fd, char *out, size_t cap)
{
    ssize_t n = read(fd, out, cap - 1);

    if (n < 0)
        n = 0;
    out[n] = 0;
    return (size_t)n;
}

static void log_lines_are_whole_and_escaped(void **state)
{
    int p[2];
    char line[8192], longer[6000];
    struct log *l;
    size_t n;
    int64_t us;

    (void)state;
    assert_int_equal(pipe2(p, O_NONBLOCK), 0);
    l = log_new(p[1], HILO_LOG_INFO);
    log_event(l, HILO_LOG_INFO, "channel.up", "channel=%s", "whatsapp-co");
    n = read_some(p[0], line, sizeof line);
    assert_string_equal(line + 24, " info channel.up channel=whatsapp-co\n");
    assert_true(clock_parse(str_n(line, 24), &us));
    assert_int_equal(n, strlen(line));

    log_event(l, HILO_LOG_DEBUG, "below", "x=1");
    log_event(NULL, HILO_LOG_ERROR, "nowhere", "x=1");
    assert_int_equal(read_some(p[0], line, sizeof line), 0);
    log_level_set(l, HILO_LOG_DEBUG);
    errno = EBADF;
    log_event(l, HILO_LOG_DEBUG, "e", "%s", "a\nb\r\tc\x01 \xff \xc3\xb1 q=\"");
    assert_int_equal(errno, EBADF);
    (void)read_some(p[0], line, sizeof line);
    assert_string_equal(line + 24, " debug e a\\nb\\r\\tc\\x01 \\xff \xc3\xb1 q=\"\n");

    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = 0;
    log_event(l, HILO_LOG_ERROR, "long", "%s", longer);
    n = read_some(p[0], line, sizeof line);
    assert_int_equal(n, 4096);
    assert_string_equal(line + n - 5, "x...\n");
    memset(longer, '\n', sizeof longer - 1); /* grows while it is escaped */
    log_event(l, HILO_LOG_ERROR, "long", "%s", longer);
    n = read_some(p[0], line, sizeof line);
    assert_true(n > 4090 && n <= 4096);
    assert_string_equal(line + n - 6, "\\n...\n");

    while (write(p[1], line, 4096) > 0) /* a full pipe costs the line, not time */
        ;
    log_event(l, HILO_LOG_ERROR, "lost", "x=1");
    close(p[0]);
    close(p[1]);
    log_free(&l);
    assert_null(l);
    assert_int_equal(log_level_parse("warn", 9), HILO_LOG_WARN);
    assert_int_equal(log_level_parse("debug", 9), HILO_LOG_DEBUG);
    assert_int_equal(log_level_parse("verbose", 9), 9);
    assert_int_equal(log_level_parse(NULL, 9), 9);
}

static void test_log_word(void **state)
{
    char out[16];

    (void)state;
    assert_string_equal(log_word(STR("rate_limited"), out, sizeof out), "rate_limited");
    assert_string_equal(log_word(STR(""), out, sizeof out), "\"\"");
    assert_string_equal(log_word(STR("a b"), out, sizeof out), "\"a b\"");
    assert_string_equal(log_word(STR("a=b"), out, sizeof out), "\"a=b\"");
    assert_string_equal(log_word(STR("a\"b"), out, sizeof out), "\"a\\\"b\"");
    assert_string_equal(log_word(STR("123456789012345"), out, sizeof out), "123456789012345");
    assert_string_equal(log_word(STR("1234567890123456"), out, sizeof out), "\"1234567890...\"");
    assert_string_equal(log_word(str_n("a\0b", 3), out, sizeof out), "\"a\\x00b\"");
}

static void values_are_quoted(void **state)
{
    char out[64];

    (void)state;
    assert_string_equal(log_quote(STR("a \"b\" \\ \n"), out, sizeof out), "\"a \\\"b\\\" \\\\ \\n\"");
    assert_string_equal(log_quote(STR("\xf0\x9f\x99\x82\x80\0"), out, sizeof out),
                        "\"\xf0\x9f\x99\x82\\x80\\x00\"");
    assert_string_equal(log_quote(STR("abcdef"), out, 9), "\"abcdef\"");
    assert_string_equal(log_quote(STR("abcdefg"), out, 9), "\"abc...\"");
    assert_string_equal(log_quote(STR("ab\xc3\xb1"
                                      "efg"),
                                  out, 9),
                        "\"ab...\"");
    assert_string_equal(log_quote(STR(""), out, 6), "\"\"");
    assert_string_equal(log_quote(STR("abcdef"), out, 6), "\"...\"");
    assert_string_equal(log_quote(STR("abc"), out, 5), "");
    assert_string_equal(log_quote(STR("abc"), out, 0), "");
}

static void failed_checks_abort_in_every_build(void **state)
{
    int p[2], status = 0;
    pid_t child;
    char text[512];

    (void)state;
    assert_int_equal(pipe(p), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        dup2(p[1], STDERR_FILENO);
        CHECK(1 + 1 == 2);
        CHECK(1 + 1 == 3);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    (void)read_some(p[0], text, sizeof text);
    assert_non_null(strstr(text, "test_base.c"));
    assert_non_null(strstr(text, ": this must hold and does not: 1 + 1 == 3\n"));
    close(p[0]);
    close(p[1]);
}

/* FIPS 180-4's examples, and lengths around its block of 64 bytes against EVP. */
static void sha256_is_the_standard_one(void **state)
{
    static const struct {
        const char *in, *hex;
    } known[] = {{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                 {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
                 {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"}};
    uint8_t out[SHA256_BYTES], other[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1], bytes[200];

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        sha256(known[i].in, strlen(known[i].in), out);
        str_hex(hex, out, sizeof out);
        assert_string_equal(hex, known[i].hex);
    }
    sha256(NULL, 0, other);
    sha256("", 0, out);
    assert_memory_equal(out, other, sizeof out);
    for (size_t n = 0; n < sizeof bytes; n++) {
        bytes[n] = (char)(n * 7);
        sha256(bytes, n, out);
        assert_int_equal(EVP_Digest(bytes, n, other, NULL, EVP_sha256(), NULL), 1);
        assert_memory_equal(out, other, sizeof out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_grow_though_the_clock_steps_back),
        cmocka_unit_test(ids_of_many_threads_differ),
        cmocka_unit_test(id_text_round_trips_and_refuses),
        cmocka_unit_test(times_parse_as_rfc_3339_says),
        cmocka_unit_test(durations_parse_as_iso_8601_says),
        cmocka_unit_test(strings_do_what_they_say),
        cmocka_unit_test(arenas_hold_and_grow),
        cmocka_unit_test(errors_hold_code_and_words),
        cmocka_unit_test(long_errors_are_cut_between_characters),
        cmocka_unit_test(views_compare),
        cmocka_unit_test(hex_goes_both_ways),
        cmocka_unit_test(arenas_give_zeroed_aligned_memory_that_stays),
        cmocka_unit_test(arenas_reuse_their_first_chunk),
        cmocka_unit_test(buffers_grow_and_refuse_the_impossible),
        cmocka_unit_test(ids_of_one_millisecond_differ_by_one),
        cmocka_unit_test(test_log_word),
        cmocka_unit_test(log_lines_are_whole_and_escaped),
        cmocka_unit_test(values_are_quoted),
        cmocka_unit_test(failed_checks_abort_in_every_build),
        cmocka_unit_test(sha256_is_the_standard_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
