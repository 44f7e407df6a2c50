/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "flow_int.h"

#include "caller.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    FLOW_ANSWER_US = 1500000, /* it rings no longer than this for our look-up */
    FLOW_BYE_US = 20000000,   /* goodbye takes no longer */
    FLOW_DRAIN_US = 8000000,  /* for last words, before a drain's end */
    FLOW_BEEP_HZ = 1000,
    FLOW_BEEP_MS = 250,
    FLOW_WAIT_HZ = 425,
    FLOW_WAIT_MS = 4000
};

static void flow_step(struct flow_call *);

/* ---- what is waited for ------------------------------------------------------------------------- */

static void flow_due(void *arg)
{
    struct flow_call *fc = arg;
    flow_then *then = fc->then;

    fc->then = NULL;
    if (then)
        then(fc);
}

void flow_in(struct flow_call *fc, int64_t us, flow_then *then)
{
    fc->then = then;
    voice_timer_in(flow_voice(fc), &fc->timer, us, flow_due, fc);
}

void flow_script(struct flow_call *fc, struct script *s)
{
    script_init(s, flow_voice(fc), fc->call->language, flow_value, fc);
}

static void flow_said(void *arg, const struct talk_heard *heard)
{
    struct flow_call *fc = arg;
    flow_then *then = fc->then;

    fc->then = NULL;
    if (heard->why == TALK_FAILED && !fc->trouble)
        flow_trouble(fc, "speech");
    else if (then)
        then(fc);
}

void flow_talk(struct flow_call *fc, struct script *s, struct talk_ask *ask, flow_then *then)
{
    voice_timer_cancel(flow_voice(fc), &fc->timer);
    fc->then = then;
    ask->piece = s->piece;
    ask->n_pieces = s->n;
    talk_say(&fc->call->talk, ask, flow_said, fc);
    script_done(s);
}

void flow_say(struct flow_call *fc, struct script *s, flow_then *then)
{
    struct talk_ask ask = {.flags = TALK_BARGE_IN};

    flow_talk(fc, s, &ask, then);
}

void flow_keys(struct flow_call *fc, struct script *s, struct talk_ask *ask, talk_done *done)
{
    voice_timer_cancel(flow_voice(fc), &fc->timer);
    fc->then = NULL;
    ask->piece = s->piece;
    ask->n_pieces = s->n;
    talk_say(&fc->call->talk, ask, done, fc);
    script_done(s);
}

/* ---- the gateway -------------------------------------------------------------------------------- */

struct flow_question {
    struct flow_call *fc;
    flow_answered *answered;
};

static void flow_on_answer(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct flow_question *q = arg;
    struct flow_call *fc = q->fc;
    flow_answered *answered = q->answered;

    free(q);
    fc->asking = 0;
    fc->question = NULL;
    voice_timer_cancel(flow_voice(fc), &fc->timer);
    answered(fc, code == HILO_OK ? status : 0, body);
}

static void flow_forget(struct flow_call *fc)
{
    voice_ask_forget(flow_voice(fc), fc->asking);
    free(fc->question);
    fc->asking = 0;
    fc->question = NULL;
}

static void flow_impatient(struct flow_call *fc)
{
    flow_answered *answered = fc->question ? fc->question->answered : NULL;

    flow_forget(fc);
    if (answered)
        answered(fc, 0, voice_none());
}

void flow_ask(struct flow_call *fc, const char *method, const char *path, const cJSON *body, const char *key,
              flow_answered *answered)
{
    struct voice *v = flow_voice(fc);
    struct flow_question *q = malloc(sizeof *q);
    char *text = body ? cJSON_PrintUnformatted(body) : NULL;

    flow_forget(fc);
    if (q) {
        *q = (struct flow_question){.fc = fc, .answered = answered};
        fc->question = q;
        if (!body || text)
            fc->asking =
                voice_ask_api(v, method, voice_str(path), voice_str(text), voice_str(key), flow_on_answer, q);
    }
    free(text);
    /* Without memory it is as if it did not answer. */
    flow_in(fc, fc->asking ? v->conf.gateway_us : 1, flow_impatient);
}

void flow_tell(struct flow_call *fc, const struct ledger_change *change)
{
    ledger_tell(fc->call->ledger, change, NULL, NULL);
}

struct said_by flow_by(struct flow_call *fc, char ext[VOICE_TEXT_MAX])
{
    struct voice_call *c = fc->call;
    const char *call = ledger_id(c->ledger);

    (void)snprintf(ext, VOICE_TEXT_MAX, "%.200s#%u", call[0] ? call : c->call_id, ++fc->n_said);
    return (struct said_by){.document = voice_str(fc->identified ? fc->document : ""),
                            .phone = voice_str(c->phone),
                            .visitor = voice_str(c->call_id),
                            .call = voice_str(call),
                            .casus = voice_str(fc->casus),
                            .language = c->language,
                            .ext_id = voice_str(ext)};
}

/* ---- step by step ------------------------------------------------------------------------------- */

static void flow_leave(struct flow_call *fc)
{
    if (fc->leaving)
        return;
    fc->leaving = true;
    voice_call_hangup(fc->call, fc->bye_reason);
}

static void flow_bye_said(void *arg, const struct talk_heard *heard)
{
    (void)heard;
    flow_leave(arg);
}

static void flow_bye_say(struct flow_call *fc, struct script *s, const char *reason)
{
    struct talk_ask ask = {.piece = s->piece, .n_pieces = s->n};

    fc->bye_reason = reason;
    talk_say(&fc->call->talk, &ask, flow_bye_said, fc);
    script_done(s);
    flow_in(fc, FLOW_BYE_US, flow_leave);
}

void flow_bye(struct flow_call *fc, enum prompt p, const char *reason)
{
    struct script s;

    flow_forget(fc);
    flow_script(fc, &s);
    if (p != PROMPT__END)
        script_prompt(&s, p, NULL, 0);
    flow_bye_say(fc, &s, reason);
}

static void flow_trouble_ends(struct flow_call *fc)
{
    flow_bye(fc, PROMPT_ERROR, "trouble");
}

void flow_trouble(struct flow_call *fc, const char *what)
{
    voice_log(flow_voice(fc), HILO_LOG_ERROR, "voice.trouble call=%s step=%s what=%s: the caller is %s",
              ledger_id(fc->call->ledger), fc->step ? fc->step->name.p : "", what,
              flow_voice(fc)->fixed.desk.n && !fc->trouble ? "sent to desk" : "told so");
    flow_forget(fc);
    if (fc->trouble || flow_voice(fc)->fixed.desk.n == 0) {
        fc->trouble = true;
        flow_trouble_ends(fc);
        return;
    }
    fc->trouble = true;
    flow_transfer_desk(fc, flow_trouble_ends);
}

static void flow_hangup_step(struct flow_call *fc)
{
    struct script s;

    flow_script(fc, &s);
    if (script_has(&fc->step->prompt))
        script_menu(&s, &fc->step->prompt);
    else
        script_prompt(&s, PROMPT_GOODBYE, NULL, 0);
    flow_bye_say(fc, &s, "goodbye");
}

static void flow_step(struct flow_call *fc)
{
    if (!fc->step) {
        flow_bye(fc, PROMPT_GOODBYE, "goodbye");
        return;
    }
    switch (fc->step->what) {
    case MENU_SAY:
        flow_say_step(fc);
        break;
    case MENU_KEYS:
        flow_keys_step(fc);
        break;
    case MENU_LANGUAGE:
        flow_language_step(fc);
        break;
    case MENU_IDENTIFY:
        flow_identify_step(fc);
        break;
    case MENU_TELL:
        flow_tell_step(fc);
        break;
    case MENU_CHOICES:
        flow_choices_step(fc);
        break;
    case MENU_CASE:
        flow_case_step(fc);
        break;
    case MENU_RECORD:
        flow_record_step(fc);
        break;
    case MENU_TRANSFER:
        flow_transfer_step(fc);
        break;
    case MENU_HOURS:
        flow_hours_step(fc);
        break;
    case MENU_HANGUP:
        flow_hangup_step(fc);
        break;
    }
}

void flow_go(struct flow_call *fc, uint32_t step)
{
    fc->step = step == MENU_NONE ? NULL : &fc->flow->menu->step[step];
    fc->tries = 0;
    if (flow_messages_due(fc))
        flow_messages_speak(fc, flow_step);
    else
        flow_step(fc);
}

void flow_next(struct flow_call *fc)
{
    flow_go(fc, fc->step->next);
}

/* ---- the first words ---------------------------------------------------------------------------- */

static void flow_begin(struct flow_call *fc)
{
    fc->begun = true;
    if (fc->record_call && fc->consent == FLOW_CONSENT_GIVEN)
        flow_record_whole(fc);
    flow_go(fc, fc->flow->menu->start);
}

static void flow_greeted(struct flow_call *fc)
{
    fc->record_call = flow_voice(fc)->conf.record_call;
    if (fc->record_call)
        flow_consent_ask(fc, flow_begin);
    else
        flow_begin(fc);
}

static void flow_greet(struct flow_call *fc)
{
    struct script s;

    flow_script(fc, &s);
    script_prompt(&s, fc->name[0] ? PROMPT_GREETING_NAME : PROMPT_GREETING, NULL, 0);
    flow_say(fc, &s, flow_greeted);
}

/* ---- a call's life ------------------------------------------------------------------------------ */

static struct flow_call *flow_of(struct voice_call *c)
{
    return c->of_side;
}

static void on_answered(struct voice_call *c)
{
    const struct ledger_change answered = {.status = "answered", .duration_us = -1};
    struct flow_call *fc = flow_of(c);

    flow_tell(fc, &answered);
    flow_greet(fc);
}

static void flow_answer(struct flow_call *fc)
{
    voice_call_answer(fc->call);
}

/* As many reasons as there are ways to end. */
static const char *flow_reason(const struct flow_call *fc, const struct voice_ending *e)
{
    if (fc->call->transferred)
        return "transferred";
    if (!fc->call->answered)
        return e->status == 487 ? "canceled" : "not_answered";
    return e->by_peer ? "hangup" : fc->bye_reason ? fc->bye_reason : "ended";
}

/* Only what was recorded may still come. */
static void on_over(struct voice_call *c)
{
    struct flow_call *fc = flow_of(c);

    flow_forget(fc);
    voice_timer_cancel(c->voice, &fc->timer);
    fc->then = NULL;
}

static void on_ended(struct voice_call *c, const struct voice_ending *e)
{
    struct flow_call *fc = flow_of(c);
    struct voice *v = c->voice;
    struct ledger_change change = {
        .status = "ended", .sip = e->status >= 100 ? e->status : 0, .text = e->reason};

    on_over(c);
    flow_messages_left(fc);
    flow_record_left(fc);
    flow_transfer_left(fc);
    change.duration_us = voice_call_duration_us(c);
    change.reason = flow_reason(fc, e);
    change.digits = fc->digits;
    if (e->status == 0 && !v->draining) /* nothing is known of its end */
        change.status = "broken";
    flow_tell(fc, &change);
    flow_case_left(fc);
    ledger_left(c->ledger);
    c->ledger = NULL;
    voice_log(v, HILO_LOG_INFO,
              "voice.call direction=inbound answered=%d duration_ms=%lld status=%u reason=%s",
              (int)c->answered, (long long)(change.duration_us / 1000), e->status, change.reason);
    LIST_REMOVE(fc, at);
    cJSON_Delete(fc->who);
    free(fc);
}

static void on_recorded(struct voice_call *c, const struct media_event *e)
{
    flow_recorded(flow_of(c), e);
}

static void on_referred(struct voice_call *c, uint32_t status)
{
    flow_referred(flow_of(c), status);
}

static const struct voice_side flow_side = {.answered = on_answered,
                                            .over = on_over,
                                            .recorded = on_recorded,
                                            .referred = on_referred,
                                            .ended = on_ended};

/* The gateway knows the call: whose it is, unless the look-up has said so. */
static void flow_booked(void *arg, bool ok)
{
    struct flow_call *fc = arg;

    if (ok && !fc->call->customer[0])
        (void)snprintf(fc->call->customer, sizeof fc->call->customer, "%s",
                       ledger_customer(fc->call->ledger));
}

static bool flow_book(struct flow_call *fc)
{
    struct voice_call *c = fc->call;
    const struct ledger_open open = {.inbound = true,
                                     .phone = voice_str(c->phone),
                                     .visitor = voice_str(c->call_id),
                                     .provider_id = voice_str(c->call_id)};

    c->ledger = ledger_begin(c->voice, &open, flow_booked, fc);
    return c->ledger != NULL;
}

static const struct voice_side flow_refused_side = {.ended = NULL};

void flow_incoming(struct voice_call *c)
{
    struct voice *v = c->voice;
    struct flow_call *fc = calloc(1, sizeof *fc);

    if (!fc) {
        c->side = &flow_refused_side;
        voice_call_reject(c, 503, 10);
        return;
    }
    fc->flow = v->flow;
    fc->call = c;
    fc->record_fd = -1;
    TAILQ_INIT(&fc->messages);
    LIST_INSERT_HEAD(&v->flow->calls, fc, at);
    c->side = &flow_side;
    c->of_side = fc;
    if (!c->withheld && !caller_number(voice_str(c->asserted[0] ? c->asserted : c->from),
                                       v->conf.country_code, c->phone, sizeof c->phone))
        c->phone[0] = 0;
    voice_call_ring(c);
    /* Asked before the call is told of, for that may make her known. */
    if (c->phone[0])
        flow_lookup_phone(fc, flow_answer);
    if (!flow_book(fc)) {
        voice_call_reject(c, 503, 10);
        return;
    }
    if (!c->phone[0])
        flow_answer(fc);
    else if (v->conf.gateway_us > FLOW_ANSWER_US)
        flow_in(fc, FLOW_ANSWER_US, flow_impatient);
}

/* ---- the whole ---------------------------------------------------------------------------------- */

struct flow *flow_new(struct voice *v, char why[MENU_WRONG])
{
    struct flow *f = calloc(1, sizeof *f);

    if (!f) {
        (void)snprintf(why, MENU_WRONG, "no memory");
        return NULL;
    }
    f->voice = v;
    LIST_INIT(&f->calls);
    LIST_INIT(&f->openings);
    f->menu = menu_read(v->fixed.menu, v->fixed.desk, why);
    f->beep = script_tone(FLOW_BEEP_HZ, FLOW_BEEP_MS, 0);
    f->waiting = script_tone(FLOW_WAIT_HZ, FLOW_BEEP_MS, FLOW_WAIT_MS);
    if (!f->menu || !f->beep || !f->waiting) {
        flow_free(f);
        return NULL;
    }
    return f;
}

static void flow_drained(void *arg)
{
    struct flow *f = arg;
    struct flow_call *fc, *next;

    for (fc = LIST_FIRST(&f->calls); fc; fc = next) {
        next = LIST_NEXT(fc, at);
        if (!fc->call->answered)
            voice_call_hangup(fc->call, "going down");
        else if (!fc->leaving && !fc->referring)
            flow_bye(fc, PROMPT_BUSY, "going down");
    }
}

void flow_drain(struct voice *v, int64_t mono_us)
{
    int64_t in = mono_us - voice_now(v) - FLOW_DRAIN_US;

    voice_timer_in(v, &v->flow->drain, in > 0 ? in : 0, flow_drained, v->flow);
}

void flow_free(struct flow *f)
{
    if (!f)
        return;
    if (f->voice->timers)
        voice_timer_cancel(f->voice, &f->drain);
    flow_openings_free(f);
    menu_free(f->menu);
    pcm_drop(f->beep);
    pcm_drop(f->waiting);
    free(f);
}
