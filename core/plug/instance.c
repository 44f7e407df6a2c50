/*
 * The life of an instance on its thread, and the frames that it gets (instance.h).
 *
 * The thread sleeps in its loop; a turn is: what is ready runs, then what the plugin has
 * put is shown to the core in one go. So a batch of anything costs one wake-up.
 *
 *   OPENING -> RUNNING -> DRAINING -> CLOSED, or OPENING -> CLOSED when open() or start()
 *   fails (which by contract leave nothing behind: close() is not called then).
 *
 * Invariants: the plugin is called only from here, one callback at a time, and never
 * after close(). ENDED is the last frame; the thread ends once it is in the ring.
 */
#include "plug/instance.h"
#include "base/check.h"
#include "base/clock.h"
#include "plug/instance_impl.h"
#include "plug/options.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *instance_callback_name(uint32_t which)
{
    static const char *const names[] = {
#define X(upper, lower) #lower,
        CALLBACKS(X)
#undef X
    };
    return which < CALLBACK__END ? names[which] : "unknown";
}

struct frame instance_frame(uint16_t type, uint64_t token)
{
    return (struct frame){.type = type, .token = token, .fd = -1};
}

void instance_must(struct hilo_self *s, const struct frame *f)
{
    /* Its fields are small (ledger.c cuts them), so neither too large nor in need of a file. */
    CHECK(link_put(s->o.link, f) == HILO_OK);
}

/* ---- timing --------------------------------------------------------------------------------- */

void instance_enter(struct hilo_self *s, enum instance_callback which)
{
    CHECK(!s->inside);
    s->inside = true;
    atomic_store_explicit(&s->o.shared->busy_in, (uint32_t)which, memory_order_relaxed);
    atomic_store_explicit(&s->o.shared->busy_since_us, clock_mono_us(), memory_order_release);
}

void instance_leave(struct hilo_self *s, enum instance_callback which)
{
    int64_t began = atomic_load_explicit(&s->o.shared->busy_since_us, memory_order_relaxed);
    int64_t took = clock_mono_us() - began;

    atomic_store_explicit(&s->o.shared->busy_since_us, 0, memory_order_release);
    s->inside = false;
    if (took > INSTANCE_STALL_US) {
        atomic_fetch_add_explicit(&s->o.shared->stalls, 1, memory_order_relaxed);
        log_event(s->o.log, HILO_LOG_WARN, "plugin.stall", "channel=%s callback=%s ms=%lld", s->o.name,
                  instance_callback_name((uint32_t)which), (long long)(took / 1000));
    }
}

/* ---- frames to callbacks ----------------------------------------------------------------------- */

static void answered(struct hilo_self *s)
{
    if (s->asked > 0)
        s->asked--;
}

static void do_fetch(struct hilo_self *s, const struct frame *f)
{
    if (ledger_job_has(s, f->token)) {
        log_event(s->o.log, HILO_LOG_ERROR, "plugin.fetch_twice", "channel=%s job=%llu", s->o.name,
                  (unsigned long long)f->token);
        if (f->fd >= 0)
            close(f->fd);
        return;
    }
    ledger_job_add(s, f->token);
    instance_enter(s, CALLBACK_FETCH);
    s->o.desc->fetch(s->inst, f->token, f->message, f->key, f->fd);
    instance_leave(s, CALLBACK_FETCH);
}

static void do_media(struct hilo_self *s, const struct frame *f)
{
    answered(s);
    instance_enter(s, CALLBACK_MEDIA);
    s->o.desc->on_media(s->inst, f->token, f->code, f->fd, f->mime, f->filename, f->size);
    instance_leave(s, CALLBACK_MEDIA);
}

static void do_file(struct hilo_self *s, const struct frame *f)
{
    answered(s);
    instance_enter(s, CALLBACK_FILE);
    s->o.desc->on_file(s->inst, f->token, f->code, f->fd, f->size);
    instance_leave(s, CALLBACK_FILE);
}

static void do_files(struct hilo_self *s, const struct frame *f)
{
    struct hilo_str rest = f->body, *names = NULL;
    uint64_t n = 0, lines = 0;

    for (uint64_t i = 0; i < f->body.n; i++)
        lines += f->body.p[i] == '\n';
    if (lines) {
        names = calloc((size_t)lines, sizeof *names);
        if (!names)
            check_nomem();
    }
    while (n < lines && str_cut(rest, '\n', &names[n], &rest))
        n++;
    answered(s);
    instance_enter(s, CALLBACK_FILES);
    s->o.desc->on_files(s->inst, f->token, f->code, names, n);
    instance_leave(s, CALLBACK_FILES);
    free(names);
}

static void do_request(struct hilo_self *s, const struct frame *f)
{
    struct hilo_http h = frame_http(f);

    ledger_request_add(s, f->token);
    instance_enter(s, CALLBACK_REQUEST);
    s->o.desc->on_request(s->inst, f->token, &h);
    instance_leave(s, CALLBACK_REQUEST);
}

static void do_api_answer(struct hilo_self *s, const struct frame *f)
{
    struct hilo_http h = frame_http(f);

    s->apis -= s->apis > 0;
    instance_enter(s, CALLBACK_HTTP);
    s->o.desc->on_http(s->inst, f->token, f->code, &h);
    instance_leave(s, CALLBACK_HTTP);
}

static void do_event(struct hilo_self *s, const struct frame *f)
{
    if (f->token != s->follow) /* it follows something else by now */
        return;
    instance_enter(s, CALLBACK_EVENT);
    s->o.desc->on_event(s->inst, f->key, f->body);
    instance_leave(s, CALLBACK_EVENT);
    s->followed += f->token == s->follow; /* unless it said so just now */
}

static void do_drain(struct hilo_self *s, int64_t at)
{
    if (s->phase == INSTANCE_RUNNING) {
        s->phase = INSTANCE_DRAINING;
        ledger_give_back(s);
        if (s->o.desc->drain) {
            instance_enter(s, CALLBACK_DRAIN);
            s->o.desc->drain(s->inst, at);
            instance_leave(s, CALLBACK_DRAIN);
        }
    }
    loop_timer_at(s->deadline, at > 0 ? at : 1);
}

/* The plugin uses the options before until it has taken the new ones. */
static void do_reconfigure(struct hilo_self *s, const struct frame *f)
{
    struct frame answer = instance_frame(FRAME_RECONFIGURED, 0);
    void *conf = options_unpack(s->o.desc, f->val);

    answer.code = conf ? HILO_NOSUP : HILO_BUG;
    if (conf && s->phase == INSTANCE_RUNNING && s->o.desc->reconfigure) {
        instance_enter(s, CALLBACK_RECONFIGURE);
        answer.code = s->o.desc->reconfigure(s->inst, conf);
        instance_leave(s, CALLBACK_RECONFIGURE);
    }
    if (answer.code == HILO_OK) {
        free(s->conf);
        s->conf = conf;
    } else {
        free(conf);
    }
    instance_must(s, &answer);
}

static bool on_frame(void *arg, const struct frame *f)
{
    struct hilo_self *s = arg;
    const struct hilo_plugin *d = s->o.desc;

    if (s->phase == INSTANCE_CLOSED) { /* comes too late for anybody */
        if (f->fd >= 0)
            close(f->fd);
        return true;
    }
    switch (f->type) {
    case FRAME_SEND:
        ledger_send(s, f);
        break;
    case FRAME_REVOKE:
        ledger_revoke(s, f->id);
        break;
    case FRAME_COMMITTED:
        answered(s);
        instance_enter(s, CALLBACK_COMMITTED);
        d->committed(s->inst, f->token, f->code);
        instance_leave(s, CALLBACK_COMMITTED);
        break;
    case FRAME_CONTEXT:
        answered(s);
        instance_enter(s, CALLBACK_CONTEXT);
        d->on_context(s->inst, f->token, f->code, f->val, f->version);
        instance_leave(s, CALLBACK_CONTEXT);
        break;
    case FRAME_REQUEST:
        do_request(s, f);
        break;
    case FRAME_MEDIA:
        do_media(s, f);
        break;
    case FRAME_API_ANSWER:
        do_api_answer(s, f);
        break;
    case FRAME_FILE:
        do_file(s, f);
        break;
    case FRAME_FILES:
        do_files(s, f);
        break;
    case FRAME_EVENT:
        do_event(s, f);
        break;
    case FRAME_FETCH:
        do_fetch(s, f);
        break;
    case FRAME_DRAIN:
        do_drain(s, (int64_t)f->at);
        break;
    case FRAME_RECONFIGURE:
        do_reconfigure(s, f);
        break;
    case FRAME_PING: {
        struct frame pong = instance_frame(FRAME_PONG, f->token);
        instance_must(s, &pong);
        break;
    }
    case FRAME_SETUP: /* serve.c took it; another changes nothing */
        break;
    default:
        CHECK(frame_direction(f->type) != FRAME_DOWN); /* frame_decode lets nothing else through */
    }
    return true;
}

/* ---- the turn ------------------------------------------------------------------------------------ */

static void do_close(struct hilo_self *s)
{
    if (s->phase == INSTANCE_CLOSED)
        return;
    instance_enter(s, CALLBACK_CLOSE);
    s->o.desc->close(s->inst);
    instance_leave(s, CALLBACK_CLOSE);
    s->phase = INSTANCE_CLOSED;
    ledger_settle(s);
}

static void on_link(void *arg, int fd, unsigned events)
{
    struct hilo_self *s = arg;

    (void)fd;
    (void)events;
    if (link_turn(s->o.link, on_frame, s) < 0) {
        if (link_gone(s->o.link)) /* killed, perhaps: no fault of this side's */
            log_event(s->o.log, HILO_LOG_INFO, "plugin.link", "channel=%s what=\"the gateway has ended\"",
                      s->o.name);
        else
            log_event(s->o.log, HILO_LOG_ERROR, "plugin.link",
                      "channel=%s what=\"the core's frames are malformed\"", s->o.name);
        loop_fd_free(&s->link_fd);
        s->state_code = HILO_BUG;
        do_close(s);
    }
}

static void call_woken(struct hilo_self *s)
{
    if (!s->o.desc->woken)
        return;
    instance_enter(s, CALLBACK_WOKEN);
    s->o.desc->woken(s->inst);
    instance_leave(s, CALLBACK_WOKEN);
}

static void on_wake(void *arg)
{
    call_woken(arg);
}

static void on_deadline(void *arg)
{
    do_close(arg);
}

/* Says once that there is room again, for whatever reason there was none. */
static void give_room(struct hilo_self *s)
{
    bool room = false;

    if (link_room(s->o.link) && s->want_link) {
        s->want_link = false;
        room = true;
    }
    if (s->want_asked && s->asked <= INSTANCE_ASKED_MAX / 2) {
        s->want_asked = false;
        room = true;
    }
    if (s->want_api && s->apis <= HILO_API_MAX / 2) {
        s->want_api = false;
        room = true;
    }
    if (s->want_http && httpc_in_flight(s->httpc) <= HTTPC_IN_FLIGHT_MAX / 2) {
        s->want_http = false;
        room = true;
    }
    if (room)
        call_woken(s);
}

static void show(struct hilo_self *s)
{
    struct frame f;

    if (s->credit_up && s->phase == INSTANCE_RUNNING) {
        f = instance_frame(FRAME_CREDIT, 0);
        f.count = s->credit_up;
        s->credit_up = 0;
        instance_must(s, &f);
    }
    if (s->followed && s->phase == INSTANCE_RUNNING) {
        f = instance_frame(FRAME_FOLLOWED, s->follow);
        f.count = s->followed;
        s->followed = 0;
        instance_must(s, &f);
    }
    if (s->state_due && s->phase != INSTANCE_CLOSED) {
        f = instance_frame(FRAME_STATE, 0);
        f.code = s->state_code;
        f.detail = str(s->state_text);
        s->state_due = false;
        instance_must(s, &f);
    }
    atomic_store_explicit(&s->o.shared->loop_wakeups, loop_wakeups(s->loop), memory_order_relaxed);
    atomic_store_explicit(&s->o.shared->http_requests, httpc_requests(s->httpc), memory_order_relaxed);
    atomic_store_explicit(&s->o.shared->http_connections, httpc_connections(s->httpc), memory_order_relaxed);
    link_publish(s->o.link);
    atomic_store_explicit(&s->o.shared->wakes, link_wakes(s->o.link), memory_order_relaxed);
}

/* ---- the life -------------------------------------------------------------------------------------- */

/* HILO_OK, or why the plugin does not run. */
static int32_t open_and_start(struct hilo_self *s)
{
    const struct hilo_plugin *d = s->o.desc;
    struct frame f = instance_frame(FRAME_STARTED, 0);
    int32_t code;

    instance_enter(s, CALLBACK_OPEN);
    code = d->open(&s->host, s, s->o.conf, &s->inst);
    instance_leave(s, CALLBACK_OPEN);
    if (code == HILO_OK && d->start) {
        instance_enter(s, CALLBACK_START);
        code = d->start(s->inst);
        instance_leave(s, CALLBACK_START);
    }
    if (code == HILO_OK) {
        s->phase = INSTANCE_RUNNING;
        if (s->state_due && s->state_code == HILO_OK) { /* one state, not two */
            f.detail = str(s->state_text);
            s->state_due = false;
        }
        instance_must(s, &f);
    } else {
        s->phase = INSTANCE_CLOSED;
    }
    return code;
}

static void ended(const struct instance_options *o, int32_t code, const char *text)
{
    struct frame f = instance_frame(FRAME_ENDED, 0);

    f.code = code;
    f.detail = str(text);
    CHECK(link_put(o->link, &f) == HILO_OK);
    link_publish(o->link);
}

/* The ring may be full: waits until the core has taken so much that the rest is in it. */
static void wait_shown(struct hilo_self *s)
{
    while (!link_flushed(s->o.link) && !atomic_load(&s->o.shared->abandoned) && s->link_fd) {
        loop_run(s->loop, true);
        link_publish(s->o.link);
    }
}

static int32_t set_up(struct hilo_self *s, struct err *e)
{
    int32_t code = loop_new(e, &s->loop);

    if (code != HILO_OK)
        return code;
    code = loop_fd_new(s->loop, link_fd(s->o.link), LOOP_READ, on_link, s, &s->link_fd);
    if (code == HILO_OK)
        code = loop_wake_new(s->loop, on_wake, s, &s->wake);
    if (code != HILO_OK)
        return err_set(e, code, "cannot watch the link; raise the limit of open files");
    s->deadline = loop_timer_new(s->loop, on_deadline, s);
    return httpc_new(s->loop, services_http_done, s, e, &s->httpc);
}

static void tear_down(struct hilo_self *s)
{
    services_done(s);
    httpc_free(&s->httpc);
    loop_timer_free(&s->deadline);
    loop_wake_free(&s->wake);
}

void instance_run(const struct instance_options *o)
{
    struct hilo_self self = {.magic = INSTANCE_MAGIC, .phase = INSTANCE_OPENING, .o = *o}, *s = &self;
    struct err e = {0};
    int32_t code;

    s->thread = pthread_self();
    services_fill(&s->host);
    code = set_up(s, &e);
    if (code != HILO_OK) {
        s->phase = INSTANCE_CLOSED;
        snprintf(s->state_text, sizeof s->state_text, "%.*s", INSTANCE_TEXT_MAX - 1, e.text);
        code = HILO_TEMP;
    } else {
        code = open_and_start(s);
    }
    if (code == HILO_OK) {
        show(s);
        while (s->phase != INSTANCE_CLOSED) {
            loop_run(s->loop, true);
            if (s->phase != INSTANCE_CLOSED)
                give_room(s);
            if (s->phase == INSTANCE_DRAINING && ledger_quiet(s) && s->apis == 0 &&
                httpc_in_flight(s->httpc) == 0)
                do_close(s);
            show(s);
        }
        code = s->state_code == HILO_BUG ? HILO_BUG : HILO_OK;
    }
    ledger_settle(s); /* of an open() that failed after it was promised something: nothing, or a breach */
    tear_down(s);
    ended(o, code, s->state_text);
    if (s->loop) {
        wait_shown(s);
        loop_fd_free(&s->link_fd);
        loop_free(&s->loop);
    }
    free(s->conf);
    s->magic = 0;
}
