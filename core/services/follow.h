/*
 * What plugins follow (hilo_host.follow): the public events of the journal, one channel each by a
 * tail of its own, from where its plugin says that it was. An event is held here until the channel
 * takes it, so a slow plugin holds back nobody else, and costs one event of memory. [core]
 */
#ifndef SERVICES_FOLLOW_H
#define SERVICES_FOLLOW_H

#include "services/gateway.h"

struct follows; /* opaque; all of a gateway's */

struct follows *follows_new(struct gateway *);
/* Before the store is closed. */
void follows_free(struct follows **);
/* plug_up.follow: in place of what the channel followed before. */
void follow_begin(struct follows *, struct gw_channel *, struct hilo_str types, struct hilo_str after);
/* Its instance ended. */
void follow_end(struct follows *, struct gw_channel *);
/* After a commit, each turn: gives what is new, or was held. Costs next to nothing else. */
void follows_turn(struct follows *);

#endif
