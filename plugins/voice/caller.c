/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "caller.h"

#include <stdio.h>
#include <string.h>

enum {
    CALLER_SHORTEST = 7, /* fewer digits are an extension */
    CALLER_LONGEST = 15  /* E.164 */
};

/* The digits of the user part, with a plus sign if there is one; separators are left out (RFC 3966). */
static size_t caller_user(struct hilo_str uri, char out[CALLER_LONGEST + 6])
{
    static const char *const schemes[] = {"sip:", "sips:", "tel:"};
    size_t n = 0, i, at = 0;

    for (i = 0; i < 3; i++)
        if (uri.n > strlen(schemes[i]) && strncmp(uri.p, schemes[i], strlen(schemes[i])) == 0)
            at = strlen(schemes[i]);
    for (; at < uri.n && !strchr("@;?:>", uri.p[at]); at++) {
        char c = uri.p[at];

        if (c == '\0' || (c == '+' && n))
            return 0;
        if (strchr("-.()", c))
            continue;
        if ((c != '+' && (c < '0' || c > '9')) || n == CALLER_LONGEST + 5)
            return 0;
        out[n++] = c;
    }
    out[n] = 0;
    return n;
}

bool caller_number(struct hilo_str uri, struct hilo_str country_code, char *out, size_t n)
{
    char user[CALLER_LONGEST + 6];
    size_t digits = caller_user(uri, user);
    const char *p = user;
    int cc = (int)country_code.n, len;

    if (digits == 0)
        return false;
    if (p[0] == '+') {
        p++;
        cc = 0;
    } else if (strncmp(p, "00", 2) == 0) {
        p += 2;
        cc = 0;
    } else if (strlen(p) < CALLER_SHORTEST || cc == 0) {
        return false;
    } else if (strncmp(p, country_code.p, (size_t)cc) == 0 && strlen(p) >= (size_t)cc + 8) {
        cc = 0; /* many trunks write E.164 without its plus sign */
    } else if (p[0] == '0') {
        p++; /* the prefix of calls within the country */
    }
    if (strlen(p) < CALLER_SHORTEST || strlen(p) + (size_t)cc > CALLER_LONGEST || p[0] == '0')
        return false;
    len = snprintf(out, n, "+%.*s%s", cc, cc ? country_code.p : "", p);
    return len > 0 && (size_t)len < n;
}

bool caller_document(struct hilo_str kind, const char *digits, char *out, size_t n)
{
    int len = snprintf(out, n, "%.*s:%s", (int)kind.n, kind.p, digits);

    return len > 0 && (size_t)len < n;
}
