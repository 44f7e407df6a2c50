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
#include "meta_webhook.h"

#include <stdio.h>
#include <stdlib.h>

void wa_meta_note(struct webhook *h, enum wa_note what, int64_t code, struct hilo_str text)
{
    h->sink->note(h->sink->arg, what, code, text);
}

bool wa_meta_put_time(struct webhook *h, struct hilo_str value)
{
    uint64_t s;

    if (!wa_json_u64(value, &s) || s > UINT64_C(99999999999))
        return false;
    hilo_put_u64(&h->in.w, HILO_T_MSG_TIME, s * 1000000);
    return true;
}

void wa_meta_give(struct webhook *h)
{
    if (!h->sink->message(h->sink->arg, hilo_written(&h->in.w)))
        h->stop = true;
}

/* ---- one status ------------------------------------------------------------------------------ */

static void webhook_put_errors(struct webhook *h, struct hilo_str errors)
{
    struct hilo_str rest = wa_meta_none, first = wa_meta_none, words;
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
    hilo_put_str(&h->in.w, HILO_T_RECEIPT_REASON, wa_meta_str(e ? e->reason : "rejected"));
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
        wa_meta_note(h, WA_NOTE_MALFORMED, 0, wa_meta_str("a status has no id or no status"));
        return;
    }
    if (status == 0) {
        wa_meta_note(h, WA_NOTE_STATUS, 0, wa_json_text(word, h->in.scratch));
        return;
    }
    wa_in_begin(&h->in, HILO_KIND_RECEIPT);
    wa_in_text(&h->in, HILO_T_MSG_EXT_ID, id);
    wa_meta_put_time(h, wa_json_get(whole, "timestamp"));
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
            wa_meta_note(h, WA_NOTE_MALFORMED, 0, wa_meta_str("a status is larger than a message may be"));
        return;
    }
    wa_meta_give(h);
}

/* ---- the envelope ------------------------------------------------------------------------------ */

/* The items of a member, which must be an array if it is there. */
static struct hilo_str webhook_array(struct webhook *h, struct hilo_str v, const char *complaint)
{
    if (wa_json_type(v) == WA_JSON_ARRAY)
        return wa_json_inside(v);
    if (v.n)
        wa_meta_note(h, WA_NOTE_MALFORMED, 0, wa_meta_str(complaint));
    return wa_meta_none;
}

static void webhook_account_errors(struct webhook *h, struct hilo_str errors)
{
    struct hilo_str rest = webhook_array(h, errors, "errors is no array"), e;
    const struct wa_meta_error *known;
    uint64_t code;

    while (wa_json_item(&rest, &e)) {
        if (!wa_json_u64(wa_json_get(e, "code"), &code) || code > INT32_MAX) {
            wa_meta_note(h, WA_NOTE_MALFORMED, 0, wa_meta_str("an error has no code"));
            continue;
        }
        wa_meta_note(h, WA_NOTE_ACCOUNT_ERROR, (int64_t)code,
                     wa_json_text(wa_json_get(e, "title"), h->in.scratch));
        known = wa_meta_error_find((int64_t)code);
        if (known && known->code == HILO_CONFIG)
            wa_meta_note(h, WA_NOTE_ACCOUNT_STOP, (int64_t)code, wa_meta_str(known->reason));
    }
}

static void webhook_contacts(struct webhook *h, struct hilo_str contacts)
{
    if (contacts.n && wa_json_type(contacts) != WA_JSON_ARRAY)
        wa_meta_note(h, WA_NOTE_MALFORMED, 0, wa_meta_str("contacts is no array"));
    if (!wa_contacts_read(&h->contacts, contacts))
        h->in.nomem = true;
}

static void webhook_change(struct webhook *h, struct hilo_str change)
{
    static const char *const members[] = {"field", "value"};
    static const char *const parts[] = {"metadata", "errors", "contacts", "messages", "statuses"};
    struct hilo_str m[2], part[5], field, value, rest, item, text;
    size_t n;

    wa_json_take(change, members, m, 2);
    field = m[0];
    value = m[1];
    if (wa_json_type(value) != WA_JSON_OBJECT) {
        wa_meta_note(h, WA_NOTE_MALFORMED, 0, wa_meta_str("a change has no value"));
        return;
    }
    if (!wa_json_is(field, "messages")) {
        if (!wa_meta_news(h, field, value))
            wa_meta_note(h, WA_NOTE_FIELD, 0, wa_json_text(field, h->in.scratch));
        return;
    }
    wa_json_take(value, parts, part, 5);
    text = wa_json_text(wa_json_get(part[0], "phone_number_id"), h->in.scratch);
    if (text.n != h->account->phone_number_id.n || text.n == 0 ||
        memcmp(text.p, h->account->phone_number_id.p, text.n) != 0) {
        wa_meta_note(h, WA_NOTE_FOREIGN, 0, text);
        return;
    }
    webhook_account_errors(h, part[1]);
    webhook_contacts(h, part[2]);
    rest = webhook_array(h, part[3], "messages is no array");
    for (n = 0; !h->stop && !h->in.nomem && wa_json_item(&rest, &item); n++)
        wa_meta_message(h, item, n);
    rest = webhook_array(h, part[4], "statuses is no array");
    while (!h->stop && !h->in.nomem && wa_json_item(&rest, &item))
        webhook_status(h, item);
}

int32_t wa_meta_read(struct hilo_str body, const struct wa_account *account, const struct wa_sink *sink)
{
    static const char *const of_root[] = {"object", "entry"}, *const of_entry[] = {"id", "changes"};
    struct hilo_str root, r[2], e[2], entries, entry, changes, change;
    struct webhook h;

    if (!wa_json_check(body, &root) || wa_json_type(root) != WA_JSON_OBJECT)
        return HILO_INVALID;
    memset(&h, 0, sizeof h);
    h.account = account;
    h.sink = sink;
    if (!wa_in_init(&h.in, body))
        return HILO_NOMEM;
    wa_json_take(root, of_root, r, 2);
    if (!wa_json_is(r[0], "whatsapp_business_account")) {
        wa_meta_note(&h, WA_NOTE_OBJECT, 0, wa_json_text(r[0], h.in.scratch));
        goto out;
    }
    entries = webhook_array(&h, r[1], "entry is no array");
    while (!h.stop && !h.in.nomem && wa_json_item(&entries, &entry)) {
        wa_json_take(entry, of_entry, e, 2);
        h.waba = e[0];
        changes = webhook_array(&h, e[1], "changes is no array");
        while (!h.stop && !h.in.nomem && wa_json_item(&changes, &change))
            webhook_change(&h, change);
    }
out:
    wa_in_free(&h.in);
    free(h.contacts.v);
    return h.in.nomem ? HILO_NOMEM : h.stop ? HILO_AGAIN : HILO_OK;
}
