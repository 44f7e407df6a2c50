/*
 * Calendars answer an invitation (RFC 5546) to the organizer's address and without a trace of the mail that
 * it came in; what comes back is the UID, whose token names the appointment, and the SEQUENCE. The gateway
 * knows which message told of the appointment as it is now: if that one had this SEQUENCE, it is answered. An
 * answer to what has changed since is a mail like any other. SPDX-License-Identifier: Apache-2.0
 */
#include "intake_impl.h"

#include "ask.h"
#include "id.h"

#include <cjson/cJSON.h>
#include <stdio.h>

enum { EVENT_PATH = 80 };

/* The gateway could not say: the mail comes again. */
static bool event_failed(struct intake *i, int32_t code, uint32_t status)
{
    if (code == HILO_OK && status != 429 && status < 500)
        return false;
    email_log(i->email, HILO_LOG_WARN,
              "email.invitation code=%d status=%u: what is answered can't be read now", (int)code, status);
    intake_over(i, HILO_TEMP);
    return true;
}

static void event_message(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct intake *i = arg;
    cJSON *json = code == HILO_OK && status == 200 ? cJSON_ParseWithLength(body.p, (size_t)body.n) : NULL;
    const cJSON *content = cJSON_GetObjectItemCaseSensitive(json, "content");
    const cJSON *sequence =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(content, "invitation"), "sequence");
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(json, "id");
    /* 0 is not written. */
    const int64_t now = cJSON_IsNumber(sequence) ? (int64_t)sequence->valuedouble : 0;

    if (event_failed(i, code, status)) {
        cJSON_Delete(json);
        return;
    }
    if (cJSON_IsString(id) && now == i->mail.reply.sequence)
        (void)id_read("msg", email_str(id->valuestring), &i->about);
    else
        email_log(i->email, HILO_LOG_INFO, "email.invitation: an answer to what has changed since");
    cJSON_Delete(json);
    intake_keep(i);
}

static void event_appointment(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct intake *i = arg;
    cJSON *json = code == HILO_OK && status == 200 ? cJSON_ParseWithLength(body.p, (size_t)body.n) : NULL;
    const cJSON *one, *id, *newest = NULL;
    char path[EVENT_PATH];

    if (event_failed(i, code, status))
        return;
    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(json, "messages"))
    {
        id = cJSON_GetObjectItemCaseSensitive(one, "id");
        /* Ids are in the order of time. */
        if (cJSON_IsString(id) && id_text_good("msg", id->valuestring) &&
            (!newest || strcmp(id->valuestring, newest->valuestring) > 0))
            newest = id;
    }
    if (!newest) {
        intake_keep(i);
    } else {
        (void)snprintf(path, sizeof path, "/v1/messages/%s", newest->valuestring);
        if (!email_ask_api(i->email, "GET", path, "", "", event_message, i))
            intake_over(i, HILO_NOMEM);
    }
    cJSON_Delete(json);
}

void intake_event(struct intake *i, struct hilo_id appointment)
{
    char path[EVENT_PATH], id[ID_TEXT_MAX];

    id_write("apt", appointment, id);
    (void)snprintf(path, sizeof path, "/v1/appointments/%s", id);
    if (!email_ask_api(i->email, "GET", path, "", "", event_appointment, i))
        intake_over(i, HILO_NOMEM);
}
