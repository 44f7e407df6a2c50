/* A certificate of its own for the TLS port, made at each start, and what OpenSSL needs to serve with it. */
#include "sim.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

static bool add_names(X509 *x, const char *name)
{
    char names[256];
    X509_EXTENSION *e;
    bool ok;

    snprintf(names, sizeof names, strspn(name, "0123456789.") == strlen(name) ? "IP:%s" : "DNS:%s", name);
    e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    ok = e && X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
    return ok;
}

static X509 *certificate(EVP_PKEY *key, const char *name)
{
    X509 *x = must(X509_new());
    X509_NAME *subject = X509_get_subject_name(x);
    bool ok =
        X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), 1) &&
        X509_gmtime_adj(X509_getm_notBefore(x), -3600) && X509_gmtime_adj(X509_getm_notAfter(x), 86400) &&
        X509_set_pubkey(x, key) &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0) &&
        X509_set_issuer_name(x, subject) && add_names(x, name) && X509_sign(x, key, EVP_sha256());

    if (ok)
        return x;
    X509_free(x);
    return NULL;
}

static bool save(const char *dir, X509 *x)
{
    char path[512];
    FILE *f;
    bool ok;

    snprintf(path, sizeof path, "%s/smsc.pem", dir);
    f = fopen(path, "w");
    ok = f && PEM_write_X509(f, x);
    if (f)
        ok = fclose(f) == 0 && ok;
    return ok;
}

void *tls_new(const char *dir, const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = key ? certificate(key, name) : NULL;
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (!x || !ctx || !SSL_CTX_use_certificate(ctx, x) || !SSL_CTX_use_PrivateKey(ctx, key) ||
        !save(dir, x)) {
        fprintf(stderr, "hilo-sim-smsc: no certificate for %s in %s\n", name, dir);
        SSL_CTX_free(ctx);
        ctx = NULL;
    }
    if (ctx)
        SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    X509_free(x);
    EVP_PKEY_free(key);
    return ctx;
}

void tls_free(void *ctx)
{
    SSL_CTX_free(ctx);
}
