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
#include "inbound.h"

#include "signature.h"

#include <stdlib.h>

/* Members of EXTRA; a message with more is taken as too large. */
enum { INBOUND_EXTRA_MAX = 256 };

enum inbound_take {
    TAKE_TEXT,
    TAKE_F64,
    TAKE_U64,
    TAKE_BOOL,
    TAKE_SHA256,
    TAKE_NOTHING /* known, and means nothing later (a URL of five minutes) */
};

struct inbound_member {
    const char *name;
    enum inbound_take take;
    bool must;
    uint32_t tag;
};

#define MEMBERS(...) ((const struct inbound_member[]){__VA_ARGS__, {NULL, TAKE_NOTHING, false, 0}})

static bool inbound_take(struct wa_in *in, const struct inbound_member *m, struct hilo_str value)
{
    char hex[65];
    uint64_t u;
    double d;

    switch (m->take) {
    case TAKE_TEXT:
        return wa_in_text(in, m->tag, value);
    case TAKE_F64:
        if (!wa_json_f64(value, &d))
            return false;
        hilo_put_f64(&in->w, m->tag, d);
        return true;
    case TAKE_U64:
        if (!wa_json_u64(value, &u))
            return false;
        hilo_put_u64(&in->w, m->tag, u);
        return true;
    case TAKE_BOOL:
        if (wa_json_type(value) != WA_JSON_BOOL)
            return false;
        hilo_put_u64(&in->w, m->tag, value.p[0] == 't');
        return true;
    case TAKE_SHA256:
        if (wa_json_type(value) != WA_JSON_STRING || !wa_sha256_normal(wa_json_text(value, in->scratch), hex))
            return false;
        hilo_put(&in->w, m->tag, hex, 64);
        return true;
    case TAKE_NOTHING:
        return true;
    }
    return false;
}

/* Writes an object's members into the open group. False if it is no object or one
 * that must be there is not; *left is set if something has no field. A name that
 * comes twice counts once, the first. */
static bool inbound_members(struct wa_in *in, struct hilo_str object, const struct inbound_member *table,
                            bool *left)
{
    struct hilo_str rest, key, value;
    uint32_t seen = 0;
    size_t i;

    if (wa_json_type(object) != WA_JSON_OBJECT)
        return false;
    rest = wa_json_inside(object);
    while (wa_json_member(&rest, &key, &value)) {
        for (i = 0; table[i].name && !wa_json_key_is(key, table[i].name); i++)
            ;
        if (!table[i].name || (seen >> i & 1) || !inbound_take(in, &table[i], value))
            *left = true;
        else
            seen |= UINT32_C(1) << i;
    }
    for (i = 0; table[i].name; i++)
        if (table[i].must && !(seen >> i & 1))
            return false;
    return true;
}

/* ---- one function for each shape; the group CONTENT is open ------------------------ */

static bool inbound_text(struct wa_in *in, struct hilo_str body, bool *left)
{
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    return inbound_members(in, body, MEMBERS({"body", TAKE_TEXT, true, HILO_T_CONTENT_TEXT}), left);
}

static bool inbound_media(struct wa_in *in, enum hilo_media_kind kind, struct hilo_str body, bool *left)
{
    struct hilo_str voice = wa_json_get(body, "voice");

    if (kind == HILO_MEDIA_AUDIO && voice.n == 4 && voice.p[0] == 't')
        kind = HILO_MEDIA_VOICE;
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_MEDIA);
    hilo_put_u64(&in->w, HILO_T_CONTENT_KIND, kind);
    return inbound_members(in, body,
                           MEMBERS({"id", TAKE_TEXT, true, HILO_T_CONTENT_EXT_MEDIA},
                                   {"mime_type", TAKE_TEXT, false, HILO_T_CONTENT_MIME},
                                   {"sha256", TAKE_SHA256, false, HILO_T_CONTENT_SHA256},
                                   {"filename", TAKE_TEXT, false, HILO_T_CONTENT_FILENAME},
                                   {"caption", TAKE_TEXT, false, HILO_T_CONTENT_CAPTION},
                                   {"animated", TAKE_BOOL, false, HILO_T_CONTENT_ANIMATED},
                                   {"voice", TAKE_NOTHING, false, 0}, {"url", TAKE_NOTHING, false, 0}),
                           left);
}

static bool inbound_location(struct wa_in *in, struct hilo_str body, bool *left)
{
    hilo_put_u64(&in->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_LOCATION);
    return inbound_members(in, body,
                           MEMBERS({"latitude", TAKE_F64, true, HILO_T_CONTENT_LATITUDE},
                                   {"longitude", TAKE_F64, true, HILO_T_CONTENT_LONGITUDE},
                                   {"name", TAKE_TEXT, false, HILO_T_CONTENT_NAME},
                                   {"address", TAKE_TEXT, false, HILO_T_CONTENT_ADDRESS}),
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
        ok = inbound_members(in, phone,
                             MEMBERS({"phone", TAKE_TEXT, false, HILO_T_PHONE_NUMBER},
                                     {"type", TAKE_TEXT, false, HILO_T_PHONE_LABEL},
                                     {"wa_id", TAKE_TEXT, false, HILO_T_PHONE_WHATSAPP}),
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
            ok = inbound_members(in, value,
                                 MEMBERS({"formatted_name", TAKE_TEXT, false, HILO_T_CONTACT_NAME},
                                         {"first_name", TAKE_TEXT, false, HILO_T_CONTACT_FIRST_NAME}),
                                 left);
        else if (wa_json_key_is(key, "org"))
            ok = inbound_members(in, value,
                                 MEMBERS({"company", TAKE_TEXT, false, HILO_T_CONTACT_ORGANIZATION}), left);
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
    return inbound_members(in, body,
                           MEMBERS({"payload", TAKE_TEXT, false, HILO_T_CONTENT_CHOICE},
                                   {"text", TAKE_TEXT, false, HILO_T_CONTENT_TITLE}),
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
            if (!inbound_members(in, value,
                                 MEMBERS({"id", TAKE_TEXT, true, HILO_T_CONTENT_CHOICE},
                                         {"title", TAKE_TEXT, false, HILO_T_CONTENT_TITLE},
                                         {"description", TAKE_TEXT, false, HILO_T_CONTENT_DESCRIPTION}),
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
    ok = inbound_members(in, body,
                         MEMBERS({"catalog_id", TAKE_TEXT, false, HILO_T_CONTENT_CATALOG},
                                 {"text", TAKE_TEXT, false, HILO_T_CONTENT_TEXT},
                                 {"product_items", TAKE_NOTHING, true, 0}),
                         left);
    items = wa_json_get(body, "product_items");
    ok = ok && wa_json_type(items) == WA_JSON_ARRAY;
    rest = wa_json_inside(items);
    while (ok && wa_json_item(&rest, &item)) {
        hilo_open(&in->w, HILO_T_CONTENT_ITEMS);
        ok = inbound_members(in, item,
                             MEMBERS({"product_retailer_id", TAKE_TEXT, true, HILO_T_ITEM_SKU},
                                     {"quantity", TAKE_U64, true, HILO_T_ITEM_QUANTITY},
                                     {"item_price", TAKE_F64, false, HILO_T_ITEM_PRICE},
                                     {"currency", TAKE_TEXT, false, HILO_T_ITEM_CURRENCY}),
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
    return inbound_members(in, body, MEMBERS({"body", TAKE_TEXT, false, HILO_T_CONTENT_TEXT}), left);
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
    if (!inbound_members(
            in, body,
            MEMBERS({"message_id", TAKE_NOTHING, true, 0}, {"emoji", TAKE_TEXT, false, HILO_T_CONTENT_EMOJI}),
            left))
        return false;
    hilo_close(&in->w);
    return true;
}

enum wa_in_result wa_in_content(struct wa_in *in, struct hilo_str type, struct hilo_str body,
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

void wa_bytes_put(struct wa_bytes *b, const char *p, size_t n)
{
    size_t cap;
    char *q;

    if (b->failed || n == 0)
        return;
    if (b->cap - b->n < n) {
        cap = b->cap ? b->cap : 256;
        while (cap - b->n < n && cap < HILO_MESSAGE_MAX)
            cap *= 2;
        q = cap - b->n >= n ? realloc(b->p, cap) : NULL;
        if (!q) {
            b->failed = true;
            b->nomem = cap - b->n >= n;
            return;
        }
        b->p = q;
        b->cap = cap;
    }
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

void wa_in_extra(struct wa_in *in, struct hilo_str key, struct hilo_str value)
{
    struct hilo_str rest = {NULL, 0}, k, v;

    if (in->extra.n) {
        rest.p = in->extra.p + 1;
        rest.n = in->extra.n - 1;
    }
    while (wa_json_member(&rest, &k, &v))
        if (k.n == key.n && (k.n == 0 || memcmp(k.p, key.p, k.n) == 0))
            return;
    if (++in->n_extra > INBOUND_EXTRA_MAX)
        in->extra.failed = true;
    wa_bytes_put(&in->extra, in->extra.n ? ",\"" : "{\"", 2);
    wa_bytes_put(&in->extra, key.p, key.n);
    wa_bytes_put(&in->extra, "\":", 2);
    wa_bytes_put(&in->extra, value.p, value.n);
}

void wa_in_extra_done(struct wa_in *in)
{
    if (in->extra.n == 0)
        return;
    wa_bytes_put(&in->extra, "}", 1);
    if (in->extra.failed)
        in->w.failed = 1;
    else
        hilo_put(&in->w, HILO_T_MSG_EXTRA, in->extra.p, in->extra.n);
}

bool wa_in_text(struct wa_in *in, uint32_t tag, struct hilo_str value)
{
    if (wa_json_type(value) != WA_JSON_STRING)
        return false;
    hilo_put_str(&in->w, tag, wa_json_text(value, in->scratch));
    return true;
}
