/* The base layer: ids, clocks, strings, arenas. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/str.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

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
    memset(id.b, 0, sizeof id.b);
    id_format("msg", id, text);
    assert_string_equal(text, "msg_00000000000000000000000000");
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
    for (int64_t s = 0; s < INT64_C(4102444800); s += 86400 * 13 + 12345) {
        char text[CLOCK_TEXT];
        int64_t us;
        clock_format(s * 1000000 + 7000, text);
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
        struct hilo_field f;
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

static void a_log_line_is_one_line(void **state)
{
    int fd[2];
    char line[4096];
    char q[16];

    (void)state;
    assert_int_equal(pipe(fd), 0);
    struct log *l = log_new(fd[1], HILO_LOG_INFO);
    log_event(l, HILO_LOG_DEBUG, "no", "x=1");
    log_event(l, HILO_LOG_WARN, "a.b", "k=%s", log_quote(STR("x\ny\"z long long long"), q, sizeof q));
    ssize_t n = read(fd[0], line, sizeof line);
    assert_true(n > 0);
    line[n] = '\0';
    assert_string_equal(strchr(line, ' '), " warn a.b k=\"x y\\\"z long\"\n");
    log_free(&l);
    close(fd[0]);
    close(fd[1]);
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
        cmocka_unit_test(a_log_line_is_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
