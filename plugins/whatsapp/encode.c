/*
 * The body of POST /{version}/{phone-number-id}/messages.
 *
 * A phone goes into "to", digits only; a user id goes into "recipient" and never
 * into "to", where Meta would answer 200 and drop the message without a word.
 * Every message carries our id in biz_opaque_callback_data: Meta has no
 * idempotency key, so that is how a message in doubt is found again.
 *
 * The core has lowered the message to the plugin's abilities; lengths that those
 * do not name (a list's button, its headings) are cut here.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "build.h"
#include "echo.h"

#include <stdlib.h>

enum {
    ENCODE_BUTTONS_MAX = 3,
    ENCODE_BUTTON_TITLE_MAX = 20,
    ENCODE_BUTTON_BODY_MAX = 1024,
    ENCODE_LIST_MAX = 10,
    ENCODE_LIST_BUTTON_MAX = 20,
    ENCODE_SECTION_TITLE_MAX = 24
};

/* ---- strings ---------------------------------------------------------------------------- */

static uint64_t encode_chars(struct hilo_str s)
{
    uint64_t i, n = 0;

    for (i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* At most max characters of it. */
static struct hilo_str encode_cut(struct hilo_str s, uint64_t max)
{
    uint64_t i, n = 0;

    for (i = 0; i < s.n; i++) {
        if (((unsigned char)s.p[i] & 0xc0) != 0x80 && n++ == max)
            break;
    }
    s.n = i;
    return s;
}

static bool encode_digits(struct hilo_str s)
{
    uint64_t i;

    for (i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n >= 5 && s.n <= 20;
}

/* ---- whom ----------------------------------------------------------------------------------- */

const char *wa_encode_to(struct hilo_str message, char *buf, bool *user_id, const char **why)
{
    struct hilo_str party, value, native;
    uint64_t scheme;

    if (!hilo_find(message, HILO_T_MSG_PARTY, &party)) {
        *why = "the message has no address";
        return NULL;
    }
    scheme = hilo_get_u64(party, HILO_T_IDENT_SCHEME);
    value = hilo_get_str(party, HILO_T_IDENT_VALUE);
    native = hilo_get_str(party, HILO_T_IDENT_NATIVE);
    if (scheme == HILO_SCHEME_PHONE) {
        if (value.n && value.p[0] == '+') {
            value.p++;
            value.n--;
        }
        if (encode_digits(native))
            value = native;
        if (!encode_digits(value)) {
            *why = "the phone is not a number in E.164";
            return NULL;
        }
        *user_id = false;
    } else if (scheme == HILO_SCHEME_WHATSAPP) {
        if (value.n == 0 || value.n >= WA_TO_MAX || memchr(value.p, 0, value.n)) {
            *why = "the WhatsApp user id is empty or too long";
            return NULL;
        }
        *user_id = !encode_digits(value); /* a number too short for E.164 */
    } else {
        *why = "the address is neither a phone nor a WhatsApp user id";
        return NULL;
    }
    memcpy(buf, value.p, value.n);
    buf[value.n] = 0;
    return buf;
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
                                                                           : b->with->preview_url);
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

/* ---- choices --------------------------------------------------------------------------------------- */

/* Whether choices fit under the message as buttons, which show at once; else they
 * are a list, behind a button that opens it. With a label for that button a list is
 * what was asked for. */
static bool encode_as_buttons(struct hilo_str content, uint64_t *n_out)
{
    struct hilo_str rest = content, v;
    struct hilo_field f;
    uint64_t n = 0;
    bool fit = encode_chars(hilo_get_str(content, HILO_T_CONTENT_TEXT)) <= ENCODE_BUTTON_BODY_MAX &&
               hilo_get_str(content, HILO_T_CONTENT_BUTTON).n == 0;

    while (hilo_next(&rest, &f) == 1) {
        if (f.tag != HILO_T_CONTENT_CHOICES)
            continue;
        n++;
        if (encode_chars(hilo_get_str(f.val, HILO_T_CHOICE_TITLE)) > ENCODE_BUTTON_TITLE_MAX)
            fit = false;
        if ((hilo_find(f.val, HILO_T_CHOICE_DESCRIPTION, &v) && v.n) ||
            (hilo_find(f.val, HILO_T_CHOICE_SECTION, &v) && v.n))
            fit = false;
    }
    *n_out = n;
    return fit && n <= ENCODE_BUTTONS_MAX;
}

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

/* The label of the button that opens a list, in the language of the message. */
static struct hilo_str encode_list_button(struct hilo_str message, struct hilo_str content)
{
    struct hilo_str s = hilo_get_str(content, HILO_T_CONTENT_BUTTON);
    struct hilo_str language = hilo_get_str(message, HILO_T_MSG_LANGUAGE);
    const char *word = "Options";

    if (s.n)
        return encode_cut(s, ENCODE_LIST_BUTTON_MAX);
    if (language.n == 0)
        language = hilo_get_str(content, HILO_T_CONTENT_LANGUAGE);
    if (language.n >= 2 && memcmp(language.p, "es", 2) == 0)
        word = "Opciones";
    else if (language.n >= 2 && memcmp(language.p, "pt", 2) == 0)
        word = "Opções";
    s.p = word;
    s.n = strlen(word);
    return s;
}

/* A heading starts a section. With more than one, each must have a title: choices
 * before the first heading get the label of the list's button. */
static void encode_list(struct wa_build *b, cJSON *action, struct hilo_str message, struct hilo_str content)
{
    struct hilo_str button = encode_list_button(message, content), heading;
    cJSON *sections, *section = NULL, *rows = NULL, *o;
    struct hilo_field f;
    bool untitled = false;

    wa_build_text(b, action, "button", button);
    sections = wa_build_array(b, action, "sections");
    while (hilo_next(&content, &f) == 1) {
        if (f.tag != HILO_T_CONTENT_CHOICES)
            continue;
        heading = hilo_get_str(f.val, HILO_T_CHOICE_SECTION);
        if (!rows || heading.n) {
            if (untitled)
                wa_build_text(b, section, "title", button);
            untitled = heading.n == 0;
            section = wa_build_object(b, sections, NULL);
            wa_build_optional(b, section, "title", encode_cut(heading, ENCODE_SECTION_TITLE_MAX));
            rows = wa_build_array(b, section, "rows");
        }
        o = wa_build_object(b, rows, NULL);
        wa_build_text(b, o, "id", hilo_get_str(f.val, HILO_T_CHOICE_ID));
        wa_build_text(b, o, "title", hilo_get_str(f.val, HILO_T_CHOICE_TITLE));
        wa_build_optional(b, o, "description", hilo_get_str(f.val, HILO_T_CHOICE_DESCRIPTION));
    }
}

static void encode_choices(struct wa_build *b, cJSON *root, struct hilo_str message, struct hilo_str content)
{
    struct hilo_str question = hilo_get_str(content, HILO_T_CONTENT_TEXT), s;
    uint64_t n;
    bool buttons = encode_as_buttons(content, &n);
    cJSON *i, *o;

    if (n == 0 || n > ENCODE_LIST_MAX || question.n == 0) {
        wa_build_fail(b, HILO_INVALID,
                      n == 0 || question.n == 0 ? "choices need a question and at least one choice"
                                                : "WhatsApp lists at most ten choices");
        return;
    }
    wa_build_word(b, root, "type", "interactive");
    i = wa_build_object(b, root, "interactive");
    wa_build_word(b, i, "type", buttons ? "button" : "list");
    s = hilo_get_str(content, HILO_T_CONTENT_HEADER);
    if (s.n) {
        o = wa_build_object(b, i, "header");
        wa_build_word(b, o, "type", "text");
        wa_build_text(b, o, "text", s);
    }
    o = wa_build_object(b, i, "body");
    wa_build_text(b, o, "text", question);
    s = hilo_get_str(content, HILO_T_CONTENT_FOOTER);
    if (s.n) {
        o = wa_build_object(b, i, "footer");
        wa_build_text(b, o, "text", s);
    }
    o = wa_build_object(b, i, "action");
    if (buttons)
        encode_buttons(b, o, content);
    else
        encode_list(b, o, message, content);
}

/* ---- the message -------------------------------------------------------------------------------------- */

static void encode_mark_read(struct wa_build *b, cJSON *root, struct hilo_str message)
{
    struct hilo_str id = hilo_get_str(message, HILO_T_MSG_REPLY_EXT);

    if (id.n == 0)
        wa_build_fail(b, HILO_INVALID, "a mark as read needs WhatsApp's id of the message");
    wa_build_word(b, root, "status", "read");
    wa_build_text(b, root, "message_id", id);
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
        wa_build_template(b, root, message, content);
        break;
    case HILO_CONTENT_CHOICES:
        encode_choices(b, root, message, content);
        break;
    case HILO_CONTENT_REACTION:
        encode_reaction(b, root, message, content);
        break;
    default:
        wa_build_fail(b, HILO_INVALID, "WhatsApp can't carry this type of content");
    }
    wa_echo_write(id, echo);
    wa_build_word(b, root, "biz_opaque_callback_data", echo);
}

int32_t wa_encode(struct hilo_id id, struct hilo_str message, const struct wa_encode *with,
                  struct wa_encoded *out)
{
    struct wa_build b = {.with = with, .code = HILO_OK};
    struct hilo_str content = hilo_content(message);
    bool mark_read = hilo_content_type(message) == HILO_CONTENT_SYSTEM &&
                     hilo_get_u64(content, HILO_T_CONTENT_EVENT) == HILO_SYSTEM_MARK_READ;
    cJSON *root = cJSON_CreateObject();
    char *body = NULL;

    if (!root)
        wa_build_fail(&b, HILO_NOMEM, "no memory");
    wa_build_word(&b, root, "messaging_product", "whatsapp");
    if (mark_read)
        encode_mark_read(&b, root, message);
    else
        encode_message(&b, root, id, message);
    if (b.code == HILO_OK && !(body = cJSON_PrintUnformatted(root)))
        wa_build_fail(&b, HILO_NOMEM, "no memory");
    cJSON_Delete(root);
    memset(out, 0, sizeof *out);
    out->body = body;
    out->echoed = !mark_read;
    out->need = b.need;
    out->why = b.why;
    return b.code;
}
