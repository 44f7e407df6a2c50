/*
 * A message to a customer who is in a call here is spoken in it: between two steps, or, if it is the one that
 * a choices step has sent, as that step. What she presses goes back as her words, and the core makes a choice
 * of them. SPDX-License-Identifier: Apache-2.0
 */
#include "flow_int.h"

#include <hilo/message.h>
#include <stdio.h>
#include <stdlib.h>

enum { MESSAGE_WAIT_US = 6000000 };

static void message_free(struct flow_message *m)
{
    free(m->text);
    free(m);
}

/* ---- what the gateway is told ------------------------------------------------------------------- */

static void message_report(struct voice *v, struct hilo_id id, int32_t code, const char *ext_id,
                           const char *reason, int64_t retry_us)
{
    const struct hilo_report r = {.size = sizeof r,
                                  .code = code,
                                  .id = id,
                                  .ext_id = voice_str(ext_id),
                                  .reason = voice_str(reason),
                                  .retry_after_us = retry_us};

    v->host.report(v->self, &r);
}

/* From here on she has it, as far as one can have what is being said. */
static void message_begun(struct flow_call *fc, struct flow_message *m)
{
    char ext[VOICE_TEXT_MAX];

    if (m->delivered)
        return;
    m->delivered = true;
    (void)flow_by(fc, ext);
    message_report(flow_voice(fc), m->id, HILO_OK, ext, NULL, 0);
    said_receipt(flow_voice(fc), m->id, HILO_STATUS_DELIVERED);
}

static void message_heard(struct flow_call *fc, const struct talk_heard *heard)
{
    struct flow_message *m = fc->speaking;
    char ext[VOICE_TEXT_MAX];
    struct said_by by;

    if (!m->read && (heard->whole || heard->why == TALK_PRESSED)) {
        m->read = true;
        said_receipt(flow_voice(fc), m->id, HILO_STATUS_READ);
    }
    if (heard->why != TALK_PRESSED || heard->n == 0)
        return;
    flow_digit(fc, heard->key[0]);
    by = flow_by(fc, ext);
    (void)said_keys(flow_voice(fc), &by, m->id, voice_str(heard->key));
}

static void message_done(struct flow_call *fc)
{
    if (fc->speaking)
        message_free(fc->speaking);
    fc->speaking = NULL;
}

/* Not said, and the call is over: others are tried again, by a call of their own; what only this menu asked
 * is not asked any more. */
static void message_unsaid(struct flow_call *fc, struct flow_message *m)
{
    bool ours = fc->choosing || memcmp(&m->id, &fc->choices, sizeof m->id) == 0;

    if (!m->delivered)
        message_report(flow_voice(fc), m->id, ours ? HILO_PERM : HILO_AGAIN, NULL, "call_ended",
                       ours ? 0 : 1000000);
    message_free(m);
}

void flow_messages_left(struct flow_call *fc)
{
    struct flow_message *m;

    if (fc->speaking)
        message_unsaid(fc, fc->speaking);
    fc->speaking = NULL;
    while ((m = TAILQ_FIRST(&fc->messages))) {
        TAILQ_REMOVE(&fc->messages, m, at);
        message_unsaid(fc, m);
    }
}

/* ---- between two steps -------------------------------------------------------------------------- */

bool flow_messages_due(const struct flow_call *fc)
{
    return !TAILQ_EMPTY(&fc->messages);
}

static void messages_next(void *arg, const struct talk_heard *heard)
{
    struct flow_call *fc = arg;
    flow_then *then = fc->messages_then;

    if (heard->why == TALK_FAILED) {
        flow_trouble(fc, "speech");
        return;
    }
    message_heard(fc, heard);
    message_done(fc);
    flow_messages_speak(fc, then);
}

void flow_messages_speak(struct flow_call *fc, flow_then *then)
{
    struct talk_ask ask = {.flags = TALK_BARGE_IN | TALK_NO_AHEAD, .wait_us = MESSAGE_WAIT_US};
    struct flow_message *m = TAILQ_FIRST(&fc->messages);
    enum say_language hers = fc->call->language;
    struct script s;

    fc->messages_then = then;
    if (!m) {
        then(fc);
        return;
    }
    TAILQ_REMOVE(&fc->messages, m, at);
    fc->speaking = m;
    flow_script(fc, &s);
    script_prompt_in(&s, hers, PROMPT_OUT_IN_CALL, NULL, 0);
    s.language = m->language;
    script_plain(&s, voice_str(m->text));
    ask.keys_max = m->choices ? 1 : 0;
    message_begun(fc, m);
    flow_keys(fc, &s, &ask, messages_next);
}

/* ---- the step choices --------------------------------------------------------------------------- */

static void choices_ask(struct flow_call *, enum prompt first);

static void choices_over(struct flow_call *fc, uint32_t to)
{
    message_done(fc);
    fc->choosing = false;
    flow_go(fc, to);
}

static void choices_heard(void *arg, const struct talk_heard *heard)
{
    struct flow_call *fc = arg;
    const struct menu_step *s = fc->step;
    bool pressed = heard->why == TALK_PRESSED;
    uint32_t i = pressed ? (uint32_t)(heard->key[0] - '1') : UINT32_MAX;

    if (heard->why == TALK_FAILED) {
        flow_trouble(fc, "speech");
        return;
    }
    if (pressed && i < s->n_keys) {
        message_heard(fc, heard);
        choices_over(fc, s->key[i].to);
    } else if (++fc->tries < s->tries) {
        choices_ask(fc, pressed ? PROMPT_WRONG_KEY : PROMPT_NO_KEY);
    } else {
        choices_over(fc, pressed && s->wrong_key != MENU_NONE ? s->wrong_key : s->no_key);
    }
}

static void choices_ask(struct flow_call *fc, enum prompt first)
{
    struct talk_ask ask = {.keys_max = 1, .wait_us = fc->step->wait_us};
    struct flow_message *m = fc->speaking;
    struct script s;

    ask.flags = (fc->step->barge_in ? TALK_BARGE_IN : 0u) | (first == PROMPT__END ? 0u : TALK_NO_AHEAD);
    flow_script(fc, &s);
    if (first != PROMPT__END)
        script_prompt(&s, first, NULL, 0);
    s.language = m->language;
    script_plain(&s, voice_str(m->text));
    message_begun(fc, m);
    flow_keys(fc, &s, &ask, choices_heard);
}

/* Whether the message is there and it is known which it is; they come in any order. */
static void choices_due(struct flow_call *fc)
{
    struct flow_message *m;

    TAILQ_FOREACH(m, &fc->messages, at)
    if (memcmp(&m->id, &fc->choices, sizeof m->id) == 0)
        break;
    if (!m || fc->speaking)
        return;
    TAILQ_REMOVE(&fc->messages, m, at);
    fc->speaking = m;
    voice_timer_cancel(flow_voice(fc), &fc->timer);
    choices_ask(fc, PROMPT__END);
}

static void choices_late(struct flow_call *fc)
{
    fc->choosing = false;
    flow_trouble(fc, "send");
}

static void choices_accepted(struct flow_call *fc, uint32_t status, struct hilo_str body)
{
    cJSON *answer = status == 202 ? cJSON_ParseWithLength(body.p, (size_t)body.n) : NULL;
    struct hilo_str id = voice_str(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "id")));
    struct hilo_str state =
        voice_str(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "status")));
    bool good = id_read("msg", id, &fc->choices) && !voice_str_is(state, "suppressed");

    cJSON_Delete(answer);
    if (!good) {
        fc->choosing = false;
        if (status >= 400 && status < 500) /* she wants no messages, perhaps: then none is asked */
            flow_go(fc, fc->step->no_key);
        else if (status == 202)
            flow_go(fc, fc->step->no_key);
        else
            flow_trouble(fc, "messages");
        return;
    }
    flow_in(fc, flow_voice(fc)->conf.gateway_us, choices_late);
    choices_due(fc);
}

static struct hilo_str choices_words(const struct flow_call *fc, const struct menu_prompt *p)
{
    if (p->built_in.n)
        return prompt_text(prompt_find(p->built_in), fc->call->language);
    return fc->call->language == SAY_EN ? p->en : p->es;
}

/* The question as text, its places filled; a message holds no markup. */
static cJSON *choices_body(struct flow_call *fc)
{
    const struct menu_step *step = fc->step;
    cJSON *body = cJSON_CreateObject(), *to, *content, *list, *one;
    struct voice *v = flow_voice(fc);
    struct hilo_str channel = v->host.channel(v->self);
    char name[128];
    uint32_t i;

    to = cJSON_AddObjectToObject(body, "to");
    (void)cJSON_AddStringToObject(to, "customer", fc->call->customer);
    (void)snprintf(name, sizeof name, "%.*s", (int)channel.n, channel.p);
    (void)cJSON_AddStringToObject(body, "channel", name);
    (void)cJSON_AddStringToObject(body, "category", "service");
    (void)cJSON_AddStringToObject(body, "priority", "urgent");
    (void)cJSON_AddStringToObject(body, "expires_in", "PT1M"); /* of no use once she has hung up */
    (void)cJSON_AddStringToObject(body, "language", fc->call->language == SAY_EN ? "en" : "es");
    if (fc->casus[0])
        (void)cJSON_AddStringToObject(body, "case", fc->casus);
    content = cJSON_AddObjectToObject(body, "content");
    (void)cJSON_AddStringToObject(content, "type", "choices");
    (void)cJSON_AddStringToObject(content, "text", choices_words(fc, &step->prompt).p);
    list = cJSON_AddArrayToObject(content, "choices");
    for (i = 0; list && i < step->n_keys; i++) {
        one = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(one, "id", step->key[i].choice.p);
        (void)cJSON_AddStringToObject(one, "title", choices_words(fc, &step->key[i].label).p);
        (void)cJSON_AddItemToArray(list, one);
    }
    return body;
}

static void choices_go(struct flow_call *fc)
{
    cJSON *body = choices_body(fc);
    char key[96];

    (void)snprintf(key, sizeof key, "%s-%u", ledger_id(fc->call->ledger), ++fc->n_said);
    memset(&fc->choices, 0, sizeof fc->choices);
    fc->choosing = true;
    flow_ask(fc, "POST", "/v1/messages", body, key, choices_accepted);
    cJSON_Delete(body);
}

void flow_choices_step(struct flow_call *fc)
{
    flow_need_call(fc, choices_go);
}

/* ---- send() ------------------------------------------------------------------------------------- */

static struct flow_call *message_call(struct voice *v, struct hilo_str message)
{
    struct hilo_str party = hilo_get_str(message, HILO_T_MSG_PARTY), phone;
    struct flow_call *fc;
    char customer[ID_TEXT_MAX] = "";
    struct hilo_id id = hilo_get_id(message, HILO_T_MSG_CUSTOMER);

    if (!id_is_none(id))
        id_write("cus", id, customer);
    phone = hilo_get_str(party, HILO_T_IDENT_VALUE);
    LIST_FOREACH(fc, &v->flow->calls, at)
    {
        struct voice_call *c = fc->call;

        if (c->answered && !c->over && !fc->leaving && !fc->referring && !fc->trouble &&
            ((customer[0] && strcmp(customer, c->customer) == 0) ||
             (phone.n && voice_str_is(phone, c->phone))))
            return fc;
    }
    return NULL;
}

bool flow_send(struct voice *v, struct hilo_id id, struct hilo_str message, int32_t *code)
{
    struct hilo_str content = hilo_content(message), text = hilo_get_str(content, HILO_T_CONTENT_TEXT),
                    choice;
    struct flow_call *fc = message_call(v, message);
    struct flow_message *m;

    if (!fc || hilo_content_type(message) != HILO_CONTENT_TEXT || text.n == 0)
        return false;
    m = calloc(1, sizeof *m);
    if (m)
        m->text = strndup(text.p, (size_t)text.n);
    if (!m || !m->text) {
        free(m);
        *code = HILO_TEMP;
        return true;
    }
    m->id = id;
    m->choices = hilo_find(content, HILO_T_CONTENT_CHOICES, &choice);
    m->language = say_language_of(hilo_get_str(message, HILO_T_MSG_LANGUAGE), fc->call->language);
    TAILQ_INSERT_TAIL(&fc->messages, m, at);
    *code = HILO_OK;
    if (fc->choosing && !id_is_none(fc->choices))
        choices_due(fc);
    return true;
}

bool flow_revoke(struct voice *v, struct hilo_id id)
{
    struct flow_message *m;
    struct flow_call *fc;

    LIST_FOREACH(fc, &v->flow->calls, at)
    {
        if (fc->speaking && memcmp(&fc->speaking->id, &id, sizeof id) == 0)
            return true; /* it has left */
        TAILQ_FOREACH(m, &fc->messages, at)
        {
            if (memcmp(&m->id, &id, sizeof id) != 0)
                continue;
            TAILQ_REMOVE(&fc->messages, m, at);
            message_report(v, m->id, HILO_AGAIN, NULL, "revoked", 0);
            message_free(m);
            return true;
        }
    }
    return false;
}
