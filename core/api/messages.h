/* POST /v1/messages: from JSON to what the service is asked. */
#ifndef API_MESSAGES_H
#define API_MESSAGES_H

#include "services/messages.h"
#include <cjson/cJSON.h>

/* Strings in the arena or in the tree. 0, or -1 and a fault. Touches nothing else: it is
 * what the fuzzer calls. */
int message_request_read(struct arena *, const cJSON *root, struct message_request *, struct fault *);

/* {"phone": "+57…"}, exactly one of the schemes or "customer": the identifier, or its id. at: its JSON
 * pointer. */
int message_to_read(struct arena *, const cJSON *object, const char *at, struct identifier *to,
                    struct hilo_id *customer, struct fault *);
/* A content as its bytes (group CONTENT). at: its JSON pointer. */
int message_content_read(struct arena *, const cJSON *object, const char *at, struct hilo_str *out,
                         struct fault *);

#endif
