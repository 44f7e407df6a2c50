/*
 * The mapping consent, of the gateway and of a channel: lists of words, and texts that are
 * one for all languages or a mapping of them, which no option table describes.
 */
#include "base/str.h"
#include "conf/private.h"
#include "conf/settings.h"
#include <hilo/message.h>

enum { WORDS_MAX = 100, WORD_BYTES_MAX = 64, TEXT_BYTES_MAX = 1000 };

static const char *const keys[] = {"languages",     "stop_words", "start_words", "help_words",
                                   "ignored_words", "stops",      "confirm",     "stop_text",
                                   "start_text",    "help_text",  NULL};

struct names {
    const char *name;
    uint32_t bit;
};
static const struct names languages[] = {{"en", 1}, {"es", 2}, {"pt", 4}, {NULL, 0}};
static const struct names categories[] = {
#define HILO_CATEGORY(name, value, text) {text, 1u << (value)},
#include <hilo/values.def>
    {NULL, 0}};

/* A scalar's value, of at most max bytes and at least one. */
static bool value(struct conf *c, const struct conf_node *n, const char *where, const char *key, size_t max,
                  struct hilo_str *out)
{
    const char *why = NULL;

    if (n->kind == CONF_REFUSED)
        return false;
    if (n->kind != CONF_SCALAR)
        why = "must be a text here";
    else if (conf__resolve(c, n, false, c->arena, out, &why) && (out->n == 0 || out->n > max))
        why = arena_fmt(c->arena, "must have 1 to %zu bytes", max).p;
    if (why)
        conf_fail(c, n->line, n->column, "%s.%s %s", where, key, why);
    return !why;
}

/* The items of a list; a scalar is a list of one. */
static const struct conf_node *items(const struct conf_node *n)
{
    return n->kind == CONF_LIST ? n->child : n;
}
static const struct conf_node *after(const struct conf_node *list, const struct conf_node *item)
{
    return list->kind == CONF_LIST ? item->next : NULL;
}

static void read_words(struct conf *c, const struct conf_node *map, const char *where, const char *key,
                       uint32_t kind, struct settings_word ***end)
{
    const struct conf_node *list = conf_get(map, key);
    unsigned n = 0;

    if (conf_absent(list))
        return;
    for (const struct conf_node *i = items(list); i; i = after(list, i)) {
        struct settings_word *w = ARENA_NEW(c->arena, struct settings_word);
        if (!value(c, i, where, key, WORD_BYTES_MAX, &w->text))
            continue;
        if (++n > WORDS_MAX) {
            conf_fail(c, i->line, i->column, "%s.%s may have %d words", where, key, WORDS_MAX);
            return;
        }
        w->kind = kind;
        w->line = i->line;
        w->column = i->column;
        **end = w;
        *end = &w->next;
    }
}

static void read_text(struct conf *c, const struct conf_node *map, const char *where, const char *key,
                      uint32_t kind, struct settings_text ***end)
{
    const struct conf_node *at = conf_get(map, key);

    if (conf_absent(at))
        return;
    for (const struct conf_node *i = at->kind == CONF_MAP ? at->child : at; i;
         i = at->kind == CONF_MAP ? i->next : NULL) {
        struct settings_text *t = ARENA_NEW(c->arena, struct settings_text);
        if (!value(c, i, where, key, TEXT_BYTES_MAX, &t->text))
            continue;
        t->kind = kind;
        if (at->kind == CONF_MAP)
            t->language = i->key;
        **end = t;
        *end = &t->next;
    }
}

static bool read_bits(struct conf *c, const struct conf_node *map, const char *where, const char *key,
                      const struct names *names, uint32_t *out)
{
    const struct conf_node *list = conf_get(map, key);
    struct hilo_str word;

    if (!list)
        return false;
    for (const struct conf_node *i = conf_absent(list) ? NULL : items(list); i; i = after(list, i)) {
        const struct names *x = names;
        struct conf__near near;
        if (!value(c, i, where, key, WORD_BYTES_MAX, &word))
            continue;
        near = (struct conf__near){.name = word};
        while (x->name && !str_eqz(word, x->name))
            conf__near_try(&near, str(x++->name));
        *out |= x->bit;
        if (!x->name)
            conf_fail(c, i->line, i->column, "%s.%s: %s is unknown%s", where, key,
                      conf__quote(c->arena, word), conf__near_words(c->arena, &near));
    }
    return true;
}

static bool read_confirm(struct conf *c, const struct conf_node *map, const char *where, bool *out)
{
    const struct conf_node *n = conf_get(map, "confirm");
    struct hilo_str word;

    if (conf_absent(n) || !value(c, n, where, "confirm", WORD_BYTES_MAX, &word))
        return false;
    if (!str_eqz(word, "true") && !str_eqz(word, "false"))
        conf_fail(c, n->line, n->column, "%s.confirm must be true or false", where);
    *out = str_eqz(word, "true");
    return true;
}

void settings__consent(struct conf *c, const struct conf_node *map, const char *where,
                       struct settings_consent *out)
{
    struct settings_word **words = &out->words;
    struct settings_text **texts = &out->texts;

    if (conf_absent(map) || map->kind == CONF_REFUSED)
        return;
    if (map->kind != CONF_MAP) {
        conf_fail(c, map->line, map->column, "%s must be a mapping, such as \"stop_words: [BASTA]\"", where);
        return;
    }
    conf_known(c, map, where, keys);
    read_words(c, map, where, "stop_words", SETTINGS_CONSENT_STOP, &words);
    read_words(c, map, where, "start_words", SETTINGS_CONSENT_START, &words);
    read_words(c, map, where, "help_words", SETTINGS_CONSENT_HELP, &words);
    read_words(c, map, where, "ignored_words", SETTINGS_CONSENT_IGNORED, &words);
    read_text(c, map, where, "stop_text", SETTINGS_CONSENT_STOP, &texts);
    read_text(c, map, where, "start_text", SETTINGS_CONSENT_START, &texts);
    read_text(c, map, where, "help_text", SETTINGS_CONSENT_HELP, &texts);
    out->has_languages = read_bits(c, map, where, "languages", languages, &out->languages);
    out->has_stops = read_bits(c, map, where, "stops", categories, &out->stops);
    out->has_confirm = read_confirm(c, map, where, &out->confirm);
    const struct conf_node *stops = conf_get(map, "stops");
    if (stops && (conf_absent(stops) || (stops->kind == CONF_LIST && !stops->child)))
        conf_fail(c, stops->line, stops->column, "%s.stops must name a category that a stop word closes",
                  where);
}

bool settings_same_consent(const struct settings_consent *a, const struct settings_consent *b)
{
    const struct settings_word *x = a->words, *y = b->words;
    const struct settings_text *s = a->texts, *t = b->texts;

    while (x && y && x->kind == y->kind && str_eq(x->text, y->text)) {
        x = x->next;
        y = y->next;
    }
    while (s && t && s->kind == t->kind && str_eq(s->language, t->language) && str_eq(s->text, t->text)) {
        s = s->next;
        t = t->next;
    }
    return !x && !y && !s && !t && a->has_languages == b->has_languages && a->languages == b->languages &&
           a->has_stops == b->has_stops && a->stops == b->stops && a->has_confirm == b->has_confirm &&
           a->confirm == b->confirm;
}
