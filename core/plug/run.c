/*
 * A run (run.h): starting, ending and giving up a plugin's instance, on a thread or in a
 * worker.
 *
 * Invariants: the thread reads nothing but its run, the log and the plugin's own code; the
 * last of the two sides frees the run. What a worker's memory says is believed nowhere: of
 * its numbers any may be wrong, none does harm.
 */
#include "plug/run.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "plug/loader.h"
#include "plug/options.h"
#include "plug/setup.h"
#include "plug/worker.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

struct run { /* held by the channel and by the thread */
    _Atomic int refs;
    struct link *link;
    struct instance_shared *shared; /* own, or in the worker's memory */
    struct instance_shared own;
    struct instance_options o;
    struct hilo_plugin desc; /* copies of what the thread reads: it may outlive the channel */
    char *name;
    void *conf;
    pthread_t thread;
    struct loop_process *process; /* the worker; NULL: a thread */
    pid_t pid;
    run_died_fn *died;
    void *died_arg;
};
_Static_assert(sizeof(struct instance_shared) <= LINK_AREA, "it fits the link's memory");

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

/* ---- a thread --------------------------------------------------------------------------------- */

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

static int32_t thread_new(struct run *r, const struct run_options *o, struct err *e)
{
    const struct hilo_plugin *d = plugin_desc(o->plugin);
    struct buf packed = {0};
    struct link *theirs;
    int32_t code;

    CHECK(d->open); /* not one that was only described */
    atomic_init(&r->refs, 2);
    code = link_new(e, &r->link);
    if (code != HILO_OK)
        return code;
    r->shared = &r->own;
    if (o->conf && d->conf_size) {
        if (options_pack(d, o->conf, &packed) != HILO_OK)
            check_nomem();
        r->conf = options_unpack(d, buf_str(&packed));
        CHECK(r->conf);
        options_forget(&packed);
    }
    r->desc = *d;
    r->o = (struct instance_options){.name = r->name,
                                     .desc = &r->desc,
                                     .conf = r->conf,
                                     .link = link_end(r->link, LINK_PLUG),
                                     .log = o->log,
                                     .shared = r->shared};
    code = thread_start(r, e);
    if (code != HILO_OK) {
        theirs = r->link;
        link_unref(&theirs);
        link_unref(&r->link);
    }
    return code;
}

/* ---- a worker ----------------------------------------------------------------------------------- */

static void on_ended(void *arg, int signal, int status)
{
    struct run *r = arg;

    r->died(r->died_arg, signal, status);
}

static int32_t process_new(struct run *r, const struct run_options *o, struct err *e)
{
    struct arena *a = arena_new();
    struct buf packed = {0};
    int32_t code = o->conf ? options_pack(plugin_desc(o->plugin), o->conf, &packed) : HILO_OK;
    struct setup s = {.build = setup_build(a),
                      .name = str(o->name),
                      .plugin = str(plugin_path(o->plugin)),
                      .drop = o->worker->drop,
                      .uid = o->worker->uid,
                      .gid = o->worker->gid,
                      .log_level = (uint64_t)log_level(o->log),
                      .digest = str_n(o->plugin->digest, sizeof o->plugin->digest),
                      .conf = buf_str(&packed)};
    struct frame f = {.type = FRAME_SETUP, .fd = -1, .message = setup_encode(&s, a)};

    if (code != HILO_OK)
        check_nomem();
    code = worker_spawn(o->worker, o->name, e, &r->link, &r->pid);
    if (code != HILO_OK)
        goto out;
    r->shared = link_area(r->link);
    r->died = o->died;
    r->died_arg = o->arg;
    code = loop_process_new(o->loop, r->pid, on_ended, r, &r->process);
    if (code == HILO_OK) {
        code = link_put(link_end(r->link, LINK_CORE), &f);
        link_publish(link_end(r->link, LINK_CORE));
        if (code == HILO_OK)
            goto out;
        loop_process_free(&r->process);
    } else {
        kill(r->pid, SIGKILL);
        while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    code = err_set(e, code, "cannot watch the worker of channel %s; raise the limit of open files", o->name);
    link_unref(&r->link);
out:
    options_forget(&packed);
    arena_free(&a);
    return code;
}

/* ---- both ------------------------------------------------------------------------------------------ */

int32_t run_new(const struct run_options *o, struct err *e, struct run **out)
{
    struct run *r = calloc(1, sizeof *r);
    int32_t code;

    if (!r)
        check_nomem();
    atomic_init(&r->refs, 1);
    r->name = strdup(o->name);
    if (!r->name)
        check_nomem();
    code = o->worker ? process_new(r, o, e) : thread_new(r, o, e);
    if (code == HILO_OK) {
        *out = r;
        return HILO_OK;
    }
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
    if ((*rp)->process)
        loop_process_free(&(*rp)->process);
    else
        pthread_join((*rp)->thread, NULL);
    leave(rp, add_to); /* after the join: with all that it counted */
}

void run_give_up(struct run **rp, struct channel_stats *add_to)
{
    struct frame f = {.type = FRAME_DRAIN, .fd = -1, .at = 1};

    if ((*rp)->process) {
        loop_process_free(&(*rp)->process);
        leave(rp, add_to);
        return;
    }
    /* If it still listens it is to close now. */
    (void)link_put(run_link(*rp), &f);
    link_publish(run_link(*rp));
    atomic_store(&(*rp)->shared->abandoned, 1);
    link_kick(run_link(*rp));
    pthread_detach((*rp)->thread);
    leave(rp, add_to);
}

void run_kill(struct run *r)
{
    loop_process_signal(r->process, SIGKILL);
}

pid_t run_pid(const struct run *r)
{
    return r->process ? r->pid : 0;
}

struct link_end *run_link(struct run *r)
{
    return link_end(r->link, LINK_CORE);
}

int64_t run_busy_us(const struct run *r, const char **callback_out)
{
    int64_t since = atomic_load_explicit(&r->shared->busy_since_us, memory_order_acquire);
    int64_t now = clock_mono_us();

    *callback_out = instance_callback_name(atomic_load_explicit(&r->shared->busy_in, memory_order_relaxed));
    return since > 0 && since <= now ? now - since : 0;
}

void run_stats(const struct run *r, struct channel_stats *to)
{
    const struct instance_shared *s = r->shared;
    struct link_counts c;

    link_counts(link_end(r->link, LINK_CORE), &c);
    to->frames_up += c.frames_in;
    to->frames_down += c.frames_out;
    to->bytes_up += c.bytes_in;
    to->bytes_down += c.bytes_out;
    to->wakes_down += c.wakes;
    to->wakes_up += atomic_load_explicit(&s->wakes, memory_order_relaxed);
    to->stalls += atomic_load_explicit(&s->stalls, memory_order_relaxed);
    to->loop_wakeups += atomic_load_explicit(&s->loop_wakeups, memory_order_relaxed);
    to->http_requests += atomic_load_explicit(&s->http_requests, memory_order_relaxed);
    to->http_connections += atomic_load_explicit(&s->http_connections, memory_order_relaxed);
}
