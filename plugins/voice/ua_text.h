/*
 * What the endpoint's configuration says, and what goes into headers: pure functions over texts.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VOICE_UA_TEXT_H
#define VOICE_UA_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include "ua.h"

enum { UA_LISTENS_MAX = 8, UA_NETS_MAX = 64, UA_WHY = 256, UA_ADDRESS_MAX = 64 };

/* Where to listen, and how: one socket address, by each transport of it. */
struct ua_listen {
    char host[48]; /* numeric, IPv6 without brackets */
    char port[6];
    bool v6, udp, tcp, tls;
};
/* The listens of a configuration, those of the same address together; how many, 0: why[]. */
uint32_t ua_listens(const struct ua_conf *, struct ua_listen out[UA_LISTENS_MAX], char why[UA_WHY]);

/* A network, of IPv6 or (as ::ffff:a.b.c.d) of IPv4. */
struct ua_net {
    uint8_t addr[16];
    uint32_t bits;
};
/* "10.0.0.0/8 2001:db8::/32 192.0.2.7"; how many, or UINT32_MAX: why[]. */
uint32_t ua_nets(struct hilo_str text, struct ua_net out[UA_NETS_MAX], char why[UA_WHY]);
bool ua_net_has(const struct ua_net *, const uint8_t addr[16]);
/* The address as ua_net has it; false: neither IPv4 nor IPv6. */
bool ua_net_of(const struct sockaddr *, uint8_t addr[16]);
/* "192.0.2.1:5060", "[2001:db8::1]:5060". */
void ua_address(const struct sockaddr *, char out[UA_ADDRESS_MAX]);

/* "sip:x" or "x" to its parts: scheme is "sip" or "sips"; rest is what follows "user@", parameters too. */
struct ua_target {
    bool secure;
    struct hilo_str user, host, params; /* host with its port; params from the first ';' on */
};
/* False: not a SIP URI that a request can go to. A text without scheme and without '@' is a host. */
bool ua_target(struct hilo_str text, struct ua_target *);

/* Appends to a buffer of size n, always NUL-ended; false: it did not fit, the buffer is as before. */
bool ua_put(char *out, size_t n, struct hilo_str);
/* The same, each octet that may not stand in the user part of a URI as %XX (RFC 3261 25.1). */
bool ua_put_user(char *out, size_t n, struct hilo_str);
/* The same, as a URI header's value (hvalue): nothing but unreserved stays as it is. */
bool ua_put_hvalue(char *out, size_t n, struct hilo_str);
/* The same, as quoted-string with its quotes; control characters are left out. */
bool ua_put_quoted(char *out, size_t n, struct hilo_str);

static inline struct hilo_str ua_str(const char *s)
{
    return (struct hilo_str){s, s ? __builtin_strlen(s) : 0};
}

#endif
