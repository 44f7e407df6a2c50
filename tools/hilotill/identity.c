/*
 * Who this till is: identity.pem holds the gateway's address, the key, the certificate and the pinned CA in
 * one file, so that an enrolment or a renewal takes effect at once or not at all. pending.pem is the key of
 * a request that is not answered yet: were it only in memory, a lost answer would be a used-up code.
 */
#include "till.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IDENTITY_MAX = 65536 };
static const char uri_prefix[] = "urn:hilo:pos:";

/* ---- files --------------------------------------------------------------------------------------- */

static int identity__errno(bool spanish, const char *path, struct hilotill_error *e)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return till_fail(e, HILOTILL_EFULL,
                         TILL_SAY(spanish, "the disk is full (%s): delete something, then do it again",
                                  "el disco está lleno (%s): borre algo y repita la operación"),
                         path);
    return till_fail(
        e, HILOTILL_EDISK,
        TILL_SAY(spanish, "%s can't be read or written: %s", "%s no se puede leer o escribir: %s"), path,
        strerror(errno));
}

static int identity__damaged(bool spanish, const char *path, struct hilotill_error *e)
{
    ERR_clear_error();
    return till_fail(e, HILOTILL_EDAMAGED,
                     TILL_SAY(spanish, "%s is damaged: move it away and enrol this till again",
                              "%s está dañado: retírelo y vuelva a inscribir esta caja"),
                     path);
}

static int identity__nomem(bool spanish, struct hilotill_error *e)
{
    ERR_clear_error();
    return till_fail(e, HILOTILL_ENOMEM, TILL_SAY(spanish, "out of memory", "no hay memoria suficiente"));
}

static void identity__path(const char *folder, const char *name, char out[4096])
{
    snprintf(out, 4096, "%s/%s", folder, name);
}

/* A new file, synced, renamed over the old one, and its folder synced. */
static int identity__write(const char *folder, const char *name, BIO *bytes, bool spanish,
                           struct hilotill_error *e)
{
    char path[4096], fresh[4096];
    char *p;
    long n = BIO_get_mem_data(bytes, &p);
    int fd = -1, dir = -1, rc = HILOTILL_OK;

    identity__path(folder, name, path);
    snprintf(fresh, sizeof fresh, "%s/%s.new", folder, name);
    if (unlink(fresh) != 0 && errno != ENOENT)
        goto fail;
    fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        goto fail;
    while (n > 0) {
        ssize_t w = write(fd, p, (size_t)n);

        if (w < 0)
            goto fail;
        p += w;
        n -= w;
    }
    dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || fsync(fd) != 0 || rename(fresh, path) != 0 || fsync(dir) != 0)
        goto fail;
    goto out;
fail:
    rc = identity__errno(spanish, path, e);
    if (fd >= 0)
        unlink(fresh);
out:
    if (fd >= 0)
        close(fd);
    if (dir >= 0)
        close(dir);
    return rc;
}

/* The file's bytes; ENOTENROLLED if there is none. A key that others can read is no secret. */
static int identity__read(const char *folder, const char *name, bool spanish, BIO **out,
                          struct hilotill_error *e)
{
    char path[4096], buf[4096];
    BIO *bytes = NULL;
    struct stat st;
    ssize_t n = 0;
    int fd, rc;

    identity__path(folder, name, path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return till_fail(
            e, HILOTILL_ENOTENROLLED,
            TILL_SAY(spanish,
                     "this till is not enrolled: ask for a code (hilo pos enroll) and enrol it with that",
                     "esta caja no está inscrita: pida un código (hilo pos enroll) e inscríbala con él"));
    if (fd < 0 || fstat(fd, &st) != 0) {
        rc = identity__errno(spanish, path, e);
        goto out;
    }
    if (st.st_mode & 077) {
        rc = till_fail(
            e, HILOTILL_EDISK,
            TILL_SAY(spanish, "%s can be read by others: chmod 600 it, or enrol again if others had access",
                     "otros pueden leer %s: use chmod 600, o inscriba de nuevo si otros tuvieron acceso"),
            path);
        goto out;
    }
    if (st.st_size > IDENTITY_MAX) {
        rc = identity__damaged(spanish, path, e);
        goto out;
    }
    if (!(bytes = BIO_new(BIO_s_mem()))) {
        rc = identity__nomem(spanish, e);
        goto out;
    }
    while ((n = read(fd, buf, sizeof buf)) > 0)
        if (BIO_write(bytes, buf, (int)n) != n) {
            rc = identity__nomem(spanish, e);
            goto out;
        }
    if (n < 0) {
        rc = identity__errno(spanish, path, e);
        goto out;
    }
    OPENSSL_cleanse(buf, sizeof buf);
    *out = bytes;
    bytes = NULL;
    rc = HILOTILL_OK;
out:
    BIO_free(bytes);
    if (fd >= 0)
        close(fd);
    return rc;
}

/* ---- certificates ------------------------------------------------------------------------------------- */

/* No passphrase is ever asked for at a terminal. */
static int identity__no_passphrase(char *buf, int size, int rwflag, void *arg)
{
    (void)buf, (void)size, (void)rwflag, (void)arg;
    return -1;
}

static X509 *identity__x509(BIO *bytes)
{
    return PEM_read_bio_X509(bytes, NULL, identity__no_passphrase, NULL);
}

static bool identity__ca_read(BIO *bytes, STACK_OF(X509) * *out)
{
    STACK_OF(X509) *ca = sk_X509_new_null();
    X509 *x;

    while (ca && (x = identity__x509(bytes)))
        if (!sk_X509_push(ca, x)) {
            X509_free(x);
            break;
        }
    ERR_clear_error();
    if (ca && sk_X509_num(ca) > 0) {
        *out = ca;
        return true;
    }
    sk_X509_pop_free(ca, X509_free);
    return false;
}

/* "urn:hilo:pos:STORE:TERMINAL" among the certificate's names. */
static bool identity__names(X509 *x, char store[33], char terminal[33])
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    bool found = false;
    int i;

    for (i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
        const ASN1_IA5STRING *s = g->type == GEN_URI ? g->d.uniformResourceIdentifier : NULL;
        const char *p = s ? (const char *)ASN1_STRING_get0_data(s) : NULL, *colon;
        size_t n = s ? (size_t)ASN1_STRING_length(s) : 0, skip = sizeof uri_prefix - 1;

        if (n <= skip || memcmp(p, uri_prefix, skip) != 0 || !(colon = memchr(p + skip, ':', n - skip)))
            continue;
        p += skip;
        n -= skip;
        if (colon - p < 1 || colon - p > 32 || n - (size_t)(colon - p) < 2 || n - (size_t)(colon - p) > 33)
            continue;
        snprintf(store, 33, "%.*s", (int)(colon - p), p);
        snprintf(terminal, 33, "%.*s", (int)(n - (size_t)(colon - p) - 1), colon + 1);
        found = true;
    }
    GENERAL_NAMES_free(names);
    return found;
}

static int64_t identity__time(const ASN1_TIME *t)
{
    struct tm tm = {0};

    return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* ---- identity.pem
 * ------------------------------------------------------------------------------------------ */

/* "Gateway: host:port", the first line. */
static bool identity__header(BIO *bytes, char **out)
{
    static const char name[] = "Gateway: ";
    char line[512];
    int n = BIO_gets(bytes, line, sizeof line);

    if (n <= (int)sizeof name || line[n - 1] != '\n' || strncmp(line, name, sizeof name - 1) != 0)
        return false;
    line[n - 1] = 0;
    *out = strdup(line + sizeof name - 1);
    return *out != NULL;
}

int till_identity_load(const char *folder, bool spanish, struct till_identity *out, struct hilotill_error *e)
{
    struct till_identity id = {0};
    BIO *bytes = NULL;
    char path[4096];
    int rc = identity__read(folder, "identity.pem", spanish, &bytes, e);

    if (rc != HILOTILL_OK)
        return rc;
    if (!identity__header(bytes, &id.host) ||
        !(id.key = PEM_read_bio_PrivateKey(bytes, NULL, identity__no_passphrase, NULL)) ||
        !(id.certificate = identity__x509(bytes)) || !identity__ca_read(bytes, &id.ca) ||
        X509_check_private_key(id.certificate, id.key) != 1 ||
        !identity__names(id.certificate, id.store, id.terminal)) {
        identity__path(folder, "identity.pem", path);
        rc = identity__damaged(spanish, path, e);
        goto out;
    }
    id.begins = identity__time(X509_get0_notBefore(id.certificate));
    id.ends = identity__time(X509_get0_notAfter(id.certificate));
    *out = id;
    id = (struct till_identity){0};
out:
    BIO_free(bytes);
    till_identity_done(&id);
    return rc;
}

void till_identity_done(struct till_identity *id)
{
    EVP_PKEY_free(id->key);
    X509_free(id->certificate);
    sk_X509_pop_free(id->ca, X509_free);
    free(id->host);
    *id = (struct till_identity){0};
}

int till_identity_save(const char *folder, bool spanish, EVP_PKEY *key, const char *certificate,
                       const char *ca, const char *host, struct hilotill_error *e)
{
    BIO *c = BIO_new_mem_buf(certificate, -1), *a = BIO_new_mem_buf(ca, -1), *bytes = BIO_new(BIO_s_mem());
    STACK_OF(X509) *trusted = NULL;
    X509 *x = c ? identity__x509(c) : NULL;
    char store[33], terminal[33], path[4096];
    bool ok;
    int rc, i;

    if (!a || !bytes) {
        rc = identity__nomem(spanish, e);
        goto out;
    }
    if (!x || !identity__ca_read(a, &trusted) || X509_check_private_key(x, key) != 1 ||
        !identity__names(x, store, terminal)) {
        ERR_clear_error();
        rc = till_fail(
            e, HILOTILL_ETRUST,
            TILL_SAY(spanish,
                     "the gateway sent a certificate that is not this till's; ask who runs the gateway",
                     "la pasarela envió un certificado que no es de esta caja; consulte a quien la opera"));
        goto out;
    }
    ok = BIO_printf(bytes, "Gateway: %s\n", host) > 0 &&
         PEM_write_bio_PrivateKey(bytes, key, NULL, NULL, 0, NULL, NULL) == 1 &&
         PEM_write_bio_X509(bytes, x) == 1;
    for (i = 0; ok && i < sk_X509_num(trusted); i++)
        ok = PEM_write_bio_X509(bytes, sk_X509_value(trusted, i)) == 1;
    rc = ok ? identity__write(folder, "identity.pem", bytes, spanish, e) : identity__nomem(spanish, e);
    if (rc == HILOTILL_OK) {
        /* Left over it would only be used for the next request, and then be a new key all the same. */
        identity__path(folder, "pending.pem", path);
        unlink(path);
    }
out:
    BIO_free(c);
    BIO_free(a);
    BIO_free(bytes);
    X509_free(x);
    sk_X509_pop_free(trusted, X509_free);
    return rc;
}

int till_identity_keep(const char *folder, bool spanish, struct hilotill_error *e)
{
    char now[4096], before[4096];

    identity__path(folder, "identity.pem", now);
    identity__path(folder, "previous.pem", before);
    if ((unlink(before) != 0 && errno != ENOENT) || link(now, before) != 0)
        return identity__errno(spanish, before, e);
    return HILOTILL_OK;
}

void till_identity_settled(const char *folder)
{
    char before[4096];

    identity__path(folder, "previous.pem", before);
    unlink(before); /* left over it would be tried once more, in vain */
}

int till_identity_back(const char *folder, bool spanish, struct hilotill_error *e)
{
    char now[4096], before[4096];

    identity__path(folder, "identity.pem", now);
    identity__path(folder, "previous.pem", before);
    if (rename(before, now) == 0)
        return HILOTILL_OK;
    return errno == ENOENT ? HILOTILL_ENOTENROLLED : identity__errno(spanish, before, e);
}

/* ---- a request for a certificate
 * ---------------------------------------------------------------------------- */

int till_identity_pending(const char *folder, bool spanish, EVP_PKEY **out, struct hilotill_error *e)
{
    BIO *bytes = NULL;
    EVP_PKEY *key = NULL;
    int rc = identity__read(folder, "pending.pem", spanish, &bytes, NULL);

    if (rc == HILOTILL_OK)
        key = PEM_read_bio_PrivateKey(bytes, NULL, identity__no_passphrase, NULL);
    BIO_free(bytes);
    bytes = NULL;
    ERR_clear_error();
    if (key) { /* one that can't be read is replaced */
        *out = key;
        return HILOTILL_OK;
    }
    if (!(key = EVP_EC_gen("P-256")) || !(bytes = BIO_new(BIO_s_mem())) ||
        PEM_write_bio_PrivateKey(bytes, key, NULL, NULL, 0, NULL, NULL) != 1)
        rc = identity__nomem(spanish, e);
    else
        rc = identity__write(folder, "pending.pem", bytes, spanish, e);
    if (rc == HILOTILL_OK)
        *out = key;
    else
        EVP_PKEY_free(key);
    BIO_free(bytes);
    return rc;
}

int till_identity_csr(bool spanish, EVP_PKEY *key, char **pem_out, struct hilotill_error *e)
{
    X509_REQ *req = X509_REQ_new();
    BIO *bytes = BIO_new(BIO_s_mem());
    char *p, *pem = NULL;
    long n;

    /* The gateway decides about the name: what stands here does not matter. */
    if (req && bytes &&
        X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_ASC,
                                   (const unsigned char *)"hilo-till", -1, -1, 0) == 1 &&
        X509_REQ_set_pubkey(req, key) == 1 && X509_REQ_sign(req, key, EVP_sha256()) > 0 &&
        PEM_write_bio_X509_REQ(bytes, req) == 1 && (n = BIO_get_mem_data(bytes, &p)) > 0)
        pem = strndup(p, (size_t)n);
    X509_REQ_free(req);
    BIO_free(bytes);
    if (!pem)
        return identity__nomem(spanish, e);
    *pem_out = pem;
    return HILOTILL_OK;
}
