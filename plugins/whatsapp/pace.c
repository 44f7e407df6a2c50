/*
 * The growing wait of the pair rate, kept here and not by the core's attempts: a
 * throttled message counts no attempt, and the next message to the same recipient
 * is another one.
 *
 * A recipient has one place, by its hash, and drives out whoever had it: what is
 * lost is only that somebody's wait starts at 4 s again. A refusal is forgotten an
 * hour after its wait.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pace.h"

enum { PACE_FORGET_S = 3600, PACE_FIRST_S = 4 };

uint64_t wa_pace_hash(const char *recipient)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */

    for (; *recipient; recipient++)
        h = (h ^ (unsigned char)*recipient) * UINT64_C(1099511628211);
    return h ? h : 1;
}

int64_t wa_pace_refused(struct wa_pace *p, uint64_t recipient, int64_t now_us)
{
    unsigned i = (unsigned)(recipient % WA_PACE_ENTRIES);

    if (p->v[i].recipient != recipient || now_us > p->v[i].forget_us)
        p->v[i].wait_s = PACE_FIRST_S;
    else if (p->v[i].wait_s < WA_PACE_MAX_S)
        p->v[i].wait_s *= 4;
    p->v[i].recipient = recipient;
    p->v[i].forget_us = now_us + (p->v[i].wait_s + PACE_FORGET_S) * 1000000;
    return p->v[i].wait_s * 1000000;
}

void wa_pace_taken(struct wa_pace *p, uint64_t recipient)
{
    unsigned i = (unsigned)(recipient % WA_PACE_ENTRIES);

    if (p->v[i].recipient == recipient)
        p->v[i].recipient = 0;
}
