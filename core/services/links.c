/*
 * Signed links. A token is base64url, without padding, of 40 bytes: kind (1), choice (2, big-endian),
 * the end in Unix seconds (5, big-endian), id (16), and the first 16 bytes of HMAC-SHA256 over these
 * 24. The kind is signed with the rest: a link to a picture can't be turned into one that answers.
 */
#include "services/links.h"
#include "base/check.h"
#include "base/str.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { SIGNED = 24, MAC = 16, BYTES = SIGNED + MAC, TEXT = 54, ID_AT = 8 };

static void sign(const struct gateway *gw, const uint8_t bytes[SIGNED], uint8_t out[MAC])
{
    uint8_t full[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    CHECK(HMAC(EVP_sha256(), gw->link_secret, sizeof gw->link_secret, bytes, SIGNED, full, &n) != NULL);
    memcpy(out, full, MAC);
}

struct hilo_str link_make(const struct gateway *gw, enum link_kind kind, const struct link *l,
                          struct arena *a)
{
    const uint64_t until = (uint64_t)(l->until_us / 1000000);
    unsigned char text[64];
    uint8_t token[BYTES];

    CHECK(gw->public_url.n && l->choice <= UINT16_MAX);
    token[0] = (uint8_t)kind;
    token[1] = (uint8_t)(l->choice >> 8);
    token[2] = (uint8_t)l->choice;
    for (unsigned i = 0; i < 5; i++)
        token[3 + i] = (uint8_t)(until >> (32 - 8 * i));
    memcpy(token + ID_AT, l->id.b, sizeof l->id.b);
    sign(gw, token, token + SIGNED);
    CHECK(EVP_EncodeBlock(text, token, BYTES) == TEXT + 2);
    for (unsigned i = 0; i < TEXT; i++)
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    return arena_fmt(a, "%.*s/%c/%.54s", STR_FMT(gw->public_url), (char)kind, (const char *)text);
}

/* Only the form that link_make writes: 54 characters hold 324 bits, of which the last 4 are zero. */
static bool decode(struct hilo_str token, uint8_t out[BYTES])
{
    unsigned char text[TEXT + 3], bytes[64], again[64];

    if (token.n != TEXT)
        return false;
    for (unsigned i = 0; i < TEXT; i++) {
        char c = token.p[i];
        bool digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!digit && c != '-' && c != '_')
            return false;
        text[i] = (unsigned char)(c == '-' ? '+' : c == '_' ? '/' : c);
    }
    memcpy(text + TEXT, "==", 3);
    if (EVP_DecodeBlock(bytes, text, TEXT + 2) < BYTES || EVP_EncodeBlock(again, bytes, BYTES) != TEXT + 2)
        return false;
    memcpy(out, bytes, BYTES);
    return memcmp(text, again, TEXT + 2) == 0;
}

static int unknown(struct fault *f)
{
    return fault_set(f, 404, "unknown_link", NULL, "this link is not one of this gateway's");
}

int link_read(const struct gateway *gw, enum link_kind kind, struct hilo_str token, int64_t now_us,
              struct link *out, struct fault *f)
{
    uint8_t bytes[BYTES], mac[MAC];
    uint64_t until = 0;

    if (!decode(token, bytes))
        return unknown(f);
    sign(gw, bytes, mac);
    if (!str_eq_secret(str_n(mac, MAC), str_n(bytes + SIGNED, MAC)) || bytes[0] != (uint8_t)kind)
        return unknown(f);
    for (unsigned i = 0; i < 5; i++)
        until = until << 8 | bytes[3 + i];
    *out = (struct link){.choice = (uint32_t)bytes[1] << 8 | bytes[2], .until_us = (int64_t)until * 1000000};
    memcpy(out->id.b, bytes + ID_AT, sizeof out->id.b);
    if (out->until_us < now_us)
        return fault_set(f, 410, "link_expired", NULL, "this link has expired; ask for a new one");
    return 0;
}

int64_t link_message_until(struct hilo_id message, int64_t days)
{
    uint64_t ms = 0;

    for (unsigned i = 0; i < 6; i++)
        ms = ms << 8 | message.b[i];
    return (int64_t)(ms * 1000) + days * INT64_C(86400) * 1000000;
}
