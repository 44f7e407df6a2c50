/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "wheel.h"

#include <string.h>

enum { SECOND = 1000000 };

static void wheel_arm(struct pos_wheel *w)
{
    int64_t s;

    if (w->n == 0) {
        pos_timer_cancel(w->react, &w->timer);
        return;
    }
    for (s = w->done_s + 1; s < w->done_s + POS_WHEEL_SLOTS; s++)
        if (!LIST_EMPTY(&w->slot[s % POS_WHEEL_SLOTS]))
            break;
    (void)pos_timer_at(w->react, &w->timer, s * SECOND);
}

static void wheel_turn(void *arg)
{
    struct pos_wheel *w = arg;
    int64_t now_s = pos_react_now(w->react) / SECOND, s;
    struct pos_wheel_entry *e, *next;
    struct pos_wheel_slot due;

    if (now_s - w->done_s > POS_WHEEL_SLOTS)
        w->done_s = now_s - POS_WHEEL_SLOTS;
    for (s = w->done_s + 1; s <= now_s; s++) {
        struct pos_wheel_slot *slot = &w->slot[s % POS_WHEEL_SLOTS];

        /* Off the wheel first: what is called may set entries into this very slot, and free others. */
        LIST_INIT(&due);
        for (e = LIST_FIRST(slot); e; e = next) {
            next = LIST_NEXT(e, at);
            if (e->due_s <= now_s) {
                LIST_REMOVE(e, at);
                LIST_INSERT_HEAD(&due, e, at);
            }
        }
        w->done_s = s;
        while ((e = LIST_FIRST(&due))) {
            pos_wheel_cancel(w, e);
            w->fn(w->arg, e);
        }
    }
    wheel_arm(w);
}

void pos_wheel_init(struct pos_wheel *w, struct pos_react *react,
                    void (*fn)(void *arg, struct pos_wheel_entry *), void *arg)
{
    size_t i;

    memset(w, 0, sizeof *w);
    w->react = react;
    w->fn = fn;
    w->arg = arg;
    w->done_s = pos_react_now(react) / SECOND;
    for (i = 0; i < POS_WHEEL_SLOTS; i++)
        LIST_INIT(&w->slot[i]);
    pos_timer_init(&w->timer, wheel_turn, w);
}

void pos_wheel_done(struct pos_wheel *w)
{
    if (w->react)
        pos_timer_cancel(w->react, &w->timer);
}

void pos_wheel_set(struct pos_wheel *w, struct pos_wheel_entry *e, int64_t mono_us)
{
    int64_t s = (mono_us + SECOND - 1) / SECOND;

    if (w->n == 0)
        w->done_s = pos_react_now(w->react) / SECOND;
    if (s <= w->done_s)
        s = w->done_s + 1;
    if (e->due_s == s)
        return;
    pos_wheel_cancel(w, e);
    e->due_s = s;
    LIST_INSERT_HEAD(&w->slot[s % POS_WHEEL_SLOTS], e, at);
    w->n++;
    (void)pos_timer_by(w->react, &w->timer,
                       (s < w->done_s + POS_WHEEL_SLOTS ? s : w->done_s + POS_WHEEL_SLOTS) * SECOND);
}

void pos_wheel_cancel(struct pos_wheel *w, struct pos_wheel_entry *e)
{
    if (e->due_s == 0)
        return;
    LIST_REMOVE(e, at);
    e->due_s = 0;
    w->n--;
}
