/*
 * Mails are signed (DKIM, RFC 6376; Ed25519: RFC 8463), where no mail server behind does: relaxed/relaxed, by
 * OpenSSL. Pure; [any] thread.
 */
#ifndef EMAIL_DKIM_H
#define EMAIL_DKIM_H

#include "compose.h"

#include <openssl/evp.h>

/* Puts a DKIM-Signature for each key of the mail before its bytes. HILO_OK; HILO_INVALID (*why: a key that
 * can't be read or is of no kind that DKIM has); HILO_NOMEM. */
int32_t dkim_sign(const struct compose_mail *, struct compose_out *, const char **why);

/* ---- by itself, for tests -------------------------------------------------------------------------------
 */

enum { DKIM_DIGEST = 32 };
/* Of the body behind the first empty line. */
bool dkim_body_digest(struct hilo_str mail, uint8_t out[DKIM_DIGEST]);
/* Of the headers that list names ("from:to:subject", as h= has them), and of signature: the DKIM-Signature
 * header with an empty b=, without its last CRLF. */
bool dkim_head_digest(struct hilo_str mail, const char *list, const char *signature,
                      uint8_t out[DKIM_DIGEST]);

#endif
