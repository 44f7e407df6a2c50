/*
 * When the operator allows that people are called, on the clocks of where they live. Pure, but that time
 * zones' rules are read.
 */
#ifndef VOICE_CALLHOURS_H
#define VOICE_CALLHOURS_H

#include "hours.h"

enum { CALLHOURS_WRONG = 240 };
#define CALLHOURS_NEVER INT64_MAX

struct callhours {
    struct hours week;
    uint32_t except; /* bits of categories (1 << HILO_CATEGORY_x) that may go at any hour */
    bool given;      /* false: all may */
};

/*
 * "mon-fri 07:00-19:00, sat 08:00-12:00 14:00-17:00": days and their hours, rules parted by commas; a day
 * without a rule is closed, "daily" is every day. "holidays 12-25 2026-01-12" closes dates; "except
 * authentication" names categories of messages that may go at any hour. Empty: any hour. false: wrong says
 * what is.
 */
bool callhours_read(struct hilo_str text, struct callhours *, char wrong[CALLHOURS_WRONG]);

/* 0: a message of this category may go at this instant, as the clocks of all these zones show it; else when
 * it may; CALLHOURS_NEVER: not within 400 days. No zones: UTC. */
int64_t callhours_opens(const struct callhours *, uint32_t category, const struct hilo_str *zone,
                        uint32_t n_zones, int64_t wall_us);

#endif
