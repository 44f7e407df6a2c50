/*
 * Requests from within (inner.h).
 *
 * A request is decided at once, in the order in which its channel asked; its answer goes into the
 * link when the store has synced what it speaks of, and is shown to the plugin with the rest of the
 * turn. What a channel has out when its instance ends is dropped: nobody would hear the answer, and
 * what it did stays done (an Idempotency-Key finds it again).
 *
 * Limits: HILO_API_MAX a channel, which core/plug sees to; bodies as of HTTP (http.body_max).
 */
#include "api/inner.h"
#include "api/hooks.h"
#include "api/reply.h"
#include "api/route.h"
#include "base/sha256.h"
#include "base/str.h"
#include <stdio.h>
#include <string.h>

enum { URL_MAX = 8192, ANSWER_HEADERS = 5 };

/* The headers that count; request.h has room for so many. */
static const struct hilo_str inner__taken[REQUEST_INNER_HEADERS] = {
    {"Idempotency-Key", 15}, {"If-Match", 8}, {"traceparent", 11}};

/* ---- what it asks ----------------------------------------------------------------------- */

struct hilo_str inner_header(const struct request *rq, const char *name)
{
    for (unsigned i = 0; i < REQUEST_INNER_HEADERS; i++)
        if (str_eq_nocase(str(name), inner__taken[i]))
            return rq->inner_header[i];
    return str_eq_nocase(str(name), STR("Content-Type")) ? STR("application/json")
                                                         : (struct hilo_str){NULL, 0};
}

struct hilo_str inner_query(const struct request *rq, const char *name)
{
    for (unsigned i = 0; i < rq->n_inner_args; i++)
        if (str_eqz(rq->inner_args[i].key, name))
            return rq->inner_args[i].val;
    return (struct hilo_str){NULL, 0};
}

/* A part of the query, decoded, with a NUL behind it. false: it has a malformed escape, or a NUL. */
static bool inner__decode(struct request *rq, struct hilo_str s, struct hilo_str *out)
{
    char *p = ARENA_ARRAY(rq->arena, char, s.n + 1);
    size_t n = 0;

    for (uint64_t i = 0; i < s.n; i++) {
        uint8_t byte = (uint8_t)s.p[i];
        if (byte == '+')
            byte = ' ';
        if (byte == '%') {
            if (s.n - i < 3 || !str_unhex(str_n(s.p + i + 1, 2), &byte, 1))
                return false;
            i += 2;
        }
        if (byte == 0)
            return false;
        p[n++] = (char)byte;
    }
    p[n] = 0;
    *out = str_n(p, n);
    return true;
}

static int inner__args(struct request *rq, struct fault *f)
{
    struct hilo_str rest, part, key, val;
    unsigned n = 1;

    (void)str_cut(rq->uri, '?', &part, &rest);
    if (rest.n == 0)
        return 0;
    for (uint64_t i = 0; i < rest.n; i++)
        n += rest.p[i] == '&';
    rq->inner_args = ARENA_ARRAY(rq->arena, struct hilo_kv, n);
    while (rest.n) {
        struct hilo_kv *to = &rq->inner_args[rq->n_inner_args];
        (void)str_cut(rest, '&', &part, &rest);
        if (part.n == 0)
            continue;
        (void)str_cut(part, '=', &key, &val);
        if (!inner__decode(rq, key, &to->key) || !inner__decode(rq, val, &to->val))
            return fault_set(f, 400, "malformed_request", "", "the query has an escape that is none");
        rq->n_inner_args++;
    }
    return 0;
}

int inner_head_check(struct request *rq, struct fault *f)
{
    if (rq->uri.n > URL_MAX || rq->method.n > 16)
        return fault_set(f, 400, "malformed_request", "", "the method or the URL is too long");
    for (uint64_t i = 0; i < rq->uri.n; i++)
        if ((unsigned char)rq->uri.p[i] <= ' ' || (unsigned char)rq->uri.p[i] >= 0x7f)
            return fault_set(f, 400, "malformed_request", "",
                             "the URL has a character that must be escaped there");
    return inner__args(rq, f);
}

bool inner_takes(const struct request *rq)
{
    return str_starts(rq->path, STR("/v1/")) && !(rq->route->flags & ROUTE_OUTSIDE);
}

int inner_auth(struct request *rq, struct fault *f)
{
    uint8_t hash[SHA256_BYTES];
    uint32_t missing = rq->route->scopes & ~rq->inner->scopes;

    /* No record has a channel's id: half of its name's digest is as good, and stays the same. */
    sha256(rq->inner->name.p, (size_t)rq->inner->name.n, hash);
    rq->actor.kind = ACTOR_CHANNEL;
    memcpy(rq->actor.id.b, hash, sizeof rq->actor.id.b);
    rq->scopes = rq->inner->scopes;
    if (!missing)
        return 0;
    return fault_set(f, 403, "insufficient_scope", "",
                     "channel %.*s has not the scope %.*s: its plugin does not ask for it, or the channel's "
                     "option scopes does not let it",
                     STR_FMT(rq->inner->name), STR_FMT(access_scopes_text(missing, rq->arena)));
}

/* ---- its answer --------------------------------------------------------------------------- */

static void inner__end(struct request *rq, bool aborted)
{
    TAILQ_REMOVE(&rq->api->inners, rq, inners);
    hook_forget(rq);
    dispatch_done(rq, aborted);
    request_free(rq);
}

static void inner__send(struct request *rq)
{
    const struct answer *a = &rq->answer;
    struct hilo_kv header[ANSWER_HEADERS];
    struct hilo_http h = {.size = sizeof h, .status = a->status, .header = header, .sink_fd = -1};
    char number[24];

    if (!str_eqz(rq->method, "HEAD"))
        h.body = a->body;
    if (a->type.n)
        header[h.n_header++] = (struct hilo_kv){STR("Content-Type"), a->type};
    if (a->location.n)
        header[h.n_header++] = (struct hilo_kv){STR("Location"), a->location};
    if (a->etag.n)
        header[h.n_header++] = (struct hilo_kv){STR("ETag"), a->etag};
    if (a->retry_after_s) {
        (void)snprintf(number, sizeof number, "%u", a->retry_after_s);
        header[h.n_header++] = (struct hilo_kv){STR("Retry-After"), str(number)};
    }
    if (a->replayed)
        header[h.n_header++] = (struct hilo_kv){STR("Idempotency-Replayed"), STR("true")};
    rq->state = REQUEST_ANSWERED;
    channel_api_answer(rq->inner->plug, rq->inner_token, HILO_OK, &h);
    inner__end(rq, false);
}

/* Decided: answers at once if there is nothing to wait for. */
static void inner__settle(struct request *rq)
{
    if (rq->state == REQUEST_ELSEWHERE)
        return;
    if (rq->answer.fd >= 0) {
        (void)fault_set(&rq->fault, 404, "no_such_route", "",
                        "no files from within: a plugin asks for a media by media_get()");
        problem_reply(rq, &rq->fault);
    }
    if (store_synced(rq->api->gw->store) >= rq->wait_seq) {
        inner__send(rq);
        return;
    }
    rq->state = REQUEST_WAITING;
    rq->api->waiting++;
}

void inner_back(struct request *rq)
{
    rq->state = REQUEST_BACK;
    rq->api->waiting++;
}

void inner_turn(struct api *api)
{
    struct request *rq, *next;

    for (rq = TAILQ_FIRST(&api->inners); rq; rq = next) {
        next = TAILQ_NEXT(rq, inners);
        if (rq->state == REQUEST_BACK) {
            api->waiting--;
            rq->state = REQUEST_BODY;
            dispatch_back(rq);
            inner__settle(rq);
        } else if (rq->state == REQUEST_WAITING && store_synced(api->gw->store) >= rq->wait_seq) {
            api->waiting--;
            inner__send(rq);
        }
    }
}

/* ---- all of them ------------------------------------------------------------------------------ */

void api_inner(struct api *api, struct gw_channel *ch, uint64_t token, const struct hilo_http *h)
{
    struct request *rq = request_new(api, NULL, h->url);

    rq->inner = ch;
    rq->inner_token = token;
    rq->method = arena_str(rq->arena, h->method);
    rq->length = h->body.n;
    for (uint64_t i = 0; i < h->n_header; i++)
        for (unsigned j = 0; j < REQUEST_INNER_HEADERS; j++)
            if (str_eq_nocase(h->header[i].key, inner__taken[j]) && !rq->inner_header[j].p)
                rq->inner_header[j] = arena_str(rq->arena, h->header[i].val);
    TAILQ_INSERT_TAIL(&api->inners, rq, inners);
    api->requests++;
    rq->state = REQUEST_BODY;
    dispatch_head(rq);
    if (!rq->failed && h->body.n)
        (void)request_body_add(rq, h->body.p, (size_t)h->body.n);
    dispatch_whole(rq);
    inner__settle(rq);
}

static void inner__drop(struct api *api, const struct gw_channel *ch)
{
    struct request *rq, *next;

    for (rq = TAILQ_FIRST(&api->inners); rq; rq = next) {
        next = TAILQ_NEXT(rq, inners);
        if (!ch || rq->inner == ch)
            inner__end(rq, true);
    }
}

void api_inner_gone(struct api *api, struct gw_channel *ch)
{
    inner__drop(api, ch);
}

void inner_init(struct api *api)
{
    TAILQ_INIT(&api->inners);
}

void inner_done(struct api *api)
{
    inner__drop(api, NULL);
}
