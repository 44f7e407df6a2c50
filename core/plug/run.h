/*
 * One life of a plugin's instance, as the core's side has it: the link and the thread or
 * the worker process. A thread's run is held by both sides and has copies of all that the
 * thread reads, so that a plugin which never comes back can be given up without pulling
 * anything from under it. All [core].
 */
#ifndef PLUG_RUN_H
#define PLUG_RUN_H

#include "plug/instance.h"
#include "plug/plug.h"

struct run; /* opaque */

/* A worker has ended and was reaped: what killed it, or 0 and its exit status. */
typedef void run_died_fn(void *arg, int signal, int status);

struct run_options {
    const char *name; /* copied */
    const struct plugin *plugin;
    const void *conf; /* copied */
    struct log *log;
    const struct worker_options *worker; /* NULL: a thread */
    struct loop *loop;                   /* of a worker: where its end is told */
    run_died_fn *died;
    void *arg;
};

/* Makes the link and starts the thread or the worker. */
int32_t run_new(const struct run_options *, struct err *, struct run **out);
/* A thread that has said ENDED: waits for its very end. A worker that has died. */
void run_join(struct run **, struct channel_stats *add_to);
/* It does not end: a thread is left alone, and frees what it uses should it ever end; a
 * worker is killed. */
void run_give_up(struct run **, struct channel_stats *add_to);
/* A worker: died comes. */
void run_kill(struct run *);

struct link_end *run_link(struct run *); /* LINK_CORE */
pid_t run_pid(const struct run *);       /* of a worker; 0: a thread */
/* How long the present callback has run by now, 0 if none does; which one it is. */
int64_t run_busy_us(const struct run *, const char **callback_out);
void run_stats(const struct run *, struct channel_stats *add_to);

#endif
