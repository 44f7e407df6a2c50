/*
 * Prompts: places filled, sentences left out whose places have no value, all of it as SSML.
 *
 * A prompt is gone through twice: first to learn which sentences can't be said, then to write the others. A
 * sentence ends at . ! ? … before a space, at a line's end, at <p> and <s>; tags within one that is left out
 * stay, since they may close in another.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "say_out.h"
#include "ssml.h"

#include <hilo/zone.h>
#include <stdio.h>

enum { SENTENCES_MAX = 256, NAME_MAX_BYTES = 64 };

enum form {
    FORM_TEXT,
    FORM_NUMBER,
    FORM_COUNT,
    FORM_COUNT_F,
    FORM_DIGITS,
    FORM_KEY,
    FORM_DATE,
    FORM_TIME,
    FORM_DATE_TIME,
    FORM_MONEY,
    FORM_PHONE,
    FORM_SPELL
};
static const char *const forms[] = {"",     "number", "count",     "count_f", "digits", "key",
                                    "date", "time",   "date_time", "money",   "phone",  "spell"};

struct fill {
    enum { CHECK, LOOK, WRITE } what; /* whether it is right; which sentences can be said; saying them */
    struct say_out out;
    struct hilo_str time_zone;
    int64_t now_us;
    say_value *value;
    void *arg;
    unsigned sentence;
    bool begun;  /* something of this sentence has come */
    bool spoken; /* something was written that is heard */
    bool left_out[SENTENCES_MAX];
};

enum say_language say_language_of(struct hilo_str tag, enum say_language otherwise)
{
    const char a = tag.n > 1 ? (char)(tag.p[0] | 0x20) : 0, b = tag.n > 1 ? (char)(tag.p[1] | 0x20) : 0;
    uint64_t end = 0;

    while (end < tag.n && tag.p[end] != '-' && tag.p[end] != '_')
        end++;
    if (end == 2 && a == 'e' && b == 's')
        return SAY_ES;
    if (end == 2 && a == 'e' && b == 'n')
        return SAY_EN;
    if (end == 3 && (memcmp(tag.p, "spa", 3) == 0 || memcmp(tag.p, "eng", 3) == 0))
        return a == 's' ? SAY_ES : SAY_EN;
    return otherwise;
}

/* ---- places -------------------------------------------------------------------------------------- */

struct place {
    struct hilo_str name;
    enum form form;
    uint64_t length; /* with its braces */
};

/* What stands at s, which begins with a brace. NULL; else why it is none. */
static const char *read_place(struct hilo_str s, struct place *out)
{
    struct hilo_str name = {s.p + 1, 0}, form = {0};
    uint64_t i = 1;
    unsigned f;

    for (; i < s.n && s.p[i] != '}' && s.p[i] != '|'; i++, name.n++) {
        const char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
              c == '.' || c == '-'))
            return "a place's name has letters, digits, dots, - and _: {customer.name}; a brace is written "
                   "twice: {{";
    }
    if (name.n == 0 || name.n > NAME_MAX_BYTES)
        return "a place has a name of at most 64 letters: {customer.name}";
    if (i < s.n && s.p[i] == '|') {
        form.p = s.p + ++i;
        for (; i < s.n && s.p[i] != '}'; i++)
            form.n++;
    }
    if (i >= s.n)
        return "a place is not closed by }";
    for (f = 0; f < sizeof forms / sizeof *forms; f++)
        if (form.n == strlen(forms[f]) && (form.n == 0 || memcmp(form.p, forms[f], form.n) == 0))
            break;
    if (f == sizeof forms / sizeof *forms || (form.p && form.n == 0))
        return "a place's form is number, count, count_f, digits, key, date, time, date_time, money, phone "
               "or spell";
    *out = (struct place){name, f, i + 1};
    return NULL;
}

static void local(struct hilo_str zone, int64_t us, struct tm *out)
{
    const int64_t s = us / 1000000 - (us % 1000000 < 0);
    struct hilo_local t;
    const time_t utc = (time_t)s;

    if (zone.n && hilo_zone_local(zone, us, &t, NULL) == HILO_OK)
        *out = (struct tm){.tm_year = t.year - 1900,
                           .tm_mon = t.month - 1,
                           .tm_mday = t.day,
                           .tm_hour = t.hour,
                           .tm_min = t.minute};
    else if (!gmtime_r(&utc, out))
        *out = (struct tm){.tm_mday = 0}; /* which no date has, so it is not said */
}

static size_t say_when(const struct fill *f, enum say_language language, enum form form, struct hilo_str v,
                       char *out, size_t n)
{
    struct tm when, today;
    int64_t us;

    local(f->time_zone, f->now_us, &today);
    if (say_read_instant(v, &us))
        local(f->time_zone, us, &when);
    else if (!(form == FORM_DATE && say_read_date(v, &when)) &&
             !(form == FORM_TIME && say_read_time(v, &when)))
        return 0;
    if (form == FORM_DATE)
        return say_date(language, &when, &today, out, n);
    if (form == FORM_TIME)
        return say_time(language, &when, out, n);
    return say_date_time(language, &when, &today, out, n);
}

static size_t say_counted(enum say_language language, bool feminine, struct hilo_str v, char *out, size_t n)
{
    struct say_amount a;

    if (!say_amount_read(v, &a) || a.fraction.n)
        return 0;
    return say_count(language, a.minus ? -(int64_t)a.whole : (int64_t)a.whole, feminine, out, n);
}

/* "12000.00 COP" */
static size_t say_priced(enum say_language language, struct hilo_str v, char *out, size_t n)
{
    if (v.n < 5 || v.p[v.n - 4] != ' ')
        return 0;
    return say_money(language, (struct hilo_str){v.p, v.n - 4}, (struct hilo_str){v.p + v.n - 3, 3}, out, n);
}

static bool blank(struct hilo_str s)
{
    uint64_t i;

    for (i = 0; i < s.n; i++)
        if (!strchr(" \t\r\n", s.p[i]) || !s.p[i])
            return false;
    return true;
}

/* Its words, not yet escaped. 0: it can't be said. */
static size_t fill_place(const struct fill *f, const struct place *p, enum say_language language, char *out,
                         size_t n)
{
    struct hilo_str v = {0};

    if (!f->value(f->arg, p->name, &v) || blank(v))
        return 0;
    switch (p->form) {
    case FORM_TEXT:
        if (v.n > n)
            return 0;
        memcpy(out, v.p, (size_t)v.n);
        return (size_t)v.n;
    case FORM_NUMBER:
        return say_decimal(language, v, out, n);
    case FORM_COUNT:
    case FORM_COUNT_F:
        return say_counted(language, p->form == FORM_COUNT_F, v, out, n);
    case FORM_DIGITS:
        return say_digits(language, v, out, n);
    case FORM_KEY:
        return v.n == 1 ? say_key(language, v.p[0], out, n) : 0;
    case FORM_DATE:
    case FORM_TIME:
    case FORM_DATE_TIME:
        return say_when(f, language, p->form, v, out, n);
    case FORM_MONEY:
        return say_priced(language, v, out, n);
    case FORM_PHONE:
        return say_phone(language, v, out, n);
    case FORM_SPELL:
        return say_spell(language, v, out, n);
    }
    return 0;
}

/* ---- sentences --------------------------------------------------------------------------------------- */

static void next_sentence(struct fill *f)
{
    if (f->begun && f->sentence < SENTENCES_MAX - 1)
        f->sentence++;
    f->begun = false;
}

static void put(struct fill *f, struct hilo_str text)
{
    f->begun = true;
    if (f->what != WRITE || f->left_out[f->sentence])
        return;
    ssml_put_text(&f->out, text);
    f->spoken |= !blank(text);
}

static void leave_out(struct fill *f)
{
    f->begun = true;
    f->left_out[f->sentence] = true;
}

/* A text's next piece: what comes before a brace or behind a sentence. */
static uint64_t piece(struct hilo_str s, bool *ends_out)
{
    static const char *const closing[] = {"\"", "'", ")", "»", "”", "’"};
    uint64_t i = 0;
    unsigned c;

    *ends_out = false;
    while (i < s.n && s.p[i] != '{' && s.p[i] != '}') {
        const bool dots = s.n - i >= 3 && memcmp(s.p + i, "…", 3) == 0;
        if (s.p[i] == '\n') {
            *ends_out = true;
            return i + 1;
        }
        if (!dots && s.p[i] != '.' && s.p[i] != '!' && s.p[i] != '?') {
            i++;
            continue;
        }
        i += dots ? 3 : 1;
        for (c = 0; c < sizeof closing / sizeof *closing; c++)
            if (s.n - i >= strlen(closing[c]) && memcmp(s.p + i, closing[c], strlen(closing[c])) == 0)
                i += strlen(closing[c]);
        if (i == s.n || s.p[i] == ' ' || s.p[i] == '\n' || s.p[i] == '\t') {
            while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t'))
                i++;
            *ends_out = true;
            return i;
        }
    }
    return i;
}

/* All of a text but its sentences: literal pieces and places go to `take`. NULL; else why it can't be read.
 */
static const char *fill_text(struct fill *f, enum say_language language, struct hilo_str s)
{
    char words[SAY_MAX];
    struct place place;
    const char *why;
    bool ends;
    size_t n;

    while (s.n) {
        uint64_t used = piece(s, &ends);
        if (used) {
            put(f, (struct hilo_str){s.p, used});
            if (ends)
                next_sentence(f);
        } else if (s.n > 1 && s.p[0] == s.p[1]) {
            put(f, (struct hilo_str){s.p, 1}); /* {{ or }} */
            used = 2;
        } else if (s.p[0] == '}') {
            return "a } without its {; a brace is written twice: }}";
        } else {
            why = read_place(s, &place);
            if (why)
                return why;
            used = place.length;
            if (f->what == CHECK)
                n = 0;
            else if ((n = fill_place(f, &place, language, words, sizeof words)) == 0)
                leave_out(f);
            put(f, (struct hilo_str){words, n});
        }
        s.p += used;
        s.n -= used;
    }
    return NULL;
}

/* A text whose places become one value: of say-as, of an alias. *whole: no place was without. */
static const char *fill_value(struct fill *f, enum say_language language, struct hilo_str s,
                              struct say_out *o, bool *whole, bool *literal)
{
    char words[SAY_MAX];
    struct place place;
    const char *why;
    bool ends;
    size_t n;

    *whole = *literal = true;
    while (s.n) {
        uint64_t used = piece(s, &ends);
        if (used) {
            say_put(o, s.p, used);
        } else if (s.n > 1 && s.p[0] == s.p[1]) {
            say_put(o, s.p, 1);
            used = 2;
        } else if (s.p[0] == '}') {
            return "a } without its {; a brace is written twice: }}";
        } else {
            why = read_place(s, &place);
            if (why)
                return why;
            used = place.length;
            *literal = false;
            n = f->what == CHECK ? 0 : fill_place(f, &place, language, words, sizeof words);
            *whole &= n > 0;
            say_put(o, words, n);
        }
        s.p += used;
        s.n -= used;
    }
    return NULL;
}

/* ---- documents -------------------------------------------------------------------------------------------
 */

static bool refuse(char wrong[200], const char *why)
{
    (void)snprintf(wrong, 200, "%s", why);
    return false;
}

static bool on_open(void *arg, const struct ssml_tag *t, char wrong[200])
{
    struct fill *f = arg;
    char text[SAY_MAX];
    struct say_out alias = {text, sizeof text, 0};
    const char *why;
    bool whole, literal;

    switch (t->element) {
    case SSML_SUB:
        why = fill_value(f, t->language, t->alias, &alias, &whole, &literal);
        if (why)
            return refuse(wrong, why);
        if (!whole || !say_end(&alias))
            leave_out(f);
        put(f, (struct hilo_str){text, alias.at});
        return true;
    case SSML_SAY_AS:
        return true;
    case SSML_BREAK:
        if (f->what == WRITE && !(f->begun && f->left_out[f->sentence]))
            ssml_put_open(&f->out, t);
        return true;
    case SSML_P:
    case SSML_S:
        next_sentence(f);
        break;
    case SSML_SPEAK:
    case SSML_PROSODY:
    case SSML_EMPHASIS:
    case SSML_LANG:
        break;
    }
    if (f->what == WRITE)
        ssml_put_open(&f->out, t);
    return true;
}

static bool on_text(void *arg, const struct ssml_tag *within, struct hilo_str text, char wrong[200])
{
    struct fill *f = arg;
    char value[SAY_MAX], words[SAY_MAX];
    struct say_out v = {value, sizeof value, 0};
    const char *why = NULL;
    bool whole, literal;
    size_t n;

    if (within->element == SSML_SUB)
        return true;
    if (within->element != SSML_SAY_AS) {
        why = fill_text(f, within->language, text);
        return why ? refuse(wrong, why) : true;
    }
    why = fill_value(f, within->language, text, &v, &whole, &literal);
    if (why)
        return refuse(wrong, why);
    n = say_end(&v)
            ? ssml_say_as(within->as, within->language, (struct hilo_str){value, v.at}, words, sizeof words)
            : 0;
    if (n == 0 && f->what == CHECK && literal)
        return ssml_not_said_as(within->as, text, wrong);
    if (n == 0 || !whole)
        leave_out(f);
    put(f, (struct hilo_str){words, n});
    return true;
}

static bool on_close(void *arg, const struct ssml_tag *t, char wrong[200])
{
    struct fill *f = arg;

    (void)wrong;
    if (t->element == SSML_SUB || t->element == SSML_SAY_AS)
        return true;
    if (f->what == WRITE)
        ssml_put_close(&f->out, t);
    if (t->element == SSML_P || t->element == SSML_S)
        next_sentence(f);
    return true;
}

static bool go_through(struct fill *f, enum say_language language, struct hilo_str prompt, char wrong[256])
{
    static const struct ssml_reader reader = {on_open, on_text, on_close};
    const struct ssml_tag speak = {.element = SSML_SPEAK, .language = language, .outer = language};
    const char *why;

    f->sentence = 0;
    f->begun = false;
    if (ssml_is(prompt))
        return ssml_read(prompt, language, &reader, f, wrong);
    (void)on_open(f, &speak, wrong);
    why = fill_text(f, language, prompt);
    (void)on_close(f, &speak, wrong);
    if (why)
        (void)snprintf(wrong, 256, "%s", why);
    return !why;
}

size_t say_prompt(enum say_language language, struct hilo_str prompt, struct hilo_str time_zone,
                  int64_t now_us, say_value *value, void *arg, char *out, size_t n)
{
    struct fill f = {.what = LOOK,
                     .out = {out, n, 0},
                     .time_zone = time_zone,
                     .now_us = now_us,
                     .value = value,
                     .arg = arg};
    char wrong[256];

    if (!go_through(&f, language, prompt, wrong))
        return say_nothing(&f.out);
    f.what = WRITE;
    (void)go_through(&f, language, prompt, wrong);
    return f.spoken ? say_end(&f.out) : say_nothing(&f.out);
}

bool say_check(struct hilo_str prompt, char wrong[256])
{
    struct fill f = {.what = CHECK};

    if (prompt.n >= SAY_MAX) {
        (void)snprintf(wrong, 256, "it is longer than 4,095 bytes; part it");
        return false;
    }
    if (blank(prompt)) {
        (void)snprintf(wrong, 256, "it says nothing");
        return false;
    }
    return go_through(&f, SAY_ES, prompt, wrong);
}
