/*
 * A message as it is spoken. A person hears it, may press * to hear it again, and a key to answer it; who
 * presses nothing hears a question once more. A machine that records hears the text once.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "out.h"

#include "script.h"

#include <stdio.h>

static const int64_t SPEAK_ANSWER_US = 6000000, /* for the key of a choice */
    SPEAK_AGAIN_US = 3000000,                   /* for *, behind what asks for nothing */
    SPEAK_BETWEEN_US = 2000000,                 /* between the digits of a choice beyond 9 */
    SPEAK_HEARD_US = 700000;                    /* it can be spoken: now it is with her */
enum { SPEAK_ROUNDS = 3, SPEAK_WRONG = 2 };
#define SPEAK_AGAIN '*'

/* ---- pieces ---- */

static void speak_message(struct script *s, struct out_message *m, bool to_machine)
{
    if (m->fd >= 0) {
        (void)snprintf(m->path, sizeof m->path, "/proc/self/fd/%d", m->fd);
        script_file(s, voice_str(m->path));
    }
    if (to_machine && m->question)
        script_plain(s, voice_str(m->question));
    else if (m->text[0])
        script_plain(s, voice_str(m->text));
}

static void speak_say(struct out_call *c, struct script *s, struct talk_ask *ask, talk_done *done)
{
    ask->piece = s->piece;
    ask->n_pieces = s->n;
    talk_say(&c->call->talk, ask, done, c);
    script_done(s);
}

/* ---- what became of it ---- */

static void speak_heard(void *arg)
{
    struct out_call *c = arg;
    struct out_message *m = TAILQ_FIRST(&c->messages);

    if (m && m->reported)
        out_tell_status(m, HILO_STATUS_DELIVERED);
}

static void speak_over(void *arg, const struct talk_heard *h)
{
    (void)h;
    out_call_next(arg);
}

/* She is told that her choice is taken when it is on disk. */
static void speak_taken(void *arg, int32_t code)
{
    struct out_call *c = arg;
    struct out_message *m = TAILQ_FIRST(&c->messages);
    struct talk_ask ask = {0};
    struct script s;

    c->asked = 0;
    if (c->stage != OUT_SPEAKING || !m)
        return;
    script_init(&s, c->out->voice, m->language, NULL, NULL);
    script_prompt(&s, code == HILO_OK || code == HILO_DUPLICATE ? PROMPT_CHOICE_TAKEN : PROMPT_ERROR, NULL,
                  0);
    speak_say(c, &s, &ask, speak_over);
}

static void speak_keys(struct out_call *c, struct out_message *m, const char *keys)
{
    unsigned long choice = 0;

    out_tell_status(m, HILO_STATUS_READ);
    if (m->n_choices) {
        if (sscanf(keys, "%3lu", &choice) != 1 || choice < 1 || choice > m->n_choices) {
            if (++m->wrong <= SPEAK_WRONG)
                out_speak(c, PROMPT_WRONG_KEY);
            else
                out_call_next(c);
            return;
        }
        c->asked = out_tell_keys(m, keys, speak_taken, c);
        if (!c->asked)
            speak_taken(c, HILO_NOMEM);
        return;
    }
    (void)out_tell_keys(m, keys, NULL, NULL);
    out_call_next(c);
}

static void speak_done(void *arg, const struct talk_heard *h)
{
    struct out_call *c = arg;
    struct out_message *m = TAILQ_FIRST(&c->messages);
    struct voice *v = c->out->voice;

    voice_timer_cancel(v, &c->timer);
    if (!m)
        return;
    if (h->why == TALK_FAILED) {
        voice_log(v, HILO_LOG_ERROR, "%s: it could not be spoken; the call is ended", m->id_text);
        out_tell_status(m, HILO_STATUS_FAILED);
        out_call_next(c);
        return;
    }
    out_tell_status(m, HILO_STATUS_DELIVERED);
    if (c->machine) {
        out_call_next(c);
        return;
    }
    if (h->n > 0) {
        speak_keys(c, m, h->key);
        return;
    }
    if (h->whole || h->why == TALK_PRESSED)
        out_tell_status(m, HILO_STATUS_READ);
    /* The * alone; or nothing, where an answer is awaited. */
    if (m->rounds < SPEAK_ROUNDS && h->why == TALK_PRESSED)
        out_speak(c, PROMPT__END);
    else if (m->rounds < 2 && m->n_choices)
        out_speak(c, PROMPT_NO_KEY);
    else
        out_call_next(c);
}

/* ---- speaking ---- */

void out_speak(struct out_call *c, enum prompt lead)
{
    static const struct script_value again = {"key", {"*", 1}};
    struct out_message *m = TAILQ_FIRST(&c->messages);
    struct voice *v = c->out->voice;
    struct talk_ask ask = {0};
    bool first = m->rounds == 0;
    struct script s;

    c->stage = OUT_SPEAKING;
    m->at = OUT_SPOKEN;
    c->call->language = m->language;
    script_init(&s, v, m->language, NULL, NULL);
    if (lead == PROMPT__END && first && c->n_said > 0)
        lead = PROMPT_OUT_IN_CALL;
    else if (lead == PROMPT__END && first && v->conf.business.n)
        lead = c->machine ? PROMPT_MACHINE : PROMPT_OUT_INTRO;
    if (lead != PROMPT__END)
        script_prompt(&s, lead, NULL, 0);
    speak_message(&s, m, c->machine);
    if (!c->machine) {
        ask.flags = TALK_BARGE_IN | TALK_NO_AHEAD;
        ask.keys_max = m->n_choices > 9 ? 2 : 1;
        ask.end_key = SPEAK_AGAIN;
        ask.wait_us = m->n_choices ? SPEAK_ANSWER_US : SPEAK_AGAIN_US;
        ask.between_us = SPEAK_BETWEEN_US;
        if (first)
            script_prompt(&s, PROMPT_OUT_REPEAT, &again, 1);
    }
    m->rounds++;
    out_tell_taken(m);
    if (!m->delivered && !c->machine)
        voice_timer_in(v, &c->timer, SPEAK_HEARD_US, speak_heard, c);
    speak_say(c, &s, &ask, speak_done);
}

static void speak_left(void *arg, const struct talk_heard *h)
{
    struct out_call *c = arg;

    (void)h;
    out_call_leave(c, HILO_AGAIN, "call_ended");
}

void out_speak_goodbye(struct out_call *c)
{
    struct talk_ask ask = {0};
    struct script s;

    c->stage = OUT_GOODBYE;
    if (c->machine) {
        out_call_leave(c, HILO_AGAIN, "call_ended");
        return;
    }
    script_init(&s, c->out->voice, c->call->language, NULL, NULL);
    script_prompt(&s, PROMPT_OUT_GOODBYE, NULL, 0);
    speak_say(c, &s, &ask, speak_left);
}
