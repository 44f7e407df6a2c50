/*
 * One instance of a plugin: its loop, the services given to it, the rules that hold
 * whatever it does. Runs on a thread of its own, or in a worker process (serve.h); talks
 * to the core by the link only.
 */
#ifndef PLUG_INSTANCE_H
#define PLUG_INSTANCE_H

#include "base/log.h"
#include "plug/link.h"
#include <hilo/plugin.h>
#include <stdatomic.h>

/* What the other side may look at while the instance runs. Plain numbers only: of a worker
 * process they lie in shared memory, and it may write anything there. */
struct instance_shared {
    _Atomic uint64_t stalls; /* callbacks over INSTANCE_STALL_US */
    _Atomic uint64_t loop_wakeups;
    _Atomic uint64_t wakes; /* of the core */
    _Atomic uint64_t http_requests, http_connections;
    _Atomic int64_t busy_since_us; /* monotonic, when the present callback began; 0: in none */
    _Atomic uint32_t busy_in;      /* which: instance_callback_name */
    _Atomic uint32_t abandoned;    /* nobody reads the link any more: end without being heard */
};

enum {
    INSTANCE_STALL_US = 100 * 1000,
    INSTANCE_ASKED_MAX = 16384, /* submits and requests to the core that are not answered yet */
    INSTANCE_CREDIT_MAX = 1000000
};

struct instance_options {
    const char *name; /* of the channel */
    const struct hilo_plugin *desc;
    const void *conf;
    struct link_end *link; /* LINK_PLUG */
    struct log *log;
    struct instance_shared *shared;
};

/* Opens and starts the plugin, serves it until a DRAIN frame (or a failure), closes it
 * and says so with ENDED, the last frame, whose code is HILO_OK after a drain and
 * otherwise why the plugin could not run. Everything is borrowed until it returns. */
void instance_run(const struct instance_options *);

const char *instance_callback_name(uint32_t); /* "send" */

#endif
