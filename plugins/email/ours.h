/*
 * Which addresses are ours, and which message of ours a mail is about. Pure; [any] thread.
 */
#ifndef EMAIL_OURS_H
#define EMAIL_OURS_H

#include "email.h"
#include "mail.h"

/* A mail for this address is taken: the channel's own, an alias, each also with a token or anything else
 * behind the separator; or one of the reply domain. */
bool ours_address(const struct email_conf *, struct hilo_str address);
/* The separator, or 0: tokens are whole local parts, of the reply domain. */
char ours_separator(const struct email_conf *);
/* The address with a token, to be answered or bounced to; false: it would be too long. */
bool ours_tokened(const struct email_conf *, const char *token, char out[EMAIL_ADDRESS_MAX]);

/* The message that it answers, by a token which nobody can make but us: in a recipient's address, in what it
 * replies to, or in its references, the newest first. */
bool ours_answered(const struct email *, const char *const *rcpt, size_t n_rcpt, const struct mail *,
                   struct hilo_id *out);
/* The appointment whose invitation it answers, by the token in its UID. */
bool ours_invited(const struct email *, const struct mail *, struct hilo_id *out);
/* Whether it can be nothing but a bounce, though it has no form that is known: a mail system's, to where
 * bounces of a message of ours go. */
bool ours_bounced(const struct email *, const char *const *rcpt, size_t n_rcpt, const struct mail *);
/* The message that a report is about: by the address that it went to (VERP), or the Message-ID that it names.
 */
bool ours_reported(const struct email *, const char *const *rcpt, size_t n_rcpt, const struct mail *,
                   struct hilo_id *out);

#endif
