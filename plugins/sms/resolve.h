/*
 * A host's name to its addresses, without blocking the loop. By c-ares, not by
 * getaddrinfo() on a thread of its own: a query can be taken back at once, so that
 * close() has nothing to wait for. (So /etc/hosts and DNS are asked, no other source of
 * nsswitch.conf.) An address written as digits is answered by itself. All [own] loop.
 */
#ifndef SMS_RESOLVE_H
#define SMS_RESOLVE_H

#include "react.h"

#include <sys/socket.h>

enum { SMS_ADDRESSES_MAX = 8 };

struct sms_addresses {
    unsigned n;
    socklen_t len[SMS_ADDRESSES_MAX];
    struct sockaddr_storage addr[SMS_ADDRESSES_MAX];
};

struct sms_resolve;
/* found: NULL if there are none, and why (static words). Called once, from a later turn, unless
 * it is freed before; it may free it. */
typedef void sms_resolve_fn(void *arg, const struct sms_addresses *found, const char *why);

/* host is NUL-ended. NULL: no memory, or c-ares can't begin. */
struct sms_resolve *sms_resolve_new(struct sms_react *, const char *host, uint16_t port, sms_resolve_fn *,
                                    void *arg);
void sms_resolve_free(struct sms_resolve **);

#endif
