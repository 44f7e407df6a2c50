/*
 * The text that brings a terminal to its gateway: where it is, how to know that it is the right one, and the
 * one-time secret. Its form is in PROTOCOL.md, section 8. Pure; [any] thread.
 */
#ifndef POS_CODE_H
#define POS_CODE_H

#include <hilo/types.h>
#include <stdint.h>

enum {
    POS_CODE_SECRET = 12,      /* bytes, of which nobody guesses any: 96 bits */
    POS_CODE_FINGERPRINT = 16, /* the first bytes of the SHA-256 of the anchor's SubjectPublicKeyInfo */
    POS_CODE_HOST_MAX = 253,
    POS_CODE_TEXT_MAX = 640 /* with its NUL */
};

struct pos_code {
    uint8_t secret[POS_CODE_SECRET];
    uint8_t fingerprint[POS_CODE_FINGERPRINT];
    uint16_t port;
    char host[POS_CODE_HOST_MAX + 1]; /* a DNS name or an address, NUL-ended */
};

/* "HILO1-…" in groups of five. HILO_INVALID: the host is empty or has other characters than [A-Za-z0-9.:-],
 * or the port is 0. */
int pos_code_write(const struct pos_code *, char out[POS_CODE_TEXT_MAX]);
/* As typed by a person or a scanner: case, dashes, spaces and line ends mean nothing, I and L are 1, O is 0.
 * HILO_INVALID: it is none; *why_out is "prefix", "characters", "length" or "check" (mistyped). */
int pos_code_read(struct hilo_str text, struct pos_code *out, const char **why_out);

#endif
