/* Reading the configuration again while the gateway runs. [core] */
#ifndef RELOAD_H
#define RELOAD_H

#include "api/api.h"
#include "assemble.h"
#include "fleet.h"

struct reload {
    struct gateway *gw;
    struct fleet *fleet;
    struct api *api;
    struct plugins *plugins;
    struct assembly boot; /* of the start: what needs a restart stays as it is there */
    struct assembly *now; /* in use; &boot at first */
    struct assembly *old; /* replaced in this turn, which may still look at them */
};

/* The settings that the services look at: names, limits, routes. */
void gateway_take(struct gateway *, struct assembly *);
/* All of it is checked before anything changes: settings, plugins, their options, secrets
 * in files. A file with faults, or a channel that worked and would not, changes nothing.
 * The log says what it came to; so does the report. */
config_reload_fn reload_run; /* arg: the struct reload */
/* The turn is over: frees what was replaced in it. */
void reload_turn(struct reload *);
void reload_done(struct reload *);

#endif
