/*
 * X-Hub-Signature-256, and other uses of SHA-256.
 *
 * The MAC is over the bytes as they came: the body has escaped unicode, and
 * writing it again would change it. Comparisons take the same time whatever
 * differs.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/core_names.h>
#include <stdlib.h>
#include <string.h>

enum { SIGNATURE_BYTES = 32 };

static bool signature_unhex(const char *p, uint8_t out[SIGNATURE_BYTES])
{
    unsigned i, v, n;
    char c;

    for (i = 0; i < 2 * SIGNATURE_BYTES; i++) {
        c = p[i];
        if (c >= '0' && c <= '9')
            v = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = (unsigned)(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            v = (unsigned)(c - 'A') + 10;
        else
            return false;
        n = i % 2 ? (unsigned)out[i / 2] << 4 | v : v;
        out[i / 2] = (uint8_t)n;
    }
    return true;
}

static void signature_hex(const uint8_t in[SIGNATURE_BYTES], char out[65])
{
    static const char digit[] = "0123456789abcdef";
    unsigned i;

    for (i = 0; i < SIGNATURE_BYTES; i++) {
        out[2 * i] = digit[in[i] >> 4];
        out[2 * i + 1] = digit[in[i] & 15];
    }
    out[64] = 0;
}

struct wa_signer {
    EVP_MAC_CTX *keyed; /* copied for each check, never used up */
};

struct wa_signer *wa_signer_new(struct hilo_str secret)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    struct wa_signer *s = secret.n ? calloc(1, sizeof *s) : NULL;
    EVP_MAC *hmac = s ? EVP_MAC_fetch(NULL, "HMAC", NULL) : NULL;

    if (hmac)
        s->keyed = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);
    if (s && !(s->keyed && EVP_MAC_init(s->keyed, (const unsigned char *)secret.p, (size_t)secret.n, params)))
        wa_signer_free(&s);
    return s;
}

void wa_signer_free(struct wa_signer **signer)
{
    if (*signer)
        EVP_MAC_CTX_free((*signer)->keyed);
    free(*signer);
    *signer = NULL;
}

bool wa_signature_ok(const struct wa_signer *signer, struct hilo_str body, struct hilo_str header)
{
    static const char prefix[] = "sha256=";
    uint8_t want[SIGNATURE_BYTES], got[SIGNATURE_BYTES];
    EVP_MAC_CTX *ctx;
    size_t n = 0;
    bool made;

    if (!signer || header.n != sizeof prefix - 1 + 2 * SIGNATURE_BYTES ||
        memcmp(header.p, prefix, sizeof prefix - 1) != 0 ||
        !signature_unhex(header.p + sizeof prefix - 1, got))
        return false;
    ctx = EVP_MAC_CTX_dup(signer->keyed);
    made = ctx && EVP_MAC_update(ctx, (const unsigned char *)(body.n ? body.p : ""), (size_t)body.n) &&
           EVP_MAC_final(ctx, want, &n, sizeof want) && n == SIGNATURE_BYTES;
    EVP_MAC_CTX_free(ctx);
    return made && CRYPTO_memcmp(want, got, SIGNATURE_BYTES) == 0;
}

bool wa_secret_eq(struct hilo_str a, struct hilo_str b)
{
    uint8_t x[EVP_MAX_MD_SIZE], y[EVP_MAX_MD_SIZE];

    if (!EVP_Digest(a.n ? a.p : "", a.n, x, NULL, EVP_sha256(), NULL) ||
        !EVP_Digest(b.n ? b.p : "", b.n, y, NULL, EVP_sha256(), NULL))
        return false;
    return CRYPTO_memcmp(x, y, SIGNATURE_BYTES) == 0;
}

bool wa_sha256_hex(struct hilo_str bytes, char out[65])
{
    uint8_t d[EVP_MAX_MD_SIZE];

    if (!EVP_Digest(bytes.n ? bytes.p : "", bytes.n, d, NULL, EVP_sha256(), NULL))
        return false;
    signature_hex(d, out);
    return true;
}

bool wa_sha256_normal(struct hilo_str text, char out[65])
{
    uint8_t d[SIGNATURE_BYTES + 4];

    if (text.n == 2 * SIGNATURE_BYTES) {
        if (!signature_unhex(text.p, d))
            return false;
    } else if (text.n != 44 || text.p[43] != '=' ||
               EVP_DecodeBlock(d, (const unsigned char *)text.p, 44) != SIGNATURE_BYTES + 1) {
        /* 44 characters of base64 with one '=' are 32 bytes and a zero for the padding */
        return false;
    }
    signature_hex(d, out);
    return true;
}
