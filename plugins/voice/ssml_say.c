/*
 * SSML as espeak-ng takes it. It would take more than is handed on, and other things for markup: "[[…]]" is
 * phonemes to it, a control character a command.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ssml.h"
#include "say_out.h"

#include <hilo/segment.h>
#include <stdio.h>

void ssml_put_text(struct say_out *o, struct hilo_str text)
{
    const uint8_t *at = (const uint8_t *)text.p, *end = at + text.n;
    uint32_t n, c;

    for (; text.n && at < end; at += n) {
        c = hilo__utf8(at, end, &n);
        if (c == '&')
            say_puts(o, "&amp;");
        else if (c == '<')
            say_puts(o, "&lt;");
        else if (c == '>')
            say_puts(o, "&gt;");
        else if ((c < 0x20 && c != '\n') || (c >= 0x7f && c < 0xa0) || c == '[' || c == ']' || c == 0xfffe ||
                 c == 0xffff || c == UINT32_MAX)
            say_puts(o, " ");
        else
            say_put(o, (const char *)at, n);
    }
}

/* ---- tags ------------------------------------------------------------------------------------------ */

static const char *name_of(const struct ssml_tag *t)
{
    switch (t->element) {
    case SSML_SPEAK:
        return "speak";
    case SSML_P:
        return "p";
    case SSML_S:
        return "s";
    case SSML_PROSODY:
        return "prosody";
    case SSML_EMPHASIS:
        return "emphasis";
    case SSML_LANG:
        return "lang";
    case SSML_BREAK:
    case SSML_SAY_AS:
    case SSML_SUB:
        break;
    }
    return NULL;
}

void ssml_put_open(struct say_out *o, const struct ssml_tag *t)
{
    char text[64];

    if (t->element == SSML_BREAK) {
        (void)snprintf(text, sizeof text, "<break time=\"%ums\"/>", (unsigned)t->pause_ms);
        say_puts(o, text);
        return;
    }
    say_puts(o, "<");
    say_puts(o, name_of(t));
    if (t->rate_percent) {
        (void)snprintf(text, sizeof text, " rate=\"%u%%\"", (unsigned)t->rate_percent);
        say_puts(o, text);
    }
    if (t->level) {
        (void)snprintf(text, sizeof text, " level=\"%s\"", t->level);
        say_puts(o, text);
    }
    if (t->language != t->outer || t->element == SSML_LANG)
        say_puts(o, t->language == SAY_ES ? " xml:lang=\"es\"" : " xml:lang=\"en\"");
    say_puts(o, ">");
}

void ssml_put_close(struct say_out *o, const struct ssml_tag *t)
{
    if (t->element == SSML_BREAK)
        return;
    say_puts(o, "</");
    say_puts(o, name_of(t));
    say_puts(o, ">");
}

/* ---- say-as ----------------------------------------------------------------------------------------- */

size_t ssml_say_as(enum ssml_as as, enum say_language language, struct hilo_str text, char *out, size_t n)
{
    struct tm tm;

    while (text.n && (text.p[0] == ' ' || text.p[0] == '\n')) {
        text.p++;
        text.n--;
    }
    while (text.n && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\n'))
        text.n--;
    switch (as) {
    case SSML_AS_DIGITS:
        return say_digits(language, text, out, n);
    case SSML_AS_CARDINAL:
        return say_decimal(language, text, out, n);
    case SSML_AS_TELEPHONE:
        return say_phone(language, text, out, n);
    case SSML_AS_CHARACTERS:
        return say_spell(language, text, out, n);
    case SSML_AS_DATE:
        return say_read_date(text, &tm) ? say_calendar_day(language, &tm, out, n) : 0;
    case SSML_AS_TIME:
        return say_read_time(text, &tm) ? say_clock(language, &tm, out, n) : 0;
    }
    return 0;
}

bool ssml_not_said_as(enum ssml_as as, struct hilo_str text, char wrong[200])
{
    static const char *const wanted[] = {[SSML_AS_DIGITS] = "digits",
                                         [SSML_AS_CARDINAL] = "a number like 1234.5",
                                         [SSML_AS_DATE] = "a date like 2026-12-01",
                                         [SSML_AS_TIME] = "an hour like 15:30",
                                         [SSML_AS_TELEPHONE] = "a telephone number",
                                         [SSML_AS_CHARACTERS] = "letters or digits"};
    uint64_t n = 0;

    while (n < text.n && (n < 40 || ((unsigned char)text.p[n] & 0xc0) == 0x80))
        n++;
    (void)snprintf(wrong, 200, "\"%.*s\" within <say-as> is not %s", (int)n, text.p, wanted[as]);
    return false;
}

/* ---- for espeak-ng ------------------------------------------------------------------------------------ */

struct render {
    struct say_out out;
    const struct hilo_str *voices;
};

static bool render_open(void *arg, const struct ssml_tag *t, char wrong[200])
{
    struct render *r = arg;
    struct ssml_tag plain = *t;

    (void)wrong;
    if (t->element == SSML_SUB)
        ssml_put_text(&r->out, t->alias);
    if (t->element == SSML_SUB || t->element == SSML_SAY_AS)
        return true;
    plain.language = plain.outer; /* espeak-ng knows another language by its voice */
    if (t->element != SSML_LANG)
        ssml_put_open(&r->out, &plain);
    if (t->language != t->outer) {
        say_puts(&r->out, "<voice name=\"");
        ssml_put_text(&r->out, r->voices[t->language]);
        say_puts(&r->out, "\">");
    }
    return true;
}

static bool render_close(void *arg, const struct ssml_tag *t, char wrong[200])
{
    struct render *r = arg;

    (void)wrong;
    if (t->element == SSML_SUB || t->element == SSML_SAY_AS)
        return true;
    if (t->language != t->outer)
        say_puts(&r->out, "</voice>");
    if (t->element != SSML_LANG)
        ssml_put_close(&r->out, t);
    return true;
}

static bool render_text(void *arg, const struct ssml_tag *within, struct hilo_str text, char wrong[200])
{
    struct render *r = arg;
    char words[SAY_MAX];
    size_t n;

    if (within->element == SSML_SUB)
        return true;
    if (within->element != SSML_SAY_AS) {
        ssml_put_text(&r->out, text);
        return true;
    }
    n = ssml_say_as(within->as, within->language, text, words, sizeof words);
    if (n == 0)
        return ssml_not_said_as(within->as, text, wrong);
    ssml_put_text(&r->out, (struct hilo_str){words, n});
    return true;
}

size_t ssml_for_espeak(struct hilo_str ssml, enum say_language language, const struct hilo_str voices[2],
                       char *out, size_t n, char wrong[256])
{
    static const struct ssml_reader reader = {render_open, render_text, render_close};
    struct render r = {{out, n, 0}, voices};

    if (!ssml_read(ssml, language, &reader, &r, wrong))
        return say_nothing(&r.out);
    if (!say_end(&r.out))
        (void)snprintf(wrong, 256, "it is too long to be spoken at once; part it");
    return say_end(&r.out);
}

size_t ssml_of_text(struct hilo_str text, char *out, size_t n)
{
    struct say_out o = {out, n, 0};

    say_puts(&o, "<speak>");
    ssml_put_text(&o, text);
    say_puts(&o, "</speak>");
    return say_end(&o);
}
