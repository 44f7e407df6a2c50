/*
 * Histograms: counts by fixed bounds, for metrics. Adding costs a few comparisons and two
 * increments; nobody locks, each belongs to one thread.
 */
#ifndef BASE_HIST_H
#define BASE_HIST_H

#include <stdint.h>

enum { HIST_BOUNDS = 14 };
struct hist {
    uint64_t n[HIST_BOUNDS + 1]; /* n[i]: above bound i - 1 and up to bound i; the last: above all */
    uint64_t sum;
};

/* Microseconds: 100 µs to 30 s. */
extern const uint32_t hist_time_us[HIST_BOUNDS];
/* Things at once: 1, 2, 4 … 8192. */
extern const uint32_t hist_size[HIST_BOUNDS];

static inline void hist_add(struct hist *h, const uint32_t *bounds, uint64_t value)
{
    unsigned i = 0;

    while (i < HIST_BOUNDS && value > bounds[i])
        i++;
    h->n[i]++;
    h->sum += value;
}

#endif
