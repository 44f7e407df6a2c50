/* Visits and sales: that a customer was in a store, and what she bought; never how she paid. [core] */
#ifndef SERVICES_SALES_H
#define SERVICES_SALES_H

#include "model/out.h"
#include "services/place.h"

enum { SALE_ITEMS_MAX = 100, SALE_NUMBER_MAX = 64, SALE_NAME_MAX = 200, VISIT_TEXT_MAX = 200 };

struct visit_request {
    struct hilo_id customer, case_id; /* case_id may be none */
    struct hilo_str purpose, outcome; /* may be empty */
    struct place place;
    int64_t at; /* Unix time; 0: now */
};
/* Between begin and end. Faults: unknown_customer, unknown_case, case_of_another, invalid_field. */
int visit_record(struct gateway *, const struct actor *, const struct visit_request *, struct arena *,
                 struct hilo_id *out, struct fault *);

struct sale_item {
    struct hilo_str sku, name, size, colour; /* each may be empty, but sku or name is there */
    struct hilo_str price;                   /* decimal, or empty */
    uint64_t quantity;
};
struct sale_request {
    struct hilo_id customer, case_id;
    struct hilo_str number, currency, total; /* total: decimal */
    const struct sale_item *item;
    unsigned n;
    struct place place;
    int64_t at;
};
/* And takes what was bought from what has arrived, and fulfils the buyer's wishes (services/stock.h). Between
 * begin and end. */
int sale_record(struct gateway *, const struct actor *, const struct sale_request *, struct arena *,
                struct hilo_id *out, struct fault *);

/* "-129900.50": up to 15 digits and 4 decimals. */
bool sale_money(struct hilo_str);

/* A visit or a sale as its event has it. */
struct deal {
    struct hilo_id id;
    uint64_t kind; /* DEAL_x */
    struct ev_visit_recorded visit;
    struct ev_sale_recorded sale;
};
/* Of a customer, newest first; after, next_out: as case_list has them. */
typedef void deal_fn(void *arg, const struct deal *);
int deal_list(struct gateway *, struct hilo_id customer, uint64_t kind, struct hilo_str after, unsigned limit,
              struct arena *, deal_fn *, void *arg, struct hilo_str *next_out, struct fault *);
/* 404 unknown_visit or unknown_sale, if it is none of this kind. */
int deal_get(struct gateway *, struct hilo_id, uint64_t kind, struct arena *, struct deal *out,
             struct fault *);
void deal_shape(struct out *, const char *key, const struct deal *);
void visit_members(struct out *, const struct ev_visit_recorded *);
void sale_members(struct out *, const struct ev_sale_recorded *);

/* Whose the sale with this number is; store: of those that have it, the one there, or empty. HILO_NOTFOUND;
 * or HILO_DUPLICATE: several customers'. */
int32_t sale_customer(struct gateway *, struct hilo_str number, struct hilo_str store, struct arena *,
                      struct hilo_id *out, struct err *);

#endif
