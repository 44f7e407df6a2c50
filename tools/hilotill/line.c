/*
 * One connection: name to addresses (c-ares), TCP to the first that answers, TLS 1.3, then lines. Never
 * waits: what is to be done next is told by the epoll descriptor that it is given, and by a deadline.
 */
#include "till.h"
#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LINE_ADDRESS_MS = 4000, /* for an address when there is another one to try */
    LINE_IN_MAX = TILL_FRAME_MAX + 2,
    LINE_READ = 16384
};

struct till_line {
    enum till_line_step step;
    bool spanish;
    int epfd, fd;
    uint32_t watched; /* epoll's bits of fd */
    ares_channel ares;
    struct ares_addrinfo *found;
    struct ares_addrinfo_node *address;
    int64_t address_until;
    int resolved; /* ares' status; -1: not yet */
    BIO_METHOD *bio;
    SSL *ssl;
    bool write_blocked;
    char *host;
    uint16_t port;
    struct till_buf in, out;
    size_t taken; /* of in: the line that was given last */
    size_t looked;
    struct hilotill_error error;
};

/* ---- the socket under TLS: without SIGPIPE --------------------------------------------------------- */

static int line__bio_write(BIO *b, const char *p, int n)
{
    struct till_line *l = BIO_get_data(b);
    ssize_t w = send(l->fd, p, (size_t)n, MSG_NOSIGNAL);

    BIO_clear_retry_flags(b);
    if (w < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(b);
    return (int)w;
}

static int line__bio_read(BIO *b, char *p, int n)
{
    struct till_line *l = BIO_get_data(b);
    ssize_t r = recv(l->fd, p, (size_t)n, 0);

    BIO_clear_retry_flags(b);
    if (r < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(b);
    return (int)r;
}

static long line__bio_ctrl(BIO *b, int cmd, long num, void *p)
{
    (void)b, (void)num, (void)p;
    return cmd == BIO_CTRL_FLUSH;
}

static BIO *line__bio(struct till_line *l)
{
    BIO *b;

    l->bio = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "hilotill");
    if (!l->bio || BIO_meth_set_write(l->bio, line__bio_write) != 1 ||
        BIO_meth_set_read(l->bio, line__bio_read) != 1 || BIO_meth_set_ctrl(l->bio, line__bio_ctrl) != 1 ||
        !(b = BIO_new(l->bio)))
        return NULL;
    BIO_set_data(b, l);
    BIO_set_init(b, 1);
    return b;
}

/* ---- failing ---------------------------------------------------------------------------------------------
 */

__attribute__((format(printf, 3, 4))) static void line__fail(struct till_line *l, int code, const char *fmt,
                                                             ...)
{
    va_list ap;

    if (l->step == LINE_FAILED)
        return;
    l->step = LINE_FAILED;
    l->error.code = code;
    va_start(ap, fmt);
    vsnprintf(l->error.text, sizeof l->error.text, fmt, ap);
    va_end(ap);
}

static void line__nomem(struct till_line *l)
{
    line__fail(l, HILOTILL_ENOMEM, TILL_SAY(l->spanish, "out of memory", "no hay memoria suficiente"));
}

/* What the certificates' checks say, in words that help who stands at the till. */
static bool line__verdict(struct till_line *l)
{
    long v = SSL_get_verify_result(l->ssl);

    if (v == X509_V_OK)
        return true;
    if (v == X509_V_ERR_CERT_NOT_YET_VALID || v == X509_V_ERR_CERT_HAS_EXPIRED)
        line__fail(
            l, HILOTILL_ETRUST,
            TILL_SAY(
                l->spanish,
                "the gateway's certificate is not valid at this time: look at this machine's clock",
                "el certificado de la pasarela no es válido a esta hora: revise el reloj de este equipo"));
    else
        line__fail(l, HILOTILL_ETRUST,
                   TILL_SAY(l->spanish, "%s is not the gateway that this till was enrolled at (%s)",
                            "%s no es la pasarela en la que se inscribió esta caja (%s)"),
                   l->host, X509_verify_cert_error_string(v));
    return false;
}

/* An alert of the gateway about our certificate. */
static bool line__alert(struct till_line *l, int reason)
{
    switch (reason) {
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        line__fail(
            l, HILOTILL_EREFUSED,
            TILL_SAY(l->spanish, "this till's certificate was revoked: ask for a code and enrol it again",
                     "el certificado de esta caja fue revocado: pida un código e inscríbala de nuevo"));
        return true;
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        line__fail(l, HILOTILL_ENOTENROLLED,
                   TILL_SAY(l->spanish,
                            "this till's certificate has expired: ask for a code and enrol it again",
                            "el certificado de esta caja venció: pida un código e inscríbala de nuevo"));
        return true;
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        line__fail(l, HILOTILL_ENOTENROLLED,
                   TILL_SAY(l->spanish,
                            "the gateway does not know this till: ask for a code and enrol it again",
                            "la pasarela no conoce esta caja: pida un código e inscríbala de nuevo"));
        return true;
    default:
        return false;
    }
}

static void line__ended(struct till_line *l, int ssl_error)
{
    unsigned long err = ERR_peek_last_error();
    int reason = ERR_GET_LIB(err) == ERR_LIB_SSL ? ERR_GET_REASON(err) : 0, sys = errno;

    if (ssl_error == SSL_ERROR_SSL && reason && (line__alert(l, reason) || !line__verdict(l)))
        ;
    else if (ssl_error == SSL_ERROR_SSL && reason && reason != SSL_R_UNEXPECTED_EOF_WHILE_READING)
        line__fail(l, HILOTILL_ETRUST,
                   TILL_SAY(l->spanish, "%s does not speak as the gateway does (%s)",
                            "%s no habla como la pasarela (%s)"),
                   l->host, ERR_reason_error_string(err));
    else if (ssl_error == SSL_ERROR_SYSCALL && sys)
        line__fail(l, HILOTILL_ELOST,
                   TILL_SAY(l->spanish, "the line to %s ended: %s", "se cortó la línea con %s: %s"), l->host,
                   strerror(sys));
    else
        line__fail(l, HILOTILL_ELOST,
                   TILL_SAY(l->spanish, "the gateway %s ended the line", "la pasarela %s cortó la línea"),
                   l->host);
    ERR_clear_error();
}

/* ---- TCP
 * ------------------------------------------------------------------------------------------------------ */

static void line__watch(struct till_line *l, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.fd = l->fd};

    if (events == l->watched)
        return;
    if (epoll_ctl(l->epfd, l->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, l->fd, &ev) != 0)
        line__nomem(l);
    l->watched = events;
}

static void line__hang_up(struct till_line *l)
{
    if (l->fd < 0)
        return;
    close(l->fd);
    l->fd = -1;
    l->watched = 0;
}

/* Begins with the next address, or fails with the words of the last. */
static void line__dial(struct till_line *l, int64_t now, const char *why)
{
    int one = 1;

    line__hang_up(l);
    for (; l->address; l->address = l->address->ai_next) {
        l->fd = socket(l->address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (l->fd < 0) {
            why = strerror(errno);
            continue;
        }
        setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (connect(l->fd, l->address->ai_addr, l->address->ai_addrlen) == 0 || errno == EINPROGRESS) {
            l->step = LINE_TCP;
            l->address_until = l->address->ai_next ? now + LINE_ADDRESS_MS : INT64_MAX;
            l->address = l->address->ai_next;
            line__watch(l, EPOLLOUT);
            return;
        }
        why = strerror(errno);
        line__hang_up(l);
    }
    line__fail(l, HILOTILL_EOFFLINE, TILL_SAY(l->spanish, "no line to %s: %s", "no hay línea con %s: %s"),
               l->host, why);
}

/* ---- names
 * ---------------------------------------------------------------------------------------------------------
 */

static void line__ares_watch(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct till_line *l = arg;
    struct epoll_event ev = {
        .events = (readable ? (uint32_t)EPOLLIN : 0) | (writable ? (uint32_t)EPOLLOUT : 0), .data.fd = fd};

    if (!readable && !writable)
        epoll_ctl(l->epfd, EPOLL_CTL_DEL, fd, NULL);
    else if (epoll_ctl(l->epfd, EPOLL_CTL_MOD, fd, &ev) != 0)
        epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev);
}

static void line__ares_done(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
    struct till_line *l = arg;

    (void)timeouts;
    l->found = found;
    l->resolved = status;
}

/* Of an address; of a name: whichever it has. */
static int line__family(const char *host)
{
    struct in6_addr six;
    struct in_addr four;

    if (inet_pton(AF_INET, host, &four) == 1)
        return AF_INET;
    return inet_pton(AF_INET6, host, &six) == 1 ? AF_INET6 : AF_UNSPEC;
}

/* ---- the story of a connection
 * -------------------------------------------------------------------------------------- */

struct till_line *till_line_new(int epfd, bool spanish, SSL_CTX *ctx, const char *alpn, SSL_SESSION *session,
                                const char *host, uint16_t port)
{
    struct till_line *l = calloc(1, sizeof *l);
    struct ares_options options = {
        .sock_state_cb = line__ares_watch, .sock_state_cb_data = l, .timeout = 2000, .tries = 2};
    struct ares_addrinfo_hints hints = {.ai_socktype = SOCK_STREAM, .ai_flags = ARES_AI_NUMERICSERV};
    unsigned char protos[64];
    char service[8];
    size_t n = strlen(alpn);
    BIO *b;

    if (!l)
        return NULL;
    l->epfd = epfd;
    l->fd = -1;
    l->spanish = spanish;
    l->resolved = -1;
    l->port = port;
    protos[0] = (unsigned char)n;
    memcpy(protos + 1, alpn, n);
    if (!(l->host = strdup(host)) || !(l->ssl = SSL_new(ctx)) || !(b = line__bio(l)))
        goto fail;
    SSL_set_bio(l->ssl, b, b);
    SSL_set_connect_state(l->ssl);
    SSL_set_mode(l->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (SSL_set_alpn_protos(l->ssl, protos, (unsigned)n + 1) != 0 ||
        (session && SSL_set_session(l->ssl, session) != 1))
        goto fail;
    /* An address is no server's name. */
    if (strspn(host, "0123456789.") != strlen(host) && !strchr(host, ':') &&
        SSL_set_tlsext_host_name(l->ssl, l->host) != 1)
        goto fail;
    if (ares_init_options(&l->ares, &options, ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) !=
        ARES_SUCCESS) {
        l->ares = NULL;
        goto fail;
    }
    /* With the family left open c-ares asks the DNS for an address, too. */
    hints.ai_family = line__family(host);
    snprintf(service, sizeof service, "%u", port);
    ares_getaddrinfo(l->ares, host, service, &hints, line__ares_done, l);
    return l;
fail:
    ERR_clear_error();
    till_line_free(&l);
    return NULL;
}

void till_line_free(struct till_line **pl)
{
    struct till_line *l = *pl;

    if (!l)
        return;
    if (l->ares)
        ares_destroy(l->ares); /* calls line__ares_done if it has not been */
    ares_freeaddrinfo(l->found);
    /* OpenSSL takes a session for bad whose connection was not closed in form; in TLS 1.3 it is not. */
    if (l->ssl && SSL_is_init_finished(l->ssl))
        SSL_set_shutdown(l->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(l->ssl);
    BIO_meth_free(l->bio);
    line__hang_up(l);
    till_buf_done(&l->in);
    till_buf_done(&l->out);
    free(l->host);
    free(l);
    ERR_clear_error();
    *pl = NULL;
}

static void line__resolve(struct till_line *l, int64_t now)
{
    if (l->resolved < 0)
        ares_process_fd(l->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* its time-outs */
    if (l->resolved < 0)
        return;
    if (l->resolved != ARES_SUCCESS) {
        line__fail(l, HILOTILL_EOFFLINE,
                   TILL_SAY(l->spanish, "the name %s is not found: %s", "no se encuentra el nombre %s: %s"),
                   l->host, ares_strerror(l->resolved));
        return;
    }
    l->address = l->found->nodes;
    line__dial(l, now, "no address");
}

static void line__connected(struct till_line *l, int64_t now)
{
    int err = 0;
    socklen_t n = sizeof err;
    struct sockaddr_storage peer;
    socklen_t peer_n = sizeof peer;

    if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &err, &n) == 0 && err == 0) {
        if (getpeername(l->fd, (struct sockaddr *)&peer, &peer_n) == 0) {
            l->step = LINE_TLS;
            return;
        }
        if (now < l->address_until)
            return;
        err = ETIMEDOUT;
    }
    line__dial(l, now, strerror(err));
}

/* What OpenSSL waits for. true: go on; false: wait, or it has failed. */
static bool line__more(struct till_line *l, int ret)
{
    int e = SSL_get_error(l->ssl, ret);

    if (ret > 0)
        return true;
    if (e == SSL_ERROR_WANT_WRITE)
        l->write_blocked = true;
    else if (e != SSL_ERROR_WANT_READ)
        line__ended(l, e);
    return false;
}

static void line__handshake(struct till_line *l)
{
    ERR_clear_error();
    errno = 0;
    if (line__more(l, SSL_connect(l->ssl)))
        l->step = LINE_OPEN;
}

static void line__write(struct till_line *l)
{
    int w;

    while (l->step == LINE_OPEN && l->out.n && !l->write_blocked) {
        ERR_clear_error();
        errno = 0;
        w = SSL_write(l->ssl, l->out.p, l->out.n > LINE_READ ? LINE_READ : (int)l->out.n);
        if (!line__more(l, w))
            break;
        till_buf_take(&l->out, (size_t)w);
    }
}

/* At most so much that the next line is whole. */
static void line__read(struct till_line *l)
{
    char buf[LINE_READ];
    int r;

    while (l->step == LINE_OPEN && l->in.n <= LINE_IN_MAX) {
        if (l->in.n > l->looked && memchr(l->in.p + l->looked, '\n', l->in.n - l->looked))
            return;
        l->looked = l->in.n;
        ERR_clear_error();
        errno = 0;
        r = SSL_read(l->ssl, buf, sizeof buf);
        if (!line__more(l, r))
            return;
        if (!till_buf_add(&l->in, buf, (size_t)r)) {
            line__nomem(l);
            return;
        }
    }
}

void till_line_run(struct till_line *l, int64_t now)
{
    enum till_line_step before;

    l->write_blocked = false;
    do {
        before = l->step;
        switch (l->step) {
        case LINE_RESOLVE:
            line__resolve(l, now);
            break;
        case LINE_TCP:
            line__connected(l, now);
            break;
        case LINE_TLS:
            line__handshake(l);
            break;
        case LINE_OPEN:
            line__write(l);
            break;
        case LINE_FAILED:
            break;
        }
    } while (l->step != before && l->step != LINE_FAILED);
    if (l->step == LINE_TLS || l->step == LINE_OPEN)
        line__watch(l, EPOLLIN | (l->write_blocked ? (uint32_t)EPOLLOUT : 0));
}

void till_line_event(struct till_line *l, int fd, uint32_t events)
{
    if (l->step == LINE_RESOLVE)
        ares_process_fd(l->ares, events & (EPOLLIN | EPOLLERR | EPOLLHUP) ? fd : ARES_SOCKET_BAD,
                        events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
}

bool till_line_next(struct till_line *l, const char **p_out, size_t *n_out)
{
    char *lf;

    if (l->taken) {
        till_buf_take(&l->in, l->taken);
        l->taken = l->looked = 0;
    }
    line__read(l);
    lf = l->in.n ? memchr(l->in.p, '\n', l->in.n) : NULL;
    if (lf) {
        *p_out = l->in.p;
        *n_out = (size_t)(lf - l->in.p);
        l->taken = *n_out + 1;
        return true;
    }
    if (l->in.n > LINE_IN_MAX)
        line__fail(l, HILOTILL_ETRUST,
                   TILL_SAY(l->spanish, "%s does not speak as the gateway does (%s)",
                            "%s no habla como la pasarela (%s)"),
                   l->host, TILL_SAY(l->spanish, "a line over 64 KiB", "una línea de más de 64 KiB"));
    return false;
}

struct till_buf *till_line_out(struct till_line *l)
{
    return &l->out;
}

enum till_line_step till_line_step(const struct till_line *l)
{
    return l->step;
}

SSL *till_line_ssl(struct till_line *l)
{
    return l->ssl;
}

const struct hilotill_error *till_line_error(const struct till_line *l)
{
    return &l->error;
}

int64_t till_line_deadline(struct till_line *l, int64_t now)
{
    struct timeval tv, *t;

    if (l->step == LINE_TCP)
        return l->address_until;
    if (l->step != LINE_RESOLVE)
        return INT64_MAX;
    if (l->resolved >= 0)
        return now;
    t = ares_timeout(l->ares, NULL, &tv);
    return t ? now + t->tv_sec * 1000 + t->tv_usec / 1000 + 1 : INT64_MAX;
}
