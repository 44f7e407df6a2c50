/*
 * An array. The secret is never kept, so a stolen store opens nothing; its hash needs no salt, as 96
 * random bits are in no dictionary. SPDX-License-Identifier: Apache-2.0
 */
#include "enroll.h"
#include "json.h"
#include "text.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pos_secret_hash(const uint8_t secret[POS_CODE_SECRET], uint8_t out[32])
{
    if (EVP_Digest(secret, POS_CODE_SECRET, out, NULL, EVP_sha256(), NULL) != 1)
        abort();
}

static void drop_at(struct pos_enrollments *e, unsigned i)
{
    e->list[i] = e->list[--e->n];
}

void pos_enrollments_expire(struct pos_enrollments *e, int64_t now_us)
{
    unsigned i = 0;

    while (i < e->n)
        if (e->list[i].expires_us <= now_us)
            drop_at(e, i);
        else
            i++;
}

struct pos_enrollment *pos_enrollments_find(struct pos_enrollments *e, const uint8_t secret[POS_CODE_SECRET],
                                            const uint8_t *key, int64_t now_us)
{
    struct pos_enrollment *found = NULL;
    uint8_t hash[32];
    unsigned i;

    pos_secret_hash(secret, hash);
    for (i = 0; i < e->n; i++)
        if (CRYPTO_memcmp(e->list[i].hash, hash, sizeof hash) == 0)
            found = &e->list[i];
    if (found && (found->expires_us <= now_us ||
                  (found->used && key && memcmp(found->used_key, key, POS_CA_KEY) != 0)))
        found = NULL;
    return found;
}

struct pos_enrollment *pos_enrollments_by_id(struct pos_enrollments *e, const char *id)
{
    unsigned i;

    for (i = 0; i < e->n; i++)
        if (strcmp(e->list[i].id, id) == 0)
            return &e->list[i];
    return NULL;
}

struct pos_enrollment *pos_enrollments_of(struct pos_enrollments *e, const char *store, const char *terminal)
{
    unsigned i;

    for (i = 0; i < e->n; i++)
        if (strcmp(e->list[i].store, store) == 0 && strcmp(e->list[i].terminal, terminal) == 0)
            return &e->list[i];
    return NULL;
}

bool pos_enrollments_add(struct pos_enrollments *e, const struct pos_enrollment *one)
{
    if (e->n == e->cap) {
        unsigned cap = e->cap ? 2 * e->cap : 16;
        struct pos_enrollment *list = realloc(e->list, cap * sizeof *list);

        if (!list)
            return false;
        e->list = list;
        e->cap = cap;
    }
    e->list[e->n++] = *one;
    return true;
}

void pos_enrollments_done(struct pos_enrollments *e)
{
    free(e->list);
    memset(e, 0, sizeof *e);
}

unsigned pos_enrollment_page(const struct pos_enrollment *x)
{
    return x->hash[0] % POS_ENROLLMENT_PAGES;
}

unsigned pos_enrollments_on_page(const struct pos_enrollments *e, unsigned page)
{
    unsigned i, n = 0;

    for (i = 0; i < e->n; i++)
        n += pos_enrollment_page(&e->list[i]) == page;
    return n;
}

void pos_enrollments_drop(struct pos_enrollments *e, const char *id)
{
    unsigned i;

    for (i = 0; i < e->n; i++)
        if (strcmp(e->list[i].id, id) == 0) {
            drop_at(e, i);
            return;
        }
}

/* ---- in its key -----------------------------------------------------------------------------------------
 */

static bool add_hex(cJSON *to, const char *name, const uint8_t bytes[32])
{
    char text[65];

    pos_ca_hex(bytes, 32, text);
    return cJSON_AddStringToObject(to, name, text) != NULL;
}

static bool write_one(cJSON *list, const struct pos_enrollment *x)
{
    cJSON *one = cJSON_CreateObject();

    return one && cJSON_AddItemToArray(list, one) && cJSON_AddStringToObject(one, "id", x->id) &&
           cJSON_AddStringToObject(one, "store", x->store) &&
           cJSON_AddStringToObject(one, "terminal", x->terminal) &&
           cJSON_AddStringToObject(one, "role", pos_role_name(x->role)) && add_hex(one, "hash", x->hash) &&
           (!x->used || add_hex(one, "used_key", x->used_key)) &&
           cJSON_AddNumberToObject(one, "created", (double)x->created_us) &&
           cJSON_AddNumberToObject(one, "expires", (double)x->expires_us) &&
           cJSON_AddStringToObject(one, "by", x->by);
}

char *pos_enrollments_write(const struct pos_enrollments *e, unsigned page, const struct pos_enrollment *more,
                            const char *but)
{
    cJSON *json = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(json, "list");
    bool whole = list != NULL;
    char *text = NULL;
    unsigned i;

    for (i = 0; i < e->n && whole; i++) {
        const struct pos_enrollment *x = &e->list[i];

        if (pos_enrollment_page(x) == page && (!but || strcmp(x->id, but) != 0) &&
            (!more || strcmp(x->id, more->id) != 0))
            whole = write_one(list, x);
    }
    if (whole && more)
        whole = write_one(list, more);
    if (whole)
        text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    return text;
}

static bool read_hex32(const char *s, uint8_t out[32])
{
    unsigned i, byte;

    if (!s || strlen(s) != 64 || strspn(s, "0123456789abcdef") != 64)
        return false;
    for (i = 0; i < 32; i++) {
        if (sscanf(s + (size_t)2 * i, "%2x", &byte) != 1)
            return false;
        out[i] = (uint8_t)byte;
    }
    return true;
}

static bool read_text(const cJSON *from, const char *name, char *out, size_t cap)
{
    const char *s = pos_json_text(from, name);

    return s && (size_t)snprintf(out, cap, "%s", s) < cap;
}

static bool read_one(const cJSON *from, struct pos_enrollment *x)
{
    char role[16];
    const char *used = pos_json_text(from, "used_key");

    if (!read_text(from, "id", x->id, sizeof x->id) || !read_text(from, "store", x->store, sizeof x->store) ||
        !read_text(from, "terminal", x->terminal, sizeof x->terminal) ||
        !read_text(from, "role", role, sizeof role) || !read_text(from, "by", x->by, sizeof x->by) ||
        !read_hex32(pos_json_text(from, "hash"), x->hash) || !pos_json_int(from, "created", &x->created_us) ||
        !pos_json_int(from, "expires", &x->expires_us))
        return false;
    x->used = used != NULL;
    x->role = pos_role_of((struct hilo_str){role, strlen(role)});
    return x->role != POS_ROLE_NONE && (!used || read_hex32(used, x->used_key));
}

bool pos_enrollments_read(struct hilo_str text, struct pos_enrollments *e)
{
    cJSON *json = cJSON_ParseWithLength(text.p, text.n);
    const cJSON *list = pos_json_get(json, "list"), *one;
    bool ok = cJSON_IsArray(list);

    cJSON_ArrayForEach(one, list)
    {
        struct pos_enrollment x = {0};

        ok = ok && read_one(one, &x) && pos_enrollments_add(e, &x);
    }
    cJSON_Delete(json);
    return ok;
}

cJSON *pos_enrollment_shape(const struct pos_enrollment *x)
{
    cJSON *json = cJSON_CreateObject();
    char created[POS_TEXT_TIME], expires[POS_TEXT_TIME];

    pos_text_of_time(created, x->created_us);
    pos_text_of_time(expires, x->expires_us);
    if (json && cJSON_AddStringToObject(json, "id", x->id) &&
        cJSON_AddStringToObject(json, "store", x->store) &&
        cJSON_AddStringToObject(json, "terminal", x->terminal) &&
        cJSON_AddStringToObject(json, "role", pos_role_name(x->role)) &&
        cJSON_AddStringToObject(json, "state", x->used ? "used" : "open") &&
        cJSON_AddStringToObject(json, "created", created) &&
        cJSON_AddStringToObject(json, "created_by", x->by) &&
        cJSON_AddStringToObject(json, "expires", expires))
        return json;
    cJSON_Delete(json);
    return NULL;
}

void pos_enroll_address(struct hilo_str text, char out[48])
{
    unsigned char six[16];
    char z[INET6_ADDRSTRLEN];

    (void)snprintf(out, 48, "%.*s", (int)(text.n < 47 ? text.n : 47), text.n ? text.p : "");
    if (text.n == 0 || text.n >= sizeof z)
        return;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    if (inet_pton(AF_INET6, z, six) != 1)
        return;
    if (memcmp(six, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0) {
        (void)inet_ntop(AF_INET, six + 12, out, 48);
        return;
    }
    memset(six + 8, 0, 8);
    (void)inet_ntop(AF_INET6, six, out, 48);
}
