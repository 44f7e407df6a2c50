/*
 * Calls that we make: a message to the channel rings its customer and is spoken to her. Private to out*.c;
 * what the plugin asks of it is in voice.h. All [own] loop.
 *
 *   out.c        messages: taken, asked about at the gateway, called within the hours, revoked, drained
 *   out_call.c   one call: rings, who answers, which message is spoken, its end
 *   out_speak.c  one message: what is spoken, what the keys mean
 *   out_tell.c   what the gateway is told: reports, receipts, keys
 */
#ifndef VOICE_OUT_H
#define VOICE_OUT_H

#include "answerer.h"
#include "ask.h"
#include "callhours.h"
#include "calls.h"
#include "id.h"
#include "out_cause.h"
#include "pace.h"
#include "prompts.h"

#include <hilo/message.h>
#include <sys/queue.h>

enum out_at {
    OUT_ASKING, /* the gateway is asked about it and its customer */
    OUT_WAITS,  /* for its turn in a call */
    OUT_SPOKEN  /* it is being spoken, or was until a key */
};

/* A message. */
struct out_message {
    struct out *out;
    enum out_at at;
    struct hilo_id id;
    char id_text[ID_TEXT_MAX], customer[ID_TEXT_MAX], casus[ID_TEXT_MAX]; /* empty: none */
    char phone[40];                                                       /* E.164 */
    char ext_id[VOICE_TEXT_MAX + 16];                                     /* once it is told */
    uint32_t category, n_choices;
    int64_t attempts; /* with this one; 0: not known */
    int fd;           /* of its sound, -1: it is a text */
    char path[32];    /* by which speech.h opens that */
    struct hilo_id media;
    char *text;     /* as the core lowered it: with a menu of its choices */
    char *question; /* of choices, without the menu: for machines; NULL: none */
    char zone[64];  /* hers; empty: not known */
    enum say_language language;
    bool language_given;
    bool reported, delivered, read; /* told so far */
    uint32_t rounds, wrong;         /* how often it was spoken, and a key was none of its choices */
    uint64_t asked[3];              /* tokens of what is asked about it; 0: none */
    struct out_call *call;          /* in or by which it goes; NULL: none yet */
    TAILQ_ENTRY(out_message) next;  /* of out.asking, or of its call */
};
TAILQ_HEAD(out_messages, out_message);

enum out_stage {
    OUT_CALLING,   /* until somebody answers */
    OUT_LISTENING, /* who is it? */
    OUT_MACHINE,   /* a machine: its beep is waited for */
    OUT_SPEAKING,  /* to a person, or to a machine that records */
    OUT_GOODBYE,   /* nothing more to say */
    OUT_LEAVING    /* it is being hung up */
};

/* A call, the messages that are spoken in it and those that wait for that. */
struct out_call {
    struct out *out;
    struct voice_call *call;
    enum out_stage stage;
    bool rang, machine;
    char phone[40], customer[ID_TEXT_MAX];
    struct out_messages messages; /* the first is the one that is spoken or will be */
    uint32_t n_said, n_keys;      /* for names of what the gateway gets */
    struct answerer answerer;
    struct voice_timer timer; /* of the answerer; then: delivered */
    uint64_t asked;           /* token of a key that the gateway is told, whose answer she hears; 0: none */
    TAILQ_ENTRY(out_call) next;
};

struct transcriber; /* transcriber.h */
struct recover;     /* recover.h */

struct out {
    struct voice *voice;
    struct out_messages asking;
    TAILQ_HEAD(, out_call) calls;
    uint32_t n_calls;
    struct pace pace;
    struct voice_timer drain;
    struct transcriber *transcriber;
    struct recover *recover;
};

/* ---- out.c ---- */
void out_message_free(struct out_message *); /* off its list already */

/* ---- out_call.c ---- */
/* Rings. false: it can't now; the message has been told so, and is gone. */
bool out_call_begin(struct out_message *);
/* Behind what the call has to say. */
void out_call_add(struct out_call *, struct out_message *);
/* The message that was spoken is over: the next, or goodbye. */
void out_call_next(struct out_call *);
/* Hangs up; what has not been told is told this, now. */
void out_call_leave(struct out_call *, int32_t code, const char *reason);
/* A call that says goodbye, or has just ended, to this phone or customer is none. */
struct out_call *out_call_of(const struct out *, struct hilo_str customer, struct hilo_str phone);

/* ---- out_speak.c ---- */
/* The first of its messages, behind this prompt (PROMPT__END: none). */
void out_speak(struct out_call *, enum prompt lead);
void out_speak_goodbye(struct out_call *);

/* ---- out_tell.c ---- */
/* The outcome, once; later ones are ignored. reason NULL for OK. */
void out_tell(struct out_message *, int32_t code, const char *reason, int64_t retry_after_us);
/* Nobody took it: tried again by policy, or, after so many attempts, failed. */
void out_tell_untaken(struct out_message *, enum out_what, const struct out_cause *, const char *reason,
                      const char *words_es, const char *words_en, bool rang);
/* The call came to nothing. */
void out_tell_cause(struct out_message *, const struct out_cause *, bool rang);
void out_tell_taken(struct out_message *); /* OK, with the call's id */
/* HILO_STATUS_SENT (it rings), _DELIVERED and _READ once each; _FAILED: it could not be spoken. */
void out_tell_status(struct out_message *, uint32_t status);
/* What she pressed, in answer to it. done may be NULL; the token of voice_ask_submit(). */
uint64_t out_tell_keys(struct out_message *, const char *keys, voice_committed_fn *done, void *arg);

#endif
