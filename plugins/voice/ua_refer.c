/*
 * Transfer: REFER both ways (RFC 3515, 3891, 5589), with how it goes on by NOTIFY.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ua_call.h"

#include <sofia-sip/nua_tag.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/su_tag.h>
#include <sofia-sip/su_tagarg.h>
#include <sofia-sip/url.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "ua_read.h"

static void tell(struct ua_leg *leg, uint32_t status, struct hilo_str phrase)
{
    struct ua_event e = {.type = UA_REFERRED, .call = leg->call, .status = status, .reason = phrase};

    if (!leg->told)
        ua_tell(leg->ua, &e);
}

/* ---- of ours -------------------------------------------------------------------------------- */

/* Refer-To of an attended transfer: where the other call leads, with the dialog it replaces there. */
static bool attended(struct ua_leg *with, char out[2 * UA_URI_MAX])
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    sip_replaces_t *rp = nua_handle_make_replaces(with->nh, home, 0);
    char value[512] = "";
    bool ok = false;

    if (rp && with->contact && rp->rp_call_id && rp->rp_to_tag && rp->rp_from_tag) {
        ok = (size_t)snprintf(value, sizeof value, "%s;to-tag=%s;from-tag=%s", rp->rp_call_id, rp->rp_to_tag,
                              rp->rp_from_tag) < sizeof value &&
             ua_put(out, 2 * UA_URI_MAX, ua_str("<")) && ua_put(out, 2 * UA_URI_MAX, ua_str(with->contact)) &&
             ua_put(out, 2 * UA_URI_MAX, ua_str(strchr(with->contact, '?') ? "&Replaces=" : "?Replaces=")) &&
             ua_put_hvalue(out, 2 * UA_URI_MAX, ua_str(value)) && ua_put(out, 2 * UA_URI_MAX, ua_str(">"));
    }
    su_home_deinit(home);
    return ok;
}

/* Refer-To of a blind one: what we would call ourselves, port and transport of the registrar or trunk
 * included, as who is referred knows no other way there. */
static bool blind(const struct ua *ua, struct hilo_str target, char out[2 * UA_URI_MAX])
{
    char uri[UA_URI_MAX];
    const char *route;

    return ua_invite_uri(ua, target, uri, &route) && ua_put(out, 2 * UA_URI_MAX, ua_str("<")) &&
           ua_put(out, 2 * UA_URI_MAX, ua_str(uri)) && ua_put(out, 2 * UA_URI_MAX, ua_str(">"));
}

void ua_refer_out(struct ua_leg *leg, const struct ua_order *o)
{
    struct ua_leg *with = o->with ? ua_leg_of(leg->ua, o->with) : NULL;
    char to[2 * UA_URI_MAX] = "";

    if (!leg->up)
        tell(leg, 481, ua_str("the call is not up"));
    else if (o->with && (!with || !with->up))
        tell(leg, 481, ua_str("the call to transfer to is not up"));
    else if (with ? !attended(with, to) : !blind(leg->ua, o->text, to))
        tell(leg, 404, ua_str("no SIP address to transfer to"));
    else {
        leg->op.challenges = 0;
        nua_refer(leg->nh, SIPTAG_REFER_TO_STR(to), TAG_END());
    }
}

void ua_on_refer_response(struct ua_leg *leg, nua_t *nua, int status, char const *phrase, sip_t const *sip)
{
    (void)nua;
    if (status < 200)
        return;
    if (sip && (status == 401 || status == 407) && ua_authenticate(leg->ua, leg->nh, &leg->op, sip))
        return;
    /* 202 says only that it is being tried; without the subscription nothing more will be heard. */
    if (status < 300)
        tell(leg, 100, ua_str(phrase));
    else
        tell(leg, status < 700 ? (uint32_t)status : 503, ua_str(phrase));
}

void ua_on_notify(struct ua_leg *leg, sip_t const *sip, tagi_t const *tags)
{
    struct hilo_str phrase = {NULL, 0};
    uint32_t status = 0;
    int substate = nua_substate_active;

    if (!sip || !sip->sip_event || !sip->sip_event->o_type ||
        strcasecmp(sip->sip_event->o_type, "refer") != 0)
        return;
    if (sip->sip_payload)
        status =
            ua_read_sipfrag((struct hilo_str){sip->sip_payload->pl_data, sip->sip_payload->pl_len}, &phrase);
    tl_gets(tags, NUTAG_SUBSTATE_REF(substate), TAG_END());
    /* A subscription that ends without a result: how it went is not known, but they do try. */
    if (status == 0 && substate == nua_substate_terminated)
        status = 202;
    if (status)
        tell(leg, status, phrase);
}

/* ---- of theirs ------------------------------------------------------------------------------ */

void ua_on_refer(struct ua_leg *leg, nua_t *nua, sip_t const *sip, tagi_t const *tags)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    struct ua_event e = {.type = UA_TRANSFER, .call = leg->call};
    sip_event_t const *event = NULL;
    sip_refer_to_t const *to = sip->sip_refer_to;
    char *text;

    tl_gets(tags, NUTAG_REFER_EVENT_REF(event), TAG_END());
    if (!to || to->r_next) {
        /* RFC 3515 2.4.2: one Refer-To, no more, no less */
        nua_respond(leg->nh, 400, to ? "Several Refer-To Headers" : "Missing Refer-To Header",
                    NUTAG_WITH_THIS(nua), TAG_END());
        goto out;
    }
    if (leg->told || !leg->up || leg->refer_open) {
        nua_respond(leg->nh, leg->refer_open ? 491 : 481,
                    leg->refer_open ? sip_491_Request_pending : sip_481_No_transaction, NUTAG_WITH_THIS(nua),
                    TAG_END());
        goto out;
    }
    if (to->r_url->url_type != url_sip && to->r_url->url_type != url_sips && to->r_url->url_type != url_tel) {
        nua_respond(leg->nh, SIP_416_UNSUPPORTED_URI, NUTAG_WITH_THIS(nua), TAG_END());
        goto out;
    }
    if (!nua_save_event(nua, leg->refer)) {
        nua_respond(leg->nh, SIP_500_INTERNAL_SERVER_ERROR, NUTAG_WITH_THIS(nua), TAG_END());
        goto out;
    }
    leg->refer_open = true;
    leg->refer_told = false;
    free(leg->refer_event);
    text = event ? sip_header_as_string(home, (sip_header_t const *)(const void *)event) : NULL;
    leg->refer_event = strdup(text ? text : "refer");
    if (to->r_url->url_headers) {
        char *query = url_query_as_header_string(home, to->r_url->url_headers);
        char *at = query ? strcasestr(query, "Replaces:") : NULL;

        if (at) {
            at += strlen("Replaces:");
            at += strspn(at, " ");
            e.replaces = (struct hilo_str){at, strcspn(at, "\r\n")};
        }
    }
    {
        url_t u = *to->r_url;

        u.url_headers = NULL;
        e.target = ua_str(url_as_string(home, &u));
    }
    if (sip->sip_referred_by)
        e.from = ua_str(url_as_string(home, sip->sip_referred_by->b_url));
    ua_tell(leg->ua, &e);
out:
    su_home_deinit(home);
}

void ua_refer_in(struct ua_leg *leg, uint32_t status)
{
    char frag[128];

    if (status < 100 || status > 699)
        return;
    if (leg->refer_open) {
        bool taken = status < 300;

        nua_respond(leg->nh, taken ? 202 : (int)status,
                    taken ? sip_202_Accepted : sip_status_phrase((int)status), NUTAG_WITH_SAVED(leg->refer),
                    TAG_END());
        nua_destroy_event(leg->refer);
        leg->refer_open = false;
        leg->refer_told = taken;
        if (!taken)
            return;
        status = 100; /* the first NOTIFY is due at once (RFC 3515 2.4.4) */
    } else if (!leg->refer_told)
        return;
    (void)snprintf(frag, sizeof frag, "SIP/2.0 %u %s\r\n", (unsigned)status, sip_status_phrase((int)status));
    nua_notify(leg->nh, SIPTAG_EVENT_STR(leg->refer_event),
               NUTAG_SUBSTATE(status < 200 ? nua_substate_active : nua_substate_terminated),
               SIPTAG_CONTENT_TYPE_STR("message/sipfrag;version=2.0"), SIPTAG_PAYLOAD_STR(frag), TAG_END());
    if (status >= 200)
        leg->refer_told = false;
}
