/*
 * Meta's Cloud API as a provider: its table, its options, its URLs, its webhook's
 * proofs.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "meta.h"

#include "signature.h"

#include <stdio.h>

static bool meta_only(struct hilo_str s, const char *also)
{
    uint64_t i;
    char c;

    for (i = 0; i < s.n; i++) {
        c = s.p[i];
        if (!((c >= '0' && c <= '9') || (c && strchr(also, c))))
            return false;
    }
    return s.n > 0;
}

/* Values that go into a URL must not be able to change its shape. */
static const char *meta_wrong_option(const struct wa_conf *conf)
{
    if (conf->token.n == 0)
        return "token is missing: the access token of a system user";
    if (!wa_header_clean(conf->token))
        return "token holds a blank or a control character, perhaps a new line at its end";
    if (!meta_only(conf->phone_number_id, ""))
        return "phone_number_id must be digits: it is the id that Meta gives a number, not the number";
    if (!meta_only(conf->version, "v._"))
        return "version must be like v23.0";
    if (conf->waba_id.n && !meta_only(conf->waba_id, ""))
        return "waba_id must be digits: it is the id of the WhatsApp business account";
    if (conf->app_secret.n == 0)
        return "app_secret is missing: the app's secret, by which Meta signs what it delivers";
    if (conf->verify_token.n == 0)
        return "verify_token is missing: the words agreed with Meta for the webhook's handshake";
    return NULL;
}

static struct hilo_str meta_secret(const struct wa_conf *conf)
{
    return conf->token;
}

static bool meta_handshake(const struct wa_conf *conf, struct hilo_str query, char *answer, size_t cap)
{
    char a[WA_VALUE_MAX], b[WA_VALUE_MAX], c[WA_VALUE_MAX];
    struct hilo_str mode = wa_query_get(query, "hub.mode", a);
    struct hilo_str token = wa_query_get(query, "hub.verify_token", b);
    struct hilo_str challenge = wa_query_get(query, "hub.challenge", c);
    bool subscribe = mode.n == 9 && memcmp(mode.p, "subscribe", 9) == 0;

    if (!wa_secret_eq(token, conf->verify_token) || token.n == 0 || !subscribe || challenge.n == 0 ||
        challenge.n >= cap || memchr(challenge.p, 0, challenge.n))
        return false;
    memcpy(answer, challenge.p, challenge.n);
    answer[challenge.n] = 0;
    return true;
}

static enum wa_caller meta_caller(const struct wa_conf *conf, const struct wa_signer *signer,
                                  const struct hilo_http *h)
{
    struct hilo_str query = h->url, path = wa_split(&query, '?');

    (void)conf;
    if (path.n > 1 || (path.n == 1 && path.p[0] != '/'))
        return WA_CALLER_LOST;
    return wa_signature_ok(signer, h->body, wa_header(h, "X-Hub-Signature-256")) ? WA_CALLER_KNOWN
                                                                                 : WA_CALLER_UNKNOWN;
}

static int32_t meta_read(const struct wa_conf *conf, const struct hilo_http *h, const struct wa_sink *sink)
{
    const struct wa_account account = {conf->phone_number_id, conf->waba_id};

    return wa_meta_read(h->body, &account, sink);
}

static bool meta_upload(const struct wa_conf *conf, struct hilo_str mime, char url[WA_URL_MAX],
                        struct hilo_part part[WA_PARTS_MAX], uint64_t *n_part)
{
    part[0] = (struct hilo_part){.name = {"messaging_product", 17}, .data = {"whatsapp", 8}, .fd = -1};
    part[1] = (struct hilo_part){.name = {"type", 4}, .data = mime, .fd = -1};
    *n_part = 2;
    return wa_url_write(url, "%s/%s/%s/media", conf->base_url.p, conf->version.p, conf->phone_number_id.p);
}

static bool meta_uploaded(const struct hilo_http *h, char *ext, size_t cap)
{
    return wa_answer_member(h, "id", ext, cap);
}

/* Two steps. The address that Meta gives lives five minutes, so it is asked anew at
 * each try. */
static enum wa_fetch meta_fetch(const struct wa_conf *conf, struct hilo_str media, char url[WA_URL_MAX])
{
    char id[256];

    if (!wa_url_escape(media, id, sizeof id) ||
        !wa_url_write(url, "%s/%s/%s?phone_number_id=%s", conf->base_url.p, conf->version.p, id,
                      conf->phone_number_id.p))
        return WA_FETCH_IMPOSSIBLE;
    return WA_FETCH_ADDRESS;
}

static bool meta_fetch_address(const struct hilo_http *h, char url[WA_URL_MAX], char *mime, size_t mime_cap)
{
    if (!wa_answer_member(h, "mime_type", mime, mime_cap))
        mime[0] = 0;
    return wa_answer_member(h, "url", url, WA_URL_MAX);
}

const struct wa_provider wa_meta = {
    .name = "meta",
    .title = "the Cloud API",
    .base_url = "https://graph.facebook.com",
    .auth_scheme = "Bearer",
    .secret = meta_secret,
    .templates_hint = "give waba_id, and the token whatsapp_business_management",
    .distrust = "for a missing or wrong X-Hub-Signature-256; compare the option app_secret with the one in "
                "Meta's app",
    .distrust_handshake = "with a wrong hub.verify_token or hub.mode; compare the option verify_token with "
                          "the one in Meta's app",
    .wrong_option = meta_wrong_option,
    .encode = wa_meta_encode,
    .answer = wa_meta_answer,
    .judge = wa_meta_judge,
    .upload = meta_upload,
    .uploaded = meta_uploaded,
    .handshake = meta_handshake,
    .caller = meta_caller,
    .read = meta_read,
    .templates_url = wa_meta_templates_url,
    .templates_read = wa_meta_templates_read,
    .fetch = meta_fetch,
    .fetch_address = meta_fetch_address,
};
