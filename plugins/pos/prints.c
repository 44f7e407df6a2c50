/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "prints.h"

#include "ask.h"
#include "json.h"
#include "till.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PRINTS_DAYS = 8,             /* today and seven before */
    PRINTS_SHARDS = 4,           /* of a day */
    PRINTS_BYTES_MAX = 60 * 1024 /* a value: some 1,000 jobs; the context takes 64 KiB */
};
static const int64_t PRINTS_DAY_US = INT64_C(86400) * 1000000;

/* Of one op: its work meanwhile. */
struct prints {
    pos_prints_fn *fn;
    int64_t today;
    uint32_t back; /* days */
    char status[16], printer[POS_TILL_MAX];
};

static void prints_fail(struct pos_op *op, int32_t code)
{
    pos_op_fail_as(op, POS_E_LATER, code == HILO_FULL ? "full" : "try_later", NULL,
                   "what was printed before can't be looked up or kept now (%d)", (int)code);
}

static struct prints *prints_begin(struct pos_op *op, pos_prints_fn *fn)
{
    struct prints *p = calloc(1, sizeof *p);

    if (!p) {
        prints_fail(op, HILO_NOMEM);
        return NULL;
    }
    p->fn = fn;
    p->today = pos_wall(op->pos) / PRINTS_DAY_US;
    op->work = p;
    op->work_free = free;
    return p;
}

static void prints_end(struct pos_op *op, const char *status, const char *printer)
{
    struct prints *p = op->work;

    op->work = NULL;
    op->work_free = NULL;
    p->fn(op, status, printer);
    free(p);
}

/* "CHANNEL/printed/CENTRO/3/5/2": the eighth day takes the place of the first. */
static struct hilo_str prints_key(const struct pos_op *op, int64_t day, char out[192])
{
    struct hilo_str channel = op->pos->host.channel(op->pos->self);
    const char *id = op->rpc.id;
    uint32_t hash = 2166136261; /* FNV-1a: spreads, and is the same in every version */

    while (*id)
        hash = (hash ^ (unsigned char)*id++) * 16777619;
    (void)snprintf(out, 192, "%.*s/printed/%s/%d/%u", (int)(channel.n < 100 ? channel.n : 100), channel.p,
                   op->till->key, (int)(day % PRINTS_DAYS), (hash >> 16) % PRINTS_SHARDS);
    return pos_str(out);
}

/* What is kept of that day; NULL: nothing. */
static cJSON *prints_parse(struct hilo_str val, int64_t day)
{
    cJSON *o = val.n ? cJSON_ParseWithLength(val.p, val.n) : NULL;
    int64_t of;

    if (o && pos_json_int(o, "day", &of) && of == day && cJSON_IsObject(pos_json_get(o, "jobs")))
        return o;
    cJSON_Delete(o);
    return NULL;
}

/* ---- looked up ------------------------------------------------------------------------------- */

static void prints_next(struct pos_op *op);

static void prints_came(void *arg, int32_t code, struct hilo_str val, uint64_t version)
{
    struct pos_op *op = arg;
    struct prints *p = op->work;
    const cJSON *job;
    cJSON *o;

    (void)version;
    op->token = 0;
    if (code != HILO_OK && code != HILO_NOTFOUND) {
        prints_fail(op, code);
        return;
    }
    o = code == HILO_OK ? prints_parse(val, p->today - p->back) : NULL;
    job = pos_json_get(pos_json_get(o, "jobs"), op->rpc.id);
    if (job) {
        const char *status = cJSON_GetStringValue(cJSON_GetArrayItem(job, 0)),
                   *printer = cJSON_GetStringValue(cJSON_GetArrayItem(job, 1));

        prints_end(op, status ? status : "queued", printer ? printer : "");
    } else if (++p->back == PRINTS_DAYS) {
        prints_end(op, NULL, NULL);
    } else {
        prints_next(op);
    }
    cJSON_Delete(o);
}

static void prints_next(struct pos_op *op)
{
    const struct prints *p = op->work;
    char key[192];

    op->token = pos_ask_get(op->pos, prints_key(op, p->today - p->back, key), prints_came, op);
    if (op->token == 0)
        prints_fail(op, HILO_NOMEM);
}

void pos_prints_find(struct pos_op *op, pos_prints_fn *fn)
{
    if (prints_begin(op, fn))
        prints_next(op);
}

/* ---- kept ------------------------------------------------------------------------------------- */

static void prints_kept(void *arg, int32_t code, struct hilo_str val, uint64_t version)
{
    struct pos_op *op = arg;
    struct prints *p = op->work;

    (void)val;
    (void)version;
    op->token = 0;
    if (code == HILO_OK)
        prints_end(op, p->status, p->printer);
    else
        prints_fail(op, code);
}

/* The value with this job at its end, and without its oldest where it would be too long. NULL: no memory. */
static char *prints_with(struct pos_op *op, cJSON **day)
{
    const struct prints *p = op->work;
    const char *const pair[] = {p->status, p->printer};
    cJSON *jobs, *job = cJSON_CreateStringArray(pair, 2);
    char *text = NULL;

    if (!*day) {
        *day = cJSON_CreateObject();
        if (!*day || !cJSON_AddNumberToObject(*day, "day", (double)p->today) ||
            !cJSON_AddObjectToObject(*day, "jobs"))
            goto out;
    }
    jobs = cJSON_GetObjectItemCaseSensitive(*day, "jobs");
    cJSON_DeleteItemFromObjectCaseSensitive(jobs, op->rpc.id);
    if (!job || !cJSON_AddItemToObject(jobs, op->rpc.id, job))
        goto out;
    job = NULL;
    while ((text = cJSON_PrintUnformatted(*day)) && strlen(text) > PRINTS_BYTES_MAX) {
        pos_log(op->pos, HILO_LOG_WARN,
                "store=%s terminal=%s prints more in a day than is known again: the oldest is forgotten",
                op->till->who.store, op->till->who.terminal);
        free(text);
        cJSON_Delete(cJSON_DetachItemFromArray(jobs, 0));
    }
out:
    cJSON_Delete(job);
    return text;
}

static void prints_read(void *arg, int32_t code, struct hilo_str val, uint64_t version)
{
    struct pos_op *op = arg;
    const struct prints *p = op->work;
    cJSON *day = code == HILO_OK ? prints_parse(val, p->today) : NULL;
    char key[192], *text = NULL;

    (void)version; /* a terminal's writes are one at a time */
    op->token = 0;
    if (code != HILO_OK && code != HILO_NOTFOUND) {
        prints_fail(op, code);
        return;
    }
    text = prints_with(op, &day);
    if (text)
        op->token =
            pos_ask_put(op->pos, prints_key(op, p->today, key), pos_str(text), UINT64_MAX, prints_kept, op);
    free(text);
    cJSON_Delete(day);
    if (op->token == 0)
        prints_fail(op, HILO_NOMEM);
}

void pos_prints_keep(struct pos_op *op, const char *status, const char *printer, pos_prints_fn *fn)
{
    struct prints *p = prints_begin(op, fn);
    char key[192];

    if (!p)
        return;
    (void)snprintf(p->status, sizeof p->status, "%s", status);
    (void)snprintf(p->printer, sizeof p->printer, "%s", printer);
    op->token = pos_ask_get(op->pos, prints_key(op, p->today, key), prints_read, op);
    if (op->token == 0)
        prints_fail(op, HILO_NOMEM);
}
