/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue.h"

#include "json.h"
#include "pos.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- entries ------------------------------------------------------------------------------------------ */

void pos_entries_init(struct pos_entries *q)
{
    memset(q, 0, sizeof *q);
    TAILQ_INIT(&q->list);
}

static void entry_free(struct pos_entries *q, struct pos_queued *e)
{
    TAILQ_REMOVE(&q->list, e, at);
    q->n--;
    q->bytes -= e->bytes;
    cJSON_Delete(e->params);
    free(e);
}

void pos_entries_free(struct pos_entries *q)
{
    struct pos_queued *e;

    while ((e = TAILQ_FIRST(&q->list)))
        entry_free(q, e);
    free(q->done);
    q->done = NULL;
}

struct pos_queued *pos_entries_find(struct pos_entries *q, const char *id)
{
    struct pos_queued *e;

    TAILQ_FOREACH(e, &q->list, at)
    if (strcmp(e->id, id) == 0)
        return e;
    return NULL;
}

bool pos_entries_known(struct pos_entries *q, const char *id)
{
    uint32_t i, n = q->n_done < POS_QUEUE_DONE ? q->n_done : POS_QUEUE_DONE;

    for (i = 0; i < n; i++)
        if (strcmp(q->done[i], id) == 0)
            return true;
    return pos_entries_find(q, id) != NULL;
}

/* Without memory it is not known: the terminal knows it then. */
static void entries_done(struct pos_entries *q, const char *id)
{
    if (!q->done && !(q->done = calloc(POS_QUEUE_DONE, sizeof *q->done)))
        return;
    (void)snprintf(q->done[q->n_done % POS_QUEUE_DONE], POS_ID_MAX + 1, "%.64s", id);
    /* Stays a ring, and never overflows. */
    q->n_done = q->n_done + 1 == 2 * POS_QUEUE_DONE ? POS_QUEUE_DONE : q->n_done + 1;
}

void pos_entries_end(struct pos_entries *q, struct pos_queued *e)
{
    entries_done(q, e->id);
    entry_free(q, e);
}

static void entries_bound(struct pos_entries *q)
{
    struct pos_queued *e;

    while (q->n > 1 && (q->n > POS_QUEUE_MAX || q->bytes > POS_QUEUE_BYTES)) {
        TAILQ_FOREACH(e, &q->list, at)
        if (strcmp(e->method, "customer.arriving") == 0)
            break;
        if (!e || !TAILQ_NEXT(e, at)) /* not the one that was just put */
            e = TAILQ_FIRST(&q->list);
        entry_free(q, e);
        q->dropped++;
    }
}

struct pos_queued *pos_entries_add(struct pos_entries *q, const char *id, const char *method, const char *key,
                                   int64_t until_us, cJSON *params)
{
    struct pos_queued *e = calloc(1, sizeof *e), *old, *next;
    char *text = params ? cJSON_PrintUnformatted(params) : NULL;

    if (!e || !text) {
        free(e);
        free(text);
        cJSON_Delete(params);
        return NULL;
    }
    for (old = TAILQ_FIRST(&q->list); old && *key; old = next) {
        next = TAILQ_NEXT(old, at);
        if (strcmp(old->key, key) == 0)
            pos_entries_end(q, old);
    }
    pos_text_copy(e->id, sizeof e->id, pos_str(id));
    pos_text_copy(e->method, sizeof e->method, pos_str(method));
    pos_text_copy(e->key, sizeof e->key, pos_str(key));
    e->until_us = until_us;
    e->params = params;
    e->bytes = strlen(text) + sizeof e->id + sizeof e->method + sizeof e->key + 64;
    free(text);
    TAILQ_INSERT_TAIL(&q->list, e, at);
    q->n++;
    q->bytes += e->bytes;
    entries_bound(q);
    return e;
}

bool pos_entries_expire(struct pos_entries *q, int64_t now_us)
{
    struct pos_queued *e, *next;
    bool any = false;

    for (e = TAILQ_FIRST(&q->list); e; e = next) {
        next = TAILQ_NEXT(e, at);
        if (e->until_us && e->until_us < now_us) {
            entry_free(q, e);
            any = true;
        }
    }
    return any;
}

/* ---- as JSON ---------------------------------------------------------------------------------------------
 */

static bool entry_write(cJSON *list, const struct pos_queued *e)
{
    cJSON *o = cJSON_CreateObject(), *params;
    char until[POS_TEXT_TIME];

    if (!o || !cJSON_AddItemToArray(list, o)) {
        cJSON_Delete(o);
        return false;
    }
    pos_text_of_time(until, e->until_us);
    params = cJSON_Duplicate(e->params, true);
    if (!params || !cJSON_AddItemToObject(o, "params", params)) {
        cJSON_Delete(params);
        return false;
    }
    return cJSON_AddStringToObject(o, "id", e->id) && cJSON_AddStringToObject(o, "method", e->method) &&
           cJSON_AddStringToObject(o, "key", e->key) &&
           (!e->until_us || cJSON_AddStringToObject(o, "until", until));
}

char *pos_entries_write(const struct pos_entries *q)
{
    cJSON *o = cJSON_CreateObject(), *done = o ? cJSON_AddArrayToObject(o, "done") : NULL,
          *list = done ? cJSON_AddArrayToObject(o, "q") : NULL, *id;
    uint32_t i, n = q->n_done < POS_QUEUE_DONE ? q->n_done : POS_QUEUE_DONE;
    const struct pos_queued *e;
    bool ok = list != NULL;
    char *text = NULL;

    for (i = 0; i < n && ok; i++) {
        id = cJSON_CreateString(q->done[(q->n_done + i) % n]);
        ok = id && cJSON_AddItemToArray(done, id);
    }
    TAILQ_FOREACH(e, &q->list, at)
    ok = ok && entry_write(list, e);
    if (ok)
        text = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    return text;
}

const char *pos_entries_read(struct pos_entries *q, struct hilo_str text)
{
    const char *why;
    cJSON *o = pos_json_parse(text, 32, &why), *params;
    const cJSON *m;

    if (!o)
        return why;
    cJSON_ArrayForEach(m, pos_json_get(o, "done")) if (cJSON_IsString(m)) entries_done(q, m->valuestring);
    cJSON_ArrayForEach(m, pos_json_get(o, "q"))
    {
        const char *id = pos_json_text(m, "id"), *method = pos_json_text(m, "method"),
                   *key = pos_json_text(m, "key"), *until = pos_json_text(m, "until");
        int64_t until_us = 0;

        params = cJSON_Duplicate(pos_json_get(m, "params"), true);
        if (until)
            (void)pos_text_time(pos_str(until), &until_us);
        if (id && method && key && cJSON_IsObject(params)) {
            if (!pos_entries_add(q, id, method, key, until_us, params))
                why = "memory";
        } else {
            why = "value";
            cJSON_Delete(params);
        }
    }
    cJSON_Delete(o);
    return why;
}
