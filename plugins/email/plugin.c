/*
 * Email: the descriptor, and an instance's life. No state outside of the instance.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask.h"
#include "imap.h"
#include "intake.h"
#include "keep.h"
#include "keys.h"
#include "lmtp.h"
#include "options.h"
#include "send.h"
#include "work.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What a table of services must have: all up to and with file_list(). */
#define PLUGIN_HOST_SIZE (offsetof(struct hilo_host, file_list) + sizeof(((struct hilo_host *)0)->file_list))

/* ---- what its parts need ------------------------------------------------------------------------ */

void email_log(struct email *e, int32_t level, const char *format, ...)
{
    char line[512], *p;
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    for (p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    e->host.log(e->self, level, email_str(line));
}

void email_set_state(struct email *e, int32_t code, const char *text)
{
    /* What stops it is said each time: an operator may have resumed it meanwhile. */
    if (code == HILO_OK && e->state == HILO_OK)
        return;
    e->state = code;
    e->host.state(e->self, code, email_str(text));
}

void email_ready(struct email *e)
{
    if (e->draining)
        return;
    intakes_start(e);
    if (e->conf->lmtp.n && !e->lmtp)
        return; /* its state says why; EMAIL_TIMER_LISTEN tries again */
    if (!e->credited && e->smtp)
        e->host.credit(e->self, (uint32_t)e->conf->relay_connections * SEND_CREDIT_EACH);
    if (!e->credited)
        keep_start(e);
    e->credited = true;
    email_set_state(e, HILO_OK, "mails go out and come in");
}

/* ---- life --------------------------------------------------------------------------------------- */

static struct email *plugin_of(void *inst)
{
    struct email *e = inst;

    return e && e->magic == EMAIL_MAGIC ? e : NULL;
}

/* From threads. */
static void plugin_wake(void *arg)
{
    struct email *e = arg;

    e->host.wake(e->self);
}

/* In the order in which they need one another; takes what is half made. */
static void plugin_free(struct email *e)
{
    e->draining = true;
    if (e->works)
        works_stop(e->works);
    email_asks_free(e);
    if (e->imap)
        imap_free(e->imap);
    intakes_free(e);
    if (e->lmtp)
        lmtp_free(e->lmtp);
    if (e->smtp)
        smtp_free(e->smtp);
    sends_free(e);
    keep_free(e);
    works_free(e->works);
    e->magic = 0;
    free(e);
}

static bool plugin_parts(struct email *e, char why[256])
{
    struct smtp_relay relay[SMTP_RELAYS_MAX];
    size_t n = email_options_relays(e->conf, relay);
    const char *domain = email_domain(e->conf->address).p;

    (void)snprintf(why, 256, "no memory");
    e->works = works_new((size_t)e->conf->workers, plugin_wake, e);
    e->asks = email_asks_new();
    e->keep = keep_new(e);
    e->intakes = intakes_new(e);
    e->sends = sends_new(e);
    if (!e->works || !e->asks || !e->keep || !e->intakes || !e->sends)
        return false;
    if (n == 0)
        return true;
    e->smtp = smtp_new(relay, n, e->conf->helo.n ? e->conf->helo.p : domain, &e->host, e->self, sends_on_smtp,
                       e, why);
    return e->smtp != NULL;
}

static int32_t plugin_open(const struct hilo_host *host, struct hilo_self *self, const void *conf,
                           void **inst)
{
    char why[256];
    const char *wrong;
    struct email *e;

    if (!host || host->size < PLUGIN_HOST_SIZE || !conf || !inst)
        return HILO_BUG;
    e = calloc(1, sizeof *e);
    if (!e)
        return HILO_NOMEM;
    e->magic = EMAIL_MAGIC;
    memcpy(&e->host, host, host->size < sizeof e->host ? host->size : sizeof e->host);
    e->self = self;
    e->conf = conf;
    e->state = HILO_DOWN;
    wrong = email_options_check(conf, NULL);
    if (!wrong && plugin_parts(e, why)) {
        *inst = e;
        return HILO_OK;
    }
    email_set_state(e, HILO_CONFIG, wrong ? wrong : why);
    plugin_free(e);
    return HILO_CONFIG;
}

static int32_t plugin_start(void *inst)
{
    struct email *e = plugin_of(inst);

    if (!e)
        return HILO_BUG;
    keys_start(e);
    return HILO_OK;
}

static void plugin_drain(void *inst, int64_t mono_us)
{
    struct email *e = plugin_of(inst);

    (void)mono_us;
    if (!e)
        return;
    /* Each next step of a message that no relay has yet gives it back. */
    e->draining = true;
    intakes_drain(e);
}

static void plugin_close(void *inst)
{
    struct email *e = plugin_of(inst);

    if (e)
        plugin_free(e);
}

/* ---- callbacks ---------------------------------------------------------------------------------- */

static int32_t plugin_send(void *inst, struct hilo_id id, struct hilo_str message)
{
    struct email *e = plugin_of(inst);

    if (!e)
        return HILO_BUG;
    return e->draining || !e->smtp || !e->n_keys ? HILO_AGAIN : sends_send(e, id, message);
}

static void plugin_revoke(void *inst, struct hilo_id id)
{
    struct email *e = plugin_of(inst);

    if (e)
        sends_revoke(e, id);
}

static void plugin_committed(void *inst, uint64_t token, int32_t code)
{
    struct email *e = plugin_of(inst);

    if (e)
        email_asks_on_committed(e, token, code);
}

static void plugin_on_context(void *inst, uint64_t token, int32_t code, struct hilo_str val, uint64_t version)
{
    struct email *e = plugin_of(inst);

    if (e)
        email_asks_on_context(e, token, code, val, version);
}

static void plugin_on_http(void *inst, uint64_t token, int32_t code, const struct hilo_http *answer)
{
    struct email *e = plugin_of(inst);

    if (e)
        email_asks_on_http(e, token, code, answer);
}

static void plugin_on_media(void *inst, uint64_t token, int32_t code, int32_t fd, struct hilo_str mime,
                            struct hilo_str filename, uint64_t size)
{
    struct email *e = plugin_of(inst);

    if (e)
        email_asks_on_media(e, token, code, fd, mime, filename, size);
}

static void plugin_fetch(void *inst, uint64_t job, struct hilo_str message, struct hilo_str which, int32_t fd)
{
    struct email *e = plugin_of(inst);

    if (e)
        keep_fetch(e, job, message, which, fd);
}

static void plugin_on_event(void *inst, struct hilo_str id, struct hilo_str json)
{
    struct email *e = plugin_of(inst);

    (void)id;
    if (e)
        keep_event(e, json);
}

static void plugin_on_file(void *inst, uint64_t token, int32_t code, int32_t fd, uint64_t size)
{
    struct email *e = plugin_of(inst);

    if (e)
        email_asks_on_file(e, token, code, fd, size);
}

static void plugin_on_files(void *inst, uint64_t token, int32_t code, const struct hilo_str *names,
                            uint64_t n)
{
    struct email *e = plugin_of(inst);

    if (e)
        email_asks_on_files(e, token, code, names, n);
}

static void plugin_on_fd(void *inst, int32_t fd, uint32_t events)
{
    struct email *e = plugin_of(inst);

    if (e && !(e->smtp && smtp_on_fd(e->smtp, fd, events)) && e->lmtp)
        (void)lmtp_on_fd(e->lmtp, fd, events);
}

static void plugin_on_timer(void *inst, uint32_t id)
{
    struct email *e = plugin_of(inst);

    if (!e || email_asks_on_timer(e, id) || keep_on_timer(e, id))
        return;
    if (id == EMAIL_TIMER_LISTEN && !e->n_keys)
        keys_start(e);
    else if (id == EMAIL_TIMER_LISTEN)
        email_ready(e);
    else if (e->lmtp)
        (void)lmtp_on_timer(e->lmtp, id);
}

static void plugin_woken(void *inst)
{
    struct email *e = plugin_of(inst);

    if (!e)
        return;
    email_asks_woken(e);
    works_woken(e->works);
    intakes_woken(e);
}

/* ---- the descriptor ----------------------------------------------------------------------------- */

HILO_EXPORT const struct hilo_plugin hilo_plugin_v1 = {
    .magic = HILO_PLUGIN_MAGIC,
    .size = sizeof hilo_plugin_v1,
    .minor = HILO_PLUGIN_MINOR,
    .option_size = sizeof(struct hilo_option),
    .provides = HILO_CAN_SEND | HILO_CAN_RECEIVE | HILO_CAN_FETCH,
    .name = "email",
    .version = HILO_VERSION,
    .license = "Apache-2.0",
    .summary = "Email through the operator's own mail servers: SMTP out, LMTP and IMAP in",
    .abilities = &email_abilities,
    .options = email_options,
    .n_options = EMAIL_OPTIONS,
    .conf_size = sizeof(struct email_conf),
    .open = plugin_open,
    .start = plugin_start,
    .send = plugin_send,
    .revoke = plugin_revoke,
    .committed = plugin_committed,
    .on_context = plugin_on_context,
    .on_http = plugin_on_http,
    .on_media = plugin_on_media,
    .fetch = plugin_fetch,
    .on_fd = plugin_on_fd,
    .on_timer = plugin_on_timer,
    .woken = plugin_woken,
    .drain = plugin_drain,
    .close = plugin_close,
    .check = email_options_check,
    .scopes = "customers:read customers:write messages:read media:read appointments:read",
    .on_event = plugin_on_event,
    .on_file = plugin_on_file,
    .on_files = plugin_on_files,
};
