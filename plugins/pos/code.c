/*
 * "HILO1-" and base32 by Crockford's alphabet of: secret (12), fingerprint (16), port (2, big-endian), host
 * (the rest), check (3: the first bytes of the SHA-256 of "HILO1" and all before). The last character's spare
 * bits are 0. SPDX-License-Identifier: Apache-2.0
 */
#include "code.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { CODE_CHECK = 3, CODE_FIXED = POS_CODE_SECRET + POS_CODE_FINGERPRINT + 2, GROUP = 5 };
enum { CODE_BYTES_MAX = CODE_FIXED + POS_CODE_HOST_MAX + CODE_CHECK };

static const char code_prefix[] = "HILO1";
static const char code_alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void code_check(const uint8_t *bytes, size_t n, uint8_t out[CODE_CHECK])
{
    uint8_t text[sizeof code_prefix - 1 + CODE_BYTES_MAX], digest[EVP_MAX_MD_SIZE];

    memcpy(text, code_prefix, sizeof code_prefix - 1);
    memcpy(text + sizeof code_prefix - 1, bytes, n);
    if (EVP_Digest(text, sizeof code_prefix - 1 + n, digest, NULL, EVP_sha256(), NULL) != 1)
        abort();
    memcpy(out, digest, CODE_CHECK);
}

static bool code_host(const char *host, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (!(host[i] >= '0' && host[i] <= '9') && !(host[i] >= 'A' && host[i] <= 'Z') &&
            !(host[i] >= 'a' && host[i] <= 'z') && !strchr(".:-", host[i] ? host[i] : ' '))
            return false;
    return n > 0 && n <= POS_CODE_HOST_MAX;
}

int pos_code_write(const struct pos_code *c, char out[POS_CODE_TEXT_MAX])
{
    uint8_t bytes[CODE_BYTES_MAX];
    size_t host = strnlen(c->host, sizeof c->host), n = CODE_FIXED + host, i, at, group = 0;
    uint32_t bits = 0;
    unsigned have = 0;

    if (c->port == 0 || !code_host(c->host, host))
        return HILO_INVALID;
    memcpy(bytes, c->secret, POS_CODE_SECRET);
    memcpy(bytes + POS_CODE_SECRET, c->fingerprint, POS_CODE_FINGERPRINT);
    bytes[CODE_FIXED - 2] = (uint8_t)(c->port >> 8);
    bytes[CODE_FIXED - 1] = (uint8_t)c->port;
    memcpy(bytes + CODE_FIXED, c->host, host);
    code_check(bytes, n, bytes + n);
    n += CODE_CHECK;
    memcpy(out, code_prefix, sizeof code_prefix - 1);
    at = sizeof code_prefix - 1;
    for (i = 0; i < n || have > 0;) {
        if (i < n) {
            bits = bits << 8 | bytes[i++];
            have += 8;
        } else {
            bits <<= GROUP - have; /* the last one's spare bits */
            have = GROUP;
        }
        while (have >= GROUP) {
            if (group++ % GROUP == 0)
                out[at++] = '-';
            have -= GROUP;
            out[at++] = code_alphabet[bits >> have & 31];
        }
        bits &= (1U << have) - 1;
    }
    out[at] = '\0';
    return HILO_OK;
}

/* -1: none of the alphabet. */
static int code_value(char c)
{
    const char *at;

    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c == 'I' || c == 'L')
        c = '1';
    if (c == 'O')
        c = '0';
    at = c ? strchr(code_alphabet, c) : NULL;
    return at ? (int)(at - code_alphabet) : -1;
}

static bool code_blank(char c)
{
    return c == '-' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The prefix is letters of the alphabet, too, but for I, L and O, which read as 1, 1 and 0. */
static bool code_prefixed(struct hilo_str text, size_t *at_out)
{
    size_t i = 0, k;

    for (k = 0; k + 1 < sizeof code_prefix; k++, i++) {
        while (i < text.n && code_blank(text.p[i]))
            i++;
        if (i == text.n || code_value(text.p[i]) != code_value(code_prefix[k]))
            return false;
    }
    *at_out = i;
    return true;
}

int pos_code_read(struct hilo_str text, struct pos_code *out, const char **why_out)
{
    uint8_t bytes[CODE_BYTES_MAX], check[CODE_CHECK];
    size_t at, n = 0, host;
    uint32_t bits = 0;
    unsigned have = 0;

    if (!code_prefixed(text, &at)) {
        *why_out = "prefix";
        return HILO_INVALID;
    }
    for (; at < text.n; at++) {
        int v = code_value(text.p[at]);

        if (code_blank(text.p[at]))
            continue;
        if (v < 0) {
            *why_out = "characters";
            return HILO_INVALID;
        }
        bits = (bits << GROUP | (uint32_t)v) & 0xfff;
        have += GROUP;
        if (have < 8)
            continue;
        have -= 8;
        if (n == sizeof bytes) {
            *why_out = "length";
            return HILO_INVALID;
        }
        bytes[n++] = (uint8_t)(bits >> have);
    }
    if (n <= CODE_FIXED + CODE_CHECK || have >= GROUP) {
        *why_out = "length";
        return HILO_INVALID;
    }
    n -= CODE_CHECK;
    host = n - CODE_FIXED;
    code_check(bytes, n, check);
    if (memcmp(check, bytes + n, CODE_CHECK) != 0 || (bits & ((1U << have) - 1)) != 0 ||
        !code_host((const char *)bytes + CODE_FIXED, host) ||
        (bytes[CODE_FIXED - 2] | bytes[CODE_FIXED - 1]) == 0) {
        *why_out = "check";
        return HILO_INVALID;
    }
    memset(out, 0, sizeof *out);
    memcpy(out->secret, bytes, POS_CODE_SECRET);
    memcpy(out->fingerprint, bytes + POS_CODE_SECRET, POS_CODE_FINGERPRINT);
    out->port = (uint16_t)(bytes[CODE_FIXED - 2] << 8 | bytes[CODE_FIXED - 1]);
    memcpy(out->host, bytes + CODE_FIXED, host);
    return HILO_OK;
}
