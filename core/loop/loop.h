/*
 * One thread's event loop: descriptors, timers, wake-ups from other threads and
 * signals, a thin layer over libevent. [own] thread unless marked [any].
 * Idle means asleep: a loop with nothing due never wakes.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <hilo/types.h>
#include <stdbool.h>
#include <sys/types.h>

struct err;
struct loop;    /* opaque */
struct loop_fd; /* a watched descriptor */
struct loop_timer;
struct loop_wake; /* a wake-up that other threads may give */
struct loop_signal;
struct loop_clock;
struct loop_process; /* a child of this process */

enum { LOOP_READ = 1, LOOP_WRITE = 2 }; /* equal HILO_READ, HILO_WRITE */

int32_t loop_new(struct err *, struct loop **out);
void loop_free(struct loop **); /* everything made on it was freed before */

/* Runs what is ready and returns how many callbacks ran. wait: sleeps until there
 * is something, if there is nothing; else returns 0 at once. */
unsigned loop_run(struct loop *, bool wait);

/* The descriptor stays the caller's; level-triggered. Change or forget before
 * closing it. Callbacks may free any watcher, their own too. */
typedef void loop_fd_fn(void *arg, int fd, unsigned events);
int32_t loop_fd_new(struct loop *, int fd, unsigned events, loop_fd_fn *, void *arg, struct loop_fd **out);
int32_t loop_fd_events(struct loop_fd *, unsigned events); /* 0: none until set again */
void loop_fd_free(struct loop_fd **);

/* One-shot timers on the monotonic clock, never early. Unarmed when made. */
typedef void loop_timer_fn(void *arg);
struct loop_timer *loop_timer_new(struct loop *, loop_timer_fn *, void *arg);
void loop_timer_at(struct loop_timer *, int64_t mono_us); /* replaces; the past: next run */
void loop_timer_cancel(struct loop_timer *);
int64_t loop_timer_due(const struct loop_timer *); /* 0: not armed */
void loop_timer_free(struct loop_timer **);

/* loop_wake_give [any]: fn runs soon on the loop's thread, once for all gives since
 * it last ran. Safe in a signal handler. */
int32_t loop_wake_new(struct loop *, loop_timer_fn *, void *arg, struct loop_wake **out);
void loop_wake_give(struct loop_wake *);
void loop_wake_free(struct loop_wake **);

/* fn runs when the wall clock was set (not when it is slewed), by timerfd's cancellation; a
 * machine that wakes from sleep counts, too. */
int32_t loop_clock_new(struct loop *, loop_timer_fn *, void *arg, struct loop_clock **out);
void loop_clock_free(struct loop_clock **);

/* A POSIX signal, by signalfd: the caller has blocked it in all threads. */
typedef void loop_signal_fn(void *arg, int signo);
int32_t loop_signal_new(struct loop *, const int *signos, unsigned n, loop_signal_fn *, void *arg,
                        struct loop_signal **out);
void loop_signal_free(struct loop_signal **);

/* A child process, by pidfd: fn runs once, after the child has ended and was reaped.
 * signal: what killed it, or 0 and its exit status. The caller alone reaps it, by this. */
typedef void loop_process_fn(void *arg, int signal, int status);
int32_t loop_process_new(struct loop *, pid_t, loop_process_fn *, void *arg, struct loop_process **out);
/* Never another process that was given its number meanwhile. */
void loop_process_signal(struct loop_process *, int signo);
/* One that has not ended is killed and waited for. */
void loop_process_free(struct loop_process **);

/* How often a waiting loop_run came back since the loop was made, from sleep or at
 * once: a loop with nothing due adds none (a test counts idle). [any] */
uint64_t loop_wakeups(const struct loop *);

#endif
