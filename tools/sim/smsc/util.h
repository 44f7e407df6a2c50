/* Bytes and memory. Out of memory ends the program. */
#ifndef SIM_SMSC_UTIL_H
#define SIM_SMSC_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sbuf { /* growing bytes, NUL-ended; zeroed is empty */
    uint8_t *p;
    size_t n, cap;
};
void sbuf_add(struct sbuf *, const void *, size_t);
void sbuf_drop(struct sbuf *, size_t n); /* its first n */
void *must(void *p);                     /* p, or the end */
void *zeroed(size_t n);
bool copy(char *out, size_t cap, const char *text); /* false: too long, out untouched */
bool unhex(const char *hex, struct sbuf *out);      /* false: it is none */
char *hex(const uint8_t *, size_t);                 /* free() it */

#endif
