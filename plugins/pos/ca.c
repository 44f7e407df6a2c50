/*
 * Certificates are made here and nowhere else. A request for one is trusted in nothing but its public key,
 * and in that only because its signature shows that whoever asks has the private one. OpenSSL's queue of
 * errors is empty when a function returns. SPDX-License-Identifier: Apache-2.0
 */
#include "ca.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Clocks of tills go wrong: a certificate is good from a little before it was made. */
#define CA_SKEW_US   (INT64_C(300) * 1000000)
#define CA_YEARS_US  (INT64_C(3652) * 86400 * 1000000)
#define CA_URI       "urn:hilo:pos:"
#define CA_SECOND_US INT64_C(1000000)

/* ---- small things ------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static int32_t ca_words(char why[POS_CA_WORDS], const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(why, POS_CA_WORDS, format, ap);
    va_end(ap);
    ERR_clear_error();
    return HILO_CONFIG;
}

/* Nobody sits at a terminal of the daemon's to type a pass phrase. */
static int ca_no_pass_phrase(char *buf, int size, int rwflag, void *arg)
{
    (void)buf, (void)size, (void)rwflag, (void)arg;
    return -1;
}

static BIO *ca_bio(struct hilo_str s)
{
    return s.n <= INT_MAX ? BIO_new_mem_buf(s.n ? s.p : "", (int)s.n) : NULL;
}

void pos_pair_done(struct pos_pair *p)
{
    X509_free(p->cert);
    EVP_PKEY_free(p->key);
    sk_X509_pop_free(p->above, X509_free);
    memset(p, 0, sizeof *p);
}

int32_t pos_pair_read(struct hilo_str certs, struct hilo_str key, struct pos_pair *out,
                      char why[POS_CA_WORDS])
{
    struct pos_pair p = {0};
    BIO *c = ca_bio(certs), *k = ca_bio(key);
    int32_t rc = HILO_OK;
    X509 *more;

    ERR_clear_error();
    p.cert = c ? PEM_read_bio_X509(c, NULL, ca_no_pass_phrase, NULL) : NULL;
    p.key = k ? PEM_read_bio_PrivateKey(k, NULL, ca_no_pass_phrase, NULL) : NULL;
    p.above = sk_X509_new_null();
    if (!p.cert)
        rc = ca_words(why, "holds no certificate in PEM");
    else if (!p.key)
        rc = ca_words(why, "has a key that is none in PEM, or that has a pass phrase: give it without");
    else if (X509_check_private_key(p.cert, p.key) != 1)
        rc = ca_words(why, "has a key that is not that of its (first) certificate");
    while (rc == HILO_OK && (more = PEM_read_bio_X509(c, NULL, ca_no_pass_phrase, NULL)))
        if (!p.above || !sk_X509_push(p.above, more)) {
            X509_free(more);
            rc = ca_words(why, "can't be read for lack of memory");
        }
    ERR_clear_error(); /* the end of the text is an error to PEM_read */
    BIO_free(c);
    BIO_free(k);
    if (rc == HILO_OK)
        *out = p;
    else
        pos_pair_done(&p);
    return rc;
}

void pos_ca_hex(const uint8_t *p, size_t n, char *out)
{
    size_t i;

    for (i = 0; i < n; i++) {
        out[2 * i] = "0123456789abcdef"[p[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
    }
    out[2 * n] = '\0';
}

static char *ca_text_of(BIO *bio, int written)
{
    char *data, *out = NULL;
    long n;

    if (bio && written == 1) {
        n = BIO_get_mem_data(bio, &data);
        out = n > 0 ? malloc((size_t)n + 1) : NULL;
        if (out) {
            memcpy(out, data, (size_t)n);
            out[n] = '\0';
        }
    }
    BIO_free(bio);
    ERR_clear_error();
    return out;
}

char *pos_ca_pem(X509 *x)
{
    BIO *bio = BIO_new(BIO_s_mem());

    return ca_text_of(bio, bio ? PEM_write_bio_X509(bio, x) : 0);
}

char *pos_ca_key_pem(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_secmem());

    return ca_text_of(bio, bio ? PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) : 0);
}

static int64_t ca_time_of(const ASN1_TIME *t)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;
    int64_t us = INT64_MIN;

    if (epoch && t && ASN1_TIME_diff(&days, &seconds, epoch, t) == 1)
        us = ((int64_t)days * 86400 + seconds) * CA_SECOND_US;
    ASN1_TIME_free(epoch);
    return us;
}

int64_t pos_ca_begins(const X509 *x)
{
    return ca_time_of(X509_get0_notBefore(x));
}

int64_t pos_ca_ends(const X509 *x)
{
    return ca_time_of(X509_get0_notAfter(x));
}

bool pos_ca_key_of(X509 *x, uint8_t out[POS_CA_KEY])
{
    unsigned char *der = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    bool ok = n > 0 && EVP_Digest(der, (size_t)n, out, NULL, EVP_sha256(), NULL) == 1;

    OPENSSL_free(der);
    ERR_clear_error();
    return ok;
}

bool pos_ca_terminal_name(struct hilo_str s)
{
    uint64_t i;

    for (i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && c != '_' &&
            c != '.' && c != '-')
            return false;
    }
    return s.n > 0 && s.n <= POS_CA_NAME;
}

/* "urn:hilo:pos:STORE:TERMINAL"; 0: it is another's URI, -1: ours, and malformed. */
static int ca_uri(const ASN1_IA5STRING *uri, char *store, char *terminal)
{
    struct hilo_str s = {(const char *)ASN1_STRING_get0_data(uri), (uint64_t)ASN1_STRING_length(uri)}, t;
    const size_t head = sizeof CA_URI - 1;
    const char *colon;

    if (s.n < head || memcmp(s.p, CA_URI, head) != 0)
        return 0;
    s.p += head;
    s.n -= head;
    colon = s.n ? memchr(s.p, ':', s.n) : NULL;
    if (!colon)
        return -1;
    t = (struct hilo_str){colon + 1, s.n - (uint64_t)(colon - s.p) - 1};
    s.n = (uint64_t)(colon - s.p);
    if (!pos_ca_terminal_name(s) || !pos_ca_terminal_name(t))
        return -1;
    memcpy(store, s.p, s.n);
    store[s.n] = '\0';
    memcpy(terminal, t.p, t.n);
    terminal[t.n] = '\0';
    return 1;
}

bool pos_ca_terminal_of(X509 *x, char *store, char *terminal)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    int i, one, ours = 0;

    for (i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        one = name->type == GEN_URI ? ca_uri(name->d.uniformResourceIdentifier, store, terminal) : 0;
        ours = one < 0 ? 2 : ours + one;
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return ours == 1;
}

/* ---- making one ---------------------------------------------------------------------------------------- */

static bool ca_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;
    bool ok;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    ok = e && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    return ok;
}

/* 127 random bits: never negative, never zero but by a chance that nobody will see. */
static bool ca_serial(X509 *x, char text[POS_CA_SERIAL])
{
    uint8_t bytes[16];
    BIGNUM *n;
    bool ok;

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40);
    n = BN_bin2bn(bytes, sizeof bytes, NULL);
    ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
    BN_free(n);
    pos_ca_hex(bytes, sizeof bytes, text);
    return ok;
}

static bool ca_times(X509 *x, int64_t from_us, int64_t to_us)
{
    return ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(from_us / CA_SECOND_US)) &&
           ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(to_us / CA_SECOND_US));
}

static bool ca_common_name(X509 *x, const char *text)
{
    /* RFC 5280 ends a common name at 64; the SAN is what counts. */
    size_t n = strlen(text) < 64 ? strlen(text) : 64;

    return X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                                      (const unsigned char *)text, (int)n, -1, 0) == 1;
}

/* What Ed25519 and Ed448 sign has its digest within. */
static const EVP_MD *ca_digest(EVP_PKEY *key)
{
    int nid = NID_undef;

    if (EVP_PKEY_get_default_digest_nid(key, &nid) == 2 && nid == NID_undef)
        return NULL;
    return EVP_sha256();
}

/* A certificate without extensions that say what it is for, unsigned. Not longer than its issuer's. */
static X509 *ca_blank(EVP_PKEY *key, X509 *issuer, const char *name, int64_t now_us, int64_t lifetime_us,
                      char serial[POS_CA_SERIAL])
{
    X509 *x = X509_new();
    int64_t from = now_us - CA_SKEW_US, to = now_us + lifetime_us;

    if (issuer && to > pos_ca_ends(issuer))
        to = pos_ca_ends(issuer);
    if (issuer && from < pos_ca_begins(issuer))
        from = pos_ca_begins(issuer);
    if (x && X509_set_version(x, X509_VERSION_3) == 1 && ca_serial(x, serial) && ca_times(x, from, to) &&
        ca_common_name(x, name) &&
        X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : X509_get_subject_name(x)) == 1 &&
        X509_set_pubkey(x, key) == 1 &&
        ca_extension(x, issuer ? issuer : x, NID_subject_key_identifier, "hash"))
        return x;
    X509_free(x);
    return NULL;
}

int32_t pos_ca_make(const char *label, int64_t now_us, struct pos_pair *out)
{
    struct pos_pair p = {0};
    char serial[POS_CA_SERIAL], name[128];

    ERR_clear_error();
    (void)snprintf(name, sizeof name, "Hilo POS %.40s", label);
    p.key = EVP_EC_gen("P-256");
    p.cert = p.key ? ca_blank(p.key, NULL, name, now_us, CA_YEARS_US, serial) : NULL;
    if (!p.cert || !ca_extension(p.cert, p.cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
        !ca_extension(p.cert, p.cert, NID_key_usage, "critical,keyCertSign,cRLSign") ||
        X509_sign(p.cert, p.key, EVP_sha256()) <= 0) {
        pos_pair_done(&p);
        ERR_clear_error();
        return HILO_NOMEM;
    }
    *out = p;
    return HILO_OK;
}

int32_t pos_ca_check(const struct pos_pair *ca, int64_t now_us, char why[POS_CA_WORDS])
{
    if (X509_check_ca(ca->cert) != 1)
        return ca_words(why, "is no certificate of an authority (basicConstraints CA:TRUE)");
    if (!(X509_get_key_usage(ca->cert) & KU_KEY_CERT_SIGN))
        return ca_words(why, "may not sign certificates (keyUsage keyCertSign)");
    if (now_us >= pos_ca_ends(ca->cert))
        return ca_words(why, "has expired");
    if (now_us + CA_SKEW_US < pos_ca_begins(ca->cert))
        return ca_words(why, "is not valid yet: look at this machine's clock");
    return HILO_OK;
}

/* ---- a terminal's ----------------------------------------------------------------------------------------
 */

/* NULL: it is one that we certify. */
static const char *ca_key_refused(EVP_PKEY *key)
{
    char group[32] = "";
    int explicit = 0;

    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_EC:
        if (EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1)
            group[0] = '\0';
        if (strcmp(group, "prime256v1") != 0 && strcmp(group, "P-256") != 0 &&
            strcmp(group, "secp384r1") != 0 && strcmp(group, "P-384") != 0)
            return "its key is of another curve than P-256 or P-384";
        /* The curve by its numbers instead of its name: TLS refuses such certificates (RFC 5480). */
        if (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit) == 1 &&
            explicit)
            return "its key gives the curve by parameters instead of its name";
        return NULL;
    case EVP_PKEY_RSA:
        return EVP_PKEY_get_bits(key) < 2048 || EVP_PKEY_get_bits(key) > 4096
                   ? "its RSA key has not 2048 to 4096 bits"
                   : NULL;
    case EVP_PKEY_ED25519:
        return NULL;
    default:
        return "its key is of a kind that is not taken: make an EC key of P-256";
    }
}

/* The key of a request that is its own; NULL: why not. */
static X509_REQ *ca_request(struct hilo_str csr, const char **why_out)
{
    BIO *bio = csr.n <= POS_CA_CSR_MAX ? ca_bio(csr) : NULL;
    X509_REQ *r = bio ? PEM_read_bio_X509_REQ(bio, NULL, ca_no_pass_phrase, NULL) : NULL;
    EVP_PKEY *key = r ? X509_REQ_get0_pubkey(r) : NULL;

    BIO_free(bio);
    if (!r)
        *why_out = "it is no certificate request in PEM";
    else if (!key)
        *why_out = "its key can't be read";
    else if ((*why_out = ca_key_refused(key)) == NULL && X509_REQ_verify(r, key) != 1)
        *why_out = "its signature is not that of its key";
    if (r && *why_out) {
        X509_REQ_free(r);
        r = NULL;
    }
    return r;
}

int32_t pos_ca_sign(const struct pos_pair *ca, struct hilo_str csr, const char *store, const char *terminal,
                    int64_t now_us, int64_t lifetime_us, struct pos_issued *out, const char **why_out)
{
    const char *why = NULL;
    struct pos_issued made = {.issued_us = now_us};
    X509_REQ *request;
    int32_t rc = HILO_NOMEM;
    X509 *x = NULL;
    char name[2 * POS_CA_NAME + 2], uri[128];

    ERR_clear_error();
    request = ca_request(csr, &why);
    if (!request) {
        ERR_clear_error();
        *why_out = why;
        return HILO_INVALID;
    }
    (void)snprintf(name, sizeof name, "%s/%s", store, terminal);
    (void)snprintf(uri, sizeof uri, "URI:" CA_URI "%s:%s", store, terminal);
    x = ca_blank(X509_REQ_get0_pubkey(request), ca->cert, name, now_us, lifetime_us, made.serial);
    if (x && ca_extension(x, ca->cert, NID_authority_key_identifier, "keyid") &&
        ca_extension(x, ca->cert, NID_basic_constraints, "critical,CA:FALSE") &&
        ca_extension(x, ca->cert, NID_key_usage, "critical,digitalSignature") &&
        ca_extension(x, ca->cert, NID_ext_key_usage, "clientAuth") &&
        ca_extension(x, ca->cert, NID_subject_alt_name, uri) &&
        X509_sign(x, ca->key, ca_digest(ca->key)) > 0 && pos_ca_key_of(x, made.key)) {
        made.expires_us = pos_ca_ends(x);
        made.pem = pos_ca_pem(x);
        if (made.pem) {
            *out = made;
            rc = HILO_OK;
        }
    }
    X509_free(x);
    X509_REQ_free(request);
    ERR_clear_error();
    return rc;
}

/* ---- the server's
 * ------------------------------------------------------------------------------------------ */

bool pos_ca_name_next(struct hilo_str *rest, struct hilo_str *name_out)
{
    uint64_t i = 0, from;

    while (i < rest->n && strchr(", \t\n", rest->p[i] ? rest->p[i] : 'x'))
        i++;
    for (from = i; i < rest->n && !strchr(", \t\n", rest->p[i] ? rest->p[i] : 'x'); i++)
        ;
    *name_out = (struct hilo_str){rest->p + from, i - from};
    rest->p += i;
    rest->n -= i;
    return name_out->n > 0;
}

static bool ca_address(struct hilo_str name)
{
    unsigned char bytes[16];
    char text[INET6_ADDRSTRLEN];

    if (name.n == 0 || name.n >= sizeof text)
        return false;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

bool pos_ca_name_good(struct hilo_str name)
{
    uint64_t i, label = 0;

    if (ca_address(name))
        return true;
    for (i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
        } else if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
                   c != '-') {
            return false;
        } else if (++label > 63) {
            return false;
        }
    }
    return label > 0 && name.n <= 253;
}

/* "DNS:a.example,IP:10.0.0.5"; names are good, so nothing in them means anything to OpenSSL's grammar. */
static char *ca_alt_names(struct hilo_str names, char why[POS_CA_WORDS], int32_t *rc)
{
    char *text = malloc(names.n * 5 + 16);
    struct hilo_str one;
    size_t n = 0;

    *rc = HILO_OK;
    while (text && pos_ca_name_next(&names, &one)) {
        if (!pos_ca_name_good(one)) {
            *rc = ca_words(why, "%.*s is neither a DNS name nor an address", (int)(one.n < 64 ? one.n : 64),
                           one.p);
            break;
        }
        n += (size_t)sprintf(text + n, "%s%s:%.*s", n ? "," : "", ca_address(one) ? "IP" : "DNS", (int)one.n,
                             one.p);
    }
    if (text && n == 0 && *rc == HILO_OK)
        *rc = ca_words(why, "has no name");
    if (!text)
        *rc = HILO_NOMEM;
    if (*rc != HILO_OK) {
        free(text);
        text = NULL;
    }
    return text;
}

int32_t pos_ca_server(const struct pos_pair *ca, struct hilo_str names, int64_t now_us, int64_t lifetime_us,
                      struct pos_pair *out, char why[POS_CA_WORDS])
{
    struct pos_pair p = {0};
    struct hilo_str rest = names, first = {"", 0};
    char serial[POS_CA_SERIAL], cn[256], *alt;
    int32_t rc;

    ERR_clear_error();
    alt = ca_alt_names(names, why, &rc);
    if (!alt)
        return rc;
    (void)pos_ca_name_next(&rest, &first);
    (void)snprintf(cn, sizeof cn, "%.*s", (int)(first.n < 64 ? first.n : 64), first.p);
    p.key = EVP_EC_gen("P-256");
    p.cert = p.key ? ca_blank(p.key, ca->cert, cn, now_us, lifetime_us, serial) : NULL;
    p.above = sk_X509_new_null();
    rc = HILO_NOMEM;
    if (p.cert && p.above && ca_extension(p.cert, ca->cert, NID_authority_key_identifier, "keyid") &&
        ca_extension(p.cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE") &&
        ca_extension(p.cert, ca->cert, NID_key_usage, "critical,digitalSignature") &&
        ca_extension(p.cert, ca->cert, NID_ext_key_usage, "serverAuth") &&
        ca_extension(p.cert, ca->cert, NID_subject_alt_name, alt) &&
        X509_sign(p.cert, ca->key, ca_digest(ca->key)) > 0 && X509_up_ref(ca->cert) == 1) {
        if (sk_X509_push(p.above, ca->cert) > 0)
            rc = HILO_OK;
        else
            X509_free(ca->cert);
    }
    free(alt);
    if (rc == HILO_OK)
        *out = p;
    else
        pos_pair_done(&p);
    ERR_clear_error();
    return rc;
}
