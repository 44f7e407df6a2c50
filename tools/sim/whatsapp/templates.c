/* The account's templates as a client sees them: the list, in pages, and what becomes of one later.
 *
 * A definition may carry Meta's "components" as they are; else they are made from its shorter keys, so that
 * the list always agrees with what rules_template.c checks. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_DEFAULT = 25 };

static int number(const cJSON *def, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(def, key);
    return cJSON_IsNumber(v) ? v->valueint : 0;
}

static const char *either(const char *text, const char *absent)
{
    return text ? text : absent;
}

/* Digits, the same for the same name and language. */
static void id_of(const cJSON *def, char out[24])
{
    uint64_t h = 14695981039346656037u;
    const char *part[] = {jstr(def, "name"), "/", jstr(def, "language")};
    for (size_t i = 0; i < 3; i++) {
        for (const char *p = part[i]; *p; p++)
            h = (h ^ (uint8_t)*p) * 1099511628211u;
    }
    snprintf(out, 24, "%llu", (unsigned long long)(h % 9000000000000000u + 1000000000000000u));
}

static cJSON *component(cJSON *list, const char *type)
{
    cJSON *c = cJSON_CreateObject();
    cJSON_AddStringToObject(c, "type", type);
    cJSON_AddItemToArray(list, c);
    return c;
}

static void add_header(cJSON *list, const cJSON *def)
{
    const char *kind = either(jstr(def, "header"), "none");
    static const char *const kinds[][2] = {{"text", "TEXT"},         {"image", "IMAGE"},
                                           {"video", "VIDEO"},       {"document", "DOCUMENT"},
                                           {"location", "LOCATION"}, {NULL, NULL}};
    for (int i = 0; kinds[i][0]; i++) {
        if (strcmp(kinds[i][0], kind))
            continue;
        cJSON *c = component(list, "HEADER");
        cJSON_AddStringToObject(c, "format", kinds[i][1]);
        if (i == 0)
            cJSON_AddStringToObject(
                c, "text",
                either(jstr(def, "header_text"), number(def, "header_parameters") ? "Hola {{1}}" : "Hola"));
    }
}

static void add_body(cJSON *list, const cJSON *def)
{
    struct sbuf b = {0};
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(def, "parameter_names");
    sbuf_text(&b, either(jstr(def, "text"), jstr(def, "name")));
    for (int i = 0; !jstr(def, "text") && i < number(def, "body_parameters"); i++) {
        const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(names, i));
        if (name)
            sbuf_printf(&b, " {{%.60s}}", name);
        else
            sbuf_printf(&b, " {{%d}}", i + 1);
    }
    cJSON_AddStringToObject(component(list, "BODY"), "text", b.p);
    sbuf_free(&b);
    if (jstr(def, "footer"))
        cJSON_AddStringToObject(component(list, "FOOTER"), "text", jstr(def, "footer"));
}

static void add_buttons(cJSON *list, const cJSON *def)
{
    const cJSON *buttons = cJSON_GetObjectItemCaseSensitive(def, "buttons"),
                *texts = cJSON_GetObjectItemCaseSensitive(def, "button_texts");
    int n = cJSON_IsNumber(buttons) ? buttons->valueint : cJSON_GetArraySize(buttons);
    if (!n)
        return;
    cJSON *out = cJSON_AddArrayToObject(component(list, "BUTTONS"), "buttons");
    for (int i = 0; i < n; i++) {
        const char *kind = either(cJSON_GetStringValue(cJSON_GetArrayItem(buttons, i)), "quick_reply"),
                   *text = either(cJSON_GetStringValue(cJSON_GetArrayItem(texts, i)), "Ver");
        cJSON *b = cJSON_CreateObject();
        cJSON_AddItemToArray(out, b);
        bool url = !strncmp(kind, "url", 3);
        cJSON_AddStringToObject(b, "type",
                                url                            ? "URL"
                                : !strcmp(kind, "copy_code")   ? "COPY_CODE"
                                : !strcmp(kind, "flow")        ? "FLOW"
                                : !strcmp(kind, "quick_reply") ? "QUICK_REPLY"
                                                               : "PHONE_NUMBER");
        cJSON_AddStringToObject(b, "text", text);
        if (url)
            cJSON_AddStringToObject(b, "url",
                                    kind[3] ? "https://example.com/{{1}}" : "https://example.com/todo");
        else if (!strcmp(kind, "phone_number"))
            cJSON_AddStringToObject(b, "phone_number", "+15550783881");
        else if (!strcmp(kind, "flow"))
            cJSON_AddNumberToObject(b, "flow_id", 1234567890);
    }
}

static cJSON *template_json(const cJSON *def)
{
    char id[24];
    cJSON *t = cJSON_CreateObject(), *own = cJSON_GetObjectItemCaseSensitive(def, "components");
    cJSON_AddStringToObject(t, "name", jstr(def, "name"));
    cJSON_AddStringToObject(t, "parameter_format",
                            cJSON_HasObjectItem(def, "parameter_names") ? "NAMED" : "POSITIONAL");
    if (own) {
        cJSON_AddItemToObject(t, "components", cJSON_Duplicate(own, true));
    } else {
        cJSON *list = cJSON_AddArrayToObject(t, "components");
        add_header(list, def);
        add_body(list, def);
        add_buttons(list, def);
    }
    cJSON_AddStringToObject(t, "language", jstr(def, "language"));
    cJSON_AddStringToObject(t, "status", either(jstr(def, "status"), "APPROVED"));
    cJSON_AddStringToObject(t, "category", either(jstr(def, "category"), "UTILITY"));
    cJSON_AddStringToObject(t, "rejected_reason", either(jstr(def, "reason"), "NONE"));
    cJSON_AddStringToObject(cJSON_AddObjectToObject(t, "quality_score"), "score",
                            either(jstr(def, "quality"), "UNKNOWN"));
    id_of(def, id);
    cJSON_AddStringToObject(t, "id", id);
    return t;
}

/* Leaves of t what ?fields= names, and the id. Without it the list has all. False: it names one that no
 * template has; see e. */
static bool choose(cJSON *t, const char *fields, struct gerr *e)
{
    char name[64];
    cJSON *out = cJSON_CreateObject(), *v;
    for (const char *p = fields; *p;) {
        size_t n = strcspn(p, ",");
        snprintf(name, sizeof name, "%.*s", n < sizeof name ? (int)n : 0, p);
        v = cJSON_DetachItemFromObjectCaseSensitive(t, name);
        if (!v && !cJSON_HasObjectItem(out, name)) {
            *e = (struct gerr){.code = 100};
            snprintf(e->details, sizeof e->details, "Tried accessing nonexisting field (%s)", name);
            cJSON_Delete(out);
            return false;
        }
        if (v)
            cJSON_AddItemToObject(out, name, v);
        p += n + (p[n] == ',');
    }
    v = cJSON_DetachItemFromObjectCaseSensitive(t, "id");
    if (v)
        cJSON_AddItemToObject(out, "id", v);
    while (t->child)
        cJSON_Delete(cJSON_DetachItemViaPointer(t, t->child));
    while (out->child) {
        v = cJSON_DetachItemViaPointer(out, out->child);
        cJSON_AddItemToArray(t, v); /* keeps its name */
    }
    cJSON_Delete(out);
    return true;
}

static void cursor_write(int at, char out[24])
{
    char text[12];
    int n = snprintf(text, sizeof text, "p%d", at);
    char *b64 = base64((const uint8_t *)text, (size_t)n);
    snprintf(out, 24, "%s", b64);
    free(b64);
}

/* The place after which a page starts; -1: it is no cursor of ours. */
static int cursor_read(const char *cursor)
{
    size_t n = 0;
    uint8_t *p = cursor ? unbase64(cursor, &n) : NULL;
    int at = -1;
    if (p && n > 1 && n < 10 && p[0] == 'p' && strspn((char *)p + 1, "0123456789") == n - 1)
        at = atoi((char *)p + 1);
    free(p);
    return at;
}

enum MHD_Result templates_list(struct request *r)
{
    struct sim *s = r->sim;
    const char *fields = http_query(r, "fields"), *after = http_query(r, "after"),
               *host = http_header(r, "Host");
    struct gerr e = {.code = 100, .details = "Invalid cursors values"};
    int from = after ? cursor_read(after) : 0;
    char cursor[24];
    if (from < 0)
        return graph_error(r, &e);
    cJSON *json = cJSON_CreateObject(), *data = cJSON_AddArrayToObject(json, "data");
    pthread_mutex_lock(&s->lock);
    int64_t limit = http_query_int(r, "limit", PAGE_DEFAULT);
    limit = limit < 1 ? 1 : limit > s->conf.template_page ? s->conf.template_page : limit;
    int all = cJSON_GetArraySize(s->conf.templates), i = from;
    bool ok = true;
    for (; ok && i < all && i - from < limit; i++) {
        cJSON *t = template_json(cJSON_GetArrayItem(s->conf.templates, i));
        cJSON_AddItemToArray(data, t);
        ok = !fields || choose(t, fields, &e);
    }
    if (i > from) {
        cJSON *paging = cJSON_AddObjectToObject(json, "paging"),
              *cursors = cJSON_AddObjectToObject(paging, "cursors");
        cursor_write(from, cursor);
        cJSON_AddStringToObject(cursors, "before", cursor);
        cursor_write(i, cursor);
        cJSON_AddStringToObject(cursors, "after", cursor);
        if (i < all) {
            struct sbuf b = {0};
            sbuf_printf(&b, "http://%.200s%s?limit=%lld&after=%s", host ? host : "", r->path,
                        (long long)limit, cursor);
            cJSON_AddStringToObject(paging, "next", b.p);
            sbuf_free(&b);
        }
    }
    s->counts.template_lists++;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    if (ok)
        return http_json(r, 200, json);
    cJSON_Delete(json);
    return graph_error(r, &e);
}

/* ---- what becomes of one ---------------------------------------------------------------------------- */

static void set(cJSON *def, const char *key, const cJSON *v)
{
    cJSON_DeleteItemFromObjectCaseSensitive(def, key);
    cJSON_AddItemToObject(def, key, cJSON_Duplicate(v, true));
}

static cJSON *value_of(const cJSON *def)
{
    char id[24];
    cJSON *value = cJSON_CreateObject();
    id_of(def, id);
    cJSON_AddItemToObject(value, "message_template_id", cJSON_CreateRaw(id));
    cJSON_AddStringToObject(value, "message_template_name", jstr(def, "name"));
    cJSON_AddStringToObject(value, "message_template_language", jstr(def, "language"));
    return value;
}

static void tell(struct sim *s, const char *field, cJSON *value)
{
    webhook_field_locked(s, field, xprint(value));
    cJSON_Delete(value);
}

bool templates_change(struct sim *s, const cJSON *json, char *why, size_t cap)
{
    static const char *const text_keys[] = {"text", "footer", "header_text", "body_parameters",
                                            "header_parameters"};
    const char *name = jstr(json, "name"), *language = jstr(json, "language"), *status = jstr(json, "status"),
               *category = jstr(json, "category"), *quality = jstr(json, "quality");
    cJSON *def, *found = NULL, *value;
    bool silent = jbool(json, "silent", false), components = false;
    if (!name || !language) {
        snprintf(why, cap, "name and language are needed");
        return false;
    }
    pthread_mutex_lock(&s->lock);
    cJSON_ArrayForEach(def, s->conf.templates)
    {
        if (!strcmp(jstr(def, "name"), name) && !strcmp(jstr(def, "language"), language))
            found = def;
    }
    if (!found) {
        pthread_mutex_unlock(&s->lock);
        snprintf(why, cap, "there is no such template");
        return false;
    }
    if (status) {
        set(found, "status", cJSON_GetObjectItemCaseSensitive(json, "status"));
        value = value_of(found);
        cJSON_AddStringToObject(value, "event", status);
        cJSON_AddStringToObject(value, "reason", either(jstr(json, "reason"), "NONE"));
        if (silent)
            cJSON_Delete(value);
        else
            tell(s, "message_template_status_update", value);
    }
    if (category) {
        value = value_of(found);
        cJSON_AddStringToObject(value, "previous_category", either(jstr(found, "category"), "UTILITY"));
        cJSON_AddStringToObject(value, "new_category", category);
        set(found, "category", cJSON_GetObjectItemCaseSensitive(json, "category"));
        if (silent)
            cJSON_Delete(value);
        else
            tell(s, "template_category_update", value);
    }
    if (quality) {
        value = value_of(found);
        cJSON_AddStringToObject(value, "previous_quality_score", either(jstr(found, "quality"), "UNKNOWN"));
        cJSON_AddStringToObject(value, "new_quality_score", quality);
        set(found, "quality", cJSON_GetObjectItemCaseSensitive(json, "quality"));
        if (silent)
            cJSON_Delete(value);
        else
            tell(s, "message_template_quality_update", value);
    }
    for (size_t i = 0; i < sizeof text_keys / sizeof text_keys[0]; i++) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(json, text_keys[i]);
        if (v) {
            set(found, text_keys[i], v);
            components = true;
        }
    }
    if (components && !silent) {
        value = value_of(found);
        cJSON_AddStringToObject(value, "message_template_element", either(jstr(found, "text"), name));
        tell(s, "message_template_components_update", value);
    }
    pthread_mutex_unlock(&s->lock);
    return true;
}
