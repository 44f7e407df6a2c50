/*
 * Wishes, and what arrives for them: a customer wants something that is not there; when it is, those who wait
 * are told, each once, in the order in which they asked, never more at a time than there is. [core]
 *
 * An arrival goes along the order once. So many are offered it as are left; each offer is held for a while,
 * then the next in turn gets his. A sale takes from what is left, whoever buys; one to somebody who was
 * waiting fulfils the wish. A message that never left (opted out meanwhile, failed, expired) was no offer:
 * its wish waits on, for another arrival, and the next in turn is told.
 *
 * Two of size, colour or store that are both named must be the same, whatever the case of their letters; one
 * that is not named fits any. A SKU is compared as it is written.
 */
#ifndef SERVICES_STOCK_H
#define SERVICES_STOCK_H

#include "model/out.h"
#include "services/customers.h"
#include "services/place.h"

enum { SKU_MAX = 64, VARIANT_MAX = 64, LINK_MAX = 1024, TITLE_MAX = 200 };

/* What is wanted, has arrived or was bought. */
struct stock_item {
    struct hilo_str sku, size, colour, store; /* all but sku may be empty: any */
};

/* ---- wishes ---- */

struct wish_request {
    struct identifier to;             /* scheme 0: customer is given */
    struct hilo_id customer, case_id; /* case_id may be none */
    struct stock_item item;           /* store: where it is wanted, and was asked for */
    struct hilo_str channel, link;    /* may be empty */
    struct place place;
    int64_t at; /* Unix time; 0: now */
};
/* Appends a wish, or finds the one that the customer has already: then *again_out. Between begin and end.
 * Faults: unknown_customer, unknown_case, unknown_channel, invalid_field. */
int wish_add(struct gateway *, const struct actor *, const struct wish_request *, struct arena *,
             struct hilo_id *out, bool *again_out, struct fault *);
/* No longer wanted. Faults: unknown_subscription (404); subscription_ended (409). Between begin and end. */
int wish_cancel(struct gateway *, const struct actor *, struct hilo_id, const struct place *, struct arena *,
                struct fault *);
int wish_get(struct gateway *, struct hilo_id, struct arena *, struct rec_wish *out, struct fault *);

typedef void wish_fn(void *arg, struct hilo_id, const struct rec_wish *);
/* Of a sku those that are not at their end, in order; after, next_out: as case_list has them. */
int wish_of_sku(struct gateway *, struct hilo_str sku, struct hilo_str after, unsigned limit, struct arena *,
                wish_fn *, void *arg, struct hilo_str *next_out, struct fault *);
/* Of a customer, newest first; open: only those that are not at their end. */
int wish_of_customer(struct gateway *, struct hilo_id customer, bool open, struct hilo_str after,
                     unsigned limit, struct arena *, wish_fn *, void *arg, struct hilo_str *next_out,
                     struct fault *);

const char *wish_status_name(uint64_t status); /* "waiting" … */
void wish_shape(struct out *, const char *key, struct hilo_id, const struct rec_wish *);

/* ---- arrivals ---- */

struct stock_request {
    struct stock_item item;
    uint64_t quantity;
    int64_t hold_us;                      /* 0: as configured */
    uint64_t rate;                        /* offers a second; 0: as configured */
    uint32_t category;                    /* 0: as configured */
    struct hilo_str title, link, channel; /* may be empty */
    struct hilo_str content; /* JSON of a content, with {name}, {title}, {link}, {size}, {colour}, {store} for
                                what they stand for; empty: the gateway's own words */
    struct place place;
    int64_t at; /* Unix time; 0: now */
};
struct stock_passed {
    struct stock_passed *next;
    struct hilo_id wish, customer;
    const char *reason; /* a fault's code, or opted_out */
};
struct stock_outcome {
    struct hilo_id id;
    unsigned offered;            /* told so far; the rest follows as rate and turns let it */
    uint64_t waiting;            /* of those whom it fits, how many still wait */
    struct stock_passed *passed; /* who could not be told, in order */
};
/* Appends the arrival and its first offers. Between begin and end. Faults: invalid_field, invalid_content,
 * unknown_channel. */
int stock_arrive(struct gateway *, const struct actor *, const struct stock_request *, struct arena *,
                 struct stock_outcome *out, struct fault *);
/* No more of it is offered; what is offered stays so. Fault: unknown_stock (404). Between begin and end. */
int stock_withdraw(struct gateway *, const struct actor *, struct hilo_str sku, struct hilo_id,
                   struct arena *, struct fault *);
/* So many were sold to a customer, by this sale. Between begin and end. */
int stock_sold(struct gateway *, const struct actor *, struct hilo_id sale, struct hilo_id customer,
               const struct stock_item *, uint64_t quantity, const struct place *, struct arena *,
               struct fault *);

typedef void stock_fn(void *arg, struct hilo_id, const struct rec_stock *);
/* What of a sku has arrived and is not at its end, the earliest first. */
int stock_list(struct gateway *, struct hilo_str sku, struct arena *, stock_fn *, void *arg, struct fault *);

bool stock_sku_ok(struct hilo_str); /* 1 to SKU_MAX bytes, no control character */

/* ---- the turn ---- */

struct stock;
struct stock *stock_new(struct gateway *);
void stock_free(struct stock **);
/* Offers what may be offered, lapses what is held no longer. Each turn, before claims are appended. Costs two
 * comparisons when there is nothing to do. */
void stock_turn(struct stock *);

/* ---- for the files of stock ---- */
bool stock__fits(const struct stock_item *a, const struct stock_item *b);
int stock__item_check(const struct stock_item *, struct fault *);
/* What is said to a customer. The bytes of a content in the arena; a fault of the content's. */
int stock__words(struct gateway *, const struct ev_stock_arrived *, const struct rec_wish *,
                 const struct rec_customer *, struct arena *, struct hilo_str *content_out, struct fault *);

#endif
