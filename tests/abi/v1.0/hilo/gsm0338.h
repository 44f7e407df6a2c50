/*
 * hilo/gsm0338.h - the alphabets of SMS and what stands for a letter that they lack.
 *
 * 3GPP TS 23.038: the GSM 7 bit default alphabet (6.2.1) and its extension table
 * (6.2.1.1), the Spanish and Portuguese national language single shift tables (A.2.2,
 * A.2.3) and the Portuguese locking shift table (A.3.3). A character is a septet, or ESC
 * (0x1B) and a septet of the extension or single shift table in use.
 *
 * Pure functions of code points, [any] thread, no allocation. What is cut into
 * segments is hilo/segment.h's. SPDX-License-Identifier: Apache-2.0
 */
#ifndef HILO_GSM0338_H
#define HILO_GSM0338_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* National tables in use, as bits; 0: the default alphabet and extension table. (The
 * same bits as in hilo_segment_rules.flags.) */
enum {
    HILO_GSM_ES_SINGLE = 8,   /* Spanish single shift: information element 24 01 02 */
    HILO_GSM_PT_SINGLE = 16,  /* Portuguese single shift: 24 01 03 */
    HILO_GSM_PT_LOCKING = 32, /* Portuguese locking shift: 25 01 03 */
    HILO_GSM_NATIONAL = HILO_GSM_ES_SINGLE | HILO_GSM_PT_SINGLE | HILO_GSM_PT_LOCKING,
    HILO_GSM_ESC = 0x1b
};

/* The 128 characters of the default alphabet, or of the Portuguese locking shift table;
 * at 0x1B, the escape, is 0. */
static inline const uint16_t *hilo_gsm_alphabet(uint32_t tables)
{
    static const uint16_t basic[128] = {
        '@', 0xa3, '$', 0xa5, 0xe8, 0xe9, 0xf9, 0xec, 0xf2, 0xc7, '\n', 0xd8, 0xf8, '\r', 0xc5, 0xe5,
        0x394, '_', 0x3a6, 0x393, 0x39b, 0x3a9, 0x3a0, 0x3a8, 0x3a3, 0x398, 0x39e, 0, 0xc6, 0xe6, 0xdf, 0xc9,
        ' ', '!', '"', '#', 0xa4, '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/',
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?',
        0xa1, 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O',
        'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 0xc4, 0xd6, 0xd1, 0xdc, 0xa7,
        0xbf, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
        'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 0xe4, 0xf6, 0xf1, 0xfc, 0xe0};
    static const uint16_t portuguese[128] = {
        '@', 0xa3, '$', 0xa5, 0xea, 0xe9, 0xfa, 0xed, 0xf3, 0xe7, '\n', 0xd4, 0xf4, '\r', 0xc1, 0xe1,
        0x394, '_', 0xaa, 0xc7, 0xc0, 0x221e, '^', '\\', 0x20ac, 0xd3, '|', 0, 0xc2, 0xe2, 0xca, 0xc9,
        ' ', '!', '"', '#', 0xba, '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/',
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?',
        0xcd, 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O',
        'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 0xc3, 0xd5, 0xda, 0xdc, 0xa7,
        '~', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
        'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 0xe3, 0xf5, '`', 0xfc, 0xe0};

    return tables & HILO_GSM_PT_LOCKING ? portuguese : basic;
}

struct hilo__gsm_pair {
    uint16_t septet, cp;
};

/* What follows ESC: the table number i, 0 the default one, or NULL if it is not in use.
 * Each national table contains the default one. */
static inline const struct hilo__gsm_pair *hilo__gsm_shifted(uint32_t tables, unsigned i, size_t *n)
{
    static const struct hilo__gsm_pair basic[] = {{0x0a, '\f'}, {0x14, '^'}, {0x28, '{'}, {0x29, '}'}, {0x2f, '\\'},
        {0x3c, '['}, {0x3d, '~'}, {0x3e, ']'}, {0x40, '|'}, {0x65, 0x20ac}};
    static const struct hilo__gsm_pair spanish[] = {{0x09, 0xe7}, {0x41, 0xc1}, {0x49, 0xcd}, {0x4f, 0xd3}, {0x55, 0xda},
        {0x61, 0xe1}, {0x69, 0xed}, {0x6f, 0xf3}, {0x75, 0xfa}};
    static const struct hilo__gsm_pair portuguese[] = {{0x05, 0xea}, {0x09, 0xe7}, {0x0b, 0xd4}, {0x0c, 0xf4}, {0x0e, 0xc1},
        {0x0f, 0xe1}, {0x12, 0x3a6}, {0x13, 0x393}, {0x15, 0x3a9}, {0x16, 0x3a0}, {0x17, 0x3a8}, {0x18, 0x3a3},
        {0x19, 0x398}, {0x1f, 0xca}, {0x41, 0xc0}, {0x49, 0xcd}, {0x4f, 0xd3}, {0x55, 0xda}, {0x5b, 0xc3}, {0x5c, 0xd5},
        {0x61, 0xc2}, {0x69, 0xed}, {0x6f, 0xf3}, {0x75, 0xfa}, {0x7b, 0xe3}, {0x7c, 0xf5}, {0x7f, 0xe2}};

    *n = i == 0 ? sizeof basic / sizeof *basic
       : i == 1 ? sizeof spanish / sizeof *spanish : sizeof portuguese / sizeof *portuguese;
    return i == 0 ? basic
         : i == 1 ? (tables & HILO_GSM_ES_SINGLE ? spanish : NULL) : (tables & HILO_GSM_PT_SINGLE ? portuguese : NULL);
}

static inline unsigned hilo__gsm_search(uint32_t tables, uint32_t cp, uint8_t out[2])
{
    const uint16_t *alphabet = hilo_gsm_alphabet(tables);
    unsigned i;
    size_t j, n;

    /* Beyond Latin-1 there are Greek capitals, the euro and infinity. */
    if (cp == 0 || (cp > 0xff && (cp < 0x393 || cp > 0x3a9) && cp != 0x20ac && cp != 0x221e))
        return 0;
    for (i = 0; i < 128; i++) {
        if (alphabet[i] == cp) {
            out[0] = (uint8_t)i;
            return 1;
        }
    }
    for (i = 0; i < 3; i++) {
        const struct hilo__gsm_pair *pair = hilo__gsm_shifted(tables, i, &n);

        for (j = 0; pair && j < n; j++) {
            if (pair[j].cp == cp) {
                out[0] = HILO_GSM_ESC;
                out[1] = (uint8_t)pair[j].septet;
                return 2;
            }
        }
    }
    return 0;
}

/* Writes the septets of a character, one in each octet: 1 or 2 of them, or 0 if the
 * tables have it not. */
static inline unsigned hilo_gsm_put(uint32_t tables, uint32_t cp, uint8_t out[2])
{
    if (cp - 1 < 127 && hilo_gsm_alphabet(tables)[cp] == cp) {
        out[0] = (uint8_t)cp;
        return 1;
    }
    return hilo__gsm_search(tables, cp, out);
}

/* The character of a septet below 128. After ESC one that the table has not is what the
 * main table has (TS 23.038, 6.2.1.1), and a second ESC a space. */
static inline uint32_t hilo_gsm_get(uint32_t tables, uint8_t septet, int after_esc)
{
    unsigned i;
    size_t j, n;

    for (i = 0; after_esc && i < 3; i++) {
        const struct hilo__gsm_pair *pair = hilo__gsm_shifted(tables, i, &n);

        for (j = 0; pair && j < n; j++) {
            if (pair[j].septet == septet)
                return pair[j].cp;
        }
    }
    return septet == HILO_GSM_ESC ? ' ' : hilo_gsm_alphabet(tables)[septet & 127];
}

/* ---- letters and their marks ---------------------------------------------------- */

/* The letters of Latin-1 from 0xC0 on, without their marks (ÿ, at the end, has no
 * capital there), and the marks as U+0300 + x. */
static inline const char *hilo__latin_base(void) { return "AAAAAA CEEEEIIII NOOOOO  UUUUY Y"; }
static inline const uint8_t *hilo__latin_mark(void)
{
    static const uint8_t mark[32] = {0, 1, 2, 3, 8, 10, 255, 0x27, 0, 1, 2, 8, 0, 1, 2, 8,
                                     255, 3, 0, 1, 2, 3, 8, 255, 255, 0, 1, 2, 8, 1, 255, 8};
    return mark;
}

/* The letter that an ASCII letter and the combining mark after it are in Latin-1 (Unicode's
 * NFC does the same), or 0. */
static inline uint32_t hilo_latin_compose(uint32_t letter, uint32_t mark)
{
    uint32_t small = letter & 0x20, i;

    if (mark < 0x300 || mark > 0x327 || (letter | 0x20) < 'a' || (letter | 0x20) > 'z')
        return 0;
    for (i = 0; i < 32; i++) {
        if ((uint8_t)hilo__latin_base()[i] == (letter & ~0x20u) && hilo__latin_mark()[i] == mark - 0x300 &&
            (i < 31 || small))
            return 0xc0 + i + small;
    }
    return 0;
}

/* ASCII that stands for a character in a text which may not cost more, NUL-ended, in buf or
 * static; empty for one that is not seen; NULL if there is none. */
static inline const char *hilo_transliterate(uint32_t cp, char buf[2])
{
    static const char extended_a[] = "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlL"
                                     "lLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";
    static const struct hilo__translit {
        uint16_t cp;
        char text[6];
    } table[] = {
        {'\t', " "}, {'`', "'"}, {0xa0, " "}, {0xa2, "c"}, {0xa6, "|"}, {0xa8, "\""}, {0xa9, "(c)"}, {0xaa, "a"},
        {0xab, "\""}, {0xac, "-"}, {0xad, ""}, {0xae, "(R)"}, {0xaf, "-"}, {0xb0, "o"}, {0xb1, "+-"}, {0xb2, "2"},
        {0xb3, "3"}, {0xb4, "'"}, {0xb5, "u"}, {0xb6, ""}, {0xb7, "."}, {0xb8, ","}, {0xb9, "1"}, {0xba, "o"},
        {0xbb, "\""}, {0xbc, "1/4"}, {0xbd, "1/2"}, {0xbe, "3/4"}, {0xd0, "D"}, {0xd7, "x"}, {0xde, "Th"},
        {0xf0, "d"}, {0xf7, "/"}, {0xfe, "th"}, {0x132, "IJ"}, {0x133, "ij"}, {0x152, "OE"}, {0x153, "oe"},
        {0x200b, ""}, {0x200c, ""}, {0x200d, ""}, {0x200e, ""}, {0x200f, ""}, {0x2010, "-"}, {0x2011, "-"},
        {0x2012, "-"}, {0x2013, "-"}, {0x2014, "-"}, {0x2015, "-"}, {0x2018, "'"}, {0x2019, "'"}, {0x201a, ","},
        {0x201b, "'"}, {0x201c, "\""}, {0x201d, "\""}, {0x201e, "\""}, {0x201f, "\""}, {0x2022, "*"}, {0x2026, "..."},
        {0x202f, " "}, {0x2032, "'"}, {0x2033, "\""}, {0x2039, "<"}, {0x203a, ">"}, {0x2044, "/"}, {0x2060, ""},
        {0x2116, "No"}, {0x2122, "TM"}, {0x2212, "-"}, {0x2215, "/"}, {0xfe0e, ""}, {0xfe0f, ""}, {0xfeff, ""}};
    char letter;
    size_t i;

    if (cp >= 0x300 && cp <= 0x36f)
        return ""; /* a mark that made no letter with the one before */
    if (cp >= 0x2000 && cp <= 0x200a)
        return " ";
    for (i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].cp == cp)
            return table[i].text;
    }
    if (cp >= 0xc0 && cp <= 0xff && cp != 0xdf && hilo__latin_base()[(cp - 0xc0) & 31] != ' ')
        letter = (char)(hilo__latin_base()[(cp - 0xc0) & 31] | (cp >= 0xe0 ? 0x20 : 0));
    else if (cp >= 0x100 && cp < 0x180)
        letter = extended_a[cp - 0x100];
    else
        return NULL;
    buf[0] = letter;
    buf[1] = 0;
    return buf;
}

#ifdef __cplusplus
}
#endif
#endif
