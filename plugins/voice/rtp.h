/*
 * RTP packets (RFC 3550), read and written, and what a receiver knows of one sender. Pure; bytes that anybody
 * may have sent. Clock: 8,000 a second.
 */
#ifndef VOICE_RTP_H
#define VOICE_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RTP_HEAD = 12, RTP_PACKET_MAX = 1500 }; /* of ours: head and payload fit in far less */

struct rtp {
    uint8_t type; /* payload type, 0 to 127 */
    bool marker;
    uint16_t seq;
    uint32_t ts, ssrc;
    const uint8_t *payload; /* in the packet; contributing sources, extension and padding are passed over */
    size_t n;               /* its octets, may be 0 */
};

/* False: no RTP of version 2, or its lengths contradict each other; *out untouched. */
bool rtp_read(const uint8_t *packet, size_t n, struct rtp *out);
/* Whether it can only be RTCP (RFC 5761 4), which some send to the port of RTP. */
bool rtp_is_rtcp(const uint8_t *packet, size_t n);
void rtp_write(uint8_t out[RTP_HEAD], uint8_t type, bool marker, uint16_t seq, uint32_t ts, uint32_t ssrc);

/* A sender, by its SSRC (RFC 3550 A.1, A.3, A.8). Zeroed is nobody. */
struct rtp_source {
    uint32_t ssrc;
    uint32_t cycles; /* of the sequence, in its high half */
    uint32_t base, expected_prior, received_prior;
    uint32_t bad_seq; /* the one that would make a jump believed; RTP_NO_SEQ */
    uint64_t received;
    uint64_t lost_before; /* of senders before this one in the same call */
    uint64_t received_before;
    int32_t transit, jitter16; /* 1/8000 s; jitter times 16 */
    uint16_t max_seq;
    bool known, timed;
};

/* A packet that came at arrival (1/8000 s, any zero). True: a sender that was not there before, or that began
 * anew with a jump that its next packet confirmed: nothing that was buffered of it goes together with what
 * follows. keyed: its time is that of the key press, no measure of jitter. */
bool rtp_source_see(struct rtp_source *, const struct rtp *, uint32_t arrival, bool keyed);
/* Of all senders of the call; what came twice makes up for what is lost. */
uint64_t rtp_source_lost(const struct rtp_source *);
uint64_t rtp_source_received(const struct rtp_source *);
uint32_t rtp_source_jitter_us(const struct rtp_source *);

#endif
