/*
 * Sounds are asked for all at once and played in order as they come, so that the first word is heard while
 * the last is being made. media plays what it is given without a gap; which one has ended it says by our
 * number. SPDX-License-Identifier: Apache-2.0
 */
#include "talk.h"

#include "calls.h"

#include <stdlib.h>

enum { TALK_BUCKETS = 256 };

struct talk_waits {
    struct talk_one *bucket[TALK_BUCKETS];
};

struct talk_waits *talk_waits_new(void)
{
    return calloc(1, sizeof(struct talk_waits));
}

void talk_waits_free(struct talk_waits *w)
{
    free(w);
}

void talk_init(struct talk *t, struct voice_call *call)
{
    memset(t, 0, sizeof *t);
    t->call = call;
}

static struct voice *voice_of(const struct talk *t)
{
    return t->call->voice;
}

/* ---- sounds ------------------------------------------------------------------------------------- */

static void one_waits(struct voice *v, struct talk_one *o)
{
    struct talk_one **bucket = &v->talks->bucket[o->token % TALK_BUCKETS];

    o->next = *bucket;
    *bucket = o;
}

static void one_waits_no_more(struct voice *v, struct talk_one *o)
{
    struct talk_one **at = &v->talks->bucket[o->token % TALK_BUCKETS];

    while (*at && *at != o)
        at = &(*at)->next;
    if (*at)
        *at = o->next;
    o->token = 0;
    o->next = NULL;
}

static void talk_clear(struct talk *t)
{
    struct voice *v = voice_of(t);
    uint32_t i;

    for (i = 0; i < t->n_pieces; i++) {
        struct talk_one *o = &t->one[i];

        if (o->token) {
            speech_forget(v->speech, o->token);
            one_waits_no_more(v, o);
        }
        pcm_drop(o->pcm);
        o->pcm = NULL;
    }
    t->n_pieces = 0;
}

/* What is being played is not ours any more, whatever media says of it. */
static void talk_silence(struct talk *t)
{
    bool playing = t->n_played < t->at;

    talk_clear(t);
    t->at = t->n_played;
    if (playing && t->call->media)
        media_stop(voice_of(t)->media, t->call->id);
}

/* ---- the end of what was asked ------------------------------------------------------------------ */

static void talk_end(struct talk *t, enum talk_why why)
{
    struct talk_heard heard = {.why = why, .n = t->n_keys, .whole = !t->cut && t->failed == 0};
    talk_done *done = t->done;
    void *arg = t->arg;

    memcpy(heard.key, t->key, t->n_keys);
    heard.listened_ms = t->listened_ms;
    talk_stop(t);
    done(arg, &heard);
}

static void talk_due(void *arg)
{
    struct talk *t = arg;

    talk_end(t, t->why);
}

static void talk_silent(void *arg)
{
    talk_end(arg, TALK_SILENT);
}

static void talk_soon(struct talk *t, enum talk_why why)
{
    t->why = why;
    voice_timer_in(voice_of(t), &t->timer, 0, talk_due, t);
}

/* Whether the keys that came are what was asked for. */
static bool talk_enough(const struct talk *t)
{
    return t->n_keys >= t->ask.keys_max;
}

static void talk_wait(struct talk *t)
{
    t->spoken = true;
    if (t->failed == t->n_pieces && t->n_pieces)
        talk_soon(t, TALK_FAILED);
    else if (t->ask.keys_max == 0)
        talk_soon(t, TALK_SAID);
    else
        voice_timer_in(voice_of(t), &t->timer,
                       t->n_keys && t->ask.between_us ? t->ask.between_us : t->ask.wait_us, talk_silent, t);
}

/* Gives media what can be played now; from the last one's end on keys are waited for. */
static void talk_play(struct talk *t)
{
    struct voice *v = voice_of(t);

    while (t->at < t->n_pieces && t->one[t->at].ready) {
        struct talk_one *o = &t->one[t->at++];
        bool last = t->at == t->n_pieces;

        if (!o->pcm) {
            t->n_played++;
            continue;
        }
        o->play = ++v->last_sound;
        media_play(v->media, t->call->id, o->play, o->pcm, t->ask.flags & TALK_BARGE_IN ? MEDIA_BARGE_IN : 0,
                   last && (t->ask.flags & TALK_LOOP));
        pcm_drop(o->pcm);
        o->pcm = NULL;
    }
    if (t->n_played == t->n_pieces)
        talk_wait(t);
}

void talk_on_speech(void *voice, uint64_t token, struct pcm *pcm, const char *why)
{
    struct voice *v = voice;
    struct talk_one *o = v->talks->bucket[token % TALK_BUCKETS];
    struct talk *t;

    while (o && o->token != token)
        o = o->next;
    if (!o)
        return;
    t = o->talk;
    one_waits_no_more(v, o);
    o->ready = true;
    o->pcm = pcm ? pcm_hold(pcm) : NULL;
    if (!pcm) {
        t->failed++;
        voice_log(v, HILO_LOG_ERROR, "voice.speech: nothing is heard: %s", why ? why : "no memory");
    }
    if (t->done && !t->why)
        talk_play(t);
}

/* ---- keys --------------------------------------------------------------------------------------- */

/* true: the keys are through. */
static bool talk_key(struct talk *t, char digit)
{
    if (t->ask.end_key && digit == t->ask.end_key)
        return true;
    if (t->ask.again_key && digit == t->ask.again_key) {
        t->n_keys = 0;
        return false;
    }
    if (t->n_keys < TALK_KEYS)
        t->key[t->n_keys++] = digit;
    return talk_enough(t);
}

bool talk_on_digit(struct talk *t, char digit)
{
    if (!t->done || t->why) {
        if (t->n_ahead < TALK_AHEAD)
            t->ahead[t->n_ahead++] = digit;
        return t->done != NULL;
    }
    if (!t->spoken) {
        if (!(t->ask.flags & TALK_BARGE_IN))
            return true; /* what must be heard is heard */
        t->cut = true;
        talk_silence(t);
        t->spoken = true;
        if (t->ask.keys_max == 0) {
            if (t->n_ahead < TALK_AHEAD)
                t->ahead[t->n_ahead++] = digit;
            talk_end(t, TALK_SAID);
            return true;
        }
    }
    if (t->ask.keys_max == 0)
        return true;
    if (talk_key(t, digit))
        talk_end(t, TALK_PRESSED);
    else
        talk_wait(t);
    return true;
}

void talk_on_played(struct talk *t, const struct media_event *e)
{
    uint32_t i;

    for (i = 0; i < t->n_pieces; i++) {
        if (!t->one[i].play || t->one[i].play != e->play)
            continue;
        t->one[i].play = 0;
        t->n_played++;
        t->listened_ms += e->listened_ms;
        if (!e->complete)
            t->cut = true;
        if (t->n_played == t->n_pieces && !t->why && !t->spoken)
            talk_wait(t);
        return;
    }
}

/* ---- asking ------------------------------------------------------------------------------------- */

/* Those that were pressed before: enough of them, and nothing is spoken. */
static bool talk_ahead(struct talk *t)
{
    uint32_t i;

    if (!(t->ask.flags & TALK_BARGE_IN) || t->ask.flags & TALK_NO_AHEAD)
        t->n_ahead = 0;
    if (t->ask.keys_max == 0 || t->n_ahead == 0)
        return false;
    t->cut = t->spoken = true;
    for (i = 0; i < t->n_ahead; i++) {
        if (!talk_key(t, t->ahead[i]))
            continue;
        t->n_ahead -= i + 1;
        memmove(t->ahead, t->ahead + i + 1, t->n_ahead);
        talk_soon(t, TALK_PRESSED);
        return true;
    }
    t->n_ahead = 0;
    talk_wait(t);
    return true;
}

static void talk_piece(struct talk *t, const struct talk_piece *p)
{
    struct voice *v = voice_of(t);
    struct talk_one *o = &t->one[t->n_pieces++];
    char *path;

    memset(o, 0, sizeof *o);
    o->talk = t;
    if (p->sound) {
        o->pcm = pcm_hold(p->sound);
        o->ready = true;
        return;
    }
    o->token = ++v->last_sound;
    one_waits(v, o);
    if (!p->file.n) {
        if (p->ssml)
            speech_say_ssml(v->speech, o->token, p->language, p->text);
        else
            speech_say(v->speech, o->token, p->language, p->text);
        return;
    }
    path = strndup(p->file.p, (size_t)p->file.n);
    if (path)
        speech_file(v->speech, o->token, path);
    else
        talk_on_speech(v, o->token, NULL, NULL);
    free(path);
}

void talk_say(struct talk *t, const struct talk_ask *ask, talk_done *done, void *arg)
{
    uint32_t i;

    talk_stop(t);
    t->ask = *ask;
    t->ask.piece = NULL;
    t->arg = arg;
    t->done = done;
    t->spoken = t->cut = false;
    t->n_keys = t->n_played = t->at = t->failed = t->listened_ms = 0;
    if (talk_ahead(t))
        return;
    if (ask->n_pieces > TALK_PIECES)
        voice_log(voice_of(t), HILO_LOG_WARN, "voice.talk: more than %d pieces; the last are left out",
                  TALK_PIECES);
    /* While sounds that are there at once come in, nothing is through before the last was asked for. */
    t->why = TALK_SAID;
    for (i = 0; i < ask->n_pieces && i < TALK_PIECES; i++)
        talk_piece(t, &ask->piece[i]);
    t->why = 0;
    talk_play(t);
}

void talk_stop(struct talk *t)
{
    voice_timer_cancel(voice_of(t), &t->timer);
    talk_silence(t);
    t->done = NULL;
    t->why = 0;
    t->n_played = t->at = 0;
}

bool talk_busy(const struct talk *t)
{
    return t->done != NULL;
}

void talk_free(struct talk *t)
{
    talk_stop(t);
}
