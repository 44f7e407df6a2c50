/*
 * Calls in a second: a bucket of a second's tokens, kept as the time that they stand for. Instants for those
 * that wait: a line comes free each mean_us / calls. SPDX-License-Identifier: Apache-2.0
 */
#include "pace.h"

#include <string.h>

static const int64_t PACE_SECOND = 1000000, PACE_MEAN_US = 20000000, PACE_NEVER_US = 60000000;

void pace_init(struct pace *p)
{
    memset(p, 0, sizeof *p);
    p->mean_us = PACE_MEAN_US;
}

static int64_t pace_put_off(struct pace *p, int64_t now_us, int64_t calls, int64_t each_us)
{
    int64_t apart_us = p->mean_us / calls;

    if (apart_us < each_us)
        apart_us = each_us;
    if (p->next_us < now_us)
        p->next_us = now_us;
    p->next_us += apart_us;
    return p->next_us - now_us;
}

bool pace_take(struct pace *p, int64_t now_us, uint32_t busy, int64_t calls, int64_t per_second,
               int64_t *wait_us)
{
    int64_t each_us = per_second > 0 ? PACE_SECOND / per_second : 1;

    if (calls <= 0) {
        *wait_us = PACE_NEVER_US;
        return false;
    }
    if (p->begun_us < now_us - PACE_SECOND + each_us)
        p->begun_us = now_us - PACE_SECOND + each_us;
    if (busy >= (uint64_t)calls || p->begun_us > now_us) {
        *wait_us = pace_put_off(p, now_us, calls, each_us);
        return false;
    }
    p->begun_us += each_us;
    return true;
}

void pace_ended(struct pace *p, int64_t us)
{
    p->mean_us += (us - p->mean_us) / 8;
}
