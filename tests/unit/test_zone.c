/*
 * Time zones: what the system's files say, against the C library's own reading of them, for every zone and
 * across its changes; and files that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "base/zone.h"
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FOLDER "/usr/share/zoneinfo"
static unsigned zones;

static void same_as_the_library(const char *name, time_t at)
{
    struct zone_time z;
    struct err e = {0};
    struct tm tm;

    assert_non_null(localtime_r(&at, &tm));
    if (zone_local(str(name), (int64_t)at * 1000000, &z, &e) != HILO_OK)
        fail_msg("%s: %s", name, e.text);
    if (z.offset_s != tm.tm_gmtoff || z.hour != tm.tm_hour || z.minute != tm.tm_min || z.day != tm.tm_mday ||
        z.weekday != tm.tm_wday || z.month != tm.tm_mon + 1 || z.year != tm.tm_year + 1900)
        fail_msg("%s at %lld: %d, the library has %ld", name, (long long)at, z.offset_s, tm.tm_gmtoff);
}

static int each(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    const char *name = path + sizeof FOLDER;
    char magic[4] = "";
    int fd;

    (void)ftw;
    if (type != FTW_F || st->st_size < 44 || strncmp(name, "right/", 6) == 0 ||
        strncmp(name, "posix/", 6) == 0)
        return 0;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && read(fd, magic, 4) == 4);
    close(fd);
    if (memcmp(magic, "TZif", 4) != 0)
        return 0;
    assert_int_equal(setenv("TZ", name, 1), 0);
    tzset();
    zones++;
    /* From 1900 to 2100, every 97 days and a bit, so at all hours. */
    for (int64_t at = INT64_C(-2208988800); at < INT64_C(4102444800); at += INT64_C(97) * 86400 + 4567)
        same_as_the_library(name, (time_t)at);
    /* Hours of some weeks in which clocks are set, this year and in the rule's time. */
    static const int64_t weeks[] = {1772323200, 1774656000, 1792800000, 1793404800, 2844806400, 2866406400};
    for (size_t w = 0; w < sizeof weeks / sizeof *weeks; w++)
        for (int64_t h = 0; h < 24 * 9; h += 5)
            same_as_the_library(name, (time_t)(weeks[w] + h * 3600));
    return 0;
}

static void every_zone_as_the_library_has_it(void **state)
{
    (void)state;
    assert_int_equal(nftw(FOLDER, each, 16, FTW_PHYS), 0);
    assert_true(zones > 300);
    assert_int_equal(unsetenv("TZ"), 0);
}

static void a_day_in_bogota(void **state)
{
    const int64_t us = INT64_C(1796398200) * 1000000; /* 2026-12-04T15:30Z */
    struct zone_time z;
    struct err e = {0};

    (void)state;
    assert_int_equal(zone_local(STR("America/Bogota"), us, &z, &e), HILO_OK);
    assert_int_equal(z.year, 2026);
    assert_int_equal(z.month, 12);
    assert_int_equal(z.day, 4);
    assert_int_equal(z.weekday, 5);
    assert_int_equal(z.hour, 10);
    assert_int_equal(z.minute, 30);
    assert_int_equal(z.offset_s, -5 * 3600);
    assert_int_equal(zone_local(STR(""), us, &z, &e), HILO_OK);
}

static void names_that_are_none(void **state)
{
    static const char *const names[] = {
        "../../etc/passwd", "/etc/passwd", "America/../UTC", "America/", "America//Bogota", ".", "a b",
        "Am\xc3\xa9rica"};
    struct zone_time z;
    struct err e = {0};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(zone_local(str(names[i]), 0, &z, &e), HILO_INVALID);
    assert_int_equal(zone_local(STR("America/Macondo"), 0, &z, &e), HILO_NOTFOUND);
    assert_non_null(strstr(e.text, "America/Macondo"));
    assert_int_equal(zone_local(STR("America"), 0, &z, &e), HILO_NOTFOUND);
    assert_int_equal(zone_local(STR("UTC"), INT64_MAX, &z, &e), HILO_INVALID);
    assert_int_equal(zone_local(STR("UTC"), INT64_MIN, &z, &e), HILO_INVALID);
}

/* A whole file, cut at each of its bytes: refused in words, or (nothing is read behind the rule) as before.
 */
static void files_that_are_cut(void **state)
{
    char bytes[4096];
    struct err e = {0};
    int32_t offset;

    (void)state;
    int fd = open(FOLDER "/America/New_York", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = read(fd, bytes, sizeof bytes);
    close(fd);
    assert_true(n > 44);
    assert_int_equal(zone_offset(str_n(bytes, (size_t)n), 1796398200, &offset, &e), HILO_OK);
    assert_int_equal(offset, -5 * 3600);
    for (ssize_t k = 0; k < n; k++) {
        char *exact = malloc((size_t)k + 1); /* so that ASan sees a step beyond */
        memcpy(exact, bytes, (size_t)k);
        assert_int_equal(zone_offset(str_n(exact, (size_t)k), 1796398200, &offset, &e), HILO_CORRUPT);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_zone_as_the_library_has_it),
        cmocka_unit_test(a_day_in_bogota),
        cmocka_unit_test(names_that_are_none),
        cmocka_unit_test(files_that_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
