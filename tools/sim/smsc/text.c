/* Characters of short messages: the GSM 03.38 default alphabet, its extension and the Spanish and Portuguese
 * single shift tables, typed from the specification; UTF-16BE; Latin-1. */
#include "smsc.h"

#include <string.h>

static const uint16_t gsm[128] = {
    '@',   0xa3, '$',   0xa5,  0xe8,  0xe9,  0xf9,  0xec,  0xf2,  0xc7,  '\n',  0xd8, 0xf8, '\r', 0xc5, 0xe5,
    0x394, '_',  0x3a6, 0x393, 0x39b, 0x3a9, 0x3a0, 0x3a8, 0x3a3, 0x398, 0x39e, 0,    0xc6, 0xe6, 0xdf, 0xc9,
    ' ',   '!',  '"',   '#',   0xa4,  '%',   '&',   '\'',  '(',   ')',   '*',   '+',  ',',  '-',  '.',  '/',
    '0',   '1',  '2',   '3',   '4',   '5',   '6',   '7',   '8',   '9',   ':',   ';',  '<',  '=',  '>',  '?',
    0xa1,  'A',  'B',   'C',   'D',   'E',   'F',   'G',   'H',   'I',   'J',   'K',  'L',  'M',  'N',  'O',
    'P',   'Q',  'R',   'S',   'T',   'U',   'V',   'W',   'X',   'Y',   'Z',   0xc4, 0xd6, 0xd1, 0xdc, 0xa7,
    0xbf,  'a',  'b',   'c',   'd',   'e',   'f',   'g',   'h',   'i',   'j',   'k',  'l',  'm',  'n',  'o',
    'p',   'q',  'r',   's',   't',   'u',   'v',   'w',   'x',   'y',   'z',   0xe4, 0xf6, 0xf1, 0xfc, 0xe0};

struct shift {
    uint8_t septet;
    uint16_t c;
};
static const struct shift extension[] = {{0x0a, 0x0c}, {0x14, '^'},    {0x28, '{'}, {0x29, '}'},
                                         {0x2f, '\\'}, {0x3c, '['},    {0x3d, '~'}, {0x3e, ']'},
                                         {0x40, '|'},  {0x65, 0x20ac}, {0, 0}};
static const struct shift spanish[] = {{0x09, 0xe7}, {0x41, 0xc1}, {0x49, 0xcd}, {0x4f, 0xd3}, {0x55, 0xda},
                                       {0x61, 0xe1}, {0x69, 0xed}, {0x6f, 0xf3}, {0x75, 0xfa}, {0, 0}};
static const struct shift portuguese[] = {
    {0x05, 0xea},  {0x09, 0xe7},  {0x0b, 0xd4},  {0x0c, 0xf4},  {0x0e, 0xc1},  {0x0f, 0xe1},  {0x12, 0x3a6},
    {0x13, 0x393}, {0x15, 0x3a9}, {0x16, 0x3a0}, {0x17, 0x3a8}, {0x18, 0x3a3}, {0x19, 0x398}, {0x1f, 0xca},
    {0x41, 0xc0},  {0x49, 0xcd},  {0x4f, 0xd3},  {0x55, 0xda},  {0x5b, 0xc3},  {0x5c, 0xd5},  {0x61, 0xc2},
    {0x69, 0xed},  {0x6f, 0xf3},  {0x75, 0xfa},  {0x7b, 0xe3},  {0x7c, 0xf5},  {0x7f, 0xe2},  {0, 0}};

enum coding coding_of(uint8_t data_coding)
{
    if ((data_coding & 0xf0) == 0xf0)
        return data_coding & 4 ? CODING_BINARY : CODING_GSM;
    if (data_coding >= 0x10 && data_coding <= 0x3f)
        data_coding &= 0x0c; /* a message class: the alphabet is in bits 2 and 3 */
    switch (data_coding) {
    case 0:
        return CODING_GSM;
    case 1:
        return CODING_ASCII;
    case 3:
        return CODING_LATIN1;
    case 8:
        return CODING_UCS2;
    default:
        return CODING_BINARY;
    }
}

/* The next code point of text, which is UTF-8; U+FFFD where it is not. */
static uint32_t next(const char **text)
{
    const uint8_t *p = (const uint8_t *)*text;
    int more = p[0] < 0x80             ? 0
               : (p[0] & 0xe0) == 0xc0 ? 1
               : (p[0] & 0xf0) == 0xe0 ? 2
               : (p[0] & 0xf8) == 0xf0 ? 3
                                       : -1;
    uint32_t c = more <= 0 ? p[0] : p[0] & (0x3fu >> more);

    ++*text;
    for (; more > 0; more--) {
        p = (const uint8_t *)*text;
        if ((*p & 0xc0) != 0x80)
            return 0xfffd;
        c = c << 6 | (*p & 0x3f);
        ++*text;
    }
    return more < 0 ? 0xfffd : c;
}

static void put_utf8(struct sbuf *out, uint32_t c)
{
    uint8_t b[4];
    size_t n = 0;

    if (c < 0x80) {
        b[n++] = (uint8_t)c;
    } else if (c < 0x800) {
        b[n++] = (uint8_t)(0xc0 | c >> 6);
        b[n++] = (uint8_t)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        b[n++] = (uint8_t)(0xe0 | c >> 12);
        b[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        b[n++] = (uint8_t)(0x80 | (c & 0x3f));
    } else {
        b[n++] = (uint8_t)(0xf0 | c >> 18);
        b[n++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        b[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        b[n++] = (uint8_t)(0x80 | (c & 0x3f));
    }
    sbuf_add(out, b, n);
}

static bool put_gsm(struct sbuf *out, uint32_t c)
{
    uint8_t b[2] = {0x1b, 0};

    for (b[1] = 0; b[1] < 128 && (b[1] == 0x1b || gsm[b[1]] != c);)
        b[1]++;
    if (b[1] < 128) {
        sbuf_add(out, b + 1, 1);
        return true;
    }
    for (const struct shift *e = extension; e->c; e++)
        if (e->c == c) {
            b[1] = e->septet;
            sbuf_add(out, b, 2);
            return true;
        }
    return false;
}

static void put_u16(struct sbuf *out, uint32_t unit)
{
    const uint8_t b[2] = {(uint8_t)(unit >> 8), (uint8_t)unit};

    sbuf_add(out, b, 2);
}

bool text_encode(enum coding coding, const char *text, struct sbuf *out)
{
    uint8_t byte;
    uint32_t c;

    sbuf_add(out, "", 0);
    while (*text) {
        c = next(&text);
        byte = (uint8_t)c;
        switch (coding) {
        case CODING_GSM:
            if (!put_gsm(out, c))
                return false;
            break;
        case CODING_UCS2:
            if (c >= 0x10000) {
                put_u16(out, 0xd800 + ((c - 0x10000) >> 10));
                c = 0xdc00 + ((c - 0x10000) & 0x3ff);
            }
            put_u16(out, c);
            break;
        case CODING_LATIN1:
        case CODING_ASCII:
        case CODING_BINARY:
            if (c > (coding == CODING_ASCII ? 0x7fu : 0xffu))
                return false;
            sbuf_add(out, &byte, 1);
            break;
        }
    }
    return true;
}

static uint32_t shifted(const struct shift *table, uint8_t septet)
{
    for (; table->c; table++)
        if (table->septet == septet)
            return table->c;
    return 0;
}

static size_t decode_gsm(unsigned shift, const uint8_t *p, size_t n, uint32_t *c)
{
    if (p[0] != 0x1b) {
        *c = p[0] < 128 ? gsm[p[0]] : 0xfffd;
        return 1;
    }
    if (n == 1) {
        *c = 0xfffd;
        return 1;
    }
    *c = shifted(extension, p[1]);
    if (!*c && shift == 2)
        *c = shifted(spanish, p[1]);
    if (!*c && shift == 3)
        *c = shifted(portuguese, p[1]);
    if (!*c)
        *c = 0xfffd;
    return 2;
}

static size_t decode_utf16(const uint8_t *p, size_t n, uint32_t *c)
{
    uint32_t low;

    *c = 0xfffd;
    if (n < 2)
        return n;
    *c = (uint32_t)p[0] << 8 | p[1];
    if (*c < 0xd800 || *c > 0xdfff)
        return 2;
    low = n >= 4 ? (uint32_t)p[2] << 8 | p[3] : 0;
    if (*c < 0xdc00 && low >= 0xdc00 && low <= 0xdfff) {
        *c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
        return 4;
    }
    *c = 0xfffd;
    return 2;
}

void text_decode(enum coding coding, unsigned shift, const uint8_t *p, size_t n, struct sbuf *out)
{
    size_t used;
    uint32_t c;

    sbuf_add(out, "", 0);
    for (; n; p += used, n -= used) {
        if (coding == CODING_GSM) {
            used = decode_gsm(shift, p, n, &c);
        } else if (coding == CODING_UCS2) {
            used = decode_utf16(p, n, &c);
        } else {
            used = 1;
            c = coding == CODING_ASCII && p[0] > 0x7f ? 0xfffd : p[0];
        }
        put_utf8(out, c ? c : 0xfffd);
    }
}
