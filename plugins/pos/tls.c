/*
 * One context for terminals and for enrolment: which of the two a connection is for is said by ALPN in its
 * first message, before anything is asked of it.
 *
 * A ticket is the name of a session that is kept here (resume.h). Who resumes is judged as the one whose
 * session it was, as if its certificate had been shown again (pos_identity_admit). Enrolment gets none: it
 * would be a session without a certificate. Sessions end with the context: another may have another CA.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tls.h"

#include "resume.h"

#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>

struct pos_tls {
    SSL_CTX *ctx;
    BIO_METHOD *socket;
    struct pos_resume *resume;
};

/* In our order of preference. */
static const struct {
    const char *name;
    enum pos_alpn alpn;
} tls_alpn[] = {
    {"hilo-pos/1", POS_ALPN_LINE}, {"http/1.1", POS_ALPN_HTTP}, {"hilo-enroll/1", POS_ALPN_ENROLL}};
enum { TLS_ALPN_N = sizeof tls_alpn / sizeof *tls_alpn };

void pos_tls_words(char why[POS_WORDS])
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    (void)snprintf(why, POS_WORDS, "%s", reason ? reason : "no reason was given");
}

bool pos_tls_no_alpn(void)
{
    return ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_NO_APPLICATION_PROTOCOL;
}

/* ---- the socket --------------------------------------------------------------------------------- */

static int bio_fd(BIO *b)
{
    return (int)(intptr_t)BIO_get_data(b);
}

static int bio_write(BIO *b, const char *p, int n)
{
    ssize_t rc = send(bio_fd(b), p, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);

    BIO_clear_retry_flags(b);
    if (rc < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        BIO_set_retry_write(b);
    return (int)rc;
}

static int bio_read(BIO *b, char *p, int n)
{
    ssize_t rc = recv(bio_fd(b), p, (size_t)n, MSG_DONTWAIT);

    BIO_clear_retry_flags(b);
    if (rc < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        BIO_set_retry_read(b);
    return (int)rc;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *p)
{
    (void)b;
    (void)num;
    (void)p;
    return cmd == BIO_CTRL_FLUSH ? 1 : 0;
}

static int bio_create(BIO *b)
{
    BIO_set_init(b, 1);
    return 1;
}

static BIO_METHOD *tls_socket(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "hilo-pos socket");

    if (m && BIO_meth_set_write(m, bio_write) && BIO_meth_set_read(m, bio_read) &&
        BIO_meth_set_ctrl(m, bio_ctrl) && BIO_meth_set_create(m, bio_create))
        return m;
    BIO_meth_free(m);
    return NULL;
}

/* ---- what it is for -------------------------------------------------------------------------------- */

/* Which of our names a list of the peer's has; each is a byte of length and so many more. */
static enum pos_alpn alpn_choose(const unsigned char *list, size_t n, const unsigned char **at,
                                 unsigned char *at_n)
{
    size_t i, p;

    for (i = 0; i < TLS_ALPN_N; i++) {
        for (p = 0; p < n && (size_t)list[p] < n - p; p += 1 + (size_t)list[p]) {
            if (list[p] == strlen(tls_alpn[i].name) && memcmp(list + p + 1, tls_alpn[i].name, list[p]) == 0) {
                if (at) {
                    *at = list + p + 1;
                    *at_n = list[p];
                }
                return tls_alpn[i].alpn;
            }
        }
    }
    return POS_ALPN_NONE;
}

/* Enrolment is asked for no certificate, and gets no ticket. */
static int tls_hello(SSL *ssl, int *alert, void *arg)
{
    const unsigned char *p;
    size_t n;

    (void)alert;
    (void)arg;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &p, &n) == 1 &&
        n >= 2 && alpn_choose(p + 2, n - 2, NULL, NULL) == POS_ALPN_ENROLL) {
        SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
        (void)SSL_set_num_tickets(ssl, 0);
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}

static int tls_select(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
                      unsigned n, void *arg)
{
    (void)ssl;
    (void)arg;
    return alpn_choose(in, n, out, out_n) == POS_ALPN_NONE ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_OK;
}

enum pos_alpn pos_tls_alpn(const SSL *ssl)
{
    const unsigned char *p;
    unsigned n;
    size_t i;

    SSL_get0_alpn_selected(ssl, &p, &n);
    for (i = 0; i < TLS_ALPN_N; i++)
        if (n == strlen(tls_alpn[i].name) && memcmp(p, tls_alpn[i].name, n) == 0)
            return tls_alpn[i].alpn;
    return POS_ALPN_NONE;
}

/* ---- resuming ------------------------------------------------------------------------------------ */

static SSL_SESSION *tls_session(SSL *ssl, const unsigned char *id, int n, int *copy)
{
    struct pos_tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    *copy = 0; /* it is theirs */
    if (n < 0 || SSL_get_SSL_CTX(ssl) != t->ctx)
        return NULL;
    return pos_resume_take(t->resume, ssl, id, (size_t)n);
}

void pos_tls_keep(struct pos *pos, SSL *ssl, const struct pos_who *who)
{
    if (SSL_get_SSL_CTX(ssl) == pos->tls->ctx)
        pos_resume_keep(pos->tls->resume, ssl, who, (size_t)pos->conf.connections);
}

/* ---- the context ------------------------------------------------------------------------------------- */

static SSL_CTX *tls_context(struct pos *pos, struct pos_tls *t, char why[POS_WORDS])
{
    static const unsigned char name[] = POS_RESUME_CONTEXT;
    SSL_CTX *ctx;

    ERR_clear_error();
    ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx ||
        SSL_CTX_set_min_proto_version(ctx, pos->conf.tls_min == POS_TLS_1_2 ? TLS1_2_VERSION
                                                                            : TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_session_id_context(ctx, name, sizeof name - 1) != 1) {
        pos_tls_words(why);
        SSL_CTX_free(ctx);
        return NULL;
    }
    /* A frame has its end in itself, so a connection that is cut off is no truncation attack. */
    (void)SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION |
                                       SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* Without NO_INTERNAL OpenSSL would keep what it was given, and let it be used again. */
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF | SSL_SESS_CACHE_NO_INTERNAL);
    (void)SSL_CTX_set_num_tickets(ctx, 1);
    (void)SSL_CTX_set_app_data(ctx, t);
    SSL_CTX_sess_set_get_cb(ctx, tls_session);
    SSL_CTX_set_client_hello_cb(ctx, tls_hello, NULL);
    SSL_CTX_set_alpn_select_cb(ctx, tls_select, NULL);
    if (pos_identity_use(pos->identity, ctx, false, why) != HILO_OK) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

struct pos_tls *pos_tls_new(struct pos *pos, char why[POS_WORDS])
{
    struct pos_tls *t = calloc(1, sizeof *t);

    (void)snprintf(why, POS_WORDS, "no memory");
    if (!t)
        return NULL;
    t->socket = tls_socket();
    t->resume = pos_resume_new();
    if (t->socket && t->resume)
        t->ctx = tls_context(pos, t, why);
    if (!t->ctx)
        pos_tls_free(&t);
    return t;
}

bool pos_tls_renew(struct pos *pos, char why[POS_WORDS])
{
    SSL_CTX *ctx = tls_context(pos, pos->tls, why);

    if (!ctx)
        return false;
    pos_resume_clear(pos->tls->resume);
    SSL_CTX_free(pos->tls->ctx);
    pos->tls->ctx = ctx;
    return true;
}

void pos_tls_free(struct pos_tls **at)
{
    if (*at) {
        SSL_CTX_free((*at)->ctx);
        BIO_meth_free((*at)->socket);
        pos_resume_free(&(*at)->resume);
        free(*at);
        *at = NULL;
    }
}

/* ---- a connection -------------------------------------------------------------------------------------- */

SSL *pos_tls_accept(struct pos_tls *t, int fd)
{
    SSL *ssl = SSL_new(t->ctx);
    BIO *bio = BIO_new(t->socket);

    if (!ssl || !bio) {
        SSL_free(ssl);
        BIO_free(bio);
        ERR_clear_error();
        return NULL;
    }
    BIO_set_data(bio, (void *)(intptr_t)fd);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    return ssl;
}

static enum pos_tls_rc tls_rc(SSL *ssl, int rc)
{
    switch (SSL_get_error(ssl, rc)) {
    case SSL_ERROR_NONE:
        return POS_TLS_OK;
    case SSL_ERROR_WANT_READ:
        return POS_TLS_READ;
    case SSL_ERROR_WANT_WRITE:
        return POS_TLS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return POS_TLS_END;
    case SSL_ERROR_SYSCALL:
        return ERR_peek_error() ? POS_TLS_BROKEN : POS_TLS_END;
    default:
        return POS_TLS_BROKEN;
    }
}

enum pos_tls_rc pos_tls_handshake(SSL *ssl)
{
    ERR_clear_error();
    return tls_rc(ssl, SSL_do_handshake(ssl));
}

enum pos_tls_rc pos_tls_read(SSL *ssl, void *p, size_t cap, size_t *n_out)
{
    ERR_clear_error();
    return tls_rc(ssl, SSL_read_ex(ssl, p, cap, n_out));
}

enum pos_tls_rc pos_tls_write(SSL *ssl, const void *p, size_t n, size_t *n_out)
{
    ERR_clear_error();
    return tls_rc(ssl, SSL_write_ex(ssl, p, n, n_out));
}

void pos_tls_shutdown(SSL *ssl)
{
    ERR_clear_error();
    if (SSL_is_init_finished(ssl))
        (void)SSL_shutdown(ssl);
    ERR_clear_error();
}
