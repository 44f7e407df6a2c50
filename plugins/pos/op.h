/*
 * A request of a terminal, from when it is taken until it is answered. What a method does
 * with it: asks the API, and ends it by pos_op_result or pos_op_fail, exactly once. An op whose
 * connection has gone goes on to its end (a write has its effect either way); its answer is dropped.
 * All [own] loop.
 */
#ifndef POS_OP_H
#define POS_OP_H

#include "ask.h"
#include "method.h"

#include <sys/queue.h>

struct pos_conn;
struct pos_till;
struct pos_op;

typedef void pos_op_fn(struct pos_op *, uint32_t status, cJSON *body); /* body may be NULL; borrowed */
/* Looks at an answer before it is parsed. True: it has ended the op. */
typedef bool pos_op_text_fn(struct pos_op *, uint32_t status, struct hilo_str body);

struct pos_op {
    struct pos *pos;
    struct pos_conn *conn; /* NULL once it has gone */
    struct pos_till *till; /* NULL: without a certificate (enroll) */
    const struct pos_method *method;
    struct pos_rpc rpc; /* id, params */
    uint64_t token;     /* of what it waits for; 0: nothing */
    pos_op_fn *then;
    pos_op_text_fn *text; /* set by the method before it asks; NULL: each answer is parsed */
    void *work;           /* the method's own; freed by work_free at the end */
    void (*work_free)(void *);
    uint64_t certificate; /* method_session.c: its reference; 0: none */
    bool logged;          /* its refusal is: no line at its end */
    int64_t began_us;
    TAILQ_ENTRY(pos_op) of_conn, of_till, all;
};
TAILQ_HEAD(pos_ops, pos_op);

/* Ends it; result is taken. */
void pos_op_result(struct pos_op *, cJSON *result);
/* The same by the text of an object, whose members those of more, {"a":1} or {}, follow. false: it is too
 * long for a frame, or there is no memory; the op is as it was. */
bool pos_op_result_text(struct pos_op *, struct hilo_str object, struct hilo_str more);
void pos_op_fail(struct pos_op *, const struct pos_fault *);
void pos_op_fail_as(struct pos_op *, enum pos_error, const char *reason, const char *pointer,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));
/* By what the API answered, in the protocol's words. */
void pos_op_fail_api(struct pos_op *, uint32_t status, const cJSON *body);

/* From session.c: one for what was asked on this connection; rpc is taken. NULL: no memory, rpc is not. */
struct pos_op *pos_op_new(struct pos_conn *, struct pos_rpc *rpc, const struct pos_method *);
/* In close(), behind the tills: those that are left. */
void pos_ops_free(struct pos *);
/* From session.c and till.c: ends an op that never began, and frees one that is on no list. */
void pos_op_end(struct pos_op *, cJSON *result, const struct pos_fault *);
void pos_op_free(struct pos_op *);

/* Asks the API, and calls then with its answer (2xx or a problem); where the gateway could not be asked, the
 * op ends by itself. body is taken, may be NULL. once: with the Idempotency-Key of this op; step makes
 * several in one op differ ("" for the first or only one). version < 0: no If-Match. */
void pos_op_api(struct pos_op *, const char *method, const char *path, cJSON *body, bool once,
                const char *step, int64_t version, pos_op_fn *then);

/* Ends it by an answer of the API: a 2xx by these members of it, {as, from} and {NULL, NULL} at the end
 * (those that are not there are left out), else pos_op_fail_api. */
void pos_op_result_of(struct pos_op *, uint32_t status, const cJSON *body, const char *const map[][2]);
static inline bool pos_op_good(uint32_t status)
{
    return status >= 200 && status < 300;
}

/* A member of params. */
const char *pos_op_text(const struct pos_op *, const char *name); /* NULL: absent, or no string */
int64_t pos_op_int(const struct pos_op *, const char *name, int64_t absent);
/* Copies those of these members (NULL-ended) that are there; false: no memory. */
bool pos_op_copy(const struct pos_op *, cJSON *to, const char *const *names);
/* An object with "at", "store", "terminal" and "clerk" as every write of the API takes them. NULL: no memory.
 */
cJSON *pos_op_body(const struct pos_op *);

#endif
