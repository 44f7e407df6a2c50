/*
 * Infobip's webhooks: results, of one sort or mixed, each told by what it holds:
 * an inbound message, a delivery report or a seen report. News of another shape
 * (payments, identities, opt-outs of marketing) is noted; of a
 * template's change the core is told.
 *
 * Invariants: nothing is given to the sink before all of the body is known to be
 * JSON. Every message for our number is given, in order, known or not. What is of
 * another shape than documented is noted and does not keep the rest from being
 * read. A message without an id gets one made of its bytes.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "echo.h"
#include "infobip.h"
#include "party.h"
#include "signature.h"

#include <stdio.h>

struct ib_hook {
    const struct wa_ib_account *account;
    const struct wa_sink *sink;
    struct wa_in in;
    bool stop;
};

static struct hilo_str ib_hook_str(const char *s)
{
    struct hilo_str r = {s, strlen(s)};
    return r;
}

static void ib_hook_note(struct ib_hook *h, enum wa_note what, struct hilo_str text)
{
    h->sink->note(h->sink->arg, what, 0, text);
}

/* Gives what is written; false: it was too large. */
static bool ib_hook_give(struct ib_hook *h)
{
    if (h->in.nomem)
        return true;
    if (h->in.w.failed)
        return false;
    if (!h->sink->message(h->sink->arg, hilo_written(&h->in.w)))
        h->stop = true;
    return true;
}

/* ---- time ------------------------------------------------------------------------------- */

/* Exactly n digits; moves on. */
static bool ib_time_digits(const char **p, const char *end, int n, int64_t *out)
{
    int64_t v = 0;

    for (; n > 0; n--, ++*p) {
        if (*p == end || **p < '0' || **p > '9')
            return false;
        v = v * 10 + (**p - '0');
    }
    *out = v;
    return true;
}

static bool ib_time_char(const char **p, const char *end, char c)
{
    if (*p == end || **p != c)
        return false;
    ++*p;
    return true;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t ib_time_days(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1 - 719468;
}

bool wa_ib_time(struct hilo_str text, int64_t *us_out)
{
    const char *p = text.p, *end = text.p + text.n;
    int64_t y, m, d, hour, minute, second, digit, off_h = 0, off_m = 0, us = 0, scale = 100000;
    bool minus;

    if (text.n == 0 || !ib_time_digits(&p, end, 4, &y) || !ib_time_char(&p, end, '-') ||
        !ib_time_digits(&p, end, 2, &m) || !ib_time_char(&p, end, '-') || !ib_time_digits(&p, end, 2, &d) ||
        !ib_time_char(&p, end, 'T') || !ib_time_digits(&p, end, 2, &hour) || !ib_time_char(&p, end, ':') ||
        !ib_time_digits(&p, end, 2, &minute) || !ib_time_char(&p, end, ':') ||
        !ib_time_digits(&p, end, 2, &second))
        return false;
    if (ib_time_char(&p, end, '.')) {
        for (; ib_time_digits(&p, end, 1, &digit); scale /= 10)
            us += digit * scale;
    }
    if (!ib_time_char(&p, end, 'Z')) {
        minus = ib_time_char(&p, end, '-');
        if ((!minus && !ib_time_char(&p, end, '+')) || !ib_time_digits(&p, end, 2, &off_h))
            return false;
        (void)ib_time_char(&p, end, ':');
        if (!ib_time_digits(&p, end, 2, &off_m))
            return false;
        if (minus) {
            off_h = -off_h;
            off_m = -off_m;
        }
    }
    if (p != end || y < 1970 || m < 1 || m > 12 || d < 1 || d > 31 || hour > 23 || minute > 59 || second > 60)
        return false;
    us += ((ib_time_days(y, m, d) * 24 + hour - off_h) * 60 + minute - off_m) * 60000000 + second * 1000000;
    if (us < 0)
        return false;
    *us_out = us;
    return true;
}

/* False: it is no time. */
static bool ib_hook_put_time(struct ib_hook *h, struct hilo_str value)
{
    int64_t us;

    if (wa_json_type(value) != WA_JSON_STRING || !wa_ib_time(wa_json_text(value, h->in.scratch), &us))
        return false;
    hilo_put_u64(&h->in.w, HILO_T_MSG_TIME, (uint64_t)us);
    return true;
}

/* ---- one message -------------------------------------------------------------------------- */

/* The contact beside a message, as wa_party_put wants it. */
static struct wa_contact ib_hook_contact(struct hilo_str object)
{
    struct wa_contact c = {.whole = object};
    struct hilo_str rest, key, value;

    if (wa_json_type(object) != WA_JSON_OBJECT)
        return c;
    rest = wa_json_inside(object);
    while (wa_json_member(&rest, &key, &value)) {
        if (wa_json_type(value) == WA_JSON_STRING && c.name.n == 0 && wa_json_key_is(key, "name"))
            c.name = value;
        else if (wa_json_type(value) == WA_JSON_STRING && c.wa_id.n == 0 &&
                 wa_json_key_is(key, "phoneNumber"))
            c.wa_id = value;
        else if (wa_json_type(value) == WA_JSON_STRING && c.user_id.n == 0 && wa_json_key_is(key, "userId"))
            c.user_id = value;
        else if (wa_json_type(value) != WA_JSON_NULL)
            c.more = true;
    }
    return c;
}

/* KIND, EXT_ID, TIME, PARTY: what even a message that is too large keeps. */
static bool ib_hook_put_head(struct ib_hook *h, struct hilo_str whole, const struct wa_contact *c)
{
    struct hilo_str id = wa_json_get(whole, "messageId"), from = wa_json_get(whole, "from");
    char made[72];

    wa_in_begin(&h->in, HILO_KIND_INBOUND);
    if (wa_json_type(id) == WA_JSON_STRING && id.n > 2) {
        wa_in_text(&h->in, HILO_T_MSG_EXT_ID, id);
    } else {
        memcpy(made, "sha256:", 7);
        if (!wa_sha256_hex(whole, made + 7))
            h->in.nomem = true;
        hilo_put(&h->in.w, HILO_T_MSG_EXT_ID, made, 71);
    }
    if (wa_json_type(from) != WA_JSON_STRING)
        from = (struct hilo_str){NULL, 0};
    wa_party_put(&h->in, (struct hilo_str){NULL, 0}, h->account->waba_id, from, (struct hilo_str){NULL, 0},
                 c);
    return ib_hook_put_time(h, wa_json_get(whole, "receivedAt"));
}

static void ib_hook_put_extra(struct ib_hook *h, struct hilo_str whole, bool keep_time, bool keep_message,
                              const struct wa_contact *c)
{
    /* said by the message's fields, or news of the account and not of the message */
    static const char *const known[] = {"messageId",       "from",    "to",    "integrationType",
                                        "pairedMessageId", "contact", "price", "callbackData"};
    struct hilo_str rest = wa_json_inside(whole), key, value;
    size_t i;

    while (wa_json_member(&rest, &key, &value)) {
        for (i = 0; i < sizeof known / sizeof *known && !wa_json_key_is(key, known[i]); i++)
            ;
        if (i < sizeof known / sizeof *known || wa_json_type(value) == WA_JSON_NULL)
            continue;
        if ((!keep_time && wa_json_key_is(key, "receivedAt")) ||
            (!keep_message && wa_json_key_is(key, "message")))
            continue;
        wa_in_extra(&h->in, key, value);
    }
    if (c->more)
        wa_in_extra(&h->in, ib_hook_str("contact"), c->whole);
    wa_in_extra_done(&h->in);
}

static bool ib_hook_ours(const struct ib_hook *h, struct hilo_str number)
{
    struct hilo_str s = wa_json_text(number, h->in.scratch);

    if (s.n && s.p[0] == '+') {
        s.p++;
        s.n--;
    }
    return s.n == h->account->sender.n && memcmp(s.p, h->account->sender.p, s.n) == 0;
}

static void ib_hook_message(struct ib_hook *h, struct hilo_str whole)
{
    struct hilo_str message = wa_json_get(whole, "message"), to = wa_json_get(whole, "to");
    struct hilo_str paired = wa_json_get(whole, "pairedMessageId");
    const struct wa_contact c = ib_hook_contact(wa_json_get(whole, "contact"));
    bool timed, mapped;
    char dropped[48];

    if (wa_json_type(to) == WA_JSON_STRING && !ib_hook_ours(h, to)) {
        ib_hook_note(h, WA_NOTE_FOREIGN, wa_json_text(to, h->in.scratch));
        return;
    }
    if (wa_json_type(paired) != WA_JSON_STRING)
        paired.n = 0;
    timed = ib_hook_put_head(h, whole, &c);
    mapped = wa_ib_content(&h->in, message, paired);
    ib_hook_put_extra(h, whole, !timed, !mapped, &c);
    if (ib_hook_give(h))
        return;
    (void)ib_hook_put_head(h, whole, &c);
    hilo_open(&h->in.w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&h->in.w, HILO_T_CONTENT_TYPE, HILO_CONTENT_UNSUPPORTED);
    wa_in_text(&h->in, HILO_T_CONTENT_RAW_TYPE, wa_json_get(message, "type"));
    hilo_close(&h->in.w);
    snprintf(dropped, sizeof dropped, "%llu", (unsigned long long)whole.n);
    wa_in_extra(&h->in, ib_hook_str("dropped_bytes"), ib_hook_str(dropped));
    wa_in_extra_done(&h->in);
    ib_hook_note(h, WA_NOTE_TOO_LARGE, wa_json_text(wa_json_get(whole, "messageId"), h->in.scratch));
    (void)ib_hook_give(h); /* not even that: its id or its type is a megabyte */
}

/* ---- reports ------------------------------------------------------------------------------- */

/* Our id, if it is ours: what others send through the same account has none. */
static void ib_hook_put_echo(struct ib_hook *h, struct hilo_str whole)
{
    static const char *const where[] = {"callbackData", "messageId"};
    struct hilo_id ours;
    size_t i;

    for (i = 0; i < 2; i++) {
        if (!wa_echo_parse(wa_json_text(wa_json_get(whole, where[i]), h->in.scratch), &ours))
            continue;
        hilo_put_id(&h->in.w, HILO_T_RECEIPT_ECHO, ours);
        return;
    }
}

static void ib_hook_receipt(struct ib_hook *h, struct hilo_str whole, const char *time)
{
    wa_in_begin(&h->in, HILO_KIND_RECEIPT);
    wa_in_text(&h->in, HILO_T_MSG_EXT_ID, wa_json_get(whole, "messageId"));
    ib_hook_put_time(h, wa_json_get(whole, time));
    hilo_open(&h->in.w, HILO_T_MSG_RECEIPT);
    ib_hook_put_echo(h, whole);
}

static void ib_hook_receipt_end(struct ib_hook *h)
{
    if (!ib_hook_give(h))
        ib_hook_note(h, WA_NOTE_MALFORMED, ib_hook_str("a report is larger than a message may be"));
}

/* 0: Hilo has no word for it. Infobip counts what the network has as delivered;
 * a customer has only what a handset has. */
static enum hilo_status ib_hook_status(uint64_t group, uint64_t id)
{
    switch (group) {
    case 0:
    case 1:
        return HILO_STATUS_SENT;
    case 2:
    case 4:
    case 5:
        return HILO_STATUS_FAILED;
    case 3:
        return id == 2 ? HILO_STATUS_SENT : HILO_STATUS_DELIVERED;
    default:
        return (enum hilo_status)0;
    }
}

/* Why it failed: the error's own word, else the status's, else whether it will last. */
static void ib_hook_put_failure(struct ib_hook *h, struct hilo_str status, struct hilo_str error,
                                uint64_t group, uint64_t status_id)
{
    struct hilo_str permanent = wa_json_get(error, "permanent"), from = error;
    const struct wa_ib_code *c = NULL;
    uint64_t id = 0;
    const char *reason;

    if (wa_json_u64(wa_json_get(error, "id"), &id) && id)
        c = wa_ib_error(id);
    else
        from = status;
    if (!c)
        c = wa_ib_status(status_id);
    reason = c && c->code != HILO_OK                      ? c->reason
             : group == 4                                 ? "expired"
             : permanent.n && permanent.p[0] == 'f' && id ? "provider_error"
             : group == 2                                 ? "undeliverable"
                                                          : "rejected";
    hilo_put_str(&h->in.w, HILO_T_RECEIPT_REASON, ib_hook_str(reason));
    wa_in_text(&h->in, HILO_T_RECEIPT_CODE, wa_json_get(from, "name"));
    wa_in_text(&h->in, HILO_T_RECEIPT_DETAIL, wa_json_get(from, "description"));
    if (c && c->code == HILO_CONFIG)
        h->sink->note(h->sink->arg, WA_NOTE_ACCOUNT_STOP, c->id, ib_hook_str(c->reason));
}

static void ib_hook_delivery(struct ib_hook *h, struct hilo_str whole)
{
    struct hilo_str status = wa_json_get(whole, "status"), error = wa_json_get(whole, "error"),
                    price = wa_json_get(whole, "price");
    uint64_t group = UINT64_MAX, id = 0;
    enum hilo_status word;

    (void)wa_json_u64(wa_json_get(status, "id"), &id);
    if (!wa_json_u64(wa_json_get(status, "groupId"), &group) || !(word = ib_hook_status(group, id))) {
        ib_hook_note(h, WA_NOTE_STATUS, wa_json_text(wa_json_get(status, "name"), h->in.scratch));
        return;
    }
    ib_hook_receipt(h, whole, "doneAt");
    hilo_put_u64(&h->in.w, HILO_T_RECEIPT_STATUS, word);
    if (word == HILO_STATUS_FAILED)
        ib_hook_put_failure(h, status, error, group, id);
    hilo_close(&h->in.w);
    if (wa_json_type(price) == WA_JSON_OBJECT)
        wa_in_extra(&h->in, ib_hook_str("price"), price);
    wa_in_extra_done(&h->in);
    ib_hook_receipt_end(h);
}

static void ib_hook_seen(struct ib_hook *h, struct hilo_str whole)
{
    ib_hook_receipt(h, whole, "seenAt");
    hilo_put_u64(&h->in.w, HILO_T_RECEIPT_STATUS, HILO_STATUS_READ);
    hilo_close(&h->in.w);
    ib_hook_receipt_end(h);
}

/* ---- the envelope ---------------------------------------------------------------------------- */

static void ib_hook_result(struct ib_hook *h, struct hilo_str whole)
{
    struct hilo_str id = wa_json_get(whole, "messageId");

    if (wa_json_type(wa_json_get(whole, "message")) == WA_JSON_OBJECT)
        ib_hook_message(h, whole);
    else if (wa_json_type(id) != WA_JSON_STRING || id.n <= 2)
        ib_hook_note(h, WA_NOTE_MALFORMED, ib_hook_str("a result is no message and has no messageId"));
    else if (wa_json_type(wa_json_get(whole, "status")) == WA_JSON_OBJECT)
        ib_hook_delivery(h, whole);
    else if (wa_json_type(wa_json_get(whole, "seenAt")) == WA_JSON_STRING)
        ib_hook_seen(h, whole);
    else
        ib_hook_note(h, WA_NOTE_MALFORMED,
                     ib_hook_str("a result is neither a message nor a delivery or seen report"));
}

/* A body without results: news that is not used, by what it is called. */
static void ib_hook_other(struct ib_hook *h, struct hilo_str root)
{
    struct hilo_str type;

    if (wa_ib_template_change(root, h->in.scratch, h->sink))
        return;
    type = wa_json_get(wa_json_get(root, "content"), "type");
    if (type.n == 0 && wa_json_get(wa_json_get(root, "content"), "notificationMessagesStatus").n)
        type = ib_hook_str("\"marketing update\"");
    if (wa_json_type(type) == WA_JSON_STRING)
        ib_hook_note(h, WA_NOTE_FIELD, wa_json_text(type, h->in.scratch));
    else
        ib_hook_note(h, WA_NOTE_MALFORMED, ib_hook_str("there are no results"));
}

int32_t wa_ib_read(struct hilo_str body, const struct wa_ib_account *account, const struct wa_sink *sink)
{
    struct ib_hook h = {.account = account, .sink = sink};
    struct hilo_str root, results, item;

    if (!wa_json_check(body, &root) || wa_json_type(root) != WA_JSON_OBJECT)
        return HILO_INVALID;
    if (!wa_in_init(&h.in, body))
        h.in.nomem = true;
    results = wa_json_get(root, "results");
    if (wa_json_type(results) != WA_JSON_ARRAY && !h.in.nomem)
        ib_hook_other(&h, root);
    if (wa_json_type(results) == WA_JSON_ARRAY)
        results = wa_json_inside(results);
    else
        results.n = 0;
    while (!h.stop && !h.in.nomem && wa_json_item(&results, &item))
        ib_hook_result(&h, item);
    wa_in_free(&h.in);
    return h.in.nomem ? HILO_NOMEM : h.stop ? HILO_AGAIN : HILO_OK;
}
