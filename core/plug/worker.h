/*
 * Worker processes, the core's side: making one, and what its plugin's file is. [core]
 */
#ifndef PLUG_WORKER_H
#define PLUG_WORKER_H

#include "plug/link.h"
#include "plug/plug.h"
#include <sys/types.h>

/* Descriptors of a worker, from its exec on; 2 is the log, nothing else is open. */
enum { WORKER_FD_MEMORY = 3, WORKER_FD_BELL = 4, WORKER_FD_POST = 5, WORKER_FD_END = 6 };

/* Executes hilo-worker with a new link; name is for ps. The child is the caller's to reap. */
int32_t worker_spawn(const struct worker_options *, const char *name, struct err *, struct link **link_out,
                     pid_t *pid_out);

#endif
