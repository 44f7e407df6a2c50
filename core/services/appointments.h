/*
 * Appointments: a customer at a store, at a time. Booking one sends a confirmation and schedules its
 * reminders as the core's own messages; its code is what the customer shows when she comes. [core]
 *
 * A message about an appointment is told in the appointment as a notice: its id, or, if it could not be made
 * (no channel, window closed) or will not leave (opted out), why. An appointment is booked whatever
 * becomes of its messages.
 *
 * What the customer answers to those of its present time confirms or cancels it, or asks for another
 * time, which is left to people.
 */
#ifndef SERVICES_APPOINTMENTS_H
#define SERVICES_APPOINTMENTS_H

#include "model/out.h"
#include "services/customers.h"

enum {
    APPOINTMENT_REMINDERS = 4, /* at most, of one appointment */
    APPOINTMENT_CODE = 6,      /* characters of a code, none that looks like another, no vowels */
    APPOINTMENT_NAME_MAX = 64  /* bytes of store, terminal, clerk */
};

/* Where and by whom; all may be empty. at: when it happened, Unix time; 0: now. */
struct appointment_origin {
    struct hilo_str store, terminal, clerk;
    int64_t at;
};

/* What to say: contents (group CONTENT, structurally valid) instead of the gateway's own; may be empty. */
struct appointment_words {
    bool confirm; /* the customer is told */
    struct hilo_str confirmation, reminder;
};

struct appointment_request {
    struct identifier to;             /* scheme 0: customer is given */
    struct hilo_id customer, case_id; /* case: none: the messages go to the only open one */
    struct hilo_str store, place, subject, channel, time_zone;
    int64_t starts, ends;
    bool remind_given; /* else as configured */
    unsigned n_remind;
    int64_t remind[APPOINTMENT_REMINDERS]; /* how long before, µs */
    struct appointment_words words;
    struct appointment_origin origin;
};
/* Between store_begin and store_end, after store_room. -1: nothing was appended, and the fault says why. */
int appointment_book(struct gateway *, const struct actor *, const struct appointment_request *,
                     struct arena *, struct hilo_id *out, struct fault *);

struct appointment_change {
    uint32_t set; /* APPOINTMENT_SET_x, of them TIME, STATUS, DETAILS */
    int64_t starts, ends;
    bool ends_given; /* with TIME; else it keeps its length */
    uint32_t status;
    bool store_given, place_given, subject_given, channel_given, case_given;
    struct hilo_str store, place, subject, channel;
    struct hilo_id case_id;
    bool confirm_given; /* else: told of another time, not of a cancellation */
    struct appointment_words words;
    struct appointment_origin origin;
};
/* Faults: unknown_appointment (404), stale (412), appointment_closed (409: over, canceled). Another time
 * cancels the reminders and schedules new ones, and the appointment is to be confirmed again. Between begin
 * and end. */
int appointment_update(struct gateway *, const struct actor *, struct hilo_id,
                       const struct appointment_change *, uint64_t if_version, struct arena *,
                       struct fault *);
/* She is here. Once more changes nothing and is no fault. Faults: unknown_appointment, appointment_closed.
 * Between begin and end. */
int appointment_checkin(struct gateway *, const struct actor *, struct hilo_id,
                        const struct appointment_origin *, struct arena *, struct fault *);

/* Strings in the arena. Fault: unknown_appointment (404). */
int appointment_get(struct gateway *, struct hilo_id, struct arena *, struct rec_appointment *out,
                    struct fault *);
/* "apt_…", or the code of an open one as people write it (any case, spaces and hyphens in it). 404 likewise.
 */
int appointment_find(struct gateway *, struct hilo_str id_or_code, struct arena *, struct hilo_id *out,
                     struct fault *);
/* The open appointment with this code. HILO_NOTFOUND; or the store's. */
int32_t appointment_by_code(struct gateway *, struct hilo_str code, struct arena *, struct hilo_id *out,
                            struct err *);

typedef void appointment_fn(void *arg, struct hilo_id, const struct rec_appointment *);
/* The customer's open ones, the earliest first, of those that begin at from or later (Unix time; 0: all). */
int appointment_open(struct gateway *, struct hilo_id customer, int64_t from, unsigned limit, struct arena *,
                     appointment_fn *, void *arg, struct fault *);

struct appointment_filter {
    struct hilo_id customer; /* none: any */
    struct hilo_str store;   /* empty: any; with customer, both must fit */
    uint32_t status;         /* 0: any */
    int64_t from, to;        /* they begin at from or later, and before to; 0: no bound */
};
/* The earliest first. after: the cursor of the last page, or empty; next_out: to go on from, or empty. */
int appointment_list(struct gateway *, const struct appointment_filter *, struct hilo_str after,
                     unsigned limit, struct arena *, appointment_fn *, void *arg, struct hilo_str *next_out,
                     struct fault *);

const char *appointment_status_name(uint64_t status);
uint32_t appointment_status_parse(struct hilo_str name); /* 0: unknown */
/* An appointment as JSON: an object under key; key NULL: none. The same in the API, in events, in look-ups.
 */
void appointment_shape(struct out *, const char *key, struct hilo_id, const struct rec_appointment *);
/* The same with the status that each of its messages has now. */
void appointment_shape_now(struct gateway *, struct arena *, struct out *, const char *key, struct hilo_id,
                           const struct rec_appointment *);
/* Without the braces, for what has more members. */
void appointment_members(struct out *, struct hilo_id, const struct rec_appointment *);

/* appointments.template_parameters: false and the word that means nothing. */
bool appointment_parameters_check(struct hilo_str, struct hilo_str *unknown_out);

/* A customer's message has answered one about this appointment: choice is a choice reply's id or, if that
 * means nothing, its title. Changes the appointment, or leaves it as it is if the words mean none of
 * the three. Between begin and end of the message's own event, after it. */
int32_t appointment_answered(struct gateway *, const struct actor *, struct hilo_id appointment,
                             struct hilo_id question, struct hilo_id message, struct hilo_id customer,
                             struct hilo_str content, int64_t now_us, struct arena *, struct err *);

/* Tells of those that are about to begin; *next_out: when the next is, Unix time; 0: none. now: by the clock
 * that never goes back (delivery_due_now). In its own begin and end, a bounded number at once. */
int32_t appointments_near(struct gateway *, int64_t now_us, int64_t *next_out, struct err *);

#endif
