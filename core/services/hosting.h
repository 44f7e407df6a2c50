/* What plugins ask of the core (plug_up), answered by the services. [core] */
#ifndef SERVICES_HOSTING_H
#define SERVICES_HOSTING_H

#include "services/gateway.h"

struct hosting_hooks { /* the api's part, filled by main */
    void *arg;
    void (*answer)(void *arg, struct gw_channel *, uint64_t request, const struct hilo_http *);
    void (*gone)(void *arg, struct gw_channel *);
};
struct hosting {
    struct gateway *gateway;
    struct hosting_hooks hooks;
};

/* The table; arg is the struct hosting, a channel's user is its gw_channel. */
void hosting_up(struct hosting *, struct plug_up *out);

#endif
