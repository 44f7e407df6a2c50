/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "flow_int.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- until the gateway knows the call ----------------------------------------------------------- */

static void booked_late(struct flow_call *fc)
{
    fc->booked = NULL;
    flow_trouble(fc, "calls");
}

/* then() with the call's id and its customer known. */
void flow_need_call(struct flow_call *fc, flow_then *then)
{
    if (ledger_id(fc->call->ledger)[0] && fc->call->customer[0]) {
        then(fc);
        return;
    }
    fc->booked = then;
    flow_in(fc, flow_voice(fc)->conf.gateway_us, booked_late);
}

void flow_call_known(struct flow_call *fc, bool ok)
{
    flow_then *then = fc->booked;

    fc->booked = NULL;
    if (fc->call->over)
        return;
    if (then) {
        voice_timer_cancel(flow_voice(fc), &fc->timer);
        if (ok && fc->call->customer[0])
            then(fc);
        else
            flow_trouble(fc, "calls");
    }
    if (ok && fc->begun && fc->record_call && fc->consent == FLOW_CONSENT_GIVEN)
        flow_record_whole(fc);
}

/* ---- case --------------------------------------------------------------------------------------- */

/* It outlives the call: a case that was opened is the call's, even if she has hung up meanwhile. */
struct flow_opening {
    struct flow *flow;
    struct flow_call *fc;  /* NULL: the call is over */
    struct ledger *ledger; /* then it is ours */
    uint64_t asking;
    LIST_ENTRY(flow_opening) at;
};

static void opening_free(struct flow_opening *o)
{
    voice_ask_forget(o->flow->voice, o->asking);
    if (o->fc)
        o->fc->opening = NULL;
    ledger_left(o->ledger);
    LIST_REMOVE(o, at);
    free(o);
}

void flow_openings_free(struct flow *f)
{
    while (!LIST_EMPTY(&f->openings))
        opening_free(LIST_FIRST(&f->openings));
}

void flow_case_left(struct flow_call *fc)
{
    struct flow_opening *o = fc->opening;

    if (!o)
        return;
    fc->opening = NULL;
    o->fc = NULL;
    o->ledger = fc->call->ledger;
    ledger_mute(o->ledger);
    fc->call->ledger = NULL;
}

static void case_tell(struct ledger *l, const char *casus)
{
    const struct ledger_change change = {.casus = voice_str(casus), .duration_us = -1};

    ledger_tell(l, &change, NULL, NULL);
}

static void case_said(struct flow_call *fc, enum prompt p)
{
    struct script s;

    flow_script(fc, &s);
    if (script_has(&fc->step->prompt))
        script_menu(&s, &fc->step->prompt);
    else
        script_prompt(&s, p, NULL, 0);
    flow_say(fc, &s, flow_next);
}

static void case_opened(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct flow_opening *o = arg;
    cJSON *answer = code == HILO_OK && (status == 201 || status == 200)
                        ? cJSON_ParseWithLength(body.p, (size_t)body.n)
                        : NULL;
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "id"));
    struct flow_call *fc = o->fc;

    o->asking = 0;
    if (id)
        case_tell(fc ? fc->call->ledger : o->ledger, id);
    else
        voice_log(o->flow->voice, HILO_LOG_ERROR, "voice.case status=%u: no case was opened", status);
    if (fc && id)
        (void)snprintf(fc->casus, sizeof fc->casus, "%s", id);
    cJSON_Delete(answer);
    opening_free(o);
    /* Who was sent on meanwhile, as it took too long, is not called back. */
    if (!fc || fc->call->over || fc->trouble || !fc->step || fc->step->what != MENU_CASE)
        return;
    voice_timer_cancel(flow_voice(fc), &fc->timer);
    if (fc->casus[0])
        case_said(fc, PROMPT_CASE_OPENED);
    else
        flow_trouble(fc, "cases");
}

static void case_late(struct flow_call *fc)
{
    flow_trouble(fc, "cases");
}

static void case_open(struct flow_call *fc)
{
    struct voice *v = flow_voice(fc);
    struct flow_opening *o = calloc(1, sizeof *o);
    cJSON *body = cJSON_CreateObject();
    char *text = NULL, key[96];

    if (o && body) {
        (void)cJSON_AddStringToObject(body, "customer", fc->call->customer);
        (void)cJSON_AddStringToObject(body, "subject", fc->step->subject.p);
        text = cJSON_PrintUnformatted(body);
    }
    cJSON_Delete(body);
    (void)snprintf(key, sizeof key, "%s-%u", ledger_id(fc->call->ledger), ++fc->n_said);
    if (text) {
        o->flow = fc->flow;
        o->fc = fc;
        fc->opening = o;
        LIST_INSERT_HEAD(&fc->flow->openings, o, at);
        o->asking =
            voice_ask_api(v, "POST", voice_str("/v1/cases"), voice_str(text), voice_str(key), case_opened, o);
        if (o->asking == 0) {
            opening_free(o);
            o = NULL;
        }
    } else {
        free(o);
        o = NULL;
    }
    free(text);
    if (o)
        flow_in(fc, v->conf.gateway_us, case_late);
    else
        flow_trouble(fc, "cases");
}

static void case_go(struct flow_call *fc)
{
    const cJSON *open =
        cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(fc->who, "cases"), 0); /* the newest */
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(open, "id"));

    if (!id || fc->step->fresh || !fc->known || strlen(id) >= sizeof fc->casus) {
        case_open(fc);
        return;
    }
    (void)snprintf(fc->casus, sizeof fc->casus, "%s", id);
    case_tell(fc->call->ledger, id);
    case_said(fc, PROMPT_CASE_CONTINUED);
}

void flow_case_step(struct flow_call *fc)
{
    if (fc->casus[0] && !fc->step->fresh)
        flow_next(fc);
    else
        flow_need_call(fc, case_go);
}

/* ---- consent ------------------------------------------------------------------------------------ */

static void consent_is(struct flow_call *fc, enum flow_consent consent, const char *word)
{
    const struct ledger_change change = {.recording_consent = word, .duration_us = -1};

    fc->consent = consent;
    flow_tell(fc, &change);
}

static void consent_announced(struct flow_call *fc)
{
    flow_then *then = fc->consented;

    consent_is(fc, FLOW_CONSENT_GIVEN, "announced");
    then(fc);
}

static void consent_over(struct flow_call *fc)
{
    fc->consented(fc);
}

static void consent_heard(void *arg, const struct talk_heard *heard)
{
    struct flow_call *fc = arg;
    bool yes = heard->why == TALK_PRESSED && heard->key[0] == '1';
    struct script s;

    if (heard->why == TALK_FAILED) {
        flow_trouble(fc, "speech");
        return;
    }
    /* Who says nothing has not agreed. */
    consent_is(fc, yes ? FLOW_CONSENT_GIVEN : FLOW_CONSENT_REFUSED, yes ? "granted" : "denied");
    flow_script(fc, &s);
    script_prompt(&s, yes ? PROMPT_RECORDING_ACCEPTED : PROMPT_RECORDING_DECLINED, NULL, 0);
    flow_say(fc, &s, consent_over);
}

void flow_consent_ask(struct flow_call *fc, flow_then *then)
{
    struct talk_ask announce = {.flags = 0};
    struct talk_ask ask = {.keys_max = 1, .wait_us = 6000000, .flags = TALK_NO_AHEAD};
    struct script s;

    fc->consented = then;
    if (fc->consent != FLOW_CONSENT_OPEN || flow_voice(fc)->conf.consent == VOICE_CONSENT_NONE) {
        if (fc->consent == FLOW_CONSENT_OPEN)
            fc->consent = FLOW_CONSENT_GIVEN;
        then(fc);
        return;
    }
    flow_script(fc, &s);
    script_prompt(&s, PROMPT_RECORDING_NOTICE, NULL, 0);
    if (flow_voice(fc)->conf.consent == VOICE_CONSENT_ANNOUNCE) {
        flow_talk(fc, &s, &announce, consent_announced); /* to its end: no key ends it */
        return;
    }
    script_prompt(&s, PROMPT_RECORDING_CONSENT, NULL, 0);
    ask.flags |= TALK_BARGE_IN;
    flow_keys(fc, &s, &ask, consent_heard);
}
