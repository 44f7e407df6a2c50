/*
 * Memory that lives as long as one message, request or turn: allocation is a
 * bump, freeing is all at once. One thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <hilo/message.h>
#include <hilo/types.h>
#include <stddef.h>

struct arena; /* opaque */

/* Never NULL: small fixed allocations abort the process when memory is out. */
struct arena *arena_new(void);
void arena_free(struct arena **);
/* Everything allocated is gone; the first chunk is kept for reuse. */
void arena_reset(struct arena *);

/* Zeroed, aligned for any type. Aborts when out of memory: sizes taken from input
 * are bounded by the caller before they come here. */
void *arena_alloc(struct arena *, size_t n);
void *arena_dup(struct arena *, const void *p, size_t n);
/* A copy with a NUL after it that is not counted. */
struct hilo_str arena_str(struct arena *, struct hilo_str);
char *arena_z(struct arena *, struct hilo_str);
struct hilo_str arena_fmt(struct arena *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define ARENA_NEW(a, type)      ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (size_t)(n)))

/* A writer of fields (hilo/message.h) whose buffer grows within the arena. */
void arena_writer(struct arena *, struct hilo_writer *);

#endif
