/*
 * Private to this plugin: one instance, and what its parts need of it. All [own] loop.
 *
 *   ua (a thread) ─┐                     ┌─ flow   who calls us: menu, identification, transfer
 *                  ├─ calls ── talk ─────┤
 *   media (a thread)┘    │      │         └─ out    whom we call: dialing, machine or person, retries
 *                     ledger  speech
 *                        └── ask ── the gateway
 *
 * calls owns the table of calls: takes events of ua and media, negotiates, and tells the side that has the
 * call. talk speaks pieces and collects keys. ledger tells the gateway what becomes of a call, in order. A
 * part owns what its header declares; there is no state outside of the instance.
 */
#ifndef VOICE_H
#define VOICE_H

#include "media.h"
#include "menu.h"
#include "negotiate.h"
#include "out_conf.h"
#include "say.h"
#include "speech.h"
#include "ua.h"

#include <hilo/plugin.h>
#include <stdbool.h>
#include <string.h>
#include <sys/queue.h>

enum { VOICE_MAGIC = 0x766f6963, VOICE_CREDIT_INBOUND = 64 };

enum voice_consent { VOICE_CONSENT_NONE, VOICE_CONSENT_ANNOUNCE, VOICE_CONSENT_ASK };
enum voice_legs { VOICE_LEGS_CALLER, VOICE_LEGS_BOTH };

/* What YAML gives; options.c has the table. */
struct voice_conf {
    /* signalling: ua.h */
    struct hilo_str udp, tcp, tls, public_host, tls_cert, tls_key, tls_ca;
    struct hilo_str registrar, user, auth_user, secret, domain, proxy, trunk;
    int64_t register_expires_us, session_expires_us, min_se_us, options_us;
    uint64_t require_100rel;
    int64_t calls_max, invites_per_s;
    /* media: media.h, negotiate.h */
    struct hilo_str rtp, rtp_public, codecs;
    int64_t rtp_port_min, rtp_port_max, jitter_min_us, jitter_max_us, rtp_timeout_us;
    uint64_t inband_dtmf;
    int64_t srtp; /* NEG_SRTP_x */
    /* speech: speech.h */
    struct hilo_str espeak, voice_es, voice_en;
    int64_t words_per_minute, speech_children, prompt_cache;
    /* the dialogue: flow.h */
    struct hilo_str menu;                               /* JSON; empty: the built-in one */
    struct hilo_str prompts;                            /* JSON: an operator's own words for prompts.h's */
    struct hilo_str business;                           /* {business} of prompts */
    int64_t language;                                   /* enum say_language, of whom nothing is known */
    struct hilo_str country;                            /* "CO": of documents and of national numbers */
    struct hilo_str document_type;                      /* of the numbers that callers type: "CC" */
    struct hilo_str country_code;                       /* "57", of national numbers */
    struct hilo_str time_zone;                          /* the store's */
    struct hilo_str desk;                               /* SIP target of last resort; empty: none */
    struct hilo_str hold_music;                         /* a WAV file; empty: a prompt, now and then */
    int64_t consent;                                    /* enum voice_consent, of what is recorded */
    uint64_t record_call;                               /* the whole call, not only what she leaves */
    int64_t record_legs;                                /* enum voice_legs, of that */
    uint64_t attended;                                  /* transfers: the agent is called first */
    int64_t agent_ring_us, gateway_us, call_us, key_us; /* key_us: between keys of a number */
    struct out_conf out;
};

struct voice_asks;   /* ask.h */
struct voice_calls;  /* calls.h */
struct words;        /* script.h */
struct voice_timers; /* timer.h */
struct talk_waits;   /* talk.h */
struct keep;         /* keep.h */
struct flow;         /* flow.h */
struct out;          /* out.h */

struct voice {
    uint32_t magic;
    int32_t state;         /* the code last given to host.state */
    struct hilo_host host; /* a copy, as long as the host's */
    struct hilo_self *self;
    struct voice_conf conf;  /* its texts may be others after each turn (reconfigure) */
    struct voice_conf fixed; /* as it was opened, in copies, for parts that borrow */
    struct voice_timers *timers;
    struct voice_asks *asks;
    struct ua *ua;
    struct media *media;
    struct speech *speech; /* through talk.h only: tokens are its */
    struct voice_calls *calls;
    LIST_HEAD(, ledger) ledgers; /* ledger.h: of calls that are, and of those that were */
    LIST_HEAD(, said) said;      /* said.h: what the gateway does not have yet */
    struct words *words;         /* an operator's own; may be NULL */
    struct talk_waits *talks;
    uint64_t last_sound; /* token of speech, and play of media */
    struct keep *keep;
    struct flow *flow;
    struct out *out;
    bool up;       /* the line is: ua said so last */
    bool credited; /* once, at the first UA_UP: out.calls + VOICE_CREDIT_INBOUND */
    bool draining;
};

/* ---- plugin.c ----------------------------------------------------------------------------------- */

/* One line, what can't be printed replaced; no personal data: calls by their cal_ id or number here. */
void voice_log(struct voice *, int32_t level, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* host.state; HILO_OK only when it was not before. */
void voice_set_state(struct voice *, int32_t code, const char *text);

/* ---- what plugin.c asks of the side out (out.c) ------------------------------------------ */

/* NULL: no memory. In open(). */
struct out *out_new(struct voice *);
/* After start(): leftovers of calls that a crash broke. */
void out_start(struct voice *);
/* The line came up or went down. */
void out_line(struct voice *, bool up);
/* A send() whose customer is not in a call with flow (that one spoke it: flow_send()). Nothing else is
 * credited but out.calls + VOICE_CREDIT_INBOUND sends, the latter for what is spoken to callers: whatever is
 * beyond out.calls here is to be reported AGAIN, not held, or a caller waits for her own choices. */
int32_t out_send(struct voice *, struct hilo_id, struct hilo_str message);
void out_revoke(struct voice *, struct hilo_id);
bool out_on_fd(struct voice *, int32_t fd, uint32_t events); /* true: it was the transcriber's */
void out_drain(struct voice *, int64_t mono_us);
void out_free(struct voice *);
/* A recording has become the media of this message ("msg_…"): its text, if an operator wants one. Kept before
 * what is asked of the gateway after this call. */
void out_transcribe(struct voice *, struct hilo_str message_id, enum say_language);

/* ---- strings ------------------------------------------------------------------------------------ */

static inline struct hilo_str voice_str(const char *s)
{
    struct hilo_str r = {s, s ? strlen(s) : 0};
    return r;
}
static inline struct hilo_str voice_none(void)
{
    struct hilo_str r = {NULL, 0};
    return r;
}
static inline bool voice_str_is(struct hilo_str s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}
static inline bool voice_str_eq(struct hilo_str a, struct hilo_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline int64_t voice_now(const struct voice *v)
{
    return v->host.mono_us(v->self);
}
static inline int64_t voice_wall(const struct voice *v)
{
    return v->host.wall_us(v->self);
}

#endif
