/*
 * An application that takes webhooks, for tests: an HTTP/1.1 server of its own code, a thread a
 * connection, that keeps all that came and answers as the test says. Functions assert.
 */
#ifndef TESTS_HOOKSINK_H
#define TESTS_HOOKSINK_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct hook { /* one request */
    char id[64], timestamp[32], signature[256], type[128], path[128], host[128];
    char *body;
    cJSON *json;
    const char *customer; /* partitionkey, or "" */
    const char *event;    /* type of the CloudEvent */
    unsigned connection;  /* counted from 1 */
    int answered;         /* the status sent; 0: none */
    int64_t came_us;      /* monotonic */
};

struct hook_answer {
    int status;         /* 0: the connection is cut without an answer; -1: held until hooksink_go */
    const char *header; /* a line more: "Retry-After: 1\r\n", or NULL */
    bool half;          /* cut in the middle of the answer */
    bool chunked;       /* the body in chunks */
    bool close;         /* after it */
};
/* Called for each request, one at a time; nth: how many with this id came before. */
typedef struct hook_answer hook_decide_fn(void *arg, const struct hook *, unsigned nth);

struct hooksink; /* opaque */
/* port 0: any. decide NULL: 200 to all. */
struct hooksink *hooksink_start(int port, hook_decide_fn *, void *arg);
void hooksink_stop(struct hooksink **);
const char *hooksink_url(const struct hooksink *); /* "http://127.0.0.1:port/hooks" */
int hooksink_port(const struct hooksink *);
/* Requests held are answered 200, and none is held from now on. */
void hooksink_go(struct hooksink *);

/* Waits until n requests were answered with 2xx, or came. */
void hooksink_wait_ok(struct hooksink *, unsigned n);
void hooksink_wait_came(struct hooksink *, unsigned n);
/* Waits until n different events were answered with 2xx. */
void hooksink_wait_events(struct hooksink *, unsigned n);
unsigned hooksink_came(struct hooksink *);
/* The nth that came, from 0; valid until the sink is stopped. */
const struct hook *hooksink_get(struct hooksink *, unsigned nth);
/* Whether one of its signatures is by this secret ("whsec_…"). */
bool hook_signed_by(const struct hook *, const char *secret);

#endif
