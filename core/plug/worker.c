/*
 * Worker processes, the core's side (worker.h).
 *
 * Invariants: a worker gets nothing of ours but its link and standard error: every other
 * descriptor is closed, its environment is made anew, and what it needs to know, secrets
 * too, comes through the link, which no other process can read.
 *
 * posix_spawn (a vfork inside) runs only calls that are safe there, whatever threads we
 * have; all that confines the worker is done by itself, before any code of a plugin runs
 * (serve.c).
 */
#include "plug/worker.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "plug/loader.h"
#include "plug/setup.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FD_HIGH = 16, DESCRIBE_S = 30, ENV_MAX = 16 };

/* ---- making one ------------------------------------------------------------------------------ */

/* What a worker's libraries may ask for; the rest of our environment, which may hold the
 * configuration's secrets, stays here. */
static const char *const env_kept[] = {"LANG",          "LC_ALL",       "TZ",
                                       "SSL_CERT_FILE", "SSL_CERT_DIR", "ASAN_OPTIONS",
                                       "LSAN_OPTIONS",  "TSAN_OPTIONS", "UBSAN_OPTIONS"};
_Static_assert(sizeof env_kept / sizeof *env_kept < ENV_MAX, "with the NULL at its end");

static void env_make(char *out[ENV_MAX])
{
    unsigned n = 0;

    for (size_t i = 0; i < sizeof env_kept / sizeof *env_kept; i++) {
        const char *value = getenv(env_kept[i]);

        if (value && asprintf(&out[n++], "%s=%s", env_kept[i], value) < 0)
            check_nomem();
    }
    out[n] = NULL;
}

/* Above the numbers that they are to have there, so that dup2 never hits one of them. */
static int32_t peer_raise(struct link_peer *p, struct err *e)
{
    int *fds[] = {&p->memory, &p->bell, &p->post};

    for (int i = 0; i < 3; i++) {
        int high = fcntl(*fds[i], F_DUPFD_CLOEXEC, FD_HIGH);

        if (high < 0)
            return err_errno(e, "cannot make the descriptors of a worker; raise the limit of open files");
        close(*fds[i]);
        *fds[i] = high;
    }
    return HILO_OK;
}

static int32_t execute(const struct worker_options *o, const char *name, const struct link_peer *p,
                       struct err *e, pid_t *pid_out)
{
    char *env[ENV_MAX], program[] = "hilo-worker", *shown = strdup(name);
    char *argv[] = {program, shown, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t all, none;
    int rc;

    if (!shown)
        check_nomem();
    env_make(env);
    (void)sigfillset(&all);
    (void)sigemptyset(&none);
    CHECK(posix_spawn_file_actions_init(&files) == 0 && posix_spawnattr_init(&attr) == 0);
    rc = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&files, p->memory, WORKER_FD_MEMORY);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&files, p->bell, WORKER_FD_BELL);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&files, p->post, WORKER_FD_POST);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(&files, WORKER_FD_END);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(&attr, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(&attr, &all);
    /* A group of its own: what a terminal sends to ours is for the gateway, which drains. */
    if (rc == 0)
        rc = posix_spawnattr_setpgroup(&attr, 0);
    if (rc == 0)
        rc = posix_spawnattr_setflags(&attr,
                                      POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if (rc == 0)
        rc = posix_spawn(pid_out, o->path, &files, &attr, argv, env);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attr);
    for (char **v = env; *v; v++)
        free(*v);
    free(shown);
    if (rc == 0)
        return HILO_OK;
    errno = rc;
    return err_errno(
        e, "cannot execute %s; install it beside hilod or in libexec/hilo, or use isolation: thread",
        o->path);
}

int32_t worker_spawn(const struct worker_options *o, const char *name, struct err *e, struct link **link_out,
                     pid_t *pid_out)
{
    struct link_peer peer;
    struct link *l;
    int32_t code = link_new_shared(e, &l, &peer);

    if (code != HILO_OK)
        return code;
    code = peer_raise(&peer, e);
    if (code == HILO_OK)
        code = execute(o, name, &peer, e, pid_out);
    link_peer_close(&peer);
    if (code == HILO_OK)
        *link_out = l;
    else
        link_unref(&l);
    return code;
}

/* ---- describing -------------------------------------------------------------------------------- */

struct describing {
    struct plugin *plugin;
    bool done;
    int32_t code;
    struct err *e;
};

static bool on_frame(void *arg, const struct frame *f)
{
    struct describing *d = arg;

    d->done = true;
    if (f->type == FRAME_DESCRIBED)
        d->code = setup_described(f->message, d->plugin, d->e);
    else if (f->type == FRAME_ENDED && f->code != HILO_OK)
        d->code = err_set(d->e, f->code, "%.*s", STR_FMT(f->detail));
    else
        d->code =
            err_set(d->e, HILO_INVALID, "plugin %s: its worker does not say what it is", d->plugin->path);
    return false;
}

/* Waits until the worker has said it, has ended, or its time is over. */
static int32_t listen_to(struct link_end *end, struct describing *d, struct err *e)
{
    const int64_t until = clock_mono_us() + (int64_t)DESCRIBE_S * 1000 * 1000;

    while (!d->done) {
        struct pollfd p = {.fd = link_fd(end), .events = POLLIN};
        int64_t left_ms = (until - clock_mono_us()) / 1000;

        if (left_ms <= 0)
            return err_set(e, HILO_INVALID,
                           "plugin %s: its worker has not said what it is within %d s: its constructors "
                           "hang; correct the plugin",
                           d->plugin->path, DESCRIBE_S);
        if (poll(&p, 1, (int)left_ms) < 0 && errno != EINTR)
            return err_errno(e, "cannot wait for a worker");
        if (link_turn(end, on_frame, d) < 0)
            return err_set(e, HILO_INVALID, "plugin %s: what its worker says is malformed", d->plugin->path);
        /* What it wrote last may have come after the look, and before its end was seen. */
        if (!d->done && link_gone(end) && link_turn(end, on_frame, d) <= 0)
            return HILO_DOWN;
    }
    return d->code;
}

static void reap(pid_t pid, int *status_out)
{
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, status_out, 0) < 0 && errno == EINTR)
        ;
}

static int32_t describe(struct plugin *p, const struct worker_options *o, struct err *e)
{
    struct describing d = {.plugin = p, .e = e};
    struct arena *a = arena_new();
    struct setup s = {.build = setup_build(a),
                      .name = STR("describe"),
                      .plugin = str(p->path),
                      .describe = 1,
                      .drop = o->drop,
                      .uid = o->uid,
                      .gid = o->gid,
                      .log_level = HILO_LOG_WARN};
    struct frame f = {.type = FRAME_SETUP, .fd = -1, .message = setup_encode(&s, a)};
    struct link *l;
    pid_t pid;
    int status = 0;
    int32_t code = worker_spawn(o, "describe", e, &l, &pid);

    if (code == HILO_OK) {
        CHECK(link_put(link_end(l, LINK_CORE), &f) == HILO_OK);
        link_publish(link_end(l, LINK_CORE));
        code = listen_to(link_end(l, LINK_CORE), &d, e);
        reap(pid, &status);
        link_unref(&l);
        if (code == HILO_DOWN)
            code = err_set(e, HILO_INVALID,
                           "plugin %s: ends the process that loads it (signal %d, status %d); correct its "
                           "constructors, or see the lines above",
                           p->path, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                           WIFEXITED(status) ? WEXITSTATUS(status) : 0);
    }
    arena_free(&a);
    return code;
}

int32_t plugins_describe(struct plugins *ps, const char *path, const struct worker_options *o, struct err *e,
                         struct plugin **out)
{
    struct plugin *p;
    char *full;
    struct stat st;
    int32_t code = loader_check_file(path, &st, e);

    if (code != HILO_OK)
        return code;
    p = loader_plugin_find(ps, &st, true);
    if (p) {
        *out = p;
        return HILO_OK;
    }
    full = realpath(path, NULL);
    if (!full)
        return err_errno(e, "plugin %s: cannot be found again", path);
    p = loader_plugin_new(full, &st);
    free(full);
    p->arena = arena_new();
    code = describe(p, o, e);
    if (code == HILO_OK) {
        loader_plugin_add(ps, p);
        *out = p;
    } else {
        loader_plugin_free(&p);
    }
    return code;
}
