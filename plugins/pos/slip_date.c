/*
 * ICU's patterns for what is wanted ("weekday, month, day"), its names of zones and their rules.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "slip_date.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unicode/ucal.h>
#include <unicode/udat.h>
#include <unicode/udatpg.h>
#include <unicode/ustring.h>

enum { DATE_ZONE_MAX = 64, DATE_PATTERN_MAX = 128 };

/* ---- RFC 3339 ------------------------------------------------------------------------------------ */

static bool date_number(struct hilo_str s, size_t at, size_t digits, int *out)
{
    size_t i;

    *out = 0;
    if (at + digits > s.n)
        return false;
    for (i = at; i < at + digits; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        *out = *out * 10 + (s.p[i] - '0');
    }
    return true;
}

static bool date_char(struct hilo_str s, size_t at, const char *any)
{
    return at < s.n && strchr(any, s.p[at]) && s.p[at];
}

bool pos_date_parse(struct hilo_str s, int64_t *us_out)
{
    int year, month, day, hour, minute, second, off_hour = 0, off_minute = 0;
    int64_t offset = 0;
    struct tm tm;
    size_t at = 19;

    if (!date_number(s, 0, 4, &year) || !date_char(s, 4, "-") || !date_number(s, 5, 2, &month) ||
        !date_char(s, 7, "-") || !date_number(s, 8, 2, &day) || !date_char(s, 10, "Tt ") ||
        !date_number(s, 11, 2, &hour) || !date_char(s, 13, ":") || !date_number(s, 14, 2, &minute) ||
        !date_char(s, 16, ":") || !date_number(s, 17, 2, &second))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return false;
    if (date_char(s, at, "."))
        for (at++; at < s.n && s.p[at] >= '0' && s.p[at] <= '9'; at++)
            ;
    if (date_char(s, at, "+-")) {
        if (!date_number(s, at + 1, 2, &off_hour) || !date_char(s, at + 3, ":") ||
            !date_number(s, at + 4, 2, &off_minute) || off_hour > 23 || off_minute > 59 || at + 6 != s.n)
            return false;
        offset = (off_hour * 60 + off_minute) * INT64_C(60) * (s.p[at] == '-' ? -1 : 1);
    } else if (!date_char(s, at, "Zz") || at + 1 != s.n) {
        return false;
    }
    tm = (struct tm){.tm_year = year - 1900,
                     .tm_mon = month - 1,
                     .tm_mday = day,
                     .tm_hour = hour,
                     .tm_min = minute,
                     .tm_sec = second};
    *us_out = ((int64_t)timegm(&tm) - offset) * 1000000;
    return true;
}

/* ---- as people write it ------------------------------------------------------------------------------- */

/* A zone's name as ICU wants it. False: it has none of that name. */
static bool date_zone(struct hilo_str zone, UChar out[DATE_ZONE_MAX])
{
    UChar canonical[DATE_ZONE_MAX];
    UErrorCode rc = U_ZERO_ERROR;
    uint64_t i;

    if (zone.n == 0 || zone.n >= DATE_ZONE_MAX)
        return false;
    for (i = 0; i < zone.n; i++) {
        if ((unsigned char)zone.p[i] <= 0x20 || (unsigned char)zone.p[i] > 0x7e)
            return false;
        out[i] = (UChar)zone.p[i];
    }
    out[zone.n] = 0;
    (void)ucal_getCanonicalTimeZoneID(out, (int32_t)zone.n, canonical, DATE_ZONE_MAX, NULL, &rc);
    return U_SUCCESS(rc);
}

bool pos_date_zone_known(struct hilo_str zone)
{
    UChar name[DATE_ZONE_MAX];

    return zone.n == 0 || date_zone(zone, name);
}

/* CLDR parts "3:30" from "p. m." by spaces that don't break, which no code page need have. */
static void date_plain_spaces(UChar *s, int32_t n)
{
    int32_t i;

    for (i = 0; i < n; i++)
        if (s[i] == 0x00a0 || s[i] == 0x202f || s[i] == 0x2009)
            s[i] = ' ';
}

bool pos_date_say(int64_t us, enum pos_date_form form, const char *locale, struct hilo_str zone,
                  char out[POS_DATE_MAX])
{
    static const UChar skeleton[][12] = {
        [POS_DATE_DAY] = u"EEEEMMMMd", [POS_DATE_DAY_YEAR] = u"yMMMMd", [POS_DATE_HOUR] = u"jmm"};
    UChar name[DATE_ZONE_MAX], pattern[DATE_PATTERN_MAX], text[POS_DATE_MAX];
    UErrorCode rc = U_ZERO_ERROR;
    UDateTimePatternGenerator *patterns = NULL;
    UDateFormat *format = NULL;
    int32_t n = 0;

    if (zone.n && !date_zone(zone, name))
        return false;
    patterns = udatpg_open(locale, &rc);
    if (U_SUCCESS(rc))
        n = udatpg_getBestPattern(patterns, skeleton[form], -1, pattern, DATE_PATTERN_MAX, &rc);
    if (U_SUCCESS(rc))
        format = udat_open(UDAT_PATTERN, UDAT_PATTERN, locale, zone.n ? name : NULL, -1, pattern, n, &rc);
    if (U_SUCCESS(rc))
        n = udat_format(format, (UDate)(us / 1000), text, POS_DATE_MAX, NULL, &rc);
    if (U_SUCCESS(rc)) {
        date_plain_spaces(text, n);
        (void)u_strToUTF8(out, POS_DATE_MAX, NULL, text, n, &rc);
    }
    udat_close(format);
    udatpg_close(patterns);
    return U_SUCCESS(rc) && rc != U_STRING_NOT_TERMINATED_WARNING;
}
