/*
 * Mails come in: by LMTP, each answered for when it is on disk, and by IMAP, each marked as seen or moved
 * then. What it becomes: a message of the customer's; news of a message of ours (a bounce, a read receipt, a
 * complaint); or nothing (what runs in circles). [own] loop.
 */
#ifndef EMAIL_INTAKE_H
#define EMAIL_INTAKE_H

#include "email.h"

struct intakes *intakes_new(struct email *); /* NULL: no memory */
/* The keys are known: listens, and fetches. What can't be begun is said by the state, and begun by another
 * call. */
void intakes_start(struct email *);
void intakes_woken(struct email *);
/* Takes no more in; what is under way goes on. */
void intakes_drain(struct email *);
/* After works_stop() and email_asks_free(). */
void intakes_free(struct email *);

#endif
