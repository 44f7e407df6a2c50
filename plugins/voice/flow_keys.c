/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "flow_int.h"

#include <stdio.h>

enum { KEYS_LANGUAGE_TRIES = 2 };

void flow_digit(struct flow_call *fc, char digit)
{
    size_t n = strlen(fc->digits);

    if (n + 1 < sizeof fc->digits)
        fc->digits[n] = digit;
}

/* ---- say ---------------------------------------------------------------------------------------- */

void flow_say_step(struct flow_call *fc)
{
    struct talk_ask ask = {.flags = fc->step->barge_in ? TALK_BARGE_IN : 0};
    struct script s;

    flow_script(fc, &s);
    script_menu(&s, &fc->step->prompt);
    flow_talk(fc, &s, &ask, flow_next);
}

/* ---- keys --------------------------------------------------------------------------------------- */

static void keys_ask(struct flow_call *, enum prompt first);

static const struct menu_key *keys_find(const struct menu_step *s, char key)
{
    uint32_t i;

    for (i = 0; i < s->n_keys; i++)
        if (s->key[i].key == key)
            return &s->key[i];
    return NULL;
}

/* Words alone: what a message about it can hold. */
static struct hilo_str keys_words(const struct flow_call *fc, const struct menu_prompt *p)
{
    struct hilo_str w = fc->call->language == SAY_EN ? p->en : p->es;

    if (p->built_in.n)
        w = prompt_text(prompt_find(p->built_in), fc->call->language);
    return w.n > 5 && memcmp(w.p, "file:", 5) == 0 ? voice_none() : w;
}

static void keys_chosen(struct flow_call *fc, const struct menu_key *k)
{
    char ext[VOICE_TEXT_MAX];
    struct said_by by;

    flow_digit(fc, k->key);
    if (k->choice.n) {
        by = flow_by(fc, ext);
        (void)said_choice(flow_voice(fc), &by, k->choice, keys_words(fc, &k->label),
                          keys_words(fc, &fc->step->prompt));
    }
    flow_go(fc, k->to);
}

/* After the last try: where the menu says; a wrong key leads where none does, if nothing else is said. */
static void keys_given_up(struct flow_call *fc, bool wrong)
{
    flow_go(fc, wrong && fc->step->wrong_key != MENU_NONE ? fc->step->wrong_key : fc->step->no_key);
}

static void keys_heard(void *arg, const struct talk_heard *heard)
{
    const struct menu_key *k;
    struct flow_call *fc = arg;
    bool wrong = heard->why == TALK_PRESSED;

    if (heard->why == TALK_FAILED) {
        flow_trouble(fc, "speech");
        return;
    }
    k = wrong ? keys_find(fc->step, heard->key[0]) : NULL;
    if (k)
        keys_chosen(fc, k);
    else if (++fc->tries >= fc->step->tries)
        keys_given_up(fc, wrong);
    else
        keys_ask(fc, wrong ? PROMPT_WRONG_KEY : PROMPT_NO_KEY);
}

static void keys_ask(struct flow_call *fc, enum prompt first)
{
    const struct menu_step *step = fc->step;
    struct talk_ask ask = {.keys_max = 1, .wait_us = step->wait_us};
    struct script s;
    uint32_t i;

    /* What was pressed wrongly may not answer what comes. */
    ask.flags = (step->barge_in ? TALK_BARGE_IN : 0u) | (first == PROMPT_WRONG_KEY ? TALK_NO_AHEAD : 0u);
    flow_script(fc, &s);
    if (first != PROMPT__END)
        script_prompt(&s, first, NULL, 0);
    script_menu(&s, &step->prompt);
    for (i = 0; i < step->n_keys; i++) {
        const struct menu_key *k = &step->key[i];
        const struct script_value item[] = {{"label", keys_words(fc, &k->label)}, {"key", {&k->key, 1}}};

        if (script_has(&k->label))
            script_prompt(&s, PROMPT_MENU_ITEM, item, 2);
    }
    flow_keys(fc, &s, &ask, keys_heard);
}

void flow_keys_step(struct flow_call *fc)
{
    keys_ask(fc, PROMPT__END);
}

/* ---- language ----------------------------------------------------------------------------------- */

static void language_ask(struct flow_call *);

static void language_heard(void *arg, const struct talk_heard *heard)
{
    struct flow_call *fc = arg;

    if (heard->why == TALK_FAILED) {
        flow_trouble(fc, "speech");
        return;
    }
    if (heard->why == TALK_PRESSED && (heard->key[0] == '1' || heard->key[0] == '2')) {
        flow_digit(fc, heard->key[0]);
        fc->call->language = heard->key[0] == '2' ? SAY_EN : SAY_ES;
        flow_next(fc);
    } else if (++fc->tries < KEYS_LANGUAGE_TRIES) {
        language_ask(fc);
    } else {
        flow_next(fc); /* in the one that it was */
    }
}

static void language_ask(struct flow_call *fc)
{
    static const struct script_value one = {"key", {"1", 1}}, two = {"key", {"2", 1}};
    struct talk_ask ask = {.keys_max = 1, .wait_us = fc->step->wait_us, .flags = TALK_BARGE_IN};
    struct script s;

    flow_script(fc, &s);
    script_prompt_in(&s, SAY_ES, PROMPT_LANGUAGE, &one, 1);
    script_prompt_in(&s, SAY_EN, PROMPT_LANGUAGE, &two, 1);
    flow_keys(fc, &s, &ask, language_heard);
}

void flow_language_step(struct flow_call *fc)
{
    language_ask(fc);
}

/* ---- hours -------------------------------------------------------------------------------------- */

void flow_hours_step(struct flow_call *fc)
{
    const struct menu_step *s = fc->step;
    const struct hours *h = &fc->flow->menu->hours;
    struct voice *v = flow_voice(fc);
    int64_t now = voice_wall(v), opens = hours_next(h, v->conf.time_zone, now);
    time_t at = (time_t)(opens / 1000000);
    struct tm tm;

    fc->opens[0] = 0;
    if (opens && gmtime_r(&at, &tm))
        (void)strftime(fc->opens, sizeof fc->opens, "%Y-%m-%dT%H:%M:%SZ", &tm);
    switch (hours_at(h, v->conf.time_zone, now)) {
    case HOURS_OPEN:
        flow_go(fc, s->open);
        break;
    case HOURS_CLOSED:
        flow_go(fc, s->closed);
        break;
    case HOURS_HOLIDAY:
        flow_go(fc, s->holiday != MENU_NONE ? s->holiday : s->closed);
        break;
    }
}
