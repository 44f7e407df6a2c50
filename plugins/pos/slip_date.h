/*
 * Dates as people write them, by CLDR (ICU): language, region and time zone decide. Pure but for
 * ICU's own caches; [any] thread.
 */
#ifndef POS_SLIP_DATE_H
#define POS_SLIP_DATE_H

#include <hilo/types.h>
#include <stdbool.h>

enum { POS_DATE_MAX = 128 };
enum pos_date_form {
    POS_DATE_DAY,      /* "viernes, 27 de noviembre", "Friday, November 27" */
    POS_DATE_DAY_YEAR, /* "27 de noviembre de 2026", "November 27, 2026" */
    POS_DATE_HOUR      /* "3:30 p. m.", "15:30", "3:30 PM" */
};

/* "2026-11-27T20:30:00Z", or with an offset or a fraction, as RFC 3339 has it: Unix time, µs. */
bool pos_date_parse(struct hilo_str text, int64_t *us_out);
/* zone: IANA name, empty: the gateway's. locale: BCP 47, NUL-ended. Spaces are plain ones. False: the zone
 * is not known, or no memory. */
bool pos_date_say(int64_t us, enum pos_date_form, const char *locale, struct hilo_str zone,
                  char out[POS_DATE_MAX]);
/* Empty is. */
bool pos_date_zone_known(struct hilo_str zone);

#endif
