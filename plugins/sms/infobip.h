/* Infobip's SMS API, version 3: what its files share. Pure; [any] thread. */
#ifndef SMS_INFOBIP_H
#define SMS_INFOBIP_H

#include "api.h"

/* infobip_out.c: see api.h */
bool sms_ib_url(const struct sms_conf *, struct hilo_str base_url, char out[SMS_URL_MAX]);
char *sms_ib_body(const struct sms_conf *, int64_t now_us, struct sms_item *const *, unsigned n);
bool sms_ib_answer(const struct hilo_http *, struct sms_item *const *, unsigned n, struct sms_verdict *out);

/* infobip_in.c */
enum sms_caller sms_ib_caller(const struct sms_conf *, const struct hilo_http *);
int32_t sms_ib_read(int64_t now_us, const struct hilo_http *, const struct sms_sink *);
/* "2019-11-09T16:00:00.000+0000", a colon in the offset or Z allowed; Unix µs. False: it is no time. */
bool sms_ib_time(struct hilo_str, int64_t *us_out);

/* infobip_codes.c: what the ids of a status and of an error mean; NULL: nothing of their own. */
const struct sms_code *sms_ib_status(int64_t id);
const struct sms_code *sms_ib_error(int64_t id);
/* Groups of statuses. */
enum {
    SMS_IB_ACCEPTED,
    SMS_IB_PENDING,
    SMS_IB_UNDELIVERABLE,
    SMS_IB_DELIVERED,
    SMS_IB_EXPIRED,
    SMS_IB_REJECTED
};
/* The reason of a status that is a failure, by its group. */
const char *sms_ib_group_reason(int64_t group);

#endif
