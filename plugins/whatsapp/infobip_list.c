/*
 * Templates as Infobip lists them, all in one answer, and as its webhooks tell what
 * became of one.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infobip.h"
#include "list.h"

#include <stdlib.h>

/* One of a one-time password has no type: its code is sent as the end of a URL. */
static void ib_list_button(struct wa_list *l, struct hilo_str button)
{
    if (wa_json_type(wa_json_get(button, "otpType")) != WA_JSON_STRING) {
        wa_list_put_button(l, button);
        return;
    }
    hilo_open(&l->w, HILO_T_TEMPLATE_BUTTONS);
    hilo_put_u64(&l->w, HILO_T_TBUTTON_TYPE, HILO_BUTTON_URL);
    wa_list_text(l, HILO_T_TBUTTON_TEXT, wa_json_get(button, "text"));
    hilo_put_u64(&l->w, HILO_T_TBUTTON_NEEDS, 1);
    hilo_close(&l->w);
}

static void ib_list_template(struct wa_list *l, uint8_t *buf, struct hilo_str t,
                             const struct wa_template_sink *sink)
{
    struct hilo_str name = wa_json_get(t, "name"), language = wa_json_get(t, "language");
    struct hilo_str parts = wa_json_get(t, "structure"), header = wa_json_get(parts, "header"),
                    buttons = wa_json_get(parts, "buttons"), button,
                    text = wa_json_get(wa_json_get(parts, "body"), "text");
    bool named = false, ok;

    hilo_writer_init(&l->w, buf, HILO_TEMPLATE_MAX);
    wa_list_text(l, HILO_T_TEMPLATE_NAME, name);
    wa_list_text(l, HILO_T_TEMPLATE_LANGUAGE, language);
    hilo_put_u64(&l->w, HILO_T_TEMPLATE_STATUS, wa_list_status(wa_json_get(t, "status")));
    hilo_put_u64(&l->w, HILO_T_TEMPLATE_CATEGORY, wa_list_category(wa_json_get(t, "category")));
    ok = wa_json_type(header) != WA_JSON_OBJECT || wa_list_header(l, header, &named);
    if (wa_json_type(text) == WA_JSON_STRING)
        ok = ok && wa_list_put_places(l, HILO_T_TEMPLATE_TEXT, HILO_T_TEMPLATE_BODY_PARAMS, text, &named);
    else if (wa_json_is(wa_json_get(t, "category"),
                        "AUTHENTICATION")) /* WhatsApp's own words, with the code */
        hilo_put(&l->w, HILO_T_TEMPLATE_BODY_PARAMS, "1", 1);
    wa_list_text(l, HILO_T_TEMPLATE_FOOTER, wa_json_get(wa_json_get(parts, "footer"), "text"));
    buttons = wa_json_type(buttons) == WA_JSON_ARRAY ? wa_json_inside(buttons) : (struct hilo_str){NULL, 0};
    while (wa_json_item(&buttons, &button))
        ib_list_button(l, button);
    if (named)
        hilo_put_u64(&l->w, HILO_T_TEMPLATE_NAMED, 1);
    wa_list_text(l, HILO_T_TEMPLATE_QUALITY, wa_json_get(t, "quality"));
    wa_list_text(l, HILO_T_TEMPLATE_EXT_ID, wa_json_get(t, "id"));
    wa_list_give(l, name, language, ok ? NULL : "it has more parameters than a template can have", sink);
}

bool wa_ib_templates_url(const struct wa_conf *conf, const char *after, char url[WA_URL_MAX])
{
    return !after[0] &&
           wa_url_write(url, "%s/whatsapp/2/senders/%s/templates", conf->base_url.p, conf->sender.p);
}

bool wa_ib_templates_read(const struct hilo_http *h, const struct wa_template_sink *sink, char *after,
                          size_t cap)
{
    struct hilo_str root, list, item;
    struct wa_list l;
    uint8_t *buf;
    bool ok;

    if (cap == 0 || !wa_json_check(h->body, &root))
        return false;
    list = wa_json_get(root, "templates");
    if (wa_json_type(list) != WA_JSON_ARRAY)
        return false;
    after[0] = 0;
    buf = malloc(HILO_TEMPLATE_MAX);
    l.scratch = malloc(h->body.n);
    ok = buf && l.scratch;
    list = wa_json_inside(list);
    while (ok && wa_json_item(&list, &item))
        ib_list_template(&l, buf, item, sink);
    free(l.scratch);
    free(buf);
    return ok;
}

/* {"messageTemplateName":…,"messageTemplateLanguage":…,"change":{"type":"TEMPLATE_STATUS_UPDATE",
 * "newStatus":"APPROVED","reason":"NONE"}} */
bool wa_ib_template_change(struct hilo_str root, char *scratch, const struct wa_sink *sink)
{
    uint8_t buf[4096];
    struct wa_list l = {.scratch = scratch};
    struct hilo_str name = wa_json_get(root, "messageTemplateName"),
                    language = wa_json_get(root, "messageTemplateLanguage"),
                    change = wa_json_get(root, "change"), word;
    uint64_t before;

    if (wa_json_type(name) != WA_JSON_STRING || name.n <= 2 || wa_json_type(language) != WA_JSON_STRING ||
        language.n <= 2)
        return false;
    hilo_writer_init(&l.w, buf, sizeof buf);
    wa_list_text(&l, HILO_T_TEMPLATE_NAME, name);
    wa_list_text(&l, HILO_T_TEMPLATE_LANGUAGE, language);
    before = l.w.n;
    if (wa_json_type(word = wa_json_get(change, "newStatus")) == WA_JSON_STRING) {
        hilo_put_u64(&l.w, HILO_T_TEMPLATE_STATUS, wa_list_status(word));
        word = wa_json_get(change, "reason");
        hilo_put_str(&l.w, HILO_T_TEMPLATE_REASON,
                     wa_json_is(word, "NONE") ? (struct hilo_str){NULL, 0} : wa_json_text(word, scratch));
    } else if (wa_json_type(word = wa_json_get(change, "newCategory")) == WA_JSON_STRING) {
        hilo_put_u64(&l.w, HILO_T_TEMPLATE_CATEGORY, wa_list_category(word));
    } else {
        wa_list_text(&l, HILO_T_TEMPLATE_QUALITY, wa_json_get(change, "newQualityScore"));
    }
    if (l.w.n > before && !l.w.failed)
        sink->template_put(sink->arg, hilo_written(&l.w));
    sink->note(sink->arg, WA_NOTE_TEMPLATES, 0, wa_json_text(name, scratch));
    return true;
}
