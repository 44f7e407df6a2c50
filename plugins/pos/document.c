/*
 * Documents: the number without what people write between its characters, then a function for each type, in
 * one table. Algorithms: CO NIT, DIAN's Orden administrativa 4 of 1989; MX CURP, RENAPO's Instructivo
 * normativo (2021), RFC, SAT's Anexo 20 and the algorithm of 1996; PE DNI, RENIEC, RUC, SUNAT; CL RUT,
 * Servicio de Impuestos Internos; AR CUIT, AFIP (ARCA); BR CPF, CNPJ, Receita Federal, letters by IN
 * RFB 2.229/2024; ES DNI, NIE, RD 1553/2005. SPDX-License-Identifier: Apache-2.0
 */
#include "document.h"

#include <string.h>

enum { NUMBER_MAX = 32 };

/* What a type's function gets: capitals, digits, '&', and Ñ as '\1', NUL-ended. It may shorten or add. */
typedef const char *document_fn(char *s, size_t *n);

#define WHY_CHARACTERS  "characters"
#define WHY_LENGTH      "length"
#define WHY_FORM        "form"
#define WHY_DATE        "date"
#define WHY_REPEATED    "repeated"
#define WHY_GENERIC     "generic"
#define WHY_CHECK_DIGIT "check_digit"
#define ENYE            '\1'

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool all_digits(const char *s, size_t n)
{
    while (n > 0 && is_digit(s[n - 1]))
        n--;
    return n == 0;
}

static bool repeated(const char *s, size_t n)
{
    size_t i;

    for (i = 1; i < n; i++)
        if (s[i] != s[0])
            return false;
    return n > 1;
}

/* Digits alone, from least to most of them. */
static const char *digits_between(const char *s, size_t n, size_t least, size_t most)
{
    if (!all_digits(s, n))
        return WHY_CHARACTERS;
    return n < least || n > most ? WHY_LENGTH : NULL;
}

/* The sum of characters' values by weights; a value is its distance from '0' (letters: from 17 on). */
static unsigned weighted(const char *s, const unsigned char *weight, size_t n)
{
    unsigned sum = 0;
    size_t i;

    for (i = 0; i < n; i++)
        sum += (unsigned)(s[i] - '0') * weight[i];
    return sum;
}

static void strip_zeros(char *s, size_t *n)
{
    size_t zeros = 0;

    while (zeros + 1 < *n && s[zeros] == '0')
        zeros++;
    *n -= zeros;
    memmove(s, s + zeros, *n + 1);
}

/* yymmdd of some century. */
static bool real_date(const char *s)
{
    static const unsigned char days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned month, day;

    if (!all_digits(s, 6))
        return false;
    month = (unsigned)(s[2] - '0') * 10 + (unsigned)(s[3] - '0');
    day = (unsigned)(s[4] - '0') * 10 + (unsigned)(s[5] - '0');
    return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

/* ---- Colombia -------------------------------------------------------------------------------------- */

/* Up to eight digits, and ten from 1.000.000.000 on; there were never any of nine. */
static const char *co_cc(char *s, size_t *n)
{
    const char *why = digits_between(s, *n, 1, 16);

    if (why)
        return why;
    strip_zeros(s, n);
    if (*n < 3 || *n == 9 || *n > 10 || (*n == 10 && s[0] != '1'))
        return WHY_LENGTH;
    return repeated(s, *n) ? WHY_REPEATED : NULL;
}

static const char *co_ti(char *s, size_t *n)
{
    const char *why = digits_between(s, *n, 10, 11);

    return why ? why : repeated(s, *n) ? WHY_REPEATED : NULL;
}

static const char *co_ce(char *s, size_t *n)
{
    const char *why;

    strip_zeros(s, n);
    why = digits_between(s, *n, 3, 10);
    return why ? why : repeated(s, *n) ? WHY_REPEATED : NULL;
}

static const char *co_nit(char *s, size_t *n)
{
    static const unsigned char weight[] = {3, 7, 13, 17, 19, 23, 29, 37, 41, 43};
    const char *why = digits_between(s, *n, 6, 11);
    unsigned sum = 0, r;
    size_t i;

    if (why)
        return why;
    if (repeated(s, *n - 1))
        return WHY_REPEATED;
    for (i = 0; i + 1 < *n; i++)
        sum += (unsigned)(s[*n - 2 - i] - '0') * weight[i];
    r = sum % 11;
    return s[*n - 1] == (char)('0' + (r < 2 ? r : 11 - r)) ? NULL : WHY_CHECK_DIGIT;
}

/* ---- Mexico ------------------------------------------------------------------------------------------ */

static bool mx_state(const char *s)
{
    static const char states[] =
        "AS BC BS CC CL CM CS CH DF DG GT GR HG JC MC MN MS NT NL OC PL QT QR SP SL SR TC "
        "TS TL VZ YN ZS NE ";
    size_t i;

    for (i = 0; i + 2 < sizeof states; i += 3)
        if (states[i] == s[0] && states[i + 1] == s[1])
            return true;
    return false;
}

/* In an alphabet with Ñ between N and O: 0-9, A-N 10-23, Ñ 24, O-Z 25-36. */
static unsigned curp_value(char c)
{
    return is_digit(c) ? (unsigned)(c - '0') : (unsigned)(c - 'A') + (c > 'N' ? 11 : 10);
}

static const char *mx_curp(char *s, size_t *n)
{
    unsigned sum = 0, i;

    if (*n != 18)
        return WHY_LENGTH;
    for (i = 0; i < 18; i++)
        if (!is_letter(s[i]) && !is_digit(s[i]))
            return WHY_CHARACTERS;
    for (i = 0; i < 16; i++)
        if ((i >= 4 && i < 10) != is_digit(s[i]))
            return WHY_FORM;
    if (!strchr("HMX", s[10]) || !mx_state(s + 11) || strcspn(s + 13, "AEIOU") < 3 || !is_digit(s[17]))
        return WHY_FORM;
    if (!real_date(s + 4))
        return WHY_DATE;
    for (i = 0; i < 17; i++)
        sum += curp_value(s[i]) * (18 - i);
    return s[17] == (char)('0' + (10 - sum % 10) % 10) ? NULL : WHY_CHECK_DIGIT;
}

/* 0-9, A-N 10-23, & 24, O-Z 25-36, space 37, Ñ 38. */
static unsigned rfc_value(char c)
{
    return c == '&' ? 24 : c == ENYE ? 38 : curp_value(c);
}

/* Of a person 13 characters, of a company 12, which count as if a blank came first. */
static const char *mx_rfc(char *s, size_t *n)
{
    size_t name = *n - 9, i;
    unsigned sum = *n == 12 ? 37 * 13 : 0, r;
    char want;

    if (*n != 12 && *n != 13)
        return WHY_LENGTH;
    for (i = 0; i < name; i++)
        if (is_digit(s[i]))
            return WHY_FORM;
    for (i = name; i < *n; i++)
        if (!is_digit(s[i]) && !is_letter(s[i]))
            return WHY_CHARACTERS;
    if (!all_digits(s + name, 6))
        return WHY_FORM;
    if (!real_date(s + name))
        return WHY_DATE;
    if (memcmp(s, "XAXX010101", 10) == 0 || memcmp(s, "XEXX010101", 10) == 0)
        return WHY_GENERIC;
    for (i = 0; i + 1 < *n; i++)
        sum += rfc_value(s[i]) * (unsigned)(*n - i);
    r = sum % 11;
    want = r == 0 ? '0' : r == 1 ? 'A' : (char)('0' + 11 - r);
    return s[*n - 1] == want ? NULL : WHY_CHECK_DIGIT;
}

/* ---- Peru ------------------------------------------------------------------------------------------------
 */

/* Eight digits; the ninth character, which is printed apart, is a digit or a letter by the series. */
static const char *pe_dni(char *s, size_t *n)
{
    static const unsigned char weight[] = {3, 2, 7, 6, 5, 4, 3, 2};
    unsigned r;

    if (*n != 8 && *n != 9)
        return WHY_LENGTH;
    if (!all_digits(s, 8) || s[8] == '&' || s[8] == ENYE)
        return WHY_CHARACTERS;
    if (repeated(s, 8))
        return WHY_REPEATED;
    r = weighted(s, weight, 8) % 11;
    if (*n == 9 && s[8] != "65432110987"[r] && s[8] != "KJIHGFEDCBA"[r])
        return WHY_CHECK_DIGIT;
    s[ *n = 8] = '\0';
    return NULL;
}

static const char *pe_ce(char *s, size_t *n)
{
    const char *why = digits_between(s, *n, 9, 12);

    return why ? why : repeated(s, *n) ? WHY_REPEATED : NULL;
}

static const char *pe_ruc(char *s, size_t *n)
{
    static const unsigned char weight[] = {5, 4, 3, 2, 7, 6, 5, 4, 3, 2};
    const char *why = digits_between(s, *n, 11, 11);

    if (why)
        return why;
    if (memcmp(s, "10", 2) != 0 && memcmp(s, "15", 2) != 0 && memcmp(s, "16", 2) != 0 &&
        memcmp(s, "17", 2) != 0 && memcmp(s, "20", 2) != 0)
        return WHY_FORM;
    return s[10] == (char)('0' + (11 - weighted(s, weight, 10) % 11) % 10) ? NULL : WHY_CHECK_DIGIT;
}

/* ---- Chile
 * ------------------------------------------------------------------------------------------------- */

static const char *cl_rut(char *s, size_t *n)
{
    unsigned sum = 0, r;
    size_t i;

    strip_zeros(s, n);
    if (*n < 2 || !all_digits(s, *n - 1) || (!is_digit(s[*n - 1]) && s[*n - 1] != 'K'))
        return WHY_CHARACTERS;
    if (*n < 7 || *n > 9)
        return WHY_LENGTH;
    if (repeated(s, *n - 1))
        return WHY_REPEATED;
    for (i = 0; i + 1 < *n; i++)
        sum += (unsigned)(s[*n - 2 - i] - '0') * (unsigned)(2 + i % 6);
    r = 11 - sum % 11;
    return s[*n - 1] == (r == 11 ? '0' : r == 10 ? 'K' : (char)('0' + r)) ? NULL : WHY_CHECK_DIGIT;
}

/* ---- Argentina
 * ----------------------------------------------------------------------------------------------- */

/* Of six digits are the oldest, which came from enrolment books. */
static const char *ar_dni(char *s, size_t *n)
{
    const char *why;

    strip_zeros(s, n);
    why = digits_between(s, *n, 6, 8);
    return why ? why : repeated(s, *n) ? WHY_REPEATED : NULL;
}

static const char *ar_cuit(char *s, size_t *n)
{
    static const unsigned char weight[] = {5, 4, 3, 2, 7, 6, 5, 4, 3, 2};
    static const char kinds[] = "20 23 24 25 26 27 30 33 34 50 51 55 ";
    const char *why = digits_between(s, *n, 11, 11);
    size_t i;

    if (why)
        return why;
    if (repeated(s + 2, 8))
        return WHY_REPEATED;
    for (i = 0; i + 2 < sizeof kinds && memcmp(kinds + i, s, 2) != 0; i += 3)
        ;
    if (i + 2 >= sizeof kinds)
        return WHY_FORM;
    /* A remainder of 1 would need the digit 10: such numbers get another kind (23 or 33) and then 9 or 4. */
    return s[10] == "0x987654321"[weighted(s, weight, 10) % 11] ? NULL : WHY_CHECK_DIGIT;
}

/* ---- Brazil
 * ---------------------------------------------------------------------------------------------------- */

static char br_digit(unsigned sum)
{
    return (char)('0' + (sum % 11 < 2 ? 0 : 11 - sum % 11));
}

static const char *br_cpf(char *s, size_t *n)
{
    static const unsigned char weight[] = {11, 10, 9, 8, 7, 6, 5, 4, 3, 2};
    const char *why = digits_between(s, *n, 11, 11);

    if (why)
        return why;
    if (repeated(s, 11))
        return WHY_REPEATED;
    return s[9] == br_digit(weighted(s, weight + 1, 9)) && s[10] == br_digit(weighted(s, weight, 10))
               ? NULL
               : WHY_CHECK_DIGIT;
}

/* Twelve digits or letters, whose value is their ASCII code less 48, and two digits. */
static const char *br_cnpj(char *s, size_t *n)
{
    static const unsigned char weight[] = {6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2};
    size_t i;

    if (*n != 14)
        return WHY_LENGTH;
    for (i = 0; i < 14; i++)
        if (!is_digit(s[i]) && (i >= 12 || !is_letter(s[i])))
            return WHY_CHARACTERS;
    if (repeated(s, 12))
        return WHY_REPEATED;
    return s[12] == br_digit(weighted(s, weight + 1, 12)) && s[13] == br_digit(weighted(s, weight, 13))
               ? NULL
               : WHY_CHECK_DIGIT;
}

/* ---- Spain
 * ------------------------------------------------------------------------------------------------------- */

static char es_letter(const char *digits, size_t n)
{
    unsigned v = 0;
    size_t i;

    for (i = 0; i < n; i++)
        v = v * 10 + (unsigned)(digits[i] - '0');
    return "TRWAGMYFPDXBNJZSQVHLCKE"[v % 23];
}

static const char *es_dni(char *s, size_t *n)
{
    size_t missing;

    if (*n < 2 || *n > 9)
        return WHY_LENGTH;
    if (!all_digits(s, *n - 1) || !is_letter(s[*n - 1]))
        return WHY_FORM;
    if (*n < 7)
        return WHY_LENGTH;
    if (repeated(s, *n - 1))
        return WHY_REPEATED;
    if (es_letter(s, *n - 1) != s[*n - 1])
        return WHY_CHECK_DIGIT;
    missing = 9 - *n;
    memmove(s + missing, s, *n + 1);
    memset(s, '0', missing);
    *n = 9;
    return NULL;
}

static const char *es_nie(char *s, size_t *n)
{
    char digits[8];

    if (*n != 9)
        return WHY_LENGTH;
    if (s[0] < 'X' || s[0] > 'Z' || !all_digits(s + 1, 7) || !is_letter(s[8]))
        return WHY_FORM;
    if (repeated(s + 1, 7))
        return WHY_REPEATED;
    digits[0] = (char)('0' + (s[0] - 'X'));
    memcpy(digits + 1, s + 1, 7);
    return es_letter(digits, 8) == s[8] ? NULL : WHY_CHECK_DIGIT;
}

/* ---- any country
 * ---------------------------------------------------------------------------------------------------- */

static const char *any_passport(char *s, size_t *n)
{
    size_t i;

    for (i = 0; i < *n; i++)
        if (!is_digit(s[i]) && !is_letter(s[i]))
            return WHY_CHARACTERS;
    if (*n < 5 || *n > 15)
        return WHY_LENGTH;
    return repeated(s, *n) ? WHY_REPEATED : NULL;
}

struct document_type {
    char country[3];
    const char *type, *as; /* as: what it is written as */
    document_fn *check;
};
static const struct document_type types[] = {
    {"CO", "CC", "CC", co_cc},       {"CO", "TI", "TI", co_ti},       {"CO", "CE", "CE", co_ce},
    {"CO", "NIT", "NIT", co_nit},    {"MX", "CURP", "CURP", mx_curp}, {"MX", "RFC", "RFC", mx_rfc},
    {"PE", "DNI", "DNI", pe_dni},    {"PE", "CE", "CE", pe_ce},       {"PE", "RUC", "RUC", pe_ruc},
    {"CL", "RUT", "RUT", cl_rut},    {"CL", "RUN", "RUT", cl_rut},    {"AR", "DNI", "DNI", ar_dni},
    {"AR", "CUIT", "CUIT", ar_cuit}, {"AR", "CUIL", "CUIT", ar_cuit}, {"BR", "CPF", "CPF", br_cpf},
    {"BR", "CNPJ", "CNPJ", br_cnpj}, {"ES", "DNI", "DNI", es_dni},    {"ES", "NIE", "NIE", es_nie},
};

/* What a number of this country is that came without its type. */
static const char *type_by_form(const char *country, const char *s, size_t n)
{
    if (memcmp(country, "CO", 2) == 0)
        return "CC";
    if (memcmp(country, "MX", 2) == 0)
        return n == 18 ? "CURP" : "RFC";
    if (memcmp(country, "PE", 2) == 0)
        return n == 11 ? "RUC" : "DNI";
    if (memcmp(country, "CL", 2) == 0)
        return "RUT";
    if (memcmp(country, "AR", 2) == 0)
        return n == 11 ? "CUIT" : "DNI";
    if (memcmp(country, "BR", 2) == 0)
        return n == 14 ? "CNPJ" : "CPF";
    return s[0] >= 'X' && s[0] <= 'Z' ? "NIE" : "DNI";
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Into s what counts of a number; NULL, or what is wrong. */
static const char *number_read(struct hilo_str number, char s[NUMBER_MAX + 1], size_t *n_out)
{
    size_t i, n = 0;

    for (i = 0; i < number.n; i++) {
        char c = upper(number.p[i]);

        if (c == '*' || c == '%' || c == '?' || c == '_')
            return "pattern";
        if (c == ' ' || c == '.' || c == '-' || c == '/')
            continue;
        if (c == '\xc3' && i + 1 < number.n && (number.p[i + 1] == '\x91' || number.p[i + 1] == '\xb1')) {
            c = ENYE;
            i++;
        } else if (!is_digit(c) && !is_letter(c) && c != '&') {
            return WHY_CHARACTERS;
        }
        if (n == NUMBER_MAX)
            return WHY_LENGTH;
        s[n++] = c;
    }
    s[n] = '\0';
    *n_out = n;
    return n ? NULL : WHY_LENGTH;
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
        if (*s == ENYE)
            out[at++] = '\xc3';
        out[at++] = *s == ENYE ? '\x91' : *s;
    }
    out[at] = '\0';
}

int pos_document(struct hilo_str country, struct hilo_str type, struct hilo_str number,
                 char out[POS_DOCUMENT_MAX], const char **why_out)
{
    const struct document_type *t = NULL;
    bool known = false, passport = word_is(type, "PASSPORT") || word_is(type, "PA");
    char s[NUMBER_MAX + 1], land[3] = "";
    const char *why;
    size_t i, n;

    for (i = 0; i < sizeof types / sizeof *types && !known; i++) {
        known = word_is(country, types[i].country);
        memcpy(land, types[i].country, sizeof land);
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
        type.p = type_by_form(land, s, n);
        type.n = strlen(type.p);
    }
    for (i = 0; i < sizeof types / sizeof *types && !t && !passport; i++)
        if (memcmp(types[i].country, land, 2) == 0 && word_is(type, types[i].type))
            t = &types[i];
    if (!t && !passport) {
        *why_out = "type";
        return HILO_INVALID;
    }
    why = t ? t->check(s, &n) : any_passport(s, &n);
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
        *why_out = WHY_FORM;
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
        {WHY_CHARACTERS, "the number has characters that do not belong in it",
         "el número tiene caracteres que no le corresponden"},
        {WHY_LENGTH, "the number has too few or too many digits", "al número le faltan o le sobran dígitos"},
        {WHY_FORM, "the number has not the form of its type", "el número no tiene la forma de su tipo"},
        {WHY_DATE, "the date in the number does not exist", "la fecha que hay en el número no existe"},
        {WHY_REPEATED, "a digit repeated is nobody's number", "un dígito repetido no es número de nadie"},
        {WHY_GENERIC, "this number is nobody's: it stands for the public",
         "ese número es genérico: no es de nadie"},
        {WHY_CHECK_DIGIT, "a digit is wrong: the check digit does not fit",
         "hay un dígito errado: no cuadra el dígito de verificación"},
    };
    size_t i;

    for (i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].why, why) == 0)
            return spanish ? words[i].es : words[i].en;
    return spanish ? "el número no es válido" : "the number is not valid";
}
