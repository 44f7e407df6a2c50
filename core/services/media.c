/*
 * Media as a service. A signed link's token is base64url of: media id (16 bytes), expiry
 * in Unix seconds (8, big-endian), the first 16 bytes of HMAC-SHA256 over both.
 */
#include "services/media.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "store/keys.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { TOKEN_SIGNED = 24, TOKEN_MAC = 16, TOKEN_BYTES = TOKEN_SIGNED + TOKEN_MAC, TOKEN_TEXT = 54 };

int media_add(struct gateway *gw, const struct actor *actor, const uint8_t sha256[32], uint64_t size,
              struct hilo_str mime, struct hilo_str filename, struct hilo_id *out, struct fault *f)
{
    struct err e = {0};
    const struct ev_media_added ev = {.id = idgen_next(store_ids(gw->store)),
                                      .sha256 = str_n(sha256, 32),
                                      .size = size,
                                      .mime = str_utf8_head(mime, 100),
                                      .filename = str_utf8_head(filename, 255)};
    int32_t rc = store_append(gw->store, &ev_desc_media_added, &ev, actor, clock_wall_us(), NULL, &e);

    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    *out = ev.id;
    return 0;
}

int media_get(struct gateway *gw, struct hilo_id id, struct arena *a, struct rec_media *out, int *fd_out,
              struct fault *f)
{
    struct key k = key_of_id(id);
    struct err e = {0};
    uint64_t size;
    int32_t rc = store_record(gw->store, TABLE_MEDIA, key_str(&k), &rec_desc_media, a, out, &e);

    if (rc == HILO_NOTFOUND)
        return fault_set(f, 404, "unknown_media", NULL, "there is no such media");
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    if (!fd_out)
        return 0;
    if (out->state == MEDIA_PENDING)
        return fault_set(f, 409, "media_pending", NULL,
                         "this media is still being fetched from the channel; retry in a moment");
    if (out->state == MEDIA_FAILED)
        return fault_set(f, 410, "media_failed", NULL, "this media could not be fetched: %.200s",
                         out->reason.n ? arena_z(a, out->reason) : "no reason known");
    CHECK(out->sha256.n == MEDIA_HASH);
    rc = media_open(gw->media, (const uint8_t *)out->sha256.p, fd_out, &size, &e);
    if (rc != HILO_OK)
        return fault_set(f, 500, "media_lost", NULL,
                         "the file of this media can't be opened; see hilo store check");
    return 0;
}

static void media__mac(const struct gateway *gw, const uint8_t signed_part[TOKEN_SIGNED],
                       uint8_t out[TOKEN_MAC])
{
    uint8_t full[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    CHECK(HMAC(EVP_sha256(), gw->link_secret, sizeof gw->link_secret, signed_part, TOKEN_SIGNED, full, &n) !=
          NULL);
    memcpy(out, full, TOKEN_MAC);
}

int media_link(struct gateway *gw, struct hilo_id id, int64_t now_us, struct arena *a, struct hilo_str *out,
               struct fault *f)
{
    uint8_t token[TOKEN_BYTES];
    unsigned char text[64];
    uint64_t until = (uint64_t)((now_us + gw->link_life_us) / 1000000);

    if (gw->public_url.n == 0)
        return fault_set(
            f, 409, "no_public_url", NULL,
            "links need http.public_url in the configuration, the address under which this gateway is "
            "reached");
    memcpy(token, id.b, 16);
    for (unsigned i = 0; i < 8; i++)
        token[16 + i] = (uint8_t)(until >> (56 - 8 * i));
    media__mac(gw, token, token + TOKEN_SIGNED);
    CHECK(EVP_EncodeBlock(text, token, TOKEN_BYTES) == 56);
    for (unsigned i = 0; i < TOKEN_TEXT; i++)
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    *out = arena_fmt(a, "%.*s/m/%.54s", STR_FMT(gw->public_url), (const char *)text);
    return 0;
}

int media_token(struct gateway *gw, struct hilo_str token, int64_t now_us, struct hilo_id *out,
                struct fault *f)
{
    unsigned char text[57], bytes[64];
    uint8_t mac[TOKEN_MAC];
    uint64_t until = 0;

    if (token.n != TOKEN_TEXT)
        return fault_set(f, 404, "unknown_link", NULL, "this link is not one of this gateway's");
    for (unsigned i = 0; i < TOKEN_TEXT; i++) {
        char c = token.p[i];
        bool digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!digit && c != '-' && c != '_')
            return fault_set(f, 404, "unknown_link", NULL, "this link is not one of this gateway's");
        text[i] = (unsigned char)(c == '-' ? '+' : c == '_' ? '/' : c);
    }
    memcpy(text + TOKEN_TEXT, "==", 3);
    if (EVP_DecodeBlock(bytes, text, 56) < TOKEN_BYTES)
        return fault_set(f, 404, "unknown_link", NULL, "this link is not one of this gateway's");
    media__mac(gw, bytes, mac);
    if (!str_eq_secret(str_n(mac, TOKEN_MAC), str_n(bytes + TOKEN_SIGNED, TOKEN_MAC)))
        return fault_set(f, 404, "unknown_link", NULL, "this link is not one of this gateway's");
    for (unsigned i = 0; i < 8; i++)
        until = until << 8 | bytes[16 + i];
    if (until < (uint64_t)(now_us / 1000000))
        return fault_set(f, 410, "link_expired", NULL, "this link has expired; ask for a new one");
    memcpy(out->b, bytes, 16);
    return 0;
}
