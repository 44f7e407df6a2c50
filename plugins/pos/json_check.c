/*
 * Whether bytes are JSON as the protocol takes it: in one pass and without recursion, so
 * that ten thousand brackets cost no stack. cJSON by itself takes "01", control characters in
 * strings, any encoding and a thousand levels, ends a string at a \u0000, and rounds integers.
 * What passes can fail in cJSON only for want of memory.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "json.h"

#include <string.h>
#include <unistr.h>

enum { NUMBER_MAX = 63, /* what cJSON copies of one */ DEPTH_CEILING = 64 };

struct scan {
    const char *p, *end;
    const char *why; /* the first reason */
};

static bool fail(struct scan *s, const char *why)
{
    if (!s->why)
        s->why = why;
    return false;
}

static void skip_blanks(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

static bool digit(const struct scan *s)
{
    return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

/* Four hex digits at s->p, which moves on; -1: they are none. */
static int32_t hex4(struct scan *s)
{
    int32_t v = 0;
    int i;

    if (s->end - s->p < 4)
        return -1;
    for (i = 0; i < 4; i++) {
        char c = *s->p++;

        if (c >= '0' && c <= '9')
            v = v * 16 + (c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            v = v * 16 + ((c | 0x20) - 'a' + 10);
        else
            return -1;
    }
    return v;
}

/* Behind the backslash. */
static bool scan_escape(struct scan *s)
{
    int32_t u;

    if (s->p == s->end)
        return fail(s, "json");
    if (*s->p != 'u') {
        if (*s->p == '\0' || !strchr("\"\\/bfnrt", *s->p))
            return fail(s, "json");
        s->p++;
        return true;
    }
    s->p++;
    u = hex4(s);
    if (u < 0)
        return fail(s, "json");
    if (u == 0 || (u >= 0xdc00 && u <= 0xdfff))
        return fail(s, "utf8");
    if (u >= 0xd800 && u <= 0xdbff) {
        if (s->end - s->p < 6 || s->p[0] != '\\' || s->p[1] != 'u')
            return fail(s, "utf8");
        s->p += 2;
        u = hex4(s);
        if (u < 0xdc00 || u > 0xdfff)
            return fail(s, "utf8");
    }
    return true;
}

static bool scan_string(struct scan *s)
{
    if (s->p == s->end || *s->p != '"')
        return fail(s, "json");
    for (s->p++; s->p < s->end;) {
        unsigned char c = (unsigned char)*s->p++;

        if (c == '"')
            return true;
        if (c < 0x20)
            return fail(s, "json");
        if (c == '\\' && !scan_escape(s))
            return false;
    }
    return fail(s, "json");
}

static void skip_digits(struct scan *s)
{
    while (digit(s))
        s->p++;
}

static bool scan_number(struct scan *s)
{
    const char *at = s->p, *digits;
    bool integer = true;
    uint64_t v = 0;

    if (s->p < s->end && *s->p == '-')
        s->p++;
    digits = s->p;
    if (!digit(s))
        return fail(s, "json");
    if (*s->p == '0')
        s->p++;
    else
        skip_digits(s);
    if (digit(s))
        return fail(s, "json");
    if (s->p < s->end && *s->p == '.') {
        integer = false;
        s->p++;
        if (!digit(s))
            return fail(s, "json");
        skip_digits(s);
    }
    if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
        integer = false;
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
            s->p++;
        if (!digit(s))
            return fail(s, "json");
        skip_digits(s);
    }
    if (s->p - at > NUMBER_MAX)
        return fail(s, "number");
    if (!integer)
        return true;
    if (s->p - digits > 16)
        return fail(s, "number");
    for (; digits < s->p; digits++)
        v = v * 10 + (uint64_t)(*digits - '0');
    return v <= UINT64_C(1) << 53 || fail(s, "number");
}

static bool scan_scalar(struct scan *s)
{
    static const char *const word[] = {"true", "false", "null"};
    size_t i, n;

    if (*s->p == '"')
        return scan_string(s);
    for (i = 0; i < sizeof word / sizeof *word; i++) {
        n = strlen(word[i]);
        if ((size_t)(s->end - s->p) >= n && memcmp(s->p, word[i], n) == 0) {
            s->p += n;
            return true;
        }
    }
    return scan_number(s);
}

/* A member's name and its colon. */
static bool scan_key(struct scan *s)
{
    skip_blanks(s);
    if (!scan_string(s))
        return false;
    skip_blanks(s);
    if (s->p == s->end || *s->p != ':')
        return fail(s, "json");
    s->p++;
    return true;
}

/* What follows a value: the end of what it is in, any number of times, or the next one. */
static bool scan_after(struct scan *s, uint64_t objects, unsigned *depth)
{
    while (*depth > 0) {
        bool object = objects >> (*depth - 1) & 1;

        skip_blanks(s);
        if (s->p == s->end)
            return fail(s, "json");
        if (*s->p == ',') {
            s->p++;
            return !object || scan_key(s);
        }
        if (*s->p != (object ? '}' : ']'))
            return fail(s, "json");
        s->p++;
        (*depth)--;
    }
    return true;
}

/* Without recursion: bit d of objects tells whether level d is an object. */
static bool scan_value(struct scan *s, unsigned max)
{
    uint64_t objects = 0;
    unsigned depth = 0;

    do {
        skip_blanks(s);
        if (s->p == s->end)
            return fail(s, "json");
        if (*s->p == '{' || *s->p == '[') {
            bool object = *s->p == '{';

            if (depth == max)
                return fail(s, "too_deep");
            objects = (objects & ~(UINT64_C(1) << depth)) | (uint64_t)object << depth;
            depth++;
            s->p++;
            skip_blanks(s);
            if (s->p == s->end)
                return fail(s, "json");
            if (*s->p != (object ? '}' : ']')) {
                if (object && !scan_key(s))
                    return false;
                continue;
            }
            s->p++;
            depth--;
        } else if (!scan_scalar(s)) {
            return false;
        }
        if (!scan_after(s, objects, &depth))
            return false;
    } while (depth > 0);
    return true;
}

const char *pos_json_check(struct hilo_str text, unsigned depth)
{
    struct scan s = {.p = text.p, .end = text.p + text.n};

    if (text.n == 0)
        return "json";
    if (memchr(text.p, '\0', text.n) || u8_check((const uint8_t *)text.p, text.n))
        return "utf8";
    if (!scan_value(&s, depth < DEPTH_CEILING ? depth : DEPTH_CEILING))
        return s.why;
    skip_blanks(&s);
    return s.p == s.end ? NULL : "json";
}
