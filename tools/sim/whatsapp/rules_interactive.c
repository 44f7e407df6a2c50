/* The rules of interactive messages: reply buttons, lists, a link button, a flow, a request for the location.
 *
 * Products and catalogues are refused as unsupported: nothing here could answer them. */
#include "sim.h"

#include <string.h>

/* Whether `key` of any earlier sibling of `item` holds the same text. */
static bool repeated(const cJSON *list, const cJSON *item, const char *inner, const char *key)
{
    const cJSON *mine = inner ? cJSON_GetObjectItemCaseSensitive(item, inner) : item;
    for (const cJSON *v = list->child; v != item; v = v->next) {
        const cJSON *other = inner ? cJSON_GetObjectItemCaseSensitive(v, inner) : v;
        if (!strcmp(jstr(other, key), jstr(mine, key)))
            return true;
    }
    return false;
}

static bool check_buttons(struct rules *r, const struct at *action)
{
    static const char *const action_keys[] = {"buttons", NULL}, *const keys[] = {"type", "reply", NULL};
    static const char *const reply_keys[] = {"id", "title", NULL};
    struct at list;
    if (!rules_object(r, action, action_keys) || !rules_array(r, action, "buttons", 1, 3, &list))
        return false;
    int i = 0;
    for (const cJSON *v = list.v->child; v; v = v->next, i++) {
        struct at a = rules_item(&list, v, i), reply = rules_key(&a, "reply"), type = rules_key(&a, "type");
        if (!rules_object(r, &a, keys) || !rules_text(r, &a, "type", REQUIRED, 1, 20))
            return false;
        if (strcmp(type.v->valuestring, "reply"))
            return rules_fail(r, 131009, "Param %s must be \"reply\".", type.path);
        if (!rules_object(r, &reply, reply_keys) || !rules_text(r, &reply, "id", REQUIRED, 1, 256) ||
            !rules_text(r, &reply, "title", REQUIRED, 1, 20))
            return false;
        if (repeated(list.v, v, "reply", "title"))
            return rules_fail(r, 131009, "Button titles must be unique: %s.", a.path);
        if (repeated(list.v, v, "reply", "id"))
            return rules_fail(r, 131009, "Button ids must be unique: %s.", a.path);
    }
    return true;
}

static bool row_id_repeated(const cJSON *sections, const cJSON *row)
{
    for (const cJSON *s = sections->child; s; s = s->next) {
        for (const cJSON *v = cJSON_GetObjectItemCaseSensitive(s, "rows")->child; v; v = v->next) {
            if (v == row)
                return false;
            if (!strcmp(jstr(v, "id"), jstr(row, "id")))
                return true;
        }
    }
    return false;
}

static bool check_list(struct rules *r, const struct at *action)
{
    static const char *const action_keys[] = {"button", "sections", NULL}, *const keys[] = {"title", "rows",
                                                                                            NULL};
    static const char *const row_keys[] = {"id", "title", "description", NULL};
    struct at list, rows;
    if (!rules_object(r, action, action_keys) || !rules_text(r, action, "button", REQUIRED, 1, 20) ||
        !rules_array(r, action, "sections", 1, 10, &list))
        return false;
    int need = cJSON_GetArraySize(list.v) > 1 ? REQUIRED : OPTIONAL, total = 0, i = 0;
    for (const cJSON *s = list.v->child; s; s = s->next, i++) {
        struct at a = rules_item(&list, s, i);
        if (!rules_object(r, &a, keys) || !rules_text(r, &a, "title", need, 1, 24) ||
            !rules_array(r, &a, "rows", 1, 10, &rows))
            return false;
        total += cJSON_GetArraySize(rows.v);
        int j = 0;
        for (const cJSON *v = rows.v->child; v; v = v->next, j++) {
            struct at row = rules_item(&rows, v, j);
            if (!rules_object(r, &row, row_keys) || !rules_text(r, &row, "id", REQUIRED, 1, 200) ||
                !rules_text(r, &row, "title", REQUIRED, 1, 24) ||
                !rules_text(r, &row, "description", OPTIONAL, 1, 72))
                return false;
            if (row_id_repeated(list.v, v))
                return rules_fail(r, 131009, "Row ids must be unique: %s.", row.path);
            if (repeated(rows.v, v, NULL, "title"))
                return rules_fail(r, 131009, "Row titles must be unique within a section: %s.", row.path);
        }
    }
    if (total > 10)
        return rules_fail(r, 131009, "A list has at most 10 rows in all its sections, this one has %d.",
                          total);
    return true;
}

static bool check_cta_url(struct rules *r, const struct at *action)
{
    static const char *const keys[] = {"name", "parameters", NULL}, *const inner[] = {"display_text", "url",
                                                                                      NULL};
    struct at name = rules_key(action, "name"), parameters = rules_key(action, "parameters");
    if (!rules_object(r, action, keys) || !rules_text(r, action, "name", REQUIRED, 1, 40))
        return false;
    if (strcmp(name.v->valuestring, "cta_url"))
        return rules_fail(r, 131009, "Param %s must be \"cta_url\".", name.path);
    return rules_object(r, &parameters, inner) &&
           rules_text(r, &parameters, "display_text", REQUIRED, 1, 20) && rules_link(r, &parameters, "url");
}

/* A flow is named by its id or by its name; with navigate it opens at a screen. */
static bool check_flow(struct rules *r, const struct at *action)
{
    static const char *const keys[] = {"name", "parameters", NULL};
    static const char *const inner[] = {"flow_message_version", "flow_id",  "flow_name",
                                        "flow_token",           "flow_cta", "flow_action",
                                        "flow_action_payload",  "mode",     NULL};
    static const char *const payload_keys[] = {"screen", "data", NULL};
    struct at name = rules_key(action, "name"), p = rules_key(action, "parameters");
    if (!rules_object(r, action, keys) || !rules_text(r, action, "name", REQUIRED, 1, 40))
        return false;
    if (strcmp(name.v->valuestring, "flow"))
        return rules_fail(r, 131009, "Param %s must be \"flow\".", name.path);
    if (!rules_object(r, &p, inner) || !rules_text(r, &p, "flow_message_version", REQUIRED, 1, 2) ||
        !rules_text(r, &p, "flow_id", OPTIONAL, 1, 40) || !rules_text(r, &p, "flow_name", OPTIONAL, 1, 200) ||
        !rules_text(r, &p, "flow_token", OPTIONAL, 1, 1000) ||
        !rules_text(r, &p, "flow_cta", REQUIRED, 1, 30) ||
        !rules_text(r, &p, "flow_action", OPTIONAL, 1, 20) || !rules_text(r, &p, "mode", OPTIONAL, 1, 20))
        return false;
    const char *id = jstr(p.v, "flow_id"), *how = jstr(p.v, "flow_action"), *mode = jstr(p.v, "mode");
    struct at payload = rules_key(&p, "flow_action_payload"), data = rules_key(&payload, "data");
    if (!id == !jstr(p.v, "flow_name"))
        return rules_fail(r, 131009, "Give either flow_id or flow_name in %s.", p.path);
    if (strcmp(jstr(p.v, "flow_message_version"), "3"))
        return rules_fail(r, 131009, "Param %s['flow_message_version'] must be \"3\".", p.path);
    if (id && !is_digits(id, 1, 40))
        return rules_fail(r, 131009, "Param %s['flow_id'] is not the id of a flow.", p.path);
    if (how && strcmp(how, "navigate") && strcmp(how, "data_exchange"))
        return rules_fail(r, 131009, "Param %s['flow_action'] must be navigate or data_exchange.", p.path);
    if (mode && strcmp(mode, "draft") && strcmp(mode, "published"))
        return rules_fail(r, 131009, "Param %s['mode'] must be draft or published.", p.path);
    if (!payload.v)
        return true;
    if (how && strcmp(how, "navigate"))
        return rules_fail(r, 131009, "Param %s is for flow_action navigate only.", payload.path);
    if (!rules_object(r, &payload, payload_keys) || !rules_text(r, &payload, "screen", REQUIRED, 1, 200))
        return false;
    return !data.v || (cJSON_IsObject(data.v) && data.v->child) ||
           rules_fail(r, 131009, "Param %s must be an object that is not empty.", data.path);
}

static bool check_location_request(struct rules *r, const struct at *action)
{
    static const char *const keys[] = {"name", NULL};
    struct at name = rules_key(action, "name");
    if (!rules_object(r, action, keys) || !rules_text(r, action, "name", REQUIRED, 1, 40))
        return false;
    return !strcmp(name.v->valuestring, "send_location") ||
           rules_fail(r, 131009, "Param %s must be \"send_location\".", name.path);
}

static bool check_header(struct rules *r, const struct at *parent, bool text_only)
{
    static const char *const kinds[] = {"text", "image", "video", "document", NULL};
    struct at a = rules_key(parent, "header");
    if (!a.v)
        return true;
    const char *type = jstr(a.v, "type");
    const char *keys[] = {"type", type, NULL};
    if (!type)
        return rules_fail(r, 131008, "The parameter %s['type'] is required.", a.path);
    int known = 0;
    for (int i = 0; kinds[i]; i++)
        known |= !strcmp(kinds[i], type);
    if (!known || (text_only && strcmp(type, "text")))
        return rules_fail(r, 131009, "Param %s has a type that this message cannot have.", a.path);
    if (!rules_object(r, &a, keys))
        return false;
    return strcmp(type, "text") ? rules_media(r, &a, type) : rules_text(r, &a, "text", REQUIRED, 1, 60);
}

bool rules_interactive(struct rules *r, const struct at *a)
{
    static const char *const keys[] = {"type", "header", "body", "footer", "action", NULL};
    static const char *const text_keys[] = {"text", NULL};
    static const struct {
        const char *type;
        bool (*check)(struct rules *, const struct at *);
        size_t body_max;
        bool text_header, header, footer;
    } kinds[] = {
        {"button", check_buttons, 1024, false, true, true},
        {"list", check_list, 4096, true, true, true},
        {"cta_url", check_cta_url, 1024, false, true, true},
        {"flow", check_flow, 1024, false, true, true},
        {"location_request_message", check_location_request, 1024, true, false, false},
    };
    if (!rules_object(r, a, keys) || !rules_text(r, a, "type", REQUIRED, 1, 60))
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].type, jstr(a->v, "type")))
            continue;
        struct at body = rules_key(a, "body"), footer = rules_key(a, "footer"),
                  action = rules_key(a, "action");
        struct at header = rules_key(a, "header");
        if ((header.v && !kinds[i].header) || (footer.v && !kinds[i].footer))
            return rules_fail(r, 100, "An interactive message of type %s has no header and no footer.",
                              kinds[i].type);
        if (!rules_object(r, &body, text_keys) ||
            !rules_text(r, &body, "text", REQUIRED, 1, kinds[i].body_max) ||
            !check_header(r, a, kinds[i].text_header))
            return false;
        if (footer.v &&
            (!rules_object(r, &footer, text_keys) || !rules_text(r, &footer, "text", REQUIRED, 1, 60)))
            return false;
        return kinds[i].check(r, &action);
    }
    return rules_fail(r, 131051, "Interactive type \"%.40s\" is not supported.", jstr(a->v, "type"));
}
