/*
 * Signs one by one: digits, letters, keys. Letters have names that are written out, since what a voice makes
 * of a lone letter ("a", "y") depends on what stands around it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "say_out.h"

static const char *const letter[2][26] = {
    [SAY_ES] = {"a",    "be", "ce",  "de",  "e",       "efe",   "ge", "hache", "i",
                "jota", "ka", "ele", "eme", "ene",     "o",     "pe", "cu",    "erre",
                "ese",  "te", "u",   "uve", "doble u", "equis", "ye", "zeta"},
    [SAY_EN] = {"ay",  "bee", "see", "dee", "ee",         "eff", "jee", "aitch", "eye",
                "jay", "kay", "ell", "em",  "en",         "oh",  "pee", "cue",   "are",
                "ess", "tee", "you", "vee", "double you", "ex",  "why", "zee"},
};

static const struct {
    char sign;
    const char *name[2];
} signs[] = {
    {'*', {"asterisco", "star"}},   {'#', {"numeral", "pound"}},      {'-', {"guion", "dash"}},
    {'.', {"punto", "dot"}},        {'/', {"barra", "slash"}},        {'_', {"guion bajo", "underscore"}},
    {'@', {"arroba", "at"}},        {'+', {"más", "plus"}},           {'&', {"y", "and"}},
    {':', {"dos puntos", "colon"}}, {'%', {"por ciento", "percent"}},
};

/* Letters beyond ASCII that Spanish has, as UTF-8. */
static const struct {
    const char *upper, *lower, *name[2];
} marked[] = {
    {"Ñ", "ñ", {"eñe", "en with tilde"}},
    {"Á", "á", {"a con tilde", "ay with accent"}},
    {"É", "é", {"e con tilde", "ee with accent"}},
    {"Í", "í", {"i con tilde", "eye with accent"}},
    {"Ó", "ó", {"o con tilde", "oh with accent"}},
    {"Ú", "ú", {"u con tilde", "you with accent"}},
    {"Ü", "ü", {"u con diéresis", "you with two dots"}},
};

/* NULL: it has no name. A digit has one of say_number.c's. */
static const char *sign_name(enum say_language language, char c)
{
    unsigned i;

    if (c >= 'a' && c <= 'z')
        return letter[language][c - 'a'];
    if (c >= 'A' && c <= 'Z')
        return letter[language][c - 'A'];
    for (i = 0; i < sizeof signs / sizeof *signs; i++)
        if (signs[i].sign == c)
            return signs[i].name[language];
    return NULL;
}

static void sign(struct say_out *o, enum say_language language, char c)
{
    const char *name;

    if (c >= '0' && c <= '9')
        say_put_digit(o, language, c);
    else if ((name = sign_name(language, c)) != NULL)
        say_word(o, name);
}

size_t say_key(enum say_language language, char key, char *out, size_t n)
{
    struct say_out o = {out, n, 0};

    if ((key >= '0' && key <= '9') || key == '*' || key == '#' || (key >= 'A' && key <= 'D'))
        sign(&o, language, key);
    return say_end(&o);
}

/* Digits and letters, with a pause after each; what else is written between them is not said. */
size_t say_digits(enum say_language language, struct hilo_str digits, char *out, size_t n)
{
    struct say_out o = {out, n, 0};
    uint64_t i;

    for (i = 0; i < digits.n; i++) {
        const char c = digits.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            continue;
        if (o.at)
            say_puts(&o, ",");
        sign(&o, language, c);
    }
    return say_end(&o);
}

size_t say_spell(enum say_language language, struct hilo_str text, char *out, size_t n)
{
    struct say_out o = {out, n, 0};
    uint64_t i, m;

    for (i = 0; i < text.n; i++) {
        const char c = text.p[i];
        const char *name = sign_name(language, c);
        for (m = 0; (unsigned char)c >= 0xc3 && !name && m < sizeof marked / sizeof *marked; m++)
            if (text.n - i >= 2 &&
                (memcmp(text.p + i, marked[m].upper, 2) == 0 || memcmp(text.p + i, marked[m].lower, 2) == 0))
                name = marked[m].name[language];
        if (!name && (c < '0' || c > '9'))
            continue;
        if (o.at)
            say_puts(&o, ",");
        if (name)
            say_word(&o, name);
        else
            say_put_digit(&o, language, c);
    }
    return say_end(&o);
}
