/*
 * Looking a person up at a counter: by one whole identifier, exactly, and never without a trace. Whoever
 * shows what was found appends the trace first, in the same turn, so that it is on disk before the
 * answer leaves. [core]
 */
#ifndef SERVICES_LOOKUP_H
#define SERVICES_LOOKUP_H

#include "services/customers.h"
#include "services/place.h"

struct lookup {
    uint32_t by;             /* LOOKUP_x */
    struct identifier ident; /* of DOCUMENT, PHONE, EMAIL, LOYALTY */
    struct hilo_id customer; /* of CUSTOMER */
    struct hilo_id case_id;  /* of CASE */
    struct hilo_str value;   /* what was asked, in the one form that is compared */
    struct hilo_str reason;  /* why; 1 to 200 characters */
    struct place place;
};
struct lookup_found {
    bool found; /* else nothing below is set */
    struct hilo_id id;
    struct rec_customer record;
    struct customer_ident *ident; /* in the arena */
    unsigned n;
};

/* "document", "phone" …; 0: unknown. And back; "". */
uint32_t lookup_by(struct hilo_str name);
const char *lookup_by_name(uint64_t by);

/* Normalises what is asked: sets by, and of ident, customer, value those that by needs. Faults (pointer
 * "/by/document"): invalid_identifier; wildcard, as nothing partial is looked for. */
int lookup_by_value(struct arena *, uint32_t by, struct hilo_str value, struct lookup *, struct fault *);

/* Who that is. Nobody is no fault. */
int lookup_find(struct gateway *, const struct lookup *, struct arena *, struct lookup_found *out,
                struct fault *);
/* Appends customer.looked_up. Between store_begin and store_end, after store_room. */
int lookup_trace(struct gateway *, const struct actor *, const struct lookup *, const struct lookup_found *,
                 struct fault *);

#endif
