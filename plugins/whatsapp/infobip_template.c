/*
 * A template as Infobip wants it: placeholders in order, a header by its type, and
 * the buttons that take a parameter, in the order in which they were registered.
 * Parameters go by place; of currency and date the fall-back text is sent.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infobip.h"

static void ib_template_body(struct wa_build *b, cJSON *data, struct hilo_str params)
{
    cJSON *list = wa_build_array(b, wa_build_object(b, data, "body"), "placeholders");
    struct hilo_field f;
    uint64_t type;

    while (hilo_next(&params, &f) == 1) {
        if (f.tag != HILO_T_PARAMS_BODY)
            continue;
        type = hilo_get_u64(f.val, HILO_T_PARAM_TYPE);
        if (type > HILO_PARAM_DATE_TIME || hilo_get_str(f.val, HILO_T_PARAM_TEXT).n == 0)
            wa_build_fail(b, HILO_INVALID, "a parameter of a template's body is no text, or an empty one");
        wa_build_text(b, list, NULL, hilo_get_str(f.val, HILO_T_PARAM_TEXT));
    }
}

static void ib_template_header(struct wa_build *b, cJSON *data, struct hilo_str params)
{
    struct hilo_str p, filename;
    cJSON *h;

    if (!hilo_find(params, HILO_T_PARAMS_HEADER, &p))
        return;
    h = wa_build_object(b, data, "header");
    switch (hilo_get_u64(p, HILO_T_PARAM_TYPE)) {
    case HILO_PARAM_IMAGE:
        wa_build_word(b, h, "type", "IMAGE");
        wa_ib_build_link(b, h, p, HILO_T_PARAM_MEDIA, HILO_T_PARAM_URL);
        break;
    case HILO_PARAM_VIDEO:
        wa_build_word(b, h, "type", "VIDEO");
        wa_ib_build_link(b, h, p, HILO_T_PARAM_MEDIA, HILO_T_PARAM_URL);
        break;
    case HILO_PARAM_DOCUMENT:
        wa_build_word(b, h, "type", "DOCUMENT");
        wa_ib_build_link(b, h, p, HILO_T_PARAM_MEDIA, HILO_T_PARAM_URL);
        filename = hilo_get_str(p, HILO_T_PARAM_FILENAME);
        if (filename.n == 0) /* Infobip insists on one, and takes PDF only */
            filename = (struct hilo_str){"document.pdf", 12};
        wa_build_text(b, h, "filename", wa_cut(filename, 240));
        break;
    case HILO_PARAM_LOCATION:
        wa_build_word(b, h, "type", "LOCATION");
        wa_build_coordinates(b, h, p, HILO_T_PARAM_LATITUDE, HILO_T_PARAM_LONGITUDE);
        break;
    default:
        wa_build_word(b, h, "type", "TEXT");
        wa_build_text(b, h, "placeholder", hilo_get_str(p, HILO_T_PARAM_TEXT));
    }
}

static void ib_template_button(struct wa_build *b, cJSON *list, struct hilo_str button)
{
    static const char *const type[] = {NULL, "QUICK_REPLY", "URL", "COPY_CODE", "FLOW"};
    uint64_t t = hilo_get_u64(button, HILO_T_BUTTON_TYPE);
    cJSON *o;

    if (t < HILO_BUTTON_QUICK_REPLY || t > HILO_BUTTON_FLOW) {
        wa_build_fail(b, HILO_INVALID, "a template's button of this type takes no parameter");
        return;
    }
    o = wa_build_object(b, list, NULL);
    wa_build_word(b, o, "type", type[t]);
    wa_build_text(b, o, t == HILO_BUTTON_FLOW ? "flowToken" : "parameter",
                  hilo_get_str(button, HILO_T_BUTTON_TEXT));
}

/* By their place in the template; those without one are where they were given. */
static void ib_template_buttons(struct wa_build *b, cJSON *data, struct hilo_str params)
{
    struct hilo_str rest, index, best = {NULL, 0};
    cJSON *list = NULL;
    struct hilo_field f;
    uint64_t at, given, least, next = 0, written = 0;
    bool found;

    do {
        found = false;
        least = 0;
        rest = params;
        for (given = 0; hilo_next(&rest, &f) == 1;) {
            if (f.tag != HILO_T_PARAMS_BUTTONS)
                continue;
            at = hilo_find(f.val, HILO_T_BUTTON_INDEX, &index) ? hilo_u64(index) : given;
            given++;
            if (at >= next && (!found || at < least)) {
                found = true;
                least = at;
                best = f.val;
            }
        }
        if (found && !list)
            list = wa_build_array(b, data, "buttons");
        if (found)
            ib_template_button(b, list, best);
        written += found;
        next = least + 1;
    } while (found && least < UINT64_MAX);
    if (written != given)
        wa_build_fail(b, HILO_INVALID, "two buttons of a template have the same index");
}

void wa_ib_build_template(struct wa_build *b, cJSON *to, struct hilo_str message, struct hilo_str content)
{
    struct hilo_str name = hilo_get_str(content, HILO_T_CONTENT_NAME);
    struct hilo_str language = hilo_get_str(content, HILO_T_CONTENT_LANGUAGE);
    struct hilo_str params = hilo_get_str(content, HILO_T_CONTENT_PARAMETERS);
    cJSON *data;

    if (language.n == 0)
        language = hilo_get_str(message, HILO_T_MSG_LANGUAGE);
    if (name.n == 0 || language.n == 0)
        wa_build_fail(b, HILO_INVALID, "a template needs a name and a language");
    wa_build_text(b, to, "templateName", name);
    data = wa_build_object(b, to, "templateData");
    ib_template_body(b, data, params);
    ib_template_header(b, data, params);
    ib_template_buttons(b, data, params);
    wa_build_text(b, to, "language", language);
}
