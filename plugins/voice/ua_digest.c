/*
 * Digest (ua_digest.h).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ua_digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include "ua_text.h"

/* The hash of the n texts with ':' between them, in hex. */
static bool hash(enum ua_digest_algorithm a, const struct hilo_str *s, size_t n, char out[UA_DIGEST_HEX])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char d[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestInit_ex(ctx, a == UA_DIGEST_MD5 ? EVP_md5() : EVP_sha256(), NULL) == 1;

    for (size_t i = 0; ok && i < n; i++)
        ok = (i == 0 || EVP_DigestUpdate(ctx, ":", 1) == 1) && EVP_DigestUpdate(ctx, s[i].p, s[i].n) == 1;
    ok = ok && EVP_DigestFinal_ex(ctx, d, &len) == 1;
    EVP_MD_CTX_free(ctx);
    for (unsigned i = 0; ok && i < len; i++) {
        out[2 * i] = hex[d[i] >> 4];
        out[2 * i + 1] = hex[d[i] & 15];
    }
    out[ok ? 2 * len : 0] = '\0';
    return ok;
}

bool ua_digest_ha1(enum ua_digest_algorithm a, struct hilo_str user, struct hilo_str realm,
                   struct hilo_str secret, char out[UA_DIGEST_HEX])
{
    return hash(a, (const struct hilo_str[]){user, realm, secret}, 3, out);
}

bool ua_digest_answer(const struct ua_digest *c, struct hilo_str user, struct hilo_str secret,
                      const char *method, const char *uri, const char *cnonce, uint32_t nc, char *out,
                      size_t n)
{
    char ha1[UA_DIGEST_HEX], ha2[UA_DIGEST_HEX], response[UA_DIGEST_HEX], count[9], tail[256];
    bool ok;

    if (c->algorithm == UA_DIGEST_NONE || (c->qop && !c->qop_auth))
        return false;
    (void)snprintf(count, sizeof count, "%08x", (unsigned)nc);
    ok = ua_digest_ha1(c->algorithm, user, c->realm, secret, ha1) &&
         hash(c->algorithm, (const struct hilo_str[]){ua_str(method), ua_str(uri)}, 2, ha2) &&
         (c->qop_auth ? hash(c->algorithm,
                             (const struct hilo_str[]){ua_str(ha1), c->nonce, ua_str(count), ua_str(cnonce),
                                                       ua_str("auth"), ua_str(ha2)},
                             6, response)
                      : hash(c->algorithm, (const struct hilo_str[]){ua_str(ha1), c->nonce, ua_str(ha2)}, 3,
                             response));
    if (!ok)
        return false;
    (void)snprintf(tail, sizeof tail, "\", response=\"%s\", algorithm=%s", response,
                   c->algorithm == UA_DIGEST_MD5 ? "MD5" : "SHA-256");
    out[0] = '\0';
    ok = ua_put(out, n, ua_str("Digest username=")) && ua_put_quoted(out, n, user) &&
         ua_put(out, n, ua_str(", realm=")) && ua_put_quoted(out, n, c->realm) &&
         ua_put(out, n, ua_str(", nonce=")) && ua_put_quoted(out, n, c->nonce) &&
         ua_put(out, n, ua_str(", uri=\"")) && ua_put(out, n, ua_str(uri)) && ua_put(out, n, ua_str(tail)) &&
         (c->opaque.p == NULL || (ua_put(out, n, ua_str(", opaque=")) && ua_put_quoted(out, n, c->opaque)));
    if (ok && c->qop_auth) {
        (void)snprintf(tail, sizeof tail, ", qop=auth, nc=%s, cnonce=\"%s\"", count, cnonce);
        ok = ua_put(out, n, ua_str(tail));
    }
    return ok;
}
