/*
 * The handle, and who does what of it:
 *   api.c     open, close, what the application calls
 *   till.c    the connection's story: when to connect, hello, heartbeat, what comes in
 *   outbox.c  sending the queue
 *   push.c    pushes
 *   enroll.c  enrolment and renewal
 */
#ifndef HANDLE_H
#define HANDLE_H

#include "till.h"

enum { OUTBOX_WINDOW = 16 };

struct till_call {
    char id[HILOTILL_ID];
    char method[65];
    char *key; /* the answer is kept under this; NULL: not */
    int64_t until;
};

struct till_flight {
    char id[HILOTILL_ID];
    char method[65];
    int64_t until;
    bool again; /* answered: later */
};

struct till_push {
    char id[65], message[65];
    bool asked; /* on this connection */
};

struct hilotill {
    uint32_t magic;
    bool spanish;
    struct hilotill_options o; /* its strings are copies */
    char *folder, *software, *host_option, *capabilities, *language;
    char clerk[65];
    int64_t (*clock)(void *);
    void *clock_arg;
    uint32_t (*random)(void);

    struct till_store *store;
    struct till_identity id;
    bool enrolled;
    uint32_t waiting, refused;

    int epfd;
    SSL_CTX *ctx; /* of the identity, or of an enrolment */
    SSL_SESSION *session;
    struct till_line *line;
    char host[254], name[262]; /* connected to; for people, with its port */
    uint16_t port;

    enum hilotill_line state;
    bool wanted; /* hilotill_connect was called */
    bool drop;   /* end the line when the callbacks are over */
    bool in_run;
    bool changed;
    bool due;      /* run again at once */
    bool disk_bad; /* reason is the disk's */
    uint32_t attempt;
    int64_t retry_at;
    char reason[508];

    /* Of this connection. */
    bool open; /* TLS is done, hello is sent */
    int64_t open_by, online_since, heard_at, pinged_at;
    int64_t heartbeat_ms;
    char hello_id[HILOTILL_ID], ping_id[HILOTILL_ID], renew_id[HILOTILL_ID];
    EVP_PKEY *renew_key;
    int64_t renew_at;
    bool rotate; /* the gateway wants it renewed now */

    /* The gateway's clock: what it said at the last hello, and when that was. */
    int64_t anchor_unix_ms, anchor_mono_ms, behind_ms;
    bool anchored;
    char role[33], country[9];

    struct till_call calls[TILL_CALLS_MAX];
    size_t n_calls;
    struct till_flight flight[OUTBOX_WINDOW];
    size_t n_flight, window;
    int64_t sent_seq, hold_until;
    struct till_push pushes[TILL_PUSHES_MAX];
    size_t n_pushes;
    bool push_left; /* one that came on this connection is not in pushes: what is done is not all up to there
                     */

    /* An enrolment. */
    struct till_code *code;
    EVP_PKEY *enroll_key;

    char *lent; /* what hilotill_cached gave last */
};

enum { HANDLE_MAGIC = 0x48544c31 };

/* till.c */
int64_t till_now(const struct hilotill *);     /* ms, does not jump */
int64_t till_unix_ms(const struct hilotill *); /* the gateway's clock as far as known, else ours */
void till_uuid(char out[HILOTILL_ID]);
void till_reason(struct hilotill *, const char *text);
void till_send(struct hilotill *, const char *id, const char *method, const char *params);
void till_answer(struct hilotill *, const char *id, const char *method, bool queued,
                 const struct till_frame *);
void till_answer_local(struct hilotill *, const char *id, const char *method, bool queued, int code,
                       const char *why);
void till_step(struct hilotill *);
int64_t till_next_ms(const struct hilotill *); /* when there is something to do; INT64_MAX: nothing */

/* outbox.c */
void till_outbox_pump(struct hilotill *);
/* true: it was one of ours. */
bool till_outbox_answer(struct hilotill *, const struct till_frame *);
/* The gateway could not read a frame, and said so without an id. */
void till_outbox_unread(struct hilotill *, const struct till_frame *);
int64_t till_outbox_due(const struct hilotill *); /* INT64_MAX: nothing */
void till_outbox_lost(struct hilotill *);
bool till_outbox_late(struct hilotill *, int64_t now);
void till_outbox_count(struct hilotill *);

/* push.c */
void till_push_take(struct hilotill *, const struct till_frame *);
void till_push_lost(struct hilotill *);

/* enroll.c */
bool till_identity_use_previous(struct hilotill *); /* true: there is one, and the next connection is by it */
void till_enroll_begin(struct hilotill *);          /* the line is open */
void till_enroll_answer(struct hilotill *, const struct till_frame *);
void till_enroll_end(struct hilotill *, const struct hilotill_error *);
void till_renew(struct hilotill *); /* asks for a new certificate, if it is time */
void till_renew_answer(struct hilotill *, const struct till_frame *);

#endif
