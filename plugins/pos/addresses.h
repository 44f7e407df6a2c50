/*
 * How many connections each address has, so that one can't take all. An IPv6 address counts by its /64, which
 * is one subscriber's. [own] loop.
 */
#ifndef POS_ADDRESSES_H
#define POS_ADDRESSES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct pos_addresses; /* opaque */
struct pos_address;   /* one of them, as long as it has connections */

struct pos_addresses *pos_addresses_new(void); /* NULL: no memory */
void pos_addresses_free(struct pos_addresses **);
/* One connection more. NULL: there are max already, or no memory. */
struct pos_address *pos_address_take(struct pos_addresses *, const struct sockaddr_storage *, uint32_t max);
void pos_address_drop(struct pos_addresses *, struct pos_address *);
/* The address as inet_ntop writes it. */
void pos_address_text(const struct sockaddr_storage *, char out[INET6_ADDRSTRLEN]);

#endif
