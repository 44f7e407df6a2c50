/*
 * Trust and rates by address (ua_gate.h).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ua_gate.h"

#include <string.h>

bool ua_gate_trusts(const struct ua_gate *g, const struct sockaddr *sa)
{
    uint8_t addr[16];

    if (!ua_net_of(sa, addr))
        return false;
    for (uint32_t i = 0; i < g->n_nets; i++)
        if (ua_net_has(&g->nets[i], addr))
            return true;
    for (uint32_t i = 0; i < g->n_learned; i++)
        if (memcmp(g->learned[i], addr, 16) == 0)
            return true;
    return false;
}

void ua_gate_learn(struct ua_gate *g, const struct sockaddr *sa)
{
    uint8_t addr[16];
    uint32_t at;

    if (!ua_net_of(sa, addr))
        return;
    for (at = 0; at < g->n_learned; at++)
        if (memcmp(g->learned[at], addr, 16) == 0)
            break;
    if (at == g->n_learned) {
        if (g->n_learned < UA_LEARNED_MAX)
            g->n_learned++;
        at = g->n_learned - 1;
    }
    memmove(g->learned[1], g->learned[0], (size_t)at * 16);
    memcpy(g->learned[0], addr, 16);
}

/* Four places an address may be in; the one not seen for longest gives way, so that a flood from many
 * addresses forgets others' counts but takes no memory. */
bool ua_gate_rate(struct ua_gate *g, const struct sockaddr *sa, int64_t second)
{
    uint8_t addr[16];
    struct ua_rate *r, *oldest = NULL;
    uint32_t h = 2166136261u;

    if (g->per_s == 0)
        return true;
    if (!ua_net_of(sa, addr))
        return false;
    for (size_t i = 0; i < sizeof addr; i++)
        h = (h ^ addr[i]) * 16777619u;
    for (uint32_t i = 0; i < 4; i++) {
        r = &g->rates[(h + i) % UA_RATES];
        if (r->second && memcmp(r->addr, addr, 16) == 0)
            goto found;
        if (!oldest || r->second < oldest->second)
            oldest = r;
    }
    r = oldest;
    memcpy(r->addr, addr, 16);
    r->second = 0;
found:
    if (r->second != second) {
        r->second = second;
        r->n = 0;
    }
    return r->n++ < g->per_s;
}

uint32_t ua_gate_refused(struct ua_gate *g, int64_t second)
{
    uint32_t n = ++g->refused;

    if (g->told == second)
        return 0;
    g->told = second;
    g->refused = 0;
    return n;
}
