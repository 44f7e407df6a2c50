/*
 * Delivery: the durable queue of each channel. Claims what may leave (credit, order
 * within a conversation, priority, due time), hands it over after the commit, decides
 * on reports (sent, retry, failed, in doubt), expires, recovers what was in flight
 * when the daemon stopped, and runs media downloads. [core]
 */
#ifndef SERVICES_DELIVERY_H
#define SERVICES_DELIVERY_H

#include "services/gateway.h"

/* In flight when the last daemon stopped: in doubt, by each channel's policy. Commits. */
int32_t delivery_new(struct gateway *, struct err *, struct delivery **out);
void delivery_free(struct delivery **);

/* A channel that was not configured until now: counts what the store holds for it; what was
 * in flight when a gateway without it stopped is in doubt, by its policy. */
int32_t delivery_adopt(struct delivery *, struct gw_channel *, struct err *);

/* How far the wall clock stands behind what it has been at, and how far it has jumped ahead
 * without being believed. */
void delivery_clock(const struct delivery *, int64_t *behind_us_out, int64_t *ahead_us_out);

/* Something may have become claimable on a channel (accepted, credit, report, resumed). */
void delivery_kick(struct delivery *, struct gw_channel *);
/* A message that expires at this Unix time was queued. */
void delivery_expiry(struct delivery *, int64_t wall_us);
/* A message was accepted that is due at this Unix time, not now. */
void delivery_scheduled(struct delivery *, int64_t wall_us);
/* An appointment is to be told of as near at this Unix time. */
void delivery_near(struct delivery *, int64_t wall_us);
/* Unix time, to compare with what is due, and to plan it by; never goes back. */
int64_t delivery_due_now(const struct delivery *);
/* A media of this channel waits to be downloaded. */
void delivery_fetch(struct delivery *, struct gw_channel *);
/* Appends claims for all kicked channels, as far as credit goes. Each turn, before the
 * commit; opens and closes begin/end itself. */
int32_t delivery_claim(struct delivery *, struct err *);
/* Sends what was claimed. Each turn, after the commit. */
void delivery_dispatch(struct delivery *);
/* True if there is something to claim now. */
bool delivery_busy(const struct delivery *);

/* For metrics: how long the first that may be claimed has been due, 0 if none is; how many
 * downloads wait, at most max. */
int64_t delivery_oldest_us(struct delivery *, const struct gw_channel *);
uint64_t delivery_media_pending(struct delivery *, const struct gw_channel *, uint64_t max);

/* plug_up.report, between begin and end. */
int32_t delivery_report(struct delivery *, struct gw_channel *, const struct hilo_report *, struct err *);
/* The channel's instance ended: what has no report is in doubt. Between begin and end. */
int32_t delivery_gone(struct delivery *, struct gw_channel *, struct err *);
/* plug_up.fetched: hashing and moving the file happen on a helper thread. */
void delivery_fetched(struct delivery *, struct gw_channel *, uint64_t job, int32_t code,
                      struct hilo_str mime, struct hilo_str detail, int64_t retry_after_us);

/* Parts of an inbound message wait until then for the others. */
void delivery_parts(struct delivery *, struct gw_channel *, int64_t wall_us);
/* A receipt moved a message that stood at place_before: counts, and who is next. */
void delivery_moved(struct delivery *, struct gw_channel *, struct hilo_id, uint64_t place_before,
                    uint64_t status);

/* Pause and resume by an operator. Between begin and end. */
int delivery_pause(struct delivery *, const struct actor *, struct gw_channel *, struct hilo_str reason,
                   struct fault *);
int delivery_resume(struct delivery *, const struct actor *, struct gw_channel *, struct fault *);

/* Settles a message in the queue that its customer does not want: suppressed, or failed if
 * it may have left before. Between begin and end. */
int32_t delivery_suppress(struct delivery *, struct gw_channel *, struct hilo_id, int64_t now_us,
                          struct err *);
/* Asks back what is in flight to a customer on a channel and was denied. Between begin and end. */
int32_t delivery_recall(struct delivery *, struct gw_channel *, struct hilo_id customer, struct err *);

#endif
