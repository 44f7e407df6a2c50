/*
 * Answers of Infobip's API: pure functions over their bytes.
 *
 * A refusal comes in one of two shapes of JSON and is judged by its HTTP status,
 * which Infobip, other than Meta, keeps to. A 5xx may hide that the message was
 * taken; only 503 with an error of Infobip's own says that it was not. A send is
 * answered 200 even when its message is rejected: then its status tells.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infobip.h"

#include <stdio.h>

enum { IB_VIOLATIONS_MAX = 3 };

static void ib_answer_set(struct wa_verdict *v, int32_t code, enum wa_scope scope, const char *reason)
{
    v->code = code;
    v->scope = scope;
    snprintf(v->reason, sizeof v->reason, "%s", reason);
}

/* Whether a violation is about the number that we send from: no message can leave. */
static bool ib_answer_about_sender(struct hilo_str property)
{
    return wa_json_is(property, "from") ||
           (property.n > 7 && property.p[0] == '"' && memcmp(property.p + property.n - 6, ".from\"", 6) == 0);
}

/* Puts "property: what is wrong" into the detail; true if one is about the sender. */
static bool ib_answer_violations(struct wa_verdict *v, struct hilo_str list)
{
    struct hilo_str rest = wa_json_inside(list), item, key, value, what;
    bool sender = false, object = wa_json_type(list) == WA_JSON_OBJECT;
    unsigned n = 0;

    if (!object && wa_json_type(list) != WA_JSON_ARRAY)
        return false;
    while (n++ < IB_VIOLATIONS_MAX) {
        if (object) { /* {"content.text":["must not be blank"]} */
            if (!wa_json_member(&rest, &key, &value))
                break;
            key.p--; /* with its quotes again */
            key.n += 2;
            what = wa_json_inside(value);
            if (wa_json_type(value) != WA_JSON_ARRAY || !wa_json_item(&what, &value))
                continue;
        } else { /* [{"property":"content.text","violation":"must not be blank"}] */
            if (!wa_json_item(&rest, &item))
                break;
            key = wa_json_get(item, "property");
            value = wa_json_get(item, "violation");
        }
        wa_answer_words(v, key);
        wa_answer_words(v, value);
        sender = sender || ib_answer_about_sender(key);
    }
    return sender;
}

static void ib_answer_refused(uint32_t status, bool sender, struct wa_verdict *v)
{
    if (status == 429) {
        ib_answer_set(v, HILO_AGAIN, WA_SCOPE_ACCOUNT, "rate_limited");
        v->retry_after_us = 1000000;
    } else if (status == 401) {
        ib_answer_set(v, HILO_CONFIG, WA_SCOPE_ACCOUNT, "token_invalid");
    } else if (status == 403) {
        ib_answer_set(v, HILO_CONFIG, WA_SCOPE_ACCOUNT, "permission_denied");
    } else if (status == 503) {
        ib_answer_set(v, HILO_TEMP, WA_SCOPE_MESSAGE, "provider_unavailable");
    } else if (status >= 500) {
        ib_answer_set(v, HILO_IN_DOUBT, WA_SCOPE_MESSAGE, "unclear_answer");
    } else if (sender) {
        ib_answer_set(v, HILO_CONFIG, WA_SCOPE_ACCOUNT, "sender_rejected");
    } else if (status == 400) {
        ib_answer_set(v, HILO_PERM, WA_SCOPE_MESSAGE, "invalid_parameter");
    } else if (status == 404) {
        ib_answer_set(v, HILO_PERM, WA_SCOPE_MESSAGE, "not_found");
    } else {
        ib_answer_set(v, HILO_PERM, WA_SCOPE_MESSAGE, "rejected");
    }
}

void wa_ib_judge(const struct hilo_http *h, struct wa_verdict *v)
{
    struct hilo_str root, inner, id = {NULL, 0}, text = id, violations = id;
    bool sender;

    memset(v, 0, sizeof *v);
    if (wa_json_check(h->body, &root) && wa_json_type(root) == WA_JSON_OBJECT) {
        inner = wa_json_get(wa_json_get(root, "requestError"), "serviceException");
        if (wa_json_type(inner) == WA_JSON_OBJECT) {
            id = wa_json_get(inner, "messageId");
            text = wa_json_get(inner, "text");
            violations = wa_json_get(inner, "validationErrors");
        } else {
            id = wa_json_get(root, "errorCode");
            text = wa_json_get(root, "description");
            violations = wa_json_get(root, "violations");
        }
        if (wa_json_type(id) != WA_JSON_STRING) /* of a mark as read */
            id = text = wa_json_get(root, "error");
    }
    if (wa_json_type(id) != WA_JSON_STRING || h->status < 400) {
        wa_answer_by_status(h->status, wa_infobip.title, v);
    } else {
        if (id.p == text.p || !wa_answer_text(id, v->provider_code, sizeof v->provider_code))
            snprintf(v->provider_code, sizeof v->provider_code, "http %u", (unsigned)h->status);
        wa_answer_words(v, text);
        sender = ib_answer_violations(v, violations);
        ib_answer_refused(h->status, sender, v);
    }
    wa_answer_retry_after(h, v);
}

/* A status that is not of a message on its way. */
static void ib_answer_rejected(struct hilo_str status, uint64_t group, uint64_t id, struct wa_verdict *v)
{
    const struct wa_ib_code *c = wa_ib_status(id);

    if (c && c->code == HILO_OK)
        return;
    if (!wa_answer_text(wa_json_get(status, "name"), v->provider_code, sizeof v->provider_code))
        snprintf(v->provider_code, sizeof v->provider_code, "status %u", (unsigned)id);
    wa_answer_words(v, wa_json_get(status, "description"));
    wa_answer_words(v, wa_json_get(status, "action"));
    if (c)
        ib_answer_set(v, c->code, c->scope, c->reason);
    else
        ib_answer_set(v, HILO_PERM, WA_SCOPE_MESSAGE,
                      group == 2   ? "undeliverable"
                      : group == 4 ? "expired"
                                   : "rejected");
    if (c)
        v->retry_after_us = (int64_t)c->retry_after_s * 1000000;
}

void wa_ib_answer(const struct hilo_http *h, bool echoed, struct wa_verdict *v)
{
    struct hilo_str root, rest, status;
    uint64_t group = 0, id = 0;
    bool told;

    if (h->status < 200 || h->status > 299) {
        wa_ib_judge(h, v);
        if (!echoed && v->code == HILO_AGAIN) /* signals have limits of their own, ten a second */
            v->scope = WA_SCOPE_MESSAGE;
        return;
    }
    memset(v, 0, sizeof *v);
    if (!echoed) /* a signal: 204, or 200 with words that need no reading */
        return;
    if (wa_json_check(h->body, &root)) {
        rest = wa_json_get(root, "messages"); /* of a template: a list of one */
        if (wa_json_type(rest) == WA_JSON_ARRAY) {
            rest = wa_json_inside(rest);
            if (!wa_json_item(&rest, &root))
                root = (struct hilo_str){NULL, 0};
        }
        status = wa_json_get(root, "status");
        told = wa_json_u64(wa_json_get(status, "groupId"), &group);
        (void)wa_json_u64(wa_json_get(status, "id"), &id);
        if (told && (group == 2 || group > 3))
            ib_answer_rejected(status, group, id > INT32_MAX ? 0 : id, v);
        if (v->code != HILO_OK ||
            (told && wa_answer_text(wa_json_get(root, "messageId"), v->ext_id, sizeof v->ext_id)))
            return;
    }
    ib_answer_set(v, HILO_IN_DOUBT, WA_SCOPE_MESSAGE, "unclear_answer");
    snprintf(v->detail, sizeof v->detail, "Infobip answered 2xx without a message id and its status");
}
