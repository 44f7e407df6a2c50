/*
 * POST /v1/customers/lookup: all that a clerk needs of a person, in one answer, and the trace of it in the
 * same commit. GET /v1/audit: the traces.
 */
#include "api/cursor.h"
#include "api/fields.h"
#include "api/http.h"
#include "api/idempotent.h"
#include "api/route.h"
#include "api/shapes.h"
#include "base/clock.h"
#include "base/str.h"
#include "model/json.h"
#include "services/appointments.h"
#include "services/audit.h"
#include "services/lookup.h"
#include "services/sales.h"
#include "services/stock.h"
#include <string.h>

enum { TIMELINE = 20, TIMELINE_MAX = 200, CASES = 20, WISHES = 20, DEALS = 5, APPOINTMENTS = 10 };
/* Who comes late, or was checked in and is still there. */
static const int64_t APPOINTMENT_PAST_US = INT64_C(12) * 3600 * 1000000;

struct wanted {
    const cJSON *by;
    struct hilo_str reason;
    struct place place;
    uint64_t timeline;
};
#define AT(field) .offset = offsetof(struct wanted, field)
static const struct field lookup_fields[] = {
    {.name = "by", .type = FIELD_OBJECT, .flags = FIELD_REQUIRED, AT(by)},
    {.name = "reason", .type = FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 200, AT(reason)},
    {.name = "store", .type = FIELD_STR, .max = PLACE_NAME_MAX, AT(place.store)},
    {.name = "terminal", .type = FIELD_STR, .max = PLACE_NAME_MAX, AT(place.terminal)},
    {.name = "clerk", .type = FIELD_STR, .max = PLACE_NAME_MAX, AT(place.clerk)},
    {.name = "timeline", .type = FIELD_U64, .max = TIMELINE_MAX, AT(timeline)},
};
#undef AT

/* {"document":"CO:CC:1020304050"}: one member. */
static int lookup__by(struct request *rq, const cJSON *by, struct lookup *l, struct fault *f)
{
    const cJSON *v = by->child;
    uint32_t how = v ? lookup_by(str(v->string)) : 0;

    if (!v || v->next || how == 0)
        return fault_set(
            f, 422, "invalid_field", "/by",
            "by: one of document, phone, email, loyalty, customer, appointment, order, case is expected");
    return lookup_by_value(rq->arena, how, cJSON_IsString(v) ? json_str(v) : (struct hilo_str){NULL, 0}, l,
                           f);
}

struct shown {
    struct request *rq;
    struct out *o;
    struct fault *f;
    bool failed;
};

static void lookup__consent(void *arg, const struct consent_entry *e)
{
    struct shown *s = arg;

    if (!s->failed && shape_consent(s->o, e, s->f) != 0)
        s->failed = true;
}

static void lookup__case(void *arg, struct hilo_id id, const struct rec_case *c)
{
    shape_case(((struct shown *)arg)->o, NULL, id, c);
}

static void lookup__appointment(void *arg, struct hilo_id id, const struct rec_appointment *a)
{
    appointment_shape(((struct shown *)arg)->o, NULL, id, a);
}

static void lookup__wish(void *arg, struct hilo_id id, const struct rec_wish *w)
{
    wish_shape(((struct shown *)arg)->o, NULL, id, w);
}

static void lookup__deal(void *arg, const struct deal *d)
{
    deal_shape(((struct shown *)arg)->o, NULL, d);
}

static int lookup__message(void *arg, struct hilo_id id, const struct rec_message *m, struct hilo_str bytes)
{
    struct shown *s = arg;

    s->failed = shape_entry(s->rq, s->o, id, m, bytes, s->f) != 0;
    return s->failed ? -1 : 0;
}

/* What belongs to the person, each list there even if it is empty. */
static int lookup__person(struct request *rq, struct out *o, const struct lookup_found *who,
                          unsigned timeline, struct fault *f)
{
    struct shown s = {.rq = rq, .o = o, .f = f};
    struct gateway *gw = rq->api->gw;
    const struct hilo_str none = {NULL, 0};
    struct hilo_id older = {{0}};
    struct hilo_str next;

    if (who->found)
        shape_customer(o, "customer", who->id, &who->record, who->ident, who->n);
    else
        out_null(o, "customer");
    out_begin(o, "consents", '[');
    if (who->found &&
        (consent_list_of(gw, who->id, who->ident, who->n, 0, rq->arena, lookup__consent, &s, f) != 0 ||
         s.failed))
        return -1;
    out_end(o, ']');
    out_begin(o, "cases", '[');
    if (who->found && case_open_of(gw, who->id, CASES, rq->arena, lookup__case, &s, f) != 0)
        return -1;
    out_end(o, ']');
    out_begin(o, "appointments", '[');
    if (who->found && appointment_open(gw, who->id, clock_wall_us() - APPOINTMENT_PAST_US, APPOINTMENTS,
                                       rq->arena, lookup__appointment, &s, f) != 0)
        return -1;
    out_end(o, ']');
    out_begin(o, "wishes", '[');
    if (who->found &&
        wish_of_customer(gw, who->id, true, none, WISHES, rq->arena, lookup__wish, &s, &next, f) != 0)
        return -1;
    out_end(o, ']');
    out_begin(o, "visits", '[');
    if (who->found &&
        deal_list(gw, who->id, DEAL_VISIT, none, DEALS, rq->arena, lookup__deal, &s, &next, f) != 0)
        return -1;
    out_end(o, ']');
    out_begin(o, "sales", '[');
    if (who->found &&
        deal_list(gw, who->id, DEAL_SALE, none, DEALS, rq->arena, lookup__deal, &s, &next, f) != 0)
        return -1;
    out_end(o, ']');
    out_begin(o, "timeline", '[');
    if (who->found && timeline &&
        (customer_thread(gw, who->id, timeline, rq->arena, lookup__message, &s, &older, f) != 0 || s.failed))
        return -1;
    out_end(o, ']');
    /* For GET /v1/customers/{id}/timeline. */
    if (id_none(older))
        out_null(o, "timeline_next");
    else
        out_str(o, "timeline_next", cursor_encode(rq->arena, 'T', str_n(older.b, sizeof older.b)));
    return 0;
}

/* No Idempotency-Key: each look-up is one more, and its answer must not be kept. */
int customer_lookup(struct request *rq, struct fault *f)
{
    struct wanted w = {.timeline = TIMELINE};
    struct lookup_found who;
    struct lookup l = {0};
    struct out o = {0};
    const cJSON *root;

    if (fields_body(rq, &root, f) != 0 ||
        fields_read(root, "", lookup_fields, sizeof lookup_fields / sizeof *lookup_fields, &w, NULL, f) !=
            0 ||
        lookup__by(rq, w.by, &l, f) != 0)
        return -1;
    l.reason = w.reason;
    l.place = w.place;
    if (lookup_find(rq->api->gw, &l, rq->arena, &who, f) != 0 || write_begin(rq, f) != 0 ||
        write_end(rq, lookup_trace(rq->api->gw, &rq->actor, &l, &who, f)) != 0)
        return -1;
    out_begin(&o, NULL, '{');
    out_time(&o, "as_of", (uint64_t)clock_wall_us());
    if (lookup__person(rq, &o, &who, (unsigned)w.timeline, f) != 0) {
        buf_done(&o.b);
        return -1;
    }
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
}

/* ---- the audit ---- */

static void audit__one(void *arg, const struct event *ev, const struct ev_customer_looked_up *e)
{
    struct out *o = arg;

    out_begin(o, NULL, '{');
    out_time(o, "time", (uint64_t)ev->head.time_us);
    out_bool(o, "found", !id_none(e->customer));
    out_id(o, "customer", "cus", e->customer);
    out_opt(o, "by", str(lookup_by_name(e->by)));
    out_hex(o, "asked", e->hash);
    out_str(o, "reason", e->reason);
    out_opt(o, "store", e->store);
    out_opt(o, "terminal", e->terminal);
    out_opt(o, "clerk", e->clerk);
    if (ev->head.actor_kind == ACTOR_KEY)
        out_id(o, "key", "key", ev->head.actor);
    out_hex(o, "request", str_n(ev->head.cause.b, sizeof ev->head.cause.b));
    out_end(o, '}');
}

static int audit__time(struct request *rq, const char *name, int64_t *out, struct fault *f)
{
    struct hilo_str v = request_query(rq, name);

    if (!v.p || (clock_parse(v, out) && *out > 0))
        return 0;
    return fault_set(f, 400, "invalid_parameter", "",
                     "%s: a time as in 2026-11-24T23:59:59Z (RFC 3339) is expected", name);
}

int audit_index(struct request *rq, struct fault *f)
{
    static const char *const known[] = {"customer", "store", "terminal", "clerk", "from",
                                        "to",       "limit", "cursor",   NULL};
    struct hilo_str who = request_query(rq, "customer"), after, next = {NULL, 0};
    struct audit_filter wanted = {.place = {.store = request_query(rq, "store"),
                                            .terminal = request_query(rq, "terminal"),
                                            .clerk = request_query(rq, "clerk")}};
    struct out o = {0};
    unsigned limit;

    if (request_query_known(rq, known, f) != 0 || request_limit(rq, 50, 200, &limit, f) != 0 ||
        audit__time(rq, "from", &wanted.from, f) != 0 || audit__time(rq, "to", &wanted.to, f) != 0 ||
        shape_cursor(rq, 'A', &after, f) != 0)
        return -1;
    if (who.p && !id_parse("cus", who, &wanted.customer))
        return fault_set(f, 400, "invalid_parameter", "",
                         "customer: an id is expected, cus_ and 26 letters and digits");
    out_begin(&o, NULL, '{');
    out_begin(&o, "lookups", '[');
    if (audit_list(rq->api->gw, &wanted, after, limit, rq->arena, audit__one, &o, &next, f) != 0) {
        buf_done(&o.b);
        return -1;
    }
    out_end(&o, ']');
    shape_next(rq, &o, 'A', next);
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
}
