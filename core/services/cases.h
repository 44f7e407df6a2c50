/* Cases: one matter each, with its messages across channels. [core] */
#ifndef SERVICES_CASES_H
#define SERVICES_CASES_H

#include "services/place.h"

struct case_fields {
    uint32_t set; /* bits of ev_case_updated.set */
    struct hilo_str subject, owner;
    uint32_t status;    /* CASE_x */
    struct place place; /* where it is opened or changed, and by whom; kept with the event */
    int64_t at;         /* when that happened, Unix time; 0: now */
};
const char *case_status_name(uint64_t status);
uint32_t case_status_parse(struct hilo_str name); /* 0: unknown */

/* create, update: between store_begin and store_end. */
int case_create(struct gateway *, const struct actor *, struct hilo_id customer, const struct case_fields *,
                struct hilo_id *out, struct fault *);
int case_update(struct gateway *, const struct actor *, struct hilo_id, const struct case_fields *,
                uint64_t if_version, struct fault *);
int case_get(struct gateway *, struct hilo_id, struct arena *, struct rec_case *out, struct fault *);

/* Newest change first. status 0: any; owner empty: any; customer none: any. after: the
 * cursor of the last page, or empty; next_out: the cursor to go on from, or empty. */
typedef void case_fn(void *arg, struct hilo_id, const struct rec_case *);
int case_list(struct gateway *, uint32_t status, struct hilo_str owner, struct hilo_id customer,
              struct hilo_str after, unsigned limit, struct arena *, case_fn *, void *arg,
              struct hilo_str *next_out, struct fault *);
/* The customer's only case that is not closed, or none if there are none or several:
 * where a message goes that names no case. */
int32_t case_only_open(struct gateway *, struct hilo_id customer, struct arena *, struct hilo_id *out,
                       struct err *);
/* The customer's cases that are not closed, newest first, at most limit; of the newest hundred. */
int case_open_of(struct gateway *, struct hilo_id customer, unsigned limit, struct arena *, case_fn *,
                 void *arg, struct fault *);
/* The messages of a case, oldest first, after number. */
typedef void case_message_fn(void *arg, struct hilo_id, const struct rec_message *, struct hilo_str bytes);
int case_messages(struct gateway *, struct hilo_id, uint64_t after, unsigned limit, struct arena *,
                  case_message_fn *, void *arg, uint64_t *next_out, struct fault *);

#endif
