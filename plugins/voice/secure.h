/*
 * SRTP (RFC 3711) of one call, by libsrtp2: keys agreed in SDP, replays and forgeries refused, the count of
 * the sequence's turns kept. On the media thread, but for secure_ready().
 */
#ifndef VOICE_SECURE_H
#define VOICE_SECURE_H

#include "negotiate.h"

enum { SECURE_ROOM = 144 }; /* octets that must be free behind a packet that is sealed */

struct secure;

/* Once in the life of the process, before any other, on any thread. False: libsrtp2 can't work here. */
bool secure_ready(void);
/* One direction: ours, what we send with, or theirs. NULL: refused by the library, or no memory. */
struct secure *secure_new(const struct neg_crypto *, bool ours);
void secure_free(struct secure *);
/* In place; false: the packet does not count (or can't be sent). *n: its octets before and after. */
bool secure_seal(struct secure *, uint8_t *packet, size_t *n);
bool secure_open(struct secure *, uint8_t *packet, size_t *n);
bool secure_seal_rtcp(struct secure *, uint8_t *packet, size_t *n);
bool secure_open_rtcp(struct secure *, uint8_t *packet, size_t *n);

#endif
