/* What customers write: from a short description of the control API to a message as Meta's webhooks carry it.
 *
 * Two halves: the content (given whole, or made: media from a file, an answer to buttons, a list or a
 * template), and the frame around it (id, timestamp, sender, contact). Every inbound message opens the
 * customer's window. */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT_MAX = 100000, FILE_MAX = 100 * 1024 * 1024 };

struct sender {
    const char *phone, *user_id, *name, *username;
    bool no_phone;
};

static bool say(char *why, size_t cap, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool say(char *why, size_t cap, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(why, cap, format, ap);
    va_end(ap);
    return false;
}

static bool read_sender(const cJSON *json, struct sender *out, char *why, size_t cap)
{
    const cJSON *from = cJSON_GetObjectItemCaseSensitive(json, "from");
    *out = (struct sender){.name = jstr(json, "name"), .username = jstr(json, "username")};
    if (cJSON_IsString(from)) {
        if (is_user_id(from->valuestring)) {
            out->user_id = from->valuestring;
            out->no_phone = true;
        } else {
            out->phone = from->valuestring;
        }
    } else if (cJSON_IsObject(from)) {
        out->phone = jstr(from, "phone");
        out->user_id = jstr(from, "user_id");
        out->no_phone = jbool(from, "no_phone", !out->phone);
        if (jstr(from, "name"))
            out->name = jstr(from, "name");
        if (jstr(from, "username"))
            out->username = jstr(from, "username");
    } else if (from) {
        return say(why, cap, "from must be a phone number, a user id or an object");
    }
    if (out->phone && *out->phone == '+')
        out->phone++;
    if (out->phone && !is_digits(out->phone, 7, 15))
        return say(why, cap, "from: the phone number must be 7 to 15 digits");
    if (out->user_id && !is_user_id(out->user_id))
        return say(why, cap, "from: \"%.60s\" is not a business-scoped user id", out->user_id);
    return true;
}

/* The bytes of "file" (a path on this machine) or "data" (base64). NULL with no `why` when neither is given.
 */
static uint8_t *read_bytes(const cJSON *json, size_t *n_out, char *why, size_t cap)
{
    const char *path = jstr(json, "file"), *data = jstr(json, "data");
    *why = 0;
    if (data) {
        uint8_t *p = unbase64(data, n_out);
        if (!p)
            say(why, cap, "data is not base64");
        return p;
    }
    if (!path)
        return NULL;
    FILE *f = fopen(path, "rb");
    if (!f) {
        say(why, cap, "file: cannot open %.200s", path);
        return NULL;
    }
    uint8_t *p = NULL;
    if (fseek(f, 0, SEEK_END) == 0) {
        long n = ftell(f);
        if (n > 0 && n <= FILE_MAX && fseek(f, 0, SEEK_SET) == 0) {
            p = xcalloc(1, (size_t)n);
            *n_out = fread(p, 1, (size_t)n, f);
            if (*n_out != (size_t)n) {
                free(p);
                p = NULL;
            }
        }
    }
    fclose(f);
    if (!p)
        say(why, cap, "file: cannot read %.200s (1 to %d bytes)", path, FILE_MAX);
    return p;
}

/* {"type":"image","image":{id, mime_type, sha256, …}} from the bytes that the request gives. */
static bool make_media(struct sim *s, const cJSON *json, const char *type, cJSON *message, char *why,
                       size_t cap)
{
    size_t n = 0;
    uint8_t *data = read_bytes(json, &n, why, cap);
    if (!data)
        return *why ? false
                    : say(why, cap, "a message of type %.20s needs file, data or its own object", type);
    const char *path = jstr(json, "file"), *filename = jstr(json, "filename"),
               *mime = jstr(json, "mime_type");
    if (!filename && path)
        filename = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    if (!mime && filename)
        mime = media_type_of_name(filename);
    if (!mime) {
        free(data);
        return say(why, cap, "mime_type is needed: the file's name does not tell it");
    }
    pthread_mutex_lock(&s->lock);
    struct media *m = media_add_locked(s, mime, filename, data, n);
    cJSON *part = cJSON_CreateObject();
    if (m) {
        char *digest = base64(m->digest, 32);
        cJSON_AddStringToObject(part, "id", m->id);
        cJSON_AddStringToObject(part, "mime_type", m->type);
        cJSON_AddStringToObject(part, "sha256", digest);
        free(digest);
    }
    pthread_mutex_unlock(&s->lock);
    if (!m) {
        cJSON_Delete(part);
        return say(why, cap, "the media do not fit into --media-mb");
    }
    if (!strcmp(type, "document") && filename)
        cJSON_AddStringToObject(part, "filename", filename);
    if (jstr(json, "caption"))
        cJSON_AddStringToObject(part, "caption", jstr(json, "caption"));
    if (!strcmp(type, "audio"))
        cJSON_AddBoolToObject(part, "voice", jbool(json, "voice", true));
    if (!strcmp(type, "sticker"))
        cJSON_AddBoolToObject(part, "animated", jbool(json, "animated", false));
    cJSON_AddItemToObject(message, type, part);
    return true;
}

/* Which button of a template carries this payload: its text by the definition, else the payload itself. */
static bool template_button(const cJSON *templates, const cJSON *template, const char *payload,
                            cJSON *message)
{
    const cJSON *component, *def, *texts = NULL;
    cJSON_ArrayForEach(def, templates)
    {
        if (!strcmp(jstr(def, "name"), jstr(template, "name")))
            texts = cJSON_GetObjectItemCaseSensitive(def, "button_texts");
    }
    cJSON_ArrayForEach(component, cJSON_GetObjectItemCaseSensitive(template, "components"))
    {
        const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(component, "parameters"), 0);
        const cJSON *index = cJSON_GetObjectItemCaseSensitive(component, "index");
        const char *mine = jstr(first, "payload");
        if (!mine || strcmp(mine, payload))
            continue;
        int i = cJSON_IsString(index)   ? atoi(index->valuestring)
                : cJSON_IsNumber(index) ? index->valueint
                                        : 0;
        const char *text = cJSON_GetStringValue(cJSON_GetArrayItem(texts, i));
        cJSON *button = cJSON_AddObjectToObject(message, "button");
        cJSON_AddStringToObject(button, "payload", payload);
        cJSON_AddStringToObject(button, "text", text ? text : payload);
        cJSON_ReplaceItemInObject(message, "type", cJSON_CreateString("button"));
        return true;
    }
    return false;
}

static void add_reply(cJSON *message, const char *kind, const cJSON *choice)
{
    cJSON *interactive = cJSON_AddObjectToObject(message, "interactive");
    cJSON_AddStringToObject(interactive, "type", kind);
    cJSON *reply = cJSON_AddObjectToObject(interactive, kind);
    cJSON_AddStringToObject(reply, "id", jstr(choice, "id"));
    cJSON_AddStringToObject(reply, "title", jstr(choice, "title"));
    if (jstr(choice, "description"))
        cJSON_AddStringToObject(reply, "description", jstr(choice, "description"));
    cJSON_ReplaceItemInObject(message, "type", cJSON_CreateString("interactive"));
}

/* The flow's token as it was sent, by itself or under a template's button. */
static const char *flow_token(const cJSON *sent)
{
    const cJSON *action = cJSON_GetObjectItemCaseSensitive(
                    cJSON_GetObjectItemCaseSensitive(sent, "interactive"), "action"),
                *template = cJSON_GetObjectItemCaseSensitive(sent, "template"), *c;
    const char *token = jstr(cJSON_GetObjectItemCaseSensitive(action, "parameters"), "flow_token");
    cJSON_ArrayForEach(c, cJSON_GetObjectItemCaseSensitive(template, "components"))
    {
        const cJSON *p = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(c, "parameters"), 0);
        const char *own = jstr(cJSON_GetObjectItemCaseSensitive(p, "action"), "flow_token");
        token = own ? own : token;
    }
    return token ? token : "unused";
}

/* What somebody who filled in the form of a flow sends. */
static void fill_in(const cJSON *sent, const cJSON *filled, cJSON *message)
{
    cJSON *interactive = cJSON_AddObjectToObject(message, "interactive"),
          *all = cJSON_Duplicate(filled, true);
    cJSON_AddStringToObject(interactive, "type", "nfm_reply");
    cJSON *reply = cJSON_AddObjectToObject(interactive, "nfm_reply");
    if (!cJSON_HasObjectItem(all, "flow_token"))
        cJSON_AddStringToObject(all, "flow_token", flow_token(sent));
    char *text = xprint(all);
    cJSON_AddStringToObject(reply, "response_json", text);
    cJSON_AddStringToObject(reply, "body", "Sent");
    cJSON_AddStringToObject(reply, "name", "flow");
    cJSON_ReplaceItemInObject(message, "type", cJSON_CreateString("interactive"));
    free(text);
    cJSON_Delete(all);
}

/* The answer of somebody who taps the choice `id` of the message whose body is `sent`. */
static bool tap(const cJSON *templates, const cJSON *sent, const char *id, cJSON *message)
{
    const cJSON *interactive = cJSON_GetObjectItemCaseSensitive(sent, "interactive"), *v, *row;
    const cJSON *action = cJSON_GetObjectItemCaseSensitive(interactive, "action");
    cJSON_ArrayForEach(v, cJSON_GetObjectItemCaseSensitive(action, "buttons"))
    {
        const cJSON *reply = cJSON_GetObjectItemCaseSensitive(v, "reply");
        if (!strcmp(jstr(reply, "id"), id)) {
            add_reply(message, "button_reply", reply);
            return true;
        }
    }
    cJSON_ArrayForEach(v, cJSON_GetObjectItemCaseSensitive(action, "sections"))
    {
        cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(v, "rows"))
        {
            if (!strcmp(jstr(row, "id"), id)) {
                add_reply(message, "list_reply", row);
                return true;
            }
        }
    }
    const cJSON *template = cJSON_GetObjectItemCaseSensitive(sent, "template");
    return template && template_button(templates, template, id, message);
}

/* reply_to: the quoted message becomes the context; with `button` its choice is tapped. Fills in who answers.
 */
static bool make_reply(struct sim *s, const cJSON *json, struct sender *from, cJSON *message, char *party,
                       char *why, size_t cap)
{
    const char *reply_to = jstr(json, "reply_to"), *choice = jstr(json, "button");
    const cJSON *filled = cJSON_GetObjectItemCaseSensitive(json, "flow");
    if (!reply_to)
        return choice || filled ? say(why, cap, "button and flow need reply_to: a message id, or \"last\"")
                                : true;
    if (filled && !cJSON_IsObject(filled))
        return say(why, cap, "flow must be an object: what was filled in");
    pthread_mutex_lock(&s->lock);
    const struct message *m = strcmp(reply_to, "last")
                                  ? message_find_locked(s, reply_to)
                                  : message_last_locked(s, from->phone ? from->phone : from->user_id);
    cJSON *sent = m ? cJSON_Parse(m->body) : NULL;
    bool ok = m != NULL;
    if (!m) {
        say(why, cap, "reply_to: no such message was sent%s",
            from->phone || from->user_id ? " to this customer" : "");
    } else {
        cJSON *context = cJSON_AddObjectToObject(message, "context");
        cJSON_AddStringToObject(context, "from", s->conf.display_phone_number);
        cJSON_AddStringToObject(context, "id", m->id);
        if (!from->phone && !from->user_id) {
            copy_text(party, USER_ID_MAX, m->phone[0] ? m->phone : m->user_id);
            *(m->phone[0] ? &from->phone : &from->user_id) = party;
        }
        if (filled)
            fill_in(sent, filled, message);
        else if (choice && !(ok = tap(s->conf.templates, sent, choice, message)))
            say(why, cap, "button: the message has no choice with the id \"%.100s\"", choice);
    }
    pthread_mutex_unlock(&s->lock);
    cJSON_Delete(sent);
    return ok;
}

/* The content: a message without id, timestamp and sender. NULL: see `why`. */
static cJSON *make_content(struct sim *s, const cJSON *json, struct sender *from, char *party, char *why,
                           size_t cap)
{
    static const char *const media[] = {"image", "document", "audio", "video", "sticker"};
    const cJSON *raw = cJSON_GetObjectItemCaseSensitive(json, "message");
    if (raw)
        return cJSON_IsObject(raw) ? cJSON_Duplicate(raw, true)
                                   : (say(why, cap, "message must be an object"), NULL);
    const char *type = jstr(json, "type");
    if (!type)
        type = "text";
    cJSON *message = cJSON_CreateObject();
    cJSON_AddStringToObject(message, "type", type);
    if (!make_reply(s, json, from, message, party, why, cap))
        goto fail;
    static const char *const copied[] = {"context", "referral", "errors"};
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(json, copied[i]);
        if (v && !cJSON_HasObjectItem(message, copied[i]))
            cJSON_AddItemToObject(message, copied[i], cJSON_Duplicate(v, true));
    }
    if (cJSON_HasObjectItem(message, "interactive") || cJSON_HasObjectItem(message, "button"))
        return message;
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(json, type);
    if (cJSON_IsString(own) && !strcmp(type, "text")) {
        cJSON_AddStringToObject(cJSON_AddObjectToObject(message, "text"), "body", own->valuestring);
        return message;
    }
    if (own) {
        cJSON_AddItemToObject(message, type, cJSON_Duplicate(own, true));
        return message;
    }
    for (size_t i = 0; i < sizeof media / sizeof media[0]; i++) {
        if (strcmp(type, media[i]))
            continue;
        if (!make_media(s, json, type, message, why, cap))
            goto fail;
        return message;
    }
    if (cJSON_HasObjectItem(message, "errors")) /* type unsupported has nothing else */
        return message;
    say(why, cap, "a message of type %.40s needs the object \"%.40s\"", type, type);
fail:
    cJSON_Delete(message);
    return NULL;
}

/* Puts the frame around a copy of the content and queues it. `number` tells many copies apart. */
static void send_one_locked(struct sim *s, const cJSON *content, struct customer *c, int number, cJSON *ids)
{
    char id[WAMID_MAX], when[24];
    cJSON *m = cJSON_Duplicate(content, true), *contact = cJSON_CreateObject();
    if (!jstr(m, "id") || !copy_text(id, sizeof id, jstr(m, "id"))) {
        wamid_new_locked(s, c->phone[0] ? c->phone : c->user_id, id);
        cJSON_DeleteItemFromObjectCaseSensitive(m, "id");
        cJSON_AddStringToObject(m, "id", id);
    }
    if (!cJSON_HasObjectItem(m, "timestamp")) {
        snprintf(when, sizeof when, "%lld", (long long)unix_s());
        cJSON_AddStringToObject(m, "timestamp", when);
    }
    if (c->phone[0] && !c->no_phone && !cJSON_HasObjectItem(m, "from"))
        cJSON_AddStringToObject(m, "from", c->phone);
    if ((s->conf.user_ids || c->no_phone) && !cJSON_HasObjectItem(m, "from_user_id"))
        cJSON_AddStringToObject(m, "from_user_id", c->user_id);
    cJSON *text = cJSON_GetObjectItemCaseSensitive(m, "text");
    if (number > 0 && jstr(text, "body")) {
        struct sbuf b = {0};
        sbuf_text(&b, jstr(text, "body"));
        sbuf_printf(&b, " %d", number);
        cJSON_ReplaceItemInObject(text, "body", cJSON_CreateString(b.p));
        sbuf_free(&b);
    }

    cJSON *profile = cJSON_AddObjectToObject(contact, "profile");
    cJSON_AddStringToObject(profile, "name", c->name);
    if (c->username[0])
        cJSON_AddStringToObject(profile, "username", c->username);
    if (c->phone[0] && !c->no_phone)
        cJSON_AddStringToObject(contact, "wa_id", c->phone);
    if (s->conf.user_ids || c->no_phone)
        cJSON_AddStringToObject(contact, "user_id", c->user_id);

    const char *type = jstr(m, "type");
    bool system = type && !strcmp(type, "system"); /* comes without contacts */
    inbound_add_locked(s, id);
    c->last_inbound_us = clock_us_locked(s);
    cJSON_AddItemToArray(ids, cJSON_CreateString(id));
    webhook_add_locked(s, true, id, xprint(m), system ? NULL : xprint(contact), 0);
    cJSON_Delete(m);
    cJSON_Delete(contact);
}

bool inbound_make(struct sim *s, const cJSON *json, cJSON *ids, char *why, size_t cap)
{
    struct sender from;
    char party[USER_ID_MAX] = "";
    const cJSON *count = cJSON_GetObjectItemCaseSensitive(json, "count");
    if (!cJSON_IsObject(json))
        return say(why, cap, "an inbound message must be an object");
    if (count && !(cJSON_IsNumber(count) && count->valuedouble >= 1 && count->valuedouble <= COUNT_MAX))
        return say(why, cap, "count must be a number from 1 to %d", COUNT_MAX);
    if (!read_sender(json, &from, why, cap))
        return false;
    cJSON *content = make_content(s, json, &from, party, why, cap);
    if (!content)
        return false;
    int n = count ? count->valueint : 1;
    bool ok = false;
    pthread_mutex_lock(&s->lock);
    if (!from.phone && !from.user_id) {
        say(why, cap, "from is missing");
    } else if (webhook_full_locked(s, (size_t)n)) {
        say(why, cap, "the queue of webhooks is full");
    } else {
        struct customer *c = customer_touch_locked(s, from.phone, from.user_id);
        if (from.name && !copy_text(c->name, sizeof c->name, from.name))
            copy_text(c->name, sizeof c->name, "(a name that is too long)");
        if (from.username)
            copy_text(c->username, sizeof c->username, from.username);
        if (cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(json, "from")) || from.no_phone)
            c->no_phone = from.no_phone;
        for (int i = 0; i < n; i++)
            send_one_locked(s, content, c, n > 1 ? i + 1 : 0, ids);
        ok = true;
    }
    pthread_mutex_unlock(&s->lock);
    cJSON_Delete(content);
    return ok;
}
