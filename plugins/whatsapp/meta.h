/* Private to meta*.c: Meta's Cloud API, the parts of the provider wa_meta. Pure;
 * [any] thread. */
#ifndef WHATSAPP_META_H
#define WHATSAPP_META_H

#include "build.h"
#include "provider.h"

/* ---- meta_errors.c: what Meta's error codes mean to the core -------------------- */

struct wa_meta_error {
    int32_t first, last; /* codes, both included */
    int32_t code;        /* HILO_AGAIN, TEMP, PERM or CONFIG */
    enum wa_scope scope;
    int32_t retry_after_s; /* when Meta gives no Retry-After; 0: the core's backoff */
    const char *reason;    /* machine-readable */
};
/* NULL: a code that the table does not have. */
const struct wa_meta_error *wa_meta_error_find(int64_t code);

/* ---- meta_answer.c, meta_encode.c, meta_webhook.c: as in provider.h --------------- */

void wa_meta_judge(const struct hilo_http *, struct wa_verdict *out);
void wa_meta_answer(const struct hilo_http *, bool echoed, struct wa_verdict *out);
int32_t wa_meta_encode(struct hilo_id, struct hilo_str message, const struct wa_encode *,
                       struct wa_encoded *out);
/* The member "template" of a message. */
void wa_meta_template(struct wa_build *, cJSON *in, struct hilo_str message, struct hilo_str content);
/* HILO_OK; HILO_INVALID: the body is not a JSON object, nothing was given; HILO_NOMEM:
 * not all were given; HILO_AGAIN: the sink said to stop. */
int32_t wa_meta_read(struct hilo_str body, const struct wa_account *, const struct wa_sink *);

#endif
