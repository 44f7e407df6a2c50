/* What the identity's parts share (identity.h): nobody else includes it. */
#ifndef POS_IDENTITY_IMPL_H
#define POS_IDENTITY_IMPL_H

#include "buckets.h"
#include "ca.h"
#include "enroll.h"
#include "identity.h"
#include "kv.h"
#include "terminals.h"

enum { POS_IDENTITY_MAGIC = 0x706f7369 };
#define POS_DAY_US (INT64_C(86400) * 1000000)

struct pos_write; /* identity_write.c */

struct pos_identity {
    uint32_t magic;
    const struct hilo_host *host;
    struct hilo_self *self;
    struct pos_identity_conf conf;
    struct pos_identity_hooks hooks;
    void *arg;
    struct pos_kv *kv;

    struct pos_pair ca;     /* signs terminals' certificates */
    struct pos_pair server; /* what connections show */
    bool own_server;        /* made here, and renewed here */
    X509_STORE *trust;      /* the CA, for handshakes */
    struct pos_terminals *terminals;
    struct pos_enrollments enrollments;
    struct pos_buckets *tries; /* of codes, by address */

    bool ready, asking; /* asking: for the CA's key, or to write it */
    unsigned loading;   /* gets that are not answered */
    bool load_failed;
    unsigned page; /* of the list of stores that is being read */
    char *made_ca; /* the value that is being put; free() */

    struct pos_write *writes, **writes_tail; /* one at a time, in order */

    /* What the handshake's callback found, for the calls that follow it at once. */
    const SSL *judged, *presented;
    enum pos_refused verdict;
    char judged_store[POS_CA_NAME + 1], judged_terminal[POS_CA_NAME + 1];
};

static inline struct hilo_str pos_id_str(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}
static inline int64_t pos_id_now(const struct pos_identity *id)
{
    return id->host->wall_us(id->self);
}

/* identity.c */
/* "pos.enrolled store=… terminal=…": one line of the log, no personal data and no secrets. */
void pos_id_log(struct pos_identity *, int32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The certificate by which terminals know the server, whose key's digest a code carries. */
X509 *pos_id_anchor(const struct pos_identity *);
/* What a terminal is to trust, and what it signs with: PEM; free() it. */
char *pos_id_bundle(const struct pos_identity *);
/* "host" and port that codes carry; false: the options name none. */
bool pos_id_address(const struct pos_identity *, char host[POS_CODE_HOST_MAX + 1], uint16_t *port_out);

/* identity_write.c */
void pos_id_writes_free(struct pos_identity *);
/* The new key of a terminal was used: from now on it is the only one. */
void pos_id_promote(struct pos_identity *, const struct pos_terminal *);

/* Changes that an operator asks for; each is answered by answer() once it is on disk, or refused. */
enum pos_change { POS_CHANGE_REVOKE, POS_CHANGE_ROTATE, POS_CHANGE_ROLE, POS_CHANGE_REMOVE };
struct pos_outcome {
    int status;       /* HTTP: 200, 404, 409, 503 */
    const char *code; /* of a problem */
    const char *detail;
    cJSON *body; /* given away; NULL unless status is 2xx */
};
typedef void pos_outcome_fn(struct pos_identity *, uint64_t request, struct pos_outcome *);
void pos_id_change(struct pos_identity *, enum pos_change, const char *store, const char *terminal,
                   enum pos_role, const char *by, uint64_t request, pos_outcome_fn *);
/* A new code. */
void pos_id_invite(struct pos_identity *, const char *store, const char *terminal, enum pos_role,
                   int64_t lifetime_us, const char *by, uint64_t request, pos_outcome_fn *);
void pos_id_uninvite(struct pos_identity *, const char *enrollment, const char *by, uint64_t request,
                     pos_outcome_fn *);

#endif
