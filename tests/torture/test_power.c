/*
 * Power cuts: a gateway under load is recorded (power_shim.c) over several lives, most of
 * which end at a sync; then the folders that a cut at any moment may have left are made and
 * opened, HILO_STATES of them (default 300).
 *
 * HILO_SEED repeats what is drawn; the record itself is up to the machine. What failed
 * leaves the record behind: HILO_POWER_AGAIN="record cut how pick seed" looks at one cut of
 * it once more, and leaves the folder.
 */
#include "power.h"
#include "torture.h"
#include <curl/curl.h>
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
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { STATES = 300, WORKERS_MAX = 16, WHY = 1024, SHOWN = 5, BIG_TEXT = 60000 };

static unsigned long from_env(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtoul(text, NULL, 0) : otherwise;
}

static unsigned ms_since(const struct timespec *begin)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned)((now.tv_sec - begin->tv_sec) * 1000 + (now.tv_nsec - begin->tv_nsec) / 1000000);
}

/* ---- folders ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    return type == FTW_DP ? rmdir(path) : unlink(path);
}

static void remove_all(const char *path)
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

/* ---- states, several at a time ---- */

/* A process that makes and looks at one after the other; a crash ends it, and the next one
 * takes its place. */
struct worker {
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
    char why[WHY];
};

struct states {
    const struct power_log *log;
    const struct power_facts *facts;
    struct worker worker[WORKERS_MAX];
    unsigned workers, done, failed;
    bool expected; /* failures are */
    char why[WHY]; /* of the first */
    struct power_plan plan;
};

static void worker_main(const struct states *s, int orders, int replies)
{
    struct order o;

    if (s->expected) { /* a crash is as good, and its words are not needed */
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        (void)dup2(null, 2);
    }
    while (read(orders, &o, sizeof o) == (ssize_t)sizeof o) {
        struct reply r = {.rc = 1};
        char data[80];
        (void)snprintf(data, sizeof data, "%s/data", o.dir);
        (void)alarm(DEADLINE_S);
        if (power_state_make(s->log, &o.plan, o.dir))
            r.rc = power_check(data, s->facts, o.plan.cut, r.why, sizeof r.why);
        else
            (void)snprintf(r.why, sizeof r.why, "can't be made: %s", strerror(errno));
        (void)alarm(0);
        if (write(replies, &r, sizeof r) != (ssize_t)sizeof r)
            break;
    }
    _exit(0); /* without a look for leaks: the parent's are not ours */
}

static void worker_start(struct states *s, struct worker *w)
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
static int worker_stop(struct worker *w)
{
    int status = 0;

    (void)close(w->ask);
    (void)close(w->hear);
    assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
    *w = (struct worker){0};
    return status;
}

static void plan_words(const struct states *s, const struct power_plan *p, char *out, size_t cap)
{
    static const char *const kinds[] = {"",       "start", "create",   "mkdir",    "unlink", "rename",
                                        "link",   "write", "truncate", "allocate", "sync",   "synced",
                                        "failed", "send",  "receive",  "close"};
    const struct power_rec *r = p->cut < s->log->n ? s->log->rec[p->cut] : NULL;

    (void)snprintf(out, cap, "cut %u %u %u %llu (before %s %.*s), %s of %u unsynced", p->cut,
                   (unsigned)p->how, p->pick, (unsigned long long)p->seed, r ? kinds[r->kind] : "the end",
                   r ? (int)r->n_path : 0, r ? power_path(r) : "", power_how_name[p->how],
                   power_unsynced(s->log, p->cut));
}

static void worker_replied(struct states *s, struct worker *w)
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
        remove_all(o.dir);
    if (r.rc == 0)
        return;
    if (s->failed++ == 0) {
        memcpy(s->why, r.why, sizeof s->why);
        s->plan = o.plan;
    }
    if (s->expected || s->failed > SHOWN)
        return;
    plan_words(s, &o.plan, words, sizeof words);
    print_message("  ! %s: %s\n", words, r.why);
}

/* Waits until one has replied; false: none is busy. */
static bool states_wait(struct states *s)
{
    struct pollfd p[WORKERS_MAX];
    struct worker *of[WORKERS_MAX];
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

static void states_add(struct states *s, const struct power_plan *plan)
{
    struct worker *w = NULL;

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
    (void)snprintf(o.dir, sizeof o.dir, "%s/hilo-cut-XXXXXX", states_in());
    assert_non_null(mkdtemp(o.dir));
    assert_int_equal(write(w->ask, &o, sizeof o), sizeof o);
    w->order = o;
    w->busy = true;
}

static void states_finish(struct states *s)
{
    while (states_wait(s))
        ;
    for (unsigned i = 0; i < s->workers; i++)
        if (s->worker[i].pid)
            (void)worker_stop(&s->worker[i]);
}

static void states_init(struct states *s, const struct power_log *l, const struct power_facts *f)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    *s = (struct states){.log = l,
                         .facts = f,
                         .workers = n < 2             ? 2
                                    : n > WORKERS_MAX ? WORKERS_MAX
                                                      : (unsigned)n};
}

/* ---- the recorded gateway ---- */

struct run {
    struct torture *t;
    struct scratch log_scratch;
    char record[192];
    char env[2][256];
    char customer[ID_MAX]; /* whose attributes fill segments */
    unsigned big, changes;
};

static void run_env(struct run *r)
{
    const char *asan = getenv("ASAN_OPTIONS");
    struct torture *t = r->t;
    char root[sizeof t->scratch.dir];

    (void)snprintf(root, sizeof root, "%s", t->scratch.dir);
    (void)snprintf(r->record, sizeof r->record, "%s/record", r->log_scratch.dir);
    (void)snprintf(r->env[0], sizeof r->env[0], "LD_PRELOAD=%s/tests/torture/power.so", harness_build());
    (void)snprintf(r->env[1], sizeof r->env[1], "ASAN_OPTIONS=%s%sverify_asan_link_order=0", asan ? asan : "",
                   asan ? ":" : "");
    t->gate.env[0] = r->env[0];
    t->gate.env[1] = r->env[1];
    assert_int_equal(setenv("HILO_POWER_LOG", r->record, 1), 0);
    assert_int_equal(setenv("HILO_POWER_ROOT", root, 1), 0);
}

static void set_die(const char *spec)
{
    if (spec)
        assert_int_equal(setenv("HILO_POWER_DIE", spec, 1), 0);
    else
        assert_int_equal(unsetenv("HILO_POWER_DIE"), 0);
}

static void run_up(struct run *r, uint64_t seed)
{
    static const char *const options[] = {"--connections", "3", "--no-window", NULL};
    struct torture *t = calloc(1, sizeof *t);

    assert_non_null(t);
    *r = (struct run){.t = t};
    t->seed = seed;
    t->draw.state = seed;
    t->hold = true;
    t->slower = 5;
    scratch_init(&t->scratch);
    scratch_init(&r->log_scratch);
    assert_int_equal(pthread_mutex_init(&t->lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&t->changed, NULL), 0);
    run_env(r);
    print_message("  seed %llu, in %s, recorded in %s\n", (unsigned long long)seed, t->scratch.dir,
                  r->record);
    sim_start(&t->sim, options);
    sim_set(
        &t->sim, "/_sim/config",
        "{\"batch\":4,\"templates\":[{\"name\":\"pedir_foto\",\"language\":\"es\",\"body_parameters\":1}]}");
    (void)snprintf(t->gate.extra_channel, sizeof t->gate.extra_channel,
                   "    in_doubt: hold\n    retry_min: 20ms\n    retry_max: 200ms\n    in_flight: 16\n    "
                   "timeout: 5s\n");
    t->gate.segment_size = "8M";
}

/* A text of 60,000 bytes: some seventy of them change the segment. Answered or not. */
static void post_big(struct run *r, unsigned n)
{
    char *body = malloc(BIG_TEXT + 512), phone[16];
    const struct gate *g = &r->t->gate;
    char url[128];

    assert_non_null(body);
    phone_of(n % CUSTOMERS, phone);
    int at = snprintf(
        body, 512,
        "{\"to\":{\"phone\":\"+%s\"},\"channel\":\"wa\",\"content\":{\"type\":\"text\",\"text\":\"big-%u-",
        phone, n);
    for (unsigned i = 0; i < BIG_TEXT; i++)
        body[at++] = (char)('a' + (i * 7 + n) % 26);
    (void)snprintf(body + at, 8, "\"}}");
    (void)snprintf(url, sizeof url, "%s/v1/messages", g->url);
    struct answer a = http_do("POST", url, g->key, body, NULL);
    answer_done(&a);
    free(body);
}

/* 4 MiB of changes to one customer: the next segment is begun. */
static void fill_segment(struct run *r)
{
    const struct gate *g = &r->t->gate;
    char fill[16000], *body = NULL, url[160];

    for (unsigned n = 0; n < (4 << 20) / sizeof fill; n++) {
        for (unsigned i = 0; i < sizeof fill; i++)
            fill[i] = (char)('a' + (i * 5 + r->changes) % 26);
        assert_true(asprintf(&body, "{\"attributes\":{\"number\":%u,\"fill\":\"%.*s\"}}", ++r->changes,
                             (int)sizeof fill, fill) > 0);
        (void)snprintf(url, sizeof url, "%s/v1/customers/%s", g->url, r->customer);
        struct answer a = http_do("PATCH", url, g->key, body, NULL);
        assert_int_equal(a.status, 200);
        answer_done(&a);
        free(body);
    }
}

/* Waits until it has died of what it was told to die of. */
static void dies(struct run *r, const char *of)
{
    struct process *p = r->t->gate.process;
    int status = process_wait(p);

    if (status != 128 + SIGKILL || process_saw(p, "Sanitizer")) {
        process_show(p);
        fail_msg("the gateway ended by itself with %d, and not of %s", status, of);
    }
    process_free(&r->t->gate.process);
    set_die(NULL);
}

/* One life under load. */
static void live(struct run *r, const char *die)
{
    struct torture *t = r->t;

    set_die(die);
    gate_launch(&t->gate);
    dies(r, die);
}

static void record(struct run *r)
{
    /* Before it serves: the first segment without its name, the second without its head. */
    static const char *const births[] = {"data/journal 1 before", "data/journal/0000000002.seg 65 before"};
    static const char *const deaths[] = {
        "data/journal/*.seg 40 before", "data/context/data.mdb 4 before", "data/media/tmp-* 3 before",
        "data/journal/*.seg 60 after",  "data/context/data.mdb 6 after",  "data/media/?? 4 before",
        "data/media 4 after",
    };
    struct torture *t = r->t;

    gate_prepare(&t->gate, &t->scratch, &t->sim);
    for (unsigned i = 0; i < sizeof births / sizeof *births; i++)
        live(r, births[i]);
    gate_start(&t->gate, &t->scratch, &t->sim);
    struct answer a = gate_post(&t->gate, "/v1/customers", "{\"name\":\"Ana\"}");
    assert_int_equal(a.status, 201);
    (void)snprintf(r->customer, sizeof r->customer, "%s", answer_str(&a, "id"));
    answer_done(&a);
    load_start(t);
    fill_segment(r);
    post_big(r, r->big++);
    fill_segment(r);
    process_signal(t->gate.process, SIGTERM);
    assert_int_equal(process_wait(t->gate.process), 0);
    process_free(&t->gate.process);
    for (unsigned i = 0; i < sizeof deaths / sizeof *deaths; i++)
        live(r, deaths[i]);
    gate_again(&t->gate);
    post_big(r, r->big++);
    load_stop(t);
    gate_stop(&t->gate);
}

static void run_down(struct run *r, bool keep)
{
    struct torture *t = r->t;

    load_free(t);
    process_free(&t->gate.process);
    sim_stop(&t->sim);
    scratch_done(&t->scratch);
    if (!keep)
        scratch_done(&r->log_scratch);
    (void)pthread_mutex_destroy(&t->lock);
    (void)pthread_cond_destroy(&t->changed);
    free(t);
}

/* ---- the record is whole ---- */

static char compared[1100];
static const char *compare_a, *compare_b;
static unsigned compare_files;

static bool same(const char *path, const char *other)
{
    static uint8_t a[1 << 16], b[1 << 16];
    int fd = open(path, O_RDONLY | O_CLOEXEC), other_fd = open(other, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 || other_fd < 0 ? -1 : 1, m = n;

    while (n > 0 && n == m) {
        n = read(fd, a, sizeof a);
        m = read(other_fd, b, sizeof b);
        if (n == m && n > 0 && memcmp(a, b, (size_t)n) != 0)
            n = -1;
    }
    if (fd >= 0)
        (void)close(fd);
    if (other_fd >= 0)
        (void)close(other_fd);
    return n == 0 && m == 0;
}

/* A file of the folder is, byte by byte, what the record says. */
static int compare_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    char other[512];

    (void)ftw;
    if (type != FTW_F || !S_ISREG(st->st_mode) || strstr(path, "lock.mdb") || strstr(path, "hilo.yaml"))
        return 0;
    (void)snprintf(other, sizeof other, "%s%s", compare_b, path + strlen(compare_a));
    if (access(other, R_OK) != 0) {
        (void)snprintf(compared, sizeof compared, "%s is not there", other);
        return 1;
    }
    if (!same(path, other))
        (void)snprintf(compared, sizeof compared, "%s and %s differ", path, other);
    compare_files++;
    return compared[0] != '\0';
}

static void compare_folders(const char *a, const char *b)
{
    compare_a = a;
    compare_b = b;
    if (nftw(a, compare_one, 16, FTW_PHYS) != 0)
        fail_msg("%s", compared[0] ? compared : "nftw");
}

static void record_is_whole(const struct power_log *l, const char *dir)
{
    const struct power_plan plan = {.cut = l->n, .how = POWER_ALL};
    char made[64];

    (void)snprintf(made, sizeof made, "%s/hilo-cut-XXXXXX", states_in());
    assert_non_null(mkdtemp(made));
    assert_true(power_state_make(l, &plan, made));
    compare_folders(dir, made);
    compare_folders(made, dir);
    assert_true(compare_files > 10);
    remove_all(made);
}

/* ---- plans ---- */

static bool is_interesting(const struct power_rec *r)
{
    return r->kind >= POWER_CREATE && r->kind <= POWER_SEND && !(r->kind == POWER_WRITE && !r->n_data);
}

static struct power_plan plan_drawn(const struct power_log *l, struct draw *d)
{
    static const enum power_how hows[] = {POWER_ALL,      POWER_NONE,     POWER_NONE_SIZED, POWER_ONE_LOST,
                                          POWER_ONE_LOST, POWER_ONE_KEPT, POWER_ONE_TORN,   POWER_RANDOM,
                                          POWER_RANDOM,   POWER_RANDOM};
    struct power_plan p = {.how = hows[draw_below(d, sizeof hows / sizeof *hows)], .seed = draw_next(d)};

    p.pick = (unsigned)draw_below(d, 1000);
    do
        p.cut = draw_below(d, l->n + 1);
    while (p.cut < l->n && !is_interesting(l->rec[p.cut]));
    return p;
}

static void summary(const struct power_log *l, const struct power_facts *f)
{
    unsigned of[FACT_ANSWERED + 1] = {0}, lives = 0;

    for (unsigned i = 0; i < f->n; i++)
        of[f->fact[i].kind]++;
    for (uint32_t i = 0; i < l->n; i++)
        lives += l->rec[i]->kind == POWER_START;
    print_message(
        "  %u lives, %u operations on %u files and folders, %u syncs; told: %u accepted, %u canceled, "
        "%u uploaded, %u received, %u receipts, %u sent\n",
        lives, l->n_ops, l->n_inodes, l->n_syncs, of[FACT_ACCEPTED], of[FACT_CANCELED], of[FACT_UPLOADED],
        of[FACT_RECEIVED], of[FACT_RECEIPT], of[FACT_LEFT]);
    assert_true(of[FACT_ACCEPTED] && of[FACT_UPLOADED] && of[FACT_RECEIVED] && of[FACT_RECEIPT] &&
                of[FACT_LEFT]);
}

static void program_path(char *out, size_t cap)
{
    (void)snprintf(out, cap, "%s/hilod", harness_build());
}

/* ---- tests ---- */

static void nothing_told_is_lost_by_a_power_cut(void **state)
{
    uint64_t seed = from_env("HILO_SEED", (unsigned long)time(NULL));
    unsigned long n = from_env("HILO_STATES", STATES);
    struct draw draw = {power_mix(seed)};
    struct power_log log;
    struct power_facts facts;
    struct states s;
    struct run r;
    struct timespec begin;
    char program[256];

    (void)state;
    run_up(&r, seed);
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    record(&r);
    print_message("  recorded in %u ms\n", ms_since(&begin));
    program_path(program, sizeof program);
    power_log_read(&log, r.record, program);
    power_facts_read(&facts, &log);
    print_message("  read in %u ms\n", ms_since(&begin));
    summary(&log, &facts);
    for (unsigned i = 0; i < log.n_sites; i++)
        print_message("  %5u %s\n", log.site[i].count, log.site[i].name);
    record_is_whole(&log, r.t->scratch.dir);
    print_message("  whole in %u ms\n", ms_since(&begin));
    states_init(&s, &log, &facts);
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    for (unsigned long i = 0; i < n; i++) {
        struct power_plan p = plan_drawn(&log, &draw);
        states_add(&s, &p);
    }
    states_finish(&s);
    print_message("  %u cuts in %u ms, %u failed\n", s.done, ms_since(&begin), s.failed);
    run_down(&r, s.failed > 0);
    power_facts_free(&facts);
    power_log_free(&log);
    assert_int_equal(s.failed, 0);
}

/* "record cut how pick seed" */
static int once_more(const char *text)
{
    struct power_log log;
    struct power_facts facts;
    struct states s;
    struct power_plan p;
    unsigned how;
    unsigned long long seed;
    char path[256], program[256];

    if (sscanf(text, "%255s %u %u %u %llu", path, &p.cut, &how, &p.pick, &seed) != 5)
        return 2;
    p.how = (enum power_how)how;
    p.seed = seed;
    program_path(program, sizeof program);
    power_log_read(&log, path, program);
    power_facts_read(&facts, &log);
    states_init(&s, &log, &facts);
    states_add(&s, &p);
    (void)printf("%s\n", s.worker[0].order.dir);
    states_finish(&s);
    (void)printf("%u failed: %s\n", s.failed, s.why);
    power_facts_free(&facts);
    power_log_free(&log);
    return s.failed > 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_told_is_lost_by_a_power_cut),
    };

    if (getenv("HILO_POWER_AGAIN"))
        return once_more(getenv("HILO_POWER_AGAIN"));
    (void)curl_global_init(CURL_GLOBAL_DEFAULT); /* before there are threads */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
