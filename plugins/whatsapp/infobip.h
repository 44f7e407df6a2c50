/* Infobip as a provider: what its files share. All pure; [any] thread. */
#ifndef WHATSAPP_INFOBIP_H
#define WHATSAPP_INFOBIP_H

#include "build.h"
#include "inbound.h"

/* The channel's own number, in digits, and the scope of user ids. */
struct wa_ib_account {
    struct hilo_str sender, waba_id;
};

/* infobip_encode.c, infobip_template.c: see provider.h. */
int32_t wa_ib_encode(struct hilo_id, struct hilo_str message, const struct wa_encode *,
                     struct wa_encoded *out);
void wa_ib_build_template(struct wa_build *, cJSON *content, struct hilo_str message,
                          struct hilo_str hilo_content);
/* mediaUrl: a stored media has no URL that Infobip could read, unless the core gave it one. */
void wa_ib_build_link(struct wa_build *, cJSON *in, struct hilo_str group, uint32_t media, uint32_t url);

/* infobip_answer.c */
void wa_ib_answer(const struct hilo_http *, bool echoed, struct wa_verdict *out);
void wa_ib_judge(const struct hilo_http *, struct wa_verdict *out);

/* infobip_errors.c */
struct wa_ib_code {
    int32_t id;
    int32_t code; /* what an answer with it means: HILO_OK, AGAIN, TEMP, PERM or CONFIG */
    enum wa_scope scope;
    int32_t retry_after_s;
    const char *reason;
};
/* A message's status by its id, an error by its id; NULL: none that needs a word of its own. */
const struct wa_ib_code *wa_ib_status(uint64_t id);
const struct wa_ib_code *wa_ib_error(uint64_t id);

/* infobip_webhook.c: gives all that a webhook's body holds, in its order. HILO_OK; HILO_INVALID: it is not a
 * JSON object, nothing was given; HILO_NOMEM: not all was given; HILO_AGAIN: the sink said to stop. */
int32_t wa_ib_read(struct hilo_str body, const struct wa_ib_account *, const struct wa_sink *);
/* 2019-11-09T16:00:00.000+0000, a colon in the offset or Z allowed; Unix µs. */
bool wa_ib_time(struct hilo_str text, int64_t *us_out);

/* infobip_list.c: see provider.h; and what a webhook says of one template: false, it says nothing of any. */
bool wa_ib_templates_url(const struct wa_conf *, const char *after, char url[WA_URL_MAX]);
bool wa_ib_templates_read(const struct hilo_http *, const struct wa_template_sink *, char *after, size_t cap);
bool wa_ib_template_change(struct hilo_str root, char *scratch, const struct wa_sink *);

/* infobip_inbound.c: writes CONTENT, and REPLY_EXT, PRODUCT and REFERRAL beside it, of an inbound message.
 * message is its object, paired the id of the message that Infobip takes it for an answer to (a JSON string,
 * or empty). What can't be mapped cleanly is written as UNSUPPORTED with all of the object. False: the caller
 * keeps the object in EXTRA, as something in it has no field. */
bool wa_ib_content(struct wa_in *, struct hilo_str message, struct hilo_str paired);

/* infobip.c: whether a URL is of base_url's host, or of Infobip's own by https: only there the key goes. */
bool wa_ib_trusted(struct hilo_str url, struct hilo_str base_url);

#endif
