/*
 * Card numbers in what a terminal sends: found, so that they are refused before they are kept or
 * logged anywhere. Pure; [any] thread.
 *
 * A card number is 13 to 19 ASCII digits, alone or in groups, of a length and with a prefix that an
 * issuer's network has (pan.c lists them), whose last digit is right by Luhn's formula. Between groups
 * there may be up to three spaces (tabs, no-break and thin ones too) or dashes; other punctuation
 * (. _ / * , :) only where the groups are as a card prints them (4-4-4-4, 4-6-5 …). A group is whole:
 * a longer number that merely holds such digits is none.
 *
 * Not a card number, though its digits would do:
 *   - 13 or 14 digits right after a '+': a telephone number in E.164,
 *   - 13 digits that are right by EAN-13: a product's bar code;
 * nor, within JSON, digits of an id as the gateway and tills make them (cus_…, a UUID, 32 hexadecimal digits,
 * p-…).
 */
#ifndef POS_PAN_H
#define POS_PAN_H

#include <cjson/cJSON.h>
#include <hilo/types.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether text holds a card number; then where the first one begins and how many bytes it has, with
 * what stands between its groups. at_out and n_out may be NULL. */
bool pos_pan_find(struct hilo_str text, size_t *at_out, size_t *n_out);

/* Whether any string, name of a member or number within value is or holds one; an integer of 2^53 or more
 * counts as one, since its digits are lost by then. Then a JSON pointer (RFC 6901) to it, cut to cap with
 * its NUL; its names are the request's own, so it may stand in an answer, and in no log. */
bool pos_pan_in_json(const cJSON *value, char *pointer_out, size_t cap);

#endif
