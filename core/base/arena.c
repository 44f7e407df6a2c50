/*
 * Bump allocation in chunks. What is larger than a chunk gets one of its own. On reset
 * the first chunk is kept; under ASan freed memory is poisoned, so that a use after
 * reset is found.
 */
#include "base/arena.h"
#include "base/check.h"
#include <stdarg.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum { CHUNK_FIRST = 16000, CHUNK_MAX = 256 << 10 }; /* a request fits into the first, which is kept */

struct arena_chunk {
    struct arena_chunk *next;
    size_t cap, n;
    alignas(max_align_t) unsigned char data[];
};

struct arena {
    struct arena_chunk *first, *last;
    size_t next_cap;
};

static struct arena_chunk *arena__chunk(size_t cap)
{
    struct arena_chunk *c = malloc(sizeof *c + cap);

    if (!c)
        check_nomem();
    c->next = NULL;
    c->cap = cap;
    c->n = 0;
    ASAN_POISON_MEMORY_REGION(c->data, cap);
    return c;
}

struct arena *arena_new(void)
{
    struct arena *a = malloc(sizeof *a);

    if (!a)
        check_nomem();
    a->first = a->last = arena__chunk(CHUNK_FIRST);
    a->next_cap = 2 * CHUNK_FIRST;
    return a;
}

static void arena__free_after(struct arena_chunk *c)
{
    struct arena_chunk *next = c->next;

    c->next = NULL;
    while (next) {
        c = next;
        next = c->next;
        ASAN_UNPOISON_MEMORY_REGION(c->data, c->cap);
        free(c);
    }
}

void arena_free(struct arena **ap)
{
    struct arena *a = *ap;

    if (!a)
        return;
    arena__free_after(a->first);
    ASAN_UNPOISON_MEMORY_REGION(a->first->data, a->first->cap);
    free(a->first);
    free(a);
    *ap = NULL;
}

void arena_reset(struct arena *a)
{
    arena__free_after(a->first);
    a->first->n = 0;
    a->last = a->first;
    a->next_cap = 2 * CHUNK_FIRST;
    ASAN_POISON_MEMORY_REGION(a->first->data, a->first->cap);
}

/* Not zeroed. */
static void *arena__take(struct arena *a, size_t n)
{
    struct arena_chunk *c = a->last;
    size_t at = (c->n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);

    CHECK(n < SIZE_MAX / 2);
    if (at > c->cap || c->cap - at < n) {
        size_t cap = a->next_cap;
        if (a->next_cap < CHUNK_MAX)
            a->next_cap *= 2;
        if (cap < n)
            cap = n;
        c->next = arena__chunk(cap);
        a->last = c = c->next;
        at = 0;
    }
    c->n = at + n;
    ASAN_UNPOISON_MEMORY_REGION(c->data + at, n);
    return c->data + at;
}

void *arena_alloc(struct arena *a, size_t n)
{
    void *p = arena__take(a, n);

    return memset(p, 0, n);
}

void *arena_dup(struct arena *a, const void *src, size_t n)
{
    void *p = arena__take(a, n);

    if (n)
        memcpy(p, src, n);
    return p;
}

char *arena_z(struct arena *a, struct hilo_str s)
{
    char *p = arena__take(a, (size_t)s.n + 1);

    if (s.n)
        memcpy(p, s.p, (size_t)s.n);
    p[s.n] = '\0';
    return p;
}

struct hilo_str arena_str(struct arena *a, struct hilo_str s)
{
    return (struct hilo_str){arena_z(a, s), s.n};
}

struct hilo_str arena_fmt(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    char small[256];
    int n;

    va_start(ap, fmt);
    n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    CHECK(n >= 0);
    char *p = arena__take(a, (size_t)n + 1);
    if ((size_t)n < sizeof small) {
        memcpy(p, small, (size_t)n + 1);
    } else {
        va_start(ap, fmt);
        (void)vsnprintf(p, (size_t)n + 1, fmt, ap);
        va_end(ap);
    }
    return (struct hilo_str){p, (uint64_t)n};
}

static int arena__grow(struct hilo_writer *w, uint64_t need)
{
    uint64_t cap = w->cap ? w->cap * 2 : 256;
    uint8_t *p;

    while (cap < need)
        cap *= 2;
    p = arena__take(w->grow_arg, (size_t)cap);
    if (w->n)
        memcpy(p, w->p, (size_t)w->n);
    w->p = p;
    w->cap = cap;
    return 1;
}

void arena_writer(struct arena *a, struct hilo_writer *w)
{
    hilo_writer_init(w, NULL, 0);
    w->grow = arena__grow;
    w->grow_arg = a;
}
