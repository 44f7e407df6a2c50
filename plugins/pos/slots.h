/* A table of what is under way, by a key that serves as a token: an old key never finds a newer
 * object. Zeroed is empty. [own] loop. */
#ifndef POS_SLOTS_H
#define POS_SLOTS_H

#include <stdint.h>

enum { POS_SLOTS_MAX = 1 << 20 };

struct pos_slots_place {
    void *p;             /* NULL: free */
    uint32_t generation; /* of what is, or was last, here */
    uint32_t next;       /* free: the next free one, plus 1 */
};
struct pos_slots {
    struct pos_slots_place *v;
    uint32_t n, used;
    uint32_t free_head; /* plus 1; 0: none */
};

/* The key, below 2^40 and never 0; 0: no memory, or POS_SLOTS_MAX are under way. */
uint64_t pos_slots_put(struct pos_slots *, void *p);
/* NULL: no such object. _take removes it too. */
void *pos_slots_get(const struct pos_slots *, uint64_t key);
void *pos_slots_take(struct pos_slots *, uint64_t key);
void pos_slots_done(struct pos_slots *);

#endif
