/* What texts cost on a channel whose peer counts segments (hilo/segment.h). [core] */
#ifndef SERVICES_SEGMENTS_H
#define SERVICES_SEGMENTS_H

#include "services/outbound.h"

/* How many messages this part of a message is for the peer: 1 where it counts no segments, and for what
 * is no text. 0: more than the channel takes, and why. Counted again only if it has to be: a message
 * knows what it was accepted with. */
unsigned segments_of(const struct hilo_abilities *, struct hilo_str message, const struct lowered *,
                     size_t part, struct err *);

/* Counts what o was lowered to, into o->plan.segments, which stays empty on a channel without
 * segments. -1: too_many_segments or not_supported, with words for the author. */
int segments_plan(struct outbound *, struct arena *, struct fault *);

#endif
