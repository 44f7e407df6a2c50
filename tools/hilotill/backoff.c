/*
 * When to try again: full jitter. A thousand tills that lost one gateway at one moment come back spread over
 * the whole window, and those that fail spread over twice that.
 */
#include "till.h"

int64_t till_backoff(uint32_t attempt, uint32_t first_ms, uint32_t max_ms, uint32_t random)
{
    uint64_t window = first_ms;

    while (attempt-- && window < max_ms)
        window *= 2;
    if (window > max_ms)
        window = max_ms;
    return (int64_t)((window + 1) * random >> 32);
}
