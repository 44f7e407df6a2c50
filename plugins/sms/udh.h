/* User data headers of SMS (3GPP TS 23.040, 9.2.3.24). Pure; [any] thread. */
#ifndef SMS_UDH_H
#define SMS_UDH_H

#include <hilo/gsm0338.h>
#include <hilo/types.h>
#include <stdbool.h>

enum { SMS_UDH_MAX = 32 }; /* octets that sms_udh_write needs at most */

struct sms_udh {
    uint32_t octets;      /* of the whole header, its length octet included; 0: none */
    uint16_t ref;         /* of a concatenated message's parts */
    uint8_t ref_octets;   /* 1 or 2; 0: it is not one of several */
    uint8_t total, index; /* 1 to 255; index from 1 to total */
    uint8_t has_ports;
    uint16_t destination_port, source_port;
    uint8_t single_shift, locking_shift; /* national language identifiers; 0: default tables */
    uint8_t faults; /* 1: an element reaches beyond the header; what is before it counts */
};

/* Reads the header at the start of a message's octets. HILO_OK; HILO_INVALID: its length
 * reaches beyond them, so where the text begins is not known. Elements that are
 * unknown, or of a wrong length, or parts numbered 0 or beyond their total, are passed by
 * (9.2.3.24: an element that makes no sense is ignored); of two alike the last counts. */
int32_t sms_udh_read(struct hilo_str octets, struct sms_udh *out);

/* Writes one and returns its octets; 0 if there is nothing to say in it. .octets and .faults
 * are not looked at. */
unsigned sms_udh_write(const struct sms_udh *, uint8_t out[SMS_UDH_MAX]);

/* The tables of hilo/gsm0338.h that language identifiers name. Those of other languages are not
 * there: *unknown tells that characters may read wrong. */
uint32_t sms_udh_tables(const struct sms_udh *, bool *unknown);
/* And back: sets .single_shift and .locking_shift. */
void sms_udh_set_tables(struct sms_udh *, uint32_t tables);

#endif
