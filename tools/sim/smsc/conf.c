/* Configuration and faults from JSON: all of an object, or nothing of it. */
#include "smsc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *member(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

bool take_text(char *out, size_t cap, const cJSON *v, char why[200])
{
    if (cJSON_IsString(v) && copy(out, cap, v->valuestring))
        return true;
    snprintf(why, 200, "%s must be a text of less than %zu", v->string, cap);
    return false;
}

bool take_number(int64_t *out, const cJSON *v, int64_t min, int64_t max, char why[200])
{
    if (cJSON_IsNumber(v) && v->valuedouble >= (double)min && v->valuedouble <= (double)max) {
        *out = (int64_t)v->valuedouble;
        return true;
    }
    snprintf(why, 200, "%s must be a number from %lld to %lld", v->string, (long long)min, (long long)max);
    return false;
}

bool take_bool(bool *out, const cJSON *v, char why[200])
{
    *out = cJSON_IsTrue(v);
    if (cJSON_IsBool(v))
        return true;
    snprintf(why, 200, "%s must be true or false", v->string);
    return false;
}

static bool take_word(int *out, const char *const *words, const cJSON *v, char why[200])
{
    for (int i = 0; words[i]; i++)
        if (cJSON_IsString(v) && !strcmp(words[i], v->valuestring)) {
            *out = i;
            return true;
        }
    snprintf(why, 200, "%s is of no known value", v->string);
    return false;
}

static bool unknown(const cJSON *v, char why[200])
{
    snprintf(why, 200, "%s is not a known key", v->string);
    return false;
}

struct number {
    const char *key;
    int64_t *out, min, max;
};
struct flag {
    const char *key;
    bool *out;
};

static const struct number *number_of(const struct number *list, const cJSON *v)
{
    while (list->key && strcmp(list->key, v->string) != 0)
        list++;
    return list->key ? list : NULL;
}

static const struct flag *flag_of(const struct flag *list, const cJSON *v)
{
    while (list->key && strcmp(list->key, v->string) != 0)
        list++;
    return list->key ? list : NULL;
}

static const char *const id_words[] = {"same", "dec", "hex", "HEX", "dec0", "hex0", "text", NULL};

static bool take_id(enum id_format *out, const cJSON *v, char why[200])
{
    int word = 0;
    bool ok = take_word(&word, id_words, v, why);

    if (ok)
        *out = (enum id_format)word;
    return ok;
}

static bool take_states(struct receipts *r, const cJSON *v, char why[200])
{
    const cJSON *one;

    r->n_states = 0;
    cJSON_ArrayForEach(one, v)
    {
        if (!cJSON_IsString(one) || r->n_states == STATES_MAX ||
            !copy(r->states[r->n_states], sizeof r->states[0], one->valuestring)) {
            snprintf(why, 200, "states must be up to %d names like DELIVRD", STATES_MAX);
            return false;
        }
        r->n_states++;
    }
    return true;
}

bool receipts_apply(struct receipts *out, const cJSON *json, char why[200])
{
    static const char *const forms[] = {"text", "tlv", "both", NULL};
    struct receipts r = *out;
    const struct number numbers[] = {
        {"delay_ms", &r.delay_ms, 0, 86400000}, {"between_ms", &r.between_ms, 0, 86400000}, {0}};
    const struct flag flags[] = {{"before_response", &r.before_response},
                                 {"always", &r.always},
                                 {"data_sm", &r.data_sm},
                                 {"intermediate_flag", &r.intermediate_flag},
                                 {0}};
    const cJSON *v;
    int word = 0;
    bool ok = true;

    cJSON_ArrayForEach(v, json)
    {
        const struct number *number = number_of(numbers, v);
        const struct flag *flag = flag_of(flags, v);

        if (number) {
            ok = take_number(number->out, v, number->min, number->max, why);
        } else if (flag) {
            ok = take_bool(flag->out, v, why);
        } else if (!strcmp(v->string, "states")) {
            ok = take_states(&r, v, why);
        } else if (!strcmp(v->string, "form")) {
            ok = take_word(&word, forms, v, why);
            r.form = (enum form)word;
        } else if (!strcmp(v->string, "id")) {
            ok = take_id(&r.id, v, why);
        } else if (!strcmp(v->string, "err")) {
            ok = take_text(r.err, sizeof r.err, v, why);
        } else if (!strcmp(v->string, "variant")) {
            ok = take_text(r.variant, sizeof r.variant, v, why) && receipt_variant_known(r.variant);
            if (!ok)
                snprintf(why, 200, "variant is none of receipt.c");
        } else {
            ok = unknown(v, why);
        }
        if (!ok)
            return false;
    }
    *out = r;
    return true;
}

static bool take_account(struct account *a, const cJSON *json, char why[200])
{
    const cJSON *v;
    bool ok = true;

    memset(a, 0, sizeof *a);
    cJSON_ArrayForEach(v, json)
    {
        if (!strcmp(v->string, "system_id"))
            ok = take_text(a->system_id, sizeof a->system_id, v, why);
        else if (!strcmp(v->string, "password"))
            ok = take_text(a->password, sizeof a->password, v, why);
        else if (!strcmp(v->string, "system_type"))
            ok = take_text(a->system_type, sizeof a->system_type, v, why);
        else if (!strcmp(v->string, "max_binds"))
            ok = take_number(&a->max_binds, v, 0, 1000, why);
        else
            ok = unknown(v, why);
        if (!ok)
            return false;
    }
    return true;
}

static bool take_accounts(struct conf *c, const cJSON *v, char why[200])
{
    const cJSON *one;

    c->n_accounts = 0;
    cJSON_ArrayForEach(one, v)
    {
        if (c->n_accounts == ACCOUNTS_MAX) {
            snprintf(why, 200, "more than %d accounts", ACCOUNTS_MAX);
            return false;
        }
        if (!take_account(&c->account[c->n_accounts], one, why))
            return false;
        c->n_accounts++;
    }
    return true;
}

bool conf_apply(struct smsc *s, const cJSON *json, char why[200])
{
    struct conf c = s->conf;
    const struct number numbers[] = {{"window", &c.window, 0, 100000},
                                     {"forget_ms", &c.forget_ms, 0, 86400000},
                                     {"rate", &c.rate, 0, 1000000},
                                     {"response_ms", &c.response_ms, 0, 86400000},
                                     {"enquire_link_ms", &c.enquire_link_ms, 0, 86400000},
                                     {"enquire_timeout_ms", &c.enquire_timeout_ms, 1, 86400000},
                                     {"deliver_window", &c.deliver_window, 1, 100000},
                                     {"retry_ms", &c.retry_ms, 1, 86400000},
                                     {"id_start", &c.id_start, 0, INT64_C(1) << 53},
                                     {"seq_start", &c.seq_start, 1, 0x7fffffff},
                                     {"sc_version", &c.sc_version, -1, 255},
                                     {0}};
    const struct flag flags[] = {{"any_version", &c.any_version},
                                 {"bare_errors", &c.bare_errors},
                                 {"require_npi", &c.require_npi},
                                 {0}};
    const cJSON *v;
    bool ok;

    if (!cJSON_IsObject(json)) {
        snprintf(why, 200, "must be an object");
        return false;
    }
    cJSON_ArrayForEach(v, json)
    {
        const struct number *number = number_of(numbers, v);
        const struct flag *flag = flag_of(flags, v);

        if (number)
            ok = take_number(number->out, v, number->min, number->max, why);
        else if (flag)
            ok = take_bool(flag->out, v, why);
        else if (!strcmp(v->string, "id"))
            ok = take_id(&c.id, v, why);
        else if (!strcmp(v->string, "accounts"))
            ok = take_accounts(&c, v, why);
        else if (!strcmp(v->string, "receipts"))
            ok = receipts_apply(&c.receipts, v, why);
        else
            ok = unknown(v, why);
        if (!ok)
            return false;
    }
    s->conf = c;
    s->tokens = (double)c.rate;
    s->tokens_us = s->now_us;
    return true;
}

static bool take_rule(struct rule *r, const cJSON *json, char why[200])
{
    static const char *const acts[] = {"status", "nack",      "drop",  "reset",   "drop_before", "drop_after",
                                       "silent", "delay",     "hold",  "garbage", "overlong",    "short",
                                       "no_id",  "wrong_seq", "twice", "raw",     "split",       NULL};
    const cJSON *v;
    int64_t status = 0;
    int word = 0;
    bool ok = true;

    *r = (struct rule){.on = SUBMIT_SM, .count = 1, .status = ESME_RSYSERR};
    cJSON_ArrayForEach(v, json)
    {
        if (!strcmp(v->string, "on")) {
            r->on = cJSON_IsString(v) ? command_by_name(v->valuestring) : 0;
            ok = r->on || (cJSON_IsString(v) && !strcmp(v->valuestring, "bind"));
            if (!ok)
                snprintf(why, 200, "on is the name of no command, nor \"bind\"");
        } else if (!strcmp(v->string, "do")) {
            ok = take_word(&word, acts, v, why);
            r->act = (enum act)word;
        } else if (!strcmp(v->string, "to")) {
            ok = take_text(r->to, sizeof r->to, v, why);
        } else if (!strcmp(v->string, "skip")) {
            ok = take_number(&r->skip, v, 0, 1000000, why);
        } else if (!strcmp(v->string, "count")) {
            ok = take_number(&r->count, v, -1, 1000000, why);
        } else if (!strcmp(v->string, "status")) {
            ok = take_number(&status, v, 1, 0xffffffff, why);
            r->status = (uint32_t)status;
        } else if (!strcmp(v->string, "ms")) {
            ok = take_number(&r->ms, v, 0, 86400000, why);
        } else if (!strcmp(v->string, "hex")) {
            ok = cJSON_IsString(v) && !r->raw.n && unhex(v->valuestring, &r->raw);
            if (!ok)
                snprintf(why, 200, "hex is none");
        } else {
            ok = unknown(v, why);
        }
        if (!ok)
            return false;
    }
    return true;
}

static void rules_free(struct rule *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(r[i].raw.p);
    free(r);
}

bool faults_apply(struct smsc *s, const cJSON *json, char why[200])
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "faults"), *v;
    size_t n = (size_t)cJSON_GetArraySize(list), i = 0;
    struct rule *rules = zeroed((n + 1) * sizeof *rules);

    cJSON_ArrayForEach(v, json)
    {
        if ((strcmp(v->string, "faults") != 0 || !cJSON_IsArray(v)) &&
            (strcmp(v->string, "release") != 0 || !cJSON_IsBool(v))) {
            snprintf(why, 200, "faults (a list) and release (true) are what there is");
            rules_free(rules, 0);
            return false;
        }
    }
    cJSON_ArrayForEach(v, list)
    {
        if (!take_rule(&rules[i++], v, why)) {
            rules_free(rules, i);
            return false;
        }
    }
    if (list) {
        rules_free(s->rules, s->n_rules);
        s->rules = rules;
        s->n_rules = n;
    } else {
        free(rules);
    }
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "release")))
        responses_release(s);
    return true;
}
