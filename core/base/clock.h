/* The two clocks, both in microseconds. [any] */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <hilo/types.h>
#include <stdbool.h>

int64_t clock_wall_us(void); /* Unix time, UTC: what is stored */
int64_t clock_mono_us(void); /* since some start: what waits are measured by */

/* RFC 3339 in UTC with milliseconds: "2026-11-24T23:59:59.123Z". */
#define CLOCK_TEXT 32
void clock_format(int64_t wall_us, char out[CLOCK_TEXT]);
/* RFC 3339 with any offset. */
bool clock_parse(struct hilo_str, int64_t *wall_us_out);
/* ISO 8601 durations of days and smaller (PT1H, P1DT30M, PT90S). */
bool clock_parse_duration(struct hilo_str, int64_t *us_out);

#endif
