/*
 * The content of one inbound message.
 *
 * Each type has a table of the members that have a field. A type that has none, a
 * member that must be there and is not, or is of another JSON type: the message
 * becomes UNSUPPORTED and keeps all of its bytes. A member that no table has is
 * reported to the caller, which keeps the object that holds it in EXTRA. So
 * nothing that a customer sent is lost, whatever Meta adds.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "json.h"
#include "meta_inbound.h"

enum { INBOUND_FORM_MAX = 32768 /* bytes of what was filled in, as the model takes */ };

/* ---- one function for each shape; the group CONTENT is open ------------------------ */

static bool inbound_text(struct wa_in *in, struct hilo_str body, bool *left)
{
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    return wa_in_members(in, body, WA_MEMBERS({"body", WA_TAKE_TEXT, true, HILO_T_CONTENT_TEXT}), left);
}

static bool inbound_media(struct wa_in *in, enum hilo_media_kind kind, struct hilo_str body, bool *left)
{
    struct hilo_str voice = wa_json_get(body, "voice");

    if (kind == HILO_MEDIA_AUDIO && voice.n == 4 && voice.p[0] == 't')
        kind = HILO_MEDIA_VOICE;
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_MEDIA);
    hilo_put_u64(&in->w, HILO_T_CONTENT_KIND, kind);
    return wa_in_members(in, body,
                         WA_MEMBERS({"id", WA_TAKE_TEXT, true, HILO_T_CONTENT_EXT_MEDIA},
                                    {"mime_type", WA_TAKE_TEXT, false, HILO_T_CONTENT_MIME},
                                    {"sha256", WA_TAKE_SHA256, false, HILO_T_CONTENT_SHA256},
                                    {"filename", WA_TAKE_TEXT, false, HILO_T_CONTENT_FILENAME},
                                    {"caption", WA_TAKE_TEXT, false, HILO_T_CONTENT_CAPTION},
                                    {"animated", WA_TAKE_BOOL, false, HILO_T_CONTENT_ANIMATED},
                                    {"voice", WA_TAKE_NOTHING, false, 0}, {"url", WA_TAKE_NOTHING, false, 0}),
                         left);
}

static bool inbound_location(struct wa_in *in, struct hilo_str body, bool *left)
{
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_LOCATION);
    return wa_in_members(in, body,
                         WA_MEMBERS({"latitude", WA_TAKE_F64, true, HILO_T_CONTENT_LATITUDE},
                                    {"longitude", WA_TAKE_F64, true, HILO_T_CONTENT_LONGITUDE},
                                    {"name", WA_TAKE_TEXT, false, HILO_T_CONTENT_NAME},
                                    {"address", WA_TAKE_TEXT, false, HILO_T_CONTENT_ADDRESS}),
                         left);
}

static bool inbound_phones(struct wa_in *in, struct hilo_str phones, bool *left)
{
    struct hilo_str rest, phone;
    bool ok = true;

    if (wa_json_type(phones) != WA_JSON_ARRAY)
        return false;
    rest = wa_json_inside(phones);
    while (ok && wa_json_item(&rest, &phone)) {
        hilo_open(&in->w, HILO_T_CONTACT_PHONES);
        ok = wa_in_members(in, phone,
                           WA_MEMBERS({"phone", WA_TAKE_TEXT, false, HILO_T_PHONE_NUMBER},
                                      {"type", WA_TAKE_TEXT, false, HILO_T_PHONE_LABEL},
                                      {"wa_id", WA_TAKE_TEXT, false, HILO_T_PHONE_WHATSAPP}),
                           left);
        hilo_close(&in->w);
    }
    return ok;
}

static bool inbound_contact(struct wa_in *in, struct hilo_str contact, bool *left)
{
    struct hilo_str rest, key, value;
    bool ok = wa_json_type(contact) == WA_JSON_OBJECT;

    rest = wa_json_inside(contact);
    while (ok && wa_json_member(&rest, &key, &value)) {
        if (wa_json_key_is(key, "name"))
            ok = wa_in_members(in, value,
                               WA_MEMBERS({"formatted_name", WA_TAKE_TEXT, false, HILO_T_CONTACT_NAME},
                                          {"first_name", WA_TAKE_TEXT, false, HILO_T_CONTACT_FIRST_NAME}),
                               left);
        else if (wa_json_key_is(key, "org"))
            ok = wa_in_members(
                in, value, WA_MEMBERS({"company", WA_TAKE_TEXT, false, HILO_T_CONTACT_ORGANIZATION}), left);
        else if (wa_json_key_is(key, "phones"))
            ok = inbound_phones(in, value, left);
        else
            *left = true;
    }
    return ok;
}

static bool inbound_contacts(struct wa_in *in, struct hilo_str body, bool *left)
{
    struct hilo_str rest, contact;
    bool ok = wa_json_type(body) == WA_JSON_ARRAY;

    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_CONTACTS);
    rest = wa_json_inside(body);
    while (ok && wa_json_item(&rest, &contact)) {
        hilo_open(&in->w, HILO_T_CONTENT_CONTACTS);
        ok = inbound_contact(in, contact, left);
        hilo_close(&in->w);
    }
    return ok;
}

/* The answer to a template's quick reply. Without a payload its text is the id. */
static bool inbound_button(struct wa_in *in, struct hilo_str body, bool *left)
{
    bool payload = wa_json_type(wa_json_get(body, "payload")) == WA_JSON_STRING;

    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_CHOICE_REPLY);
    if (!payload && !wa_in_text(in, HILO_T_CONTENT_CHOICE, wa_json_get(body, "text")))
        return false;
    return wa_in_members(in, body,
                         WA_MEMBERS({"payload", WA_TAKE_TEXT, false, HILO_T_CONTENT_CHOICE},
                                    {"text", WA_TAKE_TEXT, false, HILO_T_CONTENT_TITLE}),
                         left);
}

/* What was filled in must be JSON; else the message is kept as it is. */
static bool inbound_form(struct wa_in *in, struct hilo_str reply, bool *left)
{
    struct hilo_str data = wa_json_get(reply, "response_json"), text, root;

    if (wa_json_type(data) != WA_JSON_STRING)
        return false;
    text = wa_json_text(data, in->scratch);
    if (text.n > INBOUND_FORM_MAX || !wa_json_check(text, &root) || wa_json_type(root) != WA_JSON_OBJECT)
        return false;
    hilo_put_str(&in->w, HILO_T_CONTENT_DATA, root);
    return wa_in_members(in, reply,
                         WA_MEMBERS({"response_json", WA_TAKE_NOTHING, true, 0},
                                    {"name", WA_TAKE_TEXT, false, HILO_T_CONTENT_NAME},
                                    {"body", WA_TAKE_TEXT, false, HILO_T_CONTENT_TITLE}),
                         left);
}

static bool inbound_choice(struct wa_in *in, struct hilo_str reply, bool *left)
{
    return wa_in_members(in, reply,
                         WA_MEMBERS({"id", WA_TAKE_TEXT, true, HILO_T_CONTENT_CHOICE},
                                    {"title", WA_TAKE_TEXT, false, HILO_T_CONTENT_TITLE},
                                    {"description", WA_TAKE_TEXT, false, HILO_T_CONTENT_DESCRIPTION}),
                         left);
}

static bool inbound_interactive(struct wa_in *in, struct hilo_str body, bool *left)
{
    static const struct {
        const char *name;
        bool (*write)(struct wa_in *, struct hilo_str, bool *);
    } kind[] = {
        {"button_reply", inbound_choice}, {"list_reply", inbound_choice}, {"nfm_reply", inbound_form}};
    struct hilo_str type = wa_json_get(body, "type"), rest, key, value;
    bool ok = false;
    size_t i;

    for (i = 0; i < sizeof kind / sizeof *kind && !wa_json_is(type, kind[i].name); i++)
        ;
    if (i == sizeof kind / sizeof *kind)
        return false;
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_CHOICE_REPLY);
    rest = wa_json_inside(body);
    while (wa_json_member(&rest, &key, &value)) {
        if (!ok && wa_json_key_is(key, kind[i].name)) {
            if (!kind[i].write(in, value, left))
                return false;
            ok = true;
        } else if (!wa_json_key_is(key, "type")) {
            *left = true;
        }
    }
    return ok;
}

static bool inbound_order(struct wa_in *in, struct hilo_str body, bool *left)
{
    struct hilo_str rest, items, item;
    bool ok;

    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_ORDER);
    ok = wa_in_members(in, body,
                       WA_MEMBERS({"catalog_id", WA_TAKE_TEXT, false, HILO_T_CONTENT_CATALOG},
                                  {"text", WA_TAKE_TEXT, false, HILO_T_CONTENT_TEXT},
                                  {"product_items", WA_TAKE_NOTHING, true, 0}),
                       left);
    items = wa_json_get(body, "product_items");
    ok = ok && wa_json_type(items) == WA_JSON_ARRAY;
    rest = wa_json_inside(items);
    while (ok && wa_json_item(&rest, &item)) {
        hilo_open(&in->w, HILO_T_CONTENT_ITEMS);
        ok = wa_in_members(in, item,
                           WA_MEMBERS({"product_retailer_id", WA_TAKE_TEXT, true, HILO_T_ITEM_SKU},
                                      {"quantity", WA_TAKE_U64, true, HILO_T_ITEM_QUANTITY},
                                      {"item_price", WA_TAKE_F64, false, HILO_T_ITEM_PRICE},
                                      {"currency", WA_TAKE_TEXT, false, HILO_T_ITEM_CURRENCY}),
                           left);
        hilo_close(&in->w);
    }
    return ok;
}

/* The content group of a type that Hilo knows. */
static bool inbound_known(struct wa_in *in, struct hilo_str type, struct hilo_str body, bool *left)
{
    static const struct {
        const char *name;
        enum hilo_media_kind kind;
    } media[] = {{"image", HILO_MEDIA_IMAGE}, {"document", HILO_MEDIA_DOCUMENT},
                 {"audio", HILO_MEDIA_AUDIO}, {"voice", HILO_MEDIA_VOICE},
                 {"video", HILO_MEDIA_VIDEO}, {"sticker", HILO_MEDIA_STICKER}};
    static const struct {
        const char *name;
        bool (*write)(struct wa_in *, struct hilo_str, bool *);
    } other[] = {{"text", inbound_text},         {"interactive", inbound_interactive},
                 {"button", inbound_button},     {"location", inbound_location},
                 {"contacts", inbound_contacts}, {"order", inbound_order}};
    size_t i;

    for (i = 0; i < sizeof other / sizeof *other; i++)
        if (wa_json_is(type, other[i].name))
            return other[i].write(in, body, left);
    for (i = 0; i < sizeof media / sizeof *media; i++)
        if (wa_json_is(type, media[i].name))
            return inbound_media(in, media[i].kind, body, left);
    return false;
}

/* ---- what is about something else than the message; these open CONTENT themselves -------- */

static bool inbound_reaction(struct webhook *h, struct hilo_str body, bool *left)
{
    struct wa_in *in = &h->in;
    bool ok;

    if (!wa_in_text(in, HILO_T_MSG_REPLY_EXT, wa_json_get(body, "message_id")))
        return false;
    hilo_open(&in->w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_REACTION);
    if (wa_json_type(wa_json_get(body, "emoji")) != WA_JSON_STRING) /* taken back; Meta leaves it out */
        hilo_put(&in->w, HILO_T_CONTENT_EMOJI, "", 0);
    ok = wa_in_members(in, body,
                       WA_MEMBERS({"message_id", WA_TAKE_NOTHING, true, 0},
                                  {"emoji", WA_TAKE_TEXT, false, HILO_T_CONTENT_EMOJI}),
                       left);
    hilo_close(&in->w);
    return ok;
}

/* What the message reads now: its text, or the caption of a media that stays the same.
 * A change without either is kept in EXTRA. */
static bool inbound_edit(struct webhook *h, struct hilo_str body, bool *left)
{
    struct hilo_str now = wa_json_get(body, "message"), type = wa_json_get(now, "type"), text;
    static const char *const captioned[] = {"image", "video", "document"};
    struct wa_in *in = &h->in;
    size_t i;

    if (!wa_in_text(in, HILO_T_MSG_REPLY_EXT, wa_json_get(body, "original_message_id")))
        return false;
    text = wa_json_is(type, "text") ? wa_json_get(wa_json_get(now, "text"), "body") : wa_meta_none;
    for (i = 0; i < sizeof captioned / sizeof *captioned; i++)
        if (wa_json_is(type, captioned[i]))
            text = wa_json_get(wa_json_get(now, captioned[i]), "caption");
    hilo_open(&in->w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_SYSTEM);
    hilo_put_u64(&in->w, HILO_T_CONTENT_EVENT, HILO_SYSTEM_EDITED);
    if (!wa_in_text(in, HILO_T_CONTENT_TEXT, text))
        *left = true;
    hilo_close(&in->w);
    return true;
}

static bool inbound_revoke(struct webhook *h, struct hilo_str body, bool *left)
{
    struct wa_in *in = &h->in;
    bool ok;

    if (!wa_in_text(in, HILO_T_MSG_REPLY_EXT, wa_json_get(body, "original_message_id")))
        return false;
    hilo_open(&in->w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_SYSTEM);
    hilo_put_u64(&in->w, HILO_T_CONTENT_EVENT, HILO_SYSTEM_DELETED);
    ok = wa_in_members(in, body, WA_MEMBERS({"original_message_id", WA_TAKE_NOTHING, true, 0}), left);
    hilo_close(&in->w);
    return ok;
}

/* Identifiers that somebody has from now on. Older versions call the number new_wa_id.
 * What else is said stays in EXTRA, with the type. */
static bool inbound_system(struct webhook *h, struct hilo_str body, bool *left)
{
    static const char *const changes[] = {"user_changed_number", "customer_changed_number",
                                          "user_changed_user_id"};
    struct hilo_str type = wa_json_get(body, "type"), number = wa_json_get(body, "wa_id");
    struct hilo_str user = wa_json_get(body, "user_id"), fresh = wa_json_get(body, "new_wa_id");
    struct wa_in *in = &h->in;
    bool changed = false, ok;
    size_t i;

    for (i = 0; i < sizeof changes / sizeof *changes; i++)
        changed = changed || wa_json_is(type, changes[i]);
    if (fresh.n)
        number = fresh;
    *left = true;
    hilo_open(&in->w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_SYSTEM);
    hilo_put_u64(&in->w, HILO_T_CONTENT_EVENT, changed ? HILO_SYSTEM_NUMBER_CHANGED : HILO_SYSTEM_OTHER);
    ok = wa_in_members(in, body, WA_MEMBERS({"body", WA_TAKE_TEXT, false, HILO_T_CONTENT_TEXT}), left);
    if (changed && wa_json_type(user) == WA_JSON_STRING && user.n > 2)
        wa_party_put_user(in, HILO_T_CONTENT_NEW_PARTY, h->waba, h->account->waba_id, user);
    if (changed && wa_json_type(number) == WA_JSON_STRING)
        wa_party_put_phone(in, HILO_T_CONTENT_NEW_PARTY, wa_json_text(number, in->scratch));
    hilo_close(&in->w);
    return ok;
}

static const struct {
    const char *name;
    bool (*write)(struct webhook *, struct hilo_str, bool *);
    bool names_another;
} inbound_about[] = {{"reaction", inbound_reaction, true},
                     {"edit", inbound_edit, true},
                     {"revoke", inbound_revoke, true},
                     {"system", inbound_system, false}};

bool wa_meta_names_another(struct hilo_str type)
{
    size_t i;

    for (i = 0; i < sizeof inbound_about / sizeof *inbound_about; i++)
        if (wa_json_is(type, inbound_about[i].name))
            return inbound_about[i].names_another;
    return false;
}

enum wa_in_result wa_meta_content(struct webhook *h, struct hilo_str type, struct hilo_str body,
                                  struct hilo_str whole)
{
    const size_t n = sizeof inbound_about / sizeof *inbound_about;
    struct wa_in *in = &h->in;
    uint64_t mark = in->w.n;
    uint32_t depth = in->w.depth;
    bool left = false, ok;
    size_t i;

    for (i = 0; i < n && !wa_json_is(type, inbound_about[i].name); i++)
        ;
    if (i < n) {
        ok = inbound_about[i].write(h, body, &left);
    } else {
        hilo_open(&in->w, HILO_T_MSG_CONTENT);
        ok = inbound_known(in, type, body, &left);
        hilo_close(&in->w);
    }
    if (ok)
        return left ? WA_IN_LEFT : WA_IN_MAPPED;
    in->w.n = mark;
    in->w.depth = depth;
    hilo_open(&in->w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_UNSUPPORTED);
    wa_in_text(in, HILO_T_CONTENT_RAW_TYPE, type);
    hilo_put_str(&in->w, HILO_T_CONTENT_RAW, whole);
    hilo_close(&in->w);
    return WA_IN_RAW;
}
