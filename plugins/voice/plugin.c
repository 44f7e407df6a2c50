/*
 * Voice: the descriptor, and an instance's life. No state outside of the instance.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask.h"
#include "calls.h"
#include "flow.h"
#include "keep.h"
#include "ledger.h"
#include "options.h"
#include "said.h"
#include "script.h"
#include "talk.h"
#include "timer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What a table of services must have: all up to and with file_list(). */
#define PLUGIN_HOST_SIZE (offsetof(struct hilo_host, file_list) + sizeof(((struct hilo_host *)0)->file_list))

enum { PLUGIN_CLOSE_US = 3000000 }; /* for peers to hear BYE */

/* ---- what its parts need ------------------------------------------------------------------------ */

void voice_log(struct voice *v, int32_t level, const char *format, ...)
{
    char line[512], *p;
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    for (p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    v->host.log(v->self, level, voice_str(line));
}

void voice_set_state(struct voice *v, int32_t code, const char *text)
{
    /* What stops it is said each time: an operator may have resumed it meanwhile. */
    if (code == HILO_OK && v->state == HILO_OK)
        return;
    v->state = code;
    v->host.state(v->self, code, voice_str(text));
}

/* ---- life --------------------------------------------------------------------------------------- */

static struct voice *plugin_of(void *inst)
{
    struct voice *v = inst;

    return v && v->magic == VOICE_MAGIC ? v : NULL;
}

/* From ua's and media's threads. */
static void plugin_wake(void *arg)
{
    struct voice *v = arg;

    v->host.wake(v->self);
}

/* In the order in which they need one another; takes what is half made. */
static void plugin_free(struct voice *v)
{
    v->draining = true;
    if (v->ua) /* every call is ended; its events go unread */
        ua_free(v->ua, PLUGIN_CLOSE_US);
    voice_calls_free(v);
    v->ua = NULL;
    if (v->out)
        out_free(v);
    flow_free(v->flow);
    keep_free(v);
    if (v->media)
        media_free(v->media);
    if (v->speech)
        speech_free(v->speech);
    if (v->timers) {
        said_free(v);
        ledgers_free(v);
        voice_asks_free(v);
    }
    talk_waits_free(v->talks);
    words_free(v->words);
    voice_timers_free(v->timers);
    voice_options_free(&v->fixed);
    v->magic = 0;
    free(v);
}

static bool plugin_parts(struct voice *v, char why[MENU_WRONG])
{
    struct speech_conf speech;
    struct media_conf media;
    struct ua_conf ua;

    (void)snprintf(why, MENU_WRONG, "no memory");
    if (!voice_options_copy(&v->conf, &v->fixed))
        return false;
    voice_options_ua(&v->fixed, &ua);
    voice_options_media(&v->fixed, &media);
    voice_options_speech(&v->fixed, &speech);
    return (v->timers = voice_timers_new()) && (v->asks = voice_asks_new()) &&
           (v->calls = voice_calls_new()) && (v->talks = talk_waits_new()) && (v->keep = keep_new(v)) &&
           (v->words = words_read(v->conf.prompts, why)) &&
           (v->speech = speech_new(&speech, &v->host, v->self, talk_on_speech, v)) &&
           (v->media = media_new(&media, plugin_wake, v, why)) && (v->flow = flow_new(v, why)) &&
           (v->out = out_new(v)) && (v->ua = ua_new(&ua, plugin_wake, v, why));
}

static int32_t plugin_open(const struct hilo_host *host, struct hilo_self *self, const void *conf,
                           void **inst)
{
    char why[MENU_WRONG];
    const char *wrong;
    struct voice *v;

    if (!host || host->size < PLUGIN_HOST_SIZE || !conf || !inst)
        return HILO_BUG;
    v = calloc(1, sizeof *v);
    if (!v)
        return HILO_NOMEM;
    v->magic = VOICE_MAGIC;
    memcpy(&v->host, host, host->size < sizeof v->host ? host->size : sizeof v->host);
    v->self = self;
    v->conf = *(const struct voice_conf *)conf;
    v->state = HILO_DOWN;
    LIST_INIT(&v->ledgers);
    LIST_INIT(&v->said);
    wrong = voice_options_check(&v->conf, NULL);
    if (!wrong && plugin_parts(v, why)) {
        *inst = v;
        return HILO_OK;
    }
    voice_set_state(v, HILO_CONFIG, wrong ? wrong : why);
    plugin_free(v);
    return HILO_CONFIG;
}

static int32_t plugin_start(void *inst)
{
    struct voice *v = plugin_of(inst);

    if (!v)
        return HILO_BUG;
    keep_start(v);
    out_start(v);
    ua_start(v->ua);
    return HILO_OK;
}

static void plugin_drain(void *inst, int64_t mono_us)
{
    struct voice *v = plugin_of(inst);

    if (!v)
        return;
    v->draining = true;
    flow_drain(v, mono_us);
    out_drain(v, mono_us);
}

static void plugin_close(void *inst)
{
    struct voice *v = plugin_of(inst);

    if (v)
        plugin_free(v);
}

/* What is LIVE in options.c is read where it is used; all else is for another instance. */
static int32_t plugin_reconfigure(void *inst, const void *options)
{
    struct voice *v = plugin_of(inst);
    const char *wrong = voice_options_check(options, NULL);

    if (!v)
        return HILO_BUG;
    if (wrong) {
        voice_log(v, HILO_LOG_ERROR, "new options refused: %s", wrong);
        return HILO_CONFIG;
    }
    v->conf = *(const struct voice_conf *)options;
    return HILO_OK;
}

/* ---- callbacks ---------------------------------------------------------------------------------- */

static int32_t plugin_send(void *inst, struct hilo_id id, struct hilo_str message)
{
    struct voice *v = plugin_of(inst);
    int32_t code;

    if (!v)
        return HILO_BUG;
    if (v->draining)
        return HILO_AGAIN;
    return flow_send(v, id, message, &code) ? code : out_send(v, id, message);
}

static void plugin_revoke(void *inst, struct hilo_id id)
{
    struct voice *v = plugin_of(inst);

    if (v && !flow_revoke(v, id))
        out_revoke(v, id);
}

static void plugin_committed(void *inst, uint64_t token, int32_t code)
{
    struct voice *v = plugin_of(inst);

    if (v)
        voice_asks_on_committed(v, token, code);
}

static void plugin_on_context(void *inst, uint64_t token, int32_t code, struct hilo_str val, uint64_t version)
{
    struct voice *v = plugin_of(inst);

    if (v)
        voice_asks_on_context(v, token, code, val, version);
}

static void plugin_on_http(void *inst, uint64_t token, int32_t code, const struct hilo_http *answer)
{
    struct voice *v = plugin_of(inst);

    if (v)
        voice_asks_on_http(v, token, code, answer);
}

static void plugin_on_media(void *inst, uint64_t token, int32_t code, int32_t fd, struct hilo_str mime,
                            struct hilo_str filename, uint64_t size)
{
    struct voice *v = plugin_of(inst);

    (void)filename;
    if (v)
        voice_asks_on_media(v, token, code, fd, mime, size);
}

static void plugin_fetch(void *inst, uint64_t job, struct hilo_str message, struct hilo_str which, int32_t fd)
{
    struct voice *v = plugin_of(inst);

    (void)which; /* a recording is all that a message of ours has */
    if (v)
        keep_fetch(v, job, message, fd);
}

static void plugin_on_event(void *inst, struct hilo_str id, struct hilo_str json)
{
    struct voice *v = plugin_of(inst);

    (void)id;
    if (v)
        keep_event(v, json);
}

static void plugin_on_file(void *inst, uint64_t token, int32_t code, int32_t fd, uint64_t size)
{
    struct voice *v = plugin_of(inst);

    if (v)
        voice_asks_on_file(v, token, code, fd, size);
}

static void plugin_on_files(void *inst, uint64_t token, int32_t code, const struct hilo_str *names,
                            uint64_t n)
{
    struct voice *v = plugin_of(inst);

    if (v)
        voice_asks_on_files(v, token, code, names, n);
}

static void plugin_on_fd(void *inst, int32_t fd, uint32_t events)
{
    struct voice *v = plugin_of(inst);

    if (v && !speech_on_fd(v->speech, fd, events))
        (void)out_on_fd(v, fd, events);
}

static void plugin_on_timer(void *inst, uint32_t id)
{
    struct voice *v = plugin_of(inst);

    if (v && !speech_on_timer(v->speech, id))
        voice_timers_on(v, id);
}

static void plugin_woken(void *inst)
{
    struct voice *v = plugin_of(inst);

    if (!v)
        return;
    voice_calls_woken(v);
    voice_asks_woken(v);
}

/* ---- the descriptor ----------------------------------------------------------------------------- */

HILO_EXPORT const struct hilo_plugin hilo_plugin_v1 = {
    .magic = HILO_PLUGIN_MAGIC,
    .size = sizeof hilo_plugin_v1,
    .minor = HILO_PLUGIN_MINOR,
    .option_size = sizeof(struct hilo_option),
    .provides = HILO_CAN_SEND | HILO_CAN_RECEIVE | HILO_CAN_FETCH,
    .name = "voice",
    .version = HILO_VERSION,
    .license = "Apache-2.0",
    .summary = "Telephone calls: SIP with RTP, a voice menu, and speech",
    .abilities = &voice_abilities,
    .options = voice_options,
    .n_options = VOICE_OPTIONS,
    .conf_size = sizeof(struct voice_conf),
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
    .reconfigure = plugin_reconfigure,
    .drain = plugin_drain,
    .close = plugin_close,
    .check = voice_options_check,
    .scopes =
        "customers:read cases:read cases:write messages:read messages:write appointments:read media:read "
        "calls:read calls:write",
    .on_event = plugin_on_event,
    .on_file = plugin_on_file,
    .on_files = plugin_on_files,
};
