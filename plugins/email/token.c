/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

/* Crockford's, in lower case: a local part may lose its case, and nothing here looks like another. */
static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
enum {
    ID_CHARS = 26,                         /* 128 bits */
    MAC_CHARS = 13,                        /* 65 bits: a forger has one guess a mail */
    TOKEN_CHARS = 2 + ID_CHARS + MAC_CHARS /* kind, version */
};

/* The first 5 * n bits of bytes, the highest first. */
static void token_chars(const uint8_t *bytes, size_t bits, char *out, size_t n)
{
    size_t i, b;

    for (i = 0; i < n; i++) {
        unsigned v = 0;

        for (b = 5 * i; b < 5 * i + 5; b++)
            v = v << 1 | (b < bits ? (unsigned)(bytes[b / 8] >> (7 - b % 8)) & 1 : 0);
        out[i] = digits[v];
    }
}

static bool token_bytes(const char *in, size_t n, uint8_t *bytes, size_t bits)
{
    size_t i, b;

    memset(bytes, 0, (bits + 7) / 8);
    for (i = 0; i < n; i++) {
        const char *at = memchr(digits, in[i], sizeof digits - 1);
        unsigned v = at ? (unsigned)(at - digits) : 0;

        if (!at)
            return false;
        for (b = 0; b < 5; b++) {
            size_t bit = 5 * i + b;

            if (!(v >> (4 - b) & 1))
                continue;
            if (bit >= bits)
                return false; /* it would have been written otherwise */
            bytes[bit / 8] |= (uint8_t)(1u << (7 - bit % 8));
        }
    }
    return true;
}

void token_make(enum token_kind kind, struct hilo_id message, const uint8_t key[TOKEN_KEY],
                char out[TOKEN_MAX])
{
    uint8_t mac[EVP_MAX_MD_SIZE], said[1 + sizeof message.b];
    unsigned n = 0;

    said[0] = (uint8_t)kind;
    memcpy(said + 1, message.b, sizeof message.b);
    if (!HMAC(EVP_sha256(), key, TOKEN_KEY, said, sizeof said, mac, &n))
        memset(mac, 0, sizeof mac); /* no memory: it will not be recognised, and is a new conversation */
    out[0] = (char)kind;
    out[1] = '0';
    token_chars(message.b, 128, out + 2, ID_CHARS);
    token_chars(mac, 256, out + 2 + ID_CHARS, MAC_CHARS);
    out[TOKEN_CHARS] = '\0';
}

bool token_read(enum token_kind kind, struct hilo_str text, const uint8_t (*keys)[TOKEN_KEY], size_t n_keys,
                struct hilo_id *message)
{
    char lower[TOKEN_CHARS], made[TOKEN_MAX];
    struct hilo_id id;
    bool same = false;
    size_t i;

    if (text.n != TOKEN_CHARS)
        return false;
    for (i = 0; i < TOKEN_CHARS; i++)
        lower[i] = text.p[i] >= 'A' && text.p[i] <= 'Z' ? (char)(text.p[i] | 0x20) : text.p[i];
    if (lower[0] != (char)kind || lower[1] != '0' || !token_bytes(lower + 2, ID_CHARS, id.b, 128))
        return false;
    for (i = 0; i < n_keys; i++) {
        token_make(kind, id, keys[i], made);
        same = CRYPTO_memcmp(made, lower, TOKEN_CHARS) == 0 || same;
    }
    if (same)
        *message = id;
    return same;
}

bool token_address(struct hilo_str address, char separator, const char *token, char *out, size_t n)
{
    const char *at = address.n ? memrchr(address.p, '@', address.n) : NULL;
    size_t local = at ? (size_t)(at - address.p) : 0, rest = at ? address.n - local : 0, t = strlen(token);

    if (!at || local == 0 || rest < 2)
        return false;
    if (!separator)
        local = 0;
    /* RFC 5321: a local part has at most 64 octets, a path 254. */
    if (local + (separator ? 1 : 0) + t > 64 || local + 1 + t + rest > 254 || local + 1 + t + rest >= n)
        return false;
    memcpy(out, address.p, local);
    if (separator)
        out[local++] = separator;
    memcpy(out + local, token, t);
    memcpy(out + local + t, at, rest);
    out[local + t + rest] = '\0';
    return true;
}

struct hilo_str token_in(struct hilo_str recipient, char separator)
{
    const char *end = recipient.n ? memrchr(recipient.p, '@', recipient.n) : NULL, *at = recipient.p;
    struct hilo_str token = {NULL, 0};
    size_t local = end ? (size_t)(end - recipient.p) : 0;

    if (!end)
        return token;
    if (separator) {
        at = memrchr(recipient.p, separator, local);
        if (!at)
            return token;
        at++;
    }
    token.p = at;
    token.n = (uint64_t)(end - at);
    return token;
}
