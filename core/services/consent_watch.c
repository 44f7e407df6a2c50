/*
 * An open-addressing table that only grows. What was granted again stays until the next
 * start: it costs a look-up. Keyed, for strangers choose what is hashed.
 */
#include "services/consent_watch.h"
#include "base/check.h"
#include "store/pending_hash.h"
#include <stdlib.h>
#include <sys/random.h>

enum { FIRST = 1024 };

struct consent_watch {
    struct pending_hash_key key;
    uint32_t *slot; /* 0: free */
    size_t n, size; /* size: a power of two */
};

static uint32_t *slots_new(size_t size)
{
    uint32_t *s = calloc(size, sizeof *s);

    if (!s)
        check_nomem();
    return s;
}

struct consent_watch *consent_watch_new(void)
{
    struct consent_watch *w = calloc(1, sizeof *w);

    if (!w)
        check_nomem();
    CHECK(getrandom(&w->key, sizeof w->key, 0) == (ssize_t)sizeof w->key);
    w->size = FIRST;
    w->slot = slots_new(w->size);
    return w;
}

void consent_watch_free(struct consent_watch **wp)
{
    if (*wp)
        free((*wp)->slot);
    free(*wp);
    *wp = NULL;
}

static uint32_t print_of(const struct consent_watch *w, struct hilo_str key)
{
    uint32_t print = (uint32_t)pending_hash(w->key, key.p, (size_t)key.n, 1, 3);

    return print ? print : 1;
}

/* The slot that holds it, or the free one where it would be. */
static size_t slot_of(const uint32_t *slot, size_t size, uint32_t print)
{
    size_t i = print & (size - 1);

    while (slot[i] && slot[i] != print)
        i = (i + 1) & (size - 1);
    return i;
}

static void grow(struct consent_watch *w)
{
    size_t size = 2 * w->size;
    uint32_t *more = slots_new(size);

    for (size_t i = 0; i < w->size; i++)
        if (w->slot[i])
            more[slot_of(more, size, w->slot[i])] = w->slot[i];
    free(w->slot);
    w->slot = more;
    w->size = size;
}

void consent_watch_add(struct consent_watch *w, struct hilo_str key)
{
    uint32_t print = print_of(w, key);
    size_t i = slot_of(w->slot, w->size, print);

    if (w->slot[i])
        return;
    w->slot[i] = print;
    if (++w->n > w->size / 2)
        grow(w);
}

bool consent_watch_has(const struct consent_watch *w, struct hilo_str key)
{
    return w->slot[slot_of(w->slot, w->size, print_of(w, key))] != 0;
}

bool consent_watch_empty(const struct consent_watch *w)
{
    return w->n == 0;
}
