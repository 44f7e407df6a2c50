/* Requests under /hooks that wait for a plugin. Internal to api. [core] */
#ifndef API_HOOKS_H
#define API_HOOKS_H

#include "api/http.h"

void hooks_init(struct api *);
/* All that wait are answered 503; for api_free. */
void hooks_done(struct api *);
/* The request is about to be freed. */
void hook_forget(struct request *);

/* For what is done elsewhere than by a plugin: the request waits, with rq->hook as its token, for
 * hook_go_on or its time. 0, or a fault: too many wait. */
int hook_wait(struct request *, struct fault *);
struct request *hook_waiting(struct api *, uint64_t token); /* NULL: it no longer waits */
/* With its answer, or failed and its fault. */
void hook_go_on(struct request *);

#endif
