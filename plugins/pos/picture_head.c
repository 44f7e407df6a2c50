/*
 * A decoder makes room for as many pixels as the head claims: a file of a few hundred bytes can ask for
 * gigabytes. So the claim is read first, by nothing but comparisons.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "picture_head.h"

#include <string.h>

/* ---- numbers; the caller knows that they are there ---------------------------------------------------- */

static uint32_t be16(const uint8_t *p)
{
    return (uint32_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
    return be16(p) << 16 | be16(p + 2);
}

static uint32_t le16(const uint8_t *p)
{
    return (uint32_t)(p[1] << 8 | p[0]);
}

static uint32_t le24(const uint8_t *p)
{
    return le16(p) | (uint32_t)p[2] << 16;
}

static uint32_t le32(const uint8_t *p)
{
    return le16(p) | le16(p + 2) << 16;
}

/* ---- JPEG (ITU T.81, annex B; EXIF 2.3, 4.6) -------------------------------------------------------------
 */

/* The orientation in a TIFF structure; 1: none, or it can't be read. */
static uint8_t tiff_turn(const uint8_t *p, size_t n)
{
    bool little;
    uint32_t at, count, i;

    if (n < 8 || (memcmp(p, "II*\0", 4) != 0 && memcmp(p, "MM\0*", 4) != 0))
        return 1;
    little = p[0] == 'I';
    at = little ? le32(p + 4) : be32(p + 4);
    if (at > n || n - at < 2)
        return 1;
    count = little ? le16(p + at) : be16(p + at);
    at += 2;
    for (i = 0; i < count && at <= n && n - at >= 12; i++, at += 12) {
        uint32_t tag = little ? le16(p + at) : be16(p + at),
                 value = little ? le16(p + at + 8) : be16(p + at + 8);

        if (tag == 0x0112)
            return value >= 1 && value <= 8 ? (uint8_t)value : 1;
    }
    return 1;
}

static bool jpeg_head(const uint8_t *p, size_t n, struct pos_picture_head *out)
{
    size_t at = 2;

    while (n - at >= 4) {
        uint8_t marker = p[at + 1];
        uint32_t len;

        if (p[at] != 0xff)
            return false;
        if (marker == 0xff) { /* fill */
            at++;
            continue;
        }
        if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) { /* without a length */
            at += 2;
            continue;
        }
        len = be16(p + at + 2);
        if (len < 2 || len > n - at - 2 || marker == 0xd9 || marker == 0xda)
            return false;
        if (marker == 0xe1 && len >= 8 && memcmp(p + at + 4, "Exif\0\0", 6) == 0)
            out->turn = tiff_turn(p + at + 10, len - 8);
        /* SOF0 to SOF15, but for DHT, JPG and DAC, which have numbers in between. */
        if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc) {
            if (len < 7)
                return false;
            out->height = be16(p + at + 5);
            out->width = be16(p + at + 7);
            return true;
        }
        at += 2 + (size_t)len;
    }
    return false;
}

/* ---- the others ------------------------------------------------------------------------------------------
 */

/* RFC 9649: lossy, lossless, extended. */
static bool webp_head(const uint8_t *p, size_t n, struct pos_picture_head *out)
{
    if (n < 30)
        return false;
    if (memcmp(p + 12, "VP8 ", 4) == 0) {
        out->width = le16(p + 26) & 0x3fff;
        out->height = le16(p + 28) & 0x3fff;
    } else if (memcmp(p + 12, "VP8L", 4) == 0) {
        uint32_t bits = le32(p + 21);

        out->width = (bits & 0x3fff) + 1;
        out->height = (bits >> 14 & 0x3fff) + 1;
    } else if (memcmp(p + 12, "VP8X", 4) == 0) {
        out->width = le24(p + 24) + 1;
        out->height = le24(p + 27) + 1;
    } else {
        return false;
    }
    return true;
}

bool pos_picture_head(struct hilo_str file, struct pos_picture_head *out)
{
    const uint8_t *p = (const uint8_t *)file.p;
    struct pos_picture_head head = {.turn = 1};
    bool ok = false;

    if (file.n >= 4 && p[0] == 0xff && p[1] == 0xd8) {
        head.kind = POS_PICTURE_JPEG;
        ok = jpeg_head(p, file.n, &head);
    } else if (file.n >= 24 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0 && memcmp(p + 12, "IHDR", 4) == 0) {
        head.kind = POS_PICTURE_PNG;
        head.width = be32(p + 16);
        head.height = be32(p + 20);
        ok = true;
    } else if (file.n >= 10 && (memcmp(p, "GIF87a", 6) == 0 || memcmp(p, "GIF89a", 6) == 0)) {
        head.kind = POS_PICTURE_GIF;
        head.width = le16(p + 6);
        head.height = le16(p + 8);
        ok = true;
    } else if (file.n >= 16 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0) {
        head.kind = POS_PICTURE_WEBP;
        ok = webp_head(p, file.n, &head);
    }
    if (!ok || head.width == 0 || head.height == 0)
        return false;
    *out = head;
    return true;
}
