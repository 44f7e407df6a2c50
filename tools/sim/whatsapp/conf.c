/* Configuration and faults: from JSON (the control API, or the command line through the same door) into
 * structs.
 *
 * Both readers work on a copy and install it whole, so a bad object changes nothing. Unknown keys are
 * refused. */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool say(char *why, size_t cap, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool say(char *why, size_t cap, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(why, cap, format, ap);
    va_end(ap);
    return false;
}

void conf_init(struct sim *s)
{
    s->conf = (struct conf){.token = "sim-token",
                            .app_secret = "sim-app-secret",
                            .phone_number_id = "106540352242922",
                            .waba_id = "102290129340398",
                            .display_phone_number = "15550783881",
                            .enforce_window = true,
                            .user_ids = true,
                            .window_s = 24 * 3600,
                            .media_url_s = 300,
                            .batch = 1,
                            .retry_min_ms = 100,
                            .retry_max_ms = 2000,
                            .timeout_ms = 10000,
                            .pair_burst = 45,
                            .template_page = 1000};
    s->conf.templates = cJSON_CreateArray();
    s->faults = (struct faults){
        .probability = 1, .count = -1, .media_count = -1, .rng = 1, .reorder_ms = 50, .n_statuses = 3};
    strcpy(s->faults.statuses[0], "sent");
    strcpy(s->faults.statuses[1], "delivered");
    strcpy(s->faults.statuses[2], "read");
}

struct text_key {
    const char *name;
    char *out;
    size_t cap;
};

struct number_key {
    const char *name;
    int64_t *out, min, max;
};

struct bool_key {
    const char *name;
    bool *out;
};

/* 1: taken, 0: another key, -1: wrong, see `why`. */
static int take(const cJSON *v, const struct text_key *texts, const struct number_key *numbers,
                const struct bool_key *bools, char *why, size_t cap)
{
    for (const struct text_key *k = texts; k->name; k++) {
        if (strcmp(k->name, v->string))
            continue;
        if (!cJSON_IsString(v) || !copy_text(k->out, k->cap, v->valuestring)) {
            say(why, cap, "%s must be a string of less than %zu bytes", k->name, k->cap);
            return -1;
        }
        return 1;
    }
    for (const struct number_key *k = numbers; k->name; k++) {
        if (strcmp(k->name, v->string))
            continue;
        if (!cJSON_IsNumber(v) || !(v->valuedouble >= (double)k->min && v->valuedouble <= (double)k->max)) {
            say(why, cap, "%s must be a number from %lld to %lld", k->name, (long long)k->min,
                (long long)k->max);
            return -1;
        }
        *k->out = (int64_t)v->valuedouble;
        return 1;
    }
    for (const struct bool_key *k = bools; k->name; k++) {
        if (strcmp(k->name, v->string))
            continue;
        if (!cJSON_IsBool(v)) {
            say(why, cap, "%s must be true or false", k->name);
            return -1;
        }
        *k->out = cJSON_IsTrue(v);
        return 1;
    }
    return 0;
}

/* The index of the value in a NULL-ended list, -1 when it is not there. */
static int choice(const cJSON *v, const char *const *names)
{
    const char *text = cJSON_GetStringValue(v);
    for (int i = 0; text && names[i]; i++) {
        if (!strcmp(names[i], text))
            return i;
    }
    return -1;
}

static bool check_ready(const struct conf *c, char *why, size_t cap)
{
    if (c->webhook_url[0] && strncmp(c->webhook_url, "http://", 7) && strncmp(c->webhook_url, "https://", 8))
        return say(why, cap, "webhook_url must begin with http:// or https://");
    if (!is_digits(c->phone_number_id, 1, 31) || !is_digits(c->waba_id, 1, 31))
        return say(why, cap, "phone_number_id and waba_id must be digits");
    if (!is_digits(c->display_phone_number, 7, 15))
        return say(why, cap, "display_phone_number must be 7 to 15 digits");
    if (!c->token[0] || !c->app_secret[0])
        return say(why, cap, "token and app_secret must not be empty");
    if (c->retry_max_ms < c->retry_min_ms)
        return say(why, cap, "retry_max_ms must not be less than retry_min_ms");
    return true;
}

static bool conf_parse(struct conf *conf, const cJSON **templates_out, const cJSON *json, char *why,
                       size_t cap)
{
    static const char *const refusals[] = {"sync", "status", NULL}, *const styles[] = {"values", "changes",
                                                                                       "entries", NULL};
    if (!cJSON_IsObject(json))
        return say(why, cap, "the configuration must be an object");
    struct conf c = *conf;
    const struct text_key texts[] = {
        {"webhook_url", c.webhook_url, sizeof c.webhook_url},
        {"app_secret", c.app_secret, sizeof c.app_secret},
        {"token", c.token, sizeof c.token},
        {"phone_number_id", c.phone_number_id, sizeof c.phone_number_id},
        {"waba_id", c.waba_id, sizeof c.waba_id},
        {"display_phone_number", c.display_phone_number, sizeof c.display_phone_number},
        {"public_url", c.public_url, sizeof c.public_url},
        {0}};
    const struct number_key numbers[] = {{"window_s", &c.window_s, 0, 100 * 24 * 3600},
                                         {"media_url_s", &c.media_url_s, 0, 86400},
                                         {"media_url_uses", &c.media_url_uses, 0, 1000000},
                                         {"batch", &c.batch, 1, 1000},
                                         {"retry_min_ms", &c.retry_min_ms, 1, 3600000},
                                         {"retry_max_ms", &c.retry_max_ms, 1, 3600000},
                                         {"timeout_ms", &c.timeout_ms, 1, 3600000},
                                         {"rate_per_s", &c.rate_per_s, 0, 100000},
                                         {"rate_burst", &c.rate_burst, 0, 100000},
                                         {"pair_interval_ms", &c.pair_interval_ms, 0, 3600000},
                                         {"pair_burst", &c.pair_burst, 1, 100000},
                                         {"limit_retry_after_s", &c.limit_retry_after_s, 0, 86400},
                                         {"template_page", &c.template_page, 1, 1000},
                                         {0}};
    const struct bool_key bools[] = {{"enforce_window", &c.enforce_window},
                                     {"user_ids", &c.user_ids},
                                     {"token_expired", &c.token_expired},
                                     {0}};
    for (const cJSON *v = json->child; v; v = v->next) {
        int got = take(v, texts, numbers, bools, why, cap);
        if (got < 0)
            return false;
        if (got)
            continue;
        if (!strcmp(v->string, "window_refusal")) {
            int i = choice(v, refusals);
            if (i < 0)
                return say(why, cap, "window_refusal must be sync or status");
            c.window_refusal = (enum window_refusal)i;
        } else if (!strcmp(v->string, "batch_style")) {
            int i = choice(v, styles);
            if (i < 0)
                return say(why, cap, "batch_style must be values, changes or entries");
            c.batch_style = (enum batch_style)i;
        } else if (!strcmp(v->string, "templates")) {
            const cJSON *t;
            if (!cJSON_IsArray(v))
                return say(why, cap, "templates must be an array");
            cJSON_ArrayForEach(t, v)
            {
                const char *wrong = rules_template_def_wrong(t);
                if (wrong)
                    return say(why, cap, "templates: %s", wrong);
            }
            *templates_out = v;
        } else {
            return say(why, cap, "unknown key \"%.60s\"", v->string);
        }
    }
    if (!check_ready(&c, why, cap))
        return false;
    *conf = c;
    return true;
}

bool conf_apply(struct sim *s, const cJSON *json, char *why, size_t cap)
{
    const cJSON *templates = NULL;
    pthread_mutex_lock(&s->lock);
    bool ok = conf_parse(&s->conf, &templates, json, why, cap);
    if (ok && templates) {
        cJSON_Delete(s->conf.templates);
        s->conf.templates = cJSON_Duplicate(templates, true);
    }
    s->hold_until_us = s->hold_ms = 0; /* perhaps another webhook_url: ask there at once */
    pthread_cond_broadcast(&s->work);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

cJSON *conf_json_locked(const struct sim *s)
{
    const struct conf *c = &s->conf;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "webhook_url", c->webhook_url);
    cJSON_AddStringToObject(json, "phone_number_id", c->phone_number_id);
    cJSON_AddStringToObject(json, "waba_id", c->waba_id);
    cJSON_AddStringToObject(json, "display_phone_number", c->display_phone_number);
    cJSON_AddNumberToObject(json, "window_s", (double)c->window_s);
    cJSON_AddBoolToObject(json, "enforce_window", c->enforce_window);
    cJSON_AddNumberToObject(json, "batch", (double)c->batch);
    cJSON_AddItemToObject(json, "templates", cJSON_Duplicate(c->templates, true));
    return json;
}

static bool statuses_apply(struct faults *f, const cJSON *v, char *why, size_t cap)
{
    static const char *const known[] = {"sent", "delivered", "read", "failed", "played", NULL};
    if (!cJSON_IsArray(v) || cJSON_GetArraySize(v) > 8)
        return say(why, cap, "statuses must be an array of at most 8");
    f->n_statuses = 0;
    const cJSON *one;
    cJSON_ArrayForEach(one, v)
    {
        if (choice(one, known) < 0)
            return say(why, cap, "statuses may be sent, delivered, read, failed and played");
        copy_text(f->statuses[f->n_statuses++], STATUS_MAX, one->valuestring);
    }
    return true;
}

static bool reply_apply(struct faults *f, const cJSON *v, char *why, size_t cap)
{
    static const char *const names[] = {
        "ok", "429", "500", "500_after_accept", "drop_before", "drop_after_accept", "garbage", NULL};
    const char *text = cJSON_GetStringValue(v);
    if (text && !strncmp(text, "error:", 6) && is_digits(text + 6, 1, 9)) {
        f->reply = REPLY_ERROR;
        f->error_code = atoi(text + 6);
        return true;
    }
    int i = choice(v, names);
    if (i < 0)
        return say(why, cap,
                   "reply must be ok, 429, 500, 500_after_accept, drop_before, drop_after_accept, garbage or "
                   "error:CODE");
    f->reply = (enum reply_fault)i;
    return true;
}

static bool faults_parse(struct faults *faults, const cJSON *json, char *why, size_t cap)
{
    static const char *const media[] = {"ok",       "500",         "404",        "drop",
                                        "truncate", "wrong_bytes", "upload_500", NULL};
    if (!cJSON_IsObject(json))
        return say(why, cap, "faults must be an object");
    struct faults f = *faults;
    int64_t seed = -1, status_error = f.status_error;
    const struct text_key texts[] = {{0}};
    const struct number_key numbers[] = {{"delay_ms", &f.delay_ms, 0, 600000},
                                         {"count", &f.count, -1, INT32_MAX},
                                         {"retry_after", &f.retry_after, 0, 86400},
                                         {"seed", &seed, 0, INT64_C(1) << 53},
                                         {"status_delay_ms", &f.status_delay_ms, 0, 3600000},
                                         {"status_error", &status_error, 0, INT32_MAX},
                                         {"reorder_ms", &f.reorder_ms, 0, 3600000},
                                         {"media_count", &f.media_count, -1, INT32_MAX},
                                         {0}};
    const struct bool_key bools[] = {
        {"duplicate_webhooks", &f.duplicate_webhooks}, {"reorder_webhooks", &f.reorder_webhooks}, {0}};
    for (const cJSON *v = json->child; v; v = v->next) {
        int got = take(v, texts, numbers, bools, why, cap);
        if (got < 0)
            return false;
        if (got)
            continue;
        if (!strcmp(v->string, "probability")) {
            if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0 && v->valuedouble <= 1))
                return say(why, cap, "probability must be a number from 0 to 1");
            f.probability = v->valuedouble;
        } else if (!strcmp(v->string, "reply")) {
            if (!reply_apply(&f, v, why, cap))
                return false;
        } else if (!strcmp(v->string, "hold")) {
            static const char *const holds[] = {"none", "before", "after_accept", NULL};
            int i = choice(v, holds);
            if (i < 0)
                return say(why, cap, "hold must be none, before or after_accept");
            f.hold = (enum hold)i;
        } else if (!strcmp(v->string, "statuses")) {
            if (!statuses_apply(&f, v, why, cap))
                return false;
        } else if (!strcmp(v->string, "media_fault")) {
            int i = choice(v, media);
            if (i < 0)
                return say(why, cap,
                           "media_fault must be ok, 500, 404, drop, truncate, wrong_bytes or upload_500");
            f.media = (enum media_fault)i;
        } else {
            return say(why, cap, "unknown key \"%.60s\"", v->string);
        }
    }
    f.status_error = (int)status_error;
    if (seed >= 0)
        f.rng = (uint64_t)seed;
    *faults = f;
    return true;
}

bool faults_apply(struct sim *s, const cJSON *json, char *why, size_t cap)
{
    pthread_mutex_lock(&s->lock);
    bool ok = faults_parse(&s->faults, json, why, cap);
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return ok;
}
