/*
 * What the drivers of HTTP APIs share and is no state: options, a message as an item, verdicts,
 * proofs, what comes in.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api.h"

#include "gsm.h"
#include "msgid.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { RETRY_MAX_S = 86400, DIGITS_MAX = 7, NUMBER_MIN = 7, NUMBER_MAX = 15 };

/* ---- options ----------------------------------------------------------------------------------- */

/* Whether it may stand in a header: it can't change its shape. */
static bool api_clean(struct hilo_str s)
{
    uint64_t i;

    for (i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

const char *sms_api_wrong_option(const struct sms_api *api, const struct sms_conf *conf)
{
    if (conf->base_url.n == 0 && !api->base_url)
        return "base_url is missing: this provider has one for each account";
    if (!api_clean(conf->api_key) || !api_clean(conf->api_secret) || !api_clean(conf->auth_token))
        return "api_key, api_secret or auth_token holds a blank or a control character, perhaps a new line "
               "at its end";
    if (conf->latin1)
        return "latin1 is smpp's: an aggregator writes texts as GSM 7 bit or UCS-2";
    if (conf->long_messages != SMS_LONG_UDH8)
        return "long_messages is smpp's: an aggregator cuts them itself";
    if (conf->receipts == SMS_RECEIPTS_FAILURE)
        return "receipts: failure is smpp's: choose final or none";
    return NULL;
}

void sms_api_narrow(const struct sms_conf *conf, struct hilo_abilities *able)
{
    able->text_max = (uint32_t)conf->segments_max * 160;
    if (conf->receipts == SMS_RECEIPTS_NONE)
        able->flags &= ~(uint32_t)HILO_ABLE_RECEIPTS;
    else
        able->flags |= HILO_ABLE_RECONCILE;
}

struct hilo_str sms_api_base(const struct sms_api *api, const struct sms_conf *conf)
{
    return conf->base_url.n ? conf->base_url : (struct hilo_str){api->base_url, strlen(api->base_url)};
}

/* ---- a message --------------------------------------------------------------------------------- */

static bool item_to(struct hilo_str message, char out[SMS_TO_MAX])
{
    struct hilo_str party = hilo_get_str(message, HILO_T_MSG_PARTY), to;
    uint64_t i;

    to = hilo_get_str(party, HILO_T_IDENT_NATIVE);
    if (to.n == 0)
        to = hilo_get_str(party, HILO_T_IDENT_VALUE);
    if (to.n && to.p[0] == '+') {
        to.p++;
        to.n--;
    }
    if (to.n < NUMBER_MIN || to.n > NUMBER_MAX)
        return false;
    for (i = 0; i < to.n; i++)
        if (to.p[i] < '0' || to.p[i] > '9')
            return false;
    out[0] = '+';
    memcpy(out + 1, to.p, (size_t)to.n);
    out[to.n + 1] = '\0';
    return true;
}

static bool item_from(const struct sms_conf *conf, struct hilo_str message, char out[SMS_FROM_MAX])
{
    struct hilo_str from = hilo_get_str(message, HILO_T_MSG_SENDER);

    if (from.n == 0)
        from = conf->sender;
    if (from.n >= SMS_FROM_MAX)
        return false;
    if (from.n)
        memcpy(out, from.p, (size_t)from.n);
    out[from.n] = '\0';
    return true;
}

/* The text as a handset will show it: what the form of its segments makes of it, read again. */
static struct sms_item *item_with_text(struct hilo_str text, const struct hilo_segments *cut)
{
    /* A byte of UTF-8 is at most 3 septets ("…" is 3 of ASCII for 3 bytes, "€" 2), or 2 octets of UCS-2. */
    size_t cap = (size_t)text.n * 4 + 8;
    uint8_t *octets = malloc(cap);
    uint8_t alphabet = cut->form & HILO_SEGMENT_GSM7 ? SMS_ALPHABET_GSM : SMS_ALPHABET_UCS2;
    struct hilo_str written = {(const char *)octets, 0};
    struct sms_item *item = NULL;
    struct sms_text read;

    if (octets) {
        written.n = hilo_segment_encode(cut, text, octets, cap);
        item = malloc(sizeof *item + (size_t)written.n * 4 + 4);
    }
    if (item) {
        memset(item, 0, sizeof *item);
        item->tables = cut->form & HILO_GSM_NATIONAL;
        if (sms_text_decode(alphabet, item->tables, written, 0, item->text, written.n * 4 + 4, &read) !=
            HILO_OK) {
            free(item);
            item = NULL;
        } else {
            item->text_n = read.text.n;
        }
    }
    free(octets);
    return item;
}

struct sms_item *sms_item_new(const struct sms_conf *conf, struct hilo_id id, struct hilo_str message,
                              const char **reason, const char **why)
{
    struct hilo_str text = hilo_get_str(hilo_content(message), HILO_T_CONTENT_TEXT);
    const struct hilo_segment_rules rules = sms_segment_rules(conf);
    struct hilo_segments cut;
    struct sms_item *item;
    char to[SMS_TO_MAX], from[SMS_FROM_MAX];

    *reason = "invalid_content";
    *why = "only texts can be sent by SMS";
    if (hilo_content_type(message) != HILO_CONTENT_TEXT)
        return NULL;
    *why = "the text can't be cut into segments by the options of this channel";
    if (text.n == 0 || hilo_segments_measure(text, &rules, &cut) != HILO_OK)
        return NULL;
    *reason = "too_long";
    *why = "the text has more segments than the channel's segments_max";
    if (cut.segments > (uint64_t)conf->segments_max)
        return NULL;
    *reason = "invalid_sender";
    *why = "the message's sender is longer than 20 characters";
    if (!item_from(conf, message, from))
        return NULL;
    *reason = "invalid_recipient";
    *why = "the recipient is no number with its country code";
    if (!item_to(message, to))
        return NULL;
    *reason = "no_memory";
    *why = "no memory for the message";
    item = item_with_text(text, &cut);
    if (!item)
        return NULL;
    item->id = id;
    memcpy(item->to, to, sizeof to);
    memcpy(item->from, from, sizeof from);
    item->flash = conf->flash || hilo_get_u64(message, HILO_T_MSG_FLASH);
    item->expires_us = (int64_t)hilo_get_u64(message, HILO_T_MSG_EXPIRES);
    return item;
}

int64_t sms_item_validity_s(const struct sms_conf *conf, const struct sms_item *item, int64_t now_us)
{
    if (conf->validity == SMS_VALIDITY_NONE || item->expires_us <= 0)
        return 0;
    return item->expires_us - now_us > 1000000 ? (item->expires_us - now_us) / 1000000 : 1;
}

/* ---- headers and secrets ----------------------------------------------------------------------- */

struct hilo_str sms_header(const struct hilo_http *h, const char *name)
{
    struct hilo_str none = {NULL, 0};
    size_t n = strlen(name);
    uint64_t i;

    for (i = 0; i < h->n_header; i++)
        if (h->header[i].key.n == n && strncasecmp(h->header[i].key.p, name, n) == 0)
            return h->header[i].val;
    return none;
}

char *sms_basic(struct hilo_str user, struct hilo_str password)
{
    static const char scheme[] = "Basic ";
    size_t n = (size_t)(user.n + 1 + password.n);
    char *plain = malloc(n + 1), *out = malloc(sizeof scheme + (n + 2) / 3 * 4);

    if (plain && out) {
        (void)snprintf(plain, n + 1, "%.*s:%.*s", (int)user.n, user.p, (int)password.n, password.p);
        memcpy(out, scheme, sizeof scheme);
        (void)EVP_EncodeBlock((unsigned char *)out + sizeof scheme - 1, (const unsigned char *)plain, (int)n);
        OPENSSL_cleanse(plain, n);
    } else {
        free(out);
        out = NULL;
    }
    free(plain);
    return out;
}

bool sms_secret_eq(struct hilo_str a, struct hilo_str b)
{
    uint8_t x[EVP_MAX_MD_SIZE], y[EVP_MAX_MD_SIZE];

    return EVP_Digest(a.n ? a.p : "", (size_t)a.n, x, NULL, EVP_sha256(), NULL) &&
           EVP_Digest(b.n ? b.p : "", (size_t)b.n, y, NULL, EVP_sha256(), NULL) &&
           CRYPTO_memcmp(x, y, 32) == 0;
}

/* ---- verdicts ---------------------------------------------------------------------------------- */

const struct sms_code *sms_code_find(const struct sms_code *table, int64_t id)
{
    for (; table->reason; table++)
        if (table->id == id)
            return table;
    return NULL;
}

void sms_verdict_set(struct sms_verdict *v, int32_t code, uint32_t scope, const char *reason)
{
    v->code = code;
    v->scope = scope;
    (void)snprintf(v->reason, sizeof v->reason, "%s", reason);
}

void sms_verdict_code(struct sms_verdict *v, const struct sms_code *c)
{
    sms_verdict_set(v, c->code, c->scope, c->reason);
    v->retry_after_us = (int64_t)c->retry_after_s * 1000000;
}

void sms_verdict_words(struct sms_verdict *v, struct hilo_str s)
{
    size_t n = strlen(v->detail), cap = sizeof v->detail, run, len, i = 0;
    unsigned char c;

    if (s.n == 0)
        return;
    if (n && n + 2 < cap) {
        memcpy(v->detail + n, ": ", 2);
        n += 2;
    }
    while (i < s.n) {
        for (run = 0; i + run < s.n && s.p[i + run] >= '0' && s.p[i + run] <= '9'; run++)
            ;
        c = (unsigned char)s.p[i];
        len = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        if (n + len + 1 > cap || i + len > s.n)
            break;
        if (run > DIGITS_MAX) {
            v->detail[n++] = '#';
            i += run;
            continue;
        }
        /* A run that may stay is taken whole: its rest must not look like a shorter one. */
        if (run > 1)
            len = run;
        if (n + len + 1 > cap)
            break;
        if (c < 0x20 || c == 0x7f)
            v->detail[n++] = ' ';
        else
            memcpy(v->detail + n, s.p + i, len), n += len;
        i += len;
    }
    v->detail[n] = '\0';
}

void sms_verdict_retry_after(struct sms_verdict *v, const struct hilo_http *h)
{
    struct hilo_str s = sms_header(h, "Retry-After");
    int64_t seconds = 0;
    uint64_t i;

    for (i = 0; i < s.n && i < 9 && s.p[i] >= '0' && s.p[i] <= '9'; i++)
        seconds = seconds * 10 + (s.p[i] - '0');
    if ((v->code == HILO_AGAIN || v->code == HILO_TEMP) && i > 0 && i == s.n)
        v->retry_after_us = (seconds < RETRY_MAX_S ? seconds : RETRY_MAX_S) * 1000000;
}

void sms_verdict_by_status(struct sms_verdict *v, const char *title, uint32_t status)
{
    static const struct sms_code table[] = {{401, HILO_CONFIG, HILO_SCOPE_CHANNEL, 0, "token_invalid"},
                                            {403, HILO_CONFIG, HILO_SCOPE_CHANNEL, 0, "permission_denied"},
                                            {429, HILO_AGAIN, HILO_SCOPE_CHANNEL, 1, "rate_limited"},
                                            {0, 0, 0, 0, NULL}};
    const struct sms_code *c = sms_code_find(table, status);

    if (c)
        sms_verdict_code(v, c);
    else if (status >= 300 && status < 400)
        sms_verdict_set(v, HILO_CONFIG, HILO_SCOPE_CHANNEL, "redirected");
    else if (status >= 400 && status < 500)
        sms_verdict_set(v, HILO_PERM, HILO_SCOPE_MESSAGE, "rejected");
    else /* whether it was taken nobody knows */
        sms_verdict_set(v, HILO_IN_DOUBT, HILO_SCOPE_MESSAGE, "unclear_answer");
    (void)snprintf(v->provider_code, sizeof v->provider_code, "http %u", (unsigned)status);
    (void)snprintf(v->detail, sizeof v->detail, "HTTP status %u without words of %s", (unsigned)status,
                   title);
}

/* ---- what comes -------------------------------------------------------------------------------- */

void sms_in_message(struct sms_in *in, int64_t time_us, struct hilo_str ext_id, struct hilo_str from)
{
    bool bare = from.n >= NUMBER_MIN && from.n <= NUMBER_MAX;
    char number[NUMBER_MAX + 1];
    uint64_t i;

    for (i = 0; i < from.n; i++)
        bare = bare && from.p[i] >= '0' && from.p[i] <= '9';
    hilo_writer_init(&in->w, in->bytes, sizeof in->bytes);
    hilo_put_u64(&in->w, HILO_T_MSG_KIND, HILO_KIND_INBOUND);
    hilo_put_str(&in->w, HILO_T_MSG_EXT_ID, ext_id);
    hilo_put_u64(&in->w, HILO_T_MSG_TIME, (uint64_t)time_us);
    hilo_open(&in->w, HILO_T_MSG_PARTY);
    hilo_put_u64(&in->w, HILO_T_IDENT_SCHEME, HILO_SCHEME_PHONE);
    if (bare) { /* Infobip writes numbers without their plus sign */
        number[0] = '+';
        memcpy(number + 1, from.p, (size_t)from.n);
        from = (struct hilo_str){number, from.n + 1};
    }
    hilo_put_str(&in->w, HILO_T_IDENT_VALUE, from);
    hilo_close(&in->w);
}

void sms_in_text(struct sms_in *in, struct hilo_str text)
{
    hilo_open(&in->w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&in->w, HILO_T_CONTENT_TEXT, text);
    hilo_close(&in->w);
}

void sms_in_extra(struct sms_in *in, const cJSON *extra)
{
    char *text = extra->child ? cJSON_PrintUnformatted(extra) : NULL;

    if (extra->child && !text)
        in->w.failed = 1;
    if (text)
        hilo_put(&in->w, HILO_T_MSG_EXTRA, text, strlen(text));
    cJSON_free(text);
}

void sms_in_receipt(struct sms_in *in, int64_t time_us, struct hilo_str ext_id, struct hilo_str echo,
                    uint32_t status)
{
    struct hilo_id id;

    hilo_writer_init(&in->w, in->bytes, sizeof in->bytes);
    hilo_put_u64(&in->w, HILO_T_MSG_KIND, HILO_KIND_RECEIPT);
    hilo_put_u64(&in->w, HILO_T_MSG_TIME, (uint64_t)time_us);
    hilo_put_str(&in->w, HILO_T_MSG_EXT_ID, ext_id);
    hilo_open(&in->w, HILO_T_MSG_RECEIPT);
    hilo_put_u64(&in->w, HILO_T_RECEIPT_STATUS, status);
    if (sms_msgid_read(echo, &id))
        hilo_put_id(&in->w, HILO_T_RECEIPT_ECHO, id);
}

void sms_in_receipt_end(struct sms_in *in)
{
    hilo_close(&in->w);
}

bool sms_in_give(struct sms_in *in, const struct sms_sink *sink)
{
    if (in->w.failed) {
        sink->note(sink->arg, "one that is too large is dropped");
        return true;
    }
    return sink->message(sink->arg, hilo_written(&in->w));
}
