/* Customers and their identifiers: create, find, change, and who an address is. [core] */
#ifndef SERVICES_CUSTOMERS_H
#define SERVICES_CUSTOMERS_H

#include "services/place.h"

struct identifier {
    uint32_t scheme;
    struct hilo_str scope, value; /* normalised */
    bool verified;
};
struct customer_fields {
    uint32_t set;                                          /* bits of ev_customer_updated.set */
    struct hilo_str name, language, time_zone, attributes; /* attributes: a JSON object's text */
    struct place place; /* where this is done, and by whom; kept with each event of it */
    int64_t at;         /* when it happened, Unix time; 0: now */
};

/* Checks and normalises one identifier as people and applications write it ("phone",
 * E.164; "email"; "document", "CO:CC:1020304050"; "whatsapp"; "loyalty"; "web_visitor").
 * Strings in the arena. pointer names it in the fault. */
int identifier_parse(struct arena *, uint32_t scheme, struct hilo_str value, const char *pointer,
                     struct identifier *out, struct fault *);

/* The customer whom an identifier names; HILO_NOTFOUND if nobody. A phone is looked up
 * in WhatsApp's variants too. */
int32_t customer_find(struct gateway *, const struct identifier *, struct hilo_id *out, struct err *);

/* All between store_begin and store_end, committed by the caller's turn. -1 and a fault:
 * nothing was appended. */
int customer_create(struct gateway *, const struct actor *, const struct customer_fields *,
                    const struct identifier *, unsigned n, struct hilo_id *out, struct fault *);
int customer_update(struct gateway *, const struct actor *, struct hilo_id, const struct customer_fields *,
                    const struct identifier *add, unsigned n_add, const struct identifier *remove,
                    unsigned n_remove, uint64_t if_version, struct fault *);
int customer_get(struct gateway *, struct hilo_id, struct arena *, struct rec_customer *out, struct fault *);
/* Calls fn for each identifier of a customer. */
int customer_identifiers(struct gateway *, struct hilo_id, struct arena *,
                         void (*fn)(void *arg, const struct identifier *, const struct rec_identifier *),
                         void *arg, struct fault *);

/* The same as an array in the arena. */
struct customer_ident {
    struct identifier is;
    struct rec_identifier record;
};
int customer_idents(struct gateway *, struct hilo_id, struct arena *, struct customer_ident **out,
                    unsigned *n_out, struct fault *);

/* Newest first: calls fn for each message older than before (none: from the newest)
 * until limit, and tells the id to go on from (none: the end). */
typedef int timeline_fn(void *arg, struct hilo_id, const struct rec_message *, struct hilo_str bytes);
int customer_timeline(struct gateway *, struct hilo_id customer, struct hilo_id before, unsigned limit,
                      struct arena *, timeline_fn *, void *arg, struct hilo_id *next_out, struct fault *);
/* The same from the newest, of a customer who is known to exist. */
int customer_thread(struct gateway *, struct hilo_id customer, unsigned limit, struct arena *, timeline_fn *,
                    void *arg, struct hilo_id *next_out, struct fault *);

#endif
