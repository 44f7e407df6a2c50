/*
 * The templates that may be sent, fetched from the provider and published to the core:
 * when the channel starts, soon after a webhook said that one changed, every
 * template_refresh, and after a failure again.
 *
 * A list is gathered page by page and published whole, in one go, so that a page that
 * fails leaves what the core has, and what webhooks say of single templates meanwhile
 * is never taken for a part of a list. While it is gathered a change is noted and the
 * list asked for once more.
 * Limits: 32 MiB and 200 pages; what is beyond is an error, and nothing is published.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "whatsapp.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    TEMPLATES_SOON_US = 2000000, /* several changes at once make one fetch */
    TEMPLATES_RETRY_US = 30000000,
    TEMPLATES_PAGES_MAX = 200,
    TEMPLATES_BYTES_MAX = 32 << 20
};
#define TEMPLATES_RETRY_MAX_US INT64_C(3600000000)

static int templates_grow(struct hilo_writer *w, uint64_t need)
{
    uint64_t cap = w->cap ? w->cap : 16384;
    void *p;

    if (need > TEMPLATES_BYTES_MAX)
        return 0;
    while (cap < need)
        cap *= 2;
    p = realloc(w->p, (size_t)cap);
    if (!p)
        return 0;
    w->p = p;
    w->cap = cap;
    return 1;
}

/* The earlier of the two instants counts. */
static void templates_at(struct wa *wa, int64_t wait_us)
{
    struct wa_templates *t = &wa->templates;
    int64_t at = wa->host.mono_us(wa->self) + wait_us;

    if (t->due_us && t->due_us <= at)
        return;
    t->due_us = at;
    if (wa->host.timer(wa->self, WA_TIMER_TEMPLATES, at) != HILO_OK)
        wa_log(wa, HILO_LOG_WARN, "templates: no timer; they are fetched again when a webhook says so");
}

static void templates_end(struct wa *wa)
{
    struct wa_templates *t = &wa->templates;

    t->asking = false;
    t->list.n = 0;
    if (t->again)
        templates_at(wa, TEMPLATES_SOON_US);
    else if (wa->conf.template_refresh_us)
        templates_at(wa, wa->conf.template_refresh_us);
}

static void templates_failed(struct wa *wa, const char *why)
{
    struct wa_templates *t = &wa->templates;

    wa_log(wa, HILO_LOG_WARN, "templates: not fetched, what is known of them stays as it is: %s", why);
    t->asking = false;
    t->list.n = 0;
    templates_at(wa, t->retry_us);
    t->retry_us = t->retry_us * 2 < TEMPLATES_RETRY_MAX_US ? t->retry_us * 2 : TEMPLATES_RETRY_MAX_US;
}

static void templates_ask(struct wa *wa)
{
    struct wa_templates *t = &wa->templates;
    struct hilo_http request;
    char url[WA_URL_MAX];
    struct wa_op *op;

    if (!wa->provider->templates_url(&wa->conf, t->after, url)) {
        templates_failed(wa, "the URL would be too long");
        return;
    }
    op = wa_op_new(wa, WA_STEP_LIST, (struct hilo_str){NULL, 0});
    if (!op) {
        templates_failed(wa, "no memory");
        return;
    }
    request = wa_request(wa, "GET", url);
    if (wa_request_begin(wa, op, &request) != HILO_OK) {
        wa_op_free(wa, op);
        templates_failed(wa, "the gateway has too many requests under way");
    }
}

static void templates_begin(struct wa *wa)
{
    struct wa_templates *t = &wa->templates;

    t->asking = true;
    t->again = false;
    t->page = t->n = t->left_out = 0;
    t->after[0] = 0;
    t->list.n = 0;
    t->list.failed = 0;
    templates_ask(wa);
}

static void templates_put(void *arg, struct hilo_str group, struct hilo_str name, const char *why)
{
    struct wa *wa = arg;
    struct wa_templates *t = &wa->templates;

    if (why) {
        t->left_out++;
        wa_log(wa, HILO_LOG_WARN, "templates: \"%.*s\" is left out: %s", name.n < 100 ? (int)name.n : 100,
               name.n ? name.p : "", why);
        return;
    }
    t->n++;
    hilo_put_str(&t->list, 1, group);
}

static void templates_publish(struct wa *wa)
{
    struct wa_templates *t = &wa->templates;
    struct hilo_str rest = hilo_written(&t->list);
    struct hilo_field f;

    wa->host.template_begin(wa->self);
    while (hilo_next(&rest, &f) == 1)
        if (wa->host.template_put(wa->self, f.val) != HILO_OK)
            t->left_out++;
    wa->host.template_end(wa->self);
    t->retry_us = TEMPLATES_RETRY_US;
    wa_log(wa, HILO_LOG_INFO, "templates: %u fetched, %u left out", t->n, t->left_out);
}

void wa_templates_on_http(struct wa *wa, struct wa_op *op, int32_t code, const struct hilo_http *h)
{
    struct wa_templates *t = &wa->templates;
    const struct wa_template_sink sink = {wa, templates_put};
    struct wa_verdict v;
    char before[sizeof t->after];

    wa_op_free(wa, op);
    if (code != HILO_OK || !h) {
        templates_failed(wa, "no answer");
        return;
    }
    if (h->status < 200 || h->status > 299) {
        wa->provider->judge(h, &v);
        if (v.code == HILO_CONFIG && strcmp(v.reason, "token_invalid") == 0)
            wa_set_state(wa, HILO_CONFIG, v.detail[0] ? v.detail : v.reason);
        templates_failed(wa, v.detail[0] ? v.detail : v.reason);
        return;
    }
    memcpy(before, t->after, sizeof before);
    if (!wa->provider->templates_read(h, &sink, t->after, sizeof t->after)) {
        templates_failed(wa, "the answer is no list of templates");
    } else if (t->list.failed) {
        templates_failed(wa, "there are too many");
    } else if (!t->after[0]) {
        templates_publish(wa);
        templates_end(wa);
    } else if (++t->page == TEMPLATES_PAGES_MAX || strcmp(t->after, before) == 0) {
        templates_failed(wa, "the list does not end");
    } else {
        templates_ask(wa);
    }
}

bool wa_templates_able(const struct wa *wa)
{
    return wa->host.size >= offsetof(struct hilo_host, template_end) + sizeof wa->host.template_end &&
           wa->host.template_begin && wa->host.template_put && wa->host.template_end;
}

void wa_templates_start(struct wa *wa)
{
    struct wa_templates *t = &wa->templates;
    char url[WA_URL_MAX];

    t->retry_us = TEMPLATES_RETRY_US;
    t->list.grow = templates_grow;
    if (!wa_templates_able(wa))
        return;
    if (wa->provider->templates_url && wa->provider->templates_url(&wa->conf, "", url))
        templates_begin(wa);
    else
        wa_log(wa, HILO_LOG_INFO, "templates: not fetched, so messages with one are sent unchecked; %s",
               wa->provider->templates_hint ? wa->provider->templates_hint
                                            : "this provider's list is not read yet");
}

void wa_templates_on_timer(struct wa *wa)
{
    wa->templates.due_us = 0;
    if (!wa->templates.asking && !wa->draining)
        templates_begin(wa);
}

void wa_templates_changed(struct wa *wa)
{
    struct wa_templates *t = &wa->templates;
    char url[WA_URL_MAX];

    if (!wa_templates_able(wa) || !wa->provider->templates_url ||
        !wa->provider->templates_url(&wa->conf, "", url))
        return;
    if (t->asking)
        t->again = true;
    else
        templates_at(wa, TEMPLATES_SOON_US);
}

void wa_templates_done(struct wa *wa)
{
    wa->host.timer(wa->self, WA_TIMER_TEMPLATES, 0);
    free(wa->templates.list.p);
    wa->templates.list.p = NULL;
}
