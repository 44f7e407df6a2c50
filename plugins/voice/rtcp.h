/*
 * RTCP (RFC 3550): one sender's or receiver's report, with a name and, at the end, a farewell; and what a
 * peer's says. Pure; bytes that anybody may have sent.
 */
#ifndef VOICE_RTCP_H
#define VOICE_RTCP_H

#include "rtp.h"

enum { RTCP_PACKET_MAX = 128, RTCP_NAME = 16 };

/* What we say. */
struct rtcp_report {
    uint32_t ssrc;
    char name[RTCP_NAME + 1]; /* CNAME: random, the same for the whole call, nobody's address */
    bool sent;                /* since the last report: a sender's report */
    bool bye;
    uint64_t ntp; /* wall clock: seconds since 1900 in the high half */
    uint32_t ts;  /* RTP's of the same instant */
    uint32_t packets, octets;
    bool heard;                                        /* somebody: the block that follows */
    uint32_t peer, max_seq, jitter, last_sr, since_sr; /* since_sr: 1/65536 s */
    uint8_t fraction;                                  /* lost, of 256 */
    uint32_t lost;                                     /* at most 0x7fffff */
};
/* What they say. */
struct rtcp_seen {
    bool sr, about_us, bye;
    uint32_t ssrc, sr_middle;         /* of the sender's report: the middle of its NTP time */
    uint32_t lost, jitter, rtt_65536; /* about us: packets, 1/8000 s, 1/65536 s */
};

/* NTP time of an instant of the wall clock. */
uint64_t rtcp_ntp(int64_t unix_us);
/* Fills heard to lost from what has come; moves the source's counts of the last report. */
void rtcp_about(struct rtcp_report *, struct rtp_source *, uint32_t sr_middle, int64_t since_sr_us);
size_t rtcp_write(const struct rtcp_report *, uint8_t out[RTCP_PACKET_MAX]);
/* False: not one, or its lengths contradict each other: nothing of it counts. ours: our SSRC; ntp: now. */
bool rtcp_read(const uint8_t *packet, size_t n, uint32_t ours, uint64_t ntp, struct rtcp_seen *);

#endif
