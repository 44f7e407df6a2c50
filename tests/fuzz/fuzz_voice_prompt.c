/*
 * Prompts of an operator, and values of anybody in them: the first byte chooses the language and a time zone,
 * the rest is a prompt, a line with two equal signs, and a value for all of its places.
 *
 * The value is said as a text of its own, too.
 *
 * Beyond not crashing: what the check takes can be spoken; what is written is SSML that is taken again, in
 * UTF-8 without anything that espeak-ng would take for a command; and whatever a value is, the document has
 * no other tags than with a value that is a word.
 */
#include "../../plugins/voice/ssml.h"

#include <hilo/segment.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(what)                                                                                           \
    do {                                                                                                     \
        if (!(what))                                                                                         \
            abort();                                                                                         \
    } while (0)

static bool value_of(void *arg, struct hilo_str name, struct hilo_str *out)
{
    must(name.n > 0);
    *out = *(const struct hilo_str *)arg;
    return true;
}

static bool note(void *arg, const struct ssml_tag *t, char wrong[200])
{
    struct hilo_str *tags = arg;

    (void)wrong;
    must(tags->n < 4096);
    ((char *)(uintptr_t)tags->p)[tags->n++] = (char)('A' + t->element);
    return true;
}

static bool pass(void *arg, const struct ssml_tag *t, struct hilo_str text, char wrong[200])
{
    (void)arg, (void)t, (void)text, (void)wrong;
    return true;
}

static void plain(const char *p, size_t n)
{
    const uint8_t *at = (const uint8_t *)p, *end = at + n;
    uint32_t length;

    must(strlen(p) == n && !strchr(p, '['));
    for (; at < end; at += length) {
        must(hilo__utf8(at, end, &length) != UINT32_MAX);
        must(*at >= 0x20 || *at == '\n');
    }
}

/* Says it, and gives its tags. false: nothing is left to be said. */
static bool said_with(enum say_language language, struct hilo_str prompt, struct hilo_str zone,
                      struct hilo_str value, struct hilo_str *tags)
{
    static const struct ssml_reader reader = {note, pass, note};
    static const struct hilo_str voices[2] = {{"es-419", 6}, {"en-us", 5}};
    char out[SAY_MAX], wrong[256] = "", *spoken = malloc(65536);
    size_t n =
        say_prompt(language, prompt, zone, INT64_C(1795813200000000), value_of, &value, out, sizeof out);

    must(spoken && strlen(out) == n);
    tags->n = 0;
    if (n) {
        plain(out, n);
        must(ssml_is((struct hilo_str){out, n}));
        must(ssml_read((struct hilo_str){out, n}, language, &reader, tags, wrong));
        n = ssml_for_espeak((struct hilo_str){out, n}, language, voices, spoken, 65536, wrong);
        must(n);
        plain(spoken, n);
    }
    free(spoken);
    return n > 0;
}

static bool has(struct hilo_str s, const char *what)
{
    return memmem(s.p, s.n, what, strlen(what)) != NULL;
}

/* As a text of anybody's: what is made of it is escaped, and the same when made again. */
static void text(enum say_language language, struct hilo_str value, char *a, char *b)
{
    const struct hilo_str pesos = {"COP", 3};
    const size_t n = say_text(language, value, pesos, a, 4096);

    must(n == say_text(language, value, pesos, b, 4096) && memcmp(a, b, n) == 0);
    if (ssml_of_text((struct hilo_str){a, n}, b, 4096)) {
        plain(b, strlen(b));
        must(strstr(b, "<speak>") == b && !strchr(b + 1, '<')[1 + strlen("/speak>")]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct hilo_str zones[] = {
        {"America/Bogota", 14}, {"", 0}, {"Europe/Madrid", 13}, {"No/Such", 7}};
    static const struct hilo_str word = {"x", 1};
    char a[4096], b[4096], wrong[256] = "";
    struct hilo_str prompt, value = {0}, tags = {a, 0}, others = {b, 0};
    enum say_language language;
    const char *cut;
    bool right;

    if (size == 0)
        return 0;
    language = data[0] & 1 ? SAY_EN : SAY_ES;
    prompt = (struct hilo_str){(const char *)data + 1, size - 1};
    cut = memmem(prompt.p, prompt.n, "\n==\n", 4);
    if (cut) {
        value = (struct hilo_str){cut + 4, (uint64_t)(prompt.p + prompt.n - cut) - 4};
        prompt.n = (uint64_t)(cut - prompt.p);
    }
    text(language, value, a, b);
    right = say_check(prompt, wrong);
    must(right || wrong[0]);
    const bool says = said_with(language, prompt, zones[data[0] >> 1 & 3], value, &tags);
    must(right || !says || prompt.n >= SAY_MAX);
    /* A form or a way to say may not take a value: then the sentence is left out, with its breaks. */
    if (says && !has(prompt, "|") && !has(prompt, "interpret-as") &&
        said_with(language, prompt, zones[0], word, &others)) {
        bool blank = true;
        for (uint64_t i = 0; i < value.n; i++)
            blank &= memchr(" \t\r\n", value.p[i], 4) != NULL;
        must(blank || (tags.n == others.n && memcmp(a, b, tags.n) == 0));
    }
    return 0;
}
