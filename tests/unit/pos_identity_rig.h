/*
 * A host for the identity of terminals: keys that outlive an instance, a clock that is set, a disk and a link
 * that can be full; and a TLS client of the test's own (OpenSSL's, over memory) that says which alert it got.
 */
#ifndef POS_IDENTITY_RIG_H
#define POS_IDENTITY_RIG_H

#include "../../plugins/pos/ca.h"
#include "../../plugins/pos/code.h"
#include "../../plugins/pos/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define SECOND INT64_C(1000000)
#define DAY    (86400 * SECOND)
enum { RIG_KEYS = 512, RIG_OPS = 512, RIG_TIMERS = 4, RIG_TEXT = 65536 };

static inline struct hilo_str z(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}

struct rig {
    struct rig_key {
        char *key, *val;
    } keys[RIG_KEYS];
    unsigned n_keys;
    struct rig_op {
        uint64_t token;
        bool put;
        char *key, *val;
    } ops[RIG_OPS];
    unsigned n_ops;
    bool disk_full, link_full;
    int32_t get_fails; /* what every get is answered; 0: truly */
    int64_t wall, mono;
    struct {
        uint32_t id;
        int64_t at;
    } timers[RIG_TIMERS];
    char log[RIG_TEXT];
    struct pos_identity_conf conf;
    struct pos_identity *id;
    /* what it told */
    int32_t ready_code;
    char ready_why[256];
    unsigned n_ready, n_server_changed, n_rotate;
    char ended[256], role_changed[128];
    /* the last answers */
    uint64_t ref;
    int32_t error;
    char reason[64];
    int64_t retry_ms;
    cJSON *result;
    uint32_t status;
    cJSON *body;
};

/* ---- the host --------------------------------------------------------------------------------------------
 */

static inline struct rig *rig_of(struct hilo_self *self)
{
    return (struct rig *)self;
}

static inline void host_log(struct hilo_self *self, int32_t level, struct hilo_str text)
{
    struct rig *r = rig_of(self);
    size_t n = strlen(r->log);

    (void)level;
    (void)snprintf(r->log + n, sizeof r->log - n, "%.*s\n", (int)text.n, text.p);
}

static inline int64_t host_mono(struct hilo_self *self)
{
    return rig_of(self)->mono;
}

static inline int64_t host_wall(struct hilo_self *self)
{
    return rig_of(self)->wall;
}

static inline struct hilo_str host_channel(struct hilo_self *self)
{
    (void)self;
    return z("tienda");
}

static inline int32_t host_timer(struct hilo_self *self, uint32_t id, int64_t at)
{
    struct rig *r = rig_of(self);
    unsigned i;

    for (i = 0; i < RIG_TIMERS && r->timers[i].id != id && r->timers[i].id != 0; i++)
        ;
    assert_true(i < RIG_TIMERS);
    r->timers[i].id = id;
    r->timers[i].at = at;
    return HILO_OK;
}

static inline char *copy_of(struct hilo_str s)
{
    char *p = calloc(1, s.n + 1);

    assert_non_null(p);
    if (s.n)
        memcpy(p, s.p, s.n);
    return p;
}

static inline int32_t rig_ask(struct rig *r, uint64_t token, bool put, struct hilo_str key,
                              struct hilo_str val)
{
    if (r->link_full)
        return HILO_FULL;
    assert_true(r->n_ops < RIG_OPS);
    assert_true(val.n <= 65536);
    r->ops[r->n_ops++] = (struct rig_op){token, put, copy_of(key), copy_of(val)};
    return HILO_OK;
}

static inline int32_t host_get(struct hilo_self *self, uint64_t token, struct hilo_str subject,
                               struct hilo_str key)
{
    assert_int_equal(subject.n, 0);
    return rig_ask(rig_of(self), token, false, key, (struct hilo_str){NULL, 0});
}

static inline int32_t host_put(struct hilo_self *self, uint64_t token, struct hilo_str subject,
                               struct hilo_str key, struct hilo_str val, uint64_t if_version)
{
    assert_int_equal(subject.n, 0);
    assert_true(if_version == UINT64_MAX);
    return rig_ask(rig_of(self), token, true, key, val);
}

static inline int32_t host_http_answer(struct hilo_self *self, uint64_t request, const struct hilo_http *h)
{
    struct rig *r = rig_of(self);

    assert_int_equal(request, 77);
    r->status = h->status;
    cJSON_Delete(r->body);
    r->body = h->body.n ? cJSON_ParseWithLength(h->body.p, h->body.n) : NULL;
    return HILO_OK;
}

static const struct hilo_host rig_host = {.size = sizeof rig_host,
                                          .log = host_log,
                                          .mono_us = host_mono,
                                          .wall_us = host_wall,
                                          .channel = host_channel,
                                          .timer = host_timer,
                                          .context_get = host_get,
                                          .context_put = host_put,
                                          .http_answer = host_http_answer};

static inline struct rig_key *rig_key(struct rig *r, const char *key)
{
    unsigned i;

    for (i = 0; i < r->n_keys; i++)
        if (strcmp(r->keys[i].key, key) == 0)
            return &r->keys[i];
    return NULL;
}

/* Answers one thing that was asked; false: nothing is. */
static inline bool rig_step(struct rig *r)
{
    struct rig_op op = r->ops[0];
    struct rig_key *k;
    int32_t code = HILO_OK;
    struct hilo_str val = {NULL, 0};

    if (r->n_ops == 0)
        return false;
    memmove(r->ops, r->ops + 1, --r->n_ops * sizeof *r->ops);
    k = rig_key(r, op.key);
    if (op.put && r->disk_full) {
        code = HILO_FULL;
    } else if (op.put) {
        if (!k) {
            assert_true(r->n_keys < RIG_KEYS);
            k = &r->keys[r->n_keys++];
            k->key = copy_of(z(op.key));
        }
        free(k->val);
        k->val = copy_of(z(op.val));
    } else if (r->get_fails) {
        code = r->get_fails;
    } else if (!k) {
        code = HILO_NOTFOUND;
    } else {
        val = z(k->val);
    }
    assert_true(pos_identity_on_context(r->id, op.token, code, val, 1));
    free(op.key);
    free(op.val);
    return true;
}

static inline void rig_run(struct rig *r)
{
    while (rig_step(r))
        ;
}

/* Time goes by, timers come. */
static inline void rig_pass(struct rig *r, int64_t us)
{
    int64_t end = r->mono + us;

    for (;;) {
        unsigned i, next = RIG_TIMERS;

        for (i = 0; i < RIG_TIMERS; i++)
            if (r->timers[i].at && r->timers[i].at <= end &&
                (next == RIG_TIMERS || r->timers[i].at < r->timers[next].at))
                next = i;
        if (next == RIG_TIMERS)
            break;
        if (r->timers[next].at > r->mono) {
            r->wall += r->timers[next].at - r->mono;
            r->mono = r->timers[next].at;
        }
        r->timers[next].at = 0;
        assert_true(pos_identity_on_timer(r->id, r->timers[next].id));
        rig_run(r);
    }
    r->wall += end - r->mono;
    r->mono = end;
}

/* ---- what it tells
 * ------------------------------------------------------------------------------------------- */

static inline void on_ready(void *arg, int32_t code, const char *why)
{
    struct rig *r = arg;

    r->ready_code = code;
    r->n_ready++;
    (void)snprintf(r->ready_why, sizeof r->ready_why, "%s", why);
}

static inline void on_server_changed(void *arg)
{
    ((struct rig *)arg)->n_server_changed++;
}

static inline void on_answered(void *arg, uint64_t ref, struct pos_identity_answer *a)
{
    struct rig *r = arg;

    r->ref = ref;
    r->error = a->error;
    r->retry_ms = a->retry_after_ms;
    (void)snprintf(r->reason, sizeof r->reason, "%s", a->reason ? a->reason : "");
    assert_true((a->error == 0) == (a->result != NULL));
    cJSON_Delete(r->result);
    r->result = a->result;
}

static inline void on_ended(void *arg, const char *store, const char *terminal, const char *reason)
{
    struct rig *r = arg;

    (void)snprintf(r->ended, sizeof r->ended, "%s/%s %s", store, terminal, reason);
}

static inline void on_rotate(void *arg, const char *store, const char *terminal)
{
    (void)store, (void)terminal;
    ((struct rig *)arg)->n_rotate++;
}

static inline void on_role_changed(void *arg, const char *store, const char *terminal, enum pos_role role)
{
    struct rig *r = arg;

    (void)snprintf(r->role_changed, sizeof r->role_changed, "%s/%s %s", store, terminal, pos_role_name(role));
}

static inline void on_describe(void *arg, const char *store, const char *terminal, cJSON *into)
{
    (void)arg, (void)store, (void)terminal;
    (void)cJSON_AddFalseToObject(into, "connected");
}

/* ---- its life
 * --------------------------------------------------------------------------------------------------- */

/* Another instance on the same keys. */
static inline void rig_start(struct rig *r)
{
    static const struct pos_identity_hooks hooks = {on_ready,  on_server_changed, on_answered, on_ended,
                                                    on_rotate, on_role_changed,   on_describe};

    memset(r->timers, 0, sizeof r->timers);
    r->n_ready = r->n_server_changed = 0;
    r->id = pos_identity_new(&rig_host, (struct hilo_self *)r, &r->conf, &hooks, r);
    assert_non_null(r->id);
    pos_identity_start(r->id);
    rig_run(r);
}

static inline void rig_stop(struct rig *r)
{
    while (r->n_ops) {
        free(r->ops[--r->n_ops].key);
        free(r->ops[r->n_ops].val);
    }
    pos_identity_free(&r->id);
}

static inline struct rig *rig_up(void)
{
    struct rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    r->wall = (int64_t)time(NULL) * SECOND;
    r->mono = 1000 * SECOND;
    r->conf = (struct pos_identity_conf){.names = z("pos.tienda.example, 127.0.0.1"),
                                         .port = 7443,
                                         .code_lifetime_us = 3600 * SECOND,
                                         .certificate_lifetime_us = 90 * DAY};
    rig_start(r);
    assert_int_equal(r->ready_code, HILO_OK);
    assert_int_equal(r->n_ready, 1);
    return r;
}

static inline void rig_down(struct rig *r)
{
    rig_stop(r);
    while (r->n_keys) {
        free(r->keys[--r->n_keys].key);
        free(r->keys[r->n_keys].val);
    }
    cJSON_Delete(r->result);
    cJSON_Delete(r->body);
    free(r);
}

/* ---- operators
 * ------------------------------------------------------------------------------------------------------ */

static inline uint32_t rig_admin(struct rig *r, const char *method, const char *url, const char *body)
{
    struct hilo_kv by = {z("Hilo-Actor"), z("key_boss")};
    struct hilo_http h = {.size = sizeof h,
                          .flags = 2,
                          .method = z(method),
                          .url = z(url),
                          .body = z(body ? body : ""),
                          .header = &by,
                          .n_header = 1,
                          .sink_fd = -1};

    r->status = 0;
    cJSON_Delete(r->body);
    r->body = NULL;
    assert_true(pos_identity_request(r->id, 77, &h));
    rig_run(r);
    assert_true(r->status != 0);
    return r->status;
}

static inline const char *rig_said(const struct rig *r, const char *member)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(r->body, member));

    return s ? s : "";
}

/* ---- tills
 * -------------------------------------------------------------------------------------------------------------
 */

struct till {
    EVP_PKEY *key;
    X509 *cert; /* NULL: none */
};

static inline void till_done(struct till *t)
{
    EVP_PKEY_free(t->key);
    X509_free(t->cert);
    memset(t, 0, sizeof *t);
}

/* A request for a certificate, in one of a few buffers. */
static inline const char *till_csr(struct till *t)
{
    static char pem[4][4096];
    static unsigned turn;
    char *out = pem[turn++ % 4];
    X509_REQ *req = X509_REQ_new();
    BIO *bio = BIO_new(BIO_s_mem());
    int n;

    if (!t->key)
        t->key = EVP_EC_gen("P-256");
    assert_int_equal(X509_REQ_set_pubkey(req, t->key), 1);
    assert_true(X509_REQ_sign(req, t->key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509_REQ(bio, req), 1);
    n = BIO_read(bio, out, 4095);
    assert_true(n > 0);
    out[n] = '\0';
    BIO_free(bio);
    X509_REQ_free(req);
    return out;
}

static inline X509 *x509_of(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    assert_non_null(x);
    return x;
}

/* The outcome of a method: 0, or its error. Its certificate becomes the till's. */
static inline int32_t till_take(struct rig *r, struct till *t)
{
    rig_run(r);
    assert_int_equal(r->ref, 5);
    r->ref = 0;
    if (r->error == 0) {
        X509_free(t->cert);
        t->cert = x509_of(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(r->result, "certificate")));
    }
    return r->error;
}

static inline int32_t till_enroll(struct rig *r, struct till *t, const char *code, const char *address)
{
    cJSON *params = cJSON_CreateObject();

    (void)cJSON_AddStringToObject(params, "code", code);
    (void)cJSON_AddStringToObject(params, "csr", till_csr(t));
    pos_identity_enroll(r->id, 5, z(address), params);
    cJSON_Delete(params);
    return till_take(r, t);
}

static inline int32_t till_renew(struct rig *r, const struct pos_who *who, struct till *t)
{
    cJSON *params = cJSON_CreateObject();

    (void)cJSON_AddStringToObject(params, "csr", till_csr(t));
    pos_identity_renew(r->id, 5, who, params);
    cJSON_Delete(params);
    return till_take(r, t);
}

/* A code, of an operator's; a copy in one of a few buffers. */
static inline const char *rig_code(struct rig *r, const char *store, const char *terminal, const char *role)
{
    static char codes[8][640];
    static unsigned turn;
    char body[256], *out = codes[turn++ % 8];

    (void)snprintf(body, sizeof body, "{\"store\":\"%s\",\"terminal\":\"%s\",\"role\":\"%s\"}", store,
                   terminal, role);
    assert_int_equal(rig_admin(r, "POST", "/enrollments", body), 201);
    (void)snprintf(out, 640, "%s", rig_said(r, "code"));
    return out;
}

static inline struct till rig_till(struct rig *r, const char *store, const char *terminal)
{
    struct till t = {0};

    assert_int_equal(till_enroll(r, &t, rig_code(r, store, terminal, "clerk"), "10.0.0.9"), 0);
    return t;
}

/* ---- handshakes
 * ------------------------------------------------------------------------------------------------------------
 */

struct shake {
    enum pos_refused verdict;
    int alert; /* that the client got; -1: none */
    bool resumed;
    struct pos_who who; /* if it was admitted */
    char words[POS_WORDS];
    SSL_SESSION *session; /* for the next one; free it */
    X509 *top;            /* the last certificate that the server showed; free it */
};

static int shake_alert;

static inline void shake_info(const SSL *ssl, int where, int code)
{
    (void)ssl;
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
        shake_alert = code & 0xff;
}

static inline SSL_CTX *rig_context(struct rig *r)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    char why[POS_WORDS] = "";

    assert_int_equal(SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION), 1);
    assert_int_equal(SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"pos", 3), 1);
    if (pos_identity_use(r->id, ctx, false, why) != HILO_OK)
        fail_msg("%s", why);
    return ctx;
}

/* One connection to this context; max: the client's highest version. */
static inline struct shake shake_with(struct rig *r, SSL_CTX *server, const struct till *t,
                                      SSL_SESSION *resume, int max)
{
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    SSL *c, *s;
    BIO *cb, *sb;
    struct shake out = {.verdict = POS_HANDSHAKE, .alert = -1};
    int crc = 0, src = 0, i;
    char byte;

    assert_int_equal(SSL_CTX_set_max_proto_version(client, max), 1);
    if (t && t->cert) {
        assert_int_equal(SSL_CTX_use_certificate(client, t->cert), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(client, t->key), 1);
    }
    SSL_CTX_set_info_callback(client, shake_info);
    c = SSL_new(client);
    s = SSL_new(server);
    assert_int_equal(BIO_new_bio_pair(&cb, 65536, &sb, 65536), 1);
    SSL_set_bio(c, cb, cb);
    SSL_set_bio(s, sb, sb);
    SSL_set_connect_state(c);
    SSL_set_accept_state(s);
    if (resume)
        assert_int_equal(SSL_set_session(c, resume), 1);
    shake_alert = -1;
    for (i = 0; i < 20 && (crc != 1 || src != 1); i++) {
        if (crc != 1)
            crc = SSL_do_handshake(c);
        ERR_clear_error();
        src = SSL_do_handshake(s);
        if (src != 1 && SSL_get_error(s, src) != SSL_ERROR_WANT_READ)
            break;
        ERR_clear_error();
    }
    if (src == 1) {
        out.verdict = pos_identity_admit(r->id, s, &out.who);
        out.resumed = SSL_session_reused(s);
        rig_run(r);
        (void)SSL_write(s, "x", 1);
    } else {
        out.verdict = pos_identity_failed(r->id, s, out.words);
    }
    ERR_clear_error();
    if (crc != 1)
        (void)SSL_do_handshake(c);
    (void)SSL_read(c, &byte, 1); /* the alert, or the ticket */
    ERR_clear_error();
    out.alert = shake_alert;
    if (src == 1)
        out.session = SSL_get1_session(c);
    if (SSL_get_peer_cert_chain(c)) {
        STACK_OF(X509) *chain = SSL_get_peer_cert_chain(c);

        out.top = sk_X509_value(chain, sk_X509_num(chain) - 1);
        (void)X509_up_ref(out.top);
    }
    /* As if each had said that it is the end: else OpenSSL forbids the session's next use. */
    SSL_set_shutdown(c, SSL_SENT_SHUTDOWN);
    SSL_set_shutdown(s, SSL_SENT_SHUTDOWN);
    SSL_free(c);
    SSL_free(s);
    SSL_CTX_free(client);
    return out;
}

static inline void shake_done(struct shake *s)
{
    SSL_SESSION_free(s->session);
    X509_free(s->top);
}

static inline struct shake shake(struct rig *r, const struct till *t)
{
    SSL_CTX *ctx = rig_context(r);
    struct shake s = shake_with(r, ctx, t, NULL, TLS1_3_VERSION);

    SSL_CTX_free(ctx);
    return s;
}

/* Refused by this word, and this alert reached the client. */
#define refused(r, t, word, code) refused_at((r), (t), (word), (code), __FILE__, __LINE__)
static inline void refused_at(struct rig *r, const struct till *t, const char *word, int alert,
                              const char *file, int line)
{
    struct shake s = shake(r, t);

    if (strcmp(pos_refused_word(s.verdict), word) != 0 || s.alert != alert) {
        print_error("%s:%d: refused by \"%s\" (%s), alert %d; want %s, %d\n", file, line,
                    pos_refused_word(s.verdict), s.words, s.alert, word, alert);
        _fail(file, line);
    }
    shake_done(&s);
}

#define admitted(r, t) admitted_at((r), (t), __FILE__, __LINE__)
static inline struct pos_who admitted_at(struct rig *r, const struct till *t, const char *file, int line)
{
    struct shake s = shake(r, t);
    struct pos_who who = s.who;

    if (s.verdict != POS_ADMITTED || s.alert != -1) {
        print_error("%s:%d: refused by %s (%s), alert %d\n", file, line, pos_refused_word(s.verdict), s.words,
                    s.alert);
        _fail(file, line);
    }
    shake_done(&s);
    return who;
}

#endif
