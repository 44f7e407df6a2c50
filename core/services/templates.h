/*
 * The templates that a channel may send, as its plugin publishes them. [core]
 *
 * They live in the table TEMPLATE and change by events, only when they differ.
 */
#ifndef SERVICES_TEMPLATES_H
#define SERVICES_TEMPLATES_H

#include "services/gateway.h"

/* plug_up.template_begin, put and end. put and end open and close begin/end of the
 * store themselves; what fails is in the log. */
void templates_begin(struct gw_channel *);
void templates_put(struct gw_channel *, struct hilo_str group);
void templates_end(struct gw_channel *);
/* The list that was begun is dropped: its plugin is gone. */
void templates_drop(struct gw_channel *);

#endif
