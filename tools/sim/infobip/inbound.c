/* Customers: what they write, tap and send. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct message *message_find_locked(struct sim *s, const char *id, const char *to)
{
    struct message *m, *found = NULL;

    if (strcmp(id, "last") != 0) {
        HASH_FIND_STR(s->messages, id, m);
        return m;
    }
    for (m = s->messages; m; m = m->hh.next) /* in the order of their arrival */
        if (!to || !strcmp(m->to + (m->to[0] == '+'), to))
            found = m;
    return found;
}

static cJSON *context(const struct sim *s, const char *id)
{
    cJSON *c = must(cJSON_CreateObject());

    cJSON_AddStringToObject(c, "from", s->conf.sender);
    cJSON_AddStringToObject(c, "id", id);
    return c;
}

/* The item of a list of objects whose key has this text. */
static const cJSON *with(const cJSON *list, const char *key, const char *text)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        const char *v = member(item, key);
        if (v && !strcmp(v, text))
            return item;
    }
    return NULL;
}

static void copy_member(cJSON *to, const char *as, const cJSON *from, const char *key)
{
    const char *v = member(from, key);

    if (v)
        cJSON_AddStringToObject(to, as, v);
}

/* The answer to a button, a row or a template's quick reply of a message that was sent; NULL: it has none. */
static cJSON *tapped(const struct sim *s, const struct message *m, const char *id)
{
    const cJSON *content = cJSON_GetObjectItemCaseSensitive(m->body, "content"), *item, *section;
    const cJSON *action = cJSON_GetObjectItemCaseSensitive(content, "action");
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(content, "templateData");
    cJSON *out = must(cJSON_CreateObject());

    item = with(cJSON_GetObjectItemCaseSensitive(action, "buttons"), "id", id);
    if (item) {
        cJSON_AddStringToObject(out, "type", "INTERACTIVE_BUTTON_REPLY");
    } else {
        cJSON_ArrayForEach(section, cJSON_GetObjectItemCaseSensitive(action, "sections"))
        {
            item = with(cJSON_GetObjectItemCaseSensitive(section, "rows"), "id", id);
            if (item)
                break;
        }
        if (item)
            cJSON_AddStringToObject(out, "type", "INTERACTIVE_LIST_REPLY");
    }
    copy_member(out, "id", item, "id");
    copy_member(out, "title", item, "title");
    copy_member(out, "description", item, "description");
    if (!item) {
        item = with(cJSON_GetObjectItemCaseSensitive(data, "buttons"), "parameter", id);
        cJSON_AddStringToObject(out, "type", "BUTTON");
        cJSON_AddStringToObject(out, "text", id);
        cJSON_AddStringToObject(out, "payload", id);
    }
    cJSON_AddItemToObject(out, "context", context(s, m->id));
    if (!item) {
        cJSON_Delete(out);
        return NULL;
    }
    return out;
}

/* Stores what a customer sends as a file; its URL goes into the message. */
static bool attach(struct sim *s, const cJSON *ask, cJSON *message, char why[200])
{
    const char *file = member(ask, "file"), *data = member(ask, "data"), *type = member(ask, "mime_type");
    struct media *m;
    struct sbuf b = {0};
    char url[1024];

    if (!file && !data)
        return true;
    m = must(calloc(1, sizeof *m));
    if (file ? !file_read(file, &b) : !(m->p = unbase64(data, &m->n))) {
        snprintf(why, 200, "%s cannot be read", file ? "file" : "data");
        free(m);
        return false;
    }
    if (file) {
        m->p = (uint8_t *)b.p;
        m->n = b.n;
    }
    make_id(m->id, "20250_13_");
    (void)copy(m->type, sizeof m->type, type ? type : "application/octet-stream");
    HASH_ADD_STR(s->media, id, m);
    snprintf(url, sizeof url, "%s/whatsapp/1/senders/%s/media/%s", s->conf.public_url, s->conf.sender, m->id);
    cJSON_AddStringToObject(message, "url", url);
    return true;
}

static cJSON *message_of(struct sim *s, const cJSON *ask, const char *from, char why[200])
{
    static const char *const ours[] = {"from", "name", "contact", "identity",  "reply_to", "button",
                                       "file", "data", "message", "mime_type", "count",    "id"};
    const char *reply_to = member(ask, "reply_to"), *button = member(ask, "button");
    const struct message *m = reply_to ? message_find_locked(s, reply_to, from) : NULL;
    const cJSON *raw = cJSON_GetObjectItemCaseSensitive(ask, "message"), *v;
    cJSON *out;
    size_t i;

    if (button && !m) {
        snprintf(why, 200, "reply_to is no message that was sent");
        return NULL;
    }
    if (button) {
        out = tapped(s, m, button);
        if (!out)
            snprintf(why, 200, "the message has no button, row or quick reply of this id");
        return out;
    }
    if (raw)
        return must(cJSON_Duplicate(raw, true));
    out = must(cJSON_CreateObject());
    cJSON_ArrayForEach(v, ask)
    {
        for (i = 0; i < sizeof ours / sizeof *ours && strcmp(ours[i], v->string) != 0; i++)
            ;
        if (i == sizeof ours / sizeof *ours)
            cJSON_AddItemToObject(out, v->string, must(cJSON_Duplicate(v, true)));
    }
    if (reply_to)
        cJSON_AddItemToObject(out, "context", context(s, m ? m->id : reply_to));
    if (!attach(s, ask, out, why) || !member(out, "type")) {
        if (!why[0])
            snprintf(why, 200, "type is missing: TEXT, IMAGE …");
        cJSON_Delete(out);
        return NULL;
    }
    return out;
}

static cJSON *contact_of(const cJSON *ask, const char *from)
{
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(ask, "contact");
    cJSON *c;

    if (given)
        return must(cJSON_Duplicate(given, true));
    c = must(cJSON_CreateObject());
    cJSON_AddStringToObject(c, "name", member(ask, "name") ? member(ask, "name") : "");
    cJSON_AddStringToObject(c, "phoneNumber", from);
    return c;
}

const char *inbound_make_locked(struct sim *s, const cJSON *ask, char why[200])
{
    const char *from = member(ask, "from"), *reply_to = member(ask, "reply_to");
    const cJSON *identity = cJSON_GetObjectItemCaseSensitive(ask, "identity");
    struct inbound *in;
    struct customer *c;
    struct message *m;
    cJSON *result, *message, *price;
    char now[40], id[48];

    m = reply_to ? message_find_locked(s, reply_to, from) : NULL;
    if (!from && m)
        from = m->to;
    if (!from || strlen(from) >= NUMBER_MAX) {
        snprintf(why, 200, "from is missing");
        return NULL;
    }
    why[0] = 0;
    message = message_of(s, ask, from, why);
    if (!message)
        return NULL;
    make_id(id, "wamid.");
    in = must(calloc(1, sizeof *in));
    (void)copy(in->id, sizeof in->id, member(ask, "id") ? member(ask, "id") : id);
    (void)copy(in->from, sizeof in->from, from);
    HASH_ADD_STR(s->inbound, id, in);
    HASH_FIND_STR(s->customers, from, c);
    if (!c) {
        c = must(calloc(1, sizeof *c));
        (void)copy(c->number, sizeof c->number, from);
        HASH_ADD_STR(s->customers, number, c);
    }
    c->wrote_us = now_us();
    stamp(now);
    result = must(cJSON_CreateObject());
    cJSON_AddStringToObject(result, "from", from);
    cJSON_AddStringToObject(result, "to", s->conf.sender);
    cJSON_AddStringToObject(result, "integrationType", "WHATSAPP");
    cJSON_AddStringToObject(result, "receivedAt", now);
    cJSON_AddStringToObject(result, "messageId", in->id);
    if (m) {
        cJSON_AddStringToObject(result, "pairedMessageId", m->id);
        cJSON_AddStringToObject(result, "callbackData", m->callback);
    }
    cJSON_AddItemToObject(result, "message", message);
    cJSON_AddItemToObject(result, "contact", contact_of(ask, from));
    if (identity)
        cJSON_AddItemToObject(result, "identity", must(cJSON_Duplicate(identity, true)));
    price = cJSON_AddObjectToObject(result, "price");
    cJSON_AddNumberToObject(price, "pricePerMessage", 0);
    cJSON_AddStringToObject(price, "currency", "EUR");
    webhook_add_locked(s, E_INBOUND, s->conf.webhook_url, in->id, result, NULL, 0);
    return in->id;
}
