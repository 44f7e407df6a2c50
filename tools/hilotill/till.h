/*
 * What the parts of libhilotill share. Layers: words < frame, backoff, code < store, identity,
 * line < till (connection's story) < api. One handle is one struct hilotill; nothing is global.
 */
#ifndef TILL_H
#define TILL_H

#include "hilotill.h"
#include <cjson/cJSON.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    TILL_FRAME_MAX = 65536, /* bytes of a frame with its line end (PROTOCOL.md) */
    TILL_DEPTH_MAX = 16,
    TILL_CALLS_MAX = 64,    /* requests without an answer, the queue's aside */
    TILL_PUSHES_MAX = 256,  /* pushes that the application has not done yet */
    TILL_ANSWER_MS = 30000, /* for an answer */
    TILL_RENEW_DAYS = 30    /* or a third of the certificate's time, if that is less */
};

/* ---- words.c: errors are sentences, in two languages ------------------------------------ */

/* Fills *e (may be NULL); returns code. */
__attribute__((format(printf, 3, 4))) int till_fail(struct hilotill_error *e, int code, const char *fmt, ...);
/* One of two literals; so that a format stays one that the compiler checks. */
#define TILL_SAY(spanish, en, es) ((spanish) ? (es) : (en))

/* ---- backoff.c: when to try again; pure --------------------------------------------------- */

/* Milliseconds to wait before try number attempt (0: the first after a loss), with a random
 * number: evenly in [0, min(max, first * 2^attempt)]. */
int64_t till_backoff(uint32_t attempt, uint32_t first_ms, uint32_t max_ms, uint32_t random);

/* ---- frame.c: JSON-RPC's frames; pure ------------------------------------------------------- */

/* Bytes that grow. */
struct till_buf {
    char *p;
    size_t n, cap;
};
bool till_buf_add(struct till_buf *, const void *p, size_t n); /* false: no memory */
void till_buf_take(struct till_buf *, size_t n);               /* from the front */
void till_buf_done(struct till_buf *);

bool till_utf8(const char *s, size_t n);
/* [a-z][a-z0-9_.]{0,63} */
bool till_method_valid(const char *method);
/* Nesting of a value: a scalar 0, an object of scalars 1. */
int till_depth(const cJSON *);
/*
 * An application's params as they are sent: an object; "clerk" and "at" added where they are
 * not and these are not NULL. *out is from cJSON's allocator (cJSON_free). HILOTILL_EARG: no object, not
 * UTF-8, too deep, or too long for a frame.
 */
int till_params(bool spanish, const char *params, const char *clerk, const char *at, char **out,
                struct hilotill_error *);
/* A request's line, its end included, appended. false: no memory. */
bool till_frame_request(struct till_buf *, const char *id, const char *method, const char *params);
/* The answer to one of the gateway's: code 0: with answer as its result (JSON); else an error with these
 * words. */
bool till_frame_answer(struct till_buf *, const char *id, int code, const char *answer);

enum till_frame_kind { TILL_FRAME_BAD, TILL_FRAME_REQUEST, TILL_FRAME_ANSWER };
struct till_frame {
    enum till_frame_kind kind;
    const char *id;     /* NULL: null or not there */
    const char *method; /* of a request */
    const cJSON *params, *result, *error;
    int code;            /* of the error; 0: none */
    const char *message; /* of the error; "" */
    cJSON *json;         /* owns all of these */
};
/* Reads a line without its end. TILL_FRAME_BAD: not of this protocol. till_frame_done always. */
void till_frame_read(const char *p, size_t n, struct till_frame *out);
void till_frame_done(struct till_frame *);
/* "2026-11-27T20:26:02.123Z" */
void till_time(int64_t unix_ms, char out[32]);
/* The other way; false: not one. */
bool till_time_read(const char *s, int64_t *unix_ms_out);

/* ---- store.c: till.db ------------------------------------------------------------------------- */

struct till_store;
int till_store_open(const char *folder, bool spanish, struct till_store **out, struct hilotill_error *);
void till_store_close(struct till_store **);

int till_store_queue(struct till_store *, const char *id, const char *method, const char *params,
                     int64_t at_ms, struct hilotill_error *);
/* The oldest that waits and was queued after seq (0: of all): allocated strings. HILOTILL_EARG: none. */
struct till_head {
    int64_t seq;
    char *id, *method, *params;
};
int till_store_next(struct till_store *, int64_t seq, struct till_head *out, struct hilotill_error *);
void till_head_done(struct till_head *);
/* It was answered: away with it. What waits and refers to it ("=ID/member", hilotill_queue) gets the result's
 * members. result: NULL: none. Or it was refused: it is kept. */
int till_store_answered(struct till_store *, const char *id, const cJSON *result, struct hilotill_error *);
int till_store_refused(struct till_store *, const char *id, int code, const char *why,
                       struct hilotill_error *);
int till_store_dismiss(struct till_store *, const char *id, struct hilotill_error *);
/* A refused one waits again, behind all others. */
int till_store_again(struct till_store *, const char *id, struct hilotill_error *);
int till_store_count(struct till_store *, uint32_t *waiting_out, uint32_t *refused_out,
                     struct hilotill_error *);
int till_store_items(struct till_store *, int (*each)(void *, const struct hilotill_item *), void *arg,
                     struct hilotill_error *);

/* Pushes that were done. whole: none that came before it is still open. answer: what was said, JSON of a
 * result or, refused, an error's words. message: the id of the message that it shows, NULL: none. */
struct till_push_done {
    bool refused;
    char *answer; /* allocated */
};
int till_store_push_done(struct till_store *, const char *id, const char *message, bool refused,
                         const char *answer, bool whole, struct hilotill_error *);
/* By its id, or by its message: 1: it was, *out says how; 0: never seen; negative: an error. */
int till_store_push_seen(struct till_store *, const char *id, const char *message, struct till_push_done *out,
                         struct hilotill_error *);
/* The newest one before which all were done, for hello; allocated, NULL: none. */
int till_store_push_last(struct till_store *, char **id_out, struct hilotill_error *);

/* Answers kept. key: any text; the file has its digest. max: at most so many. */
int till_store_keep(struct till_store *, const char *key, const char *json, int64_t at_ms, int64_t oldest_ms,
                    uint32_t max, struct hilotill_error *);
/* Allocated; HILOTILL_EARG: none since oldest_ms. */
int till_store_kept(struct till_store *, const char *key, int64_t oldest_ms, char **json_out,
                    int64_t *at_ms_out, struct hilotill_error *);

/* All of them: this till is no longer trusted with them. */
int till_store_forget(struct till_store *, struct hilotill_error *);

/* ---- identity.c: key and certificates -------------------------------------------------------- */

struct till_identity {
    EVP_PKEY *key;
    X509 *certificate;
    STACK_OF(X509) * ca; /* trusted; at least one */
    char *host;          /* "host:port" of the enrolment */
    char store[33], terminal[33];
    int64_t begins, ends; /* Unix time, s */
};
/* identity.pem of a folder. ENOTENROLLED: there is none. */
int till_identity_load(const char *folder, bool spanish, struct till_identity *out, struct hilotill_error *);
void till_identity_done(struct till_identity *);
/*
 * The key of a request for a certificate that is not answered yet: pending.pem, made if it
 * is not there. So that asking again after a lost answer asks for the same key.
 */
int till_identity_pending(const char *folder, bool spanish, EVP_PKEY **out, struct hilotill_error *);
/*
 * A renewed identity may turn out not to be let in (a gateway that was restored knows the one before):
 * keep: the present one is kept as previous.pem, before another takes its place; settled: it is not
 * needed any more; back: it is the present one again. ENOTENROLLED: there is no previous one.
 */
int till_identity_keep(const char *folder, bool spanish, struct hilotill_error *);
void till_identity_settled(const char *folder);
int till_identity_back(const char *folder, bool spanish, struct hilotill_error *);
/* A CSR for a key, PEM; allocated (free). */
int till_identity_csr(bool spanish, EVP_PKEY *key, char **pem_out, struct hilotill_error *);
/*
 * Puts an identity in place, at once or not at all (a new file, synced, renamed), and forgets the pending
 * key. certificate, ca: PEM. It is refused (ETRUST) unless the certificate is of this key and names a store
 * and a terminal, and ca has certificates: these vouch for the gateway, who signs terminals is its own
 * affair.
 */
int till_identity_save(const char *folder, bool spanish, EVP_PKEY *key, const char *certificate,
                       const char *ca, const char *host, struct hilotill_error *);

/* ---- code.c: what `hilo pos enroll` prints; pure -------------------------------------------- */

struct till_code {
    unsigned char fingerprint[16]; /* the first bytes of the SHA-256 of the CA's SubjectPublicKeyInfo */
    uint16_t port;
    char host[254];
    char text[640]; /* as it is sent: without what people put between */
};
/* HILOTILL_EARG: it is none, in words. */
int till_code_read(bool spanish, const char *text, struct till_code *out, struct hilotill_error *);
/* "host", "host:port", "[v6]:port"; port stays as it is when none is given. false: neither. */
bool till_host_read(const char *text, char host[254], uint16_t *port);

/* ---- line.c: one connection --------------------------------------------------------------------- */

struct till_line;
enum till_line_step { LINE_RESOLVE, LINE_TCP, LINE_TLS, LINE_OPEN, LINE_FAILED };
/* Begins. Its descriptors are added to epfd, with themselves as data. session: to resume, or NULL. NULL: no
 * memory. */
struct till_line *till_line_new(int epfd, bool spanish, SSL_CTX *, const char *alpn, SSL_SESSION *session,
                                const char *host, uint16_t port);
void till_line_free(struct till_line **);
/* epoll said something of fd; then till_line_run once. */
void till_line_event(struct till_line *, int fd, uint32_t events);
/* Goes on as far as it can without waiting, writes what is there to write. now: ms of a clock that does not
 * jump. */
void till_line_run(struct till_line *, int64_t now);
/* The next line without its end, valid until the next call; also after it failed, what came before. */
bool till_line_next(struct till_line *, const char **p_out, size_t *n_out);
struct till_buf *till_line_out(struct till_line *); /* append frames to it, then till_line_run */
enum till_line_step till_line_step(const struct till_line *);
SSL *till_line_ssl(struct till_line *);
const struct hilotill_error *till_line_error(const struct till_line *); /* of LINE_FAILED */
int64_t till_line_deadline(struct till_line *, int64_t now);            /* INT64_MAX: none */

/* ---- trust.c: whom it talks to --------------------------------------------------------------------- */

/* A context with this identity, and its CA alone trusted. NULL: no memory. */
SSL_CTX *till_trust_identity(const struct till_identity *);
/* One for an enrolment: checks nothing; till_trust_anchor does, before anything is said. */
SSL_CTX *till_trust_nobody(void);
/* The certificate of an open line is for one of these names (a DNS name or an address each; NULL: none).
 * ETRUST. */
int till_trust_name(bool spanish, SSL *, const char *host, const char *other, struct hilotill_error *);
/* The chain that was sent holds a CA with this fingerprint, and is good by it, for a server. ETRUST. */
int till_trust_anchor(bool spanish, SSL *, const unsigned char fingerprint[16], struct hilotill_error *);

#endif
