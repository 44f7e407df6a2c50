/* Times of SMPP and of receipts, in the Gregorian calendar. SPDX-License-Identifier: Apache-2.0 */
#include "date.h"

#include <stdio.h>
#include <string.h>

/* A date and time of day; also, relative, how many of each. */
struct civil {
    int32_t year, month, day, hour, minute, second;
};

static const int64_t second_us = 1000000;

/* Days from 1970-01-01. Years begin in March here, so that a leap day is a year's last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = year - (month <= 2), m = month > 2 ? month - 3 : month + 9;

    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool is_date(const struct civil *c)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = c->year % 4 == 0 && (c->year % 100 != 0 || c->year % 400 == 0);

    return c->year >= 1970 && c->month >= 1 && c->month <= 12 && c->day >= 1 &&
           c->day <= days[c->month - 1] + (leap && c->month == 2) && c->hour < 24 && c->minute < 60 &&
           c->second < 60;
}

static int64_t seconds_of(const struct civil *c)
{
    return days_of(c->year, c->month, c->day) * 86400 + c->hour * 3600 + c->minute * 60 + c->second;
}

/* The two digits at p; -1: they are none. */
static int32_t two(const char *p)
{
    return p[0] >= '0' && p[0] <= '9' && p[1] >= '0' && p[1] <= '9' ? (p[0] - '0') * 10 + p[1] - '0' : -1;
}

/* Six pairs of digits: YYMMDDhhmmss. */
static bool read_pairs(const char *p, struct civil *out)
{
    *out = (struct civil){two(p), two(p + 2), two(p + 4), two(p + 6), two(p + 8), two(p + 10)};
    return out->year >= 0 && out->month >= 0 && out->day >= 0 && out->hour >= 0 && out->minute >= 0 &&
           out->second >= 0;
}

/* ---- SMPP --------------------------------------------------------------------------- */

bool sms_time_write(int64_t us, char out[SMS_TIME_MAX])
{
    int64_t s = us / second_us, days = s / 86400, day = s % 86400, year, month;
    char buf[80];

    if (us < 946684800 * second_us || us >= 4102444800 * second_us) /* 2000-01-01, 2100-01-01 */
        return false;
    for (year = 2000; days_of(year + 1, 1, 1) <= days; year++)
        ;
    for (month = 1; month < 12 && days_of(year, month + 1, 1) <= days; month++)
        ;
    snprintf(buf, sizeof buf, "%02d%02d%02d%02d%02d%02d%d00+", (int)(year - 2000), (int)month,
             (int)(days - days_of(year, month, 1) + 1), (int)(day / 3600), (int)(day / 60 % 60),
             (int)(day % 60), (int)(us % second_us / 100000));
    memcpy(out, buf, SMS_TIME_MAX);
    return true;
}

bool sms_time_write_relative(int64_t seconds, char out[SMS_TIME_MAX])
{
    char buf[80];

    if (seconds < 0 || seconds > SMS_RELATIVE_MAX_S)
        return false;
    snprintf(buf, sizeof buf, "0000%02d%02d%02d%02d000R", (int)(seconds / 86400), (int)(seconds / 3600 % 24),
             (int)(seconds / 60 % 60), (int)(seconds % 60));
    memcpy(out, buf, SMS_TIME_MAX);
    return true;
}

bool sms_time_read(struct hilo_str time, int64_t now_us, int64_t *us_out)
{
    int32_t quarters;
    struct civil c;
    int64_t s;
    char sign;

    if (time.n != SMS_TIME_MAX || !read_pairs(time.p, &c) || time.p[12] < '0' || time.p[12] > '9')
        return false;
    quarters = two(time.p + 13);
    sign = time.p[15];
    if (sign == 'R') {
        s = (c.year * 365 + c.month * 30 + c.day) * INT64_C(86400) + c.hour * 3600 + c.minute * 60 + c.second;
        *us_out = now_us + s * second_us;
        return true;
    }
    c.year += 2000;
    if (!is_date(&c) || quarters < 0 || quarters > 48 || (sign != '+' && sign != '-'))
        return false;
    s = seconds_of(&c) - (sign == '+' ? 900 : -900) * quarters;
    *us_out = s * second_us + (time.p[12] - '0') * 100000;
    return true;
}

/* ---- receipts ----------------------------------------------------------------------- */

bool sms_date_read(struct hilo_str date, int32_t offset_s, int64_t *us_out)
{
    char digits[16] = {0};
    struct civil c;
    unsigned n = 0;
    int64_t s = 0;
    uint64_t i;

    for (i = 0; i < date.n; i++) {
        char ch = date.p[i];

        if (ch >= '0' && ch <= '9' && n < 14)
            digits[n++] = ch;
        else if (n == 0 || !memchr("-/.: T_", ch, 7))
            return false;
    }
    /* Without seconds; with the century. */
    if (n == 10)
        memcpy(digits + 10, "00", 2);
    if ((n == 10 || n == 12) && read_pairs(digits, &c)) {
        c.year += 2000;
        if (is_date(&c))
            goto found;
    }
    if (n == 12)
        memcpy(digits + 12, "00", 2);
    if ((n == 12 || n == 14) && memcmp(digits, "20", 2) == 0 && read_pairs(digits + 2, &c)) {
        c.year += 2000;
        if (is_date(&c))
            goto found;
    }
    if (n != 10)
        return false;
    for (i = 0; i < 10; i++)
        s = s * 10 + (digits[i] - '0');
    *us_out = s * second_us;
    return true;

found:
    *us_out = (seconds_of(&c) - offset_s) * second_us;
    return true;
}
