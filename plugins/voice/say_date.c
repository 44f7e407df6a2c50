/*
 * Dates and hours as people say them. Spanish is that of Latin America: twelve hours, with the part of the
 * day.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "say_out.h"

#include <hilo/zone.h>

static const char *const weekday[2][7] = {
    [SAY_ES] = {"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"},
    [SAY_EN] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
};
static const char *const month[2][12] = {
    [SAY_ES] = {"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre",
                "octubre", "noviembre", "diciembre"},
    [SAY_EN] = {"January", "February", "March", "April", "May", "June", "July", "August", "September",
                "October", "November", "December"},
};
/* From the day before yesterday on. */
static const char *const near[2][5] = {
    [SAY_ES] = {"anteayer", "ayer", "hoy", "mañana", "pasado mañana"},
    [SAY_EN] = {"the day before yesterday", "yesterday", "today", "tomorrow", "the day after tomorrow"},
};

static bool is_date(const struct tm *t)
{
    return t->tm_mon >= 0 && t->tm_mon < 12 && t->tm_mday >= 1 && t->tm_mday <= 31 && t->tm_year >= -1899 &&
           t->tm_year <= 8099;
}

static bool is_time(const struct tm *t)
{
    return t->tm_hour >= 0 && t->tm_hour < 24 && t->tm_min >= 0 && t->tm_min < 60;
}

static int64_t days_of(const struct tm *t)
{
    return hilo_days(t->tm_year + 1900, t->tm_mon + 1, t->tm_mday);
}

/* "twenty twenty-seven", "nineteen oh five", "two thousand seven" */
static void en_year(struct say_out *o, unsigned year)
{
    if (year < 1100 || (year >= 2000 && year < 2010) || year % 1000 < 10) {
        say_put_cardinal(o, SAY_EN, year, SAY_COUNTING);
        return;
    }
    say_put_cardinal(o, SAY_EN, year / 100, SAY_COUNTING);
    if (year % 100 == 0) {
        say_word(o, "hundred");
        return;
    }
    if (year % 100 < 10)
        say_word(o, "oh");
    say_put_cardinal(o, SAY_EN, year % 100, SAY_COUNTING);
}

/* "primero de diciembre", "December first" */
static void put_day(struct say_out *o, enum say_language language, const struct tm *when)
{
    char ordinal[32];

    (void)say_ordinal_day(language, when->tm_mday, ordinal, sizeof ordinal);
    if (language == SAY_EN)
        say_word(o, month[language][when->tm_mon]);
    say_word(o, ordinal);
    if (language == SAY_ES) {
        say_word(o, "de");
        say_word(o, month[language][when->tm_mon]);
    }
}

static void put_year(struct say_out *o, enum say_language language, const struct tm *when)
{
    const unsigned year = (unsigned)when->tm_year + 1900;

    if (language == SAY_ES) {
        say_word(o, year == 2000 ? "del" : "de");
        say_put_cardinal(o, language, year, SAY_COUNTING);
    } else {
        say_puts(o, ",");
        en_year(o, year);
    }
}

static void put_date(struct say_out *o, enum say_language language, const struct tm *when,
                     const struct tm *today)
{
    enum { FAR_DAYS = 92 };
    const int64_t days = days_of(when), away = days - days_of(today);
    /* In January nobody says the year of the December that was. */
    const bool year = when->tm_year != today->tm_year && (away > FAR_DAYS || away < -FAR_DAYS);

    if (away >= -2 && away <= 2) {
        say_word(o, near[language][away + 2]);
        return;
    }
    say_word(o, language == SAY_ES ? "el" : "on");
    say_word(o, weekday[language][((days + 4) % 7 + 7) % 7]);
    if (language == SAY_EN)
        say_puts(o, ",");
    put_day(o, language, when);
    if (year)
        put_year(o, language, when);
}

/* "cuatro y media de la tarde", "doce del mediodía" */
static void es_clock(struct say_out *o, int hour, int minute, bool half)
{
    say_put_cardinal(o, SAY_ES, hour % 12 == 0 ? 12 : (uint64_t)hour % 12, SAY_FEMININE);
    if (minute) {
        say_word(o, "y");
        if (minute == 15)
            say_word(o, "cuarto");
        else if (minute == 30)
            say_word(o, "media");
        else
            say_put_cardinal(o, SAY_ES, (uint64_t)minute, minute == 1 ? SAY_MASCULINE : SAY_COUNTING);
        if (minute == 1)
            say_word(o, "minuto");
    }
    if (half)
        say_word(o, hour == 0                   ? "de la noche"
                    : hour < 6                  ? "de la madrugada"
                    : hour < 12                 ? "de la mañana"
                    : hour == 12 && minute == 0 ? "del mediodía"
                    : hour < 19                 ? "de la tarde"
                                                : "de la noche");
}

/* "half past four in the afternoon", "four oh five in the afternoon", "noon" */
static void en_clock(struct say_out *o, int hour, int minute, bool half)
{
    if (half && minute == 0 && hour % 12 == 0) {
        say_word(o, hour ? "noon" : "midnight");
        return;
    }
    if (minute == 30)
        say_word(o, "half past");
    if (minute == 15)
        say_word(o, "a quarter past");
    say_put_cardinal(o, SAY_EN, hour % 12 == 0 ? 12 : (uint64_t)hour % 12, SAY_COUNTING);
    if (minute && minute != 30 && minute != 15) {
        if (minute < 10)
            say_word(o, "oh");
        say_put_cardinal(o, SAY_EN, (uint64_t)minute, SAY_COUNTING);
    }
    if (half)
        say_word(o, hour == 0 || hour >= 21 ? "at night"
                    : hour < 12             ? "in the morning"
                    : hour < 18             ? "in the afternoon"
                                            : "in the evening");
}

static void put_clock(struct say_out *o, enum say_language language, const struct tm *when, bool half)
{
    if (language == SAY_ES)
        es_clock(o, when->tm_hour, when->tm_min, half);
    else
        en_clock(o, when->tm_hour, when->tm_min, half);
}

static void put_time(struct say_out *o, enum say_language language, const struct tm *when)
{
    if (language == SAY_EN)
        say_word(o, "at");
    else
        say_word(o, when->tm_hour % 12 == 1 ? "a la" : "a las");
    put_clock(o, language, when, true);
}

size_t say_date(enum say_language language, const struct tm *when, const struct tm *today, char *out,
                size_t n)
{
    struct say_out o = {out, n, 0};

    if (!is_date(when) || !is_date(today))
        return say_nothing(&o);
    put_date(&o, language, when, today);
    return say_end(&o);
}

size_t say_time(enum say_language language, const struct tm *when, char *out, size_t n)
{
    struct say_out o = {out, n, 0};

    if (!is_time(when))
        return say_nothing(&o);
    put_time(&o, language, when);
    return say_end(&o);
}

size_t say_date_time(enum say_language language, const struct tm *when, const struct tm *today, char *out,
                     size_t n)
{
    struct say_out o = {out, n, 0};

    if (!is_date(when) || !is_date(today) || !is_time(when))
        return say_nothing(&o);
    put_date(&o, language, when, today);
    put_time(&o, language, when);
    return say_end(&o);
}

size_t say_calendar_day(enum say_language language, const struct tm *when, char *out, size_t n)
{
    struct say_out o = {out, n, 0};

    if (!is_date(when))
        return say_nothing(&o);
    put_day(&o, language, when);
    put_year(&o, language, when);
    return say_end(&o);
}

size_t say_clock_of(enum say_language language, const struct tm *when, bool half, char *out, size_t n)
{
    struct say_out o = {out, n, 0};

    if (!is_time(when))
        return say_nothing(&o);
    put_clock(&o, language, when, half);
    return say_end(&o);
}

size_t say_clock(enum say_language language, const struct tm *when, char *out, size_t n)
{
    return say_clock_of(language, when, true, out, n);
}
