/*
 * A call of ours. It rings; who answers is listened to, unless the operator wants no machine to be told from
 * a person; then its messages are spoken, those that come meanwhile too. What it comes to is told at once and
 * in one place: call_settle(). SPDX-License-Identifier: Apache-2.0
 */
#include "out.h"

#include <stdlib.h>

static const int64_t CALL_NO_LINE_US = 5000000,
                     /* A person's greeting and the silence behind it; a machine's. CALLING.md */
    CALL_SILENCE_US = 800000, CALL_QUIET_US = 3000000, CALL_RECORDS_US = 2500000, CALL_PATIENCE_US = 45000000;

/* ---- who is called ---- */

struct out_call *out_call_of(const struct out *o, struct hilo_str customer, struct hilo_str phone)
{
    struct out_call *c;

    TAILQ_FOREACH(c, &o->calls, next)
    if (c->stage != OUT_LEAVING &&
        ((customer.n && voice_str_is(customer, c->customer)) || (phone.n && voice_str_is(phone, c->phone))))
        return c;
    return NULL;
}

static struct out_message *call_first(const struct out_call *c)
{
    return TAILQ_FIRST(&c->messages);
}

/* Tells what is not told, by the first of these functions; and lets the messages go. */
static void call_settle(struct out_call *c,
                        void (*tell)(struct out_call *, struct out_message *, const void *), const void *arg)
{
    struct out_message *m;

    while ((m = call_first(c))) {
        TAILQ_REMOVE(&c->messages, m, next);
        tell(c, m, arg);
        out_message_free(m);
    }
}

/* ---- the book of calls ---- */

static void call_book(struct out_call *c)
{
    struct out_message *m = call_first(c);
    struct ledger_open open = {.inbound = false};

    if (c->call->ledger || !c->call->call_id[0] || !m)
        return;
    if (m->customer[0])
        open.customer = voice_str(m->customer);
    else
        open.phone = voice_str(m->phone);
    open.provider_id = voice_str(c->call->call_id);
    open.message = voice_str(m->id_text);
    open.casus = voice_str(m->casus);
    c->call->ledger = ledger_begin(c->out->voice, &open, NULL, NULL);
    if (!c->call->ledger)
        voice_log(c->out->voice, HILO_LOG_ERROR, "%s: no memory to keep its call", m->id_text);
}

static void call_book_end(struct out_call *c, const struct voice_ending *e, const char *reason,
                          struct hilo_str words)
{
    struct ledger_change change = {.status = "ended", .sip = e->status, .reason = reason};

    if (!c->call->ledger)
        return;
    change.text = words;
    change.duration_us = voice_call_duration_us(c->call);
    ledger_tell(c->call->ledger, &change, NULL, NULL);
    ledger_left(c->call->ledger);
    c->call->ledger = NULL;
}

/* ---- person or machine ---- */

static void call_listened(struct out_call *c, enum answerer_says says);

static void call_tick(void *arg)
{
    struct out_call *c = arg;
    struct voice *v = c->out->voice;

    call_listened(c, answerer_tick(&c->answerer, voice_now(v)));
}

/* The clock of the answerer, while it has to say who it is. */
static void call_wait(struct out_call *c)
{
    struct voice *v = c->out->voice;
    int64_t next = answerer_next(&c->answerer), now = voice_now(v);

    if (next && (c->stage == OUT_LISTENING || c->stage == OUT_MACHINE))
        voice_timer_in(v, &c->timer, next > now ? next - now : 0, call_tick, c);
}

/* Nothing is left on it: it counts as not reached. */
static void call_tell_machine(struct out_call *c, struct out_message *m, const void *arg)
{
    (void)arg;
    out_tell_untaken(m, OUT_NO_ANSWER, NULL, "answering_machine", "Contestó un buzón de voz",
                     "An answering machine answered", c->rang);
}

static void call_hang_up_machine(struct out_call *c)
{
    call_settle(c, call_tell_machine, NULL);
    c->stage = OUT_LEAVING;
    voice_timer_cancel(c->out->voice, &c->timer);
    voice_call_hangup(c->call, "answering machine");
}

static void call_to_machine(struct out_call *c)
{
    struct out_message *m = call_first(c);

    c->machine = true;
    voice_timer_cancel(c->out->voice, &c->timer); /* it is not with her after all */
    voice_call_listen(c->call, false);
    if (m) {
        m->rounds = 0; /* what was spoken into its greeting was heard by nobody */
        out_speak(c, PROMPT__END);
    }
}

static void call_to_person(struct out_call *c)
{
    if (c->out->voice->conf.out.machine != OUT_MACHINE_MESSAGE)
        voice_call_listen(c->call, false); /* else its beep may still tell */
    if (call_first(c))
        out_speak(c, PROMPT__END);
}

static void call_listened(struct out_call *c, enum answerer_says says)
{
    bool leaves_message = c->out->voice->conf.out.machine == OUT_MACHINE_MESSAGE;

    switch (says) {
    case ANSWERER_PERSON:
        call_to_person(c);
        break;
    case ANSWERER_MACHINE:
        c->stage = OUT_MACHINE;
        if (!leaves_message)
            call_hang_up_machine(c);
        break;
    case ANSWERER_RECORDS:
        if (!leaves_message)
            call_hang_up_machine(c);
        else if (c->stage != OUT_GOODBYE && c->n_keys == 0)
            call_to_machine(c);
        break;
    case ANSWERER_GIVE_UP:
        call_hang_up_machine(c);
        break;
    case ANSWERER_NOTHING:
        break;
    }
    call_wait(c);
}

/* ---- what the table of calls says ---- */

static void call_progress(struct voice_call *call, uint32_t status, bool early)
{
    struct out_call *c = call->of_side;
    struct out_message *m = call_first(c);

    (void)early;
    call_book(c);
    if (c->rang || status < 180 || !m)
        return;
    c->rang = true;
    out_tell_status(m, HILO_STATUS_SENT);
}

static void call_answered(struct voice_call *call)
{
    const struct ledger_change change = {.status = "answered", .duration_us = -1};
    struct out_call *c = call->of_side;
    struct voice *v = c->out->voice;
    struct answerer_conf conf = {.greeting_us = v->conf.out.greeting_us,
                                 .silence_us = CALL_SILENCE_US,
                                 .quiet_us = CALL_QUIET_US,
                                 .records_us = CALL_RECORDS_US,
                                 .patience_us = CALL_PATIENCE_US};

    call_book(c);
    if (call->ledger)
        ledger_tell(call->ledger, &change, NULL, NULL);
    if (c->stage != OUT_CALLING || !call_first(c))
        return; /* we were hanging up already */
    if (v->conf.out.machine == OUT_MACHINE_SPEAK) {
        out_speak(c, PROMPT__END);
        return;
    }
    c->stage = OUT_LISTENING;
    answerer_begin(&c->answerer, &conf, voice_now(v));
    voice_call_listen(call, true);
    call_wait(c);
}

static void call_speech(struct voice_call *call, bool on, bool tone)
{
    struct out_call *c = call->of_side;

    if (c->stage == OUT_LISTENING || c->stage == OUT_MACHINE || (c->stage == OUT_SPEAKING && !c->machine))
        call_listened(c, answerer_heard(&c->answerer, on, tone, voice_now(c->out->voice)));
}

/* A key before anything was spoken: that is a person. */
static void call_digit(struct voice_call *call, char digit)
{
    struct out_call *c = call->of_side;

    (void)digit;
    if (c->stage == OUT_LISTENING || c->stage == OUT_MACHINE) {
        voice_timer_cancel(c->out->voice, &c->timer);
        call_to_person(c);
    }
}

static void call_tell_ended(struct out_call *c, struct out_message *m, const void *arg)
{
    const struct out_cause *cause = arg;

    if (m->reported) {
        /* She hung up while it was spoken: it has reached her, whether she listened or not. */
        if (m->at == OUT_SPOKEN && !c->machine)
            out_tell_status(m, HILO_STATUS_DELIVERED);
        return;
    }
    if (c->stage == OUT_LISTENING)
        out_tell_untaken(m, OUT_NO_ANSWER, NULL, "hung_up", "Contestó y colgó antes de escuchar",
                         "It was answered, and hung up before anything was spoken", c->rang);
    else if (c->stage == OUT_MACHINE)
        call_tell_machine(c, m, NULL);
    else if (c->stage == OUT_CALLING)
        out_tell_cause(m, cause, c->rang);
    else
        out_tell(m, HILO_AGAIN, "call_ended", CALL_NO_LINE_US);
}

static void call_ended(struct voice_call *call, const struct voice_ending *e)
{
    struct out_call *c = call->of_side;
    struct voice *v = c->out->voice;
    struct out_cause cause;
    char reason[40];

    /* A 503 of our own: nothing was there to call. */
    out_cause_of(e->status == 503 && !e->by_peer ? 0 : e->status, e->q850, c->rang, &cause);
    call_book(c);
    if (c->stage == OUT_CALLING) {
        (void)memcpy(reason, cause.reason.p, cause.reason.n);
        reason[cause.reason.n] = 0;
        call_book_end(c, e, reason, v->conf.language == SAY_ES ? cause.es : cause.en);
    } else {
        call_book_end(c, e, c->machine || c->stage == OUT_MACHINE ? "answering_machine" : "hangup",
                      e->reason);
    }
    call_settle(c, call_tell_ended, &cause);
    voice_timer_cancel(v, &c->timer);
    if (c->asked)
        voice_ask_forget(v, c->asked);
    pace_ended(&c->out->pace, voice_now(v) - call->began_us);
    TAILQ_REMOVE(&c->out->calls, c, next);
    c->out->n_calls--;
    free(c);
}

static const struct voice_side call_side = {.progress = call_progress,
                                            .answered = call_answered,
                                            .digit = call_digit,
                                            .speech = call_speech,
                                            .ended = call_ended};

/* ---- from out.c and out_speak.c ---- */

static struct out_call *call_new(struct out_message *m)
{
    struct out_call *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->out = m->out;
    TAILQ_INIT(&c->messages);
    memcpy(c->phone, m->phone, sizeof c->phone);
    memcpy(c->customer, m->customer, sizeof c->customer);
    return c;
}

bool out_call_begin(struct out_message *m)
{
    struct voice *v = m->out->voice;
    struct ua_invite invite = {.ring_us = v->conf.out.ring_us,
                               .from_user = v->conf.out.caller_id,
                               .from_name = v->conf.out.caller_name};
    struct out_call *c = call_new(m);

    invite.to = voice_str(m->phone);
    if (c)
        c->call = voice_call_dial(v, &call_side, c, &invite);
    if (!c || !c->call) {
        out_tell(m, HILO_AGAIN, c ? "no_line" : "no_memory", CALL_NO_LINE_US);
        out_message_free(m);
        free(c);
        return false;
    }
    (void)strcpy(c->call->phone, m->phone);
    (void)strcpy(c->call->customer, m->customer);
    c->call->language = m->language;
    TAILQ_INSERT_TAIL(&m->out->calls, c, next);
    m->out->n_calls++;
    m->call = c;
    TAILQ_INSERT_TAIL(&c->messages, m, next);
    return true;
}

void out_call_add(struct out_call *c, struct out_message *m)
{
    bool idle = c->stage == OUT_GOODBYE;

    m->call = c;
    TAILQ_INSERT_TAIL(&c->messages, m, next);
    if (idle)
        out_speak(c, PROMPT__END);
}

void out_call_next(struct out_call *c)
{
    struct out_message *m = call_first(c);

    voice_timer_cancel(c->out->voice, &c->timer);
    if (m) {
        TAILQ_REMOVE(&c->messages, m, next);
        out_message_free(m);
    }
    if (call_first(c))
        out_speak(c, PROMPT__END);
    else
        out_speak_goodbye(c);
}

struct call_leave {
    int32_t code;
    const char *reason;
};

static void call_tell_left(struct out_call *c, struct out_message *m, const void *arg)
{
    const struct call_leave *l = arg;

    if (m->reported) {
        if (m->at == OUT_SPOKEN && !c->machine)
            out_tell_status(m, HILO_STATUS_DELIVERED);
        return;
    }
    if (l->code == HILO_TEMP)
        out_tell_untaken(m, OUT_TEMP, NULL, l->reason, "El canal se detuvo durante la llamada",
                         "The channel was stopped during the call", c->rang);
    else
        out_tell(m, l->code, l->reason, 0);
}

void out_call_leave(struct out_call *c, int32_t code, const char *reason)
{
    const struct call_leave l = {code, reason};

    call_settle(c, call_tell_left, &l);
    c->stage = OUT_LEAVING;
    voice_timer_cancel(c->out->voice, &c->timer);
    voice_call_hangup(c->call, reason);
}
