/*
 * Webhooks: who calls, what it holds, and the answer once all of that is on disk.
 *
 * It is answered 200 only when each message and receipt is on disk, or was there before. If one can't be
 * taken now, it is 503, and the aggregator brings all of it again: what was taken already is recognised.
 * What the core calls invalid is logged and counts as taken, as no repetition would mend it.
 *
 * A token is a webhook's key over the number of the item in it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http.h"

#include <inttypes.h>
#include <stdlib.h>

enum { HOOK_ITEM_BITS = 24, HOOK_NOTES_MAX = 8, HOOK_LOG_EVERY_US = 60000000 };

struct hook {
    uint64_t key, request;
    uint32_t waiting; /* items that are not on disk yet, and 1 while more may come */
    uint32_t items, notes;
    bool refused, invalid;
};

struct hook_read {
    struct sms_http *h;
    struct hook *hook;
};

/* ---- answers ----------------------------------------------------------------------------------- */

static void hook_answer(struct sms_http *h, uint64_t request, uint32_t status, const char *body)
{
    struct hilo_kv header[2] = {{sms_str("Content-Type"), sms_str("text/plain")}};
    struct hilo_http answer = {.size = sizeof answer,
                               .status = status,
                               .body = sms_str(body),
                               .header = header,
                               .n_header = 1,
                               .sink_fd = -1};

    if (status == 200)
        header[0].val = sms_str(h->api->taken_type);
    if (status == 503)
        header[answer.n_header++] = (struct hilo_kv){sms_str("Retry-After"), sms_str("1")};
    if (status == 405)
        header[answer.n_header++] = (struct hilo_kv){sms_str("Allow"), sms_str(h->api->methods)};
    if (h->sms->host.http_answer(h->sms->self, request, &answer) != HILO_OK)
        sms_log(h->sms, HILO_LOG_WARN, "webhook: not answered, as the link to the gateway is full");
}

static void hook_end(struct sms_http *h, struct hook *hook)
{
    hook_answer(h, hook->request, hook->refused ? 503 : 200, hook->refused ? "come back\n" : h->api->taken);
    (void)sms_slots_take(&h->hooks, hook->key);
    free(hook);
}

void sms_http_hooks_end(struct sms_http *h)
{
    struct hook *hook;
    uint32_t i;

    for (i = 0; i < h->hooks.n; i++) {
        hook = h->hooks.v[i].p;
        if (hook) {
            hook->refused = true;
            hook_end(h, hook);
        }
    }
}

/* ---- what it holds ----------------------------------------------------------------------------- */

static void hook_invalid(struct sms_http *h, struct hook *hook)
{
    if (!hook->invalid)
        sms_log(h->sms, HILO_LOG_WARN,
                "webhook: something is refused for good and dropped; message.refused above says why");
    hook->invalid = true;
}

static bool hook_message(void *arg, struct hilo_str message)
{
    struct hook_read *r = arg;
    int32_t code;

    if (r->hook->items >> HOOK_ITEM_BITS) {
        r->hook->refused = true;
        return false;
    }
    r->hook->waiting++;
    code =
        r->h->sms->host.submit(r->h->sms->self, r->hook->key << HOOK_ITEM_BITS | r->hook->items++, message);
    if (code == HILO_OK)
        return true;
    r->hook->waiting--;
    if (code == HILO_INVALID) {
        hook_invalid(r->h, r->hook);
        return true;
    }
    r->hook->refused = true;
    return false;
}

static void hook_note(void *arg, const char *words)
{
    struct hook_read *r = arg;

    if (r->hook->notes++ < HOOK_NOTES_MAX)
        sms_log(r->h->sms, HILO_LOG_WARN, "webhook: %s", words);
}

static void hook_stop(void *arg, const char *reason)
{
    struct hook_read *r = arg;

    sms_set_state(r->h->sms, HILO_CONFIG, reason);
}

static void hook_read(struct sms_http *h, uint64_t request, const struct hilo_http *http)
{
    struct hook_read read = {h, calloc(1, sizeof *read.hook)};
    const struct sms_sink sink = {&read, hook_message, hook_note, hook_stop};
    struct hook *hook = read.hook;
    int32_t code;

    if (!hook || !(hook->key = sms_slots_put(&h->hooks, hook))) {
        free(hook);
        hook_answer(h, request, 503, "come back\n");
        return;
    }
    hook->request = request;
    hook->waiting = 1;
    code = h->api->read(h->sms->host.wall_us(h->sms->self), http, &sink);
    if (code == HILO_INVALID) {
        sms_log(h->sms, HILO_LOG_ERROR, "webhook: %s calls, but what it brings can't be read", h->api->title);
        hook_answer(h, request, 400, "malformed\n");
        (void)sms_slots_take(&h->hooks, hook->key);
        free(hook);
        return;
    }
    hook->refused = hook->refused || code != HILO_OK;
    if (--hook->waiting == 0)
        hook_end(h, hook);
}

void sms_http_committed(void *state, uint64_t token, int32_t code)
{
    struct sms_http *h = state;
    struct hook *hook = sms_slots_get(&h->hooks, token >> HOOK_ITEM_BITS);

    if (!hook) /* answered already, when the channel closed */
        return;
    if (code == HILO_INVALID)
        hook_invalid(h, hook);
    else if (code != HILO_OK && code != HILO_DUPLICATE)
        hook->refused = true;
    if (--hook->waiting == 0)
        hook_end(h, hook);
}

/* ---- who calls --------------------------------------------------------------------------------- */

/* Logged once a minute at most: anybody can send these. */
static void hook_refuse(struct sms_http *h, uint64_t request)
{
    int64_t now_us = h->sms->host.mono_us(h->sms->self);

    hook_answer(h, request, 401, "not proven to be the provider\n");
    h->refused++;
    if (now_us < h->refused_log_us)
        return;
    sms_log(h->sms, HILO_LOG_WARN, "webhook: %" PRIu64 " refused %s", h->refused, h->api->distrust);
    h->refused = 0;
    h->refused_log_us = now_us + HOOK_LOG_EVERY_US;
}

/* Whether the method is one of "POST" or "GET, POST". */
static bool hook_method(const struct sms_api *api, struct hilo_str method)
{
    bool post = method.n == 4 && memcmp(method.p, "POST", 4) == 0;
    bool get = method.n == 3 && memcmp(method.p, "GET", 3) == 0;

    return post || (get && strstr(api->methods, "GET"));
}

void sms_http_on_request(void *state, uint64_t request, const struct hilo_http *http)
{
    struct sms_http *h = state;
    enum sms_caller caller = h->api->caller(&h->sms->conf, http);

    if (caller == SMS_CALLER_LOST)
        hook_answer(h, request, 404, "not found\n");
    else if (!hook_method(h->api, http->method))
        hook_answer(h, request, 405, "method not allowed\n");
    else if (h->draining)
        hook_answer(h, request, 503, "come back\n");
    else if (caller == SMS_CALLER_KNOWN)
        hook_read(h, request, http);
    else
        hook_refuse(h, request);
}
