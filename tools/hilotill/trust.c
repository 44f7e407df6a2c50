/*
 * Whom a till talks to: a server whose certificate is good by the CA pinned at its enrolment, of a kind that
 * a server may have (a stolen terminal's is not), and for the name that it was enrolled at.
 */
#include "till.h"
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

/* Only once per handshake is the answer a session; those with an early failure are not kept. */
static SSL_CTX *trust__ctx(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (!ctx)
        return NULL;
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    /* Thirty seconds between two frames are usual: what a read leaves is given back. */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    return ctx;
}

SSL_CTX *till_trust_nobody(void)
{
    SSL_CTX *ctx = trust__ctx();

    if (ctx)
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    return ctx;
}

SSL_CTX *till_trust_identity(const struct till_identity *id)
{
    SSL_CTX *ctx = trust__ctx();
    X509_STORE *store;
    int i;

    if (!ctx)
        return NULL;
    store = SSL_CTX_get_cert_store(ctx);
    for (i = 0; i < sk_X509_num(id->ca); i++)
        if (X509_STORE_add_cert(store, sk_X509_value(id->ca, i)) != 1)
            goto fail;
    /* What is pinned is trusted, also if it is an operator's intermediate. */
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    if (SSL_CTX_use_certificate(ctx, id->certificate) != 1 || SSL_CTX_use_PrivateKey(ctx, id->key) != 1)
        goto fail;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    return ctx;
fail:
    ERR_clear_error();
    SSL_CTX_free(ctx);
    return NULL;
}

static bool trust__is(X509 *x, const char *name)
{
    return name && (X509_check_ip_asc(x, name, 0) == 1 ||
                    X509_check_host(x, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1);
}

int till_trust_name(bool spanish, SSL *ssl, const char *host, const char *other, struct hilotill_error *e)
{
    X509 *x = SSL_get0_peer_certificate(ssl);
    bool ok = x && (trust__is(x, host) || trust__is(x, other));

    ERR_clear_error();
    if (ok)
        return HILOTILL_OK;
    return till_fail(
        e, HILOTILL_ETRUST,
        TILL_SAY(
            spanish, "who answered at %s has a certificate for another name: ask who runs the gateway",
            "quien respondió en %s tiene un certificado de otro nombre: consulte a quien opera la pasarela"),
        host);
}

static bool trust__fingerprint(X509 *x, const unsigned char want[16])
{
    unsigned char *der = NULL, digest[32];
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    bool same = n > 0 && EVP_Digest(der, (size_t)n, digest, NULL, EVP_sha256(), NULL) == 1 &&
                memcmp(digest, want, 16) == 0;

    OPENSSL_free(der);
    return same;
}

int till_trust_anchor(bool spanish, SSL *ssl, const unsigned char fingerprint[16], struct hilotill_error *e)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    X509 *leaf = SSL_get0_peer_certificate(ssl), *anchor = NULL;
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    bool ok = false;
    int i;

    for (i = 0; i < sk_X509_num(chain) && !anchor; i++)
        if (trust__fingerprint(sk_X509_value(chain, i), fingerprint))
            anchor = sk_X509_value(chain, i);
    if (leaf && anchor && store && ctx && X509_STORE_add_cert(store, anchor) == 1) {
        X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
        ok = X509_STORE_CTX_init(ctx, store, leaf, chain) == 1 &&
             X509_STORE_CTX_set_default(ctx, "ssl_server") == 1 && X509_verify_cert(ctx) == 1;
    }
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    ERR_clear_error();
    if (ok)
        return HILOTILL_OK;
    return till_fail(
        e, HILOTILL_ETRUST,
        TILL_SAY(
            spanish,
            "who answered is not the gateway of this code: nothing was sent; ask who runs the gateway",
            "quien respondió no es la pasarela de este código: no se envió nada; consulte a quien la opera"));
}
