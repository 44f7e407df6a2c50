/*
 * What the services share: the store, the channels, the settings. One gateway a
 * process, made by main; all services run on the core's loop [core].
 */
#ifndef SERVICES_GATEWAY_H
#define SERVICES_GATEWAY_H

#include "base/hist.h"
#include "base/log.h"
#include "loop/loop.h"
#include "plug/plug.h"
#include "store/media.h"
#include "store/store.h"

struct consent_rules;
struct consent_watch;
struct callbacks;
struct channel_files;
struct stock;
struct delivery;
struct follows;
struct outbox;
struct pace;
struct template_list;

enum { GW_STATUSES = 16 }; /* more than HILO_STATUS_x */
/* What a report says, for metrics. */
enum {
    GW_REPORT_SENT,
    GW_REPORT_AGAIN,
    GW_REPORT_TEMP,
    GW_REPORT_PERM,
    GW_REPORT_IN_DOUBT,
    GW_REPORT_DOWN,
    GW_REPORT_CONFIG,
    GW_REPORTS
};

/* One configured channel, as the services see it. */
struct gw_channel {
    struct gw_channel *next;
    struct gateway *gateway;
    struct hilo_str name, type;
    struct channel *plug;              /* NULL when it could not be loaded */
    const struct hilo_abilities *able; /* all zero when not loaded */
    uint64_t provides;                 /* HILO_CAN_x; 0 when not loaded */
    uint32_t scopes;                   /* SCOPE_x of what its plugin asks from within */
    char broken[256];                  /* why it could not be loaded; else empty */
    struct hilo_str account;           /* scope of its opaque identifiers, or empty */
    uint32_t policy;                   /* POLICY_x */
    int64_t max_attempts;
    int64_t retry_min_us, retry_max_us;
    int64_t queue_max; /* refuse new work beyond it */
    /* What its peer takes, from the plugin or the operator; 0: no limit. */
    uint32_t rate, rate_burst, pair_burst; /* messages a second, and at once */
    int64_t pair_interval_us;
    struct pace *pace;    /* its token buckets, once they are needed; else NULL */
    bool provider_window; /* the core lets through what the customer's window is closed for */
    uint32_t credit;      /* sends that may leave now */
    bool paused;          /* by an operator; kept in the table channel */
    bool stopped;         /* by the plugin (CONFIG), until a resume or a restart */
    bool leaving;         /* no longer configured: it only drains */
    bool kicked;          /* something may be claimable */
    bool fetch_kicked;
    int64_t next_due_us;   /* wall: when the next of its queue is due; 0: none */
    int64_t next_job_us;   /* the same of its downloads */
    char why[200];         /* of paused or stopped */
    int64_t next_pace_us;  /* monotonic: when its buckets let something through that is due; 0 */
    int64_t held_until_us; /* monotonic: after DOWN or throttling; 0 */
    int64_t down_backoff_us;
    int64_t fetch_held_us;           /* monotonic: after a download that could not be recorded; 0 */
    uint32_t fetching;               /* media downloads under way */
    struct template_list *templates; /* that its plugin is putting; else NULL */
    uint64_t queued, in_flight;      /* counted since the start from the tables */
    uint64_t sent, failed, in_doubt, received, receipts, retries; /* since the start */
    uint64_t held_rate, held_pair; /* how often its buckets held something back */
    uint64_t came_to[GW_STATUSES]; /* outbound messages that came to a status, by HILO_STATUS_x */
    uint64_t reported[GW_REPORTS]; /* attempts by outcome, by GW_REPORT_x */
    struct hist answered;          /* hist_time_us: from the claim to the report */
    uint64_t media_stored, media_failed;
    uint64_t parts_messages, parts_bytes; /* inbound messages of which parts are missing, and what is kept */
    int64_t next_parts_us;                /* wall: when the time of the first of them is over; 0: none */
    const struct consent_rules *consent;  /* its words; NULL: it has none */
    uint64_t opted_out, opted_in, recalled; /* by a word; messages asked back */
    uint64_t requests[6];                   /* under /hooks, by class of status */
};

/* Which channel a message without "channel" goes to: the first whose scheme fits. */
struct gw_route {
    struct gw_route *next;
    uint32_t scheme;   /* HILO_SCHEME_x; 0: any */
    uint32_t category; /* HILO_CATEGORY_x; 0: any */
    struct hilo_str channel;
};

/* Who may use /cgi-bin/sendsms (services/sendsms.h); empty strings: nothing is said. */
struct sendsms_user {
    struct sendsms_user *next;
    struct hilo_str username, password;
    struct hilo_str channel, default_channel, sender, default_sender, dlr_url, allow_ip, deny_ip;
};

/* appointments:, what customers are told of theirs (conf/settings.h); strings may be empty. */
struct gw_appointments {
    struct hilo_str channel;
    int64_t near_us, remind_us;
    struct hilo_str confirmation_text, reminder_text;
    struct hilo_str confirmation_template, reminder_template;
    struct hilo_str template_language, template_parameters;
};

/* An API key that was looked up before: the store is asked again after a revocation. */
enum { GATEWAY_KNOWN_KEYS = 16 };
struct gw_known_key {
    uint8_t hash[32]; /* SHA-256 of the secret */
    struct hilo_id id;
    uint32_t scopes; /* 0: nothing here */
};

struct gateway {
    struct store *store;
    struct media_store *media;
    struct log *log;
    struct loop *loop;
    struct arena *arena; /* scratch of the present callback; reset by main each turn */
    struct gw_channel *channels;
    struct gw_route *routes;
    struct sendsms_user *sendsms; /* NULL: /cgi-bin/sendsms is not there */
    struct delivery *delivery;
    struct outbox *outbox;
    struct follows *follows;     /* services/follow.h */
    struct channel_files *files; /* services/files.h */
    bool webhooks_plain;         /* webhooks.allow_http */
    struct callbacks *callbacks;
    struct stock *stock;
    int64_t stock_hold_us;          /* stock.hold: how long an offer is held */
    uint64_t stock_rate;            /* stock.rate: offers a second of one arrival; 0: no limit */
    uint32_t stock_category;        /* stock.category: HILO_CATEGORY_x of offers */
    struct consent_watch *consents; /* services/consent.h */
    uint64_t held;                  /* messages in doubt, held for news of them, whatever their channel */
    struct hilo_str name;           /* gateway.name */
    struct hilo_str language;       /* of texts that the gateway itself writes: "es", "en" */
    struct hilo_str time_zone;      /* where customers are told hours of; empty: the machine's */
    struct gw_appointments appointments;
    struct hilo_str public_url; /* http.public_url, or empty: no signed links */
    int64_t expires_us;         /* gateway.expires_in: default life of a message */
    int64_t parts_wait_us;      /* gateway.parts_wait: for the rest of an inbound message's parts */
    int64_t media_max_bytes;
    int64_t link_life_us; /* of signed links */
    uint8_t link_secret[32];
    int64_t started_us; /* wall */
    const char *config_file;
    struct gw_known_key known_keys[GATEWAY_KNOWN_KEYS]; /* by the hash's first byte */
};

/* Frees what the services keep of a channel that is let go of for good. */
void gateway_channel_done(struct gw_channel *);
/* NULL: none that is configured. */
struct gw_channel *gateway_channel(struct gateway *, struct hilo_str name);

/* Why a request was refused, in the API's terms. status is the HTTP status, code the
 * machine-readable word ("unknown_channel"), pointer a JSON pointer into the request's
 * body or empty, text for people with what to do next. retry_after_s: of a 429/503. */
struct fault {
    uint32_t status, retry_after_s;
    const char *code;
    char pointer[160];
    char text[400];
};
/* Fills f and returns -1, so that "return fault_set(…)" reads well. */
int fault_set(struct fault *f, uint32_t status, const char *code, const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* From a store's error: FULL 503 disk_full, AGAIN 503 overloaded, CORRUPT and IO 500. */
int fault_store(struct fault *f, int32_t code, const struct err *);

#endif
