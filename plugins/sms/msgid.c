/*
 * 128 bits as 26 digits of 5 bits, most significant first; the first digit has the upper three
 * bits. No I, L, O and U among the digits.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "msgid.h"

#include <string.h>

static const char msgid_digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
enum { MSGID_DIGITS = 26, MSGID_PREFIX = 4, MSGID_BITS = 130 };

/* Of the 130 bits, two zeros before 128: where the last bit of a digit is, from the end. */
static unsigned msgid_shift(unsigned digit)
{
    return MSGID_BITS - 5 * (digit + 1);
}

void sms_msgid_write(struct hilo_id id, char out[SMS_MSGID_TEXT])
{
    unsigned i, k, shift, v;

    memcpy(out, "msg_", MSGID_PREFIX);
    for (i = 0; i < MSGID_DIGITS; i++) {
        shift = msgid_shift(i);
        for (v = 0, k = 0; k < 5; k++)
            if (shift + k < 128)
                v |= (id.b[15 - (shift + k) / 8] >> (shift + k) % 8 & 1u) << k;
        out[MSGID_PREFIX + i] = msgid_digits[v];
    }
    out[MSGID_PREFIX + MSGID_DIGITS] = '\0';
}

bool sms_msgid_read(struct hilo_str text, struct hilo_id *out)
{
    struct hilo_id id = {{0}};
    unsigned i, k, shift, v;
    const char *at;
    char c;

    if (text.n != MSGID_PREFIX + MSGID_DIGITS || memcmp(text.p, "msg_", MSGID_PREFIX) != 0)
        return false;
    for (i = 0; i < MSGID_DIGITS; i++) {
        c = text.p[MSGID_PREFIX + i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        at = c ? strchr(msgid_digits, c) : NULL;
        if (!at)
            return false;
        v = (unsigned)(at - msgid_digits);
        shift = msgid_shift(i);
        for (k = 0; k < 5; k++) {
            if (shift + k < 128)
                id.b[15 - (shift + k) / 8] |= (uint8_t)((v >> k & 1u) << (shift + k) % 8);
            else if (v >> k & 1u)
                return false;
        }
    }
    *out = id;
    return true;
}
