/*
 * What the two programs of the bench of terminals share: an identity by enrolment, and a request. Errors
 * end the program.
 */
#ifndef BENCH_POS_H
#define BENCH_POS_H

#include "net.h"
#include <cjson/cJSON.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

static inline _Noreturn void die(const char *what)
{
    (void)fprintf(stderr, "bench_pos: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static inline int pos_connect(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    net_option(fd, TCP_NODELAY);
    return fd;
}

static inline SSL_CTX *pos_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1)
        die("no TLS");
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    return ctx;
}

static inline SSL *pos_ssl(SSL_CTX *ctx, int fd, const char *alpn)
{
    unsigned char name[32];
    SSL *ssl = SSL_new(ctx);

    name[0] = (unsigned char)strlen(alpn);
    memcpy(name + 1, alpn, name[0]);
    if (!ssl || SSL_set_fd(ssl, fd) != 1 || SSL_set_alpn_protos(ssl, name, name[0] + 1u) != 0)
        die("no TLS");
    SSL_set_connect_state(ssl);
    return ssl;
}

/* One request of the operator's API, its answer's body parsed. */
static inline cJSON *pos_api(int port, const char *key, const char *path, const char *body)
{
    static char text[65536];
    int fd = pos_connect(port), n;
    size_t have = 0;
    ssize_t got;
    const char *json;

    n = snprintf(
        text, sizeof text,
        "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
        "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
        path, key, strlen(body), body);
    if (fd < 0 || write(fd, text, (size_t)n) != n)
        die("the API does not answer");
    while (have < sizeof text - 1 && (got = read(fd, text + have, sizeof text - 1 - have)) > 0)
        have += (size_t)got;
    text[have] = 0;
    (void)close(fd);
    json = strstr(text, "\r\n\r\n");
    return json ? cJSON_Parse(json + 4) : NULL;
}

/* Reads one line of a blocking connection, into a buffer of its own. */
static inline char *pos_line(SSL *ssl)
{
    static char line[1 << 17];
    size_t n = 0, got;

    while (n < sizeof line - 1 && SSL_read_ex(ssl, line + n, sizeof line - 1 - n, &got) == 1) {
        n += got;
        if (line[n - 1] == '\n') {
            line[n - 1] = 0;
            return line;
        }
    }
    return NULL;
}

/* A terminal's certificate for this key. */
static inline X509 *pos_enroll(SSL_CTX *ctx, int port, int http, const char *api_key, const char *store,
                               unsigned terminal, EVP_PKEY *key)
{
    char body[256], *text, *pem, *line;
    cJSON *code, *request = cJSON_CreateObject(), *params, *answer;
    X509_REQ *csr = X509_REQ_new();
    BIO *b = BIO_new(BIO_s_mem());
    int fd = pos_connect(port);
    SSL *ssl = pos_ssl(ctx, fd, "hilo-enroll/1");
    const char *certificate;
    X509 *cert;

    (void)snprintf(body, sizeof body, "{\"store\":\"%s\",\"terminal\":\"%u\",\"role\":\"clerk\"}", store,
                   terminal);
    code = pos_api(http, api_key, "/v1/channels/pos/admin/enrollments", body);
    if (!csr || X509_REQ_set_pubkey(csr, key) != 1 || X509_REQ_sign(csr, key, EVP_sha256()) <= 0 ||
        PEM_write_bio_X509_REQ(b, csr) != 1)
        die("no CSR");
    (void)BIO_write(b, "", 1);
    (void)BIO_get_mem_data(b, &pem);
    cJSON_AddStringToObject(request, "jsonrpc", "2.0");
    cJSON_AddStringToObject(request, "id", "enroll-1");
    cJSON_AddStringToObject(request, "method", "enroll");
    params = cJSON_AddObjectToObject(request, "params");
    cJSON_AddItemToObject(params, "code", cJSON_DetachItemFromObject(code, "code"));
    cJSON_AddStringToObject(params, "csr", pem);
    text = cJSON_PrintUnformatted(request);
    if (fd < 0 || SSL_connect(ssl) != 1 || SSL_write(ssl, text, (int)strlen(text)) <= 0 ||
        SSL_write(ssl, "\n", 1) <= 0 || !(line = pos_line(ssl)))
        die("no enrolment");
    answer = cJSON_Parse(line);
    certificate =
        cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetObjectItem(answer, "result"), "certificate"));
    if (!certificate) {
        (void)fprintf(stderr, "%s\n", line);
        die("not enrolled");
    }
    BIO_free(b);
    b = BIO_new_mem_buf(certificate, -1);
    cert = PEM_read_bio_X509(b, NULL, NULL, NULL);
    BIO_free(b);
    SSL_free(ssl);
    (void)close(fd);
    X509_REQ_free(csr);
    cJSON_free(text);
    cJSON_Delete(code);
    cJSON_Delete(request);
    cJSON_Delete(answer);
    return cert;
}

#endif
