/*
 * Sound in memory: 8,000 samples a second, signed 16 bits, one channel. Shared between the
 * threads of the plugin and never changed once shared; the last one to let go frees it.
 */
#ifndef VOICE_PCM_H
#define VOICE_PCM_H

#include <stdatomic.h>
#include <stdint.h>

enum { VOICE_RATE = 8000, VOICE_PTIME_MS = 20, VOICE_FRAME = VOICE_RATE * VOICE_PTIME_MS / 1000 };

struct pcm {
    _Atomic uint32_t holders;
    uint32_t n; /* samples */
    int16_t sample[];
};

/* n samples of silence, with one holder; NULL: no memory. */
struct pcm *pcm_new(uint32_t n);
struct pcm *pcm_hold(struct pcm *);
void pcm_drop(struct pcm *); /* NULL is fine */

#endif
