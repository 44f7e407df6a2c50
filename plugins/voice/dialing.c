/*
 * Countries are of ITU-T's list; their zones of the system's zone.tab, which tzdata has beside the zones
 * themselves: a line is "CO", where it is, "America/Bogota", a comment, parted by tabs.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "dialing.h"

#include <stdio.h>
#include <string.h>

#define DIALING_TAB "/usr/share/zoneinfo/zone.tab"

#define DIALING_STR(s)                                                                                       \
    {                                                                                                        \
        (s), sizeof(s) - 1                                                                                   \
    }
static const struct {
    struct hilo_str digits, countries;
} dialing_table[] = {
#define DIALING(digits, countries) {DIALING_STR(digits), DIALING_STR(countries)},
#include "dialing.def"
};

struct hilo_str dialing_countries(struct hilo_str e164)
{
    struct hilo_str found = {NULL, 0};
    uint64_t longest = 0;
    size_t i;

    if (e164.n < 2 || e164.p[0] != '+')
        return found;
    for (i = 0; i < sizeof dialing_table / sizeof *dialing_table; i++) {
        const struct hilo_str *d = &dialing_table[i].digits;

        if (d->n > longest && d->n < e164.n && memcmp(e164.p + 1, d->p, d->n) == 0) {
            longest = d->n;
            found = dialing_table[i].countries;
        }
    }
    return found;
}

static bool dialing_has(struct hilo_str countries, const char *country)
{
    uint64_t i;

    for (i = 0; i + 2 <= countries.n; i += 3)
        if (memcmp(countries.p + i, country, 2) == 0)
            return true;
    return false;
}

void dialing_zones(struct hilo_str e164, struct dialing_zones *out)
{
    struct hilo_str countries = dialing_countries(e164);
    char line[512], zone[DIALING_ZONE_NAME];
    FILE *f;

    out->n = 0;
    f = countries.n ? fopen(DIALING_TAB, "re") : NULL;
    while (f && out->n < DIALING_ZONES_MAX && fgets(line, sizeof line, f))
        if (line[0] >= 'A' && line[0] <= 'Z' && dialing_has(countries, line) &&
            sscanf(line, "%*2s\t%*[^\t]\t%63s", zone) == 1)
            (void)strcpy(out->name[out->n++], zone);
    if (f)
        (void)fclose(f);
}
