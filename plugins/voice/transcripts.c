/*
 * [["msg_01J…","es",2],…]
 * SPDX-License-Identifier: Apache-2.0
 */
#include "transcripts.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

/* How long after the first, second … failure. */
static const int64_t transcripts_wait_us[TRANSCRIPTS_TRIES] = {
    30000000, 120000000, 600000000, 1800000000, 3600000000, 3 * 3600000000, 6 * 3600000000, 12 * 3600000000};

enum transcripts_added transcripts_add(struct transcripts *l, struct hilo_str message,
                                       enum say_language language)
{
    struct transcript *t = &l->item[l->n];
    struct hilo_id id;
    char text[ID_TEXT_MAX];

    if (!id_read("msg", message, &id))
        return TRANSCRIPTS_NO_ID;
    id_write("msg", id, text);
    if (transcripts_find(l, text))
        return TRANSCRIPTS_KNOWN;
    if (l->n == TRANSCRIPTS_MAX)
        return TRANSCRIPTS_FULL;
    memset(t, 0, sizeof *t);
    memcpy(t->message, text, sizeof t->message);
    t->language = language;
    l->n++;
    return TRANSCRIPTS_ADDED;
}

struct transcript *transcripts_find(struct transcripts *l, const char *message)
{
    uint32_t i;

    for (i = 0; i < l->n; i++)
        if (strcmp(l->item[i].message, message) == 0)
            return &l->item[i];
    return NULL;
}

void transcripts_remove(struct transcripts *l, const char *message)
{
    struct transcript *t = transcripts_find(l, message);

    if (!t)
        return;
    l->n--;
    memmove(t, t + 1, (size_t)(&l->item[l->n] - t) * sizeof *t);
}

bool transcripts_again(struct transcripts *l, const char *message, int64_t now_us)
{
    struct transcript *t = transcripts_find(l, message);

    if (!t)
        return false;
    t->running = false;
    if (++t->tries >= TRANSCRIPTS_TRIES) {
        transcripts_remove(l, message);
        return false;
    }
    t->due_us = now_us + transcripts_wait_us[t->tries - 1];
    return true;
}

struct transcript *transcripts_due(struct transcripts *l, int64_t now_us, int64_t *next_us)
{
    uint32_t i;

    *next_us = 0;
    for (i = 0; i < l->n; i++) {
        if (l->item[i].running)
            continue;
        if (l->item[i].due_us <= now_us)
            return &l->item[i];
        if (*next_us == 0 || l->item[i].due_us < *next_us)
            *next_us = l->item[i].due_us;
    }
    return NULL;
}

/* ---- as JSON ---- */

size_t transcripts_write(const struct transcripts *l, char out[TRANSCRIPTS_BYTES])
{
    size_t n = 0;
    uint32_t i;

    out[n++] = '[';
    for (i = 0; i < l->n; i++)
        n += (size_t)snprintf(out + n, TRANSCRIPTS_BYTES - n, "%s[\"%s\",\"%s\",%u]", i ? "," : "",
                              l->item[i].message, l->item[i].language == SAY_EN ? "en" : "es",
                              l->item[i].tries % 100);
    out[n++] = ']';
    out[n] = 0;
    return n;
}

bool transcripts_read(struct transcripts *l, struct hilo_str json)
{
    cJSON *all = cJSON_ParseWithLength(json.p, json.n);
    const cJSON *one, *id, *language, *tries;
    struct transcript *t;
    struct hilo_str text;
    bool good = cJSON_IsArray(all);

    cJSON_ArrayForEach(one, all)
    {
        id = cJSON_GetArrayItem(one, 0);
        language = cJSON_GetArrayItem(one, 1);
        tries = cJSON_GetArrayItem(one, 2);
        if (!good || !cJSON_IsString(id) || !cJSON_IsString(language) || !cJSON_IsNumber(tries)) {
            good = false;
            break;
        }
        text.p = id->valuestring;
        text.n = strlen(text.p);
        if (transcripts_add(l, text, strcmp(language->valuestring, "en") == 0 ? SAY_EN : SAY_ES) !=
            TRANSCRIPTS_ADDED)
            continue;
        t = &l->item[l->n - 1];
        if (tries->valuedouble > 0 && tries->valuedouble < TRANSCRIPTS_TRIES)
            t->tries = (uint32_t)tries->valuedouble;
    }
    cJSON_Delete(all);
    return good;
}
