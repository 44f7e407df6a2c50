/* Texts that come by HTTP: mended to UTF-8, JSON and forms read. Pure; [any] thread. */
#ifndef SMS_TEXT_IN_H
#define SMS_TEXT_IN_H

#include <cjson/cJSON.h>
#include <hilo/types.h>
#include <stdbool.h>
#include <stddef.h>

/* Writes bytes as UTF-8 without NUL into out, which has 3 * n bytes: U+FFFD for what is none. */
size_t sms_utf8_mend(const char *p, size_t n, char *out);

/* One JSON value; NULL: it is none, or there is no memory. Free it by cJSON_Delete. What is no
 * UTF-8, NUL and halves of surrogate pairs become U+FFFD, as one of them in somebody's
 * text must not make those beside it unreadable. */
cJSON *sms_json_read(struct hilo_str);
/* The text of a member; empty if there is none or it is no string. */
struct hilo_str sms_json_text(const cJSON *object, const char *name);
/* A number without a fraction, of a member, from 0 to 2^31 - 1; -1: there is none. */
int64_t sms_json_int(const cJSON *object, const char *name);

/* The parameters of application/x-www-form-urlencoded, in their order, and of a query. */
enum { SMS_FORM_MAX = 256 };
struct sms_form {
    struct hilo_kv pair[SMS_FORM_MAX]; /* decoded; bytes as they came, perhaps no UTF-8 */
    unsigned n;
    char *bytes; /* what they point into */
};
/* HILO_OK; HILO_INVALID: more than SMS_FORM_MAX; HILO_NOMEM. _done also after these. */
int32_t sms_form_read(struct hilo_str, struct sms_form *out);
void sms_form_done(struct sms_form *);
/* The value of the first of this name; empty: none. */
struct hilo_str sms_form_get(const struct sms_form *, const char *name);

/* Cuts s at the first c: what is before it; *rest is what is after it. */
struct hilo_str sms_split(struct hilo_str *rest, char c);

#endif
