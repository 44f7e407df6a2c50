/*
 * The table of calls, inbound and outbound. Takes what ua and media say, negotiates media, and tells the
 * side that has the call. A side's functions are called from the loop, never from within a function here;
 * a call is freed behind ended(), the last one. [own] loop.
 */
#ifndef VOICE_CALLS_H
#define VOICE_CALLS_H

#include "ledger.h"
#include "talk.h"
#include "timer.h"
#include "voice.h"

struct voice_call;

struct voice_ending {
    uint32_t status;        /* of SIP: 486, 487 … 200: after BYE; 0: the plugin closes */
    uint32_t q850;          /* and of the network behind it (ua.h); 0: it did not say */
    bool by_peer;           /* they ended it */
    struct hilo_str reason; /* words: theirs, or those of voice_call_hangup() */
};

/* Who has a call. NULL: not of interest. */
struct voice_side {
    /* A 1xx to our INVITE; early: there is media before the answer. */
    void (*progress)(struct voice_call *, uint32_t status, bool early);
    /* Of ours: 2xx, media is set. Of theirs: the ACK came. From here on it may speak. A refusal of what was
     * answered (488) has no answered(), but ended(). */
    void (*answered)(struct voice_call *);
    /* A key that talk.h did not want. */
    void (*digit)(struct voice_call *, char digit);
    /* As of voice_call_listen(): speech or silence, tone: a beep. */
    void (*speech)(struct voice_call *, bool on, bool tone);
    /* Before ended() too, where it was the end of the call that ended it. */
    void (*recorded)(struct voice_call *, const struct media_event *);
    /* How our REFER goes on. */
    void (*referred)(struct voice_call *, uint32_t status);
    /* They put us on hold, or took us back. */
    void (*held)(struct voice_call *, bool);
    /* It is over, for signalling: nothing is heard or spoken any more. What was being recorded may still come
     * by recorded(), then ended(). */
    void (*over)(struct voice_call *);
    void (*ended)(struct voice_call *, const struct voice_ending *);
};

enum { VOICE_TEXT_MAX = 256, VOICE_ID_TEXT = 31, VOICE_PHONE_MAX = 40 };

struct voice_call {
    struct voice *voice;
    uint64_t id; /* ua.h's and media.h's */
    const struct voice_side *side;
    void *of_side; /* the side's own, freed by it in ended() */
    bool inbound, answered, media, held_by_them, held_by_us;
    bool transferred;             /* the side's: what ends it now is no failure */
    bool over;                    /* ua has ended it; media is closing */
    char call_id[VOICE_TEXT_MAX]; /* SIP Call-ID; of ours: from the first progress on */
    char from[VOICE_TEXT_MAX], from_name[VOICE_TEXT_MAX], to[VOICE_TEXT_MAX], asserted[VOICE_TEXT_MAX];
    bool withheld;
    int64_t began_us, answered_us; /* mono */
    enum say_language language;
    char phone[VOICE_PHONE_MAX];      /* E.164 of who is there; empty: not known */
    char customer[VOICE_ID_TEXT + 1]; /* "cus_…", once known; who is in the call for send() */
    struct ledger *ledger;            /* the side's: it begins it, and leaves it in ended() */
    struct talk talk;
    /* calls.c's own */
    struct neg_local local;
    struct neg_agreed agreed;
    int family;
    bool offered;   /* our offer is out: its answer is to be read */
    bool settled;   /* something was agreed */
    bool answering; /* our 2xx is out */
    char *offer;    /* theirs, until it is answered */
    char *sent;     /* our last text */
    uint64_t offer_n;
    const char *hangup_reason;
    struct voice_ending ending;
    char ending_reason[VOICE_TEXT_MAX];
    struct voice_timer longest;
    LIST_ENTRY(voice_call) in_bucket;
};

struct voice_calls *voice_calls_new(void); /* NULL: no memory */
/* Frees the table and every call in it; sides are told ended() with status 0 first. */
void voice_calls_free(struct voice *);
/* Takes all events of ua and media. From woken(). */
void voice_calls_woken(struct voice *);
uint32_t voice_calls_count(const struct voice *, bool inbound);
struct voice_call *voice_call_find(const struct voice *, uint64_t id);
/* Each call, until fn says false. */
void voice_calls_each(const struct voice *, bool (*fn)(void *arg, struct voice_call *), void *arg);
/* The answered call that this customer (an id; or E.164, where that is empty) is in; NULL: none. */
struct voice_call *voice_call_of(const struct voice *, struct hilo_str customer, struct hilo_str phone);

/* An INVITE: everything of invite but sdp, which is made here (ports, keys, offer). NULL: no ports, no
 * memory, or calls_max are under way. */
struct voice_call *voice_call_dial(struct voice *, const struct voice_side *, void *of_side,
                                   const struct ua_invite *invite);
/* Of theirs. Answer: 200 with what was negotiated; side.answered() or ended() follows. */
void voice_call_ring(struct voice_call *);
void voice_call_answer(struct voice_call *);
void voice_call_reject(struct voice_call *, uint32_t status, uint32_t retry_after_s);
/* CANCEL, BYE or, of theirs that is not answered, 480: ended() follows. reason: static, a word or two. */
void voice_call_hangup(struct voice_call *, const char *reason);
/* Puts them on hold (or takes them back): they hear what talk.h plays either way. */
void voice_call_hold(struct voice_call *, bool);
/* REFER to a target (a URI, or a user at the registrar) or to where `with` leads; NULL: none. */
void voice_call_refer(struct voice_call *, struct hilo_str target, const struct voice_call *with);
/* Whether side.speech() is wanted. */
void voice_call_listen(struct voice_call *, bool);
void voice_call_record(struct voice_call *, const struct media_record *);
void voice_call_record_end(struct voice_call *);
int64_t voice_call_duration_us(const struct voice_call *); /* since the answer; 0: there was none */

#endif
