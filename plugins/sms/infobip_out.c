/*
 * POST /sms/3/messages: the body, and what its answer means.
 *
 * Our id of a message is its messageId and its callbackData, by which its reports name it. A request that is
 * refused by HTTP has sent nothing, but a 5xx may hide that it was taken: only 503 with an error of Infobip's
 * own says that it was not. One that is answered 200 has a status for each message.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infobip.h"

#include "msgid.h"
#include "text_in.h"

#include <stdio.h>
#include <stdlib.h>

enum { VALIDITY_MAX_MIN = 48 * 60, VIOLATIONS_MAX = 3 };

/* ---- the request ------------------------------------------------------------------------------- */

bool sms_ib_url(const struct sms_conf *conf, struct hilo_str base, char out[SMS_URL_MAX])
{
    int n = snprintf(out, SMS_URL_MAX, "%.*s/sms/3/messages", (int)base.n, base.p);

    (void)conf;
    return n > 0 && n < SMS_URL_MAX;
}

/* A string of these bytes; at an error NULL is put, which cJSON takes for an error too. */
static bool body_text(cJSON *in, const char *name, const char *p, size_t n)
{
    char *text = malloc(n + 1);
    bool ok = false;

    if (text) {
        if (n)
            memcpy(text, p, n);
        text[n] = '\0';
        ok = cJSON_AddStringToObject(in, name, text) != NULL;
    }
    free(text);
    return ok;
}

static bool body_content(cJSON *message, const struct sms_item *item)
{
    cJSON *content = cJSON_AddObjectToObject(message, "content"), *language;
    bool ok = content && body_text(content, "text", item->text, (size_t)item->text_n);

    if (ok && item->tables) {
        language = cJSON_AddObjectToObject(content, "language");
        ok = language && cJSON_AddStringToObject(language, "languageCode",
                                                 item->tables & HILO_SEGMENT_ES_SINGLE ? "ES" : "PT");
    }
    return ok;
}

/* In whole minutes, never less than it is worth; longer than Infobip keeps any: not said. */
static bool body_options(cJSON *message, const struct sms_conf *conf, const struct sms_item *item,
                         int64_t now_us)
{
    int64_t minutes = (sms_item_validity_s(conf, item, now_us) + 59) / 60;
    bool valid = minutes > 0 && minutes <= VALIDITY_MAX_MIN, ok = true;
    cJSON *options, *period;

    if (!valid && !item->flash)
        return true;
    options = cJSON_AddObjectToObject(message, "options");
    if (valid) {
        period = options ? cJSON_AddObjectToObject(options, "validityPeriod") : NULL;
        ok = period && cJSON_AddNumberToObject(period, "amount", (double)minutes) &&
             cJSON_AddStringToObject(period, "timeUnit", "MINUTES");
    }
    if (item->flash)
        ok = ok && options && cJSON_AddTrueToObject(options, "flash");
    return ok;
}

static bool body_webhooks(cJSON *message, const struct sms_conf *conf, const char *id)
{
    cJSON *hooks = cJSON_AddObjectToObject(message, "webhooks"), *delivery;
    char url[SMS_URL_MAX];
    int n;
    bool ok = hooks != NULL;

    if (ok && conf->webhook_url.n && conf->receipts != SMS_RECEIPTS_NONE) {
        n = snprintf(url, sizeof url, "%.*s%s%.*s", (int)conf->webhook_url.n, conf->webhook_url.p,
                     conf->hook_secret.n ? "/" : "", (int)conf->hook_secret.n, conf->hook_secret.p);
        delivery = n < (int)sizeof url ? cJSON_AddObjectToObject(hooks, "delivery") : NULL;
        ok = delivery && cJSON_AddStringToObject(delivery, "url", url) &&
             (!conf->intermediate || cJSON_AddTrueToObject(delivery, "intermediateReport")) &&
             cJSON_AddStringToObject(hooks, "contentType", "application/json");
    }
    return ok && cJSON_AddStringToObject(hooks, "callbackData", id);
}

static bool body_message(cJSON *list, const struct sms_conf *conf, const struct sms_item *item,
                         int64_t now_us)
{
    cJSON *message = cJSON_CreateObject(), *destinations, *to;
    const char *sender = item->from + (item->from[0] == '+'); /* Infobip writes numbers without */
    char id[SMS_MSGID_TEXT];

    if (!message || !cJSON_AddItemToArray(list, message)) {
        cJSON_Delete(message);
        return false;
    }
    sms_msgid_write(item->id, id);
    if (!cJSON_AddStringToObject(message, "sender", sender))
        return false;
    destinations = cJSON_AddArrayToObject(message, "destinations");
    to = cJSON_CreateObject();
    if (!destinations || !to || !cJSON_AddItemToArray(destinations, to)) {
        cJSON_Delete(to);
        return false;
    }
    return cJSON_AddStringToObject(to, "to", item->to + 1) && cJSON_AddStringToObject(to, "messageId", id) &&
           body_content(message, item) && body_options(message, conf, item, now_us) &&
           body_webhooks(message, conf, id);
}

char *sms_ib_body(const struct sms_conf *conf, int64_t now_us, struct sms_item *const *item, unsigned n)
{
    cJSON *root = cJSON_CreateObject(), *list = root ? cJSON_AddArrayToObject(root, "messages") : NULL;
    bool ok = list != NULL;
    char *text;
    unsigned i;

    for (i = 0; i < n && ok; i++)
        ok = body_message(list, conf, item[i], now_us);
    text = ok ? cJSON_PrintUnformatted(root) : NULL;
    cJSON_Delete(root);
    return text;
}

/* ---- the answer -------------------------------------------------------------------------------- */

/* "property: what is wrong" of the first few; true if one is about the sender: then no message can leave. */
static bool answer_violations(struct sms_verdict *v, const cJSON *list)
{
    const cJSON *one;
    bool sender = false;
    unsigned n = 0;

    cJSON_ArrayForEach(one, list)
    {
        /* [{"property":"…","violation":"…"}], or {"messages[0].sender":["…"]} */
        const char *property = cJSON_IsObject(list) ? one->string : sms_json_text(one, "property").p;
        const char *what =
            cJSON_IsObject(list) ? cJSON_GetStringValue(one->child) : sms_json_text(one, "violation").p;
        size_t length = property ? strlen(property) : 0;

        if (n++ < VIOLATIONS_MAX) {
            sms_verdict_words(v, (struct hilo_str){property, length});
            sms_verdict_words(v, (struct hilo_str){what, what ? strlen(what) : 0});
        }
        sender = sender || (length >= 6 && strcmp(property + length - 6, "sender") == 0);
    }
    return sender;
}

/* Of an answer that is no 2xx, to all of the request. */
static void answer_refused(const struct hilo_http *h, const cJSON *root, struct sms_verdict *v)
{
    const cJSON *old = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(root, "requestError"), "serviceException");
    struct hilo_str code = old ? sms_json_text(old, "messageId") : sms_json_text(root, "errorCode");
    struct hilo_str text = old ? sms_json_text(old, "text") : sms_json_text(root, "description");
    bool sender;

    memset(v, 0, sizeof *v);
    sms_verdict_by_status(v, sms_api_infobip.title, h->status);
    if (code.n && h->status >= 400) {
        (void)snprintf(v->provider_code, sizeof v->provider_code, "%.*s", (int)code.n, code.p);
        v->detail[0] = '\0';
        sms_verdict_words(v, text);
        sender = answer_violations(v, old ? cJSON_GetObjectItemCaseSensitive(old, "validationErrors")
                                          : cJSON_GetObjectItemCaseSensitive(root, "violations"));
        if (h->status == 503)
            sms_verdict_set(v, HILO_TEMP, HILO_SCOPE_MESSAGE, "provider_unavailable");
        else if (v->code == HILO_PERM && sender)
            sms_verdict_set(v, HILO_CONFIG, HILO_SCOPE_CHANNEL, "sender_rejected");
        else if (h->status == 400)
            sms_verdict_set(v, HILO_PERM, HILO_SCOPE_MESSAGE, "invalid_parameter");
    }
    sms_verdict_retry_after(v, h);
}

static void answer_one(const cJSON *one, struct sms_verdict *v)
{
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(one, "status");
    int64_t group = sms_json_int(status, "groupId"), id = sms_json_int(status, "id");
    struct hilo_str name = sms_json_text(status, "name"), ext = sms_json_text(one, "messageId");
    const struct sms_code *c = id >= 0 ? sms_ib_status(id) : NULL;

    if (group < 0 || ext.n == 0 || ext.n >= sizeof v->ext_id)
        return; /* as it was: unclear */
    memset(v, 0, sizeof *v);
    if (group == SMS_IB_ACCEPTED || group == SMS_IB_PENDING || group == SMS_IB_DELIVERED ||
        (c && c->code == HILO_OK)) {
        memcpy(v->ext_id, ext.p, (size_t)ext.n + 1);
        return;
    }
    if (c)
        sms_verdict_code(v, c);
    else
        sms_verdict_set(v, HILO_PERM, HILO_SCOPE_MESSAGE, sms_ib_group_reason(group));
    (void)snprintf(v->provider_code, sizeof v->provider_code, "%.*s", (int)name.n, name.n ? name.p : "");
    sms_verdict_words(v, sms_json_text(status, "description"));
    sms_verdict_words(v, sms_json_text(status, "action"));
}

/* The place of this id among the items; n: it is none of them. A list is in the order of the request, as a
 * rule. */
static unsigned answer_place(struct sms_item *const *item, unsigned n, unsigned likely, struct hilo_str text)
{
    struct hilo_id id;
    unsigned i;

    if (!sms_msgid_read(text, &id))
        return n;
    if (likely < n && memcmp(&item[likely]->id, &id, sizeof id) == 0)
        return likely;
    for (i = 0; i < n && memcmp(&item[i]->id, &id, sizeof id) != 0; i++)
        ;
    return i;
}

bool sms_ib_answer(const struct hilo_http *h, struct sms_item *const *item, unsigned n,
                   struct sms_verdict *out)
{
    cJSON *root = sms_json_read(h->body);
    const cJSON *one;
    unsigned i, at = 0, place;
    bool whole = h->status < 200 || h->status > 299;

    for (i = 0; i < n; i++) {
        memset(&out[i], 0, sizeof out[i]);
        sms_verdict_set(&out[i], HILO_IN_DOUBT, HILO_SCOPE_MESSAGE, "unclear_answer");
        (void)snprintf(out[i].detail, sizeof out[i].detail,
                       "Infobip answered 2xx without this message and its status");
    }
    if (whole) {
        answer_refused(h, root, &out[0]);
        for (i = 1; i < n; i++)
            out[i] = out[0];
    } else {
        cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(root, "messages"))
        {
            place = answer_place(item, n, at++, sms_json_text(one, "messageId"));
            if (place < n)
                answer_one(one, &out[place]);
        }
    }
    cJSON_Delete(root);
    return whole;
}
