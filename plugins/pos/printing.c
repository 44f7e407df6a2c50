/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "printing.h"

#include "conn.h"
#include "json.h"
#include "prints.h"
#include "push.h"
#include "session.h"
#include "text.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

/* So long a terminal that is away hears of its slips afterwards. */
static const int64_t PRINTING_KEEP_US = INT64_C(86400) * 1000000;

struct pos_printing {
    struct pos_printers *printers;
};

/* ---- its end ------------------------------------------------------------------------------------------- */

static void pushed(void *arg, int32_t code)
{
    struct pos *pos = arg;

    if (code != HILO_OK)
        pos_log(pos, HILO_LOG_WARN, "printer.job: the terminal that asked for it could not be told (%d)",
                (int)code);
}

/* An id of a push that is the same for the same words, and no longer than one may be. */
static bool printing_id(char out[POS_ID_MAX + 1], const char *words)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0, i;

    if (EVP_Digest(words, strlen(words), digest, &n, EVP_sha256(), NULL) != 1)
        return false;
    (void)snprintf(out, POS_ID_MAX + 1, "p-print-");
    for (i = 0; i < 16; i++)
        (void)snprintf(out + strlen(out), 3, "%02x", digest[i]);
    return true;
}

/* The newest of a job takes the place of the one before. An end is told once, whatever the gateway went
 * through; that it waits, each time that it does. */
static void printing_tell(struct pos *pos, const struct pos_print_result *r, const char *status, int64_t when)
{
    char store[POS_NAME_MAX + 1], terminal[POS_NAME_MAX + 1], job[POS_ID_MAX + 1], printer[POS_TILL_MAX];
    char id[POS_ID_MAX + 1], key[80], words[160];
    struct pos_push push = {
        .method = "print.status", .id = id, .key = key, .until_us = pos_wall(pos) + PRINTING_KEEP_US};
    cJSON *o = cJSON_CreateObject();

    pos_text_copy(store, sizeof store, r->store);
    pos_text_copy(terminal, sizeof terminal, r->terminal);
    pos_text_copy(job, sizeof job, r->id);
    pos_text_copy(printer, sizeof printer, r->printer);
    (void)snprintf(key, sizeof key, "print/%s", job);
    (void)snprintf(words, sizeof words, "%s %s %lld", job, status, (long long)when);
    if (o && printing_id(id, words) && cJSON_AddStringToObject(o, "job", job) &&
        cJSON_AddStringToObject(o, "status", status) &&
        (!r->reason[0] || cJSON_AddStringToObject(o, "reason", r->reason)) &&
        cJSON_AddBoolToObject(o, "confirmed", r->confirmed) &&
        cJSON_AddStringToObject(o, "printer", printer)) {
        push.params = o;
        pos_push_put(pos, store, terminal, &push, pushed, pos);
        return;
    }
    cJSON_Delete(o);
    pushed(pos, HILO_NOMEM);
}

static void printing_done(void *arg, const struct pos_print_result *r)
{
    printing_tell(arg, r, pos_print_outcome_name(r->outcome), 0);
}

static void printing_waits(void *arg, const struct pos_print_result *r)
{
    printing_tell(arg, r, "queued", pos_wall(arg));
}

/* ---- its beginning ---------------------------------------------------------------------------------------
 */

void pos_printing_answer(struct pos_op *op, const char *status, const char *printer)
{
    cJSON *o = cJSON_CreateObject();

    if (o && cJSON_AddStringToObject(o, "job", op->rpc.id) && cJSON_AddStringToObject(o, "status", status) &&
        (*printer ? cJSON_AddStringToObject(o, "printer", printer) : cJSON_AddNullToObject(o, "printer"))) {
        pos_op_result(op, o);
    } else {
        cJSON_Delete(o);
        pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "no memory");
    }
}

static void printing_taken(struct pos_op *op, int32_t code)
{
    const struct pos_till *t = op->till;
    char name[POS_TILL_MAX];

    pos_text_copy(
        name, sizeof name,
        pos_printer_of(op->pos->printing->printers, pos_str(t->who.store), pos_str(t->who.terminal)));
    if (code == HILO_OK || code == HILO_DUPLICATE)
        pos_prints_keep(op, "queued", name, pos_printing_answer);
    else
        pos_op_fail_as(op, POS_E_LATER, code == HILO_FULL ? "full" : "try_later", NULL,
                       "it could not be queued now");
}

/* A write of a terminal is one at a time, so this is the first of its writes. */
static void printing_accepted(void *arg, struct hilo_str store, struct hilo_str terminal, struct hilo_str id,
                              int32_t code)
{
    char s[POS_NAME_MAX + 1], t[POS_NAME_MAX + 1];
    struct pos *pos = arg;
    struct pos_till *till;
    struct pos_op *op;

    pos_text_copy(s, sizeof s, store);
    pos_text_copy(t, sizeof t, terminal);
    till = pos_till_find(pos, s, t);
    op = till ? TAILQ_FIRST(&till->writes) : NULL;
    if (op && op->work == pos->printing && pos_str_is(id, op->rpc.id)) {
        op->work = NULL;
        printing_taken(op, code);
    }
}

static void push_kept(void *arg, int32_t code)
{
    struct pos_op *op = arg;

    if (code == HILO_OK)
        pos_prints_keep(op, "sent", "", pos_printing_answer);
    else
        pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "it could not be kept for the terminal now");
}

static void printing_push(struct pos_op *op, const char *slip)
{
    char id[POS_ID_MAX + 1];
    struct pos_push push = {
        .method = "print", .id = id, .key = "", .until_us = pos_wall(op->pos) + PRINTING_KEEP_US};

    push.params = cJSON_CreateObject();
    if (push.params && printing_id(id, op->rpc.id) &&
        cJSON_AddStringToObject(push.params, "job", op->rpc.id) &&
        cJSON_AddRawToObject(push.params, "slip", slip)) {
        pos_push_put(op->pos, op->till->who.store, op->till->who.terminal, &push, push_kept, op);
        return;
    }
    cJSON_Delete(push.params);
    pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "no memory");
}

void pos_printing_print(struct pos_op *op, const struct pos_slip *slip)
{
    struct pos_printing *g = op->pos->printing;
    const struct pos_till *t = op->till;
    char why[POS_SLIP_WORDS];
    size_t n = 0;
    char *json = pos_slip_json(slip, &n);
    const struct pos_print_job job = {.id = pos_str(op->rpc.id),
                                      .store = pos_str(t->who.store),
                                      .terminal = pos_str(t->who.terminal),
                                      .slip = {json, n}};
    int32_t code;

    if (!json) {
        pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "no memory");
        return;
    }
    op->work = g; /* accepted() may come at once */
    code = pos_print(g->printers, &job, why);
    if (code != HILO_OK)
        op->work = NULL;
    if (code == HILO_NOTFOUND && t->conn && (t->conn->can & POS_CAN_PRINT))
        printing_push(op, json);
    else if (code == HILO_NOTFOUND)
        pos_op_fail_as(op, POS_E_REFUSED, "no_printer", NULL,
                       "no printer serves this terminal, and it says that it has none");
    else if (code == HILO_INVALID)
        pos_op_fail_as(op, POS_E_REFUSED, "refused", NULL, "%s", why);
    else if (code != HILO_OK)
        printing_taken(op, code);
    free(json);
}

struct pos_paper pos_printing_paper(struct pos *pos, const struct pos_till *t)
{
    struct pos_printers *p = pos->printing->printers;

    return pos_printer_paper(p, pos_printer_of(p, pos_str(t->who.store), pos_str(t->who.terminal)));
}

/* ---- life
 * -------------------------------------------------------------------------------------------------- */

struct pos_printing *pos_printing_new(struct pos *pos)
{
    const struct pos_printers_events on = {
        .accepted = printing_accepted, .done = printing_done, .waits = printing_waits};
    const struct pos_printers_conf conf = {.printers = pos->conf.printers,
                                           .patience_us = pos->conf.print_patience_us};
    struct pos_printing *g = calloc(1, sizeof *g);

    if (g)
        g->printers =
            pos_printers_new(&conf, &pos->host, pos->self, POS_PRINTING_TOKEN, POS_PRINTING_TIMER, &on, pos);
    if (g && !g->printers) {
        free(g);
        g = NULL;
    }
    return g;
}

void pos_printing_start(struct pos *pos)
{
    pos_printers_start(pos->printing->printers);
}

void pos_printing_drain(struct pos *pos)
{
    (void)pos_printers_drain(pos->printing->printers);
}

void pos_printing_free(struct pos *pos)
{
    if (!pos->printing)
        return;
    pos_printers_free(&pos->printing->printers);
    free(pos->printing);
    pos->printing = NULL;
}

bool pos_printing_on_fd(struct pos *pos, int32_t fd, uint32_t events)
{
    return pos_printers_on_fd(pos->printing->printers, fd, events);
}

bool pos_printing_on_timer(struct pos *pos, uint32_t id)
{
    return pos_printers_on_timer(pos->printing->printers, id);
}

bool pos_printing_on_context(struct pos *pos, uint64_t token, int32_t code, struct hilo_str val,
                             uint64_t version)
{
    return pos_printers_on_context(pos->printing->printers, token, code, val, version);
}

void pos_printing_woken(struct pos *pos)
{
    pos_printers_woken(pos->printing->printers);
}
