/*
 * Requests to the API from within: a channel's plugin asks (hilo_host.api) as an application
 * would, without a connection. They go the same way as the others, from the route to the commit
 * that their answer waits for; only where headers, query and caller come from differs, and where
 * the answer goes. Internal to api. [core]
 */
#ifndef API_INNER_H
#define API_INNER_H

#include "api/http.h"

void inner_init(struct api *);
/* All that wait are dropped: for api_free. */
void inner_done(struct api *);
/* After a commit: answers what waited for it, and goes on with what came back from elsewhere. */
void inner_turn(struct api *);
/* Its work elsewhere ended: the next inner_turn goes on with it. */
void inner_back(struct request *);

/* What request.c asks of one. */
struct hilo_str inner_header(const struct request *, const char *name);
struct hilo_str inner_query(const struct request *, const char *name);
/* What a plugin may send, where a client's bytes are checked by the library: its query is read. */
int inner_head_check(struct request *, struct fault *);
/* Whether its route is one for it: no files, no stream, nothing that asks a channel again. */
bool inner_takes(const struct request *);
/* Who asks, and whether the channel's scopes allow it. */
int inner_auth(struct request *, struct fault *);

#endif
