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

/* This program's path without its last parts. */
static inline void harness_above(unsigned parts, char out[400])
{
    ssize_t n = readlink("/proc/self/exe", out, 399);
    char *slash;

    assert_true(n > 0);
    out[n] = '\0';
    for (unsigned up = 0; up < parts; up++) {
        slash = strrchr(out, '/');
        assert_non_null(slash);
        *slash = '\0';
    }
}

/* Beside this program: …/tests/unit/test_x -> …/tests/plugins/name.so */
static inline const char *harness_plugin(const char *name, char out[512])
{
    char dir[400];

    harness_above(2, dir);
    snprintf(out, 512, "%s/plugins/%s.so", dir, name);
    return out;
}

/* A program of the build: …/tests/unit/test_x -> …/name */
static inline const char *harness_beside(const char *name)
{
    static char path[512];
    char dir[400];

    harness_above(3, dir);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
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
