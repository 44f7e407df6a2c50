/* SPDX-License-Identifier: Apache-2.0 */
#include "latch.h"

#include <netinet/in.h>
#include <string.h>

/* Packets in a row that prove a sender: of the host that was agreed, of another. */
enum { LATCH_NEAR = 2, LATCH_FAR = 4 };
#define LATCH_SILENT_US 1500000

bool latch_nowhere(const struct sockaddr_storage *s)
{
    if (s->ss_family == AF_INET6)
        return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)s)->sin6_addr);
    return ((const struct sockaddr_in *)s)->sin_addr.s_addr == htonl(INADDR_ANY);
}

bool latch_same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    if (a->ss_family != b->ss_family)
        return false;
    if (a->ss_family == AF_INET)
        return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)b)->sin_addr.s_addr;
    if (a->ss_family == AF_INET6)
        return IN6_ARE_ADDR_EQUAL(&((const struct sockaddr_in6 *)a)->sin6_addr,
                                  &((const struct sockaddr_in6 *)b)->sin6_addr);
    return false;
}

bool latch_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    /* The port is at the same place in both families. */
    return latch_same_host(a, b) &&
           ((const struct sockaddr_in *)a)->sin_port == ((const struct sockaddr_in *)b)->sin_port;
}

void latch_agree(struct latch *l, const struct sockaddr_storage *addr)
{
    if (l->agreed.ss_family && latch_same(&l->agreed, addr))
        return;
    l->agreed = l->from = *addr;
    l->known = false;
    l->other.n = 0;
}

/* How many packets in a row make this one the sender; 0: none do. */
static uint32_t latch_proof(const struct latch *l, const struct sockaddr_storage *from, uint32_t ssrc,
                            bool sealed, int64_t now_us)
{
    bool silent = !l->known || now_us - l->last_us >= LATCH_SILENT_US;

    if (latch_same(from, &l->agreed))
        return l->known ? LATCH_FAR : 1;
    if (!silent)
        return 0;
    if (sealed)
        return 1;
    if (!l->known)
        return latch_same_host(from, &l->agreed) ? LATCH_NEAR : LATCH_FAR;
    return ssrc == l->ssrc || latch_same_host(from, &l->from) ? LATCH_FAR : 0;
}

bool latch_take(struct latch *l, const struct sockaddr_storage *from, uint32_t ssrc, uint16_t seq,
                bool sealed, int64_t now_us)
{
    uint32_t need;

    if (!l->known || !latch_same(from, &l->from)) {
        need = latch_proof(l, from, ssrc, sealed, now_us);
        if (l->other.n == 0 || !latch_same(from, &l->other.addr) || l->other.ssrc != ssrc ||
            l->other.seq != seq) {
            l->other.addr = *from;
            l->other.ssrc = ssrc;
            l->other.n = 0;
        }
        l->other.n++;
        l->other.seq = (uint16_t)(seq + 1);
        if (need == 0 || l->other.n < need) {
            l->refused++;
            return false;
        }
        l->from = *from;
        l->known = true;
        l->other.n = 0;
    }
    l->ssrc = ssrc;
    l->last_us = now_us;
    return true;
}
