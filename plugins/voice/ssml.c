/*
 * Reading SSML by expat: what is well formed is its business, what can be spoken ours. A document type is
 * refused, so there are no entities to expand.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ssml.h"

#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIAS_MAX = 1000 };

struct ssml {
    const struct ssml_reader *reader;
    void *arg;
    XML_Parser parser;
    struct ssml_tag tag[SSML_DEPTH_MAX];
    unsigned depth;
    enum say_language language; /* around it all */
    uint32_t pauses_ms;
    char *text; /* since the last tag; room for the whole document */
    size_t n_text;
    XML_Size line, column; /* where that text begins */
    char alias[ALIAS_MAX + 1];
    bool failed;
    char *wrong; /* of 256 */
};

static const struct {
    const char *name;
    enum ssml_element element;
} elements[] = {{"speak", SSML_SPEAK},
                {"p", SSML_P},
                {"s", SSML_S},
                {"break", SSML_BREAK},
                {"prosody", SSML_PROSODY},
                {"emphasis", SSML_EMPHASIS},
                {"say-as", SSML_SAY_AS},
                {"sub", SSML_SUB},
                {"lang", SSML_LANG}};

/* A value of an attribute that has one of several, and what it means. */
struct choice {
    const char *name;
    uint32_t means;
};
static const struct choice kinds[] = {{"digits", SSML_AS_DIGITS},
                                      {"cardinal", SSML_AS_CARDINAL},
                                      {"date", SSML_AS_DATE},
                                      {"time", SSML_AS_TIME},
                                      {"telephone", SSML_AS_TELEPHONE},
                                      {"characters", SSML_AS_CHARACTERS},
                                      {NULL, 0}};
static const struct choice strengths[] = {{"none", 0},     {"x-weak", 100},  {"weak", 250},
                                          {"medium", 500}, {"strong", 1000}, {"x-strong", 2000},
                                          {NULL, 0}};
static const struct choice rates[] = {{"x-slow", 50}, {"slow", 75},    {"medium", 100}, {"default", 100},
                                      {"fast", 130},  {"x-fast", 170}, {NULL, 0}};
static const struct choice levels[] = {
    {"none", 0}, {"reduced", 0}, {"moderate", 0}, {"strong", 0}, {NULL, 0}};

static void fail_at(struct ssml *s, XML_Size line, XML_Size column, const char *why)
{
    if (s->failed)
        return;
    s->failed = true;
    (void)snprintf(s->wrong, 256, "line %lu, column %lu: %s", (unsigned long)line, (unsigned long)column + 1,
                   why);
    (void)XML_StopParser(s->parser, XML_FALSE);
}

static void fail(struct ssml *s, const char *why)
{
    fail_at(s, XML_GetCurrentLineNumber(s->parser), XML_GetCurrentColumnNumber(s->parser), why);
}

/* ---- attributes ------------------------------------------------------------------------------- */

/* "500ms", "1.5s"; UINT32_MAX: neither. */
static uint32_t pause_of(const char *s)
{
    uint32_t whole = 0, thousandths = 0, unit = 100;
    const char *from = s;

    for (; *s >= '0' && *s <= '9' && whole < 100000; s++)
        whole = whole * 10 + (uint32_t)(*s - '0');
    if (*s == '.')
        for (s++; *s >= '0' && *s <= '9'; s++, unit /= 10)
            thousandths += unit * (uint32_t)(*s - '0');
    if (s == from || s[-1] == '.')
        return UINT32_MAX;
    if (strcmp(s, "ms") == 0)
        return whole;
    return strcmp(s, "s") == 0 ? whole * 1000 + thousandths : UINT32_MAX;
}

/* 0: none of them. */
static uint32_t rate_of(const char *s)
{
    uint32_t percent = 0;
    unsigned i;

    for (i = 0; rates[i].name; i++)
        if (strcmp(rates[i].name, s) == 0)
            return rates[i].means;
    for (; *s >= '0' && *s <= '9' && percent < 1000; s++)
        percent = percent * 10 + (uint32_t)(*s - '0');
    return strcmp(s, "%") == 0 && percent >= 20 && percent <= 300 ? percent : 0;
}

static const struct choice *choose(struct ssml *s, const char *element, const char *attribute,
                                   const char *value, const struct choice *of)
{
    const struct choice *c;
    char why[200];
    int n;

    for (c = of; c->name; c++)
        if (strcmp(c->name, value) == 0)
            return c;
    n = snprintf(why, sizeof why, "<%s %s=\"%.24s\"> is not known; there are", element, attribute, value);
    for (c = of; c->name; c++)
        n += snprintf(why + n, sizeof why - (size_t)n, "%s %s", c == of ? "" : ",", c->name);
    fail(s, why);
    return NULL;
}

static void set_language(struct ssml *s, struct ssml_tag *t, const char *value)
{
    const struct hilo_str tag = {value, strlen(value)};

    /* Told apart by what an unknown one becomes. */
    t->language = say_language_of(tag, SAY_ES);
    if (t->language != say_language_of(tag, SAY_EN))
        fail(s, "xml:lang is es or en here, with or without a region; no other language has a voice");
}

static void set_alias(struct ssml *s, struct ssml_tag *t, const char *value)
{
    const size_t n = strlen(value);

    if (n > ALIAS_MAX) {
        fail(s, "<sub alias=…> is longer than 1,000 bytes; say less");
        return;
    }
    memcpy(s->alias, value, n + 1);
    t->alias = (struct hilo_str){s->alias, n};
}

/* false: this element has no such attribute. */
static bool attribute(struct ssml *s, struct ssml_tag *t, const char *name, const char *value)
{
    const struct choice *c;

    switch (t->element) {
    case SSML_SPEAK:
        if (strcmp(name, "version") == 0 || strcmp(name, "xmlns") == 0)
            return true;
        break;
    case SSML_BREAK:
        if (strcmp(name, "time") == 0) {
            t->pause_ms = pause_of(value);
            if (t->pause_ms > SSML_PAUSE_MAX_MS)
                fail(s, "<break time=…> is like \"500ms\" or \"2s\", at most 10s");
            return true;
        }
        if (strcmp(name, "strength") == 0) {
            c = choose(s, "break", name, value, strengths);
            t->pause_ms = c ? c->means : 0;
            return true;
        }
        return false;
    case SSML_PROSODY:
        if (strcmp(name, "rate") != 0)
            return false;
        t->rate_percent = rate_of(value);
        if (!t->rate_percent)
            fail(s, "<prosody rate=…> is x-slow, slow, medium, fast, x-fast, default, or 20% to 300%");
        return true;
    case SSML_EMPHASIS:
        if (strcmp(name, "level") != 0)
            return false;
        c = choose(s, "emphasis", name, value, levels);
        t->level = c ? c->name : NULL;
        return true;
    case SSML_SAY_AS:
        if (strcmp(name, "interpret-as") != 0)
            return false;
        c = choose(s, "say-as", name, value, kinds);
        t->as = c ? (enum ssml_as)c->means : 0;
        return true;
    case SSML_SUB:
        if (strcmp(name, "alias") != 0)
            return false;
        set_alias(s, t, value);
        return true;
    case SSML_P:
    case SSML_S:
    case SSML_LANG:
        break;
    }
    if (strcmp(name, "xml:lang") != 0)
        return false;
    set_language(s, t, value);
    return true;
}

/* What an element can't do without. */
static void complete(struct ssml *s, const struct ssml_tag *t, const char *const *attributes)
{
    if (t->element == SSML_PROSODY && !t->rate_percent)
        fail(s, "<prosody> needs a rate; pitch and volume are not spoken here");
    if (t->element == SSML_SAY_AS && !t->as)
        fail(s, "<say-as> needs interpret-as: digits, cardinal, date, time, telephone, characters");
    if (t->element == SSML_SUB && !t->alias.p)
        fail(s, "<sub> needs an alias: what is spoken instead");
    if (t->element == SSML_LANG && !attributes[0])
        fail(s, "<lang> needs xml:lang: es or en");
}

/* ---- what expat calls ---------------------------------------------------------------------------- */

static void flush(struct ssml *s)
{
    char why[200];
    const size_t n = s->n_text;

    s->n_text = 0;
    if (s->failed || n == 0 || s->depth == 0)
        return;
    if (!s->reader->text(s->arg, &s->tag[s->depth - 1], (struct hilo_str){s->text, n}, why))
        fail_at(s, s->line, s->column, why);
}

static void on_open(void *arg, const char *name, const char **attributes)
{
    struct ssml *s = arg;
    struct ssml_tag *t, *parent = s->depth ? &s->tag[s->depth - 1] : NULL;
    char why[200];
    unsigned i;

    flush(s);
    if (s->failed)
        return;
    if (s->depth == SSML_DEPTH_MAX) {
        fail(s, "more than 16 elements within one another; write it flatter");
        return;
    }
    t = &s->tag[s->depth];
    *t = (struct ssml_tag){.outer = parent ? parent->language : s->language};
    t->language = t->outer;
    for (i = 0; i < sizeof elements / sizeof *elements; i++)
        if (strcmp(elements[i].name, name) == 0)
            t->element = elements[i].element;
    if (!t->element || (t->element == SSML_SPEAK) != !parent) {
        (void)snprintf(
            why, sizeof why,
            t->element || !parent
                ? "<speak> is the outermost element and no other"
                : "<%.24s> can't be spoken; there are p, s, break, prosody, emphasis, say-as, sub and lang",
            name);
        fail(s, why);
        return;
    }
    if (parent &&
        (parent->element == SSML_SAY_AS || parent->element == SSML_SUB || parent->element == SSML_BREAK)) {
        fail(s, parent->element == SSML_BREAK ? "<break> has nothing within; write <break/>"
                                              : "within <say-as> and <sub> is text alone");
        return;
    }
    if (t->element == SSML_BREAK)
        t->pause_ms = 500;
    for (i = 0; attributes[i] && !s->failed; i += 2)
        if (!attribute(s, t, attributes[i], attributes[i + 1])) {
            (void)snprintf(why, sizeof why, "<%s> has no attribute \"%.24s\" here", name, attributes[i]);
            fail(s, why);
        }
    complete(s, t, attributes);
    if (t->element == SSML_BREAK && !s->failed && (s->pauses_ms += t->pause_ms) > SSML_PAUSES_MAX_MS)
        fail(s, "the breaks are more than a minute in all");
    if (s->failed)
        return;
    s->depth++;
    if (!s->reader->open(s->arg, t, why))
        fail(s, why);
}

static void on_close(void *arg, const char *name)
{
    struct ssml *s = arg;
    char why[200];

    (void)name;
    flush(s);
    if (s->failed)
        return;
    s->depth--;
    if (!s->reader->close(s->arg, &s->tag[s->depth], why))
        fail(s, why);
}

static void on_text(void *arg, const char *p, int n)
{
    struct ssml *s = arg;

    if (s->failed || s->depth == 0)
        return;
    if (s->tag[s->depth - 1].element == SSML_BREAK) {
        fail(s, "<break> has nothing within; write <break/>");
        return;
    }
    if (s->n_text == 0) {
        s->line = XML_GetCurrentLineNumber(s->parser);
        s->column = XML_GetCurrentColumnNumber(s->parser);
    }
    memcpy(s->text + s->n_text, p, (size_t)n);
    s->n_text += (size_t)n;
}

static void on_doctype(void *arg, const char *name, const char *system, const char *public, int internal)
{
    (void)name, (void)system, (void)public, (void)internal;
    fail(arg, "a document type is not taken; begin with <speak>");
}

bool ssml_read(struct hilo_str in, enum say_language language, const struct ssml_reader *reader, void *arg,
               char wrong[256])
{
    struct ssml s = {.reader = reader, .arg = arg, .wrong = wrong, .language = language};
    enum XML_Status rc = XML_STATUS_ERROR;

    if (in.n > SSML_BYTES_MAX) {
        (void)snprintf(wrong, 256, "it is longer than 16,384 bytes; part it");
        return false;
    }
    s.parser = XML_ParserCreate("UTF-8");
    s.text = malloc((size_t)in.n + 1);
    if (!s.parser || !s.text) {
        (void)snprintf(wrong, 256, "no memory is left");
        goto out;
    }
    XML_SetUserData(s.parser, &s);
    XML_SetElementHandler(s.parser, on_open, on_close);
    XML_SetCharacterDataHandler(s.parser, on_text);
    XML_SetStartDoctypeDeclHandler(s.parser, on_doctype);
    rc = XML_Parse(s.parser, in.p, (int)in.n, XML_TRUE);
    if (rc != XML_STATUS_OK && !s.failed)
        (void)snprintf(wrong, 256, "line %lu, column %lu: %s",
                       (unsigned long)XML_GetCurrentLineNumber(s.parser),
                       (unsigned long)XML_GetCurrentColumnNumber(s.parser) + 1,
                       XML_ErrorString(XML_GetErrorCode(s.parser)));
out:
    free(s.text);
    if (s.parser)
        XML_ParserFree(s.parser);
    return rc == XML_STATUS_OK && !s.failed;
}

bool ssml_is(struct hilo_str s)
{
    uint64_t i = 0;

    while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\n' || s.p[i] == '\r'))
        i++;
    if (s.n - i > 5 && memcmp(s.p + i, "<?xml", 5) == 0)
        return true;
    return s.n - i > 6 && memcmp(s.p + i, "<speak", 6) == 0 && s.p[i + 6] && strchr(" \t\r\n/>", s.p[i + 6]);
}
