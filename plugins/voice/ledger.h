/*
 * What the gateway knows of a call: POST /v1/calls, then PATCH by PATCH, one at a time and in order, each
 * tried again while the gateway is busy. It outlives the call until all is told. [own] loop.
 */
#ifndef VOICE_LEDGER_H
#define VOICE_LEDGER_H

#include "voice.h"

struct voice_call;
struct ledger_book; /* what is still to be told */

/* Embedded in struct voice_call. */
struct ledger {
    struct ledger_book *book; /* NULL: not opened */
    char id[32];              /* "cal_…", once it is known */
    char customer[32];        /* "cus_…": who the gateway says it is */
};

struct ledger_open {
    bool inbound;
    struct hilo_str phone;    /* E.164, or */
    struct hilo_str visitor;  /* a number withheld: the Call-ID */
    struct hilo_str customer; /* or who it is */
    struct hilo_str provider_id, message, casus, to;
};

/* done: once the answer is there (id set) or will not come; may be NULL. Not called after ledger_left(). */
typedef void ledger_done(void *arg, bool ok);
/* false: no memory. */
bool ledger_begin(struct voice_call *, const struct ledger_open *, ledger_done *, void *arg);

/* One change; texts may be empty. */
struct ledger_change {
    const char *status; /* "answered" …; NULL: none */
    struct hilo_str customer, casus, to;
    const char *recording_consent; /* "announced", "given", "refused"; NULL: none */
    uint32_t sip;                  /* cause; 0: none */
    const char *reason;            /* "busy", "hangup", "transferred" … */
    struct hilo_str text;          /* the cause in words */
    int64_t duration_us;           /* -1: none */
};
/* done as above; "offered" must be on disk before the agent's phone rings: done(ok) says that it is. */
void ledger_tell(struct voice_call *, const struct ledger_change *, ledger_done *, void *arg);
/* The call is gone: what is still to be told is told without it. */
void ledger_left(struct voice_call *);
/* All that were left. In close(). */
void ledgers_free(struct voice *);

#endif
