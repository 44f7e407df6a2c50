/*
 * The requests to Infobip: one endpoint for each kind of content.
 *
 * A phone and a user id both go into "to". Every message goes under our own id,
 * as messageId and as callbackData: reports name it, and Infobip refuses a second
 * message with it, so what is in doubt is found again and never sent twice.
 *
 * Media go as links only. The core has lowered the message to what wa_infobip can
 * carry; lengths that abilities do not name are cut here.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "echo.h"
#include "infobip.h"

enum { IB_URL_MAX = 2048, IB_FILENAME_MAX = 240, IB_PLACE_MAX = 1000 };

void wa_ib_build_link(struct wa_build *b, cJSON *in, struct hilo_str group, uint32_t media, uint32_t url)
{
    struct hilo_str link = hilo_get_str(group, url), stored;

    if (link.n == 0)
        wa_build_fail(
            b, HILO_INVALID,
            hilo_find(group, media, &stored)
                ? "Infobip takes media by link only: set http.public_url, so that stored media have one"
                : "a media has neither a file nor a URL");
    else if (link.n > IB_URL_MAX)
        wa_build_fail(b, HILO_INVALID, "the URL of a media has more than 2048 characters");
    wa_build_text(b, in, "mediaUrl", link);
}

/* ---- contents ------------------------------------------------------------------------------- */

static const char *ib_encode_text(struct wa_build *b, cJSON *to, struct hilo_str content)
{
    struct hilo_str text = hilo_get_str(content, HILO_T_CONTENT_TEXT), preview;
    bool show = hilo_find(content, HILO_T_CONTENT_PREVIEW_URL, &preview) ? hilo_u64(preview) != 0
                                                                         : b->with->conf->preview_url != 0;

    if (text.n == 0)
        wa_build_fail(b, HILO_INVALID, "the text is empty");
    wa_build_text(b, to, "text", text);
    /* refused by Infobip for a text without a URL */
    if (show && text.n && (memmem(text.p, text.n, "https://", 8) || memmem(text.p, text.n, "http://", 7)))
        wa_build_bool(b, to, "previewUrl", true);
    return "text";
}

static const char *ib_encode_media(struct wa_build *b, cJSON *to, struct hilo_str content)
{
    static const char *const name[] = {NULL, "image", "audio", "audio", "video", "document", "sticker"};
    uint64_t kind = hilo_get_u64(content, HILO_T_CONTENT_KIND);
    struct hilo_str caption = hilo_get_str(content, HILO_T_CONTENT_CAPTION);

    if (kind < HILO_MEDIA_IMAGE || kind > HILO_MEDIA_STICKER) {
        wa_build_fail(b, HILO_INVALID, "a media is of no kind that WhatsApp has");
        return "";
    }
    if (caption.n && strcmp(name[kind], "image") && strcmp(name[kind], "video") &&
        strcmp(name[kind], "document"))
        wa_build_fail(b, HILO_INVALID, "WhatsApp shows no caption on audio and stickers: send it as a text");
    wa_ib_build_link(b, to, content, HILO_T_CONTENT_MEDIA, HILO_T_CONTENT_URL);
    wa_build_optional(b, to, "caption", caption);
    if (kind == HILO_MEDIA_DOCUMENT)
        wa_build_optional(b, to, "filename",
                          wa_cut(hilo_get_str(content, HILO_T_CONTENT_FILENAME), IB_FILENAME_MAX));
    return name[kind];
}

static const char *ib_encode_location(struct wa_build *b, cJSON *to, struct hilo_str content)
{
    wa_build_coordinates(b, to, content, HILO_T_CONTENT_LATITUDE, HILO_T_CONTENT_LONGITUDE);
    wa_build_optional(b, to, "name", wa_cut(hilo_get_str(content, HILO_T_CONTENT_NAME), IB_PLACE_MAX));
    wa_build_optional(b, to, "address", wa_cut(hilo_get_str(content, HILO_T_CONTENT_ADDRESS), IB_PLACE_MAX));
    return "location";
}

/* Infobip knows five labels; another is left out. */
static const char *ib_encode_label(struct hilo_str label)
{
    static const struct {
        const char *ours, *theirs;
    } table[] = {{"CELL", "CELL"}, {"MOBILE", "CELL"}, {"MAIN", "MAIN"},
                 {"HOME", "HOME"}, {"WORK", "WORK"},   {"IPHONE", "IPHONE"}};
    size_t i;

    for (i = 0; i < sizeof table / sizeof *table; i++)
        if (label.n == strlen(table[i].ours) && strncasecmp(label.p, table[i].ours, label.n) == 0)
            return table[i].theirs;
    return NULL;
}

static void ib_encode_contact(struct wa_build *b, cJSON *list, struct hilo_str contact)
{
    struct hilo_str name = hilo_get_str(contact, HILO_T_CONTACT_NAME), rest = contact;
    struct hilo_str first = hilo_get_str(contact, HILO_T_CONTACT_FIRST_NAME);
    struct hilo_str company = hilo_get_str(contact, HILO_T_CONTACT_ORGANIZATION);
    const char *label;
    cJSON *c = wa_build_object(b, list, NULL), *o, *phones = NULL;
    struct hilo_field f;

    if (name.n == 0)
        name = first;
    if (name.n == 0)
        wa_build_fail(b, HILO_INVALID, "a contact has no name");
    o = wa_build_object(b, c, "name");
    wa_build_text(b, o, "firstName", first.n ? first : name);
    wa_build_text(b, o, "formattedName", name);
    if (company.n)
        wa_build_text(b, wa_build_object(b, c, "org"), "company", company);
    while (hilo_next(&rest, &f) == 1) {
        if (f.tag != HILO_T_CONTACT_PHONES)
            continue;
        if (!phones)
            phones = wa_build_array(b, c, "phones");
        o = wa_build_object(b, phones, NULL);
        wa_build_optional(b, o, "phone", hilo_get_str(f.val, HILO_T_PHONE_NUMBER));
        label = ib_encode_label(hilo_get_str(f.val, HILO_T_PHONE_LABEL));
        if (label)
            wa_build_word(b, o, "type", label);
        wa_build_optional(b, o, "waId", hilo_get_str(f.val, HILO_T_PHONE_WHATSAPP));
    }
}

static const char *ib_encode_contacts(struct wa_build *b, cJSON *to, struct hilo_str content)
{
    cJSON *list = wa_build_array(b, to, "contacts");
    struct hilo_field f;

    while (hilo_next(&content, &f) == 1)
        if (f.tag == HILO_T_CONTENT_CONTACTS)
            ib_encode_contact(b, list, f.val);
    if (b->code == HILO_OK && cJSON_GetArraySize(list) == 0)
        wa_build_fail(b, HILO_INVALID, "there is no contact in contacts");
    return "contact";
}

/* ---- what has a body and something to tap ------------------------------------------------------ */

/* header, body and footer; gives the action. */
static cJSON *ib_encode_frame(struct wa_build *b, cJSON *to, struct hilo_str content)
{
    struct hilo_str header = hilo_get_str(content, HILO_T_CONTENT_HEADER);
    struct hilo_str footer = hilo_get_str(content, HILO_T_CONTENT_FOOTER);
    cJSON *o;

    wa_build_text(b, wa_build_object(b, to, "body"), "text", hilo_get_str(content, HILO_T_CONTENT_TEXT));
    if (header.n) {
        o = wa_build_object(b, to, "header");
        wa_build_word(b, o, "type", "TEXT");
        wa_build_text(b, o, "text", header);
    }
    if (footer.n)
        wa_build_text(b, wa_build_object(b, to, "footer"), "text", footer);
    return wa_build_object(b, to, "action");
}

static void ib_encode_buttons(struct wa_build *b, cJSON *action, struct hilo_str content)
{
    cJSON *list = wa_build_array(b, action, "buttons"), *o;
    struct hilo_field f;

    while (hilo_next(&content, &f) == 1) {
        if (f.tag != HILO_T_CONTENT_CHOICES)
            continue;
        o = wa_build_object(b, list, NULL);
        wa_build_word(b, o, "type", "REPLY");
        wa_build_text(b, o, "id", hilo_get_str(f.val, HILO_T_CHOICE_ID));
        wa_build_text(b, o, "title", hilo_get_str(f.val, HILO_T_CHOICE_TITLE));
    }
}

static const char *ib_encode_choices(struct wa_build *b, cJSON *to, struct hilo_str message,
                                     struct hilo_str content)
{
    uint64_t n;
    bool buttons = wa_as_buttons(content, &n);
    cJSON *action;

    if (n == 0 || n > WA_LIST_MAX || hilo_get_str(content, HILO_T_CONTENT_TEXT).n == 0) {
        wa_build_fail(b, HILO_INVALID,
                      n > WA_LIST_MAX ? "WhatsApp lists at most ten choices"
                                      : "choices need a question and at least one choice");
        return "";
    }
    action = ib_encode_frame(b, to, content);
    if (buttons)
        ib_encode_buttons(b, action, content);
    else
        wa_list_sections(b, action, "title", message, content);
    return buttons ? "interactive/buttons" : "interactive/list";
}

static const char *ib_encode_link(struct wa_build *b, cJSON *to, struct hilo_str content)
{
    struct hilo_str url = hilo_get_str(content, HILO_T_CONTENT_URL);
    struct hilo_str button = hilo_get_str(content, HILO_T_CONTENT_BUTTON);
    cJSON *action = ib_encode_frame(b, to, content);

    if (url.n == 0 || url.n > IB_URL_MAX || button.n == 0)
        wa_build_fail(b, HILO_INVALID,
                      "a link needs the words on its button and a URL of at most 2048 characters");
    wa_build_text(b, action, "displayText", wa_cut(button, WA_BUTTON_TITLE_MAX));
    wa_build_text(b, action, "url", url);
    return "interactive/url-button";
}

/* Infobip wants the flow's id, and a token, by which the answer could be told: our
 * own id of the message. */
static const char *ib_encode_form(struct wa_build *b, cJSON *to, struct hilo_str content, const char *echo)
{
    struct hilo_str id = hilo_get_str(content, HILO_T_CONTENT_NAME);
    struct hilo_str button = hilo_get_str(content, HILO_T_CONTENT_BUTTON);
    struct hilo_str screen = hilo_get_str(content, HILO_T_CONTENT_SCREEN);
    struct hilo_str data = hilo_get_str(content, HILO_T_CONTENT_DATA), root;
    cJSON *action = ib_encode_frame(b, to, content), *payload;

    if (id.n == 0 || button.n == 0)
        wa_build_fail(b, HILO_INVALID, "a form needs the flow's id as its name, and the words on its button");
    if (data.n && (screen.n == 0 || !wa_json_check(data, &root) || wa_json_type(root) != WA_JSON_OBJECT))
        wa_build_fail(b, HILO_INVALID,
                      "the data of a form must be one JSON object, for a screen that is named");
    wa_build_word(b, action, "mode", "PUBLISHED");
    wa_build_u64(b, action, "flowMessageVersion", 3);
    wa_build_word(b, action, "flowToken", echo);
    wa_build_text(b, action, "flowId", id);
    wa_build_text(b, action, "callToActionButton", wa_cut(button, WA_BUTTON_TITLE_MAX));
    wa_build_word(b, action, "flowAction", screen.n ? "NAVIGATE" : "DATA_EXCHANGE");
    if (screen.n) {
        payload = wa_build_object(b, action, "flowActionPayload");
        wa_build_text(b, payload, "screen", screen);
        if (data.n)
            wa_build_raw(b, payload, "data", root);
    }
    return "interactive/flow";
}

/* ---- the request ------------------------------------------------------------------------------- */

/* Writes the content; gives the endpoint of its kind. */
static const char *ib_encode_content(struct wa_build *b, cJSON *to, struct hilo_str message, const char *echo)
{
    struct hilo_str content = hilo_content(message);

    switch (hilo_content_type(message)) {
    case HILO_CONTENT_TEXT:
        return ib_encode_text(b, to, content);
    case HILO_CONTENT_MEDIA:
        return ib_encode_media(b, to, content);
    case HILO_CONTENT_LOCATION:
        return ib_encode_location(b, to, content);
    case HILO_CONTENT_CONTACTS:
        return ib_encode_contacts(b, to, content);
    case HILO_CONTENT_CHOICES:
        return ib_encode_choices(b, to, message, content);
    case HILO_CONTENT_LINK:
        return ib_encode_link(b, to, content);
    case HILO_CONTENT_FORM:
        return ib_encode_form(b, to, content, echo);
    case HILO_CONTENT_TEMPLATE:
        wa_ib_build_template(b, to, message, content);
        return "template";
    case HILO_CONTENT_REACTION:
        wa_build_fail(b, HILO_INVALID, "Infobip's API has no reactions: answer with a text");
        return "";
    default:
        wa_build_fail(b, HILO_INVALID, "WhatsApp can't carry this type of content");
        return "";
    }
}

static int32_t ib_encode_message(struct wa_build *b, struct hilo_id id, struct hilo_str message,
                                 struct wa_encoded *out)
{
    const struct wa_conf *conf = b->with->conf;
    struct hilo_str quoted = hilo_get_str(message, HILO_T_MSG_REPLY_EXT);
    bool template = hilo_content_type(message) == HILO_CONTENT_TEMPLATE, user_id = false;
    cJSON *root = cJSON_CreateObject(), *m = root;
    const char *why = NULL, *kind;
    char to[WA_TO_MAX], echo[WA_ECHO_TEXT];

    if (!root)
        wa_build_fail(b, HILO_NOMEM, "no memory");
    wa_echo_write(id, echo);
    if (!wa_encode_to(message, to, &user_id, &why))
        wa_build_fail(b, HILO_INVALID, why);
    if (template)
        m = wa_build_object(b, wa_build_array(b, root, "messages"), NULL);
    wa_build_text(b, m, "from", conf->sender);
    if (b->code == HILO_OK)
        wa_build_word(b, m, "to", to);
    wa_build_word(b, m, "messageId", echo);
    kind = ib_encode_content(b, wa_build_object(b, m, "content"), message, echo);
    wa_build_word(b, m, "callbackData", echo);
    wa_build_optional(b, m, "notifyUrl", conf->notify_url);
    if (quoted.n && !template) /* a template shows no quote */
        wa_build_text(b, wa_build_object(b, m, "context"), "replyToMessageId", quoted);
    return wa_build_done(b, root, true, out, "%s/whatsapp/1/message/%s", conf->base_url.p, kind);
}

/* Marks as read: the path says all. */
static int32_t ib_encode_read(struct wa_build *b, struct hilo_str message, struct wa_encoded *out)
{
    const struct wa_conf *conf = b->with->conf;
    char id[1024];
    int32_t rc;

    if (!wa_url_escape(hilo_get_str(message, HILO_T_MSG_REPLY_EXT), id, sizeof id))
        wa_build_fail(b, HILO_INVALID, "a mark as read needs WhatsApp's id of the message");
    rc = wa_build_done(b, cJSON_CreateObject(), false, out, "%s/whatsapp/1/senders/%s/message/%s/read",
                       conf->base_url.p, conf->sender.p, id);
    if (rc == HILO_OK)
        out->body[0] = 0;
    return rc;
}

static int32_t ib_encode_typing(struct wa_build *b, struct hilo_str message, struct wa_encoded *out)
{
    const struct wa_conf *conf = b->with->conf;
    cJSON *root = cJSON_CreateObject(), *e;
    const char *why = NULL;
    char to[WA_TO_MAX];
    bool user_id;

    if (!root)
        wa_build_fail(b, HILO_NOMEM, "no memory");
    if (!wa_encode_to(message, to, &user_id, &why))
        wa_build_fail(b, HILO_INVALID, why);
    e = wa_build_object(b, wa_build_array(b, root, "events"), NULL);
    wa_build_text(b, e, "sender", conf->sender);
    if (b->code == HILO_OK)
        wa_build_word(b, wa_build_object(b, wa_build_array(b, e, "destinations"), NULL), "to", to);
    wa_build_word(b, wa_build_object(b, e, "content"), "type", "TYPING_INDICATOR");
    return wa_build_done(b, root, false, out, "%s/whatsapp/1/events", conf->base_url.p);
}

int32_t wa_ib_encode(struct hilo_id id, struct hilo_str message, const struct wa_encode *with,
                     struct wa_encoded *out)
{
    struct wa_build b = {.with = with, .code = HILO_OK};

    if (hilo_content_type(message) == HILO_CONTENT_SYSTEM) {
        switch (hilo_get_u64(hilo_content(message), HILO_T_CONTENT_EVENT)) {
        case HILO_SYSTEM_MARK_READ:
            return ib_encode_read(&b, message, out);
        case HILO_SYSTEM_TYPING:
            return ib_encode_typing(&b, message, out);
        default:
            break;
        }
    }
    return ib_encode_message(&b, id, message, out);
}
