/*
 * Reads JSON in place.
 *
 * Why not only cJSON, which this plugin uses to write: a message of a type that
 * Hilo does not know must be kept byte for byte (a tree loses the digits of large
 * numbers and everything after an escaped NUL), and one half of a surrogate pair
 * in somebody's profile name must not make the whole batch unreadable.
 *
 * The functions here walk what wa_json_check (json_check.c) accepted, and stay
 * within bounds whatever they are given.
 * Limit: a key with escapes is compared only up to 64 bytes.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "json.h"

#include "json_chars.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

/* ---- walking ----------------------------------------------------------------------- */

static const char *json_skip_string(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\' && p + 1 < end)
            p++;
    return p < end ? p + 1 : end;
}

/* p is at { or [. Who looks for one member skips all that is before it, at each level
 * again: this loop is most of what reading a delivery costs. */
static const char *json_skip_container(const char *p, const char *end)
{
    static const bool stop[256] = {['"'] = 1, ['{'] = 1, ['['] = 1, ['}'] = 1, [']'] = 1};
    size_t depth = 0;

    for (;;) {
        while (p < end && !stop[(unsigned char)*p])
            p++;
        if (p == end)
            return end;
        if (*p == '"') {
            p = json_skip_string(p, end);
            continue;
        }
        depth += *p == '{' || *p == '[' ? 1 : (size_t)-1;
        p++;
        if (depth == 0)
            return p;
    }
}

/* The end of the value at p; p if there is none. */
static const char *json_skip_value(const char *p, const char *end)
{
    static const bool after[256] = {
        [','] = 1, [':'] = 1, [']'] = 1, ['}'] = 1, [' '] = 1, ['\t'] = 1, ['\n'] = 1, ['\r'] = 1};

    if (p == end)
        return end;
    if (*p == '"')
        return json_skip_string(p, end);
    if (*p == '{' || *p == '[')
        return json_skip_container(p, end);
    while (p < end && !after[(unsigned char)*p])
        p++;
    return p;
}

enum wa_json_type wa_json_type(struct hilo_str value)
{
    if (value.n == 0)
        return WA_JSON_NONE;
    switch (value.p[0]) {
    case '{':
        return WA_JSON_OBJECT;
    case '[':
        return WA_JSON_ARRAY;
    case '"':
        return WA_JSON_STRING;
    case 't':
    case 'f':
        return WA_JSON_BOOL;
    case 'n':
        return WA_JSON_NULL;
    default:
        return WA_JSON_NUMBER;
    }
}

struct hilo_str wa_json_inside(struct hilo_str value)
{
    struct hilo_str in = {NULL, 0};

    if (value.n >= 2 && (value.p[0] == '{' || value.p[0] == '[')) {
        in.p = value.p + 1;
        in.n = value.n - 2;
    }
    return in;
}

bool wa_json_item(struct hilo_str *rest, struct hilo_str *item_out)
{
    const char *p, *end, *stop;

    if (rest->n == 0)
        return false;
    end = rest->p + rest->n;
    p = json_skip_blanks(rest->p, end);
    if (p < end && *p == ',')
        p = json_skip_blanks(p + 1, end);
    stop = json_skip_value(p, end);
    if (stop == p)
        return false;
    item_out->p = p;
    item_out->n = (uint64_t)(stop - p);
    rest->p = stop;
    rest->n = (uint64_t)(end - stop);
    return true;
}

bool wa_json_member(struct hilo_str *rest, struct hilo_str *key_out, struct hilo_str *value_out)
{
    struct hilo_str r = *rest, key, value;
    const char *p, *end;

    if (!wa_json_item(&r, &key) || key.n < 2 || key.p[0] != '"')
        return false;
    end = r.p + r.n;
    p = json_skip_blanks(r.p, end);
    if (p >= end || *p != ':')
        return false;
    r.p = p + 1;
    r.n = (uint64_t)(end - r.p);
    if (!wa_json_item(&r, &value))
        return false;
    key_out->p = key.p + 1;
    key_out->n = key.n - 2;
    *value_out = value;
    *rest = r;
    return true;
}

/* Appends a code point as UTF-8. */
static char *json_put_utf8(char *o, uint32_t c)
{
    if (c < 0x80) {
        *o++ = (char)c;
    } else if (c < 0x800) {
        *o++ = (char)(0xc0 | c >> 6);
        *o++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *o++ = (char)(0xe0 | c >> 12);
        *o++ = (char)(0x80 | (c >> 6 & 0x3f));
        *o++ = (char)(0x80 | (c & 0x3f));
    } else {
        *o++ = (char)(0xf0 | c >> 18);
        *o++ = (char)(0x80 | (c >> 12 & 0x3f));
        *o++ = (char)(0x80 | (c >> 6 & 0x3f));
        *o++ = (char)(0x80 | (c & 0x3f));
    }
    return o;
}

/* The four hex digits of \uXXXX at p, or 0x110000, which is no character. */
static uint32_t json_unit(const char *p, const char *end)
{
    uint32_t c = 0;
    int i, h;

    if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return 0x110000;
    for (i = 2; i < 6; i++) {
        h = json_hex(p[i]);
        if (h < 0)
            return 0x110000;
        c = c << 4 | (uint32_t)h;
    }
    return c;
}

/* Decodes what is between the quotes; out has room for n bytes: no escape is
 * shorter than what it stands for. */
static size_t json_decode(const char *p, size_t n, char *out)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *end = p + n, *at;
    char *o = out;
    uint32_t c, low;

    while (p < end) {
        if (*p != '\\') {
            *o++ = *p++;
            continue;
        }
        c = json_unit(p, end);
        if (c < 0x110000) {
            p += 6;
            if (c >= 0xd800 && c < 0xdc00) {
                low = json_unit(p, end);
                if (low >= 0xdc00 && low < 0xe000) {
                    c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                    p += 6;
                }
            }
            if (c == 0 || (c >= 0xd800 && c < 0xe000))
                c = 0xfffd;
            o = json_put_utf8(o, c);
            continue;
        }
        if (++p == end)
            break;
        at = *p ? strchr(from, *p) : NULL;
        *o++ = at ? to[at - from] : *p;
        p++;
    }
    return (size_t)(o - out);
}

bool wa_json_key_is(struct hilo_str key, const char *name)
{
    char buf[64];
    size_t n = strlen(name);

    if (key.n && memchr(key.p, '\\', key.n)) {
        if (key.n > sizeof buf)
            return false;
        key.n = json_decode(key.p, key.n, buf);
        key.p = buf;
    }
    return key.n == n && memcmp(key.p, name, n) == 0;
}

struct hilo_str wa_json_get(struct hilo_str object, const char *name)
{
    struct hilo_str rest, key, value, none = {NULL, 0};

    if (wa_json_type(object) != WA_JSON_OBJECT)
        return none;
    rest = wa_json_inside(object);
    while (wa_json_member(&rest, &key, &value))
        if (wa_json_key_is(key, name))
            return value;
    return none;
}

void wa_json_take(struct hilo_str object, const char *const *name, struct hilo_str *value, size_t n)
{
    struct hilo_str rest, key, v;
    size_t i, left = n;

    memset(value, 0, n * sizeof *value);
    if (wa_json_type(object) != WA_JSON_OBJECT)
        return;
    rest = wa_json_inside(object);
    while (left > 0 && wa_json_member(&rest, &key, &v))
        for (i = 0; i < n; i++)
            if (value[i].n == 0 && wa_json_key_is(key, name[i])) {
                value[i] = v;
                left--;
                break;
            }
}

struct hilo_str wa_json_text(struct hilo_str value, char *scratch)
{
    struct hilo_str s = {NULL, 0};

    if (value.n < 2 || value.p[0] != '"')
        return s;
    s.p = value.p + 1;
    s.n = value.n - 2;
    if (s.n && memchr(s.p, '\\', s.n)) {
        s.n = json_decode(s.p, s.n, scratch);
        s.p = scratch;
    }
    return s;
}

bool wa_json_is(struct hilo_str value, const char *text)
{
    size_t n = strlen(text);

    return value.n == n + 2 && value.p[0] == '"' && memcmp(value.p + 1, text, n) == 0;
}

bool wa_json_u64(struct hilo_str value, uint64_t *out)
{
    uint64_t v = 0, i;

    if (wa_json_type(value) == WA_JSON_STRING) {
        value.p++;
        value.n -= 2;
    }
    if (value.n == 0 || value.n > 19) /* 19 digits always fit */
        return false;
    for (i = 0; i < value.n; i++) {
        if (!json_digit(value.p[i]))
            return false;
        v = v * 10 + (uint64_t)(value.p[i] - '0');
    }
    *out = v;
    return true;
}

bool wa_json_f64(struct hilo_str value, double *out)
{
    cJSON *n; /* reads the point whatever the locale */
    bool ok;

    if (wa_json_type(value) != WA_JSON_NUMBER || value.n > 40)
        return false;
    n = cJSON_ParseWithLength(value.p, value.n);
    ok = n && cJSON_IsNumber(n) && isfinite(n->valuedouble);
    if (ok)
        *out = n->valuedouble;
    cJSON_Delete(n);
    return ok;
}

uint64_t wa_json_word(struct hilo_str value, const struct wa_word *table, uint64_t absent)
{
    for (; table->word; table++)
        if (wa_json_is(value, table->word))
            return table->value;
    return absent;
}
