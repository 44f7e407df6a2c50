/*
 * TLS of the terminals: OpenSSL on a non-blocking socket, by a BIO of our own, so that SIGPIPE is
 * nobody's business. An idle connection holds no buffers. [own] loop.
 */
#ifndef POS_TLS_H
#define POS_TLS_H

#include "pos.h"

enum pos_tls_rc {
    POS_TLS_OK,
    POS_TLS_READ,  /* wait until the socket can be read */
    POS_TLS_WRITE, /* wait until it can be written */
    POS_TLS_END,   /* the peer said that it ends, or just did */
    POS_TLS_BROKEN /* pos_tls_words says why */
};

enum pos_alpn { POS_ALPN_NONE, POS_ALPN_LINE, POS_ALPN_HTTP, POS_ALPN_ENROLL };

/* A context with the certificates of the identity. NULL: *why says what to do. */
struct pos_tls *pos_tls_new(struct pos *, char why[POS_WORDS]);
/* The same with the certificates that it has now, for connections from now on; false: the old ones stay. */
bool pos_tls_renew(struct pos *, char why[POS_WORDS]);
/* The connections must be freed before. */
void pos_tls_free(struct pos_tls **);

/* A server's connection on this socket, which stays the caller's; NULL: no memory. Free with SSL_free. */
SSL *pos_tls_accept(struct pos_tls *, int fd);
enum pos_tls_rc pos_tls_handshake(SSL *);
/* Of a handshake that just broke: the peer offered none of our protocols. */
bool pos_tls_no_alpn(void);
/* It may resume: after a handshake, when it was admitted as this one. */
void pos_tls_keep(struct pos *, SSL *, const struct pos_who *);
enum pos_alpn pos_tls_alpn(const SSL *);
enum pos_tls_rc pos_tls_read(SSL *, void *p, size_t cap, size_t *n_out);
enum pos_tls_rc pos_tls_write(SSL *, const void *p, size_t n, size_t *n_out);
/* Says that we end. */
void pos_tls_shutdown(SSL *);
/* OpenSSL's words for what broke last; its queue is empty afterwards. */
void pos_tls_words(char why[POS_WORDS]);

#endif
