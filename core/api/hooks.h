/* Requests under /hooks that wait for a plugin. Internal to api. [core] */
#ifndef API_HOOKS_H
#define API_HOOKS_H

#include "api/http.h"

void hooks_init(struct api *);
/* All that wait are answered 503; for api_free. */
void hooks_done(struct api *);
/* The request is about to be freed. */
void hook_forget(struct request *);

#endif
