/*
 * What the gateway knows of a call: POST /v1/calls, then PATCH by PATCH, one at a time and in order, each
 * tried again while the gateway is busy. It outlives the call until all is told. [own] loop.
 */
#ifndef VOICE_LEDGER_H
#define VOICE_LEDGER_H

#include "voice.h"

enum { LEDGER_ID = 32 }; /* "cal_…" with its NUL, and room */

struct ledger;

struct ledger_open {
    bool inbound;
    struct hilo_str customer; /* "cus_…"; or else */
    struct hilo_str phone;    /* E.164; or else */
    struct hilo_str visitor;  /* a number withheld: the SIP Call-ID */
    struct hilo_str provider_id, message, casus, to;
};

/* One change; texts may be empty. */
struct ledger_change {
    const char *status; /* "answered" …; NULL: none */
    struct hilo_str customer, casus, to;
    const char *recording_consent; /* "granted", "denied", "announced"; NULL: none */
    const char *digits;            /* that were pressed; NULL: none */
    uint32_t sip;                  /* cause; 0: none */
    const char *reason;            /* "busy", "hangup", "transferred" … */
    struct hilo_str text;          /* the cause in words */
    int64_t duration_us;           /* -1: none */
};

/* Called once the answer is there, or will not come (ok false); may be NULL. Not from within the function
 * that was given it, and not after ledger_left(). */
typedef void ledger_done(void *arg, bool ok);

/* NULL: no memory. */
struct ledger *ledger_begin(struct voice *, const struct ledger_open *, ledger_done *, void *arg);
/* "offered" must be on disk before the agent's phone rings: done says that it is. */
void ledger_tell(struct ledger *, const struct ledger_change *, ledger_done *, void *arg);
const char *ledger_id(const struct ledger *);       /* "cal_…"; "": not known yet */
const char *ledger_customer(const struct ledger *); /* "cus_…": who the gateway says it is; "" */
/* Nobody is called any more of what was asked so far. */
void ledger_mute(struct ledger *);
/* Who had it is gone: what is still to be told is told without it, and then it is freed. NULL is fine. */
void ledger_left(struct ledger *);
/* All of them, told or not. In close(). */
void ledgers_free(struct voice *);

#endif
