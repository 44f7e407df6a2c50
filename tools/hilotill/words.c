/* Errors are sentences. */
#include "till.h"
#include <stdarg.h>
#include <stdio.h>

int till_fail(struct hilotill_error *e, int code, const char *fmt, ...)
{
    va_list ap;

    if (!e)
        return code;
    e->code = code;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    return code;
}
