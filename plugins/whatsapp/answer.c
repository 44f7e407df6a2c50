/*
 * Answers of the Cloud API: pure functions over their bytes.
 *
 * An answer is judged by Meta's code if its body has one. Without, a proxy or a
 * broken server spoke: then a 5xx tells nothing about whether the message was
 * taken, which is why it is in doubt and never simply sent again.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "answer.h"

#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ANSWER_RETRY_MAX_S = 86400, ANSWER_DIGITS_MAX = 7 };

struct hilo_str wa_header(const struct hilo_http *h, const char *name)
{
    struct hilo_str none = {NULL, 0};
    size_t n = strlen(name);
    uint64_t i;

    for (i = 0; i < h->n_header; i++)
        if (h->header[i].key.n == n && strncasecmp(h->header[i].key.p, name, n) == 0)
            return h->header[i].val;
    return none;
}

/* Retry-After in seconds; a date in it is not read. */
static bool answer_retry_after(const struct hilo_http *h, int64_t *us_out)
{
    struct hilo_str v = wa_header(h, "Retry-After");
    int64_t s = 0;
    uint64_t i;

    if (v.n == 0 || v.n > 9)
        return false;
    for (i = 0; i < v.n; i++) {
        if (v.p[i] < '0' || v.p[i] > '9')
            return false;
        s = s * 10 + (v.p[i] - '0');
    }
    *us_out = (s < ANSWER_RETRY_MAX_S ? s : ANSWER_RETRY_MAX_S) * 1000000;
    return true;
}

/* Appends words for a person: one line, and a long run of digits, which may be
 * somebody's number, becomes "#". Cut between characters. */
static void answer_words(char *out, size_t cap, struct hilo_str s)
{
    size_t n = strlen(out), run, len, i = 0;
    unsigned char c;

    while (i < s.n) {
        for (run = 0; i + run < s.n && s.p[i + run] >= '0' && s.p[i + run] <= '9'; run++)
            ;
        if (run > ANSWER_DIGITS_MAX) {
            if (n + 2 > cap)
                break;
            out[n++] = '#';
            i += run;
            continue;
        }
        c = (unsigned char)s.p[i];
        len = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        if (n + len + 1 > cap || i + len > s.n)
            break;
        if (c < 0x20 || c == 0x7f)
            out[n++] = ' ';
        else
            memcpy(out + n, s.p + i, len), n += len;
        i += len;
    }
    out[n] = 0;
}

static void answer_detail(struct hilo_str error, struct wa_verdict *v)
{
    struct hilo_str s[2];
    size_t i;
    char *scratch;

    s[0] = wa_json_get(error, "message");
    s[1] = wa_json_get(wa_json_get(error, "error_data"), "details");
    for (i = 0; i < 2; i++) {
        if (wa_json_type(s[i]) != WA_JSON_STRING || s[i].n <= 2)
            continue;
        scratch = malloc(s[i].n);
        if (!scratch)
            return;
        if (v->detail[0])
            answer_words(v->detail, sizeof v->detail, (struct hilo_str){": ", 2});
        answer_words(v->detail, sizeof v->detail, wa_json_text(s[i], scratch));
        free(scratch);
    }
}

/* Without an error of the Cloud API in the body. */
static void answer_by_status(uint32_t status, struct wa_verdict *v)
{
    if (status == 429) {
        v->code = HILO_AGAIN;
        v->scope = WA_SCOPE_ACCOUNT;
        v->retry_after_us = 1000000;
        snprintf(v->reason, sizeof v->reason, "rate_limited");
    } else if (status >= 500) {
        v->code = HILO_IN_DOUBT;
        snprintf(v->reason, sizeof v->reason, "unclear_answer");
    } else if (status == 401) {
        v->code = HILO_CONFIG;
        v->scope = WA_SCOPE_ACCOUNT;
        snprintf(v->reason, sizeof v->reason, "token_invalid");
    } else if (status >= 300 && status < 400) {
        v->code = HILO_CONFIG;
        v->scope = WA_SCOPE_ACCOUNT;
        snprintf(v->reason, sizeof v->reason, "redirected");
    } else if (status < 300) {
        v->code = HILO_IN_DOUBT;
        snprintf(v->reason, sizeof v->reason, "unclear_answer");
    } else {
        v->code = HILO_PERM;
        snprintf(v->reason, sizeof v->reason, "rejected");
    }
    snprintf(v->provider_code, sizeof v->provider_code, "http %u", (unsigned)status);
    snprintf(v->detail, sizeof v->detail, "HTTP status %u without an error of the Cloud API",
             (unsigned)status);
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

void wa_answer_judge(const struct hilo_http *h, struct wa_verdict *v)
{
    struct hilo_str root, error = {NULL, 0}, flag;
    const struct wa_error *e;
    uint64_t code = 0;
    int64_t retry_us;

    memset(v, 0, sizeof *v);
    v->meta_code = -1;
    if (wa_json_check(h->body, &root))
        error = wa_json_get(root, "error");
    if (wa_json_type(error) != WA_JSON_OBJECT || !wa_json_u64(wa_json_get(error, "code"), &code) ||
        code > INT32_MAX) {
        answer_by_status(h->status, v);
    } else {
        v->meta_code = (int64_t)code;
        snprintf(v->provider_code, sizeof v->provider_code, "%u", (unsigned)code);
        answer_detail(error, v);
        e = wa_error_find(v->meta_code);
        if (e) {
            v->code = e->code;
            v->scope = e->scope;
            v->retry_after_us = (int64_t)e->retry_after_s * 1000000;
            snprintf(v->reason, sizeof v->reason, "%s", e->reason);
        } else {
            flag = wa_json_get(error, "is_transient");
            answer_unknown_code(h->status, flag.n == 4 && flag.p[0] == 't', v);
        }
    }
    if ((v->code == HILO_AGAIN || v->code == HILO_TEMP) && answer_retry_after(h, &retry_us)) {
        v->retry_after_us = retry_us;
        v->retry_after_given = true;
    }
}

static bool answer_copy(struct hilo_str value, char *out, uint64_t cap)
{
    struct hilo_str s;
    char *scratch;
    bool ok;

    if (wa_json_type(value) != WA_JSON_STRING || value.n > 8192)
        return false;
    scratch = malloc(value.n);
    if (!scratch)
        return false;
    s = wa_json_text(value, scratch);
    ok = s.n > 0 && s.n < cap;
    if (ok) {
        memcpy(out, s.p, s.n);
        out[s.n] = 0;
    }
    free(scratch);
    return ok;
}

bool wa_answer_member(const struct hilo_http *h, const char *name, char *out, uint64_t cap)
{
    struct hilo_str root;

    return wa_json_check(h->body, &root) && answer_copy(wa_json_get(root, name), out, cap);
}

bool wa_answer_message_id(const struct hilo_http *h, char *out, uint64_t cap)
{
    struct hilo_str root, rest, first;

    if (!wa_json_check(h->body, &root))
        return false;
    root = wa_json_get(root, "messages");
    if (wa_json_type(root) != WA_JSON_ARRAY)
        return false;
    rest = wa_json_inside(root);
    return wa_json_item(&rest, &first) && answer_copy(wa_json_get(first, "id"), out, cap);
}

bool wa_answer_success(const struct hilo_http *h)
{
    struct hilo_str root, v;

    if (!wa_json_check(h->body, &root))
        return false;
    v = wa_json_get(root, "success");
    return v.n == 4 && v.p[0] == 't';
}
