/*
 * The session's state machine (bind.h) and what keeps the link honest.
 *
 * One timer does for all: what it waits for follows from the state. Under load it is not
 * touched; when it comes too early it is set to what is due next, so a busy bind pays
 * nothing for it, and an idle one wakes once an enquire_link.
 *
 * Invariant: whatever ends a session goes through bind_over(), once.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pdu.h"
#include "smpp.h"
#include "status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BACKOFF_MIN_US = 1000000,
    BACKOFF_MAX_US = 60000000,
    REFUSED_AGAIN_US = 300000000, /* after wrong credentials: trying faster could lock the account */
    STEADY_US = 10000000,         /* a session that lasted so long was no failure */
    MISSED_MAX = 2                /* enquire_links in a row without any sign of life */
};

static void bind_connect(struct smpp_bind *b);

const char *smpp_mode_name(enum smpp_mode mode)
{
    return mode == SMPP_TRANSCEIVER ? "transceiver" : mode == SMPP_TRANSMITTER ? "transmitter" : "receiver";
}

static const struct sms_conf *bind_conf(const struct smpp_bind *b)
{
    return &b->smpp->sms->conf;
}

/* ---- the end of a session -------------------------------------------------------------------- */

static int64_t bind_wait_us(struct smpp_bind *b, int32_t code)
{
    int64_t wait = BACKOFF_MIN_US;
    unsigned i;

    if (code == HILO_CONFIG)
        return REFUSED_AGAIN_US;
    for (i = 1; i < b->failures && wait < BACKOFF_MAX_US; i++)
        wait *= 2;
    if (wait > BACKOFF_MAX_US)
        wait = BACKOFF_MAX_US;
    return wait + (int64_t)smpp_random(b->smpp, (uint64_t)wait / 4); /* not all clients at once */
}

/* The connection is gone (IDLE). */
static void bind_over(struct smpp_bind *b, int32_t code, const char *words)
{
    int64_t now = sms_now(&b->smpp->react);
    bool steady = b->state >= SMPP_BOUND && now - b->bound_us >= STEADY_US;

    smpp_in_lost(b);
    b->failures = steady ? 1 : b->failures + 1;
    b->state = SMPP_DOWN;
    b->asked = 0;
    smpp_lost(b);
    sms_timer_cancel(&b->smpp->react, &b->timer);
    if (!b->stopped)
        (void)sms_timer_at(&b->smpp->react, &b->timer, now + bind_wait_us(b, code));
    if (!b->stopped)
        smpp_bind_down(b, code, words);
}

static void bind_closed(void *arg, const char *words)
{
    struct smpp_bind *b = arg;
    int32_t code = b->code != HILO_OK ? b->code : HILO_DOWN;
    char said[SMS_CONN_WORDS];

    (void)snprintf(said, sizeof said, "%s", b->code != HILO_OK ? b->words : words);
    b->code = HILO_OK;
    bind_over(b, code, said);
}

/* Closes by ourselves, for a reason of the protocol. */
static void bind_fail(struct smpp_bind *b, int32_t code, const char *words)
{
    if (b->code == HILO_OK) {
        b->code = code;
        (void)snprintf(b->words, sizeof b->words, "%s", words);
    }
    sms_conn_fail(b->conn, words);
}

void smpp_bind_renew(struct smpp_bind *b, const char *words)
{
    bind_fail(b, HILO_DOWN, words);
}

/* ---- out ----------------------------------------------------------------------------------------- */

enum { BIND_ROOM = 256 }; /* any PDU but a message */

static void bind_put(struct smpp_bind *b, const struct sms_pdu *pdu)
{
    struct sms_out out = {.p = sms_conn_room(b->conn, BIND_ROOM), .cap = BIND_ROOM};

    if (!out.p || sms_pdu_encode(pdu, &out) != HILO_OK) {
        bind_fail(b, HILO_DOWN,
                  out.p ? "a PDU could not be written; look at the options of the bind"
                        : "no memory for a PDU");
        return;
    }
    sms_conn_put(b->conn, out.n);
}

static void bind_answer(struct smpp_bind *b, const struct sms_pdu *request, uint32_t status)
{
    struct sms_out out = {.p = sms_conn_room(b->conn, BIND_ROOM), .cap = BIND_ROOM};

    if (!out.p || sms_pdu_answer(request, status, &out) != HILO_OK) {
        bind_fail(b, HILO_DOWN, "no memory for an answer");
        return;
    }
    sms_conn_put(b->conn, out.n);
}

void smpp_bind_answer(struct smpp_bind *b, uint32_t command, uint32_t status, uint32_t seq)
{
    const struct sms_pdu request = {.command_id = command, .sequence = seq};

    if (b->state != SMPP_BOUND)
        return;
    bind_answer(b, &request, status);
}

/* What the timer must not miss, by state. */
static int64_t bind_due(struct smpp_bind *b)
{
    const struct sms_slot *oldest;
    int64_t due;

    switch (b->state) {
    case SMPP_BINDING:
        return b->due_us;
    case SMPP_BOUND:
        due = b->asked ? b->due_us : b->heard_us + bind_conf(b)->enquire_link_us;
        oldest = sms_window_oldest(&b->window);
        return oldest && oldest->due < due ? oldest->due : due;
    default:
        return 0;
    }
}

static void bind_enquire(struct smpp_bind *b)
{
    const struct sms_pdu pdu = {.command_id = SMS_ENQUIRE_LINK, .sequence = sms_window_sequence(&b->window)};
    int64_t wait = bind_conf(b)->response_timeout_us;

    if (wait > bind_conf(b)->enquire_link_us) /* a link that works answers it, whatever else is slow */
        wait = bind_conf(b)->enquire_link_us;
    b->asked = pdu.sequence;
    b->due_us = sms_now(&b->smpp->react) + wait;
    bind_put(b, &pdu);
}

static void bind_request(struct smpp_bind *b)
{
    static const uint32_t command[] = {SMS_BIND_TRANSCEIVER, SMS_BIND_TRANSMITTER, SMS_BIND_RECEIVER};
    const struct sms_conf *conf = bind_conf(b);
    const struct sms_pdu pdu = {.command_id = command[b->mode],
                                .sequence = sms_window_sequence(&b->window),
                                .system_id = conf->system_id,
                                .password = conf->password,
                                .system_type = conf->system_type,
                                .interface_version = 0x34,
                                .addr_ton = (uint8_t)conf->address_ton,
                                .addr_npi = (uint8_t)conf->address_npi,
                                .address_range = conf->address_range};

    b->asked = pdu.sequence;
    b->due_us = sms_now(&b->smpp->react) + conf->connect_timeout_us;
    bind_put(b, &pdu);
    (void)sms_timer_at(&b->smpp->react, &b->timer, b->due_us);
}

void smpp_bind_submitted(struct smpp_bind *b, struct sms_slot *s)
{
    s->end = sms_conn_put_total(b->conn);
    s->due = sms_now(&b->smpp->react) + bind_conf(b)->response_timeout_us;
    (void)sms_timer_by(&b->smpp->react, &b->timer, s->due);
}

/* ---- time ------------------------------------------------------------------------------------------ */

static void bind_bound_tick(struct smpp_bind *b, int64_t now)
{
    struct sms_slot *s;

    while ((s = sms_window_oldest(&b->window)) && s->due <= now)
        smpp_unanswered(b, s);
    if (b->asked && b->due_us <= now) {
        b->asked = 0;
        if (++b->missed >= MISSED_MAX) {
            bind_fail(b, HILO_DOWN, "it no longer answers enquire_link");
            return;
        }
        bind_enquire(b);
    } else if (!b->asked && now - b->heard_us >= bind_conf(b)->enquire_link_us) {
        bind_enquire(b);
    }
}

static void bind_on_timer(void *arg)
{
    struct smpp_bind *b = arg;
    int64_t now = sms_now(&b->smpp->react), due;

    if (b->state == SMPP_DOWN) {
        bind_connect(b);
        return;
    }
    if (b->state == SMPP_BOUND)
        bind_bound_tick(b, now);
    else if (b->state == SMPP_BINDING && b->due_us <= now)
        bind_fail(b, HILO_DOWN, "it took the connection, but did not answer the bind");
    due = bind_due(b);
    if (due)
        (void)sms_timer_at(&b->smpp->react, &b->timer, due);
}

/* ---- in -------------------------------------------------------------------------------------------- */

static void bind_bound(struct smpp_bind *b, uint32_t status)
{
    char words[SMS_CONN_WORDS];
    const struct sms_status *m = sms_status(status);

    b->asked = 0;
    if (m->bind != HILO_OK) {
        (void)snprintf(words, sizeof words, "bind refused, 0x%02x %s: %s", status, m->name, m->text);
        bind_fail(b, m->bind, words);
        return;
    }
    b->state = SMPP_BOUND;
    b->missed = 0;
    b->bound_us = b->heard_us = sms_now(&b->smpp->react);
    (void)sms_timer_at(&b->smpp->react, &b->timer, bind_due(b));
    smpp_bind_up(b);
}

/* Of a generic_nack, which has not always one. */
static uint32_t bind_status(const struct sms_pdu *p)
{
    return p->command_id == SMS_GENERIC_NACK && p->command_status == 0 ? SMS_RINVCMDID : p->command_status;
}

static void bind_response(struct smpp_bind *b, const struct sms_pdu *p)
{
    struct sms_slot *s;

    if (b->asked && p->sequence == b->asked) {
        if (b->state == SMPP_BINDING) {
            bind_bound(b, bind_status(p));
        } else { /* an enquire_link: without this, an idle bind would wake for its time-out too */
            b->asked = 0;
            (void)sms_timer_at(&b->smpp->react, &b->timer, bind_due(b));
        }
        return;
    }
    s = sms_window_find(&b->window, p->sequence);
    if (s && (p->command_id == SMS_SUBMIT_SM_RESP || p->command_id == SMS_GENERIC_NACK))
        smpp_answered(b, s, bind_status(p), p->message_id);
    /* Else it is to something that nobody waits for any more. */
}

static void bind_command(struct smpp_bind *b, const struct sms_pdu *p)
{
    switch (p->command_id) {
    case SMS_ENQUIRE_LINK:
        bind_answer(b, p, SMS_ROK);
        break;
    case SMS_UNBIND:
        bind_answer(b, p, SMS_ROK);
        bind_fail(b, HILO_DOWN, "the SMSC has unbound");
        break;
    case SMS_DELIVER_SM:
    case SMS_DATA_SM:
        if (b->state == SMPP_BOUND)
            smpp_delivered(b, p);
        else
            bind_answer(b, p, SMS_RINVBNDSTS);
        break;
    case SMS_OUTBIND: /* we come by ourselves; neither has an answer */
    case SMS_ALERT_NOTIFICATION:
        break;
    default:
        bind_answer(b, p, SMS_RINVCMDID);
    }
}

/* One PDU; it may end the session. */
static void bind_pdu(struct smpp_bind *b, const uint8_t *bytes, size_t n)
{
    struct sms_pdu p;
    int32_t code = sms_pdu_decode(bytes, n, &p);

    if (p.command_id & SMS_RESP) {
        if (code == HILO_OK)
            bind_response(b, &p);
    } else if (code == HILO_OK) {
        bind_command(b, &p);
    } else {
        bind_answer(b, &p, code == HILO_NOSUP ? SMS_RINVCMDID : SMS_RINVCMDLEN);
    }
}

static size_t bind_received(void *arg, const uint8_t *p, size_t n)
{
    struct smpp_bind *b = arg;
    int64_t length = 0;
    size_t at = 0;

    b->heard_us = sms_now(&b->smpp->react);
    b->missed = 0;
    while (b->code == HILO_OK && sms_conn_state(b->conn) == SMS_CONN_OPEN) {
        length = sms_pdu_length(p + at, n - at, SMS_PDU_MAX);
        if (length <= 0)
            break;
        bind_pdu(b, p + at, (size_t)length);
        at += (size_t)length;
    }
    if (length < 0)
        bind_fail(b, HILO_DOWN, "it sent a PDU of an impossible length");
    smpp_pump(b->smpp);
    return at;
}

/* ---- life --------------------------------------------------------------------------------------------- */

static void bind_opened(void *arg)
{
    struct smpp_bind *b = arg;

    b->state = SMPP_BINDING;
    bind_request(b);
}

static void bind_connect(struct smpp_bind *b)
{
    const struct sms_conf *conf = bind_conf(b);
    const struct sms_conn_to to = {.host = b->smpp->host,
                                   .port = (uint16_t)conf->port,
                                   .tls = b->smpp->tls,
                                   .tls_name = b->smpp->tls_name,
                                   .timeout_us = conf->connect_timeout_us};

    sms_timer_cancel(&b->smpp->react, &b->timer);
    sms_window_reset(&b->window);
    b->session++;
    b->state = SMPP_CONNECTING;
    b->asked = 0;
    b->missed = 0;
    b->code = HILO_OK;
    sms_conn_open(b->conn, &to);
}

void smpp_bind_start(struct smpp_bind *b)
{
    b->stopped = false;
    if (b->state == SMPP_DOWN)
        bind_connect(b);
}

void smpp_bind_leave(struct smpp_bind *b)
{
    const struct sms_pdu unbind = {.command_id = SMS_UNBIND, .sequence = sms_window_sequence(&b->window)};

    b->stopped = true;
    sms_timer_cancel(&b->smpp->react, &b->timer);
    if (b->state == SMPP_DOWN)
        return;
    if (b->state == SMPP_BOUND)
        bind_put(b, &unbind);
    sms_conn_close(b->conn);
    b->code = HILO_OK;
    bind_over(b, HILO_DOWN, "closed");
}

struct smpp_bind *smpp_bind_new(struct smpp *smpp, unsigned index, enum smpp_mode mode)
{
    static const struct sms_conn_events on = {
        .opened = bind_opened, .received = bind_received, .closed = bind_closed};
    struct smpp_bind *b = calloc(1, sizeof *b);

    if (!b)
        return NULL;
    b->smpp = smpp;
    b->index = index;
    b->mode = mode;
    b->stopped = true;
    sms_timer_init(&b->timer, bind_on_timer, b);
    b->conn = sms_conn_new(&smpp->react, &on, b);
    if (!b->conn || !sms_window_init(&b->window, (uint32_t)smpp->sms->conf.window))
        smpp_bind_free(&b);
    return b;
}

void smpp_bind_free(struct smpp_bind **at)
{
    struct smpp_bind *b = *at;

    if (!b)
        return;
    sms_timer_cancel(&b->smpp->react, &b->timer);
    sms_conn_free(&b->conn);
    sms_window_done(&b->window);
    free(b);
    *at = NULL;
}
