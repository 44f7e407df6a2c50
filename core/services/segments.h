/* What texts cost on a channel whose peer counts segments (hilo/segment.h). [core] */
#ifndef SERVICES_SEGMENTS_H
#define SERVICES_SEGMENTS_H

#include "services/outbound.h"

/* How many messages a lowered message is for the peer: 1 where it counts no segments, and for
 * what is no text. */
unsigned segments_of(const struct hilo_abilities *, struct hilo_str lowered);
/* The same, within what the channel takes; else 0 and why. */
unsigned segments_within(const struct hilo_abilities *, struct hilo_str lowered, struct err *);

/* Counts what o was lowered to, into o->plan.segments, which stays empty on a channel without
 * segments. -1: too_many_segments or not_supported, with words for the author. */
int segments_plan(struct outbound *, struct arena *, struct fault *);

#endif
