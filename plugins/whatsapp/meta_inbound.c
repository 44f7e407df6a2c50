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
#include "meta.h"
#include "meta_inbound.h"

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

static bool inbound_interactive(struct wa_in *in, struct hilo_str body, bool *left)
{
    static const char *const kind[] = {"button_reply", "list_reply"};
    struct hilo_str type = wa_json_get(body, "type"), rest, key, value;
    const char *name;
    bool ok = false;

    if (wa_json_is(type, kind[0]))
        name = kind[0];
    else if (wa_json_is(type, kind[1]))
        name = kind[1];
    else
        return false; /* nfm_reply and what may come */
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_CHOICE_REPLY);
    rest = wa_json_inside(body);
    while (wa_json_member(&rest, &key, &value)) {
        if (!ok && wa_json_key_is(key, name)) {
            if (!wa_in_members(in, value,
                               WA_MEMBERS({"id", WA_TAKE_TEXT, true, HILO_T_CONTENT_CHOICE},
                                          {"title", WA_TAKE_TEXT, false, HILO_T_CONTENT_TITLE},
                                          {"description", WA_TAKE_TEXT, false, HILO_T_CONTENT_DESCRIPTION}),
                               left))
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

static bool inbound_system(struct wa_in *in, struct hilo_str body, bool *left)
{
    struct hilo_str type = wa_json_get(body, "type");
    bool changed = wa_json_is(type, "user_changed_number") || wa_json_is(type, "customer_changed_number");

    /* the new number, and what else it says, stay in EXTRA with the type */
    *left = true;
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_SYSTEM);
    hilo_put_u64(&in->w, HILO_T_CONTENT_EVENT, changed ? HILO_SYSTEM_NUMBER_CHANGED : HILO_SYSTEM_OTHER);
    return wa_in_members(in, body, WA_MEMBERS({"body", WA_TAKE_TEXT, false, HILO_T_CONTENT_TEXT}), left);
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
                 {"contacts", inbound_contacts}, {"order", inbound_order},
                 {"system", inbound_system}};
    size_t i;

    for (i = 0; i < sizeof other / sizeof *other; i++)
        if (wa_json_is(type, other[i].name))
            return other[i].write(in, body, left);
    for (i = 0; i < sizeof media / sizeof *media; i++)
        if (wa_json_is(type, media[i].name))
            return inbound_media(in, media[i].kind, body, left);
    return false;
}

/* A reaction names its message in its own member, outside of the content. */
static bool inbound_reaction(struct wa_in *in, struct hilo_str body, bool *left)
{
    struct hilo_str id = wa_json_get(body, "message_id"), emoji = wa_json_get(body, "emoji");

    if (wa_json_type(id) != WA_JSON_STRING)
        return false;
    wa_in_text(in, HILO_T_MSG_REPLY_EXT, id);
    hilo_open(&in->w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_REACTION);
    if (wa_json_type(emoji) != WA_JSON_STRING) /* taken back; Meta leaves the emoji out */
        hilo_put(&in->w, HILO_T_CONTENT_EMOJI, "", 0);
    if (!wa_in_members(in, body,
                       WA_MEMBERS({"message_id", WA_TAKE_NOTHING, true, 0},
                                  {"emoji", WA_TAKE_TEXT, false, HILO_T_CONTENT_EMOJI}),
                       left))
        return false;
    hilo_close(&in->w);
    return true;
}

enum wa_in_result wa_meta_content(struct wa_in *in, struct hilo_str type, struct hilo_str body,
                                  struct hilo_str whole)
{
    uint64_t mark = in->w.n;
    uint32_t depth = in->w.depth;
    bool left = false, ok;

    if (wa_json_is(type, "reaction")) {
        ok = inbound_reaction(in, body, &left);
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

/* ---- EXTRA ----------------------------------------------------------------------------- */
