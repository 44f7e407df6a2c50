/*
 * What time it is for the queue, when somebody sets the clock.
 *
 * Two readings of the wall clock. What is due is compared with a clock that never goes back: set
 * back, the wall clock stands behind what was planned by it, and a retry in a minute would
 * come hours late. What ends (expiries, windows, what is forgotten) is compared with a clock that
 * never jumps ahead by more than an hour: a wrong year must not expire all that waits. Such a
 * jump is believed when the system says, ten minutes later or in any ten minutes after, that its
 * clock is synchronized; or when the clock comes back, or by a restart, which knows no other time.
 * Both are the wall clock as long as nobody sets it. Neither is ever early for what ends.
 *
 * After a start the clock stands behind if the store has events of a later time.
 */
#include "base/clock.h"
#include "base/str.h"
#include "services/delivery_queue.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/timex.h>

static const int64_t SECOND_US = 1000000, JUMP_US = INT64_C(3600) * 1000000,
                     BELIEVE_US = INT64_C(600) * 1000000;

/* By how much the clock was set, and nobody has told yet. */
static int64_t untold(const struct delivery *d, int64_t wall)
{
    return wall - clock_mono_us() - d->clock.offset_us;
}

int64_t delivery_due_now(const struct delivery *d)
{
    int64_t wall = clock_wall_us(), by = untold(d, wall);

    return (by < 0 ? wall - by : wall) + d->clock.behind_us;
}

int64_t delivery_end_now(const struct delivery *d)
{
    int64_t wall = clock_wall_us(), by = untold(d, wall);

    return (by > JUMP_US ? wall - by : wall) - d->clock.ahead_us;
}

void delivery_clock(const struct delivery *d, int64_t *behind_us_out, int64_t *ahead_us_out)
{
    *behind_us_out = d->clock.behind_us;
    *ahead_us_out = d->clock.ahead_us;
}

void clock_moved(struct delivery *d, int64_t by_us)
{
    struct delivery_clock *c = &d->clock;
    const struct delivery_clock was = *c;
    int64_t part;

    if (by_us < 0) {
        part = -by_us < c->ahead_us ? -by_us : c->ahead_us;
        c->ahead_us -= part;
        c->behind_us += -by_us - part;
    } else {
        part = by_us < c->behind_us ? by_us : c->behind_us;
        c->behind_us -= part;
        if (by_us - part > JUMP_US)
            c->ahead_us += by_us - part;
    }
    if (c->ahead_us > was.ahead_us) {
        c->ask_us = clock_mono_us() + BELIEVE_US;
        log_event(d->gw->log, HILO_LOG_ERROR, "clock.jumped",
                  "by_s=%" PRId64 " note=\"nothing expires by the jump until the system says that its clock "
                  "is synchronized\" next=\"set the clock right; if it is, restart the gateway\"",
                  by_us / SECOND_US);
    } else if (by_us >= SECOND_US || by_us <= -SECOND_US) {
        log_event(d->gw->log, HILO_LOG_WARN, "clock.set",
                  "by_s=%" PRId64 " behind_s=%" PRId64 " ahead_s=%" PRId64, by_us / SECOND_US,
                  c->behind_us / SECOND_US, c->ahead_us / SECOND_US);
    }
    if (c->ahead_us == 0)
        c->ask_us = 0;
    /* What was planned by the clock is planned anew. */
    for (struct gw_channel *ch = d->gw->channels; ch; ch = ch->next) {
        delivery_kick(d, ch);
        delivery_fetch(d, ch);
    }
    delivery_arm(d);
}

void clock_look(void *arg)
{
    struct delivery *d = arg;
    int64_t by = untold(d, clock_wall_us());

    d->clock.offset_us += by;
    clock_moved(d, by);
}

void clock_ask(struct delivery *d, int64_t mono)
{
    struct timex tx;

    if (d->clock.ask_us == 0 || mono < d->clock.ask_us)
        return;
    memset(&tx, 0, sizeof tx); /* asks, and sets nothing */
    int state = adjtimex(&tx);
    if (state == -1 || state == TIME_ERROR || (tx.status & STA_UNSYNC)) {
        d->clock.ask_us = mono + BELIEVE_US;
        return;
    }
    log_event(d->gw->log, HILO_LOG_WARN, "clock.believed",
              "ahead_s=%" PRId64
              " note=\"the system says that its clock is synchronized; what is over expires\"",
              d->clock.ahead_us / SECOND_US);
    d->clock.ahead_us = d->clock.ask_us = 0;
    delivery_arm(d);
}

int32_t clock_start(struct delivery *d, struct err *e)
{
    const int64_t wall = clock_wall_us(), been = store_time(d->gw->store);

    d->clock.offset_us = wall - clock_mono_us();
    d->clock.behind_us = been > wall ? been - wall : 0;
    if (d->clock.behind_us >= SECOND_US)
        log_event(d->gw->log, HILO_LOG_WARN, "clock.behind",
                  "by_s=%" PRId64 " note=\"the store has events of a later time\" next=\"look at the clock\"",
                  d->clock.behind_us / SECOND_US);
    if (loop_clock_new(d->gw->loop, clock_look, d, &d->clock.watch) != HILO_OK)
        return err_errno(e, "no descriptor to notice that the clock is set");
    return HILO_OK;
}
