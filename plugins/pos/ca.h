/*
 * Certificates: an authority, made or the operator's; terminals' and the server's certificates that it signs;
 * what a certificate says. By OpenSSL 3; times are passed in (Unix time, µs). [any] thread, an authority on
 * one at a time.
 */
#ifndef POS_CA_H
#define POS_CA_H

#include <hilo/types.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

enum { POS_CA_NAME = 32, POS_CA_KEY = 32, POS_CA_SERIAL = 41, POS_CA_WORDS = 256, POS_CA_CSR_MAX = 16384 };

/* A certificate, its key, and the certificates above it that are shown with it. */
struct pos_pair {
    X509 *cert;
    EVP_PKEY *key;
    STACK_OF(X509) * above; /* NULL: none */
};
void pos_pair_done(struct pos_pair *);
/* PEM; the first certificate is the key's. HILO_CONFIG: why says what is wrong, in words that may follow an
 * option's name. A key with a pass phrase is refused, nobody is asked for it. */
int32_t pos_pair_read(struct hilo_str certs, struct hilo_str key, struct pos_pair *out,
                      char why[POS_CA_WORDS]);

/* ---- an authority ------------------------------------------------------------------------------------- */

/* A new one: EC P-256, self-signed for ten years, which may sign certificates of ends only. label: the
 * channel's name, for people. HILO_OK or HILO_NOMEM (OpenSSL failed). */
int32_t pos_ca_make(const char *label, int64_t now_us, struct pos_pair *out);
/* Whether a pair may be one: basicConstraints CA, may sign certificates, is within its time. HILO_OK or
 * HILO_CONFIG. */
int32_t pos_ca_check(const struct pos_pair *, int64_t now_us, char why[POS_CA_WORDS]);

/* A certificate that was made. */
struct pos_issued {
    char *pem; /* free() */
    char serial[POS_CA_SERIAL];
    int64_t issued_us, expires_us;
    uint8_t key[POS_CA_KEY]; /* pos_ca_key_of */
};

/* Signs a terminal's request (PEM): its signature must be its key's own, and the key EC P-256 or P-384, RSA
 * of 2048 to 4096 bits, or Ed25519. What else it asks for is ignored. The certificate: CN "store/terminal",
 * SAN URI urn:hilo:pos:store:terminal, clientAuth, a random serial number, for lifetime_us but not longer
 * than the authority itself. HILO_OK; HILO_INVALID: *why_out is static words about the request; HILO_NOMEM.
 */
int32_t pos_ca_sign(const struct pos_pair *ca, struct hilo_str csr, const char *store, const char *terminal,
                    int64_t now_us, int64_t lifetime_us, struct pos_issued *out, const char **why_out);

/* A new key and certificate of a server that is known by these names ("a.example, 10.0.0.5"), with the
 * authority's certificate above it. HILO_OK, HILO_CONFIG (names; why), HILO_NOMEM. */
int32_t pos_ca_server(const struct pos_pair *ca, struct hilo_str names, int64_t now_us, int64_t lifetime_us,
                      struct pos_pair *out, char why[POS_CA_WORDS]);
/* The next of such names; they are separated by commas, blanks or both. false: no more. */
bool pos_ca_name_next(struct hilo_str *rest, struct hilo_str *name_out);
/* A DNS name (letters, digits, dashes, points; at most 253) or an address. */
bool pos_ca_name_good(struct hilo_str name);

/* ---- what a certificate says -----------------------------------------------------------------------------
 */

/* SHA-256 of its SubjectPublicKeyInfo. false: it has none that can be read. */
bool pos_ca_key_of(X509 *, uint8_t out[POS_CA_KEY]);
/* The store and terminal of its one SAN URI of ours; false: it has none, or several. Buffers have POS_CA_NAME
 * + 1. */
bool pos_ca_terminal_of(X509 *, char *store, char *terminal);
/* [A-Za-z0-9_.-]{1,32} */
bool pos_ca_terminal_name(struct hilo_str);
int64_t pos_ca_begins(const X509 *);
int64_t pos_ca_ends(const X509 *);
/* In PEM; free() it. NULL: no memory. */
char *pos_ca_pem(X509 *);
char *pos_ca_key_pem(EVP_PKEY *);
/* Lower-case hexadecimal of n bytes, NUL-ended. */
void pos_ca_hex(const uint8_t *p, size_t n, char *out);

#endif
