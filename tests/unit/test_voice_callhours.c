/*
 * When people may be called: the operator's hours on the clocks of where the customer may be.
 */
#include "../../plugins/voice/callhours.h"
#include "../../plugins/voice/dialing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

static struct hilo_str str(const char *s)
{
    struct hilo_str r = {s, strlen(s)};
    return r;
}

/* "2026-11-27 18:30" UTC. */
static int64_t at(const char *utc)
{
    struct tm tm = {0};

    assert_non_null(strptime(utc, "%Y-%m-%d %H:%M", &tm));
    return (int64_t)timegm(&tm) * 1000000;
}

static const char *when(int64_t us)
{
    static char text[40];
    time_t s = (time_t)(us / 1000000);
    struct tm tm;

    if (us == 0)
        return "now";
    if (us == CALLHOURS_NEVER)
        return "never";
    (void)gmtime_r(&s, &tm);
    (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M", &tm);
    return text;
}

/* Colombia's law (2300 of 2023): no Sundays, no holidays. */
#define WEEK "mon-fri 07:00-19:00, sat 08:00-15:00, holidays 12-25 2026-12-08, except authentication"

static void opens(void **state)
{
    static const struct {
        const char *hours, *zones, *now, *opens;
        uint32_t category;
    } rows[] = {
        {WEEK, "America/Bogota", "2026-11-27 18:30", "now", HILO_CATEGORY_SERVICE}, /* Fr 13:30 */
        {WEEK, "America/Bogota", "2026-11-27 11:59", "2026-11-27 12:00", HILO_CATEGORY_SERVICE}, /* Fr 6:59 */
        {WEEK, "America/Bogota", "2026-11-28 00:00", "2026-11-28 13:00",
         HILO_CATEGORY_SERVICE}, /* Fr 19:00 */
        {WEEK, "America/Bogota", "2026-11-28 20:00", "2026-11-30 12:00",
         HILO_CATEGORY_SERVICE}, /* Sa 15:00 */
        {WEEK, "America/Bogota", "2026-11-29 15:00", "2026-11-30 12:00", HILO_CATEGORY_SERVICE}, /* Su */
        {WEEK, "America/Bogota", "2026-12-08 15:00", "2026-12-09 12:00",
         HILO_CATEGORY_SERVICE}, /* a holiday */
        {WEEK, "America/Bogota", "2028-12-25 15:00", "2028-12-26 12:00",
         HILO_CATEGORY_SERVICE},                                                    /* each year */
        {WEEK, "America/Bogota", "2027-12-08 15:00", "now", HILO_CATEGORY_SERVICE}, /* not that one */
        {WEEK, "America/Bogota", "2026-11-29 15:00", "now", HILO_CATEGORY_AUTHENTICATION},
        {WEEK, "Europe/Madrid", "2026-11-27 18:30", "2026-11-28 07:00",
         HILO_CATEGORY_SERVICE},                                                   /* Fr 19:30 there */
        {WEEK, "Europe/Madrid", "2026-07-10 05:00", "now", HILO_CATEGORY_SERVICE}, /* summer: Fr 7:00 there */
        {WEEK, "Europe/Madrid", "2026-01-09 05:00", "2026-01-09 06:00",
         HILO_CATEGORY_SERVICE}, /* winter: 6:00 */
        /* open where all the clocks say so */
        {"daily 08:00-20:00", "Europe/Madrid Atlantic/Canary", "2026-11-27 07:30", "2026-11-27 08:00", 1},
        {"daily 08:00-20:00", "Europe/Madrid Atlantic/Canary", "2026-11-27 19:30", "2026-11-28 08:00", 1},
        {"daily 08:00-20:00", "Europe/Madrid Atlantic/Canary", "2026-11-27 12:00", "now", 1},
        {"daily 09:00-17:00", "Europe/Kaliningrad Asia/Kamchatka", "2026-11-27 12:00", "never", 1},
        {"daily 08:00-12:00 14:00-18:00", "Etc/UTC", "2026-11-27 12:00", "2026-11-27 14:00", 1},
        {"daily 00:00-24:00", "Etc/UTC", "2026-11-27 23:59", "now", 1},
        {"mon closed, tue 10:00-11:00", "Etc/UTC", "2026-11-30 10:30", "2026-12-01 10:00", 1},
        {"mon closed", "Etc/UTC", "2026-11-30 10:30", "never", 1},
        {"", "Asia/Tokyo", "2026-11-30 18:00", "now", 1},
        {"  ", "", "2026-11-30 03:00", "now", 1},
        /* the hour that a clock shows twice: 1:45 is found once, and the search ends */
        {"sun 01:45-01:50", "America/New_York", "2026-11-01 06:20", "2026-11-01 06:45", 1},
    };
    struct hilo_str zone[8];
    struct callhours c;
    char wrong[CALLHOURS_WRONG], zones[80], *p, *save;
    uint32_t n;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!callhours_read(str(rows[i].hours), &c, wrong))
            fail_msg("row %zu: %s", i, wrong);
        (void)strcpy(zones, rows[i].zones);
        for (n = 0, p = strtok_r(zones, " ", &save); p; p = strtok_r(NULL, " ", &save))
            zone[n++] = str(p);
        const char *got = when(callhours_opens(&c, rows[i].category, zone, n, at(rows[i].now)));
        if (strcmp(got, rows[i].opens) != 0)
            fail_msg("row %zu: %s, not %s", i, got, rows[i].opens);
    }
}

static void what_is_wrong_is_said(void **state)
{
    static const char *const rows[][2] = {
        {"08:00-19:00", "days"},
        {"mon-fri", "09:00-13:00"},
        {"mon-fri 8-19", "09:00-13:00"},
        {"mon-fri 19:00-08:00", "midnight"},
        {"mon-fri 08:00-19:00, fri 08:00-12:00", "already"},
        {"lunes 08:00-19:00", "mon"},
        {"daily 08:00-19:00, holidays 31-12", "12-25"},
        {"daily 08:00-19:00, except otp", "categories"},
        {"holidays 12-25", "no days"},
        {"except authentication", "no days"},
    };
    struct callhours c;
    char wrong[CALLHOURS_WRONG];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        memset(wrong, 0, sizeof wrong);
        if (callhours_read(str(rows[i][0]), &c, wrong) || !strstr(wrong, rows[i][1]))
            fail_msg("%s: \"%s\"", rows[i][0], wrong);
    }
}

static bool has(const struct dialing_zones *z, const char *name)
{
    uint32_t i;

    for (i = 0; i < z->n; i++)
        if (strcmp(z->name[i], name) == 0)
            return true;
    return false;
}

static void numbers_are_at_home_somewhere(void **state)
{
    static const struct {
        const char *phone, *countries, *zone, *not_zone;
    } rows[] = {
        {"+573001112233", "CO", "America/Bogota", "America/Lima"},
        {"+34600111222", "ES", "Atlantic/Canary", "Europe/Paris"},
        {"+34600111222", "ES", "Europe/Madrid", "Europe/Lisbon"},
        {"+12125550100", "US CA", "Pacific/Honolulu", "America/Puerto_Rico"},
        {"+12125550100", "US CA", "America/St_Johns", "America/Bogota"},
        {"+17875550100", "PR", "America/Puerto_Rico", "America/New_York"},
        {"+18095550100", "DO", "America/Santo_Domingo", "America/New_York"},
        {"+77010001122", "KZ", "Asia/Almaty", "Europe/Moscow"},
        {"+79161112233", "RU", "Asia/Kamchatka", "Asia/Almaty"},
        {"+56912345678", "CL", "Pacific/Easter", "America/Lima"},
        {"+5215512345678", "MX", "America/Tijuana", "America/Guatemala"},
        {"+5511912345678", "BR", "America/Sao_Paulo", "America/Asuncion"},
        {"+447700900123", "GB GG IM JE", "Europe/London", "Europe/Dublin"},
    };
    static const char *const nowhere[] = {"", "+", "573001112233", "+999123456", "anonymous"};
    struct dialing_zones z;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct hilo_str c = dialing_countries(str(rows[i].phone));

        dialing_zones(str(rows[i].phone), &z);
        if (c.n != strlen(rows[i].countries) || memcmp(c.p, rows[i].countries, c.n) != 0 ||
            !has(&z, rows[i].zone) || has(&z, rows[i].not_zone))
            fail_msg("%s: %.*s, %u zones", rows[i].phone, (int)c.n, c.p, z.n);
    }
    for (i = 0; i < sizeof nowhere / sizeof *nowhere; i++) {
        dialing_zones(str(nowhere[i]), &z);
        assert_int_equal(z.n, 0);
    }
}

/* Every country of the table is one whose clocks the system knows. */
static void every_country_has_a_clock(void **state)
{
    static const char *const digits[] = {
#define DIALING(digits, countries) digits,
#include "../../plugins/voice/dialing.def"
    };
    struct dialing_zones z;
    char phone[24];
    uint32_t k;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof digits / sizeof *digits; i++) {
        (void)snprintf(phone, sizeof phone, "+%s0000000", digits[i]);
        dialing_zones(str(phone), &z);
        if (z.n == 0 || z.n == DIALING_ZONES_MAX)
            fail_msg("%s: %u zones", phone, z.n);
        for (k = 0; k < z.n; k++)
            if (!hours_zone_known(str(z.name[k])))
                fail_msg("%s: %s", phone, z.name[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(numbers_are_at_home_somewhere),
        cmocka_unit_test(every_country_has_a_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
