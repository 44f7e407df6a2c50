/*
 * A file is walked chunk by chunk; each chunk's length is held against what is left, so that no number in the
 * file is believed. Numbers are little-endian. SPDX-License-Identifier: Apache-2.0
 */
#include "wav.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>
#include <spandsp/telephony.h>
#include <spandsp/bit_operations.h>
#include <spandsp/g711.h>

enum { RIFF_HEAD = 12, CHUNK_HEAD = 8, FMT_MIN = 16, FMT_EXTENSIBLE = 40 };
enum { TAG_PCM = 1, TAG_ALAW = 6, TAG_MULAW = 7, TAG_EXTENSIBLE = 0xfffe };

static uint32_t le16(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t le32(const unsigned char *p)
{
    return le16(p) | le16(p + 2) << 16;
}

static void put16(unsigned char *p, uint32_t v)
{
    p[0] = (unsigned char)v;
    p[1] = (unsigned char)(v >> 8);
}

static void put32(unsigned char *p, uint32_t v)
{
    put16(p, v);
    put16(p + 2, v >> 16);
}

static uint32_t wav_octets(enum wav_coding coding)
{
    return coding == WAV_S16 ? 2 : 1;
}

/* The tail of a format's GUID, behind its number. */
static const unsigned char wav_guid[14] = {0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80,
                                           0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71};

static const char *wav_fmt(const unsigned char *p, uint64_t n, struct wav *w)
{
    uint32_t tag, bits;

    if (n < FMT_MIN)
        return "its format (fmt) is cut off";
    tag = le16(p);
    bits = le16(p + 14);
    if (tag == TAG_EXTENSIBLE) {
        if (n < FMT_EXTENSIBLE || memcmp(p + 26, wav_guid, sizeof wav_guid) != 0)
            return "its coding is unknown; save it as PCM of 16 bits";
        tag = le16(p + 24);
    }
    if (tag == TAG_PCM && bits == 8)
        w->coding = WAV_U8;
    else if (tag == TAG_PCM && bits == 16)
        w->coding = WAV_S16;
    else if (tag == TAG_ALAW && bits == 8)
        w->coding = WAV_ALAW;
    else if (tag == TAG_MULAW && bits == 8)
        w->coding = WAV_MULAW;
    else
        return "its coding is neither PCM of 8 or 16 bits nor G.711; save it as PCM of 16 bits";
    w->channels = le16(p + 2);
    if (w->channels < 1 || w->channels > 2)
        return "it has neither one nor two channels; save it with one";
    w->rate = le32(p + 4);
    if (w->rate < WAV_RATE_MIN || w->rate > WAV_RATE_MAX)
        return "its rate is out of reach; save it with 8,000 samples a second";
    if (le16(p + 12) != w->channels * wav_octets(w->coding))
        return "its format (fmt) contradicts itself; save it anew as PCM of 16 bits";
    return NULL;
}

const char *wav_read(struct hilo_str file, struct wav *out)
{
    const unsigned char *p = (const unsigned char *)file.p, *data = NULL;
    struct wav w = {0};
    uint64_t at = RIFF_HEAD, n, data_n = 0;
    const char *why;

    if (file.n < RIFF_HEAD || memcmp(p, "RIFF", 4) != 0 || memcmp(p + 8, "WAVE", 4) != 0)
        return "it does not begin as one (RIFF … WAVE)";
    /* The first of each counts; what RIFF says of the whole length is no use to anybody. */
    while (file.n - at >= CHUNK_HEAD && !(w.coding && data)) {
        n = le32(p + at + 4);
        at += CHUNK_HEAD;
        if (!w.coding && memcmp(p + at - CHUNK_HEAD, "fmt ", 4) == 0) {
            if (n > file.n - at)
                return "its format (fmt) is cut off";
            why = wav_fmt(p + at, n, &w);
            if (why)
                return why;
        } else if (!data && memcmp(p + at - CHUNK_HEAD, "data", 4) == 0) {
            data = p + at;
            data_n = n < file.n - at ? n : file.n - at;
        }
        n += n & 1; /* chunks begin at even places */
        if (n >= file.n - at)
            break;
        at += n;
    }
    if (!w.coding)
        return "it has no format (fmt)";
    if (!data)
        return "it has no sound (data)";
    n = w.channels * wav_octets(w.coding);
    w.n = data_n / n;
    w.data = (struct hilo_str){(const char *)data, w.n * n};
    *out = w;
    return NULL;
}

static int16_t wav_sample(const struct wav *w, uint64_t i)
{
    const unsigned char *p = (const unsigned char *)w->data.p + i * wav_octets(w->coding);

    switch (w->coding) {
    case WAV_U8:
        return (int16_t)((*p - 128) * 256);
    case WAV_S16:
        return (int16_t)le16(p);
    case WAV_ALAW:
        return alaw_to_linear(*p);
    case WAV_MULAW:
        return ulaw_to_linear(*p);
    }
    return 0;
}

void wav_channel(const struct wav *w, uint32_t channel, uint64_t from, uint64_t n, int16_t *out)
{
    uint64_t i;

    assert(channel < w->channels && from <= w->n && n <= w->n - from);
    for (i = 0; i < n; i++)
        out[i] = wav_sample(w, (from + i) * w->channels + channel);
}

void wav_mono(const struct wav *w, uint64_t from, uint64_t n, int16_t *out)
{
    uint64_t i;

    assert(from <= w->n && n <= w->n - from);
    if (w->channels == 1) {
        wav_channel(w, 0, from, n, out);
        return;
    }
    for (i = 0; i < n; i++)
        out[i] = (int16_t)((wav_sample(w, (from + i) * 2) + wav_sample(w, (from + i) * 2 + 1)) / 2);
}

void wav_head(uint32_t rate, uint32_t channels, uint32_t data_bytes, unsigned char out[WAV_HEAD])
{
    memcpy(out, "RIFF", 4);
    put32(out + 4, data_bytes + WAV_HEAD - CHUNK_HEAD);
    memcpy(out + 8, "WAVEfmt ", 8);
    put32(out + 16, FMT_MIN);
    put16(out + 20, TAG_PCM);
    put16(out + 22, channels);
    put32(out + 24, rate);
    put32(out + 28, rate * channels * 2);
    put16(out + 32, channels * 2);
    put16(out + 34, 16);
    memcpy(out + 36, "data", 4);
    put32(out + 40, data_bytes);
}
