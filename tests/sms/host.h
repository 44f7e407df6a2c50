/*
 * A host for one plugin, on a clock that the test sets: loads the .so, fills its options from their
 * table, and gives it descriptors, timers and wake-ups when the test says. It knows the ABI alone
 * (include/hilo) and no plugin. A mistake of the plugin at the border fails the test.
 */
#ifndef TESTS_SMS_HOST_H
#define TESTS_SMS_HOST_H

#include <hilo/plugin.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { HOST_TIMERS = 256, HOST_FDS = 64 };

struct host_events { /* what the plugin calls; arg is the test's */
    int32_t (*submit)(void *arg, uint64_t token, struct hilo_str message);
    void (*report)(void *arg, const struct hilo_report *);
    void (*credit)(void *arg, uint32_t n);
    void (*state)(void *arg, int32_t code, struct hilo_str text);
};
struct host {
    const struct hilo_plugin *plugin;
    void *so, *inst, *conf;
    char **texts; /* that conf points to */
    size_t n_texts;
    struct hilo_host table;
    struct hilo_abilities able;
    const struct host_events *events;
    void *arg;
    int64_t now_us, wall_us; /* the clock; wall_us is its Unix time at now_us 0 */
    int64_t timer[HOST_TIMERS];
    struct pollfd fd[HOST_FDS];
    unsigned n_fds;
    atomic_bool woken;
    uint64_t wakeups; /* callbacks made, of all kinds */
    bool verbose;
};

void host_load(struct host *, const char *so);
/* options: "name=value", NULL-ended; what is not named has its default. open() and start() must do. */
void host_open(struct host *, const char *const *options);
/* Everything that is ready or due now; false: nothing was. */
bool host_turn(struct host *);
int64_t host_next(const struct host *); /* when its next timer is due; INT64_MAX: none is set */
void host_close(struct host *);         /* at once; it must leave no descriptor and no timer */
void host_unload(struct host *);

#endif
