/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "content.h"

#include "text.h"

#include <hilo/message.h>
#include <stdlib.h>

/* A string of the message, which is not NUL-ended. True where it is absent. */
static bool put_str(cJSON *o, const char *name, struct hilo_str s)
{
    char *copy;
    bool ok;

    if (s.n == 0)
        return true;
    copy = malloc(s.n + 1);
    if (!copy)
        return false;
    memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    ok = cJSON_AddStringToObject(o, name, copy) != NULL;
    free(copy);
    return ok;
}

static bool put_field(cJSON *o, const char *name, struct hilo_str group, uint32_t tag)
{
    return put_str(o, name, hilo_get_str(group, tag));
}

static bool put_id(cJSON *o, const char *name, const char *prefix, struct hilo_str group, uint32_t tag)
{
    static const struct hilo_id none;
    struct hilo_id id = hilo_get_id(group, tag);
    char text[POS_TEXT_ID];

    if (memcmp(&id, &none, sizeof id) == 0)
        return true;
    pos_text_of_id(text, prefix, id);
    return cJSON_AddStringToObject(o, name, text) != NULL;
}

static const char *media_kind(uint64_t kind)
{
#define HILO_MEDIA(name, value, text)                                                                        \
    if (kind == (value))                                                                                     \
        return text;
#include <hilo/values.def>
    return "document";
}

static bool put_choices(cJSON *o, struct hilo_str content)
{
    cJSON *list = cJSON_AddArrayToObject(o, "choices"), *one;
    struct hilo_field f;

    if (!list || !put_field(o, "header", content, HILO_T_CONTENT_HEADER) ||
        !put_field(o, "text", content, HILO_T_CONTENT_TEXT) ||
        !put_field(o, "footer", content, HILO_T_CONTENT_FOOTER))
        return false;
    while (hilo_next(&content, &f) == 1) {
        if (f.tag != HILO_T_CONTENT_CHOICES)
            continue;
        one = cJSON_CreateObject();
        if (!one || !cJSON_AddItemToArray(list, one)) {
            cJSON_Delete(one);
            return false;
        }
        if (!put_field(one, "id", f.val, HILO_T_CHOICE_ID) ||
            !put_field(one, "title", f.val, HILO_T_CHOICE_TITLE) ||
            !put_field(one, "description", f.val, HILO_T_CHOICE_DESCRIPTION))
            return false;
    }
    return true;
}

static bool put_content(cJSON *params, struct hilo_str content, uint64_t type)
{
    cJSON *o = cJSON_AddObjectToObject(params, "content");

    if (!o)
        return false;
    switch (type) {
    case HILO_CONTENT_TEXT:
        return cJSON_AddStringToObject(o, "type", "text") &&
               put_field(o, "text", content, HILO_T_CONTENT_TEXT);
    case HILO_CONTENT_MEDIA:
        return cJSON_AddStringToObject(o, "type", "media") &&
               cJSON_AddStringToObject(o, "kind", media_kind(hilo_get_u64(content, HILO_T_CONTENT_KIND))) &&
               put_id(o, "media", "med", content, HILO_T_CONTENT_MEDIA) &&
               put_field(o, "url", content, HILO_T_CONTENT_URL) &&
               put_field(o, "mime", content, HILO_T_CONTENT_MIME) &&
               put_field(o, "filename", content, HILO_T_CONTENT_FILENAME) &&
               put_field(o, "caption", content, HILO_T_CONTENT_CAPTION);
    case HILO_CONTENT_LINK:
        return cJSON_AddStringToObject(o, "type", "link") &&
               put_field(o, "text", content, HILO_T_CONTENT_TEXT) &&
               put_field(o, "button", content, HILO_T_CONTENT_BUTTON) &&
               put_field(o, "url", content, HILO_T_CONTENT_URL) &&
               put_field(o, "header", content, HILO_T_CONTENT_HEADER) &&
               put_field(o, "footer", content, HILO_T_CONTENT_FOOTER);
    default:
        return false;
    }
}

cJSON *pos_content_params(struct hilo_str message, const char **method_out)
{
    struct hilo_str content = hilo_content(message);
    uint64_t type = hilo_content_type(message);
    cJSON *o = cJSON_CreateObject();
    bool ok = o && put_id(o, "message", "msg", message, HILO_T_MSG_ID) &&
              put_id(o, "customer", "cus", message, HILO_T_MSG_CUSTOMER) &&
              put_id(o, "case", "cas", message, HILO_T_MSG_CASE);

    *method_out = type == HILO_CONTENT_CHOICES ? "choice.ask" : "message.show";
    ok = ok && (type == HILO_CONTENT_CHOICES ? put_choices(o, content) : put_content(o, content, type));
    if (ok)
        return o;
    cJSON_Delete(o);
    return NULL;
}
