/*
 * Slips: of a case, an appointment or a wish of a customer who is attended here, as bytes for a printer,
 * as text, or as a picture; or on the paper of the printer that serves the terminal.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "method.h"

#include "attend.h"
#include "json.h"
#include "op.h"
#include "pos.h"
#include "printing.h"
#include "prints.h"
#include "render.h"
#include "text.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

enum { PICTURE_MAX = 40000 /* its base64 fits a frame */ };

static void no_memory(struct pos_op *op)
{
    pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "no memory");
}

/* ---- the paper and the words -----------------------------------------------------------------------------
 */

static bool slip_paper(struct pos_op *op, struct pos_paper *paper)
{
    const char *page = pos_op_text(op, "code_page");

    *paper = pos_printing_paper(op->pos, op->till);
    if (pos_op_int(op, "columns", 0)) {
        paper->columns = (uint32_t)pos_op_int(op, "columns", 0);
        paper->dots = paper->columns * 12; /* a letter of the usual font */
    }
    if (!page || pos_codepage_parse(pos_str(page), &paper->codepage, &paper->page))
        return true;
    pos_op_fail_as(op, POS_E_PARAMS, "value", "/code_page", "code_page must be cp850, cp858 or windows1252");
    return false;
}

static struct pos_slip *slip_make(struct pos_op *op, const cJSON *record)
{
    const struct pos_slip_how how = {.locale = pos_str(pos_op_text(op, "language")),
                                     .time_zone = op->pos->conf.time_zone,
                                     .store = pos_str(op->till->who.store)};
    char *text = cJSON_PrintUnformatted(record), why[POS_SLIP_WORDS] = "";
    enum pos_slip_kind kind = POS_SLIP_CASE;
    struct pos_slip *slip = NULL;
    int32_t code = HILO_NOMEM;

    (void)pos_slip_kind_parse(pos_str(pos_op_text(op, "kind")), &kind);
    if (text)
        slip = pos_slip_make(kind, pos_str(text), &how, &code, why);
    free(text);
    if (!slip && code == HILO_INVALID)
        pos_op_fail_as(op, POS_E_REFUSED, "refused", NULL, "no slip can be made of it: %s", why);
    else if (!slip)
        no_memory(op);
    return slip;
}

/* ---- the answer
 * -------------------------------------------------------------------------------------------- */

static void slip_result(struct pos_op *op, const char *mime, const void *p, size_t n)
{
    cJSON *o = cJSON_CreateObject();
    char *data = malloc(4 * ((n + 2) / 3) + 1);
    bool ok = o && data;

    if (n > PICTURE_MAX) {
        pos_op_fail_as(op, POS_E_REFUSED, "refused", NULL, "the slip is longer than a frame may be");
        cJSON_Delete(o);
        free(data);
        return;
    }
    if (ok)
        (void)EVP_EncodeBlock((unsigned char *)data, p, (int)n);
    ok = ok && cJSON_AddStringToObject(o, "mime", mime) && cJSON_AddStringToObject(o, "data", data);
    free(data);
    if (ok) {
        pos_op_result(op, o);
    } else {
        cJSON_Delete(o);
        no_memory(op);
    }
}

static void slip_render(struct pos_op *op, const cJSON *record)
{
    const char *format = pos_op_text(op, "format");
    char why[POS_SLIP_WORDS] = "";
    struct pos_bytes bytes = {NULL, 0};
    struct pos_paper paper;
    struct pos_slip *slip;
    int32_t code = HILO_OK;
    char *text = NULL;
    size_t n = 0;

    if (!slip_paper(op, &paper) || !(slip = slip_make(op, record)))
        return;
    if (strcmp(format, "text") == 0)
        text = pos_render_text(slip, paper.columns, &n);
    else if (strcmp(format, "png") == 0)
        code = pos_render_png(slip, &paper, NULL, NULL, &bytes, why);
    else
        code = pos_escpos(slip, &paper, &bytes, NULL);
    pos_slip_free(&slip);
    if (text)
        slip_result(op, "text/plain; charset=utf-8", text, n);
    else if (code == HILO_OK && bytes.p)
        slip_result(op, strcmp(format, "png") == 0 ? "image/png" : "application/vnd.escpos", bytes.p,
                    bytes.n);
    else if (code == HILO_INVALID || code == HILO_IO)
        pos_op_fail_as(op, POS_E_REFUSED, "refused", NULL, "the slip can't be made%s%s", why[0] ? ": " : "",
                       why);
    else
        no_memory(op);
    free(text);
    free(bytes.p);
}

static void slip_record(struct pos_op *op, const cJSON *record)
{
    struct pos_slip *slip;

    if (pos_op_text(op, "format")) {
        slip_render(op, record);
        return;
    }
    slip = slip_make(op, record);
    if (slip)
        pos_printing_print(op, slip);
    pos_slip_free(&slip);
}

/* ---- the record
 * ---------------------------------------------------------------------------------------------- */

/* It must be hers. */
static void slip_found(struct pos_op *op, const cJSON *record)
{
    const char *customer = pos_json_text(record, "customer");

    if (customer && strcmp(customer, pos_op_text(op, "customer")) == 0)
        slip_record(op, record);
    else
        pos_op_fail_as(op, POS_E_NOT_FOUND, "not_found", "/id", "this customer has none with this id");
}

static void slip_answered(struct pos_op *op, uint32_t status, cJSON *body)
{
    if (pos_op_good(status))
        slip_found(op, body);
    else
        pos_op_fail_api(op, status, body);
}

static void slip_wishes(struct pos_op *op, uint32_t status, cJSON *body)
{
    const cJSON *wish, *found = NULL;

    if (!pos_op_good(status)) {
        pos_op_fail_api(op, status, body);
        return;
    }
    cJSON_ArrayForEach(wish, pos_json_get(body, "subscriptions"))
    {
        const char *id = pos_json_text(wish, "id");

        if (id && strcmp(id, pos_op_text(op, "id")) == 0)
            found = wish;
    }
    slip_found(op, found);
}

static void slip_ask(struct pos_op *op)
{
    const char *kind = pos_op_text(op, "kind"), *id = pos_op_text(op, "id"),
               *customer = pos_op_text(op, "customer");
    enum pos_slip_kind of;
    char escaped[200], path[256];

    if (!pos_slip_kind_parse(pos_str(kind), &of)) {
        pos_op_fail_as(op, POS_E_PARAMS, "value", "/kind", "kind must be case, appointment or wish");
        return;
    }
    if (!pos_attend_here(op->pos, op->till, customer)) {
        pos_op_fail_as(op, POS_E_ROLE, "not_attended", "/customer",
                       "find her first: she is not attended here");
        return;
    }
    if (!pos_text_escape(escaped, sizeof escaped, pos_str(id))) {
        pos_op_fail_as(op, POS_E_PARAMS, "value", "/id", "id is too long");
        return;
    }
    if (of == POS_SLIP_WISH)
        (void)snprintf(path, sizeof path, "/v1/customers/%.40s/subscriptions", customer);
    else
        (void)snprintf(path, sizeof path, "/v1/%s/%s", of == POS_SLIP_CASE ? "cases" : "appointments",
                       escaped);
    pos_op_api(op, "GET", path, NULL, false, "", -1, of == POS_SLIP_WISH ? slip_wishes : slip_answered);
}

void pos_do_slip_render(struct pos_op *op)
{
    const char *format = pos_op_text(op, "format");

    if (strcmp(format, "escpos") != 0 && strcmp(format, "text") != 0 && strcmp(format, "png") != 0)
        pos_op_fail_as(op, POS_E_PARAMS, "value", "/format", "format must be escpos, text or png");
    else
        slip_ask(op);
}

/* One that was asked for before is answered as it was: whoever is attended now, it took effect. */
static void slip_seen(struct pos_op *op, const char *status, const char *printer)
{
    if (status)
        pos_printing_answer(op, status, printer);
    else
        slip_ask(op);
}

void pos_do_slip_print(struct pos_op *op)
{
    pos_prints_find(op, slip_seen);
}
