/*
 * A reload (reload.h): reads, checks, then switches. Settings of the gateway that it can't
 * change while it runs are told each time, until it is restarted.
 *
 * ${NAME} stands for what the environment held when the daemon was started; files of
 * secrets are read again.
 */
#include "reload.h"
#include "base/check.h"
#include "base/str.h"
#include <stdlib.h>

static void faults_of_conf(const struct conf *c, struct arena *arena, struct config_report *r)
{
    struct conf_error **end = &r->faults;

    r->n_faults = c->n_errors;
    for (const struct conf_error *e = c->errors; e; e = e->next) {
        *end = ARENA_NEW(arena, struct conf_error);
        **end = (struct conf_error){.line = e->line, .column = e->column, .text = arena_str(arena, e->text)};
        end = &(*end)->next;
    }
}

static void fault_of_file(const struct err *e, struct arena *arena, struct config_report *r)
{
    r->faults = ARENA_NEW(arena, struct conf_error);
    r->faults->text = arena_str(arena, str(e->text));
    r->n_faults = 1;
}

static void tell_faults(struct reload *l, const struct config_report *r)
{
    char quoted[600];

    for (const struct conf_error *e = r->faults; e; e = e->next)
        log_event(l->gw->log, HILO_LOG_ERROR, "config.fault", "line=%u column=%u error=%s", e->line,
                  e->column, log_quote(e->text, quoted, sizeof quoted));
    log_event(l->gw->log, HILO_LOG_ERROR, "config.refused",
              "file=%s faults=%u note=\"the gateway goes on with the configuration before\"",
              log_quote(r->file, quoted, sizeof quoted), r->n_faults);
}

static const char *names(const struct conf_change *c, struct arena *arena)
{
    struct hilo_str all = STR("");

    for (; c; c = c->next)
        all = arena_fmt(arena, "%.*s%s%.*s", STR_FMT(all), all.n ? "," : "", STR_FMT(c->name));
    return arena_z(arena, all);
}

/* A part of the configuration that has no table: whether it is the same. */
static struct conf_change *list_changed(bool same, struct hilo_str name, struct arena *arena,
                                        struct conf_change *rest)
{
    struct conf_change *c;

    if (same)
        return rest;
    c = ARENA_NEW(arena, struct conf_change);
    *c = (struct conf_change){.next = rest, .name = name};
    return c;
}

void gateway_take(struct gateway *gw, struct assembly *a)
{
    const struct settings *s = &a->settings;
    struct gw_route **end = &gw->routes;

    gw->name = s->gateway.name;
    gw->language = s->gateway.language;
    gw->time_zone = s->gateway.time_zone;
    gw->appointments =
        (struct gw_appointments){.channel = s->appointments.channel,
                                 .near_us = s->appointments.near_us,
                                 .remind_us = s->appointments.remind_us,
                                 .confirmation_text = s->appointments.confirmation_text,
                                 .reminder_text = s->appointments.reminder_text,
                                 .confirmation_template = s->appointments.confirmation_template,
                                 .reminder_template = s->appointments.reminder_template,
                                 .template_language = s->appointments.template_language,
                                 .template_parameters = s->appointments.template_parameters};
    gw->public_url = s->http.public_url;
    gw->expires_us = s->gateway.expires_us;
    gw->parts_wait_us = s->gateway.parts_wait_us;
    gw->media_max_bytes = s->store.media_max_bytes;
    gw->link_life_us = s->http.link_life_us;
    gw->webhooks_plain = s->webhooks.allow_http != 0;
    gw->stock_hold_us = s->stock.hold_us;
    gw->stock_rate = (uint64_t)s->stock.rate;
    /* The choices are the first of the categories, in their order. */
    gw->stock_category = (uint32_t)s->stock.category + HILO_CATEGORY_SERVICE;
    *end = NULL;
    for (const struct settings_route *r = s->routes; r; r = r->next) {
        *end = ARENA_NEW(a->conf->arena, struct gw_route);
        **end = (struct gw_route){
            .scheme = (uint32_t)r->scheme, .category = (uint32_t)r->category, .channel = r->channel};
        end = &(*end)->next;
    }
    struct sendsms_user **user = &gw->sendsms;
    *user = NULL;
    for (const struct settings_kannel *k = s->kannel; k; k = k->next) {
        *user = ARENA_NEW(a->conf->arena, struct sendsms_user);
        **user = (struct sendsms_user){.username = k->username,
                                       .password = k->password,
                                       .channel = k->channel,
                                       .default_channel = k->default_channel,
                                       .sender = k->sender,
                                       .default_sender = k->default_sender,
                                       .dlr_url = k->dlr_url,
                                       .allow_ip = k->allow_ip,
                                       .deny_ip = k->deny_ip};
        user = &(*user)->next;
    }
}

static void take_over(struct reload *l, struct assembly *next, struct arena *arena, struct config_report *r)
{
    const struct settings *s = &next->settings;
    char quoted[600];

    r->changed = settings_diff(&l->now->settings, s, true, arena);
    r->changed = list_changed(settings_same_consent(&l->now->settings.consent, &s->consent), STR("consent"),
                              arena, r->changed);
    r->changed = list_changed(settings_same_routes(&l->now->settings, s), STR("routes"), arena, r->changed);
    r->changed = list_changed(settings_same_kannel(&l->now->settings, s), STR("kannel"), arena, r->changed);
    r->needs_restart = settings_diff(&l->boot.settings, s, false, arena);
    log_level_set(l->gw->log, (int32_t)s->log.level);
    media_store_limit(l->gw->media, (uint64_t)s->store.media_max_bytes);
    api_change(l->api, s->http.body_max_bytes, s->http.hook_max_bytes, s->http.metrics_public != 0);
    gateway_take(l->gw, next);
    fleet_switch(l->fleet, next, arena, r);
    if (l->now != &l->boot) {
        l->now->older = l->old;
        l->old = l->now;
    }
    l->now = next;
    log_event(l->gw->log, HILO_LOG_INFO, "config.reloaded", "file=%s changed=\"%s\" untouched=%u",
              log_quote(r->file, quoted, sizeof quoted), names(r->changed, arena), r->untouched);
    if (r->needs_restart)
        log_event(l->gw->log, HILO_LOG_WARN, "config.needs_restart",
                  "settings=\"%s\" note=\"the gateway goes on with their values of its start\"",
                  names(r->needs_restart, arena));
}

void reload_run(void *arg, struct arena *arena, struct config_report *r)
{
    struct reload *l = arg;
    struct assembly *next = calloc(1, sizeof *next);
    struct err e = {0};
    int32_t rc;

    if (!next)
        check_nomem();
    *r = (struct config_report){.file = str(l->gw->config_file)};
    rc = assembly_read(l->gw->config_file, next, &e);
    if (next->conf && next->conf->root)
        rc = assembly_load(next, l->plugins, &e);
    if (rc == HILO_INVALID)
        faults_of_conf(next->conf, arena, r);
    else if (rc != HILO_OK)
        fault_of_file(&e, arena, r);
    else
        fleet_judge(l->fleet, next, arena, r);
    if (r->n_faults == 0) {
        take_over(l, next, arena, r);
        return;
    }
    tell_faults(l, r);
    assembly_done(next);
    free(next);
}

void reload_turn(struct reload *l)
{
    while (l->old) {
        struct assembly *a = l->old;
        l->old = a->older;
        assembly_done(a);
        free(a);
    }
}

void reload_done(struct reload *l)
{
    reload_turn(l);
    if (l->now && l->now != &l->boot) {
        assembly_done(l->now);
        free(l->now);
    }
    assembly_done(&l->boot);
}
