/* Infobip's API, as a business calls it: send by kind or an SMS, mark as read, typing, media, templates. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An error in the shape that the configuration asks for; Infobip has two. */
static enum MHD_Result api_error(struct request *r, unsigned status, const char *id, const char *text,
                                 cJSON *violations)
{
    struct sim *s = r->sim;
    cJSON *e = must(cJSON_CreateObject()), *inner, *list, *v;
    char code[16], seconds[24], *body;
    enum MHD_Result rc;
    int64_t retry_after;

    pthread_mutex_lock(&s->lock);
    retry_after = status == 429 || status == 503 ? s->faults.retry_after : 0;
    if (s->conf.old_errors) {
        inner = cJSON_AddObjectToObject(cJSON_AddObjectToObject(e, "requestError"), "serviceException");
        cJSON_AddStringToObject(inner, "messageId", id);
        cJSON_AddStringToObject(inner, "text", text);
        list = violations ? cJSON_AddObjectToObject(inner, "validationErrors") : NULL;
        cJSON_ArrayForEach(v, violations)
        {
            const char *what = member(v, "violation");
            cJSON_AddItemToObject(list, member(v, "property"), cJSON_CreateStringArray(&what, 1));
        }
        cJSON_Delete(violations);
    } else {
        snprintf(code, sizeof code, "E%u", status);
        cJSON_AddStringToObject(e, "errorCode", code);
        cJSON_AddStringToObject(e, "description", text);
        cJSON_AddStringToObject(e, "action", "See the API's documentation.");
        cJSON_AddItemToObject(e, "violations", violations ? violations : cJSON_CreateArray());
        cJSON_AddItemToObject(e, "resources", cJSON_CreateArray());
    }
    pthread_mutex_unlock(&s->lock);
    snprintf(seconds, sizeof seconds, "%lld", (long long)retry_after);
    body = print(e);
    rc = http_answer(r, status, "application/json", body, strlen(body), retry_after ? "Retry-After" : NULL,
                     seconds);
    free(body);
    cJSON_Delete(e);
    return rc;
}

static enum MHD_Result empty(struct request *r, unsigned status)
{
    return http_answer(r, status, NULL, "", 0, NULL, NULL);
}

static bool authorised(struct request *r)
{
    const char *given = http_header(r, "Authorization");
    bool ok;

    pthread_mutex_lock(&r->sim->lock);
    r->sim->requests++;
    r->sim->keys += given != NULL;
    ok = given && !strncmp(given, "App ", 4) && !strcmp(given + 4, r->sim->conf.api_key);
    pthread_mutex_unlock(&r->sim->lock);
    return ok;
}

/* ---- sends ---- */

/* One message that the rules took. Its part of the answer. */
static cJSON *accept_locked(struct sim *s, const char *kind, const cJSON *sent)
{
    const char *id = member(sent, "messageId"), *callback = member(sent, "callbackData"),
               *notify = member(sent, "notifyUrl"), *status = s->faults.status;
    cJSON *out = must(cJSON_CreateObject());
    struct message *m = NULL;
    char made[48];

    make_id(made, "");
    if (!id || !*id)
        id = made;
    HASH_FIND_STR(s->messages, id, m);
    if (m) {
        m->times++;
        s->duplicates++;
        status = "REJECTED_DUPLICATE_MESSAGE_ID";
    } else if (!*status || !strncmp(status, "PENDING", 7)) {
        if (!*status)
            status = "PENDING_ACCEPTED";
        m = must(calloc(1, sizeof *m));
        (void)copy(m->id, sizeof m->id, id);
        (void)copy(m->to, sizeof m->to, member(sent, "to"));
        (void)copy(m->kind, sizeof m->kind, kind);
        if (callback)
            (void)copy(m->callback, sizeof m->callback, callback);
        if (notify)
            (void)copy(m->notify_url, sizeof m->notify_url, notify);
        stamp(m->sent_at);
        m->body = must(cJSON_Duplicate(sent, true));
        m->seq = ++s->seq;
        m->times = 1;
        HASH_ADD_STR(s->messages, id, m);
        s->accepted++;
        reports_plan_locked(s, m);
        pthread_cond_broadcast(&s->changed);
    }
    cJSON_AddStringToObject(out, "to", member(sent, "to"));
    cJSON_AddNumberToObject(out, "messageCount", 1);
    cJSON_AddStringToObject(out, "messageId", id);
    cJSON_AddItemToObject(out, "status", status_json(status));
    return out;
}

/* kind NULL: SMS. */
static cJSON *accept_all(struct sim *s, const char *kind, const cJSON *sent)
{
    const cJSON *m;
    cJSON *out, *list;

    pthread_mutex_lock(&s->lock);
    if (!kind) {
        out = sms_accept_locked(s, sent);
    } else if (strcmp(kind, "template") != 0) {
        out = accept_locked(s, kind, sent);
    } else {
        out = must(cJSON_CreateObject());
        list = cJSON_AddArrayToObject(out, "messages");
        cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(sent, "messages"))
            cJSON_AddItemToArray(list, accept_locked(s, kind, m));
    }
    pthread_mutex_unlock(&s->lock);
    return out;
}

/* The fault that this send meets; waits where sends are held before. */
static enum reply meet(struct sim *s)
{
    enum reply reply = REPLY_OK;

    pthread_mutex_lock(&s->lock);
    while (s->faults.hold == HOLD_BEFORE && wait_locked(s, now_us() + 1000000000))
        ;
    if (s->faults.reply != REPLY_OK && s->faults.count != 0) {
        reply = s->faults.reply;
        s->faults.count -= s->faults.count > 0;
    }
    pthread_mutex_unlock(&s->lock);
    return reply;
}

static enum MHD_Result refuse(struct request *r, enum reply reply)
{
    switch (reply) {
    case REPLY_DROP_BEFORE:
        return MHD_NO;
    case REPLY_401:
        return api_error(r, 401, "UNAUTHORIZED", "Invalid login details", NULL);
    case REPLY_403:
        return api_error(r, 403, "FORBIDDEN", "Unauthorized access", NULL);
    case REPLY_429:
        return api_error(r, 429, "TOO_MANY_REQUESTS", "Too many requests", NULL);
    case REPLY_503:
        return api_error(r, 503, "SERVICE_UNAVAILABLE", "Service unavailable", NULL);
    default:
        return api_error(r, 500, "GENERAL_ERROR", "Something went wrong. Please contact support.", NULL);
    }
}

static enum MHD_Result send_message(struct request *r, const char *kind)
{
    static const char page[] = "<html>Bad Gateway</html>";
    struct sim *s = r->sim;
    enum reply reply = meet(s);
    cJSON *sent, *out;
    struct check c = {0};
    bool known, held;

    if (reply != REPLY_OK && reply < REPLY_DROP_AFTER)
        return refuse(r, reply);
    sent = cJSON_ParseWithLength(r->body.p ? r->body.p : "", r->body.n);
    if (!cJSON_IsObject(sent)) {
        cJSON_Delete(sent);
        return api_error(r, 400, "BAD_REQUEST", "Malformed JSON", NULL);
    }
    c.violations = must(cJSON_CreateArray());
    pthread_mutex_lock(&s->lock);
    c.sender = s->conf.sender;
    c.templates = s->conf.templates;
    known = !kind || rules_check(&c, kind, sent);
    if (!kind)
        sms_check(&c, sent);
    if (!known || c.violations->child) {
        s->refused++;
        free(s->error);
        s->error = print(c.violations);
    }
    pthread_mutex_unlock(&s->lock);
    if (!known || c.violations->child) {
        cJSON_Delete(sent);
        if (known)
            return api_error(r, 400, "BAD_REQUEST", "Bad request", c.violations);
        cJSON_Delete(c.violations);
        return api_error(r, 404, "NOT_FOUND", "Requested URL not found", NULL);
    }
    cJSON_Delete(c.violations);
    out = accept_all(s, kind, sent);
    cJSON_Delete(sent);
    pthread_mutex_lock(&s->lock);
    for (held = true; s->faults.hold == HOLD_AFTER && held;)
        held = wait_locked(s, now_us() + 1000000000);
    pthread_mutex_unlock(&s->lock);
    if (reply == REPLY_OK)
        return http_json(r, 200, out);
    cJSON_Delete(out);
    if (reply == REPLY_DROP_AFTER)
        return MHD_NO;
    return reply == REPLY_GARBAGE ? http_answer(r, 200, "application/json", "{\"messageId\":", 13, NULL, NULL)
                                  : http_answer(r, 502, "text/html", page, sizeof page - 1, NULL, NULL);
}

/* ---- all else ---- */

static enum MHD_Result mark_read(struct request *r, const char *id)
{
    struct inbound *in;

    pthread_mutex_lock(&r->sim->lock);
    HASH_FIND_STR(r->sim->inbound, id, in);
    if (in) {
        r->sim->reads++;
        in->read = true;
        pthread_cond_broadcast(&r->sim->changed);
    }
    pthread_mutex_unlock(&r->sim->lock);
    return in ? empty(r, 204) : api_error(r, 404, "NOT_FOUND", "Message not found", NULL);
}

static enum MHD_Result typing(struct request *r)
{
    static const char *const words[] = {"TYPING_INDICATOR", NULL};
    static const struct field content[] = {{"type", F_TEXT, true, 0, 0, NULL, NULL, words}, {0}};
    static const struct field to[] = {{"to", F_TEXT, true, 1, 150, NULL, NULL, NULL}, {0}};
    static const struct field event[] = {{"sender", F_TEXT, true, 1, 24, NULL, NULL, NULL},
                                         {"destinations", F_LIST, true, 1, 1, to, NULL, NULL},
                                         {"content", F_OBJECT, true, 0, 0, content, NULL, NULL},
                                         {0}};
    static const struct field body[] = {{"events", F_LIST, true, 1, 10, event, NULL, NULL}, {0}};
    cJSON *sent = cJSON_ParseWithLength(r->body.p ? r->body.p : "", r->body.n), *out;
    struct check c = {.violations = must(cJSON_CreateArray())};

    check_object(&c, sent, "", body);
    cJSON_Delete(sent);
    if (c.violations->child)
        return api_error(r, 400, "BAD_REQUEST", "Bad request", c.violations);
    cJSON_Delete(c.violations);
    pthread_mutex_lock(&r->sim->lock);
    r->sim->typings++;
    pthread_cond_broadcast(&r->sim->changed);
    pthread_mutex_unlock(&r->sim->lock);
    out = must(cJSON_CreateObject());
    cJSON_AddArrayToObject(out, "events");
    return http_json(r, 200, out);
}

static enum MHD_Result media(struct request *r, const char *id, bool cdn)
{
    struct sim *s = r->sim;
    struct media *m;
    char where[1024];
    int fault;

    pthread_mutex_lock(&s->lock);
    HASH_FIND_STR(s->media, id, m);
    fault = cdn ? 0 : s->faults.media;
    if (m && !strcmp(r->method, "GET"))
        m->gets++;
    if (m && !strcmp(r->method, "DELETE"))
        HASH_DEL(s->media, m);
    snprintf(where, sizeof where, "%s/cdn/%s", s->conf.public_url, id);
    pthread_mutex_unlock(&s->lock);
    if (!m || fault == 404)
        return api_error(r, 404, "NOT_FOUND", "Media not found or expired", NULL);
    if (!strcmp(r->method, "DELETE")) {
        free(m->p);
        free(m);
        return empty(r, 204);
    }
    if (fault == 302 && !strcmp(r->method, "GET"))
        return http_answer(r, 302, "text/html", "<a>elsewhere</a>", 16, "Location", where);
    if (fault == 500)
        return api_error(r, 500, "GENERAL_ERROR", "Something went wrong.", NULL);
    return http_answer(r, 200, m->type, m->p, m->n, NULL, NULL);
}

static enum MHD_Result templates(struct request *r)
{
    cJSON *out = must(cJSON_CreateObject());

    pthread_mutex_lock(&r->sim->lock);
    cJSON_AddItemToObject(out, "templates", must(cJSON_Duplicate(r->sim->conf.templates, true)));
    pthread_mutex_unlock(&r->sim->lock);
    return http_json(r, 200, out);
}

/* Under /whatsapp/{1,2}/senders/{sender}/ */
static enum MHD_Result of_sender(struct request *r, const char *rest)
{
    char sender[sizeof r->sim->conf.sender], id[ID_MAX] = "";
    const char *slash = strrchr(rest, '/');
    bool post = !strcmp(r->method, "POST");
    size_t n;

    pthread_mutex_lock(&r->sim->lock);
    (void)copy(sender, sizeof sender, r->sim->conf.sender);
    pthread_mutex_unlock(&r->sim->lock);
    n = strlen(sender);
    if (strncmp(rest, sender, n) != 0 || rest[n] != '/')
        return api_error(r, 404, "NOT_FOUND", "Sender not found", NULL);
    rest += n + 1;
    if (!strncmp(rest, "media/", 6))
        return media(r, rest + 6, false);
    if (!strcmp(rest, "templates") && !post && !strncmp(r->path, "/whatsapp/2/", 12))
        return templates(r);
    if (post && !strncmp(rest, "message/", 8) && !strcmp(slash, "/read") && slash > rest + 7) {
        snprintf(id, sizeof id, "%.*s", (int)(slash - rest - 8), rest + 8);
        return mark_read(r, id);
    }
    return api_error(r, 404, "NOT_FOUND", "Requested URL not found", NULL);
}

enum MHD_Result api_handle(struct request *r)
{
    static const char message[] = "/whatsapp/1/message/", senders[] = "/senders/";
    bool known = authorised(r), post = !strcmp(r->method, "POST");

    if (!strncmp(r->path, "/cdn/", 5)) /* needs no key, and must not be shown it */
        return http_header(r, "Authorization") ? api_error(r, 400, "BAD_REQUEST", "a key went astray", NULL)
                                               : media(r, r->path + 5, true);
    if (!known)
        return api_error(r, 401, "UNAUTHORIZED", "Invalid login details", NULL);
    if (post && !strncmp(r->path, message, sizeof message - 1))
        return send_message(r, r->path + sizeof message - 1);
    if (post && !strcmp(r->path, "/sms/3/messages"))
        return send_message(r, NULL);
    if (post && !strcmp(r->path, "/whatsapp/1/events"))
        return typing(r);
    if ((!strncmp(r->path, "/whatsapp/1", 11) || !strncmp(r->path, "/whatsapp/2", 11)) &&
        !strncmp(r->path + 11, senders, sizeof senders - 1))
        return of_sender(r, r->path + 11 + sizeof senders - 1);
    return api_error(r, 404, "NOT_FOUND", "Requested URL not found", NULL);
}
