/* SPDX-License-Identifier: Apache-2.0 */
#include "pcm.h"

#include <stdlib.h>

struct pcm *pcm_new(uint32_t n)
{
    struct pcm *p = calloc(1, sizeof *p + (size_t)n * sizeof p->sample[0]);

    if (p) {
        atomic_init(&p->holders, 1);
        p->n = n;
    }
    return p;
}

struct pcm *pcm_hold(struct pcm *p)
{
    atomic_fetch_add_explicit(&p->holders, 1, memory_order_relaxed);
    return p;
}

void pcm_drop(struct pcm *p)
{
    /* The last one must see all that the others did with it. */
    if (p && atomic_fetch_sub_explicit(&p->holders, 1, memory_order_acq_rel) == 1)
        free(p);
}
