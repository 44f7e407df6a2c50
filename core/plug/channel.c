/*
 * The core's side of a channel (plug.h): its thread, its state, its frames.
 *
 * A run (run.h) is one life of the plugin's instance. When one ends by itself the channel
 * starts another after a delay.
 *
 * A worker's run is over when its process has been reaped, whatever came before: that it
 * said ENDED, that it was killed for what it did, or nothing. While it owes something
 * (a report, a download, an answer) it is pinged; idle it is left asleep.
 *
 * Invariants: at most one run at a time; up.state is called only from the loop, never
 * from within a function of plug.h; after CLOSED nothing of the channel is touched. What a
 * worker sends may be anything: nothing of it is added, indexed or waited for unchecked.
 *
 * Limits: a thread can't be killed. One that hangs is reported (DOWN) when the core next
 * wants something of it (so that an idle channel costs no timer), and given up 5 s after
 * the end of a drain. A worker that hangs is killed, when that is seen.
 */
#include "plug/plug.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/str.h"
#include "plug/options.h"
#include "plug/run.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    SECOND_US = 1000 * 1000,
    BACKOFF_MIN_S = 1,
    BACKOFF_MAX_S = 60,
    STEADY_S = 60, /* up for so long: the next delay is the shortest again */
    HUNG_S = 10,
    GIVE_UP_S = 5,
    OPEN_S = 30,      /* a worker's way to its start() */
    EXIT_S = 10,      /* from a worker's ENDED to its end */
    ANSWER_S = 30,    /* what a request may take (hilo/plugin.h); then it is owed no more */
    EVENTS_MAX = 32,  /* that the plugin has not dealt with: its ring is for more than them */
    LAST_TURNS = 128, /* of a dead worker's ring: more than it holds */
    NAME_MAX = 1024,  /* bytes of a plugin's key */
    RETRY_MAX_DAYS = 30,
    STATE_TEXT_MAX = 512
};

struct channel {
    struct channel_options o;
    char *name;
    enum channel_state state;
    char text[STATE_TEXT_MAX];
    struct run *run; /* NULL: none */
    struct link_end *link;
    struct loop_fd *link_fd;
    struct loop_timer *timer; /* a restart, a drain's end, a hang to be told */
    bool started, ended, draining, want_room;
    bool hung, hung_told, resumed;
    int32_t ended_code;
    int64_t up_since_us, give_up_us;
    int64_t backoff_s;
    struct channel_stats past; /* of runs that are over */
    const char *bad;           /* what a frame said that no plugin can say; NULL: nothing */
    uint64_t credit;           /* that the core has from it */
    unsigned reconfigures;     /* not answered yet */
    unsigned apis;             /* requests to the api, likewise */
    unsigned files;            /* questions for files, likewise */
    uint64_t follow;           /* token of what it follows; 0: nothing */
    uint64_t events;           /* of it, not dealt with yet */
    bool want_events;          /* one was held back for that */
    /* a worker */
    struct worker_options worker;
    char *worker_path;
    struct loop_timer *pulse;
    bool killed;
    char why[STATE_TEXT_MAX]; /* it was killed */
    uint64_t sends, jobs;     /* that it owes */
    int64_t asked_us;         /* the last request; 0: none */
    uint64_t pings;
    int64_t ping_us; /* one is out since; 0: none */
};

const char *channel_state_name(enum channel_state s)
{
    static const char *const names[] = {"none", "starting", "up", "down", "stopped", "draining", "closed"};
    return s <= CHANNEL_CLOSED ? names[s] : "unknown";
}

static void set_state(struct channel *ch, enum channel_state state, struct hilo_str text)
{
    char copy[STATE_TEXT_MAX], quoted[STATE_TEXT_MAX];

    if (text.n >= sizeof copy)
        text.n = sizeof copy - 1;
    memmove(copy, text.p ? text.p : "", (size_t)text.n);
    copy[text.n] = '\0';
    memcpy(ch->text, copy, sizeof copy);
    ch->state = state;
    log_event(ch->o.log, state == CHANNEL_DOWN || state == CHANNEL_STOPPED ? HILO_LOG_WARN : HILO_LOG_INFO,
              "channel.state", "channel=%s state=%s text=%s", ch->name, channel_state_name(state),
              log_quote(str(ch->text), quoted, sizeof quoted));
    ch->o.up->state(ch->o.up->arg, ch, state, str(ch->text));
}

/* ---- a run -------------------------------------------------------------------------------- */

static void on_link(void *arg, int fd, unsigned events);
static void on_died(void *arg, int signal, int status);

static int32_t start(struct channel *ch, struct err *e)
{
    const struct run_options o = {.name = ch->name,
                                  .plugin = ch->o.plugin,
                                  .conf = ch->o.conf,
                                  .log = ch->o.log,
                                  .worker = ch->o.worker,
                                  .loop = ch->o.loop,
                                  .died = on_died,
                                  .arg = ch};
    int32_t code = run_new(&o, e, &ch->run);

    if (code != HILO_OK)
        return code;
    ch->link = run_link(ch->run);
    ch->started = ch->ended = ch->hung = ch->hung_told = ch->want_room = false;
    ch->killed = false;
    ch->bad = NULL;
    ch->credit = ch->sends = ch->jobs = 0;
    ch->reconfigures = ch->apis = ch->files = 0;
    ch->follow = ch->events = 0;
    ch->want_events = false;
    ch->asked_us = ch->ping_us = 0;
    code = loop_fd_new(ch->o.loop, link_fd(ch->link), LOOP_READ, on_link, ch, &ch->link_fd);
    if (code == HILO_OK && ch->pulse) {
        ch->ping_us = clock_mono_us(); /* STARTED answers it */
        loop_timer_at(ch->pulse, ch->ping_us + (int64_t)OPEN_S * SECOND_US);
        log_event(ch->o.log, HILO_LOG_INFO, "worker.started", "channel=%s pid=%ld", ch->name,
                  (long)run_pid(ch->run));
    }
    if (code == HILO_OK)
        return HILO_OK;
    run_give_up(&ch->run, &ch->past);
    ch->link = NULL;
    return err_set(e, code, "cannot watch the link of channel %s; raise the limit of open files", ch->name);
}

/* Lets go of the run: its thread has ended, or it is given up. */
static void stop(struct channel *ch, bool ended)
{
    loop_fd_free(&ch->link_fd);
    ch->link = NULL;
    if (ch->pulse)
        loop_timer_cancel(ch->pulse);
    if (ended)
        run_join(&ch->run, &ch->past);
    else
        run_give_up(&ch->run, &ch->past);
}

/* ---- ends and restarts ------------------------------------------------------------------------ */

static void again_later(struct channel *ch, const char *why)
{
    char text[STATE_TEXT_MAX];

    if (ch->up_since_us && clock_mono_us() - ch->up_since_us >= (int64_t)STEADY_S * SECOND_US)
        ch->backoff_s = BACKOFF_MIN_S;
    ch->up_since_us = 0;
    snprintf(text, sizeof text, "%.400s; tried again in %lld s", why, (long long)ch->backoff_s);
    loop_timer_at(ch->timer, clock_mono_us() + ch->backoff_s * SECOND_US);
    ch->backoff_s = ch->backoff_s * 2 > BACKOFF_MAX_S ? BACKOFF_MAX_S : ch->backoff_s * 2;
    set_state(ch, CHANNEL_DOWN, str(text));
}

static void run_over(struct channel *ch)
{
    char why[STATE_TEXT_MAX];
    int32_t code = ch->ended_code;

    snprintf(why, sizeof why, "%s%s%.400s", code == HILO_OK ? "it ended" : err_name(code),
             ch->text[0] ? ": " : "", ch->text);
    stop(ch, true);
    if (ch->draining) {
        loop_timer_cancel(ch->timer);
        set_state(ch, CHANNEL_CLOSED, STR(""));
    } else if (code == HILO_CONFIG || code == HILO_INVALID) {
        set_state(ch, CHANNEL_STOPPED, str(why));
    } else {
        again_later(ch, why);
    }
}

static void restart(struct channel *ch)
{
    struct err e = {0};

    ch->past.restarts++;
    set_state(ch, CHANNEL_STARTING, STR(""));
    if (ch->draining) /* asked for by whoever heard that */
        return;
    if (start(ch, &e) != HILO_OK)
        again_later(ch, e.text);
}

static bool hangs(const struct channel *ch)
{
    const char *in;

    return run_busy_us(ch->run, &in) > ch->o.hung_us;
}

/* A worker that does what none may do. Nothing more is taken from it; on_died follows. why
 * empty: what it had sent is taken then, and how it ended is the reason. */
static void kill_worker(struct channel *ch, const char *why)
{
    if (ch->killed)
        return;
    ch->killed = true;
    snprintf(ch->why, sizeof ch->why, "%s", why);
    loop_fd_free(&ch->link_fd);
    loop_timer_cancel(ch->pulse);
    run_kill(ch->run);
}

/* Tells when the plugin hangs, and when it has come back; looks again while it does. */
static void check_hang(struct channel *ch)
{
    char text[STATE_TEXT_MAX];
    bool was = ch->hung, told = ch->hung_told;
    const char *in;

    ch->hung = run_busy_us(ch->run, &in) > ch->o.hung_us;
    if (ch->hung && ch->pulse) {
        snprintf(text, sizeof text,
                 "its worker was killed: the plugin did not come back from %s() for %lld ms", in,
                 (long long)(ch->o.hung_us / 1000));
        kill_worker(ch, text);
        return;
    }
    if (ch->hung)
        loop_timer_at(ch->timer, clock_mono_us() + SECOND_US);
    if (ch->hung && !was && ch->state == CHANNEL_UP) {
        ch->hung_told = true;
        snprintf(text, sizeof text, "the plugin has not come back from %s() for more than %lld ms", in,
                 (long long)(ch->o.hung_us / 1000));
        set_state(ch, CHANNEL_DOWN, str(text));
    } else if (!ch->hung && told) {
        ch->hung_told = false;
        set_state(ch, CHANNEL_UP, STR(""));
    }
}

static void on_timer(void *arg)
{
    struct channel *ch = arg;

    if (ch->pulse && ch->run && (ch->ended || (ch->draining && clock_mono_us() >= ch->give_up_us))) {
        kill_worker(ch, ch->ended ? "its worker was killed: it did not end in time"
                                  : "its worker was killed: the plugin did not close in time");
    } else if (!ch->draining) {
        if (!ch->run)
            restart(ch);
        else if (ch->resumed && ch->state == CHANNEL_STOPPED)
            set_state(ch, CHANNEL_UP, STR("resumed"));
        else
            check_hang(ch);
        ch->resumed = false;
    } else if (!ch->run) {
        set_state(ch, CHANNEL_CLOSED, STR(""));
    } else if (clock_mono_us() >= ch->give_up_us) {
        const char *in;

        (void)run_busy_us(ch->run, &in);
        log_event(ch->o.log, HILO_LOG_ERROR, "channel.hung",
                  "channel=%s callback=%s what=\"the plugin did not close in time; its thread is given up\"",
                  ch->name, in);
        stop(ch, false);
        set_state(ch, CHANNEL_CLOSED, STR("the plugin hung and was given up"));
    } else {
        loop_timer_at(ch->timer, ch->give_up_us);
    }
}

/* ---- a worker's pulse --------------------------------------------------------------------------------- */

static bool owes(const struct channel *ch, int64_t now)
{
    return ch->sends || ch->jobs || ch->events ||
           (ch->asked_us && now - ch->asked_us < (int64_t)ANSWER_S * SECOND_US);
}

/* Something was asked of it: see that it turns. The ping is shown with the rest, by channel_flush. */
static void pulse_on(struct channel *ch)
{
    if (ch->pulse && !ch->ping_us && !loop_timer_due(ch->pulse))
        loop_timer_at(ch->pulse, clock_mono_us() + ch->o.hung_us / 2);
}

/* It has answered, or reported: asleep again if it owes nothing more. */
static void pulse_off(struct channel *ch)
{
    if (ch->pulse && !ch->ping_us && loop_timer_due(ch->pulse) && !owes(ch, clock_mono_us()))
        loop_timer_cancel(ch->pulse);
}

static void on_pulse(void *arg)
{
    struct channel *ch = arg;
    struct frame ping = {.type = FRAME_PING, .token = ++ch->pings, .fd = -1};
    int64_t now = clock_mono_us();
    char text[STATE_TEXT_MAX];

    if (!ch->run || ch->ended || ch->draining)
        return;
    if (ch->ping_us) {
        snprintf(text, sizeof text, "its worker was killed: it did not answer for %lld ms",
                 (long long)((now - ch->ping_us) / 1000));
        kill_worker(ch, text);
    } else if (owes(ch, now)) {
        CHECK(link_put(ch->link, &ping) == HILO_OK);
        ch->ping_us = now;
        loop_timer_at(ch->pulse, now + ch->o.hung_us);
    }
}

static void pulse_felt(struct channel *ch)
{
    if (!ch->pulse)
        return;
    ch->ping_us = 0;
    loop_timer_cancel(ch->pulse);
    if (owes(ch, clock_mono_us()))
        pulse_on(ch);
}

/* ---- frames up ------------------------------------------------------------------------------------ */

/* A wait that can be added to a time. */
static int64_t retry_us(const struct frame *f)
{
    const uint64_t max = (uint64_t)RETRY_MAX_DAYS * 86400 * SECOND_US;

    return (int64_t)(f->retry_after < max ? f->retry_after : max);
}

static void up_report(struct channel *ch, const struct frame *f)
{
    struct hilo_report r = {.size = sizeof r,
                            .code = f->code,
                            .id = f->id,
                            .ext_id = f->ext_id,
                            .reason = f->reason,
                            .provider_code = f->provider_code,
                            .detail = f->detail,
                            .retry_after_us = retry_us(f),
                            .scope = (uint32_t)f->scope,
                            .flags = f->code == HILO_TEMP ? (uint32_t)f->flags & HILO_REPORT_UNTAKEN : 0,
                            .more_ext_ids = f->more,
                            .n_more_ext_ids = f->n_more};
    ch->sends -= ch->sends > 0;
    ch->credit += ch->credit < INSTANCE_CREDIT_MAX;
    ch->o.up->report(ch->o.up->arg, ch, &r);
}

static void up_credit(struct channel *ch, uint64_t count)
{
    uint64_t room = INSTANCE_CREDIT_MAX - ch->credit;
    uint32_t n = (uint32_t)(count < room ? count : room);

    ch->credit += n;
    if (n)
        ch->o.up->credit(ch->o.up->arg, ch, n);
}

static bool bad(struct channel *ch, const char *what)
{
    ch->bad = what;
    return false;
}

static void up_state(struct channel *ch, const struct frame *f)
{
    enum channel_state to = f->code == HILO_OK       ? CHANNEL_UP
                            : f->code == HILO_CONFIG ? CHANNEL_STOPPED
                                                     : CHANNEL_DOWN;
    if (ch->draining || (ch->state == to && str_eqz(f->detail, ch->text)))
        return;
    set_state(ch, to, f->detail);
}

static bool up_api(struct channel *ch, const struct frame *f)
{
    struct hilo_http h = frame_http(f);

    if (ch->apis >= HILO_API_MAX) /* its own side counts, too */
        return bad(ch, "more requests to the API than it may have out");
    ch->apis++;
    ch->o.up->api(ch->o.up->arg, ch, f->token, &h);
    return true;
}

static bool up_file(struct channel *ch, const struct frame *f)
{
    const struct plug_up *up = ch->o.up;

    if (ch->files >= INSTANCE_ASKED_MAX) /* its own side counts, too */
        return bad(ch, "more questions for files than it may have out");
    if (f->type != FRAME_FILE_LIST && !str_file_name(f->key, HILO_FILE_NAME_MAX))
        return bad(ch, "a name that no file has");
    ch->files++;
    if (f->type == FRAME_FILE_OPEN)
        up->file_open(up->arg, ch, f->token, f->key, (uint32_t)f->flags & HILO_FILE_CREATE);
    else if (f->type == FRAME_FILE_REMOVE)
        up->file_remove(up->arg, ch, f->token, f->key);
    else
        up->file_list(up->arg, ch, f->token);
    return true;
}

static bool up_follow(struct channel *ch, const struct frame *f)
{
    if (f->key.n > FRAME_TYPES_MAX || f->val.n >= ID_TEXT || f->token <= ch->follow)
        return bad(ch, "no proper question for events");
    ch->follow = f->token;
    ch->events = 0;
    ch->want_events = false;
    ch->o.up->follow(ch->o.up->arg, ch, f->key, f->val);
    return true;
}

static bool up_followed(struct channel *ch, const struct frame *f)
{
    if (f->token != ch->follow) /* of what it followed before */
        return true;
    if (f->count > ch->events)
        return bad(ch, "that it dealt with events that it does not have");
    ch->events -= f->count;
    if (ch->want_events && ch->events <= EVENTS_MAX / 2) {
        ch->want_events = false;
        ch->o.up->room(ch->o.up->arg, ch);
    }
    return true;
}

static bool on_frame(void *arg, const struct frame *f)
{
    struct channel *ch = arg;
    const struct plug_up *up = ch->o.up;
    struct hilo_http h;

    switch (f->type) {
    case FRAME_SUBMIT:
        if (f->message.n > HILO_MESSAGE_MAX)
            return bad(ch, "a message that is too long");
        up->submit(up->arg, ch, f->token, f->message);
        break;
    case FRAME_REPORT:
        up_report(ch, f);
        break;
    case FRAME_CREDIT:
        up_credit(ch, f->count);
        break;
    case FRAME_CONTEXT_GET:
    case FRAME_CONTEXT_PUT:
        if (f->subject.n > NAME_MAX || f->key.n > NAME_MAX)
            channel_context(ch, f->token, HILO_INVALID, STR(""), 0);
        else if (f->type == FRAME_CONTEXT_GET)
            up->context_get(up->arg, ch, f->token, f->subject, f->key);
        else
            up->context_put(up->arg, ch, f->token, f->subject, f->key, f->val, f->version);
        break;
    case FRAME_ANSWER:
        h = frame_http(f);
        ch->asked_us = 0; /* as far as one can tell */
        up->answer(up->arg, ch, f->token, &h);
        break;
    case FRAME_MEDIA_GET:
        up->media_get(up->arg, ch, f->token, f->id);
        break;
    case FRAME_FETCHED:
        ch->jobs -= ch->jobs > 0;
        up->fetched(up->arg, ch, f->token, f->code, f->mime, f->detail, retry_us(f));
        break;
    case FRAME_STATE:
        up_state(ch, f);
        break;
    case FRAME_TEMPLATE_BEGIN:
        up->template_begin(up->arg, ch);
        break;
    case FRAME_TEMPLATE_PUT:
        if (f->val.n > HILO_TEMPLATE_MAX)
            return bad(ch, "a template that is too long");
        up->template_put(up->arg, ch, f->val);
        break;
    case FRAME_TEMPLATE_END:
        up->template_end(up->arg, ch);
        break;
    case FRAME_API:
        return up_api(ch, f);
    case FRAME_FILE_OPEN:
    case FRAME_FILE_REMOVE:
    case FRAME_FILE_LIST:
        return up_file(ch, f);
    case FRAME_FOLLOW:
        return up_follow(ch, f);
    case FRAME_FOLLOWED:
        return up_followed(ch, f);
    case FRAME_PONG:
        if (ch->ping_us && ch->started && f->token == ch->pings)
            pulse_felt(ch);
        break;
    case FRAME_DESCRIBED:
        return bad(ch, "what only an inspected plugin says");
    case FRAME_STARTED:
        if (!ch->started)
            pulse_felt(ch);
        ch->started = true;
        ch->up_since_us = clock_mono_us();
        if (!ch->draining)
            set_state(ch, CHANNEL_UP, f->detail);
        break;
    case FRAME_ENDED:
        ch->ended = true;
        ch->ended_code = f->code;
        snprintf(ch->text, sizeof ch->text, "%.*s", STR_FMT(f->detail));
        return false;
    case FRAME_RECONFIGURED:
        if (ch->reconfigures == 0)
            return bad(ch, "an answer to what was not asked");
        ch->reconfigures--;
        if (!ch->draining)
            up->reconfigured(up->arg, ch, f->code);
        break;
    default:
        CHECK(frame_direction(f->type) != FRAME_UP); /* frame_decode lets nothing else through */
    }
    return true;
}

static void bad_link(struct channel *ch, const char *what)
{
    char text[STATE_TEXT_MAX];

    log_event(ch->o.log, HILO_LOG_ERROR, "channel.link", "channel=%s what=\"the plugin's side sent %s\"",
              ch->name, what);
    snprintf(text, sizeof text, "its side of the link sent %s", what);
    if (ch->pulse) {
        kill_worker(ch, text);
        return;
    }
    stop(ch, false);
    if (ch->draining)
        set_state(ch, CHANNEL_CLOSED, str(text));
    else
        again_later(ch, text);
}

/* The worker has ended and was reaped. */
static void on_died(void *arg, int signal, int status)
{
    struct channel *ch = arg;
    char why[STATE_TEXT_MAX];
    bool clean;

    /* What it wrote before counts; nobody writes any more, or it is not listened to. */
    for (int i = 0; (!ch->killed || !ch->why[0]) && !ch->ended && !ch->bad && i < LAST_TURNS; i++)
        if (link_turn(ch->link, on_frame, ch) <= 0)
            break;
    clean = ch->ended && !signal && !status;
    if (clean) {
        run_over(ch);
        return;
    }
    if (ch->killed && ch->why[0])
        snprintf(why, sizeof why, "%s", ch->why);
    else if (signal)
        snprintf(why, sizeof why, "its worker died of signal %d (%s)", signal, strsignal(signal));
    else
        snprintf(why, sizeof why, "its worker ended with status %d", status);
    ch->past.deaths++;
    log_event(ch->o.log, HILO_LOG_ERROR, "worker.died",
              "channel=%s pid=%ld signal=%d status=%d restarts=%llu", ch->name, (long)run_pid(ch->run),
              signal, status, (unsigned long long)ch->past.restarts);
    if (ch->ended) { /* it had closed; what its process did at its very end changes nothing */
        run_over(ch);
        return;
    }
    stop(ch, true);
    if (ch->draining) {
        loop_timer_cancel(ch->timer);
        set_state(ch, CHANNEL_CLOSED, str(why));
    } else {
        again_later(ch, why);
    }
}

static void on_link(void *arg, int fd, unsigned events)
{
    struct channel *ch = arg;
    int taken;

    (void)fd;
    (void)events;
    if (ch->hung && !ch->draining)
        check_hang(ch); /* before what it says of itself */
    taken = link_turn(ch->link, on_frame, ch);
    if (ch->ended) {
        if (!ch->pulse) {
            run_over(ch);
            return;
        }
        loop_fd_free(&ch->link_fd); /* on_died follows */
        loop_timer_at(ch->timer, clock_mono_us() + (int64_t)EXIT_S * SECOND_US);
        return;
    }
    if (taken < 0 || ch->bad) {
        bad_link(ch, ch->bad ? ch->bad : "malformed frames");
        return;
    }
    if (ch->pulse && link_swamped(ch->link)) {
        kill_worker(ch, "its worker was killed: it did not take what it had asked for");
        return;
    }
    if (ch->pulse && link_gone(ch->link)) {
        kill_worker(ch, ""); /* it has ended, or makes as if */
        return;
    }
    pulse_off(ch);
    if (link_room(ch->link) && ch->want_room) {
        ch->want_room = false;
        ch->o.up->room(ch->o.up->arg, ch);
    }
}

/* ---- making and ending ---------------------------------------------------------------------------- */

int32_t channel_new(const struct channel_options *o, struct err *e, struct channel **out)
{
    struct channel *ch = calloc(1, sizeof *ch);
    int32_t code;

    if (!ch)
        check_nomem();
    ch->o = *o;
    ch->name = strdup(o->name);
    if (!ch->name)
        check_nomem();
    ch->o.name = ch->name;
    if (ch->o.hung_us <= 0)
        ch->o.hung_us = (int64_t)HUNG_S * SECOND_US;
    ch->state = CHANNEL_STARTING;
    ch->backoff_s = BACKOFF_MIN_S;
    ch->timer = loop_timer_new(o->loop, on_timer, ch);
    if (o->worker) {
        ch->worker = *o->worker;
        ch->worker.path = ch->worker_path = strdup(o->worker->path);
        if (!ch->worker_path)
            check_nomem();
        ch->o.worker = &ch->worker;
        ch->pulse = loop_timer_new(o->loop, on_pulse, ch);
    }
    code = start(ch, e);
    if (code != HILO_OK) {
        channel_free(&ch);
        return code;
    }
    *out = ch;
    return HILO_OK;
}

void channel_drain(struct channel *ch, int64_t mono_us)
{
    struct frame f = {.type = FRAME_DRAIN, .fd = -1, .at = mono_us > 0 ? (uint64_t)mono_us : 0};

    if (ch->state == CHANNEL_CLOSED)
        return;
    ch->draining = true;
    ch->state = CHANNEL_DRAINING;
    if (ch->run) {
        ch->give_up_us = mono_us + (int64_t)GIVE_UP_S * SECOND_US;
        CHECK(link_put(ch->link, &f) == HILO_OK);
        loop_timer_at(ch->timer, ch->give_up_us);
    } else {
        loop_timer_at(ch->timer, clock_mono_us());
    }
}

void channel_mended(struct channel *ch)
{
    if (ch->state != CHANNEL_STOPPED)
        return;
    ch->resumed = true;
    ch->backoff_s = BACKOFF_MIN_S;
    loop_timer_at(ch->timer, clock_mono_us());
}

void channel_conf(struct channel *ch, const void *conf)
{
    ch->o.conf = conf;
}

int32_t channel_reconfigure(struct channel *ch, const void *conf)
{
    const struct hilo_plugin *d = plugin_desc(ch->o.plugin);
    struct frame f = {.type = FRAME_RECONFIGURE, .fd = -1};
    struct buf packed = {0};
    int32_t code;

    if (!plugin_reconfigures(ch->o.plugin))
        return HILO_NOSUP;
    ch->o.conf = conf;
    if (ch->draining || ch->ended || ch->killed)
        return HILO_OK;
    if (!ch->run) {
        ch->backoff_s = BACKOFF_MIN_S;
        loop_timer_at(ch->timer, clock_mono_us());
        return HILO_OK;
    }
    code = options_pack(d, conf, &packed);
    f.val = buf_str(&packed);
    if (code == HILO_OK)
        code = link_put(ch->link, &f);
    options_forget(&packed);
    ch->reconfigures += code == HILO_OK;
    return code == HILO_OK ? code : HILO_NOSUP; /* no memory or descriptor for it: by a new one */
}

void channel_free(struct channel **chp)
{
    struct channel *ch = *chp;

    *chp = NULL;
    if (!ch)
        return;
    CHECK(!ch->run);
    loop_timer_free(&ch->timer);
    loop_timer_free(&ch->pulse);
    free(ch->worker_path);
    free(ch->name);
    free(ch);
}

/* ---- frames down -------------------------------------------------------------------------------------- */

/* HILO_OK if the instance can take new work, for which it must provide this (0: nothing). */
static int32_t ready(struct channel *ch, uint64_t needs)
{
    if (needs && !(plugin_desc(ch->o.plugin)->provides & needs))
        return HILO_NOSUP;
    if (!ch->run || !ch->started || ch->ended || ch->killed || ch->draining)
        return HILO_DOWN;
    if (!hangs(ch))
        return HILO_OK;
    if (!ch->hung)
        loop_timer_at(ch->timer, clock_mono_us()); /* told from there */
    return HILO_DOWN;
}

static int32_t put(struct channel *ch, const struct frame *f)
{
    int32_t code = link_put(ch->link, f);

    if (code == HILO_FULL)
        ch->want_room = true;
    return code;
}

int32_t channel_send(struct channel *ch, struct hilo_id id, struct hilo_str message)
{
    struct frame f = {.type = FRAME_SEND, .fd = -1, .id = id, .message = message};
    int32_t code = ready(ch, HILO_CAN_SEND);

    if (code == HILO_OK && ch->state == CHANNEL_STOPPED)
        code = HILO_DOWN;
    if (code == HILO_OK && (message.n == 0 || message.n > HILO_MESSAGE_MAX))
        code = HILO_INVALID;
    if (code == HILO_OK)
        code = put(ch, &f);
    if (code == HILO_OK) {
        ch->sends++;
        ch->credit -= ch->credit > 0;
        pulse_on(ch);
    }
    return code;
}

int32_t channel_request(struct channel *ch, uint64_t request, const struct hilo_http *h)
{
    struct frame f = {.type = FRAME_REQUEST, .token = request, .fd = -1};
    int32_t code = ready(ch, HILO_CAN_REQUEST);

    if (code == HILO_OK && h->method.n == 0)
        code = HILO_INVALID;
    frame_http_set(&f, h);
    if (code == HILO_OK)
        code = put(ch, &f);
    if (code == HILO_OK && ch->pulse) {
        ch->asked_us = clock_mono_us();
        pulse_on(ch);
    }
    return code;
}

int32_t channel_fetch(struct channel *ch, uint64_t job, struct hilo_str message, struct hilo_str which,
                      int fd)
{
    struct frame f = {.type = FRAME_FETCH, .token = job, .fd = fd, .message = message, .key = which};
    int32_t code = ready(ch, HILO_CAN_FETCH);

    if (code == HILO_OK && (message.n == 0 || which.n == 0 || message.n > HILO_MESSAGE_MAX || fd < 0))
        code = HILO_INVALID;
    if (code == HILO_OK)
        code = put(ch, &f);
    if (code == HILO_OK) {
        ch->jobs++;
        pulse_on(ch);
    }
    return code;
}

int32_t channel_event(struct channel *ch, struct hilo_str id, struct hilo_str json)
{
    struct frame f = {.type = FRAME_EVENT, .token = ch->follow, .fd = -1, .key = id, .body = json};
    int32_t code = ready(ch, 0);

    if (code == HILO_OK && !ch->follow)
        code = HILO_NOSUP;
    if (code == HILO_OK && ch->events >= EVENTS_MAX) {
        ch->want_events = true;
        code = HILO_FULL;
    }
    if (code == HILO_OK)
        code = put(ch, &f);
    if (code == HILO_OK) {
        ch->events++;
        pulse_on(ch);
    }
    return code;
}

/* Answers: get there as long as there is somebody. */
static bool answer(struct channel *ch, const struct frame *f)
{
    return ch->run && !ch->ended && !ch->killed && link_put(ch->link, f) == HILO_OK;
}

void channel_revoke(struct channel *ch, struct hilo_id id)
{
    struct frame f = {.type = FRAME_REVOKE, .fd = -1, .id = id};

    if (!id_none(id))
        (void)answer(ch, &f);
}

void channel_committed(struct channel *ch, uint64_t token, int32_t code)
{
    struct frame f = {.type = FRAME_COMMITTED, .token = token, .fd = -1, .code = code};

    (void)answer(ch, &f);
}

void channel_context(struct channel *ch, uint64_t token, int32_t code, struct hilo_str val, uint64_t version)
{
    struct frame f = {
        .type = FRAME_CONTEXT, .token = token, .fd = -1, .code = code, .val = val, .version = version};

    if (answer(ch, &f) || !ch->run || ch->ended || ch->killed)
        return;
    /* Too large, or no descriptor left for a memory file: the plugin hears of it. */
    f.code = HILO_IO;
    f.val = STR("");
    CHECK(answer(ch, &f));
}

void channel_media(struct channel *ch, uint64_t token, int32_t code, int fd, struct hilo_str mime,
                   struct hilo_str filename, uint64_t size)
{
    struct frame f = {
        .type = FRAME_MEDIA, .token = token, .fd = code == HILO_OK ? fd : -1, .code = code, .size = size};

    f.mime = str_utf8_valid(mime) ? str_utf8_head(mime, 256) : STR("");
    f.filename = str_utf8_valid(filename) ? str_utf8_head(filename, 256) : STR("");
    if (code != HILO_OK && fd >= 0)
        close(fd);
    if (!answer(ch, &f) && f.fd >= 0)
        close(f.fd);
}

void channel_file(struct channel *ch, uint64_t token, int32_t code, int fd, uint64_t size)
{
    struct frame f = {.type = FRAME_FILE, .token = token, .fd = fd, .code = code, .size = size};

    ch->files -= ch->files > 0;
    if (!answer(ch, &f) && fd >= 0)
        close(fd);
}

void channel_files(struct channel *ch, uint64_t token, int32_t code, struct hilo_str names)
{
    struct frame f = {.type = FRAME_FILES, .token = token, .fd = -1, .code = code, .body = names};

    ch->files -= ch->files > 0;
    if (answer(ch, &f) || !ch->run || ch->ended || ch->killed)
        return;
    f.code = HILO_IO; /* no descriptor left for a memory file */
    f.body = STR("");
    CHECK(answer(ch, &f));
}

void channel_api_answer(struct channel *ch, uint64_t token, int32_t code, const struct hilo_http *h)
{
    struct frame f = {.type = FRAME_API_ANSWER, .token = token, .fd = -1, .code = code};

    ch->apis -= ch->apis > 0;
    if (h)
        frame_http_set(&f, h);
    if (answer(ch, &f) || !ch->run || ch->ended || ch->killed)
        return;
    f = (struct frame){.type = FRAME_API_ANSWER, .token = token, .fd = -1, .code = HILO_IO};
    CHECK(answer(ch, &f));
}

void channel_flush(struct channel *ch)
{
    if (ch->run && !ch->ended && !ch->killed)
        link_publish(ch->link);
}

/* ---- looking ---------------------------------------------------------------------------------------- */

const char *channel_name(const struct channel *ch)
{
    return ch->name;
}
void *channel_user(const struct channel *ch)
{
    return ch->o.user;
}
const struct plugin *channel_plugin(const struct channel *ch)
{
    return ch->o.plugin;
}

enum channel_state channel_state(const struct channel *ch, struct hilo_str *text_out)
{
    if (text_out)
        *text_out = str(ch->text);
    return ch->state;
}

bool channel_runs(const struct channel *ch)
{
    return ch->run != NULL;
}

bool channel_isolated(const struct channel *ch)
{
    return ch->o.worker != NULL;
}

pid_t channel_pid(const struct channel *ch)
{
    return ch->run ? run_pid(ch->run) : 0;
}

void channel_stats(const struct channel *ch, struct channel_stats *out)
{
    struct channel_stats s = ch->past;

    if (ch->run)
        run_stats(ch->run, &s);
    *out = s;
}
