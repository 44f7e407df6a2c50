/*
 * Messages that were in flight when a channel's plugin died, and how often: one that kills
 * it each time must not be sent for ever. In memory: a gateway that starts counts anew. [core]
 */
#ifndef SERVICES_QUARANTINE_H
#define SERVICES_QUARANTINE_H

#include <hilo/types.h>

enum { QUARANTINE_DEATHS = 3, QUARANTINE_MAX = 10000 };

struct quarantine; /* opaque */

struct quarantine *quarantine_new(void);
void quarantine_free(struct quarantine **);
/* It was in flight at one more: how many in all. Of more than QUARANTINE_MAX messages those
 * that were added first are forgotten. */
unsigned quarantine_death(struct quarantine *, struct hilo_id);
/* Its plugin has said what became of it, and lives. */
void quarantine_forget(struct quarantine *, struct hilo_id);

#endif
