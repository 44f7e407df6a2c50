/*
 * The submits of one bind that are with the peer: by sequence number, found without a
 * search, at most so many at a time, the oldest first where time runs out. A submit whose
 * time ran out no longer counts, but is remembered: a late response still finds it, until its
 * place is needed.
 *
 * Pure but for memory. [own] loop.
 */
#ifndef SMS_WINDOW_H
#define SMS_WINDOW_H

#include "pdu.h"
#include <stdbool.h>

enum {
    SMS_WINDOW_MAX = 255,
    SMS_WINDOW_PLACES = 1024 /* a power of two, and well above the largest window */
};

enum sms_place { SMS_PLACE_FREE = 0, SMS_PLACE_OPEN, SMS_PLACE_LATE };

struct smpp_msg; /* a message on its way out (smpp.h) */

struct sms_slot {
    uint32_t seq;
    uint8_t place; /* enum sms_place */
    uint8_t spare;
    uint16_t segment;        /* from 0 */
    struct smpp_msg *msg;    /* OPEN */
    uint16_t user_reference; /* its TLV of that name */
    struct hilo_id id;       /* LATE: of the message */
    uint64_t end;            /* position behind its last byte in what the connection was given */
    uint64_t to;             /* hash of its recipient, if there is a user_reference */
    int64_t due;             /* OPEN: no answer by then is none */
};

struct sms_window {
    struct sms_slot *slot; /* SMS_WINDOW_PLACES */
    uint32_t limit, open;
    uint32_t next;   /* the next number, of any PDU */
    uint32_t oldest; /* no number before this is OPEN; in the order of numbers */
};

/* false: no memory. */
bool sms_window_init(struct sms_window *, uint32_t limit);
void sms_window_done(struct sms_window *);

/* The next sequence number: for PDUs that are answered at once or not at all. */
uint32_t sms_window_sequence(struct sms_window *);
static inline uint32_t sms_window_room(const struct sms_window *w)
{
    return w->open < w->limit ? w->limit - w->open : 0;
}
/* A place for a submit with a sequence number, OPEN. There must be room. */
struct sms_slot *sms_window_take(struct sms_window *);
/* The submit with this number, OPEN or LATE, or NULL. */
struct sms_slot *sms_window_find(struct sms_window *, uint32_t seq);
void sms_window_free(struct sms_window *, struct sms_slot *);
/* Its time is over: LATE from now on. */
void sms_window_late(struct sms_window *, struct sms_slot *, struct hilo_id id);
/* The OPEN one that was taken first, or NULL. */
struct sms_slot *sms_window_oldest(struct sms_window *);
/* Forgets all; the numbers begin at 1 again, as of a new session. */
void sms_window_reset(struct sms_window *);

#endif
