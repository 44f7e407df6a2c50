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
#include "plug/options.h"
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

/* One question to a worker that is made for it, and its answer. */
struct asking {
    struct plugin *described; /* filled by it; NULL: check() is asked */
    const char *path;
    struct hilo_abilities *able;
    char *wrong;
    size_t wrong_size;
    bool done;
    int32_t code;
    struct err *e;
};

static int32_t checked(struct asking *q, const struct frame *f)
{
    if (f->message.n != sizeof *q->able)
        return err_set(q->e, HILO_INVALID, "plugin %s: what its worker says of its options is malformed",
                       q->path);
    memcpy(q->able, f->message.p, sizeof *q->able);
    q->able->size = sizeof *q->able;
    (void)snprintf(q->wrong, q->wrong_size, "%.*s", STR_FMT(f->detail));
    return HILO_OK;
}

static bool on_frame(void *arg, const struct frame *f)
{
    struct asking *q = arg;

    q->done = true;
    if (f->type == FRAME_DESCRIBED)
        q->code = q->described ? setup_described(f->message, q->described, q->e) : checked(q, f);
    else if (f->type == FRAME_ENDED && f->code != HILO_OK)
        q->code = err_set(q->e, f->code, "%.*s", STR_FMT(f->detail));
    else
        q->code = err_set(q->e, HILO_INVALID, "plugin %s: its worker does not say what it is", q->path);
    return false;
}

/* Waits until the worker has said it, has ended, or its time is over. */
static int32_t listen_to(struct link_end *end, struct asking *q)
{
    const int64_t until = clock_mono_us() + (int64_t)DESCRIBE_S * 1000 * 1000;

    while (!q->done) {
        struct pollfd p = {.fd = link_fd(end), .events = POLLIN};
        int64_t left_ms = (until - clock_mono_us()) / 1000;

        if (left_ms <= 0)
            return err_set(
                q->e, HILO_INVALID,
                "plugin %s: its worker has not said what it is within %d s: its constructors or its "
                "check() hang; correct the plugin",
                q->path, DESCRIBE_S);
        if (poll(&p, 1, (int)left_ms) < 0 && errno != EINTR)
            return err_errno(q->e, "cannot wait for a worker");
        if (link_turn(end, on_frame, q) < 0)
            return err_set(q->e, HILO_INVALID, "plugin %s: what its worker says is malformed", q->path);
        /* What it wrote last may have come after the look, and before its end was seen. */
        if (!q->done && link_gone(end) && link_turn(end, on_frame, q) <= 0)
            return HILO_DOWN;
    }
    return q->code;
}

static void reap(pid_t pid, int *status_out)
{
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, status_out, 0) < 0 && errno == EINTR)
        ;
}

static int32_t ask(struct asking *q, const struct worker_options *o, struct setup *s, struct err *e)
{
    struct arena *a = arena_new();
    struct frame f = {.type = FRAME_SETUP, .fd = -1};
    struct link *l;
    pid_t pid;
    int status = 0;
    int32_t code = worker_spawn(o, "describe", e, &l, &pid);

    if (code == HILO_OK) {
        q->e = e;
        s->build = setup_build(a);
        s->name = STR("describe");
        s->plugin = str(q->path);
        s->drop = o->drop;
        s->uid = o->uid;
        s->gid = o->gid;
        s->log_level = HILO_LOG_WARN;
        f.message = setup_encode(s, a);
        code = link_put(link_end(l, LINK_CORE), &f);
        link_publish(link_end(l, LINK_CORE));
        code = code == HILO_OK
                   ? listen_to(link_end(l, LINK_CORE), q)
                   : err_set(e, code, "cannot give a worker its options; raise the limit of open files");
        reap(pid, &status);
        link_unref(&l);
        if (code == HILO_DOWN)
            code = err_set(e, HILO_INVALID,
                           "plugin %s: ends the process that loads it (signal %d, status %d); correct its "
                           "constructors or its check(), or see the lines above",
                           q->path, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                           WIFEXITED(status) ? WEXITSTATUS(status) : 0);
    }
    arena_free(&a);
    return code;
}

int32_t plugin_check(const struct plugin *p, const void *conf, const struct worker_options *o,
                     struct hilo_abilities *able, char *wrong, size_t wrong_size, struct err *e)
{
    struct asking q = {.path = p->path, .able = able, .wrong = wrong, .wrong_size = wrong_size};
    struct buf packed = {0};
    struct setup s = {.describe = SETUP_CHECK, .digest = str_n(p->digest, sizeof p->digest)};
    int32_t code;

    wrong[0] = '\0';
    if (!p->checks)
        return HILO_OK;
    if (!p->arena) {
        const char *words = p->desc.check(conf, able);
        (void)snprintf(wrong, wrong_size, "%s", words ? words : "");
        return HILO_OK;
    }
    CHECK(o);
    if (options_pack(&p->desc, conf, &packed) != HILO_OK)
        check_nomem();
    s.conf = buf_str(&packed);
    code = ask(&q, o, &s, e);
    options_forget(&packed);
    return code;
}

int32_t plugins_describe(struct plugins *ps, const char *path, const struct worker_options *o, struct err *e,
                         struct plugin **out)
{
    struct setup s = {.describe = SETUP_DESCRIBE};
    struct asking q = {0};
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
    q.described = p;
    q.path = p->path;
    code = ask(&q, o, &s, e);
    if (code == HILO_OK) {
        loader_plugin_add(ps, p);
        *out = p;
    } else {
        loader_plugin_free(&p);
    }
    return code;
}
