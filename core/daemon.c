/*
 * The running gateway. One thread, the core's loop, decides and commits; each channel
 * has a thread of its own, LMDB's flusher, the segment preparer and the finisher of
 * downloads have one each.
 *
 * A turn: poll without waiting until nothing more is ready (gather), claim what may
 * leave, commit once, and only then tell anybody: plugins get their sends and answers,
 * HTTP clients their responses. There are no timers in it: the busier, the larger.
 */
#include "daemon.h"
#include "api/api.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "fleet.h"
#include "notify.h"
#include "reload.h"
#include "services/callbacks.h"
#include "services/delivery.h"
#include "services/files.h"
#include "services/follow.h"
#include "services/hosting.h"
#include "services/outbox.h"
#include "services/stock.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

enum { GATHER_MAX = 512, DESCRIPTORS_SPARE = 256 };

struct daemon {
    struct reload reload; /* the configuration in use */
    struct gateway gw;
    struct fleet *fleet;
    struct hosting hosting;
    struct plug_up up;
    struct delivery *delivery;
    struct api *api;
    struct loop_timer *tick;
    struct loop_wake *flushed;
    struct loop_signal *signals;
    struct notify *notify;
    struct loop_timer *watchdog; /* NULL: nobody watches */
    bool watchdog_due, status_due;
    bool ending;
};

/* ---- start ---- */

static void on_flushed(void *arg) /* [any] */
{
    struct daemon *d = arg;

    loop_wake_give(d->flushed);
}

static void on_tick(void *arg)
{
    (void)arg; /* the turn does it */
}

/* config_reload_fn, with the service manager told. */
static void reload(void *arg, struct arena *arena, struct config_report *out)
{
    struct daemon *d = arg;

    notify_say(d->notify, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono_us());
    reload_run(&d->reload, arena, out);
    notify_say(d->notify, "READY=1");
    d->status_due = true;
}

static void on_hangup(struct daemon *d)
{
    struct arena *arena = arena_new();
    struct config_report report; /* the log has it */

    reload(d, arena, &report);
    arena_free(&arena);
}

/* Between two turns a commit may hang; so the turn itself says that it goes on. */
static void on_watchdog(void *arg)
{
    ((struct daemon *)arg)->watchdog_due = true;
}

static void on_signal(void *arg, int signo)
{
    struct daemon *d = arg;

    if (signo == SIGHUP) {
        if (!d->ending)
            on_hangup(d);
        return;
    }
    if (d->ending) {
        log_event(d->gw.log, HILO_LOG_WARN, "gateway.stop", "signal=%d note=\"told twice, not waiting\"",
                  signo);
        _exit(1);
    }
    d->ending = true;
    log_event(d->gw.log, HILO_LOG_INFO, "gateway.stopping", "signal=%d", signo);
    notify_say(d->notify, "STOPPING=1\nSTATUS=Stopping: channels finish what they have out");
    api_quiesce(d->api);
    fleet_drain(d->fleet);
    outbox_drain(d->gw.outbox);
}

static void hook_answer(void *arg, struct gw_channel *c, uint64_t request, const struct hilo_http *answer)
{
    struct daemon *d = arg;

    if (d->api)
        api_hook_answer(d->api, c, request, answer);
}

static void hook_gone(void *arg, struct gw_channel *c)
{
    struct daemon *d = arg;

    if (!d->api)
        return;
    api_hook_gone(d->api, c);
    api_inner_gone(d->api, c);
}

static void asked(void *arg, struct gw_channel *c, uint64_t token, const struct hilo_http *request)
{
    api_inner(((struct daemon *)arg)->api, c, token, request);
}

static void channel_stands(void *arg, struct gw_channel *c, enum channel_state state)
{
    struct daemon *d = arg;

    d->status_due = true;
    if (state == CHANNEL_CLOSED)
        fleet_closed(d->fleet, c);
}

static void channel_reconfigured(void *arg, struct gw_channel *c, int32_t code)
{
    fleet_reconfigured(((struct daemon *)arg)->fleet, c, code);
}

/* The secret of signed links is made once, and kept in the store. */
static int32_t link_secret(struct gateway *gw, struct err *e)
{
    struct hilo_str val;
    static const char name[] = "link";
    int32_t rc = store_get(gw->store, TABLE_META, str_n(name, sizeof name), gw->arena, &val, e);

    if (rc == HILO_OK && val.n == sizeof gw->link_secret) {
        memcpy(gw->link_secret, val.p, sizeof gw->link_secret);
        return HILO_OK;
    }
    if (rc != HILO_NOTFOUND)
        return rc == HILO_OK ? err_set(e, HILO_CORRUPT, "the secret of signed links has a wrong length") : rc;
    CHECK(getrandom(gw->link_secret, sizeof gw->link_secret, 0) == (ssize_t)sizeof gw->link_secret);
    const struct ev_secret_created ev = {.name = STR("link"),
                                         .value = str_n(gw->link_secret, sizeof gw->link_secret)};
    store_begin(gw->store);
    rc = store_append(gw->store, &ev_desc_secret_created, &ev, &actor_core, clock_wall_us(), NULL, e);
    store_end(gw->store);
    return rc == HILO_OK ? store_commit(gw->store, e) : rc;
}

static int32_t open_store(struct daemon *d, struct err *e)
{
    const struct settings *s = &d->reload.boot.settings;
    const struct store_options so = {.dir = s->gateway.data_dir.p,
                                     .segment_bytes = (uint64_t)s->store.segment_bytes,
                                     .map_bytes = (uint64_t)s->store.map_bytes,
                                     .log = d->gw.log,
                                     .flushed = on_flushed,
                                     .arg = d};
    int32_t rc = loop_wake_new(d->gw.loop, on_tick, d, &d->flushed);

    if (rc != HILO_OK)
        return err_set(e, rc, "no wake-up descriptor");
    rc = store_open(&so, e, &d->gw.store);
    if (rc != HILO_OK)
        return rc;
    const struct media_options mo = {.dir = store_media_dir(d->gw.store),
                                     .max_bytes = (uint64_t)s->store.media_max_bytes,
                                     .log = d->gw.log};
    return media_store_open(&mo, e, &d->gw.media);
}

static int32_t start_api(struct daemon *d, struct err *e)
{
    const struct settings *s = &d->reload.boot.settings;
    const struct api_options ao = {.gateway = &d->gw,
                                   .listen = s->http.listen,
                                   .control = s->http.control,
                                   .body_max_bytes = s->http.body_max_bytes,
                                   .hook_max_bytes = s->http.hook_max_bytes,
                                   .connections_max = s->http.connections_max,
                                   .connections_per_ip_max = s->http.connections_per_ip_max,
                                   .idle_timeout_us = s->http.idle_timeout_us,
                                   .streams_max = s->http.streams_max,
                                   .metrics_public = s->http.metrics_public != 0,
                                   .reload = reload,
                                   .reload_arg = d};
    int32_t rc = api_new(&ao, e, &d->api);

    d->reload.api = d->api;
    return rc;
}

static void tested(void *arg, uint64_t token, int32_t outcome, uint32_t status, const char *words, int64_t us)
{
    struct daemon *d = arg;

    if (d->api)
        api_webhook_tested(d->api, token, outcome, status, words, us);
}

static int32_t start_outbox(struct daemon *d, struct err *e)
{
    const struct settings_webhooks *s = &d->reload.boot.settings.webhooks;
    const struct outbox_options o = {.gw = &d->gw,
                                     .timeout_us = s->timeout_us,
                                     .connections = (uint32_t)s->connections,
                                     .ca_file = s->ca_file.n ? s->ca_file.p : NULL,
                                     .tested = tested,
                                     .arg = d};

    return outbox_new(&o, e, &d->gw.outbox);
}

static int32_t start_signals(struct daemon *d, struct err *e)
{
    static const int signos[] = {SIGTERM, SIGINT, SIGHUP};
    int32_t rc = loop_signal_new(d->gw.loop, signos, 3, on_signal, d, &d->signals);

    return rc == HILO_OK ? rc : err_set(e, rc, "no descriptor for signals");
}

/* Blocked before any thread is made, so that only the loop's descriptor gets them. */
static void block_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGPIPE);
    CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
}

/* A shell gives 1,024; each connection takes one, and so do segments and media. */
static void raise_descriptors(struct daemon *d)
{
    const uint64_t wanted = (uint64_t)d->reload.boot.settings.http.connections_max + DESCRIPTORS_SPARE;
    struct rlimit l;

    if (getrlimit(RLIMIT_NOFILE, &l) != 0)
        return;
    l.rlim_cur = l.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &l) != 0 || l.rlim_cur < wanted)
        log_event(d->gw.log, HILO_LOG_WARN, "gateway.descriptors",
                  "limit=%llu wanted=%" PRIu64
                  " note=\"fewer connections than http.connections will be taken; "
                  "raise the limit of open files\"",
                  (unsigned long long)l.rlim_cur, wanted);
}

/* ---- the turn ---- */

static void flush_channels(struct daemon *d)
{
    for (struct gw_channel *c = d->gw.channels; c; c = c->next)
        if (c->plug)
            channel_flush(c->plug);
}

static bool idle(const struct daemon *d)
{
    return store_seq(d->gw.store) == store_synced(d->gw.store) && !delivery_busy(d->delivery) &&
           api_waiting(d->api) == 0;
}

static void tell_status(struct daemon *d)
{
    unsigned n = 0, up = 0;

    d->status_due = false;
    if (d->ending || !notify_heard(d->notify))
        return;
    for (const struct gw_channel *c = d->gw.channels; c; c = c->next) {
        n++;
        up += c->plug && channel_state(c->plug, NULL) == CHANNEL_UP;
    }
    notify_say(d->notify, "STATUS=Serving: %u of %u channels up", up, n);
}

static void watchdog_pat(struct daemon *d)
{
    d->watchdog_due = false;
    notify_say(d->notify, "WATCHDOG=1");
    loop_timer_at(d->watchdog, clock_mono_us() + notify_watchdog_us(d->notify));
}

static int32_t end_turn(struct daemon *d, struct err *e)
{
    stock_turn(d->gw.stock);
    int32_t rc = delivery_claim(d->delivery, e);

    if (rc == HILO_OK)
        rc = callbacks_note(d->gw.callbacks, e);
    store_rest(d->gw.store);
    if (rc == HILO_OK && store_seq(d->gw.store) != store_synced(d->gw.store))
        rc = store_commit(d->gw.store, e);
    if (rc == HILO_OK)
        rc = store_failed(d->gw.store, e);
    if (rc == HILO_OK)
        rc = media_failed(d->gw.media, e);
    if (rc != HILO_OK)
        return rc;
    delivery_dispatch(d->delivery);
    api_answer(d->api);
    rc = callbacks_turn(d->gw.callbacks, e);
    if (rc != HILO_OK)
        return rc;
    follows_turn(d->gw.follows);
    flush_channels(d);
    int64_t next = store_tick(d->gw.store);
    if (next)
        loop_timer_at(d->tick, next);
    else
        loop_timer_cancel(d->tick);
    if (d->status_due)
        tell_status(d);
    if (d->watchdog_due)
        watchdog_pat(d);
    reload_turn(&d->reload);
    store_rest(d->gw.store);
    arena_reset(d->gw.arena);
    return HILO_OK;
}

static int32_t run_loop(struct daemon *d, struct err *e)
{
    int32_t rc = HILO_OK;

    store_hold(d->gw.store);
    while (rc == HILO_OK && !(d->ending && fleet_drained(d->fleet) && outbox_drained(d->gw.outbox))) {
        bool wait = idle(d);
        for (unsigned gathered = 0; gathered < GATHER_MAX; wait = false) {
            unsigned ran = loop_run(d->gw.loop, wait);
            if (ran == 0)
                break;
            gathered += ran;
        }
        rc = end_turn(d, e);
    }
    /* What was given back after the last commit would else be in doubt at the next start. */
    if (rc == HILO_OK && store_seq(d->gw.store) != store_synced(d->gw.store))
        rc = store_commit(d->gw.store, e);
    if (rc != HILO_OK)
        /* Nothing may be acknowledged any more; whoever waits gets no answer and asks
         * again. The journal has what was acknowledged. */
        log_event(d->gw.log, HILO_LOG_ERROR, "gateway.failed", "error=%s", LOG_VALUE(str(e->text)));
    if (rc != HILO_OK)
        notify_say(d->notify, "STATUS=Failed: see the log");
    return rc;
}

/* ---- all of it ---- */

static void say_ready(struct daemon *d, int fd)
{
    char line[32];
    int n = snprintf(line, sizeof line, "port=%u\n", (unsigned)api_port(d->api));

    if (notify_watchdog_us(d->notify)) {
        d->watchdog = loop_timer_new(d->gw.loop, on_watchdog, d);
        d->watchdog_due = true;
    }
    d->status_due = true;
    notify_say(d->notify, "READY=1");
    log_event(d->gw.log, HILO_LOG_INFO, "gateway.ready", "version=" HILO_VERSION " port=%u pid=%ld",
              (unsigned)api_port(d->api), (long)getpid());
    if (fd >= 0) {
        if (write(fd, line, (size_t)n) != n)
            log_event(d->gw.log, HILO_LOG_WARN, "gateway.ready",
                      "note=\"nobody reads the ready descriptor\"");
        (void)close(fd);
    }
}

/* The configuration, and what there is before the store: log, loop, channels. */
static int32_t configure(struct daemon *d, const char *config, struct err *e)
{
    struct reload *l = &d->reload;
    int32_t rc;

    d->gw.log = log_new(STDERR_FILENO, HILO_LOG_INFO);
    d->notify = notify_new(d->gw.log);
    d->gw.arena = arena_new();
    d->gw.config_file = config;
    d->gw.started_us = clock_wall_us();
    d->fleet = fleet_new(&d->gw, &d->up);
    l->gw = &d->gw;
    l->fleet = d->fleet;
    l->plugins = plugins_new(d->gw.log);
    l->now = &l->boot;
    rc = assembly_read(config, &l->boot, e);
    if (rc == HILO_OK)
        log_level_set(d->gw.log, (int32_t)l->boot.settings.log.level);
    if (l->boot.conf && l->boot.conf->root) /* after an error too: all that is wrong is said at once */
        rc = assembly_load(&l->boot, l->plugins, e);
    if (rc == HILO_INVALID)
        conf_print_errors(l->boot.conf, STDERR_FILENO);
    if (rc != HILO_OK)
        return rc;
    gateway_take(&d->gw, &l->boot);
    fleet_list(d->fleet, &l->boot);
    return loop_new(e, &d->gw.loop);
}

int32_t daemon_run(const struct daemon_options *o, struct err *e)
{
    struct daemon *d = calloc(1, sizeof *d);
    int32_t rc;

    if (!d)
        check_nomem();
    block_signals();
    d->hosting = (struct hosting){
        .gateway = &d->gw, .hooks = {d, hook_answer, hook_gone, channel_stands, channel_reconfigured, asked}};
    hosting_up(&d->hosting, &d->up);
    rc = configure(d, o->config, e);
    if (rc == HILO_OK) {
        raise_descriptors(d);
        rc = open_store(d, e);
    }
    if (rc == HILO_OK)
        rc = link_secret(&d->gw, e);
    if (rc == HILO_OK)
        rc = delivery_new(&d->gw, e, &d->delivery);
    if (rc == HILO_OK)
        rc = callbacks_new(&d->gw, e, &d->gw.callbacks);
    if (rc == HILO_OK)
        d->gw.follows = follows_new(&d->gw);
    if (rc == HILO_OK)
        rc = channel_files_new(&d->gw, d->reload.boot.settings.gateway.data_dir.p, e, &d->gw.files);
    if (rc == HILO_OK)
        d->gw.stock = stock_new(&d->gw);
    if (rc == HILO_OK)
        rc = start_outbox(d, e);
    if (rc == HILO_OK)
        rc = start_signals(d, e);
    if (rc == HILO_OK)
        rc = start_api(d, e);
    if (rc == HILO_OK) {
        d->tick = loop_timer_new(d->gw.loop, on_tick, d);
        rc = fleet_start(d->fleet, e);
        if (rc != HILO_OK) {
            /* Some run already, each on its thread: there is nothing to wait for, leave. */
            log_event(d->gw.log, HILO_LOG_ERROR, "gateway.failed", "error=%s", LOG_VALUE(str(e->text)));
            _exit(1);
        }
    }
    if (rc == HILO_OK) {
        say_ready(d, o->ready_fd);
        rc = run_loop(d, e);
        /* After a failed sync threads may still run and nothing may be written: leave. */
        if (rc != HILO_OK)
            _exit(1);
    }
    api_free(&d->api); /* its requests name channels */
    fleet_free(&d->fleet);
    outbox_free(&d->gw.outbox);
    follows_free(&d->gw.follows);
    channel_files_free(&d->gw.files);
    stock_free(&d->gw.stock);
    callbacks_free(&d->gw.callbacks);
    delivery_free(&d->delivery);
    store_close(&d->gw.store);
    media_store_close(&d->gw.media);
    loop_timer_free(&d->tick);
    loop_timer_free(&d->watchdog);
    loop_signal_free(&d->signals);
    loop_wake_free(&d->flushed);
    if (rc == HILO_OK)
        log_event(d->gw.log, HILO_LOG_INFO, "gateway.stopped", "pid=%ld", (long)getpid());
    loop_free(&d->gw.loop);
    plugins_free(&d->reload.plugins);
    reload_done(&d->reload);
    arena_free(&d->gw.arena);
    notify_free(&d->notify);
    log_free(&d->gw.log);
    free(d);
    return rc;
}
