/* Meta's limits on a business number: messages a second (130429) and messages to one recipient (131056).
 *
 * Both are token buckets, kept as the time at which the bucket would be full again (the generic cell rate
 * algorithm): a message is taken when that time is not further away than a burst allows. They are judged by
 * the simulator's clock, which POST /_sim/clock can put forward, and are off until they are configured. A
 * message that the rules refuse has cost nothing, one that a limit refuses neither. */
#include "sim.h"

#include <stdio.h>

int64_t clock_us_locked(const struct sim *s)
{
    return mono_us() + s->clock_us;
}

static bool room(int64_t full_us, int64_t now, int64_t interval_us, int64_t burst)
{
    return full_us <= now + (burst - 1) * interval_us;
}

static void take(int64_t *full_us, int64_t now, int64_t interval_us)
{
    *full_us = (*full_us > now ? *full_us : now) + interval_us;
}

bool limits_take_locked(struct sim *s, struct customer *c, struct gerr *e)
{
    const struct conf *conf = &s->conf;
    int64_t now = clock_us_locked(s), each = conf->rate_per_s ? 1000000 / conf->rate_per_s : 0;
    int64_t burst = conf->rate_burst ? conf->rate_burst : conf->rate_per_s;
    if (each && !room(s->rate_full_us, now, each, burst)) {
        s->counts.throttled++;
        *e = (struct gerr){.code = 130429};
        snprintf(
            e->details, sizeof e->details,
            "Message failed to send because there were too many messages sent from this phone number in a "
            "short period of time.");
        return false;
    }
    if (c && conf->pair_interval_ms &&
        !room(c->pair_full_us, now, conf->pair_interval_ms * 1000, conf->pair_burst)) {
        s->counts.pair_throttled++;
        *e = (struct gerr){.code = 131056};
        snprintf(e->details, sizeof e->details,
                 "Message failed to send because there were too many messages sent from this phone number to "
                 "the same phone number in a short period of time.");
        return false;
    }
    if (each)
        take(&s->rate_full_us, now, each);
    if (c && conf->pair_interval_ms)
        take(&c->pair_full_us, now, conf->pair_interval_ms * 1000);
    return true;
}
