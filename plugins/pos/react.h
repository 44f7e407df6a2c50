/*
 * What an instance waits for: descriptors, timers, and "at the end of this turn", each
 * with a function of its own, over the host's watch() and timer(). It reads no clock but
 * the host's, so that a host with a clock of its own can drive it. All [own] loop.
 */
#ifndef POS_REACT_H
#define POS_REACT_H

#include <hilo/plugin.h>
#include <stdbool.h>
#include <stddef.h>

typedef void pos_fd_fn(void *arg, int fd, uint32_t events); /* HILO_READ | HILO_WRITE */
typedef void pos_call_fn(void *arg);

enum { POS_TIMERS_MAX = 32 };

/* Embedded in what it belongs to; zeroed, then pos_timer_init(). */
struct pos_timer {
    pos_call_fn *fn;
    void *arg;
    int64_t due; /* 0: not armed */
    uint32_t id; /* 0: not known to the host */
};

/* One call at the end of the turn, however often it is asked for. Zeroed at first. */
struct pos_soon {
    pos_call_fn *fn;
    void *arg;
    struct pos_soon *next;
    bool queued;
};

struct pos_react {
    const struct hilo_host *host;
    struct hilo_self *self;
    struct pos_watch {
        pos_fd_fn *fn;
        void *arg;
        uint32_t events; /* 0: not watched */
    } * watch;           /* by descriptor */
    size_t n_watch;
    struct pos_timer *timer[POS_TIMERS_MAX]; /* by id, from 1 */
    struct pos_soon *soon, **soon_tail;
    struct pos_timer turn;
};

void pos_react_init(struct pos_react *, const struct hilo_host *, struct hilo_self *);
/* All that it was given must have been forgotten before. */
void pos_react_done(struct pos_react *);

/* Calls fn when fd is ready for events; 0 forgets it. HILO_OK, or what the host said. */
int32_t pos_watch(struct pos_react *, int fd, uint32_t events, pos_fd_fn *fn, void *arg);

void pos_timer_init(struct pos_timer *, pos_call_fn *fn, void *arg);
/* At this instant, once; replaces. It is never early; a host without memory may make it never come:
 * HILO_NOMEM then. */
int32_t pos_timer_at(struct pos_react *, struct pos_timer *, int64_t mono_us);
/* Not later than this instant: a timer that is earlier stays. Cheap where it is. */
int32_t pos_timer_by(struct pos_react *, struct pos_timer *, int64_t mono_us);
void pos_timer_cancel(struct pos_react *, struct pos_timer *);

/* Once this turn's callbacks are through. Cancelled by pos_soon_cancel. */
void pos_soon(struct pos_react *, struct pos_soon *);
void pos_soon_cancel(struct pos_react *, struct pos_soon *);

int64_t pos_react_now(const struct pos_react *); /* monotonic, µs */

/* From the plugin's callbacks. */
void pos_react_on_fd(struct pos_react *, int fd, uint32_t events);
void pos_react_on_timer(struct pos_react *, uint32_t id);

#endif
