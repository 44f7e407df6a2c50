/* What the files that apply events of messages share. Private to the store. */
#ifndef STORE_APPLY_MESSAGE_H
#define STORE_APPLY_MESSAGE_H

#include "store/apply.h"
#include "store/several.h"

/* One more step of the history. */
void apply__msg_note(struct apply *, struct rec_message *, const struct rec_step *);
/* The same, which also moves the status, if it is the first or its rank is higher, or renews its
 * reason. */
void apply__msg_step(struct apply *, struct rec_message *, const struct rec_step *);
bool apply__msg_settled(const struct rec_message *);

int32_t apply__msg_load(struct apply *, struct hilo_id, struct rec_message *);
void apply__msg_save(struct apply *, struct hilo_id, const struct rec_message *);

/* A new record of the present event's message, from its bytes. */
void apply__msg_fill(const struct apply *, struct hilo_str bytes, struct rec_message *);

/* It may be claimed from its due time. */
void apply__msg_due(struct apply *, struct hilo_id, struct rec_message *);
/* It leaves the queue, wherever it stands, and the next of its conversation has its turn. */
int32_t apply__msg_settle(struct apply *, struct hilo_id, struct rec_message *);

/* A provider's id of a message becomes known, and which of its segments it is: what was parked for it
 * is matched. */
int32_t apply__msg_known(struct apply *, struct rec_message *, struct hilo_str ext_id, const struct ext *);
/* The ids of a send that was several become known. part: which part of the message was sent. */
int32_t apply__msg_several(struct apply *, struct hilo_id, struct rec_message *,
                           const struct ev_message_reported *, uint64_t part);

#endif
