/* What the tests of the configuration share: a text in, all its errors out. */
#ifndef TESTS_CONF_TESTING_H
#define TESTS_CONF_TESTING_H

#include "conf/conf.h"
#include "base/str.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* What conf_print_errors writes; free() it. */
static inline char *printed_errors(const struct conf *c)
{
    int fd = memfd_create("errors", MFD_CLOEXEC);
    long n;
    char *text;

    conf_print_errors(c, fd);
    n = lseek(fd, 0, SEEK_END);
    text = calloc(1, (size_t)n + 1);
    if (pread(fd, text, (size_t)n, 0) != n)
        abort();
    close(fd);
    return text;
}

/* Fails the test, showing both, when they differ. */
#define assert_errors(c, expected)                                                                           \
    do {                                                                                                     \
        char *got_ = printed_errors(c);                                                                      \
        if (strcmp(got_, (expected)) != 0)                                                                   \
            print_error("expected:\n%sgot:\n%s", (expected), got_);                                          \
        assert_string_equal(got_, (expected));                                                               \
        free(got_);                                                                                          \
    } while (0)

#endif
