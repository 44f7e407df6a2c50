/* Errors as values: a HILO_ code and words for whoever can act. [any] */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <hilo/types.h>

struct err {
    int32_t code;   /* HILO_OK when there is none */
    char text[508]; /* NUL-ended; what and where, and what to do next */
};

/* Fills e (which may be NULL) and returns code, so that "return err_set(…)" reads
 * well. Text beyond the buffer is cut. The arguments may point into e. */
int32_t err_set(struct err *e, int32_t code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same with ": " and errno's words appended; the code is HILO_IO. */
int32_t err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "temporary failure", for logs. */
const char *err_name(int32_t code);

#endif
