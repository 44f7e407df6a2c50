/* The table of routes: method, path, scopes, body, handler. [any] but the handlers */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "api/request.h"

/* 0: rq->answer is filled. 1: it works elsewhere (rq->state is ELSEWHERE). -1: *f says why not. */
typedef int handler_fn(struct request *rq, struct fault *f);

enum route_body { BODY_NONE, BODY_JSON, BODY_HOOK, BODY_FILE, BODY_FORM, BODY_BUTTON };
enum {
    ROUTE_OPEN = 1,    /* no key needed */
    ROUTE_METRICS = 4, /* no key needed if http.metrics_public */
    ROUTE_QUERY = 2,   /* the handler looks at the query; else there may be none */
    ROUTE_OUTSIDE = 8  /* not from within (inner.h): files, streams, what asks a channel */
};

struct route {
    const char *method;  /* "*": any */
    const char *pattern; /* "/v1/messages/{}": {} is one segment, a last * the rest */
    uint32_t scopes;     /* all of them are needed */
    uint8_t body, flags;
    handler_fn *handler;
    handler_fn *back; /* after its work elsewhere; NULL: it never is */
};

/* The table, its length. */
const struct route *routes(unsigned *n_out);

/* Fills rq's route, params and rest from method and path. If only the method does not
 * fit, route is NULL and allowed is not. */
void route_match(struct request *rq);
/* "GET, HEAD, POST": what the path of a request takes. */
struct hilo_str route_allow(struct request *rq);

handler_fn message_post, message_plan_post, message_show, message_delete, message_read, message_typing;
handler_fn customer_post, customer_search, customer_show, customer_patch, customer_timeline_show;
handler_fn customer_lookup, audit_index;
handler_fn stock_show, stock_post, stock_delete, wish_post, wish_index, wish_remove, customer_wishes;
handler_fn visit_post, visit_show, customer_visits, sale_post, sale_show, customer_sales;
handler_fn case_note_post;
handler_fn call_post, call_index, call_show, call_patch, transcript_post;
handler_fn consent_index, consent_put_one;
handler_fn case_post, case_index, case_show, case_patch, case_message_index;
handler_fn appointment_post, appointment_index, appointment_show, appointment_patch, appointment_checkin_post;
handler_fn media_post, media_posted, media_show, media_public;
handler_fn choice_page, choice_post, unsubscribe_page, unsubscribe_post;
handler_fn channel_index, channel_templates, channel_pause, channel_resume;
handler_fn webhook_post, webhook_index, webhook_show, webhook_patch, webhook_remove;
handler_fn webhook_rotate_post, webhook_test_post, webhook_failures;
handler_fn key_post, key_index, key_delete;
handler_fn config_reload;
handler_fn events_show;
handler_fn store_show, backup_post, backup_show;
handler_fn hook_any, admin_any, hook_back;
handler_fn sendsms;
handler_fn openapi_show, health_show, ready_show, metrics_show;

#endif
