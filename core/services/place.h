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
/* When something happened, as a till says that was offline: not later than now, a clock that is five minutes
 * ahead apart. 0: now. */
int place_at_check(int64_t at, struct fault *);

#endif
