/* Addresses of people: checked, and brought to the one form that is stored. [any] */
#ifndef MODEL_ADDRESS_H
#define MODEL_ADDRESS_H

#include "base/err.h"
#include <hilo/types.h>
#include <stdbool.h>
#include <stddef.h>

/* Room for any normalised address with its NUL. */
enum { ADDRESS_PHONE = 17, ADDRESS_EMAIL = 256, ADDRESS_DOCUMENT = 48, ADDRESS_VARIANTS = 4 };

/* "+" and 8 to 15 digits, the first not 0 (ITU-T E.164): the stored form. */
bool address_e164(struct hilo_str);

/* A phone number as people write it, to E.164: "+57 (300) 111-2233", "0057 300 …".
 * It must be international; a national number is refused, for the country would be a
 * guess. HILO_OK, or HILO_INVALID with words. */
int32_t address_phone(struct hilo_str, char out[ADDRESS_PHONE], struct err *);

/* Whether it has the shape of RFC 5321's mailboxes in daily use: a local part of at
 * most 64 bytes without quotes, "@", a domain of at least two labels, 254 bytes in
 * all. Letters beyond ASCII are allowed (RFC 6531). */
bool address_email(struct hilo_str);
/* To write to: the domain in lower case, the local part as it is. */
int32_t address_email_normal(struct hilo_str, char out[ADDRESS_EMAIL], struct err *);
/* To find a person by: all in lower case. */
int32_t address_email_identity(struct hilo_str, char out[ADDRESS_EMAIL], struct err *);

/* "COUNTRY:TYPE:NUMBER", country by ISO 3166-1 alpha-2 ("co:cc:1.020.304-050"): to
 * capitals, without dots, dashes, spaces or leading zeros in the number. */
int32_t address_document(struct hilo_str, char out[ADDRESS_DOCUMENT], struct err *);

/* The forms under which the owner of an E.164 number may be known where WhatsApp is
 * concerned, the canonical (E.164 as dialled today) first. 1 to ADDRESS_VARIANTS;
 * 0 if it is not E.164. */
size_t address_whatsapp_variants(struct hilo_str e164, char out[ADDRESS_VARIANTS][ADDRESS_PHONE]);

/* WhatsApp's wa_id (digits) to the canonical E.164. HILO_INVALID if it is none. */
int32_t address_whatsapp_e164(struct hilo_str wa_id, char out[ADDRESS_PHONE], struct err *);

#endif
