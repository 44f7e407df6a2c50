/*
 * Octets of a short message to UTF-8. What can't be read becomes U+FFFD and is counted; nothing
 * is refused, as a customer wrote it.
 *
 * Limits: JIS, Cyrillic, Hebrew and Korean (data_coding 5 to 7, 9 to 14) are BINARY; of
 * national tables, those of hilo/gsm0338.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gsm.h"

#include <string.h>

struct sms_coding sms_coding_read(uint8_t data_coding, uint8_t standard)
{
    static const uint8_t smpp[16] = {
        [1] = SMS_ALPHABET_ASCII,   [2] = SMS_ALPHABET_BINARY,  [3] = SMS_ALPHABET_LATIN1,
        [4] = SMS_ALPHABET_BINARY,  [5] = SMS_ALPHABET_BINARY,  [6] = SMS_ALPHABET_BINARY,
        [7] = SMS_ALPHABET_BINARY,  [8] = SMS_ALPHABET_UCS2,    [9] = SMS_ALPHABET_BINARY,
        [10] = SMS_ALPHABET_BINARY, [13] = SMS_ALPHABET_BINARY, [14] = SMS_ALPHABET_BINARY};
    const uint8_t gsm = standard == SMS_ALPHABET_GSM_PACKED ? SMS_ALPHABET_GSM_PACKED : SMS_ALPHABET_GSM;
    const uint8_t general[4] = {gsm, SMS_ALPHABET_BINARY, SMS_ALPHABET_UCS2, gsm};
    const int8_t class = (int8_t)(data_coding & 3);

    if (data_coding < 0x10) /* SMPP's own; reserved ones and 0 are the centre's default */
        return (struct sms_coding){smpp[data_coding] ? smpp[data_coding] : standard, -1};
    if (data_coding < 0x80) /* TS 23.038, general data coding; bit 5: compressed */
        return (struct sms_coding){data_coding & 0x20 ? SMS_ALPHABET_BINARY : general[data_coding >> 2 & 3],
                                   data_coding & 0x10 ? class : (int8_t)-1};
    if (data_coding < 0xc0)
        return (struct sms_coding){standard, -1};
    if (data_coding < 0xe0) /* message waiting */
        return (struct sms_coding){gsm, -1};
    if (data_coding < 0xf0)
        return (struct sms_coding){SMS_ALPHABET_UCS2, -1};
    return (struct sms_coding){data_coding & 4 ? SMS_ALPHABET_BINARY : gsm, class};
}

/* ---- packed septets ----------------------------------------------------------------- */

/* Bits between a header and the first septet. */
static uint64_t fill_bits(uint32_t header)
{
    return (7 - (uint64_t)header * 8 % 7) % 7;
}

static bool may_be_filler(uint8_t septet)
{
    return septet == '\r' || septet == 0;
}

/* The septet that begins at a bit of octets, which hold it. */
static uint8_t septet_at(const uint8_t *octets, uint64_t bit)
{
    unsigned shift = bit & 7, v = (unsigned)octets[bit >> 3] >> shift;

    if (shift > 1)
        v |= (unsigned)octets[(bit >> 3) + 1] << (8 - shift);
    return v & 0x7f;
}

/* How many septets there are in n octets after a header, without one that fills up. */
static uint64_t septets_in(const uint8_t *octets, uint64_t n, uint32_t header)
{
    uint64_t fill = fill_bits(header), bits = n * 8, septets;

    if (bits < fill + 7)
        return 0;
    septets = (bits - fill) / 7;
    if (fill + septets * 7 == bits && may_be_filler(septet_at(octets, bits - 7)))
        septets--;
    return septets;
}

/* Puts a septet at a bit; returns where the next one goes. The octet that it begins in was
 * begun before, or begins with it. */
static uint64_t put_septet(uint8_t *out, uint64_t bit, uint8_t septet)
{
    unsigned shift = bit & 7, v = (septet & 0x7fu) << shift;
    uint8_t *p = out + (bit >> 3);

    p[0] = (uint8_t)(shift ? p[0] | v : v);
    if (shift > 1)
        p[1] = (uint8_t)(v >> 8);
    return bit + 7;
}

uint64_t sms_gsm_pack(const uint8_t *septets, uint64_t n, uint32_t header, uint8_t *out)
{
    uint64_t bit = fill_bits(header), i;

    if (n == 0)
        return 0;
    out[0] = 0;
    for (i = 0; i < n; i++)
        bit = put_septet(out, bit, septets[i]);
    if (bit % 8 == 1 || (bit % 8 == 0 && may_be_filler(septets[n - 1])))
        bit = put_septet(out, bit, '\r');
    return (bit + 7) / 8;
}

uint64_t sms_gsm_unpack(struct hilo_str octets, uint32_t header, uint8_t *out)
{
    const uint8_t *p = (const uint8_t *)octets.p;
    uint64_t n = septets_in(p, octets.n, header), i;

    for (i = 0; i < n; i++)
        out[i] = septet_at(p, fill_bits(header) + i * 7);
    return n;
}

/* ---- to UTF-8 ----------------------------------------------------------------------- */

static char *put_char(char *p, uint32_t cp)
{
    if (cp == 0)
        return p;
    if (cp < 0x80) {
        *p++ = (char)cp;
        return p;
    }
    if (cp < 0x800) {
        *p++ = (char)(0xc0 | cp >> 6);
    } else {
        if (cp < 0x10000) {
            *p++ = (char)(0xe0 | cp >> 12);
        } else {
            *p++ = (char)(0xf0 | cp >> 18);
            *p++ = (char)(0x80 | (cp >> 12 & 0x3f));
        }
        *p++ = (char)(0x80 | (cp >> 6 & 0x3f));
    }
    *p++ = (char)(0x80 | (cp & 0x3f));
    return p;
}

static char *put_bad(char *p, struct sms_text *text)
{
    text->bad++;
    return put_char(p, 0xfffd);
}

static char *decode_gsm(struct hilo_str octets, bool packed, uint32_t header, uint32_t tables, char *out,
                        struct sms_text *text)
{
    const uint8_t *p = (const uint8_t *)octets.p;
    uint64_t n = packed ? septets_in(p, octets.n, header) : octets.n, i;
    int esc = 0;

    for (i = 0; i < n; i++) {
        uint8_t septet = packed ? septet_at(p, fill_bits(header) + i * 7) : p[i];

        if (septet == HILO_GSM_ESC && !esc) {
            esc = 1;
            continue;
        }
        out = septet & 0x80 ? put_bad(out, text) : put_char(out, hilo_gsm_get(tables, septet, esc));
        esc = 0;
    }
    return esc ? put_bad(out, text) : out;
}

static char *decode_utf16(struct hilo_str octets, char *out, struct sms_text *text)
{
    const uint8_t *p = (const uint8_t *)octets.p;
    const uint64_t n = octets.n / 2;
    unsigned high_at = 0, unit, next;
    uint64_t i = 0;

    /* A byte order mark is no text. */
    if (n && ((p[0] == 0xfe && p[1] == 0xff) || (p[0] == 0xff && p[1] == 0xfe))) {
        high_at = p[0] == 0xff;
        i = 1;
    }
    for (; i < n; i++) {
        unit = (unsigned)p[2 * i + high_at] << 8 | p[2 * i + 1 - high_at];
        next = i + 1 < n ? (unsigned)p[2 * i + 2 + high_at] << 8 | p[2 * i + 3 - high_at] : 0;
        if (unit < 0xd800 || unit > 0xdfff) {
            out = put_char(out, unit);
        } else if (unit < 0xdc00 && next >= 0xdc00 && next <= 0xdfff) {
            out = put_char(out, 0x10000 + ((unit & 0x3ffu) << 10 | (next & 0x3ffu)));
            i++;
        } else if (unit >= 0xdc00 && i == 0) {
            text->low = (uint16_t)unit;
        } else if (unit < 0xdc00 && i + 1 == n && octets.n % 2 == 0) {
            text->high = (uint16_t)unit;
        } else {
            out = put_bad(out, text);
        }
    }
    return octets.n % 2 ? put_bad(out, text) : out;
}

int32_t sms_text_decode(uint8_t alphabet, uint32_t tables, struct hilo_str octets, uint32_t header, char *out,
                        uint64_t cap, struct sms_text *text)
{
    char *p = out;
    uint64_t i;

    if (cap / 4 <= octets.n)
        return HILO_BUG;
    memset(text, 0, sizeof *text);
    switch (alphabet) {
    case SMS_ALPHABET_GSM:
    case SMS_ALPHABET_GSM_PACKED:
        p = decode_gsm(octets, alphabet == SMS_ALPHABET_GSM_PACKED, header, tables, out, text);
        break;
    case SMS_ALPHABET_ASCII:
    case SMS_ALPHABET_LATIN1:
        for (i = 0; i < octets.n; i++)
            p = put_char(p, (uint8_t)octets.p[i]);
        break;
    case SMS_ALPHABET_UCS2:
        p = decode_utf16(octets, out, text);
        break;
    default:
        return HILO_BUG;
    }
    text->text = (struct hilo_str){out, (uint64_t)(p - out)};
    return HILO_OK;
}
