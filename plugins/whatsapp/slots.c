/*
 * A growing array with a list of its free places. A key is 20 bits of place under
 * 20 bits of generation, which starts at 1 and changes whenever a place is reused.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "slots.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_BITS = 20, SLOTS_MAX = 1 << SLOTS_BITS };

static int slots_grow(struct wa_slots *s)
{
    uint32_t cap = s->cap ? s->cap * 2 : 16;
    struct wa_slot *v;

    if (cap > SLOTS_MAX)
        return 0;
    v = realloc(s->v, cap * sizeof *v);
    if (!v)
        return 0;
    memset(v + s->cap, 0, (cap - s->cap) * sizeof *v);
    s->v = v;
    s->cap = cap;
    return 1;
}

uint64_t wa_slots_put(struct wa_slots *s, void *p)
{
    uint32_t i;

    if (s->free_head) {
        i = s->free_head - 1;
        s->free_head = s->v[i].next;
    } else {
        if (s->n == s->cap && !slots_grow(s))
            return 0;
        i = s->n++;
    }
    s->v[i].p = p;
    s->v[i].next = 0;
    s->v[i].gen = (s->v[i].gen + 1) & (SLOTS_MAX - 1);
    if (s->v[i].gen == 0)
        s->v[i].gen = 1;
    s->used++;
    return (uint64_t)s->v[i].gen << SLOTS_BITS | i;
}

void *wa_slots_get(const struct wa_slots *s, uint64_t key)
{
    uint64_t i = key & (SLOTS_MAX - 1);

    return i < s->n && s->v[i].gen == key >> SLOTS_BITS ? s->v[i].p : NULL;
}

void *wa_slots_take(struct wa_slots *s, uint64_t key)
{
    void *p = wa_slots_get(s, key);
    uint32_t i = (uint32_t)(key & (SLOTS_MAX - 1));

    if (p) {
        s->v[i].p = NULL;
        s->v[i].next = s->free_head;
        s->free_head = i + 1;
        s->used--;
    }
    return p;
}

void *wa_slots_at(const struct wa_slots *s, uint32_t i)
{
    return i < s->n ? s->v[i].p : NULL;
}

void wa_slots_done(struct wa_slots *s)
{
    free(s->v);
    memset(s, 0, sizeof *s);
}
