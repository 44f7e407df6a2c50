/*
 * A gateway under load, recorded (power_shim.c). A life ends where the recorder was told to end
 * it: at a sync of a file of some kind, between two records.
 */
#include "power_run.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { BIG_TEXT = 60000 };

static void run_env(struct power_run *r, const char *record)
{
    const char *asan = getenv("ASAN_OPTIONS");
    struct torture *t = r->t;

    (void)snprintf(r->record, sizeof r->record, "%s/%s", r->records.dir, record);
    (void)snprintf(r->env[0], sizeof r->env[0], "LD_PRELOAD=%s/tests/torture/power.so", harness_build());
    (void)snprintf(r->env[1], sizeof r->env[1], "ASAN_OPTIONS=%s%sverify_asan_link_order=0", asan ? asan : "",
                   asan ? ":" : "");
    t->gate.env[0] = r->env[0];
    t->gate.env[1] = r->env[1];
    assert_int_equal(setenv("HILO_POWER_LOG", r->record, 1), 0);
    assert_int_equal(setenv("HILO_POWER_ROOT", t->scratch.dir, 1), 0);
}

static void set_die(const char *spec)
{
    if (spec)
        assert_int_equal(setenv("HILO_POWER_DIE", spec, 1), 0);
    else
        assert_int_equal(unsetenv("HILO_POWER_DIE"), 0);
}

void power_run_up(struct power_run *r, uint64_t seed)
{
    static const char *const options[] = {"--connections", "3", "--no-window", NULL};
    struct torture *t = calloc(1, sizeof *t);

    assert_non_null(t);
    *r = (struct power_run){.t = t};
    t->seed = seed;
    t->draw.state = seed;
    t->hold = true;
    t->slower = 5;
    scratch_init(&t->scratch);
    scratch_init(&r->records);
    assert_int_equal(pthread_mutex_init(&t->lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&t->changed, NULL), 0);
    run_env(r, "record");
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
static void post_big(struct power_run *r, unsigned n)
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
static void fill_segment(struct power_run *r)
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
static void dies(struct power_run *r, const char *of)
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

/* The load goes on meanwhile. */
static void ends_well(struct torture *t)
{
    process_signal(t->gate.process, SIGTERM);
    if (process_wait(t->gate.process) != 0) {
        process_show(t->gate.process);
        fail_msg("the gateway was told to end and did not end well");
    }
    process_free(&t->gate.process);
}

/* One life under load. */
static void live(struct power_run *r, const char *die)
{
    struct torture *t = r->t;

    set_die(die);
    gate_launch(&t->gate);
    dies(r, die);
}

void power_run_lives(struct power_run *r)
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
    ends_well(t);
    for (unsigned i = 0; i < sizeof deaths / sizeof *deaths; i++)
        live(r, deaths[i]);
    gate_again(&t->gate);
    post_big(r, r->big++);
    load_stop(t);
    gate_stop(&t->gate);
}

/* ---- going on ---- */

/* Everything new but the simulator: a folder, a record, and an API key, whose idempotency keys are
 * its own. */
static void begin_anew(struct power_run *r, const char *record)
{
    struct torture *t = r->t;

    load_free(t);
    memset(t->poster, 0, sizeof t->poster);
    t->arrival = NULL;
    t->n_arrivals = t->arrivals_cap = 0;
    t->stop = false;
    scratch_done(&t->scratch);
    scratch_init(&t->scratch);
    run_env(r, record);
    t->gate.key[0] = '\0';
}

void power_run_onward(struct power_run *r, const struct power_log *l, const struct power_plan *p,
                      struct power_base *base_out)
{
    struct torture *t = r->t;

    begin_anew(r, "record-onward");
    assert_true(power_state_make(l, p, t->scratch.dir));
    power_base_read(base_out, t->scratch.dir);
    gate_start(&t->gate, &t->scratch, &t->sim);
    load_start(t);
    nap(t, 500);
    load_stop(t);
    gate_stop(&t->gate);
}

/* Something for its loop to do, until it ends. */
static void disturb(struct power_run *r)
{
    const struct gate *g = &r->t->gate;
    pid_t pid = process_pid(g->process);
    siginfo_t info = {0};
    char url[96];

    (void)snprintf(url, sizeof url, "%s/healthz", g->url);
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 && info.si_pid == 0) {
        struct answer a = http_do("GET", url, NULL, NULL, NULL);
        answer_done(&a);
        nap(r->t, 10);
    }
}

static void fails(struct power_run *r, const char *fail, const char *words)
{
    struct torture *t = r->t;
    int status;

    assert_int_equal(setenv("HILO_POWER_FAIL", fail, 1), 0);
    gate_launch(&t->gate);
    disturb(r);
    status = process_wait(t->gate.process);
    assert_int_equal(unsetenv("HILO_POWER_FAIL"), 0);
    if (status == 0 || status >= 128 || !process_saw(t->gate.process, words) ||
        process_saw(t->gate.process, "Sanitizer")) {
        process_show(t->gate.process);
        fail_msg("after the failed sync of %s the gateway ended with %d, and was to name \"%s\"", fail,
                 status, words);
    }
    process_free(&t->gate.process);
}

void power_run_failing(struct power_run *r)
{
    struct failure {
        const char *of, *words;
    };
    /* At the first start … */
    static const struct failure births[] = {
        {". 1", "/.."},
        {"data 1", "/data"},
        {"data/context/data.new 1", "context"},
        {"data/journal 1", "journal"},
        {"data/journal/0000000001.seg 30", "0000000001.seg"},
        {"data/journal/0000000001.seg 65", "0000000001.seg"},
        {"data/journal 2", "journal"},
        {"data/journal/0000000002.seg 30", "0000000002.seg"},
        {"data/journal/0000000002.seg 65", "0000000002.seg"},
        {"data/journal 2", "journal"},
    };
    /* … and under load. */
    static const struct failure others[] = {
        {"data/journal/0000000001.seg 1", "0000000001.seg"},
        {"data/journal/0000000001.seg 25", "0000000001.seg"},
        {"data/context/data.mdb 3", "context"},
        {"data/media/tmp-* 2", "media"},
        {"data/media/?? 2", "media"},
        {"data/media 2", "media"},
    };
    struct torture *t = r->t;

    begin_anew(r, "record-failing");
    t->disk_fails = true;
    gate_prepare(&t->gate, &t->scratch, &t->sim);
    for (unsigned i = 0; i < sizeof births / sizeof *births; i++)
        fails(r, births[i].of, births[i].words);
    gate_start(&t->gate, &t->scratch, &t->sim);
    load_start(t);
    nap(t, 200);
    ends_well(t);
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        fails(r, others[i].of, others[i].words);
    gate_again(&t->gate);
    load_stop(t);
    gate_stop(&t->gate);
}

void power_run_down(struct power_run *r, bool keep)
{
    struct torture *t = r->t;

    load_free(t);
    process_free(&t->gate.process);
    sim_stop(&t->sim);
    scratch_done(&t->scratch);
    if (!keep)
        scratch_done(&r->records);
    (void)pthread_mutex_destroy(&t->lock);
    (void)pthread_cond_destroy(&t->changed);
    free(t);
}
