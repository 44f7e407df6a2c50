/*
 * The customer service window: on a channel that has one (HILO_ABLE_WINDOW) what is no
 * template may be sent only within 24 hours of the customer's newest message there. [core]
 */
#ifndef SERVICES_WINDOW_H
#define SERVICES_WINDOW_H

#include "services/gateway.h"

/* Until when it is open, wall; 0: the customer never wrote. */
int64_t window_until(const struct rec_conversation *);
/* Whether a part that would be sent needs it open: anything but templates and signals. */
bool window_needed(const struct gw_channel *, const struct hilo_str *part, size_t n);
/* Fills the fault window_closed (409): which templates and which other channels this
 * customer can be reached by instead. Returns -1. */
int window_fault(struct gateway *, const struct gw_channel *, struct hilo_id customer, struct arena *,
                 struct fault *);

#endif
