/* A byte buffer that grows, for what outlives an arena or is large. One thread. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <hilo/types.h>
#include <stddef.h>

struct buf { /* zero is empty */
    char *p;
    size_t n, cap;
};

/* Room for more bytes after n; HILO_NOMEM if the allocation fails. */
int32_t buf_reserve(struct buf *, size_t more);
int32_t buf_add(struct buf *, const void *p, size_t n);
int32_t buf_add_str(struct buf *, struct hilo_str);
int32_t buf_fmt(struct buf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_clear(struct buf *); /* keeps the memory */
void buf_done(struct buf *);  /* frees it; the struct is zero again */
static inline struct hilo_str buf_str(const struct buf *b)
{
    return (struct hilo_str){b->p, b->n};
}

#endif
