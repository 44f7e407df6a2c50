/* API keys and idempotency keys. [core] */
#ifndef SERVICES_ACCESS_H
#define SERVICES_ACCESS_H

#include "services/gateway.h"

/* Scopes: what a key may do. Written "messages:write". */
#define ACCESS_SCOPES(X)                                                                                     \
    X(MESSAGES_READ, 0, "messages:read")                                                                     \
    X(MESSAGES_WRITE, 1, "messages:write")                                                                   \
    X(CUSTOMERS_READ, 2, "customers:read")                                                                   \
    X(CUSTOMERS_WRITE, 3, "customers:write")                                                                 \
    X(CASES_READ, 4, "cases:read")                                                                           \
    X(CASES_WRITE, 5, "cases:write")                                                                         \
    X(MEDIA_READ, 6, "media:read")                                                                           \
    X(MEDIA_WRITE, 7, "media:write")                                                                         \
    X(CHANNELS_READ, 8, "channels:read")                                                                     \
    X(CHANNELS_WRITE, 9, "channels:write")                                                                   \
    X(METRICS_READ, 10, "metrics:read")                                                                      \
    X(KEYS_WRITE, 11, "keys:write")                                                                          \
    X(CONFIG_WRITE, 12, "config:write")
enum {
#define X(name, bit, text) SCOPE_##name = 1 << (bit),
    ACCESS_SCOPES(X)
#undef X
        SCOPE_ALL = (1 << 13) - 1
};
/* "messages:read customers:read" or "all"; false and the word that is unknown. */
bool access_scopes_parse(struct hilo_str, uint32_t *out, struct hilo_str *unknown_out);
struct hilo_str access_scopes_text(uint32_t scopes, struct arena *);

/* Makes a key: "hilo_" and 43 characters of base64url, 256 random bits; only its SHA-256
 * is stored. Between store_begin and store_end. */
int access_key_create(struct gateway *, const struct actor *, struct hilo_str name, uint32_t scopes,
                      struct arena *, struct hilo_str *secret_out, struct hilo_id *id_out, struct fault *);
int access_key_revoke(struct gateway *, const struct actor *, struct hilo_id, struct fault *);
typedef void access_key_fn(void *arg, const struct rec_key *);
int access_key_list(struct gateway *, struct arena *, access_key_fn *, void *arg, struct fault *);
/* Who holds this secret: fills the actor (kind, id) and scopes. -1: nobody (401). */
int access_check(struct gateway *, struct hilo_str secret, struct arena *, struct actor *actor_out,
                 uint32_t *scopes_out, struct fault *);

/* Idempotency: looks a key up. request: SHA-256 of method, path and body.
 *   0  new: go on, then access_idempotency_store in the same begin/end
 *   1  known and synced: answer with *out (strings in the arena)
 *  -1  fault: idempotency_mismatch (422) or idempotency_running (409) */
int access_idempotency(struct gateway *, const struct actor *, struct hilo_str key, const uint8_t request[32],
                       struct arena *, struct rec_idempotency *out, struct fault *);
int access_idempotency_store(struct gateway *, const struct actor *, struct hilo_str key,
                             const uint8_t request[32], uint32_t status, struct hilo_str answer,
                             struct hilo_str location, struct fault *);

#endif
