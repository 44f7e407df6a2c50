/*
 * Threads for what takes long: reading a mail, writing and syncing a file, composing. What runs there touches
 * nothing but what it was given. [own] loop but for run().
 */
#ifndef EMAIL_WORK_H
#define EMAIL_WORK_H

#include <stdbool.h>
#include <stddef.h>

/* Embedded in what it belongs to, which lives until done(). */
struct work {
    void (*run)(struct work *);  /* on a thread */
    void (*done)(struct work *); /* on the loop, from works_woken() */
    struct work *next;
};

struct works;

/* wake: [any]. NULL: no memory, or no thread. */
struct works *works_new(size_t threads, void (*wake)(void *), void *arg);
void works_put(struct works *, struct work *);
/* Calls done() of those that have run. */
void works_woken(struct works *);
/* Ends the threads, each after what it is at. No done() is called, now or later: whoever put something still
 * owns it, run or not. */
void works_stop(struct works *);
void works_free(struct works *); /* stops them, if need be */

#endif
