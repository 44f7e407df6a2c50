/* Errors as values. */
#include "base/err.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int32_t err_set(struct err *e, int32_t code, const char *fmt, ...)
{
    va_list ap;

    if (e) {
        e->code = code;
        va_start(ap, fmt);
        (void)vsnprintf(e->text, sizeof e->text, fmt, ap);
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
        int n;
        e->code = HILO_IO;
        va_start(ap, fmt);
        n = vsnprintf(e->text, sizeof e->text, fmt, ap);
        va_end(ap);
        if (n >= 0 && (size_t)n < sizeof e->text)
            (void)snprintf(e->text + n, sizeof e->text - (size_t)n, ": %s",
                           strerror_r(saved, words, sizeof words));
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
