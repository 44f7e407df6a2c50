/*
 * What comes: once a beat each socket is emptied. Sound is decoded only while somebody listens: a recording,
 * the detectors of speech and of tones; else a packet costs its head.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "media_int.h"

#include <netinet/in.h>
#include <spandsp/telephony.h>
#include <spandsp/bit_operations.h>
#include <spandsp/g711.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    IN_BATCH = 8,
    IN_ROUNDS = 32
};                           /* packets of one call in one beat: 256, then the rest is for the next */
enum { IN_TONE_FRAMES = 5 }; /* of a key's tone that is in the recording it ends */

/* Packets are read as whole words by libsrtp2. */
struct in_packet {
    _Alignas(8) uint8_t p[RTP_PACKET_MAX];
    struct sockaddr_storage from;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct timespec))];
};

static void in_play_stops(struct media_call *c)
{
    const struct play *p = TAILQ_FIRST(&c->plays);

    if (p && p->flags & MEDIA_BARGE_IN)
        media__out_stop(c);
}

void media__in_key(struct media_call *c, char key, uint32_t how)
{
    struct media_event e = {.type = MEDIA_DIGIT, .call = c->id, .digit = key, .how = how};

    media__tell(c->m, &e);
    in_play_stops(c);
    if (c->rec && recording_flags(c->rec) & MEDIA_KEY_ENDS)
        media__in_record_end(c, MEDIA_BY_KEY, how == MEDIA_BY_TONE ? IN_TONE_FRAMES : 0);
}

void media__in_record_end(struct media_call *c, enum media_why why, uint32_t cut_frames)
{
    if (!c->rec)
        return;
    recording_end(c->rec, why, cut_frames);
    c->rec = NULL;
}

static bool in_listens(const struct media_call *c)
{
    return c->rec || c->listen || (c->keys && dtmf_in_listens(c->keys));
}

/* ---- RTP ---------------------------------------------------------------------------------------- */

/* The codec of a payload type: what was agreed, else by its number. */
static bool in_codec(const struct media_call *c, uint8_t type, enum neg_codec *codec)
{
    if (type == c->agreed.codec_type)
        *codec = c->agreed.codec;
    else if (type == NEG_PCMU || type == NEG_PCMA)
        *codec = (enum neg_codec)type;
    else
        return false;
    return true;
}

static void in_sound(struct media_call *c, const struct rtp *p, enum neg_codec codec)
{
    int16_t sample[JITTER_PUT_MAX];
    size_t i;

    if (!c->jitter_runs || p->n > JITTER_PUT_MAX)
        return;
    for (i = 0; i < p->n; i++)
        sample[i] = codec == NEG_PCMU ? ulaw_to_linear(p->payload[i]) : alaw_to_linear(p->payload[i]);
    jitter_put(c->jitter, p->ts, sample, (uint32_t)p->n);
}

void media__in_packet(struct media_call *c, uint8_t *packet, size_t n, const struct sockaddr_storage *from,
                      int64_t now, uint32_t arrival)
{
    enum neg_codec codec = NEG_PCMU;
    bool event, sound, anew;
    struct rtp p;
    char key;

    if (c->open && !secure_open(c->open, packet, &n))
        return;
    if (!rtp_read(packet, n, &p) || p.ssrc == c->ssrc)
        return;
    event = p.type == c->agreed.dtmf_recv_type || p.type == c->agreed.dtmf_type;
    sound = !event && in_codec(c, p.type, &codec);
    if (!event && !sound && p.type != c->agreed.cn_type && p.type != NEG_CN)
        return;
    if (!latch_take(&c->latch, from, p.ssrc, p.seq, c->open != NULL, now))
        return;
    c->heard_us = now;
    c->told_silent = false;
    anew = rtp_source_see(&c->source, &p, arrival, event);
    if (anew && c->jitter)
        jitter_reset(c->jitter);
    if (!(c->agreed.direction & NEG_RECV))
        return;
    if (sound)
        in_sound(c, &p, codec);
    if (!event)
        return;
    key = dtmf_in_event(c->keys, anew, p.marker, p.ts, p.payload, p.n);
    if (key)
        media__in_key(c, key, MEDIA_BY_EVENT);
}

/* ---- RTCP --------------------------------------------------------------------------------------- */

void media__in_report(struct media_call *c, uint8_t *packet, size_t n, const struct sockaddr_storage *from,
                      bool muxed, int64_t now)
{
    struct rtcp_seen seen;
    struct timespec t;

    /* Of the host that sends the sound, and nobody else. */
    if (!latch_same_host(from, &c->latch.from))
        return;
    if (c->open && !secure_open_rtcp(c->open, packet, &n))
        return;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    if (!rtcp_read(packet, n, c->ssrc, rtcp_ntp((int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000), &seen))
        return;
    if (!muxed)
        c->rtcp_to = *from;
    if (seen.sr) {
        c->sr_middle = seen.sr_middle;
        c->sr_us = now;
    }
}

/* ---- sockets ------------------------------------------------------------------------------------ */

/* When the system says it came, in RTP's time. */
static uint32_t in_arrival(struct msghdr *h, int64_t now)
{
    struct cmsghdr *m;
    struct timespec t;

    for (m = CMSG_FIRSTHDR(h); m; m = CMSG_NXTHDR(h, m)) {
        if (m->cmsg_level == SOL_SOCKET && m->cmsg_type == SCM_TIMESTAMPNS) {
            memcpy(&t, CMSG_DATA(m), sizeof t);
            return (uint32_t)((uint64_t)t.tv_sec * VOICE_RATE + (uint64_t)t.tv_nsec / 125000);
        }
    }
    return (uint32_t)(now / 125);
}

/* A packet for each call to the system that brings any; the last brings none. */
static void in_read(struct media_call *c, int fd, bool rtcp, int64_t now)
{
    struct in_packet in[IN_BATCH];
    struct iovec iov[IN_BATCH];
    struct mmsghdr h[IN_BATCH];
    int n = IN_BATCH, i, round;

    for (round = 0; round < IN_ROUNDS && n == IN_BATCH; round++) {
        for (i = 0; i < IN_BATCH; i++) {
            iov[i] = (struct iovec){in[i].p, sizeof in[i].p};
            h[i].msg_hdr = (struct msghdr){.msg_name = &in[i].from,
                                           .msg_namelen = sizeof in[i].from,
                                           .msg_iov = &iov[i],
                                           .msg_iovlen = 1,
                                           .msg_control = in[i].control,
                                           .msg_controllen = sizeof in[i].control};
        }
        n = recvmmsg(fd, h, IN_BATCH, MSG_DONTWAIT, NULL);
        for (i = 0; i < n; i++) {
            if (!c->set || h[i].msg_hdr.msg_flags & MSG_TRUNC)
                continue;
            if (rtcp || rtp_is_rtcp(in[i].p, h[i].msg_len))
                media__in_report(c, in[i].p, h[i].msg_len, &in[i].from, !rtcp, now);
            else
                media__in_packet(c, in[i].p, h[i].msg_len, &in[i].from, now, in_arrival(&h[i].msg_hdr, now));
        }
    }
}

void media__in_drain(struct media_call *c, int64_t now)
{
    in_read(c, c->rtp, false, now);
}

void media__in_rtcp(struct media_call *c, int64_t now)
{
    in_read(c, c->rtcp, true, now);
}

/* ---- a beat's frame ----------------------------------------------------------------------------- */

static bool in_jitter(struct media_call *c, int16_t theirs[VOICE_FRAME])
{
    if (!c->jitter) {
        c->jitter = malloc(sizeof *c->jitter);
        if (!c->jitter)
            abort();
        jitter_init(c->jitter, c->m->conf.jitter_min_us, c->m->conf.jitter_max_us);
    }
    if (!c->jitter_runs)
        jitter_reset(c->jitter);
    c->jitter_runs = true;
    return jitter_get(c->jitter, theirs);
}

void media__in_frame(struct media_call *c, const int16_t ours[VOICE_FRAME], bool playing)
{
    struct media_event e = {.type = MEDIA_SPEECH, .call = c->id};
    int16_t theirs[VOICE_FRAME];
    enum media_why why;
    bool loud;
    char key;

    if (!in_listens(c)) {
        c->jitter_runs = false;
        return;
    }
    (void)in_jitter(c, theirs);
    key = c->keys ? dtmf_in_frame(c->keys, theirs, c->rec && c->hear.on) : 0;
    if (c->rec || c->listen) {
        if (hear_frame(&c->hear, theirs, &loud) && c->listen) {
            e.on = c->hear.on;
            e.tone = c->hear.tone;
            media__tell(c->m, &e);
        }
    }
    if (c->rec) {
        why = recording_frame(c->rec, theirs, ours, c->hear.on, playing);
        if (why)
            media__in_record_end(c, why, 0);
    }
    if (key)
        media__in_key(c, key, MEDIA_BY_TONE);
}
