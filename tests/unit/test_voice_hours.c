/*
 * Opening hours: how they are written, and whether a shop is open at an instant, over midnights, holidays and
 * changes of the clock.
 */
#include "../../plugins/voice/hours.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct hilo_str str(const char *s)
{
    struct hilo_str r = {s, strlen(s)};

    return r;
}

/* "2026-11-27T14:00:00Z" as µs. */
static int64_t at(const char *utc)
{
    struct tm tm = {0};

    assert_non_null(strptime(utc, "%Y-%m-%dT%H:%M:%SZ", &tm));
    return (int64_t)timegm(&tm) * 1000000;
}

static void good_spans(const char *text, int n, int from, int until)
{
    struct hours_span s[HOURS_SPANS_MAX];
    char wrong[160];
    int i, got = 0;

    assert_true(hours_spans(str(text), s, wrong));
    for (i = 0; i < HOURS_SPANS_MAX; i++)
        got += s[i].from < s[i].until;
    assert_int_equal(got, n);
    if (n) {
        assert_int_equal(s[n - 1].from, from);
        assert_int_equal(s[n - 1].until, until);
    }
}

static void spans(void **state)
{
    static const char *const bad[] = {"",
                                      "9:00-18:00",
                                      "09:00",
                                      "09:00-",
                                      "09:00-18:00x",
                                      "18:00-09:00",
                                      "09:00-09:00",
                                      "09:00-24:01",
                                      "09:60-10:00",
                                      "10:00-12:00 11:00-13:00",
                                      "13:00-14:00 09:00-10:00",
                                      "01:00-02:00 03:00-04:00 05:00-06:00 07:00-08:00 09:00-10:00",
                                      "Closed"};
    struct hours_span s[HOURS_SPANS_MAX];
    char wrong[160];
    size_t i;

    (void)state;
    good_spans("closed", 0, 0, 0);
    good_spans("09:00-18:00", 1, 540, 1080);
    good_spans("00:00-24:00", 1, 0, 1440);
    good_spans("09:00-13:00 14:00-19:30", 2, 840, 1170);
    good_spans("09:00-13:00, 14:00-19:30", 2, 840, 1170);
    good_spans("08:00-09:00 09:00-10:00", 2, 540, 600);
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        wrong[0] = 0;
        assert_false(hours_spans(str(bad[i]), s, wrong));
        assert_true(strlen(wrong) > 10);
    }
}

static void days(void **state)
{
    (void)state;
    assert_int_equal(hours_days(str("sun")), 1);
    assert_int_equal(hours_days(str("Mon")), 2);
    assert_int_equal(hours_days(str("mon-fri")), 0x3e);
    assert_int_equal(hours_days(str("fri-mon")), 0x63);
    assert_int_equal(hours_days(str("sat-sat")), 0x40);
    assert_int_equal(hours_days(str("monday")), 0);
    assert_int_equal(hours_days(str("mon fri")), 0);
    assert_int_equal(hours_days(str("lun")), 0);
    assert_int_equal(hours_days(str("")), 0);
}

static void holidays(void **state)
{
    (void)state;
    assert_int_equal(hours_holiday(str("2026-12-25")), 20261225);
    assert_int_equal(hours_holiday(str("12-25")), 1225);
    assert_int_equal(hours_holiday(str("02-29")), 229);
    assert_int_equal(hours_holiday(str("2028-02-29")), 20280229);
    assert_int_equal(hours_holiday(str("2026-02-29")), 0);
    assert_int_equal(hours_holiday(str("2026-13-01")), 0);
    assert_int_equal(hours_holiday(str("2026-04-31")), 0);
    assert_int_equal(hours_holiday(str("26-12-25")), 0);
    assert_int_equal(hours_holiday(str("2026/12/25")), 0);
    assert_int_equal(hours_holiday(str("1-1")), 0);
    assert_int_equal(hours_holiday(str("12-2a")), 0);
}

/* Monday to Friday 9 to 13 and 14 to 18, Saturday to midnight. */
static struct hours week(const char *zone)
{
    struct hours h = {.time_zone = str(zone)};
    char wrong[160];
    int d;

    for (d = 1; d < 6; d++)
        assert_true(hours_spans(str("09:00-13:00 14:00-18:00"), h.day[d], wrong));
    assert_true(hours_spans(str("10:00-24:00"), h.day[6], wrong));
    return h;
}

/* 2026-11-27 is a Friday; Bogota is five hours behind. */
static void open_and_closed(void **state)
{
    struct hours h = week("America/Bogota");

    (void)state;
    assert_int_equal(hours_at(&h, str(""), at("2026-11-27T13:59:59Z")), HOURS_CLOSED);
    assert_int_equal(hours_at(&h, str(""), at("2026-11-27T14:00:00Z")), HOURS_OPEN);
    assert_int_equal(hours_at(&h, str(""), at("2026-11-27T17:59:59Z")), HOURS_OPEN);
    assert_int_equal(hours_at(&h, str(""), at("2026-11-27T18:00:00Z")), HOURS_CLOSED);
    assert_int_equal(hours_at(&h, str(""), at("2026-11-27T19:00:00Z")), HOURS_OPEN);
    /* Saturday's last minute is Sunday in UTC; Sunday is closed. */
    assert_int_equal(hours_at(&h, str(""), at("2026-11-29T04:59:59Z")), HOURS_OPEN);
    assert_int_equal(hours_at(&h, str(""), at("2026-11-29T05:00:00Z")), HOURS_CLOSED);
    /* The menu's zone goes before the channel's; without it that one counts; without both, UTC. */
    assert_int_equal(hours_at(&h, str("Asia/Tokyo"), at("2026-11-27T14:00:00Z")), HOURS_OPEN);
    h.time_zone = str("");
    assert_int_equal(hours_at(&h, str("Asia/Tokyo"), at("2026-11-27T14:00:00Z")), HOURS_CLOSED);
    assert_int_equal(hours_at(&h, str(""), at("2026-11-27T09:30:00Z")), HOURS_OPEN);
    assert_int_equal(hours_at(&h, str("No/Such"), at("2026-11-27T09:30:00Z")), HOURS_OPEN);
}

static void on_holidays(void **state)
{
    struct hours h = week("America/Bogota");

    (void)state;
    h.holiday[h.n_holidays++] = hours_holiday(str("12-25"));
    h.holiday[h.n_holidays++] = hours_holiday(str("2026-11-27"));
    assert_int_equal(hours_at(&h, str(""), at("2026-11-27T15:00:00Z")), HOURS_HOLIDAY);
    assert_int_equal(hours_at(&h, str(""), at("2026-11-28T04:59:00Z")), HOURS_HOLIDAY); /* still the 27th */
    assert_int_equal(hours_at(&h, str(""), at("2027-11-26T15:00:00Z")), HOURS_OPEN);
    assert_int_equal(hours_at(&h, str(""), at("2026-12-25T15:00:00Z")), HOURS_HOLIDAY);
    assert_int_equal(hours_at(&h, str(""), at("2030-12-25T15:00:00Z")), HOURS_HOLIDAY);
}

static void next_opening(void **state)
{
    struct hours h = week("America/Bogota"), never = {.n_holidays = 0};

    (void)state;
    assert_int_equal(hours_next(&h, str(""), at("2026-11-27T13:00:00Z")), at("2026-11-27T14:00:00Z"));
    /* Open now: when it opens after that. */
    assert_int_equal(hours_next(&h, str(""), at("2026-11-27T14:00:00Z")), at("2026-11-27T19:00:00Z"));
    assert_int_equal(hours_next(&h, str(""), at("2026-11-27T23:30:00Z")), at("2026-11-28T15:00:00Z"));
    assert_int_equal(hours_next(&h, str(""), at("2026-11-28T16:00:00Z")), at("2026-11-30T14:00:00Z"));
    h.holiday[h.n_holidays++] = hours_holiday(str("2026-11-30"));
    assert_int_equal(hours_next(&h, str(""), at("2026-11-28T16:00:00Z")), at("2026-12-01T14:00:00Z"));
    assert_int_equal(hours_next(&never, str(""), at("2026-11-28T16:00:00Z")), 0);
}

/* Santiago goes an hour forwards at midnight before Sunday 2026-09-06, Madrid back on Sunday 2026-10-25. */
static void clocks_change(void **state)
{
    struct hours h = week("America/Santiago");
    char wrong[160];

    (void)state;
    assert_int_equal(hours_at(&h, str(""), at("2026-09-04T13:00:00Z")), HOURS_OPEN); /* Friday 9:00, UTC-4 */
    assert_int_equal(hours_at(&h, str(""), at("2026-09-07T12:00:00Z")), HOURS_OPEN); /* Monday 9:00, UTC-3 */
    assert_int_equal(hours_at(&h, str(""), at("2026-09-07T11:59:00Z")), HOURS_CLOSED);
    assert_int_equal(hours_next(&h, str(""), at("2026-09-06T12:00:00Z")), at("2026-09-07T12:00:00Z"));
    h.time_zone = str("Europe/Madrid");
    assert_int_equal(hours_next(&h, str(""), at("2026-10-25T12:00:00Z")), at("2026-10-26T08:00:00Z"));
    /* An hour that the clocks skip: what is behind it. Madrid, 2026-03-29, 2:00 becomes 3:00. */
    assert_true(hours_spans(str("02:30-05:00"), h.day[0], wrong));
    assert_int_equal(hours_next(&h, str(""), at("2026-03-29T00:00:00Z")), at("2026-03-29T01:30:00Z"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(spans),        cmocka_unit_test(days),
                                       cmocka_unit_test(holidays),     cmocka_unit_test(open_and_closed),
                                       cmocka_unit_test(on_holidays),  cmocka_unit_test(next_opening),
                                       cmocka_unit_test(clocks_change)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
