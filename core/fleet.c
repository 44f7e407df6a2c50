/*
 * The channels that run (fleet.h).
 *
 * A member is made for each name that was ever configured and lives as long as the
 * gateway, since claims, late reports and downloads of a channel may outlast it. One that
 * is no longer configured is out of the gateway's list once it has closed; its messages
 * stay in the store and wait until it is configured again, or expire.
 *
 * Invariants: of a member that is configured and has a plugin, there is a struct channel,
 * or one drains and fleet_closed makes the next; "now" lies in the assembly in use.
 */
#include "fleet.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "services/delivery.h"
#include "services/pace.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t DRAIN_US = 5000000;

struct member {
    struct gw_channel gw; /* first: member_of */
    struct member *next;
    const struct assembled *now; /* what it is to run with; NULL: not configured */
    bool again;                  /* it left, and was configured again before it had drained */
    struct hilo_abilities able;  /* what its options leave of the plugin's */
    char name[64], type[65], account[129];
};

struct fleet {
    struct gateway *gw;
    const struct plug_up *up;
    struct member *members, **end;
    bool ending;
};

static struct member *member_of(struct gw_channel *c)
{
    return (struct member *)c;
}

static struct hilo_str copy(char *to, size_t cap, struct hilo_str s)
{
    CHECK(s.n < cap); /* the settings have these limits */
    if (s.n)
        memcpy(to, s.p, (size_t)s.n);
    to[s.n] = '\0';
    return str_n(to, (size_t)s.n);
}

/* What the operator says of the peer's limits goes before what the plugin does. */
static void limits_take(struct member *m)
{
    const struct settings_common *o = &m->now->set->common;
    struct gw_channel *c = &m->gw;

    if (!c->able)
        return;
    c->rate = o->rate >= 0 ? (uint32_t)o->rate : c->able->rate;
    c->rate_burst = o->rate_burst >= 0 ? (uint32_t)o->rate_burst : c->able->rate_burst;
    c->pair_burst = o->pair_burst >= 0 ? (uint32_t)o->pair_burst : c->able->pair_burst;
    c->pair_interval_us =
        o->pair_interval_us >= 0 ? o->pair_interval_us : (int64_t)c->able->pair_interval_ms * 1000;
}

/* What the gateway itself looks at. */
static void settings_take(struct member *m)
{
    const struct settings_common *o = &m->now->set->common;
    struct gw_channel *c = &m->gw;

    c->account = copy(m->account, sizeof m->account, o->account);
    c->policy = o->in_doubt == SETTINGS_RESEND ? POLICY_RESEND : POLICY_HOLD;
    c->max_attempts = o->max_attempts;
    c->retry_min_us = o->retry_min_us;
    c->retry_max_us = o->retry_max_us;
    c->queue_max = o->queue_max;
    c->consent = m->now->consent;
    c->scopes = m->now->scopes;
    c->provider_window = o->window == SETTINGS_WINDOW_PROVIDER;
    limits_take(m);
}

/* What its plugin brings. */
static void plugin_take(struct member *m)
{
    const struct assembled *x = m->now;
    struct gw_channel *c = &m->gw;

    m->able = x->able; /* all zero without a plugin */
    m->able.size = sizeof m->able;
    c->type = copy(m->type, sizeof m->type, x->set->common.type);
    c->able = &m->able;
    c->provides = x->plugin ? plugin_desc(x->plugin)->provides : 0;
    (void)snprintf(c->broken, sizeof c->broken, "%s", x->broken);
    limits_take(m);
}

static struct member *member_new(struct fleet *f, const struct assembled *x)
{
    struct member *m = calloc(1, sizeof *m);

    if (!m)
        check_nomem();
    m->now = x;
    m->gw.gateway = f->gw;
    m->gw.name = copy(m->name, sizeof m->name, x->set->name);
    settings_take(m);
    plugin_take(m);
    *f->end = m;
    f->end = &m->next;
    return m;
}

static struct member *member_find(const struct fleet *f, struct hilo_str name)
{
    for (struct member *m = f->members; m; m = m->next)
        if (str_eq(m->gw.name, name))
            return m;
    return NULL;
}

struct fleet *fleet_new(struct gateway *gw, const struct plug_up *up)
{
    struct fleet *f = calloc(1, sizeof *f);

    if (!f)
        check_nomem();
    f->gw = gw;
    f->up = up;
    f->end = &f->members;
    return f;
}

void fleet_free(struct fleet **fp)
{
    struct fleet *f = *fp;

    if (!f)
        return;
    while (f->members) {
        struct member *m = f->members;
        f->members = m->next;
        channel_free(&m->gw.plug);
        gateway_channel_done(&m->gw);
        free(m);
    }
    f->gw->channels = NULL;
    free(f);
    *fp = NULL;
}

/* The configured ones in the file's order, then those that still drain. */
static void relist(struct fleet *f, const struct assembly *a)
{
    struct gw_channel **end = &f->gw->channels;

    for (const struct assembled *x = a ? a->channels : NULL; x; x = x->next) {
        struct member *m = member_find(f, x->set->name);
        *end = &m->gw;
        end = &m->gw.next;
    }
    for (struct member *m = f->members; m; m = m->next) {
        m->gw.leaving = !m->now;
        if (m->now || !m->gw.plug)
            continue;
        *end = &m->gw;
        end = &m->gw.next;
    }
    *end = NULL;
}

/* ---- starting -------------------------------------------------------------------------- */

static int32_t start(struct fleet *f, struct member *m, struct err *e)
{
    struct gw_channel *c = &m->gw;
    const struct channel_options o = {.name = m->name,
                                      .plugin = m->now->plugin,
                                      .conf = m->now->conf,
                                      .loop = f->gw->loop,
                                      .log = f->gw->log,
                                      .up = f->up,
                                      .user = c,
                                      .hung_us = m->now->hung_us,
                                      .worker = m->now->worker};

    plugin_take(m);
    c->stopped = false;
    c->held_until_us = c->down_backoff_us = 0;
    if (!c->paused)
        c->why[0] = '\0';
    return m->now->plugin ? channel_new(&o, e, &c->plug) : HILO_OK;
}

void fleet_list(struct fleet *f, const struct assembly *a)
{
    for (const struct assembled *x = a->channels; x; x = x->next) {
        (void)member_new(f, x);
        if (x->broken[0])
            assembly_log_broken(f->gw->log, x);
    }
    relist(f, a);
}

int32_t fleet_start(struct fleet *f, struct err *e)
{
    int32_t rc = HILO_OK;

    for (struct member *m = f->members; m && rc == HILO_OK; m = m->next)
        rc = start(f, m, e);
    return rc;
}

/* While others run, one that can't start is broken, and no reason to end. */
static void start_or_break(struct fleet *f, struct member *m)
{
    struct gw_channel *c = &m->gw;
    char quoted[sizeof c->broken + 64];
    struct err e = {0};

    if (start(f, m, &e) == HILO_OK)
        return;
    (void)snprintf(c->broken, sizeof c->broken, "%.250s", e.text);
    log_event(f->gw->log, HILO_LOG_ERROR, "channel.broken", "channel=%s error=%s", m->name,
              log_quote(str(c->broken), quoted, sizeof quoted));
}

/* One that comes anew: what the store has for it is counted; what was in flight when a
 * gateway without it stopped is in doubt. */
static void enter(struct fleet *f, struct member *m)
{
    struct err e = {0};
    char quoted[300];

    if (delivery_adopt(f->gw->delivery, &m->gw, &e) != HILO_OK)
        log_event(f->gw->log, HILO_LOG_ERROR, "channel.adopt", "channel=%s error=%s", m->name,
                  log_quote(str(e.text), quoted, sizeof quoted));
    start_or_break(f, m);
}

/* ---- a reload --------------------------------------------------------------------------- */

void fleet_judge(struct fleet *f, const struct assembly *a, struct arena *arena, struct config_report *r)
{
    struct conf_error **end = &r->faults;

    for (const struct assembled *x = a->channels; x; x = x->next) {
        const struct member *m = member_find(f, x->set->name);

        if (!x->broken[0] || (m && m->now && !m->gw.plug))
            continue;
        *end = ARENA_NEW(arena, struct conf_error);
        **end = (struct conf_error){
            .line = x->set->line,
            .column = x->set->column,
            .text = arena_fmt(arena, "channels.%.*s: %s", STR_FMT(x->set->name), x->broken)};
        end = &(*end)->next;
        r->n_faults++;
    }
}

static void drain(struct member *m)
{
    struct hilo_str text;

    if (m->gw.plug && channel_state(m->gw.plug, &text) != CHANNEL_DRAINING)
        channel_drain(m->gw.plug, clock_mono_us() + DRAIN_US);
}

/* Whether they would run with the same rights. */
static bool same_worker(const struct worker_options *a, const struct worker_options *b)
{
    return !a == !b && (!a || (a->drop == b->drop && a->uid == b->uid && a->gid == b->gid));
}

/* From options before to those in m->now; which of the changes it comes to, NULL: none. */
static const char *change(struct fleet *f, struct member *m, const struct assembled *before,
                          struct arena *arena, struct conf_change **options_out)
{
    const struct assembled *x = m->now;
    const struct hilo_option *common;
    struct conf_change **end = options_out, *fixed = NULL;
    uint32_t n_common = 0;
    bool asks;

    (void)settings_table("channels", &common, &n_common);
    end = conf_diff(common, n_common, &before->set->common, &x->set->common, 0, 0, NULL, arena, end);
    if (!settings_same_consent(&before->set->consent, &x->set->consent)) {
        *end = ARENA_NEW(arena, struct conf_change);
        (*end)->name = STR("consent");
        end = &(*end)->next;
    }
    (void)conf_diff(common, n_common, &before->set->common, &x->set->common, 0, HILO_OPT_RELOADABLE, NULL,
                    arena, &fixed);
    if (!m->gw.plug) {
        if (!x->plugin)
            return *options_out ? "updated" : NULL;
        start_or_break(f, m);
        return "started";
    }
    if (before->plugin != x->plugin || fixed || !same_worker(before->worker, x->worker)) {
        drain(m);
        return "reopened";
    }
    const struct hilo_plugin *p = plugin_desc(x->plugin);
    struct conf_change **own = end;
    end = conf_diff(p->options, p->n_options, before->conf, x->conf, 0, 0, NULL, arena, end);
    (void)conf_diff(p->options, p->n_options, before->conf, x->conf, 0, HILO_OPT_RELOADABLE, NULL, arena,
                    &fixed);
    asks = *own != NULL;
    if (!asks) {
        channel_conf(m->gw.plug, x->conf);
        return *options_out ? "updated" : NULL;
    }
    m->gw.stopped = false; /* its reason may be mended; else it comes again */
    if (!fixed && channel_reconfigure(m->gw.plug, x->conf) == HILO_OK) {
        plugin_take(m);
        return "reconfigured";
    }
    drain(m);
    return "reopened";
}

static void tell(struct fleet *f, struct member *m, const char *what, struct conf_change *options,
                 struct arena *arena, struct config_channel ***end)
{
    struct config_channel *t = ARENA_NEW(arena, struct config_channel);
    struct hilo_str names = STR("");

    for (const struct conf_change *o = options; o; o = o->next)
        names = arena_fmt(arena, "%.*s%s%.*s", STR_FMT(names), names.n ? "," : "", STR_FMT(o->name));
    log_event(f->gw->log, HILO_LOG_INFO, "channel.reloaded", "channel=%s change=%s%s%.*s queued=%" PRIu64,
              m->name, what, names.n ? " options=" : "", STR_FMT(names), m->gw.queued);
    *t = (struct config_channel){
        .name = arena_str(arena, m->gw.name), .change = what, .options = options, .queued = m->gw.queued};
    **end = t;
    *end = &t->next;
}

void fleet_switch(struct fleet *f, const struct assembly *a, struct arena *arena, struct config_report *r)
{
    struct config_channel **end = &r->channels;

    for (const struct assembled *x = a->channels; x; x = x->next) {
        struct member *m = member_find(f, x->set->name);
        const struct assembled *before = m ? m->now : NULL;
        struct conf_change *options = NULL;
        const char *what = "added";

        if (!m)
            m = member_new(f, x);
        m->now = x;
        settings_take(m);
        if (before)
            what = change(f, m, before, arena, &options);
        else if (m->gw.plug)
            m->again = true; /* it drains; fleet_closed goes on */
        else
            enter(f, m);
        if (what)
            tell(f, m, what, options, arena, &end);
        else
            r->untouched++;
        delivery_kick(f->gw->delivery, &m->gw);
        delivery_fetch(f->gw->delivery, &m->gw);
    }
    for (struct member *m = f->members; m; m = m->next) {
        const struct assembled *x = a->channels;
        while (x && x != m->now)
            x = x->next;
        if (!x)
            m->gw.consent = a->consent; /* while it drains: whoever says STOP is heard */
        if (x || !m->now)
            continue;
        m->now = NULL;
        drain(m);
        tell(f, m, "removed", NULL, arena, &end);
    }
    relist(f, a);
}

void fleet_closed(struct fleet *f, struct gw_channel *c)
{
    struct member *m = member_of(c);

    if (f->ending)
        return;
    channel_free(&c->plug);
    if (m->now && m->again)
        enter(f, m);
    else if (m->now)
        start_or_break(f, m);
    m->again = false;
    if (m->now)
        return;
    for (struct gw_channel **at = &f->gw->channels; *at; at = &(*at)->next)
        if (*at == c) {
            *at = c->next;
            break;
        }
    log_event(f->gw->log, HILO_LOG_INFO, "channel.removed",
              "channel=%s queued=%" PRIu64 " note=\"they wait until it is configured again, or expire\"",
              m->name, c->queued);
}

void fleet_reconfigured(struct fleet *f, struct gw_channel *c, int32_t code)
{
    struct member *m = member_of(c);

    if (code == HILO_OK) {
        log_event(f->gw->log, HILO_LOG_INFO, "channel.reconfigured", "channel=%s", m->name);
        return;
    }
    log_event(
        f->gw->log, HILO_LOG_WARN, "channel.reconfigured",
        "channel=%s code=\"%s\" note=\"its plugin did not take the new options as it runs; it is reopened\"",
        m->name, err_name(code));
    if (!f->ending)
        drain(m);
}

/* ---- the end ------------------------------------------------------------------------------- */

void fleet_drain(struct fleet *f)
{
    f->ending = true;
    for (struct member *m = f->members; m; m = m->next)
        drain(m);
}

bool fleet_drained(const struct fleet *f)
{
    struct hilo_str text;

    for (const struct member *m = f->members; m; m = m->next)
        if (m->gw.plug && channel_state(m->gw.plug, &text) != CHANNEL_CLOSED)
            return false;
    return true;
}
