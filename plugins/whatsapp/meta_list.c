/*
 * Templates as the Cloud API lists them, and as webhooks tell what became of one:
 * from JSON to the group TEMPLATE.
 *
 * What Meta's page of a list has and Hilo does not know (a carousel's cards, a button
 * of a kind that came later) leaves a template that can be listed; whether it can be
 * sent as it is, Meta says.
 * Limits: HILO_TEMPLATE_MAX bytes each, 64 different places in a text.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "meta.h"

#include "json.h"

#include <stdlib.h>

enum { LIST_PLACES_MAX = 64, LIST_NAME_MAX = 128 };

struct list {
    struct hilo_writer w;
    char *scratch; /* room for the text of any string of the body */
};

static const struct hilo_str list_none = {NULL, 0};

static void list_text(struct list *l, uint32_t tag, struct hilo_str value)
{
    if (wa_json_type(value) == WA_JSON_STRING && value.n > 2)
        hilo_put_str(&l->w, tag, wa_json_text(value, l->scratch));
}

/* ---- words of Meta's ---------------------------------------------------------------------- */

/* A status that Hilo has no word for is one that nothing can be sent in. FLAGGED is a
 * warning; REINSTATED and UNPAUSED are of webhooks only. */
static uint64_t list_status(struct hilo_str value)
{
    static const struct wa_word table[] = {
        {"APPROVED", HILO_TEMPLATE_APPROVED},       {"REINSTATED", HILO_TEMPLATE_APPROVED},
        {"UNPAUSED", HILO_TEMPLATE_APPROVED},       {"FLAGGED", HILO_TEMPLATE_APPROVED},
        {"PENDING", HILO_TEMPLATE_PENDING},         {"IN_APPEAL", HILO_TEMPLATE_PENDING},
        {"REJECTED", HILO_TEMPLATE_REJECTED},       {"PAUSED", HILO_TEMPLATE_PAUSED},
        {"LIMIT_EXCEEDED", HILO_TEMPLATE_DISABLED}, {NULL, 0}};

    return wa_json_word(value, table, HILO_TEMPLATE_DISABLED);
}

/* A category that Hilo has no word for has the strictest rules. */
static uint64_t list_category(struct hilo_str value)
{
    static const struct wa_word table[] = {{"UTILITY", HILO_CATEGORY_TRANSACTIONAL},
                                           {"AUTHENTICATION", HILO_CATEGORY_AUTHENTICATION},
                                           {NULL, 0}};

    return wa_json_word(value, table, HILO_CATEGORY_PROMOTIONAL);
}

/* "NONE" is Meta's word for no reason. */
static void list_reason(struct list *l, struct hilo_str value)
{
    if (!wa_json_is(value, "NONE"))
        list_text(l, HILO_T_TEMPLATE_REASON, value);
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
static bool list_put_places(struct list *l, uint32_t text_tag, uint32_t params_tag, struct hilo_str value,
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

/* ---- components ------------------------------------------------------------------------------- */

static bool list_header(struct list *l, struct hilo_str c, bool *named)
{
    static const struct wa_word table[] = {
        {"TEXT", HILO_PARAM_TEXT},         {"IMAGE", HILO_PARAM_IMAGE},       {"VIDEO", HILO_PARAM_VIDEO},
        {"DOCUMENT", HILO_PARAM_DOCUMENT}, {"LOCATION", HILO_PARAM_LOCATION}, {NULL, 0}};
    uint64_t kind = wa_json_word(wa_json_get(c, "format"), table, 0);

    if (kind)
        hilo_put_u64(&l->w, HILO_T_TEMPLATE_HEADER, kind);
    return kind != HILO_PARAM_TEXT ||
           list_put_places(l, HILO_T_TEMPLATE_HEADER_TEXT, HILO_T_TEMPLATE_HEADER_PARAMS,
                           wa_json_get(c, "text"), named);
}

static void list_button(struct list *l, struct hilo_str button)
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
    list_text(l, HILO_T_TBUTTON_TEXT, wa_json_get(button, "text"));
    if (type == HILO_BUTTON_URL && wa_json_type(url) == WA_JSON_STRING) {
        text = wa_json_text(url, l->scratch);
        hilo_put_str(&l->w, HILO_T_TBUTTON_URL, text);
        needs = needs || list_place(&text, &name);
    }
    if (needs)
        hilo_put_u64(&l->w, HILO_T_TBUTTON_NEEDS, 1);
    hilo_close(&l->w);
}

static const char *list_components(struct list *l, struct hilo_str components, bool *named)
{
    struct hilo_str rest = list_none, c, buttons, button;
    bool ok = true;

    if (wa_json_type(components) == WA_JSON_ARRAY)
        rest = wa_json_inside(components);
    while (ok && wa_json_item(&rest, &c)) {
        struct hilo_str type = wa_json_get(c, "type");
        if (wa_json_is(type, "HEADER")) {
            ok = list_header(l, c, named);
        } else if (wa_json_is(type, "BODY")) {
            ok = list_put_places(l, HILO_T_TEMPLATE_TEXT, HILO_T_TEMPLATE_BODY_PARAMS, wa_json_get(c, "text"),
                                 named);
        } else if (wa_json_is(type, "FOOTER")) {
            list_text(l, HILO_T_TEMPLATE_FOOTER, wa_json_get(c, "text"));
        } else if (wa_json_is(type, "BUTTONS")) {
            buttons = wa_json_get(c, "buttons");
            buttons = wa_json_type(buttons) == WA_JSON_ARRAY ? wa_json_inside(buttons) : list_none;
            while (wa_json_item(&buttons, &button))
                list_button(l, button);
        }
    }
    return ok ? NULL : "it has more parameters than a template can have";
}

/* ---- a page of the list ------------------------------------------------------------------------- */

static void list_template(struct list *l, uint8_t *buf, struct hilo_str t,
                          const struct wa_template_sink *sink)
{
    struct hilo_str name = wa_json_get(t, "name"), language = wa_json_get(t, "language");
    struct hilo_str quality = wa_json_get(t, "quality_score");
    bool named = wa_json_is(wa_json_get(t, "parameter_format"), "NAMED");
    const char *why;

    hilo_writer_init(&l->w, buf, HILO_TEMPLATE_MAX);
    list_text(l, HILO_T_TEMPLATE_NAME, name);
    list_text(l, HILO_T_TEMPLATE_LANGUAGE, language);
    hilo_put_u64(&l->w, HILO_T_TEMPLATE_STATUS, list_status(wa_json_get(t, "status")));
    hilo_put_u64(&l->w, HILO_T_TEMPLATE_CATEGORY, list_category(wa_json_get(t, "category")));
    why = list_components(l, wa_json_get(t, "components"), &named);
    if (named)
        hilo_put_u64(&l->w, HILO_T_TEMPLATE_NAMED, 1);
    list_text(l, HILO_T_TEMPLATE_QUALITY,
              wa_json_type(quality) == WA_JSON_OBJECT ? wa_json_get(quality, "score") : quality);
    list_reason(l, wa_json_get(t, "rejected_reason"));
    list_text(l, HILO_T_TEMPLATE_EXT_ID, wa_json_get(t, "id"));
    if (wa_json_type(name) != WA_JSON_STRING || name.n <= 2 || wa_json_type(language) != WA_JSON_STRING ||
        language.n <= 2)
        why = "it has no name or no language";
    else if (l->w.failed)
        why = "it is larger than a template can be";
    if (why)
        sink->put(sink->arg, list_none, wa_json_text(name, l->scratch), why);
    else
        sink->put(sink->arg, hilo_written(&l->w), wa_json_text(name, l->scratch), NULL);
}

bool wa_meta_templates_url(const struct wa_conf *conf, const char *after, char url[WA_URL_MAX])
{
    char cursor[1024];

    if (conf->waba_id.n == 0)
        return false;
    if (!after[0])
        return wa_url_write(url, "%s/%s/%s/message_templates?fields=" META_TEMPLATE_FIELDS "&limit=100",
                            conf->base_url.p, conf->version.p, conf->waba_id.p);
    return wa_url_escape((struct hilo_str){after, strlen(after)}, cursor, sizeof cursor) &&
           wa_url_write(url, "%s/%s/%s/message_templates?fields=" META_TEMPLATE_FIELDS "&limit=100&after=%s",
                        conf->base_url.p, conf->version.p, conf->waba_id.p, cursor);
}

bool wa_meta_templates_read(const struct hilo_http *h, const struct wa_template_sink *sink, char *after,
                            size_t cap)
{
    struct hilo_str root, data, item, paging;
    struct list l;
    uint8_t *buf;
    bool ok;

    if (!wa_json_check(h->body, &root))
        return false;
    data = wa_json_get(root, "data");
    if (wa_json_type(data) != WA_JSON_ARRAY)
        return false;
    paging = wa_json_get(root, "paging");
    after[0] = 0;
    if (wa_json_type(wa_json_get(paging, "next")) == WA_JSON_STRING &&
        !wa_answer_text(wa_json_get(wa_json_get(paging, "cursors"), "after"), after, cap))
        return false;
    buf = malloc(HILO_TEMPLATE_MAX);
    l.scratch = malloc(h->body.n);
    ok = buf && l.scratch;
    data = wa_json_inside(data);
    while (ok && wa_json_item(&data, &item))
        list_template(&l, buf, item, sink);
    free(l.scratch);
    free(buf);
    return ok;
}

/* ---- what a webhook says of one -------------------------------------------------------------------- */

bool wa_meta_template_change(struct hilo_str field, struct hilo_str value, char *scratch,
                             uint8_t buf[META_CHANGE_MAX], struct hilo_str *group)
{
    struct list l = {.scratch = scratch};
    struct hilo_str name = wa_json_get(value, "message_template_name");
    struct hilo_str language = wa_json_get(value, "message_template_language");
    struct hilo_str word;
    uint64_t before;

    *group = list_none;
    if (wa_json_type(name) != WA_JSON_STRING || name.n <= 2 || wa_json_type(language) != WA_JSON_STRING ||
        language.n <= 2)
        return false;
    hilo_writer_init(&l.w, buf, META_CHANGE_MAX);
    list_text(&l, HILO_T_TEMPLATE_NAME, name);
    list_text(&l, HILO_T_TEMPLATE_LANGUAGE, language);
    before = l.w.n;
    if (wa_json_is(field, "message_template_status_update") &&
        wa_json_type(word = wa_json_get(value, "event")) == WA_JSON_STRING) {
        hilo_put_u64(&l.w, HILO_T_TEMPLATE_STATUS, list_status(word));
        word = wa_json_get(value, "reason");
        hilo_put_str(&l.w, HILO_T_TEMPLATE_REASON,
                     wa_json_is(word, "NONE") ? list_none : wa_json_text(word, scratch));
    } else if (wa_json_is(field, "message_template_quality_update")) {
        list_text(&l, HILO_T_TEMPLATE_QUALITY, wa_json_get(value, "new_quality_score"));
    } else if (wa_json_is(field, "template_category_update") &&
               wa_json_type(word = wa_json_get(value, "new_category")) == WA_JSON_STRING) {
        hilo_put_u64(&l.w, HILO_T_TEMPLATE_CATEGORY, list_category(word));
    }
    if (l.w.n > before && !l.w.failed)
        *group = hilo_written(&l.w);
    return true;
}
