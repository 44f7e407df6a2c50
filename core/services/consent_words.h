/*
 * The words by which people end and begin messages: built-in lists by language, the
 * operator's, and how what came is compared with them. [any]
 */
#ifndef SERVICES_CONSENT_WORDS_H
#define SERVICES_CONSENT_WORDS_H

#include "base/arena.h"
#include <stdbool.h>

enum { WORD_NONE = 0, WORD_STOP = 1, WORD_START = 2, WORD_HELP = 3, WORD_IGNORED = 4 };
enum { WORD_EN = 1, WORD_ES = 2, WORD_PT = 4, WORD_LANGUAGES = 3 };
/* By index: "en", "es", "pt". */
extern const char *const word_languages[WORD_LANGUAGES];

enum {
    WORD_BUTTON = 1, /* as the payload of a button, too: nobody names another thing so */
    WORD_FIRM = 2    /* even where it could answer a question: STOP is always STOP */
};

/* An operator's own, folded. */
struct own_word {
    struct own_word *next;
    uint32_t kind;
    struct hilo_str text;
};
/* What the gateway answers, in a language ("es"; empty: any). */
struct own_text {
    struct own_text *next;
    uint32_t kind; /* WORD_STOP, _START, _HELP */
    struct hilo_str language, text;
};

/* What holds for a channel: the gateway's section consent and its own. Live as long as the
 * configuration. */
struct consent_rules {
    struct own_word *words; /* the channel's first */
    struct own_text *texts; /* likewise */
    uint32_t languages;     /* WORD_x: whose built-in words count */
    uint32_t categories;    /* 1 << HILO_CATEGORY_x that a stop word closes */
    bool confirm;           /* a stop or start word is answered */
};

/* Without blanks and signs around and between words, case or accents: "¡Baja!" is "baja".
 * Empty: longer than a word is, or nothing but signs. */
struct hilo_str word_fold(struct arena *, struct hilo_str);

struct word_found {
    uint32_t kind;     /* WORD_x; NONE */
    uint32_t flags;    /* WORD_BUTTON, _FIRM */
    uint32_t language; /* WORD_EN …, if a single one has it; else 0 */
};
/* Whether a whole text, or a button's payload, is one of the words. */
struct word_found word_find(const struct consent_rules *, struct hilo_str said, bool button, struct arena *);

/* The text that answers a word, for a person of this language ("es-CO"; may be empty).
 * Empty: none is set (HELP). {name} stands for the gateway's name. */
struct hilo_str word_answer(const struct consent_rules *, uint32_t kind, struct hilo_str language,
                            struct hilo_str name, struct arena *);

#endif
