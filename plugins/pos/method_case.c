/*
 * Cases: opened, noted, changed, closed.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "method.h"

#include "json.h"
#include "op.h"
#include "pos.h"

#include <stdio.h>

static const char *const case_map[][2] = {
    {"case", "id"}, {"status", "status"}, {"version", "version"}, {NULL, NULL}};

static void case_done(struct pos_op *op, uint32_t status, cJSON *body)
{
    pos_op_result_of(op, status, body, case_map);
}

static void case_noted(struct pos_op *op, uint32_t status, cJSON *body)
{
    static const char *const map[][2] = {{"note", "id"}, {NULL, NULL}};

    pos_op_result_of(op, status, body, map);
}

/* An id was checked against its form, so it may stand in a path. */
static void case_path(const struct pos_op *op, const char *more, char out[96])
{
    (void)snprintf(out, 96, "/v1/cases/%.40s%s", pos_op_text(op, "case"), more);
}

/* The body with these members of params; NULL: ended for want of memory. */
static cJSON *case_body(struct pos_op *op, const char *const *names)
{
    cJSON *body = pos_op_body(op);

    if (body && pos_op_copy(op, body, names))
        return body;
    cJSON_Delete(body);
    pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "no memory");
    return NULL;
}

void pos_do_case_open(struct pos_op *op)
{
    static const char *const names[] = {"customer", "subject", "owner", NULL};
    cJSON *body = case_body(op, names);

    if (body)
        pos_op_api(op, "POST", "/v1/cases", body, true, "", -1, case_done);
}

void pos_do_case_note(struct pos_op *op)
{
    static const char *const names[] = {"text", NULL};
    cJSON *body = case_body(op, names);
    char path[96];

    case_path(op, "/notes", path);
    if (body)
        pos_op_api(op, "POST", path, body, true, "", -1, case_noted);
}

void pos_do_case_update(struct pos_op *op)
{
    static const char *const names[] = {"subject", "owner", "status", NULL};
    const char *status = pos_op_text(op, "status");
    cJSON *body;
    char path[96];

    if (!pos_json_get(op->rpc.params, "subject") && !pos_json_get(op->rpc.params, "owner") && !status) {
        pos_op_fail_as(op, POS_E_PARAMS, "missing", NULL, "subject, owner or status is needed");
        return;
    }
    if (status && strcmp(status, "open") != 0 && strcmp(status, "pending") != 0) {
        pos_op_fail_as(op, POS_E_PARAMS, "value", "/status",
                       "status must be open or pending; case.close closes");
        return;
    }
    case_path(op, "", path);
    body = case_body(op, names);
    if (body)
        pos_op_api(op, "PATCH", path, body, true, "", pos_op_int(op, "version", -1), case_done);
}

void pos_do_case_close(struct pos_op *op)
{
    static const char *const none[] = {NULL};
    cJSON *body = case_body(op, none);
    char path[96];

    if (!body)
        return;
    case_path(op, "", path);
    if (cJSON_AddStringToObject(body, "status", "closed")) {
        pos_op_api(op, "PATCH", path, body, true, "", pos_op_int(op, "version", -1), case_done);
    } else {
        cJSON_Delete(body);
        pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "no memory");
    }
}
