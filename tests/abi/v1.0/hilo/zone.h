/*
 * hilo/zone.h - the time of day somewhere, by the system's files (tzdata).
 *
 * The C library knows one zone for the whole process, and other libraries bring a copy of
 * their own, which a system's updates don't reach. Core and plugins use these functions, so
 * that they never tell a customer different hours.
 *
 *     struct hilo_local t;
 *
 *     if (hilo_zone_local(zone, wall_us, &t, &wrong) == HILO_OK)
 *         say(t.hour, t.minute);
 *
 * A TZif file (RFC 9636) is a header, the same again with 64-bit times, the transitions, the
 * kinds of local time between them, and, behind it all, a rule as POSIX's TZ writes it for
 * what comes after the last transition: today's files say most of the future by the
 * rule alone. Leap seconds are not looked at, as Unix time has none. Every number of a file is
 * checked against its length before anything is read by it.
 *
 * No allocation, no state, [any] thread; POSIX for the file.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HILO_ZONE_H
#define HILO_ZONE_H

#include <hilo/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hilo_local {
    int32_t year, month, day;     /* month and day from 1 */
    int32_t weekday;              /* 0 Sunday ... 6 Saturday */
    int32_t hour, minute, second; /* hour 0 to 23 */
    int32_t offset_s;             /* east of UTC */
};

enum {
    HILO_ZONE_FILE_MAX = 64 << 10,
    HILO_ZONE_NAME_MAX = 64,
    HILO__ZONE_HEADER = 44,
    HILO__ZONE_DAY = 86400,
    HILO__ZONE_OFFSET_MAX = 26 * 3600 /* RFC 9636, 3.2: no zone is further */
};
/* Years 1 to 9999, anywhere. */
#define HILO__ZONE_MIN (-INT64_C(62135596800) + HILO__ZONE_OFFSET_MAX)
#define HILO__ZONE_MAX (INT64_C(253402300799) - HILO__ZONE_OFFSET_MAX)

/* ---- dates, by the Gregorian calendar ---------------------------------------------------- */

static inline int hilo__zone_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to a date of the years 1 to 9999. */
static inline int64_t hilo_days(int32_t year, int32_t month, int32_t day)
{
    /* March first, so that the leap day is a year's last. */
    const int64_t y = (int64_t)year - (month <= 2), m = month > 2 ? month - 3 : month + 9;

    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

/* A time in seconds as a date and an hour; of the years 1 to 9999. */
static inline void hilo__zone_civil(int64_t s, struct hilo_local *out)
{
    const int64_t days = s / HILO__ZONE_DAY - (s % HILO__ZONE_DAY < 0);
    const int64_t from = days + 719468;              /* since 0000-03-01 */
    const int64_t era = from / 146097, d = from % 146097; /* 400 years */
    const int64_t y = (d - d / 1460 + d / 36524 - d / 146096) / 365;
    const int64_t day = d - (365 * y + y / 4 - y / 100), m = (5 * day + 2) / 153;
    const int32_t rest = (int32_t)(s - days * HILO__ZONE_DAY);

    out->month = (int32_t)(m < 10 ? m + 3 : m - 9);
    out->day = (int32_t)(day - (153 * m + 2) / 5 + 1);
    out->year = (int32_t)(y + era * 400 + (out->month <= 2));
    out->weekday = (int32_t)(((days + 4) % 7 + 7) % 7);
    out->hour = rest / 3600;
    out->minute = rest / 60 % 60;
    out->second = rest % 60;
}

/* ---- the rule at a file's end: "EST5EDT,M3.2.0,M11.1.0" ------------------------------------ */

struct hilo__zone_date {
    int32_t kind; /* 'J': a day of the year without 29 February, 'D': with it, 'M': a month's nth weekday */
    int32_t month, week, day;
    int32_t time_s; /* after the beginning of that day, may be negative */
};
struct hilo__zone_rule {
    int32_t standard_s, summer_s; /* east of UTC */
    int32_t has_summer;
    struct hilo__zone_date begins, ends; /* of summer time */
};

static inline void hilo__zone_skip(struct hilo_str *s, uint64_t n)
{
    s->p += n;
    s->n -= n;
}

static inline int hilo__zone_take(struct hilo_str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return 0;
    hilo__zone_skip(s, 1);
    return 1;
}

static inline int hilo__zone_number(struct hilo_str *s, int32_t min, int32_t max, int32_t *out)
{
    int32_t v = 0;
    unsigned digits = 0;

    for (; s->n && s->p[0] >= '0' && s->p[0] <= '9' && digits < 4; digits++) {
        v = v * 10 + (s->p[0] - '0');
        hilo__zone_skip(s, 1);
    }
    *out = v;
    return digits && v >= min && v <= max;
}

/* An abbreviation: letters, or anything between < and >. */
static inline int hilo__zone_abbreviation(struct hilo_str *s)
{
    uint64_t i = 0;
    const int quoted = hilo__zone_take(s, '<');

    while (i < s->n && (quoted ? s->p[i] != '>'
                               : (s->p[i] >= 'A' && s->p[i] <= 'Z') || (s->p[i] >= 'a' && s->p[i] <= 'z')))
        i++;
    hilo__zone_skip(s, i);
    return i >= 3 && (!quoted || hilo__zone_take(s, '>'));
}

/* [+-]hh[:mm[:ss]] */
static inline int hilo__zone_hours(struct hilo_str *s, int32_t max, int32_t *out)
{
    int32_t h = 0, m = 0, sec = 0;
    const int minus = hilo__zone_take(s, '-');

    if (!minus)
        (void)hilo__zone_take(s, '+');
    if (!hilo__zone_number(s, 0, max, &h))
        return 0;
    if (hilo__zone_take(s, ':')) {
        if (!hilo__zone_number(s, 0, 59, &m))
            return 0;
        if (hilo__zone_take(s, ':') && !hilo__zone_number(s, 0, 59, &sec))
            return 0;
    }
    *out = (h * 3600 + m * 60 + sec) * (minus ? -1 : 1);
    return 1;
}

static inline int hilo__zone_rule_date(struct hilo_str *s, struct hilo__zone_date *d)
{
    int good;

    d->time_s = 2 * 3600;
    if (hilo__zone_take(s, 'M')) {
        d->kind = 'M';
        good = hilo__zone_number(s, 1, 12, &d->month) && hilo__zone_take(s, '.') &&
               hilo__zone_number(s, 1, 5, &d->week) && hilo__zone_take(s, '.') &&
               hilo__zone_number(s, 0, 6, &d->day);
    } else if (hilo__zone_take(s, 'J')) {
        d->kind = 'J';
        good = hilo__zone_number(s, 1, 365, &d->day);
    } else {
        d->kind = 'D';
        good = hilo__zone_number(s, 0, 365, &d->day);
    }
    return good && (!hilo__zone_take(s, '/') || hilo__zone_hours(s, 167, &d->time_s));
}

static inline int hilo__zone_rule_read(struct hilo_str s, struct hilo__zone_rule *r)
{
    int32_t west = 0;

    memset(r, 0, sizeof *r);
    if (!hilo__zone_abbreviation(&s) || !hilo__zone_hours(&s, 24, &west))
        return 0;
    r->standard_s = -west;
    if (s.n == 0)
        return 1;
    if (!hilo__zone_abbreviation(&s))
        return 0;
    r->has_summer = 1;
    r->summer_s = r->standard_s + 3600;
    if (s.n && s.p[0] != ',') {
        if (!hilo__zone_hours(&s, 24, &west))
            return 0;
        r->summer_s = -west;
    }
    return hilo__zone_take(&s, ',') && hilo__zone_rule_date(&s, &r->begins) && hilo__zone_take(&s, ',') &&
           hilo__zone_rule_date(&s, &r->ends) && s.n == 0;
}

/* When the date is in a year, in seconds of the local time that holds before it, as if that were UTC. */
static inline int64_t hilo__zone_rule_at(const struct hilo__zone_date *d, int32_t year)
{
    int64_t first, day, end;

    if (d->kind != 'M') {
        day = hilo_days(year, 1, 1) + d->day;
        if (d->kind == 'J')
            day += (hilo__zone_leap(year) && d->day >= 60) - 1;
        return day * HILO__ZONE_DAY + d->time_s;
    }
    first = hilo_days(year, d->month, 1);
    end = d->month == 12 ? first + 31 : hilo_days(year, d->month + 1, 1);
    day = first + (d->day - ((first + 4) % 7 + 7) % 7 + 7) % 7 + INT64_C(7) * (d->week - 1);
    while (day >= end) /* the fifth is the last */
        day -= 7;
    return day * HILO__ZONE_DAY + d->time_s;
}

static inline int32_t hilo__zone_rule_offset(const struct hilo__zone_rule *r, int64_t unix_s)
{
    struct hilo_local t;
    int64_t begins, ends;
    int summer;

    if (!r->has_summer)
        return r->standard_s;
    hilo__zone_civil(unix_s + r->standard_s, &t);
    begins = hilo__zone_rule_at(&r->begins, t.year) - r->standard_s;
    ends = hilo__zone_rule_at(&r->ends, t.year) - r->summer_s;
    summer = begins < ends ? unix_s >= begins && unix_s < ends : unix_s >= begins || unix_s < ends;
    return summer ? r->summer_s : r->standard_s;
}

/* ---- the file ----------------------------------------------------------------------------- */

/* One of its two blocks: how much there is of what, and where. */
struct hilo__zone_block {
    uint32_t transitions, types;
    uint64_t bytes;                      /* all of it, without its header */
    const char *times, *kinds, *offsets; /* of the transitions; which type each begins; the types */
};

static inline uint32_t hilo__zone_u32(const char *p)
{
    const uint8_t *b = (const uint8_t *)p;

    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static inline int64_t hilo__zone_i64(const char *p)
{
    return (int64_t)((uint64_t)hilo__zone_u32(p) << 32 | hilo__zone_u32(p + 4));
}

static inline int hilo__zone_block_read(struct hilo_str s, uint32_t time_bytes, struct hilo__zone_block *b)
{
    uint64_t utc, standard, leaps, chars;

    if (s.n < HILO__ZONE_HEADER || memcmp(s.p, "TZif", 4) != 0)
        return 0;
    utc = hilo__zone_u32(s.p + 20);
    standard = hilo__zone_u32(s.p + 24);
    leaps = hilo__zone_u32(s.p + 28);
    chars = hilo__zone_u32(s.p + 40);
    b->transitions = hilo__zone_u32(s.p + 32);
    b->types = hilo__zone_u32(s.p + 36);
    b->bytes = b->transitions * (uint64_t)(time_bytes + 1) + b->types * UINT64_C(6) + chars +
               leaps * (time_bytes + UINT64_C(4)) + standard + utc;
    if (b->bytes > s.n - HILO__ZONE_HEADER)
        return 0;
    b->times = s.p + HILO__ZONE_HEADER;
    b->kinds = b->times + (size_t)b->transitions * time_bytes;
    b->offsets = b->kinds + b->transitions;
    return 1;
}

static inline int32_t hilo__zone_bad(const char **wrong, const char *what)
{
    if (wrong)
        *wrong = what;
    return HILO_CORRUPT;
}

/* How far east of UTC a zone is at a Unix time in seconds, by its file's bytes. HILO_OK; HILO_INVALID: a time
 * beyond the years 1 to 9999; HILO_CORRUPT: it is no such file, and *wrong (may be NULL) says why. */
static inline int32_t hilo_zone_offset(struct hilo_str tzif, int64_t unix_s, int32_t *offset_s_out,
                                       const char **wrong)
{
    struct hilo__zone_block b;
    struct hilo__zone_rule rule;
    struct hilo_str s = tzif;
    const char *end;
    uint32_t from = 0, to, middle, type;
    int32_t offset;

    if (!hilo__zone_block_read(s, 4, &b))
        return hilo__zone_bad(wrong, "it does not begin as one");
    if (s.p[4] < '2')
        return hilo__zone_bad(wrong, "it is of the first form, which knows no time after 2037");
    hilo__zone_skip(&s, HILO__ZONE_HEADER + b.bytes);
    if (!hilo__zone_block_read(s, 8, &b))
        return hilo__zone_bad(wrong, "its second block is not there");
    if (b.types == 0)
        return hilo__zone_bad(wrong, "it has no kind of local time");
    hilo__zone_skip(&s, HILO__ZONE_HEADER + b.bytes);
    end = hilo__zone_take(&s, '\n') && s.n ? (const char *)memchr(s.p, '\n', (size_t)s.n) : NULL;
    if (!end)
        return hilo__zone_bad(wrong, "the rule at its end is not there");
    s.n = (uint64_t)(end - s.p);
    if (unix_s < HILO__ZONE_MIN || unix_s > HILO__ZONE_MAX)
        return HILO_INVALID;
    /* The last transition that is not after it. */
    for (from = 0, to = b.transitions; from < to;) {
        middle = from + (to - from) / 2;
        if (hilo__zone_i64(b.times + (size_t)middle * 8) <= unix_s)
            from = middle + 1;
        else
            to = middle;
    }
    if (from == b.transitions && s.n) {
        if (!hilo__zone_rule_read(s, &rule))
            return hilo__zone_bad(wrong, "the rule at its end can't be read");
        *offset_s_out = hilo__zone_rule_offset(&rule, unix_s);
        return HILO_OK;
    }
    type = from ? (uint8_t)b.kinds[from - 1] : 0;
    if (type >= b.types)
        return hilo__zone_bad(wrong, "a transition names no kind of local time");
    offset = (int32_t)hilo__zone_u32(b.offsets + (size_t)type * 6);
    if (offset < -HILO__ZONE_OFFSET_MAX || offset > HILO__ZONE_OFFSET_MAX)
        return hilo__zone_bad(wrong, "it is further from UTC than a day");
    *offset_s_out = offset;
    return HILO_OK;
}

/* A path below zoneinfo and no other. */
static inline int hilo__zone_name(struct hilo_str name)
{
    int part = 0, letter; /* part: something of the present part has come */
    uint64_t i;

    for (i = 0; i < name.n; i++) {
        const char c = name.p[i];

        letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
                 c == '+' || c == '-';
        if (!letter && (c != '/' || !part))
            return 0;
        part = letter;
    }
    return part && name.n <= HILO_ZONE_NAME_MAX;
}

/* The bytes of a file, at most HILO_ZONE_FILE_MAX; HILO_NOTFOUND, HILO_IO (errno). */
static inline int32_t hilo__zone_file(const char *path, char *buf, uint64_t *n_out)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    ssize_t got;
    int failed;

    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? HILO_NOTFOUND : HILO_IO;
    do {
        got = read(fd, buf + n, HILO_ZONE_FILE_MAX - n);
        n += got > 0 ? (size_t)got : 0;
    } while (got > 0 || (got < 0 && errno == EINTR));
    failed = got < 0 ? errno : 0;
    (void)close(fd);
    errno = failed;
    *n_out = n;
    return failed == 0 ? HILO_OK : failed == EISDIR ? HILO_NOTFOUND : HILO_IO; /* "America" is a folder */
}

/* name: one of IANA's, "America/Bogota"; empty: the machine's own (/etc/localtime, else UTC). Reads a file of
 * some KiB. HILO_OK; HILO_INVALID: it can be no zone's name, or the time is beyond the years 1 to 9999;
 * HILO_NOTFOUND: the system has no such zone; HILO_IO: its file can't be read (errno); HILO_CORRUPT: nor
 * understood, and *wrong (may be NULL) says why. */
static inline int32_t hilo_zone_local(struct hilo_str name, int64_t wall_us, struct hilo_local *out,
                                      const char **wrong)
{
    static const char folder[] = "/usr/share/zoneinfo/";
    const int64_t unix_s = wall_us / 1000000 - (wall_us % 1000000 < 0);
    char path[sizeof folder + HILO_ZONE_NAME_MAX] = "/etc/localtime", buf[HILO_ZONE_FILE_MAX];
    struct hilo_str bytes = {buf, 0};
    int32_t offset = 0, rc;

    if (name.n && !hilo__zone_name(name))
        return HILO_INVALID;
    if (name.n) {
        memcpy(path, folder, sizeof folder);
        memcpy(path + sizeof folder - 1, name.p, (size_t)name.n);
        path[sizeof folder - 1 + name.n] = 0;
    }
    rc = hilo__zone_file(path, buf, &bytes.n);
    if (rc == HILO_OK)
        rc = hilo_zone_offset(bytes, unix_s, &offset, wrong);
    else if (rc == HILO_NOTFOUND && name.n == 0)
        rc = unix_s < HILO__ZONE_MIN || unix_s > HILO__ZONE_MAX ? HILO_INVALID
                                                                : HILO_OK; /* a machine without one is in UTC */
    if (rc == HILO_OK) {
        hilo__zone_civil(unix_s + offset, out);
        out->offset_s = offset;
    }
    return rc;
}

#ifdef __cplusplus
}
#endif
#endif
