/* Statuses of accepted messages: which ones follow a message, and their JSON. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_pricing(cJSON *json, const struct message *m, const char *status)
{
    bool service = !strcmp(m->category, "service"),
         is_free = service || (m->in_window && !strcmp(m->category, "utility"));
    if (strcmp(status, "sent") && strcmp(status, "delivered"))
        return;
    if (m->old_version) { /* later versions tell of conversations only for free entry points */
        char text[24];
        cJSON *conversation = cJSON_AddObjectToObject(json, "conversation");
        cJSON_AddStringToObject(conversation, "id", m->id + 6);
        if (!strcmp(status, "sent")) {
            snprintf(text, sizeof text, "%lld", (long long)m->at_s + 86400);
            cJSON_AddStringToObject(conversation, "expiration_timestamp", text);
        }
        cJSON_AddStringToObject(cJSON_AddObjectToObject(conversation, "origin"), "type", m->category);
    }
    cJSON *pricing = cJSON_AddObjectToObject(json, "pricing");
    cJSON_AddBoolToObject(pricing, "billable", !is_free);
    cJSON_AddStringToObject(pricing, "pricing_model", "PMP");
    cJSON_AddStringToObject(pricing, "category", m->category);
    cJSON_AddStringToObject(pricing, "type", is_free ? "free_customer_service" : "regular");
}

void status_send_locked(struct sim *s, const struct message *m, const char *id, const char *status,
                        cJSON *errors, const char *recipient_id, int64_t delay_ms)
{
    char when[24];
    cJSON *json = cJSON_CreateObject();
    const struct customer *c = m && m->user_id[0] ? customer_find_locked(s, m->user_id) : NULL;
    snprintf(when, sizeof when, "%lld", (long long)(unix_s() + delay_ms / 1000));
    cJSON_AddStringToObject(json, "id", id);
    cJSON_AddStringToObject(json, "status", status);
    cJSON_AddStringToObject(json, "timestamp", when);
    if (recipient_id)
        cJSON_AddStringToObject(json, "recipient_id", recipient_id);
    else if (m && m->phone[0] && !(c && c->no_phone))
        cJSON_AddStringToObject(json, "recipient_id", m->phone);
    if (m && m->user_id[0] && s->conf.user_ids)
        cJSON_AddStringToObject(json, "recipient_user_id", m->user_id);
    if (m)
        add_pricing(json, m, status);
    if (m && m->callback_data)
        cJSON_AddStringToObject(json, "biz_opaque_callback_data", m->callback_data);
    if (errors)
        cJSON_AddItemToObject(json, "errors", errors);
    webhook_add_locked(s, false, id, xprint(json), NULL, delay_ms);
    cJSON_Delete(json);
}

static cJSON *one_error(const struct gerr *e)
{
    cJSON *list = cJSON_CreateArray();
    cJSON_AddItemToArray(list, gerr_status_json(e));
    return list;
}

void status_plan_locked(struct sim *s, const struct message *m, const struct gerr *failed)
{
    const struct faults *f = &s->faults;
    if (failed) {
        status_send_locked(s, m, m->id, "failed", one_error(failed), NULL, f->status_delay_ms);
        return;
    }
    for (int i = 0; i < f->n_statuses; i++) {
        struct gerr e = {.code = f->status_error ? f->status_error : 131026};
        cJSON *errors = strcmp(f->statuses[i], "failed") ? NULL : one_error(&e);
        status_send_locked(s, m, m->id, f->statuses[i], errors, NULL, f->status_delay_ms * (i + 1));
    }
}
