/*
 * Bytes that are added at the end and taken off the front; without any it holds no memory. Zeroed is empty.
 * [own] loop.
 */
#ifndef POS_BUF_H
#define POS_BUF_H

#include <hilo/types.h>
#include <stdbool.h>
#include <stddef.h>

struct pos_buf {
    char *p;
    size_t n, cap;
};
bool pos_buf_add(struct pos_buf *, const void *p, size_t n); /* false: no memory */
void pos_buf_drop(struct pos_buf *, size_t n);               /* off the front */
void pos_buf_done(struct pos_buf *);

#endif
