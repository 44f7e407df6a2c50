/* Answers of a provider's API: what all of them share. Pure; [any] thread. */
#ifndef WHATSAPP_ANSWER_H
#define WHATSAPP_ANSWER_H

#include <hilo/plugin.h>
#include <stdbool.h>

/* What a failure is about; whatever is not ACCOUNT leaves the channel working. */
enum wa_scope { WA_SCOPE_MESSAGE, WA_SCOPE_RECIPIENT, WA_SCOPE_TEMPLATE, WA_SCOPE_ACCOUNT };

/* What an answer means. */
struct wa_verdict {
    int32_t code; /* HILO_OK, AGAIN, TEMP, PERM, IN_DOUBT or CONFIG */
    enum wa_scope scope;
    int64_t retry_after_us; /* 0: the core's backoff */
    bool retry_after_given; /* by the provider, in Retry-After */
    bool media_stale;       /* PERM: perhaps only because a media's id has run out */
    char ext_id[512];       /* HILO_OK: the provider's id of the message; else empty */
    char reason[32];        /* machine-readable */
    char provider_code[24]; /* the provider's code, or "http 502" */
    char detail[320];       /* its words, without runs of digits that could be a number */
};

/* An answer without an error in the provider's own form: a proxy or a broken server
 * spoke. Then a 5xx tells nothing about whether the message was taken. title names
 * the provider in the detail. */
void wa_answer_by_status(uint32_t status, const char *title, struct wa_verdict *);
/* Of AGAIN and TEMP: takes over Retry-After, seconds or a date, at most a day. */
void wa_answer_retry_after(const struct hilo_http *, struct wa_verdict *);
/* Appends the text of a JSON string to the detail. */
void wa_answer_words(struct wa_verdict *, struct hilo_str json);

/* A JSON string's text, NUL-ended in out; false if it is none, empty or does not fit. */
bool wa_answer_text(struct hilo_str json, char *out, uint64_t cap);
/* Likewise a member of the answer's object. */
bool wa_answer_member(const struct hilo_http *, const char *name, char *out, uint64_t cap);

/* A header's value, by its name in any case; empty if it is not there. */
struct hilo_str wa_header(const struct hilo_http *, const char *name);

#endif
