/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "printer_queue.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static const char *const queue_state[] = {[POS_JOB_QUEUED] = "queued",
                                          [POS_JOB_PRINTING] = "printing",
                                          [POS_JOB_PRINTED] = "printed",
                                          [POS_JOB_FAILED] = "failed",
                                          [POS_JOB_UNKNOWN] = "unknown"};

size_t pos_queue_waiting(const struct pos_queue *q)
{
    size_t i, n = 0;

    for (i = 0; i < q->n; i++)
        n += !pos_job_done(q->job[i]);
    return n;
}

static bool queue_is(const char *text, struct hilo_str s)
{
    return strlen(text) == s.n && (s.n == 0 || memcmp(text, s.p, s.n) == 0);
}

struct pos_job *pos_queue_find(const struct pos_queue *q, struct hilo_str id, struct hilo_str store,
                               struct hilo_str terminal)
{
    size_t i;

    for (i = 0; i < q->n; i++)
        if (queue_is(q->job[i]->id, id) && queue_is(q->job[i]->store, store) &&
            queue_is(q->job[i]->terminal, terminal))
            return q->job[i];
    return NULL;
}

static bool queue_copy(char *out, size_t max, struct hilo_str s)
{
    if (s.n > max || (s.n && memchr(s.p, 0, s.n)))
        return false;
    if (s.n)
        memcpy(out, s.p, s.n);
    out[s.n] = 0;
    return true;
}

struct pos_job *pos_queue_add(struct pos_queue *q, struct hilo_str id, struct hilo_str store,
                              struct hilo_str terminal, char *slip)
{
    struct pos_job *job;

    if (q->n == sizeof q->job / sizeof *q->job)
        return NULL;
    job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    if (id.n == 0 || !queue_copy(job->id, POS_PRINT_ID_MAX, id) ||
        !queue_copy(job->store, POS_JOBS_PLACE_MAX, store) ||
        !queue_copy(job->terminal, POS_JOBS_PLACE_MAX, terminal)) {
        free(job);
        return NULL;
    }
    job->slip = slip;
    q->job[q->n++] = job;
    return job;
}

static void queue_drop_at(struct pos_queue *q, size_t i)
{
    free(q->job[i]->slip);
    free(q->job[i]);
    memmove(&q->job[i], &q->job[i + 1], (q->n - i - 1) * sizeof *q->job);
    q->n--;
}

void pos_queue_drop(struct pos_queue *q, const struct pos_job *job)
{
    size_t i;

    for (i = 0; i < q->n; i++)
        if (q->job[i] == job) {
            queue_drop_at(q, i);
            return;
        }
}

void pos_queue_prune(struct pos_queue *q)
{
    size_t i, done = q->n - pos_queue_waiting(q);

    for (i = 0; i < q->n && done > POS_JOBS_DONE;)
        if (pos_job_done(q->job[i]) && q->job[i]->told) {
            queue_drop_at(q, i);
            done--;
        } else {
            i++;
        }
}

void pos_queue_clear(struct pos_queue *q)
{
    while (q->n > 0)
        queue_drop_at(q, q->n - 1);
}

/* ---- as it is kept ------------------------------------------------------------------------------ */

static bool queue_job_json(cJSON *jobs, const struct pos_job *job)
{
    cJSON *o = cJSON_CreateObject();

    if (!o || !cJSON_AddItemToArray(jobs, o)) {
        cJSON_Delete(o);
        return false;
    }
    return cJSON_AddStringToObject(o, "id", job->id) && cJSON_AddStringToObject(o, "store", job->store) &&
           cJSON_AddStringToObject(o, "terminal", job->terminal) &&
           cJSON_AddStringToObject(o, "state", queue_state[job->state]) &&
           (!job->reason[0] || cJSON_AddStringToObject(o, "reason", job->reason)) &&
           (!job->confirmed || cJSON_AddTrueToObject(o, "confirmed")) &&
           (!job->told || cJSON_AddTrueToObject(o, "told")) &&
           (!job->tries || cJSON_AddNumberToObject(o, "tries", job->tries)) &&
           (!job->slip || pos_job_done(job) || cJSON_AddRawToObject(o, "slip", job->slip));
}

char *pos_queue_json(const struct pos_queue *q, size_t *n_out)
{
    cJSON *root = cJSON_CreateObject(), *jobs = root ? cJSON_AddArrayToObject(root, "jobs") : NULL;
    bool ok = jobs != NULL;
    char *text = NULL;
    size_t i;

    for (i = 0; ok && i < q->n; i++)
        ok = queue_job_json(jobs, q->job[i]);
    if (ok)
        text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    if (text)
        *n_out = strlen(text);
    return text;
}

static struct hilo_str queue_member(const cJSON *o, const char *name)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));

    return (struct hilo_str){s ? s : "", s ? strlen(s) : 0};
}

static bool queue_job_read(struct pos_queue *q, const cJSON *o)
{
    const cJSON *slip = cJSON_GetObjectItemCaseSensitive(o, "slip"),
                *tries = cJSON_GetObjectItemCaseSensitive(o, "tries");
    struct hilo_str state = queue_member(o, "state");
    struct pos_job *job;
    unsigned s = 0;

    while (s <= POS_JOB_UNKNOWN && strcmp(state.p, queue_state[s]) != 0)
        s++;
    if (s > POS_JOB_UNKNOWN)
        return false;
    job =
        pos_queue_add(q, queue_member(o, "id"), queue_member(o, "store"), queue_member(o, "terminal"), NULL);
    if (!job)
        return false;
    job->state = (enum pos_job_state)s;
    job->confirmed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "confirmed"));
    job->told = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "told"));
    if (cJSON_IsNumber(tries) && tries->valuedouble > 0 && tries->valuedouble < 1000)
        job->tries = (uint32_t)tries->valuedouble;
    if (cJSON_IsObject(slip))
        job->slip = cJSON_PrintUnformatted(slip);
    if (!queue_copy(job->reason, POS_JOBS_REASON_MAX, queue_member(o, "reason")) ||
        (!job->slip && !pos_job_done(job))) {
        pos_queue_drop(q, job);
        return false;
    }
    return true;
}

bool pos_queue_read(struct pos_queue *q, struct hilo_str json)
{
    cJSON *root = cJSON_ParseWithLength(json.p ? json.p : "", json.n);
    const cJSON *jobs = cJSON_GetObjectItemCaseSensitive(root, "jobs"), *o;
    bool ok = cJSON_IsArray(jobs);

    cJSON_ArrayForEach(o, jobs) ok = queue_job_read(q, o) && ok;
    cJSON_Delete(root);
    return ok;
}
