/*
 * Clocks and their text forms. Dates are computed in the proleptic Gregorian calendar
 * without the C library's zones: stored times are UTC.
 */
#include "base/clock.h"
#include "base/str.h"
#include <stdio.h>
#include <time.h>

static int64_t clock__us(clockid_t id)
{
    struct timespec ts;

    (void)clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
    return clock__us(CLOCK_REALTIME);
}
int64_t clock_mono_us(void)
{
    return clock__us(CLOCK_MONOTONIC);
}

/* Days since 1970-01-01 of a civil date, for years 1 to 9999. */
static int64_t clock__days(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    const int64_t era = y / 400, of_era = y - era * 400;
    const int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static char *clock__put(char *p, unsigned v, unsigned digits)
{
    for (unsigned i = digits; i > 0; i--, v /= 10)
        p[i - 1] = (char)('0' + v % 10);
    return p + digits;
}

/* By hand: gmtime_r and snprintf took more of a search than the look-up did. */
void clock_format(int64_t wall_us, char out[CLOCK_TEXT])
{
    static const int64_t end = INT64_C(253402300800) * 1000; /* the year 10000 */
    int64_t ms = wall_us >= 0 && wall_us / 1000 < end ? wall_us / 1000 : 0;
    unsigned of_day = (unsigned)(ms % 86400000);
    /* Of eras of 400 years that begin on 1 March 0000; the inverse of what is above. */
    int64_t z = ms / 86400000 + 719468;
    unsigned of_era = (unsigned)(z % 146097);
    unsigned of_400 = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * of_400 + of_400 / 4 - of_400 / 100);
    unsigned march = (5 * of_year + 2) / 153; /* months since March */
    unsigned month = march < 10 ? march + 3 : march - 9;
    unsigned year = (unsigned)(z / 146097) * 400 + of_400 + (month <= 2);
    char *p = clock__put(out, year, 4);

    *p++ = '-';
    p = clock__put(p, month, 2);
    *p++ = '-';
    p = clock__put(p, of_year - (153 * march + 2) / 5 + 1, 2);
    *p++ = 'T';
    p = clock__put(p, of_day / 3600000, 2);
    *p++ = ':';
    p = clock__put(p, of_day / 60000 % 60, 2);
    *p++ = ':';
    p = clock__put(p, of_day / 1000 % 60, 2);
    *p++ = '.';
    p = clock__put(p, of_day % 1000, 3);
    *p++ = 'Z';
    *p = '\0';
}

/* n digits at s[at]; false if they are none. */
static bool clock__digits(struct hilo_str s, uint64_t at, unsigned n, int64_t *out)
{
    uint64_t v;

    if (at + n > s.n || !str_u64((struct hilo_str){s.p + at, n}, &v))
        return false;
    *out = (int64_t)v;
    return true;
}

bool clock_parse(struct hilo_str s, int64_t *wall_us_out)
{
    static const uint8_t month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t y, mo, d, h, mi, sec, us = 0, off = 0, oh, om;
    uint64_t at = 19;

    if (s.n < 20 || s.p[4] != '-' || s.p[7] != '-' || (s.p[10] != 'T' && s.p[10] != 't') || s.p[13] != ':' ||
        s.p[16] != ':')
        return false;
    if (!clock__digits(s, 0, 4, &y) || !clock__digits(s, 5, 2, &mo) || !clock__digits(s, 8, 2, &d) ||
        !clock__digits(s, 11, 2, &h) || !clock__digits(s, 14, 2, &mi) || !clock__digits(s, 17, 2, &sec))
        return false;
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (y < 1970 || mo < 1 || mo > 12 || d < 1 || d > month_days[mo - 1] || (mo == 2 && d == 29 && !leap) ||
        h > 23 || mi > 59 || sec > 60)
        return false;
    if (s.p[at] == '.') {
        int64_t scale = 100000;
        uint64_t start = ++at;
        for (; at < s.n && s.p[at] >= '0' && s.p[at] <= '9'; at++, scale /= 10)
            us += (s.p[at] - '0') * scale;
        if (at == start)
            return false;
    }
    if (at >= s.n)
        return false;
    if (s.p[at] == 'Z' || s.p[at] == 'z') {
        at++;
    } else if (s.p[at] == '+' || s.p[at] == '-') {
        if (!clock__digits(s, at + 1, 2, &oh) || at + 6 > s.n || s.p[at + 3] != ':' ||
            !clock__digits(s, at + 4, 2, &om) || oh > 23 || om > 59)
            return false;
        off = (oh * 60 + om) * 60 * (s.p[at] == '-' ? -1 : 1);
        at += 6;
    }
    if (at != s.n)
        return false;
    int64_t t = (clock__days(y, mo, d) * 86400 + h * 3600 + mi * 60 + sec - off) * 1000000 + us;
    if (t < 0)
        return false;
    *wall_us_out = t;
    return true;
}

bool clock_parse_duration(struct hilo_str s, int64_t *us_out)
{
    static const struct {
        char unit;
        bool time;
        int64_t secs;
    } units[] = {
        {'W', false, 604800}, {'D', false, 86400}, {'H', true, 3600}, {'M', true, 60}, {'S', true, 1}};
    int64_t total = 0;
    bool time = false, any = false;
    unsigned next = 0;

    if (s.n < 3 || s.p[0] != 'P')
        return false;
    for (uint64_t i = 1; i < s.n;) {
        if (s.p[i] == 'T' && !time) {
            time = true;
            i++;
            continue;
        }
        uint64_t start = i, v;
        while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
            i++;
        if (i == s.n || i - start > 9 || !str_u64((struct hilo_str){s.p + start, i - start}, &v))
            return false;
        while (next < 5 && (units[next].unit != s.p[i] || units[next].time != time))
            next++;
        if (next == 5)
            return false;
        total += (int64_t)v * units[next++].secs;
        if (total > INT64_C(3155760000)) /* a hundred years */
            return false;
        any = true;
        i++;
    }
    if (!any || s.p[s.n - 1] == 'T')
        return false;
    *us_out = total * 1000000;
    return true;
}
