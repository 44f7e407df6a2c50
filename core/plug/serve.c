/*
 * A worker's life (serve.h).
 *
 * Invariants: nothing of the plugin's file runs, not even a constructor, before confine()
 * has returned; confine() either takes every right away or the worker ends. The core is
 * trusted here, the plugin is not.
 *
 * Limits: a worker of a daemon that is not root has the daemon's own user, so files that
 * this user may read it may read too. Standard error is the daemon's, so that what a
 * sanitizer or abort() says is seen.
 */
#include "plug/serve.h"
#include "base/check.h"
#include "base/str.h"
#include "plug/instance.h"
#include "plug/loader.h"
#include "plug/options.h"
#include "plug/setup.h"
#include "plug/worker.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FILES_MAX = 4096 };

struct starting {
    struct arena *arena;
    struct setup setup;
    bool have, malformed;
};

static bool on_setup(void *arg, const struct frame *f)
{
    struct starting *s = arg;

    if (f->type != FRAME_SETUP)
        return true; /* the core sends it first; before it there is nobody to serve */
    s->have = setup_decode(arena_str(s->arena, f->message), s->arena, &s->setup) == HILO_OK;
    s->malformed = !s->have;
    return false;
}

/* ---- fewer rights ------------------------------------------------------------------------------ */

static int32_t become(const struct setup *s, struct err *e)
{
    const uid_t uid = (uid_t)s->uid;
    const gid_t gid = (gid_t)s->gid;

    if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
        return err_errno(e, "a worker cannot become user %u, group %u; see gateway.worker_user",
                         (unsigned)uid, (unsigned)gid);
    if (getuid() != uid || geteuid() != uid || getgid() != gid || getegid() != gid ||
        (uid != 0 && (setuid(0) == 0 || seteuid(0) == 0)))
        return err_set(e, HILO_IO, "a worker could get its rights back; it does not run");
    return HILO_OK;
}

static int32_t capabilities_drop(struct err *e)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};

    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capset, &head, none) != 0)
        return err_errno(e, "a worker cannot give up its capabilities");
    return HILO_OK;
}

static int32_t limits(struct err *e)
{
    const struct rlimit no_core = {0, 0};
    struct rlimit files;

    if (setrlimit(RLIMIT_CORE, &no_core) != 0 || getrlimit(RLIMIT_NOFILE, &files) != 0)
        return err_errno(e, "a worker cannot set its limits");
    if (files.rlim_max > FILES_MAX)
        files.rlim_max = FILES_MAX;
    files.rlim_cur = files.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &files) == 0 ? HILO_OK : err_errno(e, "a worker cannot set its limits");
}

static int32_t confine(const struct setup *s, struct err *e)
{
    int32_t code;

    (void)umask(077);
    if (chdir("/") != 0)
        return err_errno(e, "a worker cannot leave the daemon's folder");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_errno(e, "a worker cannot promise to get no new rights");
    code = limits(e);
    if (code == HILO_OK && s->drop)
        code = become(s, e);
    /* A user of root's number that was asked for keeps what root has. */
    if (code == HILO_OK && !(s->drop && s->uid == 0))
        code = capabilities_drop(e);
    if (code != HILO_OK)
        return code;
    /* Other workers of this user can't look into us. And we end with the daemon; this must
     * come last, since a change of user forgets it. If it has ended already, the link says so. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return err_errno(e, "a worker cannot protect itself");
    return HILO_OK;
}

/* ---- the plugin ----------------------------------------------------------------------------------- */

static int32_t load(struct plugins *ps, const struct setup *s, struct err *e, struct plugin **out)
{
    if (access(s->plugin.p, R_OK) != 0)
        return err_errno(
            e,
            "plugin %s: its worker, user %u, cannot read it; make the file and the folders above "
            "it readable for others, or set gateway.worker_user",
            s->plugin.p, (unsigned)geteuid());
    return plugins_load(ps, s->plugin.p, e, out);
}

static void say(struct link_end *end, uint16_t type, int32_t code, struct hilo_str message,
                struct hilo_str text)
{
    struct frame f = {.type = type, .fd = -1, .code = code, .message = message, .detail = text};

    CHECK(link_put(end, &f) == HILO_OK);
    link_publish(end);
}

/* The options for the plugin as it is here: only if it is what the core filled them for. */
static int32_t options_of(const struct setup *s, const struct plugin *p, struct arena *a, struct err *e,
                          void **out)
{
    struct hilo_str said = setup_describe(p, a);
    uint8_t digest[SHA256_BYTES];

    sha256(said.p, (size_t)said.n, digest);
    *out = options_unpack(plugin_desc(p), s->conf);
    if (str_eq(s->digest, str_n(digest, sizeof digest)) && *out)
        return HILO_OK;
    free(*out);
    return err_set(
        e, HILO_CONFIG,
        "plugin %s: is not the file that it was when the gateway read its configuration; reload it "
        "to use the new one",
        s->plugin.p);
}

static int32_t check(struct link_end *end, const struct setup *s, const struct plugin *p, struct arena *a,
                     struct err *e)
{
    struct hilo_abilities able = *plugin_abilities(p);
    char wrong[512];
    void *conf;
    int32_t code = options_of(s, p, a, e, &conf);

    if (code != HILO_OK)
        return code;
    code = plugin_check(p, conf, NULL, &able, wrong, sizeof wrong, e);
    if (code == HILO_OK)
        say(end, FRAME_DESCRIBED, HILO_OK, str_n(&able, sizeof able), str(wrong));
    free(conf);
    return code;
}

static int32_t run(struct link *l, const struct setup *s, const struct plugin *p, struct log *log,
                   struct arena *a, struct err *e)
{
    struct instance_options o = {.name = s->name.p,
                                 .desc = plugin_desc(p),
                                 .link = link_end(l, LINK_PLUG),
                                 .log = log,
                                 .shared = link_area(l)};
    void *conf;
    int32_t code = options_of(s, p, a, e, &conf);

    if (code != HILO_OK)
        return code;
    o.conf = conf;
    instance_run(&o); /* says ENDED itself */
    free(conf);
    return HILO_OK;
}

/* ---- all of it --------------------------------------------------------------------------------------- */

static bool wait_setup(struct link_end *end, struct starting *s)
{
    while (!s->have) {
        struct pollfd p = {.fd = link_fd(end), .events = POLLIN};

        if (poll(&p, 1, -1) < 0 && errno != EINTR)
            return false;
        if (link_turn(end, on_setup, s) < 0 || s->malformed) /* the core has gone */
            return false;
    }
    return true;
}

int serve(void)
{
    const struct link_peer peer = {WORKER_FD_MEMORY, WORKER_FD_BELL, WORKER_FD_POST};
    struct starting s = {.arena = arena_new()};
    struct plugins *ps = NULL;
    struct plugin *p = NULL;
    struct link *l = NULL;
    struct log *log = NULL;
    struct err e = {0};
    int32_t code;

    for (int fd = WORKER_FD_MEMORY; fd < WORKER_FD_END; fd++)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    /* Service managers signal all of a service; when a worker ends is the core's to say. */
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    code = link_open_shared(&peer, &e, &l);
    if (code == HILO_OK && !wait_setup(link_end(l, LINK_PLUG), &s))
        code = HILO_DOWN;
    if (code != HILO_OK)
        goto out;
    if (!str_eq(s.setup.build, setup_build(s.arena)))
        code = err_set(&e, HILO_CONFIG,
                       "hilo-worker is of another build than the running hilod; restart the gateway");
    if (code == HILO_OK)
        code = confine(&s.setup, &e);
    log = log_new(STDERR_FILENO, (int32_t)s.setup.log_level);
    ps = plugins_new(s.setup.describe ? NULL : log);
    if (code == HILO_OK)
        code = load(ps, &s.setup, &e, &p);
    if (code == HILO_OK && s.setup.describe == SETUP_DESCRIBE)
        say(link_end(l, LINK_PLUG), FRAME_DESCRIBED, HILO_OK, setup_describe(p, s.arena), STR(""));
    else if (code == HILO_OK && s.setup.describe == SETUP_CHECK)
        code = check(link_end(l, LINK_PLUG), &s.setup, p, s.arena, &e);
    else if (code == HILO_OK)
        code = run(l, &s.setup, p, log, s.arena, &e);
    /* It needs somebody to act: tried again, it would be the same. */
    if (code != HILO_OK)
        say(link_end(l, LINK_PLUG), FRAME_ENDED, code == HILO_IO ? HILO_IO : HILO_CONFIG, STR(""),
            str(e.text));
out:
    if (!l)
        (void)dprintf(STDERR_FILENO, "hilo-worker: %s; hilod starts it, nobody else\n", e.text);
    if (ps)
        plugins_free(&ps);
    link_unref(&l);
    log_free(&log);
    arena_free(&s.arena);
    return code == HILO_OK ? 0 : 1;
}
