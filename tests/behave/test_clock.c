/*
 * Somebody sets the clock: what is planned goes on in its time, a jump ahead expires
 * nothing and is told, a small step is believed at once, ids grow over a restart with an earlier clock.
 */
#include "harness.h"
#include "settime.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static const int64_t MINUTE_US = INT64_C(60) * 1000000, HOUR_US = INT64_C(3600) * 1000000;
static const char ana[] = "+573001112233", berta[] = "+573004445566";

/* clang's runtime is part of the program, and what is preloaded comes behind it. */
#if defined(__clang__)
#if __has_feature(address_sanitizer)
#define PRELOAD_IS_BEHIND 1
#endif
#endif
#ifdef PRELOAD_IS_BEHIND
static const bool preload_works = false;
#else
static const bool preload_works = true;
#endif

struct timed {
    struct world w;
    struct settime *shared;
    int told; /* the FIFO */
    char env[3][512];
};

static void up(struct timed *t, const char *channel)
{
    const char *asan = getenv("ASAN_OPTIONS");
    char path[256], fifo[300];

    if (!preload_works) {
        print_message("clang's AddressSanitizer can't be preloaded before: build with CC=gcc\n");
        skip();
    }
    scratch_init(&t->w.scratch);
    (void)snprintf(path, sizeof path, "%s", scratch_path(&t->w.scratch, "clock"));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)sizeof *t->shared), 0);
    t->shared = mmap(NULL, sizeof *t->shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(t->shared != MAP_FAILED);
    (void)close(fd);
    (void)snprintf(fifo, sizeof fifo, "%s.set", path);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    t->told = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_true(t->told >= 0);
    (void)snprintf(t->env[0], sizeof t->env[0], "LD_PRELOAD=%s/tests/behave/settime.so", harness_build());
    (void)snprintf(t->env[1], sizeof t->env[1], "ASAN_OPTIONS=%s%sverify_asan_link_order=0", asan ? asan : "",
                   asan ? ":" : "");
    (void)snprintf(t->env[2], sizeof t->env[2], "HILO_CLOCK=%s", path);
    for (unsigned i = 0; i < 3; i++)
        t->w.gate.env[i] = t->env[i];
    if (channel)
        (void)snprintf(t->w.gate.extra_channel, sizeof t->w.gate.extra_channel, "%s", channel);
    static const char *const options[] = {"--no-window", NULL};
    sim_start(&t->w.sim, options);
    gate_start(&t->w.gate, &t->w.scratch, &t->w.sim);
    (void)process_wait_nth(t->w.gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
}

static void down(struct timed *t)
{
    (void)close(t->told);
    (void)munmap(t->shared, sizeof *t->shared);
    world_down(&t->w);
}

/* date -s, and the kernel tells whoever asked for it. */
static void set_clock(struct timed *t, int64_t by_us)
{
    uint64_t word = 1;

    atomic_fetch_add(&t->shared->offset_us, by_us);
    assert_int_equal(write(t->told, &word, sizeof word), sizeof word);
}

static void post_ok(struct timed *t, const char *path)
{
    struct answer a = gate_post(&t->w.gate, path, "{}");

    assert_int_equal(a.status, 200);
    answer_done(&a);
}

static double metric(struct timed *t, const char *name)
{
    struct answer a = gate_get(&t->w.gate, "/metrics");
    char line[64];

    (void)snprintf(line, sizeof line, "\n%s ", name);
    const char *at = strstr(a.body, line);
    assert_non_null(at);
    double v = atof(at + strlen(line));
    answer_done(&a);
    return v;
}

static void a_jump_ahead_expires_nothing(void **state)
{
    struct timed t = {.told = -1};
    char id[64], other[64];

    (void)state;
    up(&t, NULL);
    post_ok(&t, "/v1/channels/wa/pause");
    gate_send(&t.w.gate, ana, "in an hour it is too late", ",\"expires_in\":\"PT1H\"", id);
    set_clock(&t, 10 * HOUR_US);
    (void)process_wait_nth(t.w.gate.process, 1, "clock.jumped", "by_s=3", NULL);
    assert_true(metric(&t, "hilo_clock_ahead_seconds") > 35000);
    assert_string_equal(gate_status(&t.w.gate, id), "accepted");
    /* New work and old leave, as ever. */
    post_ok(&t, "/v1/channels/wa/resume");
    gate_send_text(&t.w.gate, berta, "new", other);
    gate_wait_status(&t.w.gate, other, "sent");
    gate_wait_status(&t.w.gate, id, "sent");
    assert_false(process_saw(t.w.gate.process, "status=expired"));
    /* The clock comes back, and all is as it was. */
    set_clock(&t, -10 * HOUR_US);
    (void)process_wait_nth(t.w.gate.process, 1, "clock.set", "ahead_s=0", NULL);
    assert_true(metric(&t, "hilo_clock_ahead_seconds") == 0);
    assert_true(metric(&t, "hilo_clock_behind_seconds") == 0);
    gate_send_text(&t.w.gate, ana, "and on", id);
    gate_wait_status(&t.w.gate, id, "sent");
    down(&t);
}

static void a_small_step_ahead_is_believed_at_once(void **state)
{
    struct timed t = {.told = -1};
    char id[64];

    (void)state;
    up(&t, NULL);
    post_ok(&t, "/v1/channels/wa/pause");
    gate_send(&t.w.gate, ana, "in ten minutes it is too late", ",\"expires_in\":\"PT10M\"", id);
    set_clock(&t, 30 * MINUTE_US);
    (void)process_wait_nth(t.w.gate.process, 1, "message.settled", id, "status=expired", NULL);
    assert_false(process_saw(t.w.gate.process, "clock.jumped"));
    down(&t);
}

/* Planned before and after the clock is set back: neither comes hours late. */
static void retries_come_in_their_time_when_the_clock_is_set_back(void **state)
{
    struct timed t = {.told = -1};
    char before[64], after[64];

    (void)state;
    up(&t, "    retry_min: 1s\n    retry_max: 1s\n");
    sim_set(&t.w.sim, "/_sim/faults", "{\"reply\":\"500\",\"count\":1}");
    gate_send_text(&t.w.gate, ana, "hola", before);
    (void)process_wait_nth(t.w.gate.process, 1, "message.reported", before, "status=queued", NULL);
    set_clock(&t, -10 * HOUR_US);
    (void)process_wait_nth(t.w.gate.process, 1, "clock.set", "by_s=-3", NULL);
    gate_wait_status(&t.w.gate, before, "sent");
    sim_set(&t.w.sim, "/_sim/faults", "{\"reply\":\"500\",\"count\":1}");
    gate_send_text(&t.w.gate, berta, "hola", after);
    gate_wait_status(&t.w.gate, after, "sent");
    /* The retry waited for its second, too. */
    struct answer a = gate_get(&t.w.gate, "/v1/messages/%s", after);
    assert_int_equal(answer_num(&a, "attempts"), 2);
    answer_done(&a);
    /* And when the clock is right again. */
    set_clock(&t, 10 * HOUR_US);
    (void)process_wait_nth(t.w.gate.process, 1, "clock.set", "by_s=3", "behind_s=0", NULL);
    assert_false(process_saw(t.w.gate.process, "clock.jumped"));
    down(&t);
}

static void ids_and_retries_go_on_over_a_restart_with_an_earlier_clock(void **state)
{
    struct timed t = {.told = -1};
    char queued[64], old[64], young[64];

    (void)state;
    up(&t, "    retry_min: 2s\n    retry_max: 2s\n");
    sim_set(&t.w.sim, "/_sim/faults", "{\"reply\":\"500\",\"count\":1}");
    gate_send_text(&t.w.gate, ana, "hola", queued);
    (void)process_wait_nth(t.w.gate.process, 1, "message.reported", queued, "status=queued", NULL);
    gate_send_text(&t.w.gate, berta, "the newest", old);
    gate_wait_status(&t.w.gate, old, "sent");
    gate_stop(&t.w.gate); /* all is in the context: nothing will be replayed */
    atomic_fetch_add(&t.shared->offset_us, -10 * HOUR_US);
    gate_again(&t.w.gate);
    (void)process_wait_nth(t.w.gate.process, 1, "store.opened", "replayed=0", NULL);
    (void)process_wait_nth(t.w.gate.process, 1, "clock.behind", "by_s=3", NULL);
    gate_send_text(&t.w.gate, berta, "newer", young);
    assert_true(strcmp(old, young) < 0);
    gate_wait_status(&t.w.gate, queued, "sent"); /* and not in ten hours */
    down(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_jump_ahead_expires_nothing),
        cmocka_unit_test(a_small_step_ahead_is_believed_at_once),
        cmocka_unit_test(retries_come_in_their_time_when_the_clock_is_set_back),
        cmocka_unit_test(ids_and_retries_go_on_over_a_restart_with_an_earlier_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
