/*
 * Outbound messages as WhatsApp sees them, whoever is the provider: addresses,
 * choices as buttons or as a list.
 *
 * The core has lowered the message to the plugin's abilities; lengths that those
 * do not name (a list's button, its headings) are cut here.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "encode.h"
#include "build.h"

#include <hilo/message.h>
#include <stdlib.h>

void wa_encoded_done(struct wa_encoded *e)
{
    free(e->url);
    free(e->body);
    e->url = NULL;
    e->body = NULL;
}

/* ---- strings ---------------------------------------------------------------------------- */

static uint64_t encode_chars(struct hilo_str s)
{
    uint64_t i, n = 0;

    for (i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

struct hilo_str wa_cut(struct hilo_str s, uint64_t max)
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

/* ---- choices --------------------------------------------------------------------------------------- */

bool wa_as_buttons(struct hilo_str content, uint64_t *n_out)
{
    struct hilo_str rest = content, v;
    struct hilo_field f;
    uint64_t n = 0;
    bool fit = encode_chars(hilo_get_str(content, HILO_T_CONTENT_TEXT)) <= WA_BUTTON_BODY_MAX &&
               hilo_get_str(content, HILO_T_CONTENT_BUTTON).n == 0;

    while (hilo_next(&rest, &f) == 1) {
        if (f.tag != HILO_T_CONTENT_CHOICES)
            continue;
        n++;
        if (encode_chars(hilo_get_str(f.val, HILO_T_CHOICE_TITLE)) > WA_BUTTON_TITLE_MAX)
            fit = false;
        if ((hilo_find(f.val, HILO_T_CHOICE_DESCRIPTION, &v) && v.n) ||
            (hilo_find(f.val, HILO_T_CHOICE_SECTION, &v) && v.n))
            fit = false;
    }
    *n_out = n;
    return fit && n <= WA_BUTTONS_MAX;
}

struct hilo_str wa_list_button(struct hilo_str message, struct hilo_str content)
{
    struct hilo_str s = hilo_get_str(content, HILO_T_CONTENT_BUTTON);
    struct hilo_str language = hilo_get_str(message, HILO_T_MSG_LANGUAGE);
    const char *word = "Options";

    if (s.n)
        return wa_cut(s, WA_LIST_BUTTON_MAX);
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
void wa_list_sections(struct wa_build *b, cJSON *action, const char *label, struct hilo_str message,
                      struct hilo_str content)
{
    struct hilo_str button = wa_list_button(message, content), heading;
    cJSON *sections, *section = NULL, *rows = NULL, *o;
    struct hilo_field f;
    bool untitled = false;

    wa_build_text(b, action, label, button);
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
            wa_build_optional(b, section, "title", wa_cut(heading, WA_SECTION_TITLE_MAX));
            rows = wa_build_array(b, section, "rows");
        }
        o = wa_build_object(b, rows, NULL);
        wa_build_text(b, o, "id", hilo_get_str(f.val, HILO_T_CHOICE_ID));
        wa_build_text(b, o, "title", hilo_get_str(f.val, HILO_T_CHOICE_TITLE));
        wa_build_optional(b, o, "description", hilo_get_str(f.val, HILO_T_CHOICE_DESCRIPTION));
    }
}
