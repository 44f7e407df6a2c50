/*
 * What an event is to terminals. Pure. [any]
 */
#ifndef POS_ROUTE_H
#define POS_ROUTE_H

#include <cjson/cJSON.h>
#include <hilo/types.h>
#include <stdbool.h>
#include <stdint.h>

enum pos_route_to {
    POS_ROUTE_NONE,
    POS_ROUTE_STORE,   /* to the terminals of store that serve people */
    POS_ROUTE_ATTENDED /* to where customer is attended */
};
struct pos_route {
    enum pos_route_to to;
    const char *method;
    char id[64 + 1], key[80], store[33], customer[32];
    int64_t until_us; /* Unix time; 0: for ever */
    cJSON *params;    /* given away */
};

/* Of these types it is. */
#define POS_ROUTE_TYPES "appointment.near,appointment.checked_in,case.updated,wish.offered"

/* False: it is nothing to terminals, or can't be read; *out has no params then. id: the event's. now_us: Unix
 * time. */
bool pos_route(struct hilo_str id, struct hilo_str json, int64_t now_us, struct pos_route *out);

#endif
