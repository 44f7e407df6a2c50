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

static bool take_text(char *out, size_t cap, const cJSON *v, char why[200])
{
    if (cJSON_IsString(v) && copy(out, cap, v->valuestring))
        return true;
    snprintf(why, 200, "%s must be a text, not too long", v->string);
    return false;
}

static bool take_number(int64_t *out, const cJSON *v, int64_t min, int64_t max, char why[200])
{
    if (cJSON_IsNumber(v) && v->valuedouble >= (double)min && v->valuedouble <= (double)max) {
        *out = (int64_t)v->valuedouble;
        return true;
    }
    snprintf(why, 200, "%s must be a number from %lld to %lld", v->string, (long long)min, (long long)max);
    return false;
}

static bool take_bool(bool *out, const cJSON *v, char why[200])
{
    *out = cJSON_IsTrue(v);
    if (cJSON_IsBool(v))
        return true;
    snprintf(why, 200, "%s must be true or false", v->string);
    return false;
}

/* The place of a word in a list; -1 and why. */
static int take_word(const char *const *words, const cJSON *v, char why[200])
{
    for (int i = 0; words[i]; i++)
        if (cJSON_IsString(v) && !strcmp(words[i], v->valuestring))
            return i;
    snprintf(why, 200, "%s is of no known value", v->string);
    return -1;
}

static bool take_templates(struct conf *c, const cJSON *v, char why[200])
{
    const cJSON *t;
    const char *no;

    cJSON_ArrayForEach(t, v)
    {
        no = template_wrong(t);
        if (no) {
            snprintf(why, 200, "%s", no);
            return false;
        }
    }
    if (!cJSON_IsArray(v)) {
        snprintf(why, 200, "templates must be an array");
        return false;
    }
    c->templates = must(cJSON_Duplicate(v, true));
    return true;
}

bool conf_apply_locked(struct sim *s, const cJSON *json, char why[200])
{
    struct conf c = s->conf;
    const cJSON *v;
    bool ok = cJSON_IsObject(json);

    if (!ok)
        snprintf(why, 200, "must be an object");
    cJSON_ArrayForEach(v, json)
    {
        const struct {
            const char *key;
            char *out;
            size_t cap;
        } texts[] = {{"api_key", c.api_key, sizeof c.api_key},
                     {"sender", c.sender, sizeof c.sender},
                     {"webhook_url", c.webhook_url, sizeof c.webhook_url},
                     {"webhook_user", c.webhook_user, sizeof c.webhook_user},
                     {"webhook_password", c.webhook_password, sizeof c.webhook_password},
                     {"public_url", c.public_url, sizeof c.public_url}};
        const struct {
            const char *key;
            int64_t *out, min, max;
        } numbers[] = {{"batch", &c.batch, 1, 1000},
                       {"retry_min_ms", &c.retry_min_ms, 1, 3600000},
                       {"retry_max_ms", &c.retry_max_ms, 1, 3600000},
                       {"timeout_ms", &c.timeout_ms, 1, 3600000},
                       {"window_s", &c.window_s, 1, 86400 * 365}};
        const struct {
            const char *key;
            bool *out;
        } bools[] = {{"old_errors", &c.old_errors},
                     {"fetch_media", &c.fetch_media},
                     {"enforce_window", &c.enforce_window}};
        size_t i;

        if (!ok)
            break;
        for (i = 0; i < sizeof texts / sizeof *texts; i++)
            if (!strcmp(texts[i].key, v->string))
                break;
        if (i < sizeof texts / sizeof *texts) {
            ok = take_text(texts[i].out, texts[i].cap, v, why);
            continue;
        }
        for (i = 0; i < sizeof numbers / sizeof *numbers; i++)
            if (!strcmp(numbers[i].key, v->string))
                break;
        if (i < sizeof numbers / sizeof *numbers) {
            ok = take_number(numbers[i].out, v, numbers[i].min, numbers[i].max, why);
            continue;
        }
        for (i = 0; i < sizeof bools / sizeof *bools; i++)
            if (!strcmp(bools[i].key, v->string))
                break;
        if (i < sizeof bools / sizeof *bools) {
            ok = take_bool(bools[i].out, v, why);
        } else if (!strcmp(v->string, "templates") && c.templates == s->conf.templates) {
            ok = take_templates(&c, v, why);
        } else {
            snprintf(why, 200, "%s is not a known key, or is there twice", v->string);
            ok = false;
        }
    }
    if (c.templates != s->conf.templates)
        cJSON_Delete(ok ? s->conf.templates : c.templates);
    if (ok)
        s->conf = c;
    return ok;
}

static bool take_reports(struct faults *f, const cJSON *v, char why[200])
{
    const cJSON *r;

    f->n_reports = 0;
    cJSON_ArrayForEach(r, v)
    {
        const char *name = cJSON_GetStringValue(r);
        cJSON *status = name ? status_json(name) : NULL;
        bool ok = (status || (name && !strcmp(name, "SEEN"))) && f->n_reports < 8;
        cJSON_Delete(status);
        if (!ok) {
            snprintf(why, 200, "reports must be up to eight names of statuses, or SEEN");
            return false;
        }
        (void)copy(f->reports[f->n_reports], sizeof f->reports[0], name);
        f->n_reports++;
    }
    return true;
}

bool faults_apply_locked(struct sim *s, const cJSON *json, char why[200])
{
    static const char *const replies[] = {"ok",          "401",        "403",       "429",     "500", "503",
                                          "drop_before", "drop_after", "500_after", "garbage", NULL};
    static const char *const holds[] = {"none", "before", "after_accept", NULL};
    struct faults f = s->faults;
    const cJSON *v;
    int64_t number = 0;
    int word = 0;
    bool ok = cJSON_IsObject(json);

    if (!ok)
        snprintf(why, 200, "must be an object");
    cJSON_ArrayForEach(v, json)
    {
        if (!ok)
            break;
        if (!strcmp(v->string, "reply")) {
            ok = (word = take_word(replies, v, why)) >= 0;
            f.reply = (enum reply)word;
            f.count = f.reply == REPLY_OK ? 0 : -1;
        } else if (!strcmp(v->string, "hold")) {
            ok = (word = take_word(holds, v, why)) >= 0;
            f.hold = (enum hold)word;
        } else if (!strcmp(v->string, "count")) {
            ok = take_number(&f.count, v, -1, 1000000, why);
        } else if (!strcmp(v->string, "retry_after")) {
            ok = take_number(&f.retry_after, v, 0, 86400, why);
        } else if (!strcmp(v->string, "report_delay_ms")) {
            ok = take_number(&f.report_delay_ms, v, 0, 3600000, why);
        } else if (!strcmp(v->string, "media")) {
            ok = take_number(&number, v, 0, 599, why);
            f.media = (int)number;
        } else if (!strcmp(v->string, "duplicate_webhooks")) {
            ok = take_bool(&f.duplicate_webhooks, v, why);
        } else if (!strcmp(v->string, "only_to")) {
            ok = take_text(f.only_to, sizeof f.only_to, v, why);
        } else if (!strcmp(v->string, "reports")) {
            ok = take_reports(&f, v, why);
        } else if (!strcmp(v->string, "status") || !strcmp(v->string, "error")) {
            bool status = v->string[0] == 's';
            const char *name = cJSON_GetStringValue(v);
            cJSON *known = !name || !*name ? NULL : status ? status_json(name) : error_json(name);
            ok = take_text(status ? f.status : f.error, sizeof f.status, v, why) && (known || !*name);
            if (!ok)
                snprintf(why, 200, "%s is of no known name", v->string);
            cJSON_Delete(known);
        } else {
            snprintf(why, 200, "%s is not a known key", v->string);
            ok = false;
        }
    }
    if (ok) {
        s->faults = f;
        pthread_cond_broadcast(&s->changed);
    }
    return ok;
}

/* ---- being a customer ---- */

static enum MHD_Result inbound(struct request *r, const cJSON *ask,
                               const char *(*make)(struct sim *, const cJSON *, char why[200]))
{
    const cJSON *one = cJSON_IsArray(ask) ? ask->child : ask;
    cJSON *out = must(cJSON_CreateObject()), *ids = cJSON_AddArrayToObject(out, "ids");
    char why[200] = "";
    const char *id = NULL;

    pthread_mutex_lock(&r->sim->lock);
    for (; one; one = cJSON_IsArray(ask) ? one->next : NULL) {
        id = make(r->sim, one, why);
        if (!id)
            break;
        cJSON_AddItemToArray(ids, cJSON_CreateString(id));
    }
    if (id)
        cJSON_AddStringToObject(out, "id", id);
    pthread_mutex_unlock(&r->sim->lock);
    if (id)
        return http_json(r, 200, out);
    cJSON_Delete(out);
    return wrong(r, why);
}

static enum MHD_Result report(struct request *r, const cJSON *ask)
{
    const char *id = member(ask, "id"), *name = member(ask, "status");
    struct message *m;
    bool ok;

    pthread_mutex_lock(&r->sim->lock);
    m = id ? message_find_locked(r->sim, id, NULL) : NULL;
    ok = m && name && report_add_locked(r->sim, m, name, member(ask, "error"), 0);
    pthread_mutex_unlock(&r->sim->lock);
    return ok ? http_json(r, 200, must(cJSON_CreateObject()))
              : wrong(r, "id must be a message that was sent, status and error known names");
}

/* Any body, once, outside of the queue. */
static enum MHD_Result post(struct request *r, const cJSON *ask)
{
    const cJSON *payload = cJSON_GetObjectItemCaseSensitive(ask, "payload");
    const char *text = member(ask, "body"), *url = member(ask, "url"),
               *credentials = member(ask, "credentials");
    struct http_result got;
    char where[URL_MAX];
    char *body;
    cJSON *out;

    pthread_mutex_lock(&r->sim->lock);
    (void)copy(where, sizeof where, url ? url : r->sim->conf.webhook_url);
    pthread_mutex_unlock(&r->sim->lock);
    if (!payload && !text)
        return wrong(r, "payload or body is missing");
    body = payload ? print(payload) : must(strdup(text));
    http_call(where, body, credentials, 60000, &got);
    free(body);
    out = must(cJSON_CreateObject());
    cJSON_AddNumberToObject(out, "status", (double)got.status);
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
    for (const struct message *m = s->messages; m; m = m->hh.next) {
        if ((int64_t)m->seq <= since)
            continue;
        j = must(cJSON_CreateObject());
        cJSON_AddNumberToObject(j, "seq", (double)m->seq);
        cJSON_AddStringToObject(j, "id", m->id);
        cJSON_AddStringToObject(j, "to", m->to);
        cJSON_AddStringToObject(j, "kind", m->kind);
        cJSON_AddNumberToObject(j, "times", m->times);
        if (m->segments)
            cJSON_AddNumberToObject(j, "segments", m->segments);
        cJSON_AddItemToObject(j, "body", must(cJSON_Duplicate(m->body, true)));
        if (m->media)
            cJSON_AddItemToObject(j, "media", must(cJSON_Duplicate(m->media, true)));
        cJSON_AddItemToArray(list, j);
    }
    pthread_mutex_unlock(&s->lock);
    return http_json(r, 200, out);
}

static unsigned count_acked(const struct sim *s, unsigned *read)
{
    unsigned n = 0;

    *read = 0;
    for (const struct inbound *in = s->inbound; in; in = in->hh.next) {
        n += in->acked;
        *read += in->read;
    }
    return n;
}

/* Inbound messages: those taken by the gateway, and of all those marked as read. */
static enum MHD_Result webhooks(struct request *r)
{
    struct sim *s = r->sim;
    int64_t min = query(r, "min_acked", 0), min_read = query(r, "min_read", 0);
    int64_t until = now_us() + query(r, "wait_ms", 0) * 1000;
    cJSON *out = must(cJSON_CreateObject()), *acked = cJSON_AddArrayToObject(out, "acked"),
          *read = cJSON_AddArrayToObject(out, "read");
    unsigned n_read;

    pthread_mutex_lock(&s->lock);
    while (((int64_t)count_acked(s, &n_read) < min || n_read < min_read) && wait_locked(s, until))
        ;
    for (const struct inbound *in = s->inbound; in; in = in->hh.next) {
        if (in->acked)
            cJSON_AddItemToArray(acked, cJSON_CreateString(in->id));
        if (in->read)
            cJSON_AddItemToArray(read, cJSON_CreateString(in->id));
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
    cJSON_AddNumberToObject(out, "accepted", (double)s->accepted);
    cJSON_AddNumberToObject(out, "refused", (double)s->refused);
    cJSON_AddNumberToObject(out, "duplicates", (double)s->duplicates);
    cJSON_AddNumberToObject(out, "requests", (double)s->requests);
    cJSON_AddNumberToObject(out, "keys", (double)s->keys);
    cJSON_AddNumberToObject(out, "reads", (double)s->reads);
    cJSON_AddNumberToObject(out, "typings", (double)s->typings);
    cJSON_AddNumberToObject(out, "posted", (double)s->posted);
    cJSON_AddNumberToObject(out, "acked", (double)s->acked);
    cJSON_AddNumberToObject(out, "failed", (double)s->failed);
    cJSON_AddNumberToObject(out, "pending", (double)s->n_events);
    cJSON_AddItemToObject(out, "last_error", s->error ? cJSON_Parse(s->error) : cJSON_CreateNull());
    pthread_mutex_unlock(&r->sim->lock);
    return http_json(r, 200, out);
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
        rc = inbound(r, ask, inbound_make_locked);
    else if (is_post && !strcmp(what, "sms"))
        rc = inbound(r, ask, sms_inbound_locked);
    else if (is_post && !strcmp(what, "report"))
        rc = report(r, ask);
    else if (is_post && !strcmp(what, "post"))
        rc = post(r, ask);
    else if (is_post && !strcmp(what, "quiet"))
        rc = quiet(r, ask);
    else if (!is_post && !strcmp(what, "messages"))
        rc = messages(r);
    else if (!is_post && !strcmp(what, "webhooks"))
        rc = webhooks(r);
    else if (!is_post && !strcmp(what, "counts"))
        rc = counts(r);
    else
        rc = wrong(r, "no such control; see tools/sim/infobip/README.md");
    cJSON_Delete(ask);
    return rc;
}
