/*
 * The member "template": name, language and typed components.
 *
 * Components come in Meta's order: header, body, then one for each button that
 * has a parameter. A parameter with a name is written with parameter_name, for
 * templates that have named parameters.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "build.h"
#include "meta.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEMPLATE_BLANKS_MAX = 4 };

static void template_media_param(struct wa_build *b, cJSON *p, const char *type, struct hilo_str param)
{
    cJSON *o = wa_build_object(b, p, type);

    wa_build_media(b, o, hilo_get_id(param, HILO_T_PARAM_MEDIA), (struct hilo_str){NULL, 0},
                   hilo_get_str(param, HILO_T_PARAM_URL));
    if (strcmp(type, "document") == 0)
        wa_build_optional(b, o, "filename", hilo_get_str(param, HILO_T_PARAM_FILENAME));
}

/* Meta refuses a parameter with a new line, a tab or more than four blanks in a row:
 * an address out of somebody's database should not cost the message. New lines and
 * tabs become blanks, four blanks stay of a longer run. */
static void template_text(struct wa_build *b, cJSON *p, struct hilo_str text)
{
    char *clean = malloc(text.n + 1);
    uint64_t i, n = 0, blanks = 0;
    char c;

    if (!clean) {
        wa_build_fail(b, HILO_NOMEM, "no memory");
        return;
    }
    for (i = 0; i < text.n; i++) {
        c = text.p[i] == '\n' || text.p[i] == '\r' || text.p[i] == '\t' ? ' ' : text.p[i];
        if (i && text.p[i] == '\n' && text.p[i - 1] == '\r')
            continue; /* CR LF is one */
        blanks = c == ' ' ? blanks + 1 : 0;
        if (blanks <= TEMPLATE_BLANKS_MAX)
            clean[n++] = c;
    }
    wa_build_text(b, p, "text", (struct hilo_str){clean, n});
    free(clean);
}

static void template_param(struct wa_build *b, cJSON *list, struct hilo_str param)
{
    struct hilo_str text = hilo_get_str(param, HILO_T_PARAM_TEXT);
    uint64_t type = hilo_get_u64(param, HILO_T_PARAM_TYPE);
    cJSON *p = wa_build_object(b, list, NULL), *o;

    switch (type ? type : HILO_PARAM_TEXT) {
    case HILO_PARAM_TEXT:
        wa_build_word(b, p, "type", "text");
        wa_build_optional(b, p, "parameter_name", hilo_get_str(param, HILO_T_PARAM_NAME));
        template_text(b, p, text);
        return;
    case HILO_PARAM_CURRENCY:
        wa_build_word(b, p, "type", "currency");
        o = wa_build_object(b, p, "currency");
        wa_build_text(b, o, "fallback_value", text);
        wa_build_text(b, o, "code", hilo_get_str(param, HILO_T_PARAM_CURRENCY));
        wa_build_u64(b, o, "amount_1000", hilo_get_u64(param, HILO_T_PARAM_AMOUNT_1000));
        break;
    case HILO_PARAM_DATE_TIME:
        wa_build_word(b, p, "type", "date_time");
        o = wa_build_object(b, p, "date_time");
        wa_build_text(b, o, "fallback_value", text);
        break;
    case HILO_PARAM_IMAGE:
        wa_build_word(b, p, "type", "image");
        template_media_param(b, p, "image", param);
        break;
    case HILO_PARAM_VIDEO:
        wa_build_word(b, p, "type", "video");
        template_media_param(b, p, "video", param);
        break;
    case HILO_PARAM_DOCUMENT:
        wa_build_word(b, p, "type", "document");
        template_media_param(b, p, "document", param);
        break;
    case HILO_PARAM_LOCATION:
        wa_build_word(b, p, "type", "location");
        o = wa_build_object(b, p, "location");
        wa_build_place(b, o, param, HILO_T_PARAM_LATITUDE, HILO_T_PARAM_LONGITUDE);
        wa_build_optional(b, o, "name", text);
        wa_build_optional(b, o, "address", hilo_get_str(param, HILO_T_PARAM_ADDRESS));
        break;
    default:
        wa_build_fail(b, HILO_INVALID, "a template parameter is of a type that WhatsApp has not");
        return;
    }
    wa_build_optional(b, p, "parameter_name", hilo_get_str(param, HILO_T_PARAM_NAME));
}

/* The component of header or body; none if it has no parameters. */
static void template_component(struct wa_build *b, cJSON *components, const char *type,
                               struct hilo_str params, uint32_t tag)
{
    struct hilo_field f;
    cJSON *list = NULL, *c;

    while (hilo_next(&params, &f) == 1) {
        if (f.tag != tag)
            continue;
        if (!list) {
            c = wa_build_object(b, components, NULL);
            wa_build_word(b, c, "type", type);
            list = wa_build_array(b, c, "parameters");
        }
        template_param(b, list, f.val);
    }
}

static void template_button(struct wa_build *b, cJSON *components, uint64_t at, struct hilo_str button)
{
    static const char *const sub_type[] = {NULL, "quick_reply", "url", "copy_code", "flow"};
    static const char *const param[] = {NULL, "payload", "text", "coupon_code", "action"};
    uint64_t type = hilo_get_u64(button, HILO_T_BUTTON_TYPE);
    struct hilo_str index;
    char text[24];
    cJSON *c, *p;

    if (type < HILO_BUTTON_QUICK_REPLY || type > HILO_BUTTON_FLOW) {
        wa_build_fail(b, HILO_INVALID, "a template button is of a type that takes no parameter");
        return;
    }
    snprintf(text, sizeof text, "%" PRIu64,
             hilo_find(button, HILO_T_BUTTON_INDEX, &index) ? hilo_u64(index) : at);
    c = wa_build_object(b, components, NULL);
    wa_build_word(b, c, "type", "button");
    wa_build_word(b, c, "sub_type", sub_type[type]);
    wa_build_word(b, c, "index", text);
    p = wa_build_object(b, wa_build_array(b, c, "parameters"), NULL);
    wa_build_word(b, p, "type", param[type]);
    if (type == HILO_BUTTON_FLOW)
        wa_build_text(b, wa_build_object(b, p, "action"), "flow_token",
                      hilo_get_str(button, HILO_T_BUTTON_TEXT));
    else
        wa_build_text(b, p, param[type], hilo_get_str(button, HILO_T_BUTTON_TEXT));
}

void wa_meta_template(struct wa_build *b, cJSON *in, struct hilo_str message, struct hilo_str content)
{
    struct hilo_str name = hilo_get_str(content, HILO_T_CONTENT_NAME);
    struct hilo_str code = hilo_get_str(content, HILO_T_CONTENT_LANGUAGE);
    struct hilo_str params = hilo_get_str(content, HILO_T_CONTENT_PARAMETERS), rest = params;
    struct hilo_field f;
    uint64_t at = 0;
    cJSON *t, *l, *components;

    if (code.n == 0)
        code = hilo_get_str(message, HILO_T_MSG_LANGUAGE);
    if (name.n == 0 || code.n == 0) {
        wa_build_fail(b, HILO_INVALID, "a template needs a name and a language");
        return;
    }
    t = wa_build_object(b, in, "template");
    wa_build_text(b, t, "name", name);
    l = wa_build_object(b, t, "language");
    wa_build_text(b, l, "code", code);
    wa_build_word(b, l, "policy", "deterministic");
    components = wa_build_array(b, t, "components");
    template_component(b, components, "header", params, HILO_T_PARAMS_HEADER);
    template_component(b, components, "body", params, HILO_T_PARAMS_BODY);
    while (hilo_next(&rest, &f) == 1)
        if (f.tag == HILO_T_PARAMS_BUTTONS)
            template_button(b, components, at++, f.val);
    if (b->code == HILO_OK && cJSON_GetArraySize(components) == 0)
        cJSON_DeleteItemFromObjectCaseSensitive(t, "components");
}
