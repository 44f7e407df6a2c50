/*
 * JSON members into a struct. One pass over the object; a table has at most 64 entries.
 * Everything is checked before a service sees it, so that a service's faults are about
 * the matter and not about the form.
 */
#include "api/fields.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/str.h"
#include "model/json.h"
#include "model/jsoncheck.h"
#include <stdio.h>
#include <string.h>

enum { POINTER = 160 };

/* at + "/" + name, with JSON pointer's escapes, cut to fit. */
static const char *fields__pointer(const char *at, const char *name, char out[POINTER])
{
    size_t n = 0;

    for (const char *p = at; *p && n + 1 < POINTER; p++)
        out[n++] = *p;
    if (n + 1 < POINTER)
        out[n++] = '/';
    for (const char *p = name; *p && n + 3 < POINTER; p++) {
        if (*p == '~' || *p == '/') {
            out[n++] = '~';
            out[n++] = *p == '~' ? '0' : '1';
        } else {
            out[n++] = *p;
        }
    }
    /* Never half of a character. */
    while (n > 0 && !str_utf8_valid(str_n(out, n)))
        n--;
    out[n] = 0;
    return out;
}

static int fields__bad(struct fault *f, const char *at, const struct field *d, const char *expected)
{
    char p[POINTER];

    return fault_set(f, 422, "invalid_field", fields__pointer(at, d->name, p), "%s: %s is expected", d->name,
                     expected);
}

static int fields__unknown(const char *name, const char *at, const struct field *table, unsigned n,
                           struct fault *f)
{
    char p[POINTER];
    const char *near = NULL;
    size_t best = 4;

    for (unsigned i = 0; i < n; i++) {
        size_t d = str_distance(str(table[i].name), str(name), best - 1);
        if (d < best && d < strlen(table[i].name)) {
            best = d;
            near = table[i].name;
        }
    }
    (void)fields__pointer(at, name, p);
    if (near)
        return fault_set(f, 422, "unknown_field", p, "unknown; did you mean \"%s\"?", near);
    return fault_set(f, 422, "unknown_field", p, "unknown; see /openapi.json for what is taken here");
}

static int fields__str(const cJSON *v, const char *at, const struct field *d, void *to, struct fault *f)
{
    struct hilo_str s = json_str(v);
    char expected[80];
    size_t n;

    if (!cJSON_IsString(v))
        return fields__bad(f, at, d, "a string");
    n = s.n > d->max ? str_utf8_count(s) : (size_t)s.n;
    if ((d->max && n > d->max) || s.n < d->min) {
        (void)snprintf(expected, sizeof expected, "a string of %llu to %llu characters",
                       (unsigned long long)d->min, (unsigned long long)d->max);
        return fields__bad(f, at, d, expected);
    }
    *(struct hilo_str *)to = s;
    return 0;
}

static int fields__u64(const cJSON *v, const char *at, const struct field *d, void *to, struct fault *f)
{
    char expected[80];
    uint64_t n;

    if (!cJSON_IsNumber(v) || !json_u64(v, &n) || n < d->min || n > d->max) {
        (void)snprintf(expected, sizeof expected, "a whole number from %llu to %llu",
                       (unsigned long long)d->min, (unsigned long long)d->max);
        return fields__bad(f, at, d, expected);
    }
    *(uint64_t *)to = n;
    return 0;
}

static int fields__duration(const cJSON *v, const char *at, const struct field *d, void *to, struct fault *f)
{
    char expected[120];
    int64_t us;

    if (!cJSON_IsString(v) || !clock_parse_duration(json_str(v), &us) || us < (int64_t)d->min ||
        us > (int64_t)d->max) {
        (void)snprintf(expected, sizeof expected, "an ISO 8601 duration (\"PT1H\") of %llu s to %llu days",
                       (unsigned long long)d->min / 1000000, (unsigned long long)(d->max / 86400000000));
        return fields__bad(f, at, d, expected);
    }
    *(int64_t *)to = us;
    return 0;
}

static int fields__value(const cJSON *v, const char *at, const struct field *d, void *to, struct fault *f)
{
    char expected[80];

    switch (d->type) {
    case FIELD_STR:
        return fields__str(v, at, d, to, f);
    case FIELD_U64:
        return fields__u64(v, at, d, to, f);
    case FIELD_DURATION:
        return fields__duration(v, at, d, to, f);
    case FIELD_TIME:
        if (cJSON_IsString(v) && clock_parse(json_str(v), to))
            return 0;
        return fields__bad(f, at, d, "a time as in \"2026-11-24T23:59:59Z\" (RFC 3339)");
    case FIELD_ID:
        if (cJSON_IsString(v) && id_parse(d->prefix, json_str(v), to))
            return 0;
        (void)snprintf(expected, sizeof expected, "an id, %s_ and 26 letters and digits,", d->prefix);
        return fields__bad(f, at, d, expected);
    case FIELD_BOOL:
        if (!cJSON_IsBool(v))
            return fields__bad(f, at, d, "true or false");
        *(bool *)to = cJSON_IsTrue(v);
        return 0;
    case FIELD_OBJECT:
        if (!cJSON_IsObject(v))
            return fields__bad(f, at, d, "an object");
        break;
    case FIELD_ARRAY:
        if (!cJSON_IsArray(v) || (uint64_t)cJSON_GetArraySize(v) > d->max) {
            (void)snprintf(expected, sizeof expected, "an array of at most %llu", (unsigned long long)d->max);
            return fields__bad(f, at, d, expected);
        }
        break;
    default:
        break;
    }
    *(const cJSON **)to = v;
    return 0;
}

int fields_read(const cJSON *object, const char *at, const struct field *table, unsigned n, void *dst,
                uint64_t *present_out, struct fault *f)
{
    const cJSON *v;
    uint64_t present = 0;
    char p[POINTER];

    if (!cJSON_IsObject(object))
        return fault_set(f, 422, "invalid_field", at, "an object is expected");
    cJSON_ArrayForEach(v, object)
    {
        unsigned i = 0;
        while (i < n && strcmp(table[i].name, v->string) != 0)
            i++;
        if (i == n)
            return fields__unknown(v->string, at, table, n, f);
        present |= UINT64_C(1) << i;
        if (cJSON_IsNull(v) && (table[i].flags & FIELD_NULL))
            continue;
        if (fields__value(v, at, &table[i], (char *)dst + table[i].offset, f) != 0)
            return -1;
    }
    for (unsigned i = 0; i < n; i++)
        if ((table[i].flags & FIELD_REQUIRED) && !(present & (UINT64_C(1) << i)))
            return fault_set(f, 422, "missing_field", fields__pointer(at, table[i].name, p), "%s is needed",
                             table[i].name);
    if (present_out)
        *present_out = present;
    return 0;
}

int fields_fault(struct fault *f, uint32_t status, const char *code, const char *at, const struct err *e)
{
    const char *text = e->text, *colon;
    char pointer[POINTER];
    size_t head = strlen(at);

    pointer[0] = 0;
    if (head < sizeof pointer)
        memcpy(pointer, at, head + 1);
    colon = text[0] == '/' ? strstr(text, ": ") : NULL;
    if (colon) {
        size_t n = (size_t)(colon - text);
        if (head + n < sizeof pointer) {
            memcpy(pointer + head, text, n);
            pointer[head + n] = 0;
        }
        text = colon + 2;
    }
    return fault_set(f, status, code, pointer, "%s", text);
}

int fields_body(struct request *rq, const cJSON **out, struct fault *f)
{
    struct hilo_str type = request_header(rq, "Content-Type");
    struct json_limits limits = {.bytes_max = (size_t)rq->body_max};
    const cJSON *tree;
    struct err e = {0};
    int32_t rc;

    if (!request_type_is(type, "application/json") && !request_type_is(type, "application/merge-patch+json"))
        return fault_set(f, 415, "unsupported_media_type", "",
                         "send a JSON object with Content-Type: application/json");
    rc = json_parse_in(rq->arena, buf_str(&rq->body), &limits, &e, &tree);
    if (rc == HILO_NOMEM)
        return fault_set(f, 503, "no_memory", "", "out of memory; try again later");
    if (rc != HILO_OK)
        return fields_fault(f, 400, "invalid_json", "", &e);
    if (!cJSON_IsObject(tree))
        return fault_set(f, 422, "invalid_field", "", "a JSON object is expected");
    *out = tree;
    return 0;
}
