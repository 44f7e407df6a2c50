/*
 * One message: who, when, what it answers, how it came, and what has no field.
 *
 * A message without an id gets one made of its bytes, so that it too is recognised
 * when Meta sends it again.
 * Limit: a message above HILO_MESSAGE_MAX is given without its content.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "json.h"
#include "meta_inbound.h"
#include "meta_webhook.h"
#include "signature.h"

#include <stdio.h>

struct message {
    struct hilo_str whole, id, from, user_id, time, type, context, referral, body;
};

static void message_split(struct hilo_str whole, struct message *m)
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
        if (m->referral.n == 0 && wa_json_type(value) == WA_JSON_OBJECT && wa_json_key_is(key, "referral"))
            m->referral = value;
    }
    rest = wa_json_inside(whole);
    while (m->type.n > 2 && wa_json_member(&rest, &key, &value)) {
        if (key.n == m->type.n - 2 && memcmp(key.p, m->type.p + 1, key.n) == 0) {
            m->body = value;
            break;
        }
    }
    /* who had another user id until now is named only there */
    if (m->user_id.n == 0 && wa_json_is(m->type, "system"))
        m->user_id = wa_json_get(m->body, "previous_user_id");
}

/* KIND, EXT_ID, TIME, PARTY: what even a message that is too large keeps. */
static void message_put_head(struct webhook *h, const struct message *m, const struct wa_contact *c)
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
    wa_meta_put_time(h, m->time);
    wa_party_put(&h->in, h->waba, h->account->waba_id, m->from, m->user_id, c);
}

/* FORWARDED, PRODUCT; whether something in it has no field. Whom it answers the caller
 * has written. */
static bool message_put_context(struct webhook *h, struct hilo_str context)
{
    struct hilo_str rest = wa_json_inside(context), key, value;
    bool left = false;

    while (wa_json_member(&rest, &key, &value)) {
        bool yes = value.n == 4 && value.p[0] == 't';
        if (wa_json_type(value) == WA_JSON_BOOL && wa_json_key_is(key, "forwarded")) {
            if (yes)
                hilo_put_u64(&h->in.w, HILO_T_MSG_FORWARDED, 1);
        } else if (wa_json_type(value) == WA_JSON_BOOL && wa_json_key_is(key, "frequently_forwarded")) {
            if (yes)
                hilo_put_u64(&h->in.w, HILO_T_MSG_FREQUENTLY_FORWARDED, 1);
        } else if (wa_json_type(value) == WA_JSON_OBJECT && wa_json_key_is(key, "referred_product")) {
            hilo_open(&h->in.w, HILO_T_MSG_PRODUCT);
            wa_in_members(&h->in, value,
                          WA_MEMBERS({"catalog_id", WA_TAKE_TEXT, false, HILO_T_PRODUCT_CATALOG},
                                     {"product_retailer_id", WA_TAKE_TEXT, false, HILO_T_PRODUCT_SKU}),
                          &left);
            hilo_close(&h->in.w);
        } else if (wa_json_type(value) != WA_JSON_STRING ||
                   !(wa_json_key_is(key, "id") || wa_json_key_is(key, "from"))) {
            left = true;
        }
    }
    return left;
}

/* REFERRAL; whether something in it has no field. */
static bool message_put_referral(struct webhook *h, struct hilo_str referral)
{
    static const struct wa_word kinds[] = {
        {"image", HILO_MEDIA_IMAGE}, {"video", HILO_MEDIA_VIDEO}, {NULL, 0}};
    struct hilo_str media = wa_json_get(referral, "media_type"),
                    welcome = wa_json_get(referral, "welcome_message");
    uint64_t kind = wa_json_word(media, kinds, 0);
    bool left = media.n && !kind;

    hilo_open(&h->in.w, HILO_T_MSG_REFERRAL);
    if (kind)
        hilo_put_u64(&h->in.w, HILO_T_REFERRAL_KIND, kind);
    wa_in_members(&h->in, referral,
                  WA_MEMBERS({"source_type", WA_TAKE_TEXT, false, HILO_T_REFERRAL_SOURCE_TYPE},
                             {"source_id", WA_TAKE_TEXT, false, HILO_T_REFERRAL_SOURCE_ID},
                             {"source_url", WA_TAKE_TEXT, false, HILO_T_REFERRAL_SOURCE_URL},
                             {"headline", WA_TAKE_TEXT, false, HILO_T_REFERRAL_HEADLINE},
                             {"body", WA_TAKE_TEXT, false, HILO_T_REFERRAL_BODY},
                             {kind == HILO_MEDIA_VIDEO ? "video_url" : "image_url", WA_TAKE_TEXT, false,
                              HILO_T_REFERRAL_MEDIA_URL},
                             {"thumbnail_url", WA_TAKE_TEXT, false, HILO_T_REFERRAL_THUMBNAIL_URL},
                             {"ctwa_clid", WA_TAKE_TEXT, false, HILO_T_REFERRAL_CLICK_ID},
                             {"media_type", WA_TAKE_NOTHING, false, 0},
                             {"welcome_message", WA_TAKE_NOTHING, false, 0}),
                  &left);
    if (welcome.n &&
        !wa_in_members(&h->in, welcome, WA_MEMBERS({"text", WA_TAKE_TEXT, false, HILO_T_REFERRAL_WELCOME}),
                       &left))
        left = true;
    hilo_close(&h->in.w);
    return left;
}

/* What of a message has no field of its own. */
struct message_left {
    bool body, context, referral;
};

static void message_put_extra(struct webhook *h, const struct message *m, const struct message_left *left,
                              const struct wa_contact *c)
{
    struct hilo_str rest = wa_json_inside(m->whole), key, value;
    uint64_t t;

    while (wa_json_member(&rest, &key, &value)) {
        if (value.p == m->id.p || value.p == m->from.p || value.p == m->user_id.p || value.p == m->type.p)
            continue;
        if (value.p == m->time.p && wa_json_u64(value, &t))
            continue;
        if ((value.p == m->body.p && !left->body) || (value.p == m->context.p && !left->context) ||
            (value.p == m->referral.p && !left->referral))
            continue;
        wa_in_extra(&h->in, key, value);
    }
    if (c && c->more)
        wa_in_extra(&h->in, wa_meta_str("contact"), c->whole);
    wa_in_extra_done(&h->in);
}

void wa_meta_message(struct webhook *h, struct hilo_str whole, size_t n)
{
    const struct wa_contact *c;
    struct message m;
    struct message_left left = {.body = false};
    enum wa_in_result r;
    char dropped[48];

    if (wa_json_type(whole) != WA_JSON_OBJECT) {
        wa_meta_note(h, WA_NOTE_MALFORMED, 0, wa_meta_str("a message is no object"));
        return;
    }
    message_split(whole, &m);
    c = wa_contacts_find(&h->contacts, n, m.from, m.user_id);
    message_put_head(h, &m, c);
    left.context = message_put_context(h, m.context);
    if (!wa_meta_names_another(m.type))
        wa_in_text(&h->in, HILO_T_MSG_REPLY_EXT, wa_json_get(m.context, "id"));
    else if (m.context.n)
        left.context = true;
    if (m.referral.n)
        left.referral = message_put_referral(h, m.referral);
    r = wa_meta_content(h, m.type, m.body, whole);
    left.body = r == WA_IN_LEFT;
    if (r != WA_IN_RAW)
        message_put_extra(h, &m, &left, c);
    if (h->in.w.failed && !h->in.nomem) {
        message_put_head(h, &m, c);
        hilo_open(&h->in.w, HILO_T_MSG_CONTENT);
        hilo_put_u64(&h->in.w, HILO_T_CONTENT_TYPE, HILO_CONTENT_UNSUPPORTED);
        wa_in_text(&h->in, HILO_T_CONTENT_RAW_TYPE, m.type);
        hilo_close(&h->in.w);
        snprintf(dropped, sizeof dropped, "%llu", (unsigned long long)whole.n);
        wa_in_extra(&h->in, wa_meta_str("dropped_bytes"), wa_meta_str(dropped));
        wa_in_extra_done(&h->in);
        wa_meta_note(h, WA_NOTE_TOO_LARGE, 0, wa_json_text(m.id, h->in.scratch));
        if (h->in.w.failed) /* not even that: its id or its type is a megabyte */
            return;
    }
    if (!h->in.nomem)
        wa_meta_give(h);
}
