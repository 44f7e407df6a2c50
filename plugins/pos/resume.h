/*
 * Sessions that terminals may resume: for each its secret and who it is, some 300 bytes, instead of a
 * ticket with the whole certificate in it, which would have to be read again and be held while the
 * connection is open. Each is good once and in this process; the oldest makes room. Of TLS 1.3 alone.
 * Whether the terminal is let in is judged anew each time (pos_identity_admit). [own] loop.
 */
#ifndef POS_RESUME_H
#define POS_RESUME_H

#include "identity.h"

#include <openssl/ssl.h>

#define POS_RESUME_CONTEXT "hilo-pos/1" /* of SSL_CTX_set_session_id_context */

struct pos_resume; /* opaque */

struct pos_resume *pos_resume_new(void); /* NULL: no memory */
void pos_resume_free(struct pos_resume **);
/* None may be resumed any more. */
void pos_resume_clear(struct pos_resume *);

/* Right after a handshake whose terminal was admitted; at most max are kept. Without memory it is just not
 * resumed. */
void pos_resume_keep(struct pos_resume *, SSL *, const struct pos_who *, size_t max);
/* The session of this identity, with `who` as its ticket's application data, to be freed; NULL: there is
 * none. It is gone then. */
SSL_SESSION *pos_resume_take(struct pos_resume *, SSL *, const unsigned char *id, size_t n);

#endif
