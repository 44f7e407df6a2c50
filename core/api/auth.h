/* Who asks, and whether they may. [core] */
#ifndef API_AUTH_H
#define API_AUTH_H

#include "api/route.h"

/* Fills actor, scopes and cause. -1: 401 or 403. */
int auth_check(struct request *, const struct route *, struct fault *);
/* traceparent (W3C): its trace id, 16 bytes. */
bool auth_traceparent(struct hilo_str, struct hilo_id *trace_out);

#endif
