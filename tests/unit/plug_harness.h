/*
 * What the tests of core/plug share: where the test plugins are, counts of descriptors
 * and threads, turning a loop until something holds, and small messages.
 */
#ifndef TESTS_PLUG_HARNESS_H
#define TESTS_PLUG_HARNESS_H

#include "base/clock.h"
#include "loop/loop.h"
#include <dirent.h>
#include <fcntl.h>
#include <hilo/message.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Beside this program: …/tests/unit/test_x -> …/tests/plugins/name.so */
static inline const char *harness_plugin(const char *name, char out[512])
{
    char exe[400];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    char *slash;

    assert_true(n > 0);
    exe[n] = '\0';
    for (int up = 0; up < 2; up++) {
        slash = strrchr(exe, '/');
        assert_non_null(slash);
        *slash = '\0';
    }
    snprintf(out, 512, "%s/plugins/%s.so", exe, name);
    return out;
}

/* Entries of /proc/self/fd or /proc/self/task. */
static inline unsigned harness_count(const char *path)
{
    DIR *d = opendir(path);
    unsigned n = 0;

    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static inline void harness_late(void *arg)
{
    *(bool *)arg = true;
}

/* Turns the loop until cond; fails the test after ten seconds. */
#define HARNESS_UNTIL(loop, cond)                                                                            \
    do {                                                                                                     \
        bool late_ = false;                                                                                  \
        struct loop_timer *t_ = loop_timer_new((loop), harness_late, &late_);                                \
        loop_timer_at(t_, clock_mono_us() + 10 * 1000 * 1000);                                               \
        while (!(cond) && !late_)                                                                            \
            loop_run((loop), true);                                                                          \
        loop_timer_free(&t_);                                                                                \
        if (late_)                                                                                           \
            fail_msg("waited in vain for %s", #cond);                                                        \
    } while (0)

static inline struct hilo_id harness_id(uint32_t n)
{
    struct hilo_id id = {{1}};

    memcpy(id.b + 12, &n, sizeof n);
    return id;
}

#endif
