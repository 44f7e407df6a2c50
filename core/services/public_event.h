/*
 * The journal as applications see it: each public event once, as a CloudEvent (1.0, structured JSON).
 *
 * What is written follows from the event and from what never changes any more (whose a message is), so
 * that the same event is the same bytes each time it is delivered. An event of the journal is one
 * public event or none. [any]
 */
#ifndef SERVICES_PUBLIC_EVENT_H
#define SERVICES_PUBLIC_EVENT_H

#include "services/access.h"
#include "services/gateway.h"

/* Every type that is ever sent: name, the scope that a key needs to see it. */
#define PUBLIC_TYPES(X)                                                                                      \
    X(MESSAGE_ACCEPTED, "hilo.message.accepted", SCOPE_MESSAGES_READ)                                        \
    X(MESSAGE_RECEIVED, "hilo.message.received", SCOPE_MESSAGES_READ)                                        \
    X(MESSAGE_STATUS, "hilo.message.status", SCOPE_MESSAGES_READ)                                            \
    X(CONVERSATION_OPENED, "hilo.conversation.opened", SCOPE_CUSTOMERS_READ)                                 \
    X(CONVERSATION_UPDATED, "hilo.conversation.updated", SCOPE_CUSTOMERS_READ)                               \
    X(CUSTOMER_CREATED, "hilo.customer.created", SCOPE_CUSTOMERS_READ)                                       \
    X(CUSTOMER_UPDATED, "hilo.customer.updated", SCOPE_CUSTOMERS_READ)                                       \
    X(IDENTIFIER_ADDED, "hilo.identifier.added", SCOPE_CUSTOMERS_READ)                                       \
    X(IDENTIFIER_REMOVED, "hilo.identifier.removed", SCOPE_CUSTOMERS_READ)                                   \
    X(CASE_OPENED, "hilo.case.opened", SCOPE_CASES_READ)                                                     \
    X(CASE_UPDATED, "hilo.case.updated", SCOPE_CASES_READ)                                                   \
    X(MEDIA_STORED, "hilo.media.stored", SCOPE_MEDIA_READ)                                                   \
    X(MEDIA_FAILED, "hilo.media.failed", SCOPE_MEDIA_READ)                                                   \
    X(CHANNEL_PAUSED, "hilo.channel.paused", SCOPE_CHANNELS_READ)                                            \
    X(CHANNEL_RESUMED, "hilo.channel.resumed", SCOPE_CHANNELS_READ)                                          \
    X(CONSENT_CHANGED, "hilo.consent.changed", SCOPE_CUSTOMERS_READ)                                         \
    X(CUSTOMER_LOOKED_UP, "hilo.customer.looked_up", SCOPE_AUDIT_READ)                                       \
    X(APPOINTMENT_BOOKED, "hilo.appointment.booked", SCOPE_APPOINTMENTS_READ)                                \
    X(APPOINTMENT_CHANGED, "hilo.appointment.changed", SCOPE_APPOINTMENTS_READ)                              \
    X(APPOINTMENT_CHECKED_IN, "hilo.appointment.checked_in", SCOPE_APPOINTMENTS_READ)                        \
    X(APPOINTMENT_NEAR, "hilo.appointment.near", SCOPE_APPOINTMENTS_READ)                                    \
    X(WISH_ADDED, "hilo.wish.added", SCOPE_STOCK_READ)                                                       \
    X(WISH_OFFERED, "hilo.wish.offered", SCOPE_STOCK_READ)                                                   \
    X(WISH_ENDED, "hilo.wish.ended", SCOPE_STOCK_READ)                                                       \
    X(VISIT_RECORDED, "hilo.visit.recorded", SCOPE_SALES_READ)                                               \
    X(SALE_RECORDED, "hilo.sale.recorded", SCOPE_SALES_READ)                                                 \
    X(CASE_NOTED, "hilo.case.noted", SCOPE_CASES_READ | SCOPE_MESSAGES_READ)                                 \
    X(CALL_STARTED, "hilo.call.started", SCOPE_CALLS_READ)                                                   \
    X(CALL_UPDATED, "hilo.call.updated", SCOPE_CALLS_READ)                                                   \
    X(CALL_ANSWERED, "hilo.call.answered", SCOPE_CALLS_READ)                                                 \
    X(CALL_OFFERED, "hilo.call.offered",                                                                     \
      SCOPE_CALLS_READ | SCOPE_CUSTOMERS_READ | SCOPE_CASES_READ | SCOPE_MESSAGES_READ |                     \
          SCOPE_APPOINTMENTS_READ)                                                                           \
    X(CALL_TRANSFERRED, "hilo.call.transferred", SCOPE_CALLS_READ)                                           \
    X(CALL_ENDED, "hilo.call.ended", SCOPE_CALLS_READ)                                                       \
    X(MESSAGE_TRANSCRIBED, "hilo.message.transcribed", SCOPE_MESSAGES_READ)
enum public_type {
#define X(name, text, scope) PUBLIC_##name,
    PUBLIC_TYPES(X)
#undef X
        PUBLIC__END
};
const char *public_type_name(enum public_type);
uint32_t public_type_scope(enum public_type);

/* One public event, before it is written. */
struct public_event {
    enum public_type type;
    uint32_t scope;          /* what a key needs to see it */
    struct hilo_id customer; /* whose it is, and what it is in order with; none: nobody's */
    struct hilo_id case_id;  /* none: no case's */
    struct hilo_str channel; /* empty: no channel's */
    /* For public_event_write: */
    const void *body;
    const struct rec_message *message;
    const struct rec_appointment *appointment;
    const struct rec_wish *wish;
    const struct rec_call *call;
    struct hilo_id media_message;
};

/* What an event is to the outside. HILO_OK; HILO_NOSUP: nothing, it is the gateway's own; or the
 * store's error. What out points to is in the arena or in the event. */
int32_t public_event_look(struct gateway *, const struct event *, struct arena *, struct public_event *out,
                          struct err *);
/* The CloudEvent's JSON, in the arena, on one line. name: tail_id of the event; it is the CloudEvent's id,
 * "evt_…", which public_event_id makes and parses. HILO_OK, HILO_NOMEM, HILO_CORRUPT. */
int32_t public_event_write(struct gateway *, const struct event *, struct hilo_id name,
                           const struct public_event *, struct arena *, struct hilo_str *json_out,
                           struct err *);
void public_event_id(struct hilo_id name, char out[ID_TEXT]);
/* The CloudEvents' source: one a store, for ever. In the arena. */
struct hilo_str public_event_source(const struct gateway *, struct arena *);
bool public_event_id_parse(struct hilo_str, struct hilo_id *out);

/* What somebody wants to see. Zero: all that the scopes allow. */
struct public_filter {
    uint32_t scopes;         /* SCOPE_x of whoever asked */
    uint64_t types;          /* bits by enum public_type; 0: all */
    struct hilo_id customer; /* none: all */
    struct hilo_id case_id;
    struct hilo_str channel; /* empty: all */
};
/* "hilo.message.received,hilo.case.*": bits, or false and the word that is no type. The first part may be
 * left out ("message.received"). */
bool public_types_parse(struct hilo_str, uint64_t *out, struct hilo_str *unknown_out);
bool public_filter_takes(const struct public_filter *, const struct public_event *);

#endif
