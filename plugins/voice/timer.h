/*
 * Timers, each with a function of its own, over the host's timer(). They read no clock but the host's. Of
 * its ids they have all but SPEECH_TIMER. [own] loop.
 */
#ifndef VOICE_TIMER_H
#define VOICE_TIMER_H

#include "voice.h"

typedef void voice_timer_fn(void *arg);

/* Embedded in what it belongs to; zeroed is not armed. */
struct voice_timer {
    voice_timer_fn *fn;
    void *arg;
    uint32_t id;
    uint32_t spare;
    struct voice_timer *next; /* of its bucket */
};

struct voice_timers *voice_timers_new(void); /* NULL: no memory */
void voice_timers_free(struct voice_timers *);
/* Calls fn once, in so long from now; what was armed before is replaced. */
void voice_timer_in(struct voice *, struct voice_timer *, int64_t us, voice_timer_fn *fn, void *arg);
void voice_timer_cancel(struct voice *, struct voice_timer *);
static inline bool voice_timer_armed(const struct voice_timer *t)
{
    return t->id != 0;
}
/* The plugin's on_timer. */
void voice_timers_on(struct voice *, uint32_t id);

#endif
