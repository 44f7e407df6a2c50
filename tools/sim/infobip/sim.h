/* The simulator of Infobip's side of WhatsApp and SMS: what its files share.
 *
 * One struct sim holds everything and is guarded by one lock, which is never held during I/O. HTTP requests
 * run on a thread for each connection; webhooks leave one at a time, in order, from one worker. Functions
 * whose names end in _locked want the lock held. Out of memory ends the program.
 *
 * Nothing here is shared with the gateway: the simulator must be able to disagree with it. */
#ifndef SIM_INFOBIP_H
#define SIM_INFOBIP_H

#include <microhttpd.h>
#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

enum { ID_MAX = 201, NUMBER_MAX = 160, URL_MAX = 2049, BODY_MAX = 64 * 1024 * 1024 };

/* ---- util.c ---- */

struct sbuf { /* growing bytes, NUL-ended; zeroed is empty */
    char *p;
    size_t n, cap;
};
void sbuf_add(struct sbuf *, const void *, size_t);
void *must(void *p); /* p, or the end */
char *print(const cJSON *);
const char *member(const cJSON *object, const char *key); /* its text; NULL: none */
bool copy(char *out, size_t cap, const char *text);       /* false: too long, out untouched */
int64_t now_us(void);                                     /* monotonic */
void stamp(char out[40]);                                 /* now, as Infobip writes it */
void make_id(char out[48], const char *prefix);
void sha256_hex(const void *p, size_t n, char out[65]);
char *base64(const char *text);
uint8_t *unbase64(const char *text, size_t *n_out); /* NULL: it is none */
size_t count_chars(const char *utf8);
bool file_read(const char *path, struct sbuf *out);

/* ---- what is checked: check.c, rules.c ---- */

/* Violations of one request, as Infobip names them: property and what is wrong with it. */
struct check {
    cJSON *violations; /* [{"property","violation"}] */
    const char *sender;
    const cJSON *templates;
};
void violate(struct check *, const char *property, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

enum field_kind {
    F_TEXT = 1, /* min to max characters */
    F_URL,      /* http or https, to 2048 */
    F_NUMBER,   /* min to max */
    F_BOOL,
    F_OBJECT,  /* with the members in of */
    F_LIST,    /* of such objects, min to max of them; of is one unnamed F_TEXT: of texts */
    F_VARIANT, /* an object whose member type chooses among variants */
    F_VARIANTS /* a list of those */
};
struct field {
    const char *key;
    enum field_kind kind;
    bool need;
    long min, max;
    const struct field *of;
    const struct variant *variants;
    const char *const *words; /* F_TEXT: one of them, NULL-ended */
};
struct variant {
    const char *type;
    const struct field *of;
};
/* Every member known, none twice, each of its kind, all needed there. */
void check_object(struct check *, const cJSON *object, const char *path, const struct field *);

/* The rules of POST /whatsapp/1/message/{kind}; false: no such kind. A body with violations adds them. */
bool rules_check(struct check *, const char *kind, const cJSON *body);
/* The same of POST /sms/3/messages (sms.c). */
void sms_check(struct check *, const cJSON *body);
/* Why this cannot be a template of the list that GET …/templates gives; NULL: it can. */
const char *template_wrong(const cJSON *);
/* mediaUrl of a message's content, wherever it is; NULL: none. */
const char *media_url_of(const cJSON *content);

/* ---- state ---- */

struct conf {
    char api_key[256], sender[32], webhook_url[URL_MAX], webhook_user[128], webhook_password[128],
        public_url[512];
    cJSON *templates; /* as GET …/templates gives them */
    bool old_errors, fetch_media, enforce_window;
    int64_t batch, retry_min_ms, retry_max_ms, timeout_ms, window_s;
};
enum reply {
    REPLY_OK,
    REPLY_401,
    REPLY_403,
    REPLY_429,
    REPLY_500,
    REPLY_503,
    REPLY_DROP_BEFORE,
    REPLY_DROP_AFTER,
    REPLY_500_AFTER,
    REPLY_GARBAGE
};
enum hold { HOLD_NONE, HOLD_BEFORE, HOLD_AFTER };
struct faults {
    enum reply reply;
    enum hold hold;
    char status[48]; /* the answer's status: a name of the table in report.c; "" is PENDING_ACCEPTED */
    int64_t count, retry_after, report_delay_ms;
    char reports[8][48]; /* names of that table, or SEEN, that follow a message taken */
    int n_reports;
    char only_to[NUMBER_MAX]; /* SMS: the status above is of sends to this number alone; "": of all */
    char error[48];           /* the error of those that are no success */
    bool duplicate_webhooks;
    int media; /* status of media downloads: 0 (as it is), 302, 404, 500 */
};

struct message {
    char id[ID_MAX], to[NUMBER_MAX], kind[32], callback[4001], notify_url[URL_MAX], sent_at[40];
    uint64_t seq;
    unsigned times;    /* it was taken: more than once is a duplicate */
    unsigned segments; /* SMS */
    cJSON *body;       /* the one message */
    cJSON *media;      /* what its mediaUrl gave; NULL: not looked at */
    bool read;
    UT_hash_handle hh;
};
struct customer {
    char number[NUMBER_MAX];
    int64_t wrote_us;
    UT_hash_handle hh;
};
struct inbound {
    char id[ID_MAX], from[NUMBER_MAX];
    bool acked, read;
    UT_hash_handle hh;
};
struct media {
    char id[64], type[96];
    uint8_t *p;
    size_t n;
    unsigned gets;
    UT_hash_handle hh;
};
enum event_kind { E_INBOUND, E_DELIVERY, E_SEEN };
struct event {
    struct event *next;
    enum event_kind kind;
    int64_t due_us;
    char url[URL_MAX], id[ID_MAX];
    cJSON *result;
    char *media_url; /* of a delivery: to be fetched before */
};

struct sim {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* of everything that somebody may wait for */
    bool stopping;
    struct MHD_Daemon *daemon;
    unsigned port;
    struct conf conf;
    struct faults faults;
    struct message *messages;
    struct customer *customers;
    struct inbound *inbound;
    struct media *media;
    struct event *events;
    size_t n_events, sending; /* waiting, and of these in the present webhook */
    pthread_t worker;
    uint64_t seq;
    /* since the start */
    uint64_t accepted, refused, duplicates, requests, keys, reads, typings, posted, acked, failed;
    char *error; /* of the last refused send: for whoever wonders */
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
/* credentials: "user:password" or NULL. body NULL: a GET. */
void http_call(const char *url, const char *body, const char *credentials, int64_t timeout_ms,
               struct http_result *out);

enum MHD_Result api_handle(struct request *);     /* api.c */
enum MHD_Result control_handle(struct request *); /* control.c */

/* ---- customers and reports: inbound.c, report.c, webhook.c ---- */

/* One inbound message by POST /_sim/inbound; its id, or NULL and why. */
const char *inbound_make_locked(struct sim *, const cJSON *ask, char why[200]);
/* The same of an SMS, by POST /_sim/sms. */
const char *sms_inbound_locked(struct sim *, const cJSON *ask, char why[200]);
/* Takes what the rules took; the answer. */
cJSON *sms_accept_locked(struct sim *, const cJSON *sent);
struct message *message_find_locked(struct sim *, const char *id,
                                    const char *to); /* id "last": the newest to */
/* The JSON of a status or an error by its name; NULL: no such name. */
cJSON *status_json(const char *name);
cJSON *error_json(const char *name);
/* Queues what the faults say follows a message. */
void reports_plan_locked(struct sim *, struct message *);
/* One report by name, "SEEN" too; error: a name, or NULL. False: no such name. */
bool report_add_locked(struct sim *, struct message *, const char *name, const char *error, int64_t delay_ms);

/* Takes result over. */
void webhook_add_locked(struct sim *, enum event_kind, const char *url, const char *id, cJSON *result,
                        const char *media_url, int64_t delay_ms);
bool webhook_start(struct sim *);
void webhook_stop(struct sim *);

bool conf_apply_locked(struct sim *, const cJSON *, char why[200]);
bool faults_apply_locked(struct sim *, const cJSON *, char why[200]);
/* Waits for changed, to a monotonic instant. False: it has passed, or the program ends. */
bool wait_locked(struct sim *, int64_t until_us);

#endif
