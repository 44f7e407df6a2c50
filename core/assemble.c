/* From a configuration to what the daemon runs. */
#include "assemble.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "daemon.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void channel_fill(struct gateway *gw, const struct settings_channel *s, struct gw_channel *c)
{
    *c = (struct gw_channel){.gateway = gw,
                             .name = s->name,
                             .type = s->common.type,
                             .account = s->common.account,
                             .policy = s->common.in_doubt == SETTINGS_RESEND ? POLICY_RESEND : POLICY_HOLD,
                             .max_attempts = s->common.max_attempts,
                             .retry_min_us = s->common.retry_min_us,
                             .retry_max_us = s->common.retry_max_us,
                             .queue_max = s->common.queue_max};
}

/* Loads its plugin and fills the plugin's options. */
static void channel_load(struct assembly *a, const struct settings_channel *s, struct assembled *x)
{
    static const struct hilo_abilities nothing = {.size = sizeof nothing};
    struct gw_channel *c = &x->channel;
    struct err e = {0};

    c->able = &nothing;
    if (s->common.plugin.n == 0) /* an error of the configuration, said there */
        return;
    if (plugins_load(a->plugins, s->common.plugin.p, &e, &x->plugin) != HILO_OK) {
        (void)snprintf(c->broken, sizeof c->broken, "%.250s", e.text);
        return;
    }
    const struct hilo_plugin *p = plugin_desc(x->plugin);
    c->able = plugin_abilities(x->plugin);
    c->provides = p->provides;
    x->conf = arena_alloc(a->conf->arena, p->conf_size ? p->conf_size : 1);
    conf_fill(a->conf, s->node, s->section.p, s->line, s->column, p->options, p->n_options,
              settings_common_keys, a->conf->arena, x->conf);
    if (!str_eqz(s->common.type, p->name))
        conf_fail(a->conf, s->line, s->column, "%s: type is \"%.*s\", but %s is a plugin of type \"%s\"",
                  s->section.p, STR_FMT(s->common.type), plugin_path(x->plugin), p->name);
}

static void channels_make(struct gateway *gw, struct assembly *a)
{
    struct gw_channel **end = &gw->channels;
    struct assembled **x_end = &a->channels;

    for (const struct settings_channel *s = a->settings.channels; s; s = s->next) {
        if (!s->common.enabled)
            continue;
        struct assembled *x = ARENA_NEW(a->conf->arena, struct assembled);
        channel_fill(gw, s, &x->channel);
        channel_load(a, s, x);
        *end = &x->channel;
        end = &x->channel.next;
        *x_end = x;
        x_end = &x->next;
    }
}

static void routes_make(struct gateway *gw, struct assembly *a)
{
    struct gw_route **end = &gw->routes;

    for (const struct settings_route *s = a->settings.routes; s; s = s->next) {
        struct gw_route *r = ARENA_NEW(a->conf->arena, struct gw_route);
        *r = (struct gw_route){
            .scheme = (uint32_t)s->scheme, .category = (uint32_t)s->category, .channel = s->channel};
        *end = r;
        end = &r->next;
    }
}

static void gateway_fill(struct gateway *gw, const char *config, const struct settings *s)
{
    gw->name = s->gateway.name;
    gw->language = s->gateway.language;
    gw->public_url = s->http.public_url;
    gw->expires_us = s->gateway.expires_us;
    gw->media_max_bytes = s->store.media_max_bytes;
    gw->link_life_us = s->http.link_life_us;
    gw->started_us = clock_wall_us();
    gw->config_file = config;
}

int32_t assemble(const char *config, struct gateway *gw, struct assembly *a, struct err *e)
{
    int32_t rc = conf_load(config, e, &a->conf);

    if (rc == HILO_OK || (rc == HILO_INVALID && a->conf->root)) {
        settings_read(a->conf, &a->settings);
        gw->log = log_new(STDERR_FILENO,
                          a->conf->n_errors ? (int32_t)HILO_LOG_INFO : (int32_t)a->settings.log.level);
        a->plugins = plugins_new(gw->log);
        gw->arena = arena_new();
        gateway_fill(gw, config, &a->settings);
        channels_make(gw, a); /* after an error too: all that is wrong is said at once */
        routes_make(gw, a);
    }
    for (const struct gw_channel *c = gw->channels; c; c = c->next)
        if (c->broken[0])
            log_event(gw->log, HILO_LOG_ERROR, "channel.broken", "channel=%.*s error=\"%s\"",
                      STR_FMT(c->name), c->broken);
    if (a->conf && a->conf->n_errors) {
        conf_print_errors(a->conf, STDERR_FILENO);
        return err_set(e, HILO_INVALID, "%s has %u error%s; nothing was started", config, a->conf->n_errors,
                       a->conf->n_errors == 1 ? "" : "s");
    }
    return rc == HILO_OK ? loop_new(e, &gw->loop) : rc;
}

void assembly_done(struct gateway *gw, struct assembly *a)
{
    plugins_free(&a->plugins);
    loop_free(&gw->loop);
    arena_free(&gw->arena);
    conf_free(&a->conf);
    log_free(&gw->log);
}

int32_t daemon_check_config(const char *config, struct err *e)
{
    struct assembly a = {0};
    struct gateway gw = {0};
    unsigned channels = 0, broken = 0;
    int32_t rc = assemble(config, &gw, &a, e);

    for (const struct gw_channel *c = gw.channels; c; c = c->next) {
        channels++;
        broken += c->broken[0] != 0;
    }
    if (rc == HILO_OK && broken)
        rc = err_set(e, HILO_INVALID, "%u of %u channels can't be loaded (see above)", broken, channels);
    if (rc == HILO_OK)
        (void)printf("%s is good: %u channel%s\n", config, channels, channels == 1 ? "" : "s");
    assembly_done(&gw, &a);
    return rc;
}

int32_t daemon_check_plugin(const char *path, struct err *e)
{
    struct plugins *plugins = plugins_new(NULL);
    struct arena *arena = arena_new();
    struct plugin *plugin;
    int32_t rc = plugins_load(plugins, path, e, &plugin);

    if (rc == HILO_OK) {
        const struct hilo_plugin *p = plugin_desc(plugin);
        (void)printf("%s: plugin %s %s (%s), for version 1.%u\n%s\n\n%s", path, p->name, p->version,
                     p->license ? p->license : "no license named", p->minor, p->summary ? p->summary : "",
                     arena_z(arena, conf_sample(p->options, p->n_options, arena)));
    }
    arena_free(&arena);
    plugins_free(&plugins);
    return rc;
}
