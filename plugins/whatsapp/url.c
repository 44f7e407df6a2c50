/*
 * URLs: written with a limit, parts of them escaped, queries read.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "provider.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool wa_header_clean(struct hilo_str s)
{
    uint64_t i;

    for (i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

bool wa_url_write(char url[WA_URL_MAX], const char *format, ...)
{
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(url, WA_URL_MAX, format, ap);
    va_end(ap);
    return n > 0 && n < WA_URL_MAX;
}

bool wa_url_escape(struct hilo_str s, char *out, size_t cap)
{
    static const char hex[] = "0123456789ABCDEF", plain[] = "-._~";
    size_t n = 0;
    uint64_t i;
    char c;

    for (i = 0; i < s.n; i++) {
        c = s.p[i];
        if (n + 4 > cap)
            return false;
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            (c && strchr(plain, c))) {
            out[n++] = c;
        } else {
            out[n++] = '%';
            out[n++] = hex[(unsigned char)c >> 4];
            out[n++] = hex[(unsigned char)c & 15];
        }
    }
    out[n] = 0;
    return n > 0;
}

static int url_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes a name or a value of a query. False if it does not fit. */
static bool url_decode(struct hilo_str s, char *out, struct hilo_str *decoded)
{
    uint64_t i, n = 0;

    for (i = 0; i < s.n; i++) {
        if (n == WA_VALUE_MAX)
            return false;
        if (s.p[i] == '%' && i + 2 < s.n && url_hex(s.p[i + 1]) >= 0 && url_hex(s.p[i + 2]) >= 0) {
            out[n++] = (char)(url_hex(s.p[i + 1]) << 4 | url_hex(s.p[i + 2]));
            i += 2;
        } else {
            out[n++] = s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    decoded->p = out;
    decoded->n = n;
    return true;
}

struct hilo_str wa_split(struct hilo_str *rest, char c)
{
    struct hilo_str head = *rest;
    const char *p = rest->n ? memchr(rest->p, c, rest->n) : NULL;

    if (p) {
        head.n = (uint64_t)(p - rest->p);
        rest->p = p + 1;
        rest->n -= head.n + 1;
    } else {
        rest->n = 0;
    }
    return head;
}

struct hilo_str wa_query_get(struct hilo_str query, const char *name, char *out)
{
    struct hilo_str pair, key, value, none = {NULL, 0};
    char buf[WA_VALUE_MAX];

    while (query.n) {
        pair = wa_split(&query, '&');
        key = wa_split(&pair, '=');
        if (url_decode(key, buf, &key) && key.n == strlen(name) && memcmp(key.p, name, key.n) == 0)
            return url_decode(pair, out, &value) ? value : none;
    }
    return none;
}
