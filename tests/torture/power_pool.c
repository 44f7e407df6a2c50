/*
 * Workers: processes that make and look at one state after the other. HILO_POWER_AGAIN
 * leaves the folders of states.
 */
#include "power_run.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { SHOWN = 5 };

/* ---- folders ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    return type == FTW_DP ? rmdir(path) : unlink(path);
}

void power_folder_remove(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Where states are made: in memory, if there is room for it. */
static const char *states_in(void)
{
    struct statvfs fs;

    return statvfs("/dev/shm", &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize > (UINT64_C(512) << 20) &&
                   access("/dev/shm", W_OK) == 0
               ? "/dev/shm"
               : "/tmp";
}

void power_folder_make(char out[64])
{
    (void)snprintf(out, 64, "%s/hilo-cut-XXXXXX", states_in());
    assert_non_null(mkdtemp(out));
}

/* ---- workers ---- */

/* A process that makes and looks at one after the other; a crash ends it, and the next one
 * takes its place. */
struct power_worker {
    pid_t pid; /* 0: none */
    int ask, hear;
    bool busy;
    struct order {
        struct power_plan plan;
        char dir[64];
    } order;
};

struct reply {
    int rc;
    char why[POWER_WHY];
};

int power_look_by_core(const struct power_pool *s, const struct power_plan *p, const char *dir, char *why,
                       size_t cap)
{
    char data[80];

    (void)snprintf(data, sizeof data, "%s/data", dir);
    return power_check(data, s->facts, p->cut, why, cap);
}

/* The gateway comes first, so that it is it that finds what the cut has left. */
int power_look_served(const struct power_pool *s, const struct power_plan *p, const char *dir, char *why,
                      size_t cap)
{
    return power_serve(s->program, dir, s->facts, p, why, cap) || power_look_by_core(s, p, dir, why, cap);
}

static void worker_main(const struct power_pool *s, int orders, int replies)
{
    static const int ours[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS};
    struct order o;

    for (unsigned i = 0; i < sizeof ours / sizeof *ours; i++) /* cmocka would go on with the next test */
        (void)signal(ours[i], SIG_DFL);
    if (s->expected) { /* a crash is as good, and its words are not needed */
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        (void)dup2(null, 2);
    }
    while (read(orders, &o, sizeof o) == (ssize_t)sizeof o) {
        struct reply r = {.rc = 1};
        (void)alarm(DEADLINE_S);
        if (power_state_make(s->log, &o.plan, o.dir))
            r.rc = s->look(s, &o.plan, o.dir, r.why, sizeof r.why);
        else
            (void)snprintf(r.why, sizeof r.why, "can't be made: %s", strerror(errno));
        (void)alarm(0);
        if (write(replies, &r, sizeof r) != (ssize_t)sizeof r)
            break;
    }
    _exit(0); /* without a look for leaks: the parent's are not ours */
}

static void worker_start(struct power_pool *s, struct power_worker *w)
{
    int orders[2], replies[2];

    assert_int_equal(pipe2(orders, O_CLOEXEC), 0);
    assert_int_equal(pipe2(replies, O_CLOEXEC), 0);
    (void)fflush(NULL);
    w->pid = fork();
    assert_true(w->pid >= 0);
    if (w->pid == 0) {
        for (unsigned i = 0; i < s->workers; i++) /* so that they see their orders end */
            if (s->worker[i].pid > 0)
                (void)close(s->worker[i].ask);
        (void)close(orders[1]);
        (void)close(replies[0]);
        worker_main(s, orders[0], replies[1]);
    }
    (void)close(orders[0]);
    (void)close(replies[1]);
    w->ask = orders[1];
    w->hear = replies[0];
}

/* How it ended. */
static int worker_stop(struct power_worker *w)
{
    int status = 0;

    (void)close(w->ask);
    (void)close(w->hear);
    assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
    *w = (struct power_worker){0};
    return status;
}

void power_plan_words(const struct power_log *l, const struct power_plan *p, char *out, size_t cap)
{
    static const char *const kinds[] = {"",       "start", "create",   "mkdir",    "unlink", "rename",
                                        "link",   "write", "truncate", "allocate", "sync",   "synced",
                                        "failed", "send",  "receive",  "close"};
    const struct power_rec *r = p->cut < l->n ? l->rec[p->cut] : NULL;

    (void)snprintf(out, cap, "cut %u %u %u %llu (before %s %.*s), %s of %u unsynced", p->cut,
                   (unsigned)p->how, p->pick, (unsigned long long)p->seed, r ? kinds[r->kind] : "the end",
                   r ? (int)r->n_path : 0, r ? power_path(r) : "", power_how_name[p->how],
                   power_unsynced(l, p->cut));
}

static void worker_replied(struct power_pool *s, struct power_worker *w)
{
    struct reply r = {.rc = 1};
    const struct order o = w->order;
    char words[256];

    if (read(w->hear, &r, sizeof r) != (ssize_t)sizeof r) {
        int status = worker_stop(w);
        (void)snprintf(r.why, sizeof r.why, "it ended by signal %d, status %d",
                       WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                       WIFEXITED(status) ? WEXITSTATUS(status) : 0);
    }
    w->busy = false;
    s->done++;
    if (!getenv("HILO_POWER_AGAIN"))
        power_folder_remove(o.dir);
    if (r.rc == 0)
        return;
    if (s->failed++ == 0) {
        memcpy(s->why, r.why, sizeof s->why);
        s->plan = o.plan;
    }
    if (s->expected || s->failed > SHOWN)
        return;
    power_plan_words(s->log, &o.plan, words, sizeof words);
    print_message("  ! %s: %s\n", words, r.why);
}

/* Waits until one has replied; false: none is busy. */
static bool states_wait(struct power_pool *s)
{
    struct pollfd p[POWER_WORKERS];
    struct power_worker *of[POWER_WORKERS];
    nfds_t n = 0;

    for (unsigned i = 0; i < s->workers; i++)
        if (s->worker[i].busy) {
            of[n] = &s->worker[i];
            p[n++] = (struct pollfd){.fd = s->worker[i].hear, .events = POLLIN};
        }
    if (n == 0)
        return false;
    assert_true(poll(p, n, -1) > 0);
    for (nfds_t i = 0; i < n; i++)
        if (p[i].revents)
            worker_replied(s, of[i]);
    return true;
}

void power_pool_add(struct power_pool *s, const struct power_plan *plan)
{
    struct power_worker *w = NULL;

    while (!w) {
        for (unsigned i = 0; i < s->workers && !w; i++)
            if (!s->worker[i].busy)
                w = &s->worker[i];
        if (!w)
            (void)states_wait(s);
    }
    if (!w->pid)
        worker_start(s, w);
    struct order o = {.plan = *plan};
    power_folder_make(o.dir);
    assert_int_equal(write(w->ask, &o, sizeof o), sizeof o);
    w->order = o;
    w->busy = true;
}

void power_pool_finish(struct power_pool *s)
{
    while (states_wait(s))
        ;
    for (unsigned i = 0; i < s->workers; i++)
        if (s->worker[i].pid)
            (void)worker_stop(&s->worker[i]);
    free(s->worker);
    s->worker = NULL;
}

void power_pool_start(struct power_pool *s, const struct power_log *l, const struct power_facts *f)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    *s = (struct power_pool){.look = power_look_by_core,
                             .log = l,
                             .facts = f,
                             .workers = n < 2               ? 2
                                        : n > POWER_WORKERS ? POWER_WORKERS
                                                            : (unsigned)n};
    s->worker = calloc(s->workers, sizeof *s->worker);
    assert_non_null(s->worker);
}
