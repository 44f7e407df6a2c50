/*
 * Apply: the deterministic function that turns an event into changes of the context.
 * It reads the context and the event only: no clock, no randomness, no settings.
 * Private to the store. The writer's role.
 */
#ifndef STORE_APPLY_H
#define STORE_APPLY_H

#include "store/context.h"
#include "store/keys.h"
#include "store/record.h"

/* A step that moved a message's status or renewed its reason, for whoever tells others. */
struct apply_step {
    struct apply_step *next;
    struct hilo_id id; /* none: the message that the event is about */
    struct rec_step step;
    struct hilo_str ext_id, cost; /* of the receipt that brought it, if one did */
};

/* A message that offered something and has come to no good end. */
struct apply_unsaid {
    struct apply_unsaid *next;
    struct hilo_id wish, message;
};

struct apply {
    struct context *context;
    struct arena *arena; /* scratch, reset by the caller after each event */
    const struct event *event;
    struct err *err;
    /* Changes are collected, and put only when the whole event was understood, so that
     * one that fails leaves nothing behind. Reads see them. */
    struct apply_change *changes, **changes_end;
    struct apply_step *steps, **steps_end;
    struct apply_unsaid *unsaid;
    const struct ev_message_receipt *receipt; /* that is being applied, or was parked; else NULL */
};

/* HILO_CORRUPT: the event contradicts the context, or its body is malformed. steps_out may be NULL; the
 * steps are in their order, in the arena and in the event's body. */
int32_t apply_event(struct context *, struct arena *, const struct event *,
                    const struct apply_step **steps_out, struct err *);

/* ---- for the apply_*.c files ---- */
int32_t apply__get(struct apply *, enum table, const struct key *, const struct rec_desc *, void *rec_out);
int32_t apply__raw(struct apply *, enum table, const struct key *, struct hilo_str *val_out);
void apply__put(struct apply *, enum table, const struct key *, const struct rec_desc *, const void *rec);
void apply__put_raw(struct apply *, enum table, const struct key *, struct hilo_str val);
/* Deletes every key of an ORDERED table that begins so: for many, whose other changes the event
 * doesn't make. */
int32_t apply__del_all(struct apply *, enum table, const struct key *prefix);
void apply__del(struct apply *, enum table, const struct key *);
int32_t apply__wrong(struct apply *, const char *what); /* HILO_CORRUPT */

int32_t apply__message_accepted(struct apply *, const struct ev_message_accepted *);
int32_t apply__message_received(struct apply *, const struct ev_message_received *);
int32_t apply__message_part(struct apply *, const struct ev_message_part *);
int32_t apply__message_claimed(struct apply *, const struct ev_message_claimed *);
int32_t apply__message_reported(struct apply *, const struct ev_message_reported *);
int32_t apply__message_receipt(struct apply *, const struct ev_message_receipt *);
int32_t apply__message_settled(struct apply *, const struct ev_message_settled *);
int32_t apply__message_requeued(struct apply *, const struct ev_message_requeued *);
int32_t apply__message_due(struct apply *, const struct ev_message_due *);
int32_t apply__message_moved(struct apply *, const struct ev_message_moved *);
int32_t apply__parked_forgotten(struct apply *, const struct ev_parked_forgotten *);
int32_t apply__customer_created(struct apply *, const struct ev_customer_created *);
int32_t apply__customer_updated(struct apply *, const struct ev_customer_updated *);
int32_t apply__identifier_added(struct apply *, const struct ev_identifier_added *);
int32_t apply__identifier_removed(struct apply *, const struct ev_identifier_removed *);
int32_t apply__conversation_opened(struct apply *, const struct ev_conversation_opened *);
int32_t apply__conversation_address(struct apply *, const struct ev_conversation_address *);
int32_t apply__case_opened(struct apply *, const struct ev_case_opened *);
int32_t apply__case_updated(struct apply *, const struct ev_case_updated *);
int32_t apply__media_added(struct apply *, const struct ev_media_added *);
int32_t apply__media_stored(struct apply *, const struct ev_media_stored *);
int32_t apply__media_failed(struct apply *, const struct ev_media_failed *);
int32_t apply__key_created(struct apply *, const struct ev_key_created *);
int32_t apply__key_revoked(struct apply *, const struct ev_key_revoked *);
int32_t apply__channel_paused(struct apply *, const struct ev_channel_paused *);
int32_t apply__channel_resumed(struct apply *, const struct ev_channel_resumed *);
int32_t apply__template_stored(struct apply *, const struct ev_template_stored *);
int32_t apply__template_removed(struct apply *, const struct ev_template_removed *);
int32_t apply__plugin_put(struct apply *, const struct ev_plugin_put *);
int32_t apply__idempotency_stored(struct apply *, const struct ev_idempotency_stored *);
int32_t apply__idempotency_forgotten(struct apply *, const struct ev_idempotency_forgotten *);
int32_t apply__secret_created(struct apply *, const struct ev_secret_created *);
int32_t apply__consent_changed(struct apply *, const struct ev_consent_changed *);
int32_t apply__webhook_created(struct apply *, const struct ev_webhook_created *);
int32_t apply__webhook_updated(struct apply *, const struct ev_webhook_updated *);
int32_t apply__webhook_rotated(struct apply *, const struct ev_webhook_rotated *);
int32_t apply__webhook_enabled(struct apply *, const struct ev_webhook_enabled *);
int32_t apply__webhook_disabled(struct apply *, const struct ev_webhook_disabled *);
int32_t apply__webhook_deleted(struct apply *, const struct ev_webhook_deleted *);
int32_t apply__webhook_progress(struct apply *, const struct ev_webhook_progress *);
int32_t apply__webhook_failing(struct apply *, const struct ev_webhook_failing *);
int32_t apply__webhook_parked(struct apply *, const struct ev_webhook_parked *);
int32_t apply__webhook_settled(struct apply *, const struct ev_webhook_settled *);

int32_t apply__customer_looked_up(struct apply *, const struct ev_customer_looked_up *);
int32_t apply__appointment_booked(struct apply *, const struct ev_appointment_booked *);
int32_t apply__appointment_changed(struct apply *, const struct ev_appointment_changed *);
int32_t apply__appointment_checked_in(struct apply *, const struct ev_appointment_checked_in *);
int32_t apply__appointment_near(struct apply *, const struct ev_appointment_near *);
int32_t apply__wish_added(struct apply *, const struct ev_wish_added *);
int32_t apply__wish_offered(struct apply *, const struct ev_wish_offered *);
int32_t apply__wish_passed(struct apply *, const struct ev_wish_passed *);
int32_t apply__wish_settled(struct apply *, const struct ev_wish_settled *);
int32_t apply__stock_arrived(struct apply *, const struct ev_stock_arrived *);
int32_t apply__stock_sold(struct apply *, const struct ev_stock_sold *);
int32_t apply__stock_rested(struct apply *, const struct ev_stock_rested *);
int32_t apply__visit_recorded(struct apply *, const struct ev_visit_recorded *);
int32_t apply__sale_recorded(struct apply *, const struct ev_sale_recorded *);
int32_t apply__case_noted(struct apply *, const struct ev_case_noted *);
int32_t apply__call_started(struct apply *, const struct ev_call_started *);
int32_t apply__call_changed(struct apply *, const struct ev_call_changed *);
int32_t apply__call_offered(struct apply *, const struct ev_call_offered *);
int32_t apply__message_transcribed(struct apply *, const struct ev_message_transcribed *);
/* The message that offered something will not be read by anybody: the wish waits again. */
int32_t apply__wish_unsaid(struct apply *, struct hilo_id wish, struct hilo_id message);

int32_t apply__callback_asked(struct apply *, const struct ev_callback_asked *);
int32_t apply__callback_settled(struct apply *, const struct ev_callback_settled *);
int32_t apply__callback_postponed(struct apply *, const struct ev_callback_postponed *);
/* A message whose status has moved, before it is put: queues the callbacks that are due now. */
void apply__callbacks(struct apply *, struct hilo_id, struct rec_message *);
/* News that moves no status: the SMSC still has it. */
void apply__callback_waits(struct apply *, struct hilo_id, struct rec_message *);

/* Deletes what an ordered age table lists before a time, in both tables. */
int32_t apply__forget(struct apply *, enum table age, enum table table, uint64_t before);
/* An Idempotency-Key, new (the writer has looked), whose answer this event holds. */
int32_t apply__once(struct apply *, struct hilo_str key, struct hilo_str request);
/* The parts that an inbound message was joined from leave. */
int32_t apply__parts_joined(struct apply *, struct hilo_str channel, struct hilo_str parts,
                            struct hilo_id message);
/* A message enters a customer's thread and its case. */
int32_t apply__thread_add(struct apply *, struct hilo_id id, struct rec_message *m);
/* One that is in its thread goes to another case, or to its first. */
int32_t apply__thread_case(struct apply *, struct hilo_id id, struct rec_message *m, struct hilo_id case_id);

#endif
