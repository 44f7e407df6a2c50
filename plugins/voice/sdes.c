/* SPDX-License-Identifier: Apache-2.0 */
#include "sdes.h"
#include "desc.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { SDES_LIFE_LOG2 = 20 }; /* packets: six hours of 20 ms; a key that dies sooner is not taken */
enum { SDES_B64_MAX = 64, SDES_TAG_MAX = 999999999 };

struct sdes_suite {
    enum neg_suite suite;
    const char *name;
    size_t octets, b64;
};
static const struct sdes_suite sdes_suites[] = {
    {NEG_AES_CM_128_80, "AES_CM_128_HMAC_SHA1_80", 30, 40},
    {NEG_AES_CM_128_32, "AES_CM_128_HMAC_SHA1_32", 30, 40},
    {NEG_AES_256_80, "AES_256_CM_HMAC_SHA1_80", 46, 64},
};
enum { SDES_SUITES = sizeof sdes_suites / sizeof sdes_suites[0] };

static const struct sdes_suite *sdes_suite(enum neg_suite suite)
{
    size_t i;

    for (i = 0; i < SDES_SUITES; i++)
        if (sdes_suites[i].suite == suite)
            return &sdes_suites[i];
    return NULL;
}

size_t neg_key_octets(enum neg_suite suite)
{
    const struct sdes_suite *s = sdes_suite(suite);

    return s ? s->octets : 0;
}

/* 46 octets are 62 characters and two of padding, which some leave out. */
static bool sdes_key(struct hilo_str b64, const struct sdes_suite *s, unsigned char key[NEG_KEY_MAX])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char in[SDES_B64_MAX], out[SDES_B64_MAX / 4 * 3];
    size_t data = (s->octets * 4 + 2) / 3, i;
    bool good;

    if (b64.n != data && b64.n != s->b64)
        return false;
    memset(in, '=', sizeof in);
    memcpy(in, b64.p, b64.n);
    for (i = 0; i < s->b64; i++)
        if (i < data ? !memchr(alphabet, in[i], sizeof alphabet - 1) : in[i] != '=')
            return false;
    good = EVP_DecodeBlock(out, in, (int)s->b64) >= (int)s->octets;
    if (good)
        memcpy(key, out, s->octets);
    OPENSSL_cleanse(out, sizeof out);
    OPENSSL_cleanse(in, sizeof in);
    return good;
}

/* "2^31" or "1048576" behind the key: for how many packets it is good. */
static bool sdes_lifetime(struct hilo_str life)
{
    uint32_t n;

    if (life.n > 2 && memcmp(life.p, "2^", 2) == 0)
        return desc_number((struct hilo_str){life.p + 2, life.n - 2}, UINT32_MAX, &n) && n >= SDES_LIFE_LOG2;
    return desc_number(life, UINT32_MAX, &n) && n >= 1u << SDES_LIFE_LOG2;
}

/* A window hint binds nobody, a parameter with a minus may be passed over; all else changes the packets. */
static bool sdes_parameters(struct hilo_str rest)
{
    struct hilo_str word;

    for (word = desc_word(&rest, 0); word.n; word = desc_word(&rest, 0))
        if (word.p[0] != '-' && !(word.n > 4 && strncasecmp(word.p, "WSH=", 4) == 0))
            return false;
    return true;
}

bool sdes_read(struct hilo_str value, struct neg_crypto *out)
{
    static const char inl[] = "inline:";
    struct hilo_str tag = desc_word(&value, 0), suite = desc_word(&value, 0), key = desc_word(&value, 0), b64,
                    life;
    const struct sdes_suite *s = NULL;
    struct neg_crypto c = {0};
    const char *bar;
    size_t i;

    if (!desc_number(tag, SDES_TAG_MAX, &c.tag))
        return false;
    for (i = 0; i < SDES_SUITES; i++)
        if (desc_is(suite, sdes_suites[i].name))
            s = &sdes_suites[i];
    if (!s || key.n < sizeof inl - 1 || strncasecmp(key.p, inl, sizeof inl - 1) != 0)
        return false;
    b64 = (struct hilo_str){key.p + sizeof inl - 1, key.n - (sizeof inl - 1)};
    bar = memchr(b64.p, '|', b64.n);
    if (bar) {
        /* A second bar brings an MKI: packets would be longer. (So does a lifetime left out: "|1:4".) */
        life = (struct hilo_str){bar + 1, b64.n - (uint64_t)(bar + 1 - b64.p)};
        b64.n = (uint64_t)(bar - b64.p);
        if (!sdes_lifetime(life))
            return false;
    }
    if (!sdes_key(b64, s, c.key) || !sdes_parameters(value))
        return false;
    c.suite = s->suite;
    *out = c;
    return true;
}

void sdes_write(const struct neg_crypto *c, char out[SDES_TEXT_MAX])
{
    const struct sdes_suite *s = sdes_suite(c->suite);
    unsigned char b64[SDES_B64_MAX + 1];

    assert(s && c->tag <= SDES_TAG_MAX);
    (void)EVP_EncodeBlock(b64, c->key, (int)s->octets);
    (void)snprintf(out, SDES_TEXT_MAX, "%u %s inline:%s", c->tag, s->name, (const char *)b64);
    OPENSSL_cleanse(b64, sizeof b64);
}
