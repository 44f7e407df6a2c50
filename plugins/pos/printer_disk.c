/*
 * A printer's queue on disk: read once, written whenever it changed, acted upon when it is there.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "printer_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t printer_save_again = POS_SECOND / 10;

static struct hilo_str job_str(const char *text)
{
    return (struct hilo_str){text, strlen(text)};
}

enum { DISK_KEY_MAX = 100 + POS_PRINTER_NAME_MAX + 16 };

/* Keys are a plugin's, channels several. */
static struct hilo_str printer_key(const struct printer *p, char key[DISK_KEY_MAX])
{
    struct hilo_str channel = p->all->host->channel(p->all->self);
    int n = snprintf(key, DISK_KEY_MAX, "%.*s/print/%s", (int)(channel.n < 100 ? channel.n : 100), channel.p,
                     p->conf.name);

    return (struct hilo_str){key, (uint64_t)n};
}

void pos__printer_load(struct printer *p)
{
    const struct pos_printers *ps = p->all;
    char key[DISK_KEY_MAX];
    int32_t rc;

    if (p->loaded || p->loading || pos__printers_now(ps) < p->disk_at)
        return;
    p->disk_at = 0;
    rc = ps->host->context_get(ps->self, ps->tokens + p->index * UINT64_C(2), (struct hilo_str){NULL, 0},
                               printer_key(p, key));
    p->loading = rc == HILO_OK;
    if (!p->loading)
        p->disk_at = pos__printers_now(ps) + printer_save_again;
}

void pos__printer_save(struct printer *p)
{
    const struct pos_printers *ps = p->all;
    char key[DISK_KEY_MAX], *text;
    size_t n = 0;
    int32_t rc;

    if (!p->loaded || p->saving || (p->rev != p->rev_saved && pos__printers_now(ps) < p->disk_at))
        return;
    p->disk_at = 0;
    if (p->rev == p->rev_saved)
        return;
    pos_queue_prune(&p->queue);
    text = pos_queue_json(&p->queue, &n);
    rc = text ? ps->host->context_put(ps->self, ps->tokens + p->index * UINT64_C(2) + 1,
                                      (struct hilo_str){NULL, 0}, printer_key(p, key),
                                      (struct hilo_str){text, n}, p->version)
              : HILO_NOMEM;
    free(text);
    p->saving = rc == HILO_OK;
    p->rev_saving = p->rev;
    if (!p->saving)
        p->disk_at = pos__printers_now(ps) + printer_save_again;
}

void pos__job_change(struct printer *p, struct pos_job *job, enum pos_job_state state, const char *reason)
{
    job->state = state;
    (void)snprintf(job->reason, sizeof job->reason, "%s", reason);
    job->rev_changed = ++p->rev;
}

/* Ends a job, or has it wait again if it may be printed again. */
void pos__job_unknown(struct printer *p, struct pos_job *job, const char *reason)
{
    bool again = p->conf.again && job->tries < POS_PRINTER_TRIES;

    pos__job_change(p, job, again ? POS_JOB_QUEUED : POS_JOB_UNKNOWN, again ? "" : reason);
    job->since_us = pos__printers_now(p->all);
}

struct pos_print_result pos__job_result(const struct printer *p, const struct pos_job *job,
                                        const char *reason)
{
    return (struct pos_print_result){.id = job_str(job->id),
                                     .store = job_str(job->store),
                                     .terminal = job_str(job->terminal),
                                     .printer = job_str(p->conf.name),
                                     .outcome = job->state == POS_JOB_PRINTED  ? POS_PRINT_PRINTED
                                                : job->state == POS_JOB_FAILED ? POS_PRINT_FAILED
                                                                               : POS_PRINT_UNKNOWN,
                                     .confirmed = job->confirmed,
                                     .reason = reason};
}

static void job_tell(struct printer *p, struct pos_job *job)
{
    const struct pos_print_result r = pos__job_result(p, job, job->reason);
    char more[192];

    (void)snprintf(more, sizeof more, "job=%s outcome=%s reason=%s", job->id,
                   pos_print_outcome_name(r.outcome), job->reason[0] ? job->reason : "none");
    pos__printer_log(p, r.outcome == POS_PRINT_PRINTED ? HILO_LOG_INFO : HILO_LOG_WARN, "printer.job", more);
    job->told = true;
    p->rev++; /* so that it is not told once more after a restart */
    p->all->on.done(p->all->arg, &r);
}

/* What is on disk now is told, and nothing twice. What is told may ask for more jobs, and so add to the
 * queue: from the start again. */
static void printer_tell(struct printer *p)
{
    size_t i = 0;

    while (i < p->queue.n) {
        struct pos_job *job = p->queue.job[i++];

        if (!job->accepted && job->rev_came <= p->rev_saved) {
            job->accepted = true;
            p->all->on.accepted(p->all->arg, job_str(job->store), job_str(job->terminal), job_str(job->id),
                                HILO_OK);
            i = 0;
        } else if (pos_job_done(job) && !job->told && job->rev_changed <= p->rev_saved) {
            job_tell(p, job);
            i = 0;
        }
    }
}

/* The disk did not take it: who waits to hear of a job hears that; what is under way is tried again. */
static void printer_not_saved(struct printer *p, int32_t code)
{
    size_t i = 0;

    while (i < p->queue.n) {
        struct pos_job *job = p->queue.job[i++];
        struct pos_job gone;

        if (job->accepted || job->rev_came > p->rev_saving)
            continue;
        gone = *job;
        pos_queue_drop(&p->queue, job);
        p->rev++;
        p->all->on.accepted(p->all->arg, job_str(gone.store), job_str(gone.terminal), job_str(gone.id), code);
        i = 0;
    }
    p->disk_at = pos__printers_now(p->all) + POS_SECOND;
}

void pos__printer_saved(struct printer *p, int32_t code, uint64_t version)
{
    char more[64];

    p->saving = false;
    if (code == HILO_OK) {
        p->version = version;
        p->rev_saved = p->rev_saving;
        printer_tell(p);
        return;
    }
    if (code == HILO_STALE) /* an operator's restore, say: ours is what is being printed */
        p->version = version;
    (void)snprintf(more, sizeof more, "code=%d note=\"its queue is not on disk; tried again\"", (int)code);
    pos__printer_log(p, HILO_LOG_ERROR, "printer.not_saved", more);
    if (code == HILO_STALE)
        p->disk_at = pos__printers_now(p->all);
    else
        printer_not_saved(p, code);
}

/* What was queued before goes before what was asked for meanwhile. */
static void printer_take_over(struct printer *p, struct pos_queue *old)
{
    struct pos_queue asked = p->queue;
    size_t i;

    p->queue = *old;
    for (i = 0; i < p->queue.n; i++) {
        struct pos_job *job = p->queue.job[i];

        job->accepted = true;
        job->since_us = pos__printers_now(p->all);
        if (job->state == POS_JOB_PRINTING)
            pos__job_unknown(p, job, "restarted");
    }
    for (i = 0; i < asked.n; i++) {
        struct pos_job *job = asked.job[i];
        struct hilo_str id = job_str(job->id), store = job_str(job->store), terminal = job_str(job->terminal);
        bool known = pos_queue_find(&p->queue, id, store, terminal) != NULL;

        if (!known && p->queue.n < sizeof p->queue.job / sizeof *p->queue.job) {
            p->queue.job[p->queue.n++] = job;
            job->rev_came = ++p->rev;
        } else {
            p->all->on.accepted(p->all->arg, store, terminal, id, known ? HILO_DUPLICATE : HILO_FULL);
            free(job->slip);
            free(job);
        }
    }
}

void pos__printer_loaded(struct printer *p, int32_t code, struct hilo_str val, uint64_t version)
{
    struct pos_queue old = {.n = 0};

    p->loading = false;
    if (code != HILO_OK && code != HILO_NOTFOUND) {
        p->disk_at = pos__printers_now(p->all) + POS_SECOND;
        return;
    }
    p->loaded = true;
    p->version = code == HILO_OK ? version : 0;
    if (code == HILO_OK && !pos_queue_read(&old, val))
        pos__printer_log(p, HILO_LOG_ERROR, "printer.queue",
                         "note=\"a job that was kept can't be read and is lost\"");
    printer_take_over(p, &old);
    printer_tell(p); /* ends that were on disk and perhaps not told */
}
