/*
 * Whether bytes are JSON: strict (RFC 8259, UTF-8 of RFC 3629), in one pass and
 * without recursion, so that no depth of nesting costs stack.
 * Limit: depth 64.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "json.h"

#include "json_chars.h"

#include <string.h>

/* Each of these takes the start of something and gives its end, or NULL. */

/* The bytes of one character of UTF-8 that is not ASCII (RFC 3629), or 0. */
static size_t json_utf8(const char *p, const char *end)
{
    unsigned char c = (unsigned char)p[0];
    unsigned char lo = 0x80, hi = 0xbf;
    size_t n, i;

    if (c >= 0xc2 && c <= 0xdf) {
        n = 2;
    } else if (c >= 0xe0 && c <= 0xef) {
        n = 3;
        if (c == 0xe0)
            lo = 0xa0;
        if (c == 0xed)
            hi = 0x9f;
    } else if (c >= 0xf0 && c <= 0xf4) {
        n = 4;
        if (c == 0xf0)
            lo = 0x90;
        if (c == 0xf4)
            hi = 0x8f;
    } else {
        return 0;
    }
    if ((size_t)(end - p) < n)
        return 0;
    for (i = 1; i < n; i++, lo = 0x80, hi = 0xbf) {
        c = (unsigned char)p[i];
        if (c < lo || c > hi)
            return 0;
    }
    return n;
}

static const char *json_check_string(const char *p, const char *end)
{
    size_t n;
    int i;

    for (p++; p < end;) {
        if (*p == '"')
            return p + 1;
        if ((unsigned char)*p < 0x20)
            return NULL;
        if ((unsigned char)*p >= 0x80) {
            n = json_utf8(p, end);
            if (n == 0)
                return NULL;
            p += n;
            continue;
        }
        if (*p != '\\') {
            p++;
            continue;
        }
        if (end - p < 2)
            return NULL;
        if (p[1] == 'u') {
            if (end - p < 6)
                return NULL;
            for (i = 2; i < 6; i++)
                if (json_hex(p[i]) < 0)
                    return NULL;
            p += 6;
        } else if (p[1] && strchr("\"\\/bfnrt", p[1])) {
            p += 2;
        } else {
            return NULL;
        }
    }
    return NULL;
}

static const char *json_check_number(const char *p, const char *end)
{
    if (p < end && *p == '-')
        p++;
    if (p >= end || !json_digit(*p))
        return NULL;
    if (*p == '0')
        p++;
    else
        while (p < end && json_digit(*p))
            p++;
    if (p < end && *p == '.') {
        p++;
        if (p >= end || !json_digit(*p))
            return NULL;
        while (p < end && json_digit(*p))
            p++;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        if (p >= end || !json_digit(*p))
            return NULL;
        while (p < end && json_digit(*p))
            p++;
    }
    return p;
}

static const char *json_check_scalar(const char *p, const char *end)
{
    static const char *const word[] = {"true", "false", "null"};
    size_t i, n;

    if (*p == '"')
        return json_check_string(p, end);
    for (i = 0; i < sizeof word / sizeof *word; i++) {
        n = strlen(word[i]);
        if ((size_t)(end - p) >= n && memcmp(p, word[i], n) == 0)
            return p + n;
    }
    return json_check_number(p, end);
}

/* A member's name and its colon; gives the start of its value. */
static const char *json_check_key(const char *p, const char *end)
{
    p = json_skip_blanks(p, end);
    if (p >= end || *p != '"')
        return NULL;
    p = json_check_string(p, end);
    if (!p)
        return NULL;
    p = json_skip_blanks(p, end);
    return p < end && *p == ':' ? p + 1 : NULL;
}

/* Without recursion: bit d of objects tells whether level d is an object. */
static const char *json_check_value(const char *p, const char *end)
{
    uint64_t objects = 0;
    unsigned depth = 0;
    bool object;

    for (;;) {
        /* here a value must begin */
        p = json_skip_blanks(p, end);
        if (p >= end)
            return NULL;
        if (*p == '{' || *p == '[') {
            object = *p == '{';
            if (depth == WA_JSON_DEPTH_MAX)
                return NULL;
            objects = (objects & ~(UINT64_C(1) << depth)) | (uint64_t)object << depth;
            depth++;
            p = json_skip_blanks(p + 1, end);
            if (p >= end)
                return NULL;
            if (*p != (object ? '}' : ']')) {
                if (object && !(p = json_check_key(p, end)))
                    return NULL;
                continue;
            }
            p++;
            depth--;
        } else if (!(p = json_check_scalar(p, end))) {
            return NULL;
        }
        /* here a value has ended */
        for (;;) {
            if (depth == 0)
                return p;
            p = json_skip_blanks(p, end);
            if (p >= end)
                return NULL;
            object = objects >> (depth - 1) & 1;
            if (*p == ',') {
                p++;
                if (object && !(p = json_check_key(p, end)))
                    return NULL;
                break;
            }
            if (*p != (object ? '}' : ']'))
                return NULL;
            p++;
            depth--;
        }
    }
}

bool wa_json_check(struct hilo_str text, struct hilo_str *root_out)
{
    const char *p, *end, *start;

    if (text.n == 0)
        return false;
    end = text.p + text.n;
    start = json_skip_blanks(text.p, end);
    p = json_check_value(start, end);
    if (!p || json_skip_blanks(p, end) != end)
        return false;
    root_out->p = start;
    root_out->n = (uint64_t)(p - start);
    return true;
}
