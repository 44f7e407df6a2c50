/* The running gateway: everything assembled, and its loop. */
#ifndef DAEMON_H
#define DAEMON_H

#include "base/err.h"

struct daemon_options {
    const char *config; /* path */
    int ready_fd;       /* gets "port=NNNN\n" once it listens, then is closed; -1: none */
};

/* Runs until SIGTERM or SIGINT, then drains and closes. HILO_OK, or why it could not
 * start or go on; the log has the details. */
int32_t daemon_run(const struct daemon_options *, struct err *);

/* Reads and checks a configuration with its plugins; faults go to fd 2. */
int32_t daemon_check_config(const char *config, struct err *);

/* Loads a plugin file and prints what it is and a sample of its options. */
int32_t daemon_check_plugin(const char *path, struct err *);

#endif
