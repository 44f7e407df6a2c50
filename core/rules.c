/* Consent's words and texts of a channel: its own, the gateway's, the built-in ones. */
#include "rules.h"
#include "base/str.h"

_Static_assert((int)SETTINGS_CONSENT_STOP == (int)WORD_STOP &&
                   (int)SETTINGS_CONSENT_START == (int)WORD_START &&
                   (int)SETTINGS_CONSENT_HELP == (int)WORD_HELP &&
                   (int)SETTINGS_CONSENT_IGNORED == (int)WORD_IGNORED,
               "kinds of words are the same in both");

/*
 * A stop word closes all but authentication. CTIA and the carriers want every message of
 * the number ended, not only advertising; GDPR (art. 21) asks for advertising at least, as
 * does Colombia's Ley 1581. A code that the person has just asked for stays possible: it is
 * no message that a sender thought of.
 */
static const uint32_t STOPS =
    1u << HILO_CATEGORY_SERVICE | 1u << HILO_CATEGORY_TRANSACTIONAL | 1u << HILO_CATEGORY_PROMOTIONAL;

static void words_add(struct arena *a, const struct settings_consent *s, struct own_word ***end)
{
    for (const struct settings_word *w = s->words; w; w = w->next) {
        struct own_word *own = ARENA_NEW(a, struct own_word);
        *own = (struct own_word){.kind = w->kind, .text = word_fold(a, w->text)};
        **end = own;
        *end = &own->next;
    }
}

static void texts_add(struct arena *a, const struct settings_consent *s, struct own_text ***end)
{
    for (const struct settings_text *t = s->texts; t; t = t->next) {
        struct own_text *own = ARENA_NEW(a, struct own_text);
        *own = (struct own_text){.kind = t->kind, .language = t->language, .text = t->text};
        **end = own;
        *end = &own->next;
    }
}

const struct consent_rules *rules_make(struct arena *a, const struct settings_consent *gateway,
                                       const struct settings_consent *channel)
{
    const struct settings_consent *of[] = {channel, gateway};
    struct consent_rules *r = ARENA_NEW(a, struct consent_rules);
    struct own_word **words = &r->words;
    struct own_text **texts = &r->texts;

    *r = (struct consent_rules){
        .languages = WORD_EN | WORD_ES | WORD_PT, .categories = STOPS, .confirm = true};
    for (int i = 1; i >= 0; i--) {
        if (of[i]->has_languages)
            r->languages = of[i]->languages;
        if (of[i]->has_stops)
            r->categories = of[i]->stops;
        if (of[i]->has_confirm)
            r->confirm = of[i]->confirm;
    }
    for (int i = 0; i < 2; i++) {
        words_add(a, of[i], &words);
        texts_add(a, of[i], &texts);
    }
    return r;
}

void rules_check(struct conf *c, const struct settings_consent *s, const char *where)
{
    for (const struct settings_word *w = s->words; w; w = w->next)
        if (word_fold(c->arena, w->text).n == 0)
            conf_fail(c, w->line, w->column, "%s: %.*s has no letter or digit, so nothing can be equal to it",
                      where, STR_FMT(w->text));
}
