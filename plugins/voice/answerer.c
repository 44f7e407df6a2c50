/*
 * The greeting begins with the first sound and lasts over pauses that are shorter than silence_us: "Aló…
 * ¿quién habla?" is one greeting. What a beep is, is judged at its end, by its length: the recording
 * begins there.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "answerer.h"

#include <string.h>

void answerer_begin(struct answerer *a, const struct answerer_conf *conf, int64_t now_us)
{
    memset(a, 0, sizeof *a);
    a->conf = *conf;
    a->since_us = a->fell_silent_us = now_us;
}

static enum answerer_says answerer_say(struct answerer *a, enum answerer_says what, int64_t now_us)
{
    a->is = what;
    a->since_us = now_us;
    return what;
}

/* The instant at which silence or talk, as it is now, decides; and what. */
static int64_t answerer_due(const struct answerer *a, enum answerer_says *what)
{
    int64_t silent;

    if (a->is == ANSWERER_NOTHING && !a->spoke && !a->on) {
        *what = ANSWERER_PERSON;
        return a->since_us + a->conf.quiet_us;
    }
    if (a->is == ANSWERER_NOTHING && a->on) {
        *what = ANSWERER_MACHINE;
        return a->began_us + a->conf.greeting_us;
    }
    if (a->is == ANSWERER_NOTHING) {
        *what = ANSWERER_PERSON;
        return a->fell_silent_us + a->conf.silence_us;
    }
    if (a->is == ANSWERER_MACHINE) {
        *what = ANSWERER_GIVE_UP;
        if (a->on)
            return a->since_us + a->conf.patience_us;
        silent = a->fell_silent_us + a->conf.records_us;
        if (silent <= a->since_us + a->conf.patience_us) {
            *what = ANSWERER_RECORDS;
            return silent;
        }
        return a->since_us + a->conf.patience_us;
    }
    return 0;
}

enum answerer_says answerer_tick(struct answerer *a, int64_t now_us)
{
    enum answerer_says what = ANSWERER_NOTHING;
    int64_t due = answerer_due(a, &what);

    return due && now_us >= due ? answerer_say(a, what, now_us) : ANSWERER_NOTHING;
}

int64_t answerer_next(const struct answerer *a)
{
    enum answerer_says what;

    return answerer_due(a, &what);
}

/* A tone has ended: a beep counts whatever was thought before, but only once. */
static bool answerer_beep(struct answerer *a, int64_t now_us)
{
    int64_t length = now_us - a->tone_us;

    if (a->beeped || length < ANSWERER_BEEP_MIN_US || length > ANSWERER_BEEP_MAX_US)
        return false;
    return a->is == ANSWERER_NOTHING || a->is == ANSWERER_PERSON || a->is == ANSWERER_MACHINE;
}

enum answerer_says answerer_heard(struct answerer *a, bool on, bool tone, int64_t now_us)
{
    /* What was due before this was heard goes first. */
    enum answerer_says before = answerer_tick(a, now_us);
    bool ended = a->tone && !(on && tone), beep = ended && answerer_beep(a, now_us);

    if (on && tone && !a->tone)
        a->tone_us = now_us;
    a->tone = on && tone;
    if (on && !a->on && !a->spoke)
        a->began_us = now_us;
    a->spoke |= on;
    if (!on && a->on)
        a->fell_silent_us = now_us;
    a->on = on;
    if (beep) {
        a->beeped = true;
        return answerer_say(a, ANSWERER_RECORDS, now_us);
    }
    /* Talk that goes on behind a pause may be too long by now. */
    return before != ANSWERER_NOTHING ? before : answerer_tick(a, now_us);
}
