/*
 * The webhook, as HTTP: the verification handshake, and deliveries.
 *
 * A delivery is answered 200 only when each of its messages and statuses is on
 * disk (or was there before). If one can't be taken now the answer is 503: Meta
 * sends all of it again, for up to seven days, and what was taken already is
 * recognised. A message that the core calls invalid is logged and counts as taken,
 * because no repetition would make it valid, while a 503 for it would keep the
 * valid ones beside it coming for days.
 *
 * A token is a delivery's key and, in its lower 24 bits, the number of the item.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "whatsapp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    HOOK_ITEM_BITS = 24,
    HOOK_NOTES_MAX = 8, /* lines in the log for one delivery */
    HOOK_LOG_EVERY_US = 60000000
};

struct hook {
    uint64_t key, request;
    uint32_t waiting; /* items submitted and not committed, and 1 while more may come */
    uint32_t items, invalid, notes;
    bool refused; /* one could not be taken: Meta has to come back */
};

struct hook_read {
    struct wa *wa;
    struct hook *hook;
};

static void hook_answer(struct wa *wa, uint64_t request, uint32_t status, const char *body)
{
    const struct hilo_kv header[2] = {
        {wa_str("Content-Type"), wa_str("text/plain")},
        {wa_str(status == 405 ? "Allow" : "Retry-After"), wa_str(status != 405             ? "1"
                                                                 : wa->provider->handshake ? "GET, POST"
                                                                                           : "POST")}};
    const struct hilo_http answer = {.size = sizeof answer,
                                     .status = status,
                                     .body = wa_str(body),
                                     .header = header,
                                     .n_header = status == 405 || status == 503 ? 2 : 1,
                                     .sink_fd = -1};

    wa->host.http_answer(wa->self, request, &answer);
}

/* ---- the handshake ---------------------------------------------------------------------- */

static void hook_handshake(struct wa *wa, uint64_t request, struct hilo_str query)
{
    char text[WA_VALUE_MAX];
    const struct hilo_kv header[2] = {{wa_str("Content-Type"), wa_str("text/plain")},
                                      {wa_str("X-Content-Type-Options"), wa_str("nosniff")}};
    struct hilo_http answer = {
        .size = sizeof answer, .status = 200, .header = header, .n_header = 2, .sink_fd = -1};

    if (wa->provider->handshake(&wa->conf, query, text, sizeof text)) {
        wa_log(wa, HILO_LOG_INFO, "webhook: verified by the provider's handshake");
        answer.body = wa_str(text);
        wa->host.http_answer(wa->self, request, &answer);
    } else {
        wa_log(wa, HILO_LOG_WARN, "webhook: a handshake was refused, %s", wa->provider->distrust_handshake);
        hook_answer(wa, request, 403, "forbidden\n");
    }
}

/* ---- a delivery ----------------------------------------------------------------------------- */

static void hook_end(struct wa *wa, struct hook *hook)
{
    if (hook->refused)
        hook_answer(wa, hook->request, 503, "come back\n");
    else
        hook_answer(wa, hook->request, 200, "");
    wa_slots_take(&wa->hooks, hook->key);
    free(hook);
}

static void hook_invalid(struct wa *wa, struct hook *hook)
{
    if (hook->invalid++ == 0)
        wa_log(wa, HILO_LOG_ERROR, "webhook: a message was refused as invalid and is dropped");
}

static bool hook_message(void *arg, struct hilo_str message)
{
    struct hook_read *r = arg;
    uint64_t token = r->hook->key << HOOK_ITEM_BITS | r->hook->items;
    int32_t rc;

    if (r->hook->items >> HOOK_ITEM_BITS) {
        r->hook->refused = true;
        return false;
    }
    r->hook->items++;
    r->hook->waiting++;
    rc = r->wa->host.submit(r->wa->self, token, message);
    if (rc == HILO_OK)
        return true;
    r->hook->waiting--;
    if (rc == HILO_INVALID) {
        hook_invalid(r->wa, r->hook);
        return true;
    }
    r->hook->refused = true;
    return false;
}

/* A word of Meta's vocabulary; what else stands in its place may be about a person. */
static bool hook_word(const char *p, int n)
{
    int i = 0;

    while (i < n && ((p[i] >= 'a' && p[i] <= 'z') || p[i] == '_'))
        i++;
    return i == n && n > 0 && n <= 40;
}

static void hook_note(void *arg, enum wa_note what, int64_t code, struct hilo_str text)
{
    struct hook_read *r = arg;
    int n = text.n < 100 ? (int)text.n : 100;
    const char *p = n ? text.p : "";
    char reason[101];

    if (what == WA_NOTE_ACCOUNT_ERROR) {
        wa_log(r->wa, HILO_LOG_ERROR, "webhook: error %" PRId64 " of the account: %.*s", code, n, p);
        return;
    }
    if (what == WA_NOTE_ACCOUNT_NEWS) {
        wa_log(r->wa, HILO_LOG_WARN, "webhook: news of the account: %.*s", n, p);
        return;
    }
    if (what == WA_NOTE_ACCOUNT_UP) {
        wa_log(r->wa, HILO_LOG_WARN, "webhook: news of the account: %.*s", n, p);
        wa_set_state(r->wa, HILO_OK, "the account works again");
        return;
    }
    if (what == WA_NOTE_TEMPLATES) {
        wa_log(r->wa, HILO_LOG_INFO, "webhook: the template \"%.*s\" has changed", n, p);
        wa_templates_changed(r->wa);
        return;
    }
    if (what == WA_NOTE_ACCOUNT_STOP) {
        snprintf(reason, sizeof reason, "%.*s", n, p);
        wa_set_state(r->wa, HILO_CONFIG, reason);
        return;
    }
    if (r->hook->notes++ >= HOOK_NOTES_MAX)
        return;
    if ((what == WA_NOTE_OBJECT || what == WA_NOTE_FIELD || what == WA_NOTE_STATUS) && !hook_word(p, n)) {
        p = "(no word)";
        n = (int)strlen(p);
    }
    switch (what) {
    case WA_NOTE_OBJECT:
        wa_log(r->wa, HILO_LOG_WARN, "webhook: ignored, it is about \"%.*s\" and not a WhatsApp account", n,
               p);
        break;
    case WA_NOTE_FIELD:
        if (wa_names_new(&r->wa->ignored, (struct hilo_str){p, (uint64_t)n}))
            wa_log(r->wa, HILO_LOG_INFO, "webhook: news of \"%.*s\" are not used, here and from now on", n,
                   p);
        break;
    case WA_NOTE_FOREIGN:
        wa_log(r->wa, HILO_LOG_WARN, "webhook: ignored a change for another number, \"%.*s\"", n, p);
        break;
    case WA_NOTE_STATUS:
        wa_log(r->wa, HILO_LOG_INFO, "webhook: ignored the unknown status \"%.*s\"", n, p);
        break;
    case WA_NOTE_TOO_LARGE:
        wa_log(r->wa, HILO_LOG_ERROR, "webhook: message %.*s is too large, its content is dropped", n, p);
        break;
    default:
        wa_log(r->wa, HILO_LOG_WARN, "webhook: not of the documented shape: %.*s", n, p);
    }
}

static void hook_template(void *arg, struct hilo_str group)
{
    struct hook_read *r = arg;

    if (wa_templates_able(r->wa))
        r->wa->host.template_put(r->wa->self, group);
}

/* Logged once a minute at most: anybody can send these. */
static void hook_refuse(struct wa *wa, uint64_t request)
{
    int64_t now_us = wa->host.mono_us(wa->self);

    hook_answer(wa, request, 401, "not proven to be the provider\n");
    wa->refused++;
    if (now_us < wa->refused_log_us)
        return;
    wa_log(wa, HILO_LOG_WARN, "webhook: %" PRIu64 " refused %s", wa->refused, wa->provider->distrust);
    wa->refused = 0;
    wa->refused_log_us = now_us + HOOK_LOG_EVERY_US;
}

static void hook_delivery(struct wa *wa, uint64_t request, const struct hilo_http *h)
{
    struct hook_read read = {wa, NULL};
    const struct wa_sink sink = {&read, hook_message, hook_note, hook_template};
    struct hook *hook;
    int32_t rc;

    hook = calloc(1, sizeof *hook);
    if (!hook || !(hook->key = wa_slots_put(&wa->hooks, hook))) {
        free(hook);
        hook_answer(wa, request, 503, "come back\n");
        return;
    }
    hook->request = request;
    hook->waiting = 1;
    read.hook = hook;
    rc = wa->provider->read(&wa->conf, h, &sink);
    if (rc == HILO_INVALID) {
        wa_log(wa, HILO_LOG_ERROR, "webhook: the provider's, but its body is not a JSON object");
        hook_answer(wa, request, 400, "malformed JSON\n");
        wa_slots_take(&wa->hooks, hook->key);
        free(hook);
        return;
    }
    if (rc != HILO_OK)
        hook->refused = true;
    if (--hook->waiting == 0)
        hook_end(wa, hook);
}

void wa_committed(void *inst, uint64_t token, int32_t code)
{
    struct wa *wa = inst;
    struct hook *hook;

    hook = wa && wa->magic == WA_MAGIC ? wa_slots_get(&wa->hooks, token >> HOOK_ITEM_BITS) : NULL;
    if (!hook) /* answered already, when the channel closed */
        return;
    if (code == HILO_INVALID)
        hook_invalid(wa, hook);
    else if (code != HILO_OK && code != HILO_DUPLICATE)
        hook->refused = true;
    if (--hook->waiting == 0)
        hook_end(wa, hook);
}

void wa_on_request(void *inst, uint64_t request, const struct hilo_http *h)
{
    struct wa *wa = inst;
    struct hilo_str query;
    enum wa_caller caller;

    if (!wa || wa->magic != WA_MAGIC)
        return;
    caller = wa->provider->caller(&wa->conf, wa->signer, h);
    query = h->url;
    wa_split(&query, '?');
    if (caller == WA_CALLER_LOST)
        hook_answer(wa, request, 404, "not found\n");
    else if (wa->provider->handshake && h->method.n == 3 && memcmp(h->method.p, "GET", 3) == 0)
        hook_handshake(wa, request, query);
    else if (h->method.n != 4 || memcmp(h->method.p, "POST", 4) != 0)
        hook_answer(wa, request, 405, "method not allowed\n");
    else if (wa->draining)
        hook_answer(wa, request, 503, "come back\n");
    else if (caller == WA_CALLER_KNOWN)
        hook_delivery(wa, request, h);
    else
        hook_refuse(wa, request);
}

void wa_hooks_refuse_all(struct wa *wa)
{
    struct hook *hook;
    uint32_t i;

    for (i = 0; i < wa->hooks.n; i++) {
        hook = wa_slots_at(&wa->hooks, i);
        if (hook) {
            hook->refused = true;
            hook_end(wa, hook);
        }
    }
}
