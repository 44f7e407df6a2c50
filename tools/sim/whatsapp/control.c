/* The control API under /_sim/, for tests and the demo. README.md describes it with examples. */
#include "sim.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MAX_MS = 600000, LIST_MAX = 10000, DUPLICATES_LISTED = 1000 };

static enum MHD_Result refuse(struct request *r, unsigned status, const char *why)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "error", why);
    return http_json(r, status, json);
}

static enum MHD_Result ok(struct request *r)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddTrueToObject(json, "ok");
    return http_json(r, 200, json);
}

static int64_t deadline(int64_t wait_ms)
{
    return mono_us() + (wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS) * 1000;
}

static enum MHD_Result post_config(struct request *r, const cJSON *body)
{
    char why[200];
    return conf_apply(r->sim, body, why, sizeof why) ? ok(r) : refuse(r, 400, why);
}

static enum MHD_Result get_config(struct request *r, const cJSON *body)
{
    (void)body;
    pthread_mutex_lock(&r->sim->lock);
    cJSON *json = conf_json_locked(r->sim);
    pthread_mutex_unlock(&r->sim->lock);
    return http_json(r, 200, json);
}

static enum MHD_Result post_faults(struct request *r, const cJSON *body)
{
    char why[200];
    return faults_apply(r->sim, body, why, sizeof why) ? ok(r) : refuse(r, 400, why);
}

static enum MHD_Result post_inbound(struct request *r, const cJSON *body)
{
    char why[300] = "";
    cJSON *json = cJSON_CreateObject(), *ids = cJSON_AddArrayToObject(json, "ids");
    bool good = true;
    if (cJSON_IsArray(body)) {
        for (const cJSON *v = body->child; v && good; v = v->next)
            good = inbound_make(r->sim, v, ids, why, sizeof why);
    } else {
        good = inbound_make(r->sim, body, ids, why, sizeof why);
    }
    if (!good) { /* of an array what came before the bad one is on its way */
        cJSON_AddStringToObject(json, "error", why);
        return http_json(r, 400, json);
    }
    const char *first = cJSON_GetStringValue(cJSON_GetArrayItem(ids, 0));
    if (first)
        cJSON_AddStringToObject(json, "id", first);
    return http_json(r, 200, json);
}

static enum MHD_Result post_status(struct request *r, const cJSON *body)
{
    struct sim *s = r->sim;
    const char *id = jstr(body, "id"), *status = jstr(body, "status"),
               *recipient = jstr(body, "recipient_id");
    const cJSON *errors = cJSON_GetObjectItemCaseSensitive(body, "errors");
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(body, "error"),
                *delay = cJSON_GetObjectItemCaseSensitive(body, "delay_ms");
    if (!id || !status)
        return refuse(r, 400, "id and status are needed");
    cJSON *list = errors ? cJSON_Duplicate(errors, true) : NULL;
    if (cJSON_IsNumber(code)) {
        list = list ? list : cJSON_CreateArray();
        cJSON_AddItemToArray(list, gerr_status_json(&(struct gerr){.code = code->valueint}));
    }
    pthread_mutex_lock(&s->lock);
    const struct message *m = message_find_locked(s, id);
    bool known = m || recipient;
    if (known)
        status_send_locked(s, m, id, status, list, recipient,
                           cJSON_IsNumber(delay) ? (int64_t)delay->valuedouble : 0);
    pthread_mutex_unlock(&s->lock);
    if (known)
        return ok(r);
    cJSON_Delete(list);
    return refuse(r, 404, "no such message was sent; give recipient_id to make a status for it all the same");
}

/* {"customer":"573…","open":true}: as if the customer had written just now, or not for a day. */
static enum MHD_Result post_window(struct request *r, const cJSON *body)
{
    struct sim *s = r->sim;
    const char *who = jstr(body, "customer");
    if (!who || !cJSON_IsBool(cJSON_GetObjectItemCaseSensitive(body, "open")))
        return refuse(r, 400, "customer and open (true or false) are needed");
    bool user_id = is_user_id(who);
    if (!user_id && !is_digits(who, 7, 15))
        return refuse(r, 400, "customer must be a phone number in digits or a user id");
    pthread_mutex_lock(&s->lock);
    struct customer *c = customer_touch_locked(s, user_id ? NULL : who, user_id ? who : NULL);
    c->last_inbound_us = jbool(body, "open", false) ? clock_us_locked(s) : 0;
    pthread_mutex_unlock(&s->lock);
    return ok(r);
}

/* {"advance_s":86400}: limits and windows see so much later. */
static enum MHD_Result post_clock(struct request *r, const cJSON *body)
{
    struct sim *s = r->sim;
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(body, "advance_s");
    if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0 && v->valuedouble <= 1e9))
        return refuse(r, 400, "advance_s must be a number of seconds");
    pthread_mutex_lock(&s->lock);
    s->clock_us += (int64_t)(v->valuedouble * 1e6);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "ahead_s", (double)s->clock_us / 1e6);
    pthread_mutex_unlock(&s->lock);
    return http_json(r, 200, json);
}

static enum MHD_Result post_template(struct request *r, const cJSON *body)
{
    char why[200];
    return templates_change(r->sim, body, why, sizeof why) ? ok(r) : refuse(r, 400, why);
}

/* {"field":"account_update","value":{…}}: a webhook of any field, by the queue. */
static enum MHD_Result post_field(struct request *r, const cJSON *body)
{
    struct sim *s = r->sim;
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(body, "value");
    const char *field = jstr(body, "field");
    if (!field || !cJSON_IsObject(value))
        return refuse(r, 400, "field and value (an object) are needed");
    pthread_mutex_lock(&s->lock);
    webhook_field_locked(s, field, xprint(value));
    pthread_mutex_unlock(&s->lock);
    return ok(r);
}

static cJSON *message_json(const struct message *m)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "seq", (double)m->seq);
    cJSON_AddStringToObject(json, "id", m->id);
    cJSON_AddStringToObject(json, "to", m->to);
    cJSON_AddStringToObject(json, "type", m->type);
    cJSON_AddNumberToObject(json, "accepted_at", (double)m->at_s);
    cJSON_AddBoolToObject(json, "dropped", m->dropped);
    if (m->callback_data)
        cJSON_AddStringToObject(json, "biz_opaque_callback_data", m->callback_data);
    cJSON_AddItemToObject(json, "body", cJSON_Parse(m->body));
    return json;
}

/* ?since=N&wait_ms=M&min=K&limit=L: messages after sequence number N, once there are K of them or M is over.
 */
static enum MHD_Result get_messages(struct request *r, const cJSON *body)
{
    struct sim *s = r->sim;
    (void)body;
    uint64_t since = (uint64_t)http_query_int(r, "since", 0), min = (uint64_t)http_query_int(r, "min", 1);
    uint64_t limit = (uint64_t)http_query_int(r, "limit", LIST_MAX);
    int64_t until = deadline(http_query_int(r, "wait_ms", 0));
    cJSON *json = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(json, "messages");
    pthread_mutex_lock(&s->lock);
    while (s->sent.next < since + min && wait_changed_locked(s, until))
        ;
    uint64_t first = s->sent.next > s->sent.cap ? s->sent.next - s->sent.cap : 0, last = since;
    for (uint64_t i = since > first ? since : first; i < s->sent.next && limit; i++, limit--) {
        const struct message *m = s->sent.slot[i % s->sent.cap];
        cJSON_AddItemToArray(list, message_json(m));
        last = m->seq;
    }
    cJSON_AddNumberToObject(json, "next", (double)last);
    cJSON_AddNumberToObject(json, "total", (double)s->sent.next);
    cJSON_AddNumberToObject(json, "forgotten", since < first ? (double)(first - since) : 0);
    pthread_mutex_unlock(&s->lock);
    return http_json(r, 200, json);
}

/* ?since=N&wait_ms=M&min_acked=K: ids of acknowledged inbound messages, in the order of acknowledgement. */
static enum MHD_Result get_webhooks(struct request *r, const cJSON *body)
{
    struct sim *s = r->sim;
    (void)body;
    uint64_t since = (uint64_t)http_query_int(r, "since", 0),
             min = (uint64_t)http_query_int(r, "min_acked", 0);
    uint64_t limit = (uint64_t)http_query_int(r, "limit", INT32_MAX);
    int64_t until = deadline(http_query_int(r, "wait_ms", 0));
    cJSON *json = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(json, "acked"),
          *read = cJSON_AddArrayToObject(json, "read");
    pthread_mutex_lock(&s->lock);
    while (s->acked.next < min && wait_changed_locked(s, until))
        ;
    uint64_t first = s->acked.next > s->acked.cap ? s->acked.next - s->acked.cap : 0, next = since;
    for (uint64_t i = since > first ? since : first; i < s->acked.next && limit; i++, limit--) {
        const char *id = s->acked.slot[i % s->acked.cap];
        const struct inbound *in;
        cJSON_AddItemToArray(list, cJSON_CreateString(id));
        HASH_FIND_STR(s->inbounds, id, in);
        if (in && in->read)
            cJSON_AddItemToArray(read, cJSON_CreateString(id));
        next = i + 1;
    }
    cJSON_AddNumberToObject(json, "next", (double)next);
    cJSON_AddNumberToObject(json, "total_acked", (double)s->counts.acked_messages);
    cJSON_AddNumberToObject(json, "forgotten", since < first ? (double)(first - since) : 0);
    cJSON_AddNumberToObject(json, "pending", (double)webhook_pending_locked(s));
    pthread_mutex_unlock(&s->lock);
    return http_json(r, 200, json);
}

static enum MHD_Result get_counts(struct request *r, const cJSON *body)
{
    struct sim *s = r->sim;
    (void)body;
    cJSON *json = cJSON_CreateObject(), *hooks = cJSON_AddObjectToObject(json, "webhooks");
    pthread_mutex_lock(&s->lock);
    const struct counts *c = &s->counts;
    const struct {
        const char *name;
        uint64_t n;
    } top[] = {{"accepted", c->accepted},
               {"dropped", c->dropped},
               {"refused", c->refused},
               {"faulted", c->faulted},
               {"reads", c->reads},
               {"typings", c->typings},
               {"throttled", c->throttled},
               {"pair_throttled", c->pair_throttled},
               {"template_lists", c->template_lists},
               {"unauthorised", c->unauthorised},
               {"inbound", c->inbound},
               {"uploads", c->uploads},
               {"downloads", c->downloads},
               {"media", HASH_COUNT(s->media)},
               {"callback_data_untracked", c->untracked}},
      hook[] = {{"posted", c->posts},
                {"acknowledged", c->posts_ok},
                {"failed", c->posts_failed},
                {"pending", webhook_pending_locked(s)},
                {"acked_messages", c->acked_messages},
                {"acked_statuses", c->acked_statuses},
                {"discarded", c->discarded}};
    for (size_t i = 0; i < sizeof top / sizeof top[0]; i++)
        cJSON_AddNumberToObject(json, top[i].name, (double)top[i].n);
    for (size_t i = 0; i < sizeof hook / sizeof hook[0]; i++)
        cJSON_AddNumberToObject(hooks, hook[i].name, (double)hook[i].n);
    cJSON *list = cJSON_AddArrayToObject(json, "duplicates");
    size_t twice = 0;
    for (const struct callback_data *d = s->callbacks; d; d = d->hh.next) {
        if (d->n < 2 || twice++ >= DUPLICATES_LISTED)
            continue;
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "biz_opaque_callback_data", d->key);
        cJSON_AddNumberToObject(one, "accepted", (double)d->n);
        cJSON_AddItemToArray(list, one);
    }
    cJSON_AddNumberToObject(json, "distinct", HASH_COUNT(s->callbacks));
    cJSON_AddNumberToObject(json, "duplicated", (double)twice);
    pthread_mutex_unlock(&s->lock);
    return http_json(r, 200, json);
}

static enum MHD_Result post_quiet(struct request *r, const cJSON *body)
{
    struct sim *s = r->sim;
    const cJSON *wait = cJSON_GetObjectItemCaseSensitive(body, "wait_ms");
    int64_t until = deadline(cJSON_IsNumber(wait) && wait->valuedouble >= 0 ? (int64_t)wait->valuedouble : 0);
    cJSON *json = cJSON_CreateObject();
    pthread_mutex_lock(&s->lock);
    while (webhook_pending_locked(s) && wait_changed_locked(s, until))
        ;
    cJSON_AddBoolToObject(json, "quiet", webhook_pending_locked(s) == 0);
    cJSON_AddNumberToObject(json, "pending", (double)webhook_pending_locked(s));
    pthread_mutex_unlock(&s->lock);
    return http_json(r, 200, json);
}

static enum MHD_Result exchange_answer(struct request *r, const struct http_result *got)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "status", (double)got->status);
    cJSON_AddStringToObject(json, "body",
                            utf8_valid(got->body, strlen(got->body)) ? got->body : "(no UTF-8)");
    if (got->error[0])
        cJSON_AddStringToObject(json, "error", got->error);
    return http_json(r, 200, json);
}

/* {"payload":{…} | "body":"text", "signature":"good|bad|none"}: one webhook now, and what was answered. */
static enum MHD_Result post_post(struct request *r, const cJSON *body)
{
    struct sim *s = r->sim;
    struct http_result got;
    struct sbuf text = {0};
    char url[sizeof s->conf.webhook_url];
    const cJSON *payload = cJSON_GetObjectItemCaseSensitive(body, "payload");
    const char *raw = jstr(body, "body"), *signature = jstr(body, "signature");
    if (!payload == !raw)
        return refuse(r, 400, "give either payload (JSON) or body (text)");
    if (!signature)
        signature = "good";
    if (strcmp(signature, "good") && strcmp(signature, "bad") && strcmp(signature, "none"))
        return refuse(r, 400, "signature must be good, bad or none");
    pthread_mutex_lock(&s->lock);
    memcpy(url, s->conf.webhook_url, sizeof url);
    pthread_mutex_unlock(&s->lock);
    if (!url[0])
        return refuse(r, 409, "webhook_url is not configured");
    if (payload) {
        char *json = xprint(payload);
        json_escape(&text, json, strlen(json));
        free(json);
    } else {
        sbuf_text(&text, raw);
    }
    webhook_post_once(s, url, text.p, text.n, signature, &got);
    sbuf_free(&text);
    return exchange_answer(r, &got);
}

/* {"verify_token"}: the handshake that Meta does when a webhook is set up. */
static enum MHD_Result post_verify(struct request *r, const cJSON *body)
{
    struct sim *s = r->sim;
    struct http_result got;
    struct sbuf url = {0};
    char challenge[24];
    uint32_t random;
    const char *token = jstr(body, "verify_token");
    if (!token)
        return refuse(r, 400, "verify_token is needed");
    random_bytes(&random, sizeof random);
    snprintf(challenge, sizeof challenge, "%u", 1000000000u + random % 1000000000u);
    char *escaped = curl_easy_escape(NULL, token, 0);
    pthread_mutex_lock(&s->lock);
    sbuf_text(&url, s->conf.webhook_url);
    int64_t timeout_ms = s->conf.timeout_ms;
    pthread_mutex_unlock(&s->lock);
    sbuf_text(&url, strchr(url.p, '?') ? "&" : "?");
    sbuf_printf(&url, "hub.mode=subscribe&hub.challenge=%s&hub.verify_token=", challenge);
    sbuf_text(&url, escaped ? escaped : "");
    webhook_get_once(url.p, timeout_ms, &got);
    curl_free(escaped);
    sbuf_free(&url);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "status", (double)got.status);
    cJSON_AddBoolToObject(json, "verified", got.status == 200 && !strcmp(got.body, challenge));
    if (got.error[0])
        cJSON_AddStringToObject(json, "error", got.error);
    return http_json(r, 200, json);
}

enum MHD_Result control_handle(struct request *r)
{
    static const struct {
        const char *method, *path;
        enum MHD_Result (*handle)(struct request *, const cJSON *);
    } routes[] = {
        {"POST", "config", post_config},   {"GET", "config", get_config},
        {"POST", "faults", post_faults},   {"POST", "inbound", post_inbound},
        {"POST", "status", post_status},   {"POST", "window", post_window},
        {"POST", "clock", post_clock},     {"POST", "template", post_template},
        {"POST", "field", post_field},     {"POST", "quiet", post_quiet},
        {"POST", "post", post_post},       {"POST", "verify", post_verify},
        {"GET", "messages", get_messages}, {"GET", "webhooks", get_webhooks},
        {"GET", "counts", get_counts},
    };
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (strcmp(routes[i].method, r->method) || strcmp(routes[i].path, r->path + 6))
            continue;
        cJSON *body = NULL;
        if (!strcmp(r->method, "POST")) {
            if (r->too_large)
                return refuse(r, 413, "the body is too large");
            if (r->body.p && utf8_valid(r->body.p, r->body.n))
                body = cJSON_ParseWithLengthOpts(r->body.p, r->body.n + 1, NULL, true);
            if (!body)
                return refuse(r, 400, "the body is not valid JSON in UTF-8");
        }
        enum MHD_Result rc = routes[i].handle(r, body);
        cJSON_Delete(body);
        return rc;
    }
    return refuse(r, 404, "no such control call; see tools/sim/whatsapp/README.md");
}
