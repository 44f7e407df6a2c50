/*
 * The API as main sees it: it is made of the two HTTP daemons, the hooks and the
 * uploads, and is told after each commit to answer what waits.
 */
#include "api/hooks.h"
#include "api/http.h"
#include "api/inner.h"
#include "api/route.h"
#include "api/streams.h"
#include "api/upload.h"
#include "base/check.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int32_t api_new(const struct api_options *o, struct err *e, struct api **out)
{
    struct api *api = calloc(1, sizeof *api);
    unsigned n;
    int fd = -1;
    int32_t rc;

    if (!api)
        check_nomem();
    api->gw = o->gateway;
    api->opt = *o;
    LIST_INIT(&api->live);
    LIST_INIT(&api->kept);
    (void)routes(&n);
    api->count = calloc(n + 1, sizeof *api->count);
    if (!api->count)
        check_nomem();
    hooks_init(api);
    inner_init(api);
    api->streams = streams_new(api);
    rc = http_listen_tcp(o->listen, e, &fd);
    if (rc != HILO_OK)
        goto out;
    api->port = http_socket_port(fd);
    rc = http_new(api, fd, false, e, &api->tcp);
    if (rc != HILO_OK || o->control.n == 0)
        goto out;
    rc = http_listen_unix(o->control, e, &fd);
    if (rc == HILO_OK)
        rc = http_new(api, fd, true, e, &api->control);
out:
    if (rc == HILO_OK)
        *out = api;
    else
        api_free(&api);
    return rc;
}

void api_free(struct api **ap)
{
    struct api *api = *ap;
    struct request *rq;

    if (!api)
        return;
    /* Nothing may be suspended when the library ends. */
    uploads_free(&api->uploads);
    hooks_done(api);
    inner_done(api);
    streams_quiesce(api->streams);
    if (api->control && api->opt.control.n) {
        char path[128];
        if (api->opt.control.n < sizeof path) {
            memcpy(path, api->opt.control.p, (size_t)api->opt.control.n);
            path[api->opt.control.n] = 0;
            (void)unlink(path);
        }
    }
    http_free(&api->tcp);
    http_free(&api->control);
    streams_free(&api->streams);
    CHECK(LIST_EMPTY(&api->live));
    while ((rq = LIST_FIRST(&api->kept))) {
        LIST_REMOVE(rq, all);
        arena_free(&rq->arena);
        buf_done(&rq->body);
        free(rq);
    }
    free(api->count);
    free(api);
    *ap = NULL;
}

uint16_t api_port(const struct api *api)
{
    return api->port;
}
unsigned api_waiting(const struct api *api)
{
    return api->waiting;
}

/* An answer takes two runs: one queues it, one writes it. A third finds the connection
 * idle or with its next request. */
static void api__drive(struct api *api, struct http *h)
{
    uint64_t before;
    unsigned rounds = 0;

    if (!h)
        return;
    do {
        before = api->progress;
        http_run(h);
    } while (++rounds < 8 && http_due_now(h) && api->progress != before);
}

void api_answer(struct api *api)
{
    streams_turn(api->streams);
    if (api->waiting == 0)
        return;
    inner_turn(api);
    if (api->waiting) {
        api__drive(api, api->tcp);
        api__drive(api, api->control);
    }
    /* Both, for while something waited neither was armed. */
    http_arm(api->tcp);
    if (api->control)
        http_arm(api->control);
}

void api_quiesce(struct api *api)
{
    api->quiesced = true;
    http_quiesce(api->tcp);
    if (api->control)
        http_quiesce(api->control);
    streams_quiesce(api->streams);
}

void api_change(struct api *api, int64_t body_max_bytes, int64_t hook_max_bytes, bool metrics_public)
{
    api->opt.body_max_bytes = body_max_bytes;
    api->opt.hook_max_bytes = hook_max_bytes;
    api->opt.metrics_public = metrics_public;
}
