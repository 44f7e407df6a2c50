/* A table of what is under way, by a key that serves as a token: an old key never
 * finds a newer object. Not thread-safe; zeroed is empty. */
#ifndef WHATSAPP_SLOTS_H
#define WHATSAPP_SLOTS_H

#include <stddef.h>
#include <stdint.h>

struct wa_slot {
    void *p;       /* NULL: free */
    uint32_t gen;  /* of the object that is or was here */
    uint32_t next; /* free: the next free one, plus 1 */
};

struct wa_slots {
    struct wa_slot *v;
    uint32_t n, cap;
    uint32_t free_head; /* plus 1; 0: none */
    uint32_t used;
};

/* The key, below 2^40 and never 0; 0: no memory, or a million are under way. */
uint64_t wa_slots_put(struct wa_slots *, void *p);
/* NULL: no such object. _take also removes it. */
void *wa_slots_get(const struct wa_slots *, uint64_t key);
void *wa_slots_take(struct wa_slots *, uint64_t key);
/* To walk all: i from 0 to slots.n - 1, NULL where there is none. */
void *wa_slots_at(const struct wa_slots *, uint32_t i);
void wa_slots_done(struct wa_slots *);

#endif
