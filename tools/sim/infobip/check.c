/* Bodies against tables: every member is known, of its kind, within its length, and there if it must be. */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH = 160 };

void violate(struct check *c, const char *property, const char *format, ...)
{
    char text[256];
    va_list ap;
    cJSON *v = must(cJSON_CreateObject());

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    cJSON_AddStringToObject(v, "property", property);
    cJSON_AddStringToObject(v, "violation", text);
    cJSON_AddItemToArray(c->violations, v);
}

static void check_text(struct check *c, const cJSON *v, const char *path, const struct field *f)
{
    size_t n;

    if (!cJSON_IsString(v)) {
        violate(c, path, "must be a string");
        return;
    }
    n = count_chars(v->valuestring);
    if (f->words) {
        for (const char *const *w = f->words; *w; w++)
            if (!strcmp(*w, v->valuestring))
                return;
        violate(c, path, "is not one of the allowed values");
    } else if (n < (size_t)f->min || n > (size_t)f->max) {
        violate(c, path, "size must be between %ld and %ld", f->min, f->max);
    }
}

static void check_url(struct check *c, const cJSON *v, const char *path)
{
    const char *s = cJSON_GetStringValue(v), *rest;

    if (!s || (strncmp(s, "http://", 7) != 0 && strncmp(s, "https://", 8) != 0)) {
        violate(c, path, "must be a valid URL starting with https:// or http://");
        return;
    }
    rest = strchr(s, ':') + 3;
    if (!*rest || *rest == '/' || strpbrk(s, " \t\r\n\"<>") || strlen(s) > 2048)
        violate(c, path, "must be a valid URL of at most 2048 characters");
}

static void check_variant(struct check *c, const cJSON *v, const char *path, const struct variant *variants)
{
    const char *type = member(v, "type");

    for (; type && variants->type; variants++) {
        if (strcmp(variants->type, type) != 0)
            continue;
        check_object(c, v, path, variants->of);
        return;
    }
    violate(c, path, "must be an object of a known type");
}

static void check_list(struct check *c, const cJSON *v, const char *path, const struct field *f)
{
    const cJSON *item;
    char at[PATH];
    int i = 0, n = cJSON_GetArraySize(v);

    if (!cJSON_IsArray(v)) {
        violate(c, path, "must be an array");
        return;
    }
    if (n < f->min || n > f->max)
        violate(c, path, "size must be between %ld and %ld", f->min, f->max);
    cJSON_ArrayForEach(item, v)
    {
        snprintf(at, sizeof at, "%.120s[%d]", path, i++);
        if (f->kind == F_VARIANTS)
            check_variant(c, item, at, f->variants);
        else if (f->of->key)
            check_object(c, item, at, f->of);
        else
            check_text(c, item, at, f->of);
    }
}

static void check_field(struct check *c, const cJSON *v, const char *path, const struct field *f)
{
    switch (f->kind) {
    case F_TEXT:
        check_text(c, v, path, f);
        break;
    case F_URL:
        check_url(c, v, path);
        break;
    case F_NUMBER:
        if (!cJSON_IsNumber(v) || !(v->valuedouble >= (double)f->min && v->valuedouble <= (double)f->max))
            violate(c, path, "must be a number between %ld and %ld", f->min, f->max);
        break;
    case F_BOOL:
        if (!cJSON_IsBool(v))
            violate(c, path, "must be a boolean");
        break;
    case F_OBJECT:
        if (f->of)
            check_object(c, v, path, f->of);
        else if (!cJSON_IsObject(v))
            violate(c, path, "must be an object");
        break;
    case F_VARIANT:
        check_variant(c, v, path, f->variants);
        break;
    case F_LIST:
    case F_VARIANTS:
        check_list(c, v, path, f);
        break;
    }
}

void check_object(struct check *c, const cJSON *object, const char *path, const struct field *fields)
{
    const struct field *f;
    const cJSON *v;
    char at[PATH];
    uint64_t seen = 0;

    if (!cJSON_IsObject(object)) {
        violate(c, *path ? path : "body", "must be an object");
        return;
    }
    cJSON_ArrayForEach(v, object)
    {
        snprintf(at, sizeof at, "%.100s%s%.50s", path, *path ? "." : "", v->string);
        for (f = fields; f->key && strcmp(f->key, v->string) != 0; f++)
            ;
        if (!f->key)
            violate(c, at, "is not a known property");
        else if (seen >> (f - fields) & 1)
            violate(c, at, "is there twice");
        else
            check_field(c, v, at, f);
        if (f->key)
            seen |= UINT64_C(1) << (f - fields);
    }
    for (f = fields; f->key; f++) {
        if (!f->need || (seen >> (f - fields) & 1))
            continue;
        snprintf(at, sizeof at, "%.100s%s%.50s", path, *path ? "." : "", f->key);
        violate(c, at, "must not be null");
    }
}
