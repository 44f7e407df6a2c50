/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp.h"

#include <string.h>

enum { RTP_VERSION = 2, RTP_CSRC = 4, RTP_EXTENSION = 4 };
enum { RTP_DROPOUT = 3000, RTP_MISORDER = 100, RTP_NO_SEQ = 1 << 16 };
enum { RTCP_FIRST = 192, RTCP_LAST = 223 };

static uint32_t be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
    return be16(p) << 16 | be16(p + 2);
}

bool rtp_is_rtcp(const uint8_t *p, size_t n)
{
    return n >= 8 && p[0] >> 6 == RTP_VERSION && p[1] >= RTCP_FIRST && p[1] <= RTCP_LAST;
}

bool rtp_read(const uint8_t *p, size_t n, struct rtp *out)
{
    size_t at = RTP_HEAD, more;

    if (n < RTP_HEAD || p[0] >> 6 != RTP_VERSION)
        return false;
    at += (size_t)(p[0] & 0x0f) * RTP_CSRC;
    if (at > n)
        return false;
    if (p[0] & 0x10) {
        if (n - at < RTP_EXTENSION)
            return false;
        more = be16(p + at + 2) * 4u;
        at += RTP_EXTENSION;
        if (n - at < more)
            return false;
        at += more;
    }
    if (p[0] & 0x20) {
        /* The last octet counts the padding, itself included. */
        if (n == at || p[n - 1] == 0 || p[n - 1] > n - at)
            return false;
        n -= p[n - 1];
    }
    *out = (struct rtp){.type = p[1] & 0x7f,
                        .marker = p[1] >> 7,
                        .seq = (uint16_t)be16(p + 2),
                        .ts = be32(p + 4),
                        .ssrc = be32(p + 8),
                        .payload = p + at,
                        .n = n - at};
    return true;
}

void rtp_write(uint8_t out[RTP_HEAD], uint8_t type, bool marker, uint16_t seq, uint32_t ts, uint32_t ssrc)
{
    uint32_t words[2] = {ts, ssrc};
    int i;

    out[0] = RTP_VERSION << 6;
    out[1] = (uint8_t)(type | (marker ? 0x80 : 0));
    out[2] = (uint8_t)(seq >> 8);
    out[3] = (uint8_t)seq;
    for (i = 0; i < 8; i++)
        out[4 + i] = (uint8_t)(words[i / 4] >> (24 - 8 * (i % 4)));
}

/* ---- a sender ----------------------------------------------------------------------------------- */

static uint64_t source_expected(const struct rtp_source *s)
{
    return s->known ? (uint64_t)s->cycles + s->max_seq - s->base + 1 : 0;
}

static uint64_t source_lost(const struct rtp_source *s)
{
    uint64_t expected = source_expected(s);

    return expected > s->received ? expected - s->received : 0;
}

static void source_begin(struct rtp_source *s, const struct rtp *p)
{
    *s = (struct rtp_source){.ssrc = p->ssrc,
                             .base = p->seq,
                             .max_seq = p->seq,
                             .bad_seq = RTP_NO_SEQ,
                             .received_before = s->received_before + s->received,
                             .lost_before = s->lost_before + source_lost(s),
                             .received = 1,
                             .jitter16 = s->jitter16,
                             .known = true};
}

static void source_jitter(struct rtp_source *s, const struct rtp *p, uint32_t arrival)
{
    int32_t transit = (int32_t)(arrival - p->ts), d = (int32_t)((uint32_t)transit - (uint32_t)s->transit);

    /* More than four seconds are no jitter but another zero. */
    if (s->timed && d > -32000 && d < 32000)
        s->jitter16 += (d < 0 ? -d : d) - ((s->jitter16 + 8) >> 4);
    s->transit = transit;
    s->timed = true;
}

bool rtp_source_see(struct rtp_source *s, const struct rtp *p, uint32_t arrival, bool keyed)
{
    uint16_t ahead = (uint16_t)(p->seq - s->max_seq);
    bool anew = false;

    if (!s->known || s->ssrc != p->ssrc) {
        source_begin(s, p);
        anew = true;
    } else if (ahead < RTP_DROPOUT) {
        if (p->seq < s->max_seq)
            s->cycles += 1u << 16;
        s->max_seq = p->seq;
        s->received++;
        s->bad_seq = RTP_NO_SEQ;
    } else if (ahead <= UINT16_MAX - RTP_MISORDER) {
        if (p->seq == s->bad_seq) {
            source_begin(s, p);
            anew = true;
        } else {
            s->bad_seq = (p->seq + 1u) & UINT16_MAX;
            s->received++;
        }
    } else {
        s->received++; /* twice or out of order */
    }
    if (!keyed)
        source_jitter(s, p, arrival);
    return anew;
}

uint64_t rtp_source_lost(const struct rtp_source *s)
{
    return s->lost_before + source_lost(s);
}

uint64_t rtp_source_received(const struct rtp_source *s)
{
    return s->received_before + s->received;
}

uint32_t rtp_source_jitter_us(const struct rtp_source *s)
{
    return (uint32_t)(s->jitter16 >> 4) * 125;
}
