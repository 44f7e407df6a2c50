/*
 * The fleet: the channels that run. Starts them, and after a reload lets go on untouched
 * what is the same, gives new options to plugins that take them, and drains and reopens
 * the others. [core]
 */
#ifndef FLEET_H
#define FLEET_H

#include "api/config.h"
#include "assemble.h"
#include "services/gateway.h"

struct fleet; /* opaque */

struct fleet *fleet_new(struct gateway *, const struct plug_up *);
/* All are closed, or were never started. */
void fleet_free(struct fleet **);

/* The channels of the first configuration into the gateway's list; none runs yet. An
 * assembly that was given, here and to fleet_switch, is used until the next one is. */
void fleet_list(struct fleet *, const struct assembly *);
/* Starts them all, those whose plugin could be loaded. */
int32_t fleet_start(struct fleet *, struct err *);

/* Whether fleet_switch to this would break what works, or add what doesn't: faults of the
 * report. */
void fleet_judge(struct fleet *, const struct assembly *, struct arena *, struct config_report *);
/* From the present configuration to this one. */
void fleet_switch(struct fleet *, const struct assembly *, struct arena *, struct config_report *);

/* hosting_hooks.closed: the channel's end has been dealt with. */
void fleet_closed(struct fleet *, struct gw_channel *);
/* hosting_hooks.reconfigured. */
void fleet_reconfigured(struct fleet *, struct gw_channel *, int32_t code);

/* The gateway ends: all drain; none starts any more. */
void fleet_drain(struct fleet *);
bool fleet_drained(const struct fleet *);

#endif
