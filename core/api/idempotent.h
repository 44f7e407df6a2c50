/* A write: the writer's role, room in the store, and Idempotency-Key. [core] */
#ifndef API_IDEMPOTENT_H
#define API_IDEMPOTENT_H

#include "api/request.h"

enum { IDEMPOTENCY_KEY_MAX = 255 };

/* 0: go on, store_begin was done. 1: answered before: rq->answer is the first answer, or
 * *first, if not NULL, has the message that it is made from (then its message is not
 * empty). -1: a fault. content: the body's SHA-256, or NULL to take rq->body. */
int idempotent_begin(struct request *, const uint8_t content[32], struct access_first *first, struct fault *);
/* The same for what is taken on a full disk, too (write_begin_anyway). */
int idempotent_begin_anyway(struct request *, struct fault *);
/* rc: what the handler comes to, with rq->answer when it is 0. Stores the answer for
 * the key and does store_end. Returns rc, or -1 and a fault. */
int idempotent_end(struct request *, int rc, struct fault *);
/* The two without Idempotency-Key, for what can be done twice and for answers that must
 * not be stored. New work needs room in the store; what takes work away (a cancel, a
 * pause, a revoked key) has the store's reserve. */
int write_begin(struct request *, struct fault *);
int write_begin_anyway(struct request *, struct fault *);
int write_end(struct request *, int rc);

#endif
