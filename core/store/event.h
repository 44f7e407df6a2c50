/*
 * An event: one change, as it stands in the journal. The layout on disk is that
 * of struct event_head, little-endian, then the body (fields as in
 * hilo/message.h, by store/events.def), then zeros up to a multiple of 8.
 */
#ifndef STORE_EVENT_H
#define STORE_EVENT_H

#include <hilo/types.h>

/* Where an event's head starts: segment number << 32 | byte offset in the segment
 * file. 0 is "nowhere". Positions grow with time. */
typedef uint64_t position;
#define POSITION(segment, offset) ((position)(segment) << 32 | (uint32_t)(offset))
#define POSITION_SEGMENT(p)       ((uint32_t)((p) >> 32))
#define POSITION_OFFSET(p)        ((uint32_t)(p))

enum event_actor {
    ACTOR_CORE = 1,    /* the gateway by itself; id is none */
    ACTOR_KEY = 2,     /* an API key; its id */
    ACTOR_CONTROL = 3, /* the control socket; the uid in the id's last four bytes */
    ACTOR_CHANNEL = 4  /* a channel's plugin; id is none where the body names the channel, else (a
                          request from within) half of the SHA-256 of its name */
};

/* In flags: news of a message that left its status as it was (of one part of it, or overtaken). No
 * part of the change: apply doesn't look at it. */
enum { EVENT_QUIET = 1 };

struct event_head {
    uint32_t bytes;  /* head and body, without the padding */
    uint32_t crc;    /* CRC32C of what follows it, body included */
    uint16_t type;   /* EVENT_x of events.def */
    uint8_t version; /* of the body's form, from 1 */
    uint8_t flags;   /* EVENT_QUIET or 0 */
    uint8_t actor_kind;
    uint8_t spare[3];
    uint64_t seq;    /* from 1, without gaps */
    int64_t time_us; /* Unix, UTC */
    struct hilo_id actor;
    struct hilo_id cause; /* trace id of the request (W3C traceparent) or none */
};
_Static_assert(sizeof(struct event_head) == 64, "layout on disk");

struct event {
    struct event_head head;
    position at;
    struct hilo_str body;
};

#endif
