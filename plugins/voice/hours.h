/*
 * Opening hours of a week, with holidays, in a time zone. Pure, but that the time zone's rules are read.
 */
#ifndef VOICE_HOURS_H
#define VOICE_HOURS_H

#include <stdbool.h>
#include <hilo/types.h>

enum { HOURS_SPANS_MAX = 4, HOURS_HOLIDAYS_MAX = 400 };

struct hours_span { /* minutes since midnight; until is not within */
    uint16_t from, until;
};
struct hours {
    struct hours_span day[7][HOURS_SPANS_MAX]; /* Sunday first, in order; from == until: none */
    struct hilo_str time_zone;                 /* IANA; empty: the channel's */
    int32_t holiday[HOURS_HOLIDAYS_MAX];       /* yyyymmdd; mmdd alone: each year */
    uint32_t n_holidays;
};
enum hours_when { HOURS_OPEN, HOURS_CLOSED, HOURS_HOLIDAY };

/* Reads "09:00-13:00 14:00-19:00", "closed". false: wrong says why. */
bool hours_spans(struct hilo_str, struct hours_span out[HOURS_SPANS_MAX], char wrong[160]);
/* "mon", "mon-fri": the days as bits, Sunday is 1; 0: it is none. */
uint32_t hours_days(struct hilo_str);
/* "2026-12-25", "12-25"; 0: it is none. */
int32_t hours_holiday(struct hilo_str);

/* A name of the IANA list that this system has; empty is none. */
bool hours_zone_known(struct hilo_str);

/* Whether it is open at this instant. time_zone: where hours has none; not known: UTC. */
enum hours_when hours_at(const struct hours *, struct hilo_str time_zone, int64_t wall_us);
/* When it opens next after this instant, within 400 days; 0: it does not. */
int64_t hours_next(const struct hours *, struct hilo_str time_zone, int64_t wall_us);

#endif
