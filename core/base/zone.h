/*
 * The time of day somewhere: IANA's time zones from the system's files (tzdata), without the C library's one
 * zone for the whole process. [any]
 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include "base/err.h"
#include <hilo/types.h>

struct zone_time {
    int32_t year, month, day;     /* month and day from 1 */
    int32_t weekday;              /* 0 Sunday … 6 Saturday */
    int32_t hour, minute, second; /* hour 0 to 23 */
    int32_t offset_s;             /* east of UTC */
};

/* name: "America/Bogota"; empty: the machine's own (/etc/localtime, else UTC). Reads a file of some KiB.
 * HILO_OK; HILO_INVALID: it can be no zone's name, or the time is beyond the years 1 to 9999;
 * HILO_NOTFOUND: the system has no such zone; HILO_CORRUPT, HILO_IO: its file can't be read. */
int32_t zone_local(struct hilo_str name, int64_t wall_us, struct zone_time *out, struct err *);

/* The same from a file's bytes (TZif, RFC 9636): how far east of UTC the zone is at a Unix time in
 * seconds. HILO_OK or HILO_CORRUPT. */
int32_t zone_offset(struct hilo_str tzif, int64_t unix_s, int32_t *offset_s_out, struct err *);

#endif
