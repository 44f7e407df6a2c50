/*
 * Infobip as a provider: its table, its options, its webhook's proofs, and where its
 * key may go.
 *
 * What Infobip proves of itself is what its subscription is configured to: here
 * Basic authentication, a secret at the end of the webhook's path, or both. The
 * header of its HMAC is not documented, so it is not looked at.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infobip.h"

#include "signature.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <strings.h>

/* Characters that stand in a path as they are (RFC 3986, unreserved). */
static bool ib_plain(struct hilo_str s)
{
    uint64_t i;
    char c;

    for (i = 0; i < s.n; i++) {
        c = s.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
              c == '.' || c == '_' || c == '~'))
            return false;
    }
    return true;
}

static const char *ib_wrong_option(const struct wa_conf *conf)
{
    uint64_t i;

    if (conf->api_key.n == 0)
        return "api_key is missing: Infobip's API key, with the scopes of WhatsApp";
    if (!wa_header_clean(conf->api_key))
        return "api_key holds a blank or a control character, perhaps a new line at its end";
    for (i = 0; i < conf->sender.n; i++)
        if (conf->sender.p[i] < '0' || conf->sender.p[i] > '9')
            return "sender must be digits: the number that messages come from, without +";
    if (conf->sender.n == 0)
        return "sender is missing: the number that messages come from, digits only";
    if (conf->hook_secret.n == 0 && conf->hook_user.n == 0)
        return "webhook_secret is missing, and so are webhook_user and webhook_password: without one of "
               "them anybody could post messages";
    if ((conf->hook_user.n == 0) != (conf->hook_password.n == 0))
        return "webhook_user and webhook_password go together";
    if (conf->hook_user.n && memchr(conf->hook_user.p, ':', conf->hook_user.n))
        return "webhook_user must not hold a colon";
    if (conf->hook_secret.n && conf->hook_secret.n < 16)
        return "webhook_secret must have at least 16 characters: openssl rand -hex 16 makes one";
    if (!ib_plain(conf->hook_secret))
        return "webhook_secret must be letters, digits and - . _ ~, as it is part of a path";
    return NULL;
}

/* Media by link only, no reactions, and less room above a list than Meta gives. */
static void ib_narrow(struct hilo_abilities *able)
{
    able->flags &= ~(uint32_t)HILO_ABLE_MEDIA_FILE;
    able->contents &= ~(UINT32_C(1) << HILO_CONTENT_REACTION);
    able->list_body_max = 1024;
}

static struct hilo_str ib_secret(const struct wa_conf *conf)
{
    return conf->api_key;
}

/* ---- who posts --------------------------------------------------------------------------- */

/* Both sides in base64, as it is written in one way only. */
static bool ib_basic(const struct wa_conf *conf, struct hilo_str header)
{
    static const char scheme[] = "Basic ";
    size_t n = conf->hook_user.n + 1 + conf->hook_password.n, m;
    char *plain, *coded;
    bool ok = false;

    if (header.n < sizeof scheme - 1 || strncasecmp(header.p, scheme, sizeof scheme - 1) != 0)
        return false;
    plain = malloc(n);
    coded = malloc((n + 2) / 3 * 4 + 1);
    if (plain && coded) {
        memcpy(plain, conf->hook_user.p, conf->hook_user.n);
        plain[conf->hook_user.n] = ':';
        memcpy(plain + conf->hook_user.n + 1, conf->hook_password.p, conf->hook_password.n);
        m = (size_t)EVP_EncodeBlock((unsigned char *)coded, (const unsigned char *)plain, (int)n);
        ok = wa_secret_eq((struct hilo_str){coded, m},
                          (struct hilo_str){header.p + sizeof scheme - 1, header.n - (sizeof scheme - 1)});
    }
    free(plain);
    free(coded);
    return ok;
}

static enum wa_caller ib_caller(const struct wa_conf *conf, const struct wa_signer *signer,
                                const struct hilo_http *h)
{
    struct hilo_str query = h->url, path = wa_split(&query, '?');

    (void)signer;
    if (path.n && path.p[0] == '/') {
        path.p++;
        path.n--;
    }
    if (!wa_secret_eq(path, conf->hook_secret)) /* also where there is none: then the path is empty */
        return WA_CALLER_LOST;
    if (conf->hook_user.n && !ib_basic(conf, wa_header(h, "Authorization")))
        return WA_CALLER_UNKNOWN;
    return WA_CALLER_KNOWN;
}

static int32_t ib_read(const struct wa_conf *conf, const struct hilo_http *h, const struct wa_sink *sink)
{
    const struct wa_ib_account account = {conf->sender, conf->waba_id};

    return wa_ib_read(h->body, &account, sink);
}

/* ---- where the key goes -------------------------------------------------------------------- */

/* Scheme and authority of an http or https URL; false if it is none, or names a user,
 * or has a character that somebody might read otherwise. */
static bool ib_origin(struct hilo_str url, bool *https, struct hilo_str *authority)
{
    static const char *const scheme[] = {"http://", "https://"};
    uint64_t i;
    size_t n;
    char c;

    for (i = 0; i < 2; i++) {
        n = strlen(scheme[i]);
        if (url.n > n && strncasecmp(url.p, scheme[i], n) == 0)
            break;
    }
    if (i == 2)
        return false;
    *https = i == 1;
    authority->p = url.p + n;
    for (i = n; i < url.n; i++) {
        c = url.p[i];
        if (c == '/' || c == '?' || c == '#')
            break;
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
              c == '.' || c == ':' || c == '[' || c == ']'))
            return false;
    }
    authority->n = i - n;
    for (; i < url.n; i++)
        if ((unsigned char)url.p[i] <= 0x20 || url.p[i] == 0x7f || url.p[i] == '\\')
            return false;
    return authority->n > 0;
}

bool wa_ib_trusted(struct hilo_str url, struct hilo_str base_url)
{
    static const char suffix[] = ".infobip.com";
    const size_t n = sizeof suffix - 1;
    struct hilo_str host, base;
    bool https, base_https;

    if (!ib_origin(url, &https, &host))
        return false;
    if (ib_origin(base_url, &base_https, &base) && https == base_https && host.n == base.n &&
        strncasecmp(host.p, base.p, host.n) == 0)
        return true;
    return https && host.n > n && strncasecmp(host.p + host.n - n, suffix, n) == 0;
}

static enum wa_fetch ib_fetch(const struct wa_conf *conf, struct hilo_str media, char url[WA_URL_MAX])
{
    if (media.n >= WA_URL_MAX || !wa_ib_trusted(media, conf->base_url))
        return WA_FETCH_IMPOSSIBLE;
    memcpy(url, media.p, media.n);
    url[media.n] = 0;
    return WA_FETCH_BYTES;
}

const struct wa_provider wa_infobip = {
    .name = "infobip",
    .title = "Infobip",
    .auth_scheme = "App",
    .secret = ib_secret,
    .templates_hint = "give the key the scope whatsapp:manage",
    .distrust = "for a missing or wrong Authorization; compare the options webhook_user and webhook_password "
                "with those of Infobip's subscription",
    .wrong_option = ib_wrong_option,
    .narrow = ib_narrow,
    .encode = wa_ib_encode,
    .answer = wa_ib_answer,
    .judge = wa_ib_judge,
    .caller = ib_caller,
    .read = ib_read,
    .templates_url = wa_ib_templates_url,
    .templates_read = wa_ib_templates_read,
    .fetch = ib_fetch,
};
