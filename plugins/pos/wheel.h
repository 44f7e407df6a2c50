/*
 * Deadlines of many things, to the second: a wheel of lists, one timer of the host's, none when
 * nothing waits. Setting one anew costs nothing that grows. All [own] loop.
 */
#ifndef POS_WHEEL_H
#define POS_WHEEL_H

#include "react.h"

#include <sys/queue.h>

enum { POS_WHEEL_SLOTS = 128 }; /* seconds; what is further away comes round several times */

struct pos_wheel_entry {
    LIST_ENTRY(pos_wheel_entry) at;
    int64_t due_s; /* 0: not on it */
};
struct pos_wheel {
    struct pos_react *react;
    void (*fn)(void *arg, struct pos_wheel_entry *);
    void *arg;
    struct pos_timer timer;
    LIST_HEAD(pos_wheel_slot, pos_wheel_entry) slot[POS_WHEEL_SLOTS];
    int64_t done_s; /* what was due up to then has been called */
    size_t n;
};

/* fn is called once for an entry that is due, which is off the wheel then. */
void pos_wheel_init(struct pos_wheel *, struct pos_react *, void (*fn)(void *arg, struct pos_wheel_entry *),
                    void *arg);
void pos_wheel_done(struct pos_wheel *);
/* At mono_us, at most a second later; replaces. */
void pos_wheel_set(struct pos_wheel *, struct pos_wheel_entry *, int64_t mono_us);
void pos_wheel_cancel(struct pos_wheel *, struct pos_wheel_entry *);

#endif
