/* The Graph API as the gateway sees it: token, path, message sends, mark-as-read, media, and a few reads.
 *
 * A send goes through: token, path, content type, the faults that come before acceptance, the rules of the
 * body, the 24-hour window, acceptance, the faults that come after it. Only sends draw reply faults. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum MHD_Result graph_error(struct request *r, const struct gerr *e)
{
    pthread_mutex_lock(&r->sim->lock);
    r->sim->counts.refused++;
    pthread_mutex_unlock(&r->sim->lock);
    return http_json(r, gerr_kind(e->code)->http, gerr_json(e));
}

bool graph_authorised(struct request *r)
{
    struct sim *s = r->sim;
    const char *header = http_header(r, "Authorization");
    pthread_mutex_lock(&s->lock);
    bool ok = header && !strncmp(header, "Bearer ", 7) && !strcmp(header + 7, s->conf.token) &&
              !s->conf.token_expired;
    if (!ok)
        s->counts.unauthorised++;
    pthread_mutex_unlock(&s->lock);
    return ok;
}

struct draw {
    enum reply_fault reply;
    int error_code;
    int64_t delay_ms, retry_after;
};

static struct draw draw_fault(struct sim *s)
{
    struct draw d = {0};
    pthread_mutex_lock(&s->lock);
    struct faults *f = &s->faults;
    if ((f->reply != REPLY_OK || f->delay_ms) && f->count && rng_unit(&f->rng) < f->probability) {
        d = (struct draw){f->reply, f->error_code, f->delay_ms, f->retry_after};
        if (f->count > 0)
            f->count--;
        s->counts.faulted++;
    }
    pthread_mutex_unlock(&s->lock);
    return d;
}

/* Waits while the faults hold sends at this place; ends with the program. */
static void hold_at_locked(struct sim *s, enum hold place)
{
    while (!s->stopping && s->faults.hold == place)
        (void)wait_changed_locked(s, mono_us() + 60 * INT64_C(1000000));
}

/* The answer to a send that was accepted. */
static cJSON *accepted_json(const struct verdict *v, const struct message *m)
{
    cJSON *json = cJSON_CreateObject(), *contact = cJSON_CreateObject(), *message = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "messaging_product", "whatsapp");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "contacts"), contact);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "messages"), message);
    cJSON_AddStringToObject(contact, "input", m->to);
    if (v->to)
        cJSON_AddStringToObject(contact, "wa_id", m->phone[0] ? m->phone : m->to);
    else
        cJSON_AddStringToObject(contact, "user_id", m->user_id);
    cJSON_AddStringToObject(message, "id", m->id);
    if (v->template_def)
        cJSON_AddStringToObject(message, "message_status", "accepted");
    return json;
}

static void lower(char *text)
{
    for (; *text; text++) {
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text + 32);
    }
}

/* Records the message and plans its statuses. `refused`: tell of this error by a failed status. */
static struct message *accept_locked(struct sim *s, const char *path, const cJSON *body,
                                     const struct verdict *v, const struct gerr *refused)
{
    char id[WAMID_MAX];
    const char *input = jstr(body, v->to ? "to" : "recipient");
    struct customer *c = NULL;
    if (!v->to_is_user_id)
        c = customer_touch_locked(s, v->to, v->to ? NULL : v->recipient);
    wamid_new_locked(s, v->to ? v->to : v->recipient, id);
    struct message *m =
        message_add_locked(s, id, xprint(body), v->callback_data ? xstrdup(v->callback_data) : NULL);
    copy_text(m->type, sizeof m->type, v->type);
    copy_text(m->to, sizeof m->to, input);
    m->old_version = atoi(path + 2) < 24;
    if (c) {
        copy_text(m->phone, sizeof m->phone, c->phone);
        copy_text(m->user_id, sizeof m->user_id, c->user_id);
        m->in_window = window_open_locked(s, c);
    }
    const char *category = v->template_def ? jstr(v->template_def, "category") : "service";
    copy_text(m->category, sizeof m->category, category ? category : "utility");
    lower(m->category);
    m->dropped = v->to_is_user_id;
    if (m->dropped)
        s->counts.dropped++;
    else
        status_plan_locked(s, m, refused);
    return m;
}

static enum MHD_Result mark_read(struct request *r, const struct verdict *v)
{
    struct sim *s = r->sim;
    struct inbound *in;
    pthread_mutex_lock(&s->lock);
    HASH_FIND_STR(s->inbounds, v->message_id, in);
    if (in) {
        in->read = true;
        in->typing |= v->typing;
        s->counts.reads++;
        s->counts.typings += v->typing;
        pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
    if (!in) {
        struct gerr e = {.code = 131009,
                         .details = "message_id is not an inbound message that is still known."};
        return graph_error(r, &e);
    }
    cJSON *json = cJSON_CreateObject();
    cJSON_AddTrueToObject(json, "success");
    return http_json(r, 200, json);
}

/* What a fault makes of a send before it is accepted. True: answered, see *rc. */
static bool fault_before(struct request *r, const struct draw *d, enum MHD_Result *rc)
{
    struct gerr e = {0};
    switch (d->reply) {
    case REPLY_DROP_BEFORE:
        *rc = MHD_NO;
        return true;
    case REPLY_429:
        e = (struct gerr){.code = 130429,
                          .details = "Message failed to send because there were too many messages."};
        break;
    case REPLY_500:
        e = (struct gerr){.code = 131000, .details = "Message failed to send due to an unknown error."};
        break;
    case REPLY_ERROR:
        e = (struct gerr){.code = d->error_code};
        snprintf(e.details, sizeof e.details, "%s", gerr_kind(d->error_code)->title);
        break;
    default:
        return false;
    }
    *rc = http_json_retry(r, gerr_kind(e.code)->http, gerr_json(&e), d->retry_after);
    return true;
}

static enum MHD_Result reply_accepted(struct request *r, const struct draw *d, cJSON *json)
{
    if (d->reply != REPLY_DROP_AFTER_ACCEPT && d->reply != REPLY_500_AFTER_ACCEPT &&
        d->reply != REPLY_GARBAGE)
        return http_json(r, 200, json);
    cJSON_Delete(json);
    if (d->reply == REPLY_DROP_AFTER_ACCEPT)
        return MHD_NO;
    if (d->reply == REPLY_500_AFTER_ACCEPT) /* of some machine on the way: it says nothing of the message */
        return http_text(r, 500, "text/html",
                         "<html><body><h1>Sorry, something went wrong.</h1></body></html>\n");
    return http_text(r, 200, "application/json",
                     "{\"messaging_product\":\"whatsapp\",\"messages\":[{\"id\":\"wam\x01\xff");
}

static enum MHD_Result send_checked(struct request *r, const cJSON *body, struct verdict *v,
                                    const struct draw *d)
{
    struct sim *s = r->sim;
    struct gerr window = {
        .code = 131047,
        .details = "Message failed to send because more than 24 hours have passed since the customer "
                   "last replied to this number."};
    pthread_mutex_lock(&s->lock);
    struct customer *c = v->to_is_user_id ? NULL : customer_find_locked(s, v->to ? v->to : v->recipient);
    bool closed = !v->to_is_user_id && !v->template_def && !window_open_locked(s, c);
    struct gerr limit;
    if (!c && !v->to_is_user_id)
        c = customer_touch_locked(s, v->to, v->to ? NULL : v->recipient);
    if (!limits_take_locked(s, c, &limit)) {
        int64_t retry_after_s = s->conf.limit_retry_after_s;
        s->counts.refused++;
        pthread_cond_broadcast(&s->changed);
        pthread_mutex_unlock(&s->lock);
        return http_json_retry(r, gerr_kind(limit.code)->http, gerr_json(&limit), retry_after_s);
    }
    if (closed && s->conf.window_refusal == WINDOW_SYNC) {
        pthread_mutex_unlock(&s->lock);
        return graph_error(r, &window);
    }
    cJSON *json = accepted_json(v, accept_locked(s, r->path, body, v, closed ? &window : NULL));
    hold_at_locked(s, HOLD_AFTER_ACCEPT);
    pthread_mutex_unlock(&s->lock);
    return reply_accepted(r, d, json);
}

static bool is_json(const char *type)
{
    return type && !strncasecmp(type, "application/json", 16) &&
           (!type[16] || type[16] == ';' || type[16] == ' ');
}

static enum MHD_Result post_messages(struct request *r)
{
    struct sim *s = r->sim;
    struct verdict v;
    enum MHD_Result rc;
    const char *end = NULL;
    if (r->too_large)
        return graph_error(r, &(struct gerr){.code = 100, .details = "The body is too large."});
    if (!is_json(http_header(r, "Content-Type")))
        return graph_error(r,
                           &(struct gerr){.code = 100, .details = "Content-Type must be application/json."});
    cJSON *body = r->body.p && utf8_valid(r->body.p, r->body.n)
                      ? cJSON_ParseWithLengthOpts(r->body.p, r->body.n + 1, &end, true)
                      : NULL;
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(body, "status");
    struct draw d = status ? (struct draw){0} : draw_fault(s);
    if (d.delay_ms)
        http_sleep(s, d.delay_ms);
    if (!status) {
        pthread_mutex_lock(&s->lock);
        hold_at_locked(s, HOLD_BEFORE);
        pthread_mutex_unlock(&s->lock);
    }
    if (fault_before(r, &d, &rc)) {
        cJSON_Delete(body);
        return rc;
    }
    if (!body)
        return graph_error(r, &(struct gerr){.code = 100, .details = "The body is not valid JSON in UTF-8."});
    pthread_mutex_lock(&s->lock);
    struct rules_env env = {s->conf.templates, s->conf.display_phone_number, media_type_of, s};
    bool ok = rules_check(&env, body, &v);
    /* Of the definition only its category is needed beyond this lock. */
    cJSON *def = ok && v.template_def ? cJSON_Duplicate(v.template_def, true) : NULL;
    pthread_mutex_unlock(&s->lock);
    v.template_def = def;
    rc = !ok                   ? graph_error(r, &v.error)
         : v.kind == BODY_READ ? mark_read(r, &v)
                               : send_checked(r, body, &v, &d);
    cJSON_Delete(def);
    cJSON_Delete(body);
    return rc;
}

static enum MHD_Result get_number(struct request *r)
{
    struct sim *s = r->sim;
    cJSON *json = cJSON_CreateObject();
    pthread_mutex_lock(&s->lock);
    cJSON_AddStringToObject(json, "verified_name", "Simulated business");
    cJSON_AddStringToObject(json, "display_phone_number", s->conf.display_phone_number);
    cJSON_AddStringToObject(json, "quality_rating", "GREEN");
    cJSON_AddStringToObject(json, "id", s->conf.phone_number_id);
    pthread_mutex_unlock(&s->lock);
    return http_json(r, 200, json);
}

/* "/v23.0/REST" -> REST, NULL when the path has no version in front. */
static const char *after_version(const char *path)
{
    if (path[0] != '/' || path[1] != 'v')
        return NULL;
    size_t major = strspn(path + 2, "0123456789");
    if (!major || path[2 + major] != '.')
        return NULL;
    size_t minor = strspn(path + 3 + major, "0123456789");
    const char *rest = path + 3 + major + minor;
    return minor && *rest == '/' ? rest + 1 : NULL;
}

enum MHD_Result graph_handle(struct request *r)
{
    struct sim *s = r->sim;
    if (media_is_download(r->path) && !strcmp(r->method, "GET"))
        return media_download(r);
    const char *rest = after_version(r->path);
    if (!graph_authorised(r)) {
        const char *header = http_header(r, "Authorization");
        struct gerr e = {.code = header && *header ? 190 : 0};
        pthread_mutex_lock(&s->lock);
        bool expired = e.code && s->conf.token_expired;
        pthread_mutex_unlock(&s->lock);
        e.subcode = expired ? 463 : 0;
        snprintf(e.details, sizeof e.details, "%s",
                 expired  ? "Error validating access token: Session has expired."
                 : e.code ? "The access token could not be decrypted."
                          : "An access token is required to request this resource.");
        return graph_error(r, &e);
    }
    struct gerr unknown = {.code = 100, .subcode = 33};
    snprintf(unknown.details, sizeof unknown.details, "Unsupported request: %.8s %.200s", r->method, r->path);
    if (!rest)
        return graph_error(r, &unknown);
    size_t n = strcspn(rest, "/");
    const char *edge = rest + n;
    char id[64] = "";
    if (n < sizeof id)
        memcpy(id, rest, n);
    pthread_mutex_lock(&s->lock);
    bool number = !strcmp(id, s->conf.phone_number_id), account = !strcmp(id, s->conf.waba_id);
    pthread_mutex_unlock(&s->lock);
    bool get = !strcmp(r->method, "GET"), post = !strcmp(r->method, "POST"),
         del = !strcmp(r->method, "DELETE");
    if (number && post && !strcmp(edge, "/messages"))
        return post_messages(r);
    if (number && post && !strcmp(edge, "/media"))
        return media_upload(r);
    if (number && get && !*edge)
        return get_number(r);
    if (account && get && !strcmp(edge, "/message_templates"))
        return templates_list(r);
    if (!*edge && (get || del) && is_digits(id, 1, 31))
        return media_describe(r, id, del);
    return graph_error(r, &unknown);
}
