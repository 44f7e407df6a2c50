/*
 * The body of POST /{version}/{phone-number-id}/messages.
 *
 * A phone goes into "to", digits only; a user id goes into "recipient" and never
 * into "to", where Meta would answer 200 and drop the message without a word.
 * Every message carries our id in biz_opaque_callback_data: Meta has no
 * idempotency key, so that is how a message in doubt is found again.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "build.h"
#include "echo.h"
#include "json.h"
#include "meta.h"

enum { ENCODE_FLOW_LABEL_MAX = 30 };

/* A flow's id, as against its name. */
static bool encode_is_flow_id(struct hilo_str s)
{
    uint64_t i;

    for (i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

/* ---- contents ---------------------------------------------------------------------------------- */

static void encode_text(struct wa_build *b, cJSON *root, struct hilo_str content)
{
    struct hilo_str text = hilo_get_str(content, HILO_T_CONTENT_TEXT), preview;
    cJSON *o;

    if (text.n == 0) {
        wa_build_fail(b, HILO_INVALID, "the text is empty");
        return;
    }
    wa_build_word(b, root, "type", "text");
    o = wa_build_object(b, root, "text");
    wa_build_text(b, o, "body", text);
    wa_build_bool(b, o, "preview_url",
                  hilo_find(content, HILO_T_CONTENT_PREVIEW_URL, &preview) ? hilo_u64(preview) != 0
                                                                           : b->with->conf->preview_url != 0);
}

static void encode_media(struct wa_build *b, cJSON *root, struct hilo_str content)
{
    static const char *const name[] = {NULL, "image", "audio", "audio", "video", "document", "sticker"};
    uint64_t kind = hilo_get_u64(content, HILO_T_CONTENT_KIND);
    struct hilo_str caption = hilo_get_str(content, HILO_T_CONTENT_CAPTION);
    bool captioned = kind == HILO_MEDIA_IMAGE || kind == HILO_MEDIA_VIDEO || kind == HILO_MEDIA_DOCUMENT;
    cJSON *o;

    if (kind < HILO_MEDIA_IMAGE || kind > HILO_MEDIA_STICKER) {
        wa_build_fail(b, HILO_INVALID, "a media is of no kind that WhatsApp has");
        return;
    }
    if (caption.n && !captioned) {
        wa_build_fail(b, HILO_INVALID, "WhatsApp shows no caption on audio and stickers: send it as a text");
        return;
    }
    wa_build_word(b, root, "type", name[kind]);
    o = wa_build_object(b, root, name[kind]);
    wa_build_media(b, o, hilo_get_id(content, HILO_T_CONTENT_MEDIA),
                   hilo_get_str(content, HILO_T_CONTENT_EXT_MEDIA),
                   hilo_get_str(content, HILO_T_CONTENT_URL));
    if (kind == HILO_MEDIA_DOCUMENT)
        wa_build_optional(b, o, "filename", hilo_get_str(content, HILO_T_CONTENT_FILENAME));
    wa_build_optional(b, o, "caption", caption);
}

static void encode_location(struct wa_build *b, cJSON *root, struct hilo_str content)
{
    cJSON *o;

    wa_build_word(b, root, "type", "location");
    o = wa_build_object(b, root, "location");
    wa_build_place(b, o, content, HILO_T_CONTENT_LATITUDE, HILO_T_CONTENT_LONGITUDE);
    wa_build_optional(b, o, "name", hilo_get_str(content, HILO_T_CONTENT_NAME));
    wa_build_optional(b, o, "address", hilo_get_str(content, HILO_T_CONTENT_ADDRESS));
}

/* Meta wants formatted_name and one more part of the name. */
static void encode_contact(struct wa_build *b, cJSON *list, struct hilo_str contact)
{
    struct hilo_str name = hilo_get_str(contact, HILO_T_CONTACT_NAME);
    struct hilo_str first = hilo_get_str(contact, HILO_T_CONTACT_FIRST_NAME);
    struct hilo_str company = hilo_get_str(contact, HILO_T_CONTACT_ORGANIZATION), rest = contact;
    struct hilo_field f;
    cJSON *c, *o, *phones = NULL;

    if (name.n == 0)
        name = first;
    if (name.n == 0) {
        wa_build_fail(b, HILO_INVALID, "a contact has no name");
        return;
    }
    c = wa_build_object(b, list, NULL);
    o = wa_build_object(b, c, "name");
    wa_build_text(b, o, "formatted_name", name);
    wa_build_text(b, o, "first_name", first.n ? first : name);
    if (company.n) {
        o = wa_build_object(b, c, "org");
        wa_build_text(b, o, "company", company);
    }
    while (hilo_next(&rest, &f) == 1) {
        if (f.tag != HILO_T_CONTACT_PHONES)
            continue;
        if (!phones)
            phones = wa_build_array(b, c, "phones");
        o = wa_build_object(b, phones, NULL);
        wa_build_text(b, o, "phone", hilo_get_str(f.val, HILO_T_PHONE_NUMBER));
        wa_build_optional(b, o, "type", hilo_get_str(f.val, HILO_T_PHONE_LABEL));
        wa_build_optional(b, o, "wa_id", hilo_get_str(f.val, HILO_T_PHONE_WHATSAPP));
    }
}

static void encode_contacts(struct wa_build *b, cJSON *root, struct hilo_str content)
{
    struct hilo_field f;
    cJSON *list;

    wa_build_word(b, root, "type", "contacts");
    list = wa_build_array(b, root, "contacts");
    while (hilo_next(&content, &f) == 1)
        if (f.tag == HILO_T_CONTENT_CONTACTS)
            encode_contact(b, list, f.val);
    if (b->code == HILO_OK && cJSON_GetArraySize(list) == 0)
        wa_build_fail(b, HILO_INVALID, "there is no contact in contacts");
}

static void encode_reaction(struct wa_build *b, cJSON *root, struct hilo_str message, struct hilo_str content)
{
    struct hilo_str to = hilo_get_str(message, HILO_T_MSG_REPLY_EXT);
    cJSON *o;

    if (to.n == 0) {
        wa_build_fail(b, HILO_INVALID, "a reaction needs WhatsApp's id of the message");
        return;
    }
    wa_build_word(b, root, "type", "reaction");
    o = wa_build_object(b, root, "reaction");
    wa_build_text(b, o, "message_id", to);
    wa_build_text(b, o, "emoji", hilo_get_str(content, HILO_T_CONTENT_EMOJI));
}

/* ---- a button that opens something ----------------------------------------------------------------- */

/* What comes above and below the buttons of any interactive message. */
static cJSON *encode_interactive(struct wa_build *b, cJSON *root, const char *type, struct hilo_str content)
{
    struct hilo_str s = hilo_get_str(content, HILO_T_CONTENT_HEADER);
    cJSON *i, *o;

    wa_build_word(b, root, "type", "interactive");
    i = wa_build_object(b, root, "interactive");
    wa_build_word(b, i, "type", type);
    if (s.n) {
        o = wa_build_object(b, i, "header");
        wa_build_word(b, o, "type", "text");
        wa_build_text(b, o, "text", s);
    }
    o = wa_build_object(b, i, "body");
    wa_build_text(b, o, "text", hilo_get_str(content, HILO_T_CONTENT_TEXT));
    s = hilo_get_str(content, HILO_T_CONTENT_FOOTER);
    if (s.n) {
        o = wa_build_object(b, i, "footer");
        wa_build_text(b, o, "text", s);
    }
    return wa_build_object(b, i, "action");
}

static void encode_link(struct wa_build *b, cJSON *root, struct hilo_str content)
{
    struct hilo_str url = hilo_get_str(content, HILO_T_CONTENT_URL);
    struct hilo_str label = hilo_get_str(content, HILO_T_CONTENT_BUTTON);
    cJSON *action, *p;

    if (url.n == 0 || label.n == 0 || hilo_get_str(content, HILO_T_CONTENT_TEXT).n == 0) {
        wa_build_fail(b, HILO_INVALID, "a link needs a text, a label and a URL");
        return;
    }
    action = encode_interactive(b, root, "cta_url", content);
    wa_build_word(b, action, "name", "cta_url");
    p = wa_build_object(b, action, "parameters");
    wa_build_text(b, p, "display_text", wa_cut(label, WA_BUTTON_TITLE_MAX));
    wa_build_text(b, p, "url", url);
}

/* A flow. Its token is our id of the message, so that what was filled in names it. */
static void encode_form(struct wa_build *b, cJSON *root, struct hilo_id id, struct hilo_str content)
{
    struct hilo_str name = hilo_get_str(content, HILO_T_CONTENT_NAME);
    struct hilo_str label = hilo_get_str(content, HILO_T_CONTENT_BUTTON);
    struct hilo_str screen = hilo_get_str(content, HILO_T_CONTENT_SCREEN);
    struct hilo_str data = hilo_get_str(content, HILO_T_CONTENT_DATA), object, inside;
    char token[WA_ECHO_TEXT];
    cJSON *action, *p;

    if (name.n == 0 || label.n == 0 || hilo_get_str(content, HILO_T_CONTENT_TEXT).n == 0) {
        wa_build_fail(b, HILO_INVALID, "a form needs a text, a label and its name");
        return;
    }
    if (data.n && (!wa_json_check(data, &object) || wa_json_type(object) != WA_JSON_OBJECT)) {
        wa_build_fail(b, HILO_INVALID, "what a form is filled with must be a JSON object");
        return;
    }
    inside = data.n ? wa_json_inside(object) : data;
    if (inside.n && screen.n == 0) {
        wa_build_fail(b, HILO_INVALID, "a form that is filled with something needs a screen to open at");
        return;
    }
    action = encode_interactive(b, root, "flow", content);
    wa_build_word(b, action, "name", "flow");
    p = wa_build_object(b, action, "parameters");
    wa_build_word(b, p, "flow_message_version", "3");
    wa_echo_write(id, token);
    wa_build_word(b, p, "flow_token", token);
    wa_build_text(b, p, encode_is_flow_id(name) ? "flow_id" : "flow_name", name);
    wa_build_text(b, p, "flow_cta", wa_cut(label, ENCODE_FLOW_LABEL_MAX));
    if (screen.n == 0)
        return;
    wa_build_word(b, p, "flow_action", "navigate");
    p = wa_build_object(b, p, "flow_action_payload");
    wa_build_text(b, p, "screen", screen);
    if (inside.n)
        wa_build_raw(b, p, "data", object);
}

/* ---- choices --------------------------------------------------------------------------------------- */

static void encode_buttons(struct wa_build *b, cJSON *action, struct hilo_str content)
{
    cJSON *list = wa_build_array(b, action, "buttons"), *o;
    struct hilo_field f;

    while (hilo_next(&content, &f) == 1) {
        if (f.tag != HILO_T_CONTENT_CHOICES)
            continue;
        o = wa_build_object(b, list, NULL);
        wa_build_word(b, o, "type", "reply");
        o = wa_build_object(b, o, "reply");
        wa_build_text(b, o, "id", hilo_get_str(f.val, HILO_T_CHOICE_ID));
        wa_build_text(b, o, "title", hilo_get_str(f.val, HILO_T_CHOICE_TITLE));
    }
}

static void encode_choices(struct wa_build *b, cJSON *root, struct hilo_str message, struct hilo_str content)
{
    struct hilo_str question = hilo_get_str(content, HILO_T_CONTENT_TEXT);
    uint64_t n;
    bool buttons = wa_as_buttons(content, &n);
    cJSON *action;

    if (n == 0 || n > WA_LIST_MAX || question.n == 0) {
        wa_build_fail(b, HILO_INVALID,
                      n == 0 || question.n == 0 ? "choices need a question and at least one choice"
                                                : "WhatsApp lists at most ten choices");
        return;
    }
    action = encode_interactive(b, root, buttons ? "button" : "list", content);
    if (buttons)
        encode_buttons(b, action, content);
    else
        wa_list_sections(b, action, "button", message, content);
}

/* ---- the message -------------------------------------------------------------------------------------- */

/* Typing shows until the next message, for 25 seconds at most, and marks as read too. */
static void encode_signal(struct wa_build *b, cJSON *root, struct hilo_str message, uint64_t event)
{
    struct hilo_str id = hilo_get_str(message, HILO_T_MSG_REPLY_EXT);

    if (id.n == 0)
        wa_build_fail(b, HILO_INVALID, "this needs WhatsApp's id of the customer's message");
    wa_build_word(b, root, "status", "read");
    wa_build_text(b, root, "message_id", id);
    if (event == HILO_SYSTEM_TYPING)
        wa_build_word(b, wa_build_object(b, root, "typing_indicator"), "type", "text");
}

static void encode_message(struct wa_build *b, cJSON *root, struct hilo_id id, struct hilo_str message)
{
    struct hilo_str content = hilo_content(message), quoted = hilo_get_str(message, HILO_T_MSG_REPLY_EXT);
    uint32_t type = hilo_content_type(message);
    char to[WA_TO_MAX], echo[WA_ECHO_TEXT];
    bool user_id = false;
    const char *why = NULL;

    if (!wa_encode_to(message, to, &user_id, &why)) {
        wa_build_fail(b, HILO_INVALID, why);
        return;
    }
    wa_build_word(b, root, "recipient_type", "individual");
    wa_build_word(b, root, user_id ? "recipient" : "to", to);
    if (quoted.n && type != HILO_CONTENT_REACTION)
        wa_build_text(b, wa_build_object(b, root, "context"), "message_id", quoted);
    switch (type) {
    case HILO_CONTENT_TEXT:
        encode_text(b, root, content);
        break;
    case HILO_CONTENT_MEDIA:
        encode_media(b, root, content);
        break;
    case HILO_CONTENT_LOCATION:
        encode_location(b, root, content);
        break;
    case HILO_CONTENT_CONTACTS:
        encode_contacts(b, root, content);
        break;
    case HILO_CONTENT_TEMPLATE:
        wa_build_word(b, root, "type", "template");
        wa_meta_template(b, root, message, content);
        break;
    case HILO_CONTENT_CHOICES:
        encode_choices(b, root, message, content);
        break;
    case HILO_CONTENT_REACTION:
        encode_reaction(b, root, message, content);
        break;
    case HILO_CONTENT_LINK:
        encode_link(b, root, content);
        break;
    case HILO_CONTENT_FORM:
        encode_form(b, root, id, content);
        break;
    default:
        wa_build_fail(b, HILO_INVALID, "WhatsApp can't carry this type of content");
    }
    wa_echo_write(id, echo);
    wa_build_word(b, root, "biz_opaque_callback_data", echo);
}

int32_t wa_meta_encode(struct hilo_id id, struct hilo_str message, const struct wa_encode *with,
                       struct wa_encoded *out)
{
    struct wa_build b = {.with = with, .code = HILO_OK};
    struct hilo_str content = hilo_content(message);
    uint64_t event =
        hilo_content_type(message) == HILO_CONTENT_SYSTEM ? hilo_get_u64(content, HILO_T_CONTENT_EVENT) : 0;
    bool signal = event == HILO_SYSTEM_MARK_READ || event == HILO_SYSTEM_TYPING;
    cJSON *root = cJSON_CreateObject();

    if (!root)
        wa_build_fail(&b, HILO_NOMEM, "no memory");
    wa_build_word(&b, root, "messaging_product", "whatsapp");
    if (signal)
        encode_signal(&b, root, message, event);
    else
        encode_message(&b, root, id, message);
    return wa_build_done(&b, root, !signal, out, "%s/%s/%s/messages", with->conf->base_url.p,
                         with->conf->version.p, with->conf->phone_number_id.p);
}
