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
    X(CONFIG_WRITE, 12, "config:write")                                                                      \
    X(WEBHOOKS_READ, 13, "webhooks:read")                                                                    \
    X(WEBHOOKS_WRITE, 14, "webhooks:write")                                                                  \
    X(APPOINTMENTS_READ, 15, "appointments:read")                                                            \
    X(APPOINTMENTS_WRITE, 16, "appointments:write")                                                          \
    X(STOCK_READ, 17, "stock:read")                                                                          \
    X(STOCK_WRITE, 18, "stock:write")                                                                        \
    X(SALES_READ, 19, "sales:read")                                                                          \
    X(SALES_WRITE, 20, "sales:write")                                                                        \
    X(AUDIT_READ, 21, "audit:read")                                                                          \
    X(CALLS_READ, 22, "calls:read")                                                                          \
    X(CALLS_WRITE, 23, "calls:write")
enum {
#define X(name, bit, text) SCOPE_##name = 1 << (bit),
    ACCESS_SCOPES(X)
#undef X
        SCOPE_ALL = (1 << 24) - 1
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

/* An Idempotency-Key and its request as the store knows them; strings of the two are
 * empty if there is no key (or no struct). */
struct access_once {
    bool given;
    uint8_t key[16], request[16];
};
void access_once(struct access_once *out, const struct actor *, struct hilo_str key, struct hilo_str method,
                 struct hilo_str uri, struct hilo_str body);
struct hilo_str access_once_key(const struct access_once *);
struct hilo_str access_once_request(const struct access_once *);

/* The first answer: whole, or, for a message, what it is made from. In the arena. */
struct access_first {
    uint32_t status;
    struct hilo_str answer, location;
    struct hilo_str message, notes; /* the message accepted, and what lowering did */
};
/*   0  new: go on, and append an event that takes the key in the same begin/end
 *      (access_idempotency_store, or a message's own)
 *   1  known and synced: *out
 *  -1  fault: idempotency_mismatch (422) or idempotency_running (409) */
int access_idempotency(struct gateway *, const struct access_once *, struct arena *, struct access_first *out,
                       struct fault *);
int access_idempotency_store(struct gateway *, const struct actor *, const struct access_once *,
                             uint32_t status, struct hilo_str answer, struct hilo_str location,
                             struct fault *);

#endif
