/* An outbound message while it is decided. Private to the services. [core] */
#ifndef SERVICES_OUTBOUND_H
#define SERVICES_OUTBOUND_H

#include "model/lower.h"
#include "services/consent.h"
#include "services/messages.h"

struct outbound {
    struct message_plan plan;
    int64_t now, expires;
    int64_t due; /* when it is scheduled for; 0: at once */
    uint32_t category, priority;
    struct hilo_id case_id, reply_to;
    struct hilo_str reply_ext, language, sender;
    bool flash;
    struct place place; /* where it was asked for, and by whom */
    int64_t at;
    struct hilo_str party;          /* group IDENT */
    struct hilo_str content;        /* group CONTENT */
    struct hilo_str bytes;          /* the message */
    const struct access_once *once; /* or NULL */
    int64_t window_us;              /* wall: until when its conversation's window is open; 0: it isn't */
    struct lowered lowered;
    struct consent_denial denial; /* why it will not leave */
};

/* Checks and completes o->content by its type: stored media, templates, whose category
 * o->category becomes if it is 0. */
int outbound_content(struct gateway *, struct outbound *, struct arena *, struct fault *);
/* A fault from the words of model or lowering, "/content/text: …". Returns -1. */
int outbound_content_fault(struct fault *, const char *code, const struct err *);

/* Writes o->bytes, and checks them as they will be stored: whether the channel can carry it,
 * whether the customer's window is open. */
int outbound_finish(struct gateway *, struct outbound *, struct arena *, struct fault *);
/* Opens the conversation if it is new, appends the message, tells delivery. */
int outbound_append(struct gateway *, const struct actor *, struct outbound *, struct fault *);

/* How lowering makes links and words. */
struct lower_env outbound_lower_env(struct gateway *);

#endif
