/* OpenSSL's EVP_MAC; initialized again without a key it keeps the padded key's digests, so a
 * signature costs the hashing of what is signed and one block more. */
#include "services/outbox_sign.h"
#include "base/check.h"
#include "base/str.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

struct outbox_signer {
    EVP_MAC_CTX *mac;
};

void outbox_secret_new(uint8_t out[OUTBOX_SECRET_BYTES])
{
    CHECK(getrandom(out, OUTBOX_SECRET_BYTES, 0) == OUTBOX_SECRET_BYTES);
}

void outbox_secret_text(const uint8_t secret[OUTBOX_SECRET_BYTES], char out[OUTBOX_SECRET_TEXT])
{
    memcpy(out, "whsec_", 6);
    CHECK(EVP_EncodeBlock((unsigned char *)out + 6, secret, OUTBOX_SECRET_BYTES) == 44);
}

struct outbox_signer *outbox_signer_new(struct hilo_str secret)
{
    struct outbox_signer *s = calloc(1, sizeof *s);
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, sizeof digest - 1),
                                 OSSL_PARAM_END};

    if (!s || !hmac)
        check_nomem();
    s->mac = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);
    if (!s->mac)
        check_nomem();
    CHECK(EVP_MAC_init(s->mac, (const unsigned char *)secret.p, (size_t)secret.n, params) == 1);
    return s;
}

void outbox_signer_free(struct outbox_signer **sp)
{
    if (*sp)
        EVP_MAC_CTX_free((*sp)->mac);
    free(*sp);
    *sp = NULL;
}

void outbox_sign(struct outbox_signer *s, struct hilo_str id, int64_t unix_s, struct hilo_str body,
                 char out[OUTBOX_SIGNATURE_TEXT])
{
    unsigned char mac[32];
    char between[32];
    size_t n = 0;
    int k = snprintf(between, sizeof between, ".%lld.", (long long)unix_s);

    CHECK(EVP_MAC_init(s->mac, NULL, 0, NULL) == 1 &&
          EVP_MAC_update(s->mac, (const unsigned char *)id.p, (size_t)id.n) == 1 &&
          EVP_MAC_update(s->mac, (const unsigned char *)between, (size_t)k) == 1 &&
          EVP_MAC_update(s->mac, (const unsigned char *)body.p, (size_t)body.n) == 1 &&
          EVP_MAC_final(s->mac, mac, &n, sizeof mac) == 1 && n == sizeof mac);
    memcpy(out, "v1,", 3);
    CHECK(EVP_EncodeBlock((unsigned char *)out + 3, mac, sizeof mac) == 44);
}
