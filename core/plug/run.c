/*
 * A run (run.h): starting, ending and giving up the thread of a plugin's instance.
 *
 * Invariants: the thread reads nothing but its run, the log and the plugin's own code; the
 * last of the two sides frees the run.
 */
#include "plug/run.h"
#include "base/check.h"
#include "base/clock.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run { /* held by the channel and by the thread */
    _Atomic int refs;
    struct link *link;
    struct instance_shared shared;
    struct instance_options o;
    struct hilo_plugin desc; /* copies of what the thread reads: it may outlive the channel */
    char *name;
    void *conf;
    pthread_t thread;
};

static void run_unref(struct run **rp)
{
    struct run *r = *rp;

    *rp = NULL;
    if (!r || atomic_fetch_sub(&r->refs, 1) != 1)
        return;
    free(r->name);
    free(r->conf);
    free(r);
}

/* The filled struct with the texts of its options, in one piece. */
static void *conf_copy(const struct hilo_plugin *d, const void *conf)
{
    size_t n = d->conf_size, at = d->conf_size;
    char *copy;

    if (!conf || n == 0)
        return NULL;
    for (uint32_t i = 0; i < d->n_options; i++) {
        struct hilo_str s;

        if (d->options[i].type != HILO_OPT_STR && d->options[i].type != HILO_OPT_URL)
            continue;
        memcpy(&s, (const char *)conf + d->options[i].offset, sizeof s);
        n += (size_t)s.n + 1;
    }
    copy = malloc(n);
    if (!copy)
        check_nomem();
    memcpy(copy, conf, d->conf_size);
    for (uint32_t i = 0; i < d->n_options; i++) {
        struct hilo_str s;

        if (d->options[i].type != HILO_OPT_STR && d->options[i].type != HILO_OPT_URL)
            continue;
        memcpy(&s, copy + d->options[i].offset, sizeof s);
        if (!s.p) /* not set */
            continue;
        memcpy(copy + at, s.p, (size_t)s.n);
        copy[at + s.n] = '\0';
        s.p = copy + at;
        at += (size_t)s.n + 1;
        memcpy(copy + d->options[i].offset, &s, sizeof s);
    }
    return copy;
}

static void *thread_main(void *arg)
{
    struct run *r = arg;
    struct link *l = r->link;

    instance_run(&r->o);
    link_unref(&l);
    run_unref(&r);
    return NULL;
}

static int32_t thread_start(struct run *r, struct err *e)
{
    char name[16];
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the daemon's own threads */
    rc = pthread_create(&r->thread, NULL, thread_main, r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        errno = rc;
        return err_errno(e, "cannot start the thread of channel %s; raise the limit of processes", r->name);
    }
    snprintf(name, sizeof name, "%s", r->name);
    pthread_setname_np(r->thread, name);
    return HILO_OK;
}

int32_t run_new(const char *name, const struct hilo_plugin *d, const void *conf, struct log *log,
                struct err *e, struct run **out)
{
    struct run *r = calloc(1, sizeof *r);
    struct link *theirs;
    int32_t code;

    if (!r)
        check_nomem();
    atomic_init(&r->refs, 2);
    code = link_new(e, &r->link);
    if (code != HILO_OK) {
        free(r);
        return code;
    }
    r->name = strdup(name);
    if (!r->name)
        check_nomem();
    r->conf = conf_copy(d, conf);
    r->desc = *d;
    r->o = (struct instance_options){.name = r->name,
                                     .desc = &r->desc,
                                     .conf = r->conf,
                                     .link = link_end(r->link, LINK_PLUG),
                                     .log = log,
                                     .shared = &r->shared};
    code = thread_start(r, e);
    if (code == HILO_OK) {
        *out = r;
        return HILO_OK;
    }
    theirs = r->link;
    link_unref(&theirs);
    link_unref(&r->link);
    atomic_store(&r->refs, 1);
    run_unref(&r);
    return code;
}

static void leave(struct run **rp, struct channel_stats *add_to)
{
    struct run *r = *rp;
    struct link *l = r->link;

    *rp = NULL;
    run_stats(r, add_to);
    link_unref(&l);
    run_unref(&r);
}

void run_join(struct run **rp, struct channel_stats *add_to)
{
    pthread_join((*rp)->thread, NULL);
    leave(rp, add_to); /* after the join: with all that it counted */
}

void run_give_up(struct run **rp, struct channel_stats *add_to)
{
    struct frame f = {.type = FRAME_DRAIN, .fd = -1, .at = 1};

    /* If it still listens it is to close now. */
    (void)link_put(run_link(*rp), &f);
    link_publish(run_link(*rp));
    atomic_store(&(*rp)->shared.abandoned, 1);
    link_kick(run_link(*rp));
    pthread_detach((*rp)->thread);
    leave(rp, add_to);
}

struct link_end *run_link(struct run *r)
{
    return link_end(r->link, LINK_CORE);
}

int64_t run_busy_us(const struct run *r, const char **callback_out)
{
    int64_t since = atomic_load_explicit(&r->shared.busy_since_us, memory_order_acquire);

    *callback_out = instance_callback_name(atomic_load_explicit(&r->shared.busy_in, memory_order_relaxed));
    return since ? clock_mono_us() - since : 0;
}

void run_stats(const struct run *r, struct channel_stats *to)
{
    const struct instance_shared *s = &r->shared;
    struct link_counts c;

    link_counts(link_end(r->link, LINK_CORE), &c);
    to->frames_up += c.frames_in;
    to->frames_down += c.frames_out;
    to->bytes_up += c.bytes_in;
    to->bytes_down += c.bytes_out;
    to->wakes_down += c.wakes;
    to->wakes_up += link_wakes(link_end(r->link, LINK_PLUG));
    to->stalls += atomic_load_explicit(&s->stalls, memory_order_relaxed);
    to->loop_wakeups += atomic_load_explicit(&s->loop_wakeups, memory_order_relaxed);
    to->http_requests += atomic_load_explicit(&s->http_requests, memory_order_relaxed);
    to->http_connections += atomic_load_explicit(&s->http_connections, memory_order_relaxed);
}
