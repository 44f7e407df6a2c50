/*
 * Being reachable: REGISTER at a registrar, OPTIONS to see whether the other side lives, and what of both is
 * told the plugin (UA_UP, UA_DOWN, UA_CONFIG).
 *
 * nua refreshes a registration by itself; what fails is begun again here, after 1 s doubling to 5 minutes,
 * each wait with a random half so that many gateways do not come back at once (RFC 5626 4.5).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ua_call.h"

#include <sofia-sip/nua_tag.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/su_tag.h>
#include <sofia-sip/su_uniqueid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MAX_MS = 300000 };

static void tell(struct ua *ua, uint32_t status, const char *words)
{
    struct ua_register *r = &ua->reg;
    bool up = (!ua->registrar || r->registered) && r->answering;

    if (ua->ending || r->given_up)
        return;
    if (up && !r->told_up) {
        r->told_up = true;
        r->told_down = false;
        ua_tell_state(ua, UA_UP, 200, "");
    } else if (!up && (r->told_up || !r->told_down)) {
        r->told_up = false;
        r->told_down = true;
        ua_tell_state(ua, UA_DOWN, status, words);
    }
}

/* ---- REGISTER ------------------------------------------------------------------------------- */

static bool send_register(struct ua *ua, const char *authorization, bool proxy)
{
    struct ua_register *r = &ua->reg;
    struct hilo_str domain = ua_own_domain(ua);
    char aor[UA_URI_MAX] = "sip:", expires[16];

    if (!ua_put_user(aor, sizeof aor, ua->conf.user) || !ua_put(aor, sizeof aor, ua_str("@")) ||
        !ua_put(aor, sizeof aor, domain))
        return false;
    (void)snprintf(expires, sizeof expires, "%u",
                   ua->conf.register_expires_us > 0 ? (unsigned)(ua->conf.register_expires_us / 1000000)
                                                    : 3600u);
    r->op.type = UA_OP_REGISTER;
    if (!r->nh) {
        r->st = ua_stack_for(ua, ua->registrar);
        r->nh = nua_handle(r->st->nua, &r->op, SIPTAG_FROM_STR(aor), SIPTAG_TO_STR(aor), TAG_END());
    }
    if (!r->nh)
        return false;
    nua_register(r->nh, NUTAG_REGISTRAR(ua->registrar), NUTAG_M_USERNAME(ua->conf.user.p),
                 SIPTAG_EXPIRES_STR(expires),
                 TAG_IF(authorization && !proxy, SIPTAG_AUTHORIZATION_STR(authorization)),
                 TAG_IF(authorization && proxy, SIPTAG_PROXY_AUTHORIZATION_STR(authorization)), TAG_END());
    return true;
}

static void on_retry(su_root_magic_t *ua, su_timer_t *t, su_timer_arg_t *arg)
{
    (void)t, (void)arg;
    ua->reg.op.challenges = 0;
    if (!ua->ending)
        (void)send_register(ua, NULL, false);
}

static void retry_later(struct ua *ua, sip_t const *sip)
{
    struct ua_register *r = &ua->reg;
    int ms = 1000 << (r->failures < 8 ? r->failures : 8);

    r->failures++;
    if (ms > RETRY_MAX_MS)
        ms = RETRY_MAX_MS;
    ms = su_randint(ms / 2, ms);
    if (sip && sip->sip_retry_after && sip->sip_retry_after->af_delta * 1000 > (unsigned)ms)
        ms = sip->sip_retry_after->af_delta < RETRY_MAX_MS / 1000 ? (int)sip->sip_retry_after->af_delta * 1000
                                                                  : RETRY_MAX_MS;
    if (su_timer_set_interval(r->retry, on_retry, NULL, ms) != 0)
        abort();
}

void ua_on_register(struct ua *ua, bool un, int status, char const *phrase, sip_t const *sip,
                    const struct sockaddr *from)
{
    struct ua_register *r = &ua->reg;
    char words[UA_WHY];

    if (status < 200)
        return;
    if (sip && (status == 401 || status == 407)) {
        bool proxy;
        char *header;

        if (ua_authenticate(ua, r->nh, &r->op, sip))
            return;
        header = un ? NULL : ua_authorize(ua, ua->home, &r->op, sip, "REGISTER", ua->registrar, &proxy);
        if (header) {
            (void)send_register(ua, header, proxy);
            su_free(ua->home, header);
            return;
        }
    }
    if (un || ua->ending) {
        if (r->nh)
            nua_handle_destroy(r->nh);
        r->nh = NULL;
        ua_maybe_done(ua);
        return;
    }
    r->op.challenges = 0;
    if (status < 300) {
        r->registered = true;
        r->failures = 0;
        if (from && ua->conf.trunk.n == 0)
            ua_gate_learn(&ua->gate, from);
        tell(ua, 200, "");
        return;
    }
    r->registered = false;
    if (status == 401 || status == 403 || status == 407) {
        /* Trying on would lock the account, or us out. */
        (void)snprintf(words, sizeof words, "the registrar refuses user %s: %d %s; check user and secret",
                       ua->conf.user.p, status, phrase);
        ua_tell_state(ua, UA_CONFIG, (uint32_t)status, words);
        r->given_up = true;
        nua_handle_destroy(r->nh);
        r->nh = NULL;
        return;
    }
    (void)snprintf(words, sizeof words, "not registered at %s: %d %s", ua->registrar, status, phrase);
    tell(ua, status < 700 ? (uint32_t)status : 503, words);
    retry_later(ua, sip);
}

/* ---- OPTIONS -------------------------------------------------------------------------------- */

static void on_options_timer(su_root_magic_t *ua, su_timer_t *t, su_timer_arg_t *arg)
{
    struct ua_register *r = &ua->reg;
    const char *target = ua->registrar ? ua->registrar : ua->proxy ? ua->proxy : ua->peer;
    struct ua_stack *st;

    (void)t, (void)arg;
    if (ua->ending || r->given_up)
        return;
    if (!r->options_nh) {
        st = ua_stack_for(ua, target);
        r->options_op.type = UA_OP_OPTIONS;
        r->options_op.challenges = 0;
        r->options_nh = nua_handle(st->nua, &r->options_op, SIPTAG_TO_STR(target), TAG_END());
        if (r->options_nh)
            nua_options(r->options_nh, NUTAG_URL(target), SIPTAG_ACCEPT_STR("application/sdp"), TAG_END());
    }
    if (su_timer_set_interval(r->options, on_options_timer, NULL,
                              (su_duration_t)(ua->conf.options_us / 1000)) != 0)
        abort();
}

/* Any answer of theirs says that they live; a time-out or no connection, which sofia calls 408 and 503
 * without a message, that they do not. */
void ua_on_options(struct ua *ua, nua_handle_t *nh, int status, char const *phrase, sip_t const *sip)
{
    struct ua_register *r = &ua->reg;
    bool alive = sip && sip->sip_status && status != 408 && status != 503;
    char words[UA_WHY];

    if (status < 200 || nh != r->options_nh)
        return;
    nua_handle_destroy(r->options_nh);
    r->options_nh = NULL;
    if (alive == r->answering && (alive || r->told_down))
        return;
    r->answering = alive;
    if (ua->registrar && !r->given_up) {
        /* Who was away may have forgotten us: it is asked again, now that it can answer. */
        r->registered = false;
        if (alive) {
            r->failures = 0;
            (void)su_timer_reset(r->retry);
            on_retry(ua, NULL, NULL);
        }
    }
    (void)snprintf(words, sizeof words, "no answer to OPTIONS: %d %s", status, phrase);
    tell(ua, status < 700 ? (uint32_t)status : 503, words);
}

/* ---- the beginning and the end --------------------------------------------------------------- */

void ua_register_begin(struct ua *ua)
{
    struct ua_register *r = &ua->reg;
    bool ask = ua->conf.options_us > 0 && (ua->registrar || ua->proxy || ua->peer);

    r->retry = su_timer_create(su_root_task(ua->root), 0);
    r->options = su_timer_create(su_root_task(ua->root), 0);
    if (!r->retry || !r->options)
        abort();
    /* Who registers is up with the answer to that; who only asks, with the first answer. */
    r->answering = ua->registrar || !ask;
    if (ua->registrar && !send_register(ua, NULL, false))
        ua_tell_state(ua, UA_CONFIG, 0, "the registrar's user or domain is too long");
    if (ask && su_timer_set_interval(r->options, on_options_timer, NULL,
                                     ua->registrar ? (su_duration_t)(ua->conf.options_us / 1000) : 1) != 0)
        abort();
    if (!ua->registrar && !ask)
        tell(ua, 200, "");
}

void ua_register_end(struct ua *ua)
{
    struct ua_register *r = &ua->reg;

    if (r->retry)
        (void)su_timer_reset(r->retry);
    if (r->options)
        (void)su_timer_reset(r->options);
    if (r->options_nh)
        nua_handle_destroy(r->options_nh);
    r->options_nh = NULL;
    if (!r->nh)
        return;
    if (r->registered)
        nua_unregister(r->nh, TAG_END());
    else {
        nua_handle_destroy(r->nh);
        r->nh = NULL;
    }
}

void ua_register_free(struct ua *ua)
{
    struct ua_register *r = &ua->reg;

    if (r->nh)
        nua_handle_destroy(r->nh);
    if (r->options_nh)
        nua_handle_destroy(r->options_nh);
    if (r->retry)
        su_timer_destroy(r->retry);
    if (r->options)
        su_timer_destroy(r->options);
    memset(r, 0, sizeof *r);
}
