/*
 * The terminal as a channel: messages of the core to whoever is attended, held until somebody is; and
 * what is chosen, back. All [own] loop.
 */
#ifndef POS_CHANNEL_H
#define POS_CHANNEL_H

#include "conn.h"
#include "till.h"

struct pos_channel *pos_channel_new(struct pos *); /* NULL: no memory */
void pos_channel_free(struct pos *);

/* From the plugin's callbacks. */
int32_t pos_channel_send(struct pos *, struct hilo_id id, struct hilo_str message);
void pos_channel_revoke(struct pos *, struct hilo_id id);
/* What was not shown yet goes back to the core. */
void pos_channel_drain(struct pos *);

/* Her customer is attended here now. */
void pos_channel_attended(struct pos *, const char *customer, struct pos_till *);
/* A terminal has said hello: what it was sent and did not answer comes again. */
void pos_channel_opened(struct pos *, struct pos_till *);
/* It has gone. */
void pos_channel_away(struct pos *, struct pos_till *);
/* It answered a request of ours that is not in its queue; error NULL: it has shown it. */
void pos_channel_answered(struct pos_conn *, const char *id, const cJSON *error);

#endif
