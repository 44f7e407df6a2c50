/*
 * Appointments: booked, changed, checked in, answered.
 *
 * Each decision ends in one event that holds the appointment whole, behind the events of the messages that
 * it brings: so one batch has both, and what is kept of the messages stands in the appointment.
 */
#include "services/appointments.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/zone.h"
#include "services/appointment_say.h"
#include "services/cases.h"
#include "services/delivery.h"
#include "services/messages.h"
#include "store/keys.h"
#include <sys/random.h>

enum { CODE_TRIES = 20, PLACE_MAX = 200, SUBJECT_MAX = 300 };
static const int64_t DAY_US = INT64_C(86400) * 1000000;
static const int64_t AHEAD_DAYS = 731, LONG_DAYS = 31, LATE_DAYS = 31;

/* ---- what is asked for ---- */

static int name_check(struct hilo_str s, const char *pointer, struct fault *f)
{
    if (s.n > APPOINTMENT_NAME_MAX)
        return fault_set(f, 422, "invalid_appointment", pointer, "at most %d bytes are taken here",
                         APPOINTMENT_NAME_MAX);
    return 0;
}

static int origin_check(const struct appointment_origin *o, int64_t now, struct fault *f)
{
    if (o->at && (o->at > now || o->at < now - LATE_DAYS * DAY_US))
        return fault_set(f, 422, "invalid_appointment", "/at",
                         "at is when it happened: a time of the last %d days", (int)LATE_DAYS);
    return name_check(o->store, "/store", f) != 0 || name_check(o->terminal, "/terminal", f) != 0 ||
                   name_check(o->clerk, "/clerk", f) != 0
               ? -1
               : 0;
}

/* since: when it is asked for. */
static int times_check(int64_t starts, int64_t ends, int64_t since, struct fault *f)
{
    if (starts <= since)
        return fault_set(f, 422, "invalid_appointment", "/starts_at", "an appointment begins in the future");
    if (starts > since + AHEAD_DAYS * DAY_US)
        return fault_set(f, 422, "invalid_appointment", "/starts_at", "it may begin within two years");
    if (ends && (ends <= starts || ends > starts + LONG_DAYS * DAY_US))
        return fault_set(f, 422, "invalid_appointment", "/ends_at",
                         "it ends after it begins, at most %d days later", (int)LONG_DAYS);
    return 0;
}

static int details_check(struct gateway *gw, struct hilo_str store, struct hilo_str place,
                         struct hilo_str subject, struct hilo_str channel, struct fault *f)
{
    if (store.n == 0)
        return fault_set(f, 422, "invalid_appointment", "/store", "an appointment is at a store");
    if (str_utf8_count(place) > PLACE_MAX)
        return fault_set(f, 422, "invalid_appointment", "/place", "a place has at most %d characters",
                         PLACE_MAX);
    if (str_utf8_count(subject) > SUBJECT_MAX)
        return fault_set(f, 422, "invalid_appointment", "/subject", "a subject has at most %d characters",
                         SUBJECT_MAX);
    if (channel.n && !gateway_channel(gw, channel))
        return fault_set(f, 422, "unknown_channel", "/channel",
                         "there is no channel %.*s; see GET /v1/channels",
                         STR_FMT(str_utf8_head(channel, 63)));
    return name_check(store, "/store", f);
}

/* customer: none: there is nobody yet. */
static int case_check(struct gateway *gw, struct hilo_id id, struct hilo_id customer, struct arena *a,
                      struct fault *f)
{
    struct rec_case c;

    if (id_none(id))
        return 0;
    if (case_get(gw, id, a, &c, f) != 0) {
        if (f->status == 404)
            (void)fault_set(f, 422, "unknown_case", "/case", "there is no such case");
        return -1;
    }
    if (!id_eq(c.customer, customer))
        return fault_set(f, 422, "case_of_another", "/case", "this case belongs to another customer");
    return 0;
}

/* ---- its parts ---- */

/* Digits and consonants of which none looks like another, and that make no word. */
static int code_new(struct gateway *gw, struct arena *a, struct hilo_str *out, struct fault *f)
{
    static const char signs[] = "23456789CDFGHJKMNPQRTVWXY";
    enum { SIGNS = sizeof signs - 1, FAIR = 256 / SIGNS * SIGNS };
    char code[APPOINTMENT_CODE];
    struct hilo_id id;
    struct err e = {0};

    for (unsigned tries = 0; tries < CODE_TRIES; tries++) {
        for (unsigned n = 0; n < APPOINTMENT_CODE;) {
            uint8_t byte;
            if (getrandom(&byte, 1, 0) != 1)
                return fault_set(f, 503, "no_randomness", NULL, "the system gives no randomness; try again");
            if (byte < FAIR)
                code[n++] = signs[byte % SIGNS];
        }
        const struct hilo_str text = str_n(code, sizeof code);
        int32_t rc = appointment_by_code(gw, text, a, &id, &e);
        if (rc == HILO_NOTFOUND) {
            *out = arena_str(a, text);
            return 0;
        }
        if (rc != HILO_OK)
            return fault_store(f, rc, &e);
    }
    return fault_set(f, 503, "no_code", NULL, "no code is free; try again");
}

static uint64_t near_of(const struct gateway *gw, const struct rec_appointment *r, int64_t now)
{
    const uint64_t before = (uint64_t)gw->appointments.near_us;

    if (before == 0 || (int64_t)r->starts <= now)
        return 0;
    return r->starts > before ? r->starts - before : 1;
}

static struct hilo_str remind_pack(const struct gateway *gw, const struct appointment_request *rq,
                                   struct arena *a)
{
    struct hilo_writer w;

    arena_writer(a, &w);
    for (unsigned i = 0; rq->remind_given && i < rq->n_remind; i++)
        hilo_put_u64(&w, 1, (uint64_t)rq->remind[i]);
    if (!rq->remind_given && gw->appointments.remind_us)
        hilo_put_u64(&w, 1, (uint64_t)gw->appointments.remind_us);
    return hilo_written(&w);
}

struct hilo_str appointment_pack(struct arena *a, const struct rec_appointment *r)
{
    struct rec_appointment as = *r;
    struct hilo_writer w;

    as.changed = as.version = 0;
    arena_writer(a, &w);
    rec_pack(&rec_desc_appointment, &as, &w);
    return hilo_written(&w);
}

/* Takes back what was not sent yet. What has left, or is settled, is as it is. */
static int notices_cancel(struct gateway *gw, const struct actor *actor, const struct appointment_notices *x,
                          struct fault *f)
{
    for (unsigned i = 0; i < x->count; i++)
        if (!id_none(x->n[i].message) && message_cancel(gw, actor, x->n[i].message, f) != 0 &&
            f->status != 409 && f->status != 404)
            return -1;
    return 0;
}

/* The reminders go; the others stay, as they were sent or may be on their way. */
static int reminders_drop(struct gateway *gw, const struct actor *actor, struct rec_appointment *r,
                          struct arena *a, struct fault *f)
{
    struct appointment_notices all, gone = {.count = 0}, kept = {.count = 0};

    appointment_notices_read(r->messages, &all);
    for (unsigned i = 0; i < all.count; i++) {
        struct appointment_notices *to = all.n[i].kind == NOTICE_REMINDER ? &gone : &kept;
        to->n[to->count++] = all.n[i];
    }
    if (notices_cancel(gw, actor, &gone, f) != 0)
        return -1;
    r->messages = appointment_notices_pack(a, &kept);
    return 0;
}

/* ---- booking ---- */

/* Who it is for; nobody is made before all else was found good. */
static int customer_of(struct gateway *gw, const struct appointment_request *rq, struct arena *a,
                       struct hilo_id *out, bool *is_new, struct fault *f)
{
    struct rec_customer who;
    struct err e = {0};

    *out = rq->customer;
    *is_new = false;
    if (rq->to.scheme) {
        int32_t rc = customer_find(gw, &rq->to, out, &e);
        *is_new = rc == HILO_NOTFOUND;
        return rc == HILO_OK || *is_new ? 0 : fault_store(f, rc, &e);
    }
    if (customer_get(gw, rq->customer, a, &who, f) != 0) {
        if (f->status == 404)
            (void)fault_set(f, 422, "unknown_customer", "/customer", "there is no such customer");
        return -1;
    }
    return 0;
}

static int zone_check(struct hilo_str name, struct fault *f)
{
    struct zone_time t;
    struct err e = {0};

    if (name.n && zone_local(name, 0, &t, &e) != HILO_OK)
        return fault_set(f, 422, "invalid_appointment", "/time_zone", "%s", e.text);
    return 0;
}

int appointment_book(struct gateway *gw, const struct actor *actor, const struct appointment_request *rq,
                     struct arena *a, struct hilo_id *out, struct fault *f)
{
    const int64_t now = clock_wall_us(), since = rq->origin.at ? rq->origin.at : now;
    struct appointment_notices notices = {.count = 0};
    struct rec_appointment r = {.case_id = rq->case_id,
                                .status = APPOINTMENT_BOOKED,
                                .store = rq->store,
                                .place = rq->place,
                                .subject = rq->subject,
                                .starts = (uint64_t)rq->starts,
                                .ends = (uint64_t)rq->ends,
                                .time_zone = rq->time_zone,
                                .channel = rq->channel,
                                .remind = remind_pack(gw, rq, a),
                                .booked = (uint64_t)since};
    struct hilo_id id = idgen_next(store_ids(gw->store));
    struct err e = {0};
    bool is_new;

    if (origin_check(&rq->origin, now, f) != 0 || times_check(rq->starts, rq->ends, since, f) != 0 ||
        details_check(gw, rq->store, rq->place, rq->subject, rq->channel, f) != 0 ||
        zone_check(rq->time_zone, f) != 0 || customer_of(gw, rq, a, &r.customer, &is_new, f) != 0 ||
        case_check(gw, rq->case_id, r.customer, a, f) != 0 || code_new(gw, a, &r.code, f) != 0)
        return -1;
    if (is_new) {
        const struct customer_fields none = {0};
        if (customer_create(gw, actor, &none, &rq->to, 1, &r.customer, f) != 0)
            return -1;
    } else if (id_none(r.case_id)) {
        int32_t rc = case_only_open(gw, r.customer, a, &r.case_id, &e);
        if (rc != HILO_OK)
            return fault_store(f, rc, &e);
    }
    r.near = near_of(gw, &r, now);
    const struct appointment_saying say = {
        .gw = gw, .actor = actor, .arena = a, .id = id, .r = &r, .to = rq->to, .now = now};
    if (rq->words.confirm)
        appointment_say(&say, NOTICE_CONFIRMATION, rq->words.confirmation, &notices);
    appointment_remind(&say, rq->words.reminder, &notices);
    r.messages = appointment_notices_pack(a, &notices);
    const struct ev_appointment_booked ev = {.id = id,
                                             .appointment = appointment_pack(a, &r),
                                             .store = rq->origin.store,
                                             .terminal = rq->origin.terminal,
                                             .clerk = rq->origin.clerk,
                                             .at = (uint64_t)rq->origin.at};
    int32_t rc = store_append(gw->store, &ev_desc_appointment_booked, &ev, actor, now, NULL, &e);
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    if (r.near)
        delivery_near(gw->delivery, (int64_t)r.near);
    *out = id;
    return 0;
}

/* ---- changing ---- */

static int closed(const struct rec_appointment *r, struct fault *f)
{
    return fault_set(f, 409, "appointment_closed", NULL, "this appointment is %s; book another one",
                     r->status == APPOINTMENT_NO_SHOW ? "closed, as the customer did not come"
                                                      : appointment_status_name(r->status));
}

/* What may become of it, but for a check-in. */
static int status_change(struct rec_appointment *r, uint32_t to, struct fault *f)
{
    if (to == APPOINTMENT_CHECKED_IN)
        return fault_set(f, 422, "invalid_appointment", "/status",
                         "a customer who is here is checked in by POST /v1/appointments/{id}/checkin");
    if (r->status == APPOINTMENT_CHECKED_IN && to != APPOINTMENT_COMPLETED && to != APPOINTMENT_CANCELED)
        return fault_set(f, 409, "checked_in", "/status",
                         "the customer has come: it can be completed or canceled only");
    r->status = to;
    return 0;
}

static int details_change(struct gateway *gw, struct rec_appointment *r, const struct appointment_change *c,
                          struct arena *a, struct fault *f)
{
    if (c->store_given)
        r->store = c->store;
    if (c->place_given)
        r->place = c->place;
    if (c->subject_given)
        r->subject = c->subject;
    if (c->channel_given)
        r->channel = c->channel;
    if (c->case_given)
        r->case_id = c->case_id;
    return details_check(gw, r->store, r->place, r->subject, c->channel_given ? r->channel : STR(""), f) !=
                       0 ||
                   case_check(gw, r->case_id, r->customer, a, f) != 0
               ? -1
               : 0;
}

/* Another time: what was said of the old one goes, and it is to be confirmed anew. *moved: it is one. */
static int time_change(struct gateway *gw, struct rec_appointment *r, const struct appointment_change *c,
                       int64_t now, bool *moved, struct fault *f)
{
    const uint64_t starts = c->starts ? (uint64_t)c->starts : r->starts,
                   ends = c->ends_given ? (uint64_t)c->ends
                          : r->ends     ? starts + (r->ends - r->starts)
                                        : 0;

    *moved = starts != r->starts;
    if (*moved && r->status == APPOINTMENT_CHECKED_IN)
        return fault_set(f, 409, "checked_in", "/starts_at", "the customer has come: it can't be moved");
    if (*moved ? times_check((int64_t)starts, (int64_t)ends, now, f) != 0
               : ends && (ends <= starts || ends > starts + (uint64_t)(LONG_DAYS * DAY_US)))
        return *moved ? -1
                      : fault_set(f, 422, "invalid_appointment", "/ends_at",
                                  "it ends after it begins, at most %d days later", (int)LONG_DAYS);
    r->starts = starts;
    r->ends = ends;
    if (*moved) {
        r->status = APPOINTMENT_BOOKED;
        r->near = near_of(gw, r, now);
        r->told = r->answer = r->answered = 0;
    }
    return 0;
}

static int change_append(struct gateway *gw, const struct actor *actor, struct hilo_id id,
                         const struct rec_appointment *r, const struct appointment_origin *o, uint32_t set,
                         struct hilo_id message, int64_t now, struct arena *a, struct fault *f)
{
    const struct ev_appointment_changed ev = {.id = id,
                                              .appointment = appointment_pack(a, r),
                                              .store = o->store,
                                              .terminal = o->terminal,
                                              .clerk = o->clerk,
                                              .at = (uint64_t)o->at,
                                              .set = set,
                                              .message = message};
    struct err e = {0};
    int32_t rc = store_append(gw->store, &ev_desc_appointment_changed, &ev, actor, now, NULL, &e);

    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    if (r->near)
        delivery_near(gw->delivery, (int64_t)r->near);
    return 0;
}

/* What the customer is told of the change: another time, or that it is off. */
static int change_say(struct gateway *gw, const struct actor *actor, struct hilo_id id,
                      struct rec_appointment *r, bool moved, bool ended, const struct appointment_change *c,
                      int64_t now, struct arena *a, struct fault *f)
{
    const struct appointment_saying say = {
        .gw = gw, .actor = actor, .arena = a, .id = id, .r = r, .moved = true, .now = now};
    const bool confirm = c->confirm_given ? c->words.confirm : moved;
    struct appointment_notices notices;

    appointment_notices_read(r->messages, &notices);
    if (moved) {
        if (notices_cancel(gw, actor, &notices, f) != 0)
            return -1;
        notices.count = 0;
        if (confirm)
            appointment_say(&say, NOTICE_CONFIRMATION, c->words.confirmation, &notices);
        appointment_remind(&say, c->words.reminder, &notices);
        r->messages = appointment_notices_pack(a, &notices);
    } else if (ended) {
        if (reminders_drop(gw, actor, r, a, f) != 0)
            return -1;
        appointment_notices_read(r->messages, &notices);
        if (r->status == APPOINTMENT_CANCELED && confirm)
            appointment_say(&say, NOTICE_CANCELLATION, c->words.confirmation, &notices);
        r->messages = appointment_notices_pack(a, &notices);
    }
    return 0;
}

/* Whether a calendar has to be told (RFC 5546, 2.1.4). */
static bool revised(const struct rec_appointment *was, const struct rec_appointment *is)
{
    return was->starts != is->starts || was->ends != is->ends || !str_eq(was->store, is->store) ||
           !str_eq(was->place, is->place) || !str_eq(was->subject, is->subject) ||
           (is->status == APPOINTMENT_CANCELED && was->status != is->status);
}

int appointment_update(struct gateway *gw, const struct actor *actor, struct hilo_id id,
                       const struct appointment_change *c, uint64_t if_version, struct arena *a,
                       struct fault *f)
{
    const int64_t now = clock_wall_us();
    struct rec_appointment r, before;
    bool moved = false;

    if (appointment_get(gw, id, a, &r, f) != 0 || origin_check(&c->origin, now, f) != 0)
        return -1;
    if (if_version && if_version != r.version)
        return fault_set(f, 412, "stale", NULL, "somebody changed this appointment meanwhile; read it again");
    if (!c->set)
        return 0;
    if (!appointment_is_open(r.status))
        return c->set == APPOINTMENT_SET_STATUS && c->status == r.status ? 0 : closed(&r, f);
    before = r;
    if (((c->set & APPOINTMENT_SET_TIME) && time_change(gw, &r, c, now, &moved, f) != 0) ||
        ((c->set & APPOINTMENT_SET_STATUS) && status_change(&r, c->status, f) != 0) ||
        ((c->set & APPOINTMENT_SET_DETAILS) && details_change(gw, &r, c, a, f) != 0))
        return -1;
    const bool ended = !appointment_is_open(r.status);
    if (ended)
        r.near = 0;
    r.sequence += revised(&before, &r);
    if (change_say(gw, actor, id, &r, moved && !ended, ended, c, now, a, f) != 0)
        return -1;
    return change_append(gw, actor, id, &r, &c->origin,
                         c->set | (moved ? (uint32_t)APPOINTMENT_SET_STATUS : 0u), (struct hilo_id){{0}}, now,
                         a, f);
}

int appointment_checkin(struct gateway *gw, const struct actor *actor, struct hilo_id id,
                        const struct appointment_origin *o, struct arena *a, struct fault *f)
{
    const int64_t now = clock_wall_us();
    struct rec_appointment r;
    struct hilo_id other;
    struct err e = {0};

    if (appointment_get(gw, id, a, &r, f) != 0 || origin_check(o, now, f) != 0)
        return -1;
    if (r.status == APPOINTMENT_CHECKED_IN)
        return 0;
    if (r.status == APPOINTMENT_COMPLETED || r.status == APPOINTMENT_CANCELED)
        return closed(&r, f);
    if (r.status == APPOINTMENT_NO_SHOW) { /* late, and here: the code may be somebody else's by now */
        int32_t rc = appointment_by_code(gw, r.code, a, &other, &e);
        if (rc == HILO_OK ? code_new(gw, a, &r.code, f) != 0
                          : rc != HILO_NOTFOUND && fault_store(f, rc, &e) != 0)
            return -1;
    }
    r.status = APPOINTMENT_CHECKED_IN;
    r.checked_in = (uint64_t)(o->at ? o->at : now);
    r.near = 0;
    if (reminders_drop(gw, actor, &r, a, f) != 0)
        return -1;
    const struct ev_appointment_checked_in ev = {.id = id,
                                                 .appointment = appointment_pack(a, &r),
                                                 .store = o->store,
                                                 .terminal = o->terminal,
                                                 .clerk = o->clerk,
                                                 .at = (uint64_t)o->at};
    int32_t rc = store_append(gw->store, &ev_desc_appointment_checked_in, &ev, actor, now, NULL, &e);
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

/* ---- answers ---- */

/* Whether a message is about the time that it has now. */
static bool asked_now(const struct rec_appointment *r, struct hilo_id question)
{
    struct appointment_notices x;

    appointment_notices_read(r->messages, &x);
    for (unsigned i = 0; i < x.count; i++)
        if (id_eq(x.n[i].message, question))
            return true;
    return false;
}

int32_t appointment_answered(struct gateway *gw, const struct actor *actor, struct hilo_id id,
                             struct hilo_id question, struct hilo_id message, struct hilo_id customer,
                             struct hilo_str content, int64_t now, struct arena *a, struct err *e)
{
    const uint64_t means = appointment_meaning(content, a);
    const struct appointment_origin here = {.at = 0};
    struct rec_appointment r;
    struct fault f = {0};
    uint32_t set = APPOINTMENT_SET_ANSWER;

    if (means == 0)
        return HILO_OK;
    if (appointment_get(gw, id, a, &r, &f) != 0)
        return f.status == 404 ? HILO_OK : err_set(e, HILO_IO, "%s", f.text);
    if (!id_eq(r.customer, customer)) /* a number that changed hands */
        return HILO_OK;
    const bool waits = r.status == APPOINTMENT_BOOKED || r.status == APPOINTMENT_CONFIRMED;
    if (r.answer == means &&
        !(waits && means == APPOINTMENT_ANSWER_CONFIRM && r.status == APPOINTMENT_BOOKED))
        return HILO_OK; /* once more */
    r.answer = means;
    r.answered = (uint64_t)now;
    r.sequence += waits && means == APPOINTMENT_ANSWER_CANCEL;
    if (waits && means == APPOINTMENT_ANSWER_CONFIRM && r.status == APPOINTMENT_BOOKED &&
        asked_now(&r, question)) {
        r.status = APPOINTMENT_CONFIRMED;
        set |= APPOINTMENT_SET_STATUS;
    } else if (waits && means == APPOINTMENT_ANSWER_CANCEL) {
        r.status = APPOINTMENT_CANCELED;
        r.near = 0;
        set |= APPOINTMENT_SET_STATUS;
        if (reminders_drop(gw, actor, &r, a, &f) != 0)
            return err_set(e, f.status == 503 ? HILO_FULL : HILO_IO, "%s", f.text);
    }
    if (change_append(gw, actor, id, &r, &here, set, message, now, a, &f) != 0)
        return err_set(e, f.status == 503 ? HILO_FULL : HILO_IO, "%s", f.text);
    return HILO_OK;
}
