/*
 * What a message carries, on one line: "[image] la pantalla (tv.jpg)". Members of the
 * content are those of hilo/fields.def; a type that is not known here is shown as its
 * name and its text, so that a newer gateway's messages are not hidden.
 */
#include "cli.h"
#include <string.h>

/* before, the member's text, after; nothing if the member is not there. */
static void content__add(struct text *out, const char *before, const cJSON *o, const char *member,
                         const char *after)
{
    const cJSON *v = json_at(o, member);

    if (cJSON_IsNumber(v)) {
        text_fmt(out, "%s%.10g%s", before, v->valuedouble, after);
    } else if (cJSON_IsString(v) && v->valuestring[0]) {
        text_add(out, before);
        text_add_shown(out, v->valuestring);
        text_add(out, after);
    }
}

/* One member of each element, joined. A string stands for the object's "text". */
static void content__list(struct text *out, const char *before, const cJSON *array, const char *member,
                          const char *after)
{
    const cJSON *e;
    bool any = false;

    cJSON_ArrayForEach(e, array)
    {
        text_add(out, any ? " | " : before);
        any = true;
        text_add_shown(out, cJSON_IsString(e) ? e->valuestring : json_text(e, member));
    }
    if (any)
        text_add(out, after);
}

static void content__template(struct text *out, const cJSON *c)
{
    content__add(out, " ", c, "name", "");
    content__add(out, "/", c, "language", "");
    if (json_text(c, "text")[0])
        content__add(out, ": ", c, "text", "");
    else
        content__list(out, ": ", json_at(c, "parameters.body"), "text", "");
}

static void content__rest(struct text *out, const char *type, const cJSON *c)
{
    if (strcmp(type, "template") == 0) {
        content__template(out, c);
        return;
    }
    content__add(out, " ", c, "emoji", "");
    content__add(out, " ", c, "raw_type", "");
    content__add(out, " ", c, "event", "");
    content__add(out, " ", c, "name", "");
    content__add(out, " ", c, "title", "");
    content__add(out, " (", c, "choice", ")");
    content__add(out, " ", c, "text", "");
    content__add(out, " ", c, "caption", "");
    content__add(out, " (", c, "filename", ")");
    content__add(out, " ", c, "address", "");
    content__add(out, " ", c, "latitude", "");
    content__add(out, ",", c, "longitude", "");
    content__add(out, " ", c, "button", "");
    content__add(out, " ", c, "data", "");
    content__add(out, " ", c, "digits", "");
    content__add(out, " ", c, "outcome", "");
    content__add(out, " ", c, "starts", "");
    content__list(out, " [", json_at(c, "choices"), "title", "]");
    content__list(out, " [", json_at(c, "attachments"), "filename", "]");
    content__list(out, " ", json_at(c, "contacts"), "name", "");
    content__list(out, " ", json_at(c, "items"), "sku", "");
    content__add(out, " ", c, "media", "");
    content__add(out, " ", c, "url", "");
}

void content_cell(const cJSON *message, struct text *out)
{
    const cJSON *c = json_at(message, "content");
    const char *type = json_text(c, "type"), *kind = json_text(c, "kind");

    if (json_text(message, "deleted")[0]) {
        text_add(out, "[deleted]");
        return;
    }
    if (json_text(message, "edited")[0])
        text_add(out, "[edited] ");
    if (cJSON_IsTrue(json_at(message, "other_sender"))) {
        content__add(out, "[", cJSON_GetArrayItem(json_at(message, "party"), 0), "value", "] ");
        content__add(out, "[", message, "sender", "] ");
    }
    content__add(out, "", c, "subject", ": ");
    if (strcmp(type, "text") == 0) {
        text_add_shown(out, json_text(c, "text"));
        content__list(out, " [", json_at(c, "attachments"), "filename", "]");
        return;
    }
    if (!type[0])
        return;
    text_add(out, "[");
    text_add_shown(out, strcmp(type, "media") == 0 && kind[0] ? kind : type);
    text_add(out, "]");
    content__rest(out, type, c);
}
