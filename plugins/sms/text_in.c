/*
 * UTF-8 mended, JSON by cJSON, forms.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "text_in.h"

#include <hilo/segment.h>
#include <stdlib.h>
#include <string.h>

size_t sms_utf8_mend(const char *text, size_t n, char *out)
{
    const uint8_t *p = (const uint8_t *)text, *end = n ? p + n : p;
    uint32_t len;
    size_t at = 0;

    for (; p < end; p += len) {
        uint32_t cp = hilo__utf8(p, end, &len);

        if (cp == UINT32_MAX || cp == 0) {
            memcpy(out + at, "\xef\xbf\xbd", 3);
            at += 3;
        } else {
            memcpy(out + at, p, len);
            at += len;
        }
    }
    return at;
}

/* ---- JSON -------------------------------------------------------------------------------------- */

/* The unit of \uXXXX at p; UINT32_MAX: there is no such escape. */
static uint32_t json_unit(const char *p, const char *end)
{
    uint32_t unit = 0;
    unsigned i;

    if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return UINT32_MAX;
    for (i = 2; i < 6; i++) {
        char c = p[i];

        if (c >= '0' && c <= '9')
            unit = unit << 4 | (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            unit = unit << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return UINT32_MAX;
    }
    return unit;
}

/* An escape is as long as that of U+FFFD. */
static void json_mend(char *p, const char *end)
{
    uint32_t unit, low;

    for (; p < end; p++) {
        if (*p != '\\')
            continue;
        unit = json_unit(p, end);
        if (unit == UINT32_MAX) {
            p++; /* another escape: its second character begins none */
            continue;
        }
        low = json_unit(p + 6, end);
        if (unit >= 0xd800 && unit < 0xdc00 && low >= 0xdc00 && low < 0xe000)
            p += 6;
        else if (unit == 0 || (unit >= 0xd800 && unit < 0xe000))
            memcpy(p, "\\ufffd", 6);
        p += 5;
    }
}

cJSON *sms_json_read(struct hilo_str text)
{
    char *copy = text.n <= SIZE_MAX / 4 ? malloc((size_t)text.n * 3 + 1) : NULL;
    cJSON *root;
    size_t n;

    if (!copy)
        return NULL;
    n = sms_utf8_mend(text.p, (size_t)text.n, copy);
    json_mend(copy, copy + n);
    copy[n] = '\0';
    root = cJSON_ParseWithLengthOpts(copy, n + 1, NULL, true);
    free(copy);
    return root;
}

struct hilo_str sms_json_text(const cJSON *object, const char *name)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    struct hilo_str r = {s, s ? strlen(s) : 0};

    return r;
}

int64_t sms_json_int(const cJSON *object, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, name);
    double d = cJSON_IsNumber(v) ? v->valuedouble : -1;

    return d >= 0 && d <= INT32_MAX && (double)(int64_t)d == d ? (int64_t)d : -1;
}

/* ---- forms --------------------------------------------------------------------------------------- */

struct hilo_str sms_split(struct hilo_str *rest, char c)
{
    struct hilo_str head = *rest;
    const char *at = rest->n ? memchr(rest->p, c, (size_t)rest->n) : NULL;

    if (at) {
        head.n = (uint64_t)(at - rest->p);
        rest->p = at + 1;
        rest->n -= head.n + 1;
    } else {
        rest->n = 0;
    }
    return head;
}

static int form_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct hilo_str form_decode(struct hilo_str s, char **at)
{
    struct hilo_str out = {*at, 0};
    uint64_t i;

    for (i = 0; i < s.n; i++) {
        if (s.p[i] == '%' && i + 2 < s.n && form_hex(s.p[i + 1]) >= 0 && form_hex(s.p[i + 2]) >= 0) {
            *(*at)++ = (char)(form_hex(s.p[i + 1]) << 4 | form_hex(s.p[i + 2]));
            i += 2;
        } else {
            *(*at)++ = s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    out.n = (uint64_t)(*at - out.p);
    return out;
}

int32_t sms_form_read(struct hilo_str text, struct sms_form *out)
{
    struct hilo_str pair, name;
    char *at;

    out->n = 0;
    at = out->bytes = malloc((size_t)text.n + 1);
    if (!at)
        return HILO_NOMEM;
    while (text.n) {
        pair = sms_split(&text, '&');
        if (pair.n == 0)
            continue;
        if (out->n == SMS_FORM_MAX)
            return HILO_INVALID;
        name = sms_split(&pair, '=');
        out->pair[out->n].key = form_decode(name, &at);
        out->pair[out->n++].val = form_decode(pair, &at);
    }
    return HILO_OK;
}

void sms_form_done(struct sms_form *form)
{
    free(form->bytes);
    form->bytes = NULL;
    form->n = 0;
}

struct hilo_str sms_form_get(const struct sms_form *form, const char *name)
{
    struct hilo_str none = {NULL, 0};
    size_t n = strlen(name);
    unsigned i;

    for (i = 0; i < form->n; i++)
        if (form->pair[i].key.n == n && memcmp(form->pair[i].key.p, name, n) == 0)
            return form->pair[i].val;
    return none;
}
