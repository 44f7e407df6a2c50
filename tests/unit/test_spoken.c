/* Dates and hours as people say them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "services/spoken.h"

static void said(const char *language, struct zone_time z, const char *when)
{
    struct arena *a = arena_new();
    const struct hilo_str s = spoken_when(a, str(language), &z, 2026);

    if (!str_eqz(s, when))
        fail_msg("%.*s, not %s", STR_FMT(s), when);
    arena_free(&a);
}

static void as_people_say_it(void **state)
{
    const struct zone_time
        friday = {.year = 2026, .month = 12, .day = 4, .weekday = 5, .hour = 15, .minute = 30},
        one = {.year = 2027, .month = 1, .day = 31, .weekday = 0, .hour = 13, .minute = 5},
        noon = {.year = 2026, .month = 9, .day = 1, .weekday = 2, .hour = 12},
        midnight = {.year = 2026, .month = 5, .day = 9, .weekday = 6, .hour = 0, .minute = 15};

    (void)state;
    said("es-CO", friday, "viernes 4 de diciembre a las 3:30 p. m.");
    said("en", friday, "Friday, December 4 at 3:30 PM");
    said("es-ES", friday, "viernes 4 de diciembre a las 15:30");
    said("es", one, "domingo 31 de enero de 2027 a la 1:05 p. m.");
    said("es-ES", one, "domingo 31 de enero de 2027 a las 13:05");
    said("en-US", one, "Sunday, January 31, 2027 at 1:05 PM");
    said("es", noon, "martes 1 de septiembre a las 12:00 p. m.");
    said("en", noon, "Tuesday, September 1 at 12:00 PM");
    said("es", midnight, "sábado 9 de mayo a las 12:15 a. m.");
    said("en", midnight, "Saturday, May 9 at 12:15 AM");
    said("es-ES", midnight, "sábado 9 de mayo a las 0:15");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_people_say_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
