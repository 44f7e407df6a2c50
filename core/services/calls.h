/*
 * Calls: what a telephone channel says of one while it goes on. A call belongs to a customer, stands in her
 * timeline as one entry, and may belong to a case. RTP and SIP are the channel's; here is what it came to.
 * [core]
 */
#ifndef SERVICES_CALLS_H
#define SERVICES_CALLS_H

#include "model/out.h"
#include "services/customers.h"

enum {
    CALL_WORD_MAX = 128, /* characters of to, reason */
    CALL_TEXT_MAX = 300,
    CALL_EXT_MAX = 512, /* bytes of a provider_id */
    CALL_DIGITS_MAX = 256
};

struct call_request {
    uint32_t direction;      /* CALL_INBOUND, CALL_OUTBOUND */
    struct hilo_str channel; /* that has it */
    struct identifier party; /* scheme 0: customer is given; nobody's: a new customer */
    struct hilo_id customer; /* with a party: whose call it is, whoever's number that may be */
    struct hilo_str provider_id;
    struct hilo_id message, case_id;
    struct hilo_str to;
    int64_t at; /* when it began to ring, Unix time; 0: now */
};
/* Between store_begin and store_end, after store_room. The same provider_id on the same channel is the same
 * call: *known_out, and nothing is appended. Faults: unknown_customer, unknown_case, unknown_message (422).
 */
int call_start(struct gateway *, const struct actor *, const struct call_request *, struct arena *,
               struct hilo_id *out, bool *known_out, struct fault *);

struct call_change {
    uint32_t status; /* CALL_x; 0: as it is */
    bool customer_given, case_given, to_given, cause_given, duration_given, digits_given;
    struct hilo_id customer, case_id;
    struct hilo_str to, reason, text, digits;
    uint64_t sip, duration_ms;
    uint32_t consent;        /* CALL_CONSENT_x; 0: as it is */
    struct hilo_str context; /* JSON, with the status OFFERED: what an agent's screen shows */
    int64_t at;
};
/* Between begin and end. Faults: call_further (409: its status stands behind that one), unknown_customer,
 * unknown_case (422). What changes nothing appends nothing and is no fault. */
int call_update(struct gateway *, const struct actor *, struct hilo_id, const struct call_change *,
                struct arena *, struct fault *);

/* Fault: unknown_call (404). */
int call_get(struct gateway *, struct hilo_id, struct arena *, struct rec_call *out, struct fault *);

struct call_filter {
    struct hilo_id customer; /* none: any */
    struct hilo_str channel; /* empty: any */
    uint32_t status;         /* CALL_x; 0: any */
    bool open;               /* of those that are not over */
};
typedef void call_fn(void *arg, struct hilo_id, const struct rec_call *);
/* The newest first. after: the cursor of the last page, or empty; next_out: to go on from, or empty. */
int call_list(struct gateway *, const struct call_filter *, struct hilo_str after, unsigned limit,
              struct arena *, call_fn *, void *arg, struct hilo_str *next_out, struct fault *);

const char *call_status_name(uint64_t status);
uint32_t call_status_parse(struct hilo_str name); /* 0: unknown */
/* A call as JSON, the same in the API and in events; members: without the braces. */
void call_shape(struct out *, const char *key, struct hilo_id, const struct rec_call *);
void call_members(struct out *, struct hilo_id, const struct rec_call *);

/* An entry's bytes with what its call has come to by now. 0, or -1 and a fault. */
int call_entry_now(struct gateway *, const struct rec_message *, struct arena *, struct hilo_str *bytes,
                   struct fault *);

#endif
