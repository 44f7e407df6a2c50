/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "script.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- an operator's words ------------------------------------------------------------------------ */

struct words {
    cJSON *tree;
    struct hilo_str text[PROMPT__END][2]; /* empty: the built-in one */
};

/* The language that is not given has the built-in words. */
static bool words_one(struct words *w, const cJSON *v, char wrong[MENU_WRONG])
{
    enum prompt p = prompt_find(voice_str(v->string));
    const cJSON *one;
    char why[256];

    if (p == PROMPT__END) {
        (void)snprintf(wrong, MENU_WRONG, "prompts.%.60s: there is no prompt of this name", v->string);
        return false;
    }
    if (!cJSON_IsObject(v) || !v->child) {
        (void)snprintf(wrong, MENU_WRONG, "prompts.%.60s: words are expected: {es: …, en: …}", v->string);
        return false;
    }
    cJSON_ArrayForEach(one, v)
    {
        bool en = strcmp(one->string, "en") == 0;
        struct hilo_str text = voice_str(cJSON_GetStringValue(one));

        if (!en && strcmp(one->string, "es") != 0)
            (void)snprintf(why, sizeof why, "the languages are es and en");
        else if (text.n == 0)
            (void)snprintf(why, sizeof why, "a text is expected");
        else if (strncmp(text.p, "file:", 5) == 0 && text.p[5] != '/')
            (void)snprintf(why, sizeof why, "the path of a file must begin with a slash: file:/etc/…");
        else if (strncmp(text.p, "file:", 5) == 0 || say_check(text, why))
            why[0] = 0;
        if (why[0]) {
            (void)snprintf(wrong, MENU_WRONG, "prompts.%.60s.%.10s: %.150s", v->string, one->string, why);
            return false;
        }
        w->text[p][en] = text;
    }
    return true;
}

struct words *words_read(struct hilo_str json, char wrong[MENU_WRONG])
{
    struct words *w = calloc(1, sizeof *w);
    const cJSON *one;

    if (!w) {
        (void)snprintf(wrong, MENU_WRONG, "prompts: no memory");
        return NULL;
    }
    if (json.n == 0)
        return w;
    w->tree = cJSON_ParseWithLength(json.p, (size_t)json.n);
    if (!cJSON_IsObject(w->tree)) {
        (void)snprintf(wrong, MENU_WRONG, "prompts: a mapping of prompts' names is expected");
        words_free(w);
        return NULL;
    }
    cJSON_ArrayForEach(one, w->tree)
    {
        if (!words_one(w, one, wrong)) {
            words_free(w);
            return NULL;
        }
    }
    return w;
}

void words_free(struct words *w)
{
    if (!w)
        return;
    cJSON_Delete(w->tree);
    free(w);
}

/* ---- pieces ------------------------------------------------------------------------------------- */

void script_init(struct script *s, struct voice *v, enum say_language language, say_value *value, void *arg)
{
    memset(s, 0, sizeof *s);
    s->voice = v;
    s->language = language;
    s->value = value;
    s->arg = arg;
}

static struct talk_piece *script_room(struct script *s)
{
    if (s->n == TALK_PIECES) {
        voice_log(s->voice, HILO_LOG_WARN, "voice.script: more than %d pieces; the rest is not heard",
                  TALK_PIECES);
        return NULL;
    }
    return &s->piece[s->n++];
}

void script_file(struct script *s, struct hilo_str path)
{
    struct talk_piece *p = script_room(s);

    if (p)
        p->file = path;
}

void script_sound(struct script *s, struct pcm *pcm)
{
    struct talk_piece *p = pcm ? script_room(s) : NULL;

    if (!p)
        return;
    p->sound = pcm;
    s->sound[s->n - 1] = pcm_hold(pcm);
}

static void script_text(struct script *s, enum say_language language, const char *text, bool ssml)
{
    struct talk_piece *p = script_room(s);
    char *copy = p ? strdup(text) : NULL;

    if (!p)
        return;
    if (!copy) {
        s->n--;
        return;
    }
    s->text[s->n - 1] = copy;
    p->text = voice_str(copy);
    p->ssml = ssml;
    p->language = language;
}

void script_plain(struct script *s, struct hilo_str text)
{
    char *copy = text.n ? strndup(text.p, (size_t)text.n) : NULL;

    if (copy)
        script_text(s, s->language, copy, false);
    free(copy);
}

struct script_places {
    const struct script *script;
    const struct script_value *own;
    uint32_t n;
};

static bool script_value(void *arg, struct hilo_str name, struct hilo_str *value)
{
    const struct script_places *p = arg;
    const struct script *s = p->script;
    uint32_t i;

    for (i = 0; i < p->n; i++) {
        if (!voice_str_is(name, p->own[i].name))
            continue;
        *value = p->own[i].value;
        return value->n > 0;
    }
    if (voice_str_is(name, "business")) {
        *value = s->voice->conf.business;
        return value->n > 0;
    }
    return s->value && s->value(s->arg, name, value);
}

static void script_words(struct script *s, enum say_language language, struct hilo_str words,
                         const struct script_value *own, uint32_t n)
{
    struct script_places places = {.script = s, .own = own, .n = n};
    char text[SAY_MAX];

    if (words.n > 5 && memcmp(words.p, "file:", 5) == 0) {
        script_file(s, (struct hilo_str){words.p + 5, words.n - 5});
        return;
    }
    if (say_prompt(language, words, s->voice->conf.time_zone, voice_wall(s->voice), script_value, &places,
                   text, sizeof text) > 0)
        script_text(s, language, text, true);
}

void script_prompt_in(struct script *s, enum say_language language, enum prompt p,
                      const struct script_value *own, uint32_t n)
{
    struct hilo_str words = s->voice->words ? s->voice->words->text[p][language == SAY_EN] : voice_none();

    script_words(s, language, words.n ? words : prompt_text(p, language), own, n);
}

void script_prompt(struct script *s, enum prompt p, const struct script_value *own, uint32_t n)
{
    script_prompt_in(s, s->language, p, own, n);
}

bool script_has(const struct menu_prompt *p)
{
    return p->es.n > 0 || p->built_in.n > 0;
}

void script_menu(struct script *s, const struct menu_prompt *p)
{
    if (p->built_in.n)
        script_prompt(s, prompt_find(p->built_in), NULL, 0);
    else if (p->es.n)
        script_words(s, s->language, s->language == SAY_EN ? p->en : p->es, NULL, 0);
}

struct pcm *script_tone(uint32_t hz, uint32_t ms, uint32_t silence_ms)
{
    uint32_t n = ms * VOICE_RATE / 1000, i, edge = VOICE_RATE / 200;
    struct pcm *p = pcm_new(n + silence_ms * VOICE_RATE / 1000);
    double loud;

    for (i = 0; p && i < n; i++) {
        loud = i < edge ? (double)i / edge : n - i < edge ? (double)(n - i) / edge : 1;
        p->sample[i] = (int16_t)(9000 * loud * sin(2 * 3.14159265358979323846 * hz * i / VOICE_RATE));
    }
    return p;
}

void script_done(struct script *s)
{
    uint32_t i;

    for (i = 0; i < s->n; i++) {
        free(s->text[i]);
        pcm_drop(s->sound[i]);
    }
    s->n = 0;
}
