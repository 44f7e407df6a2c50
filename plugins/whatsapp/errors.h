/* What Meta's error codes mean to the core. [any] thread. */
#ifndef WHATSAPP_ERRORS_H
#define WHATSAPP_ERRORS_H

#include <hilo/types.h>

/* What a failure is about; whatever is not ACCOUNT leaves the channel working. */
enum wa_scope { WA_SCOPE_MESSAGE, WA_SCOPE_RECIPIENT, WA_SCOPE_TEMPLATE, WA_SCOPE_ACCOUNT };

struct wa_error {
    int32_t first, last; /* codes, both included */
    int32_t code;        /* HILO_AGAIN, TEMP, PERM or CONFIG */
    enum wa_scope scope;
    int32_t retry_after_s; /* when Meta gives no Retry-After; 0: the core's backoff */
    const char *reason;    /* machine-readable */
};

/* NULL: a code that the table does not have. */
const struct wa_error *wa_error_find(int64_t code);

#endif
