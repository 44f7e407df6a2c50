/*
 * WAV (RIFF): files of the operator and the output of speech programs are read, recordings are written.
 *
 * Pure functions over bytes that anybody may have made; no thread, no file. A sound that is read lies in the
 * file's own bytes, which must outlive it. Read: PCM of 8 or 16 bits, G.711 A-law and mu-law, any rate, one
 * or two channels, by WAVEFORMAT and WAVEFORMATEXTENSIBLE; chunks in any order, unknown ones passed over. A
 * data chunk that says to be longer than the file (a program that wrote into a pipe, a recording that broke
 * off) ends where the file does.
 */
#ifndef VOICE_WAV_H
#define VOICE_WAV_H

#include <stddef.h>
#include <hilo/types.h>

enum wav_coding { WAV_U8 = 1, WAV_S16, WAV_ALAW, WAV_MULAW };
enum { WAV_RATE_MIN = 4000, WAV_RATE_MAX = 192000 };
enum { WAV_HEAD = 44 };                        /* octets of what wav_head() writes */
enum { WAV_DATA_MAX = 0x7ffffff0 - WAV_HEAD }; /* octets of sound in one file, that all programs can read */

struct wav {
    enum wav_coding coding;
    uint32_t rate;        /* samples a second of one channel, WAV_RATE_MIN to WAV_RATE_MAX */
    uint32_t channels;    /* 1 or 2 */
    uint64_t n;           /* frames: a sample of each channel; may be 0 */
    struct hilo_str data; /* n frames exactly; borrowed from the file's bytes */
};

/* NULL and *out; or what is wrong, in words for an operator that fit behind a file's name ("… is not a WAV
 * file: …"), with *out untouched. */
const char *wav_read(struct hilo_str file, struct wav *out);
/* Frames from, … from + n - 1 as 16-bit samples of one channel (the mean of two), at the file's own rate.
 * They must be there: from + n <= n of the wav. */
void wav_mono(const struct wav *, uint64_t from, uint64_t n, int16_t *out);
/* One channel, 0 or 1, alone. */
void wav_channel(const struct wav *, uint32_t channel, uint64_t from, uint64_t n, int16_t *out);

/* The head of a file of PCM, 16 bits, with so many octets of data behind it. */
void wav_head(uint32_t rate, uint32_t channels, uint32_t data_bytes, unsigned char out[WAV_HEAD]);

#endif
