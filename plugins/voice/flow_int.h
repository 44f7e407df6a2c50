/*
 * Private to flow*.c: one caller's way through the menu. All [own] loop.
 *
 *   flow.c           a call's life: ring, answer, first words, step by step, the end; the way out of trouble
 *   flow_keys.c      what is spoken and what key comes: say, keys, language, hours, hangup
 *   flow_who.c       who she is: the look-up, identify, tell
 *   flow_case.c      her case; consent to be recorded
 *   flow_record.c    what she leaves on it, and whole calls
 *   flow_message.c   messages spoken in the call: choices, and send()
 *   flow_transfer.c  other people: transfer
 */
#ifndef VOICE_FLOW_INT_H
#define VOICE_FLOW_INT_H

#include "ask.h"
#include "flow.h"
#include "id.h"
#include "keep.h"
#include "ledger.h"
#include "said.h"
#include "script.h"

#include <cjson/cJSON.h>
#include <sys/queue.h>

enum { FLOW_NAME_MAX = 128, FLOW_DOCUMENT_MAX = 64, FLOW_DIGITS_MAX = 128, FLOW_WHEN_MAX = 40 };

struct flow {
    struct voice *voice;
    struct menu *menu;
    struct pcm *beep, *waiting; /* the latter: a soft tone, now and then */
    LIST_HEAD(, flow_call) calls;
    LIST_HEAD(, flow_opening) openings;
    struct voice_timer drain;
};

/* A message that send() brought, to be spoken in this call. */
struct flow_message {
    struct hilo_id id;
    char *text;
    bool delivered, read;
    bool choices; /* it asks for a key */
    enum say_language language;
    TAILQ_ENTRY(flow_message) at;
};

struct flow_question; /* flow.c */
struct flow_opening;  /* flow_case.c: POST /v1/cases is out */

enum flow_consent { FLOW_CONSENT_OPEN, FLOW_CONSENT_GIVEN, FLOW_CONSENT_REFUSED };
enum flow_recording { FLOW_REC_NONE, FLOW_REC_CALL, FLOW_REC_MESSAGE };

typedef void flow_then(struct flow_call *);

struct flow_call {
    struct flow *flow;
    struct voice_call *call;
    const struct menu_step *step; /* NULL: none yet */
    uint32_t tries;
    bool begun;               /* the first words are through, the menu goes */
    bool trouble;             /* it goes the way out */
    bool leaving;             /* hung up, by us */
    struct voice_timer timer; /* of whatever is waited for */
    flow_then *then;          /* what comes behind what is waited for */
    const char *bye_reason;   /* why we hang up; NULL: we don't */

    /* who she is */
    uint64_t asking; /* of the gateway; 0: nothing */
    struct flow_question *question;
    flow_then *looked_up; /* behind the look-up by caller id */
    bool known;           /* it is somebody whom we know */
    bool identified;      /* by a document that she typed */
    cJSON *who;           /* what the look-up said */
    char name[FLOW_NAME_MAX], document[FLOW_DOCUMENT_MAX], typed[FLOW_DOCUMENT_MAX], casus[LEDGER_ID];
    char opens[FLOW_WHEN_MAX], count[12];
    char digits[FLOW_DIGITS_MAX]; /* of menus, for the call's entry; never what was typed of a document */
    uint32_t n_said;

    /* her case and recordings */
    struct flow_opening *opening;
    enum flow_consent consent;
    flow_then *consented;          /* behind the question */
    enum flow_recording recording; /* what is being recorded */
    enum flow_recording filing;    /* what a file is being opened for */
    uint64_t filing_asking;
    int32_t record_fd; /* until the beep is over; -1: none */
    bool saving;       /* the gateway is getting it, and she waits */
    bool reviewing;    /* it is on disk, and she thinks it over */
    bool record_call;  /* the whole call is to be, unless a message is */
    bool record_next;  /* a message, once the call's recording has ended */
    flow_then *booked; /* waits until the gateway knows the call */
    uint32_t n_recordings;
    char file[KEEP_NAME_MAX];

    /* messages */
    TAILQ_HEAD(, flow_message) messages; /* to be spoken */
    flow_then *messages_then;            /* behind those */
    struct flow_message *speaking;       /* that is; off the list */
    struct hilo_id choices;              /* the message of this choices step; none: not known (yet) */
    bool choosing;                       /* in such a step, until its message was spoken or will not be */

    /* transfer */
    struct voice_call *agent;   /* that is being called; NULL: none */
    bool offering;              /* the gateway is told, and then it rings */
    bool referring;             /* REFER is out */
    bool refer_taken;           /* they are at it */
    bool transfer_busy;         /* as it failed */
    flow_then *transfer_failed; /* where that leads; NULL: where the step says */
    struct hilo_str target;

    LIST_ENTRY(flow_call) at;
};

/* ---- flow.c ------------------------------------------------------------------------------------- */
void flow_go(struct flow_call *, uint32_t step); /* MENU_NONE: goodbye */
/* Behind this step: its next. */
void flow_next(struct flow_call *);
/* The gateway or the voice does not do what it must: desk, or an apology and the end. Once; then the end. */
void flow_trouble(struct flow_call *, const char *what);
/* Speaks this prompt (PROMPT__END: nothing) and hangs up. */
void flow_bye(struct flow_call *, enum prompt, const char *reason);
void flow_script(struct flow_call *, struct script *);
/* Speaks it, then then(); the script is done with. Keys end it and are kept for what comes. */
void flow_say(struct flow_call *, struct script *, flow_then *);
/* The same by an ask of which the pieces are the script's; and one for keys, with a done() of its own, whose
 * arg is the flow_call. */
void flow_talk(struct flow_call *, struct script *, struct talk_ask *, flow_then *);
void flow_keys(struct flow_call *, struct script *, struct talk_ask *, talk_done *);
/* In so long, unless something else is waited for meanwhile. */
void flow_in(struct flow_call *, int64_t us, flow_then *);
/* Asks the gateway with the caller's patience; answered(fc, 0, none) when that is over. */
typedef void flow_answered(struct flow_call *, uint32_t status, struct hilo_str body);
void flow_ask(struct flow_call *, const char *method, const char *path, const cJSON *body, const char *key,
              flow_answered *);
void flow_tell(struct flow_call *, const struct ledger_change *);
static inline struct voice *flow_voice(const struct flow_call *fc)
{
    return fc->call->voice;
}
/* Who says it, with an EXT_ID of its own: ext is its memory. */
struct said_by flow_by(struct flow_call *, char ext[VOICE_TEXT_MAX]);

/* ---- flow_keys.c -------------------------------------------------------------------------------- */
void flow_say_step(struct flow_call *);
void flow_keys_step(struct flow_call *);
void flow_language_step(struct flow_call *);
void flow_hours_step(struct flow_call *);
void flow_digit(struct flow_call *, char); /* into digits[] */

/* ---- flow_who.c --------------------------------------------------------------------------------- */
void flow_lookup_phone(struct flow_call *, flow_then *);
void flow_identify_step(struct flow_call *);
void flow_tell_step(struct flow_call *);
bool flow_value(void *fc, struct hilo_str name, struct hilo_str *value); /* say_value of scripts */

/* ---- flow_case.c -------------------------------------------------------------------------------- */
void flow_case_step(struct flow_call *);
/* then() once the gateway knows the call and whose it is; trouble, if it takes too long. */
void flow_need_call(struct flow_call *, flow_then *);
void flow_call_known(struct flow_call *, bool ok); /* it does, or never will */
/* Announces or asks, once a call, then then(): fc->consent says what came of it. */
void flow_consent_ask(struct flow_call *, flow_then *);
void flow_case_left(struct flow_call *); /* in ended(), behind the last word to the ledger */
void flow_openings_free(struct flow *);

/* ---- flow_record.c ------------------------------------------------------------------------------ */
void flow_record_step(struct flow_call *);
void flow_record_whole(struct flow_call *); /* from now on */
void flow_recorded(struct flow_call *, const struct media_event *);
void flow_record_left(struct flow_call *); /* in ended() */

/* ---- flow_message.c ----------------------------------------------------------------------------- */
void flow_choices_step(struct flow_call *);
bool flow_messages_due(const struct flow_call *);
void flow_messages_speak(struct flow_call *, flow_then *); /* those that wait, then then() */
void flow_messages_left(struct flow_call *);               /* in ended() */

/* ---- flow_transfer.c ---------------------------------------------------------------------------- */
void flow_transfer_step(struct flow_call *);
/* To desk, from wherever; when that fails, too, then(). */
void flow_transfer_desk(struct flow_call *, flow_then *failed);
void flow_referred(struct flow_call *, uint32_t status);
void flow_transfer_left(struct flow_call *); /* in ended() */

#endif
