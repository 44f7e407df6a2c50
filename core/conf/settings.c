/*
 * The daemon's sections: their option tables, and what a table can't say (an address,
 * a channel's name, a route's channel, defaults made of other settings).
 *
 * Limits stand here once. Those of the store are the store's own (journal.h).
 */
#include "conf/settings.h"
#include "base/str.h"
#include "base/zone.h"
#include "conf/private.h"
#include <arpa/inet.h>
#include <sys/un.h>

#ifndef HILO_PLUGIN_DIR
#define HILO_PLUGIN_DIR "/usr/local/lib/hilo/plugins"
#endif

#define SECOND       INT64_C(1000000)
#define DAY          (86400 * SECOND)
#define MIB          (INT64_C(1) << 20)
#define GIB          (INT64_C(1) << 30)
#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof *(array)))
/* The longest path of a unix socket, its NUL apart. */
enum { SOCKET_PATH_MAX = sizeof((struct sockaddr_un *)0)->sun_path - 1 };

#define GATEWAY(field, type) HILO_OPTION(struct settings_gateway, field, type)
static const struct hilo_option gateway_options[] = {
    {GATEWAY(name, HILO_OPT_STR), .name = "name", .flags = HILO_OPT_RELOADABLE, .def = "hilo", .min = 1,
     .max = 64, .help = "What this gateway is called in events and logs."},
    {GATEWAY(language, HILO_OPT_STR), .name = "language", .flags = HILO_OPT_RELOADABLE, .def = "en", .min = 2,
     .max = 16, .help = "Language of the texts that the gateway itself writes to customers: en, es."},
    {GATEWAY(time_zone, HILO_OPT_STR), .name = "time_zone", .flags = HILO_OPT_RELOADABLE, .min = 1, .max = 64,
     .help = "Where the day has the hours that customers are told: a name of IANA's, America/Bogota; by "
             "default the machine's own. A customer's or an appointment's goes before it."},
    {GATEWAY(data_dir, HILO_OPT_STR), .name = "data_dir", .def = "/var/lib/hilo", .min = 1, .max = 3000,
     .help = "Folder of the store; the daemon alone may write to it."},
    {GATEWAY(plugin_dir, HILO_OPT_STR), .name = "plugin_dir", .flags = HILO_OPT_RELOADABLE,
     .def = HILO_PLUGIN_DIR, .min = 1, .max = 3000, .help = "Folder of the channel plugins."},
    {GATEWAY(expires_us, HILO_OPT_DURATION), .name = "expires_in", .flags = HILO_OPT_RELOADABLE, .def = "3d",
     .min = SECOND, .max = 365 * DAY, .help = "How long a message is tried when its sender does not say."},
    {GATEWAY(parts_wait_us, HILO_OPT_DURATION), .name = "parts_wait", .flags = HILO_OPT_RELOADABLE,
     .def = "1d", .min = SECOND, .max = 30 * DAY,
     .help =
         "How long a customer's message that came in parts waits for the missing ones; then it is taken as "
         "far as it came."},
    {GATEWAY(isolation, HILO_OPT_ENUM), .name = "isolation", .flags = HILO_OPT_RELOADABLE, .def = "thread",
     .choices = "thread|process",
     .help = "How channels run that do not say: on a thread of the daemon, or each in a process of its own "
             "without privileges, whose crash stops no other."},
    {GATEWAY(worker_user, HILO_OPT_STR), .name = "worker_user", .flags = HILO_OPT_RELOADABLE, .min = 1,
     .max = 64,
     .help = "The user that these processes become when hilod is started as root, by default nobody."},
    {GATEWAY(hung_us, HILO_OPT_DURATION), .name = "hung_after", .def = "10s", .min = SECOND, .max = DAY,
     .help = "A plugin that does not come back for so long hangs: its process is killed and started again; a "
             "thread can only be reported."},
};

#define STORE(field, type) HILO_OPTION(struct settings_store, field, type)
static const struct hilo_option store_options[] = {
    {STORE(segment_bytes, HILO_OPT_BYTES), .name = "segment_size", .def = "64M", .min = 8 * MIB, .max = GIB,
     .help = "Size of the journal's files, a multiple of 4k; two are on disk from the start."},
    {STORE(map_bytes, HILO_OPT_BYTES), .name = "map_size", .def = "64G", .min = 16 * MIB, .max = 16384 * GIB,
     .help = "The most that the context may grow to; address space, not disk, is taken at once."},
    {STORE(media_max_bytes, HILO_OPT_BYTES), .name = "media_max", .flags = HILO_OPT_RELOADABLE, .def = "100M",
     .min = 1024, .max = 16 * GIB, .help = "The largest media file that is taken."},
};

#define HTTP(field, type) HILO_OPTION(struct settings_http, field, type)
static const struct hilo_option http_options[] = {
    {HTTP(listen, HILO_OPT_STR), .name = "listen", .def = "127.0.0.1:8080", .min = 1, .max = 64,
     .help = "Address and port of the HTTP interface; put a proxy with TLS in front of it."},
    {HTTP(control, HILO_OPT_STR), .name = "control", .max = SOCKET_PATH_MAX,
     .help =
         "Path of the control socket that the command hilo uses, by default control.sock in data_dir; \"\": "
         "none."},
    {HTTP(public_url, HILO_OPT_URL), .name = "public_url", .flags = HILO_OPT_RELOADABLE,
     .help = "Where customers and providers reach this gateway (/m, /c, /u, /hooks); without it no signed "
             "links are "
             "given."},
    {HTTP(body_max_bytes, HILO_OPT_BYTES), .name = "body_max", .flags = HILO_OPT_RELOADABLE, .def = "1M",
     .min = 1024, .max = 64 * MIB, .help = "The largest JSON body that is taken."},
    {HTTP(hook_max_bytes, HILO_OPT_BYTES), .name = "hook_max", .flags = HILO_OPT_RELOADABLE, .def = "4M",
     .min = 1024, .max = 64 * MIB, .help = "The largest request of a provider that is taken."},
    {HTTP(connections_max, HILO_OPT_INT), .name = "connections", .def = "10000", .min = 1, .max = 1000000,
     .help = "Connections at the same time; more wait to be accepted."},
    {HTTP(connections_per_ip_max, HILO_OPT_INT), .name = "connections_per_ip", .def = "1000", .min = 1,
     .max = 1000000, .help = "Of these, from one address."},
    {HTTP(idle_timeout_us, HILO_OPT_DURATION), .name = "idle_timeout", .def = "60s", .min = SECOND,
     .max = DAY,
     .help = "A connection without traffic for so long is closed; so is one whose request's head takes twice "
             "as long, or whose body comes with less than 1 KiB a second."},
    {HTTP(streams_max, HILO_OPT_INT), .name = "event_streams", .def = "256", .min = 1, .max = 100000,
     .help = "Streams of events (GET /v1/events) at the same time; each may take 256 KiB for a slow reader."},
    {HTTP(link_life_us, HILO_OPT_DURATION), .name = "link_life", .flags = HILO_OPT_RELOADABLE, .def = "1d",
     .min = SECOND, .max = 365 * DAY, .help = "How long a signed link to media works."},
    {HTTP(metrics_public, HILO_OPT_BOOL), .name = "metrics_public", .flags = HILO_OPT_RELOADABLE,
     .def = "false", .help = "Whether /metrics needs no key; it names channels and numbers, nobody."},
};

static const struct hilo_option log_options[] = {
    {HILO_OPTION(struct settings_log, level, HILO_OPT_ENUM), .name = "level", .flags = HILO_OPT_RELOADABLE,
     .def = "info", .choices = "error|warn|info|debug",
     .help = "The least important events that are logged."},
};

#define WEBHOOKS(field, type) HILO_OPTION(struct settings_webhooks, field, type)
static const struct hilo_option webhooks_options[] = {
    {WEBHOOKS(allow_http, HILO_OPT_BOOL), .name = "allow_http", .flags = HILO_OPT_RELOADABLE, .def = "false",
     .help =
         "Whether webhooks may go to http URLs beyond this machine, where anybody on the way reads them."},
    {WEBHOOKS(ca_file, HILO_OPT_STR), .name = "ca_file", .max = 3000,
     .help = "Certificates of the authorities that endpoints are verified by, PEM; by default the system's."},
    {WEBHOOKS(timeout_us, HILO_OPT_DURATION), .name = "timeout", .def = "15s", .min = 100000,
     .max = 25 * SECOND, .help = "How long an endpoint has to answer one delivery."},
    {WEBHOOKS(connections, HILO_OPT_INT), .name = "connections", .def = "16", .min = 1, .max = 256,
     .help = "Deliveries to one endpoint at the same time, each of another customer."},
};

#define APPOINTMENTS(field, type) HILO_OPTION(struct settings_appointments, field, type)
static const struct hilo_option appointments_options[] = {
    {APPOINTMENTS(channel, HILO_OPT_STR), .name = "channel", .flags = HILO_OPT_RELOADABLE, .min = 1,
     .max = 63,
     .help =
         "The channel of confirmations and reminders; by default the one by which the customer wrote last, "
         "else the first route that fits."},
    {APPOINTMENTS(near_us, HILO_OPT_DURATION), .name = "near", .flags = HILO_OPT_RELOADABLE, .def = "15m",
     .min = 0, .max = DAY,
     .help =
         "How long before it begins an appointment is told to be near (hilo.appointment.near); 0s: never."},
    {APPOINTMENTS(remind_us, HILO_OPT_DURATION), .name = "remind", .flags = HILO_OPT_RELOADABLE, .def = "24h",
     .min = 0, .max = 30 * DAY,
     .help = "How long before it begins the customer is reminded, if whoever books does not say; 0s: not."},
    {APPOINTMENTS(confirmation_text, HILO_OPT_STR), .name = "confirmation_text", .flags = HILO_OPT_RELOADABLE,
     .min = 1, .max = 1000,
     .help =
         "Instead of the gateway's own words; {when}, {date}, {time}, {place}, {code}, {subject} and {name} "
         "are filled in."},
    {APPOINTMENTS(reminder_text, HILO_OPT_STR), .name = "reminder_text", .flags = HILO_OPT_RELOADABLE,
     .min = 1, .max = 1000, .help = "Likewise, of reminders."},
    {APPOINTMENTS(confirmation_template, HILO_OPT_STR), .name = "confirmation_template",
     .flags = HILO_OPT_RELOADABLE, .min = 1, .max = 512,
     .help = "The template that confirms where the customer's window is closed."},
    {APPOINTMENTS(reminder_template, HILO_OPT_STR), .name = "reminder_template", .flags = HILO_OPT_RELOADABLE,
     .min = 1, .max = 512, .help = "The template that reminds on channels with a window."},
    {APPOINTMENTS(template_language, HILO_OPT_STR), .name = "template_language", .flags = HILO_OPT_RELOADABLE,
     .min = 2, .max = 35, .help = "Its language, by default es or en, as the customer speaks."},
    {APPOINTMENTS(template_parameters, HILO_OPT_STR), .name = "template_parameters",
     .flags = HILO_OPT_RELOADABLE, .def = "when,place,code", .max = 500,
     .help = "What fills its body, in order: words as in confirmation_text, without braces, between commas; "
             "fecha=date where the template's parameters have names."},
};

#define STOCK(field, type) HILO_OPTION(struct settings_stock, field, type)
static const struct hilo_option stock_options[] = {
    {STOCK(hold_us, HILO_OPT_DURATION), .name = "hold", .flags = HILO_OPT_RELOADABLE, .def = "2h",
     .min = SECOND, .max = 30 * DAY,
     .help =
         "How long something that has arrived is held for a customer who was told, before the next one is."},
    {STOCK(rate, HILO_OPT_INT), .name = "rate", .flags = HILO_OPT_RELOADABLE, .def = "0", .min = 0,
     .max = 10000,
     .help = "How many customers a second are told of one arrival; 0: as many as there is stock for."},
    {STOCK(category, HILO_OPT_ENUM), .name = "category", .flags = HILO_OPT_RELOADABLE, .def = "transactional",
     .choices = "service|transactional|promotional",
     .help =
         "The category of these messages, by which consent applies: they were asked for, so transactional."},
};

#define COMMON(field, type) HILO_OPTION(struct settings_common, field, type)
static const struct hilo_option common_options[] = {
    {COMMON(type, HILO_OPT_STR), .name = "type", .flags = HILO_OPT_REQUIRED, .min = 1, .max = 64,
     .help = "The kind of channel: the name of its plugin, such as whatsapp."},
    {COMMON(plugin, HILO_OPT_STR), .name = "plugin", .max = 4095,
     .help = "Path of the plugin, by default its type with .so in plugin_dir."},
    {COMMON(enabled, HILO_OPT_BOOL), .name = "enabled", .flags = HILO_OPT_RELOADABLE, .def = "true",
     .help = "Whether the channel is started; its messages wait if not."},
    {COMMON(in_doubt, HILO_OPT_ENUM), .name = "in_doubt", .flags = HILO_OPT_RELOADABLE, .def = "hold",
     .choices = "hold|resend",
     .help =
         "What happens to a message that may have left and may not: wait for news of it, or send it again."},
    {COMMON(max_attempts, HILO_OPT_INT), .name = "max_attempts", .flags = HILO_OPT_RELOADABLE, .def = "10",
     .min = 1, .max = 1000, .help = "Sends of one message before it has failed."},
    {COMMON(retry_min_us, HILO_OPT_DURATION), .name = "retry_min", .flags = HILO_OPT_RELOADABLE, .def = "1s",
     .min = 1000, .max = DAY, .help = "Wait before the second attempt; it doubles with each one more."},
    {COMMON(retry_max_us, HILO_OPT_DURATION), .name = "retry_max", .flags = HILO_OPT_RELOADABLE, .def = "10m",
     .min = 1000, .max = 7 * DAY, .help = "The longest wait between attempts."},
    {COMMON(queue_max, HILO_OPT_INT), .name = "queue_max", .flags = HILO_OPT_RELOADABLE, .def = "100000",
     .min = 1, .max = 100000000, .help = "Messages that may wait; beyond it new ones are refused with 429."},
    {COMMON(account, HILO_OPT_STR), .name = "account", .flags = HILO_OPT_RELOADABLE, .max = 128,
     .help = "Scope of the customers' ids that mean nothing outside the provider's account."},
    {COMMON(window, HILO_OPT_ENUM), .name = "window", .flags = HILO_OPT_RELOADABLE, .def = "core",
     .choices = "core|provider",
     .help =
         "Who refuses what comes 24 hours after the customer's last message, where the channel has such a "
         "rule: core before it is queued, or provider alone."},
    {COMMON(rate, HILO_OPT_INT), .name = "rate", .flags = HILO_OPT_RELOADABLE, .min = 0, .max = 100000,
     .help = "Messages a second that are sent, 0: no limit; by default what the plugin says its peer takes. "
             "Where "
             "the peer counts segments (SMS), each of them is one."},
    {COMMON(rate_burst, HILO_OPT_INT), .name = "rate_burst", .flags = HILO_OPT_RELOADABLE, .min = 0,
     .max = 100000, .help = "Of these, how many at once; 0: a second's."},
    {COMMON(pair_interval_us, HILO_OPT_DURATION), .name = "pair_interval", .flags = HILO_OPT_RELOADABLE,
     .min = 0, .max = DAY,
     .help = "Time between two messages to one recipient in the long run, 0s: no limit; by default the "
             "plugin's."},
    {COMMON(pair_burst, HILO_OPT_INT), .name = "pair_burst", .flags = HILO_OPT_RELOADABLE, .min = 0,
     .max = 100000, .help = "Messages to one recipient at once, ahead of the interval; 0: one."},
    {COMMON(isolation, HILO_OPT_ENUM), .name = "isolation", .def = "inherit",
     .choices = "inherit|thread|process",
     .help = "Whether it runs on a thread of the daemon or in a process of its own; inherit: as "
             "gateway.isolation says."},
    {COMMON(scopes, HILO_OPT_STR), .name = "scopes", .flags = HILO_OPT_RELOADABLE, .max = 1000,
     .help = "What its plugin may see and do by the gateway's API, as scopes of keys with spaces between; by "
             "default all that the plugin asks for, and never more. \"\": nothing."},
};
const char *const settings_common_keys[] = {
    "type",          "plugin",     "enabled",   "in_doubt", "max_attempts", "retry_min",
    "retry_max",     "queue_max",  "account",   "window",   "rate",         "rate_burst",
    "pair_interval", "pair_burst", "isolation", "scopes",   "consent",      NULL};
_Static_assert(sizeof settings_common_keys / sizeof *settings_common_keys ==
                   sizeof common_options / sizeof *common_options + 2,
               "settings_common_keys names every option of common_options, and the mapping consent");

/* The index in choices is the value itself: 0 is any, and values count from 1. */
#define ROUTE(field, type) HILO_OPTION(struct settings_route, field, type)
static const struct hilo_option route_options[] = {
    {ROUTE(scheme, HILO_OPT_ENUM), .name = "scheme", .def = "any",
#define HILO_SCHEME(name, value, text) "|" text
     .choices = "any"
#include <hilo/values.def>
     ,
     .help = "Messages to this kind of identifier."},
    {ROUTE(category, HILO_OPT_ENUM), .name = "category", .def = "any",
#define HILO_CATEGORY(name, value, text) "|" text
     .choices = "any"
#include <hilo/values.def>
     ,
     .help = "Messages of this category."},
    {ROUTE(channel, HILO_OPT_STR), .name = "channel", .flags = HILO_OPT_REQUIRED, .min = 1, .max = 63,
     .help = "The name of the channel that they go to."},
};

static const char *const sections[] = {"gateway", "store",    "http",   "log",     "webhooks", "appointments",
                                       "stock",   "channels", "routes", "consent", "kannel",   NULL};

bool settings_table(const char *section, const struct hilo_option **out, uint32_t *n_out)
{
    static const struct {
        const struct hilo_option *options;
        uint32_t n;
    } tables[] = {
        {gateway_options, COUNT(gateway_options)},   {store_options, COUNT(store_options)},
        {http_options, COUNT(http_options)},         {log_options, COUNT(log_options)},
        {webhooks_options, COUNT(webhooks_options)}, {appointments_options, COUNT(appointments_options)},
        {stock_options, COUNT(stock_options)},       {common_options, COUNT(common_options)},
        {route_options, COUNT(route_options)}};

    for (size_t i = 0; i < COUNT(tables); i++) {
        if (strcmp(sections[i], section) == 0) {
            *out = tables[i].options;
            *n_out = tables[i].n;
            return true;
        }
    }
    return false;
}

/* ---- sections ------------------------------------------------------------------------ */

/* The place of an option's value, or of its section, or of the file. */
static void fail_at(struct conf *c, const char *section, const char *option, const char *text)
{
    const struct conf_node *map = conf_get(c->root, section), *n = conf_get(map, option);

    if (!n)
        n = map;
    conf_fail(c, n ? n->line : 1, n ? n->column : 1, "%s.%s %s", section, option, text);
}

static void read_section(struct conf *c, const char *section, void *dst)
{
    const struct conf_node *map = conf_get(c->root, section);
    const struct hilo_option *options;
    uint32_t n;

    if (settings_table(section, &options, &n))
        conf_fill(c, map, section, map ? map->key_line : 1, map ? map->key_column : 1, options, n, NULL,
                  c->arena, dst);
}

/* "127.0.0.1:8080" or "[::1]:8080". */
static bool listen_valid(struct conf *c, struct hilo_str s)
{
    unsigned char address[sizeof(struct in6_addr)];
    const char *colon = memrchr(s.p, ':', (size_t)s.n);
    uint64_t port;

    if (!colon)
        return false;
    struct hilo_str host = str_n(s.p, (size_t)(colon - s.p));
    if (!str_u64(str_n(colon + 1, (size_t)s.n - (size_t)host.n - 1), &port) || port > 65535)
        return false;
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        return inet_pton(AF_INET6, arena_z(c->arena, str_n(host.p + 1, (size_t)host.n - 2)), address) == 1;
    return inet_pton(AF_INET, arena_z(c->arena, host), address) == 1;
}

static void read_http(struct conf *c, struct settings *out)
{
    struct settings_http *h = &out->http;

    read_section(c, "http", h);
    if (h->listen.n && !listen_valid(c, h->listen))
        fail_at(c, "http", "listen", "must be an address and a port such as 127.0.0.1:8080 or [::1]:8080");
    if (!h->control.p && out->gateway.data_dir.n) {
        h->control = arena_fmt(c->arena, "%.*s/control.sock", STR_FMT(out->gateway.data_dir));
        if (h->control.n > SOCKET_PATH_MAX)
            fail_at(c, "gateway", "data_dir",
                    "is too long for the path of a control socket in it; set http.control to a shorter path");
    }
}

static void read_gateway(struct conf *c, struct settings *out)
{
    struct zone_time now;
    struct err e = {0};

    read_section(c, "gateway", &out->gateway);
    if (out->gateway.time_zone.n && zone_local(out->gateway.time_zone, 0, &now, &e) != HILO_OK)
        fail_at(c, "gateway", "time_zone", arena_fmt(c->arena, "can't be used: %s", e.text).p);
}

static void read_store(struct conf *c, struct settings *out)
{
    read_section(c, "store", &out->store);
    if (out->store.segment_bytes % 4096)
        fail_at(c, "store", "segment_size", "must be a multiple of 4k");
}

/* ---- channels and routes ------------------------------------------------------------- */

/* A channel's name is part of paths, URLs and logs; a type is part of a file's name. */
static bool name_valid(struct hilo_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || (ch == '-' && i > 0)))
            return false;
    }
    return s.n >= 1 && s.n <= 63;
}

static void absent_is_minus_one(const struct conf_node *n, const char *name, int64_t *value)
{
    if (conf_absent(conf_get(n, name)))
        *value = -1;
}

static void read_channel(struct conf *c, const struct conf_node *n, struct settings *out,
                         struct settings_channel *ch)
{
    struct settings_common *o = &ch->common;

    ch->name = n->key;
    ch->section = arena_fmt(c->arena, "channels.%.*s", STR_FMT(n->key));
    ch->line = n->key_line;
    ch->column = n->key_column;
    ch->node = n->kind == CONF_MAP ? n : NULL;
    conf_fill(c, n, ch->section.p, ch->line, ch->column, common_options, COUNT(common_options), conf_any,
              c->arena, o);
    settings__consent(c, conf_get(ch->node, "consent"), arena_fmt(c->arena, "%s.consent", ch->section.p).p,
                      &ch->consent);
    absent_is_minus_one(n, "rate", &o->rate);
    absent_is_minus_one(n, "rate_burst", &o->rate_burst);
    absent_is_minus_one(n, "pair_interval", &o->pair_interval_us);
    absent_is_minus_one(n, "pair_burst", &o->pair_burst);
    if (o->isolation == SETTINGS_INHERIT)
        o->isolation = out->gateway.isolation + SETTINGS_THREAD;
    if (o->type.n && !name_valid(o->type)) {
        const struct conf_node *at = conf_get(n, "type");
        conf_fail(c, at->line, at->column,
                  "%s.type must be the name of a plugin, of letters a-z, digits and hyphens; a path goes "
                  "into plugin",
                  ch->section.p);
    } else if (!o->plugin.n && o->type.n && out->gateway.plugin_dir.n) {
        o->plugin = arena_fmt(c->arena, "%.*s/%.*s.so", STR_FMT(out->gateway.plugin_dir), STR_FMT(o->type));
    }
    if (o->retry_max_us && o->retry_min_us > o->retry_max_us) {
        const struct conf_node *at = conf_get(n, "retry_min");
        if (!at)
            at = conf_get(n, "retry_max");
        conf_fail(c, at ? at->line : ch->line, at ? at->column : ch->column,
                  "%s.retry_min (%s) must not be longer than retry_max (%s)", ch->section.p,
                  conf__number(c->arena, HILO_OPT_DURATION, o->retry_min_us),
                  conf__number(c->arena, HILO_OPT_DURATION, o->retry_max_us));
    }
}

static void read_channels(struct conf *c, struct settings *out)
{
    const struct conf_node *map = conf_get(c->root, "channels");
    struct settings_channel **tail = &out->channels;

    if (conf_absent(map) || map->kind == CONF_REFUSED)
        return;
    if (map->kind != CONF_MAP) {
        conf_fail(c, map->line, map->column,
                  "channels must be a mapping of names, each with its options below it");
        return;
    }
    for (const struct conf_node *n = map->child; n; n = n->next) {
        if (!name_valid(n->key)) {
            conf_fail(c, n->key_line, n->key_column,
                      "the channel name %s must be of 1 to 63 letters a-z, digits and hyphens, and not begin "
                      "with a "
                      "hyphen",
                      conf__quote(c->arena, n->key));
            continue;
        }
        struct settings_channel *ch = ARENA_NEW(c->arena, struct settings_channel);
        read_channel(c, n, out, ch);
        *tail = ch;
        tail = &ch->next;
    }
}

/* option: where it is named. */
static void check_channel(struct conf *c, const struct conf_node *n, const char *section, const char *option,
                          const struct settings *s, const struct settings_route *r)
{
    struct conf__near near = {.name = r->channel};
    const struct conf_node *at = conf_get(n, option);
    const struct conf_node *map = conf_get(c->root, "channels");

    /* By the tree, so that a channel whose name or options are wrong is not reported twice. */
    for (const struct conf_node *ch = map && map->kind == CONF_MAP ? map->child : NULL; ch; ch = ch->next)
        if (str_eq(ch->key, r->channel))
            return;
    for (const struct settings_channel *ch = s->channels; ch; ch = ch->next)
        conf__near_try(&near, ch->name);
    conf_fail(c, at ? at->line : n->line, at ? at->column : n->column, "%s.%s: there is no channel %s%s",
              section, option, conf__quote(c->arena, r->channel), conf__near_words(c->arena, &near));
}

static void read_routes(struct conf *c, struct settings *out)
{
    const struct conf_node *list = conf_get(c->root, "routes");
    struct settings_route **tail = &out->routes;
    unsigned nth = 0;

    if (conf_absent(list) || list->kind == CONF_REFUSED)
        return;
    if (list->kind != CONF_LIST) {
        conf_fail(c, list->line, list->column,
                  "routes must be a list, each of its items beginning with \"- \"");
        return;
    }
    for (const struct conf_node *n = list->child; n; n = n->next, nth++) {
        if (n->kind == CONF_REFUSED)
            continue;
        struct settings_route *r = ARENA_NEW(c->arena, struct settings_route);
        const char *section = arena_fmt(c->arena, "routes[%u]", nth).p;
        conf_fill(c, n, section, n->line, n->column, route_options, COUNT(route_options), NULL, c->arena, r);
        if (r->channel.n)
            check_channel(c, n, section, "channel", out, r);
        *tail = r;
        tail = &r->next;
    }
}

struct conf_change *settings_diff(const struct settings *a, const struct settings *b, bool reloadable,
                                  struct arena *arena)
{
    const struct {
        const char *section;
        const void *a, *b;
    } parts[] = {{"gateway", &a->gateway, &b->gateway},
                 {"store", &a->store, &b->store},
                 {"http", &a->http, &b->http},
                 {"log", &a->log, &b->log},
                 {"webhooks", &a->webhooks, &b->webhooks},
                 {"appointments", &a->appointments, &b->appointments},

                 {"stock", &a->stock, &b->stock}};
    struct conf_change *first = NULL, **end = &first;
    const struct hilo_option *options;
    uint32_t n;

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (settings_table(parts[i].section, &options, &n))
            end = conf_diff(options, n, parts[i].a, parts[i].b, reloadable ? HILO_OPT_RELOADABLE : 0,
                            reloadable ? 0 : HILO_OPT_RELOADABLE, parts[i].section, arena, end);
    return first;
}

#define KANNEL(field) HILO_OPTION(struct settings_kannel, field, HILO_OPT_STR), .name = #field
static const struct hilo_option kannel_options[] = {
    {KANNEL(username), .flags = HILO_OPT_RELOADABLE | HILO_OPT_REQUIRED, .min = 1, .max = 128,
     .help = "The name that an application sends as username."},
    {KANNEL(password), .flags = HILO_OPT_RELOADABLE | HILO_OPT_REQUIRED | HILO_OPT_SECRET, .min = 1,
     .max = 128, .help = "And what it sends as password."},
    {KANNEL(channel), .flags = HILO_OPT_RELOADABLE, .max = 63,
     .help = "The channel of all its messages, whatever a request names as smsc."},
    {KANNEL(default_channel), .flags = HILO_OPT_RELOADABLE, .max = 63,
     .help = "The channel when a request names none; by default the first route that fits."},
    {KANNEL(sender), .flags = HILO_OPT_RELOADABLE, .max = 32,
     .help = "The sender of all its messages, whatever a request names as from."},
    {KANNEL(default_sender), .flags = HILO_OPT_RELOADABLE, .max = 32,
     .help = "The sender when a request names none; by default the channel's."},
    {KANNEL(dlr_url), .flags = HILO_OPT_RELOADABLE, .max = 2048,
     .help = "The address of callbacks when a request names none, with Kannel's escapes (%d, %i, ...)."},
    {KANNEL(allow_ip), .flags = HILO_OPT_RELOADABLE, .max = 1024,
     .help = "Addresses that it may come from, even if deny_ip fits: 127.0.0.1;10.0.*.*"},
    {KANNEL(deny_ip), .flags = HILO_OPT_RELOADABLE, .max = 1024,
     .help = "Addresses that it may not come from: *.*.*.*"},
};

static void check_kannel(struct conf *c, const struct conf_node *n, const char *section,
                         const struct settings *s, const struct settings_kannel *u)
{
    const struct settings_route channel = {.channel = u->channel}, other = {.channel = u->default_channel};

    if (u->channel.n)
        check_channel(c, n, section, "channel", s, &channel);
    if (u->default_channel.n)
        check_channel(c, n, section, "default_channel", s, &other);
    for (const struct settings_kannel *o = s->kannel; o; o = o->next)
        if (str_eq(o->username, u->username))
            conf_fail(c, n->line, n->column, "%s.username: there is one of this name already", section);
}

static void read_kannel(struct conf *c, struct settings *out)
{
    const struct conf_node *list = conf_get(c->root, "kannel");
    struct settings_kannel **tail = &out->kannel;
    unsigned nth = 0;

    if (conf_absent(list) || list->kind == CONF_REFUSED)
        return;
    if (list->kind != CONF_LIST) {
        conf_fail(c, list->line, list->column,
                  "kannel must be a list of users, each of its items beginning with \"- \"");
        return;
    }
    for (const struct conf_node *n = list->child; n; n = n->next, nth++) {
        if (n->kind == CONF_REFUSED)
            continue;
        struct settings_kannel *u = ARENA_NEW(c->arena, struct settings_kannel);
        const char *section = arena_fmt(c->arena, "kannel[%u]", nth).p;
        conf_fill(c, n, section, n->line, n->column, kannel_options, COUNT(kannel_options), NULL, c->arena,
                  u);
        check_kannel(c, n, section, out, u);
        *tail = u;
        tail = &u->next;
    }
}

bool settings_same_kannel(const struct settings *a, const struct settings *b)
{
    const struct settings_kannel *x = a->kannel, *y = b->kannel;

    while (x && y && str_eq(x->username, y->username) && str_eq(x->password, y->password) &&
           str_eq(x->channel, y->channel) && str_eq(x->default_channel, y->default_channel) &&
           str_eq(x->sender, y->sender) && str_eq(x->default_sender, y->default_sender) &&
           str_eq(x->dlr_url, y->dlr_url) && str_eq(x->allow_ip, y->allow_ip) &&
           str_eq(x->deny_ip, y->deny_ip)) {
        x = x->next;
        y = y->next;
    }
    return !x && !y;
}

bool settings_same_routes(const struct settings *a, const struct settings *b)
{
    const struct settings_route *x = a->routes, *y = b->routes;

    while (x && y && x->scheme == y->scheme && x->category == y->category && str_eq(x->channel, y->channel)) {
        x = x->next;
        y = y->next;
    }
    return !x && !y;
}

void settings_read(struct conf *c, struct settings *out)
{
    *out = (struct settings){0};
    conf_known(c, c->root, "", sections);
    read_gateway(c, out);
    read_store(c, out);
    read_http(c, out);
    read_section(c, "log", &out->log);
    read_section(c, "webhooks", &out->webhooks);
    read_section(c, "stock", &out->stock);
    settings__consent(c, conf_get(c->root, "consent"), "consent", &out->consent);
    read_section(c, "appointments", &out->appointments);
    read_channels(c, out);
    read_routes(c, out);
    const struct settings_route told = {.channel = out->appointments.channel};
    if (told.channel.n)
        check_channel(c, conf_get(c->root, "appointments"), "appointments", "channel", out, &told);
    read_kannel(c, out);
}
