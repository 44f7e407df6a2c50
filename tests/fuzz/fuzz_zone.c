/*
 * A time zone's file of any bytes, at any time: what is said of it is within a day of UTC, the same when
 * asked again, and a refusal has words.
 */
#include "base/check.h"
#include "base/str.h"
#include "base/zone.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t times[] = {INT64_MIN,  -2208988800,  0,        1796398200,
                                    4102444800, 253402300799, INT64_MAX};
    struct hilo_str file = str_n(data, size);
    int32_t offset, again;
    struct err e = {0};

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        int32_t rc = zone_offset(file, times[i], &offset, &e);
        CHECK(rc == HILO_OK || ((rc == HILO_CORRUPT || rc == HILO_INVALID) && e.text[0]));
        if (rc != HILO_OK)
            continue;
        CHECK(offset >= -7 * 86400 && offset <= 7 * 86400);
        CHECK(zone_offset(file, times[i], &again, &e) == HILO_OK && again == offset);
    }
    return 0;
}
