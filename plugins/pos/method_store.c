/*
 * What happens at a counter: check-in, wishes, visits, sales.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "method.h"

#include "attend.h"
#include "json.h"
#include "op.h"
#include "pos.h"
#include "roles.h"
#include "text.h"

#include <stdio.h>

/* The body with these members of params; NULL: ended for want of memory. */
static cJSON *store_body(struct pos_op *op, const char *const *names)
{
    cJSON *body = pos_op_body(op);

    if (body && pos_op_copy(op, body, names))
        return body;
    cJSON_Delete(body);
    pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "no memory");
    return NULL;
}

/* ---- check-in -------------------------------------------------------------------------------------- */

static void checked_in(struct pos_op *op, uint32_t status, cJSON *body)
{
    static const char *const map[][2] = {{"appointment", "id"},  {"customer", "customer"},
                                         {"status", "status"},   {"starts_at", "starts_at"},
                                         {"subject", "subject"}, {NULL, NULL}};
    const char *customer = pos_json_text(body, "customer");

    if (pos_op_good(status) && customer)
        pos_attend_begin(op->pos, op->till, customer, pos_op_text(op, "at"));
    if (pos_op_good(status) && !pos_role_prune_appointment(op->till->who.role, body))
        pos_op_fail_as(op, POS_E_INTERNAL, "internal", NULL,
                       "the answer could not be cut to what the role may see");
    else
        pos_op_result_of(op, status, body, map);
}

/* A path names an appointment by its id or, while it is open, by its code. */
void pos_do_appointment_checkin(struct pos_op *op)
{
    static const char *const none[] = {NULL};
    const char *code = pos_op_text(op, "code"), *id = pos_op_text(op, "appointment");
    char name[64], path[96];
    cJSON *body;

    if (!code == !id) {
        pos_op_fail_as(op, POS_E_PARAMS, "missing", NULL, "one of code and appointment is needed");
        return;
    }
    if (id && op->till->who.role == POS_ROLE_KIOSK) {
        pos_op_fail_as(op, POS_E_ROLE, "role", "/appointment", "at a kiosk by the code only");
        return;
    }
    if (!pos_text_escape(name, sizeof name, pos_str(id ? id : code))) {
        pos_op_fail_as(op, POS_E_PARAMS, "value", "/code", "code is too long");
        return;
    }
    (void)snprintf(path, sizeof path, "/v1/appointments/%s/checkin", name);
    body = store_body(op, none);
    if (body)
        pos_op_api(op, "POST", path, body, true, "", -1, checked_in);
}

/* ---- wishes ------------------------------------------------------------------------------------------ */

static void wish_added(struct pos_op *op, uint32_t status, cJSON *body)
{
    static const char *const map[][2] = {{"wish", "id"}, {NULL, NULL}};

    pos_op_result_of(op, status, body, map);
}

void pos_do_wish_add(struct pos_op *op)
{
    static const char *const names[] = {"customer", "size", "colour", "channel", "link", "case", NULL};
    char sku[200], path[256];
    cJSON *body;

    if (!pos_text_escape(sku, sizeof sku, pos_str(pos_op_text(op, "sku")))) {
        pos_op_fail_as(op, POS_E_PARAMS, "value", "/sku", "sku is too long");
        return;
    }
    (void)snprintf(path, sizeof path, "/v1/stock/%s/subscriptions", sku);
    body = store_body(op, names);
    if (body)
        pos_op_api(op, "POST", path, body, true, "", -1, wish_added);
}

/* ---- visits and sales ------------------------------------------------------------------------------------
 */

static void visit_recorded(struct pos_op *op, uint32_t status, cJSON *body)
{
    static const char *const map[][2] = {{"visit", "id"}, {NULL, NULL}};

    pos_op_result_of(op, status, body, map);
}

void pos_do_visit_record(struct pos_op *op)
{
    static const char *const names[] = {"customer", "purpose", "case", NULL};
    cJSON *body = store_body(op, names);

    if (body)
        pos_op_api(op, "POST", "/v1/visits", body, true, "", -1, visit_recorded);
}

static void sale_recorded(struct pos_op *op, uint32_t status, cJSON *body)
{
    static const char *const map[][2] = {{"sale", "id"}, {NULL, NULL}};

    pos_op_result_of(op, status, body, map);
}

void pos_do_sale_record(struct pos_op *op)
{
    static const char *const names[] = {"customer", "number", "currency", "total", "items", "case", NULL};
    cJSON *body = store_body(op, names);

    if (body)
        pos_op_api(op, "POST", "/v1/sales", body, true, "", -1, sale_recorded);
}
