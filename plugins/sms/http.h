/* The engine of the drivers that speak to an aggregator by HTTP: its state. All [own] loop. */
#ifndef SMS_HTTP_H
#define SMS_HTTP_H

#include "api.h"
#include "slots.h"
#include "sms.h"

enum { SMS_HTTP_TIMER_DRAIN = 1 };

/* A request under way, and the messages in it. */
struct sms_request {
    uint64_t key;
    unsigned n;
    struct sms_item *item[];
};

struct sms_http {
    struct sms *sms;
    const struct sms_api *api;
    char *authorization;
    char url[SMS_URL_MAX];
    struct sms_item *head, **tail; /* what waits for a request to end */
    struct sms_slots requests;     /* struct sms_request */
    struct sms_slots hooks;        /* requests of the aggregator that wait for the disk */
    bool draining;
    uint64_t refused; /* webhooks, since the log said so */
    int64_t refused_log_us;
};

/* http.c: the functions of struct sms_driver, open() but for the API. */
int32_t sms_http_open(struct sms *, const struct sms_api *, void **state_out);
int32_t sms_http_start(void *state);
void sms_http_on_timer(void *state, uint32_t id);
int32_t sms_http_reconfigure(void *state, const struct sms_conf *before);
void sms_http_drain(void *state, int64_t mono_us);
void sms_http_close(void *state);

/* http_out.c */
int32_t sms_http_send(void *state, struct hilo_id, struct hilo_str message);
void sms_http_revoke(void *state, struct hilo_id);
void sms_http_on_http(void *state, uint64_t token, int32_t code, const struct hilo_http *);
/* What waits goes back to the core. */
void sms_http_give_back(struct sms_http *, const struct sms_verdict *);
/* All that is under way ends in doubt. */
void sms_http_abandon(struct sms_http *);

/* http_hook.c */
void sms_http_on_request(void *state, uint64_t request, const struct hilo_http *);
void sms_http_committed(void *state, uint64_t token, int32_t code);
/* Answers 503 to all that wait. */
void sms_http_hooks_end(struct sms_http *);

/* A driver of such an API. */
#define SMS_HTTP_DRIVER                                                                                      \
    .start = sms_http_start, .send = sms_http_send, .revoke = sms_http_revoke,                               \
    .committed = sms_http_committed, .on_http = sms_http_on_http, .on_request = sms_http_on_request,         \
    .on_timer = sms_http_on_timer, .reconfigure = sms_http_reconfigure, .drain = sms_http_drain,             \
    .close = sms_http_close

#endif
