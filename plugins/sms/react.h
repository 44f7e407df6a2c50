/*
 * What an instance waits for: descriptors, timers, and "at the end of this turn", each
 * with a function of its own, over the host's watch() and timer(). It reads no clock but
 * the host's, so that a host with a clock of its own can drive it. All [own] loop.
 */
#ifndef SMS_REACT_H
#define SMS_REACT_H

#include <hilo/plugin.h>
#include <stdbool.h>
#include <stddef.h>

typedef void sms_fd_fn(void *arg, int fd, uint32_t events); /* HILO_READ | HILO_WRITE */
typedef void sms_call_fn(void *arg);

enum { SMS_TIMERS_MAX = 128 };

/* Embedded in what it belongs to; zeroed, then sms_timer_init(). */
struct sms_timer {
    sms_call_fn *fn;
    void *arg;
    int64_t due; /* 0: not armed */
    uint32_t id; /* 0: not known to the host */
};

/* One call at the end of the turn, however often it is asked for. Zeroed at first. */
struct sms_soon {
    sms_call_fn *fn;
    void *arg;
    struct sms_soon *next;
    bool queued;
};

struct sms_react {
    const struct hilo_host *host;
    struct hilo_self *self;
    struct sms_watch {
        sms_fd_fn *fn;
        void *arg;
        uint32_t events; /* 0: not watched */
    } * watch;           /* by descriptor */
    size_t n_watch;
    struct sms_timer *timer[SMS_TIMERS_MAX]; /* by id, from 1 */
    struct sms_soon *soon, **soon_tail;
    struct sms_timer turn;
};

void sms_react_init(struct sms_react *, const struct hilo_host *, struct hilo_self *);
/* All that it was given must have been forgotten before. */
void sms_react_done(struct sms_react *);

/* Calls fn when fd is ready for events; 0 forgets it. HILO_OK, or what the host said. */
int32_t sms_watch(struct sms_react *, int fd, uint32_t events, sms_fd_fn *fn, void *arg);

void sms_timer_init(struct sms_timer *, sms_call_fn *fn, void *arg);
/* At this instant, once; replaces. It is never early; a host without memory may make it never come:
 * HILO_NOMEM then. */
int32_t sms_timer_at(struct sms_react *, struct sms_timer *, int64_t mono_us);
/* Not later than this instant: a timer that is earlier stays. Cheap where it is. */
int32_t sms_timer_by(struct sms_react *, struct sms_timer *, int64_t mono_us);
void sms_timer_cancel(struct sms_react *, struct sms_timer *);

/* Once this turn's callbacks are through. Cancelled by sms_soon_cancel. */
void sms_soon(struct sms_react *, struct sms_soon *);
void sms_soon_cancel(struct sms_react *, struct sms_soon *);

int64_t sms_now(const struct sms_react *); /* monotonic, µs */

/* From the plugin's callbacks. */
void sms_react_on_fd(struct sms_react *, int fd, uint32_t events);
void sms_react_on_timer(struct sms_react *, uint32_t id);

#endif
