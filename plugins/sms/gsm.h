/*
 * Octets of a short message to UTF-8, by data_coding; septets packed and unpacked.
 * Encoding is hilo/segment.h's. Pure; [any] thread.
 */
#ifndef SMS_GSM_H
#define SMS_GSM_H

#include <hilo/gsm0338.h>
#include <hilo/types.h>
#include <stdbool.h>

/* How octets are written. */
enum sms_alphabet {
    SMS_ALPHABET_GSM = 1,    /* GSM 7 bit, a septet in each octet: the usual meaning of 0 */
    SMS_ALPHABET_GSM_PACKED, /* GSM 7 bit, 8 septets in 7 octets */
    SMS_ALPHABET_ASCII,      /* IA5; above 127 as Latin-1 */
    SMS_ALPHABET_LATIN1,
    SMS_ALPHABET_UCS2,  /* UTF-16, big-endian unless it begins with FF FE */
    SMS_ALPHABET_BINARY /* no text, or one that is not known here */
};

struct sms_coding {
    uint8_t alphabet; /* SMS_ALPHABET_x */
    int8_t class;     /* 0 (flash) to 3, -1: none */
};

/* What a data_coding says (SMPP 3.4, 5.2.19; TS 23.038, 4). standard: what 0, "the centre's
 * default alphabet", is there, SMS_ALPHABET_x; every GSM 7 bit is as packed as that. */
struct sms_coding sms_coding_read(uint8_t data_coding, uint8_t standard);

/* A text read. The surrogates are where UTF-16 was cut between two parts of a message
 * (MSG.PART, LOW and HIGH); the text has nothing for them. */
struct sms_text {
    struct hilo_str text; /* UTF-8, in out */
    uint16_t low;         /* the low surrogate that it began with, or 0 */
    uint16_t high;        /* the high surrogate that it ended with, or 0 */
    uint32_t bad;         /* units that mean nothing: U+FFFD for each */
};

/* Reads octets of any alphabet but BINARY into out, whose cap must be 4 * octets.n + 4.
 * header: octets of the user data header that were before octets: packed septets begin at
 * a septet's boundary after it. tables: of hilo/gsm0338.h. NUL is left out (centres
 * end texts with one). HILO_OK, or HILO_BUG: cap is too small or the alphabet binary. */
int32_t sms_text_decode(uint8_t alphabet, uint32_t tables, struct hilo_str octets, uint32_t header, char *out,
                        uint64_t cap, struct sms_text *text);

/* Packs n septets, one in each octet, after a header of so many octets (0: none): they begin at a
 * septet's boundary after it (TS 23.040, 9.2.3.24). Octets written, at most n * 7 / 8 + 3. SMPP
 * tells octets, not septets; so where 7 bits would be left over, CR fills them, and after a
 * last CR or @ that fills its octet comes a CR more (TS 23.038, 6.1.2.3.1). */
uint64_t sms_gsm_pack(const uint8_t *septets, uint64_t n, uint32_t header, uint8_t *out);
/* Unpacks the septets that octets hold after such a header into out, at most octets.n * 8 / 7;
 * how many. A last CR or @ that fills its octet is what was left over, and left out. */
uint64_t sms_gsm_unpack(struct hilo_str octets, uint32_t header, uint8_t *out);

#endif
