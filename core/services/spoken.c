/* Dates and hours in words. */
#include "services/spoken.h"
#include "base/check.h"
#include "base/str.h"

static const struct {
    const char *day[7], *month[12];
} names[] = {
    {{"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"},
     {"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
      "noviembre", "diciembre"}},
    {{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
     {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
      "November", "December"}},
};

static bool spanish(struct hilo_str language)
{
    return str_starts(language, STR("es"));
}

/* Where the day has 24 hours on a shop's door, too. */
static bool of_24_hours(struct hilo_str language)
{
    return str_eq_nocase(language, STR("es-ES"));
}

static unsigned hour_of_12(const struct zone_time *z)
{
    return z->hour % 12 == 0 ? 12u : (unsigned)z->hour % 12;
}

struct hilo_str spoken_date(struct arena *a, struct hilo_str language, const struct zone_time *z,
                            int32_t this_year)
{
    CHECK(z->weekday >= 0 && z->weekday < 7 && z->month >= 1 && z->month <= 12);
    const bool es = spanish(language);
    const char *day = names[!es].day[z->weekday], *month = names[!es].month[z->month - 1];
    const struct hilo_str date = es ? arena_fmt(a, "%s %d de %s", day, (int)z->day, month)
                                    : arena_fmt(a, "%s, %s %d", day, month, (int)z->day);

    if (z->year == this_year)
        return date;
    return arena_fmt(a, es ? "%.*s de %d" : "%.*s, %d", STR_FMT(date), (int)z->year);
}

struct hilo_str spoken_time(struct arena *a, struct hilo_str language, const struct zone_time *z)
{
    if (of_24_hours(language))
        return arena_fmt(a, "%d:%02d", (int)z->hour, (int)z->minute);
    if (spanish(language))
        return arena_fmt(a, "%u:%02d %s", hour_of_12(z), (int)z->minute, z->hour < 12 ? "a. m." : "p. m.");
    return arena_fmt(a, "%u:%02d %s", hour_of_12(z), (int)z->minute, z->hour < 12 ? "AM" : "PM");
}

struct hilo_str spoken_when(struct arena *a, struct hilo_str language, const struct zone_time *z,
                            int32_t this_year)
{
    const unsigned hour = of_24_hours(language) ? (unsigned)z->hour : hour_of_12(z);
    const char *at = !spanish(language) ? "at" : hour == 1 ? "a la" : "a las";

    return arena_fmt(a, "%.*s %s %.*s", STR_FMT(spoken_date(a, language, z, this_year)), at,
                     STR_FMT(spoken_time(a, language, z)));
}
