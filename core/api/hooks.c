/*
 * /hooks/{channel}/…: what providers call, and /v1/channels/{channel}/admin/…: what operators
 * do, whose key was checked. The request goes to the channel's plugin as it came (an operator's
 * without his key), and is suspended until its answer. At most HOOKS_MAX wait at once; one that
 * waits longer than HOOK_US is answered 504, so that no connection is lost to a plugin
 * that forgets it. A suspended connection is not watched: that its client has gone shows
 * when it is resumed.
 */
#include "api/hooks.h"
#include "api/reply.h"
#include "api/route.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

enum { HOOK_US = 30000000, HEADERS_MAX = 100 };

struct headers {
    struct hilo_kv *kv;
    uint64_t n;
};

static enum MHD_Result hook__header(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct headers *h = arg;

    (void)kind;
    if (h->n == HEADERS_MAX)
        return MHD_NO;
    h->kv[h->n++] = (struct hilo_kv){str(key), value ? str(value) : str("")};
    return MHD_YES;
}

static int hook__busy(struct fault *f, const char *code, const char *text)
{
    (void)fault_set(f, 503, code, "", "%s", text);
    f->retry_after_s = 5;
    return -1;
}

static void hook__arm(struct api *api)
{
    struct request *rq = TAILQ_FIRST(&api->hooks);

    if (!rq)
        loop_timer_cancel(api->hook_timer);
    else if (loop_timer_due(api->hook_timer) == 0)
        loop_timer_at(api->hook_timer, rq->hook_due_us);
}

/* Out of the list of those who wait; it goes on with what rq holds. */
static void hook__wake(struct request *rq)
{
    struct api *api = rq->api;

    TAILQ_REMOVE(&api->hooks, rq, hooks);
    api->n_hooks--;
    rq->hook = 0;
    if (rq->state == REQUEST_ELSEWHERE)
        http_back(rq);
    hook__arm(api);
}

static void hook__late(void *arg)
{
    struct api *api = arg;
    struct request *rq;
    int64_t now = clock_mono_us();

    while ((rq = TAILQ_FIRST(&api->hooks)) && rq->hook_due_us <= now) {
        (void)fault_set(&rq->fault, 504, "channel_timeout", "", "no answer came in time");
        rq->failed = true;
        hook__wake(rq);
    }
    hook__arm(api);
}

void hooks_init(struct api *api)
{
    TAILQ_INIT(&api->hooks);
    api->hook_timer = loop_timer_new(api->gw->loop, hook__late, api);
}

void hooks_done(struct api *api)
{
    struct request *rq;

    while ((rq = TAILQ_FIRST(&api->hooks))) {
        (void)hook__busy(&rq->fault, "stopping", "the gateway is stopping");
        rq->failed = true;
        hook__wake(rq);
    }
    loop_timer_free(&api->hook_timer);
}

void hook_forget(struct request *rq)
{
    struct api *api = rq->api;

    if (rq->hook == 0)
        return;
    TAILQ_REMOVE(&api->hooks, rq, hooks);
    api->n_hooks--;
    rq->hook = 0;
    hook__arm(api);
}

/* To the channel's plugin, and waits for its answer. */
static int hook__ask(struct request *rq, struct hilo_http *http, struct fault *f)
{
    struct api *api = rq->api;
    struct gw_channel *ch = gateway_channel(api->gw, rq->param[0]);
    int32_t rc;

    if (!ch || (ch->plug && !(ch->provides & HILO_CAN_REQUEST)))
        return fault_set(f, 404, "unknown_channel", "", "no channel of this name takes requests");
    /* A channel that can't send may still receive: whether it takes this, it says itself. */
    if (!ch->plug)
        return hook__busy(f, "channel_down", "the channel does not work at the moment; try again later");
    if (api->n_hooks == HOOKS_MAX)
        return hook__busy(f, "too_many_waiting", "too many requests wait for channels; try again later");
    http->method = rq->method;
    http->body = buf_str(&rq->body);
    http->sink_fd = -1;
    rq->hook = ++api->hook_last;
    rq->hook_channel = ch;
    rq->hook_due_us = clock_mono_us() + HOOK_US;
    TAILQ_INSERT_TAIL(&api->hooks, rq, hooks);
    api->n_hooks++;
    rc = channel_request(ch->plug, rq->hook, http);
    if (rc != HILO_OK) {
        hook_forget(rq);
        return hook__busy(f, rc == HILO_FULL ? "channel_full" : "channel_down",
                          "the channel can't take it now; try again later");
    }
    hook__arm(api);
    if (rq->hook == 0) /* answered already */
        return hook_back(rq, f);
    rq->state = REQUEST_ELSEWHERE;
    return 1;
}

int hook_any(struct request *rq, struct fault *f)
{
    struct headers h = {ARENA_ARRAY(rq->arena, struct hilo_kv, HEADERS_MAX), 0};
    struct hilo_http http = {.size = sizeof http, .url = rq->rest};

    (void)MHD_get_connection_values(rq->conn, MHD_HEADER_KIND, hook__header, &h);
    http.header = h.kv;
    http.n_header = h.n;
    return hook__ask(rq, &http, f);
}

/* What the plugin may know of an operator's request, besides who it is: never the key. */
static const char *const operator_headers[] = {"Content-Type", "Idempotency-Key", "If-Match"};
enum { OPERATOR_HEADERS = sizeof operator_headers / sizeof *operator_headers };

int admin_any(struct request *rq, struct fault *f)
{
    struct hilo_kv header[OPERATOR_HEADERS + 1];
    struct hilo_http http = {
        .size = sizeof http, .flags = HILO_HTTP_OPERATOR, .url = rq->rest, .header = header};
    char id[ID_TEXT] = "control";

    if (rq->body.n && !request_type_is(request_header(rq, "Content-Type"), "application/json"))
        return fault_set(f, 415, "unsupported_media_type", "",
                         "send JSON with Content-Type: application/json");
    if (http.url.n == 0 || http.url.p[0] != '/')
        http.url = arena_fmt(rq->arena, "/%.*s", STR_FMT(rq->rest));
    for (unsigned i = 0; i < OPERATOR_HEADERS; i++) {
        struct hilo_str v = request_header(rq, operator_headers[i]);
        if (v.p)
            header[http.n_header++] = (struct hilo_kv){str(operator_headers[i]), v};
    }
    if (rq->actor.kind == ACTOR_KEY)
        id_format("key", rq->actor.id, id);
    header[http.n_header++] = (struct hilo_kv){STR("Hilo-Actor"), str(id)};
    rq->operator= true;
    if (rq->route->scopes & SCOPE_CHANNELS_WRITE) /* what came of it is the plugin's to note */
        log_event(rq->api->gw->log, HILO_LOG_INFO, "channel.admin", "channel=%s method=%s by=%s id=%s",
                  LOG_VALUE(str_utf8_head(rq->param[0], 64)), dispatch_method(rq->method), id, rq->id);
    return hook__ask(rq, &http, f);
}

int hook_wait(struct request *rq, struct fault *f)
{
    struct api *api = rq->api;

    if (api->n_hooks == HOOKS_MAX)
        return hook__busy(f, "too_many_waiting", "too many requests wait; try again later");
    rq->hook = ++api->hook_last;
    rq->hook_due_us = clock_mono_us() + HOOK_US;
    TAILQ_INSERT_TAIL(&api->hooks, rq, hooks);
    api->n_hooks++;
    hook__arm(api);
    rq->state = REQUEST_ELSEWHERE;
    return 0;
}

struct request *hook_waiting(struct api *api, uint64_t token)
{
    struct request *rq;

    TAILQ_FOREACH(rq, &api->hooks, hooks)
    if (rq->hook == token)
        break;
    return rq;
}

void hook_go_on(struct request *rq)
{
    hook__wake(rq);
}

int hook_back(struct request *rq, struct fault *f)
{
    (void)f; /* it is rq->fault, set by whoever woke it */
    return rq->failed ? -1 : 0;
}

/* Framing and what belongs to the connection are the library's. */
static bool hook__header_ours(struct hilo_str key)
{
    static const char *const no[] = {"Connection",    "Content-Length", "Transfer-Encoding",
                                     "Date",          "Keep-Alive",     "X-Request-Id",
                                     "Cache-Control", "Content-Type",   NULL};

    for (unsigned i = 0; no[i]; i++)
        if (str_eq_nocase(key, str(no[i])))
            return true;
    return false;
}

/* JSON it is, whatever the plugin says that it is: it comes from the API's own address. */
static void hook__operator_type(struct answer *a, const struct hilo_http *http)
{
    if (a->body.n)
        a->type = STR("application/json");
    for (uint64_t i = 0; i < http->n_header && a->body.n; i++)
        if (str_eq_nocase(http->header[i].key, STR("Content-Type")) &&
            request_type_is(http->header[i].val, "application/problem+json"))
            a->type = STR("application/problem+json");
}

void api_hook_answer(struct api *api, struct gw_channel *ch, uint64_t request, const struct hilo_http *http)
{
    struct request *rq;
    struct answer *a;
    struct hilo_kv *kv;

    TAILQ_FOREACH(rq, &api->hooks, hooks)
    if (rq->hook == request && rq->hook_channel == ch)
        break;
    if (!rq)
        return; /* too late: it was answered for the plugin */
    a = &rq->answer;
    if (http->status < 200 || http->status > 599) {
        (void)fault_set(&rq->fault, 502, "channel_failed", "", "the channel gave no proper answer");
        rq->failed = true;
        hook__wake(rq);
        return;
    }
    a->status = http->status;
    a->body = arena_str(rq->arena, http->body);
    if (rq->operator) {
        hook__operator_type(a, http);
        hook__wake(rq);
        return;
    }
    kv = ARENA_ARRAY(rq->arena, struct hilo_kv,
                     http->n_header < HEADERS_MAX ? http->n_header + 1 : HEADERS_MAX);
    for (uint64_t i = 0; i < http->n_header && a->n_header < HEADERS_MAX; i++) {
        if (str_eq_nocase(http->header[i].key, STR("Content-Type")))
            a->type = arena_str(rq->arena, http->header[i].val);
        if (!hook__header_ours(http->header[i].key))
            kv[a->n_header++] = (struct hilo_kv){arena_str(rq->arena, http->header[i].key),
                                                 arena_str(rq->arena, http->header[i].val)};
    }
    a->header = kv;
    hook__wake(rq);
}

void api_hook_gone(struct api *api, struct gw_channel *ch)
{
    struct request *rq, *next;

    for (rq = TAILQ_FIRST(&api->hooks); rq; rq = next) {
        next = TAILQ_NEXT(rq, hooks);
        if (rq->hook_channel != ch)
            continue;
        (void)hook__busy(&rq->fault, "channel_down",
                         "the channel stopped before it answered; try again later");
        rq->failed = true;
        hook__wake(rq);
    }
}
