#include "rig.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNS = 32, PATHS = 64, SCRIPTS = 32, PUSHES = 64 };

struct conn {
    int fd;
    SSL *ssl;
    BIO *in, *out;
    bool enroll, hello, dead, accepted;
    long budget[2]; /* bytes until the cut; -1: none */
    long bytes[2];
    char *line;
    size_t line_n;
    char behind[65]; /* the write that was told "later" on this connection */
    char *raw;
};

struct script {
    char method[64];
    bool error;
    char *json;
    unsigned mute;
};

struct push {
    char id[64], method[64];
    char *params, *ack;
    unsigned acks;
};

struct rig {
    char folder[64];
    char *paths[PATHS];
    unsigned n_paths;
    int listener, wake, told;
    int holder; /* of its port while nobody listens: another test would take it */
    unsigned port;
    pthread_t thread;
    pthread_mutex_t lock;
    long last_serial, forgotten;
    bool stop, listening, revoked, silent, fingerprint_wrong;
    EVP_PKEY *ca_key, *key;
    X509 *ca, *cert;
    SSL_CTX *ctx;
    int days, old;
    char code_text[700];
    char *enrolled_csr;
    struct conn conns[CONNS];
    struct script scripts[SCRIPTS];
    unsigned n_scripts;
    struct push pushes[PUSHES];
    unsigned n_pushes;
    unsigned later;
    long cut[2], last_bytes[2];
    cJSON *effects, *requests, *results; /* results: by id, {"params","result"} */
    cJSON *hello_extra;
    unsigned hellos, resumed, connections, conflicts;
    char violation[256];
};

/* ---- small things -------------------------------------------------------------------------------------- */

static void rig__fail(const char *what)
{
    fprintf(stderr, "rig: %s\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}
#define MUST(x) ((x) ? (void)0 : rig__fail(#x))

static void rig__tell(struct rig *r)
{
    uint64_t one = 1;

    MUST(write(r->told, &one, sizeof one) == sizeof one);
}

static void rig__wake(struct rig *r)
{
    uint64_t one = 1;

    MUST(write(r->wake, &one, sizeof one) == sizeof one);
}

static const char *text_of(const cJSON *o, const char *member)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, member);

    return cJSON_IsString(v) ? v->valuestring : "";
}

/* ---- certificates
 * ------------------------------------------------------------------------------------------ */

static void rig__extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;

    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    MUST(e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value));
    MUST(X509_add_ext(x, e, -1));
    X509_EXTENSION_free(e);
}

static X509 *rig__certificate(struct rig *r, EVP_PKEY *key, const char *cn, const char *san,
                              const char *usage, int days)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    bool ca = !san;
    static long serial = 1000;

    r->last_serial = serial;

    MUST(X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), serial++));
    MUST(X509_gmtime_adj(X509_getm_notBefore(x), -3600 - (ca ? 0 : r->old) * 86400L) &&
         X509_gmtime_adj(X509_getm_notAfter(x), days * 86400L));
    MUST(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0));
    MUST(X509_set_pubkey(x, key) && X509_set_issuer_name(x, ca ? name : X509_get_subject_name(r->ca)));
    if (ca) {
        rig__extension(x, x, NID_basic_constraints, "critical,CA:TRUE");
        rig__extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign");
    } else {
        rig__extension(x, r->ca, NID_basic_constraints, "critical,CA:FALSE");
        rig__extension(x, r->ca, NID_subject_alt_name, san);
        rig__extension(x, r->ca, NID_ext_key_usage, usage);
    }
    MUST(X509_sign(x, r->ca_key, EVP_sha256()));
    return x;
}

static char *rig__pem(X509 *x)
{
    BIO *b = BIO_new(BIO_s_mem());
    char *p, *pem;
    long n;

    MUST(PEM_write_bio_X509(b, x));
    n = BIO_get_mem_data(b, &p);
    pem = strndup(p, (size_t)n);
    BIO_free(b);
    return pem;
}

static int rig__verify(int ok, X509_STORE_CTX *ctx)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct rig *r = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    const X509 *x = X509_STORE_CTX_get_current_cert(ctx);

    if (X509_STORE_CTX_get_error_depth(ctx) == 0 &&
        (r->revoked || (r->forgotten && ASN1_INTEGER_get(X509_get0_serialNumber(x)) == r->forgotten))) {
        X509_STORE_CTX_set_error(ctx, X509_V_ERR_CERT_REVOKED);
        return 0;
    }
    return ok;
}

static int rig__alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
                     unsigned n, void *arg)
{
    static const unsigned char pos[] = "\x0ahilo-pos/1", enroll[] = "\x0dhilo-enroll/1";
    struct conn *c = SSL_get_app_data(ssl);

    (void)arg;
    if (n == sizeof enroll - 1 && memcmp(in, enroll, n) == 0) {
        SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
        c->enroll = true;
    } else if (n != sizeof pos - 1 || memcmp(in, pos, n) != 0) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = in + 1;
    *out_n = in[0];
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *rig__ctx(struct rig *r)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    MUST(ctx && SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION));
    MUST(SSL_CTX_use_certificate(ctx, r->cert) && SSL_CTX_use_PrivateKey(ctx, r->key));
    MUST(SSL_CTX_add1_chain_cert(ctx, r->ca));
    MUST(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), r->ca));
    MUST(SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"rig", 3));
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, rig__verify);
    SSL_CTX_set_alpn_select_cb(ctx, rig__alpn, NULL);
    SSL_CTX_set_app_data(ctx, r);
    return ctx;
}

/* ---- frames
 * ------------------------------------------------------------------------------------------------ */

static void conn__write(struct conn *c, const char *p, size_t n)
{
    if (!c->dead && n)
        MUST(SSL_write(c->ssl, p, (int)n) == (int)n); /* into memory */
}

static void conn__say(struct conn *c, cJSON *frame)
{
    char *s = cJSON_PrintUnformatted(frame);
    char *line = malloc(strlen(s) + 2);

    sprintf(line, "%s\n", s);
    conn__write(c, line, strlen(line));
    free(line);
    cJSON_free(s);
    cJSON_Delete(frame);
}

/* what: "result" or "error"; json is taken over. */
static void conn__answer(struct rig *r, struct conn *c, const char *id, const char *what, cJSON *json)
{
    cJSON *f = cJSON_CreateObject();

    cJSON_AddStringToObject(f, "jsonrpc", "2.0");
    cJSON_AddStringToObject(f, "id", id);
    cJSON_AddItemToObject(f, what, json);
    if (r->silent)
        cJSON_Delete(f);
    else
        conn__say(c, f);
}

static cJSON *rig__error(int code, const char *reason)
{
    cJSON *e = cJSON_CreateObject(), *data;

    cJSON_AddNumberToObject(e, "code", code);
    cJSON_AddStringToObject(e, "message", reason);
    data = cJSON_AddObjectToObject(e, "data");
    cJSON_AddStringToObject(data, "reason", reason);
    cJSON_AddNumberToObject(data, "retry_after_ms", 10);
    return e;
}

static struct script *rig__script(struct rig *r, const char *method)
{
    unsigned i;

    for (i = 0; i < r->n_scripts; i++)
        if (strcmp(r->scripts[i].method, method) == 0)
            return &r->scripts[i];
    MUST(r->n_scripts < SCRIPTS);
    snprintf(r->scripts[i].method, sizeof r->scripts[i].method, "%s", method);
    return &r->scripts[r->n_scripts++];
}

static void conn__push(struct conn *c, const struct push *p)
{
    cJSON *f = cJSON_CreateObject();

    cJSON_AddStringToObject(f, "jsonrpc", "2.0");
    cJSON_AddStringToObject(f, "id", p->id);
    cJSON_AddStringToObject(f, "method", p->method);
    cJSON_AddRawToObject(f, "params", p->params);
    conn__say(c, f);
}

static cJSON *rig__issue(struct rig *r, const char *csr)
{
    BIO *b = BIO_new_mem_buf(csr, -1);
    X509_REQ *req = PEM_read_bio_X509_REQ(b, NULL, NULL, NULL);
    EVP_PKEY *key = req ? X509_REQ_get0_pubkey(req) : NULL;
    cJSON *o = NULL;
    X509 *x;
    char *pem, *ca;

    if (key && X509_REQ_verify(req, key) == 1) {
        x = rig__certificate(r, key, "CENTRO/3", "URI:urn:hilo:pos:CENTRO:3", "clientAuth", r->days);
        pem = rig__pem(x);
        ca = rig__pem(r->ca);
        o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "store", "CENTRO");
        cJSON_AddStringToObject(o, "terminal", "3");
        cJSON_AddStringToObject(o, "role", "clerk");
        cJSON_AddStringToObject(o, "certificate", pem);
        cJSON_AddStringToObject(o, "ca", ca);
        free(pem);
        free(ca);
        X509_free(x);
    }
    X509_REQ_free(req);
    BIO_free(b);
    return o;
}

static void conn__enroll(struct rig *r, struct conn *c, const char *id, const cJSON *params)
{
    const char *csr = text_of(params, "csr");

    if (strcmp(text_of(params, "code"), r->code_text) != 0 ||
        (r->enrolled_csr && strcmp(r->enrolled_csr, "used") == 0)) {
        conn__answer(r, c, id, "error", rig__error(-32002, "no such code"));
        return;
    }
    free(r->enrolled_csr);
    r->enrolled_csr = strdup(csr);
    conn__answer(r, c, id, "result", rig__issue(r, csr));
}

static cJSON *rig__hello(struct rig *r)
{
    cJSON *o = cJSON_CreateObject();
    const cJSON *x;
    char now[32];
    time_t t = time(NULL);
    struct tm tm;

    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
    cJSON_AddNumberToObject(o, "protocol", 1);
    cJSON_AddStringToObject(o, "store", "CENTRO");
    cJSON_AddStringToObject(o, "terminal", "3");
    cJSON_AddStringToObject(o, "role", "clerk");
    cJSON_AddStringToObject(o, "country", "CO");
    cJSON_AddStringToObject(o, "time", now);
    cJSON_AddNumberToObject(o, "heartbeat_s", 25);
    cJSON_ArrayForEach(x, r->hello_extra)
    {
        cJSON_DeleteItemFromObject(o, x->string);
        cJSON_AddItemToObject(o, x->string, cJSON_Duplicate(x, 1));
    }
    return o;
}

static bool is_write(const char *method)
{
    static const char *const reads[] = {"ping",
                                        "customer.find",
                                        "customer.timeline",
                                        "media.get",
                                        "slip.render",
                                        "certificate.renew",
                                        "hello",
                                        NULL};
    int i;

    for (i = 0; reads[i]; i++)
        if (strcmp(reads[i], method) == 0)
            return false;
    return true;
}

static void conn__count_from_here(struct rig *r, struct conn *c);

static void conn__write_method(struct rig *r, struct conn *c, const char *id, const char *method,
                               const cJSON *params)
{
    const struct script *s = rig__script(r, method);
    cJSON *known = cJSON_GetObjectItemCaseSensitive(r->results, id), *effect, *result;

    if (known) {
        if (!cJSON_Compare(cJSON_GetObjectItem(known, "params"), params, 1)) {
            r->conflicts++;
            conn__answer(r, c, id, "error", rig__error(-32005, "idempotency_key_reused"));
            return;
        }
        if (strcmp(c->behind, id) == 0)
            c->behind[0] = 0;
        conn__answer(r, c, id, "result", cJSON_Duplicate(cJSON_GetObjectItem(known, "result"), 1));
        return;
    }
    if (c->behind[0] && strcmp(c->behind, id) != 0) {
        conn__answer(r, c, id, "error", rig__error(-32000, "behind"));
        return;
    }
    c->behind[0] = 0;
    if (r->later) {
        r->later--;
        snprintf(c->behind, sizeof c->behind, "%s", id);
        conn__answer(r, c, id, "error", rig__error(-32000, "try_later"));
        return;
    }
    if (s->error) {
        conn__answer(r, c, id, "error", cJSON_Parse(s->json));
        return;
    }
    result = s->json ? cJSON_Parse(s->json) : cJSON_CreateObject();
    effect = cJSON_CreateObject();
    cJSON_AddStringToObject(effect, "id", id);
    cJSON_AddStringToObject(effect, "method", method);
    cJSON_AddItemToObject(effect, "params", cJSON_Duplicate(params, 1));
    cJSON_AddItemToArray(r->effects, effect);
    known = cJSON_AddObjectToObject(r->results, id);
    cJSON_AddItemToObject(known, "params", cJSON_Duplicate(params, 1));
    cJSON_AddItemToObject(known, "result", cJSON_Duplicate(result, 1));
    conn__answer(r, c, id, "result", result);
}

static void conn__request(struct rig *r, struct conn *c, const char *id, const char *method,
                          const cJSON *params)
{
    struct script *s = rig__script(r, method);
    cJSON *seen = cJSON_CreateObject();
    unsigned i;

    cJSON_AddStringToObject(seen, "method", method);
    cJSON_AddItemToObject(seen, "params", cJSON_Duplicate(params, 1));
    cJSON_AddItemToArray(r->requests, seen);
    if (s->mute) {
        s->mute--;
    } else if (c->enroll) {
        conn__enroll(r, c, id, params);
    } else if (strcmp(method, "hello") == 0) {
        r->hellos++;
        r->resumed += SSL_session_reused(c->ssl) ? 1 : 0;
        c->hello = true;
        if (s->error)
            conn__answer(r, c, id, "error", cJSON_Parse(s->json));
        else
            conn__answer(r, c, id, "result", rig__hello(r));
        conn__count_from_here(r, c);
        for (i = 0; i < r->n_pushes; i++)
            if (!r->pushes[i].acks)
                conn__push(c, &r->pushes[i]);
    } else if (!c->hello) {
        conn__answer(r, c, id, "error", rig__error(-32600, "hello_first"));
    } else if (strcmp(method, "certificate.renew") == 0) {
        conn__answer(r, c, id, "result", rig__issue(r, text_of(params, "csr")));
    } else if (is_write(method)) {
        conn__write_method(r, c, id, method, params);
    } else if (s->error) {
        conn__answer(r, c, id, "error", cJSON_Parse(s->json));
    } else {
        conn__answer(r, c, id, "result", s->json ? cJSON_Parse(s->json) : cJSON_CreateObject());
    }
}

static void conn__frame(struct rig *r, struct conn *c, const char *p, size_t n)
{
    cJSON *f = cJSON_ParseWithLength(p, n);
    const char *id = text_of(f, "id"), *method = text_of(f, "method");
    const cJSON *params = cJSON_GetObjectItemCaseSensitive(f, "params");
    unsigned i;

    if (n > 65536 || !cJSON_IsObject(f) || strcmp(text_of(f, "jsonrpc"), "2.0") != 0 || !id[0] ||
        strlen(id) > 64) {
        snprintf(r->violation, sizeof r->violation, "a frame: %.*s", n > 200 ? 200 : (int)n, p);
    } else if (method[0]) {
        if (!cJSON_IsObject(params) || strncmp(id, "p-", 2) == 0)
            snprintf(r->violation, sizeof r->violation, "a request: %.*s", n > 200 ? 200 : (int)n, p);
        else
            conn__request(r, c, id, method, params);
    } else {
        for (i = 0; i < r->n_pushes; i++)
            if (strcmp(r->pushes[i].id, id) == 0) {
                r->pushes[i].acks++;
                free(r->pushes[i].ack);
                r->pushes[i].ack = strndup(p, n);
            }
    }
    cJSON_Delete(f);
}

/* ---- connections
 * -------------------------------------------------------------------------------------------------- */

static void conn__close(struct rig *r, struct conn *c)
{
    (void)r;
    if (c->fd < 0)
        return;
    SSL_free(c->ssl);
    close(c->fd);
    free(c->line);
    free(c->raw);
    *c = (struct conn){.fd = -1};
}

/* What TLS has written goes to the socket, as far as the cut allows. */
static void conn__flush(struct rig *r, struct conn *c)
{
    char buf[16384];
    size_t want;
    int n;

    while (!c->dead) {
        want = c->budget[RIG_OUT] >= 0 && c->budget[RIG_OUT] < (long)sizeof buf ? (size_t)c->budget[RIG_OUT]
                                                                                : sizeof buf;
        n = BIO_ctrl_pending(c->out) > 0 ? BIO_read(c->out, buf, (int)(want ? want : 1)) : 0;
        if (n <= 0)
            return;
        if (!want) {
            c->dead = true;
            return;
        }
        /* Loopback takes what these tests send; a full buffer would be waited for. */
        if (send(c->fd, buf, (size_t)n, MSG_NOSIGNAL) != n) {
            c->dead = true;
            return;
        }
        c->bytes[RIG_OUT] += n;
        r->last_bytes[RIG_OUT] = c->bytes[RIG_OUT];
        if (c->budget[RIG_OUT] >= 0)
            c->budget[RIG_OUT] -= n;
    }
}

static void conn__count_from_here(struct rig *r, struct conn *c)
{
    conn__flush(r, c);
    c->bytes[RIG_IN] = c->bytes[RIG_OUT] = r->last_bytes[RIG_IN] = r->last_bytes[RIG_OUT] = 0;
    c->budget[RIG_IN] = r->cut[RIG_IN];
    c->budget[RIG_OUT] = r->cut[RIG_OUT];
}

static void conn__lines(struct rig *r, struct conn *c)
{
    char *lf;
    size_t n;

    while (!c->dead && c->line_n && (lf = memchr(c->line, '\n', c->line_n))) {
        n = (size_t)(lf - c->line);
        conn__frame(r, c, c->line, n);
        memmove(c->line, lf + 1, c->line_n - n - 1);
        c->line_n -= n + 1;
        conn__flush(r, c);
    }
}

static void conn__progress(struct rig *r, struct conn *c)
{
    char buf[16384];
    int n;

    ERR_clear_error();
    if (!c->accepted) {
        n = SSL_accept(c->ssl);
        if (n != 1 && SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ) {
            conn__flush(r, c); /* the alert */
            c->dead = true;
            return;
        }
        c->accepted = n == 1;
    }
    while (c->accepted && !c->dead && (n = SSL_read(c->ssl, buf, sizeof buf)) > 0) {
        MUST(c->line = realloc(c->line, c->line_n + (size_t)n));
        memcpy(c->line + c->line_n, buf, (size_t)n);
        c->line_n += (size_t)n;
        conn__lines(r, c);
    }
    conn__flush(r, c);
}

static void conn__readable(struct rig *r, struct conn *c)
{
    char buf[16384];
    size_t want = c->budget[RIG_IN] >= 0 && c->budget[RIG_IN] < (long)sizeof buf ? (size_t)c->budget[RIG_IN]
                                                                                 : sizeof buf;
    ssize_t n;

    if (!want) {
        c->dead = true;
        return;
    }
    n = recv(c->fd, buf, want, 0);
    if (n <= 0) {
        c->dead = true;
        return;
    }
    c->bytes[RIG_IN] += n;
    if (c->budget[RIG_IN] >= 0)
        c->budget[RIG_IN] -= n;
    MUST(BIO_write(c->in, buf, (int)n) == n);
    conn__progress(r, c);
    r->last_bytes[RIG_IN] = c->bytes[RIG_IN];
    if (c->budget[RIG_IN] == 0)
        c->dead = true;
}

static void rig__accept(struct rig *r)
{
    int fd = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC), one = 1;
    struct conn *c = NULL;
    unsigned i;

    if (fd < 0)
        return;
    for (i = 0; i < CONNS && !c; i++)
        if (r->conns[i].fd < 0)
            c = &r->conns[i];
    MUST(c);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    r->connections++;
    *c = (struct conn){.fd = fd, .budget = {-1, -1}};
    MUST((c->ssl = SSL_new(r->ctx)) && (c->in = BIO_new(BIO_s_mem())) && (c->out = BIO_new(BIO_s_mem())));
    SSL_set_bio(c->ssl, c->in, c->out);
    SSL_set_app_data(c->ssl, c);
    SSL_set_accept_state(c->ssl);
}

static void *rig__serve(void *arg)
{
    struct rig *r = arg;
    struct pollfd p[CONNS + 2];
    uint64_t n;
    unsigned i;

    pthread_mutex_lock(&r->lock);
    while (!r->stop) {
        p[0] = (struct pollfd){r->wake, POLLIN, 0};
        p[1] = (struct pollfd){r->listening ? r->listener : -1, POLLIN, 0};
        for (i = 0; i < CONNS; i++)
            p[i + 2] = (struct pollfd){r->conns[i].fd, POLLIN, 0};
        pthread_mutex_unlock(&r->lock);
        MUST(poll(p, CONNS + 2, -1) > 0 || errno == EINTR);
        pthread_mutex_lock(&r->lock);
        if (p[0].revents)
            MUST(read(r->wake, &n, sizeof n) == sizeof n);
        if (p[1].revents && r->listening)
            rig__accept(r);
        for (i = 0; i < CONNS; i++) {
            struct conn *c = &r->conns[i];

            if (c->fd < 0)
                continue;
            if (p[i + 2].fd == c->fd && p[i + 2].revents)
                conn__readable(r, c);
            if (c->raw && c->hello) {
                conn__write(c, c->raw, strlen(c->raw));
                free(c->raw);
                c->raw = NULL;
                conn__flush(r, c);
            }
            if (c->dead)
                conn__close(r, c);
        }
        rig__tell(r);
    }
    for (i = 0; i < CONNS; i++)
        conn__close(r, &r->conns[i]);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* ---- for tests
 * ------------------------------------------------------------------------------------------------------ */

/* A socket on its port, or on any: then that is its port. */
static int rig__socket(struct rig *r)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)r->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int one = 1, fd;

    MUST((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) >= 0);
    MUST(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0);
    MUST(bind(fd, (struct sockaddr *)&a, sizeof a) == 0);
    MUST(getsockname(fd, (struct sockaddr *)&a, &n) == 0);
    r->port = ntohs(a.sin_port);
    return fd;
}

static void rig__bind(struct rig *r)
{
    r->listener = rig__socket(r);
    MUST(listen(r->listener, 64) == 0);
    r->listening = true;
}

struct rig *rig_new(void)
{
    struct rig *r = calloc(1, sizeof *r);
    unsigned i;

    MUST(r);
    /* Processes are killed here, never the machine: a till's syncs, thousands of them, need no disk. */
    snprintf(r->folder, sizeof r->folder, "%s/hilo-till-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    MUST(mkdtemp(r->folder));
    r->days = 90;
    r->cut[0] = r->cut[1] = -1;
    for (i = 0; i < CONNS; i++)
        r->conns[i].fd = -1;
    r->effects = cJSON_CreateArray();
    r->requests = cJSON_CreateArray();
    r->results = cJSON_CreateObject();
    pthread_mutex_init(&r->lock, NULL);
    MUST((r->wake = eventfd(0, EFD_CLOEXEC)) >= 0 && (r->told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) >= 0);
    MUST((r->ca_key = EVP_EC_gen("P-256")) && (r->key = EVP_EC_gen("P-256")));
    r->ca = rig__certificate(r, r->ca_key, "Rig CA", NULL, NULL, 3650);
    r->cert = rig__certificate(r, r->key, "rig", "IP:127.0.0.1", "serverAuth", 90);
    r->ctx = rig__ctx(r);
    r->holder = rig__socket(r);
    rig__bind(r);
    MUST(pthread_create(&r->thread, NULL, rig__serve, r) == 0);
    return r;
}

static int rig__remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void rig_free(struct rig **pr)
{
    struct rig *r = *pr;
    unsigned i;

    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    rig__wake(r);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    if (r->listener >= 0)
        close(r->listener);
    close(r->holder);
    close(r->wake);
    close(r->told);
    SSL_CTX_free(r->ctx);
    X509_free(r->ca);
    X509_free(r->cert);
    EVP_PKEY_free(r->ca_key);
    EVP_PKEY_free(r->key);
    cJSON_Delete(r->effects);
    cJSON_Delete(r->requests);
    cJSON_Delete(r->results);
    cJSON_Delete(r->hello_extra);
    for (i = 0; i < r->n_scripts; i++)
        free(r->scripts[i].json);
    for (i = 0; i < r->n_pushes; i++) {
        free(r->pushes[i].params);
        free(r->pushes[i].ack);
    }
    for (i = 0; i < r->n_paths; i++)
        free(r->paths[i]);
    free(r->enrolled_csr);
    nftw(r->folder, rig__remove, 16, FTW_DEPTH | FTW_PHYS);
    pthread_mutex_destroy(&r->lock);
    free(r);
    *pr = NULL;
}

unsigned rig_port(const struct rig *r)
{
    return r->port;
}

const char *rig_path(struct rig *r, const char *name)
{
    MUST(r->n_paths < PATHS);
    MUST(asprintf(&r->paths[r->n_paths], "%s/%s", r->folder, name) > 0);
    return r->paths[r->n_paths++];
}

int rig_fd(const struct rig *r)
{
    return r->told;
}

void rig_woken(struct rig *r)
{
    uint64_t n;

    MUST(read(r->told, &n, sizeof n) == sizeof n || errno == EAGAIN);
}

#define LOCKED(r, ...)                                                                                       \
    do {                                                                                                     \
        pthread_mutex_lock(&(r)->lock);                                                                      \
        __VA_ARGS__;                                                                                         \
        rig__wake(r);                                                                                        \
        pthread_mutex_unlock(&(r)->lock);                                                                    \
    } while (0)

const char *rig_code(struct rig *r, const char *host, bool wrong_fingerprint)
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    unsigned char b[5 + 12 + 16 + 2 + 254 + 3] = "HILO1", *der = NULL, digest[32];
    size_t n = 5, i, at;
    unsigned bit;
    int der_n;

    memcpy(b + n, "\x01secret-rig\xff", 12);
    n += 12;
    MUST((der_n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(r->ca), &der)) > 0);
    MUST(EVP_Digest(der, (size_t)der_n, digest, NULL, EVP_sha256(), NULL));
    OPENSSL_free(der);
    digest[3] ^= wrong_fingerprint ? 1 : 0;
    memcpy(b + n, digest, 16);
    n += 16;
    b[n++] = (unsigned char)(r->port >> 8);
    b[n++] = (unsigned char)r->port;
    memcpy(b + n, host, strlen(host));
    n += strlen(host);
    MUST(EVP_Digest(b, n, digest, NULL, EVP_sha256(), NULL));
    memcpy(b + n, digest, 3);
    n += 3;
    pthread_mutex_lock(&r->lock);
    at = (size_t)sprintf(r->code_text, "HILO1-");
    for (i = 5 * 8; i < n * 8; i += 5) {
        unsigned v = 0;

        for (bit = 0; bit < 5; bit++)
            v = v << 1 | (i + bit < n * 8 ? b[(i + bit) / 8] >> (7 - (i + bit) % 8) & 1u : 0);
        r->code_text[at++] = digits[v];
    }
    r->code_text[at] = 0;
    pthread_mutex_unlock(&r->lock);
    return r->code_text;
}

void rig_days(struct rig *r, int days)
{
    LOCKED(r, r->days = days; if (days > r->old) r->old = 0);
}

void rig_old(struct rig *r, int days)
{
    LOCKED(r, r->old = days);
}

void rig_server_name(struct rig *r, const char *name, bool client)
{
    char san[300];

    snprintf(san, sizeof san, "%s:%s", strspn(name, "0123456789.") == strlen(name) ? "IP" : "DNS", name);
    pthread_mutex_lock(&r->lock);
    X509_free(r->cert);
    r->cert = rig__certificate(r, r->key, "rig", san, client ? "clientAuth" : "serverAuth", 90);
    SSL_CTX_free(r->ctx);
    r->ctx = rig__ctx(r);
    pthread_mutex_unlock(&r->lock);
}

void rig_revoke(struct rig *r)
{
    pthread_mutex_lock(&r->lock);
    r->revoked = true;
    SSL_CTX_free(r->ctx); /* and its tickets' key */
    r->ctx = rig__ctx(r);
    pthread_mutex_unlock(&r->lock);
}

void rig_forget_last(struct rig *r)
{
    LOCKED(r, r->forgotten = r->last_serial);
}

void rig_listen(struct rig *r, bool on)
{
    pthread_mutex_lock(&r->lock);
    if (on && r->listener < 0) {
        rig__bind(r);
    } else if (!on && r->listener >= 0) {
        shutdown(r->listener, SHUT_RD); /* now, though the thread's poll holds it open */
        close(r->listener);
        r->listener = -1;
        r->listening = false;
    }
    rig__wake(r);
    pthread_mutex_unlock(&r->lock);
}

void rig_hang_up(struct rig *r)
{
    unsigned i;

    LOCKED(r, for (i = 0; i < CONNS; i++) r->conns[i].dead = r->conns[i].fd >= 0);
}

void rig_script(struct rig *r, const char *method, bool error, const char *json)
{
    struct script *s;

    pthread_mutex_lock(&r->lock);
    s = rig__script(r, method);
    free(s->json);
    s->json = json ? strdup(json) : NULL;
    s->error = error;
    pthread_mutex_unlock(&r->lock);
}

void rig_later(struct rig *r, unsigned n)
{
    LOCKED(r, r->later = n);
}

void rig_mute(struct rig *r, const char *method, unsigned n)
{
    LOCKED(r, rig__script(r, method)->mute = n);
}

void rig_silent(struct rig *r, bool on)
{
    LOCKED(r, r->silent = on);
}

void rig_raw(struct rig *r, const char *bytes)
{
    unsigned i;

    pthread_mutex_lock(&r->lock);
    for (i = 0; i < CONNS; i++)
        if (r->conns[i].fd >= 0 && r->conns[i].hello) {
            free(r->conns[i].raw);
            r->conns[i].raw = strdup(bytes);
        }
    rig__wake(r);
    pthread_mutex_unlock(&r->lock);
}

void rig_push(struct rig *r, const char *id, const char *method, const char *params)
{
    struct push *p;
    unsigned i;

    pthread_mutex_lock(&r->lock);
    MUST(r->n_pushes < PUSHES);
    p = &r->pushes[r->n_pushes++];
    snprintf(p->id, sizeof p->id, "%s", id);
    snprintf(p->method, sizeof p->method, "%s", method);
    p->params = strdup(params);
    for (i = 0; i < CONNS; i++)
        if (r->conns[i].fd >= 0 && r->conns[i].hello && !r->conns[i].dead) {
            conn__push(&r->conns[i], p);
            conn__flush(r, &r->conns[i]);
        }
    rig__wake(r);
    pthread_mutex_unlock(&r->lock);
}

void rig_hello_extra(struct rig *r, const char *json)
{
    pthread_mutex_lock(&r->lock);
    cJSON_Delete(r->hello_extra);
    r->hello_extra = cJSON_Parse(json);
    pthread_mutex_unlock(&r->lock);
}

void rig_cut(struct rig *r, enum rig_direction d, long n)
{
    LOCKED(r, r->cut[d] = n);
}

static unsigned rig__number(struct rig *r, const unsigned *n)
{
    unsigned v;

    pthread_mutex_lock(&r->lock);
    v = *n;
    pthread_mutex_unlock(&r->lock);
    return v;
}

long rig_bytes(struct rig *r, enum rig_direction d)
{
    long n;

    pthread_mutex_lock(&r->lock);
    n = r->last_bytes[d];
    pthread_mutex_unlock(&r->lock);
    return n;
}

unsigned rig_effects(struct rig *r)
{
    unsigned n;

    pthread_mutex_lock(&r->lock);
    n = (unsigned)cJSON_GetArraySize(r->effects);
    pthread_mutex_unlock(&r->lock);
    return n;
}

cJSON *rig_effect(struct rig *r, unsigned i)
{
    cJSON *o;

    pthread_mutex_lock(&r->lock);
    o = cJSON_Duplicate(cJSON_GetArrayItem(r->effects, (int)i), 1);
    pthread_mutex_unlock(&r->lock);
    return o;
}

static cJSON *rig__find(struct rig *r, const char *method, unsigned i, unsigned *n_out)
{
    cJSON *x, *found = NULL;
    unsigned n = 0;

    cJSON_ArrayForEach(x, r->requests) if (strcmp(text_of(x, "method"), method) == 0)
    {
        if (n++ == i)
            found = cJSON_GetObjectItem(x, "params");
    }
    *n_out = n;
    return found;
}

unsigned rig_requests(struct rig *r, const char *method)
{
    unsigned n;

    pthread_mutex_lock(&r->lock);
    rig__find(r, method, 0, &n);
    pthread_mutex_unlock(&r->lock);
    return n;
}

cJSON *rig_request(struct rig *r, const char *method, unsigned i)
{
    unsigned n;
    cJSON *o;

    pthread_mutex_lock(&r->lock);
    o = cJSON_Duplicate(rig__find(r, method, i, &n), 1);
    pthread_mutex_unlock(&r->lock);
    return o;
}

unsigned rig_hellos(struct rig *r)
{
    return rig__number(r, &r->hellos);
}

unsigned rig_resumed(struct rig *r)
{
    return rig__number(r, &r->resumed);
}

unsigned rig_connections(struct rig *r)
{
    return rig__number(r, &r->connections);
}

unsigned rig_conflicts(struct rig *r)
{
    return rig__number(r, &r->conflicts);
}

static struct push *rig__push(struct rig *r, const char *id)
{
    unsigned i;

    for (i = 0; i < r->n_pushes; i++)
        if (strcmp(r->pushes[i].id, id) == 0)
            return &r->pushes[i];
    rig__fail("no such push");
    return NULL;
}

unsigned rig_acks(struct rig *r, const char *id)
{
    return rig__number(r, &rig__push(r, id)->acks);
}

char *rig_ack(struct rig *r, const char *id)
{
    char *s;

    pthread_mutex_lock(&r->lock);
    s = rig__push(r, id)->ack;
    s = s ? strdup(s) : NULL;
    pthread_mutex_unlock(&r->lock);
    return s;
}

const char *rig_violation(struct rig *r)
{
    return r->violation;
}
