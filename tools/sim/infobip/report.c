/* Delivery and seen reports: the statuses and errors of Infobip's documentation that WhatsApp and SMS meet,
 * and what follows a message. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    int group, id;
    const char *name, *description;
} statuses[] = {
    {1, 3, "PENDING_WAITING_DELIVERY", "Message sent, waiting for delivery report"},
    {1, 7, "PENDING_ENROUTE", "Message sent to next instance"},
    {1, 26, "PENDING_ACCEPTED", "Message accepted, pending for delivery."},
    {2, 4, "UNDELIVERABLE_REJECTED_OPERATOR", "Message rejected by operator"},
    {2, 9, "UNDELIVERABLE_NOT_DELIVERED", "Message sent not delivered"},
    {3, 2, "DELIVERED_TO_OPERATOR", "Message delivered to operator"},
    {3, 5, "DELIVERED_TO_HANDSET", "Message delivered to handset"},
    {4, 15, "EXPIRED_EXPIRED", "Message expired"},
    {4, 29, "EXPIRED_DLR_UNKNOWN", "Unknown Reason"},
    {5, 6, "REJECTED_NETWORK", "Network is forbidden"},
    {5, 8, "REJECTED_PREFIX_MISSING", "Number prefix missing"},
    {5, 10, "REJECTED_DND", "Destination is registered for do not disturb"},
    {5, 12, "REJECTED_NOT_ENOUGH_CREDITS", "Not enough credits"},
    {5, 13, "REJECTED_SENDER", "By sender"},
    {5, 14, "REJECTED_DESTINATION_BLOCKLISTED", "Destination is on the blocklist"},
    {5, 20, "REJECTED_FLOODING_FILTER", "Rejected by flooding filter"},
    {5, 21, "REJECTED_SYSTEM_ERROR", "System error"},
    {5, 23, "REJECTED_DUPLICATE_MESSAGE_ID", "Duplicate message id"},
    {5, 52, "REJECTED_DESTINATION", "Invalid destination"},
};
static const char *const status_groups[] = {"ACCEPTED",  "PENDING", "UNDELIVERABLE",
                                            "DELIVERED", "EXPIRED", "REJECTED"};
static const struct {
    int group, id;
    bool permanent;
    const char *name, *description;
} errors[] = {
    {0, 0, false, "NO_ERROR", "No Error"},
    {1, 1, true, "EC_UNKNOWN_SUBSCRIBER", "Unknown subscriber"},
    {1, 27, false, "EC_ABSENT_SUBSCRIBER", "Absent subscriber"},
    {1, 7002, true, "EC_UNKNOWN_USER", "Unknown user"},
    {1, 7003, true, "EC_BLOCKED_USER", "Blocked user"},
    {2, 7008, true, "EC_INVALID_TEMPLATE_ARGS", "Invalid template arguments"},
    {2, 7009, true, "EC_INVALID_TEMPLATE", "Invalid template"},
    {2, 7010, true, "EC_NO_SESSION", "The session has not been initiated or has expired"},
    {2, 7011, true, "EC_ACCOUNT_ISSUE", "Account issue"},
    {2, 7013, false, "EC_MEDIA_HOSTING_ERROR", "Media hosting error"},
    {2, 7017, false, "EC_TOO_MANY_REQUESTS", "Too many requests"},
    {2, 7022, true, "EC_MEDIA_UNSUPPORTED", "Media unsupported"},
    {2, 7032, true, "EC_FREQUENCY_CAPPING", "Frequency capping"},
    {2, 7033, true, "EC_MARKETING_OPT_OUT", "Marketing opt-out"},
    {3, 7050, false, "EC_PROVIDER_INTERNAL_ERROR", "Provider internal error"},
};
static const char *const error_groups[] = {"OK", "HANDSET_ERRORS", "USER_ERRORS", "OPERATOR_ERRORS"};

static cJSON *described(int group, const char *group_name, int id, const char *name, const char *description)
{
    cJSON *j = must(cJSON_CreateObject());

    cJSON_AddNumberToObject(j, "groupId", group);
    cJSON_AddStringToObject(j, "groupName", group_name);
    cJSON_AddNumberToObject(j, "id", id);
    cJSON_AddStringToObject(j, "name", name);
    cJSON_AddStringToObject(j, "description", description);
    return j;
}

cJSON *status_json(const char *name)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (!strcmp(statuses[i].name, name))
            return described(statuses[i].group, status_groups[statuses[i].group], statuses[i].id, name,
                             statuses[i].description);
    return NULL;
}

cJSON *error_json(const char *name)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        if (strcmp(errors[i].name, name) != 0)
            continue;
        cJSON *j = described(errors[i].group, error_groups[errors[i].group], errors[i].id, name,
                             errors[i].description);
        cJSON_AddBoolToObject(j, "permanent", errors[i].permanent);
        return j;
    }
    return NULL;
}

static cJSON *seen_json(const struct sim *s, const struct message *m)
{
    cJSON *j = must(cJSON_CreateObject());
    char now[40];

    stamp(now);
    cJSON_AddStringToObject(j, "messageId", m->id);
    cJSON_AddStringToObject(j, "from", m->to);
    cJSON_AddStringToObject(j, "to", s->conf.sender);
    cJSON_AddStringToObject(j, "sentAt", m->sent_at);
    cJSON_AddStringToObject(j, "seenAt", now);
    return j;
}

static cJSON *delivery_json(const struct message *m, cJSON *status, cJSON *error)
{
    cJSON *j = must(cJSON_CreateObject()), *price = must(cJSON_CreateObject());
    char now[40];

    stamp(now);
    cJSON_AddStringToObject(j, "bulkId", "");
    cJSON_AddNumberToObject(price, "pricePerMessage", 0.01);
    cJSON_AddStringToObject(price, "currency", "EUR");
    cJSON_AddItemToObject(j, "price", price);
    cJSON_AddItemToObject(j, "status", status);
    cJSON_AddItemToObject(j, "error", error);
    cJSON_AddStringToObject(j, "messageId", m->id);
    cJSON_AddStringToObject(j, "doneAt", now);
    cJSON_AddNumberToObject(j, "messageCount", m->segments ? m->segments : 1);
    cJSON_AddStringToObject(j, "sentAt", m->sent_at);
    cJSON_AddStringToObject(j, "to", m->to);
    if (m->callback[0])
        cJSON_AddStringToObject(j, "callbackData", m->callback);
    return j;
}

bool report_add_locked(struct sim *s, struct message *m, const char *name, const char *error,
                       int64_t delay_ms)
{
    const char *url = m->notify_url[0] ? m->notify_url : s->conf.webhook_url;
    const char *media_url = media_url_of(cJSON_GetObjectItemCaseSensitive(m->body, "content"));
    cJSON *status, *e;

    if (!strcmp(name, "SEEN")) {
        webhook_add_locked(s, E_SEEN, url, m->id, seen_json(s, m), NULL, delay_ms);
        return true;
    }
    status = status_json(name);
    e = error_json(error && *error ? error : "NO_ERROR");
    if (!status || !e) {
        cJSON_Delete(status);
        cJSON_Delete(e);
        return false;
    }
    webhook_add_locked(s, E_DELIVERY, url, m->id, delivery_json(m, status, e),
                       s->conf.fetch_media && !m->media ? media_url : NULL, delay_ms);
    return true;
}

void reports_plan_locked(struct sim *s, struct message *m)
{
    const struct faults *f = &s->faults;
    bool sms = !strcmp(m->kind, "sms");
    struct customer *c;

    HASH_FIND_STR(s->customers, m->to + (m->to[0] == '+'), c);
    if (s->conf.enforce_window && !sms && strcmp(m->kind, "template") != 0 &&
        (!c || now_us() - c->wrote_us > s->conf.window_s * 1000000)) {
        (void)report_add_locked(s, m, "UNDELIVERABLE_REJECTED_OPERATOR", "EC_NO_SESSION", 0);
        return;
    }
    for (int i = 0; i < f->n_reports; i++) {
        if (sms && !strcmp(f->reports[i], "SEEN")) /* nobody tells */
            continue;
        (void)report_add_locked(
            s, m, f->reports[i],
            strncmp(f->reports[i], "DELIVERED", 9) && strncmp(f->reports[i], "PENDING", 7) ? f->error : NULL,
            f->report_delay_ms * (i + 1));
    }
}
