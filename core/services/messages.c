/*
 * Outbound messages: who, by which channel, in what form; then one event that holds
 * it all. Nothing is appended before everything was decided.
 */
#include "services/messages.h"
#include "base/clock.h"
#include "base/str.h"
#include "model/address.h"
#include "model/codec.h"
#include "model/lower.h"
#include "model/table.h"
#include "model/validate.h"
#include "services/access.h"
#include "services/calls.h"
#include "services/cases.h"
#include "services/delivery.h"
#include "services/media.h"
#include "services/outbound.h"
#include "services/segments.h"
#include "services/window.h"
#include "store/keys.h"
#include <stdio.h>

/* That somebody writes is no news any more after so long. */
static const int64_t TYPING_LIFE_US = 20000000;
/* As far as expires_in may reach: what is sent rarer than monthly is better planned by whoever knows
 * the customer then. */
static const int64_t SEND_AT_MAX_US = INT64_C(30) * 86400000000;

/* ---- the channel ---- */

/* schemes: 1 << HILO_SCHEME_x of each address that the message could go to. */
static int pick_channel(struct gateway *gw, const struct message_request *r, uint32_t schemes,
                        struct gw_channel **out, struct fault *f)
{
    struct gw_channel *c;

    if (r->channel.n) {
        c = gateway_channel(gw, r->channel);
        if (!c)
            return fault_set(f, 422, "unknown_channel", "/channel",
                             "there is no channel %.*s; see GET /v1/channels",
                             STR_FMT(str_utf8_head(r->channel, 63)));
    } else {
        const struct gw_route *route = gw->routes;
        uint32_t category = r->category ? r->category : (uint32_t)HILO_CATEGORY_SERVICE;
        while (route && ((route->scheme && !(schemes & 1u << route->scheme)) ||
                         (route->category && route->category != category)))
            route = route->next;
        if (!route)
            return fault_set(
                f, 422, "no_route", NULL,
                "no route fits this message; name its channel, or add a route to the configuration");
        c = gateway_channel(gw, route->channel);
        if (!c)
            return fault_set(f, 500, "no_route", NULL, "a route names the channel %.*s, which does not exist",
                             STR_FMT(route->channel));
    }
    if (!c->plug)
        return fault_set(f, 503, "channel_broken", "/channel", "the channel %.*s could not be loaded: %.250s",
                         STR_FMT(c->name), c->broken);
    if (!(c->provides & HILO_CAN_SEND))
        return fault_set(f, 422, "not_supported", "/channel", "the channel %.*s does not send",
                         STR_FMT(c->name));
    if ((int64_t)(c->queued + c->in_flight) >= c->queue_max) {
        (void)fault_set(f, 429, "queue_full", NULL, "%llu messages wait on the channel %.*s; retry later",
                        (unsigned long long)c->queued, STR_FMT(c->name));
        f->retry_after_s = 5;
        return -1;
    }
    *out = c;
    return 0;
}

/* ---- who, and at which address ---- */

static void scheme_add(void *arg, const struct identifier *id, const struct rec_identifier *r)
{
    (void)r;
    *(uint32_t *)arg |= 1u << id->scheme;
}

/* The customer, if there is one yet, and which kinds of address the message could go to:
 * the one given, or any of the person's if a person or a document was given. */
static int pick_customer(struct gateway *gw, const struct message_request *r, struct arena *a,
                         struct message_plan *plan, uint32_t *schemes_out, struct fault *f)
{
    struct rec_customer who;
    struct err e = {0};
    int32_t rc;

    *schemes_out = r->to.scheme ? 1u << r->to.scheme : 0;
    plan->customer = r->customer;
    if (r->to.scheme) {
        rc = customer_find(gw, &r->to, &plan->customer, &e);
        if (rc != HILO_OK && rc != HILO_NOTFOUND)
            return fault_store(f, rc, &e);
        plan->new_customer = rc == HILO_NOTFOUND;
    } else if (customer_get(gw, r->customer, a, &who, f) != 0) {
        if (f->status == 404)
            (void)fault_set(f, 422, "unknown_customer", "/to/customer", "there is no such customer");
        return -1;
    }
    if (plan->new_customer || r->to.scheme == HILO_SCHEME_PHONE || r->to.scheme == HILO_SCHEME_EMAIL)
        return 0;
    return customer_identifiers(gw, plan->customer, a, scheme_add, schemes_out, f);
}

struct party_search {
    struct gw_channel *channel;
    struct arena *arena;
    struct identifier best;
};

static void party_consider(void *arg, const struct identifier *id, const struct rec_identifier *r)
{
    struct party_search *s = arg;

    (void)r;
    if (!(s->channel->able->schemes & 1u << id->scheme))
        return;
    if (id->scope.n && !str_eq(id->scope, s->channel->account))
        return;
    if (!s->best.scheme || (!s->best.verified && id->verified))
        s->best = *id;
}

static struct hilo_str party_bytes(struct arena *a, const struct identifier *id)
{
    struct hilo_writer w;

    arena_writer(a, &w);
    hilo_put_u64(&w, HILO_T_IDENT_SCHEME, id->scheme);
    if (id->scope.n)
        hilo_put_str(&w, HILO_T_IDENT_SCOPE, id->scope);
    hilo_put_str(&w, HILO_T_IDENT_VALUE, id->value);
    return hilo_written(&w);
}

/* Where the message goes: the conversation of this address, or a new one. */
static int pick_conversation(struct gateway *gw, struct gw_channel *c, struct hilo_id customer,
                             const struct identifier *to, struct arena *a, struct outbound *o,
                             struct fault *f)
{
    char variants[ADDRESS_VARIANTS][ADDRESS_PHONE];
    struct party_search s = {.channel = c, .arena = a};
    struct rec_conversation conv;
    struct hilo_str val;
    struct err e = {0};
    int32_t rc;

    if (to->scheme && (c->able->schemes & 1u << to->scheme)) {
        s.best = *to;
        if (to->scheme == HILO_SCHEME_WHATSAPP)
            s.best.scope = c->account;
    } else if (!o->plan.new_customer && customer_identifiers(gw, customer, a, party_consider, &s, f) != 0) {
        return -1;
    }
    if (!s.best.scheme)
        return fault_set(f, 422, "no_address", "/to",
                         "this customer has no address that the channel %.*s can send to", STR_FMT(c->name));
    /* Addresses are kept in one form, as inbound does: one line, one conversation. */
    if (s.best.scheme == HILO_SCHEME_PHONE && address_whatsapp_variants(s.best.value, variants) > 0)
        s.best.value = arena_str(a, str(variants[0]));
    struct key k = key_address(c->name, s.best.scheme, s.best.scope, s.best.value);
    rc = store_get(gw->store, TABLE_ADDRESS, key_str(&k), a, &val, &e);
    if (rc == HILO_OK && val.n == sizeof o->plan.conversation.b) {
        memcpy(o->plan.conversation.b, val.p, val.n);
        struct key ck = key_of_id(o->plan.conversation);
        rc = store_record(gw->store, TABLE_CONVERSATION, key_str(&ck), &rec_desc_conversation, a, &conv, &e);
        if (rc == HILO_OK && id_eq(conv.customer, customer)) {
            o->party = conv.party;
            o->window_us = window_until(&conv);
            return 0;
        }
    }
    if (rc != HILO_OK && rc != HILO_NOTFOUND)
        return fault_store(f, rc, &e);
    o->plan.new_conversation = true;
    o->plan.conversation = idgen_next(store_ids(gw->store));
    o->party = party_bytes(a, &s.best);
    return 0;
}

/* ---- the message that it answers ---- */

static int quote(struct gateway *gw, struct hilo_id reply_to, struct outbound *o, struct arena *a,
                 struct fault *f)
{
    struct rec_message m;
    struct key k = key_of_id(reply_to);
    struct err e = {0};
    int32_t rc = store_record(gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, a, &m, &e);

    if (rc == HILO_NOTFOUND || (rc == HILO_OK && !id_eq(m.customer, o->plan.customer)))
        return fault_set(f, 422, "unknown_message", "/reply_to", "there is no such message of this customer");
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    o->reply_to = reply_to;
    if (id_eq(m.conversation, o->plan.conversation))
        o->reply_ext = m.ext_id;
    if (id_none(o->case_id))
        o->case_id = m.case_id;
    return 0;
}

static int check_case(struct gateway *gw, struct hilo_id id, struct hilo_id customer, struct arena *a,
                      struct fault *f)
{
    struct key k = key_of_id(id);
    struct rec_case c;
    struct err e = {0};
    int32_t rc = store_record(gw->store, TABLE_CASE, key_str(&k), &rec_desc_case, a, &c, &e);

    if (rc == HILO_NOTFOUND)
        return fault_set(f, 422, "unknown_case", "/case", "there is no such case");
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    if (!id_eq(c.customer, customer))
        return fault_set(f, 422, "case_of_another", "/case", "this case belongs to another customer");
    return 0;
}

/* ---- writing it down ---- */

static struct hilo_str outbound_bytes(const struct outbound *o, struct arena *a)
{
    struct hilo_writer w;

    arena_writer(a, &w);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_OUTBOUND);
    hilo_put_id(&w, HILO_T_MSG_ID, o->plan.id);
    hilo_put_str(&w, HILO_T_MSG_CHANNEL, o->plan.channel->name);
    hilo_put_u64(&w, HILO_T_MSG_CATEGORY, o->category);
    hilo_put_id(&w, HILO_T_MSG_CUSTOMER, o->plan.customer);
    hilo_put_id(&w, HILO_T_MSG_CONVERSATION, o->plan.conversation);
    if (!id_none(o->case_id))
        hilo_put_id(&w, HILO_T_MSG_CASE, o->case_id);
    if (!id_none(o->reply_to))
        hilo_put_id(&w, HILO_T_MSG_REPLY_TO, o->reply_to);
    if (o->reply_ext.n)
        hilo_put_str(&w, HILO_T_MSG_REPLY_EXT, o->reply_ext);
    hilo_put_u64(&w, HILO_T_MSG_ARRIVED, (uint64_t)o->now);
    hilo_put_u64(&w, HILO_T_MSG_DUE, (uint64_t)(o->due ? o->due : o->now));
    hilo_put_u64(&w, HILO_T_MSG_EXPIRES, (uint64_t)o->expires);
    hilo_put_u64(&w, HILO_T_MSG_PRIORITY, o->priority);
    hilo_put_str(&w, HILO_T_MSG_PARTY, o->party);
    if (o->language.n)
        hilo_put_str(&w, HILO_T_MSG_LANGUAGE, o->language);
    if (o->sender.n)
        hilo_put_str(&w, HILO_T_MSG_SENDER, o->sender);
    if (o->flash)
        hilo_put_u64(&w, HILO_T_MSG_FLASH, 1);
    hilo_put_str(&w, HILO_T_MSG_CONTENT, o->content);
    if (o->plan.segments.n)
        hilo_put_str(&w, HILO_T_MSG_SEGMENTS, o->plan.segments);
    return hilo_written(&w);
}

int outbound_finish(struct gateway *gw, struct outbound *o, struct arena *a, struct fault *f)
{
    const struct lower_env env = outbound_lower_env(gw);
    struct err e = {0};

    o->bytes = outbound_bytes(o, a);
    /* Written here from what the model's reader gave: its structure needs no check. */
    if (model_validate_outbound(o->bytes, &e) != HILO_OK)
        return outbound_content_fault(f, "invalid_content", &e);
    int32_t rc = lower(o->bytes, o->plan.channel->able, &env, a, &o->lowered, &e);
    if (rc == HILO_NOSUP)
        return outbound_content_fault(f, "not_supported", &e);
    if (rc != HILO_OK)
        return outbound_content_fault(f, "invalid_content", &e);
    o->plan.parts = (unsigned)o->lowered.n;
    o->plan.notes = o->lowered.notes;
    /* Of what is scheduled its claim judges: until then the customer may write. */
    if (!o->due && o->window_us <= o->now && window_needed(o->plan.channel, o->lowered.message, o->lowered.n))
        return window_fault(gw, o->plan.channel, o->plan.customer, a, f);
    if (o->plan.channel->able->segment.octets) {
        if (segments_plan(o, a, f) != 0)
            return -1;
        o->bytes = outbound_bytes(o, a);
    }
    return 0;
}

int outbound_append(struct gateway *gw, const struct actor *actor, struct outbound *o, struct fault *f)
{
    struct gw_channel *c = o->plan.channel;
    struct err e = {0};
    int32_t rc = HILO_OK;

    if (o->plan.new_conversation) {
        const struct ev_conversation_opened ev = {
            .id = o->plan.conversation, .customer = o->plan.customer, .channel = c->name, .party = o->party};
        rc = store_append(gw->store, &ev_desc_conversation_opened, &ev, actor, o->now, NULL, &e);
    }
    if (rc == HILO_OK) {
        const struct ev_message_accepted ev = {
            .id = o->plan.id,
            .message = o->bytes,
            .policy = c->policy,
            .parts = o->plan.parts > 1 ? o->plan.parts : 0,
            .once_key = access_once_key(o->once),
            .once_request = access_once_request(o->once),
            .notes = o->once && o->once->given ? o->plan.notes : (struct hilo_str){NULL, 0},
            .store = o->place.store,
            .terminal = o->place.terminal,
            .clerk = o->place.clerk,
            .at = (uint64_t)o->at};
        rc = store_append(gw->store, &ev_desc_message_accepted, &ev, actor, o->now, NULL, &e);
    }
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    c->queued++;
    c->came_to[HILO_STATUS_ACCEPTED]++;
    delivery_expiry(gw->delivery, o->expires);
    if (o->due)
        delivery_scheduled(gw->delivery, o->due);
    delivery_kick(gw->delivery, c);
    return 0;
}

/* When, from what address and how: what not every channel can. */
static int outbound_wishes(struct gateway *gw, const struct message_request *r, struct outbound *o,
                           struct fault *f)
{
    const struct gw_channel *c = o->plan.channel;

    if (!r->send_at_any && r->send_at > o->now + SEND_AT_MAX_US)
        return fault_set(f, 422, "invalid_field", "/send_at", "send_at: a time within 30 days is expected");
    if (r->send_at > delivery_due_now(gw->delivery))
        o->plan.due = o->due = r->send_at;
    if (r->flash && !(c->able->flags & HILO_ABLE_FLASH))
        return fault_set(f, 422, "not_supported", "/flash",
                         "the channel %.*s has no messages that are shown and not kept; leave flash out",
                         STR_FMT(c->name));
    o->flash = r->flash;
    if (c->able->flags & HILO_ABLE_SENDER)
        o->sender = r->sender;
    else if (r->sender.n && !r->sender_if_able)
        return fault_set(f, 422, "not_supported", "/sender",
                         "the channel %.*s sends from its own address only; leave sender out",
                         STR_FMT(c->name));
    return 0;
}

/* Everything that is decided of a message before anything of it is appended. o is filled
 * as far as it went, also on failure. */
static int outbound_decide(struct gateway *gw, const struct message_request *r, struct arena *a,
                           struct outbound *o, struct fault *f)
{
    uint32_t schemes;
    struct err e = {0};

    o->now = clock_wall_us();
    o->once = r->once;
    o->case_id = r->case_id;
    o->place = r->place;
    o->at = r->at;
    if (place_check(&r->place, f) != 0)
        return -1;
    if (pick_customer(gw, r, a, &o->plan, &schemes, f) != 0 ||
        pick_channel(gw, r, schemes, &o->plan.channel, f) != 0)
        return -1;
    if (outbound_wishes(gw, r, o, f) != 0)
        return -1;
    if (o->plan.new_customer && !(o->plan.channel->able->schemes & 1u << r->to.scheme))
        return fault_set(f, 422, "unknown_customer", "/to", "nobody has this %s; create the customer first",
                         model_value_text(MODEL_E_SCHEME, r->to.scheme));
    if (!id_none(r->case_id)) {
        if (o->plan.new_customer)
            return fault_set(f, 422, "case_of_another", "/case", "this case belongs to another customer");
        if (check_case(gw, r->case_id, o->plan.customer, a, f) != 0)
            return -1;
    }
    if (pick_conversation(gw, o->plan.channel, o->plan.customer, &r->to, a, o, f) != 0)
        return -1;
    if (!id_none(r->reply_to) && quote(gw, r->reply_to, o, a, f) != 0)
        return -1;
    if (id_none(o->case_id) && !o->plan.new_customer) {
        int32_t rc = case_only_open(gw, o->plan.customer, a, &o->case_id, &e);
        if (rc != HILO_OK)
            return fault_store(f, rc, &e);
    }
    o->content = r->content;
    o->category = r->category;
    if (outbound_content(gw, o, a, f) != 0)
        return -1;
    if (o->category == 0)
        o->category = HILO_CATEGORY_SERVICE;
    o->plan.id = idgen_next(store_ids(gw->store));
    o->priority = r->priority;
    o->expires = (o->due ? o->due : o->now) + (r->expires_in_us ? r->expires_in_us : gw->expires_us);
    o->language = r->language;
    if (outbound_finish(gw, o, a, f) != 0)
        return -1;
    int32_t rc = consent_denied(gw, o->plan.channel, o->plan.customer, o->party, o->category,
                                (struct hilo_id){{0}}, a, &o->denial, &e);
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

/* It was accepted and will not leave: the person does not want it. */
static int outbound_suppress(struct gateway *gw, struct outbound *o, struct fault *f)
{
    struct err e = {0};
    int32_t rc = delivery_suppress(gw->delivery, o->plan.channel, o->plan.id, o->now, &e);

    o->plan.suppressed = true;
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

int message_accept(struct gateway *gw, const struct actor *actor, const struct message_request *r,
                   struct arena *a, struct message_plan *out, struct fault *f)
{
    struct outbound o = {0};

    if (outbound_decide(gw, r, a, &o, f) != 0)
        return -1;
    if (o.plan.new_customer) {
        const struct customer_fields by = {.place = r->place, .at = r->at};
        struct hilo_id made;
        if (customer_create(gw, actor, &by, &r->to, 1, &made, f) != 0)
            return -1;
        o.plan.customer = made;
        o.bytes = outbound_bytes(&o, a);
    }
    if (outbound_append(gw, actor, &o, f) != 0 || (o.denial.denied && outbound_suppress(gw, &o, f) != 0))
        return -1;
    *out = o.plan;
    return 0;
}

/* Why it would wait after it was accepted. */
static void outlook_waits(const struct gw_channel *c, struct message_outlook *out)
{
    struct hilo_str text = {0};
    enum channel_state state = channel_state(c->plug, &text);

    if (out->plan.due && out->window_needed && out->window_us <= out->plan.due)
        out->waits = STR("it is scheduled; the customer must have written in the 24 hours before its time, "
                         "or it fails with window_closed");
    else if (out->plan.due)
        out->waits = STR("it is scheduled");
    else if (c->paused)
        out->waits = STR("an operator has paused the channel");
    else if (c->stopped || state == CHANNEL_STOPPED)
        out->waits = STR("the channel is stopped until an operator acts");
    else if (state != CHANNEL_UP)
        out->waits = STR("the channel is down at the moment");
}

int message_outlook(struct gateway *gw, const struct message_request *r, struct arena *a,
                    struct message_outlook *out, struct fault *f)
{
    struct outbound o = {0};
    int rc = outbound_decide(gw, r, a, &o, f);

    memset(out, 0, sizeof *out);
    out->plan = o.plan;
    out->category = o.category;
    out->case_id = o.case_id;
    out->party = o.party;
    out->window_us = o.window_us;
    out->denial = o.denial;
    if (o.plan.channel) {
        out->window_needed = window_needed(o.plan.channel, o.lowered.message, o.lowered.n);
        outlook_waits(o.plan.channel, out);
    }
    out->part = o.lowered.message;
    out->n = o.lowered.n;
    return rc;
}

int message_signal(struct gateway *gw, const struct actor *actor, struct hilo_id id, uint64_t event,
                   const struct access_once *once, struct arena *a, struct message_plan *out, struct fault *f)
{
    struct outbound o = {
        .now = clock_wall_us(), .category = HILO_CATEGORY_SERVICE, .priority = 1, .once = once};
    struct rec_conversation conv;
    struct rec_message m;
    struct hilo_str bytes;
    struct hilo_writer w;
    struct err e = {0};

    if (message_get(gw, id, a, &m, &bytes, f) != 0)
        return -1;
    if (m.kind != HILO_KIND_INBOUND || m.ext_id.n == 0)
        return fault_set(f, 409, "not_inbound", NULL,
                         "only a customer's message can be marked as read or answered");
    const struct message_request by_channel = {.channel = m.channel};
    if (pick_channel(gw, &by_channel, 0, &o.plan.channel, f) != 0)
        return -1;
    if (!(o.plan.channel->able->contents & 1u << HILO_CONTENT_SYSTEM))
        return fault_set(f, 422, "not_supported", NULL, "this channel has no way to say %s",
                         event == HILO_SYSTEM_TYPING ? "that an answer is being written"
                                                     : "that a message was read");
    struct key k = key_of_id(m.conversation);
    int32_t rc =
        store_record(gw->store, TABLE_CONVERSATION, key_str(&k), &rec_desc_conversation, a, &conv, &e);
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    o.plan.id = idgen_next(store_ids(gw->store));
    o.plan.customer = m.customer;
    o.plan.conversation = m.conversation;
    o.plan.parts = 1;
    o.party = conv.party;
    o.reply_to = id;
    o.reply_ext = m.ext_id;
    o.expires = o.now + (event == HILO_SYSTEM_TYPING ? TYPING_LIFE_US : gw->expires_us);
    arena_writer(a, &w);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_SYSTEM);
    hilo_put_u64(&w, HILO_T_CONTENT_EVENT, event);
    o.content = hilo_written(&w);
    o.bytes = outbound_bytes(&o, a);
    if (outbound_append(gw, actor, &o, f) != 0)
        return -1;
    *out = o.plan;
    return 0;
}

int message_get(struct gateway *gw, struct hilo_id id, struct arena *a, struct rec_message *out,
                struct hilo_str *bytes_out, struct fault *f)
{
    struct key k = key_of_id(id);
    struct err e = {0};
    int32_t rc = store_record(gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, a, out, &e);

    if (rc == HILO_NOTFOUND)
        return fault_set(f, 404, "unknown_message", NULL, "there is no such message");
    if (rc == HILO_OK)
        rc = store_message_bytes(gw->store, out, a, bytes_out, &e);
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

int message_amended(struct gateway *gw, const struct rec_message *m, struct arena *a, struct hilo_str *bytes,
                    struct fault *f)
{
    const struct model_change gone = change_remove(HILO_T_MSG_CONTENT);
    struct model_change words, content;
    struct rec_message edit;
    struct hilo_str said, text;
    struct err e = {0};

    if (m->deleted) {
        if (model_edit(a, *bytes, &gone, 1, bytes, &e) != HILO_OK)
            return fault_store(f, HILO_CORRUPT, &e);
        return 0;
    }
    if (m->kind == HILO_KIND_CALL)
        return call_entry_now(gw, m, a, bytes, f);
    if (id_none(m->edit))
        return 0;
    if (message_get(gw, m->edit, a, &edit, &said, f) != 0)
        return -1;
    said = hilo_content(said);
    if (!hilo_find(said, HILO_T_CONTENT_TEXT, &text))
        text = hilo_get_str(said, HILO_T_CONTENT_CAPTION);
    words = change_str(
        hilo_content_type(*bytes) == HILO_CONTENT_MEDIA ? HILO_T_CONTENT_CAPTION : HILO_T_CONTENT_TEXT, text);
    content = change_into(HILO_T_MSG_CONTENT, &words, 1);
    return model_edit(a, *bytes, &content, 1, bytes, &e) == HILO_OK ? 0 : fault_store(f, HILO_CORRUPT, &e);
}

int message_cancel(struct gateway *gw, const struct actor *actor, struct hilo_id id, struct fault *f)
{
    struct hilo_str bytes;
    struct rec_message m;
    struct err e = {0};

    if (message_get(gw, id, gw->arena, &m, &bytes, f) != 0)
        return -1;
    if (m.place == PLACE_NONE)
        return fault_set(f, 409, "already_settled", NULL, "this message is %s already",
                         model_value_text(MODEL_E_STATUS, m.status));
    if (m.place == PLACE_IN_FLIGHT || m.place == PLACE_HELD || m.part || m.status == HILO_STATUS_IN_DOUBT)
        return fault_set(f, 409, "already_leaving", NULL,
                         "this message is with the channel already; whether it left is not known yet");
    const struct ev_message_settled ev = {
        .id = id, .status = HILO_STATUS_CANCELED, .reason = STR("canceled")};
    int32_t rc = store_append(gw->store, &ev_desc_message_settled, &ev, actor, clock_wall_us(), NULL, &e);
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    struct gw_channel *c = gateway_channel(gw, m.channel);
    if (c) {
        c->queued--;
        c->came_to[HILO_STATUS_CANCELED]++;
        delivery_kick(gw->delivery, c); /* the next of its conversation has its turn */
    }
    return 0;
}
