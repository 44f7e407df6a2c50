/* Webhooks, as Twilio posts them: a form each, signed, in order. Twilio itself repeats none unless it is
 * asked to (connection overrides); here one that gets no 2xx is repeated after a back-off that doubles, while
 * the others wait. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool wait_locked(struct sim *s, int64_t until_us)
{
    struct timespec t = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};

    if (s->stopping || now_us() >= until_us)
        return false;
    pthread_cond_timedwait(&s->changed, &s->lock, &t);
    return !s->stopping;
}

static void add_one(struct sim *s, const char *url, const struct params *p, bool inbound, int64_t delay_ms)
{
    struct event *e = must(calloc(1, sizeof *e)), **at = &s->events;

    e->due_us = now_us() + delay_ms * 1000;
    e->inbound = inbound;
    (void)copy(e->url, sizeof e->url, url);
    for (size_t i = 0; i < p->n; i++)
        params_add(&e->params, p->v[i].name, p->v[i].value);
    if (*at) /* not before the first, which may be on its way */
        at = &(*at)->next;
    while (*at && (*at)->due_us <= e->due_us)
        at = &(*at)->next;
    e->next = *at;
    *at = e;
    s->n_events++;
}

void webhook_add_locked(struct sim *s, const char *url, struct params *p, bool inbound, int64_t delay_ms)
{
    for (int i = 0; i < (s->faults.duplicate_webhooks ? 2 : 1); i++)
        add_one(s, url, p, inbound, delay_ms);
    params_free(p);
    pthread_cond_broadcast(&s->changed);
}

void status_add_locked(struct sim *s, const struct message *m, const char *status, int64_t error_code,
                       int64_t delay_ms)
{
    const char *from = member(m->form, "From");
    struct params p = {0};
    char code[24];

    if (!m->callback[0])
        return;
    params_add(&p, "SmsSid", m->sid);
    params_add(&p, "SmsStatus", status);
    params_add(&p, "MessageStatus", status);
    if (error_code) {
        snprintf(code, sizeof code, "%lld", (long long)error_code);
        params_add(&p, "ErrorCode", code);
    }
    params_add(&p, "To", m->to);
    params_add(&p, "From", from ? from : "+15005550006");
    params_add(&p, "MessageSid", m->sid);
    params_add(&p, "AccountSid", s->conf.account_sid);
    params_add(&p, "ApiVersion", "2010-04-01");
    webhook_add_locked(s, m->callback, &p, false, delay_ms);
}

/* What an application may answer: nothing, or TwiML. */
static bool is_twiml(const struct http_result *r)
{
    return r->status == 204 || r->body.n == 0 ||
           (strstr(r->type, "xml") && strstr(r->body.p, "<Response") && !strncmp(r->body.p, "<?xml", 5));
}

static void drop_first_locked(struct sim *s)
{
    struct event *e = s->events;

    s->events = e->next;
    s->n_events--;
    s->inbound_acked += e->inbound;
    params_free(&e->params);
    free(e);
    pthread_cond_broadcast(&s->changed);
}

static void *work(void *arg)
{
    struct sim *s = arg;
    int64_t back_off_ms = 0;

    pthread_mutex_lock(&s->lock);
    while (!s->stopping) {
        struct event *e = s->events;
        char url[URL_MAX], *body, *signature;
        struct http_result r;

        if (!e || e->due_us > now_us()) {
            (void)wait_locked(s, e ? e->due_us : now_us() + 60000000);
            continue;
        }
        (void)copy(url, sizeof url, e->url);
        body = params_write(&e->params);
        signature = sign(s->faults.spoilt_signatures ? "another" : s->conf.auth_token, url, &e->params);
        s->posted++;
        pthread_mutex_unlock(&s->lock);
        http_call(url, body, "application/x-www-form-urlencoded; charset=UTF-8", signature,
                  s->conf.timeout_ms, &r);
        free(body);
        free(signature);
        pthread_mutex_lock(&s->lock);
        if (r.status >= 200 && r.status <= 299) {
            s->acked++;
            s->not_twiml += !is_twiml(&r);
            back_off_ms = 0;
            drop_first_locked(s);
            free(r.body.p);
            continue;
        }
        free(r.body.p);
        s->failed++;
        pthread_cond_broadcast(&s->changed);
        back_off_ms = back_off_ms ? back_off_ms * 2 : s->conf.retry_min_ms;
        if (back_off_ms > s->conf.retry_max_ms)
            back_off_ms = s->conf.retry_max_ms;
        for (int64_t until = now_us() + back_off_ms * 1000; wait_locked(s, until);)
            ;
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

bool webhook_start(struct sim *s)
{
    return pthread_create(&s->worker, NULL, work, s) == 0;
}

void webhook_stop(struct sim *s)
{
    pthread_join(s->worker, NULL);
    while (s->events)
        drop_first_locked(s);
}
