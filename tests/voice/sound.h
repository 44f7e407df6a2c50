/*
 * Sound for the tests of the voice channel, of their own making: WAV files, speech by espeak-ng, and whether
 * one was heard within another (normalised cross-correlation). Shares nothing with the plugin.
 */
#ifndef TESTS_VOICE_SOUND_H
#define TESTS_VOICE_SOUND_H

#include <stdbool.h>
#include <stddef.h>

enum { SOUND_RATE = 8000 };

/* Samples from -1 to 1, 8,000 a second. */
struct sound {
    float *sample;
    size_t n;
};

/* A WAV file (PCM 16 bits, any rate), one of its channels. Samples are taken to the file's end, as one that
 * is still written has no true length in its head. An empty sound if it holds none yet. */
struct sound sound_read(const char *path, unsigned channel);
/* The same of a WAV in memory; *channels is how many it has. Asserts that its head says how long it is. */
struct sound sound_of(const void *wav, size_t n, unsigned channel, unsigned *channels);
/* Speech: espeak-ng's, by voice and words a minute. dir: for its file. */
struct sound sound_say(const char *dir, const char *voice, unsigned wpm, const char *text);
struct sound sound_silence(double seconds);
struct sound sound_tone(double hz, double seconds);
/* The second behind the first, which is freed. */
struct sound sound_then(struct sound, const struct sound *);
/* PCM 16 bits, 8,000 a second, one channel. */
void sound_write(const struct sound *, const char *path);
void sound_done(struct sound *);

/* Where, from sample `from` on, `said` is heard: its first sample, or -1. *score is how alike they are, 0 to
 * 1, pause by pause: what was lost or put in between on the way costs only where it was. *upto (may be NULL):
 * up to where it was searched; the next search over a longer sound may begin there. */
long sound_find(const struct sound *heard, const struct sound *said, size_t from, double *score,
                size_t *upto);
enum { SOUND_ALIKE_PERCENT = 70 };

#endif
