/* Assertions on our own mistakes: say where, then abort so that a core is left. */
#include "base/check.h"
#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *what, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: this must hold and does not: %s\n", file, line, what);
    abort();
}

_Noreturn void check_nomem(void)
{
    (void)fputs("out of memory\n", stderr);
    abort();
}
