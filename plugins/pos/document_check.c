/*
 * Types of documents and their check digits. Algorithms: CO NIT, DIAN's Orden administrativa 4 of 1989; MX
 * CURP, RENAPO's Instructivo normativo (2021), RFC, SAT's Anexo 20 and the algorithm of 1996; PE DNI, RENIEC,
 * RUC, SUNAT; CL RUT, Servicio de Impuestos Internos; AR CUIT, AFIP (ARCA); BR CPF, CNPJ, Receita Federal,
 * letters by IN RFB 2.229/2024; ES DNI, NIE, RD 1553/2005. SPDX-License-Identifier: Apache-2.0
 */
#include "document_check.h"

#include <stdbool.h>
#include <string.h>

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
        return POS_WHY_CHARACTERS;
    return n < least || n > most ? POS_WHY_LENGTH : NULL;
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
        return POS_WHY_LENGTH;
    return repeated(s, *n) ? POS_WHY_REPEATED : NULL;
}

static const char *co_ti(char *s, size_t *n)
{
    const char *why = digits_between(s, *n, 10, 11);

    return why ? why : repeated(s, *n) ? POS_WHY_REPEATED : NULL;
}

static const char *co_ce(char *s, size_t *n)
{
    const char *why;

    strip_zeros(s, n);
    why = digits_between(s, *n, 3, 10);
    return why ? why : repeated(s, *n) ? POS_WHY_REPEATED : NULL;
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
        return POS_WHY_REPEATED;
    for (i = 0; i + 1 < *n; i++)
        sum += (unsigned)(s[*n - 2 - i] - '0') * weight[i];
    r = sum % 11;
    return s[*n - 1] == (char)('0' + (r < 2 ? r : 11 - r)) ? NULL : POS_WHY_CHECK_DIGIT;
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
        return POS_WHY_LENGTH;
    for (i = 0; i < 18; i++)
        if (!is_letter(s[i]) && !is_digit(s[i]))
            return POS_WHY_CHARACTERS;
    for (i = 0; i < 16; i++)
        if ((i >= 4 && i < 10) != is_digit(s[i]))
            return POS_WHY_FORM;
    if (!strchr("HMX", s[10]) || !mx_state(s + 11) || strcspn(s + 13, "AEIOU") < 3 || !is_digit(s[17]))
        return POS_WHY_FORM;
    if (!real_date(s + 4))
        return POS_WHY_DATE;
    for (i = 0; i < 17; i++)
        sum += curp_value(s[i]) * (18 - i);
    return s[17] == (char)('0' + (10 - sum % 10) % 10) ? NULL : POS_WHY_CHECK_DIGIT;
}

/* 0-9, A-N 10-23, & 24, O-Z 25-36, space 37, Ñ 38. */
static unsigned rfc_value(char c)
{
    return c == '&' ? 24 : c == POS_DOCUMENT_ENYE ? 38 : curp_value(c);
}

/* Of a person 13 characters, of a company 12, which count as if a blank came first. */
static const char *mx_rfc(char *s, size_t *n)
{
    size_t name = *n - 9, i;
    unsigned sum = *n == 12 ? 37 * 13 : 0, r;
    char want;

    if (*n != 12 && *n != 13)
        return POS_WHY_LENGTH;
    for (i = 0; i < name; i++)
        if (is_digit(s[i]))
            return POS_WHY_FORM;
    for (i = name; i < *n; i++)
        if (!is_digit(s[i]) && !is_letter(s[i]))
            return POS_WHY_CHARACTERS;
    if (!all_digits(s + name, 6))
        return POS_WHY_FORM;
    if (!real_date(s + name))
        return POS_WHY_DATE;
    if (memcmp(s, "XAXX010101", 10) == 0 || memcmp(s, "XEXX010101", 10) == 0)
        return POS_WHY_GENERIC;
    for (i = 0; i + 1 < *n; i++)
        sum += rfc_value(s[i]) * (unsigned)(*n - i);
    r = sum % 11;
    want = r == 0 ? '0' : r == 1 ? 'A' : (char)('0' + 11 - r);
    return s[*n - 1] == want ? NULL : POS_WHY_CHECK_DIGIT;
}

/* ---- Peru ------------------------------------------------------------------------------------------------
 */

/* Eight digits; the ninth character, which is printed apart, is a digit or a letter by the series. */
static const char *pe_dni(char *s, size_t *n)
{
    static const unsigned char weight[] = {3, 2, 7, 6, 5, 4, 3, 2};
    unsigned r;

    if (*n != 8 && *n != 9)
        return POS_WHY_LENGTH;
    if (!all_digits(s, 8) || s[8] == '&' || s[8] == POS_DOCUMENT_ENYE)
        return POS_WHY_CHARACTERS;
    if (repeated(s, 8))
        return POS_WHY_REPEATED;
    r = weighted(s, weight, 8) % 11;
    if (*n == 9 && s[8] != "65432110987"[r] && s[8] != "KJIHGFEDCBA"[r])
        return POS_WHY_CHECK_DIGIT;
    s[ *n = 8] = '\0';
    return NULL;
}

static const char *pe_ce(char *s, size_t *n)
{
    const char *why = digits_between(s, *n, 9, 12);

    return why ? why : repeated(s, *n) ? POS_WHY_REPEATED : NULL;
}

static const char *pe_ruc(char *s, size_t *n)
{
    static const unsigned char weight[] = {5, 4, 3, 2, 7, 6, 5, 4, 3, 2};
    const char *why = digits_between(s, *n, 11, 11);

    if (why)
        return why;
    if (memcmp(s, "10", 2) != 0 && memcmp(s, "15", 2) != 0 && memcmp(s, "16", 2) != 0 &&
        memcmp(s, "17", 2) != 0 && memcmp(s, "20", 2) != 0)
        return POS_WHY_FORM;
    return s[10] == (char)('0' + (11 - weighted(s, weight, 10) % 11) % 10) ? NULL : POS_WHY_CHECK_DIGIT;
}

/* ---- Chile
 * ------------------------------------------------------------------------------------------------- */

static const char *cl_rut(char *s, size_t *n)
{
    unsigned sum = 0, r;
    size_t i;

    strip_zeros(s, n);
    if (*n < 2 || !all_digits(s, *n - 1) || (!is_digit(s[*n - 1]) && s[*n - 1] != 'K'))
        return POS_WHY_CHARACTERS;
    if (*n < 7 || *n > 9)
        return POS_WHY_LENGTH;
    if (repeated(s, *n - 1))
        return POS_WHY_REPEATED;
    for (i = 0; i + 1 < *n; i++)
        sum += (unsigned)(s[*n - 2 - i] - '0') * (unsigned)(2 + i % 6);
    r = 11 - sum % 11;
    return s[*n - 1] == (r == 11 ? '0' : r == 10 ? 'K' : (char)('0' + r)) ? NULL : POS_WHY_CHECK_DIGIT;
}

/* ---- Argentina
 * ----------------------------------------------------------------------------------------------- */

/* Of six digits are the oldest, which came from enrolment books. */
static const char *ar_dni(char *s, size_t *n)
{
    const char *why;

    strip_zeros(s, n);
    why = digits_between(s, *n, 6, 8);
    return why ? why : repeated(s, *n) ? POS_WHY_REPEATED : NULL;
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
        return POS_WHY_REPEATED;
    for (i = 0; i + 2 < sizeof kinds && memcmp(kinds + i, s, 2) != 0; i += 3)
        ;
    if (i + 2 >= sizeof kinds)
        return POS_WHY_FORM;
    /* A remainder of 1 would need the digit 10: such numbers get another kind (23 or 33) and then 9 or 4. */
    return s[10] == "0x987654321"[weighted(s, weight, 10) % 11] ? NULL : POS_WHY_CHECK_DIGIT;
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
        return POS_WHY_REPEATED;
    return s[9] == br_digit(weighted(s, weight + 1, 9)) && s[10] == br_digit(weighted(s, weight, 10))
               ? NULL
               : POS_WHY_CHECK_DIGIT;
}

/* Twelve digits or letters, whose value is their ASCII code less 48, and two digits. */
static const char *br_cnpj(char *s, size_t *n)
{
    static const unsigned char weight[] = {6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2};
    size_t i;

    if (*n != 14)
        return POS_WHY_LENGTH;
    for (i = 0; i < 14; i++)
        if (!is_digit(s[i]) && (i >= 12 || !is_letter(s[i])))
            return POS_WHY_CHARACTERS;
    if (repeated(s, 12))
        return POS_WHY_REPEATED;
    return s[12] == br_digit(weighted(s, weight + 1, 12)) && s[13] == br_digit(weighted(s, weight, 13))
               ? NULL
               : POS_WHY_CHECK_DIGIT;
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
        return POS_WHY_LENGTH;
    if (!all_digits(s, *n - 1) || !is_letter(s[*n - 1]))
        return POS_WHY_FORM;
    if (*n < 7)
        return POS_WHY_LENGTH;
    if (repeated(s, *n - 1))
        return POS_WHY_REPEATED;
    if (es_letter(s, *n - 1) != s[*n - 1])
        return POS_WHY_CHECK_DIGIT;
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
        return POS_WHY_LENGTH;
    if (s[0] < 'X' || s[0] > 'Z' || !all_digits(s + 1, 7) || !is_letter(s[8]))
        return POS_WHY_FORM;
    if (repeated(s + 1, 7))
        return POS_WHY_REPEATED;
    digits[0] = (char)('0' + (s[0] - 'X'));
    memcpy(digits + 1, s + 1, 7);
    return es_letter(digits, 8) == s[8] ? NULL : POS_WHY_CHECK_DIGIT;
}

/* ---- any country
 * ---------------------------------------------------------------------------------------------------- */

const char *pos_document_passport(char *s, size_t *n)
{
    size_t i;

    for (i = 0; i < *n; i++)
        if (!is_digit(s[i]) && !is_letter(s[i]))
            return POS_WHY_CHARACTERS;
    if (*n < 5 || *n > 15)
        return POS_WHY_LENGTH;
    return repeated(s, *n) ? POS_WHY_REPEATED : NULL;
}

const struct pos_document_type pos_document_types[] = {
    {"CO", "CC", "CC", co_cc},       {"CO", "TI", "TI", co_ti},       {"CO", "CE", "CE", co_ce},
    {"CO", "NIT", "NIT", co_nit},    {"MX", "CURP", "CURP", mx_curp}, {"MX", "RFC", "RFC", mx_rfc},
    {"PE", "DNI", "DNI", pe_dni},    {"PE", "CE", "CE", pe_ce},       {"PE", "RUC", "RUC", pe_ruc},
    {"CL", "RUT", "RUT", cl_rut},    {"CL", "RUN", "RUT", cl_rut},    {"AR", "DNI", "DNI", ar_dni},
    {"AR", "CUIT", "CUIT", ar_cuit}, {"AR", "CUIL", "CUIT", ar_cuit}, {"BR", "CPF", "CPF", br_cpf},
    {"BR", "CNPJ", "CNPJ", br_cnpj}, {"ES", "DNI", "DNI", es_dni},    {"ES", "NIE", "NIE", es_nie},
    {"", NULL, NULL, NULL},
};

/* What a number of this country is that came without its type. */
const char *pos_document_type_by_form(const char *country, const char *s, size_t n)
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
