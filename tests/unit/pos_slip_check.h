/*
 * What tests of slips share: short strings, and zbarimg as the judge of what is in a picture.
 */
#ifndef POS_SLIP_CHECK_H
#define POS_SLIP_CHECK_H

#include "../../plugins/pos/escpos.h"
#include "../../plugins/pos/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static inline struct hilo_str str(const char *s)
{
    struct hilo_str r = {s, strlen(s)};
    return r;
}

static inline struct pos_slip *slip_of(const char *json)
{
    char why[POS_SLIP_WORDS] = "";
    int32_t code = 1;
    struct pos_slip *slip = pos_slip_parse(str(json), &code, why);

    if (!slip)
        fail_msg("%s: %s", json, why);
    assert_int_equal(code, HILO_OK);
    return slip;
}

/* What zbarimg (Debian's zbar-tools) reads in a picture: "QR-Code:…" or "CODE-128:…", a line each. */
static inline void judge(const void *picture, size_t n, const char *suffix, char *out, size_t cap)
{
    char path[64] = "/tmp/hilo-slip-XXXXXX", command[160];
    size_t got;
    FILE *p;
    int fd;

    strcat(path, suffix);
    fd = mkstemps(path, (int)strlen(suffix));
    assert_true(fd >= 0);
    assert_int_equal(write(fd, picture, n), (ssize_t)n);
    assert_int_equal(close(fd), 0);
    (void)snprintf(command, sizeof command, "zbarimg -q --nodbus '%s' 2>&1", path);
    p = popen(command, "r");
    assert_non_null(p);
    got = fread(out, 1, cap - 1, p);
    out[got] = 0;
    (void)pclose(p);
    if (!getenv("HILO_KEEP"))
        (void)unlink(path);
    else
        print_message("kept: %s\n", path);
}

#endif
