/* From a configuration to what the daemon runs. */
#include "assemble.h"
#include "base/check.h"
#include "base/str.h"
#include "daemon.h"
#include "rules.h"
#include "services/access.h"
#include "services/appointments.h"
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- worker processes ------------------------------------------------------------------ */

/* hilo-worker, which is installed with us: beside hilod in the build, else in libexec. */
static void worker_find(struct assembly *a)
{
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    const char *slash = n > 0 ? memrchr(exe, '/', (size_t)n) : NULL;

    for (int i = 0; slash && i < 2; i++) {
        struct hilo_str path =
            i == 0 ? arena_fmt(a->conf->arena, "%.*s/hilo-worker", (int)(slash - exe), exe)
                   : arena_fmt(a->conf->arena, "%.*s/../libexec/hilo/hilo-worker", (int)(slash - exe), exe);
        if (access(path.p, X_OK) == 0) {
            a->worker.path = path.p;
            return;
        }
    }
    (void)snprintf(a->no_worker, sizeof a->no_worker,
                   "hilo-worker is neither beside hilod nor in ../libexec/hilo; install it there, or set "
                   "isolation: thread");
}

/* Whom workers become. A daemon that is not root's can make them nobody else than itself. */
static void worker_become(struct assembly *a)
{
    struct hilo_str set = a->settings.gateway.worker_user;
    const struct conf_node *map = conf_get(a->conf->root, "gateway"), *at = conf_get(map, "worker_user");
    const char *name = set.n ? set.p : "nobody";
    struct passwd *pw;

    if (geteuid() != 0 && set.n == 0)
        return;
    if (!at)
        at = map;
    pw = getpwnam(name);
    if (!pw)
        conf_fail(a->conf, at ? at->line : 1, at ? at->column : 1,
                  "gateway.worker_user: there is no user \"%s\"; name one that owns nothing, for the worker "
                  "processes of channels",
                  name);
    else if (geteuid() != 0 && pw->pw_uid != geteuid())
        conf_fail(a->conf, at ? at->line : 1, at ? at->column : 1,
                  "gateway.worker_user: only a hilod that is started as root can make its workers \"%s\"; "
                  "leave it out, or start hilod as root",
                  name);
    else if (geteuid() == 0) {
        a->worker.drop = true;
        a->worker.uid = (uint32_t)pw->pw_uid;
        a->worker.gid = (uint32_t)pw->pw_gid;
    }
}

static void workers_prepare(struct assembly *a)
{
    for (const struct settings_channel *s = a->settings.channels; s; s = s->next)
        if (s->common.enabled && s->common.isolation == SETTINGS_PROCESS) {
            worker_find(a);
            worker_become(a);
            return;
        }
}

/* ---- what plugins ask of the API ------------------------------------------------------------ */

/* What lets its holder make other keys, or change the gateway, is nothing for a plugin. */
enum { SCOPES_NEVER = SCOPE_KEYS_WRITE | SCOPE_CONFIG_WRITE };

static int32_t plugin_scopes(const struct plugin *plugin, uint32_t *out, struct err *e)
{
    const struct hilo_plugin *p = plugin_desc(plugin);
    struct hilo_str unknown;

    *out = 0;
    if (!p->scopes)
        return HILO_OK;
    if (!access_scopes_parse(str(p->scopes), out, &unknown))
        return err_set(
            e, HILO_INVALID,
            "plugin %s: asks for the scope \"%.*s\", which this hilod does not have; update hilod, or use "
            "an older build of the plugin",
            plugin_path(plugin), STR_FMT(str_utf8_head(unknown, 60)));
    if (*out & SCOPES_NEVER)
        return err_set(
            e, HILO_INVALID,
            "plugin %s: asks for keys:write, config:write or all, which no plugin gets; name what it "
            "needs in hilo_plugin.scopes",
            plugin_path(plugin));
    return HILO_OK;
}

/* ---- channels --------------------------------------------------------------------------- */

/* Loads its plugin, or has a worker say what it is. */
static int32_t plugin_get(struct assembly *a, struct plugins *plugins, struct assembled *x, struct err *e)
{
    const char *path = x->set->common.plugin.p;

    if (x->set->common.isolation != SETTINGS_PROCESS)
        return plugins_load(plugins, path, e, &x->plugin);
    if (a->no_worker[0])
        return err_set(e, HILO_NOTFOUND, "%s", a->no_worker);
    if (geteuid() == 0 && !a->worker.drop) /* an error of the configuration, said there */
        return err_set(e, HILO_INVALID, "gateway.worker_user is wrong");
    x->worker = &a->worker;
    return plugins_describe(plugins, path, x->worker, e, &x->plugin);
}

/* What the plugin itself says of its options, which the table of them cannot. */
static void channel_check(struct assembly *a, struct assembled *x)
{
    const struct settings_channel *s = x->set;
    char wrong[512];
    struct err e = {0};

    if (plugin_check(x->plugin, x->conf, x->worker, &x->able, wrong, sizeof wrong, &e) != HILO_OK) {
        (void)snprintf(x->broken, sizeof x->broken, "%.250s", e.text);
        x->plugin = NULL;
    } else if (wrong[0]) {
        const struct conf_node *at = conf_path(s->node, str(wrong));
        uint32_t line = s->line, column = s->column;

        if (at && at != s->node)
            conf_place(at, &line, &column);
        conf_fail(a->conf, line, column, "%s.%s", s->section.p, wrong);
    }
}

/* What the plugin asks of the API, as far as the operator lets it. */
static void channel_scopes(struct assembly *a, struct assembled *x)
{
    const struct settings_channel *s = x->set;
    const struct conf_node *at = conf_get(s->node, "scopes");
    struct hilo_str unknown;
    uint32_t narrowed;
    struct err e = {0};

    if (plugin_scopes(x->plugin, &x->scopes, &e) != HILO_OK) {
        (void)snprintf(x->broken, sizeof x->broken, "%.250s", e.text);
        x->plugin = NULL;
        return;
    }
    if (conf_absent(at))
        return;
    if (!access_scopes_parse(s->common.scopes, &narrowed, &unknown))
        conf_fail(a->conf, at->line, at->column,
                  "%s.scopes: there is no scope \"%.*s\"; hilo.yaml(5) lists them", s->section.p,
                  STR_FMT(str_utf8_head(unknown, 60)));
    else if (narrowed & ~x->scopes)
        conf_fail(a->conf, at->line, at->column,
                  "%s.scopes: %.*s is not what its plugin asks for (%.*s); it can be narrowed only",
                  s->section.p, STR_FMT(access_scopes_text(narrowed & ~x->scopes, a->conf->arena)),
                  STR_FMT(x->scopes ? access_scopes_text(x->scopes, a->conf->arena) : STR("nothing")));
    else
        x->scopes = narrowed;
}

/* Loads its plugin and fills the plugin's options. */
static void channel_load(struct assembly *a, struct plugins *plugins, struct assembled *x)
{
    const struct settings_channel *s = x->set;
    struct err e = {0};

    if (s->common.plugin.n == 0) /* an error of the configuration, said there */
        return;
    if (plugin_get(a, plugins, x, &e) != HILO_OK) {
        (void)snprintf(x->broken, sizeof x->broken, "%.250s", e.text);
        return;
    }
    const struct hilo_plugin *p = plugin_desc(x->plugin);
    unsigned before = a->conf->n_errors;
    x->able = *plugin_abilities(x->plugin);
    x->conf = arena_alloc(a->conf->arena, p->conf_size ? p->conf_size : 1);
    conf_fill(a->conf, s->node, s->section.p, s->line, s->column, p->options, p->n_options,
              settings_common_keys, a->conf->arena, x->conf);
    if (!str_eqz(s->common.type, p->name))
        conf_fail(a->conf, s->line, s->column, "%s: type is \"%.*s\", but %s is a plugin of type \"%s\"",
                  s->section.p, STR_FMT(s->common.type), plugin_path(x->plugin), p->name);
    channel_scopes(a, x);
    if (x->plugin && a->conf->n_errors == before)
        channel_check(a, x);
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

/* What only the services know of their settings. */
static void appointments_check(struct assembly *a)
{
    const struct conf_node *map = conf_get(a->conf->root, "appointments"),
                           *at = conf_get(map, "template_parameters");
    struct hilo_str word;

    if (!appointment_parameters_check(a->settings.appointments.template_parameters, &word))
        conf_fail(
            a->conf, at ? at->line : 1, at ? at->column : 1,
            "appointments.template_parameters: \"%.*s\" is none of when, date, time, place, code, subject "
            "and name, of which at most 20 are taken, nor one of them with a parameter's name and = before "
            "it",
            STR_FMT(word));
}

int32_t assembly_load(struct assembly *a, struct plugins *plugins, struct err *e)
{
    struct assembled **end = &a->channels;

    workers_prepare(a);
    const struct settings_consent none = {0};

    appointments_check(a);
    rules_check(a->conf, &a->settings.consent, "consent");
    a->consent = rules_make(a->conf->arena, &a->settings.consent, &none);
    for (const struct settings_channel *s = a->settings.channels; s; s = s->next) {
        if (!s->common.enabled)
            continue;
        struct assembled *x = ARENA_NEW(a->conf->arena, struct assembled);
        x->set = s;
        x->hung_us = a->settings.gateway.hung_us;
        x->consent = rules_make(a->conf->arena, &a->settings.consent, &s->consent);
        rules_check(a->conf, &s->consent, s->section.p);
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
    uint32_t scopes = 0;
    int32_t rc = plugins_load(plugins, path, e, &plugin);

    if (rc == HILO_OK)
        rc = plugin_scopes(plugin, &scopes, e);
    if (rc == HILO_OK) {
        const struct hilo_plugin *p = plugin_desc(plugin);
        struct hilo_str asks = access_scopes_text(scopes, arena);
        (void)printf("%s: plugin %s %s (%s), for version 1.%u\n%s\n%s%.*s%s\n%s", path, p->name, p->version,
                     p->license ? p->license : "no license named", p->minor, p->summary ? p->summary : "",
                     scopes ? "asks of the gateway: " : "", STR_FMT(asks), scopes ? "\n" : "",
                     arena_z(arena, conf_sample(p->options, p->n_options, arena)));
    }
    arena_free(&arena);
    plugins_free(&plugins);
    return rc;
}
