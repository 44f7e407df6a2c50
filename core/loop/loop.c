/*
 * The event loop on libevent: level-triggered descriptors, one-shot timers on the
 * monotonic clock, wake-ups by eventfd, signals by signalfd, children by pidfd.
 *
 * A watcher that is freed while its callback waits in the same turn is never called:
 * libevent takes a deleted event out of its active queue. Timers never run early:
 * libevent reads the same clock as clock_mono_us, at each use.
 */
#include "loop/loop.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

struct loop {
    struct event_base *base;
    unsigned ran; /* callbacks of this turn */
    _Atomic uint64_t wakeups;
};

struct loop_fd {
    struct loop *loop;
    struct event *event; /* NULL: no events wanted */
    int fd;
    loop_fd_fn *fn;
    void *arg;
};

struct loop_timer {
    struct loop *loop;
    struct event *event;
    int64_t due;
    loop_timer_fn *fn;
    void *arg;
};

struct loop_wake {
    struct loop_fd *watch;
    int fd;
    loop_timer_fn *fn;
    void *arg;
};

struct loop_clock {
    struct loop_fd *watch;
    int fd;
    loop_timer_fn *fn;
    void *arg;
};

struct loop_signal {
    struct loop_fd *watch;
    int fd;
    loop_signal_fn *fn;
    void *arg;
};

struct loop_process {
    struct loop_fd *watch;
    int fd;
    bool ended;
    loop_process_fn *fn;
    void *arg;
};

int32_t loop_new(struct err *e, struct loop **out)
{
    struct event_config *config = event_config_new();
    struct loop *l = calloc(1, sizeof *l);

    if (!config || !l)
        check_nomem();
    /* One thread a loop: no locks. Timers are good to the microsecond, not to the 10 ms
     * of a coarse clock. The time is not cached for a turn: a delay counts from when a
     * callback asks for it, not from when the turn began. */
    (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    (void)event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    (void)event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
    (void)event_config_require_features(config, EV_FEATURE_O1);
    l->base = event_base_new_with_config(config);
    event_config_free(config);
    if (!l->base) {
        free(l);
        return err_errno(e, "no event loop (epoll)");
    }
    *out = l;
    return HILO_OK;
}

void loop_free(struct loop **lp)
{
    if (*lp) {
        event_base_free((*lp)->base);
        free(*lp);
        *lp = NULL;
    }
}

unsigned loop_run(struct loop *l, bool wait)
{
    l->ran = 0;
    /* ONCE too when not waiting: NONBLOCK alone polls until nothing is ready, and a busy
     * peer would keep it from ever returning. */
    (void)event_base_loop(l->base, wait ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK);
    if (wait)
        atomic_fetch_add_explicit(&l->wakeups, 1, memory_order_relaxed);
    return l->ran;
}

uint64_t loop_wakeups(const struct loop *l)
{
    return atomic_load_explicit(&l->wakeups, memory_order_relaxed);
}

/* ---- descriptors ---- */

static void loop__fd_ready(evutil_socket_t fd, short what, void *arg)
{
    struct loop_fd *w = arg;

    w->loop->ran++;
    w->fn(w->arg, fd, (what & EV_READ ? LOOP_READ : 0u) | (what & EV_WRITE ? LOOP_WRITE : 0u));
}

int32_t loop_fd_events(struct loop_fd *w, unsigned events)
{
    if (w->event) {
        event_free(w->event);
        w->event = NULL;
    }
    if (!events)
        return HILO_OK;
    w->event = event_new(
        w->loop->base, w->fd,
        (short)(EV_PERSIST | (events & LOOP_READ ? EV_READ : 0) | (events & LOOP_WRITE ? EV_WRITE : 0)),
        loop__fd_ready, w);
    if (!w->event)
        check_nomem();
    if (event_add(w->event, NULL) != 0) {
        event_free(w->event);
        w->event = NULL;
        return HILO_IO; /* a descriptor that epoll does not take */
    }
    return HILO_OK;
}

int32_t loop_fd_new(struct loop *l, int fd, unsigned events, loop_fd_fn *fn, void *arg, struct loop_fd **out)
{
    struct loop_fd *w = calloc(1, sizeof *w);
    int32_t rc;

    if (!w)
        check_nomem();
    *w = (struct loop_fd){.loop = l, .fd = fd, .fn = fn, .arg = arg};
    rc = loop_fd_events(w, events);
    if (rc != HILO_OK) {
        free(w);
        return rc;
    }
    *out = w;
    return HILO_OK;
}

void loop_fd_free(struct loop_fd **wp)
{
    struct loop_fd *w = *wp;

    if (!w)
        return;
    if (w->event)
        event_free(w->event);
    free(w);
    *wp = NULL;
}

/* ---- timers ---- */

static void loop__timer_ready(evutil_socket_t fd, short what, void *arg)
{
    struct loop_timer *t = arg;

    (void)fd;
    (void)what;
    t->loop->ran++;
    t->due = 0;
    t->fn(t->arg);
}

struct loop_timer *loop_timer_new(struct loop *l, loop_timer_fn *fn, void *arg)
{
    struct loop_timer *t = calloc(1, sizeof *t);

    if (!t)
        check_nomem();
    *t = (struct loop_timer){.loop = l, .fn = fn, .arg = arg};
    t->event = evtimer_new(l->base, loop__timer_ready, t);
    if (!t->event)
        check_nomem();
    return t;
}

void loop_timer_at(struct loop_timer *t, int64_t mono_us)
{
    int64_t left;
    struct timeval tv;

    if (mono_us <= 0) /* the past, and 0 means not armed: a plugin may ask for either */
        mono_us = 1;
    if (t->due == mono_us)
        return;
    left = mono_us - clock_mono_us();
    if (left < 0)
        left = 0;
    tv.tv_sec = (time_t)(left / 1000000);
    tv.tv_usec = (suseconds_t)(left % 1000000);
    t->due = mono_us;
    CHECK(evtimer_add(t->event, &tv) == 0);
}

void loop_timer_cancel(struct loop_timer *t)
{
    t->due = 0;
    (void)evtimer_del(t->event);
}

int64_t loop_timer_due(const struct loop_timer *t)
{
    return t->due;
}

void loop_timer_free(struct loop_timer **tp)
{
    if (*tp) {
        event_free((*tp)->event);
        free(*tp);
        *tp = NULL;
    }
}

/* ---- wake-ups ---- */

static void loop__woken(void *arg, int fd, unsigned events)
{
    struct loop_wake *w = arg;
    uint64_t n;

    (void)events;
    if (read(fd, &n, sizeof n) == (ssize_t)sizeof n)
        w->fn(w->arg);
}

int32_t loop_wake_new(struct loop *l, loop_timer_fn *fn, void *arg, struct loop_wake **out)
{
    struct loop_wake *w = calloc(1, sizeof *w);
    int32_t rc = HILO_IO;

    if (!w)
        check_nomem();
    w->fn = fn;
    w->arg = arg;
    w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (w->fd >= 0)
        rc = loop_fd_new(l, w->fd, LOOP_READ, loop__woken, w, &w->watch);
    if (rc != HILO_OK) {
        loop_wake_free(&w);
        return rc;
    }
    *out = w;
    return HILO_OK;
}

void loop_wake_give(struct loop_wake *w)
{
    const uint64_t one = 1;
    ssize_t n;
    int saved = errno;

    do {
        n = write(w->fd, &one, sizeof one);
    } while (n < 0 && errno == EINTR);
    /* EAGAIN: the counter is full, so a wake-up is due anyway. */
    errno = saved;
}

void loop_wake_free(struct loop_wake **wp)
{
    struct loop_wake *w = *wp;

    if (!w)
        return;
    loop_fd_free(&w->watch);
    if (w->fd >= 0)
        (void)close(w->fd);
    free(w);
    *wp = NULL;
}

/* ---- the wall clock ---- */

/* A timer that is never due, but canceled when the clock is set. */
static int loop__clock_arm(int fd)
{
    const struct itimerspec never = {.it_value.tv_sec = INT32_MAX};

    return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

static void loop__clock_set(void *arg, int fd, unsigned events)
{
    struct loop_clock *w = arg;
    uint64_t n;

    (void)events;
    (void)!read(fd, &n, sizeof n); /* ECANCELED */
    (void)loop__clock_arm(fd);
    w->fn(w->arg);
}

int32_t loop_clock_new(struct loop *l, loop_timer_fn *fn, void *arg, struct loop_clock **out)
{
    struct loop_clock *w = calloc(1, sizeof *w);
    int32_t rc = HILO_IO;

    if (!w)
        check_nomem();
    w->fn = fn;
    w->arg = arg;
    w->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (w->fd >= 0 && loop__clock_arm(w->fd) == 0)
        rc = loop_fd_new(l, w->fd, LOOP_READ, loop__clock_set, w, &w->watch);
    if (rc != HILO_OK) {
        loop_clock_free(&w);
        return rc;
    }
    *out = w;
    return HILO_OK;
}

void loop_clock_free(struct loop_clock **wp)
{
    struct loop_clock *w = *wp;

    if (!w)
        return;
    loop_fd_free(&w->watch);
    if (w->fd >= 0)
        (void)close(w->fd);
    free(w);
    *wp = NULL;
}

/* ---- signals ---- */

static void loop__signaled(void *arg, int fd, unsigned events)
{
    struct loop_signal *s = arg;
    struct signalfd_siginfo info;

    (void)events;
    if (read(fd, &info, sizeof info) == (ssize_t)sizeof info)
        s->fn(s->arg, (int)info.ssi_signo);
}

int32_t loop_signal_new(struct loop *l, const int *signos, unsigned n, loop_signal_fn *fn, void *arg,
                        struct loop_signal **out)
{
    struct loop_signal *s = calloc(1, sizeof *s);
    sigset_t set;
    int32_t rc = HILO_IO;

    if (!s)
        check_nomem();
    (void)sigemptyset(&set);
    for (unsigned i = 0; i < n; i++)
        (void)sigaddset(&set, signos[i]);
    s->fn = fn;
    s->arg = arg;
    s->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (s->fd >= 0)
        rc = loop_fd_new(l, s->fd, LOOP_READ, loop__signaled, s, &s->watch);
    if (rc != HILO_OK) {
        loop_signal_free(&s);
        return rc;
    }
    *out = s;
    return HILO_OK;
}

void loop_signal_free(struct loop_signal **sp)
{
    struct loop_signal *s = *sp;

    if (!s)
        return;
    loop_fd_free(&s->watch);
    if (s->fd >= 0)
        (void)close(s->fd);
    free(s);
    *sp = NULL;
}

/* ---- processes ---- */

static bool loop__reap(struct loop_process *p, siginfo_t *info)
{
    int rc;

    memset(info, 0, sizeof *info);
    do
        rc = waitid(P_PIDFD, (id_t)p->fd, info, WEXITED);
    while (rc != 0 && errno == EINTR);
    p->ended = true;
    return rc == 0;
}

static void loop__ended(void *arg, int fd, unsigned events)
{
    struct loop_process *p = arg;
    siginfo_t info;

    (void)fd;
    (void)events;
    loop_fd_free(&p->watch);
    CHECK(loop__reap(p, &info)); /* nobody else reaps it */
    p->fn(p->arg, info.si_code == CLD_EXITED ? 0 : info.si_status,
          info.si_code == CLD_EXITED ? info.si_status : 0);
}

int32_t loop_process_new(struct loop *l, pid_t pid, loop_process_fn *fn, void *arg, struct loop_process **out)
{
    struct loop_process *p = calloc(1, sizeof *p);
    int32_t rc = HILO_IO;

    if (!p)
        check_nomem();
    p->fn = fn;
    p->arg = arg;
    p->fd = pidfd_open(pid, 0);
    if (p->fd >= 0)
        rc = loop_fd_new(l, p->fd, LOOP_READ, loop__ended, p, &p->watch);
    if (rc != HILO_OK) {
        if (p->fd >= 0)
            (void)close(p->fd);
        free(p);
        return rc;
    }
    *out = p;
    return HILO_OK;
}

void loop_process_signal(struct loop_process *p, int signo)
{
    if (!p->ended)
        (void)pidfd_send_signal(p->fd, signo, NULL, 0); /* ESRCH: it ends anyway */
}

void loop_process_free(struct loop_process **pp)
{
    struct loop_process *p = *pp;
    siginfo_t info;

    *pp = NULL;
    if (!p)
        return;
    loop_fd_free(&p->watch);
    if (!p->ended) {
        loop_process_signal(p, SIGKILL);
        (void)loop__reap(p, &info);
    }
    (void)close(p->fd);
    free(p);
}
