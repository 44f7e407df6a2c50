/*
 * Twilio's webhooks: one message or one status in each, as a form or, by GET, as a query. Parameters that
 * came later are kept in EXTRA. SPDX-License-Identifier: Apache-2.0
 */
#include "twilio.h"

#include "text_in.h"

#include <stdlib.h>
#include <string.h>

static bool read_is(struct hilo_str s, const char *word)
{
    return s.n == strlen(word) && memcmp(s.p, word, (size_t)s.n) == 0;
}

/* Mended in place of what came; false: no memory. */
static bool read_mend(struct sms_form *form, char **bytes)
{
    size_t n = 0;
    unsigned i;
    char *at;

    for (i = 0; i < form->n; i++)
        n += (size_t)(form->pair[i].key.n + form->pair[i].val.n);
    at = *bytes = malloc(3 * n + 1);
    if (!at)
        return false;
    for (i = 0; i < form->n; i++) {
        struct hilo_str *s[] = {&form->pair[i].key, &form->pair[i].val};
        unsigned k;

        for (k = 0; k < 2; k++) {
            n = sms_utf8_mend(s[k]->p, (size_t)s[k]->n, at);
            *s[k] = (struct hilo_str){at, n};
            at += n;
        }
    }
    return true;
}

/* ---- a status ---------------------------------------------------------------------------------- */

static uint32_t read_word(struct hilo_str status)
{
    static const struct {
        const char *word;
        uint32_t status;
    } table[] = {{"delivered", HILO_STATUS_DELIVERED},
                 {"read", HILO_STATUS_READ},
                 {"undelivered", HILO_STATUS_FAILED},
                 {"failed", HILO_STATUS_FAILED},
                 {"canceled", HILO_STATUS_FAILED}};
    unsigned i;

    for (i = 0; i < sizeof table / sizeof *table; i++)
        if (read_is(status, table[i].word))
            return table[i].status;
    return HILO_STATUS_SENT; /* accepted, scheduled, queued, sending, sent: Twilio has it */
}

static int64_t read_number(struct hilo_str s)
{
    int64_t v = 0;
    uint64_t i;

    for (i = 0; i < s.n && i < 9 && s.p[i] >= '0' && s.p[i] <= '9'; i++)
        v = v * 10 + (s.p[i] - '0');
    return i == s.n ? v : 0;
}

static int32_t read_status(struct sms_in *in, const struct sms_form *form, struct hilo_str echo,
                           int64_t now_us, const struct sms_sink *sink)
{
    struct hilo_str sid = sms_form_get(form, "MessageSid"), status = sms_form_get(form, "MessageStatus");
    struct hilo_str code = sms_form_get(form, "ErrorCode"), words = sms_form_get(form, "ErrorMessage");
    uint32_t word = read_word(status);
    const struct sms_code *c = sms_tw_code(read_number(code));
    const char *reason = c ? c->reason : read_is(status, "canceled") ? "canceled" : "undeliverable";
    struct sms_verdict said = {0};

    sms_in_receipt(in, now_us, sid, echo, word);
    if (word == HILO_STATUS_FAILED) {
        sms_verdict_words(&said, words);
        hilo_put(&in->w, HILO_T_RECEIPT_REASON, reason, strlen(reason));
        if (code.n)
            hilo_put_str(&in->w, HILO_T_RECEIPT_CODE, code);
        hilo_put(&in->w, HILO_T_RECEIPT_DETAIL, said.detail, strlen(said.detail));
        if (c && c->code == HILO_CONFIG)
            sink->stop(sink->arg, c->reason);
    }
    sms_in_receipt_end(in);
    return sms_in_give(in, sink) ? HILO_OK : HILO_AGAIN;
}

/* ---- a message --------------------------------------------------------------------------------- */

/* All parameters that are in none of these, with the destination as every driver of this plugin calls it. */
static cJSON *read_others(const struct sms_form *form, const char *const *known)
{
    cJSON *out = cJSON_CreateObject();
    bool ok = out != NULL;
    unsigned i, k;

    for (i = 0; i < form->n && ok; i++) {
        struct hilo_str key = form->pair[i].key, value = form->pair[i].val;
        char *text;

        for (k = 0; known[k] && !read_is(key, known[k]); k++)
            ;
        if (known[k] || value.n == 0)
            continue;
        text = malloc((size_t)(key.n + value.n) + 2);
        ok = text != NULL;
        if (ok) {
            char *second = text + key.n + 1;

            memcpy(text, key.p, (size_t)key.n);
            text[key.n] = '\0';
            memcpy(second, value.p, (size_t)value.n);
            second[value.n] = '\0';
            if (read_is(key, "To"))
                ok = cJSON_AddStringToObject(out, "destination", second) != NULL;
            else if (!cJSON_GetObjectItemCaseSensitive(out, text))
                ok = cJSON_AddStringToObject(out, text, second) != NULL;
        }
        free(text);
    }
    if (!ok) {
        cJSON_Delete(out);
        out = NULL;
    }
    return out;
}

/* A picture without words: all of it is kept as it came. */
static bool read_media(struct sms_in *in, const struct sms_form *form)
{
    static const char *const none[] = {NULL};
    cJSON *all = read_others(form, none);
    char *raw = all ? cJSON_PrintUnformatted(all) : NULL;

    if (raw) {
        hilo_open(&in->w, HILO_T_MSG_CONTENT);
        hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_UNSUPPORTED);
        hilo_put(&in->w, HILO_T_CONTENT_RAW_TYPE, "mms", 3);
        hilo_put(&in->w, HILO_T_CONTENT_RAW, raw, strlen(raw));
        hilo_close(&in->w);
    }
    cJSON_free(raw);
    cJSON_Delete(all);
    return raw != NULL;
}

static int32_t read_message(struct sms_in *in, const struct sms_form *form, int64_t now_us,
                            const struct sms_sink *sink)
{
    /* said by the message's fields, other names of its id, or the account's */
    static const char *const known[] = {
        "MessageSid", "SmsSid",    "SmsMessageSid", "AccountSid",  "From", "Body",
        "ApiVersion", "SmsStatus", "NumMedia",      "NumSegments", NULL};
    struct hilo_str body = sms_form_get(form, "Body"), media = sms_form_get(form, "NumMedia");
    cJSON *extra;

    sms_in_message(in, now_us, sms_form_get(form, "MessageSid"), sms_form_get(form, "From"));
    if (body.n == 0 && read_number(media) > 0) {
        if (!read_media(in, form))
            return HILO_NOMEM;
    } else {
        sms_in_text(in, body);
    }
    extra = read_others(form, known);
    if (!extra)
        return HILO_NOMEM;
    sms_in_extra(in, extra);
    cJSON_Delete(extra);
    return sms_in_give(in, sink) ? HILO_OK : HILO_AGAIN;
}

/* ---- either ------------------------------------------------------------------------------------ */

static int32_t read_form(const struct sms_form *form, struct hilo_str echo, int64_t now_us,
                         const struct sms_sink *sink)
{
    struct hilo_str sid = sms_form_get(form, "MessageSid");
    struct sms_in *in = malloc(sizeof *in);
    int32_t code = HILO_OK;

    if (!in)
        return HILO_NOMEM;
    if (sid.n == 0 || sid.n >= SMS_API_ID_MAX)
        sink->note(sink->arg, "what has no MessageSid is passed by");
    else if (sms_form_get(form, "MessageStatus").n)
        code = read_status(in, form, echo, now_us, sink);
    else if (sms_form_get(form, "From").n)
        code = read_message(in, form, now_us, sink);
    else
        sink->note(sink->arg, "what has neither MessageStatus nor From is passed by");
    free(in);
    return code;
}

int32_t sms_tw_read(int64_t now_us, const struct hilo_http *h, const struct sms_sink *sink)
{
    struct sms_form *form = calloc(2, sizeof *form); /* the body's, and the query's */
    struct hilo_str query = h->url;
    bool get = h->method.n == 3;
    char *mended = NULL;
    int32_t code = form ? HILO_OK : HILO_NOMEM;

    (void)sms_split(&query, '?');
    if (code == HILO_OK)
        code = sms_form_read(query, &form[1]);
    if (code == HILO_OK && !get)
        code = sms_form_read(h->body, &form[0]);
    if (code == HILO_OK && !read_mend(&form[get], &mended))
        code = HILO_NOMEM;
    if (code == HILO_OK)
        code = read_form(&form[get], sms_form_get(&form[1], SMS_TW_ECHO), now_us, sink);
    if (form) {
        sms_form_done(&form[0]);
        sms_form_done(&form[1]);
    }
    free(mended);
    free(form);
    return code;
}
