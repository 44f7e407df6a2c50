/* What plugins ask of the core (plug_up), answered by the services. [core] */
#ifndef SERVICES_HOSTING_H
#define SERVICES_HOSTING_H

#include "services/gateway.h"

struct hosting_hooks { /* the parts of the api and of main, filled by main */
    void *arg;
    void (*answer)(void *arg, struct gw_channel *, uint64_t request, const struct hilo_http *);
    void (*gone)(void *arg, struct gw_channel *);
    /* After all else that its state comes to; of one that is CLOSED the last, which may
     * free c->plug. */
    void (*state)(void *arg, struct gw_channel *, enum channel_state);
    void (*reconfigured)(void *arg, struct gw_channel *, int32_t code);
    /* Answered by channel_api_answer(token), unless the instance has ended before. */
    void (*api)(void *arg, struct gw_channel *, uint64_t token, const struct hilo_http *);
};
struct hosting {
    struct gateway *gateway;
    struct hosting_hooks hooks;
};

/* The table; arg is the struct hosting, a channel's user is its gw_channel. */
void hosting_up(struct hosting *, struct plug_up *out);

#endif
