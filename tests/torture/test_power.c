/*
 * Power cuts: a gateway under load is recorded (power_shim.c) over several lives, most of
 * which end at a sync; then the folders that a cut at any moment may have left are made and
 * opened, HILO_STATES of them (default 300). Then each place in the code that syncs is held to be
 * without effect: some cut must show it.
 *
 * HILO_SEED repeats what is drawn; the record itself is up to the machine. What failed
 * leaves the record behind: HILO_POWER_AGAIN="record cut how pick seed" looks at one cut of
 * it once more, and leaves the folder.
 */
#include "power_run.h"
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

enum { STATES = 300, CUTS_FOR_A_SITE = 400, TRIES = 20000 };

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

    power_folder_make(made);
    assert_true(power_state_make(l, &plan, made));
    compare_folders(dir, made);
    compare_folders(made, dir);
    assert_true(compare_files > 10);
    power_folder_remove(made);
}

/* ---- plans ---- */

/* Zeros that fill a segment, and their syncs, are many and alike. */
static bool fills(const struct power_log *l, uint32_t at)
{
    const struct power_rec *r = l->rec[at];

    if (r->kind == POWER_SYNC || r->kind == POWER_SYNCED)
        return at > 0 && fills(l, at - 1);
    return r->kind == POWER_WRITE && !r->n_data;
}

static bool is_name(const struct power_rec *r)
{
    return r->kind == POWER_START || (r->kind >= POWER_CREATE && r->kind <= POWER_LINK);
}

/* A place where something happens: near a new or removed name, at a sync, or any. */
static uint32_t cut_drawn(const struct power_log *l, struct draw *d)
{
    enum { NEAR = 12, TURNS = 2000 };
    unsigned where = draw_below(d, 3);

    for (unsigned turn = 0; turn < TURNS; turn++) {
        uint32_t at = draw_below(d, l->n);
        const struct power_rec *r = l->rec[at];
        if (where == 0 && is_name(r))
            return at + draw_below(d, NEAR) < l->n ? at + draw_below(d, NEAR) : l->n;
        if (where == 1 && (r->kind == POWER_SYNC || r->kind == POWER_SYNCED) && !fills(l, at))
            return at + draw_below(d, 2);
        if (where == 2 && r->kind >= POWER_CREATE && r->kind <= POWER_SEND && !fills(l, at))
            return at;
    }
    return l->n;
}

static struct power_plan plan_drawn(const struct power_log *l, struct draw *d)
{
    static const enum power_how hows[] = {POWER_ALL,      POWER_NONE,     POWER_NONE_SIZED, POWER_ONE_LOST,
                                          POWER_ONE_LOST, POWER_ONE_KEPT, POWER_ONE_TORN,   POWER_RANDOM,
                                          POWER_RANDOM,   POWER_RANDOM};

    return (struct power_plan){.cut = cut_drawn(l, d),
                               .how = hows[draw_below(d, sizeof hows / sizeof *hows)],
                               .pick = draw_below(d, 1000),
                               .seed = draw_next(d)};
}

/* ---- what all tests look at ---- */

struct scene {
    struct power_run run;
    struct power_log log;
    struct power_facts facts;
    struct draw draw;
    unsigned long states;
    bool failed; /* the record is kept */
};

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

static const char *program_path(char out[256])
{
    (void)snprintf(out, 256, "%s/hilod", harness_build());
    return out;
}

static int scene_up(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    uint64_t seed = from_env("HILO_SEED", (unsigned long)time(NULL));
    struct timespec begin;
    char program[256];

    if (!s)
        return -1;
    *state = s;
    s->states = from_env("HILO_STATES", STATES);
    s->draw.state = power_mix(seed);
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    power_run_up(&s->run, seed);
    power_run_lives(&s->run);
    power_log_read(&s->log, s->run.record, program_path(program), NULL);
    power_facts_read(&s->facts, &s->log);
    print_message("  recorded and read in %u ms\n", ms_since(&begin));
    summary(&s->log, &s->facts);
    return 0;
}

static int scene_down(void **state)
{
    struct scene *s = *state;

    power_run_down(&s->run, s->failed);
    power_facts_free(&s->facts);
    power_log_free(&s->log);
    free(s);
    return 0;
}

/* ---- tests ---- */

static void the_record_is_whole(void **state)
{
    struct scene *s = *state;

    record_is_whole(&s->log, s->run.t->scratch.dir);
}

static void drawn_cuts(struct scene *s, const struct power_log *l, const struct power_facts *f,
                       unsigned long n)
{
    struct power_pool pool;
    struct timespec begin;

    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    power_pool_start(&pool, l, f);
    for (unsigned long i = 0; i < n; i++) {
        struct power_plan p = plan_drawn(l, &s->draw);
        power_pool_add(&pool, &p);
    }
    power_pool_finish(&pool);
    print_message("  %u cuts in %u ms, %u failed\n", pool.done, ms_since(&begin), pool.failed);
    s->failed |= pool.failed > 0;
    assert_int_equal(pool.failed, 0);
}

static void nothing_told_is_lost_by_a_power_cut(void **state)
{
    struct scene *s = *state;

    drawn_cuts(s, &s->log, &s->facts, s->states);
}

/* ---- a second cut ---- */

/* The first segment's write of a commit whose sync is under way there, while the next segment is
 * being filled; POWER_NEVER: none. */
static bool commits(const struct power_log *l, uint32_t at)
{
    return l->rec[at]->kind == POWER_WRITE && l->rec[at]->n_data > 1024 && l->rec[at]->offset > 0 &&
           l->rec[at]->n_path > 4 && memcmp(power_path(l->rec[at]) + l->rec[at]->n_path - 4, ".seg", 4) == 0;
}

/* A cut that tears a commit, if it can while a segment is half made. */
static struct power_plan a_torn_commit(struct scene *s)
{
    const struct power_log *l = &s->log;
    uint32_t best = 0;
    bool filling = false;

    for (uint32_t i = 0; i < l->n; i++) {
        const struct power_rec *r = l->rec[i];
        if (r->kind == POWER_CREATE && memmem(power_path(r), r->n_path, ".seg", 4))
            filling = true;
        if (r->kind == POWER_WRITE && r->n_data && r->offset == 0)
            filling = false;
        if (r->kind == POWER_START)
            filling = false;
        if (commits(l, i) && (!best || filling))
            best = i + 1;
    }
    assert_true(best > 0);
    return (struct power_plan){.cut = best, .how = POWER_RANDOM};
}

static bool is_torn(const struct power_log *l, const struct power_plan *p)
{
    char dir[64], journal[96];
    bool torn;

    power_folder_make(dir);
    assert_true(power_state_make(l, p, dir));
    (void)snprintf(journal, sizeof journal, "%s/data/journal", dir);
    torn = power_torn(journal);
    power_folder_remove(dir);
    return torn;
}

static void nothing_told_is_lost_by_a_second_power_cut(void **state)
{
    struct scene *s = *state;
    struct power_plan p = a_torn_commit(s);
    struct power_base base;
    struct power_log log;
    struct power_facts facts;
    char program[256], words[256];

    /* Until there is something to cut off. */
    for (p.seed = draw_next(&s->draw); !is_torn(&s->log, &p); p.seed = draw_next(&s->draw))
        ;
    power_plan_words(&s->log, &p, words, sizeof words);
    print_message("  goes on from %s\n", words);
    power_run_onward(&s->run, &s->log, &p, &base);
    power_log_read(&log, s->run.record, program_path(program), &base);
    power_facts_read(&facts, &log);
    power_facts_go_on(&facts, &s->facts, p.cut);
    drawn_cuts(s, &log, &facts, s->states / 5);
    power_facts_free(&facts);
    power_log_free(&log);
    power_base_free(&base);
}

/* ---- failed syncs ---- */

/* What such a life has told stays true whatever the disk did with what was to be synced. */
static void a_failed_sync_ends_the_gateway(void **state)
{
    struct scene *s = *state;
    struct power_log log;
    struct power_facts facts;
    struct power_pool pool;
    char program[256];
    unsigned failures = 0;

    power_run_failing(&s->run);
    power_log_read(&log, s->run.record, program_path(program), NULL);
    power_facts_read(&facts, &log);
    power_pool_start(&pool, &log, &facts);
    for (unsigned i = 0; i < log.n_syncs; i++) {
        uint32_t end = log.sync[i].end;
        if (!log.sync[i].failed)
            continue;
        while (end < log.n && log.rec[end]->kind != POWER_START)
            end++;
        for (unsigned how = POWER_ALL; how <= POWER_RANDOM; how++) {
            const struct power_plan p = {.cut = end,
                                         .how = (enum power_how)how,
                                         .pick = draw_below(&s->draw, 100),
                                         .seed = draw_next(&s->draw)};
            power_pool_add(&pool, &p);
        }
        failures++;
    }
    power_pool_finish(&pool);
    print_message("  %u failed syncs, %u cuts after them, %u failed\n", failures, pool.done, pool.failed);
    s->failed |= pool.failed > 0;
    power_facts_free(&facts);
    power_log_free(&log);
    assert_true(failures >= 16);
    assert_int_equal(pool.failed, 0);
}

/* ---- syncs without effect ---- */

/* A cut after one of the site's syncs and before another that covers what it would have. */
static bool plan_for_site(const struct power_log *l, unsigned site, struct draw *d, struct power_plan *out)
{
    static const enum power_how hows[] = {POWER_FOCUS_LOST, POWER_FOCUS_SIZED, POWER_FOCUS_ONE,
                                          POWER_FOCUS_RANDOM, POWER_NONE};
    unsigned nth = draw_below(d, l->site[site].count), i = 0;
    uint32_t end = l->n;

    for (; i < l->n_syncs; i++)
        if (l->sync[i].site == site && nth-- == 0)
            break;
    if (l->sync[i].end == POWER_NEVER)
        return false;
    for (unsigned k = 0; k < l->n_syncs; k++)
        if (l->sync[k].inode == l->sync[i].inode && l->sync[k].site != site &&
            l->sync[k].end != POWER_NEVER && l->sync[k].begin > l->sync[i].end && l->sync[k].end < end)
            end = l->sync[k].end;
    *out = (struct power_plan){.how = hows[draw_below(d, sizeof hows / sizeof *hows)],
                               .cut = l->sync[i].end + 1 + draw_below(d, end - l->sync[i].end),
                               .pick = draw_below(d, 1000),
                               .seed = draw_next(d)};
    return power_focus(l, out->cut) > 0;
}

static void every_sync_is_needed(void **state)
{
    struct scene *s = *state;
    struct power_log *l = &s->log;
    unsigned missed = 0;

    for (unsigned site = 0; site < l->n_sites; site++) {
        const char *name = l->site[site].name;
        struct power_pool pool;
        char words[256];
        power_log_cover(l, (int)site);
        power_pool_start(&pool, l, &s->facts);
        pool.expected = true;
        unsigned long cuts = 0;
        for (unsigned tries = 0; tries < TRIES && cuts < CUTS_FOR_A_SITE && !pool.failed; tries++) {
            struct power_plan p;
            if (!plan_for_site(l, site, &s->draw, &p))
                continue;
            power_pool_add(&pool, &p);
            cuts++;
        }
        power_pool_finish(&pool);
        if (pool.failed) {
            power_plan_words(l, &pool.plan, words, sizeof words);
            print_message("  %s (%u times): cut %u shows it, %s: %.200s\n", name, l->site[site].count,
                          pool.done, words, pool.why);
        } else {
            print_message("  ! %s (%u times): %u cuts and none needs it\n", name, l->site[site].count,
                          pool.done);
        }
        missed += !pool.failed;
    }
    power_log_cover(l, -1);
    assert_int_equal(missed, 0);
}

/* "record cut how pick seed" */
static int once_more(const char *text)
{
    struct power_log log;
    struct power_facts facts;
    struct power_pool pool;
    struct power_plan p;
    unsigned how;
    unsigned long long seed;
    char path[256], program[256];

    if (sscanf(text, "%255s %u %u %u %llu", path, &p.cut, &how, &p.pick, &seed) != 5)
        return 2;
    p.how = (enum power_how)how;
    p.seed = seed;
    power_log_read(&log, path, program_path(program), NULL);
    power_facts_read(&facts, &log);
    power_pool_start(&pool, &log, &facts);
    power_pool_add(&pool, &p);
    power_pool_finish(&pool);
    (void)printf("%u failed: %s\n", pool.failed, pool.why);
    power_facts_free(&facts);
    power_log_free(&log);
    return pool.failed > 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_record_is_whole),
        cmocka_unit_test(nothing_told_is_lost_by_a_power_cut),
        cmocka_unit_test(every_sync_is_needed),
        cmocka_unit_test(nothing_told_is_lost_by_a_second_power_cut),
        cmocka_unit_test(a_failed_sync_ends_the_gateway),
    };

    if (getenv("HILO_POWER_AGAIN"))
        return once_more(getenv("HILO_POWER_AGAIN"));
    (void)curl_global_init(CURL_GLOBAL_DEFAULT); /* before there are threads */
    cmocka_set_test_filter(getenv("HILO_TEST")); /* one alone, by its name */
    return cmocka_run_group_tests(tests, scene_up, scene_down);
}
