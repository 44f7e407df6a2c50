/*
 * Numbers, digits and signs as words. Spanish has the long scale (mil millones, billón = 10^12), and "uno" is
 * "un" before what it counts; English the short one, without "and".
 * SPDX-License-Identifier: Apache-2.0
 */
#include "say_out.h"

/* ---- Spanish ----------------------------------------------------------------------------------- */

static const char *const es_small[] = {
    "cero",         "uno",         "dos",        "tres",        "cuatro",     "cinco",
    "seis",         "siete",       "ocho",       "nueve",       "diez",       "once",
    "doce",         "trece",       "catorce",    "quince",      "dieciséis",  "diecisiete",
    "dieciocho",    "diecinueve",  "veinte",     "veintiuno",   "veintidós",  "veintitrés",
    "veinticuatro", "veinticinco", "veintiséis", "veintisiete", "veintiocho", "veintinueve"};
static const char *const es_tens[] = {"",          "",        "",        "treinta", "cuarenta",
                                      "cincuenta", "sesenta", "setenta", "ochenta", "noventa"};
static const char *const es_hundreds[] = {"",         "ciento",    "doscient",  "trescient", "cuatrocient",
                                          "quinient", "seiscient", "setecient", "ochocient", "novecient"};
static const char *const es_one[] = {"uno", "un", "una"}, *const es_twenty_one[] = {"veintiuno", "veintiún",
                                                                                    "veintiuna"};

/* 1 to 999. What counts thousands has its hundreds of the gender of what is counted ("doscientas mil citas"),
 * but its last unit is "un" ("veintiún mil citas"). */
static void es_group(struct say_out *o, unsigned v, bool feminine, enum say_gender last)
{
    const unsigned h = v / 100, r = v % 100;

    if (v == 100) {
        say_word(o, "cien");
        return;
    }
    if (h) {
        say_word(o, es_hundreds[h]);
        if (h > 1)
            say_puts(o, feminine ? "as" : "os");
    }
    if (r >= 30) {
        say_word(o, es_tens[r / 10]);
        if (r % 10) {
            say_word(o, "y");
            say_word(o, r % 10 == 1 ? es_one[last] : es_small[r % 10]);
        }
    } else if (r) {
        say_word(o, r == 1 ? es_one[last] : r == 21 ? es_twenty_one[last] : es_small[r]);
    }
}

/* 1 to 999,999. */
static void es_thousands(struct say_out *o, unsigned v, enum say_gender gender)
{
    if (v >= 2000)
        es_group(o, v / 1000, gender == SAY_FEMININE, SAY_MASCULINE);
    if (v >= 1000)
        say_word(o, "mil");
    if (v % 1000)
        es_group(o, v % 1000, gender == SAY_FEMININE, gender);
}

static void es_cardinal(struct say_out *o, uint64_t v, enum say_gender gender)
{
    static const struct {
        uint64_t unit;
        const char *one, *more;
    } scale[] = {{UINT64_C(1000000000000000000), "trillón", "trillones"},
                 {UINT64_C(1000000000000), "billón", "billones"},
                 {1000000, "millón", "millones"}};
    unsigned i, group;

    if (v == 0)
        say_word(o, es_small[0]);
    for (i = 0; i < sizeof scale / sizeof *scale; i++) {
        group = (unsigned)(v / scale[i].unit);
        v %= scale[i].unit;
        if (group == 0)
            continue;
        es_thousands(o, group, SAY_MASCULINE);
        say_word(o, group == 1 ? scale[i].one : scale[i].more);
    }
    if (v)
        es_thousands(o, (unsigned)v, gender);
}

/* ---- English ----------------------------------------------------------------------------------- */

static const char *const en_small[] = {"zero",    "one",     "two",       "three",    "four",
                                       "five",    "six",     "seven",     "eight",    "nine",
                                       "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                       "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
static const char *const en_tens[] = {"",      "",      "twenty",  "thirty", "forty",
                                      "fifty", "sixty", "seventy", "eighty", "ninety"};

static void en_group(struct say_out *o, unsigned v)
{
    const unsigned r = v % 100;

    if (v >= 100) {
        say_word(o, en_small[v / 100]);
        say_word(o, "hundred");
    }
    if (r >= 20) {
        say_word(o, en_tens[r / 10]);
        if (r % 10) {
            say_puts(o, "-");
            say_puts(o, en_small[r % 10]);
        }
    } else if (r) {
        say_word(o, en_small[r]);
    }
}

static void en_cardinal(struct say_out *o, uint64_t v)
{
    static const char *const scale[] = {"quintillion", "quadrillion", "trillion", "billion",
                                        "million",     "thousand",    ""};
    uint64_t unit = UINT64_C(1000000000000000000);
    unsigned i;

    if (v == 0)
        say_word(o, en_small[0]);
    for (i = 0; v; i++, unit /= 1000) {
        const unsigned group = (unsigned)(v / unit);
        v %= unit;
        if (group == 0)
            continue;
        en_group(o, group);
        if (*scale[i])
            say_word(o, scale[i]);
    }
}

/* ---- both ------------------------------------------------------------------------------------------ */

void say_put_cardinal(struct say_out *o, enum say_language language, uint64_t v, enum say_gender gender)
{
    if (language == SAY_ES)
        es_cardinal(o, v, gender);
    else
        en_cardinal(o, v);
}

void say_put_digit(struct say_out *o, enum say_language language, char digit)
{
    say_word(o, language == SAY_ES ? es_small[digit - '0'] : en_small[digit - '0']);
}

static size_t count(enum say_language language, int64_t v, enum say_gender gender, char *out, size_t n)
{
    struct say_out o = {out, n, 0};

    if (v < 0)
        say_word(&o, language == SAY_ES ? "menos" : "minus");
    say_put_cardinal(&o, language, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, gender);
    return say_end(&o);
}

size_t say_number(enum say_language language, int64_t number, char *out, size_t n)
{
    return count(language, number, SAY_COUNTING, out, n);
}

size_t say_count(enum say_language language, int64_t number, bool feminine, char *out, size_t n)
{
    return count(language, number, feminine ? SAY_FEMININE : SAY_MASCULINE, out, n);
}

size_t say_ordinal_day(enum say_language language, int day, char *out, size_t n)
{
    static const char *const en[] = {
        "first",        "second",       "third",          "fourth",        "fifth",        "sixth",
        "seventh",      "eighth",       "ninth",          "tenth",         "eleventh",     "twelfth",
        "thirteenth",   "fourteenth",   "fifteenth",      "sixteenth",     "seventeenth",  "eighteenth",
        "nineteenth",   "twentieth",    "twenty-first",   "twenty-second", "twenty-third", "twenty-fourth",
        "twenty-fifth", "twenty-sixth", "twenty-seventh", "twenty-eighth", "twenty-ninth", "thirtieth",
        "thirty-first"};
    struct say_out o = {out, n, 0};

    if (day < 1 || day > 31)
        return say_nothing(&o);
    if (language == SAY_EN)
        say_word(&o, en[day - 1]);
    else if (day == 1)
        say_word(&o, "primero");
    else
        es_cardinal(&o, (uint64_t)day, SAY_COUNTING);
    return say_end(&o);
}

/* ---- decimals ---------------------------------------------------------------------------------------- */

bool say_amount_read(struct hilo_str s, struct say_amount *out)
{
    enum { DIGITS_MAX = 18 };
    struct say_amount a = {0};
    uint64_t i = 0, from;

    if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
        a.minus = s.p[i++] == '-';
    for (from = i; i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && i - from < DIGITS_MAX; i++)
        a.whole = a.whole * 10 + (uint64_t)(s.p[i] - '0');
    if (i == from)
        return false;
    if (i < s.n && s.p[i] == '.') {
        a.point = true;
        a.fraction = (struct hilo_str){s.p + i + 1, s.n - i - 1};
        for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
            ;
        if (a.fraction.n == 0 || a.fraction.n > DIGITS_MAX)
            return false;
        while (a.fraction.n && a.fraction.p[a.fraction.n - 1] == '0')
            a.fraction.n--;
    }
    if (i != s.n)
        return false;
    *out = a;
    return true;
}

/* "coma cinco", "coma cero cinco", "coma catorce"; "point one four". */
static void fraction(struct say_out *o, enum say_language language, struct hilo_str f)
{
    uint64_t i = 0;

    say_word(o, language == SAY_ES ? "coma" : "point");
    if (language == SAY_ES && f.n == 2 && f.p[0] != '0') {
        es_cardinal(o, (uint64_t)(f.p[0] - '0') * 10 + (uint64_t)(f.p[1] - '0'), SAY_COUNTING);
        return;
    }
    for (; i < f.n; i++)
        say_put_digit(o, language, f.p[i]);
}

size_t say_decimal(enum say_language language, struct hilo_str number, char *out, size_t n)
{
    struct say_out o = {out, n, 0};
    struct say_amount a;

    if (!say_amount_read(number, &a))
        return say_nothing(&o);
    if (a.minus && (a.whole || a.fraction.n))
        say_word(&o, language == SAY_ES ? "menos" : "minus");
    say_put_cardinal(&o, language, a.whole, SAY_COUNTING);
    if (a.fraction.n)
        fraction(&o, language, a.fraction);
    return say_end(&o);
}
