/*
 * Reads the context's file ahead after a start, so that a machine that has just booted answers its
 * first look-ups from memory: LMDB reads a page when it is asked for it, one behind the other, and the
 * first look-ups need eight of them, later ones three. Where the file is in memory, as it is after most
 * restarts, this is over at once. Not more than half of the memory that nobody uses.
 */
#ifndef STORE_WARM_H
#define STORE_WARM_H

#include "base/log.h"

struct warm; /* opaque: a thread that ends by itself */

/* fd is given away. NULL: it can't be done, and nothing is missing but speed (the log says so). */
struct warm *warm_start(int fd, struct log *);
/* Waits until it is done, or until this long after it was started; from then on it leaves half of the
 * disk's time to others. Once. */
void warm_wait(struct warm *, int64_t us);
void warm_stop(struct warm **); /* ends it; [any] thread, once */

#endif
