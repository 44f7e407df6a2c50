/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hours.h"

#include <hilo/zone.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HOURS_AHEAD_DAYS = 400 };

/* ---- reading ------------------------------------------------------------------------------------ */

/* "09:00", of s from *at on: minutes; -1. */
static int hours_minutes(struct hilo_str s, uint64_t *at)
{
    const char *p = s.p + *at;
    int i, h, m;

    if (s.n - *at < 5 || p[2] != ':')
        return -1;
    for (i = 0; i < 5; i++)
        if (i != 2 && (p[i] < '0' || p[i] > '9'))
            return -1;
    h = (p[0] - '0') * 10 + p[1] - '0';
    m = (p[3] - '0') * 10 + p[4] - '0';
    *at += 5;
    return m > 59 || h > 24 || (h == 24 && m) ? -1 : h * 60 + m;
}

bool hours_spans(struct hilo_str s, struct hours_span out[HOURS_SPANS_MAX], char wrong[160])
{
    uint64_t at = 0;
    int n = 0, from, until, last = 0;

    memset(out, 0, HOURS_SPANS_MAX * sizeof *out);
    if (s.n == 6 && memcmp(s.p, "closed", 6) == 0)
        return true;
    for (;; n++) {
        while (at < s.n && (s.p[at] == ' ' || s.p[at] == ','))
            at++;
        if (at == s.n && n)
            return true;
        from = hours_minutes(s, &at);
        until = from >= 0 && at < s.n && s.p[at] == '-' ? (at++, hours_minutes(s, &at)) : -1;
        if (until < 0 || (at < s.n && s.p[at] != ' ' && s.p[at] != ',')) {
            (void)snprintf(wrong, 160, "hours are written 09:00-13:00 14:00-19:00, or closed");
            return false;
        }
        if (n == HOURS_SPANS_MAX) {
            (void)snprintf(wrong, 160, "a day has at most %d times", HOURS_SPANS_MAX);
            return false;
        }
        if (until <= from || from < last) {
            (void)snprintf(wrong, 160,
                           "times of a day go forwards (one over midnight is two: 20:00-24:00, and "
                           "00:00-02:00 on the next day)");
            return false;
        }
        out[n].from = (uint16_t)from;
        out[n].until = (uint16_t)until;
        last = until;
    }
}

static int hours_day(const char *p)
{
    static const char names[] = "sunmontuewedthufrisat";
    int i;

    for (i = 0; i < 7; i++)
        if (strncasecmp(p, names + 3 * i, 3) == 0)
            return i;
    return -1;
}

uint32_t hours_days(struct hilo_str s)
{
    uint32_t bits = 0;
    int from, until;

    if (s.n != 3 && !(s.n == 7 && s.p[3] == '-'))
        return 0;
    from = hours_day(s.p);
    until = s.n == 7 ? hours_day(s.p + 4) : from;
    if (from < 0 || until < 0)
        return 0;
    for (;; from = (from + 1) % 7) {
        bits |= UINT32_C(1) << from;
        if (from == until)
            return bits;
    }
}

int32_t hours_holiday(struct hilo_str s)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool each_year = s.n == 5;
    int year = 0, month, day;
    uint64_t i, at = each_year ? 0 : 5;
    char text[12];

    if (s.n != 5 && s.n != 10)
        return 0;
    memcpy(text, s.p, s.n);
    for (i = 0; i < s.n; i++) {
        if (i == at + 2 || (!each_year && i == 4) ? text[i] != '-' : text[i] < '0' || text[i] > '9')
            return 0;
    }
    if (!each_year)
        year = (text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10 + text[3] - '0';
    month = (text[at] - '0') * 10 + text[at + 1] - '0';
    day = (text[at + 3] - '0') * 10 + text[at + 4] - '0';
    if (month < 1 || month > 12 || day < 1 || day > days[month - 1] || (!each_year && year < 1970))
        return 0;
    if (!each_year && month == 2 && day == 29 && (year % 4 || (year % 100 == 0 && year % 400)))
        return 0;
    return year * 10000 + month * 100 + day;
}

/* ---- asking ------------------------------------------------------------------------------------- */

static struct hilo_local hours_local(struct hilo_str zone, int64_t wall_us)
{
    struct hilo_local t;

    if (zone.n == 0 || hilo_zone_local(zone, wall_us, &t, NULL) != HILO_OK)
        (void)hilo_zone_local((struct hilo_str){"UTC", 3}, wall_us, &t, NULL);
    return t;
}

bool hours_zone_known(struct hilo_str zone)
{
    struct hilo_local t;

    return zone.n && hilo_zone_local(zone, 0, &t, NULL) == HILO_OK;
}

/* days since 1970 and a minute of that day, there, as an instant; where a clock skips it, the one behind it.
 */
static int64_t hours_instant(struct hilo_str zone, int64_t days, int minute)
{
    int64_t local_s = days * 86400 + minute * 60, s = local_s;
    int i;

    for (i = 0; i < 2; i++)
        s = local_s - hours_local(zone, s * 1000000).offset_s;
    return s * 1000000;
}

static bool hours_is_holiday(const struct hours *h, const struct hilo_local *t)
{
    int32_t day = t->month * 100 + t->day;
    uint32_t i;

    for (i = 0; i < h->n_holidays; i++)
        if (h->holiday[i] == day || h->holiday[i] == t->year * 10000 + day)
            return true;
    return false;
}

enum hours_when hours_at(const struct hours *h, struct hilo_str time_zone, int64_t wall_us)
{
    struct hilo_local t = hours_local(h->time_zone.n ? h->time_zone : time_zone, wall_us);
    int minute = t.hour * 60 + t.minute, i;

    if (hours_is_holiday(h, &t))
        return HOURS_HOLIDAY;
    for (i = 0; i < HOURS_SPANS_MAX; i++)
        if (minute >= h->day[t.weekday][i].from && minute < h->day[t.weekday][i].until)
            return HOURS_OPEN;
    return HOURS_CLOSED;
}

int64_t hours_next(const struct hours *h, struct hilo_str time_zone, int64_t wall_us)
{
    struct hilo_str zone = h->time_zone.n ? h->time_zone : time_zone;
    struct hilo_local now = hours_local(zone, wall_us), day = now;
    int64_t days = hilo_days(now.year, now.month, now.day);
    int i, d;

    for (d = 0; d < HOURS_AHEAD_DAYS; d++) {
        const struct hours_span *s = h->day[day.weekday];

        for (i = 0; i < HOURS_SPANS_MAX && !hours_is_holiday(h, &day); i++)
            if (s[i].from < s[i].until && (d > 0 || s[i].from > now.hour * 60 + now.minute))
                return hours_instant(zone, days + d, s[i].from);
        day = hours_local((struct hilo_str){"UTC", 3}, (days + d + 1) * INT64_C(86400000000));
    }
    return 0;
}
