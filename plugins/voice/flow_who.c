/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "flow_int.h"

#include "caller.h"

#include <stdio.h>
#include <stdlib.h>

enum { WHO_KEYS_MAX = 20, WHO_KEYS_MIN = 4 };

/* ---- JSON --------------------------------------------------------------------------------------- */

static struct hilo_str text_of(const cJSON *o, const char *name)
{
    return voice_str(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name)));
}

static const cJSON *list_of(const struct flow_call *fc, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(fc->who, name);
}

static const cJSON *first_of(const struct flow_call *fc, const char *name)
{
    return cJSON_GetArrayItem(list_of(fc, name), 0);
}

/* The first that is neither over nor canceled. */
static const cJSON *appointment_of(const struct flow_call *fc)
{
    const cJSON *a;

    cJSON_ArrayForEach(a, list_of(fc, "appointments"))
    {
        struct hilo_str status = text_of(a, "status");

        if (voice_str_is(status, "booked") || voice_str_is(status, "confirmed"))
            return a;
    }
    return NULL;
}

/* ---- the values of places ----------------------------------------------------------------------- */

static bool value_is(struct hilo_str value, struct hilo_str *out)
{
    *out = value;
    return value.n > 0;
}

bool flow_value(void *arg, struct hilo_str name, struct hilo_str *value)
{
    struct flow_call *fc = arg;
    const cJSON *customer = list_of(fc, "customer");
    char attribute[64];

    if (voice_str_is(name, "name"))
        return value_is(voice_str(fc->name), value);
    if (voice_str_is(name, "phone"))
        return value_is(voice_str(fc->call->phone), value);
    if (voice_str_is(name, "opens"))
        return value_is(voice_str(fc->opens), value);
    if (voice_str_is(name, "case.subject"))
        return value_is(text_of(first_of(fc, "cases"), "subject"), value);
    if (voice_str_is(name, "cases")) {
        (void)snprintf(fc->count, sizeof fc->count, "%d", cJSON_GetArraySize(list_of(fc, "cases")));
        return value_is(voice_str(fc->count), value);
    }
    if (voice_str_is(name, "appointment.starts"))
        return value_is(text_of(appointment_of(fc), "starts_at"), value);
    if (voice_str_is(name, "appointment.place"))
        return value_is(text_of(appointment_of(fc), "place"), value);
    if (voice_str_is(name, "appointment.subject"))
        return value_is(text_of(appointment_of(fc), "subject"), value);
    if (name.n > 10 && name.n < sizeof attribute && memcmp(name.p, "attribute.", 10) == 0) {
        (void)snprintf(attribute, sizeof attribute, "%.*s", (int)(name.n - 10), name.p + 10);
        return value_is(text_of(cJSON_GetObjectItemCaseSensitive(customer, "attributes"), attribute), value);
    }
    return false;
}

/* ---- the look-up -------------------------------------------------------------------------------- */

/* Somebody made of a number alone, by a call before, is nobody that we know. */
static bool who_is_somebody(const cJSON *customer)
{
    const cJSON *i;

    if (text_of(customer, "name").n)
        return true;
    cJSON_ArrayForEach(
        i, cJSON_GetObjectItemCaseSensitive(
               customer, "identifiers")) if (voice_str_is(text_of(i, "scheme"), "document")) return true;
    return false;
}

/* false: the answer says nobody, or is none. */
static bool who_take(struct flow_call *fc, uint32_t status, struct hilo_str body)
{
    cJSON *who = status == 200 ? cJSON_ParseWithLength(body.p, (size_t)body.n) : NULL;
    const cJSON *customer = cJSON_GetObjectItemCaseSensitive(who, "customer");
    struct hilo_str id = text_of(customer, "id"), name = text_of(customer, "name");
    struct hilo_str language = text_of(customer, "language");

    if (id.n == 0 || id.n >= sizeof fc->call->customer) {
        cJSON_Delete(who);
        return false;
    }
    cJSON_Delete(fc->who);
    fc->who = who;
    fc->known = who_is_somebody(customer);
    (void)snprintf(fc->call->customer, sizeof fc->call->customer, "%s", id.p);
    (void)snprintf(fc->name, sizeof fc->name, "%.*s", (int)name.n, name.n ? name.p : "");
    fc->call->language = say_language_of(language, fc->call->language);
    return true;
}

static void who_ask(struct flow_call *fc, const char *by, const char *value, flow_answered *answered)
{
    cJSON *body = cJSON_CreateObject(), *o = body ? cJSON_AddObjectToObject(body, "by") : NULL;

    if (o) {
        (void)cJSON_AddStringToObject(o, by, value);
        (void)cJSON_AddStringToObject(body, "reason", "llamada");
        (void)cJSON_AddNumberToObject(body, "timeline", 5);
    }
    flow_ask(fc, "POST", "/v1/customers/lookup", body, "", answered);
    cJSON_Delete(body);
}

static void phone_answered(struct flow_call *fc, uint32_t status, struct hilo_str body)
{
    flow_then *then = fc->looked_up;

    (void)who_take(fc, status, body);
    fc->looked_up = NULL;
    if (then)
        then(fc);
}

void flow_lookup_phone(struct flow_call *fc, flow_then *then)
{
    fc->looked_up = then;
    who_ask(fc, "phone", fc->call->phone, phone_answered);
}

/* ---- identify ----------------------------------------------------------------------------------- */

static void who_ask_document(struct flow_call *, enum prompt first);

static void who_unknown(struct flow_call *fc)
{
    /* Where a caller id is not enough, it is not enough to be told things either. */
    if (!fc->step->caller_id)
        fc->known = false;
    flow_go(fc, fc->step->unknown);
}

static void who_found(struct flow_call *fc)
{
    flow_go(fc, fc->step->found);
}

/* One more try, or as somebody whom we don't know. */
static void who_again(struct flow_call *fc, enum prompt why)
{
    struct script s;

    if (++fc->tries < fc->step->tries) {
        who_ask_document(fc, why);
        return;
    }
    flow_script(fc, &s);
    script_prompt(&s, why, NULL, 0);
    script_prompt(&s, PROMPT_NOT_IDENTIFIED, NULL, 0);
    flow_say(fc, &s, who_unknown);
}

static void document_answered(struct flow_call *fc, uint32_t status, struct hilo_str body)
{
    struct ledger_change who = {.duration_us = -1};
    struct script s;

    if (status == 0 || status == 429 || status >= 500) {
        flow_trouble(fc, "lookup");
        return;
    }
    if (!who_take(fc, status, body)) {
        fc->document[0] = 0;
        who_again(fc, status == 200 ? PROMPT_DOCUMENT_NOT_FOUND : PROMPT_DOCUMENT_INVALID);
        return;
    }
    fc->known = fc->identified = true;
    who.customer = voice_str(fc->call->customer);
    flow_tell(fc, &who);
    flow_script(fc, &s);
    script_prompt(&s, PROMPT_IDENTIFIED, NULL, 0);
    flow_say(fc, &s, who_found);
}

static struct hilo_str who_kind(const struct flow_call *fc, char out[FLOW_DOCUMENT_MAX])
{
    const struct voice_conf *c = &flow_voice(fc)->conf;

    if (fc->step->document.n)
        return fc->step->document;
    (void)snprintf(out, FLOW_DOCUMENT_MAX, "%s:%s", c->country.p, c->document_type.p);
    return voice_str(out);
}

static void document_confirmed(void *arg, const struct talk_heard *heard)
{
    char kind[FLOW_DOCUMENT_MAX];
    struct flow_call *fc = arg;

    if (heard->why == TALK_FAILED) {
        flow_trouble(fc, "speech");
    } else if (heard->why == TALK_PRESSED && heard->key[0] == '1') {
        if (caller_document(who_kind(fc, kind), fc->typed, fc->document, sizeof fc->document))
            who_ask(fc, "document", fc->document, document_answered);
        else
            who_again(fc, PROMPT_DOCUMENT_INVALID);
        memset(fc->typed, 0, sizeof fc->typed);
    } else {
        who_again(fc, heard->why == TALK_PRESSED ? PROMPT_TRY_AGAIN : PROMPT_NO_KEY);
    }
}

static void who_read_back(struct flow_call *fc)
{
    const struct script_value typed = {"document", voice_str(fc->typed)};
    struct talk_ask ask = {
        .keys_max = 1, .wait_us = fc->step->wait_us, .flags = TALK_BARGE_IN | TALK_NO_AHEAD};
    struct script s;

    flow_script(fc, &s);
    script_prompt(&s, PROMPT_DOCUMENT_READ_BACK, &typed, 1);
    script_prompt(&s, PROMPT_DOCUMENT_CONFIRM, NULL, 0);
    flow_keys(fc, &s, &ask, document_confirmed);
}

static void document_typed(void *arg, const struct talk_heard *heard)
{
    struct flow_call *fc = arg;

    if (heard->why == TALK_FAILED) {
        flow_trouble(fc, "speech");
    } else if (heard->n == 0 && heard->why == TALK_PRESSED) {
        who_unknown(fc); /* only the end key: she does not want to */
    } else if (heard->n == 0) {
        who_again(fc, PROMPT_NO_KEY);
    } else if (heard->n < WHO_KEYS_MIN) {
        who_again(fc, PROMPT_DOCUMENT_INVALID);
    } else {
        (void)snprintf(fc->typed, sizeof fc->typed, "%s", heard->key);
        who_read_back(fc);
    }
}

static void who_ask_document(struct flow_call *fc, enum prompt first)
{
    struct talk_ask ask = {.keys_max = WHO_KEYS_MAX,
                           .end_key = '#',
                           .again_key = '*',
                           .wait_us = fc->step->wait_us,
                           .between_us = flow_voice(fc)->conf.key_us,
                           .flags = TALK_BARGE_IN};
    struct script s;

    if (first != PROMPT__END)
        ask.flags |= TALK_NO_AHEAD;
    flow_script(fc, &s);
    if (first != PROMPT__END)
        script_prompt(&s, first, NULL, 0);
    if (script_has(&fc->step->prompt))
        script_menu(&s, &fc->step->prompt);
    else
        script_prompt(&s, PROMPT_ASK_DOCUMENT, NULL, 0);
    script_prompt(&s, PROMPT_ASK_DOCUMENT_OR_SKIP, NULL, 0);
    flow_keys(fc, &s, &ask, document_typed);
}

void flow_identify_step(struct flow_call *fc)
{
    if (fc->identified || (fc->known && fc->step->caller_id))
        who_found(fc);
    else
        who_ask_document(fc, PROMPT__END);
}

/* ---- tell --------------------------------------------------------------------------------------- */

static void tell_appointment(struct script *s, const cJSON *a)
{
    const struct script_value values[] = {{"starts", text_of(a, "starts_at")},
                                          {"place", text_of(a, "place")},
                                          {"subject", text_of(a, "subject")}};

    s->time_zone = text_of(a, "time_zone"); /* the shop's that it is in */
    script_prompt(s, PROMPT_OPEN_APPOINTMENT, values, 3);
    s->time_zone = voice_none();
}

static void tell_cases(struct flow_call *fc, struct script *s, int n)
{
    struct script_value values[] = {{"subject", text_of(first_of(fc, "cases"), "subject")},
                                    {"count", {NULL, 0}}};

    (void)snprintf(fc->count, sizeof fc->count, "%d", n);
    values[1].value = voice_str(fc->count);
    script_prompt(s, n == 1 ? PROMPT_OPEN_CASE : PROMPT_OPEN_CASES, values, 2);
}

void flow_tell_step(struct flow_call *fc)
{
    const cJSON *a = appointment_of(fc);
    int cases = cJSON_GetArraySize(list_of(fc, "cases"));
    struct script s;

    if (!fc->known) { /* of whom nothing is known nothing is open */
        flow_next(fc);
        return;
    }
    flow_script(fc, &s);
    script_menu(&s, &fc->step->prompt);
    if (a)
        tell_appointment(&s, a);
    if (cases)
        tell_cases(fc, &s, cases);
    if (!a && !cases)
        script_prompt(&s, PROMPT_OPEN_NOTHING, NULL, 0);
    flow_say(fc, &s, flow_next);
}
