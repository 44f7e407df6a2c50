/* Proofs that Meta sends and secrets that are compared. All [any] thread. */
#ifndef WHATSAPP_SIGNATURE_H
#define WHATSAPP_SIGNATURE_H

#include <hilo/types.h>
#include <stdbool.h>

/* Whether header, the value of X-Hub-Signature-256 ("sha256=" and 64 hex digits),
 * is the HMAC-SHA256 of exactly these bytes. Never true with an empty secret. */
bool wa_signature_ok(struct hilo_str secret, struct hilo_str body, struct hilo_str header);

/* Whether two secrets are equal, in a time that tells neither bytes nor length. */
bool wa_secret_eq(struct hilo_str a, struct hilo_str b);

/* The lower-case hex of a SHA-256, NUL-ended. False if it can't be computed. */
bool wa_sha256_hex(struct hilo_str bytes, char out[65]);

/* The lower-case hex of a SHA-256 given in base64 or in hex; false if it is none. */
bool wa_sha256_normal(struct hilo_str text, char out[65]);

#endif
