/* The control API under /_sim/: configure, be a customer, look, break (README.md). */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum MHD_Result wrong(struct request *r, const char *why)
{
    cJSON *e = must(cJSON_CreateObject());

    cJSON_AddStringToObject(e, "error", why);
    return http_json(r, 400, e);
}

/* ---- configuration and faults: all or nothing ---- */

struct text_key {
    const char *key;
    char *out;
    size_t cap;
};
struct number_key {
    const char *key;
    int64_t *out, min, max;
};

/* 1: it was this; 0: it is none of these; -1: it is, and wrong. */
static int take_text(const cJSON *v, const struct text_key *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(keys[i].key, v->string))
            return cJSON_IsString(v) && copy(keys[i].out, keys[i].cap, v->valuestring) ? 1 : -1;
    return 0;
}

static int take_number(const cJSON *v, const struct number_key *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(keys[i].key, v->string) != 0)
            continue;
        if (!cJSON_IsNumber(v) || v->valuedouble < (double)keys[i].min ||
            v->valuedouble > (double)keys[i].max)
            return -1;
        *keys[i].out = (int64_t)v->valuedouble;
        return 1;
    }
    return 0;
}

bool conf_apply_locked(struct sim *s, const cJSON *json, char why[200])
{
    struct conf c = s->conf;
    const struct text_key texts[] = {{"account_sid", c.account_sid, sizeof c.account_sid},
                                     {"auth_token", c.auth_token, sizeof c.auth_token},
                                     {"api_key", c.api_key, sizeof c.api_key},
                                     {"api_secret", c.api_secret, sizeof c.api_secret},
                                     {"from", c.from, sizeof c.from},
                                     {"messaging_service_sid", c.service_sid, sizeof c.service_sid},
                                     {"webhook_url", c.webhook_url, sizeof c.webhook_url}};
    const struct number_key numbers[] = {{"retry_min_ms", &c.retry_min_ms, 1, 3600000},
                                         {"retry_max_ms", &c.retry_max_ms, 1, 3600000},
                                         {"timeout_ms", &c.timeout_ms, 1, 3600000}};
    const cJSON *v;

    cJSON_ArrayForEach(v, json)
    {
        int took = take_text(v, texts, sizeof texts / sizeof *texts);
        if (!took)
            took = take_number(v, numbers, sizeof numbers / sizeof *numbers);
        if (took != 1) {
            snprintf(why, 200, "%s is not a known key, or of a wrong kind", v->string);
            return false;
        }
    }
    s->conf = c;
    return true;
}

static int take_word(const char *const *words, const cJSON *v)
{
    for (int i = 0; words[i]; i++)
        if (cJSON_IsString(v) && !strcmp(words[i], v->valuestring))
            return i;
    return -1;
}

static bool take_statuses(struct faults *f, const cJSON *v)
{
    const cJSON *one;

    f->n_statuses = 0;
    cJSON_ArrayForEach(one, v)
    {
        if (f->n_statuses == 8 || !cJSON_IsString(one) ||
            !copy(f->statuses[f->n_statuses++], sizeof f->statuses[0], one->valuestring))
            return false;
    }
    return cJSON_IsArray(v);
}

static bool faults_apply_locked(struct sim *s, const cJSON *json, char why[200])
{
    static const char *const replies[] = {"ok",         "error",     "500",     "drop_before",
                                          "drop_after", "500_after", "garbage", NULL};
    static const char *const holds[] = {"none", "before", "after_accept", NULL};
    struct faults f = s->faults;
    const struct number_key numbers[] = {{"count", &f.count, -1, 1000000},
                                         {"retry_after", &f.retry_after, 0, 86400},
                                         {"status_delay_ms", &f.status_delay_ms, 0, 3600000},
                                         {"error", &f.error, 0, 99999},
                                         {"error_status", &f.error_status, 400, 599},
                                         {"error_code", &f.error_code, 0, 99999}};
    const cJSON *v;
    bool ok = true;
    int word;

    cJSON_ArrayForEach(v, json)
    {
        word = take_number(v, numbers, sizeof numbers / sizeof *numbers);
        if (word) {
            ok = word == 1;
        } else if (!strcmp(v->string, "reply")) {
            ok = (word = take_word(replies, v)) >= 0;
            f.reply = (enum reply)word;
            f.count = -1;
        } else if (!strcmp(v->string, "hold")) {
            ok = (word = take_word(holds, v)) >= 0;
            f.hold = (enum hold)word;
        } else if (!strcmp(v->string, "statuses")) {
            ok = take_statuses(&f, v);
        } else if (!strcmp(v->string, "duplicate_webhooks")) {
            f.duplicate_webhooks = cJSON_IsTrue(v);
        } else if (!strcmp(v->string, "spoilt_signatures")) {
            f.spoilt_signatures = cJSON_IsTrue(v);
        } else {
            ok = false;
        }
        if (!ok) {
            snprintf(why, 200, "%s is not a known key, or of a wrong kind", v->string);
            return false;
        }
    }
    s->faults = f;
    pthread_cond_broadcast(&s->changed);
    return true;
}

static enum MHD_Result apply(struct request *r, const cJSON *ask,
                             bool (*to)(struct sim *, const cJSON *, char why[200]))
{
    char why[200] = "";
    bool ok;

    pthread_mutex_lock(&r->sim->lock);
    ok = to(r->sim, ask, why);
    pthread_mutex_unlock(&r->sim->lock);
    return ok ? http_json(r, 200, must(cJSON_CreateObject())) : wrong(r, why);
}

/* ---- being a customer ---- */

/* Twilio's own handling of STOP and START. */
static void opting_locked(struct sim *s, const char *from, const char *text)
{
    unsigned i;

    for (i = 0; i < s->n_opted_out && strcmp(s->opted_out[i], from) != 0; i++)
        ;
    if (!strcmp(text, "STOP") && i == s->n_opted_out && i < 16)
        (void)copy(s->opted_out[s->n_opted_out++], NUMBER_MAX, from);
    if (!strcmp(text, "START") && i < s->n_opted_out)
        memmove(s->opted_out[i], s->opted_out[--s->n_opted_out], NUMBER_MAX);
}

static void inbound_one_locked(struct sim *s, const cJSON *ask, char sid[SID_MAX])
{
    const char *from = member(ask, "from"), *text = member(ask, "text"), *to = member(ask, "to");
    const cJSON *media = cJSON_GetObjectItemCaseSensitive(ask, "media"), *v;
    struct params p = {0};
    char n[24], name[32];
    int i = 0;

    make_sid(sid, media ? "MM" : "SM");
    if (member(ask, "sid"))
        (void)copy(sid, SID_MAX, member(ask, "sid"));
    opting_locked(s, from, text);
    params_add(&p, "ToCountry", "CO");
    params_add(&p, "ToState", "");
    params_add(&p, "SmsMessageSid", sid);
    snprintf(n, sizeof n, "%d", cJSON_GetArraySize(media));
    params_add(&p, "NumMedia", n);
    params_add(&p, "FromCity", "Bogotá");
    params_add(&p, "SmsSid", sid);
    params_add(&p, "SmsStatus", "received");
    params_add(&p, "FromCountry", "CO");
    params_add(&p, "Body", text);
    params_add(&p, "To", to ? to : "+15005550006");
    params_add(&p, "NumSegments", "1");
    params_add(&p, "MessageSid", sid);
    params_add(&p, "AccountSid", s->conf.account_sid);
    params_add(&p, "From", from);
    params_add(&p, "ApiVersion", "2010-04-01");
    cJSON_ArrayForEach(v, media)
    {
        snprintf(name, sizeof name, "MediaUrl%d", i);
        params_add(&p, name, v->valuestring);
        snprintf(name, sizeof name, "MediaContentType%d", i++);
        params_add(&p, name, "image/jpeg");
    }
    webhook_add_locked(s, s->conf.webhook_url, &p, true, 0);
}

static enum MHD_Result inbound(struct request *r, const cJSON *ask)
{
    const cJSON *one;
    cJSON *out;
    char sid[SID_MAX] = "";

    for (one = cJSON_IsArray(ask) ? ask->child : ask; one; one = cJSON_IsArray(ask) ? one->next : NULL)
        if (!member(one, "from") || !member(one, "text"))
            return wrong(r, "from and text are needed");
    pthread_mutex_lock(&r->sim->lock);
    for (one = cJSON_IsArray(ask) ? ask->child : ask; one; one = cJSON_IsArray(ask) ? one->next : NULL)
        inbound_one_locked(r->sim, one, sid);
    pthread_mutex_unlock(&r->sim->lock);
    out = must(cJSON_CreateObject());
    cJSON_AddStringToObject(out, "id", sid);
    return http_json(r, 200, out);
}

/* A status of a message, by its sid or its seq. */
static enum MHD_Result status(struct request *r, const cJSON *ask)
{
    const char *name = member(ask, "status"), *sid = member(ask, "sid");
    const cJSON *seq = cJSON_GetObjectItemCaseSensitive(ask, "seq"),
                *code = cJSON_GetObjectItemCaseSensitive(ask, "error_code");
    struct message *m;

    pthread_mutex_lock(&r->sim->lock);
    for (m = r->sim->messages; m; m = m->next)
        if ((sid && !strcmp(m->sid, sid)) || (cJSON_IsNumber(seq) && (double)m->seq == seq->valuedouble))
            break;
    if (m && name)
        status_add_locked(r->sim, m, name, cJSON_IsNumber(code) ? (int64_t)code->valuedouble : 0, 0);
    pthread_mutex_unlock(&r->sim->lock);
    return m && name ? http_json(r, 200, must(cJSON_CreateObject()))
                     : wrong(r, "sid or seq of a message that was sent, and status, are needed");
}

/* Any request, once, outside of the queue: url, body (NULL: a GET), type, and signature, or token to sign
 * with. */
static enum MHD_Result post(struct request *r, const cJSON *ask)
{
    const char *url = member(ask, "url"), *body = member(ask, "body"), *type = member(ask, "type"),
               *signature = member(ask, "signature"), *token = member(ask, "token"),
               *signed_url = member(ask, "signed_url");
    bool form = !type || !strncmp(type, "application/x-www-form-urlencoded", 33);
    struct http_result got;
    struct params p = {0};
    char *mine = NULL;
    cJSON *out;

    if (!url || (token && form && body && !params_read(&p, body, strlen(body))))
        return wrong(r, "url is missing, or body is no form");
    if (token)
        mine = sign(token, signed_url ? signed_url : url, form ? &p : NULL);
    http_call(url, body, type ? type : "application/x-www-form-urlencoded", mine ? mine : signature, 60000,
              &got);
    params_free(&p);
    free(mine);
    out = must(cJSON_CreateObject());
    cJSON_AddNumberToObject(out, "status", (double)got.status);
    cJSON_AddStringToObject(out, "type", got.type);
    cJSON_AddStringToObject(out, "body", got.body.p ? got.body.p : "");
    free(got.body.p);
    return http_json(r, 200, out);
}

/* ---- looking ---- */

static int64_t query(struct request *r, const char *name, int64_t absent)
{
    const char *v = http_query(r, name);

    return v ? strtoll(v, NULL, 10) : absent;
}

static enum MHD_Result messages(struct request *r)
{
    struct sim *s = r->sim;
    int64_t since = query(r, "since", 0), min = query(r, "min", 0);
    int64_t until = now_us() + query(r, "wait_ms", 0) * 1000;
    cJSON *out = must(cJSON_CreateObject()), *list = cJSON_AddArrayToObject(out, "messages"), *j;

    pthread_mutex_lock(&s->lock);
    while ((int64_t)s->seq - since < min && wait_locked(s, until))
        ;
    for (const struct message *m = s->messages; m; m = m->next) {
        if ((int64_t)m->seq <= since)
            continue;
        j = must(cJSON_CreateObject());
        cJSON_AddNumberToObject(j, "seq", (double)m->seq);
        cJSON_AddStringToObject(j, "id", m->sid);
        cJSON_AddNumberToObject(j, "segments", m->segments);
        cJSON_AddItemToObject(j, "form", must(cJSON_Duplicate(m->form, true)));
        cJSON_AddItemToArray(list, j);
    }
    pthread_mutex_unlock(&s->lock);
    return http_json(r, 200, out);
}

static enum MHD_Result quiet(struct request *r, const cJSON *ask)
{
    const cJSON *wait = cJSON_GetObjectItemCaseSensitive(ask, "wait_ms");
    int64_t until = now_us() + (cJSON_IsNumber(wait) ? (int64_t)wait->valuedouble * 1000 : 0);
    cJSON *out = must(cJSON_CreateObject());

    pthread_mutex_lock(&r->sim->lock);
    while (r->sim->n_events && wait_locked(r->sim, until))
        ;
    cJSON_AddBoolToObject(out, "quiet", r->sim->n_events == 0);
    cJSON_AddNumberToObject(out, "pending", (double)r->sim->n_events);
    pthread_mutex_unlock(&r->sim->lock);
    return http_json(r, 200, out);
}

static enum MHD_Result counts(struct request *r)
{
    const struct sim *s = r->sim;
    cJSON *out = must(cJSON_CreateObject());

    pthread_mutex_lock(&r->sim->lock);
    const struct {
        const char *name;
        uint64_t n;
    } all[] = {{"accepted", s->accepted},  {"refused", s->refused},
               {"requests", s->requests},  {"posted", s->posted},
               {"acked", s->acked},        {"failed", s->failed},
               {"pending", s->n_events},   {"inbound_acked", s->inbound_acked},
               {"not_twiml", s->not_twiml}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cJSON_AddNumberToObject(out, all[i].name, (double)all[i].n);
    pthread_mutex_unlock(&r->sim->lock);
    return http_json(r, 200, out);
}

enum MHD_Result control_handle(struct request *r)
{
    const char *what = r->path + 6;
    bool is_post = !strcmp(r->method, "POST");
    cJSON *ask = cJSON_ParseWithLength(r->body.p ? r->body.p : "", r->body.n);
    enum MHD_Result rc;

    if (is_post && !ask)
        rc = wrong(r, "the body is not JSON");
    else if (is_post && !strcmp(what, "config"))
        rc = apply(r, ask, conf_apply_locked);
    else if (is_post && !strcmp(what, "faults"))
        rc = apply(r, ask, faults_apply_locked);
    else if (is_post && !strcmp(what, "inbound"))
        rc = inbound(r, ask);
    else if (is_post && !strcmp(what, "status"))
        rc = status(r, ask);
    else if (is_post && !strcmp(what, "post"))
        rc = post(r, ask);
    else if (is_post && !strcmp(what, "quiet"))
        rc = quiet(r, ask);
    else if (!is_post && !strcmp(what, "messages"))
        rc = messages(r);
    else if (!is_post && !strcmp(what, "counts"))
        rc = counts(r);
    else
        rc = wrong(r, "no such control; see tools/sim/twilio/README.md");
    cJSON_Delete(ask);
    return rc;
}
