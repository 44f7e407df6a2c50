/*
 * To the customer on her own channels, what she wants of them, and what she chose on this screen.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "method.h"

#include "document.h"
#include "json.h"
#include "op.h"
#include "person.h"
#include "pos.h"
#include "text.h"
#include "till.h"

#include <hilo/message.h>
#include <stdio.h>

static void no_memory(struct pos_op *op)
{
    pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "no memory");
}

/* ---- message.send ----------------------------------------------------------------------------------------
 */

static void message_accepted(struct pos_op *op, uint32_t status, cJSON *body)
{
    static const char *const map[][2] = {{"message", "id"},      {"customer", "customer"},
                                         {"channel", "channel"}, {"status", "status"},
                                         {"reason", "reason"},   {NULL, NULL}};

    pos_op_result_of(op, status, body, map);
}

/* {document:{…}} becomes the API's text; whatever else is its to judge. */
static cJSON *message_to(struct pos_op *op, struct pos_fault *f)
{
    const cJSON *to = pos_json_get(op->rpc.params, "to");
    const char *country = op->pos->conf.country.n ? op->pos->conf.country.p : "";
    char document[POS_DOCUMENT_MAX];
    cJSON *o;

    if (!pos_json_get(to, "document"))
        return cJSON_Duplicate(to, true);
    if (pos_person_document(pos_json_get(to, "document"), country, "/to/document", document, f) != 0)
        return NULL;
    o = cJSON_CreateObject();
    if (o && cJSON_AddStringToObject(o, "document", document))
        return o;
    cJSON_Delete(o);
    return NULL;
}

void pos_do_message_send(struct pos_op *op)
{
    static const char *const names[] = {"channel", "category", "content", "case", NULL};
    cJSON *body = pos_op_body(op), *to;
    struct pos_fault f;

    (void)pos_fault(&f, POS_E_LATER, "try_later", NULL, "no memory");
    to = message_to(op, &f);
    if (body && to && cJSON_AddItemToObject(body, "to", to)) {
        if (pos_op_copy(op, body, names)) {
            pos_op_api(op, "POST", "/v1/messages", body, true, "", -1, message_accepted);
            return;
        }
    } else {
        cJSON_Delete(to);
    }
    cJSON_Delete(body);
    pos_op_fail(op, &f);
}

/* ---- consent.set ------------------------------------------------------------------------------------------
 */

static void consent_kept(struct pos_op *op, uint32_t status, cJSON *body)
{
    cJSON *o;

    (void)body;
    if (!pos_op_good(status)) {
        pos_op_fail_api(op, status, body);
        return;
    }
    o = cJSON_CreateObject();
    if (o && cJSON_AddStringToObject(o, "category", pos_op_text(op, "category")) &&
        cJSON_AddStringToObject(o, "state", pos_op_text(op, "state"))) {
        pos_op_result(op, o);
    } else {
        cJSON_Delete(o);
        no_memory(op);
    }
}

static bool one_of(const char *text, const char *const *list)
{
    for (; *list; list++)
        if (text && strcmp(text, *list) == 0)
            return true;
    return false;
}

/* "screen: what she agreed to; form 8812; CENTRO/3, ana, 2026-…": what the API keeps as the proof. It is the
 * same when the request comes again, so nothing of now is in it. */
static int consent_proof(struct pos_op *op, char out[500], struct pos_fault *f)
{
    static const char *const hows[] = {"screen", "signature", "paper", "spoken", NULL};
    const cJSON *proof = pos_json_get(op->rpc.params, "proof"), *m;
    const char *how = pos_json_text(proof, "how"), *text = pos_json_text(proof, "text"),
               *reference = pos_json_text(proof, "reference"), *clerk = pos_op_text(op, "clerk"),
               *at = pos_op_text(op, "at");

    cJSON_ArrayForEach(m, proof) if (strcmp(m->string, "how") != 0 && strcmp(m->string, "text") != 0 &&
                                     strcmp(m->string, "reference") !=
                                         0) return pos_fault(f, POS_E_PARAMS, "unknown_member", "/proof",
                                                             "a proof is {how, text, reference}");
    if (!one_of(how, hows))
        return pos_fault(f, POS_E_PARAMS, "value", "/proof/how",
                         "how must be screen, signature, paper or spoken");
    if ((text && strlen(text) > 200) || (reference && strlen(reference) > 64))
        return pos_fault(f, POS_E_PARAMS, "value", "/proof", "text has at most 200 bytes, reference 64");
    (void)snprintf(out, 500, "%s%s%s%s%s; %s%s%s%s%s", how, text ? ": " : "", text ? text : "",
                   reference ? "; " : "", reference ? reference : "", op->till->key, clerk ? ", " : "",
                   clerk ? clerk : "", at ? ", " : "", at ? at : "");
    return 0;
}

void pos_do_consent_set(struct pos_op *op)
{
    static const char *const categories[] = {"service", "transactional", "promotional", "authentication",
                                             NULL};
    static const char *const names[] = {"state", "channel", "channel_type", NULL};
    const char *category = pos_op_text(op, "category");
    char path[128], proof[500];
    struct pos_fault f;
    cJSON *body;

    if (!one_of(category, categories)) {
        pos_op_fail_as(op, POS_E_PARAMS, "value", "/category",
                       "category must be service, transactional, promotional or authentication");
        return;
    }
    if (consent_proof(op, proof, &f) != 0) {
        pos_op_fail(op, &f);
        return;
    }
    (void)snprintf(path, sizeof path, "/v1/customers/%.40s/consents/%s", pos_op_text(op, "customer"),
                   category);
    body = cJSON_CreateObject();
    if (body && pos_op_copy(op, body, names) && cJSON_AddStringToObject(body, "proof", proof)) {
        pos_op_api(op, "PUT", path, body, true, "", -1, consent_kept);
    } else {
        cJSON_Delete(body);
        no_memory(op);
    }
}

/* ---- choice.answer ----------------------------------------------------------------------------------------
 */

static void choice_committed(void *arg, int32_t code)
{
    struct pos_op *op = arg;

    op->token = 0;
    if (code == HILO_OK || code == HILO_DUPLICATE)
        pos_op_result(op, cJSON_CreateObject());
    else if (code == HILO_INVALID)
        pos_op_fail_as(op, POS_E_REFUSED, "refused", NULL, "the gateway can't take this answer");
    else
        pos_op_fail_as(op, POS_E_LATER, code == HILO_FULL ? "full" : "try_later", NULL,
                       "the gateway takes nothing now");
}

static uint64_t scheme_of(const char *name)
{
#define HILO_SCHEME(n, value, text)                                                                          \
    if (strcmp(name, text) == 0)                                                                             \
        return (value);
#include <hilo/values.def>
    return 0;
}

/* The choice of this id among those that were asked; NULL: none. */
static const cJSON *choice_asked(const cJSON *message, const char *id)
{
    const cJSON *c;

    cJSON_ArrayForEach(c, pos_json_get(pos_json_get(message, "content"), "choices"))
    {
        const char *of = pos_json_text(c, "id");

        if (of && strcmp(of, id) == 0)
            return c;
    }
    return NULL;
}

/* What the core takes for an answer by whoever the question was sent to. */
static void choice_submit(struct pos_op *op, const cJSON *message, const cJSON *choice)
{
    const cJSON *party = cJSON_GetArrayItem(pos_json_get(message, "party"), 0);
    const char *scheme = pos_json_text(party, "scheme"), *value = pos_json_text(party, "value"),
               *scope = pos_json_text(party, "scope"), *title = pos_json_text(choice, "title"),
               *at = pos_op_text(op, "at");
    char ext[POS_TILL_MAX + POS_ID_MAX + 2];
    int64_t when = pos_wall(op->pos), said;
    struct hilo_id question;
    struct hilo_writer w;
    uint8_t buf[4096];

    if (!scheme || !value || !scheme_of(scheme) ||
        !pos_text_id(pos_str(pos_op_text(op, "message")), "msg", &question)) {
        pos_op_fail_as(op, POS_E_INTERNAL, "internal", NULL, "the question names nobody");
        return;
    }
    if (at && pos_text_time(pos_str(at), &said) && said < when)
        when = said;
    (void)snprintf(ext, sizeof ext, "%s/%s", op->till->key, op->rpc.id);
    hilo_writer_init(&w, buf, sizeof buf);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_INBOUND);
    hilo_put_str(&w, HILO_T_MSG_EXT_ID, pos_str(ext));
    hilo_put_id(&w, HILO_T_MSG_REPLY_TO, question);
    hilo_put_u64(&w, HILO_T_MSG_TIME, (uint64_t)when);
    hilo_open(&w, HILO_T_MSG_PARTY);
    hilo_put_u64(&w, HILO_T_IDENT_SCHEME, scheme_of(scheme));
    if (scope)
        hilo_put_str(&w, HILO_T_IDENT_SCOPE, pos_str(scope));
    hilo_put_str(&w, HILO_T_IDENT_VALUE, pos_str(value));
    hilo_close(&w);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_CHOICE_REPLY);
    hilo_put_str(&w, HILO_T_CONTENT_CHOICE, pos_str(pos_op_text(op, "choice")));
    if (title)
        hilo_put_str(&w, HILO_T_CONTENT_TITLE, pos_str(title));
    hilo_close(&w);
    op->token = w.failed ? 0 : pos_ask_submit(op->pos, hilo_written(&w), choice_committed, op);
    if (op->token == 0)
        no_memory(op);
}

static void choice_question(struct pos_op *op, uint32_t status, cJSON *message)
{
    struct hilo_str channel = op->pos->host.channel(op->pos->self);
    const char *of = pos_json_text(message, "channel");
    const cJSON *choice;

    if (!pos_op_good(status)) {
        pos_op_fail_api(op, status, message);
        return;
    }
    if (!of || strlen(of) != channel.n || memcmp(of, channel.p, channel.n) != 0) {
        pos_op_fail_as(op, POS_E_NOT_FOUND, "not_found", "/message",
                       "no such question was asked at a terminal");
        return;
    }
    choice = choice_asked(message, pos_op_text(op, "choice"));
    if (choice)
        choice_submit(op, message, choice);
    else
        pos_op_fail_as(op, POS_E_PARAMS, "value", "/choice", "it is none of the choices that were asked");
}

void pos_do_choice_answer(struct pos_op *op)
{
    char path[96];

    (void)snprintf(path, sizeof path, "/v1/messages/%.40s", pos_op_text(op, "message"));
    pos_op_api(op, "GET", path, NULL, false, "", -1, choice_question);
}
