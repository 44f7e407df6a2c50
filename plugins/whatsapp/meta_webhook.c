/*
 * The envelope of a webhook: entries, changes, messages, statuses, and who sent
 * what.
 *
 * Invariants: nothing is given to the sink before all of the body is known to be
 * JSON. Every message and status of our number is given, in order, known or not.
 * Whatever is of another shape than documented is noted and does not keep the rest
 * from being read. A message without an id gets one made of its bytes, so that it
 * too is recognised when Meta sends it again.
 * Limit: a message above HILO_MESSAGE_MAX is given without its content.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "echo.h"
#include "meta.h"
#include "meta_inbound.h"
#include "party.h"
#include "signature.h"

#include <stdio.h>
#include <stdlib.h>

struct webhook {
    const struct wa_account *account;
    const struct wa_sink *sink;
    struct wa_in in;
    struct hilo_str waba; /* JSON value; empty: the account's */
    struct wa_contacts contacts;
    bool stop;
};

static const struct hilo_str webhook_none = {NULL, 0};

static struct hilo_str webhook_str(const char *s)
{
    struct hilo_str r = {s, strlen(s)};
    return r;
}

static void webhook_note(struct webhook *h, enum wa_note what, int64_t code, struct hilo_str text)
{
    h->sink->note(h->sink->arg, what, code, text);
}

static void webhook_give(struct webhook *h)
{
    if (!h->sink->message(h->sink->arg, hilo_written(&h->in.w)))
        h->stop = true;
}

/* ---- one message -------------------------------------------------------------------------- */

/* Seconds as digits, in a string; false if it is none of this age. */
static bool webhook_put_time(struct webhook *h, struct hilo_str value)
{
    uint64_t s;

    if (!wa_json_u64(value, &s) || s > UINT64_C(99999999999))
        return false;
    hilo_put_u64(&h->in.w, HILO_T_MSG_TIME, s * 1000000);
    return true;
}

struct webhook_message {
    struct hilo_str whole, id, from, user_id, time, type, context, body;
};

static void webhook_split(struct hilo_str whole, struct webhook_message *m)
{
    struct hilo_str rest = wa_json_inside(whole), key, value;
    const struct {
        const char *name;
        struct hilo_str *to;
    } part[] = {{"id", &m->id},
                {"from", &m->from},
                {"from_user_id", &m->user_id},
                {"timestamp", &m->time},
                {"type", &m->type}};
    size_t i;

    memset(m, 0, sizeof *m);
    m->whole = whole;
    while (wa_json_member(&rest, &key, &value)) {
        for (i = 0; i < sizeof part / sizeof *part; i++)
            if (part[i].to->n == 0 && wa_json_type(value) == WA_JSON_STRING &&
                wa_json_key_is(key, part[i].name))
                *part[i].to = value;
        if (m->context.n == 0 && wa_json_type(value) == WA_JSON_OBJECT && wa_json_key_is(key, "context"))
            m->context = value;
    }
    rest = wa_json_inside(whole);
    while (m->type.n > 2 && wa_json_member(&rest, &key, &value)) {
        if (key.n == m->type.n - 2 && memcmp(key.p, m->type.p + 1, key.n) == 0) {
            m->body = value;
            break;
        }
    }
}

/* KIND, EXT_ID, TIME, PARTY: what even a message that is too large keeps. */
static void webhook_put_head(struct webhook *h, const struct webhook_message *m, const struct wa_contact *c)
{
    char made[72];

    wa_in_begin(&h->in, HILO_KIND_INBOUND);
    if (m->id.n > 2) {
        wa_in_text(&h->in, HILO_T_MSG_EXT_ID, m->id);
    } else {
        memcpy(made, "sha256:", 7);
        if (!wa_sha256_hex(m->whole, made + 7))
            h->in.nomem = true;
        hilo_put(&h->in.w, HILO_T_MSG_EXT_ID, made, 71);
    }
    webhook_put_time(h, m->time);
    wa_party_put(&h->in, h->waba, h->account->waba_id, m->from, m->user_id, c);
}

/* Whether context is just a quote: the message answered and who wrote it. */
static bool webhook_plain_context(struct hilo_str context)
{
    struct hilo_str rest = wa_json_inside(context), key, value;

    while (wa_json_member(&rest, &key, &value))
        if (wa_json_type(value) != WA_JSON_STRING ||
            !(wa_json_key_is(key, "id") || wa_json_key_is(key, "from")))
            return false;
    return true;
}

static void webhook_put_extra(struct webhook *h, const struct webhook_message *m, bool keep_body,
                              bool keep_context, const struct wa_contact *c)
{
    struct hilo_str rest = wa_json_inside(m->whole), key, value;
    uint64_t t;

    while (wa_json_member(&rest, &key, &value)) {
        if (value.p == m->id.p || value.p == m->from.p || value.p == m->user_id.p || value.p == m->type.p)
            continue;
        if (value.p == m->time.p && wa_json_u64(value, &t))
            continue;
        if ((value.p == m->body.p && !keep_body) || (value.p == m->context.p && !keep_context))
            continue;
        wa_in_extra(&h->in, key, value);
    }
    if (c && c->more)
        wa_in_extra(&h->in, webhook_str("contact"), c->whole);
    wa_in_extra_done(&h->in);
}

static void webhook_message(struct webhook *h, struct hilo_str whole, size_t n)
{
    const struct wa_contact *c;
    struct webhook_message m;
    enum wa_in_result r;
    bool reaction, plain;
    char dropped[48];

    if (wa_json_type(whole) != WA_JSON_OBJECT) {
        webhook_note(h, WA_NOTE_MALFORMED, 0, webhook_str("a message is no object"));
        return;
    }
    webhook_split(whole, &m);
    c = wa_contacts_find(&h->contacts, n, m.from, m.user_id);
    reaction = wa_json_is(m.type, "reaction");
    plain = webhook_plain_context(m.context) && !reaction;
    webhook_put_head(h, &m, c);
    if (!reaction)
        wa_in_text(&h->in, HILO_T_MSG_REPLY_EXT, wa_json_get(m.context, "id"));
    r = wa_meta_content(&h->in, m.type, m.body, whole);
    if (r != WA_IN_RAW)
        webhook_put_extra(h, &m, r == WA_IN_LEFT, !plain, c);
    if (h->in.w.failed && !h->in.nomem) {
        webhook_put_head(h, &m, c);
        hilo_open(&h->in.w, HILO_T_MSG_CONTENT);
        hilo_put_u64(&h->in.w, HILO_T_CONTENT_TYPE, HILO_CONTENT_UNSUPPORTED);
        wa_in_text(&h->in, HILO_T_CONTENT_RAW_TYPE, m.type);
        hilo_close(&h->in.w);
        snprintf(dropped, sizeof dropped, "%llu", (unsigned long long)whole.n);
        wa_in_extra(&h->in, webhook_str("dropped_bytes"), webhook_str(dropped));
        wa_in_extra_done(&h->in);
        webhook_note(h, WA_NOTE_TOO_LARGE, 0, wa_json_text(m.id, h->in.scratch));
        if (h->in.w.failed) /* not even that: its id or its type is a megabyte */
            return;
    }
    if (!h->in.nomem)
        webhook_give(h);
}

/* ---- one status ------------------------------------------------------------------------------ */

static void webhook_put_errors(struct webhook *h, struct hilo_str errors)
{
    struct hilo_str rest = webhook_none, first = webhook_none, words;
    const struct wa_meta_error *e = NULL;
    uint64_t code;
    char text[24];

    if (wa_json_type(errors) == WA_JSON_ARRAY)
        rest = wa_json_inside(errors);
    if (!wa_json_item(&rest, &first))
        return;
    if (wa_json_u64(wa_json_get(first, "code"), &code) && code <= INT32_MAX) {
        e = wa_meta_error_find((int64_t)code);
        snprintf(text, sizeof text, "%u", (unsigned)code);
        hilo_put(&h->in.w, HILO_T_RECEIPT_CODE, text, strlen(text));
    }
    hilo_put_str(&h->in.w, HILO_T_RECEIPT_REASON, webhook_str(e ? e->reason : "rejected"));
    words = wa_json_get(wa_json_get(first, "error_data"), "details");
    if (wa_json_type(words) != WA_JSON_STRING)
        words = wa_json_get(first, "message");
    if (wa_json_type(words) != WA_JSON_STRING)
        words = wa_json_get(first, "title");
    wa_in_text(&h->in, HILO_T_RECEIPT_DETAIL, words);
}

static void webhook_put_pricing(struct webhook *h, struct hilo_str pricing)
{
    struct hilo_str billable = wa_json_get(pricing, "billable");

    if (wa_json_type(billable) == WA_JSON_BOOL)
        hilo_put_u64(&h->in.w, HILO_T_RECEIPT_BILLABLE, billable.p[0] == 't');
    wa_in_text(&h->in, HILO_T_RECEIPT_PRICING_MODEL, wa_json_get(pricing, "pricing_model"));
    wa_in_text(&h->in, HILO_T_RECEIPT_PRICING_CATEGORY, wa_json_get(pricing, "category"));
    wa_in_text(&h->in, HILO_T_RECEIPT_PRICING_TYPE, wa_json_get(pricing, "type"));
}

/* 0: Hilo has no word for it. "played" is a voice note that was listened to. */
static enum hilo_status webhook_status_word(struct hilo_str word)
{
    static const struct {
        const char *word;
        enum hilo_status status;
    } table[] = {{"sent", HILO_STATUS_SENT},
                 {"delivered", HILO_STATUS_DELIVERED},
                 {"read", HILO_STATUS_READ},
                 {"played", HILO_STATUS_READ},
                 {"failed", HILO_STATUS_FAILED}};
    size_t i;

    for (i = 0; i < sizeof table / sizeof *table; i++)
        if (wa_json_is(word, table[i].word))
            return table[i].status;
    return (enum hilo_status)0;
}

/* What has no field: the conversation, the user id. The recipient's number is left
 * out, as the message that this is about has it. */
static void webhook_status_extra(struct webhook *h, struct hilo_str whole)
{
    static const char *const known[] = {"id",      "status", "timestamp",   "biz_opaque_callback_data",
                                        "pricing", "errors", "recipient_id"};
    struct hilo_str rest = wa_json_inside(whole), key, value;
    size_t i;

    while (wa_json_member(&rest, &key, &value)) {
        for (i = 0; i < sizeof known / sizeof *known && !wa_json_key_is(key, known[i]); i++)
            ;
        if (i == sizeof known / sizeof *known)
            wa_in_extra(&h->in, key, value);
    }
    wa_in_extra_done(&h->in);
}

static void webhook_status(struct webhook *h, struct hilo_str whole)
{
    struct hilo_str id = wa_json_get(whole, "id"), word = wa_json_get(whole, "status");
    enum hilo_status status = webhook_status_word(word);
    struct hilo_writer *w = &h->in.w;
    struct hilo_id ours;

    if (wa_json_type(id) != WA_JSON_STRING || id.n <= 2 || wa_json_type(word) != WA_JSON_STRING) {
        webhook_note(h, WA_NOTE_MALFORMED, 0, webhook_str("a status has no id or no status"));
        return;
    }
    if (status == 0) {
        webhook_note(h, WA_NOTE_STATUS, 0, wa_json_text(word, h->in.scratch));
        return;
    }
    wa_in_begin(&h->in, HILO_KIND_RECEIPT);
    wa_in_text(&h->in, HILO_T_MSG_EXT_ID, id);
    webhook_put_time(h, wa_json_get(whole, "timestamp"));
    hilo_open(w, HILO_T_MSG_RECEIPT);
    hilo_put_u64(w, HILO_T_RECEIPT_STATUS, status);
    if (wa_echo_parse(wa_json_text(wa_json_get(whole, "biz_opaque_callback_data"), h->in.scratch), &ours))
        hilo_put_id(w, HILO_T_RECEIPT_ECHO, ours);
    webhook_put_errors(h, wa_json_get(whole, "errors"));
    webhook_put_pricing(h, wa_json_get(whole, "pricing"));
    hilo_close(w);
    webhook_status_extra(h, whole);
    if (w->failed) {
        if (!h->in.nomem)
            webhook_note(h, WA_NOTE_MALFORMED, 0, webhook_str("a status is larger than a message may be"));
        return;
    }
    webhook_give(h);
}

/* ---- the envelope ------------------------------------------------------------------------------ */

/* The items of a member that must be an array if it is there. */
static struct hilo_str webhook_array(struct webhook *h, struct hilo_str object, const char *name,
                                     const char *complaint)
{
    struct hilo_str v = wa_json_get(object, name);

    if (wa_json_type(v) == WA_JSON_ARRAY)
        return wa_json_inside(v);
    if (v.n)
        webhook_note(h, WA_NOTE_MALFORMED, 0, webhook_str(complaint));
    return webhook_none;
}

static void webhook_account_errors(struct webhook *h, struct hilo_str value)
{
    struct hilo_str rest = webhook_array(h, value, "errors", "errors is no array"), e;
    const struct wa_meta_error *known;
    uint64_t code;

    while (wa_json_item(&rest, &e)) {
        if (!wa_json_u64(wa_json_get(e, "code"), &code) || code > INT32_MAX) {
            webhook_note(h, WA_NOTE_MALFORMED, 0, webhook_str("an error has no code"));
            continue;
        }
        webhook_note(h, WA_NOTE_ACCOUNT_ERROR, (int64_t)code,
                     wa_json_text(wa_json_get(e, "title"), h->in.scratch));
        known = wa_meta_error_find((int64_t)code);
        if (known && known->code == HILO_CONFIG)
            webhook_note(h, WA_NOTE_ACCOUNT_STOP, (int64_t)code, webhook_str(known->reason));
    }
}

static void webhook_contacts(struct webhook *h, struct hilo_str contacts)
{
    if (contacts.n && wa_json_type(contacts) != WA_JSON_ARRAY)
        webhook_note(h, WA_NOTE_MALFORMED, 0, webhook_str("contacts is no array"));
    if (!wa_contacts_read(&h->contacts, contacts))
        h->in.nomem = true;
}

static void webhook_change(struct webhook *h, struct hilo_str change)
{
    struct hilo_str field = wa_json_get(change, "field"), value = wa_json_get(change, "value"), rest, item,
                    text;
    size_t n;

    if (wa_json_type(value) != WA_JSON_OBJECT) {
        webhook_note(h, WA_NOTE_MALFORMED, 0, webhook_str("a change has no value"));
        return;
    }
    if (!wa_json_is(field, "messages")) {
        webhook_note(h, WA_NOTE_FIELD, 0, wa_json_text(field, h->in.scratch));
        return;
    }
    text = wa_json_text(wa_json_get(wa_json_get(value, "metadata"), "phone_number_id"), h->in.scratch);
    if (text.n != h->account->phone_number_id.n || text.n == 0 ||
        memcmp(text.p, h->account->phone_number_id.p, text.n) != 0) {
        webhook_note(h, WA_NOTE_FOREIGN, 0, text);
        return;
    }
    webhook_account_errors(h, value);
    webhook_contacts(h, wa_json_get(value, "contacts"));
    rest = webhook_array(h, value, "messages", "messages is no array");
    for (n = 0; !h->stop && !h->in.nomem && wa_json_item(&rest, &item); n++)
        webhook_message(h, item, n);
    rest = webhook_array(h, value, "statuses", "statuses is no array");
    while (!h->stop && !h->in.nomem && wa_json_item(&rest, &item))
        webhook_status(h, item);
}

int32_t wa_meta_read(struct hilo_str body, const struct wa_account *account, const struct wa_sink *sink)
{
    struct hilo_str root, object, entries, entry, changes, change;
    struct webhook h;

    if (!wa_json_check(body, &root) || wa_json_type(root) != WA_JSON_OBJECT)
        return HILO_INVALID;
    memset(&h, 0, sizeof h);
    h.account = account;
    h.sink = sink;
    if (!wa_in_init(&h.in, body))
        return HILO_NOMEM;
    object = wa_json_get(root, "object");
    if (!wa_json_is(object, "whatsapp_business_account")) {
        webhook_note(&h, WA_NOTE_OBJECT, 0, wa_json_text(object, h.in.scratch));
        goto out;
    }
    entries = webhook_array(&h, root, "entry", "entry is no array");
    while (!h.stop && !h.in.nomem && wa_json_item(&entries, &entry)) {
        h.waba = wa_json_get(entry, "id");
        changes = webhook_array(&h, entry, "changes", "changes is no array");
        while (!h.stop && !h.in.nomem && wa_json_item(&changes, &change))
            webhook_change(&h, change);
    }
out:
    wa_in_free(&h.in);
    free(h.contacts.v);
    return h.in.nomem ? HILO_NOMEM : h.stop ? HILO_AGAIN : HILO_OK;
}
