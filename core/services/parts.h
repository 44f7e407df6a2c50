/*
 * Inbound messages that come in parts (hilo/plugin.h, submit): what is kept of them, and how
 * they become one. Private to the services. [core]
 */
#ifndef SERVICES_PARTS_H
#define SERVICES_PARTS_H

#include "services/gateway.h"
#include "store/keys.h"

/* Of one channel. Beyond them the oldest message is taken as far as it came. */
enum { PARTS_MESSAGES_MAX = 1000, PARTS_BYTES_MAX = 4 << 20 };

/* What a part says of itself. */
struct part_said {
    struct hilo_str key, text, ext_id;
    uint64_t index, total, low, high;
};
/* HILO_INVALID with words: it is no part that can be. */
int32_t part_read(struct hilo_str message, struct part_said *out, struct err *);

/* The parts that are kept under a key of PARTS. HILO_NOTFOUND: none. */
int32_t parts_find(struct gateway *, const struct key *, struct arena *, struct rec_parts *out, struct err *);
unsigned parts_count(const struct rec_parts *);
/* What this one is to those that are there: HILO_OK new; HILO_DUPLICATE; HILO_STALE: another message's,
 * whose sender has used the reference again. */
int32_t parts_compare(struct gateway *, const struct rec_parts *, const struct part_said *, struct arena *,
                      struct err *);

/* One message of those that came: the first part's, with the text of all; "[…]" for what is missing.
 * *key_out: under which they are kept, for message.received. */
int32_t parts_join(struct gateway *, const struct rec_parts *, struct arena *, struct hilo_str *message_out,
                   struct hilo_str *key_out, unsigned *missing_out, struct err *);

/* The first of a channel's whose time is over at now, or whatever the time with now UINT64_MAX: its key in
 * PARTS. HILO_NOTFOUND: none; then *next_out is when the next one's is, 0: there is none. after: the key in
 * PARTS_AGE behind which to look, or empty. */
int32_t parts_oldest(struct gateway *, const struct gw_channel *, uint64_t now, struct key *after,
                     struct key *out, uint64_t *next_out, struct err *);
/* Counts what is kept, at the start. */
int32_t parts_recover(struct gateway *, struct gw_channel *, struct err *);

#endif
