/*
 * Prompts: every one is there in both languages; places are filled, and nothing in a value is markup;
 * sentences without their values are left out. SSML: what is taken, what is refused and in which words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../plugins/voice/prompts.h"
#include "../../plugins/voice/ssml.h"

static struct hilo_str str(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}

/* 2026-11-27, four in the afternoon in Bogotá (21:00 UTC). */
static const int64_t now_us = INT64_C(1795813200) * 1000000;

struct values {
    const char *name, *value;
};

static bool value_of(void *arg, struct hilo_str name, struct hilo_str *out)
{
    const struct values *v;

    for (v = arg; v->name; v++)
        if (strlen(v->name) == name.n && memcmp(v->name, name.p, name.n) == 0) {
            *out = str(v->value);
            return true;
        }
    return false;
}

static const struct values ana[] = {
    {"name", "Ana"},
    {"appointment.starts", "2026-11-28T21:00:00Z"},
    {"born", "1990-12-01"},
    {"n", "21"},
    {"total", "1000000.00 COP"},
    {"phone", "+573001112233"},
    {"document", "1020"},
    {"key", "#"},
    {"evil", "<break time=\"9s\"/>&\"'[[h@l'oU]]</speak>\x01\xff]]>"},
    {"empty", "  "},
    {"code", "H3"},
    {"ssml", "<speak>hola</speak>"},
    {NULL, NULL},
};
static char said[SAY_MAX];

static const char *prompt_in(enum say_language language, const char *prompt, const char *zone)
{
    const size_t n = say_prompt(language, str(prompt), str(zone), now_us, value_of, (void *)(uintptr_t)ana,
                                said, sizeof said);

    assert_int_equal(n, strlen(said));
    return said;
}

static const char *prompt(const char *text)
{
    return prompt_in(SAY_ES, text, "America/Bogota");
}

#define WRAPPED(s) "<speak>" s "</speak>"

/* ---- the catalogue --------------------------------------------------------------------------------- */

/* The places of a text, in order of their letters, as one line. */
static int by_letters(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void places_of(struct hilo_str text, char out[512])
{
    char place[16][64];
    size_t n = 0, i;
    const char *p = text.p, *end;

    for (; (p = strchr(p, '{')) != NULL; p = end) {
        end = strchr(p, '}');
        assert_non_null(end);
        assert_true(n < 16 && end - p < 63);
        (void)snprintf(place[n++], sizeof place[0], "%.*s", (int)(end - p), p);
    }
    qsort(place, n, sizeof place[0], by_letters);
    out[0] = 0;
    for (i = 0; i < n; i++)
        (void)strcat(out, place[i]);
}

static bool any(void *arg, struct hilo_str name, struct hilo_str *out)
{
    static const struct values each[] = {
        {"key", "1"},   {"starts", "2026-11-28T21:00:00Z"}, {"opens", "2026-11-30T13:00:00Z"},
        {"count", "2"}, {"document", "1020304050"},         {"phone", "+573001112233"},
        {NULL, NULL}};

    (void)arg;
    if (!value_of((void *)(uintptr_t)each, name, out))
        *out = str("cosas");
    return true;
}

static bool none(void *arg, struct hilo_str name, struct hilo_str *out)
{
    (void)arg, (void)name, (void)out;
    return false;
}

static void every_prompt_is_there_in_both_languages(void **state)
{
    char places[2][512], wrong[256], name[PROMPT_NAME_MAX];
    unsigned p, language;

    (void)state;
    assert_true(PROMPT__END >= 60);
    for (p = 0; p < PROMPT__END; p++) {
        prompt_name(p, name);
        for (language = SAY_ES; language <= SAY_EN; language++) {
            const struct hilo_str text = prompt_text(p, language);
            const char last = text.n ? text.p[text.n - 1] : 0;
            if (!say_check(text, wrong))
                fail_msg("%s: %s", name, wrong);
            if (last != '.' && last != '?')
                fail_msg("%s is no sentence: %s", name, text.p);
            places_of(text, places[language]);
            /* With all of its values all of it is said. */
            assert_true(
                say_prompt(language, text, str("America/Bogota"), now_us, any, NULL, said, sizeof said) > 0);
            if (strchr(said, '{') || strstr(said, "  ") || strstr(said, " ."))
                fail_msg("%s: %s", name, said);
        }
        if (strcmp(places[SAY_ES], places[SAY_EN]) != 0)
            fail_msg("%s has other places in English: %s, %s", name, places[SAY_ES], places[SAY_EN]);
        if (strcmp(prompt_text(p, SAY_ES).p, prompt_text(p, SAY_EN).p) == 0)
            fail_msg("%s is the same in both languages", name);
        assert_int_equal(prompt_find(str(name)), p);
    }
    assert_int_equal(prompt_find(str("ASK_DOCUMENT")), PROMPT__END);
    assert_int_equal(prompt_find(str("")), PROMPT__END);
}

/* A row of PROMPTS.md, in which a bar of the table is written \|. */
static void row_of(enum prompt p, char out[2200])
{
    char name[PROMPT_NAME_MAX], text[2][1024];
    unsigned language;
    size_t n;
    const char *c;

    prompt_name(p, name);
    for (language = SAY_ES; language <= SAY_EN; language++) {
        for (n = 0, c = prompt_text(p, language).p; *c; c++) {
            if (*c == '|')
                text[language][n++] = '\\';
            text[language][n++] = *c;
        }
        text[language][n] = 0;
    }
    (void)snprintf(out, 2200, "| `%s` | %s | %s |\n", name, text[SAY_ES], text[SAY_EN]);
}

static void the_manual_has_every_prompt(void **state)
{
    FILE *f = fopen("plugins/voice/PROMPTS.md", "r");
    char *manual = calloc(1, 65536), row[2200];
    unsigned p;

    (void)state;
    assert_non_null(f);
    assert_true(fread(manual, 1, 65535, f) > 1000);
    (void)fclose(f);
    for (p = 0; p < PROMPT__END; p++) {
        row_of(p, row);
        if (!strstr(manual, row))
            fail_msg("PROMPTS.md has no such row: %s", row);
    }
    free(manual);
}

/* What must be heard has no place in its sentence. */
static void what_must_be_heard_needs_no_value(void **state)
{
    static const enum prompt must[] = {PROMPT_GREETING,  PROMPT_ASK_DOCUMENT,     PROMPT_OPEN_CASE,
                                       PROMPT_RECORD,    PROMPT_RECORDING_NOTICE, PROMPT_CLOSED,
                                       PROMPT_HOLIDAY,   PROMPT_GOODBYE,          PROMPT_ERROR,
                                       PROMPT_OUT_INTRO, PROMPT_MACHINE,          PROMPT_TRANSFER};
    unsigned i, language;

    (void)state;
    for (i = 0; i < sizeof must / sizeof *must; i++)
        for (language = SAY_ES; language <= SAY_EN; language++)
            assert_true(say_prompt(language, prompt_text(must[i], language), str(""), now_us, none, NULL,
                                   said, sizeof said) > strlen(WRAPPED("")));
    (void)say_prompt(SAY_ES, prompt_text(PROMPT_CLOSED, SAY_ES), str(""), now_us, none, NULL, said,
                     sizeof said);
    assert_string_equal(said, WRAPPED("En este momento estamos cerrados. "));
}

/* ---- places -------------------------------------------------------------------------------------------- */

static void places_are_filled(void **state)
{
    static const struct {
        const char *prompt, *es;
    } t[] = {
        {"Hola, {name}.", "Hola, Ana."},
        {"Su cita es {appointment.starts|date_time}.", "Su cita es mañana a las cuatro de la tarde."},
        {"{appointment.starts|date}, {appointment.starts|time}", "mañana, a las cuatro de la tarde"},
        {"Nació {born|date}.", "Nació el sábado primero de diciembre de mil novecientos noventa."},
        {"{n|number} / {n|count} casos / {n|count_f} citas", "veintiuno / veintiún casos / veintiuna citas"},
        {"Debe {total|money}.", "Debe un millón de pesos."},
        {"{phone|phone}", "más cinco siete, tres cero cero, uno uno uno, dos dos tres tres"},
        {"Marcó {document|digits}.", "Marcó uno, cero, dos, cero."},
        {"marque {key|key}.", "marque numeral."},
        {"Código {code|spell}.", "Código hache, tres."},
        {"{{así}} {name}", "{así} Ana"},
        {"2 < 3 & 4", "2 &lt; 3 &amp; 4"},
    };
    char words[SAY_MAX];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        (void)snprintf(words, sizeof words, WRAPPED("%s"), t[i].es);
        assert_string_equal(prompt(t[i].prompt), words);
    }
}

static void hours_are_those_of_her_zone(void **state)
{
    static const struct {
        const char *zone, *es;
    } t[] = {
        {"America/Bogota", "mañana a las cuatro de la tarde"},
        {"America/Mexico_City", "mañana a las tres de la tarde"},
        {"America/Sao_Paulo", "mañana a las seis de la tarde"},
        {"Asia/Tokyo", "mañana a las seis de la mañana"}, /* where today is tomorrow already */
        {"", "mañana a las nueve de la noche"},
        {"Nowhere/Land", "mañana a las nueve de la noche"},
    };
    char words[SAY_MAX];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        (void)snprintf(words, sizeof words, WRAPPED("%s"), t[i].es);
        assert_string_equal(prompt_in(SAY_ES, "{appointment.starts|date_time}", t[i].zone), words);
    }
    assert_string_equal(prompt_in(SAY_EN, "We open {appointment.starts|date_time}.", "America/Bogota"),
                        WRAPPED("We open tomorrow at four in the afternoon."));
}

static void a_sentence_without_its_value_is_left_out(void **state)
{
    static const struct {
        const char *prompt, *out; /* NULL: nothing is left */
    } t[] = {
        {"Hola, {nobody}. Gracias por llamar.", WRAPPED("Gracias por llamar.")},
        {"Gracias. Hola, {nobody}.", WRAPPED("Gracias. ")},
        {"Hola, {empty}. Bien.", WRAPPED("Bien.")},
        {"¿Es usted {nobody}? ¡Qué bien! Siga.", WRAPPED("¡Qué bien! Siga.")},
        {"A las 3.30 {nobody} no. Sí.", WRAPPED("Sí.")},
        {"«Hola, {nobody}.» Sí.", WRAPPED("Sí.")},
        {"Espere… {nobody}. Ya.", WRAPPED("Espere… Ya.")},
        {"uno {nobody}\ndos", WRAPPED("dos")},
        {"Hola, {nobody}.", NULL},
        {"{nobody}", NULL},
        {"Su cita es {name|date_time}. Adiós.", WRAPPED("Adiós.")}, /* not of its form */
        {"{code|money}. {n|key}. {name|count}. Adiós.", WRAPPED("Adiós.")},
        {"<speak>Hola, <emphasis>{nobody}</emphasis>, qué tal. Adiós.</speak>",
         WRAPPED("<emphasis></emphasis>Adiós.")},
        {"<speak><prosody rate=\"slow\">Hola, {nobody}. Su caso</prosody> sigue.</speak>",
         WRAPPED("<prosody rate=\"75%\">Su caso</prosody> sigue.")},
        {"<speak><s>Hola {nobody}</s><s>Adiós</s></speak>", WRAPPED("<s></s><s>Adiós</s>")},
        {"<speak>Hola {nobody}<break/> ven. Adiós.</speak>", WRAPPED("Adiós.")},
        {"<speak>Uno. <break time=\"1s\"/>Dos {nobody}. Tres.</speak>",
         WRAPPED("Uno. <break time=\"1000ms\"/>Tres.")},
        {"<speak>Llame a <sub alias=\"{nobody}\">x</sub>. Adiós.</speak>", WRAPPED("Adiós.")},
        {"<speak>Es <say-as interpret-as=\"digits\">{nobody}</say-as>. Adiós.</speak>", WRAPPED("Adiós.")},
        {"<speak>Es <say-as interpret-as=\"digits\">12{nobody}</say-as>. Adiós.</speak>", WRAPPED("Adiós.")},
        {"<speak>Es <say-as interpret-as=\"date\">{name}</say-as>. Adiós.</speak>", WRAPPED("Adiós.")},
        {"<speak><p>{nobody}</p></speak>", NULL},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++)
        assert_string_equal(prompt(t[i].prompt), t[i].out ? t[i].out : "");
}

static void nothing_in_a_value_is_markup(void **state)
{
    static const struct {
        const char *prompt, *out;
    } t[] = {
        {"{evil}", WRAPPED("&lt;break time=\"9s\"/&gt;&amp;\"'  h@l'oU  &lt;/speak&gt;    &gt;")},
        {"{ssml}", WRAPPED("&lt;speak&gt;hola&lt;/speak&gt;")},
        {"<speak>{ssml}</speak>", WRAPPED("&lt;speak&gt;hola&lt;/speak&gt;")},
        {"<speak><sub alias=\"{ssml}\">x</sub></speak>", WRAPPED("&lt;speak&gt;hola&lt;/speak&gt;")},
        {"<speak>[[h@loU]]</speak>", WRAPPED("  h@loU  ")},
    };
    const struct hilo_str voices[2] = {str("es-419"), str("en-us")};
    char wrong[256], out[SAY_MAX];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        assert_string_equal(prompt(t[i].prompt), t[i].out);
        assert_true(ssml_for_espeak(str(said), SAY_ES, voices, out, sizeof out, wrong) > 0);
        assert_string_equal(out, t[i].out);
    }
    /* A text of anybody's, likewise. */
    assert_true(ssml_of_text(str("<speak>&[[x]]\x02\xc3(</speak>"), out, sizeof out) > 0);
    assert_string_equal(out, WRAPPED("&lt;speak&gt;&amp;  x    (&lt;/speak&gt;"));
}

static void what_does_not_fit_is_not_said(void **state)
{
    const char *text = "Hola, {name}. Adiós.", *all = WRAPPED("Hola, Ana. Adiós.");
    size_t n;

    (void)state;
    for (n = 0; n <= strlen(all) + 1; n++) {
        said[n] = 'x';
        assert_int_equal(
            say_prompt(SAY_ES, str(text), str(""), now_us, value_of, (void *)(uintptr_t)ana, said, n),
            n > strlen(all) ? strlen(all) : 0);
        assert_int_equal(said[n], 'x');
        if (n)
            assert_string_equal(said, n > strlen(all) ? all : "");
    }
}

/* ---- what operators may write -----------------------------------------------------------------------------
 */

static void what_is_wrong_is_told_with_its_place(void **state)
{
    static const struct {
        const char *prompt, *wrong;
    } t[] = {
        {"", "it says nothing"},
        {"  \n", "it says nothing"},
        {"Hola, {name", "a place is not closed by }"},
        {"Hola, {name|", "a place is not closed by }"},
        {"Hola, name}", "a } without its {; a brace is written twice: }}"},
        {"Hola, {}", "a place has a name of at most 64 letters: {customer.name}"},
        {"Hola, {your name}",
         "a place's name has letters, digits, dots, - and _: {customer.name}; a brace is written twice: {{"},
        {"Hola, {name|upper}", "a place's form is number, count, count_f, digits, key, date, time, "
                               "date_time, money, phone or spell"},
        {"<speak>Hola", "line 1, column 12: no element found"},
        {"<speak>Hola</p></speak>", "line 1, column 14: mismatched tag"},
        {"<speak>\n<audio src=\"x\"/></speak>", "line 2, column 1: <audio> can't be spoken; there are p, s, "
                                                "break, prosody, emphasis, say-as, sub and lang"},
        {"<speak>a <speak>b</speak></speak>",
         "line 1, column 10: <speak> is the outermost element and no other"},
        {"<speak>Hola {name</speak>", "line 1, column 8: a place is not closed by }"},
        {"<speak><break time=\"11s\"/></speak>",
         "line 1, column 8: <break time=…> is like \"500ms\" or \"2s\", at most 10s"},
        {"<speak><break time=\"{n}\"/></speak>",
         "line 1, column 8: <break time=…> is like \"500ms\" or \"2s\", at most 10s"},
        {"<speak><break strength=\"huge\"/></speak>", "line 1, column 8: <break strength=\"huge\"> is not "
                                                      "known; there are none, x-weak, weak, medium, strong, "
                                                      "x-strong"},
        {"<speak><break size=\"1\"/></speak>", "line 1, column 8: <break> has no attribute \"size\" here"},
        {"<speak><break>x</break></speak>", "line 1, column 15: <break> has nothing within; write <break/>"},
        {"<speak><prosody rate=\"10%\">a</prosody></speak>",
         "line 1, column 8: <prosody rate=…> is x-slow, slow, medium, fast, x-fast, default, or 20% to 300%"},
        {"<speak><prosody>a</prosody></speak>",
         "line 1, column 8: <prosody> needs a rate; pitch and volume are not spoken here"},
        {"<speak><emphasis level=\"loud\">a</emphasis></speak>",
         "line 1, column 8: <emphasis level=\"loud\"> is not known; there are none, reduced, moderate, "
         "strong"},
        {"<speak><say-as>1</say-as></speak>", "line 1, column 8: <say-as> needs interpret-as: digits, "
                                              "cardinal, date, time, telephone, characters"},
        {"<speak><say-as interpret-as=\"date\">mañana</say-as></speak>",
         "line 1, column 36: \"mañana\" within <say-as> is not a date like 2026-12-01"},
        {"<speak><say-as interpret-as=\"digits\"><s>1</s></say-as></speak>",
         "line 1, column 38: within <say-as> and <sub> is text alone"},
        {"<speak><sub>a</sub></speak>", "line 1, column 8: <sub> needs an alias: what is spoken instead"},
        {"<speak><lang>a</lang></speak>", "line 1, column 8: <lang> needs xml:lang: es or en"},
        {"<speak xml:lang=\"de\">a</speak>", "line 1, column 1: xml:lang is es or en here, with or without a "
                                             "region; no other language has a voice"},
        {"<speak>&a;</speak>", "line 1, column 8: undefined entity"},
        {"<speak>a</speak>b", "line 1, column 17: junk after document element"},
        {"<speak>\xff</speak>", "line 1, column 8: not well-formed (invalid token)"},
    };
    char wrong[256];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        if (say_check(str(t[i].prompt), wrong))
            fail_msg("taken: %s", t[i].prompt);
        assert_string_equal(wrong, t[i].wrong);
        assert_string_equal(prompt(t[i].prompt), "");
    }
}

static void no_document_type_and_no_depth_without_end(void **state)
{
    static const struct ssml_reader nothing = {0};
    char wrong[256], deep[512] = "<speak>", *pauses = calloc(1, 4000);
    unsigned i;

    (void)state;
    assert_false(ssml_read(str("<!DOCTYPE speak [<!ENTITY a \"b\">]><speak>&a;</speak>"), SAY_ES, &nothing,
                           NULL, wrong));
    assert_string_equal(wrong, "line 1, column 17: a document type is not taken; begin with <speak>");
    for (i = 0; i < 16; i++)
        (void)strcat(deep, "<s>");
    assert_false(say_check(str(deep), wrong));
    assert_non_null(strstr(wrong, "more than 16 elements within one another"));
    (void)strcpy(pauses, "<speak>");
    for (i = 0; i < 7; i++)
        (void)strcat(pauses, "<break time=\"10s\"/>");
    (void)strcat(pauses, "</speak>");
    assert_false(say_check(str(pauses), wrong));
    assert_non_null(strstr(wrong, "more than a minute in all"));
    memset(pauses, 'a', 3999);
    assert_true(say_check((struct hilo_str){pauses, 3999}, wrong));
    free(pauses);
}

static void ssml_becomes_what_espeak_ng_takes(void **state)
{
    static const struct {
        const char *in, *out;
    } t[] = {
        {"<speak>Hola</speak>", WRAPPED("Hola")},
        {"<?xml version=\"1.0\"?><speak version=\"1.1\" xmlns=\"http://www.w3.org/2001/10/synthesis\">a<!-- "
         "b -->c</speak>",
         WRAPPED("ac")},
        {"<speak><p>a</p><s>b</s></speak>", WRAPPED("<p>a</p><s>b</s>")},
        {"<speak>a<break/>b<break strength=\"weak\"/>c<break time=\"1.5s\"/></speak>",
         WRAPPED("a<break time=\"500ms\"/>b<break time=\"250ms\"/>c<break time=\"1500ms\"/>")},
        {"<speak><prosody rate=\"x-fast\">a</prosody><prosody rate=\"90%\">b</prosody></speak>",
         WRAPPED("<prosody rate=\"170%\">a</prosody><prosody rate=\"90%\">b</prosody>")},
        {"<speak><emphasis level=\"strong\">a</emphasis></speak>",
         WRAPPED("<emphasis level=\"strong\">a</emphasis>")},
        {"<speak><sub alias=\"dos &amp; tres\">2&amp;3</sub></speak>", WRAPPED("dos &amp; tres")},
        {"<speak><say-as interpret-as=\"digits\">12</say-as></speak>", WRAPPED("uno, dos")},
        {"<speak><say-as interpret-as=\"cardinal\"> 21 </say-as></speak>", WRAPPED("veintiuno")},
        {"<speak><say-as interpret-as=\"date\">2026-12-01</say-as></speak>",
         WRAPPED("primero de diciembre de dos mil veintiséis")},
        {"<speak><say-as interpret-as=\"time\">13:30</say-as></speak>", WRAPPED("una y media de la tarde")},
        {"<speak><say-as interpret-as=\"telephone\">5551234</say-as></speak>",
         WRAPPED("cinco cinco cinco, uno dos tres cuatro")},
        {"<speak><say-as interpret-as=\"characters\">ñ1</say-as></speak>", WRAPPED("eñe, uno")},
        {"<speak>Diga <lang xml:lang=\"en-US\">hello <say-as interpret-as=\"digits\">1</say-as></lang> y "
         "<say-as interpret-as=\"digits\">1</say-as></speak>",
         WRAPPED("Diga <voice name=\"en-us\">hello one</voice> y uno")},
        {"<speak xml:lang=\"en\">a <s xml:lang=\"es\">b</s> c</speak>",
         "<speak><voice name=\"en-us\">a <s><voice name=\"es-419\">b</voice></s> c</voice></speak>"},
    };
    const struct hilo_str voices[2] = {str("es-419"), str("en-us")};
    char wrong[256], out[SAY_MAX];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        if (!ssml_for_espeak(str(t[i].in), SAY_ES, voices, out, sizeof out, wrong))
            fail_msg("%s: %s", t[i].in, wrong);
        assert_string_equal(out, t[i].out);
        /* What say_prompt() makes of it, as it has no places, says the same. */
        (void)prompt(t[i].in);
        assert_true(ssml_for_espeak(str(said), SAY_ES, voices, out, sizeof out, wrong) > 0);
        assert_string_equal(out, t[i].out);
    }
    assert_int_equal(ssml_for_espeak(str("<speak>Hola</speak>"), SAY_ES, voices, out, 19, wrong), 0);
    assert_string_equal(wrong, "it is too long to be spoken at once; part it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_prompt_is_there_in_both_languages),
        cmocka_unit_test(the_manual_has_every_prompt),
        cmocka_unit_test(what_must_be_heard_needs_no_value),
        cmocka_unit_test(places_are_filled),
        cmocka_unit_test(hours_are_those_of_her_zone),
        cmocka_unit_test(a_sentence_without_its_value_is_left_out),
        cmocka_unit_test(nothing_in_a_value_is_markup),
        cmocka_unit_test(what_does_not_fit_is_not_said),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(no_document_type_and_no_depth_without_end),
        cmocka_unit_test(ssml_becomes_what_espeak_ng_takes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
