/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct hilo_str pos_text_cut(struct hilo_str s, size_t max)
{
    if (s.n <= max)
        return s;
    s.n = max;
    /* A character's later bytes are 10xxxxxx. */
    while (s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80)
        s.n--;
    return s;
}

void pos_text_copy(char *to, size_t n, struct hilo_str s)
{
    s = pos_text_cut(s, n - 1);
    if (s.n)
        memcpy(to, s.p, s.n);
    to[s.n] = '\0';
}

/* ---- ids ------------------------------------------------------------------------------------ */

static const char base32[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

bool pos_text_id(struct hilo_str s, const char *prefix, struct hilo_id *out)
{
    size_t n = strlen(prefix), i;
    struct hilo_id id = {{0}};

    if (s.n != n + 27 || memcmp(s.p, prefix, n) != 0 || s.p[n] != '_')
        return false;
    /* 26 characters are 130 bits: the first holds the upper three of 128. */
    for (i = 0; i < 26; i++) {
        const char *at = s.p[n + 1 + i] ? strchr(base32, s.p[n + 1 + i]) : NULL;
        unsigned v, bit;

        if (!at || (i == 0 && at - base32 > 7))
            return false;
        v = (unsigned)(at - base32);
        for (bit = 0; bit < 5; bit++) {
            size_t to = i * 5 + bit;

            if (to >= 2 && (v >> (4 - bit) & 1))
                id.b[(to - 2) / 8] = (uint8_t)(id.b[(to - 2) / 8] | 0x80 >> ((to - 2) % 8));
        }
    }
    *out = id;
    return true;
}

bool pos_text_is_id(struct hilo_str s, const char *prefix)
{
    struct hilo_id id;

    return pos_text_id(s, prefix, &id);
}

void pos_text_of_id(char out[POS_TEXT_ID], const char *prefix, struct hilo_id id)
{
    size_t n = strlen(prefix), i, bit;

    memcpy(out, prefix, n);
    out[n++] = '_';
    for (i = 0; i < 26; i++) {
        unsigned v = 0;

        for (bit = 0; bit < 5; bit++) {
            size_t at = i * 5 + bit;

            v = v << 1 | (at < 2 ? 0 : id.b[(at - 2) / 8] >> (7 - (at - 2) % 8) & 1u);
        }
        out[n++] = base32[v];
    }
    out[n] = '\0';
}

/* ---- times ------------------------------------------------------------------------------------- */

static bool number(const char **p, const char *end, int digits, int max, int *out)
{
    int v = 0;

    for (; digits > 0; digits--) {
        if (*p >= end || **p < '0' || **p > '9')
            return false;
        v = v * 10 + (*(*p)++ - '0');
    }
    *out = v;
    return v <= max;
}

static bool letter(const char **p, const char *end, char c)
{
    if (*p >= end || (**p != c && **p != (c | 0x20)))
        return false;
    (*p)++;
    return true;
}

static bool fraction(const char **p, const char *end, int64_t *us)
{
    int64_t unit = 100000;

    if (*p >= end || **p != '.')
        return true;
    (*p)++;
    if (*p >= end || **p < '0' || **p > '9')
        return false;
    for (; *p < end && **p >= '0' && **p <= '9'; (*p)++, unit /= 10)
        *us += (**p - '0') * unit;
    return true;
}

static bool offset(const char **p, const char *end, int64_t *us)
{
    int sign, h, m;

    if (letter(p, end, 'Z'))
        return true;
    if (*p >= end || (**p != '+' && **p != '-'))
        return false;
    sign = *(*p)++ == '+' ? -1 : 1;
    if (!number(p, end, 2, 23, &h) || !letter(p, end, ':') || !number(p, end, 2, 59, &m))
        return false;
    *us += sign * (h * INT64_C(3600) + m * 60) * 1000000;
    return true;
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : days[month - 1];
}

bool pos_text_time(struct hilo_str s, int64_t *us_out)
{
    const char *p = s.p, *end = s.p + s.n;
    struct tm tm = {0};
    int64_t us = 0;
    int year, month;

    if (s.n > 40 || !number(&p, end, 4, 9999, &year) || !letter(&p, end, '-') ||
        !number(&p, end, 2, 12, &month) || !letter(&p, end, '-') || !number(&p, end, 2, 31, &tm.tm_mday) ||
        !letter(&p, end, 'T') || !number(&p, end, 2, 23, &tm.tm_hour) || !letter(&p, end, ':') ||
        !number(&p, end, 2, 59, &tm.tm_min) || !letter(&p, end, ':') || !number(&p, end, 2, 60, &tm.tm_sec) ||
        !fraction(&p, end, &us) || !offset(&p, end, &us) || p != end || month < 1 || tm.tm_mday < 1 ||
        year < 1970)
        return false;
    if (tm.tm_mday > days_of(year, month))
        return false;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    us += (int64_t)timegm(&tm) * 1000000;
    *us_out = us;
    return true;
}

void pos_text_of_time(char out[POS_TEXT_TIME], int64_t us)
{
    time_t s = (time_t)(us / 1000000);
    struct tm tm;

    (void)gmtime_r(&s, &tm);
    (void)snprintf(out, POS_TEXT_TIME, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (tm.tm_year + 1900) % 10000,
                   (tm.tm_mon + 1) % 100, tm.tm_mday % 100, tm.tm_hour % 100, tm.tm_min % 100,
                   tm.tm_sec % 100, (int)(us / 1000 % 1000));
}

/* ---- URLs --------------------------------------------------------------------------------------- */

bool pos_text_escape(char *to, size_t n, struct hilo_str s)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t at = 0;
    uint64_t i;

    for (i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (n - at < 4)
            return false;
        if (c && strchr(plain, c))
            to[at++] = (char)c;
        else
            at += (size_t)snprintf(to + at, n - at, "%%%02X", c);
    }
    if (n - at < 1)
        return false;
    to[at] = '\0';
    return true;
}
