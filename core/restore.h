/* hilod --restore: a backup into the data folder of a configuration. */
#ifndef RESTORE_H
#define RESTORE_H

#include "base/err.h"
#include <stdbool.h>

/* Says on standard error how far it is, on standard output what it did. The
 * configuration's faults go to standard error. */
int32_t restore_run(const char *config, const char *backup, bool replace, struct err *);

#endif
