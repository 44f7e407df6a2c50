/*
 * What a voice says, in Spanish and English: tables of what people say. Another's numbers (ICU's) judge ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../plugins/voice/say_out.h"

#include <unicode/unum.h>
#include <unicode/ustring.h>

static char said[SAY_MAX];

static struct hilo_str str(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}

/* A length that is not the text's would be heard as rubbish. */
#define says(call, words)                                                                                    \
    do {                                                                                                     \
        const size_t length_ = (call);                                                                       \
        assert_string_equal(said, (words));                                                                  \
        assert_int_equal(length_, strlen(words));                                                            \
    } while (0)
#define OUT said, sizeof said

/* ---- numbers ------------------------------------------------------------------------------------ */

static void numbers(void **state)
{
    static const struct {
        int64_t n;
        const char *es, *en;
    } t[] = {
        {0, "cero", "zero"},
        {1, "uno", "one"},
        {16, "dieciséis", "sixteen"},
        {21, "veintiuno", "twenty-one"},
        {22, "veintidós", "twenty-two"},
        {30, "treinta", "thirty"},
        {31, "treinta y uno", "thirty-one"},
        {99, "noventa y nueve", "ninety-nine"},
        {100, "cien", "one hundred"},
        {101, "ciento uno", "one hundred one"},
        {121, "ciento veintiuno", "one hundred twenty-one"},
        {500, "quinientos", "five hundred"},
        {777, "setecientos setenta y siete", "seven hundred seventy-seven"},
        {900, "novecientos", "nine hundred"},
        {1000, "mil", "one thousand"},
        {1001, "mil uno", "one thousand one"},
        {2026, "dos mil veintiséis", "two thousand twenty-six"},
        {21000, "veintiún mil", "twenty-one thousand"},
        {31000, "treinta y un mil", "thirty-one thousand"},
        {100000, "cien mil", "one hundred thousand"},
        {101000, "ciento un mil", "one hundred one thousand"},
        {121021, "ciento veintiún mil veintiuno", "one hundred twenty-one thousand twenty-one"},
        {1000000, "un millón", "one million"},
        {1000001, "un millón uno", "one million one"},
        {21000000, "veintiún millones", "twenty-one million"},
        {100000000, "cien millones", "one hundred million"},
        {1000000000, "mil millones", "one billion"},
        {2147483648,
         "dos mil ciento cuarenta y siete millones cuatrocientos ochenta y tres mil seiscientos cuarenta y "
         "ocho",
         "two billion one hundred forty-seven million four hundred eighty-three thousand six hundred "
         "forty-eight"},
        {1000000000000, "un billón", "one trillion"},
        {-5, "menos cinco", "minus five"},
        {INT64_MIN,
         "menos nueve trillones doscientos veintitrés mil trescientos setenta y dos billones treinta y seis "
         "mil "
         "ochocientos cincuenta y cuatro millones setecientos setenta y cinco mil ochocientos ocho",
         "minus nine quintillion two hundred twenty-three quadrillion three hundred seventy-two trillion "
         "thirty-six "
         "billion eight hundred fifty-four million seven hundred seventy-five thousand eight hundred eight"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        says(say_number(SAY_ES, t[i].n, OUT), t[i].es);
        says(say_number(SAY_EN, t[i].n, OUT), t[i].en);
    }
}

static void numbers_before_a_noun(void **state)
{
    static const struct {
        int64_t n;
        const char *masculine, *feminine;
    } t[] = {
        {0, "cero", "cero"},
        {1, "un", "una"},
        {11, "once", "once"},
        {21, "veintiún", "veintiuna"},
        {31, "treinta y un", "treinta y una"},
        {101, "ciento un", "ciento una"},
        {111, "ciento once", "ciento once"},
        {200, "doscientos", "doscientas"},
        {551, "quinientos cincuenta y un", "quinientas cincuenta y una"},
        {1000, "mil", "mil"},
        {1001, "mil un", "mil una"},
        {21021, "veintiún mil veintiún", "veintiún mil veintiuna"},
        {300200, "trescientos mil doscientos", "trescientas mil doscientas"},
        {200000000, "doscientos millones", "doscientos millones"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        says(say_count(SAY_ES, t[i].n, false, OUT), t[i].masculine);
        says(say_count(SAY_ES, t[i].n, true, OUT), t[i].feminine);
    }
    says(say_count(SAY_EN, 21, true, OUT), "twenty-one");
}

/* ICU's spelling, without its soft hyphens. */
static void icu(UNumberFormat *f, const char *rules, int64_t n, char out[SAY_MAX])
{
    UChar name[64], text[1024];
    UErrorCode rc = U_ZERO_ERROR;
    int32_t length, i, k = 0, bytes = 0;

    (void)u_uastrcpy(name, rules);
    unum_setTextAttribute(f, UNUM_DEFAULT_RULESET, name, -1, &rc);
    length = unum_formatInt64(f, n, text, 1024, NULL, &rc);
    for (i = 0; i < length; i++)
        if (text[i] != 0xad)
            text[k++] = text[i];
    u_strToUTF8(out, SAY_MAX - 1, &bytes, text, k, &rc);
    out[bytes] = 0;
    assert_true(U_SUCCESS(rc));
}

static void another_says_the_same_numbers(void **state)
{
    UErrorCode rc = U_ZERO_ERROR;
    UNumberFormat *es = unum_open(UNUM_SPELLOUT, NULL, 0, "es", NULL, &rc),
                  *en = unum_open(UNUM_SPELLOUT, NULL, 0, "en", NULL, &rc);
    uint64_t x = 88172645463325252u;
    char theirs[SAY_MAX];
    unsigned i;

    (void)state;
    assert_true(U_SUCCESS(rc));
    for (i = 0; i < 6000; i++) {
        int64_t n = i;
        if (i >= 2500) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            n = (int64_t)(x % (i < 4000 ? 10000000u : UINT64_C(1000000000000)));
        }
        icu(es, "%spellout-numbering", n, theirs);
        says(say_number(SAY_ES, n, OUT), theirs);
        icu(es, "%spellout-cardinal-masculine", n, theirs);
        says(say_count(SAY_ES, n, false, OUT), theirs);
        if (n < 200000) { /* beyond, ICU counts "doscientos mil citas", which is none of the Academy's */
            icu(es, "%spellout-cardinal-feminine", n, theirs);
            says(say_count(SAY_ES, n, true, OUT), theirs);
        }
        icu(en, "%spellout-numbering", n, theirs);
        says(say_number(SAY_EN, n, OUT), theirs);
    }
    unum_close(es);
    unum_close(en);
}

static void decimals(void **state)
{
    static const struct {
        const char *in, *es, *en;
    } t[] = {
        {"0", "cero", "zero"},
        {"-0", "cero", "zero"},
        {"007", "siete", "seven"},
        {"1234.50", "mil doscientos treinta y cuatro coma cinco",
         "one thousand two hundred thirty-four point five"},
        {"3.14", "tres coma catorce", "three point one four"},
        {"3.05", "tres coma cero cinco", "three point zero five"},
        {"3.141", "tres coma uno cuatro uno", "three point one four one"},
        {"-2.5", "menos dos coma cinco", "minus two point five"},
        {"-0.5", "menos cero coma cinco", "minus zero point five"},
        {"+4", "cuatro", "four"},
        {"5.00", "cinco", "five"},
        {"999999999999999999",
         "novecientos noventa y nueve mil novecientos noventa y nueve billones novecientos noventa y nueve "
         "mil "
         "novecientos noventa y nueve millones novecientos noventa y nueve mil novecientos noventa y nueve",
         "nine hundred ninety-nine quadrillion nine hundred ninety-nine trillion nine hundred ninety-nine "
         "billion "
         "nine hundred ninety-nine million nine hundred ninety-nine thousand nine hundred ninety-nine"},
    };
    static const char *const none[] = {"",
                                       "-",
                                       ".",
                                       ".5",
                                       "5.",
                                       "1,5",
                                       "1e3",
                                       " 1",
                                       "1 ",
                                       "1.2.3",
                                       "0x10",
                                       "--1",
                                       "1000000000000000000",
                                       "0.1234567890123456789",
                                       "uno"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        says(say_decimal(SAY_ES, str(t[i].in), OUT), t[i].es);
        says(say_decimal(SAY_EN, str(t[i].in), OUT), t[i].en);
    }
    for (i = 0; i < sizeof none / sizeof *none; i++)
        says(say_decimal(SAY_ES, str(none[i]), OUT), "");
}

/* ---- dates and hours ----------------------------------------------------------------------------- */

static struct tm tm_of(const char *date, int hour, int minute)
{
    struct tm t = {0};

    assert_int_equal(sscanf(date, "%d-%d-%d", &t.tm_year, &t.tm_mon, &t.tm_mday), 3);
    t.tm_year -= 1900;
    t.tm_mon--;
    t.tm_hour = hour;
    t.tm_min = minute;
    return t;
}

static void days(void **state)
{
    static const struct {
        int day;
        const char *es, *en;
    } t[] = {{1, "primero", "first"},
             {2, "dos", "second"},
             {3, "tres", "third"},
             {12, "doce", "twelfth"},
             {20, "veinte", "twentieth"},
             {21, "veintiuno", "twenty-first"},
             {22, "veintidós", "twenty-second"},
             {30, "treinta", "thirtieth"},
             {31, "treinta y uno", "thirty-first"}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        says(say_ordinal_day(SAY_ES, t[i].day, OUT), t[i].es);
        says(say_ordinal_day(SAY_EN, t[i].day, OUT), t[i].en);
    }
    says(say_ordinal_day(SAY_ES, 0, OUT), "");
    says(say_ordinal_day(SAY_EN, 32, OUT), "");
}

static void dates(void **state)
{
    static const struct {
        const char *when, *today, *es, *en;
    } t[] = {
        {"2026-11-27", "2026-11-27", "hoy", "today"},
        {"2026-11-28", "2026-11-27", "mañana", "tomorrow"},
        {"2026-11-29", "2026-11-27", "pasado mañana", "the day after tomorrow"},
        {"2026-11-26", "2026-11-27", "ayer", "yesterday"},
        {"2026-11-25", "2026-11-27", "anteayer", "the day before yesterday"},
        {"2026-12-01", "2026-11-27", "el martes primero de diciembre", "on Tuesday, December first"},
        {"2026-11-30", "2026-11-27", "el lunes treinta de noviembre", "on Monday, November thirtieth"},
        {"2026-11-18", "2026-11-27", "el miércoles dieciocho de noviembre",
         "on Wednesday, November eighteenth"},
        {"2027-01-01", "2026-12-31", "mañana", "tomorrow"},
        {"2024-02-29", "2024-02-28", "mañana", "tomorrow"},
        {"2023-03-01", "2023-02-28", "mañana", "tomorrow"},
        {"2027-01-09", "2026-12-31", "el sábado nueve de enero", "on Saturday, January ninth"},
        {"2027-11-27", "2026-11-27", "el sábado veintisiete de noviembre de dos mil veintisiete",
         "on Saturday, November twenty-seventh, twenty twenty-seven"},
        {"2000-02-29", "2026-11-27", "el martes veintinueve de febrero del dos mil",
         "on Tuesday, February twenty-ninth, two thousand"},
        {"2007-07-07", "2026-11-27", "el sábado siete de julio de dos mil siete",
         "on Saturday, July seventh, two thousand seven"},
        {"1984-05-21", "2026-11-27", "el lunes veintiuno de mayo de mil novecientos ochenta y cuatro",
         "on Monday, May twenty-first, nineteen eighty-four"},
        {"1905-10-01", "2026-11-27", "el domingo primero de octubre de mil novecientos cinco",
         "on Sunday, October first, nineteen oh five"},
        {"1900-01-01", "2026-11-27", "el lunes primero de enero de mil novecientos",
         "on Monday, January first, nineteen hundred"},
    };
    struct tm when, today;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        when = tm_of(t[i].when, 0, 0);
        today = tm_of(t[i].today, 23, 59);
        says(say_date(SAY_ES, &when, &today, OUT), t[i].es);
        says(say_date(SAY_EN, &when, &today, OUT), t[i].en);
    }
    when = tm_of("2026-12-01", 0, 0);
    says(say_calendar_day(SAY_ES, &when, OUT), "primero de diciembre de dos mil veintiséis");
    says(say_calendar_day(SAY_EN, &when, OUT), "December first, twenty twenty-six");
    when.tm_mon = 12;
    says(say_date(SAY_ES, &when, &today, OUT), "");
    says(say_calendar_day(SAY_ES, &when, OUT), "");
}

static void hours(void **state)
{
    static const struct {
        int hour, minute;
        const char *es, *en;
    } t[] = {
        {0, 0, "a las doce de la noche", "at midnight"},
        {0, 30, "a las doce y media de la noche", "at half past twelve at night"},
        {1, 0, "a la una de la madrugada", "at one in the morning"},
        {5, 59, "a las cinco y cincuenta y nueve de la madrugada", "at five fifty-nine in the morning"},
        {6, 0, "a las seis de la mañana", "at six in the morning"},
        {9, 15, "a las nueve y cuarto de la mañana", "at a quarter past nine in the morning"},
        {10, 30, "a las diez y media de la mañana", "at half past ten in the morning"},
        {11, 45, "a las once y cuarenta y cinco de la mañana", "at eleven forty-five in the morning"},
        {12, 0, "a las doce del mediodía", "at noon"},
        {12, 5, "a las doce y cinco de la tarde", "at twelve oh five in the afternoon"},
        {13, 0, "a la una de la tarde", "at one in the afternoon"},
        {13, 30, "a la una y media de la tarde", "at half past one in the afternoon"},
        {13, 1, "a la una y un minuto de la tarde", "at one oh one in the afternoon"},
        {16, 0, "a las cuatro de la tarde", "at four in the afternoon"},
        {16, 21, "a las cuatro y veintiuno de la tarde", "at four twenty-one in the afternoon"},
        {18, 0, "a las seis de la tarde", "at six in the evening"},
        {19, 0, "a las siete de la noche", "at seven in the evening"},
        {21, 0, "a las nueve de la noche", "at nine at night"},
        {23, 59, "a las once y cincuenta y nueve de la noche", "at eleven fifty-nine at night"},
    };
    struct tm when, today = tm_of("2026-11-27", 9, 0);
    char words[256];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        when = tm_of("2026-11-28", t[i].hour, t[i].minute);
        says(say_time(SAY_ES, &when, OUT), t[i].es);
        says(say_time(SAY_EN, &when, OUT), t[i].en);
        (void)snprintf(words, sizeof words, "mañana %s", t[i].es);
        says(say_date_time(SAY_ES, &when, &today, OUT), words);
        says(say_clock(SAY_ES, &when, OUT), strchr(t[i].es + 2, ' ') + 1);
    }
    when = tm_of("2026-12-01", 10, 30);
    says(say_date_time(SAY_ES, &when, &today, OUT),
         "el martes primero de diciembre a las diez y media de la mañana");
    says(say_date_time(SAY_EN, &when, &today, OUT),
         "on Tuesday, December first at half past ten in the morning");
    when.tm_hour = 24;
    says(say_time(SAY_ES, &when, OUT), "");
    says(say_date_time(SAY_EN, &when, &today, OUT), "");
}

/* ---- money, digits, telephones ---------------------------------------------------------------------- */

static void money(void **state)
{
    static const struct {
        const char *amount, *currency, *es, *en;
    } t[] = {
        {"12000.00", "COP", "doce mil pesos", "twelve thousand pesos"},
        {"1", "COP", "un peso", "one peso"},
        {"21", "MXN", "veintiún pesos", "twenty-one pesos"},
        {"1000000", "COP", "un millón de pesos", "one million pesos"},
        {"2500000", "COP", "dos millones quinientos mil pesos", "two million five hundred thousand pesos"},
        {"3000000.50", "ARS", "tres millones de pesos con cincuenta centavos",
         "three million pesos and fifty centavos"},
        {"1.50", "USD", "un dólar con cincuenta centavos", "one dollar and fifty cents"},
        {"2.01", "USD", "dos dólares con un centavo", "two dollars and one cent"},
        {"0.21", "USD", "veintiún centavos", "twenty-one cents"},
        {"0.5", "EUR", "cincuenta céntimos", "fifty cents"},
        {"0", "EUR", "cero euros", "zero euros"},
        {"0.00", "PEN", "cero soles", "zero soles"},
        {"1", "PEN", "un sol", "one sol"},
        {"21.10", "GBP", "veintiuna libras con diez peniques", "twenty-one pounds and ten pence"},
        {"200", "GBP", "doscientas libras", "two hundred pounds"},
        {"9990", "CLP", "nueve mil novecientos noventa pesos", "nine thousand nine hundred ninety pesos"},
        {"101", "BRL", "ciento un reales", "one hundred one reais"},
        {"-15.25", "USD", "menos quince dólares con veinticinco centavos",
         "minus fifteen dollars and twenty-five cents"},
        {"1.255", "USD", "uno coma dos cinco cinco dólares", "one point two five five dollars"},
        {"10.5", "CLP", "diez coma cinco pesos", "ten point five pesos"},
        {"10", "XAU", "diez, equis, a, u", "ten, ex, ay, you"},
        {"doce", "COP", "", ""},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        says(say_money(SAY_ES, str(t[i].amount), str(t[i].currency), OUT), t[i].es);
        says(say_money(SAY_EN, str(t[i].amount), str(t[i].currency), OUT), t[i].en);
    }
}

static void digits_and_signs(void **state)
{
    (void)state;
    says(say_digits(SAY_ES, str("1020.3"), OUT), "uno, cero, dos, cero, tres");
    says(say_digits(SAY_EN, str("300"), OUT), "three, zero, zero");
    says(say_digits(SAY_ES, str("AB-1"), OUT), "a, be, uno");
    says(say_digits(SAY_ES, str("--"), OUT), "");
    says(say_key(SAY_ES, '1', OUT), "uno");
    says(say_key(SAY_ES, '0', OUT), "cero");
    says(say_key(SAY_ES, '*', OUT), "asterisco");
    says(say_key(SAY_ES, '#', OUT), "numeral");
    says(say_key(SAY_EN, '#', OUT), "pound");
    says(say_key(SAY_EN, '9', OUT), "nine");
    says(say_key(SAY_EN, 'x', OUT), "");
    says(say_spell(SAY_ES, str("H-3 ñ"), OUT), "hache, guion, tres, eñe");
    says(say_spell(SAY_EN, str("w@x.co"), OUT), "double you, at, ex, dot, see, oh");
    says(say_spell(SAY_ES, str("Á"), OUT), "a con tilde");
    says(say_spell(SAY_ES, str("\xc3"), OUT), "");
}

static void telephones(void **state)
{
    static const struct {
        const char *in, *es;
    } t[] = {
        {"+573001112233", "más cinco siete, tres cero cero, uno uno uno, dos dos tres tres"},
        {"+576015551234", "más cinco siete, seis cero uno, cinco cinco cinco, uno dos tres cuatro"},
        {"+525512345678", "más cinco dos, cinco cinco, uno dos tres cuatro, cinco seis siete ocho"},
        {"+526641234567", "más cinco dos, seis seis cuatro, uno dos tres, cuatro cinco seis siete"},
        {"+51987654321", "más cinco uno, nueve ocho siete, seis cinco cuatro, tres dos uno"},
        {"+5117654321", "más cinco uno, uno, siete seis cinco, cuatro tres dos uno"},
        {"+56987654321", "más cinco seis, nueve, ocho siete seis cinco, cuatro tres dos uno"},
        {"+5491112345678", "más cinco cuatro, nueve, uno uno, uno dos tres cuatro, cinco seis siete ocho"},
        {"+5511987654321", "más cinco cinco, uno uno, nueve ocho siete seis cinco, cuatro tres dos uno"},
        {"+13055551234", "más uno, tres cero cinco, cinco cinco cinco, uno dos tres cuatro"},
        {"+50688887777", "más cinco cero seis, ocho ocho ocho ocho, siete siete siete siete"},
        {"300 111 2233", "tres cero cero, uno uno uno, dos dos tres tres"},
        {"(601) 555-1234", "seis cero uno, cinco cinco cinco, uno dos tres cuatro"},
        {"55512345", "cinco cinco cinco uno, dos tres cuatro cinco"},
        {"5551234", "cinco cinco cinco, uno dos tres cuatro"},
        {"123", "uno dos tres"},
        {"12345", "uno dos tres, cuatro cinco"},
        {"", ""},
        {"+", ""},
        {"57+300", ""},
        {"ana", ""},
        {"123456789012345678901", ""},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++)
        says(say_phone(SAY_ES, str(t[i].in), OUT), t[i].es);
    says(say_phone(SAY_EN, str("+13055551234"), OUT),
         "plus one, three zero five, five five five, one two three four");
}

/* ---- whatever is said -------------------------------------------------------------------------------- */

static void what_does_not_fit_is_not_said(void **state)
{
    char small[18];
    struct tm t = tm_of("2026-11-28", 16, 0), today = tm_of("2026-11-27", 9, 0);
    size_t n;

    (void)state;
    memset(small, 'x', sizeof small);
    assert_int_equal(say_number(SAY_ES, 121, small, 17), 16); /* with its NUL, exactly */
    assert_string_equal(small, "ciento veintiuno");
    assert_int_equal(small[17], 'x');
    for (n = 0; n < 17; n++) {
        memset(small, 'x', sizeof small);
        assert_int_equal(say_number(SAY_ES, 121, small, n), 0);
        assert_int_equal(small[n], 'x');
        if (n)
            assert_int_equal(small[0], 0);
        assert_int_equal(say_date_time(SAY_ES, &t, &today, small, n), 0);
        assert_int_equal(say_money(SAY_ES, str("1000000.50"), str("COP"), small, n), 0);
        assert_int_equal(say_phone(SAY_ES, str("+573001112233"), small, n), 0);
        assert_int_equal(say_spell(SAY_ES, str("wwwww"), small, n), 0);
        assert_int_equal(say_decimal(SAY_ES, str("21000.555"), small, n), 0);
        assert_int_equal(small[n], 'x');
    }
}

static void values_are_read_strictly(void **state)
{
    static const struct {
        const char *in;
        int64_t s; /* -1: it is none */
    } t[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-28T21:00:00Z", 1795899600},
        {"2026-11-28T16:00:00-05:00", 1795899600},
        {"2026-11-28t16:00:00.123456-05:00", 1795899600},
        {"2026-11-29T02:30:00+05:30", 1795899600},
        {"2024-02-29T00:00:00Z", 1709164800},
        {"2023-02-29T00:00:00Z", -1},
        {"2026-04-31T00:00:00Z", -1},
        {"2026-13-01T00:00:00Z", -1},
        {"2026-11-28T24:00:00Z", -1},
        {"2026-11-28T16:60:00Z", -1},
        {"2026-11-28T16:00:00", -1},
        {"2026-11-28T16:00:00.Z", -1},
        {"2026-11-28T16:00Z", -1},
        {"2026-11-28 16:00:00Z", -1},
        {"2026-11-28T16:00:00+5:00", -1},
        {"2026-11-28T16:00:00Z ", -1},
        {"", -1},
    };
    struct tm tm;
    int64_t us;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        us = -1;
        assert_int_equal(say_read_instant(str(t[i].in), &us), t[i].s >= 0);
        if (t[i].s >= 0)
            assert_int_equal(us, t[i].s * 1000000);
    }
    assert_true(say_read_date(str("2026-12-31"), &tm));
    assert_int_equal(tm.tm_mday, 31);
    assert_false(say_read_date(str("2026-02-30"), &tm));
    assert_false(say_read_date(str("2026-2-3"), &tm));
    assert_true(say_read_time(str("15:30"), &tm) && tm.tm_hour == 15 && tm.tm_min == 30);
    assert_true(say_read_time(str("15:30:59"), &tm));
    assert_false(say_read_time(str("15:3"), &tm));
    assert_false(say_read_time(str("24:00"), &tm));
    assert_false(say_read_time(str("15:30:"), &tm));
}

/* What is written to be read, and what is left as it is. */
static void texts_are_spoken(void **state)
{
    static const struct {
        const char *in, *es; /* NULL: as it is */
    } t[] = {
        /* hours */
        {"el viernes 4 de diciembre a las 3:30 p. m. en la tienda",
         "el viernes 4 de diciembre a las tres y media de la tarde en la tienda"},
        {"a la 1:15 p. m.", "a la una y cuarto de la tarde."},
        {"A las 13:00.", "A la una de la tarde."},
        {"a las 3:30 p.\xc2\xa0m. Traiga la factura", "a las tres y media de la tarde. Traiga la factura"},
        {"de 08:00 a 17:45 h", "de ocho de la mañana a cinco y cuarenta y cinco de la tarde"},
        {"a las 12:00 PM", "a las doce del mediodía"},
        {"a las 12:00 a.m.", "a las doce de la noche."},
        {"a las 3:30", "a las tres y media"},
        {"a las 3 pm, sí", "a las tres de la tarde, sí"},
        {"a las 15:30:10", "a las tres y media de la tarde"},
        {"25:00", NULL},
        {"3:75", NULL},
        {"13:00 pm", NULL},
        {"1:2:3", NULL},
        {"10:30:", NULL},
        {"Juan 3:16b", NULL},
        /* dates */
        {"el 1 de diciembre", "el primero de diciembre"},
        {"el 11 de diciembre", NULL},
        {"del 2026-12-01 al 01/2/2026",
         "del primero de diciembre de dos mil veintiséis al primero de febrero de dos mil "
         "veintiséis"},
        {"31/02/2026", NULL},
        {"2026-12-011", NULL},
        {"1/2", NULL},
        {"2026-1", NULL},
        /* amounts */
        {"Son $ 12.000.", "Son doce mil pesos."},
        {"Son $12,000.50", "Son doce mil pesos con cincuenta centavos"},
        {"$ 1.000.000 pesos", "un millón de pesos"},
        {"$1'200.000", "un millón doscientos mil pesos"},
        {"US$ 15.25", "quince dólares con veinticinco centavos"},
        {"$20 dólares", "veinte dólares"},
        {"COP 12.000 y 12.000 COP", "doce mil pesos y doce mil pesos"},
        {"S/ 21 o R$ 1,50", "veintiún soles o un real con cincuenta centavos"},
        {"20 € o €20,50", "veinte euros o veinte euros con cincuenta céntimos"},
        {"20€", "veinte euros"},
        {"1.000.000 pesos", "un millón de pesos"},
        {"la COP28", NULL},
        {"$ mucho", NULL},
        {"v1.2.3", NULL},
        {"1.2.3", NULL},
        {"192.168.10.20", NULL},
        /* telephones and numbers of documents */
        {"Llame al +57 300 111 22 33.",
         "Llame al más cinco siete, tres cero cero, uno uno uno, dos dos tres tres."},
        {"Llame al 3001112233", "Llame al tres cero cero, uno uno uno, dos dos tres tres"},
        {"al 300-111-2233, hoy", "al tres cero cero, uno uno uno, dos dos tres tres, hoy"},
        {"CC 1020304050", "CC uno cero dos, cero tres cero, cuatro cero cinco cero"},
        {"de 2020 2021 a 2022", NULL},
        {"ABC1234567", NULL},
        {"123456789012345678901", NULL},
        /* counts */
        {"21 casos, 21 citas y 1 caso", "veintiún casos, veintiuna citas y un caso"},
        {"200 citas en 31 días", "doscientas citas en treinta y un días"},
        {"21 de marzo", NULL},
        {"1.5 kilos", NULL},
        {"007 casos", NULL},
        {"4G", NULL},
        /* marks */
        {"pedido #1001", "pedido número 1001"},
        {"*Hola*, _Ana_ 😀 ❤️, marque *", "Hola, Ana  , marque *"},
        {"a*b_c", NULL},
        {"vea https://x.example/1:30?a=21 casos", "vea https://x.example/1:30?a=21 casos"},
        {"a ana_2@x.example 21 casos", "a ana_2@x.example veintiún casos"},
        {"", NULL},
        {"ñandú – «sí»", NULL},
        {"\xff\xc3", NULL},
    };
    static const struct {
        const char *in, *en;
    } e[] = {
        {"Friday, December 4 at 3:30 PM", "Friday, December fourth at half past three in the afternoon"},
        {"at 12:00 PM on May 1, 2026", "at noon on May first, 2026"},
        {"at 13:00", "at one in the afternoon"},
        {"$1.50, 01/02/2026, 21 cases", "one dollar and fifty cents, 01/02/2026, 21 cases"},
        {"Order #5", "Order number 5"},
        {"in May 12:30", "in May half past twelve"},
    };
    char *much = malloc(16384);
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++)
        says(say_text(SAY_ES, str(t[i].in), str("COP"), OUT), t[i].es ? t[i].es : t[i].in);
    for (i = 0; i < sizeof e / sizeof *e; i++)
        says(say_text(SAY_EN, str(e[i].in), str("USD"), OUT), e[i].en);
    says(say_text(SAY_ES, str("$ 5"), str(""), OUT), "$ 5"); /* whose, nobody has said */
    says(say_text(SAY_ES, str("$ 5"), say_currency_of(str("MX")), OUT), "cinco pesos");
    says(say_text(SAY_ES, str("$ 5, S/ 5"), say_currency_of(str("PE")), OUT), "cinco dólares, cinco soles");
    assert_int_equal(say_currency_of(str("JP")).n, 0);
    assert_int_equal(say_currency_of(str("")).n, 0);
    memset(much, '1', 16384);
    assert_int_equal(say_text(SAY_ES, (struct hilo_str){much, 16384}, str(""), OUT), 0);
    free(much);
}

static void languages_by_their_tags(void **state)
{
    static const struct {
        const char *tag;
        int language; /* -1: neither */
    } t[] = {{"es", SAY_ES}, {"ES", SAY_ES},    {"es-CO", SAY_ES}, {"es_419", SAY_ES}, {"spa", SAY_ES},
             {"en", SAY_EN}, {"en-US", SAY_EN}, {"eng", SAY_EN},   {"est", -1},        {"enm", -1},
             {"pt-BR", -1},  {"e", -1},         {"", -1},          {"-es", -1}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        assert_int_equal(say_language_of(str(t[i].tag), SAY_ES), t[i].language < 0 ? SAY_ES : t[i].language);
        assert_int_equal(say_language_of(str(t[i].tag), SAY_EN), t[i].language < 0 ? SAY_EN : t[i].language);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(numbers_before_a_noun),
        cmocka_unit_test(another_says_the_same_numbers),
        cmocka_unit_test(decimals),
        cmocka_unit_test(days),
        cmocka_unit_test(dates),
        cmocka_unit_test(hours),
        cmocka_unit_test(money),
        cmocka_unit_test(digits_and_signs),
        cmocka_unit_test(telephones),
        cmocka_unit_test(what_does_not_fit_is_not_said),
        cmocka_unit_test(values_are_read_strictly),
        cmocka_unit_test(texts_are_spoken),
        cmocka_unit_test(languages_by_their_tags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
