/* SPDX-License-Identifier: Apache-2.0 */
#include "media_int.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

/* Beats that are made up for, as to what was heard, when the thread did not run (a machine that slept). */
enum { CALL_OWED_MAX = 50 };

/* ---- beginning and end -------------------------------------------------------------------------- */

/* Numbers that nobody can guess: a forger would have to. */
static void call_random(void *p, size_t n)
{
    if (getrandom(p, n, 0) != (ssize_t)n)
        abort();
}

static void call_open(struct media *m, struct order *o)
{
    struct media_call *c = calloc(1, sizeof *c);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    uint32_t i, words[5];

    if (!c)
        abort();
    c->m = m;
    c->id = o->call;
    c->rtp = o->open.rtp;
    c->rtcp = o->open.rtcp;
    o->taken = true;
    TAILQ_INIT(&c->plays);
    hear_init(&c->hear);
    call_random(words, sizeof words);
    c->ssrc = words[0];
    c->ts = words[1];
    c->seq = words[2] & 0x7fff; /* so that its first turn is far off (RFC 3711 3.3.1) */
    (void)snprintf(c->cname, sizeof c->cname, "%08x%08x", words[3], words[4]);
    c->marker = true;
    for (i = 1; i < MEDIA_SLOTS; i++)
        if (m->in_slot[i] < m->in_slot[c->slot])
            c->slot = i;
    m->in_slot[c->slot]++;
    LIST_INSERT_HEAD(&m->slot[c->slot], c, in_slot);
    HASH_ADD(hh, m->calls, id, sizeof c->id, c);
    /* Reports only: without them there is still a call. */
    (void)epoll_ctl(m->epoll, EPOLL_CTL_ADD, c->rtcp, &e);
}

static void call_free(struct media_call *c)
{
    struct media *m = c->m;

    HASH_DELETE(hh, m->calls, c);
    LIST_REMOVE(c, in_slot);
    m->in_slot[c->slot]--;
    secure_free(c->seal);
    secure_free(c->open);
    dtmf_in_free(c->keys);
    free(c->jitter);
    OPENSSL_cleanse(&c->agreed, sizeof c->agreed);
    free(c);
}

/* The sockets and all that waits; its recording goes to disk. */
static void call_hang_up(struct media_call *c)
{
    media__in_record_end(c, MEDIA_ENDED, 0);
    media__out_stop(c);
    (void)close(c->rtp);
    (void)close(c->rtcp);
    c->rtp = c->rtcp = -1;
    c->closing = true;
}

static void call_closed(struct media_call *c)
{
    struct media_event e = {.type = MEDIA_CLOSED,
                            .call = c->id,
                            .packets_in = rtp_source_received(&c->source),
                            .packets_out = c->packets,
                            .lost = rtp_source_lost(&c->source),
                            .late = c->late,
                            .jitter_us = rtp_source_jitter_us(&c->source)};

    media__tell(c->m, &e);
    call_free(c);
}

static void call_close(struct media_call *c, int64_t now)
{
    if (c->closing)
        return;
    if (c->set) {
        media__out_flush(c);
        media__out_report(c, now, true);
    }
    call_hang_up(c);
    if (!c->recs)
        call_closed(c);
}

void media__all_gone(struct media *m)
{
    struct media_call *c, *next;

    HASH_ITER(hh, m->calls, c, next)
    {
        if (!c->closing)
            call_hang_up(c);
        call_free(c);
    }
}

/* ---- what was agreed ---------------------------------------------------------------------------- */

static bool call_same_key(const struct neg_crypto *a, const struct neg_crypto *b)
{
    return a->suite == b->suite && CRYPTO_memcmp(a->key, b->key, neg_key_octets(a->suite)) == 0;
}

/* A key that stays keeps its context: its count of the sequence's turns, and what it has seen. */
static bool call_key(struct media_call *c, const struct neg_crypto *new, const struct neg_crypto *old,
                     struct secure **s, bool ours)
{
    if (c->set && call_same_key(new, old))
        return true;
    secure_free(*s);
    *s = new->suite ? secure_new(new, ours) : NULL;
    return !new->suite || *s;
}

static void call_set(struct media_call *c, const struct neg_agreed *a, int64_t now)
{
    struct media_event e = {.type = MEDIA_SILENT, .call = c->id};
    bool keys;

    media__out_flush(c);
    keys = call_key(c, &a->local, &c->agreed.local, &c->seal, true) &&
           call_key(c, &a->remote, &c->agreed.remote, &c->open, false);
    /* Held by an address that is none (0.0.0.0): where it comes from is what it was. */
    if (!c->set || !latch_nowhere(&a->addr))
        latch_agree(&c->latch, &a->addr);
    if (!c->keys)
        c->keys = dtmf_in_new(a->dtmf_recv_type >= 0, c->m->conf.inband_dtmf);
    if (!c->keys)
        abort();
    dtmf_in_agreed(c->keys, a->dtmf_recv_type >= 0);
    if (!c->set)
        c->report_us = now + MEDIA_REPORT_US / 2;
    c->agreed = *a;
    /* Never in clear what was to be sealed: as a call without media it comes to its end. */
    c->set = keys;
    if (!keys)
        media__tell(c->m, &e);
    c->heard_us = now;
    c->told_silent = false;
}

static void call_record(struct media_call *c, struct order *o)
{
    media__in_record_end(c, MEDIA_ENDED, 0);
    c->rec = recording_new(c->m->recorder, c->id, &o->record);
    o->taken = true;
    if (!c->rec)
        abort();
    c->recs++;
    if (!c->listen)
        hear_init(&c->hear);
}

static void call_recorded(struct media_call *c, const struct record_done *d)
{
    struct media_event e = {.type = MEDIA_RECORDED,
                            .call = c->id,
                            .why = d->why,
                            .length_ms = d->length_ms,
                            .speech_ms = d->speech_ms,
                            .bytes = d->bytes};

    media__tell(c->m, &e);
    c->recs--;
    if (c->closing && !c->recs)
        call_closed(c);
}

void media__order(struct media *m, struct order *o, int64_t now)
{
    struct media_call *c;

    HASH_FIND(hh, m->calls, &o->call, sizeof o->call, c);
    if (o->type == ORDER_OPEN && !c)
        call_open(m, o);
    if (!c || (c->closing && o->type != ORDER_RECORDED))
        return;
    switch (o->type) {
    case ORDER_OPEN:
        break;
    case ORDER_SET:
        call_set(c, &o->set, now);
        break;
    case ORDER_PLAY:
        TAILQ_INSERT_TAIL(&c->plays, o->play, next);
        o->taken = true;
        break;
    case ORDER_STOP:
        media__out_stop(c);
        break;
    case ORDER_KEY:
        (void)dtmf_out_put(&c->keys_out, o->key.key, o->key.ms);
        break;
    case ORDER_RECORD:
        call_record(c, o);
        break;
    case ORDER_RECORD_END:
        media__in_record_end(c, MEDIA_ENDED, 0);
        break;
    case ORDER_LISTEN:
        if (o->listen && !c->listen && !c->rec)
            hear_init(&c->hear);
        c->listen = o->listen;
        break;
    case ORDER_CLOSE:
        call_close(c, now);
        break;
    case ORDER_RECORDED:
        call_recorded(c, &o->recorded);
        break;
    }
}

/* ---- the beat ----------------------------------------------------------------------------------- */

static void call_silent(struct media_call *c, int64_t now)
{
    struct media_event e = {.type = MEDIA_SILENT, .call = c->id};

    if (!c->m->conf.silent_us || c->told_silent || !(c->agreed.direction & NEG_RECV) ||
        now - c->heard_us < c->m->conf.silent_us)
        return;
    c->told_silent = true;
    media__tell(c->m, &e);
}

void media__beat(struct media_call *c, int64_t now, int64_t due)
{
    int16_t ours[VOICE_FRAME];
    bool playing;

    if (c->closing)
        return;
    media__in_drain(c, now);
    if (!c->next_us)
        c->next_us = due;
    if (now - c->next_us > (int64_t)CALL_OWED_MAX * MEDIA_BEAT_US) {
        c->late += (uint64_t)(now - c->next_us) / MEDIA_BEAT_US;
        c->ts += (uint32_t)((now - c->next_us) / MEDIA_BEAT_US) * VOICE_FRAME;
        c->next_us += (now - c->next_us) / MEDIA_BEAT_US * MEDIA_BEAT_US;
    }
    for (; c->next_us <= now; c->next_us += MEDIA_BEAT_US) {
        /* A frame leaves when it is due or not at all, so that its time is always true. */
        if (now - c->next_us >= MEDIA_BEAT_US) {
            media__out_skip(c);
            memset(ours, 0, sizeof ours);
            playing = false;
        } else {
            playing = media__out_frame(c, ours);
        }
        media__in_frame(c, ours, playing);
    }
    if (!c->set)
        return;
    call_silent(c, now);
    if (now >= c->report_us)
        media__out_report(c, now, false);
}
