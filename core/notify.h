/*
 * What the service manager is told: sd_notify(3), the protocol itself (one datagram to
 * $NOTIFY_SOCKET), which is fixed and documented, so that no library is needed for it.
 * Without that variable every function does nothing. [core]
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "base/log.h"
#include <stdbool.h>

struct notify; /* opaque */

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and takes them out of the
 * environment, so that no child speaks for the daemon. Before any thread is made. */
struct notify *notify_new(struct log *);
void notify_free(struct notify **);
bool notify_heard(const struct notify *); /* somebody listens */

/* Lines of assignments, "READY=1\nSTATUS=…", as printf. Never waits. */
void notify_say(struct notify *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* How often WATCHDOG=1 is to be said, half of what is allowed; 0: never. µs */
int64_t notify_watchdog_us(const struct notify *);

#endif
