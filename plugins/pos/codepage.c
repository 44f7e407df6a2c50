/*
 * From Unicode to a code page with 256 characters, by what a reader of Spanish takes for
 * the same: a table for punctuation and signs, Unicode's own compatibility forms for the
 * rest (libunistring), a question mark for what has neither. Marks without a base, and what
 * has no glyph by itself (joiners, variation selectors), vanish as they do on a screen.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "codepage.h"

#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

enum { CODEPAGE_EURO_850 = 0xD5, CODEPAGE_FORMS = 32 };

#define CODEPAGE(name, ...) static const uint16_t codepage_##name[128] = {__VA_ARGS__};
#include "codepage.def"

bool pos_codepage_parse(struct hilo_str name, enum pos_codepage *out, uint8_t *number_out)
{
    static const struct {
        const char *name;
        enum pos_codepage page;
        uint8_t number;
    } known[] = {{"cp850", POS_CODEPAGE_850, 2},
                 {"cp858", POS_CODEPAGE_858, 19},
                 {"cp1252", POS_CODEPAGE_1252, 16},
                 {"windows1252", POS_CODEPAGE_1252, 16}};
    size_t i;

    for (i = 0; i < sizeof known / sizeof *known; i++)
        if (name.n == strlen(known[i].name) && memcmp(name.p, known[i].name, name.n) == 0) {
            *out = known[i].page;
            *number_out = known[i].number;
            return true;
        }
    return false;
}

bool pos_codepage_byte(enum pos_codepage page, uint32_t c, uint8_t *out)
{
    const uint16_t *upper = page == POS_CODEPAGE_1252 ? codepage_1252 : codepage_850;
    unsigned i;

    if (c >= 0x20 && c < 0x7f) {
        *out = (uint8_t)c;
        return true;
    }
    if (c < 0xa0 || c > 0xffff) /* 0x80 to 0x9f are controls */
        return false;
    if (page == POS_CODEPAGE_858 && (c == 0x20ac || c == 0x0131)) { /* € stands where CP850 has ı */
        *out = CODEPAGE_EURO_850;
        return c == 0x20ac;
    }
    for (i = 0; i < 128; i++)
        if (upper[i] == c) {
            *out = (uint8_t)(0x80 + i);
            return true;
        }
    return false;
}

/* What else it can be written as. */
static const char *codepage_other(uint32_t c)
{
    static const struct {
        uint32_t c;
        const char *as;
    } other[] = {
        {0x00a0, " "},   {0x00ad, ""},   {0x0110, "D"},   {0x0111, "d"},   {0x0131, "i"},   {0x0141, "L"},
        {0x0142, "l"},   {0x0152, "OE"}, {0x0153, "oe"},  {0x02bc, "'"},   {0x02c6, "^"},   {0x02dc, "~"},
        {0x2010, "-"},   {0x2011, "-"},  {0x2012, "-"},   {0x2013, "-"},   {0x2014, "-"},   {0x2015, "-"},
        {0x2018, "'"},   {0x2019, "'"},  {0x201a, "'"},   {0x201b, "'"},   {0x201c, "\""},  {0x201d, "\""},
        {0x201e, "\""},  {0x201f, "\""}, {0x2020, "+"},   {0x2022, "*"},   {0x2023, ">"},   {0x2028, "\n"},
        {0x2029, "\n"},  {0x2032, "'"},  {0x2033, "\""},  {0x2039, "<"},   {0x203a, ">"},   {0x2044, "/"},
        {0x20a1, "CRC"}, {0x20a4, "L"},  {0x20ac, "EUR"}, {0x20b2, "PYG"}, {0x20bf, "BTC"}, {0x2190, "<-"},
        {0x2191, "^"},   {0x2192, "->"}, {0x2193, "v"},   {0x2212, "-"},   {0x2215, "/"},   {0x2217, "*"},
        {0x2248, "~"},   {0x2260, "!="}, {0x2264, "<="},  {0x2265, ">="},  {0x2500, "-"},   {0x2502, "|"},
        {0x25cf, "*"},   {0x2713, "v"},  {0x2714, "v"},   {0x2717, "x"},   {0x00ab, "\""},  {0x00bb, "\""},
        {0x00d7, "x"},   {0x00f7, "/"},  {0x00d8, "O"},   {0x00f8, "o"},   {0x00c6, "AE"},  {0x00e6, "ae"},
        {0x00df, "ss"},
    };
    size_t i;

    for (i = 0; i < sizeof other / sizeof *other; i++)
        if (other[i].c == c)
            return other[i].as;
    return NULL;
}

struct codepage_out {
    enum pos_codepage page;
    char *p;
    size_t n, cap, replaced;
};

static bool codepage_put(struct codepage_out *o, const void *p, size_t n)
{
    size_t cap = o->cap;
    char *grown;

    while (cap - o->n < n)
        cap *= 2;
    if (cap > o->cap) {
        grown = realloc(o->p, cap);
        if (!grown)
            return false;
        o->p = grown;
        o->cap = cap;
    }
    memcpy(o->p + o->n, p, n);
    o->n += n;
    return true;
}

static bool codepage_invisible(ucs4_t c)
{
    return uc_is_property(c, UC_PROPERTY_DEFAULT_IGNORABLE_CODE_POINT) ||
           uc_is_general_category(c, UC_CATEGORY_M);
}

static bool codepage_char(struct codepage_out *o, ucs4_t c, bool decomposed)
{
    ucs4_t form[CODEPAGE_FORMS];
    uint32_t parts[CODEPAGE_FORMS];
    size_t n = CODEPAGE_FORMS, i;
    uint8_t utf8[6], byte;
    const char *other;
    int written;

    if (c == '\n')
        return codepage_put(o, "\n", 1);
    if (c != 0xa0 && pos_codepage_byte(o->page, c, &byte)) { /* a printer may show 0xFF as anything */
        written = u8_uctomb(utf8, c, sizeof utf8);
        return written > 0 && codepage_put(o, utf8, (size_t)written);
    }
    other = codepage_other(c);
    if (other)
        return codepage_put(o, other, strlen(other));
    if (codepage_invisible(c))
        return true;
    if (uc_is_general_category(c, UC_CATEGORY_Zs))
        return codepage_put(o, " ", 1);
    form[0] = c;
    if (!decomposed && u32_normalize(UNINORM_NFKD, form, 1, parts, &n) && !(n == 1 && parts[0] == c)) {
        size_t before = o->n;

        for (i = 0; i < n; i++)
            if (!codepage_char(o, parts[i], true))
                return false;
        if (o->n > before)
            return true;
    }
    o->replaced++;
    return codepage_put(o, "?", 1);
}

char *pos_codepage_fold(enum pos_codepage page, struct hilo_str text, size_t *n_out, size_t *replaced)
{
    struct codepage_out o = {.page = page, .cap = text.n + 16};
    const uint8_t *s = (const uint8_t *)text.p;
    uint8_t *nfc = NULL;
    size_t n = 0, at = 0;
    bool ok;

    if (text.n && u8_check(s, text.n))
        return NULL;
    o.p = malloc(o.cap);
    if (text.n)
        nfc = u8_normalize(UNINORM_NFC, s, text.n, NULL, &n);
    ok = o.p && (nfc || text.n == 0);
    while (ok && at < n) {
        ucs4_t c;

        at += (size_t)u8_mbtouc(&c, nfc + at, n - at);
        ok = codepage_char(&o, c, false);
    }
    ok = ok && codepage_put(&o, "", 1);
    free(nfc);
    if (!ok) {
        free(o.p);
        return NULL;
    }
    *n_out = o.n - 1;
    if (replaced)
        *replaced += o.replaced;
    return o.p;
}
