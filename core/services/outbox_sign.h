/*
 * Signatures of Standard Webhooks 1.0: HMAC-SHA256 over "id.timestamp.body", written "v1," and
 * base64; and secrets, written "whsec_" and base64. One thread a signer.
 */
#ifndef SERVICES_OUTBOX_SIGN_H
#define SERVICES_OUTBOX_SIGN_H

#include <hilo/types.h>
#include <stdbool.h>

enum {
    OUTBOX_SECRET_BYTES = 32,  /* of one made here; 24 to 64 are allowed */
    OUTBOX_SECRET_TEXT = 64,   /* "whsec_", 44 characters, NUL; rounded up */
    OUTBOX_SIGNATURE_TEXT = 48 /* "v1," and 44 characters, NUL */
};

void outbox_secret_new(uint8_t out[OUTBOX_SECRET_BYTES]);
void outbox_secret_text(const uint8_t secret[OUTBOX_SECRET_BYTES], char out[OUTBOX_SECRET_TEXT]);

struct outbox_signer; /* opaque: the key, made ready once */
struct outbox_signer *outbox_signer_new(struct hilo_str secret);
void outbox_signer_free(struct outbox_signer **);
void outbox_sign(struct outbox_signer *, struct hilo_str id, int64_t unix_s, struct hilo_str body,
                 char out[OUTBOX_SIGNATURE_TEXT]);

#endif
