/* SPDX-License-Identifier: Apache-2.0 */
#include "media_int.h"

#include <netinet/in.h>
#include <spandsp/telephony.h>
#include <spandsp/bit_operations.h>
#include <spandsp/g711.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- packets ------------------------------------------------------------------------------------ */

static void out_send(int fd, const uint8_t *p, size_t n, const struct sockaddr_storage *to)
{
    socklen_t len = to->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

    /* What the network does not take now is lost, as on its way; a peer that is gone sends nothing, which is
     * told as MEDIA_SILENT. */
    (void)sendto(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)to, len);
}

static void out_packet(struct media_call *c, int32_t type, bool marker, uint32_t ts, const uint8_t *payload,
                       size_t n)
{
    _Alignas(8) uint8_t packet[RTP_HEAD + MEDIA_PAYLOAD_MAX + SECURE_ROOM];
    size_t len = RTP_HEAD + n;

    rtp_write(packet, (uint8_t)type, marker, c->seq++, ts, c->ssrc);
    memcpy(packet + RTP_HEAD, payload, n);
    if (c->seal && !secure_seal(c->seal, packet, &len))
        return;
    out_send(c->rtp, packet, len, &c->latch.from);
    c->packets++;
    c->octets += n;
}

static bool out_may(const struct media_call *c)
{
    return c->set && c->agreed.direction & NEG_SEND;
}

static void out_payload(struct media_call *c, uint32_t n)
{
    out_packet(c, c->agreed.codec_type, c->marker, c->payload_ts, c->payload, n);
    c->marker = false;
    c->payload_n -= n;
    c->payload_ts += n;
    memmove(c->payload, c->payload + n, c->payload_n);
}

void media__out_flush(struct media_call *c)
{
    if (c->payload_n && out_may(c))
        out_payload(c, c->payload_n);
    c->payload_n = 0;
}

static void out_sound(struct media_call *c, const int16_t frame[VOICE_FRAME], bool silent)
{
    uint32_t most = c->agreed.ptime_ms * (VOICE_RATE / 1000), i;
    bool mu = c->agreed.codec == NEG_PCMU;
    uint8_t *to = c->payload + c->payload_n;

    if (c->payload_n == 0)
        c->payload_ts = c->ts;
    if (silent)
        memset(to, mu ? 0xff : 0xd5, VOICE_FRAME);
    else
        for (i = 0; i < VOICE_FRAME; i++)
            to[i] = mu ? linear_to_ulaw(frame[i]) : linear_to_alaw(frame[i]);
    c->payload_n += VOICE_FRAME;
    while (c->payload_n >= most)
        out_payload(c, most);
}

/* ---- what plays --------------------------------------------------------------------------------- */

static void out_played(struct media_call *c, struct play *p, bool complete)
{
    struct media_event e = {.type = MEDIA_PLAYED,
                            .call = c->id,
                            .play = p->id,
                            .complete = complete,
                            .listened_ms = (uint32_t)(p->heard / (VOICE_RATE / 1000))};

    TAILQ_REMOVE(&c->plays, p, next);
    media__tell(c->m, &e);
    pcm_drop(p->pcm);
    free(p);
}

void media__out_stop(struct media_call *c)
{
    struct play *p;

    while ((p = TAILQ_FIRST(&c->plays)))
        out_played(c, p, false);
}

/* One after the other without a gap. False: nothing plays. */
static bool out_plays(struct media_call *c, int16_t frame[VOICE_FRAME])
{
    uint32_t n = 0, some;
    struct play *p;

    while (n < VOICE_FRAME && (p = TAILQ_FIRST(&c->plays))) {
        some = p->pcm->n - p->at < VOICE_FRAME - n ? p->pcm->n - p->at : VOICE_FRAME - n;
        memcpy(frame + n, p->pcm->sample + p->at, some * sizeof *frame);
        n += some;
        p->at += some;
        p->heard += some;
        if (p->at < p->pcm->n)
            continue;
        if (p->loop && p->pcm->n)
            p->at = 0;
        else
            out_played(c, p, true);
    }
    memset(frame + n, 0, (VOICE_FRAME - n) * sizeof *frame);
    return n > 0;
}

/* ---- a beat's frame ----------------------------------------------------------------------------- */

/* A frame of a key by telephone-event: no sound goes beside it. */
static void out_key(struct media_call *c)
{
    uint8_t event[DTMF_EVENT];
    bool begins, sends = dtmf_out_event(&c->keys_out, event, &begins);

    media__out_flush(c);
    if (begins)
        c->key_ts = c->ts;
    if (sends)
        out_packet(c, c->agreed.dtmf_type, begins, c->key_ts, event, sizeof event);
    dtmf_out_next(&c->keys_out);
    c->marker = true;
}

bool media__out_frame(struct media_call *c, int16_t ours[VOICE_FRAME])
{
    bool sound = false;

    if (!out_may(c)) {
        c->marker = true;
        c->payload_n = 0;
        memset(ours, 0, VOICE_FRAME * sizeof *ours);
    } else if (dtmf_out_busy(&c->keys_out) && c->agreed.dtmf_type >= 0) {
        out_key(c);
        memset(ours, 0, VOICE_FRAME * sizeof *ours);
    } else {
        sound = true;
        if (dtmf_out_busy(&c->keys_out))
            dtmf_out_tone(&c->keys_out, ours);
        else
            sound = out_plays(c, ours);
        out_sound(c, ours, !sound);
    }
    c->ts += VOICE_FRAME;
    return sound;
}

void media__out_skip(struct media_call *c)
{
    if (out_may(c))
        c->late++;
    media__out_flush(c);
    c->marker = true;
    c->ts += VOICE_FRAME;
}

/* ---- reports ------------------------------------------------------------------------------------ */

/* Where reports go: where theirs come from; else what was agreed, on the host that the sound comes from. */
static bool out_report_to(const struct media_call *c, struct sockaddr_storage *to)
{
    if (c->rtcp_to.ss_family && latch_same_host(&c->rtcp_to, &c->latch.from)) {
        *to = c->rtcp_to;
        return true;
    }
    *to = c->latch.from;
    ((struct sockaddr_in *)to)->sin_port =
        htons(c->agreed.rtcp_port); /* at the same place in both families */
    return c->agreed.rtcp_port != 0 && !latch_nowhere(to);
}

void media__out_report(struct media_call *c, int64_t now, bool bye)
{
    _Alignas(8) uint8_t packet[RTCP_PACKET_MAX + SECURE_ROOM];
    struct rtcp_report r = {.ssrc = c->ssrc,
                            .sent = c->packets != c->reported,
                            .bye = bye,
                            .ts = c->ts,
                            .packets = (uint32_t)c->packets,
                            .octets = (uint32_t)c->octets};
    struct sockaddr_storage to;
    struct timespec t;
    size_t n;

    /* Half to one and a half times the interval: calls that began together do not stay so. */
    c->report_us = now + MEDIA_REPORT_US / 2 + (int64_t)(c->ssrc ^ c->seq) % MEDIA_REPORT_US;
    c->reported = c->packets;
    if (!out_report_to(c, &to))
        return;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    r.ntp = rtcp_ntp((int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000);
    memcpy(r.name, c->cname, sizeof r.name);
    rtcp_about(&r, &c->source, c->sr_middle, now - c->sr_us);
    n = rtcp_write(&r, packet);
    if (c->seal && !secure_seal_rtcp(c->seal, packet, &n))
        return;
    out_send(c->rtcp, packet, n, &to);
}
