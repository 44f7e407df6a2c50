/*
 * The plugin host: loads plugins, runs one instance a channel on a thread of its own or
 * in a worker process of its own, and carries messages between it and the core over a link.
 *
 *   core's loop   channel.c   <- link: two rings of frames, a wake-up each ->    instance.c   plugin's loop
 *                 run.c, worker.c                                                httpc.c (libcurl multi)
 *                                                                                serve.c (a worker's start)
 *
 * Knows no store: it reaches up through the table plug_up that main fills. All
 * functions and all calls up are on the core's loop [core] unless they say otherwise.
 */
#ifndef PLUG_PLUG_H
#define PLUG_PLUG_H

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "loop/loop.h"
#include <hilo/plugin.h>
#include <stdbool.h>

/* ---- loading --------------------------------------------------------------------- */

struct plugin; /* opaque; a loaded file, never unloaded */

/* Loads a file (RTLD_NOW|RTLD_LOCAL|RTLD_NODELETE) and checks its descriptor: magic,
 * sizes, required abilities known, what it provides is there, option table sane. The
 * error names the file, the reason and what to do. The descriptor used from then on
 * is a zeroed copy of ours, filled with min(their size, ours). The same file gives the
 * same plugin. */
struct plugins; /* the loaded ones */
struct plugins *plugins_new(struct log *);
void plugins_free(struct plugins **); /* forgets them; the mappings stay */
int32_t plugins_load(struct plugins *, const char *path, struct err *, struct plugin **out);

/* How workers are made: the same for all of a gateway. */
struct worker_options {
    const char *path; /* of hilo-worker, of the same build */
    bool drop;        /* they become this user and group; only root can make them */
    uint32_t uid, gid;
};
/* The same as plugins_load, but none of the file's code runs in this process: a worker loads
 * it and says what it is (waits for that, at most 30 s). The descriptor has no functions;
 * only channels with a worker can run it. */
int32_t plugins_describe(struct plugins *, const char *path, const struct worker_options *, struct err *,
                         struct plugin **out);
const struct hilo_plugin *plugin_desc(const struct plugin *);
const struct hilo_abilities *plugin_abilities(const struct plugin *); /* our size, zero-filled */
bool plugin_reconfigures(const struct plugin *);                      /* it takes new options while it runs */
/* What its check() says of filled options: wrong has words for an operator, or is empty; able,
 * which holds the plugin's own, is narrowed. By a worker, if the plugin was described by one.
 * Anything but HILO_OK: that worker could not say it. */
int32_t plugin_check(const struct plugin *, const void *conf, const struct worker_options *,
                     struct hilo_abilities *able, char *wrong, size_t wrong_size, struct err *);
const char *plugin_path(const struct plugin *);

/* ---- a channel ---------------------------------------------------------------------- */

struct channel; /* opaque */

enum channel_state {
    CHANNEL_STARTING = 1, /* the plugin's open and start run, or will after a delay */
    CHANNEL_UP,           /* it works */
    CHANNEL_DOWN,         /* it says that it can't work now, or waits for its restart */
    CHANNEL_STOPPED,      /* until an operator acts (HILO_CONFIG); a running instance still takes
                             requests and answers, and may say that it works again */
    CHANNEL_DRAINING,
    CHANNEL_CLOSED /* its thread or worker has ended */
};
const char *channel_state_name(enum channel_state);

/* What the plugin asks of the core; every function must be there. arg is plug_up.arg; everything passed is
 * borrowed until the call returns, except descriptors, which are given away. */
struct plug_up {
    void *arg;
    /* submit(): answer with channel_committed(token), now or later, exactly once. */
    void (*submit)(void *arg, struct channel *, uint64_t token, struct hilo_str message);
    /* Exactly once for each channel_send() that was taken, unless the channel is given
     * up as hung. It gives one credit back: up.credit does not say so again. */
    void (*report)(void *arg, struct channel *, const struct hilo_report *);
    void (*credit)(void *arg, struct channel *, uint32_t n);
    /* Answer with channel_context(token). */
    void (*context_get)(void *arg, struct channel *, uint64_t token, struct hilo_str subject,
                        struct hilo_str key);
    void (*context_put)(void *arg, struct channel *, uint64_t token, struct hilo_str subject,
                        struct hilo_str key, struct hilo_str val, uint64_t if_version);
    /* The answer to channel_request(request); comes once, or never if the channel closes. */
    void (*answer)(void *arg, struct channel *, uint64_t request, const struct hilo_http *);
    /* Answer with channel_media(token). */
    void (*media_get)(void *arg, struct channel *, uint64_t token, struct hilo_id media);
    void (*fetched)(void *arg, struct channel *, uint64_t job, int32_t code, struct hilo_str mime,
                    struct hilo_str detail, int64_t retry_after_us);
    /* The state changed; text is for operators. STARTING, STOPPED of an instance that
     * ended and CLOSED void all credit, and what has no report by then is in doubt. Never
     * called from within a function below; CLOSED is the last call for a channel, which
     * may be freed within it. */
    void (*state)(void *arg, struct channel *, enum channel_state, struct hilo_str text);
    /* Room in the link again after a function below said HILO_FULL. */
    void (*room)(void *arg, struct channel *);
    /* The channel's templates, as hilo_host has them; group is not checked yet. */
    void (*template_begin)(void *arg, struct channel *);
    void (*template_put)(void *arg, struct channel *, struct hilo_str group);
    void (*template_end)(void *arg, struct channel *);
    /* What the plugin said of channel_reconfigure(): HILO_OK, it uses the new options; else
     * it goes on with the old ones. Does not come if the instance ends before. */
    void (*reconfigured)(void *arg, struct channel *, int32_t code);
    /* A request to the API; at most HILO_API_MAX are out. Answer with channel_api_answer(token),
     * once, while this instance runs. */
    void (*api)(void *arg, struct channel *, uint64_t token, const struct hilo_http *);
    /* From now on channel_event() gives the events that this asks for: after is empty, or an
     * event's id as the plugin wrote it. */
    void (*follow)(void *arg, struct channel *, struct hilo_str types, struct hilo_str after);
    /* Files of the channel's own. Names are proper ones; answer each with channel_file(token), the
     * last with channel_files(token), while this instance runs. */
    void (*file_open)(void *arg, struct channel *, uint64_t token, struct hilo_str name, uint32_t flags);
    void (*file_remove)(void *arg, struct channel *, uint64_t token, struct hilo_str name);
    void (*file_list)(void *arg, struct channel *, uint64_t token);
};

struct channel_options {
    const char *name; /* copied */
    struct plugin *plugin;
    const void *conf;  /* the filled struct, borrowed until channel_free; each instance
                          gets a copy, texts of its options included */
    struct loop *loop; /* the core's */
    struct log *log;
    const struct plug_up *up;
    void *user;                          /* for channel_user() */
    int64_t hung_us;                     /* a callback that takes longer hangs; 0: 10 s */
    const struct worker_options *worker; /* a process; copied. NULL: a thread */
};

/* Makes the channel and starts its thread or worker: open() and start() run there. A failure of
 * theirs is a state, not an error here: HILO_DOWN, TEMP and others restart after 1 s,
 * doubling to 60 s, HILO_CONFIG and INVALID stop it. */
int32_t channel_new(const struct channel_options *, struct err *, struct channel **out);
/* Asks the plugin to drain by the monotonic instant, then closes it; CLOSED follows
 * through up.state. A plugin that does not come back by then + 5 s is reported as hung
 * in the log and given up: a worker is killed; a thread is leaked, never killed. */
void channel_drain(struct channel *, int64_t mono_us);
/* Options for the next instance, instead of those of channel_options: the same, in another
 * place, or such that the running one need not know. Borrowed until channel_free. */
void channel_conf(struct channel *, const void *conf);
/* The same, and the running instance is asked to take them: up.reconfigured follows. What
 * had STOPPED a channel without an instance, or kept it DOWN until its next start, may be
 * mended by them: another is started at once. HILO_NOSUP: nothing happened, for the plugin
 * can't; drain it and make a new channel. */
int32_t channel_reconfigure(struct channel *, const void *conf);
/* CLOSED, or never started. */
void channel_free(struct channel **);

const char *channel_name(const struct channel *);
void *channel_user(const struct channel *);
const struct plugin *channel_plugin(const struct channel *);
enum channel_state channel_state(const struct channel *, struct hilo_str *text_out);
/* Whether an instance runs: STOPPED and DOWN are said of both. */
bool channel_runs(const struct channel *);
bool channel_isolated(const struct channel *); /* it has a worker process */
pid_t channel_pid(const struct channel *);     /* of the worker; 0: a thread, or none runs */
/* An operator has mended what STOPPED it: UP if its instance runs, else another is
 * started; the state follows from the loop. Otherwise nothing. */
void channel_mended(struct channel *);

/* Frames to the plugin. HILO_OK, or HILO_FULL (nothing happened; up.room comes), or
 * HILO_DOWN when the instance is not running, drains, or has not come back from a
 * callback for hung_us (it is DOWN until it does; a worker is killed), or HILO_INVALID (an empty message, too
 * many headers, 64 MiB), HILO_NOSUP (the plugin does not provide it). committed, context,
 * media, files and the api's answers always get there while it runs. Frames are seen only after
 * channel_flush, which the core calls once a turn, after the commit: so a batch costs one wake-up, and
 * nothing is told before it is on disk. */
int32_t channel_send(struct channel *, struct hilo_id, struct hilo_str message);
void channel_revoke(struct channel *, struct hilo_id);
void channel_committed(struct channel *, uint64_t token, int32_t code);
void channel_context(struct channel *, uint64_t token, int32_t code, struct hilo_str val, uint64_t version);
int32_t channel_request(struct channel *, uint64_t request, const struct hilo_http *);
void channel_media(struct channel *, uint64_t token, int32_t code, int fd, struct hilo_str mime,
                   struct hilo_str filename, uint64_t size);
void channel_api_answer(struct channel *, uint64_t token, int32_t code, const struct hilo_http *);
/* fd: given away, -1 unless a file was opened. names: each with a line's end. */
void channel_file(struct channel *, uint64_t token, int32_t code, int fd, uint64_t size);
void channel_files(struct channel *, uint64_t token, int32_t code, struct hilo_str names);
/* The next event of the last up.follow. HILO_FULL besides the ring's: those before are not dealt
 * with yet; up.room comes. HILO_NOSUP: nothing is followed. */
int32_t channel_event(struct channel *, struct hilo_str id, struct hilo_str json);
int32_t channel_fetch(struct channel *, uint64_t job, struct hilo_str message, struct hilo_str which,
                      int fd); /* fd given away if OK */
void channel_flush(struct channel *);

struct channel_stats {
    uint64_t frames_up, frames_down, bytes_up, bytes_down, wakes_up, wakes_down;
    uint64_t restarts, stalls; /* callbacks over 100 ms */
    uint64_t deaths;           /* workers that ended without having closed, or were killed */
    uint64_t loop_wakeups;
    uint64_t http_requests, http_connections; /* made by the host's client */
};
void channel_stats(const struct channel *, struct channel_stats *out);

#endif
