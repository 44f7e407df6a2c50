/*
 * Messages out by HTTP: the queue, requests, and the one report of each message.
 *
 * A message leaves at once while fewer requests are under way than may be; else it waits for one to
 * end, and then all that wait leave together, as many as a request may have: batches come of
 * load alone, and delay nothing.
 *
 * A batch that is refused as a whole, for good, says nothing of which message is to blame: each is sent
 * again in a request of its own. A batch without an answer is in doubt, all of it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINK_RETRY_US = 1000000 /* when the host's link was full */ };

/* ---- the queue --------------------------------------------------------------------------------- */

static void queue_put(struct sms_http *h, struct sms_item *item)
{
    item->next = NULL;
    *h->tail = item;
    h->tail = &item->next;
}

static void queue_put_first(struct sms_http *h, struct sms_item *item)
{
    item->next = h->head;
    if (!h->head)
        h->tail = &item->next;
    h->head = item;
}

static struct sms_item *queue_take(struct sms_http *h)
{
    struct sms_item *item = h->head;

    if (item) {
        h->head = item->next;
        if (!h->head)
            h->tail = &h->head;
        item->next = NULL;
    }
    return item;
}

/* ---- reports ----------------------------------------------------------------------------------- */

static void out_report(struct sms_http *h, struct sms_item *item, const struct sms_verdict *v)
{
    struct hilo_report r = {.size = sizeof r,
                            .code = v->code,
                            .id = item->id,
                            .ext_id = sms_str(v->ext_id),
                            .reason = sms_str(v->reason),
                            .provider_code = sms_str(v->provider_code),
                            .detail = sms_str(v->detail)};

    if (v->code == HILO_AGAIN || v->code == HILO_TEMP) {
        r.scope = v->scope;
        r.retry_after_us = v->retry_after_us;
    }
    free(item);
    h->sms->host.report(h->sms->self, &r);
}

void sms_http_give_back(struct sms_http *h, const struct sms_verdict *v)
{
    struct sms_item *item;

    while ((item = queue_take(h)))
        out_report(h, item, v);
}

/* Takes the request out of the table and frees it; its items are the caller's. */
static void request_end(struct sms_http *h, struct sms_request *q)
{
    (void)sms_slots_take(&h->requests, q->key);
    free(q);
}

static void request_report(struct sms_http *h, struct sms_request *q, const struct sms_verdict *v)
{
    unsigned i;

    for (i = 0; i < q->n; i++)
        out_report(h, q->item[i], v);
    request_end(h, q);
}

void sms_http_abandon(struct sms_http *h)
{
    struct sms_verdict v = {
        .code = HILO_IN_DOUBT, .reason = "closed", .detail = "the channel was closed before the answer came"};
    uint32_t i;

    for (i = 0; i < h->requests.n; i++)
        if (h->requests.v[i].p)
            request_report(h, h->requests.v[i].p, &v);
}

/* ---- forward ----------------------------------------------------------------------------------- */

static struct sms_request *request_new(struct sms_http *h, unsigned n)
{
    struct sms_request *q = calloc(1, sizeof *q + n * sizeof *q->item);

    if (q && !(q->key = sms_slots_put(&h->requests, q))) {
        free(q);
        q = NULL;
    }
    return q;
}

/* How many of the queue go into the next request. */
static unsigned out_batch(const struct sms_http *h)
{
    unsigned max = h->api->requests ? (unsigned)h->sms->conf.batch : 1, n = 0;
    const struct sms_item *item;

    for (item = h->head; item && n < max && !(n && item->alone); item = item->next) {
        n++;
        if (item->alone)
            break;
    }
    return n;
}

static int32_t request_begin(struct sms_http *h, const struct sms_request *q)
{
    const struct sms_conf *conf = &h->sms->conf;
    const struct hilo_kv header[] = {{sms_str("Authorization"), sms_str(h->authorization)},
                                     {sms_str("Content-Type"), sms_str(h->api->type)},
                                     {sms_str("Accept"), sms_str("application/json")}};
    char *body = h->api->body(conf, h->sms->host.wall_us(h->sms->self), q->item, q->n);
    struct hilo_http request = {.size = sizeof request,
                                .timeout_ms = (uint32_t)(conf->timeout_us / 1000),
                                .method = sms_str("POST"),
                                .url = sms_str(h->url),
                                .header = header,
                                .n_header = sizeof header / sizeof *header,
                                .sink_fd = -1};
    int32_t code = HILO_NOMEM;

    if (body) {
        request.body = sms_str(body);
        code = h->sms->host.http(h->sms->self, q->key, &request);
    }
    free(body);
    return code;
}

static void out_pump(struct sms_http *h)
{
    struct sms_verdict v = {.code = HILO_AGAIN,
                            .scope = HILO_SCOPE_CHANNEL,
                            .retry_after_us = LINK_RETRY_US,
                            .reason = "link_full",
                            .detail = "the gateway has too many requests under way"};
    struct sms_request *q;
    unsigned n;

    while (h->head && (!h->api->requests || h->requests.used < h->api->requests)) {
        n = out_batch(h);
        q = request_new(h, n);
        if (!q) {
            sms_http_give_back(h, &v);
            return;
        }
        while (q->n < n)
            q->item[q->n++] = queue_take(h);
        if (request_begin(h, q) != HILO_OK) {
            request_report(h, q, &v);
            sms_http_give_back(h, &v);
            return;
        }
    }
}

int32_t sms_http_send(void *state, struct hilo_id id, struct hilo_str message)
{
    struct sms_http *h = state;
    struct sms_verdict v = {.code = HILO_PERM};
    const char *reason, *why;
    struct hilo_report r;
    struct sms_item *item;

    if (h->draining)
        return HILO_AGAIN;
    item = sms_item_new(&h->sms->conf, id, message, &reason, &why);
    if (!item) {
        r = (struct hilo_report){.size = sizeof r,
                                 .code = strcmp(reason, "no_memory") == 0 ? HILO_TEMP : v.code,
                                 .id = id,
                                 .reason = sms_str(reason),
                                 .detail = sms_str(why)};
        h->sms->host.report(h->sms->self, &r);
        return HILO_OK;
    }
    queue_put(h, item);
    out_pump(h);
    return HILO_OK;
}

void sms_http_revoke(void *state, struct hilo_id id)
{
    struct sms_http *h = state;
    struct sms_verdict v = {.code = HILO_AGAIN, .reason = "revoked", .detail = "taken back before it left"};
    struct sms_item **at, *item;

    for (at = &h->head; (item = *at); at = &item->next) {
        if (memcmp(&item->id, &id, sizeof id) != 0)
            continue;
        *at = item->next;
        if (h->tail == &item->next)
            h->tail = at;
        out_report(h, item, &v);
        return;
    }
}

/* ---- and back ---------------------------------------------------------------------------------- */

static void out_no_answer(struct sms_http *h, struct sms_request *q, const struct hilo_http *answer)
{
    struct sms_verdict v = {.code = HILO_IN_DOUBT,
                            .reason = "no_answer",
                            .detail = "the request left and no answer came; a receipt may tell"};

    if (!(answer && answer->flags & HILO_HTTP_MAYBE_SENT)) {
        v.code = HILO_DOWN;
        (void)snprintf(v.reason, sizeof v.reason, "unreachable");
        (void)snprintf(v.detail, sizeof v.detail, "no connection to %s; nothing has left", h->api->title);
        request_report(h, q, &v);
        sms_http_give_back(h, &v);
        return;
    }
    request_report(h, q, &v);
}

/* Each of a batch that was refused as a whole goes once more, alone; in their order, before the others. */
static void out_split(struct sms_http *h, struct sms_request *q)
{
    unsigned i;

    for (i = q->n; i-- > 0;) {
        q->item[i]->alone = true;
        queue_put_first(h, q->item[i]);
    }
    request_end(h, q);
}

static void out_answered(struct sms_http *h, struct sms_request *q, const struct hilo_http *answer)
{
    struct sms_verdict *v = calloc(q->n, sizeof *v), all = {0};
    bool whole, taken = false;
    unsigned i;

    if (!v) { /* it was perhaps taken: who could not read that does not know */
        out_no_answer(h, q, &(struct hilo_http){.flags = HILO_HTTP_MAYBE_SENT});
        return;
    }
    whole = h->api->answer(answer, q->item, q->n, v);
    if (whole && v[0].code == HILO_PERM && q->n > 1 && !h->draining) {
        out_split(h, q);
        free(v);
        return;
    }
    for (i = 0; i < q->n; i++) {
        taken = taken || v[i].code == HILO_OK;
        if (v[i].code == HILO_CONFIG ||
            (all.code == 0 && v[i].code == HILO_AGAIN && v[i].scope == HILO_SCOPE_CHANNEL))
            all = v[i];
    }
    if (all.code == HILO_CONFIG)
        sms_set_state(h->sms, HILO_CONFIG, all.detail[0] ? all.detail : all.reason);
    else if (taken)
        sms_set_state(h->sms, HILO_OK, "sending");
    for (i = 0; i < q->n; i++)
        out_report(h, q->item[i], &v[i]);
    request_end(h, q);
    free(v);
    if (all.code) /* what waits would meet the same */
        sms_http_give_back(h, &all);
}

void sms_http_on_http(void *state, uint64_t token, int32_t code, const struct hilo_http *answer)
{
    struct sms_http *h = state;
    struct sms_request *q = sms_slots_get(&h->requests, token);

    if (!q) /* reported already */
        return;
    if (code == HILO_OK && answer)
        out_answered(h, q, answer);
    else
        out_no_answer(h, q, answer);
    if (!h->draining)
        out_pump(h);
}
