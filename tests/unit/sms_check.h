/* What the tests of the SMS plugin's parts share: strings, and octets told apart. */
#ifndef SMS_CHECK_H
#define SMS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../../plugins/sms/address.h"
#include "../../plugins/sms/date.h"
#include "../../plugins/sms/gsm.h"
#include "../../plugins/sms/pdu.h"
#include "../../plugins/sms/receipt_text.h"
#include "../../plugins/sms/status.h"
#include "../../plugins/sms/udh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a literal, with the NULs that are in it. */
#define LIT(s) ((struct hilo_str){(s), sizeof(s) - 1})

static inline struct hilo_str zstr(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}

/* Writes octets as hexadecimal into one of a few buffers, for messages. */
static inline const char *hex(const void *p, size_t n)
{
    static char buf[4][4096];
    static unsigned turn;
    char *out = buf[turn++ % 4];
    size_t i;

    for (i = 0; i < n && i < 2000; i++)
        snprintf(out + 2 * i, 3, "%02x", ((const unsigned char *)p)[i]);
    out[2 * i] = 0;
    return out;
}

#define expect_bytes(got, n, want, want_n) expect_bytes_at((got), (n), (want), (want_n), __FILE__, __LINE__)
static inline void expect_bytes_at(const void *got, size_t n, const void *want, size_t want_n,
                                   const char *file, int line)
{
    if (n == want_n && (n == 0 || memcmp(got, want, n) == 0))
        return;
    print_error("%s:%d: got  %s\n  want %s\n", file, line, hex(got, n), hex(want, want_n));
    _fail(file, line);
}

#define expect_str(got, want) expect_str_at((got), (want), __FILE__, __LINE__)
static inline void expect_str_at(struct hilo_str got, const char *want, const char *file, int line)
{
    if (got.n == strlen(want) && (got.n == 0 || memcmp(got.p, want, got.n) == 0))
        return;
    print_error("%s:%d: got \"%.*s\", want \"%s\"\n", file, line, (int)got.n, got.p ? got.p : "", want);
    _fail(file, line);
}

#endif
