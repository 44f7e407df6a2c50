/* Proofs that Meta sends and secrets that are compared. All [any] thread, a signer
 * by one at a time. */
#ifndef WHATSAPP_SIGNATURE_H
#define WHATSAPP_SIGNATURE_H

#include <hilo/types.h>
#include <stdbool.h>

/* A secret, ready to check with: looking up the algorithm and hashing the key anew for
 * each delivery cost more than the check of a short one. NULL without memory, or with
 * an empty secret. */
struct wa_signer *wa_signer_new(struct hilo_str secret);
void wa_signer_free(struct wa_signer **);

/* Whether header, the value of X-Hub-Signature-256 ("sha256=" and 64 hex digits),
 * is the HMAC-SHA256 of exactly these bytes. Never true with NULL for the
 * signer. */
bool wa_signature_ok(const struct wa_signer *, struct hilo_str body, struct hilo_str header);

/* Whether two secrets are equal, in a time that tells neither bytes nor length. */
bool wa_secret_eq(struct hilo_str a, struct hilo_str b);

/* The lower-case hex of a SHA-256, NUL-ended. False if it can't be computed. */
bool wa_sha256_hex(struct hilo_str bytes, char out[65]);

/* The lower-case hex of a SHA-256 given in base64 or in hex; false if it is none. */
bool wa_sha256_normal(struct hilo_str text, char out[65]);

#endif
