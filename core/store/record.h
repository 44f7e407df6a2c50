/*
 * Records and event bodies as structs: declared by X-macro from records.def and
 * events.def, packed as fields (hilo/message.h). [any]
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "base/err.h"
#include "base/buf.h"
#include <hilo/message.h>
#include <stdbool.h>

enum rec_type { REC_U64 = 1, REC_ID, REC_STR };
struct rec_field {
    uint32_t tag;
    uint16_t type, offset;
    const char *name;
};
/* What describes a record or an event's body. */
struct rec_desc {
    const char *name;
    uint32_t number; /* of an event; 0 for a record */
    uint32_t n;
    size_t bytes; /* of the struct */
    const struct rec_field *field;
};

#define REC_C_U64 uint64_t
#define REC_C_ID  struct hilo_id
#define REC_C_STR struct hilo_str

#define RECORD(record)                        struct rec_##record {
#define RECORD_FIELD(record, tag, type, name) REC_C_##type name;
#define RECORD_END(record)                                                                                   \
    }                                                                                                        \
    ;                                                                                                        \
    extern const struct rec_desc rec_desc_##record;
#include "store/records.def"

#define EVENT(event, number, text)          struct ev_##event {
#define EVENT_FIELD(event, tag, type, name) REC_C_##type name;
#define EVENT_END(event)                                                                                     \
    }                                                                                                        \
    ;                                                                                                        \
    extern const struct rec_desc ev_desc_##event;
#include "store/events.def"

#define EVENT(event, number, text) EVENT_##event = (number),
enum event_type {
#include "store/events.def"
    EVENT__END
};
/* By number; NULL for an unknown one. */
const struct rec_desc *event_desc(uint32_t number);

/* Where an outbound message stands. */
enum {
    PLACE_NONE = 0,
    PLACE_WAITING = 1,
    PLACE_DUE = 2,
    PLACE_IN_FLIGHT = 3,
    PLACE_HELD = 4,
    PLACE_SCHEDULED = 5
};
/* Its place in the order of its conversation, which it takes when it is accepted or, if it was
 * scheduled, when it is due. */
static inline uint64_t rec_message_turn(const struct rec_message *m)
{
    return m->turn ? m->turn : m->number;
}
/* It stands in the timeline and nowhere else: no channel carries it. */
static inline bool rec_message_entry(const struct rec_message *m)
{
    return m->kind == HILO_KIND_NOTE || m->kind == HILO_KIND_CALL;
}
enum { POLICY_HOLD = 0, POLICY_RESEND = 1 };
/* Kinds of callbacks: the bits of Kannel's dlr-mask. CALLBACK_TOLD: how far above the kinds wanted
 * those come to stand in rec_message.asked. */
enum {
    CALLBACK_DELIVERED = 1,
    CALLBACK_FAILED = 2,
    CALLBACK_WAITS = 4, /* at the SMSC */
    CALLBACK_TAKEN = 8,
    CALLBACK_REFUSED = 16,
    CALLBACK_KINDS = 31,
    CALLBACK_TOLD = 8
};
enum { CASE_OPEN = 1, CASE_PENDING = 2, CASE_CLOSED = 3 };
/* What a customer said of a category, of where, and how it became known. */
enum { CONSENT_GRANTED = 1, CONSENT_DENIED = 2 };
enum { CONSENT_ALL = 1, CONSENT_TYPE = 2, CONSENT_CHANNEL = 3 };
enum {
    CONSENT_BY_WORD = 1,
    CONSENT_BY_API = 2,
    CONSENT_BY_CLI = 3,
    CONSENT_BY_PROVIDER = 4,
    CONSENT_BY_LINK = 5
};
/* By what a person was looked up. */
enum {
    LOOKUP_DOCUMENT = 1,
    LOOKUP_PHONE = 2,
    LOOKUP_EMAIL = 3,
    LOOKUP_LOYALTY = 4,
    LOOKUP_CUSTOMER = 5,
    LOOKUP_APPOINTMENT = 6,
    LOOKUP_ORDER = 7,
    LOOKUP_CASE = 8
};
/* Where an appointment stands; the first three are open, as is its code. */
enum {
    APPOINTMENT_BOOKED = 1,
    APPOINTMENT_CONFIRMED = 2,
    APPOINTMENT_CHECKED_IN = 3,
    APPOINTMENT_COMPLETED = 4,
    APPOINTMENT_CANCELED = 5,
    APPOINTMENT_NO_SHOW = 6
};
static inline bool appointment_is_open(uint64_t status)
{
    return status >= APPOINTMENT_BOOKED && status <= APPOINTMENT_CHECKED_IN;
}
/* What appointment.changed changed. */
enum {
    APPOINTMENT_SET_TIME = 1,
    APPOINTMENT_SET_STATUS = 2,
    APPOINTMENT_SET_DETAILS = 4,
    APPOINTMENT_SET_ANSWER = 8
};
enum { APPOINTMENT_ANSWER_CONFIRM = 1, APPOINTMENT_ANSWER_CHANGE = 2, APPOINTMENT_ANSWER_CANCEL = 3 };
enum { NOTICE_CONFIRMATION = 1, NOTICE_REMINDER = 2, NOTICE_CANCELLATION = 3 };
/* What became of a wish. LAPSED: it was offered, and is held no longer. */
enum { WISH_WAITING = 1, WISH_OFFERED = 2, WISH_FULFILLED = 3, WISH_LAPSED = 4, WISH_CANCELED = 5 };
enum { DEAL_VISIT = 1, DEAL_SALE = 2 };
/* Calls. A status follows on one that stands before it, and nothing follows on the last two. */
enum { CALL_INBOUND = 1, CALL_OUTBOUND = 2 };
enum {
    CALL_RINGING = 1,
    CALL_ANSWERED = 2,
    CALL_OFFERED = 3,
    CALL_TRANSFERRED = 4,
    CALL_ENDED = 5,
    CALL_BROKEN = 6
};
static inline bool call_is_open(uint64_t status)
{
    return status >= CALL_RINGING && status <= CALL_TRANSFERRED;
}
/* What call.changed changed. */
enum { CALL_SET_STATUS = 1, CALL_SET_CUSTOMER = 2, CALL_SET_CASE = 4, CALL_SET_DETAILS = 8 };
enum { CALL_CONSENT_GRANTED = 1, CALL_CONSENT_DENIED = 2, CALL_CONSENT_ANNOUNCED = 3 };
enum { MEDIA_PENDING = 1, MEDIA_STORED = 2, MEDIA_FAILED = 3 };

/* Appends obj's fields that are not zero or empty. */
void rec_pack(const struct rec_desc *, const void *obj, struct hilo_writer *);
/* Fills obj (zeroed first). Strings point into bytes. HILO_CORRUPT if the bytes are no
 * fields, or a value has the wrong form; unknown tags are skipped, and of a field that
 * comes twice the first counts. */
int32_t rec_unpack(const struct rec_desc *, struct hilo_str bytes, void *obj, struct err *);
/* "name=value" of each field for people; ids in hex, bytes that are no text in hex. */
void rec_dump(const struct rec_desc *, const void *obj, struct buf *out);

#endif
