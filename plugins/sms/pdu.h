/*
 * SMPP 3.4 PDUs: bytes to views of their fields and back, by the one table in pdu.def.
 *
 * Nothing is copied when a PDU is read: strings point into its bytes. Nothing is allocated.
 * What a peer sends is taken as far as it makes sense and what was odd is told in
 * .faults; what we write keeps every limit. Pure; [any] thread.
 */
#ifndef SMS_PDU_H
#define SMS_PDU_H

#include <hilo/types.h>
#include <stdbool.h>

#define SMS_PDU(name, id, layout, text) SMS_##name = (id),
enum sms_command {
#include "pdu.def"
    SMS_RESP = 0x80000000u /* the bit that makes a command's id its response's */
};
enum {
    SMS_HEADER = 16,                /* octets before the body */
    SMS_PDU_MAX = (64 << 10) + 512, /* the longest taken: a message_payload and the rest */
    SMS_SEQUENCE_MAX = 0x7fffffff,
    SMS_SHORT_MESSAGE_MAX = 254
};

/* Bits of sms_pdu.faults: against the specification, and taken all the same. */
enum {
    SMS_FAULT_LONG = 1,   /* a string is longer than it may be */
    SMS_FAULT_NO_NUL = 2, /* of a response: its last string ends where the PDU does */
    SMS_FAULT_TLV = 4,    /* what follows the mandatory fields is no TLV; .tlvs ends before it */
    SMS_FAULT_SHORT = 8   /* of a response: fields are missing, as of one that is a header only */
};

/* A PDU. Which of the fields it has, pdu.def says by its command; others are zero. */
struct sms_pdu {
    uint32_t command_id;     /* SMS_x */
    uint32_t command_status; /* status.h; 0 in requests */
    uint32_t sequence;       /* 1 to SMS_SEQUENCE_MAX; a response has its request's */
    uint32_t faults;         /* read: SMS_FAULT_x */

    struct hilo_str system_id, password, system_type, address_range; /* binds */
    struct hilo_str service_type;
    struct hilo_str source_addr, destination_addr, esme_addr;
    struct hilo_str schedule_delivery_time, validity_period, final_date; /* date.h; empty: none */
    struct hilo_str message_id;
    struct hilo_str short_message; /* may hold NUL */
    struct hilo_str dests;         /* submit_multi(_resp): n_dests of them, as they are on the wire */
    struct hilo_str tlvs;          /* as they are on the wire; sms_tlv_… reads them */

    uint8_t interface_version, addr_ton, addr_npi; /* binds */
    uint8_t source_addr_ton, source_addr_npi, dest_addr_ton, dest_addr_npi, esme_addr_ton, esme_addr_npi;
    uint8_t esm_class, protocol_id, priority_flag, registered_delivery, replace_if_present_flag;
    uint8_t data_coding, sm_default_msg_id, message_state, error_code, n_dests;
    uint8_t spare[5];
};

/* "submit_sm", or "?" for an id that SMPP 3.4 has not. */
const char *sms_command_name(uint32_t command_id);

/* How many of the n bytes received are the first PDU: 0, more must come; -1, its length
 * is below SMS_HEADER or above max: the peer lost its place, close. */
int64_t sms_pdu_length(const void *bytes, uint64_t n, uint32_t max);

/* Reads one PDU, all of its bytes and no more. HILO_OK; HILO_NOSUP: its id is unknown (answer
 * generic_nack with SMS_RINVCMDID); HILO_INVALID: a request whose fields end before they
 * should (answer its response with SMS_RINVCMDLEN). With these two, command_id, status and
 * sequence are there. HILO_BUG: n is not its length. */
int32_t sms_pdu_decode(const void *bytes, uint64_t n, struct sms_pdu *out);

/* Where PDUs are written, one after another. Nothing is written beyond cap, ever. */
struct sms_out {
    uint8_t *p;
    uint64_t cap, n;
    uint64_t start; /* of the last PDU in p */
};

/* Appends a PDU. HILO_OK; HILO_FULL: it does not fit into cap; HILO_INVALID: a string is longer
 * than it may be or holds NUL, short_message is above SMS_SHORT_MESSAGE_MAX, or the id
 * is unknown. Unless HILO_OK, *out is as it was. .tlvs are written as they are. */
int32_t sms_pdu_encode(const struct sms_pdu *, struct sms_out *out);

/* The response to a request: an encoded header, with an empty message_id where it has one.
 * Of an unknown command: generic_nack. 0 is no status of a generic_nack. */
int32_t sms_pdu_answer(const struct sms_pdu *request, uint32_t status, struct sms_out *out);

/* ---- optional parameters ------------------------------------------------------------ */

/* TLVs that we know (5.3.2), with their type; others are passed by. */
#define SMS_TLVS(X)                                                                                          \
    X(DEST_ADDR_SUBUNIT, 0x0005, INT)                                                                        \
    X(PAYLOAD_TYPE, 0x0019, INT)                                                                             \
    X(ADDITIONAL_STATUS_INFO_TEXT, 0x001d, STR)                                                              \
    X(RECEIPTED_MESSAGE_ID, 0x001e, STR)                                                                     \
    X(USER_MESSAGE_REFERENCE, 0x0204, INT)                                                                   \
    X(SOURCE_PORT, 0x020a, INT)                                                                              \
    X(DESTINATION_PORT, 0x020b, INT)                                                                         \
    X(SAR_MSG_REF_NUM, 0x020c, INT)                                                                          \
    X(LANGUAGE_INDICATOR, 0x020d, INT)                                                                       \
    X(SAR_TOTAL_SEGMENTS, 0x020e, INT)                                                                       \
    X(SAR_SEGMENT_SEQNUM, 0x020f, INT)                                                                       \
    X(SC_INTERFACE_VERSION, 0x0210, INT)                                                                     \
    X(CALLBACK_NUM, 0x0381, OCTETS)                                                                          \
    X(MS_AVAILABILITY_STATUS, 0x0422, INT)                                                                   \
    X(NETWORK_ERROR_CODE, 0x0423, OCTETS)                                                                    \
    X(MESSAGE_PAYLOAD, 0x0424, OCTETS)                                                                       \
    X(DELIVERY_FAILURE_REASON, 0x0425, INT)                                                                  \
    X(MORE_MESSAGES_TO_SEND, 0x0426, INT)                                                                    \
    X(MESSAGE_STATE, 0x0427, INT)                                                                            \
    X(CONGESTION_STATE, 0x0428, INT)
#define SMS_TLV_ENUM(name, tag, type) SMS_TLV_##name = (tag),
enum sms_tlv_tag { SMS_TLVS(SMS_TLV_ENUM) SMS_TLV__END };
#undef SMS_TLV_ENUM

/* Takes the next TLV off *rest: 1, and *rest moved on; 0: there is none; -1: what is left
 * is none. */
int sms_tlv_next(struct hilo_str *rest, uint16_t *tag, struct hilo_str *value);
/* The first TLV with this tag. Of one of type STR without the NUL at its end. False: absent. */
bool sms_tlv_find(struct hilo_str tlvs, uint16_t tag, struct hilo_str *value);
/* Likewise a number of 1 to 4 octets, however many the peer took for it. */
bool sms_tlv_int(struct hilo_str tlvs, uint16_t tag, uint32_t *value);
/* Appends a TLV to the PDU written last. HILO_OK, or HILO_FULL, and nothing was written; then
 * the PDU is to be taken back by out->n = out->start. size: of the number, 1, 2 or 4. A STR
 * is written with a NUL. */
int32_t sms_tlv_put(struct sms_out *, uint16_t tag, struct hilo_str value);
int32_t sms_tlv_put_int(struct sms_out *, uint16_t tag, uint32_t value, unsigned size);

#endif
