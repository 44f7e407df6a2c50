/*
 * SHA-256 of bytes in memory. [any]
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <hilo/types.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32 };

/* p may be NULL if n is 0. */
void sha256(const void *p, size_t n, uint8_t out[SHA256_BYTES]);
/* Of the parts one after the other. */
void sha256_parts(const struct hilo_str *parts, unsigned n, uint8_t out[SHA256_BYTES]);

#endif
