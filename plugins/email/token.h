/*
 * Tokens in addresses: who a mail belongs to, signed, so that nobody can make one. Lower-case letters and
 * digits only, since local parts lose their case on the way. Pure; [any] thread.
 *
 *   soporte+r0abc…@example.com   answers to our message (Reply-To)
 *   soporte+b0abc…@example.com   bounces of it (MAIL FROM, VERP)
 *   a0abc…@example.com           an appointment, as the UID of its invitations
 */
#ifndef EMAIL_TOKEN_H
#define EMAIL_TOKEN_H

#include <hilo/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum token_kind { TOKEN_REPLY = 'r', TOKEN_BOUNCE = 'b', TOKEN_EVENT = 'a' };
enum { TOKEN_MAX = 48, TOKEN_KEY = 32 };

/* NUL-ended; 26 characters of the id, 13 of an HMAC-SHA-256 (65 bits), behind kind and version. */
void token_make(enum token_kind, struct hilo_id, const uint8_t key[TOKEN_KEY], char out[TOKEN_MAX]);
/* Compared in constant time, whatever its case; false: none of ours. keys: the newest first. */
bool token_read(enum token_kind, struct hilo_str text, const uint8_t (*keys)[TOKEN_KEY], size_t n_keys,
                struct hilo_id *message);
/* "local+token@domain", or token@domain where the domain is a catch-all of ours (separator 0). */
bool token_address(struct hilo_str address, char separator, const char *token, char *out, size_t n);
/* The token in the local part of a recipient; empty: there is none. */
struct hilo_str token_in(struct hilo_str recipient, char separator);

#endif
