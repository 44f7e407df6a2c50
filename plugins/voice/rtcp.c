/* SPDX-License-Identifier: Apache-2.0 */
#include "rtcp.h"

#include <string.h>

enum { RTCP_SR = 200, RTCP_RR = 201, RTCP_SDES = 202, RTCP_BYE = 203 };
enum { RTCP_HEAD = 8, RTCP_SENDER = 20, RTCP_BLOCK = 24, RTCP_CNAME = 1, RTCP_LOST_MAX = 0x7fffff };
#define RTCP_UNIX_EPOCH UINT64_C(2208988800) /* seconds between 1900 and 1970 */

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
    *p++ = (uint8_t)(v >> 24);
    *p++ = (uint8_t)(v >> 16);
    *p++ = (uint8_t)(v >> 8);
    *p++ = (uint8_t)v;
    return p;
}

uint64_t rtcp_ntp(int64_t unix_us)
{
    uint64_t s = (uint64_t)unix_us / 1000000, us = (uint64_t)unix_us % 1000000;

    return (s + RTCP_UNIX_EPOCH) << 32 | (us << 32) / 1000000;
}

void rtcp_about(struct rtcp_report *r, struct rtp_source *s, uint32_t sr_middle, int64_t since_sr_us)
{
    uint32_t expected = s->cycles + s->max_seq - s->base + 1, received = (uint32_t)s->received;
    uint32_t d_expected = expected - s->expected_prior, d_received = received - s->received_prior;
    uint64_t lost = expected > received ? expected - received : 0;

    r->heard = s->known;
    if (!s->known)
        return;
    s->expected_prior = expected;
    s->received_prior = received;
    r->peer = s->ssrc;
    r->max_seq = s->cycles + s->max_seq;
    r->jitter = (uint32_t)s->jitter16 >> 4;
    r->fraction = (uint8_t)(d_expected && d_expected > d_received
                                ? (uint64_t)(d_expected - d_received) * 255 / d_expected
                                : 0);
    r->lost = (uint32_t)(lost < RTCP_LOST_MAX ? lost : RTCP_LOST_MAX);
    r->last_sr = sr_middle;
    r->since_sr = sr_middle ? (uint32_t)((uint64_t)since_sr_us * 65536 / 1000000) : 0;
}

/* A head whose length is that of what lies between it and end. */
static void rtcp_head(uint8_t *at, uint32_t count, uint32_t type, const uint8_t *end)
{
    uint32_t words = (uint32_t)(end - at) / 4 - 1;

    at[0] = (uint8_t)(0x80 | count);
    at[1] = (uint8_t)type;
    at[2] = (uint8_t)(words >> 8);
    at[3] = (uint8_t)words;
}

size_t rtcp_write(const struct rtcp_report *r, uint8_t out[RTCP_PACKET_MAX])
{
    uint8_t *at = out, *p = put32(out + 4, r->ssrc);
    size_t name = strlen(r->name);

    if (r->sent) {
        p = put32(p, (uint32_t)(r->ntp >> 32));
        p = put32(p, (uint32_t)r->ntp);
        p = put32(p, r->ts);
        p = put32(p, r->packets);
        p = put32(p, r->octets);
    }
    if (r->heard) {
        p = put32(p, r->peer);
        p = put32(p, (uint32_t)r->fraction << 24 | (r->lost & 0xffffff));
        p = put32(p, r->max_seq);
        p = put32(p, r->jitter);
        p = put32(p, r->last_sr);
        p = put32(p, r->since_sr);
    }
    rtcp_head(at, r->heard, r->sent ? RTCP_SR : RTCP_RR, p);
    at = p;
    p = put32(p + 4, r->ssrc);
    *p++ = RTCP_CNAME;
    *p++ = (uint8_t)name;
    memcpy(p, r->name, name);
    p += name;
    /* At least one zero ends the items, up to a whole word. */
    do {
        *p++ = 0;
    } while ((p - at) % 4);
    rtcp_head(at, 1, RTCP_SDES, p);
    if (r->bye) {
        at = p;
        p = put32(p + 4, r->ssrc);
        rtcp_head(at, 1, RTCP_BYE, p);
    }
    return (size_t)(p - out);
}

/* The reports of one packet of the compound; about us is the last that is. */
static bool rtcp_blocks(const uint8_t *p, size_t n, uint32_t count, uint32_t ours, uint64_t ntp,
                        struct rtcp_seen *seen)
{
    uint32_t lsr, i;

    if (n < (size_t)count * RTCP_BLOCK)
        return false;
    for (i = 0; i < count; i++, p += RTCP_BLOCK) {
        if (get32(p) != ours)
            continue;
        seen->about_us = true;
        seen->lost = get32(p + 4) & 0xffffff;
        seen->jitter = get32(p + 12);
        lsr = get32(p + 16);
        seen->rtt_65536 = lsr ? (uint32_t)(ntp >> 16) - lsr - get32(p + 20) : 0;
        if (seen->rtt_65536 > UINT32_C(60) << 16) /* clocks that were set, or nonsense */
            seen->rtt_65536 = 0;
    }
    return true;
}

bool rtcp_read(const uint8_t *p, size_t n, uint32_t ours, uint64_t ntp, struct rtcp_seen *out)
{
    struct rtcp_seen seen = {0};
    bool first = true;
    size_t len;

    if (n < RTCP_HEAD)
        return false;
    for (; n; p += len, n -= len, first = false) {
        if (n < 4 || p[0] >> 6 != 2)
            return false;
        len = ((size_t)p[2] << 8 | p[3]) * 4 + 4;
        if (len > n)
            return false;
        if (first && p[1] != RTCP_SR && p[1] != RTCP_RR)
            return false;
        if (p[1] == RTCP_SR) {
            if (len < RTCP_HEAD + RTCP_SENDER ||
                !rtcp_blocks(p + RTCP_HEAD + RTCP_SENDER, len - RTCP_HEAD - RTCP_SENDER, p[0] & 0x1f, ours,
                             ntp, &seen))
                return false;
            seen.sr = true;
            seen.ssrc = get32(p + 4);
            seen.sr_middle = get32(p + 8) << 16 | get32(p + 12) >> 16;
        } else if (p[1] == RTCP_RR) {
            if (len < RTCP_HEAD ||
                !rtcp_blocks(p + RTCP_HEAD, len - RTCP_HEAD, p[0] & 0x1f, ours, ntp, &seen))
                return false;
        } else if (p[1] == RTCP_BYE) {
            seen.bye = true;
        }
    }
    *out = seen;
    return true;
}
