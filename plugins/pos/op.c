/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "op.h"

#include "conn.h"
#include "json.h"
#include "push.h"
#include "text.h"
#include "till.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { OP_LATER_MS = 1000 };

/* ---- life ------------------------------------------------------------------------------------- */

struct pos_op *pos_op_new(struct pos_conn *c, struct pos_rpc *rpc, const struct pos_method *m)
{
    struct pos_op *op = calloc(1, sizeof *op);

    if (!op)
        return NULL;
    op->pos = c->pos;
    op->conn = c;
    op->till = c->till;
    if (op->till)
        op->till->holds++;
    op->method = m;
    op->rpc = *rpc;
    memset(rpc, 0, sizeof *rpc);
    op->began_us = pos_now(c->pos);
    TAILQ_INSERT_TAIL(&c->ops, op, of_conn);
    TAILQ_INSERT_TAIL(&c->pos->ops, op, all);
    c->n_ops++;
    return op;
}

void pos_ops_free(struct pos *pos)
{
    struct pos_op *op;

    while ((op = TAILQ_FIRST(&pos->ops))) {
        op->till = NULL; /* gone */
        pos_op_free(op);
    }
}

void pos_op_free(struct pos_op *op)
{
    struct pos_till *till = op->till;
    struct pos *pos = op->pos;

    TAILQ_REMOVE(&pos->ops, op, all);
    pos_ask_forget(op->pos, op->token);
    if (op->work && op->work_free)
        op->work_free(op->work);
    pos_rpc_done(&op->rpc);
    free(op);
    if (till) {
        till->holds--;
        pos_till_settle(pos, &till);
    }
}

/* One line a request, with nothing in it that a person said. */
static void op_log(struct pos_op *op, const struct pos_fault *f)
{
    const char *store = op->till ? op->till->who.store : "",
               *terminal = op->till ? op->till->who.terminal : "";
    int64_t us = pos_now(op->pos) - op->began_us;

    if (f && op->logged)
        return;
    if (f)
        pos_log_refused(op->pos, f->reason, "code=%d method=%s store=%s terminal=%s%s%s us=%lld", f->code,
                        op->method->name, store, terminal, f->api_code[0] ? " api=" : "", f->api_code,
                        (long long)us);
    else
        pos_log(op->pos, HILO_LOG_DEBUG, "pos.done method=%s store=%s terminal=%s us=%lld", op->method->name,
                store, terminal, (long long)us);
}

/* Sends text, a whole frame, and frees it. */
static void op_send_text(struct pos_op *op, char *text, size_t n)
{
    if (op->conn && text)
        pos_conn_send(op->conn, text, n);
    else if (op->conn) /* it would wait for ever for this answer */
        pos_conn_end(op->conn, "memory", true, 1013);
    free(text);
}

static void op_send(struct pos_op *op, cJSON *result, const struct pos_fault *f)
{
    struct pos_fault big;
    size_t n = 0;
    char *text;

    if (!op->conn) {
        cJSON_Delete(result);
        return;
    }
    text = f ? pos_rpc_error(op->rpc.id, f, &n) : pos_rpc_result(op->rpc.id, result, &n);
    if (text && n > POS_FRAME_MAX) {
        free(text);
        (void)pos_fault(&big, POS_E_INTERNAL, "internal", NULL, "the answer is longer than a frame may be");
        pos_log(op->pos, HILO_LOG_ERROR, "pos: an answer to %s is longer than a frame", op->method->name);
        text = pos_rpc_error(op->rpc.id, &big, &n);
    }
    op_send_text(op, text, n);
}

/* Its answer has been sent. */
static void op_leave(struct pos_op *op)
{
    struct pos_conn *c = op->conn; /* sending may have ended it */

    if (c) {
        TAILQ_REMOVE(&c->ops, op, of_conn);
        c->n_ops--;
        pos_conn_go_on(c);
    }
    pos_op_free(op);
}

void pos_op_end(struct pos_op *op, cJSON *result, const struct pos_fault *f)
{
    op_log(op, f);
    op_send(op, result, f);
    op_leave(op);
}

/* The one that was begun: its terminal's next one may begin. */
static void op_done(struct pos_op *op, cJSON *result, const struct pos_fault *f)
{
    struct pos_till *t = op->method->kind == POS_WRITE ? op->till : NULL;
    bool later = f && f->code == POS_E_LATER;
    const struct pos_conn *c = op->conn;
    char id[POS_ID_MAX + 1];
    struct pos *pos = op->pos;

    memcpy(id, op->rpc.id, sizeof id);
    if (t) {
        t->holds++;
        TAILQ_REMOVE(&t->writes, op, of_till);
    }
    pos_op_end(op, result, f);
    if (!t)
        return;
    if (later && c && t->conn == c)
        pos_till_behind(t, id);
    pos_push_send(t); /* what is told of it follows its answer */
    pos_till_next(t);
    t->holds--;
    pos_till_settle(pos, &t);
}

void pos_op_result(struct pos_op *op, cJSON *result)
{
    if (result)
        op_done(op, result, NULL);
    else
        pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "no memory");
}

bool pos_op_result_text(struct pos_op *op, struct hilo_str object, struct hilo_str more)
{
    static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":\"", mid[] = "\",\"result\":";
    size_t id = strlen(op->rpc.id), n = sizeof head + id + sizeof mid + object.n + more.n;
    char *text, *at;

    if (op->method->kind == POS_WRITE || object.n < 3 || more.n < 2 || n > POS_FRAME_MAX)
        return false;
    at = text = malloc(n);
    if (!text)
        return false;
    at = mempcpy(at, head, sizeof head - 1);
    at = mempcpy(at, op->rpc.id, id); /* needs no escapes: pos_rpc_parse has looked */
    at = mempcpy(at, mid, sizeof mid - 1);
    at = mempcpy(at, object.p, object.n - 1);
    if (more.n > 2) {
        *at++ = ',';
        at = mempcpy(at, more.p + 1, more.n - 2);
    }
    *at++ = '}';
    *at++ = '}';
    op_log(op, NULL);
    op_send_text(op, text, (size_t)(at - text));
    op_leave(op);
    return true;
}

void pos_op_fail(struct pos_op *op, const struct pos_fault *f)
{
    struct pos_fault copy = *f;

    if (copy.code == POS_E_LATER && copy.retry_after_ms < 0)
        copy.retry_after_ms = OP_LATER_MS;
    op_done(op, NULL, &copy);
}

void pos_op_fail_as(struct pos_op *op, enum pos_error code, const char *reason, const char *pointer,
                    const char *format, ...)
{
    struct pos_fault f;
    va_list ap;

    (void)pos_fault(&f, code, reason, pointer, "%s", "");
    va_start(ap, format);
    (void)vsnprintf(f.detail, sizeof f.detail, format, ap);
    va_end(ap);
    pos_op_fail(op, &f);
}

/* ---- the API --------------------------------------------------------------------------------------------
 */

static enum pos_error op_error(uint32_t status, const char *code, const char **reason)
{
    if (status == 404) {
        *reason = "not_found";
        return POS_E_NOT_FOUND;
    }
    if (status == 412) {
        *reason = "version";
        return POS_E_CONFLICT;
    }
    if (strcmp(code, "idempotency_mismatch") == 0) {
        *reason = "idempotency_mismatch";
        return POS_E_CONFLICT;
    }
    /* 409 with a time to come again: the same request is being dealt with at this moment. */
    if (status == 429 || status >= 500 || strcmp(code, "idempotency_running") == 0) {
        *reason = strcmp(code, "disk_full") == 0 ? "full" : "try_later";
        return POS_E_LATER;
    }
    *reason = "refused";
    return POS_E_REFUSED;
}

void pos_op_fail_api(struct pos_op *op, uint32_t status, const cJSON *body)
{
    const char *code = pos_json_text(body, "code"), *detail = pos_json_text(body, "detail"),
               *pointer = pos_json_text(body, "pointer"), *reason = "refused";
    enum pos_error error = op_error(status, code ? code : "", &reason);
    struct pos_fault f;
    int64_t after;

    (void)pos_fault(&f, error, reason, NULL, "%s", "");
    f.api_status = status;
    pos_text_copy(f.api_code, sizeof f.api_code, pos_str(code));
    pos_text_copy(f.detail, sizeof f.detail, pos_str(detail));
    pos_text_copy(f.pointer, sizeof f.pointer, pos_str(pointer));
    if (pos_json_int(body, "retry_after", &after) && after >= 0 && after < 86400)
        f.retry_after_ms = after * 1000;
    pos_op_fail(op, &f);
}

static void op_answered(void *arg, int32_t code, uint32_t status, struct hilo_str body,
                        const struct hilo_http *answer)
{
    struct pos_op *op = arg;
    cJSON *json;

    (void)answer;
    op->token = 0;
    if (code != HILO_OK) {
        /* HILO_IO: it took effect and its answer was lost; asked again with its key it is answered. */
        pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "the gateway could not be asked (%d)", (int)code);
        return;
    }
    if (op->text && op->text(op, status, body))
        return;
    json = body.n ? cJSON_ParseWithLength(body.p, body.n) : NULL;
    op->then(op, status, json);
    cJSON_Delete(json);
}

void pos_op_api(struct pos_op *op, const char *method, const char *path, cJSON *body, bool once,
                const char *step, int64_t version, pos_op_fn *then)
{
    char key[POS_TILL_MAX + POS_ID_MAX + 16], match[32];
    char *text = body ? cJSON_PrintUnformatted(body) : NULL;
    struct pos_api api = {.method = method, .path = pos_str(path)};

    op->token = 0;
    op->then = then;
    if (once) {
        (void)snprintf(key, sizeof key, "%s/%s%s%.12s", op->till->key, op->rpc.id, *step ? "/" : "", step);
        api.key = pos_str(key);
    }
    if (version >= 0) {
        (void)snprintf(match, sizeof match, "\"%lld\"", (long long)version);
        api.match = pos_str(match);
    }
    if (text)
        api.body = pos_str(text);
    if (!body || text)
        op->token = pos_ask_api(op->pos, &api, op_answered, op);
    free(text);
    cJSON_Delete(body);
    if (op->token == 0)
        pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "no memory");
}

void pos_op_result_of(struct pos_op *op, uint32_t status, const cJSON *body, const char *const map[][2])
{
    cJSON *o;
    bool ok;

    if (!pos_op_good(status)) {
        pos_op_fail_api(op, status, body);
        return;
    }
    o = cJSON_CreateObject();
    for (ok = o != NULL; ok && (*map)[0]; map++)
        ok = pos_json_copy(o, body, (*map)[1], (*map)[0]);
    if (!ok) {
        cJSON_Delete(o);
        o = NULL;
    }
    pos_op_result(op, o);
}

/* ---- params
 * ------------------------------------------------------------------------------------------------ */

const char *pos_op_text(const struct pos_op *op, const char *name)
{
    return pos_json_text(op->rpc.params, name);
}

int64_t pos_op_int(const struct pos_op *op, const char *name, int64_t absent)
{
    int64_t v;

    return pos_json_int(op->rpc.params, name, &v) ? v : absent;
}

cJSON *pos_op_body(const struct pos_op *op)
{
    cJSON *o = cJSON_CreateObject();

    if (o && pos_json_copy(o, op->rpc.params, "at", "at") &&
        cJSON_AddStringToObject(o, "store", op->till->who.store) &&
        cJSON_AddStringToObject(o, "terminal", op->till->who.terminal) &&
        pos_json_copy(o, op->rpc.params, "clerk", "clerk"))
        return o;
    cJSON_Delete(o);
    return NULL;
}

bool pos_op_copy(const struct pos_op *op, cJSON *to, const char *const *names)
{
    for (; *names; names++)
        if (!pos_json_copy(to, op->rpc.params, *names, *names))
            return false;
    return true;
}
