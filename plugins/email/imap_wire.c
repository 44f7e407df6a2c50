/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "imap_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SILENT_MS = 60 * 1000, CONNECT_MS = 20 * 1000, BUFFER = 16 * 1024 };

struct imap_wire {
    int fd, cancel;
    SSL_CTX *ctx;
    SSL *ssl;
    uint64_t allowed;
    char words[IMAP_WIRE_WORDS]; /* not empty: broken */
};

static void broke(struct imap_wire *w, const char *what)
{
    if (!w->words[0])
        (void)snprintf(w->words, sizeof w->words, "%s", what);
}

/* 1: ready, 0: time is over, -1: cancelled or broken. */
static int ready(const struct imap_wire *w, short events, int ms)
{
    struct pollfd p[2] = {{.fd = w->fd, .events = events}, {.fd = w->cancel, .events = POLLIN}};
    int n;

    do
        n = poll(p, 2, ms);
    while (n < 0 && errno == EINTR);
    if (n < 0 || p[1].revents)
        return -1;
    return n == 0 ? 0 : 1;
}

static bool wait_for(struct imap_wire *w, short events)
{
    int n = ready(w, events, SILENT_MS);

    if (n != 1)
        broke(w, n ? "cancelled" : "the server is silent");
    return n == 1;
}

/* ---- TLS ------------------------------------------------------------------------------------------- */

static void broke_tls(struct imap_wire *w, const char *what)
{
    long verify = w->ssl ? SSL_get_verify_result(w->ssl) : X509_V_OK;
    unsigned long e = ERR_peek_last_error();
    const char *reason = e ? ERR_reason_error_string(e) : NULL;
    char text[IMAP_WIRE_WORDS];

    if (verify != X509_V_OK)
        reason = X509_verify_cert_error_string(verify);
    (void)snprintf(text, sizeof text, "%s: %s", what, reason ? reason : "the server closed");
    ERR_clear_error();
    broke(w, text);
}

/* What an SSL_ function said: true, it can be tried again now. */
static bool tls_again(struct imap_wire *w, int said, const char *what)
{
    switch (SSL_get_error(w->ssl, said)) {
    case SSL_ERROR_WANT_READ:
        return wait_for(w, POLLIN);
    case SSL_ERROR_WANT_WRITE:
        return wait_for(w, POLLOUT);
    default:
        broke_tls(w, what);
        return false;
    }
}

static bool authorities(struct imap_wire *w, const char *ca)
{
    X509_STORE *store = SSL_CTX_get_cert_store(w->ctx);
    unsigned n = 0;
    X509 *one;
    BIO *bio;

    if (!ca[0])
        return SSL_CTX_set_default_verify_paths(w->ctx) == 1;
    bio = BIO_new_mem_buf(ca, -1);
    if (!bio)
        return false;
    while ((one = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        n += X509_STORE_add_cert(store, one) == 1;
        X509_free(one);
    }
    ERR_clear_error(); /* the end of the text is one */
    BIO_free(bio);
    return n > 0;
}

/* Names by SNI and certificate; an address only by certificate. */
static bool expect(struct imap_wire *w, char *host)
{
    struct in6_addr any;

    if (inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(w->ssl), host) == 1;
    return SSL_set_tlsext_host_name(w->ssl, host) == 1 && SSL_set1_host(w->ssl, host) == 1;
}

bool imap_wire_tls(struct imap_wire *w, char *host, const char *ca)
{
    int n;

    ERR_clear_error();
    w->ctx = SSL_CTX_new(TLS_client_method());
    if (!w->ctx || SSL_CTX_set_min_proto_version(w->ctx, TLS1_2_VERSION) != 1) {
        broke_tls(w, "TLS");
        return false;
    }
    if (!authorities(w, ca)) {
        broke(w, "imap_ca has no certificate in PEM");
        return false;
    }
    SSL_CTX_set_verify(w->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(w->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    w->ssl = SSL_new(w->ctx);
    if (!w->ssl || !expect(w, host) || SSL_set_fd(w->ssl, w->fd) != 1) {
        broke_tls(w, "TLS");
        return false;
    }
    while ((n = SSL_connect(w->ssl)) != 1)
        if (!tls_again(w, n, "TLS"))
            return false;
    return true;
}

/* ---- libetpan's driver -------------------------------------------------------------------------------- */

static ssize_t low_read(mailstream_low *low, void *buf, size_t n)
{
    struct imap_wire *w = low->data;
    ssize_t k;

    for (;;) {
        if (w->words[0])
            return -1;
        if (w->ssl) {
            ERR_clear_error();
            k = SSL_read(w->ssl, buf, n > INT32_MAX ? INT32_MAX : (int)n);
            if (k <= 0 && tls_again(w, (int)k, "TLS broke"))
                continue;
        } else {
            k = recv(w->fd, buf, n, 0);
            if (k < 0 && (errno == EINTR || (errno == EAGAIN && wait_for(w, POLLIN))))
                continue;
        }
        if (k <= 0) {
            broke(w, k == 0 ? "the server closed" : strerror(errno));
            return -1;
        }
        if ((uint64_t)k > w->allowed) {
            broke(w, "the server sends more than it was asked for");
            return -1;
        }
        w->allowed -= (uint64_t)k;
        return k;
    }
}

static ssize_t low_write(mailstream_low *low, const void *buf, size_t n)
{
    struct imap_wire *w = low->data;
    ssize_t k;

    for (;;) {
        if (w->words[0])
            return -1;
        if (w->ssl) {
            ERR_clear_error();
            k = SSL_write(w->ssl, buf, n > INT32_MAX ? INT32_MAX : (int)n);
            if (k <= 0 && tls_again(w, (int)k, "TLS broke"))
                continue;
        } else {
            k = send(w->fd, buf, n, MSG_NOSIGNAL);
            if (k < 0 && (errno == EINTR || (errno == EAGAIN && wait_for(w, POLLOUT))))
                continue;
        }
        if (k > 0)
            return k;
        broke(w, strerror(errno));
    }
}

static int low_close(mailstream_low *low)
{
    struct imap_wire *w = low->data;

    if (w->fd >= 0)
        (void)close(w->fd);
    w->fd = -1;
    return 0;
}

static int low_fd(mailstream_low *low)
{
    return ((struct imap_wire *)low->data)->fd;
}

static void low_free(mailstream_low *low)
{
    imap_wire_free(low->data);
    free(low);
}

static void low_cancel(mailstream_low *low)
{
    broke(low->data, "cancelled");
}

/* libetpan takes it as one that it could change; it does not. */
static mailstream_low_driver driver = {.mailstream_read = low_read,
                                       .mailstream_write = low_write,
                                       .mailstream_close = low_close,
                                       .mailstream_get_fd = low_fd,
                                       .mailstream_free = low_free,
                                       .mailstream_cancel = low_cancel};

mailstream *imap_wire_stream(struct imap_wire *w)
{
    mailstream_low *low = mailstream_low_new(w, &driver);
    mailstream *s = low ? mailstream_new(low, BUFFER) : NULL;

    if (!s)
        free(low);
    return s;
}

/* ---- the connection ---------------------------------------------------------------------------------------
 */

static int connect_one(const struct addrinfo *a, int cancel, char words[IMAP_WIRE_WORDS])
{
    struct imap_wire w = {.cancel = cancel};
    int error = 0, n, yes = 1;
    socklen_t len = sizeof error;

    w.fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (w.fd < 0) {
        (void)snprintf(words, IMAP_WIRE_WORDS, "socket: %s", strerror(errno));
        return -1;
    }
    if (connect(w.fd, a->ai_addr, a->ai_addrlen) != 0)
        error = errno;
    if (error == EINPROGRESS) {
        n = ready(&w, POLLOUT, CONNECT_MS);
        if (n == 1)
            (void)getsockopt(w.fd, SOL_SOCKET, SO_ERROR, &error, &len);
        else
            error = n ? ECANCELED : ETIMEDOUT;
    }
    if (error) {
        (void)snprintf(words, IMAP_WIRE_WORDS, "connecting: %s", strerror(error));
        (void)close(w.fd);
        return -1;
    }
    (void)setsockopt(w.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    (void)setsockopt(w.fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    return w.fd;
}

struct imap_wire *imap_wire_open(const char *host, uint16_t port, int cancel, char words[IMAP_WIRE_WORDS])
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG};
    struct addrinfo *all = NULL, *a;
    struct imap_wire *w;
    char service[8];
    int rc, fd = -1;

    (void)snprintf(service, sizeof service, "%u", port);
    rc = getaddrinfo(host, service, &hints, &all);
    if (rc != 0) {
        (void)snprintf(words, IMAP_WIRE_WORDS, "%.100s: %s", host, gai_strerror(rc));
        return NULL;
    }
    for (a = all; a && fd < 0; a = a->ai_next)
        fd = connect_one(a, cancel, words);
    freeaddrinfo(all);
    if (fd < 0)
        return NULL;
    w = calloc(1, sizeof *w);
    if (!w) {
        (void)snprintf(words, IMAP_WIRE_WORDS, "no memory");
        (void)close(fd);
        return NULL;
    }
    w->fd = fd;
    w->cancel = cancel;
    return w;
}

void imap_wire_free(struct imap_wire *w)
{
    if (w->ssl)
        SSL_free(w->ssl);
    if (w->ctx)
        SSL_CTX_free(w->ctx);
    if (w->fd >= 0)
        (void)close(w->fd);
    free(w);
}

void imap_wire_allow(struct imap_wire *w, uint64_t bytes)
{
    w->allowed = bytes;
}

int imap_wire_wait(struct imap_wire *w, mailstream *s, int64_t us)
{
    if (s->read_buffer_len > 0 || (w->ssl && SSL_pending(w->ssl) > 0))
        return 1;
    return ready(w, POLLIN, us / 1000 > INT32_MAX ? INT32_MAX : (int)(us / 1000));
}

const char *imap_wire_words(const struct imap_wire *w)
{
    return w->words;
}
