/*
 * Who has denied anything, as fingerprints of 32 bits, so that asking costs those nothing
 * who have not. It may say yes of others, one in a thousand while a few million are in; never no wrongly.
 * 8 to 16 bytes an entry. [core]
 */
#ifndef SERVICES_CONSENT_WATCH_H
#define SERVICES_CONSENT_WATCH_H

#include <hilo/types.h>
#include <stdbool.h>

struct consent_watch; /* opaque */

struct consent_watch *consent_watch_new(void);
void consent_watch_free(struct consent_watch **);
void consent_watch_add(struct consent_watch *, struct hilo_str key);
bool consent_watch_has(const struct consent_watch *, struct hilo_str key);
/* Nobody has. */
bool consent_watch_empty(const struct consent_watch *);

#endif
