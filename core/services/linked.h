/*
 * What the links in messages do (links.h): a choice is taken, promotional messages end. Looking changes
 * nothing, as mail scanners open every link; acting is another call. [core]
 */
#ifndef SERVICES_LINKED_H
#define SERVICES_LINKED_H

#include "services/links.h"

struct linked {
    struct hilo_id message;
    struct hilo_str language; /* of the page: "es" or "en" */
    struct hilo_str question; /* LINK_CHOICE: the message's text */
    struct hilo_str choice, title;
    bool done; /* this choice was taken before; or she gets none already */
    /* For the calls below: */
    struct gw_channel *channel;
    struct hilo_id customer, conversation;
    struct hilo_str party, ext_id;
};

/* Whether a link leads to something; strings in the arena. Faults: unknown_link (404), link_expired (410). */
int linked_find(struct gateway *, enum link_kind, struct hilo_str token, int64_t now_us, struct arena *,
                struct linked *out, struct fault *);

/* Both between store_begin and store_end; what was done before is done (done is true then). Faults are the
 * store's. */
/* Takes the choice as if her channel had brought it: a choice_reply on her thread, each choice once. */
int linked_choose(struct gateway *, struct linked *, int64_t now_us, struct arena *, struct fault *);
/* Ends promotional messages to this customer and address on this channel. proof: how it was said,
 * "one_click" (RFC 8058) or "page". */
int linked_unsubscribe(struct gateway *, struct linked *, struct hilo_str proof, int64_t now_us,
                       struct arena *, struct fault *);

#endif
