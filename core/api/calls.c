/*
 * /v1/calls: what a telephone channel says of its calls, and who looks at them. A channel has its own calls
 * only; a key says which channel's. POST /v1/messages/{id}/transcript: what is said in a recording.
 */
#include "services/calls.h"
#include "api/fields.h"
#include "api/http.h"
#include "api/idempotent.h"
#include "api/route.h"
#include "api/shapes.h"
#include "base/clock.h"
#include "base/str.h"
#include "model/json.h"
#include "services/appointments.h"
#include "services/transcripts.h"
#include <string.h>

#define COUNT(array) ((unsigned)(sizeof(array) / sizeof *(array)))
/* What an agent's screen shows at once. */
enum { CONTEXT_CASES = 20, CONTEXT_APPOINTMENTS = 10, CONTEXT_TIMELINE = 20 };
static const int64_t CONTEXT_PAST_US = INT64_C(12) * 3600 * 1000000;

/* ---- what is asked for ---- */

struct start {
    const cJSON *party;
    struct hilo_str direction, channel, provider_id, to;
    struct hilo_id customer, message, case_id;
    int64_t at;
};
#define AT(field) .offset = offsetof(struct start, field)
static const struct field start_fields[] = {
    {.name = "direction", .type = FIELD_STR, .flags = FIELD_REQUIRED, .max = 16, AT(direction)},
    {.name = "party", .type = FIELD_OBJECT, AT(party)},
    {.name = "customer", .type = FIELD_ID, .prefix = "cus", AT(customer)},
    {.name = "channel", .type = FIELD_STR, .min = 1, .max = 64, AT(channel)},
    {.name = "provider_id", .type = FIELD_STR, .max = CALL_EXT_MAX, AT(provider_id)},
    {.name = "message", .type = FIELD_ID, .prefix = "msg", AT(message)},
    {.name = "case", .type = FIELD_ID, .prefix = "cas", AT(case_id)},
    {.name = "to", .type = FIELD_STR, .max = CALL_WORD_MAX, AT(to)},
    {.name = "at", .type = FIELD_TIME, AT(at)},
};
#undef AT

struct party {
    struct hilo_str scheme, value;
};
static const struct field party_fields[] = {
    {.name = "scheme",
     .type = FIELD_STR,
     .flags = FIELD_REQUIRED,
     .max = 32,
     .offset = offsetof(struct party, scheme)},
    {.name = "value",
     .type = FIELD_STR,
     .flags = FIELD_REQUIRED,
     .min = 1,
     .max = 256,
     .offset = offsetof(struct party, value)},
};

struct change {
    const cJSON *cause, *consent;
    struct hilo_str status, to, digits;
    struct hilo_id customer, case_id;
    uint64_t duration_ms;
    int64_t at;
};
#define AT(field) .offset = offsetof(struct change, field)
enum { IN_STATUS, IN_CUSTOMER, IN_CASE, IN_TO, IN_CAUSE, IN_CONSENT, IN_DURATION, IN_DIGITS };
static const struct field change_fields[] = {
    [IN_STATUS] = {.name = "status", .type = FIELD_STR, .max = 32, AT(status)},
    [IN_CUSTOMER] = {.name = "customer", .type = FIELD_ID, .prefix = "cus", AT(customer)},
    [IN_CASE] = {.name = "case", .type = FIELD_ID, .flags = FIELD_NULL, .prefix = "cas", AT(case_id)},
    [IN_TO] = {.name = "to", .type = FIELD_STR, .flags = FIELD_NULL, .max = CALL_WORD_MAX, AT(to)},
    [IN_CAUSE] = {.name = "cause", .type = FIELD_OBJECT, AT(cause)},
    [IN_CONSENT] = {.name = "recording_consent", .type = FIELD_ANY, AT(consent)},
    [IN_DURATION] = {.name = "duration_ms", .type = FIELD_U64, .max = UINT64_C(1) << 40, AT(duration_ms)},
    [IN_DIGITS] = {.name = "digits", .type = FIELD_STR, .max = CALL_DIGITS_MAX, AT(digits)},
    {.name = "at", .type = FIELD_TIME, AT(at)},
};
#undef AT

struct cause {
    uint64_t sip;
    struct hilo_str reason, text;
};
static const struct field cause_fields[] = {
    {.name = "sip", .type = FIELD_U64, .min = 100, .max = 699, .offset = offsetof(struct cause, sip)},
    {.name = "reason", .type = FIELD_STR, .max = CALL_WORD_MAX, .offset = offsetof(struct cause, reason)},
    {.name = "text", .type = FIELD_STR, .max = CALL_TEXT_MAX, .offset = offsetof(struct cause, text)},
};

/* ---- answers ---- */

static int call__reply(struct request *rq, uint32_t status, struct hilo_id id, struct fault *f)
{
    struct rec_call r;
    struct out o = {0};

    if (call_get(rq->api->gw, id, rq->arena, &r, f) != 0)
        return -1;
    call_shape(&o, NULL, id, &r);
    reply_etag(rq, r.version);
    return reply_json(rq, status, &o, f);
}

/* The call of the path. A channel sees no other's. */
static int call__find(struct request *rq, struct hilo_id *id, struct rec_call *r, struct fault *f)
{
    if (reply_param_id(rq, 0, "cal", "unknown_call", id, f) != 0 ||
        call_get(rq->api->gw, *id, rq->arena, r, f) != 0)
        return -1;
    if (rq->inner && !str_eq(rq->inner->name, r->channel))
        return fault_set(f, 404, "unknown_call", NULL, "there is no such call");
    return 0;
}

/* ---- POST ---- */

static int call__party(struct request *rq, const cJSON *object, struct identifier *out, struct fault *f)
{
    struct party p = {{0}, {0}};
    uint32_t scheme;

    if (fields_read(object, "/party", party_fields, COUNT(party_fields), &p, NULL, f) != 0)
        return -1;
    scheme = (uint32_t)model_value(MODEL_E_SCHEME, p.scheme);
    if (!scheme)
        return fault_set(f, 422, "invalid_field", "/party/scheme",
                         "scheme: phone, web_visitor, document, email, loyalty or whatsapp is expected");
    return identifier_parse(rq->arena, scheme, p.value, "/party/value", out, f);
}

static int call__channel(struct request *rq, struct hilo_str named, struct hilo_str *out, struct fault *f)
{
    if (rq->inner) {
        *out = rq->inner->name;
        return named.n == 0 || str_eq(named, *out)
                   ? 0
                   : fault_set(f, 422, "unknown_channel", "/channel", "a channel has calls of its own only");
    }
    *out = named;
    return gateway_channel(rq->api->gw, named)
               ? 0
               : fault_set(f, 422, "unknown_channel", "/channel",
                           "channel: the name of a configured channel is expected, whose call it is");
}

static int call__request(struct request *rq, const struct start *w, struct call_request *out, struct fault *f)
{
    out->direction = str_eqz(w->direction, "inbound")    ? CALL_INBOUND
                     : str_eqz(w->direction, "outbound") ? CALL_OUTBOUND
                                                         : 0;
    if (!out->direction)
        return fault_set(f, 422, "invalid_field", "/direction", "direction: inbound or outbound is expected");
    if (!w->party && id_none(w->customer))
        return fault_set(f, 422, "invalid_field", "",
                         "whose call it is is expected: party, customer, or both");
    if (w->party && call__party(rq, w->party, &out->party, f) != 0)
        return -1;
    out->customer = w->customer;
    out->provider_id = w->provider_id;
    out->message = w->message;
    out->case_id = w->case_id;
    out->to = w->to;
    out->at = w->at;
    if (out->provider_id.n > CALL_EXT_MAX)
        return fault_set(f, 422, "invalid_field", "/provider_id",
                         "provider_id: at most %d bytes are expected", CALL_EXT_MAX);
    return call__channel(rq, w->channel, &out->channel, f);
}

int call_post(struct request *rq, struct fault *f)
{
    struct start w = {.party = NULL};
    struct call_request wanted = {.direction = 0};
    const cJSON *root;
    struct hilo_id id;
    bool known;
    int rc;

    if (fields_body(rq, &root, f) != 0 ||
        fields_read(root, "", start_fields, COUNT(start_fields), &w, NULL, f) != 0 ||
        place_at(&w.at, f) != 0 || call__request(rq, &w, &wanted, f) != 0)
        return -1;
    rc = idempotent_begin(rq, NULL, NULL, f);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = call_start(rq->api->gw, &rq->actor, &wanted, rq->arena, &id, &known, f);
    if (rc == 0) {
        reply_location(rq, "calls", "cal", id);
        rc = call__reply(rq, known ? 200 : 201, id, f);
    }
    return idempotent_end(rq, rc, f);
}

/* ---- GET ---- */

int call_show(struct request *rq, struct fault *f)
{
    struct rec_call r;
    struct hilo_id id;

    return call__find(rq, &id, &r, f) != 0 ? -1 : call__reply(rq, 200, id, f);
}

static void call__each(void *arg, struct hilo_id id, const struct rec_call *r)
{
    call_shape(arg, NULL, id, r);
}

int call_index(struct request *rq, struct fault *f)
{
    static const char *const known[] = {"channel", "status", "customer", "limit", "cursor", NULL};
    const struct hilo_str who = request_query(rq, "customer"), status = request_query(rq, "status");
    struct call_filter want = {.channel = rq->inner ? rq->inner->name : request_query(rq, "channel")};
    struct hilo_str after, next;
    struct out o = {0};
    unsigned limit;

    if (request_query_known(rq, known, f) != 0 || request_limit(rq, 50, 200, &limit, f) != 0 ||
        shape_cursor(rq, 'L', &after, f) != 0)
        return -1;
    want.open = status.p && str_eqz(status, "open");
    if (status.p && !want.open && !(want.status = call_status_parse(status)))
        return fault_set(
            f, 400, "invalid_parameter", "",
            "status: open, ringing, answered, offered, transferred, ended or broken is expected");
    if (who.p && !id_parse("cus", who, &want.customer))
        return fault_set(f, 400, "invalid_parameter", "",
                         "customer: an id is expected, cus_ and 26 letters and digits");
    out_begin(&o, NULL, '{');
    out_begin(&o, "calls", '[');
    if (call_list(rq->api->gw, &want, after, limit, rq->arena, call__each, &o, &next, f) != 0) {
        buf_done(&o.b);
        return -1;
    }
    out_end(&o, ']');
    shape_next(rq, &o, 'L', next);
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
}

/* ---- PATCH ---- */

struct shown {
    struct request *rq;
    struct out *o;
    struct fault *f;
    bool failed;
};

static void context__case(void *arg, struct hilo_id id, const struct rec_case *c)
{
    shape_case(((struct shown *)arg)->o, NULL, id, c);
}

static void context__appointment(void *arg, struct hilo_id id, const struct rec_appointment *a)
{
    appointment_shape(((struct shown *)arg)->o, NULL, id, a);
}

static int context__entry(void *arg, struct hilo_id id, const struct rec_message *m, struct hilo_str bytes)
{
    struct shown *s = arg;

    s->failed = shape_entry(s->rq, s->o, id, m, bytes, s->f) != 0;
    return s->failed ? -1 : 0;
}

static int context__members(struct request *rq, struct out *o, struct hilo_id customer, struct fault *f)
{
    struct shown s = {.rq = rq, .o = o, .f = f};
    struct gateway *gw = rq->api->gw;
    struct hilo_id older = {{0}};
    struct rec_customer c;

    if (customer_get(gw, customer, rq->arena, &c, f) != 0)
        return -1;
    out_begin(o, "customer", '{');
    out_id(o, "id", "cus", customer);
    out_opt(o, "name", c.name);
    out_opt(o, "language", c.language);
    out_opt(o, "time_zone", c.time_zone);
    out_end(o, '}');
    out_begin(o, "cases", '[');
    if (case_open_of(gw, customer, CONTEXT_CASES, rq->arena, context__case, &s, f) != 0)
        return -1;
    out_end(o, ']');
    out_begin(o, "appointments", '[');
    if (appointment_open(gw, customer, clock_wall_us() - CONTEXT_PAST_US, CONTEXT_APPOINTMENTS, rq->arena,
                         context__appointment, &s, f) != 0)
        return -1;
    out_end(o, ']');
    out_begin(o, "timeline", '[');
    if (customer_thread(gw, customer, CONTEXT_TIMELINE, rq->arena, context__entry, &s, &older, f) != 0 ||
        s.failed)
        return -1;
    out_end(o, ']');
    return 0;
}

/* What an agent sees before the phone rings: kept in the event, so that it is the same to all who read it. */
static int call__context(struct request *rq, struct hilo_id customer, struct hilo_str *out, struct fault *f)
{
    struct out o = {0};
    int rc;

    out_begin(&o, NULL, '{');
    rc = context__members(rq, &o, customer, f);
    out_end(&o, '}');
    if (rc == 0 && o.failed)
        rc = fault_set(f, 503, "overloaded", "", "no memory for what an agent is to see; try again");
    if (rc == 0)
        *out = arena_str(rq->arena, buf_str(&o.b));
    buf_done(&o.b);
    return rc;
}

static int call__consent(const cJSON *v, uint32_t *out, struct fault *f)
{
    static const char *const words[] = {"", "granted", "denied", "announced"};

    *out = cJSON_IsTrue(v) ? CALL_CONSENT_GRANTED : cJSON_IsFalse(v) ? CALL_CONSENT_DENIED : 0;
    for (uint32_t i = CALL_CONSENT_GRANTED; cJSON_IsString(v) && i <= CALL_CONSENT_ANNOUNCED; i++)
        if (strcmp(v->valuestring, words[i]) == 0)
            *out = i;
    return *out ? 0
                : fault_set(f, 422, "invalid_field", "/recording_consent",
                            "recording_consent: granted, denied or announced is expected");
}

static int call__change(const struct change *w, uint64_t present, struct call_change *out, struct fault *f)
{
    struct cause cause = {.sip = 0};

    if ((present & 1u << IN_STATUS) && !(out->status = call_status_parse(w->status)))
        return fault_set(f, 422, "invalid_field", "/status",
                         "status: ringing, answered, offered, transferred, ended or broken is expected");
    if (w->cause && fields_read(w->cause, "/cause", cause_fields, COUNT(cause_fields), &cause, NULL, f) != 0)
        return -1;
    if (w->consent && call__consent(w->consent, &out->consent, f) != 0)
        return -1;
    out->customer_given = (present & 1u << IN_CUSTOMER) != 0;
    out->case_given = (present & 1u << IN_CASE) != 0;
    out->to_given = (present & 1u << IN_TO) != 0;
    out->cause_given = w->cause != NULL;
    out->duration_given = (present & 1u << IN_DURATION) != 0;
    out->digits_given = (present & 1u << IN_DIGITS) != 0;
    out->customer = w->customer;
    out->case_id = w->case_id;
    out->to = w->to;
    out->sip = cause.sip;
    out->reason = cause.reason;
    out->text = cause.text;
    out->duration_ms = w->duration_ms;
    out->digits = w->digits;
    out->at = w->at;
    return 0;
}

int call_patch(struct request *rq, struct fault *f)
{
    struct change w = {.cause = NULL};
    struct call_change change = {.status = 0};
    struct rec_call r;
    const cJSON *root;
    uint64_t present;
    struct hilo_id id;
    int rc;

    if (call__find(rq, &id, &r, f) != 0 || fields_body(rq, &root, f) != 0 ||
        fields_read(root, "", change_fields, COUNT(change_fields), &w, &present, f) != 0 ||
        place_at(&w.at, f) != 0 || call__change(&w, present, &change, f) != 0)
        return -1;
    if (change.status == CALL_OFFERED &&
        call__context(rq, change.customer_given ? change.customer : r.customer, &change.context, f) != 0)
        return f->status == 404
                   ? fault_set(f, 422, "unknown_customer", "/customer", "there is no such customer")
                   : -1;
    /* A call that ends is told on a full disk, too: it takes work away. */
    rc = change.status >= CALL_ENDED ? idempotent_begin_anyway(rq, f) : idempotent_begin(rq, NULL, NULL, f);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = call_update(rq->api->gw, &rq->actor, id, &change, rq->arena, f);
    if (rc == 0)
        rc = call__reply(rq, 200, id, f);
    return idempotent_end(rq, rc, f);
}

/* ---- transcripts ---- */

static const struct field transcript_fields[] = {
    {.name = "text",
     .type = FIELD_STR,
     .flags = FIELD_REQUIRED,
     .min = 1,
     .max = TRANSCRIPT_MAX,
     .offset = offsetof(struct transcript, text)},
    {.name = "language", .type = FIELD_STR, .max = 35, .offset = offsetof(struct transcript, language)},
    {.name = "service",
     .type = FIELD_STR,
     .max = TRANSCRIPT_WORD_MAX,
     .offset = offsetof(struct transcript, service)},
};

int transcript_post(struct request *rq, struct fault *f)
{
    struct gateway *gw = rq->api->gw;
    struct transcript t = {.text = {0}};
    struct rec_message m;
    struct hilo_str bytes;
    const cJSON *root;
    struct hilo_id id;
    struct out o = {0};
    int rc;

    if (reply_param_id(rq, 0, "msg", "unknown_message", &id, f) != 0 || fields_body(rq, &root, f) != 0 ||
        fields_read(root, "", transcript_fields, COUNT(transcript_fields), &t, NULL, f) != 0)
        return -1;
    rc = idempotent_begin(rq, NULL, NULL, f);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = transcript_add(gw, &rq->actor, id, &t, rq->arena, f);
    if (rc == 0)
        rc = message_get(gw, id, rq->arena, &m, &bytes, f);
    if (rc == 0)
        rc = shape_message(rq, &o, NULL, id, &m, bytes, f);
    if (rc == 0)
        rc = reply_json(rq, 201, &o, f);
    else
        buf_done(&o.b);
    return idempotent_end(rq, rc, f);
}
