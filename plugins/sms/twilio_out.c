/*
 * POST …/Messages.json: the form, and what its answer means.
 *
 * Twilio knows no id of ours. So the StatusCallback of a message has it in its query: a callback then
 * resolves what is in doubt, and one that is faster than the answer is recognised too.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "twilio.h"

#include "msgid.h"
#include "text_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALIDITY_MAX_S = 36000 /* longer Twilio keeps none */ };

/* ---- the request ------------------------------------------------------------------------------- */

bool sms_tw_url(const struct sms_conf *conf, struct hilo_str base, char out[SMS_URL_MAX])
{
    int n = snprintf(out, SMS_URL_MAX, "%.*s/2010-04-01/Accounts/%.*s/Messages.json", (int)base.n, base.p,
                     (int)conf->account_sid.n, conf->account_sid.p);

    return n > 0 && n < SMS_URL_MAX;
}

struct body {
    char *p;
    size_t n, cap;
    bool failed;
};

static void body_put(struct body *b, const char *p, size_t n)
{
    if (b->failed || n > b->cap - b->n) {
        b->failed = true; /* its cap is the most that it can become */
        return;
    }
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

/* name=value, the value percent-encoded (all but RFC 3986's unreserved). */
static void body_param(struct body *b, const char *name, struct hilo_str value)
{
    static const char hex[] = "0123456789ABCDEF";
    uint64_t i;
    char c, code[3] = "%";

    if (b->n)
        body_put(b, "&", 1);
    body_put(b, name, strlen(name));
    body_put(b, "=", 1);
    for (i = 0; i < value.n; i++) {
        c = value.p[i];
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
            c == '.' || c == '_' || c == '~') {
            body_put(b, &c, 1);
        } else {
            code[1] = hex[(unsigned char)c >> 4];
            code[2] = hex[(unsigned char)c & 15];
            body_put(b, code, 3);
        }
    }
}

static struct hilo_str body_str(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}

char *sms_tw_body(const struct sms_conf *conf, int64_t now_us, struct sms_item *const *items, unsigned n)
{
    const struct sms_item *item = items[0];
    int64_t validity_s = sms_item_validity_s(conf, item, now_us);
    struct body b = {.cap = (size_t)(item->text_n + conf->webhook_url.n) * 3 + 1024};
    char id[SMS_MSGID_TEXT], text[SMS_URL_MAX];

    (void)n; /* always 1 */
    b.p = malloc(b.cap + 1);
    if (!b.p)
        return NULL;
    body_param(&b, "To", body_str(item->to));
    if (conf->service_sid.n)
        body_param(&b, "MessagingServiceSid", conf->service_sid);
    if (item->from[0])
        body_param(&b, "From", body_str(item->from));
    body_param(&b, "Body", (struct hilo_str){item->text, item->text_n});
    /* A messaging service may have it on: then it would be fewer segments than were told. */
    body_param(&b, "SmartEncoded", body_str("false"));
    if (conf->receipts != SMS_RECEIPTS_NONE) {
        sms_msgid_write(item->id, id);
        (void)snprintf(text, sizeof text, "%.*s?" SMS_TW_ECHO "=%s", (int)conf->webhook_url.n,
                       conf->webhook_url.p, id);
        body_param(&b, "StatusCallback", body_str(text));
    }
    if (validity_s > 0 && validity_s < VALIDITY_MAX_S) {
        (void)snprintf(text, sizeof text, "%lld", (long long)validity_s);
        body_param(&b, "ValidityPeriod", body_str(text));
    }
    if (b.failed) {
        free(b.p);
        return NULL;
    }
    b.p[b.n] = '\0';
    return b.p;
}

/* ---- the answer -------------------------------------------------------------------------------- */

static void answer_taken(const cJSON *root, struct sms_verdict *v)
{
    struct hilo_str sid = sms_json_text(root, "sid");

    if (sid.n == 0 || sid.n >= sizeof v->ext_id) {
        sms_verdict_set(v, HILO_IN_DOUBT, HILO_SCOPE_MESSAGE, "unclear_answer");
        (void)snprintf(v->detail, sizeof v->detail, "Twilio answered 2xx without a message's sid");
        return;
    }
    v->code = HILO_OK;
    memcpy(v->ext_id, sid.p, (size_t)sid.n + 1);
}

bool sms_tw_answer(const struct hilo_http *h, struct sms_item *const *item, unsigned n, struct sms_verdict *v)
{
    cJSON *root = sms_json_read(h->body);
    int64_t code = sms_json_int(root, "code");
    const struct sms_code *c = code > 0 ? sms_tw_code(code) : NULL;

    (void)item;
    (void)n; /* always 1 */
    memset(v, 0, sizeof *v);
    if (h->status >= 200 && h->status <= 299) {
        answer_taken(root, v);
    } else {
        sms_verdict_by_status(v, sms_api_twilio.title, h->status);
        if (code > 0 && h->status >= 400) {
            (void)snprintf(v->provider_code, sizeof v->provider_code, "%lld", (long long)code);
            v->detail[0] = '\0';
            sms_verdict_words(v, sms_json_text(root, "message"));
            /* A 5xx may hide that it was taken, but for the code that says so. */
            if (c && (h->status < 500 || c->code == HILO_TEMP))
                sms_verdict_code(v, c);
        }
        sms_verdict_retry_after(v, h);
    }
    cJSON_Delete(root);
    return false;
}
