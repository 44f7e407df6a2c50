/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "session.h"

#include "channel.h"
#include "json.h"
#include "push.h"
#include "text.h"

#include <stdlib.h>

/* ---- out ------------------------------------------------------------------------------------------ */

bool pos_session_request(struct pos_conn *c, const char *id, const char *method, cJSON *params)
{
    size_t n;
    char *text = pos_rpc_request(id, method, params, &n);

    if (!text)
        return false;
    pos_conn_send(c, text, n);
    free(text);
    return true;
}

void pos_session_ping(struct pos_conn *c)
{
    if (c->state == POS_CONN_WS)
        (void)pos_ws_ping(c->ws);
    else
        (void)pos_session_request(c, "p-ping", "ping", cJSON_CreateObject());
}

static void session_error(struct pos_conn *c, const char *id, const struct pos_fault *f)
{
    size_t n;
    char *text = pos_rpc_error(id, f, &n);

    pos_log_refused(c->pos, f->reason, "code=%d%s%s%s%s", f->code, c->admitted ? " store=" : "", c->who.store,
                    c->admitted ? " terminal=" : "", c->who.terminal);
    if (text)
        pos_conn_send(c, text, n);
    free(text);
}

/* ---- in -------------------------------------------------------------------------------------------- */

/* What can't be a request: the parse error ends it at once, the tenth of the others too. */
static void session_bad(struct pos_conn *c, const char *id, const struct pos_fault *f)
{
    uint16_t ws = 1008;

    session_error(c, *id ? id : NULL, f);
    if (f->code == POS_E_PARSE) {
        if (strcmp(f->reason, "too_big") == 0)
            ws = 1009;
        pos_conn_end(c, f->reason, false, ws);
    } else if (f->code == POS_E_REQUEST && ++c->strikes >= POS_STRIKES) {
        pos_conn_end(c, "strikes", true, ws);
    }
}

/* Whether it is who it was at the handshake: revoked before its hello, a key that was replaced meanwhile, a
 * certificate that has ended. */
static int session_trusted(struct pos_conn *c, struct pos_fault *f)
{
    enum pos_refused why = c->enrolment ? POS_ADMITTED : pos_identity_still(c->pos->identity, &c->who);

    if (why == POS_ADMITTED)
        return 0;
    return pos_fault(f, POS_E_ROLE, pos_refused_word(why), NULL, "this terminal is not trusted any more");
}

/* Whether this connection may ask this now. */
static int session_may(struct pos_conn *c, const struct pos_rpc *rpc, const struct pos_method **m,
                       struct pos_fault *f)
{
    *m = pos_method_find(rpc->method);
    if (!*m)
        return pos_fault(f, POS_E_METHOD, "unknown_method", NULL,
                         "there is no such method; the protocol lists them");
    if ((*m)->enrolment != c->enrolment)
        return pos_fault(f, POS_E_ROLE, "role", NULL,
                         c->enrolment ? "without a certificate there is enroll alone"
                                      : "a terminal that has a certificate renews it by certificate.renew");
    if (!c->enrolment && !c->till && strcmp((*m)->name, "hello") != 0)
        return pos_fault(f, POS_E_REQUEST, "hello_first", NULL, "the first request is hello");
    if (!c->enrolment && !pos_role_may(c->who.role, pos_str((*m)->name)))
        return pos_fault(f, POS_E_ROLE, "role", NULL, "not for terminals of the role %s",
                         pos_role_name(c->who.role));
    if (c->pos->draining) {
        (void)pos_fault(f, POS_E_LATER, "draining", NULL, "the gateway goes down; connect again");
        f->retry_after_ms = 1000;
        return -1;
    }
    return pos_method_check(*m, rpc->params, pos_wall(c->pos), f);
}

static void session_begin(struct pos_conn *c, struct pos_rpc *rpc)
{
    const struct pos_method *m;
    struct pos_fault f;
    struct pos_op *op;

    if (session_trusted(c, &f) != 0) {
        session_error(c, rpc->id, &f);
        pos_conn_end(c, f.reason, false, 1008);
        return;
    }
    if (session_may(c, rpc, &m, &f) != 0) {
        session_bad(c, rpc->id, &f);
        return;
    }
    op = pos_op_new(c, rpc, m);
    if (!op) {
        (void)pos_fault(&f, POS_E_LATER, "try_later", NULL, "no memory");
        session_error(c, rpc->id, &f);
        return;
    }
    if (m->kind == POS_WRITE)
        pos_till_write(op->till, op);
    else
        m->start(op);
}

void pos_session_frame(struct pos_conn *c, struct hilo_str frame)
{
    struct pos_fault f;
    struct pos_rpc rpc;

    if (pos_rpc_parse(frame, &rpc, &f) != 0)
        session_bad(c, rpc.id, &f);
    else if (rpc.method)
        session_begin(c, &rpc);
    else if (c->till)
        pos_push_answered(c, rpc.id, rpc.result, rpc.error);
    pos_rpc_done(&rpc);
}

/* ---- the end --------------------------------------------------------------------------------------------
 */

void pos_session_closed(struct pos_conn *c)
{
    struct pos_till *till = c->till;
    struct pos_op *op;

    if (till)
        till->holds++;
    while ((op = TAILQ_FIRST(&c->ops))) {
        TAILQ_REMOVE(&c->ops, op, of_conn);
        c->n_ops--;
        op->conn = NULL;
        /* Nothing has become of it yet, and the terminal will send it again. */
        if (op->method->kind == POS_WRITE && op != TAILQ_FIRST(&op->till->writes)) {
            TAILQ_REMOVE(&op->till->writes, op, of_till);
            pos_op_free(op);
        }
    }
    if (!till)
        return;
    till->holds--;
    c->till = NULL;
    if (till->conn == c) {
        till->conn = NULL;
        till->open = false;
        pos_push_away(till);
        pos_channel_away(c->pos, till);
    }
    pos_till_settle(c->pos, &till);
}
