/* The schedule of Standard Webhooks 1.0. */
#include "services/outbox_time.h"
#include "base/str.h"
#include <curl/curl.h>

#define SECOND INT64_C(1000000)
#define DAY    (86400 * SECOND)

int64_t outbox_retry_us(uint64_t attempts, uint64_t random)
{
    static const int64_t wait_s[OUTBOX_ATTEMPTS - 1] = {5,         300,       1800,      2 * 3600, 5 * 3600,
                                                        10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600};

    if (attempts == 0 || attempts >= OUTBOX_ATTEMPTS)
        return -1;
    int64_t us = wait_s[attempts - 1] * SECOND;
    return us + (int64_t)(random % (uint64_t)(us / 5 + 1));
}

int64_t outbox_retry_after_us(const char *value, int64_t wall_us)
{
    uint64_t s;
    int64_t us;

    if (!value[0])
        return -1;
    if (str_u64(str(value), &s)) {
        us = s > 86400 ? DAY : (int64_t)s * SECOND;
    } else {
        time_t at = curl_getdate(value, NULL);
        if (at < 0)
            return -1;
        us = (int64_t)at > INT64_MAX / SECOND ? DAY : (int64_t)at * SECOND - wall_us;
    }
    return us < 0 ? 0 : us > DAY ? DAY : us;
}
