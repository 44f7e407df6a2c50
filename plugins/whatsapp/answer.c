/*
 * Answers of a provider's API: what does not depend on whose it is.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "answer.h"

#include "date.h"
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

/* Seconds, or a date: then from the answer's own Date on, so that no clock of ours
 * has to agree with theirs. */
static bool answer_wait_s(const struct hilo_http *h, int64_t *s_out)
{
    struct hilo_str v = wa_header(h, "Retry-After");
    int64_t s = 0, now;
    uint64_t i;

    for (i = 0; i < v.n && i < 9 && v.p[i] >= '0' && v.p[i] <= '9'; i++)
        s = s * 10 + (v.p[i] - '0');
    if (i == 0 || i < v.n) {
        if (!wa_http_date(v, &s) || !wa_http_date(wa_header(h, "Date"), &now))
            return false;
        s = s > now ? s - now : 0;
    }
    *s_out = s < ANSWER_RETRY_MAX_S ? s : ANSWER_RETRY_MAX_S;
    return true;
}

void wa_answer_retry_after(const struct hilo_http *h, struct wa_verdict *v)
{
    int64_t s;

    if ((v->code == HILO_AGAIN || v->code == HILO_TEMP) && answer_wait_s(h, &s)) {
        v->retry_after_us = s * 1000000;
        v->retry_after_given = true;
    }
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

void wa_answer_words(struct wa_verdict *v, struct hilo_str json)
{
    char *scratch;

    if (wa_json_type(json) != WA_JSON_STRING || json.n <= 2 || !(scratch = malloc(json.n)))
        return;
    if (v->detail[0])
        answer_words(v->detail, sizeof v->detail, (struct hilo_str){": ", 2});
    answer_words(v->detail, sizeof v->detail, wa_json_text(json, scratch));
    free(scratch);
}

void wa_answer_by_status(uint32_t status, const char *title, struct wa_verdict *v)
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
    snprintf(v->detail, sizeof v->detail, "HTTP status %u without an error of %s", (unsigned)status, title);
}

bool wa_answer_text(struct hilo_str value, char *out, uint64_t cap)
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

    return wa_json_check(h->body, &root) && wa_answer_text(wa_json_get(root, name), out, cap);
}
