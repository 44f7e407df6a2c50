/*
 * Delivery and the peer's limits: which claims the token buckets of a channel let through,
 * when to look again, and what reports of throttling do to them.
 *
 * No timer polls: the next look is when a bucket has a token for something that is due.
 */
#include "base/clock.h"
#include "services/delivery_queue.h"
#include "services/pace.h"

static struct pace_rule channel_rule(const struct gw_channel *c)
{
    /* Rounded up: the peer's limit is never exceeded. */
    return (struct pace_rule){c->rate ? (1000000 + c->rate - 1) / c->rate : 0,
                              c->rate_burst ? c->rate_burst : c->rate};
}

static struct pace_rule pair_rule(const struct gw_channel *c)
{
    return (struct pace_rule){c->pair_interval_us, c->pair_burst};
}

static struct pace *pace_of(struct gw_channel *c, int64_t now_us)
{
    if (!c->pace)
        c->pace = pace_new(now_us);
    return c->pace;
}

unsigned pacing_room(struct gw_channel *c, unsigned max, int64_t now_us)
{
    int64_t next;
    unsigned n;

    c->next_pace_us = 0;
    if (!c->pace && c->rate == 0)
        return max;
    n = pace_room(pace_of(c, now_us), channel_rule(c), max, now_us, &next);
    if (n < max)
        c->next_pace_us = next;
    return n;
}

enum pacing pacing_take(struct gw_channel *c, struct hilo_id message, const struct rec_message *m,
                        struct hilo_str bytes, unsigned segments, int64_t now_us)
{
    /* Signals are about a message and are none: no peer counts them as such. */
    bool pair = hilo_content_type(bytes) != HILO_CONTENT_SYSTEM;
    struct pace *p;
    int64_t at;

    if (!c->pace && c->rate == 0 && c->pair_interval_us == 0)
        return PACING_TAKEN;
    p = pace_of(c, now_us);
    at = pair ? pace_pair_at(p, pair_rule(c), m->conversation, now_us) : now_us;
    if (at > now_us) {
        pace_hold(p, message, at);
        c->held_pair++;
        return PACING_PAIR;
    }
    at = pace_at(p, channel_rule(c), segments, now_us);
    if (at > now_us) {
        c->next_pace_us = at;
        return PACING_RATE;
    }
    if (pair)
        pace_pair_take(p, pair_rule(c), m->conversation, now_us);
    pace_take(p, channel_rule(c), segments, now_us);
    return PACING_TAKEN;
}

bool pacing_held(const struct gw_channel *c, struct hilo_id message, int64_t now_us)
{
    return c->pace && pace_held(c->pace, message, now_us);
}

void pacing_next(struct gw_channel *c, bool more, int64_t now_us)
{
    int64_t held = c->pace ? pace_held_next(c->pace, now_us) : 0;

    if (more && c->next_pace_us)
        c->held_rate++;
    else
        c->next_pace_us = 0;
    if (held && (c->next_pace_us == 0 || held < c->next_pace_us))
        c->next_pace_us = held;
}

void pacing_report(struct gw_channel *c, const struct hilo_report *r, const struct rec_message *m)
{
    int64_t now = clock_mono_us();

    if (r->code == HILO_OK) {
        if (c->pace)
            pace_sent(c->pace, channel_rule(c), now);
        return;
    }
    if (r->code != HILO_AGAIN && r->code != HILO_TEMP && r->code != HILO_DOWN)
        return;
    if (r->scope == HILO_SCOPE_CHANNEL)
        pace_rest(pace_of(c, now), channel_rule(c), c->held_until_us > now ? c->held_until_us : now, now);
    else if (r->scope == HILO_SCOPE_CONVERSATION && r->retry_after_us > 0)
        pace_pair_rest(pace_of(c, now), pair_rule(c), m->conversation, now + r->retry_after_us, now);
}
