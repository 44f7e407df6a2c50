/*
 * HTTP dates. Not by strptime(), which reads the names of days and months in the
 * process's locale.
 * Limit: of the date, its month's length is checked and the name of its day is not.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "date.h"

#include <stdio.h>
#include <string.h>

/* Days from 1970-01-01 to a date of the Gregorian calendar (month 1 to 12). */
static int64_t date_days(int64_t y, int64_t m, int64_t d)
{
    int64_t era, yoe, doy;

    y -= m <= 2;
    era = y / 400; /* y is positive */
    yoe = y - era * 400;
    doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

bool wa_http_date(struct hilo_str s, int64_t *s_out)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const int length[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int y, d, hour, minute, second, end = -1, month;
    char text[48], name[4];
    const char *at;

    if (s.n == 0 || s.n >= sizeof text)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &d, name, &y, &hour, &minute,
               &second, &end) == 6 &&
        end == (int)s.n) {
        ; /* Sun, 06 Nov 1994 08:49:37 GMT */
    } else if (sscanf(text, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &d, name, &y, &hour, &minute,
                      &second, &end) == 6 &&
               end == (int)s.n) {
        y += y < 70 ? 2000 : 1900; /* Sunday, 06-Nov-94 08:49:37 GMT */
    } else if (sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", name, &d, &hour, &minute, &second,
                      &y, &end) != 6 ||
               end != (int)s.n) { /* Sun Nov  6 08:49:37 1994 */
        return false;
    }
    at = strlen(name) == 3 ? strstr(names, name) : NULL;
    if (!at || (at - names) % 3 != 0 || y < 1970 || d < 1 || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 60)
        return false;
    month = (int)(at - names) / 3;
    if (d > length[month])
        return false;
    *s_out = date_days(y, month + 1, d) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}
