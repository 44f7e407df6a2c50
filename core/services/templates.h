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

/* By name and language. after: the cursor of the last page, or empty; next_out: the cursor
 * to go on from, or empty. */
typedef void template_fn(void *arg, const struct rec_template *);
int templates_list(struct gateway *, const struct gw_channel *, struct hilo_str after, unsigned limit,
                   struct arena *, template_fn *, void *arg, struct hilo_str *next_out, struct fault *);

/* Checks a template's content (group CONTENT, structurally valid) against what the
 * channel has published, if it has: faults template_unknown, template_unknown_language,
 * template_not_approved, template_parameters, all 422. *category 0 becomes the
 * template's; content without text gets how it reads. */
int template_check(struct gateway *, const struct gw_channel *, struct hilo_str *content, uint32_t *category,
                   struct arena *, struct fault *);

#endif
