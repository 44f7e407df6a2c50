/*
 * JSON-RPC 2.0, without what this protocol leaves out: batches, notifications, ids that are
 * numbers, params that are arrays.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc.h"

#include "json.h"
#include "pan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int pos_fault(struct pos_fault *f, enum pos_error code, const char *reason, const char *pointer,
              const char *format, ...)
{
    va_list ap;

    memset(f, 0, sizeof *f);
    f->code = code;
    f->reason = reason;
    f->retry_after_ms = -1;
    (void)snprintf(f->pointer, sizeof f->pointer, "%s", pointer ? pointer : "");
    va_start(ap, format);
    (void)vsnprintf(f->detail, sizeof f->detail, format, ap);
    va_end(ap);
    return -1;
}

static bool rpc_id(const char *id)
{
    size_t n = strlen(id);

    return n >= 1 && n <= POS_ID_MAX &&
           strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

/* The id of a write is kept. As a whole: the digits of a UUID may look like anything. */
static bool rpc_id_is_card(const char *id)
{
    struct hilo_str s = {id, strlen(id)};
    size_t at, n;

    return pos_pan_find(s, &at, &n) && n == s.n;
}

static int rpc_request(struct pos_rpc *r, struct pos_fault *f)
{
    const cJSON *m;
    cJSON *params;

    if (strncmp(r->id, "p-", 2) == 0)
        return pos_fault(f, POS_E_REQUEST, "id", NULL, "ids that begin with p- are the gateway's");
    r->method = pos_json_text(r->root, "method");
    if (!r->method)
        return pos_fault(f, POS_E_REQUEST, "method", NULL, "method must be a string");
    params = cJSON_GetObjectItemCaseSensitive(r->root, "params");
    if (!params && !(params = cJSON_AddObjectToObject(r->root, "params")))
        return pos_fault(f, POS_E_LATER, "try_later", NULL, "no memory");
    if (!cJSON_IsObject(params))
        return pos_fault(f, POS_E_REQUEST, "params", NULL, "params must be an object");
    cJSON_ArrayForEach(
        m, r->root) if (strcmp(m->string, "jsonrpc") != 0 && strcmp(m->string, "id") != 0 &&
                        strcmp(m->string, "method") != 0 &&
                        strcmp(m->string, "params") !=
                            0) return pos_fault(f, POS_E_REQUEST, "method", NULL,
                                                "a request has jsonrpc, id, method and params, nothing else");
    r->params = params;
    return 0;
}

static int rpc_answer(struct pos_rpc *r, struct pos_fault *f)
{
    r->result = pos_json_get(r->root, "result");
    r->error = pos_json_get(r->root, "error");
    if (!r->result == !r->error)
        return pos_fault(f, POS_E_REQUEST, "method", NULL,
                         "a request needs method, an answer one of result and error");
    if (r->error && !cJSON_IsObject(r->error))
        return pos_fault(f, POS_E_REQUEST, "method", NULL, "error must be an object");
    return 0;
}

int pos_rpc_parse(struct hilo_str frame, struct pos_rpc *out, struct pos_fault *f)
{
    const char *reason, *version, *id;

    memset(out, 0, sizeof *out);
    if (frame.n > POS_FRAME_MAX)
        return pos_fault(f, POS_E_PARSE, "too_big", NULL, "a frame has at most %d bytes", POS_FRAME_MAX);
    out->root = pos_json_parse(frame, POS_DEPTH_MAX, &reason);
    if (!out->root && strcmp(reason, "memory") == 0)
        return pos_fault(f, POS_E_LATER, "try_later", NULL, "no memory");
    if (!out->root)
        return pos_fault(f, POS_E_PARSE, reason, NULL,
                         "the frame is no JSON as section 1 of the protocol has it");
    if (cJSON_IsArray(out->root))
        return pos_fault(f, POS_E_REQUEST, "batch", NULL, "no batches: one object a frame");
    if (!cJSON_IsObject(out->root))
        return pos_fault(f, POS_E_REQUEST, "jsonrpc", NULL, "a frame is an object");
    id = pos_json_text(out->root, "id");
    if (!id || !rpc_id(id))
        return pos_fault(f, POS_E_REQUEST, "id", NULL,
                         "id must be a string of 1 to %d of A-Z a-z 0-9 . _ -, and there must be one",
                         POS_ID_MAX);
    (void)snprintf(out->id, sizeof out->id, "%s", id);
    if (rpc_id_is_card(id))
        return pos_fault(f, POS_E_CARD, "card_number", NULL,
                         "the id looks like a card number; a UUID is right");
    version = pos_json_text(out->root, "jsonrpc");
    if (!version || strcmp(version, "2.0") != 0)
        return pos_fault(f, POS_E_REQUEST, "jsonrpc", NULL, "jsonrpc must be \"2.0\"");
    if (pos_json_get(out->root, "method"))
        return rpc_request(out, f);
    return rpc_answer(out, f);
}

void pos_rpc_done(struct pos_rpc *r)
{
    cJSON_Delete(r->root);
    memset(r, 0, sizeof *r);
}

/* ---- writing ----------------------------------------------------------------------------- */

/* {"jsonrpc":"2.0","id":…}; NULL: no memory. */
static cJSON *rpc_frame(const char *id)
{
    cJSON *o = cJSON_CreateObject();

    if (o && cJSON_AddStringToObject(o, "jsonrpc", "2.0") &&
        (id ? cJSON_AddStringToObject(o, "id", id) : cJSON_AddNullToObject(o, "id")))
        return o;
    cJSON_Delete(o);
    return NULL;
}

/* member is taken in any case. */
static char *rpc_print(cJSON *o, const char *name, cJSON *member, size_t *n_out)
{
    char *text = NULL;

    if (o && member && cJSON_AddItemToObject(o, name, member)) {
        member = NULL;
        text = cJSON_PrintUnformatted(o);
    }
    cJSON_Delete(member);
    cJSON_Delete(o);
    if (text)
        *n_out = strlen(text);
    return text;
}

char *pos_rpc_result(const char *id, cJSON *result, size_t *n_out)
{
    return rpc_print(rpc_frame(id), "result", result, n_out);
}

static bool rpc_data(cJSON *error, const struct pos_fault *f)
{
    cJSON *data = cJSON_AddObjectToObject(error, "data");

    return data && cJSON_AddStringToObject(data, "reason", f->reason) &&
           (!f->pointer[0] || cJSON_AddStringToObject(data, "pointer", f->pointer)) &&
           (!f->detail[0] || cJSON_AddStringToObject(data, "detail", f->detail)) &&
           (!f->api_code[0] || cJSON_AddStringToObject(data, "code", f->api_code)) &&
           (!f->api_status || cJSON_AddNumberToObject(data, "status", f->api_status)) &&
           (f->retry_after_ms < 0 ||
            cJSON_AddNumberToObject(data, "retry_after_ms", (double)f->retry_after_ms));
}

static const char *rpc_words(enum pos_error code)
{
    switch (code) {
    case POS_E_PARSE:
        return "Parse error";
    case POS_E_REQUEST:
        return "Invalid request";
    case POS_E_METHOD:
        return "Method not found";
    case POS_E_PARAMS:
        return "Invalid params";
    case POS_E_INTERNAL:
        return "Internal error";
    case POS_E_LATER:
        return "Try again later";
    case POS_E_ROLE:
        return "Not allowed";
    case POS_E_NOT_FOUND:
        return "Not found";
    case POS_E_RATE:
        return "Too many look-ups";
    case POS_E_CARD:
        return "A card number is not taken";
    case POS_E_CONFLICT:
        return "Changed meanwhile";
    case POS_E_REFUSED:
        return "Refused";
    }
    return "Error";
}

char *pos_rpc_error(const char *id, const struct pos_fault *f, size_t *n_out)
{
    cJSON *error = cJSON_CreateObject();

    if (!error || !cJSON_AddNumberToObject(error, "code", f->code) ||
        !cJSON_AddStringToObject(error, "message", rpc_words(f->code)) || !rpc_data(error, f)) {
        cJSON_Delete(error);
        return NULL;
    }
    return rpc_print(rpc_frame(id), "error", error, n_out);
}

char *pos_rpc_request(const char *id, const char *method, cJSON *params, size_t *n_out)
{
    cJSON *o = rpc_frame(id);

    if (o && !cJSON_AddStringToObject(o, "method", method)) {
        cJSON_Delete(o);
        o = NULL;
    }
    return rpc_print(o, "params", params, n_out);
}
