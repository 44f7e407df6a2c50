/*
 * The life of a channel by an aggregator's HTTP API.
 *
 * Invariants: each message taken is in the queue or in one request, so that it is reported once; each
 * webhook that waits is in hooks, so that it is answered once.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http.h"

#include <stdlib.h>
#include <string.h>

/* What requests are made with, of the options. Nothing is changed unless it is HILO_OK. */
static int32_t http_prepare(struct sms_http *h)
{
    const struct sms_conf *conf = &h->sms->conf;
    char url[SMS_URL_MAX] = "", *authorization;

    if (!h->api->url(conf, sms_api_base(h->api, conf), url)) {
        sms_set_state(h->sms, HILO_CONFIG, "base_url is too long");
        return HILO_CONFIG;
    }
    authorization = h->api->authorization(conf);
    if (!authorization)
        return HILO_NOMEM;
    memcpy(h->url, url, sizeof url);
    free(h->authorization);
    h->authorization = authorization;
    return HILO_OK;
}

int32_t sms_http_open(struct sms *sms, const struct sms_api *api, void **state_out)
{
    struct sms_http *h = calloc(1, sizeof *h);
    int32_t code;

    if (!h)
        return HILO_NOMEM;
    h->sms = sms;
    h->api = api;
    h->tail = &h->head;
    code = http_prepare(h);
    if (code != HILO_OK) {
        free(h);
        return code;
    }
    *state_out = h;
    return HILO_OK;
}

int32_t sms_http_start(void *state)
{
    struct sms_http *h = state;
    int64_t in_flight = h->sms->conf.in_flight;

    sms_set_state(h->sms, HILO_OK, "ready");
    h->sms->host.credit(h->sms->self, in_flight ? (uint32_t)in_flight : h->api->in_flight);
    return HILO_OK;
}

/* What is under way keeps what it was made with. */
int32_t sms_http_reconfigure(void *state, const struct sms_conf *before)
{
    struct sms_http *h = state;
    int32_t code = http_prepare(h);

    (void)before;
    if (code != HILO_OK)
        return code;
    sms_set_state(h->sms, HILO_OK, "ready"); /* what stopped it was perhaps the key */
    return HILO_OK;
}

void sms_http_on_timer(void *state, uint32_t id)
{
    struct sms_http *h = state;

    if (id == SMS_HTTP_TIMER_DRAIN) {
        sms_http_abandon(h);
        sms_http_hooks_end(h);
    }
}

void sms_http_drain(void *state, int64_t mono_us)
{
    struct sms_http *h = state;
    struct sms_verdict v = {
        .code = HILO_AGAIN, .reason = "draining", .detail = "the channel is being closed; it was not sent"};

    h->draining = true;
    sms_http_give_back(h, &v);
    if (h->sms->host.timer(h->sms->self, SMS_HTTP_TIMER_DRAIN, mono_us) != HILO_OK)
        sms_http_on_timer(h, SMS_HTTP_TIMER_DRAIN);
}

void sms_http_close(void *state)
{
    struct sms_http *h = state;
    struct sms_verdict v = {
        .code = HILO_AGAIN, .reason = "closed", .detail = "the channel was closed; it was not sent"};

    h->draining = true;
    sms_http_give_back(h, &v);
    sms_http_abandon(h);
    sms_http_hooks_end(h);
    (void)h->sms->host.timer(h->sms->self, SMS_HTTP_TIMER_DRAIN, 0);
    sms_slots_done(&h->requests);
    sms_slots_done(&h->hooks);
    free(h->authorization);
    free(h);
}
