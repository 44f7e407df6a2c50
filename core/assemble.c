/* From a configuration to what the daemon runs. */
#include "assemble.h"
#include "base/check.h"
#include "base/str.h"
#include "daemon.h"
#include <stdio.h>
#include <unistd.h>

/* What the plugin itself says of its options, which the table of them cannot. */
static void channel_check(struct assembly *a, struct assembled *x)
{
    const struct hilo_plugin *p = plugin_desc(x->plugin);
    const struct settings_channel *s = x->set;
    const char *wrong;

    wrong = p->check ? p->check(x->conf, &x->able) : NULL;
    if (wrong)
        conf_fail(a->conf, s->line, s->column, "%s.%s", s->section.p, wrong);
}

/* Loads its plugin and fills the plugin's options. */
static void channel_load(struct assembly *a, struct plugins *plugins, struct assembled *x)
{
    const struct settings_channel *s = x->set;
    struct err e = {0};

    if (s->common.plugin.n == 0) /* an error of the configuration, said there */
        return;
    if (plugins_load(plugins, s->common.plugin.p, &e, &x->plugin) != HILO_OK) {
        (void)snprintf(x->broken, sizeof x->broken, "%.250s", e.text);
        return;
    }
    const struct hilo_plugin *p = plugin_desc(x->plugin);
    unsigned before = a->conf->n_errors;
    x->able = *plugin_abilities(x->plugin);
    x->conf = arena_alloc(a->conf->arena, p->conf_size ? p->conf_size : 1);
    conf_fill(a->conf, s->node, s->section.p, s->line, s->column, p->options, p->n_options,
              settings_common_keys, a->conf->arena, x->conf);
    if (a->conf->n_errors == before)
        channel_check(a, x);
    if (!str_eqz(s->common.type, p->name))
        conf_fail(a->conf, s->line, s->column, "%s: type is \"%.*s\", but %s is a plugin of type \"%s\"",
                  s->section.p, STR_FMT(s->common.type), plugin_path(x->plugin), p->name);
}

static int32_t faults(const struct assembly *a, struct err *e)
{
    unsigned n = a->conf->n_errors;

    return n ? err_set(e, HILO_INVALID, "%s has %u error%s; nothing was started", a->conf->file, n,
                       n == 1 ? "" : "s")
             : HILO_OK;
}

int32_t assembly_read(const char *config, struct assembly *a, struct err *e)
{
    int32_t rc = conf_load(config, e, &a->conf);

    if (rc == HILO_OK || (rc == HILO_INVALID && a->conf->root))
        settings_read(a->conf, &a->settings);
    return rc == HILO_IO ? rc : faults(a, e);
}

int32_t assembly_load(struct assembly *a, struct plugins *plugins, struct err *e)
{
    struct assembled **end = &a->channels;

    for (const struct settings_channel *s = a->settings.channels; s; s = s->next) {
        if (!s->common.enabled)
            continue;
        struct assembled *x = ARENA_NEW(a->conf->arena, struct assembled);
        x->set = s;
        channel_load(a, plugins, x);
        *end = x;
        end = &x->next;
    }
    return faults(a, e);
}

void assembly_done(struct assembly *a)
{
    conf_free(&a->conf);
    *a = (struct assembly){0};
}

void assembly_log_broken(struct log *log, const struct assembled *x)
{
    char quoted[sizeof x->broken + 64];

    log_event(log, HILO_LOG_ERROR, "channel.broken", "channel=%.*s error=%s", STR_FMT(x->set->name),
              log_quote(str(x->broken), quoted, sizeof quoted));
}

int32_t daemon_check_config(const char *config, struct err *e)
{
    struct assembly a = {0};
    struct log *log = log_new(STDERR_FILENO, HILO_LOG_INFO);
    struct plugins *plugins = plugins_new(log);
    unsigned channels = 0, broken = 0;
    int32_t rc = assembly_read(config, &a, e);

    if (rc == HILO_OK)
        log_level_set(log, (int32_t)a.settings.log.level);
    if (a.conf && a.conf->root)
        rc = assembly_load(&a, plugins, e);
    for (const struct assembled *x = a.channels; x; x = x->next) {
        channels++;
        broken += x->broken[0] != 0;
        if (x->broken[0])
            assembly_log_broken(log, x);
    }
    if (rc == HILO_INVALID)
        conf_print_errors(a.conf, STDERR_FILENO);
    if (rc == HILO_OK && broken)
        rc = err_set(e, HILO_INVALID, "%u of %u channels can't be loaded (see above)", broken, channels);
    if (rc == HILO_OK)
        (void)printf("%s is good: %u channel%s\n", config, channels, channels == 1 ? "" : "s");
    plugins_free(&plugins);
    assembly_done(&a);
    log_free(&log);
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
