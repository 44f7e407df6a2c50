/*
 * How often something may be asked, by a key, in fixed memory: a bucket is one instant (GCRA, as in
 * services/pace.h). Keys that fall on one slot while both are in use share its bucket, so that nobody
 * gets more by making keys. One thread.
 */
#ifndef API_LIMIT_H
#define API_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum { LIMIT_SLOTS = 1024 };
struct limit {                    /* zero is empty */
    int64_t full_us[LIMIT_SLOTS]; /* monotonic: when the bucket is full again */
};

/* Takes one of burst, which come again one every interval_us. false: none is there; *wait_us: until
 * there is. */
static inline bool limit_take(struct limit *l, uint64_t key, int64_t interval_us, uint32_t burst,
                              int64_t now_us, int64_t *wait_us)
{
    int64_t *full = &l->full_us[key % LIMIT_SLOTS];
    const int64_t at = *full > now_us ? *full : now_us, ahead = (int64_t)(burst - 1) * interval_us;

    *wait_us = at - now_us > ahead ? at - now_us - ahead : 0;
    if (*wait_us)
        return false;
    *full = at + interval_us;
    return true;
}

#endif
