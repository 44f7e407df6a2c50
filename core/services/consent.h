/*
 * Consents: what customers said of being written to, by category and channel; whether a
 * message may leave; and the words by which they say it. [core]
 *
 * A denial holds for the customer on what it was said of (everything, a type of channel,
 * one channel), and, where it came from an address, for that address on its channel,
 * whoever has it later. A grant takes back an earlier denial of the same or a wider reach;
 * one of a wider reach than the denial does not: "write to me" in a form does not undo
 * a STOP.
 */
#ifndef SERVICES_CONSENT_H
#define SERVICES_CONSENT_H

#include "services/consent_words.h"
#include "services/gateway.h"

/* Reads who has denied something, once. */
int32_t consents_new(struct gateway *, struct err *);
void consents_free(struct gateway *);

/* The denial that keeps something back. */
struct consent_denial {
    bool denied;
    uint64_t reach;       /* CONSENT_x */
    bool address;         /* it is the address's */
    struct rec_consent r; /* strings in the arena */
};
/* Whether a message of this category may go to this customer at this address (group IDENT)
 * on this channel. message: its id, for the one that confirms a denial may leave. For
 * who has denied nothing it costs no look-up in the store. HILO_OK, or the store's. */
int32_t consent_denied(struct gateway *, const struct gw_channel *, struct hilo_id customer,
                       struct hilo_str party, uint64_t category, struct hilo_id message, struct arena *,
                       struct consent_denial *out, struct err *);

/* Appends a change, and remembers it. Private to the services. */
int32_t consent__append(struct gateway *, const struct actor *, const struct ev_consent_changed *,
                        int64_t now_us, struct err *);

/* ---- by an application or an operator ---- */

struct consent_change {
    uint32_t category;
    bool granted;
    struct hilo_str channel, type; /* at most one; both empty: everywhere */
    struct hilo_str proof;         /* may be empty */
};
/* Faults: unknown_customer, unknown_channel. A grant on a channel also opens the customer's
 * addresses there. Asks back what is on its way. Between begin and end. */
int consent_put(struct gateway *, const struct actor *, struct hilo_id customer,
                const struct consent_change *, struct arena *, struct fault *);

/* One thing that is known of a customer; strings valid in the call. */
struct consent_entry {
    uint64_t category, reach;
    struct hilo_str name;  /* of the type or channel */
    struct hilo_str party; /* group IDENT, if it is an address's; else empty */
    const struct rec_consent *r;
};
typedef void consent_fn(void *arg, const struct consent_entry *);
/* Only of one category, if it is not 0. Addresses are those that the customer has now. */
int consent_list(struct gateway *, struct hilo_id customer, uint64_t category, struct arena *, consent_fn *,
                 void *arg, struct fault *);
/* The same of a customer who is known to exist, with the identifiers that were read already. */
struct customer_ident;
int consent_list_of(struct gateway *, struct hilo_id customer, const struct customer_ident *, unsigned n,
                    uint64_t category, struct arena *, consent_fn *, void *arg, struct fault *);
const char *consent_state_name(uint64_t state); /* "granted", "denied" */
const char *consent_how_name(uint64_t how);     /* "word", "api" … */

/* ---- by a word ---- */

struct consent_heard {
    struct word_found word; /* kind NONE: it is a message as any other */
    struct hilo_str said;   /* as it was written */
};
/* Looks at an inbound message. */
void consent_hear(const struct gw_channel *, struct hilo_str message, struct arena *,
                  struct consent_heard *out);

/* What was heard, and from whom. Groups IDENT: main is the one to answer to. */
struct consent_speaker {
    struct gw_channel *channel;
    struct hilo_id customer, conversation, message;
    const struct hilo_str *party;
    unsigned n, main;
    int64_t now;
};
/* Writes it down, asks back what is on its way, answers. Once: what is known already is
 * neither written nor answered again. Between begin and end, with room for records. */
int32_t consent_obey(struct gateway *, const struct consent_heard *, const struct consent_speaker *,
                     struct arena *, struct err *);

/* ---- by a link ---- */

/* Ends promotional messages on the speaker's channel; message is the one that had the link. proof: how it
 * was said. *new_out: it was not known; else nothing is written. Nothing is answered. Between begin and
 * end, with room for records. */
int32_t consent_unsubscribe(struct gateway *, const struct consent_speaker *, struct hilo_str proof,
                            struct arena *, bool *new_out, struct err *);

#endif
