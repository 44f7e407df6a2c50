/* What Infobip's documentation says of each outbound message: tables for check.c, and the rules that hold
 * between members. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define END                                                                                                  \
    {                                                                                                        \
        0                                                                                                    \
    }
#define TYPE_ONLY                                                                                            \
    {                                                                                                        \
        "type", F_TEXT, true, 1, 40, NULL, NULL, NULL                                                        \
    }
#define TEXT(key, need, min, max)                                                                            \
    {                                                                                                        \
        key, F_TEXT, need, min, max, NULL, NULL, NULL                                                        \
    }
#define URL(key, need)                                                                                       \
    {                                                                                                        \
        key, F_URL, need, 0, 0, NULL, NULL, NULL                                                             \
    }
#define NUMBER(key, need, min, max)                                                                          \
    {                                                                                                        \
        key, F_NUMBER, need, min, max, NULL, NULL, NULL                                                      \
    }
#define BOOL(key)                                                                                            \
    {                                                                                                        \
        key, F_BOOL, false, 0, 0, NULL, NULL, NULL                                                           \
    }
#define OBJECT(key, need, of)                                                                                \
    {                                                                                                        \
        key, F_OBJECT, need, 0, 0, of, NULL, NULL                                                            \
    }
#define ANY_OBJECT(key)                                                                                      \
    {                                                                                                        \
        key, F_OBJECT, false, 0, 0, NULL, NULL, NULL                                                         \
    }
#define LIST(key, need, min, max, of)                                                                        \
    {                                                                                                        \
        key, F_LIST, need, min, max, of, NULL, NULL                                                          \
    }
#define VARIANT(key, need, v)                                                                                \
    {                                                                                                        \
        key, F_VARIANT, need, 0, 0, NULL, v, NULL                                                            \
    }
#define VARIANTS(key, need, min, max, v)                                                                     \
    {                                                                                                        \
        key, F_VARIANTS, need, min, max, NULL, v, NULL                                                       \
    }
#define WORDS(key, need, w)                                                                                  \
    {                                                                                                        \
        key, F_TEXT, need, 0, 0, NULL, NULL, w                                                               \
    }

/* ---- content, by kind ---- */

static const struct field text[] = {TEXT("text", true, 1, 4096), BOOL("previewUrl"), END};
static const struct field captioned[] = {URL("mediaUrl", true), TEXT("caption", false, 0, 3000), END};
static const struct field document[] = {URL("mediaUrl", true), TEXT("caption", false, 0, 3000),
                                        TEXT("filename", false, 0, 240), END};
static const struct field plain_media[] = {URL("mediaUrl", true), END};
static const struct field location[] = {NUMBER("latitude", true, -90, 90),
                                        NUMBER("longitude", true, -180, 180), TEXT("name", false, 0, 1000),
                                        TEXT("address", false, 0, 1000), END};

static const char *const phone_types[] = {"CELL", "MAIN", "IPHONE", "HOME", "WORK", NULL};
static const char *const place_types[] = {"HOME", "WORK", NULL};
static const struct field address[] = {TEXT("street", false, 0, 999),     TEXT("city", false, 0, 999),
                                       TEXT("state", false, 0, 999),      TEXT("zip", false, 0, 999),
                                       TEXT("country", false, 0, 999),    TEXT("countryCode", false, 0, 999),
                                       WORDS("type", false, place_types), END};
static const struct field email[] = {TEXT("email", false, 0, 999), WORDS("type", false, place_types), END};
static const struct field page[] = {TEXT("url", false, 0, 2048), WORDS("type", false, place_types), END};
static const struct field phone[] = {TEXT("phone", false, 0, 999), WORDS("type", false, phone_types),
                                     TEXT("waId", false, 0, 999), END};
static const struct field name[] = {TEXT("firstName", true, 1, 999),
                                    TEXT("lastName", false, 0, 999),
                                    TEXT("middleName", false, 0, 999),
                                    TEXT("nameSuffix", false, 0, 999),
                                    TEXT("namePrefix", false, 0, 999),
                                    TEXT("formattedName", true, 1, 999),
                                    END};
static const struct field org[] = {TEXT("company", false, 0, 999), TEXT("department", false, 0, 999),
                                   TEXT("title", false, 0, 999), END};
static const struct field one_contact[] = {LIST("addresses", false, 0, 99, address),
                                           TEXT("birthday", false, 10, 10),
                                           LIST("emails", false, 0, 99, email),
                                           OBJECT("name", true, name),
                                           OBJECT("org", false, org),
                                           LIST("phones", false, 0, 99, phone),
                                           LIST("urls", false, 0, 99, page),
                                           END};
static const struct field contact[] = {LIST("contacts", true, 1, 99, one_contact), END};

static const struct field body[] = {TEXT("text", true, 1, 1024), END};
static const struct field footer[] = {TEXT("text", true, 1, 60), END};
static const struct field header_text[] = {TYPE_ONLY, TEXT("text", true, 1, 60), END};
static const struct field header_media[] = {TYPE_ONLY, URL("mediaUrl", true), END};
static const struct field header_file[] = {TYPE_ONLY, URL("mediaUrl", true), TEXT("filename", false, 0, 240),
                                           END};
static const struct variant headers[] = {
    {"TEXT", header_text}, {"IMAGE", header_media}, {"VIDEO", header_media}, {"DOCUMENT", header_file}, END};
static const struct variant text_headers[] = {{"TEXT", header_text}, END};
static const struct field reply[] = {TYPE_ONLY, TEXT("id", true, 1, 256), TEXT("title", true, 1, 20), END};
static const struct variant reply_buttons[] = {{"REPLY", reply}, END};
static const struct field buttons_action[] = {VARIANTS("buttons", true, 1, 3, reply_buttons), END};
static const struct field buttons[] = {OBJECT("body", true, body), OBJECT("action", true, buttons_action),
                                       VARIANT("header", false, headers), OBJECT("footer", false, footer),
                                       END};
static const struct field row[] = {TEXT("id", true, 1, 200), TEXT("title", true, 1, 24),
                                   TEXT("description", false, 0, 72), END};
static const struct field section[] = {TEXT("title", false, 0, 24), LIST("rows", true, 1, 10, row), END};
static const struct field list_action[] = {TEXT("title", true, 1, 20), LIST("sections", true, 1, 10, section),
                                           END};
static const struct field list[] = {OBJECT("body", true, body), OBJECT("action", true, list_action),
                                    VARIANT("header", false, text_headers), OBJECT("footer", false, footer),
                                    END};
static const struct field url_action[] = {TEXT("displayText", true, 1, 20), URL("url", true), END};
static const struct field url_button[] = {OBJECT("body", true, body), OBJECT("action", true, url_action),
                                          VARIANT("header", false, headers), OBJECT("footer", false, footer),
                                          END};
static const struct field location_request[] = {OBJECT("body", true, body), END};
static const char *const flow_modes[] = {"DRAFT", "PUBLISHED", NULL};
static const char *const flow_actions[] = {"NAVIGATE", "DATA_EXCHANGE", NULL};
static const struct field flow_payload[] = {TEXT("screen", true, 1, 999), ANY_OBJECT("data"), END};
static const struct field flow_action[] = {WORDS("mode", false, flow_modes),
                                           NUMBER("flowMessageVersion", true, 3, 3),
                                           TEXT("flowToken", true, 1, 3000),
                                           TEXT("flowId", true, 1, 999),
                                           TEXT("callToActionButton", true, 1, 20),
                                           WORDS("flowAction", false, flow_actions),
                                           OBJECT("flowActionPayload", false, flow_payload),
                                           END};
static const struct field flow[] = {OBJECT("body", true, body), OBJECT("action", true, flow_action),
                                    VARIANT("header", false, text_headers), OBJECT("footer", false, footer),
                                    END};

/* ---- templates ---- */

static const struct field placeholder[] = {TEXT(NULL, true, 1, 1024)};
static const struct field template_body[] = {LIST("placeholders", true, 0, 99, placeholder), END};
static const struct field t_text[] = {TYPE_ONLY, TEXT("placeholder", true, 1, 60), END};
static const struct field t_media[] = {TYPE_ONLY, URL("mediaUrl", true), END};
static const struct field t_file[] = {TYPE_ONLY, URL("mediaUrl", true), TEXT("filename", true, 1, 240), END};
static const struct field t_place[] = {TYPE_ONLY, NUMBER("latitude", true, -90, 90),
                                       NUMBER("longitude", true, -180, 180), END};
static const struct variant t_headers[] = {{"TEXT", t_text},     {"IMAGE", t_media},    {"VIDEO", t_media},
                                           {"DOCUMENT", t_file}, {"LOCATION", t_place}, END};
static const struct field t_reply[] = {TYPE_ONLY, TEXT("parameter", true, 1, 128), END};
static const struct field t_url[] = {TYPE_ONLY, TEXT("parameter", true, 1, 2000), END};
static const struct field t_code[] = {TYPE_ONLY, TEXT("parameter", true, 1, 15), END};
static const struct field t_flow[] = {TYPE_ONLY, TEXT("flowToken", false, 0, 3000), ANY_OBJECT("data"), END};
static const struct variant t_buttons[] = {
    {"QUICK_REPLY", t_reply}, {"URL", t_url}, {"COPY_CODE", t_code}, {"FLOW", t_flow}, END};
static const struct field template_data[] = {OBJECT("body", true, template_body),
                                             VARIANT("header", false, t_headers),
                                             VARIANTS("buttons", false, 0, 10, t_buttons), END};
static const struct field template_content[] = {TEXT("templateName", true, 1, 512),
                                                OBJECT("templateData", true, template_data),
                                                TEXT("language", true, 1, 20), END};

/* ---- the message ---- */

static const struct field context[] = {TEXT("replyToMessageId", true, 1, 200), END};
#define ENVELOPE(content)                                                                                    \
    {                                                                                                        \
        TEXT("from", true, 1, 24), TEXT("to", true, 1, 150), TEXT("messageId", false, 0, 200),               \
            OBJECT("content", true, content), TEXT("callbackData", false, 0, 4000), URL("notifyUrl", false), \
            OBJECT("context", false, context), TEXT("entityId", false, 0, 255),                              \
            TEXT("applicationId", false, 0, 255), END                                                        \
    }
static const struct kind {
    const char *name;
    struct field envelope[10];
} kinds[] = {
    {"text", ENVELOPE(text)},
    {"image", ENVELOPE(captioned)},
    {"video", ENVELOPE(captioned)},
    {"document", ENVELOPE(document)},
    {"audio", ENVELOPE(plain_media)},
    {"sticker", ENVELOPE(plain_media)},
    {"location", ENVELOPE(location)},
    {"contact", ENVELOPE(contact)},
    {"interactive/buttons", ENVELOPE(buttons)},
    {"interactive/list", ENVELOPE(list)},
    {"interactive/url-button", ENVELOPE(url_button)},
    {"interactive/location-request", ENVELOPE(location_request)},
    {"interactive/flow", ENVELOPE(flow)},
    {"template", ENVELOPE(template_content)},
};

/* ---- between members ---- */

static const cJSON *at(const cJSON *v, const char *path)
{
    char key[64];

    while (v && *path) {
        size_t n = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)n, path);
        v = cJSON_GetObjectItemCaseSensitive(v, key);
        path += n + (path[n] == '.');
    }
    return v;
}

static bool digits(const char *s, size_t min, size_t max)
{
    size_t n = strspn(s, "0123456789");

    return !s[n] && n >= min && n <= max;
}

/* CO.123, CO.ENT.123 */
static bool user_id(const char *s)
{
    return s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z' && s[2] == '.' && s[3];
}

static void unique(struct check *c, const cJSON *items, const char *key, const char *path, const cJSON **seen,
                   size_t *n)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, items)
    {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(item, key);
        if (!cJSON_IsString(v) || *n == 100)
            continue;
        for (size_t i = 0; i < *n; i++)
            if (!strcmp(seen[i]->valuestring, v->valuestring))
                violate(c, path, "%s must be unique", key);
        seen[(*n)++] = v;
    }
}

static void check_buttons(struct check *c, const cJSON *content)
{
    const cJSON *seen[100], *items = at(content, "action.buttons"), *b;
    size_t n = 0;

    unique(c, items, "id", "content.action.buttons", seen, &n);
    n = 0;
    unique(c, items, "title", "content.action.buttons", seen, &n);
    cJSON_ArrayForEach(b, items)
    {
        const char *id = member(b, "id");
        if (id && *id && (strchr(" \t\n", id[0]) || strchr(" \t\n", id[strlen(id) - 1])))
            violate(c, "content.action.buttons", "id must not start or end with whitespace");
    }
}

static void check_sections(struct check *c, const cJSON *content)
{
    const cJSON *seen[100], *sections = at(content, "action.sections"), *s;
    size_t n = 0;
    int rows = 0;

    cJSON_ArrayForEach(s, sections)
    {
        const char *title = member(s, "title");
        rows += cJSON_GetArraySize(at(s, "rows"));
        unique(c, at(s, "rows"), "id", "content.action.sections", seen, &n);
        if (cJSON_GetArraySize(sections) > 1 && (!title || !*title))
            violate(c, "content.action.sections", "title is required if there is more than one section");
    }
    if (rows > 10)
        violate(c, "content.action.sections", "a message can have up to ten rows");
}

static void check_flow(struct check *c, const cJSON *content)
{
    const char *action = member(at(content, "action"), "flowAction");
    bool payload = at(content, "action.flowActionPayload") != NULL;

    if ((!action || !strcmp(action, "NAVIGATE")) != payload)
        violate(c, "content.action.flowActionPayload", "is required with NAVIGATE and must be left out else");
}

/* How many different {{…}} a text has. */
static int places(const char *s)
{
    int n = 0;

    for (; s && (s = strstr(s, "{{")) != NULL; s += 2)
        n++;
    return n;
}

static bool takes_parameter(const cJSON *button)
{
    const char *type = member(button, "type");

    return type && (!strcmp(type, "QUICK_REPLY") || !strcmp(type, "COPY_CODE") || !strcmp(type, "FLOW") ||
                    (!strcmp(type, "URL") && places(member(button, "url")) > 0));
}

static void check_template_buttons(struct check *c, const cJSON *known, const cJSON *sent)
{
    const cJSON *b = sent ? sent->child : NULL, *k;
    bool must_have = false;

    cJSON_ArrayForEach(k, known)
    {
        const char *type = member(k, "type");
        if (!takes_parameter(k))
            continue;
        must_have |= !strcmp(type, "URL") || !strcmp(type, "COPY_CODE");
        if (sent && (!b || !member(b, "type") || strcmp(member(b, "type"), type) != 0))
            violate(c, "content.templateData.buttons", "do not match the registered buttons");
        b = b ? b->next : NULL;
    }
    if (b)
        violate(c, "content.templateData.buttons", "are more than the registered ones with parameters");
    if (must_have && !sent)
        violate(c, "content.templateData.buttons", "must be given, as the template has dynamic ones");
}

static void check_template(struct check *c, const cJSON *content)
{
    const char *wanted = member(content, "templateName"), *language = member(content, "language"), *format,
               *type = member(at(content, "templateData.header"), "type");
    const cJSON *t;
    int need;

    cJSON_ArrayForEach(t, c->templates) if (wanted && language && !strcmp(wanted, member(t, "name")) &&
                                            !strcmp(language, member(t, "language"))) break;
    if (!t || strcmp(member(t, "status"), "APPROVED") != 0) {
        violate(c, "content.templateName", t ? "is not approved" : "is not registered in this language");
        return;
    }
    need = places(member(at(t, "structure.body"), "text"));
    if (cJSON_GetArraySize(at(content, "templateData.body.placeholders")) != need)
        violate(c, "content.templateData.body.placeholders", "must be %d", need);
    format = member(at(t, "structure.header"), "format");
    if (format && !strcmp(format, "TEXT") && places(member(at(t, "structure.header"), "text")) == 0)
        format = NULL; /* fixed: takes nothing */
    if ((format == NULL) != (type == NULL) || (format && strcmp(format, type) != 0))
        violate(c, "content.templateData.header", "must be as registered: %s", format ? format : "none");
    check_template_buttons(c, at(t, "structure.buttons"), at(content, "templateData.buttons"));
}

static void check_message(struct check *c, const struct kind *k, const cJSON *m)
{
    const char *to = member(m, "to"), *from = member(m, "from");
    const cJSON *content = at(m, "content");

    check_object(c, m, "", k->envelope);
    if (from && strcmp(from, c->sender) != 0)
        violate(c, "from", "is not a registered sender");
    if (to && !digits(to + (*to == '+'), 7, 15) && !user_id(to))
        violate(c, "to", "is not a number in international format or a user id");
    if (!strcmp(k->name, "interactive/buttons"))
        check_buttons(c, content);
    else if (!strcmp(k->name, "interactive/list"))
        check_sections(c, content);
    else if (!strcmp(k->name, "interactive/flow"))
        check_flow(c, content);
    else if (!strcmp(k->name, "template"))
        check_template(c, content);
}

bool rules_check(struct check *c, const char *kind, const cJSON *sent)
{
    const struct kind *k;
    const cJSON *m, *v, *messages;

    for (k = kinds; k < kinds + sizeof kinds / sizeof *kinds && strcmp(k->name, kind) != 0; k++)
        ;
    if (k == kinds + sizeof kinds / sizeof *kinds)
        return false;
    if (strcmp(kind, "template") != 0) {
        check_message(c, k, sent);
        return true;
    }
    messages = cJSON_GetObjectItemCaseSensitive(sent, "messages");
    cJSON_ArrayForEach(v, sent) if (strcmp(v->string, "messages") != 0 && strcmp(v->string, "bulkId") != 0)
        violate(c, v->string, "is not a known property");
    if (!cJSON_IsArray(messages) || !messages->child)
        violate(c, "messages", "must not be empty");
    cJSON_ArrayForEach(m, messages) check_message(c, k, m);
    return true;
}

const char *template_wrong(const cJSON *t)
{
    if (!cJSON_IsObject(t) || !member(t, "name") || !member(t, "language") || !member(t, "status") ||
        !member(t, "category"))
        return "a template needs name, language, status and category";
    if (!member(at(t, "structure.body"), "text"))
        return "a template needs structure.body.text";
    return NULL;
}

const char *media_url_of(const cJSON *content)
{
    static const char *const where[] = {"", "header", "templateData.header"};
    const char *url;

    for (size_t i = 0; i < sizeof where / sizeof *where; i++)
        if ((url = member(at(content, where[i]), "mediaUrl")) != NULL)
            return url;
    return NULL;
}
