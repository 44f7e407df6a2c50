/*
 * An array that grows, with a list of its free places. A key is 20 bits of generation, from 1 and
 * changed at each use of a place, over 20 bits of place.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "slots.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_BITS = 20, SLOTS_GENERATIONS = 1 << 20, SLOTS_GROW = 16 };

static int slots_grow(struct pos_slots *s)
{
    uint32_t n = s->n ? 2 * s->n : SLOTS_GROW, i;
    struct pos_slots_place *v;

    if (n > POS_SLOTS_MAX)
        return 0;
    v = realloc(s->v, n * sizeof *v);
    if (!v)
        return 0;
    memset(v + s->n, 0, (n - s->n) * sizeof *v);
    for (i = s->n; i < n; i++)
        v[i].next = i + 1 < n ? i + 2 : 0;
    s->free_head = s->n + 1;
    s->v = v;
    s->n = n;
    return 1;
}

uint64_t pos_slots_put(struct pos_slots *s, void *p)
{
    struct pos_slots_place *at;
    uint32_t i;

    if (s->free_head == 0 && !slots_grow(s))
        return 0;
    i = s->free_head - 1;
    at = &s->v[i];
    s->free_head = at->next;
    at->p = p;
    at->generation = at->generation % (SLOTS_GENERATIONS - 1) + 1;
    s->used++;
    return (uint64_t)at->generation << SLOTS_BITS | i;
}

void *pos_slots_get(const struct pos_slots *s, uint64_t key)
{
    uint64_t i = key & (POS_SLOTS_MAX - 1);

    return i < s->n && s->v[i].generation == key >> SLOTS_BITS ? s->v[i].p : NULL;
}

void *pos_slots_take(struct pos_slots *s, uint64_t key)
{
    void *p = pos_slots_get(s, key);
    uint32_t i = (uint32_t)(key & (POS_SLOTS_MAX - 1));

    if (p) {
        s->v[i].p = NULL;
        s->v[i].next = s->free_head;
        s->free_head = i + 1;
        s->used--;
    }
    return p;
}

void pos_slots_done(struct pos_slots *s)
{
    free(s->v);
    memset(s, 0, sizeof *s);
}
