/*
 * Power cuts while backups are made: a gateway under load is recorded (power_shim.c) over two
 * backups, the second with links to the first; then the folders that a cut at any moment may have
 * left are made, HILO_STATES / 5 of them, and each backup there is restored by hilod.
 *
 *   One that was told to be done is there, and what is restored from it has all that was told before it
 *   was asked for. So has one that has its name already, told or not.
 *   One without its name is refused in words, or has all of it nevertheless.
 *
 * Then each sync that a backup makes is held to be without effect: some cut must show it.
 */
#include "power_run.h"
#include <curl/curl.h>
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { STATES = 300, PARTS = 5, SAID = 600 };

extern char **environ;

struct scene {
    struct power_run run;
    struct power_base base;
    struct power_log log;
    struct power_facts facts;
    struct draw draw;
    char program[256];
    unsigned long states;
    bool failed;
};

/* ---- the record ---- */

static void backup(struct power_run *r, const char *name, const char *since)
{
    char bin[256], control[256], to[256], from[256];
    const char *argv[] = {"/usr/bin/env", control, bin, "backup", to, since ? "--since" : NULL, from, NULL};
    const char *dir = r->t->scratch.dir;

    (void)snprintf(bin, sizeof bin, "%s/hilo", harness_build());
    (void)snprintf(control, sizeof control, "HILO_CONTROL=%s/data/control.sock", dir);
    (void)snprintf(to, sizeof to, "%s/backups/%s", dir, name);
    (void)snprintf(from, sizeof from, "%s/backups/%s", dir, since ? since : "");
    struct process *p = process_start(argv);
    int status = process_wait(p);
    if (status != 0)
        process_show(p);
    assert_int_equal(status, 0);
    process_free(&p);
}

static int scene_up(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    const char *seed_text = getenv("HILO_SEED"), *states = getenv("HILO_STATES");
    uint64_t seed = seed_text ? strtoull(seed_text, NULL, 0) : (uint64_t)time(NULL);

    if (!s)
        return -1;
    *state = s;
    s->draw.state = power_mix(seed);
    s->states = (states ? strtoul(states, NULL, 0) : STATES) / PARTS;
    (void)snprintf(s->program, sizeof s->program, "%s/hilod", harness_build());
    power_run_up(&s->run, seed);
    struct torture *t = s->run.t;
    gate_prepare(&t->gate, &t->scratch, &t->sim);
    assert_int_equal(mkdir(scratch_path(&t->scratch, "backups"), 0700), 0);
    power_base_read(&s->base, t->scratch.dir);
    gate_start(&t->gate, &t->scratch, &t->sim);
    load_start(t);
    nap(t, 600);
    backup(&s->run, "one", NULL);
    nap(t, 200);
    backup(&s->run, "two", "one");
    nap(t, 100);
    load_stop(t);
    gate_stop(&t->gate);
    power_log_read(&s->log, s->run.record, s->program, &s->base);
    power_facts_read(&s->facts, &s->log);
    return 0;
}

static int scene_down(void **state)
{
    struct scene *s = *state;

    power_run_down(&s->run, s->failed);
    power_facts_free(&s->facts);
    power_log_free(&s->log);
    power_base_free(&s->base);
    free(s);
    return 0;
}

/* ---- in a worker: one state ---- */

struct looking {
    const struct power_pool *pool;
    const struct power_plan *plan;
    const char *dir;
    char *why;
    size_t cap;
};

static bool wrong(const struct looking *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(const struct looking *k, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(k->why, k->cap, fmt, ap);
    va_end(ap);
    return false;
}

/* hilod --restore; its status, and what it said. */
static int restore(const struct looking *k, const char *from, const char *to, char said[SAID])
{
    char yaml[160], program[256], source[256];
    char *const argv[] = {program, (char[]){"--restore"}, source, (char[]){"-c"}, yaml, NULL};
    posix_spawn_file_actions_t actions;
    int out[2], status = -1;
    size_t n = 0;
    ssize_t got;
    pid_t pid;

    (void)snprintf(yaml, sizeof yaml, "%s/restore.yaml", k->dir);
    (void)snprintf(program, sizeof program, "%s", k->pool->program);
    (void)snprintf(source, sizeof source, "%s", from);
    FILE *f = fopen(yaml, "we");
    if (!f || pipe2(out, O_CLOEXEC) != 0)
        return -1;
    (void)fprintf(f, "gateway:\n  name: Test\n  data_dir: %s\nstore:\n  segment_size: 8M\n  map_size: 2G\n",
                  to);
    (void)fclose(f);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    (void)posix_spawn_file_actions_adddup2(&actions, out[1], 2);
    int rc = posix_spawn(&pid, program, &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(out[1]);
    while ((got = read(out[0], said + n, SAID - 1 - n)) > 0)
        n += (size_t)got;
    said[n] = '\0';
    (void)close(out[0]);
    if (rc == 0)
        (void)waitpid(pid, &status, 0);
    return status;
}

/* What is restored of this folder has all that was told before its backup was asked for. partial: it may be
 * refused instead, in words that say what to do. */
static bool restores(const struct looking *k, const char *from, const struct power_fact *begun, bool partial)
{
    char to[192], said[SAID] = "";
    const char *name = strrchr(begun->text, '/') + 1;

    (void)snprintf(to, sizeof to, "%s/restored-%s%s", k->dir, name, partial ? "-partial" : "");
    int status = restore(k, from, to, said);
    if (partial && WIFEXITED(status) && WEXITSTATUS(status) == 1)
        return strstr(said, "take another one") || strstr(said, "no whole backup") ||
               wrong(k, "%s is refused with no words for it: %s", from, said);
    if (status != 0)
        return wrong(k, "%s is not restored, status 0x%x: %s", from, (unsigned)status, said);
    char why[POWER_WHY];
    return power_check(to, k->pool->facts, (uint32_t)begun->number, why, sizeof why) == 0
               ? true
               : wrong(k, "what is restored from %s: %.800s", from, why);
}

static bool is_there(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

static bool one_backup(const struct looking *k, const struct power_fact *begun)
{
    const struct power_facts *f = k->pool->facts;
    char path[160], partial[176];
    bool told = false;

    for (unsigned i = 0; i < f->n; i++)
        told |= f->fact[i].kind == FACT_BACKED_UP && strcmp(f->fact[i].id, begun->id) == 0 &&
                f->fact[i].at < k->plan->cut;
    (void)snprintf(path, sizeof path, "%s/backups/%s", k->dir, strrchr(begun->text, '/') + 1);
    (void)snprintf(partial, sizeof partial, "%s.partial", path);
    if (told && !is_there(path))
        return wrong(k, "%s was told to be done, and is not there", path);
    if (is_there(path) && !restores(k, path, begun, false))
        return false;
    return !is_there(partial) || restores(k, partial, begun, true);
}

/* When the last one was: nothing, or whole. */
static bool last_is_whole(const struct looking *k)
{
    char path[160], text[128] = "";
    unsigned long long seq;
    int end = 0;

    (void)snprintf(path, sizeof path, "%s/data/backup.last", k->dir);
    FILE *f = fopen(path, "re");
    if (!f)
        return true;
    size_t n = fread(text, 1, sizeof text - 1, f);
    (void)fclose(f);
    return (sscanf(text, "2%*[0-9:.TZ-] %llu%n", &seq, &end) == 1 && text[end] == '\n' &&
            n == (size_t)end + 1) ||
           wrong(k, "data/backup.last says \"%s\"", text);
}

static int look(const struct power_pool *pool, const struct power_plan *plan, const char *dir, char *why,
                size_t cap)
{
    const struct looking k = {.pool = pool, .plan = plan, .dir = dir, .why = why, .cap = cap};
    bool good = last_is_whole(&k);

    for (unsigned i = 0; good && i < pool->facts->n; i++)
        if (pool->facts->fact[i].kind == FACT_BACKING && pool->facts->fact[i].number < plan->cut)
            good = one_backup(&k, &pool->facts->fact[i]);
    return good ? 0 : 1;
}

/* ---- tests ---- */

static void pool_start(struct scene *s, struct power_pool *pool)
{
    power_pool_start(pool, &s->log, &s->facts);
    pool->look = look;
    pool->program = s->program;
}

/* At what a backup writes, names and syncs, or at any record since the first was begun. */
static uint32_t cut_drawn(const struct power_log *l, uint32_t begun, struct draw *d)
{
    enum { TURNS = 5000 };
    bool own = draw_chance(d, 80);

    for (unsigned i = 0; i < TURNS; i++) {
        uint32_t at = begun + draw_below(d, l->n - begun);
        if (!own || (l->rec[at]->n_path > 8 && memcmp(power_path(l->rec[at]), "backups/", 8) == 0))
            return at + draw_below(d, 2);
    }
    return l->n;
}

static void what_a_backup_has_survives_power_cuts(void **state)
{
    struct scene *s = *state;
    struct power_pool pool;
    unsigned begun = 0, done = 0;
    uint32_t first = 0;

    power_log_is_whole(&s->log, s->run.t->scratch.dir);

    for (unsigned i = 0; i < s->facts.n; i++) {
        const struct power_fact *f = &s->facts.fact[i];
        if (f->kind == FACT_BACKING && begun++ == 0)
            first = (uint32_t)f->number;
        done += f->kind == FACT_BACKED_UP;
    }
    assert_int_equal(begun, 2);
    assert_int_equal(done, 2);
    pool_start(s, &pool);
    for (unsigned long i = 0; i < s->states; i++) {
        const struct power_plan p = {.cut = cut_drawn(&s->log, first, &s->draw),
                                     .how = power_how_drawn(&s->draw),
                                     .pick = draw_below(&s->draw, 1000),
                                     .seed = draw_next(&s->draw)};
        power_pool_add(&pool, &p);
    }
    power_pool_finish(&pool);
    print_message("  %u cuts, %u failed\n", pool.done, pool.failed);
    s->failed |= pool.failed > 0;
    assert_int_equal(pool.failed, 0);
}

static void every_sync_of_a_backup_is_needed(void **state)
{
    struct scene *s = *state;
    unsigned looked = 0, missed = 0;

    for (unsigned site = 0; site < s->log.n_sites; site++) {
        struct power_pool pool;
        if (!strstr(s->log.site[site].name, "backup"))
            continue;
        looked++;
        pool_start(s, &pool);
        missed += !power_site_needed(&s->log, site, &pool, &s->draw);
    }
    s->failed |= missed > 0;
    assert_true(looked >= 5); /* files, manifest, folders, the folder they are in, the time of the last */
    assert_int_equal(missed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_backup_has_survives_power_cuts),
        cmocka_unit_test(every_sync_of_a_backup_is_needed),
    };

    (void)curl_global_init(CURL_GLOBAL_DEFAULT); /* before there are threads */
    cmocka_set_test_filter(getenv("HILO_TEST"));
    return cmocka_run_group_tests(tests, scene_up, scene_down);
}
