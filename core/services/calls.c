/*
 * Calls: decided here, put by apply (store/apply_call.c). Each event holds the call whole as it is from then
 * on, as those of appointments do, so that a public event gives what GET gives.
 */
#include "services/calls.h"
#include "base/clock.h"
#include "base/str.h"
#include "services/cases.h"
#include "store/keys.h"

/* ---- what it belongs to ---- */

static int case_is_hers(struct gateway *gw, struct hilo_id case_id, struct hilo_id customer, struct arena *a,
                        struct fault *f)
{
    struct rec_case c;

    if (id_none(case_id))
        return 0;
    if (case_get(gw, case_id, a, &c, f) != 0)
        return f->status == 404 ? fault_set(f, 422, "unknown_case", "/case", "there is no such case") : -1;
    if (!id_eq(c.customer, customer))
        return fault_set(f, 422, "unknown_case", "/case", "this case is another customer's");
    return 0;
}

static int customer_is_there(struct gateway *gw, struct hilo_id id, struct arena *a, struct fault *f)
{
    struct rec_customer c;

    if (customer_get(gw, id, a, &c, f) == 0)
        return 0;
    return f->status == 404 ? fault_set(f, 422, "unknown_customer", "/customer", "there is no such customer")
                            : -1;
}

static int message_is_there(struct gateway *gw, struct hilo_id id, struct arena *a, struct fault *f)
{
    const struct key k = key_of_id(id);
    struct rec_message m;
    struct err e = {0};
    int32_t rc;

    if (id_none(id))
        return 0;
    rc = store_record(gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, a, &m, &e);
    if (rc == HILO_NOTFOUND || (rc == HILO_OK && m.kind != HILO_KIND_OUTBOUND))
        return fault_set(f, 422, "unknown_message", "/message", "there is no such message to a customer");
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

/* Whose call it is: who was named, else who has the number, else somebody new, who has no case. The case is
 * looked at before anybody is made: what is refused appends nothing. */
static int whose(struct gateway *gw, const struct actor *actor, const struct call_request *q, struct arena *a,
                 struct hilo_id *out, struct fault *f)
{
    const struct customer_fields nothing = {.set = 0};
    struct err e = {0};
    int32_t rc = HILO_OK;

    *out = q->customer;
    if (!id_none(q->customer) && customer_is_there(gw, q->customer, a, f) != 0)
        return -1;
    if (id_none(q->customer))
        rc = customer_find(gw, &q->party, out, &e);
    if (rc != HILO_OK && rc != HILO_NOTFOUND)
        return fault_store(f, rc, &e);
    if (rc == HILO_NOTFOUND)
        *out = (struct hilo_id){{0}};
    if (case_is_hers(gw, q->case_id, *out, a, f) != 0)
        return -1;
    return rc == HILO_OK ? 0 : customer_create(gw, actor, &nothing, &q->party, 1, out, f);
}

/* ---- bytes ---- */

static struct hilo_str party_bytes(const struct identifier *p, struct arena *a)
{
    struct hilo_writer w;

    if (p->scheme == 0)
        return (struct hilo_str){NULL, 0};
    arena_writer(a, &w);
    hilo_put_u64(&w, HILO_T_IDENT_SCHEME, p->scheme);
    if (p->scope.n)
        hilo_put_str(&w, HILO_T_IDENT_SCOPE, p->scope);
    hilo_put_str(&w, HILO_T_IDENT_VALUE, p->value);
    return hilo_written(&w);
}

/* Its entry in the timeline, as it begins: what comes later is shown from the call. */
static struct hilo_str entry_bytes(struct hilo_id id, const struct rec_call *r, int64_t now, struct arena *a)
{
    struct hilo_writer w;

    arena_writer(a, &w);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_CALL);
    hilo_put_id(&w, HILO_T_MSG_ID, r->entry);
    hilo_put_str(&w, HILO_T_MSG_CHANNEL, r->channel);
    hilo_put_id(&w, HILO_T_MSG_CUSTOMER, r->customer);
    if (!id_none(r->case_id))
        hilo_put_id(&w, HILO_T_MSG_CASE, r->case_id);
    hilo_put_u64(&w, HILO_T_MSG_TIME, r->started);
    hilo_put_u64(&w, HILO_T_MSG_ARRIVED, (uint64_t)now);
    hilo_put_id(&w, HILO_T_MSG_CALL, id);
    if (r->party.n)
        hilo_put_str(&w, HILO_T_MSG_PARTY, r->party);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_CALL);
    hilo_put_str(&w, HILO_T_CONTENT_LEG, r->direction == CALL_INBOUND ? STR("inbound") : STR("outbound"));
    hilo_close(&w);
    return hilo_written(&w);
}

static struct hilo_str call_bytes(const struct rec_call *r, struct arena *a)
{
    struct hilo_writer w;

    arena_writer(a, &w);
    rec_pack(&rec_desc_call, r, &w);
    return hilo_written(&w);
}

/* ---- it rings ---- */

int call_start(struct gateway *gw, const struct actor *actor, const struct call_request *q, struct arena *a,
               struct hilo_id *out, bool *known_out, struct fault *f)
{
    const int64_t now = clock_wall_us();
    const struct key ext = key_ext(q->channel, q->provider_id);
    struct rec_call r = {.case_id = q->case_id,
                         .channel = q->channel,
                         .direction = q->direction,
                         .status = CALL_RINGING,
                         .provider_id = q->provider_id,
                         .message = q->message,
                         .to = q->to,
                         .started = (uint64_t)(q->at ? q->at : now)};
    struct hilo_str val;
    struct err e = {0};
    int32_t rc = HILO_NOTFOUND;

    *known_out = false;
    if (q->provider_id.n)
        rc = store_get(gw->store, TABLE_CALL_EXT, key_str(&ext), a, &val, &e);
    if (rc == HILO_OK) {
        *out = key_tail_id(val);
        *known_out = true;
        return 0;
    }
    if (rc != HILO_NOTFOUND)
        return fault_store(f, rc, &e);
    if (message_is_there(gw, q->message, a, f) != 0 || whose(gw, actor, q, a, &r.customer, f) != 0)
        return -1;
    r.party = party_bytes(&q->party, a);
    r.entry = idgen_next(store_ids(gw->store));
    const struct hilo_id id = idgen_next(store_ids(gw->store));
    const struct ev_call_started ev = {
        .id = id, .entry = entry_bytes(id, &r, now, a), .call = call_bytes(&r, a), .at = (uint64_t)q->at};
    rc = store_append(gw->store, &ev_desc_call_started, &ev, actor, now, NULL, &e);
    *out = id;
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

/* ---- it goes on ---- */

/* Where the status goes, and the time of it; 0: it stays. -1: it can't. */
static int status_move(struct rec_call *r, const struct call_change *c, uint64_t at, uint64_t *set,
                       struct fault *f)
{
    const bool again = c->status == r->status;

    if (c->status == 0 || (again && (c->status != CALL_OFFERED || !c->to_given)))
        return 0;
    if (c->status < r->status || !call_is_open(r->status))
        return fault_set(f, 409, "call_further", "/status",
                         "the call is %s already and can't become %s; statuses only go forward",
                         call_status_name(r->status), call_status_name(c->status));
    r->status = c->status;
    *set |= CALL_SET_STATUS;
    switch (c->status) {
    case CALL_ANSWERED:
        r->answered = at;
        break;
    case CALL_OFFERED:
        r->offered = at;
        break;
    case CALL_TRANSFERRED:
        r->transferred = at;
        break;
    default:
        r->ended = at;
        if (r->answered && at > r->answered && !c->duration_given)
            r->duration_ms = (at - r->answered) / 1000;
        break;
    }
    return 0;
}

static void word_move(struct hilo_str *at, bool given, struct hilo_str to, uint64_t *set)
{
    if (!given || str_eq(*at, to))
        return;
    *at = to;
    *set |= CALL_SET_DETAILS;
}

static void number_move(uint64_t *at, bool given, uint64_t to, uint64_t *set)
{
    if (!given || *at == to)
        return;
    *at = to;
    *set |= CALL_SET_DETAILS;
}

static void details_move(struct rec_call *r, const struct call_change *c, uint64_t *set)
{
    word_move(&r->to, c->to_given, c->to, set);
    word_move(&r->digits, c->digits_given, c->digits, set);
    word_move(&r->reason, c->cause_given, c->reason, set);
    word_move(&r->text, c->cause_given, c->text, set);
    number_move(&r->sip, c->cause_given, c->sip, set);
    number_move(&r->duration_ms, c->duration_given, c->duration_ms, set);
    number_move(&r->consent, c->consent != 0, c->consent, set);
}

static int32_t append_change(struct gateway *gw, const struct actor *actor, struct hilo_id id,
                             const struct rec_call *r, struct hilo_str entry, uint64_t set,
                             const struct call_change *c, int64_t now, struct arena *a, struct err *e)
{
    const struct ev_call_changed changed = {
        .id = id, .entry = entry, .call = call_bytes(r, a), .set = set, .at = (uint64_t)c->at};
    const struct ev_call_offered offered = {.id = id,
                                            .entry = entry,
                                            .call = changed.call,
                                            .set = set,
                                            .at = (uint64_t)c->at,
                                            .context = c->context};

    if ((set & CALL_SET_STATUS) && r->status == CALL_OFFERED)
        return store_append(gw->store, &ev_desc_call_offered, &offered, actor, now, NULL, e);
    return store_append(gw->store, &ev_desc_call_changed, &changed, actor, now, NULL, e);
}

int call_update(struct gateway *gw, const struct actor *actor, struct hilo_id id, const struct call_change *c,
                struct arena *a, struct fault *f)
{
    const int64_t now = clock_wall_us();
    struct hilo_str entry = {NULL, 0};
    struct rec_call r;
    uint64_t set = 0;
    struct err e = {0};

    if (call_get(gw, id, a, &r, f) != 0 || status_move(&r, c, (uint64_t)(c->at ? c->at : now), &set, f) != 0)
        return -1;
    if (c->customer_given && !id_eq(c->customer, r.customer)) {
        if (customer_is_there(gw, c->customer, a, f) != 0)
            return -1;
        r.customer = c->customer;
        r.case_id = (struct hilo_id){{0}}; /* that was the other's */
        r.entry = idgen_next(store_ids(gw->store));
        set |= CALL_SET_CUSTOMER;
    }
    if (c->case_given && !id_eq(c->case_id, r.case_id)) {
        r.case_id = c->case_id;
        set |= CALL_SET_CASE;
    }
    if (case_is_hers(gw, r.case_id, r.customer, a, f) != 0)
        return -1;
    details_move(&r, c, &set);
    if (set == 0)
        return 0;
    if (set & CALL_SET_CUSTOMER)
        entry = entry_bytes(id, &r, now, a);
    int32_t rc = append_change(gw, actor, id, &r, entry, set, c, now, a, &e);
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}
