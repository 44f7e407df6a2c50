/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "buf.h"

#include <stdlib.h>
#include <string.h>

bool pos_buf_add(struct pos_buf *b, const void *p, size_t n)
{
    size_t cap = b->cap ? b->cap : 512;
    char *grown;

    if (n == 0)
        return true;
    while (cap - b->n < n)
        cap *= 2;
    if (cap != b->cap) {
        grown = realloc(b->p, cap);
        if (!grown)
            return false;
        b->p = grown;
        b->cap = cap;
    }
    memcpy(b->p + b->n, p, n);
    b->n += n;
    return true;
}

void pos_buf_drop(struct pos_buf *b, size_t n)
{
    b->n -= n;
    if (b->n == 0)
        pos_buf_done(b);
    else
        memmove(b->p, b->p + n, b->n);
}

void pos_buf_done(struct pos_buf *b)
{
    free(b->p);
    memset(b, 0, sizeof *b);
}
