/*
 * When the next call of ours may begin: so many in a second, so many at once. What can't begin now is given
 * an instant of its own at which it is likely to, one behind the other, as fast as lines come free: a
 * campaign of thousands then comes once each, not all of them every few seconds. Pure.
 */
#ifndef VOICE_PACE_H
#define VOICE_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
    int64_t mean_us;  /* a call takes so long, ringing and all: of those that were */
    int64_t next_us;  /* the next instant that nobody has yet */
    int64_t begun_us; /* calls of the last second, as a debt of time: up to here it is paid */
};

void pace_init(struct pace *);
/* Whether a call may begin now, where `busy` of `calls` lines are in use; it counts as begun then. Otherwise
 * *wait_us is when it should be tried again. calls and per_second may change; calls 0: never, in a minute
 * again. */
bool pace_take(struct pace *, int64_t now_us, uint32_t busy, int64_t calls, int64_t per_second,
               int64_t *wait_us);
/* A call has ended that took so long. */
void pace_ended(struct pace *, int64_t us);

#endif
