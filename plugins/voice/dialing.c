/*
 * Zones of a country are those of ICU: one for each place whose clock has a history of its own. Some of them
 * show the same today, which costs a look and changes nothing. SPDX-License-Identifier: Apache-2.0
 */
#include "dialing.h"

#include <string.h>
#include <unicode/ucal.h>
#include <unicode/uenum.h>

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

static void dialing_add(const char country[3], struct dialing_zones *out)
{
    UErrorCode rc = U_ZERO_ERROR;
    UEnumeration *all = ucal_openTimeZoneIDEnumeration(UCAL_ZONE_TYPE_CANONICAL_LOCATION, country, NULL, &rc);
    const char *id;
    int32_t n = 0;

    while (U_SUCCESS(rc) && out->n < DIALING_ZONES_MAX && (id = uenum_next(all, &n, &rc))) {
        if (n <= 0 || n >= DIALING_ZONE_NAME)
            continue;
        memcpy(out->name[out->n], id, (size_t)n);
        out->name[out->n++][n] = 0;
    }
    uenum_close(all);
}

void dialing_zones(struct hilo_str e164, struct dialing_zones *out)
{
    struct hilo_str countries = dialing_countries(e164);
    char country[3] = {0};
    uint64_t i;

    out->n = 0;
    for (i = 0; i + 2 <= countries.n; i += 3) {
        memcpy(country, countries.p + i, 2);
        dialing_add(country, out);
    }
}
