/* Messages: accepting outbound ones, taking inbound ones and receipts. [core] */
#ifndef SERVICES_MESSAGES_H
#define SERVICES_MESSAGES_H

#include "services/consent.h"
#include "services/customers.h"

struct access_once;

/* An outbound message as asked for. */
struct message_request {
    struct identifier to; /* scheme 0: customer is given */
    struct hilo_id customer;
    struct hilo_str channel;  /* empty: by the routes */
    struct hilo_id case_id;   /* none: that of the message answered, or the only open one */
    struct hilo_id reply_to;  /* may be none */
    uint32_t category;        /* 0: service */
    uint32_t priority;        /* 0, 1, 2 */
    int64_t send_at;          /* Unix time; 0, past or now: at once */
    bool send_at_any;         /* a plan of the core's own: further ahead than 30 days, too */
    int64_t expires_in_us;    /* from send_at on; 0: the default */
    struct hilo_str language; /* may be empty */
    struct hilo_str sender;   /* instead of the channel's; may be empty */
    bool sender_if_able;      /* left out where the channel has its own only */
    bool flash;
    struct place place;             /* where it was asked for, and by whom; kept with its event */
    int64_t at;                     /* when that was, Unix time; 0: now */
    struct hilo_str content;        /* bytes of group CONTENT, structurally valid */
    const struct access_once *once; /* its Idempotency-Key, looked up and new; or NULL */
};
/* What is decided; strings in the arena. */
struct message_plan {
    struct hilo_id id, customer, conversation;
    struct gw_channel *channel;
    bool new_customer, new_conversation;
    int64_t due;              /* Unix time, when it is scheduled for; 0: at once */
    bool suppressed;          /* accepted, and it will not leave: the customer does not want it */
    unsigned parts;           /* messages that it is lowered to */
    struct hilo_str notes;    /* what lowering did, "choices_to_list", joined by spaces */
    struct hilo_str segments; /* group SEGMENTS; empty: its channel counts none */
};

/* Decides, appends. Between store_begin and store_end, after store_room. -1: nothing was appended, the
 * fault says why: unknown_channel, no_route, unknown_customer, unknown_case,
 * not_supported, too_many_segments, invalid_content, media_too_large, template_unknown, window_closed (409),
 * queue_full (429) … */
int message_accept(struct gateway *, const struct actor *, const struct message_request *, struct arena *,
                   struct message_plan *out, struct fault *);

/* What would become of a message, and why. Fields are zero that were not come to. */
struct message_outlook {
    struct message_plan plan; /* its id is none that will be used */
    uint32_t category;
    struct hilo_id case_id;
    struct hilo_str party; /* group IDENT: where it would go */
    struct hilo_str *part; /* what would be sent, lowered */
    size_t n;
    bool window_needed;
    int64_t window_us;            /* until when the customer's window is open; 0: it never was */
    struct consent_denial denial; /* if denied: why it would be suppressed */
    struct hilo_str waits;        /* why it would not leave at once, or empty */
};
/* The same decisions as message_accept; nothing is appended. -1: it would be refused, the
 * fault says why, and *out holds what was decided before that. */
int message_outlook(struct gateway *, const struct message_request *, struct arena *,
                    struct message_outlook *out, struct fault *);

int message_get(struct gateway *, struct hilo_id, struct arena *, struct rec_message *out,
                struct hilo_str *bytes_out, struct fault *);
/* bytes as message_get gave them, with its sender's newest words if he changed it, and
 * without content if he took it back; a call's entry with what the call has come to. */
int message_amended(struct gateway *, const struct rec_message *, struct arena *, struct hilo_str *bytes,
                    struct fault *);
/* Cancels what has not left. Faults: not_found, already_sent (409). Between begin and end. */
int message_cancel(struct gateway *, const struct actor *, struct hilo_id, struct fault *);
/* Queues what is said of an inbound message: HILO_SYSTEM_MARK_READ, or TYPING, which is
 * given up after some seconds. Between begin and end. */
int message_signal(struct gateway *, const struct actor *, struct hilo_id, uint64_t event,
                   const struct access_once *, struct arena *, struct message_plan *out, struct fault *);

/* From a channel's plugin (plug_up.submit): an inbound message or a receipt. Between
 * begin and end. OK, DUPLICATE, FULL, INVALID, as committed() tells. */
int32_t message_submitted(struct gateway *, struct gw_channel *, struct hilo_str message, struct arena *,
                          struct err *);

/* The time of inbound messages that came in parts is over for some: they are taken as far as they came.
 * Sets the channel's next_parts_us, to look again. In its own begin and end. */
int32_t message_parts_due(struct gateway *, struct gw_channel *, int64_t now_us, struct err *);

#endif
