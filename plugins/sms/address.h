/*
 * Addresses of SMPP: TON and NPI for a number, a short code or a name, by rules that an
 * operator may change, and back. Pure; [any] thread.
 */
#ifndef SMS_ADDRESS_H
#define SMS_ADDRESS_H

#include <hilo/types.h>
#include <stdbool.h>

/* Type of number and numbering plan (SMPP 3.4, 5.2.5, 5.2.6). */
enum {
    SMS_TON_UNKNOWN = 0,
    SMS_TON_INTERNATIONAL = 1,
    SMS_TON_NATIONAL = 2,
    SMS_TON_NETWORK = 3, /* short codes */
    SMS_TON_SUBSCRIBER = 4,
    SMS_TON_ALPHANUMERIC = 5,
    SMS_TON_ABBREVIATED = 6,
    SMS_NPI_UNKNOWN = 0,
    SMS_NPI_E164 = 1,
    SMS_NPI_NATIONAL = 8,
    SMS_NPI_PRIVATE = 9
};
enum { SMS_ADDRESS_MAX = 80, SMS_ADDRESS_RULES_MAX = 32, SMS_ALPHANUMERIC_MAX = 11 };

/* What a rule is for. */
enum sms_address_match {
    SMS_MATCH_PREFIX, /* an address, as it is written in the configuration, that begins so */
    SMS_MATCH_PLUS,   /* "+": E.164, a plus sign and 7 to 15 digits */
    SMS_MATCH_SHORT,  /* "short": up to 8 digits */
    SMS_MATCH_NUMBER, /* "number": 9 digits and more without a plus sign */
    SMS_MATCH_NAME    /* "name": anything with another character than digits */
};

struct sms_address_rule {
    struct hilo_str prefix; /* PREFIX: points into what was parsed */
    uint8_t match, ton, npi;
    uint8_t strip; /* so many characters of its beginning are not sent, a plus sign among them */
};
struct sms_address_rules {
    struct sms_address_rule rule[SMS_ADDRESS_RULES_MAX];
    uint32_t n;
};

/* Reads rules "PATTERN=TON/NPI" or "PATTERN=TON/NPI/STRIP", separated by commas or spaces:
 * "short=6/9, +56=2/1/3, 600=3/0". A pattern is +, short, number, name, or what an address
 * begins with. Of those that fit the longest beginning counts, then the kind; where none
 * does, the usual: +=1/1, short=3/0, number=1/1, name=5/0. STRIP is 1 if it is not given and the
 * pattern begins with a plus sign, else 0. NULL, or what is wrong, for an operator; static.
 * Beginnings point into text. */
const char *sms_address_rules_read(struct hilo_str text, struct sms_address_rules *out);

struct sms_address {
    uint8_t ton, npi;
    struct hilo_str addr; /* as on the wire: a view of what was given */
};

/* The address of a sender or recipient. NULL and *out, or what is wrong with it, static: a
 * number has at most 15 digits, a name 11 characters of the GSM alphabet that
 * are ASCII too. */
const char *sms_address_write(struct hilo_str address, const struct sms_address_rules *,
                              struct sms_address *out);

/* The address that a PDU has, in our form, into out: E.164 with its plus sign where it is
 * known to be that (international; national, if country is given, digits without plus sign;
 * of an unknown type 9 digits and more), else as it is (short codes, names), without what
 * is not printable ASCII. Its length; 0: there is none. */
unsigned sms_address_read(uint8_t ton, uint8_t npi, struct hilo_str addr, struct hilo_str country,
                          char out[SMS_ADDRESS_MAX]);

#endif
