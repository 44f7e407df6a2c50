/* The simulator of Meta's side of the WhatsApp Cloud API: what its files share.
 *
 * One `struct sim` holds everything and is guarded by one lock. HTTP requests run on a thread for each
 * connection, webhooks leave on a few worker threads; all of them take the lock for short, bounded work and
 * never hold it during I/O. Functions whose name ends in _locked want the lock held; the others take it
 * themselves or need none.
 *
 * Nothing here is shared with the gateway: the simulator must be able to disagree with it. */
#ifndef SIM_WHATSAPP_H
#define SIM_WHATSAPP_H

#include <microhttpd.h>
#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

enum {
    PHONE_MAX = 24,
    USER_ID_MAX = 160,
    WAMID_MAX = 96,
    KIND_MAX = 32,
    MEDIA_ID_MAX = 32,
    STATUS_MAX = 16,
    MEDIA_URLS = 8,              /* live download links of one media; a new one pushes out the oldest */
    JSON_BODY_MAX = 1024 * 1024, /* a Graph API call */
    CONTROL_BODY_MAX = 64 * 1024 * 1024,
    UPLOAD_MAX = 101 * 1024 * 1024,
    CALLBACK_DATA_TRACKED = 4 * 1000 * 1000, /* distinct values counted; beyond that they are only totalled */
};

/* ---- text ------------------------------------------------------------------------- util.c */

/* A growing text. Zero-initialised is empty. Out of memory ends the program: a test tool has no better
 * answer. */
struct sbuf {
    char *p;
    size_t n, cap;
};

void sbuf_add(struct sbuf *b, const void *p, size_t n);
void sbuf_text(struct sbuf *b, const char *text);
void sbuf_printf(struct sbuf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sbuf_free(struct sbuf *b);

void *xcalloc(size_t n, size_t size);
char *xstrdup(const char *text);
char *xprint(const cJSON *json);                         /* unformatted; the caller frees */
bool copy_text(char *out, size_t cap, const char *text); /* false (out untouched) when it does not fit */

int64_t mono_us(void); /* the machine's; limits and windows go by clock_us_locked() */
int64_t unix_s(void);
void random_bytes(void *out, size_t n);
uint64_t rng_next(uint64_t *state); /* splitmix64: a seed gives the same faults every time */
double rng_unit(uint64_t *state);   /* 0 <= x < 1 */

void hex(const uint8_t *in, size_t n, char *out);   /* 2n digits and a NUL */
char *base64(const uint8_t *in, size_t n);          /* the caller frees */
uint8_t *unbase64(const char *text, size_t *n_out); /* NULL when it is not base64; the caller frees */
void sha256(const void *in, size_t n, uint8_t out[32]);
void hmac_sha256(const char *key, const void *in, size_t n, uint8_t out[32]);

bool utf8_valid(const char *p, size_t n);
size_t utf8_count(const char *text); /* code points of valid UTF-8 */
/* JSON text as Meta sends it: every non-ASCII character as \uXXXX (lower case, surrogate pairs), and / < % @
 * escaped. */
void json_escape(struct sbuf *out, const char *json, size_t n);

bool is_digits(const char *text, size_t min, size_t max);
bool is_user_id(const char *text);                      /* a business-scoped user id: CO.x, CO.ENT.x */
const char *jstr(const cJSON *object, const char *key); /* NULL when absent or no string */
bool jbool(const cJSON *object, const char *key, bool absent);

/* ---- errors of the Graph API ----------------------------------------------------- errors.c */

struct gerr {
    int code, subcode;
    char details[300];
};

struct gerr_kind {
    int code;
    unsigned http;
    const char *title;
};

const struct gerr_kind *gerr_kind(int code);   /* never NULL: unknown codes answer 400 */
cJSON *gerr_json(const struct gerr *e);        /* {"error":{…}} */
cJSON *gerr_status_json(const struct gerr *e); /* one element of statuses[].errors */

/* ---- rules of outbound bodies ------------------------------------- rules.c, rules_interactive.c,
 * rules_template.c */

struct rules_env {
    const cJSON *templates;
    const char *display_phone_number;
    const char *(*media_type)(void *arg, const char *id); /* NULL: no such media */
    void *arg;
};

enum body_kind { BODY_MESSAGE, BODY_READ };

/* Pointers are into the body and the templates that were checked. */
struct verdict {
    enum body_kind kind;
    const char *type, *to, *recipient, *callback_data, *message_id;
    const cJSON *template_def; /* set for type template */
    bool typing, to_is_user_id;
    struct gerr error;
};

bool rules_check(const struct rules_env *env, const cJSON *body, struct verdict *out);

/* A place in a body, with the name that errors give it. */
struct at {
    const cJSON *v;
    char path[120];
};

struct rules {
    const struct rules_env *env;
    struct verdict *out;
};

enum { OPTIONAL = 0, REQUIRED = 1 };

bool rules_fail(struct rules *r, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
struct at rules_key(const struct at *parent, const char *key);
struct at rules_item(const struct at *parent, const cJSON *item, int index);
/* An object with no other keys than those of the NULL-ended list, none twice. */
bool rules_object(struct rules *r, const struct at *a, const char *const *keys);
bool rules_text(struct rules *r, const struct at *parent, const char *key, int need, size_t min, size_t max);
bool rules_array(struct rules *r, const struct at *parent, const char *key, int min, int max, struct at *out);
bool rules_media(struct rules *r, const struct at *parent, const char *kind);
bool rules_link(struct rules *r, const struct at *parent, const char *key);
bool rules_interactive(struct rules *r, const struct at *a);
bool rules_template(struct rules *r, const struct at *a);
/* Why a template definition of the configuration cannot be used, or NULL. */
const char *rules_template_def_wrong(const cJSON *def);

/* ---- configuration and faults ------------------------------------------------------ conf.c */

enum window_refusal { WINDOW_SYNC, WINDOW_STATUS };
enum batch_style { BATCH_VALUES, BATCH_CHANGES, BATCH_ENTRIES };

struct conf {
    char webhook_url[1024], app_secret[256], token[512], phone_number_id[32], waba_id[32];
    char display_phone_number[PHONE_MAX], public_url[512];
    cJSON *templates; /* an array, owned */
    bool enforce_window, user_ids, token_expired;
    enum window_refusal window_refusal;
    enum batch_style batch_style;
    int64_t window_s, media_url_s, media_url_uses, batch, retry_min_ms, retry_max_ms, timeout_ms;
    int64_t rate_per_s, rate_burst, pair_interval_ms, pair_burst, limit_retry_after_s, template_page;
};

enum reply_fault {
    REPLY_OK,
    REPLY_429,
    REPLY_500,
    REPLY_500_AFTER_ACCEPT,
    REPLY_DROP_BEFORE,
    REPLY_DROP_AFTER_ACCEPT,
    REPLY_GARBAGE,
    REPLY_ERROR,
};

enum media_fault {
    MEDIA_OK,
    MEDIA_500,
    MEDIA_404,
    MEDIA_DROP,
    MEDIA_TRUNCATE,
    MEDIA_WRONG_BYTES,
    MEDIA_UPLOAD_500
};

/* Where sends wait for as long as it is set. */
enum hold { HOLD_NONE, HOLD_BEFORE, HOLD_AFTER_ACCEPT };

struct faults {
    enum hold hold;
    enum reply_fault reply;
    enum media_fault media;
    int error_code, n_statuses, status_error;
    int64_t delay_ms, count, media_count, retry_after, status_delay_ms, reorder_ms;
    double probability;
    uint64_t rng;
    bool duplicate_webhooks, reorder_webhooks;
    char statuses[8][STATUS_MAX];
};

struct sim;

void conf_init(struct sim *s);
/* Both change nothing unless the whole object is valid; `why` then names the key. */
bool conf_apply(struct sim *s, const cJSON *json, char *why, size_t why_cap);
bool faults_apply(struct sim *s, const cJSON *json, char *why, size_t why_cap);
cJSON *conf_json_locked(const struct sim *s); /* without the secrets */

/* ---- what has happened ------------------------------------------------------------- state.c */

struct customer {
    char phone[PHONE_MAX], user_id[USER_ID_MAX], name[256], username[128];
    int64_t last_inbound_us; /* clock_us_locked(); 0 = never wrote */
    int64_t pair_full_us;    /* limits.c */
    bool no_phone;           /* webhooks leave the number out */
    UT_hash_handle by_phone, by_user_id;
};

struct message {
    uint64_t seq;
    int64_t at_s;
    char id[WAMID_MAX], type[KIND_MAX], to[USER_ID_MAX], phone[PHONE_MAX], user_id[USER_ID_MAX];
    char category[KIND_MAX]; /* of its pricing */
    bool dropped, old_version, in_window;
    char *body, *callback_data; /* JSON text; NULL when none was sent */
    UT_hash_handle hh;
};

struct inbound {
    char id[WAMID_MAX];
    uint64_t acked_seq; /* 0: the webhook is not acknowledged yet */
    bool read, typing;
    UT_hash_handle hh;
};

struct callback_data {
    char *key;
    uint64_t n;
    UT_hash_handle hh;
};

/* The newest `cap` things that came; what falls out is freed by its owner. */
struct ring {
    void **slot;
    uint64_t next; /* index of the next one, from 0 */
    size_t cap;
};

struct counts {
    uint64_t accepted, dropped, refused, faulted, reads, typings, unauthorised, inbound, uploads, downloads;
    uint64_t throttled, pair_throttled, template_lists;
    uint64_t posts, posts_ok, posts_failed, acked_messages, acked_statuses, discarded, untracked;
};

struct media {
    char id[MEDIA_ID_MAX], type[96], filename[256], token[MEDIA_URLS][40];
    uint8_t digest[32];
    struct blob *blob;
    int64_t expires_us[MEDIA_URLS], uses[MEDIA_URLS];
    int next_url;
    uint64_t order;
    UT_hash_handle hh;
};

struct event {
    uint64_t seq;
    int64_t due_us;
    uint32_t attempts;
    bool is_message;
    char *field;          /* NULL: "messages"; else item is the value of this one */
    char *id;             /* of the inbound message or the status's message */
    char *item, *contact; /* JSON texts; contact may be NULL */
};

struct sim {
    pthread_mutex_t lock;
    pthread_cond_t changed, work, stop;
    bool stopping;
    struct conf conf;
    struct faults faults;
    struct counts counts;
    int64_t clock_us, rate_full_us; /* how far the clock was put forward; limits.c */

    struct customer *by_phone, *by_user_id;
    struct message *messages;
    struct inbound *inbounds;
    struct callback_data *callbacks;
    struct ring sent, received, acked;
    uint64_t id_seq, id_nonce;

    struct media *media;
    uint64_t media_order, media_bytes, media_bytes_max;

    struct event **queue; /* a binary heap by (due, seq) */
    size_t n_queue, queue_cap, queue_max, in_flight;
    uint64_t event_seq;
    int64_t hold_until_us, hold_ms; /* nobody answers at the webhook's address: all wait */
    pthread_t *workers;
    size_t n_workers;

    struct MHD_Daemon *daemon;
    uint16_t port;
};

void state_init(struct sim *s, size_t keep);
void state_free(struct sim *s);
struct customer *customer_find_locked(struct sim *s, const char *phone_or_user_id);
/* Makes the customer when it is new. Either may be NULL, not both. */
struct customer *customer_touch_locked(struct sim *s, const char *phone, const char *user_id);
bool window_open_locked(const struct sim *s, const struct customer *c);
void wamid_new_locked(struct sim *s, const char *party, char out[WAMID_MAX]);
/* Takes body and callback_data over. The message belongs to the state and lives while the lock is held. */
struct message *message_add_locked(struct sim *s, const char *id, char *body, char *callback_data);
struct message *message_find_locked(struct sim *s, const char *id);
struct message *message_last_locked(struct sim *s, const char *party); /* party NULL: of anybody */
struct inbound *inbound_add_locked(struct sim *s, const char *id);
void inbound_acked_locked(struct sim *s, const char *id);
/* Waits for `changed` until the deadline (mono_us). False when it passed or the program stops. */
bool wait_changed_locked(struct sim *s, int64_t deadline_us);

/* ---- media ------------------------------------------------------------------------- media.c */

/* Takes `data` (malloc) over. NULL: larger than all media may be together. */
struct media *media_add_locked(struct sim *s, const char *type, const char *filename, void *data, size_t n);
struct media *media_find_locked(struct sim *s, const char *id);
const char *media_type_of(void *sim, const char *id); /* for struct rules_env; the lock is held */
void media_free_all(struct sim *s);
bool media_upload_allowed(const char *type, const void *data, size_t n, struct gerr *e);
const char *media_type_of_name(const char *path);

/* ---- limits ------------------------------------------------------------------------ limits.c */

int64_t clock_us_locked(const struct sim *s);
/* Whether the limits let one more message go; c may be NULL. False: see e. */
bool limits_take_locked(struct sim *s, struct customer *c, struct gerr *e);

/* ---- templates ------------------------------------------------------------------ templates.c */

struct request;
enum MHD_Result templates_list(struct request *r);
/* {"name","language", and status, category, quality, text … as they are now}; webhooks tell of it. */
bool templates_change(struct sim *s, const cJSON *json, char *why, size_t why_cap);

/* ---- HTTP -------------------------------------------------------------------------- http.c */

struct request {
    struct sim *sim;
    struct MHD_Connection *conn;
    const char *method, *path;
    struct sbuf body;
    size_t body_max;
    bool too_large, upload;
    struct MHD_PostProcessor *post; /* media upload only */
    struct sbuf file;
    char file_type[96], file_name[256], field_type[96], field_product[32];
    bool has_file;
};

bool http_start(struct sim *s, const char *address, uint16_t port, char *why, size_t why_cap);
void http_stop(struct sim *s);
const char *http_header(const struct request *r, const char *name);
const char *http_query(const struct request *r, const char *name);
int64_t http_query_int(const struct request *r, const char *name, int64_t absent);
/* Frees `json`. */
enum MHD_Result http_json(struct request *r, unsigned status, cJSON *json);
enum MHD_Result http_json_retry(struct request *r, unsigned status, cJSON *json, int64_t retry_after_s);
enum MHD_Result http_text(struct request *r, unsigned status, const char *type, const char *text);
void http_sleep(struct sim *s, int64_t ms); /* ends early when the program stops */

enum MHD_Result graph_handle(struct request *r); /* graph.c */
enum MHD_Result graph_error(struct request *r, const struct gerr *e);
bool graph_authorised(struct request *r);
enum MHD_Result media_upload(struct request *r); /* media.c */
enum MHD_Result media_describe(struct request *r, const char *id, bool remove);
enum MHD_Result media_download(struct request *r);
bool media_is_download(const char *path);
enum MHD_Result control_handle(struct request *r); /* control.c */

/* ---- inbound messages and statuses ---------------------------------------------------- inbound.c, status.c
 */

/* One request of POST /_sim/inbound. On success adds the new ids to `ids`; otherwise says why. */
bool inbound_make(struct sim *s, const cJSON *json, cJSON *ids, char *why, size_t why_cap);
void status_plan_locked(struct sim *s, const struct message *m, const struct gerr *failed);
/* message NULL: a status of a message that the simulator does not know, recipient_id from `json`. */
void status_send_locked(struct sim *s, const struct message *m, const char *id, const char *status,
                        cJSON *errors, const char *recipient_id, int64_t delay_ms);

/* ---- webhooks ------------------------------------------------------------------------ webhook.c */

bool webhook_start(struct sim *s, size_t connections);
void webhook_stop(struct sim *s);
bool webhook_full_locked(const struct sim *s, size_t more);
/* Takes item and contact over. Dropped (and counted) without a webhook_url or when the queue is full. */
void webhook_add_locked(struct sim *s, bool is_message, const char *id, char *item, char *contact,
                        int64_t delay_ms);
/* A change of another field than "messages"; takes value over. */
void webhook_field_locked(struct sim *s, const char *field, char *value);
size_t webhook_pending_locked(const struct sim *s);

struct http_result {
    long status;     /* 0: no answer */
    char body[2048]; /* its beginning */
    char error[256];
};

/* One exchange now, outside the queue. signature: "good", "bad" or "none". */
void webhook_post_once(struct sim *s, const char *url, const char *body, size_t n, const char *signature,
                       struct http_result *out);
void webhook_get_once(const char *url, int64_t timeout_ms, struct http_result *out);

#endif
