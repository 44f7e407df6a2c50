/*
 * A message on its way out: its media uploaded if need be, the POST, the report.
 *
 * Invariants: each message taken gets exactly one report. Before the POST nothing
 * has left, so a failure there is never in doubt; after it, an exchange that broke
 * or an answer that can't be read is. Marking as read may be repeated without harm
 * and gives no receipts, so it is never in doubt.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "whatsapp.h"

enum { SEND_LINK_RETRY_US = 1000000 /* when the host's link was full */ };

static void send_report(struct wa *wa, const struct wa_op *op, const struct hilo_report *r)
{
    struct hilo_report report = *r;

    report.size = sizeof report;
    report.id = op->id;
    wa->host.report(wa->self, &report);
}

void wa_send_end(struct wa *wa, struct wa_op *op, const struct wa_verdict *v)
{
    struct hilo_report r = {.code = v->code,
                            .reason = wa_str(v->reason),
                            .provider_code = wa_str(v->provider_code),
                            .detail = wa_str(v->detail)};

    if (v->code == HILO_AGAIN || v->code == HILO_TEMP) {
        r.retry_after_us = v->retry_after_us;
        r.scope = v->scope == WA_SCOPE_ACCOUNT     ? HILO_SCOPE_CHANNEL
                  : v->scope == WA_SCOPE_RECIPIENT ? HILO_SCOPE_CONVERSATION
                                                   : HILO_SCOPE_MESSAGE;
    }
    if (v->code == HILO_CONFIG)
        wa_set_state(wa, HILO_CONFIG, v->detail[0] ? v->detail : v->reason);
    send_report(wa, op, &r);
    wa_op_free(wa, op);
}

void wa_send_fail(struct wa *wa, struct wa_op *op, int32_t code, const char *reason, const char *detail,
                  int64_t retry_after_us)
{
    struct hilo_report r = {
        .code = code, .reason = wa_str(reason), .detail = wa_str(detail), .retry_after_us = retry_after_us};

    send_report(wa, op, &r);
    wa_op_free(wa, op);
}

/* ---- forward ---------------------------------------------------------------------------- */

struct send_look {
    struct wa *wa;
    struct wa_op *op;
};

static const char *send_find_media(void *arg, struct hilo_id media)
{
    struct send_look *look = arg;
    const char *ext = wa_uploads_get(&look->wa->uploads, media, look->wa->host.mono_us(look->wa->self));

    if (ext && !look->op->uploaded)
        look->op->cached = true;
    return ext;
}

static void send_post(struct wa *wa, struct wa_op *op, const struct wa_encoded *out)
{
    struct hilo_http request = wa_request(wa, "POST", out->url);

    request.body = wa_str(out->body);
    op->step = WA_STEP_POST;
    if (wa_request_begin(wa, op, &request) != HILO_OK)
        wa_send_fail(wa, op, HILO_AGAIN, "link_full", "the gateway has too many requests under way",
                     SEND_LINK_RETRY_US);
}

void wa_send_advance(struct wa *wa, struct wa_op *op)
{
    const struct hilo_str message = {op->message, op->n};
    struct send_look look = {wa, op};
    const struct wa_encode with = {.conf = &wa->conf, .media = send_find_media, .arg = &look};
    struct wa_encoded out;

    switch (wa->provider->encode(op->id, message, &with, &out)) {
    case HILO_OK:
        op->echoed = out.echoed;
        send_post(wa, op, &out);
        break;
    case HILO_AGAIN:
        wa_upload_begin(wa, op, out.need);
        break;
    case HILO_INVALID:
        wa_send_fail(wa, op, HILO_PERM, "invalid_content", out.why, 0);
        break;
    case HILO_CONFIG:
        wa_send_fail(wa, op, HILO_CONFIG, "invalid_option", out.why, 0);
        break;
    default:
        wa_send_fail(wa, op, HILO_TEMP, "no_memory", "no memory to write the request", 0);
    }
    wa_encoded_done(&out);
}

int32_t wa_send(void *inst, struct hilo_id id, struct hilo_str message)
{
    struct wa *wa = inst;
    struct wa_op *op;

    if (!wa || wa->magic != WA_MAGIC)
        return HILO_BUG;
    if (wa->draining)
        return HILO_AGAIN;
    op = wa_op_new(wa, WA_STEP_FILE, message);
    if (!op)
        return HILO_TEMP;
    op->id = id;
    wa_send_advance(wa, op);
    return HILO_OK;
}

void wa_revoke(void *inst, struct hilo_id id)
{
    struct wa *wa = inst;
    struct hilo_id media;
    enum wa_step step;
    struct wa_op *op;
    uint32_t i;

    if (!wa || wa->magic != WA_MAGIC)
        return;
    for (i = 0; i < wa->ops.n; i++) {
        op = wa_slots_at(&wa->ops, i);
        if (!op || op->step >= WA_STEP_POST || memcmp(&op->id, &id, sizeof id) != 0)
            continue;
        media = op->media;
        step = op->step;
        wa_send_fail(wa, op, HILO_AGAIN, "revoked", "taken back before it left", 0);
        if (step != WA_STEP_WAIT)
            wa_upload_abandoned(wa, media);
        return;
    }
}

/* ---- and back ----------------------------------------------------------------------------- */

static void send_taken(struct wa *wa, struct wa_op *op, const char *ext_id)
{
    const struct hilo_report r = {.code = HILO_OK, .ext_id = wa_str(ext_id)};

    wa_set_state(wa, HILO_OK, "sending");
    send_report(wa, op, &r);
    wa_op_free(wa, op);
}

static void send_no_answer(struct wa *wa, struct wa_op *op, const struct hilo_http *h)
{
    if (!(h && h->flags & HILO_HTTP_MAYBE_SENT))
        wa_send_fail(wa, op, HILO_TEMP, "unreachable", "no connection to the provider", 0);
    else if (!op->echoed)
        wa_send_fail(wa, op, HILO_TEMP, "no_answer", "the provider gave no answer", 0);
    else
        wa_send_fail(wa, op, HILO_IN_DOUBT, "no_answer",
                     "the request left and no answer came; a receipt will tell", 0);
}

/* The media of a message that was not taken may be the reason: forget it, so
 * that the next try uploads it again. */
static void send_forget_media(struct wa *wa, const struct wa_op *op)
{
    struct hilo_str rest = {op->message, op->n}, part, params;
    struct hilo_field f;

    part = hilo_content(rest);
    wa_uploads_forget(&wa->uploads, hilo_get_id(part, HILO_T_CONTENT_MEDIA));
    params = hilo_get_str(part, HILO_T_CONTENT_PARAMETERS);
    while (hilo_next(&params, &f) == 1)
        if (f.tag == HILO_T_PARAMS_HEADER || f.tag == HILO_T_PARAMS_BODY)
            wa_uploads_forget(&wa->uploads, hilo_get_id(f.val, HILO_T_PARAM_MEDIA));
}

static void send_refused(struct wa *wa, struct wa_op *op, struct wa_verdict *v)
{
    if (v->media_stale && (op->cached || op->uploaded)) {
        send_forget_media(wa, op);
        if (op->cached)
            v->code = HILO_TEMP;
    }
    if (v->code == HILO_IN_DOUBT && !op->echoed)
        v->code = HILO_TEMP;
    wa_send_end(wa, op, v);
}

void wa_send_on_http(struct wa *wa, struct wa_op *op, int32_t code, const struct hilo_http *h)
{
    struct wa_verdict v;

    if (code != HILO_OK || !h) {
        send_no_answer(wa, op, h);
        return;
    }
    wa->provider->answer(h, op->echoed, &v);
    if (v.code == HILO_OK)
        send_taken(wa, op, v.ext_id);
    else
        send_refused(wa, op, &v);
}
