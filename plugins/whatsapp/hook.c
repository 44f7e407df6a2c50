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

#include "signature.h"
#include "webhook.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    HOOK_ITEM_BITS = 24,
    HOOK_NOTES_MAX = 8,   /* lines in the log for one delivery */
    HOOK_VALUE_MAX = 512, /* of a parameter in the query */
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
        {wa_str(status == 405 ? "Allow" : "Retry-After"), wa_str(status == 405 ? "GET, POST" : "1")}};
    const struct hilo_http answer = {.size = sizeof answer,
                                     .status = status,
                                     .body = wa_str(body),
                                     .header = header,
                                     .n_header = status == 405 || status == 503 ? 2 : 1,
                                     .sink_fd = -1};

    wa->host.http_answer(wa->self, request, &answer);
}

/* ---- the handshake ---------------------------------------------------------------------- */

static int hook_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes a name or a value of a query. False if it does not fit. */
static bool hook_url_decode(struct hilo_str s, char *out, struct hilo_str *decoded)
{
    uint64_t i, n = 0;

    for (i = 0; i < s.n; i++) {
        if (n == HOOK_VALUE_MAX)
            return false;
        if (s.p[i] == '%' && i + 2 < s.n && hook_hex(s.p[i + 1]) >= 0 && hook_hex(s.p[i + 2]) >= 0) {
            out[n++] = (char)(hook_hex(s.p[i + 1]) << 4 | hook_hex(s.p[i + 2]));
            i += 2;
        } else {
            out[n++] = s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    decoded->p = out;
    decoded->n = n;
    return true;
}

static struct hilo_str hook_split(struct hilo_str *rest, char at)
{
    struct hilo_str head = *rest;
    const char *p = rest->n ? memchr(rest->p, at, rest->n) : NULL;

    if (p) {
        head.n = (uint64_t)(p - rest->p);
        rest->p = p + 1;
        rest->n -= head.n + 1;
    } else {
        rest->n = 0;
    }
    return head;
}

/* The first parameter with this name, decoded into out; empty if there is none. */
static struct hilo_str hook_parameter(struct hilo_str query, const char *name, char out[HOOK_VALUE_MAX])
{
    struct hilo_str pair, key, value, none = {NULL, 0};
    char buf[HOOK_VALUE_MAX];

    while (query.n) {
        pair = hook_split(&query, '&');
        key = hook_split(&pair, '=');
        if (hook_url_decode(key, buf, &key) && key.n == strlen(name) && memcmp(key.p, name, key.n) == 0)
            return hook_url_decode(pair, out, &value) ? value : none;
    }
    return none;
}

static void hook_handshake(struct wa *wa, uint64_t request, struct hilo_str query)
{
    char a[HOOK_VALUE_MAX], b[HOOK_VALUE_MAX], c[HOOK_VALUE_MAX + 1];
    struct hilo_str mode = hook_parameter(query, "hub.mode", a);
    struct hilo_str token = hook_parameter(query, "hub.verify_token", b);
    struct hilo_str challenge = hook_parameter(query, "hub.challenge", c);
    const struct hilo_kv header[2] = {{wa_str("Content-Type"), wa_str("text/plain")},
                                      {wa_str("X-Content-Type-Options"), wa_str("nosniff")}};
    const struct hilo_http answer = {.size = sizeof answer,
                                     .status = 200,
                                     .body = challenge,
                                     .header = header,
                                     .n_header = 2,
                                     .sink_fd = -1};
    bool subscribe = mode.n == 9 && memcmp(mode.p, "subscribe", 9) == 0;

    if (wa_secret_eq(token, wa->conf->verify_token) && token.n && subscribe && challenge.n) {
        wa_log(wa, HILO_LOG_INFO, "webhook: verified by Meta's handshake");
        wa->host.http_answer(wa->self, request, &answer);
    } else {
        wa_log(wa, HILO_LOG_WARN,
               "webhook: a handshake with a wrong hub.verify_token or hub.mode was refused; "
               "compare the option verify_token with the one in Meta's app");
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

static void hook_note(void *arg, enum wa_note what, int64_t code, struct hilo_str text)
{
    struct hook_read *r = arg;
    int n = text.n < 100 ? (int)text.n : 100;
    const char *p = n ? text.p : "";
    const struct wa_error *e;

    if (what == WA_NOTE_ACCOUNT_ERROR) {
        e = wa_error_find(code);
        wa_log(r->wa, HILO_LOG_ERROR, "webhook: Meta reports error %" PRId64 " of the account: %.*s", code, n,
               p);
        if (e && e->code == HILO_CONFIG)
            wa_set_state(r->wa, HILO_CONFIG, e->reason);
        return;
    }
    if (r->hook->notes++ >= HOOK_NOTES_MAX)
        return;
    switch (what) {
    case WA_NOTE_OBJECT:
        wa_log(r->wa, HILO_LOG_WARN, "webhook: ignored, it is about \"%.*s\" and not a WhatsApp account", n,
               p);
        break;
    case WA_NOTE_FIELD:
        wa_log(r->wa, HILO_LOG_INFO, "webhook: ignored a change of \"%.*s\"", n, p);
        break;
    case WA_NOTE_FOREIGN:
        wa_log(r->wa, HILO_LOG_WARN, "webhook: ignored a change for phone_number_id \"%.*s\", ours is %s", n,
               p, r->wa->conf->phone_number_id.p);
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

/* Once a minute at most: anybody can send these. */
static void hook_log_refused(struct wa *wa)
{
    int64_t now_us = wa->host.mono_us(wa->self);

    wa->refused++;
    if (now_us < wa->refused_log_us)
        return;
    wa_log(wa, HILO_LOG_WARN,
           "webhook: %" PRIu64
           " refused for a missing or wrong X-Hub-Signature-256; compare the option app_secret "
           "with the one in Meta's app",
           wa->refused);
    wa->refused = 0;
    wa->refused_log_us = now_us + HOOK_LOG_EVERY_US;
}

static void hook_delivery(struct wa *wa, uint64_t request, const struct hilo_http *h)
{
    const struct wa_account account = {wa->conf->phone_number_id, wa->conf->waba_id};
    struct hook_read read = {wa, NULL};
    const struct wa_sink sink = {&read, hook_message, hook_note};
    struct hook *hook;
    int32_t rc;

    if (!wa_signature_ok(wa->conf->app_secret, h->body, wa_header(h, "X-Hub-Signature-256"))) {
        hook_log_refused(wa);
        hook_answer(wa, request, 401, "signature missing or wrong\n");
        return;
    }
    hook = calloc(1, sizeof *hook);
    if (!hook || !(hook->key = wa_slots_put(&wa->hooks, hook))) {
        free(hook);
        hook_answer(wa, request, 503, "come back\n");
        return;
    }
    hook->request = request;
    hook->waiting = 1;
    read.hook = hook;
    rc = wa_webhook_read(h->body, &account, &sink);
    if (rc == HILO_INVALID) {
        wa_log(wa, HILO_LOG_ERROR, "webhook: signed by Meta, but its body is not a JSON object");
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
    struct hilo_str query, path;

    if (!wa || wa->magic != WA_MAGIC)
        return;
    query = h->url;
    path = hook_split(&query, '?');
    if (path.n > 1 || (path.n == 1 && path.p[0] != '/'))
        hook_answer(wa, request, 404, "not found\n");
    else if (h->method.n == 3 && memcmp(h->method.p, "GET", 3) == 0)
        hook_handshake(wa, request, query);
    else if (h->method.n != 4 || memcmp(h->method.p, "POST", 4) != 0)
        hook_answer(wa, request, 405, "method not allowed\n");
    else if (wa->draining)
        hook_answer(wa, request, 503, "come back\n");
    else
        hook_delivery(wa, request, h);
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
