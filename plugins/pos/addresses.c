/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "addresses.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct pos_address {
    uint8_t key[16];
    uint32_t n;
    UT_hash_handle hh;
};
struct pos_addresses {
    struct pos_address *by_key;
};

struct pos_addresses *pos_addresses_new(void)
{
    return calloc(1, sizeof(struct pos_addresses));
}

void pos_addresses_free(struct pos_addresses **at)
{
    struct pos_address *a, *next;

    if (!*at)
        return;
    HASH_ITER(hh, (*at)->by_key, a, next)
    {
        HASH_DEL((*at)->by_key, a);
        free(a);
    }
    free(*at);
    *at = NULL;
}

/* IPv4 as ::ffff:a.b.c.d, also where it comes as such; else the /64. */
static void address_key(const struct sockaddr_storage *from, uint8_t key[16])
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    memset(key, 0, 16);
    if (from->ss_family == AF_INET) {
        memcpy(&v4, from, sizeof v4);
        key[10] = key[11] = 0xff;
        memcpy(key + 12, &v4.sin_addr, 4);
    } else if (from->ss_family == AF_INET6) {
        memcpy(&v6, from, sizeof v6);
        memcpy(key, &v6.sin6_addr, IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) ? 16 : 8);
    }
}

struct pos_address *pos_address_take(struct pos_addresses *all, const struct sockaddr_storage *from,
                                     uint32_t max)
{
    struct pos_address *a;
    uint8_t key[16];

    address_key(from, key);
    HASH_FIND(hh, all->by_key, key, sizeof key, a);
    if (a && a->n >= max)
        return NULL;
    if (!a) {
        a = calloc(1, sizeof *a);
        if (!a)
            return NULL;
        memcpy(a->key, key, sizeof key);
        HASH_ADD(hh, all->by_key, key, sizeof a->key, a);
    }
    a->n++;
    return a;
}

void pos_address_drop(struct pos_addresses *all, struct pos_address *a)
{
    if (--a->n == 0) {
        HASH_DEL(all->by_key, a);
        free(a);
    }
}

void pos_address_text(const struct sockaddr_storage *from, char out[INET6_ADDRSTRLEN])
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    out[0] = '\0';
    if (from->ss_family == AF_INET) {
        memcpy(&v4, from, sizeof v4);
        (void)inet_ntop(AF_INET, &v4.sin_addr, out, INET6_ADDRSTRLEN);
    } else if (from->ss_family == AF_INET6) {
        memcpy(&v6, from, sizeof v6);
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
            (void)inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, out, INET6_ADDRSTRLEN);
        else
            (void)inet_ntop(AF_INET6, &v6.sin6_addr, out, INET6_ADDRSTRLEN);
    }
}
