/*
 * Where a telephone number is at home: countries by its first digits (dialing.def), and the time zones of
 * those. [any] thread.
 */
#ifndef VOICE_DIALING_H
#define VOICE_DIALING_H

#include <stdbool.h>
#include <hilo/types.h>

enum { DIALING_ZONES_MAX = 64, DIALING_ZONE_NAME = 64 };
struct dialing_zones {
    char name[DIALING_ZONES_MAX][DIALING_ZONE_NAME]; /* of the IANA list */
    uint32_t n; /* 0: no country of it is known, or the system has no zone.tab */
};

/* ISO 3166 of a number in E.164 (+57…), "CO", several with spaces between ("US CA"); empty: none. Static. */
struct hilo_str dialing_countries(struct hilo_str e164);
/* All zones of those countries: a number does not tell which. */
void dialing_zones(struct hilo_str e164, struct dialing_zones *);

#endif
