/* A cursor is kind, bytes and a CRC32C, in base64url without padding (RFC 4648 §5). The
 * checksum is against mistakes, not against malice: a forged cursor shows nothing that
 * its holder could not list anyway. */
#include "api/cursor.h"
#include "base/str.h"
#include <isa-l/crc.h>
#include <string.h>

static const char cursor__digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static uint32_t cursor__sum(const uint8_t *p, size_t n)
{
    unsigned char in[CURSOR_MAX + 1];

    memcpy(in, p, n);
    /* Inverted, or a sum whose last byte is 0 would fit its text cut by one byte, too. */
    return ~crc32_iscsi(in, (int)n, 0x68696c6f);
}

struct hilo_str cursor_encode(struct arena *arena, char kind, struct hilo_str bytes)
{
    uint8_t raw[CURSOR_MAX + 8];
    size_t n = 0, o = 0;
    uint32_t sum;
    char *out;

    if (bytes.n == 0 || bytes.n > CURSOR_MAX)
        return (struct hilo_str){NULL, 0};
    raw[n++] = (uint8_t)kind;
    memcpy(raw + n, bytes.p, (size_t)bytes.n);
    n += (size_t)bytes.n;
    sum = cursor__sum(raw, n);
    for (unsigned i = 0; i < 4; i++)
        raw[n++] = (uint8_t)(sum >> (8 * i));
    raw[n] = raw[n + 1] = 0;
    out = arena_alloc(arena, n / 3 * 4 + 5);
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)raw[i] << 16 | (uint32_t)raw[i + 1] << 8 | raw[i + 2];
        unsigned digits = n - i >= 3 ? 4 : (unsigned)(n - i) + 1;
        for (unsigned d = 0; d < digits; d++)
            out[o++] = cursor__digits[(v >> (18 - 6 * d)) & 63];
    }
    return str_n(out, o);
}

bool cursor_decode(struct arena *arena, char kind, struct hilo_str text, struct hilo_str *out)
{
    uint8_t raw[CURSOR_MAX + 8];
    size_t n = 0;
    uint32_t v = 0, sum = 0;
    unsigned bits = 0;

    if (text.n > (CURSOR_MAX + 5) * 4 / 3)
        return false;
    for (uint64_t i = 0; i < text.n; i++) {
        const char *d = text.p[i] ? strchr(cursor__digits, text.p[i]) : NULL;
        if (!d)
            return false;
        v = (v << 6 | (uint32_t)(d - cursor__digits)) & 0xffffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            raw[n++] = (uint8_t)(v >> bits);
        }
    }
    /* What is left over must be zero, or two texts would be one cursor. */
    if (bits >= 6 || (v & ((1u << bits) - 1)) || n < 6 || raw[0] != (uint8_t)kind)
        return false;
    for (unsigned i = 0; i < 4; i++)
        sum |= (uint32_t)raw[n - 4 + i] << (8 * i);
    if (cursor__sum(raw, n - 4) != sum)
        return false;
    *out = str_n(arena_dup(arena, raw + 1, n - 5), n - 5);
    return true;
}
