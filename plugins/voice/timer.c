/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "timer.h"

#include <stdlib.h>

enum { TIMER_BUCKETS = 1024 };

struct voice_timers {
    uint32_t last;
    struct voice_timer *bucket[TIMER_BUCKETS];
};

struct voice_timers *voice_timers_new(void)
{
    return calloc(1, sizeof(struct voice_timers));
}

void voice_timers_free(struct voice_timers *t)
{
    free(t);
}

static struct voice_timer **timer_place(struct voice_timers *all, uint32_t id)
{
    struct voice_timer **at = &all->bucket[id % TIMER_BUCKETS];

    while (*at && (*at)->id != id)
        at = &(*at)->next;
    return at;
}

/* An id is never used twice, so that one of the host's which comes late finds nothing. */
void voice_timer_in(struct voice *v, struct voice_timer *t, int64_t us, voice_timer_fn *fn, void *arg)
{
    struct voice_timers *all = v->timers;

    voice_timer_cancel(v, t);
    do {
        if (++all->last == 0)
            all->last = 1;
    } while (all->last == SPEECH_TIMER || *timer_place(all, all->last));
    t->fn = fn;
    t->arg = arg;
    t->id = all->last;
    t->next = all->bucket[t->id % TIMER_BUCKETS];
    all->bucket[t->id % TIMER_BUCKETS] = t;
    if (v->host.timer(v->self, t->id, voice_now(v) + (us > 0 ? us : 1)) != HILO_OK)
        voice_log(v, HILO_LOG_ERROR,
                  "voice.timer: the gateway takes no timer; a call may hang until it is ended");
}

static void timer_forget(struct voice *v, struct voice_timer *t)
{
    struct voice_timer **at = timer_place(v->timers, t->id);

    if (*at == t)
        *at = t->next;
    t->id = 0;
    t->next = NULL;
}

void voice_timer_cancel(struct voice *v, struct voice_timer *t)
{
    if (t->id == 0)
        return;
    (void)v->host.timer(v->self, t->id, 0);
    timer_forget(v, t);
}

void voice_timers_on(struct voice *v, uint32_t id)
{
    struct voice_timer *t = *timer_place(v->timers, id);

    if (!t)
        return;
    timer_forget(v, t);
    t->fn(t->arg);
}
