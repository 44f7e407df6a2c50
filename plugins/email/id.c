/*
 * 128 bits are 25 groups of five and one of three, which is the first.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "id.h"

#include <string.h>

static const char id_letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void id_write(const char *prefix, struct hilo_id id, char out[ID_TEXT_MAX])
{
    unsigned bits = 2, value = 0, i; /* two zeros before the first */
    char *p = out + 4;

    memcpy(out, prefix, 3);
    out[3] = '_';
    for (i = 0; i < sizeof id.b; i++) {
        value = (value << 8 | id.b[i]) & 0xfff;
        for (bits += 8; bits >= 5; bits -= 5)
            *p++ = id_letters[value >> (bits - 5) & 31];
    }
    *p = '\0';
}

bool id_read(const char *prefix, struct hilo_str s, struct hilo_id *out)
{
    unsigned bits = 0, value = 0, n = 0, i;
    struct hilo_id id;
    const char *at;

    if (s.n != ID_TEXT_MAX - 1 || memcmp(s.p, prefix, 3) != 0 || s.p[3] != '_' || s.p[4] > '7')
        return false;
    for (i = 4; i < ID_TEXT_MAX - 1; i++) {
        at = s.p[i] ? strchr(id_letters, s.p[i]) : NULL;
        if (!at)
            return false;
        value = (value << 5 | (unsigned)(at - id_letters)) & 0xfff;
        bits += i == 4 ? 3 : 5;
        if (bits >= 8) {
            bits -= 8;
            id.b[n++] = (uint8_t)(value >> bits);
        }
    }
    *out = id;
    return true;
}

bool id_text_good(const char *prefix, const char *text)
{
    return strlen(text) == ID_TEXT_MAX - 1 && strncmp(text, prefix, 3) == 0 && text[3] == '_' &&
           strspn(text + 4, id_letters) == ID_TEXT_MAX - 5;
}

bool id_is_none(struct hilo_id id)
{
    static const struct hilo_id none;

    return memcmp(&id, &none, sizeof id) == 0;
}
