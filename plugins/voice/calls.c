/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "calls.h"

#include "flow.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

enum { CALLS_BUCKETS = 1024, CALLS_RETRY_AFTER_S = 10 };

struct voice_calls {
    uint64_t last; /* number of ours */
    uint32_t n_inbound, n_outbound;
    LIST_HEAD(voice_bucket, voice_call) bucket[CALLS_BUCKETS];
};

/* ---- the table ---------------------------------------------------------------------------------- */

struct voice_calls *voice_calls_new(void)
{
    return calloc(1, sizeof(struct voice_calls));
}

static struct voice_bucket *calls_bucket(const struct voice *v, uint64_t id)
{
    return &v->calls->bucket[id % CALLS_BUCKETS];
}

struct voice_call *voice_call_find(const struct voice *v, uint64_t id)
{
    struct voice_call *c;

    LIST_FOREACH(c, calls_bucket(v, id), in_bucket)
    if (c->id == id)
        return c;
    return NULL;
}

void voice_calls_each(const struct voice *v, bool (*fn)(void *arg, struct voice_call *), void *arg)
{
    struct voice_call *c, *next;
    size_t i;

    for (i = 0; i < CALLS_BUCKETS; i++) {
        for (c = LIST_FIRST(&v->calls->bucket[i]); c; c = next) {
            next = LIST_NEXT(c, in_bucket);
            if (!fn(arg, c))
                return;
        }
    }
}

struct calls_sought {
    struct hilo_str customer, phone;
    struct voice_call *found;
};

static bool calls_is_sought(void *arg, struct voice_call *c)
{
    struct calls_sought *s = arg;

    if (c->over || !c->answered)
        return true;
    if (s->customer.n ? voice_str_is(s->customer, c->customer)
                      : s->phone.n && voice_str_is(s->phone, c->phone))
        s->found = c;
    return !s->found;
}

struct voice_call *voice_call_of(const struct voice *v, struct hilo_str customer, struct hilo_str phone)
{
    struct calls_sought s = {.customer = customer, .phone = phone};

    voice_calls_each(v, calls_is_sought, &s);
    return s.found;
}

uint32_t voice_calls_count(const struct voice *v, bool inbound)
{
    return inbound ? v->calls->n_inbound : v->calls->n_outbound;
}

static struct voice_call *call_new(struct voice *v, uint64_t id, bool inbound)
{
    struct voice_call *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->voice = v;
    c->id = id;
    c->inbound = inbound;
    c->began_us = voice_now(v);
    c->language = (enum say_language)v->conf.language;
    talk_init(&c->talk, c);
    LIST_INSERT_HEAD(calls_bucket(v, id), c, in_bucket);
    *(inbound ? &v->calls->n_inbound : &v->calls->n_outbound) += 1;
    return c;
}

static void call_free(struct voice_call *c)
{
    struct voice *v = c->voice;

    voice_timer_cancel(v, &c->longest);
    talk_free(&c->talk);
    LIST_REMOVE(c, in_bucket);
    *(c->inbound ? &v->calls->n_inbound : &v->calls->n_outbound) -= 1;
    free(c->offer);
    free(c->sent);
    free(c);
}

static void copy_text(char *out, size_t size, struct hilo_str s)
{
    size_t n = s.n < size ? (size_t)s.n : size - 1;

    if (s.n == 0)
        return;
    memcpy(out, s.p, n);
    out[n] = 0;
}
#define COPY(c, field, s) copy_text((c)->field, sizeof(c)->field, s)

/* ---- negotiation -------------------------------------------------------------------------------- */

/* What peers are to send to, where that is not the address that we listen at. */
static void call_public_address(const struct voice *v, struct sockaddr_storage *addr)
{
    struct sockaddr_in *in4 = (struct sockaddr_in *)addr;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
    const char *p = v->conf.rtp_public.p;

    if (!v->conf.rtp_public.n)
        return;
    if (addr->ss_family == AF_INET)
        (void)inet_pton(AF_INET, p, &in4->sin_addr);
    else
        (void)inet_pton(AF_INET6, p, &in6->sin6_addr);
}

static void call_codecs(const struct voice *v, struct neg_local *l)
{
    bool ulaw = v->conf.codecs.n >= 4 && memcmp(v->conf.codecs.p, "pcmu", 4) == 0;

    l->prefer[0] = ulaw ? NEG_PCMU : NEG_PCMA;
    l->prefer[1] = ulaw ? NEG_PCMA : NEG_PCMU;
    l->n_prefer = v->conf.codecs.n > 4 ? 2 : 1;
}

static bool call_open_media(struct voice_call *c, int family)
{
    struct voice *v = c->voice;
    uint64_t random[2];

    if (c->media)
        return true;
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random ||
        getrandom(c->local.crypto.key, sizeof c->local.crypto.key, 0) != (ssize_t)sizeof c->local.crypto.key)
        return false;
    if (!media_open(v->media, c->id, family, &c->local.addr))
        return false;
    call_public_address(v, &c->local.addr);
    c->family = family;
    c->local.session = random[0] >> 1;
    c->local.version = random[1] >> 34;
    c->local.srtp = (uint32_t)v->conf.srtp;
    c->local.crypto.suite = NEG_AES_CM_128_80;
    c->local.crypto.tag = 1;
    c->local.direction = NEG_SEND | NEG_RECV;
    call_codecs(v, &c->local);
    c->media = true;
    return true;
}

/* Keeps what we say last, for the next offer; the text to send. */
static struct hilo_str call_says(struct voice_call *c, const char *text)
{
    char *copy = strdup(text);

    c->local.version++;
    free(c->sent);
    c->sent = copy;
    c->local.before = voice_str(copy);
    return voice_str(copy);
}

static struct hilo_str call_offer(struct voice_call *c)
{
    char text[NEG_TEXT_MAX];
    struct hilo_str said;

    if (neg_offer(&c->local, text) == 0)
        return voice_none();
    said = call_says(c, text);
    c->offered = said.n > 0;
    return said;
}

static void call_agreed(struct voice_call *c)
{
    bool held = !(c->agreed.direction & NEG_SEND);

    media_set(c->voice->media, c->id, &c->agreed);
    c->settled = true;
    if (held == c->held_by_them)
        return;
    c->held_by_them = held;
    if (c->answered && c->side->held)
        c->side->held(c, held);
}

/* Their answer to our offer. */
static bool call_read_answer(struct voice_call *c, struct hilo_str sdp)
{
    const char *why = "";

    if (!c->offered || sdp.n == 0)
        return true;
    if (neg_agree(&c->local, sdp, &c->agreed, &why) != 0) {
        voice_log(c->voice, HILO_LOG_WARN, "voice.media call=%s refused=\"%s\"", ledger_id(c->ledger), why);
        return false;
    }
    c->offered = false;
    call_agreed(c);
    return true;
}

/* The family that an offer wants; 0: it does not say. */
static int sdp_family(struct hilo_str sdp)
{
    if (memmem(sdp.p, (size_t)sdp.n, "IN IP4", 6))
        return AF_INET;
    return memmem(sdp.p, (size_t)sdp.n, "IN IP6", 6) ? AF_INET6 : 0;
}

static int conf_family(const struct voice *v)
{
    return v->conf.rtp.n && !memchr(v->conf.rtp.p, '.', (size_t)v->conf.rtp.n) ? AF_INET6 : AF_INET;
}

/* ---- what a side does --------------------------------------------------------------------------- */

static void call_too_long(void *arg)
{
    voice_call_hangup(arg, "too long");
}

struct voice_call *voice_call_dial(struct voice *v, const struct voice_side *side, void *of_side,
                                   const struct ua_invite *invite)
{
    struct ua_invite i = *invite;
    struct voice_call *c;

    if (v->calls->n_inbound + v->calls->n_outbound >= (uint64_t)v->conf.calls_max)
        return NULL;
    c = call_new(v, ++v->calls->last, false);
    if (!c)
        return NULL;
    c->side = side;
    c->of_side = of_side;
    COPY(c, to, invite->to);
    if (call_open_media(c, conf_family(v)))
        i.sdp = call_offer(c);
    if (i.sdp.n == 0) {
        if (c->media)
            media_close(v->media, c->id);
        call_free(c);
        return NULL;
    }
    ua_call(v->ua, c->id, &i);
    return c;
}

void voice_call_ring(struct voice_call *c)
{
    ua_ring(c->voice->ua, c->id, voice_none());
}

void voice_call_answer(struct voice_call *c)
{
    struct hilo_str offer = {c->offer, c->offer_n}, said;
    int family = offer.n ? sdp_family(offer) : 0;
    char text[NEG_TEXT_MAX];
    const char *why = "";
    uint32_t refused;
    size_t n;

    if (!call_open_media(c, family ? family : conf_family(c->voice))) {
        voice_call_reject(c, 503, CALLS_RETRY_AFTER_S);
        return;
    }
    if (offer.n == 0) {
        said = call_offer(c);
    } else {
        refused = neg_answer(&c->local, offer, text, &n, &c->agreed, &why);
        if (refused) {
            voice_log(c->voice, HILO_LOG_WARN, "voice.media call=%s refused=\"%s\" status=%u",
                      ledger_id(c->ledger), why, refused);
            voice_call_reject(c, refused, 0);
            return;
        }
        said = call_says(c, text);
        call_agreed(c);
    }
    if (said.n == 0) {
        voice_call_reject(c, 500, 0);
        return;
    }
    c->answering = true;
    ua_answer(c->voice->ua, c->id, said);
}

void voice_call_reject(struct voice_call *c, uint32_t status, uint32_t retry_after_s)
{
    c->hangup_reason = "refused";
    ua_reject(c->voice->ua, c->id, status, voice_none(), retry_after_s);
}

void voice_call_hangup(struct voice_call *c, const char *reason)
{
    if (c->over)
        return;
    c->hangup_reason = reason;
    talk_stop(&c->talk);
    if (c->inbound && !c->answering)
        ua_reject(c->voice->ua, c->id, 480, voice_none(), 0);
    else
        ua_hangup(c->voice->ua, c->id, voice_str(reason));
}

void voice_call_hold(struct voice_call *c, bool hold)
{
    struct hilo_str said;

    if (c->over || c->held_by_us == hold)
        return;
    c->held_by_us = hold;
    c->local.direction = hold ? NEG_SEND : NEG_SEND | NEG_RECV;
    said = call_offer(c);
    if (said.n)
        ua_reoffer(c->voice->ua, c->id, said);
}

void voice_call_refer(struct voice_call *c, struct hilo_str target, const struct voice_call *with)
{
    if (!c->over)
        ua_refer(c->voice->ua, c->id, target, with ? with->id : 0);
}

void voice_call_listen(struct voice_call *c, bool on)
{
    if (c->media)
        media_listen(c->voice->media, c->id, on);
}

void voice_call_record(struct voice_call *c, const struct media_record *r)
{
    if (c->media && !c->over)
        media_record(c->voice->media, c->id, r);
    else
        (void)close(r->fd);
}

void voice_call_record_end(struct voice_call *c)
{
    if (c->media)
        media_record_end(c->voice->media, c->id);
}

int64_t voice_call_duration_us(const struct voice_call *c)
{
    return c->answered ? voice_now(c->voice) - c->answered_us : 0;
}

/* ---- events of ua ------------------------------------------------------------------------------- */

static void call_copy(struct voice_call *c, const struct ua_event *e)
{
    COPY(c, call_id, e->call_id);
    COPY(c, from, e->from);
    COPY(c, from_name, e->from_name);
    COPY(c, to, e->to);
    COPY(c, asserted, e->asserted);
}

static void on_incoming(struct voice *v, const struct ua_event *e)
{
    bool room = v->calls->n_inbound + v->calls->n_outbound < (uint64_t)v->conf.calls_max;
    struct voice_call *c;

    if (v->draining || !room || voice_call_find(v, e->call) || !(c = call_new(v, e->call, true))) {
        ua_reject(v->ua, e->call, 503, voice_none(), CALLS_RETRY_AFTER_S);
        return;
    }
    call_copy(c, e);
    c->withheld = e->private_id;
    if (e->sdp.n) {
        c->offer = strndup(e->sdp.p, (size_t)e->sdp.n);
        c->offer_n = c->offer ? e->sdp.n : 0;
    }
    flow_incoming(c);
}

static void on_answered(struct voice_call *c, const struct ua_event *e)
{
    if (!call_read_answer(c, e->sdp)) {
        /* What was agreed before goes on; without that there is nothing to hear. */
        if (!c->answered)
            voice_call_hangup(c, "no media in common");
        return;
    }
    if (c->answered)
        return;
    if (!c->settled) { /* an answer never came */
        voice_call_hangup(c, "no media in common");
        return;
    }
    c->answered = true;
    c->answered_us = voice_now(c->voice);
    voice_timer_in(c->voice, &c->longest, c->voice->conf.call_us, call_too_long, c);
    if (c->side->answered)
        c->side->answered(c);
}

static void on_offer(struct voice_call *c, const struct ua_event *e)
{
    struct neg_agreed agreed;
    char text[NEG_TEXT_MAX];
    struct hilo_str said;
    const char *why = "";
    uint32_t refused;
    size_t n;

    if (e->sdp.n == 0) {
        said = c->media ? call_offer(c) : voice_none();
        if (said.n)
            ua_answer(c->voice->ua, c->id, said);
        else
            ua_reject(c->voice->ua, c->id, 488, voice_none(), 0);
        return;
    }
    refused = c->media ? neg_answer(&c->local, e->sdp, text, &n, &agreed, &why) : 488;
    if (refused) {
        ua_reject(c->voice->ua, c->id, refused, voice_none(), 0);
        return;
    }
    c->agreed = agreed;
    said = call_says(c, text);
    ua_answer(c->voice->ua, c->id, said);
    call_agreed(c);
}

static void on_progress(struct voice_call *c, const struct ua_event *e)
{
    bool early = e->sdp.n > 0 && c->offered && call_read_answer(c, e->sdp);

    if (early)
        c->offered = true; /* the 2xx answers it once more, perhaps of another branch */
    if (c->side->progress)
        c->side->progress(c, e->status, early);
}

/* What a phone sends twice, by telephone-event and by INFO, is one key. */
static void call_digit(struct voice_call *c, char digit)
{
    if (!talk_on_digit(&c->talk, digit) && c->side->digit)
        c->side->digit(c, digit);
}

static void call_over(struct voice_call *c)
{
    if (c->side && c->side->ended)
        c->side->ended(c, &c->ending);
    call_free(c);
}

/* The side hears of it when the last of its recording is on disk. */
static void on_ended(struct voice_call *c, const struct ua_event *e)
{
    if (c->over)
        return;
    c->over = true;
    voice_timer_cancel(c->voice, &c->longest);
    talk_stop(&c->talk);
    c->ending.status = e->status;
    c->ending.by_peer = e->by_peer;
    c->ending.q850 = e->q850;
    COPY(c, ending_reason, c->hangup_reason && !e->by_peer ? voice_str(c->hangup_reason) : e->reason);
    c->ending.reason = voice_str(c->ending_reason);
    if (c->side && c->side->over)
        c->side->over(c);
    if (c->media)
        media_close(c->voice->media, c->id);
    else
        call_over(c);
}

static void on_line(struct voice *v, const struct ua_event *e)
{
    char words[VOICE_TEXT_MAX];

    (void)snprintf(words, sizeof words, "%.*s", (int)(e->reason.n < 200 ? e->reason.n : 200),
                   e->reason.n ? e->reason.p : "");
    v->up = e->type == UA_UP;
    voice_set_state(v,
                    e->type == UA_UP     ? HILO_OK
                    : e->type == UA_DOWN ? HILO_DOWN
                                         : HILO_CONFIG,
                    e->type == UA_UP ? "" : words);
    if (v->up && !v->credited) {
        v->credited = true;
        v->host.credit(v->self, (uint32_t)v->conf.out.calls + VOICE_CREDIT_INBOUND);
    }
    out_line(v, v->up);
}

static void on_ua(struct voice *v, const struct ua_event *e)
{
    struct voice_call *c = voice_call_find(v, e->call);

    if (e->type == UA_UP || e->type == UA_DOWN || e->type == UA_CONFIG) {
        on_line(v, e);
        return;
    }
    if (e->type == UA_INCOMING) {
        on_incoming(v, e);
        return;
    }
    if (e->type == UA_REFUSED) {
        voice_log(v, HILO_LOG_WARN, "voice.refused peer=%.*s status=%u more=%u reason=\"%.*s\"",
                  (int)e->peer.n, e->peer.p, e->status, e->duration_ms, (int)e->reason.n, e->reason.p);
        return;
    }
    if (!c || c->over)
        return;
    if (!c->inbound)
        COPY(c, call_id, e->call_id);
    switch (e->type) {
    case UA_PROGRESS:
        on_progress(c, e);
        break;
    case UA_ANSWERED:
        on_answered(c, e);
        break;
    case UA_OFFER:
        on_offer(c, e);
        break;
    case UA_DIGIT:
        if (c->agreed.dtmf_type < 0 || !c->media)
            call_digit(c, e->digit);
        break;
    case UA_REFERRED:
        if (c->side->referred)
            c->side->referred(c, e->status);
        break;
    case UA_TRANSFER:
        /* Whoever could send our call elsewhere could have us pay for it. */
        ua_refer_answer(v->ua, c->id, 603);
        break;
    case UA_KEPT:
        c->offered = false;
        break;
    case UA_ENDED:
        on_ended(c, e);
        break;
    case UA_UP:
    case UA_DOWN:
    case UA_CONFIG:
    case UA_INCOMING:
    case UA_REFUSED:
        break;
    }
}

/* ---- events of media ---------------------------------------------------------------------------- */

static void on_media(struct voice *v, const struct media_event *e)
{
    struct voice_call *c = voice_call_find(v, e->call);

    if (!c)
        return;
    switch (e->type) {
    case MEDIA_DIGIT:
        if (!c->over && c->answered)
            call_digit(c, e->digit);
        break;
    case MEDIA_PLAYED:
        talk_on_played(&c->talk, e);
        break;
    case MEDIA_RECORDED:
        if (c->side->recorded)
            c->side->recorded(c, e);
        break;
    case MEDIA_SPEECH:
        if (!c->over && c->side->speech)
            c->side->speech(c, e->on, e->tone);
        break;
    case MEDIA_SILENT:
        if (!c->over && !c->held_by_them && !c->held_by_us && c->answered)
            voice_call_hangup(c, "no sound any more");
        break;
    case MEDIA_CLOSED:
        voice_log(v, HILO_LOG_DEBUG, "voice.media call=%s in=%llu out=%llu lost=%llu late=%llu jitter_us=%u",
                  ledger_id(c->ledger), (unsigned long long)e->packets_in, (unsigned long long)e->packets_out,
                  (unsigned long long)e->lost, (unsigned long long)e->late, e->jitter_us);
        c->media = false;
        if (c->over)
            call_over(c);
        break;
    }
}

void voice_calls_woken(struct voice *v)
{
    struct media_event m;
    struct ua_event e;

    while (v->ua && ua_next(v->ua, &e))
        on_ua(v, &e);
    while (v->media && media_next(v->media, &m))
        on_media(v, &m);
}

/* ---- the end ------------------------------------------------------------------------------------ */

static bool calls_end(void *arg, struct voice_call *c)
{
    (void)arg;
    c->over = true;
    talk_stop(&c->talk);
    call_over(c);
    return true;
}

void voice_calls_free(struct voice *v)
{
    if (!v->calls)
        return;
    voice_calls_each(v, calls_end, NULL);
    free(v->calls);
    v->calls = NULL;
}
