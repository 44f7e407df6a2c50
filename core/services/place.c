/* Names of stores, terminals and clerks: short, on one line. */
#include "services/place.h"
#include "base/clock.h"
#include "base/str.h"

static const int64_t AHEAD_US = 300 * INT64_C(1000000);

static int place__name(struct hilo_str s, const char *pointer, struct fault *f)
{
    bool control = false;

    for (uint64_t i = 0; i < s.n; i++)
        control |= (uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f;
    if (s.n <= PLACE_NAME_MAX && !control)
        return 0;
    return fault_set(f, 422, "invalid_field", pointer, "%s: at most %d bytes on one line are expected",
                     pointer + 1, PLACE_NAME_MAX);
}

int place_check(const struct place *p, struct fault *f)
{
    return place__name(p->store, "/store", f) != 0 || place__name(p->terminal, "/terminal", f) != 0 ||
                   place__name(p->clerk, "/clerk", f) != 0
               ? -1
               : 0;
}

int place_at(int64_t *at, struct fault *f)
{
    int64_t now = clock_wall_us();

    if (*at > now && *at <= now + AHEAD_US)
        *at = 0;
    if (*at >= 0 && *at <= now)
        return 0;
    return fault_set(f, 422, "invalid_field", "/at", "at: when it happened, which is not later than now");
}
