/*
 * Power cuts: a gateway under load is recorded (power_shim.c) over several lives, most of
 * which end at a sync; then the folders that a cut at any moment may have left are made and
 * started by the gateway, HILO_STATES of them (default 300). Then each place in the code that syncs is held
 * to be without effect: some cut must show it.
 *
 * HILO_SEED repeats what is drawn; the record itself is up to the machine. What failed
 * leaves the record behind: HILO_POWER_AGAIN="record cut how pick seed" looks at one cut of
 * it once more, and leaves the folder.
 */
#include "power_run.h"
#include <curl/curl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

enum { STATES = 300 };

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

/* ---- what all tests look at ---- */

struct scene {
    struct power_run run;
    struct power_log log;
    struct power_facts facts;
    struct draw draw;
    char program[256]; /* the gateway that runs, and starts on each state */
    unsigned long states;
    bool failed; /* the record is kept */
};

static void summary(const struct power_log *l, const struct power_facts *f)
{
    unsigned of[FACT_BACKED_UP + 1] = {0}, lives = 0;

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

    if (!s)
        return -1;
    *state = s;
    s->states = from_env("HILO_STATES", STATES);
    (void)program_path(s->program);
    s->draw.state = power_mix(seed);
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    power_run_up(&s->run, seed);
    power_run_lives(&s->run);
    power_log_read(&s->log, s->run.record, s->program, NULL);
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

    power_log_is_whole(&s->log, s->run.t->scratch.dir);
}

static void drawn_cuts(struct scene *s, const struct power_log *l, const struct power_facts *f,
                       unsigned long n)
{
    struct power_pool pool;
    struct timespec begin;

    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    power_pool_start(&pool, l, f);
    pool.look = power_look_served;
    pool.program = s->program;
    for (unsigned long i = 0; i < n; i++) {
        struct power_plan p = power_plan_drawn(l, &s->draw);
        power_pool_add(&pool, &p);
    }
    power_pool_finish(&pool);
    print_message("  %u cuts, a gateway started on each, in %u ms, %u failed\n", pool.done, ms_since(&begin),
                  pool.failed);
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
    char words[256];

    /* Until there is something to cut off. */
    for (p.seed = draw_next(&s->draw); !is_torn(&s->log, &p); p.seed = draw_next(&s->draw))
        ;
    power_plan_words(&s->log, &p, words, sizeof words);
    print_message("  goes on from %s\n", words);
    power_run_onward(&s->run, &s->log, &p, &base);
    power_log_read(&log, s->run.record, s->program, &base);
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
    unsigned failures = 0;

    power_run_failing(&s->run);
    power_log_read(&log, s->run.record, s->program, NULL);
    power_facts_read(&facts, &log);
    power_pool_start(&pool, &log, &facts);
    pool.look = power_look_served;
    pool.program = s->program;
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

static void every_sync_is_needed(void **state)
{
    struct scene *s = *state;
    struct power_log *l = &s->log;
    unsigned missed = 0;

    for (unsigned site = 0; site < l->n_sites; site++) {
        struct power_pool pool;
        power_pool_start(&pool, l, &s->facts);
        missed += !power_site_needed(l, site, &pool, &s->draw);
    }
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
    pool.look = power_look_served;
    pool.program = program;
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
