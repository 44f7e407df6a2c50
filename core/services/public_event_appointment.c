/* Public events of appointments: the appointment as the API gives it, as it was from the event on. */
#include "base/str.h"
#include "services/appointments.h"
#include "services/public_event_part.h"
#include <stddef.h>

/* What all of them begin with. */
struct public__head {
    struct hilo_id id;
    struct hilo_str appointment;
};
#define SAME_HEAD(event)                                                                                     \
    _Static_assert(offsetof(struct ev_##event, id) == offsetof(struct public__head, id) &&                   \
                       offsetof(struct ev_##event, appointment) ==                                           \
                           offsetof(struct public__head, appointment),                                       \
                   "its id and the appointment come first")
SAME_HEAD(appointment_booked);
SAME_HEAD(appointment_changed);
SAME_HEAD(appointment_checked_in);
SAME_HEAD(appointment_near);

void public_origin_put(struct out *o, struct hilo_str store, struct hilo_str terminal, struct hilo_str clerk,
                       uint64_t at)
{
    if (store.n == 0 && terminal.n == 0 && clerk.n == 0 && at == 0)
        return;
    out_begin(o, "origin", '{');
    out_opt(o, "store", store);
    out_opt(o, "terminal", terminal);
    out_opt(o, "clerk", clerk);
    out_time(o, "at", at);
    out_end(o, '}');
}

int32_t public_appointment_look(const struct event *ev, struct arena *a, struct public_event *out,
                                struct err *err)
{
    struct rec_appointment *r = ARENA_NEW(a, struct rec_appointment);
    struct public__head head;

    memcpy(&head, out->body, sizeof head);
    int32_t rc = rec_unpack(&rec_desc_appointment, head.appointment, r, err);
    if (rc != HILO_OK)
        return rc;
    r->changed = (uint64_t)ev->head.time_us;
    r->version = ev->head.seq;
    out->type = ev->head.type == EVENT_appointment_booked       ? PUBLIC_APPOINTMENT_BOOKED
                : ev->head.type == EVENT_appointment_changed    ? PUBLIC_APPOINTMENT_CHANGED
                : ev->head.type == EVENT_appointment_checked_in ? PUBLIC_APPOINTMENT_CHECKED_IN
                                                                : PUBLIC_APPOINTMENT_NEAR;
    out->appointment = r;
    out->customer = r->customer;
    out->case_id = r->case_id;
    return HILO_OK;
}

/* What appointment.changed changed, in words. */
static void put_changes(struct out *o, uint64_t set)
{
    static const char *const words[] = {"time", "status", "details", "answer"};

    out_begin(o, "changes", '[');
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (set >> i & 1)
            out_str(o, NULL, str(words[i]));
    out_end(o, ']');
}

void public_appointment_put(struct out *o, const struct event *ev, const struct public_event *p)
{
    struct public__head head;

    memcpy(&head, p->body, sizeof head);
    appointment_members(o, head.id, p->appointment);
    if (ev->head.type == EVENT_appointment_booked) {
        const struct ev_appointment_booked *e = p->body;
        public_origin_put(o, e->store, e->terminal, e->clerk, e->at);
    } else if (ev->head.type == EVENT_appointment_checked_in) {
        const struct ev_appointment_checked_in *e = p->body;
        public_origin_put(o, e->store, e->terminal, e->clerk, e->at);
    } else if (ev->head.type == EVENT_appointment_changed) {
        const struct ev_appointment_changed *e = p->body;
        put_changes(o, e->set);
        out_id(o, "message", "msg", e->message);
        public_origin_put(o, e->store, e->terminal, e->clerk, e->at);
    }
}
