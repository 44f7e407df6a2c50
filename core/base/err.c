/*
 * Errors as values. The text is made aside and then copied, so that an error can be
 * wrapped in place: err_set(e, e->code, "store: %s", e->text). Where it is cut, no
 * UTF-8 character is broken: these words also leave in JSON.
 */
#include "base/err.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* n, or less if a cut there would leave a character without its end. */
static size_t err__whole(const char *s, size_t n)
{
    size_t at = n;

    while (at > 0 && n - at < 3 && ((unsigned char)s[at - 1] & 0xc0u) == 0x80u)
        at--;
    if (at == 0)
        return n;
    unsigned char lead = (unsigned char)s[at - 1];
    size_t whole = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    return n - (at - 1) < whole ? at - 1 : n;
}

__attribute__((format(printf, 4, 0))) static void err__fill(struct err *e, int32_t code, const char *words,
                                                            const char *fmt, va_list ap)
{
    char text[sizeof e->text];
    int made = vsnprintf(text, sizeof text, fmt, ap);
    size_t n = made < 0 ? 0 : (size_t)made;

    if (words && n < sizeof text) {
        made = snprintf(text + n, sizeof text - n, ": %s", words);
        n += made < 0 ? 0 : (size_t)made;
    }
    if (n >= sizeof text)
        n = err__whole(text, sizeof text - 1);
    memcpy(e->text, text, n);
    e->text[n] = '\0';
    e->code = code;
}

int32_t err_set(struct err *e, int32_t code, const char *fmt, ...)
{
    va_list ap;

    if (e) {
        va_start(ap, fmt);
        err__fill(e, code, NULL, fmt, ap);
        va_end(ap);
    }
    return code;
}

int32_t err_errno(struct err *e, const char *fmt, ...)
{
    int saved = errno;
    char words[96];
    va_list ap;

    if (e) {
        va_start(ap, fmt);
        err__fill(e, HILO_IO, strerror_r(saved, words, sizeof words), fmt, ap);
        va_end(ap);
    }
    errno = saved;
    return HILO_IO;
}

const char *err_name(int32_t code)
{
    static const char *const names[] = {"ok",
                                        "not taken",
                                        "temporary failure",
                                        "permanent failure",
                                        "in doubt",
                                        "channel down",
                                        "channel stopped",
                                        "stale version",
                                        "duplicate",
                                        "full",
                                        "out of memory",
                                        "not supported",
                                        "bug in the caller",
                                        "invalid",
                                        "not found",
                                        "system error",
                                        "corrupt"};

    return code <= 0 && -code < (int32_t)(sizeof names / sizeof *names) ? names[-code] : "unknown code";
}
