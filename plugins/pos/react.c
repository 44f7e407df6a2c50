/*
 * Descriptors in an array by their number, timers in one by their id: each event finds
 * its function without a search.
 *
 * The host has no "end of turn". A timer that is due at once is one: the host's loop
 * runs it after all that is ready now, so whatever a turn has put into a connection's
 * buffer leaves in one system call.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "react.h"

#include <stdlib.h>
#include <string.h>

static void react_turn(void *arg);

void pos_react_init(struct pos_react *r, const struct hilo_host *host, struct hilo_self *self)
{
    memset(r, 0, sizeof *r);
    r->host = host;
    r->self = self;
    r->soon_tail = &r->soon;
    pos_timer_init(&r->turn, react_turn, r);
}

void pos_react_done(struct pos_react *r)
{
    size_t i;

    pos_timer_cancel(r, &r->turn);
    for (i = 0; i < r->n_watch; i++)
        if (r->watch[i].events)
            (void)pos_watch(r, (int)i, 0, NULL, NULL);
    free(r->watch);
    r->watch = NULL;
    r->n_watch = 0;
}

int64_t pos_react_now(const struct pos_react *r)
{
    return r->host->mono_us(r->self);
}

/* ---- descriptors ------------------------------------------------------------------------- */

static bool react_room(struct pos_react *r, size_t fd)
{
    size_t n = r->n_watch ? r->n_watch : 32;
    struct pos_watch *w;

    if (fd < r->n_watch)
        return true;
    while (n <= fd)
        n *= 2;
    w = realloc(r->watch, n * sizeof *w);
    if (!w)
        return false;
    memset(w + r->n_watch, 0, (n - r->n_watch) * sizeof *w);
    r->watch = w;
    r->n_watch = n;
    return true;
}

int32_t pos_watch(struct pos_react *r, int fd, uint32_t events, pos_fd_fn *fn, void *arg)
{
    struct pos_watch *w;
    int32_t code;

    if (fd < 0 || !react_room(r, (size_t)fd))
        return fd < 0 ? HILO_INVALID : HILO_NOMEM;
    w = &r->watch[fd];
    if (w->events != events) {
        code = r->host->watch(r->self, fd, events);
        if (code != HILO_OK)
            return code;
    }
    w->events = events;
    w->fn = fn;
    w->arg = arg;
    return HILO_OK;
}

void pos_react_on_fd(struct pos_react *r, int fd, uint32_t events)
{
    if (fd >= 0 && (size_t)fd < r->n_watch && r->watch[fd].events)
        r->watch[fd].fn(r->watch[fd].arg, fd, events);
}

/* ---- timers -------------------------------------------------------------------------------- */

void pos_timer_init(struct pos_timer *t, pos_call_fn *fn, void *arg)
{
    memset(t, 0, sizeof *t);
    t->fn = fn;
    t->arg = arg;
}

int32_t pos_timer_at(struct pos_react *r, struct pos_timer *t, int64_t mono_us)
{
    uint32_t i;

    if (mono_us <= 0)
        mono_us = 1;
    for (i = 1; t->id == 0 && i < POS_TIMERS_MAX; i++) {
        if (!r->timer[i]) {
            r->timer[i] = t;
            t->id = i;
        }
    }
    if (t->id == 0)
        return HILO_NOMEM;
    t->due = mono_us;
    return r->host->timer(r->self, t->id, mono_us);
}

int32_t pos_timer_by(struct pos_react *r, struct pos_timer *t, int64_t mono_us)
{
    if (t->due != 0 && t->due <= mono_us)
        return HILO_OK;
    return pos_timer_at(r, t, mono_us);
}

void pos_timer_cancel(struct pos_react *r, struct pos_timer *t)
{
    if (t->id == 0)
        return;
    if (t->due)
        (void)r->host->timer(r->self, t->id, 0);
    r->timer[t->id] = NULL;
    t->id = 0;
    t->due = 0;
}

void pos_react_on_timer(struct pos_react *r, uint32_t id)
{
    struct pos_timer *t = id < POS_TIMERS_MAX ? r->timer[id] : NULL;

    if (!t || !t->due)
        return;
    t->due = 0;
    t->fn(t->arg);
}

/* ---- the end of the turn --------------------------------------------------------------------- */

void pos_soon(struct pos_react *r, struct pos_soon *s)
{
    if (s->queued)
        return;
    s->queued = true;
    s->next = NULL;
    *r->soon_tail = s;
    r->soon_tail = &s->next;
    (void)pos_timer_by(r, &r->turn, 1);
}

void pos_soon_cancel(struct pos_react *r, struct pos_soon *s)
{
    struct pos_soon **at = &r->soon;

    if (!s->queued)
        return;
    while (*at && *at != s)
        at = &(*at)->next;
    if (*at) {
        *at = s->next;
        if (!s->next)
            r->soon_tail = at;
    }
    s->queued = false;
}

static void react_turn(void *arg)
{
    struct pos_react *r = arg;
    struct pos_soon *s;

    /* What is asked for meanwhile is done in this turn too. */
    while ((s = r->soon)) {
        pos_soon_cancel(r, s);
        s->fn(s->arg);
    }
}
