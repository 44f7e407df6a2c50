/*
 * A socket, its two buffers, and TLS between them if there is any.
 *
 * Invariants: a descriptor is watched while it is open, for writing only while something
 * is to be sent. Bytes count as sent once the kernel has them, under TLS once OpenSSL
 * has: never later than that, so that what may have left is not taken for unsent.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "conn.h"

#include "resolve.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sms_conn {
    struct sms_react *react;
    struct sms_conn_events on;
    void *arg;
    enum sms_conn_state state;
    struct sms_conn_to to;
    struct sms_resolve *resolve;
    struct sms_addresses addresses;
    unsigned address; /* which is tried */
    int fd;
    struct sms_tls *tls;
    struct sms_timer timeout;
    struct sms_soon flush, late; /* late: a failure that must not come from within a call of the owner's */
    uint8_t *in;
    size_t in_n;
    uint8_t *out;
    size_t out_at, out_n, out_cap; /* bytes from at to n are to be sent */
    uint64_t put_total, sent_total;
    bool inside; /* in received() */
    bool failed; /* words say why; it ends when it can */
    char words[SMS_CONN_WORDS];
};

static void conn_on_fd(void *arg, int fd, uint32_t events);
static void conn_next_address(struct sms_conn *c);

/* ---- ends ---------------------------------------------------------------------------------- */

static void conn_shut(struct sms_conn *c)
{
    sms_resolve_free(&c->resolve);
    if (c->fd >= 0) {
        (void)sms_watch(c->react, c->fd, 0, NULL, NULL);
        (void)close(c->fd);
        c->fd = -1;
    }
    sms_tls_free(&c->tls);
    sms_timer_cancel(c->react, &c->timeout);
    sms_soon_cancel(c->react, &c->flush);
    sms_soon_cancel(c->react, &c->late);
    free(c->in); /* an idle channel that waits for its peer needs none of it */
    free(c->out);
    c->in = c->out = NULL;
    c->in_n = c->out_at = c->out_n = c->out_cap = 0;
    c->failed = false;
    c->state = SMS_CONN_IDLE;
}

/* Notes why it ends; conn_settle ends it. */
static void conn_fail(struct sms_conn *c, const char *what, const char *why)
{
    if (c->failed || c->state == SMS_CONN_IDLE)
        return;
    c->failed = true;
    (void)snprintf(c->words, sizeof c->words, "%s%s%s", what, why && *why ? ": " : "", why ? why : "");
}

static void conn_settle(struct sms_conn *c)
{
    char words[SMS_CONN_WORDS];

    if (!c->failed || c->inside)
        return;
    memcpy(words, c->words, sizeof words);
    conn_shut(c);
    c->on.closed(c->arg, words);
}

static void conn_late(void *arg)
{
    conn_settle(arg);
}

static void conn_timed_out(void *arg)
{
    struct sms_conn *c = arg;

    conn_fail(c,
              c->state == SMS_CONN_RESOLVING    ? "its name could not be looked up in time"
              : c->state == SMS_CONN_CONNECTING ? "it did not take the connection in time"
                                                : "it did not begin TLS in time",
              NULL);
    conn_settle(c);
}

/* ---- out ------------------------------------------------------------------------------------- */

static void conn_watch(struct sms_conn *c, bool write)
{
    /* It must have a reader if it sends faster than it reads: nothing is read while it does not. */
    uint32_t events = (c->out_n - c->out_at > SMS_CONN_OUT_MAX ? 0u : HILO_READ) | (write ? HILO_WRITE : 0u);

    if (sms_watch(c->react, c->fd, events, conn_on_fd, c) != HILO_OK)
        conn_fail(c, "the gateway can't watch the connection", "raise its limit of open files or memory");
}

/* To the kernel; false: it takes no more now, or it failed. */
static bool conn_send(struct sms_conn *c, const uint8_t *p, size_t n, size_t *sent_out)
{
    size_t sent = 0;

    while (sent < n) {
        ssize_t rc = send(c->fd, p + sent, n - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (rc < 0 && errno == EINTR)
            continue;
        if (rc < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                conn_fail(c, "the connection broke", strerror(errno));
            break;
        }
        sent += (size_t)rc;
    }
    *sent_out = sent;
    return sent == n;
}

static bool conn_send_tls(struct sms_conn *c)
{
    const uint8_t *p;
    size_t n, sent;
    bool all;

    n = sms_tls_pending(c->tls, &p);
    if (n == 0)
        return true;
    all = conn_send(c, p, n, &sent);
    sms_tls_sent(c->tls, sent);
    return all;
}

/* What there is, as far as the kernel takes it. */
static void conn_push(struct sms_conn *c)
{
    size_t n = c->out_n - c->out_at, sent = 0;
    char why[SMS_TLS_WORDS];
    bool all;

    if (c->failed || c->fd < 0)
        return;
    if (c->tls) {
        all = conn_send_tls(c); /* what is encrypted already goes first, and only then more is */
        if (all && c->state == SMS_CONN_OPEN && n) {
            if (!sms_tls_write(c->tls, c->out + c->out_at, n, why)) {
                conn_fail(c, why, NULL);
                return;
            }
            sent = n;
            all = conn_send_tls(c);
        }
    } else {
        all = conn_send(c, c->out + c->out_at, n, &sent);
    }
    c->out_at += sent;
    c->sent_total += sent;
    if (c->out_at == c->out_n)
        c->out_at = c->out_n = 0;
    if (!c->failed)
        conn_watch(c, !all);
}

static void conn_flush(void *arg)
{
    struct sms_conn *c = arg;

    if (c->state != SMS_CONN_OPEN)
        return;
    conn_push(c);
    conn_settle(c);
}

uint8_t *sms_conn_room(struct sms_conn *c, size_t n)
{
    size_t cap = c->out_cap ? c->out_cap : 16384;
    uint8_t *p;

    if (c->state != SMS_CONN_OPEN || c->failed)
        return NULL;
    if (c->out_cap - c->out_n < n && c->out_at > 0) {
        memmove(c->out, c->out + c->out_at, c->out_n - c->out_at);
        c->out_n -= c->out_at;
        c->out_at = 0;
    }
    while (cap - c->out_n < n)
        cap *= 2;
    if (cap > c->out_cap) {
        p = realloc(c->out, cap);
        if (!p)
            return NULL;
        c->out = p;
        c->out_cap = cap;
    }
    return c->out + c->out_n;
}

void sms_conn_put(struct sms_conn *c, size_t n)
{
    c->out_n += n;
    c->put_total += n;
    if (c->out_n - c->out_at >= SMS_CONN_OUT_SOFT) {
        conn_push(c);
        if (c->failed)
            sms_soon(c->react, &c->late);
    } else {
        sms_soon(c->react, &c->flush);
    }
}

void sms_conn_fail(struct sms_conn *c, const char *words)
{
    if (c->state == SMS_CONN_OPEN)
        conn_push(c); /* the last answer */
    conn_fail(c, words, NULL);
    conn_settle(c);
}

uint64_t sms_conn_put_total(const struct sms_conn *c)
{
    return c->put_total;
}

uint64_t sms_conn_sent_total(const struct sms_conn *c)
{
    return c->sent_total;
}

/* ---- in ---------------------------------------------------------------------------------------- */

static void conn_give(struct sms_conn *c)
{
    size_t used;

    if (c->in_n == 0 || c->failed || c->state != SMS_CONN_OPEN)
        return;
    c->inside = true;
    used = c->on.received(c->arg, c->in, c->in_n);
    c->inside = false;
    if (c->state != SMS_CONN_OPEN) /* closed from within */
        return;
    if (used < c->in_n)
        memmove(c->in, c->in + used, c->in_n - used);
    c->in_n -= used;
    if (c->in_n == SMS_CONN_IN)
        conn_fail(c, "it sent more than one PDU may have", NULL);
}

static void conn_read_plain(struct sms_conn *c)
{
    ssize_t rc = recv(c->fd, c->in + c->in_n, SMS_CONN_IN - c->in_n, MSG_DONTWAIT);

    /* What is left is read in the next turn: others have their turn too. */
    if (rc > 0) {
        c->in_n += (size_t)rc;
        conn_give(c);
    } else if (rc == 0) {
        conn_fail(c, "it closed the connection", NULL);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        conn_fail(c, "the connection broke", strerror(errno));
    }
}

static void conn_read_tls(struct sms_conn *c)
{
    uint8_t wire[16384];
    char why[SMS_TLS_WORDS];
    bool ended = false;
    ssize_t got = recv(c->fd, wire, sizeof wire, MSG_DONTWAIT);
    long rc = 1;

    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (got < 0) {
        conn_fail(c, "the connection broke", strerror(errno));
        return;
    }
    if (got == 0)
        ended = true;
    else if (!sms_tls_feed(c->tls, wire, (size_t)got))
        conn_fail(c, "no memory for TLS", NULL);
    if (c->state == SMS_CONN_HANDSHAKE && !c->failed) {
        int done = sms_tls_handshake(c->tls, why);

        if (done < 0)
            conn_fail(c, why, NULL);
        conn_push(c); /* ours of the handshake, or why we refused */
        if (done > 0 && !c->failed) {
            sms_timer_cancel(c->react, &c->timeout);
            c->state = SMS_CONN_OPEN;
            c->on.opened(c->arg);
        }
    }
    while (rc > 0 && c->state == SMS_CONN_OPEN && !c->failed) {
        rc = sms_tls_read(c->tls, c->in + c->in_n, SMS_CONN_IN - c->in_n, why);
        if (rc > 0) {
            c->in_n += (size_t)rc;
            conn_give(c);
        } else if (rc < 0) {
            conn_fail(c, why, NULL);
        }
    }
    if (ended)
        conn_fail(c, "it closed the connection", NULL);
}

/* ---- from a name to a connection ------------------------------------------------------------------ */

static void conn_connected(struct sms_conn *c)
{
    char why[SMS_TLS_WORDS];

    c->in = malloc(SMS_CONN_IN);
    if (!c->in) {
        conn_fail(c, "no memory for the connection", NULL);
        return;
    }
    c->in_n = 0;
    if (!c->to.tls) {
        sms_timer_cancel(c->react, &c->timeout);
        c->state = SMS_CONN_OPEN;
        conn_watch(c, false);
        c->on.opened(c->arg);
        return;
    }
    c->tls = sms_tls_new(c->to.tls, c->to.tls_name);
    if (!c->tls) {
        conn_fail(c, "TLS can't begin: no memory, or tls_name is no name", NULL);
        return;
    }
    c->state = SMS_CONN_HANDSHAKE;
    if (sms_tls_handshake(c->tls, why) < 0)
        conn_fail(c, why, NULL);
    conn_push(c);
}

/* The address that is tried: it took the connection, or not. */
static void conn_tried(struct sms_conn *c, int error)
{
    if (error == 0) {
        conn_connected(c);
        return;
    }
    (void)snprintf(c->words, sizeof c->words, "it does not take the connection: %s", strerror(error));
    (void)sms_watch(c->react, c->fd, 0, NULL, NULL);
    (void)close(c->fd);
    c->fd = -1;
    c->address++;
    conn_next_address(c);
}

static void conn_next_address(struct sms_conn *c)
{
    const int yes = 1;
    unsigned i;

    for (; c->address < c->addresses.n; c->address++) {
        i = c->address;
        c->fd = socket(c->addresses.addr[i].ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (c->fd < 0) {
            (void)snprintf(c->words, sizeof c->words, "no socket: %s", strerror(errno));
            continue;
        }
        /* Nagle's wait for an acknowledgement would hold a window of small PDUs back for 40 ms. */
        (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        if (connect(c->fd, (const struct sockaddr *)&c->addresses.addr[i], c->addresses.len[i]) == 0 ||
            errno == EINPROGRESS) {
            if (sms_watch(c->react, c->fd, HILO_WRITE, conn_on_fd, c) == HILO_OK)
                return;
            errno = ENFILE;
        }
        (void)snprintf(c->words, sizeof c->words, "it does not take the connection: %s", strerror(errno));
        (void)close(c->fd);
        c->fd = -1;
    }
    c->failed = true; /* the words are those of the last address */
}

static void conn_resolved(void *arg, const struct sms_addresses *found, const char *why)
{
    struct sms_conn *c = arg;

    if (found) {
        c->addresses = *found;
        c->address = 0;
        c->state = SMS_CONN_CONNECTING;
        conn_next_address(c);
    } else {
        conn_fail(c, "its name is not known", why);
    }
    sms_resolve_free(&c->resolve);
    conn_settle(c);
}

static void conn_on_fd(void *arg, int fd, uint32_t events)
{
    struct sms_conn *c = arg;
    socklen_t n = sizeof(int);
    int error = 0;

    if (c->state == SMS_CONN_CONNECTING) {
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
            error = errno;
        conn_tried(c, error);
    } else {
        if (events & HILO_READ) {
            if (c->tls)
                conn_read_tls(c);
            else
                conn_read_plain(c);
        }
        if (events & HILO_WRITE && c->fd >= 0)
            conn_push(c);
    }
    conn_settle(c);
}

void sms_conn_open(struct sms_conn *c, const struct sms_conn_to *to)
{
    c->to = *to;
    c->put_total = c->sent_total = 0;
    c->state = SMS_CONN_RESOLVING;
    if (sms_timer_at(c->react, &c->timeout, sms_now(c->react) + to->timeout_us) == HILO_OK)
        c->resolve = sms_resolve_new(c->react, to->host, to->port, conn_resolved, c);
    if (!c->resolve) {
        conn_fail(c, "no memory to look up its name", NULL);
        sms_soon(c->react, &c->late);
    }
}

void sms_conn_close(struct sms_conn *c)
{
    if (c->state == SMS_CONN_OPEN && !c->failed) {
        if (c->tls) {
            conn_push(c);
            sms_tls_shutdown(c->tls);
            (void)conn_send_tls(c);
        } else {
            conn_push(c);
        }
    }
    conn_shut(c);
}

/* ---- life ----------------------------------------------------------------------------------------- */

enum sms_conn_state sms_conn_state(const struct sms_conn *c)
{
    return c->state;
}

struct sms_conn *sms_conn_new(struct sms_react *react, const struct sms_conn_events *on, void *arg)
{
    struct sms_conn *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->react = react;
    c->on = *on;
    c->arg = arg;
    c->fd = -1;
    c->flush.fn = conn_flush;
    c->late.fn = conn_late;
    c->flush.arg = c->late.arg = c;
    sms_timer_init(&c->timeout, conn_timed_out, c);
    return c;
}

void sms_conn_free(struct sms_conn **at)
{
    if (*at) {
        conn_shut(*at);
        free(*at);
        *at = NULL;
    }
}
