/*
 * Public events: which events of the journal applications are told of, and how they read.
 *
 * Names and forms are those of the API's answers, so that an application can put an event over what it
 * has of the same thing. Not public: claims (an attempt shows in what becomes of it), downloads that are
 * tried again, keys, templates, and what the gateway notes for itself.
 */
#include "services/public_event.h"
#include "base/ids.h"
#include "base/sha256.h"
#include "base/str.h"
#include "model/codec.h"
#include "model/json.h"
#include "model/out.h"
#include "services/cases.h"
#include "services/consent.h"
#include "services/lookup.h"
#include "services/public_event_part.h"
#include "services/sales.h"
#include "services/stock.h"
#include "store/keys.h"
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t scope;
} public__types[] = {
#define X(name, text, scope) {text, scope},
    PUBLIC_TYPES(X)
#undef X
};
_Static_assert(PUBLIC__END <= 64, "a filter has a bit for each");

const char *public_type_name(enum public_type t)
{
    return public__types[t].name;
}

uint32_t public_type_scope(enum public_type t)
{
    return public__types[t].scope;
}

void public_event_id(struct hilo_id name, char out[ID_TEXT])
{
    id_format("evt", name, out);
}

bool public_event_id_parse(struct hilo_str s, struct hilo_id *out)
{
    return id_parse("evt", s, out);
}

/* ---- filters ------------------------------------------------------------------------ */

static uint64_t public__bits(struct hilo_str word)
{
    static const struct hilo_str first = {"hilo.", 5};
    uint64_t bits = 0;
    bool all = word.n >= 2 && word.p[word.n - 1] == '*' && word.p[word.n - 2] == '.';
    struct hilo_str want = all ? str_n(word.p, word.n - 1) : word;

    for (unsigned t = 0; t < PUBLIC__END; t++) {
        struct hilo_str name = str(public__types[t].name);
        if (!str_starts(want, first))
            name = str_n(name.p + first.n, name.n - first.n);
        if (all ? str_starts(name, want) : str_eq(name, want))
            bits |= UINT64_C(1) << t;
    }
    return bits;
}

bool public_types_parse(struct hilo_str list, uint64_t *out, struct hilo_str *unknown_out)
{
    struct hilo_str word, rest = list;
    uint64_t bits = 0;
    bool more = true;

    while (more) {
        more = str_cut(rest, ',', &word, &rest);
        uint64_t b = public__bits(word);
        if (b == 0) {
            *unknown_out = word;
            return false;
        }
        bits |= b;
    }
    *out = bits;
    return true;
}

bool public_filter_takes(const struct public_filter *f, const struct public_event *e)
{
    return (f->scopes & e->scope) == e->scope && (f->types == 0 || f->types >> e->type & 1) &&
           (id_none(f->customer) || id_eq(f->customer, e->customer)) &&
           (id_none(f->case_id) || id_eq(f->case_id, e->case_id)) &&
           (f->channel.n == 0 || str_eq(f->channel, e->channel));
}

/* ---- what an event is --------------------------------------------------------------- */

/* Of a record only what never changes is used. One that is gone leaves its part empty. */
static int32_t public__record(struct gateway *gw, enum table table, struct hilo_id id,
                              const struct rec_desc *d, struct arena *a, void *out, struct err *err)
{
    struct key k = key_of_id(id);
    int32_t rc = store_record(gw->store, table, key_str(&k), d, a, out, err);

    if (rc == HILO_NOTFOUND) {
        memset(out, 0, d->bytes);
        rc = HILO_OK;
    }
    return rc;
}

static int32_t public__message(struct gateway *gw, struct hilo_id id, struct arena *a,
                               struct public_event *out, struct err *err)
{
    struct rec_message *m = ARENA_NEW(a, struct rec_message);
    int32_t rc = public__record(gw, TABLE_MESSAGE, id, &rec_desc_message, a, m, err);

    if (rc != HILO_OK)
        return rc;
    out->message = m;
    out->customer = m->customer;
    out->case_id = m->case_id;
    out->channel = m->channel;
    return HILO_OK;
}

static void public__message_new(struct hilo_str bytes, struct public_event *out)
{
    out->customer = hilo_get_id(bytes, HILO_T_MSG_CUSTOMER);
    out->case_id = hilo_get_id(bytes, HILO_T_MSG_CASE);
    out->channel = hilo_get_str(bytes, HILO_T_MSG_CHANNEL);
}

static int32_t public__conversation(struct gateway *gw, struct hilo_id id, struct arena *a,
                                    struct public_event *out, struct err *err)
{
    struct rec_conversation c;
    int32_t rc = public__record(gw, TABLE_CONVERSATION, id, &rec_desc_conversation, a, &c, err);

    if (rc != HILO_OK)
        return rc;
    out->customer = c.customer;
    out->channel = c.channel;
    return HILO_OK;
}

static int32_t public__case(struct gateway *gw, struct hilo_id id, struct arena *a, struct public_event *out,
                            struct err *err)
{
    struct rec_case c;
    int32_t rc = public__record(gw, TABLE_CASE, id, &rec_desc_case, a, &c, err);

    if (rc != HILO_OK)
        return rc;
    out->customer = c.customer;
    out->case_id = id;
    return HILO_OK;
}

static int32_t public__media(struct gateway *gw, struct hilo_id id, struct arena *a, struct public_event *out,
                             struct err *err)
{
    struct rec_media m;
    int32_t rc = public__record(gw, TABLE_MEDIA, id, &rec_desc_media, a, &m, err);

    if (rc != HILO_OK)
        return rc;
    out->media_message = m.message;
    return id_none(m.message) ? HILO_OK : public__message(gw, m.message, a, out, err);
}

/* What it is for, and whose; that never changes. */
static int32_t public__wish(struct gateway *gw, struct hilo_id id, struct arena *a, struct public_event *out,
                            struct err *err)
{
    struct rec_wish *w = ARENA_NEW(a, struct rec_wish);
    int32_t rc = public__record(gw, TABLE_WISH, id, &rec_desc_wish, a, w, err);

    if (rc != HILO_OK)
        return rc;
    out->wish = w;
    out->customer = w->customer;
    out->case_id = w->case_id;
    return HILO_OK;
}

/* Fills whose it is. HILO_NOSUP as public_event_look. */
static int32_t public__whose(struct gateway *gw, const struct event *ev, struct arena *a,
                             struct public_event *out, struct err *err)
{
#define BODY(name) const struct ev_##name *e = out->body
    switch (ev->head.type) {
    case EVENT_message_accepted: {
        BODY(message_accepted);
        out->type = PUBLIC_MESSAGE_ACCEPTED;
        public__message_new(e->message, out);
        return HILO_OK;
    }
    case EVENT_message_received: {
        BODY(message_received);
        out->type = PUBLIC_MESSAGE_RECEIVED;
        public__message_new(e->message, out);
        return HILO_OK;
    }
    case EVENT_message_reported:
    case EVENT_message_receipt:
    case EVENT_message_settled:
    case EVENT_message_moved: {
        /* All of them have the message's id first. */
        struct hilo_id id;
        memcpy(&id, out->body, sizeof id);
        if (id_none(id) || ev->head.flags & EVENT_QUIET)
            return HILO_NOSUP;
        out->type = PUBLIC_MESSAGE_STATUS;
        return public__message(gw, id, a, out, err);
    }
    case EVENT_conversation_opened: {
        BODY(conversation_opened);
        out->type = PUBLIC_CONVERSATION_OPENED;
        out->customer = e->customer;
        out->channel = e->channel;
        return HILO_OK;
    }
    case EVENT_conversation_address: {
        BODY(conversation_address);
        out->type = PUBLIC_CONVERSATION_UPDATED;
        return public__conversation(gw, e->id, a, out, err);
    }
    case EVENT_customer_created: {
        BODY(customer_created);
        out->type = PUBLIC_CUSTOMER_CREATED;
        out->customer = e->id;
        return HILO_OK;
    }
    case EVENT_customer_updated: {
        BODY(customer_updated);
        out->type = PUBLIC_CUSTOMER_UPDATED;
        out->customer = e->id;
        return HILO_OK;
    }
    case EVENT_identifier_added: {
        BODY(identifier_added);
        out->type = PUBLIC_IDENTIFIER_ADDED;
        out->customer = e->customer;
        return HILO_OK;
    }
    case EVENT_identifier_removed: {
        BODY(identifier_removed);
        out->type = PUBLIC_IDENTIFIER_REMOVED;
        out->customer = e->customer;
        return HILO_OK;
    }
    case EVENT_case_opened: {
        BODY(case_opened);
        out->type = PUBLIC_CASE_OPENED;
        out->customer = e->customer;
        out->case_id = e->id;
        return HILO_OK;
    }
    case EVENT_case_updated: {
        BODY(case_updated);
        out->type = PUBLIC_CASE_UPDATED;
        return public__case(gw, e->id, a, out, err);
    }
    case EVENT_media_stored: {
        BODY(media_stored);
        out->type = PUBLIC_MEDIA_STORED;
        return public__media(gw, e->id, a, out, err);
    }
    case EVENT_media_failed: {
        BODY(media_failed);
        out->type = PUBLIC_MEDIA_FAILED;
        return e->due ? HILO_NOSUP : public__media(gw, e->id, a, out, err);
    }
    case EVENT_channel_paused: {
        BODY(channel_paused);
        out->type = PUBLIC_CHANNEL_PAUSED;
        out->channel = e->channel;
        return HILO_OK;
    }
    case EVENT_channel_resumed: {
        BODY(channel_resumed);
        out->type = PUBLIC_CHANNEL_RESUMED;
        out->channel = e->channel;
        return HILO_OK;
    }
    case EVENT_consent_changed: {
        BODY(consent_changed);
        out->type = PUBLIC_CONSENT_CHANGED;
        out->customer = e->customer;
        if (e->reach == CONSENT_CHANNEL)
            out->channel = e->name;
        return HILO_OK;
    }
    case EVENT_wish_added: {
        BODY(wish_added);
        out->type = PUBLIC_WISH_ADDED;
        out->customer = e->customer;
        out->case_id = e->case_id;
        return HILO_OK;
    }
    case EVENT_wish_offered: {
        BODY(wish_offered);
        out->type = PUBLIC_WISH_OFFERED;
        return public__wish(gw, e->id, a, out, err);
    }
    case EVENT_wish_settled: {
        BODY(wish_settled);
        out->type = PUBLIC_WISH_ENDED;
        return e->status == WISH_WAITING ? HILO_NOSUP : public__wish(gw, e->id, a, out, err);
    }
    case EVENT_visit_recorded: {
        BODY(visit_recorded);
        out->type = PUBLIC_VISIT_RECORDED;
        out->customer = e->customer;
        out->case_id = e->case_id;
        return HILO_OK;
    }
    case EVENT_sale_recorded: {
        BODY(sale_recorded);
        out->type = PUBLIC_SALE_RECORDED;
        out->customer = e->customer;
        out->case_id = e->case_id;
        return HILO_OK;
    }
    case EVENT_case_noted: {
        BODY(case_noted);
        out->type = PUBLIC_CASE_NOTED;
        public__message_new(e->message, out);
        return HILO_OK;
    }
    case EVENT_customer_looked_up: {
        BODY(customer_looked_up);
        out->type = PUBLIC_CUSTOMER_LOOKED_UP;
        out->customer = e->customer;
        return HILO_OK;
    }
    case EVENT_appointment_booked:
    case EVENT_appointment_changed:
    case EVENT_appointment_checked_in:
    case EVENT_appointment_near:
        return public_appointment_look(ev, a, out, err);
    case EVENT_call_started:
    case EVENT_call_changed:
    case EVENT_call_offered:
        return public_call_look(ev, a, out, err);
    case EVENT_message_transcribed: {
        BODY(message_transcribed);
        out->type = PUBLIC_MESSAGE_TRANSCRIBED;
        return public__message(gw, e->id, a, out, err);
    }
    default:
        return HILO_NOSUP;
    }
#undef BODY
}

/* Before anything is unpacked: most of a busy journal is not public. */
static bool public__may_be(uint16_t type)
{
    return type != EVENT_message_claimed && type != EVENT_message_due && type != EVENT_plugin_put &&
           type != EVENT_idempotency_stored && type != EVENT_key_created && type != EVENT_secret_created &&
           type != EVENT_callback_asked && type != EVENT_callback_settled && type != EVENT_callback_postponed;
}

int32_t public_event_look(struct gateway *gw, const struct event *ev, struct arena *a,
                          struct public_event *out, struct err *err)
{
    const struct rec_desc *d = event_desc(ev->head.type);
    int32_t rc;

    if (!d || !public__may_be(ev->head.type))
        return HILO_NOSUP;
    memset(out, 0, sizeof *out);
    void *body = arena_alloc(a, d->bytes);
    rc = rec_unpack(d, ev->body, body, err);
    if (rc != HILO_OK)
        return rc;
    out->body = body;
    rc = public__whose(gw, ev, a, out, err);
    if (rc == HILO_OK)
        out->scope = public__types[out->type].scope;
    return rc;
}

/* ---- how it reads --------------------------------------------------------------------- */

static void put_enum(struct out *o, const char *key, enum model_enum e, uint64_t v)
{
    const char *text = model_value_text(e, v);

    if (text)
        out_str(o, key, str(text));
    else if (v)
        out_u64(o, key, v);
}

static int32_t put_group(struct out *o, const char *key, enum model_group group, struct hilo_str bytes,
                         struct err *err)
{
    struct buf b = {0};
    int32_t rc = model_json_write(&b, group, bytes, err);

    if (rc == HILO_OK && key)
        out_raw(o, key, buf_str(&b));
    else if (rc == HILO_OK && b.n > 2)
        out_raw(o, NULL, str_n(b.p + 1, b.n - 2)); /* inside of what is there */
    buf_done(&b);
    return rc;
}

/* A message as it began: GET /v1/messages/{id} without what came later. */
static int32_t put_message(struct out *o, const struct event *ev, struct hilo_id id, struct hilo_str bytes,
                           struct hilo_id media, uint64_t parts, struct arena *a, struct err *err)
{
    static const uint32_t known[] = {HILO_T_MSG_KIND,     HILO_T_MSG_ID,       HILO_T_MSG_CHANNEL,
                                     HILO_T_MSG_CATEGORY, HILO_T_MSG_CUSTOMER, HILO_T_MSG_CONVERSATION,
                                     HILO_T_MSG_CASE,     HILO_T_MSG_EXT_ID,   HILO_T_MSG_DUE,
                                     HILO_T_MSG_EXPIRES};
    struct model_change drop[sizeof known / sizeof *known];
    struct hilo_str rest;
    bool in = ev->head.type == EVENT_message_received;

    for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        drop[i] = change_remove(known[i]);
    int32_t rc = model_edit(a, bytes, drop, sizeof known / sizeof *known, &rest, err);
    if (rc != HILO_OK)
        return rc;
    out_id(o, "id", "msg", id);
    put_enum(o, "kind", MODEL_E_KIND, hilo_get_u64(bytes, HILO_T_MSG_KIND));
    out_id(o, "customer", "cus", hilo_get_id(bytes, HILO_T_MSG_CUSTOMER));
    out_id(o, "conversation", "cnv", hilo_get_id(bytes, HILO_T_MSG_CONVERSATION));
    out_id(o, "case", "cas", hilo_get_id(bytes, HILO_T_MSG_CASE));
    out_opt(o, "channel", hilo_get_str(bytes, HILO_T_MSG_CHANNEL));
    put_enum(o, "category", MODEL_E_CATEGORY, hilo_get_u64(bytes, HILO_T_MSG_CATEGORY));
    put_enum(o, "status", MODEL_E_STATUS, in ? HILO_STATUS_DELIVERED : HILO_STATUS_ACCEPTED);
    out_time(o, "status_time", (uint64_t)ev->head.time_us);
    out_opt(o, "provider_id", hilo_get_str(bytes, HILO_T_MSG_EXT_ID));
    out_time(o, "due", hilo_get_u64(bytes, HILO_T_MSG_DUE));
    out_time(o, "expires", hilo_get_u64(bytes, HILO_T_MSG_EXPIRES));
    out_id(o, "media", "med", media);
    if (ev->head.actor_kind == ACTOR_KEY)
        out_id(o, "key", "key", ev->head.actor);
    if (parts > 1)
        out_u64(o, "parts", parts);
    return put_group(o, NULL, MODEL_G_MSG, rest, err);
}

/* What a message came to, with the names that GET /v1/messages/{id} has for it. */
struct status {
    struct hilo_id id;
    uint64_t status, time, attempts, part, due;
    struct hilo_str reason, provider_code, detail, ext_id, cost;
};

static int32_t put_status(struct out *o, const struct public_event *p, const struct status *s,
                          struct err *err)
{
    const struct rec_message *m = p->message;
    int32_t rc = HILO_OK;

    out_id(o, "id", "msg", s->id);
    put_enum(o, "kind", MODEL_E_KIND, m->kind);
    out_id(o, "customer", "cus", m->customer);
    out_id(o, "conversation", "cnv", m->conversation);
    out_id(o, "case", "cas", m->case_id);
    out_opt(o, "channel", m->channel);
    put_enum(o, "category", MODEL_E_CATEGORY, m->category);
    put_enum(o, "status", MODEL_E_STATUS, s->status);
    out_time(o, "status_time", s->time);
    out_opt(o, "reason", s->reason);
    out_opt(o, "provider_code", s->provider_code);
    out_opt(o, "detail", s->detail);
    out_opt(o, "provider_id", s->ext_id);
    if (s->attempts)
        out_u64(o, "attempts", s->attempts);
    out_time(o, "due", s->due);
    if (m->parts > 1) {
        if (s->part)
            out_u64(o, "part", s->part);
        out_u64(o, "parts", m->parts);
    }
    out_id(o, "key", "key", m->actor);
    if (s->cost.n)
        rc = put_group(o, "cost", MODEL_G_RECEIPT, s->cost, err);
    return rc;
}

static struct status status_of(const struct event *ev, const void *body)
{
    struct status s = {.time = (uint64_t)ev->head.time_us};

    if (ev->head.type == EVENT_message_reported) {
        const struct ev_message_reported *e = body;
        s.id = e->id, s.status = e->status, s.attempts = e->attempts, s.part = e->part;
        s.reason = e->reason, s.provider_code = e->provider_code, s.detail = e->detail;
        s.ext_id = e->ext_id, s.due = e->status == HILO_STATUS_QUEUED ? e->due : 0;
    } else if (ev->head.type == EVENT_message_receipt) {
        const struct ev_message_receipt *e = body;
        s.id = e->id, s.status = e->status, s.time = e->time ? e->time : s.time;
        s.reason = e->reason, s.provider_code = e->provider_code, s.detail = e->detail;
        s.ext_id = e->ext_id, s.cost = e->cost;
    } else if (ev->head.type == EVENT_message_moved) {
        const struct ev_message_moved *e = body;
        s.id = e->id, s.status = e->status, s.time = e->time;
        s.reason = e->reason, s.provider_code = e->provider_code, s.detail = e->detail;
        s.ext_id = e->ext_id, s.cost = e->cost;
    } else {
        const struct ev_message_settled *e = body;
        s.id = e->id, s.status = e->status, s.reason = e->reason;
    }
    return s;
}

/* A member that was set: its value, or null where it was removed. */
static void put_set(struct out *o, uint64_t set, unsigned bit, const char *key, struct hilo_str v, bool raw)
{
    if (!(set & bit))
        return;
    if (v.n == 0)
        out_null(o, key);
    else if (raw)
        out_raw(o, key, v);
    else
        out_str(o, key, v);
}

static void put_identifier(struct out *o, struct hilo_id customer, uint64_t scheme, struct hilo_str scope,
                           struct hilo_str value)
{
    out_id(o, "customer", "cus", customer);
    put_enum(o, "scheme", MODEL_E_SCHEME, scheme);
    out_opt(o, "scope", scope);
    out_str(o, "value", value);
}

static void put_media(struct out *o, struct hilo_id id, const struct public_event *p)
{
    out_id(o, "id", "med", id);
    out_id(o, "message", "msg", p->media_message);
    out_id(o, "customer", "cus", p->customer);
    out_id(o, "case", "cas", p->case_id);
    out_opt(o, "channel", p->channel);
}

static void put_case_status(struct out *o, uint64_t status)
{
    out_opt(o, "status", str(case_status_name(status)));
}

static int32_t put_consent(struct out *o, const struct ev_consent_changed *e, struct err *err)
{
    struct hilo_str rest = e->parties;
    struct hilo_field party;
    int32_t rc = HILO_OK;

    out_id(o, "customer", "cus", e->customer);
    out_begin(o, "categories", '[');
    for (uint64_t category = 1; category < 64; category++)
        if (e->categories >> category & 1)
            put_enum(o, NULL, MODEL_E_CATEGORY, category);
    out_end(o, ']');
    out_str(o, "state", str(consent_state_name(e->state)));
    if (e->reach != CONSENT_ALL)
        out_str(o, e->reach == CONSENT_CHANNEL ? "channel" : "channel_type", e->name);
    if (rest.n) {
        out_begin(o, "addresses", '[');
        while (rc == HILO_OK && hilo_next(&rest, &party) == 1) {
            out_begin(o, NULL, '{');
            rc = put_group(o, NULL, MODEL_G_IDENT, party.val, err);
            out_end(o, '}');
        }
        out_end(o, ']');
    }
    out_str(o, "how", str(consent_how_name(e->how)));
    out_opt(o, "proof", e->proof);
    out_id(o, "message", "msg", e->message);
    return rc;
}

static void put_wish(struct out *o, struct hilo_id id, const struct rec_wish *w)
{
    out_id(o, "id", "wsh", id);
    out_id(o, "customer", "cus", w->customer);
    out_opt(o, "sku", w->sku);
    out_opt(o, "size", w->size);
    out_opt(o, "colour", w->colour);
    out_opt(o, "store", w->store);
    out_id(o, "case", "cas", w->case_id);
}

static void put_looked_up(struct out *o, const struct ev_customer_looked_up *e)
{
    out_id(o, "customer", "cus", e->customer);
    out_bool(o, "found", !id_none(e->customer));
    out_opt(o, "by", str(lookup_by_name(e->by)));
    out_hex(o, "asked", e->hash);
    out_str(o, "reason", e->reason);
    out_opt(o, "store", e->store);
    out_opt(o, "terminal", e->terminal);
    out_opt(o, "clerk", e->clerk);
}

/* The subject, and the members of data. */
static int32_t put_data(struct out *o, const struct event *ev, const struct public_event *p, struct arena *a,
                        struct err *err)
{
#define BODY(name) const struct ev_##name *e = p->body
    switch (p->type) {
    case PUBLIC_MESSAGE_ACCEPTED: {
        BODY(message_accepted);
        int32_t rc = put_message(o, ev, e->id, e->message, (struct hilo_id){{0}}, e->parts, a, err);
        if (rc == HILO_OK)
            public_origin_put(o, e->store, e->terminal, e->clerk, e->at);
        return rc;
    }
    case PUBLIC_MESSAGE_RECEIVED: {
        BODY(message_received);
        return put_message(o, ev, e->id, e->message, e->media, 0, a, err);
    }
    case PUBLIC_MESSAGE_STATUS: {
        const struct status s = status_of(ev, p->body);
        return put_status(o, p, &s, err);
    }
    case PUBLIC_CONVERSATION_OPENED: {
        BODY(conversation_opened);
        out_id(o, "id", "cnv", e->id);
        out_id(o, "customer", "cus", e->customer);
        out_opt(o, "channel", e->channel);
        return put_group(o, "party", MODEL_G_IDENT, e->party, err);
    }
    case PUBLIC_CONVERSATION_UPDATED: {
        BODY(conversation_address);
        out_id(o, "id", "cnv", e->id);
        out_id(o, "customer", "cus", p->customer);
        out_opt(o, "channel", p->channel);
        out_bool(o, "main", e->main != 0);
        return put_group(o, "party", MODEL_G_IDENT, e->party, err);
    }
    case PUBLIC_CUSTOMER_CREATED: {
        BODY(customer_created);
        out_id(o, "id", "cus", e->id);
        out_opt(o, "name", e->name);
        out_opt(o, "language", e->language);
        out_opt(o, "time_zone", e->time_zone);
        out_raw(o, "attributes", e->attributes.n ? e->attributes : STR("{}"));
        public_origin_put(o, e->store, e->terminal, e->clerk, e->at);
        return HILO_OK;
    }
    case PUBLIC_CUSTOMER_UPDATED: {
        BODY(customer_updated);
        out_id(o, "id", "cus", e->id);
        put_set(o, e->set, 1, "name", e->name, false);
        put_set(o, e->set, 2, "language", e->language, false);
        put_set(o, e->set, 4, "time_zone", e->time_zone, false);
        put_set(o, e->set, 8, "attributes", e->attributes, true);
        public_origin_put(o, e->store, e->terminal, e->clerk, e->at);
        return HILO_OK;
    }
    case PUBLIC_IDENTIFIER_ADDED: {
        BODY(identifier_added);
        put_identifier(o, e->customer, e->scheme, e->scope, e->value);
        out_bool(o, "verified", e->verified != 0);
        out_opt(o, "source", e->source);
        public_origin_put(o, e->store, e->terminal, e->clerk, e->at);
        return HILO_OK;
    }
    case PUBLIC_IDENTIFIER_REMOVED: {
        BODY(identifier_removed);
        put_identifier(o, e->customer, e->scheme, e->scope, e->value);
        public_origin_put(o, e->store, e->terminal, e->clerk, e->at);
        return HILO_OK;
    }
    case PUBLIC_CASE_OPENED: {
        BODY(case_opened);
        out_id(o, "id", "cas", e->id);
        out_id(o, "customer", "cus", e->customer);
        put_case_status(o, e->status);
        out_opt(o, "subject", e->subject);
        out_opt(o, "owner", e->owner);
        public_origin_put(o, e->store, e->terminal, e->clerk, e->at);
        return HILO_OK;
    }
    case PUBLIC_CASE_UPDATED: {
        BODY(case_updated);
        out_id(o, "id", "cas", e->id);
        out_id(o, "customer", "cus", p->customer);
        if (e->set & 4)
            put_case_status(o, e->status);
        put_set(o, e->set, 1, "subject", e->subject, false);
        put_set(o, e->set, 2, "owner", e->owner, false);
        public_origin_put(o, e->store, e->terminal, e->clerk, e->at);
        return HILO_OK;
    }
    case PUBLIC_MEDIA_STORED: {
        BODY(media_stored);
        put_media(o, e->id, p);
        out_hex(o, "sha256", e->sha256);
        out_u64(o, "size", e->size);
        out_opt(o, "mime", e->mime);
        return HILO_OK;
    }
    case PUBLIC_MEDIA_FAILED: {
        BODY(media_failed);
        put_media(o, e->id, p);
        out_u64(o, "attempts", e->attempts);
        out_opt(o, "reason", e->reason);
        return HILO_OK;
    }
    case PUBLIC_CHANNEL_PAUSED: {
        BODY(channel_paused);
        out_str(o, "channel", e->channel);
        out_opt(o, "reason", e->reason);
        return HILO_OK;
    }
    case PUBLIC_CHANNEL_RESUMED: {
        BODY(channel_resumed);
        out_str(o, "channel", e->channel);
        return HILO_OK;
    }
    case PUBLIC_CONSENT_CHANGED: {
        BODY(consent_changed);
        return put_consent(o, e, err);
    }
    case PUBLIC_WISH_ADDED: {
        BODY(wish_added);
        const struct rec_wish w = {.customer = e->customer,
                                   .sku = e->sku,
                                   .size = e->size,
                                   .colour = e->colour,
                                   .store = e->store,
                                   .case_id = e->case_id};
        put_wish(o, e->id, &w);
        out_opt(o, "channel", e->channel);
        out_opt(o, "link", e->link);
        out_time(o, "since", e->at);
        out_opt(o, "terminal", e->terminal);
        out_opt(o, "clerk", e->clerk);
        return HILO_OK;
    }
    case PUBLIC_WISH_OFFERED: {
        BODY(wish_offered);
        put_wish(o, e->id, p->wish);
        out_id(o, "stock", "stk", e->stock);
        out_id(o, "message", "msg", e->message);
        out_time(o, "until", e->until);
        return HILO_OK;
    }
    case PUBLIC_WISH_ENDED: {
        BODY(wish_settled);
        put_wish(o, e->id, p->wish);
        out_str(o, "status", str(wish_status_name(e->status)));
        out_id(o, "sale", "sal", e->sale);
        out_opt(o, "terminal", e->terminal);
        out_opt(o, "clerk", e->clerk);
        return HILO_OK;
    }
    case PUBLIC_VISIT_RECORDED: {
        BODY(visit_recorded);
        visit_members(o, e);
        return HILO_OK;
    }
    case PUBLIC_SALE_RECORDED: {
        BODY(sale_recorded);
        sale_members(o, e);
        return HILO_OK;
    }
    case PUBLIC_CASE_NOTED: {
        BODY(case_noted);
        out_id(o, "id", "msg", e->id);
        out_id(o, "customer", "cus", p->customer);
        out_id(o, "case", "cas", p->case_id);
        out_opt(o, "text", hilo_get_str(hilo_content(e->message), HILO_T_CONTENT_TEXT));
        out_opt(o, "store", e->store);
        out_opt(o, "terminal", e->terminal);
        out_opt(o, "clerk", e->clerk);
        return HILO_OK;
    }
    case PUBLIC_CUSTOMER_LOOKED_UP: {
        BODY(customer_looked_up);
        put_looked_up(o, e);
        return HILO_OK;
    }
    case PUBLIC_APPOINTMENT_BOOKED:
    case PUBLIC_APPOINTMENT_CHANGED:
    case PUBLIC_APPOINTMENT_CHECKED_IN:
    case PUBLIC_APPOINTMENT_NEAR:
        public_appointment_put(o, ev, p);
        return HILO_OK;
    case PUBLIC_CALL_STARTED:
    case PUBLIC_CALL_UPDATED:
    case PUBLIC_CALL_ANSWERED:
    case PUBLIC_CALL_OFFERED:
    case PUBLIC_CALL_TRANSFERRED:
    case PUBLIC_CALL_ENDED:
        public_call_put(o, ev, p);
        return HILO_OK;
    case PUBLIC_MESSAGE_TRANSCRIBED:
        public_transcript_put(o, ev, p);
        return HILO_OK;
    case PUBLIC__END:
        break;
    }
#undef BODY
    return err_set(err, HILO_BUG, "no public event has the type %d", (int)p->type);
}

/* What it is about: the id that data begins with, or the channel. */
static void put_subject(struct out *o, const struct public_event *p)
{
    static const char *const prefix[] = {[PUBLIC_MESSAGE_ACCEPTED] = "msg",
                                         [PUBLIC_MESSAGE_RECEIVED] = "msg",
                                         [PUBLIC_MESSAGE_STATUS] = "msg",
                                         [PUBLIC_CONVERSATION_OPENED] = "cnv",
                                         [PUBLIC_CONVERSATION_UPDATED] = "cnv",
                                         [PUBLIC_CUSTOMER_CREATED] = "cus",
                                         [PUBLIC_CUSTOMER_UPDATED] = "cus",
                                         [PUBLIC_IDENTIFIER_ADDED] = "cus",
                                         [PUBLIC_IDENTIFIER_REMOVED] = "cus",
                                         [PUBLIC_CASE_OPENED] = "cas",
                                         [PUBLIC_CASE_UPDATED] = "cas",
                                         [PUBLIC_MEDIA_STORED] = "med",
                                         [PUBLIC_MEDIA_FAILED] = "med",
                                         [PUBLIC_CONSENT_CHANGED] = "cus",
                                         [PUBLIC_CUSTOMER_LOOKED_UP] = "cus",
                                         [PUBLIC_APPOINTMENT_BOOKED] = "apt",
                                         [PUBLIC_APPOINTMENT_CHANGED] = "apt",
                                         [PUBLIC_APPOINTMENT_CHECKED_IN] = "apt",
                                         [PUBLIC_APPOINTMENT_NEAR] = "apt",
                                         [PUBLIC_WISH_ADDED] = "wsh",
                                         [PUBLIC_WISH_OFFERED] = "wsh",
                                         [PUBLIC_WISH_ENDED] = "wsh",
                                         [PUBLIC_VISIT_RECORDED] = "vis",
                                         [PUBLIC_SALE_RECORDED] = "sal",
                                         [PUBLIC_CASE_NOTED] = "msg",
                                         [PUBLIC_CALL_STARTED] = "cal",
                                         [PUBLIC_CALL_UPDATED] = "cal",
                                         [PUBLIC_CALL_ANSWERED] = "cal",
                                         [PUBLIC_CALL_OFFERED] = "cal",
                                         [PUBLIC_CALL_TRANSFERRED] = "cal",
                                         [PUBLIC_CALL_ENDED] = "cal",
                                         [PUBLIC_MESSAGE_TRANSCRIBED] = "msg",
                                         [PUBLIC__END] = NULL};
    struct hilo_id id;

    if (!prefix[p->type]) {
        out_str(o, "subject", p->channel);
        return;
    }
    memcpy(&id, p->body, sizeof id);
    if (id_none(id))
        out_str(o, "subject", STR("nobody")); /* CloudEvents' readers like to have one */
    else
        out_id(o, "subject", prefix[p->type], id);
}

/* Bodies that have their id first: both places above rely on it. */
#define ID_FIRST(event, field) _Static_assert(offsetof(struct ev_##event, field) == 0, "its id comes first")
ID_FIRST(message_accepted, id);
ID_FIRST(message_received, id);
ID_FIRST(message_reported, id);
ID_FIRST(message_receipt, id);
ID_FIRST(message_settled, id);
ID_FIRST(message_moved, id);
ID_FIRST(conversation_opened, id);
ID_FIRST(conversation_address, id);
ID_FIRST(customer_created, id);
ID_FIRST(customer_updated, id);
ID_FIRST(identifier_added, customer);
ID_FIRST(identifier_removed, customer);
ID_FIRST(case_opened, id);
ID_FIRST(case_updated, id);
ID_FIRST(media_stored, id);
ID_FIRST(media_failed, id);
ID_FIRST(customer_looked_up, customer);
ID_FIRST(appointment_booked, id);
ID_FIRST(appointment_changed, id);
ID_FIRST(appointment_checked_in, id);
ID_FIRST(appointment_near, id);
ID_FIRST(wish_added, id);
ID_FIRST(wish_offered, id);
ID_FIRST(wish_settled, id);
ID_FIRST(visit_recorded, id);
ID_FIRST(sale_recorded, id);
ID_FIRST(case_noted, id);
ID_FIRST(call_started, id);
ID_FIRST(call_changed, id);
ID_FIRST(call_offered, id);
ID_FIRST(message_transcribed, id);

/* Names the store, not what it is called today: a delivery that is repeated is the same bytes. */
struct hilo_str public_event_source(const struct gateway *gw, struct arena *a)
{
    const struct hilo_str parts[] = {STR("hilo store"), str_n(gw->link_secret, sizeof gw->link_secret)};
    uint8_t hash[SHA256_BYTES];
    char hex[17];

    sha256_parts(parts, 2, hash);
    str_hex(hex, hash, 8);
    return arena_fmt(a, "urn:hilo:store:%s", hex);
}

int32_t public_event_write(struct gateway *gw, const struct event *ev, struct hilo_id name,
                           const struct public_event *p, struct arena *a, struct hilo_str *json_out,
                           struct err *err)
{
    struct out o = {0};
    char id[ID_TEXT];

    public_event_id(name, id);
    out_begin(&o, NULL, '{');
    out_str(&o, "specversion", STR("1.0"));
    out_str(&o, "id", str(id));
    out_str(&o, "source", public_event_source(gw, a));
    out_str(&o, "type", str(public_type_name(p->type)));
    put_subject(&o, p);
    out_time(&o, "time", (uint64_t)ev->head.time_us);
    out_str(&o, "datacontenttype", STR("application/json"));
    /* CloudEvents' extension for what is to be kept in order. */
    out_id(&o, "partitionkey", "cus", p->customer);
    out_begin(&o, "data", '{');
    int32_t rc = put_data(&o, ev, p, a, err);
    out_end(&o, '}');
    out_end(&o, '}');
    if (rc == HILO_OK && o.failed)
        rc = err_set(err, HILO_NOMEM, "no memory for the JSON of event %llu",
                     (unsigned long long)ev->head.seq);
    if (rc == HILO_OK)
        *json_out = arena_str(a, buf_str(&o.b));
    buf_done(&o.b);
    return rc;
}
