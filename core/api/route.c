/*
 * Routes: one table, walked from its start (the accept path first). Paths are compared
 * as they came, without decoding: ids and channel names need none, and what is encoded
 * differently is simply not there.
 */
#include "api/route.h"
#include "base/str.h"
#include "services/access.h"
#include <string.h>

static const struct route route__table[] = {
    {"POST", "/v1/messages", SCOPE_MESSAGES_WRITE, BODY_JSON, 0, message_post, NULL},
    {"POST", "/v1/messages/plan", SCOPE_MESSAGES_WRITE, BODY_JSON, 0, message_plan_post, NULL},
    {"GET", "/v1/messages/{}", SCOPE_MESSAGES_READ, BODY_NONE, 0, message_show, NULL},
    {"DELETE", "/v1/messages/{}", SCOPE_MESSAGES_WRITE, BODY_NONE, 0, message_delete, NULL},
    {"POST", "/v1/messages/{}/read", SCOPE_MESSAGES_WRITE, BODY_NONE, 0, message_read, NULL},
    {"POST", "/v1/messages/{}/typing", SCOPE_MESSAGES_WRITE, BODY_NONE, 0, message_typing, NULL},
    {"*", "/hooks/{}*", 0, BODY_HOOK, ROUTE_OPEN | ROUTE_QUERY, hook_any, hook_back},
    {"GET", "/cgi-bin/sendsms", 0, BODY_NONE, ROUTE_OPEN | ROUTE_QUERY, sendsms, NULL},
    {"POST", "/cgi-bin/sendsms", 0, BODY_FORM, ROUTE_OPEN | ROUTE_QUERY, sendsms, NULL},
    {"POST", "/v1/customers", SCOPE_CUSTOMERS_WRITE, BODY_JSON, 0, customer_post, NULL},
    {"POST", "/v1/customers/search", SCOPE_CUSTOMERS_READ, BODY_JSON, 0, customer_search, NULL},
    {"POST", "/v1/customers/lookup", SCOPE_CUSTOMERS_READ | SCOPE_CASES_READ | SCOPE_MESSAGES_READ, BODY_JSON,
     0, customer_lookup, NULL},
    {"GET", "/v1/audit", SCOPE_AUDIT_READ, BODY_NONE, ROUTE_QUERY, audit_index, NULL},
    {"GET", "/v1/customers/{}", SCOPE_CUSTOMERS_READ, BODY_NONE, 0, customer_show, NULL},
    {"PATCH", "/v1/customers/{}", SCOPE_CUSTOMERS_WRITE, BODY_JSON, 0, customer_patch, NULL},
    {"GET", "/v1/customers/{}/timeline", SCOPE_CUSTOMERS_READ | SCOPE_MESSAGES_READ, BODY_NONE, ROUTE_QUERY,
     customer_timeline_show, NULL},
    {"GET", "/v1/customers/{}/consents", SCOPE_CUSTOMERS_READ, BODY_NONE, 0, consent_index, NULL},
    {"PUT", "/v1/customers/{}/consents/{}", SCOPE_CUSTOMERS_WRITE, BODY_JSON, 0, consent_put_one, NULL},
    {"POST", "/v1/cases", SCOPE_CASES_WRITE, BODY_JSON, 0, case_post, NULL},
    {"GET", "/v1/cases", SCOPE_CASES_READ, BODY_NONE, ROUTE_QUERY, case_index, NULL},
    {"GET", "/v1/cases/{}", SCOPE_CASES_READ, BODY_NONE, 0, case_show, NULL},
    {"PATCH", "/v1/cases/{}", SCOPE_CASES_WRITE, BODY_JSON, 0, case_patch, NULL},
    {"GET", "/v1/cases/{}/messages", SCOPE_CASES_READ | SCOPE_MESSAGES_READ, BODY_NONE, ROUTE_QUERY,
     case_message_index, NULL},
    {"POST", "/v1/media", SCOPE_MEDIA_WRITE, BODY_FILE, ROUTE_QUERY | ROUTE_OUTSIDE, media_post,
     media_posted},
    {"POST", "/v1/appointments", SCOPE_APPOINTMENTS_WRITE, BODY_JSON, 0, appointment_post, NULL},
    {"GET", "/v1/appointments", SCOPE_APPOINTMENTS_READ, BODY_NONE, ROUTE_QUERY, appointment_index, NULL},
    {"GET", "/v1/appointments/{}", SCOPE_APPOINTMENTS_READ, BODY_NONE, 0, appointment_show, NULL},
    {"PATCH", "/v1/appointments/{}", SCOPE_APPOINTMENTS_WRITE, BODY_JSON, 0, appointment_patch, NULL},
    {"POST", "/v1/appointments/{}/checkin", SCOPE_APPOINTMENTS_WRITE, BODY_JSON, 0, appointment_checkin_post,
     NULL},
    {"POST", "/v1/messages/{}/transcript", SCOPE_MESSAGES_WRITE, BODY_JSON, 0, transcript_post, NULL},
    {"POST", "/v1/calls", SCOPE_CALLS_WRITE, BODY_JSON, 0, call_post, NULL},
    {"GET", "/v1/calls", SCOPE_CALLS_READ, BODY_NONE, ROUTE_QUERY, call_index, NULL},
    {"GET", "/v1/calls/{}", SCOPE_CALLS_READ, BODY_NONE, 0, call_show, NULL},
    {"PATCH", "/v1/calls/{}", SCOPE_CALLS_WRITE, BODY_JSON, 0, call_patch, NULL},
    {"POST", "/v1/cases/{}/notes", SCOPE_CASES_WRITE, BODY_JSON, 0, case_note_post, NULL},
    {"GET", "/v1/stock/{}", SCOPE_STOCK_READ, BODY_NONE, 0, stock_show, NULL},
    {"POST", "/v1/stock/{}/available", SCOPE_STOCK_WRITE, BODY_JSON, 0, stock_post, NULL},
    {"DELETE", "/v1/stock/{}/available/{}", SCOPE_STOCK_WRITE, BODY_NONE, 0, stock_delete, NULL},
    {"POST", "/v1/stock/{}/subscriptions", SCOPE_STOCK_WRITE, BODY_JSON, 0, wish_post, NULL},
    {"GET", "/v1/stock/{}/subscriptions", SCOPE_STOCK_READ, BODY_NONE, ROUTE_QUERY, wish_index, NULL},
    {"DELETE", "/v1/subscriptions/{}", SCOPE_STOCK_WRITE, BODY_NONE, 0, wish_remove, NULL},
    {"GET", "/v1/customers/{}/subscriptions", SCOPE_STOCK_READ, BODY_NONE, ROUTE_QUERY, customer_wishes,
     NULL},
    {"POST", "/v1/visits", SCOPE_SALES_WRITE, BODY_JSON, 0, visit_post, NULL},
    {"GET", "/v1/visits/{}", SCOPE_SALES_READ, BODY_NONE, 0, visit_show, NULL},
    {"GET", "/v1/customers/{}/visits", SCOPE_SALES_READ, BODY_NONE, ROUTE_QUERY, customer_visits, NULL},
    {"POST", "/v1/sales", SCOPE_SALES_WRITE, BODY_JSON, 0, sale_post, NULL},
    {"GET", "/v1/sales/{}", SCOPE_SALES_READ, BODY_NONE, 0, sale_show, NULL},
    {"GET", "/v1/customers/{}/sales", SCOPE_SALES_READ, BODY_NONE, ROUTE_QUERY, customer_sales, NULL},
    {"GET", "/v1/media/{}", SCOPE_MEDIA_READ, BODY_NONE, ROUTE_QUERY, media_show, NULL},
    {"GET", "/m/{}", 0, BODY_NONE, ROUTE_OPEN, media_public, NULL},
    {"GET", "/c/{}", 0, BODY_NONE, ROUTE_OPEN | ROUTE_QUERY, choice_page, NULL},
    {"POST", "/c/{}", 0, BODY_BUTTON, ROUTE_OPEN | ROUTE_QUERY, choice_post, NULL},
    {"GET", "/u/{}", 0, BODY_NONE, ROUTE_OPEN | ROUTE_QUERY, unsubscribe_page, NULL},
    {"POST", "/u/{}", 0, BODY_BUTTON, ROUTE_OPEN | ROUTE_QUERY, unsubscribe_post, NULL},
    {"GET", "/v1/channels", SCOPE_CHANNELS_READ, BODY_NONE, 0, channel_index, NULL},
    {"GET", "/v1/channels/{}/templates", SCOPE_CHANNELS_READ, BODY_NONE, ROUTE_QUERY, channel_templates,
     NULL},
    {"POST", "/v1/channels/{}/pause", SCOPE_CHANNELS_WRITE, BODY_JSON, 0, channel_pause, NULL},
    {"POST", "/v1/channels/{}/resume", SCOPE_CHANNELS_WRITE, BODY_JSON, 0, channel_resume, NULL},
    {"GET", "/v1/channels/{}/admin*", SCOPE_CHANNELS_READ, BODY_NONE, ROUTE_QUERY | ROUTE_OUTSIDE, admin_any,
     hook_back},
    {"POST", "/v1/channels/{}/admin*", SCOPE_CHANNELS_WRITE, BODY_JSON, ROUTE_QUERY | ROUTE_OUTSIDE,
     admin_any, hook_back},
    {"PUT", "/v1/channels/{}/admin*", SCOPE_CHANNELS_WRITE, BODY_JSON, ROUTE_QUERY | ROUTE_OUTSIDE, admin_any,
     hook_back},
    {"PATCH", "/v1/channels/{}/admin*", SCOPE_CHANNELS_WRITE, BODY_JSON, ROUTE_QUERY | ROUTE_OUTSIDE,
     admin_any, hook_back},
    {"DELETE", "/v1/channels/{}/admin*", SCOPE_CHANNELS_WRITE, BODY_JSON, ROUTE_QUERY | ROUTE_OUTSIDE,
     admin_any, hook_back},
    {"GET", "/v1/events", 0, BODY_NONE, ROUTE_QUERY | ROUTE_OUTSIDE, events_show, NULL},
    {"POST", "/v1/keys", SCOPE_KEYS_WRITE, BODY_JSON, 0, key_post, NULL},
    {"GET", "/v1/keys", SCOPE_KEYS_WRITE, BODY_NONE, 0, key_index, NULL},
    {"DELETE", "/v1/keys/{}", SCOPE_KEYS_WRITE, BODY_NONE, 0, key_delete, NULL},
    {"POST", "/v1/webhooks", SCOPE_WEBHOOKS_WRITE, BODY_JSON, 0, webhook_post, NULL},
    {"GET", "/v1/webhooks", SCOPE_WEBHOOKS_READ, BODY_NONE, 0, webhook_index, NULL},
    {"GET", "/v1/webhooks/{}", SCOPE_WEBHOOKS_READ, BODY_NONE, 0, webhook_show, NULL},
    {"PATCH", "/v1/webhooks/{}", SCOPE_WEBHOOKS_WRITE, BODY_JSON, 0, webhook_patch, NULL},
    {"DELETE", "/v1/webhooks/{}", SCOPE_WEBHOOKS_WRITE, BODY_NONE, 0, webhook_remove, NULL},
    {"POST", "/v1/webhooks/{}/test", SCOPE_WEBHOOKS_WRITE, BODY_NONE, 0, webhook_test_post, hook_back},
    {"POST", "/v1/webhooks/{}/rotate", SCOPE_WEBHOOKS_WRITE, BODY_JSON, 0, webhook_rotate_post, NULL},
    {"GET", "/v1/webhooks/{}/failures", SCOPE_WEBHOOKS_READ, BODY_NONE, ROUTE_QUERY, webhook_failures, NULL},
    {"POST", "/v1/config/reload", SCOPE_CONFIG_WRITE, BODY_NONE, 0, config_reload, NULL},
    {"GET", "/v1/store", SCOPE_METRICS_READ, BODY_NONE, ROUTE_QUERY, store_show, NULL},
    {"POST", "/v1/backups", 0, BODY_JSON, 0, backup_post, NULL},
    {"GET", "/v1/backups/{}", SCOPE_METRICS_READ, BODY_NONE, 0, backup_show, NULL},
    {"GET", "/openapi.json", 0, BODY_NONE, ROUTE_OPEN, openapi_show, NULL},
    {"GET", "/healthz", 0, BODY_NONE, ROUTE_OPEN, health_show, NULL},
    {"GET", "/readyz", 0, BODY_NONE, ROUTE_OPEN, ready_show, NULL},
    {"GET", "/metrics", SCOPE_METRICS_READ, BODY_NONE, ROUTE_METRICS, metrics_show, NULL},
};
enum { ROUTES = sizeof route__table / sizeof *route__table };

const struct route *routes(unsigned *n_out)
{
    *n_out = ROUTES;
    return route__table;
}

/* Walks path and pattern together. */
static bool route__path(const struct route *r, struct request *rq)
{
    struct hilo_str path = rq->path;
    const char *p = r->pattern;
    unsigned n = 0;

    while (*p) {
        if (p[0] == '{') {
            uint64_t i = 0;
            while (i < path.n && path.p[i] != '/')
                i++;
            if (i == 0 || n == REQUEST_PARAMS)
                return false;
            rq->param[n++] = str_n(path.p, i);
            path = str_n(path.p + i, path.n - i);
            p += 2;
        } else if (p[0] == '*') {
            if (path.n > 0 && path.p[0] != '/')
                return false;
            /* With the query: what follows in the line as it came. */
            rq->rest = str_n(path.p, (size_t)(rq->uri.p + rq->uri.n - path.p));
            return true;
        } else {
            if (path.n == 0 || path.p[0] != *p)
                return false;
            path = str_n(path.p + 1, path.n - 1);
            p++;
        }
    }
    return path.n == 0;
}

static bool route__method(const struct route *r, struct hilo_str method)
{
    return str_eqz(method, r->method) || r->method[0] == '*' ||
           (str_eqz(method, "HEAD") && strcmp(r->method, "GET") == 0);
}

void route_match(struct request *rq)
{
    rq->route = rq->allowed = NULL;
    for (unsigned i = 0; i < ROUTES; i++) {
        if (!route__path(&route__table[i], rq))
            continue;
        if (route__method(&route__table[i], rq->method)) {
            rq->route = &route__table[i];
            return;
        }
        rq->allowed = &route__table[i];
    }
}

struct hilo_str route_allow(struct request *rq)
{
    struct hilo_str allow = {NULL, 0};

    for (unsigned i = 0; i < ROUTES; i++) {
        const struct route *r = &route__table[i];
        if (!route__path(r, rq))
            continue;
        allow = arena_fmt(rq->arena, "%.*s%s%s%s", STR_FMT(allow), allow.n ? ", " : "", r->method,
                          strcmp(r->method, "GET") == 0 ? ", HEAD" : "");
    }
    return allow;
}
