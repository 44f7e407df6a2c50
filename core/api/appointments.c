/*
 * /v1/appointments: book, read, list, change, check in. In paths an appointment is named by its id or, while
 * it is open, by its code.
 */
#include "api/fields.h"
#include "api/http.h"
#include "api/idempotent.h"
#include "api/messages.h"
#include "api/route.h"
#include "api/shapes.h"
#include "base/clock.h"
#include "base/str.h"
#include "services/appointments.h"
#include "services/place.h"
#include <string.h>

enum { DAYS_30 = 30, REMIND_MIN_S = 60 };

/* Where and by whom: members of each request that changes something. */
#define ORIGIN_FIELDS(of)                                                                                    \
    {.name = "terminal", .type = FIELD_STR, .max = APPOINTMENT_NAME_MAX, .offset = offsetof(of, terminal)},  \
        {.name = "clerk", .type = FIELD_STR, .max = APPOINTMENT_NAME_MAX, .offset = offsetof(of, clerk)},    \
    {                                                                                                        \
        .name = "at", .type = FIELD_TIME, .offset = offsetof(of, at)                                         \
    }

struct booking {
    const cJSON *to, *remind_before, *confirmation, *reminder;
    struct hilo_id customer, case_id;
    struct hilo_str store, place, subject, channel, time_zone, terminal, clerk;
    int64_t starts, ends, at;
    bool confirm;
};
#define AT(field) .offset = offsetof(struct booking, field)
static const struct field booking_fields[] = {
    {.name = "to", .type = FIELD_OBJECT, AT(to)},
    {.name = "customer", .type = FIELD_ID, .prefix = "cus", AT(customer)},
    {.name = "case", .type = FIELD_ID, .prefix = "cas", AT(case_id)},
    {.name = "store",
     .type = FIELD_STR,
     .flags = FIELD_REQUIRED,
     .min = 1,
     .max = APPOINTMENT_NAME_MAX,
     AT(store)},
    {.name = "starts_at", .type = FIELD_TIME, .flags = FIELD_REQUIRED, AT(starts)},
    {.name = "ends_at", .type = FIELD_TIME, AT(ends)},
    {.name = "subject", .type = FIELD_STR, .max = 300, AT(subject)},
    {.name = "place", .type = FIELD_STR, .max = 200, AT(place)},
    {.name = "channel", .type = FIELD_STR, .min = 1, .max = 64, AT(channel)},
    {.name = "time_zone", .type = FIELD_STR, .min = 1, .max = 64, AT(time_zone)},
    {.name = "confirm", .type = FIELD_BOOL, AT(confirm)},
    {.name = "remind_before", .type = FIELD_ARRAY, .max = APPOINTMENT_REMINDERS, AT(remind_before)},
    {.name = "confirmation", .type = FIELD_OBJECT, AT(confirmation)},
    {.name = "reminder", .type = FIELD_OBJECT, AT(reminder)},
    ORIGIN_FIELDS(struct booking),
};
#undef AT

struct change {
    const cJSON *confirmation, *reminder;
    struct hilo_id case_id;
    struct hilo_str status, store, place, subject, channel, terminal, clerk;
    int64_t starts, ends, at;
    bool confirm;
};
#define AT(field) .offset = offsetof(struct change, field)
enum { IN_STARTS, IN_ENDS, IN_STATUS, IN_STORE, IN_PLACE, IN_SUBJECT, IN_CHANNEL, IN_CASE, IN_CONFIRM };
static const struct field change_fields[] = {
    [IN_STARTS] = {.name = "starts_at", .type = FIELD_TIME, AT(starts)},
    [IN_ENDS] = {.name = "ends_at", .type = FIELD_TIME, .flags = FIELD_NULL, AT(ends)},
    [IN_STATUS] = {.name = "status", .type = FIELD_STR, .max = 32, AT(status)},
    [IN_STORE] = {.name = "store", .type = FIELD_STR, .min = 1, .max = APPOINTMENT_NAME_MAX, AT(store)},
    [IN_PLACE] = {.name = "place", .type = FIELD_STR, .flags = FIELD_NULL, .max = 200, AT(place)},
    [IN_SUBJECT] = {.name = "subject", .type = FIELD_STR, .flags = FIELD_NULL, .max = 300, AT(subject)},
    [IN_CHANNEL] = {.name = "channel", .type = FIELD_STR, .flags = FIELD_NULL, .max = 64, AT(channel)},
    [IN_CASE] = {.name = "case", .type = FIELD_ID, .flags = FIELD_NULL, .prefix = "cas", AT(case_id)},
    [IN_CONFIRM] = {.name = "confirm", .type = FIELD_BOOL, AT(confirm)},
    {.name = "confirmation", .type = FIELD_OBJECT, AT(confirmation)},
    {.name = "reminder", .type = FIELD_OBJECT, AT(reminder)},
    ORIGIN_FIELDS(struct change),
};
#undef AT

struct arrival {
    struct hilo_str store, terminal, clerk;
    int64_t at;
};
static const struct field arrival_fields[] = {
    {.name = "store",
     .type = FIELD_STR,
     .max = APPOINTMENT_NAME_MAX,
     .offset = offsetof(struct arrival, store)},
    ORIGIN_FIELDS(struct arrival),
};

#define COUNT(array) ((unsigned)(sizeof(array) / sizeof *(array)))

static int appointment__reply(struct request *rq, uint32_t status, struct hilo_id id, struct fault *f)
{
    struct rec_appointment r;
    struct out o = {0};

    if (appointment_get(rq->api->gw, id, rq->arena, &r, f) != 0)
        return -1;
    appointment_shape_now(rq->api->gw, rq->arena, &o, NULL, id, &r);
    reply_etag(rq, r.version);
    return reply_json(rq, status, &o, f);
}

static int appointment__id(struct request *rq, struct hilo_id *out, struct fault *f)
{
    return appointment_find(rq->api->gw, rq->param[0], rq->arena, out, f);
}

static int appointment__contents(struct request *rq, const cJSON *confirmation, const cJSON *reminder,
                                 struct appointment_words *out, struct fault *f)
{
    if (confirmation &&
        message_content_read(rq->arena, confirmation, "/confirmation", &out->confirmation, f) != 0)
        return -1;
    return reminder ? message_content_read(rq->arena, reminder, "/reminder", &out->reminder, f) : 0;
}

static int appointment__remind(const cJSON *list, struct appointment_request *out, struct fault *f)
{
    const cJSON *v;

    out->remind_given = list != NULL;
    cJSON_ArrayForEach(v, list)
    {
        int64_t us;
        if (!cJSON_IsString(v) || !clock_parse_duration(str(v->valuestring), &us) ||
            us < (int64_t)REMIND_MIN_S * 1000000 || us > (int64_t)DAYS_30 * 86400 * 1000000)
            return fault_set(
                f, 422, "invalid_field", "/remind_before",
                "remind_before: ISO 8601 durations (\"PT24H\") of a minute to 30 days are expected");
        out->remind[out->n_remind++] = us;
    }
    return 0;
}

static int appointment__booking(struct request *rq, const struct booking *w, struct appointment_request *out,
                                struct fault *f)
{
    if ((w->to != NULL) == !id_none(w->customer))
        return fault_set(f, 422, "invalid_field", w->to ? "/to" : "",
                         "who it is for is expected once: as \"to\" or as \"customer\"");
    if (w->to && message_to_read(rq->arena, w->to, "/to", &out->to, &out->customer, f) != 0)
        return -1;
    if (!w->to)
        out->customer = w->customer;
    out->case_id = w->case_id;
    out->store = w->store;
    out->place = w->place;
    out->subject = w->subject;
    out->channel = w->channel;
    out->time_zone = w->time_zone;
    out->starts = w->starts;
    out->ends = w->ends;
    out->words.confirm = w->confirm;
    out->origin = (struct appointment_origin){
        .store = w->store, .terminal = w->terminal, .clerk = w->clerk, .at = w->at};
    return appointment__remind(w->remind_before, out, f) != 0
               ? -1
               : appointment__contents(rq, w->confirmation, w->reminder, &out->words, f);
}

int appointment_post(struct request *rq, struct fault *f)
{
    struct booking w = {.confirm = true};
    struct appointment_request wanted = {.remind_given = false};
    const cJSON *root;
    struct hilo_id id;
    int rc;

    if (fields_body(rq, &root, f) != 0 ||
        fields_read(root, "", booking_fields, COUNT(booking_fields), &w, NULL, f) != 0 ||
        place_at(&w.at, f) != 0 || appointment__booking(rq, &w, &wanted, f) != 0)
        return -1;
    rc = idempotent_begin(rq, NULL, NULL, f);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = appointment_book(rq->api->gw, &rq->actor, &wanted, rq->arena, &id, f);
    if (rc == 0) {
        reply_location(rq, "appointments", "apt", id);
        rc = appointment__reply(rq, 201, id, f);
    }
    return idempotent_end(rq, rc, f);
}

int appointment_show(struct request *rq, struct fault *f)
{
    struct hilo_id id;

    return appointment__id(rq, &id, f) != 0 ? -1 : appointment__reply(rq, 200, id, f);
}

static int appointment__status(struct hilo_str name, const char *pointer, uint32_t *out, struct fault *f)
{
    *out = appointment_status_parse(name);
    if (*out)
        return 0;
    return fault_set(f, pointer[0] ? 422 : 400, pointer[0] ? "invalid_field" : "invalid_parameter", pointer,
                     "status: booked, confirmed, checked_in, completed, canceled or no_show is expected");
}

static int appointment__change(struct request *rq, const struct change *w, uint64_t present,
                               struct appointment_change *out, struct fault *f)
{
    const uint64_t details =
        1u << IN_STORE | 1u << IN_PLACE | 1u << IN_SUBJECT | 1u << IN_CHANNEL | 1u << IN_CASE;

    if (present & (1u << IN_STARTS | 1u << IN_ENDS))
        out->set |= APPOINTMENT_SET_TIME;
    if (present & details)
        out->set |= APPOINTMENT_SET_DETAILS;
    if (present & 1u << IN_STATUS)
        out->set |= APPOINTMENT_SET_STATUS;
    out->starts = w->starts;
    out->ends = w->ends;
    out->ends_given = (present & 1u << IN_ENDS) != 0;
    out->store_given = (present & 1u << IN_STORE) != 0;
    out->place_given = (present & 1u << IN_PLACE) != 0;
    out->subject_given = (present & 1u << IN_SUBJECT) != 0;
    out->channel_given = (present & 1u << IN_CHANNEL) != 0;
    out->case_given = (present & 1u << IN_CASE) != 0;
    out->confirm_given = (present & 1u << IN_CONFIRM) != 0;
    out->words.confirm = w->confirm;
    out->store = w->store;
    out->place = w->place;
    out->subject = w->subject;
    out->channel = w->channel;
    out->case_id = w->case_id;
    /* "store" is where the appointment is from now on. */
    out->origin = (struct appointment_origin){.terminal = w->terminal, .clerk = w->clerk, .at = w->at};
    if ((present & 1u << IN_STATUS) && appointment__status(w->status, "/status", &out->status, f) != 0)
        return -1;
    return appointment__contents(rq, w->confirmation, w->reminder, &out->words, f);
}

int appointment_patch(struct request *rq, struct fault *f)
{
    struct change w = {.confirm = false};
    struct appointment_change change = {.set = 0};
    const cJSON *root;
    uint64_t present, version;
    struct hilo_id id;
    int rc;

    if (appointment__id(rq, &id, f) != 0 || reply_if_match(rq, &version, f) != 0 ||
        fields_body(rq, &root, f) != 0 ||
        fields_read(root, "", change_fields, COUNT(change_fields), &w, &present, f) != 0 ||
        place_at(&w.at, f) != 0 || appointment__change(rq, &w, present, &change, f) != 0 ||
        write_begin(rq, f) != 0)
        return -1;
    rc = appointment_update(rq->api->gw, &rq->actor, id, &change, version, rq->arena, f);
    if (rc == 0)
        rc = appointment__reply(rq, 200, id, f);
    return write_end(rq, rc);
}

int appointment_checkin_post(struct request *rq, struct fault *f)
{
    struct arrival w = {.at = 0};
    const cJSON *root;
    struct hilo_id id;
    int rc;

    if (fields_body(rq, &root, f) != 0 ||
        fields_read(root, "", arrival_fields, COUNT(arrival_fields), &w, NULL, f) != 0 ||
        place_at(&w.at, f) != 0)
        return -1;
    /* Before the appointment is looked for: its code ends with it, its first answer does not. */
    rc = idempotent_begin(rq, NULL, NULL, f);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    const struct appointment_origin origin = {
        .store = w.store, .terminal = w.terminal, .clerk = w.clerk, .at = w.at};
    rc = appointment__id(rq, &id, f);
    if (rc == 0)
        rc = appointment_checkin(rq->api->gw, &rq->actor, id, &origin, rq->arena, f);
    if (rc == 0)
        rc = appointment__reply(rq, 200, id, f);
    return idempotent_end(rq, rc, f);
}

/* ---- lists ---- */

struct listing {
    struct request *rq;
    struct out o;
};

static void appointment__each(void *arg, struct hilo_id id, const struct rec_appointment *r)
{
    struct listing *l = arg;

    appointment_shape_now(l->rq->api->gw, l->rq->arena, &l->o, NULL, id, r);
}

static int appointment__time(struct request *rq, const char *name, int64_t *out, struct fault *f)
{
    const struct hilo_str v = request_query(rq, name);

    if (!v.p || clock_parse(v, out))
        return 0;
    return fault_set(f, 400, "invalid_parameter", "",
                     "%s: a time as in 2026-11-24T23:59:59Z (RFC 3339) is expected", name);
}

int appointment_index(struct request *rq, struct fault *f)
{
    static const char *const known[] = {"customer", "store", "status", "from", "to", "limit", "cursor", NULL};
    const struct hilo_str who = request_query(rq, "customer"), status = request_query(rq, "status");
    struct appointment_filter want = {.store = request_query(rq, "store")};
    struct hilo_str after, next;
    struct listing l = {.rq = rq};
    unsigned limit;

    if (request_query_known(rq, known, f) != 0 || request_limit(rq, 50, 200, &limit, f) != 0 ||
        shape_cursor(rq, 'U', &after, f) != 0 || appointment__time(rq, "from", &want.from, f) != 0 ||
        appointment__time(rq, "to", &want.to, f) != 0 ||
        (status.p && appointment__status(status, "", &want.status, f) != 0))
        return -1;
    if (who.p && !id_parse("cus", who, &want.customer))
        return fault_set(f, 400, "invalid_parameter", "",
                         "customer: an id is expected, cus_ and 26 letters and digits");
    out_begin(&l.o, NULL, '{');
    out_begin(&l.o, "appointments", '[');
    if (appointment_list(rq->api->gw, &want, after, limit, rq->arena, appointment__each, &l, &next, f) != 0) {
        buf_done(&l.o.b);
        return -1;
    }
    out_end(&l.o, ']');
    shape_next(rq, &l.o, 'U', next);
    out_end(&l.o, '}');
    return reply_json(rq, 200, &l.o, f);
}
