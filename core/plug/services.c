/*
 * The host table: what a plugin may ask of the host (hilo/plugin.h, struct hilo_host).
 *
 * Each function checks that it is called from the instance's own thread while the plugin
 * is open; a plugin that breaks this is told HILO_BUG and logged, nothing happens.
 * A structure from the plugin is copied by its own size before it is read.
 *
 * Invariant: HILO_OK means the callback comes exactly once, so what is asked of the core
 * is counted (asked) and bounded.
 */
#include "base/check.h"
#include "base/clock.h"
#include "base/ids.h"
#include "plug/instance_impl.h"
#include <stdlib.h>
#include <uthash.h>

struct watch {
    int fd;
    struct hilo_self *self;
    struct loop_fd *w;
    UT_hash_handle hh;
};

struct timer {
    uint32_t id;
    struct hilo_self *self;
    struct loop_timer *t;
    UT_hash_handle hh;
};

/* ---- guards --------------------------------------------------------------------------------- */

static bool own(struct hilo_self *s, const char *what)
{
    CHECK(s && s->magic == INSTANCE_MAGIC);
    if (pthread_equal(pthread_self(), s->thread) && s->phase != INSTANCE_CLOSED)
        return true;
    log_event(s->o.log, HILO_LOG_ERROR, "plugin.breach",
              "channel=%s what=\"%s() was called from another thread or after close(); it is ignored\"",
              s->o.name, what);
    return false;
}

/* Adds a frame with the plugin's request; remembers who waits for room. */
static int32_t ask(struct hilo_self *s, const struct frame *f, bool counted)
{
    int32_t code;

    if (counted && s->asked >= INSTANCE_ASKED_MAX) {
        s->want_asked = true;
        return HILO_FULL;
    }
    code = link_put(s->o.link, f);
    if (code == HILO_FULL)
        s->want_link = true;
    if (code == HILO_OK && counted)
        s->asked++;
    return code;
}

/* ---- [any] ------------------------------------------------------------------------------------- */

static void host_log(struct hilo_self *s, int32_t level, struct hilo_str text)
{
    char quoted[1024];

    if (level < HILO_LOG_ERROR || level > HILO_LOG_DEBUG)
        level = HILO_LOG_INFO;
    log_event(s->o.log, level, "plugin.log", "channel=%s text=%s", s->o.name,
              log_quote(text, quoted, sizeof quoted));
}

static void host_wake(struct hilo_self *s)
{
    loop_wake_give(s->wake);
}

static int64_t host_mono_us(struct hilo_self *s)
{
    (void)s;
    return clock_mono_us();
}

static int64_t host_wall_us(struct hilo_self *s)
{
    (void)s;
    return clock_wall_us();
}

static struct hilo_str host_channel(struct hilo_self *s)
{
    return str(s->o.name);
}

/* ---- messages ------------------------------------------------------------------------------------ */

static int32_t host_submit(struct hilo_self *s, uint64_t token, struct hilo_str message)
{
    struct frame f = instance_frame(FRAME_SUBMIT, token);

    if (!own(s, "submit"))
        return HILO_BUG;
    if (!s->o.desc->committed)
        return HILO_NOSUP;
    if (message.n == 0 || message.n > HILO_MESSAGE_MAX)
        return HILO_INVALID;
    f.message = message;
    return ask(s, &f, true);
}

static void host_report(struct hilo_self *s, const struct hilo_report *r)
{
    if (own(s, "report"))
        ledger_report(s, r);
}

static void host_credit(struct hilo_self *s, uint32_t n)
{
    if (own(s, "credit"))
        ledger_credit(s, n);
}

static void host_state(struct hilo_self *s, int32_t code, struct hilo_str text)
{
    if (!own(s, "state"))
        return;
    if (text.n >= sizeof s->state_text)
        text = str_utf8_valid(text) ? str_utf8_head(text, sizeof s->state_text / 4 - 1)
                                    : str_n(text.p, sizeof s->state_text - 1);
    if (text.n)
        memcpy(s->state_text, text.p, (size_t)text.n);
    s->state_text[text.n] = '\0';
    s->state_code = code == HILO_OK || code == HILO_CONFIG ? code : HILO_DOWN;
    s->state_due = true;
}

/* ---- templates ------------------------------------------------------------------------------------ */

/* Always taken: a list that had to wait for room in its middle would be the plugin's to keep. */

static void host_template_begin(struct hilo_self *s)
{
    struct frame f = instance_frame(FRAME_TEMPLATE_BEGIN, 0);

    if (own(s, "template_begin"))
        instance_must(s, &f);
}

static int32_t host_template_put(struct hilo_self *s, struct hilo_str group)
{
    struct frame f = instance_frame(FRAME_TEMPLATE_PUT, 0);

    if (!own(s, "template_put"))
        return HILO_BUG;
    if (group.n == 0 || group.n > HILO_TEMPLATE_MAX)
        return HILO_INVALID;
    f.val = group;
    instance_must(s, &f);
    return HILO_OK;
}

static void host_template_end(struct hilo_self *s)
{
    struct frame f = instance_frame(FRAME_TEMPLATE_END, 0);

    if (own(s, "template_end"))
        instance_must(s, &f);
}

/* ---- the shared context, media -------------------------------------------------------------------- */

static int32_t host_context_get(struct hilo_self *s, uint64_t token, struct hilo_str subject,
                                struct hilo_str key)
{
    struct frame f = instance_frame(FRAME_CONTEXT_GET, token);

    if (!own(s, "context_get"))
        return HILO_BUG;
    if (!s->o.desc->on_context)
        return HILO_NOSUP;
    if (key.n == 0)
        return HILO_INVALID;
    f.subject = subject;
    f.key = key;
    return ask(s, &f, true);
}

static int32_t host_context_put(struct hilo_self *s, uint64_t token, struct hilo_str subject,
                                struct hilo_str key, struct hilo_str val, uint64_t if_version)
{
    struct frame f = instance_frame(FRAME_CONTEXT_PUT, token);

    if (!own(s, "context_put"))
        return HILO_BUG;
    if (!s->o.desc->on_context)
        return HILO_NOSUP;
    if (key.n == 0)
        return HILO_INVALID;
    f.subject = subject;
    f.key = key;
    f.val = val;
    f.version = if_version;
    return ask(s, &f, true);
}

static int32_t host_media_get(struct hilo_self *s, uint64_t token, struct hilo_id media)
{
    static const struct hilo_id none;
    struct frame f = instance_frame(FRAME_MEDIA_GET, token);

    if (!own(s, "media_get"))
        return HILO_BUG;
    if (!s->o.desc->on_media)
        return HILO_NOSUP;
    if (memcmp(&media, &none, sizeof none) == 0)
        return HILO_INVALID;
    f.id = media;
    return ask(s, &f, true);
}

static void host_fetched(struct hilo_self *s, uint64_t job, int32_t code, struct hilo_str mime,
                         struct hilo_str detail, int64_t retry_after_us)
{
    if (own(s, "fetched"))
        ledger_fetched(s, job, code, mime, detail, retry_after_us);
}

/* ---- files of the channel's own ------------------------------------------------------------------------ */

static int32_t host_file_open(struct hilo_self *s, uint64_t token, struct hilo_str name, uint32_t flags)
{
    struct frame f = instance_frame(FRAME_FILE_OPEN, token);

    if (!own(s, "file_open"))
        return HILO_BUG;
    if (!s->o.desc->on_file)
        return HILO_NOSUP;
    if (!str_file_name(name, HILO_FILE_NAME_MAX) || (flags & ~(uint32_t)HILO_FILE_CREATE))
        return HILO_INVALID;
    f.key = name;
    f.flags = flags;
    return ask(s, &f, true);
}

static int32_t host_file_remove(struct hilo_self *s, uint64_t token, struct hilo_str name)
{
    struct frame f = instance_frame(FRAME_FILE_REMOVE, token);

    if (!own(s, "file_remove"))
        return HILO_BUG;
    if (!s->o.desc->on_file)
        return HILO_NOSUP;
    if (!str_file_name(name, HILO_FILE_NAME_MAX))
        return HILO_INVALID;
    f.key = name;
    return ask(s, &f, true);
}

static int32_t host_file_list(struct hilo_self *s, uint64_t token)
{
    struct frame f = instance_frame(FRAME_FILE_LIST, token);

    if (!own(s, "file_list"))
        return HILO_BUG;
    if (!s->o.desc->on_files)
        return HILO_NOSUP;
    return ask(s, &f, true);
}

/* ---- HTTP -------------------------------------------------------------------------------------------- */

/* The plugin's structure in our size. */
static struct hilo_http http_ours(const struct hilo_http *h)
{
    struct hilo_http full = {0};

    memcpy(&full, h, h->size < sizeof full ? h->size : sizeof full);
    full.size = h->size < sizeof full ? h->size : (uint32_t)sizeof full;
    return full;
}

static int32_t host_http(struct hilo_self *s, uint64_t token, const struct hilo_http *h)
{
    struct hilo_http full;
    int32_t code;

    if (!own(s, "http"))
        return HILO_BUG;
    if (!s->o.desc->on_http)
        return HILO_NOSUP;
    full = http_ours(h);
    code = httpc_start(s->httpc, token, &full);
    if (code == HILO_FULL)
        s->want_http = true;
    return code;
}

/* The gateway's own: what it takes of the struct is in hilo/plugin.h. */
static int32_t host_api(struct hilo_self *s, uint64_t token, const struct hilo_http *h)
{
    struct frame f = instance_frame(FRAME_API, token);
    struct hilo_http full;
    int32_t code;

    if (!own(s, "api"))
        return HILO_BUG;
    if (!s->o.desc->on_http)
        return HILO_NOSUP;
    full = http_ours(h);
    if (full.method.n == 0 || full.url.n == 0)
        return HILO_INVALID;
    if (s->apis >= HILO_API_MAX) {
        s->want_api = true;
        return HILO_FULL;
    }
    full.status = full.flags = 0;
    frame_http_set(&f, &full);
    code = ask(s, &f, false);
    if (code == HILO_OK)
        s->apis++;
    return code;
}

void services_http_done(void *self, uint64_t token, int32_t code, const struct hilo_http *answer)
{
    struct hilo_self *s = self;

    instance_enter(s, CALLBACK_HTTP);
    s->o.desc->on_http(s->inst, token, code, answer);
    instance_leave(s, CALLBACK_HTTP);
}

static int32_t host_http_answer(struct hilo_self *s, uint64_t request, const struct hilo_http *h)
{
    struct frame f = instance_frame(FRAME_ANSWER, request);
    struct hilo_http full;
    int32_t code;

    if (!own(s, "http_answer"))
        return HILO_BUG;
    if (!ledger_request_has(s, request))
        return HILO_NOTFOUND;
    full = http_ours(h);
    if (full.size < offsetof(struct hilo_http, part) || full.status < 200 || full.status > 599)
        return HILO_INVALID;
    frame_http_set(&f, &full);
    code = ask(s, &f, false);
    if (code == HILO_OK)
        ledger_request_del(s, request);
    return code;
}

/* ---- events ------------------------------------------------------------------------------------------ */

static int32_t host_follow(struct hilo_self *s, struct hilo_str types, struct hilo_str after)
{
    struct frame f = instance_frame(FRAME_FOLLOW, 0);
    struct hilo_id id;

    if (!own(s, "follow"))
        return HILO_BUG;
    if (!s->o.desc->on_event)
        return HILO_NOSUP;
    if (types.n > FRAME_TYPES_MAX || (after.n && !id_parse("evt", after, &id)))
        return HILO_INVALID;
    f.token = ++s->follow;
    f.key = types;
    f.val = after;
    s->followed = 0;
    instance_must(s, &f);
    return HILO_OK;
}

/* ---- descriptors and timers ------------------------------------------------------------------------------
 */

static void on_watch(void *arg, int fd, unsigned events)
{
    struct watch *w = arg;
    struct hilo_self *s = w->self;

    instance_enter(s, CALLBACK_FD);
    s->o.desc->on_fd(s->inst, fd, events); /* may forget w */
    instance_leave(s, CALLBACK_FD);
}

static void watch_free(struct hilo_self *s, struct watch *w)
{
    HASH_DEL(s->watches, w);
    loop_fd_free(&w->w);
    free(w);
}

static int32_t host_watch(struct hilo_self *s, int32_t fd, uint32_t events)
{
    struct watch *w = NULL;
    int32_t code;

    if (!own(s, "watch"))
        return HILO_BUG;
    if (!s->o.desc->on_fd)
        return HILO_NOSUP;
    if (fd < 0 || (events & ~(uint32_t)(HILO_READ | HILO_WRITE)))
        return HILO_INVALID;
    HASH_FIND_INT(s->watches, &fd, w);
    if (events == 0) {
        if (w)
            watch_free(s, w);
        return HILO_OK;
    }
    if (w)
        return loop_fd_events(w->w, events);
    w = calloc(1, sizeof *w);
    if (!w)
        return HILO_NOMEM;
    w->fd = fd;
    w->self = s;
    code = loop_fd_new(s->loop, fd, events, on_watch, w, &w->w);
    if (code != HILO_OK) {
        free(w);
        return code;
    }
    HASH_ADD_INT(s->watches, fd, w);
    return HILO_OK;
}

static void timer_free(struct hilo_self *s, struct timer *t)
{
    HASH_DEL(s->timers, t);
    loop_timer_free(&t->t);
    free(t);
}

static void on_timer(void *arg)
{
    struct timer *t = arg;
    struct hilo_self *s = t->self;
    uint32_t id = t->id;

    timer_free(s, t); /* a plugin may use a new id each time: none is kept */
    instance_enter(s, CALLBACK_TIMER);
    s->o.desc->on_timer(s->inst, id);
    instance_leave(s, CALLBACK_TIMER);
}

static int32_t host_timer(struct hilo_self *s, uint32_t id, int64_t mono_us)
{
    struct timer *t = NULL;

    if (!own(s, "timer"))
        return HILO_BUG;
    if (!s->o.desc->on_timer)
        return HILO_NOSUP;
    HASH_FIND(hh, s->timers, &id, sizeof id, t);
    if (mono_us == 0) {
        if (t)
            timer_free(s, t);
        return HILO_OK;
    }
    if (!t) {
        t = calloc(1, sizeof *t);
        if (!t)
            return HILO_NOMEM;
        t->id = id;
        t->self = s;
        t->t = loop_timer_new(s->loop, on_timer, t);
        HASH_ADD(hh, s->timers, id, sizeof t->id, t);
    }
    loop_timer_at(t->t, mono_us);
    return HILO_OK;
}

static const void *host_query(struct hilo_self *s, const char *iface)
{
    (void)s;
    (void)iface;
    return NULL; /* version 1.0 has no optional tables */
}

/* ---- the table --------------------------------------------------------------------------------------------
 */

void services_fill(struct hilo_host *h)
{
    *h = (struct hilo_host){.size = sizeof *h,
                            .minor = HILO_PLUGIN_MINOR,
                            .log = host_log,
                            .wake = host_wake,
                            .mono_us = host_mono_us,
                            .wall_us = host_wall_us,
                            .channel = host_channel,
                            .submit = host_submit,
                            .report = host_report,
                            .credit = host_credit,
                            .watch = host_watch,
                            .timer = host_timer,
                            .context_get = host_context_get,
                            .context_put = host_context_put,
                            .http = host_http,
                            .http_answer = host_http_answer,
                            .media_get = host_media_get,
                            .fetched = host_fetched,
                            .state = host_state,
                            .query = host_query,
                            .template_begin = host_template_begin,
                            .template_put = host_template_put,
                            .template_end = host_template_end,
                            .api = host_api,
                            .follow = host_follow,
                            .file_open = host_file_open,
                            .file_remove = host_file_remove,
                            .file_list = host_file_list};
}

void services_done(struct hilo_self *s)
{
    struct watch *w, *next;
    struct timer *t, *after;

    HASH_ITER(hh, s->watches, w, next)
    {
        log_event(s->o.log, HILO_LOG_WARN, "plugin.breach",
                  "channel=%s fd=%d what=\"closed while it was watched\"", s->o.name, w->fd);
        watch_free(s, w);
    }
    HASH_ITER(hh, s->timers, t, after)
    timer_free(s, t);
}
