/* The documented rules of an outbound body: which fields, of which type, how long, and which error otherwise.
 *
 * Pure: a body and what the rules know of the account go in, a verdict comes out. Everything that is not
 * documented is refused, so that a gateway cannot come to rely on leniency. Codes: 100 for an unknown field,
 * a wrong JSON type or a wrong length; 131008 for what is missing; 131009 for a value out of its set; 131051
 * for a message type that does not exist. The 24-hour window is no rule of the body: graph.c asks for it. */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool rules_fail(struct rules *r, int code, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    r->out->error = (struct gerr){.code = code};
    vsnprintf(r->out->error.details, sizeof r->out->error.details, format, ap);
    va_end(ap);
    return false;
}

struct at rules_key(const struct at *parent, const char *key)
{
    struct at a = {.v = cJSON_GetObjectItemCaseSensitive(parent->v, key)};
    if (parent->path[0])
        snprintf(a.path, sizeof a.path, "%.80s['%.32s']", parent->path, key);
    else
        snprintf(a.path, sizeof a.path, "%.32s", key);
    return a;
}

struct at rules_item(const struct at *parent, const cJSON *item, int index)
{
    struct at a = {.v = item};
    snprintf(a.path, sizeof a.path, "%.100s[%d]", parent->path, index);
    return a;
}

static bool listed(const char *const *keys, const char *key)
{
    for (; *keys; keys++) {
        if (!strcmp(*keys, key))
            return true;
    }
    return false;
}

bool rules_object(struct rules *r, const struct at *a, const char *const *keys)
{
    const char *where = a->path[0] ? a->path : "body";
    if (!a->v)
        return rules_fail(r, 131008, "The parameter %s is required.", where);
    if (!cJSON_IsObject(a->v))
        return rules_fail(r, 100, "Param %s must be a JSON object.", where);
    for (const cJSON *v = a->v->child; v; v = v->next) {
        if (!listed(keys, v->string))
            return rules_fail(r, 100, "Unexpected key \"%.60s\" on param \"%s\".", v->string, where);
        if (cJSON_GetObjectItemCaseSensitive(a->v, v->string) != v)
            return rules_fail(r, 100, "Key \"%.60s\" is given twice on param \"%s\".", v->string, where);
    }
    return true;
}

bool rules_text(struct rules *r, const struct at *parent, const char *key, int need, size_t min, size_t max)
{
    struct at a = rules_key(parent, key);
    if (!a.v)
        return need == OPTIONAL || rules_fail(r, 131008, "The parameter %s is required.", a.path);
    if (!cJSON_IsString(a.v))
        return rules_fail(r, 100, "Param %s must be a string.", a.path);
    size_t n = utf8_count(a.v->valuestring);
    if (n < min || n > max)
        return rules_fail(r, 100, "Param %s must be %zu to %zu characters long, it has %zu.", a.path, min,
                          max, n);
    return true;
}

bool rules_array(struct rules *r, const struct at *parent, const char *key, int min, int max, struct at *out)
{
    struct at a = rules_key(parent, key);
    if (!a.v)
        return rules_fail(r, 131008, "The parameter %s is required.", a.path);
    if (!cJSON_IsArray(a.v))
        return rules_fail(r, 100, "Param %s must be an array.", a.path);
    int n = cJSON_GetArraySize(a.v);
    if (n < min || n > max)
        return rules_fail(r, 131009, "Param %s must have %d to %d elements, it has %d.", a.path, min, max, n);
    *out = a;
    return true;
}

bool rules_link(struct rules *r, const struct at *parent, const char *key)
{
    if (!rules_text(r, parent, key, REQUIRED, 1, 2048))
        return false;
    struct at a = rules_key(parent, key);
    const char *url = a.v->valuestring;
    if ((strncmp(url, "https://", 8) || !url[8]) && (strncmp(url, "http://", 7) || !url[7]))
        return rules_fail(r, 131009, "Param %s is not a valid URI.", a.path);
    if (strpbrk(url, " \t\r\n"))
        return rules_fail(r, 131009, "Param %s has white space in it.", a.path);
    return true;
}

/* Which MIME types an image, a video … may have. A document may be of any type that can be uploaded. */
static bool kind_takes(const char *kind, const char *type)
{
    if (!strcmp(kind, "document"))
        return true;
    if (!strcmp(kind, "sticker"))
        return !strncmp(type, "image/webp", 10);
    if (!strcmp(kind, "image"))
        return !strncmp(type, "image/jpeg", 10) || !strncmp(type, "image/png", 9);
    size_t n = strlen(kind);
    return !strncmp(type, kind, n) && type[n] == '/';
}

bool rules_media(struct rules *r, const struct at *parent, const char *kind)
{
    static const char *const image[] = {"id", "link", "caption", NULL};
    static const char *const audio[] = {"id", "link", "voice", NULL};
    static const char *const document[] = {"id", "link", "caption", "filename", NULL};
    static const char *const sticker[] = {"id", "link", NULL};
    struct at a = rules_key(parent, kind);
    const char *const *keys = !strcmp(kind, "audio")      ? audio
                              : !strcmp(kind, "document") ? document
                              : !strcmp(kind, "sticker")  ? sticker
                                                          : image;
    if (!rules_object(r, &a, keys))
        return false;
    struct at id = rules_key(&a, "id"), link = rules_key(&a, "link"), voice = rules_key(&a, "voice");
    if (!id.v == !link.v)
        return rules_fail(r, id.v ? 100 : 131008, "Param %s must have either id or link.", a.path);
    if (link.v && !rules_link(r, &a, "link"))
        return false;
    if (id.v) {
        if (!rules_text(r, &a, "id", REQUIRED, 1, MEDIA_ID_MAX - 1))
            return false;
        const char *type = r->env->media_type(r->env->arg, id.v->valuestring);
        if (!type)
            return rules_fail(r, 131009, "Param %s is not a valid media id of this account.", id.path);
        if (!kind_takes(kind, type))
            return rules_fail(r, 131053, "Media of type %.60s cannot be sent as %s.", type, kind);
    }
    if (voice.v && !cJSON_IsBool(voice.v))
        return rules_fail(r, 100, "Param %s must be a boolean.", voice.path);
    return rules_text(r, &a, "caption", OPTIONAL, 1, 1024) && rules_text(r, &a, "filename", OPTIONAL, 1, 240);
}

static bool check_text(struct rules *r, const struct at *a)
{
    static const char *const keys[] = {"body", "preview_url", NULL};
    struct at preview = rules_key(a, "preview_url");
    if (!rules_object(r, a, keys) || !rules_text(r, a, "body", REQUIRED, 1, 4096))
        return false;
    if (preview.v && !cJSON_IsBool(preview.v))
        return rules_fail(r, 100, "Param %s must be a boolean.", preview.path);
    return true;
}

/* The published schema says strings, clients also send numbers: both are taken. */
static bool coordinate(struct rules *r, const struct at *parent, const char *key, double limit)
{
    struct at a = rules_key(parent, key);
    double x = 0;
    char rest;
    if (!a.v)
        return rules_fail(r, 131008, "The parameter %s is required.", a.path);
    if (cJSON_IsNumber(a.v))
        x = a.v->valuedouble;
    else if (!cJSON_IsString(a.v) || sscanf(a.v->valuestring, "%lf%c", &x, &rest) != 1)
        return rules_fail(r, 100, "Param %s must be a number.", a.path);
    if (!(x >= -limit && x <= limit))
        return rules_fail(r, 131009, "Param %s must be between -%g and %g.", a.path, limit, limit);
    return true;
}

static bool check_location(struct rules *r, const struct at *a)
{
    static const char *const keys[] = {"latitude", "longitude", "name", "address", NULL};
    return rules_object(r, a, keys) && coordinate(r, a, "latitude", 90) &&
           coordinate(r, a, "longitude", 180) && rules_text(r, a, "name", OPTIONAL, 1, 1000) &&
           rules_text(r, a, "address", OPTIONAL, 1, 1000);
}

static bool is_wamid(const char *id)
{
    return !strncmp(id, "wamid.", 6) && id[6] && strlen(id) < WAMID_MAX;
}

static bool check_reaction(struct rules *r, const struct at *a)
{
    static const char *const keys[] = {"message_id", "emoji", NULL};
    if (!rules_object(r, a, keys) || !rules_text(r, a, "message_id", REQUIRED, 1, 200) ||
        !rules_text(r, a, "emoji", REQUIRED, 0, 16))
        return false;
    struct at id = rules_key(a, "message_id"), emoji = rules_key(a, "emoji");
    if (!is_wamid(id.v->valuestring))
        return rules_fail(r, 131009, "Param %s is not a message id.", id.path);
    const char *p = emoji.v->valuestring;
    while (*p && (uint8_t)*p < 0x80) /* a keycap begins with its ASCII digit, but is not ASCII as a whole */
        p++;
    if (emoji.v->valuestring[0] && !*p)
        return rules_fail(r, 131009, "Param %s is not an emoji.", emoji.path);
    return true;
}

static bool check_contacts(struct rules *r, const struct at *top)
{
    static const char *const keys[] = {"addresses", "birthday", "emails", "name",
                                       "org",       "phones",   "urls",   NULL};
    static const char *const names[] = {"formatted_name", "first_name", "last_name", "middle_name",
                                        "suffix",         "prefix",     NULL};
    static const char *const phone_keys[] = {"phone", "type", "wa_id", NULL};
    struct at list;
    if (!rules_array(r, top, "contacts", 1, 257, &list))
        return false;
    int i = 0;
    for (const cJSON *v = list.v->child; v; v = v->next, i++) {
        struct at a = rules_item(&list, v, i), name = rules_key(&a, "name"), phones = rules_key(&a, "phones");
        if (!rules_object(r, &a, keys) || !rules_object(r, &name, names))
            return false;
        for (const char *const *k = names; *k; k++) {
            if (!rules_text(r, &name, *k, k == names ? REQUIRED : OPTIONAL, 1, 1000))
                return false;
        }
        if (cJSON_GetArraySize(name.v) < 2)
            return rules_fail(r, 131009, "Param %s needs one more name beside formatted_name.", name.path);
        if (phones.v && !rules_array(r, &a, "phones", 1, 50, &phones))
            return false;
        int j = 0;
        for (const cJSON *p = phones.v ? phones.v->child : NULL; p; p = p->next, j++) {
            struct at phone = rules_item(&phones, p, j);
            if (!rules_object(r, &phone, phone_keys) || !rules_text(r, &phone, "phone", OPTIONAL, 1, 60) ||
                !rules_text(r, &phone, "type", OPTIONAL, 1, 30) ||
                !rules_text(r, &phone, "wa_id", OPTIONAL, 1, 20))
                return false;
        }
    }
    return true;
}

static bool check_read(struct rules *r, const struct at *top)
{
    static const char *const keys[] = {"messaging_product", "status", "message_id", "typing_indicator", NULL};
    static const char *const typing_keys[] = {"type", NULL};
    if (!rules_object(r, top, keys) || !rules_text(r, top, "status", REQUIRED, 1, 20) ||
        !rules_text(r, top, "message_id", REQUIRED, 1, 200))
        return false;
    struct at status = rules_key(top, "status"), typing = rules_key(top, "typing_indicator");
    if (strcmp(status.v->valuestring, "read"))
        return rules_fail(r, 131009, "Param status must be \"read\".");
    if (typing.v) {
        struct at type = rules_key(&typing, "type");
        if (!rules_object(r, &typing, typing_keys) || !rules_text(r, &typing, "type", REQUIRED, 1, 20))
            return false;
        if (strcmp(type.v->valuestring, "text"))
            return rules_fail(r, 131009, "Param %s must be \"text\".", type.path);
        r->out->typing = true;
    }
    r->out->kind = BODY_READ;
    r->out->message_id = jstr(top->v, "message_id");
    return true;
}

static bool check_party(struct rules *r, const struct at *top)
{
    struct verdict *out = r->out;
    struct at type = rules_key(top, "recipient_type");
    if (!rules_text(r, top, "to", OPTIONAL, 1, USER_ID_MAX - 1) ||
        !rules_text(r, top, "recipient", OPTIONAL, 1, USER_ID_MAX - 1))
        return false;
    out->to = jstr(top->v, "to");
    out->recipient = jstr(top->v, "recipient");
    if (!out->to && !out->recipient)
        return rules_fail(r, 131008, "The parameter to (or recipient) is required.");
    if (type.v && (!cJSON_IsString(type.v) || strcmp(type.v->valuestring, "individual")))
        return rules_fail(r, 131009, "Param recipient_type must be \"individual\".");
    if (out->recipient && !is_user_id(out->recipient))
        return rules_fail(r, 131009, "Param recipient is not a business-scoped user id.");
    if (!out->to)
        return true;
    if (is_user_id(out->to)) { /* accepted and dropped, as the real service does */
        out->to_is_user_id = true;
        return true;
    }
    if (*out->to == '+')
        out->to++;
    if (!is_digits(out->to, 7, 15))
        return rules_fail(r, 131009, "Param to must be a phone number with its country code, digits only.");
    if (!strcmp(out->to, r->env->display_phone_number))
        return rules_fail(r, 131021, "Recipient phone number cannot be the same as the sender phone number.");
    return true;
}

static bool check_content(struct rules *r, const struct at *top, const char *type)
{
    static const char *const media[] = {"image", "document", "audio", "video", "sticker"};
    struct at a = rules_key(top, type);
    for (size_t i = 0; i < sizeof media / sizeof media[0]; i++) {
        if (!strcmp(type, media[i]))
            return rules_media(r, top, type);
    }
    if (!strcmp(type, "text"))
        return check_text(r, &a);
    if (!strcmp(type, "location"))
        return check_location(r, &a);
    if (!strcmp(type, "reaction"))
        return check_reaction(r, &a);
    if (!strcmp(type, "contacts"))
        return check_contacts(r, top);
    if (!strcmp(type, "interactive"))
        return rules_interactive(r, &a);
    if (!strcmp(type, "template"))
        return rules_template(r, &a);
    return rules_fail(r, 131051, "Message type \"%.40s\" is not supported.", type);
}

static bool check_context(struct rules *r, const struct at *top)
{
    static const char *const keys[] = {"message_id", NULL};
    struct at a = rules_key(top, "context");
    if (!a.v)
        return true;
    struct at id = rules_key(&a, "message_id");
    if (!rules_object(r, &a, keys) || !rules_text(r, &a, "message_id", REQUIRED, 1, 200))
        return false;
    return is_wamid(id.v->valuestring) || rules_fail(r, 131009, "Param %s is not a message id.", id.path);
}

bool rules_check(const struct rules_env *env, const cJSON *body, struct verdict *out)
{
    *out = (struct verdict){0};
    struct rules r = {.env = env, .out = out};
    struct at top = {.v = body};
    const char *keys[] = {"messaging_product", "recipient_type",           "to", "recipient", "type",
                          "context",           "biz_opaque_callback_data", NULL, NULL};
    if (!cJSON_IsObject(body))
        return rules_fail(&r, 100, "The body must be one JSON object.");
    const char *product = jstr(body, "messaging_product");
    if (!product)
        return rules_fail(&r, 100, "The parameter messaging_product is required.");
    if (strcmp(product, "whatsapp"))
        return rules_fail(&r, 100, "Param messaging_product must be one of {WHATSAPP} in lower case.");
    if (cJSON_GetObjectItemCaseSensitive(body, "status"))
        return check_read(&r, &top);

    struct at type = rules_key(&top, "type");
    if (type.v && !cJSON_IsString(type.v))
        return rules_fail(&r, 100, "Param type must be a string.");
    out->kind = BODY_MESSAGE;
    out->type = type.v ? type.v->valuestring : "text"; /* documented: the default is text */
    keys[7] = out->type;
    if (!rules_object(&r, &top, keys) || !check_party(&r, &top) || !check_context(&r, &top) ||
        !rules_text(&r, &top, "biz_opaque_callback_data", OPTIONAL, 1, 512))
        return false;
    out->callback_data = jstr(body, "biz_opaque_callback_data");
    return check_content(&r, &top, out->type);
}
