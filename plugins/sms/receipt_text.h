/*
 * Delivery receipts: the text that SMPP 3.4, appendix B, shows and every centre writes in its
 * own way, and the TLVs that say the same. Pure; [any] thread.
 */
#ifndef SMS_RECEIPT_TEXT_H
#define SMS_RECEIPT_TEXT_H

#include <hilo/types.h>
#include <stdbool.h>

/* message_state (SMPP 3.4, 5.2.28). */
enum sms_state {
    SMS_STATE_NONE,
    SMS_STATE_ENROUTE,
    SMS_STATE_DELIVERED,
    SMS_STATE_EXPIRED,
    SMS_STATE_DELETED,
    SMS_STATE_UNDELIVERABLE,
    SMS_STATE_ACCEPTED,
    SMS_STATE_UNKNOWN,
    SMS_STATE_REJECTED
};

enum { SMS_ID_SPELLINGS_MAX = 8, SMS_ID_MAX = 65 };

/* What a receipt says. Strings point into its text or TLVs; absent is empty; but for .text they
 * are no longer than SMS_ID_MAX + 1, however long a message_payload is. */
struct sms_receipt {
    struct hilo_str id;                     /* of the message, as the centre writes it here */
    struct hilo_str stat;                   /* the state in its words */
    struct hilo_str err;                    /* its code, not always a number; "000" and "0" are none: empty */
    struct hilo_str submit_date, done_date; /* sms_date_read, in date.h */
    struct hilo_str text;                   /* the first characters of the message; nothing to rely on */
    uint32_t state;                         /* SMS_STATE_x; NONE: neither told nor known */
    uint32_t sub, dlvrd;                    /* how many; UINT32_MAX: not told */
    uint32_t network_type, network_error;   /* TLV network_error_code; type 0: not told */
};

/* Reads a receipt. text: short_message, or message_payload where that is empty, as it is on
 * the wire (ASCII for what is read here). tlvs: of the PDU; what they tell (receipted_message_id,
 * message_state, network_error_code) is believed before the text. False: there is no id
 * in either, or one longer than SMS_ID_MAX: it is no receipt that can be matched. */
bool sms_receipt_read(struct hilo_str text, struct hilo_str tlvs, struct sms_receipt *out);

/* The HILO_STATUS_x that a state is: delivered; failed (undeliverable, rejected); expired;
 * canceled (deleted); sent (en route, accepted, unknown: nothing is known to be wrong). 0: of NONE. */
uint32_t sms_state_status(uint32_t state);
/* Whether nothing follows it: delivered, expired, deleted, undeliverable, rejected. */
bool sms_state_final(uint32_t state);
/* A machine-readable reason for a state that is a failure, "undeliverable"; else "". */
const char *sms_state_reason(uint32_t state);

/* Other ways to write the id that a receipt has, likeliest first, without the id itself and
 * without doubles: in the other case; as the same number in the other base (a centre may answer
 * a submit_sm in hexadecimal and write its receipts in decimal, or the other way round);
 * without leading zeros; with them, to 8 digits of hexadecimal and 10 of decimal. They are in
 * buf; how many. None of an id longer than SMS_ID_MAX. */
unsigned sms_id_spellings(struct hilo_str id, char buf[SMS_ID_SPELLINGS_MAX][SMS_ID_MAX],
                          struct hilo_str out[SMS_ID_SPELLINGS_MAX]);

#endif
