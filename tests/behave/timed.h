/*
 * A gateway whose clock the test sets (settime.h), and the simulator beside it. gcc only: clang's
 * AddressSanitizer can't be preloaded before.
 */
#ifndef TESTS_TIMED_H
#define TESTS_TIMED_H

#include "harness.h"
#include "settime.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#if defined(__clang__)
#if __has_feature(address_sanitizer)
#define TIMED_UNABLE 1
#endif
#endif
#ifdef TIMED_UNABLE
enum { timed_able = 0 };
#else
enum { timed_able = 1 };
#endif

static const int64_t MINUTE_US = INT64_C(60) * 1000000, HOUR_US = INT64_C(3600) * 1000000;

struct timed {
    struct world w;
    struct settime *shared;
    int told; /* the FIFO */
    char env[3][512];
};

/* Before gate_start: the gateway's environment, so that its clock is ours. */
static inline void timed_prepare(struct timed *t)
{
    const char *asan = getenv("ASAN_OPTIONS");
    char path[256], fifo[300];

    if (!timed_able) {
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
}

static inline void timed_down(struct timed *t)
{
    (void)close(t->told);
    (void)munmap(t->shared, sizeof *t->shared);
    world_down(&t->w);
}

/* date -s, and the kernel tells whoever asked for it. */
static inline void timed_set(struct timed *t, int64_t by_us)
{
    uint64_t word = 1;

    atomic_fetch_add(&t->shared->offset_us, by_us);
    assert_int_equal(write(t->told, &word, sizeof word), sizeof word);
}

#endif
