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

/* ---- meta_list.c ----------------------------------------------------------------- */

#define META_TEMPLATE_FIELDS                                                                                 \
    "name,language,status,category,components,parameter_format,quality_score,rejected_reason"
bool wa_meta_templates_url(const struct wa_conf *, const char *after, char url[WA_URL_MAX]);
bool wa_meta_templates_read(const struct hilo_http *, const struct wa_template_sink *, char *after,
                            size_t cap);
/* Whether a webhook of one of the fields about templates names one; *group, in buf, is
 * what it says of it, empty if it says nothing that can be taken as it is. scratch has
 * room for the text of any string in value. */
enum { META_CHANGE_MAX = 4096 };
bool wa_meta_template_change(struct hilo_str field, struct hilo_str value, char *scratch,
                             uint8_t buf[META_CHANGE_MAX], struct hilo_str *group);

#endif
