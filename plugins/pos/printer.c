/*
 * The printers of an instance: which serves whom, what is asked of them, and the one timer they share.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "printer_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a job takes beside its slip, at most but for ids of escapes, which there are none of. */
enum { JOB_BYTES = 320 };

void pos__printer_log(struct printer *p, int32_t level, const char *event, const char *more)
{
    char line[256];
    int n = snprintf(line, sizeof line, "%s printer=%s %s", event, p->conf.name, more);

    p->all->host->log(p->all->self, level,
                      (struct hilo_str){line, n < (int)sizeof line ? (uint64_t)n : sizeof line - 1});
}

/* ---- words ------------------------------------------------------------------------------------------ */

const char *pos_print_outcome_name(enum pos_print_outcome outcome)
{
    static const char *const name[] = {
        [POS_PRINT_PRINTED] = "printed", [POS_PRINT_FAILED] = "failed", [POS_PRINT_UNKNOWN] = "unknown"};

    return name[outcome];
}

const char *pos_printer_state_name(uint32_t state)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {
        {POS_PRINTER_UNREACHABLE, "unreachable"},
        {POS_PRINTER_COVER, "cover_open"},
        {POS_PRINTER_PAPER_OUT, "paper_out"},
        {POS_PRINTER_CUTTER, "cutter"},
        {POS_PRINTER_ERROR, "error"},
        {POS_PRINTER_HOT, "hot"},
        {POS_PRINTER_OFFLINE, "offline"},
        {POS_PRINTER_PAPER_LOW, "paper_low"},
    };
    size_t i;

    for (i = 0; i < sizeof names / sizeof *names; i++)
        if (state & names[i].bit)
            return names[i].name;
    return "ok";
}

/* Who waits for paper hears why, once. Nothing that is called may take a job away. */
static void printer_tell_waiting(struct printer *p)
{
    const char *reason = pos_printer_state_name(p->state);
    size_t i, n = p->queue.n;

    for (i = 0; i < n; i++) {
        struct pos_job *job = p->queue.job[i];
        struct pos_print_result r;

        if (pos_job_done(job) || !job->accepted || job->told_state == p->state)
            continue;
        job->told_state = p->state;
        r = pos__job_result(p, job, reason);
        p->all->on.waits(p->all->arg, &r);
    }
}

void pos__printer_set_state(struct printer *p, uint32_t state)
{
    uint32_t queued = (uint32_t)pos_queue_waiting(&p->queue);
    char more[96];

    if (!p->state_told || p->state != state) {
        p->state = state;
        p->state_told = true;
        (void)snprintf(more, sizeof more, "state=%s queued=%u", pos_printer_state_name(state), queued);
        pos__printer_log(p, pos__printer_stopped(p) ? HILO_LOG_WARN : HILO_LOG_INFO, "printer.state", more);
    }
    if (pos__printer_stopped(p))
        printer_tell_waiting(p);
}

/* ---- time ---- */

static int64_t printer_due(const struct printer *p)
{
    int64_t due = 0;
    size_t i;

#define SOONER(at)                                                                                           \
    do {                                                                                                     \
        if ((at) && (!due || (at) < due))                                                                    \
            due = (at);                                                                                      \
    } while (0)
    SOONER(p->disk_at);
    SOONER(p->deadline);
    if (p->fd >= 0)
        SOONER(p->poll_at);
    if (p->phase == REST && (p->conf.asb || pos__printer_next(p)))
        SOONER(p->retry_at ? p->retry_at : 1);
    if (pos__printer_stopped(p))
        for (i = 0; i < p->queue.n; i++)
            if (p->queue.job[i]->state == POS_JOB_QUEUED && p->queue.job[i]->accepted)
                SOONER(p->queue.job[i]->since_us + p->all->patience_us);
#undef SOONER
    return due;
}

/* The one timer, at the earliest of all. */
static void printers_arm(struct pos_printers *ps)
{
    int64_t due = 0, at;
    size_t i;

    for (i = 0; i < ps->n; i++) {
        at = printer_due(&ps->printer[i]);
        if (at && (!due || at < due))
            due = at;
    }
    if (due != ps->armed && ps->host->timer(ps->self, ps->timer, due) == HILO_OK)
        ps->armed = due;
}

/* ---- from outside
 * ------------------------------------------------------------------------------------------ */

static void printers_enter(struct pos_printers *ps)
{
    ps->inside = true;
}

/* The end of an entry point: what it changed at one printer is gone on with, and what was asked for
 * meanwhile. */
static void printers_leave(struct pos_printers *ps, struct printer *p)
{
    size_t i;

    if (p)
        pos__printer_work(p);
    while (ps->again) {
        ps->again = false;
        for (i = 0; i < ps->n; i++)
            pos__printer_work(&ps->printer[i]);
    }
    ps->inside = false;
    printers_arm(ps);
}

static int64_t printers_or(int64_t given, int64_t otherwise)
{
    return given > 0 ? given : otherwise;
}

struct pos_printers *pos_printers_new(const struct pos_printers_conf *conf, const struct hilo_host *host,
                                      struct hilo_self *self, uint64_t tokens, uint32_t timer,
                                      const struct pos_printers_events *on, void *arg)
{
    struct pos_printers *ps = calloc(1, sizeof *ps);
    struct pos_printer_conf *read = calloc(POS_PRINTERS_MAX, sizeof *read);
    size_t i, n = 0;

    if (ps && read && !pos_printer_conf_read(conf->printers, read, &n))
        ps->printer = calloc(n + 1, sizeof *ps->printer);
    if (!ps || !ps->printer) {
        free(read);
        free(ps);
        return NULL;
    }
    ps->host = host;
    ps->self = self;
    ps->tokens = tokens;
    ps->timer = timer;
    ps->on = *on;
    ps->arg = arg;
    ps->connect_us = printers_or(conf->connect_us, 5 * POS_SECOND);
    ps->print_us = printers_or(conf->print_us, 60 * POS_SECOND);
    ps->patience_us = printers_or(conf->patience_us, 600 * POS_SECOND);
    ps->n = n;
    for (i = 0; i < n; i++) {
        ps->printer[i].all = ps;
        ps->printer[i].index = (uint32_t)i;
        ps->printer[i].conf = read[i];
        ps->printer[i].fd = -1;
    }
    free(read);
    return ps;
}

void pos_printers_start(struct pos_printers *ps)
{
    printers_enter(ps);
    ps->again = true;
    printers_leave(ps, NULL);
}

void pos_printers_free(struct pos_printers **at)
{
    struct pos_printers *ps = *at;
    size_t i;

    if (!ps)
        return;
    for (i = 0; i < ps->n; i++) {
        pos__printer_close(&ps->printer[i]);
        pos_queue_clear(&ps->printer[i].queue);
    }
    (void)ps->host->timer(ps->self, ps->timer, 0);
    free(ps->printer);
    free(ps);
    *at = NULL;
}

static struct printer *printers_named(const struct pos_printers *ps, struct hilo_str name)
{
    size_t i;

    for (i = 0; i < ps->n; i++)
        if (strlen(ps->printer[i].conf.name) == name.n &&
            memcmp(ps->printer[i].conf.name, name.p, name.n) == 0)
            return &ps->printer[i];
    return NULL;
}

static struct printer *printers_for(const struct pos_printers *ps, struct hilo_str store,
                                    struct hilo_str terminal)
{
    char name[POS_PRINTER_NAME_MAX + 1];
    struct printer *p = NULL;
    int n;

    if (store.n == 0 || store.n > POS_JOBS_PLACE_MAX || terminal.n > POS_JOBS_PLACE_MAX)
        return NULL;
    n = snprintf(name, sizeof name, "%.*s/%.*s", (int)store.n, store.p, (int)terminal.n,
                 terminal.n ? terminal.p : "");
    if (terminal.n > 0)
        p = printers_named(ps, (struct hilo_str){name, (uint64_t)n});
    return p ? p : printers_named(ps, store);
}

struct hilo_str pos_printer_of(const struct pos_printers *ps, struct hilo_str store, struct hilo_str terminal)
{
    const struct printer *p = printers_for(ps, store, terminal);

    return (struct hilo_str){p ? p->conf.name : NULL, p ? strlen(p->conf.name) : 0};
}

struct pos_paper pos_printer_paper(const struct pos_printers *ps, struct hilo_str printer)
{
    const struct printer *p = printers_named(ps, printer);

    return p ? p->conf.paper : pos_paper_default;
}

/* All that it holds, and this: whether its value has room. */
static bool printer_has_room(const struct printer *p, size_t slip_n)
{
    size_t n = slip_n + JOB_BYTES + POS_JOBS_DONE * JOB_BYTES, i;

    for (i = 0; i < p->queue.n; i++)
        if (!pos_job_done(p->queue.job[i]))
            n += strlen(p->queue.job[i]->slip) + JOB_BYTES;
    return pos_queue_waiting(&p->queue) < POS_PRINT_QUEUE && n <= POS_JOBS_BYTES_MAX;
}

/* As JSON that is short and can be printed there; NULL: not, and why. */
static char *printer_slip(const struct printer *p, struct hilo_str json, size_t *n_out, int32_t *code,
                          char why[POS_SLIP_WORDS])
{
    struct pos_slip *slip = pos_slip_parse(json, code, why);
    struct pos_bytes bytes = {0};
    char *text = NULL;

    if (!slip)
        return NULL;
    *code = pos_escpos(slip, &p->conf.paper, &bytes, NULL);
    if (*code == HILO_OK)
        text = pos_slip_json(slip, n_out);
    else
        (void)snprintf(why, POS_SLIP_WORDS,
                       "slip: it is longer than a metre and a half, or its code does not fit the paper");
    if (*code == HILO_OK && !text)
        *code = HILO_NOMEM;
    free(bytes.p);
    pos_slip_free(&slip);
    return text;
}

/* It goes to the log as it is. */
static bool printers_id(struct hilo_str id)
{
    uint64_t i;

    for (i = 0; i < id.n; i++)
        if (id.p[i] <= ' ' || id.p[i] > '~' || id.p[i] == '"' || id.p[i] == '=')
            return false;
    return id.n > 0 && id.n <= POS_PRINT_ID_MAX;
}

int32_t pos_print(struct pos_printers *ps, const struct pos_print_job *asked, char why[POS_SLIP_WORDS])
{
    struct printer *p = printers_for(ps, asked->store, asked->terminal);
    int32_t code = HILO_OK;
    struct pos_job *job;
    size_t n = 0;
    char *slip;

    (void)snprintf(why, POS_SLIP_WORDS, "no printer serves this terminal");
    if (!p)
        return HILO_NOTFOUND;
    if (!printers_id(asked->id)) {
        (void)snprintf(why, POS_SLIP_WORDS,
                       "job: 1 to 64 letters, digits and other signs of ASCII are expected");
        return HILO_INVALID;
    }
    if (pos_queue_find(&p->queue, asked->id, asked->store, asked->terminal))
        return HILO_DUPLICATE;
    slip = printer_slip(p, asked->slip, &n, &code, why);
    if (!slip)
        return code;
    (void)snprintf(why, POS_SLIP_WORDS, "so much waits for this printer already");
    if (ps->draining || !printer_has_room(p, n)) {
        free(slip);
        return HILO_FULL;
    }
    job = pos_queue_add(&p->queue, asked->id, asked->store, asked->terminal, slip);
    if (!job) {
        free(slip);
        return HILO_NOMEM;
    }
    job->rev_came = job->rev_changed = ++p->rev;
    job->since_us = pos__printers_now(ps);
    p->retry_at = p->phase == REST ? 0 : p->retry_at; /* somebody stands there */
    if (ps->inside) {
        ps->again = true;
    } else {
        printers_enter(ps);
        printers_leave(ps, p);
    }
    return HILO_OK;
}

bool pos_printers_drain(struct pos_printers *ps)
{
    bool quiet = true;
    size_t i;

    ps->draining = true;
    if (!ps->inside) {
        printers_enter(ps);
        ps->again = true;
        printers_leave(ps, NULL);
    }
    for (i = 0; i < ps->n; i++) {
        const struct printer *p = &ps->printer[i];

        quiet = quiet && !p->job && !p->saving && p->rev == p->rev_saved;
    }
    return quiet;
}

bool pos_printers_on_fd(struct pos_printers *ps, int32_t fd, uint32_t events)
{
    struct printer *p = NULL;
    size_t i;

    for (i = 0; i < ps->n && !p; i++)
        if (ps->printer[i].fd == fd)
            p = &ps->printer[i];
    if (!p)
        return false;
    printers_enter(ps);
    pos__printer_ready(p, events);
    printers_leave(ps, p);
    return true;
}

bool pos_printers_on_timer(struct pos_printers *ps, uint32_t id)
{
    if (id != ps->timer)
        return false;
    ps->armed = 0;
    printers_enter(ps);
    ps->again = true;
    printers_leave(ps, NULL);
    return true;
}

bool pos_printers_on_context(struct pos_printers *ps, uint64_t token, int32_t code, struct hilo_str val,
                             uint64_t version)
{
    uint64_t of = token - ps->tokens;
    struct printer *p;

    if (token < ps->tokens || of >= ps->n * 2)
        return false;
    p = &ps->printer[of / 2];
    printers_enter(ps);
    if (of % 2)
        pos__printer_saved(p, code, version);
    else
        pos__printer_loaded(p, code, val, version);
    printers_leave(ps, p);
    return true;
}

void pos_printers_woken(struct pos_printers *ps)
{
    size_t i;

    for (i = 0; i < ps->n; i++)
        if (ps->printer[i].disk_at)
            ps->printer[i].disk_at = pos__printers_now(ps);
    pos_printers_start(ps);
}
