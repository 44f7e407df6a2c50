/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "conn.h"

#include "frame_line.h"
#include "session.h"
#include "upgrade.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    READ_MAX = 16384,     /* plain bytes of one TLS record */
    READS_A_TURN = 4,     /* then others have their turn */
    WS_PIECE = 1024,      /* fed at a time, so that not too many requests are taken at once */
    OUT_HIGH = 256 << 10, /* more waits to be read by it: nothing more is read of it */
    OUT_MAX = 8 << 20,
    ENDING_US = 2000000
};

static void conn_work(void *arg);
static void conn_on_fd(void *arg, int fd, uint32_t events);
static void conn_settle(struct pos_conn *);

/* ---- who it is, for a log -------------------------------------------------------------------------- */

static void conn_log(struct pos_conn *c, const char *reason, bool refused)
{
    char from[INET6_ADDRSTRLEN];
    bool named = c->admitted || pos_identity_presented(c->pos->identity, c->ssl, &c->who);

    pos_address_text(&c->from, from);
    if (refused) {
        c->pos->conns->refused++;
        pos_log_refused(c->pos, reason, "address=%s%s%s%s%s", from, named ? " store=" : "", c->who.store,
                        named ? " terminal=" : "", c->who.terminal);
    } else if (c->till) {
        pos_log(c->pos, HILO_LOG_INFO, "pos.closed reason=%s store=%s terminal=%s", reason, c->who.store,
                c->who.terminal);
    }
}

/* ---- life ------------------------------------------------------------------------------------------- */

void pos_conn_free(struct pos_conn *c)
{
    pos_session_closed(c);
    pos_soon_cancel(&c->pos->react, &c->work);
    pos_wheel_cancel(&c->pos->conns->wheel, &c->due);
    (void)pos_watch(&c->pos->react, c->fd, 0, NULL, NULL);
    pos_ws_free(&c->ws);
    SSL_free(c->ssl);
    (void)close(c->fd);
    pos_buf_done(&c->in);
    pos_buf_done(&c->out);
    if (c->address)
        pos_address_drop(c->pos->addresses, c->address);
    LIST_REMOVE(c, all);
    c->pos->conns->n--;
    free(c);
}

void pos_conn_end(struct pos_conn *c, const char *reason, bool refused, uint16_t ws_code)
{
    if (c->state == POS_CONN_ENDING)
        return;
    conn_log(c, reason, refused);
    if (c->ws && ws_code)
        pos_ws_close(c->ws, ws_code);
    c->state = POS_CONN_ENDING;
    c->end_us = pos_now(c->pos) + ENDING_US;
    pos_buf_done(&c->in);
    pos_session_closed(c);
    pos_soon(&c->pos->react, &c->work);
}

bool pos_conn_begin(struct pos_conn *c)
{
    c->work.fn = conn_work;
    c->work.arg = c;
    c->began_us = c->heard_us = pos_now(c->pos);
    TAILQ_INIT(&c->ops);
    c->ssl = pos_tls_accept(c->pos->tls, c->fd);
    if (!c->ssl || pos_watch(&c->pos->react, c->fd, HILO_READ, conn_on_fd, c) != HILO_OK)
        return false;
    conn_settle(c);
    return true;
}

/* ---- out ------------------------------------------------------------------------------------------ */

static void conn_put(struct pos_conn *c, const void *p, size_t n)
{
    if (c->out.n == 0)
        c->out_us = pos_now(c->pos);
    if (c->out.n > OUT_MAX || !pos_buf_add(&c->out, p, n))
        pos_conn_end(c, c->out.n > OUT_MAX ? "slow_reader" : "memory", true, 0);
    else
        pos_soon(&c->pos->react, &c->work);
}

static bool conn_ws_send(void *arg, const void *p, size_t n)
{
    conn_put(arg, p, n);
    return true;
}

void pos_conn_send(struct pos_conn *c, const char *text, size_t n)
{
    struct hilo_str s = {text, n};

    if (c->state == POS_CONN_LINE) {
        conn_put(c, text, n);
        if (c->state == POS_CONN_LINE)
            conn_put(c, "\n", 1);
    } else if (c->state == POS_CONN_WS && !pos_ws_text(c->ws, s)) {
        pos_conn_end(c, "memory", true, 0);
    }
}

static void conn_flush(struct pos_conn *c)
{
    enum pos_tls_rc rc = POS_TLS_OK;
    char words[POS_WORDS];
    size_t sent;

    c->wants_write = false;
    while (c->out.n > 0 && !c->sent_all) {
        rc = pos_tls_write(c->ssl, c->out.p, c->out.n < READ_MAX ? c->out.n : READ_MAX, &sent);
        if (rc != POS_TLS_OK)
            break;
        pos_buf_drop(&c->out, sent);
        c->out_us = c->out.n ? pos_now(c->pos) : 0;
    }
    c->wants_write = rc == POS_TLS_WRITE;
    if (rc == POS_TLS_BROKEN || rc == POS_TLS_END) {
        pos_tls_words(words);
        pos_log(c->pos, HILO_LOG_DEBUG, "tls: %s", words);
        c->sent_all = true;
        pos_buf_done(&c->out);
        pos_conn_end(c, "broken", false, 0);
    }
}

/* ---- in -------------------------------------------------------------------------------------------- */

static bool conn_open(const struct pos_conn *c)
{
    return c->state != POS_CONN_HANDSHAKE && c->state != POS_CONN_ENDING;
}

static bool conn_may_read(const struct pos_conn *c)
{
    return conn_open(c) && c->n_ops < POS_OPS_MAX && c->out.n < OUT_HIGH;
}

static void conn_ws_message(void *arg, struct hilo_str text)
{
    pos_session_frame(arg, text);
}

/* By the reason: RFC 6455, 7.4.1. */
static uint16_t ws_code_of(const char *reason)
{
    if (strcmp(reason, "too_big") == 0)
        return 1009;
    return strcmp(reason, "utf8") == 0 ? 1007 : 1008;
}

/* A frame that can't be one: told, and the end. */
static void conn_bad_frame(struct pos_conn *c, const char *reason)
{
    struct pos_fault f;
    size_t n;
    char *text;

    (void)pos_fault(&f, POS_E_PARSE, reason, NULL, "a frame has at most %d bytes", POS_FRAME_MAX);
    text = pos_rpc_error(NULL, &f, &n);
    if (text)
        pos_conn_send(c, text, n);
    free(text);
    pos_conn_end(c, reason, true, ws_code_of(reason));
}

static void conn_lines(struct pos_conn *c)
{
    struct hilo_str rest = {c->in.p, c->in.n}, frame;
    int rc = 0;

    while (c->state == POS_CONN_LINE && conn_may_read(c) &&
           (rc = pos_line_next(&rest, &c->seen, &frame)) == 1)
        pos_session_frame(c, frame);
    if (c->state != POS_CONN_LINE) /* ended from within: in is gone */
        return;
    if (rc < 0) {
        conn_bad_frame(c, "too_big");
        return;
    }
    pos_buf_drop(&c->in, c->in.n - rest.n);
    if (c->in.n == 0)
        c->partial_us = 0;
    else if (rc == 0 && c->partial_us == 0 && conn_may_read(c))
        c->partial_us = pos_now(c->pos);
}

static void conn_messages(struct pos_conn *c)
{
    char piece[WS_PIECE];
    const char *why = NULL;

    while (c->state == POS_CONN_WS && conn_may_read(c) && c->in.n > 0 && !why) {
        size_t n = c->in.n < sizeof piece ? c->in.n : sizeof piece;

        memcpy(piece, c->in.p, n);
        pos_buf_drop(&c->in, n);
        why = pos_ws_feed(c->ws, piece, n);
    }
    if (c->state != POS_CONN_WS)
        return;
    if (why) {
        pos_conn_end(c, why, strcmp(why, "closed") != 0, 0);
        return;
    }
    if (!pos_ws_partial(c->ws))
        c->partial_us = 0;
    else if (c->partial_us == 0)
        c->partial_us = pos_now(c->pos);
}

static void conn_head(struct pos_conn *c)
{
    static const struct pos_ws_events on = {conn_ws_message, conn_ws_send};
    struct hilo_str request = {c->in.p, c->in.n};
    struct pos_upgrade up;

    if (c->in.n == 0 || pos_upgrade(request, c->pos->conf.origins, &up) == 0)
        return;
    conn_put(c, up.answer, strlen(up.answer));
    if (up.reason) {
        pos_conn_end(c, up.reason, true, 0);
        return;
    }
    if (c->state != POS_CONN_HEAD)
        return;
    pos_buf_drop(&c->in, up.used);
    c->ws = pos_ws_new(&on, c);
    c->state = POS_CONN_WS;
    if (!c->ws)
        pos_conn_end(c, "memory", true, 0);
}

/* What is in the buffer, as far as it may be taken. */
static void conn_take(struct pos_conn *c)
{
    if (c->state == POS_CONN_FIRST && c->in.n > 0) {
        if (c->in.p[0] == '{')
            c->state = POS_CONN_LINE;
        else if (c->in.p[0] == 'G')
            c->state = POS_CONN_HEAD;
        else
            pos_conn_end(c, "framing", true, 0);
    }
    if (c->state == POS_CONN_HEAD)
        conn_head(c);
    if (c->state == POS_CONN_WS)
        conn_messages(c);
    if (c->state == POS_CONN_LINE && c->in.n > 0)
        conn_lines(c);
}

static void conn_read(struct pos_conn *c)
{
    char buf[READ_MAX], words[POS_WORDS];
    enum pos_tls_rc rc = POS_TLS_OK;
    unsigned i;
    size_t n;

    conn_take(c);
    for (i = 0; i < READS_A_TURN && conn_may_read(c) && rc == POS_TLS_OK; i++) {
        rc = pos_tls_read(c->ssl, buf, sizeof buf, &n);
        if (rc == POS_TLS_OK) {
            c->heard_us = pos_now(c->pos);
            c->asked = false;
            if (!pos_buf_add(&c->in, buf, n))
                pos_conn_end(c, "memory", true, 0);
            else
                conn_take(c);
        }
    }
    OPENSSL_cleanse(buf, sizeof buf);
    if (rc == POS_TLS_END) {
        pos_conn_end(c, "closed", false, 0);
    } else if (rc == POS_TLS_BROKEN) {
        pos_tls_words(words);
        pos_log(c->pos, HILO_LOG_DEBUG, "tls: %s", words);
        pos_conn_end(c, "tls", true, 0);
    } else if (rc == POS_TLS_OK && conn_may_read(c)) {
        pos_soon(&c->pos->react,
                 &c->work); /* there may be more within TLS, of which the socket does not tell */
    }
    if (rc == POS_TLS_WRITE)
        c->wants_write = true;
}

void pos_conn_go_on(struct pos_conn *c)
{
    if (conn_may_read(c))
        pos_soon(&c->pos->react, &c->work);
}

/* ---- the handshake ------------------------------------------------------------------------------------ */

static void conn_admitted(struct pos_conn *c)
{
    enum pos_alpn alpn = pos_tls_alpn(c->ssl);
    enum pos_refused why;

    c->state = alpn == POS_ALPN_NONE ? POS_CONN_FIRST : alpn == POS_ALPN_HTTP ? POS_CONN_HEAD : POS_CONN_LINE;
    c->enrolment = alpn == POS_ALPN_ENROLL;
    if (c->enrolment)
        return;
    why = pos_identity_admit(c->pos->identity, c->ssl, &c->who);
    if (why != POS_ADMITTED) {
        struct pos_fault f;
        size_t n;
        char *text;

        (void)pos_fault(&f, POS_E_ROLE, pos_refused_word(why), NULL, "this terminal is not trusted");
        text = pos_rpc_error(NULL, &f, &n);
        if (text)
            pos_conn_send(c, text, n);
        free(text);
        pos_conn_end(c, pos_refused_word(why), true, 0);
        return;
    }
    c->admitted = true;
    pos_tls_keep(c->pos, c->ssl, &c->who);
}

static void conn_handshake(struct pos_conn *c)
{
    enum pos_tls_rc rc = pos_tls_handshake(c->ssl);
    char words[POS_WORDS];
    enum pos_refused why;
    bool no_alpn;

    c->wants_write = rc == POS_TLS_WRITE;
    if (rc == POS_TLS_OK) {
        conn_admitted(c);
    } else if (rc == POS_TLS_BROKEN) {
        no_alpn = pos_tls_no_alpn();
        why = pos_identity_failed(c->pos->identity, c->ssl, words);
        pos_log(c->pos, HILO_LOG_DEBUG, "handshake: %s", words);
        c->sent_all = true;
        pos_conn_end(c, no_alpn ? "alpn" : pos_refused_word(why), true, 0);
    } else if (rc == POS_TLS_END) {
        c->sent_all = true;
        pos_conn_end(c, "handshake", true, 0);
    }
}

/* ---- ending ---------------------------------------------------------------------------------------------
 */

/* True: there is nothing more to wait for. */
static bool conn_ending(struct pos_conn *c)
{
    char waste[READ_MAX];
    unsigned i;
    ssize_t n = 1;

    if (!c->sent_all) {
        if (c->out.n > 0 && pos_now(c->pos) < c->end_us)
            return false;
        pos_tls_shutdown(c->ssl);
        pos_buf_done(&c->out);
        c->sent_all = true;
    }
    if (!c->shut)
        (void)shutdown(c->fd, SHUT_WR);
    c->shut = true;
    for (i = 0; i < READS_A_TURN && n > 0; i++)
        n = recv(c->fd, waste, sizeof waste, MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) ||
           pos_now(c->pos) >= c->end_us;
}

/* ---- turns ------------------------------------------------------------------------------------------------
 */

static void conn_settle(struct pos_conn *c)
{
    int64_t due = c->began_us + c->pos->conf.handshake_us, t;
    uint32_t events = c->wants_write ? HILO_WRITE : 0;

    if (c->state == POS_CONN_HANDSHAKE || c->state == POS_CONN_ENDING || conn_may_read(c))
        events |= HILO_READ;
    (void)pos_watch(&c->pos->react, c->fd, events, conn_on_fd, c);
    if (c->state == POS_CONN_ENDING) {
        due = c->end_us;
    } else if (c->till) {
        due = c->heard_us + (c->asked ? 3 : 1) * c->pos->conf.heartbeat_us;
    }
    t = c->partial_us ? c->partial_us + c->pos->conf.half_frame_us : due;
    due = t < due ? t : due;
    t = c->out_us ? c->out_us + 3 * c->pos->conf.heartbeat_us : due;
    due = t < due ? t : due;
    pos_wheel_set(&c->pos->conns->wheel, &c->due, due);
}

/* The end of a turn in which something happened to it. */
static void conn_work(void *arg)
{
    struct pos_conn *c = arg;

    if (conn_open(c))
        conn_read(c);
    if (c->state != POS_CONN_HANDSHAKE)
        conn_flush(c);
    if (c->state == POS_CONN_ENDING && conn_ending(c)) {
        pos_conn_free(c);
        return;
    }
    conn_settle(c);
}

static void conn_on_fd(void *arg, int fd, uint32_t events)
{
    struct pos_conn *c = arg;

    (void)fd;
    (void)events;
    if (c->state == POS_CONN_HANDSHAKE)
        conn_handshake(c);
    conn_work(c);
}

void pos_conn_due(void *arg, struct pos_wheel_entry *e)
{
    struct pos_conn *c = (struct pos_conn *)(void *)((char *)e - offsetof(struct pos_conn, due));
    const struct pos_conf *conf = &c->pos->conf;
    int64_t now = pos_now(c->pos);

    (void)arg;
    if (c->state == POS_CONN_ENDING) {
        conn_work(c);
        return;
    }
    if (c->out_us && now >= c->out_us + 3 * conf->heartbeat_us) {
        pos_buf_done(&c->out);
        pos_conn_end(c, "slow_reader", true, 0);
    } else if (c->partial_us && now >= c->partial_us + conf->half_frame_us) {
        pos_conn_end(c, "half_frame", true, 1008);
    } else if (!c->till && now >= c->began_us + conf->handshake_us) {
        pos_conn_end(c, c->state == POS_CONN_HANDSHAKE ? "slow_handshake" : "no_hello", true, 1008);
    } else if (c->till && now >= c->heard_us + 3 * conf->heartbeat_us) {
        pos_conn_end(c, "silent", true, 1008);
    } else if (c->till && !c->asked && now >= c->heard_us + conf->heartbeat_us) {
        enum pos_refused why = pos_identity_still(c->pos->identity, &c->who);

        if (why != POS_ADMITTED) { /* its certificate has ended meanwhile */
            pos_conn_end(c, pos_refused_word(why), true, 1008);
            conn_settle(c);
            return;
        }
        c->asked = true;
        pos_session_ping(c);
    }
    conn_settle(c);
}
