/*
 * Text that grows, and how it looks on a terminal. Everything is UTF-8, whatever the
 * locale's own encoding is: main has chosen a UTF-8 LC_CTYPE where there is one.
 *
 * What customers write ends on an operator's terminal, so nothing of it may act there:
 * text_add_shown is the only way in for bytes that came from outside.
 */
#include "cli.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static void text__room(struct text *t, size_t n)
{
    size_t cap = t->cap ? t->cap : 64;

    if (t->cap - t->n > n)
        return;
    while (cap - t->n <= n && cap <= SIZE_MAX / 2)
        cap *= 2;
    char *p = cap - t->n > n ? realloc(t->p, cap) : NULL;
    if (!p) {
        (void)fputs("hilo: out of memory\n", stderr);
        exit(EXIT_REFUSED);
    }
    t->p = p;
    t->cap = cap;
}

void text_add_n(struct text *t, const char *p, size_t n)
{
    text__room(t, n);
    if (n)
        memcpy(t->p + t->n, p, n);
    t->n += n;
    t->p[t->n] = 0;
}

void text_add(struct text *t, const char *s)
{
    text_add_n(t, s, strlen(s));
}

void text_fmt(struct text *t, const char *fmt, ...)
{
    va_list ap, again;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    if (n >= 0) {
        text__room(t, (size_t)n);
        (void)vsnprintf(t->p + t->n, (size_t)n + 1, fmt, again);
        t->n += (size_t)n;
    }
    va_end(again);
    va_end(ap);
}

void text_add_url(struct text *t, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("-._~", c))
            text_add_n(t, s, 1);
        else
            text_fmt(t, "%%%02X", c);
    }
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

/* ---- on a terminal -------------------------------------------------------------------- */

/* One character of UTF-8 (RFC 3629: no overlong form, no surrogate, up to U+10FFFF).
 * Its length; 0 if it is none. */
static size_t text__char(const char *s, size_t n, uint32_t *out)
{
    const unsigned char *p = (const unsigned char *)s;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len;
    uint32_t c;

    if (n == 0)
        return 0;
    if (p[0] < 0x80) {
        *out = p[0];
        return 1;
    }
    len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n < len)
        return 0;
    c = p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *out = c;
    return len;
}

/* C0, DEL, C1; the marks, embeddings, overrides and isolates of direction; U+2028 and 9. */
static bool text__acts(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200e && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

void text_add_shown(struct text *t, const char *s)
{
    size_t n = strlen(s), len;
    uint32_t c;

    for (; n; s += len, n -= len) {
        len = text__char(s, n, &c);
        if (len && !text__acts(c))
            text_add_n(t, s, len);
        else if (len && (c == '\n' || c == '\r' || c == '\t'))
            text_add_n(t, " ", 1);
        else
            text_add(t, "\xef\xbf\xbd");
        if (len == 0)
            len = 1;
    }
}

/* Columns of one character; what the C library does not know takes one. */
static size_t text__columns(uint32_t c)
{
    int w = wcwidth((wchar_t)c);

    return w < 0 ? 1 : (size_t)w;
}

size_t text_width(const char *s, size_t n)
{
    size_t width = 0, len;
    uint32_t c;

    for (; n; s += len, n -= len) {
        len = text__char(s, n, &c);
        width += len ? text__columns(c) : 1;
        if (len == 0)
            len = 1;
    }
    return width;
}

size_t text_line(const char *s, size_t width, const char **next_out)
{
    size_t n = strlen(s), at = 0, used = 0, space = 0, len;
    uint32_t c;

    while (at < n) {
        len = text__char(s + at, n - at, &c);
        size_t w = len ? text__columns(c) : 1;
        if (len == 0)
            len = 1;
        if (at > 0 && used + w > width)
            break;
        if (s[at] == ' ')
            space = at;
        used += w;
        at += len;
    }
    if (at < n && s[at] == ' ')
        space = at;
    if (at < n && space > 0)
        at = space;
    *next_out = s + at;
    while (**next_out == ' ')
        ++*next_out;
    return at;
}
