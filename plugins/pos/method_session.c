/*
 * hello, ping, and the two methods about certificates.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "method.h"

#include "channel.h"
#include "json.h"
#include "op.h"
#include "push.h"
#include "session.h"
#include "text.h"

#include <stdio.h>

enum { PROTOCOL = 1 };

/* ---- hello ------------------------------------------------------------------------------------------------
 */

static uint32_t capabilities(const cJSON *list)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } known[] = {{"message.show", POS_CAN_MESSAGE}, {"choice.ask", POS_CAN_CHOICE}, {"print", POS_CAN_PRINT}};
    const cJSON *c;
    uint32_t can = 0;
    size_t i;

    cJSON_ArrayForEach(c, list) for (i = 0; i < sizeof known / sizeof *known;
                                     i++) if (cJSON_IsString(c) && strcmp(c->valuestring, known[i].name) == 0)
        can |= known[i].bit;
    return can;
}

static cJSON *hello_result(struct pos_op *op, uint32_t pending)
{
    const struct pos_conf *conf = &op->pos->conf;
    const struct pos_who *who = &op->till->who;
    char now[POS_TEXT_TIME], expires[POS_TEXT_TIME];
    cJSON *o = cJSON_CreateObject();

    pos_text_of_time(now, pos_wall(op->pos));
    pos_text_of_time(expires, who->expires_us);
    if (o && cJSON_AddNumberToObject(o, "protocol", PROTOCOL) &&
        cJSON_AddStringToObject(o, "store", who->store) &&
        cJSON_AddStringToObject(o, "terminal", who->terminal) &&
        cJSON_AddStringToObject(o, "role", pos_role_name(who->role)) &&
        cJSON_AddStringToObject(o, "time", now) &&
        cJSON_AddNumberToObject(o, "heartbeat_s", (double)(conf->heartbeat_us / 1000000)) &&
        cJSON_AddNumberToObject(o, "push_pending", pending) &&
        cJSON_AddStringToObject(o, "certificate_expires", expires) &&
        cJSON_AddNumberToObject(o, "attend_s", (double)(conf->attend_us / 1000000)) &&
        cJSON_AddNumberToObject(o, "frame_max", POS_FRAME_MAX) &&
        (conf->country.n == 0 || cJSON_AddStringToObject(o, "country", conf->country.p)))
        return o;
    cJSON_Delete(o);
    return NULL;
}

static void hello_opened(void *arg, int32_t code)
{
    struct pos_op *op = arg;
    struct pos_till *till = op->till;
    struct pos_conn *c = op->conn;
    const char *last = pos_op_text(op, "last_push");
    struct pos *pos = op->pos;
    bool renew = till->who.renew;

    if (code != HILO_OK) {
        pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "what waits can't be read (%d)", (int)code);
        return;
    }
    pos_op_result(op, hello_result(op, pos_push_count(till, last ? last : "")));
    if (!c || till->conn != c) /* it has gone meanwhile, or another has taken over */
        return;
    till->open = true;
    pos_push_send(till);
    if (till->conn == c)
        pos_channel_opened(pos, till);
    if (till->conn == c && renew)
        (void)pos_session_request(c, "p-rotate", "certificate.rotate", cJSON_CreateObject());
}

void pos_do_hello(struct pos_op *op)
{
    struct pos_conn *c = op->conn, *before;
    const char *software = pos_op_text(op, "software");
    struct pos_till *till = pos_till_get(op->pos, c->who.store, c->who.terminal);

    if (!till) {
        pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "no memory");
        return;
    }
    if (!op->till)
        till->holds++; /* the op's from now on */
    op->till = till;
    before = till->conn;
    if (before && before != c)
        pos_conn_end(before, "taken_over", false, 1000);
    till->conn = c;
    till->who = c->who;
    till->behind[0] = '\0';
    till->open = false;
    till->since_us = pos_wall(op->pos);
    pos_text_copy(till->software, sizeof till->software, pos_str(software));
    c->till = till;
    c->can = capabilities(pos_json_get(op->rpc.params, "capabilities"));
    pos_log(op->pos, HILO_LOG_INFO, "pos.hello store=%s terminal=%s role=%s framing=%s resumed=%d",
            till->who.store, till->who.terminal, pos_role_name(till->who.role),
            c->state == POS_CONN_WS ? "websocket" : "line", SSL_session_reused(c->ssl));
    pos_push_open(op->pos, till, hello_opened, op);
}

/* ---- ping
 * --------------------------------------------------------------------------------------------------- */

void pos_do_ping(struct pos_op *op)
{
    cJSON *o = cJSON_CreateObject();
    char now[POS_TEXT_TIME];

    pos_text_of_time(now, pos_wall(op->pos));
    if (o && cJSON_AddStringToObject(o, "time", now)) {
        pos_op_result(op, o);
    } else {
        cJSON_Delete(o);
        pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "no memory");
    }
}

/* ---- certificates
 * ---------------------------------------------------------------------------------------------- */

/* The reference is the op's slot, so that an answer for one that has gone finds nothing. */
static void certificate_forget(void *arg)
{
    struct pos_op *op = arg;

    (void)pos_slots_take(&op->pos->certificates, op->certificate);
}

static uint64_t certificate_reference(struct pos_op *op)
{
    op->certificate = pos_slots_put(&op->pos->certificates, op);
    if (op->certificate == 0) {
        pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "no memory");
        return 0;
    }
    op->work = op;
    op->work_free = certificate_forget;
    return op->certificate;
}

void pos_certificate_answered(void *arg, uint64_t reference, struct pos_identity_answer *a)
{
    struct pos *pos = arg;
    struct pos_op *op = pos_slots_get(&pos->certificates, reference);
    struct pos_fault f;

    if (!op) {
        cJSON_Delete(a->result);
    } else if (a->error == 0) {
        pos_op_result(op, a->result);
    } else {
        (void)pos_fault(&f, a->error, a->reason, NULL, "%s", a->message);
        if (a->retry_after_ms)
            f.retry_after_ms = a->retry_after_ms;
        op->logged = a->logged;
        pos_op_fail(op, &f);
    }
}

void pos_do_enroll(struct pos_op *op)
{
    char from[INET6_ADDRSTRLEN];
    uint64_t reference;

    pos_address_text(&op->conn->from, from);
    reference = certificate_reference(op);
    if (reference)
        pos_identity_enroll(op->pos->identity, reference, pos_str(from), op->rpc.params);
}

void pos_do_certificate_renew(struct pos_op *op)
{
    uint64_t reference = certificate_reference(op);

    if (reference)
        pos_identity_renew(op->pos->identity, reference, &op->till->who, op->rpc.params);
}
