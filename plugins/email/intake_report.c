/*
 * What machines say of mails of ours: bounces, read receipts, complaints.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "intake_impl.h"

#include "ask.h"
#include "id.h"
#include "inbound.h"
#include "words.h"

#include <cjson/cJSON.h>
#include <stdio.h>

enum { INTAKE_PATH = 120 };

static void receipt_committed(void *arg, int32_t code)
{
    struct intake *i = arg;

    if (code == HILO_INVALID) { /* a message that is not there any more */
        email_log(i->email, HILO_LOG_INFO,
                  "email.report: about a message that the gateway does not have; dropped");
        code = HILO_OK;
    }
    intake_over(i, code);
}

static void intake_receipt(struct intake *i, uint32_t status)
{
    const struct mail_about *a = &i->mail.about;
    struct email *e = i->email;
    struct words w = {.reason = NULL};
    struct hilo_writer out;

    hilo_writer_init(&out, e->intakes->buf, HILO_MESSAGE_MAX);
    if (status == HILO_STATUS_FAILED)
        words_of(email_str(a->status), 0, email_str(a->diagnostic), e->conf->language, &w);
    inbound_receipt(i->about, status, w.reason, email_str(a->status), w.reason ? w.text : "", email_wall(e),
                    &out);
    if (out.failed || !email_ask_submit(e, hilo_written(&out), receipt_committed, i))
        intake_over(i, HILO_NOMEM);
}

static void complaint_kept(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct intake *i = arg;

    (void)body;
    if (code == HILO_OK && (status == 200 || status == 404 || status == 410)) {
        intake_over(i, HILO_OK);
        return;
    }
    email_log(
        i->email, HILO_LOG_ERROR,
        "email.complaint code=%d status=%u: the opt-out can't be recorded; the report is asked for again. "
        "Has the channel the scopes messages:read and customers:write?",
        (int)code, status);
    intake_over(i, HILO_TEMP);
}

/* Whoever calls it spam wants no more of it. */
static void complaint_known(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct intake *i = arg;
    struct email *e = i->email;
    cJSON *json = code == HILO_OK && status == 200 ? cJSON_ParseWithLength(body.p, (size_t)body.n) : NULL;
    const cJSON *customer = cJSON_GetObjectItemCaseSensitive(json, "customer");
    struct hilo_str channel = e->host.channel(e->self);
    char path[INTAKE_PATH], text[256], id[ID_TEXT_MAX];

    if (!cJSON_IsString(customer) || !id_text_good("cus", customer->valuestring)) {
        complaint_kept(i, code, status == 200 ? 500 : status, email_none());
    } else {
        id_write("msg", i->about, id);
        (void)snprintf(path, sizeof path, "/v1/customers/%s/consents/promotional", customer->valuestring);
        (void)snprintf(text, sizeof text,
                       "{\"state\":\"denied\",\"channel\":\"%.*s\",\"proof\":\"complaint (ARF) about %s\"}",
                       (int)channel.n, channel.p, id);
        if (!email_ask_api(e, "PUT", path, text, "", complaint_kept, i))
            intake_over(i, HILO_NOMEM);
    }
    cJSON_Delete(json);
}

static void intake_complaint(struct intake *i)
{
    char path[INTAKE_PATH], id[ID_TEXT_MAX];

    id_write("msg", i->about, id);
    (void)snprintf(path, sizeof path, "/v1/messages/%s", id);
    if (!email_ask_api(i->email, "GET", path, "", "", complaint_known, i))
        intake_over(i, HILO_NOMEM);
}

void intake_report(struct intake *i)
{
    char id[ID_TEXT_MAX];

    id_write("msg", i->about, id);
    switch (i->mail.about.report) {
    case MAIL_BOUNCE:
        email_log(i->email, HILO_LOG_INFO, "email.bounce message=%s status=%s", id,
                  i->mail.about.status ? i->mail.about.status : "none");
        intake_receipt(i, HILO_STATUS_FAILED);
        break;
    case MAIL_DELIVERED:
        intake_receipt(i, HILO_STATUS_DELIVERED);
        break;
    case MAIL_READ:
        intake_receipt(i, HILO_STATUS_READ);
        break;
    case MAIL_COMPLAINT:
        email_log(i->email, HILO_LOG_WARN, "email.complaint message=%s", id);
        intake_complaint(i);
        break;
    case MAIL_DELAYED:
    case MAIL_NO_REPORT:
        email_log(i->email, HILO_LOG_INFO, "email.delayed message=%s: the server is still trying", id);
        intake_over(i, HILO_OK);
        break;
    }
}
