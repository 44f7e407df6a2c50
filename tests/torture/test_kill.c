/*
 * Nothing lost: the gateway is killed with SIGKILL at random moments under load from both
 * sides, HILO_KILLS times in all (default 10), half of them with in_doubt: hold and half
 * with resend; verify.c says what must be true after that. The moments are drawn over
 * the whole of a life, its first milliseconds and its recovery included; some lives end
 * right after an answer, or after a line of the log, of what is not on disk yet.
 *
 * HILO_SEED repeats what a run has drawn: it is printed. What a failed run leaves behind
 * stays in the folder that it names.
 */
#include "torture.h"
#include <curl/curl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

enum {
    KILLS = 10,
    KILLS_A_WORLD = 100, /* then from an empty store again: its check at the end stays affordable */
    CHECK_EVERY = 8,
    LIFE_MS = 1200,
    WORKER_PERCENT = 33, /* of lives with the channel in a process of its own, which dies too */
    /* How lives end; the others at any time after the start. */
    OF_A_LINE_PERCENT = 25,
    EARLY_PERCENT = 20, /* before the gateway says that it is ready, or about then */
    OF_AN_ANSWER_PERCENT = 25
};

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

/* ---- a world ---- */

static void open_cases(struct torture *t)
{
    for (unsigned i = 0; i < CUSTOMERS; i += 2) {
        char phone[16];
        phone_of(i, phone);
        struct answer c = gate_post(&t->gate, "/v1/customers",
                                    "{\"identifiers\":[{\"scheme\":\"phone\",\"value\":\"+%s\"}]}", phone);
        assert_int_equal(c.status, 201);
        struct answer a = gate_post(&t->gate, "/v1/cases", "{\"customer\":\"%s\",\"subject\":\"Televisor\"}",
                                    answer_str(&c, "id"));
        assert_int_equal(a.status, 201);
        (void)snprintf(t->case_of[i], sizeof t->case_of[i], "%s", answer_str(&a, "id"));
        answer_done(&a);
        answer_done(&c);
    }
}

static void up(struct torture *t)
{
    static const char *const options[] = {"--connections", "3", "--no-window", NULL};

    scratch_init(&t->scratch);
    print_message("  seed %llu, in_doubt: %s, in %s\n", (unsigned long long)t->seed,
                  t->hold ? "hold" : "resend", t->scratch.dir);
    assert_int_equal(pthread_mutex_init(&t->lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&t->changed, NULL), 0);
    sim_start(&t->sim, options);
    sim_set(&t->sim, "/_sim/config",
            "{\"batch\":4,\"user_ids\":%s,\"templates\":[{\"name\":\"pedir_foto\",\"language\":\"es\","
            "\"body_parameters\":1}]}",
            draw_chance(&t->draw, 50) ? "true" : "false");
    (void)snprintf(t->gate.extra_channel, sizeof t->gate.extra_channel,
                   "    in_doubt: %s\n    retry_min: 20ms\n    retry_max: 200ms\n    in_flight: 16\n"
                   "    timeout: 5s\n",
                   t->hold ? "hold" : "resend");
    gate_start(&t->gate, &t->scratch, &t->sim);
    open_cases(t);
}

static void down(struct torture *t)
{
    load_free(t);
    process_free(&t->gate.process);
    sim_stop(&t->sim);
    scratch_done(&t->scratch);
    (void)pthread_mutex_destroy(&t->lock);
    (void)pthread_cond_destroy(&t->changed);
}

/* ---- lives ---- */

/* What goes wrong at the provider during the next life. */
static void draw_faults(struct torture *t)
{
    static const char *const replies[] = {"ok",
                                          "ok",
                                          "429",
                                          "500",
                                          "garbage",
                                          "500_after_accept",
                                          "drop_before",
                                          "ok",
                                          "drop_after_accept",
                                          "drop_after_accept"};
    static const char *const media[] = {"500", "drop", "truncate", "wrong_bytes"};
    struct draw *d = &t->draw;
    const char *reply = replies[draw_below(d, 10)], *fault = media[draw_below(d, 4)];
    unsigned delay = draw_chance(d, 50) ? draw_below(d, 60) : 0;
    bool twice = draw_chance(d, 40), mixed = draw_chance(d, 40);

    sim_set(
        &t->sim, "/_sim/faults",
        "{\"reply\":\"%s\",\"retry_after\":1,\"probability\":0.15,\"count\":-1,\"seed\":%u,\"delay_ms\":%u,"
        "\"duplicate_webhooks\":%s,\"reorder_webhooks\":%s,\"reorder_ms\":40,\"media_fault\":\"%s\","
        "\"media_count\":%u}",
        reply, draw_below(d, 1000000), delay, twice ? "true" : "false", mixed ? "true" : "false", fault,
        draw_below(d, 3));
}

/* clang's runtime is part of the program, and what is preloaded comes behind it. */
#if defined(__clang__)
#if __has_feature(address_sanitizer)
#define DISK_IS_BEHIND 1
#endif
#endif
#ifdef DISK_IS_BEHIND
static const bool disk_works = false;
#else
static const bool disk_works = true;
#endif

/* The next life is on the disk that loses what was not synced (disk.c), or not. */
static void choose_disk(struct torture *t, bool loses)
{
    const char *asan = getenv("ASAN_OPTIONS");

    (void)snprintf(t->env[0], sizeof t->env[0], "LD_PRELOAD=%s/tests/torture/disk.so", harness_build());
    (void)snprintf(t->env[1], sizeof t->env[1], "ASAN_OPTIONS=%s%sverify_asan_link_order=0", asan ? asan : "",
                   asan ? ":" : "");
    (void)snprintf(t->env[2], sizeof t->env[2], "HILO_DISK_SEED=%u", draw_below(&t->draw, 1000000));
    for (unsigned i = 0; i < 3; i++)
        t->gate.env[i] = loses ? t->env[i] : NULL;
}

/* It was well until it was killed. */
static void kill_it(struct torture *t)
{
    struct process *p = t->gate.process;
    int status;

    process_signal(p, SIGKILL);
    status = process_wait(p);
    if (disk_works && t->gate.env[0] && process_saw(p, "message.received") && !process_saw(p, "disk: held"))
        fail_msg("the gateway wrote, and not to the disk that was to be preloaded");
    if (status != 128 + SIGKILL || process_saw(p, "Z error ") || process_saw(p, "Sanitizer") ||
        process_saw(p, "runtime error")) {
        process_show(p);
        fail_msg("the gateway ended by itself with %d, or told of an error", status);
    }
    process_free(&t->gate.process);
}

/* Right after an answer, while the gateway goes on with what comes behind it. */
static void die_of_an_answer(struct torture *t)
{
    atomic_store(&t->pid, process_pid(t->gate.process));
    atomic_store(&t->answers_left, 1 + (int)draw_below(&t->draw, 60));
    nap(t, 2 * LIFE_MS);
    /* From here on nobody kills: or somebody has, or is about to. */
    if (atomic_exchange(&t->answers_left, 0) > 0)
        return;
    (void)pthread_mutex_lock(&t->lock);
    while (!t->killed)
        (void)pthread_cond_wait(&t->changed, &t->lock);
    t->killed = false;
    (void)pthread_mutex_unlock(&t->lock);
}

/* Right after something was logged; much of it is not on disk then. */
static void die_of_a_line(struct torture *t)
{
    static const char *const words[] = {"store.opened",     "channel.state",   "gateway.ready",
                                        "message.received", "message.receipt", "message.reported",
                                        "context.flushed",  "context.flushed", "context.flushed"};
    const char *word = words[draw_below(&t->draw, sizeof words / sizeof *words)];

    for (unsigned n = strncmp(word, "message.", 8) == 0 ? draw_below(&t->draw, 60) : 0; n; n--)
        (void)process_wait_line(t->gate.process, word, NULL);
    (void)process_wait_line(t->gate.process, word, NULL);
}

/* One life. ready_ms: how long a start takes about, learnt from those that were seen. */
static void live(struct torture *t, unsigned *ready_ms)
{
    struct timespec begin;
    unsigned how = draw_below(&t->draw, 100);

    draw_faults(t);
    t->gate.isolation = draw_chance(&t->draw, WORKER_PERCENT) ? "process" : "thread";
    gate_configure(&t->gate);
    choose_disk(t, draw_chance(&t->draw, 70));
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    gate_launch(&t->gate);
    if (how < OF_A_LINE_PERCENT) {
        die_of_a_line(t);
    } else if (how < OF_A_LINE_PERCENT + EARLY_PERCENT) {
        nap(t, draw_below(&t->draw, *ready_ms + *ready_ms / 4 + 1));
    } else {
        (void)process_wait_line(t->gate.process, "gateway.ready", NULL);
        *ready_ms = (3 * *ready_ms + ms_since(&begin)) / 4;
        if (how < OF_A_LINE_PERCENT + EARLY_PERCENT + OF_AN_ANSWER_PERCENT)
            die_of_an_answer(t);
        else
            nap(t, draw_below(&t->draw, LIFE_MS));
    }
    kill_it(t);
}

static void kill_in_a_world(struct torture *t, unsigned kills)
{
    unsigned ready_ms = 300, repeated = 0, replayed = 0, canceled = 0;

    up(t);
    load_start(t);
    nap(t, draw_below(&t->draw, LIFE_MS));
    kill_it(t);
    for (unsigned i = 1; i < kills; i++) {
        if (i % CHECK_EVERY == 0)
            gate_check_store(&t->gate);
        live(t, &ready_ms);
    }
    gate_check_store(&t->gate);
    /* One more life, which ends well. */
    draw_faults(t);
    t->gate.isolation = draw_chance(&t->draw, WORKER_PERCENT) ? "process" : "thread";
    gate_configure(&t->gate);
    choose_disk(t, false);
    gate_again(&t->gate);
    nap(t, LIFE_MS);
    sim_set(&t->sim, "/_sim/faults",
            "{\"reply\":\"ok\",\"delay_ms\":0,\"duplicate_webhooks\":false,\"reorder_webhooks\":false,"
            "\"media_fault\":\"ok\"}");
    load_stop(t);
    for (unsigned i = 0; i < POSTERS; i++) {
        repeated += t->poster[i].repeated;
        replayed += t->poster[i].replayed;
        canceled += t->poster[i].canceled;
    }
    print_message("  %u kills, starts of %u ms, %u requests repeated, %u replayed, %u canceled\n", kills,
                  ready_ms, repeated, replayed, canceled);
    verify_drain(t);
    verify_all(t);
    gate_stop(&t->gate);
    gate_check_store(&t->gate);
    down(t);
}

static void kill_by_policy(bool hold)
{
    unsigned long kills = (from_env("HILO_KILLS", KILLS) + 1) / 2;
    uint64_t seed = from_env("HILO_SEED", (unsigned long)time(NULL));

    while (kills) {
        unsigned now = kills < KILLS_A_WORLD ? (unsigned)kills : KILLS_A_WORLD;
        struct torture *t = calloc(1, sizeof *t);
        assert_non_null(t);
        t->hold = hold;
        t->seed = seed++;
        t->draw.state = t->seed * 2 + hold;
        kill_in_a_world(t, now);
        free(t);
        kills -= now;
    }
}

static void nothing_is_lost_or_sent_twice_when_doubts_are_held(void **state)
{
    (void)state;
    kill_by_policy(true);
}

static void nothing_is_lost_when_doubts_are_resent(void **state)
{
    (void)state;
    kill_by_policy(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_or_sent_twice_when_doubts_are_held),
        cmocka_unit_test(nothing_is_lost_when_doubts_are_resent),
    };

    (void)curl_global_init(CURL_GLOBAL_DEFAULT); /* before there are threads */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
