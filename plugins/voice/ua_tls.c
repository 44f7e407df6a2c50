/*
 * TLS material (ua_tls.h).
 *
 * Sofia reads one certificate of agent.pem; those of its issuers go into cafile.pem, whence OpenSSL completes
 * the chain that it sends. They verify no peer by being there: an issuer is an anchor only if it signed
 * itself. SPDX-License-Identifier: Apache-2.0
 */
#include "ua_tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const names[] = {"agent.pem", "cafile.pem"};

static void words(char why[256], const char *what)
{
    unsigned long code = ERR_get_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    (void)snprintf(why, 256, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
}

/* Sofia makes its contexts with OpenSSL's defaults; below TLS 1.2 they must not go (RFC 8996). OpenSSL 3 does
 * not unless its security level is 0. */
static bool modern(char why[256])
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    bool ok =
        ctx && (SSL_CTX_get_min_proto_version(ctx) >= TLS1_2_VERSION || SSL_CTX_get_security_level(ctx) > 0);

    if (!ok)
        (void)snprintf(why, 256,
                       "OpenSSL allows TLS below 1.2 here; set MinProtocol = TLSv1.2 or SECLEVEL 1 "
                       "in openssl.cnf");
    SSL_CTX_free(ctx);
    return ok;
}

static bool put(const char *dir, const char *name, BIO *text, char why[256])
{
    char path[UA_TLS_DIR + 16];
    char *p = NULL;
    long n = BIO_get_mem_data(text, &p);
    int fd;
    bool ok;

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    ok = fd >= 0 && write(fd, p, (size_t)n) == n;
    if (!ok)
        (void)snprintf(why, 256, "%.150s: %s", path, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

bool ua_tls_write(const struct ua_conf *c, char dir[UA_TLS_DIR], char why[256])
{
    const char *tmp = getenv("TMPDIR");
    BIO *cert = BIO_new_mem_buf(c->tls_cert.p, (int)c->tls_cert.n);
    BIO *key = BIO_new_mem_buf(c->tls_key.p, (int)c->tls_key.n);
    BIO *agent = BIO_new(BIO_s_mem()), *ca = BIO_new(BIO_s_mem());
    X509 *own = NULL, *more;
    EVP_PKEY *pkey = NULL;
    bool ok = false;

    dir[0] = '\0';
    if (!modern(why))
        goto out;
    if (c->tls_cert.n == 0 || c->tls_key.n == 0) {
        (void)snprintf(why, 256, "TLS needs a certificate and its key; give both, as PEM");
        goto out;
    }
    own = PEM_read_bio_X509(cert, NULL, NULL, NULL);
    if (!own) {
        words(why, "the TLS certificate is no PEM certificate");
        goto out;
    }
    pkey = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);
    if (!pkey) {
        words(why, "the TLS key is no PEM private key without a password");
        goto out;
    }
    if (X509_check_private_key(own, pkey) != 1) {
        words(why, "the TLS key is not the certificate's");
        goto out;
    }
    ok = PEM_write_bio_X509(agent, own) == 1 &&
         PEM_write_bio_PrivateKey(agent, pkey, NULL, NULL, 0, NULL, NULL) == 1;
    while (ok && (more = PEM_read_bio_X509(cert, NULL, NULL, NULL))) {
        ok = PEM_write_bio_X509(ca, more) == 1;
        X509_free(more);
    }
    ERR_clear_error(); /* the end of the text is an error to PEM_read */
    if (ok && c->tls_ca.n)
        ok = BIO_write(ca, c->tls_ca.p, (int)c->tls_ca.n) == (int)c->tls_ca.n && BIO_write(ca, "\n", 1) == 1;
    if (!ok) {
        words(why, "TLS material");
        goto out;
    }
    ok = false;
    if ((size_t)snprintf(dir, UA_TLS_DIR, "%s/hilo-voice-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp") >=
            UA_TLS_DIR - 16 ||
        !mkdtemp(dir)) {
        (void)snprintf(why, 256, "no folder for TLS files below %s: %s", tmp ? tmp : "/tmp", strerror(errno));
        dir[0] = '\0';
        goto out;
    }
    ok = put(dir, names[0], agent, why) && (BIO_pending(ca) == 0 || put(dir, names[1], ca, why));
    if (!ok)
        ua_tls_remove(dir);
out:
    X509_free(own);
    EVP_PKEY_free(pkey);
    BIO_free(cert);
    BIO_free(key);
    BIO_free(agent);
    BIO_free(ca);
    return ok;
}

void ua_tls_remove(const char dir[UA_TLS_DIR])
{
    if (!dir[0])
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[UA_TLS_DIR + 16];

        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}
