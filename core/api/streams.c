/*
 * Streams of events: server-sent events (WHATWG HTML, 9.2) over a response without an end.
 *
 * The library asks stream__read for bytes; when there are none the connection is suspended there, and
 * resumed when a turn has put some. Only a turn, the timer and requests that end call in here, so
 * nothing changes below the library's feet.
 *
 * Invariants: a stream is either behind (tail) or live (no tail; told of all up to what h->live has
 * read, of what comes after seq). n_behind counts the first. A suspended one has nothing to send.
 */
#include "api/streams.h"
#include "api/http.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    OUT_MAX_BYTES = 256 << 10, /* that wait for one client; more, and it reads by itself */
    CATCH_UP_BYTES = 64 << 10, /* at a time of one that is behind */
    LIVE_EVENTS = 2000,        /* a turn reads at most, for all */
    BEHIND_EVENTS = 400,       /* and for those that are behind, together */
    KEEP_BYTES = 1 << 20,      /* of the last few */
    LAST_LOOK = 50000,         /* events that are searched for the last few */
    BEAT_US = 15000000,        /* a sign of life */
    BLOCK_BYTES = 4096         /* the library's own buffer for a response */
};

struct stream {
    TAILQ_ENTRY(stream) all;
    struct streams *hub;
    unsigned refs; /* the request's, the response's */
    bool listed;
    struct http *http;
    struct MHD_Connection *conn; /* NULL: not answered yet, or gone */
    struct stream_options opt;
    char *channel;     /* the filter's */
    struct tail *tail; /* while it is behind */
    uint64_t seq;      /* live: it was told of all up to here */
    struct buf out;
    size_t sent;         /* of out */
    uint64_t put, taken; /* bytes since the beginning */
    uint64_t due;        /* that are to be taken … */
    int64_t due_us;      /* … within idle_timeout from here */
    size_t *kept;        /* lengths of the last few, until it has caught up; else NULL */
    unsigned n_kept, first_kept;
    bool asleep; /* suspended */
    bool ending; /* after what is in out */
};

TAILQ_HEAD(stream_list, stream);

struct streams {
    struct api *api;
    struct stream_list all;
    unsigned n_behind;
    uint64_t places; /* taken, those that wait for their answer among them */
    struct tail *live;
    struct arena *arena;
    struct buf block; /* the present event as it is sent */
    struct loop_timer *beat, *more;
    int64_t beat_us;
    bool quiesced;
    struct streams_stats stats;
};

/* ---- one stream --------------------------------------------------------------------- */

static size_t waiting(const struct stream *s)
{
    return s->out.n - s->sent;
}

static void wake(struct stream *s)
{
    if (!s->asleep)
        return;
    s->asleep = false;
    MHD_resume_connection(s->conn);
    http_resumed(s->http);
}

static void stream__put(struct stream *s, struct hilo_str bytes)
{
    if (s->sent == s->out.n) {
        s->out.n = s->sent = 0;
        s->due_us = clock_mono_us();
        s->due = s->put + bytes.n;
    } else if (s->sent > s->out.n / 2) {
        memmove(s->out.p, s->out.p + s->sent, waiting(s));
        s->out.n -= s->sent;
        s->sent = 0;
    }
    if (buf_add_str(&s->out, bytes) != HILO_OK) {
        s->ending = true; /* no memory: its client comes back, and goes on where it was */
        return;
    }
    s->put += bytes.n;
    if (!s->kept)
        wake(s);
}

/* Of the last few: only so many are kept, and only so much. */
static void stream__keep(struct stream *s, size_t n)
{
    while (s->n_kept == s->opt.last || (s->n_kept && waiting(s) > KEEP_BYTES)) {
        s->sent += s->kept[s->first_kept];
        s->taken += s->kept[s->first_kept];
        s->first_kept = (s->first_kept + 1) % s->opt.last;
        s->n_kept--;
    }
    s->kept[(s->first_kept + s->n_kept++) % s->opt.last] = n;
}

static void stream__end(struct stream *s)
{
    s->ending = true;
    free(s->kept);
    s->kept = NULL;
    wake(s);
}

static void stream__caught_up(struct stream *s)
{
    if (!s->tail)
        return;
    tail_free(&s->tail);
    if (s->listed)
        s->hub->n_behind--;
    if (s->kept) {
        free(s->kept);
        s->kept = NULL;
        s->due = s->put;
        s->due_us = clock_mono_us();
    }
    if (!s->opt.follow)
        s->ending = true;
    if (s->ending || waiting(s))
        wake(s);
}

static void stream__unlist(struct stream *s)
{
    if (!s->listed)
        return;
    TAILQ_REMOVE(&s->hub->all, s, all);
    s->listed = false;
    s->hub->stats.open--;
    if (s->tail)
        s->hub->n_behind--;
    tail_free(&s->tail);
    if (TAILQ_EMPTY(&s->hub->all)) {
        tail_free(&s->hub->live);
        loop_timer_cancel(s->hub->beat);
        loop_timer_cancel(s->hub->more);
    }
}

static void stream__unref(struct stream *s)
{
    if (--s->refs)
        return;
    stream__unlist(s);
    s->hub->places--;
    tail_free(&s->tail);
    buf_done(&s->out);
    free(s->kept);
    free(s->channel);
    free(s);
}

void stream_gone(struct stream *s, bool slow)
{
    s->hub->stats.slow += slow;
    s->conn = NULL;
    s->asleep = false;
    stream__unlist(s);
    stream__unref(s);
}

/* MHD_ContentReaderFreeCallback */
static void stream__done(void *arg)
{
    stream__unref(arg);
}

/* MHD_ContentReaderCallback */
static ssize_t stream__read(void *arg, uint64_t at, char *dst, size_t max)
{
    struct stream *s = arg;
    size_t n = s->kept ? 0 : waiting(s);

    (void)at;
    if (n == 0) {
        if (s->ending)
            return MHD_CONTENT_READER_END_OF_STREAM;
        MHD_suspend_connection(s->conn);
        s->asleep = true;
        return 0;
    }
    if (n > max)
        n = max;
    memcpy(dst, s->out.p + s->sent, n);
    s->sent += n;
    s->taken += n;
    s->hub->api->progress++;
    s->hub->stats.bytes += n;
    if (s->sent == s->out.n) {
        buf_done(&s->out);
        s->sent = 0;
    }
    return (ssize_t)n;
}

static void stream__reset(struct stream *s, const char *why)
{
    char text[160];
    int n = snprintf(text, sizeof text, "event: stream.reset\ndata: {\"reason\":\"%s\"}\n\n", why);

    s->hub->stats.resets++;
    stream__put(s, str_n(text, (size_t)n));
}

/* Where it begins. What can't go on where it was is told so, and begins with what there is. */
static int32_t stream__begin(struct stream *s, struct err *e)
{
    uint64_t synced = store_synced(s->hub->api->gw->store);
    int32_t rc = HILO_OK;

    s->tail = store_tail(s->hub->api->gw->store);
    switch (s->opt.from) {
    case STREAM_NOW:
        break;
    case STREAM_OLDEST:
        return tail_to_oldest(s->tail, e);
    case STREAM_LAST:
        rc = tail_to_seq(s->tail, synced > LAST_LOOK ? synced - LAST_LOOK : 0, e);
        return rc == HILO_NOTFOUND ? tail_to_oldest(s->tail, e) : rc;
    case STREAM_AFTER:
        rc = tail_to_id(s->tail, s->opt.after, e);
        if (rc == HILO_NOTFOUND) {
            stream__reset(s, "expired");
            return tail_to_oldest(s->tail, e);
        }
        if (rc == HILO_STALE || rc == HILO_INVALID) {
            stream__reset(s, "unknown");
            rc = HILO_OK;
        }
        break;
    }
    return rc;
}

int stream_new(struct streams *h, const struct stream_options *o, struct stream **out, struct fault *f)
{
    struct err e = {0};
    struct stream *s;
    int32_t rc;

    if (h->quiesced)
        return fault_set(f, 503, "stopping", "", "the gateway is stopping; try again in a moment");
    if (h->places >= (uint64_t)h->api->opt.streams_max) {
        (void)fault_set(f, 503, "too_many_streams", "",
                        "%lld streams are open, which is http.event_streams; try again later",
                        (long long)h->api->opt.streams_max);
        f->retry_after_s = 5;
        return -1;
    }
    s = calloc(1, sizeof *s);
    if (!s)
        check_nomem();
    s->hub = h;
    s->refs = 1;
    h->places++;
    s->opt = *o;
    if (o->filter.channel.n) {
        s->channel = strndup(o->filter.channel.p, (size_t)o->filter.channel.n);
        if (!s->channel)
            check_nomem();
        s->opt.filter.channel.p = s->channel;
    }
    if (o->from == STREAM_LAST && o->last) {
        s->kept = calloc(o->last, sizeof *s->kept);
        if (!s->kept)
            check_nomem();
    }
    if (!s->kept)
        stream__put(s, STR("retry: 3000\n\n"));
    rc = stream__begin(s, &e);
    if (rc != HILO_OK) {
        stream__unref(s);
        return fault_store(f, rc, &e);
    }
    *out = s;
    return 0;
}

struct MHD_Response *stream_response(struct stream *s, struct http *http, struct MHD_Connection *conn)
{
    struct streams *h = s->hub;
    struct MHD_Response *r =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, stream__read, s, stream__done);

    if (!r)
        return NULL;
    s->refs++;
    s->http = http;
    s->conn = conn;
    s->ending = s->ending || h->quiesced;
    s->listed = true;
    TAILQ_INSERT_TAIL(&h->all, s, all);
    h->n_behind++;
    h->stats.open++;
    h->stats.opened++;
    if (loop_timer_due(h->beat) == 0)
        loop_timer_at(h->beat, clock_mono_us() + h->beat_us);
    return r;
}

/* ---- telling ------------------------------------------------------------------------- */

/* The event as it is sent, in h->block. HILO_NOSUP: nobody is told of it. */
static int32_t look(struct streams *h, const struct event *ev, struct public_event *p, struct err *e)
{
    arena_reset(h->arena);
    buf_clear(&h->block);
    return public_event_look(h->api->gw, ev, h->arena, p, e);
}

static int32_t format(struct streams *h, const struct event *ev, struct hilo_id name,
                      const struct public_event *p, struct err *e)
{
    struct hilo_str json;
    char id[ID_TEXT];
    int32_t rc = public_event_write(h->api->gw, ev, name, p, h->arena, &json, e);

    if (rc != HILO_OK)
        return rc;
    public_event_id(name, id);
    return buf_fmt(&h->block, "id: %s\nevent: %s\ndata: %.*s\n\n", id, public_type_name(p->type),
                   STR_FMT(json));
}

static void failed(struct streams *h, uint64_t seq, const struct err *e)
{
    log_event(h->api->gw->log, HILO_LOG_ERROR, "events.failed",
              "after=%llu error=%s next=\"the stream ends; hilo store check\"", (unsigned long long)seq,
              LOG_VALUE(str(e->text)));
}

/* Back to reading by itself, from what it was not told. */
static void stream__falls_behind(struct stream *s, uint64_t told)
{
    struct err e = {0};

    s->tail = store_tail(s->hub->api->gw->store);
    s->hub->n_behind++;
    if (tail_to_seq(s->tail, told, &e) != HILO_OK) {
        failed(s->hub, told, &e);
        stream__caught_up(s);
        stream__end(s);
    }
}

/* What is new, once for all that are live. true: there is more. */
static bool turn_live(struct streams *h)
{
    struct event ev;
    struct err e = {0};
    int32_t rc = HILO_OK;

    for (unsigned n = 0; n < LIVE_EVENTS && h->live; n++) {
        struct public_event p;
        struct stream *s;
        rc = tail_next(h->live, &ev, &e);
        if (rc == HILO_AGAIN)
            return false;
        if (rc == HILO_OK)
            rc = look(h, &ev, &p, &e);
        if (rc == HILO_NOSUP)
            continue;
        TAILQ_FOREACH(s, &h->all, all)
        {
            if (rc != HILO_OK)
                break;
            if (s->tail || s->ending || ev.head.seq <= s->seq || !public_filter_takes(&s->opt.filter, &p))
                continue;
            if (h->block.n == 0)
                rc = format(h, &ev, tail_id(h->live), &p, &e);
            if (rc != HILO_OK)
                break;
            if (waiting(s) && waiting(s) + h->block.n > OUT_MAX_BYTES) {
                stream__falls_behind(s, ev.head.seq - 1);
                continue;
            }
            stream__put(s, buf_str(&h->block));
            h->stats.events++;
        }
        if (rc != HILO_OK) {
            failed(h, tail_seq(h->live), &e);
            TAILQ_FOREACH(s, &h->all, all)
            if (!s->tail)
                stream__end(s);
            tail_free(&h->live);
        }
    }
    return h->live != NULL;
}

static void join(struct stream *s)
{
    struct streams *h = s->hub;
    struct err e = {0};

    s->seq = tail_seq(s->tail);
    if (s->opt.follow && !h->live) {
        h->live = store_tail(h->api->gw->store);
        if (tail_to_seq(h->live, s->seq, &e) != HILO_OK) {
            failed(h, s->seq, &e);
            tail_free(&h->live);
            s->ending = true;
        }
    }
    stream__caught_up(s);
}

/* One step of one that is behind. false: it has caught up, or has enough for now. */
static bool step(struct stream *s)
{
    struct streams *h = s->hub;
    struct public_event p;
    struct event ev;
    struct err e = {0};

    if (s->ending || (!s->kept && waiting(s) >= CATCH_UP_BYTES))
        return false;
    int32_t rc = tail_next(s->tail, &ev, &e);
    if (rc == HILO_AGAIN) {
        join(s);
        return false;
    }
    if (rc == HILO_NOTFOUND) { /* retired while it slept */
        stream__reset(s, "expired");
        rc = tail_to_oldest(s->tail, &e);
        if (rc == HILO_OK)
            return true;
    }
    if (rc == HILO_OK)
        rc = look(h, &ev, &p, &e);
    if (rc == HILO_NOSUP || (rc == HILO_OK && !public_filter_takes(&s->opt.filter, &p)))
        return true;
    if (rc == HILO_OK)
        rc = format(h, &ev, tail_id(s->tail), &p, &e);
    if (rc != HILO_OK) {
        failed(h, tail_seq(s->tail), &e);
        stream__end(s);
        return false;
    }
    stream__put(s, buf_str(&h->block));
    h->stats.events++;
    if (s->kept)
        stream__keep(s, h->block.n);
    return true;
}

/* Those that are behind, in turns. true: somebody could go on. */
static bool turn_behind(struct streams *h)
{
    unsigned budget = BEHIND_EVENTS;
    struct stream *s, *next, *last = TAILQ_LAST(&h->all, stream_list);
    bool more = false, end = false;

    for (s = TAILQ_FIRST(&h->all); s && !end && h->n_behind; s = next) {
        next = TAILQ_NEXT(s, all);
        end = s == last;
        if (!s->tail)
            continue;
        if (budget == 0) {
            more = true;
            break;
        }
        unsigned share = budget < 64 ? budget : 64;
        bool on = true;
        for (; share > 0 && on; share--, budget--)
            on = step(s);
        more |= on;
        TAILQ_REMOVE(&h->all, s, all); /* the others come first next time */
        TAILQ_INSERT_TAIL(&h->all, s, all);
    }
    return more;
}

void streams_turn(struct streams *h)
{
    bool more = false;

    if (TAILQ_EMPTY(&h->all))
        return;
    if (h->live && tail_ahead(h->live))
        more |= turn_live(h);
    if (h->n_behind)
        more |= turn_behind(h);
    /* The rest in a turn of its own, after whatever else is ready. */
    if (more)
        loop_timer_at(h->more, clock_mono_us());
}

/* ---- all of them ------------------------------------------------------------------------ */

static void streams__more(void *arg)
{
    (void)arg; /* the turn does it */
}

static void cut(struct stream *s)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(s->conn, MHD_CONNECTION_INFO_CONNECTION_FD);

    s->hub->stats.slow++;
    if (info)
        (void)shutdown(info->connect_fd, SHUT_RDWR);
}

/* A sign of life for whoever is told nothing, and an end for whoever takes nothing. */
static void streams__beat(void *arg)
{
    struct streams *h = arg;
    struct stream *s;
    int64_t now = clock_mono_us();

    TAILQ_FOREACH(s, &h->all, all)
    {
        if (waiting(s) == 0) {
            stream__put(s, STR(":\n\n"));
        } else if (s->kept) {
            s->due_us = now; /* it is ours to go on */
        } else if (s->taken >= s->due) {
            s->due = s->put;
            s->due_us = now;
        } else if (now - s->due_us > h->api->opt.idle_timeout_us) {
            cut(s);
            s->due_us = now;
        }
    }
    if (!TAILQ_EMPTY(&h->all))
        loop_timer_at(h->beat, now + h->beat_us);
}

struct streams *streams_new(struct api *api)
{
    struct streams *h = calloc(1, sizeof *h);

    if (!h)
        check_nomem();
    h->api = api;
    TAILQ_INIT(&h->all);
    h->arena = arena_new();
    h->beat = loop_timer_new(api->gw->loop, streams__beat, h);
    h->more = loop_timer_new(api->gw->loop, streams__more, h);
    h->beat_us = api->opt.idle_timeout_us / 2 < BEAT_US ? api->opt.idle_timeout_us / 2 : BEAT_US;
    return h;
}

void streams_quiesce(struct streams *h)
{
    struct stream *s;

    h->quiesced = true;
    TAILQ_FOREACH(s, &h->all, all)
    stream__end(s);
}

void streams_free(struct streams **hp)
{
    struct streams *h = *hp;

    if (!h)
        return;
    CHECK(TAILQ_EMPTY(&h->all) && h->places == 0);
    tail_free(&h->live);
    loop_timer_free(&h->beat);
    loop_timer_free(&h->more);
    arena_free(&h->arena);
    buf_done(&h->block);
    free(h);
    *hp = NULL;
}

void streams_key_gone(struct streams *h, struct hilo_id key)
{
    struct stream *s;

    TAILQ_FOREACH(s, &h->all, all)
    if (id_eq(s->opt.key, key))
        stream__end(s);
}

void streams_stats(const struct streams *h, struct streams_stats *out)
{
    *out = h->stats;
}
