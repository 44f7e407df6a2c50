/* Text as it may stand on a screen. */
#include "ui.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void text__room(struct text *t, size_t n)
{
    char *p;

    if (t->n + n + 1 <= t->cap)
        return;
    t->cap = (t->n + n + 1) * 2;
    p = app_alloc(t->cap);
    if (t->n)
        memcpy(p, t->p, t->n);
    free(t->p);
    t->p = p;
}

static void text__put(struct text *t, const char *p, size_t n)
{
    text__room(t, n);
    memcpy(t->p + t->n, p, n);
    t->n += n;
    t->p[t->n] = 0;
}

void text_add(struct text *t, const char *s)
{
    text__put(t, s, strlen(s));
}

void text_fmt(struct text *t, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    text__room(t, (size_t)n);
    va_start(ap, fmt);
    vsnprintf(t->p + t->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    t->n += (size_t)n;
}

const char *text_z(const struct text *t)
{
    return t->p ? t->p : "";
}

void text_done(struct text *t)
{
    free(t->p);
    *t = (struct text){0};
}

/* The next code point of valid UTF-8; *len its bytes. 0xFFFD and one byte: it is none. */
static uint32_t text__next(const char *s, size_t *len)
{
    const uint8_t *p = (const uint8_t *)s;
    uint32_t more = p[0] < 0x80   ? 0
                    : p[0] < 0xc2 ? 4
                    : p[0] < 0xe0 ? 1
                    : p[0] < 0xf0 ? 2
                    : p[0] < 0xf5 ? 3
                                  : 4,
             i;
    uint32_t cp = more && more < 4 ? p[0] & (0x3fu >> more) : p[0];

    *len = 1;
    if (more == 4)
        return 0xfffd;
    for (i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0xfffd;
        cp = cp << 6 | (p[i] & 0x3fu);
    }
    if ((more == 2 && cp < 0x800) || (more == 3 && cp < 0x10000) || cp > 0x10ffff ||
        (cp >= 0xd800 && cp < 0xe000))
        return 0xfffd;
    *len = more + 1;
    return cp;
}

void text_shown(struct text *t, const char *s)
{
    uint32_t cp;
    size_t len;

    for (; *s; s += len) {
        cp = text__next(s, &len);
        if (cp == '\n' || cp == '\t' || cp == '\r')
            text__put(t, " ", 1);
        else if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0xfffd || (cp >= 0x200e && cp <= 0x200f) ||
                 (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069) || cp == 0x61c ||
                 cp == 0xfeff)
            text_add(t, "\xef\xbf\xbd");
        else
            text__put(t, s, len);
    }
}

static int text__columns(uint32_t cp)
{
    int w = wcwidth((wchar_t)cp);

    return w < 0 ? 1 : w;
}

int text_width(const char *s)
{
    int width = 0;
    size_t len;

    for (; *s; s += len)
        width += text__columns(text__next(s, &len));
    return width;
}

size_t text_line(const char *s, int width, const char **next)
{
    const char *p = s, *space = NULL;
    int used = 0, w;
    size_t len;

    while (*p && *p != '\n') {
        w = text__columns(text__next(p, &len));
        if (used + w > width && p > s)
            break;
        if (*p == ' ')
            space = p;
        used += w;
        p += len;
    }
    if (*p && *p != '\n' && *p != ' ' && space && space > s)
        p = space;
    *next = *p == ' ' || *p == '\n' ? p + 1 : p;
    return (size_t)(p - s);
}

void text_time(struct text *t, bool spanish, const char *utc, int64_t now_s)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm tm = {0}, local, now;
    const char *rest = strptime(utc, "%Y-%m-%dT%H:%M:%S", &tm);
    time_t at, is = (time_t)now_s;

    if (!rest || (*rest != '.' && *rest != 'Z'))
        return;
    at = timegm(&tm);
    if (!localtime_r(&at, &local) || !localtime_r(&is, &now))
        return;
    if (local.tm_year == now.tm_year && local.tm_yday == now.tm_yday)
        text_fmt(t, "%02d:%02d", local.tm_hour, local.tm_min);
    else if (spanish)
        text_fmt(t, "%02d/%02d %02d:%02d", local.tm_mday, local.tm_mon + 1, local.tm_hour, local.tm_min);
    else
        text_fmt(t, "%s %02d %02d:%02d", months[local.tm_mon], local.tm_mday, local.tm_hour, local.tm_min);
}

char *text_narrow(const wchar_t *w, size_t n)
{
    char *out = app_alloc(n * 4 + 1), *p = out;
    size_t i;

    for (i = 0; i < n; i++) {
        uint32_t c = (uint32_t)w[i];

        if (c < 0x80) {
            *p++ = (char)c;
        } else if (c < 0x800) {
            *p++ = (char)(0xc0 | c >> 6);
            *p++ = (char)(0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
            *p++ = (char)(0xe0 | c >> 12);
            *p++ = (char)(0x80 | (c >> 6 & 0x3f));
            *p++ = (char)(0x80 | (c & 0x3f));
        } else {
            *p++ = (char)(0xf0 | c >> 18);
            *p++ = (char)(0x80 | (c >> 12 & 0x3f));
            *p++ = (char)(0x80 | (c >> 6 & 0x3f));
            *p++ = (char)(0x80 | (c & 0x3f));
        }
    }
    *p = 0;
    return out;
}
