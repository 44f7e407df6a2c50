/*
 * Time zones. A TZif file is a header, the same again with 64-bit times, the transitions, the kinds of local
 * time between them, and, behind it all, a rule as POSIX's TZ writes it for what comes after the last
 * transition: today's files say most of the future by the rule alone. Leap seconds are not looked
 * at, as Unix time has none.
 *
 * Every number of a file is checked against its length before anything is read by it.
 */
#include "base/zone.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    HEADER = 44,
    FILE_MAX = 64 << 10,
    NAME_MAX_BYTES = 64,
    DAY = 86400,
    OFFSET_MAX = 26 * 3600 /* RFC 9636, 3.2: no zone is further */
};
static const int64_t UNIX_MIN = -INT64_C(62135596800) + OFFSET_MAX,
                     UNIX_MAX = INT64_C(253402300799) - OFFSET_MAX; /* years 1 to 9999 anywhere */

static int32_t zone__bad(struct err *e, const char *what)
{
    return err_set(e, HILO_CORRUPT, "a time zone's file is damaged: %s; reinstall tzdata", what);
}

static uint32_t zone__u32(const char *p)
{
    const uint8_t *b = (const uint8_t *)p;

    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int64_t zone__i64(const char *p)
{
    return (int64_t)((uint64_t)zone__u32(p) << 32 | zone__u32(p + 4));
}

/* ---- the rule at the end: "EST5EDT,M3.2.0,M11.1.0" --------------------------------------- */

struct rule_date {
    char kind; /* 'J': a day of the year without 29 February, 'D': with it, 'M': a month's nth weekday */
    int32_t month, week, day;
    int32_t time_s; /* after the beginning of that day, may be negative */
};
struct rule {
    int32_t standard_s, summer_s; /* east of UTC */
    bool has_summer;
    struct rule_date begins, ends; /* of summer time */
};

static bool rule__take(struct hilo_str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_n(s->p + 1, (size_t)s->n - 1);
    return true;
}

static bool rule__digit(struct hilo_str s)
{
    return s.n && s.p[0] >= '0' && s.p[0] <= '9';
}

static bool rule__number(struct hilo_str *s, int32_t min, int32_t max, int32_t *out)
{
    int32_t v = 0;
    unsigned digits = 0;

    for (; rule__digit(*s) && digits < 4; digits++) {
        v = v * 10 + (s->p[0] - '0');
        *s = str_n(s->p + 1, (size_t)s->n - 1);
    }
    *out = v;
    return digits && v >= min && v <= max;
}

/* An abbreviation: letters, or anything between < and >. */
static bool rule__name(struct hilo_str *s)
{
    uint64_t i = 0;
    const bool quoted = rule__take(s, '<');

    while (i < s->n && (quoted ? s->p[i] != '>'
                               : (s->p[i] >= 'A' && s->p[i] <= 'Z') || (s->p[i] >= 'a' && s->p[i] <= 'z')))
        i++;
    *s = str_n(s->p + i, (size_t)(s->n - i));
    return i >= 3 && (!quoted || rule__take(s, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool rule__hours(struct hilo_str *s, int32_t max, int32_t *out)
{
    int32_t h = 0, m = 0, sec = 0;
    const bool minus = rule__take(s, '-');

    if (!minus)
        (void)rule__take(s, '+');
    if (!rule__number(s, 0, max, &h))
        return false;
    if (rule__take(s, ':')) {
        if (!rule__number(s, 0, 59, &m))
            return false;
        if (rule__take(s, ':') && !rule__number(s, 0, 59, &sec))
            return false;
    }
    *out = (h * 3600 + m * 60 + sec) * (minus ? -1 : 1);
    return true;
}

static bool rule__date(struct hilo_str *s, struct rule_date *d)
{
    bool good;

    d->time_s = 2 * 3600;
    if (rule__take(s, 'M')) {
        d->kind = 'M';
        good = rule__number(s, 1, 12, &d->month) && rule__take(s, '.') && rule__number(s, 1, 5, &d->week) &&
               rule__take(s, '.') && rule__number(s, 0, 6, &d->day);
    } else if (rule__take(s, 'J')) {
        d->kind = 'J';
        good = rule__number(s, 1, 365, &d->day);
    } else {
        d->kind = 'D';
        good = rule__number(s, 0, 365, &d->day);
    }
    return good && (!rule__take(s, '/') || rule__hours(s, 167, &d->time_s));
}

static bool rule__parse(struct hilo_str s, struct rule *r)
{
    int32_t west = 0;

    memset(r, 0, sizeof *r);
    if (!rule__name(&s) || !rule__hours(&s, 24, &west))
        return false;
    r->standard_s = -west;
    if (s.n == 0)
        return true;
    if (!rule__name(&s))
        return false;
    r->has_summer = true;
    r->summer_s = r->standard_s + 3600;
    if (s.n && s.p[0] != ',') {
        if (!rule__hours(&s, 24, &west))
            return false;
        r->summer_s = -west;
    }
    return rule__take(&s, ',') && rule__date(&s, &r->begins) && rule__take(&s, ',') &&
           rule__date(&s, &r->ends) && s.n == 0;
}

static bool rule__leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* When the date is in a year, in seconds of the local time that holds before it, as if that were UTC. */
static int64_t rule__at(const struct rule_date *d, int32_t year)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct tm tm = {.tm_year = year - 1900, .tm_mday = 1};
    int64_t at;

    if (d->kind != 'M') {
        at = timegm(&tm) / DAY;
        if (d->kind == 'D')
            at += d->day;
        else
            at += d->day - 1 + (rule__leap(year) && d->day >= 60);
        return at * DAY + d->time_s;
    }
    tm.tm_mon = d->month - 1;
    at = timegm(&tm); /* which says what day of the week the first is */
    int32_t day = (d->day - tm.tm_wday + 7) % 7 + 7 * (d->week - 1);
    const int32_t length = days[d->month - 1] + (d->month == 2 && rule__leap(year));
    while (day >= length) /* the fifth is the last */
        day -= 7;
    return at + (int64_t)day * DAY + d->time_s;
}

static int32_t rule__offset(const struct rule *r, int64_t unix_s)
{
    const time_t local = (time_t)(unix_s + r->standard_s);
    struct tm tm;

    if (!r->has_summer || !gmtime_r(&local, &tm))
        return r->standard_s;
    const int64_t begins = rule__at(&r->begins, tm.tm_year + 1900) - r->standard_s,
                  ends = rule__at(&r->ends, tm.tm_year + 1900) - r->summer_s;
    const bool summer = begins < ends ? unix_s >= begins && unix_s < ends : unix_s >= begins || unix_s < ends;
    return summer ? r->summer_s : r->standard_s;
}

/* ---- the file ----------------------------------------------------------------------------- */

/* One of its two blocks: how much there is of what, and where. */
struct block {
    uint32_t transitions, types;
    uint64_t bytes;                      /* all of it, without its header */
    const char *times, *kinds, *offsets; /* of the transitions; which type each begins; the types */
};

static bool block__read(struct hilo_str s, unsigned time_bytes, struct block *b)
{
    static const char magic[] = {'T', 'Z', 'i', 'f'};

    if (s.n < HEADER || memcmp(s.p, magic, sizeof magic) != 0)
        return false;
    const uint64_t utc = zone__u32(s.p + 20), standard = zone__u32(s.p + 24), leaps = zone__u32(s.p + 28),
                   chars = zone__u32(s.p + 40);
    b->transitions = zone__u32(s.p + 32);
    b->types = zone__u32(s.p + 36);
    b->bytes = b->transitions * (uint64_t)(time_bytes + 1) + b->types * UINT64_C(6) + chars +
               leaps * (time_bytes + 4) + standard + utc;
    if (b->bytes > s.n - HEADER)
        return false;
    b->times = s.p + HEADER;
    b->kinds = b->times + (size_t)b->transitions * time_bytes;
    b->offsets = b->kinds + b->transitions;
    return true;
}

int32_t zone_offset(struct hilo_str s, int64_t unix_s, int32_t *offset_s_out, struct err *e)
{
    struct hilo_str footer;
    struct block b;
    struct rule rule;

    if (!block__read(s, 4, &b))
        return zone__bad(e, "it does not begin as one");
    if (s.p[4] < '2')
        return zone__bad(e, "it is of the first form, which knows no time after 2037");
    s = str_n(s.p + HEADER + b.bytes, (size_t)(s.n - HEADER - b.bytes));
    if (!block__read(s, 8, &b))
        return zone__bad(e, "its second block is not there");
    if (b.types == 0)
        return zone__bad(e, "it has no kind of local time");
    footer = str_n(s.p + HEADER + b.bytes, (size_t)(s.n - HEADER - b.bytes));
    if (!rule__take(&footer, '\n') || !str_cut(footer, '\n', &footer, &(struct hilo_str){0}))
        return zone__bad(e, "the rule at its end is not there");
    if (unix_s < UNIX_MIN || unix_s > UNIX_MAX)
        return err_set(e, HILO_INVALID, "a time of the years 1 to 9999 is expected");
    /* The last transition that is not after it. */
    uint32_t from = 0, to = b.transitions;
    while (from < to) {
        const uint32_t middle = from + (to - from) / 2;
        if (zone__i64(b.times + (size_t)middle * 8) <= unix_s)
            from = middle + 1;
        else
            to = middle;
    }
    if (from == b.transitions && footer.n) {
        if (!rule__parse(footer, &rule))
            return zone__bad(e, "the rule at its end can't be read");
        *offset_s_out = rule__offset(&rule, unix_s);
        return HILO_OK;
    }
    const uint32_t type = from ? (uint8_t)b.kinds[from - 1] : 0;
    if (type >= b.types)
        return zone__bad(e, "a transition names no kind of local time");
    const int32_t offset = (int32_t)zone__u32(b.offsets + (size_t)type * 6);
    if (offset < -OFFSET_MAX || offset > OFFSET_MAX)
        return zone__bad(e, "it is further from UTC than a day");
    *offset_s_out = offset;
    return HILO_OK;
}

/* A path below zoneinfo and no other. */
static bool zone__name(struct hilo_str name)
{
    bool part = false; /* something of the present part has come */

    for (uint64_t i = 0; i < name.n; i++) {
        const char c = name.p[i];
        const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                            c == '_' || c == '+' || c == '-';
        if (!letter && (c != '/' || !part))
            return false;
        part = letter;
    }
    return part && name.n <= NAME_MAX_BYTES;
}

static int32_t zone__file(const char *path, struct hilo_str name, char *buf, struct hilo_str *out,
                          struct err *e)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    ssize_t got;

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return err_set(
            e, HILO_NOTFOUND,
            "the system has no time zone %.*s; name one of IANA's, like America/Bogota, or install "
            "tzdata",
            STR_FMT(name));
    if (fd < 0)
        return err_errno(e, "the time zone %.*s can't be read", STR_FMT(name));
    do {
        got = read(fd, buf + n, FILE_MAX - n);
        n += got > 0 ? (size_t)got : 0;
    } while (got > 0 || (got < 0 && errno == EINTR));
    const int failed = got < 0 ? errno : 0;
    (void)close(fd);
    if (failed) { /* a folder, too: "America" */
        errno = failed;
        return failed == EISDIR
                   ? err_set(e, HILO_NOTFOUND, "%.*s is not one time zone but several", STR_FMT(name))
                   : err_errno(e, "the time zone %.*s can't be read", STR_FMT(name));
    }
    *out = str_n(buf, n);
    return HILO_OK;
}

int32_t zone_local(struct hilo_str name, int64_t wall_us, struct zone_time *out, struct err *e)
{
    const int64_t unix_s = wall_us / 1000000 - (wall_us % 1000000 < 0);
    char path[128], buf[FILE_MAX];
    struct hilo_str bytes;
    struct tm tm;
    int32_t offset = 0, rc;

    if (name.n && !zone__name(name))
        return err_set(e, HILO_INVALID, "a time zone has a name of IANA's, like America/Bogota");
    if (name.n)
        (void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", STR_FMT(name));
    else
        (void)snprintf(path, sizeof path, "/etc/localtime");
    rc = zone__file(path, name.n ? name : STR("of this machine"), buf, &bytes, e);
    if (rc == HILO_OK)
        rc = zone_offset(bytes, unix_s, &offset, e);
    else if (rc == HILO_NOTFOUND && name.n == 0)
        rc = HILO_OK; /* a machine without one of its own is in UTC */
    if (rc != HILO_OK)
        return rc;
    const time_t local = (time_t)(unix_s + offset);
    if (unix_s < UNIX_MIN || unix_s > UNIX_MAX || !gmtime_r(&local, &tm))
        return err_set(e, HILO_INVALID, "a time of the years 1 to 9999 is expected");
    *out = (struct zone_time){.year = tm.tm_year + 1900,
                              .month = tm.tm_mon + 1,
                              .day = tm.tm_mday,
                              .weekday = tm.tm_wday,
                              .hour = tm.tm_hour,
                              .minute = tm.tm_min,
                              .second = tm.tm_sec,
                              .offset_s = offset};
    return HILO_OK;
}
