/*
 * An id in text: 128 bits as 26 digits of base32, most significant first, the
 * first digit holding the upper three bits. The digits leave out I, L, O and U.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "echo.h"

#include <string.h>

static const char echo_digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
enum { ECHO_DIGITS = 26, ECHO_PREFIX = 4 };

void wa_echo_write(struct hilo_id id, char out[WA_ECHO_TEXT])
{
    unsigned i, bits = 2, at = 0; /* two zero bits in front make 130 of 128 */
    uint32_t acc = 0;
    char *o = out + ECHO_PREFIX;

    memcpy(out, "msg_", ECHO_PREFIX);
    for (i = 0; i < ECHO_DIGITS; i++) {
        while (bits < 5) {
            acc = (acc << 8 | id.b[at++]) & 0xffff;
            bits += 8;
        }
        bits -= 5;
        *o++ = echo_digits[acc >> bits & 31];
    }
    *o = 0;
}

bool wa_echo_parse(struct hilo_str text, struct hilo_id *out)
{
    struct hilo_id id;
    unsigned i, bits = 0, at = 0;
    uint32_t acc = 0;
    const char *d;
    char c;

    if (text.n != ECHO_PREFIX + ECHO_DIGITS || memcmp(text.p, "msg_", ECHO_PREFIX) != 0)
        return false;
    for (i = 0; i < ECHO_DIGITS; i++) {
        c = text.p[ECHO_PREFIX + i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        d = c ? strchr(echo_digits, c) : NULL;
        if (!d || (i == 0 && d - echo_digits > 7))
            return false;
        acc = (acc << 5 | (uint32_t)(d - echo_digits)) & 0xffff;
        bits += i == 0 ? 3 : 5;
        if (bits >= 8) {
            bits -= 8;
            id.b[at++] = (uint8_t)(acc >> bits);
        }
    }
    *out = id;
    return true;
}
