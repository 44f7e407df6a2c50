/*
 * A template as providers list it, from JSON to the group TEMPLATE: what all of them
 * write alike, since the words are WhatsApp's.
 * Limits: HILO_TEMPLATE_MAX bytes each, 64 different places in a text.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "list.h"

#include <stdlib.h>

enum { LIST_PLACES_MAX = 64, LIST_NAME_MAX = 128 };

void wa_list_text(struct wa_list *l, uint32_t tag, struct hilo_str value)
{
    if (wa_json_type(value) == WA_JSON_STRING && value.n > 2)
        hilo_put_str(&l->w, tag, wa_json_text(value, l->scratch));
}

/* ---- WhatsApp's words ---------------------------------------------------------------------- */

/* A status that Hilo has no word for is one that nothing can be sent in. FLAGGED is a
 * warning; REINSTATED and UNPAUSED are of webhooks only. */
uint64_t wa_list_status(struct hilo_str value)
{
    static const struct wa_word table[] = {
        {"APPROVED", HILO_TEMPLATE_APPROVED},       {"REINSTATED", HILO_TEMPLATE_APPROVED},
        {"UNPAUSED", HILO_TEMPLATE_APPROVED},       {"FLAGGED", HILO_TEMPLATE_APPROVED},
        {"PENDING", HILO_TEMPLATE_PENDING},         {"IN_APPEAL", HILO_TEMPLATE_PENDING},
        {"FIRST_PAUSED", HILO_TEMPLATE_PAUSED},     {"SECOND_PAUSED", HILO_TEMPLATE_PAUSED},
        {"REJECTED", HILO_TEMPLATE_REJECTED},       {"PAUSED", HILO_TEMPLATE_PAUSED},
        {"LIMIT_EXCEEDED", HILO_TEMPLATE_DISABLED}, {NULL, 0}};

    return wa_json_word(value, table, HILO_TEMPLATE_DISABLED);
}

/* A category that Hilo has no word for has the strictest rules. */
uint64_t wa_list_category(struct hilo_str value)
{
    static const struct wa_word table[] = {{"UTILITY", HILO_CATEGORY_TRANSACTIONAL},
                                           {"AUTHENTICATION", HILO_CATEGORY_AUTHENTICATION},
                                           {NULL, 0}};

    return wa_json_word(value, table, HILO_CATEGORY_PROMOTIONAL);
}

/* "NONE" is Meta's word for no reason. */
void wa_list_reason(struct wa_list *l, struct hilo_str value)
{
    if (!wa_json_is(value, "NONE"))
        wa_list_text(l, HILO_T_TEMPLATE_REASON, value);
}

/* ---- places --------------------------------------------------------------------------------- */

struct list_places {
    struct hilo_str name[LIST_PLACES_MAX]; /* in the text */
    unsigned n;
    bool named; /* one is no number */
};

/* The next {{…}}: what is between the braces, without blanks. */
static bool list_place(struct hilo_str *rest, struct hilo_str *name)
{
    const char *end = rest->p + rest->n, *a = rest->p, *b;

    while (a && end - a >= 4) {
        a = memchr(a, '{', (size_t)(end - a));
        if (!a || end - a < 4)
            break;
        if (a[1] != '{') {
            a++;
            continue;
        }
        for (b = a + 2; end - b >= 2 && *b != '{' && *b != '}'; b++)
            ;
        if (end - b < 2 || b[0] != '}' || b[1] != '}') {
            a++;
            continue;
        }
        *name = (struct hilo_str){a + 2, (uint64_t)(b - a - 2)};
        while (name->n && name->p[0] == ' ')
            name->p++, name->n--;
        while (name->n && name->p[name->n - 1] == ' ')
            name->n--;
        *rest = (struct hilo_str){b + 2, (uint64_t)(end - b - 2)};
        if (name->n && name->n <= LIST_NAME_MAX)
            return true;
        a = b + 2;
    }
    return false;
}

/* The different places of a text, in order. False: more than a template has. */
static bool list_places(struct hilo_str text, struct list_places *out)
{
    struct hilo_str name;
    unsigned i;

    out->n = 0;
    while (list_place(&text, &name)) {
        for (i = 0; i < out->n; i++)
            if (out->name[i].n == name.n && memcmp(out->name[i].p, name.p, name.n) == 0)
                break;
        if (i < out->n)
            continue;
        if (out->n == LIST_PLACES_MAX)
            return false;
        out->name[out->n++] = name;
        for (i = 0; i < name.n; i++)
            if (name.p[i] < '0' || name.p[i] > '9')
                out->named = true;
    }
    return true;
}

/* Parameters that go by place are given by their numbers, whatever order they stand in:
 * a text with {{2}} before {{1}} still has 1 and 2. */
static int list_place_order(const void *a, const void *b)
{
    const struct hilo_str *x = a, *y = b;

    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return memcmp(x->p, y->p, x->n);
}

/* A text with its places. False: too many. */
bool wa_list_put_places(struct wa_list *l, uint32_t text_tag, uint32_t params_tag, struct hilo_str value,
                        bool *named)
{
    struct hilo_str text;
    struct list_places places = {.named = false};
    unsigned i;

    if (wa_json_type(value) != WA_JSON_STRING)
        return true;
    text = wa_json_text(value, l->scratch);
    if (!list_places(text, &places))
        return false;
    hilo_put_str(&l->w, text_tag, text);
    if (places.named)
        *named = true;
    else
        qsort(places.name, places.n, sizeof *places.name, list_place_order);
    for (i = 0; i < places.n; i++)
        hilo_put_str(&l->w, params_tag, places.name[i]);
    return true;
}

/* ---- parts ------------------------------------------------------------------------------- */

bool wa_list_header(struct wa_list *l, struct hilo_str c, bool *named)
{
    static const struct wa_word table[] = {
        {"TEXT", HILO_PARAM_TEXT},         {"IMAGE", HILO_PARAM_IMAGE},       {"VIDEO", HILO_PARAM_VIDEO},
        {"DOCUMENT", HILO_PARAM_DOCUMENT}, {"LOCATION", HILO_PARAM_LOCATION}, {NULL, 0}};
    uint64_t kind = wa_json_word(wa_json_get(c, "format"), table, 0);

    if (kind)
        hilo_put_u64(&l->w, HILO_T_TEMPLATE_HEADER, kind);
    return kind != HILO_PARAM_TEXT ||
           wa_list_put_places(l, HILO_T_TEMPLATE_HEADER_TEXT, HILO_T_TEMPLATE_HEADER_PARAMS,
                              wa_json_get(c, "text"), named);
}

void wa_list_put_button(struct wa_list *l, struct hilo_str button)
{
    /* a one-time password's code is sent as the end of a URL */
    static const struct wa_word table[] = {{"QUICK_REPLY", HILO_BUTTON_QUICK_REPLY},
                                           {"URL", HILO_BUTTON_URL},
                                           {"COPY_CODE", HILO_BUTTON_COPY_CODE},
                                           {"FLOW", HILO_BUTTON_FLOW},
                                           {"PHONE_NUMBER", HILO_BUTTON_PHONE},
                                           {"OTP", HILO_BUTTON_URL},
                                           {NULL, 0}};
    struct hilo_str kind = wa_json_get(button, "type"), url = wa_json_get(button, "url"), text, name;
    uint64_t type = wa_json_word(kind, table, HILO_BUTTON_OTHER);
    bool needs = type == HILO_BUTTON_COPY_CODE || wa_json_is(kind, "OTP");

    hilo_open(&l->w, HILO_T_TEMPLATE_BUTTONS);
    hilo_put_u64(&l->w, HILO_T_TBUTTON_TYPE, type);
    wa_list_text(l, HILO_T_TBUTTON_TEXT, wa_json_get(button, "text"));
    if (type == HILO_BUTTON_URL && wa_json_type(url) == WA_JSON_STRING) {
        text = wa_json_text(url, l->scratch);
        hilo_put_str(&l->w, HILO_T_TBUTTON_URL, text);
        needs = needs || list_place(&text, &name);
    }
    if (needs)
        hilo_put_u64(&l->w, HILO_T_TBUTTON_NEEDS, 1);
    hilo_close(&l->w);
}

void wa_list_give(struct wa_list *l, struct hilo_str name, struct hilo_str language, const char *why,
                  const struct wa_template_sink *sink)
{
    if (wa_json_type(name) != WA_JSON_STRING || name.n <= 2 || wa_json_type(language) != WA_JSON_STRING ||
        language.n <= 2)
        why = "it has no name or no language";
    else if (l->w.failed)
        why = "it is larger than a template can be";
    sink->put(sink->arg, why ? (struct hilo_str){NULL, 0} : hilo_written(&l->w),
              wa_json_text(name, l->scratch), why);
}
