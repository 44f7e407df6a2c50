/* Who looked at whom: reading what lookup.h writes. [core] */
#ifndef SERVICES_AUDIT_H
#define SERVICES_AUDIT_H

#include "services/place.h"

/* What is wanted; zero and empty: all. */
struct audit_filter {
    struct hilo_id customer;
    struct place place;
    int64_t from, to; /* Unix time, to is not included; 0: no end */
};
/* Newest first, at most limit. after: the cursor of the last page, or empty; next_out: where to go on from,
 * or empty. A filter that fits little ends a page early. */
typedef void audit_fn(void *arg, const struct event *, const struct ev_customer_looked_up *);
int audit_list(struct gateway *, const struct audit_filter *, struct hilo_str after, unsigned limit,
               struct arena *, audit_fn *, void *arg, struct hilo_str *next_out, struct fault *);

#endif
