/*
 * An aggregator's HTTP API: what the drivers infobip and twilio differ in is one constant table each,
 * sms_api_infobip and sms_api_twilio; what they share (the queue, requests under way,
 * reports, webhooks that wait for the disk) is http.c, http_out.c and http_hook.c, which ask
 * no API by name.
 *
 * All functions are pure but for what they are given. None may block. [any] thread.
 */
#ifndef SMS_API_H
#define SMS_API_H

#include "sms.h"

#include <cjson/cJSON.h>
#include <hilo/message.h>

enum {
    SMS_URL_MAX = 2048,
    SMS_API_ID_MAX = 128,
    SMS_BATCH_MAX = 100, /* of messages in one request */
    SMS_TO_MAX = 32,
    SMS_FROM_MAX = 21
};

/* A message that is to be sent: its text is as the segments will carry it (composed, transliterated
 * if that was counted), so that what the API makes of it are as many. */
struct sms_item {
    struct sms_item *next;
    struct hilo_id id;
    char to[SMS_TO_MAX];     /* "+573001112233" */
    char from[SMS_FROM_MAX]; /* the message's own sender, or the channel's; may be empty */
    bool flash;              /* shown at once and not kept */
    uint32_t tables;         /* national tables that its segments need: HILO_SEGMENT_ES_SINGLE … */
    bool alone;              /* goes in a request of its own: a batch with it was refused as a whole */
    int64_t expires_us;      /* Unix time; 0: it does not */
    uint64_t text_n;
    char text[];
};

/* What an answer means to one message, or a webhook's failure. code HILO_OK: ext_id is there. */
struct sms_verdict {
    int32_t code;   /* HILO_OK, AGAIN, TEMP, PERM, IN_DOUBT or CONFIG */
    uint32_t scope; /* AGAIN, TEMP: HILO_SCOPE_x */
    int64_t retry_after_us;
    char ext_id[SMS_API_ID_MAX];
    char reason[32];
    char provider_code[64];
    char detail[320]; /* words, without runs of digits that could be a number */
};

/* What is read out of a webhook is given to this, one after the other. */
struct sms_sink {
    void *arg;
    /* An INBOUND message or a RECEIPT. False: stop reading, the rest comes again. */
    bool (*message)(void *arg, struct hilo_str message);
    /* Something that is passed by, in words without anything personal. */
    void (*note)(void *arg, const char *words);
    /* A failure that stops the channel until an operator acts. */
    void (*stop)(void *arg, const char *reason);
};

enum sms_caller {
    SMS_CALLER_KNOWN,
    SMS_CALLER_UNKNOWN, /* not proven: 401 */
    SMS_CALLER_LOST     /* nothing is at this path: 404 */
};

struct sms_api {
    const char *title;              /* for people */
    const char *base_url;           /* default of that option; NULL: it must be given */
    uint32_t in_flight;             /* default of that option */
    uint32_t requests;              /* at the same time, at most; 0: as many as there are messages */
    const char *type;               /* Content-Type of requests */
    const char *taken_type, *taken; /* how a webhook that was taken is answered: 200, and this */
    const char *methods;            /* of webhooks, as in Allow */
    const char *distrust; /* why a webhook is refused and what to do: "for a missing …; compare …" */

    /* The value of Authorization; free() it. NULL: no memory. */
    char *(*authorization)(const struct sms_conf *);
    /* The request's URL; false: it does not fit. */
    bool (*url)(const struct sms_conf *, struct hilo_str base_url, char out[SMS_URL_MAX]);
    /* The body of a request for n messages (1 unless requests are batches); free() it. NULL: no memory. */
    char *(*body)(const struct sms_conf *, int64_t now_us, struct sms_item *const *, unsigned n);
    /* What an answer of any status means, to each. True: it is about the request as a whole. */
    bool (*answer)(const struct hilo_http *, struct sms_item *const *, unsigned n, struct sms_verdict *out);

    enum sms_caller (*caller)(const struct sms_conf *, const struct hilo_http *);
    /* Gives all that a known caller's request holds to the sink. HILO_OK; HILO_INVALID: it can't
     * be read, nothing was given; HILO_NOMEM; HILO_AGAIN: the sink said to stop. */
    int32_t (*read)(int64_t now_us, const struct hilo_http *, const struct sms_sink *);
};

extern const struct sms_api sms_api_infobip, sms_api_twilio;

/* ---- api.c: what such files share ---- */

/* What is wrong with the options that every API has, or has not; NULL: nothing. */
const char *sms_api_wrong_option(const struct sms_api *, const struct sms_conf *);
void sms_api_narrow(const struct sms_conf *, struct hilo_abilities *);
/* base_url, or the API's own. */
struct hilo_str sms_api_base(const struct sms_api *, const struct sms_conf *);

/* A message as an item; free() it. NULL and what is wrong with it; *reason "no_memory" if that is all. */
struct sms_item *sms_item_new(const struct sms_conf *, struct hilo_id, struct hilo_str message,
                              const char **reason, const char **why);
/* How long it is worth delivering, in seconds, at least 1; 0: it does not say, or the conf's validity is
 * not to be told. */
int64_t sms_item_validity_s(const struct sms_conf *, const struct sms_item *, int64_t now_us);

/* A header's value, by its name in any case; empty: it is not there. */
struct hilo_str sms_header(const struct hilo_http *, const char *name);
/* "Basic …"; free() it. */
char *sms_basic(struct hilo_str user, struct hilo_str password);
/* Compares in a time that tells nothing about either. */
bool sms_secret_eq(struct hilo_str, struct hilo_str);

/* A provider's code and what it means; the last of a table has reason NULL. */
struct sms_code {
    int32_t id, code;
    uint32_t scope;
    int32_t retry_after_s;
    const char *reason;
};
const struct sms_code *sms_code_find(const struct sms_code *table, int64_t id);
void sms_verdict_set(struct sms_verdict *, int32_t code, uint32_t scope, const char *reason);
void sms_verdict_code(struct sms_verdict *, const struct sms_code *);
/* Appends words to detail: one line, long runs of digits as "#", cut between characters. */
void sms_verdict_words(struct sms_verdict *, struct hilo_str);
/* Of AGAIN and TEMP: takes over the answer's Retry-After in seconds, at most a day. */
void sms_verdict_retry_after(struct sms_verdict *, const struct hilo_http *);
/* An answer without an error in the API's own form: a proxy or a broken server spoke. */
void sms_verdict_by_status(struct sms_verdict *, const char *title, uint32_t status);

/* One message or receipt on its way in, as it is written. */
enum { SMS_IN_MAX = 64 * 1024 };
struct sms_in {
    struct hilo_writer w;
    uint8_t bytes[SMS_IN_MAX];
};
void sms_in_message(struct sms_in *, int64_t time_us, struct hilo_str ext_id, struct hilo_str from);
void sms_in_text(struct sms_in *, struct hilo_str text);
/* EXTRA, of an object that has members; which is left to the caller. */
void sms_in_extra(struct sms_in *, const cJSON *);
/* A receipt; closed by sms_in_receipt_end. echo: our id in text, may be empty or none. */
void sms_in_receipt(struct sms_in *, int64_t time_us, struct hilo_str ext_id, struct hilo_str echo,
                    uint32_t status);
void sms_in_receipt_end(struct sms_in *);
/* Gives it to the sink. False: stop. */
bool sms_in_give(struct sms_in *, const struct sms_sink *);

#endif
