/*
 * X-Twilio-Signature: HMAC-SHA1 by the account's token over the URL that Twilio called and, of a form, its
 * parameters: sorted by name, name and value without anything between; of one that comes several times
 * each value once, sorted. Of another body the URL has its SHA-256, bodySHA256.
 *
 * The URL is that of webhook_url with what follows /hooks/{channel} as it came: behind a proxy the Host of a
 * request says nothing. Twilio leaves the default port out, or not: both are tried.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "twilio.h"

#include "text_in.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SHA1_BYTES = 20 };

/* ---- what is signed ---------------------------------------------------------------------------- */

static int order_str(struct hilo_str a, struct hilo_str b)
{
    size_t n = (size_t)(a.n < b.n ? a.n : b.n);
    int c = n ? memcmp(a.p, b.p, n) : 0;

    return c ? c : (a.n > b.n) - (a.n < b.n);
}

static int order_param(const void *a, const void *b)
{
    const struct hilo_kv *x = a, *y = b;
    int c = order_str(x->key, y->key);

    return c ? c : order_str(x->val, y->val);
}

static size_t signed_put(char *out, size_t at, struct hilo_str s)
{
    if (s.n)
        memcpy(out + at, s.p, (size_t)s.n);
    return at + (size_t)s.n;
}

bool sms_tw_sign(struct hilo_str token, struct hilo_str url, const struct hilo_kv *param, unsigned n,
                 char out[SMS_TW_SIGNATURE])
{
    struct hilo_kv *sorted = malloc((n + 1) * sizeof *sorted);
    uint8_t mac[EVP_MAX_MD_SIZE];
    size_t cap = (size_t)url.n + 1, at;
    unsigned i, mac_n = 0;
    char *text;
    bool ok;

    for (i = 0; i < n; i++)
        cap += (size_t)(param[i].key.n + param[i].val.n);
    text = malloc(cap);
    ok = sorted && text;
    if (ok) {
        at = signed_put(text, 0, url);
        if (n) {
            memcpy(sorted, param, n * sizeof *sorted);
            qsort(sorted, n, sizeof *sorted, order_param);
        }
        for (i = 0; i < n; i++) {
            if (i > 0 && order_param(&sorted[i - 1], &sorted[i]) == 0)
                continue;
            at = signed_put(text, at, sorted[i].key);
            at = signed_put(text, at, sorted[i].val);
        }
        ok = HMAC(EVP_sha1(), token.n ? token.p : "", (int)token.n, (const uint8_t *)text, at, mac, &mac_n) &&
             mac_n == SHA1_BYTES;
    }
    if (ok)
        (void)EVP_EncodeBlock((unsigned char *)out, mac, SHA1_BYTES);
    free(text);
    free(sorted);
    return ok;
}

/* ---- who calls --------------------------------------------------------------------------------- */

static bool caller_signed(struct hilo_str token, struct hilo_str url, const struct sms_form *form,
                          struct hilo_str given)
{
    char want[SMS_TW_SIGNATURE];

    return given.n == SMS_TW_SIGNATURE - 1 && sms_tw_sign(token, url, form->pair, form->n, want) &&
           CRYPTO_memcmp(want, given.p, SMS_TW_SIGNATURE - 1) == 0;
}

/* Where the authority of an http or https URL ends, and whether a port is there; 0: it is none. */
static size_t caller_authority(struct hilo_str url, const char **port, size_t *port_at)
{
    bool https = url.n > 8 && strncasecmp(url.p, "https://", 8) == 0;
    size_t i = https ? 8 : 7;

    if (!https && !(url.n > 7 && strncasecmp(url.p, "http://", 7) == 0))
        return 0;
    *port = https ? ":443" : ":80";
    *port_at = 0;
    for (; i < url.n && url.p[i] != '/' && url.p[i] != '?' && url.p[i] != '#'; i++) {
        if (url.p[i] == ':')
            *port_at = i;
        else if (url.p[i] == ']') /* of an IPv6 address: what was before is no port */
            *port_at = 0;
    }
    return i;
}

/* The same URL without its port, or with the default one. free() it. */
static char *caller_other_port(struct hilo_str url, size_t *n_out)
{
    const char *port;
    size_t port_at, end = caller_authority(url, &port, &port_at), head, n;
    char *other;

    if (end == 0)
        return NULL;
    other = malloc((size_t)url.n + 8);
    if (!other)
        return NULL;
    head = port_at ? port_at : end;
    memcpy(other, url.p, head);
    n = head;
    if (!port_at) {
        memcpy(other + n, port, strlen(port));
        n += strlen(port);
    }
    memcpy(other + n, url.p + end, (size_t)url.n - end);
    *n_out = n + (size_t)url.n - end;
    return other;
}

/* Whether the body is what the URL says of it. */
static bool caller_body(const struct hilo_http *h, struct hilo_str want)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[EVP_MAX_MD_SIZE];
    char hex[64];
    unsigned i;

    if (want.n != sizeof hex ||
        !EVP_Digest(h->body.n ? h->body.p : "", (size_t)h->body.n, digest, NULL, EVP_sha256(), NULL))
        return false;
    for (i = 0; i < 32; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    return strncasecmp(hex, want.p, sizeof hex) == 0;
}

static bool caller_is_form(const struct hilo_http *h)
{
    static const char form[] = "application/x-www-form-urlencoded";
    struct hilo_str type = sms_header(h, "Content-Type");

    return type.n >= sizeof form - 1 && strncasecmp(type.p, form, sizeof form - 1) == 0;
}

/* url: the whole of it. */
static bool caller_proven(const struct sms_conf *conf, const struct hilo_http *h, struct hilo_str url,
                          struct hilo_str query)
{
    struct hilo_str given = sms_header(h, "X-Twilio-Signature");
    struct sms_form *form = calloc(2, sizeof *form);
    bool ok = form != NULL, body = ok;
    size_t n = 0;
    char *other;

    if (ok && caller_is_form(h)) {
        ok = sms_form_read(h->body, &form[0]) == HILO_OK;
    } else if (ok && h->body.n) {
        ok = sms_form_read(query, &form[1]) == HILO_OK;
        body = ok && caller_body(h, sms_form_get(&form[1], "bodySHA256"));
    }
    if (ok && !caller_signed(conf->auth_token, url, &form[0], given)) {
        other = caller_other_port(url, &n);
        ok = other && caller_signed(conf->auth_token, (struct hilo_str){other, n}, &form[0], given);
        free(other);
    }
    if (form) {
        sms_form_done(&form[0]);
        sms_form_done(&form[1]);
    }
    free(form);
    return ok && body;
}

enum sms_caller sms_tw_caller(const struct sms_conf *conf, const struct hilo_http *h)
{
    struct hilo_str query = h->url, path = sms_split(&query, '?');
    size_t n = (size_t)(conf->webhook_url.n + h->url.n);
    char *url;
    bool known;

    if (path.n > 1 || (path.n == 1 && path.p[0] != '/'))
        return SMS_CALLER_LOST;
    url = malloc(n + 1);
    if (!url)
        return SMS_CALLER_UNKNOWN;
    (void)signed_put(url, signed_put(url, 0, conf->webhook_url), h->url);
    known = caller_proven(conf, h, (struct hilo_str){url, n}, query);
    free(url);
    return known ? SMS_CALLER_KNOWN : SMS_CALLER_UNKNOWN;
}
