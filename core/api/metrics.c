/*
 * /metrics, Prometheus' text format 0.0.4: what a person on call asks first. Counting
 * happens where things do, by plain increments; all else is looked up here, when asked.
 *
 * Labels are channels, routes and words of tables: as many as the configuration makes, and
 * nothing that a peer or a customer chose.
 */
#include "api/http.h"
#include "api/reply.h"
#include "api/route.h"
#include "api/streams.h"
#include "base/clock.h"
#include "base/str.h"
#include "model/table.h"
#include "services/callbacks.h"
#include "services/delivery.h"
#include "services/outbox.h"
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PENDING_MAX = 10000 };

typedef unsigned long long ull;

/* ---- writing -------------------------------------------------------------------------------- */

static void head(struct buf *b, const char *name, const char *type, const char *help)
{
    (void)buf_fmt(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(struct buf *b, const char *name, const char *type, const char *help, uint64_t v)
{
    head(b, name, type, help);
    (void)buf_fmt(b, "%s %llu\n", name, (ull)v);
}

/* v in micros: 1500000 is 1.5. */
static void one_micro(struct buf *b, const char *name, const char *type, const char *help, uint64_t v)
{
    head(b, name, type, help);
    (void)buf_fmt(b, "%s %llu.%06llu\n", name, (ull)(v / 1000000), (ull)(v % 1000000));
}

/* A histogram's series. labels: `channel="wa"`, or empty. Seconds if micros. */
static void series(struct buf *b, const char *name, const char *labels, const struct hist *h,
                   const uint32_t *bounds, bool micros)
{
    const char *comma = labels[0] ? "," : "";
    uint64_t n = 0;

    for (unsigned i = 0; i < HIST_BOUNDS; i++) {
        n += h->n[i];
        if (micros)
            (void)buf_fmt(b, "%s_bucket{%s%sle=\"%g\"} %llu\n", name, labels, comma, bounds[i] / 1e6, (ull)n);
        else
            (void)buf_fmt(b, "%s_bucket{%s%sle=\"%u\"} %llu\n", name, labels, comma, bounds[i], (ull)n);
    }
    n += h->n[HIST_BOUNDS];
    (void)buf_fmt(b, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", name, labels, comma, (ull)n);
    (void)buf_fmt(b, "%s_sum%s%s%s ", name, labels[0] ? "{" : "", labels, labels[0] ? "}" : "");
    if (micros)
        (void)buf_fmt(b, "%llu.%06llu\n", (ull)(h->sum / 1000000), (ull)(h->sum % 1000000));
    else
        (void)buf_fmt(b, "%llu\n", (ull)h->sum);
    (void)buf_fmt(b, "%s_count%s%s%s %llu\n", name, labels[0] ? "{" : "", labels, labels[0] ? "}" : "",
                  (ull)n);
}

/* ---- channels ------------------------------------------------------------------------------- */

struct channel_metric {
    const char *name, *type, *help;
    size_t offset;
    bool wide; /* uint64_t, else uint32_t */
};
#define CH(field) offsetof(struct gw_channel, field)
static const struct channel_metric channel_metrics[] = {
    {"hilo_channel_queued", "gauge", "Outbound messages that wait.", CH(queued), true},
    {"hilo_channel_in_flight", "gauge", "Messages handed to the channel without a report.", CH(in_flight),
     true},
    {"hilo_channel_credit", "gauge", "Sends that may leave now.", CH(credit), false},
    {"hilo_channel_media_fetching", "gauge", "Media downloads under way.", CH(fetching), false},
    {"hilo_channel_media_stored_total", "counter", "Media downloaded and stored.", CH(media_stored), true},
    {"hilo_channel_media_failed_total", "counter", "Media given up.", CH(media_failed), true},
    {"hilo_channel_opted_out_total", "counter", "Customers' words that ended messages.", CH(opted_out), true},
    {"hilo_channel_opted_in_total", "counter", "Customers' words that began messages again.", CH(opted_in),
     true},
    {"hilo_channel_recalled_total", "counter",
     "Messages asked back from the channel, for their customer does not want them.", CH(recalled), true},
    {"hilo_channel_held_by_rate_total", "counter", "Claims held back by the channel's rate.", CH(held_rate),
     true},
    {"hilo_channel_held_by_pair_rate_total", "counter", "Claims held back by the rate to one customer.",
     CH(held_pair), true},
    {"hilo_channel_retries_total", "counter", "Attempts that are made again.", CH(retries), true},
    {"hilo_channel_received_total", "counter", "Inbound messages taken.", CH(received), true},
    {"hilo_channel_parts_waiting", "gauge", "Inbound messages of which parts are missing.",
     CH(parts_messages), true},
    {"hilo_channel_receipts_total", "counter", "Receipts taken.", CH(receipts), true},
};
#undef CH

static uint64_t field(const struct gw_channel *ch, const struct channel_metric *m)
{
    uint64_t wide;
    uint32_t narrow;

    memcpy(&narrow, (const char *)ch + m->offset, sizeof narrow);
    if (!m->wide)
        return narrow;
    memcpy(&wide, (const char *)ch + m->offset, sizeof wide);
    return wide;
}

static void channels_state(struct buf *b, const struct gateway *gw)
{
    head(b, "hilo_channel_info", "gauge", "The channels that are configured, with their type.");
    for (const struct gw_channel *ch = gw->channels; ch; ch = ch->next)
        (void)buf_fmt(b, "hilo_channel_info{channel=\"%.*s\",type=\"%.*s\",isolation=\"%s\"} 1\n",
                      STR_FMT(ch->name), STR_FMT(ch->type),
                      ch->plug && channel_isolated(ch->plug) ? "process" : "thread");
    head(b, "hilo_channel_up", "gauge", "1 if the channel works.");
    for (const struct gw_channel *ch = gw->channels; ch; ch = ch->next)
        (void)buf_fmt(b, "hilo_channel_up{channel=\"%.*s\"} %d\n", STR_FMT(ch->name),
                      ch->plug && channel_state(ch->plug, NULL) == CHANNEL_UP);
    head(b, "hilo_channel_state", "gauge", "1 for the state that the channel is in.");
    for (const struct gw_channel *ch = gw->channels; ch; ch = ch->next) {
        for (unsigned s = CHANNEL_STARTING; s <= CHANNEL_CLOSED; s++)
            (void)buf_fmt(b, "hilo_channel_state{channel=\"%.*s\",state=\"%s\"} %d\n", STR_FMT(ch->name),
                          channel_state_name((enum channel_state)s),
                          ch->plug && channel_state(ch->plug, NULL) == (enum channel_state)s);
        (void)buf_fmt(b, "hilo_channel_state{channel=\"%.*s\",state=\"broken\"} %d\n", STR_FMT(ch->name),
                      !ch->plug);
    }
    head(b, "hilo_channel_paused", "gauge", "1 if an operator paused it.");
    for (const struct gw_channel *ch = gw->channels; ch; ch = ch->next)
        (void)buf_fmt(b, "hilo_channel_paused{channel=\"%.*s\"} %d\n", STR_FMT(ch->name), ch->paused);
    head(b, "hilo_channel_stopped", "gauge", "1 if it stopped itself until an operator resumes it.");
    for (const struct gw_channel *ch = gw->channels; ch; ch = ch->next)
        (void)buf_fmt(b, "hilo_channel_stopped{channel=\"%.*s\"} %d\n", STR_FMT(ch->name), ch->stopped);
}

static void channels_messages(struct buf *b, const struct gateway *gw)
{
    static const char *const outcomes[GW_REPORTS] = {"sent",     "again", "temporary", "permanent",
                                                     "in_doubt", "down",  "config"};
    static const unsigned statuses[] = {HILO_STATUS_ACCEPTED, HILO_STATUS_SENT,     HILO_STATUS_DELIVERED,
                                        HILO_STATUS_READ,     HILO_STATUS_IN_DOUBT, HILO_STATUS_FAILED,
                                        HILO_STATUS_EXPIRED,  HILO_STATUS_CANCELED, HILO_STATUS_SUPPRESSED};
    char labels[96];

    head(b, "hilo_channel_messages_total", "counter", "Outbound messages that came to a status.");
    for (const struct gw_channel *ch = gw->channels; ch; ch = ch->next)
        for (unsigned i = 0; i < sizeof statuses / sizeof *statuses; i++)
            (void)buf_fmt(b, "hilo_channel_messages_total{channel=\"%.*s\",status=\"%s\"} %llu\n",
                          STR_FMT(ch->name), model_value_text(MODEL_E_STATUS, statuses[i]),
                          (ull)ch->came_to[statuses[i]]);
    head(b, "hilo_channel_attempts_total", "counter", "Attempts to send, by what the channel reported.");
    for (const struct gw_channel *ch = gw->channels; ch; ch = ch->next)
        for (unsigned i = 0; i < GW_REPORTS; i++)
            (void)buf_fmt(b, "hilo_channel_attempts_total{channel=\"%.*s\",outcome=\"%s\"} %llu\n",
                          STR_FMT(ch->name), outcomes[i], (ull)ch->reported[i]);
    head(b, "hilo_channel_send_seconds", "histogram",
         "From the claim of a message to the channel's report, unless a receipt was faster.");
    for (const struct gw_channel *ch = gw->channels; ch; ch = ch->next) {
        (void)snprintf(labels, sizeof labels, "channel=\"%.*s\"", STR_FMT(ch->name));
        series(b, "hilo_channel_send_seconds", labels, &ch->answered, hist_time_us, true);
    }
    head(b, "hilo_channel_requests_total", "counter",
         "Providers' requests that a channel was given, by class of status; 0xx: without an answer.");
    for (const struct gw_channel *ch = gw->channels; ch; ch = ch->next)
        for (unsigned i = 0; i < HTTP_CLASSES; i++)
            if (i != 1)
                (void)buf_fmt(b, "hilo_channel_requests_total{channel=\"%.*s\",status=\"%uxx\"} %llu\n",
                              STR_FMT(ch->name), i, (ull)ch->requests[i]);
}

static void channels_looked_up(struct buf *b, const struct gateway *gw)
{
    static const struct {
        const char *name, *help;
        size_t offset;
    } of_plug[] = {
        {"hilo_channel_restarts_total", "Starts after the first.", offsetof(struct channel_stats, restarts)},
        {"hilo_channel_deaths_total", "Workers that died or were killed.",
         offsetof(struct channel_stats, deaths)},
        {"hilo_channel_stalls_total", "Callbacks of the plugin that took over 100 ms.",
         offsetof(struct channel_stats, stalls)},
        {"hilo_channel_http_requests_total", "Requests that the plugin made.",
         offsetof(struct channel_stats, http_requests)},
        {"hilo_channel_http_connections_total", "Connections that they needed.",
         offsetof(struct channel_stats, http_connections)},
    };

    head(b, "hilo_channel_oldest_due_seconds", "gauge",
         "How long the first message that could leave has been due.");
    for (const struct gw_channel *ch = gw->channels; ch; ch = ch->next) {
        uint64_t us = (uint64_t)delivery_oldest_us(gw->delivery, ch);
        (void)buf_fmt(b, "hilo_channel_oldest_due_seconds{channel=\"%.*s\"} %llu.%06llu\n", STR_FMT(ch->name),
                      (ull)(us / 1000000), (ull)(us % 1000000));
    }
    head(b, "hilo_channel_media_pending", "gauge", "Media downloads that wait, up to 10000.");
    for (const struct gw_channel *ch = gw->channels; ch; ch = ch->next)
        (void)buf_fmt(b, "hilo_channel_media_pending{channel=\"%.*s\"} %llu\n", STR_FMT(ch->name),
                      (ull)delivery_media_pending(gw->delivery, ch, PENDING_MAX));
    for (unsigned i = 0; i < sizeof of_plug / sizeof *of_plug; i++) {
        head(b, of_plug[i].name, "counter", of_plug[i].help);
        for (const struct gw_channel *ch = gw->channels; ch; ch = ch->next) {
            struct channel_stats s = {0};
            uint64_t v;
            if (ch->plug)
                channel_stats(ch->plug, &s);
            memcpy(&v, (const char *)&s + of_plug[i].offset, sizeof v);
            (void)buf_fmt(b, "%s{channel=\"%.*s\"} %llu\n", of_plug[i].name, STR_FMT(ch->name), (ull)v);
        }
    }
}

static void channels(struct buf *b, const struct gateway *gw)
{
    channels_state(b, gw);
    for (unsigned i = 0; i < sizeof channel_metrics / sizeof *channel_metrics; i++) {
        const struct channel_metric *m = &channel_metrics[i];
        head(b, m->name, m->type, m->help);
        for (const struct gw_channel *ch = gw->channels; ch; ch = ch->next)
            (void)buf_fmt(b, "%s{channel=\"%.*s\"} %llu\n", m->name, STR_FMT(ch->name), (ull)field(ch, m));
    }
    channels_messages(b, gw);
    channels_looked_up(b, gw);
    one(b, "hilo_messages_held", "gauge", "Messages in doubt that are held for news of them.", gw->held);
}

/* ---- webhooks ------------------------------------------------------------------------------- */

struct endpoints {
    struct outbox_status one[OUTBOX_ENDPOINTS];
    unsigned n;
};

static void endpoint_collect(void *arg, const struct outbox_status *s)
{
    struct endpoints *e = arg;

    if (e->n < OUTBOX_ENDPOINTS)
        e->one[e->n++] = *s;
}

/* Until when an event has waited: not before the first that has no answer. */
static uint64_t endpoint_lag_us(const struct outbox_status *s, int64_t now)
{
    return s->lag_since_us && s->lag_since_us < now ? (uint64_t)(now - s->lag_since_us) : 0;
}

static void webhooks(struct buf *b, struct gateway *gw)
{
    static const char *const results[OUTBOX_COUNTS] = {"delivered",  "status_3xx",  "status_4xx",
                                                       "status_5xx", "unreachable", "no_answer"};
    static const struct {
        const char *name, *type, *help;
        size_t offset;
    } numbers[] = {
        {"hilo_webhook_lag_events", "gauge", "Events on disk that it has not come to.",
         offsetof(struct outbox_status, lag_events)},
        {"hilo_webhook_in_flight", "gauge", "Deliveries without an answer yet.",
         offsetof(struct outbox_status, in_flight)},
        {"hilo_webhook_waiting_customers", "gauge", "Customers whose events wait behind one that failed.",
         offsetof(struct outbox_status, parked)},
        {"hilo_webhook_waiting_events", "gauge", "Their events.", offsetof(struct outbox_status, waiting)},
        {"hilo_webhook_given_up_total", "counter", "Events that were given up.",
         offsetof(struct outbox_status, given_up)},
    };
    struct endpoints *e = ARENA_NEW(gw->arena, struct endpoints);
    int64_t now = clock_wall_us();
    char labels[64], (*name)[ID_TEXT] = arena_alloc(gw->arena, OUTBOX_ENDPOINTS * ID_TEXT);

    outbox_each(gw->outbox, endpoint_collect, e);
    for (unsigned i = 0; i < e->n; i++)
        id_format("whk", e->one[i].id, name[i]);
    head(b, "hilo_webhook_state", "gauge", "1 for the state that it is in.");
    for (unsigned i = 0; i < e->n; i++) {
        const struct outbox_status *s = &e->one[i];
        const char *state = !s->enabled ? "disabled" : s->broken ? "broken" : s->attempts ? "failing" : "up";
        static const char *const states[] = {"up", "failing", "disabled", "broken"};
        for (unsigned k = 0; k < sizeof states / sizeof *states; k++)
            (void)buf_fmt(b, "hilo_webhook_state{webhook=\"%s\",state=\"%s\"} %d\n", name[i], states[k],
                          strcmp(state, states[k]) == 0);
    }
    head(b, "hilo_webhook_deliveries_total", "counter", "Attempts, by what came of them.");
    for (unsigned i = 0; i < e->n; i++)
        for (unsigned k = 0; k < OUTBOX_COUNTS; k++)
            (void)buf_fmt(b, "hilo_webhook_deliveries_total{webhook=\"%s\",result=\"%s\"} %llu\n", name[i],
                          results[k], (ull)e->one[i].count[k]);
    head(b, "hilo_webhook_delivery_seconds", "histogram", "From an attempt's beginning to its answer.");
    for (unsigned i = 0; i < e->n; i++) {
        (void)snprintf(labels, sizeof labels, "webhook=\"%s\"", name[i]);
        series(b, "hilo_webhook_delivery_seconds", labels, &e->one[i].took, hist_time_us, true);
    }
    head(b, "hilo_webhook_lag_seconds", "gauge", "Age of the first event that has no answer yet.");
    for (unsigned i = 0; i < e->n; i++) {
        uint64_t us = endpoint_lag_us(&e->one[i], now);
        (void)buf_fmt(b, "hilo_webhook_lag_seconds{webhook=\"%s\"} %llu.%06llu\n", name[i],
                      (ull)(us / 1000000), (ull)(us % 1000000));
    }
    for (unsigned k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        head(b, numbers[k].name, numbers[k].type, numbers[k].help);
        for (unsigned i = 0; i < e->n; i++) {
            uint64_t v;
            memcpy(&v, (const char *)&e->one[i] + numbers[k].offset, sizeof v);
            (void)buf_fmt(b, "%s{webhook=\"%s\"} %llu\n", numbers[k].name, name[i], (ull)v);
        }
    }
    head(b, "hilo_webhooks_disabled_total", "counter", "Endpoints that were disabled by the gateway.");
    (void)buf_fmt(b, "hilo_webhooks_disabled_total{reason=\"gone\"} %llu\n",
                  (ull)outbox_disabled(gw->outbox, true));
    (void)buf_fmt(b, "hilo_webhooks_disabled_total{reason=\"failing\"} %llu\n",
                  (ull)outbox_disabled(gw->outbox, false));
    one(b, "hilo_webhook_connections_total", "counter", "Connections made for deliveries.",
        outbox_connections(gw->outbox));
}

/* ---- the store ------------------------------------------------------------------------------ */

static void store(struct buf *b, struct gateway *gw)
{
    struct store_stats s;
    struct statvfs disk;
    struct err e = {0};

    memset(&s, 0, sizeof s);
    store_stats(gw->store, &s);
    one(b, "hilo_store_events_total", "counter", "Sequence of the last event appended.", s.seq);
    one(b, "hilo_store_events_synced_total", "counter", "Sequence of the last event on disk.", s.synced);
    one(b, "hilo_store_events_flushed_total", "counter", "Sequence that the context on disk has reached.",
        s.reached);
    head(b, "hilo_store_commit_seconds", "histogram",
         "Write and sync of a commit. A sync that fails ends the daemon.");
    series(b, "hilo_store_commit_seconds", "", &s.journal.sync, hist_time_us, true);
    head(b, "hilo_store_commit_events", "histogram", "Events of a commit.");
    series(b, "hilo_store_commit_events", "", &s.journal.batch, hist_size, false);
    one(b, "hilo_store_synced_bytes_total", "counter", "Bytes that commits wrote.", s.journal.synced_bytes);
    one(b, "hilo_store_journal_segments", "gauge", "Files of the journal.", s.journal.segments);
    one(b, "hilo_store_journal_bytes", "gauge", "Their bytes.", s.journal.segment_bytes);
    one(b, "hilo_store_pending_keys", "gauge", "Keys not yet in the context on disk.",
        s.context.active_keys + s.context.frozen_keys);
    one(b, "hilo_store_pending_bytes", "gauge", "Their bytes.", s.context.pending_bytes);
    one(b, "hilo_store_flushes_total", "counter", "Transactions of the context.", s.context.flushes);
    one(b, "hilo_store_flushes_failed_total", "counter", "Of these, tries that failed.",
        s.context.failed_flushes);
    one_micro(b, "hilo_store_flush_seconds_total", "counter", "Time that they took.", s.context.flush_us);
    one_micro(b, "hilo_store_flush_last_seconds", "gauge", "Time that the last one took.",
              s.context.last_flush_us);
    one(b, "hilo_store_map_bytes", "gauge", "Room of the context: store.map_size.", s.context.map_bytes);
    one(b, "hilo_store_used_bytes", "gauge", "What of it is used.", s.context.used_bytes);
    one(b, "hilo_store_accepting", "gauge", "1 if new work is taken.",
        store_room(gw->store, STORE_NEW, &e) == HILO_OK);
    one(b, "hilo_store_disk_full", "gauge",
        "1 if new work is refused for lack of room on the disk or in the map.", s.full);
    one(b, "hilo_store_disk_free_bytes", "gauge", "Free on the file system of the data folder.",
        s.disk_free_bytes);
    if (statvfs(store_media_dir(gw->store), &disk) == 0)
        one(b, "hilo_store_disk_size_bytes", "gauge", "Its size.", (uint64_t)disk.f_blocks * disk.f_frsize);
    one(b, "hilo_store_journal_room_bytes", "gauge", "Room for events in segments that are there.",
        s.room_bytes);
    one(b, "hilo_store_reserve_bytes", "gauge", "What of it is kept for reports, receipts and opt-outs.",
        s.reserve_bytes);
    one(b, "hilo_store_reports_promised", "gauge", "Messages with a channel, for whose reports room is kept.",
        s.promised);
}

/* ---- HTTP ----------------------------------------------------------------------------------- */

static void http(struct buf *b, const struct api *api)
{
    const struct route *r;
    char labels[160];
    struct streams_stats st;
    unsigned n;

    r = routes(&n);
    head(b, "hilo_http_requests_total", "counter",
         "Requests by route and class of status; 0xx: without an answer.");
    for (unsigned i = 0; i <= n; i++)
        for (unsigned c = 0; c < HTTP_CLASSES; c++)
            if (api->count[i].by_class[c])
                (void)buf_fmt(
                    b, "hilo_http_requests_total{method=\"%s\",route=\"%s\",status=\"%uxx\"} %llu\n",
                    i < n ? r[i].method : "", i < n ? r[i].pattern : "", c, (ull)api->count[i].by_class[c]);
    head(b, "hilo_http_request_seconds", "histogram", "From the first line to the end of the answer.");
    for (unsigned i = 0; i <= n; i++) {
        uint64_t any = 0;
        for (unsigned c = 0; c < HTTP_CLASSES; c++)
            any |= api->count[i].by_class[c];
        if (!any)
            continue;
        (void)snprintf(labels, sizeof labels, "method=\"%s\",route=\"%s\"", i < n ? r[i].method : "",
                       i < n ? r[i].pattern : "");
        series(b, "hilo_http_request_seconds", labels, &api->count[i].us, hist_time_us, true);
    }
    one(b, "hilo_http_connections", "gauge", "Open connections of the listener.", http_connections(api->tcp));
    one(b, "hilo_http_connections_max", "gauge", "How many there may be: http.connections.",
        (uint64_t)api->opt.connections_max);
    one(b, "hilo_http_slow_cut_total", "counter", "Connections that were ended for sending too slowly.",
        http_cut(api->tcp));
    one(b, "hilo_http_waiting", "gauge", "Requests that wait for a commit.", api->waiting);
    one(b, "hilo_http_hooks_waiting", "gauge", "Requests that wait for a channel.", api->n_hooks);
    streams_stats(api->streams, &st);
    one(b, "hilo_event_streams", "gauge", "Open streams of GET /v1/events.", st.open);
    one(b, "hilo_event_streams_max", "gauge", "How many there may be: http.event_streams.",
        (uint64_t)api->opt.streams_max);
    one(b, "hilo_event_streams_opened_total", "counter", "Streams that were opened.", st.opened);
    one(b, "hilo_event_streams_slow_total", "counter",
        "Streams that were ended, for their client took nothing.", st.slow);
    one(b, "hilo_event_streams_reset_total", "counter", "Streams that could not go on where they had been.",
        st.resets);
    one(b, "hilo_event_streams_events_total", "counter", "Events given to streams.", st.events);
    one(b, "hilo_event_streams_bytes_total", "counter", "Bytes given to streams.", st.bytes);
    one(b, "hilo_http_idempotent_replays_total", "counter", "Answers given again for an Idempotency-Key.",
        api->replays);
}

/* What sendsms' dlr-url has asked for. */
static void callbacks(struct buf *b, const struct gateway *gw)
{
    struct callbacks_counts n = {0};

    if (gw->callbacks)
        callbacks_counts(gw->callbacks, &n);
    head(b, "hilo_callbacks_total", "counter", "Callbacks of sendsms, by what came of an attempt.");
    (void)buf_fmt(b, "hilo_callbacks_total{outcome=\"taken\"} %llu\n", (ull)n.taken);
    (void)buf_fmt(b, "hilo_callbacks_total{outcome=\"retried\"} %llu\n", (ull)n.retried);
    (void)buf_fmt(b, "hilo_callbacks_total{outcome=\"given_up\"} %llu\n", (ull)n.given_up);
    one(b, "hilo_callbacks_in_flight", "gauge", "Of them, under way.", n.in_flight);
}

/* ---- the process ---------------------------------------------------------------------------- */

/* A number of /proc/self/status by its name, in its own unit; 0 if there is none. */
static uint64_t proc_status(const char *name)
{
    FILE *f = fopen("/proc/self/status", "re");
    char line[256];
    ull v = 0;

    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, name, strlen(name)) == 0 && sscanf(line + strlen(name), ": %llu", &v) == 1)
            break;
    if (f)
        (void)fclose(f);
    return v;
}

static uint64_t proc_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    uint64_t n = 0;

    while (d && readdir(d))
        n++;
    if (d)
        (void)closedir(d);
    return n > 3 ? n - 3 : 0; /* ".", ".." and its own */
}

static void process(struct buf *b, const struct gateway *gw)
{
    struct rusage u;
    struct rlimit l;

    if (getrusage(RUSAGE_SELF, &u) == 0)
        one_micro(b, "process_cpu_seconds_total", "counter", "CPU time, user and system.",
                  (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
                      (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec));
    one(b, "process_resident_memory_bytes", "gauge", "Memory, the mapped store included.",
        proc_status("VmRSS") * 1024);
    one(b, "process_resident_anonymous_bytes", "gauge", "Memory without what is mapped from files.",
        proc_status("RssAnon") * 1024);
    one(b, "process_virtual_memory_bytes", "gauge", "Address space; the store's map is most of it.",
        proc_status("VmSize") * 1024);
    one(b, "process_threads", "gauge", "Threads.", proc_status("Threads"));
    one(b, "process_open_fds", "gauge", "Open descriptors.", proc_fds());
    if (getrlimit(RLIMIT_NOFILE, &l) == 0)
        one(b, "process_max_fds", "gauge", "How many there may be.", l.rlim_cur);
    one_micro(b, "process_start_time_seconds", "gauge", "Unix time of the start.", (uint64_t)gw->started_us);
}

/* The two clocks run alike unless somebody set the one on the wall. Seen when asked, for
 * nothing else has to look at both. */
static void clocks(struct buf *b, struct api *api)
{
    enum { JUMP_US = 500000 };
    int64_t apart = clock_wall_us() - clock_mono_us();
    int64_t by = apart - api->clocks_apart;

    api->clock_jumps += api->clocks_apart && (by > JUMP_US || by < -JUMP_US);
    api->clocks_apart = apart;
    one(b, "hilo_clock_jumps_total", "counter",
        "Steps of the clock by over half a second, as seen between two looks at this page.",
        api->clock_jumps);
}

int metrics_show(struct request *rq, struct fault *f)
{
    struct gateway *gw = rq->api->gw;
    struct buf b = {0};
    int64_t behind, ahead;

    (void)f;
    head(&b, "hilo_build_info", "gauge", "The version that runs.");
    (void)buf_fmt(&b, "hilo_build_info{version=\"%s\"} 1\n", HILO_VERSION);
    one(&b, "hilo_loop_wakeups_total", "counter", "How often the core's loop woke from sleep.",
        loop_wakeups(gw->loop));
    delivery_clock(gw->delivery, &behind, &ahead);
    one(&b, "hilo_clock_behind_seconds", "gauge", "How far the wall clock stands behind what it has been at.",
        (uint64_t)(behind / 1000000));
    one(&b, "hilo_clock_ahead_seconds", "gauge",
        "How far it has jumped ahead without being believed; nothing expires by that.",
        (uint64_t)(ahead / 1000000));
    channels(&b, gw);
    webhooks(&b, gw);
    store(&b, gw);
    callbacks(&b, gw);
    http(&b, rq->api);
    process(&b, gw);
    clocks(&b, rq->api);
    rq->answer.status = 200;
    rq->answer.type = STR("text/plain; version=0.0.4; charset=utf-8");
    rq->answer.body = arena_str(rq->arena, buf_str(&b));
    buf_done(&b);
    return 0;
}
