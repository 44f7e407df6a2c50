/*
 * A worker's life: takes its link, gives up every right that it has, loads the plugin and
 * runs one instance of it until the core drains it. What hilo-worker's main calls.
 */
#ifndef PLUG_SERVE_H
#define PLUG_SERVE_H

/* The link's descriptors are open as worker.h says. Returns the exit status: 0, or 1 when
 * it could not start; the core knows why. */
int serve(void);

#endif
