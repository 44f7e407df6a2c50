/*
 * The daemon's own settings, read from a configuration's tree: what every section
 * means, its defaults and limits. A plugin's options stay in the tree for whoever
 * has loaded the plugin and knows its table. [own] thread.
 */
#ifndef CONF_SETTINGS_H
#define CONF_SETTINGS_H

#include "conf/conf.h"

/* Values of isolation; of gateway.isolation one less. */
enum { SETTINGS_INHERIT = 0, SETTINGS_THREAD = 1, SETTINGS_PROCESS = 2 };

struct settings_gateway {
    struct hilo_str name, language;
    struct hilo_str time_zone;            /* of IANA's, there; empty: the machine's */
    struct hilo_str data_dir, plugin_dir; /* relative: from the working folder */
    int64_t expires_us, parts_wait_us;
    int64_t isolation;           /* of channels that say inherit: 0 thread, 1 process */
    struct hilo_str worker_user; /* empty: nobody, if the daemon is root's */
    int64_t hung_us;
};

struct settings_store {
    int64_t segment_bytes, map_bytes, media_max_bytes;
};

struct settings_http {
    struct hilo_str listen;     /* checked: "127.0.0.1:8080", "[::1]:8080" */
    struct hilo_str control;    /* a path; empty: no control socket */
    struct hilo_str public_url; /* empty: no signed links */
    int64_t body_max_bytes, hook_max_bytes;
    int64_t connections_max, connections_per_ip_max;
    int64_t idle_timeout_us, link_life_us;
    int64_t streams_max;
    uint64_t metrics_public;
};

struct settings_log {
    int64_t level; /* HILO_LOG_x */
};

struct settings_stock {
    int64_t hold_us, rate;
    int64_t category; /* as listed: service, transactional, promotional */
};

struct settings_webhooks {
    uint64_t allow_http;
    struct hilo_str ca_file; /* empty: the system's authorities */
    int64_t timeout_us, connections;
};

/* What customers are told of their appointments; all may be empty. */
struct settings_appointments {
    struct hilo_str channel;
    int64_t near_us, remind_us; /* 0: never */
    struct hilo_str confirmation_text, reminder_text;
    struct hilo_str confirmation_template, reminder_template;
    struct hilo_str template_language, template_parameters;
};

/* Values of in_doubt. */
enum { SETTINGS_HOLD = 0, SETTINGS_RESEND = 1 };

/* Values of window. */
enum { SETTINGS_WINDOW_CORE = 0, SETTINGS_WINDOW_PROVIDER = 1 };

/* A word of the operator's by which people end or begin messages, as written, and a text
 * that answers one. Values of kind are those of SETTINGS_CONSENT_x. */
enum {
    SETTINGS_CONSENT_STOP = 1,
    SETTINGS_CONSENT_START = 2,
    SETTINGS_CONSENT_HELP = 3,
    SETTINGS_CONSENT_IGNORED = 4
};
struct settings_word {
    struct settings_word *next;
    uint32_t kind;
    struct hilo_str text;
    uint32_t line, column;
};
struct settings_text {
    struct settings_text *next;
    uint32_t kind;
    struct hilo_str language; /* "es"; empty: any that has none of its own */
    struct hilo_str text;
};
/* The section consent, of the gateway or of a channel. */
struct settings_consent {
    struct settings_word *words;
    struct settings_text *texts;
    bool has_languages, has_stops, has_confirm; /* given here */
    uint32_t languages;                         /* bits: 1 en, 2 es, 4 pt */
    uint32_t stops;                             /* 1 << HILO_CATEGORY_x */
    bool confirm;
};

/* What every channel has, whatever its plugin. */
struct settings_common {
    struct hilo_str type, plugin; /* plugin: a path, by default {plugin_dir}/{type}.so */
    uint64_t enabled;
    int64_t in_doubt;
    int64_t max_attempts;
    int64_t retry_min_us, retry_max_us;
    int64_t queue_max;
    struct hilo_str account; /* may be empty */
    int64_t window;          /* SETTINGS_WINDOW_x */
    /* Of hilo_abilities, in its place; -1: as the plugin declares. */
    int64_t rate, rate_burst, pair_interval_us, pair_burst;
    int64_t isolation;      /* SETTINGS_THREAD or SETTINGS_PROCESS once read */
    struct hilo_str scopes; /* what is left of its plugin's, if the option is there */
};

struct settings_channel {
    struct settings_channel *next;
    struct hilo_str name;
    struct hilo_str section; /* "channels.whatsapp-co", for conf_fill */
    struct settings_common common;
    struct settings_consent consent;
    const struct conf_node *node; /* its mapping; NULL if it has none */
    uint32_t line, column;        /* of its name */
};

struct settings_route {
    struct settings_route *next;
    int64_t scheme, category; /* HILO_SCHEME_x, HILO_CATEGORY_x; 0: any */
    struct hilo_str channel;
};

/* Who may use /cgi-bin/sendsms. */
struct settings_kannel {
    struct settings_kannel *next;
    struct hilo_str username, password;
    struct hilo_str channel, default_channel; /* always; when a request names none */
    struct hilo_str sender, default_sender;   /* likewise */
    struct hilo_str dlr_url;                  /* when a request names none */
    struct hilo_str allow_ip, deny_ip;        /* patterns as Kannel's: "127.0.0.1;10.0.*.*" */
};

struct settings {
    struct settings_gateway gateway;
    struct settings_store store;
    struct settings_http http;
    struct settings_log log;
    struct settings_consent consent;
    struct settings_webhooks webhooks;
    struct settings_appointments appointments;
    struct settings_stock stock;
    struct settings_channel *channels; /* in the file's order */
    struct settings_route *routes;
    struct settings_kannel *kannel;
};

/* Fills *out from a configuration that has a root. Faults are added to the
 * configuration's errors; check n_errors afterwards, *out is whole only without any.
 * Everything lives in the configuration's arena. */
void settings_read(struct conf *, struct settings *out);

/* The names of settings_common in YAML, NULL-ended: also of conf_fill for a plugin's
 * own options:
 *     conf_fill(conf, ch->node, ch->section.p, ch->line, ch->column, plugin->options,
 *               plugin->n_options, settings_common_keys, arena, dst)            */
extern const char *const settings_common_keys[];

/* The tables, for samples and documentation: a section's name ("gateway", "store",
 * "http", "log", "webhooks", "appointments", "stock", "channels", "routes") and its options; false: no such
 * section.
 */
bool settings_table(const char *section, const struct hilo_option **out, uint32_t *n_out);

/* What differs between two settings of the sections gateway, store, http, log, webhooks and appointments, as
 * "http.listen": reloadable, what a running gateway takes over, or what needs a restart. */
struct conf_change *settings_diff(const struct settings *a, const struct settings *b, bool reloadable,
                                  struct arena *);
/* settings_consent.c: reads a mapping consent; where: "consent", "channels.wa.consent". */
void settings__consent(struct conf *, const struct conf_node *map, const char *where,
                       struct settings_consent *out);
bool settings_same_consent(const struct settings_consent *, const struct settings_consent *);
/* Whether both have the same routes, the same users of sendsms, in the same order. */
bool settings_same_routes(const struct settings *, const struct settings *);
bool settings_same_kannel(const struct settings *, const struct settings *);

#endif
