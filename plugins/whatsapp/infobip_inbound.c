/*
 * The content of one inbound message from Infobip.
 *
 * Each type has a table of the members that have a field. A type that has none, a
 * member that must be there and is not, or is of another JSON type: the message
 * becomes UNSUPPORTED and keeps all of its object, so that nothing that a customer
 * sent is lost, whatever Infobip adds.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infobip.h"

/* Members of every message, which are looked at by themselves. */
#define IB_COMMON                                                                                            \
    {"type", WA_TAKE_NOTHING, true, 0}, {"context", WA_TAKE_NOTHING, false, 0},                              \
    {                                                                                                        \
        "referral", WA_TAKE_NOTHING, false, 0                                                                \
    }

static bool ib_in_text(struct wa_in *in, struct hilo_str m, bool *left)
{
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    return wa_in_members(in, m, WA_MEMBERS(IB_COMMON, {"text", WA_TAKE_TEXT, true, HILO_T_CONTENT_TEXT}),
                         left);
}

/* The URL is Infobip's handle of the media: the key opens it, nobody else can. */
static bool ib_in_media(struct wa_in *in, enum hilo_media_kind kind, struct hilo_str m, bool *left)
{
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_MEDIA);
    hilo_put_u64(&in->w, HILO_T_CONTENT_KIND, kind);
    return wa_in_members(in, m,
                         WA_MEMBERS(IB_COMMON, {"url", WA_TAKE_TEXT, true, HILO_T_CONTENT_EXT_MEDIA},
                                    {"caption", WA_TAKE_TEXT, false, HILO_T_CONTENT_CAPTION}),
                         left);
}

static bool ib_in_location(struct wa_in *in, struct hilo_str m, bool *left)
{
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_LOCATION);
    return wa_in_members(in, m,
                         WA_MEMBERS(IB_COMMON, {"latitude", WA_TAKE_F64, true, HILO_T_CONTENT_LATITUDE},
                                    {"longitude", WA_TAKE_F64, true, HILO_T_CONTENT_LONGITUDE},
                                    {"name", WA_TAKE_TEXT, false, HILO_T_CONTENT_NAME},
                                    {"address", WA_TAKE_TEXT, false, HILO_T_CONTENT_ADDRESS}),
                         left);
}

static bool ib_in_contact(struct wa_in *in, struct hilo_str contact, bool *left)
{
    struct hilo_str rest = wa_json_inside(contact), key, value, phones, phone;
    bool ok = wa_json_type(contact) == WA_JSON_OBJECT;

    while (ok && wa_json_member(&rest, &key, &value)) {
        if (wa_json_key_is(key, "name")) {
            ok = wa_in_members(in, value,
                               WA_MEMBERS({"formattedName", WA_TAKE_TEXT, false, HILO_T_CONTACT_NAME},
                                          {"firstName", WA_TAKE_TEXT, false, HILO_T_CONTACT_FIRST_NAME}),
                               left);
        } else if (wa_json_key_is(key, "org")) {
            ok = wa_in_members(
                in, value, WA_MEMBERS({"company", WA_TAKE_TEXT, false, HILO_T_CONTACT_ORGANIZATION}), left);
        } else if (wa_json_key_is(key, "phones") && wa_json_type(value) == WA_JSON_ARRAY) {
            phones = wa_json_inside(value);
            while (ok && wa_json_item(&phones, &phone)) {
                hilo_open(&in->w, HILO_T_CONTACT_PHONES);
                ok = wa_in_members(in, phone,
                                   WA_MEMBERS({"phone", WA_TAKE_TEXT, false, HILO_T_PHONE_NUMBER},
                                              {"type", WA_TAKE_TEXT, false, HILO_T_PHONE_LABEL},
                                              {"waId", WA_TAKE_TEXT, false, HILO_T_PHONE_WHATSAPP}),
                                   left);
                hilo_close(&in->w);
            }
        } else {
            *left = true;
        }
    }
    return ok;
}

static bool ib_in_contacts(struct wa_in *in, struct hilo_str m, bool *left)
{
    struct hilo_str list = wa_json_get(m, "contacts"), contact;
    bool ok;

    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_CONTACTS);
    ok = wa_json_type(list) == WA_JSON_ARRAY &&
         wa_in_members(in, m, WA_MEMBERS(IB_COMMON, {"contacts", WA_TAKE_NOTHING, true, 0}), left);
    list = wa_json_inside(list);
    while (ok && wa_json_item(&list, &contact)) {
        hilo_open(&in->w, HILO_T_CONTENT_CONTACTS);
        ok = ib_in_contact(in, contact, left);
        hilo_close(&in->w);
    }
    return ok;
}

/* The answer to a template's quick reply. Without a payload its text is the id. */
static bool ib_in_button(struct wa_in *in, struct hilo_str m, bool *left)
{
    bool payload = wa_json_type(wa_json_get(m, "payload")) == WA_JSON_STRING;

    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_CHOICE_REPLY);
    if (!payload && !wa_in_text(in, HILO_T_CONTENT_CHOICE, wa_json_get(m, "text")))
        return false;
    return wa_in_members(in, m,
                         WA_MEMBERS(IB_COMMON, {"payload", WA_TAKE_TEXT, false, HILO_T_CONTENT_CHOICE},
                                    {"text", WA_TAKE_TEXT, false, HILO_T_CONTENT_TITLE}),
                         left);
}

static bool ib_in_reply(struct wa_in *in, struct hilo_str m, bool *left)
{
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_CHOICE_REPLY);
    return wa_in_members(in, m,
                         WA_MEMBERS(IB_COMMON, {"id", WA_TAKE_TEXT, true, HILO_T_CONTENT_CHOICE},
                                    {"title", WA_TAKE_TEXT, false, HILO_T_CONTENT_TITLE},
                                    {"description", WA_TAKE_TEXT, false, HILO_T_CONTENT_DESCRIPTION}),
                         left);
}

enum { IB_FORM_MAX = 32768 };

/* A form that was filled in. */
static bool ib_in_flow(struct wa_in *in, struct hilo_str m, bool *left)
{
    struct hilo_str response = wa_json_get(m, "response");

    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_CHOICE_REPLY);
    hilo_put(&in->w, HILO_T_CONTENT_NAME, "flow", 4);
    if (response.n > IB_FORM_MAX)
        return false;
    if (wa_json_type(response) == WA_JSON_OBJECT)
        hilo_put_str(&in->w, HILO_T_CONTENT_DATA, response);
    else if (response.n)
        *left = true;
    return wa_in_members(in, m,
                         WA_MEMBERS(IB_COMMON, {"text", WA_TAKE_TEXT, true, HILO_T_CONTENT_TITLE},
                                    {"response", WA_TAKE_NOTHING, false, 0}),
                         left);
}

static bool ib_in_order(struct wa_in *in, struct hilo_str m, bool *left)
{
    struct hilo_str items = wa_json_get(m, "productItems"), item;
    bool ok;

    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_ORDER);
    ok = wa_json_type(items) == WA_JSON_ARRAY &&
         wa_in_members(in, m,
                       WA_MEMBERS(IB_COMMON, {"catalogId", WA_TAKE_TEXT, false, HILO_T_CONTENT_CATALOG},
                                  {"text", WA_TAKE_TEXT, false, HILO_T_CONTENT_TEXT},
                                  {"productItems", WA_TAKE_NOTHING, true, 0}),
                       left);
    items = wa_json_inside(items);
    while (ok && wa_json_item(&items, &item)) {
        hilo_open(&in->w, HILO_T_CONTENT_ITEMS);
        ok = wa_in_members(in, item,
                           WA_MEMBERS({"productRetailerId", WA_TAKE_TEXT, true, HILO_T_ITEM_SKU},
                                      {"quantity", WA_TAKE_U64, true, HILO_T_ITEM_QUANTITY},
                                      {"itemPrice", WA_TAKE_F64, false, HILO_T_ITEM_PRICE},
                                      {"currency", WA_TAKE_TEXT, false, HILO_T_ITEM_CURRENCY}),
                           left);
        hilo_close(&in->w);
    }
    return ok;
}

/* Which message it is about only the context says. */
static bool ib_in_reaction(struct wa_in *in, struct hilo_str m, bool *left)
{
    struct hilo_str emoji = wa_json_get(m, "emoji");
    bool removed = wa_json_is(wa_json_get(m, "action"), "REMOVED");

    if (wa_json_type(wa_json_get(wa_json_get(m, "context"), "id")) != WA_JSON_STRING)
        return false;
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_REACTION);
    if (removed || !wa_in_text(in, HILO_T_CONTENT_EMOJI, emoji))
        hilo_put(&in->w, HILO_T_CONTENT_EMOJI, "", 0);
    return wa_in_members(
        in, m,
        WA_MEMBERS(IB_COMMON, {"emoji", WA_TAKE_NOTHING, false, 0}, {"action", WA_TAKE_NOTHING, false, 0}),
        left);
}

static bool ib_in_known(struct wa_in *in, struct hilo_str m, bool *left)
{
    static const struct {
        const char *name;
        enum hilo_media_kind kind;
    } media[] = {{"IMAGE", HILO_MEDIA_IMAGE}, {"DOCUMENT", HILO_MEDIA_DOCUMENT},
                 {"AUDIO", HILO_MEDIA_AUDIO}, {"VOICE", HILO_MEDIA_VOICE},
                 {"VIDEO", HILO_MEDIA_VIDEO}, {"STICKER", HILO_MEDIA_STICKER}};
    static const struct {
        const char *name;
        bool (*write)(struct wa_in *, struct hilo_str, bool *);
    } other[] = {{"TEXT", ib_in_text},
                 {"LOCATION", ib_in_location},
                 {"CONTACT", ib_in_contacts},
                 {"BUTTON", ib_in_button},
                 {"INTERACTIVE_BUTTON_REPLY", ib_in_reply},
                 {"INTERACTIVE_LIST_REPLY", ib_in_reply},
                 {"INTERACTIVE_FLOW_REPLY", ib_in_flow},
                 {"ORDER", ib_in_order},
                 {"REACTION", ib_in_reaction}};
    struct hilo_str type = wa_json_get(m, "type");
    size_t i;

    for (i = 0; i < sizeof other / sizeof *other; i++)
        if (wa_json_is(type, other[i].name))
            return other[i].write(in, m, left);
    for (i = 0; i < sizeof media / sizeof *media; i++)
        if (wa_json_is(type, media[i].name))
            return ib_in_media(in, media[i].kind, m, left);
    return false;
}

/* Writes a group if all of it can be; what can't stays in the object that EXTRA keeps. */
static bool ib_in_group(struct wa_in *in, uint32_t tag, struct hilo_str object, const struct wa_member *table)
{
    uint64_t mark = in->w.n;
    uint32_t depth = in->w.depth;
    bool left = false, ok;

    if (object.n == 0)
        return true;
    hilo_open(&in->w, tag);
    ok = wa_in_members(in, object, table, &left);
    hilo_close(&in->w);
    if (!ok) {
        in->w.n = mark;
        in->w.depth = depth;
    }
    return ok && !left;
}

static bool ib_in_referral(struct wa_in *in, struct hilo_str referral)
{
    struct hilo_str media = wa_json_get(referral, "referralMedia"), type = wa_json_get(media, "type");
    bool image = wa_json_is(type, "IMAGE"), known = image || wa_json_is(type, "VIDEO"), left = false, ok;

    if (referral.n == 0)
        return true;
    if (wa_json_type(referral) != WA_JSON_OBJECT)
        return false;
    hilo_open(&in->w, HILO_T_MSG_REFERRAL);
    ok = wa_in_members(in, referral,
                       WA_MEMBERS({"sourceType", WA_TAKE_TEXT, false, HILO_T_REFERRAL_SOURCE_TYPE},
                                  {"sourceId", WA_TAKE_TEXT, false, HILO_T_REFERRAL_SOURCE_ID},
                                  {"sourceUrl", WA_TAKE_TEXT, false, HILO_T_REFERRAL_SOURCE_URL},
                                  {"headline", WA_TAKE_TEXT, false, HILO_T_REFERRAL_HEADLINE},
                                  {"body", WA_TAKE_TEXT, false, HILO_T_REFERRAL_BODY},
                                  {"referralMedia", WA_TAKE_NOTHING, false, 0},
                                  {"ctwaClickId", WA_TAKE_TEXT, false, HILO_T_REFERRAL_CLICK_ID}),
                       &left);
    if (known) {
        hilo_put_u64(&in->w, HILO_T_REFERRAL_KIND, image ? HILO_MEDIA_IMAGE : HILO_MEDIA_VIDEO);
        ok &= wa_in_members(in, media,
                            WA_MEMBERS({"type", WA_TAKE_NOTHING, true, 0},
                                       {"url", WA_TAKE_TEXT, false, HILO_T_REFERRAL_MEDIA_URL}),
                            &left);
    }
    hilo_close(&in->w);
    return ok && !left && (known || media.n == 0);
}

bool wa_ib_content(struct wa_in *in, struct hilo_str m, struct hilo_str paired)
{
    struct hilo_str context = wa_json_get(m, "context"), rest = wa_json_inside(context), key, value;
    struct hilo_str quoted = wa_json_get(context, "id"), type = wa_json_get(m, "type");
    uint64_t mark;
    uint32_t depth;
    bool left = false, ok, whole = true;

    /* a tapped button is always an answer; Infobip may tell only by pairing what to */
    if (quoted.n == 0 &&
        (wa_json_is(type, "BUTTON") || wa_json_is(type, "INTERACTIVE_BUTTON_REPLY") ||
         wa_json_is(type, "INTERACTIVE_LIST_REPLY") || wa_json_is(type, "INTERACTIVE_FLOW_REPLY")))
        quoted = paired;
    wa_in_text(in, HILO_T_MSG_REPLY_EXT, quoted);
    mark = in->w.n;
    depth = in->w.depth;
    hilo_open(&in->w, HILO_T_MSG_CONTENT);
    ok = ib_in_known(in, m, &left);
    hilo_close(&in->w);
    if (!ok) {
        in->w.n = mark;
        in->w.depth = depth;
        hilo_open(&in->w, HILO_T_MSG_CONTENT);
        hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_UNSUPPORTED);
        wa_in_text(in, HILO_T_CONTENT_RAW_TYPE, type);
        hilo_put_str(&in->w, HILO_T_CONTENT_RAW, m);
        hilo_close(&in->w);
        return true;
    }
    while (wa_json_member(&rest, &key, &value)) {
        if (wa_json_key_is(key, "referredProduct"))
            whole &= ib_in_group(in, HILO_T_MSG_PRODUCT, value,
                                 WA_MEMBERS({"catalogId", WA_TAKE_TEXT, false, HILO_T_PRODUCT_CATALOG},
                                            {"productRetailerId", WA_TAKE_TEXT, true, HILO_T_PRODUCT_SKU}));
        else
            whole &= wa_json_key_is(key, "id") || wa_json_key_is(key, "from");
    }
    whole &= context.n == 0 || wa_json_type(context) == WA_JSON_OBJECT;
    whole &= ib_in_referral(in, wa_json_get(m, "referral"));
    return whole && !left;
}
