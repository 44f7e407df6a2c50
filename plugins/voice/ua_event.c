/*
 * What nua tells: requests of the peers, and answers to ours, turned into the plugin's events.
 *
 * nua's session machine runs without media (NUTAG_MEDIA_ENABLE(0)): every offer is answered by the plugin,
 * every 2xx acknowledged here. Its state event "terminated" is the end of a dialog, whatever brought it
 * about. SPDX-License-Identifier: Apache-2.0
 */
#include "ua_call.h"

#include <sofia-sip/msg_addr.h>
#include <sofia-sip/nua_tag.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/su_tag.h>
#include <sofia-sip/su_tagarg.h>
#include <sofia-sip/su_uniqueid.h>
#include <sofia-sip/url.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "ua_read.h"

enum { RETRY_AFTER_FULL_S = 5, RETRY_AFTER_RATE_S = 1 };

static struct sockaddr const *source(nua_t *nua)
{
    msg_t *msg = nua_current_request(nua);

    return msg ? &msg_addr(msg)->su_sa : NULL;
}

static void end(struct ua_leg *leg)
{
    struct ua *ua = leg->ua;

    ua_leg_tell_end(leg);
    ua_leg_free(leg);
    ua_maybe_done(ua);
}

/* ---- requests outside of a dialog ----------------------------------------------------------- */

static void tell_refused(struct ua *ua, uint32_t status, const char *why, const char *peer)
{
    uint32_t n = ua_gate_refused(&ua->gate, ua_now_s());
    struct ua_event e = {
        .type = UA_REFUSED, .status = status, .reason = ua_str(why), .peer = ua_str(peer), .duration_ms = n};

    if (n)
        ua_tell(ua, &e);
}

/* What a new request gets before it is looked at: 0, or a refusal's status. */
static uint32_t gate(struct ua *ua, struct sockaddr const *from, bool invite, uint32_t *after,
                     const char **why)
{
    *after = 0;
    if (!from || !ua_gate_trusts(&ua->gate, from)) {
        *why = "Not From Here";
        return 403;
    }
    if (invite && !ua_gate_rate(&ua->gate, from, ua_now_s())) {
        *why = "Too Many Calls a Second";
        *after = RETRY_AFTER_RATE_S;
        return 503;
    }
    if (ua->ending || (ua->conf.calls_max && ua->n_calls >= ua->conf.calls_max)) {
        *why = "All Lines Are Busy";
        *after = RETRY_AFTER_FULL_S;
        return 503;
    }
    return 0;
}

static void refuse(nua_t *nua, nua_handle_t *nh, uint32_t status, const char *phrase, uint32_t after)
{
    char text[16];

    (void)snprintf(text, sizeof text, "%u", (unsigned)after);
    nua_respond(nh, (int)status, phrase, NUTAG_WITH_THIS(nua), TAG_IF(after, SIPTAG_RETRY_AFTER_STR(text)),
                TAG_IF(status == 415, SIPTAG_ACCEPT_STR("application/sdp")),
                TAG_IF(status == 415, SIPTAG_ACCEPT_ENCODING_STR("identity")),
                TAG_IF(status == 406, SIPTAG_ACCEPT_STR("application/sdp")), TAG_END());
}

static bool lists(sip_supported_t const *s, const char *what)
{
    return s && sip_has_feature(s, what);
}

static bool allows(sip_t const *sip, sip_method_t m, const char *name)
{
    return sip->sip_allow && sip_is_allowed(sip->sip_allow, m, name);
}

static void keep_contact(struct ua_leg *leg, sip_t const *sip)
{
    char *uri = sip->sip_contact ? url_as_string(leg->ua->home, sip->sip_contact->m_url) : NULL;

    if (!uri)
        return;
    free(leg->contact);
    leg->contact = strdup(uri);
    su_free(leg->ua->home, uri);
}

/* RFC 4028: refreshes go by UPDATE if the peer can, which needs no SDP, and keep the interval agreed (7.4).
 */
static void keep_abilities(struct ua_leg *leg, sip_t const *sip)
{
    bool update = allows(sip, sip_method_update, "UPDATE");
    sip_session_expires_t const *x = sip->sip_session_expires;

    if (update)
        nua_set_hparams(leg->nh, NUTAG_UPDATE_REFRESH(1), TAG_END());
    if (x && x->x_delta && x->x_delta < (uint64_t)leg->ua->conf.session_expires_us / 1000000)
        nua_set_hparams(leg->nh, NUTAG_SESSION_TIMER((unsigned)x->x_delta), TAG_END());
    leg->no_timer = leg->in && !update && !lists(sip->sip_supported, "timer");
}

/* RFC 3891 3: the dialog that an INVITE wants to replace; its refusal in *status. */
static struct ua_leg *replaced(struct ua *ua, sip_replaces_t const *rp, uint32_t *status)
{
    nua_handle_t *nh = NULL;
    struct ua_op *op;
    struct ua_leg *leg = NULL;

    for (uint32_t i = 0; i < ua->n_stacks && !nh; i++)
        nh = nua_handle_by_replaces(ua->stacks[i].nua, rp);
    op = nh ? nua_handle_magic(nh) : NULL;
    if (nh)
        nua_handle_unref(nh);
    if (op && op->type == UA_OP_LEG)
        leg = (struct ua_leg *)(void *)op;
    *status = 0;
    if (!leg || !leg->up || leg->successor)
        *status = 481;
    else if (leg->told)
        *status = 603;
    else if (rp->rp_early_only)
        *status = 486;
    return *status ? NULL : leg;
}

static void tell_offer(struct ua_leg *leg, enum ua_event_type type, sip_t const *sip,
                       struct sockaddr const *from, uint64_t call)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    char peer[UA_ADDRESS_MAX] = "";
    struct ua_event e = {.type = type, .call = call, .sdp = ua_read_sdp(sip, home)};

    if (from)
        ua_address(from, peer);
    e.peer = ua_str(peer);
    ua_read_identity(sip, from && ua_gate_trusts(&leg->ua->gate, from), home, &e);
    leg->offerless = e.sdp.n == 0;
    ua_tell(leg->ua, &e);
    su_home_deinit(home);
}

static void on_first_invite(struct ua_stack *st, nua_t *nua, nua_handle_t *nh, sip_t const *sip)
{
    struct ua *ua = st->ua;
    struct sockaddr const *from = source(nua);
    su_home_t home[1] = {SU_HOME_INIT(home)};
    char peer[UA_ADDRESS_MAX] = "?";
    const char *why = NULL;
    uint32_t after, status = gate(ua, from, true, &after, &why);
    struct ua_leg *leg, *old = NULL;

    if (status) {
        if (from)
            ua_address(from, peer);
        tell_refused(ua, status, why, peer);
    } else if ((status = ua_read_body(sip, home, &why)) == 0 && sip->sip_replaces) {
        old = replaced(ua, sip->sip_replaces, &status);
        why = sip_status_phrase((int)status);
    }
    if (status) {
        refuse(nua, nh, status, why, after);
        nua_handle_destroy(nh);
        goto out;
    }
    leg = ua_leg_new(ua, st, nh, old ? old->call : UA_CALL_INBOUND | ++ua->last_in);
    leg->in = true;
    leg->open = UA_OPEN_INVITE;
    ua_leg_own(leg, sip->sip_via && strcasecmp(sip->sip_via->v_protocol, sip_transport_tls) == 0,
               sip->sip_request->rq_url->url_type == url_sips, from && from->sa_family == AF_INET6);
    keep_contact(leg, sip);
    keep_abilities(leg, sip);
    if (old) {
        leg->replaces = old;
        old->successor = leg;
        tell_offer(leg, UA_OFFER, sip, from, old->call);
    } else {
        ua_leg_chain(leg);
        tell_offer(leg, UA_INCOMING, sip, from, leg->call);
    }
out:
    su_home_deinit(home);
}

/* RFC 3261 11.2: as an INVITE would be answered. */
static void on_options_request(struct ua_stack *st, nua_t *nua, nua_handle_t *nh, struct ua_op *op)
{
    uint32_t after = 0, status = 0;
    const char *why = NULL;
    char text[16];

    if (!op)
        status = gate(st->ua, source(nua), false, &after, &why);
    (void)snprintf(text, sizeof text, "%u", (unsigned)after);
    nua_respond(nh, status ? (int)status : 200, why ? why : sip_200_OK, NUTAG_WITH_THIS(nua),
                TAG_IF(!status, SIPTAG_ACCEPT_STR("application/sdp")),
                TAG_IF(!status, SIPTAG_ACCEPT_ENCODING_STR("identity")),
                TAG_IF(!status, SIPTAG_ACCEPT_LANGUAGE_STR("es, en")),
                TAG_IF(after, SIPTAG_RETRY_AFTER_STR(text)), TAG_END());
    if (!op)
        nua_handle_destroy(nh);
}

/* ---- requests within a dialog --------------------------------------------------------------- */

static void on_reinvite(struct ua_leg *leg, nua_t *nua, sip_t const *sip)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    const char *why = NULL;
    uint32_t status = ua_read_body(sip, home, &why), after = 0;

    if (leg->told) {
        status = 481;
        why = sip_481_No_transaction;
    } else if (!status && (leg->open || leg->successor)) {
        status = 500;
        why = "Another Offer Is Open";
        after = (uint32_t)su_randint(0, 10);
    }
    if (status)
        refuse(nua, leg->nh, status, why, after);
    else {
        leg->open = UA_OPEN_REINVITE;
        keep_contact(leg, sip);
        tell_offer(leg, UA_OFFER, sip, source(nua), leg->call);
    }
    su_home_deinit(home);
}

static void on_update(struct ua_leg *leg, nua_t *nua, sip_t const *sip)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    const char *why = NULL;
    uint32_t status = ua_read_body(sip, home, &why), after = 0;
    struct hilo_str sdp = ua_read_sdp(sip, home);

    if (leg->told) {
        status = 481;
        why = sip_481_No_transaction;
    } else if (!status && sdp.n && leg->reoffering) {
        status = 491;
        why = sip_491_Request_pending;
    } else if (!status && sdp.n && (leg->open || leg->successor || !leg->up)) {
        status = 500;
        why = "Another Offer Is Open";
        after = (uint32_t)su_randint(0, 10);
    }
    if (status)
        refuse(nua, leg->nh, status, why, after);
    else if (sdp.n == 0 || !nua_save_event(nua, leg->update))
        nua_respond(leg->nh, SIP_200_OK, NUTAG_WITH_THIS(nua), OWN(leg), TAG_END());
    else {
        leg->open = UA_OPEN_UPDATE;
        keep_contact(leg, sip);
        tell_offer(leg, UA_OFFER, sip, source(nua), leg->call);
    }
    su_home_deinit(home);
}

static void on_info(struct ua_leg *leg, nua_t *nua, nua_handle_t *nh, sip_t const *sip)
{
    struct ua_event e = {.type = UA_DIGIT};

    if (!leg || leg->told) {
        nua_respond(nh, SIP_481_NO_CALL, NUTAG_WITH_THIS(nua), TAG_END());
        if (!leg)
            nua_handle_destroy(nh);
        return;
    }
    if (sip->sip_payload && sip->sip_payload->pl_len && !ua_read_digit(sip, &e.digit, &e.duration_ms)) {
        nua_respond(nh, SIP_415_UNSUPPORTED_MEDIA, NUTAG_WITH_THIS(nua),
                    SIPTAG_ACCEPT_STR("application/dtmf-relay, application/dtmf"), TAG_END());
        return;
    }
    nua_respond(nh, SIP_200_OK, NUTAG_WITH_THIS(nua), TAG_END());
    e.call = leg->call;
    if (e.digit)
        ua_tell(leg->ua, &e);
}

static void on_ack(struct ua_leg *leg, sip_t const *sip)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    struct ua_event e = {
        .type = UA_ANSWERED, .call = leg->call, .status = 200, .sdp = ua_read_sdp(sip, home)};
    bool first = !leg->up;

    leg->up = true;
    if (!leg->told && (first || (leg->offerless && e.sdp.n)))
        ua_tell(leg->ua, &e);
    leg->offerless = false;
    su_home_deinit(home);
}

static void on_bye(struct ua_leg *leg, sip_t const *sip)
{
    char *why = ua_read_reason(sip, leg->ua->home);

    ua_leg_cause(leg, 200, why ? why : "the other side hung up", true);
    su_free(leg->ua->home, why);
    end(leg);
}

static void on_cancel(struct ua_leg *leg, sip_t const *sip)
{
    char *why = ua_read_reason(sip, leg->ua->home);

    ua_leg_cause(leg, 487, why ? why : "the caller gave up", true);
    su_free(leg->ua->home, why);
}

/* ---- answers to INVITE ---------------------------------------------------------------------- */

/* 3xx: the first contact that may be called and was not tried (RFC 3261 8.1.3.4), the most wanted first. */
static bool redirect(struct ua_leg *leg, sip_t const *sip)
{
    struct ua *ua = leg->ua;
    sip_contact_t const *best = NULL;
    double most = -1;
    char *uri = NULL;

    for (sip_contact_t const *m = sip->sip_contact; m; m = m->m_next) {
        double q = m->m_q ? strtod(m->m_q, NULL) : 1;
        bool seen = false;

        if ((m->m_url->url_type != url_sip && m->m_url->url_type != url_sips) || !m->m_url->url_host ||
            q <= most)
            continue;
        uri = url_as_string(ua->home, m->m_url);
        for (uint32_t i = 0; uri && i < leg->n_tried; i++)
            seen = seen || strcmp(leg->tried[i], uri) == 0;
        if (uri && !seen && strlen(uri) < UA_URI_MAX) {
            best = m;
            most = q;
        }
        su_free(ua->home, uri);
    }
    if (!best || leg->n_tried > UA_REDIRECTS_MAX)
        return false;
    uri = url_as_string(ua->home, best->m_url);
    leg->op.challenges = 0;
    if (uri && ua_leg_invite(leg, uri, NULL, NULL)) {
        su_free(ua->home, uri);
        return true;
    }
    su_free(ua->home, uri);
    return false;
}

static bool challenge(struct ua_leg *leg, sip_t const *sip)
{
    struct ua *ua = leg->ua;
    char *header;
    bool proxy, ok = false;

    if (ua_authenticate(ua, leg->nh, &leg->op, sip))
        return true;
    if (leg->up || leg->n_tried == 0)
        return false;
    header = ua_authorize(ua, ua->home, &leg->op, sip, "INVITE", leg->tried[leg->n_tried - 1], &proxy);
    if (header)
        ok = ua_leg_invite(leg, NULL, proxy ? NULL : header, proxy ? header : NULL);
    su_free(ua->home, header);
    return ok;
}

static void on_invite_progress(struct ua_leg *leg, int status, char const *phrase, sip_t const *sip)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    struct ua_event e = {.type = UA_PROGRESS,
                         .call = leg->call,
                         .status = (uint32_t)status,
                         .reason = ua_str(phrase),
                         .sdp = ua_read_sdp(sip, home)};

    e.call_id = ua_str(leg->call_id);
    if (!leg->told && !leg->up)
        ua_tell(leg->ua, &e);
    su_home_deinit(home);
}

static void on_invite_ok(struct ua_leg *leg, nua_t *nua, int status, sip_t const *sip)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    char peer[UA_ADDRESS_MAX] = "";
    struct sockaddr const *from = source(nua);
    struct ua_event e = {
        .type = UA_ANSWERED, .call = leg->call, .status = (uint32_t)status, .sdp = ua_read_sdp(sip, home)};

    leg->op.challenges = 0;
    if (leg->up && !leg->reoffering && leg->open == UA_OPEN_NONE && e.sdp.n && leg->in) {
        /* A refresh of nua's own: an INVITE without offer, theirs is in the 2xx, ours goes into the ACK. */
        if (leg->told)
            nua_ack(leg->nh, TAG_END());
        else {
            leg->open = UA_OPEN_ACK;
            tell_offer(leg, UA_OFFER, sip, NULL, leg->call);
        }
        goto out;
    }
    nua_ack(leg->nh, TAG_END());
    keep_contact(leg, sip);
    if (leg->told) {
        /* It crossed our CANCEL: the call is over all the same (RFC 3261 15). */
        leg->up = true;
        nua_bye(leg->nh, TAG_END());
        goto out;
    }
    if (!leg->up) {
        leg->up = true;
        if (leg->timer)
            (void)su_timer_reset(leg->timer);
        keep_abilities(leg, sip);
    }
    leg->reoffering = false;
    if (from)
        ua_address(from, peer);
    e.peer = ua_str(peer);
    e.call_id = ua_str(sip && sip->sip_call_id ? sip->sip_call_id->i_id : leg->call_id);
    ua_tell(leg->ua, &e);
out:
    su_home_deinit(home);
}

static void on_invite_failed(struct ua_leg *leg, int status, char const *phrase, sip_t const *sip)
{
    char *why;
    struct ua_event e = {
        .type = UA_KEPT, .call = leg->call, .status = (uint32_t)status, .reason = ua_str(phrase)};

    if (!leg->told && sip && (status == 401 || status == 407) && challenge(leg, sip))
        return;
    if (!leg->told && !leg->up && sip && status >= 300 && status < 400 && redirect(leg, sip))
        return;
    if (leg->up) {
        /* A re-INVITE: 408 and 481 end the dialog, which nua tells; any other leaves it as it was. */
        bool ours = leg->reoffering;

        leg->reoffering = false;
        if (ours && status == 491 && leg->glares < UA_GLARES_MAX) {
            ua_leg_glare(leg);
            leg->reoffering = true;
        } else if (ours && !leg->told && status != 408 && status != 481)
            ua_tell(leg->ua, &e);
        else if (status == 408 || status == 481)
            ua_leg_cause(leg, (uint32_t)status, phrase, true);
        return;
    }
    why = ua_read_reason(sip, leg->ua->home);
    leg->q850 = ua_read_q850(sip);
    /* 9xx is nua's own: it could not send. */
    ua_leg_cause(leg, status < 700 ? (uint32_t)status : 503, why ? why : phrase, sip != NULL);
    su_free(leg->ua->home, why);
    if (status == 401 || status == 407 || status >= 700)
        end(leg); /* nua waits for a better secret, or never began */
}

static void on_invite_response(struct ua_leg *leg, nua_t *nua, int status, char const *phrase,
                               sip_t const *sip)
{
    if (status <= 100)
        return; /* hop by hop, or nua trying again by itself */
    if (status < 200)
        on_invite_progress(leg, status, phrase, sip);
    else if (status < 300)
        on_invite_ok(leg, nua, status, sip);
    else
        on_invite_failed(leg, status, phrase, sip);
}

/* ---- all of them ---------------------------------------------------------------------------- */

static void on_state(struct ua_leg *leg, nua_handle_t *nh, int status, char const *phrase, tagi_t const *tags)
{
    int state = nua_callstate_init;

    tl_gets(tags, NUTAG_CALLSTATE_REF(state), TAG_END());
    if (state != nua_callstate_terminated || leg->nh != nh)
        return;
    ua_leg_cause(leg,
                 status >= 300 && status < 700 ? (uint32_t)status
                 : status >= 700               ? 503
                                               : 200,
                 phrase, true);
    end(leg);
}

static void on_bye_response(struct ua_leg *leg, int status, sip_t const *sip)
{
    if (status < 200)
        return;
    if (sip && (status == 401 || status == 407) && ua_authenticate(leg->ua, leg->nh, &leg->op, sip))
        return;
    if (leg->told)
        end(leg);
    else
        ua_leg_cause(leg, 408, "the session was not refreshed in time",
                     false); /* a BYE of nua's own (RFC 4028) */
}

void ua_on_nua(nua_event_t event, int status, char const *phrase, nua_t *nua, struct ua_stack *st,
               nua_handle_t *nh, struct ua_op *op, sip_t const *sip, tagi_t tags[])
{
    struct ua_leg *leg = op && op->type == UA_OP_LEG ? (struct ua_leg *)(void *)op : NULL;
    struct ua *ua = st->ua;

    switch (event) {
    case nua_i_invite:
        if (status >= 200)
            return; /* nua has answered it itself */
        if (leg)
            on_reinvite(leg, nua, sip);
        else
            on_first_invite(st, nua, nh, sip);
        return;
    case nua_i_options:
        if (status < 200)
            on_options_request(st, nua, nh, op);
        return;
    case nua_i_info:
        if (status < 200)
            on_info(leg, nua, nh, sip);
        return;
    case nua_i_update:
        if (status < 200 && leg)
            on_update(leg, nua, sip);
        return;
    case nua_i_refer:
        if (status < 200 && leg)
            ua_on_refer(leg, nua, sip, tags);
        return;
    case nua_r_shutdown:
        if (status >= 200) {
            st->down = true;
            ua_maybe_done(ua);
        }
        return;
    case nua_r_register:
    case nua_r_unregister:
        if (op && op->type == UA_OP_REGISTER)
            ua_on_register(ua, event == nua_r_unregister, status, phrase, sip, source(nua));
        return;
    case nua_r_options:
        if (op && op->type == UA_OP_OPTIONS)
            ua_on_options(ua, nh, status, phrase, sip);
        return;
    default:
        break;
    }
    if (!leg || leg->nh != nh)
        return;
    switch (event) {
    case nua_r_invite:
        on_invite_response(leg, nua, status, phrase, sip);
        return;
    case nua_i_ack:
        on_ack(leg, sip);
        return;
    case nua_i_cancel:
        on_cancel(leg, sip);
        return;
    case nua_i_bye:
        on_bye(leg, sip);
        return;
    case nua_r_bye:
        on_bye_response(leg, status, sip);
        return;
    case nua_i_error:
        if (status >= 300 && status < 700 && !leg->up)
            ua_leg_cause(leg, (uint32_t)status, phrase, false);
        return;
    case nua_r_refer:
        ua_on_refer_response(leg, nua, status, phrase, sip);
        return;
    case nua_i_notify:
        ua_on_notify(leg, sip, tags);
        return;
    case nua_i_state:
        on_state(leg, nh, status, phrase, tags);
        return;
    default:
        return;
    }
}
