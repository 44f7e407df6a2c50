/*
 * From the gateway's message to what compose.h takes. Pure.
 */
#ifndef EMAIL_LETTER_H
#define EMAIL_LETTER_H

#include "compose.h"
#include "email.h"

enum { LETTER_REFERENCES_MAX = 10, LETTER_ID_MAX = 512, LETTER_SUBJECT_MAX = 998, LETTER_LINKS_MAX = 64 };

/* What went before, of the customer's thread on this channel. */
struct letter_thread {
    char in_reply_to[LETTER_ID_MAX]; /* "": nothing */
    char reference[LETTER_REFERENCES_MAX][LETTER_ID_MAX];
    size_t n; /* oldest first */
    char subject[LETTER_SUBJECT_MAX];
};
/* Whether to ask for it: it answers something, or is a person's own words. */
bool letter_threaded(struct hilo_str message);
/* json: a page of GET /v1/customers/{id}/timeline. self: the message's own id ("msg_…"). */
void letter_thread_read(struct hilo_str json, struct hilo_str channel, const char *self,
                        struct hilo_str message, struct letter_thread *);

/* What stands in it besides strings of the message. */
struct letter {
    struct compose_mail mail;
    struct hilo_str references[LETTER_REFERENCES_MAX];
    struct compose_link links[LETTER_LINKS_MAX];
    struct compose_dkim dkim[2];
    char message_id[EMAIL_ADDRESS_MAX], mail_from[EMAIL_ADDRESS_MAX], reply_to[EMAIL_ADDRESS_MAX];
    char subject[LETTER_SUBJECT_MAX + 8], uid[EMAIL_ADDRESS_MAX];
    char *text; /* made here; letter_done() */
};
/* Borrows from message, conf and thread, which outlive it. HILO_OK; HILO_INVALID (*why); HILO_NOMEM. */
int32_t letter_write(const struct email *, struct hilo_id, struct hilo_str message,
                     const struct letter_thread *, struct letter *, const char **why);
void letter_done(struct letter *);

#endif
