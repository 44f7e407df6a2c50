/*
 * A mail server of the tests' own: RFC 5321 written by hand, a thread for each connection, with STARTTLS and
 * AUTH PLAIN. What it says where is set before it is asked; what it got is looked at afterwards.
 */
#ifndef EMAIL_RELAY_H
#define EMAIL_RELAY_H

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RELAY_MAILS = 256, RELAY_LINE = 4096, RELAY_CONNS = 64 };

struct relay_mail {
    char mail[RELAY_LINE], rcpt[RELAY_LINE], auth[512];
    char *data; /* as it came, dots unstuffed */
    size_t n;
    bool tls, client_cert;
    unsigned conn;
};
struct test_relay {
    /* what it says; NULL: what is usual. "" for final: hangs up without a word. */
    const char *greeting, *ehlo, *mail, *rcpt, *data, *final, *auth;
    bool starttls, implicit, hang_in_data, idle_close; /* implicit: TLS from the first byte */
    SSL_CTX *ctx;
    /* what it got */
    pthread_mutex_t lock;
    struct relay_mail got[RELAY_MAILS];
    unsigned n_got, n_conn, n_quit;
    /* itself */
    int listening, port;
    pthread_t thread, conn[RELAY_CONNS];
    char url[64];
};
struct relay_conn {
    struct test_relay *r;
    int fd;
    SSL *ssl;
    unsigned nr;
    char in[RELAY_LINE];
    size_t n;
};

static inline ssize_t conn_read(struct relay_conn *c, char *to, size_t n)
{
    return c->ssl ? SSL_read(c->ssl, to, (int)n) : read(c->fd, to, n);
}
static inline void conn_say(struct relay_conn *c, const char *s)
{
    char line[RELAY_LINE];
    int n = snprintf(line, sizeof line, "%s\r\n", s);

    if (c->ssl)
        (void)SSL_write(c->ssl, line, n);
    else
        (void)send(c->fd, line, (size_t)n, MSG_NOSIGNAL);
}
/* A line without its CRLF; false: it is over. Bare LF is none. */
static inline bool conn_line(struct relay_conn *c, char out[RELAY_LINE], size_t *n)
{
    char *eol;

    while (!(eol = memmem(c->in, c->n, "\r\n", 2))) {
        ssize_t got = c->n < sizeof c->in ? conn_read(c, c->in + c->n, sizeof c->in - c->n) : -1;

        if (got <= 0)
            return false;
        c->n += (size_t)got;
    }
    *n = (size_t)(eol - c->in);
    memcpy(out, c->in, *n);
    out[*n] = '\0';
    c->n -= *n + 2;
    memmove(c->in, eol + 2, c->n);
    return true;
}

static inline bool conn_data(struct relay_conn *c, struct relay_mail *m)
{
    char line[RELAY_LINE];
    size_t n, cap = 1 << 16;

    m->data = malloc(cap);
    for (;;) {
        if (!conn_line(c, line, &n))
            return false;
        if (n == 1 && line[0] == '.')
            break;
        if (m->n + n + 3 > cap)
            m->data = realloc(m->data, cap *= 2);
        memcpy(m->data + m->n, line[0] == '.' ? line + 1 : line, n - (line[0] == '.'));
        m->n += n - (line[0] == '.');
        memcpy(m->data + m->n, "\r\n", 3);
        m->n += 2;
    }
    return true;
}

static inline void conn_ehlo(struct relay_conn *c)
{
    struct test_relay *r = c->r;

    conn_say(c, "250-relay.example greets you");
    conn_say(c, "250-8BITMIME");
    if (r->starttls && !c->ssl)
        conn_say(c, "250-STARTTLS");
    if (r->auth && (c->ssl || !r->starttls))
        conn_say(c, "250-AUTH PLAIN LOGIN XOAUTH2");
    conn_say(c, r->ehlo ? r->ehlo : "250 SIZE 10000000");
}

static inline bool conn_tls(struct relay_conn *c)
{
    c->ssl = SSL_new(c->r->ctx);
    (void)SSL_set_fd(c->ssl, c->fd);
    c->n = 0;
    return SSL_accept(c->ssl) == 1;
}

static inline void conn_serve(struct relay_conn *c)
{
    struct test_relay *r = c->r;
    struct relay_mail m = {.conn = c->nr};
    char line[RELAY_LINE];
    size_t n;

    if (r->implicit && !conn_tls(c))
        return;
    conn_say(c, r->greeting ? r->greeting : "220 relay.example ESMTP");
    while (conn_line(c, line, &n)) {
        if (strncasecmp(line, "EHLO ", 5) == 0 || strncasecmp(line, "HELO ", 5) == 0) {
            conn_ehlo(c);
        } else if (strcasecmp(line, "STARTTLS") == 0) {
            conn_say(c, "220 2.0.0 go ahead");
            if (!conn_tls(c))
                return;
        } else if (strncasecmp(line, "AUTH ", 5) == 0) {
            (void)snprintf(m.auth, sizeof m.auth, "%.500s", line + 5);
            conn_say(c, r->auth);
        } else if (strncasecmp(line, "MAIL FROM:", 10) == 0) {
            (void)snprintf(m.mail, sizeof m.mail, "%s", line + 10);
            conn_say(c, r->mail ? r->mail : "250 2.1.0 ok");
        } else if (strncasecmp(line, "RCPT TO:", 8) == 0) {
            (void)snprintf(m.rcpt, sizeof m.rcpt, "%s", line + 8);
            conn_say(c, r->rcpt ? r->rcpt : "250 2.1.5 ok");
        } else if (strcasecmp(line, "DATA") == 0) {
            conn_say(c, r->data ? r->data : "354 go ahead");
            if (r->data)
                continue;
            if (r->hang_in_data || !conn_data(c, &m)) {
                free(m.data);
                return;
            }
            m.tls = c->ssl != NULL;
            if (c->ssl) {
                X509 *cert = SSL_get_peer_certificate(c->ssl);

                m.client_cert = cert != NULL;
                X509_free(cert);
            }
            pthread_mutex_lock(&r->lock);
            if (r->n_got < RELAY_MAILS)
                r->got[r->n_got++] = m;
            pthread_mutex_unlock(&r->lock);
            m.data = NULL;
            m.n = 0;
            if (r->final && !*r->final)
                return;
            conn_say(c, r->final ? r->final : "250 2.0.0 queued as 42");
            if (r->idle_close)
                return;
        } else if (strcasecmp(line, "QUIT") == 0) {
            pthread_mutex_lock(&r->lock);
            r->n_quit++;
            pthread_mutex_unlock(&r->lock);
            conn_say(c, "221 bye");
            return;
        } else {
            conn_say(c, "500 5.5.1 what?");
        }
    }
}

static inline void *conn_main(void *arg)
{
    struct relay_conn *c = arg;

    conn_serve(c);
    SSL_free(c->ssl);
    (void)close(c->fd);
    free(c);
    return NULL;
}

static inline void *relay_main(void *arg)
{
    struct test_relay *r = arg;
    unsigned n = 0;
    int fd;

    while (n < RELAY_CONNS && (fd = accept(r->listening, NULL, NULL)) >= 0) {
        struct relay_conn *c = calloc(1, sizeof *c);

        c->r = r;
        c->fd = fd;
        pthread_mutex_lock(&r->lock);
        c->nr = r->n_conn++;
        pthread_mutex_unlock(&r->lock);
        (void)pthread_create(&r->conn[n++], NULL, conn_main, c);
    }
    while (n)
        (void)pthread_join(r->conn[--n], NULL);
    return NULL;
}

static inline void relay_start(struct test_relay *r)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;

    (void)pthread_mutex_init(&r->lock, NULL);
    r->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(r->listening, (struct sockaddr *)&a, sizeof a) || listen(r->listening, 64) ||
        getsockname(r->listening, (struct sockaddr *)&a, &n))
        abort();
    r->port = ntohs(a.sin_port);
    (void)snprintf(r->url, sizeof r->url, r->implicit ? "smtps://127.0.0.1:%d" : "smtp://127.0.0.1:%d",
                   r->port);
    (void)pthread_create(&r->thread, NULL, relay_main, r);
}
/* Until no connection is open any more: those who opened them close them. */
static inline void relay_join(struct test_relay *r)
{
    if (r->listening < 0)
        return;
    (void)shutdown(r->listening, SHUT_RDWR);
    (void)pthread_join(r->thread, NULL);
    (void)close(r->listening);
    r->listening = -1;
}
static inline void relay_stop(struct test_relay *r)
{
    unsigned i;

    relay_join(r);
    for (i = 0; i < r->n_got; i++)
        free(r->got[i].data);
    SSL_CTX_free(r->ctx);
    (void)pthread_mutex_destroy(&r->lock);
    memset(r, 0, sizeof *r);
}

/* ---- certificates: each for 127.0.0.1 and signed by itself
 * ---------------------------------------------------- */

struct test_cert {
    EVP_PKEY *key;
    X509 *cert;
    char key_pem[4096], cert_pem[4096];
};
static inline void cert_pem(BIO *bio, char *out)
{
    int n = BIO_read(bio, out, 4095);

    out[n > 0 ? n : 0] = '\0';
    BIO_free(bio);
}
static inline void cert_make(struct test_cert *c)
{
    BIO *bio = BIO_new(BIO_s_mem());
    X509_EXTENSION *name = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    X509_NAME *subject;

    c->key = EVP_EC_gen("P-256");
    c->cert = X509_new();
    (void)X509_set_version(c->cert, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(c->cert), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(c->cert), -3600);
    (void)X509_gmtime_adj(X509_getm_notAfter(c->cert), 86400);
    subject = X509_get_subject_name(c->cert);
    (void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)"relay", -1, -1, 0);
    (void)X509_set_issuer_name(c->cert, subject);
    (void)X509_set_pubkey(c->cert, c->key);
    (void)X509_add_ext(c->cert, name, -1);
    X509_EXTENSION_free(name);
    (void)X509_sign(c->cert, c->key, EVP_sha256());
    (void)PEM_write_bio_X509(bio, c->cert);
    cert_pem(bio, c->cert_pem);
    bio = BIO_new(BIO_s_mem());
    (void)PEM_write_bio_PrivateKey(bio, c->key, NULL, NULL, 0, NULL, NULL);
    cert_pem(bio, c->key_pem);
}
static inline void cert_free(struct test_cert *c)
{
    EVP_PKEY_free(c->key);
    X509_free(c->cert);
}
/* client: whom it takes mail from; NULL: anybody. */
static inline SSL_CTX *relay_tls(const struct test_cert *own, const struct test_cert *client)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    (void)SSL_CTX_use_certificate(ctx, own->cert);
    (void)SSL_CTX_use_PrivateKey(ctx, own->key);
    if (client) {
        (void)X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), client->cert);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    return ctx;
}

#endif
