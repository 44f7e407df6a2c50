/*
 * Building a JSON body with cJSON: the small pieces.
 *
 * cJSON keeps C strings, so a text with a NUL in it is refused rather than cut.
 * Numbers whose every digit counts are written as they are, not as a double.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "build.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void wa_build_fail(struct wa_build *b, int32_t code, const char *why)
{
    if (b->code == HILO_OK) {
        b->code = code;
        b->why = why;
    }
}

/* Puts item into an object or, without a name, into an array; takes it over. */
static cJSON *build_add(struct wa_build *b, cJSON *in, const char *name, cJSON *item)
{
    bool ok = item && (name ? cJSON_AddItemToObject(in, name, item) : cJSON_AddItemToArray(in, item));

    if (!ok) {
        cJSON_Delete(item);
        wa_build_fail(b, HILO_NOMEM, "no memory");
        return NULL;
    }
    return item;
}

cJSON *wa_build_object(struct wa_build *b, cJSON *in, const char *name)
{
    return b->code == HILO_OK ? build_add(b, in, name, cJSON_CreateObject()) : NULL;
}

cJSON *wa_build_array(struct wa_build *b, cJSON *in, const char *name)
{
    return b->code == HILO_OK ? build_add(b, in, name, cJSON_CreateArray()) : NULL;
}

void wa_build_text(struct wa_build *b, cJSON *in, const char *name, struct hilo_str s)
{
    char *z;

    if (b->code != HILO_OK)
        return;
    if (s.n && memchr(s.p, 0, s.n)) {
        wa_build_fail(b, HILO_INVALID, "a text holds a NUL character");
        return;
    }
    z = malloc(s.n + 1);
    if (!z) {
        wa_build_fail(b, HILO_NOMEM, "no memory");
        return;
    }
    if (s.n)
        memcpy(z, s.p, s.n);
    z[s.n] = 0;
    build_add(b, in, name, cJSON_CreateString(z));
    free(z);
}

void wa_build_raw(struct wa_build *b, cJSON *in, const char *name, struct hilo_str json)
{
    char *z;

    if (b->code != HILO_OK)
        return;
    z = malloc(json.n + 1);
    if (!z) {
        wa_build_fail(b, HILO_NOMEM, "no memory");
        return;
    }
    memcpy(z, json.p, json.n);
    z[json.n] = 0;
    build_add(b, in, name, cJSON_CreateRaw(z));
    free(z);
}

void wa_build_optional(struct wa_build *b, cJSON *in, const char *name, struct hilo_str s)
{
    if (s.n)
        wa_build_text(b, in, name, s);
}

void wa_build_word(struct wa_build *b, cJSON *in, const char *name, const char *word)
{
    if (b->code == HILO_OK)
        build_add(b, in, name, cJSON_CreateString(word));
}

void wa_build_bool(struct wa_build *b, cJSON *in, const char *name, bool v)
{
    if (b->code == HILO_OK)
        build_add(b, in, name, cJSON_CreateBool(v));
}

void wa_build_u64(struct wa_build *b, cJSON *in, const char *name, uint64_t v)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, v);
    if (b->code == HILO_OK)
        build_add(b, in, name, cJSON_CreateRaw(text));
}

/* Degrees with up to seven decimals, about a centimetre; never an exponent, and
 * with a point whatever the locale. */
static void build_degrees(struct wa_build *b, cJSON *in, const char *name, double degrees, double limit,
                          bool number)
{
    char text[32];
    long long e7;
    int n;

    if (b->code != HILO_OK)
        return;
    if (!(fabs(degrees) <= limit)) {
        wa_build_fail(b, HILO_INVALID, "a latitude or longitude is not on the globe");
        return;
    }
    e7 = llround(fabs(degrees) * 1e7);
    n = snprintf(text, sizeof text, "%s%lld.%07lld", degrees < 0 && e7 ? "-" : "", e7 / 10000000,
                 e7 % 10000000);
    while (n > 0 && text[n - 1] == '0' && text[n - 2] != '.')
        text[--n] = 0;
    build_add(b, in, name, number ? cJSON_CreateRaw(text) : cJSON_CreateString(text));
}

static void build_place(struct wa_build *b, cJSON *in, struct hilo_str group, uint32_t latitude,
                        uint32_t longitude, bool number)
{
    struct hilo_str v;

    if (!hilo_find(group, latitude, &v) || !hilo_find(group, longitude, &v)) {
        wa_build_fail(b, HILO_INVALID, "a location has no latitude or no longitude");
        return;
    }
    build_degrees(b, in, "latitude", hilo_get_f64(group, latitude), 90, number);
    build_degrees(b, in, "longitude", hilo_get_f64(group, longitude), 180, number);
}

void wa_build_place(struct wa_build *b, cJSON *in, struct hilo_str group, uint32_t latitude,
                    uint32_t longitude)
{
    build_place(b, in, group, latitude, longitude, false);
}

void wa_build_coordinates(struct wa_build *b, cJSON *in, struct hilo_str group, uint32_t latitude,
                          uint32_t longitude)
{
    build_place(b, in, group, latitude, longitude, true);
}

void wa_build_media(struct wa_build *b, cJSON *in, struct hilo_id media, struct hilo_str ext_media,
                    struct hilo_str url)
{
    static const struct hilo_id none;
    const char *id;

    if (b->code != HILO_OK)
        return;
    if (memcmp(&media, &none, sizeof none) != 0) {
        id = b->with->media ? b->with->media(b->with->arg, media) : NULL;
        if (id) {
            wa_build_word(b, in, "id", id);
        } else {
            b->need = media;
            wa_build_fail(b, HILO_AGAIN, "a media has to be uploaded first");
        }
    } else if (ext_media.n) {
        wa_build_text(b, in, "id", ext_media);
    } else if (url.n) {
        wa_build_text(b, in, "link", url);
    } else {
        wa_build_fail(b, HILO_INVALID, "a media has neither a file nor a URL");
    }
}

int32_t wa_build_done(struct wa_build *b, cJSON *root, bool echoed, struct wa_encoded *out, const char *url,
                      ...)
{
    char *body = NULL, *to = NULL;
    va_list ap;
    int n;

    if (b->code == HILO_OK && !(body = cJSON_PrintUnformatted(root)))
        wa_build_fail(b, HILO_NOMEM, "no memory");
    cJSON_Delete(root);
    if (b->code == HILO_OK) {
        to = malloc(WA_URL_MAX);
        va_start(ap, url);
        n = to ? vsnprintf(to, WA_URL_MAX, url, ap) : 0;
        va_end(ap);
        if (!to)
            wa_build_fail(b, HILO_NOMEM, "no memory");
        else if (n < 0 || n >= WA_URL_MAX)
            wa_build_fail(b, HILO_CONFIG, "base_url is too long");
    }
    memset(out, 0, sizeof *out);
    out->echoed = echoed;
    out->need = b->need;
    out->why = b->why;
    out->url = to;
    out->body = body;
    if (b->code != HILO_OK)
        wa_encoded_done(out);
    return b->code;
}
