/* Messages: accepting outbound ones, taking inbound ones and receipts. [core] */
#ifndef SERVICES_MESSAGES_H
#define SERVICES_MESSAGES_H

#include "services/customers.h"

struct access_once;

/* An outbound message as asked for. */
struct message_request {
    struct identifier to; /* scheme 0: customer is given */
    struct hilo_id customer;
    struct hilo_str channel;        /* empty: by the routes */
    struct hilo_id case_id;         /* none: that of the message answered, or the only open one */
    struct hilo_id reply_to;        /* may be none */
    uint32_t category;              /* 0: service */
    uint32_t priority;              /* 0, 1, 2 */
    int64_t expires_in_us;          /* 0: the default */
    struct hilo_str language;       /* may be empty */
    struct hilo_str content;        /* bytes of group CONTENT, structurally valid */
    const struct access_once *once; /* its Idempotency-Key, looked up and new; or NULL */
};
/* What is decided; strings in the arena. */
struct message_plan {
    struct hilo_id id, customer, conversation;
    struct gw_channel *channel;
    bool new_customer, new_conversation;
    unsigned parts;        /* messages that it is lowered to */
    struct hilo_str notes; /* what lowering did, "choices_to_list", joined by spaces */
};

/* Decides, appends. Between store_begin and store_end, after store_room. -1: nothing was appended, the
 * fault says why: unknown_channel, no_route, unknown_customer, unknown_case,
 * not_supported, invalid_content, queue_full (429) … */
int message_accept(struct gateway *, const struct actor *, const struct message_request *, struct arena *,
                   struct message_plan *out, struct fault *);

int message_get(struct gateway *, struct hilo_id, struct arena *, struct rec_message *out,
                struct hilo_str *bytes_out, struct fault *);
/* Cancels what has not left. Faults: not_found, already_sent (409). Between begin and end. */
int message_cancel(struct gateway *, const struct actor *, struct hilo_id, struct fault *);
/* Queues a "read" for an inbound message. Between begin and end. */
int message_mark_read(struct gateway *, const struct actor *, struct hilo_id, const struct access_once *,
                      struct arena *, struct message_plan *out, struct fault *);

/* From a channel's plugin (plug_up.submit): an inbound message or a receipt. Between
 * begin and end. OK, DUPLICATE, FULL, INVALID, as committed() tells. */
int32_t message_submitted(struct gateway *, struct gw_channel *, struct hilo_str message, struct arena *,
                          struct err *);

#endif
