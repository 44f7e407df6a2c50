/* Members that every request of a store may have: where, who, and when it happened. [any] */
#ifndef API_PLACE_H
#define API_PLACE_H

#include "api/fields.h"
#include "services/place.h"

/* Rows of a table of fields, for a struct with a member place (struct place) and at (int64_t). */
#define PLACE_FIELDS(in)                                                                                     \
    {.name = "store", .type = FIELD_STR, .max = PLACE_NAME_MAX, .offset = offsetof(in, place.store)},        \
        {.name = "terminal",                                                                                 \
         .type = FIELD_STR,                                                                                  \
         .max = PLACE_NAME_MAX,                                                                              \
         .offset = offsetof(in, place.terminal)},                                                            \
        {.name = "clerk", .type = FIELD_STR, .max = PLACE_NAME_MAX, .offset = offsetof(in, place.clerk)},    \
    {                                                                                                        \
        .name = "at", .type = FIELD_TIME, .offset = offsetof(in, at)                                         \
    }

#endif
