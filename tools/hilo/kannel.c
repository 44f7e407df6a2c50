/*
 * hilo kannel convert: a kannel.conf as a configuration of Hilo.
 *
 * Every directive is either converted or has its note: as a comment in what is printed, and
 * on standard error with its place. A note never shows a value of a user, a password or an
 * address with one in it. What is printed passes hilo config check, with the plugin sms.
 */
#include "cli.h"
#include "kannel.h"
#include "kannel_conf.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOTE_WIDTH = 100 };

struct convert {
    struct kannel_conf conf;
    struct text gateway, http, log, users, channels, routes, services;
    struct text names;  /* of channels so far, each between spaces */
    struct text common; /* options of every channel, from group core */
    unsigned n_channels, n_users, n_notes;
};

/* ---- notes ------------------------------------------------------------------------- */

static void note(struct convert *c, struct text *out, const char *indent, const char *file, unsigned line,
                 const char *name, const char *words)
{
    struct text all = {0};

    c->n_notes++;
    if (strcmp(file, c->conf.file[0]) == 0)
        text_fmt(&all, "%s (line %u): %s", name, line, words);
    else
        text_fmt(&all, "%s (%s, line %u): %s", name, file, line, words);
    for (const char *p = text_z(&all), *next; *p; p = next) {
        size_t n = text_line(p, NOTE_WIDTH, &next);
        text_fmt(out, "%s#%s%.*s\n", indent, p == all.p ? " " : "   ", (int)n, p);
    }
    text_done(&all);
    (void)fprintf(stderr, "%s:%u: %s: %s\n", file, line, name, words);
}

static void value_note(struct convert *c, struct text *out, const char *indent, const struct kannel_value *v,
                       const char *words)
{
    note(c, out, indent, v->file, v->line, v->name, words);
}

/* Of a group, whatever nobody has asked for. */
static void rest_notes(struct convert *c, struct text *out, const char *indent, const struct kannel_group *g)
{
    for (size_t i = 0; i < g->n; i++) {
        const struct kannel_value *v = &g->value[i];
        const struct kannel_note *known = kannel_note(g->name, v->name);

        if (v->used || strcmp(v->name, "group") == 0)
            continue;
        if (!known)
            value_note(c, out, indent, v, "not converted: there is nothing like it");
        else if (known->note)
            value_note(c, out, indent, v, known->note);
    }
}

/* ---- values ---------------------------------------------------------------------------- */

/* As a YAML string, in which "${" stands for itself. */
static void add_quoted(struct text *out, const char *s)
{
    text_add(out, "\"");
    for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
        if (*p == '"' || *p == '\\')
            text_fmt(out, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f)
            text_fmt(out, "\\x%02X", *p);
        else if (p[0] == '$' && p[1] == '{')
            text_add(out, "$$");
        else
            text_fmt(out, "%c", *p);
    }
    text_add(out, "\"");
}

static bool is_utf8(const char *s)
{
    struct text shown = {0};
    bool same;

    text_add_shown(&shown, s); /* what is no UTF-8 becomes U+FFFD */
    same = strstr(text_z(&shown), "\xef\xbf\xbd") == NULL;
    text_done(&shown);
    return same;
}

/* As Kannel reads numbers: decimal, 0x hexadecimal, 0 octal. */
static bool to_number(const char *s, long *out)
{
    char *end;

    errno = 0;
    *out = strtol(s, &end, 0);
    return end != s && *end == 0 && errno == 0;
}

static bool to_bool(const char *s, bool *out)
{
    static const char *const yes[] = {"yes", "true", "1", "on"}, *const no[] = {"no", "false", "0", "off"};

    for (size_t i = 0; i < 4; i++) {
        if (strcasecmp(s, yes[i]) == 0 || strcasecmp(s, no[i]) == 0) {
            *out = strcasecmp(s, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

static bool bool_of(struct convert *c, struct text *out, const char *indent, const struct kannel_group *g,
                    const char *name, bool otherwise)
{
    struct kannel_value *v = kannel_conf_get(g, name);
    bool is = otherwise;

    if (v && !to_bool(v->value, &is))
        value_note(c, out, indent, v, "not converted: it is neither yes nor no");
    return is;
}

/* ---- a connection to an SMSC ------------------------------------------------------------- */

enum kind { TEXT, SECRET, NUMBER, SECONDS, YES_NO, RATE, CHARSET };

/* Directives whose counterpart is an option of the channel; max: of a TEXT its length. */
static const struct smpp_rule {
    const char *name, *option;
    enum kind kind;
    long min, max;
} smpp_rules[] = {
    {"host", "host", TEXT, 0, 255},
    {"use-ssl", "tls", YES_NO, 0, 0},
    {"smsc-username", "system_id", TEXT, 0, 15},
    {"smsc-password", "password", SECRET, 0, 8},
    {"system-type", "system_type", TEXT, 0, 12},
    {"address-range", "address_range", TEXT, 0, 40},
    {"bind-addr-ton", "address_ton", NUMBER, 0, 255},
    {"bind-addr-npi", "address_npi", NUMBER, 0, 255},
    {"service-type", "service_type", TEXT, 0, 5},
    {"throughput", "rate", RATE, 0, 100000},
    {"max-pending-submits", "window_size", NUMBER, 1, 255},
    {"enquire-link-interval", "enquire_link", SECONDS, 1, 600},
    {"wait-ack", "response_timeout", SECONDS, 1, 300},
    {"alt-charset", "alphabet", CHARSET, 0, 0},
};

/* An smsc-id as a channel's name: a-z, 0-9 and single hyphens. core/services/sendsms.c makes
 * the same of what requests have as smsc. */
static void channel_word(const char *id, struct text *out)
{
    for (const char *p = id; *p && out->n < 56; p++) {
        if (isalnum((unsigned char)*p))
            text_fmt(out, "%c", tolower((unsigned char)*p));
        else if (out->n && out->p[out->n - 1] != '-')
            text_add(out, "-");
    }
    if (out->n && out->p[out->n - 1] == '-')
        out->p[--out->n] = 0;
}

/* Nobody else's name. */
static void channel_name(struct convert *c, const char *id, struct text *out)
{
    struct text word = {0};
    size_t base;

    channel_word(id, out);
    if (!out->n)
        text_fmt(out, "sms-%u", c->n_channels + 1);
    base = out->n;
    for (unsigned i = 2;; i++) {
        text_done(&word);
        text_fmt(&word, " %s ", out->p);
        if (!strstr(text_z(&c->names), word.p))
            break;
        out->p[out->n = base] = 0;
        text_fmt(out, "-%u", i);
    }
    text_add(&c->names, word.p);
    text_done(&word);
}

/* What data_coding 0 stands for. */
static void add_alphabet(struct convert *c, const struct smpp_rule *rule, const struct kannel_value *v)
{
    static const struct {
        const char *name, *alphabet;
    } known[] = {{"GSM", "gsm"},
                 {"ASCII", "ascii"},
                 {"US-ASCII", "ascii"},
                 {"ISO-8859-1", "latin1"},
                 {"ISO8859-1", "latin1"},
                 {"ISO-8859-15", "latin1"},
                 {"WINDOWS-1252", "latin1"},
                 {"LATIN1", "latin1"}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcasecmp(v->value, known[i].name) == 0) {
            text_fmt(&c->channels, "    %s: %s\n", rule->option, known[i].alphabet);
            return;
        }
    }
    value_note(c, &c->channels, "    ", v,
               "not converted: of the alphabets for data_coding 0 gsm, gsm_packed, ascii and latin1 are "
               "known (option alphabet)");
}

static void add_option(struct convert *c, const struct smpp_rule *rule, const struct kannel_value *v)
{
    struct text *out = &c->channels;
    double rate;
    char *end;
    bool yes;
    long n;

    switch (rule->kind) {
    case TEXT:
    case SECRET:
        if (!is_utf8(v->value)) {
            value_note(c, out, "    ", v, "not converted: it is no UTF-8; write it anew");
        } else if (strlen(v->value) > (size_t)rule->max) {
            value_note(c, out, "    ", v,
                       rule->kind == SECRET ? "not converted: SMPP 3.4 has passwords of at most 8 "
                                              "characters; ask the operator which it takes"
                                            : "not converted: it is longer than SMPP 3.4 has it");
        } else {
            text_fmt(out, "    %s: ", rule->option);
            add_quoted(out, v->value);
            text_add(out, "\n");
        }
        return;
    case YES_NO:
        if (!to_bool(v->value, &yes))
            value_note(c, out, "    ", v, "not converted: it is neither yes nor no");
        else
            text_fmt(out, "    %s: %s\n", rule->option, yes ? "true" : "false");
        return;
    case RATE:
        rate = strtod(v->value, &end);
        if (end == v->value || *end || !(rate >= 0 && rate <= (double)rule->max)) {
            value_note(c, out, "    ", v, "not converted: it is no number of messages a second");
            return;
        }
        if (rate > 0 && rate < 1)
            value_note(
                c, out, "    ", v,
                "less than one a second is no rate here: 1 is taken; ask the operator, or see pair_interval");
        if (rate > 0)
            text_fmt(out, "    %s: %.0f\n", rule->option, rate < 1 ? 1 : rate);
        return;
    case CHARSET:
        add_alphabet(c, rule, v);
        return;
    case NUMBER:
    case SECONDS:
        if (!to_number(v->value, &n) || n < rule->min || n > rule->max)
            value_note(c, out, "    ", v, "not converted: it is no number that can be used here");
        else
            text_fmt(out, "    %s: %ld%s\n", rule->option, n, rule->kind == SECONDS ? "s" : "");
        return;
    }
}

/* TON and NPI that every message had. International recipients have 1/1 here by themselves. */
static void add_addresses(struct convert *c, const struct kannel_group *g)
{
    const struct kannel_value *ton = kannel_conf_get(g, "dest-addr-ton"),
                              *npi = kannel_conf_get(g, "dest-addr-npi");
    const struct kannel_value *detect = kannel_conf_get(g, "source-addr-autodetect");
    const struct kannel_value *from = kannel_conf_get(g, "source-addr-ton"),
                              *from_npi = kannel_conf_get(g, "source-addr-npi");
    long t = 1, n = 1;

    if ((ton && !to_number(ton->value, &t)) || (npi && !to_number(npi->value, &n)) || t < 0 || t > 7 ||
        n < 0 || n > 18) {
        value_note(c, &c->channels, "    ", ton ? ton : npi,
                   "not converted: it is no number that can be used here");
    } else if (t != 1 || n != 1) {
        text_fmt(&c->channels, "    addresses: \"+=%ld/%ld\"\n", t, n);
        value_note(c, &c->channels, "    ", ton ? ton : npi,
                   "here it holds for every international number, senders too");
    }
    if (from || from_npi || detect)
        value_note(
            c, &c->channels, "    ",
            from       ? from
            : from_npi ? from_npi
                       : detect,
            "TON and NPI of a sender follow from how it looks (+57… 1/1, a short code 3/0, a name 5/0), as "
            "by source-addr-autodetect; "
            "what your operator wants otherwise is a rule of the option addresses: \"short=6/9, name=5/1\"");
}

/* Which binds: Kannel makes a transmitter to port and a receiver to receive-port, or one
 * transceiver. */
static void add_binds(struct convert *c, const struct kannel_group *g)
{
    struct text *out = &c->channels;
    const struct kannel_value *port = kannel_conf_get(g, "port"),
                              *receive = kannel_conf_get(g, "receive-port");
    bool transceiver = bool_of(c, out, "    ", g, "transceiver-mode", false);
    long n = 0, receive_n = 0;

    if (port && (!to_number(port->value, &n) || n < 0 || n > 65535))
        value_note(c, out, "    ", port, "not converted: it is no port");
    if (receive && (!to_number(receive->value, &receive_n) || receive_n < 0 || receive_n > 65535))
        value_note(c, out, "    ", receive, "not converted: it is no port");
    if (!transceiver && receive_n > 0 && n > 0) {
        text_fmt(out, "    port: %ld\n    bind: transmitter_receiver\n", n);
        if (receive_n != n)
            value_note(c, out, "    ", receive,
                       "not converted: both binds go to one port; most SMSCs take bind: transceiver on it");
    } else if (!transceiver && receive_n > 0) {
        text_fmt(out, "    port: %ld\n    bind: receiver\n", receive_n);
    } else if (n > 0) {
        text_fmt(out, "    port: %ld\n    bind: %s\n", n, transceiver ? "transceiver" : "transmitter");
        if (!transceiver && !receive)
            note(c, out, "    ", g->file, g->line, "transceiver-mode",
                 "not set, so Kannel only sent over this connection: neither receipts nor inbound messages "
                 "come in; most SMSCs take bind: transceiver");
    } else {
        note(c, out, "    ", g->file, g->line, "port", "missing: the SMSC's port must be written here");
        text_add(out, "    port: 2775\n    bind: transceiver\n");
    }
}

static void convert_smpp(struct convert *c, const struct kannel_group *g)
{
    struct text *out = &c->channels, name = {0};
    const struct kannel_value *id = kannel_conf_get(g, "smsc-id"), *old;

    channel_name(c, id ? id->value : "sms", &name);
    text_fmt(out, "  %s:\n    type: sms\n    provider: smpp\n", name.p);
    if (id && strcmp(id->value, name.p) != 0) {
        struct text words = {0};
        text_fmt(&words, "called \"%s\" here%s", name.p,
                 strcasecmp(id->value, name.p) == 0 ? ""
                                                    : ", as a channel's name is a-z, 0-9 and hyphens, and "
                                                      "stands once; applications that say smsc= must know");
        value_note(c, out, "    ", id, words.p);
        text_done(&words);
    }
    if (bool_of(c, out, "    ", g, "dead-start", false))
        text_add(out, "    enabled: false\n");
    if (!kannel_conf_get(g, "host"))
        note(c, out, "    ", g->file, g->line, "host",
             "missing: the SMSC's address must be written here as host:");
    old = kannel_conf_get(g, "system-id"); /* its name before smsc-username */
    for (size_t i = 0; i < sizeof smpp_rules / sizeof *smpp_rules; i++) {
        const struct smpp_rule *rule = &smpp_rules[i];
        const struct kannel_value *v = kannel_conf_get(g, rule->name);
        if (!v && old && strcmp(rule->name, "smsc-username") == 0)
            v = old;
        if (v)
            add_option(c, rule, v);
        if (strcmp(rule->name, "host") == 0)
            add_binds(c, g);
    }
    add_addresses(c, g);
    text_add(out, text_z(&c->common));
    rest_notes(c, out, "    ", g);
    text_fmt(&c->routes, "  - scheme: phone\n    channel: %s\n", name.p);
    c->n_channels++;
    text_done(&name);
}

static void convert_smsc(struct convert *c, const struct kannel_group *g)
{
    const struct kannel_value *kind = kannel_conf_get(g, "smsc"), *id = kannel_conf_get(g, "smsc-id");
    struct text words = {0};

    if (kind && strcmp(kind->value, "smpp") == 0) {
        convert_smpp(c, g);
        return;
    }
    text_fmt(&words, "%s not converted: ", kind ? kind->value : "a connection of no kind");
    if (kind && strcmp(kind->value, "http") == 0)
        text_add(&words, "if this is Infobip or Twilio, write a channel of type sms with provider infobip or "
                         "twilio; most other aggregators offer SMPP too, ask yours for it");
    else if (kind && strcmp(kind->value, "at") == 0)
        text_add(&words, "GSM modems are not supported; an aggregator's SMPP connection takes its place");
    else if (kind && strcmp(kind->value, "fake") == 0)
        text_add(&words, "for tests there is hilo-sim-smsc, which speaks SMPP");
    else
        text_add(&words, "of the SMSCs' protocols SMPP 3.4 is spoken, which nearly every one of them offers; "
                         "ask your operator for it");
    note(c, &c->services, "", g->file, g->line, id ? id->value : "smsc", words.p);
    text_done(&words);
}

/* ---- users and services --------------------------------------------------------------------- */

static void user_text(struct convert *c, const struct kannel_value *v, const char *option)
{
    if (!v)
        return;
    if (!is_utf8(v->value)) {
        value_note(c, &c->users, "    ", v, "not converted: it is no UTF-8; write it anew");
        return;
    }
    text_fmt(&c->users, "    %s: ", option);
    add_quoted(&c->users, v->value);
    text_add(&c->users, "\n");
}

/* The name that convert_smpp gave the channel; a note if it is none of these. */
static void user_channel(struct convert *c, const struct kannel_value *v, const char *option)
{
    struct text name = {0}, word = {0};

    if (!v)
        return;
    channel_word(v->value, &name);
    text_fmt(&word, " %s ", text_z(&name));
    if (name.n && strstr(text_z(&c->names), word.p))
        text_fmt(&c->users, "    %s: %s\n", option, name.p);
    else
        value_note(c, &c->users, "    ", v, "not converted: there is no channel for this smsc-id");
    text_done(&name);
    text_done(&word);
}

static void convert_user(struct convert *c, const struct kannel_group *g,
                         const struct kannel_value *global_sender)
{
    const struct kannel_value *name = kannel_conf_get(g, "username"),
                              *password = kannel_conf_get(g, "password");
    const struct kannel_value *sender = kannel_conf_get(g, "default-sender");

    if (!name || !password || !is_utf8(name->value) || !is_utf8(password->value)) {
        note(c, &c->users, "  ", g->file, g->line, "sendsms-user",
             "not converted: it has no username, no password, or one that is no UTF-8");
        return;
    }
    text_add(&c->users, "  - username: ");
    add_quoted(&c->users, name->value);
    text_add(&c->users, "\n");
    user_text(c, password, "password");
    user_channel(c, kannel_conf_get(g, "forced-smsc"), "channel");
    user_channel(c, kannel_conf_get(g, "default-smsc"), "default_channel");
    user_text(c, kannel_conf_get(g, "faked-sender"), "sender");
    user_text(c, sender ? sender : global_sender, "default_sender");
    user_text(c, kannel_conf_get(g, "dlr-url"), "dlr_url");
    user_text(c, kannel_conf_get(g, "user-allow-ip"), "allow_ip");
    user_text(c, kannel_conf_get(g, "user-deny-ip"), "deny_ip");
    rest_notes(c, &c->users, "    ", g);
    c->n_users++;
}

static void convert_service(struct convert *c, const struct kannel_group *g)
{
    static const char *const urls[] = {"get-url", "url", "post-url", "post-xml"};
    const struct kannel_value *keyword = kannel_conf_get(g, "keyword"), *url = NULL;
    struct text words = {0};

    for (size_t i = 0; !url && i < 4; i++)
        url = kannel_conf_get(g, urls[i]);
    if (url) {
        text_add(&words, "not converted: inbound messages go out as signed webhooks (hilo webhook create), "
                         "which the application at this address must take instead: JSON by POST; its answer "
                         "is no reply to the customer, it sends that itself");
        if (keyword && strcmp(keyword->value, "default") != 0)
            text_add(&words, "; it looks for the keyword itself");
        value_note(c, &c->services, "", url, words.p);
    }
    rest_notes(c, &c->services, "", g);
    text_done(&words);
}

/* ---- core and smsbox --------------------------------------------------------------------------- */

static void convert_core(struct convert *c, const struct kannel_group *g)
{
    static const char *const levels[] = {"debug", "info", "warn", "error", "error"};
    const struct kannel_value *level = kannel_conf_get(g, "log-level"),
                              *freq = kannel_conf_get(g, "sms-resend-freq");
    const struct kannel_value *retry = kannel_conf_get(g, "sms-resend-retry");
    const struct kannel_value *limit = kannel_conf_get(g, "sms-outgoing-queue-limit");
    long n;

    if (!limit)
        limit = kannel_conf_get(g, "maximum-queue-length");
    if (level && to_number(level->value, &n))
        text_fmt(&c->log, "  level: %s\n", levels[n < 0 ? 0 : n > 4 ? 4 : n]);
    else if (level)
        value_note(c, &c->log, "  ", level, "not converted: it is no number");
    if (freq && to_number(freq->value, &n) && n > 0 && n <= 86400)
        text_fmt(&c->common, "    retry_min: %lds\n    retry_max: %lds\n", n, n > 600 ? n : 600);
    else if (freq)
        value_note(c, &c->gateway, "  ", freq, "not converted: it is no number of seconds up to a day");
    if (retry && to_number(retry->value, &n) && n >= 0 && n < 1000)
        text_fmt(&c->common, "    max_attempts: %ld\n", n + 1);
    else if (retry)
        value_note(c, &c->gateway, "  ", retry,
                   "attempts have a limit here, and a message a time when it expires: see max_attempts and "
                   "gateway.expires_in");
    if (limit && to_number(limit->value, &n) && n > 0 && n <= 100000000)
        text_fmt(&c->common, "    queue_max: %ld\n", n);
    else if (limit && to_number(limit->value, &n) && n < 0)
        text_add(&c->common, "    queue_max: 100000000\n");
    else if (limit)
        value_note(c, &c->gateway, "  ", limit,
                   "not converted: a queue has a limit here; see queue_max of each channel");
    rest_notes(c, &c->gateway, "  ", g);
}

static void convert_smsbox(struct convert *c, const struct kannel_group *g)
{
    const struct kannel_value *port = kannel_conf_get(g, "sendsms-port"),
                              *at = kannel_conf_get(g, "sendsms-interface");
    long n;

    if (port && to_number(port->value, &n) && n > 0 && n < 65536) {
        text_add(&c->http, "  listen: ");
        text_fmt(&c->http, strchr(at ? at->value : "", ':') ? "\"[%s]:%ld\"\n" : "\"%s:%ld\"\n",
                 at ? at->value : "127.0.0.1", n);
        if (!at)
            value_note(c, &c->http, "  ", port,
                       "this port has the whole API, not sendsms alone, so it is opened to this machine "
                       "only; Kannel's was open to all: "
                       "put a proxy with TLS in front of it for applications elsewhere");
    } else if (port) {
        value_note(c, &c->http, "  ", port, "not converted: it is no port");
    }
    rest_notes(c, &c->http, "  ", g);
}

static void convert_groups(struct convert *c)
{
    const struct kannel_value *global_sender = NULL;

    /* In this order: channels take what core says, users know the channels. */
    static const char *const order[] = {"core", "smsbox", "smsc", "sendsms-user", "sms-service", NULL};
    for (size_t k = 0; order[k]; k++) {
        for (size_t i = 0; i < c->conf.n; i++) {
            const struct kannel_group *g = &c->conf.group[i];
            if (strcmp(g->name, order[k]) != 0)
                continue;
            switch (k) {
            case 0:
                convert_core(c, g);
                break;
            case 1:
                if (kannel_conf_get(g, "global-sender"))
                    global_sender = kannel_conf_get(g, "global-sender");
                convert_smsbox(c, g);
                break;
            case 2:
                convert_smsc(c, g);
                break;
            case 3:
                convert_user(c, g, global_sender);
                break;
            default:
                convert_service(c, g);
                break;
            }
        }
    }
    for (size_t i = 0; i < c->conf.n; i++) {
        const struct kannel_group *g = &c->conf.group[i];
        const struct kannel_group_note *known = kannel_group_note(g->name);
        if (!known)
            note(c, &c->services, "", g->file, g->line, g->name, "not converted: Kannel has no such group");
        else if (!known->notes && known->note[0])
            note(c, &c->services, "", g->file, g->line, g->name, known->note);
    }
}

/* ---- what is printed --------------------------------------------------------------------------- */

static void add_section(struct text *out, const char *name, const struct text *lines, const char *otherwise)
{
    bool any = false;

    for (const char *p = text_z(lines); *p; p = strchr(p, '\n') + 1)
        any = any || p[strspn(p, " ")] != '#';
    if (lines->n || otherwise)
        text_fmt(out, "\n%s:\n%s%s", name, any ? "" : otherwise, text_z(lines));
}

static void add_all(struct convert *c, const char *from, struct text *out)
{
    text_fmt(out,
             "# Made of %s by hilo kannel convert. Comments that name a place in it say what has no\n"
             "# counterpart here, and what to do. It has passwords in it, as that file had: let nobody\n"
             "# else read it, or give them as file:PATH or ${NAME} (hilo.yaml(5)).\n",
             from);
    add_section(out, "gateway", &c->gateway, "  data_dir: /var/lib/hilo\n");
    add_section(out, "http", &c->http, "  listen: 127.0.0.1:8080\n");
    if (c->log.n)
        add_section(out, "log", &c->log, "  level: info\n");
    if (c->n_users)
        text_fmt(out, "\n# Who may use /cgi-bin/sendsms, as Kannel's applications do.\nkannel:\n%s",
                 text_z(&c->users));
    else
        text_add(out, text_z(&c->users));
    if (c->n_channels) {
        text_fmt(out, "\nchannels:\n%s", text_z(&c->channels));
        text_fmt(out, "\n# Where a message goes that names no channel: to the first that fits.\nroutes:\n%s",
                 text_z(&c->routes));
    }
    if (c->services.n)
        text_fmt(out, "\n# Not converted:\n%s", text_z(&c->services));
}

static int write_file(const char *path, const struct text *t)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    if (!file) {
        complain("can't make %s: %s%s", path, strerror(errno),
                 errno == EEXIST ? "; nothing is written over" : "");
        if (fd >= 0)
            (void)close(fd);
        return EXIT_REFUSED;
    }
    (void)fwrite(t->p, 1, t->n, file);
    if (ferror(file) | fclose(file)) {
        complain("can't write %s: %s", path, strerror(errno));
        return EXIT_REFUSED;
    }
    return EXIT_OK;
}

int cmd_kannel_convert(struct cli *cli)
{
    struct convert c = {0};
    struct text out = {0};
    const char *to = arg(cli, "output");
    int rc = kannel_conf_read(operand(cli, 0), &c.conf);

    if (rc != EXIT_OK)
        goto done;
    convert_groups(&c);
    add_all(&c, operand(cli, 0), &out);
    if (!to || strcmp(to, "-") == 0)
        (void)fwrite(out.p, 1, out.n, stdout);
    else
        rc = write_file(to, &out);
    if (rc == EXIT_OK)
        complain("%u channels, %u users of sendsms, %u notes%s", c.n_channels, c.n_users, c.n_notes,
                 c.n_channels ? "" : "; without a connection of kind smpp there is nothing to send by");
done:
    kannel_conf_done(&c.conf);
    text_done(&c.gateway);
    text_done(&c.http);
    text_done(&c.log);
    text_done(&c.users);
    text_done(&c.channels);
    text_done(&c.routes);
    text_done(&c.services);
    text_done(&c.names);
    text_done(&c.common);
    text_done(&out);
    return rc;
}
