/*
 * What proves that Meta calls, and what the proof is given with: a line for the header
 * X-Hub-Signature-256, a line for the query of the handshake, the rest is the body.
 *
 * Beyond not crashing: a body is believed exactly if the header is the MAC as this file
 * computes it, bit by bit; the handshake is answered with its challenge only if the
 * words agreed are in it; what is escaped for a URL has no character that means
 * something there.
 */
#include "whatsapp_parts.h"

#include <openssl/hmac.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char secret[] = "app-secret", words[] = "verify me";

static void mac_of(struct hilo_str body, char out[72])
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned n = 0, i;

    must(HMAC(EVP_sha256(), secret, (int)sizeof secret - 1, (const uint8_t *)(body.n ? body.p : ""), body.n,
              mac, &n) &&
         n == 32);
    memcpy(out, "sha256=", 7);
    for (i = 0; i < 32; i++)
        snprintf(out + 7 + 2 * i, 3, "%02x", mac[i]);
}

static bool believed(struct hilo_str header, struct hilo_str body)
{
    const struct wa_conf conf = {.app_secret = {secret, sizeof secret - 1}};
    const struct hilo_kv kv = {{"x-hub-SIGNATURE-256", 19}, header};
    const struct hilo_http h = {
        .size = sizeof h, .method = {"POST", 4}, .body = body, .header = &kv, .n_header = 1};
    struct wa_signer *signer = wa_signer_new(conf.app_secret);
    bool known = wa_meta.caller(&conf, signer, &h) == WA_CALLER_KNOWN;

    wa_signer_free(&signer);
    return known;
}

static void check_signature(struct hilo_str header, struct hilo_str body, uint8_t flip)
{
    char right[72];
    bool same;

    mac_of(body, right);
    same = header.n == 71 && memcmp(header.p, "sha256=", 7) == 0 && strncasecmp(header.p, right, 71) == 0;
    must(believed(header, body) == same);
    must(believed((struct hilo_str){right, 71}, body));
    right[flip % 71] = (char)(right[flip % 71] ^ 1); /* no digit stays the same digit */
    must(!believed((struct hilo_str){right, 71}, body));
}

static void check_handshake(struct hilo_str query)
{
    const struct wa_conf conf = {.verify_token = {words, sizeof words - 1}};
    char answer[WA_VALUE_MAX], value[WA_VALUE_MAX];
    struct hilo_str token, challenge;

    if (!wa_meta.handshake(&conf, query, answer, sizeof answer))
        return;
    token = wa_query_get(query, "hub.verify_token", value);
    must(token.n == sizeof words - 1 && memcmp(token.p, words, token.n) == 0);
    challenge = wa_query_get(query, "hub.challenge", value);
    must(challenge.n && challenge.n == strlen(answer) && memcmp(challenge.p, answer, challenge.n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hilo_str rest = {(const char *)data, size}, header = wa_split(&rest, '\n'),
                    query = wa_split(&rest, '\n');
    char out[256];
    size_t i;

    check_signature(header, rest, size ? data[size - 1] : 0);
    check_handshake(query);
    if (wa_url_escape(header, out, sizeof out))
        for (i = 0; out[i]; i++)
            must(!strchr("/?#& +\n", out[i]));
    if (wa_sha256_normal(header, out))
        must(strlen(out) == 64 && strspn(out, "0123456789abcdef") == 64);
    return 0;
}
