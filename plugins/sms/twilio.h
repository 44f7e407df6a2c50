/* Twilio's Messages API: what its files share. Pure; [any] thread. */
#ifndef SMS_TWILIO_H
#define SMS_TWILIO_H

#include "api.h"

/* twilio_out.c: see api.h */
bool sms_tw_url(const struct sms_conf *, struct hilo_str base_url, char out[SMS_URL_MAX]);
char *sms_tw_body(const struct sms_conf *, int64_t now_us, struct sms_item *const *, unsigned n);
bool sms_tw_answer(const struct hilo_http *, struct sms_item *const *, unsigned n, struct sms_verdict *out);

/* twilio_signature.c */
enum { SMS_TW_SIGNATURE = 29 /* base64 of 20 bytes, with the NUL */ };
/* X-Twilio-Signature of a request to this URL, as Twilio wrote it, with these parameters of a form (NULL: the
 * body is no form). False: no memory. */
bool sms_tw_sign(struct hilo_str token, struct hilo_str url, const struct hilo_kv *param, unsigned n,
                 char out[SMS_TW_SIGNATURE]);
enum sms_caller sms_tw_caller(const struct sms_conf *, const struct hilo_http *);

/* twilio_in.c */
int32_t sms_tw_read(int64_t now_us, const struct hilo_http *, const struct sms_sink *);

/* twilio_codes.c: what an error's code means; NULL: nothing of its own. */
const struct sms_code *sms_tw_code(int64_t id);

/* The parameter of our StatusCallback that holds our id of the message. */
#define SMS_TW_ECHO "msg"

#endif
