/*
 * Templates as the Cloud API lists them, and as webhooks tell what became of one:
 * from JSON to the group TEMPLATE.
 *
 * What Meta's page of a list has and Hilo does not know (a carousel's cards, a button
 * of a kind that came later) leaves a template that can be listed; whether it can be
 * sent as it is, Meta says.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "list.h"
#include "meta.h"

#include <stdlib.h>

static const struct hilo_str list_none = {NULL, 0};

/* ---- components ------------------------------------------------------------------------------- */

static const char *list_components(struct wa_list *l, struct hilo_str components, bool *named)
{
    struct hilo_str rest = list_none, c, buttons, button;
    bool ok = true;

    if (wa_json_type(components) == WA_JSON_ARRAY)
        rest = wa_json_inside(components);
    while (ok && wa_json_item(&rest, &c)) {
        struct hilo_str type = wa_json_get(c, "type");
        if (wa_json_is(type, "HEADER")) {
            ok = wa_list_header(l, c, named);
        } else if (wa_json_is(type, "BODY")) {
            ok = wa_list_put_places(l, HILO_T_TEMPLATE_TEXT, HILO_T_TEMPLATE_BODY_PARAMS,
                                    wa_json_get(c, "text"), named);
        } else if (wa_json_is(type, "FOOTER")) {
            wa_list_text(l, HILO_T_TEMPLATE_FOOTER, wa_json_get(c, "text"));
        } else if (wa_json_is(type, "BUTTONS")) {
            buttons = wa_json_get(c, "buttons");
            buttons = wa_json_type(buttons) == WA_JSON_ARRAY ? wa_json_inside(buttons) : list_none;
            while (wa_json_item(&buttons, &button))
                wa_list_put_button(l, button);
        }
    }
    return ok ? NULL : "it has more parameters than a template can have";
}

/* ---- a page of the list ------------------------------------------------------------------------- */

static void list_template(struct wa_list *l, uint8_t *buf, struct hilo_str t,
                          const struct wa_template_sink *sink)
{
    struct hilo_str name = wa_json_get(t, "name"), language = wa_json_get(t, "language");
    struct hilo_str quality = wa_json_get(t, "quality_score");
    bool named = wa_json_is(wa_json_get(t, "parameter_format"), "NAMED");
    const char *why;

    hilo_writer_init(&l->w, buf, HILO_TEMPLATE_MAX);
    wa_list_text(l, HILO_T_TEMPLATE_NAME, name);
    wa_list_text(l, HILO_T_TEMPLATE_LANGUAGE, language);
    hilo_put_u64(&l->w, HILO_T_TEMPLATE_STATUS, wa_list_status(wa_json_get(t, "status")));
    hilo_put_u64(&l->w, HILO_T_TEMPLATE_CATEGORY, wa_list_category(wa_json_get(t, "category")));
    why = list_components(l, wa_json_get(t, "components"), &named);
    if (named)
        hilo_put_u64(&l->w, HILO_T_TEMPLATE_NAMED, 1);
    wa_list_text(l, HILO_T_TEMPLATE_QUALITY,
                 wa_json_type(quality) == WA_JSON_OBJECT ? wa_json_get(quality, "score") : quality);
    wa_list_reason(l, wa_json_get(t, "rejected_reason"));
    wa_list_text(l, HILO_T_TEMPLATE_EXT_ID, wa_json_get(t, "id"));
    wa_list_give(l, name, language, why, sink);
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
    struct wa_list l;
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
    struct wa_list l = {.scratch = scratch};
    struct hilo_str name = wa_json_get(value, "message_template_name");
    struct hilo_str language = wa_json_get(value, "message_template_language");
    struct hilo_str word;
    uint64_t before;

    *group = list_none;
    if (wa_json_type(name) != WA_JSON_STRING || name.n <= 2 || wa_json_type(language) != WA_JSON_STRING ||
        language.n <= 2)
        return false;
    hilo_writer_init(&l.w, buf, META_CHANGE_MAX);
    wa_list_text(&l, HILO_T_TEMPLATE_NAME, name);
    wa_list_text(&l, HILO_T_TEMPLATE_LANGUAGE, language);
    before = l.w.n;
    if (wa_json_is(field, "message_template_status_update") &&
        wa_json_type(word = wa_json_get(value, "event")) == WA_JSON_STRING) {
        hilo_put_u64(&l.w, HILO_T_TEMPLATE_STATUS, wa_list_status(word));
        word = wa_json_get(value, "reason");
        hilo_put_str(&l.w, HILO_T_TEMPLATE_REASON,
                     wa_json_is(word, "NONE") ? list_none : wa_json_text(word, scratch));
    } else if (wa_json_is(field, "message_template_quality_update")) {
        wa_list_text(&l, HILO_T_TEMPLATE_QUALITY, wa_json_get(value, "new_quality_score"));
    } else if (wa_json_is(field, "template_category_update") &&
               wa_json_type(word = wa_json_get(value, "new_category")) == WA_JSON_STRING) {
        hilo_put_u64(&l.w, HILO_T_TEMPLATE_CATEGORY, wa_list_category(word));
    }
    if (l.w.n > before && !l.w.failed)
        *group = hilo_written(&l.w);
    return true;
}
