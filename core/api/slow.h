/*
 * Slow senders. The library closes a connection that is silent for http.idle_timeout; one
 * that sends a byte now and then would keep its place for days. So from its beginning, and
 * from each answer on, a connection has twice that time to send a request's head whole; and
 * while a body comes it brings SLOW_BYTES_A_SECOND in each such time, or it ends. [core]
 */
#ifndef API_SLOW_H
#define API_SLOW_H

#include "api/request.h"

struct slow; /* of one listener; opaque */
enum { SLOW_BYTES_A_SECOND = 1024 };

struct slow *slow_new(struct loop *, int64_t idle_timeout_us);
void slow_free(struct slow **); /* after the library has closed its connections */
/* MHD_OPTION_NOTIFY_CONNECTION, with the struct slow. */
void slow_connection(void *slow, struct MHD_Connection *, void **context,
                     enum MHD_ConnectionNotificationCode);
/* The head is whole and a body may come; all of it came; the answer has left. */
void slow_body(struct slow *, struct request *);
void slow_whole(struct slow *, struct MHD_Connection *);
void slow_next(struct slow *, struct MHD_Connection *);
uint64_t slow_cut(const struct slow *); /* connections that were ended */

#endif
