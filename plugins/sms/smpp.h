/*
 * The SMPP 3.4 client: binds with an SMSC, messages out over them, messages and receipts in.
 * Private to its files. All [own] loop.
 */
#ifndef SMS_SMPP_H
#define SMS_SMPP_H

#include "address.h"
#include "bind.h"
#include "date.h"
#include "pdu.h"
#include "sms.h"

enum {
    SMPP_BINDS_MAX = 32, /* 16 of each of two kinds */
    SMPP_ID_MAX = 64,    /* of a message at the SMSC */
    SMPP_TRIES_MAX = 8,  /* of one segment whose neighbours were taken */
    SMPP_LATE_MAX = 64,  /* late answers that wait for room in the link to the core */
    SMPP_DOUBTS = 1024,  /* a power of two */
    SMPP_RECENT = 2048   /* a power of two */
};

/* How far one segment of a message is. */
enum smpp_part_state { SMPP_NEW, SMPP_OUT, SMPP_TAKEN, SMPP_REFUSED, SMPP_DOUBT };

struct smpp_part {
    uint8_t state; /* enum smpp_part_state */
    uint8_t tries; /* that the SMSC could not take it for now */
    uint8_t id_n;
    char id[SMPP_ID_MAX];
};

/* A message on its way out. Kept in a pool: a message costs no allocation once it is warm. */
struct smpp_msg {
    struct hilo_id id;
    struct smpp_msg *next, **at; /* in the queue: at points to what points here; of the pool: next */
    uint16_t n;                  /* segments */
    uint16_t fresh, out, taken;  /* of them, how many are NEW, OUT, TAKEN */
    uint16_t reference;          /* by which its segments know each other */
    uint16_t cap;                /* of part */
    uint32_t status;             /* of the last refusal: command_status */
    struct smpp_part *part;      /* n of them; NULL of a single one: then the counts say all */
    char *message;               /* a copy, if it waits or has several segments */
    size_t message_n, message_cap;
};

/* A deliver_sm or data_sm that waits until it is on disk. Its token is its place and a
 * generation. */
struct smpp_in {
    uint32_t generation, next;            /* next: of the free ones, + 1; 0: none */
    uint32_t bind, session, command, seq; /* where the answer goes */
    uint64_t number;                      /* of smpp_recent; 0: a receipt */
    bool used;
};

/* A message that came lately: which one is given again when the answer may not have arrived. */
struct smpp_recent {
    uint64_t hash, number; /* number 0: none */
    uint32_t bind, session;
    int64_t answered_us;  /* 0: not yet */
    int64_t unsure_until; /* its session broke, and it may come again until then; 0: no */
};

/* A submit that is in doubt: its receipt may return the reference that it had. */
struct smpp_doubt {
    struct hilo_id id;
    uint64_t to; /* hash of its recipient */
    uint16_t user_reference;
    bool used;
};

struct smpp_late {
    struct hilo_id id;
    uint32_t status;
    uint8_t id_n;
    char ext_id[SMPP_ID_MAX];
};

struct smpp {
    struct sms *sms;
    struct sms_react react;
    struct sms_address_rules rules;
    struct sms_tls_context *tls;
    char *host, *tls_name;
    struct smpp_bind *bind[SMPP_BINDS_MAX];
    unsigned n_binds, turn; /* turn: whose turn it is to send */
    uint32_t granted;       /* credit given so far */
    unsigned taken;         /* messages here, not reported yet */
    bool draining;
    char said[SMS_CONN_WORDS + 64]; /* why the channel is down, as it was said last */
    uint64_t random;
    uint16_t reference, user_reference; /* the last that were given */

    struct smpp_msg *head, **tail, *pool; /* the queue, in order */
    int64_t paused_until;                 /* the SMSC said that it is too much; 0: it did not */
    int64_t pause_us;                     /* how long the last pause was; 0: all is well since */
    struct sms_timer pause, stranded;

    struct smpp_doubt *doubt; /* SMPP_DOUBTS of them, the oldest is overwritten; NULL: none yet */
    uint32_t doubt_next;
    struct smpp_in *in;
    uint32_t n_in, in_free, waiting; /* waiting: in use */
    struct smpp_recent *recent;      /* SMPP_RECENT; number n at n modulo that */
    uint64_t number;                 /* of the newest */
    int64_t unsure_until;            /* none is unsure after that */
    char run[20];                    /* what no other run of this channel has, for ids that we make */
    char *text, *bytes;              /* for messages too large for the stack */
    size_t text_cap, bytes_cap;

    struct smpp_late late[SMPP_LATE_MAX];
    unsigned n_late;
};

/* smpp.c: what the binds tell */
void smpp_bind_up(struct smpp_bind *);
/* It is down, and is tried again by itself. HILO_CONFIG: an operator must act. words: why. */
void smpp_bind_down(struct smpp_bind *, int32_t code, const char *words);
/* A number below this, evenly. */
uint64_t smpp_random(struct smpp *, uint64_t below);
/* Whether any bind is up that can send. */
bool smpp_up(const struct smpp *);
/* Binds that wait for an operator try at once: something was sent, so he has resumed the channel. */
void smpp_try_again(struct smpp *);

/* smpp_out.c: messages out */
int32_t smpp_send(void *driver, struct hilo_id id, struct hilo_str message);
void smpp_revoke(void *driver, struct hilo_id id);
/* Writes of the queue what there is room for. */
void smpp_pump(struct smpp *);
/* The answer to a submit; the slot is free afterwards. */
void smpp_answered(struct smpp_bind *, struct sms_slot *, uint32_t status, struct hilo_str message_id);
/* None came in time: the slot is late afterwards. */
void smpp_unanswered(struct smpp_bind *, struct sms_slot *);
/* The session is over: of each submit that is out, whether it had left. Frees their slots. */
void smpp_lost(struct smpp_bind *);
/* What waits and has not left in part goes back to the core. */
void smpp_give_back(struct smpp *, int32_t code, const char *reason, const char *words);
/* Everything is reported, as what it is; the binds are closed already. */
void smpp_out_end(struct smpp *);
void smpp_out_done(struct smpp *);
/* The message in doubt whose submit to this recipient, as the SMSC writes him, had this reference; it
 * is forgotten then. false: none. */
bool smpp_doubt_find(struct smpp *, struct hilo_str to, uint16_t user_reference, struct hilo_id *id_out);

/* smpp_map.c: a message as submits */
struct smpp_plan {
    struct sms_pdu pdu; /* all but what differs by segment */
    struct hilo_segments cut;
    struct hilo_str text;
    unsigned n;      /* submits */
    bool payload;    /* one, in message_payload */
    bool several;    /* numbers are needed: */
    bool sar, udh16; /* by TLVs, or else by a header with 16 bits */
    uint8_t charset; /* SMS_ALPHABET_x of short_message */
    char validity[SMS_TIME_MAX];
};
/* HILO_OK, or HILO_PERM: *reason_out and *why_out say why it can't be sent, static. */
int32_t smpp_plan(const struct smpp *, struct hilo_str message, struct smpp_plan *out,
                  const char **reason_out, const char **why_out);
/* Octets that one submit of it has at most. */
size_t smpp_plan_room(const struct smpp_plan *);
/* The submit of its segment number index, from 0, with this text of it. HILO_OK, or what
 * sms_pdu_encode said. */
int32_t smpp_plan_put(const struct smpp_plan *, unsigned index, struct hilo_str part, uint16_t reference,
                      const struct sms_slot *, struct sms_out *out);

/* smpp_in.c: messages in */
/* A deliver_sm or data_sm; answered now, or when it is on disk. */
void smpp_delivered(struct smpp_bind *, const struct sms_pdu *);
void smpp_committed(void *driver, uint64_t token, int32_t code);
/* A late answer to a submit that was reported in doubt. */
void smpp_late(struct smpp *, struct hilo_id id, uint32_t status, struct hilo_str message_id);
/* There is room in the link again. */
void smpp_late_again(struct smpp *);
/* The session is over: what it has brought may come again. */
void smpp_in_lost(struct smpp_bind *);
bool smpp_in_init(struct smpp *);
void smpp_in_done(struct smpp *);

#endif
