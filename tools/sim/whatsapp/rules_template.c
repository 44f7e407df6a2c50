/* The rules of template messages: the template exists in that language and is approved, and the components
 * fit it.
 *
 * A definition (from the configuration) is
 *   {"name","language","category":"UTILITY","status":"APPROVED","body_parameters":n,"parameter_names":[…],
 *    "header":"none|text|image|video|document|location","header_parameters":0|1,"buttons":n | ["quick_reply",
 * …], "button_texts":[…]} where buttons as a number are that many quick replies, and parameter_names make its
 * parameters named ones. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const button_kinds[] = {"quick_reply",  "url",  "url_dynamic", "copy_code",
                                           "phone_number", "flow", NULL};
static const char *const header_kinds[] = {"none", "text", "image", "video", "document", "location", NULL};

static bool one_of(const char *const *list, const char *text)
{
    for (; text && *list; list++) {
        if (!strcmp(*list, text))
            return true;
    }
    return false;
}

static int number(const cJSON *def, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(def, key);
    return cJSON_IsNumber(v) ? v->valueint : 0;
}

const char *rules_template_def_wrong(const cJSON *def)
{
    static const char *const keys[] = {"name",
                                       "language",
                                       "category",
                                       "status",
                                       "body_parameters",
                                       "header",
                                       "header_parameters",
                                       "buttons",
                                       "button_texts",
                                       "parameter_names",
                                       "text",
                                       "header_text",
                                       "footer",
                                       "quality",
                                       "reason",
                                       "components",
                                       NULL};
    static const char *const numbers[] = {"body_parameters", "header_parameters", NULL};
    if (!cJSON_IsObject(def))
        return "a template must be an object";
    for (const cJSON *v = def->child; v; v = v->next) {
        if (!one_of(keys, v->string))
            return "a template has an unknown key";
        if (one_of(numbers, v->string) &&
            !(cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble <= 100))
            return "body_parameters and header_parameters must be numbers from 0 to 100";
    }
    if (!jstr(def, "name") || !jstr(def, "language"))
        return "a template needs name and language";
    if (jstr(def, "header") && !one_of(header_kinds, jstr(def, "header")))
        return "a template's header must be none, text, image, video, document or location";
    const cJSON *buttons = cJSON_GetObjectItemCaseSensitive(def, "buttons"), *b;
    if (buttons && !cJSON_IsArray(buttons) && !(cJSON_IsNumber(buttons) && buttons->valuedouble >= 0))
        return "a template's buttons must be a number or an array of kinds";
    for (b = cJSON_IsArray(buttons) ? buttons->child : NULL; b; b = b->next) {
        if (!one_of(button_kinds, cJSON_GetStringValue(b)))
            return "a template's button must be quick_reply, url, url_dynamic, copy_code, phone_number or "
                   "flow";
    }
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(def, "parameter_names"), *n;
    if (names && !cJSON_IsArray(names))
        return "parameter_names must be an array";
    for (n = names ? names->child : NULL; n; n = n->next) {
        if (!cJSON_IsString(n))
            return "parameter_names must be strings";
    }
    if (names && cJSON_GetArraySize(names) != number(def, "body_parameters"))
        return "parameter_names must be as many as body_parameters";
    return NULL;
}

/* The kind of button number `index`, NULL when the template has no such button. */
static const char *button_kind(const cJSON *def, int index)
{
    const cJSON *buttons = cJSON_GetObjectItemCaseSensitive(def, "buttons");
    if (cJSON_IsNumber(buttons))
        return index < buttons->valueint ? "quick_reply" : NULL;
    return cJSON_GetStringValue(cJSON_GetArrayItem(buttons, index));
}

static bool find(struct rules *r, const char *name, const char *language)
{
    const cJSON *def;
    cJSON_ArrayForEach(def, r->env->templates)
    {
        if (strcmp(jstr(def, "name"), name) || strcmp(jstr(def, "language"), language))
            continue;
        const char *status = jstr(def, "status");
        if (status && !strcmp(status, "PAUSED"))
            return rules_fail(r, 132015, "The template %.100s is paused.", name);
        if (status && !strcmp(status, "DISABLED"))
            return rules_fail(r, 132016, "The template %.100s is disabled.", name);
        if (status && strcmp(status, "APPROVED"))
            break;
        r->out->template_def = def;
        return true;
    }
    return rules_fail(r, 132001, "template name (%.100s) does not exist in %.20s", name, language);
}

static bool parameter_text(struct rules *r, const struct at *a)
{
    if (!rules_text(r, a, "text", REQUIRED, 1, 1024))
        return false;
    const char *text = jstr(a->v, "text");
    if (strpbrk(text, "\n\r\t") || strstr(text, "     "))
        return rules_fail(
            r, 100, "Param %s cannot have new-line or tab characters or more than 4 consecutive spaces.",
            a->path);
    return true;
}

static bool integer(struct rules *r, const struct at *parent, const char *key)
{
    struct at a = rules_key(parent, key);
    if (!a.v)
        return rules_fail(r, 131008, "The parameter %s is required.", a.path);
    if (!cJSON_IsNumber(a.v) || a.v->valuedouble != (double)(int64_t)a.v->valuedouble)
        return rules_fail(r, 100, "Param %s must be an integer.", a.path);
    return true;
}

/* One parameter of the body or of a text header. */
static bool check_parameter(struct rules *r, const struct at *a)
{
    static const char *const currency_keys[] = {"fallback_value", "code", "amount_1000", NULL};
    static const char *const date_keys[] = {"fallback_value", NULL};
    const char *type = jstr(a->v, "type");
    const char *keys[] = {"type", type, "parameter_name", NULL};
    if (!type)
        return rules_fail(r, 131008, "The parameter %s['type'] is required.", a->path);
    if (!rules_object(r, a, keys) || !rules_text(r, a, "parameter_name", OPTIONAL, 1, 60))
        return false;
    if (!strcmp(type, "text"))
        return parameter_text(r, a);
    struct at value = rules_key(a, type);
    if (!strcmp(type, "currency")) {
        if (!rules_object(r, &value, currency_keys) ||
            !rules_text(r, &value, "fallback_value", REQUIRED, 1, 60) ||
            !rules_text(r, &value, "code", REQUIRED, 3, 3))
            return false;
        return integer(r, &value, "amount_1000");
    }
    if (!strcmp(type, "date_time"))
        return rules_object(r, &value, date_keys) && rules_text(r, &value, "fallback_value", REQUIRED, 1, 60);
    return rules_fail(r, 132012, "Parameter %s cannot be of type \"%.30s\" here.", a->path, type);
}

static bool check_named(struct rules *r, const cJSON *names, const struct at *list)
{
    const cJSON *n;
    cJSON_ArrayForEach(n, names)
    {
        int found = 0;
        for (const cJSON *p = list->v->child; p; p = p->next) {
            const char *name = jstr(p, "parameter_name");
            if (!name)
                return rules_fail(r, 100, "Parameter name is missing or empty in %s.", list->path);
            found += !strcmp(name, n->valuestring);
        }
        if (found != 1)
            return rules_fail(r, 100, "Parameter \"%.60s\" must be given once in %s.", n->valuestring,
                              list->path);
    }
    return true;
}

/* `list` may be NULL: the component is absent. */
static bool check_count(struct rules *r, const char *where, const struct at *list, int expected)
{
    int n = list ? cJSON_GetArraySize(list->v) : 0;
    if (n != expected)
        return rules_fail(
            r, 132000,
            "%s: number of localizable_params (%d) does not match the expected number of params (%d)", where,
            n, expected);
    return true;
}

static bool check_body(struct rules *r, const struct at *list)
{
    const cJSON *def = r->out->template_def,
                *names = cJSON_GetObjectItemCaseSensitive(def, "parameter_names");
    if (!check_count(r, "body", list, number(def, "body_parameters")))
        return false;
    if (!list)
        return true;
    int i = 0;
    for (const cJSON *p = list->v->child; p; p = p->next, i++) {
        struct at a = rules_item(list, p, i);
        if (!check_parameter(r, &a))
            return false;
        if (!names && jstr(p, "parameter_name"))
            return rules_fail(r, 100, "The template has positional parameters, %s is a named one.", a.path);
    }
    return !names || check_named(r, names, list);
}

static bool check_header(struct rules *r, const struct at *list)
{
    const cJSON *def = r->out->template_def;
    const char *kind = jstr(def, "header");
    if (!kind || !strcmp(kind, "none"))
        return check_count(r, "header", list, 0);
    if (!strcmp(kind, "text")) {
        if (!check_count(r, "header", list, number(def, "header_parameters")))
            return false;
        struct at a = list && list->v->child ? rules_item(list, list->v->child, 0) : (struct at){0};
        return !a.v || check_parameter(r, &a);
    }
    if (!list || cJSON_GetArraySize(list->v) != 1)
        return rules_fail(r, 132012, "header: Format mismatch, expected %s, received UNKNOWN", kind);
    struct at a = rules_item(list, list->v->child, 0);
    const char *type = jstr(a.v, "type");
    const char *keys[] = {"type", kind, NULL};
    if (!type || strcmp(type, kind))
        return rules_fail(r, 132012, "header: Format mismatch, expected %s, received %.30s", kind,
                          type ? type : "UNKNOWN");
    if (!rules_object(r, &a, keys))
        return false;
    static const char *const place_keys[] = {"latitude", "longitude", "name", "address", NULL};
    struct at place = rules_key(&a, "location");
    return strcmp(kind, "location") ? rules_media(r, &a, kind) : rules_object(r, &place, place_keys);
}

static bool check_flow_button(struct rules *r, const struct at *a, int i)
{
    static const char *const keys[] = {"type", "action", NULL};
    static const char *const action_keys[] = {"flow_token", "flow_action_data", NULL};
    struct at list;
    if (strcmp(jstr(a->v, "sub_type"), "flow"))
        return rules_fail(r, 131009, "The button at index %d is of sub_type flow.", i);
    if (!rules_array(r, a, "parameters", 0, 100, &list) || !check_count(r, "button", &list, 1))
        return false;
    struct at p = rules_item(&list, list.v->child, 0), action = rules_key(&p, "action"),
              data = rules_key(&action, "flow_action_data");
    const char *type = jstr(p.v, "type");
    if (!type || strcmp(type, "action"))
        return rules_fail(r, 132012, "Param %s must be of type action.", p.path);
    if (!rules_object(r, &p, keys) || !rules_object(r, &action, action_keys) ||
        !rules_text(r, &action, "flow_token", OPTIONAL, 1, 1000))
        return false;
    return !data.v || cJSON_IsObject(data.v) ||
           rules_fail(r, 100, "Param %s must be a JSON object.", data.path);
}

static bool check_button(struct rules *r, const struct at *a, unsigned *seen)
{
    static const char *const keys[] = {"type", "sub_type", "index", "parameters", NULL};
    static const struct {
        const char *kind, *sub_type, *parameter, *key;
        size_t max;
    } takes[] = {{"quick_reply", "quick_reply", "payload", "payload", 256},
                 {"url_dynamic", "url", "text", "text", 2000},
                 {"copy_code", "copy_code", "coupon_code", "coupon_code", 20}};
    struct at index = rules_key(a, "index"), list = {0};
    if (!rules_object(r, a, keys) || !rules_text(r, a, "sub_type", REQUIRED, 1, 30))
        return false;
    if (!index.v)
        return rules_fail(r, 131008, "The parameter %s is required.", index.path);
    bool text_index = cJSON_IsString(index.v) && is_digits(index.v->valuestring, 1, 2);
    if (!text_index && !(cJSON_IsNumber(index.v) && index.v->valuedouble >= 0 && index.v->valuedouble <= 99))
        return rules_fail(r, 100, "Param %s must be the number of a button.", index.path);
    int i = text_index ? atoi(index.v->valuestring) : index.v->valueint;
    const char *kind = button_kind(r->out->template_def, i);
    if (!kind || i > 31)
        return rules_fail(r, 131009, "The template has no button at index %d.", i);
    if (*seen & 1u << i)
        return rules_fail(r, 131009, "The button at index %d is given twice.", i);
    *seen |= 1u << i;
    if (!strcmp(kind, "flow"))
        return check_flow_button(r, a, i);
    for (size_t k = 0; k < sizeof takes / sizeof takes[0]; k++) {
        if (strcmp(takes[k].kind, kind))
            continue;
        if (strcmp(jstr(a->v, "sub_type"), takes[k].sub_type))
            return rules_fail(r, 131009, "The button at index %d is of sub_type %s.", i, takes[k].sub_type);
        if (!rules_array(r, a, "parameters", 0, 100, &list) || !check_count(r, "button", &list, 1))
            return false;
        struct at p = rules_item(&list, list.v->child, 0);
        const char *inner[] = {"type", takes[k].key, NULL}, *type = jstr(p.v, "type");
        if (!type || strcmp(type, takes[k].parameter))
            return rules_fail(r, 132012, "Param %s must be of type %s.", p.path, takes[k].parameter);
        return rules_object(r, &p, inner) && rules_text(r, &p, takes[k].key, REQUIRED, 1, takes[k].max);
    }
    return rules_fail(r, 132000, "The button at index %d takes no parameters.", i);
}

static bool check_components(struct rules *r, const struct at *components)
{
    static const char *const keys[] = {"type", "parameters", NULL};
    struct at header = {0}, body = {0};
    unsigned buttons = 0;
    int i = 0;
    for (const cJSON *c = components->v ? components->v->child : NULL; c; c = c->next, i++) {
        struct at a = rules_item(components, c, i);
        const char *type = jstr(c, "type");
        if (!type)
            return rules_fail(r, 131008, "The parameter %s['type'] is required.", a.path);
        if (!strcasecmp(type, "button")) {
            if (!check_button(r, &a, &buttons))
                return false;
            continue;
        }
        struct at *part = !strcasecmp(type, "header") ? &header : !strcasecmp(type, "body") ? &body : NULL;
        if (!part)
            return rules_fail(r, 131009, "Param %s has type \"%.30s\": it must be header, body or button.",
                              a.path, type);
        if (part->v)
            return rules_fail(r, 131009, "The component %s is given twice.", type);
        if (!rules_object(r, &a, keys) || !rules_array(r, &a, "parameters", 0, 100, part))
            return false;
    }
    for (int b = 0; b < 32; b++) {
        const char *kind = button_kind(r->out->template_def, b);
        if (kind && !strcmp(kind, "url_dynamic") && !(buttons & 1u << b))
            return rules_fail(r, 131008, "Button at index %d of type Url requires a parameter", b);
    }
    return check_header(r, header.v ? &header : NULL) && check_body(r, body.v ? &body : NULL);
}

bool rules_template(struct rules *r, const struct at *a)
{
    static const char *const keys[] = {"name", "language", "components", NULL};
    static const char *const language_keys[] = {"code", "policy", NULL};
    struct at language = rules_key(a, "language"), components = rules_key(a, "components");
    if (!rules_object(r, a, keys) || !rules_text(r, a, "name", REQUIRED, 1, 512) ||
        !rules_object(r, &language, language_keys) || !rules_text(r, &language, "code", REQUIRED, 1, 20) ||
        !rules_text(r, &language, "policy", OPTIONAL, 1, 20))
        return false;
    const char *policy = jstr(language.v, "policy"), *name = jstr(a->v, "name");
    if (policy && strcmp(policy, "deterministic"))
        return rules_fail(r, 131009, "Param %s['policy'] must be \"deterministic\".", language.path);
    if (components.v && !rules_array(r, a, "components", 0, 20, &components))
        return false;
    if (!find(r, name, jstr(language.v, "code")) || !check_components(r, &components))
        return false;
    const char *category = jstr(r->out->template_def, "category");
    if (category && !strcmp(category, "AUTHENTICATION") && (!r->out->to || r->out->to_is_user_id))
        return rules_fail(r, 131062, "An authentication template needs a phone number in `to`.");
    return true;
}
