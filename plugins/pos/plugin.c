/*
 * POS: the descriptor, the options, and an instance's life. No state outside of the instance.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask.h"
#include "attend.h"
#include "channel.h"
#include "conn.h"
#include "follow.h"
#include "listen.h"
#include "options.h"
#include "painter.h"
#include "printing.h"
#include "push.h"
#include "session.h"
#include "text.h"
#include "till.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What a table of services must have: all up to and with follow(). */
#define PLUGIN_HOST_SIZE (offsetof(struct hilo_host, follow) + sizeof(((struct hilo_host *)0)->follow))

/* ---- what its parts need ------------------------------------------------------------------------ */

static void plugin_line(struct pos *pos, int32_t level, char *line)
{
    char *p;

    for (p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    pos->host.log(pos->self, level, pos_str(line));
}

void pos_log(struct pos *pos, int32_t level, const char *format, ...)
{
    char line[512];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    plugin_line(pos, level, line);
}

void pos_log_refused(struct pos *pos, const char *reason, const char *format, ...)
{
    char line[512];
    va_list ap;
    int n = snprintf(line, sizeof line, "pos.refused reason=%.64s ", reason);

    va_start(ap, format);
    (void)vsnprintf(line + n, sizeof line - (size_t)n, format, ap);
    va_end(ap);
    plugin_line(pos, HILO_LOG_WARN, line);
}

void pos_set_state(struct pos *pos, int32_t code, const char *text)
{
    /* What stops it is said each time: an operator may have resumed it meanwhile. */
    if (code == HILO_OK && pos->state == HILO_OK)
        return;
    pos->state = code;
    pos->host.state(pos->self, code, pos_str(text));
}

/* ---- what the identity tells ----------------------------------------------------------------------- */

/* No terminal comes in before it is known who it is, and who is attended where. */
static void line_open(struct pos *pos)
{
    if (!pos->tls || !pos->attended || pos->listen || pos->draining)
        return;
    pos->host.credit(pos->self, (uint32_t)pos->conf.held_max);
    pos->listen = pos_listen_new(pos, pos_conns_take);
    if (!pos->listen)
        pos_set_state(pos, HILO_DOWN, "no memory for the listening sockets");
    pos_follow_start(pos);
}

static void attended(struct pos *pos)
{
    pos->attended = true;
    line_open(pos);
}

static void identity_ready(void *arg, int32_t code, const char *why)
{
    struct pos *pos = arg;
    char words[POS_WORDS];

    if (code != HILO_OK) {
        pos_set_state(pos, code == HILO_CONFIG ? HILO_CONFIG : HILO_DOWN, why);
        return;
    }
    if (pos->tls || pos->draining)
        return;
    pos->tls = pos_tls_new(pos, words);
    if (!pos->tls) {
        pos_set_state(pos, HILO_CONFIG, words);
        return;
    }
    line_open(pos);
}

static void identity_server_changed(void *arg)
{
    struct pos *pos = arg;
    char words[POS_WORDS];

    if (pos->tls && !pos_tls_renew(pos, words))
        pos_log(pos, HILO_LOG_ERROR, "the server's certificate stays the one before: %s", words);
}

static void identity_ended(void *arg, const char *store, const char *terminal, const char *reason)
{
    struct pos *pos = arg;
    struct pos_till *t = pos_till_find(pos, store, terminal);
    cJSON *params;

    if (!t || !t->conn)
        return;
    params = cJSON_CreateObject();
    if (params && cJSON_AddStringToObject(params, "why", reason))
        (void)pos_session_request(t->conn, "p-revoked", "revoked", params);
    else
        cJSON_Delete(params);
    pos_conn_end(t->conn, reason, true, 1008);
}

static void identity_rotate(void *arg, const char *store, const char *terminal)
{
    struct pos_till *t = pos_till_find(arg, store, terminal);

    if (t && t->conn && t->open)
        (void)pos_session_request(t->conn, "p-rotate", "certificate.rotate", cJSON_CreateObject());
}

static void identity_role_changed(void *arg, const char *store, const char *terminal, enum pos_role role)
{
    struct pos_till *t = pos_till_find(arg, store, terminal);

    if (t)
        t->who.role = role;
    if (t && t->conn)
        t->conn->who.role = role;
}

static void identity_describe(void *arg, const char *store, const char *terminal, cJSON *into)
{
    const struct pos_till *t = pos_till_find(arg, store, terminal);
    char since[32];

    (void)cJSON_AddBoolToObject(into, "connected", t && t->conn);
    if (!t || !t->conn)
        return;
    pos_text_of_time(since, t->since_us);
    (void)cJSON_AddStringToObject(into, "since", since);
    (void)cJSON_AddStringToObject(into, "software", t->software);
}

static const struct pos_identity_hooks plugin_hooks = {.ready = identity_ready,
                                                       .server_changed = identity_server_changed,
                                                       .answered = pos_certificate_answered,
                                                       .ended = identity_ended,
                                                       .rotate = identity_rotate,
                                                       .role_changed = identity_role_changed,
                                                       .describe = identity_describe};

/* ---- life ---------------------------------------------------------------------------------------------- */

static struct pos *plugin_of(void *inst)
{
    struct pos *pos = inst;

    return pos && pos->magic == POS_MAGIC ? pos : NULL;
}

/* In the order in which they need one another; takes what is half made. */
static void plugin_free(struct pos *pos)
{
    pos->draining = true;
    pos_listen_free(&pos->listen);
    pos_follow_free(pos);
    pos_printing_free(pos);
    pos_channel_free(pos);
    pos_conns_free(pos);
    pos_attend_free(pos);
    pos_tills_free(pos);
    pos_pushes_free(pos);
    pos_ops_free(pos);
    pos_painter_free(pos);
    pos_identity_free(&pos->identity);
    pos_tls_free(&pos->tls);
    pos_limits_free(&pos->limits);
    pos_addresses_free(&pos->addresses);
    pos_ask_done(pos);
    pos_slots_done(&pos->certificates);
    pos_react_done(&pos->react);
    pos->magic = 0;
    free(pos);
}

static bool plugin_parts(struct pos *pos)
{
    struct pos_limits_conf limits;

    pos_options_identity(&pos->conf, &pos->identity_conf);
    pos_options_limits(&pos->conf, &limits);
    return pos_ask_init(pos) && (pos->addresses = pos_addresses_new()) &&
           (pos->limits = pos_limits_new(&limits)) && (pos->conns = pos_conns_new(pos)) &&
           (pos->tills = pos_tills_new()) && (pos->pushes = pos_pushes_new(pos)) &&
           (pos->attend = pos_attend_new()) && (pos->channel = pos_channel_new(pos)) &&
           (pos->follow = pos_follow_new(pos)) &&
           (pos->identity =
                pos_identity_new(&pos->host, pos->self, &pos->identity_conf, &plugin_hooks, pos)) &&
           (pos->painter = pos_painter_new(pos)) && (pos->printing = pos_printing_new(pos));
}

static int32_t plugin_open(const struct hilo_host *host, struct hilo_self *self, const void *conf,
                           void **inst)
{
    const char *wrong;
    struct pos *pos;

    if (!host || host->size < PLUGIN_HOST_SIZE || !conf || !inst)
        return HILO_BUG;
    pos = calloc(1, sizeof *pos);
    if (!pos)
        return HILO_NOMEM;
    pos->magic = POS_MAGIC;
    memcpy(&pos->host, host, host->size < sizeof pos->host ? host->size : sizeof pos->host);
    pos->self = self;
    pos->conf = *(const struct pos_conf *)conf;
    pos->state = HILO_DOWN;
    TAILQ_INIT(&pos->ops);
    pos_react_init(&pos->react, &pos->host, self);
    wrong = pos_options_wrong(&pos->conf);
    if (wrong)
        pos_set_state(pos, HILO_CONFIG, wrong);
    if (wrong || !plugin_parts(pos)) {
        plugin_free(pos);
        return wrong ? HILO_CONFIG : HILO_NOMEM;
    }
    *inst = pos;
    return HILO_OK;
}

static int32_t plugin_start(void *inst)
{
    struct pos *pos = plugin_of(inst);

    if (!pos)
        return HILO_BUG;
    pos_identity_start(pos->identity);
    pos_printing_start(pos);
    pos_attend_start(pos, attended);
    return HILO_OK;
}

static void plugin_drain(void *inst, int64_t mono_us)
{
    struct pos *pos = plugin_of(inst);

    (void)mono_us;
    if (!pos)
        return;
    pos->draining = true;
    pos_listen_free(&pos->listen);
    pos_channel_drain(pos);
    pos_printing_drain(pos);
    pos_conns_end(pos, "going_down", 1001);
}

static void plugin_close(void *inst)
{
    struct pos *pos = plugin_of(inst);

    if (pos)
        plugin_free(pos);
}

/* What needs other sockets, or another CA, is for another instance. */
static int32_t plugin_reconfigure(void *inst, const void *options)
{
    struct pos *pos = plugin_of(inst);
    const struct pos_conf *conf = options;
    struct pos_identity_conf identity;
    struct pos_limits_conf limits;
    const char *wrong = pos_options_wrong(conf);
    char why[POS_WORDS];

    if (!pos)
        return HILO_BUG;
    if (wrong) {
        pos_log(pos, HILO_LOG_ERROR, "new options refused: %s", wrong);
        return HILO_CONFIG;
    }
    pos_options_identity(conf, &identity);
    if (pos_identity_reconfigure(pos->identity, &identity, why) != HILO_OK) {
        pos_log(pos, HILO_LOG_ERROR, "new options refused: %s", why);
        return HILO_CONFIG;
    }
    pos_options_limits(conf, &limits);
    pos_limits_set(pos->limits, &limits);
    pos->conf = *conf;
    pos->identity_conf = identity;
    return HILO_OK;
}

/* ---- callbacks
 * --------------------------------------------------------------------------------------------- */

static int32_t plugin_send(void *inst, struct hilo_id id, struct hilo_str message)
{
    struct pos *pos = plugin_of(inst);

    return !pos ? HILO_BUG : pos->draining ? HILO_AGAIN : pos_channel_send(pos, id, message);
}

static void plugin_revoke(void *inst, struct hilo_id id)
{
    struct pos *pos = plugin_of(inst);

    if (pos)
        pos_channel_revoke(pos, id);
}

static void plugin_committed(void *inst, uint64_t token, int32_t code)
{
    struct pos *pos = plugin_of(inst);

    if (pos)
        pos_ask_committed(pos, token, code);
}

static void plugin_on_context(void *inst, uint64_t token, int32_t code, struct hilo_str val, uint64_t version)
{
    struct pos *pos = plugin_of(inst);

    if (pos && !pos_identity_on_context(pos->identity, token, code, val, version) &&
        !pos_printing_on_context(pos, token, code, val, version))
        pos_ask_on_context(pos, token, code, val, version);
}

static void plugin_on_http(void *inst, uint64_t token, int32_t code, const struct hilo_http *answer)
{
    struct pos *pos = plugin_of(inst);

    if (pos)
        pos_ask_on_http(pos, token, code, answer);
}

static void plugin_on_request(void *inst, uint64_t request, const struct hilo_http *h)
{
    const struct hilo_http nothing = {.size = sizeof nothing, .status = 404, .sink_fd = -1};
    struct pos *pos = plugin_of(inst);

    if (!pos || ((h->flags & HILO_HTTP_OPERATOR) && pos_identity_request(pos->identity, request, h)))
        return;
    if (pos->host.http_answer(pos->self, request, &nothing) != HILO_OK)
        pos_log(pos, HILO_LOG_WARN, "a request was not answered: the link to the gateway is full");
}

static void plugin_on_media(void *inst, uint64_t token, int32_t code, int32_t fd, struct hilo_str mime,
                            struct hilo_str filename, uint64_t size)
{
    struct pos *pos = plugin_of(inst);

    if (pos)
        pos_ask_on_media(pos, token, code, fd, mime, filename, size);
}

static void plugin_on_event(void *inst, struct hilo_str id, struct hilo_str json)
{
    struct pos *pos = plugin_of(inst);

    if (pos)
        pos_follow_event(pos, id, json);
}

static void plugin_on_fd(void *inst, int32_t fd, uint32_t events)
{
    struct pos *pos = plugin_of(inst);

    if (pos && !pos_printing_on_fd(pos, fd, events))
        pos_react_on_fd(&pos->react, fd, events);
}

static void plugin_on_timer(void *inst, uint32_t id)
{
    struct pos *pos = plugin_of(inst);

    if (pos && !pos_identity_on_timer(pos->identity, id) && !pos_printing_on_timer(pos, id))
        pos_react_on_timer(&pos->react, id);
}

static void plugin_woken(void *inst)
{
    struct pos *pos = plugin_of(inst);

    if (!pos)
        return;
    pos_identity_woken(pos->identity);
    pos_painter_woken(pos);
    pos_printing_woken(pos);
    pos_ask_woken(pos);
}

/* ---- the descriptor -------------------------------------------------------------------------------- */

HILO_EXPORT const struct hilo_plugin hilo_plugin_v1 = {
    .magic = HILO_PLUGIN_MAGIC,
    .size = sizeof hilo_plugin_v1,
    .minor = HILO_PLUGIN_MINOR,
    .option_size = sizeof(struct hilo_option),
    .provides = HILO_CAN_SEND | HILO_CAN_RECEIVE | HILO_CAN_REQUEST,
    .name = "pos",
    .version = HILO_VERSION,
    .license = "Apache-2.0",
    .summary = "In-store terminals: JSON-RPC over mutual TLS, raw or as WebSocket",
    .abilities = &pos_abilities,
    .options = pos_options,
    .n_options = POS_OPTIONS,
    .conf_size = sizeof(struct pos_conf),
    .open = plugin_open,
    .start = plugin_start,
    .send = plugin_send,
    .revoke = plugin_revoke,
    .committed = plugin_committed,
    .on_context = plugin_on_context,
    .on_http = plugin_on_http,
    .on_request = plugin_on_request,
    .on_media = plugin_on_media,
    .on_fd = plugin_on_fd,
    .on_timer = plugin_on_timer,
    .woken = plugin_woken,
    .reconfigure = plugin_reconfigure,
    .drain = plugin_drain,
    .close = plugin_close,
    .check = pos_options_check,
    .scopes = "customers:read customers:write cases:read cases:write messages:read messages:write "
              "appointments:read appointments:write stock:read stock:write sales:read sales:write "
              "audit:read",
    .on_event = plugin_on_event,
};
