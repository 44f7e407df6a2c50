/* The simulator of Twilio's Messages API: what its files share.
 *
 * One struct sim holds everything and is guarded by one lock, which is never held during I/O. HTTP requests
 * run on a thread for each connection; webhooks leave one at a time, in order, from one worker. Functions
 * whose names end in _locked want the lock held. Out of memory ends the program.
 *
 * Nothing here is shared with the gateway, the signature least of all: the simulator must be able to
 * disagree with it. */
#ifndef SIM_TWILIO_H
#define SIM_TWILIO_H

#include <microhttpd.h>
#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SID_MAX = 64, NUMBER_MAX = 64, URL_MAX = 2049, BODY_MAX = 1024 * 1024, PARAMS_MAX = 64 };

/* ---- util.c ---- */

struct sbuf { /* growing bytes, NUL-ended; zeroed is empty */
    char *p;
    size_t n, cap;
};
void sbuf_add(struct sbuf *, const void *, size_t);
void sbuf_text(struct sbuf *, const char *);
void *must(void *p);                                      /* p, or the end */
const char *member(const cJSON *object, const char *key); /* its text; NULL: none */
bool copy(char *out, size_t cap, const char *text);       /* false: too long, out untouched */
int64_t now_us(void);                                     /* monotonic */
void make_sid(char out[SID_MAX], const char *prefix);     /* and 32 hexadecimal digits */
char *base64(const void *p, size_t n);

/* ---- forms and signatures: form.c ---- */

struct param {
    char *name, *value;
};
struct params {
    struct param v[PARAMS_MAX];
    size_t n;
};
/* False: too many, or a wrong escape. */
bool params_read(struct params *, const char *text, size_t n);
void params_add(struct params *, const char *name, const char *value);
const char *params_get(const struct params *, const char *name); /* NULL: none */
char *params_write(const struct params *);
void params_free(struct params *);
/* X-Twilio-Signature. params NULL: of a body that is no form. */
char *sign(const char *token, const char *url, const struct params *);

/* ---- state ---- */

struct conf {
    char account_sid[SID_MAX], auth_token[128], api_key[SID_MAX], api_secret[128];
    char from[512]; /* senders that the account has, separated by commas; "" : any */
    char service_sid[SID_MAX], webhook_url[URL_MAX];
    int64_t retry_min_ms, retry_max_ms, timeout_ms;
};
enum reply {
    REPLY_OK,
    REPLY_ERROR, /* faults.error */
    REPLY_500,
    REPLY_DROP_BEFORE,
    REPLY_DROP_AFTER,
    REPLY_500_AFTER,
    REPLY_GARBAGE
};
enum hold { HOLD_NONE, HOLD_BEFORE, HOLD_AFTER };
struct faults {
    enum reply reply;
    enum hold hold;
    int64_t count, retry_after, status_delay_ms, error_code;
    int64_t error, error_status; /* REPLY_ERROR: the code, and the HTTP status */
    char statuses[8][24];        /* that follow a message; failed and undelivered with error_code */
    int n_statuses;
    bool duplicate_webhooks, spoilt_signatures;
};
struct message {
    struct message *next;
    char sid[SID_MAX], to[NUMBER_MAX], callback[URL_MAX];
    uint64_t seq;
    unsigned segments;
    cJSON *form; /* as it was sent */
};
struct event {
    struct event *next;
    int64_t due_us;
    char url[URL_MAX];
    struct params params;
    bool inbound;
};
struct sim {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* of everything that somebody may wait for */
    bool stopping;
    struct MHD_Daemon *daemon;
    unsigned port;
    struct conf conf;
    struct faults faults;
    struct message *messages, **last;
    char opted_out[16][NUMBER_MAX];
    unsigned n_opted_out;
    struct event *events;
    size_t n_events;
    pthread_t worker;
    uint64_t seq;
    /* since the start */
    uint64_t accepted, refused, requests, posted, acked, failed, inbound_acked, not_twiml;
};

/* ---- HTTP: http.c ---- */

struct request {
    struct sim *sim;
    struct MHD_Connection *conn;
    const char *method, *path;
    struct sbuf body;
};
bool http_start(struct sim *, unsigned port);
const char *http_header(const struct request *, const char *name);
const char *http_query(const struct request *, const char *name);
enum MHD_Result http_answer(struct request *, unsigned status, const char *type, const void *p, size_t n,
                            const char *header, const char *value);
enum MHD_Result http_json(struct request *, unsigned status, cJSON *); /* frees it */
struct http_result {
    long status; /* 0: no answer */
    char type[96];
    struct sbuf body;
};
/* body NULL: a GET. signature NULL: none. */
void http_call(const char *url, const char *body, const char *type, const char *signature, int64_t timeout_ms,
               struct http_result *out);

enum MHD_Result api_handle(struct request *);     /* api.c */
enum MHD_Result control_handle(struct request *); /* control.c */

/* ---- webhooks: webhook.c ---- */

/* Takes the parameters over. */
void webhook_add_locked(struct sim *, const char *url, struct params *, bool inbound, int64_t delay_ms);
/* One status of a message, to its StatusCallback. error_code 0: none. */
void status_add_locked(struct sim *, const struct message *, const char *status, int64_t error_code,
                       int64_t delay_ms);
bool webhook_start(struct sim *);
void webhook_stop(struct sim *);

bool conf_apply_locked(struct sim *, const cJSON *, char why[200]);
/* Waits for changed, to a monotonic instant. False: it has passed, or the program ends. */
bool wait_locked(struct sim *, int64_t until_us);

#endif
