/*
 * OpenSSL between two memory BIOs, so that what leaves is gathered like plain bytes are,
 * and SIGPIPE is nobody's business but the socket's.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tls.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sms_tls_context {
    SSL_CTX *ssl;
};

struct sms_tls {
    SSL *ssl;
    BIO *in, *out; /* ssl's */
};

/* The first error of OpenSSL's queue, in its words; the queue is empty afterwards. */
static void tls_words(char why[SMS_TLS_WORDS], const char *what)
{
    unsigned long code = ERR_get_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    (void)snprintf(why, SMS_TLS_WORDS, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
}

/* ---- the context ------------------------------------------------------------------------- */

static bool context_ca(SSL_CTX *ctx, struct hilo_str pem)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    BIO *bio;
    X509 *x;
    unsigned n = 0;

    if (pem.n == 0)
        return SSL_CTX_set_default_verify_paths(ctx) == 1;
    bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    while (bio && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        n += X509_STORE_add_cert(store, x) == 1;
        X509_free(x);
    }
    BIO_free(bio);
    if (n)
        ERR_clear_error(); /* the end of the text is an error to PEM_read */
    return n > 0;
}

static bool context_own(SSL_CTX *ctx, struct hilo_str cert, struct hilo_str key)
{
    BIO *c = BIO_new_mem_buf(cert.p, (int)cert.n), *k = BIO_new_mem_buf(key.p, (int)key.n);
    X509 *x = c ? PEM_read_bio_X509(c, NULL, NULL, NULL) : NULL, *more;
    EVP_PKEY *pkey = k ? PEM_read_bio_PrivateKey(k, NULL, NULL, NULL) : NULL;
    bool ok = x && pkey && SSL_CTX_use_certificate(ctx, x) == 1 && SSL_CTX_use_PrivateKey(ctx, pkey) == 1 &&
              SSL_CTX_check_private_key(ctx) == 1;

    while (ok && (more = PEM_read_bio_X509(c, NULL, NULL, NULL)))
        if (SSL_CTX_add0_chain_cert(ctx, more) != 1)
            X509_free(more);
    if (ok)
        ERR_clear_error();
    X509_free(x);
    EVP_PKEY_free(pkey);
    BIO_free(c);
    BIO_free(k);
    return ok;
}

struct sms_tls_context *sms_tls_context_new(const struct sms_tls_settings *s, char why[SMS_TLS_WORDS])
{
    struct sms_tls_context *c = calloc(1, sizeof *c);

    why[0] = '\0';
    ERR_clear_error();
    if (c)
        c->ssl = SSL_CTX_new(TLS_client_method());
    if (!c || !c->ssl || SSL_CTX_set_min_proto_version(c->ssl, TLS1_2_VERSION) != 1) {
        tls_words(why, "OpenSSL can't begin");
        goto fail;
    }
    /* A truncated stream is no loss to SMPP, whose PDUs have their lengths: it ends the link like a
     * close does. */
    (void)SSL_CTX_set_options(c->ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
    (void)SSL_CTX_set_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(c->ssl, s->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    if (s->verify && !context_ca(c->ssl, s->ca)) {
        tls_words(why, "tls_ca holds no certificate in PEM");
        goto fail;
    }
    if (s->cert.n && !context_own(c->ssl, s->cert, s->key)) {
        tls_words(why, "tls_cert and tls_key are no certificate and its key in PEM");
        goto fail;
    }
    return c;
fail:
    sms_tls_context_free(&c);
    return NULL;
}

void sms_tls_context_free(struct sms_tls_context **at)
{
    if (*at) {
        SSL_CTX_free((*at)->ssl);
        free(*at);
        *at = NULL;
    }
}

/* ---- a connection -------------------------------------------------------------------------- */

/* An address is looked for among the certificate's addresses, and is no name for SNI. */
static bool tls_expect(SSL *ssl, const char *name)
{
    unsigned char addr[16];
    char sni[256]; /* a copy: the macro for SNI takes the const away */

    if (inet_pton(AF_INET, name, addr) == 1 || inet_pton(AF_INET6, name, addr) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    if ((size_t)snprintf(sni, sizeof sni, "%s", name) >= sizeof sni)
        return false;
    return SSL_set1_host(ssl, sni) == 1 && SSL_set_tlsext_host_name(ssl, sni) == 1;
}

struct sms_tls *sms_tls_new(struct sms_tls_context *ctx, const char *name)
{
    struct sms_tls *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    ERR_clear_error();
    t->ssl = SSL_new(ctx->ssl);
    t->in = BIO_new(BIO_s_mem());
    t->out = BIO_new(BIO_s_mem());
    if (!t->ssl || !t->in || !t->out || !tls_expect(t->ssl, name)) {
        BIO_free(t->in);
        BIO_free(t->out);
        SSL_free(t->ssl);
        free(t);
        ERR_clear_error();
        return NULL;
    }
    (void)BIO_set_mem_eof_return(t->in, -1); /* nothing more now, rather than the end */
    SSL_set_bio(t->ssl, t->in, t->out);
    SSL_set_connect_state(t->ssl);
    return t;
}

void sms_tls_free(struct sms_tls **at)
{
    if (*at) {
        SSL_free((*at)->ssl);
        free(*at);
        *at = NULL;
    }
}

bool sms_tls_feed(struct sms_tls *t, const uint8_t *p, size_t n)
{
    return n <= INT_MAX && BIO_write(t->in, p, (int)n) == (int)n;
}

int sms_tls_handshake(struct sms_tls *t, char why[SMS_TLS_WORDS])
{
    long verified;
    int rc;

    ERR_clear_error();
    rc = SSL_do_handshake(t->ssl);
    if (rc == 1)
        return 1;
    if (SSL_get_error(t->ssl, rc) == SSL_ERROR_WANT_READ || SSL_get_error(t->ssl, rc) == SSL_ERROR_WANT_WRITE)
        return 0;
    verified = SSL_get_verify_result(t->ssl);
    if (verified != X509_V_OK) {
        ERR_clear_error();
        (void)snprintf(
            why, SMS_TLS_WORDS,
            "its certificate is refused (%s); give its authority as tls_ca, or its name as tls_name",
            X509_verify_cert_error_string(verified));
    } else {
        tls_words(why, "no TLS with it; is this its port for TLS?");
    }
    return -1;
}

long sms_tls_read(struct sms_tls *t, uint8_t *p, size_t cap, char why[SMS_TLS_WORDS])
{
    int rc, error;

    ERR_clear_error();
    rc = SSL_read(t->ssl, p, cap > INT_MAX ? INT_MAX : (int)cap);
    if (rc > 0)
        return rc;
    error = SSL_get_error(t->ssl, rc);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return 0;
    if (error == SSL_ERROR_ZERO_RETURN)
        (void)snprintf(why, SMS_TLS_WORDS, "it closed the connection");
    else
        tls_words(why, "TLS broke");
    return -1;
}

bool sms_tls_write(struct sms_tls *t, const uint8_t *p, size_t n, char why[SMS_TLS_WORDS])
{
    size_t done;

    ERR_clear_error();
    /* A memory BIO takes all there is memory for. */
    if (n == 0 || (SSL_write_ex(t->ssl, p, n, &done) == 1 && done == n))
        return true;
    tls_words(why, "TLS broke");
    return false;
}

void sms_tls_shutdown(struct sms_tls *t)
{
    ERR_clear_error();
    (void)SSL_shutdown(t->ssl);
    ERR_clear_error();
}

size_t sms_tls_pending(struct sms_tls *t, const uint8_t **p)
{
    char *data = NULL;
    long n = BIO_get_mem_data(t->out, &data);

    *p = (const uint8_t *)data;
    return n > 0 ? (size_t)n : 0;
}

void sms_tls_sent(struct sms_tls *t, size_t n)
{
    char scratch[4096];

    while (n > 0) {
        int rc = BIO_read(t->out, scratch, n < sizeof scratch ? (int)n : (int)sizeof scratch);

        if (rc <= 0)
            return;
        n -= (size_t)rc;
    }
}
