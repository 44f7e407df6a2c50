/* SPDX-License-Identifier: Apache-2.0 */
#include "secure.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

enum { SECURE_WINDOW = 1024 }; /* packets: what a jitter of some seconds may bring out of order */

struct secure {
    srtp_t s;
};

/* libsrtp2 keeps its state by itself, for all its users in the process; so it is never shut down. */
static pthread_once_t secure_once = PTHREAD_ONCE_INIT;
static bool secure_works;

static void secure_init(void)
{
    secure_works = srtp_init() == srtp_err_status_ok;
}

bool secure_ready(void)
{
    return pthread_once(&secure_once, secure_init) == 0 && secure_works;
}

struct secure *secure_new(const struct neg_crypto *c, bool ours)
{
    struct secure *s = NULL;
    unsigned char key[NEG_KEY_MAX];
    srtp_policy_t p = {0};

    /* Of SRTCP the tag is always of 80 bits (RFC 4568 6.2). */
    switch (c->suite) {
    case NEG_AES_CM_128_80:
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&p.rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&p.rtcp);
        break;
    case NEG_AES_CM_128_32:
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&p.rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&p.rtcp);
        break;
    case NEG_AES_256_80:
        srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&p.rtp);
        srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&p.rtcp);
        break;
    case NEG_SUITE_NONE:
        return NULL;
    }
    s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    memcpy(key, c->key, sizeof key);
    p.ssrc.type = ours ? ssrc_any_outbound : ssrc_any_inbound;
    p.key = key;
    p.window_size = SECURE_WINDOW;
    if (srtp_create(&s->s, &p) != srtp_err_status_ok) {
        free(s);
        s = NULL;
    }
    OPENSSL_cleanse(key, sizeof key);
    return s;
}

void secure_free(struct secure *s)
{
    if (s)
        (void)srtp_dealloc(s->s);
    free(s);
}

static bool secure_do(srtp_err_status_t (*what)(srtp_t, void *, int *), srtp_t s, uint8_t *packet, size_t *n)
{
    int len = (int)*n;

    if (what(s, packet, &len) != srtp_err_status_ok)
        return false;
    *n = (size_t)len;
    return true;
}

bool secure_seal(struct secure *s, uint8_t *packet, size_t *n)
{
    return secure_do(srtp_protect, s->s, packet, n);
}

bool secure_open(struct secure *s, uint8_t *packet, size_t *n)
{
    return secure_do(srtp_unprotect, s->s, packet, n);
}

bool secure_seal_rtcp(struct secure *s, uint8_t *packet, size_t *n)
{
    return secure_do(srtp_protect_rtcp, s->s, packet, n);
}

bool secure_open_rtcp(struct secure *s, uint8_t *packet, size_t *n)
{
    return secure_do(srtp_unprotect_rtcp, s->s, packet, n);
}
