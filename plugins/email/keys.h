/*
 * The keys of our tokens (token.h), made at a channel's first start and kept in the gateway's context under
 * the channel's name: the newest first, 32 bytes each. Answers to old mails stay ours as long as theirs is
 * kept. [own] loop.
 */
#ifndef EMAIL_KEYS_H
#define EMAIL_KEYS_H

#include "email.h"

/* In start(): email_ready() when they are known; the state says why they are not, and it is tried again
 * after a while. */
void keys_start(struct email *);

#endif
