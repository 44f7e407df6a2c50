/* See till_client.h. Limits: a frame of 1 MiB. */
#include "till_client.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { FRAME_MAX = 1 << 20 };

/* ---- certificates ---- */

EVP_PKEY *cert_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    assert_non_null(key);
    return key;
}

static void cert_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(e);
    assert_int_equal(X509_add_ext(cert, e, -1), 1);
    X509_EXTENSION_free(e);
}

X509 *cert_make(EVP_PKEY *key, const char *name, const char *uri, long from_s, long to_s, X509 *ca_cert,
                EVP_PKEY *ca_key)
{
    X509 *cert = X509_new();
    X509_NAME *subject;
    char san[256];

    assert_non_null(cert);
    assert_int_equal(X509_set_version(cert, 2), 1);
    assert_int_equal(ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), (uint64_t)random() + 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), from_s));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), to_s));
    subject = X509_get_subject_name(cert);
    assert_int_equal(
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0), 1);
    assert_int_equal(X509_set_issuer_name(cert, ca_cert ? X509_get_subject_name(ca_cert) : subject), 1);
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    if (ca_cert) {
        cert_extension(cert, ca_cert, NID_basic_constraints, "critical,CA:FALSE");
        cert_extension(cert, ca_cert, NID_key_usage, "critical,digitalSignature");
        cert_extension(cert, ca_cert, NID_ext_key_usage, "clientAuth");
    } else {
        cert_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE");
        cert_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign");
        cert_extension(cert, cert, NID_subject_key_identifier, "hash");
    }
    if (uri) {
        (void)snprintf(san, sizeof san, "URI:%s", uri);
        cert_extension(cert, ca_cert ? ca_cert : cert, NID_subject_alt_name, san);
    }
    assert_true(X509_sign(cert, ca_cert ? ca_key : key, EVP_sha256()) > 0);
    return cert;
}

static char *bio_text(BIO *b)
{
    char *p, *text;
    long n = BIO_get_mem_data(b, &p);

    assert_true(n > 0);
    text = strndup(p, (size_t)n);
    assert_non_null(text);
    BIO_free(b);
    return text;
}

char *cert_pem(X509 *cert)
{
    BIO *b = BIO_new(BIO_s_mem());

    assert_int_equal(PEM_write_bio_X509(b, cert), 1);
    return bio_text(b);
}

char *cert_key_pem(EVP_PKEY *key)
{
    BIO *b = BIO_new(BIO_s_mem());

    assert_int_equal(PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL), 1);
    return bio_text(b);
}

char *cert_request(EVP_PKEY *key)
{
    X509_REQ *csr = X509_REQ_new();
    BIO *b = BIO_new(BIO_s_mem());

    assert_non_null(csr);
    assert_int_equal(X509_REQ_set_pubkey(csr, key), 1);
    assert_true(X509_REQ_sign(csr, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509_REQ(b, csr), 1);
    X509_REQ_free(csr);
    return bio_text(b);
}

X509 *cert_read(const char *pem)
{
    BIO *b = BIO_new_mem_buf(pem, -1);
    X509 *cert = PEM_read_bio_X509(b, NULL, NULL, NULL);

    BIO_free(b);
    return cert;
}

void till_id_done(struct till_id *id)
{
    EVP_PKEY_free(id->key);
    X509_free(id->cert);
    free(id->ca);
    memset(id, 0, sizeof *id);
}

/* ---- a line ---- */

/* TLS 1.3 ends the client's handshake before the gateway has judged its certificate: the alert comes later.
 */
static void line_info(const SSL *ssl, int where, int ret)
{
    struct till_line *l = SSL_get_app_data(ssl);

    if (where == SSL_CB_READ_ALERT && (ret & 0xff) != SSL_AD_CLOSE_NOTIFY)
        l->alert = ret & 0xff;
}

static int line_ticket(SSL *ssl, SSL_SESSION *session)
{
    struct till_line *l = SSL_get_app_data(ssl);

    SSL_SESSION_free(l->session);
    l->session = session;
    return 1; /* it is ours now */
}

static int line_socket(const struct till_dial *d)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)d->port)}, from = to;
    const struct timeval wait = {DEADLINE_S, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    assert_true(fd >= 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    from.sin_port = 0;
    if (d->from) {
        assert_int_equal(inet_pton(AF_INET, d->from, &from.sin_addr), 1);
        assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one), 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    }
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
    if (d->receive)
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &d->receive, sizeof d->receive), 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void line_believes(SSL_CTX *ctx, const char *pem)
{
    BIO *b = BIO_new_mem_buf(pem, -1);
    unsigned n = 0;
    X509 *ca;

    for (; (ca = PEM_read_bio_X509(b, NULL, NULL, NULL)); n++) {
        assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca), 1);
        X509_free(ca);
    }
    BIO_free(b);
    ERR_clear_error(); /* that there is no more */
    assert_true(n > 0);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
}

bool till_dial(struct till_line *l, const struct till_dial *d)
{
    const char *ca = d->ca ? d->ca : d->id ? d->id->ca : NULL;
    unsigned char alpn[64];

    memset(l, 0, sizeof *l);
    l->alert = -1;
    l->fd = line_socket(d);
    if (l->fd < 0)
        return false;
    l->ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(l->ctx);
    if (d->tls_max)
        assert_int_equal(SSL_CTX_set_max_proto_version(l->ctx, d->tls_max), 1);
    (void)SSL_CTX_set_session_cache_mode(l->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(l->ctx, line_ticket);
    SSL_CTX_set_info_callback(l->ctx, line_info);
    if (ca) {
        line_believes(l->ctx, ca);
    }
    if (d->id) {
        assert_int_equal(SSL_CTX_use_certificate(l->ctx, d->id->cert), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(l->ctx, d->id->key), 1);
    }
    l->ssl = SSL_new(l->ctx);
    assert_non_null(l->ssl);
    (void)SSL_set_app_data(l->ssl, l);
    if (ca)
        assert_int_equal(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(l->ssl), "127.0.0.1"), 1);
    if (d->alpn) {
        size_t n = strlen(d->alpn);

        assert_true(n < sizeof alpn);
        alpn[0] = (unsigned char)n;
        memcpy(alpn + 1, d->alpn, n);
        assert_int_equal(SSL_set_alpn_protos(l->ssl, alpn, (unsigned)n + 1), 0);
    }
    if (d->session)
        assert_int_equal(SSL_set_session(l->ssl, d->session), 1);
    assert_int_equal(SSL_set_fd(l->ssl, l->fd), 1);
    return SSL_connect(l->ssl) == 1;
}

void till_close(struct till_line *l)
{
    SSL_free(l->ssl);
    SSL_CTX_free(l->ctx);
    SSL_SESSION_free(l->session);
    if (l->fd >= 0)
        (void)close(l->fd);
    free(l->in);
    free(l->line);
    memset(l, 0, sizeof *l);
    l->fd = -1;
}

bool till_put(struct till_line *l, const void *p, size_t n)
{
    const char *at = p;
    size_t sent;

    while (n > 0) {
        if (SSL_write_ex(l->ssl, at, n < 16384 ? n : 16384, &sent) != 1)
            return false;
        at += sent;
        n -= sent;
    }
    return true;
}

bool till_puts(struct till_line *l, const char *text)
{
    return till_put(l, text, strlen(text));
}

const char *till_frame(struct till_line *l)
{
    for (;;) {
        char *lf = l->n ? memchr(l->in, '\n', l->n) : NULL;
        size_t got;

        if (lf) {
            size_t n = (size_t)(lf - l->in);

            free(l->line);
            l->line = strndup(l->in, n);
            assert_non_null(l->line);
            l->n -= n + 1;
            memmove(l->in, lf + 1, l->n);
            return l->line;
        }
        if (l->cap - l->n < 16384) {
            assert_true(l->n < FRAME_MAX);
            l->cap = l->n + 65536;
            l->in = realloc(l->in, l->cap);
            assert_non_null(l->in);
        }
        errno = 0;
        if (SSL_read_ex(l->ssl, l->in + l->n, l->cap - l->n, &got) != 1) {
            if (errno == EAGAIN || errno == EWOULDBLOCK)
                fail_msg("nothing came from the gateway in %d s", DEADLINE_S);
            return NULL;
        }
        l->n += got;
    }
}

bool till_more(const struct till_line *l)
{
    return (l->n > 0 && memchr(l->in, '\n', l->n)) || SSL_pending(l->ssl) > 0;
}

cJSON *till_json(struct till_line *l)
{
    const char *frame = till_frame(l);
    cJSON *json = frame ? cJSON_Parse(frame) : NULL;

    if (frame && !json)
        fail_msg("no JSON: %s", frame);
    return json;
}

void till_wait_end(struct till_line *l)
{
    while (till_frame(l))
        ;
}

bool till_ask(struct till_line *l, const char *id, const char *method, const char *params)
{
    char *text;
    bool sent;

    assert_true(asprintf(&text, "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"method\":\"%s\",\"params\":%s}\n", id,
                         method, params ? params : "{}") > 0);
    sent = till_puts(l, text);
    free(text);
    return sent;
}

cJSON *till_answer(struct till_line *l, const char *id)
{
    cJSON *json;

    while ((json = till_json(l))) {
        const cJSON *its = cJSON_GetObjectItemCaseSensitive(json, "id");
        char ack[512];

        if (!cJSON_HasObjectItem(json, "method")) {
            if (cJSON_IsNull(its) || strcmp(cJSON_GetStringValue(its), id) == 0)
                return json;
            fail_msg("an answer to %s, not to %s", cJSON_GetStringValue(its), id);
        }
        assert_true(cJSON_IsString(its));
        (void)snprintf(ack, sizeof ack, "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"result\":{}}\n",
                       its->valuestring);
        cJSON_Delete(json);
        if (!till_puts(l, ack))
            return NULL;
    }
    return NULL;
}

cJSON *till_call(struct till_line *l, const char *id, const char *method, const char *params_fmt, ...)
{
    char *params;
    cJSON *answer;
    va_list ap;

    va_start(ap, params_fmt);
    assert_true(vasprintf(&params, params_fmt, ap) >= 0);
    va_end(ap);
    answer = till_ask(l, id, method, params) ? till_answer(l, id) : NULL;
    free(params);
    return answer;
}

void till_hello(struct till_line *l, const struct till_dial *d)
{
    struct till_dial raw = *d;
    cJSON *answer;

    raw.alpn = "hilo-pos/1";
    if (!till_dial(l, &raw))
        fail_msg("no TLS with the gateway, alert %d", l->alert);
    answer = till_call(l, "hello-1", "hello", "{\"protocol\":1,\"software\":\"test 1\"}");
    if (!answer)
        fail_msg("no answer to hello, alert %d", l->alert);
    assert_string_equal(cJSON_GetStringValue(json_at(answer, "result/store")), d->id->store);
    assert_string_equal(cJSON_GetStringValue(json_at(answer, "result/terminal")), d->id->terminal);
    cJSON_Delete(answer);
}

void till_is_error(cJSON *answer, int code, const char *reason)
{
    const cJSON *its = json_at(answer, "error/code"), *why = json_at(answer, "error/data/reason");

    if (!its || its->valueint != code ||
        (reason && (!why || strcmp(cJSON_GetStringValue(why), reason) != 0))) {
        char *text = cJSON_PrintUnformatted(answer);

        fail_msg("not error %d (%s) but %s", code, reason ? reason : "any", text ? text : "the line's end");
    }
    cJSON_Delete(answer);
}

void till_is_result(cJSON *answer)
{
    if (!json_at(answer, "result")) {
        char *text = cJSON_PrintUnformatted(answer);

        fail_msg("no result but %s", text ? text : "the line's end");
    }
    cJSON_Delete(answer);
}

/* ---- enrolment ---- */

char *till_invite(struct gate *g, const char *store, const char *terminal, const char *role)
{
    struct answer a =
        gate_post(g, "/v1/channels/wa/admin/enrollments",
                  "{\"store\":\"%s\",\"terminal\":\"%s\",\"role\":\"%s\"}", store, terminal, role);
    char *code;

    if (a.status != 201)
        fail_msg("no code for %s/%s: %ld %s", store, terminal, a.status, a.body);
    code = strdup(answer_str(&a, "code"));
    assert_non_null(code);
    answer_done(&a);
    return code;
}

void till_enroll(struct gate *g, int port, const char *store, const char *terminal, const char *role,
                 struct till_id *out)
{
    const struct till_dial how = {.port = port, .alpn = "hilo-enroll/1"};
    char *code = till_invite(g, store, terminal, role ? role : "clerk"), *csr;
    struct till_line l;
    cJSON *params = cJSON_CreateObject(), *answer;
    char *text;

    memset(out, 0, sizeof *out);
    (void)snprintf(out->store, sizeof out->store, "%s", store);
    (void)snprintf(out->terminal, sizeof out->terminal, "%s", terminal);
    out->key = cert_key();
    csr = cert_request(out->key);
    assert_non_null(cJSON_AddStringToObject(params, "code", code));
    assert_non_null(cJSON_AddStringToObject(params, "csr", csr));
    text = cJSON_PrintUnformatted(params);
    if (!till_dial(&l, &how))
        fail_msg("no TLS for enrolment, alert %d", l.alert);
    answer = till_ask(&l, "enroll-1", "enroll", text) ? till_answer(&l, "enroll-1") : NULL;
    if (!json_at(answer, "result/certificate"))
        fail_msg("not enrolled: %s", answer ? cJSON_Print(answer) : "the line's end");
    out->cert = cert_read(cJSON_GetStringValue(json_at(answer, "result/certificate")));
    out->ca = strdup(cJSON_GetStringValue(json_at(answer, "result/ca")));
    assert_non_null(out->cert);
    assert_non_null(out->ca);
    cJSON_Delete(answer);
    cJSON_Delete(params);
    cJSON_free(text);
    free(csr);
    free(code);
    till_close(&l);
}
