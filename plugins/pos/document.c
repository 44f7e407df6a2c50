/*
 * Documents: the number without what people write between its characters, judged by its type
 * (document_check.c), in one spelling. SPDX-License-Identifier: Apache-2.0
 */
#include "document.h"
#include "document_check.h"

#include <string.h>

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Into s what counts of a number; NULL, or what is wrong. */
static const char *number_read(struct hilo_str number, char s[POS_DOCUMENT_NUMBER_MAX + 1], size_t *n_out)
{
    size_t i, n = 0;

    for (i = 0; i < number.n; i++) {
        char c = upper(number.p[i]);

        if (c == '*' || c == '%' || c == '?' || c == '_')
            return "pattern";
        if (c == ' ' || c == '.' || c == '-' || c == '/')
            continue;
        if (c == '\xc3' && i + 1 < number.n && (number.p[i + 1] == '\x91' || number.p[i + 1] == '\xb1')) {
            c = POS_DOCUMENT_ENYE;
            i++;
        } else if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && c != '&') {
            return POS_WHY_CHARACTERS;
        }
        if (n == POS_DOCUMENT_NUMBER_MAX)
            return POS_WHY_LENGTH;
        s[n++] = c;
    }
    s[n] = '\0';
    *n_out = n;
    return n ? NULL : POS_WHY_LENGTH;
}

static bool word_is(struct hilo_str s, const char *word)
{
    size_t i, n = strlen(word);

    for (i = 0; i < n && s.n == n && upper(s.p[i]) == word[i]; i++)
        ;
    return s.n == n && i == n;
}

/* "CO:CC:" and the number; Ñ becomes UTF-8 again. */
static void document_write(const char *country, const char *type, const char *s, char out[POS_DOCUMENT_MAX])
{
    size_t at = 0, n = strlen(type);

    memcpy(out, country, 2);
    out[2] = ':';
    memcpy(out + 3, type, n);
    at = 3 + n;
    out[at++] = ':';
    for (; *s; s++) {
        if (*s == POS_DOCUMENT_ENYE)
            out[at++] = '\xc3';
        out[at++] = *s == POS_DOCUMENT_ENYE ? '\x91' : *s;
    }
    out[at] = '\0';
}

int pos_document(struct hilo_str country, struct hilo_str type, struct hilo_str number,
                 char out[POS_DOCUMENT_MAX], const char **why_out)
{
    const struct pos_document_type *t = NULL, *one;
    bool known = false, passport = word_is(type, "PASSPORT") || word_is(type, "PA");
    char s[POS_DOCUMENT_NUMBER_MAX + 1], land[3] = "";
    const char *why;
    size_t n;

    for (one = pos_document_types; one->type && !known; one++) {
        known = word_is(country, one->country);
        memcpy(land, one->country, sizeof land);
    }
    if (!known) {
        *why_out = "country";
        return HILO_INVALID;
    }
    why = number_read(number, s, &n);
    if (why) {
        *why_out = why;
        return HILO_INVALID;
    }
    if (type.n == 0 || (word_is(type, "NIF") && word_is(country, "ES"))) {
        type.p = pos_document_type_by_form(land, s, n);
        type.n = strlen(type.p);
    }
    for (one = pos_document_types; one->type && !t && !passport; one++)
        if (memcmp(one->country, land, 2) == 0 && word_is(type, one->type))
            t = one;
    if (!t && !passport) {
        *why_out = "type";
        return HILO_INVALID;
    }
    why = t ? t->check(s, &n) : pos_document_passport(s, &n);
    if (why) {
        *why_out = why;
        return HILO_INVALID;
    }
    document_write(land, t ? t->as : "PASSPORT", s, out);
    return HILO_OK;
}

int pos_document_text(struct hilo_str text, struct hilo_str default_country, char out[POS_DOCUMENT_MAX],
                      const char **why_out)
{
    const char *first = text.n ? memchr(text.p, ':', text.n) : NULL, *second;
    struct hilo_str country, type, number;

    if (!first)
        return pos_document(default_country, (struct hilo_str){NULL, 0}, text, out, why_out);
    country = (struct hilo_str){text.p, (uint64_t)(first - text.p)};
    number = (struct hilo_str){first + 1, text.n - country.n - 1};
    second = number.n ? memchr(number.p, ':', number.n) : NULL;
    if (!second) {
        *why_out = POS_WHY_FORM;
        return HILO_INVALID;
    }
    type = (struct hilo_str){number.p, (uint64_t)(second - number.p)};
    number = (struct hilo_str){second + 1, number.n - type.n - 1};
    return pos_document(country, type, number, out, why_out);
}

const char *pos_document_words(const char *why, bool spanish)
{
    static const struct {
        const char *why, *en, *es;
    } words[] = {
        {"country", "documents of this country can't be looked up", "no se buscan documentos de este país"},
        {"type", "this country has no such type of document", "ese país no tiene ese tipo de documento"},
        {"pattern", "type the whole number; parts of numbers are not looked up",
         "escriba el número completo; no se busca por partes"},
        {POS_WHY_CHARACTERS, "the number has characters that do not belong in it",
         "el número tiene caracteres que no le corresponden"},
        {POS_WHY_LENGTH, "the number has too few or too many digits",
         "al número le faltan o le sobran dígitos"},
        {POS_WHY_FORM, "the number has not the form of its type", "el número no tiene la forma de su tipo"},
        {POS_WHY_DATE, "the date in the number does not exist", "la fecha que hay en el número no existe"},
        {POS_WHY_REPEATED, "a digit repeated is nobody's number", "un dígito repetido no es número de nadie"},
        {POS_WHY_GENERIC, "this number is nobody's: it stands for the public",
         "ese número es genérico: no es de nadie"},
        {POS_WHY_CHECK_DIGIT, "a digit is wrong: the check digit does not fit",
         "hay un dígito errado: no cuadra el dígito de verificación"},
    };
    size_t i;

    for (i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].why, why) == 0)
            return spanish ? words[i].es : words[i].en;
    return spanish ? "el número no es válido" : "the number is not valid";
}
