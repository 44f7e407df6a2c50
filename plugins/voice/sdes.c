/* SPDX-License-Identifier: Apache-2.0 */
#include "sdes.h"

#include <assert.h>
#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { SDES_LIFE_LOG2 = 20 }; /* packets: six hours of 20 ms; a key that dies sooner is not taken */
enum { SDES_B64_MAX = 64 };

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

/* The word at *at, which moves behind it and the spaces that follow; n 0: there is none. */
static struct hilo_str sdes_word(const char **at)
{
    struct hilo_str word = {*at, strcspn(*at, " \t")};

    *at += word.n;
    *at += strspn(*at, " \t");
    return word;
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
    uint64_t n = 0, i, from = life.n > 2 && memcmp(life.p, "2^", 2) == 0 ? 2 : 0;

    if (life.n == from || life.n > from + 15)
        return false;
    for (i = from; i < life.n; i++) {
        if (!isdigit((unsigned char)life.p[i]))
            return false;
        n = n * 10 + (uint64_t)(life.p[i] - '0');
    }
    return from ? n >= SDES_LIFE_LOG2 : n >= UINT64_C(1) << SDES_LIFE_LOG2;
}

/* A window hint binds nobody, a parameter with a minus may be passed over; all else changes the packets. */
static bool sdes_parameters(const char *at)
{
    struct hilo_str word;

    for (word = sdes_word(&at); word.n; word = sdes_word(&at))
        if (word.p[0] != '-' && !(word.n > 4 && strncasecmp(word.p, "WSH=", 4) == 0))
            return false;
    return true;
}

bool sdes_read(const char *value, struct neg_crypto *out)
{
    static const char inl[] = "inline:";
    const struct sdes_suite *s = NULL;
    struct neg_crypto c = {0};
    struct hilo_str tag, suite, key, b64, life;
    const char *bar;
    size_t i;

    value += strspn(value, " \t");
    tag = sdes_word(&value);
    suite = sdes_word(&value);
    key = sdes_word(&value);
    if (tag.n == 0 || tag.n > 9)
        return false;
    for (i = 0; i < tag.n; i++) {
        if (!isdigit((unsigned char)tag.p[i]))
            return false;
        c.tag = c.tag * 10 + (uint32_t)(tag.p[i] - '0');
    }
    for (i = 0; i < SDES_SUITES; i++)
        if (suite.n == strlen(sdes_suites[i].name) && strncasecmp(suite.p, sdes_suites[i].name, suite.n) == 0)
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

    assert(s && c->tag <= 999999999);
    (void)EVP_EncodeBlock(b64, c->key, (int)s->octets);
    (void)snprintf(out, SDES_TEXT_MAX, "%u %s inline:%s", c->tag, s->name, (const char *)b64);
    OPENSSL_cleanse(b64, sizeof b64);
}
