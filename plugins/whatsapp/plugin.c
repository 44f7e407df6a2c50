/*
 * WhatsApp: the descriptor, the options, and an instance's life.
 *
 * Invariants: everything under way is in one of two tables (ops, hooks), so that
 * drain and close can end each exactly once. No state outside of the instance.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "whatsapp.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- helpers of the other files ---------------------------------------------------------- */

void wa_log(struct wa *wa, int32_t level, const char *format, ...)
{
    char line[512];
    va_list ap;
    char *p;

    va_start(ap, format);
    vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    for (p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    wa->host.log(wa->self, level, wa_str(line));
}

void wa_set_state(struct wa *wa, int32_t code, const char *text)
{
    /* What stops it is said each time: an operator may have resumed it meanwhile. */
    if (code == HILO_OK && wa->state == HILO_OK)
        return;
    wa->state = code;
    wa->host.state(wa->self, code, wa_str(text));
}

bool wa_names_new(struct wa_names *names, struct hilo_str name)
{
    size_t n = name.n < WA_NAME_BYTES - 1 ? (size_t)name.n : WA_NAME_BYTES - 1;
    unsigned i;

    for (i = 0; i < names->n; i++)
        if (strlen(names->name[i]) == n && memcmp(names->name[i], name.p, n) == 0)
            return false;
    if (n == 0 || memchr(name.p, 0, n) || names->n == WA_NAMES_MAX)
        return false;
    memcpy(names->name[names->n], name.p, n);
    names->name[names->n++][n] = 0;
    return true;
}

struct wa_op *wa_op_new(struct wa *wa, enum wa_step step, struct hilo_str message)
{
    struct wa_op *op = message.n <= HILO_MESSAGE_MAX ? calloc(1, sizeof *op + message.n) : NULL;

    if (!op)
        return NULL;
    op->step = step;
    op->fd = -1;
    op->n = message.n;
    if (message.n)
        memcpy(op->message, message.p, message.n);
    op->key = wa_slots_put(&wa->ops, op);
    if (op->key == 0) {
        free(op);
        return NULL;
    }
    return op;
}

void wa_op_free(struct wa *wa, struct wa_op *op)
{
    wa_slots_take(&wa->ops, op->key);
    free(op);
}

struct hilo_http wa_request(const struct wa *wa, const char *method, const char *url)
{
    struct hilo_http request = {.size = sizeof request,
                                .timeout_ms = (uint32_t)(wa->conf.timeout_us / 1000),
                                .method = wa_str(method),
                                .url = wa_str(url),
                                .sink_fd = -1};

    return request;
}

int32_t wa_request_begin(struct wa *wa, const struct wa_op *op, const struct hilo_http *request)
{
    struct hilo_http r = *request;
    struct hilo_kv header[2] = {{wa_str("Authorization"), wa_str(wa->authorization)},
                                {wa_str("Content-Type"), wa_str("application/json")}};

    r.header = header;
    r.n_header = r.body.n ? 2 : 1; /* the host writes the type of a multipart body itself */
    return wa->host.http(wa->self, op->key, &r);
}

/* ---- life ------------------------------------------------------------------------------------ */

/* What a table of services must have: all up to and with state(). */
#define PLUGIN_HOST_SIZE offsetof(struct hilo_host, query)

static const struct wa_provider *const plugin_providers[] = {&wa_meta, &wa_infobip};

/* Which provider the options name, base_url filled in, and what is wrong with them. */
static const char *plugin_wrong_option(struct wa_conf *conf, const struct wa_provider **provider)
{
    const struct wa_provider *p;

    if (conf->provider < 0 || (uint64_t)conf->provider >= sizeof plugin_providers / sizeof *plugin_providers)
        return "provider is none that this plugin knows";
    *provider = p = plugin_providers[conf->provider];
    if (conf->base_url.n == 0 && p->base_url)
        conf->base_url = wa_str(p->base_url);
    if (conf->base_url.n == 0)
        return "base_url is missing: this provider has one for each account";
    return p->wrong_option(conf);
}

/* hilo_plugin.check */
static const char *plugin_check(const void *options, struct hilo_abilities *able)
{
    struct wa_conf conf = *(const struct wa_conf *)options;
    const struct wa_provider *provider;
    const char *wrong = plugin_wrong_option(&conf, &provider);

    if (!wrong && provider->narrow)
        provider->narrow(able);
    return wrong;
}

static char *plugin_authorization(const struct wa *wa)
{
    struct hilo_str secret = wa->provider->secret(&wa->conf);
    size_t n = strlen(wa->provider->auth_scheme) + sizeof " " + secret.n;
    char *value = malloc(n);

    if (value)
        snprintf(value, n, "%s %.*s", wa->provider->auth_scheme, (int)secret.n, secret.p);
    return value;
}

static int32_t plugin_open(const struct hilo_host *host, struct hilo_self *self, const void *conf,
                           void **inst)
{
    const char *wrong;
    struct wa *wa;

    if (!host || host->size < PLUGIN_HOST_SIZE || !conf || !inst)
        return HILO_BUG;
    wa = calloc(1, sizeof *wa);
    if (!wa)
        return HILO_NOMEM;
    wa->magic = WA_MAGIC;
    memcpy(&wa->host, host, host->size < sizeof wa->host ? host->size : sizeof wa->host);
    wa->self = self;
    wa->conf = *(const struct wa_conf *)conf;
    wa->state = HILO_DOWN;
    wrong = plugin_wrong_option(&wa->conf, &wa->provider);
    if (wrong) {
        wa_set_state(wa, HILO_CONFIG, wrong);
        free(wa);
        return HILO_CONFIG;
    }
    wa->authorization = plugin_authorization(wa);
    wa->signer = wa_signer_new(wa->conf.app_secret);
    if (!wa->authorization || (!wa->signer && wa->conf.app_secret.n)) {
        free(wa->authorization);
        free(wa);
        return HILO_NOMEM;
    }
    *inst = wa;
    return HILO_OK;
}

/* Requests under way keep what they were made with. */
static int32_t plugin_reconfigure(void *inst, const void *conf)
{
    struct wa *wa = inst;
    const char *wrong;
    struct wa_signer *signer = NULL;
    char *authorization = NULL;
    struct wa_conf before;

    if (!wa || wa->magic != WA_MAGIC)
        return HILO_BUG;
    before = wa->conf;
    memcpy(&wa->conf, conf, sizeof wa->conf);
    wrong = plugin_wrong_option(&wa->conf, &wa->provider);
    if (!wrong)
        authorization = plugin_authorization(wa);
    if (authorization)
        signer = wa_signer_new(wa->conf.app_secret);
    if (!authorization || (!signer && wa->conf.app_secret.n)) {
        free(authorization);
        wa->conf = before;
        if (wrong)
            wa_log(wa, HILO_LOG_ERROR, "new options refused: %s", wrong);
        return wrong ? HILO_CONFIG : HILO_NOMEM;
    }
    free(wa->authorization);
    wa->authorization = authorization;
    wa_signer_free(&wa->signer);
    wa->signer = signer;
    wa_set_state(wa, HILO_OK, "ready"); /* what stopped it was perhaps the token */
    wa_templates_changed(wa);
    return HILO_OK;
}

static int32_t plugin_start(void *inst)
{
    struct wa *wa = inst;

    if (!wa || wa->magic != WA_MAGIC)
        return HILO_BUG;
    wa_set_state(wa, HILO_OK, "ready");
    wa->host.credit(wa->self, (uint32_t)wa->conf.in_flight);
    wa_templates_start(wa);
    return HILO_OK;
}

static void plugin_on_http(void *inst, uint64_t token, int32_t code, const struct hilo_http *answer)
{
    struct wa *wa = inst;
    struct wa_op *op;

    op = wa && wa->magic == WA_MAGIC ? wa_slots_get(&wa->ops, token) : NULL;
    if (!op) /* taken back or reported already */
        return;
    switch (op->step) {
    case WA_STEP_POST:
        wa_send_on_http(wa, op, code, answer);
        break;
    case WA_STEP_UPLOAD:
        wa_upload_on_http(wa, op, code, answer);
        break;
    case WA_STEP_LIST:
        wa_templates_on_http(wa, op, code, answer);
        break;
    case WA_STEP_ADDRESS:
    case WA_STEP_FILL:
    case WA_STEP_FOLLOW:
        wa_fetch_on_http(wa, op, code, answer);
        break;
    case WA_STEP_FILE:
    case WA_STEP_WAIT:
        break;
    }
}

/* Ends all that is under way, as what it is. */
static void plugin_end_all(struct wa *wa)
{
    struct wa_op *op;
    uint32_t i;

    for (i = 0; i < wa->ops.n; i++) {
        op = wa_slots_at(&wa->ops, i);
        if (!op)
            continue;
        if (op->step == WA_STEP_LIST)
            wa_op_free(wa, op);
        else if (op->step >= WA_STEP_ADDRESS)
            wa_fetch_end(wa, op, HILO_TEMP, "the channel was closed", 0);
        else if (op->step == WA_STEP_POST && op->echoed)
            wa_send_fail(wa, op, HILO_IN_DOUBT, "closed", "the channel was closed before the answer came", 0);
        else
            wa_send_fail(wa, op, HILO_AGAIN, "closed",
                         "the channel was closed; nothing has left, or it may be repeated", 0);
    }
    wa_hooks_refuse_all(wa);
}

static void plugin_on_timer(void *inst, uint32_t id)
{
    struct wa *wa = inst;

    if (!wa || wa->magic != WA_MAGIC)
        return;
    if (id == WA_TIMER_DRAIN)
        plugin_end_all(wa);
    else if (id == WA_TIMER_TEMPLATES)
        wa_templates_on_timer(wa);
}

static void plugin_drain(void *inst, int64_t mono_us)
{
    struct wa *wa = inst;

    if (!wa || wa->magic != WA_MAGIC)
        return;
    wa->draining = true;
    if (wa->host.timer(wa->self, WA_TIMER_DRAIN, mono_us) != HILO_OK)
        plugin_end_all(wa);
}

static void plugin_close(void *inst)
{
    struct wa *wa = inst;

    if (!wa || wa->magic != WA_MAGIC)
        return;
    wa->draining = true;
    plugin_end_all(wa);
    wa->host.timer(wa->self, WA_TIMER_DRAIN, 0);
    wa_templates_done(wa);
    wa_slots_done(&wa->ops);
    wa_slots_done(&wa->hooks);
    wa->magic = 0;
    free(wa->authorization);
    wa_signer_free(&wa->signer);
    free(wa);
}

/* ---- the descriptor ---------------------------------------------------------------------------- */

#define BIT(x) (UINT32_C(1) << (x))
#define MIB(n) (UINT64_C(n) << 20)

static const struct hilo_abilities plugin_abilities = {
    .size = sizeof plugin_abilities,
    .contents = BIT(HILO_CONTENT_TEXT) | BIT(HILO_CONTENT_MEDIA) | BIT(HILO_CONTENT_LOCATION) |
                BIT(HILO_CONTENT_CONTACTS) | BIT(HILO_CONTENT_TEMPLATE) | BIT(HILO_CONTENT_CHOICES) |
                BIT(HILO_CONTENT_REACTION) | BIT(HILO_CONTENT_SYSTEM) | BIT(HILO_CONTENT_FORM) |
                BIT(HILO_CONTENT_LINK),
    .media_kinds = BIT(HILO_MEDIA_IMAGE) | BIT(HILO_MEDIA_AUDIO) | BIT(HILO_MEDIA_VOICE) |
                   BIT(HILO_MEDIA_VIDEO) | BIT(HILO_MEDIA_DOCUMENT) | BIT(HILO_MEDIA_STICKER),
    .text_max = 4096,
    .caption_max = 1024,
    .buttons_max = 3,
    .button_title_max = 20,
    .list_max = 10,
    .list_title_max = 24,
    .list_description_max = 72,
    .body_max = 1024,
    .list_body_max = 4096,
    .header_max = 60,
    .footer_max = 60,
    .choice_id_max = 200, /* of a list's row; a button's may be 256 */
    .schemes = BIT(HILO_SCHEME_PHONE) | BIT(HILO_SCHEME_WHATSAPP),
    .flags = HILO_ABLE_QUOTE | HILO_ABLE_MEDIA_LINK | HILO_ABLE_MEDIA_FILE | HILO_ABLE_RECEIPTS |
             HILO_ABLE_WINDOW | HILO_ABLE_RECONCILE,
    .media_max = {[HILO_MEDIA_IMAGE] = MIB(5),
                  [HILO_MEDIA_AUDIO] = MIB(16),
                  [HILO_MEDIA_VOICE] = MIB(16),
                  [HILO_MEDIA_VIDEO] = MIB(16),
                  [HILO_MEDIA_DOCUMENT] = MIB(100),
                  [HILO_MEDIA_STICKER] = UINT64_C(500) << 10},
    .rate = 80,
    .pair_interval_ms = 6000,
    .pair_burst = 45,
};

static const struct hilo_option plugin_options[] = {
    {HILO_OPTION(struct wa_conf, provider, HILO_OPT_ENUM), .name = "provider", .def = "meta",
     .choices = "meta|infobip",
     .help = "Who connects this channel with WhatsApp: meta, by its Cloud API, or infobip."},
    {HILO_OPTION(struct wa_conf, phone_number_id, HILO_OPT_STR), .name = "phone_number_id",
     .help = "meta: id of the business number that this channel sends from and receives at. Required.",
     .max = 64},
    {HILO_OPTION(struct wa_conf, waba_id, HILO_OPT_STR), .name = "waba_id",
     .help =
         "meta: id of the WhatsApp business account; without it templates are not fetched and not checked.",
     .max = 64},
    {HILO_OPTION(struct wa_conf, token, HILO_OPT_STR), .name = "token",
     .help = "meta: access token of a system user with whatsapp_business_messaging. Required.",
     .flags = HILO_OPT_RELOADABLE | HILO_OPT_SECRET, .max = 4096},
    {HILO_OPTION(struct wa_conf, app_secret, HILO_OPT_STR), .name = "app_secret",
     .help = "meta: the app's secret, by which Meta signs what it delivers. Required.",
     .flags = HILO_OPT_RELOADABLE | HILO_OPT_SECRET, .max = 256},
    {HILO_OPTION(struct wa_conf, verify_token, HILO_OPT_STR), .name = "verify_token",
     .help = "meta: the words agreed for the handshake that verifies the webhook's address. Required.",
     .flags = HILO_OPT_RELOADABLE | HILO_OPT_SECRET, .max = 256},
    {HILO_OPTION(struct wa_conf, base_url, HILO_OPT_URL), .name = "base_url",
     .help =
         "Where the provider's API is. Default for meta: https://graph.facebook.com. infobip: the account's "
         "own, https://….api.infobip.com. Required."},
    {HILO_OPTION(struct wa_conf, version, HILO_OPT_STR), .name = "version", .def = "v23.0",
     .help = "meta: version of the Cloud API.", .min = 1, .max = 16},
    {HILO_OPTION(struct wa_conf, sender, HILO_OPT_STR), .name = "sender",
     .help = "infobip: the number that messages come from, digits only. Required.", .max = 20},
    {HILO_OPTION(struct wa_conf, api_key, HILO_OPT_STR), .name = "api_key",
     .help = "infobip: API key with the scopes of WhatsApp. Required.",
     .flags = HILO_OPT_RELOADABLE | HILO_OPT_SECRET, .max = 512},
    {HILO_OPTION(struct wa_conf, hook_secret, HILO_OPT_STR), .name = "webhook_secret",
     .help = "infobip: last part of the webhook's path, /hooks/{channel}/{webhook_secret}, that nobody else "
             "knows. "
             "This, or webhook_user and webhook_password, is required.",
     .flags = HILO_OPT_RELOADABLE | HILO_OPT_SECRET, .max = 256},
    {HILO_OPTION(struct wa_conf, hook_user, HILO_OPT_STR), .name = "webhook_user",
     .help = "infobip: user of the Basic authentication by which webhooks come.",
     .flags = HILO_OPT_RELOADABLE, .max = 255},
    {HILO_OPTION(struct wa_conf, hook_password, HILO_OPT_STR), .name = "webhook_password",
     .help = "infobip: its password.", .flags = HILO_OPT_RELOADABLE | HILO_OPT_SECRET, .max = 255},
    {HILO_OPTION(struct wa_conf, notify_url, HILO_OPT_URL), .name = "notify_url",
     .help = "infobip: where delivery and seen reports of this channel's messages go, if no subscription "
             "says so: "
             "the webhook's whole URL."},
    {HILO_OPTION(struct wa_conf, in_flight, HILO_OPT_INT), .name = "in_flight", .def = "32",
     .help = "Messages that may be with the provider, unanswered, at the same time.", .min = 1, .max = 1000},
    {HILO_OPTION(struct wa_conf, timeout_us, HILO_OPT_DURATION), .name = "timeout", .def = "30s",
     .help = "How long to wait for the provider's answer; after it a message is in doubt.",
     .flags = HILO_OPT_RELOADABLE, .min = 1000000, .max = 300000000},
    {HILO_OPTION(struct wa_conf, template_refresh_us, HILO_OPT_DURATION), .name = "template_refresh",
     .def = "1d", .help = "How often the list of templates is fetched anew beside webhooks; 0 for never.",
     .flags = HILO_OPT_RELOADABLE, .max = INT64_C(30) * 86400 * 1000000},
    {HILO_OPTION(struct wa_conf, preview_url, HILO_OPT_BOOL), .name = "preview_url", .def = "false",
     .help = "Whether texts that do not say show a preview of their first link.",
     .flags = HILO_OPT_RELOADABLE},
};

HILO_EXPORT const struct hilo_plugin hilo_plugin_v1 = {
    .magic = HILO_PLUGIN_MAGIC,
    .size = sizeof hilo_plugin_v1,
    .minor = HILO_PLUGIN_MINOR,
    .option_size = sizeof(struct hilo_option),
    .provides = HILO_CAN_SEND | HILO_CAN_RECEIVE | HILO_CAN_REQUEST | HILO_CAN_FETCH,
    .requires = HILO_CAN_SEND | HILO_CAN_RECEIVE | HILO_CAN_REQUEST | HILO_CAN_FETCH,
    .name = "whatsapp",
    .version = HILO_VERSION,
    .license = "Apache-2.0",
    .summary = "WhatsApp, by Meta's Cloud API or by Infobip",
    .abilities = &plugin_abilities,
    .options = plugin_options,
    .n_options = sizeof plugin_options / sizeof *plugin_options,
    .conf_size = sizeof(struct wa_conf),
    .open = plugin_open,
    .start = plugin_start,
    .send = wa_send,
    .revoke = wa_revoke,
    .committed = wa_committed,
    .on_http = plugin_on_http,
    .on_request = wa_on_request,
    .on_media = wa_on_media,
    .fetch = wa_fetch,
    .on_timer = plugin_on_timer,
    .reconfigure = plugin_reconfigure,
    .drain = plugin_drain,
    .close = plugin_close,
    .check = plugin_check,
};
