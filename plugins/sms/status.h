/* What a centre's command_status means: status.def by its code. Pure; [any] thread. */
#ifndef SMS_STATUS_H
#define SMS_STATUS_H

#include <hilo/types.h>

#define SMS_STATUS(name, value, message, bind, reason, text) SMS_##name = (value),
enum sms_command_status {
#include "status.def"
    SMS_STATUS__END
};

struct sms_status {
    uint32_t code;
    int32_t message;    /* HILO_x: what becomes of a message with this answer */
    int32_t bind;       /* HILO_x: what becomes of a bind with it */
    const char *name;   /* "ESME_RTHROTTLED" */
    const char *reason; /* machine-readable, "rate_limited" */
    const char *text;   /* for an operator: what is wrong, and what to do if that is known */
};

/* Never NULL. A code that SMPP 3.4 has not is the provider's own: HILO_PERM and HILO_DOWN,
 * reason "provider_code"; .code is that code's row, 0xffffffff. */
const struct sms_status *sms_status(uint32_t command_status);

#endif
