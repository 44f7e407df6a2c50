/*
 * From a request to its answer: route, key, body, handler, problem. A refusal that is
 * known from the headers is kept until the body is through, so that the client is
 * reading when it comes, unless the body is long (request_answer_early).
 */
#include "api/auth.h"
#include "api/http.h"
#include "api/inner.h"
#include "api/reply.h"
#include "api/route.h"
#include "api/upload.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include <string.h>

static int dispatch__check(struct request *rq)
{
    static const char *const none[] = {NULL};
    struct fault *f = &rq->fault;

    route_match(rq);
    if (rq->inner && rq->route && !inner_takes(rq))
        rq->route = rq->allowed = NULL;
    if (!rq->route && !rq->allowed)
        return fault_set(f, 404, "no_such_route", "", "there is nothing at this path; see /openapi.json");
    if (!rq->route) {
        rq->answer.allow = route_allow(rq);
        return fault_set(f, 405, "method_not_allowed", "", "this path takes %.*s", STR_FMT(rq->answer.allow));
    }
    if (auth_check(rq, rq->route, f) != 0 || request_body_begin(rq, f) != 0)
        return -1;
    if (rq->path.n != rq->uri.n && !(rq->route->flags & ROUTE_QUERY) && request_query_known(rq, none, f) != 0)
        return -1;
    return rq->route->body == BODY_FILE ? upload_begin(rq, f) : 0;
}

void dispatch_head(struct request *rq)
{
    struct hilo_str length = request_header(rq, "Content-Length");
    struct hilo_id id;

    if (!auth_traceparent(request_header(rq, "traceparent"), &id))
        id = idgen_next(store_ids(rq->api->gw->store));
    rq->actor.cause = id;
    str_hex(rq->id, id.b, sizeof id.b);
    if (length.p && !str_u64(length, &rq->length))
        rq->length = UINT64_MAX;
    rq->unframed = request_head_check(rq, &rq->fault) != 0;
    rq->failed = rq->unframed || dispatch__check(rq) != 0;
}

static void dispatch__end(struct request *rq, int rc)
{
    if (rc < 0) {
        if (rq->fault.status >= 500 && rq->fault.status != 503)
            log_event(rq->api->gw->log, HILO_LOG_ERROR, "http.failed", "id=%s route=%s code=%s", rq->id,
                      rq->route ? rq->route->pattern : "-", rq->fault.code);
        problem_reply(rq, &rq->fault);
    }
    /* What it saw may be appended and not synced: nobody sees what a crash could undo. */
    if (rc != 1)
        rq->wait_seq = store_seq(rq->api->gw->store);
}

void dispatch_whole(struct request *rq)
{
    dispatch__end(rq, rq->failed ? -1 : rq->route->handler(rq, &rq->fault));
}

void dispatch_back(struct request *rq)
{
    dispatch__end(rq, rq->route->back(rq, &rq->fault));
}

const char *dispatch_method(struct hilo_str method)
{
    static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", NULL};

    for (unsigned i = 0; known[i]; i++)
        if (str_eqz(method, known[i]))
            return known[i];
    return "other";
}

void dispatch_done(struct request *rq, bool aborted)
{
    int64_t us = clock_mono_us() - rq->started_us;
    struct http_count *c;
    unsigned n_routes, class;

    (void)routes(&n_routes);
    c = &rq->api->count[rq->route ? rq->route - routes(&n_routes) : n_routes];
    class = rq->state == REQUEST_ANSWERED && rq->answer.status < 600 ? rq->answer.status / 100 : 0;
    c->by_class[class]++;
    hist_add(&c->us, hist_time_us, (uint64_t)us);
    if (rq->hook_channel && !rq->operator)
        rq->hook_channel->requests[class]++;
    /* The pattern, never the path: a path may hold a token. */
    log_event(rq->api->gw->log, HILO_LOG_DEBUG, "http.request",
              "id=%s method=%s route=%s status=%u us=%lld%s%.*s%s", rq->id, dispatch_method(rq->method),
              rq->route ? rq->route->pattern : "-", class ? rq->answer.status : 0, (long long)us,
              rq->inner ? " channel=" : "", STR_FMT(rq->inner ? rq->inner->name : STR("")),
              aborted ? " aborted=true" : "");
}
