/* Answers: JSON that is built, problems, and what both need. [core] */
#ifndef API_REPLY_H
#define API_REPLY_H

#include "api/request.h"
#include "model/out.h"

/* Answers with what was built (moved into the arena; out is empty afterwards). 0, or -1
 * and a fault when memory was out. */
int reply_json(struct request *, uint32_t status, struct out *, struct fault *);
void reply_empty(struct request *, uint32_t status);
/* Location: /v1/messages/msg_… */
void reply_location(struct request *, const char *collection, const char *prefix, struct hilo_id);
void reply_etag(struct request *, uint64_t version);
/* If-Match: a version, 0 for "*" or absent; a fault if it is neither. */
int reply_if_match(struct request *, uint64_t *version_out, struct fault *);

/* A fault as an object of RFC 9457's members. */
void problem_shape(struct request *, struct out *, const char *key, const struct fault *);
/* application/problem+json from it. */
void problem_reply(struct request *, const struct fault *);
/* The same with one member more, taken from out. 0: it is the handler's answer. */
int problem_reply_with(struct request *, const struct fault *, const char *key, struct out *member);

/* An id of a path, "msg_…"; 404 with this code if it is none. */
int reply_param_id(struct request *, unsigned param, const char *prefix, const char *code,
                   struct hilo_id *out, struct fault *);

#endif
