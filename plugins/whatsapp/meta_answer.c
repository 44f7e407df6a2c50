/*
 * Answers of the Cloud API: pure functions over their bytes.
 *
 * An answer is judged by Meta's code if its body has one.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "meta.h"

#include "json.h"

#include <stdio.h>
#include <string.h>

/* Codes that Meta also gives when a media id has run out. */
static bool answer_may_be_stale_media(uint64_t code)
{
    return code == 33 || code == 100 || code == 131009 || code == 131052 || code == 131053;
}

/* With a code that the table does not have. */
static void answer_unknown_code(uint32_t status, bool transient, struct wa_verdict *v)
{
    if (status == 429) {
        v->code = HILO_AGAIN;
        v->retry_after_us = 1000000;
        snprintf(v->reason, sizeof v->reason, "rate_limited");
    } else if (transient || status >= 500) {
        v->code = HILO_TEMP;
        snprintf(v->reason, sizeof v->reason, "provider_error");
    } else if (status == 401) {
        v->code = HILO_CONFIG;
        v->scope = WA_SCOPE_ACCOUNT;
        snprintf(v->reason, sizeof v->reason, "token_invalid");
    } else {
        v->code = HILO_PERM;
        snprintf(v->reason, sizeof v->reason, "rejected");
    }
}

void wa_meta_judge(const struct hilo_http *h, struct wa_verdict *v)
{
    struct hilo_str root, error = {NULL, 0}, flag;
    const struct wa_meta_error *e;
    uint64_t code = 0;

    memset(v, 0, sizeof *v);
    if (wa_json_check(h->body, &root))
        error = wa_json_get(root, "error");
    if (wa_json_type(error) != WA_JSON_OBJECT || !wa_json_u64(wa_json_get(error, "code"), &code) ||
        code > INT32_MAX) {
        wa_answer_by_status(h->status, wa_meta.title, v);
    } else {
        snprintf(v->provider_code, sizeof v->provider_code, "%u", (unsigned)code);
        wa_answer_words(v, wa_json_get(error, "message"));
        wa_answer_words(v, wa_json_get(wa_json_get(error, "error_data"), "details"));
        e = wa_meta_error_find((int64_t)code);
        if (e) {
            v->code = e->code;
            v->scope = e->scope;
            v->retry_after_us = (int64_t)e->retry_after_s * 1000000;
            v->media_stale = e->code == HILO_PERM && answer_may_be_stale_media(code);
            snprintf(v->reason, sizeof v->reason, "%s", e->reason);
        } else {
            flag = wa_json_get(error, "is_transient");
            answer_unknown_code(h->status, flag.n == 4 && flag.p[0] == 't', v);
        }
    }
    wa_answer_retry_after(h, v);
}

/* messages[0].id */
static bool answer_message_id(const struct hilo_http *h, char *out, uint64_t cap)
{
    struct hilo_str root, rest, first;

    if (!wa_json_check(h->body, &root))
        return false;
    root = wa_json_get(root, "messages");
    if (wa_json_type(root) != WA_JSON_ARRAY)
        return false;
    rest = wa_json_inside(root);
    return wa_json_item(&rest, &first) && wa_answer_text(wa_json_get(first, "id"), out, cap);
}

/* {"success":true} */
static bool answer_success(const struct hilo_http *h)
{
    struct hilo_str root, v;

    if (!wa_json_check(h->body, &root))
        return false;
    v = wa_json_get(root, "success");
    return v.n == 4 && v.p[0] == 't';
}

void wa_meta_answer(const struct hilo_http *h, bool echoed, struct wa_verdict *v)
{
    if (h->status < 200 || h->status > 299) {
        wa_meta_judge(h, v);
        return;
    }
    memset(v, 0, sizeof *v);
    if (echoed ? answer_message_id(h, v->ext_id, sizeof v->ext_id) : answer_success(h))
        return;
    v->code = HILO_IN_DOUBT;
    snprintf(v->reason, sizeof v->reason, "unclear_answer");
    snprintf(v->detail, sizeof v->detail, "the Cloud API answered 2xx without %s",
             echoed ? "a message id" : "saying that it did it");
}
