/*
 * Texts that were written to be read, as they are spoken: "el 1 de diciembre a las 3:30 p. m., $ 12.000, al
 * 300 111 2233". What is not known for sure stays as it is, for the voice to make of it what it can.
 *
 * The text is gone through once; where a word or number may begin, each form is tried, and the first that
 * fits is said instead. SPDX-License-Identifier: Apache-2.0
 */
#include "say_out.h"

#include <hilo/segment.h>

struct scan {
    struct hilo_str in;
    uint64_t at;
    uint64_t no_address; /* there is none before */
    struct say_out out;
    enum say_language language;
    struct hilo_str currency; /* what "$" is */
};

/* ---- signs --------------------------------------------------------------------------------------- */

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool ascii_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Of a word; everything beyond ASCII is taken for a letter. */
static bool letter(char c)
{
    return ascii_letter(c) || (unsigned char)c >= 0x80;
}

static char at(const struct scan *s, uint64_t i)
{
    return i < s->in.n ? s->in.p[i] : 0;
}

/* The text that begins at i is one of these, and no word goes on behind it: how long; 0: none. */
static uint64_t word_at(const struct scan *s, uint64_t i, const char *const *of, unsigned *which)
{
    unsigned k;

    for (k = 0; of[k]; k++) {
        const size_t n = strlen(of[k]);
        if (i + n <= s->in.n && strncasecmp(s->in.p + i, of[k], n) == 0 &&
            !(ascii_letter(of[k][n - 1]) && (letter(at(s, i + n)) || digit(at(s, i + n))))) {
            *which = k;
            return n;
        }
    }
    return 0;
}

/* Spaces, as people part "3:30 p. m." and "$ 12": at most two, of which one may be that which doesn't break.
 */
static uint64_t spaces(const struct scan *s, uint64_t i)
{
    uint64_t n = 0;

    while (n < 4 && (at(s, i + n) == ' ' || (at(s, i + n) == '\xc2' && at(s, i + n + 1) == '\xa0')))
        n += at(s, i + n) == ' ' ? 1 : 2;
    return n;
}

/* ---- numbers as they are written -------------------------------------------------------------------- */

static uint64_t digits_at(const struct scan *s, uint64_t i)
{
    uint64_t n = 0;

    while (digit(at(s, i + n)))
        n++;
    return n;
}

/* Whether the last of an amount's separators parts its decimals: it is the only one of its kind, and three
 * digits behind it make it so only after another kind ("1,234.500", but "1.234" and "1'200.000" are
 * thousands). */
static bool decimals_behind(const struct scan *s, uint64_t from, uint64_t last, uint64_t end)
{
    bool other = false;
    uint64_t k;

    if (s->in.p[last] == '\'')
        return false;
    for (k = from; k < last; k++) {
        if (s->in.p[k] == s->in.p[last])
            return false;
        other |= s->in.p[k] == '.' || s->in.p[k] == ',';
    }
    return end - last != 4 || other;
}

/* "1.234,50", "1,234.50", "1'200.000": what stands at i, as "1234.50" with its NUL. Its length; 0: none. */
static uint64_t amount_at(const struct scan *s, uint64_t i, char out[40])
{
    enum { LENGTH_MAX = 30 };
    uint64_t end = i + digits_at(s, i), last = 0, k, n = 0;
    bool decimals;

    while (end > i && end - i <= LENGTH_MAX && memchr(".,'", at(s, end), 3) && digits_at(s, end + 1)) {
        last = end;
        end += 1 + digits_at(s, end + 1);
    }
    if (end == i || end - i > LENGTH_MAX)
        return 0;
    decimals = last && decimals_behind(s, i, last, end);
    for (k = i; k < end; k++) {
        if (digit(s->in.p[k]))
            out[n++] = s->in.p[k];
        else if (k == last && decimals)
            out[n++] = '.';
        else if (digits_at(s, k + 1) != 3 || n > 18)
            return 0; /* a version, an address, anything but thousands */
    }
    out[n] = 0;
    return end - i;
}

/* ---- forms: each says what stands at s->at, and goes behind it; or does nothing: false ----------------- */

static void say_it(struct scan *s, const char *words, uint64_t length)
{
    say_puts(&s->out, words);
    s->at += length;
}

static void as_it_is(struct scan *s, uint64_t length)
{
    say_put(&s->out, s->in.p + s->at, length);
    s->at += length;
}

/* Addresses of the web and of mail are left to the voice, whole. */
static bool address(struct scan *s)
{
    uint64_t n = 0;
    bool is = false;

    if (s->at < s->no_address)
        return false;
    while (s->at + n < s->in.n && !memchr(" \t\r\n", s->in.p[s->at + n], 4)) {
        is |= s->in.p[s->at + n] == '@' || (s->in.p[s->at + n] == ':' && at(s, s->at + n + 1) == '/');
        n++;
    }
    if (is)
        as_it_is(s, n);
    else
        s->no_address = s->at + n;
    return is;
}

static bool money(struct scan *s)
{
    static const char *const before[] = {"US$", "U$S", "R$", "S/.", "S/", "$", "€", "£", NULL};
    static const char *const behind[] = {"€", "$", NULL};
    static const char *const means[] = {"USD", "USD", "BRL", "PEN", "PEN", NULL, "EUR", "GBP"};
    static const char *const names[] = {"pesos", "peso", "dólares", "dollars", "euros", NULL};
    char amount[40], words[512];
    struct hilo_str code = {0};
    uint64_t i = s->at, n, gap;
    unsigned which;

    n = word_at(s, i, before, &which);
    if (n)
        code = means[which] ? (struct hilo_str){means[which], 3} : s->currency;
    else if (s->in.n - i > 3 && spaces(s, i + 3) && say_money_known((struct hilo_str){s->in.p + i, 3}))
        code = (struct hilo_str){s->in.p + i, n = 3};
    if (code.p)
        i += n + spaces(s, i + n);
    n = amount_at(s, i, amount);
    if (!n || (code.p && letter(at(s, i + n))))
        return false;
    i += n;
    gap = spaces(s, i);
    if (s->in.n - i >= gap + 3 && say_money_known((struct hilo_str){s->in.p + i + gap, 3}) &&
        !letter(at(s, i + gap + 3))) {
        code = (struct hilo_str){s->in.p + i + gap, 3};
        i += gap + 3;
    } else if (code.p && (n = word_at(s, i + gap, names, &which)) != 0) {
        if (which == 2 || which == 3)
            code = (struct hilo_str){"USD", 3};
        i += gap + n; /* "$ 12.000 pesos" */
    } else if (!code.p && (n = word_at(s, i + gap, behind, &which)) != 0) {
        code = which ? s->currency : (struct hilo_str){"EUR", 3};
        i += gap + n;
    }
    if (code.n == 0 ||
        !say_money(s->language, (struct hilo_str){amount, strlen(amount)}, code, words, sizeof words))
        return false;
    say_it(s, words, i - s->at);
    return true;
}

/* "2026-12-01"; in Spanish "01/12/2026", in English it may be either, so it stays. */
static bool date(struct scan *s)
{
    char iso[11], words[128];
    const char *p = s->in.p + s->at;
    uint64_t n = 10;
    struct tm tm;

    if (s->in.n - s->at < 8 || digits_at(s, s->at) > 4)
        return false;
    if (digits_at(s, s->at) == 4 && s->in.n - s->at >= 10) {
        memcpy(iso, p, 10);
    } else if (s->language == SAY_ES && digits_at(s, s->at) && digits_at(s, s->at) <= 2) {
        const uint64_t d = digits_at(s, s->at), m = digits_at(s, s->at + d + 1);
        if (!m || m > 2 || p[d] != '/' || at(s, s->at + d + 1 + m) != '/' ||
            digits_at(s, s->at + d + m + 2) != 4)
            return false;
        memcpy(iso, p + d + m + 2, 4);
        iso[4] = iso[7] = '-';
        iso[5] = m == 2 ? p[d + 1] : '0';
        iso[6] = p[d + m];
        iso[8] = d == 2 ? p[0] : '0';
        iso[9] = p[d - 1];
        n = d + m + 6;
    } else {
        return false;
    }
    if (digit(at(s, s->at + n)) || letter(at(s, s->at + n)) ||
        !say_read_date((struct hilo_str){iso, 10}, &tm) ||
        !say_calendar_day(s->language, &tm, words, sizeof words))
        return false;
    say_it(s, words, n);
    return true;
}

/* Whether the point before i also ends a sentence. */
static bool sentence_ends(const struct scan *s, uint64_t i)
{
    const uint64_t next = i + spaces(s, i);

    return next == s->in.n || at(s, next) == '\n' ||
           (next > i && ((at(s, next) >= 'A' && at(s, next) <= 'Z') || (unsigned char)at(s, next) >= 0xc2));
}

/* "a las 13:00" is written, "a la una" said. */
static void one_oclock(struct scan *s)
{
    struct say_out *o = &s->out;

    if (s->language == SAY_ES && o->at >= 4 && o->at <= o->n &&
        strncasecmp(o->p + o->at - 4, "las ", 4) == 0) {
        o->p[o->at - 2] = ' ';
        o->at--;
    }
}

/* "3:30 p. m.", "3 pm", "15:30", "08:00 h". An hour up to twelve without more may be of either half of the
 * day. */
static bool clock_time(struct scan *s)
{
    static const char *const halves[] = {"a. m.",        "a.\xc2\xa0m.", "a.m.", "am", "p. m.",
                                         "p.\xc2\xa0m.", "p.m.",         "pm",   NULL};
    static const char *const units[] = {"hrs", "hs", "h", NULL};
    enum { FIRST_PM = 4 };
    const uint64_t h = digits_at(s, s->at);
    bool minutes = false, known;
    uint64_t i = s->at + h, n;
    unsigned which;
    struct tm tm = {0};
    char words[128];

    if (h < 1 || h > 2)
        return false;
    tm.tm_hour = h == 2 ? (at(s, i - 2) - '0') * 10 + (at(s, i - 1) - '0') : at(s, i - 1) - '0';
    if (at(s, i) == ':' && digits_at(s, i + 1) == 2) {
        minutes = true;
        tm.tm_min = (at(s, i + 1) - '0') * 10 + (at(s, i + 2) - '0');
        i += 3;
        if (at(s, i) == ':' && digits_at(s, i + 1) == 2)
            i += 3; /* seconds, which nobody says */
    }
    known = tm.tm_hour == 0 || tm.tm_hour > 12 || (h == 2 && at(s, s->at) == '0');
    n = word_at(s, i + spaces(s, i), halves, &which);
    if (n && tm.tm_hour >= 1 && tm.tm_hour <= 12) {
        known = true;
        tm.tm_hour = tm.tm_hour % 12 + (which < FIRST_PM ? 0 : 12);
        i += spaces(s, i) + n;
        i -= at(s, i - 1) == '.' && sentence_ends(s, i);
    } else if (minutes && !n) {
        n = word_at(s, i + spaces(s, i), units, &which);
        i += n ? spaces(s, i) + n : 0;
    } else {
        return false;
    }
    if (tm.tm_hour > 23 || tm.tm_min > 59 || at(s, i) == ':' || digit(at(s, i)) || letter(at(s, i)) ||
        !say_clock_of(s->language, &tm, known, words, sizeof words))
        return false;
    if (tm.tm_hour % 12 == 1)
        one_oclock(s);
    say_it(s, words, i - s->at);
    return true;
}

/* "+57 300 111 22 33", "300 111 2233", "3001112233", "1020304050": said digit by digit, in groups. */
static bool long_number(struct scan *s)
{
    enum { RUN_MIN = 7, GROUPED_MIN = 10, DIGITS_MAX = 20 };
    const bool plus = at(s, s->at) == '+';
    uint64_t i = s->at + plus, end = i, n = 0, d;
    char words[512];

    while (n <= DIGITS_MAX && (d = digits_at(s, i)) > 0 && (n == 0 || (d >= 2 && d <= 4))) {
        n += d;
        end = i + d;
        i = end + ((at(s, end) == ' ' || at(s, end) == '-') && digit(at(s, end + 1)));
        if (i == end)
            break;
    }
    if (n > DIGITS_MAX || letter(at(s, end)) || (memchr(".,/:", at(s, end), 4) && digit(at(s, end + 1))))
        return false;
    if (n < (plus ? 8 : end - s->at > n ? GROUPED_MIN : RUN_MIN))
        return false;
    if (!say_phone(s->language, (struct hilo_str){s->in.p + s->at, end - s->at}, words, sizeof words))
        return false;
    say_it(s, words, end - s->at);
    return true;
}

/* "el 1 de diciembre", "December 4" */
static bool day_of_month(struct scan *s)
{
    static const char *const es[] = {
        " de enero",     " de febrero",   " de marzo",  " de abril",      " de mayo",
        " de junio",     " de julio",     " de agosto", " de septiembre", " de octubre",
        " de noviembre", " de diciembre", NULL};
    static const char *const en[] = {"January ",  "February ", "March ",  "April ",     "May ",
                                     "June ",     "July ",     "August ", "September ", "October ",
                                     "November ", "December ", NULL};
    char words[32];
    unsigned which;
    uint64_t n, d;
    int day;

    if (s->language == SAY_ES) {
        if (at(s, s->at) != '1' || digits_at(s, s->at) != 1 || !word_at(s, s->at + 1, es, &which))
            return false;
        say_it(s, "primero", 1);
        return true;
    }
    n = word_at(s, s->at, en, &which);
    d = n ? digits_at(s, s->at + n) : 0;
    if (d < 1 || d > 2 || at(s, s->at + n + d) == ':')
        return false;
    day = d == 2 ? (at(s, s->at + n) - '0') * 10 + (at(s, s->at + n + 1) - '0') : at(s, s->at + n) - '0';
    if (!say_ordinal_day(s->language, day, words, sizeof words))
        return false;
    as_it_is(s, n);
    say_it(s, words, d);
    return true;
}

/* The gender of the Spanish noun that a number counts, as far as its end tells. false: it is no noun. */
static bool counted(const struct scan *s, uint64_t i, bool *feminine)
{
    static const char *const no[] = {"de",    "y",   "o",     "a",  "e",   "u",   "en",
                                     "con",   "por", "para",  "al", "del", "es",  "son",
                                     "hasta", "más", "menos", "si", "no",  "que", NULL};
    static const char *const masculine[] = {"día",       "días",    "problema", "problemas", "programa",
                                            "programas", "sistema", "sistemas", "tema",      "temas",
                                            "mapa",      "mapas",   NULL};
    uint64_t n = 0;
    unsigned which;

    while (letter(at(s, i + n)))
        n++;
    if (n < 3 || !(ascii_letter(at(s, i)) || at(s, i) == '\xc3') || word_at(s, i, no, &which))
        return false;
    *feminine = at(s, i + n - 1) == 'a' || (at(s, i + n - 1) == 's' && at(s, i + n - 2) == 'a');
    if (word_at(s, i, masculine, &which))
        *feminine = false;
    return true;
}

/* "21 casos", "200 citas", "1.000.000 pesos": numbers of Spanish have a gender, and millions "de". */
static bool count(struct scan *s)
{
    char amount[40], words[512];
    const uint64_t n = amount_at(s, s->at, amount), gap = n ? spaces(s, s->at + n) : 0;
    struct say_amount a;
    bool feminine;

    if (s->language != SAY_ES || !n || !gap || (amount[0] == '0' && amount[1]) ||
        !counted(s, s->at + n + gap, &feminine) ||
        !say_amount_read((struct hilo_str){amount, strlen(amount)}, &a) || a.fraction.n ||
        !say_count(s->language, (int64_t)a.whole, feminine, words, sizeof words))
        return false;
    say_it(s, words, n);
    if (a.whole && a.whole % 1000000 == 0)
        say_puts(&s->out, " de");
    return true;
}

/* "#1001" */
static bool numbered(struct scan *s)
{
    if (at(s, s->at) != '#' || !digit(at(s, s->at + 1)))
        return false;
    say_it(s, s->language == SAY_ES ? "número " : "number ", 1);
    return true;
}

/* Marks of bold and the like about a word, and pictures: they are not said. */
static bool unspoken(struct scan *s)
{
    const uint8_t *p = (const uint8_t *)s->in.p + s->at;
    const char c = at(s, s->at), before = s->at ? s->in.p[s->at - 1] : ' ', after = at(s, s->at + 1);
    uint32_t n, cp;

    if (c == '*' || c == '_' || c == '~' || c == '`') {
        if ((letter(before) || digit(before)) == (letter(after) || digit(after)))
            return false; /* alone, or within a word */
        s->at++;
        return true;
    }
    if ((unsigned char)c < 0x80)
        return false;
    cp = hilo__utf8(p, p + (s->in.n - s->at), &n);
    if (!((cp >= 0x1f000 && cp < 0x20000) || (cp >= 0x2600 && cp < 0x27c0) || cp == 0xfe0f || cp == 0x200d ||
          cp == 0x20e3))
        return false;
    s->at += n;
    return true;
}

size_t say_text(enum say_language language, struct hilo_str text, struct hilo_str currency, char *out,
                size_t n)
{
    static bool (*const forms[])(struct scan *) = {address,    unspoken,    numbered,     money, date,
                                                   clock_time, long_number, day_of_month, count};
    struct scan s = {text, 0, 0, {out, n, 0}, language, currency};
    unsigned k;

    while (s.at < s.in.n) {
        const char before = s.at ? s.in.p[s.at - 1] : ' ', c = s.in.p[s.at];
        const bool begins = !letter(before) && !digit(before);
        bool said = unspoken(&s);
        /* Within "1.5" or "3:30" nothing begins. */
        const bool within = s.at > 1 && digit(c) && memchr(".,:/-", before, 5) && digit(s.in.p[s.at - 2]);
        for (k = 0; !said && begins && !within && k < sizeof forms / sizeof *forms; k++)
            said = forms[k](&s);
        if (said)
            continue;
        as_it_is(&s, 1);
    }
    return say_end(&s.out);
}
