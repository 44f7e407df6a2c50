/* A byte buffer that grows by doubling. */
#include "base/buf.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int32_t buf_reserve(struct buf *b, size_t more)
{
    size_t cap = b->cap ? b->cap : 512;
    char *p;

    if (b->cap - b->n >= more)
        return HILO_OK;
    if (more > SIZE_MAX / 4 || b->n > SIZE_MAX / 4)
        return HILO_NOMEM;
    while (cap - b->n < more)
        cap *= 2;
    p = realloc(b->p, cap);
    if (!p)
        return HILO_NOMEM;
    b->p = p;
    b->cap = cap;
    return HILO_OK;
}

int32_t buf_add(struct buf *b, const void *p, size_t n)
{
    int32_t rc = buf_reserve(b, n);

    if (rc != HILO_OK || n == 0)
        return rc;
    memcpy(b->p + b->n, p, n);
    b->n += n;
    return HILO_OK;
}

int32_t buf_add_str(struct buf *b, struct hilo_str s)
{
    return buf_add(b, s.p, (size_t)s.n);
}

int32_t buf_fmt(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int n;
    int32_t rc;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return HILO_BUG;
    rc = buf_reserve(b, (size_t)n + 1);
    if (rc != HILO_OK)
        return rc;
    va_start(ap, fmt);
    (void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->n += (size_t)n;
    return HILO_OK;
}

void buf_clear(struct buf *b)
{
    b->n = 0;
}

void buf_done(struct buf *b)
{
    free(b->p);
    *b = (struct buf){0};
}
