/* Reading the answers of the Cloud API. Pure; [any] thread. */
#ifndef WHATSAPP_ANSWER_H
#define WHATSAPP_ANSWER_H

#include "errors.h"

#include <hilo/plugin.h>
#include <stdbool.h>

/* What an answer that is not 2xx means. */
struct wa_verdict {
    int32_t code; /* HILO_AGAIN, TEMP, PERM, IN_DOUBT or CONFIG */
    enum wa_scope scope;
    int64_t retry_after_us; /* 0: the core's backoff */
    bool retry_after_given; /* by Meta, in Retry-After */
    int64_t meta_code;      /* -1: the answer had no error of the Cloud API */
    char reason[32];        /* machine-readable */
    char provider_code[24]; /* Meta's code, or "http 502" */
    char detail[320];       /* Meta's words, without runs of digits that could be a number */
};
void wa_answer_judge(const struct hilo_http *, struct wa_verdict *out);

/* messages[0].id of a 2xx answer, NUL-ended in out; false if it is not there or
 * does not fit. */
bool wa_answer_message_id(const struct hilo_http *, char *out, uint64_t cap);
/* Likewise a member of the answer's object that is a string. */
bool wa_answer_member(const struct hilo_http *, const char *name, char *out, uint64_t cap);
/* {"success":true} */
bool wa_answer_success(const struct hilo_http *);

/* A header's value, by its name in any case; empty if it is not there. */
struct hilo_str wa_header(const struct hilo_http *, const char *name);

#endif
