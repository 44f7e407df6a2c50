/*
 * /healthz, /readyz, /metrics, /openapi.json. Ready means: new work is taken, and kept. No
 * channel makes the gateway unready, for what it can't send yet it keeps, and a balancer
 * that took the gateway away would help nobody; how channels are is for alerts.
 */
#include "api/http.h"
#include "api/reply.h"
#include "api/route.h"
#include "base/clock.h"
#include "base/str.h"
#include <stdio.h>
#include <string.h>

extern const char openapi_json[], openapi_json_end[]; /* openapi.S */

int openapi_show(struct request *rq, struct fault *f)
{
    (void)f;
    rq->answer.status = 200;
    rq->answer.type = STR("application/json");
    rq->answer.body = str_n(openapi_json, (size_t)(openapi_json_end - openapi_json));
    return 0;
}

int health_show(struct request *rq, struct fault *f)
{
    struct out o = {0};

    out_begin(&o, NULL, '{');
    out_str(&o, "status", STR("ok"));
    out_str(&o, "version", STR(HILO_VERSION));
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
}

int ready_show(struct request *rq, struct fault *f)
{
    struct api *api = rq->api;
    struct err e = {0};
    struct out o = {0};
    unsigned up = 0, starting = 0, down = 0;
    bool room = store_room(api->gw->store, STORE_NEW, &e) == HILO_OK, ready;

    for (const struct gw_channel *ch = api->gw->channels; ch; ch = ch->next) {
        enum channel_state s = ch->plug ? channel_state(ch->plug, NULL) : CHANNEL_CLOSED;
        if (s == CHANNEL_UP)
            up++;
        else if (s == CHANNEL_STARTING)
            starting++;
        else
            down++;
    }
    ready = room && !api->quiesced;
    out_begin(&o, NULL, '{');
    out_str(&o, "status", ready ? STR("ready") : api->quiesced ? STR("stopping") : STR("not_ready"));
    out_str(&o, "store", room ? STR("ok") : str(e.text));
    out_begin(&o, "channels", '{');
    out_u64(&o, "up", up);
    out_u64(&o, "starting", starting);
    out_u64(&o, "down", down);
    out_end(&o, '}');
    out_end(&o, '}');
    if (!ready)
        rq->answer.retry_after_s = 1;
    return reply_json(rq, ready ? 200 : 503, &o, f);
}

/* ---- metrics: Prometheus' text format 0.0.4 ------------------------------------------- */

static void metric(struct buf *b, const char *name, const char *type, const char *help)
{
    (void)buf_fmt(b, "# HELP hilo_%s %s\n# TYPE hilo_%s %s\n", name, help, name, type);
}

static void metric_one(struct buf *b, const char *name, const char *type, const char *help, uint64_t v)
{
    metric(b, name, type, help);
    (void)buf_fmt(b, "hilo_%s %llu\n", name, (unsigned long long)v);
}

struct channel_metric {
    const char *name, *type, *help;
    size_t offset;
    bool wide; /* uint64_t, else uint32_t */
};
#define CH(field) offsetof(struct gw_channel, field)
static const struct channel_metric channel_metrics[] = {
    {"channel_queued", "gauge", "Outbound messages that wait.", CH(queued), true},
    {"channel_in_flight", "gauge", "Messages handed to the channel without a report.", CH(in_flight), true},
    {"channel_credit", "gauge", "Sends that may leave now.", CH(credit), false},
    {"channel_fetching", "gauge", "Media downloads under way.", CH(fetching), false},
    {"channel_sent_total", "counter", "Messages taken by the provider.", CH(sent), true},
    {"channel_failed_total", "counter", "Messages that failed for good.", CH(failed), true},
    {"channel_in_doubt_total", "counter", "Sends whose outcome was unknown.", CH(in_doubt), true},
    {"channel_retries_total", "counter", "Attempts that are made again.", CH(retries), true},
    {"channel_received_total", "counter", "Inbound messages taken.", CH(received), true},
    {"channel_receipts_total", "counter", "Receipts taken.", CH(receipts), true},
};
#undef CH

static void metrics__channels(struct buf *b, const struct gateway *gw)
{
    metric(b, "channel_up", "gauge", "1 if the channel works.");
    for (const struct gw_channel *ch = gw->channels; ch; ch = ch->next)
        (void)buf_fmt(b, "hilo_channel_up{channel=\"%.*s\",type=\"%.*s\"} %d\n", STR_FMT(ch->name),
                      STR_FMT(ch->type), ch->plug && channel_state(ch->plug, NULL) == CHANNEL_UP);
    metric(b, "channel_paused", "gauge", "1 if an operator paused it.");
    for (const struct gw_channel *ch = gw->channels; ch; ch = ch->next)
        (void)buf_fmt(b, "hilo_channel_paused{channel=\"%.*s\"} %d\n", STR_FMT(ch->name), ch->paused);
    for (unsigned i = 0; i < sizeof channel_metrics / sizeof *channel_metrics; i++) {
        const struct channel_metric *m = &channel_metrics[i];
        metric(b, m->name, m->type, m->help);
        for (const struct gw_channel *ch = gw->channels; ch; ch = ch->next) {
            uint64_t v = 0;
            uint32_t narrow = 0;
            if (m->wide) {
                memcpy(&v, (const char *)ch + m->offset, sizeof v);
            } else {
                memcpy(&narrow, (const char *)ch + m->offset, sizeof narrow);
                v = narrow;
            }
            (void)buf_fmt(b, "hilo_%s{channel=\"%.*s\"} %llu\n", m->name, STR_FMT(ch->name),
                          (unsigned long long)v);
        }
    }
}

static void metrics__store(struct buf *b, struct store *store)
{
    struct store_stats s;
    struct err e = {0};

    memset(&s, 0, sizeof s);
    store_stats(store, &s);
    metric_one(b, "store_events", "counter", "Sequence of the last event appended.", s.seq);
    metric_one(b, "store_events_synced", "counter", "Sequence of the last event on disk.", s.synced);
    metric_one(b, "store_events_flushed", "counter", "Sequence that the context on disk has reached.",
               s.reached);
    metric_one(b, "store_pending_keys", "gauge", "Keys not yet in the context on disk.",
               s.context.active_keys + s.context.frozen_keys);
    metric_one(b, "store_pending_bytes", "gauge", "Their bytes.", s.context.pending_bytes);
    metric_one(b, "store_flushes_total", "counter", "Transactions of the context.", s.context.flushes);
    metric_one(b, "store_map_bytes", "gauge", "Room of the context.", s.context.map_bytes);
    metric_one(b, "store_used_bytes", "gauge", "What of it is used.", s.context.used_bytes);
    metric_one(b, "store_accepting", "gauge", "1 if new work is taken.",
               store_room(store, STORE_NEW, &e) == HILO_OK);
    metric_one(b, "store_disk_full", "gauge",
               "1 if new work is refused for lack of room on the disk or in the map.", s.full);
    metric_one(b, "store_disk_free_bytes", "gauge", "Free on the file system of the data folder.",
               s.disk_free_bytes);
    metric_one(b, "store_journal_room_bytes", "gauge", "Room for events in segments that are there.",
               s.room_bytes);
    metric_one(b, "store_reserve_bytes", "gauge", "What of it is kept for reports, receipts and opt-outs.",
               s.reserve_bytes);
    metric_one(b, "store_reports_promised", "gauge",
               "Messages with a channel, for whose reports room is kept.", s.promised);
}

static void metrics__http(struct buf *b, const struct api *api)
{
    const struct route *r;
    unsigned n;

    r = routes(&n);
    metric(b, "http_requests_total", "counter",
           "Requests by route and class of status; 0xx: without an answer.");
    for (unsigned i = 0; i <= n; i++)
        for (unsigned c = 0; c < HTTP_CLASSES; c++)
            if (api->count[i].by_class[c])
                (void)buf_fmt(b,
                              "hilo_http_requests_total{method=\"%s\",route=\"%s\",status=\"%uxx\"} %llu\n",
                              i < n ? r[i].method : "", i < n ? r[i].pattern : "", c,
                              (unsigned long long)api->count[i].by_class[c]);
    metric(b, "http_request_microseconds_total", "counter",
           "Time from the first line to the end of the answer.");
    for (unsigned i = 0; i <= n; i++)
        if (api->count[i].us)
            (void)buf_fmt(b, "hilo_http_request_microseconds_total{method=\"%s\",route=\"%s\"} %llu\n",
                          i < n ? r[i].method : "", i < n ? r[i].pattern : "",
                          (unsigned long long)api->count[i].us);
    metric_one(b, "http_connections", "gauge", "Open connections of the listener.",
               http_connections(api->tcp));
    metric_one(b, "http_waiting", "gauge", "Requests that wait for a commit.", api->waiting);
    metric_one(b, "http_hooks_waiting", "gauge", "Requests that wait for a channel.", api->n_hooks);
    metric_one(b, "http_idempotent_replays_total", "counter", "Answers given again for an Idempotency-Key.",
               api->replays);
}

int metrics_show(struct request *rq, struct fault *f)
{
    struct gateway *gw = rq->api->gw;
    struct buf b = {0};

    (void)f;
    metric(&b, "build_info", "gauge", "The version that runs.");
    (void)buf_fmt(&b, "hilo_build_info{version=\"%s\"} 1\n", HILO_VERSION);
    metric_one(&b, "start_time_seconds", "gauge", "Unix time of the start.",
               (uint64_t)(gw->started_us / 1000000));
    metric_one(&b, "loop_wakeups_total", "counter", "How often the core's loop woke from sleep.",
               loop_wakeups(gw->loop));
    metrics__channels(&b, gw);
    metrics__store(&b, gw->store);
    metrics__http(&b, rq->api);
    rq->answer.status = 200;
    rq->answer.type = STR("text/plain; version=0.0.4; charset=utf-8");
    rq->answer.body = arena_str(rq->arena, buf_str(&b));
    buf_done(&b);
    return 0;
}
