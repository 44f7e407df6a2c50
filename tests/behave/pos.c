#include "pos.h"
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- a gateway ---------------------------------------------------------------------------------- */

/* more: lines of the channel. Waits until it listens. */
struct rig *up(const char *more)
{
    static struct rig r;

    (void)signal(SIGPIPE,
                 SIG_IGN); /* a till writes to a gateway that may have hung up: that is an error to see */
    memset(&r, 0, sizeof r);
    scratch_init(&r.scratch);
    r.port = free_port();
    (void)snprintf(r.lines, sizeof r.lines,
                   "    listen: \"127.0.0.1:%d\"\n    names: localhost, 127.0.0.1\n    country: CO\n    "
                   "in_doubt: resend\n%s",
                   r.port, more);
    r.gate.type = "pos";
    r.gate.channel = r.lines;
    gate_start(&r.gate, &r.scratch, NULL);
    (void)process_wait_nth(r.gate.process, 1, "channel.state", "text=\"listening\"", NULL);
    return &r;
}

void down(struct rig *r)
{
    gate_stop(&r->gate);
    gate_check_store(&r->gate);
    process_free(&r->gate.process);
    scratch_done(&r->scratch);
}

/* kill -9, and again until it listens. */
void crash(struct rig *r)
{
    gate_kill(&r->gate);
    gate_again(&r->gate);
    (void)process_wait_nth(r->gate.process, 1, "channel.state", "text=\"listening\"", NULL);
}

void refused(struct rig *r, const char *reason)
{
    char word[64];

    (void)snprintf(word, sizeof word, "pos.refused reason=%s ", reason);
    (void)process_wait_line(r->gate.process, word, NULL);
}

/* ---- JSON --------------------------------------------------------------------------------- */

const char *text_of(const cJSON *json, const char *path)
{
    const cJSON *v = json_at(json, path);

    return cJSON_IsString(v) ? v->valuestring : "";
}

static void show(const cJSON *json)
{
    char *text = json ? cJSON_Print(json) : NULL;

    print_message("%s\n", text ? text : "(no frame)");
    free(text);
}

void is_error(cJSON *answer, int code, const char *reason)
{
    const cJSON *c = json_at(answer, "error/code");

    if (!cJSON_IsNumber(c) || c->valueint != code ||
        strcmp(text_of(answer, "error/data/reason"), reason) != 0) {
        show(answer);
        fail_msg("error %d %s was expected", code, reason);
    }
    cJSON_Delete(answer);
}

const cJSON *result_of(const cJSON *answer)
{
    const cJSON *r = json_at(answer, "result");

    if (!r) {
        show(answer);
        fail_msg("a result was expected");
    }
    return r;
}

/* ---- enrolment ---------------------------------------------------------------------------------- */

static char *pem_csr(EVP_PKEY *key)
{
    X509_REQ *req = X509_REQ_new();
    BIO *bio = BIO_new(BIO_s_mem());
    char *p, *text;
    long n;

    assert_non_null(req);
    assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
    assert_true(X509_REQ_sign(req, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509_REQ(bio, req), 1);
    n = BIO_get_mem_data(bio, &p);
    text = strndup(p, (size_t)n);
    BIO_free(bio);
    X509_REQ_free(req);
    return text;
}

static X509 *pem_cert(const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    assert_non_null(x);
    return x;
}

void till_enroll(struct till *t, struct gate *g, int port, const char *store, const char *terminal,
                 const char *role)
{
    cJSON *params = cJSON_CreateObject(), *answer;
    struct answer a;
    char *csr, *text;

    memset(t, 0, sizeof *t);
    t->gate = g;
    t->port = port;
    t->fd = -1;
    t->pushes = cJSON_CreateArray();
    t->key = EVP_EC_gen("P-256");
    assert_non_null(t->key);
    a = gate_post(g, "/v1/channels/wa/admin/enrollments",
                  "{\"store\":\"%s\",\"terminal\":\"%s\",\"role\":\"%s\"}", store, terminal, role);
    assert_true(a.status == 200 || a.status == 201);
    csr = pem_csr(t->key);
    cJSON_AddStringToObject(params, "code", answer_str(&a, "code"));
    cJSON_AddStringToObject(params, "csr", csr);
    answer_done(&a);
    text = cJSON_PrintUnformatted(params);
    cJSON_Delete(params);
    free(csr);
    assert_true(till_connect(t, "hilo-enroll/1", TILL_NO_CERT));
    answer = till_ask(t, "enroll", "enroll", "%s", text);
    free(text);
    t->cert = pem_cert(text_of(result_of(answer), "certificate"));
    t->ca = pem_cert(text_of(result_of(answer), "ca"));
    cJSON_Delete(answer);
    till_close(t);
}

void till_free(struct till *t)
{
    till_close(t);
    SSL_SESSION_free(t->session);
    X509_free(t->cert);
    X509_free(t->ca);
    EVP_PKEY_free(t->key);
    cJSON_Delete(t->pushes);
    memset(t, 0, sizeof *t);
    t->fd = -1;
}

/* ---- the connection ------------------------------------------------------------------------------- */

static int dial(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval tv = {DEADLINE_S, 0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

bool till_connect(struct till *t, const char *alpn, unsigned flags)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    unsigned char protos[64];
    bool ok;

    assert_non_null(ctx);
    till_close(t);
    if (flags & TILL_OLD_TLS)
        SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    if (t->ca) {
        assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), t->ca), 1);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    }
    if (t->cert && !(flags & TILL_NO_CERT)) {
        assert_int_equal(SSL_CTX_use_certificate(ctx, t->cert), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(ctx, t->key), 1);
    }
    if (alpn) {
        protos[0] = (unsigned char)strlen(alpn);
        memcpy(protos + 1, alpn, protos[0]);
        assert_int_equal(SSL_CTX_set_alpn_protos(ctx, protos, protos[0] + 1u), 0);
    }
    t->fd = dial(t->port);
    t->ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    assert_int_equal(SSL_set_fd(t->ssl, t->fd), 1);
    if (flags & TILL_RESUME && t->session)
        assert_int_equal(SSL_set_session(t->ssl, t->session), 1);
    ok = SSL_connect(t->ssl) == 1;
    ERR_clear_error();
    return ok;
}

void till_close(struct till *t)
{
    if (t->ssl) {
        SSL_SESSION_free(t->session);
        t->session = SSL_get1_session(t->ssl);
        (void)SSL_shutdown(t->ssl);
        SSL_free(t->ssl);
        t->ssl = NULL;
        ERR_clear_error();
    }
    if (t->fd >= 0)
        (void)close(t->fd);
    t->fd = -1;
    t->n = 0;
    t->ws = false;
}

void till_raw(struct till *t, const void *p, size_t n)
{
    assert_int_equal(SSL_write(t->ssl, p, (int)n), (int)n);
}

/* False: the connection ended. */
static bool fill(struct till *t)
{
    int n;

    assert_true(t->n < sizeof t->buf);
    n = SSL_read(t->ssl, t->buf + t->n, (int)(sizeof t->buf - t->n));
    if (n <= 0) {
        int e = SSL_get_error(t->ssl, n);

        ERR_clear_error();
        if (e == SSL_ERROR_WANT_READ)
            fail_msg("the gateway said nothing for %d seconds", DEADLINE_S);
        return false;
    }
    t->n += (size_t)n;
    return true;
}

static void drop(struct till *t, size_t n)
{
    memmove(t->buf, t->buf + n, t->n - n);
    t->n -= n;
}

int till_upgrade(struct till *t, const char *path, const char *more)
{
    char head[1024], *end;
    int status;

    (void)snprintf(head, sizeof head,
                   "GET %s HTTP/1.1\r\nHost: pos\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   "Sec-WebSocket-Protocol: hilo-pos.1\r\n%s\r\n",
                   path, more);
    till_raw(t, head, strlen(head));
    while (t->n < 12 || !(end = memmem(t->buf, t->n, "\r\n\r\n", 4)))
        assert_true(fill(t));
    status = atoi(t->buf + 9);
    if (status == 101) /* the example of RFC 6455, section 1.3 */
        assert_non_null(memmem(t->buf, t->n, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", 52));
    drop(t, (size_t)(end + 4 - t->buf));
    t->ws = status == 101;
    return status;
}

void till_ws(struct till *t, unsigned opcode, bool fin, const void *p, size_t n)
{
    unsigned char *f = malloc(n + 14);
    size_t h = 0, i;

    f[h++] = (unsigned char)((fin ? 0x80 : 0) | opcode);
    if (n < 126) {
        f[h++] = (unsigned char)(0x80 | n);
    } else if (n < 65536) {
        f[h++] = 0x80 | 126;
        f[h++] = (unsigned char)(n >> 8);
        f[h++] = (unsigned char)n;
    } else {
        f[h++] = 0x80 | 127;
        for (i = 0; i < 8; i++)
            f[h++] = (unsigned char)((uint64_t)n >> (56 - 8 * i));
    }
    memcpy(f + h, "\x11\x22\x33\x44", 4);
    for (i = 0; i < n; i++)
        f[h + 4 + i] = (unsigned char)(((const unsigned char *)p)[i] ^ f[h + i % 4]);
    till_raw(t, f, h + 4 + n);
    free(f);
}

void till_frame(struct till *t, const char *text)
{
    if (t->ws) {
        till_ws(t, 1, true, text, strlen(text));
    } else {
        till_raw(t, text, strlen(text));
        till_raw(t, "\n", 1);
    }
}

/* Of a server: not masked. A close frame is the end; pings are left out. */
static cJSON *next_ws(struct till *t)
{
    for (;;) {
        const unsigned char *f = (const unsigned char *)t->buf;
        size_t h = 2, n, i;
        cJSON *json;

        while (t->n < 2)
            if (!fill(t))
                return NULL;
        n = f[1];
        h += n == 126 ? 2 : n == 127 ? 8 : 0;
        while (t->n < h)
            if (!fill(t))
                return NULL;
        if (h > 2)
            for (n = 0, i = 2; i < h; i++)
                n = n << 8 | f[i];
        while (t->n < h + n)
            if (!fill(t))
                return NULL;
        if ((f[0] & 15) == 8)
            return cJSON_CreateNumber(f[h] << 8 | f[h + 1]);
        json = (f[0] & 15) == 1 ? cJSON_ParseWithLength(t->buf + h, n) : NULL;
        drop(t, h + n);
        if (json)
            return json;
    }
}

cJSON *till_next(struct till *t)
{
    char *end;
    cJSON *json;

    if (t->ws)
        return next_ws(t);
    while (!(end = memchr(t->buf, '\n', t->n)))
        if (!fill(t))
            return NULL;
    json = cJSON_ParseWithLength(t->buf, (size_t)(end - t->buf));
    assert_non_null(json);
    drop(t, (size_t)(end + 1 - t->buf));
    return json;
}

cJSON *till_ask(struct till *t, const char *id, const char *method, const char *fmt, ...)
{
    char *params = NULL, *frame = NULL;
    va_list ap;
    cJSON *json;

    va_start(ap, fmt);
    assert_true(vasprintf(&params, fmt, ap) >= 0);
    va_end(ap);
    assert_true(asprintf(&frame, "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"method\":\"%s\",\"params\":%s}", id,
                         method, params) > 0);
    till_frame(t, frame);
    free(frame);
    free(params);
    while ((json = till_next(t))) {
        if (strcmp(text_of(json, "id"), id) == 0)
            return json;
        if (json_at(json, "method"))
            cJSON_AddItemToArray(t->pushes, json);
        else
            cJSON_Delete(json);
    }
    fail_msg("the connection ended before %s was answered", method);
    return NULL;
}

void till_open(struct till *t)
{
    cJSON *a;

    assert_true(till_connect(t, "hilo-pos/1", 0));
    a = till_ask(t, "hello", "hello",
                 "{\"protocol\":1,\"software\":\"test\",\"capabilities\":[\"message.show\",\"choice.ask\","
                 "\"print\"]}");
    (void)result_of(a);
    cJSON_Delete(a);
}

cJSON *till_push(struct till *t, const char *method)
{
    cJSON *p, *next;

    for (p = t->pushes->child; p; p = next) {
        next = p->next;
        if (strcmp(text_of(p, "method"), method) == 0)
            return cJSON_DetachItemViaPointer(t->pushes, p);
    }
    while ((p = till_next(t))) {
        if (strcmp(text_of(p, "method"), method) == 0)
            return p;
        cJSON_Delete(p);
    }
    fail_msg("the connection ended before %s came", method);
    return NULL;
}

void till_answer(struct till *t, const cJSON *push)
{
    char frame[256];

    (void)snprintf(frame, sizeof frame, "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"result\":{}}",
                   text_of(push, "id"));
    till_frame(t, frame);
}

void till_ended(struct till *t)
{
    cJSON *json;

    while ((json = till_next(t))) {
        bool over = cJSON_IsNumber(json);

        cJSON_Delete(json);
        if (over)
            break;
    }
    till_close(t);
}
