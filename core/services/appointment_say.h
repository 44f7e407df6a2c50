/* The messages about an appointment: what they say, when, by which channel. Private to appointments. [core]
 */
#ifndef SERVICES_APPOINTMENT_SAY_H
#define SERVICES_APPOINTMENT_SAY_H

#include "services/appointments.h"

struct appointment_saying {
    struct gateway *gw;
    const struct actor *actor;
    struct arena *arena;
    struct hilo_id id;
    const struct rec_appointment *r; /* as it is from now on */
    struct identifier to;            /* the address that was named; scheme 0: the customer's */
    bool moved;                      /* it had another time before */
    int64_t now;
};

enum { NOTICES_MAX = 1 + APPOINTMENT_REMINDERS + 1 };
struct appointment_notices {
    struct rec_notice n[NOTICES_MAX];
    unsigned count;
};

/* One message, or why there is none, as one more notice. given: a content instead of ours, or empty. */
void appointment_say(const struct appointment_saying *, uint64_t kind, struct hilo_str given,
                     struct appointment_notices *);
/* Every reminder of r->remind. */
void appointment_remind(const struct appointment_saying *, struct hilo_str given,
                        struct appointment_notices *);

/* As an event holds it: without changed and version, which are the event's. */
struct hilo_str appointment_pack(struct arena *, const struct rec_appointment *);
/* As the record keeps them, and back (at most NOTICES_MAX). */
struct hilo_str appointment_notices_pack(struct arena *, const struct appointment_notices *);
void appointment_notices_read(struct hilo_str, struct appointment_notices *out);

/* APPOINTMENT_ANSWER_x that a choice reply's content means; 0: none of them. */
uint64_t appointment_meaning(struct hilo_str content, struct arena *);

#endif
