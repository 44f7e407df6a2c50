/*
 * Orders of the plugin, and the life of a leg. A leg outlives its call: UA_ENDED goes out as soon as the call
 * is over for the plugin, the dialog then ends as SIP wants it, with nobody waiting.
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
#include <strings.h>

#define SDP(s) SIPTAG_CONTENT_TYPE_STR("application/sdp"), SIPTAG_PAYLOAD_STR(s)

/* ---- legs ----------------------------------------------------------------------------------- */

struct ua_leg *ua_leg_new(struct ua *ua, struct ua_stack *st, nua_handle_t *nh, uint64_t call)
{
    struct ua_leg *leg = calloc(1, sizeof *leg);

    if (!leg)
        abort();
    leg->op.type = UA_OP_LEG;
    leg->ua = ua;
    leg->st = st;
    leg->nh = nh;
    leg->call = call;
    leg->next = ua->legs;
    leg->prev = &ua->legs;
    if (leg->next)
        leg->next->prev = &leg->next;
    ua->legs = leg;
    if (nh)
        nua_handle_bind(nh, &leg->op);
    return leg;
}

static struct ua_leg **place(struct ua *ua, uint64_t call)
{
    uint64_t h = call * UINT64_C(0x9e3779b97f4a7c15);

    return &ua->table[(h >> 32) & ua->table_mask];
}

void ua_leg_chain(struct ua_leg *leg)
{
    struct ua_leg **at = place(leg->ua, leg->call);

    leg->chain = *at;
    *at = leg;
    leg->chained = true;
    leg->ua->n_calls++;
}

void ua_leg_unchain(struct ua_leg *leg)
{
    if (!leg->chained)
        return;
    for (struct ua_leg **at = place(leg->ua, leg->call); *at; at = &(*at)->chain)
        if (*at == leg) {
            *at = leg->chain;
            break;
        }
    leg->chained = false;
    leg->ua->n_calls--;
}

struct ua_leg *ua_leg_of(struct ua *ua, uint64_t call)
{
    struct ua_leg *leg = *place(ua, call);

    while (leg && leg->call != call)
        leg = leg->chain;
    return leg;
}

void ua_leg_cause(struct ua_leg *leg, uint32_t status, const char *reason, bool by_peer)
{
    if (leg->status)
        return;
    leg->status = status;
    leg->by_peer = by_peer;
    free(leg->reason);
    leg->reason = reason ? strdup(reason) : NULL;
}

void ua_leg_tell_end(struct ua_leg *leg)
{
    struct ua_event e = {.type = UA_ENDED,
                         .call = leg->call,
                         .status = leg->status,
                         .by_peer = leg->by_peer,
                         .q850 = leg->q850,
                         .reason = ua_str(leg->reason)};

    if (leg->told)
        return;
    leg->told = true;
    if (!leg->chained)
        return; /* a successor that did not become the call */
    ua_leg_unchain(leg);
    ua_tell(leg->ua, &e);
}

static void forget_events(struct ua_leg *leg)
{
    if (leg->open == UA_OPEN_UPDATE)
        nua_destroy_event(leg->update);
    leg->open = UA_OPEN_NONE;
    if (leg->refer_open)
        nua_destroy_event(leg->refer);
    leg->refer_open = false;
}

void ua_leg_free(struct ua_leg *leg)
{
    struct ua_leg *next = leg->successor;

    ua_leg_unchain(leg);
    if (next) {
        next->replaces = NULL;
        nua_respond(next->nh, SIP_481_NO_CALL, TAG_END());
        ua_leg_free(next);
    }
    if (leg->replaces)
        leg->replaces->successor = NULL;
    *leg->prev = leg->next;
    if (leg->next)
        leg->next->prev = leg->prev;
    if (leg->timer)
        su_timer_destroy(leg->timer);
    forget_events(leg);
    if (leg->nh)
        nua_handle_destroy(leg->nh);
    for (uint32_t i = 0; i < leg->n_tried; i++)
        free(leg->tried[i]);
    free(leg->order);
    free(leg->contact);
    free(leg->reason);
    free(leg->refer_event);
    free(leg);
}

void ua_leg_drop(struct ua_leg *leg, const char *reason)
{
    char header[256] = "";

    if (reason && *reason) {
        (void)ua_put(header, sizeof header, ua_str("Q.850;cause=16;text="));
        (void)ua_put_quoted(header, sizeof header, (struct hilo_str){reason, strnlen(reason, 200)});
    }
    if (leg->timer)
        (void)su_timer_reset(leg->timer);
    forget_events(leg);
    if (leg->in && !leg->answered)
        nua_respond(leg->nh, SIP_480_TEMPORARILY_UNAVAILABLE, TAG_IF(*header, SIPTAG_REASON_STR(header)),
                    TAG_END());
    else if (leg->up || leg->answered)
        nua_bye(leg->nh, TAG_IF(*header, SIPTAG_REASON_STR(header)), TAG_END());
    else
        nua_cancel(leg->nh, TAG_IF(*header, SIPTAG_REASON_STR(header)), TAG_END());
    leg->cancelled = true;
    ua_leg_cause(leg, leg->up || leg->answered ? 200 : leg->in ? 480 : 487, reason, false);
    ua_leg_tell_end(leg);
}

/* ---- INVITE of ours ------------------------------------------------------------------------- */

static void on_ring_timeout(su_root_magic_t *ua, su_timer_t *t, su_timer_arg_t *arg)
{
    struct ua_leg *leg = arg;

    (void)ua, (void)t;
    if (leg->up || leg->told)
        return;
    ua_leg_cause(leg, 487, "nobody answered in time", false);
    ua_leg_drop(leg, "nobody answered in time");
}

static void start_timer(struct ua_leg *leg, su_timer_f fn, int64_t us)
{
    if (!leg->timer)
        leg->timer = su_timer_create(su_root_task(leg->ua->root), 0);
    if (!leg->timer || su_timer_set_interval(leg->timer, fn, leg, (su_duration_t)((us + 999) / 1000)) != 0)
        abort();
}

/* Where calls of ours go that name a user only. */
static const char *base(const struct ua *ua)
{
    return ua->registrar ? ua->registrar : ua->proxy ? ua->proxy : ua->peer;
}

static struct hilo_str without_port(struct hilo_str host)
{
    const char *colon = host.n && *host.p != '[' ? memchr(host.p, ':', host.n) : NULL;
    const char *close = host.n && *host.p == '[' ? memchr(host.p, ']', host.n) : NULL;

    if (colon)
        host.n = (uint64_t)(colon - host.p);
    if (close)
        host.n = (uint64_t)(close + 1 - host.p);
    return host;
}

struct hilo_str ua_own_domain(const struct ua *ua)
{
    struct ua_target t;

    if (ua->conf.domain.n)
        return ua->conf.domain;
    if (ua->registrar && ua_target(ua_str(ua->registrar), &t))
        return without_port(t.host);
    return ua->conf.public_host.n ? ua->conf.public_host : ua_str(ua->own_host);
}

bool ua_invite_uri(const struct ua *ua, struct hilo_str to, char out[UA_URI_MAX], const char **route)
{
    struct ua_target t, b;
    bool whole = to.n && (memchr(to.p, '@', to.n) || strncasecmp(to.p, "sip:", 4) == 0 ||
                          strncasecmp(to.p, "sips:", 5) == 0);

    out[0] = '\0';
    *route = NULL;
    if (whole)
        return ua_target(to, &t) && ua_put(out, UA_URI_MAX, ua_str(t.secure ? "sips:" : "sip:")) &&
               (t.user.n == 0 || (ua_put(out, UA_URI_MAX, t.user) && ua_put(out, UA_URI_MAX, ua_str("@")))) &&
               ua_put(out, UA_URI_MAX, t.host) && ua_put(out, UA_URI_MAX, t.params);
    memset(&b, 0, sizeof b);
    if (to.n == 0 || (base(ua) ? !ua_target(ua_str(base(ua)), &b) : ua->conf.domain.n == 0))
        return false;
    if (ua->conf.domain.n && !ua->proxy)
        *route = base(ua);
    return ua_put(out, UA_URI_MAX, ua_str(b.secure ? "sips:" : "sip:")) && ua_put_user(out, UA_URI_MAX, to) &&
           ua_put(out, UA_URI_MAX, ua_str("@")) &&
           ua_put(out, UA_URI_MAX, ua->conf.domain.n ? ua->conf.domain : b.host) &&
           (ua->conf.domain.n || ua_put(out, UA_URI_MAX, b.params));
}

static bool from_header(const struct ua *ua, const struct ua_invite *i, char out[UA_URI_MAX])
{
    struct hilo_str user = i->from_user.n ? i->from_user : ua->conf.user, domain = ua_own_domain(ua);
    bool v6 = domain.n && *domain.p != '[' && memchr(domain.p, ':', domain.n);

    out[0] = '\0';
    return (i->from_name.n == 0 ||
            (ua_put_quoted(out, UA_URI_MAX, i->from_name) && ua_put(out, UA_URI_MAX, ua_str(" ")))) &&
           ua_put(out, UA_URI_MAX, ua_str("<sip:")) &&
           (user.n == 0 || (ua_put_user(out, UA_URI_MAX, user) && ua_put(out, UA_URI_MAX, ua_str("@")))) &&
           (!v6 || ua_put(out, UA_URI_MAX, ua_str("["))) && ua_put(out, UA_URI_MAX, domain) &&
           (!v6 || ua_put(out, UA_URI_MAX, ua_str("]"))) && ua_put(out, UA_URI_MAX, ua_str(">"));
}

void ua_leg_own(struct ua_leg *leg, bool tls, bool sips, bool v6)
{
    const struct ua *ua = leg->ua;
    struct hilo_str pub = ua->conf.public_host;

    leg->own[0] = '\0';
    for (uint32_t i = 0; tls && !sips && i < ua->n_listens; i++) {
        const struct ua_listen *l = &ua->listens[i];
        bool any = strcmp(l->host, "0.0.0.0") == 0 || strcmp(l->host, "::") == 0;

        if (!l->tls || l->v6 != v6 || (any && !pub.n && (*ua->own_host == '[') != v6))
            continue;
        if (pub.n)
            (void)snprintf(leg->own, sizeof leg->own,
                           memchr(pub.p, ':', pub.n) && *pub.p != '[' ? "<sip:[%s]:%s;transport=tls>"
                                                                      : "<sip:%s:%s;transport=tls>",
                           pub.p, l->port);
        else if (any)
            (void)snprintf(leg->own, sizeof leg->own, "<sip:%s:%s;transport=tls>", ua->own_host, l->port);
        else
            (void)snprintf(leg->own, sizeof leg->own,
                           v6 ? "<sip:[%s]:%s;transport=tls>" : "<sip:%s:%s;transport=tls>", l->host,
                           l->port);
        return;
    }
}

bool ua_leg_invite(struct ua_leg *leg, const char *uri, const char *authorization,
                   const char *proxy_authorization)
{
    struct ua *ua = leg->ua;
    struct ua_invite *i = &leg->order->invite;
    const char *route = NULL;
    char own[UA_URI_MAX], from[UA_URI_MAX], to[UA_URI_MAX + 2], call_id[80];
    nua_handle_t *before = leg->nh;

    if (!uri && leg->n_tried)
        uri = leg->tried[leg->n_tried - 1];
    if (!uri) {
        if (!ua_invite_uri(ua, i->to, own, &route))
            return false;
        uri = own;
    }
    if (!from_header(ua, i, from))
        return false;
    if (leg->n_tried == 0 || uri != leg->tried[leg->n_tried - 1]) {
        if (leg->n_tried > UA_REDIRECTS_MAX)
            return false;
        leg->tried[leg->n_tried] = strdup(uri);
        if (!leg->tried[leg->n_tried])
            abort();
        uri = leg->tried[leg->n_tried++];
    }
    (void)snprintf(to, sizeof to, "<%s>", leg->tried[0]);
    leg->st = ua_stack_for(ua, route ? route : ua->proxy ? ua->proxy : uri);
    if (leg->call_id[0] == '\0') {
        su_guid_t guid[1];

        su_guid_generate(guid);
        (void)su_guid_sprintf(leg->call_id, sizeof leg->call_id, guid);
    }
    (void)snprintf(call_id, sizeof call_id, "%s", leg->call_id);
    leg->nh = nua_handle(leg->st->nua, &leg->op, SIPTAG_FROM_STR(from), SIPTAG_TO_STR(to), TAG_END());
    if (before)
        nua_handle_destroy(before);
    if (!leg->nh)
        return false;
    ua_leg_own(leg, strcasestr(uri, "transport=tls") != NULL, strncasecmp(uri, "sips:", 5) == 0,
               strchr(uri, '[') != NULL);
    nua_invite(leg->nh, NUTAG_URL(uri), SIPTAG_CALL_ID_STR(call_id), OWN(leg), SDP(i->sdp.p),
               TAG_IF(route, NUTAG_PROXY(route)),
               TAG_IF(ua->conf.require_100rel, SIPTAG_REQUIRE_STR("100rel")),
               TAG_IF(ua->conf.require_100rel, NUTAG_EARLY_MEDIA(1)),
               TAG_IF(i->headers.n, SIPTAG_HEADER_STR(i->headers.p)),
               TAG_IF(i->replaces.n, SIPTAG_REPLACES_STR(i->replaces.p)),
               TAG_IF(authorization, SIPTAG_AUTHORIZATION_STR(authorization)),
               TAG_IF(proxy_authorization, SIPTAG_PROXY_AUTHORIZATION_STR(proxy_authorization)), TAG_END());
    return true;
}

static void do_call(struct ua *ua, struct ua_order *o)
{
    struct ua_leg *leg = ua_leg_new(ua, NULL, NULL, o->call);

    ua_leg_chain(leg);
    leg->order = o;
    if (ua->conf.calls_max && ua->n_calls > ua->conf.calls_max)
        ua_leg_cause(leg, 503, "as many calls as are allowed are up", false);
    else if (!ua_leg_invite(leg, NULL, NULL, NULL))
        ua_leg_cause(leg, 404,
                     base(ua) ? "no SIP address that can be called"
                              : "nowhere to call: give a registrar, a proxy, a trunk's address or a domain",
                     false);
    else {
        if (o->invite.ring_us > 0)
            start_timer(leg, on_ring_timeout, o->invite.ring_us);
        return;
    }
    ua_leg_tell_end(leg);
    ua_leg_free(leg);
}

/* ---- answers of ours ------------------------------------------------------------------------ */

static void do_ring(struct ua_leg *leg, const struct ua_order *o)
{
    if (leg->open != UA_OPEN_INVITE)
        return;
    if (o->invite.sdp.n && !leg->offerless)
        nua_respond(leg->nh, SIP_183_SESSION_PROGRESS, OWN(leg), SDP(o->invite.sdp.p), TAG_END());
    else
        nua_respond(leg->nh, SIP_180_RINGING, OWN(leg), TAG_END());
}

/* The successor takes the call over; the dialog that it replaces ends (RFC 3891 3). */
static void succeed(struct ua_leg *old, struct ua_leg *leg)
{
    old->successor = NULL;
    leg->replaces = NULL;
    ua_leg_unchain(old);
    ua_leg_chain(leg);
    old->told = true;
    ua_leg_drop(old, "replaced");
}

static void do_answer(struct ua_leg *leg, const struct ua_order *o)
{
    const char *sdp = o->invite.sdp.p;

    if (leg->successor) {
        struct ua_leg *next = leg->successor;

        next->open = UA_OPEN_NONE;
        next->answered = true;
        nua_respond(next->nh, SIP_200_OK, OWN(next), SDP(sdp), TAG_END());
        succeed(leg, next);
        return;
    }
    switch (leg->open) {
    case UA_OPEN_NONE:
        return;
    case UA_OPEN_INVITE:
        leg->answered = true;
        nua_respond(leg->nh, SIP_200_OK, OWN(leg), SDP(sdp), TAG_IF(leg->no_timer, NUTAG_SESSION_TIMER(0)),
                    TAG_END());
        break;
    case UA_OPEN_REINVITE:
        nua_respond(leg->nh, SIP_200_OK, OWN(leg), SDP(sdp), TAG_END());
        break;
    case UA_OPEN_UPDATE:
        nua_respond(leg->nh, SIP_200_OK, NUTAG_WITH_SAVED(leg->update), OWN(leg), SDP(sdp), TAG_END());
        nua_destroy_event(leg->update);
        break;
    case UA_OPEN_ACK:
        nua_ack(leg->nh, SDP(sdp), TAG_END());
        break;
    }
    leg->open = UA_OPEN_NONE;
}

static void do_reject(struct ua_leg *leg, const struct ua_order *o)
{
    char contact[UA_URI_MAX + 2] = "", after[16];
    uint32_t status = o->status >= 300 && o->status < 700 ? o->status : 480;
    const char *phrase = sip_status_phrase((int)status);
    bool initial = leg->open == UA_OPEN_INVITE;

    if (o->text.n && o->text.n < UA_URI_MAX)
        (void)snprintf(contact, sizeof contact, "<%s>", o->text.p);
    (void)snprintf(after, sizeof after, "%u", (unsigned)o->retry_after_s);
    if (leg->successor) {
        struct ua_leg *next = leg->successor;

        nua_respond(next->nh, (int)status, phrase, TAG_END());
        ua_leg_free(next);
        return;
    }
    switch (leg->open) {
    case UA_OPEN_NONE:
        return;
    case UA_OPEN_INVITE:
    case UA_OPEN_REINVITE:
        nua_respond(leg->nh, (int)status, phrase, TAG_IF(*contact, SIPTAG_CONTACT_STR(contact)),
                    TAG_IF(o->retry_after_s, SIPTAG_RETRY_AFTER_STR(after)), TAG_END());
        break;
    case UA_OPEN_UPDATE:
        nua_respond(leg->nh, (int)status, phrase, NUTAG_WITH_SAVED(leg->update),
                    TAG_IF(o->retry_after_s, SIPTAG_RETRY_AFTER_STR(after)), TAG_END());
        nua_destroy_event(leg->update);
        break;
    case UA_OPEN_ACK: /* a 2xx can only be acknowledged; then the call can't go on */
        leg->open = UA_OPEN_NONE;
        nua_ack(leg->nh, TAG_END());
        ua_leg_drop(leg, "no session in common");
        return;
    }
    leg->open = UA_OPEN_NONE;
    if (initial) {
        ua_leg_cause(leg, status, phrase, false);
        ua_leg_tell_end(leg);
    }
}

/* ---- re-INVITE of ours ---------------------------------------------------------------------- */

static void reoffer(struct ua_leg *leg)
{
    leg->reoffering = true;
    leg->op.challenges = 0;
    nua_invite(leg->nh, OWN(leg), SDP(leg->order->invite.sdp.p), TAG_END());
}

static void on_glare_over(su_root_magic_t *ua, su_timer_t *t, su_timer_arg_t *arg)
{
    struct ua_leg *leg = arg;

    (void)ua, (void)t;
    if (!leg->told && leg->order)
        reoffer(leg);
}

/* RFC 3261 14.1: who made the Call-ID waits 2.1 to 4 s, the other up to 2 s, in steps of 10 ms. */
void ua_leg_glare(struct ua_leg *leg)
{
    int64_t ms = leg->in ? 10 * su_randint(0, 200) : 10 * su_randint(210, 400);

    leg->glares++;
    start_timer(leg, on_glare_over, ms * 1000);
}

static bool do_reoffer(struct ua_leg *leg, struct ua_order *o)
{
    if (!leg->up || leg->reoffering || leg->open)
        return false;
    free(leg->order);
    leg->order = o;
    leg->glares = 0;
    reoffer(leg);
    return true;
}

/* ---- orders --------------------------------------------------------------------------------- */

void ua_order_run(struct ua *ua, struct ua_order *o)
{
    struct ua_leg *leg;

    if (o->type == UA_DO_CALL) {
        do_call(ua, o);
        return;
    }
    leg = ua_leg_of(ua, o->call);
    if (leg)
        switch (o->type) {
        case UA_DO_RING:
            do_ring(leg, o);
            break;
        case UA_DO_ANSWER:
            do_answer(leg, o);
            break;
        case UA_DO_REJECT:
            do_reject(leg, o);
            break;
        case UA_DO_HANGUP:
            ua_leg_drop(leg, o->text.n ? o->text.p : NULL);
            break;
        case UA_DO_REOFFER:
            if (do_reoffer(leg, o))
                return;
            break;
        case UA_DO_REFER:
            ua_refer_out(leg, o);
            break;
        case UA_DO_REFER_ANSWER:
            ua_refer_in(leg, o->status);
            break;
        case UA_DO_CALL:
        case UA_DO_FREE:
            break;
        }
    free(o);
}
