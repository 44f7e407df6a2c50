/* Where in the shops something happened, and who was at the counter: as whoever says it names them. */
#ifndef SERVICES_PLACE_H
#define SERVICES_PLACE_H

#include "services/gateway.h"

enum { PLACE_NAME_MAX = 64 }; /* bytes, of each */
struct place {
    struct hilo_str store, terminal, clerk; /* each may be empty */
};
/* A fault invalid_field if one is too long or no text on one line. */
int place_check(const struct place *, struct fault *);
/* When something happened, as a till says that was offline; 0: now. A time that is ahead by up to five
 * minutes is that of a clock that runs fast, and becomes 0; beyond that it is refused. */
int place_at(int64_t *at, struct fault *);

#endif
