/*
 * Messages go out: what the gateway knows of the thread and the files that go along are asked for, the mail
 * is composed on a thread, handed to the relays, and what they say is reported. [own] loop.
 */
#ifndef EMAIL_SEND_H
#define EMAIL_SEND_H

#include "email.h"

enum { SEND_CREDIT_EACH = 4 /* sends for each connection to a relay */ };

struct sends *sends_new(struct email *); /* NULL: no memory */
int32_t sends_send(struct email *, struct hilo_id, struct hilo_str message);
void sends_revoke(struct email *, struct hilo_id);
/* smtp's; arg: the struct email. */
void sends_on_smtp(void *arg, uint64_t token, const struct smtp_outcome *);
/* After works_stop(), email_asks_free() and smtp_free(). */
void sends_free(struct email *);

#endif
