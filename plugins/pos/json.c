/*
 * The tree: doubled keys, which the scan can't see for escapes, and getting at members.
 *
 * Doubled keys are looked for pairwise in small objects, by sorting in large ones. A hash would need
 * a secret to be safe from chosen keys; sorting does not.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "json.h"

#include <stdlib.h>
#include <string.h>

enum { FEW_KEYS = 12 };

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* 1: there are two equal ones; -1: no memory to see. */
static int doubled_sorted(const cJSON *object, size_t n)
{
    const char **key = calloc(n, sizeof *key);
    const cJSON *m;
    size_t i = 0;
    int found = 0;

    if (!key)
        return -1;
    cJSON_ArrayForEach(m, object) key[i++] = m->string;
    qsort(key, n, sizeof *key, by_text);
    for (i = 1; i < n && !found; i++)
        found = strcmp(key[i - 1], key[i]) == 0;
    free(key);
    return found;
}

static int doubled_here(const cJSON *object)
{
    const cJSON *m, *other;
    size_t n = 0;

    cJSON_ArrayForEach(m, object) n++;
    if (n > FEW_KEYS)
        return doubled_sorted(object, n);
    cJSON_ArrayForEach(m,
                       object) for (other = m->next; other;
                                    other = other->next) if (strcmp(m->string, other->string) == 0) return 1;
    return 0;
}

/* As deep as the scan let it be. */
static int doubled(const cJSON *value)
{
    int found = cJSON_IsObject(value) ? doubled_here(value) : 0;
    const cJSON *m;

    for (m = value->child; m && !found; m = m->next)
        if (m->child)
            found = doubled(m);
    return found;
}

cJSON *pos_json_parse(struct hilo_str text, unsigned depth, const char **reason)
{
    cJSON *root;
    int found;

    *reason = pos_json_check(text, depth);
    if (*reason)
        return NULL;
    root = cJSON_ParseWithLength(text.p, text.n);
    if (!root) {
        *reason = "memory";
        return NULL;
    }
    found = doubled(root);
    if (found) {
        *reason = found > 0 ? "duplicate_key" : "memory";
        cJSON_Delete(root);
        return NULL;
    }
    return root;
}

const cJSON *pos_json_get(const cJSON *object, const char *name)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const char *pos_json_text(const cJSON *object, const char *name)
{
    const cJSON *m = pos_json_get(object, name);

    return cJSON_IsString(m) ? m->valuestring : NULL;
}

bool pos_json_int(const cJSON *object, const char *name, int64_t *out)
{
    const cJSON *m = pos_json_get(object, name);

    if (!cJSON_IsNumber(m) ||
        !(m->valuedouble >= -9007199254740992.0 && m->valuedouble <= 9007199254740992.0) ||
        (double)(int64_t)m->valuedouble != m->valuedouble)
        return false;
    *out = (int64_t)m->valuedouble;
    return true;
}

bool pos_json_copy(cJSON *to, const cJSON *from, const char *name, const char *as)
{
    const cJSON *m = pos_json_get(from, name);
    cJSON *copy;

    if (!m)
        return true;
    copy = cJSON_Duplicate(m, true);
    if (copy && cJSON_AddItemToObject(to, as, copy))
        return true;
    cJSON_Delete(copy);
    return false;
}
