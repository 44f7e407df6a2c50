/*
 * Values that the gateway and operators write, read strictly: a day that its month has not is none.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "say_out.h"

#include <hilo/zone.h>

static bool number(struct hilo_str s, uint64_t at, uint64_t digits, int min, int max, int *out)
{
    uint64_t i;
    int v = 0;

    if (at > s.n || digits > s.n - at)
        return false;
    for (i = at; i < at + digits; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = v * 10 + (s.p[i] - '0');
    }
    *out = v;
    return v >= min && v <= max;
}

static bool sign(struct hilo_str s, uint64_t at, char c)
{
    return at < s.n && s.p[at] == c;
}

bool say_read_date(struct hilo_str s, struct tm *out)
{
    int year, month, day;

    if (s.n != 10 || !number(s, 0, 4, 1, 9999, &year) || !sign(s, 4, '-') ||
        !number(s, 5, 2, 1, 12, &month) || !sign(s, 7, '-') || !number(s, 8, 2, 1, 31, &day))
        return false;
    if (day > 28 && day > (month == 12 ? 31 : hilo_days(year, month + 1, 1) - hilo_days(year, month, 1)))
        return false;
    *out = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    return true;
}

bool say_read_time(struct hilo_str s, struct tm *out)
{
    int hour, minute, second = 0;

    if (!number(s, 0, 2, 0, 23, &hour) || !sign(s, 2, ':') || !number(s, 3, 2, 0, 59, &minute))
        return false;
    if (s.n != 5 && (s.n != 8 || !sign(s, 5, ':') || !number(s, 6, 2, 0, 60, &second)))
        return false;
    *out = (struct tm){.tm_hour = hour, .tm_min = minute, .tm_sec = second};
    return true;
}

bool say_read_instant(struct hilo_str s, int64_t *us_out)
{
    int hours = 0, minutes = 0;
    uint64_t at = 19;
    int64_t away_s = 0;
    struct tm day, time;

    if (s.n < 20 || !say_read_date((struct hilo_str){s.p, 10}, &day) ||
        !(sign(s, 10, 'T') || sign(s, 10, 't')) || !say_read_time((struct hilo_str){s.p + 11, 8}, &time))
        return false;
    if (sign(s, at, '.')) {
        for (at++; at < s.n && s.p[at] >= '0' && s.p[at] <= '9'; at++)
            ;
        if (at == 20)
            return false;
    }
    if (sign(s, at, '+') || sign(s, at, '-')) {
        if (s.n != at + 6 || !number(s, at + 1, 2, 0, 23, &hours) || !sign(s, at + 3, ':') ||
            !number(s, at + 4, 2, 0, 59, &minutes))
            return false;
        away_s = (hours * 60 + minutes) * (s.p[at] == '-' ? -60 : 60);
    } else if (s.n != at + 1 || !(sign(s, at, 'Z') || sign(s, at, 'z'))) {
        return false;
    }
    *us_out = (hilo_days(day.tm_year + 1900, day.tm_mon + 1, day.tm_mday) * 86400 + time.tm_hour * 3600 +
               time.tm_min * 60 + time.tm_sec - away_s) *
              1000000;
    return true;
}
