/*
 * SMS: the descriptor, the options, and an instance's life. All else is a driver's
 * (provider.h). No state outside of the instance.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sms.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What a table of services must have: all up to and with state(). */
#define PLUGIN_HOST_SIZE offsetof(struct hilo_host, query)

/* In the order of enum sms_provider and of the option's choices. */
static const struct sms_driver *const plugin_drivers[] = {[SMS_PROVIDER_SMPP] = &sms_smpp,
                                                          [SMS_PROVIDER_INFOBIP] = &sms_infobip,
                                                          [SMS_PROVIDER_TWILIO] = &sms_twilio};
#define PLUGIN_PROVIDERS "smpp|infobip|twilio"

/* ---- what drivers need ------------------------------------------------------------------------ */

void sms_log(struct sms *sms, int32_t level, const char *format, ...)
{
    char line[512];
    va_list ap;
    char *p;

    va_start(ap, format);
    (void)vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    for (p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    sms->host.log(sms->self, level, sms_str(line));
}

void sms_set_state(struct sms *sms, int32_t code, const char *text)
{
    /* What stops it is said each time: an operator may have resumed it meanwhile. */
    if (code == HILO_OK && sms->state == HILO_OK)
        return;
    sms->state = code;
    sms->host.state(sms->self, code, sms_str(text));
}

struct hilo_segment_rules sms_segment_rules(const struct sms_conf *conf)
{
    static const uint32_t national[] = {[SMS_NATIONAL_NONE] = 0,
                                        [SMS_NATIONAL_SPANISH] = HILO_SEGMENT_ES_SINGLE,
                                        [SMS_NATIONAL_PORTUGUESE] =
                                            HILO_SEGMENT_PT_SINGLE | HILO_SEGMENT_PT_LOCKING};
    struct hilo_segment_rules rules = {.flags = HILO_SEGMENT_GSM7 | HILO_SEGMENT_UCS2, .octets = 140};

    rules.flags |= national[conf->national];
    if (conf->latin1)
        rules.flags |= HILO_SEGMENT_LATIN1;
    if (conf->transliterate)
        rules.flags |= HILO_SEGMENT_TRANSLIT;
    rules.udh_octets = conf->long_messages == SMS_LONG_UDH16 ? 7 : 6;
    rules.segments_max = (uint32_t)conf->segments_max;
    return rules;
}

/* ---- life ---------------------------------------------------------------------------------------- */

static struct sms *plugin_of(void *inst)
{
    struct sms *sms = inst;

    return sms && sms->magic == SMS_MAGIC ? sms : NULL;
}

/* Which driver the options name, and what is wrong with them. */
static const char *plugin_wrong_option(const struct sms_conf *conf, const struct sms_driver **driver)
{
    if (conf->provider < 0 || (uint64_t)conf->provider >= sizeof plugin_drivers / sizeof *plugin_drivers)
        return "provider is none that this plugin knows";
    *driver = plugin_drivers[conf->provider];
    return (*driver)->wrong_option(conf);
}

static const char *plugin_check(const void *options, struct hilo_abilities *able)
{
    const struct sms_conf *conf = options;
    const struct sms_driver *driver;
    const char *wrong = plugin_wrong_option(conf, &driver);

    if (!wrong)
        driver->narrow(conf, able);
    return wrong;
}

static int32_t plugin_open(const struct hilo_host *host, struct hilo_self *self, const void *conf,
                           void **inst)
{
    const char *wrong;
    struct sms *sms;
    int32_t code;

    if (!host || host->size < PLUGIN_HOST_SIZE || !conf || !inst)
        return HILO_BUG;
    sms = calloc(1, sizeof *sms);
    if (!sms)
        return HILO_NOMEM;
    sms->magic = SMS_MAGIC;
    memcpy(&sms->host, host, host->size < sizeof sms->host ? host->size : sizeof sms->host);
    sms->self = self;
    sms->conf = *(const struct sms_conf *)conf;
    sms->state = HILO_DOWN;
    wrong = plugin_wrong_option(&sms->conf, &sms->driver);
    if (wrong) {
        sms_set_state(sms, HILO_CONFIG, wrong);
        code = HILO_CONFIG;
    } else {
        code = sms->driver->open(sms, &sms->of);
    }
    if (code != HILO_OK) {
        free(sms);
        return code;
    }
    *inst = sms;
    return HILO_OK;
}

static int32_t plugin_start(void *inst)
{
    struct sms *sms = plugin_of(inst);

    return sms ? sms->driver->start(sms->of) : HILO_BUG;
}

static int32_t plugin_send(void *inst, struct hilo_id id, struct hilo_str message)
{
    struct sms *sms = plugin_of(inst);

    return sms ? sms->driver->send(sms->of, id, message) : HILO_BUG;
}

static void plugin_revoke(void *inst, struct hilo_id id)
{
    struct sms *sms = plugin_of(inst);

    if (sms)
        sms->driver->revoke(sms->of, id);
}

static void plugin_committed(void *inst, uint64_t token, int32_t code)
{
    struct sms *sms = plugin_of(inst);

    if (sms)
        sms->driver->committed(sms->of, token, code);
}

static void plugin_on_http(void *inst, uint64_t token, int32_t code, const struct hilo_http *answer)
{
    struct sms *sms = plugin_of(inst);

    if (sms && sms->driver->on_http)
        sms->driver->on_http(sms->of, token, code, answer);
}

/* A driver without webhooks has none to be found. */
static void plugin_on_request(void *inst, uint64_t request, const struct hilo_http *h)
{
    const struct hilo_http nothing = {.size = sizeof nothing, .status = 404, .sink_fd = -1};
    struct sms *sms = plugin_of(inst);

    if (sms && sms->driver->on_request)
        sms->driver->on_request(sms->of, request, h);
    else if (sms && sms->host.http_answer(sms->self, request, &nothing) != HILO_OK)
        sms_log(sms, HILO_LOG_WARN,
                "a request to a webhook was not answered: the link to the gateway is full");
}

static void plugin_on_fd(void *inst, int32_t fd, uint32_t events)
{
    struct sms *sms = plugin_of(inst);

    if (sms && sms->driver->on_fd)
        sms->driver->on_fd(sms->of, fd, events);
}

static void plugin_on_timer(void *inst, uint32_t id)
{
    struct sms *sms = plugin_of(inst);

    if (sms && sms->driver->on_timer)
        sms->driver->on_timer(sms->of, id);
}

static void plugin_woken(void *inst)
{
    struct sms *sms = plugin_of(inst);

    if (sms && sms->driver->woken)
        sms->driver->woken(sms->of);
}

static int32_t plugin_reconfigure(void *inst, const void *conf)
{
    struct sms *sms = plugin_of(inst);
    struct sms_conf before;
    const struct sms_driver *driver;
    const char *wrong;
    int32_t code;

    if (!sms)
        return HILO_BUG;
    wrong = plugin_wrong_option(conf, &driver);
    if (wrong) {
        sms_log(sms, HILO_LOG_ERROR, "new options refused: %s", wrong);
        return HILO_CONFIG;
    }
    if (driver != sms->driver || !driver->reconfigure)
        return HILO_NOSUP;
    before = sms->conf;
    sms->conf = *(const struct sms_conf *)conf;
    code = driver->reconfigure(sms->of, &before);
    if (code != HILO_OK)
        sms->conf = before;
    return code;
}

static void plugin_drain(void *inst, int64_t mono_us)
{
    struct sms *sms = plugin_of(inst);

    if (sms)
        sms->driver->drain(sms->of, mono_us);
}

static void plugin_close(void *inst)
{
    struct sms *sms = plugin_of(inst);

    if (!sms)
        return;
    sms->driver->close(sms->of);
    sms->magic = 0;
    free(sms);
}

/* ---- the descriptor -------------------------------------------------------------------------------- */

#define BIT(x) (UINT32_C(1) << (x))

static const struct hilo_abilities plugin_abilities = {
    .size = sizeof plugin_abilities,
    .contents = BIT(HILO_CONTENT_TEXT),
    .text_max = 255 * 153, /* narrowed by segments_max */
    .schemes = BIT(HILO_SCHEME_PHONE),
    .flags = HILO_ABLE_RECEIPTS | HILO_ABLE_SENDER | HILO_ABLE_FLASH,
    .segment = {.flags = HILO_SEGMENT_GSM7 | HILO_SEGMENT_UCS2,
                .octets = 140,
                .udh_octets = 6,
                .segments_max = 255},
};

#define OPTION(field, type) HILO_OPTION(struct sms_conf, field, type)

static const struct hilo_option plugin_options[] = {
    {OPTION(provider, HILO_OPT_ENUM), .name = "provider", .def = "smpp", .choices = PLUGIN_PROVIDERS,
     .help = "Who connects this channel with the mobile networks: smpp, an SMSC by SMPP 3.4; infobip "
             "or twilio, by their HTTP APIs."},
    {OPTION(sender, HILO_OPT_STR), .name = "sender",
     .help = "Whom messages come from: a number (+573001112233), a short code (890123) or a name (TIENDA) of "
             "at most 11 characters. Without it the SMSC takes its own; infobip needs it, twilio this or "
             "messaging_service_sid.",
     .max = 20},
    {OPTION(national, HILO_OPT_ENUM), .name = "national_tables", .def = "none",
     .choices = "none|spanish|portuguese",
     .help = "National language tables of GSM 7 bit that may be used where they save a segment: not every "
             "handset "
             "and SMSC knows them."},
    {OPTION(transliterate, HILO_OPT_BOOL), .name = "transliterate", .def = "false",
     .help = "Whether letters that GSM 7 bit lacks may be replaced (á by a) where that saves a segment."},
    {OPTION(segments_max, HILO_OPT_INT), .name = "segments_max", .def = "10",
     .help = "Segments that one message may have; longer ones are refused.", .min = 1, .max = 255},
    {OPTION(receipts, HILO_OPT_ENUM), .name = "receipts", .def = "final", .choices = "final|failure|none",
     .help = "Which delivery receipts are asked for: of every final state, of failures only, or none."},
    {OPTION(intermediate, HILO_OPT_BOOL), .name = "intermediate_receipts", .def = "false",
     .help = "smpp: whether intermediate notifications are asked for too."},

    {OPTION(host, HILO_OPT_STR), .name = "host", .help = "smpp: the SMSC's name or address. Required.",
     .max = 255},
    {OPTION(port, HILO_OPT_INT), .name = "port", .def = "2775",
     .help = "smpp: its port; 3550 is usual with TLS.", .min = 1, .max = 65535},
    {OPTION(system_id, HILO_OPT_STR), .name = "system_id", .help = "smpp: the account's name. Required.",
     .flags = HILO_OPT_RELOADABLE, .max = 15},
    {OPTION(password, HILO_OPT_STR), .name = "password", .help = "smpp: its password, at most 8 characters.",
     .flags = HILO_OPT_RELOADABLE | HILO_OPT_SECRET, .max = 8},
    {OPTION(system_type, HILO_OPT_STR), .name = "system_type",
     .help = "smpp: what the SMSC's operator says, usually nothing.", .max = 12},
    {OPTION(bind, HILO_OPT_ENUM), .name = "bind", .def = "transceiver",
     .choices = "transceiver|transmitter_receiver|transmitter|receiver",
     .help =
         "smpp: how it binds: one connection for both directions, one for each, or for one direction only."},
    {OPTION(binds, HILO_OPT_INT), .name = "binds", .def = "1",
     .help = "smpp: how many of these at the same time.", .min = 1, .max = 16},
    {OPTION(window, HILO_OPT_INT), .name = "window_size", .def = "10",
     .help = "smpp: submits that may be unanswered at the same time on one bind; what the operator allows.",
     .min = 1, .max = 255},
    {OPTION(address_range, HILO_OPT_STR), .name = "address_range",
     .help = "smpp: addresses whose messages come to this bind, as the operator says.", .max = 40},
    {OPTION(address_ton, HILO_OPT_INT), .name = "address_ton", .def = "0",
     .help = "smpp: their type of number.", .min = 0, .max = 255},
    {OPTION(address_npi, HILO_OPT_INT), .name = "address_npi", .def = "0",
     .help = "smpp: their numbering plan.", .min = 0, .max = 255},
    {OPTION(tls, HILO_OPT_BOOL), .name = "tls", .def = "false", .help = "smpp: whether it speaks TLS."},
    {OPTION(tls_verify, HILO_OPT_BOOL), .name = "tls_verify", .def = "true",
     .help =
         "smpp: whether the SMSC's certificate must be good. Switched off, anybody in between reads along."},
    {OPTION(tls_ca, HILO_OPT_STR), .name = "tls_ca",
     .help = "smpp: who vouches for it, certificates in PEM (file:/etc/hilo/smsc-ca.pem); else the system's.",
     .flags = HILO_OPT_SECRET, .max = 262144},
    {OPTION(tls_cert, HILO_OPT_STR), .name = "tls_cert",
     .help = "smpp: our certificate in PEM, if the SMSC asks for one.", .flags = HILO_OPT_SECRET,
     .max = 65536},
    {OPTION(tls_key, HILO_OPT_STR), .name = "tls_key", .help = "smpp: its key in PEM.",
     .flags = HILO_OPT_SECRET, .max = 65536},
    {OPTION(tls_name, HILO_OPT_STR), .name = "tls_name",
     .help = "smpp: the name in its certificate, if that is not host.", .max = 255},
    {OPTION(enquire_link_us, HILO_OPT_DURATION), .name = "enquire_link", .def = "30s",
     .help = "smpp: after so much silence it is asked whether the link still works.",
     .flags = HILO_OPT_RELOADABLE, .min = 1000000, .max = 600000000},
    {OPTION(response_timeout_us, HILO_OPT_DURATION), .name = "response_timeout", .def = "30s",
     .help = "smpp: how long to wait for the answer to a submit; after it the message is in doubt.",
     .flags = HILO_OPT_RELOADABLE, .min = 100000, .max = 300000000},
    {OPTION(connect_timeout_us, HILO_OPT_DURATION), .name = "connect_timeout", .def = "15s",
     .help = "smpp: how long a connection may take, and then the answer to the bind.",
     .flags = HILO_OPT_RELOADABLE, .min = 100000, .max = 120000000},

    {OPTION(service_type, HILO_OPT_STR), .name = "service_type",
     .help = "smpp: what the SMSC's operator says, usually nothing.", .flags = HILO_OPT_RELOADABLE, .max = 5},
    {OPTION(addresses, HILO_OPT_STR), .name = "addresses",
     .help = "smpp: TON and NPI of senders and recipients where not the usual: rules PATTERN=TON/NPI, the "
             "pattern "
             "being +, short, number, name, or what an address begins with: \"+56=2/1, short=6/9\".",
     .flags = HILO_OPT_RELOADABLE, .max = 1024},
    {OPTION(country, HILO_OPT_STR), .name = "country",
     .help = "smpp: country code (57) of senders whose numbers come in national form.",
     .flags = HILO_OPT_RELOADABLE, .max = 3},
    {OPTION(alphabet, HILO_OPT_ENUM), .name = "alphabet", .def = "gsm",
     .choices = "gsm|gsm_packed|ascii|latin1",
     .help =
         "smpp: what the SMSC takes data_coding 0 for: GSM 7 bit, a septet in each octet or packed, ASCII or "
         "Latin-1.",
     .flags = HILO_OPT_RELOADABLE},
    {OPTION(latin1, HILO_OPT_BOOL), .name = "latin1", .def = "false",
     .help = "smpp: whether texts may go as Latin-1 (data_coding 3) where that saves a segment."},
    {OPTION(long_messages, HILO_OPT_ENUM), .name = "long_messages", .def = "udh8",
     .choices = "udh8|udh16|sar|payload",
     .help = "smpp: how several segments are told to belong together: by a header of theirs with an 8 or a "
             "16 bit "
             "reference, by the SAR TLVs, or whole as message_payload, cut by the SMSC."},
    {OPTION(flash, HILO_OPT_BOOL), .name = "flash", .def = "false",
     .help = "smpp: whether messages of this channel are shown at once and not kept (class 0).",
     .flags = HILO_OPT_RELOADABLE},
    {OPTION(validity, HILO_OPT_ENUM), .name = "validity", .def = "relative",
     .choices = "relative|absolute|none",
     .help = "smpp: how the SMSC is told until when a message is worth delivering.",
     .flags = HILO_OPT_RELOADABLE},
    {OPTION(priority, HILO_OPT_ENUM), .name = "priority", .def = "none", .choices = "none|gsm|ansi136",
     .help = "smpp: how a message's priority is told: not at all, as GSM has it (urgent 1, else 0), or as "
             "ANSI-136 "
             "has it (bulk 0, normal 1, urgent 2).",
     .flags = HILO_OPT_RELOADABLE},
    {OPTION(user_reference, HILO_OPT_BOOL), .name = "user_message_reference", .def = "false",
     .help = "smpp: whether submits carry the TLV user_message_reference: from an SMSC that returns it, a "
             "receipt "
             "resolves what is in doubt.",
     .flags = HILO_OPT_RELOADABLE},
    {OPTION(message_id, HILO_OPT_ENUM), .name = "message_id", .def = "auto", .choices = "auto|as_is",
     .help = "smpp: whether a receipt may write a message's id otherwise than the answer to the submit did "
             "(hexadecimal for decimal, with leading zeros, in another case).",
     .flags = HILO_OPT_RELOADABLE},

    {OPTION(base_url, HILO_OPT_URL), .name = "base_url",
     .help = "Where the provider's API is. infobip: the account's own, https://….api.infobip.com. Required. "
             "Default for twilio: https://api.twilio.com."},
    {OPTION(webhook_url, HILO_OPT_URL), .name = "webhook_url",
     .help =
         "The public address of this channel's webhook, https://…/hooks/{channel}. twilio: signatures are "
         "made of it, and reports go there. Required. infobip: where reports go if no subscription says "
         "so.",
     .flags = HILO_OPT_RELOADABLE},
    {OPTION(api_key, HILO_OPT_STR), .name = "api_key",
     .help = "infobip: API key. Required. twilio: SID of an API key (SK…) to send with, instead of the "
             "account's own.",
     .flags = HILO_OPT_RELOADABLE | HILO_OPT_SECRET, .max = 512},
    {OPTION(api_secret, HILO_OPT_STR), .name = "api_secret", .help = "twilio: the secret of api_key.",
     .flags = HILO_OPT_RELOADABLE | HILO_OPT_SECRET, .max = 512},
    {OPTION(account_sid, HILO_OPT_STR), .name = "account_sid", .help = "twilio: the account (AC…). Required.",
     .max = 34},
    {OPTION(auth_token, HILO_OPT_STR), .name = "auth_token",
     .help = "twilio: the account's token, by which webhooks are signed. Required.",
     .flags = HILO_OPT_RELOADABLE | HILO_OPT_SECRET, .max = 256},
    {OPTION(service_sid, HILO_OPT_STR), .name = "messaging_service_sid",
     .help = "twilio: the messaging service (MG…) that chooses the sender.", .max = 34},
    {OPTION(hook_secret, HILO_OPT_STR), .name = "webhook_secret",
     .help = "infobip: last part of the webhook's path, /hooks/{channel}/{webhook_secret}, that nobody else "
             "knows. This, or webhook_user and webhook_password, is required.",
     .flags = HILO_OPT_RELOADABLE | HILO_OPT_SECRET, .max = 256},
    {OPTION(hook_user, HILO_OPT_STR), .name = "webhook_user",
     .help = "infobip: user of the Basic authentication by which webhooks come.",
     .flags = HILO_OPT_RELOADABLE, .max = 255},
    {OPTION(hook_password, HILO_OPT_STR), .name = "webhook_password", .help = "infobip: its password.",
     .flags = HILO_OPT_RELOADABLE | HILO_OPT_SECRET, .max = 255},
    {OPTION(in_flight, HILO_OPT_INT), .name = "in_flight",
     .help = "infobip, twilio: messages that may be with the provider, unanswered, at the same time. Default "
             "for infobip 400, for twilio, which gets each in a request of its own, 32.",
     .min = 1, .max = 1000},
    {OPTION(batch, HILO_OPT_INT), .name = "batch", .def = "100",
     .help = "infobip: messages in one request, at most; it has several only if they wait already.",
     .flags = HILO_OPT_RELOADABLE, .min = 1, .max = 100},
    {OPTION(timeout_us, HILO_OPT_DURATION), .name = "timeout", .def = "30s",
     .help = "infobip, twilio: how long to wait for the answer to a request; after it its messages are in "
             "doubt.",
     .flags = HILO_OPT_RELOADABLE, .min = 1000000, .max = 300000000},
};

HILO_EXPORT const struct hilo_plugin hilo_plugin_v1 = {
    .magic = HILO_PLUGIN_MAGIC,
    .size = sizeof hilo_plugin_v1,
    .minor = HILO_PLUGIN_MINOR,
    .option_size = sizeof(struct hilo_option),
    .provides = HILO_CAN_SEND | HILO_CAN_RECEIVE | HILO_CAN_REQUEST,
    .requires = HILO_CAN_SEND | HILO_CAN_RECEIVE,
    .name = "sms",
    .version = HILO_VERSION,
    .license = "Apache-2.0",
    .summary = "SMS, by SMPP 3.4, Infobip or Twilio",
    .abilities = &plugin_abilities,
    .options = plugin_options,
    .n_options = sizeof plugin_options / sizeof *plugin_options,
    .conf_size = sizeof(struct sms_conf),
    .open = plugin_open,
    .start = plugin_start,
    .send = plugin_send,
    .revoke = plugin_revoke,
    .committed = plugin_committed,
    .on_http = plugin_on_http,
    .on_request = plugin_on_request,
    .on_fd = plugin_on_fd,
    .on_timer = plugin_on_timer,
    .woken = plugin_woken,
    .reconfigure = plugin_reconfigure,
    .drain = plugin_drain,
    .close = plugin_close,
    .check = plugin_check,
};
